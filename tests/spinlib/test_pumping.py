"""`spinlib.pumping`: pumping against dense spin matrices, rotating frames and equations of motion; every refusal."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spinlib import units
from spinlib.pumping import (
    fmr_linewidth,
    parametric_pumping,
    pumped_spin_current,
    pumping_damping,
    spin_battery,
    spin_battery_dc,
)
from spinlib.spin import PAULI
from tests.bad_input import Refusal, refusals
from tests.random_matrices import haar

E, HBAR = units.e, units.hbar
Z = (0.0, 0.0, 1.0)
seeds = st.integers(0, 2**32 - 1)


def tangent_pair(rng):
    """m and two unit vectors that complete a right-handed frame."""
    return Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()


def dense_s(up, down, m):
    """BTBK (61) in spin-major order, by Kronecker products."""
    along = np.einsum("i,iab->ab", m, PAULI)
    return np.kron((np.eye(2) + along) / 2, up) + np.kron((np.eye(2) - along) / 2, down)


def lead_rows(size, channels):
    return [*range(channels), *range(size, size + channels)]


def pumped_densely(up, down, m, mdot, channels, step=1e-5):
    """BTBK (59), (60): finite differences of S[m(t)] on a great circle, traces with full Pauli matrices."""
    rate = np.linalg.norm(mdot)
    turn = [Rotation.from_rotvec(np.cross(m, mdot) / rate * x).apply(m) for x in (-2 * step, -step, step, 2 * step)]
    a, b, c, d = (dense_s(up, down, n) for n in turn)
    sdot = rate * (a - 8 * b + 8 * c - d) / (12 * step)
    s = dense_s(up, down, m)
    rows = lead_rows(len(up), channels)
    spin = [np.kron(sigma, np.eye(channels)) for sigma in PAULI]
    return E * np.array([np.trace(sdot[rows].conj().T @ sigma @ s[rows]).imag for sigma in spin]) / (2 * np.pi), sdot


# --- a magnet beside a normal metal -----------------------------------------------------------------------------------


def test_invariant_pumped_current_is_the_response_to_the_rotating_frame():
    # In the frame of a magnet that turns with w, the spins of N are biased by hbar w/2: BTBK (6) at V = hbar w/2e.
    rng = np.random.default_rng(1)
    m, omega = tangent_pair(rng)[0], rng.normal(size=3) * 1e11
    g = 0.7e15 - 0.2e15j
    v = HBAR * omega / (2 * E)
    biased = -2 * g.real * np.cross(m, np.cross(m, v)) - 2 * g.imag * np.cross(m, v)
    np.testing.assert_allclose(pumped_spin_current(m, np.cross(omega, m), g), biased, rtol=1e-12)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_invariant_pumped_current_stays_across_the_magnet_and_turns_with_it(seed):
    rng = np.random.default_rng(seed)
    m, one, two = tangent_pair(rng)
    mdot, g = (3 * one - 2 * two) * 1e10, complex(rng.uniform(0, 2), rng.normal())
    current, battery = pumped_spin_current(m, mdot, g), spin_battery(m, mdot)
    scale = np.linalg.norm(mdot) * HBAR / E
    assert abs(m @ current) < 1e-14 * scale * abs(g)
    assert np.linalg.norm(current) == pytest.approx(scale * abs(g), rel=1e-13, abs=0)
    turn = tangent_pair(rng)
    np.testing.assert_allclose(pumped_spin_current(turn @ m, turn @ mdot, g), turn @ current, atol=1e-13 * scale)
    np.testing.assert_allclose(spin_battery(turn @ m, turn @ mdot), turn @ battery, atol=1e-13 * scale)
    # m is an axial vector: mirrored with it as if it were polar, the m x mdot parts would change sign.
    assert np.linalg.norm(spin_battery(-m, -mdot) - battery) < 1e-14 * scale


def test_invariant_battery_stops_the_current_through_any_interface():
    rng = np.random.default_rng(2)
    for _ in range(5):
        m, one, two = tangent_pair(rng)
        mdot, g = rng.normal() * one + rng.normal() * two, complex(rng.uniform(0, 2), rng.normal())
        v = spin_battery(m, mdot)
        biased = -2 * g.real * np.cross(m, np.cross(m, v)) - 2 * g.imag * np.cross(m, v)
        np.testing.assert_allclose(biased, -pumped_spin_current(m, mdot, g), rtol=1e-12, atol=1e-28)


def test_invariant_a_rate_with_a_tolerated_part_along_m_pumps_nothing_along_m():
    rng = np.random.default_rng(3)
    for _ in range(5):
        m, one, _ = tangent_pair(rng)
        mdot, g = 1e10 * one, 0.4e15 - 0.9e15j
        current = pumped_spin_current(m, mdot + 9e-7 * 1e10 * m, g)
        assert abs(m @ current) < 1e-14 * np.linalg.norm(current)
        np.testing.assert_allclose(current, pumped_spin_current(m, mdot, g), atol=1e-14 * np.linalg.norm(current))


def test_limit_vector_functions_broadcast():
    m = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    mdot = np.array([0.0, 0, 2e9])
    g = np.array([[1.0], [2 + 1j], [3j]])
    current = pumped_spin_current(m, mdot, g)
    assert current.shape == (3, 2, 3)
    np.testing.assert_array_equal(current[2, 1], pumped_spin_current(m[1], mdot, 3j))
    assert spin_battery(m, mdot).shape == (2, 3)
    moments = np.array([1.0, 2.0])
    assert pumping_damping(g, magnetic_moment=moments).shape == (3, 2)
    assert fmr_linewidth(moments * 1e9, g.real).shape == (3, 2)
    assert spin_battery_dc(moments * 1e9, [[0.1], [0.2], [0.3]]).shape == (3, 2)


def test_limit_scalars_give_floats():
    scalars = (
        pumping_damping(1e15, magnetic_moment=2e-3),
        fmr_linewidth(1e10, 0.01),
        spin_battery_dc(6e10, 0.1),
    )
    assert all(type(value) is float for value in scalars)


# --- battery on the axis ----------------------------------------------------------------------------------------------


def node(theta, sink, capacity, leak=0.0, g=1.0 + 0.4j):
    """Spin accumulation of a normal metal beside a magnet on a cone, in the frame that turns with it.

    Lab: capacity dV/dt = -(I_bias + I_pump + sink V); turning: capacity z x V = the same. Unit hbar omega/2e, 1/omega.
    """
    m = np.array([np.sin(theta), 0, np.cos(theta)])
    across, turning = (np.cross(np.eye(3), -np.array(v)) for v in (m, Z))  # rows: (v x e_i)
    across, turning = across.T, turning.T
    mdot = turning @ m
    pumped = 2 * (g.real * across @ mdot + g.imag * mdot)
    taken = -2 * g.real * across @ across - 2 * g.imag * across + leak * np.outer(m, m) + sink * np.eye(3)
    return np.linalg.solve(taken + capacity * turning, -pumped)


@pytest.mark.parametrize(("theta", "ratio"), [(0.4, 0.1), (1.2, 1.0), (2.5, 0.5), (3.1, 0.01)])
def test_limit_slow_node_collects_the_battery_on_the_axis(theta, ratio):
    # G_sink = 2 G_R eta; what the capacity leaves of the motion is of first order in 1/capacity.
    expected = [0, 0, -spin_battery_dc(2 * E / HBAR, theta, ratio)]
    errors = [node(theta, 2 * ratio, capacity) - expected for capacity in (1e4, 1e5)]
    np.testing.assert_allclose(errors[1], 0, atol=3e-5)
    assert np.linalg.norm(errors[0]) == pytest.approx(10 * np.linalg.norm(errors[1]), rel=0.01, abs=0)


def test_limit_node_without_losses_is_at_rest_in_the_turning_frame():
    for capacity in (0.1, 1.0, 1e3):
        slow = node(0.7, 1e-10, capacity)
        np.testing.assert_allclose(slow, [0, 0, -spin_battery_dc(2 * E / HBAR, 0.7)], atol=1e-6)


def test_limit_fast_node_follows_the_battery():
    theta = 0.7
    m = np.array([np.sin(theta), 0, np.cos(theta)])
    expected = spin_battery(m, np.cross(Z, m) * 2 * E / HBAR)
    np.testing.assert_allclose(node(theta, 0.0, 0.0, leak=0.3), expected, atol=1e-14)


def test_limit_battery_without_sink_is_the_frequency():
    thetas = np.array([0.0, 1e-9, 0.3, np.pi / 2, np.pi])
    np.testing.assert_array_equal(spin_battery_dc(4.0, thetas), HBAR * 4.0 / (2 * E))
    np.testing.assert_allclose(spin_battery_dc(4.0, thetas, 1e6) * 1e6, HBAR * 2.0 / E * np.sin(thetas) ** 2, rtol=1e-5)
    assert spin_battery_dc(4.0, 0.0, 1e-300) == 0.0
    # Half of it where sin^2 = eta.
    assert spin_battery_dc(4.0, np.arcsin(np.sqrt(0.3)), 0.3) == pytest.approx(HBAR / E, rel=1e-12, abs=0)


# --- damping and linewidth --------------------------------------------------------------------------------------------


def test_limit_damping_is_the_torque_of_the_pumped_current():
    # Angular momentum balance of the magnet, d(M_s V m)/dt = gamma (hbar/2e) I_transverse, no formula for alpha.
    moment, gamma, g = 4e-3, 1.9e11, 0.8e15 + 0.3e15j
    m, mdot = np.array(Z), np.array([2e10, 0, 0])
    rate = gamma * HBAR / (2 * E * moment) * pumped_spin_current(m, mdot, g)
    alpha = pumping_damping(g, magnetic_moment=moment, gyromagnetic_ratio=gamma)
    assert rate @ np.cross(m, mdot) == pytest.approx(alpha * (mdot @ mdot), rel=1e-12, abs=0)
    assert pumping_damping(2j, magnetic_moment=1.0) == 0.0


def test_limit_linewidth_of_a_small_damping_is_that_of_the_resonance():
    # Circular precession: chi = gamma M/(gamma B - w - i alpha w) at fixed w, swept in B.
    alpha, f, gamma = 0.004, 1.2e10, 1.8e11
    w = 2 * np.pi * f
    b = w / gamma + np.linspace(-6, 6, 400_001) * alpha * w / gamma
    absorbed = np.imag(1 / (gamma * b - w - 1j * alpha * w))
    above = b[absorbed > absorbed.max() / 2]
    slope = np.gradient(absorbed, b)
    found = {"full_width": np.ptp(above), "peak_to_peak": b[np.argmin(slope)] - b[np.argmax(slope)]}
    for kind, width in found.items():
        given = fmr_linewidth(f, alpha, gyromagnetic_ratio=gamma, inhomogeneous=1e-3, kind=kind)
        # Twice the spacing of the grid, 6e-5 of alpha w/gamma, over a width of it.
        assert width == pytest.approx(given - 1e-3, rel=1e-4, abs=0)


# --- scattering matrices ----------------------------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_invariant_parametric_pumping_equals_dense_traces(seed):
    rng = np.random.default_rng(seed)
    n, f = 3, 2
    up, down = haar(rng, n + f), haar(rng, n + f)
    m, one, two = tangent_pair(rng)
    mdot = rng.normal() * one + rng.normal() * two
    emitted, sdot = pumped_densely(up, down, m, mdot, n)
    s = dense_s(up, down, m)
    rows = lead_rows(n + f, n)
    ds = np.array([np.kron(np.einsum("i,iab->ab", e, PAULI), (up - down) / 2) for e in (one, two)])
    result = parametric_pumping(s, ds, channels=rows, spin=True)
    rates = np.array([mdot @ one, mdot @ two])
    # Fourth-order differences with step 1e-5: rounding 1e-16/1e-5.
    np.testing.assert_allclose(rates @ result.spin, emitted, atol=1e-9 * E)
    heat = HBAR / (4 * np.pi) * np.trace(sdot[rows].conj().T @ sdot[rows]).real
    assert rates @ result.dissipation @ rates == pytest.approx(heat, rel=1e-9, abs=0)
    np.testing.assert_allclose(result.charge, 0, atol=1e-13 * E)
    # The interface conductance with its transmission term gives the same, to rounding.
    g = E**2 / units.h * (n - np.sum(up[:n] * down[:n].conj()))
    np.testing.assert_allclose(rates @ result.spin, pumped_spin_current(m, mdot, g), atol=1e-12 * E)
    np.testing.assert_allclose(result.dissipation, (HBAR / E) ** 2 * g.real / 2 * np.eye(2), atol=1e-12 * HBAR)


def test_invariant_phase_spin_exchange_and_spin_rotation():
    rng = np.random.default_rng(4)
    up, down = haar(rng, 4), haar(rng, 4)
    m, one, _ = tangent_pair(rng)
    rows = lead_rows(4, 2)

    def emitted(up, down):
        ds = np.kron(np.einsum("i,iab->ab", one, PAULI), (up - down) / 2)
        return parametric_pumping(dense_s(up, down, m), ds, channels=rows, spin=True).spin

    across = np.cross(m, one)
    g_r, g_i = emitted(up, down) @ across, emitted(up, down) @ one
    phase = np.exp(0.7j)
    np.testing.assert_allclose(emitted(phase * up, phase * down), emitted(up, down), atol=1e-15 * E)
    np.testing.assert_allclose(emitted(up, up), 0, atol=1e-30)
    exchanged = emitted(down, up)
    assert exchanged @ across == pytest.approx(g_r, rel=1e-12, abs=0)
    assert exchanged @ one == pytest.approx(-g_i, rel=1e-12, abs=0)


def test_invariant_order_of_the_rows_is_that_of_the_list():
    # Spin-up and spin-down modes in turn: the list picks the three spin-up rows first.
    rng = np.random.default_rng(9)
    s, generator = haar(rng, 6), rng.normal(size=(6, 6))
    ds = s @ (1j * (generator + generator.T))
    expected = parametric_pumping(s, ds, spin=True)
    order = np.ix_([0, 3, 1, 4, 2, 5], [0, 3, 1, 4, 2, 5])
    found = parametric_pumping(s[order], ds[order], channels=[0, 2, 4, 1, 3, 5], spin=True)
    np.testing.assert_allclose(found.spin, expected.spin, atol=1e-14 * E)
    assert np.abs(parametric_pumping(s[order], ds[order], spin=True).spin - expected.spin).max() > 0.1 * E


def test_limit_charge_of_a_moving_wall():
    # A hard wall that recedes by dx lets k dx/pi electrons of each mode into its lead; the other lead sees nothing.
    k = np.array([1.0, 2.5, 0.3])
    s = np.diag([*np.exp(0.4j * k), 1.0])
    ds = np.diag([*(2j * k * np.exp(0.4j * k)), 0.0])
    result = parametric_pumping(s, ds, channels=[0, 1, 2])
    assert result.charge == pytest.approx(E * k.sum() / np.pi, rel=1e-14, abs=0)
    assert parametric_pumping(s, ds, channels=[3]).charge == 0.0
    # Its friction: each electron takes up 2 hbar k, at the rate of arrivals 2 hbar k v/(2 pi hbar v) per velocity.
    assert result.dissipation == pytest.approx(HBAR * (4 * k**2).sum() / (4 * np.pi), rel=1e-14, abs=0)
    assert result.spin is None
    assert np.shape(result.charge) == np.shape(result.dissipation) == ()


def test_limit_delta_scatterer_pumps_what_it_reflects():
    # A delta scatterer at x with strength u/k: r = -i z/(1 + i z) e^{2ikx}, into the left lead e k |r|^2/pi per dx > 0.
    k, z, x = 1.3, 0.8, 0.2
    t = 1 / (1 + 1j * z)
    r = -1j * z * t
    left, right = r * np.exp(2j * k * x), r * np.exp(-2j * k * x)
    s = np.array([[left, t], [t, right]])
    ds = np.diag([2j * k * left, -2j * k * right])
    both = [parametric_pumping(s, ds, channels=[lead]).charge for lead in (0, 1)]
    np.testing.assert_allclose(both, np.array([1, -1]) * E * k * abs(r) ** 2 / np.pi, rtol=1e-13)


def test_invariant_charge_is_minus_the_spin_formula_with_the_unit_matrix():
    rng = np.random.default_rng(6)
    s, generator = haar(rng, 6), rng.normal(size=(6, 6))
    ds = s @ (1j * (generator + generator.T))
    # Only spin-up rows: sigma_z and 1 are the same there.
    result = parametric_pumping(s, ds, channels=[0, 1, 3, 4], spin=True)
    parts = [parametric_pumping(s, ds, channels=rows).charge for rows in ([0, 1], [3, 4])]
    assert result.charge == pytest.approx(sum(parts), rel=1e-13, abs=0)
    assert result.spin[2] == pytest.approx(parts[1] - parts[0], rel=1e-12, abs=0)


def test_invariant_total_charge_obeys_friedel():
    # All leads together emit the change of ln det S; a unitary of determinant 1 emits nothing in all.
    rng = np.random.default_rng(7)
    s, generator = haar(rng, 5), rng.normal(size=(5, 5))
    hermitian = generator + generator.T
    traceless = hermitian - np.trace(hermitian) / 5 * np.eye(5)
    both = parametric_pumping(s, np.array([s @ (1j * hermitian), s @ (1j * traceless)]))
    assert both.charge[0] == pytest.approx(E * np.trace(hermitian) / (2 * np.pi), rel=1e-12, abs=0)
    assert abs(both.charge[1]) < 1e-14 * E


def test_limit_derivative_of_zero_pumps_nothing():
    result = parametric_pumping(np.eye(2), np.zeros((3, 2, 2)), spin=True)
    assert not result.charge.any()
    assert not result.spin.any()
    assert not result.dissipation.any()


def test_limit_finite_differences_are_accepted():
    rng = np.random.default_rng(8)
    up, down = haar(rng, 3), haar(rng, 3)
    s = [dense_s(up, down, (np.sin(x), 0, np.cos(x))) for x in (0.5 - 1e-5, 0.5, 0.5 + 1e-5)]
    result = parametric_pumping(s[1], (s[2] - s[0]) / 2e-5, spin=True)
    exact = parametric_pumping(s[1], np.kron(np.cos(0.5) * PAULI[0] - np.sin(0.5) * PAULI[2], (up - down) / 2))
    assert result.dissipation == pytest.approx(exact.dissipation, rel=1e-8, abs=0)


def test_limit_result_as_a_table(tmp_path):
    ds = np.array([1j * np.eye(4), 2j * np.eye(4)])
    result = parametric_pumping(np.eye(4), ds, spin=True)
    columns = result.columns(x=[1, 2])
    assert list(columns) == ["x", "charge", "spin_x", "spin_y", "spin_z", "dissipation_0", "dissipation_1"]
    np.testing.assert_allclose(columns["charge"], E / (2 * np.pi) * np.array([4, 8]), rtol=1e-14)
    result.to_csv(tmp_path / "pumping.csv")
    with (tmp_path / "pumping.csv").open(newline="") as file:
        head, *lines = csv.reader(file)
    assert head[:2] == ["charge [C/unit]", "spin_x [C/unit]"]
    assert head[-1] == "dissipation_1 [J s/unit^2]"
    assert len(lines) == 2
    bare = parametric_pumping(np.eye(4), ds)
    assert list(bare.columns()) == ["charge", "dissipation_0", "dissipation_1"]
    assert list(parametric_pumping(np.eye(4), ds[0]).columns()) == ["charge", "dissipation"]
    assert repr(bare).startswith("ParametricPumping(parameters=2, without spin")


def test_limit_import_is_light():
    code = "import sys, spinlib.pumping; print([m for m in ('numba', 'sympy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- refusals ---------------------------------------------------------------------------------------------------------

GOOD = {
    pumped_spin_current: {"m": Z, "mdot": (1e9, 0, 0), "mixing_conductance": 1e15},
    spin_battery: {"m": Z, "mdot": (1e9, 0, 0)},
    spin_battery_dc: {"angular_frequency": 1e9, "theta": 0.3},
    pumping_damping: {"mixing_conductance": 1e15, "magnetic_moment": 1e-3},
    fmr_linewidth: {"frequency": 1e9, "alpha": 0.01},
    parametric_pumping: {"matrix": np.eye(2), "derivatives": 1j * np.eye(2)},
}


def row(rule, call, says, **changed):
    return Refusal(rule, call, GOOD[call] | changed, says)


def test_limit_good_arguments_pass():
    for call, arguments in GOOD.items():
        call(**arguments)
    # The tolerances: 1e-6 of a length, 1e-6 of a rate, 1e-8 of unitarity.
    pumped_spin_current((0, 0, 1 + 9e-7), (1e9, 0, 9e2), 1e15)
    parametric_pumping(np.eye(2) * (1 + 4e-9), (1j + 4e-7) * np.eye(2))


@refusals(
    row("m of another length", pumped_spin_current, ("length of m = 1.000002", "1e-6", "m / |m|"), m=(0, 0, 1.000002)),
    row("m not finite", pumped_spin_current, ("m[0] = nan", "finite", "(..., 3)"), m=(np.nan, 0, 1)),
    row("m of two components", pumped_spin_current, ("m has shape (2,)", "(..., 3)"), m=(0, 1)),
    row("mdot along m", pumped_spin_current, ("m . mdot / |mdot|", "1e-6", "perpendicular"), mdot=(1e9, 0, 2e3)),
    row("mdot of another shape", pumped_spin_current, ("mdot has shape ()", "(..., 3)"), mdot=3.0),
    row("shapes of m and mdot", pumped_spin_current, ("m", "do not broadcast"), m=[Z, Z], mdot=np.zeros((3, 3))),
    row(
        "negative G_R",
        pumped_spin_current,
        ("mixing_conductance = -1+2j", "negative real part", "G_R >= 0"),
        mixing_conductance=-1 + 2j,
    ),
    row("G not finite", pumped_spin_current, ("mixing_conductance = inf+0j", "G_R >= 0"), mixing_conductance=np.inf),
    row(
        "shape of G",
        pumped_spin_current,
        ("mixing_conductance of shape (2,)", "do not broadcast"),
        m=[Z, Z, Z],
        mixing_conductance=[1.0, 2.0],
    ),
    row("battery, m", spin_battery, ("length of m = 2", "m / |m|"), m=(0, 0, 2)),
    row("battery, mdot", spin_battery, ("m . mdot / |mdot| = 1", "perpendicular"), mdot=(0, 0, 5)),
    row("negative angular frequency", spin_battery_dc, ("angular_frequency = -1", ">= 0"), angular_frequency=-1),
    row("cone angle below 0", spin_battery_dc, ("theta = -0.1", "0 <= theta <= pi"), theta=-0.1),
    row("cone angle above pi", spin_battery_dc, ("theta[1] = 3.2", "0 <= theta <= pi"), theta=[0.1, 3.2]),
    row("negative sink", spin_battery_dc, ("sink_ratio = -0.5", ">= 0"), sink_ratio=-0.5),
    row(
        "shapes of the battery", spin_battery_dc, ("sink_ratio", "do not broadcast"), theta=[0, 1], sink_ratio=[0, 1, 2]
    ),
    row("damping, negative G_R", pumping_damping, ("mixing_conductance = -2", "G_R >= 0"), mixing_conductance=-2),
    row("no moment", pumping_damping, ("magnetic_moment = 0", "> 0"), magnetic_moment=0),
    row("negative gamma", pumping_damping, ("gyromagnetic_ratio = -1", "> 0"), gyromagnetic_ratio=-1),
    row("negative frequency", fmr_linewidth, ("frequency = -1", ">= 0"), frequency=-1),
    row("negative alpha", fmr_linewidth, ("alpha = -0.1", ">= 0"), alpha=-0.1),
    row("negative inhomogeneous", fmr_linewidth, ("inhomogeneous = -0.1", ">= 0"), inhomogeneous=-0.1),
    row("linewidth, gamma", fmr_linewidth, ("gyromagnetic_ratio = 0", "> 0"), gyromagnetic_ratio=0),
    row("unknown kind", fmr_linewidth, ("kind = 'half'", "full_width", "peak_to_peak"), kind="half"),
    row("kind of another type", fmr_linewidth, ("kind = 2", "pass one of"), kind=2),
    row("matrix not square", parametric_pumping, ("matrix has shape (1, 2)", "(M, M)"), matrix=[[1, 0]]),
    row("matrix empty", parametric_pumping, ("matrix has shape (0, 0)", "(M, M)"), matrix=np.eye(0)),
    row("matrix not finite", parametric_pumping, ("matrix[0, 0]", "finite"), matrix=np.eye(2) * np.nan),
    row(
        "matrix not unitary",
        parametric_pumping,
        ("|S^dagger S - 1| of matrix", "above 1e-8", "unitary (M, M)"),
        matrix=np.eye(2) * (1 + 6e-9),
    ),
    row("derivative of another size", parametric_pumping, ("derivatives have shape", "(2, 2)"), derivatives=np.eye(3)),
    row(
        "no derivative",
        parametric_pumping,
        ("derivatives have shape (0, 2, 2)", "pass"),
        derivatives=np.zeros((0, 2, 2)),
    ),
    row("derivative as a vector", parametric_pumping, ("derivatives have shape (2,)", "(K, 2, 2)"), derivatives=[1, 2]),
    row("derivative not finite", parametric_pumping, ("derivatives", "finite"), derivatives=np.full((2, 2), np.inf)),
    row(
        "derivative that leaves the unitary matrices",
        parametric_pumping,
        ("|S^dagger dS + dS^dagger S|", "of |dS| = ", "above 1e-6", "unit sphere"),
        derivatives=(1j + 6e-7) * np.eye(2) * 1e-9,
    ),
    row(
        "second derivative that leaves them",
        parametric_pumping,
        ("[1] = 2", "above 1e-6"),
        derivatives=[1j * np.eye(2), 3 * np.eye(2)],
    ),
    row("no channel", parametric_pumping, ("channels = []", "0 to 1"), channels=[]),
    row("channels not integers", parametric_pumping, ("channels = [0.0]", "distinct integers"), channels=[0.0]),
    row("channels as flags", parametric_pumping, ("channels = [True", "distinct integers"), channels=[True, False]),
    row("one channel", parametric_pumping, ("channels = 0", "list of rows"), channels=0),
    row("channel above the last", parametric_pumping, ("channels[1] = 2", "0 to 1"), channels=[0, 2]),
    row("channel below 0", parametric_pumping, ("channels[0] = -1", "0 to 1"), channels=[-1, 0]),
    row("channel twice", parametric_pumping, ("[1, 1]", "twice", "distinct"), channels=[1, 1]),
    row("odd number of spin channels", parametric_pumping, ("1 rows", "even number"), channels=[0], spin=True),
)
def test_bad_input_pumping(refusal):
    refusal.check()
