"""Torque-correlation model of the damping of a clean crystal with broadened bands (BTBK 80, 81).

T is the dimensionless dissipation of :func:`~spinlib.lattice.damping.dissipation_tensor` per site, so
:func:`~spinlib.lattice.damping.gilbert_damping` turns it into alpha. Conventions: :mod:`spinlib.lattice`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import finite, instance, integer, number, real, require, shaped, tangent, unit
from spinlib.lattice._orbitals import LS, SPIN, bond, exchange

__all__ = ["Crystal", "p_orbital_crystal", "torque_correlation"]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]
_Bloch = Callable[[_Real], _Complex]

_PROBE = np.array([[0.3, 1.1, -0.7], [1.9, -2.2, 0.4]])  # k where the functions of a crystal are tried
_FINEST = 0.01  # smallest broadening, in steps of energy between neighbouring k
_DEGENERATE = 1e-9  # levels closer than this part of the largest energy belong to one band
_ENTRIES = 2**17  # matrix elements per torque that are held at a time


def _square(name: str, value: ArrayLike, shape: tuple[int, ...]) -> _Complex:
    """Return finite Hermitian matrices of one shape, or refuse them by name."""
    array = np.array(finite(name, value, complex_allowed=True), dtype=np.complex128)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}: pass Hermitian matrices of shape {shape}")
    defect, size = np.abs(array - array.conj().swapaxes(-1, -2)).max(), np.abs(array).max()
    text = f"largest entry of {name} - {name}^dagger"
    require(text, defect, defect <= 1e-10 * size, "is not 0", "pass Hermitian matrices")
    return array


@dataclass(frozen=True, repr=False, eq=False)
class Crystal:
    """Bloch Hamiltonian of a ferromagnet with one cell per lattice site; any tight-binding or Wannier model.

    The hopping must not turn the spin: all spin-orbit coupling is in ``spin_orbit``.

    Args:
        hamiltonian: H(k), a function of wave vectors ``(..., 3)`` [rad per lattice vector], of period 2 pi up to a
            unitary transformation; returns Hermitian matrices ``(..., n, n)`` [hopping].
        velocity: dH/dk in the same basis; returns ``(..., 3, n, n)`` [hopping a].
        spin: S_x, S_y, S_z, ``(3, n, n)``; sigma/2, eigenvalues within -1/2 to 1/2.
        spin_orbit: H_so, the part of H that turns spins into orbits, ``(n, n)`` [hopping].
        exchange: the exchange energy for a vector v ``(3,)`` in the place of m, linear in v; returns ``(n, n)``
            [hopping]. H contains ``exchange(magnetization)``.
        magnetization: m ``(3,)``, a unit vector along the majority spin.

    Raises:
        ValueError: an array has another shape, is not finite or not Hermitian; so do the functions at two wave
            vectors; an eigenvalue of ``spin`` exceeds 1/2; ``exchange`` is not odd; ``magnetization`` has not length 1.

    >>> from spinlib.spin import spin_matrices
    >>> s = spin_matrices(1 / 2)  # one orbital on a simple cubic lattice, hop -1, exchange splitting 3
    >>> def bands(k):
    ...     return -2 * np.cos(k).sum(-1)[..., None, None] * np.eye(2) - 3 * s[2]
    >>> def slopes(k):
    ...     return 2 * np.sin(k)[..., None, None] * np.eye(2)
    >>> Crystal(bands, slopes, s, np.zeros((2, 2)), lambda v: -3 * np.tensordot(v, s, 1), (0, 0, 1))
    Crystal(2 states, m = [0. 0. 1.])
    """

    hamiltonian: _Bloch
    velocity: _Bloch
    spin: _Complex
    spin_orbit: _Complex
    exchange: _Bloch
    magnetization: _Real

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(
            self,
            hamiltonian: _Bloch,
            velocity: _Bloch,
            spin: ArrayLike,
            spin_orbit: ArrayLike,
            exchange: _Bloch,
            magnetization: ArrayLike,
        ) -> None: ...

    def __post_init__(self) -> None:
        m = unit("magnetization", shaped("magnetization", self.magnetization, (3,)))
        spin = finite("spin", self.spin, complex_allowed=True)
        n = spin.shape[-1] if spin.ndim else 0
        if not n:
            raise ValueError(f"spin has shape {spin.shape}: pass S_x, S_y, S_z of shape (3, n, n), n >= 1")
        arrays = {
            "spin": _square("spin", spin, (3, n, n)),
            "spin_orbit": _square("spin_orbit", self.spin_orbit, (n, n)),
            "magnetization": m,
        }
        largest = np.abs(np.linalg.eigvalsh(arrays["spin"])).max()
        require("largest |eigenvalue| of spin", largest, largest <= 0.5 + 1e-6, "is above 1/2", "pass S = sigma/2")
        for name in ("hamiltonian", "velocity", "exchange"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} = {getattr(self, name)!r} is no function: pass a callable")
        _square("hamiltonian(k) at k of shape (2, 3)", self.hamiltonian(_PROBE), (2, n, n))
        _square("velocity(k) at k of shape (2, 3)", self.velocity(_PROBE), (2, 3, n, n))
        for v in np.eye(3):
            forward, back = (_square("exchange(v)", self.exchange(each), (n, n)) for each in (v, -v))
            odd = np.abs(forward + back).max()
            require(
                "largest entry of exchange(v) + exchange(-v)",
                odd,
                odd <= 1e-10 * np.abs(forward).max(),
                "is not 0",
                "pass the exchange energy alone, linear in v",
            )
        for name, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        return f"Crystal({self.spin.shape[-1]} states, m = {self.magnetization.round(4)})"


def _bloch(local: _Complex, hops: _Real, k: _Real) -> _Complex:
    return np.asarray(local + np.tensordot(np.cos(k), hops, 1)[..., None] * np.eye(6))


def _bloch_velocity(hops: _Real, k: _Real) -> _Complex:
    return np.asarray((-np.sin(k)[..., None] * hops)[..., None] * np.eye(6) + 0j)


def _scaled_exchange(splitting: float, v: _Real) -> _Complex:
    return splitting * exchange(v)


def p_orbital_crystal(
    magnetization: ArrayLike,
    *,
    exchange_splitting: float = 1.0,
    spin_orbit: float = 0.0,
    hopping: ArrayLike = (1.0, -0.4),
    onsite: float = 0.0,
) -> Crystal:
    """Return the clean bulk of :func:`~spinlib.lattice.models.p_orbital_magnet`: p orbitals on a simple cubic lattice.

    H(k) = epsilon + 2 sum_i V_i cos k_i - (Delta/2) m.sigma + xi L.S; orbital p_j hops with V_i = V_pp_sigma along its
    own axis and V_pp_pi across.

    Args:
        magnetization: m ``(3,)``, a unit vector along the majority spin.
        exchange_splitting: Delta [hopping], of either sign.
        spin_orbit: xi [hopping], of either sign.
        hopping: (V_pp_sigma, V_pp_pi) [hopping].
        onsite: epsilon [hopping].

    Returns:
        The :class:`Crystal`, 6 states in the order (p_x, p_y, p_z) x (up, down).

    Raises:
        ValueError: ``magnetization`` has not length 1, or a number is not finite.

    >>> crystal = p_orbital_crystal((0, 0, 1), exchange_splitting=2.0)
    >>> np.diag(crystal.hamiltonian(np.array([0.0, 0.0, np.pi / 2]))).real.round(12)
    array([ 0.2,  2.2,  0.2,  2.2, -2.6, -0.6])
    """
    m = unit("magnetization", shaped("magnetization", magnetization, (3,)))
    splitting, xi = number("exchange_splitting", exchange_splitting), number("spin_orbit", spin_orbit)
    sigma, pi = shaped("hopping", hopping, (2,), "pass (V_pp_sigma, V_pp_pi)")
    along = np.diagonal(bond(np.eye(3), (float(sigma), float(pi)), 0.0), axis1=-2, axis2=-1)
    hops = 2 * np.repeat(along, 2, axis=-1)  # [direction, state]: both spins hop alike
    turning = xi * LS
    local = number("onsite", onsite) * np.eye(6) + splitting * exchange(m) + turning
    return Crystal(
        hamiltonian=partial(_bloch, local, hops),
        velocity=partial(_bloch_velocity, hops),
        spin=SPIN,
        spin_orbit=turning,
        exchange=partial(_scaled_exchange, splitting),
        magnetization=m,
    )


@dataclass(frozen=True, repr=False, eq=False)
class TorqueCorrelation(Table):
    """Dissipation of a crystal per site; returned by :func:`torque_correlation`.

    Args:
        total: T, the sum of the next two, ``(D,)`` or ``(B, D)``; dimensionless, >= 0.
        intraband: the part of pairs of equal levels (the same band, or bands that touch at this k).
        interband: the part of pairs of different levels.
        conductivity: along the current, ``()`` or ``(B,)`` [e^2/h per a].

    >>> atom = p_orbital_crystal((0, 0, 1), exchange_splitting=0.0, spin_orbit=1.0, hopping=(0, 0))
    >>> torque_correlation(atom, 0.0, [1.0, 2.0], [(1, 0, 0), (0, 1, 0)], k_points=1)
    TorqueCorrelation(2 broadenings, 2 directions, T from 1.506 to 3.2, conductivity from 0 to 0 e^2/h per a)
    """

    _own_axes: ClassVar[int] = 1
    _units: ClassVar[Mapping[str, str]] = {"conductivity": "e^2/h per a"}

    total: _Real
    intraband: _Real
    interband: _Real
    conductivity: float | _Real

    def __repr__(self) -> str:
        def span(values: float | _Real) -> str:
            return f"from {np.min(values):.4g} to {np.max(values):.4g}"

        broadenings, directions = int(np.size(self.conductivity)), self.total.shape[-1]
        return (
            f"TorqueCorrelation({broadenings} broadening{'s' * (broadenings > 1)}, {directions} "
            f"direction{'s' * (directions > 1)}, T {span(self.total)}, "
            f"conductivity {span(self.conductivity)} e^2/h per a)"
        )


def _torques(crystal: Crystal, directions: ArrayLike, torque: str) -> _Complex:
    """Return the operators whose correlation is taken, ``(D, n, n)``."""
    e = np.asarray(real("directions", directions))
    if e.ndim != 2 or e.shape[1] != 3 or not len(e):
        raise ValueError(f"directions has shape {e.shape}: pass unit vectors across m of shape (D, 3), D >= 1")
    e = tangent("directions", unit("directions", e), crystal.magnetization, "magnetization")
    if torque == "exchange":
        return np.array([crystal.exchange(each) for each in e], dtype=np.complex128)
    if torque != "spin-orbit":
        raise ValueError(f"torque = {torque!r} is unknown: pass 'spin-orbit' or 'exchange'")
    spin = np.tensordot(np.cross(crystal.magnetization, e), crystal.spin, 1)
    return np.asarray(1j * (spin @ crystal.spin_orbit - crystal.spin_orbit @ spin))


def _resolvable(crystal: Crystal, broadening: _Real, k_points: int) -> None:
    """Refuse broadenings that see the single points of the mesh."""
    # Root mean square of dH/dk, by Parseval exact for hops over up to three cells; it depends on no basis.
    k = 2 * np.pi * np.stack(np.meshgrid(*3 * [np.arange(8) / 8], indexing="ij"), axis=-1).reshape(-1, 3)
    mean_square = np.mean([np.sum(np.abs(crystal.velocity(each)) ** 2) for each in np.split(k, 8)]) / 64
    step = _FINEST * 2 * np.pi * np.sqrt(mean_square / crystal.spin.shape[-1])
    enough = int(np.ceil(step / broadening.min()))
    require(
        "broadening",
        broadening,
        broadening * k_points >= step,
        f"is too small for k_points = {k_points}",
        f"pass broadening >= {step / k_points:.3g} or k_points >= {enough}",
    )


def _mesh(k_points: int, offset: _Real, at_once: int) -> Iterator[_Real]:
    """Yield the wave vectors 2 pi (j + offset)/k_points in pieces of up to ``at_once``."""
    for start in range(0, k_points**3, at_once):
        index = np.arange(start, min(start + at_once, k_points**3))
        j = np.stack(np.unravel_index(index, 3 * (k_points,)), axis=-1)
        yield 2 * np.pi * (j + offset) / k_points


def torque_correlation(
    crystal: Crystal,
    energy: float,
    broadening: ArrayLike,
    directions: ArrayLike,
    *,
    k_points: int = 32,
    offset: ArrayLike = 0.5,
    torque: str = "spin-orbit",
    current_direction: ArrayLike = (0, 0, 1),
) -> TorqueCorrelation:
    """Return the dissipation of a turning magnet with broadened bands, at zero temperature (BTBK 80, 81).

    T = < sum_nm |tau_nm|^2 A_n A_m >, the mean over k, with A_n = 2 eta/[(E - epsilon_n)^2 + eta^2] and the torque
    tau = i[S.n, H_so], n = m x e, of (80). A has the integral 2 pi, so T = Tr[A tau A tau] per site is what
    :func:`~spinlib.lattice.damping.gilbert_damping` takes. The conductivity with the same A is < Tr A v A v >/2.

    Args:
        crystal: the crystal.
        energy: E [hopping], the Fermi energy.
        broadening: eta [hopping], half width of a level, a number or ``(B,)``; hbar over twice the lifetime.
        directions: e ``(D, 3)``, unit vectors across m along which m turns.
        k_points: points along each of the three axes.
        offset: shift of the mesh in its own steps, k = 2 pi (j + offset)/k_points; a number or ``(3,)``. Three
            different numbers keep off the symmetry planes and make the mesh as good as it can be.
        torque: "spin-orbit", or "exchange" for tau = dH/dm.e, which is wrong with a constant eta: it counts the spin
            that the broadening itself absorbs.
        current_direction: unit vector ``(3,)`` along which the conductivity is taken.

    Returns:
        :class:`TorqueCorrelation` with the dissipation per site and rad^2, and the conductivity.

    Raises:
        ValueError: ``broadening`` is not positive, or below a hundredth of the energy step between neighbouring k;
            ``directions`` or ``current_direction`` have not length 1, or ``directions`` a part along m; ``torque`` is
            unknown; ``k_points`` is no integer >= 1; a shape is wrong.

    >>> atom = p_orbital_crystal((0, 0, 1), exchange_splitting=0.0, spin_orbit=1.0, hopping=(0, 0))
    >>> torque_correlation(atom, 0.0, 1.0, [(1, 0, 0)], k_points=1).total.round(12)  # 2 xi^2 A_1 A_2, A = 1 and 8/5
    array([3.2])
    """
    instance("crystal", crystal, Crystal, "a Crystal, such as p_orbital_crystal(magnetization)")
    fermi, k_points = number("energy", energy), integer("k_points", k_points, 1)
    eta = np.asarray(real("broadening", broadening))
    if eta.ndim > 1 or not eta.size:
        raise ValueError(f"broadening has shape {eta.shape}: pass a number or an array of shape (B,), B >= 1")
    require("broadening", eta, eta > 0, "is not positive", "pass broadening > 0 in units of the hopping")
    shift = np.asarray(real("offset", offset))
    if shift.shape not in {(), (3,)}:
        raise ValueError(f"offset has shape {shift.shape}: pass a number or an array of shape (3,)")
    current = unit("current_direction", shaped("current_direction", current_direction, (3,)))
    torques = _torques(crystal, directions, torque)
    _resolvable(crystal, eta, k_points)

    widths, (count, n, _) = np.atleast_1d(eta), torques.shape
    same, other = np.zeros((2, widths.size, count))
    conductivity = np.zeros(widths.size)
    for k in _mesh(k_points, shift, max(1, _ENTRIES // n**2)):
        levels, states = np.linalg.eigh(crystal.hamiltonian(k))
        adjoint = states.conj().swapaxes(-1, -2)
        weights = np.abs(adjoint @ (torques[:, None] @ states)) ** 2  # (D, K, n, n)
        flow = np.abs(adjoint @ np.einsum("i,kinm->knm", current, crystal.velocity(k)) @ states) ** 2
        gaps = np.abs(levels[:, :, None] - levels[:, None, :])
        joined = gaps <= _DEGENERATE * np.abs(levels).max()
        within = (weights * joined).reshape(count, -1)
        between = (weights * ~joined).reshape(count, -1)
        for i, width in enumerate(widths):
            spectral = 2 * width / ((fermi - levels) ** 2 + width**2)
            overlap = (spectral[:, :, None] * spectral[:, None, :]).ravel()
            same[i] += within @ overlap
            other[i] += between @ overlap
            conductivity[i] += flow.ravel() @ overlap / 2
    sites = k_points**3
    same, other, conductivity = (
        each.reshape(eta.shape + each.shape[1:]) / sites for each in (same, other, conductivity)
    )
    return TorqueCorrelation(same + other, same, other, conductivity if eta.ndim else float(conductivity))
