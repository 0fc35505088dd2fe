from functools import cache

import numpy as np
import pytest

from spinlib.scattering import random_matrix
from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import hat_average, normal_metal, transport
from tests.spinlib.scattering.routes import random_unitary

SEEDS = (11, 12, 13, 14, 15)


def channel_independent(matrix, n):
    """Return N equal channels with the 4 x 4 scattering matrix ``matrix`` (side, spin): its hats do not depend on N."""
    half = [np.kron(matrix[i : i + 2, j : j + 2], np.eye(n)) for i in (0, 2) for j in (0, 2)]
    return SMatrix(*half)


def aligned(up, down, n):
    blocks = [[[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]] for t in (up, down)]
    spins = SMatrix.from_spins(*blocks)
    return channel_independent(spins.matrix, n)


def ensemble(layer_a, layer_b, n, samples, seed, *, time_reversal=False):
    """Return samples of T_b and g of [a, N, b] and their leading-order values; all T_n = 0.5."""
    spacer = random_spacer(np.full(n, 0.5), samples, time_reversal=time_reversal, seed=seed)
    coherent = transport([rotate(layer_a, 1.1), spacer, layer_b])
    averaged = transport([rotate(hat_average(layer_a), 1.1), normal_metal(0.5), hat_average(layer_b)])
    return coherent.torque[:, 2], coherent.conductance, averaged.torque[2], averaged.conductance


@pytest.mark.parametrize("time_reversal", [False, True])
def test_invariant_spacer_is_unitary_spin_free_and_has_the_given_eigenvalues(time_reversal):
    t = np.array([[1.0, 0.0, 0.3], [0.2, 0.7, 0.9]])
    spacer = random_spacer(t, 2, time_reversal=time_reversal, seed=3)
    s = spacer.matrix
    np.testing.assert_allclose(s @ s.conj().swapaxes(-1, -2), np.broadcast_to(np.eye(12), (2, 12, 12)), atol=1e-13)
    singular = np.linalg.svd(spacer.t[:, :3, :3], compute_uv=False)
    np.testing.assert_allclose(singular**2, np.sort(t)[:, ::-1], atol=1e-13)
    np.testing.assert_array_equal(spacer.t[:, :3, 3:], 0)
    np.testing.assert_array_equal(spacer.t[:, :3, :3], spacer.t[:, 3:, 3:])
    symmetric = np.allclose(s, s.swapaxes(-1, -2), atol=1e-13)
    assert symmetric is time_reversal
    assert not np.allclose(spacer.r[:, :3, :3], spacer.r_prime[:, :3, :3])


def test_invariant_the_seed_decides():
    first, again, other = (random_spacer([0.5, 0.2], 3, seed=s).matrix for s in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    fresh = [random_spacer([0.5], 1).matrix for _ in range(2)]
    assert np.abs(fresh[0] - fresh[1]).max() > 0
    assert random_spacer([0.5], np.int64(2), seed=np.int64(4)).t.shape == (2, 2, 2)


# For n = 1 and N = 2, t = iUV is Haar itself: |t_11|^2 has mean 1/2, |t_11|^4 mean 1/3, and t_11 conj(t_22) mean 0 with
# variance 1/(N^2 - 1) = 1/3 (of its real part: 1/6). 20000 samples: standard errors stated before the draw.
SAMPLES = 20_000
ERROR_CROSS = np.sqrt(1 / 6 / SAMPLES)
ERROR_FOURTH = np.sqrt((1 / 5 - 1 / 9) / SAMPLES)  # |t_11|^2 is uniform on [0, 1] for N = 2


def cross_and_fourth(seed):
    t = random_spacer([1.0, 1.0], SAMPLES, seed=seed).t
    return np.mean((t[:, 0, 0] * t[:, 1, 1].conj()).real), np.mean(np.abs(t[:, 0, 0]) ** 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_mode_mixing_is_haar(seed):
    cross, fourth = cross_and_fourth(seed)
    assert abs(cross) < 4 * ERROR_CROSS
    assert abs(fourth - 1 / 3) < 4 * ERROR_FOURTH


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_a_sampler_without_the_phases_of_r_is_rejected(seed, monkeypatch):
    def raw_qr(rng, samples, n):
        gaussian = rng.standard_normal((2, samples, n, n))
        return np.linalg.qr(gaussian[0] + 1j * gaussian[1])[0]

    monkeypatch.setattr(random_matrix, "_haar", raw_qr)
    cross, _ = cross_and_fourth(seed)
    # Householder QR leaves about .029, ten standard errors.
    assert abs(cross) > 6 * ERROR_CROSS


# N = 2, T = 1/2: every element of r, t, r', t' is a Haar element times 1/sqrt(2) and a phase, and products of Haar
# matrices that are independent are independent, too. So r_00 t_00* has mean 0 and variance 1/32 of each part.
ERROR_PAIR = np.sqrt(1 / 32 / SAMPLES)


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_the_four_mode_mixings_are_independent(seed):
    s = random_spacer([0.5, 0.5], SAMPLES, seed=seed)
    r, t_prime, t, r_prime = (block[:, 0, 0] for block in (s.r, s.t_prime, s.t, s.r_prime))
    # Shared by each pair alone: U, U', V', V, in this order; the last two share none.
    for x, y in ((r, t_prime), (r, t), (r_prime, t), (r_prime, t_prime), (r, r_prime), (t, t_prime)):
        pair = np.mean(x * y.conj())
        assert max(abs(pair.real), abs(pair.imag)) < 4 * ERROR_PAIR


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_a_sampler_that_repeats_a_mode_mixing_is_rejected(seed, monkeypatch):
    drawn, fresh = [], random_matrix._haar

    def repeats_the_third(rng, samples, n):
        # The order of the draws is U, V', U', V.
        drawn.append(drawn[2] if len(drawn) == 3 else fresh(rng, samples, n))
        return drawn[-1]

    monkeypatch.setattr(random_matrix, "_haar", repeats_the_third)
    s = random_spacer([0.5, 0.5], SAMPLES, seed=seed)
    # V = U': r t'* = -i |(U U')_00|^2 / 2 with mean -i/4.
    assert abs(np.mean(s.r[:, 0, 0] * s.t_prime[:, 0, 0].conj()) + 0.25j) < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_symmetric_reflection_shows_enhanced_backscattering(seed):
    # T_n = 0: r = U U^T, so <|r_11|^2> = 2/(N + 1) against 1/N without time reversal. N = 2: |r_11|^2 = x has
    # density 1/(2 sqrt(1 - x)) for U U^T (mean 2/3, variance 4/45) and is uniform for U U'.
    for reversal, mean, variance in ((True, 2 / 3, 4 / 45), (False, 1 / 2, 1 / 12)):
        r = random_spacer([0.0, 0.0], SAMPLES, time_reversal=reversal, seed=seed).r
        assert abs(np.mean(np.abs(r[:, 0, 0]) ** 2) - mean) < 4 * np.sqrt(variance / SAMPLES)


def test_limit_scatter_of_the_torque_falls_with_the_number_of_channels():
    # Relative scatter .29 at N = 8 and .145 at N = 16, from 2000 and 1000 samples: 2 % and 3 % standard error at most.
    relative = {}
    for n, samples in ((8, 2000), (16, 1000)):
        torque, _, average, _ = ensemble(aligned(0.6, 0.15, n), aligned(0.5, 0.2, n), n, samples, seed=2)
        relative[n] = np.std(torque[:, 0]) / average[0]
    assert relative[8] == pytest.approx(0.29, rel=0.08, abs=0)
    assert relative[8] * 8 == pytest.approx(relative[16] * 16, rel=0.12, abs=0)


@cache
def bias(layers, n, samples, *, time_reversal):
    """Return relative bias of <g> and its standard error over five seeds together."""
    means, errors = [], []
    for seed in SEEDS:
        _, g, _, average = ensemble(*layers(n), n, samples, seed, time_reversal=time_reversal)
        means.append(np.mean(g) / average - 1)
        errors.append(np.std(g) / np.sqrt(samples) / average)
    return np.mean(means), np.linalg.norm(errors) / len(SEEDS)


def flipping_pair(n):
    return tuple(channel_independent(random_unitary(4, k), n) for k in (21, 22))


def complex_pair(n):
    spins = [random_unitary(2, k) for k in (31, 32, 33, 34)]
    return tuple(channel_independent(SMatrix.from_spins(*pair).matrix, n) for pair in (spins[:2], spins[2:]))


def aligned_pair(n):
    return aligned(0.6, 0.15, n), aligned(0.5, 0.2, n)


@pytest.mark.parametrize("layers", [aligned_pair, complex_pair, flipping_pair])
def test_invariant_bias_of_the_ensemble_extrapolates_to_zero(layers):
    # Standard errors stated before the draw: .3 % at N = 4 and .28 % at N = 8 at most, so .65 % for what is left.
    for reversal in (False, True):
        values = {n: bias(layers, n, samples, time_reversal=reversal) for n, samples in ((4, 4000), (8, 1500))}
        assert values[4][1] < 0.0033
        assert values[8][1] < 0.0031
        # b = c/N + d/N^2: 2 b(8) - b(4) = -d/32 drops the first order; a bias that does not fall with N would stay.
        rest, error = 2 * values[8][0] - values[4][0], np.hypot(2 * values[8][1], values[4][1])
        assert abs(rest) < 3 * error + 0.005
        assert abs(values[8][0]) < abs(values[4][0]) + 3 * error


def test_limit_weak_localisation_lowers_the_conductance_with_time_reversal():
    # -2.2 % at N = 8 with and -.7 % without time reversal; standard errors .28 % and .22 % (five seeds of 1500).
    with_symmetry, error = bias(aligned_pair, 8, 1500, time_reversal=True)
    without, other = bias(aligned_pair, 8, 1500, time_reversal=False)
    assert max(error, other) < 0.0031
    assert with_symmetry == pytest.approx(-0.022, abs=3 * error)
    assert without == pytest.approx(-0.007, abs=3 * other)
    assert with_symmetry < without - 2 * np.hypot(error, other)


@pytest.mark.parametrize("layers", [aligned_pair, complex_pair, flipping_pair])
def test_limit_mean_torque_is_the_averaged_one(layers):
    # N = 16, five seeds of 150 samples; the bias is below 1 % of the largest component.
    torques = []
    for seed in SEEDS:
        torque, _, average, _ = ensemble(*layers(16), 16, 150, seed)
        torques.append(torque)
    every = np.concatenate(torques)
    error = np.std(every, axis=0) / np.sqrt(len(every))
    assert np.all(np.abs(every.mean(axis=0) - average) < 4 * error + 0.01 * np.abs(average).max())
    assert np.abs(average).max() > 8 * error.max()
