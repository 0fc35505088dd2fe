"""Electrons and magnons in time: laws that hold for every run, closed limits, and solvers that share no code.

``magnon_routes`` has the other solvers: an exponential midpoint step of second order and SciPy's Radau.
"""

import warnings
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import inf

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import simpson, solve_ivp

from spinlib.magnons.band import MagnonBand, bose_einstein, magnon_density
from spinlib.magnons.kinetics import (
    Demagnetization,
    Ferromagnet,
    feedback_coefficient,
    occupation_rate,
    simulate_demagnetization,
    spin_transfer_current,
)
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.units import fs, hbar, k_B, meV, nm, ps
from tests.spinlib.magnon_routes import (
    BAND,
    HBAR,
    METAL,
    PULSE,
    RHO,
    Modes,
    by_pieces,
    compiled_only,
    midpoint,
    radau,
    rate_of,
    start,
)

pytestmark = compiled_only

SOFT = replace(METAL, band=MagnonBand(1 * meV, 0.6 * meV * nm**2, k_B * 1000))

# Every metal that a run may meet: feedback -1e-3 to -1e3 meV nm^3, tau_s 1 fs to 1 ns or infinite.
metals = st.builds(
    lambda gap, alpha, ultrafast, rho, tau: Ferromagnet(
        MagnonBand(gap * meV, 0.6 * meV * nm**2, 86 * meV), alpha, ultrafast, -rho * RHO, tau
    ),
    st.floats(-2, 1).map(lambda x: 10**x),
    st.floats(1e-3, 0.1),
    st.floats(0, 0.3),
    st.floats(-3, 3).map(lambda x: 10**x),
    st.one_of(st.just(inf), st.floats(-15, -9).map(lambda x: 10**x)),
)
pulses = st.builds(
    TemperaturePulse,
    st.floats(20, 500),
    st.floats(20, 3000),
    st.floats(1e-15, 2e-13),
    st.floats(1e-13, 5e-12),
    st.sampled_from(["linear", "sin2"]),
)


def relative(found, true):
    return abs(found - true).max() / abs(true).max()


def agree(run, other, most, rounding=0.0):
    """Differences of mu_s, n_d and n as shares of their largest values; ``rounding`` [J] of mu_s is forgiven."""
    for name in ("magnon_density", "occupation"):
        assert relative(getattr(run, name), getattr(other, name)) < most, name
    off = abs(run.spin_accumulation - other.spin_accumulation).max()
    assert off < most * abs(other.spin_accumulation).max() + rounding


def rounding_of(metal, run):
    """What rounding may leave of mu_s: a small share of what it is the sum of."""
    return 1e-12 * (metal.band.gap + abs(metal.feedback) * run.magnon_density.max())


def gauss(edges, points=20):
    """Times that are Gauss-Legendre nodes between ``edges``, with both ends, and weights of an integral."""
    node, share = np.polynomial.legendre.leggauss(points)
    times = [edges[0], *np.concatenate([a + (b - a) * (1 + node) / 2 for a, b in pairwise(edges)]), edges[-1]]
    weight = [0.0, *np.concatenate([(b - a) * share / 2 for a, b in pairwise(edges)]), 0.0]
    return np.array(times), np.array(weight)


# --- rates ------------------------------------------------------------------------------------------------------------


@given(st.floats(-80, 80), st.floats(1, 1e5), st.floats(0, 50), st.floats(-9, 0).map(lambda x: 10**x))
def test_limit_occupation_rate(y, kelvin, n, gamma) -> None:
    """KK (24) with 30 digits on both sides of its pole."""
    energy = 3e-21
    mu = energy - y * k_B * kelvin
    with mpmath.workdps(40):
        x, thermal = mpmath.mpf(energy) - mpmath.mpf(mu), mpmath.mpf(k_B) * mpmath.mpf(kelvin)
        gain = thermal if x == 0 else x / mpmath.expm1(x / thermal)
        true = float(mpmath.mpf(gamma) / mpmath.mpf(hbar) * (gain - x * n))
        largest = float(gamma / mpmath.mpf(hbar) * (abs(gain) + abs(x) * (n + 1)))
    assert occupation_rate(gamma, energy, n, kelvin, mu) == pytest.approx(true, rel=1e-13, abs=1e-13 * largest)


def test_limit_occupation_rate_at_the_pole() -> None:
    """Gamma k_B T/hbar, whatever n, and no jump on the way through."""
    for n in (0.0, 3.0, 1e9):
        assert occupation_rate(0.3, 1e-21, n, 200.0, 1e-21) * hbar / (0.3 * k_B * 200) == pytest.approx(1, abs=1e-14)
    mu = 1e-21 + k_B * 200 * np.array([-1e-3, -1.1e-5, -1e-5, -0.9e-5, 0, 0.9e-5, 1e-5, 1.1e-5, 1e-3])
    value = occupation_rate(1.0, 1e-21, 0.0, 200.0, mu) * hbar / (k_B * 200)
    y = (1e-21 - mu) / (k_B * 200)
    np.testing.assert_allclose(value, 1 - y / 2 + y**2 / 12, rtol=0, atol=1e-13)


@given(st.floats(1e-8, 600))
def test_invariant_emission_minus_absorption(y) -> None:
    """y/(e^y - 1) is positive, and emission beyond absorption is -y: phi(y) - phi(-y) = -y."""
    up, down = (occupation_rate(1.0, s * y * k_B, 0.0, 1.0, 0.0) * hbar / k_B for s in (1, -1))
    assert up > 0
    assert down > 0
    assert up - down == pytest.approx(-y, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("x", [2.3, 0.4, -0.7, -3.0])
def test_limit_golden_rule(x) -> None:
    """Electron-hole pairs of two Fermi seas a distance mu apart: integral of f_up (1 - f_down) = x n_BE(x).

    An electron up at E + x becomes one down at E and leaves its energy; the seas differ by mu_s, so x = epsilon - mu_s.
    """
    f = lambda e: 1 / (mpmath.exp(e) + 1)  # noqa: E731
    emitted = mpmath.quad(lambda e: f(e + x) * (1 - f(e)), [-60, -5, 0, 5, 60])
    absorbed = mpmath.quad(lambda e: f(e) * (1 - f(e + x)), [-60, -5, 0, 5, 60])
    n = 0.37
    rate = occupation_rate(1.0, x * k_B, n, 1.0, 0.0) * hbar / k_B
    assert rate == pytest.approx(float(emitted * (1 + n) - absorbed * n), rel=1e-10, abs=0)


def test_limit_current_is_the_integral_of_the_rates() -> None:
    """KK (22) against an adaptive rule over the density of states."""

    def occupation(energy):
        return np.exp(-energy / (30 * meV))

    for mu in (-20 * meV, 2 * meV, 40 * meV):
        with mpmath.workdps(20):

            def integrand(q, mu=mu):
                energy = BAND.gap + BAND.width * q * q
                x, thermal = energy - mu, k_B * 300
                pairs = x * (1 / mpmath.expm1(x / thermal) - mpmath.exp(-energy / (30 * meV)))
                return METAL.scattering_rate(float(energy)) * 3 * BAND.mode_density * q * q * pairs

            true = float(mpmath.quad(integrand, [0, 0.21, 0.53, 0.77, 1]))
        found = spin_transfer_current(BAND, METAL.scattering_rate, occupation, 300.0, mu)
        assert found == pytest.approx(true, rel=1e-11, abs=0)
    assert isinstance(found, float)
    energy, _ = BAND.quadrature(24)
    one = spin_transfer_current(BAND, METAL.scattering_rate, occupation, 300.0, mu, points=24)
    assert spin_transfer_current(BAND, METAL.scattering_rate, occupation(energy), 300.0, mu, points=24) == one


@given(st.floats(-100, 4.999), st.floats(10, 5000))
def test_invariant_current_vanishes_in_equilibrium(mu, kelvin) -> None:
    """n = n_BE(epsilon - mu) and mu_s = mu at one temperature: no rate, mode by mode, for every mu below the gap."""

    def thermal(energy):
        return bose_einstein(energy, kelvin, mu * meV)

    emptying = spin_transfer_current(BAND, 0.1, 0.0, kelvin, mu * meV)
    assert abs(spin_transfer_current(BAND, 0.1, thermal, kelvin, mu * meV)) <= 1e-12 * emptying


def test_limit_first_rate_of_hot_electrons() -> None:
    """I_sd(n = 0, mu_s = 0)/N_b k_B T = Gamma_0 + 3/5 alpha* - <Gamma epsilon>/2 k_B T + ..., KK section 3.3."""
    energy, weight = BAND.quadrature(16)
    mean = weight @ (METAL.scattering_rate(energy) * energy) / BAND.mode_density
    assert mean / meV == pytest.approx(4.853, abs=5e-4)
    expected = 0.02 + 0.6 * 0.1
    for kelvin in (1e5, 1e6):
        share = spin_transfer_current(BAND, METAL.scattering_rate, 0.0, kelvin, 0.0) / (
            BAND.mode_density * k_B * kelvin
        )
        missing = (expected - share) * 2 * k_B * kelvin
        assert missing == pytest.approx(mean, rel=1.5 * 80 * meV / (6 * k_B * kelvin), abs=0)
    at_curie = spin_transfer_current(BAND, METAL.scattering_rate, 0.0, 1000.0, 0.0)
    assert expected * BAND.mode_density * k_B * 1000 > 1.4 * at_curie  # Rayleigh and Jeans, at T_C


# --- the feedback -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("coupling", "sign"), [("ferromagnetic", -1), ("antiferromagnetic", 1)])
def test_limit_feedback_of_two_bands(coupling, sign) -> None:
    """Two parabolic bands, filled: the chemical potentials after a transfer of spin, exactly."""
    c_up, c_down, fermi, splitting, density = 0.7, 0.5, 4.0, 0.3, 2.0  # N = c (mu - bottom)^(3/2)
    # Up is against the localised spin: for ferromagnetic coupling its band lies above that of down.
    shift = -sign * splitting / 2

    def potentials(n_d):
        """delta mu_up - delta mu_down after n_d electrons went from up to down and S_z = n_d - S."""
        now = shift * (1 - n_d / density)
        up = (c_up * (fermi - shift) ** 1.5 - n_d) / c_up
        down = (c_down * (fermi + shift) ** 1.5 + n_d) / c_down
        return up ** (2 / 3) + now - (down ** (2 / 3) - now)

    step = 1e-3
    slope = np.array([1, -8, 0, 8, -1]) / (12 * step) @ [potentials(step * k) for k in range(-2, 3)]
    states = 1.5 * c_up * (fermi - shift) ** 0.5, 1.5 * c_down * (fermi + shift) ** 0.5
    total, exchange = feedback_coefficient(
        density_of_states_up=states[0],
        density_of_states_down=states[1],
        exchange_splitting=splitting,
        saturation_spin_density=density,
        coupling=coupling,
    )
    assert total == pytest.approx(slope, rel=1e-9, abs=0)
    assert exchange == pytest.approx(sign * splitting / density, rel=1e-15, abs=0)
    harmonic = 2 * states[0] * states[1] / sum(states)
    assert total - exchange == pytest.approx(-2 / harmonic, rel=1e-14, abs=0)


# --- other solvers ----------------------------------------------------------------------------------------------------

PHASES = {
    "paper": (METAL, PULSE, 4 * ps, 0.0),
    "strong feedback": (replace(METAL, feedback=-75 * RHO), PULSE, 2 * ps, 0.0),
    "fast spin relaxation": (replace(METAL, spin_relaxation_time=1 * fs), PULSE, 1 * ps, 0.0),
    "mu_s above the gap": (SOFT, TemperaturePulse(100.0, 1000.0, 50 * fs, 0.3 * ps), 4 * ps, 0.0),
    "mu_s above the band": (METAL, 300.0, 0.5 * ps, 200 * meV),
    "no gap to speak of": (replace(METAL, band=replace(BAND, gap=1e-3 * meV)), PULSE, 1 * ps, 0.0),
    "cold start": (METAL, TemperaturePulse(20.0, 1000.0, 50 * fs, 0.5 * ps), 2 * ps, 0.0),
    "no ultrafast damping": (replace(METAL, ultrafast_damping=0.0), PULSE, 1 * ps, -30 * meV),
    "feedback without bound": (replace(METAL, feedback=-1e5 * RHO), PULSE, 0.5 * ps, 0.0),
}


@cache
def phase(name, points=16):
    metal, temperature, end, mu = PHASES[name]
    cold = temperature if isinstance(temperature, float) else temperature.base
    times = np.linspace(0, end, 31)
    return metal, temperature, times, start(metal, points, cold), mu


@pytest.mark.parametrize("name", PHASES)
def test_limit_radau_of_scipy(name) -> None:
    metal, temperature, times, n, mu = phase(name)
    run = simulate_demagnetization(metal, temperature, times, points=16, initial_spin_accumulation=mu)
    np.testing.assert_allclose(run.occupation[0], n, rtol=1e-12)
    other = radau(metal, temperature, times, n, mu, rtol=1e-10)
    agree(run, other, 3e-9)
    if "above" in name:
        assert run.spin_accumulation.max() > 1.3 * metal.band.gap


def test_limit_exponential_midpoint_steps() -> None:
    """Their error falls by 4 with the step, and what they extrapolate to is the run."""
    end = np.array([0, 0.05, 0.2]) * ps
    found = []
    for step in (6.25 * fs, 3.125 * fs):
        steps = np.arange(round(0.2 * ps / step) + 1) * step
        found.append(midpoint(METAL, PULSE, steps, start(METAL, 16, 100.0)))
    run = simulate_demagnetization(METAL, PULSE, end, points=16)
    coarse, fine = (each.spin_accumulation[-1] - run.spin_accumulation[-1] for each in found)
    assert coarse / meV == pytest.approx(-4.7e-3, abs=2e-4)
    assert coarse / fine == pytest.approx(4, abs=0.1)
    for name in ("spin_accumulation", "occupation", "magnon_density"):
        coarse, fine = (getattr(each, name)[-1] for each in found)
        extrapolated = fine + (fine - coarse) / 3
        assert relative(extrapolated, getattr(run, name)[-1]) < 2e-6


@given(metals, pulses, st.lists(st.floats(-16, -12).map(lambda x: 10**x), min_size=3, max_size=8))
@settings(max_examples=60)
def test_invariant_exponential_midpoint_steps_of_any_size(metal, pulse, lengths) -> None:
    """The route keeps what it promises: positive occupations, and the spins to rounding."""
    run = midpoint(metal, pulse, np.cumsum([0.0, *lengths]), start(metal, 12, pulse.base))
    assert run.occupation.min() >= 0
    modes = Modes.of(metal, 12)
    spins = run.occupation @ modes.weight * modes.feedback
    kept = run.spin_accumulation / meV - spins + run.integral / (meV * ps) * modes.relaxation
    size = abs(run.spin_accumulation / meV).max() + abs(spins).max()
    size += abs(np.diff(run.integral, prepend=0)).sum() / (meV * ps) * modes.relaxation
    assert np.ptp(kept) < 1e-12 * size


def test_limit_clamping_below_the_gap_would_be_wrong() -> None:
    """mu_s passes the gap at 4.7 ps. Rates that know no mu_s above it lose magnons by the per cent."""
    times = np.array([0.0, 4.5, 7.0]) * ps
    run = simulate_demagnetization(METAL, PULSE, times, points=12)
    n = start(METAL, 12, 100.0)
    free = radau(METAL, PULSE, times, n, rtol=1e-8)
    agree(run, free, 1e-6)
    assert run.spin_accumulation[2] > METAL.band.gap > run.spin_accumulation[1]
    clamped = radau(METAL, PULSE, times, n, rtol=1e-8, highest=METAL.band.gap * (1 - 1e-6))
    assert relative(clamped.occupation[1], run.occupation[1]) < 1e-6
    lost = 1 - clamped.magnon_density[2] / run.magnon_density[2]
    assert 0.02 < lost < 0.2


# --- accuracy ---------------------------------------------------------------------------------------------------------


def test_limit_nodes_of_the_energy() -> None:
    """Spectral: 1e-9 with 16, 6e-13 with 24, measured on 30 records of mu_s and n_d."""
    times = np.linspace(0, 3, 31) * ps
    true = simulate_demagnetization(METAL, PULSE, times, points=48, rtol=1e-13)
    for points, most in ((8, 2e-4), (12, 5e-7), (16, 1e-9), (24, 2e-12), (32, 2e-12)):
        run = simulate_demagnetization(METAL, PULSE, times, points=points, rtol=1e-13)
        off = max(relative(getattr(run, k), getattr(true, k)) for k in ("spin_accumulation", "magnon_density"))
        assert most / 1e3 < off < most or (points >= 24 and off < most), points


@given(metals, pulses)
@settings(max_examples=40)
def test_invariant_tolerance_is_kept(metal, pulse) -> None:
    """The error of records at the default tolerance, whatever metal and pulse."""
    times = np.linspace(-0.1, 3, 12) * ps
    run, fine = (simulate_demagnetization(metal, pulse, times, points=16, rtol=r) for r in (1e-8, 1e-12))
    agree(run, fine, 1e-8, rounding_of(metal, run))
    coarse = simulate_demagnetization(metal, pulse, times, points=16, rtol=1e-4)
    agree(coarse, fine, 1e-3, 1e3 * rounding_of(metal, run))


@pytest.mark.parametrize("height", [1.0, 1e-2, 1e-4])
def test_invariant_small_pulses_are_as_good(height) -> None:
    """The error of mu_s is a share of the mu_s there is, and 1e-13 of the gap."""
    pulse = TemperaturePulse(300.0, 300.0 + height, 50 * fs, 2 * ps)
    times = np.linspace(0, 4, 9) * ps
    run, fine = (simulate_demagnetization(METAL, pulse, times, points=16, rtol=r) for r in (1e-8, 1e-13))
    assert relative(run.spin_accumulation, fine.spin_accumulation) < 1e-8 + 1e-6 * 1e-4 / height
    # and it is linear in the pulse
    unit = simulate_demagnetization(METAL, replace(pulse, peak=300.001), times, points=16, rtol=1e-12)
    linear = unit.spin_accumulation * height / 1e-3
    assert relative(run.spin_accumulation, linear) < 4e-3 * height + 1e-5


def test_invariant_lowest_magnons_do_not_set_the_error_of_the_others() -> None:
    """Without a gap the occupation at the bottom is a million times that at the top."""
    metal = replace(METAL, band=replace(BAND, gap=1e-6 * meV), feedback=0.0)
    times = np.linspace(0, 2, 5) * ps
    run, fine = (simulate_demagnetization(metal, PULSE, times, rtol=r) for r in (1e-8, 1e-13))
    assert run.occupation.max() > 1e5 * run.occupation[:, -1].max()
    for mode in range(32):
        assert relative(run.occupation[:, mode], fine.occupation[:, mode]) < 1e-8


def test_invariant_records_do_not_depend_on_other_records() -> None:
    times = np.linspace(0, 2, 201) * ps
    many = simulate_demagnetization(METAL, PULSE, times, points=16)
    for few in (times[[0, 200]], times[[0, 3, 77, 200]], np.array([0, 1e-21, 1e-18, 5e-14, 2e-12])):
        run = simulate_demagnetization(METAL, PULSE, few, points=16)
        assert relative(run.spin_accumulation[-1:], many.spin_accumulation[-1:]) < 1e-8
    assert run.occupation[1] == pytest.approx(run.occupation[0], rel=1e-6, abs=0)
    np.testing.assert_array_equal(run.time, few)


# --- temperatures with jumps and kinks --------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.137, 0.345, 0.5, 0.8011])
def test_invariant_kinks_that_nobody_declared(delay) -> None:
    """A ramp of 50 fs in a run of 5 ps, with and without its breakpoints."""
    times = np.linspace(-1, 4, 51) * ps

    def late(t):
        return PULSE(t - delay * ps)

    kinks = np.array(PULSE.breakpoints) + delay * ps
    declared = simulate_demagnetization(METAL, late, times, points=12, breakpoints=kinks)
    agree(simulate_demagnetization(METAL, late, times, points=12), declared, 3e-8)
    # the same pulse without delay, seen from earlier times
    shifted = simulate_demagnetization(METAL, PULSE, times - delay * ps, points=12)
    agree(shifted, declared, 1e-8)


@pytest.mark.parametrize("closed", [True, False])
def test_invariant_jumps_may_be_open_or_closed(closed) -> None:
    """What a temperature is at the instant of a declared jump does not matter."""
    times = np.linspace(0, 3, 31) * ps

    def jump(t):
        return np.where((t >= 1 * ps) if closed else (t > 1 * ps), 1000.0, 100.0)

    run = simulate_demagnetization(METAL, jump, times, points=12, breakpoints=[1 * ps])
    np.testing.assert_allclose(run.occupation[:11], run.occupation[[0]].repeat(11, axis=0), rtol=1e-12)
    later = simulate_demagnetization(METAL, 1000.0, times[10:], points=12, initial_temperature=100.0)
    assert relative(run.spin_accumulation[10:], later.spin_accumulation) < 1e-9
    blind = simulate_demagnetization(METAL, jump, times, points=12)
    agree(blind, run, 3e-8)


def test_invariant_a_pulse_between_long_steps_is_seen() -> None:
    """In equilibrium a step could be ten times longer than the pulse that follows; the records see it."""
    times = np.linspace(-1000, 10, 1011) * ps

    def bell(t):
        return 100 + 900 * np.exp(-((t / (0.7 * ps)) ** 2))

    run = simulate_demagnetization(METAL, bell, times, points=12)
    near = simulate_demagnetization(METAL, bell, times[990:], points=12)
    assert relative(run.spin_accumulation[990:], near.spin_accumulation) < 1e-8
    assert abs(near.spin_accumulation).max() > 10 * meV


def test_limit_tables_of_temperatures() -> None:
    """Linear interpolation has a kink at every entry; the run goes through them all."""
    table = np.linspace(0, 1, 41) * ps
    values = PULSE(table)

    def read(t):
        return np.interp(t, table, values)

    times = np.linspace(0, 1, 6) * ps
    declared = simulate_demagnetization(METAL, read, times, points=12, breakpoints=table)
    agree(simulate_demagnetization(METAL, read, times, points=12), declared, 1e-7)


# --- laws -------------------------------------------------------------------------------------------------------------


@given(metals, pulses, st.floats(-50, 50))
@settings(max_examples=40)
def test_invariant_spins_are_counted(metal, pulse, mu) -> None:
    """n_d - mu_s/rho - integral of mu_s/(rho tau_s) stays what it was; n never falls below 0."""
    edges = np.sort([-0.02 * ps, *pulse.breakpoints, *(np.array([0.1, 0.4, 1.0]) * ps + pulse.breakpoints[-1])])
    times, weight = gauss(edges)
    run = simulate_demagnetization(metal, pulse, times, points=12, initial_spin_accumulation=mu * meV)
    assert run.occupation.min() >= 0
    np.testing.assert_allclose(run.magnon_density, run.occupation @ run.weight, rtol=1e-14)
    if metal.spin_relaxation_time < 1 * ps:
        return  # the nodes do not resolve it
    moved = metal.feedback * run.magnon_density - run.spin_accumulation
    lost = weight @ run.spin_accumulation / metal.spin_relaxation_time
    size = abs(metal.feedback * run.magnon_density).max() + abs(run.spin_accumulation).max()
    assert moved[-1] - moved[0] - lost == pytest.approx(0, abs=3e-8 * size)
    if metal.spin_relaxation_time == inf:
        assert np.ptp(moved) < 1e-12 * size


def test_invariant_spins_are_counted_at_every_record() -> None:
    """Without relaxation to rounding, between steps too; with split feedback the total spin is the same sum."""
    metal = replace(METAL, spin_relaxation_time=inf, exchange_feedback=-2 * RHO)
    run = simulate_demagnetization(metal, PULSE, np.linspace(0, 5, 2001) * ps)
    rho_d = metal.feedback - metal.exchange_feedback
    for spin in (
        run.magnon_density - run.spin_accumulation / metal.feedback,
        run.magnon_density - (run.spin_accumulation - metal.exchange_feedback * run.magnon_density) / rho_d,
    ):
        assert np.ptp(spin) < 1e-13 * run.magnon_density.max()
    assert np.ptp(run.magnon_density) > 0.5 * run.magnon_density.max()


@given(metals, st.floats(20, 3000), st.floats(1e-14, 1e-9))
@settings(max_examples=30)
def test_invariant_equilibrium_stays(metal, kelvin, end) -> None:
    run = simulate_demagnetization(metal, kelvin, [0.0, end / 3, end], points=12)
    np.testing.assert_allclose(run.occupation, run.occupation[[0]].repeat(3, axis=0), rtol=1e-11)
    assert abs(run.spin_accumulation).max() < rounding_of(metal, run)
    np.testing.assert_array_equal(run.electron_temperature, kelvin)


def test_invariant_equilibrium_with_a_chemical_potential_stays_without_relaxation() -> None:
    metal = replace(METAL, spin_relaxation_time=inf)
    for mu in (-30 * meV, 4.9 * meV):
        run = simulate_demagnetization(
            metal,
            300.0,
            [0.0, 5 * ps],
            initial_occupation=lambda energy, mu=mu: bose_einstein(energy, 300.0, mu),
            initial_spin_accumulation=mu,
        )
        np.testing.assert_allclose(run.occupation[1], run.occupation[0], rtol=1e-12)
        assert run.spin_accumulation[1] == pytest.approx(mu, rel=1e-12, abs=0)


@given(metals, st.floats(50, 3000), st.floats(0, 3), st.floats(0.1, 30), st.floats(-40, 40))
@settings(max_examples=40)
def test_invariant_free_energy_falls(metal, kelvin, height, slope, mu) -> None:
    """F = integral of D (epsilon n - k_B T s) - mu_s^2/2 rho at constant T_s, s the entropy of bosons."""
    times = np.concatenate([[0], np.geomspace(1e-3, 10, 25)]) * ps
    run = simulate_demagnetization(
        metal,
        kelvin,
        times,
        points=12,
        initial_occupation=lambda energy: 1e-6 + height * np.exp(-energy / (slope * meV)),
        initial_spin_accumulation=mu * meV,
    )
    n = run.occupation
    entropy = (1 + n) * np.log1p(n) - n * np.log(n)
    inside = (run.energy * n - k_B * kelvin * entropy) @ run.weight
    energy = inside - run.spin_accumulation**2 / (2 * metal.feedback)
    assert (np.diff(energy) <= 1e-9 * (abs(inside).max() + abs(energy).max())).all()
    assert energy[-1] < energy[0]


@pytest.mark.parametrize("kelvin", [200.0, 1000.0])
@pytest.mark.parametrize("rho", [-1.0, -6.0, -75.0])
def test_limit_steady_states(kelvin, rho) -> None:
    """With tau_s = inf mu = rho [n_eq(T, mu) - n(0)], by bisection; otherwise mu = 0 in the end."""
    metal = replace(METAL, feedback=rho * RHO, spin_relaxation_time=inf)
    first = magnon_density(BAND, 100.0)
    low, high = -1000 * meV, 0.0
    for _ in range(100):
        middle = (low + high) / 2
        if middle - rho * RHO * (magnon_density(BAND, kelvin, middle) - first) > 0:
            high = middle
        else:
            low = middle
    times = [0, 1e6 * ps]
    run = simulate_demagnetization(metal, kelvin, times, initial_temperature=100.0)
    assert run.spin_accumulation[1] == pytest.approx(low, rel=1e-9, abs=0)
    np.testing.assert_allclose(run.occupation[1], bose_einstein(run.energy, kelvin, low), rtol=1e-8)
    lossy = simulate_demagnetization(
        replace(metal, spin_relaxation_time=2 * ps), kelvin, times, initial_temperature=50.0
    )
    assert abs(lossy.spin_accumulation[1]) < 1e-10 * meV
    np.testing.assert_allclose(lossy.occupation[1], bose_einstein(run.energy, kelvin), rtol=1e-9)


def test_limit_no_feedback() -> None:
    """Each mode relaxes for itself: KK (25) with the factor epsilon, and its integral over a pulse."""
    free = replace(METAL, feedback=0.0)
    times = np.linspace(0, 1, 11) * ps
    run = simulate_demagnetization(free, 700.0, times, initial_occupation=0.0)
    b = METAL.scattering_rate(run.energy) * run.energy / hbar
    exact = bose_einstein(run.energy, 700.0) * -np.expm1(-b * times[:, None])
    np.testing.assert_allclose(run.occupation, exact, rtol=0, atol=1e-8 * exact.max())
    np.testing.assert_array_equal(run.spin_accumulation, 0.0)
    early = simulate_demagnetization(free, 700.0, [0, 1e-17], initial_occupation=0.0)
    assert (np.diff(early.occupation[1]) > 0).all()  # the high energies first
    n = occupation_rate(METAL.scattering_rate(run.energy), run.energy, 0.0, 700.0, 0.0) * 1e-17
    np.testing.assert_allclose(early.occupation[1], n, rtol=2e-4)
    # under a pulse: n = n(0) e^(-bt) + integral of b n_BE(T(t')) e^(-b(t - t'))
    times, weight = gauss(np.array([0, 0.05, 0.2, 0.5, 1.0]) * ps, 40)
    run = simulate_demagnetization(free, PULSE, [0, 1 * ps])
    kept = np.exp(-b * (1 * ps - times)[:, None])
    driven = weight @ (b * bose_einstein(run.energy, PULSE(times)[:, None]) * kept)
    exact = run.occupation[0] * np.exp(-b * 1 * ps) + driven
    np.testing.assert_allclose(run.occupation[1], exact, rtol=0, atol=1e-8 * exact.max())


@given(metals, st.floats(-3, 3).map(lambda x: 10**x))
@settings(max_examples=20)
def test_invariant_energies_times_s_and_times_over_s(metal, s) -> None:
    """A, gap, bandwidth, k_B T and rho times s, times over s: mu_s times s, and the same magnons."""
    band = metal.band
    scaled = replace(
        metal,
        band=MagnonBand(s * band.gap, s * band.stiffness, s * band.bandwidth),
        feedback=s * metal.feedback,
        spin_relaxation_time=metal.spin_relaxation_time / s,
    )
    times = np.linspace(0, 1, 6) * ps
    pulse = TemperaturePulse(50 * s, 800 * s, 50 * fs / s, 0.4 * ps / s)
    run = simulate_demagnetization(metal, TemperaturePulse(50, 800, 50 * fs, 0.4 * ps), times, points=12, rtol=1e-10)
    other = simulate_demagnetization(scaled, pulse, times / s, points=12, rtol=1e-10)
    agree(replace(other, spin_accumulation=other.spin_accumulation / s), run, 1e-9, rounding_of(metal, run))


def test_invariant_a_run_can_be_continued() -> None:
    times = np.linspace(-0.1, 3, 32) * ps
    whole = simulate_demagnetization(METAL, PULSE, times)
    for cut in (1, 2, 15, 30):
        first = simulate_demagnetization(METAL, PULSE, times[: cut + 1])
        second = simulate_demagnetization(
            METAL,
            PULSE,
            times[cut:],
            initial_occupation=first.occupation[-1],
            initial_spin_accumulation=first.spin_accumulation[-1],
        )
        assert relative(second.spin_accumulation, whole.spin_accumulation[cut:]) < 1e-8
        assert relative(second.occupation, whole.occupation[cut:]) < 1e-8
        np.testing.assert_array_equal(second.occupation[0], first.occupation[-1])


@pytest.mark.filterwarnings("ignore:k_B T falls below a tenth of the gap")
def test_limit_modes_that_begin_empty_to_the_last_bit() -> None:
    """A ramp from 1 K fills a band at 7000 k_B T from below the smallest float on; each mode follows the ramp."""
    cold = Ferromagnet(MagnonBand(1e-19, 1e-36, 2e-19), 1.0, 0.0, 0.0, inf)
    ramp, times = TemperaturePulse(1.0, 100.0, 1 * ps, inf, "linear"), np.array([0.0, 0.3, 0.6, 0.9, 100.0]) * ps
    run = simulate_demagnetization(cold, ramp, times)
    energy = run.energy[0]
    rate = 2 * energy / hbar
    for t, n in zip(times[1:], run.occupation[1:, 0], strict=True):
        ago = np.linspace(0, 40, 4001)
        before = np.exp(-ago) * bose_einstein(energy, np.asarray(ramp(t - ago / rate)))
        assert n == pytest.approx(simpson(before, x=ago), rel=1e-7, abs=0)


def test_limit_gilbert_damping() -> None:
    """One mode at the gap loses its magnons as a macrospin its transverse part: |m_perp|^2 ~ exp(-2 alpha omega t)."""
    alpha, gap = 0.01, 1 * meV
    omega = gap / hbar
    flat = Ferromagnet(MagnonBand(gap, 0.6 * meV * nm**2, gap * (1 + 1e-9)), alpha, 0.0, 0.0, inf)
    times = np.linspace(0, 2, 5) / (2 * alpha * omega)
    with pytest.warns(UserWarning, match="below a tenth of the gap"):
        run = simulate_demagnetization(flat, gap / (40 * k_B), times, points=2, initial_occupation=1.0)
    np.testing.assert_allclose(
        run.magnon_density, run.magnon_density[0] * np.exp(-2 * alpha * omega * times), rtol=1e-7
    )

    def llg(_, m):
        turn = np.cross(m, [0.0, 0.0, 1.0])
        return -(turn + alpha * np.cross(m, turn)) / (1 + alpha**2)

    begin = np.array([1e-4, 0, 1.0])
    done = solve_ivp(llg, (0, omega * times[-1]), begin, "DOP853", t_eval=omega * times, rtol=1e-10, atol=1e-15)
    left = (done.y[0] ** 2 + done.y[1] ** 2) / 1e-8
    np.testing.assert_allclose(run.magnon_density / run.magnon_density[0], left, rtol=3 * alpha**2)


def test_limit_nothing_happens_without_scattering() -> None:
    still = replace(METAL, alpha=0.0, ultrafast_damping=0.0)
    run = simulate_demagnetization(still, PULSE, [0, 1 * ps, 7 * ps], initial_spin_accumulation=3 * meV)
    np.testing.assert_allclose(run.occupation, run.occupation[[0]].repeat(3, axis=0), rtol=1e-13)
    np.testing.assert_allclose(run.spin_accumulation, 3 * meV * np.exp(-run.time / (2 * ps)), rtol=1e-8)


# --- scales -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [1e-18, 1e-25, 1e-30])
def test_limit_relaxation_at_once(tau) -> None:
    """mu_s follows as tau_s rho I_sd/hbar, and the magnons do as without feedback."""
    times = np.linspace(0, 1, 6) * ps
    run = simulate_demagnetization(replace(METAL, spin_relaxation_time=tau), PULSE, times)
    free = simulate_demagnetization(replace(METAL, feedback=0.0), PULSE, times)
    assert relative(run.occupation, free.occupation) < 1e-8 + 1e13 * tau
    for k in (2, 5):
        current = spin_transfer_current(BAND, METAL.scattering_rate, run.occupation[k], PULSE(times[k]), 0.0, points=32)
        assert run.spin_accumulation[k] == pytest.approx(tau * METAL.feedback * current / hbar, rel=1e-4, abs=0)


def test_limit_feedback_without_bound_holds_the_magnons() -> None:
    """n_d cannot change, so mu_s takes the value at which what is emitted is absorbed."""
    held = replace(METAL, feedback=-1e9 * RHO)
    run = simulate_demagnetization(held, 500.0, [0, 1 * ps], initial_temperature=100.0, rtol=1e-10)
    assert np.ptp(run.magnon_density) < 1e-6 * run.magnon_density[0]
    current = spin_transfer_current(BAND, METAL.scattering_rate, run.occupation[1], 500.0, run.spin_accumulation[1], 32)
    emptied = spin_transfer_current(BAND, METAL.scattering_rate, 0.0, 500.0, run.spin_accumulation[1], 32)
    assert abs(current) < 1e-6 * emptied


@pytest.mark.parametrize("end", [1e-25, 1e-18, 1e-6, 1.0, 1e3])
def test_limit_short_and_long_runs(end) -> None:
    run = simulate_demagnetization(METAL, 600.0, [0.0, end], initial_temperature=300.0, points=12)
    if end < 1e-12:
        gamma = METAL.scattering_rate(run.energy)
        change = occupation_rate(gamma, run.energy, run.occupation[0], 600.0, 0.0) * end
        slack = 2e-14 * run.occupation[0]
        np.testing.assert_array_less(abs(np.diff(run.occupation, axis=0)[0] - change), 1e-3 * change + slack)
    else:
        np.testing.assert_allclose(run.occupation[1], bose_einstein(run.energy, 600.0), rtol=1e-9)


@pytest.mark.parametrize("kelvin", [0.01, 1.0])
def test_invariant_cold_electrons_empty_the_band(kelvin) -> None:
    with pytest.warns(UserWarning, match="below a tenth of the gap"):
        run = simulate_demagnetization(METAL, kelvin, [0, 1 * ps, 1e-9], initial_temperature=1000.0, points=12)
    assert run.occupation.min() >= 0
    assert run.occupation[2].max() < 1e-3
    assert run.spin_accumulation[1] > 0


@pytest.mark.parametrize("points", [1, 2, 3, 200])
def test_invariant_any_number_of_nodes(points) -> None:
    run = simulate_demagnetization(METAL, PULSE, np.linspace(0, 1, 11) * ps, points=points, rtol=1e-10)
    other = radau(METAL, PULSE, run.time, run.occupation[0], rtol=1e-9)
    agree(run, other, 2e-8)


def test_limit_si_numbers_of_order_one() -> None:
    """Nothing depends on energies being some 1e-21."""
    big = Ferromagnet(MagnonBand(1.0, 1.0, 5.0), 0.05, 0.2, -3.0, 4 * hbar, saturation_spin_density=None)
    kelvin = 2 / k_B
    times = np.array([0.0, 1.0, 20.0]) * hbar
    run = simulate_demagnetization(big, kelvin, times, initial_temperature=0.5 / k_B, points=16)
    s = 1 / meV
    band = MagnonBand(1.0 / s, 1.0 / s, 5.0 / s)
    small = replace(big, band=band, feedback=-3.0 / s, spin_relaxation_time=4 * hbar * s)
    other = simulate_demagnetization(small, kelvin / s, times * s, initial_temperature=0.5 / k_B / s, points=16)
    assert relative(run.spin_accumulation, other.spin_accumulation * s) < 1e-9
    assert abs(run.spin_accumulation[1]) > 1e-3


def test_invariant_many_breakpoints_change_nothing() -> None:
    """Nor do two that mean the same instant, or the first and the last."""
    times = np.linspace(0, 1, 11) * ps
    run = simulate_demagnetization(METAL, PULSE, times, points=12)
    kink = PULSE.breakpoints[1]
    twins = [0.0, 1e-30, np.nextafter(kink, 0), np.nextafter(kink, 1), np.nextafter(1 * ps, 0), 1 * ps]
    for extra in (np.concatenate([[-1.0, 5.0], np.linspace(0, 1, 101) * ps]), twins):
        agree(simulate_demagnetization(METAL, PULSE, times, points=12, breakpoints=extra), run, 1e-8)


# --- the wrong sign ---------------------------------------------------------------------------------------------------


def test_limit_runaway_of_a_positive_feedback() -> None:
    """When mu_s passes 1000 bandwidths, by SciPy with an event, and the records before."""
    metal = replace(METAL, feedback=6 * RHO)
    times = np.linspace(0, 0.3, 301) * ps
    run = simulate_demagnetization(metal, PULSE, times, points=16, allow_runaway=True)
    modes = Modes.of(metal, 16)
    rate, jacobian = rate_of(modes, PULSE)
    kink = np.array([0, 0.05])
    first = by_pieces(rate, jacobian, np.append(start(metal, 16, 100.0), 0.0), kink, (), 1e-11, 1e-11)[-1]

    def event(_, y):
        return y[-1] - 1000 * BAND.bandwidth / meV

    event.terminal = True
    with np.errstate(over="ignore"):
        done = solve_ivp(rate, (0.05, 0.3), first, "Radau", jac=jacobian, events=event, rtol=1e-10, atol=1e-10)
    assert run.runaway_time == pytest.approx(done.t_events[0][0] * ps, rel=1e-8, abs=0)
    assert run.runaway_time < 0.2 * ps
    assert len(run.time) == np.searchsorted(times, run.runaway_time) == len(run.occupation)
    np.testing.assert_array_equal(run.time, times[: len(run.time)])
    assert run.magnon_density[-1] > BAND.mode_density
    assert run.spin_accumulation[np.searchsorted(times, 50 * fs)] > BAND.gap  # above the gap within the ramp
    assert "runaway at 1.52" in repr(run)
    # the last record before the end, too
    other = by_pieces(rate, jacobian, first, np.append(0.05, run.time[-20:] / ps), (), 1e-11, 1e-11)[1:]
    assert relative(run.spin_accumulation[-20:], other[:, -1] * meV) < 1e-7


def test_limit_positive_feedback_that_is_stable() -> None:
    """In the cold rho chi < 1, and nothing runs away."""
    metal = replace(METAL, feedback=1 * RHO)
    run = simulate_demagnetization(metal, TemperaturePulse(100, 110, 50 * fs, 1 * ps), [0, 1 * ps], allow_runaway=True)
    assert run.runaway_time is None
    assert run.spin_accumulation[1] > 0
    other = radau(metal, TemperaturePulse(100, 110, 50 * fs, 1 * ps), run.time, run.occupation[0], rtol=1e-9)
    agree(run, other, 1e-7)


# --- results ----------------------------------------------------------------------------------------------------------


def test_limit_occupation_at_any_energy() -> None:
    times = np.linspace(0, 1, 5) * ps
    run, fine = (simulate_demagnetization(METAL, PULSE, times, points=p, rtol=1e-12) for p in (32, 50))
    np.testing.assert_allclose(run.occupation_at(run.energy), run.occupation, rtol=1e-11)
    found = run.occupation_at(fine.energy.reshape(5, 10))
    assert found.shape == (5, 5, 10)
    assert relative(found.reshape(5, 50), fine.occupation) < 1e-9
    edges = run.occupation_at([BAND.gap, BAND.bandwidth])
    np.testing.assert_allclose(edges[0], bose_einstein([BAND.gap, BAND.bandwidth], 100.0), rtol=0, atol=1e-8)
    assert run.occupation_at(BAND.gap).shape == (5,)


def test_limit_initial_states() -> None:
    energy, weight = BAND.quadrature(20)
    n = 0.3 + energy / BAND.bandwidth
    for given_n in (n, lambda e: 0.3 + e / BAND.bandwidth):
        run = simulate_demagnetization(METAL, 300.0, [0, 1e-15], initial_occupation=given_n, points=20)
        np.testing.assert_allclose(run.occupation[0], n, rtol=1e-15)
    run = simulate_demagnetization(METAL, PULSE, [0.05 * ps, 1 * ps])
    np.testing.assert_allclose(run.occupation[0], bose_einstein(run.energy, 1000.0), rtol=1e-12)
    assert run.spin_accumulation[0] == 0
    empty = simulate_demagnetization(METAL, 300.0, [0, 1 * ps], initial_occupation=0.0)
    assert empty.magnon_density[0] == 0
    np.testing.assert_array_equal(run.energy, BAND.quadrature(32)[0])
    np.testing.assert_array_equal(run.weight, BAND.quadrature(32)[1])
    n[:] = -1  # what was handed in belongs to the caller
    assert weight.shape == (20,)


def test_limit_result_prints_and_converts(tmp_path) -> None:
    run = simulate_demagnetization(METAL, PULSE, np.linspace(0, 1, 5) * ps, points=12)
    text = repr(run)
    assert text.startswith("Demagnetization(5 times, 12 energies, n_d 8.86e+26 to ")
    assert "mu_s -8." in text
    assert text.endswith("e-21 to 0 J)")
    table = run.columns()
    assert list(table) == ["time", "spin_accumulation", "magnon_density", "electron_temperature"]
    np.testing.assert_array_equal(table["spin_accumulation"], run.spin_accumulation)
    np.testing.assert_allclose(table["electron_temperature"], PULSE(run.time), rtol=1e-15)
    run.to_csv(tmp_path / "run.csv", delay=run.time / ps)
    lines = (tmp_path / "run.csv").read_text().splitlines()
    assert lines[0] == "delay,time [s],spin_accumulation [J],magnon_density [m^-3],electron_temperature [K]"
    read = np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
    np.testing.assert_array_equal(read[:, 2], run.spin_accumulation)
    assert isinstance(run, Demagnetization)


@given(st.floats(0.5, 3), st.sampled_from([0.0, 0.5, 0.99]))
@settings(max_examples=5)
def test_invariant_runs_are_deterministic(length, share) -> None:
    assume(length > share)
    first, second = (
        simulate_demagnetization(METAL, PULSE, np.array([0, share, length]) * ps + [-1e-15, 0, 0], points=8)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.occupation, second.occupation)


def test_invariant_hbar_of_the_routes() -> None:
    """The routes count in meV and ps."""
    assert pytest.approx(0.658212, abs=1e-6) == HBAR
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate_demagnetization(METAL, PULSE, [0, 1 * ps])
