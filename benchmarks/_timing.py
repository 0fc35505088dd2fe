"""Timing that the benchmarks share."""

import time
from collections.abc import Callable
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
