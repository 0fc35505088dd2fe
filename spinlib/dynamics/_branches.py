"""Branches of stable states of the generalised LLG equation in a field that changes, and where they end."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from spinlib._table import Table
from spinlib._validate import number, positive, require, vectors
from spinlib.dynamics._equilibria import newton, stable
from spinlib.dynamics._generalized import GeneralizedLLG, rate, slope, strength
from spinlib.dynamics._sphere import length, normalised, one_direction, tangents

__all__ = ["QuasiStaticPath", "SwitchingField", "quasi_static_path", "switching_field"]

_Real: TypeAlias = NDArray[np.float64]

_LONGEST, _SHORTEST = 0.1, 1e-12  # steps along a branch: rad, and fields over the scale of the energy
_TURN = 0.05  # rad, at most in a step
_CORRECTIONS = 8
_RESOLVED = 1e-14
_EDGE = 1e-12  # of stability: a state on it counts as stable in the field that was asked for
_SLOW = 1e-9  # square of a frequency, over that of the energy: slower is no precession
_MOVING = 1e-6  # rate over the scale of the rates
_CAPTURED = 1e-3  # rad from an attractor
_KICK = 1e-6  # rad, off a state that is unstable but at rest
_STRETCH, _STRETCHES = 10.0, 40  # decay times in one stretch of a relaxation, and stretches
_PERIODIC = 1e-4  # change of the largest rate from stretch to stretch
_SLOWEST = 1e-3  # damping that a relaxation waits for


@dataclass(frozen=True)
class SwitchingField:
    """Where a stable state is lost.

    Args:
        field_energy: h = M_s V B [J] along the direction that was asked for.
        m: the state there, unit vector ``(3,)``.
        kind: "fold" where the state ceases to exist or to be restored, "hopf" where it begins to precess.
    """

    field_energy: float
    m: _Real
    kind: str


@dataclass(frozen=True)
class QuasiStaticPath(Table):
    """States at rest in a sequence of fields.

    Args:
        field_energy: h [J], ``(k, 3)``.
        m: unit vectors ``(k, 3)``; nan where the magnet precesses and is never at rest.
        switched: whether the state of the row before was lost on the way, ``(k,)``.
    """

    _vectors: ClassVar[tuple[str, ...]] = ("field_energy", "m")
    _units: ClassVar[dict[str, str]] = {"field_energy": "J"}

    field_energy: _Real
    m: _Real
    switched: NDArray[np.bool_]

    @property
    def _points(self) -> tuple[int, ...]:
        return self.switched.shape

    def _entries(self) -> Iterator[tuple[str, str, NDArray[Any]]]:
        for name in ("field_energy", "m"):
            for label, column in zip("xyz", getattr(self, name).T, strict=True):
                yield name, f"{name}_{label}", column
        yield "switched", "switched", self.switched


def switching_field(
    system: GeneralizedLLG, direction: ArrayLike, start: ArrayLike, max_field_energy: float
) -> SwitchingField:
    """Return the field along ``direction`` at which the stable state ``start`` is lost.

    The field adds -h direction.u to the energy. The branch is followed by arc length in (u, h) from h = 0, and the end
    is where the determinant of the slope (fold) or its trace (Hopf) vanishes along the arc.

    Args:
        system: the magnet without that field.
        direction: unit vector ``(3,)``.
        start: a stable fixed point without the field, unit vector ``(3,)``.
        max_field_energy: where to give up [J], positive; h = M_s V B.

    Returns:
        Record with ``field_energy`` [J], ``m`` and ``kind``.

    Raises:
        ValueError: ``start`` is not at a stable fixed point, or the branch survives ``max_field_energy``.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> uniaxial = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), alpha=0.1, mobility=1.0)
    >>> found = switching_field(uniaxial, (np.sqrt(0.5), 0, -np.sqrt(0.5)), (0, 0, 1.0), max_field_energy=2.0)
    >>> round(found.field_energy, 12), found.kind
    (0.5, 'fold')
    """
    along, n = one_direction("direction", direction), one_direction("start", start)
    farthest = number("max_field_energy", max_field_energy, positive)
    size = strength(system)
    moving = float(length(rate(system, n))) / size if size else np.inf
    remedy = "pass a stable one of fixed_points(system).m"
    text = "|dm/dt| at start over the largest rate on the sphere"
    require(text, moving, moving <= _MOVING, "is not 0 to 1e-6, so start is no fixed point", remedy)
    settled = newton(system, n[None])[0]
    steady = bool(stable(slope(system, settled, tangents(settled))))
    growth = np.linalg.eigvals(slope(system, settled, tangents(settled))).real.max()
    require("growth rate at start, in 1/s", growth, steady, "is not negative", remedy)
    state, field_energy, kind = _Branch(system, np.zeros(3), along).follow(settled, farthest)
    remedy = "pass a larger max_field_energy, or another direction"
    require("max_field_energy", farthest, kind is not None, "leaves the state stable", remedy)
    assert kind is not None
    return SwitchingField(field_energy, state, kind)


def quasi_static_path(system: GeneralizedLLG, field_energy: ArrayLike, start: ArrayLike) -> QuasiStaticPath:
    """Return the states that follow a slowly changing field: hysteresis loops under current.

    The state follows its branch as long as that is stable. Where it is lost the magnet moves by WD11 (24), in the field
    of that row, until it rests again.

    Args:
        system: the magnet without the field.
        field_energy: h [J], ``(k, 3)``; adds -h.u to the energy.
        start: unit vector ``(3,)``; the first row is the attractor that it reaches in the first field.

    Returns:
        Record with ``field_energy``, ``m`` and ``switched``. Where the motion ends on a limit cycle ``m`` is nan, with
        a warning, and the next row starts from the last state.

    Raises:
        ValueError: arguments of another shape, numbers that are not finite, or ``start`` is no unit vector.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> uniaxial = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), alpha=0.1, mobility=1.0)
    >>> sweep = quasi_static_path(uniaxial, [(0, 0, h) for h in (0.5, -0.9, -1.1, 0.9)], start=(0, 0, 1.0))
    >>> sweep.m[:, 2].round(9), sweep.switched
    (array([ 1.,  1., -1., -1.]), array([False, False,  True, False]))
    """
    fields = vectors("field_energy", field_energy)
    if fields.ndim != 2:
        raise ValueError(f"field_energy has shape {fields.shape}: pass one field for each row, of shape (k, 3)")
    last, resting = one_direction("start", start), False
    states, lost = np.full(fields.shape, np.nan), np.zeros(len(fields), dtype=bool)
    for k, here in enumerate(fields):
        if resting:
            change = here - fields[k - 1]
            distance = float(np.linalg.norm(change))
            if distance > 0:
                last, _, kind = _Branch(system, fields[k - 1], change / distance).follow(last, distance)
                lost[k] = kind is not None
        if not resting or lost[k]:
            last, resting = _relaxed(system, last, here)
        if resting:
            states[k] = last
    if np.isnan(states).any():
        text = "the magnet precesses and never rests"
        warnings.warn(f"{text} in {np.isnan(states[:, 0]).sum()} of the fields: m is nan there", stacklevel=2)
    return QuasiStaticPath(np.array(fields), states, lost)


class _Branch:
    """Fixed points in the field h_0 + p e, as a curve (u, p/scale) that is followed by its arc length."""

    def __init__(self, system: GeneralizedLLG, base: _Real, along: _Real) -> None:
        self._system, self._base, self._along = system, base, along
        self._scale = strength(system) / (system.mobility * max(1.0, system.alpha)) + float(np.linalg.norm(base))

    def follow(self, n: _Real, farthest: float) -> tuple[_Real, float, str | None]:
        """Return state and p where stability is lost and how, or the state at ``farthest`` and None."""
        p, step = 0.0, min(_LONGEST, farthest / self._scale)
        forward = np.array([0.0, 0.0, 0.0, 1.0])
        while True:
            forward = self._tangent(n, p, forward)
            there = self._moved(n, p, forward, step)
            if there is None:
                step /= 2
                if step < _SHORTEST:  # two branches meet: here the slope is singular
                    return n, p, "fold"
                continue
            if there[1] >= farthest:
                share = (farthest - p) / (there[1] - p)
                guess = normalised(n + share * (there[0] - n))
                state = newton(self._system, guess[None], self._field(farthest))[0]
                if min(self._margins(state, farthest)) > -_EDGE:
                    return state, farthest, None
                step /= 2  # lost before that
                continue
            margins = self._margins(*there)
            if min(margins) <= 0:
                return self._end(n, p, forward, step, margins)
            (n, p), step = there, min(1.5 * step, _LONGEST)

    def _field(self, p: float) -> _Real:
        return np.asarray(self._base + p * self._along)

    def _linear(self, n: _Real, p: float) -> tuple[_Real, _Real, _Real]:
        """Return basis, rate (2,) and derivatives (2, 3) along both tangents and p/scale, over L_F scale."""
        basis, unit = tangents(n), self._system.mobility * self._scale
        inside = basis @ rate(self._system, n, self._field(p)) / unit
        across = basis @ self._along
        pushed = self._system.alpha * across - np.array([-across[1], across[0]])
        matrix = slope(self._system, n, basis, self._field(p)) / unit
        return basis, inside, np.column_stack([matrix, pushed])

    def _margins(self, n: _Real, p: float) -> tuple[float, float]:
        """Return minus the trace and the determinant of the slope: both positive where the point is stable."""
        matrix = self._linear(n, p)[2][:, :2]
        return float(-np.trace(matrix)), float(np.linalg.det(matrix))

    def _tangent(self, n: _Real, p: float, before: _Real) -> _Real:
        """Return the unit tangent (u, p/scale) of the curve, in the sense of ``before``."""
        basis, _, matrix = self._linear(n, p)
        inside = np.linalg.svd(matrix)[2][-1]
        tangent = np.append(inside[:2] @ basis, inside[2])
        return tangent if tangent @ before >= 0 else -tangent

    def _moved(self, n: _Real, p: float, forward: _Real, step: float) -> tuple[_Real, float] | None:
        """Return the point of the curve whose projection on ``forward`` is ``step``, or None if it turns too far."""
        m, q = normalised(n + step * forward[:3]), p + step * forward[3] * self._scale
        for _ in range(_CORRECTIONS):
            basis, inside, matrix = self._linear(m, q)
            ahead = (m - n) @ forward[:3] + (q - p) / self._scale * forward[3] - step
            whole = np.vstack([matrix, np.append(basis @ forward[:3], forward[3])])
            try:
                change = np.linalg.solve(whole, -np.append(inside, ahead))
            except np.linalg.LinAlgError:
                return None
            m, q = normalised(m + change[:2] @ basis), q + change[2] * self._scale
            if length(m - n) > _TURN:
                return None
            if np.abs(change).max() <= _RESOLVED ** (2 / 3):  # quadratic: the next one would be rounding
                return m, float(q)
        return None

    def _end(
        self, n: _Real, p: float, forward: _Real, step: float, margins: tuple[float, float]
    ) -> tuple[_Real, float, str]:
        """Return where the first of the margins vanishes within ``step``."""

        def margin(s: float, k: int) -> float:
            there = (n, p) if s == 0 else self._moved(n, p, forward, s)
            return self._margins(*(there or (n, p)))[k]

        lost = [k for k in range(2) if margins[k] <= 0]
        # A row may lie on the edge of stability to rounding: then it ends where it begins.
        first = min(brentq(margin, 0, step, (k,), xtol=_RESOLVED) if margin(0, k) > 0 else 0.0 for k in lost)
        state, where = (self._moved(n, p, forward, first) if first > 0 else None) or (n, p)
        determinant = self._margins(state, where)[1]
        return state, where, "hopf" if determinant > _SLOW else "fold"


def _relaxed(system: GeneralizedLLG, n: _Real, field_energy: _Real) -> tuple[_Real, bool]:
    """Return the attractor that the motion from ``n`` reaches and True, or where it is after long and False."""
    size = strength(system) + system.mobility * float(np.linalg.norm(field_energy))
    unit = size * min(1.0, max(system.alpha, _SLOWEST))
    if length(rate(system, n, field_energy)) <= _MOVING * size:
        n = normalised(n + _KICK * tangents(n).sum(axis=0))
    before = np.inf
    for _ in range(_STRETCHES):
        run = solve_ivp(
            lambda _, m: rate(system, normalised(m), field_energy),
            (0, _STRETCH / unit),
            n,
            "DOP853",
            rtol=1e-9,
            atol=1e-9,
        )
        n = normalised(run.y[:, -1])
        rest = newton(system, n[None], field_energy)[0]
        if length(rest - n) <= _CAPTURED and stable(slope(system, rest, tangents(rest), field_energy)):
            return rest, True
        fastest = float(length(rate(system, normalised(run.y.T), field_energy)).max())
        if abs(fastest - before) <= _PERIODIC * fastest:
            break
        before = fastest
    return n, False
