"""Times of the records of a solution, and temperatures as functions of time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import positive, real

__all__ = ["record_times", "temperatures_at"]

_Real = NDArray[np.float64]


def record_times(times: ArrayLike) -> _Real:
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


def temperatures_at(name: str, temperature: Callable[[_Real], Any], times: _Real) -> _Real:
    """Return what the function ``temperature`` gives at ``times``, or refuse what is no temperature.

    >>> temperatures_at("temperature", lambda t: 300.0 - t, np.array([0.0, 400.0]))
    Traceback (most recent call last):
    ...
    ValueError: temperature(time)[1] = -100 is not positive: pass temperature(time) > 0 in SI units
    """
    found = temperature(times)
    plain = isinstance(found, np.ndarray) and found.dtype == np.float64 and found.shape == times.shape
    if plain and found.min() > 0 and found.max() < np.inf:  # as it should be; the rest says what is wrong
        return np.asarray(found)
    remedy = "it is called with an array of times in s: return temperatures in K of the same shape"
    kelvin = real(f"{name}(time)", found, remedy)
    if kelvin.shape != times.shape:
        remedy += f", or wrap it in numpy.vectorize; {name} may also be a number"
        raise ValueError(f"{name}(time) has shape {kelvin.shape} for times of shape {times.shape}: {remedy}")
    return positive(f"{name}(time)", kelvin)
