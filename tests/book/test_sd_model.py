"""RHP (1)-(15), Figure 1: each against a route that does not use it, and printed forms miss by what is predicted.

The routes: occupation numbers moved by hand, Slater determinants, exchanged basis states, finite rotations, Coulomb's
law and a boundary-value problem for the poles of a film, the first-quantised Hamiltonian of one and two electrons, a
spinor carried through slices. Units of the paper, hbar = g mu_B = 1, unless a test says so.
"""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import physical_constants
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm, solve_banded
from scipy.stats import unitary_group

from spinlib.accumulation import DiffusiveMedium
from spinlib.dynamics.walls import wall_profile
from spinlib.field_theory import exchange_moments, fermion_operators
from spinlib.spin import PAULI, adjoint_rotation, direction, rotation_matrix, spin_matrices, spin_rotation
from spinlib.units import hbar, meV, mu_0, mu_B, nm, ps
from tests.quantum import LEVI_CIVITA, dagger, spin_sites

POINTS, SPACING = 3, 0.4
MODES = 2 * POINTS
ORBITALS = unitary_group.rvs(POINTS, random_state=12) / np.sqrt(SPACING)  # (r, i)
RNG = np.random.default_rng(2005)


def commutator(a, b):
    return a @ b - b @ a


def anticommutator(a, b):
    return a @ b + b @ a


def cross(a, b):
    """a x b of two vectors of operators, in this order."""
    return np.einsum("ijk,jab,kbc->iac", LEVI_CIVITA, a, b)


def field(orbitals=ORBITALS):
    """(3) as matrices [s, r]."""
    a = fermion_operators(MODES).reshape(2, POINTS, 2**MODES, 2**MODES)
    return np.einsum("ri,siab->srab", orbitals, a)


def anticommutators(psi):
    """The numbers {Psi_s(r), Psi_s'^dagger(r')}, [sr, s'r']."""
    flat = psi.reshape(MODES, *psi.shape[-2:])
    numbers = np.empty((MODES, MODES), complex)
    for i, j in product(range(MODES), repeat=2):
        found = anticommutator(flat[i], dagger(flat[j]))
        numbers[i, j] = found[0, 0]
        np.testing.assert_allclose(found, found[0, 0] * np.eye(len(found)), rtol=0, atol=1e-12)
    return numbers


def spin_density(psi, r):
    return np.einsum("sab,ist,tbc->iac", dagger(psi[:, r]), PAULI, psi[:, r]) / 2


# --- the field of the electrons ---------------------------------------------------------------------------------------


def test_paper_RHP_1_field_of_a_random_complete_set():
    # Operators of a second make: empty one occupation of a list of states, with the sign of the fermions before it.
    states = list(product((0, 1), repeat=MODES))
    by_hand = np.zeros((MODES, len(states), len(states)))
    for column, state in enumerate(states):
        for mode in range(MODES):
            if state[mode]:
                emptied = (*state[:mode], 0, *state[mode + 1 :])
                by_hand[mode, states.index(emptied), column] = (-1) ** sum(state[:mode])
    np.testing.assert_array_equal(fermion_operators(MODES), by_hand)
    psi = field()
    flat = psi.reshape(MODES, 64, 64)
    for one, two in product(flat, repeat=2):
        np.testing.assert_allclose(anticommutator(one, two), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(anticommutators(psi), np.eye(MODES) / SPACING, rtol=0, atol=1e-12)


def test_paper_RHP_1_needs_a_complete_set():
    lost = ORBITALS * [1, 0, 1]
    missing = np.outer(ORBITALS[:, 1], ORBITALS[:, 1].conj())
    rest = np.eye(MODES) / SPACING - anticommutators(field(lost))
    np.testing.assert_allclose(rest, np.kron(np.eye(2), missing), rtol=0, atol=1e-12)
    assert abs(missing[0, 1]) > 0.05  # the field does not even vanish between different points


def test_paper_RHP_2_counts_electrons_of_one_spin():
    psi = field()
    density = np.einsum("srba,srbc->srac", psi.conj(), psi)
    for here in SPACING * density.reshape(MODES, 64, 64):
        np.testing.assert_allclose(here @ here, here, rtol=0, atol=1e-12)  # eigenvalues 0 and 1
        assert np.trace(here).real == pytest.approx(32, abs=1e-10)  # both in half of the states
    # Two electrons up in orbitals 0 and 2, one down in orbital 1: densities are sums of |phi|^2.
    a = fermion_operators(MODES)
    state = a[0].T @ a[2].T @ a[4].T @ np.eye(64)[0]
    mean = np.einsum("a,srab,b->sr", state, density, state).real
    square = np.abs(ORBITALS) ** 2
    np.testing.assert_allclose(mean, [square[:, 0] + square[:, 2], square[:, 1]], rtol=0, atol=1e-12)


def test_paper_RHP_3_amplitudes_are_slater_determinants():
    a, psi, vacuum = fermion_operators(MODES), field(), np.eye(64)[0]
    for i, r in product(range(POINTS), repeat=2):
        assert vacuum @ psi[1, r] @ a[POINTS + i].T @ vacuum == pytest.approx(ORBITALS[r, i], abs=1e-12)
        assert vacuum @ psi[0, r] @ a[POINTS + i].T @ vacuum == pytest.approx(0, abs=1e-12)  # the other spin
    pair = a[0].T @ a[1].T @ vacuum
    for r, q in product(range(POINTS), repeat=2):
        determinant = np.linalg.det(ORBITALS[[r, q]][:, [0, 1]])
        assert vacuum @ psi[0, q] @ psi[0, r] @ pair == pytest.approx(determinant, abs=1e-12)


def fourier_fields(numbers, places, ends=1.0):
    """Psi and its slope at these places for plane waves, one spin."""
    k = 2 * np.pi * np.array(numbers) * ends
    a = fermion_operators(len(k))
    wave = np.exp(1j * np.outer(places, k))
    return np.einsum("ri,iab->rab", wave, a), np.einsum("ri,iab->rab", 1j * k * wave, a), k, a


def test_paper_RHP_5_is_p_squared_over_2m_on_a_ring():
    places = np.arange(8) / 8  # exact for the waves below
    _, slope, k, a = fourier_fields((-1, 0, 1), places)
    mass = 0.7
    energy = np.einsum("rba,rbc->ac", slope.conj(), slope) / (2 * mass * len(places))
    counted = sum(k[i] ** 2 / (2 * mass) * a[i].T @ a[i] for i in range(3))
    np.testing.assert_allclose(energy, counted, rtol=0, atol=1e-11)
    # Forward differences on a ring of points: the lattice Laplacian, with no rest.
    ahead = (np.roll(np.eye(5), 1, axis=1) - np.eye(5)) / SPACING
    levels = np.linalg.eigvalsh(ahead.T @ ahead)
    closed = 2 * (1 - np.cos(2 * np.pi * np.arange(5) / 5)) / SPACING**2
    np.testing.assert_allclose(levels, np.sort(closed), rtol=0, atol=1e-11)


def test_paper_RHP_5_differs_by_the_surface_term_where_electrons_pass():
    x, weight = np.polynomial.legendre.leggauss(40)
    x, weight = (1 + x) / 2, weight / 2
    edges = np.array([0.0, 1.0])
    for numbers, vanishes in (((1, 2), True), ((0.3, 0.45), False)):
        psi, slope, k, a = fourier_fields(numbers, x)
        bend = np.einsum("ri,iab->rab", -(k**2) * np.exp(1j * np.outer(x, k)), a)
        printed = np.einsum("r,rba,rbc->ac", weight, slope.conj(), slope) / 2
        second = -np.einsum("r,rba,rbc->ac", weight, psi.conj(), bend) / 2
        at_edge, slope_at_edge, _, _ = fourier_fields(numbers, edges)
        flow = np.einsum("rba,rbc->rac", at_edge.conj(), slope_at_edge) / 2
        np.testing.assert_allclose(printed - second, flow[1] - flow[0], rtol=0, atol=1e-12)
        assert (np.abs(flow[1] - flow[0]).max() < 1e-12) == vanishes
        np.testing.assert_allclose(printed, dagger(printed), rtol=0, atol=1e-12)
        assert np.linalg.eigvalsh(printed)[0] > -1e-12
        assert (np.abs(second - dagger(second)).max() < 1e-12) == vanishes


def test_paper_RHP_6_spinor_turns_with_half_the_angle():
    psi, unitary = field(), spin_rotation(0.9, 2.1)
    turned = np.einsum("st,trab->srab", unitary, psi)
    np.testing.assert_allclose(anticommutators(turned), np.eye(MODES) / SPACING, rtol=0, atol=1e-12)
    for r in range(POINTS):
        as_vector = np.einsum("ij,jab->iab", adjoint_rotation(unitary), spin_density(psi, r))
        np.testing.assert_allclose(spin_density(turned, r), as_vector, rtol=0, atol=1e-12)
    # The same by a rotation of the states: the total spin generates it.
    angle = 0.8
    total_y = SPACING * sum(spin_density(psi, r)[1] for r in range(POINTS))
    rotation = expm(-1j * angle * total_y)
    for r in range(POINTS):
        moved = np.array([dagger(rotation) @ psi[s, r] @ rotation for s in (0, 1)])
        expected = np.einsum("st,tab->sab", spin_rotation(angle), psi[:, r])
        np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-12)


# --- local spins ------------------------------------------------------------------------------------------------------


def test_paper_RHP_7_integrates_to_the_spin_inside():
    places, spins = np.array([0.1, 0.35, 0.8]), RNG.normal(size=(3, 3))
    width = 0.01

    def density(x):
        cloud = np.exp(-(((x - places) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
        return cloud @ spins

    for left, right in ((0.0, 0.5), (0.5, 1.0), (0.0, 1.0)):
        grid = np.linspace(left, right, 4001)
        inside = np.trapezoid([density(x) for x in grid], grid, axis=0)
        expected = spins[(places > left) & (places < right)].sum(axis=0)
        np.testing.assert_allclose(inside, expected, rtol=0, atol=1e-10)  # of each cloud 1e-20 lies outside


def test_paper_RHP_8_zeeman_energy_of_cells_in_a_field_that_varies():
    count, side = 960, 0.3 * nm  # one site a cube, on a ring; SI
    x = (np.arange(count) + 0.5) / count
    spins = 1.5 * direction(1.0 + 0.6 * np.cos(2 * np.pi * x), 0.8 * np.sin(2 * np.pi * x))

    def lab(place):  # T; opposite to the B of (10)
        wave = 2 * np.pi * place
        return np.stack([0.2 * np.cos(wave), -0.1 + 0 * wave, 0.7 + 0.3 * np.cos(wave)], axis=-1)

    exact = 2 * mu_B * (spins * lab(x)).sum()  # the moment of an electron is against its spin
    # Half the sum of S'.B' times the mean square distance from the middle of a cell of n sites.
    slopes = (np.roll(spins, -1, axis=0) - spins) * (np.roll(lab(x), -1, axis=0) - lab(x))
    errors = []
    for n in (60, 30, 15):
        volume = n * side**3
        magnetization = 2 * mu_B * spins.reshape(-1, n, 3).sum(axis=1) / volume
        energy = volume * (magnetization * lab(x.reshape(-1, n).mean(axis=1))).sum()
        errors.append(exact - energy)
        printed = magnetization / volume  # with the density (7) in it
        assert (volume * printed * lab(x.reshape(-1, n).mean(axis=1))).sum() * volume == pytest.approx(
            exact, rel=0.01, abs=0
        )
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, abs=0.05)
    predicted = 2 * mu_B * slopes.sum() * (15**2 - 1) / 24
    assert errors[-1] == pytest.approx(predicted, rel=0.01, abs=0)  # next order: (2 pi 15/960)^2


def test_paper_RHP_8_integral_is_the_whole_spin():
    rng = np.random.default_rng(8)
    places, spins = rng.uniform(0, 1, 40), rng.normal(size=(40, 3))
    points = np.arange(4000) / 4000
    for volume in (1 / 8, 1 / 20):
        away = (points[:, None] - places + 0.5) % 1 - 0.5
        density = (np.abs(away) < volume / 2) @ spins / volume  # (7), averaged over the volume: 1/m
        np.testing.assert_allclose(density.mean(axis=0), spins.sum(axis=0), rtol=0, atol=1e-9)
        again = density / volume  # the print with this density: 1/V times too much
        np.testing.assert_allclose(again.mean(axis=0) * volume, spins.sum(axis=0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("spin", [1 / 2, 1, 5 / 2])
def test_paper_RHP_9_is_the_rate_of_a_finite_rotation(spin):
    matrices, angle = spin_matrices(spin), 0.45
    turn = np.diag(np.exp(-1j * angle * (spin - np.arange(2 * spin + 1))))  # basis of S_z: no commutator used
    for sign in (1, -1):
        rotation = turn if sign > 0 else dagger(turn)
        found = rotation @ matrices[0] @ dagger(rotation)
        right = np.cos(angle) * matrices[0] + sign * np.sin(angle) * matrices[1]
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-13)
    left = commutator(matrices[0], matrices[1])
    np.testing.assert_allclose(left, 1j * matrices[2], rtol=0, atol=1e-13)
    # The printed 2i turns by twice the angle, the law of sigma and not of sigma/2.
    share = np.trace(2j * matrices[2] @ matrices[2]) / np.trace(left @ matrices[2])
    assert share == pytest.approx(2, abs=1e-12)
    double = expm(-0.5j * angle * PAULI[2])
    found = double @ PAULI[0] @ dagger(double)
    np.testing.assert_allclose(found, np.cos(angle) * PAULI[0] + np.sin(angle) * PAULI[1], rtol=0, atol=1e-13)


def test_paper_RHP_9_of_cells_has_one_over_the_volume():
    volume, moment = 0.4, 1.3
    spins = spin_sites(1 / 2, 1, 1 / 2, 1)
    cells = moment / volume * np.array([spins[0] + spins[1], spins[2] + spins[3]])
    for c, q in product((0, 1), repeat=2):
        left = commutator(cells[c, 0], cells[q, 1])
        right = 1j * moment * cells[c, 2] * (c == q) / volume
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-12)
    again = cells / volume  # printed (8): the left side has one more 1/V than the right
    left, right = commutator(again[0, 0], again[0, 1]), 1j * moment * again[0, 2] / volume
    np.testing.assert_allclose(left, right / volume, rtol=0, atol=1e-11)


def exchanged(length, i, j):
    """The permutation of the states of spins 1/2 that exchanges sites i and j."""
    matrix = np.zeros((2**length, 2**length))
    for state in range(2**length):
        bits = [(state >> (length - 1 - k)) & 1 for k in range(length)]
        bits[i], bits[j] = bits[j], bits[i]
        matrix[int("".join(map(str, bits)), 2), state] = 1
    return matrix


def heisenberg(spins, couplings, B):
    """(10) with the couplings J_ij, each pair counted twice."""
    length = len(spins)
    H = -np.einsum("i,kiab->ab", B, spins)
    for i, j in product(range(length), repeat=2):
        H = H - couplings[i, j] / 2 * np.einsum("iab,ibc->ac", spins[i], spins[j])
    return H


def ring(length, J):
    shift = np.roll(np.eye(length), 1, axis=0)
    return J * (shift + shift.T)


def test_paper_RHP_10_ferromagnet_for_positive_coupling_and_spins_along_the_field():
    length, J, B = 6, 0.7, 0.15
    H = heisenberg(spin_sites(*[1 / 2] * length), ring(length, J), [0, 0, B])
    # S_i.S_j = (P_ij - 1/2)/2 of exchanged states, and the spin counted bit by bit.
    by_hand = np.zeros_like(H)
    for i in range(length):
        by_hand = by_hand - J * (exchanged(length, i, (i + 1) % length) - np.eye(2**length) / 2) / 2
    up = np.array([length / 2 - bin(state).count("1") for state in range(2**length)])
    by_hand = by_hand - B * np.diag(up)
    np.testing.assert_allclose(H, by_hand, rtol=0, atol=1e-12)
    levels, states = np.linalg.eigh(H)
    zeroth = exchange_moments([(1, 0, 0), (-1, 0, 0)], J).zeroth
    assert levels[0] == pytest.approx(-length * (zeroth / 8 + B / 2), abs=1e-12)
    assert np.abs(states[0, 0]) == pytest.approx(1, abs=1e-12)  # all up, along B


@pytest.mark.parametrize("spin", [1 / 2, 1])
def test_paper_RHP_10_closed_energies_of_small_rings(spin):
    J, B = 0.7, 0.3
    spins = spin_sites(*[spin] * 4)
    zeroth = exchange_moments([(1, 0, 0), (-1, 0, 0)], J).zeroth
    levels = np.linalg.eigvalsh(heisenberg(spins, ring(4, J), [0, 0, 0]))
    assert levels[0] == pytest.approx(-4 * zeroth * spin**2 / 2, abs=1e-11)
    assert (levels < levels[0] + 1e-9).sum() == 8 * spin + 1
    tilted = B * direction(0.8, 0.3)
    assert np.linalg.eigvalsh(heisenberg(spins, ring(4, J), tilted))[0] == pytest.approx(
        -4 * (zeroth * spin**2 / 2 + B * spin), abs=1e-11
    )
    # Against each other: two pairs of total spin 2S make a singlet.
    lowest = np.linalg.eigvalsh(heisenberg(spins, ring(4, -J), [0, 0, 0]))
    assert lowest[0] == pytest.approx(-2 * spin * (2 * spin + 1) * J, abs=1e-11)
    assert lowest[1] > lowest[0] + 0.1 * J


def test_paper_RHP_11_integral_over_smeared_spins_converges_to_the_double_sum():
    places, reach = np.array([0.0, 0.3, 1.1]), 0.8
    spins = spin_sites(1 / 2, 1, 1 / 2)
    products = np.einsum("piab,qibc->pqac", spins, spins)
    apart = places[:, None] - places
    nodes, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()

    def integral(width):
        # r = r_i + width xi, r' = r_j + width xi' with normal xi: the clouds of (7) are quadrature weights.
        shift = width * (nodes[:, None] - nodes)
        kernel = np.exp(-(((apart[..., None, None] + shift) / reach) ** 2) / 2)
        coupling = np.einsum("pqab,a,b->pq", kernel, weight, weight)
        wider = np.hypot(reach, np.sqrt(2) * width)  # J averaged over distances sqrt(2) w, in closed form
        np.testing.assert_allclose(coupling, reach / wider * np.exp(-((apart / wider) ** 2) / 2), rtol=0, atol=1e-12)
        return np.einsum("pq,pqab->ab", coupling, products) / 2

    double_sum = np.einsum("pq,pqab->ab", np.exp(-((apart / reach) ** 2) / 2), products) / 2
    errors = [np.linalg.norm(integral(width) - double_sum, 2) for width in (0.1, 0.05, 0.025)]
    # Leading term: w^2 J''(r_i - r_j).
    bend = ((apart / reach) ** 2 - 1) / reach**2 * np.exp(-((apart / reach) ** 2) / 2)
    leading = 0.025**2 * np.einsum("pq,pqab->ab", bend, products) / 2
    assert np.linalg.norm(integral(0.025) - double_sum - leading, 2) < 3e-3 * errors[2]  # next term: (w/reach)^2
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, abs=0.1)
    # Without i = j it misses by J(0)/2 sum S(S+1), a number.
    pairs = np.exp(-((apart / reach) ** 2) / 2) * (1 - np.eye(3))
    self_term = double_sum - np.einsum("pq,pqab->ab", pairs, products) / 2
    np.testing.assert_allclose(self_term, (0.75 + 2 + 0.75) / 2 * np.eye(12), rtol=0, atol=1e-12)


def demagnetising_factor(q, thickness=1.0):
    """Energy over mu_0 <M_n^2>/2 of M_n = cos(qx) in a film, from a boundary-value problem for the potential."""
    within = 200
    step = thickness / within
    outside = round(14 / (q * step))
    inside = np.r_[np.zeros(outside), np.ones(within), np.zeros(outside)]
    poles = -np.diff(np.r_[0.0, inside, 0.0]) / step  # -dM/dz at the faces of the cells
    bands = np.zeros((3, len(poles)))
    bands[0, 1:] = bands[2, :-1] = 1 / step**2
    bands[1] = -2 / step**2 - q**2
    potential = solve_banded((1, 1), bands, -poles)
    field = -np.diff(potential) / step
    return -(field * inside).sum() / within  # energy -mu_0 M.H/2


def test_paper_RHP_12_energy_of_the_poles_of_a_film():
    for q in (0.5, 1.0, 3.0):
        assert demagnetising_factor(q) == pytest.approx((1 - np.exp(-q)) / q, abs=3e-5)  # step 1/200, the square of it
    for slope in (50, 500):  # disc, radius over thickness
        rings, _ = quad(lambda r: 0.5 * r / np.hypot(r, 0.5) ** 3, 0, slope, points=[1])
        assert rings == pytest.approx(1 - 1 / np.hypot(1, 2 * slope), abs=1e-7)
        assert 1 - rings == pytest.approx(1 / (2 * slope), rel=2e-4, abs=0)
    # Uniform film: H = -M_n between the faces, none outside; the energy of the field is K/2 with K = mu_0 M_s^2.
    saturation = 1.0 / mu_0
    assert mu_0 * saturation**2 / 2 == pytest.approx(397887.36, abs=0.01)  # B^2/2 mu_0 at 1 T, J/m^3
    density = saturation / (2 * mu_B)
    K = mu_0 * (2 * mu_B) ** 2  # for the density (7)
    assert K * density**2 / 2 == pytest.approx(mu_0 * saturation**2 / 2, rel=1e-12, abs=0)


# --- the coupling -----------------------------------------------------------------------------------------------------


def orbital_and_spin(spin, coupling, B):
    """s, S and H of one orbital in Fock space and a local spin: 4 (2S + 1) states."""
    size = int(2 * spin + 1)
    a = fermion_operators(2)
    s = np.einsum("sba,ist,tbc->iac", a, PAULI, a) / 2
    s, S = (
        np.array([np.kron(m, np.eye(size)) for m in s]),
        np.array([np.kron(np.eye(4), m) for m in spin_matrices(spin)]),
    )
    H = -np.einsum("i,iab->ab", B, s + S) - coupling * np.einsum("iab,ibc->ac", s, S)
    return s, S, H


def constant(vector, size):
    return np.array([x * np.eye(size) for x in vector])


def test_paper_RHP_13_turns_both_spins_and_conserves_their_sum():
    B, coupling = np.array([0.3, -0.7, 0.4]), 0.9
    s, S, H = orbital_and_spin(1, coupling, B)
    assert H.shape == (12, 12)
    b = constant(B, 12)
    np.testing.assert_allclose(1j * commutator(H, s), -cross(b + coupling * S, s), rtol=0, atol=1e-13)
    np.testing.assert_allclose(1j * commutator(H, S), cross(S, b + coupling * s), rtol=0, atol=1e-13)
    np.testing.assert_allclose(1j * commutator(H, s + S), cross(s + S, b), rtol=0, atol=1e-13)
    along = np.einsum("i,iab->ab", B, s + S)
    np.testing.assert_allclose(commutator(H, along), 0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("spin", [1 / 2, 1, 2, 10])
def test_paper_RHP_13_levels_and_their_classical_limit(spin):
    _, _, H = orbital_and_spin(spin, 1.0, np.zeros(3))
    size = int(2 * spin + 1)
    levels = np.linalg.eigvalsh(H)
    # Empty and doubly filled orbitals have no spin; one electron has 2S + 2 states below and 2S above.
    expected = [-spin / 2] * (size + 1) + [0.0] * (2 * size) + [(spin + 1) / 2] * (size - 1)
    np.testing.assert_allclose(levels, expected, rtol=0, atol=1e-12)
    splitting = levels[-1] - levels[0]
    assert splitting == pytest.approx(spin + 1 / 2, abs=1e-12)
    # The splitting of the package is that of a vector of length S: one part in 2S less.
    medium = DiffusiveMedium(1e-3, 10 * ps, exchange_splitting=100 * meV)
    assert splitting / spin * medium.exchange_splitting == pytest.approx(
        (1 + 1 / (2 * spin)) * 100 * meV, abs=1e-12 * meV
    )
    against = np.diag(H).real.max()  # mean energy against the local spin
    assert against == pytest.approx(spin / 2, abs=1e-12)


def test_paper_RHP_13_frequency_of_a_tenth_of_an_electronvolt():
    medium = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=10 * ps, exchange_splitting=100 * meV)
    assert medium.exchange_frequency == pytest.approx(1.5193e14, abs=5e9)
    reduced = physical_constants["reduced Planck constant in eV s"][0]
    assert medium.exchange_frequency == pytest.approx(0.1 / reduced, rel=1e-9, abs=0)
    # A vector S on an electron: the Schroedinger equation of the spinor, no formula of precession.
    evolution = expm(0.5j * PAULI[2] * medium.exchange_splitting / hbar * 5e-15)
    state = evolution @ np.array([1, 1]) / np.sqrt(2)
    mean = np.array([(state.conj() @ m @ state).real for m in PAULI])
    angle = -medium.exchange_frequency * 5e-15  # clockwise about +z: s = -omega M x s
    np.testing.assert_allclose(mean, [np.cos(angle), np.sin(angle), 0], rtol=0, atol=1e-12)


def test_paper_RHP_14_pauli_matrices():
    units = np.array([[[0, 1], [-1, 0]], [[1j, 0], [0, -1j]]])  # quaternions j and i, typed by hand
    i, j = units[1], units[0]
    k = i @ j
    sigma = np.array([-1j * k, -1j * j, -1j * i])
    for p, q in product(range(3), repeat=2):
        np.testing.assert_allclose(
            commutator(PAULI[p], PAULI[q]), 2j * np.einsum("k,kab->ab", LEVI_CIVITA[p, q], PAULI), rtol=0, atol=1e-15
        )
    np.testing.assert_allclose(PAULI, sigma, rtol=0, atol=1e-15)
    np.testing.assert_allclose(2 * spin_matrices(1 / 2), PAULI, rtol=0, atol=1e-15)


# --- the sum ----------------------------------------------------------------------------------------------------------

D, MASS, LAMBDA = 0.6, 0.9, 0.8
J_SITE = np.array([[0.3, 0.5], [0.5, 0.3]])
U_SITE, B_SITE = RNG.normal(size=2), RNG.normal(size=(2, 3))
LOCAL = spin_sites(1, 1)  # [r, component], 9 states


def fock_terms(B=B_SITE):
    """Two points of a ring, one orbital and one spin 1 each: the terms as integrals over the fields, 144 rows."""
    psi = np.array([np.kron(m, np.eye(9)) for m in fermion_operators(4)]).reshape(2, 2, 144, 144) / np.sqrt(D)
    S = np.array([[np.kron(np.eye(16), m) for m in vector] for vector in LOCAL]) / D  # the density (7)
    s = np.array([spin_density(psi, r) for r in (0, 1)])
    slope = (np.roll(psi, -1, axis=1) - psi) / D
    coupling = LAMBDA * D  # of densities: energy times length
    terms = {
        5: D / (2 * MASS) * np.einsum("srba,srbc->ac", slope.conj(), slope),
        "U": D * np.einsum("r,srba,srbc->ac", U_SITE, psi.conj(), psi),
        "zeeman": -D * np.einsum("ri,riab->ab", B, s),
        10: -(D**2) * np.einsum("pq,piab,qibc->ac", J_SITE, S, S) / 2 - D * np.einsum("ri,riab->ab", B, S),
        13: -coupling * D * np.einsum("riab,ribc->ac", s, S),
    }
    return terms, D * s.sum(axis=0), D * S.sum(axis=0)


def wave_mechanics(electrons, B=B_SITE, *, potential=1.0, zeeman=1.0):
    """(15) of 1 or 2 electrons as wave functions (spin, point), the local spins last: no field operators."""
    wave = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    kinetic = wave @ np.diag([0, (2 / D) ** 2]) @ wave.T / (2 * MASS)
    one = np.zeros((4, 9, 4, 9), complex)
    one += np.einsum("ij,ab->iajb", np.kron(np.eye(2), kinetic + potential * np.diag(U_SITE)), np.eye(9))
    for r, i in product((0, 1), range(3)):
        sigma = np.kron(PAULI[i], np.diag(np.eye(2)[r]))
        one -= np.einsum("ij,ab->iajb", sigma, zeeman * B[r, i] * np.eye(9) + LAMBDA * LOCAL[r, i]) / 2
    spins = -np.einsum("ri,riab->ab", B, LOCAL) - np.einsum("pq,piab,qibc->ac", J_SITE, LOCAL, LOCAL) / 2
    if electrons == 1:
        return one.reshape(36, 36) + np.kron(np.eye(4), spins)
    unit = np.eye(4)
    both = np.einsum("iajb,kl->ikajlb", one, unit) + np.einsum("kalb,ij->ikajlb", one, unit)
    both += np.einsum("ij,kl,ab->ikajlb", unit, unit, spins)
    pairs = [(i, k) for i in range(4) for k in range(i + 1, 4)]
    basis = np.zeros((6, 4, 4))
    for n, (i, k) in enumerate(pairs):
        basis[n, i, k], basis[n, k, i] = np.sqrt(0.5), -np.sqrt(0.5)
    return np.einsum("nik,ikajlb,mjl->namb", basis, both, basis).reshape(54, 54)


def sector(H, electrons):
    """The part of a Fock matrix with one electron in mode i, or two in modes i < k."""
    index = {1: [8, 4, 2, 1], 2: [12, 10, 9, 6, 5, 3]}[electrons]
    return H.reshape(16, 9, 16, 9)[index][:, :, index].reshape(9 * len(index), -1)


def test_paper_RHP_4_each_part_acts_on_its_own_spins():
    terms, s, S = fock_terms()
    electrons = terms[5] + terms["U"] + terms["zeeman"]
    for component in range(3):
        np.testing.assert_allclose(commutator(electrons, S[component]), 0, rtol=0, atol=1e-11)
        np.testing.assert_allclose(commutator(terms[10], s[component]), 0, rtol=0, atol=1e-11)
        both = commutator(terms[13], s[component] + S[component])
        np.testing.assert_allclose(both, 0, rtol=0, atol=1e-11)  # it only hands spin from one to the other
    assert np.abs(commutator(terms[13], s[0])).max() > 0.1


@pytest.mark.parametrize("electrons", [1, 2])
def test_paper_RHP_15_is_the_hamiltonian_of_wave_mechanics(electrons):
    terms, _, _ = fock_terms()
    found = sector(sum(terms.values()), electrons)
    np.testing.assert_allclose(found, wave_mechanics(electrons), rtol=0, atol=1e-11)


@pytest.mark.parametrize("electrons", [1, 2])
def test_paper_RHP_statement_sum_of_the_printed_terms_lacks_the_zeeman_energy(electrons):
    terms, s, S = fock_terms()
    printed = terms[5] + terms[10] + terms[13]
    bare = wave_mechanics(electrons, potential=0.0, zeeman=0.0)
    np.testing.assert_allclose(sector(printed, electrons), bare, rtol=0, atol=1e-11)
    missing = wave_mechanics(electrons) - bare
    lacking = sector(terms["U"] + terms["zeeman"], electrons)
    np.testing.assert_allclose(missing, lacking, rtol=0, atol=1e-11)
    assert np.linalg.norm(missing) > 1
    # In a uniform field the total spin must turn about it; without the Zeeman energy the electrons' share s x B lacks.
    B = np.array([0.3, -0.4, 1.2])
    terms, s, S = fock_terms(np.tile(B, (2, 1)))
    b, full = constant(B, 144), sum(terms.values())
    np.testing.assert_allclose(1j * commutator(full, s + S), cross(s + S, b), rtol=0, atol=1e-11)
    rate = 1j * commutator(full - terms["zeeman"], s + S)
    np.testing.assert_allclose(cross(s + S, b) - rate, cross(s, b), rtol=0, atol=1e-11)


@given(
    spin=st.sampled_from([1 / 2, 1, 3 / 2]),
    coupling=st.floats(-2, 2),
    B=st.tuples(*[st.floats(-1, 1)] * 3),
    angles=st.tuples(*[st.floats(0, 6)] * 4),
    time=st.floats(0, 20),
)
def test_invariant_energy_and_spin_along_the_field_of_one_electron_and_one_spin(spin, coupling, B, angles, time):
    s, S, H = orbital_and_spin(spin, coupling, np.array(B))
    size = int(2 * spin + 1)
    electron = np.zeros(4, complex)
    electron[[2, 1]] = spin_rotation(*angles[:2])[:, 0]  # mode 1 is up
    n = direction(*angles[2:])
    along = np.einsum("i,iab->ab", n, spin_matrices(spin))
    coherent = np.linalg.eigh(along)[1][:, -1]
    start = np.kron(electron, coherent)
    later = expm(-1j * H * time) @ start
    total = np.einsum("i,iab->ab", np.array(B), s + S)
    for conserved in (H, total):
        before, after = (np.vdot(state, conserved @ state).real for state in (start, later))
        assert after == pytest.approx(before, abs=1e-10)
    assert np.linalg.norm(later[:size]) == pytest.approx(0, abs=1e-10)  # the orbital never empties


@pytest.mark.parametrize("spin", [1 / 2, 2, 5 / 2, 10])
def test_limit_mean_spin_of_an_electron_beside_a_coherent_spin(spin):
    s, _, H = orbital_and_spin(spin, 1.0, np.zeros(3))
    size = int(2 * spin + 1)
    n, first = np.array([0, 0, 1.0]), direction(1.1, 0.4) / 2
    electron = np.zeros(4, complex)
    electron[[2, 1]] = spin_rotation(1.1, 0.4)[:, 0]
    start = np.kron(electron, np.eye(size)[0])
    u, rate = 2 * spin + 1, spin + 1 / 2
    mean = 2 / u**2 * (spin * n + rate * first + spin * (2 * spin - 1) * (n @ first) * n)
    for time in (0.3, 2.0, 7.0):
        state = expm(-1j * H * time) @ start
        found = np.array([np.vdot(state, m @ state).real for m in s])
        cos, sin = np.cos(rate * time), np.sin(rate * time)
        closed = mean + (first - mean) * cos - 2 * spin / u * np.cross(n, first) * sin
        np.testing.assert_allclose(found, closed, rtol=0, atol=1e-11)


def test_limit_smallest_length_of_the_mean_spin():
    """Electron across the spin: 3/4 of its square up to S = 5/2, then 1 - y + y^2 with y = 8S/(2S+1)^2."""
    for spin in (1 / 2, 1, 3 / 2, 2, 5 / 2, 3, 10):
        s, _, H = orbital_and_spin(spin, 1.0, np.zeros(3))
        size = int(2 * spin + 1)
        levels, states = np.linalg.eigh(H)
        start = np.kron([0, 1, 1, 0] / np.sqrt(2), np.eye(size)[0])
        times = np.linspace(0, 2 * np.pi / (spin + 1 / 2), 2001)
        psi = (np.exp(-1j * np.outer(times, levels)) * (dagger(states) @ start)) @ states.T
        mean = np.einsum("ta,iab,tb->ti", psi.conj(), s, psi).real
        square = 4 * (mean**2).sum(axis=-1)
        y = 8 * spin / (2 * spin + 1) ** 2
        expected = 0.75 if y >= 1 / 2 else 1 - y + y**2
        assert square.min() == pytest.approx(expected, abs=1e-5)  # 2001 times in a period


@pytest.mark.parametrize(("spin", "turns"), [(10, 10.256), (40, 40.251)])
def test_limit_quantum_and_classical_electron_are_half_a_turn_apart_after_s_turns(spin, turns):
    time = turns * 2 * np.pi / spin  # turns about a fixed spin
    s, _, H = orbital_and_spin(spin, 1.0, np.zeros(3))
    start = np.kron([0, 1, 1, 0] / np.sqrt(2), np.eye(int(2 * spin + 1))[0])
    state = expm(-1j * H * time) @ start
    quantum = np.array([np.vdot(state, m @ state).real for m in s])
    path = solve_ivp(
        lambda _, v: np.r_[-np.cross(v[3:], v[:3]), np.cross(v[3:], v[:3])],
        (0, time),
        [0.5, 0, 0, 0, 0, spin],
        method="DOP853",
        rtol=1e-11,
        atol=1e-12,
    )
    n, first = np.array([0, 0, 1.0]), np.array([0.5, 0, 0])
    u, axis = 2 * spin + 1, first + spin * n
    axis = axis / np.linalg.norm(axis)
    phases = []
    for mean, centre, across in (
        (quantum, (2 * spin * n + u * first) / u**2, -2 * spin / u * np.cross(n, first)),
        (path.y[:3, -1], (first @ axis) * axis, -np.cross(axis, first)),
    ):
        out = first - centre  # the mean goes out * cos + across * sin about its centre
        cos, sin = (mean - centre) @ out / (out @ out), mean @ across / (across @ across)
        assert np.hypot(cos, sin) == pytest.approx(1, abs=1e-6)
        phases.append(np.exp(1j * np.arctan2(sin, cos)))
    assert abs(phases[0] + phases[1]) < 5e-4  # turns to three decimals: 2 pi 0.0005 (Omega - lambda L)/lambda S


# --- Figure 1 ---------------------------------------------------------------------------------------------------------


def local_spins(position):
    return wall_profile(position, width=1.0)[0] @ rotation_matrix((0, 0, 1), np.pi / 2).T


def test_paper_RHP_figure_1_spins_turn_in_the_plane_of_the_slab():
    x = np.linspace(-4, 4, 33)
    spins = local_spins(x)
    np.testing.assert_allclose(spins[:, 0], 0, rtol=0, atol=1e-15)  # none along the normal: (12) is at its least
    angle = np.arctan2(spins[:, 1], spins[:, 2])
    np.testing.assert_allclose(angle, 2 * np.arctan(np.exp(x)), rtol=0, atol=1e-12)
    assert (np.diff(angle) > 0).all()
