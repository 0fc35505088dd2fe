"""Hanle signal, step between two magnets and damping by late electrons, each against a route without its formula."""

from dataclasses import replace
from math import inf, nan, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_bvp, solve_ivp
from scipy.linalg import expm, sqrtm
from scipy.optimize import brentq

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    bilayer,
    hanle_signal,
    sd_damping,
    solve_accumulation,
    step_interface_accumulation,
)
from spinlib.spin import cross_matrix, rotation_matrix
from spinlib.units import hbar, meV, nm, ps
from tests.bad_input import Refusal, refusals

ONE = np.eye(3)
FICK = DiffusiveMedium(4e-3, 9e-12)
METAL = DiffusiveMedium(4e-3, 9e-12, 6e-13)
MAGNET = DiffusiveMedium(1e-3, 10 * ps, 0.003 * ps, 100 * meV)
RHP = DiffusiveMedium(1e-3, 10 * ps, 100 * hbar / (100 * meV), 100 * meV)

# --- Hanle ------------------------------------------------------------------------------------------------------------


def flights(d, omega, medium):
    """Spins that left x = 0 at all times before, walked to d and turned on the way; t = s^2."""
    D, lost = medium.diffusivity, 1 / medium.spin_relaxation_time

    panels = np.append(0, np.geomspace(1e-3, 1, 81)) * np.sqrt(45 / lost)  # exp(-45) is 3e-20
    points, weights = np.polynomial.legendre.leggauss(24)
    half = np.diff(panels)[:, None] / 2
    s = panels[:-1, None] + half * (1 + points)
    t = s * s
    arrived = 2 / np.sqrt(4 * pi * D) * np.exp(-d * d / (4 * D * t) - t * lost) * np.cos(omega * t)
    total = (half * weights * arrived).sum()
    return 2 * D / medium.spin_diffusion_length * total


def decaying(d, field, spin, medium):
    """m at d of the solutions (m, j) of the law that decay, those with j(0) = spin: 6 x 6 matrices, any field."""
    D, turn = medium.diffusivity, cross_matrix(field)
    matrix = np.zeros((6, 6))
    matrix[:3, 3:] = -(ONE + medium.momentum_time * turn) / D
    matrix[3:, :3] = -(ONE / medium.spin_relaxation_time + turn)
    length = medium.spin_diffusion_length
    scale = np.diag([1.0] * 3 + [length / D] * 3)  # m in units of j l/D, lengths in units of l
    rates, modes = np.linalg.eig(length * scale @ matrix @ np.linalg.inv(scale))
    down = rates.real < 0
    assert down.sum() == 3
    share = np.linalg.solve(modes[3:, down], np.asarray(spin, dtype=complex))
    return (modes[:3, down] * np.exp(rates[down] * d / length) @ share).real


@pytest.mark.parametrize("d", [0.0, 20 * nm, 190 * nm, 600 * nm])
def test_limit_hanle_is_an_integral_over_flights(d):
    for turns in (0.0, 0.3, 2.0, 9.0):
        omega = turns / FICK.spin_relaxation_time
        assert hanle_signal(d, omega, FICK) == pytest.approx(flights(d, omega, FICK), abs=1e-10)


@pytest.mark.parametrize("medium", [FICK, METAL, replace(METAL, momentum_time=9e-12)])
@pytest.mark.parametrize("chi", [0.0, 0.4, pi / 4, pi / 2, 2.0])
def test_limit_hanle_is_the_decaying_solution_in_a_field_at_any_angle(medium, chi):
    spin = np.array([0.0, 0.6, 0.8])
    axis = np.cos(chi) * spin + np.sin(chi) * rotation_matrix(spin, 0.9) @ (1.0, 0.0, 0.0)
    for d in (0.0, 50 * nm, 300 * nm):
        for omega in (-8e11, -3e10, 1e9, 2e11):
            expected = decaying(d, omega * axis, spin, medium) @ spin
            assert hanle_signal(d, omega, medium, obliqueness=chi) == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore:layer 1 is thinner")
def test_limit_hanle_is_the_solution_of_an_endless_layer():
    chi, omega = 1.1, 2.5e11
    field = omega * np.array([np.sin(chi), 0, np.cos(chi)])
    structure = SpinStructure(
        [Layer(METAL, 400 * nm)], Boundary.spin_current((0, 0, 1.0)), Boundary.open(), larmor_frequency=field
    )
    x = np.linspace(0, 400, 9) * nm
    m = solve_accumulation(structure, rtol=1e-11).at(x)[0]
    unit = METAL.spin_diffusion_length / METAL.diffusivity
    np.testing.assert_allclose(m[:, 2] / unit, hanle_signal(x, omega, METAL, obliqueness=chi), rtol=0, atol=1e-10)
    # A metal on both sides shares the spins.
    both = SpinStructure([Layer(METAL, 400 * nm)] * 2, Boundary.open(), Boundary.open(), field, origin=-400 * nm)
    pulse = replace(both, layers=[both.layers[0], Layer(METAL, 1e-3 * nm, source=(0, 0, 1e12)), both.layers[1]])
    m = solve_accumulation(pulse).at(100.0005 * nm)[0]
    half = hanle_signal(100 * nm, omega, METAL, obliqueness=chi) / 2
    assert m[2] / unit == pytest.approx(half, abs=1e-6)  # 1e12 a second over 1e-12 m


@given(
    d=st.floats(0, 5e-7),
    omega=st.floats(-1e13, 1e13),
    chi=st.floats(-4, 4),
    share=st.floats(0, 1),
)
def test_invariant_hanle_is_even_and_never_above_no_field(d, omega, chi, share):
    medium = replace(METAL, momentum_time=share * METAL.spin_relaxation_time)
    value = hanle_signal(d, omega, medium, obliqueness=chi)
    assert value == pytest.approx(hanle_signal(d, -omega, medium, obliqueness=chi), abs=1e-14)
    assert value == pytest.approx(hanle_signal(d, omega, medium, obliqueness=pi - chi), abs=1e-13)
    along = np.exp(-d / medium.spin_diffusion_length)
    assert hanle_signal(d, omega, medium, obliqueness=0.0) == pytest.approx(along, abs=1e-15)
    assert hanle_signal(d, 0.0, medium, obliqueness=chi) == pytest.approx(along, abs=1e-13)
    if not share:
        assert value <= along + 1e-13  # a mean of cosines


def test_limit_hanle_at_the_injector():
    # Without memory Re (1 + i w)^(-1/2), in real numbers; half height where (1 + s)/(2 s^2) = 1/4, s^2 = 1 + w^2.
    w = np.array([0.0, 0.5, 3.0, 40.0])
    s = np.sqrt(1 + w * w)
    found = hanle_signal(0.0, w / FICK.spin_relaxation_time, FICK)
    np.testing.assert_allclose(found, np.sqrt((1 + s) / 2) / s, rtol=0, atol=1e-15)
    half = np.sqrt((1 + np.sqrt(3)) ** 2 - 1)
    assert half == pytest.approx(2.542, abs=5e-4)
    assert hanle_signal(0.0, half / FICK.spin_relaxation_time, FICK) == pytest.approx(0.5, abs=1e-15)
    # With memory and a fast field, tau_sf = tau: (1 + i w)/(1 + i w) = 1 at any field.
    every = replace(METAL, momentum_time=METAL.spin_relaxation_time)
    np.testing.assert_allclose(hanle_signal(0.0, w * 1e12, every), 1.0, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("ratio", "zero"), [(0.5, 6.819), (1.0, 2.678), (2.0, 1.280), (5.0, 0.546)])
def test_limit_hanle_crosses_zero_where_the_flights_do(ratio, zero):
    time, d = FICK.spin_relaxation_time, ratio * FICK.spin_diffusion_length
    first = brentq(lambda w: hanle_signal(d, w / time, FICK), 0.9 * zero, 1.1 * zero, xtol=1e-12)
    assert first == pytest.approx(zero, abs=1e-3)
    assert flights(d, first / time, FICK) == pytest.approx(0.0, abs=1e-10)
    inside = hanle_signal(d, np.linspace(0, 0.99 * first, 50) / time, FICK)
    assert inside.min() > 0


def test_invariant_hanle_broadcasts():
    d, omega = np.array([[0.0], [1e-8], [1e-7]]), np.array([0.0, 1e10, 1e11, 1e12])
    table = hanle_signal(d, omega, METAL)
    assert table.shape == (3, 4)
    for i in range(3):
        for k in range(4):
            one = hanle_signal(d[i, 0], omega[k], METAL)
            assert isinstance(one, float)
            assert table[i, k] == pytest.approx(one, abs=1e-15)
    assert hanle_signal(1e-8, omega, METAL).shape == (4,)
    assert hanle_signal([1e-8], 1e10, METAL).shape == (1,)


# --- step -------------------------------------------------------------------------------------------------------------

ANGLES = (0.2, pi / 2, 2.9, pi)


def directions(angle):
    turn = rotation_matrix(np.array((2, 3, 6)) / 7, 0.8)
    return turn @ (0, 0, 1.0), turn @ rotation_matrix((1, 0, 0), angle) @ (0, 0, 1.0)


def by_matrices(medium, left, right, thickness):
    """m(0) from the conductances of both layers, D A^-1 K coth(K L), functions of the matrices H x."""
    D, lost = medium.diffusivity, 1 / medium.spin_relaxation_time
    total, given = np.zeros((3, 3)), np.zeros(3)
    for M in (left, right):
        turn = medium.exchange_frequency * cross_matrix(M)
        A = ONE + medium.momentum_time * turn
        K = sqrtm(A @ (lost * ONE + turn) / D)
        grown = ONE if thickness == inf else np.linalg.inv(ONE - expm(-2 * thickness * K))
        G = D * np.linalg.inv(A) @ K @ (2 * grown - ONE)
        total, given = total + G.real, given + G.real @ M
    return np.linalg.solve(total, given)


@pytest.mark.parametrize("medium", [MAGNET, RHP, replace(MAGNET, momentum_time=0.0, exchange_splitting=-3 * meV)])
@pytest.mark.parametrize("thickness", [3 * nm, 100 * nm, inf])
@pytest.mark.parametrize("angle", ANGLES)
def test_limit_step_is_the_balance_of_two_matrices(medium, thickness, angle):
    left, right = directions(angle)
    found = step_interface_accumulation(medium, left, right, thickness)
    np.testing.assert_allclose(found, by_matrices(medium, left, right, thickness), rtol=0, atol=1e-11)


def test_limit_step_is_a_boundary_value_problem():
    # RHP (75) as printed, by SciPy: both layers side by side, x = 0 at the interface, j in units of D/l.
    left, right = directions(2.0)
    thickness, length, D = 12 * nm, MAGNET.spin_diffusion_length, MAGNET.diffusivity
    lost, omega = 1 / MAGNET.spin_relaxation_time, MAGNET.exchange_frequency

    def rate(xi, y):
        rows = []
        for M, part, sign in ((left, y[:6], -1), (right, y[6:], 1)):
            m, j = part[:3], part[3:]
            turn = omega * cross_matrix(M)
            dm = -(ONE + MAGNET.momentum_time * turn) @ j / length
            dj = (-lost * (m - M[:, None]) - turn @ m) * length / D
            rows += [sign * thickness * dm, sign * thickness * dj]
        return np.concatenate(rows)

    def ends(a, b):
        return np.concatenate([a[:6] - a[6:], b[:3] - left, b[6:9] - right])

    xi = np.linspace(0, 1, 101)
    solved = solve_bvp(rate, ends, xi, np.zeros((12, 101)), tol=1e-7, bc_tol=1e-12, max_nodes=20_000)
    assert solved.status == 0
    found = step_interface_accumulation(MAGNET, left, right, thickness)
    np.testing.assert_allclose(found, solved.y[:3, 0], rtol=0, atol=1e-8)


@pytest.mark.parametrize("angle", ANGLES)
def test_limit_step_is_that_of_the_solver(angle):
    left, right = directions(angle)
    structure = bilayer(MAGNET, left, right, 40 * nm, 40 * nm, exchange_force=False)
    solved = solve_accumulation(structure, rtol=1e-11).at(0.0)[0]
    found = step_interface_accumulation(MAGNET, left, right, 40 * nm)
    np.testing.assert_allclose(found, solved, rtol=0, atol=1e-10)
    # With the force of the exchange field there is no accumulation: m keeps its equilibrium.
    rest = solve_accumulation(replace(structure, exchange_force=True))
    np.testing.assert_allclose(rest.deviation, 0 * rest.deviation, rtol=0, atol=1e-14)


def test_limit_step_of_equal_and_opposite_directions_and_of_very_thick_layers():
    left, _ = directions(1.0)
    np.testing.assert_allclose(step_interface_accumulation(MAGNET, left, left), left, rtol=0, atol=1e-15)
    for thickness in (1 * nm, inf):
        opposite = step_interface_accumulation(MAGNET, left, -left, thickness)
        np.testing.assert_array_equal(opposite, np.zeros(3))
        assert not np.signbit(opposite).any()
    left, right = directions(2.0)
    far = step_interface_accumulation(MAGNET, left, right)
    for thickness in (1e-5, 1.0, 1e300):  # exp(-2 L/l) is 1e-87 for the first
        np.testing.assert_allclose(step_interface_accumulation(MAGNET, left, right, thickness), far, rtol=0, atol=1e-15)
    # Thin layers do not turn spins. Two resistances 1 + tau H x, which add up across the spins, are left.
    a, half = MAGNET.precession_angle, (left + right) / 2
    square = half @ half
    thin = step_interface_accumulation(MAGNET, left, right, 1e-13)
    np.testing.assert_allclose(thin, half / (square + (1 - square) / (1 + a * a)), rtol=0, atol=1e-7)
    fick = replace(MAGNET, momentum_time=0.0)
    np.testing.assert_allclose(step_interface_accumulation(fick, left, right, 1e-13), half, rtol=0, atol=1e-7)
    # Without precession nothing turns.
    plain = replace(MAGNET, exchange_splitting=0.0)
    np.testing.assert_allclose(step_interface_accumulation(plain, left, right), (left + right) / 2, rtol=0, atol=1e-15)


@given(angle=st.floats(0, pi), turn=st.floats(-3, 3), thickness=st.floats(1e-9, 1e-6))
def test_invariant_step_is_covariant_and_symmetric(angle, turn, thickness):
    left, right = directions(angle)
    found = step_interface_accumulation(MAGNET, left, right, thickness)
    np.testing.assert_allclose(step_interface_accumulation(MAGNET, right, left, thickness), found, rtol=0, atol=1e-14)
    R = rotation_matrix(np.array((1, -2, 2)) / 3, turn)
    turned = step_interface_accumulation(MAGNET, R @ left, R @ right, thickness)
    np.testing.assert_allclose(turned, R @ found, rtol=0, atol=1e-13)
    mirrored = replace(MAGNET, exchange_splitting=-MAGNET.exchange_splitting)
    np.testing.assert_allclose(step_interface_accumulation(mirrored, left, right, thickness), found, rtol=0, atol=1e-13)
    assert np.linalg.norm(found) <= 1 + 1e-12


# --- damping ----------------------------------------------------------------------------------------------------------


def late(w, ratio):
    """A medium with omega tau_sf = w whose tau_sf is 2 ps."""
    return DiffusiveMedium(1e-3, 2 * ps, 0.0, w * hbar / (2 * ps)), ratio


def coupled(medium, ratio, field):
    """Matrix of (M_+, m_+) beside z: dM/dt = M x B + omega M x m, dm/dt = -(m - xi M)/tau_sf - omega M x m."""
    lost, omega = 1 / medium.spin_relaxation_time, medium.exchange_frequency
    z = cross_matrix((0, 0, 1.0))[:2, :2]
    torque = omega * np.hstack([-ratio * z, z])  # of M x m about z, with m = xi z + n
    first = np.hstack([-field * z, 0 * z]) + torque
    return np.vstack([first, lost * np.hstack([ratio * np.eye(2), -np.eye(2)]) - torque])


@pytest.mark.parametrize(
    ("w", "ratio"), [(0.02, 0.3), (1.0, 0.01), (1.0, 2.0), (7.0, 0.4), (300.0, 0.1), (-2.0, -0.3), (-0.5, -0.95)]
)
def test_limit_damping_is_the_slow_eigenvalue_of_the_coupled_spins(w, ratio):
    medium, _ = late(w, ratio)
    found = sd_damping(medium, ratio)
    # dM/dt (1 + i alpha) = -i g' B M: the ratio of the parts is alpha; the field is 1e-5 and 2e-5 of the slowest rate.
    rates = []
    for b in (1e-5, 2e-5):
        field = b * min(1, abs(w), 1 / abs(w)) / medium.spin_relaxation_time
        values = np.linalg.eigvals(coupled(medium, ratio, field))
        slow = values[np.argsort(np.abs(values))][:2]
        rates.append(slow[np.argmin(slow.imag)] / field)
    rate = 2 * rates[0] - rates[1]
    inverse = -1j / rate  # (1 + i alpha)/g'
    assert inverse.real == pytest.approx(1 / found.gyromagnetic_factor, abs=1e-6 / found.gyromagnetic_factor)
    assert inverse.imag == pytest.approx(found.alpha / found.gyromagnetic_factor, abs=1e-6 / found.gyromagnetic_factor)
    assert found.alpha > 0


def test_limit_damping_of_spins_that_move_far():
    # The coupled spins themselves, not linearised: M falls towards B as the law with alpha and g' has it.
    (medium, ratio), angle, last = late(1.5, 0.4), 1.2, 400 * ps
    alpha, factor = sd_damping(medium, ratio)
    omega, lost, B = medium.exchange_frequency, 1 / medium.spin_relaxation_time, np.array([0, 0, 1e10])
    start = np.array([np.sin(angle), 0, np.cos(angle)])

    def both(_, y):
        M, m = y[:3], y[3:]
        torque = omega * np.cross(M, m)
        return np.concatenate([np.cross(M, B) + torque, -lost * (m - ratio * M) - torque])

    found = solve_ivp(both, (0, last), [*start, *(ratio * start)], method="DOP853", rtol=1e-10, atol=1e-12).y[:3, -1]
    # d theta/dt = -alpha g' B sin theta/(1 + alpha^2): tan(theta/2) falls as an exponential.
    fallen = np.tan(angle / 2) * np.exp(-alpha * factor * 1e10 * last / (1 + alpha**2))
    assert np.arccos(found[2]) == pytest.approx(2 * np.arctan(fallen), abs=0.01)  # B tau_sf = 0.02
    assert 2 * np.arctan(fallen) < 0.9
    np.testing.assert_allclose(np.linalg.norm(found), 1.0, rtol=0, atol=1e-8)


def test_limit_damping_of_slow_and_fast_electrons():
    few = sd_damping(*late(1e-6, 0.3))
    assert few.alpha == pytest.approx(0.3e-6, abs=1e-17)
    assert few.gyromagnetic_factor == pytest.approx(1, abs=1e-11)
    fast = sd_damping(*late(1e6, 0.3))
    assert fast.alpha == pytest.approx(0.3 / 1.3 / 1e6, abs=1e-17)
    assert fast.gyromagnetic_factor == pytest.approx(1 / 1.3, abs=1e-11)  # the electrons turn along
    endless = sd_damping(DiffusiveMedium(1e-3, inf, 0.0, 10 * meV), 0.3)
    assert endless == (0.0, pytest.approx(1 / 1.3, abs=1e-15))
    # Strongest at w sqrt(1 + xi) = 1, and xi/(2 sqrt(1 + xi)) there.
    top = sd_damping(*late(1 / np.sqrt(1.3), 0.3)).alpha
    assert top == pytest.approx(0.3 / (2 * np.sqrt(1.3)), abs=1e-15)
    assert all(sd_damping(*late(factor / np.sqrt(1.3), 0.3)).alpha < top for factor in (0.9, 1.1))


def test_limit_damping_without_electrons_or_coupling():
    assert sd_damping(MAGNET, 0.0) == (0.0, 1.0)
    assert sd_damping(FICK, 0.3) == (0.0, 1.0)
    assert sd_damping(DiffusiveMedium(1e-3, inf), 0.3) == (0.0, 1.0)
    assert not np.signbit(sd_damping(replace(MAGNET, exchange_splitting=-1 * meV), 0.0).alpha)


@given(w=st.floats(1e-3, 1e3), ratio=st.floats(1e-3, 0.999))
def test_invariant_damping_is_positive_for_both_signs(w, ratio):
    for sign in (1, -1):
        alpha, factor = sd_damping(*late(sign * w, sign * ratio))
        bound = abs(sign * ratio) / (2 * np.sqrt(1 + sign * ratio))
        assert 0 < alpha <= bound * (1 + 1e-12)
        assert (0 < factor < 1) if sign > 0 else factor > 1


# --- refusals ---------------------------------------------------------------------------------------------------------


def refused(rule, call, arguments, *says):
    return Refusal(rule, call, arguments, says)


HANLE = {"distance": 1e-8, "larmor_frequency": 1e10, "medium": METAL}
STEP = {"medium": MAGNET, "left_direction": (0, 0, -1), "right_direction": (0, -1, 0)}


@refusals(
    refused("Hanle behind", hanle_signal, HANLE | {"distance": (0, -1e-9)}, "distance[1]", "-1e-09", ">= 0"),
    refused("Hanle nowhere", hanle_signal, HANLE | {"distance": nan}, "distance", "nan", "finite"),
    refused("Hanle in an endless field", hanle_signal, HANLE | {"larmor_frequency": inf}, "larmor_frequency", "rad/s"),
    refused(
        "Hanle shapes",
        hanle_signal,
        HANLE | {"distance": np.ones(2), "larmor_frequency": np.ones(3)},
        "distance of shape (2,)",
        "larmor_frequency of shape (3,)",
        "broadcast",
    ),
    refused(
        "Hanle in a magnet",
        hanle_signal,
        HANLE | {"medium": MAGNET},
        "exchange_splitting = 1.602e-20",
        "normal metal",
        "solve_accumulation",
    ),
    refused(
        "Hanle without relaxation",
        hanle_signal,
        HANLE | {"medium": DiffusiveMedium(1e-3, inf)},
        "spin_relaxation_time = inf",
        "finite",
    ),
    refused("Hanle at two angles", hanle_signal, HANLE | {"obliqueness": (0, 1)}, "obliqueness", "(2,)", "one number"),
    refused("Hanle at no angle", hanle_signal, HANLE | {"obliqueness": nan}, "obliqueness", "nan", "finite"),
    refused(
        "long left direction",
        step_interface_accumulation,
        STEP | {"left_direction": (0, 0, 2)},
        "length of left_direction = 2",
        "left_direction / |left_direction|",
    ),
    refused(
        "short right direction",
        step_interface_accumulation,
        STEP | {"right_direction": (0, 0, 0.5)},
        "length of right_direction = 0.5",
        "right_direction / |right_direction|",
    ),
    refused(
        "several directions",
        step_interface_accumulation,
        STEP | {"left_direction": ((0, 0, 1), (0, 1, 0))},
        "left_direction and right_direction",
        "(2, 3)",
        "one vector (3,)",
    ),
    refused("no thickness", step_interface_accumulation, STEP | {"thickness": 0.0}, "thickness = 0", "> 0"),
    refused(
        "negative thickness", step_interface_accumulation, STEP | {"thickness": -inf}, "thickness = -inf", "finite"
    ),
    refused(
        "two thicknesses", step_interface_accumulation, STEP | {"thickness": (1e-8, 1e-8)}, "thickness", "one number"
    ),
    refused(
        "step without relaxation",
        step_interface_accumulation,
        STEP | {"medium": replace(MAGNET, spin_relaxation_time=inf)},
        "spin_relaxation_time = inf",
        "finite",
    ),
    refused(
        "ratio against the splitting",
        sd_damping,
        {"medium": MAGNET, "equilibrium_ratio": -0.1},
        "equilibrium_ratio = -0.1",
        "sign of exchange_splitting = 1.602e-20",
    ),
    refused(
        "splitting against the ratio",
        sd_damping,
        {"medium": replace(MAGNET, exchange_splitting=-MAGNET.exchange_splitting), "equilibrium_ratio": 0.1},
        "equilibrium_ratio = 0.1",
        "sign of exchange_splitting = -1.602e-20",
    ),
    refused(
        "as many electrons as spins",
        sd_damping,
        {"medium": replace(MAGNET, exchange_splitting=-MAGNET.exchange_splitting), "equilibrium_ratio": -1.0},
        "equilibrium_ratio = -1",
        "above -1",
    ),
    refused("no ratio", sd_damping, {"medium": MAGNET, "equilibrium_ratio": nan}, "equilibrium_ratio", "finite"),
    refused("two ratios", sd_damping, {"medium": MAGNET, "equilibrium_ratio": (0.1, 0.2)}, "(2,)", "one number"),
)
def test_bad_input_forms(refusal):
    refusal.check()
