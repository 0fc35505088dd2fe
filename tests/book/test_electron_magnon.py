"""Coupling of electrons and magnons, KK (20) to (22) and KK Fig. 5, against routes that do not use the formulas.

The routes: spins and electrons of small rings as matrices, wave vectors counted in a box, sums over two bands with a
broadened energy, mean energies as functions of occupation, exact chemical potentials at fixed numbers of electrons.
"""

from functools import cache, reduce
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gamma, gammainc

from spinlib.field_theory import fermion_operators
from spinlib.magnons.band import MagnonBand, bose_einstein, magnon_density, magnon_susceptibility
from spinlib.magnons.kinetics import feedback_coefficient, spin_transfer_current
from spinlib.spin import spin_matrices
from spinlib.units import eV, hbar, k_B, m_e, meV, nm
from tests.book.chapter_code import defined
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "electron_magnon.md"
BAND = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=1000 * k_B)
S = BAND.mode_density
KINETIC = hbar**2 / (2 * m_e)
ELECTRONS, SPLITTING = 30 / nm**3, 1.5 * eV
VOLUME = meV * nm**3
COUPLINGS = {"ferromagnetic": -SPLITTING / S, "antiferromagnetic": SPLITTING / S}
X, W = np.polynomial.legendre.leggauss(200)


@cache
def chapter():
    """Functions and imports of the page, with the numbers that they use."""
    space = {"kinetic": KINETIC, "electrons": ELECTRONS, "splitting": SPLITTING, "S": S, "band": BAND, "nodes": (X, W)}
    space |= {"weight": (1 / KINETIC) ** 1.5 / (4 * np.pi**2), "J_ferro": COUPLINGS["ferromagnetic"]}
    space |= {"photon": 1.5 * eV, "lifted": 0.04}
    defined(PAGE, space)
    level, up, down = space["at_rest"](space["J_ferro"], 100.0)
    space |= {"level": level, "k_up": (6 * np.pi**2 * up) ** (1 / 3), "k_down": (6 * np.pi**2 * down) ** (1 / 3)}
    return space


# --- KK (20) and (21) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spin", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("J", [-0.8, 0.3])
def test_paper_KK_20_levels_of_a_local_spin_and_an_electron(spin, J):
    pair = J * sum(np.kron(a, b) for a, b in zip(spin_matrices(spin), spin_matrices(0.5), strict=True))
    levels = np.linalg.eigvalsh(pair)
    parallel, other = J * spin / 2, -J * (spin + 1) / 2
    np.testing.assert_allclose(levels, np.sort([parallel] * int(2 * spin + 2) + [other] * int(2 * spin)), atol=1e-12)
    assert (levels[0] == pytest.approx(parallel, abs=1e-12)) == (J < 0)  # parallel below for ferromagnetic coupling
    # Both spins along -z, last in the basis; up with the local spin along -z. The mean: e_up - e_down = J S_z.
    down, up = pair[-1, -1].real, pair[-2, -2].real
    assert up - down == pytest.approx(J * (-spin), abs=1e-12)
    assert (up > down) == (J < 0)  # up is the minority


def ring(spin, sites):
    """Operators of a ring, one orbital per site: a, S^+, S^z as lists, c as a dictionary, both by site."""
    levels = int(2 * spin + 1)
    lower = np.diag(np.sqrt(np.arange(1, levels)), 1)
    root = np.diag(np.sqrt(np.arange(levels)[::-1]))

    def local(matrix, j):
        return np.kron(reduce(np.kron, [matrix if i == j else np.eye(levels) for i in range(sites)]), np.eye(4**sites))

    a = [local(lower, j) for j in range(sites)]
    plus = [local(lower.T @ root, j) for j in range(sites)]
    S_z = [local(lower.T @ lower - spin * np.eye(levels), j) for j in range(sites)]
    matrices = np.kron(np.eye(levels**sites), fermion_operators(2 * sites))
    return a, plus, S_z, {(j, s): matrices[2 * j + s] for j in range(sites) for s in (0, 1)}


def exchange(spin, sites, J):
    """KK (20) with v = 1, and what the page keeps of it: the bands, (21) in momentum space, and the quadratic terms."""
    a, plus, S_z, c = ring(spin, sites)
    flip = [c[j, 0].T @ c[j, 1] for j in range(sites)]
    s_z = [(c[j, 0].T @ c[j, 0] - c[j, 1].T @ c[j, 1]) / 2 for j in range(sites)]
    exact = J * sum(z @ s + (p @ f.T + p.T @ f) / 2 for z, s, p, f in zip(S_z, s_z, plus, flip, strict=True))
    wave = np.exp(-2j * np.pi * np.outer(np.arange(sites), np.arange(sites)) / sites) / np.sqrt(sites)
    a_q = np.tensordot(wave, a, 1)
    c_k = {s: np.tensordot(wave, [c[j, s] for j in range(sites)], 1) for s in (0, 1)}
    V = J * np.sqrt(spin / (2 * sites))  # S = spin, volume = sites
    half = sum(V * a_q[q] @ c_k[0][(k + q) % sites].conj().T @ c_k[1][k] for q, k in product(range(sites), repeat=2))
    linear = half + half.conj().T
    count = [x.T @ x for x in a]
    bands = -J * spin * sum(s_z)
    quadratic = J * sum(n @ s for n, s in zip(count, s_z, strict=True))
    totals = {"spin": sum(S_z) + sum(s_z), "magnons": sum(count), "electrons": sum(s_z), "local": sum(S_z)}
    return exact, {"bands": bands, "linear": linear, "quadratic": quadratic}, totals


def changes(term, total):
    return np.linalg.norm(term @ total - total @ term) > 1e-10 * np.linalg.norm(term)


@pytest.mark.parametrize(("spin", "sites"), [(0.5, 3), (1.0, 2), (1.5, 2)])
def test_paper_KK_21_is_the_linear_part_of_20(spin, sites):
    exact, parts, totals = exchange(spin, sites, -0.7)
    few = np.flatnonzero(totals["magnons"].diagonal().real < 1.5)
    rest = exact - sum(parts.values())
    np.testing.assert_allclose(rest[np.ix_(few, few)], 0, atol=1e-12)  # exact up to one magnon
    assert np.linalg.norm(parts["linear"][np.ix_(few, few)]) > 0.5
    if spin > 0.5:  # beyond, the element is smaller by the root that was expanded
        size = int(2 * spin + 1)
        lower = np.diag(np.sqrt(np.arange(1, size)), 1)
        plus = spin_matrices(spin)[0] + 1j * spin_matrices(spin)[1]
        ratio = abs(plus[size - 3, size - 2]) / (np.sqrt(2 * spin) * lower[1, 2])
        assert ratio == pytest.approx(np.sqrt(1 - 1 / (2 * spin)), abs=1e-12)
    else:  # a site has no second magnon
        assert np.linalg.norm(rest) < 1e-12


@pytest.mark.parametrize(("spin", "sites"), [(0.5, 3), (1.0, 2)])
def test_paper_KK_21_moves_spin_and_keeps_the_sum(spin, sites):
    exact, parts, totals = exchange(spin, sites, 0.4)
    linear = parts["linear"]
    for term in (exact, linear):
        assert [changes(term, totals[name]) for name in ("spin", "magnons", "electrons")] == [False, True, True]
    for name in ("bands", "quadratic"):
        assert not any(changes(parts[name], total) for total in totals.values())
    # With the local spins along +z a magnon would lower their spin: two hbar are lost in each flip.
    against = totals["electrons"] - totals["local"]
    lost = np.linalg.norm(linear @ against - against @ linear) / np.linalg.norm(linear)
    assert lost == pytest.approx(2.0, abs=1e-10)


# --- the band --------------------------------------------------------------------------------------------------------


def test_limit_modes_and_states_count_wave_vectors_in_a_box():
    edge, size = np.sqrt(BAND.width / BAND.stiffness), 24 * nm
    n = np.arange(-60, 61)
    q = 2 * np.pi / size * np.sqrt(n[:, None, None] ** 2 + n[:, None] ** 2 + n**2).ravel()
    assert 2 * np.pi / size * 60 > edge  # the box holds the whole band
    energies = BAND.gap + BAND.stiffness * q**2
    inside = energies <= BAND.bandwidth
    assert inside.sum() / size**3 == pytest.approx(BAND.mode_density, rel=2e-3, abs=0)
    fine = np.linspace(BAND.gap, BAND.bandwidth, 20001)
    states = np.trapezoid(BAND.density_of_states(fine) * fine, fine)
    assert energies[inside].sum() / size**3 == pytest.approx(states, rel=3e-3, abs=0)
    assert not np.any(BAND.density_of_states([0.99 * BAND.gap, 1.01 * BAND.bandwidth]))  # none outside


@pytest.mark.parametrize(("kelvin", "mu"), [(50.0, 0.0), (300.0, 3 * meV), (1000.0, -40 * meV)])
def test_limit_thermal_magnons_are_a_sum_of_incomplete_gamma_functions(kelvin, mu):
    thermal, j = k_B * kelvin, np.arange(1, 20000)
    terms = np.exp(-j * (BAND.gap - mu) / thermal) / j**1.5 * gammainc(1.5, j * BAND.width / thermal) * gamma(1.5)
    wanted = (thermal / BAND.stiffness) ** 1.5 / (4 * np.pi**2) * terms.sum()
    assert magnon_density(BAND, kelvin, mu) == pytest.approx(wanted, rel=1e-9, abs=0)
    energies = BAND.gap + BAND.width * (1 + X) ** 2 / 4  # the integral of D n_BE with the two functions of the package
    measure = W * BAND.width * (1 + X) / 2
    summed = measure @ (BAND.density_of_states(energies) * bose_einstein(energies, kelvin, mu))
    assert summed == pytest.approx(wanted, rel=1e-9, abs=0)


# --- KK (22) ---------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-12, 12).filter(lambda y: abs(y) > 1e-3))
def test_paper_KK_22_electrons_and_holes_are_a_boson_gas(y):
    """Energies in k_B T; y = (epsilon - mu_s)/k_B T of either sign."""

    def f(E):
        return 0.5 * (1 - np.tanh(E / 2))

    knots = sorted([-45.0, 0.0, y, 45.0])
    forward = sum(quad(lambda E: f(E) * (1 - f(E - y)), *ends, epsabs=1e-12)[0] for ends in pairwise(knots))
    back = sum(quad(lambda E: f(E - y) * (1 - f(E)), *ends, epsabs=1e-12)[0] for ends in pairwise(knots))
    n = bose_einstein(y, 1 / k_B)
    assert forward == pytest.approx(y * n, rel=1e-8, abs=1e-9)
    assert back == pytest.approx(y * (1 + n), rel=1e-8, abs=1e-9)
    assert forward > 0
    assert np.log(back / forward) == pytest.approx(y, abs=2e-4)


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20), st.integers(-5, 5))
def test_invariant_absorption_less_emission_knows_no_temperature(values, shift):
    """Any two distributions on bins of width 1: R - F = epsilon - mu_s, with mu_sigma by the number of electrons."""
    up, down = np.ones(50), np.ones(50)
    up[25:], down[25:] = 0, 0
    up[20:30], down[20:30] = values[:10], values[10:]
    moved = np.ones(50)  # f_down(E - epsilon); what comes in from below is full, from above empty
    places = np.arange(50) - shift
    moved[places >= 50] = 0
    inside = (places >= 0) & (places < 50)
    moved[inside] = down[places[inside]]
    forward, back = np.sum(up * (1 - moved)), np.sum(moved * (1 - up))
    mu_s = np.sum(up) - np.sum(down)
    assert back - forward == pytest.approx(shift - mu_s, abs=1e-12)


@pytest.mark.parametrize("x", [0.03, 0.2, 0.55])
def test_limit_electrons_that_have_just_absorbed_photons(x):
    room = chapter()
    w = room["photon"]
    knots = sorted(a + b for a in (-w, 0, w) for b in (0, x * w))
    forward, back = room["pairs"](x * w, room["stepped"], room["stepped"], knots)
    assert forward == pytest.approx(room["stepped_pairs"](x * w), rel=1e-9, abs=0)
    assert back - forward == pytest.approx(x * w, rel=1e-9, abs=0)
    above = (np.arange(1000) + 0.5) / 1000 * w  # energy of electrons above the Fermi level and of holes below
    energy = (above @ room["stepped"](above) + above @ (1 - room["stepped"](-above))) * w / 1000
    assert energy == pytest.approx(room["lifted"] * w**2, rel=1e-9, abs=0)


@pytest.mark.parametrize(("eps", "mu_s"), [(20, 0), (60, 0), (60, -50), (60, 90)])
def test_paper_KK_22_golden_rule_of_two_bands(eps, mu_s):
    """Sum over k and its angle with a broadened energy, against Gamma of the page times x n_BE(x)."""
    room, kelvin, broad = chapter(), 1000.0, 30 * meV
    eps, mu_s = eps * meV, mu_s * meV
    q = np.sqrt((eps - BAND.gap) / BAND.stiffness)
    k, step = np.linspace(0.4 * room["k_down"], 1.4 * room["k_down"], 1201, retstep=True)
    cosine, share = np.linspace(-1, 1, 2001, retstep=True)
    k = (k[1:] - step / 2)[:, None]
    cosine = cosine[1:] - share / 2
    J = room["J_ferro"]
    final = KINETIC * k**2 + J * S / 2
    initial = KINETIC * (k**2 + q**2 + 2 * k * q * cosine) - J * S / 2
    delta = np.exp(-(((initial - final - eps) / broad) ** 2) / 2) / (np.sqrt(2 * np.pi) * broad)
    full = 1 / (np.exp((final + eps - room["level"] - mu_s / 2) / (k_B * kelvin)) + 1)
    empty = 1 - 1 / (np.exp((final - room["level"] + mu_s / 2) / (k_B * kelvin)) + 1)
    found = np.pi * J**2 * S * np.sum(k**2 * delta * full * empty) * step * share / (4 * np.pi**2)
    x = eps - mu_s
    closed = J**2 * S * (m_e / hbar**2) ** 2 / (4 * np.pi * q)
    assert room["golden"](eps) == pytest.approx(closed, rel=1e-12, abs=0)
    assert found == pytest.approx(closed * x * bose_einstein(x, kelvin), rel=2e-3, abs=0)
    assert room["brute_force"](q, eps, mu_s, kelvin) == pytest.approx(found, rel=2e-3, abs=0)


def test_limit_a_long_magnon_cannot_flip_an_electron():
    room = chapter()
    first = room["k_down"] - room["k_up"]
    energies = BAND.gap + BAND.stiffness * (first * np.array([0.5, 0.98, 1.02])) ** 2
    assert (room["golden"](energies) > 0).tolist() == [False, False, True]
    for share, sees in ((0.5, False), (1.3, True)):
        eps = BAND.gap + BAND.stiffness * (share * first) ** 2
        assert (room["brute_force"](share * first, eps, 0.0, 300.0) > 1e-4 * meV) == sees


@pytest.mark.parametrize("mu_s", [-40.0, 0.0, 40.0])
def test_paper_KK_22_is_the_sum_over_modes_in_a_box(mu_s):
    mu_s, kelvin, cold = mu_s * meV, 700.0, 200.0
    got = spin_transfer_current(BAND, lambda e: 0.02 + 0.1 * e / eV, lambda e: bose_einstein(e, cold), kelvin, mu_s)
    size = 30 * nm
    n = np.arange(-60, 61) + 0.5  # shifted boundary conditions leave out the single mode q = 0
    q = 2 * np.pi / size * np.sqrt(n[:, None, None] ** 2 + n[:, None] ** 2 + n**2).ravel()
    eps = BAND.gap + BAND.stiffness * q[q < np.sqrt(BAND.width / BAND.stiffness)] ** 2
    x, occupied = eps - mu_s, bose_einstein(eps, cold)
    emitted = x * bose_einstein(x, kelvin)
    gain = (0.02 + 0.1 * eps / eV) * (emitted * (1 + occupied) - (emitted + x) * occupied)
    assert got == pytest.approx(gain.sum() / size**3, rel=4e-3, abs=0)


@pytest.mark.parametrize("limit", [8.0, 30.0])
def test_paper_KK_22_printed_lower_limit_loses_magnons(limit):
    """Hot, empty band: (22) counts k_B T per mode, so a lower limit above the gap misses a share to the power 3/2."""
    whole = spin_transfer_current(BAND, 0.1, 0.0, 1e8, 0.0)
    low = limit * meV

    def part(a, b):
        x, w = a + (b - a) * (1 + X) / 2, W * (b - a) / 2
        return w @ (0.1 * BAND.density_of_states(x) * x * bose_einstein(x, 1e8))

    lost = ((low - BAND.gap) / BAND.width) ** 1.5
    assert 1 - part(low, BAND.bandwidth) / whole == pytest.approx(lost, rel=1e-4, abs=1e-6)
    assert part(0.5 * BAND.gap, 0.99 * BAND.gap) == 0.0  # below the gap a limit changes nothing
    energies = BAND.gap + BAND.width * (1 + X) ** 2 / 4
    measure = W * BAND.width * (1 + X) / 2
    right = measure @ (0.1 * BAND.density_of_states(energies) * energies * bose_einstein(energies, 1e8))
    assert whole == pytest.approx(right, rel=1e-9, abs=0)


# --- the feedback ----------------------------------------------------------------------------------------------------


def cold_bands(J, mass=1.0, density=ELECTRONS):
    """Two parabolic bands at T = 0: densities up and down at rest, the energies mu(N), and the states D(N) per spin."""
    scale = KINETIC / mass * (6 * np.pi**2) ** (2 / 3)

    def mu(n):
        return scale * n ** (2 / 3)

    def states(n):
        return 1.5 * n / mu(n)

    def unequal(up):
        return (mu(up) - mu(density - up) - J * S) / eV

    up = brentq(unequal, 1e-6 * density, density * (1 - 1e-6), xtol=1e-18, rtol=1e-14)
    return up, density - up, mu, states


@pytest.mark.parametrize("coupling", COUPLINGS)
@settings(deadline=None, max_examples=30)
@given(splitting=st.floats(0.01, 2.0), mass=st.floats(0.7, 1.3), density=st.floats(20, 100))
def test_invariant_feedback_is_the_slope_of_exact_chemical_potentials(coupling, splitting, mass, density):
    J = (-1 if coupling == "ferromagnetic" else 1) * splitting * eV / S
    up, down, mu, states = cold_bands(J, mass, density / nm**3)
    h = 1e-30 * up  # complex step: no cancellation
    slope = ((mu(up - 1j * h) - mu(down + 1j * h) + J * 1j * h) / h).imag
    got, split = feedback_coefficient(
        density_of_states_up=states(up),
        density_of_states_down=states(down),
        exchange_splitting=splitting * eV,
        saturation_spin_density=S,
        coupling=coupling,
    )
    assert got == pytest.approx(slope, rel=1e-10, abs=0)
    assert split == pytest.approx(J, rel=1e-10, abs=0)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_paper_KK_statement_M1_sign_of_the_feedback(coupling):
    """Warm bands, numbers of electrons by quadrature: the slope of mu_s against both readings of the print."""
    room, J, kelvin = chapter(), COUPLINGS[coupling], 600.0
    _, up, down = room["at_rest"](J, kelvin)
    h = 1e-3 / nm**3

    def mu_s(n):
        return room["level_of"](up - n, kelvin) - room["level_of"](down + n, kelvin) + J * (n - S)

    slope = (mu_s(h) - mu_s(-h)) / (2 * h)
    D = [1 / (room["level_of"](n + h, kelvin) - room["level_of"](n - h, kelvin)) * 2 * h for n in (up, down)]
    curly = 2 * D[0] * D[1] / (D[0] + D[1])
    size = SPLITTING / S
    right, _ = feedback_coefficient(
        density_of_states_up=D[0],
        density_of_states_down=D[1],
        exchange_splitting=SPLITTING,
        saturation_spin_density=S,
        coupling=coupling,
    )
    assert slope == pytest.approx(right, rel=1e-6, abs=0)
    assert slope < 0
    sign = -1 if coupling == "ferromagnetic" else 1
    printed = {"signed": -1 / curly + sign * size, "size": -1 / curly + size}
    # Signed, only the factor 2 of the first part is off; as a size, ferromagnetic coupling misses 2 Delta/S besides.
    assert printed["signed"] - slope == pytest.approx(1 / curly, rel=1e-6, abs=0)
    assert printed["size"] - slope == pytest.approx(1 / curly + (1 - sign) * size, rel=1e-6, abs=0)
    # What the paper says in words: the parts add up for ferromagnetic coupling and compete otherwise.
    assert (abs(slope) > 2 / curly) == (sign < 0)


def test_paper_KK_statement_M1_positive_feedback_has_no_state_of_rest():
    """Spin conserved, magnons of 100 K heated to 1000 K: mu = rho [n_d(mu) - n_d(0)] has a root for rho < 0 alone."""
    start = magnon_density(BAND, 100.0)
    mu = BAND.gap - np.geomspace(1e-4, 400, 400) * meV

    def unbalanced(rho):
        return mu - rho * VOLUME * (magnon_density(BAND, 1000.0, mu) - start)

    assert (unbalanced(6.0) < 0).all()
    assert np.count_nonzero(np.diff(np.sign(unbalanced(-6.0)))) == 1
    loop = 6 * VOLUME * np.array([magnon_susceptibility(BAND, T) for T in (100.0, 1000.0)])
    assert loop[0] < 1 < loop[1]
    assert loop[1] == pytest.approx(13.6, abs=0.05)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_paper_KK_statement_M2_change_of_the_splitting(coupling):
    """From the levels of one electron at a local spin of mean S_z = n_d - S; v = 1, spin 2 for S."""
    spin, J = 2.0, COUPLINGS[coupling] * S / 2.0
    pair = J * sum(np.kron(a, b) for a, b in zip(spin_matrices(spin), spin_matrices(0.5), strict=True)).diagonal().real
    by_level = pair.reshape(-1, 2)  # local spin from +2 down to -2; up, down
    splitting = (by_level[:, 0] - by_level[:, 1])[::-1]  # at n_d = 0, 1, 2, ... magnons
    change = splitting[1] - splitting[0]
    sign = -1 if coupling == "ferromagnetic" else 1
    assert change / splitting[0] == pytest.approx(-1 / spin, abs=1e-12)  # of itself: minus for both couplings
    assert change / abs(splitting[0]) == pytest.approx(sign / spin, abs=1e-12)  # of its size: the printed signs
    printed_of_itself = sign / spin
    assert printed_of_itself - change / splitting[0] == pytest.approx((1 + sign) / spin, abs=1e-12)
    assert splitting[int(spin)] == pytest.approx(0.0, abs=1e-12)  # S_z = 0: no splitting left


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_paper_KK_statement_M3_first_part_is_twice_the_printed_one(coupling):
    """The bands held, one electron in 100 turned over: wave vectors of a large box, counted column by column."""
    up, down, _, states = cold_bands(COUPLINGS[coupling])
    length = 300 * nm
    x, y = np.meshgrid(np.arange(600), np.arange(600))
    mirrored = (2 - (x == 0)) * (2 - (y == 0))

    def number(radius):
        inside = (radius * length / (2 * np.pi)) ** 2 - x**2 - y**2
        column = 2 * np.floor(np.sqrt(np.maximum(inside, 0))) + 1
        return np.sum(np.where(inside >= 0, column, 0) * mirrored) / length**3

    def energy(density):
        return KINETIC * brentq(lambda radius: number(radius) / density - 1, 5 / nm, 12 / nm, xtol=1e3) ** 2

    moved = up / 100
    accumulation = energy(up - moved) - energy(up) - energy(down + moved) + energy(down)
    curly = 2 * states(up) * states(down) / (states(up) + states(down))
    assert accumulation / moved == pytest.approx(-2 / curly, rel=1e-2, abs=0)
    printed = -moved / curly  # one of n_s for each magnon
    assert accumulation / printed == pytest.approx(2.0, rel=1e-2, abs=0)


def test_paper_KK_statement_M4_units_of_stiffness_and_feedback():
    """A number in nm and the same in angstrom describe one magnet only if A is an energy times an area."""
    counts, rhos = {}, {}
    for power, name in ((2, "right"), (-2, "printed")):
        counts[name] = []
        for unit in (1.0, 0.1):  # length unit in nm
            A = 0.6 * (1 / unit) ** power  # meV length^power
            modes = (81.17 / A) ** 1.5 / (6 * np.pi**2)  # per length^3, if A were meV length^2
            counts[name].append(modes / unit**3)
    assert counts["right"][1] == pytest.approx(counts["right"][0], rel=1e-12, abs=0)
    assert counts["printed"][1] / counts["printed"][0] == pytest.approx(1e6, rel=1e-12, abs=0)
    assert counts["right"][0] == pytest.approx(S * nm**3, rel=1e-4, abs=0)
    for power, name in ((3, "right"), (-3, "printed")):  # rho n_d is an energy
        rhos[name] = [6.0 * (1 / unit) ** power * 10.0 * unit**3 for unit in (1.0, 0.1)]
    assert rhos["right"][1] == pytest.approx(rhos["right"][0], rel=1e-12, abs=0)
    assert rhos["printed"][1] / rhos["printed"][0] == pytest.approx(1e-6, rel=1e-12, abs=0)


@pytest.mark.parametrize("volume", [0.011, 0.05])
def test_paper_KK_statement_M5_coupling_of_a_density_is_no_energy(volume):
    """Cells of two sizes with the same local spin: the levels follow J_sd S, the print J_sd S a^3 misses a^3."""
    spin, J = 1.5, -50 * VOLUME
    cell = volume * nm**3
    local, electron = spin_matrices(spin)[2].real, spin_matrices(0.5)[2].real / cell  # a density
    levels = J * np.kron(local, electron).diagonal().reshape(-1, 2)[-1]  # local spin down; up, down
    density = spin / cell
    assert levels[0] - levels[1] == pytest.approx(-J * density, rel=1e-12, abs=0)
    printed = -J * density * cell  # an energy only if J were one
    assert printed / (levels[0] - levels[1]) == pytest.approx(cell, rel=1e-12, abs=0)


# --- KK Fig. 5 and the exercises -------------------------------------------------------------------------------------


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_paper_KK_figure_5_arrows(coupling):
    room, J = chapter(), COUPLINGS[coupling]
    moved = 2 / nm**3
    heating, flipped, bands = room["contributions"](J, moved, 1000.0)
    up, down, mu, _ = cold_bands(J)
    closed = mu(up - moved) - mu(down + moved) - mu(up) + mu(down)
    assert flipped == pytest.approx(closed, rel=2e-3, abs=0)  # the temperature matters little
    assert flipped < 0
    assert bands == pytest.approx(moved * J, rel=1e-12, abs=0)
    assert (bands < 0) == (coupling == "ferromagnetic")
    # Sommerfeld: mu falls by (pi k_B T)^2/12 mu, from 100 K to 1000 K.
    sommerfeld = -((np.pi * k_B) ** 2) * (1000.0**2 - 100.0**2) / 12 * (1 / mu(up) - 1 / mu(down))
    assert heating == pytest.approx(sommerfeld, rel=2e-2, abs=0)
    assert abs(heating) < 2e-3 * abs(flipped)


def test_paper_KK_figure_5_ratio_of_the_arrows_is_the_spin_of_the_s_electrons():
    J = -1e-3 * eV / S  # weak coupling
    up, down, _, states = cold_bands(J)
    curly = 2 * states(up) * states(down) / (states(up) + states(down))
    assert J / (-2 / curly) == pytest.approx((down - up) / 2 / S, rel=1e-5, abs=0)


def test_limit_second_order_cancels_the_shift_of_a_long_magnon():
    room, kelvin = chapter(), 300.0
    J = room["J_ferro"]
    level, up, down = room["at_rest"](J, kelvin)
    room["level"] = level
    shift = J * (up - down) / 2
    assert room["second_order"](0.02 / nm, kelvin) == pytest.approx(-shift, rel=1e-5, abs=0)
    # Below k_down - k_up no denominator vanishes: the sum over k and its angle is a plain one.
    q = 1.2 / nm
    k, step = np.linspace(0, 1.6 * room["k_down"], 6001, retstep=True)
    k = (k[1:] - step / 2)[:, None]

    def occupied(energy):
        return 1 / (np.exp(np.minimum((energy - level) / (k_B * kelvin), 500)) + 1)

    down_k = KINETIC * k**2 + J * S / 2
    up_kq = KINETIC * (k**2 + q**2 + 2 * k * q * X) - J * S / 2
    summand = (occupied(down_k) - occupied(up_kq)) / (down_k - up_kq)
    found = J**2 * S / 2 * np.sum(k**2 * (summand @ W)[:, None]) * step / (4 * np.pi**2)
    assert room["second_order"](q, kelvin) == pytest.approx(found, rel=2e-4, abs=0)
