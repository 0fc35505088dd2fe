"""Damping of a crystal with broadened bands by other means: inverse matrices, a scattering matrix, printed formulas.

A band of half width eta is a state that leaks into a reservoir of its own: with one reservoir on every orbital the
scattering matrix of a wave vector is S = -1 + 2 i eta G(E + i eta), and the heat (66) that a turning magnet sends into
the reservoirs needs neither eigenstates nor spectral functions.
"""

from dataclasses import replace
from itertools import product

import numpy as np
from scipy.integrate import quad
from scipy.linalg import expm

from spinlib.lattice.torque_correlation import Crystal
from spinlib.spin import PAULI


def wave_vectors(k_points, offset=0.5):
    """The mesh by its own loop, ``(k_points^3, 3)``."""
    return 2 * np.pi * (np.array(list(product(range(k_points), repeat=3))) + offset) / k_points


def torque_operator(crystal, e, torque="spin-orbit"):
    """i[S.n, H_so] with n = m x e, or dH/dm.e."""
    if torque == "exchange":
        return crystal.exchange(np.asarray(e, dtype=float))
    spin = np.einsum("i,inm->nm", np.cross(crystal.magnetization, e), crystal.spin)
    return 1j * (spin @ crystal.spin_orbit - crystal.spin_orbit @ spin)


def trace_by_inverse(crystal, energy, broadening, operator, k):
    """Tr[A X A X] at one wave vector, A = i(G - G^dagger) from a matrix inverse."""
    h = crystal.hamiltonian(k)
    green = np.linalg.inv((energy + 1j * broadening) * np.eye(len(h)) - h)
    a = 1j * (green - green.conj().T)
    return np.trace(a @ operator @ a @ operator).real


def reservoir_matrix(crystal, energy, broadening, k, *, turn=None, frame="lattice"):
    """Scattering matrix between the reservoirs when m is turned by the rotation vector ``turn``.

    ``frame`` "lattice": the exchange field turns. "magnet": seen from the turned magnet, the spin-orbit coupling turns
    back; the two differ by the unitary that turns the spins.
    """
    axis = np.zeros(3) if turn is None else np.asarray(turn, dtype=float)
    h = crystal.hamiltonian(k)
    if frame == "lattice":
        angle, m = np.linalg.norm(axis), crystal.magnetization
        if angle:
            n = axis / angle
            m = np.cos(angle) * m + np.sin(angle) * np.cross(n, m) + (1 - np.cos(angle)) * (n @ m) * n
        h = h - crystal.exchange(crystal.magnetization) + crystal.exchange(m)
    else:
        u = spin_turn(crystal, axis)
        h = h - crystal.spin_orbit + u.conj().T @ crystal.spin_orbit @ u
    green = np.linalg.inv((energy + 1j * broadening) * np.eye(len(h)) - h)
    return -np.eye(len(h)) + 2j * broadening * green


def spin_turn(crystal, axis):
    """exp(-i axis.S)."""
    return expm(-1j * np.einsum("i,inm->nm", np.asarray(axis, dtype=float), crystal.spin))


def reservoir_derivative(crystal, energy, broadening, e, k, *, frame, step=1e-4):
    """dS per rad of a turn of m towards ``e``, by central differences of fourth order."""
    n = np.cross(crystal.magnetization, e)

    def s(angle):
        return reservoir_matrix(crystal, energy, broadening, k, turn=angle * n, frame=frame)

    return (8 * (s(step) - s(-step)) - (s(2 * step) - s(-2 * step))) / (12 * step)


def damping_80(crystal, energy, broadening, e, k, *, factor=np.pi / 2, lowering=1.0, spectral=1.0):
    """Damping (80) with (81) at zero temperature at wave vectors ``(K, 3)``, in units of g^2 mu_B^2/hbar per cell.

    The sum over bands with S_- = S.e1 - i S.e2, e = (e1, e2) across m, and Lorentzians a of integral 1. ``factor``
    stands before the sum, 1/pi in print; ``lowering`` is sigma_-/S_-, ``spectral`` A/a. T/4 pi is what (66) gives.
    """
    minus = lowering * np.einsum("i,inm->nm", np.asarray(e[0]) - 1j * np.asarray(e[1]), crystal.spin)
    torque = minus @ crystal.spin_orbit - crystal.spin_orbit @ minus
    total = 0.0
    for each in k:
        levels, states = np.linalg.eigh(crystal.hamiltonian(each))
        a = spectral * broadening / np.pi / ((energy - levels) ** 2 + broadening**2)
        elements = np.abs(states.conj().T @ torque @ states) ** 2
        total += factor * sum(elements[n, m] * a[n] * a[m] for n, m in np.ndindex(elements.shape))
    return total / len(k)


#: Readings of the printed (80), (81): (sigma_-/S_-, A/a) -> printed over right. None is 1.
READINGS = {
    (lowering, spectral): (1 / np.pi) * lowering**2 * spectral**2 / (np.pi / 2)
    for lowering, spectral in product((1, 2), (1, np.pi, 2 * np.pi))
}


def energy_integral(distance, broadening):
    """Integral of a_n a_m over all energies, two Lorentzians of integral 1 at a distance, by quadrature."""

    def both(x):
        left = broadening / np.pi / ((x - distance / 2) ** 2 + broadening**2)
        return left * broadening / np.pi / ((x + distance / 2) ** 2 + broadening**2)

    edge = distance / 2
    inner = quad(both, 0, edge + 4 * broadening, points=[edge], epsabs=0, epsrel=1e-12, limit=200)[0]
    return 2 * (inner + quad(both, edge + 4 * broadening, np.inf, epsabs=0, epsrel=1e-12, limit=200)[0])


def energy_integral_closed(distance, broadening):
    """The same in closed form: 1/(2 pi eta) at distance 0, (2 eta/pi)/distance^2 far away."""
    return 2 * broadening / np.pi / (distance**2 + 4 * broadening**2)


def weak_coupling_damping(crystal_energy, exchange_splitting, hopping, energy, broadening, m, e, k):
    """T/xi^2 for xi -> 0 of the p crystal without matrices, from the levels of pure orbitals and spins.

    (1/4) < sum_a!=b sum_s e_c^2 A_as A_bs + m_c^2 A_as A_b,-s >, c the third axis: tau = xi (L_m S_e - L_e S_m) up to
    its sign, (L_c)_ab^2 = 1.
    """
    sigma, pi = hopping
    orbital = crystal_energy + 2 * np.cos(k) @ (pi * np.ones((3, 3)) + (sigma - pi) * np.eye(3))
    levels = orbital[:, :, None] + exchange_splitting / 2 * np.array([-1, 1])  # (K, orbital, majority first)
    a = 2 * broadening / ((energy - levels) ** 2 + broadening**2)
    total = 0.0
    for c in range(3):
        one, two = a[:, (c + 1) % 3], a[:, (c + 2) % 3]
        total += 2 * (e[c] ** 2 * (one * two).sum(-1).mean() + m[c] ** 2 * (one * two[:, ::-1]).sum(-1).mean())
    return total / 4


def rotated(crystal, unitary):
    """The same crystal in another basis of the cell."""
    back = unitary.conj().T
    return replace(
        crystal,
        hamiltonian=lambda k: back @ crystal.hamiltonian(k) @ unitary,
        velocity=lambda k: back @ crystal.velocity(k) @ unitary,
        spin=back @ crystal.spin @ unitary,
        spin_orbit=back @ crystal.spin_orbit @ unitary,
        exchange=lambda v: back @ crystal.exchange(v) @ unitary,
    )


def chain(hop=1.0):
    """A band 2 hop cos k_z without spin."""
    one = np.ones((1, 1))
    axis = np.array([0.0, 0.0, 1.0])
    return Crystal(
        lambda k: 2 * hop * np.cos(k[..., 2])[..., None, None] * one,
        lambda k: (-2 * hop * np.sin(k[..., 2])[..., None] * axis)[..., None, None] * one,
        np.zeros((3, 1, 1)),
        np.zeros((1, 1)),
        lambda v: np.zeros((1, 1)),
        axis,
    )


def chain_conductivity(energy, broadening):
    """Conductivity of ``chain()`` in closed form, from <G> = 1/sqrt(z^2 - 4) and dG/dk = v G^2.

    A^2 = 2|G|^2 - 2 Re G^2, |G|^2 = A/(2 eta), v^2 = 4 - epsilon^2, <v^2 G^2> = <epsilon G> = z<G> - 1.
    """
    z = energy + 1j * broadening
    g = 1 / (np.sqrt(z - 2) * np.sqrt(z + 2))
    # epsilon^2 G = z^2 G - z - epsilon, and <epsilon> = 0.
    square = 4 * g - (z**2 * g - z)  # <v^2 G>
    diagonal = -2 * square.imag / (2 * broadening)  # <v^2 |G|^2>
    return (2 * diagonal - 2 * (z * g - 1).real) / 2


def cubic_band():
    """The band -2 (cos k_x + cos k_y + cos k_z) without spin."""
    one = np.ones((1, 1))
    return Crystal(
        lambda k: -2 * np.cos(k).sum(-1)[..., None, None] * one,
        lambda k: 2 * np.sin(k)[..., None, None] * one,
        np.zeros((3, 1, 1)),
        np.zeros((1, 1)),
        lambda v: np.zeros((1, 1)),
        (0, 0, 1),
    )


def two_levels(gap, coupling):
    """Levels at -+gap/2 without dispersion, m along z. For e along x, so n along y, H_so = coupling.sigma.

    H_so = sigma_x gives tau = sigma_z (each level alone), H_so = sigma_z gives tau = -sigma_x (from one to the other).
    """
    zero = np.zeros((3, 2, 2))
    return Crystal(
        lambda k: np.broadcast_to(-gap / 2 * PAULI[2], (*k.shape[:-1], 2, 2)),
        lambda k: np.broadcast_to(zero, (*k.shape[:-1], 3, 2, 2)),
        PAULI / 2,
        np.tensordot(coupling, PAULI, 1),
        lambda v: -gap / 2 * np.tensordot(v, PAULI, 1),
        (0, 0, 1),
    )


def weak_coupling_intraband(spin_orbit, exchange_splitting, hopping, energy, broadening, m, e, k):
    """Intraband part of T for small xi, from the crossings of pure levels alone: of order xi^3 (with a logarithm).

    Two levels at a distance d that H_so joins by g/2 carry |tau_nn|^2 = t^2 g^2/(d^2 + g^2), and the mean over k of
    g^2/(d^2 + g^2) is of order g. Equal spins: g = xi |m_c|, t = xi e_c/2. Opposite spins: g = xi (1 - m_c^2)^1/2,
    t = xi m_c e_c/2 (1 - m_c^2)^1/2, the part of the torque in phase with H_so.
    """
    sigma, pi = hopping
    orbital = 2 * np.cos(k) @ (pi * np.ones((3, 3)) + (sigma - pi) * np.eye(3))
    levels = orbital[:, :, None] + exchange_splitting / 2 * np.array([-1, 1])
    total = 0.0
    for c, (s, other) in product(range(3), product((0, 1), repeat=2)):
        across = 1 - m[c] ** 2
        g, t = (abs(m[c]), e[c] / 2) if s == other else (np.sqrt(across), m[c] * e[c] / 2 / np.sqrt(across))
        one, two = levels[:, (c + 1) % 3, s], levels[:, (c + 2) % 3, other]
        distance = np.hypot(one - two, spin_orbit * g)
        for sign in (-1, 1):
            a = 2 * broadening / ((energy - (one + two + sign * distance) / 2) ** 2 + broadening**2)
            total += np.mean((spin_orbit**2 * t * g / distance * a) ** 2)
    return total
