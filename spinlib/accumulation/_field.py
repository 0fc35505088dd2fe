"""Fields of a layer: one 3-vector, or a function u ``(n,)`` -> ``(n, 3)`` of the distance from its left face."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import require, shaped

__all__ = ["evaluate"]

_Real = NDArray[np.float64]


def evaluate(name: str, field: ArrayLike | Callable[[_Real], ArrayLike], u: _Real, variable: str = "u") -> _Real:
    """Return a field at distances ``(...)``, ``(..., 3)``, or refuse it by name; no magnetisation exceeds 1."""
    if callable(field):
        remedy = f"let the function return finite numbers of shape (n, 3) for {variable} of shape (n,)"
        try:
            values = field(u.ravel())
        except TypeError as error:
            raise ValueError(f"{name}({variable}) fails for an array, {error}: {remedy}") from error
        array = shaped(f"{name}({variable})", values, (u.size, 3), remedy).reshape(*u.shape, 3)
    else:
        array = np.broadcast_to(np.asarray(field, dtype=float), (*u.shape, 3))
    if name == "magnetization":
        length = np.linalg.norm(array, axis=-1)
        remedy = "pass M as a share of its saturation, |M| <= 1"
        require("|magnetization|", length, length <= 1 + 1e-9, "exceeds 1", remedy)
    return array
