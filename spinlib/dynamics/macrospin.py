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
    compiles,
    damping_tensor,
    field_of,
    fitting,
    parameters,
    read_only,
    sample,
    torque_of,
)
from spinlib.dynamics._sphere import length, normalised, one_direction
from spinlib.dynamics._stability import threshold
from spinlib.dynamics._valve import ValveTorque
from spinlib.spin import cross_matrix
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["LinearField", "SpinTorque", "ValveTorque", "critical_current", "integrate_llg", "llg_rate"]

_Real = NDArray[np.float64]
_Law: TypeAlias = Callable[[_Real, float], ArrayLike]

_FINEST, _COARSEST = 1e-13, 1e-2
_TURNS = cross_matrix(np.eye(3)).reshape(3, 9)  # n @ this is [n]x, row by row
_SCIPY_FINEST = 3e-14  # below 100 times the machine precision SciPy warns
_MOST = 1e9  # turns of all trajectories together: compiled code cannot be interrupted
_LARGEST = 1e12  # rate over drive: what rounding makes of a singular matrix exceeds it
_REACTION = "pass matrices of shape (..., 3, 3)"


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
            positive, a number is not finite, shapes do not broadcast, or ``back_action`` leaves dm/dt open.

    >>> llg_rate((1, 0, 0), (0, 0, 2.0), alpha=0.5, gyromagnetic_ratio=1.0)
    array([0. , 1.6, 0.8])
    """
    n, tensor = unit("m", m), damping_tensor(alpha)
    gamma = number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
    given = {"field": vectors("field", field)}
    if torque is not None:
        given["torque"] = vectors("torque", torque)
    shapes = {name: value.shape[:-1] for name, value in given.items()}
    matrix = None if back_action is None else _matrices("back_action", back_action)
    if matrix is not None:
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
    :class:`SpinTorque`, runs compiled, each trajectory in its own steps: some 5 us a turn at the default ``rtol``. Any
    other field or torque is called for all trajectories at once: some 5 ms a turn of one, 50 us each of a thousand. A
    :class:`ValveTorque` acts together with the pumping that its motion causes. Small motions about the collinear states
    of a symmetric valve have it compiled, as a :class:`SpinTorque` with the damping alpha + alpha_pump/2.

    Args:
        m0: magnetisation at ``times[0]``, unit vectors ``(..., 3)``.
        field: a constant B [T], ``(3,)``, a :class:`LinearField`, or a callable ``field(m, t)`` that takes unit vectors
            ``(..., 3)``, read-only, and a time [s] and returns B [T] of that shape.
        times: where m is wanted [s], ``(T,)``, increasing.
        alpha: Gilbert damping, a number >= 0 or a symmetric ``(3, 3)`` tensor without negative eigenvalue.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.
        torque: None, or a callable ``torque(m, t)`` [1/s], in the Gilbert form; its part along m is left out. If it has
            a method ``at``, too, ``at(m)`` is asked instead for the torque at rest and the matrix K ``(..., 3, 3)`` of
            the torque K dm/dt, as that of ``ValveTorque`` is. A function around a ``ValveTorque`` has no such method
            and drops its pumping; to add a term to it write a class with both.
        rtol: bound of the error of one step, from 1e-13 to 1e-2; that of a whole motion grows with the number of steps.
            With callables one of N trajectories may err by some 3 rtol, and by 3e-14 sqrt(N) where that is more.

    Returns:
        m at ``times``, unit vectors ``(T, ..., 3)``.

    Raises:
        ValueError: ``m0`` is no unit vector, ``times`` do not increase, ``rtol`` out of range, ``field`` or ``torque``
            of another kind or with a value that is not finite or has another shape (the message names the time), a
            ``gyromagnetic_ratio`` other than that of a torque that has one, more than 1e9 turns of a compiled run, or
            as for :func:`llg_rate`.
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
    fitting(twist, gamma)
    if compiles(law, twist):
        return _compiled(start, law, instants, tensor, gamma, twist, tolerance)  # type: ignore[arg-type]
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
    and their zeros are exact. Any other m_fixed shifts the equilibrium, which is then followed with the current. A
    state that the current alone holds, at a field in which it is no minimum of the energy, is refused.

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
    valve = ValveTorque(one_direction("m_fixed", m_fixed), fixed, free, 1.0, **scale, pumping=pumping)
    n, law, tensor = one_direction("m_free", m_free), field_of(field), damping_tensor(alpha)
    gamma = valve.gyromagnetic_ratio

    def precession(directions: _Real) -> _Real:
        return np.asarray(-gamma * np.cross(directions, sample("field", law, directions, 0.0)))

    return threshold(n, precession, valve, tensor)


def _compiled(
    m0: _Real, field: LinearField, times: _Real, alpha: _Real, gamma: float, torque: SpinTorque | None, rtol: float
) -> _Real:
    given = parameters(field, torque, alpha, gamma)
    out = np.empty((times.size, m0.size // 3, 3))
    fastest = gamma * field._largest + (torque._largest if torque else 0.0)
    turns = fastest * float(times[-1] - times[0]) * (m0.size // 3) / (2 * np.pi)
    problem = f"lets field and torque turn m {turns:.3g} times in all, which takes hours"
    require("times", times[-1], not _MOST < turns < np.inf, problem, f"pass times in s, for {_MOST:.0e} turns at most")
    first = 0.1 / fastest if fastest else np.inf
    start = np.ascontiguousarray(m0.reshape(-1, 3))
    failed = _dop853.trajectories(start, times, given, rtol, first, *_dop853.tables(), out)
    if not np.isnan(failed):
        raise RuntimeError(_no_step(float(failed)))
    return out.reshape(times.size, *m0.shape)


def _called(
    m0: _Real, field: _Law, times: _Real, alpha: _Real, gamma: float, torque: _Law | None, rtol: float
) -> _Real:
    from scipy.integrate import DOP853  # only those who integrate pay for the import

    def right_side(t: float, y: _Real) -> _Real:
        shaped = y.reshape(m0.shape)
        size = length(shaped)[..., None]
        n = shaped / size
        b = sample("field", field, n, t)
        tau, matrix = (None, None) if torque is None else _answer(torque, n, t)
        # Homogeneous in m: a length that drifts does not change how fast the direction turns.
        return np.asarray(size * _rate(n, b, tau, matrix, alpha, gamma)).ravel()

    if torque is not None:
        _answer(torque, m0, times[0])  # it may have another leading shape
    # The estimate is a mean over all trajectories: a bound of each of N asks for 1/sqrt(N) of it.
    tolerance = max(rtol / np.sqrt(max(1, m0.size // 3)), _SCIPY_FINEST)
    out = np.empty((times.size, m0.size))
    out[0], filled = m0.ravel(), 1
    if times.size > 1:
        solver: Any = DOP853(right_side, times[0], m0.ravel(), times[-1], rtol=tolerance, atol=tolerance)
    while filled < times.size:
        solver.step()
        if solver.status == "failed":
            raise RuntimeError(_no_step(float(solver.t)))
        reached = int(np.searchsorted(times, solver.t, side="right"))
        if reached > filled:
            out[filled:reached] = solver.dense_output()(times[filled:reached]).T
            filled = reached
    return normalised(out.reshape(times.size, *m0.shape))


def _answer(torque: Any, n: _Real, t: float) -> tuple[_Real, _Real | None]:
    """Return the torque on magnets at rest and, of one that reacts to their motion, its matrix."""
    if not hasattr(torque, "at"):
        return sample("torque", torque, n, t), None
    answer = torque.at(read_only(n))
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise ValueError(f"torque.at(m) is a {type(answer).__name__}: return torque (..., 3) and matrix (..., 3, 3)")
    tau, matrix = sample("torque", lambda *_: answer[0], n, t), _matrices("torque.at(m)[1]", answer[1])
    try:
        return tau, np.broadcast_to(matrix, (*n.shape, 3))
    except ValueError:
        remedy = "return one matrix for each m"
        raise ValueError(f"torque.at(m)[1] has shape {matrix.shape} for m of shape {n.shape}: {remedy}") from None


def _rate(n: _Real, field: _Real, torque: _Real | None, back_action: _Real | None, alpha: _Real, gamma: float) -> _Real:
    """Return dm/dt at unit vectors ``n``, of checked arguments: the 3 x 3 system is solved as it stands."""
    cross = (n @ _TURNS).reshape(*n.shape, 3)
    drive = -gamma * (cross @ field[..., None])[..., 0]
    if torque is not None:
        drive = drive + _across(n, torque)
    system = np.eye(3) - cross @ alpha
    if back_action is not None:
        system = system - back_action + n[..., None] * np.einsum("...i,...ij->...j", n, back_action)[..., None, :]
    try:
        solved = np.asarray(np.linalg.solve(system, drive[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        solved = np.full(drive.shape, np.inf)
    if back_action is not None and not np.abs(solved).max(initial=0.0) <= _LARGEST * np.abs(drive).max(initial=0.0):
        remedy = "pass a back_action that damps, or more alpha"
        raise ValueError(f"1 - m x alpha - back_action is singular: {remedy}")
    # Rounding along m would change its length.
    return _across(n, solved)


def _matrices(name: str, value: ArrayLike) -> _Real:
    array = real(name, value, _REACTION)
    if array.shape[-2:] != (3, 3):
        raise ValueError(f"{name} has shape {array.shape}: {_REACTION}")
    return array


def _across(n: _Real, vector: _Real) -> _Real:
    return np.asarray(vector - np.einsum("...i,...i", n, vector)[..., None] * n)


def _increasing(times: ArrayLike) -> _Real:
    remedy = "pass increasing times in seconds, the first that of m0"
    instants = np.array(real("times", times, remedy), order="C")
    if instants.ndim != 1 or not instants.size:
        raise ValueError(f"times has shape {instants.shape}: {remedy}")
    require("times", instants[1:], np.diff(instants) > 0, "does not exceed the time before it", remedy)
    return instants


def _no_step(time: float) -> str:
    return f"no step is short enough at t = {time:.6g} s: pass times, field and torque in s, T and 1/s, and finite ones"
