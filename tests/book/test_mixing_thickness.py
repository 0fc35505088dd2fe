"""Mixing conductance of slabs against thickness, (60), (63), (69), (70), (79) and the text of BTBK after (79).

The routes: waves matched site by site, S of dense Green functions with m turned by finite angles, stationary phase with
all reflections inside, another ensemble.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation
from scipy.special import ellipkm1, roots_legendre

from spinlib.lattice.damping import dissipation_tensor, gilbert_damping
from spinlib.lattice.green import scattering_matrix
from spinlib.lattice.leads import cubic_lead
from spinlib.lattice.models import slab_amplitudes
from spinlib.pumping import pumping_damping
from spinlib.spin import PAULI
from tests.book.chapter_code import defined
from tools.notebooks import ROOT

E, UP, DOWN = -1.0, -0.5, 1.5
MU_B = si.value("Bohr magneton")
PAGE = ROOT / "book" / "mixing_thickness.md"
NAMES = (
    "zone", "mixing", "wave", "faces", "found_period", "ring", "single_orbital", "spin_blocks", "conductances",
    "intermixed", "specular", "mean_ratio", "emissivity",
)  # fmt: skip


def chapter():
    node, weight = roots_legendre(1600)  # leggauss takes a second
    room = {
        "ENERGY": E,
        "UP": UP,
        "DOWN": DOWN,
        "CELL": (5, 5),
        "quarter": np.pi / 4 * (node + 1),
        "node_weight": weight,
    }
    return SimpleNamespace(**defined(PAGE, room, NAMES))


page = chapter()
SHARVIN = page.zone(E, 1.0, ())[1].sum()


# --- routes -----------------------------------------------------------------------------------------------------------


def matched(excess, potential, d):
    """r and t of one mode from Schroedinger's equation site by site, hop -1: unknown waves inside, r and t."""
    k = np.arccos(-excess / 2)
    h = (excess - potential) * np.eye(d + 2, dtype=complex) + np.eye(d + 2, k=1) + np.eye(d + 2, k=-1)
    # the sites -1 and d are in the leads: psi_-1 = exp(-ik) + r exp(ik), psi_d = t exp(ik)
    h[0], h[-1] = 0, 0
    h[0, 0], h[0, 1] = 1, -np.exp(1j * k)  # psi_-1 - exp(ik) psi_0 = exp(-ik) - exp(ik)
    h[-1, -1], h[-1, -2] = 1, -np.exp(1j * k)
    source = np.zeros(d + 2, dtype=complex)
    source[0] = np.exp(-1j * k) - np.exp(1j * k)
    psi = np.linalg.solve(h, source)
    return psi[1] - 1, psi[-2]


class Dense:
    """A single-orbital magnet with N sites per layer as one matrix; the majority spin is along m."""

    def __init__(self, magnetic, within, energy=E):
        self.magnetic, self.within = np.asarray(magnetic, dtype=float), within
        self.layers, self.sites = self.magnetic.shape
        self.energy = energy
        levels, modes = np.linalg.eigh(within)
        k = np.arccos((energy - levels + 0j) / -2)
        k = np.where(k.imag < 0, -k, k)
        self.sigma = -(modes * np.exp(1j * k)) @ modes.conj().T
        is_open = np.abs(energy - levels) < 2
        self.columns = modes[:, is_open] * np.sqrt(2 * np.sin(k[is_open].real))
        self.modes = int(is_open.sum())

    def matrix(self, m):
        """S, channels in the order (lead, spin, mode)."""
        size = self.layers * self.sites
        level = np.diag(self.magnetic.ravel())
        h = np.kron(np.eye(self.layers), self.within) - np.kron(
            np.eye(self.layers, k=1) + np.eye(self.layers, k=-1), np.eye(self.sites)
        )
        spins = np.einsum("i,iab->ab", m, PAULI)
        whole = np.kron(np.eye(2), h) + np.kron((UP + DOWN) / 2 * np.eye(2) - (DOWN - UP) / 2 * spins, level)
        wave = []
        for place in (0, self.layers - 1):
            corner = np.zeros((self.layers, self.layers))
            corner[place, place] = 1
            whole = whole + np.kron(np.eye(2), np.kron(corner, self.sigma))
            column = np.kron(np.eye(self.layers)[:, [place]], self.columns)
            wave += [np.kron(np.eye(2)[:, [spin]], column) for spin in (0, 1)]
        w = np.hstack(wave)
        green = np.linalg.inv(self.energy * np.eye(2 * size) - whole)
        return 1j * w.conj().T @ green @ w - np.eye(w.shape[1])

    def rate(self, m, axis, step=2e-3):
        """dS per rad of a turn of m about the axis; the error is of order step^4."""
        a, b, c, d = (self.matrix(Rotation.from_rotvec(n * step * axis).apply(m)) for n in (-2, -1, 1, 2))
        return (a - 8 * b + 8 * c - d) / (12 * step)

    def conductances(self, lead):
        """g_r and g_t' from S with m along z."""
        s, n = self.matrix(np.array([0.0, 0.0, 1.0])), self.modes
        up, down = (np.r_[spin * n : (spin + 1) * n, (2 + spin) * n : (3 + spin) * n] for spin in (0, 1))
        own = np.arange(n) + n * lead
        other = np.arange(n) + n * (1 - lead)
        a, b = s[np.ix_(up, up)], s[np.ix_(down, down)]
        g_r = n - np.trace(a[np.ix_(own, own)] @ b[np.ix_(own, own)].conj().T)
        return g_r, np.trace(a[np.ix_(own, other)] @ b[np.ix_(own, other)].conj().T)


def within_layer(n_x, n_y, twist):
    h = np.zeros((n_x * n_y, n_x * n_y), dtype=complex)
    for x in range(n_x):
        for y in range(n_y):
            here = x * n_y + y
            h[here, (x + 1) % n_x * n_y + y] -= np.exp(1j * twist[0] * (x == n_x - 1))
            h[here, x * n_y + (y + 1) % n_y] -= np.exp(1j * twist[1] * (y == n_y - 1))
    return h + h.conj().T


TWIST = (0.6, -1.3)


def sample(kind):
    rng = np.random.default_rng(69)
    shape = {"one layer": (1, 6), "clean": (4, 6), "random": (4, 6), "half": (3, 6)}[kind]
    magnetic = np.ones(shape, dtype=bool)
    if kind == "random":
        magnetic = rng.random(shape) < 0.6
    if kind == "half":
        magnetic[:, 3:] = False
    return magnetic


KINDS = ("one layer", "clean", "random", "half")
everywhere = pytest.mark.parametrize(("kind", "lead"), [(kind, lead) for kind in KINDS for lead in (0, 1)])
DIRECTION = Rotation.from_euler("zyx", [0.4, 1.1, -0.7])


# --- equations --------------------------------------------------------------------------------------------------------


@everywhere
def test_paper_BTBK_60_of_a_slab_of_any_thickness(kind, lead):
    magnet = Dense(sample(kind), within_layer(2, 3, TWIST))
    z, y = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    s, ds, n = magnet.matrix(z), magnet.rate(z, y), magnet.modes  # a turn about y takes z towards x
    rows = np.arange(2 * n) + 2 * n * lead
    emitted = [np.vdot(ds[rows], np.kron(pauli, np.eye(n)) @ s[rows]).imag for pauli in PAULI]
    g_r, g_t = magnet.conductances(lead)
    g = g_r - g_t
    np.testing.assert_allclose(emitted, [g.imag, g.real, 0], rtol=0, atol=1e-8)
    assert abs(g_t) > 0.1  # so that the reflected part alone would not do
    # the page's call, with the order of channels that the package wants
    sample_of_page = page.single_orbital(sample(kind), TWIST, turns=((1, 0, 0),), cell=(2, 3))
    run = scattering_matrix(sample_of_page, *[cubic_lead(E, (2, 3), -1.0, twist=TWIST)] * 2)
    found = page.emissivity(run, ("left", "right")[lead])
    np.testing.assert_allclose(found, [emitted], rtol=0, atol=1e-8)


@everywhere
def test_paper_BTBK_69_holds_for_any_thickness_with_the_transmitted_part(kind, lead):
    magnet = Dense(sample(kind), within_layer(2, 3, TWIST))
    x, y, z = DIRECTION.as_matrix().T
    n = magnet.modes
    rows = np.arange(2 * n) + 2 * n * lead
    ds = [magnet.rate(z, axis)[rows] for axis in (y, -x)]  # z moves along x, and along y
    tensor = np.array([[np.vdot(a, b).real for b in ds] for a in ds])
    g_r, g_t = magnet.conductances(lead)
    np.testing.assert_allclose(tensor, (g_r - g_t).real * np.eye(2), rtol=0, atol=1e-8)
    # With the reflection formula the printed value misses by the transmitted electrons, and by nothing else.
    assert tensor[0, 0] / g_r.real - 1 == pytest.approx(-g_t.real / g_r.real, rel=0, abs=1e-8)
    assert abs(g_t.real / g_r.real) > 0.05
    # the package, with m along the same direction
    sample_of_page = page.single_orbital(sample(kind), TWIST, z, (x, y), (2, 3))
    run = scattering_matrix(sample_of_page, *[cubic_lead(E, (2, 3), -1.0, twist=TWIST)] * 2)
    found = dissipation_tensor(run, lead=("left", "right")[lead])
    np.testing.assert_allclose(found, (g_r - g_t).real * np.eye(2), rtol=0, atol=1e-10)


@pytest.mark.parametrize("d", [1, 3, 8])
def test_paper_BTBK_70_of_a_film_from_heat_and_63_from_spin(d):
    # Heat of a turning moment, (66), over both leads, sum over 16 modes; (63) with the spin that leaves, g_r - g_t'.
    moment, g_factor = 1.7, 2.1
    gamma = g_factor * MU_B / si.hbar
    heat = conductance = 0.0
    for index in range(16):
        k = np.pi * (index % 4 + 0.5) / 4, np.pi * (index // 4 + 0.5) / 4
        magnet = Dense(np.ones((d, 1)), -2 * np.cos(k).sum() * np.eye(1))
        if magnet.modes:
            z, y = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
            heat += si.hbar / (4 * np.pi) * np.linalg.norm(magnet.rate(z, y)) ** 2
            conductance += 2 * (np.subtract(*magnet.conductances(0))).conjugate()
    size = moment * MU_B * d * 16
    expected = heat * gamma / size  # alpha M V/gamma = heat per (dm/dt)^2
    alpha = pumping_damping(conductance * si.e**2 / si.h, magnetic_moment=size, gyromagnetic_ratio=gamma)
    assert alpha == pytest.approx(expected, rel=1e-7, abs=0)
    per_atom = conductance.real / (16 * d)
    assert gilbert_damping(per_atom, moment, g_factor=g_factor) == pytest.approx(expected, rel=1e-7, abs=0)


@pytest.mark.parametrize("d", [1, 2, 7, 30])
def test_limit_integral_is_the_sum_over_modes_matched_site_by_site(d):
    # Means over a lead whose transverse levels are those of the integral, each found from Schroedinger's equation.
    level = page.zone(E, 1.0, (UP, DOWN))[0]
    few = slice(None, None, 97)
    for epsilon in level[few]:
        direct = [matched(E - epsilon, potential, d) for potential in (UP, DOWN)]
        r, t, is_open = slab_amplitudes(E, epsilon, d, np.array([UP, DOWN]))
        assert is_open.all()
        np.testing.assert_allclose(np.transpose([r, t]), direct, rtol=0, atol=1e-9)
    # Lattice of modes: 200 x 200 wave vectors.
    k = np.pi * (np.arange(200) + 0.5) / 200
    mesh = -2 * (np.cos(k)[:, None] + np.cos(k)).ravel()
    (r, t, is_open), (r_down, t_down, _) = (slab_amplitudes(E, mesh, d, potential) for potential in (UP, DOWN))
    share = is_open.sum()
    g_r, g_t = page.mixing(d)
    tolerance = 4e-3  # of the mesh, at the edges of its bands
    assert g_r[0] == pytest.approx(1 - np.vdot(r_down, r) / share, rel=0, abs=tolerance)
    assert g_t[0] == pytest.approx(np.vdot(t_down, t) / share, rel=0, abs=tolerance)
    assert share / 200**2 == pytest.approx(SHARVIN, rel=2e-3, abs=0)


def test_limit_weights_of_the_zone():
    # the density of modes of a square lattice: all levels, its second moment 4, and the share that propagates
    density = [quad(lambda x, n=n: x**n * ellipkm1((x / 4) ** 2) / np.pi**2, 0, 4)[0] for n in (0, 2)]
    np.testing.assert_allclose(density, [1, 4], rtol=1e-8)
    direct = quad(lambda x: ellipkm1((x / 4) ** 2) / (2 * np.pi**2), -3, 1, points=[0])[0]
    assert pytest.approx(direct, rel=3e-6, abs=0) == SHARVIN
    level, weight = page.zone(0.5, 0.1, (UP, DOWN))
    assert weight.sum() == pytest.approx(1, rel=5e-6, abs=0)
    assert np.abs(level).max() < 0.4
    assert weight @ level**2 == pytest.approx(0.04, rel=1e-5, abs=0)


# --- the two sentences ------------------------------------------------------------------------------------------------


@given(down=st.floats(-4, 4), d=st.integers(1, 40), energy=st.floats(-2, 2))
@settings(max_examples=25, deadline=None)
def test_invariant_matched_majority_reflects_no_transverse_spin(down, d, energy):
    g_r, g_t = page.mixing(d, up=0.0, down=down, energy=energy)
    assert abs(g_r[0] - 1) < 1e-12
    assert abs(g_t[0]) <= 1 + 1e-9


def test_paper_BTBK_statement_sharvin_limit_is_not_complete_absorption():
    # Majority matched to the leads: G_perp = G_Sh for each mode. Waves matched site by site; transverse spin that
    # passes is not in the magnet.
    k = np.pi * (np.arange(24) + 0.5) / 24
    level = -2 * (np.cos(k)[:, None] + np.cos(k)).ravel()
    level = level[np.abs(E - level) < 2]
    for d, least in ((1, 0.65), (2, 0.5)):
        up, down = (np.array([matched(E - each, v, d) for each in level]) for v in (0.0, DOWN))
        g_r = 1 - np.mean(up[:, 0] * down[:, 0].conj())
        g_t = np.mean(up[:, 1] * down[:, 1].conj())
        assert abs(g_r - 1) < 1e-12
        # all absorbed would be 0
        assert least < abs(g_t) < 1
        found_r, found_t = page.mixing(d, up=0.0)
        assert abs(found_r[0] - g_r) < 1e-10
        assert abs(found_t[0] - g_t) < 0.02  # 24 x 24 wave vectors
        # What the magnet takes of a transverse spin that arrives: 1 - (what returns) - (what passes), as complex parts.
        taken = g_r - g_t
        assert abs(taken - 1) == pytest.approx(abs(g_t), rel=1e-9, abs=0)
    # ... and the limit that is right: both vanish for thick slabs.
    assert abs(page.mixing(120, up=0.0)[1][0]) < 0.15


@pytest.mark.parametrize("d", [1, 3, 6])
def test_limit_film_loses_less_or_more_by_the_transmitted_electrons(d):
    # Heat by finite turns, over the sum of reflection formulas; the miss is the transmitted part.
    heat = reflected = transmitted = 0.0
    for k_x in np.pi * (np.arange(6) + 0.5) / 6:
        for k_y in np.pi * (np.arange(6) + 0.5) / 6:
            magnet = Dense(np.ones((d, 1)), -2 * (np.cos(k_x) + np.cos(k_y)) * np.eye(1))
            if magnet.modes:
                heat += np.linalg.norm(magnet.rate(*np.eye(3)[[2, 1]])) ** 2
                for lead in (0, 1):
                    g_r, g_t = magnet.conductances(lead)
                    reflected, transmitted = reflected + g_r.real, transmitted + g_t.real
    assert heat == pytest.approx(reflected - transmitted, rel=1e-8, abs=0)
    assert abs(heat / reflected - 1) > 0.2


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("up", "down"), [(UP, DOWN), (-0.5, 0.5), (-0.5, 2.5)])
def test_limit_period_is_that_of_the_spanning_vector(up, down):
    # The extremum found numerically, not at (V_up + V_down)/2.
    def parting(x):
        return 1 / np.sqrt(4 - (x - up) ** 2) - 1 / np.sqrt(4 - (x - down) ** 2)

    best = brentq(parting, down - 2 + 1e-6, up + 2 - 1e-6)
    assert best == pytest.approx((up + down) / 2, rel=1e-9, abs=1e-9)
    spanning = np.arccos(-(best - up) / 2) - np.arccos(-(best - down) / 2)
    assert spanning == pytest.approx(2 * np.arcsin((down - up) / 4), rel=1e-9, abs=0)
    d = np.arange(20, 121)
    assert page.found_period(page.mixing(d, up, down)[1], d) == pytest.approx(2 * np.pi / spanning, rel=3e-3, abs=0)


def stationary(d, orders=4):
    """All passages with m and n ways to and fro inside, each by its own stationary phase."""
    total = np.zeros(len(d), dtype=complex)
    for ups in range(orders):
        for downs in range(orders):
            a, b = 2 * ups + 1, 2 * downs + 1

            def slope(x, a=a, b=b):
                return a / np.sqrt(4 - (x - UP) ** 2) - b / np.sqrt(4 - (x - DOWN) ** 2)

            low, high = DOWN - 2 + 1e-9, UP + 2 - 1e-9
            x = brentq(slope, low, high)
            q_up, q_down = np.arccos(-(x - UP) / 2), np.arccos(-(x - DOWN) / 2)
            bend = (b * np.cos(q_down) / np.sin(q_down) ** 3 - a * np.cos(q_up) / np.sin(q_up) ** 3) / 4
            (once, back), (once_down, back_down) = page.faces(x, UP), page.faces(x, DOWN)
            size = once * back**ups * (once_down * back_down**downs).conj()
            states = ellipkm1(((E - x) / 4) ** 2) / (2 * np.pi**2) / SHARVIN
            turn = np.exp(1j * ((a * q_up - b * q_down) * d + np.sign(bend) * np.pi / 4))
            total += states * size * turn * np.sqrt(2 * np.pi / (abs(bend) * d))
    return total


def test_limit_law_of_the_thick_slab():
    d = np.arange(60, 121)
    exact = page.mixing(d)[1]
    alone, together = stationary(d, 1), stationary(d, 4)
    # One passage is what the page draws; the reflections inside explain most of what it leaves.
    miss = [np.sqrt(np.mean(np.abs(exact - law) ** 2)) / np.abs(exact).mean() for law in (alone, together)]
    assert miss[0] < 0.06
    assert miss[1] < 0.6 * miss[0]
    assert np.abs(exact / alone - 1).max() < 0.12
    power = np.polyfit(np.log(d), np.log(np.abs(exact)), 1)[0]
    assert power == pytest.approx(-0.5, rel=0, abs=0.05)


@pytest.mark.parametrize("potential", [UP, DOWN, 3.5])
def test_limit_passages_and_reflections_inside_add_to_the_slab(potential):
    x = np.linspace(-1.87, 1.71, 19)
    p = page.wave(x - potential)
    np.testing.assert_allclose(p + 1 / p, potential - x, rtol=0, atol=1e-12)
    assert (np.abs(p) < 1 + 1e-12).all()
    assert (p.imag > -1e-12).all()  # a hop of -1: to the right
    once, back = page.faces(x, potential)
    for d in (1, 4):
        t = slab_amplitudes(0.0, -x, d, potential)[1]
        np.testing.assert_allclose(once * p**d / (1 - back * p ** (2 * d)), t, rtol=1e-10)


def test_limit_thick_slab_reflects_as_one_interface():
    # Half-infinite magnet: waves matched with one that leaves.
    def single(x, potential):
        q, k = (np.arccos(-(x - v + 0j) / 2) for v in (potential, 0.0))
        q = q if q.imag >= 0 else -q
        z, p = np.exp(1j * k), np.exp(1j * q)
        return np.linalg.solve([[1, -1], [z, -1 / p]], [-1, -1 / z])[0]  # 1 + r = t, 1/z + r z = t/p

    level, weight = page.zone(E, 1.0, (UP, DOWN))
    few = slice(None, None, 5)
    product = np.array([single(E - x, UP) * np.conj(single(E - x, DOWN)) for x in level[few]])
    limit = 1 - product @ weight[few] / weight[few].sum()
    d = np.arange(60, 121)
    g_r = page.mixing(d)[0]
    assert g_r.mean() == pytest.approx(limit, rel=0, abs=3e-3)
    assert np.abs(g_r - limit).max() < 0.02
    assert limit.real > 1.02


def test_limit_nested_sheets_keep_the_transmitted_spin():
    d = np.array([10, 48, 192])
    nested, slab = (np.abs(page.mixing(d, **where)[1]) for where in ({"energy": 0.5, "across": 0.1}, {}))
    assert nested[1] / nested[0] > 0.9
    assert slab[1] / slab[0] < 0.5
    # planes: no decay at all
    planes = np.abs(page.mixing(np.arange(100, 2000, 211), energy=0.5, across=1e-4)[1])
    assert planes.min() > 0.7


@given(up=st.floats(-1.5, 1.5), down=st.floats(-3, 3), d=st.integers(1, 60), across=st.floats(0.1, 1.0))
@settings(max_examples=25, deadline=None)
def test_invariant_mixing_obeys_the_bounds_of_unitarity(up, down, d, across):
    (g_r,), (g_t,) = page.mixing(d, up, down, energy=-0.4, across=across)
    assert abs(1 - g_r) + abs(g_t) <= 1 + 1e-9
    # The magnet loses energy; exchanging the spins conjugates.
    assert (g_r - g_t).real >= -1e-9
    (other_r,), (other_t,) = page.mixing(d, down, up, energy=-0.4, across=across)
    assert abs(other_r - g_r.conjugate()) < 1e-6
    assert abs(other_t - g_t.conjugate()) < 1e-6
    (none_r,), (none_t,) = page.mixing(d, up, up, energy=-0.4, across=across)
    assert abs(none_r - none_t) < 1e-9


# --- the page's own magnet --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [(5, 5), (2, 3), (1, 1), (1, 4)])
def test_limit_arrays_of_the_page_are_the_hamiltonian(cell):
    rng = np.random.default_rng(3)
    magnetic = rng.random((3, cell[0] * cell[1])) < 0.5
    m = DIRECTION.as_matrix()[:, 2]
    built = page.single_orbital(magnetic, TWIST, m, (m,), cell)
    dense = within_layer(*cell, TWIST)
    for layer, sites in enumerate(magnetic):
        level = (UP + DOWN) / 2 * np.eye(2) - (DOWN - UP) / 2 * np.einsum("i,iab->ab", m, PAULI)
        whole = np.kron(dense, np.eye(2)) + np.kron(np.diag(sites * 1.0), level)
        np.testing.assert_allclose(built.onsite[layer], whole, rtol=0, atol=1e-14)
        turn = np.kron(np.diag(sites * 1.0), level - (UP + DOWN) / 2 * np.eye(2))
        np.testing.assert_allclose(built.perturbations[0][layer], turn, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(built.coupling, -np.ones(2 * len(dense)))


@pytest.mark.parametrize("kind", KINDS)
def test_limit_conductances_of_the_page_are_those_of_dense_matrices(kind):
    magnet = Dense(sample(kind), within_layer(2, 3, TWIST))
    lead = cubic_lead(E, (2, 3), -1.0, twist=TWIST)
    run = scattering_matrix(page.single_orbital(sample(kind), TWIST, cell=(2, 3)), lead, lead)
    for number, side in enumerate(("left", "right")):
        g_r, g_t, modes = page.conductances(run, side)
        np.testing.assert_allclose([g_r, g_t], magnet.conductances(number), rtol=0, atol=1e-10)
        assert modes == magnet.modes


@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 9))
@settings(max_examples=20, deadline=None)
def test_invariant_intermixing_keeps_the_layers_inside(seed, d):
    magnetic = page.intermixed(d, np.random.default_rng(seed))
    assert magnetic.shape == (d + 2, 25)
    assert magnetic[[0, -1]].sum(axis=1).tolist() == [6, 6]
    inner = [1, -2]
    lost = 25 - magnetic[inner].sum(axis=1)
    assert lost.tolist() == [6, 6]
    assert magnetic[2:-2].all()
    assert magnetic.sum() == 25 * d  # sites change sides, none is lost


def test_limit_ratio_of_means_has_the_error_of_its_numerator():
    # Numerator r x + noise of width s over a fixed denominator: error s/(x n^1/2); five seeds, 2.5 per cent each.
    found = []
    for seed in range(5):
        rng = np.random.default_rng([7, seed])
        below = np.full(800, 4.0)
        ratio, error = page.mean_ratio(2 * below + rng.normal(0, 0.3, 800), below)
        assert abs(ratio - 2) < 5 * error
        found.append(error)
    assert np.mean(found) == pytest.approx(0.3 / 4 / 800**0.5, rel=0.06, abs=0)
    above = np.array([1.0, 2.0, 3.0])
    assert page.mean_ratio(above, above) == (1.0, 0.0)


def test_limit_rough_interfaces_with_other_seeds():
    # 120 configurations; standard errors 0.003 of g_r/g_Sh = 1.01 and 0.01 of the ratio 0.76, so 4 errors each.
    d, drawn = 4, []
    for seed in range(120):
        rng = np.random.default_rng([1979, seed])
        twist = rng.uniform(0, 2 * np.pi, 2)
        lead = cubic_lead(E, (5, 5), -1.0, twist=twist)
        run = scattering_matrix(page.single_orbital(page.intermixed(d, rng), twist), lead, lead)
        drawn.append((*page.conductances(run), *page.specular(run)))
    back, through, modes, kept, minority = np.array(drawn).T
    assert (back.real.sum() / modes.real.sum()) == pytest.approx(1.01, rel=0, abs=0.015)
    left = abs(through.sum() / modes.sum()) / abs(page.mixing(d)[1][0])
    assert left == pytest.approx(0.76, rel=0, abs=0.04)
    # What is left of g_t is the minority amplitude that keeps its mode.
    coherent = np.sqrt((kept.sum() / minority.sum()).real)
    assert left == pytest.approx(coherent, rel=0, abs=0.05)


def test_limit_electrons_in_their_own_mode():
    # A clean cell keeps every mode; of one with sites exchanged the page's share is that of the dense S.
    lead = cubic_lead(E, (2, 3), -1.0, twist=TWIST)
    for kind in KINDS:
        magnet = Dense(sample(kind), within_layer(2, 3, TWIST))
        run = scattering_matrix(page.single_orbital(sample(kind), TWIST, cell=(2, 3)), lead, lead)
        kept, passed = page.specular(run)
        n = magnet.modes
        down = magnet.matrix(np.array([0.0, 0.0, 1.0]))[n : 2 * n, 3 * n :]  # minority, from right to left
        assert kept == pytest.approx(np.sum(np.abs(np.diag(down)) ** 2), rel=0, abs=1e-10)
        assert passed == pytest.approx(np.sum(np.abs(down) ** 2), rel=0, abs=1e-10)
        if kind in ("one layer", "clean"):
            assert kept == pytest.approx(passed, rel=1e-10, abs=0)
        if kind == "random":
            assert kept < 0.9 * passed
