"""Timing and choice of settings that the benchmarks share."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def median_time(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median time of ``function`` in seconds and its last value; one call warms up."""
    value = function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        times.append(time.perf_counter() - start)
    return float(np.median(times)), value


def first_within(errors: Sequence[float], target: float) -> int | None:
    """Return the first place from which on ``errors`` stay within ``target``, or None: one good error may be luck."""
    good = [all(error <= target for error in errors[k:]) for k in range(len(errors))]
    return good.index(True) if any(good) else None
