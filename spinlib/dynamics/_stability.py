"""Linear stability of an equilibrium in a spin valve, and the current at which it is lost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import require
from spinlib.dynamics._sphere import around, slopes, tangents
from spinlib.dynamics._valve import ValveTorque
from spinlib.spin import cross_matrix

__all__ = ["threshold"]

_Real = NDArray[np.float64]
_Flow: TypeAlias = Callable[[_Real], _Real]
_Bracket: TypeAlias = tuple[float, _Real, float]

_COLLINEAR = 1e-9
_EQUILIBRIUM = 1e-6
_NO_TORQUE = 1e-12  # of the torque's scale: what rounding leaves
_FARTHEST = 1e3  # current, in units of the one whose torque is as strong as the field's
_STEP = 1e-3  # first of the current, in that unit
_TURN = 0.1  # rad between two points of a branch
_GROWTH = 1.2  # of the stride along it
_SHARPNESS = 1e-5  # of the current, in the search for a maximum between three points
_RESOLUTION = 1e-10
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class _Point:
    """Rates and slopes across m, solved for dm/dt; those of the torque are per unit of current."""

    basis: _Real  # (2, 3)
    field_rate: _Real
    torque_rate: _Real
    field_slope: _Real
    torque_slope: _Real

    def rate(self, current: float) -> _Real:
        return np.asarray(self.field_rate + current * self.torque_rate)

    def slope(self, current: float) -> _Real:
        return np.asarray(self.field_slope + current * self.torque_slope)

    def margins(self, current: float) -> tuple[float, float]:
        """Return the trace and minus the determinant of the slope: both negative where the point is stable."""
        slope = self.slope(current)
        return float(np.trace(slope)), -float(np.linalg.det(slope))

    def stable(self, current: float) -> bool:
        return max(self.margins(current)) < 0


def threshold(m_free: _Real, precession: _Flow, valve: ValveTorque, alpha: _Real) -> float:
    """Return the current of smallest modulus at which ``m_free`` is stable no more, or nan.

    ``precession`` is -gamma m x B; ``valve`` carries the current 1.
    """
    system = _System(precession, valve, alpha)
    here = system.at(m_free)
    size = float(np.linalg.norm(here.field_slope))
    off = np.linalg.norm(here.field_rate)
    share = off / size if size else np.inf
    remedy = "pass m_free where m x B = 0, and field in tesla"
    text = "|m_free x field| over the stiffness of the field"
    require(text, share, share <= _EQUILIBRIUM, "is not 0 to 1e-6, so m_free is no equilibrium", remedy)
    trace = np.trace(here.field_slope)
    growth = np.linalg.eigvals(here.field_slope).real.max()
    steady = trace < -1e-9 * size and here.stable(0.0)
    remedy = "pass alpha > 0 and a minimum of the energy"
    require("growth rate of m_free without current, in 1/s", growth, steady, "is not negative", remedy)
    strength = float(np.linalg.norm(here.torque_slope) + np.linalg.norm(here.torque_rate))
    if strength <= _NO_TORQUE * valve._unit:
        return np.nan
    scale = size / strength
    if np.linalg.norm(np.cross(np.asarray(valve.m_fixed), m_free)) <= _COLLINEAR:
        return _first_zero(here, _FARTHEST * scale)
    forward = system.follow(m_free, +1, scale, _FARTHEST * scale)
    backward = system.follow(m_free, -1, scale, _FARTHEST * scale if np.isnan(forward) else forward)
    return forward if np.isnan(backward) else -backward


def _first_zero(here: _Point, farthest: float) -> float:
    """Return the zero of smallest modulus of trace and determinant of the slope, as functions of the current."""
    f, t = here.field_slope, here.torque_slope
    trace = [np.trace(t), np.trace(f)]
    determinant = [np.linalg.det(t), np.trace(f) * np.trace(t) - np.trace(f @ t), np.linalg.det(f)]
    zeros = np.concatenate([np.roots(trace), np.roots(determinant)])
    zeros = zeros[np.isreal(zeros)].real
    zeros = zeros[np.abs(zeros) <= farthest]
    return float(zeros[np.abs(zeros).argmin()]) if zeros.size else np.nan


class _System:
    """The motion across m for a field and a valve, point by point."""

    def __init__(self, precession: _Flow, valve: ValveTorque, alpha: _Real) -> None:
        self._precession, self._valve, self._alpha = precession, valve, alpha

    def at(self, n: _Real) -> _Point:
        basis = tangents(n)
        _, back = self._valve.at(n)
        system = np.eye(2) - basis @ (cross_matrix(n) @ self._alpha + back) @ basis.T
        points = np.concatenate([n[None], around(n, basis).reshape(-1, 3)])
        solved = []
        for flow in (self._precession(points), self._valve(points)):
            inside: _Real = np.asarray(np.linalg.solve(system, basis @ flow.T), dtype=np.float64)  # (2, 13)
            slope = slopes(inside[:, 1:].T.reshape(2, -1, 2)).T
            solved.append((inside[:, 0], slope))
        (field_rate, field_slope), (torque_rate, torque_slope) = solved
        return _Point(basis, field_rate, torque_rate, field_slope, torque_slope)

    def equilibrium(self, n: _Real, current: float) -> tuple[_Real, _Point] | None:
        """Return the equilibrium close to ``n`` by Newton's method, or None if there is none."""
        m = n
        for _ in range(12):
            here = self.at(m)
            slope = here.slope(current)
            if np.linalg.det(slope) == 0:
                return None
            step = np.linalg.solve(slope, -here.rate(current))
            if np.linalg.norm(step) > _TURN:
                return None
            m = m + step @ here.basis
            m = m / np.linalg.norm(m)
            if np.linalg.norm(m - n) > _TURN:
                return None
            if np.linalg.norm(step) < _RESOLUTION:
                return m, here
        return None

    def follow(self, n: _Real, sign: int, scale: float, farthest: float) -> float:
        """Return the modulus of the current at which the branch of ``n`` loses stability, or nan."""
        current, step, last = 0.0, _STEP * scale, [(0.0, n, self.at(n).margins(0.0))]
        while current < farthest:
            found = self.equilibrium(n, sign * (current + step))
            if found and found[1].stable(sign * (current + step)):
                n, current, step = found[0], current + step, _GROWTH * step
                last = [*last[-2:], (current, n, found[1].margins(sign * current))]
                inside = self._between(last, sign) if len(last) == 3 else None
                if inside is not None:
                    return self._bisected(*inside, sign)
            elif step <= _RESOLUTION * max(current, _STEP * scale):
                return float(current)
            else:
                step /= 2
        return np.nan

    def _between(self, points: list[tuple[float, _Real, tuple[float, float]]], sign: int) -> _Bracket | None:
        """Return a stable and an unstable current if a maximum of a margin between three stable points exceeds 0.

        The margins are smooth along a branch, so a maximum that could reach 0 is looked for by the golden section.
        """
        margins = np.array([margin for _, _, margin in points])
        for k in range(2):
            first, middle, last = margins[:, k]
            if middle < max(first, last) or 2 * middle < min(first, last):
                continue  # no maximum, or one too far below 0 for three points to hide it
            a, b = points[0][0], points[2][0]
            while b - a > _SHARPNESS * points[2][0]:
                tried, found = [b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)], []
                for current in tried:
                    low, n, _ = points[int(current > points[1][0])]
                    there = self.equilibrium(n, sign * current)
                    if there is None:
                        return None  # between two stable points of a branch there is one
                    if not there[1].stable(sign * current):
                        return low, n, current
                    found.append(there[1].margins(sign * current)[k])
                a, b = (a, tried[1]) if found[0] > found[1] else (tried[0], b)
        return None

    def _bisected(self, low: float, n: _Real, high: float, sign: int) -> float:
        """Return the modulus of the current between a stable ``low`` at ``n`` and an unstable ``high``."""
        while high - low > _RESOLUTION * high:
            middle = (low + high) / 2
            found = self.equilibrium(n, sign * middle)
            if found and found[1].stable(sign * middle):
                low, n = middle, found[0]
            else:
                high = middle
        return low
