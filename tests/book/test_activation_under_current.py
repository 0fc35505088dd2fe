"""WD04 (21)-(26) and activation under a spin-transfer torque, each by a route that chapter and library do not take.

Errata both ways: the corrected form against an independent route, the printed one off by the amount predicted.
"""

from dataclasses import dataclass

import numba
import numpy as np
import pytest
from numpy.polynomial import hermite_e, legendre
from scipy.integrate import quad, solve_ivp
from scipy.linalg import eigh_tridiagonal, lu_factor, lu_solve
from scipy.special import gammaln, lpmv

from spinlib.diffusion import Interface, Layer, Medium, solve_stack
from spinlib.dynamics.fokker_planck import brown_eigenvalue, solve_fokker_planck, telegraph_noise
from spinlib.dynamics.macrospin import LinearField, SpinTorque, llg_rate
from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential, landau_lifshitz_mobility
from spinlib.units import e, gyromagnetic_ratio, k_B, mu_B

NM, Z = 1e-9, np.array([0.0, 0.0, 1.0])
S_UP, S_DOWN, _, D_DOWN = range(4)
compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="many minutes without a compiler")


# --- the longitudinal term --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Magnet:
    """(21) with a quadratic V of the direction, Q, and a rate f(t)."""

    form: np.ndarray
    precession: float = 1.3
    loss: float = 0.2

    def slope(self, n):
        full = 2 * self.form @ n
        return full - (full @ n) * n

    def rate(self, u, f):
        down = self.slope(u / np.linalg.norm(u))
        turn = np.cross(u, down)
        return -self.precession * turn + self.loss * np.cross(u, turn) - f * u

    def path(self, f, times, start):
        options = {"rtol": 1e-11, "atol": 1e-13, "t_eval": times}
        return solve_ivp(lambda t, u: self.rate(u, f(t)), (0, times[-1]), start, **options).y.T


def some_magnet(seed=1):
    form = np.random.default_rng(seed).standard_normal((3, 3))
    return Magnet((form + form.T) / 2)


START = np.array([0.48, 0.6, 0.64]) * 1.1
TIMES = np.linspace(0, 4, 9)


def wave(t):
    return 0.3 + 0.5 * np.cos(2 * t)


def summed(t):
    """Integral of `wave` from 0."""
    return 0.3 * t + 0.25 * np.sin(2 * t)


def test_paper_WD04_21_direction_feels_the_length_as_damping_only():
    """Polar angles with the damping alpha |u(t)|, the length put in by hand, against (21) in three components."""
    magnet = some_magnet()
    u = magnet.path(wave, TIMES, START)
    first = np.linalg.norm(START)

    def angles(t, y):
        theta, phi = y
        n = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
        along = np.array([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)])
        around = np.array([-np.sin(phi), np.cos(phi), 0.0])
        a, b = 2 * along @ magnet.form @ n, 2 * around @ magnet.form @ n
        loss = magnet.loss * first * np.exp(-summed(t))
        return [magnet.precession * b - loss * a, (-magnet.precession * a - loss * b) / np.sin(theta)]

    n = START / first
    begin = [np.arccos(n[2]), np.arctan2(n[1], n[0])]
    theta, phi = solve_ivp(angles, (0, TIMES[-1]), begin, rtol=1e-11, atol=1e-13, t_eval=TIMES).y
    expected = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
    np.testing.assert_allclose(u / np.linalg.norm(u, axis=1, keepdims=True), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("f", [wave, lambda t: 0.0])
def test_paper_WD04_21_printed_sign_climbs(f):
    """dV/dt of the direction by differences along the path: -h' |u| (grad V)^2; printed, it is positive."""
    step, magnet = 1e-4, some_magnet()
    for loss, sign in ((magnet.loss, -1), (-magnet.loss, 1)):  # the second is the print
        path = Magnet(magnet.form, loss=loss).path(f, np.array([0, 1 - step, 1.0, 1 + step]), START)
        n = path / np.linalg.norm(path, axis=1, keepdims=True)
        height = np.einsum("ti,ij,tj->t", n, magnet.form, n)
        slope = 2 * np.cross(n[2], magnet.form @ n[2])  # as long as the gradient
        expected = sign * magnet.loss * np.linalg.norm(path[2]) * slope @ slope
        assert (height[3] - height[1]) / (2 * step) == pytest.approx(expected, rel=1e-5, abs=0)


def test_paper_WD04_21_no_torque_without_damping():
    """Without damping the direction is the same for any f, to the error of the integrator."""
    magnet = Magnet(some_magnet().form, loss=0.0)
    with_term, without = (magnet.path(f, TIMES, START) for f in (wave, lambda t: 0.0))
    size = np.linalg.norm(with_term, axis=1, keepdims=True)
    np.testing.assert_allclose(with_term / size, without / np.linalg.norm(START), rtol=0, atol=1e-8)
    assert size.min() < 0.5 * size.max()


@pytest.mark.parametrize("f", [0.7, -0.4])
def test_paper_WD04_24_printed_decay_is_half(f):
    """d|u|^2/dt by differences along the path of (21); the print has -f |u|^2, half of it."""
    step = 1e-4
    times = np.array([0, 1 - step, 1.0, 1 + step])
    square = (some_magnet().path(lambda t: f, times, START) ** 2).sum(axis=1)
    decay = (square[3] - square[1]) / (2 * step)
    assert decay == pytest.approx(-2 * f * square[2], rel=1e-6, abs=0)
    printed = -f * square[2]
    assert decay / printed == pytest.approx(2, rel=1e-6, abs=0)


def test_paper_WD04_25_printed_exponent_is_half_and_has_no_integral_over_time():
    u = some_magnet().path(wave, TIMES, START)
    square = (u**2).sum(axis=1) / (START @ START)
    np.testing.assert_allclose(square, np.exp(-2 * summed(TIMES)), rtol=1e-8)
    # the print: half of the exponent, and the rate of the moment times t
    printed = np.exp(-wave(TIMES) * TIMES)
    miss = np.exp(2 * summed(TIMES) - wave(TIMES) * TIMES)
    np.testing.assert_allclose(printed / square, miss, rtol=1e-8)
    steady = (some_magnet().path(lambda t: 0.3, TIMES, START) ** 2).sum(axis=1) / (START @ START)
    np.testing.assert_allclose(np.exp(-0.3 * TIMES) / steady, np.exp(0.3 * TIMES), rtol=1e-8)


# --- the rate ---------------------------------------------------------------------------------------------------------


def metal(length=300 * NM):
    return Medium.valet_fert(2e-8, 0.0, length, channels=4)


def ferromagnet(d_down=0.25e7, l_sd=3 * NM):
    up, down = 1.0e7, 0.4e7
    flips = 1 / ((20 * NM) ** 2 * (1 / up + 1 / down))
    merges = 1 / (l_sd**2 * (1 / down + 1 / d_down))
    conductivity = {"s_up": up, "s_down": down, "d_down": d_down}
    return Medium.four_channel(conductivity, {("s_up", "s_down"): flips, ("s_down", "d_down"): merges})


J, MOMENT_DENSITY = 1.6e11, 1.4e6


def pair():
    """Two ferromagnets in contact: d currents pass from one to the other, so that a net transfer exists."""
    layers = [
        Layer(metal(), np.inf),
        Layer(ferromagnet(), 15 * NM),
        Layer(ferromagnet(0.8e7, 5 * NM), 25 * NM),
        Layer(metal(), np.inf),
    ]
    return solve_stack(layers, current_density=J)


def transfer(solution, i, j, left, right):
    """Integral of the rate from channel i to j [A/m^2]."""
    node, weight = legendre.leggauss(400)
    z = (left + right) / 2 + (right - left) / 2 * node
    return solution.profile(z).relaxation_rate[i, j] @ weight * (right - left) / 2


def f_of(solution, left, right):
    """The usable (22) with one Bohr magneton per carrier."""
    return mu_B / (e * MOMENT_DENSITY * (right - left)) * transfer(solution, S_DOWN, D_DOWN, left, right)


def test_paper_WD04_22_counts_the_moments_that_cross_the_contact():
    """Carriers per second through the contact, one Bohr magneton each, over the moment of a whole layer."""
    solution, area = pair(), (70 * NM) ** 2
    crossing = solution.profile([15 * NM]).current_density[D_DOWN, 0] * area / e  # carriers/s into the second layer
    for left, right, sign in ((0, 15 * NM, 1), (15 * NM, 40 * NM, -1)):
        whole = MOMENT_DENSITY * area * (right - left)
        assert f_of(solution, left, right) == pytest.approx(sign * crossing * mu_B / whole, rel=1e-9, abs=0)
    assert abs(crossing) > 1e-3 * J * area / e


def test_paper_WD04_22_printed_form_misses_by_charge_and_atoms():
    """Read as the difference of delta J between both edges the print is (2 - F_s/F_sd) e n_a L times the rate.

    F are the integrals of the two relaxations, n_a the atoms per volume; e n_a L is no number but C/m^2.
    """
    solution, length, g = pair(), 15 * NM, 1.7
    edges = [solution.profile([0.0]), solution.profile([length], side="left")]
    difference = [at.current_density[S_DOWN, 0] - at.current_density[D_DOWN, 0] for at in edges]
    printed = (difference[0] - difference[1]) / g
    flips, merges = (transfer(solution, i, j, 0, length) for i, j in ((S_UP, S_DOWN), (S_DOWN, D_DOWN)))
    atoms = MOMENT_DENSITY / (g * mu_B)
    miss = (2 - flips / merges) * e * atoms * length
    assert printed == pytest.approx(miss * f_of(solution, 0, length), rel=1e-8, abs=0)


@pytest.mark.parametrize("k", [10.0, 1e3])
def test_paper_WD04_22_printed_form_depends_on_the_unit_of_charge(k):
    """With k coulombs as the unit all currents are k times smaller, and so is the print; a rate must not change."""
    small, length = pair(), 15 * NM
    layers = [
        Layer(Medium(each.medium.conductivity / k**2, each.medium.relaxation / k**2), each.thickness)
        for each in small.layers
    ]
    other = solve_stack(layers, current_density=J / k)
    rates, differences = [], []
    for solution, unit in ((small, 1.0), (other, k)):
        lever = (mu_B / unit) / ((e / unit) * (MOMENT_DENSITY / unit) * length)
        rates.append(lever * transfer(solution, S_DOWN, D_DOWN, 0, length))
        ends = [solution.profile([0.0]), solution.profile([length], side="left")]
        delta = [at.current_density[S_DOWN, 0] - at.current_density[D_DOWN, 0] for at in ends]
        differences.append(delta[0] - delta[1])
    assert rates[1] == pytest.approx(rates[0], rel=1e-9, abs=0)
    assert differences[0] / differences[1] == pytest.approx(k, rel=1e-9, abs=0)


def test_paper_WD04_22_layer_between_metals_has_no_net_rate():
    """d frozen on both sides: the integral vanishes for interfaces as unequal as they can be."""
    faces = [Interface([5e-15, 1e-16, np.inf, np.inf]), None]
    layers = [Layer(metal(3 * NM), np.inf), Layer(ferromagnet(), 60 * NM), Layer(metal(), np.inf)]
    solution = solve_stack(layers, faces, current_density=J)
    half = f_of(solution, 0, 30 * NM)
    assert abs(f_of(solution, 0, 60 * NM)) < 1e-10 * abs(half)
    assert half == pytest.approx(4e7, rel=0.2, abs=0)  # 1/s: tens of nanoseconds


def test_paper_WD04_22_d_current_carries_away_what_d_receives():
    """dJ_d/dz by differences equals the local rate: the population stands still, slice by slice."""
    solution, step = pair(), 0.02 * NM
    z = np.array([2.0, 7.0, 13.0, 20.0, 33.0]) * NM
    around = [solution.profile(z + k * step).current_density[D_DOWN] for k in (-2, -1, 1, 2)]
    slope = (around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * step)
    rate = solution.profile(z).relaxation_rate[S_DOWN, D_DOWN]
    np.testing.assert_allclose(slope, rate, rtol=1e-6, atol=1e-8 * abs(rate).max())


def test_paper_WD04_23():
    """The four transport coefficients and slopes of the potentials, against the currents of the solution."""
    solution, medium = pair(), ferromagnet()
    down, d = medium.conductivity[[S_DOWN, D_DOWN]]
    z, step = np.array([1.0, 5.0, 11.0, 14.0]) * NM, 0.05 * NM
    around = [solution.profile(z + k * step).electrochemical_potential for k in (-2, -1, 1, 2)]
    slope = (around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * step)
    sums, differences = slope[S_DOWN] + slope[D_DOWN], slope[S_DOWN] - slope[D_DOWN]
    delta = -(down + d) / (2 * e) * ((down - d) / (down + d) * sums + differences)
    current = solution.profile(z).current_density
    np.testing.assert_allclose(delta, current[S_DOWN] - current[D_DOWN], rtol=1e-6)


def test_paper_WD04_statement_thickness_rate_falls_as_one_over_the_length():
    """The transfer of half a layer grows and levels off at the d share of the bulk current, so f ends as 1/L."""
    medium = ferromagnet()
    rates = []
    for length in (150 * NM, 300 * NM, 600 * NM):
        stack = [Layer(metal(), np.inf), Layer(medium, length), Layer(metal(), np.inf)]
        rates.append(f_of(solve_stack(stack, current_density=J), 0, length / 2))
    share = J * medium.conductivity[D_DOWN] / medium.total_conductivity
    expected = [mu_B / (e * MOMENT_DENSITY * length / 2) * share for length in (150 * NM, 300 * NM, 600 * NM)]
    np.testing.assert_allclose(rates[1:], expected[1:], rtol=2e-3)
    assert rates[1] / rates[2] == pytest.approx(2, rel=2e-3, abs=0)
    # thin layers: both the transfer and f grow, f up to some 10 nm
    lengths = np.array([2, 5, 10, 15, 30]) * NM
    thin = []
    for length in lengths:
        stack = [Layer(metal(), np.inf), Layer(medium, length), Layer(metal(), np.inf)]
        thin.append(f_of(solve_stack(stack, current_density=J), 0, length / 2))
    transfers = np.array(thin) * e * MOMENT_DENSITY * lengths / 2 / mu_B
    assert (np.diff(transfers) > 0.01 * share).all()
    assert transfers[0] < 0.1 * share
    assert np.argmax(thin) == 2


# --- noise of the length ----------------------------------------------------------------------------------------------


def test_paper_WD04_26_transverse_constant_from_the_thermal_field():
    """c eta kT is the variance per time of a tangent component in a run; with the printed c = Gamma M_s it is not."""
    alpha, kelvin, step = 0.3, 300.0, 1e-15
    for density, volume in ((8e5, 1e-25), (8e5, 4e-25), (1.4e6, 1e-25)):
        options = {"alpha": alpha, "magnetic_moment": density * volume, "temperature": kelvin}
        run = integrate_stochastic_llg(Z, np.zeros(3), step, 1, **options)
        measured = (gyromagnetic_ratio * run.thermal_field) ** 2 * step / (1 + alpha**2)
        eta = alpha / (gyromagnetic_ratio * density)
        exact = 2 * gyromagnetic_ratio**2 / (volume * (1 + alpha**2))
        assert measured == pytest.approx(exact * eta * k_B * kelvin, rel=1e-12, abs=0)
        printed = gyromagnetic_ratio * density * eta * k_B * kelvin  # alpha kT, an energy
        miss = 2 * gyromagnetic_ratio / (density * volume * (1 + alpha**2))  # per joule and second: no number
        np.testing.assert_allclose(measured / printed, miss, rtol=1e-12)


def test_paper_WD04_statement_constant_has_no_volume():
    """A run in four times the volume has a quarter of the noise; the printed constant gives the same for both."""
    variances = []
    for volume in (1e-25, 4e-25):
        start = np.tile(Z, (4000, 1))
        options = {"alpha": 0.3, "magnetic_moment": 8e5 * volume, "temperature": 300.0, "seed": 3, "record_every": 20}
        run = integrate_stochastic_llg(start, np.zeros(3), 2e-14, 20, **options)
        variances.append((run.m[-1, :, :2] ** 2).mean())
    assert variances[0] / variances[1] == pytest.approx(4, rel=0.1, abs=0)  # 8000 numbers each: 2 per cent


@pytest.mark.parametrize(("added", "power"), [(False, 1), (True, 3)])
def test_limit_temperature_of_a_shortened_vector(added, power):
    """Variance about the easy axis in Heun's scheme with half the length: T/|u| for a field, T/|u|^3 for a force.

    Small angles: dn/dt = -h |u| n + noise, noise of the strength q for a field across u, q/|u|^2 for a force.
    """
    h, q, dt, count, draw = 1.0, 0.005, 0.05, 20_000, np.random.default_rng(8)
    variances = []
    for length in (1.0, 0.5):
        u = np.tile(length * Z, (count, 1))

        def drift(u, kick, length=length):
            n = u / length
            down = n * [1, 1, 0] - (n[:, :1] ** 2 + n[:, 1:2] ** 2) * n  # gradient of (n_x^2 + n_y^2)/2
            force = kick if added else -np.cross(u, kick)
            across = force - np.einsum("ti,ti->t", n, force)[:, None] * n
            return -h * length**2 * down + across

        for _ in range(160 if length == 1 else 320):
            kick = np.sqrt(q / dt) * draw.standard_normal((count, 3))
            first = drift(u, kick)
            guess = u + dt * first
            guess *= length / np.linalg.norm(guess, axis=1, keepdims=True)
            u = u + dt / 2 * (first + drift(guess, kick))
            u *= length / np.linalg.norm(u, axis=1, keepdims=True)
        variances.append(((u / length)[:, :2] ** 2).mean())
    # 40000 numbers each: 1 per cent for the ratio; variances to 0.02, anharmonic by a few times that
    measured = np.log2(variances[1] / variances[0])
    assert measured == pytest.approx(power, abs=0.06 if power == 1 else 0.15)


@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_paper_WD04_statement_after_25_mean_square_cannot_vanish(noise):
    """Heun's scheme for du = -f u with <f> = 0: the mean square grows as exp(2 q t), the median stays."""
    draw, count, steps, time = np.random.default_rng(5), 40_000, 200, 1.0
    dt = time / steps
    u = np.ones(count)
    for _ in range(steps):
        f = np.sqrt(noise / dt) * draw.standard_normal(count)
        guess = u * (1 - f * dt)
        u = u - f * dt * (u + guess) / 2
    mean = np.exp(2 * noise * time)
    # ln u^2 has the variance 4 q t
    error = mean * np.sqrt(np.expm1(4 * noise * time) / count)
    assert abs((u**2).mean() - mean) < 4 * error + 2 * noise * dt * mean
    assert (u**2).mean() > 1 + 4 * error
    assert np.median(u) == pytest.approx(1, abs=4 * 1.26 * np.sqrt(noise * time / count) + noise * dt)


def test_paper_WD04_statement_force_noise_of_the_length_moves_no_magnet():
    """A strong random f leaves the motion without damping as it was, step by step in any sense of the noise."""
    magnet, draw = Magnet(some_magnet(2).form, loss=0.0), np.random.default_rng(6)
    kicks = draw.standard_normal(50) * 20
    pushed = magnet.path(lambda t: kicks[min(int(t * 12.5), 49)], TIMES[:5], START)
    free = magnet.path(lambda t: 0.0, TIMES[:5], START)
    size = np.linalg.norm(pushed, axis=1, keepdims=True)
    assert size.max() / size.min() > 1.5
    np.testing.assert_allclose(pushed / size, free / np.linalg.norm(START), rtol=0, atol=1e-6)


# --- estimates --------------------------------------------------------------------------------------------------------


def test_paper_WD04_statement_area_electrons_per_second():
    """10^16/s needs (100 nm)^2; through a square of 50 or 200 nm it is a quarter of it or four times as much."""
    for side, factor in ((100, 1), (50, 0.25), (200, 4)):
        assert 1.6e7 * 1e4 / e * (side * NM) ** 2 == pytest.approx(factor * 1e16, rel=2e-3, abs=0)


def test_paper_WD04_statement_curie_energy_is_that_of_all_moments_together():
    electron_volt = e
    assert 2e4 * mu_B * 1.0 / electron_volt == pytest.approx(1.158, abs=5e-4)
    per_second = 0.01 * J / e * (100 * NM) ** 2
    for duration, moments in ((1e-12, 1e2), (1e-9, 1e5)):
        assert per_second * duration == pytest.approx(moments, rel=2e-3, abs=0)
    curie = k_B * 1400  # cobalt, to a per cent
    assert mu_B * 1.0 / curie == pytest.approx(4.8e-4, rel=1e-2, abs=0)
    assert 2e4 * mu_B * 1.0 / curie == pytest.approx(9.6, rel=1e-2, abs=0)


# --- a torque along the axis ------------------------------------------------------------------------------------------


def collinear(sigma, i, alpha, phi=0.0):
    energy = QuadraticPotential(quadratic=-sigma * np.outer(Z, Z))
    chi = QuadraticPotential(linear=-2 * alpha * sigma * i * Z)
    return GeneralizedLLG(energy, alpha, 1 / alpha, chi=chi, phi=QuadraticPotential(linear=phi * Z))


@pytest.mark.parametrize(("a", "b"), [(0.7, 0.0), (-0.4, 0.9)])
def test_limit_torque_is_the_gradient_of_chi(a, b):
    """The torque of `macrospin` and the potentials: the same motion at random directions."""
    alpha, moment, field = 0.3, 4e-19, 0.1
    lever = moment / gyromagnetic_ratio
    rate = gyromagnetic_ratio * field
    energy = QuadraticPotential(quadratic=-moment * field / 2 * np.outer(Z, Z))
    chi = QuadraticPotential(linear=lever * rate * (a - alpha * b) * Z)
    phi = QuadraticPotential(linear=lever * rate * (b + alpha * a) * Z)
    system = GeneralizedLLG(energy, alpha, landau_lifshitz_mobility(moment, alpha), chi=chi, phi=phi)
    m = np.random.default_rng(7).standard_normal((20, 3))
    m /= np.linalg.norm(m, axis=1, keepdims=True)
    torque = SpinTorque(Z, a * rate, -b * rate)(m, 0.0)  # its field-like part is B p x m
    expected = llg_rate(m, field * m[:, 2:] * Z, alpha=alpha, torque=torque)
    np.testing.assert_allclose(system.velocity(m), expected, rtol=0, atol=1e-12 * rate)


def cells(sigma, i, low, count):
    """Rates of Brown's operator above ``low``, in cells and units of D; absorbing at ``low`` unless that is -1."""
    edge = np.linspace(low, 1, count + 1)
    middle, size = (edge[1:] + edge[:-1]) / 2, edge[1] - edge[0]
    flow = (1 - edge**2) * np.exp(sigma * (edge**2 - 2 * i * edge)) / size
    flow[0] *= 2
    weight = np.exp(sigma * (middle**2 - 2 * i * middle)) * size
    beside = -flow[1:-1] / np.sqrt(weight[1:] * weight[:-1])
    return eigh_tridiagonal((flow[1:] + flow[:-1]) / weight, beside, eigvals_only=True)


@pytest.mark.parametrize("i", [0.0, 0.1, -0.2, 0.35])
def test_limit_rates_under_current_are_browns_at_a_shifted_field(i):
    """Finite volumes, extrapolated in the size of the cells, and the whole sphere at two alphas and with Phi."""
    sigma = 5.0
    coarse, fine = (cells(sigma, i, -1.0, count)[1] for count in (800, 1600))
    exact = brown_eigenvalue(sigma, -i)
    assert (4 * fine - coarse) / 3 == pytest.approx(exact, rel=1e-6, abs=0)
    for alpha, phi in ((0.05, 0.0), (0.7, 4.0)):
        solution = solve_fokker_planck(collinear(sigma, i, alpha, phi), 1 / k_B)
        assert solution.rates[1].real == pytest.approx(exact, rel=1e-6, abs=0)


def test_limit_positive_current_empties_the_upper_state():
    """<u_z> on the whole sphere, and by quadrature of the shifted potential."""
    sigma, i = 5.0, 0.1
    law = [quad(lambda u, k=k: u**k * np.exp(sigma * (u * u - 2 * i * u)), -1, 1, epsrel=1e-11)[0] for k in (0, 1)]
    mean = solve_fokker_planck(collinear(sigma, i, 0.3), 1 / k_B).mean[2]
    assert mean == pytest.approx(law[1] / law[0], abs=1e-8)
    assert mean < -0.5
    assert telegraph_noise(sigma, -i, 1.0).probability_up < 0.2


def test_paper_WD04_statement_sign_square_of_delta_J_is_even():
    """Unequal neighbours: reversed current, reversed delta J at each place; a mirrored stack is another state."""
    faces = [None, Interface([4e-15, 2e-16, np.inf, np.inf])]
    layers = [Layer(metal(), np.inf), Layer(ferromagnet(), 60 * NM), Layer(metal(3 * NM), np.inf)]
    z = np.array([1.0, 10.0, 30.0, 50.0, 59.0]) * NM

    def delta(current, layers, faces, places):
        now = solve_stack(layers, faces, current_density=current).profile(places).current_density
        return now[S_DOWN] - now[D_DOWN]

    forth, back = (delta(sign * J, layers, faces, z) for sign in (1, -1))
    np.testing.assert_allclose(back, -forth, rtol=1e-10)
    mirrored = delta(-J, layers[::-1], faces[::-1], 60 * NM - z)  # the same state seen from the other side
    np.testing.assert_allclose(mirrored, back, rtol=1e-8)
    other = delta(J, layers[::-1], faces[::-1], z)
    assert np.abs(other**2 / forth**2 - 1).max() > 0.05


def test_paper_WD04_statement_sign_rates_change_in_first_order():
    """Populations of the two wells by quadrature of exp(sigma(u^2 - 2 i u)); no common temperature does this."""
    sigma = 5.0
    for i in (0.02, 0.1, 0.2):
        parts = [
            quad(lambda u, i=i: np.exp(sigma * (u * u - 2 * i * u)), *ends, epsabs=0, epsrel=1e-11)[0]
            for ends in ((-1, i), (i, 1))
        ]
        forth, back = (telegraph_noise(sigma, -sign * i, 1.0) for sign in (1, -1))
        assert forth.rate_up_down / back.rate_up_down == pytest.approx(parts[0] / parts[1], rel=1e-8, abs=0)
        assert forth.corner_frequency == pytest.approx(back.corner_frequency, rel=1e-9, abs=0)
    # first order: the logarithm of the ratio is linear in I, of the order 4 sigma; a square would be even
    small = [np.log(telegraph_noise(sigma, -i, 1.0).rate_up_down) for i in (-1e-3, 0.0, 1e-3)]
    slope, bend = (small[2] - small[0]) / 2e-3, small[2] - 2 * small[1] + small[0]
    assert 0.8 < slope / (2 * sigma) < 1
    assert abs(bend) < 1e-2 * (small[2] - small[0])


def heun_chain(sigma, i, alpha, step):
    """Slowest rate of the scheme in units of gamma B_K: Gauss-Hermite over one step, Legendre polynomials in u_z."""
    node, weight = hermite_e.hermegauss(8)
    weight = weight / weight.sum()
    kicks = np.stack(np.meshgrid(node, node, node, indexing="ij"), -1).reshape(-1, 3)
    weights = np.einsum("i,j,k->ijk", weight, weight, weight).ravel()
    kicks = np.sqrt(alpha / (sigma * step)) * kicks
    u, w = legendre.leggauss(48)
    m = np.stack([np.sqrt(1 - u**2), 0 * u, u], -1)[:, None]

    def rate(n):
        drive = -np.cross(n, n[..., 2:] * Z + kicks) - i * alpha * (Z - n[..., 2:] * n)
        return (drive + alpha * np.cross(n, drive)) / (1 + alpha**2)

    first = rate(m)
    guess = m + step * first
    moved = m + step / 2 * (first + rate(guess / np.linalg.norm(guess, axis=-1, keepdims=True)))
    moved = moved[..., 2] / np.linalg.norm(moved, axis=-1)
    after = np.einsum("uhl,h->ul", legendre.legvander(moved, 24), weights)
    onward = (np.arange(25)[:, None] + 0.5) * np.einsum("u,uk,ul->kl", w, legendre.legvander(u, 24), after)
    return -np.log(np.sort(np.abs(np.linalg.eigvals(onward)))[-2]) / step


def test_limit_error_of_the_scheme_is_of_first_order_in_the_step():
    exact = brown_eigenvalue(5.0, -0.1) * 0.5 / (1 + 0.25) / 10
    errors = [1 - heun_chain(5.0, 0.1, 0.5, step) / exact for step in (0.1, 0.05, 0.025)]
    assert errors[0] == pytest.approx(0.036, abs=0.002)
    assert 1.8 < errors[0] / errors[1] < 2.2
    assert 1.8 < errors[1] / errors[2] < 2.2


def displaced(core, diffusion, interval):
    """Where a core lies that is looked for at intervals: farther by -zeta(1/2)/sqrt(2 pi) root mean square steps."""
    return core - 0.5826 * np.sqrt(2 * diffusion * (1 - core**2) * interval)


@pytest.mark.parametrize("i", [-0.1, 0.0, 0.2])
def test_limit_core_that_is_looked_for_at_intervals(i):
    """Brown's equation from record to record with the core emptied at each, against a displaced absorbing core.

    Units of 1/D. The displacement is of first order in the root mean square step s; what is left is of order s^2.
    """
    sigma, core, count = 5.0, -0.6, 800
    edge = np.linspace(-1, 1, count + 1)
    middle, size = (edge[1:] + edge[:-1]) / 2, edge[1] - edge[0]
    flow = (1 - edge**2) * np.exp(sigma * (edge**2 - 2 * i * edge)) / size
    weight = np.exp(sigma * (middle**2 - 2 * i * middle)) * size
    decay, mode = eigh_tridiagonal((flow[1:] + flow[:-1]) / weight, -flow[1:-1] / np.sqrt(weight[1:] * weight[:-1]))
    stays = middle > core
    always = cells(sigma, i, core, 1500)[0]
    for interval in (0.02, 0.005):
        onward = (mode * np.exp(-decay * interval)) @ mode.T
        seen = -np.log(np.linalg.eigvalsh(onward[np.ix_(stays, stays)])[-1]) / interval
        moved = cells(sigma, i, displaced(core, 1.0, interval), 1500)[0]
        assert seen < always
        assert abs(seen - moved) < 0.2 * (always - seen)


@compiled_only
@pytest.mark.parametrize("i", [-0.05, 0.1, 0.2])
def test_limit_ensembles_escape_at_the_exact_rate(i):
    """Five seeds, some 5000 escapes: 1.4 per cent, stated before; scheme, core and records computed.

    Another law of the rate is rejected.
    """
    sigma, alpha, field, kelvin, core = 5.0, 0.5, 0.1, 300.0, -0.6
    moment, omega = 2 * sigma * k_B * kelvin / field, gyromagnetic_ratio * field
    diffusion = alpha / (1 + alpha**2) / (2 * sigma)
    step, every, settle = 0.1, 5, 20.0
    scheme = heun_chain(sigma, i, alpha, step) / (brown_eigenvalue(sigma, -i) * diffusion)
    expected = cells(sigma, i, displaced(core, diffusion, every * step), 1500)[0] * diffusion * scheme
    records = int(1 / expected / step / every)
    events = spent = 0.0
    for seed in (1, 2, 3, 4, 5):
        run = integrate_stochastic_llg(
            np.tile(Z, (1700, 1)),
            LinearField(tensor=field * np.outer(Z, Z)),
            step / omega,
            every * records,
            alpha=alpha,
            magnetic_moment=moment,
            temperature=kelvin,
            torque=SpinTorque(Z, -i * alpha * omega),
            seed=seed,
            record_every=every,
        )
        gone = run.m[..., 2] < core
        passed = np.where(gone.any(axis=0), gone.argmax(axis=0), records + 1)
        passed = passed[passed * every * step > settle]
        events += (passed <= records).sum()
        spent += (np.minimum(passed, records) * every * step - settle).sum()
    error = 1 / np.sqrt(events)
    assert error < 0.017
    assert abs(events / spent / expected - 1) < 4 * error + 0.005
    hot = brown_eigenvalue(sigma, 0.0) / 2 * diffusion * np.exp(sigma * i)  # one temperature, T/(1 - I/I_c)
    assert abs(events / spent / hot - 1) > 8 * error


@pytest.mark.parametrize("i", [0.2, 0.4])
def test_limit_two_temperatures_in_one_magnet(i):
    """Width of a well by a sum over its density: 1/(1 - i); slope of the logarithm of the rate: 1/(1 - i)^2."""
    widths, slopes = [], []
    for current in (0.0, i):
        middle = np.linspace(current, 1, 20_001)[1::2]
        weight = np.exp(60.0 * (middle**2 - 2 * current * middle - 1 + 2 * current))
        widths.append(weight @ (1 - middle**2) / weight.sum())
        barrier = [
            np.log(brown_eigenvalue(s, -current) * (1 - telegraph_noise(s, -current, 1).probability_up))
            for s in (59, 61)
        ]
        slopes.append((barrier[0] - barrier[1]) / 2)
    allowed = 2 / (60 * (1 - i) ** 2)
    assert abs(widths[1] / widths[0] * (1 - i) - 1) < allowed
    assert abs(slopes[0] / slopes[1] * (1 - i) ** 2 - 1) < allowed
    # neither is the other
    assert abs(slopes[0] / slopes[1] * (1 - i) - 1) > 3 * allowed


# --- the layer in the plane -------------------------------------------------------------------------------------------


def galerkin(sigma, k_d, alpha, i, top):
    """Weak form on complex-free harmonics by quadrature: d<Y_a>/dt = <v.grad Y_a> - l(l+1) D <Y_a>, in units of D."""
    x, w = legendre.leggauss(top + 6)
    count = 2 * top + 8
    angle = 2 * np.pi * np.arange(count) / count
    u, phi = (grid.ravel() for grid in np.meshgrid(x, angle, indexing="ij"))
    weight, sine = np.repeat(w, count) * 2 * np.pi / count, np.sqrt(1 - u**2)
    values, polar, around, degree = [], [], [], []
    for l in range(top + 1):  # noqa: E741 (the degree)
        for m in range(l + 1):
            norm = np.sqrt((2 * l + 1) / (4 * np.pi) * np.exp(gammaln(l - m + 1) - gammaln(l + m + 1)) * (2 - (m == 0)))
            below = lpmv(m, l - 1, x) if l > m else 0 * x
            slope = (l * x * lpmv(m, l, x) - (l + m) * below) / np.sqrt(1 - x**2)
            p, dp = np.repeat(norm * lpmv(m, l, x), count), np.repeat(norm * slope, count)
            for f, df in ((np.cos, lambda a: -np.sin(a)), (np.sin, np.cos))[: 1 + (m > 0)]:
                values.append(p * f(m * phi))
                polar.append(dp * f(m * phi))
                around.append(m * p * df(m * phi) / sine)
                degree.append(l)
    values, polar, around, degree = map(np.array, (values, polar, around, degree))
    slope_polar = 2 * sigma * u * sine * (1 + k_d * np.sin(phi) ** 2)
    slope_around = 2 * sigma * k_d * sine * np.sin(phi) * np.cos(phi)
    v_polar = -slope_around - alpha * slope_polar + i * alpha * sigma * (2 + k_d) * sine
    v_around = slope_polar - alpha * slope_around
    matrix = ((polar * v_polar + around * v_around) * weight) @ values.T / alpha
    return matrix - np.diag(degree * (degree + 1.0)), degree


def slow_mode(sigma, k_d, alpha, i, top):
    """Slowest rate by inverse iteration, and <u_z>."""
    matrix, degree = galerkin(sigma, k_d, alpha, i, top)
    factors = lu_factor(-matrix[1:, 1:])
    vertical = int(np.flatnonzero(degree == 1)[0]) - 1
    state = lu_solve(factors, matrix[1:, 0])
    vector = np.eye(len(state))[vertical]
    for _ in range(80):
        vector = lu_solve(factors, vector)
        vector /= np.linalg.norm(vector)
    return vector @ -matrix[1:, 1:] @ vector, state[vertical] / np.sqrt(3)


def in_plane(sigma, k_d, alpha, i, turning=0.0):
    """The layer under chi, and under Phi = turning alpha chi."""
    energy = QuadraticPotential(quadratic=sigma * np.diag([0, k_d, -1.0]))
    push = -i * alpha * sigma * (2 + k_d) * Z
    chi, phi = QuadraticPotential(linear=push), QuadraticPotential(linear=turning * alpha * push)
    return solve_fokker_planck(GeneralizedLLG(energy, alpha, 1 / alpha, chi=chi, phi=phi), 1 / k_B)


@pytest.mark.parametrize(("i", "slow", "height"), [(0.0, 1.1556, 0.0), (0.3, 1.5365, -0.6244), (0.6, 2.6804, -0.8463)])
def test_limit_in_plane_layer_two_ways(i, slow, height):
    found = slow_mode(2.5, 1.5, 0.2, i, 20)
    solution = in_plane(2.5, 1.5, 0.2, i)
    assert found[0] == pytest.approx(slow, abs=6e-5)
    assert found[1] == pytest.approx(height, abs=6e-5)
    assert solution.rates[1].real == pytest.approx(found[0], rel=1e-6, abs=0)
    assert solution.mean[2] == pytest.approx(found[1], abs=1e-6)


@compiled_only
@pytest.mark.parametrize(("turning", "height", "wrong"), [(0.0, -0.6244, -0.6027), (1.0, -0.6027, -0.6244)])
def test_limit_in_plane_layer_ensemble(turning, height, wrong):
    """<u_z> of 4000 magnets at nine times, 2.5/lambda_1 apart: chi alone, and the torque without a field-like part.

    Without it there is Phi = alpha chi besides, and <u_z> is another by 0.022. Error stated before: 0.0035 of the mean
    of nine, as many standard deviations of 0.6 as there are numbers; the step adds some 0.003.
    """
    sigma, k_d, alpha, i, field, kelvin, count = 2.5, 1.5, 0.2, 0.3, 0.1, 300.0, 4000
    moment, omega = 2 * sigma * k_B * kelvin / field, gyromagnetic_ratio * field
    torque = -i * alpha * omega * (2 + k_d) / 2
    system = in_plane(sigma, k_d, alpha, i, turning=turning)
    assert system.mean[2] == pytest.approx(height, abs=6e-5)
    if turning:
        drive = SpinTorque(Z, torque)
    else:
        drive = SpinTorque(Z, torque / (1 + alpha**2), alpha * torque / (1 + alpha**2))
    rate = 1.5365 * alpha / (1 + alpha**2) / (2 * sigma)
    spacing = int(2.5 / rate / 0.05)
    run = integrate_stochastic_llg(
        np.tile(Z, (count, 1)),
        LinearField(tensor=field * np.diag([0, -k_d, 1.0])),
        0.05 / omega,
        10 * spacing,
        alpha=alpha,
        magnetic_moment=moment,
        temperature=kelvin,
        torque=drive,
        seed=9,
        record_every=spacing,
    )
    u = run.m[2:, :, 2]
    error = u.mean(axis=0).std() / np.sqrt(count)
    assert error < 0.004
    assert abs(u.mean() - height) < 0.012
    assert abs(u.mean() - wrong) > 3 * error


def orbit_ratio(energy, k_d):
    """Work of the torque over loss on one orbit of the motion without damping, integrated in time."""
    form = np.diag([0, k_d, -1.0])

    def slope(u):
        full = 2 * form @ u
        return full - (full @ u) * u

    def motion(_, y):
        down = slope(y[:3])
        turned = np.cross(y[:3], down)
        return [*turned, (2 + k_d) * (-(Z - y[2] * y[:3]) @ down), down @ down]

    def back(_, y):
        return y[1]

    back.direction, back.terminal = 1, True
    # from u_y = 0 half an orbit, then to where u_y rises through 0 again
    start = [np.sqrt(1 + energy), 0.0, np.sqrt(-energy)]
    begin = solve_ivp(motion, (0, 0.05), [*start, 0, 0], rtol=1e-11, atol=1e-13).y[:, -1]
    options = {"rtol": 1e-11, "atol": 1e-13}
    rising = solve_ivp(motion, (0, 200), [*begin[:3], 0, 0], events=back, **options).y_events[0][0]
    onward = solve_ivp(motion, (0, 0.05), [*rising[:3], 0, 0], **options).y[:, -1]
    whole = solve_ivp(motion, (0, 200), [*onward[:3], *onward[3:]], events=back, **options).y_events[0][0]
    return whole[3] / whole[4]


def ratio(energy, k_d, count=4000):
    """The same from the ellipse of the orbit, as on the page."""
    s = (np.arange(count) + 0.5) * 2 * np.pi / count
    y = np.sqrt((1 + energy) / (1 + k_d)) * np.sin(s)
    z = np.sqrt(k_d * y**2 - energy)
    lost = 4 * (z**2 + k_d**2 * y**2 - energy**2)
    return ((2 + k_d) * 2 * (1 + energy) * count) / (lost / z).sum()


def mean_ratio(k_d):
    x, w = legendre.leggauss(48)
    return sum(b / 2 * ratio((a - 1) / 2, k_d) for a, b in zip(x, w, strict=True))


@pytest.mark.parametrize(("energy", "k_d"), [(-0.9, 1.5), (-0.4, 1.5), (-0.2, 8.0)])
def test_limit_work_of_the_torque_on_an_orbit(energy, k_d):
    assert ratio(energy, k_d) == pytest.approx(orbit_ratio(energy, k_d), rel=1e-6, abs=0)


def test_limit_work_ratio_at_bottom_and_saddle():
    for k_d in (0.5, 1.5, 10.0):
        assert ratio(-1 + 1e-7, k_d) == pytest.approx(1, abs=1e-6)
        saddle = np.pi * (2 + k_d) / (4 * np.sqrt(k_d * (1 + k_d)))
        assert ratio(-1e-7, k_d, 1_000_000) == pytest.approx(saddle, rel=1e-4, abs=0)
    assert mean_ratio(1.5) == pytest.approx(1.1756, abs=1e-4)
    assert mean_ratio(1e6) == pytest.approx(0.918, abs=2e-3)
    assert ratio(-0.25, 1e-9) == pytest.approx(2, rel=1e-6, abs=0)  # 1/u_z without the hard axis


def fall(alpha, i, top, k_d=1.5, low=5.0, high=7.0):
    """B(0) - B(I) in units of sigma kT from the rates out of the upper state, by the Galerkin matrices of this file."""
    logs = []
    for sigma in (low, high):
        rates = [slow_mode(sigma, k_d, alpha, current, top) for current in (0.0, i)]
        shares = [0.5, (1 - rates[1][1] / 0.9) / 2]
        logs.append(np.log(rates[1][0] * min(1, shares[1])) - np.log(rates[0][0] / 2))
    return (logs[1] - logs[0]) / (high - low)


def test_limit_barrier_of_the_layer_falls_linearly_at_weak_damping():
    """alpha = 0.1: within 0.04 of the law of weak damping, and far from the square without precession."""
    for i in (0.15, 0.3):
        found = fall(0.1, i, 26)
        assert abs(found - mean_ratio(1.5) * i) < 0.04
        assert 1 - (1 - (2 + 1.5) * i / 2) ** 2 - found > 0.2


def test_limit_barrier_of_the_layer_without_precession():
    """At alpha = 30 the drift is that of V - chi/alpha: saddle at u_z = (2 + k_d) i/2; closer at larger sigma."""
    for i, allowed in ((0.2, 0.06), (0.3, 0.08)):
        law = 1 - (1 - (2 + 1.5) * i / 2) ** 2
        low, high = fall(30.0, i, 22, low=4, high=6), fall(30.0, i, 26, low=6, high=8)
        assert abs(high - law) < 0.8 * abs(low - law)
        assert high == pytest.approx(law, abs=allowed)
