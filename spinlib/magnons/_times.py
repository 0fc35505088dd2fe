"""Times of the records of a solution."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import real

__all__ = ["record_times"]


def record_times(times: ArrayLike) -> NDArray[np.float64]:
    """Return ``times`` ``(T,)``, or refuse what does not increase.

    >>> record_times([0.0, 0.0])
    Traceback (most recent call last):
    ...
    ValueError: times[1] = 0 is not after times[0]: pass strictly increasing times in s
    """
    array = np.array(real("times", times, "pass times in s"))
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"times has shape {array.shape}: pass a start and at least one more time, of shape (T,)")
    for i in np.flatnonzero(np.diff(array) <= 0)[:1]:
        raise ValueError(
            f"times[{i + 1}] = {array[i + 1]:.10g} is not after times[{i}]: pass strictly increasing times in s"
        )
    return array
