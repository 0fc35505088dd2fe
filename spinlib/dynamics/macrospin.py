r"""One magnet as one vector: the equation of Landau, Lifshitz and Gilbert with any field and torque (BTBK 1, 2, 8).

dm/dt = -gamma m x B + m x (alpha dm/dt) + tau + K dm/dt, with the field B in tesla and gamma > 0. tau is the torque on
a magnet at rest [1/s]; K dm/dt is the torque that the motion itself causes, by pumping. Both sides hold dm/dt, which
is solved for: nothing lags behind by a step. Vectors are moments ``(..., 3)``, currents count electrons.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._interface import InterfaceConductance
from spinlib._validate import number, positive, real, require, shared_shape, unit, vectors
from spinlib.dynamics import _dop853
from spinlib.dynamics._llg import (
    LinearField,
    SpinTorque,
    damping_tensor,
    field_of,
    parameters,
    sample,
    torque_of,
)
from spinlib.dynamics._stability import threshold
from spinlib.dynamics._valve import ValveTorque
from spinlib.spin import cross_matrix
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["LinearField", "SpinTorque", "ValveTorque", "critical_current", "integrate_llg", "llg_rate"]

_Real = NDArray[np.float64]
_Law: TypeAlias = Callable[[_Real, float], ArrayLike]

_FINEST, _COARSEST = 1e-13, 1e-2
_TURNS = cross_matrix(np.eye(3)).reshape(3, 9)  # n @ this is [n]x, row by row
_SCIPY_FINEST = 3e-14  # below 100 times the machine precision solve_ivp warns


def llg_rate(
    m: ArrayLike,
    field: ArrayLike,
    *,
    alpha: ArrayLike,
    gyromagnetic_ratio: float = free_electron,
    torque: ArrayLike | None = None,
    back_action: ArrayLike | None = None,
) -> _Real:
    r"""Return dm/dt from dm/dt = -gamma m x B + m x (alpha dm/dt) + tau + K dm/dt (BTBK 1, 8).

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        field: B [T], ``(..., 3)``.
        alpha: Gilbert damping, a number >= 0 or a symmetric ``(3, 3)`` tensor without negative eigenvalue.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.
        torque: tau [1/s], ``(..., 3)``, in the Gilbert form; its part along m turns nothing and is left out.
        back_action: K, torque per rate, dimensionless, ``(..., 3, 3)``: that of ``ValveTorque.at`` or of
            ``texture_response``. Pumping into a perfect sink is K v = alpha_pump m x v.

    Returns:
        dm/dt, perpendicular to m [1/s], in the shape that the arguments broadcast to.

    Raises:
        ValueError: ``m`` is no unit vector, ``alpha`` is negative or no such tensor, ``gyromagnetic_ratio`` is not
            positive, a number is not finite, or shapes do not broadcast.

    >>> llg_rate((1, 0, 0), (0, 0, 2.0), alpha=0.5, gyromagnetic_ratio=1.0)
    array([0. , 1.6, 0.8])
    """
    n, tensor = unit("m", m), damping_tensor(alpha)
    gamma = number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
    given = {"field": vectors("field", field)}
    if torque is not None:
        given["torque"] = vectors("torque", torque)
    shapes = {name: value.shape[:-1] for name, value in given.items()}
    matrix = None if back_action is None else real("back_action", back_action, "pass matrices of shape (..., 3, 3)")
    if matrix is not None:
        if matrix.shape[-2:] != (3, 3):
            raise ValueError(f"back_action has shape {matrix.shape}: pass matrices of shape (..., 3, 3)")
        shapes["back_action"] = matrix.shape[:-2]
    shape = shared_shape(m=n.shape[:-1], **shapes)
    n = np.broadcast_to(n, (*shape, 3))
    return np.asarray(_rate(n, given["field"], given.get("torque"), matrix, tensor, gamma) + 0.0)


def integrate_llg(
    m0: ArrayLike,
    field: ArrayLike | _Law,
    times: ArrayLike,
    *,
    alpha: ArrayLike,
    gyromagnetic_ratio: float = free_electron,
    torque: _Law | None = None,
    rtol: float = 1e-8,
) -> _Real:
    r"""Return the motion of independent magnets by the LLG equation (BTBK 1, 8).

    Dormand and Prince's method of order 8 with adaptive steps. A constant or linear field, without torque or with a
    :class:`SpinTorque`, runs compiled, each trajectory in its own steps; any other field or torque is called for all
    trajectories at once. A :class:`ValveTorque` acts together with the pumping that its motion causes.

    Args:
        m0: magnetisation at ``times[0]``, unit vectors ``(..., 3)``.
        field: a constant B [T], ``(3,)``, a :class:`LinearField`, or a callable ``field(m, t)`` that takes unit vectors
            ``(..., 3)`` and a time [s] and returns B [T] of that shape.
        times: where m is wanted [s], ``(T,)``, increasing.
        alpha: Gilbert damping, a number >= 0 or a symmetric ``(3, 3)`` tensor without negative eigenvalue.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.
        torque: None, or a callable ``torque(m, t)`` [1/s], in the Gilbert form; its part along m is left out.
        rtol: bound of the error of one step, from 1e-13 to 1e-2; that of a whole motion grows with the number of steps.

    Returns:
        m at ``times``, unit vectors ``(T, ..., 3)``.

    Raises:
        ValueError: ``m0`` is no unit vector, ``times`` do not increase, ``rtol`` out of range, ``field`` or ``torque``
            of another kind or with a value that is not finite or has another shape, a ``gyromagnetic_ratio`` other
            than that of the ``ValveTorque``, or as for :func:`llg_rate`.
        RuntimeError: no step is short enough; the message names the time.

    >>> m = integrate_llg((1, 0, 0), (0, 0, 1.0), (0, np.pi / 2), alpha=0.0, gyromagnetic_ratio=1.0)
    >>> m.round(7) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    start, law, twist = unit("m0", m0), field_of(field), torque_of(torque)
    instants, tensor = _increasing(times), damping_tensor(alpha)
    gamma = number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
    tolerance = number("rtol", rtol)
    remedy = f"pass {_FINEST} <= rtol <= {_COARSEST}"
    require("rtol", tolerance, _FINEST <= tolerance <= _COARSEST, "is no tolerance of a step", remedy)
    if isinstance(twist, ValveTorque):
        same = abs(twist.gyromagnetic_ratio - gamma) <= 1e-9 * gamma
        remedy = "pass one gyromagnetic_ratio to both"
        require("gyromagnetic_ratio", gamma, same, f"is not torque's {twist.gyromagnetic_ratio:.10g}", remedy)
    if isinstance(law, LinearField) and (twist is None or isinstance(twist, SpinTorque)):
        return _compiled(start, law, instants, tensor, gamma, twist, tolerance)
    return _called(start, law, instants, tensor, gamma, twist, tolerance)


def critical_current(
    m_fixed: ArrayLike,
    m_free: ArrayLike,
    fixed: InterfaceConductance,
    free: InterfaceConductance,
    field: ArrayLike | _Law,
    *,
    alpha: ArrayLike,
    magnetic_moment: float,
    gyromagnetic_ratio: float = free_electron,
    pumping: bool = True,
) -> float:
    r"""Return the current at which the free layer of a spin valve leaves its equilibrium.

    The motion close to an equilibrium is a 2 x 2 matrix across m. It is stable as long as its trace is negative and its
    determinant positive; at the first zero of the trace an oscillation grows, at the first zero of the determinant the
    equilibrium gives way. For m_fixed along +-m_free the trace is linear in the current and the determinant quadratic,
    and their zeros are exact. Any other m_fixed shifts the equilibrium, which is then followed with the current.

    Args:
        m_fixed: direction of the fixed layer, unit vector ``(3,)``.
        m_free: stable equilibrium of ``field``, unit vector ``(3,)``.
        fixed: interface between fixed layer and node [S or S/m^2].
        free: interface between node and free layer, same unit.
        field: as for :func:`integrate_llg`; it is taken at t = 0.
        alpha: damping without pumping, a number or tensor as for :func:`integrate_llg`.
        magnetic_moment: M_s V [A m^2] or M_s d [A] of the free layer, positive.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.
        pumping: whether the free layer pumps; what the node sends back is taken into account.

    Returns:
        The threshold of smallest modulus over both signs, electrons from the fixed to the free layer positive [A or
        A/m^2]; nan if there is none, up to a thousand times the current whose torque is as strong as the field's.

    Raises:
        ValueError: ``m_free`` is no equilibrium of ``field``, or no stable one; as for :class:`ValveTorque` and
            :func:`integrate_llg`.

    >>> from spinlib.units import e, hbar
    >>> side = InterfaceConductance(majority=3.0, minority=1.0, mixing=1.5)
    >>> easy = LinearField(tensor=np.diag([0.0, 0.0, 1.0]))
    >>> given = {"alpha": 0.5, "magnetic_moment": hbar / (4 * e), "pumping": False}
    >>> [round(critical_current((0, 0, 1), (0, 0, z), side, side, easy, **given), 9) for z in (1, -1)]
    [-1.0, 1.0]
    """
    scale = {"magnetic_moment": magnetic_moment, "gyromagnetic_ratio": gyromagnetic_ratio}
    valve = ValveTorque(_one("m_fixed", m_fixed), fixed, free, 1.0, **scale, pumping=pumping)
    n, law, tensor = _one("m_free", m_free), field_of(field), damping_tensor(alpha)
    gamma = valve.gyromagnetic_ratio

    def precession(directions: _Real) -> _Real:
        return np.asarray(-gamma * np.cross(directions, sample("field", law, directions, 0.0)))

    return threshold(n, precession, valve, tensor)


def _compiled(
    m0: _Real, field: LinearField, times: _Real, alpha: _Real, gamma: float, torque: SpinTorque | None, rtol: float
) -> _Real:
    given = parameters(field, torque, alpha, gamma)
    out = np.empty((m0.size // 3, times.size, 3))
    # No motion is faster than gamma (|B| + |K|) + (|A| + |B|)/(1 - |c|).
    fastest = np.linalg.norm(given[:3]) + 2 * np.linalg.norm(given[3:9])
    fastest += np.abs(given[18:20]).sum() / (1 - abs(given[20]))
    first = 0.1 / fastest if fastest else np.inf
    start = np.ascontiguousarray(m0.reshape(-1, 3))
    failed = _dop853.trajectories(start, times, given, rtol, float(first), *_dop853.tables(), out)
    if not np.isnan(failed):
        raise RuntimeError(_no_step(float(failed)))
    return np.ascontiguousarray(np.moveaxis(out, 0, 1)).reshape(times.size, *m0.shape)


def _called(
    m0: _Real, field: _Law, times: _Real, alpha: _Real, gamma: float, torque: _Law | None, rtol: float
) -> _Real:
    from scipy.integrate import solve_ivp  # only those who integrate pay for the import

    def right_side(t: float, y: _Real) -> _Real:
        n = _normalised(y.reshape(m0.shape))
        b = sample("field", field, n, t)
        if isinstance(torque, ValveTorque) and torque.pumping:
            return _rate(n, b, *torque.at(n), alpha, gamma).ravel()
        tau = None if torque is None else sample("torque", torque, n, t)
        return _rate(n, b, tau, None, alpha, gamma).ravel()

    if torque is not None:
        sample("torque", torque, m0, times[0])  # a ValveTorque may have another leading shape
    if times.size == 1:
        return m0[None].copy()
    # The estimate is a mean over all trajectories: a bound of each of N asks for 1/sqrt(N) of it.
    tolerance = max(rtol / np.sqrt(m0.size // 3), _SCIPY_FINEST)
    span = (times[0], times[-1])
    done: Any = solve_ivp(right_side, span, m0.ravel(), "DOP853", times, rtol=tolerance, atol=tolerance)
    if not done.success:
        last = done.t[-1] if done.t.size else times[0]
        raise RuntimeError(_no_step(float(last)))
    return _normalised(done.y.T.reshape(times.size, *m0.shape))


def _rate(n: _Real, field: _Real, torque: _Real | None, back_action: _Real | None, alpha: _Real, gamma: float) -> _Real:
    """Return dm/dt at unit vectors ``n``, of checked arguments: the 3 x 3 system is solved as it stands."""
    cross = (n @ _TURNS).reshape(*n.shape, 3)
    drive = -gamma * (cross @ field[..., None])[..., 0]
    if torque is not None:
        drive = drive + _across(n, torque)
    system = np.eye(3) - cross @ alpha
    if back_action is not None:
        system = system - back_action + n[..., None] * np.einsum("...i,...ij->...j", n, back_action)[..., None, :]
    # Rounding along m would change its length.
    return _across(n, np.asarray(np.linalg.solve(system, drive[..., None])[..., 0], dtype=np.float64))


def _across(n: _Real, vector: _Real) -> _Real:
    return np.asarray(vector - np.einsum("...i,...i", n, vector)[..., None] * n)


def _normalised(m: _Real) -> _Real:
    return np.asarray(m / np.linalg.norm(m, axis=-1, keepdims=True))


def _increasing(times: ArrayLike) -> _Real:
    remedy = "pass increasing times in seconds, the first that of m0"
    instants = np.array(real("times", times, remedy), order="C")
    if instants.ndim != 1 or not instants.size:
        raise ValueError(f"times has shape {instants.shape}: {remedy}")
    require("times", instants[1:], np.diff(instants) > 0, "does not exceed the time before it", remedy)
    return instants


def _one(name: str, value: ArrayLike) -> _Real:
    direction = unit(name, value)
    if direction.shape != (3,):
        raise ValueError(f"{name} has shape {direction.shape}: pass one vector of shape (3,)")
    return direction


def _no_step(time: float) -> str:
    return f"no step is short enough at t = {time:.6g} s: pass times, field and torque in s, T and 1/s, and finite ones"
