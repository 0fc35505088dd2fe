"""Branches of stable states of the generalised LLG equation in a field that changes, and where they end."""

import warnings
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import number, positive, require, vectors
from spinlib.dynamics._equilibria import MOVING, RESIDUAL, newton, stable
from spinlib.dynamics._generalized import GeneralizedLLG, generalized, rate, slope, strength
from spinlib.dynamics._sphere import length, normalised, one_direction, tangents

__all__ = ["QuasiStaticPath", "SwitchingField", "quasi_static_path", "switching_field"]

_Real: TypeAlias = NDArray[np.float64]

_LONGEST, _FINE, _SHORTEST = 0.03, 1e-6, 1e-12  # steps along a branch: rad, and fields over the scale of the energy
_STRAIGHT = 0.995  # cosine of the angle between tangents a step apart
_CORRECTIONS = 8
_CONVERGED, _RESOLVED = 1e-9, 1e-14
_EDGE = 1e-12  # of stability: a state on it counts as stable in the field that was asked for
_SLOW = 1e-9  # square of a frequency, over that of the energy: slower is no precession
_CAPTURED = 1e-3  # rad from an attractor
_LINGERING, _KICK = 1e-3, 0.02  # rate over the scale, and rad: how a state that is lost gets going
_STRETCH, _STRETCHES = 10.0, 40  # decay times in one stretch of a relaxation, and stretches
_PERIODIC = 1e-4  # change of the largest rate from stretch to stretch
_SLOWEST = 1e-3  # damping that a relaxation waits for


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
class QuasiStaticPath(Table):
    """States at rest in a sequence of fields.

    Args:
        field_energy: h [J], ``(k, 3)``.
        m: unit vectors ``(k, 3)``; nan where the magnet precesses and is never at rest.
        switched: whether the state of the row before was lost on the way, ``(k,)``.
    """

    _own_axes: ClassVar[int] = 1
    _vectors: ClassVar[tuple[str, ...]] = ("field_energy", "m")
    _units: ClassVar[dict[str, str]] = {"field_energy": "J"}

    field_energy: _Real
    m: _Real
    switched: NDArray[np.bool_]


def switching_field(
    system: GeneralizedLLG, direction: ArrayLike, start: ArrayLike, max_field_energy: float
) -> SwitchingField:
    """Return the field along ``direction`` at which the stable state ``start`` is lost.

    The field adds -h direction.u to the energy. The branch is followed by arc length in (u, h) from h = 0, and the end
    is where the determinant of the slope (fold) or its trace (Hopf) vanishes along the arc. A stretch without stability
    that is shorter than some 0.03 rad may be stepped over.

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
    size = strength(generalized(system))
    moving = float(length(rate(system, n))) / size if size else np.inf
    remedy = "pass a stable one of fixed_points(system).m"
    text = "|dm/dt| at start over the largest rate on the sphere"
    require(text, moving, moving <= MOVING, "is not 0 to 1e-6, so start is no fixed point", remedy)
    settled = newton(system, n[None])[0]
    matrix = slope(system, settled, tangents(settled))
    growth = np.linalg.eigvals(matrix).real.max()
    require("growth rate at start, in 1/s", growth, stable(matrix), "is not negative", remedy)
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
        Record with ``field_energy``, ``m`` and ``switched``. Where the magnet precesses for ever, or does not rest
        within the time 400/(alpha w), w the largest rate of the system (alpha counts as 1e-3 if it is less), ``m`` is
        nan, with a warning, and the next row starts from the last state. The time of a switch goes as 1/alpha: some 0.1
        s at 0.1 and 5 s at 1e-3.

    Raises:
        ValueError: arguments of another shape, numbers that are not finite, ``start`` is no unit vector, or nothing
            damps the magnet.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> uniaxial = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), alpha=0.1, mobility=1.0)
    >>> sweep = quasi_static_path(uniaxial, [(0, 0, h) for h in (0.5, -0.9, -1.1, 0.9)], start=(0, 0, 1.0))
    >>> sweep.m[:, 2].round(9), sweep.switched
    (array([ 1.,  1., -1., -1.]), array([False, False,  True, False]))
    """
    fields, damped = vectors("field_energy", field_energy), generalized(system).alpha > 0 or system.chi is not None
    require("alpha", system.alpha, damped, "lets nothing come to rest", "pass alpha > 0")
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
            last, resting = _relaxed(system, last, here, lost=bool(lost[k]))
        if resting:
            states[k] = last
    if np.isnan(states).any():
        text = f"in {np.isnan(states[:, 0]).sum()} of the fields the magnet does not come to rest: m is nan there"
        remedy = "it precesses for ever, or needs more damping or a start closer to rest"
        warnings.warn(f"{text}; {remedy}", stacklevel=2)
    return QuasiStaticPath(np.array(fields), states, lost)


class _Branch:
    """Fixed points in the field h_0 + p e, as a curve (u, p/scale) that is followed by its arc length."""

    def __init__(self, system: GeneralizedLLG, base: _Real, along: _Real) -> None:
        self._system, self._base, self._along = system, base, along
        self._stiff = max(1.0, system.alpha)
        own = strength(system) / (system.mobility * self._stiff)
        self._scale = (own + float(np.linalg.norm(base))) or 1.0

    def follow(self, n: _Real, farthest: float) -> tuple[_Real, float, str | None]:
        """Return state and p where stability is lost and how, or the state at ``farthest`` and None.

        Close to an axis a branch bends sharply beside another one; so a loss is believed in a short step only.
        """
        p, step = 0.0, min(_LONGEST, farthest / self._scale)
        forward, _ = self._ahead(n, p, np.array([0.0, 0.0, 0.0, 1.0]))
        while step > _SHORTEST:
            there = self._moved(n, p, forward, step)
            if there is None:
                step /= 2
                continue
            ahead, margins = self._ahead(*there, forward)
            if ahead @ forward < _STRAIGHT:
                step /= 2
                continue
            if there[1] >= farthest:
                share = (farthest - p) / (there[1] - p)
                state = self._settled(normalised(n + share * (there[0] - n)), farthest)
                if state is not None:
                    return state, farthest, None
                step /= 2  # lost before that
                continue
            if min(margins) > 0:
                (n, p), forward, step = there, ahead, min(1.5 * step, _LONGEST)
            elif step > _FINE:
                step /= 4
            else:
                return self._end(n, p, forward, step, farthest)
        # Two branches meet, where the slope is singular; or there is hardly a way to go.
        state = self._settled(n, farthest) if farthest - p <= _SHORTEST * self._scale else None
        return (n, p, "fold") if state is None else (state, farthest, None)

    def _field(self, p: float) -> _Real:
        return np.asarray(self._base + p * self._along)

    def _linear(self, n: _Real, p: float) -> tuple[_Real, _Real, _Real]:
        """Return basis, rate (2,) and derivatives (2, 3) along tangents and p/scale, over the scale of the rates."""
        basis, fastest = tangents(n), self._system.mobility * self._scale * self._stiff
        inside = basis @ rate(self._system, n, self._field(p)) / fastest
        across = basis @ self._along
        pushed = (self._system.alpha * across - np.array([-across[1], across[0]])) / self._stiff
        matrix = slope(self._system, n, basis, self._field(p)) / fastest
        return basis, inside, np.column_stack([matrix, pushed])

    def _settled(self, guess: _Real, p: float) -> _Real | None:
        """Return the stable state close to ``guess`` at p, or None."""
        state = newton(self._system, guess[None], self._field(p))[0]
        _, inside, matrix = self._linear(state, p)
        resting = np.abs(inside).max() <= RESIDUAL and length(state - guess) <= _LONGEST
        return state if resting and min(_restoring(matrix)) > -_EDGE else None

    def _ahead(self, n: _Real, p: float, before: _Real) -> tuple[_Real, tuple[float, float, float]]:
        """Return the unit tangent (u, p/scale) of the curve, in the sense of ``before``, and three margins.

        They are minus the trace, the determinant and dp/ds: positive where the point is stable and p still rises.
        """
        basis, _, matrix = self._linear(n, p)
        inside = np.linalg.svd(matrix)[2][-1]
        tangent = np.append(inside[:2] @ basis, inside[2])
        tangent = tangent if tangent @ before >= 0 else -tangent
        return tangent, (*_restoring(matrix), float(tangent[3]))

    def _moved(self, n: _Real, p: float, forward: _Real, step: float) -> tuple[_Real, float] | None:
        """Return the point of the curve whose projection on ``forward`` is ``step``, or None if it lies elsewhere."""
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
            if length(m - n) > 2 * step:
                return None
            if np.abs(change).max() <= _CONVERGED:  # quadratic: the next one would be rounding
                return m, float(q)
        return None

    def _end(self, n: _Real, p: float, forward: _Real, step: float, farthest: float) -> tuple[_Real, float, str | None]:
        """Return where the first of the margins vanishes within ``step``, or the state at ``farthest`` before that."""

        from scipy.optimize import brentq  # only those who follow a branch to its end pay for the import

        def point(s: float) -> tuple[_Real, float]:
            return (self._moved(n, p, forward, s) if s > 0 else None) or (n, p)

        def margins(s: float) -> tuple[float, ...]:
            return self._ahead(*point(s), forward)[1]

        # A row may lie on the edge of stability to rounding: then it ends where it begins.
        begin, finish = margins(0.0), margins(step)
        lost = [k for k in range(3) if finish[k] <= 0 or begin[k] <= 0]
        zeros = [
            brentq(lambda s, k: margins(s)[k], 0, step, (k,), xtol=_RESOLVED) if begin[k] > 0 else 0.0 for k in lost
        ]
        first = min(zeros)
        state, where = point(first)
        before = self._settled(n, farthest) if where > farthest else None
        if before is not None:
            return before, farthest, None
        return state, where, "hopf" if margins(first)[1] > _SLOW else "fold"


def _restoring(matrix: _Real) -> tuple[float, float]:
    """Return minus the trace and the determinant of a slope ``(2, 2)``, which may stand in more columns."""
    return float(-np.trace(matrix[:, :2])), float(np.linalg.det(matrix[:, :2]))


def _relaxed(system: GeneralizedLLG, n: _Real, field_energy: _Real, *, lost: bool) -> tuple[_Real, bool]:
    """Return the attractor that the motion from ``n`` reaches and True, or where it is after long and False.

    A state that is ``lost`` leaves slowly, past the ghost of a fold or from a saddle; a push along its way saves time.
    """
    from scipy.integrate import solve_ivp

    size = strength(system) + system.mobility * float(np.linalg.norm(field_energy))
    if size == 0:
        return n, False
    decay = size * min(1.0, max(system.alpha, _SLOWEST))

    def moved(_: float, m: _Real) -> _Real:
        return rate(system, normalised(m), field_energy)

    def rest() -> _Real | None:
        m = newton(system, n[None], field_energy)[0]
        resting = length(m - n) <= _CAPTURED and length(moved(0.0, m)) <= RESIDUAL * size
        return m if resting and stable(slope(system, m, tangents(m), field_energy)) else None

    drift = moved(0.0, n)
    speed, still = float(length(drift)), MOVING * size
    if rest() is None and speed <= (_LINGERING * size if lost else still):
        n = normalised(n + _KICK * normalised(drift if speed > still else tangents(n).sum(axis=0)))
    before = np.inf
    for _ in range(_STRETCHES):
        run = solve_ivp(moved, (0, _STRETCH / decay), n, "DOP853", rtol=1e-9, atol=1e-9)
        n = normalised(run.y[:, -1])
        found = rest()
        if found is not None:
            return found, True
        fastest = float(length(rate(system, normalised(run.y.T), field_energy)).max())
        if fastest > _LINGERING * size and abs(fastest - before) <= _PERIODIC * fastest:
            break
        before = fastest
    return n, False
