"""Timing, choice of settings and versions that the benchmarks share."""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

ONCE = "--once" in sys.argv  # nothing is repeated: for the errors alone


def median_time(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median time of ``function`` in seconds and its last value; one call warms up, or is all there is."""
    times = []
    for _ in range(1 if ONCE else repeats + 1):
        start = time.perf_counter()
        value = function()
        times.append(time.perf_counter() - start)
    return float(np.median(times[0 if ONCE else 1 :])), value


def first_within(errors: Sequence[float], target: float) -> int | None:
    """Return the first place from which on ``errors`` stay within ``target``, or None: one good error may be luck."""
    good = [all(error <= target for error in errors[k:]) for k in range(len(errors))]
    return good.index(True) if any(good) else None


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of the house, of NumPy, of further ``packages`` and of Python, as a report states them."""
    known = {name: import_module(name).__version__ for name in ("spinlib", "numpy", *packages)}
    return known | {"python": platform.python_version()}
