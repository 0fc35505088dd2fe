"""Radau's points, at which the solvers in time obey their equations."""

from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["radau"]

_Real = NDArray[np.float64]


@lru_cache(maxsize=8)
def radau(stages: int) -> tuple[_Real, _Real]:
    """Return -1 and Radau's points of [-1, 1], ``(stages + 1,)``, and the matrix from values there to Legendre series.

    The last point is 1; the series has the highest degree last.

    >>> points, to_legendre = radau(2)
    >>> points.round(9).tolist(), (to_legendre @ points**2).round(9).tolist()
    ([-1.0, -0.333333333, 1.0], [0.333333333, 0.0, 0.666666667])
    """
    inner = np.sort(legendre.legroots([0.0] * (stages - 1) + [1.0, -1.0]).real)
    points = np.concatenate([[-1.0], inner[:-1], [1.0]])
    return points, np.linalg.inv(legendre.legvander(points, stages))
