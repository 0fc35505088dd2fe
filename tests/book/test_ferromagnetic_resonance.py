"""Ferromagnetic resonance: widths, backflow, coupled films, noise and the shipped linewidths, by other routes."""

import itertools
import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.constants as si
from nbformat.v4 import new_code_cell
from scipy.integrate import quad, solve_bvp, solve_ivp
from scipy.optimize import curve_fit, minimize_scalar
from scipy.stats import unitary_group

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque, spin_valve
from spinlib.linewidth import fit_linewidths
from spinlib.pumping import fmr_linewidth, pumped_spin_current, pumping_damping
from tools.notebooks import ROOT, execute, figures, named, read

MU_B, HBAR, E, H = si.physical_constants["Bohr magneton"][0], si.hbar, si.e, si.h
GAMMA = 2.11 * MU_B / HBAR
FILE = ROOT / "book" / "ferromagnetic_resonance" / "linewidths.csv"
MOMENT = 8e5 * 5e-9
QUANTUM = E**2 / H


# --- width of the line ------------------------------------------------------------------------------------------------


def test_limit_free_decay_of_the_full_equation_has_the_added_damping():
    # The nonlinear equation in time, pumping as a torque: the cone of a few degrees shrinks at the rate alpha.
    alpha, mixing, field = 0.006, 2 * 1.6e19 * QUANTUM * (1 + 0.2j), 0.3
    film = {"magnetic_moment": MOMENT, "gyromagnetic_ratio": GAMMA}

    def rate(_, m):
        m = m / np.linalg.norm(m)
        cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
        # torque = K mdot, from the two equations of the paper in plain numbers
        strength = GAMMA * HBAR**2 / (2 * E**2 * MOMENT)
        pumping = strength * (mixing.real * cross - mixing.imag * cross @ cross)
        return np.linalg.solve(np.eye(3) - alpha * cross - pumping, -GAMMA * np.cross(m, [0, 0, field]))

    start = np.array([np.sin(0.05), 0, np.cos(0.05)])
    times = np.linspace(0, 2e-9, 200)
    run = solve_ivp(rate, (0, 2e-9), start, t_eval=times, rtol=1e-10, atol=1e-12, method="DOP853")
    x, y, z = run.y
    phase = np.unwrap(np.arctan2(y, x))
    # Axial symmetry: log tan(theta/2) falls by alpha per radian of precession, at every angle.
    slope = np.polyfit(phase, np.log(np.tan(np.arccos(z) / 2)), 1)[0]
    shift = GAMMA * HBAR**2 * mixing.imag / (2 * E**2 * MOMENT)
    total = alpha + pumping_damping(mixing, **film)
    assert -slope == pytest.approx(total / (1 - shift), rel=1e-6, abs=0)
    # One side only would give 0.0122.
    assert total == pytest.approx(0.01846, abs=5e-6)
    # The torque of the library is the one used here.
    m, mdot = np.array([0.6, 0, 0.8]), np.array([0, 2e9, 0])
    by_library = spin_transfer_torque(m, pumped_spin_current(m, mdot, mixing), **film)
    strength = GAMMA * HBAR**2 / (2 * E**2 * MOMENT)
    np.testing.assert_allclose(by_library, strength * (mixing.real * np.cross(m, mdot) + mixing.imag * mdot), rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.003, 0.03, 0.3])
def test_limit_widths_are_those_of_the_swept_absorption(alpha):
    # chi = gamma M/(gamma B - (1 + i alpha) omega); the extrema by search, not by the formula.
    omega = 2 * np.pi * 1e10

    def power(b):
        return (GAMMA / (GAMMA * b - (1 + 1j * alpha) * omega)).imag

    def slope(b):
        return -((GAMMA / (GAMMA * b - (1 + 1j * alpha) * omega)) ** 2).imag

    center, scale = omega / GAMMA, alpha * omega / GAMMA
    tight = {"xatol": 1e-9 * scale}
    steepest = minimize_scalar(slope, bounds=(center, center + 3 * scale), method="bounded", options=tight).x
    # An extremum is flat: it is found to the root of 1e-16.
    expected = 2 * (steepest - center)
    assert fmr_linewidth(1e10, alpha, gyromagnetic_ratio=GAMMA) == pytest.approx(expected, rel=1e-6, abs=0)
    full = fmr_linewidth(1e10, alpha, gyromagnetic_ratio=GAMMA, kind="full_width")
    assert power(center + full / 2) / power(center) == pytest.approx(0.5, rel=1e-12, abs=0)


def test_limit_line_of_a_film_in_plane_is_a_lorentzian_and_the_tail_of_another():
    """chi of Kittel's film in 40 digits: the two widths miss the formulas by the shares that the page derives."""
    omega, b_m, loss = 2 * np.pi * 1e10, si.mu_0 * 8e5, 0.01846
    with mpmath.workdps(40):
        w, drive = loss * mpmath.mpf(omega / GAMMA), mpmath.mpf(omega / GAMMA) ** 2
        center = mpmath.sqrt(drive + mpmath.mpf(b_m) ** 2 / 4) - b_m / 2

        def power(b, order=0):
            # transverse equations: (B - iw) x = (omega/gamma)^2/(B + mu_0 M - iw) x + drive
            z = b - 1j * w
            g, g_1, g_2 = (
                z - drive / (z + b_m),
                1 + drive / (z + b_m) ** 2,
                -2 * drive / (z + b_m) ** 3,
            )
            return mpmath.im((1 / g, -g_1 / g**2, 2 * g_1**2 / g**3 - g_2 / g**2)[order])

        def root(function, start):
            return mpmath.findroot(function, (start, start + w / 100))

        peak = root(lambda b: power(b, 1), center)
        sides = [root(lambda b: 2 * power(b) - power(peak), peak + s * w) for s in (-1, 1)]
        bends = [root(lambda b: power(b, 2), peak + s * w / mpmath.sqrt(3)) for s in (-1, 1)]
        off_full = float((sides[1] - sides[0]) / (2 * w) - 1)
        off_peaks = float((bends[1] - bends[0]) / (2 * w / mpmath.sqrt(3)) - 1)
    reach = float(w / (2 * center + b_m)) ** 2
    tail = float(center / (center + b_m)) * reach
    # The next order is smaller by `reach`, 3e-5.
    assert off_full == pytest.approx(tail, rel=1e-3, abs=0)
    assert off_peaks == pytest.approx(-32 / 9 * tail * reach, rel=1e-3, abs=0)
    # The numbers of the page.
    assert off_full == pytest.approx(2.5e-6, abs=5e-8)
    assert off_peaks == pytest.approx(-2.3e-10, abs=1e-11)


def test_limit_damping_is_a_line_in_the_inverse_thickness():
    def alpha(d, sides):
        mixing = sides * 1.6e19 * QUANTUM
        return 0.006 + pumping_damping(mixing, magnetic_moment=8e5 * d, gyromagnetic_ratio=GAMMA)

    assert alpha(5e-9, 2) == pytest.approx(0.0185, abs=5e-5)
    slope = (alpha(4e-9, 1) - alpha(8e-9, 1)) / (1 / 4e-9 - 1 / 8e-9)
    assert slope == pytest.approx(3.11e-11, abs=5e-14)
    assert slope == pytest.approx(2.11 * MU_B * 1.6e19 / (4 * np.pi * 8e5), rel=1e-9, abs=0)
    assert alpha(1.0, 2) == pytest.approx(0.006, abs=1e-9)


# --- backflow ---------------------------------------------------------------------------------------------------------


def boundary_value(mixing, conductivity, length, thickness, omega_tau=0.0):
    """G_eff/G from the diffusion equation of the two spins apart, V_up and V_down, as a boundary-value problem."""
    kappa = (1 - 1j * omega_tau) * (thickness / length) ** 2
    half = conductivity / 2 / thickness

    def equation(_, y):
        up, down, d_up, d_down = y
        flip = kappa * (up - down) / 2
        return np.array([d_up, d_down, flip, -flip])

    def ends(left, right):
        # Into the magnet flows I_up - I_down = I_p + G (V_up - V_down), I_p = 1; it comes out of the metal.
        spin = 1 + mixing * (left[0] - left[1])
        return np.array([half * (left[2] - left[3]) - spin, left[0] + left[1], right[2], right[3]])

    grid = np.linspace(0, 1, 41)
    found = solve_bvp(equation, ends, grid, np.zeros((4, 41), dtype=complex), tol=1e-9, max_nodes=20000)
    assert found.success
    left = found.sol(0.0)
    return 1 + mixing * (left[0] - left[1])


BACKFLOW = [
    # G, rho, lambda, L, share shown on the page
    (0.5e15, 200e-9, 3e-9, 1e-9, 0.349),
    (0.5e15, 200e-9, 3e-9, 6e-9, 0.616),
    (0.5e15, 20e-9, 350e-9, 100e-9, 0.038),
]


@pytest.mark.parametrize(("mixing", "rho", "length", "thickness", "quoted"), BACKFLOW)
def test_limit_backflow_is_the_diffusion_of_two_spins(mixing, rho, length, thickness, quoted):
    metal = {"conductivity": 1 / rho, "spin_diffusion_length": length, "thickness": thickness}
    share = InterfaceConductance(0, 0, mixing).with_backflow(**metal).mixing / mixing
    assert share == pytest.approx(boundary_value(mixing, 1 / rho, length, thickness), rel=1e-6, abs=0)
    assert share.real == pytest.approx(quoted, abs=5e-4)
    # 1/G + 1/G_sink, the full splitting taken for the half, misses by a known factor.
    ratio = 2 * mixing * rho * length / np.tanh(thickness / length)
    wrong = 1 / (1 / mixing + rho * length / np.tanh(thickness / length)) / mixing
    assert wrong / share.real == pytest.approx((1 + ratio) / (1 + ratio / 2), rel=1e-12, abs=0)
    assert wrong / share.real > 1.2


@pytest.mark.parametrize("mixing", [0.5e15 + 0.2e15j, 0.5e15 - 0.2e15j])
def test_limit_backflow_of_a_complex_conductance(mixing):
    metal = {"conductivity": 5e6, "spin_diffusion_length": 3e-9, "thickness": 4e-9}
    share = InterfaceConductance(0, 0, mixing).with_backflow(**metal).mixing / mixing
    assert share == pytest.approx(boundary_value(mixing, 5e6, 3e-9, 4e-9), rel=1e-6, abs=0)


def test_limit_moving_accumulation_takes_a_complex_length():
    for omega_tau, change in ((0.0003, 0.0), (0.446, 0.012)):
        length, thickness, rho, mixing = 350e-9, 100e-9, 20e-9, 0.5e15
        wave = length / np.sqrt(1 - 1j * omega_tau)
        closed = 1 / (1 + 2 * mixing * rho * wave / np.tanh(thickness / wave))
        assert closed == pytest.approx(boundary_value(mixing, 1 / rho, length, thickness, omega_tau), rel=1e-6, abs=0)
        static = 1 / (1 + 2 * mixing * rho * length / np.tanh(thickness / length))
        assert closed.real / static - 1 == pytest.approx(change, abs=1e-3)


# --- two films --------------------------------------------------------------------------------------------------------


def share_of_pumped(interfaces, rates, magnets, spin_flip=0.0):
    """Spin current into layer 2 along m2 x mdot2, in units of what it pumps into a perfect sink."""
    state = spin_valve(
        *magnets, *interfaces, charge_current=0.0, mdot1=rates[0], mdot2=rates[1], spin_flip_conductance=spin_flip
    )
    direction = np.cross(magnets[1], rates[1])
    return (
        state.spin_current2 @ direction / (pumped_spin_current(magnets[1], rates[1], interfaces[1].mixing) @ direction)
    )


@pytest.mark.parametrize("sense", [1, -1])
def test_invariant_symmetric_valve_has_half_the_pumping_damping(sense):
    layer, m = InterfaceConductance(1.2e15, 0.5e15, 0.9e15), np.array([0.48, 0.6, 0.64])
    mdot = np.cross(m, [1e9, 0, 0])
    assert share_of_pumped((layer, layer), (0 * mdot, mdot), (sense * m, m)) == pytest.approx(0.5, rel=1e-12, abs=0)


def test_limit_unlike_layers_share_by_their_conductances():
    # In series: what layer 2 loses passes 2 G_2 and then 2 G_1, so G_1/(G_1 + G_2) of it is lost.
    m, mdot = np.array([0.0, 0.0, 1.0]), np.array([1e9, 0.0, 0.0])
    for g_1, g_2 in ((0.3e15, 0.9e15), (2e15, 0.4e15)):
        pair = InterfaceConductance(1e15, 0.4e15, g_1), InterfaceConductance(1.5e15, 0.2e15, g_2)
        assert share_of_pumped(pair, (0 * mdot, mdot), (m, m)) == pytest.approx(g_1 / (g_1 + g_2), rel=1e-12, abs=0)


@pytest.mark.parametrize("flip", [0.0, 0.1, 1.0, 10.0])
def test_limit_exercise_spin_flip_in_the_spacer(flip):
    g = 0.9e15
    layer, m, mdot = InterfaceConductance(1.2e15, 0.5e15, g), np.array([0.0, 0.0, 1.0]), np.array([1e9, 0.0, 0.0])
    shares = [share_of_pumped((layer, layer), (s * mdot, mdot), (m, m), flip * g) for s in (0, 1, -1)]
    # Node by hand: pumped currents p_1 + p_2 feed 4 G + G_sf.
    by_hand = [1 - 2 * (1 + s) / (4 + flip) for s in (0, 1, -1)]
    np.testing.assert_allclose(shares, by_hand, atol=1e-12)
    np.testing.assert_allclose(by_hand, [(2 + flip) / (4 + flip), flip / (4 + flip), 1], atol=1e-12)


def test_limit_modes_of_the_valve_in_time():
    """Two films in unlike fields: the less damped mode survives, at the rate of the closed form."""
    omega, alpha, g = 2 * np.pi * 1e10, 0.006, 0.9e15
    alpha_p = pumping_damping(g, magnetic_moment=8e5 * 4e-9, gyromagnetic_ratio=GAMMA)
    assert alpha_p == pytest.approx(0.0113, abs=5e-5)
    detuning = 0.6 * alpha_p * omega  # locked
    frequencies = omega + np.array([-0.5, 0.5]) * detuning
    coupling = alpha * np.eye(2) + alpha_p / 2 * np.array([[1, -1], [-1, 1]])
    matrix = np.linalg.inv(np.eye(2) - 1j * coupling) @ np.diag(1j * frequencies)
    times = np.linspace(0, 1.2e-8, 400)
    run = solve_ivp(lambda _, c: matrix @ c, (0, 1.2e-8), [1 + 0j, 0j], t_eval=times, rtol=1e-9, atol=1e-14)
    late = np.abs(run.y[0, 200:])
    slope = np.polyfit(times[200:], np.log(late), 1)[0]
    expected = omega * (alpha + alpha_p / 2) - np.sqrt((alpha_p * omega) ** 2 - detuning**2) / 2
    # Second order in the damping: 2 alpha of the rate; the other mode has decayed to e^-5.
    assert -slope == pytest.approx(expected, rel=0.03, abs=0)
    assert expected / omega == pytest.approx(alpha + 0.1 * alpha_p, rel=1e-9, abs=0)


# --- noise ------------------------------------------------------------------------------------------------------------

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
COUNTED = np.concatenate([[np.eye(2)], -PAULI])  # charge, moments


def test_invariant_noise_of_a_quadratic_form_is_one_wick_pairing():
    """Occupied modes by brute force in Fock space: <a'Aa a'Ba> - <a'Aa><a'Ba> = f(1-f) Tr AB."""
    modes, f = 3, 0.3
    rng = np.random.default_rng(5)
    draw = rng.normal(size=(2, modes, modes)) + 1j * rng.normal(size=(2, modes, modes))
    a_form, b_form = draw + draw.conj().swapaxes(1, 2)
    lower, sign, one = np.array([[0, 1], [0, 0]]), np.diag([1, -1]), np.eye(2)

    def product(factors):
        result = np.eye(1)
        for factor in factors:
            result = np.kron(result, factor)
        return result

    operators = [product([sign] * k + [lower] + [one] * (modes - k - 1)) for k in range(modes)]
    density = product([np.diag([1 - f, f])] * modes)

    def form(matrix):
        return sum(
            matrix[i, j] * operators[i].conj().T @ operators[j] for i, j in itertools.product(range(modes), repeat=2)
        )

    a, b = form(a_form), form(b_form)
    variance = np.trace(density @ a @ b) - np.trace(density @ a) * np.trace(density @ b)
    assert variance == pytest.approx(f * (1 - f) * np.trace(a_form @ b_form), rel=1e-12, abs=0)
    # Integral over energy, in units of kT.
    weight = quad(lambda x: 0.25 / np.cosh(x / 2) ** 2, -60, 60)[0]
    assert weight == pytest.approx(1, rel=1e-9, abs=0)


def spinful(m, s_majority, s_minority):
    along = (np.eye(2) + np.tensordot(m, PAULI, 1)) / 2  # the Pauli spin along m is the minority
    return np.kron(along, s_minority) + np.kron(np.eye(2) - along, s_majority)


def noise(s, rows):
    """C/(e^2/h k_B T) = Tr A_a A_b, out of reflection and transmission separately: no product of forms."""
    size = len(s) // 2
    inside = np.isin(np.arange(size), rows)
    both = np.tile(inside, 2)
    result = np.zeros((4, 4))
    for a, b in itertools.product(range(4), repeat=2):
        at = np.kron(COUNTED[a], np.diag(inside))[np.ix_(both, both)]
        bt = np.kron(COUNTED[b], np.diag(inside))[np.ix_(both, both)]
        r, from_outside = s[np.ix_(both, both)], s[np.ix_(both, ~both)]
        dagger = r.conj().T
        keeps = np.trace((at - dagger @ at @ r) @ (bt - dagger @ bt @ r))
        crosses = np.trace(from_outside.conj().T @ at @ r @ dagger @ bt @ from_outside)
        crosses += np.trace(dagger @ at @ from_outside @ from_outside.conj().T @ bt @ r)
        alone = np.trace(from_outside.conj().T @ at @ from_outside @ from_outside.conj().T @ bt @ from_outside)
        result[a, b] = (keeps + crosses + alone).real
    return result


M = np.array([0.48, 0.6, 0.64])


@pytest.mark.parametrize("seed", range(3))
def test_invariant_spin_current_noise_is_the_response_times_2kT(seed):
    s_major, s_minor = (unitary_group.rvs(9, random_state=10 * seed + k) for k in (1, 2))
    interface = InterfaceConductance.from_scattering(s_major, s_minor, 4)
    fluctuation = noise(spinful(M, s_major, s_minor), np.arange(4))
    by_spin = interface_current(M, interface, np.eye(3))
    by_charge = interface_current(M, interface, np.zeros(3), charge_voltage=1.0)
    response = np.zeros((4, 4))
    response[0, 0], response[1:, 0] = by_charge.charge_current, by_charge.spin_current
    response[0, 1:], response[1:, 1:] = by_spin.charge_current, by_spin.spin_current.T
    response /= QUANTUM
    np.testing.assert_allclose(fluctuation, response + response.T, atol=1e-10)
    # Across m: 2 k_B T times 2 G_R; half of it, the splitting taken for its half, would be wrong by 2.
    across = np.cross(M, [1, 0, 0])
    across /= np.linalg.norm(across)
    g_r = interface.mixing.real / QUANTUM
    assert across @ fluctuation[1:, 1:] @ across == pytest.approx(4 * g_r, rel=1e-10, abs=0)
    assert M @ fluctuation[1:, 1:] @ M == pytest.approx(2 * interface.total / QUANTUM, rel=1e-10, abs=0)
    assert np.abs(response[1:, 1:] - response[1:, 1:].T).max() > 0.01


def test_limit_charge_noise_is_johnson_and_nyquist():
    s = unitary_group.rvs(6, random_state=3)
    fluctuation = noise(spinful(M, s, s), np.arange(2))
    transmission = np.sum(np.abs(s[:2, 2:]) ** 2)
    assert fluctuation[0, 0] == pytest.approx(2 * 2 * transmission, rel=1e-12, abs=0)  # two spins


GENERATOR = np.diag(np.ones(7), 1) + np.diag(np.ones(7), -1)  # any Hermitian generator


def test_limit_thin_magnet_takes_the_transmission_term():
    s_major = unitary_group.rvs(8, random_state=1)
    values, vectors = np.linalg.eigh(GENERATOR)
    s_minor = s_major @ (vectors * np.exp(0.4j * values)) @ vectors.conj().T  # weakly magnetic
    s = spinful(M, s_major, s_minor)
    across = np.cross(M, [1, 0, 0])
    across /= np.linalg.norm(across)
    spin = np.kron(np.tensordot(across, PAULI, 1), np.eye(8))
    kept = spin - s.conj().T @ spin @ s
    torque = np.trace(kept @ kept).real
    turned = np.roll(np.arange(8), 4)
    exact, thick = 0.0, 0.0
    for order in (np.arange(8), turned):
        blocks = s_major[np.ix_(order, order)], s_minor[np.ix_(order, order)]
        exact += InterfaceConductance.from_scattering(*blocks, 4, transmission=True).mixing.real / QUANTUM
        thick += InterfaceConductance.from_scattering(*blocks, 4).mixing.real / QUANTUM
    assert torque == pytest.approx(4 * exact, rel=1e-12, abs=0)
    # The thick formula misses by the transmitted part, as predicted from the two off-diagonal blocks.
    passed = np.vdot(s_major[:4, 4:], s_minor[:4, 4:]).real + np.vdot(s_major[4:, :4], s_minor[4:, :4]).real
    assert 4 * thick - torque == pytest.approx(4 * passed, rel=1e-10, abs=0)
    assert 4 * thick / torque > 3


def test_invariant_noise_through_the_torque_is_the_thermal_field():
    rng = np.random.default_rng(2)
    for g_r, moment, gamma, kt in 10 ** rng.uniform(-2, 2, size=(5, 4)) * [1e15, 1e-3, 1e11, 1e-21]:
        film = {"magnetic_moment": moment, "gyromagnetic_ratio": gamma}
        per_ampere = spin_transfer_torque((0, 0, 1), (1.0, 0, 0), **film)[0]
        by_current = per_ampere**2 * 2 * kt * 2 * g_r
        field = 2 * pumping_damping(g_r, **film) * kt / (gamma * moment)
        assert by_current == pytest.approx(gamma**2 * field, rel=1e-12, abs=0)


# --- linewidths -------------------------------------------------------------------------------------------------------

TRUTH = {"g_r": 2e19, "alpha": 0.007, "M_s": 8e5, "g": 2.11, "offset": [0.9, 0.7, 0.6, 0.5, 0.4], "seed": 2024}


def synthetic():
    """The lines of the shipped file, from its stated parameters."""
    thickness, frequency = (x.ravel() for x in np.meshgrid([3, 4, 6, 9, 15], np.arange(4, 19, 2), indexing="ij"))
    omega_over_gamma = 2 * np.pi * frequency * 1e9 * HBAR / (TRUTH["g"] * MU_B)
    pumped = TRUTH["g"] * MU_B * TRUTH["g_r"] / (4 * np.pi * TRUTH["M_s"] * thickness * 1e-9)
    width = np.repeat(TRUTH["offset"], 8) + 2e3 / np.sqrt(3) * omega_over_gamma * (TRUTH["alpha"] + pumped)
    sigma = np.round(0.05 + 0.01 * width, 3)
    drawn = width + sigma * np.random.default_rng(TRUTH["seed"]).normal(size=width.size)
    return [f"{d:g},{f:g},{w:.3f},{s:.3f}" for d, f, w, s in zip(thickness, frequency, drawn, sigma, strict=True)]


def test_invariant_shipped_linewidths_are_what_they_say():
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "thickness_nm,frequency_GHz,linewidth_mT,uncertainty_mT"
    remarks = " ".join(line for line in lines if line.startswith("#"))
    said = ["Synthetic", "g_r = 2e19", "alpha = 0.007", "M_s = 8e5", "g = 2.11", "default_rng(2024)"]
    for said_so in [*said, " ".join(map(str, TRUTH["offset"]))]:
        assert said_so in remarks
    assert [line for line in lines[1:] if not line.startswith("#")] == synthetic()


def readings():
    table = np.genfromtxt(FILE, delimiter=",", names=True)
    assert len(table) == 40
    columns = ("thickness_nm", "frequency_GHz", "linewidth_mT", "uncertainty_mT")
    return [table[name] * unit for name, unit in zip(columns, (1e-9, 1e9, 1e-3, 1e-3), strict=True)]


def test_peer_fit_of_the_shipped_linewidths():
    thickness, frequency, width, sigma = readings()
    fit = fit_linewidths(frequency, width, 8e5 * thickness, uncertainty=sigma, gyromagnetic_ratio=GAMMA)
    films = np.unique(thickness)

    def model(f, g_r, alpha, *offsets):
        slope = 1e-3 * alpha + GAMMA * HBAR * 1e19 * g_r / (4 * np.pi * 8e5 * thickness)
        below = 1e-3 * np.array(offsets)[np.searchsorted(films, thickness)]
        return below + 2 / np.sqrt(3) * slope * 2 * np.pi * f / GAMMA

    found, covariance = curve_fit(model, frequency, width, p0=[1, 1, 1, 1, 1, 1, 1], sigma=sigma, absolute_sigma=True)
    assert fit.mixing_channel_density == pytest.approx(1e19 * found[0], rel=1e-5, abs=0)
    assert fit.alpha == pytest.approx(1e-3 * found[1], rel=1e-5, abs=0)
    assert fit.mixing_channel_density_error == pytest.approx(1e19 * covariance[0, 0] ** 0.5, rel=1e-4, abs=0)
    # The numbers that the page shows.
    assert fit.mixing_channel_density / 1e19 == pytest.approx(1.96, abs=0.005)
    assert fit.mixing_channel_density_error / 1e19 == pytest.approx(0.056, abs=0.0005)
    assert abs(fit.mixing_channel_density - TRUTH["g_r"]) < 3 * fit.mixing_channel_density_error
    assert abs(fit.alpha - TRUTH["alpha"]) < 3 * fit.alpha_error
    assert fit.degrees_of_freedom == 33
    assert abs(fit.chi_squared - 33) < 3 * np.sqrt(66)


def test_limit_a_dead_layer_hides_in_the_fit():
    thickness, frequency, _, _ = readings()
    alpha = 0.007 + GAMMA * HBAR * 2e19 / (4 * np.pi * 8e5 * (thickness - 0.5e-9))
    width = 0.5e-3 + 2 / np.sqrt(3) * alpha * 2 * np.pi * frequency / GAMMA
    sigma = 0.05e-3 + 0.01 * width
    arguments = {"uncertainty": sigma, "gyromagnetic_ratio": GAMMA}
    nominal = fit_linewidths(frequency, width, 8e5 * thickness, **arguments)
    active = fit_linewidths(frequency, width, 8e5 * (thickness - 0.5e-9), **arguments)
    assert active.mixing_channel_density == pytest.approx(2e19, rel=1e-9, abs=0)
    # A straight line in 1/d through 1/(d - d0), weighted by the precision of each film's slope.
    weights, films = [], np.unique(thickness)
    for d in films:
        w, f = sigma[thickness == d] ** -2, frequency[thickness == d]
        weights.append(np.sum(w * (f - np.average(f, weights=w)) ** 2))
    slope, _ = np.polyfit(1 / films, 1 / (films - 0.5e-9), 1, w=np.sqrt(weights))
    assert nominal.mixing_channel_density / 2e19 == pytest.approx(slope, rel=1e-8, abs=0)
    assert slope == pytest.approx(1.2287, abs=1e-4)
    # It does not show: far below the mean of chi squared, even as an addition to it.
    assert nominal.chi_squared < np.sqrt(2 * nominal.degrees_of_freedom)


def test_invariant_the_notebook_reads_the_file_by_one_path():
    text = (ROOT / "book" / "ferromagnetic_resonance.md").read_text(encoding="utf-8")
    path = Path("ferromagnetic_resonance/linewidths.csv")
    assert text.count(path.as_posix()) == 1
    assert (ROOT / "book" / path) == FILE
    assert "**synthetic**" in text


FOREIGN = [
    # sides, kind, whether uncertainties are given, M_s, g, G_R in channels, alpha, films in nm
    (2, "full_width", False, 1.4e6, 2.05, 3.5e19, 0.004, (2.5, 5, 10, 20)),
    (1, "peak_to_peak", True, 1.4e5, 2.0, 4e18, 0.0008, (8, 12, 20, 35, 60, 90, 120, 200)),
]


@pytest.mark.parametrize(("sides", "kind", "given", "m_s", "g", "g_r", "alpha", "films"), FOREIGN)
def test_limit_the_page_runs_on_a_foreign_file(tmp_path, sides, kind, given, m_s, g, g_r, alpha, films):
    """Only the lines that the page names are changed; every cell runs, and the truth of the file comes out."""
    thickness, frequency = (x.ravel() for x in np.meshgrid(films, np.arange(3, 33, 3), indexing="ij"))
    gamma = g * MU_B / HBAR
    loss = alpha + sides * g * MU_B * g_r / (4 * np.pi * m_s * thickness * 1e-9)
    factor = {"full_width": 2, "peak_to_peak": 2 / np.sqrt(3)}[kind]
    width = 0.3 + 1e3 * factor * loss * 2 * np.pi * frequency * 1e9 / gamma
    width += 0.02 * np.random.default_rng(7).normal(size=width.size)
    last = "0.02" if given else ""
    rows = [f"{d:g},{f:g},{w:.4f},{last}" for d, f, w in zip(thickness, frequency, width, strict=True)]
    (tmp_path / "own.csv").write_text("\n".join([FILE.read_text().splitlines()[0], *rows, ""]))

    chapter = ROOT / "book" / "ferromagnetic_resonance.md"
    page = read(chapter)
    (cell,) = (one for one in page.cells if one.cell_type == "code" and "path = example" in one.source)
    changes = {"path = ": f"path = {str(tmp_path / 'own.csv')!r}"}
    changes["sample = "] = f"sample = {{'saturation_magnetization': {m_s}, 'g_factor': {g}}}"
    changes["setup = "] = f"setup = {{'interfaces': {sides}, 'kind': {kind!r}}}"
    lines = cell.source.splitlines()
    for start, new in changes.items():
        (index,) = (number for number, line in enumerate(lines) if line.startswith(start))
        lines[index] = new
    cell.source = "\n".join(lines)
    ask = "[fit.mixing_channel_density, fit.mixing_channel_density_error, fit.alpha, fit.alpha_error, *fit.uncertainty]"
    page.cells.append(new_code_cell(f"import json\nprint(json.dumps({ask}))"))
    done = execute(page, chapter.parent)

    outputs = [output for one in done.cells for output in one.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    assert not [output.text for output in outputs if output.get("name") == "stderr" and "Warning" in output.text]
    found, error, found_alpha, alpha_error, *sigma = json.loads(printed.splitlines()[-1])
    assert abs(found - g_r) < 3 * error < 0.1 * g_r
    assert abs(found_alpha - alpha) < 3 * alpha_error < 0.2 * alpha
    # Given, or from the scatter of some forty readings, to a tenth; 2.5 times that.
    assert len(sigma) == len(rows)
    np.testing.assert_allclose(sigma, 2e-5, rtol=1e-12 if given else 0.25)
    # Nothing is said about the truth of the synthetic file; the second route has run.
    glued = [name for one in done.cells for _, name in named(one)]
    assert "fit-g" in glued
    assert "fit-pull" not in glued
    assert "fit minus truth" not in printed
    assert "two straight-line fits in sequence give the same: True" in printed
    drawn = figures(done)["fig-fmr-fit"]["axes"]
    assert ("fw" if kind == "full_width" else "pp") in drawn[0]["y-axis"]["label"]
    # The lines are those of the file: the last point of each, within some five of its errors, 0.013 mT at most.
    fitted = {line["label"]: line["y"][-1] for line in drawn[0]["lines"] if line["label"]}
    assert list(fitted) == [f"{d:g} nm" for d in films]
    slope = alpha + sides * g * MU_B * g_r / (4 * np.pi * m_s * np.array(films) * 1e-9)
    expected = 0.3 + 1e3 * factor * slope * 2 * np.pi * 1.05 * frequency.max() * 1e9 / gamma
    np.testing.assert_allclose(list(fitted.values()), expected, atol=0.06)
