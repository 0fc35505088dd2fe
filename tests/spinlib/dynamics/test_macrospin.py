"""Macrospin against closed forms, an own integrator, the implicit equation and direct eigenvalues."""

import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import DOP853
from scipy.optimize import brentq, fsolve
from scipy.special import ellipj, ellipk

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque, spin_valve
from spinlib.conventions import gilbert_to_landau_lifshitz
from spinlib.dynamics import _dop853
from spinlib.dynamics._llg import damping_tensor, parameters, rate
from spinlib.dynamics.macrospin import (
    LinearField,
    SpinTorque,
    ValveTorque,
    critical_current,
    integrate_llg,
    llg_rate,
)
from spinlib.onsager import texture_response
from spinlib.pumping import pumped_spin_current, pumping_damping
from spinlib.spin import cross_matrix, direction, rotation_matrix, unit_vector
from spinlib.units import e, gyromagnetic_ratio, hbar, mu_B, nm
from tests.bad_input import Refusal, refusals
from tests.random_matrices import dissipative, haar, symmetric

seeds = st.integers(0, 2**32 - 1)
UP = np.array([0.0, 0.0, 1.0])
SIDE = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=0.9e15)
OTHER = InterfaceConductance(majority=0.4e15, minority=0.7e15, mixing=0.8e15 - 0.3e15j)
PY = {"magnetic_moment": 8e5 * 4 * nm, "gyromagnetic_ratio": 2.11 * mu_B / hbar}
GAMMA = PY["gyromagnetic_ratio"]
EASY, HARD = 0.01, 1.005  # T
FIELD = LinearField(tensor=np.diag([0.0, -HARD, EASY]))

# A step at rtol = 1e-13 errs by rounding; a few hundred of them leave about 1e-13.
CLOSED_FORM = 1e-12


def called(law):
    """The law behind a plain function, so that it is not compiled."""
    return lambda m, t: law(m, t)


# --- closed forms -----------------------------------------------------------------------------------------------------

ENGINES = pytest.mark.parametrize("engine", [lambda law: law, called], ids=["compiled", "called"])
TIMES = np.linspace(0.0, 12.0, 25)


@ENGINES
@pytest.mark.parametrize("alpha", [0.0, 0.02, 0.7])
def test_limit_precession_in_a_constant_field(engine, alpha):
    """tan(theta/2) decays at alpha gamma B/(1 + alpha^2), the azimuth grows at gamma B/(1 + alpha^2)."""
    gamma, b, theta0, phi0 = 1.3, 2.0, 2.0, 0.4
    axis = rotation_matrix((1.0, -0.5, 0.3), 1.1)
    found = integrate_llg(
        axis @ direction(theta0, phi0),
        engine(LinearField(axis @ (0, 0, b))),
        TIMES,
        alpha=alpha,
        gyromagnetic_ratio=gamma,
        rtol=1e-13,
    )
    swift = gamma * b / (1 + alpha**2)
    theta = 2 * np.arctan(np.tan(theta0 / 2) * np.exp(-alpha * swift * TIMES))
    expected = direction(theta, phi0 + swift * TIMES) @ axis.T
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSED_FORM)


@ENGINES
@pytest.mark.parametrize("law", [(0.0, 0.0, 0.0), (0.0, 0.0, 1e-320)])
def test_limit_nothing_moves_without_field_and_torque(engine, law):
    found = integrate_llg((1, 0, 0), engine(LinearField(law)), [0, 1e-9, 2.0], alpha=0.1)
    np.testing.assert_allclose(found, np.tile([1.0, 0, 0], (3, 1)), rtol=0, atol=1e-300)


@ENGINES
def test_limit_no_magnets(engine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert integrate_llg(np.zeros((0, 3)), engine(LinearField(UP)), [0, 1e-9], alpha=0.1).shape == (2, 0, 3)


def test_limit_start_is_returned_and_one_time_is_enough():
    m0 = unit_vector(np.random.default_rng(0).normal(size=(2, 4, 3)))
    for law in (LinearField(UP), called(LinearField(UP))):
        np.testing.assert_allclose(integrate_llg(m0, law, [3.0], alpha=0.1), m0[None], atol=1e-15)
        found = integrate_llg(m0, law, [3.0, 3.0 + 1e-12], alpha=0.1)
        assert found.shape == (2, 2, 4, 3)
        np.testing.assert_allclose(found[0], m0, atol=1e-15)


def test_limit_torque_along_the_field_shifts_the_rates():
    """B || p: (alpha gamma B + A + alpha b)/(1 + alpha^2) for the angle, (gamma B + b - alpha A)/(1 + alpha^2)."""
    gamma, b, alpha, damping_like, field_like = 1.3, 2.0, 0.2, -0.9, 0.6
    found = integrate_llg(
        direction(0.3, 0.0),
        (0, 0, b),
        TIMES,
        alpha=alpha,
        gyromagnetic_ratio=gamma,
        torque=SpinTorque(UP, damping_like, field_like),
        rtol=1e-13,
    )
    decay = (alpha * (gamma * b + field_like) + damping_like) / (1 + alpha**2)
    assert decay < 0, "the torque wins, m turns over"
    turn = (gamma * b + field_like - alpha * damping_like) / (1 + alpha**2)
    theta = 2 * np.arctan(np.tan(0.15) * np.exp(-decay * TIMES))
    np.testing.assert_allclose(found, direction(theta, turn * TIMES), rtol=0, atol=CLOSED_FORM)


def test_limit_easy_axis():
    """tan(theta) decays at alpha gamma B_K/(1 + alpha^2); the azimuth is -ln[tan(theta/2)]/alpha."""
    gamma, b, alpha, theta0 = 1.3, 2.0, 0.1, 1.4
    law = LinearField(tensor=b * np.outer(UP, UP))
    found = integrate_llg(direction(theta0), law, TIMES, alpha=alpha, gyromagnetic_ratio=gamma, rtol=1e-13)
    theta = np.arctan(np.tan(theta0) * np.exp(-alpha * gamma * b / (1 + alpha**2) * TIMES))
    phi = -np.log(np.tan(theta / 2) / np.tan(theta0 / 2)) / alpha
    np.testing.assert_allclose(found, direction(theta, phi), rtol=0, atol=CLOSED_FORM)


def test_limit_easy_axis_and_field():
    """The time to reach an angle is an elementary integral over cos(theta)."""
    gamma, b, b_k, alpha, theta0 = 1.3, -3.0, 2.0, 0.1, 0.2  # the field turns m over
    law = LinearField((0, 0, b), b_k * np.outer(UP, UP))
    found = integrate_llg(direction(theta0), law, TIMES, alpha=alpha, gyromagnetic_ratio=gamma, rtol=1e-13)

    def primitive(u):
        """Of 1/[(1 - u^2)(b + b_k u)]."""
        terms = -np.log(1 - u) / (b + b_k) + np.log(1 + u) / (b - b_k), 2 * b_k * np.log(abs(b + b_k * u))
        return terms[0] / 2 - terms[1] / 2 / (b**2 - b_k**2)

    u = found[:, 2]
    keep = 1 - abs(u) > 1e-6  # close to the pole the time depends on the last digits of u
    assert np.count_nonzero(keep) > 15
    passed = (1 + alpha**2) / (alpha * gamma) * (primitive(u[keep]) - primitive(np.cos(theta0)))
    np.testing.assert_allclose(passed, TIMES[keep], atol=1e-8)  # 1e-12 of u is 1e-6 of 1 - u, slope 1/(1-u)
    middle = abs(u[keep]) < 0.9
    np.testing.assert_allclose(passed[middle], TIMES[keep][middle], atol=2e-11)


def test_limit_conservative_motion_is_a_jacobi_ellipse():
    """Three unequal axes, no damping: m = (A cn, B sn, C dn), as for a free rigid body; and the energy stays."""
    gamma, kx, ky, kz = 1.3, 0.4, 0.9, 2.0
    law = LinearField(tensor=np.diag([kx, ky, kz]))
    m0 = direction(0.8)
    a, b, c = gamma * (ky - kz), gamma * (kz - kx), gamma * (kx - ky)
    rate_ = m0[2] * np.sqrt(-a * b)
    width_y = m0[0] * np.sqrt(-b / a)
    modulus = -c * m0[0] * width_y / (m0[2] * rate_)  # k^2
    period = 4 * ellipk(modulus) / rate_
    times = np.linspace(0, 3 * period, 31)
    found = integrate_llg(m0, law, times, alpha=0.0, gyromagnetic_ratio=gamma, rtol=1e-13)
    sn, cn, dn, _ = ellipj(rate_ * times, modulus)
    expected = np.stack([m0[0] * cn, width_y * sn, m0[2] * dn], axis=-1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5 * CLOSED_FORM)  # three periods
    np.testing.assert_allclose(found[-1], m0, rtol=0, atol=5 * CLOSED_FORM)
    energy = -np.einsum("ti,i,ti->t", found, np.diag(law.tensor), found) / 2
    np.testing.assert_allclose(energy, energy[0], rtol=CLOSED_FORM)


@ENGINES
def test_limit_error_follows_the_tolerance(engine):
    gamma, alpha, b = 1.0, 0.05, 2.0
    times = np.array([0.0, 40.0])
    swift = gamma * b / (1 + alpha**2)
    theta = 2 * np.arctan(np.tan(0.6) * np.exp(-alpha * swift * 40.0))
    expected = direction(theta, swift * 40.0)
    for rtol in (1e-4, 1e-7, 1e-10, 1e-13):
        law = engine(LinearField((0, 0, b)))
        end = integrate_llg(direction(1.2), law, times, alpha=alpha, gyromagnetic_ratio=gamma, rtol=rtol)[-1]
        # Some forty steps, each bounded by rtol, add up; a bound that were not used would leave 1e-4 everywhere.
        assert np.abs(end - expected).max() < 40 * rtol


# --- the rate ---------------------------------------------------------------------------------------------------------


def some_rate_arguments(rng, *shape):
    return {
        "m": unit_vector(rng.normal(size=(*shape, 3))),
        "field": rng.normal(size=(*shape, 3)),
        "torque": rng.normal(size=(*shape, 3)),
        "back_action": 0.2 * rng.normal(size=(*shape, 3, 3)),
        "alpha": dissipative(rng),
        "gyromagnetic_ratio": rng.uniform(0.5, 2),
    }


def across(m, v):
    return v - np.einsum("...i,...i", m, v)[..., None] * m


@given(seeds)
def test_invariant_rate_solves_the_equation(seed):
    """Put back into BTBK (8) with a tensor and K; perpendicular to m."""
    x = some_rate_arguments(np.random.default_rng(seed), 5)
    m, found = x["m"], llg_rate(**x)
    assert np.abs(np.einsum("ni,ni->n", m, found)).max() < 1e-13 * max(1, np.abs(found).max())
    caused = np.einsum("nij,nj->ni", x["back_action"], found)
    again = -x["gyromagnetic_ratio"] * np.cross(m, x["field"]) + np.cross(m, found @ x["alpha"])
    again += across(m, x["torque"] + caused)
    np.testing.assert_allclose(found, again, rtol=0, atol=1e-11 * max(1, np.abs(found).max()))


@given(seeds)
def test_invariant_energy_falls_by_damping_alone(seed):
    """dF/dt = -M_s V B.dm/dt = -(M_s V/gamma) dm/dt . alpha . dm/dt (BTBK 65), pointwise."""
    x = some_rate_arguments(np.random.default_rng(seed), 7)
    del x["torque"], x["back_action"]
    found = llg_rate(**x)
    gained = np.einsum("ni,ni->n", x["field"], found)
    lost = np.einsum("ni,ij,nj->n", found, x["alpha"], found) / x["gyromagnetic_ratio"]
    np.testing.assert_allclose(gained, lost, rtol=0, atol=1e-12 * max(1, np.abs(gained).max()))


def test_invariant_energy_of_a_trajectory_falls_as_its_damping_says():
    """Work of the damping along a path by quadrature; a tensor that mixes all directions."""
    rng = np.random.default_rng(5)
    law, alpha = LinearField(rng.normal(size=3), symmetric(rng)), dissipative(rng, 0.15)
    knots, weights = np.polynomial.legendre.leggauss(60)
    times = np.concatenate([[0.0], 1.5 * (knots + 1), [3.0]])
    path = integrate_llg(direction(1.1, 0.3), law, times, alpha=alpha, gyromagnetic_ratio=1.0, rtol=1e-13)
    rates = llg_rate(path[1:-1], law(path[1:-1]), alpha=alpha, gyromagnetic_ratio=1.0)
    lost = 1.5 * weights @ np.einsum("ti,ij,tj->t", rates, alpha, rates)
    energy = -path @ np.asarray(law.applied) - np.einsum("ti,ij,tj->t", path, law.tensor, path) / 2
    assert lost > 0.3
    np.testing.assert_allclose(energy[0] - energy[-1], lost, rtol=1e-11)


@given(seeds)
def test_invariant_rate_turns_with_its_arguments(seed):
    rng = np.random.default_rng(seed)
    x = some_rate_arguments(rng, 3)
    turn = rotation_matrix(rng.normal(size=3), rng.uniform(0, np.pi))
    turned = {name: x[name] @ turn.T for name in ("m", "field", "torque")}
    turned |= {name: turn @ x[name] @ turn.T for name in ("alpha", "back_action")}
    found = llg_rate(**turned, gyromagnetic_ratio=x["gyromagnetic_ratio"])
    np.testing.assert_allclose(found, llg_rate(**x) @ turn.T, rtol=0, atol=1e-12 * max(1, np.abs(found).max()))


@given(seeds)
def test_invariant_rate_is_that_of_the_kernel_and_of_the_rule_of_conventions(seed):
    rng = np.random.default_rng(seed)
    m, p = unit_vector(rng.normal(size=(2, 3)))
    law, torque, alpha = LinearField(rng.normal(size=3), symmetric(rng)), SpinTorque(p, 1.3, -0.4, 0.5), 0.6
    found = llg_rate(m, law(m), alpha=alpha, gyromagnetic_ratio=1.7, torque=torque(m))
    compiled = rate(*m, (0.0, 0.0, 0.0), parameters(law, torque, damping_tensor(alpha), 1.7))
    np.testing.assert_allclose(found, compiled, rtol=0, atol=1e-13 * max(1, np.abs(found).max()))
    # The explicit form, field and torque each by the rule; the cross terms are those that the tables name.
    explicit = np.zeros(3)
    for axis, a, b in ((law(m), 0.0, 1.7), (p, *(np.array([1.3, -0.4]) / (1 + 0.5 * p @ m)))):
        form = gilbert_to_landau_lifshitz(alpha, a, b)
        explicit += form["damping_like"] * np.cross(m, np.cross(axis, m)) + form["field_like"] * np.cross(axis, m)
    np.testing.assert_allclose(found, explicit, rtol=0, atol=1e-13 * max(1, np.abs(found).max()))


@given(seeds)
def test_invariant_torque_of_an_accumulation_in_explicit_form(seed):
    """G_R -> (G_R + alpha G_I)/(1 + alpha^2), G_I -> (G_I - alpha G_R)/(1 + alpha^2) in BTBK (7)."""
    rng = np.random.default_rng(seed)
    m, v = unit_vector(rng.normal(size=3)), rng.normal(size=3)
    alpha, g_r, g_i = rng.uniform(0, 1), rng.uniform(0.5, 2), rng.normal()

    def torque(real, imaginary):
        """(7) by (6) and (3), without interface_current: real may be negative here."""
        current = -2 * real * np.cross(m, np.cross(m, v)) - 2 * imaginary * np.cross(m, v)
        return spin_transfer_torque(m, current, magnetic_moment=hbar / (2 * e), gyromagnetic_ratio=1.0)

    bias = interface_current(m, InterfaceConductance(0.0, 0.0, g_r + 1j * g_i), v).spin_current
    given_torque = spin_transfer_torque(m, bias, magnetic_moment=hbar / (2 * e), gyromagnetic_ratio=1.0)
    found = llg_rate(m, np.zeros(3), alpha=alpha, gyromagnetic_ratio=1.0, torque=given_torque)
    explicit = torque((g_r + alpha * g_i) / (1 + alpha**2), (g_i - alpha * g_r) / (1 + alpha**2))
    np.testing.assert_allclose(found, explicit, rtol=0, atol=1e-12 * np.abs(explicit).max())


def test_limit_back_action_of_a_perfect_sink_is_a_damping():
    rng = np.random.default_rng(3)
    m, field = unit_vector(rng.normal(size=(6, 3))), rng.normal(size=(6, 3))
    mixing = 0.9e15 + 0.4e15j
    extra = pumping_damping(mixing, **PY)
    rates = [across(m, np.tile(axis, (6, 1))) for axis in np.eye(3)]
    columns = [spin_transfer_torque(m, pumped_spin_current(m, v, mixing), **PY) for v in rates]
    matrix = np.stack(columns, axis=-1)
    found = llg_rate(m, field, alpha=0.01, gyromagnetic_ratio=GAMMA, back_action=matrix)
    # Im G shifts gamma and alpha by one factor.
    shift = 1 - extra * mixing.imag / mixing.real
    expected = llg_rate(m, field, alpha=(0.01 + extra) / shift, gyromagnetic_ratio=GAMMA / shift)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())


def test_limit_back_action_of_a_texture_damps_what_moves_along_its_twist():
    """BTBK (19) with beta = 0: kappa |d_z m|^2 on the motion along m x d_z m, nothing across it."""
    gradient = np.zeros((3, 3))
    gradient[2, 0] = 5e8  # d_z m along x at m = z
    given_texture = {"polarization": 0.7, "conductivity": 2e6, "beta": 0.0, "saturation_magnetization": 8e5}
    texture = texture_response(UP, gradient, **given_texture)
    extra = float(texture.kappa) * 25e16
    rates = llg_rate(UP, (0, 1.0, 0), alpha=0.02, gyromagnetic_ratio=1.0, back_action=texture.back_action)
    # v = m x d_z m/|d_z m| = y: K v = extra m x v.
    expected = llg_rate(UP, (0, 1.0, 0), alpha=np.diag([0.02, 0.02 + extra, 0.0]), gyromagnetic_ratio=1.0)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert extra > 1e-3


# --- the two engines --------------------------------------------------------------------------------------------------


def twin(m0, right_side, times, rtol, first):
    """The compiled integrator in plain NumPy, one trajectory."""
    a, b = DOP853.A[:12, :12], DOP853.B
    y, t, h, grow, path = m0.copy(), times[0], first, 10.0, [m0]
    for stop in times[1:]:
        while t < stop:
            parts = np.ceil((stop - t) / h)
            step = (stop - t) / parts
            k = np.zeros((12, 3))
            for s in range(12):
                k[s] = right_side(y + step * (a[s] @ k))
            five, three = (np.linalg.norm(e[:12] @ k) for e in (DOP853.E5, DOP853.E3))
            error = step * five**2 / np.hypot(five, 0.1 * three) / rtol
            factor = 0.9 * error ** (-1 / 8)
            if error < 1:
                y = unit_vector(y + step * (b @ k))
                t = stop if parts == 1 else t + step
                h, grow = step * min(grow, factor), 10.0
            else:
                h, grow = step * max(0.2, factor), 1.0
        path.append(y)
    return np.array(path)


@pytest.mark.parametrize("rtol", [1e-3, 1e-8])
def test_invariant_kernel_does_what_its_twin_does(rtol):
    rng = np.random.default_rng(9)
    law, alpha = LinearField(rng.normal(size=3), symmetric(rng)), dissipative(rng)
    torque = SpinTorque(unit_vector(rng.normal(size=3)), 0.4, -0.3, 0.2)
    start = unit_vector(rng.normal(size=(3, 3)))
    times = np.array([0.5, 0.7, 2.0, 9.0])
    tensor = damping_tensor(alpha)
    given_numbers = parameters(law, torque, tensor, 1.3)
    out = np.empty((4, 3, 3))
    assert np.isnan(_dop853.trajectories(start, times, given_numbers, rtol, 0.3, *_dop853.tables(), out))

    def right_side(y):
        b = np.asarray(law.applied) + np.asarray(law.tensor) @ y
        p = np.asarray(torque.polarizer)
        drive = -1.3 * np.cross(y, b) + (0.4 * np.cross(y, np.cross(p, y)) - 0.3 * np.cross(p, y)) / (1 + 0.2 * p @ y)
        return np.linalg.solve(np.eye(3) - cross_matrix(y) @ tensor, drive)

    for n in range(3):
        # Same steps, other rounding; the dynamics is damped.
        np.testing.assert_allclose(out[:, n], twin(start[n], right_side, times, rtol, 0.3), rtol=0, atol=1e-11)


def test_invariant_turning_does_not_depend_on_the_length_that_drifts():
    """28 turns without damping. The method shortens m a little in each step, and the rate must follow."""
    gamma, b, theta, time = 1.0, 1.0, 1.5, 28 * 2 * np.pi
    law = called(LinearField((0, 0, b)))
    end = integrate_llg(direction(theta), law, [0, time], alpha=0.0, gyromagnetic_ratio=gamma, rtol=1e-8)[-1]
    assert np.abs(end - direction(theta)).max() < 1e-6


def test_invariant_one_of_many_called_magnets_is_held_to_its_tolerance():
    """399 magnets at rest in the mean that steers the steps: without the root of their number the one errs 20 times."""
    start = np.tile(UP, (400, 1))
    start[7] = direction(1.2)
    run = partial(integrate_llg, field=called(LinearField((0, 0, 2.0))), times=[0.0, 40.0], alpha=0.0, rtol=1e-6)
    ends = [run(start, gyromagnetic_ratio=1.0)[-1, 7], run(start[7], gyromagnetic_ratio=1.0)[-1]]
    together, alone = (np.abs(end - direction(1.2, 80.0)).max() for end in ends)
    assert together < 3 * alone < 1e-3


def test_peer_solve_ivp_finds_the_same_motion():
    """The compiled engine and SciPy's, on the same magnets: switching by a torque, with all that a field can hold."""
    rng = np.random.default_rng(2)
    law = LinearField((0.02, -0.01, 0.03), FIELD.tensor)
    torque = SpinTorque(direction(0.2, 0.5), -2.5e9, 4e8, asymmetry=0.12)
    start = unit_vector(rng.normal(size=(3, 2, 3)))
    times = np.linspace(2e-9, 3e-9, 7)
    for alpha in (0.01, dissipative(rng, 0.1)):
        same = {"alpha": alpha, "gyromagnetic_ratio": GAMMA, "rtol": 1e-11}
        compiled = integrate_llg(start, law, times, torque=torque, **same)
        paths = [
            integrate_llg(start, called(law), times, torque=torque, **same),
            integrate_llg(start, law, times, torque=called(torque), **same),
        ]
        assert compiled.shape == (7, 3, 2, 3)
        np.testing.assert_allclose(np.linalg.norm(compiled, axis=-1), 1, rtol=1e-15)
        for path in paths:
            np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, rtol=1e-15)
            np.testing.assert_allclose(path, compiled, rtol=0, atol=2e-7)  # 1 ns amplifies 1e-11 near separatrices
            assert np.median(np.abs(path - compiled)) < 1e-9


def test_invariant_trajectories_do_not_know_each_other():
    start = unit_vector(np.random.default_rng(4).normal(size=(6, 3)))
    times = np.linspace(0, 1e-9, 4)
    whole = integrate_llg(start, FIELD, times, alpha=0.02)
    for n in range(6):
        np.testing.assert_array_equal(whole[:, n], integrate_llg(start[n], FIELD, times, alpha=0.02))


def test_invariant_outputs_do_not_steer_the_motion():
    few, many = np.array([0.0, 2e-9]), np.linspace(0, 2e-9, 1501)
    start = direction(0.9, 0.2)
    one = integrate_llg(start, FIELD, few, alpha=0.02, rtol=1e-11)
    other = integrate_llg(start, FIELD, many, alpha=0.02, rtol=1e-11)
    np.testing.assert_allclose(one[-1], other[-1], rtol=0, atol=1e-9)


def test_invariant_motion_turns_with_all_that_it_depends_on():
    rng = np.random.default_rng(8)
    turn = rotation_matrix(rng.normal(size=3), 2.0)
    b, k, alpha, p = rng.normal(size=3), symmetric(rng), dissipative(rng), unit_vector(rng.normal(size=3))
    start = unit_vector(rng.normal(size=(4, 3)))
    run = partial(integrate_llg, times=[0.0, 1.0, 3.0], gyromagnetic_ratio=1.0, rtol=1e-11)
    plain = run(start, LinearField(b, k), alpha=alpha, torque=SpinTorque(p, 0.3, 0.1, 0.4))
    law = LinearField(turn @ b, turn @ k @ turn.T)
    turned = run(start @ turn.T, law, alpha=turn @ alpha @ turn.T, torque=SpinTorque(turn @ p, 0.3, 0.1, 0.4))
    np.testing.assert_allclose(turned, plain @ turn.T, rtol=0, atol=1e-9)


def test_limit_field_that_depends_on_time():
    """In the frame of a rotating field m sees a constant one: B_x in it and B_z less by omega/gamma."""
    gamma, omega, b_1, b_z = 1.0, 1.7, 0.4, 2.0

    def field(m, t):
        return b_1 * np.array([np.cos(omega * t), np.sin(omega * t), 0.0]) + (0, 0, b_z)

    times = np.linspace(0.6, 15.0, 9)
    found = integrate_llg(UP, field, times, alpha=0.0, gyromagnetic_ratio=gamma, rtol=1e-12)
    effective = np.array([b_1, 0.0, b_z - omega / gamma])
    into = rotation_matrix(UP, omega * times[0])
    for t, m in zip(times, found, strict=True):
        still = rotation_matrix(effective, gamma * np.linalg.norm(effective) * (t - times[0])) @ into.T @ UP
        np.testing.assert_allclose(m, rotation_matrix(UP, omega * t) @ still, rtol=0, atol=1e-9)


# --- the valve --------------------------------------------------------------------------------------------------------


def some_valve(rng, **more):
    sides = [
        InterfaceConductance(*(1e15 * rng.uniform(0.2, 1.5, 2)), 1e15 * complex(rng.uniform(0.3, 1.5), rng.normal()))
        for _ in range(2)
    ]
    return ValveTorque(unit_vector(rng.normal(size=3)), *sides, **(PY | more))


@given(seeds)
def test_invariant_valve_torque_is_that_of_the_circuit(seed):
    """torque + K v for any rate v across m from one solution of the whole circuit."""
    rng = np.random.default_rng(seed)
    valve = some_valve(rng, charge_current=1e11 * rng.normal())
    m = unit_vector(rng.normal(size=(4, 3)))
    v = 1e10 * np.cross(m, rng.normal(size=(4, 3)))
    state = spin_valve(valve.m_fixed, m, valve.fixed, valve.free, charge_current=valve.charge_current, mdot2=v)
    expected = spin_transfer_torque(m, state.spin_current2, **PY)
    torque, matrix = valve.at(m)
    np.testing.assert_allclose(
        torque + np.einsum("nij,nj->ni", matrix, v), expected, rtol=0, atol=1e-11 * np.abs(expected).max()
    )
    np.testing.assert_allclose(valve(m), torque, rtol=0, atol=1e-13 * np.abs(torque).max())
    # K takes rates across m and gives torques across m.
    assert np.abs(np.einsum("nij,nj->ni", matrix, m)).max() < 1e-13 * np.abs(matrix).max()
    assert np.abs(np.einsum("ni,nij->nj", m, matrix)).max() < 1e-13 * np.abs(matrix).max()


@given(seeds)
def test_invariant_valve_turns_with_its_magnets(seed):
    rng = np.random.default_rng(seed)
    valve = some_valve(rng, charge_current=1e11)
    m, turn = unit_vector(rng.normal(size=3)), rotation_matrix(rng.normal(size=3), 1.9)
    turned = ValveTorque(turn @ valve.m_fixed, valve.fixed, valve.free, 1e11, **PY)
    (torque, matrix), (torque_2, matrix_2) = valve.at(m), turned.at(turn @ m)
    np.testing.assert_allclose(torque_2, turn @ torque, rtol=0, atol=1e-11 * np.abs(torque).max())
    np.testing.assert_allclose(matrix_2, turn @ matrix @ turn.T, rtol=0, atol=1e-11 * np.abs(matrix).max())


@pytest.mark.parametrize("mixing", [0.9e15, 0.9e15 + 0.5e15j])
def test_limit_symmetric_valve_returns_half_of_the_pumping(mixing):
    """Parallel and at rest but for the motion: damping alpha_0 + alpha_pump/2, and half the shift by Im G."""
    side = InterfaceConductance(1.2e15, 0.5e15, mixing)
    m = direction(0.7, 2.0)
    _, matrix = ValveTorque(m, side, side, **PY).at(m)
    half = pumping_damping(mixing, **PY) / 2
    expected = half * cross_matrix(m) - half * np.imag(mixing) / np.real(mixing) * cross_matrix(m) @ cross_matrix(m)
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-13 * half)


def test_limit_ring_down_in_a_symmetric_valve():
    """alpha_0 + alpha_pump/2 in the decay of a small precession about an easy axis."""
    m0, times = direction(1e-3), np.linspace(0, 1e-9, 5)
    axis = LinearField((0, 0, 0.3))
    valve = ValveTorque(UP, SIDE, SIDE, **PY)
    half = pumping_damping(SIDE.mixing, **PY) / 2
    given_numbers = {"gyromagnetic_ratio": GAMMA, "rtol": 1e-10}
    found = integrate_llg(m0, axis, times, alpha=0.008, torque=valve, **given_numbers)
    expected = integrate_llg(m0, axis, times, alpha=0.008 + half, **given_numbers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)  # the angle of 1e-3 enters squared, times 1e-3
    bare = integrate_llg(
        m0, axis, times, alpha=0.008, torque=ValveTorque(UP, SIDE, SIDE, **PY, pumping=False), **given_numbers
    )
    still = integrate_llg(m0, axis, times, alpha=0.008, **given_numbers)
    np.testing.assert_allclose(bare, still, rtol=0, atol=1e-9)
    assert np.abs(bare - found).max() > 1e-4


def test_limit_strong_pumping_is_solved_with_the_motion():
    """alpha_pump = 2.3: a torque one step late would run away; the node answers at once."""
    thin = {"magnetic_moment": PY["magnetic_moment"] / 200, "gyromagnetic_ratio": GAMMA}
    half = pumping_damping(SIDE.mixing, **thin) / 2
    assert half > 1
    axis, times = LinearField((0, 0, 0.3)), np.linspace(0, 1e-10, 4)
    found = integrate_llg(
        direction(1e-3), axis, times, alpha=0.0, torque=ValveTorque(UP, SIDE, SIDE, **thin), gyromagnetic_ratio=GAMMA
    )
    expected = integrate_llg(direction(1e-3), axis, times, alpha=half, gyromagnetic_ratio=GAMMA)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_invariant_currents_of_a_batch_act_each_on_its_own_magnet():
    currents = np.array([-1e11, 0.0, 2e11])
    start = np.tile(direction(0.4, 0.3), (3, 1))
    times = np.linspace(0, 0.3e-9, 3)
    run = partial(integrate_llg, field=FIELD, times=times, alpha=0.01, gyromagnetic_ratio=GAMMA, rtol=1e-9)
    batch = run(start, torque=ValveTorque(UP, SIDE, OTHER, currents, **PY))
    for n, current in enumerate(currents):
        alone = run(start[n], torque=ValveTorque(UP, SIDE, OTHER, current, **PY))
        np.testing.assert_allclose(batch[:, n], alone, rtol=0, atol=1e-7)


class Reacting:
    """A torque of anyone: a polariser, and a damping as a matrix."""

    def __init__(self, torque, damping):
        self.torque, self.damping = torque, damping

    def __call__(self, m, t):
        return self.torque(m)

    def at(self, m):
        return self.torque(m), self.damping * cross_matrix(m)


class Sum(Reacting):
    """A torque beside that of a valve."""

    def at(self, m):
        torque, matrix = self.damping.at(m)
        return torque + self.torque(m), matrix


def test_invariant_torque_with_a_matrix_of_its_own():
    """K v = a m x v is the damping a, and any torque may bring it."""
    start, times = unit_vector(np.random.default_rng(1).normal(size=(3, 3))), np.linspace(0, 3.0, 4)
    law, polariser = LinearField((0.3, 0.0, 1.0), np.diag([0, -0.5, 0.4])), SpinTorque(direction(0.4), 0.2, -0.3, 0.3)
    run = partial(integrate_llg, start, law, times, gyromagnetic_ratio=1.3, rtol=1e-11)
    found = run(alpha=0.1, torque=Reacting(polariser, 0.25))
    np.testing.assert_allclose(found, run(alpha=0.35, torque=polariser), rtol=0, atol=1e-9)
    assert np.abs(run(alpha=0.1, torque=polariser) - found).max() > 0.1


def test_invariant_sum_with_a_valve_keeps_its_pumping_and_a_function_around_it_does_not():
    m0, times = direction(0.8, 0.2), np.linspace(0, 0.3e-9, 4)
    run = partial(integrate_llg, m0, FIELD, times, alpha=0.01, gyromagnetic_ratio=GAMMA, rtol=1e-10)
    valve, still = (ValveTorque(UP, SIDE, OTHER, 2e11, **PY, pumping=on) for on in (True, False))
    whole = run(torque=valve)
    np.testing.assert_allclose(run(torque=Sum(lambda m: 0 * m, valve)), whole, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run(torque=called(valve)), run(torque=still), rtol=0, atol=1e-9)
    assert np.abs(run(torque=still) - whole).max() > 1e-3
    pushed = run(torque=Sum(SpinTorque(UP, 1e9), valve))
    assert np.abs(pushed - whole).max() > 0.01


def test_invariant_gyromagnetic_ratios_are_one_to_nine_digits():
    valve = ValveTorque(UP, SIDE, SIDE, **(PY | {"gyromagnetic_ratio": GAMMA * (1 + 1e-12)}))
    integrate_llg(UP, FIELD, [0, 1e-12], alpha=0.1, gyromagnetic_ratio=GAMMA, torque=valve)


# --- critical currents ------------------------------------------------------------------------------------------------

CRITICAL = {"alpha": 0.008, **PY}


def growth(current, equilibrium, m_fixed, fixed, free, field, alpha):
    """Largest growth rate by differences of the whole rate in two angles, at the equilibrium that fsolve finds."""
    valve = ValveTorque(m_fixed, fixed, free, current, **PY)
    pole = rotation_matrix(np.cross(equilibrium, (0.3, 0.5, -0.7)), np.pi / 2)

    def flow(angles):
        """Rates of two angles about an axis across the equilibrium."""
        theta, phi = angles
        frame = pole @ np.column_stack(
            [
                direction(theta, phi),
                [np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)],
                [-np.sin(phi), np.cos(phi), 0],
            ]
        )
        m = frame[:, 0]
        torque, back = valve.at(m)
        v = llg_rate(m, field(m, 0.0), alpha=alpha, gyromagnetic_ratio=GAMMA, torque=torque, back_action=back)
        return np.array([v @ frame[:, 1], v @ frame[:, 2] / np.sin(theta)]) / 1e9

    x, y, z = pole.T @ equilibrium
    start = [np.arccos(z), np.arctan2(y, x)]
    angles, _, found, _ = fsolve(flow, start, xtol=1e-13, full_output=True)
    if found != 1 and np.abs(flow(angles)).max() > 1e-6:
        return np.inf  # there is no equilibrium
    h = 1e-5
    jacobian = [(flow(angles + h * step) - flow(angles - h * step)) / (2 * h) for step in np.eye(2)]
    return np.linalg.eigvals(np.array(jacobian)).real.max()


def test_limit_critical_current_of_a_symmetric_valve():
    """-(alpha + alpha_pump/2)(B_1 + B_2) 2 e M_s d/(hbar P) from P, times -1/Lambda^2 from AP."""
    p = SIDE.polarization
    square = 2 * SIDE.mixing.real / SIDE.total / (1 - p**2)
    for pumping, extra in ((True, pumping_damping(SIDE.mixing, **PY) / 2), (False, 0.0)):
        stiff = EASY + (EASY + HARD)
        parallel = -(0.008 + extra) * stiff * 2 * e * PY["magnetic_moment"] / (hbar * p)
        found = [critical_current(UP, s * UP, SIDE, SIDE, FIELD, **CRITICAL, pumping=pumping) for s in (1, -1)]
        np.testing.assert_allclose(found, [parallel, -parallel / square], rtol=1e-9)


def test_limit_critical_currents_of_the_valve_in_the_book():
    """Electrons from the fixed to the free layer stabilise P and destabilise AP; thresholds in 1e11 A/m^2."""

    def found(sign, pumping):
        return critical_current(UP, sign * UP, SIDE, SIDE, called(FIELD), **CRITICAL, pumping=pumping) / 1e11

    np.testing.assert_allclose([found(1, True), found(-1, True)], [-3.304, 2.592], atol=5e-4)
    np.testing.assert_allclose([found(1, False), found(-1, False)], [-1.936, 1.519], atol=5e-4)
    assert pumping_damping(SIDE.mixing, **PY) == pytest.approx(0.0113, abs=5e-5)


@pytest.mark.parametrize(
    ("m_fixed", "sides"),
    [
        (UP, (SIDE, OTHER)),
        (-UP, (OTHER, SIDE)),
        (direction(0.02, 1.0), (SIDE, SIDE)),
        (direction(0.6, 0.4), (SIDE, OTHER)),
        (direction(1.5, 1.5), (SIDE, SIDE)),
        (direction(2.6, -0.5), (OTHER, SIDE)),
        (direction(1.7, 0.3), (SIDE, SIDE)),  # both currents have a threshold, of unlike modulus
    ],
)
def test_invariant_growth_changes_sign_at_the_critical_current(m_fixed, sides):
    """Eigenvalues of the whole rate, pumping solved with it; no earlier change of sign, of either current."""
    tensor = np.diag([0.012, 0.008, 0.02])
    law = LinearField((0.002, 0.001, 0.02), FIELD.tensor)
    m_free = integrate_llg(UP, law, [0, 1e-6], alpha=0.5)[-1]
    critical = critical_current(m_fixed, m_free, *sides, law, alpha=tensor, **PY)
    rates = [growth(x * critical, m_free, m_fixed, *sides, law, tensor) for x in (0.9995, 1.0005)]
    assert rates[0] < 0 < rates[1]
    earlier = [growth(x * critical, m_free, m_fixed, *sides, law, tensor) for x in np.linspace(-0.99, 0.99, 21)]
    assert max(earlier) < 0


def test_limit_critical_current_where_the_determinant_vanishes():
    """A field-like torque that takes the equilibrium away before any oscillation grows, against brentq."""
    fixed = InterfaceConductance(2e15, 0.3e15, 0.02e15 - 1.4e15j)
    twisted = InterfaceConductance(0.2e15, 0.7e15, 0.05e15 + 3e15j)
    law = LinearField((0, 0, 0.002), np.diag([0.0, -0.01, 0.01]))
    given_numbers = (UP, fixed, twisted, law, 0.6)
    critical = critical_current(UP, UP, fixed, twisted, law, alpha=0.6, **PY)
    # The equilibrium rests at UP for every current, so its growth rate is a function of the current alone.
    root = brentq(lambda x: growth(x * critical, UP, *given_numbers), 0.5, 1.5, xtol=1e-10)
    assert root == pytest.approx(1, abs=1e-6)
    valve = ValveTorque(UP, fixed, twisted, critical, **PY)
    h = 1e-5
    slopes = []
    for step in ((h, 0), (0, h)):
        m = unit_vector((*step, 1.0))
        torque, back = valve.at(m)
        v = llg_rate(m, law(m), alpha=0.6, gyromagnetic_ratio=GAMMA, torque=torque, back_action=back)
        slopes.append(v[:2] / h)
    values = np.linalg.eigvals(np.array(slopes).T)
    assert np.abs(values.imag).max() == 0
    assert np.abs(values).min() < 1e-4 * np.abs(values).max(), "one real eigenvalue passes through zero"


def test_limit_trajectories_below_and_above_the_critical_current():
    """Ring-down at 0.9 of the threshold, growth at 1.1, from a tilt of 0.01 rad; both by the rate of the trace."""
    critical = critical_current(UP, -UP, SIDE, SIDE, FIELD, **CRITICAL)
    currents = critical * np.array([0.9, 1.1])
    valve = ValveTorque(UP, SIDE, SIDE, currents, **PY)
    stiff = 2 * EASY + HARD
    slow = (0.008 + pumping_damping(SIDE.mixing, **PY) / 2) * GAMMA * stiff / 2  # at rest, alpha^2 apart
    times = np.linspace(0, 8e-9, 400)
    path = integrate_llg(
        np.tile(direction(np.pi - 0.01), (2, 1)),
        FIELD,
        times,
        alpha=0.008,
        gyromagnetic_ratio=GAMMA,
        torque=valve,
        rtol=1e-7,
    )
    # The energy of a small ellipse is quadratic: its logarithm grows at twice the real part.
    energy = EASY * path[..., 0] ** 2 / 2 + (EASY + HARD) * path[..., 1] ** 2 / 2
    slope = np.polyfit(times, np.log(energy), 1)[0]
    np.testing.assert_allclose(slope, 2 * slow * np.array([-0.1, 0.1]), rtol=0.03)


def test_invariant_critical_current_turns_with_the_valve_and_follows_the_labels():
    turn = rotation_matrix((0.2, -1.0, 0.4), 0.8)
    law = LinearField((0, 0, 0.02), FIELD.tensor)
    turned = LinearField(turn @ law.applied, turn @ law.tensor @ turn.T)
    fixed = direction(0.5, 0.2)
    plain = critical_current(fixed, UP, SIDE, OTHER, law, **CRITICAL)
    again = critical_current(turn @ fixed, turn @ UP, SIDE, OTHER, turned, **CRITICAL)
    assert again == pytest.approx(plain, rel=1e-8, abs=0)
    # Collinear and nearly collinear valves take different roads.
    straight = critical_current(UP, UP, SIDE, OTHER, law, **CRITICAL)
    followed = critical_current(direction(1e-5), UP, SIDE, OTHER, law, **CRITICAL)
    assert followed == pytest.approx(straight, rel=1e-6, abs=0)


TWISTED = InterfaceConductance(1.2e15, 0.5e15, 0.5e15 + 1e15j)


@pytest.mark.parametrize(("alpha", "inside"), [(0.061, 7.82e11), (0.0605, 7.8e11)])
def test_invariant_narrow_window_of_instability_is_found(alpha, inside):
    """A branch that is stable again a few per cent later: strides that grow step over it."""
    law, fixed = LinearField((0, 0, 0.05), np.diag([0, -0.02, 0])), direction(2.0)
    critical = critical_current(fixed, UP, SIDE, TWISTED, law, alpha=alpha, **PY)
    rates = {x: growth(x, UP, fixed, SIDE, TWISTED, law, alpha) for x in (critical * 0.999, inside, 8.8e11)}
    assert [rate_ > 0 for rate_ in rates.values()] == [False, True, False]
    assert critical < inside
    assert growth(critical * 1.001, UP, fixed, SIDE, TWISTED, law, alpha) > 0


def test_invariant_no_window_is_found_where_there_is_none():
    """A little more damping and the trace stays below zero, by the same growth rates on a fine grid."""
    law, fixed, alpha = LinearField((0, 0, 0.05), np.diag([0, -0.02, 0])), direction(2.0), 0.0612
    assert np.isnan(critical_current(fixed, UP, SIDE, TWISTED, law, alpha=alpha, **PY))
    assert max(growth(x, UP, fixed, SIDE, TWISTED, law, alpha) for x in np.linspace(7.4e11, 8.2e11, 41)) < 0


def slope_of_the_torque(fixed, free):
    """Complex torque per current and tilt, parallel magnets, by hand; the tilt is x + i y about z.

    M z = g z + (g - 2 G*) tilt for a magnet that is tilted, and the node answers across z with 2 G* of both.
    """
    along = [side.total * (1 - side.polarization**2) for side in (fixed, free)]
    across = [2 * np.conj(side.mixing) for side in (fixed, free)]
    spins = (fixed.polarization - free.polarization) / sum(along)
    answer = -(free.polarization + spins * (along[1] - across[1])) / sum(across)
    return GAMMA * hbar / (2 * e * PY["magnetic_moment"]) * across[1] * (answer - spins)


def axial_threshold(fixed, free, b, alpha):
    """(1 - i alpha) d tilt/dt = (i gamma B + c I) tilt about an axial field: the growth rate is linear in I."""
    c = slope_of_the_torque(fixed, free)
    return alpha * GAMMA * b / (c.real - alpha * c.imag)


def test_limit_critical_current_of_a_polariser_that_hardly_polarises():
    weak = InterfaceConductance(1e15 * (1 + 1e-5), 1e15 * (1 - 1e-5), 0.9e15)
    plain = InterfaceConductance(1e15, 1e15, 0.9e15)
    found = critical_current(UP, UP, weak, plain, (0, 0, 0.2), alpha=0.02, pumping=False, **PY)
    assert found == pytest.approx(axial_threshold(weak, plain, 0.2, 0.02), rel=1e-6, abs=0)


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_limit_farthest_critical_current(share):
    """Damping-like and field-like torque that nearly cancel in the trace: found up to a thousand units, not beyond."""
    free = InterfaceConductance(1.2e15, 0.5e15, 0.2e15 - 1.5e15j)
    c = slope_of_the_torque(SIDE, free)
    unit_current = GAMMA * 0.2 / abs(c)  # alpha^2 apart
    # alpha gamma B/(c' - alpha c'') = share * 1000 units
    alpha = c.real / (c.imag + abs(c) / (1000 * share))
    assert alpha > 0
    expected = axial_threshold(SIDE, free, 0.2, alpha)
    assert abs(expected) == pytest.approx(1000 * share * unit_current, rel=1e-9, abs=0)
    found = critical_current(UP, UP, SIDE, free, (0, 0, 0.2), alpha=alpha, pumping=False, **PY)
    if share < 1:
        assert found == pytest.approx(expected, rel=1e-6, abs=0)
    else:
        assert np.isnan(found)


PLAIN = InterfaceConductance(1e15, 1e15, 1e15)


@pytest.mark.parametrize("free", [PLAIN, SIDE, OTHER])
@pytest.mark.parametrize("m_fixed", [UP, direction(0.7), direction(0.7, 0.3)])
def test_limit_no_critical_current_without_a_polariser(m_fixed, free):
    """The node then holds spins along m_free alone, which turn nothing; rounding is no torque."""
    assert np.isnan(critical_current(m_fixed, UP, PLAIN, free, FIELD, **CRITICAL))


# --- bad input --------------------------------------------------------------------------------------------------------

RATE = {"m": UP, "field": UP, "alpha": 0.1}
RUN = {"m0": UP, "field": UP, "times": [0.0, 1e-9], "alpha": 0.1}
VALVE = {"m_fixed": UP, "fixed": SIDE, "free": SIDE, **PY}
CURRENT = {"m_fixed": UP, "m_free": UP, "fixed": SIDE, "free": SIDE, "field": FIELD, **CRITICAL}
THIN = InterfaceConductance.from_scattering(*(haar(np.random.default_rng(k), 4) for k in (1, 2)), 2, transmission=True)


@refusals(
    Refusal("rate of no direction", llg_rate, {**RATE, "m": (1, 1, 0)}, ("length of m = 1.414", "pass m / |m|")),
    Refusal("rate without field", llg_rate, {**RATE, "field": (np.nan, 0, 0)}, ("field[0] = nan", "(..., 3)")),
    Refusal("rate with antidamping", llg_rate, {**RATE, "alpha": -0.1}, ("alpha = -0.1", "alpha >= 0")),
    Refusal("rate with gamma 0", llg_rate, {**RATE, "gyromagnetic_ratio": 0}, ("gyromagnetic_ratio = 0", "> 0")),
    Refusal("rate with a scalar torque", llg_rate, {**RATE, "torque": 1.0}, ("torque has shape ()", "(..., 3)")),
    Refusal(
        "rate with a vector as matrix",
        llg_rate,
        {**RATE, "back_action": UP},
        ("back_action has shape (3,)", "(..., 3, 3)"),
    ),
    Refusal(
        "rate with NaN in the matrix",
        llg_rate,
        {**RATE, "back_action": np.full((3, 3), np.nan)},
        ("back_action[0, 0] = nan", "(..., 3, 3)"),
    ),
    Refusal(
        "rate that the matrix leaves open",
        llg_rate,
        {**RATE, "alpha": 0.0, "back_action": np.eye(3)},
        ("1 - m x alpha - back_action is singular", "pass a back_action that damps, or more alpha"),
    ),
    Refusal(
        "rate that the matrix leaves open but for rounding",
        llg_rate,
        {**RATE, "m": direction(0.3, 0.4), "alpha": 0.0, "back_action": np.eye(3)},
        ("1 - m x alpha - back_action is singular", "pass a back_action that damps, or more alpha"),
    ),
    Refusal(
        "rate of other shapes",
        llg_rate,
        {**RATE, "m": np.tile(UP, (2, 1)), "field": np.ones((3, 3))},
        ("m of shape (2,)", "field of shape (3,)", "leading shape"),
    ),
    Refusal("run from no direction", integrate_llg, {**RUN, "m0": (0, 0, 2)}, ("length of m0 = 2", "pass m0 / |m0|")),
    Refusal(
        "times that fall", integrate_llg, {**RUN, "times": [0.0, 2e-9, 1e-9]}, ("times[1] = 1e-09", "increasing times")
    ),
    Refusal("times that stay", integrate_llg, {**RUN, "times": [0.0, 0.0]}, ("times[0] = 0", "increasing times")),
    Refusal("no times", integrate_llg, {**RUN, "times": []}, ("times has shape (0,)", "increasing times")),
    Refusal("one time alone", integrate_llg, {**RUN, "times": 1e-9}, ("times has shape ()", "increasing times")),
    Refusal("tolerance too fine", integrate_llg, {**RUN, "rtol": 1e-14}, ("rtol = 1e-14", "1e-13 <= rtol <= 0.01")),
    Refusal("tolerance too coarse", integrate_llg, {**RUN, "rtol": 0.1}, ("rtol = 0.1", "1e-13 <= rtol <= 0.01")),
    Refusal("NaN tolerance", integrate_llg, {**RUN, "rtol": np.nan}, ("rtol = nan", "finite")),
    Refusal("field of no shape", integrate_llg, {**RUN, "field": 1.0}, ("field has shape ()", "callable field(m, t)")),
    Refusal(
        "infinite field", integrate_llg, {**RUN, "field": (np.inf, 0, 0)}, ("field[0] = inf", "callable field(m, t)")
    ),
    Refusal(
        "law with NaN",
        integrate_llg,
        {**RUN, "field": lambda m, t: m * np.nan},
        ("field(m, t)[0] = nan", "(..., 3)"),
    ),
    Refusal(
        "law of another shape",
        integrate_llg,
        {**RUN, "field": lambda m, t: np.zeros((2, 3))},
        ("field(m, t) has shape (2, 3)", "one vector for each m"),
    ),
    Refusal(
        "law with NaN later on",
        integrate_llg,
        {**RUN, "field": lambda m, t: m if t < 2e-10 else m * np.nan},
        ("at t = ", " s field(m, t)[0] = nan", "is not finite", "(..., 3)"),
    ),
    Refusal(
        "law that writes to m",
        integrate_llg,
        {**RUN, "field": lambda m, t: m.__imul__(2)},
        ("read-only", "output array"),
    ),
    Refusal(
        "torque that answers with one array",
        integrate_llg,
        {**RUN, "torque": type("Torque", (Reacting,), {"at": lambda self, m: m})(None, None)},
        ("torque.at(m) is a ndarray", "return torque (..., 3) and matrix (..., 3, 3)"),
    ),
    Refusal(
        "torque that answers with two vectors",
        integrate_llg,
        {**RUN, "torque": type("Torque", (Reacting,), {"at": lambda self, m: (m, m)})(None, None)},
        ("torque.at(m)[1] has shape (3,)", "(..., 3, 3)"),
    ),
    Refusal(
        "torque that answers with too many matrices",
        integrate_llg,
        {**RUN, "torque": type("Torque", (Reacting,), {"at": lambda self, m: (m, np.ones((2, 3, 3)))})(None, None)},
        ("torque.at(m)[1] has shape (2, 3, 3) for m of shape (3,)", "return one matrix for each m"),
    ),
    Refusal("torque of no kind", integrate_llg, {**RUN, "torque": UP}, ("torque = ", "torque(m, t)")),
    Refusal(
        "torque law of another shape",
        integrate_llg,
        {**RUN, "torque": lambda m, t: np.zeros(2)},
        ("torque(m, t) has shape (2,)", "(..., 3)"),
    ),
    Refusal(
        "more currents than magnets",
        integrate_llg,
        {**RUN, "torque": ValveTorque(UP, SIDE, SIDE, [0.0, 1.0], **PY), "gyromagnetic_ratio": GAMMA},
        ("torque(m, t) has shape (2, 3)", "one vector for each m"),
    ),
    Refusal(
        "two gyromagnetic ratios",
        integrate_llg,
        {**RUN, "torque": ValveTorque(UP, SIDE, SIDE, **PY)},
        (f"gyromagnetic_ratio = {gyromagnetic_ratio:.10g}", f"the {GAMMA:.10g} of torque", "one gyromagnetic_ratio"),
    ),
    Refusal(
        "valve of no direction", ValveTorque, {**VALVE, "m_fixed": (0, 0, 0)}, ("length of m_fixed = 0", "pass m_fixed")
    ),
    Refusal("valve of a number", ValveTorque, {**VALVE, "free": 1.0}, ("free = 1.0", "InterfaceConductance")),
    Refusal(
        "valve of a thin magnet", ValveTorque, {**VALVE, "free": THIN}, ("free contains the", "transmission=False")
    ),
    Refusal("valve without moment", ValveTorque, {**VALVE, "magnetic_moment": 0}, ("magnetic_moment = 0", "> 0")),
    Refusal(
        "valve without gamma", ValveTorque, {**VALVE, "gyromagnetic_ratio": -1}, ("gyromagnetic_ratio = -1", "> 0")
    ),
    Refusal("word for pumping", ValveTorque, {**VALVE, "pumping": "no"}, ("pumping = 'no'", "pass True or False")),
    Refusal(
        "valve that passes no charge",
        ValveTorque,
        {**VALVE, "free": InterfaceConductance(0, 0, 1e15)},
        ("majority + minority of free = 0", "no charge current", "some spin crosses"),
    ),
    Refusal(
        "valve whose node keeps a spin",
        ValveTorque(UP, *2 * [InterfaceConductance(1e15, 0, 1e15)], **PY).at,
        {"m": UP},
        ("condition number of the node", "leaves a spin open", "pass interfaces"),
    ),
    Refusal("NaN current", ValveTorque, {**VALVE, "charge_current": np.nan}, ("charge_current = nan", "finite")),
    Refusal(
        "two fixed layers", critical_current, {**CURRENT, "m_fixed": [UP, UP]}, ("m_fixed has shape (2, 3)", "(3,)")
    ),
    Refusal("two free layers", critical_current, {**CURRENT, "m_free": [UP, UP]}, ("m_free has shape (2, 3)", "(3,)")),
    Refusal(
        "no equilibrium",
        critical_current,
        {**CURRENT, "m_free": direction(0.1)},
        ("|m_free x field|", "no equilibrium", "pass m_free where m x B = 0"),
    ),
    Refusal(
        "no field at all",
        critical_current,
        {**CURRENT, "field": (0, 0, 0)},
        ("|m_free x field|", "no equilibrium", "field in tesla"),
    ),
    Refusal(
        "unstable equilibrium",
        critical_current,
        {**CURRENT, "m_free": (0, 1, 0)},
        ("growth rate of m_free", "not negative", "minimum of the energy"),
    ),
    Refusal(
        "saddle", critical_current, {**CURRENT, "m_free": (1, 0, 0)}, ("growth rate of m_free", "minimum of the energy")
    ),
    Refusal(
        "nothing damps",
        critical_current,
        {**CURRENT, "alpha": 0.0, "pumping": False},
        ("growth rate of m_free", "alpha > 0"),
    ),
    Refusal(
        "critical current of no moment",
        critical_current,
        {**CURRENT, "magnetic_moment": -1},
        ("magnetic_moment = -1", "> 0"),
    ),
)
def test_bad_input(refusal):
    refusal.check()


@pytest.mark.parametrize(
    ("law", "times", "least", "most"),
    [
        (LinearField((0, 0, 1e290)), [0.0, 0.5, 2.0], 0.0, 1e-200),
        (lambda m, t: np.array([0.0, 0.0, 1 / (1 - t)]), [0.0, 0.5, 2.0], 0.999, 1.001),
        (lambda m, t: np.array([0.0, 0.0, 1 / (1 - t)]), [0.0, 2.0], 0.999, 1.001),
    ],
)
def test_bad_input_motion_that_no_step_resolves(law, times, least, most):
    """A run that fails says when: at once in an absurd field, at the pole of one that diverges."""
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match="no step is short enough at t = ") as caught:
        integrate_llg((1, 0, 0), law, times, alpha=0.1, gyromagnetic_ratio=1.0)
    assert least <= float(str(caught.value).split("t = ")[1].split(" s")[0]) <= most


def test_bad_input_frozen_records():
    valve = ValveTorque(UP, SIDE, SIDE, [1.0, 2.0], **PY)
    for array in (valve.m_fixed, valve.charge_current):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3.0


@settings(max_examples=20)
@given(seeds)
def test_invariant_every_output_is_of_unit_length(seed):
    rng = np.random.default_rng(seed)
    start = unit_vector(rng.normal(size=(3, 3)))
    law = LinearField(rng.normal(size=3), symmetric(rng))
    path = integrate_llg(start, law, [0.0, 0.3, 5.0], alpha=0.1, gyromagnetic_ratio=1.0, rtol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, rtol=1e-14)
