"""Equations y' = F(t, y) for one unknown, with F concave and never rising in y, on panels of time.

On a panel y is a polynomial of the degree ``_POINTS`` that obeys the equation at Radau's points (Radau IIA, order
2 _POINTS - 1, L-stable). Newton's method takes all panels at once: as F is concave, it comes down to the solution from
any guess. Where the panels are too coarse for that, it takes one after the other. Panels are halved until their last
Legendre coefficients are below the tolerance; errors do not grow with time, since F never rises in y.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from spinlib.magnons._radau import radau

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

__all__ = ["solve"]

_Real = NDArray[np.float64]
_Law = Callable[[_Real], Callable[[_Real], tuple[_Real, _Real]]]

_POINTS = 9
_FIRST = 24  # fewest panels to begin with
_MOST = 20  # steps of Newton's method
_LIMIT = 50_000  # panels more than to begin with


@lru_cache(maxsize=1)
def _rule() -> tuple[_Real, _Real, _Real, _Real]:
    """Return Radau's points as shares of a panel, and three matrices.

    The first integrates from the start of the panel up to the points. The others make Legendre coefficients of the
    values at the start and at the points, and of these the coefficients of powers of the share, the highest first.
    """
    ends, to_legendre = radau(_POINTS)
    points = ends[1:]
    integrals = legendre.legint(np.eye(_POINTS), lbnd=-1, axis=0)
    integrate = legendre.legval(points, integrals).T @ np.linalg.inv(legendre.legvander(points, _POINTS - 1)) / 2
    to_powers = np.zeros((_POINTS + 1, _POINTS + 1))
    for degree in range(_POINTS + 1):
        series = legendre.Legendre.basis(degree, domain=[0, 1]).convert(kind=np.polynomial.Polynomial)
        to_powers[_POINTS - degree :, degree] = series.coef[::-1]
    return (points + 1) / 2, integrate, to_legendre, to_powers


def solve(law: _Law, start: float, guess: float, cuts: _Real, tolerance: float) -> "PPoly":
    """Return the solution between the first and the last of ``cuts``.

    Args:
        law: function of times ``(K, _POINTS)`` that returns a function of y, of this shape, which gives F and dF/dy.
        start: y at the first time.
        guess: of y at all times.
        cuts: increasing times; all are edges of panels, so kinks of F belong here.
        tolerance: of y; a share of |y| where that is above 1.

    Raises:
        RuntimeError: no panels are short enough, as for a law with noise.

    >>> decay = solve(lambda t: lambda y: (-y, -np.ones_like(y)), 1.0, 0.0, np.array([0.0, 30.0]), 1e-12)
    >>> bool(np.abs(decay([0.7, 30.0]) - np.exp([-0.7, -30.0])).max() < 1e-11)
    True
    """
    from scipy.interpolate import PPoly  # only those who solve pay for the import

    _, _, to_legendre, to_powers = _rule()
    pieces = ceil(_FIRST / (len(cuts) - 1))
    inner = [np.linspace(*ends, pieces, endpoint=False) for ends in pairwise(cuts)]
    edges = np.unique(np.append(np.concatenate(inner), cuts[-1]))  # cuts next to each other leave no room for pieces
    shortest, most = 4e-15 * np.abs(cuts).max(), len(edges) + _LIMIT
    y = np.full((len(edges) - 1, _POINTS), guess)
    while True:
        values, settled = _newton(law, start, y, edges, tolerance)
        if not settled:
            edges, values = _march(law, start, edges, tolerance, shortest, most)
        coefficients = to_legendre @ values
        h = np.diff(edges)
        found = PPoly(to_powers @ coefficients / h ** np.arange(_POINTS, -1.0, -1.0)[:, None], edges)
        coarse = _coarse(values, tolerance) & (h > shortest)
        if not (settled and coarse.any()):
            return found
        edges = np.sort(np.append(edges, (edges[:-1] + h / 2)[coarse]))
        _refuse(len(edges), most)
        y = found(_times(edges))


def _times(edges: _Real) -> _Real:
    """Return the times ``(K, _POINTS)`` of Radau's points."""
    return np.asarray(edges[:-1, None] + np.diff(edges)[:, None] * _rule()[0])


def _coarse(values: _Real, tolerance: float) -> NDArray[np.bool_]:
    """Return which panels ``(K,)`` do not resolve y, of values at their starts and points ``(_POINTS + 1, K)``."""
    last = np.abs(_rule()[2][-2:] @ values).max(axis=0)
    return np.asarray(last > tolerance * np.maximum(1.0, np.abs(values).max(axis=0)))


def _newton(law: _Law, start: float, y: _Real, edges: _Real, tolerance: float) -> tuple[_Real, bool]:
    """Return y at the starts and points of the panels ``(_POINTS + 1, K)``, and whether Newton's method settled."""
    rate, integrate = law(_times(edges)), _rule()[1]
    h = np.diff(edges)[:, None]
    starts = np.empty(len(h))
    settled = False
    for _ in range(_MOST):
        slope, climb = rate(y)
        # y = y_start + integral of (F + dF/dy (y_new - y)), which is y_start times the first column plus the second.
        matrices = np.eye(_POINTS) - h[:, None] * integrate * climb[:, None, :]
        right = np.stack([np.ones_like(y), h * ((slope - climb * y) @ integrate.T)], axis=2)
        columns = np.linalg.solve(matrices, right)
        value = start
        for panel, (kept, gained) in enumerate(columns[:, -1].tolist()):
            starts[panel] = value
            value = kept * value + gained
        new = starts[:, None] * columns[..., 0] + columns[..., 1]
        change, y = np.abs(new - y).max(), new
        # The change of the next step would be of the order of the square of this one.
        settled = bool(change < 1e-3 * tolerance**0.5 * max(1.0, np.abs(y).max()))
        if settled:
            break
    return np.vstack([starts, y.T]), settled


def _refuse(edges: int, most: int) -> None:
    """Refuse more than ``most`` edges of panels."""
    if edges > most:
        raise RuntimeError("no panels of time are short enough: pass temperatures smooth between their breakpoints")


def _march(law: _Law, start: float, edges: _Real, tolerance: float, shortest: float, most: int) -> tuple[_Real, _Real]:
    """Return edges and values of panels that are solved one after the other, each halved until it is resolved."""
    ahead = [*pairwise(edges.tolist())][::-1]
    passed, kept = [float(edges[0])], []
    while ahead:
        left, right = ahead.pop()
        values, settled = _newton(law, start, np.full((1, _POINTS), start), np.array([left, right]), tolerance)
        if (settled and not _coarse(values, tolerance)[0]) or right - left <= shortest:
            passed.append(right)
            _refuse(len(passed), most)
            kept.append(values)
            start = float(values[-1, 0])
        else:
            middle = (left + right) / 2
            ahead += [(middle, right), (left, middle)]
    return np.array(passed), np.hstack(kept)
