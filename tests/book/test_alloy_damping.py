"""BTBK Figures 4 and 5: resistivity and damping of a model alloy, from the stored ensemble and by independent routes.

The routes: a ladder of resistors, dense wave-vector sums, a cell repeated side by side, cells of another size, and
members of the ensemble computed again.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from spinlib.lattice.damping import bulk_slope, dissipation_tensor, gilbert_damping, pumped_charge, resistivity
from spinlib.lattice.green import LayeredSystem, scattering_matrix
from spinlib.lattice.leads import cubic_lead
from spinlib.lattice.models import binary_alloy, p_orbital_magnet
from spinlib.precomputed import load
from tests.book.chapter_code import defined
from tools import lattice_members as members
from tools.notebooks import ROOT
from tools.precomputed import verify

CHAPTER = ROOT / "book" / "alloy_damping.md"
DATA = ROOT / "book" / "alloy_damping" / "alloy.json"
ROWS = ("no", "along", "across", "diagonal", "bare", "screened")
LENGTHS, SITES = np.array(members.ALLOY_LENGTHS), 9
X = np.array(members.CONCENTRATIONS)
PY = 3  # x = 0.2


@pytest.fixture(scope="module")
def page():
    """The functions of the chapter with the numbers that they use."""
    numbers = {
        "lengths": members.ALLOY_LENGTHS,
        "sites": SITES,
        "hops": members.HOPS,
        "diagonal": members.DIAGONAL,
        "across": members.ACROSS,
    }
    return SimpleNamespace(**defined(CHAPTER, numbers))


@pytest.fixture(scope="module")
def stored():
    data, _ = load(DATA)
    np.testing.assert_array_equal(data["lengths"], LENGTHS)
    np.testing.assert_array_equal(data["concentration"], X)
    assert data["batches"].shape == (10, 20, 6, 15)
    return {name: data["batches"][:, :, k] for k, name in enumerate(ROWS)}


def line(curve, first=16):
    """Slope of each (..., lengths) from a length on, by least squares of its own."""
    kept = first <= LENGTHS
    return np.polyfit(LENGTHS[kept], np.moveaxis(curve, -1, 0)[kept].reshape(kept.sum(), -1), 1)[0].reshape(
        curve.shape[:-1]
    )


def drawn(function, *arrays, count=1500, seed=8):
    """Resamples of a function of means, (count, ...), whole batches drawn again; arrays (x, batch, length)."""
    picks = np.random.default_rng(seed).integers(arrays[0].shape[1], size=(count, arrays[0].shape[1]))
    return function(*(np.moveaxis(each[:, picks], 1, 0).mean(axis=2) for each in arrays))


def value(function, *arrays, **settings):
    """Value at each x, and its standard error."""
    return function(*(each.mean(axis=1) for each in arrays)), drawn(function, *arrays, **settings).std(axis=0)


def rho(g, first=16):
    return line(SITES / g, first)


def average(along, across, first=16):
    return (rho(along, first) + 2 * rho(across, first)) / 3


# --- the ensemble -----------------------------------------------------------------------------------------------------


def test_invariant_the_stored_ensemble_is_that_of_its_code():
    assert verify(DATA) == []


@pytest.mark.parametrize(("place", "batch"), [(PY, 0), (8, 17)])
def test_invariant_members_of_the_ensemble_come_out_again(place, batch):
    data, _ = load(DATA)
    np.testing.assert_allclose(members.alloy(place, batch), data["batches"][place, batch], rtol=1e-9)


def test_invariant_the_live_code_of_the_chapter_is_that_of_the_ensemble(page):
    # The same seed, the same numbers; the closure by algebra of the tensor instead of derivatives of S.
    random = np.random.default_rng((2, 6, 3))
    each = [page.configuration(X[6], random) for _ in range(members.BATCH)]
    spins, conductance, tensor, charge = (
        np.array([getattr(one, name) for one in each]) for name in ("spins", "conductance", "tensor", "charge")
    )
    tamed = page.screened(tensor, charge)
    rows = [*spins.sum(axis=-1).mean(axis=0), conductance.mean(axis=0)]
    rows += [page.half_trace(t).mean(axis=0) for t in (tensor, tamed)]
    data, _ = load(DATA)
    np.testing.assert_allclose(rows, data["batches"][6, 3], rtol=1e-8)
    # Without spin-orbit coupling an up electron stays up: the two spins of the lead are two samples.
    assert spins[:, 0].min() > 0
    assert (np.linalg.eigvalsh(tamed) > 0).all()
    assert (page.half_trace(tamed) < page.half_trace(tensor)).mean() > 0.6


def test_limit_the_closure_of_the_chapter_is_that_of_the_package(page):
    random = np.random.default_rng(5)
    magnet, lead = page.draw(0.4, members.DIAGONAL, 1.0, random, members.ACROSS, layers=14)
    shift = np.eye(54)[None]
    both = LayeredSystem(magnet.onsite, magnet.coupling, (*magnet.perturbations, shift))
    run = scattering_matrix(both, lead, lead)
    own = page.screened(dissipation_tensor(run), pumped_charge(run).sum(axis=1))
    package = scattering_matrix(magnet, lead, lead, screening="uniform")
    np.testing.assert_allclose(own, dissipation_tensor(package), rtol=1e-9)
    assert np.abs(own / dissipation_tensor(run)[:2, :2] - 1).max() > 1e-3


def test_limit_averages_of_the_chapter(page, stored):
    a, c, n, t = (stored[k][PY].mean(axis=0) for k in ("along", "across", "no", "screened"))
    x, y, z = (np.polyfit(LENGTHS[3:], SITES / g[3:], 1)[0] for g in (a, c, n))
    assert page.mean_resistivity(a, c) == pytest.approx((x + 2 * y) / 3, rel=1e-9, abs=0)
    assert page.anisotropy(a, c) == pytest.approx(3 * (x - y) / (x + 2 * y), rel=1e-9, abs=0)
    assert page.ratio(a, c, n) == pytest.approx((x + 2 * y) / 3 / z, rel=1e-9, abs=0)
    d = stored["diagonal"][PY].mean(axis=0)
    third = np.polyfit(LENGTHS[3:], SITES / d[3:], 1)[0]
    assert page.excess_111(a, c, d) == pytest.approx(3 * third / (x + 2 * y), rel=1e-9, abs=0)
    assert page.rate(t) == pytest.approx(np.polyfit(LENGTHS[3:], t[3:] / SITES, 1)[0], rel=1e-9, abs=0)
    assert page.slope(a, 40) == pytest.approx(np.polyfit(LENGTHS[9:], SITES / a[9:], 1)[0], rel=1e-9, abs=0)


# --- slopes and their errors ------------------------------------------------------------------------------------------


def test_limit_a_cell_repeated_side_by_side_conducts_as_two_twists_in_parallel():
    # psi(x + 6) = exp(i theta) psi(x) with a period of three sites: theta/2 and theta/2 + pi.
    layers, theta = 9, np.array([1.1, 0.4])
    levels, splittings = binary_alloy(
        (3, 3, layers), 0.3, exchange_splitting=1.0, majority_shift=0.1, minority_shift=2.0, seed=4
    )

    def run(width, twist):
        tiles = width // 3
        disorder = [np.tile(a.reshape(layers, 1, 9), (1, tiles, 1)).reshape(layers, -1) for a in (levels, splittings)]
        magnet = p_orbital_magnet(
            (width, 3, layers),
            members.DIAGONAL,
            onsite=disorder[0],
            exchange_splitting=disorder[1],
            spin_orbit=1.0,
            twist=twist,
            variations=members.ACROSS,
        )
        lead = cubic_lead(0.3, (width, 3), members.HOPS, twist=twist)
        found = scattering_matrix(magnet, lead, lead)
        return found.conductance, dissipation_tensor(found)

    wide = run(6, theta)
    halves = [run(3, (theta[0] / 2 + shift, theta[1])) for shift in (0, np.pi)]
    for whole, *parts in zip(wide, *halves, strict=True):
        np.testing.assert_allclose(whole, sum(parts), rtol=1e-9)
    assert abs(halves[0][0] / halves[1][0] - 1) > 0.01  # inverting first would give another resistance


def test_limit_errors_of_a_sweep_come_from_its_configurations(page):
    # Straight lines with random slopes: the mean lies on a line exactly, its slope is off by s/sqrt(n).
    n, scatter = 400, 0.3
    slopes = 2 + scatter * np.random.default_rng(3).normal(size=(n, 1))
    samples = SITES * slopes * LENGTHS
    found, error = page.estimate(lambda t: page.slope(t, reciprocal=False), samples)
    assert found == pytest.approx(slopes.mean(), rel=1e-12, abs=0)
    assert error == pytest.approx(slopes.std() / np.sqrt(n), rel=0.1, abs=0)
    fit = np.polyfit(LENGTHS[3:], samples.mean(axis=0)[3:] / SITES, 1, cov=True)[1]
    assert np.sqrt(fit[0, 0]) < 1e-9 * error
    # Resamples of five scatter less than five new ones would.
    found, error = page.estimate(lambda t: page.slope(t, reciprocal=False), samples[:5])
    assert error == pytest.approx(slopes[:5].std(ddof=1) / np.sqrt(5), rel=0.07, abs=0)


def test_limit_resampling_agrees_with_the_scatter_of_the_batches(stored):
    kept = LENGTHS >= 16
    for name, inverse in (("no", True), ("along", True), ("screened", False)):
        curves = SITES / stored[name] if inverse else stored[name] / SITES
        scatter = line(curves).std(axis=1, ddof=1) / np.sqrt(20)
        for k in range(len(X)):
            own = bulk_slope(LENGTHS, stored[name][k] / SITES, minimum_length=16, reciprocal=inverse)
            assert own.slope_error == pytest.approx(scatter[k], rel=0.3, abs=0)
            mean = stored[name][k].mean(axis=0) / SITES
            assert own.slope == pytest.approx(line(1 / mean if inverse else mean), rel=1e-9, abs=0)
    # The residuals of the fit miss it in both directions.
    mean = stored["screened"][PY].mean(axis=0)[kept] / SITES
    fit = np.sqrt(np.polyfit(LENGTHS[kept], mean, 1, cov=True)[1][0, 0])
    assert value(lambda t: line(t / SITES), stored["screened"])[1][PY] > 3 * fit
    mean = SITES / stored["no"][PY].mean(axis=0)[kept]
    fit = np.sqrt(np.polyfit(LENGTHS[kept], mean, 1, cov=True)[1][0, 0])
    assert value(rho, stored["no"])[1][PY] < fit / 1.5


def test_limit_golden_rule_by_a_sum_over_the_whole_zone(page):
    # Delta functions of width 0.03 on 120^3 wave vectors: density of states and velocity squared at the level.
    x, width, k = 0.35, 0.03, (np.arange(120) + 0.3) * 2 * np.pi / 120
    inverse = 0.0
    for v_x, v_y, v_z in members.HOPS:
        band = 2 * (v_x * np.cos(k)[:, None, None] + v_y * np.cos(k)[:, None] + v_z * np.cos(k))
        away = 0.3 - (-0.5 + 0.1 * x) - band
        delta = np.exp(-((away / width) ** 2) / 2) / np.sqrt(2 * np.pi) / width
        lifetime = 1 / (2 * np.pi * x * (1 - x) * 0.1**2 * delta.mean())
        inverse += 2 * np.pi * lifetime * np.mean(delta * (2 * v_z * np.sin(k)) ** 2)  # sigma in e^2/h per a
    assert page.golden_rule(x)[0] == pytest.approx(1 / inverse, rel=0.01, abs=0)
    # Modes per site: the projection of the Fermi surface, at random wave vectors.
    at = np.random.default_rng(1).uniform(0, 2 * np.pi, (200_000, 2))
    modes = sum(np.mean(np.abs(0.765 - 2 * np.cos(at) @ v[:2]) < 2 * abs(v[2])) for v in members.HOPS)
    assert page.golden_rule(x)[1] == pytest.approx(modes, rel=0.01, abs=0)


def test_limit_golden_rule_is_the_majority_of_the_lattice(page):
    # A shift of 0.4 instead of 0.1 makes the slope sixteen times larger: measurable in 60 layers.
    x, shift = 0.5, 0.4
    random, curves = np.random.default_rng(12), []
    for _ in range(30):
        twist = random.uniform(0, 2 * np.pi, 2)
        # Splittings of zero are a majority of both spins.
        eps, _ = binary_alloy(
            (3, 3, 60), x, exchange_splitting=0.0, majority_shift=shift, minority_shift=shift, onsite=-0.5, seed=random
        )
        magnet = p_orbital_magnet((3, 3, 60), (0, 0, 1), onsite=eps, exchange_splitting=0.0, twist=twist)
        lead = cubic_lead(0.3, (3, 3), members.HOPS, twist=twist)
        run = scattering_matrix(magnet, lead, lead, lengths=LENGTHS.tolist())
        curves.append([run[n].conductance / 2 for n in LENGTHS])
    found = bulk_slope(LENGTHS, np.array(curves) / SITES, minimum_length=16, reciprocal=True)
    expected = page.golden_rule(x, shift)[0]
    assert found.slope_error < 0.15 * expected
    assert found.slope == pytest.approx(expected, rel=0, abs=3 * found.slope_error)


# --- charge -----------------------------------------------------------------------------------------------------------


def test_limit_heat_of_drained_charge_is_that_of_a_ladder_of_resistors():
    # L nodes, each fed with the same current, r between them, R0/2 and half of r at the ends; T = 8 pi^2 times heat.
    layers, r, ends, q = 400, 0.003, 0.11, 7.0
    matrix = np.zeros((layers, layers))
    for node in range(layers - 1):
        matrix[node : node + 2, node : node + 2] += np.array([[1, -1], [-1, 1]]) / r
    matrix[0, 0] += 1 / (ends / 2 + r / 2)
    matrix[-1, -1] += 1 / (ends / 2 + r / 2)
    current = np.full(layers, q / (2 * np.pi) / layers)
    heat = current @ np.linalg.solve(matrix, current)
    assert 8 * np.pi**2 * heat == pytest.approx(q**2 * (ends / 2 + r * layers / 6), rel=1e-4, abs=0)


def test_limit_charge_relaxation_of_a_diffusive_wire():
    # Spins apart, one orbital, weak box disorder, many channels: T_U/Q_U^2 = R0/2 + rL/6 without a fitted number.
    shape, layers, strength = (7, 7), 36, 2.2
    lengths, random = list(range(8, layers + 1, 4)), np.random.default_rng(21)
    n, found = 2 * 49, []
    for _ in range(10):
        twist = random.uniform(0, 2 * np.pi, 2)
        hop = np.zeros((7, 7), dtype=complex)
        hop[np.arange(6), np.arange(1, 7)] = 1
        ring = [hop + 0, hop + 0]
        for axis, angle in enumerate(twist):
            ring[axis][6, 0] = np.exp(1j * angle)
            ring[axis] = ring[axis] + ring[axis].conj().T
        clean = np.kron(np.kron(ring[0], np.eye(7)) + np.kron(np.eye(7), ring[1]), np.eye(2))
        rough = random.uniform(-strength, strength, (layers, 49)).repeat(2, axis=1)
        wire = LayeredSystem(clean + rough[:, None] * np.eye(n), np.ones(n), (np.eye(n)[None],))
        lead = cubic_lead(0.4, shape, 1.0, twist=twist)
        run = scattering_matrix(wire, lead, lead, lengths=lengths)
        found.append([(s.conductance, dissipation_tensor(s)[0, 0], pumped_charge(s).sum() ** 2) for s in run.values()])
    g, t, q2 = np.mean(found, axis=0).T
    r, ends = np.polyfit(lengths, 1 / g, 1)
    law = ends / 2 + r * np.array(lengths) / 6
    # Slow modes of short wires, which are not diffusive, add to it.
    np.testing.assert_allclose((t / q2)[3:], law[3:], rtol=0.12)
    np.testing.assert_allclose((t / q2)[-2:], law[-2:], rtol=0.06)
    assert law[-1] / law[3] > 1.5  # the length matters
    found, longest = t[-1] / q2[-1], r * lengths[-1]
    for wrong in (ends / 2 + longest / 12, ends + longest / 6, ends / 4 + longest / 6, ends / 2 + longest / 3):
        assert abs(found / wrong - 1) > 0.07


def test_limit_frozen_charge_grows_with_the_square_of_the_length(page):
    random, q2, extra, g, longest = np.random.default_rng(31), [], [], [], []
    for _ in range(16):
        magnet, lead = page.draw(0.65, members.DIAGONAL, 1.0, random, members.ACROSS)
        both = LayeredSystem(magnet.onsite, magnet.coupling, (*magnet.perturbations, np.eye(54)[None]))
        run = scattering_matrix(both, lead, lead, lengths=(20, 40, 60))
        tensor = np.array([dissipation_tensor(s) for s in run.values()])
        charge = np.array([pumped_charge(s).sum(axis=1) for s in run.values()])
        q2.append((charge[:, :2] ** 2).mean(axis=1))
        longest.append(charge[-1, :2])
        extra.append(page.half_trace(tensor) - page.half_trace(page.screened(tensor, charge)))
        g.append([s.conductance for s in run.values()])
    power = np.polyfit(np.log([20, 40, 60]), np.log(np.mean(q2, axis=0)), 1)[0]
    assert 1.4 < power < 2.6  # of independent layers it would be 1
    # A wide sample drains nothing: the mean over twists is a vector across a threefold axis.
    assert all(abs(off(part)) < 3.5 for part in np.array(longest).T)
    r, ends = np.polyfit([20, 40, 60], 1 / np.mean(g, axis=0), 1)
    law = np.mean(q2, axis=0) * (ends / 2 + r * np.array([20, 40, 60]) / 6)
    assert (np.abs(np.log(np.mean(extra, axis=0) / law)) < np.log(1.7)).all()


def directions(page, x, m, across, seed, count):
    """Slope of the screened tensor of each configuration from 16 to 40 layers, per atom."""
    random, found = np.random.default_rng(seed), []
    for _ in range(count):
        magnet, lead = page.draw(x, np.array(m) / np.linalg.norm(m), 1.0, random, across, layers=40)
        run = scattering_matrix(magnet, lead, lead, lengths=(16, 40), screening="uniform")
        found.append([dissipation_tensor(s) for s in run.values()])
    return (np.array(found)[:, 1] - np.array(found)[:, 0]) / 24 / SITES


def off(part):
    """Mean in standard errors."""
    return part.mean() / part.std(ddof=1) * np.sqrt(len(part))


def test_invariant_a_threefold_axis_makes_the_two_directions_equal(page):
    tensors = directions(page, 0.65, (1, 1, 1), members.ACROSS, 41, 16)
    assert abs(off(tensors[:, 0, 1])) < 3.5
    assert abs(off(tensors[:, 0, 0] - tensors[:, 1, 1])) < 3.5
    np.testing.assert_allclose(tensors, tensors.swapaxes(1, 2), atol=1e-9)
    assert off(tensors[:, 0, 0] + tensors[:, 1, 1]) > 5


def test_paper_BTBK_statement_isotropic_damping_needs_an_axis(page):
    # m || [110] along either pair of axes: the direction in the plane of the cube is damped several times more.
    for m, seed in (((1, 1, 0), 61), ((0, 1, 1), 62)):
        normal = np.array([1, -1, 0]) if m[0] else np.array([0, 1, -1])
        third = (0, 0, 1) if m[0] else (1, 0, 0)
        tensors = directions(page, 0.35, m, (normal / np.sqrt(2), third), seed, 16)
        larger, smaller = tensors[:, 0, 0], tensors[:, 1, 1]
        assert off(larger - smaller) > 3
        assert larger.mean() > 3 * smaller.mean() > 0
    # A fourfold axis makes them equal again.
    tensors = directions(page, 0.35, (0, 0, 1), ((1, 0, 0), (0, 1, 0)), 63, 16)
    assert abs(off(tensors[:, 0, 0] - tensors[:, 1, 1])) < 3.5
    assert abs(off(tensors[:, 0, 1])) < 3.5


# --- Figure 4 ---------------------------------------------------------------------------------------------------------


def test_paper_BTBK_figure_4_dome(stored):
    found, error = value(average, stored["along"], stored["across"])
    top = found.argmax()
    assert 0.5 <= X[top] <= 0.8
    for end in (0, -1):
        assert found[end] + 4 * error[end] < 0.45 * (found[top] - 4 * error[top])
    # It rises up to the top and falls from there, but for the errors.
    steps, noise = np.diff(found), np.hypot(error[1:], error[:-1])
    assert (steps[:top] > -2 * noise[:top]).all()
    assert (steps[top:] < 2 * noise[top:]).all()
    # No absolute number is reproduced: BTBK have 3.5(15) microohm cm at x = 0.2.
    unit = resistivity(1.0, 1, 0.25e-9) * 1e8
    assert 2 * 3.5 < unit * found[PY] < 4 * 3.5


def test_paper_BTBK_figure_4_spin_orbit_coupling_more_than_a_factor_of_four(stored):
    found, error = value(lambda a, c, n: average(a, c) / rho(n), stored["along"], stored["across"], stored["no"])
    assert found[PY] - 3 * error[PY] > 3.5
    assert found[PY] + 3 * error[PY] < 6
    assert (found - 5 * error > 1.5).all()
    # The ratio belongs to its window: it grows with the lengths.
    later, late_error = value(
        lambda a, c, n: average(a, c, 40) / rho(n, 40) - average(a, c) / rho(n),
        stored["along"],
        stored["across"],
        stored["no"],
    )
    assert later[PY] > 3 * late_error[PY]


def test_paper_BTBK_figure_4_without_coupling_the_majority_shorts_the_sample(stored, page):
    ruled = np.array([page.golden_rule(x)[0] for x in X])
    early, early_error = value(rho, stored["no"])
    late, late_error = value(lambda g: rho(g, 40), stored["no"])
    middle = (X > 0.05) & (X < 0.95)
    assert (early - late > 3 * np.hypot(early_error, late_error))[middle & (X < 0.6)].all()
    assert (early > ruled + 3 * early_error)[middle].all()
    # Its mean free path is far above the longest slab.
    paths = [1 / np.prod(page.golden_rule(x)) for x in X]
    assert min(paths) > 10 * LENGTHS[-1]


def test_paper_BTBK_figure_4_anisotropy(stored):
    def amr(along, across):
        return (rho(along) - rho(across)) / average(along, across)

    found, error = value(amr, stored["along"], stored["across"])
    # BTBK: 19(1) per cent at x = 0.2.
    assert found[PY] > 2.5 * error[PY]
    assert abs(found[PY] - 0.19) < 3 * error[PY]
    assert 0.1 < found[PY] < 0.3
    # What is not permalloy: the B-rich side.
    assert (found - 3 * error)[X >= 0.5].min() > 0.5


def test_paper_BTBK_figure_4_inset(stored):
    curve = SITES / stored["along"][PY].mean(axis=0)
    fit = bulk_slope(LENGTHS, stored["along"][PY] / SITES, minimum_length=16, reciprocal=True)
    straight = fit.intercept + fit.slope * LENGTHS
    assert np.abs(curve / straight - 1)[LENGTHS >= 16].max() < 0.035
    assert curve[0] / straight[0] < 0.85
    # Twice an interface over the Sharvin resistance of both spins.
    at = np.random.default_rng(2).uniform(0, 2 * np.pi, (100_000, 2))
    modes = 2 * sum(np.mean(np.abs(0.3 - 2 * np.cos(at) @ v[:2]) < 2 * abs(v[2])) for v in members.HOPS)
    assert 1 / modes == pytest.approx(0.318, rel=0, abs=0.003)
    assert 0.5 < fit.intercept - 1 / modes < 0.7
    # It still bends: the slope from 40 layers on is smaller, in the same configurations.
    drop, error = value(lambda g: rho(g) - rho(g, 40), stored["along"])
    assert drop[PY] > 3 * error[PY]


# --- Figure 5 ---------------------------------------------------------------------------------------------------------


def growth(t):
    return line(t / SITES)


def test_paper_BTBK_figure_5_rises_at_both_ends_with_a_flat_minimum(stored):
    slopes, error = value(growth, stored["screened"])
    alpha, error = (gilbert_damping(v, 0.6 + 2 * X) for v in (slopes, error))
    valley = (X >= 0.35) & (X <= 0.8)
    assert valley[alpha.argmin()]
    assert alpha[valley].max() < 2 * alpha.min()
    for order in (slice(None, 3), slice(None, 6, -1)):  # from either end inwards
        rise, noise = alpha[order], error[order]
        assert (rise[:-1] - rise[1:] > 3 * np.hypot(noise[:-1], noise[1:])).all()
    for end in (0, -1):
        assert alpha[end] - 3 * error[end] > 2 * alpha[valley].max()
    # No absolute number is reproduced: BTBK have 0.0046(1) at x = 0.2, with a spin-orbit coupling that is not xi = 1.
    assert 100 < alpha[PY] / 0.0046 < 200


def test_paper_BTBK_figure_5_place_of_the_minimum_comes_from_the_moment(stored):
    slopes, error = value(growth, stored["screened"])
    flat = (X >= 0.2) & (X <= 0.65)
    assert np.ptp(slopes[flat]) < 0.25 * slopes[flat].mean()
    chance = {}
    for name, moment in (("chosen", 0.6 + 2 * X), ("one", np.ones(10))):
        found = drawn(lambda t, m=moment: growth(t) / m, stored["screened"])
        chance[name] = np.mean(X[found.argmin(axis=1)] == 0.65)
    assert chance["chosen"] > 0.85
    assert chance["one"] < 0.7
    # Most of the fall from x = 0.2 is that of 1/m_s.
    ratio, spread = slopes[PY] / slopes[6], np.hypot(error[PY] / slopes[PY], error[6] / slopes[6])
    assert ratio - 3 * spread < 1.9 / 1.0  # the moments
    assert ratio + 3 * spread < 1.9
    assert ratio * 1.9 - 3 * spread * 1.9 > 1.4


def test_paper_BTBK_figure_5_inset(stored):
    fit = bulk_slope(LENGTHS, stored["screened"][PY] / SITES, minimum_length=16)
    mean = stored["screened"][PY].mean(axis=0) / SITES
    kept = LENGTHS >= 24
    assert np.abs(mean / (fit.intercept + fit.slope * LENGTHS) - 1)[kept].max() < 0.05
    late, error = value(lambda t: line(t / SITES, 40) - growth(t), stored["screened"])
    assert abs(late[PY]) < 3 * error[PY]
    # The frozen potential has no slope: it bends up, and `bulk_slope` says so.
    with pytest.warns(RuntimeWarning, match="is curved"):
        bent = bulk_slope(LENGTHS, stored["bare"][PY] / SITES, minimum_length=16)
    assert bent.slope > 2 * fit.slope
    bend, error = value(lambda t: line(t / SITES, 40) - growth(t), stored["bare"])
    assert bend[PY] > 3 * error[PY]


# --- statements -------------------------------------------------------------------------------------------------------


def test_paper_BTBK_statement_bulk_resistance_needs_the_cross_section(stored):
    # Cells of 4 x 4 sites: the slope of R changes by the area, slope times area does not.
    random, lengths, curves = np.random.default_rng(51), (16, 24, 32, 40), []
    for _ in range(12):
        twist = random.uniform(0, 2 * np.pi, 2)
        levels, splittings = binary_alloy(
            (4, 4, 40), 0.2, exchange_splitting=1.0, majority_shift=0.1, minority_shift=2.0, seed=random
        )
        magnet = p_orbital_magnet(
            (4, 4, 40), (0, 0, 1), onsite=levels, exchange_splitting=splittings, spin_orbit=1.0, twist=twist
        )
        lead = cubic_lead(0.3, (4, 4), members.HOPS, twist=twist)
        run = scattering_matrix(magnet, lead, lead, lengths=lengths)
        curves.append([one.conductance for one in run.values()])
    wide = bulk_slope(lengths, curves, minimum_length=16, reciprocal=True)
    kept = np.isin(LENGTHS, lengths)
    narrow = bulk_slope(LENGTHS[kept], stored["along"][PY][:, kept], minimum_length=16, reciprocal=True)
    spread = np.hypot(wide.slope_error / wide.slope, narrow.slope_error / narrow.slope)
    assert spread < 0.1
    ratio = narrow.slope / wide.slope
    assert ratio == pytest.approx(16 / 9, rel=3 * spread, abs=0)  # the printed form misses by the areas
    assert abs(ratio - 1) > 4 * spread * ratio


def test_paper_BTBK_statement_average_resistivity_is_one_of_six_directions(stored):
    # For m on a fourfold axis the mean over directions of the current is the printed one, whatever the law.
    axis = np.random.default_rng(5).normal(size=(200_000, 3))
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    assert np.mean(axis**2 @ np.array([2.0, 2.0, 3.0])) == pytest.approx(7 / 3, rel=2e-3, abs=0)
    # Linear in m_z^2: the sphere's average, and every m with m_z^2 = 1/3, is the printed mean.
    u = np.random.default_rng(6).normal(size=(200_000, 3))
    m = u / np.linalg.norm(u, axis=1)[:, None]
    along, across = 3.0, 2.0
    assert np.mean(across + (along - across) * m[:, 2] ** 2) == pytest.approx((along + 2 * across) / 3, rel=2e-3, abs=0)
    assert np.mean(across + (along - across) * m[:, 2] ** 4) == pytest.approx(across + 1 / 5, rel=2e-3, abs=0)
    # One cubic term more, b (m_x^4 + m_y^4 + m_z^4 - 1): the axes and the printed mean do not see it, the sphere does.
    b = -0.7
    cubic = b * (np.sum(m**4, axis=1) - 1)
    assert np.mean(cubic) == pytest.approx(-2 * b / 5, rel=0.01, abs=0)
    assert b * (3 * members.DIAGONAL[0] ** 4 - 1) == pytest.approx(-2 * b / 3, rel=1e-12, abs=0)
    # The model alloy needs such a term at every composition.
    found, error = value(
        lambda a, c, d: rho(d) / average(a, c) - 1, stored["along"], stored["across"], stored["diagonal"]
    )
    assert (found - 4 * error > 0.15).all()
    above, error = value(lambda a, c, d: rho(d) / np.maximum(rho(a), rho(c)), *(stored[k] for k in ROWS[1:4]))
    assert (above - 2.5 * error > 1).all()


def test_paper_BTBK_figure_5_damping_of_the_text_needs_the_factor_of_gamma():
    # G = alpha gamma mu_s A L, with P of (65): P/mdot^2 over G is gamma^-2, as in the corrected (67), not 1.
    gamma, alpha, mu_s, volume = 1.76e11, 0.0046, 8e5, 1e-24
    printed = alpha * gamma * mu_s * volume
    power = mu_s * volume * alpha / gamma
    assert power / printed == pytest.approx(gamma**-2, rel=1e-12, abs=0)
    # Per atom: T = 4 pi P/hbar gives back alpha.
    moment, g_factor = 1.0, 2.0
    assert gilbert_damping(4 * np.pi * alpha * moment / g_factor, moment, g_factor=g_factor) == pytest.approx(
        alpha, rel=1e-12, abs=0
    )
