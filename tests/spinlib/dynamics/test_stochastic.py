"""Trajectories at a finite temperature against laws that are known without a random number.

One step of the scheme in a field along z maps u = m_z to a distribution of u that Gauss-Hermite quadrature gives; the
chain of steps has its stationary law and its standard errors from a small matrix. So every bound below is stated
before a run, and the error of the scheme at a finite step is predicted, not fitted.
"""

import os
import signal
import threading
import time
import tracemalloc
import warnings
from functools import cache

import numba
import numpy as np
import pytest
from numpy.polynomial import hermite_e, legendre
from scipy.stats import chi2

from spinlib.circuit import InterfaceConductance
from spinlib.dynamics import stochastic
from spinlib.dynamics.macrospin import LinearField, SpinTorque, ValveTorque
from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.units import gyromagnetic_ratio, k_B
from tests.bad_input import Refusal, refusals

Z = np.array([0.0, 0.0, 1.0])
FIELD, MOMENT = 0.1, 4e-19  # T, A m^2
RATE = gyromagnetic_ratio * FIELD
RATIO = 1.931  # x = M_s V B/k_B T
KELVIN = MOMENT * FIELD / k_B  # temperature of x = 1
SEEDS = (11, 12, 13, 14, 15)


def langevin(x):
    """<m_z> and <m_z^2> of exp(x m_z) on the sphere."""
    mean = 1 / np.tanh(x) - 1 / x
    return np.array([mean, 1 - 2 * mean / x])


def heun(m, kick, step, alpha, drift=Z):
    """One step in units of gamma B, from the implicit equation solved with explicit cross products."""

    def rate(n):
        turn = -np.cross(n, drift + kick)
        return (turn + alpha * np.cross(n, turn)) / (1 + alpha**2)

    first = rate(m)
    guess = m + step * first
    guess = guess / np.linalg.norm(guess, axis=-1, keepdims=True)
    moved = m + step / 2 * (first + rate(guess))
    return moved / np.linalg.norm(moved, axis=-1, keepdims=True)


def amplitude(x, alpha, step):
    """Rms thermal field over B: k_B T/(gamma M_s V dt) is 1/(x gamma B dt) in units of B^2."""
    return np.sqrt(2 * alpha / (x * step))


def chain(x, alpha, step, every=1):
    """Stationary <u>, <u^2> of the scheme at x, and the standard deviations of their averages times sqrt(records)."""
    u, w = legendre.leggauss(40)
    node, weight = hermite_e.hermegauss(12)
    weight = weight / weight.sum()
    kicks = np.stack(np.meshgrid(node, node, node, indexing="ij"), -1).reshape(-1, 3)
    weights = np.einsum("i,j,k->ijk", weight, weight, weight).ravel()
    m = np.stack([np.sqrt(1 - u**2), 0 * u, u], -1)[:, None]
    moved = heun(m, amplitude(x, alpha, step) * kicks, step, alpha)[..., 2]
    degree = np.arange(21)
    before, after = legendre.legvander(u, 20), np.einsum("uhl,h->ul", legendre.legvander(moved, 20), weights)
    # rho = sum_k c_k P_k with int rho (E[P_l(u')] - P_l) du = 0 for l > 0 and int rho du = 1
    balance = np.einsum("u,uk,ul->lk", w, before, after - before)
    balance[0] = 2.0 * (degree == 0)
    law = w * (before @ np.linalg.solve(balance, np.eye(21)[0]))
    # what a function of u is on average `every` steps later, in Legendre polynomials
    later = np.linalg.matrix_power((degree[:, None] + 0.5) * np.einsum("u,uk,ul->kl", w, before, after), every)
    means, deviations = [], []
    for power in (u, u**2):
        mean = law @ power
        function = (degree + 0.5) * (before.T @ (w * (power - mean)))
        summed = np.linalg.lstsq(np.eye(21)[:, 1:] - later[:, 1:], function, rcond=None)[0]
        total = before[:, 1:] @ summed  # sum over n >= 0 of the expectation n records later
        total = total - law @ total
        means.append(mean)
        deviations.append(np.sqrt(law @ ((power - mean) * (2 * total - (power - mean)))))
    return np.array(means), np.array(deviations)


def boltzmann_sample(x, count, seed):
    """Directions that follow exp(x m_z), by inverting the distribution of m_z."""
    draw = np.random.default_rng(seed)
    u = 1 + np.log(draw.random(count) + np.exp(-2 * x) * (1 - draw.random(count))) / x
    u = np.clip(u, -1, 1)
    phi = 2 * np.pi * draw.random(count)
    return np.stack([np.sqrt(1 - u**2) * np.cos(phi), np.sqrt(1 - u**2) * np.sin(phi), u], -1)


def trajectories(m0, field, step, steps, **options):
    """A run in the units of this file: the step in 1/gamma B."""
    given = {"alpha": 0.5, "magnetic_moment": MOMENT, "temperature": KELVIN / RATIO, "seed": 1} | options
    return integrate_stochastic_llg(m0, field, step / RATE, steps, **given)


compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="hours without a compiler; the plain twin below is what remains"
)

# --- stationary law ---------------------------------------------------------------------------------------------------

PRECISION = 0.005  # standard error of each run's <m_z>, relative to Langevin's; that of <m_z^2> is smaller
REPLICAS, EVERY = 40, 20
STEPS = {0.1: (0.2, 0.1, 0.05), 0.5: (0.04, 0.02, 0.01)}  # gamma B dt: the scheme is off by at most 1.4 per cent
CASES = [(alpha, step) for alpha, steps in STEPS.items() for step in steps]


@cache
def plan(alpha, step):
    """What the scheme must give, the records of one run and their standard errors."""
    means, deviations = chain(RATIO, alpha, step, EVERY)
    records = REPLICAS * int(np.ceil((deviations / (PRECISION * langevin(RATIO))).max() ** 2 / REPLICAS))
    return means, records, deviations / np.sqrt(records)


def sampled(alpha, step, temperature=KELVIN / RATIO):
    """<m_z>, <m_z^2> of five runs that start from Boltzmann's law, ``(5, 2)``."""
    _, records, _ = plan(alpha, step)
    averages = []
    for seed in SEEDS:
        start = boltzmann_sample(RATIO, REPLICAS, 1000 + seed)
        options = {"alpha": alpha, "temperature": temperature, "seed": seed, "record_every": EVERY}
        u = trajectories(start, FIELD * Z, step, EVERY * records // REPLICAS, **options).m[1:, :, 2]
        averages.append([u.mean(), (u**2).mean()])
    return np.array(averages)


correct = cache(sampled)


def accepted(averages, alpha, step):
    """Whether five runs are within four standard errors of the scheme's law each, and 3.5 together."""
    means, _, errors = plan(alpha, step)
    deviation = (averages - means) / errors
    return bool((np.abs(deviation) < 4).all() and (np.abs(deviation.mean(axis=0)) * np.sqrt(len(SEEDS)) < 3.5).all())


@compiled_only
@pytest.mark.parametrize(("alpha", "step"), CASES)
def test_invariant_boltzmann_moments(alpha, step):
    means, _, errors = plan(alpha, step)
    exact = langevin(RATIO)
    assert (errors / exact <= PRECISION * (1 + 1e-12)).all()
    averages = correct(alpha, step)
    assert accepted(averages, alpha, step)
    # Directly against Boltzmann: what the scheme is off by is known and below 1.4 per cent.
    assert (np.abs(means / exact - 1) < 0.014).all()
    assert (np.abs(averages.mean(axis=0) - exact) < np.abs(means - exact) + 3.5 * errors / np.sqrt(len(SEEDS))).all()


@compiled_only
@pytest.mark.parametrize("alpha", STEPS)
def test_limit_boltzmann_moments_at_zero_step(alpha):
    """The two smallest steps, extrapolated: the standard error of the five runs is 0.5 per cent again."""
    _, middle, small = STEPS[alpha]
    assert middle == 2 * small
    limit = 2 * correct(alpha, small).mean(axis=0) - correct(alpha, middle).mean(axis=0)
    error = np.hypot(2 * plan(alpha, small)[2], plan(alpha, middle)[2]) / np.sqrt(len(SEEDS))
    assert (error / langevin(RATIO) < 1.01 * PRECISION).all()
    assert (np.abs(limit - langevin(RATIO)) < 3 * error).all()


@compiled_only
@pytest.mark.parametrize("moment", [0, 1])
def test_invariant_spread_of_the_runs_is_the_stated_error(moment):
    """Thirty runs: chi squared of their <m_z>, <m_z^2> between its quantiles 0.0005 and 0.9995."""
    deviations = [(correct(*case)[:, moment] - plan(*case)[0][moment]) / plan(*case)[2][moment] for case in CASES]
    low, high = chi2.ppf([0.0005, 0.9995], 30)
    assert low < np.sum(np.square(deviations)) < high


@compiled_only
@pytest.mark.parametrize("factor", [np.sqrt(2), 1 / np.sqrt(2), 1.01, 0.99])
def test_invariant_wrong_noise_amplitude_is_rejected(factor):
    """The amplitude goes with the root of the temperature, which the test does not know."""
    assert accepted(correct(0.1, 0.2), 0.1, 0.2)
    assert not accepted(sampled(0.1, 0.2, factor**2 * KELVIN / RATIO), 0.1, 0.2)


def test_limit_bias_of_the_scheme_is_of_first_order():
    for alpha in STEPS:
        bias = np.array([chain(RATIO, alpha, step)[0] - langevin(RATIO) for step in (0.02, 0.01, 0.005)])
        np.testing.assert_allclose(bias[:-1] / bias[1:], 2, atol=0.1)


def sphere_average(log_weight, *functions):
    """Averages over exp(log_weight) on the sphere by Gauss-Legendre and equidistant angles."""
    u, w = legendre.leggauss(80)
    phi = np.arange(160) * 2 * np.pi / 160
    u, phi = u[:, None], phi[None]
    m = np.stack(np.broadcast_arrays(np.sqrt(1 - u**2) * np.cos(phi), np.sqrt(1 - u**2) * np.sin(phi), u), -1)
    weight = w[:, None] * np.exp(log_weight(m))
    return [np.einsum("up,up...->...", weight, function(m)) / weight.sum() for function in functions]


@compiled_only
def test_limit_anisotropic_magnet_in_a_tilted_field():
    """Independent ends of 20 000 trajectories: their errors follow from the law itself."""
    field = LinearField((0.03, -0.02, 0.05), [[0.0, 0.02, 0.0], [0.02, -0.06, 0.0], [0.0, 0.0, 0.2]])
    x, count = 1.5, 20_000

    def log_weight(m):
        energy = m @ np.asarray(field.applied) + np.einsum("...i,ij,...j", m, np.asarray(field.tensor), m) / 2
        return x * energy / FIELD

    def products(m):
        return np.concatenate([m, (m[..., :, None] * m[..., None, :]).reshape(*m.shape[:-1], 9)], axis=-1)

    mean, square = sphere_average(log_weight, products, lambda m: products(m) ** 2)
    error = np.sqrt((square - mean**2) / count)
    start = boltzmann_sample(0.01, count, 5)
    run = trajectories(start, field, 0.02, 1000, alpha=0.5, temperature=KELVIN / x, seed=5, record_every=1000)
    # The scheme is off by less than one per cent here, as the chain of a field of this size shows.
    assert np.abs(chain(x, 0.5, 0.02)[0] / langevin(x) - 1).max() < 0.01
    np.testing.assert_array_less(np.abs(products(run.m[-1]).mean(axis=0) - mean), 4 * error + 0.01 * np.abs(mean))


@compiled_only
@pytest.mark.parametrize("asymmetry", [0.0, 0.5])
def test_limit_collinear_spin_torque_has_an_effective_energy(asymmetry):
    """rho(u) = exp(x u) (1 + c u)^(a/c) with a = M_s V (A + alpha B)/(alpha gamma k_B T), from zero current in u."""
    alpha, x, a, share, count = 0.2, 2.0, -4.5, 0.3, 20_000
    sizes = a * alpha * RATE / x * np.array([1 - share, share / alpha])  # A and B with A + alpha B as asked
    torque = SpinTorque(Z, sizes[0], sizes[1], asymmetry)

    def log_weight(m):
        u = m[..., 2]
        return x * u + (a * u if asymmetry == 0 else a / asymmetry * np.log1p(asymmetry * u))

    powers = [lambda m, n=n: m[..., 2] ** n for n in (1, 2, 3, 4)]
    exact = sphere_average(log_weight, *powers)
    assert exact[0] < -0.4, "the torque must beat the field, or the test shows little"
    start = boltzmann_sample(0.01, count, 6)
    options = {"alpha": alpha, "temperature": KELVIN / x, "torque": torque, "seed": 6, "record_every": 800}
    u = trajectories(start, FIELD * Z, 0.05, 800, **options).m[-1, :, 2]
    for power in (1, 2):
        error = np.sqrt((exact[2 * power - 1] - exact[power - 1] ** 2) / count)
        assert abs((u**power).mean() - exact[power - 1]) < 4 * error + 0.01 * abs(exact[power - 1])


# --- motion -----------------------------------------------------------------------------------------------------------


@compiled_only
def test_limit_free_spin_diffuses():
    """<m.m0> = exp(-2Dt), D = alpha gamma k_B T/[M_s V (1 + alpha^2)]; its error follows from <(m.m0)^2>."""
    alpha, count, every, records = 0.5, 20_000, 2, 30
    time_step = 1e-13
    spread = 0.02  # 2 D dt
    temperature = spread / (2 * time_step) * MOMENT * (1 + alpha**2) / (alpha * gyromagnetic_ratio * k_B)
    start = boltzmann_sample(0.01, count, 7)
    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": temperature, "seed": 7, "record_every": every}
    run = integrate_stochastic_llg(start, np.zeros(3), time_step, every * records, **options)
    along = np.einsum("tni,ni->tn", run.m, start).mean(axis=1)
    decay = np.exp(-spread * run.time / time_step)
    error = np.sqrt(((1 + 2 * decay**3) / 3 - decay**2) / count)
    assert error[1] < 0.01 * (1 - decay[1]), "the first records must resolve the slope at t = 0"
    # One step multiplies <m.m0> by exp(-2Ddt) to the second order in 2Ddt, half of (2Ddt)^2 at most.
    scheme = spread**2 / 2 * run.time / time_step
    np.testing.assert_array_less(np.abs(along - decay), 4 * error + scheme * decay + 1e-15)


def relaxed(m0, alpha, time):
    """Closed form in a field along z: tan(theta/2) decays, phi turns, in units of 1/gamma B."""
    theta, phi = np.arccos(m0[2]), np.arctan2(m0[1], m0[0])
    theta = 2 * np.arctan(np.tan(theta / 2) * np.exp(-alpha * time / (1 + alpha**2)))
    phi = phi + time / (1 + alpha**2)
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def test_limit_zero_temperature_is_heun_of_second_order():
    m0 = np.array([0.6, 0.0, -0.8])
    ends = [trajectories(m0, FIELD * Z, 4.0 / n, n, alpha=0.1, temperature=0.0, record_every=n) for n in (40, 80, 160)]
    assert all(run.thermal_field == 0 for run in ends)
    errors = [np.linalg.norm(run.m[-1] - relaxed(m0, 0.1, 4.0)) for run in ends]
    assert errors[-1] < 5e-4
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, atol=0.3)


def test_limit_undamped_spin_has_no_noise():
    run = trajectories(np.array([1.0, 0, 0]), FIELD * Z, 0.05, 100, alpha=0.0, temperature=300.0)
    assert run.thermal_field == 0
    np.testing.assert_allclose(run.m[-1], relaxed(np.array([1.0, 0, 0]), 0.0, 5.0), atol=5 * 0.05**2 / 6 * 1.2)


def test_limit_strong_order():
    """The same Brownian path in coarser steps: order one half, since rotations about two axes do not commute.

    The twin that is fed with increments is the one that the compiled path is compared with below.
    """
    alpha, fine, levels, paths = 0.5, 2**10, (4, 5, 6, 7), 2000
    draws = np.random.default_rng(8).standard_normal((paths, fine, 3))
    ends = []
    for level in (10, *levels):
        count = 2**level
        kicks = draws.reshape(paths, count, fine // count, 3).sum(axis=2) / np.sqrt(fine // count)
        m = np.broadcast_to([1.0, 0, 0], (paths, 3))
        for kick in np.moveaxis(kicks, 1, 0):
            m = heun(m, amplitude(RATIO, alpha, 2.0 / count) * kick, 2.0 / count, alpha)
        ends.append(m)
    errors = [np.sqrt(((m - ends[0]) ** 2).sum(axis=1).mean()) for m in ends[1:]]
    slope = np.polyfit(levels, np.log2(errors), 1)[0]
    assert -0.75 < slope < -0.45


# --- one answer, however it is computed -------------------------------------------------------------------------------

MANY = boltzmann_sample(RATIO, 7, 3)
GENERAL = LinearField((0.01, 0.0, 0.1), [[0.02, 0.01, 0.0], [0.01, -0.03, 0.0], [0.0, 0.0, 0.05]])
TORQUE = SpinTorque((0.6, 0.0, 0.8), 2e9, -1e9, 0.3)


def test_peer_plain_twin_of_the_kernel():
    """The scheme in plain NumPy, fed with the numbers of the streams that a seed spawns."""
    alpha, step, steps = 0.3, 0.05, 400
    streams = np.random.default_rng(21).spawn(len(MANY))
    draws = np.array([stream.standard_normal((steps, 3)) for stream in streams])
    m = MANY
    for kick in np.moveaxis(draws, 1, 0):
        m = heun(m, amplitude(RATIO, alpha, step) * kick, step, alpha)
    run = trajectories(MANY, FIELD * Z, step, steps, alpha=alpha, seed=21, record_every=steps)
    assert run.thermal_field == pytest.approx(FIELD * amplitude(RATIO, alpha, step), rel=1e-13, abs=0)
    # Rounding grows by the sensitivity to m0, which stays of order 1 in a field that damps.
    np.testing.assert_allclose(run.m[-1], m, rtol=0, atol=1e-12)


@pytest.mark.parametrize("torque", [None, TORQUE])
def test_invariant_callables_do_what_the_kernel_does(torque):
    wrapped = None if torque is None else lambda m, t: torque(m, t)
    options = {"alpha": 0.3, "seed": 22, "record_every": 7}
    compiled = trajectories(MANY, GENERAL, 0.05, 300, torque=torque, **options)
    called = trajectories(MANY, lambda m, t: GENERAL(m, t), 0.05, 300, torque=wrapped, **options)
    np.testing.assert_allclose(called.m, compiled.m, rtol=0, atol=1e-12)
    mixed = trajectories(MANY, GENERAL, 0.05, 300, torque=lambda m, t: 0 * m, **options)
    if torque is None:
        np.testing.assert_allclose(mixed.m, compiled.m, rtol=0, atol=1e-12)
    else:
        assert np.abs(mixed.m - compiled.m).max() > 0.01, "the torque must matter"


def test_invariant_random_numbers_held_at_a_time_do_not_matter(monkeypatch):
    whole = trajectories(MANY, lambda m, t: GENERAL(m, t), 0.05, 50, seed=24).m
    monkeypatch.setattr(stochastic, "_BLOCK", 8 * 3 * len(MANY))
    assert (trajectories(MANY, lambda m, t: GENERAL(m, t), 0.05, 50, seed=24).m == whole).all()


def test_invariant_callables_see_unit_vectors_and_the_times_of_both_stages():
    seen = []

    def field(m, t):
        seen.append((t, np.linalg.norm(m, axis=-1)))
        return np.broadcast_to(FIELD * Z, m.shape)

    start = MANY[:6].reshape(2, 3, 3)
    run = trajectories(start, field, 0.1, 2, seed=1)
    step = 0.1 / RATE
    assert [t for t, _ in seen] == pytest.approx([0, 0, step, step, 2 * step], rel=1e-12, abs=0)
    assert all(length.shape == (2, 3) for _, length in seen)
    np.testing.assert_allclose([length for _, length in seen], 1, rtol=0, atol=1e-14)
    assert run.m.shape == (3, 2, 3, 3)


def test_limit_field_that_depends_on_time():
    """At T = 0 the angle about z is the integral of the field; the two stages give the trapezoidal rule."""
    run = trajectories(np.array([1.0, 0, 0]), lambda m, t: FIELD * t * RATE * Z, 0.05, 20, alpha=0.0, temperature=0.0)
    np.testing.assert_allclose(np.arctan2(run.m[:, 1], run.m[:, 0]), (RATE * run.time) ** 2 / 2, atol=1e-3)


def test_invariant_results_do_not_depend_on_threads_records_or_company():
    options = {"alpha": 0.3, "torque": TORQUE, "seed": 23}
    whole = trajectories(MANY, GENERAL, 0.05, 210, threads=1, **options)
    for threads in (2, 3, 16):
        assert (trajectories(MANY, GENERAL, 0.05, 210, threads=threads, **options).m == whole.m).all()
    assert (trajectories(MANY, GENERAL, 0.05, 210, record_every=10, **options).m == whole.m[::10]).all()
    assert (trajectories(MANY[:2], GENERAL, 0.05, 210, **options).m == whole.m[:, :2]).all()
    assert (trajectories(MANY[0], GENERAL, 0.05, 210, **options).m == whole.m[:, 0]).all()
    assert (trajectories(MANY, GENERAL, 0.05, 90, **options).m == whole.m[:91]).all()
    shaped = trajectories(MANY[:6].reshape(3, 2, 3), GENERAL, 0.05, 210, **options)
    assert (shaped.m.reshape(-1, 6, 3) == whole.m[:, :6]).all()
    assert not (whole.m[-1, 0] == whole.m[-1, 1]).any(), "each trajectory has noise of its own"


def test_invariant_seeds():
    runs = [trajectories(MANY, FIELD * Z, 0.05, 20, seed=seed).m for seed in (5, 5, np.random.default_rng(5), 6, None)]
    assert (runs[0] == runs[1]).all()
    assert (runs[0] == runs[2]).all()
    assert (runs[0][-1] != runs[3][-1]).all()
    assert (runs[0][-1] != runs[4][-1]).all()
    generator = np.random.default_rng(5)
    first, second = (trajectories(MANY, FIELD * Z, 0.05, 20, seed=generator).m for _ in range(2))
    assert (first == runs[0]).all()
    assert (first[-1] != second[-1]).all(), "a generator goes on to new streams"


def test_invariant_result_is_held_once():
    """Each trajectory writes its part of the result in place."""
    many = boltzmann_sample(RATIO, 50, 3)
    trajectories(many, GENERAL, 0.05, 1, threads=2)  # compiles
    tracemalloc.start()
    run = trajectories(many, GENERAL, 0.05, 4000, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.m.flags.c_contiguous
    assert peak < 1.2 * run.m.nbytes


@compiled_only
@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread")
def test_limit_interrupted_run_ends_at_once():
    trajectories(MANY, GENERAL, 0.05, 1)  # compiles
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore it
    try:
        begun = time.perf_counter()
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            trajectories(MANY, GENERAL, 0.05, 10**8, record_every=10**8, threads=2)  # minutes
        assert time.perf_counter() - begun < 5
    finally:
        signal.signal(signal.SIGINT, before)


def test_invariant_length_records_and_table(tmp_path):
    run = trajectories(MANY, GENERAL, 0.1, 25, seed=2, record_every=10)
    assert run.m.shape == (3, 7, 3)
    np.testing.assert_allclose(np.linalg.norm(run.m, axis=-1), 1, rtol=0, atol=1e-15 * 4)
    np.testing.assert_allclose(run.time * RATE, [0, 1, 2], rtol=1e-13)
    np.testing.assert_allclose(run.m[0], MANY, rtol=0, atol=1e-15)
    table = run.columns()
    assert list(table)[:4] == ["time", "m_0_x", "m_0_y", "m_0_z"]
    assert "thermal_field" not in table
    assert (table["m_6_z"] == run.m[:, 6, 2]).all()
    run.to_csv(tmp_path / "run.csv")
    lines = (tmp_path / "run.csv").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("time [s],m_0_x,")


def test_invariant_no_trajectories():
    for field in (FIELD * Z, lambda m, t: FIELD * Z):
        assert trajectories(np.zeros((0, 3)), field, 0.1, 5).m.shape == (6, 0, 3)


# --- refusals ---------------------------------------------------------------------------------------------------------

GOOD = {
    "m0": Z,
    "field": FIELD * Z,
    "time_step": 0.05 / RATE,
    "steps": 10,
    "alpha": 0.1,
    "magnetic_moment": MOMENT,
    "temperature": 300.0,
    "seed": 1,
}


def refused(rule, says, **arguments):
    return Refusal(rule, integrate_stochastic_llg, GOOD | arguments, says)


def valve(current=0.0, **options):
    side = InterfaceConductance(majority=3.0, minority=1.0, mixing=1.5)
    return ValveTorque(Z, side, side, current, magnetic_moment=MOMENT, **options)


HOT = {"field": np.zeros(3), "alpha": 0.5, "temperature": 1.0, "magnetic_moment": gyromagnetic_ratio * k_B * 1e-9}


@refusals(
    refused("direction off unit length", ("length of m0", "pass m0 / |m0|"), m0=(0, 0, 1.1)),
    refused("field of wrong shape", ("field has shape (2,)", "callable field(m, t)"), field=(0, 1.0)),
    refused("field of wrong kind", ("field(m, t) has shape ()", "(..., 3)"), field=lambda m, t: 1.0),
    refused(
        "torque that is an array", ("torque = array([0", "is not callable", "pass torque(m, t)"), torque=np.zeros(3)
    ),
    refused(
        "torque of wrong shape", ("torque(m, t) has shape (2, 3)", "one vector"), torque=lambda m, t: np.ones((2, 3))
    ),
    refused("torque that pumps", ("torque = ValveTorque pumps", "pumping=False"), torque=valve(pumping=True)),
    refused(
        "torque that answers to motion",
        ("torque = Reacting pumps", "pumping=False"),
        torque=type("Reacting", (), {"__call__": lambda self, m, t: m, "at": lambda self, m: (m, np.eye(3))})(),
    ),
    refused(
        "torque of another gamma",
        ("gyromagnetic_ratio = ", "is not the 1 of torque", "one gyromagnetic_ratio to both"),
        torque=valve(pumping=False, gyromagnetic_ratio=1.0),
    ),
    refused("time step of zero", ("time_step = 0", "time_step > 0"), time_step=0.0),
    refused(
        "time step below all numbers", ("time_step = 9.99", "thermal field overflow", "in seconds"), time_step=1e-320
    ),
    refused("negative damping", ("alpha = -0.1", "alpha >= 0"), alpha=-0.1),
    refused("tensor damping", ("alpha has shape (3, 3)", "pass one number", "not isotropic"), alpha=np.eye(3) * 0.1),
    refused("no moment", ("magnetic_moment = 0", "magnetic_moment > 0"), magnetic_moment=0.0),
    refused("negative temperature", ("temperature = -1", "temperature >= 0"), temperature=-1.0),
    refused("temperature that is no number", ("temperature = nan", "finite"), temperature=float("nan")),
    refused("negative gamma", ("gyromagnetic_ratio = -1", "> 0"), gyromagnetic_ratio=-1.0),
    refused("no steps", ("steps = 0", "steps >= 1"), steps=0),
    refused("broken step", ("steps = 2.5", "integer"), steps=2.5),
    refused("true for a number of steps", ("steps = True", "integer"), steps=True),
    refused("no record", ("record_every = 0", "record_every >= 1"), record_every=0),
    refused("records further apart than the run", ("record_every = 11", "record_every <= 10"), record_every=11),
    refused("no thread", ("threads = 0", "threads >= 1"), threads=0),
    refused("negative seed", ("seed = -1", "integer >= 0"), seed=-1),
    refused("seed that is no number", ("seed = 'a'", "numpy.random.Generator"), seed="a"),
    refused("true as a seed", ("seed = True", "integer >= 0"), seed=True),
    refused("step longer than a radian", ("time_step = ", "turn m by 1.5 rad", "<="), time_step=1.5 / RATE),
    refused(
        "step longer than a radian of the torque",
        ("time_step = ", "turn m by 1.25 rad", "pass time_step <= 9.09e-13"),
        field=np.zeros(3),
        torque=SpinTorque(Z, 2e11, 0.0, 0.0909090909090909),
        time_step=1.25 / 2.2e11,
    ),
    refused(
        "step longer than a radian of any field",
        ("turn m by 1.2 rad", "<="),
        field=lambda m, t: 0.6 * FIELD * Z,
        torque=lambda m, t: 0.6 * RATE * np.array([1.0, 0, 0]),
        time_step=1 / RATE,
    ),
    refused(
        "step longer than a radian of a torque that vanishes at the start",
        ("turn m by ", "rad in a step at t = ", "pass time_step <= "),
        torque=valve(pumping=False, current=1e4),
        steps=1000,
    ),
    refused(
        "step longer than a radian of a field that comes later",
        ("turn m by 2 rad in a step at t = 1.42e-11 s", "pass time_step <= 2.84e-13"),
        field=lambda m, t: (40 if t > 4.5 * 0.05 / RATE else 1) * FIELD * Z,
        time_step=0.05 / RATE,
    ),
    refused(
        "law with NaN later on",
        ("at t = 1.41976e-11 s field(m, t)[0] = nan", "(..., 3)"),
        field=lambda m, t: (np.nan if t > 4.5 * 0.05 / RATE else 1) * FIELD * Z,
    ),
    refused(
        "law that writes to m",
        ("read-only", "output array"),
        field=lambda m, t: m.__imul__(2),
    ),
    refused(
        "thermal kick above a radian",
        ("turn m by 2 rad (rms)", "pass time_step <= 2e-10"),
        **HOT,
        time_step=4e-9,
    ),
)
def test_bad_input_is_refused(refusal):
    refusal.check()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"time_step": 0.3 / RATE}, f"gamma B dt = 0.3.*pass time_step <= {0.2 / RATE:.3g}"),
        (HOT | {"time_step": 3e-10}, "thermal variance 0.3.*pass time_step <= 2e-10"),
    ],
)
def test_bad_input_coarse_step_is_warned(arguments, says):
    with pytest.warns(UserWarning, match=says):
        integrate_stochastic_llg(**GOOD | arguments)


def test_bad_input_film_that_starts_along_its_easy_axis():
    """There gamma B dt is 0.14, elsewhere 14: warned and refused as soon as m has left the axis."""
    film = {"field": lambda m, t: m * np.array([0.0, -1.005, 0.01]), "magnetic_moment": 1e-17}
    says = "time_step = 8e-11 lets field and torque turn m by .* rad in a step at t = .* s: pass time_step <= "
    with pytest.warns(UserWarning, match="is coarse at t = "), pytest.raises(ValueError, match=says):
        integrate_stochastic_llg(**GOOD | film | {"time_step": 8e-11, "steps": 1000})


def test_bad_input_coarse_step_on_the_way_is_warned_once():
    """0.3 rad from the fifth step on; the advice passes in silence."""

    def field(m, t):
        return (6 if t > 4.5 * 0.05 / RATE else 1) * FIELD * Z

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        integrate_stochastic_llg(**GOOD | {"field": field})
        integrate_stochastic_llg(**GOOD | {"field": field, "time_step": 0.199 / (6 * RATE), "steps": 20})
    assert len(caught) == 1
    assert str(caught[0].message).startswith("time_step = 2.84e-12 is coarse at t = 1.42e-11 s (gamma B dt = 0.3,")
    assert caught[0].filename == __file__


def test_limit_valve_without_current_and_pumping_is_no_torque():
    still = trajectories(MANY, GENERAL, 0.05, 20, torque=valve(pumping=False))
    np.testing.assert_allclose(still.m, trajectories(MANY, GENERAL, 0.05, 20).m, rtol=0, atol=1e-13)


def test_bad_input_step_as_advised_passes_in_silence():
    for arguments in ({"time_step": 0.2 / RATE}, HOT | {"time_step": 2e-10}):
        integrate_stochastic_llg(**GOOD | arguments)


def test_limit_bound_of_a_linear_field_is_its_largest_on_the_sphere():
    """Between 0.2 and 1 rad the warning gives the angle: |B| + the largest |eigenvalue| of K."""
    field = LinearField((0.0, 0.03, 0.0), np.diag([0.0, -0.07, 0.01]))
    with pytest.warns(UserWarning, match=r"gamma B dt = 0\.5,"):
        integrate_stochastic_llg(**GOOD | {"field": field, "time_step": 0.5 / RATE, "temperature": 0.0})
