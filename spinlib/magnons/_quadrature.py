"""Integrals over a magnon band: nodes that see neither the square root nor the pole."""

from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

__all__ = ["LONGEST", "bose", "expansion", "graded", "unit_interval"]

_Real = NDArray[np.float64]

LONGEST = 45.0  # where exp(-y) ends: below the rounding of the integral
_POINTS = 240  # of the graded rule; its integrand is analytic up to a distance pi/4 of an interval of length < 20


def bose(y: _Real) -> _Real:
    """Return 1/(exp(y) - 1) for y > 0; it vanishes for a large y, where exp(y) overflows.

    >>> float(bose(np.array(1e4)))
    0.0
    """
    return np.asarray(np.exp(-y) / -np.expm1(-y))


@lru_cache(maxsize=32)
def unit_interval(points: int) -> tuple[_Real, _Real]:
    """Return the Gauss-Legendre nodes and weights of [0, 1].

    >>> q, weight = unit_interval(2)
    >>> round(float(weight @ q**3), 12)
    0.25
    """
    node, weight = legendre.leggauss(points)
    q, share = (1 + node) / 2, weight / 2
    for array in (q, share):
        array.flags.writeable = False
    return q, share


def expansion(values: _Real) -> _Real:
    """Return the Legendre coefficients ``(points, ...)`` of the polynomial through ``values`` at the nodes.

    >>> q, _ = unit_interval(3)
    >>> [round(float(c), 12) + 0.0 for c in expansion(2 * q - 1)]
    [0.0, 1.0, 0.0]
    """
    q, weight = unit_interval(len(values))
    degree = np.arange(len(values))
    basis = legendre.legvander(2 * q - 1, len(values) - 1)
    return np.asarray(np.tensordot(((2 * degree + 1) * basis * weight[:, None]).T, values, 1))


def graded(below: _Real, above: _Real) -> tuple[_Real, _Real]:
    """Return nodes x ``(..., points)`` of (0, 1) and weights of the integral of sqrt(x) f(below + above x).

    The rule is for f like 1/(exp(y) - 1), whose pole at y = 0 lies ``below`` > 0 in front of the interval: with
    sqrt(x) = sqrt(below/above) sinh(u) it moves to u = i pi/2. What f ~ exp(-y) leaves beyond y = below + 45 is cut.

    >>> x, weight = graded(np.array(1e-6), np.array(1.0))
    >>> round(float(weight @ (1 / (1e-6 + x))), 12), round(2 - 2e-3 * float(np.arctan(1e3)), 12)
    (1.996860407346, 1.996860407346)
    """
    scale = np.sqrt(below / above)[..., None]
    last = np.arcsinh(np.sqrt(np.minimum(1.0, LONGEST / above))[..., None] / scale)
    node, weight = unit_interval(_POINTS)
    u = last * node
    q = scale * np.sinh(u)
    return np.asarray(q**2), np.asarray(2 * q**2 * scale * np.cosh(u) * last * weight)
