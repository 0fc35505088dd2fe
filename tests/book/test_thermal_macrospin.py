"""The statements of the chapter on thermal noise, each by a route that the chapter and the library do not take."""

from itertools import count as count_from
from itertools import pairwise

import numba
import numpy as np
import pytest
from numpy.polynomial import hermite_e, legendre
from scipy.linalg import expm
from scipy.special import iv

from spinlib.circuit import spin_transfer_torque
from spinlib.dynamics.macrospin import LinearField, SpinTorque
from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.pumping import pumping_damping
from spinlib.units import e, gyromagnetic_ratio, hbar, k_B

Z = np.array([0.0, 0.0, 1.0])
FIELD, MOMENT, KELVIN = 0.1, 4e-19, 300.0
RATE = gyromagnetic_ratio * FIELD


compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="many minutes without a compiler")


def langevin(x):
    return 1 / np.tanh(x) - 1 / x


def langevin_error(x, count):
    mean = langevin(x)
    return np.sqrt((1 - 2 * mean / x - mean**2) / count)


def uniform(count, seed):
    m = np.random.default_rng(seed).standard_normal((count, 3))
    return m / np.linalg.norm(m, axis=-1, keepdims=True)


def rate(m, field, alpha, gamma=1.0):
    """dm/dt by solving (1 - alpha m x) dm/dt = -gamma m x B for the vector, one 3x3 system per m."""
    x, y, z = np.moveaxis(np.broadcast_to(m, field.shape), -1, 0)
    o = 0 * x
    cross = np.stack([np.stack([o, -z, y], -1), np.stack([z, o, -x], -1), np.stack([-y, x, o], -1)], -2)
    drive = -gamma * np.einsum("...ij,...j", cross, field)
    return np.linalg.solve(np.eye(3) - alpha * cross, drive[..., None])[..., 0]


@pytest.mark.parametrize("alpha", [0.02, 0.7])
@pytest.mark.parametrize("x", [0.3, 4.0])
def test_limit_thermal_field_balances_the_damping(alpha, x):
    """In Boltzmann's law the mean of dm_z/dt vanishes: what damping gains, the drift -2 D m_z of the noise loses."""
    step = 1e-14
    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": MOMENT * FIELD / (x * k_B)}
    run = integrate_stochastic_llg(Z, FIELD * Z, step, 1, **options)
    u, w = legendre.leggauss(40)
    law = w * np.exp(x * u) / (w @ np.exp(x * u))
    diffusion = (gyromagnetic_ratio * run.thermal_field) ** 2 * step / (2 * (1 + alpha**2))
    gained = law @ (alpha * RATE / (1 + alpha**2) * (1 - u**2))
    assert gained == pytest.approx(2 * diffusion * (law @ u), rel=1e-12, abs=0)


@pytest.mark.parametrize("alpha", [0.1, 0.8])
def test_invariant_ito_drift_is_minus_2_d_m(alpha):
    """Mean displacement in one step by Gauss-Hermite: Heun's has the drift, Euler's has none."""
    node, weight = hermite_e.hermegauss(8)
    weight = weight / weight.sum()
    kick = np.stack(np.meshgrid(node, node, node, indexing="ij"), -1).reshape(-1, 3)
    weights = np.einsum("i,j,k->ijk", weight, weight, weight).ravel()
    m, size, step = uniform(1, 3)[0], 1.0, 1e-3  # size^2 step is q; the thermal field per step is size/sqrt(step)
    field = size * kick / np.sqrt(step)
    first = rate(m, field, alpha)
    second = rate(m + step * first, field, alpha)
    diffusion = size**2 / (2 * (1 + alpha**2))
    heun = weights @ (first + second) / 2
    np.testing.assert_allclose(heun, -2 * diffusion * m, rtol=0, atol=10 * step)
    np.testing.assert_allclose(weights @ first, 0, rtol=0, atol=1e-12)
    # The step is a tangent, so the length grows by the variance 4 D dt.
    moved = m + step * first
    assert weights @ (moved**2).sum(axis=1) - 1 == pytest.approx(4 * diffusion * step, rel=1e-10, abs=0)


def test_limit_euler_in_the_angle_stays_on_a_circle():
    """The chain of Euler steps as a matrix: its stationary mean is I_1/I_0 and not Langevin's, by a tenth and more."""
    x, points = 1.931, 720
    theta = np.arange(points) * 2 * np.pi / points
    means = []
    for step in (2e-3, 1e-3):  # times D
        moved = theta - x * np.sin(theta) * step
        moves = np.exp(-(np.angle(np.exp(1j * (theta[:, None] - moved))) ** 2) / (4 * step))
        law = np.linalg.matrix_power(moves / moves.sum(axis=0), 2**14)[:, 0]
        means.append(law @ np.cos(theta))
    circle = iv(1, x) / iv(0, x)
    assert 2 * means[1] - means[0] == pytest.approx(circle, abs=1e-5)
    assert circle - langevin(x) == pytest.approx(0.161, abs=1e-3)


def test_limit_fresh_noise_in_the_second_stage_halves_the_temperature():
    x, alpha, step, count = 1.931, 0.5, 0.02, 10_000
    draw, m = np.random.default_rng(5), uniform(10_000, 6)
    size = np.sqrt(2 * alpha / (x * step))
    for _ in range(500):
        kicks = size * draw.standard_normal((2, count, 3))
        first = -np.cross(m, Z + kicks[0])
        first = (first + alpha * np.cross(m, first)) / (1 + alpha**2)
        guess = m + step * first
        guess /= np.linalg.norm(guess, axis=1, keepdims=True)
        second = -np.cross(guess, Z + kicks[1])
        second = (second + alpha * np.cross(guess, second)) / (1 + alpha**2)
        m = m + step / 2 * (first + second)
        m /= np.linalg.norm(m, axis=1, keepdims=True)
    assert abs(m[:, 2].mean() - langevin(2 * x)) < 4 * langevin_error(2 * x, count) + 0.01


# --- spin current -----------------------------------------------------------------------------------------------------


def test_invariant_spin_current_noise_is_the_field_of_the_pumping_damping():
    """Covariance of the torque of 2 k_B T 2 G_R, written out without the library, against that of `thermal_field`."""
    conductance, step = 3.0, 1e-14
    alpha = pumping_damping(conductance + 0.7j, magnetic_moment=MOMENT)
    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": KELVIN}
    run = integrate_stochastic_llg(Z, np.zeros(3), step, 1, **options)
    per_field = (gyromagnetic_ratio * run.thermal_field) ** 2
    lever = gyromagnetic_ratio * hbar / (2 * e * MOMENT)
    assert lever**2 * 2 * k_B * KELVIN * 2 * conductance / step == pytest.approx(per_field, rel=1e-12, abs=0)
    for m in uniform(3, 7):
        torques = spin_transfer_torque(m, np.eye(3), magnetic_moment=MOMENT)
        covariance = torques.T @ torques * 4 * k_B * KELVIN * conductance / step
        expected = per_field * (np.eye(3) - np.outer(m, m))
        np.testing.assert_allclose(covariance, expected, rtol=0, atol=1e-12 * per_field)


# The torque of one step is no small one, its variance is: the warning of a coarse step is right and does no harm.
@pytest.mark.filterwarnings("ignore:time_step = .* is coarse:UserWarning")
@pytest.mark.parametrize(("share", "ratio"), [(1.0, 1.0), (0.5, 2.0)])
def test_limit_spin_current_heats_a_magnet_without_thermal_field(share, ratio):
    """A magnet at T = 0 in the library whose only noise is the spin current; half of it is half the temperature."""
    x, alpha, step, count = 1.5, 0.2, 0.05, 5000
    temperature = MOMENT * FIELD / (x * k_B)
    conductance = alpha / pumping_damping(1.0, magnetic_moment=MOMENT)
    size = np.sqrt(share * 2 * k_B * temperature * 2 * conductance / (step / RATE))
    draw, calls, current = np.random.default_rng(8), count_from(0), np.zeros((count, 3))

    def torque(m, t):
        """One current per step: the first call checks the step, then each step calls twice."""
        if next(calls) % 2 == 1:
            current[:] = size * draw.standard_normal(m.shape)
        return spin_transfer_torque(m, current, magnetic_moment=MOMENT)

    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": 0.0, "torque": torque, "record_every": 400}
    run = integrate_stochastic_llg(uniform(count, 9), FIELD * Z, step / RATE, 400, **options)
    assert run.thermal_field == 0
    mean, expected = run.m[-1, :, 2].mean(), langevin(ratio * x)
    # The error of the scheme is below 1.5 per cent here (figure of the chapter).
    assert abs(mean - expected) < 4 * langevin_error(ratio * x, count) + 0.015 * expected


# --- small fluctuations -----------------------------------------------------------------------------------------------


@compiled_only
def test_limit_spectrum_of_an_elliptic_magnet():
    """Both components against the response of the linear equations, and equipartition for two stiffnesses."""
    alpha, hard, x, replicas, length, every, step = 0.1, 1.5, 400.0, 256, 4096, 4, 0.03
    field = LinearField(FIELD * Z, FIELD * np.diag([0.0, -hard, 0.0]))
    start = np.random.default_rng(10).standard_normal((replicas, 2)) / np.sqrt(x * np.array([1, 1 + hard]))
    start = np.column_stack([start, np.sqrt(1 - (start**2).sum(axis=1))])
    temperature = MOMENT * FIELD / (x * k_B)
    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": temperature, "seed": 11, "record_every": every}
    m = integrate_stochastic_llg(start, field, step / RATE, every * length, **options).m[1:, :, :2]
    # In units of gamma B: (-i omega)(1 - alpha J) v = J (K v - b) with J = z x, K = diag(1, 1 + hard).
    turn, stiffness = np.array([[0.0, -1.0], [1.0, 0.0]]), np.diag([1.0, 1 + hard])
    frequency = 2 * np.pi * np.fft.rfftfreq(length, every * step)
    window = np.hanning(length)
    power = (np.abs(np.fft.rfft(window[:, None, None] * m, axis=0)) ** 2).mean(axis=1)
    power *= every * step / (window**2).sum()
    edges = np.arange(0.5, 3.01, 0.1)
    measured, theory, error = [], [], []
    for low, high in pairwise(edges):
        inside = (frequency >= low) & (frequency < high)
        matrix = -1j * frequency[inside, None, None] * (np.eye(2) - alpha * turn) - turn @ stiffness
        response = np.linalg.solve(matrix, np.broadcast_to(-turn, matrix.shape))
        imaginary = np.diagonal(response, axis1=1, axis2=2).imag
        theory.append((2 / x * imaginary / frequency[inside, None]).mean(axis=0))
        measured.append(power[inside].mean(axis=0))
        # a Hann window leaves about half of the frequencies independent
        error.append(np.sqrt(2 / (inside.sum() * replicas)))
    ratio = np.array(measured) / np.array(theory) - 1
    assert max(error) < 0.04
    assert (np.abs(ratio) < 4.5 * np.array(error)[:, None]).all()
    # All bins together, to three combined standard errors.
    assert np.mean(error) / np.sqrt(len(error)) < 0.007
    assert (np.abs(ratio.mean(axis=0)) < 0.02).all()
    variance = (m**2).mean(axis=(0, 1)) * x
    # The mean rate of forgetting is alpha (2 + hard) gamma B.
    spread = np.sqrt(2 / (alpha * (2 + hard) * replicas * length * every * step))
    np.testing.assert_allclose(variance * [1, 1 + hard], 1, atol=4 * spread + 0.01)


# --- switching --------------------------------------------------------------------------------------------------------


def remaining(times, x, i, alpha, degree=240):
    """Share with m_z > 0, Fokker-Planck equation of m_z in Legendre polynomials; equidistant times in 1/gamma B_K."""
    u, w = legendre.leggauss(2 * degree)
    values = legendre.legvander(u, degree)
    slopes = np.stack([legendre.legval(u, legendre.legder(row)) for row in np.eye(degree + 1)], axis=1)
    norm = np.arange(degree + 1) + 0.5
    drift = alpha / (1 + alpha**2) * (u - i) * (1 - u**2)
    diffusion = alpha / (1 + alpha**2) / x
    # d<P_l>/dt = <drift P_l'> - D l (l + 1) <P_l>, with rho = sum_k (k + 1/2) <P_k> P_k
    generator = np.einsum("u,ul,uk,k->lk", w * drift, slopes, values, norm)
    generator -= diffusion * np.diag(np.arange(degree + 1) * np.arange(1, degree + 2))
    start = np.where(u > 0, np.exp(x * (u**2 - 1) / 2), 0)
    moments = values.T @ (w * start) / (w @ start)
    half, half_weight = (u + 1) / 2, w / 2
    upper = norm * (legendre.legvander(half, degree).T @ half_weight)
    shares, onward = [], expm(generator * (times[1] - times[0]))
    moments = expm(generator * times[0]) @ moments
    for _ in times:
        shares.append(upper @ moments)
        moments = onward @ moments
    return np.array(shares)


def formula(t, x, i, alpha):
    """The closed form of the chapter."""
    g = alpha * (i - 1) / (1 + alpha**2)
    growth = np.exp(2 * g * t)
    square = 2 / x * growth + 2 * alpha / (1 + alpha**2) / x / g * (growth - 1)
    slow = 2 ** ((i - 1) / (i + 1)) * 2 * ((i - 1) / i) ** (2 / (i + 1))
    return -np.expm1(-slow / square)


@compiled_only
@pytest.mark.parametrize("i", [1.5, 3.0])
def test_limit_switching_follows_the_fokker_planck_equation(i):
    x, alpha, step, count, every = 150.0, 0.05, 0.1, 4000, 100
    records = int(10 / (alpha * (i - 1)) / (every * step))
    temperature = MOMENT * FIELD / (x * k_B)
    field = LinearField(tensor=FIELD * np.outer(Z, Z))
    options = {"alpha": alpha, "magnetic_moment": MOMENT, "temperature": temperature}
    rest = integrate_stochastic_llg(
        np.tile(Z, (count, 1)), field, step / RATE, 1000, seed=12, **options, record_every=1000
    )
    torque = SpinTorque(Z, -i * alpha * RATE)
    options |= {"torque": torque, "seed": 13, "record_every": every}
    run = integrate_stochastic_llg(rest.m[-1], field, step / RATE, every * records, **options)
    share = (run.m[1:, :, 2] > 0).mean(axis=1)
    exact = remaining(run.time[1:] * RATE, x, i, alpha)
    error = np.sqrt(np.maximum(exact * (1 - exact), 1 / count) / count)
    assert ((exact > 0.05) & (exact < 0.95)).sum() >= 2, "the times must resolve the switching"
    # 1000 steps of rest leave e^-10 of the start; the scheme is off by parts in a thousand.
    assert (np.abs(share - exact) < 4 * error + 0.005).all()


@pytest.mark.parametrize("i", [1.5, 2.0])
def test_limit_switching_formula_is_good_to_its_stated_order(i):
    """Off by less than ln(x)/[x (i - 1)], and by a quarter or so of it when x is four times as large."""
    errors = []
    for x in (60.0, 240.0, 960.0):
        t = np.linspace(0.5, 12, 40) / (0.05 * (i - 1))
        errors.append(np.abs(remaining(t, x, i, 0.05, degree=300) - formula(t, x, i, 0.05)).max())
        assert errors[-1] < np.log(x) / (x * (i - 1))
    assert 2.2 < errors[1] / errors[2] < 4
