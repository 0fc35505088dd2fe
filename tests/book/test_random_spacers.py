"""KK (12), (13) and E15: the polar form, the average over it, and what the average leaves out at order 1/N."""

import itertools
from functools import cache

import numpy as np
import pytest
from scipy.linalg import cossin

from spinlib.precomputed import load
from spinlib.scattering import random_matrix
from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import hat_average, normal_metal, transport
from tests.book.chapter_code import defined
from tests.book.scattering_junction import CHANNELS, SAMPLES, SPACER, complex_layers
from tests.spinlib.scattering.routes import SIGMA, random_unitary
from tests.spinlib.scattering.test_random_ensemble import uneven
from tools import random_spacers as maker
from tools.notebooks import ROOT
from tools.precomputed import verify

SEEDS = (1, 2, 3, 4, 5)
CHAPTER = ROOT / "book" / "random_spacers.md"


def from_chapter(*names):
    """Return functions as the chapter defines them."""
    room = defined(CHAPTER, {}, (*names, "per_channel"))
    return [room[name] for name in names]


(weak_localisation,) = from_chapter("weak_localisation")


def polar(mixings, reflected, passed):
    u, v_prime, u_prime, v = mixings
    r, t = np.diag(reflected), 1j * np.diag(passed)
    return np.block([[u @ r @ u_prime, u @ t @ v], [v_prime @ t @ u_prime, v_prime @ r @ v]])


def test_paper_KK_12():
    n, t = 4, np.array([1.0, 0.9, 0.5, 0.1])
    mixings = random_unitary(n, 3, (4,))
    s = polar(mixings, np.sqrt(1 - t), np.sqrt(t))
    np.testing.assert_allclose(s @ s.conj().T, np.eye(2 * n), atol=1e-14)
    for block in (s[n:, :n], s[:n, n:]):
        np.testing.assert_allclose(np.linalg.eigvalsh(block @ block.conj().T), np.sort(t), atol=1e-14)
    spacer = random_spacer(t, 1, seed=1)
    np.testing.assert_allclose(np.linalg.svd(spacer.t[0], compute_uv=False)[::2] ** 2, t, atol=1e-13)
    # The text available to us has no roots: then S S^dagger has the eigenvalues 1 - 2 T (1 - T), twice each.
    rootless = polar(mixings, 1 - t, t)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(rootless @ rootless.conj().T), np.repeat(np.sort(1 - 2 * t * (1 - t)), 2), atol=1e-14
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_KK_12_every_unitary_matrix_has_the_form(seed):
    n = 3
    s = random_unitary(2 * n, seed)
    (u, lower), angles, (right, below) = cossin(s, p=n, q=n, separate=True)
    # [[C, -S], [S, C]] = diag(1, -i) [[C, iS], [iS, C]] diag(1, i)
    whole = polar((u, -1j * lower, right, 1j * below), np.cos(angles), np.sin(angles))
    np.testing.assert_allclose(whole, s, atol=1e-13)


def test_paper_KK_12_time_reversal_ties_the_outer_matrices():
    u, v_prime = random_unitary(3, 7, (2,))
    t = np.array([0.9, 0.5, 0.1])
    tied = polar((u, v_prime, u.T, v_prime.T), np.sqrt(1 - t), np.sqrt(t))
    np.testing.assert_allclose(tied, tied.T, atol=1e-14)
    free = polar((u, v_prime, u, v_prime), np.sqrt(1 - t), np.sqrt(t))
    assert np.abs(free - free.T).max() > 0.1
    for symmetric in (True, False):
        s = random_spacer(t, 1, time_reversal=symmetric, seed=2).matrix[0]
        assert (np.abs(s - s.T).max() < 1e-13) == symmetric


# Standard errors of one seed's mean of g, T_x, T_y, relative to the averaged value and stated before the draw, and
# what the leading order leaves: the bias of g at N = 16 without time reversal.
STANDARD_ERROR = np.array([0.0066, 0.040, 0.095])
BIAS = 0.007


def averaged_theory(n):
    """Return g, T_x and T_y of the averaged junction."""
    b, a = complex_layers()
    averaged = transport([hat_average(b), normal_metal(n), hat_average(a)], source="right")
    return np.append(averaged.conductance, averaged.torque[0, :2])


def ensemble_deviation(seed, eigenvalues=(SPACER,) * CHANNELS):
    """Return mean/(averaged theory at the mean transmission) - 1 of g, T_x and T_y."""
    b, a = complex_layers()
    coherent = transport([b, random_spacer(eigenvalues, SAMPLES, seed=seed), a], source="right")
    g, torque = np.mean(coherent.conductance), np.mean(coherent.torque[:, 0, :2], axis=0)
    return np.append(g, torque) / averaged_theory(np.mean(eigenvalues)) - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_KK_13(seed):
    # Four standard errors: a right sampler fails once in 5000 draws of three numbers.
    assert np.all(np.abs(ensemble_deviation(seed)) < 4 * STANDARD_ERROR + BIAS)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_KK_13_rejects_modes_that_are_not_mixed(seed, monkeypatch):
    def phases_only(rng, samples, n):
        return np.exp(2j * np.pi * rng.random((samples, n)))[..., None] * np.eye(n)

    monkeypatch.setattr(random_matrix, "_haar", phases_only)
    # Open channels stay open and closed ones closed: the conductance falls by a tenth, fifteen standard errors.
    assert ensemble_deviation(seed)[0] < -8 * STANDARD_ERROR[0] - BIAS


# The same for n = 1/2 made of open and closed channels, from 6000 samples of another seed.
STANDARD_ERROR_HALF = np.array([0.0050, 0.028, 0.072])
BIAS_HALF = np.array([0.007, 0.007, 0.025])


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_KK_13_only_the_mean_transmission_counts(seed):
    half_open = (np.arange(CHANNELS) < CHANNELS // 2).astype(float)
    bound = 4 * STANDARD_ERROR_HALF + BIAS_HALF
    assert np.all(np.abs(ensemble_deviation(seed, half_open)) < bound)
    # What the bound tells apart: the result averaged over open and closed channels, half of that at n = 1, ...
    by_channel = averaged_theory(1.0) / 2 / averaged_theory(0.5) - 1
    assert by_channel[0] < -8 * bound[0]
    # ... and another mean, n = .4.
    assert averaged_theory(0.4)[0] / averaged_theory(0.5)[0] - 1 < -3 * bound[0]


def test_paper_KK_13_matrix():
    # <|t_mn|^2> = g_N/N^2 for every pair of modes; relative error 1/sqrt(samples) for exponential statistics.
    t = random_spacer([0.9, 0.5, 0.3, 0.1], 8000, seed=7).t[:, :4, :4]
    np.testing.assert_allclose(np.mean(np.abs(t) ** 2, axis=0), 0.45 / 4, rtol=4 / np.sqrt(8000))
    np.testing.assert_array_equal(normal_metal(0.45).t, 0.45 * np.eye(4))
    np.testing.assert_allclose(normal_metal(0.45).r, 0.55 * np.eye(4), rtol=1e-15)


# Precomputed ensembles ---------------------------------------------------------------------------------------------

CASES = (("unitary", np.array([0.5])), ("symmetric", np.array([0.5])), ("half_open", np.array([1.0, 0.0])))


def valve(n=1):
    """Return F_a and F_b of the chapter."""

    def magnet(up, down):
        spins = [[[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]] for t in (up, down)]
        return SMatrix.from_spins(*(np.kron(spin, np.eye(n)) for spin in spins))

    return rotate(magnet(*maker.FIRST), maker.ANGLE), magnet(*maker.SECOND)


def ensembles():
    """Return N, the relative bias of g and T_x, its standard error and the relative scatter, (case, N, quantity)."""
    data, _ = load(maker.DATA)
    a, b = (hat_average(layer) for layer in valve())
    average = transport([a, normal_metal(0.5), b])
    hats = np.array([average.conductance, average.torque[2, 0]])
    batches = data["mean"][..., :2]
    means = batches.mean(axis=2)
    scatter = np.sqrt((data["scatter"][..., :2] ** 2 + batches**2).mean(axis=2) - means**2) / hats
    error = scatter / np.sqrt(data["samples"] * batches.shape[2])[:, None]
    return data["channels"], means / hats - 1, error, scatter


def fit(n, bias, error, powers):
    """Return the first coefficient of a weighted fit with powers of 1/N, its standard error and chi squared."""
    terms = np.array([1.0 / n**k for k in powers]).T / error[:, None]
    covariance = np.linalg.inv(terms.T @ terms)
    found = covariance @ terms.T @ (bias / error)
    return found[0], np.sqrt(covariance[0, 0]), np.sum((terms @ found - bias / error) ** 2)


def test_invariant_the_stored_ensembles_are_of_this_code():
    assert verify(maker.DATA) == []
    data, record = load(maker.DATA)
    assert record["command"] == "python -m tools.random_spacers"
    assert dict(zip(data["channels"], data["samples"], strict=True)) == maker.SAMPLES
    assert record["seeds"] == [maker.seed_of(case, n) for case in range(3) for n in maker.SAMPLES]
    assert tuple(name for name, _ in CASES) == maker.CASES


@pytest.mark.parametrize(("case", "channels", "number"), [(0, 64, 0), (1, 48, 7), (2, 32, 59), (1, 12, 3), (0, 4, 1)])
def test_invariant_members_of_the_stored_ensembles_come_out_again(case, channels, number):
    data, _ = load(maker.DATA)
    place = list(data["channels"]).index(channels)
    stored = data["mean"][case, place, number], data["scatter"][case, place, number]
    np.testing.assert_allclose(maker.batch(case, channels, number), stored, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_invariant_a_live_ensemble_agrees_with_the_stored_one(seed):
    n, bias, _, scatter = ensembles()
    place, draws = list(n).index(8), 800
    half_open = (np.arange(8) < 4).astype(float)
    for case, (modes, symmetric) in enumerate([(0.5, False), (0.5, True), (half_open, True)]):
        samples = maker.valve(random_spacer(modes * np.ones(8), draws, time_reversal=symmetric, seed=seed))
        deviation = samples[:, :2].mean(axis=0) / reference() - 1 - bias[case, place]
        assert np.all(np.abs(deviation) < 4 * scatter[case, place] / np.sqrt(draws))


def reference():
    lead, _ = weak_localisation(*valve(), np.array([0.5]))
    return lead[:2]


def test_paper_KK_statement_E15_scatter_falls_as_one_over_n():
    n, _, _, scatter = ensembles()
    for case in range(3):
        for quantity in (0, 1):
            # The exponent between N = 12 and 64, from 720 samples or more each: .03 standard error. With time-reversal
            # symmetry the factor still grows with N, so that the exponent is smaller.
            use = n >= 12
            exponent = np.polyfit(np.log(n[use]), np.log(scatter[case, use, quantity]), 1)[0]
            assert exponent == pytest.approx(-1 if case == 0 else -0.95, abs=0.06)


def test_paper_KK_statement_E15_bias_is_of_first_order_with_time_reversal_only():
    n, bias, error, _ = ensembles()
    use = n >= 4
    for case, (name, modes) in enumerate(CASES):
        lead, slope = weak_localisation(*valve(len(modes)), modes)
        for quantity in (0, 1):
            column = n[use], bias[case, use, quantity], error[case, use, quantity]
            constant, constant_error, _ = fit(*column, (0, 1, 2))
            assert constant_error < 0.0012
            assert abs(constant) < 2.5 * constant_error
            first, first_error, chi = fit(*column, (1, 2, 3))
            expected = 0 if name == "unitary" else slope[quantity] / lead[quantity]
            assert abs(first - expected) < 3 * first_error
            assert chi < 20  # six degrees of freedom: exceeded once in 300
            if abs(expected) > 0.1:
                assert abs(first) > 5 * first_error
        # Without the first order: g of the unitary ensemble needs 1/N^2, that of the others cannot do with it.
        column = n[use], bias[case, use, 0], error[case, use, 0]
        second, second_error, chi = fit(*column, (2, 3))
        assert second < -4 * second_error
        assert (chi < 20) == (name == "unitary")
    # To order 1/N the distribution of the eigenvalues counts: the two slopes of g differ by a factor 2.5.
    slopes = [fit(n[use], bias[case, use, 0], error[case, use, 0], (1, 2, 3))[:2] for case in (1, 2)]
    assert slopes[1][0] - slopes[0][0] < -4 * np.hypot(slopes[0][1], slopes[1][1])


# The coefficient of 1/N --------------------------------------------------------------------------------------------


class Layer:
    """Blocks of a layer that need not be unitary: the formula is a power series in the reflections."""

    def __init__(self, reflection, transmission):
        self.r = self.r_prime = reflection
        self.t = self.t_prime = transmission


GENERAL = [0.5 * (x + 1j * y) for x, y in np.random.default_rng(0).normal(size=(4, 2, 2, 2))]


@cache
def formula_on_a_grid(modes, points, reach):
    """Return weak_localisation at layers whose |r_a|^2 and |r_b|^2 are Chebyshev nodes, and the nodes."""
    r_a, r_b, t_a, t_b = GENERAL
    x = reach * (1 + np.cos(np.pi * (np.arange(points) + 0.5) / points)) / 2
    found = np.array(modes)
    grid = [
        [weak_localisation(Layer(np.sqrt(u) * r_a, t_a), Layer(np.sqrt(v) * r_b, t_b), found) for v in x] for u in x
    ]
    return np.array(grid), x


def coefficient_of_formula(powers, modes, quantity, points=10, reach=0.06):
    """Return the coefficient of |r_a|^2p |r_b|^2q in the average of g or T_k and in its 1/N term, by interpolation."""
    grid, x = formula_on_a_grid(tuple(modes), points, reach)
    inverse = np.linalg.inv(np.vander(x / reach, points, increasing=True))
    values = np.einsum("a,b,abq->q", inverse[powers[0]], inverse[powers[1]], grid[..., quantity])
    return values / reach ** sum(powers)


def pairings(count, n):
    """Return the index permutations of count factors C and C*, C symmetric and unitary, with their exact weights."""
    if count == 1:
        return [(p, 1 / (n + 1)) for p in itertools.permutations(range(2))]
    equal, other = (n + 2) / (n * (n + 1) * (n + 3)), -1 / (n * (n + 1) * (n + 3))
    pairs = {frozenset((0, 1)), frozenset((2, 3))}
    return [
        (p, equal if {frozenset(p[:2]), frozenset(p[2:])} == pairs else other) for p in itertools.permutations(range(4))
    ]


@cache
def exact_average(word, conjugate, modes, n):
    """Return <Tr A B^dagger>/N for products A, B = M C M C ... M with C_0, C_1 in the orders of the two words.

    ``n`` holds several sizes: the pairings of the indices are the same for all.
    """
    modes, n = np.array(modes), np.array(n)
    steps = len(word)
    stay, cross = np.sqrt(1 - modes) + 0j, 1j * np.sqrt(modes)
    m = np.array([[stay, cross], [cross, stay]])

    def legs(order):
        if not order:
            return [m[1, 0]]
        return [m[order[0], 0], *(m[k, j] for j, k in itertools.pairwise(order)), m[1, order[-1]]]

    factors = legs(word) + [leg.conj() for leg in legs(conjugate)]
    total = 0
    for chosen in itertools.product(*(pairings(word.count(k), n) for k in sorted(set(word)))):
        owner = list(range(len(factors)))

        def find(i, owner=owner):
            while owner[i] != i:
                i = owner[i]
            return i

        joined = [(0, steps + 1), (steps, 2 * steps + 1)]
        for k, (permutation, _) in zip(sorted(set(word)), chosen, strict=True):
            here = [i for s in range(steps) if word[s] == k for i in (s, s + 1)]
            there = [i + steps + 1 for s in range(steps) if conjugate[s] == k for i in (s, s + 1)]
            joined += [(here[i], there[p]) for i, p in enumerate(permutation)]
        for i, j in joined:
            owner[find(i)] = find(j)
        sums = {}
        for i, factor in enumerate(factors):
            sums[find(i)] = sums.get(find(i), 1) * factor
        total += np.prod([weight for _, weight in chosen], axis=0) * np.prod(
            [n * np.mean(x) for x in sums.values()], axis=0
        )
    return total / n


def exact_coefficient(powers, modes, n, quantity):
    """Return the coefficient of g (quantity 0) or of T_x, T_y, T_z on b, for channels that are alike."""
    r_a, r_b, t_a, t_b = GENERAL

    def arriving(word):
        amplitude = t_a
        for k in word:
            amplitude = (r_a, r_b)[k] @ amplitude
        return amplitude

    def total(first, second, observe):
        words = sorted(set(itertools.permutations((0,) * first + (1,) * second)))
        return sum(
            np.trace(observe @ arriving(w) @ arriving(v).conj().T).real * exact_average(w, v, tuple(modes), tuple(n))
            for w in words
            for v in words
        )

    sigma = SIGMA[quantity]
    through, back = t_b.conj().T @ sigma @ t_b, r_b.conj().T @ sigma @ r_b
    if quantity == 0:
        return total(*powers, through)
    # What b takes: arriving - transmitted - reflected, and the reflected part is of one order more in r_b.
    reflected = total(powers[0], powers[1] - 1, back) if powers[1] else 0
    return total(*powers, sigma - through) - reflected


@pytest.mark.parametrize(
    ("powers", "modes"),
    [
        *itertools.product([(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1)], [[0.5], [0.8, 0.3]]),
        ((2, 2), [0.8, 0.3]),
    ],
)
@pytest.mark.parametrize("quantity", range(4))
def test_limit_formula_agrees_with_exact_moments_of_symmetric_unitary_matrices(powers, modes, quantity):
    # Spin matrices of the layers are arbitrary, so the order of spins in the reversed loop counts from (1, 1) on.
    n = 2.0 ** np.arange(3, 10)
    weights = {0: lambda n: 1, 1: lambda n: (n + 1) / n, 2: lambda n: (n + 1) * (n + 3) / n**2}
    first_order = {0: 0, 1: 1, 2: 4}
    # Times the denominators of the moments the average is a polynomial in 1/N.
    modes = np.array(modes)
    values = exact_coefficient(powers, modes, n, quantity) * weights[powers[0]](n) * weights[powers[1]](n)
    series = np.linalg.solve(np.vander(1 / n, increasing=True), values)
    exact = series[0], series[1] - series[0] * (first_order[powers[0]] + first_order[powers[1]])
    formula = coefficient_of_formula(powers, modes, quantity)
    # The interpolation loses digits with the order: 1e-5 at (2, 2), where the coefficients are 1e-3 to 1e-1.
    np.testing.assert_allclose(formula, exact, rtol=2e-3, atol=3e-5 if powers == (2, 2) else 1e-9)
    if powers == (1, 1):
        np.testing.assert_allclose(formula, exact, rtol=1e-5)


def flipping_layers(n=1):
    """Return layers with spin flip whose channels differ from one another."""
    layers = []
    for seed in (61, 62):
        blocks = random_unitary(4, seed, (n,)).reshape(n, 2, 2, 2, 2)  # channel, side, spin, side, spin
        whole = np.einsum("cisjt,cd->iscjtd", blocks, np.eye(n)).reshape(4 * n, 4 * n)
        layers.append(SMatrix.from_matrix(whole))
    return layers


@pytest.mark.parametrize("modes", [[0.5], [0.9, 0.4, 0.1]])
def test_limit_leading_term_is_the_averaged_theory(modes):
    a, b = flipping_layers(3)
    lead, slope = weak_localisation(a, b, np.array(modes))
    average = transport([hat_average(a), normal_metal(np.mean(modes)), hat_average(b)])
    np.testing.assert_allclose(lead, [average.conductance, *average.torque[2]], atol=1e-13)
    assert np.abs(slope).max() > 0.01


def test_limit_open_spacer_has_no_correction():
    for a, b in (valve(), flipping_layers()):
        np.testing.assert_allclose(weak_localisation(a, b, np.ones(1))[1], 0, atol=1e-13)
        # Not even at N = 2: the average over a phase common to all modes is the averaged theory, sample by sample.
        double = [SMatrix(*(np.kron(m, np.eye(2)) for m in (x.r, x.t_prime, x.t, x.r_prime))) for x in (a, b)]
        spacer = random_spacer(np.ones(2), 1, time_reversal=True, seed=8)
        turn = np.exp(2j * np.pi * np.arange(600) / 600)[:, None, None]
        turned = SMatrix(*(turn * m for m in (spacer.r, spacer.t_prime, spacer.t, spacer.r_prime)))
        found = transport([double[0], turned, double[1]])
        average = transport([hat_average(a), normal_metal(1.0), hat_average(b)])
        assert found.conductance.mean() == pytest.approx(average.conductance, rel=1e-12, abs=0)
        np.testing.assert_allclose(found.torque[:, 2].mean(axis=0), average.torque[2], atol=1e-12)
        assert np.ptp(found.conductance) > 0.1
    # Channels that differ do make a difference.
    assert np.abs(weak_localisation(*flipping_layers(3), np.ones(1))[1]).max() > 0.01


def test_limit_cavity_behind_barriers():
    # -Gamma/4 per spin for a chaotic cavity (Brouwer and Beenakker 1996), of which -Gamma^2/4 is the mean of T_n.
    arcsine = np.sin(np.pi * (np.arange(400) + 0.5) / 800) ** 2
    for gamma in (0.1, 0.5, 0.9):
        spin = [[np.sqrt(1 - gamma), 1j * np.sqrt(gamma)], [1j * np.sqrt(gamma), np.sqrt(1 - gamma)]]
        barrier = SMatrix.from_spins(spin, spin)
        slope = weak_localisation(barrier, barrier, arcsine)[1][0] / 2
        assert slope == pytest.approx(-gamma * (1 - gamma) / 4, rel=1e-9, abs=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_peer_cavity_behind_barriers_from_the_orthogonal_ensemble(seed):
    # The literature's -Gamma/4N itself: 2N x 2N symmetric unitary matrices, scalar barriers, no package code.
    n, draws, gamma = 10, 3000, 0.5
    u = random_unitary(2 * n, seed, (draws,))
    s = u.swapaxes(1, 2) @ u
    r = np.sqrt(1 - gamma)
    inside = np.linalg.solve(np.eye(2 * n) - r * s, s)  # S (1 - r S)^-1
    g = gamma**2 * np.sum(np.abs(inside[:, n:, :n]) ** 2, axis=(1, 2)) / n
    error = np.std(g) / np.sqrt(draws)
    assert n * error < 0.009  # of -.125, stated before the draw
    # The next order is below .03.
    assert n * (np.mean(g) - gamma / 2) == pytest.approx(-gamma / 4, abs=4 * n * error + 0.01)


def test_invariant_correction_is_reciprocal_and_turns_with_the_layers():
    a, b = flipping_layers(3)
    modes = np.array([0.9, 0.4, 0.1])
    lead, slope = weak_localisation(a, b, modes)
    # Unitarity: every sample conducts alike for either source, so the corrections do.
    mirrored = [SMatrix(x.r_prime, x.t, x.t_prime, x.r) for x in (b, a)]
    back, back_slope = weak_localisation(*mirrored, modes)
    np.testing.assert_allclose([back[0], back_slope[0]], [lead[0], slope[0]], atol=1e-13)
    # A rotation of all layers turns both vectors and leaves both conductances.
    turned, turned_slope = weak_localisation(rotate(a, 0.7, 0.4), rotate(b, 0.7, 0.4), modes)
    (c, s), (c_z, s_z) = ((np.cos(x), np.sin(x)) for x in (0.7, 0.4))
    about_y = np.array([[1, 0, 0, 0], [0, c, 0, s], [0, 0, 1, 0], [0, -s, 0, c]])
    about_z = np.array([[1, 0, 0, 0], [0, c_z, -s_z, 0], [0, s_z, c_z, 0], [0, 0, 0, 1]])
    np.testing.assert_allclose(turned, about_z @ about_y @ lead, atol=1e-13)
    np.testing.assert_allclose(turned_slope, about_z @ about_y @ slope, atol=1e-13)
    assert np.abs(slope).min() > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_formula_agrees_with_sampling_for_flipping_layers_whose_channels_differ(seed):
    # Three kinds of channel, N = 12: bias times N within its standard error (.05 of g at most) and the next order.
    n, draws, kinds = 12, 2500, 3
    modes = np.tile([0.9, 0.4, 0.1], n // kinds)
    a, b = flipping_layers(kinds)
    lead, slope = weak_localisation(a, b, np.array([0.9, 0.4, 0.1]))

    def repeated(layer):
        def block(m):
            return np.kron(m.reshape(2, kinds, 2, kinds), np.eye(n // kinds)[None, :, None, :]).reshape(2 * n, 2 * n)

        return SMatrix(*(block(m) for m in (layer.r, layer.t_prime, layer.t, layer.r_prime)))

    spacer = random_spacer(modes, draws, time_reversal=True, seed=100 + seed)
    found = transport([repeated(a), spacer, repeated(b)])
    samples = np.column_stack([found.conductance, found.torque[:, 2]])
    error = samples.std(axis=0) / np.sqrt(draws)
    assert n * error.max() < 0.05
    assert np.all(np.abs(n * (samples.mean(axis=0) - lead) - slope) < 4 * n * error + 0.03)
    # Without the correction the conductance is rejected.
    assert abs(n * (samples.mean(axis=0) - lead)[0]) > 4 * n * error[0] + 0.03


def test_limit_uneven_channels_bring_weak_localisation_to_an_open_spacer():
    # For T_n = 1 the whole correction stems from path and conjugate that part at a channel of an uneven layer.
    n, draws = 16, 1500

    def pair(channels):
        return rotate(uneven(channels, 1), 1.1), rotate(uneven(channels, 2), 0.7, 0.9)

    lead, slope = weak_localisation(*pair(2), np.ones(1))
    assert slope[0] < -0.12
    samples = []
    for seed in SEEDS:
        a, b = pair(n)
        found = transport([a, random_spacer(np.ones(n), draws, time_reversal=True, seed=200 + seed), b])
        samples.append(np.column_stack([found.conductance, found.torque[:, 2]]))
    every = np.concatenate(samples)
    error = every.std(axis=0) / np.sqrt(len(every))
    assert n * error.max() < 0.007  # stated before the draw
    # Half of the correction or twice as much lies beyond the bound for g.
    assert np.all(np.abs(n * (every.mean(axis=0) - lead) - slope) < 4 * n * error + 0.01)
    assert abs(slope[0]) / 2 > 4 * n * error[0] + 0.01
