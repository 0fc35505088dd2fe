"""Walls in a random alloy (BTBK Figures 8, 9): the stored ensembles, and routes without `wall_scattering`.

The routes: dense inverses of whole wires, the force of a bias on the reversed wall, spin currents instead of torques,
uniform magnets instead of walls, and a wire moved by one layer.
"""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.dynamics.walls import wall_profile
from spinlib.lattice.damping import bulk_slope, dissipation_tensor, pumped_charge, wall_scattering
from spinlib.lattice.green import LayeredSystem, scattering_matrix
from spinlib.lattice.leads import cubic_lead
from spinlib.lattice.models import binary_alloy, p_orbital_magnet
from spinlib.onsager import WallResponse
from spinlib.precomputed import load
from spinlib.spin import PAULI, rotation_matrix
from spinlib.units import e, hbar, mu_B, nm
from tests.book.chapter_code import defined
from tools import lattice_members as members
from tools.notebooks import ROOT
from tools.precomputed import verify

PAGE = ROOT / "book" / "wall_damping.md"
DATA = ROOT / "book" / "wall_damping" / "walls.json"
WALLS = ("bloch", "neel", "rotated_neel")
MOMENT = 1.6
LEVELS, LAYERS, N = 6, 22, 22 * 6
ONE = np.eye(3)
TILT = rotation_matrix((0.3, 0.5, -0.8), 0.9)


@cache
def stored():
    return load(DATA)[0]


@cache
def chapter():
    """Functions of the page with the numbers that they use."""
    room = {"MOMENT": MOMENT, "HOPS": np.where(np.eye(3), 1.0, -0.4), "widths": np.array(members.WIDTHS)}
    room["narrow"] = room["widths"] <= 4
    room |= {"data": stored(), "kinds": WALLS}
    return defined(PAGE, room)


def reduced(name):
    """lambda T/2N and P beta with standard errors, and the spread of q, from the batches."""
    batches, width = stored()[name], stored()["width"][:, None]
    g, friction, pumped, square = np.moveaxis(batches, -1, 0)
    root = np.sqrt(batches.shape[1])
    damping = width * friction / 18
    beta = -width[:, 0] * pumped.mean(axis=1) / g.mean(axis=1)
    # The ratio of two means is as uncertain as the mean of what is left of the numerator.
    rest = (-width * pumped - beta[:, None] * g) / g.mean(axis=1)[:, None]
    spread = np.sqrt(square.mean(axis=1) - pumped.mean(axis=1) ** 2)
    return (damping.mean(axis=1), damping.std(axis=1, ddof=1) / root, beta, rest.std(axis=1, ddof=1) / root, spread)


def average(values, errors):
    """Weighted mean along the first axis, its error and chi-square."""
    weight = np.asarray(errors) ** -2.0
    mean = (weight * values).sum(axis=0) / weight.sum(axis=0)
    return mean, weight.sum(axis=0) ** -0.5, (weight * (values - mean) ** 2).sum(axis=0)


def fitted(x, y, error):
    """Intercept and slope of a weighted line, and chi-square."""
    best, covariance = np.polyfit(x, y, 1, w=1 / error, cov="unscaled")
    return best[::-1], np.sqrt(np.diag(covariance))[::-1], np.sum(((y - np.polyval(best, x)) / error) ** 2)


# --- a thin wire, and its dense inverse -------------------------------------------------------------------------------


def thin(seed, kind="bloch", *, width=1.5, center=10.2, spin_orbit=0.3, turn=ONE):
    """A wall on a wire of one atom across, its leads, m and dm/dr_w."""
    rng = np.random.default_rng(seed)
    twist = rng.uniform(0, 2 * np.pi, 2)
    levels, splittings = binary_alloy(
        (1, 1, LAYERS), 0.5, exchange_splitting=1.0, majority_shift=1.0, minority_shift=2.0, seed=rng
    )
    m, moved = (each @ turn.T for each in wall_profile(np.arange(LAYERS), width=width, center=center, kind=kind))
    alloy = {"onsite": levels, "exchange_splitting": splittings, "twist": twist}
    magnet = p_orbital_magnet((1, 1, LAYERS), m, **alloy, spin_orbit=spin_orbit, variations=(moved,))
    return magnet, cubic_lead(0.3, (1, 1), np.where(np.eye(3), 1.0, -0.4), twist=twist), (m, moved)


def dense(magnet, lead):
    """G of the whole wire, and what the two leads feed, layer by layer as they stand."""
    h = np.zeros((N, N), dtype=complex)
    for layer in range(LAYERS):
        here = slice(LEVELS * layer, LEVELS * (layer + 1))
        h[here, here] = magnet.onsite[layer]
        if layer:
            before = slice(LEVELS * (layer - 1), LEVELS * layer)
            h[before, here] = np.diag(magnet.coupling)
            h[here, before] = np.diag(magnet.coupling).conj()
    h[:LEVELS, :LEVELS] += lead.self_energy
    h[-LEVELS:, -LEVELS:] += lead.self_energy
    sources = np.zeros((2, N, lead.n_modes), dtype=complex)
    sources[0, :LEVELS] = sources[1, -LEVELS:] = lead.injection
    return np.linalg.inv(lead.energy * np.eye(N) - h), sources


def block_diagonal(blocks):
    whole = np.zeros((N, N), dtype=complex)
    for layer, block in enumerate(blocks):
        here = slice(LEVELS * layer, LEVELS * (layer + 1))
        whole[here, here] = block
    return whole


def neutral(change, spectral):
    """The change of H with the potential that keeps each layer neutral."""
    kept = []
    for layer, block in enumerate(change):
        here = slice(LEVELS * layer, LEVELS * (layer + 1))
        density = spectral[here, here]
        kept.append(block - np.trace(block @ density).real / np.trace(density).real * np.eye(LEVELS))
    return block_diagonal(kept)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(WALLS), center=st.floats(9.5, 11.5))
def test_invariant_local_screening_by_a_dense_inverse(seed, kind, center):
    magnet, lead, _ = thin(seed, kind, center=center, turn=TILT)
    run = scattering_matrix(magnet, lead, lead, screening="local")
    green, (left, right) = dense(magnet, lead)
    spectral = 1j * (green - green.conj().T)
    change = neutral(magnet.perturbations[0], spectral)
    # Q of a lead is of the states that leave through it: G^dagger W, not G W.
    left_by = [green.conj().T @ source for source in (left, right)]
    charge = [-np.trace(psi.conj().T @ change @ psi).real for psi in left_by]
    friction = np.trace(change @ spectral @ change @ spectral).real
    scale = np.sqrt(friction)
    np.testing.assert_allclose(pumped_charge(run)[0], charge, rtol=0, atol=1e-8 * scale)
    assert abs(sum(charge)) < 1e-8 * scale
    np.testing.assert_allclose(dissipation_tensor(run)[0, 0], friction, rtol=1e-8)
    bare = scattering_matrix(magnet, lead, lead)
    frozen = -np.trace(spectral @ block_diagonal(magnet.perturbations[0])).real
    assert pumped_charge(bare)[0].sum() == pytest.approx(frozen, rel=0, abs=1e-8 * scale)


def test_limit_frozen_potential_does_not_keep_the_charge():
    lost = []
    for seed in range(20):
        magnet, lead, _ = thin(seed)
        lost.append(pumped_charge(scattering_matrix(magnet, lead, lead))[0].sum())
    assert np.std(lost) > 0.1


def bias_force(magnet, lead):
    """Force of the electrons that the right lead feeds, per energy by which it is raised."""
    green, (_, right) = dense(magnet, lead)
    change = neutral(magnet.perturbations[0], 1j * (green - green.conj().T))
    psi = green @ right
    return -np.trace(psi.conj().T @ change @ psi).real / (2 * np.pi)


@pytest.mark.parametrize("kind", WALLS)
def test_limit_force_of_a_bias_on_the_reversed_wall(kind):
    """L_cw(m) = L_wc(-m), here for walls in a plane that is no mirror plane of the lattice."""
    apart = []
    for seed in range(4):
        magnet, lead, _ = thin(seed, kind, turn=TILT)
        wall = wall_scattering(scattering_matrix(magnet, lead, lead, screening="local"), 1.5, 1, MOMENT)
        pumped = wall.response[0, 1] / wall.response[0, 0]
        turned = thin(seed, kind, turn=-TILT)[0]
        scale = 1 / np.sqrt(wall.response[0, 0])
        assert bias_force(turned, lead) == pytest.approx(pumped, rel=0, abs=1e-8 * scale)
        apart.append((bias_force(magnet, lead) - pumped) / scale)
    assert np.abs(apart).max() > 1e-3  # of one and the same wall they differ, with spin-orbit coupling
    # In a plane of two axes of the lattice they do not: the p orbitals turn by pi about the third.
    magnet, lead, _ = thin(1, kind)
    wall = wall_scattering(scattering_matrix(magnet, lead, lead, screening="local"), 1.5, 1, MOMENT)
    assert bias_force(magnet, lead) == pytest.approx(wall.response[0, 1] / wall.response[0, 0], rel=1e-7, abs=0)


@pytest.mark.parametrize("kind", WALLS)
def test_limit_friction_without_spin_orbit_coupling_is_that_of_spin_currents(kind):
    magnet, lead, (m, moved) = thin(3, kind, width=1.0, spin_orbit=0.0, turn=TILT)
    green, _ = dense(magnet, lead)
    spectral = 1j * (green - green.conj().T)
    turning = np.cross(m, moved)
    rate = np.linalg.norm(turning, axis=1)
    axis = turning[10] / rate[10]
    spin = np.kron(np.eye(3), np.einsum("k,kab->ab", axis, PAULI) / 2)
    current = np.zeros((N, N), dtype=complex)
    for layer in range(1, LAYERS):
        here, before = (slice(LEVELS * each, LEVELS * (each + 1)) for each in (layer, layer - 1))
        current[before, here] = 1j * (rate[layer - 1] - rate[layer]) * spin @ np.diag(magnet.coupling)
        current[here, before] = current[before, here].conj().T
    friction = np.trace(current @ spectral @ current @ spectral).real
    found = dissipation_tensor(scattering_matrix(magnet, lead, lead))[0, 0]
    assert found == pytest.approx(friction, rel=1e-3, abs=0)  # the ends turn at 1e-4 of the centre
    # The sum of the two rates instead of their difference is no such current.
    wrong = np.zeros_like(current)
    for layer in range(1, LAYERS):
        here, before = (slice(LEVELS * each, LEVELS * (each + 1)) for each in (layer, layer - 1))
        wrong[before, here] = 1j * (rate[layer - 1] + rate[layer]) * spin @ np.diag(magnet.coupling)
        wrong[here, before] = wrong[before, here].conj().T
    assert np.trace(wrong @ spectral @ wrong @ spectral).real > 2 * friction


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.floats(0.8, 1.8))
def test_invariant_walls_without_spin_orbit_coupling_are_alike(seed, width):
    found = []
    for kind in WALLS:
        magnet, lead, _ = thin(seed, kind, width=width, spin_orbit=0.0)
        run = scattering_matrix(magnet, lead, lead, screening="local")
        found.append([dissipation_tensor(run)[0, 0], *pumped_charge(run)[0], run.conductance])
    scale = np.sqrt(found[0][0])
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-7, atol=1e-7 * scale)


def test_invariant_moved_by_one_layer():
    """One more layer of the lead in front: wall and alloy stand one layer further on."""
    magnet, lead, _ = thin(11, "neel")
    twist = np.random.default_rng(11).uniform(0, 2 * np.pi, 2)
    empty = p_orbital_magnet((1, 1, 1), (0, 0, 1), exchange_splitting=0.0, twist=twist).onsite
    change = magnet.perturbations[0]
    longer = LayeredSystem(
        np.concatenate([empty, magnet.onsite]), magnet.coupling, (np.concatenate([np.zeros_like(empty), change]),)
    )
    for screening in ("none", "local"):
        here, there = (scattering_matrix(each, lead, lead, screening=screening) for each in (magnet, longer))
        np.testing.assert_allclose(dissipation_tensor(there), dissipation_tensor(here), rtol=1e-8)
        np.testing.assert_allclose(pumped_charge(there), pumped_charge(here), rtol=1e-6, atol=1e-8)
        assert there.conductance == pytest.approx(here.conductance, rel=1e-9, abs=0)


def test_limit_wall_in_si_units():
    a, width = 0.3 * nm, 1.5
    magnet, lead, _ = thin(2)
    run = scattering_matrix(magnet, lead, lead, screening="local")
    wall = wall_scattering(run, width, 1, MOMENT, g_factor=2.1)
    right = np.arange(run.n_left, len(run.matrix))
    other = WallResponse.from_scattering(run.matrix, run.derivatives[0] / a, channels=right)
    (ww, wc), (cw, cc) = wall.response
    assert wc == cw
    np.testing.assert_allclose(
        [ww * a**2 / hbar, wc * e * a / hbar, cc * e**2 / hbar], [other.ww, other.wc, other.cc], rtol=1e-8
    )
    alpha = other.effective_alpha(
        width=width * a,
        area=a**2,
        saturation_magnetization=MOMENT * mu_B / a**3,
        gyromagnetic_ratio=2.1 * mu_B / hbar,
    )
    assert wall.alpha == pytest.approx(alpha, rel=1e-9, abs=0)
    assert wall.p_beta == pytest.approx(other.effective_beta(width=width * a, polarization=1.0), rel=1e-8, abs=0)
    # Without current the voltage of the wall, -L_cw F/L_cc, holds it back: by 2 q^2/(T g).
    friction, pumped = dissipation_tensor(run)[0, 0], pumped_charge(run)[0, 1]
    slower = ww - wc**2 / cc
    assert ww / slower - 1 == pytest.approx(2 * pumped**2 / (friction * run.conductance), rel=1e-9, abs=0)
    # The printed (77), with L_cc in the denominator, is no conductance at rest: it misses by L_wc^2 (1/L_cc - 1/L_ww).
    printed = (run.conductance / (2 * np.pi) + np.sqrt((run.conductance / (2 * np.pi)) ** 2 + 4 * wc**2)) / 2
    assert printed - cc == pytest.approx(wc**2 * (1 / printed - 1 / ww), rel=1e-9, abs=0)
    assert abs(printed - cc) > 1e-6


@pytest.mark.parametrize(("height", "width", "center"), [(0.9, 3.0, 39.3), (0.5, 2.5, 40.1), (0.7, 2.0, 39.0)])
def test_limit_sign_of_a_dragged_hill(height, width, center):
    x = (np.arange(80) - center) / width
    hill = height / np.cosh(x) ** 2
    moved = 2 * hill * np.tanh(x) / width  # by the centre
    chain = LayeredSystem(hill[:, None, None] * np.eye(2), -np.ones(2), (moved[:, None, None] * np.eye(2),))
    lead = cubic_lead(-1.2, (1, 1), -1.0, onsite=4.0)
    run = scattering_matrix(chain, lead, lead)
    drag = 2 * np.arccos(0.6) * np.sum(np.abs(run.reflection) ** 2)
    # On a lattice the hill gives away momentum in multiples of 2 pi, too: exponentially little.
    np.testing.assert_allclose(pumped_charge(run)[0], [drag, -drag], rtol=1e-4)
    wall = wall_scattering(run, width, 1, MOMENT)
    assert wall.p_beta == pytest.approx(width * drag / run.conductance, rel=1e-4, abs=0)


# --- Figures 8 and 9 --------------------------------------------------------------------------------------------------


def test_paper_BTBK_figure_8_ensemble_is_current_and_can_be_made_again():
    assert verify(DATA) == []
    data = stored()
    np.testing.assert_array_equal(data["width"], members.WIDTHS)
    np.testing.assert_array_equal(data["lengths"], members.BULK_LENGTHS)
    for kind, place, batch in (("bloch", 4, 79), ("neel", 0, 3), ("rotated_neel", 2, 23), ("no_soc", 3, 7)):
        np.testing.assert_allclose(members.walls(kind, place, batch), data[kind][place, batch], rtol=1e-9)
    np.testing.assert_allclose(members.bulk(3, 11), data["bulk"][3, 11], rtol=1e-9)


@pytest.mark.parametrize(("name", "place", "batch"), [("bloch", 2, 0), ("rotated_neel", 1, 5), ("no_soc", 2, 9)])
def test_paper_BTBK_figure_8_page_draws_what_the_ensemble_holds(name, place, batch):
    kind, spin_orbit, majority = members.WALLS[name]
    rng = np.random.default_rng((3, list(members.WALLS).index(name), place, batch))
    width = members.WIDTHS[place]
    rows = chapter()["ensemble"](kind, width, members.BATCH, rng, spin_orbit=spin_orbit, majority_shift=majority)
    expected = stored()[name][place, batch]
    np.testing.assert_allclose(rows.mean(axis=1), expected[:3], rtol=1e-9)
    np.testing.assert_allclose(np.mean(rows[2] ** 2), expected[3], rtol=1e-9)
    alpha, _, p_beta, _ = chapter()["means"](width, *rows)
    assert alpha == pytest.approx(2 * width * expected[1] / (8 * np.pi * MOMENT * 9), rel=1e-9, abs=0)
    assert p_beta == pytest.approx(-width * expected[2] / expected[0], rel=1e-9, abs=0)


def test_paper_BTBK_figure_8_three_walls_are_alike():
    values, errors = (np.array([reduced(name)[row] for name in WALLS]) for row in (0, 1))
    *_, chi = average(values, errors)
    assert chi.sum() < 32.0  # 16 degrees of freedom, 1 in 100
    assert (errors / values).max() < 0.06
    # Without spin-orbit coupling the damping is another one wherever the wall is not the narrowest.
    other, error = reduced("no_soc")[:2]
    assert ((values[0] - other) / np.hypot(errors[0], error))[1:].min() > 7


def bulk_value():
    """T' per atom of uniform magnets, averaged over directions, and its error."""
    data = stored()
    lines = [bulk_slope(data["lengths"], each[:, 2] / 9, minimum_length=16) for each in data["bulk"]]
    values = np.array([each.slope for each in lines])
    return values, *average(values, [each.slope_error for each in lines])[:2]


def test_paper_BTBK_figure_8_wide_walls_have_the_damping_of_the_bulk():
    width = stored()["width"]
    directions, bulk, bulk_error = bulk_value()
    assert directions.min() > 0.2
    assert directions.max() < 0.28
    value, error, _ = average(*(np.array([reduced(name)[row] for name in WALLS]) for row in (0, 1)))
    assert value[0] > 5 * bulk
    assert 3.2 < value[2] / bulk < 4  # fourfold at one lattice constant
    assert (np.diff(value) < 0).all()
    wide = width >= 1.5
    (limit, rise), (limit_error, _), chi = fitted(width[wide] ** -2.0, value[wide], error[wide])
    assert abs(limit - bulk) < 2 * np.hypot(limit_error, bulk_error) < 0.05 * bulk
    assert chi < 11.3
    # From 2 and 3 on it ends there as well; with the next point, the line bends.
    for first in (2, 3):
        part = width >= first
        (other, _), (other_error, _), _ = fitted(width[part] ** -2.0, value[part], error[part])
        assert abs(other - bulk) < 2 * np.hypot(other_error, bulk_error)
    part = width >= 1
    assert fitted(width[part] ** -2.0, value[part], error[part])[2] > 100
    # A line in 1/width ends elsewhere and does not fit.
    (linear, _), _, bad = fitted(1 / width[wide], value[wide], error[wide])
    assert bad > 30
    assert linear < 0.8 * bulk
    assert 0.7 < rise < 0.85


def test_paper_BTBK_figure_8_without_spin_orbit_coupling_the_limit_is_zero():
    width = stored()["width"]
    value, error, *_ = reduced("no_soc")
    wide = width >= 2
    (limit, rise), (limit_error, _), chi = fitted(width[wide] ** -2.0, value[wide], error[wide])
    assert abs(limit) < 3 * limit_error < 0.007
    assert chi < 9.2
    power, _ = np.polyfit(np.log(width[wide]), np.log(value[wide]), 1)
    assert power == pytest.approx(-2, abs=0.2)
    assert 0.6 < rise < 0.75


@pytest.mark.parametrize("width", [1.5, 3.0, 6.0])
def test_limit_rates_of_rotation(width):
    """Integrals of the rate of rotation and of its slope: 2/width and 2/(3 width^3)."""
    z = np.arange(-100, 101.0)
    m, moved = wall_profile(z, width=width, center=0.3, kind="rotated_neel")
    rate = np.linalg.norm(np.cross(m, moved), axis=1)
    assert np.sum(rate**2) == pytest.approx(2 / width, rel=1e-4, abs=0)
    step = np.sum(np.diff(rate) ** 2) * 3 * width**3 / 2
    assert step == pytest.approx(1, rel=0, abs=0.3 / width**2)


def test_paper_BTBK_figure_8_uniform_magnets_turned_like_a_wall():
    friction, pumped = chapter()["turned_uniform"](12, np.random.default_rng(5))
    wall = reduced("bloch")[0][:7]
    error = friction.std(axis=0, ddof=1) / np.sqrt(12)
    assert np.abs((friction.mean(axis=0) - wall) / error).max() < 4
    assert (error / wall).max() < 0.25
    # The charge has both signs at every width.
    assert (pumped.min(axis=0) < 0).all()
    assert (pumped.max(axis=0) > 0).all()


def test_limit_turned_magnets_by_a_kernel_of_layers():
    """The response to a turn of one layer, layer by layer, is summed up with the rates of each wall."""
    friction, pumped = chapter()["turned_uniform"](1, np.random.default_rng(17))
    rng = np.random.default_rng(17)
    m, across, _ = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    twist, made = members.disorder((3, 3, 36), 0.5, 1.0, rng)
    z = np.arange(36) - 17.5 - rng.uniform(-0.5, 0.5)
    single = np.einsum("pl,k->plk", np.eye(36), across)
    magnet = p_orbital_magnet((3, 3, 36), m, **made, spin_orbit=0.3, twist=twist, variations=tuple(single))
    run = scattering_matrix(magnet, members.lead(twist), members.lead(twist), screening="local")
    kernel, charge = dissipation_tensor(run), pumped_charge(run)[:, 1]
    for place, width in enumerate(members.WIDTHS[:7]):
        rate = np.linalg.norm(wall_profile(z, width=width)[1], axis=1)
        assert friction[0, place] == pytest.approx(width * rate @ kernel @ rate / 18, rel=1e-8, abs=0)
        assert pumped[0, place] == pytest.approx(charge @ rate, rel=0, abs=1e-8)


def test_paper_BTBK_figure_9_falls_and_is_positive():
    for name in ("bloch", "no_soc"):
        *_, value, error, _ = reduced(name)
        assert (value / error)[:-1].min() > 5
        assert value[-1] > 2 * error[-1]
        assert (np.diff(value) < 0).all()
        assert value[0] > 4 * value[-1]
    # Walls differ here, unlike in the damping.
    values, errors = (np.array([reduced(name)[row] for name in WALLS]) for row in (2, 3))
    assert average(values, errors)[2].sum() > 39  # 16 degrees of freedom, 1 in 1000


def test_paper_BTBK_figure_9_noise_grows_with_the_width():
    width = stored()["width"]
    wide = width >= 2
    g = stored()["bloch"][:, :, 0].mean(axis=1)
    spread = reduced("bloch")[4]
    power, _ = np.polyfit(np.log(width[wide]), np.log(spread[wide]), 1)
    assert power == pytest.approx(-0.5, abs=0.15)
    power_0, _ = np.polyfit(np.log(width[2:]), np.log(reduced("no_soc")[4][2:]), 1)
    assert power_0 == pytest.approx(-1.5, abs=0.25)
    # The page: powers from other widths on, with an error by batches drawn again.
    room = chapter()
    expected = {
        ("bloch", 1.5): (-0.65, 0.03),
        ("bloch", 2.0): (power, 1e-12),
        ("bloch", 3.0): (-0.44, 0.03),
        ("no_soc", 1.0): (power_0, 1e-12),
    }
    for (name, first), (value, accuracy) in expected.items():
        found, error = room["power_of_spread"](name, first)
        assert found == pytest.approx(value, rel=0, abs=accuracy)
        assert 0.01 < error < 0.1
    # Of 800 configurations with normal q a spread is known to 1/sqrt(1600), on four widths evenly in the logarithm.
    x = np.log(width[wide])
    assert room["power_of_spread"]("bloch", 2.0)[1] == pytest.approx(
        1 / np.sqrt(1600 * np.sum((x - x.mean()) ** 2)), rel=0.35, abs=0
    )
    # Ohm's law for the rest: resistance of uniform wires of this length.
    data = stored()
    ohm = bulk_slope(data["lengths"], data["bulk"][:, :, 0].reshape(-1, 11), minimum_length=16, reciprocal=True)
    length = np.ceil(7 * width) + 12
    np.testing.assert_allclose(g[wide] * (ohm.intercept + ohm.slope * length[wide]), 1, rtol=0.04)
    needed = (width * spread / g / 0.02) ** 2
    assert 15 < needed[2] < 30
    assert 80 < needed[6] < 140
    assert 220 < needed[7] < 360
    # One configuration and batches of ten tell the same error of 800.
    np.testing.assert_allclose(reduced("bloch")[3] * np.sqrt(800), width * spread / g, rtol=0.35)


def test_paper_BTBK_figure_9_plateau_is_not_resolved():
    width = stored()["width"]
    wide = width >= 1.5
    value, error, _ = average(*(np.array([reduced(name)[row] for name in WALLS]) for row in (2, 3)))
    limits = {}
    for power in (1, 2):
        (limit, _), (limit_error, _), chi = fitted(width[wide] ** -float(power), value[wide], error[wide])
        limits[power] = limit, limit_error, chi
    assert abs(limits[1][0]) < 3 * limits[1][1]  # zero is possible
    assert limits[1][2] < 11.3
    assert limits[2][0] > 10 * limits[2][1]  # another law says it is not
    assert limits[2][0] - limits[1][0] > 5 * np.hypot(limits[1][1], limits[2][1])
    assert reduced("bloch")[2][-1] < 4 * reduced("bloch")[3][-1]


def test_paper_BTBK_statement_after_fig_9_three_numbers_that_do_not_fit():
    wire = {"width": 5 * nm, "area": 1e-16, "saturation_magnetization": 8e5}
    p, p_beta, beta = 0.7, 0.08, 0.01
    wall = WallResponse.from_damping(0.0046, beta, conductance=1e-3, polarization=p, **wire)
    found = wall.effective_beta(width=5 * nm, polarization=1.0)
    assert found == pytest.approx(p * beta, rel=1e-12, abs=0)
    # Printed 0.08: too large by 80/7, whatever the wall.
    assert p_beta / found == pytest.approx(80 / 7, rel=1e-12, abs=0)
    consistent = WallResponse.from_damping(0.0046, p_beta / p, conductance=1e-3, polarization=p, **wire)
    assert consistent.effective_beta(width=5 * nm, polarization=1.0) == pytest.approx(p_beta, rel=1e-12, abs=0)
    assert consistent.effective_beta(width=5 * nm, polarization=p) == pytest.approx(0.8 / 7, rel=1e-12, abs=0)


# --- statistics of the page -------------------------------------------------------------------------------------------


def test_limit_errors_of_a_ratio():
    """Means of 400 rows with known errors; g and q are correlated, so that the noise of g drops out of the ratio."""
    rng = np.random.default_rng(1)
    scatter = []
    for _ in range(200):
        g = 3 + rng.normal(size=400) * 0.5
        q = -0.2 * g + rng.normal(size=400) * 0.1
        scatter.append(chapter()["means"](2.0, g, 5 + rng.normal(size=400), q))
    alpha, alpha_error, beta, beta_error = np.array(scatter).T
    assert beta.mean() == pytest.approx(0.4, abs=0.001)
    assert beta.std() / beta_error.mean() == pytest.approx(1, abs=0.2)
    assert alpha.std() / alpha_error.mean() == pytest.approx(1, abs=0.2)
    # 2 * 0.1/3/sqrt(400); with the noise of g it would be 1.4 times as large.
    assert beta_error.mean() == pytest.approx(2 * 0.1 / 3 / 20, rel=0.05, abs=0)


def test_limit_line_of_the_page():
    x, error = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.1, 0.3])
    y = 2 - 3 * x + np.array([0.05, -0.1, 0.02, 0.2])
    best, best_error, chi = chapter()["line"](x, y, error)
    wanted, wanted_error, wanted_chi = fitted(x, y, error)
    np.testing.assert_allclose(best, wanted, rtol=1e-10)
    np.testing.assert_allclose(best_error, wanted_error, rtol=1e-10)
    assert chi == pytest.approx(wanted_chi, rel=1e-9, abs=0)


def test_limit_averages_of_the_page():
    """What the page draws and compares, from the batches directly."""
    room = dict(chapter())
    scale = 2 * np.pi * MOMENT
    room["large"] = large = {}
    for name in (*WALLS, "no_soc"):
        drawn = room["stored"](name)
        damping, damping_error, beta, beta_error, _ = reduced(name)
        np.testing.assert_allclose(drawn, [damping / scale, damping_error / scale, beta, beta_error], rtol=1e-10)
        large[name] = drawn
    room["live"] = {"neel": np.array([[0.1, 0.03], [3.0, 1e-3], [0.1, 0.2], [1e-3, 5.0]])}
    room["plan"] = {"neel": (0.75, 4.0)}
    chapter_again = defined(PAGE, room)
    for row in (0, 2):
        values, errors = (np.array([large[name][each] for name in WALLS]) for each in (row, row + 1))
        for found, wanted in zip(chapter_again["alike"](row), average(values, errors), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-10)
    at_4 = large["neel"][:, 6]
    assert chapter_again["worst"](0) == pytest.approx(abs(0.03 - at_4[0]) / np.hypot(1e-3, at_4[1]), rel=1e-9, abs=0)
    at_3_4 = large["neel"][:, 1]
    wanted = abs(0.1 - at_3_4[2]) / np.hypot(1e-3, at_3_4[3])
    assert chapter_again["worst"](2) == pytest.approx(wanted, rel=1e-9, abs=0)
