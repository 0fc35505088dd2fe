"""Closed forms of spin diffusion (RHP 66-75, 90-92; names from :mod:`spinlib.accumulation`)."""

from collections.abc import Callable
from math import inf
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import (
    float_or_array,
    instance,
    not_negative,
    number,
    positive,
    positive_or_inf,
    real,
    together,
    unit,
    vectors,
)
from spinlib.accumulation.medium import DiffusiveMedium
from spinlib.spin import cross_matrix

__all__ = [
    "decay_rate",
    "exchange_diffusion_tensor",
    "hanle_signal",
    "sd_damping",
    "step_interface_accumulation",
    "transverse_wavenumber",
]

_Real = NDArray[np.float64]

_MEDIUM = "DiffusiveMedium(diffusivity, spin_relaxation_time, ...)"
_ALIKE = 1e-18  # share by which the two models may differ, unseen in double precision
_STEPS = 8  # of Newton, from starts at which five were the most that was needed


def exchange_diffusion_tensor(
    precession: ArrayLike, momentum_time: ArrayLike, diffusivity: ArrayLike
) -> NDArray[np.float64]:
    """Return the diffusion tensor of spins that precess, D_p (A^-1)_kp with A = 1 + tau H x (RHP 72, 73).

    Its antisymmetric part turns the spin of a gradient about H by up to arctan(H tau). It is exact for a steady
    gradient that a source maintains over many mean free paths. Free precession in a uniform field does not know it:
    :func:`decay_rate`.

    Args:
        precession: H [rad/s], ``(..., 3)``, along the spins that the electrons precess about.
        momentum_time: tau [s], >= 0; one number, or three (tau_x, tau_y, tau_z) that belong to axes fixed in space.
        diffusivity: D [m^2/s], > 0; one number, or three (D_x, D_y, D_z).

    Returns:
        Array ``(..., 3, 3)`` [m^2/s]: the current of spin component k is -sum_p D_kp d(m_p - m_eq,p)/dx.

    Raises:
        ValueError: a number outside its range, a wrong shape, or three different times (or diffusivities) with
            ``precession`` in several directions.

    >>> (exchange_diffusion_tensor((0.0, 0.0, 3.0), 1.0, 10.0) + 0.0).tolist()
    [[1.0, 3.0, 0.0], [-3.0, 1.0, 0.0], [0.0, 0.0, 10.0]]
    """
    h = vectors("precession", precession)
    tau, d = _three("momentum_time", not_negative, momentum_time), _three("diffusivity", positive, diffusivity)
    for name, values in (("momentum_time", tau), ("diffusivity", d)):
        if np.ptp(values) and _turns(h):
            raise ValueError(
                f"{name} = {values.tolist()} belongs to axes fixed in space, but precession has several directions: "
                f"pass one {name}, or the vectors of one direction at a time"
            )
    # adj(1 + T[H]x) = 1 - T[H]x + H H^T adj(T), because the trace of T[H]x is 0; T = diag(tau).
    rest = np.roll(tau, 1) * np.roll(tau, 2)
    along = h[..., :, None] * (h * rest)[..., None, :]
    determinant = 1 + np.einsum("...i,...i->...", h * h, rest)
    adjugate = np.eye(3) - tau[:, None] * cross_matrix(h) + along
    return np.asarray(adjugate / determinant[..., None, None] * d)


def transverse_wavenumber(medium: DiffusiveMedium, *, model: Literal["moments", "boltzmann"] = "moments") -> complex:
    r"""Return k of the transverse accumulation m_x + i m_y ~ exp(-k x) beside M along z (RHP 66, 71, 75).

    "moments", the closure that RHP (71) makes: k^2 = (1 + i omega tau)(1 + i omega tau_sf)/(D tau_sf). For small angles
    and rare spin flips k^2 is off by the share 4/5 i omega tau, and by a quarter of it in Fick's law, ``momentum_time``
    0.

    "boltzmann", RHP (66) itself: (1/(2 k v_F tau_p)) ln[(s + k v_F)/(s - k v_F)] = 1 with s = 1/tau + i omega. A
    solution exists only while the angle of precession is small, :math:`|\omega\tau| < \pi/2\xi` with
    :math:`\xi\tanh\xi = 1/(1 - \tau/\tau_{sf})`; :math:`|\omega\tau| < 1.3093` for tau_sf = inf. Beyond, the
    accumulation is a sum over all angles of flight and no exponential.

    Args:
        medium: metal; both signs of its splitting are allowed, k(-omega) is the complex conjugate.
        model: "moments" or "boltzmann". For ``momentum_time = 0`` both are the same.

    Returns:
        k [1/m], Re k > 0 (0 without relaxation and splitting); nan + nan i where "boltzmann" has no discrete mode.

    Raises:
        ValueError: ``model`` is no such name.

    >>> medium = DiffusiveMedium(diffusivity=2.0, spin_relaxation_time=2.0, momentum_time=1.0)
    >>> transverse_wavenumber(medium)
    (0.5+0j)
    """
    instance("medium", medium, DiffusiveMedium, _MEDIUM)
    if model not in ("moments", "boltzmann"):
        raise ValueError(f"model = {model!r} is no description of the electrons: pass 'moments' or 'boltzmann'")
    lost, omega = 1 / medium.spin_relaxation_time, medium.exchange_frequency
    beyond_moments = max(medium.momentum_time * lost, abs(medium.precession_angle))  # the share by which they differ
    if model == "boltzmann" and beyond_moments > _ALIKE:
        return _discrete_mode(medium)
    squared = (1 + 1j * medium.precession_angle) * (lost + 1j * omega) / medium.diffusivity
    return complex(np.sqrt(squared))


def decay_rate(medium: DiffusiveMedium, wavenumber: ArrayLike) -> complex | NDArray[np.complex128]:
    """Return Gamma of a transverse accumulation m_x + i m_y ~ exp(i q x - Gamma t) that precesses freely (RHP 66).

    In a uniform field a rotating frame takes the precession away, from the accumulation and from its current. So
    Gamma = i omega + gamma, where gamma is the slower rate without a field,
    tau gamma^2 - (1 + tau/tau_sf) gamma + 1/tau_sf + D q^2 = 0. For D q^2 tau << 1 it is
    1/tau_sf + D q^2/(1 - tau/tau_sf), which is exact; the next order is that of the closure. RHP (71) is no law of free
    precession: its tensor would put D/(1 + i omega tau) in the place of D.

    Args:
        medium: metal.
        wavenumber: q [1/m], real, broadcasts.

    Returns:
        Gamma [1/s], complex, of the shape of ``wavenumber``. Above 4 tau (1/tau_sf + D q^2) = (1 + tau/tau_sf)^2 gamma
        is complex, and of two waves the one with Im gamma < 0 is returned; such waves belong to the closure, the
        Boltzmann equation has none there.

    Raises:
        ValueError: ``wavenumber`` is not finite.

    >>> decay_rate(DiffusiveMedium(diffusivity=2.0, spin_relaxation_time=0.5), [0.0, 3.0]).tolist()
    [(2+0j), (20+0j)]
    """
    instance("medium", medium, DiffusiveMedium, _MEDIUM)
    q = real("wavenumber", wavenumber, "pass real numbers in 1/m")
    lost, tau = 1 / medium.spin_relaxation_time, medium.momentum_time
    first, last = 1 + tau * lost, lost + medium.diffusivity * q**2
    gamma = 2 * last / (first + np.sqrt(first**2 - 4 * tau * last + 0j))
    rate = 1j * medium.exchange_frequency + gamma
    return rate if q.ndim else complex(rate)


def step_interface_accumulation(
    medium: DiffusiveMedium, left_direction: ArrayLike, right_direction: ArrayLike, thickness: float = inf
) -> _Real:
    """Return m at a step between two magnets of one medium, by RHP (75) as printed, with abs(m_eq) = 1.

    m(0) = n S g/[S^2 g + (1 - S^2) Re g_t], where S n is half the sum of the directions, g = coth(L/l) and
    g_t = k l coth(k L)/(1 + i omega tau). With the force of the exchange field m = m_eq on both sides.

    Args:
        medium: of both layers.
        left_direction: unit vector of the spins on the left.
        right_direction: on the right.
        thickness: L [m] of each layer, > 0; its outer end keeps m = m_eq. inf for endless layers.

    Returns:
        m(0) ``(3,)``, which is 0 for opposite directions.

    Raises:
        ValueError: a direction of another length than 1, a thickness not above 0, tau_sf = inf.

    >>> medium = DiffusiveMedium(diffusivity=1.0, spin_relaxation_time=1.0)
    >>> step_interface_accumulation(medium, (1, 0, 0), (0, 1, 0)).round(12).tolist()
    [0.5, 0.5, 0.0]
    """
    half = (unit("left_direction", left_direction) + unit("right_direction", right_direction)) / 2
    if half.shape != (3,):
        raise ValueError(f"left_direction and right_direction have shape {half.shape}: pass one vector (3,) each")
    thick = positive_or_inf("thickness", thickness)
    length = _relaxing(medium).spin_diffusion_length
    k = transverse_wavenumber(medium)
    across = k * length * _coth(k * thick) / (1 + 1j * medium.precession_angle)
    along, square = _coth(thick / length).real, float(half @ half)
    return np.asarray(half * along / (square * along + (1 - square) * across.real) + 0.0)


def hanle_signal(
    distance: ArrayLike, larmor_frequency: ArrayLike, medium: DiffusiveMedium, *, obliqueness: float = np.pi / 2
) -> float | _Real:
    r"""Return the accumulation that a spin current injected at x = 0 leaves at a detector, in a field (RHP 71, 75).

    Along the injected spin, and in units of j l/D: Re[(1 + i omega_B tau) exp(-k d)/(k l)] for a field across the spin,
    (k l)^2 = (1 + i omega_B tau)(1 + i omega_B tau_sf); in general sin^2 chi of it and cos^2 chi of exp(-d/l). The
    metal fills x > 0; one that fills both sides has half the signal.

    Args:
        distance: d [m], >= 0, broadcasts.
        larmor_frequency: omega_B [rad/s], broadcasts; the signal is even in it.
        medium: normal metal, without an exchange splitting.
        obliqueness: chi, angle between the field and the injected spin [rad].

    Returns:
        Number or array; 1 for d = 0 without a field.

    Raises:
        ValueError: a negative distance, an exchange splitting, tau_sf = inf.

    >>> round(hanle_signal(2.0, 0.0, DiffusiveMedium(diffusivity=4.0, spin_relaxation_time=1.0)), 6)
    0.367879
    """
    instance("medium", medium, DiffusiveMedium, _MEDIUM)
    if medium.exchange_splitting:
        raise ValueError(
            f"exchange_splitting = {medium.exchange_splitting:.4g} of medium is not 0: pass a normal metal, or use "
            "solve_accumulation"
        )
    length = _relaxing(medium).spin_diffusion_length
    d, omega = together(
        distance=not_negative("distance", distance),
        larmor_frequency=real("larmor_frequency", larmor_frequency, "pass real numbers in rad/s"),
    )
    chi = number("obliqueness", obliqueness)
    flight = 1 + 1j * omega * medium.momentum_time
    k = np.sqrt(flight * (1 + 1j * omega * medium.spin_relaxation_time)) / length
    across = (flight * np.exp(-k * d) / (k * length)).real
    return float_or_array(np.sin(chi) ** 2 * across + np.cos(chi) ** 2 * np.exp(-d / length))


class Damping(NamedTuple):
    """Gilbert damping and the factor of the gyromagnetic ratio."""

    alpha: float
    gyromagnetic_factor: float


def sd_damping(medium: DiffusiveMedium, equilibrium_ratio: float) -> Damping:
    """Return the damping that slow local spins have from electrons that follow late (RHP 66, 79).

    dM/dt = g' M x B - alpha M x dM/dt for a field that acts on the local spins alone. With R = xi/(1 + w^2) and
    w = omega tau_sf: alpha = R w/(1 + R w^2), g' = 1/(1 + R w^2).

    Args:
        medium: how fast the electrons precess and relax.
        equilibrium_ratio: xi, spin density of the electrons along M over that of the local spins [1], of the sign of
            the splitting.

    Returns:
        alpha >= 0 and g'.

    Raises:
        ValueError: a ratio whose sign is not that of the splitting, or not above -1.

    >>> from spinlib.units import hbar
    >>> slow = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=hbar, exchange_splitting=1.0)
    >>> alpha, factor = sd_damping(slow, 2.0)
    >>> round(alpha, 12), round(factor, 12)
    (0.5, 0.5)
    """
    instance("medium", medium, DiffusiveMedium, _MEDIUM)
    ratio, omega = number("equilibrium_ratio", equilibrium_ratio), medium.exchange_frequency
    if ratio * omega < 0 or ratio <= -1:
        raise ValueError(
            f"equilibrium_ratio = {ratio:.10g} is no equilibrium: pass one of the sign of exchange_splitting = "
            f"{medium.exchange_splitting:.4g}, above -1"
        )
    lost = 1 / medium.spin_relaxation_time
    if not (lost or omega):
        return Damping(0.0, 1.0)
    size = float(np.hypot(lost, omega))
    slow, fast = lost / size, omega / size
    whole = 1 / (1 + ratio * fast**2)
    return Damping(ratio * whole * fast * slow + 0.0, whole)


def _relaxing(medium: DiffusiveMedium) -> DiffusiveMedium:
    """Return a medium that relaxes spins, or refuse it."""
    instance("medium", medium, DiffusiveMedium, _MEDIUM)
    if medium.spin_relaxation_time == inf:
        raise ValueError("spin_relaxation_time = inf of medium gives no decay length: pass a finite one")
    return medium


def _coth(x: complex) -> complex:
    """Return coth x for Re x > 0, without overflow; 1 for an endless x."""
    if not np.isfinite(x):
        return 1 + 0j
    less = np.expm1(-2 * x)
    return complex(-(2 + less) / less)


def _three(name: str, rule: Callable[[str, ArrayLike], _Real], value: ArrayLike) -> _Real:
    """Return one number three times, or three numbers."""
    array = rule(name, value)
    if array.shape not in ((), (3,)):
        raise ValueError(f"{name} has shape {array.shape}: pass one number or three, in the order x, y, z")
    return np.broadcast_to(array, (3,))


def _turns(h: _Real) -> bool:
    """Return whether vectors ``(..., 3)`` have more than one axis, to 1e-9 of the longest."""
    each = h.reshape(-1, 3)
    if not len(each):
        return False
    longest = each[np.argmax(np.einsum("ij,ij->i", each, each))]
    return bool(np.linalg.norm(np.cross(each, longest), axis=-1).max() > 1e-9 * (longest @ longest))


def _discrete_mode(medium: DiffusiveMedium) -> complex:
    """Return k of RHP (66): kappa = k v_F tau_p obeys kappa coth kappa = (1/tau + i omega) tau_p, |Im kappa| < pi/2."""
    share = medium.momentum_time / medium.spin_relaxation_time
    nowhere = complex(np.nan, np.nan)
    if share == 1:
        return nowhere
    # kappa coth kappa - 1 = (R - 1) + i a R with R = tau_p/tau, and R - 1 without a difference of nearly equal numbers.
    excess, ratio = share / (1 - share), 1 / (1 - share)
    edge = 1.2  # x tanh x = R has its root above, where x tanh x is concave: each step stays below it
    for _ in range(_STEPS):
        edge += (ratio - edge * np.tanh(edge)) / (np.tanh(edge) + edge * (1 - np.tanh(edge) ** 2))
    if abs(medium.precession_angle) * edge >= np.pi / 2:
        return nowhere
    wanted = complex(excess, medium.precession_angle * ratio)
    kappa = complex(np.sqrt(wanted * (wanted + 3)))
    for _ in range(_STEPS if kappa else 0):
        found = _coth_term(kappa)
        kappa -= (found - wanted) / (kappa - (1 + found) * found / kappa)
    return kappa * (1 - share) / medium.mean_free_path


def _coth_term(kappa: complex) -> complex:
    """Return kappa coth kappa - 1, by its continued fraction where the difference would cancel."""
    if abs(kappa) > 1:
        return complex(kappa / np.tanh(kappa)) - 1
    square, tail = kappa * kappa, 25 + 0j
    for odd in range(23, 1, -2):
        tail = odd + square / tail
    return square / tail
