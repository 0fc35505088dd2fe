"""Transients of the spin accumulation and their back-action, each against a route that does not use the evolution.

The routes: matrix exponentials of Fourier components, error functions and Bessel functions, finite volumes, Radau's
factor mode by mode, the steady solver, and the equations of motion of both spins as they stand.
"""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import simpson, solve_ivp
from scipy.linalg import expm
from scipy.optimize import minimize_scalar
from scipy.sparse import lil_array
from scipy.sparse.linalg import expm_multiply, spsolve
from scipy.special import erfc, ive

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    decay_rate,
    evolve_accumulation,
    hanle_signal,
    sd_damping,
    solve_accumulation,
    transverse_wavenumber,
)
from spinlib.dynamics.macrospin import llg_rate
from spinlib.spin import cross_matrix, rotation_matrix
from spinlib.units import e, fs, gyromagnetic_ratio, hbar, meV, nm, ps
from tests.book.chapter_code import defined
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "accumulation_in_time.md"
RNG = np.random.default_rng(66)
CLOSED = Boundary.spin_current((0.0, 0.0, 0.0))
METAL = DiffusiveMedium(1e-3, 1 * ps, 3 * fs, 100 * meV)
NORMAL = DiffusiveMedium(1e-3, 10 * ps, 3 * fs)
FLOW = 0.4 * 4e11 / (2 * e)  # hbar/(m^2 s)
PAGE_FUNCTIONS = ("stack", "torque_on", "rate_of", "on_moment", "lag", "pair")


def scaled(tau=0.0, lost=0.0, omega=0.0):
    """A medium with D = 1 whose units are free."""
    return DiffusiveMedium(1.0, 1 / lost if lost else np.inf, tau, omega * hbar)


@cache
def chapter():
    """Functions and imports of the page, with the numbers that they use."""
    space = {"magnet": METAL, "normal": NORMAL, "gamma": gyromagnetic_ratio, "gilbert": 0.01, "drift": FLOW}
    space |= {"spins": 8e5 / (gyromagnetic_ratio * hbar) * 4 * nm, "p": np.array([0, 0, 1.0])}
    space |= {"Larmor": gyromagnetic_ratio * np.array([0, 0, -0.05]), "fits_ab": ([0.3, 0.1], [0.2, -0.4])}
    defined(PAGE, space, PAGE_FUNCTIONS)
    space["device"] = space["stack"]((1, 0, 0))
    return space


def along(x, profile):
    return profile(x)[:, None] * np.array([0.0, 0.0, 1.0])


# --- the two moments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.02, 0.1, 0.33])
def test_limit_fourier_component_by_matrix_exponential(tau):
    lost, q, omega, field = 0.7, np.pi, 3.0, np.array([0.5, -1.0, 0.8])
    H = cross_matrix(omega * np.array([0, 0.6, 0.8]) + field)
    a, b = RNG.normal(size=(2, 3))
    rate = np.block([[-lost * np.eye(3) - H, -q * np.eye(3)], [q / tau * np.eye(3), -np.eye(3) / tau - H]])
    medium = scaled(tau, lost, omega)
    box = SpinStructure([Layer(medium, 1.0, (0, 0.6, 0.8), 0.0)], CLOSED, CLOSED, larmor_frequency=field)
    times = np.array([0.2, 0.5])
    # An equilibrium of 0 leaves m itself.
    result = evolve_accumulation(
        box,
        lambda x: np.cos(q * x)[:, None] * a,
        times,
        initial_spin_current=lambda x: np.sin(q * x)[:, None] * b,
        time_step=0.005,
    )
    for t, m, j in zip(times, result.spin_accumulation, result.spin_current, strict=True):
        after = expm(rate * t) @ np.concatenate([a, b])
        np.testing.assert_allclose(m, np.cos(q * result.position)[:, None] * after[:3], rtol=0, atol=2e-8)
        np.testing.assert_allclose(j, np.sin(q * result.position)[:, None] * after[3:], rtol=0, atol=2e-7)


@pytest.mark.parametrize(("tau", "omega"), [(0.3, 0.0), (0.3, 3.0), (0.0, 3.0)])
def test_limit_free_precession_decays_with_decay_rate_not_with_the_tensor(tau, omega):
    medium, q = scaled(tau, 0.7, omega), 0.5
    rate = decay_rate(medium, q)
    slow = rate - 1j * omega
    box = SpinStructure([Layer(medium, 2 * np.pi)], CLOSED, CLOSED)
    result = evolve_accumulation(
        box,
        lambda x: np.cos(q * x)[:, None] * np.array([1.0, 0, 0]) + [0, 0, np.sign(omega)],
        [1.0],
        initial_spin_current=lambda x: (q / (1 - slow * tau)).real * np.sin(q * x)[:, None] * np.array([1.0, 0, 0]),
        time_step=0.01,
    )
    m = result.spin_accumulation[0, 0, :2] @ (1, 1j)
    assert m == pytest.approx(np.exp(-rate), abs=1e-8)
    tensor = 0.7 + q**2 / (1 + (omega * tau) ** 2)  # (71) in time
    if omega * tau:
        assert -np.log(abs(m)) - tensor == pytest.approx((slow - tensor).real, abs=1e-7)
        assert (slow - tensor).real > 0.1  # of 0.25


def test_limit_pulse_has_a_front_that_fick_has_not():
    tau, sigma, t = 1.0, 0.2, 3.0
    pulses = []
    for medium in (scaled(tau), scaled()):
        box = SpinStructure([Layer(medium, 20.0)], CLOSED, CLOSED, origin=-10.0)
        result = evolve_accumulation(
            box, lambda x: along(x, lambda y: np.exp(-(y**2) / (2 * sigma**2))), [t], time_step=0.03
        )
        pulses.append(result.at(np.linspace(0, 6, 61))[0][0, :, 2])
    x, wide = np.linspace(0, 6, 61), sigma**2 + 2 * t
    np.testing.assert_allclose(pulses[1], sigma / np.sqrt(wide) * np.exp(-(x**2) / (2 * wide)), rtol=0, atol=1e-8)
    ahead = x > t + 6 * sigma
    assert np.abs(pulses[0][ahead]).max() < 1e-6
    assert pulses[1][ahead].min() > 0.004
    # Electrons without a collision: half of the pulse goes each way and loses exp(-t/2 tau); a tail fills up behind.
    assert pulses[0][30] > np.exp(-t / 2) / 2


@pytest.mark.parametrize("omega", [0.0, 2.0, -5.0])
def test_limit_switched_current_is_an_error_function(omega):
    """Half a space, Fick's law with precession: the rate of loss is complex."""
    medium, lost = scaled(0.0, 0.5, omega), 0.5
    room = SpinStructure([Layer(medium, 14.0, equilibrium=0.0)], Boundary.spin_current((1.0, 0, 0)), CLOSED)
    times = np.array([0.5, 1.5])
    result = evolve_accumulation(room, (0, 0, 0), times, time_step=0.01)
    x = np.linspace(0, 4, 21)
    m = result.at(x)[0][..., :2] @ (1, 1j)
    s = lost + 1j * omega
    k = np.sqrt(s)
    for t, found in zip(times, m, strict=True):
        u, r = x / (2 * np.sqrt(t)), np.sqrt(s * t)
        wanted = (np.exp(-k * x) * erfc(u - r) - np.exp(k * x) * erfc(u + r)) / (2 * k)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6)


def test_limit_switched_current_starts_with_a_step_where_there_is_inertia():
    room = SpinStructure([Layer(scaled(1.0), 8.0)], Boundary.spin_current((0, 0, 1.0)), CLOSED)
    times = np.linspace(0.2, 6, 30)
    face = evolve_accumulation(room, (0, 0, 0), times, time_step=0.05).spin_accumulation[:, 0, 2]
    u = times / 2
    np.testing.assert_allclose(face, (1 + 2 * u) * ive(0, u) + 2 * u * ive(1, u), rtol=0, atol=1e-7)
    assert face[0] == pytest.approx(1.0 + 0.1, abs=0.01)  # j_0 sqrt(tau/D) at t = 0, where Fick's law has 0


# --- the scheme -------------------------------------------------------------------------------------------------------


def test_limit_order_five_in_time():
    medium, q, t = scaled(0.3, 0.7, 3.0), 0.5, 2.0
    rate = decay_rate(medium, q)
    own = (q / (1 - (rate - 3j) * 0.3)).real
    box = SpinStructure([Layer(medium, 2 * np.pi)], CLOSED, CLOSED)
    errors = []
    for step in 0.1 / 2 ** np.arange(4):
        result = evolve_accumulation(
            box,
            lambda x: np.cos(q * x)[:, None] * np.array([1.0, 0, 0]) + [0, 0, 1],
            [t],
            initial_spin_current=lambda x: own * np.sin(q * x)[:, None] * np.array([1.0, 0, 0]),
            time_step=step,
        )
        errors.append(abs(result.spin_accumulation[0, 0, :2] @ (1, 1j) - np.exp(-rate * t)))
    np.testing.assert_allclose(np.diff(np.log2(errors)), -5, rtol=0, atol=0.15)
    assert errors[-1] < 1e-8


def test_limit_order_eight_in_space():
    q, cells, errors = 0.2 * np.pi, np.array([64, 80, 100]), []
    for count in cells:
        layer = Layer(scaled(0.0, 1e-4), 100.0, source=lambda u: along(u, lambda y: np.cos(q * y)))
        result = evolve_accumulation(
            SpinStructure([layer], CLOSED, CLOSED), (0, 0, 0), [1.6e4], time_step=1e3, max_step=100 / (count - 0.5)
        )
        assert len(result.position) == count + 1
        wanted = np.cos(q * result.position) / (1e-4 + q**2)
        errors.append(np.abs(result.spin_accumulation[0, :, 2] - wanted).max())
    np.testing.assert_allclose(np.diff(np.log(errors)) / np.diff(np.log(cells)), -8, rtol=0, atol=0.25)


def test_limit_data_that_contradict_an_end_follow_the_factor_of_radau():
    step, many, lost = 0.02, 16, 0.1
    room = SpinStructure([Layer(scaled(0.0, lost), 1.0)], Boundary.spin_accumulation((0, 0, 0)), CLOSED)
    result = evolve_accumulation(room, (0, 0, 1), [many * step], time_step=step, max_step=0.02)
    x = np.array([0.01, 0.05, 0.2, 0.7])
    found = result.at(x)[0][0, :, 2]
    mode = (np.arange(4000) + 0.5) * np.pi
    z = step * (lost + mode**2)
    weights = 2 / mode[:, None] * np.sin(np.outer(mode, x))
    radau = (1 - 2 * z / 5 + z**2 / 20) / (1 + 3 * z / 5 + 3 * z**2 / 20 + z**3 / 60)
    np.testing.assert_allclose(found, radau**many @ weights, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found, np.exp(-many * z) @ weights, rtol=0, atol=1e-5)
    trapezoid = ((1 - z / 2) / (1 + z / 2)) ** many @ weights
    assert abs(trapezoid[0] / found[0]) > 5  # rings beside the face


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_invariant_nothing_loses_spin_between_closed_ends(seed):
    rng = np.random.default_rng(seed)
    layers = []
    for _ in range(3):
        tau, life, omega = rng.uniform(0, 0.02), 1e3, 5 * rng.normal()
        medium = DiffusiveMedium(rng.uniform(0.3, 3), life, tau, omega * hbar, rng.uniform(0.5, 2))
        layers.append(Layer(medium, rng.uniform(0.5, 2), (0, 0, rng.uniform(-1, 1)), 0.0))
    box = SpinStructure(layers, CLOSED, CLOSED)
    start = rng.normal(size=3)
    result = evolve_accumulation(box, start, [0.3, 1.0], time_step=0.1)
    held = (1e3 * result.layer_relaxation).sum(axis=1)[:, 2]  # along M nothing precesses
    wanted = start[2] * box.edges[-1] * np.exp(-np.array([0.3, 1.0]) / 1e3)
    np.testing.assert_allclose(held, wanted, rtol=0, atol=1e-10)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10**6))
def test_invariant_larmor_field_turns_what_diffuses_without_it(seed):
    """In a normal metal a field turns accumulation and current alike, at any tau."""
    rng = np.random.default_rng(seed)
    field, start, fed = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)
    layers = [Layer(scaled(tau, 0.5), 2.0) for tau in rng.uniform(0, 0.5, size=2)]
    runs = []
    for omega in (np.zeros(3), field):
        box = SpinStructure(layers, CLOSED, CLOSED, larmor_frequency=omega)
        result = evolve_accumulation(
            box,
            lambda x: np.cos(np.pi * x / 4)[:, None] * start,
            [0.8],
            initial_spin_current=lambda x: np.sin(np.pi * x / 4)[:, None] * fed,
            time_step=0.02,
            max_step=0.05,
        )
        runs.append((result.at(np.linspace(0, 4, 17))[0][0], result.at(np.linspace(0, 4, 17))[1][0]))
    turn = rotation_matrix(field, -0.8 * np.linalg.norm(field))
    for still, turned in zip(*runs, strict=True):
        np.testing.assert_allclose(turned, still @ turn.T, rtol=0, atol=2e-4)  # fronts from the interface


# --- a current is switched on -----------------------------------------------------------------------------------------


def stack(direction, drift=1.0):
    return SpinStructure(
        [
            Layer(METAL, 30 * nm, (0, 0, 1), 0.0, drift=drift),
            Layer(NORMAL, 6 * nm),
            Layer(METAL, 4 * nm, direction, 0.0, drift=drift),
            Layer(NORMAL, 20 * nm),
        ],
        right=Boundary.spin_accumulation((0, 0, 0)),
    )


def volumes(structure, size):
    """Cells of one size with the currents on their faces, m = 0 outside; second order."""
    counts = [round(layer.thickness / size) for layer in structure.layers]
    owner = np.repeat(np.arange(len(counts)), counts)
    n = len(owner)
    matrix = lil_array((6 * n + 4, 6 * n + 4))  # m in n cells, j on n + 1 faces, 1 for the sources
    one = 6 * n + 3
    for i in range(n):
        layer = structure.layers[owner[i]]
        H = layer.medium.exchange_frequency * cross_matrix(layer.magnetization)
        block = -H - np.eye(3) / layer.medium.spin_relaxation_time
        matrix[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = block
        matrix[3 * i : 3 * i + 3, one] = np.reshape(layer.source, (3, 1))
        for face, sign in ((i, 1), (i + 1, -1)):
            for c in range(3):
                matrix[3 * i + c, 3 * n + 3 * face + c] = sign / size
    for face in range(n + 1):
        sides = [owner[i] for i in (face - 1, face) if 0 <= i < n]
        mean = [structure.layers[s] for s in sides]
        H = np.mean([each.medium.exchange_frequency * cross_matrix(each.magnetization) for each in mean], axis=0)
        drive = np.mean([each.drift * each.magnetization for each in mean], axis=0)
        tau, D = mean[0].medium.momentum_time, mean[0].medium.diffusivity
        row = 3 * n + 3 * face
        matrix[row : row + 3, row : row + 3] = -H - np.eye(3) / tau
        gap = size if 0 < face < n else size / 2
        for c in range(3):
            if face > 0:
                matrix[row + c, 3 * (face - 1) + c] = D / (tau * gap)
            if face < n:
                matrix[row + c, 3 * face + c] = -D / (tau * gap)
            matrix[row + c, one] = drive[c] / tau
    return matrix.tocsr(), owner


def torques(structure, owner, size, state):
    m = state[: 3 * len(owner)].reshape(-1, 3)
    return [
        size * layer.medium.exchange_frequency * np.cross(layer.magnetization, m[owner == index]).sum(axis=0)
        for index, layer in enumerate(structure.layers)
    ]


def finite_volumes(structure, times, size):
    """Torque on each layer at several times."""
    matrix, owner = volumes(structure, size)
    start = np.zeros(matrix.shape[0])
    start[-1] = 1
    return np.array([torques(structure, owner, size, expm_multiply(matrix * t, start)) for t in times])


def steady_torques(structure):
    """Torque on each layer in the steady state, extrapolated to no size."""
    found = []
    for size in (0.25 * nm, 0.125 * nm):
        matrix, owner = volumes(structure, size)
        state = spsolve(matrix[:-1, :-1].tocsc(), -matrix[:-1, [-1]].toarray()[:, 0])
        found.append(np.array(torques(structure, owner, size, state)))
    return found[1] + (found[1] - found[0]) / 3


def test_limit_torque_builds_up_as_in_finite_volumes():
    device, times = stack((1, 0, 0)), np.array([24, 60, 150]) * fs
    found = evolve_accumulation(device, (0, 0, 0), times, time_step=1.5 * fs).layer_torque
    coarse, fine = (finite_volumes(device, times, size) for size in (0.5 * nm, 0.25 * nm))
    wanted = fine + (fine - coarse) / 3
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-3)
    assert np.abs(found[0, 2]).max() > 0.05


def test_limit_torque_arrives_with_the_front_and_settles_at_the_steady_value():
    device = stack((0.6, 0.8, 0))
    steady = solve_accumulation(device)
    front = 6 * nm / np.sqrt(METAL.diffusivity / METAL.momentum_time)
    early = evolve_accumulation(device, (0, 0, 0), [0.9 * front, 2 * front], time_step=0.5 * fs)
    assert np.abs(early.layer_torque[0, 2]).max() < 1e-4
    assert np.abs(early.layer_torque[1, 2]).max() > 1e-2
    state = evolve_accumulation(device, early, [1 * ps], time_step=20 * fs)
    state = evolve_accumulation(device, state, [9 * ps], time_step=200 * fs)
    np.testing.assert_allclose(state.layer_torque[0], steady.layer_torque, rtol=0, atol=1e-8)
    x = np.linspace(0, 60, 31) * nm
    scale = np.abs(steady.spin_accumulation).max()
    np.testing.assert_allclose(state.at(x)[0][0] / scale, steady.at(x)[0] / scale, rtol=0, atol=1e-6)


def test_invariant_resumed_run_is_the_one_that_was_not_stopped():
    device, times = stack((1, 0, 0)), np.array([20, 24]) * fs
    whole = evolve_accumulation(device, (0, 0, 0), times, time_step=0.5 * fs)
    first = evolve_accumulation(device, (0, 0, 0), times[:1], time_step=0.5 * fs)
    second = evolve_accumulation(device, first, times[1:] - times[0], time_step=0.25 * fs)
    np.testing.assert_allclose(second.layer_torque[0], whole.layer_torque[1], rtol=0, atol=1e-4)
    forgotten = evolve_accumulation(
        device, first, times[1:] - times[0], initial_spin_current=(0, 0, 0), time_step=0.25 * fs
    )
    assert np.abs(forgotten.layer_torque[0] - whole.layer_torque[1]).max() > 5e-3  # the current counts


def test_invariant_angular_momentum_balances_while_a_current_is_switched_on():
    device = stack((1, 0, 0))
    nodes, weights = np.polynomial.legendre.leggauss(6)
    times = (0.08 + 0.015 * np.array([0, *(1 + nodes), 2])) * ps
    result = evolve_accumulation(device, (0, 0, 0), times, time_step=4 * fs)
    lives = np.array([layer.medium.spin_relaxation_time for layer in device.layers])
    content = (result.layer_relaxation * lives[:, None]).sum(axis=1)
    rate = result.spin_current[:, 0] - result.spin_current[:, -1]
    rate = rate - (result.layer_torque + result.layer_relaxation).sum(axis=1)
    gained = content[-1] - content[0]
    np.testing.assert_allclose(0.015 * ps * weights @ rate[1:-1], gained, rtol=0, atol=1e-5 * np.abs(gained).max())


# --- Hanle in time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.0, 0.1])
def test_limit_times_of_flight_sum_to_the_steady_signal(tau):
    medium, d, spot, omega = scaled(tau, 1.0), 1.0, 0.2, 4.0
    wire = SpinStructure([Layer(medium, 5.0)], CLOSED, CLOSED, larmor_frequency=(omega, 0, 0))
    times = np.arange(1, 127) * 0.04
    height = 2 / (np.sqrt(2 * np.pi) * spot)
    result = evolve_accumulation(
        wire, lambda x: along(x, lambda y: height * np.exp(-(y**2) / (2 * spot**2))), times, time_step=0.02
    )
    arrived = result.at(d)[0][:, 2]
    total = simpson(np.concatenate([[0], arrived]), x=np.concatenate([[0], times]))
    k = np.sqrt((1 + 1j * omega * tau) * (1 + 1j * omega))
    wanted = ((1 + 1j * omega * tau) * np.exp(-k * d + (k * spot) ** 2 / 2) / k).real
    assert total == pytest.approx(wanted, abs=2e-3)
    point = ((1 + 1j * omega * tau) * np.exp(-k * d) / k).real
    assert hanle_signal(d, omega, medium) == pytest.approx(point, abs=1e-12)
    if not tau:
        variance = spot**2 + 2 * times
        density = 2 / np.sqrt(2 * np.pi * variance) * np.exp(-(d**2) / (2 * variance) - times)
        np.testing.assert_allclose(arrived, density * np.cos(omega * times), rtol=0, atol=1e-3)  # the far end


# --- back-action ------------------------------------------------------------------------------------------------------


def pair(w, xi, larmor, *, both=False, total=False, flips=1.0):
    """d(M, m)/dt in units of tau_sf and of the local spin density, as the equations stand."""

    def rate(_, y):
        M, m = y[:3], y[3:]
        aim = xi * (M + (larmor / w if total else 0))
        field = w * M + (larmor if both else 0)
        return np.concatenate([np.cross(M, larmor + w * m), -np.cross(field, m) - flips * (m - aim)])

    return rate


def read_off(w, xi, size, **options):
    """alpha and g' of a motion in a field of a size along z."""
    start, span = np.array([np.sqrt(3) / 2, 0, 0.5]), 0.3 / size + 15
    result = solve_ivp(
        pair(w, xi, np.array([0, 0, size]), **options),
        (0, span),
        np.concatenate([start, xi * start]),
        method="DOP853",
        rtol=1e-11,
        atol=1e-13,
        t_eval=np.linspace(15, span, 20),
    )
    M = result.y[:3]
    fall = np.polyfit(result.t, np.log(np.hypot(M[0], M[1]) / (1 + M[2])), 1)[0]
    turn = np.polyfit(result.t, np.unwrap(np.arctan2(M[1], M[0])), 1)[0]
    alpha = fall / turn
    return np.array([alpha, -turn / size * (1 + alpha**2)])


def slow_limit(*arguments, **options):
    """Of three fields, extrapolated to none."""
    one, two, four = (read_off(*arguments, size, **options) for size in (0.005, 0.01, 0.02))
    return (8 * one - 6 * two + four) / 3


def law(w, xi):
    return np.array(sd_damping(DiffusiveMedium(1.0, 1.0, 0.0, w * hbar), xi))


PAIRS = [(0.3, 0.5), (1.0, 0.1), (2.0, 1.5), (6.0, 0.05), (-1.5, -0.4)]


@pytest.mark.parametrize(("w", "xi"), PAIRS)
def test_limit_damping_of_both_spins_integrated(w, xi):
    np.testing.assert_allclose(slow_limit(w, xi), law(w, xi), rtol=0, atol=2e-5)


@pytest.mark.parametrize(("w", "xi"), PAIRS)
def test_limit_equilibrium_along_the_total_field_has_the_same_damping(w, xi):
    alpha, factor = law(w, xi)
    found = slow_limit(w, xi, both=True, total=True)
    np.testing.assert_allclose(found, [alpha, (1 + xi) * factor], rtol=0, atol=2e-5)


@pytest.mark.parametrize(("w", "xi"), PAIRS)
def test_limit_one_field_for_both_and_an_equilibrium_along_the_local_spins_does_not_damp(w, xi):
    np.testing.assert_allclose(read_off(w, xi, 0.02, both=True), [0, 1], rtol=0, atol=1e-6)
    assert law(w, xi)[0] > 0.007  # what the closed form would say


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_invariant_closed_pair_keeps_spin_and_energy(seed):
    rng = np.random.default_rng(seed)
    w, larmor, y = rng.uniform(-4, 4), rng.normal(size=3), rng.normal(size=6)
    result = solve_ivp(pair(w, 0.3, larmor, both=True, flips=0.0), (0, 5), y, "DOP853", rtol=1e-11, atol=1e-12)
    M, m = result.y[:3], result.y[3:]
    energy = -larmor @ (M + m) - w * (M * m).sum(axis=0)
    assert np.ptp(energy) < 1e-8
    turned = np.stack([expm(-t * cross_matrix(larmor)) @ (y[:3] + y[3:]) for t in result.t], axis=1)
    np.testing.assert_allclose(M + m, turned, rtol=0, atol=1e-8)


@pytest.mark.parametrize("xi", [0.01, 0.3, 2.0])
def test_limit_largest_damping_and_both_regimes(xi):
    best = minimize_scalar(lambda u: -law(np.exp(u), xi)[0], bounds=(-4, 4), method="bounded", options={"xatol": 1e-9})
    assert np.exp(best.x) == pytest.approx(1 / np.sqrt(1 + xi), abs=1e-6)
    assert -best.fun == pytest.approx(xi / (2 * np.sqrt(1 + xi)), abs=1e-12)
    assert law(1e-3, xi) == pytest.approx([xi * 1e-3, 1], abs=5e-6)
    assert law(1e3, xi) == pytest.approx([xi / (1 + xi) / 1e3, 1 / (1 + xi)], abs=5e-6)


@pytest.mark.parametrize(("w", "xi"), PAIRS)
def test_limit_memory_of_the_electrons(w, xi):
    """Small deviations from the field decay with lambda (1 + i w xi/(1 + lambda + i w)) = -i Omega at any Omega."""
    for size in (0.01, 0.5, 3.0):
        rate, equal = pair(w, xi, np.array([0, 0, size])), np.array([0, 0, 1.0, 0, 0, xi])
        step = 1e-6
        columns = [(rate(0, equal + step * e) - rate(0, equal - step * e)) / (2 * step) for e in np.eye(6)]
        real = np.array(columns).T[[0, 1, 3, 4]][:, [0, 1, 3, 4]]
        modes = np.linalg.eigvals(real)
        found = [
            min(abs(value * (1 + 1j * w * xi / (1 + value + 1j * w)) + 1j * size) for value in (mode, mode.conj()))
            for mode in modes
        ]
        assert max(found) < 1e-7


@pytest.mark.parametrize("ratio", [0.05, 0.8])
def test_limit_steady_solver_with_the_source_of_a_turning_magnet(ratio):
    medium, thick, turn = DiffusiveMedium(1e-3, 0.1 * ps, 3 * fs, 100 * meV), 7 * nm, np.array([0, 1.0, 0])
    layer = Layer(medium, thick, (1, 0, 0), ratio, source=-ratio * turn)
    w = medium.exchange_frequency * medium.spin_relaxation_time
    k = transverse_wavenumber(medium) * thick
    for left, share in ((CLOSED, 1.0), (None, 1 - np.tanh(k) / k)):  # closed, and a perfect sink
        torque = solve_accumulation(SpinStructure([layer], left, CLOSED)).layer_torque[0] / thick
        number = 1 - torque[1] - 1j * torque[2]  # (1 + i alpha)/g'
        assert number == pytest.approx(1 + 1j * w * ratio / (1 + 1j * w) * share, abs=1e-9)
        if left is CLOSED:
            found = number.imag / number.real, 1 / number.real
            assert found == pytest.approx(tuple(sd_damping(medium, ratio)), abs=1e-9)


def test_limit_sink_adds_a_damping_as_one_over_the_thickness():
    medium, thick, ratio = DiffusiveMedium(1e-3, 5 * ps, 0.0, 100 * meV), 100 * nm, 0.02
    layer = Layer(medium, thick, (1, 0, 0), ratio, source=(0, -ratio, 0))
    torque = solve_accumulation(SpinStructure([layer], None, CLOSED)).layer_torque[0] / thick
    added = -torque[2] / (1 - torque[1]) - sd_damping(medium, ratio).alpha
    wanted = ratio * np.sqrt(medium.diffusivity / (2 * medium.exchange_frequency)) / thick
    assert added == pytest.approx(wanted, abs=0.03 * wanted)  # of order xi and 1/kd


# --- a stack drives a magnet ------------------------------------------------------------------------------------------


def test_invariant_torque_of_the_free_layer_has_two_components():
    """a p_perp + b M x p with a, b functions of p.M alone; a > 0 where electrons come from p."""
    p = np.array([0, 0, 1.0])
    for c in (-0.7, 0.1, 0.8):
        parts = []
        for phi in (0.0, 1.0, 2.5):
            M = np.array([np.sqrt(1 - c * c) * np.cos(phi), np.sqrt(1 - c * c) * np.sin(phi), c])
            torque = solve_accumulation(stack(M)).layer_torque[2]
            across, around = p - c * M, np.cross(M, p)
            a, b = torque @ across / (1 - c * c), torque @ around / (1 - c * c)
            np.testing.assert_allclose(torque, a * across + b * around, rtol=0, atol=1e-9)
            parts.append((a, b))
        np.testing.assert_allclose(parts, [parts[0]] * 3, rtol=0, atol=1e-8)
        assert parts[0][0] > 0.5


def test_limit_rate_of_the_spins_is_that_of_the_moments_reversed():
    alpha, M = 0.05, np.array([0.6, 0.0, 0.8])
    torque, B = 1e9 * solve_accumulation(stack(M)).layer_torque[2], np.array([0.1, 0.2, -0.3])
    push = np.cross(M, gyromagnetic_ratio * B) + torque
    spins = (push - alpha * np.cross(M, push)) / (1 + alpha**2)
    moments = llg_rate(-M, -B, alpha=alpha, torque=-torque)
    np.testing.assert_allclose(spins, -moments, rtol=1e-12)


def test_limit_macrospin_of_the_page_is_driven_by_the_torque_of_finite_volumes():
    page, M = chapter(), np.array([1.0, 0, 0])
    wanted = gyromagnetic_ratio * hbar * FLOW / (8e5 * 4 * nm) * steady_torques(page["stack"](M))[2]
    torque = page["torque_on"](M)
    np.testing.assert_allclose(torque, wanted, rtol=0, atol=2e-3 * np.abs(wanted).max())  # of the cells
    assert torque[2] > 0  # towards the spins that come
    moments = llg_rate(-M, np.array([0, 0, 0.05]), alpha=0.01, torque=-torque)
    np.testing.assert_allclose(page["rate_of"](M), -moments, rtol=1e-12)
    M = np.array([0.6, 0, 0.8])
    a, b = 0.3 + 0.1 * 0.8, 0.2 - 0.4 * 0.8
    wanted = -a * np.array([-0.48, 0, 0.36]) - b * np.array([0, -0.6, 0])
    np.testing.assert_allclose(page["on_moment"](-M, 0.0), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("degrees", [0, 90])
def test_limit_damping_of_the_free_layer_by_finite_volumes(degrees):
    """Four responses: isotropic where both magnets are along one axis, 2.37 to 1 at a right angle."""
    page, angle = chapter(), np.radians(degrees)
    M, within = np.array([np.sin(angle), 0, np.cos(angle)]), np.array([np.cos(angle), 0, -np.sin(angle)])
    alphas = []
    for turn in (np.array([0, 1.0, 0]), within):
        device = page["stack"](M, drift=0.0)
        layers = list(device.layers)
        layers[2] = Layer(METAL, 4 * nm, M, 0.0, source=-0.05 * turn)
        late = steady_torques(SpinStructure(layers, left=device.left, right=device.right))[2] / (4 * nm)
        alphas.append(-(late @ np.cross(M, turn)) / (1 - late @ turn))
        assert page["lag"](M, turn) == pytest.approx(alphas[-1], abs=5e-5)
    assert alphas[1] / alphas[0] == pytest.approx(2.37 if degrees else 1.0, abs=0.02)


def test_limit_pair_of_the_page_conserves_spin_and_feels_the_torque_of_a_layer():
    M, m, w = np.array([0.6, 0, 0.8]), np.array([0.1, 0.3, -0.2]), 3.0
    rate = chapter()["pair"](w, 0.4, 0.3, flips=0.0)(0.0, np.concatenate([M, m]))
    larmor = np.array([0, 0, 0.3])
    np.testing.assert_allclose(rate[:3] + rate[3:], np.cross(M, larmor), rtol=0, atol=1e-14)
    medium = DiffusiveMedium(1.0, 1.0, 0.0, w * hbar)
    slab = SpinStructure([Layer(medium, 1.0, M, 0.0)], CLOSED, CLOSED)
    torque = evolve_accumulation(slab, m, [0.0]).layer_torque[0, 0]
    np.testing.assert_allclose(rate[:3], np.cross(M, larmor) + torque, rtol=0, atol=1e-9)


def test_limit_slow_turn_is_the_steady_state_and_a_source():
    """M turned in small steps, with the accumulation carried over; what is left of a step is of its order."""
    ratio, speed, step = 0.3, 1e10, 2 * fs
    medium = DiffusiveMedium(1e-3, 0.1 * ps, 0.0, 10 * meV)

    def slab(angle, source=(0, 0, 0)):
        M = np.array([np.cos(angle), np.sin(angle), 0])
        return SpinStructure([Layer(medium, 10 * nm, M, ratio, source=source)], CLOSED, None)

    state = solve_accumulation(slab(0.0))
    for count in range(1, 201):
        state = evolve_accumulation(slab(count * speed * step), state, [step], time_step=step)
    angle = 200 * speed * step
    M, rate = np.array([np.cos(angle), np.sin(angle), 0]), speed * np.array([-np.sin(angle), np.cos(angle), 0])
    wanted = solve_accumulation(slab(angle, -ratio * rate)).layer_torque[0]
    assert abs(wanted @ M) < 1e-9 * np.linalg.norm(wanted)
    off = np.linalg.norm(state.layer_torque[0, 0] - wanted) / np.linalg.norm(wanted)
    assert off < 0.05
