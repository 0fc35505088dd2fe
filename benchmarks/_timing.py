"""What the benchmarks share: two codes timed in turn, the choice of a setting, and the rows of a report."""

import json
import platform
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from math import ceil
from types import FrameType
from typing import Any

import numpy as np

__all__ = [
    "APPROXIMATE",
    "ONCE",
    "RATES",
    "ROUNDING",
    "TIMED",
    "UNTRIED",
    "Code",
    "alternate",
    "answered",
    "clock",
    "first_within",
    "least_time",
    "print_report",
    "row",
    "scaling",
    "shares",
    "spread",
]

ONCE = "--once" in sys.argv  # nothing is repeated, and costly problems are small or left out: for the errors alone
ROUNDS, PATIENCE = 15, 4.0  # rounds at most, seconds after which no further one starts
FEWEST = 6  # rounds at least, as many with either code first
SHORTEST = 5e-3  # seconds of a round at least, filled with calls
TIMED, MISSING, UNTRIED = "timed", "missing", "not tried further"
ROUNDING, APPROXIMATE = "cannot, rounding", "cannot, an approximation"
"""Why a code has no time, or that it has one."""

RATES: dict[str, tuple[float, str]] = {}
"""The rates that this run has measured, with their units."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Code:
    """One code at the setting chosen for it; ``run`` returns the seconds of one run, or ``outcome`` says why not."""

    setting: str
    error: float | None
    run: Clock | None
    name: str = "spinlib"
    package: str = "spinlib"
    version: str = ""
    note: str = ""
    outcome: str = TIMED


def clock(function: Callable[[], Any]) -> Clock:
    """Return a function that calls ``function`` and returns the seconds it took."""

    def run() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return run


def repeated(run: Clock) -> Clock:
    """Return what fills a round with calls of ``run`` and returns the mean of their seconds; it is warm then."""
    first = run()
    if first < 100 * SHORTEST:
        first = run()
    count = max(1, ceil(SHORTEST / max(first, 1e-9)))
    return run if count == 1 else lambda: sum(run() for _ in range(count)) / count


def alternate(*runs: Clock) -> list[list[float]]:
    """Return the seconds of each of ``runs`` round by round, in turn forwards and backwards: A B, B A, A B, ..."""
    times: list[list[float]] = [[] for _ in runs]
    whole = list(runs) if ONCE else [repeated(run) for run in runs]
    start = time.perf_counter()
    while len(times[0]) < (1 if ONCE else ROUNDS):
        if len(times[0]) >= FEWEST and time.perf_counter() - start > PATIENCE:
            break
        for k in range(len(whole))[:: -1 if len(times[0]) % 2 else 1]:
            times[k].append(whole[k]())
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


def answered(peer: Any, name: str, make: Callable[[], Code]) -> Code:
    """Return what ``make`` finds out about a peer, or the peer without a time where it is not there or has ended."""
    if not peer.missing:
        try:
            return make()
        except ConnectionError as lost:
            peer.missing = str(lost)
    return Code("", None, None, name, peer.title, peer.version, peer.missing, MISSING)


def shares(run: Clock, seconds: float = 0.3) -> dict[str, float]:
    """Return the share of each module of the house in its time, from samples of the stack each millisecond."""
    found: dict[str, float] = defaultdict(float)
    last = [time.perf_counter()]

    def sample(_: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_globals.get("__name__", "").startswith("spinlib"):
            frame = frame.f_back
        now = time.perf_counter()  # a long call of compiled code is seen once, when it ends
        found[frame.f_globals["__name__"].removeprefix("spinlib.") if frame else "others"] += now - last[0]
        last[0] = now

    before = signal.signal(signal.SIGALRM, sample)
    signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
    try:
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return {name: share / sum(found.values()) for name, share in found.items()}


def row(problem: str, target: float, ours: Code, theirs: Code | None, limit: tuple[str, float] | str) -> dict[str, Any]:
    """Return one problem with the house and one peer, timed in turn.

    ``limit`` names a part of the work and the seconds that it takes here, or says why there is none to compare with.
    """
    assert ours.run is not None
    times = None
    if theirs is not None and theirs.run is not None:
        try:
            times = alternate(ours.run, theirs.run)
        except ConnectionError as lost:
            theirs = replace(theirs, run=None, note=str(lost), outcome=MISSING)
    times = times or alternate(ours.run)
    mine = spread(times[0])
    found: dict[str, Any] = {
        "problem": problem,
        "target_error": target,
        "error": ours.error,
        "setting": ours.setting,
        "seconds": mine | {"rounds": times[0]},
        "peer": None,
        "ratio": None,
        "shares": None,
        "limit": {"why": limit}
        if isinstance(limit, str)
        else {"kind": limit[0], "fraction": limit[1] / mine["median"]},
    }
    if theirs is not None:
        keys = ("name", "package", "version", "setting", "error", "note", "outcome")
        found["peer"] = {key: getattr(theirs, key) for key in keys} | {"seconds": None}
    if len(times) == 2:
        found["peer"]["seconds"] = spread(times[1]) | {"rounds": times[1]}
        found["ratio"] = spread(other / own for own, other in zip(*times, strict=True))
        if found["ratio"]["median"] <= 1 and not ONCE:
            found["shares"] = shares(ours.run)
    return found


def scaling(
    problem: str,
    quantity: str,
    sizes: Sequence[int],
    prepare: Callable[[int], Callable[[], Any]],
    expected: float,
    *,
    limit: tuple[str, Callable[[int], float]] | None = None,
    above: str = "",
    below: str = "",
) -> dict[str, Any]:
    """Return how the time of the house grows; ``prepare(size)`` returns what is timed, ``limit`` the least seconds.

    The exponent is the slope of log seconds over log size of the three largest sizes. ``above`` and ``below`` say what
    makes it larger and smaller than ``expected``; where neither does, it has to be as expected.
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
        "above": above,
        "below": below,
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
    report = {"name": name, "error": error, "reference": reference, "versions": versions, "rates": RATES}
    print(json.dumps(report | {"rows": list(rows), "scaling": list(growth)}, allow_nan=False))
