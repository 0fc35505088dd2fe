"""What the benchmarks share: two codes timed in turn, the choice of a setting, and the rows of a report."""

import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

__all__ = [
    "ONCE",
    "Code",
    "alternate",
    "clock",
    "first_within",
    "least_time",
    "print_report",
    "row",
    "scaling",
    "spread",
]

ONCE = "--once" in sys.argv  # nothing is repeated, and costly problems are small or left out: for the errors alone
ROUNDS, PATIENCE = 15, 4.0  # rounds at most, seconds after which no further one starts
FEWEST = 8  # rounds at least: all won by one code, they prove at one per cent that it is the faster one

Clock = Callable[[], float]


@dataclass(frozen=True)
class Code:
    """One code at the setting chosen for it; ``run`` returns the seconds of one run, None where it has no answer."""

    setting: str
    error: float | None
    run: Clock | None
    name: str = "spinlib"
    version: str = ""
    note: str = ""


def clock(function: Callable[[], Any]) -> Clock:
    """Return a function that calls ``function`` and returns the seconds it took."""

    def run() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return run


def alternate(*runs: Clock) -> list[list[float]]:
    """Return the seconds of each of ``runs``, all called in turn, round after round; one round warms up."""
    times: list[list[float]] = [[] for _ in runs]
    if not ONCE:
        for run in runs:
            run()
    start = time.perf_counter()
    while len(times[0]) < (1 if ONCE else ROUNDS):
        if len(times[0]) >= FEWEST and time.perf_counter() - start > PATIENCE:
            break
        for each, run in zip(times, runs, strict=True):
            each.append(run())
    return times


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return the median and the quartiles."""
    low, median, high = np.quantile(np.array(list(values)), [0.25, 0.5, 0.75]).tolist()
    return {"median": median, "low": low, "high": high}


def least_time(function: Callable[[], Any]) -> float:
    """Return the shortest time of ``function`` in seconds: what it costs without whatever else the machine does."""
    function()  # compiles or warms up, also where nothing is repeated
    return min(alternate(clock(function))[0])


def first_within(errors: Sequence[float], target: float) -> int | None:
    """Return the first place from which on ``errors`` stay within ``target``, or None: one good error may be luck."""
    good = [all(error <= target for error in errors[k:]) for k in range(len(errors))]
    return good.index(True) if any(good) else None


def row(problem: str, target: float, ours: Code, theirs: Code | None, limit: tuple[str, float] | str) -> dict[str, Any]:
    """Return one problem with the house and one peer, timed in turn.

    ``limit`` names what bounds any code and the seconds that it takes here, or says why there is no such bound.
    """
    assert ours.run is not None
    runs = [ours.run] if theirs is None or theirs.run is None else [ours.run, theirs.run]
    times = alternate(*runs)
    mine = spread(times[0])
    found: dict[str, Any] = {
        "problem": problem,
        "target_error": target,
        "error": ours.error,
        "setting": ours.setting,
        "seconds": mine | {"rounds": times[0]},
        "peer": None,
        "ratio": None,
        "limit": {"why": limit}
        if isinstance(limit, str)
        else {"kind": limit[0], "fraction": limit[1] / mine["median"]},
    }
    if theirs is not None:
        found["peer"] = {
            "name": theirs.name,
            "version": theirs.version,
            "setting": theirs.setting,
            "error": theirs.error,
            "seconds": None,
            "note": theirs.note,
        }
    if len(times) == 2:
        found["peer"]["seconds"] = spread(times[1]) | {"rounds": times[1]}
        found["ratio"] = spread(other / own for own, other in zip(*times, strict=True))
    return found


def scaling(
    problem: str,
    quantity: str,
    sizes: Sequence[int],
    prepare: Callable[[int], Callable[[], Any]],
    expected: float,
    *,
    limit: tuple[str, Callable[[int], float]] | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return how the time of the house grows; ``prepare(size)`` returns what is timed, ``limit`` the least seconds.

    The exponent is the slope of log seconds over log size of the three largest sizes.
    """
    used = list(sizes[:2] if ONCE else sizes)
    medians = [spread(alternate(clock(prepare(size)))[0])["median"] for size in used]
    return {
        "problem": problem,
        "quantity": quantity,
        "sizes": used,
        "seconds": medians,
        "exponent": float(np.polyfit(np.log(used[-3:]), np.log(medians[-3:]), 1)[0]),
        "expected": expected,
        "limit_kind": limit[0] if limit else None,
        "limit_seconds": [limit[1](size) for size in used] if limit else None,
        "note": note,
    }


def print_report(
    name: str,
    error: str,
    reference: str,
    rows: Sequence[dict[str, Any]],
    growth: Sequence[dict[str, Any]] = (),
    *,
    packages: Sequence[str] = (),
) -> None:
    """Print the report of a benchmark as JSON, with the versions of the house, NumPy, ``packages`` and Python."""
    versions = {each: version(each) for each in ("spinlib", "numpy", *packages)} | {"python": platform.python_version()}
    report = {"name": name, "error": error, "reference": reference, "versions": versions}
    print(json.dumps(report | {"rows": list(rows), "scaling": list(growth)}, allow_nan=False))
