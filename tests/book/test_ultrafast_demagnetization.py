"""KK (23)-(25), Figure 6 and what the text says of them, each against a route that does not use the library's solver.

The routes: SciPy's Radau and a midpoint step (``magnon_routes``), the golden rule with integrals over the electrons,
SciPy's quadrature, a macrospin, closed forms of single modes, and laws that hold for every motion.
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from scipy.integrate import quad, simpson, solve_ivp

from spinlib.dynamics.macrospin import integrate_llg
from spinlib.magnons.band import MagnonBand, bose_einstein, magnon_density, magnon_susceptibility
from spinlib.magnons.kinetics import Ferromagnet, occupation_rate, simulate_demagnetization, spin_transfer_current
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.units import fs, gyromagnetic_ratio, hbar, k_B, meV, nm, ps
from tests.book.chapter_code import defined
from tests.spinlib.magnon_routes import Modes, midpoint, radau, start
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "ultrafast_demagnetization.md"
UNIT = meV * nm**3
BAND = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=k_B * 1000)
METAL = Ferromagnet(BAND, 0.01, 0.1, -6 * UNIT, 2 * ps)
ALONE = replace(METAL, feedback=0.0)
PULSE = TemperaturePulse(base=100, peak=1000, rise_time=50 * fs, decay_time=2 * ps)
N_B = BAND.mode_density
NODES = BAND.quadrature(32)
PAGE_FUNCTIONS = (
    "printed_rate", "convolved", "extremum", "features", "phi", "step", "march", "two_rates",
    "growth", "fastest", "free_energy", "by_scipy",
)  # fmt: skip


@cache
def page():
    """Functions and imports of the page, with the numbers that they use."""
    room = {"metal": METAL, "band": BAND, "pulse": PULSE, "energy": NODES[0], "weight": NODES[1], "unit": UNIT}
    room |= {"T_C": 1000.0, "hold": 1000.0, "gauss": np.polynomial.legendre.leggauss(60), "N_b": N_B}
    return defined(PAGE, room, PAGE_FUNCTIONS)


@cache
def reference(decay=2.0, step=1.0):
    """The run of KK Fig. 6 by SciPy's Radau; step in fs up to 0.4 ps, twenty times that later."""
    times = np.unique(np.concatenate([np.arange(0, 400, step), np.arange(400, 10001, 20 * step)])) * fs
    pulse = replace(PULSE, decay_time=decay * ps)
    return times, radau(METAL, pulse, times, start(METAL, 32, 100.0), rtol=1e-10)


def by_quad(function, low=BAND.gap, high=BAND.bandwidth):
    """Integral of D f over the band, by SciPy in meV."""
    return quad(
        lambda e: BAND.density_of_states(e * meV) * function(e * meV), low / meV, high / meV, epsabs=0, epsrel=1e-10
    )[0] * meV  # fmt: skip


def fermi(energy, mu, kelvin):
    return 0.5 * (1 - np.tanh((energy - mu) / (2 * k_B * kelvin)))


def golden_rule(gamma, level, n, kelvin, mu_s):
    """Gamma/hbar times [F(1 + n) - R n], from integrals over electrons of two spins."""

    def pairs(first, second):
        return quad(lambda e: first(e * meV) * (1 - second(e * meV)), -2000, 2000, points=(-100, 0, 100), limit=400)[0]

    def up(e):
        return fermi(e, mu_s / 2, kelvin)

    def down(e):  # of the state that an emitted magnon leaves behind
        return fermi(e - level, -mu_s / 2, kelvin)

    return gamma / hbar * meV * (pairs(up, down) * (1 + n) - pairs(down, up) * n)


def through_nodes(occupation):
    """The polynomial in the wavenumber through an occupation at 32 nodes, as a function of the energy."""
    node = 2 * np.sqrt((NODES[0] - BAND.gap) / BAND.width) - 1
    curve = np.polynomial.legendre.Legendre.fit(node, occupation, 31, domain=[-1, 1])
    return lambda level: curve(2 * np.sqrt((level - BAND.gap) / BAND.width) - 1)


def slopes(times, values):
    """Derivatives at Chebyshev's points of a polynomial through them."""
    u = 2 * (times - times[0]) / np.ptp(times) - 1
    fit = chebyshev.chebfit(u, values, len(times) - 1)
    return (chebyshev.chebval(u, chebyshev.chebder(fit)) * 2 / np.ptp(times)).T


# One stretch while the magnetisation falls, one where mu_s lies in the band.
STRETCHES = [(0.1, 0.2), (5.0, 6.0)]


@cache
def stretch(low, high):
    inside = (low + (high - low) * (1 - np.cos(np.pi * np.linspace(0, 1, 13))) / 2) * ps
    return inside, simulate_demagnetization(METAL, PULSE, np.append(0.0, inside), rtol=1e-11)


# --- the two equations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span", STRETCHES)
def test_paper_KK_23_slope_of_the_accumulation(span):
    times, run = stretch(*span)
    found = slopes(times, run.spin_accumulation[1:])
    for i in (2, 6, 10):
        mu, kelvin = run.spin_accumulation[i + 1], run.electron_temperature[i + 1]
        assert (mu > BAND.gap) == (span[0] > 1)
        n = through_nodes(run.occupation[i + 1])

        def rate(level, n=n, mu=mu, kelvin=kelvin):
            y = (level - mu) / (k_B * kelvin)
            emitted = k_B * kelvin * (y / np.expm1(y) if abs(y) > 1e-9 else 1.0)
            gamma = 0.02 + 0.1 * (level - BAND.gap) / BAND.width
            return gamma * (emitted - (level - mu) * n(level))

        wanted = -mu / (2 * ps) - 6 * UNIT * by_quad(rate) / hbar
        assert found[i] == pytest.approx(wanted, abs=1e-6 * np.abs(found).max())
        printed = -mu / (2 * ps) + 6 * UNIT * by_quad(rate) / hbar  # the sign of the caption
        assert printed - found[i] == pytest.approx(-2 * (found[i] + mu / (2 * ps)), abs=1e-5 * np.abs(found).max())


@pytest.mark.parametrize("span", STRETCHES)
def test_paper_KK_24_slope_of_each_mode_is_the_golden_rule(span):
    times, run = stretch(*span)
    found = slopes(times, run.occupation[1:])
    for i, j in ((3, 2), (6, 15), (9, 30)):
        level, mu, kelvin = run.energy[j], run.spin_accumulation[i + 1], run.electron_temperature[i + 1]
        gamma = 0.02 + 0.1 * (level - BAND.gap) / BAND.width
        n = run.occupation[i + 1, j]
        wanted = golden_rule(gamma, level, n, kelvin, mu)
        scale = gamma * k_B * kelvin / hbar
        assert found[i, j] == pytest.approx(wanted, abs=2e-6 * scale)
        assert occupation_rate(gamma, level, n, kelvin, mu) == pytest.approx(wanted, abs=1e-8 * scale)


def test_paper_KK_24_sums_to_the_current():
    def warm(level):
        return bose_einstein(level, 300.0)

    for mu in (-40 * meV, 4 * meV):
        current = by_quad(
            lambda e, mu=mu: METAL.scattering_rate(e) * (e - mu) * (bose_einstein(e, 900.0, mu) - warm(e))
        )
        rates = occupation_rate(METAL.scattering_rate(NODES[0]), NODES[0], warm(NODES[0]), 900.0, mu)
        assert hbar * NODES[1] @ rates == pytest.approx(current, rel=1e-9, abs=0)
        current_22 = spin_transfer_current(BAND, METAL.scattering_rate, warm, 900.0, mu)
        assert current_22 == pytest.approx(current, rel=1e-9, abs=0)


def test_limit_kernel_without_a_pole():
    phi = page()["phi"]
    y = np.array([-30.0, -1.0, -1e-7, 1e-7, 1.0, 30.0])
    np.testing.assert_allclose(phi(y) - phi(-y), -y, rtol=0, atol=1e-12)
    np.testing.assert_allclose(phi(y[4:]), y[4:] / (np.exp(y[4:]) - 1), rtol=1e-12)
    assert phi(0.0) == pytest.approx(1, abs=1e-12)
    assert (phi(y) > 0).all()
    for level in (20 * meV, 60 * meV):
        at_pole = occupation_rate(0.1, level, 7.0, 800.0, level)  # whatever n is
        assert at_pole == pytest.approx(0.1 * k_B * 800 / hbar, rel=1e-12, abs=0)


@settings(max_examples=20, deadline=None)
@given(st.floats(-30, -0.1), st.floats(0.05, 20), st.floats(-0.9, 1.0))
def test_invariant_three_parts_of_the_spin(rho, tau, share):
    """Magnons, electrons and lattice with rho = rho_D + rho_Delta, from the records alone."""
    exchange = rho * min(share, 0.9)
    metal = replace(METAL, feedback=rho * UNIT, spin_relaxation_time=tau * ps, exchange_feedback=exchange * UNIT)
    run = simulate_demagnetization(metal, PULSE, np.linspace(0, 0.4, 401) * ps)
    rho_d = (rho - exchange) * UNIT
    lost = run.magnon_density - run.magnon_density[0]
    electrons = (run.spin_accumulation - exchange * UNIT * lost) / rho_d
    lattice = simpson(run.spin_accumulation, x=run.time) / (rho_d * tau * ps)
    assert electrons[-1] + lattice == pytest.approx(lost[-1], rel=1e-5, abs=0)


# --- Gamma ------------------------------------------------------------------------------------------------------------


def test_paper_KK_statement_M10_printed_sign_makes_gamma_and_occupations_negative():
    """Gamma is a squared matrix element times states; the mean over the modes is a sum over wave vectors in a box."""
    printed = page()["printed_rate"]
    side = np.arange(-70, 71)
    q2 = side[:, None, None] ** 2 + side[:, None] ** 2 + side**2
    inside = q2[q2 < 70**2] / 70**2
    assert 0.02 + 0.1 * inside.mean() == pytest.approx(0.02 + 0.06, abs=2e-4)
    assert 0.02 - 0.1 * inside.mean() == pytest.approx(-0.5 * 0.08, abs=2e-4)  # of the right one
    zero = BAND.gap + 0.2 * BAND.width
    assert printed(zero) == pytest.approx(0, abs=1e-15)
    assert printed(BAND.bandwidth) == pytest.approx(-0.08, abs=1e-15)
    # Without feedback a mode at the edge: closed forms with both signs, and two solutions that do not use them.
    times = np.array([0, 20, 60]) * fs
    gamma, level = METAL.scattering_rate(BAND.bandwidth), BAND.bandwidth
    final = bose_einstein(level, 1000.0)
    right = simulate_demagnetization(ALONE, 1000.0, times, initial_occupation=0.0).occupation_at(level)
    assert (right >= 0).all()
    np.testing.assert_allclose(right, -final * np.expm1(-gamma * level * times / hbar), rtol=1e-9)

    def rate(t, n):
        return printed(level) * level * ps / hbar * (final - n)

    wrong = solve_ivp(rate, (0, times[-1] / ps), [0.0], t_eval=times / ps, rtol=1e-10, atol=1e-13).y[0]
    np.testing.assert_allclose(wrong, -final * np.expm1(0.08 * level * times / hbar), rtol=1e-7)
    assert wrong[-1] < -0.5
    # With feedback: the page's own solution is negative at the edge and in the sum, the right one nowhere.
    sampled = np.array([0.0, 300.0]) * fs
    by_scipy = page()["by_scipy"]
    negative = by_scipy(printed(NODES[0]), -6.0, sampled)[:-1, -1]
    assert negative[-1] < -1.5
    assert NODES[1] @ negative / N_B < -0.5
    positive = by_scipy(METAL.scattering_rate(NODES[0]), -6.0, sampled)
    np.testing.assert_allclose(
        positive[:-1, -1], simulate_demagnetization(METAL, PULSE, sampled).occupation[-1], rtol=1e-6
    )
    with pytest.raises(ValueError, match="scattering_rate"):
        occupation_rate(printed(BAND.bandwidth), level, 0.0, 1000.0, 0.0)


# --- the slow end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.002, 0.01, 0.03])
def test_paper_KK_statement_M11_magnons_decay_as_the_macrospin_relaxes(alpha):
    clock = np.linspace(0, 0.1 / alpha, 41) * ps
    tilt, field = np.radians(3), BAND.gap / (hbar * gyromagnetic_ratio)
    moment = integrate_llg((np.sin(tilt), 0, np.cos(tilt)), (0, 0, field), clock, alpha=alpha)
    longitudinal = -np.polyfit(clock, np.log(1 - moment[:, 2]), 1)[0]  # 1/tau_1
    transverse = -np.polyfit(clock, np.log(np.hypot(moment[:, 0], moment[:, 1])), 1)[0]  # 1/tau_2
    assert longitudinal / transverse == pytest.approx(2, abs=3e-3)
    omega = BAND.gap / hbar
    assert transverse == pytest.approx(alpha * omega, rel=alpha**2 + 2e-3, abs=0)
    metal = Ferromagnet(BAND, alpha, 0.1, 0.0, 2 * ps)
    run = simulate_demagnetization(metal, 8.0, clock, initial_occupation=1.0, points=96)
    rest = bose_einstein(BAND.gap, 8.0)
    found = np.polyfit(clock, np.log((run.occupation_at(BAND.gap) - rest) / (1 - rest)), 1)[0]
    assert found == pytest.approx(-longitudinal, rel=alpha**2 + 3e-3, abs=0)  # printed: +
    rate = occupation_rate(2 * alpha, BAND.gap, 1.0, 8.0, 0.0)
    assert rate == pytest.approx(-longitudinal, rel=3e-3 + 2 * rest, abs=0)


# --- sudden heating ---------------------------------------------------------------------------------------------------


def mode_by_scipy(level, kelvin, times, n=0.0):
    """One mode at mu_s = 0 and constant temperature, in ps."""
    gamma = float(METAL.scattering_rate(level))

    def rate(t, n):
        return gamma * level * ps / hbar * (bose_einstein(level, kelvin) - n)

    return solve_ivp(rate, (0, times[-1] / ps), [n], "Radau", t_eval=times / ps, rtol=1e-10, atol=1e-12).y[0]


def test_paper_KK_25_sudden_heating():
    times = np.array([0, 5, 20, 80, 320, 1280]) * fs
    levels = np.array([5, 12, 40, 86]) * meV
    closed = bose_einstein(levels, 1300.0) * -np.expm1(
        -np.multiply.outer(times, METAL.scattering_rate(levels) * levels) / hbar
    )
    run = simulate_demagnetization(ALONE, 1300.0, times, initial_occupation=0.0)
    np.testing.assert_allclose(run.occupation_at(levels), closed, rtol=0, atol=1e-8 * closed.max())
    for column, level in enumerate(levels):
        np.testing.assert_allclose(mode_by_scipy(level, 1300.0, times), closed[:, column], rtol=0, atol=1e-6)


def test_paper_KK_25_without_the_minus_sign():
    times = np.array([5, 20, 80, 320]) * fs
    for level in (12 * meV, 70 * meV):
        z = METAL.scattering_rate(level) * level * times / hbar
        right = mode_by_scipy(level, 1000.0, np.append(0.0, times))[1:]
        printed = bose_einstein(level, 1000.0) * -np.expm1(z)
        assert (printed < 0).all()
        np.testing.assert_allclose(printed / right, -np.exp(z), rtol=1e-5)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_paper_KK_25_without_the_energy_depends_on_the_unit(scale):
    """Energies times s and times over s leave n as it is; the printed exponent Gamma t/hbar goes as 1/s."""
    band = MagnonBand(scale * BAND.gap, scale * BAND.stiffness, scale * BAND.bandwidth)
    metal, times = replace(ALONE, band=band), np.array([0, 30, 200]) * fs
    one = simulate_demagnetization(ALONE, 1000.0, times, initial_occupation=0.0)
    other = simulate_demagnetization(metal, 1000.0 * scale, times / scale, initial_occupation=0.0)
    np.testing.assert_allclose(other.occupation, one.occupation, rtol=0, atol=1e-9)
    gamma, final = METAL.scattering_rate(NODES[0]), bose_einstein(NODES[0], 1000.0)
    exponents = [
        -np.log1p(-run.occupation[2] / final) / (gamma * run.time[2] / hbar) for run in (one, other)
    ]  # what stands beside Gamma t/hbar
    np.testing.assert_allclose(exponents[0], NODES[0], rtol=1e-6)
    np.testing.assert_allclose(exponents[1], scale * NODES[0], rtol=1e-6)


def test_paper_KK_25_generalised_to_any_temperature():
    convolved, times = page()["convolved"], np.array([0, 25, 50, 130, 700, 2500]) * fs
    run = simulate_demagnetization(ALONE, PULSE, times)
    for level in (5 * meV, 30 * meV, 86 * meV):
        found = run.occupation_at(level)
        np.testing.assert_allclose(found, [convolved(level, t) for t in times], rtol=1e-7, atol=1e-9)

        def rate(t, n, level=level):
            b = METAL.scattering_rate(level) * level * ps / hbar
            return b * (bose_einstein(level, PULSE(t * ps)) - n)

        start_n = bose_einstein(level, 100.0)
        path = solve_ivp(rate, (0, times[-1] / ps), [start_n], t_eval=times / ps, max_step=0.01, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found, path.y[0], rtol=1e-6)


def test_paper_KK_25_needs_a_small_accumulation():
    """The deviation is of first order in rho; with the numbers of Fig. 6 it is large after a tenth of a picosecond."""
    times = np.array([0, 100]) * fs
    free = simulate_demagnetization(ALONE, 1000.0, times, initial_occupation=0.0).magnon_density[1]
    lost = [
        1 - simulate_demagnetization(
            replace(METAL, feedback=rho * UNIT), 1000.0, times, initial_occupation=0.0
        ).magnon_density[1] / free
        for rho in (-0.01, -0.02, -6.0)
    ]  # fmt: skip
    assert lost[1] / lost[0] == pytest.approx(2, abs=0.01)
    assert lost[2] > 0.3


def test_paper_KK_statement_M16_high_states_fill_faster_because_gamma_rises():
    ends = np.array([BAND.gap, BAND.bandwidth])
    times = np.array([0.0, 0.05]) * fs
    run = simulate_demagnetization(ALONE, 1000.0, times, initial_occupation=0.0).occupation_at(ends)[1]
    phi = [quad(lambda e, x=x: fermi(e * meV, 0, 1000.0) * (1 - fermi(e * meV - x, 0, 1000.0)), -2000, 2000,
                points=(0,), limit=300)[0] for x in ends]  # fmt: skip
    assert run[1] / run[0] == pytest.approx(6 * phi[1] / phi[0], rel=1e-3, abs=0)
    assert 3.5 < run[1] / run[0] < 3.7  # no more than that
    constant = Ferromagnet(BAND, 0.01, 0.0, 0.0, 2 * ps)
    even = simulate_demagnetization(constant, 1000.0, times, initial_occupation=0.0).occupation_at(ends)[1]
    assert even[1] / even[0] == pytest.approx(phi[1] / phi[0], rel=1e-3, abs=0)
    assert even[1] / even[0] < 0.61  # the low states are faster
    lives = ends * METAL.scattering_rate(ends)
    assert lives[1] / lives[0] == pytest.approx(6 * k_B * 1000 / (5 * meV), rel=1e-12, abs=0)


# --- the pace ---------------------------------------------------------------------------------------------------------


def early_rate(metal, kelvin):
    """dn_d/dt at the start, from a run of a hundredth of a femtosecond without magnons."""
    times = np.array([0.0, 0.005, 0.01]) * fs
    run = simulate_demagnetization(metal, kelvin, times, initial_occupation=0.0)
    first, second = run.magnon_density[1:] / times[1:]
    return 2 * first - second


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_paper_KK_statement_M12_initial_rate_is_per_mode(factor):
    band = MagnonBand(BAND.gap, factor * BAND.stiffness, BAND.bandwidth)
    rates = [early_rate(replace(METAL, band=each), 2e4) for each in (BAND, band)]
    assert rates[1] / rates[0] == pytest.approx(factor**-1.5, abs=1e-6 * factor**-1.5)  # printed: 1
    printed = 0.08 * k_B * 2e4 / hbar
    assert rates[0] / printed == pytest.approx(N_B, rel=0.02, abs=0)
    corrected = printed * N_B * (1 - 4.852937 * meV / (2 * 0.08 * k_B * 2e4))
    assert rates[0] == pytest.approx(corrected, rel=3e-4, abs=0)


def test_paper_KK_statement_M13_classical_law_is_too_large_at_the_curie_temperature():
    def mean(kelvin):
        emitted = by_quad(lambda e: METAL.scattering_rate(e) * e * bose_einstein(e, kelvin))
        return emitted / (N_B * k_B * kelvin)

    excess = 0.08 / mean(1000.0) - 1
    assert 0.40 < excess < 0.45
    assert early_rate(METAL, 1000.0) == pytest.approx(N_B * k_B * 1000 / hbar * mean(1000.0), rel=1e-5, abs=0)
    assert 0.08 / mean(1e5) - 1 == pytest.approx(0, abs=0.005)
    # The first correction is half of the mean of Gamma epsilon, the second its mean square over twelve.
    work = by_quad(lambda e: METAL.scattering_rate(e) * e) / N_B
    square = by_quad(lambda e: METAL.scattering_rate(e) * e**2) / N_B
    theta = k_B * 1e4
    expansion = 0.08 - work / (2 * theta) + square / (12 * theta**2)
    assert mean(1e4) == pytest.approx(expansion, abs=1e-7)
    assert work == pytest.approx(4.852937 * meV, rel=1e-6, abs=0)


@pytest.mark.parametrize("kelvin", [1000.0, 2500.0])
def test_paper_KK_statement_M14_time_scale_is_a_hundred_femtoseconds(kelvin):
    tau_i = hbar / (0.1 * k_B * kelvin)
    in_print, tenfold = 10 * fs * 1000 / kelvin, 100 * fs * 1000 / kelvin
    assert tau_i / in_print == pytest.approx(7.638, abs=1e-3)
    assert tau_i / tenfold == pytest.approx(0.7638, abs=1e-4)
    # A band so low that it is classical, without Gilbert damping: three fifths of N_b in this time, at first.
    low = MagnonBand(0.005 * meV, BAND.stiffness, 0.1 * meV)
    metal = Ferromagnet(low, 0.0, 0.1, 0.0, 2 * ps)
    assert early_rate(metal, kelvin) == pytest.approx(0.6 * low.mode_density / tau_i, rel=2e-3, abs=0)


def test_paper_KK_statement_M15_equations_that_the_caption_cites():
    """The paper has 26 equations; the curves of Fig. 6 solve those with numbers lower by nine."""
    ledger = yaml.safe_load((ROOT / "book" / "ledger" / "KK.yml").read_text(encoding="utf-8"))
    subjects = {row["number"]: row["subject"] for row in ledger["equations"]}
    assert max(subjects) == 26
    for number, what in {32: "spin accumulation", 33: "magnon distribution"}.items():
        assert number not in subjects
        assert what in subjects[number - 9]
    times = np.linspace(0, 0.3, 7) * ps
    run = simulate_demagnetization(METAL, PULSE, times)
    other = radau(METAL, PULSE, times, start(METAL, 32, 100.0))
    np.testing.assert_allclose(run.spin_accumulation, other.spin_accumulation, rtol=0, atol=1e-7 * meV)


# --- Figure 6 ---------------------------------------------------------------------------------------------------------

# mu_s minimum [meV] at [ps], zero [ps], mu_s maximum [meV] at [ps], n_d maximum [1/nm^3] at [ps]
EXTREMA = {
    0.15: (-37.07, 0.1094, 0.7766, 2.150, 1.543, 7.254, 0.1133),
    0.5: (-44.97, 0.1501, 1.363, 4.137, 2.560, 8.753, 0.1652),
    2.0: (-50.46, 0.2033, 3.291, 6.134, 6.237, 10.05, 0.3172),
}


@pytest.mark.parametrize("decay", EXTREMA)
def test_paper_KK_figure_6_c_d_extrema_by_radau(decay):
    times, found = reference(decay, 0.5)
    t, mu, n_d = times / ps, found.spin_accumulation / meV, found.magnon_density * nm**3

    def top(values):
        """Largest, by a polynomial of degree four through five records."""
        i = int(np.argmax(values))
        near = slice(i - 2, i + 3)
        curve = np.polynomial.Polynomial.fit(t[near], values[near], 4)
        inside = np.linspace(t[i - 1], t[i + 1], 4001)
        k = int(np.argmax(curve(inside)))
        return curve(inside[k]), inside[k]

    i = int(np.flatnonzero((mu[1:-1] < 0) & (mu[2:] >= 0))[0]) + 1
    cross = t[i] - mu[i] * (t[i + 1] - t[i]) / (mu[i + 1] - mu[i])
    low, high, most = top(-mu), top(mu), top(n_d)
    np.testing.assert_allclose((-low[0], low[1], cross, *high, *most), EXTREMA[decay], rtol=6e-4)
    grid = np.linspace(0, 12, 6001) * ps
    run = simulate_demagnetization(METAL, replace(PULSE, decay_time=decay * ps), grid)
    np.testing.assert_allclose(page()["features"](run), EXTREMA[decay], rtol=6e-4)
    mine = simulate_demagnetization(METAL, replace(PULSE, decay_time=decay * ps), times)
    np.testing.assert_allclose(mine.spin_accumulation / meV, mu, rtol=0, atol=1e-6)
    np.testing.assert_allclose(mine.magnon_density * nm**3, n_d, rtol=0, atol=1e-6)


def test_paper_KK_figure_6_c_d_order_by_decay_time():
    runs = [reference(decay)[1] for decay in EXTREMA]
    lowest = [run.spin_accumulation.min() for run in runs]
    largest = [run.magnon_density.max() for run in runs]
    assert lowest == sorted(lowest, reverse=True)
    assert largest == sorted(largest)
    for run in runs:
        i = int(np.argmax(run.magnon_density))
        assert (run.spin_accumulation[1 : i + 1] < 0).all()  # while magnetisation is lost
        assert run.spin_accumulation.max() > 2 * meV  # on recovery
    times, run = reference()
    steepest = times[np.argmax(np.gradient(run.magnon_density, times))]
    assert steepest == pytest.approx(50 * fs, abs=2 * fs)  # the end of the rise


def test_paper_KK_figure_6_a_pairs_are_depleted():
    times, run = reference()
    shown = np.searchsorted(times, np.array([0, 25, 50, 100, 200]) * fs - 0.1 * fs)
    pairs = 1 / np.expm1((BAND.gap - run.spin_accumulation[shown]) / (k_B * PULSE(times[shown])))
    np.testing.assert_allclose(pairs, [1.272, 4.681, 3.036, 1.304, 1.010], rtol=6e-4)
    assert PULSE(times[shown[-1]]) > PULSE(times[shown[1]])  # hotter, and fewer pairs
    inside = times[run.spin_accumulation >= BAND.gap] / ps  # left out
    np.testing.assert_allclose([inside[0], inside[-1]], [4.676, 9.072], rtol=0, atol=0.021)


def test_paper_KK_figure_6_b_high_states_fill_and_low_states_stay():
    times, run = reference()
    shown = np.searchsorted(times, np.array([0, 25, 50, 100, 200]) * fs - 0.1 * fs)
    low, high = np.array([through_nodes(run.occupation[i])(np.array([BAND.gap, BAND.bandwidth])) for i in shown]).T
    np.testing.assert_allclose(low, [1.272, 1.285, 1.314, 1.338, 1.301], rtol=6e-4)
    np.testing.assert_allclose(high[1:], [0.02237, 0.1270, 0.2513, 0.2359], rtol=6e-4)
    assert np.ptp(low) < 0.06 * low[0] < 0.4 * high[3] < 4000 * high[0]


def test_paper_KK_figure_6_depends_little_on_the_rise():
    grid = np.linspace(0, 12, 6001) * ps
    features, base = page()["features"], np.array(EXTREMA[2.0])[[0, 3, 5]]
    smooth = simulate_demagnetization(METAL, replace(PULSE, shape="sin2"), grid)
    np.testing.assert_allclose(features(smooth)[[0, 3, 5]], base, rtol=1e-3)
    endless = simulate_demagnetization(METAL, page()["two_rates"], grid)
    change = features(endless)[[0, 3, 5]] / base - 1
    assert (change > 0.02).all()
    assert (change < 0.05).all()
    heat = page()["two_rates"](np.linspace(0, 0.5, 5001) * ps)
    assert heat.max() == pytest.approx(1000, abs=1e-3)
    assert heat[0] == pytest.approx(100, abs=1e-9)
    assert simulate_demagnetization(METAL, PULSE, [0, 1e-13], initial_occupation=0.0).magnon_density[0] == 0


def test_paper_KK_figure_6_spin_density_of_saturation_is_a_unit():
    times = np.linspace(0, 1, 5) * ps
    plain = simulate_demagnetization(METAL, PULSE, times)
    scaled = simulate_demagnetization(replace(METAL, saturation_spin_density=3 * N_B), PULSE, times)
    np.testing.assert_array_equal(scaled.magnon_density, plain.magnon_density)


# --- the second method ------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.floats(-3, 1), st.floats(50, 3000), st.floats(-200, 0), st.floats(-2, 2), st.floats(-80, 80), st.floats(0, 5))
def test_invariant_page_step_is_positive_and_conserves_spin(log_step, kelvin, rho, log_tau, mu, level):
    h, tau = 10**log_step * ps, 10**log_tau * ps
    metal = replace(METAL, feedback=rho * UNIT, spin_relaxation_time=tau)
    n = level * bose_einstein(NODES[0], 300.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # guesses of the secant method
        new, mu_new, middle = page()["step"](n, mu * meV, h, kelvin, metal, *NODES)
    assert (new >= 0).all()
    lost = NODES[1] @ (new - n)
    balance = mu_new - mu * meV - rho * UNIT * lost + h * middle / tau
    scale = abs(mu_new) + abs(mu * meV) + abs(rho * UNIT * lost) + abs(h * middle / tau)
    assert abs(balance) <= 1e-13 * scale + 1e-300
    if log_step < -1:  # the equation is solved; for far longer steps the secant method may end at its last guess
        assert middle == pytest.approx((mu_new + mu * meV) / 2, rel=1e-6, abs=1e-6 * meV)


def test_limit_page_method_is_of_second_order_and_that_of_the_routes():
    march, ends = page()["march"], []
    for h in (10.0, 5.0, 2.5):
        steps = h * fs * np.arange(round(150 / h) + 1)
        (mu, n_d), _, gone = march(steps)
        other = midpoint(METAL, PULSE, steps, start(METAL, 20, 100.0))
        np.testing.assert_allclose(mu, other.spin_accumulation, rtol=0, atol=1e-7 * meV)
        np.testing.assert_allclose(n_d, other.magnon_density, rtol=1e-8)
        assert gone == pytest.approx(other.integral[-1], rel=1e-8, abs=0)
        ends.append((mu[-1], n_d[-1]))
    run = simulate_demagnetization(METAL, PULSE, [0, 150 * fs])
    errors = np.abs(np.array(ends) / [run.spin_accumulation[1], run.magnon_density[1]] - 1)
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2, rtol=0, atol=0.1)


def test_limit_clamped_accumulation_is_wrong_by_a_tenth():
    """Radau with min(mu_s, gap) in the rates of (24), and in the equation of motion itself."""
    modes, hot = Modes.of(METAL, 20), np.linspace(0, 8, 161)

    def rate(t, y, clamp):
        mu = min(y[-1], 5 * (1 - 1e-6)) if clamp else y[-1]
        x, kT = modes.energy - mu, k_B * float(PULSE(t * ps)) / meV
        change = modes.gamma * meV * ps / hbar * (kT * (x / kT) / np.expm1(x / kT) - x * y[:-1])
        return np.append(change, -y[-1] / 2 - 6 * modes.weight @ change)

    begin = np.append(start(METAL, 20, 100.0), 0.0)
    found = [
        solve_ivp(rate, (0, 8), begin, "LSODA", hot, args=(clamp,), max_step=0.02, rtol=1e-8, atol=1e-10).y[:-1]
        for clamp in (False, True)
    ]
    free, clamped = (modes.weight @ each for each in found)
    run = simulate_demagnetization(METAL, PULSE, hot * ps)
    np.testing.assert_allclose(free, run.magnon_density * nm**3, rtol=1e-5)
    wrong = clamped / free - 1
    assert 0.085 < np.abs(wrong).max() < 0.105
    steps = np.unique([*np.arange(0, 100, 10), *np.arange(100, 8001, 25)]) * fs
    by_page = page()["march"](steps, highest=BAND.gap * (1 - 1e-6))[0][1][-1] * nm**3
    assert by_page == pytest.approx(clamped[-1], rel=0.01, abs=0)
    assert (wrong[hot < 4.6] > -1e-4).all()  # as long as mu_s is below the gap


def test_limit_nodes_of_the_band_converge_exponentially():
    times = np.linspace(0, 12, 121) * ps
    best = simulate_demagnetization(METAL, PULSE, times, points=48, rtol=1e-11)
    errors = {}
    for points in (8, 12, 16, 20, 24):
        run = simulate_demagnetization(METAL, PULSE, times, points=points, rtol=1e-11)
        errors[points] = max(
            np.abs(a - b).max() / np.abs(b).max()
            for a, b in (
                (run.spin_accumulation, best.spin_accumulation),
                (run.magnon_density, best.magnon_density),
            )
        )
    assert errors[8] < 1e-3
    assert 1e-8 < errors[16] < 1e-7
    assert errors[20] < 1.5e-9
    assert errors[24] < 1e-11
    early = simulate_demagnetization(METAL, PULSE, times, points=16, rtol=1e-11).spin_accumulation
    early = np.abs(early - best.spin_accumulation)[times < 5.01 * ps].max() / np.abs(best.spin_accumulation).max()
    assert 1e-11 < early < 1e-9
    ratios = [errors[a] / errors[a + 4] for a in (8, 12, 16)]
    assert min(ratios) > 30
    independent = radau(METAL, PULSE, times[:11], start(METAL, 40, 100.0))
    np.testing.assert_allclose(best.spin_accumulation[:11], independent.spin_accumulation, rtol=0, atol=1e-8 * meV)


def test_limit_sixteen_nodes_give_densities_and_currents_of_thermal_magnons():
    """Against SciPy, 1e-9 of each; the smallest temperature is the hardest."""
    energy, weight = BAND.quadrature(16)
    for kelvin in (100.0, 300.0, 1000.0):
        exact = by_quad(lambda e, kelvin=kelvin: bose_einstein(e, kelvin))
        assert weight @ bose_einstein(energy, kelvin) == pytest.approx(exact, rel=1e-9, abs=0)

    def flow(level):
        cold = bose_einstein(level, 100.0)
        return METAL.scattering_rate(level) * (level + 40 * meV) * (bose_einstein(level, 1000.0, -40 * meV) - cold)

    assert weight @ flow(energy) == pytest.approx(by_quad(flow), rel=1e-9, abs=0)


# --- the printed signs ------------------------------------------------------------------------------------------------


def test_paper_KK_statement_M1_feedback_as_printed_runs_away():
    """With rho = +6 mu_s passes the gap, n_d the number of modes, and then comes a pole; Radau follows nearly to it."""
    times = np.linspace(0, 0.16, 1601) * ps
    wrong = replace(METAL, feedback=6 * UNIT)
    run = simulate_demagnetization(wrong, PULSE, times, allow_runaway=True)
    assert run.runaway_time == pytest.approx(0.1522 * ps, abs=0.0002 * ps)
    gap_at = run.time[np.argmax(run.spin_accumulation > BAND.gap)]
    full_at = run.time[np.argmax(run.magnon_density > N_B)]
    assert gap_at < 50 * fs < full_at < run.runaway_time  # within the rise, and on the way
    before = times[times < 0.148 * ps]
    other = radau(wrong, PULSE, before, start(METAL, 32, 100.0), rtol=1e-10)
    np.testing.assert_allclose(
        run.spin_accumulation[: len(before)], other.spin_accumulation, rtol=1e-6, atol=1e-8 * meV
    )
    inverse = 1 / other.spin_accumulation[-40:]  # a pole: 1/mu_s is nearly straight, of slope Gamma/hbar
    slope, offset = np.polyfit(before[-40:], inverse, 1)
    assert -offset / slope == pytest.approx(run.runaway_time, abs=1 * fs)
    assert 0.08 < -hbar * slope < 0.12
    with pytest.raises(ValueError, match="feedback"):
        simulate_demagnetization(wrong, PULSE, times)


def test_paper_KK_statement_M1_both_signs_of_the_accumulation():
    """mu_s counted the other way has rho = +6 and epsilon + mu_s in (22) to (24): the same magnons."""
    sampled = np.array([0, 50, 200, 1000]) * fs
    other = page()["by_scipy"](METAL.scattering_rate(NODES[0]), 6.0, sampled, count=-1)
    run = simulate_demagnetization(METAL, PULSE, sampled)
    np.testing.assert_allclose(-other[-1], run.spin_accumulation / meV, rtol=0, atol=1e-5)
    np.testing.assert_allclose(other[:-1].T, run.occupation, rtol=0, atol=1e-7)


@pytest.mark.parametrize("kelvin", [80.0, 300.0, 1000.0])
def test_limit_stability_without_relaxation_is_rho_chi_below_one(kelvin):
    fastest = page()["fastest"]
    chi = magnon_susceptibility(BAND, kelvin) * UNIT  # of one meV nm^3
    assert fastest(kelvin, 0.99 / chi, np.inf) < 1e-9
    assert fastest(kelvin, 1.01 / chi, np.inf) > 1e-4
    # Not needed with relaxation: stable beyond, and unstable farther on.
    assert fastest(kelvin, 1.5 / chi, 2 * ps) < 0
    assert fastest(kelvin, 4 / chi, 2 * ps) > 0


@settings(max_examples=30, deadline=None)
@given(st.floats(40, 3000), st.floats(0.01, 0.99), st.floats(-3, 2))
def test_invariant_stable_whatever_the_relaxation_if_rho_chi_is_below_one(kelvin, share, log_tau):
    rho = share / (magnon_susceptibility(BAND, kelvin) * UNIT)
    assert page()["fastest"](kelvin, rho, 10**log_tau * ps) < 0


@pytest.mark.parametrize(("factor", "stable"), [(1.5, True), (4.0, False)])
def test_limit_stability_with_relaxation_in_the_motion_itself(factor, stable):
    """A small accumulation at 300 K, with tau_s = 2 ps and rho chi_m above one: it dies out, or grows."""
    rho = factor / magnon_susceptibility(BAND, 300.0)
    metal = replace(METAL, feedback=rho)
    times = np.linspace(0, 40 if stable else 3, 401) * ps
    run = simulate_demagnetization(
        metal, 300.0, times, initial_spin_accumulation=1e-6 * meV, allow_runaway=True, rtol=1e-10
    )
    size = np.abs(run.spin_accumulation) / (1e-6 * meV)
    if stable:
        assert size[-1] < 1e-2
    else:
        growth = np.log(size[-1] / size[-51]) / (run.time[-1] - run.time[-51])
        assert growth * ps == pytest.approx(page()["fastest"](300.0, rho / UNIT, 2 * ps), rel=1e-2, abs=0)


def test_limit_instability_with_relaxation_begins_as_an_oscillation():
    """At 182.305 K, rho = +6 and tau_s = 2 ps, rho chi_m is 1.9925: neither growth nor decay, 0.7001/ps."""
    assert 6 * UNIT * magnon_susceptibility(BAND, 182.305) == pytest.approx(1.9925, abs=1e-4)
    times = np.linspace(0, 60, 1201) * ps
    run = simulate_demagnetization(
        replace(METAL, feedback=6 * UNIT), 182.305, times, initial_spin_accumulation=1e-6 * meV, allow_runaway=True,
        rtol=1e-10,
    )  # fmt: skip
    mu = run.spin_accumulation
    before = np.flatnonzero(mu[:-1] * mu[1:] < 0)
    before = before[times[before] > 20 * ps]
    zeros = times[before] - mu[before] * np.diff(times)[before] / np.diff(mu)[before]
    np.testing.assert_allclose(np.diff(zeros) / ps, np.pi / 0.7001, rtol=1e-3)
    swings = [np.abs(mu[a:b]).max() for a, b in pairwise(before)]
    assert len(swings) >= 7
    np.testing.assert_allclose(swings, swings[0], rtol=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 20), st.floats(0.05, 10), st.floats(0.1, 8))
def test_limit_stability_of_one_mode(b, tau, excess):
    """lambda^2 + [b(1 - rho chi) + 1/tau] lambda + b/tau = 0."""
    matrix = np.array([[-b, b], [-excess * b, excess * b - 1 / tau]])
    values = np.linalg.eigvals(matrix)
    trace, product = excess * b - b - 1 / tau, b / tau
    assert values.sum().real == pytest.approx(trace, abs=1e-9 * (1 + abs(trace)))
    assert values.prod().real == pytest.approx(product, rel=1e-9, abs=0)
    if abs(excess - 1 - 1 / (b * tau)) > 1e-6:
        assert (values.real.max() > 0) == (excess > 1 + 1 / (b * tau))


# --- a free energy ----------------------------------------------------------------------------------------------------


def free_energy(run, kelvin, feedback):
    n = run.occupation
    entropy = (1 + n) * np.log1p(n) - n * np.log(np.where(n > 0, n, 1.0))
    return (run.energy * n - k_B * kelvin * entropy) @ run.weight - run.spin_accumulation**2 / (2 * feedback)


@settings(max_examples=30, deadline=None)
@given(
    st.floats(60, 3000), st.floats(-60, -0.05), st.floats(-2, 2), st.floats(-60, 60),
    st.floats(0.01, 3), st.floats(0, 3), st.floats(0, 0.5),
)  # fmt: skip
def test_invariant_free_energy_never_rises(kelvin, rho, log_tau, mu, a, b, alpha):
    """From any occupation and accumulation, at constant temperature."""
    metal = Ferromagnet(BAND, alpha, 0.2, rho * UNIT, 10**log_tau * ps)
    q = np.sqrt((NODES[0] - BAND.gap) / BAND.width)
    times = np.concatenate([[0.0], np.geomspace(1e-4, 20, 60)]) * ps
    run = simulate_demagnetization(
        metal, kelvin, times, initial_occupation=a + b * np.cos(5 * q) ** 2, initial_spin_accumulation=mu * meV
    )
    F = free_energy(run, kelvin, rho * UNIT)
    assert (np.diff(F) <= 1e-9 * np.ptp(F)).all()
    assert (run.occupation >= 0).all()
    np.testing.assert_allclose(
        page()["free_energy"](run.occupation, run.spin_accumulation, rho * UNIT)
        - (run.energy * run.occupation) @ run.weight,
        (free_energy(run, 1000.0, rho * UNIT) - (run.energy * run.occupation) @ run.weight),
        rtol=1e-9,
    )


def test_limit_free_energy_rises_with_the_printed_sign():
    wrong = replace(METAL, feedback=6 * UNIT)
    times = np.linspace(0, 2, 41) * ps
    start_mu = 1 * meV
    run = simulate_demagnetization(
        wrong, 100.0, times, initial_spin_accumulation=start_mu, allow_runaway=True
    )  # stable at this temperature
    F = free_energy(run, 100.0, 6 * UNIT)
    assert np.diff(F).max() > 1e-3 * np.ptp(F)


def test_limit_states_of_rest():
    watch = np.array([0.0, 5000.0]) * ps
    n_start = magnon_density(BAND, 100.0)
    for rho in (-0.5, -6.0, -40.0):
        metal = replace(METAL, feedback=rho * UNIT, spin_relaxation_time=np.inf)
        run = simulate_demagnetization(metal, 1000.0, watch, initial_temperature=100.0)

        def off(mu, rho=rho):
            return mu - rho * UNIT * (magnon_density(BAND, 1000.0, mu) - n_start)

        low, high = -400 * meV, 0.0
        for _ in range(200):  # bisection
            middle = (low + high) / 2
            low, high = (low, middle) if off(middle) > 0 else (middle, high)
        assert run.spin_accumulation[-1] == pytest.approx(low, rel=1e-8, abs=0)
        np.testing.assert_allclose(run.occupation[-1], bose_einstein(NODES[0], 1000.0, low), rtol=1e-7)
        finite = simulate_demagnetization(
            replace(metal, spin_relaxation_time=2 * ps), 1000.0, watch, initial_temperature=100.0
        )
        assert abs(finite.spin_accumulation[-1]) < 1e-7 * meV
        np.testing.assert_allclose(finite.occupation[-1], bose_einstein(NODES[0], 1000.0), rtol=1e-7)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_invariant_scaling_of_all_energies(scale):
    band = MagnonBand(scale * BAND.gap, scale * BAND.stiffness, scale * BAND.bandwidth)
    metal = replace(METAL, band=band, feedback=scale * METAL.feedback, spin_relaxation_time=2 * ps / scale)
    pulse = TemperaturePulse(100 * scale, 1000 * scale, 50 * fs / scale, 2 * ps / scale)
    times = np.linspace(0, 3, 31) * ps
    one = simulate_demagnetization(METAL, PULSE, times)
    other = simulate_demagnetization(metal, pulse, times / scale)
    np.testing.assert_allclose(other.magnon_density, one.magnon_density, rtol=1e-7)
    np.testing.assert_allclose(
        other.spin_accumulation, scale * one.spin_accumulation, rtol=0, atol=1e-7 * BAND.bandwidth
    )


# --- what limits the loss ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rho", "tau", "largest"),
    [
        (0.0, 2.0, 25.19), (-6.0, 0.01, 24.66), (-6.0, 0.1, 20.48), (-6.0, 0.5, 13.29), (-6.0, 10.0, 9.770),
        (-1.0, 2.0, 18.27), (-20.0, 2.0, 5.704), (-75.0, 2.0, 2.922),
    ],
)  # fmt: skip
def test_limit_largest_density_by_radau(rho, tau, largest):
    metal = replace(METAL, feedback=rho * UNIT, spin_relaxation_time=tau * ps)
    times = np.linspace(0, 1.5, 301) * ps
    other = radau(metal, PULSE, times, start(METAL, 24, 100.0), rtol=1e-8)
    assert other.magnon_density.max() * nm**3 == pytest.approx(largest, rel=6e-4, abs=0)
    run = simulate_demagnetization(metal, PULSE, times)
    np.testing.assert_allclose(run.magnon_density, other.magnon_density, rtol=1e-5)


@pytest.mark.parametrize("rho", [-1.0, -75.0])
def test_limit_share_of_the_electrons_is_a_memory_of_the_relaxation_time(rho):
    """mu_s/rho follows n_d with exp(-t/tau_s), by the records of n_d alone."""
    times = np.linspace(0, 0.3, 601) * ps
    metal = replace(METAL, feedback=rho * UNIT, spin_relaxation_time=0.2 * ps)
    run = simulate_demagnetization(metal, PULSE, times)
    lost = run.magnon_density - run.magnon_density[0]
    past = simpson(lost * np.exp(-(times[-1] - times) / (0.2 * ps)), x=times) / (0.2 * ps)
    assert run.spin_accumulation[-1] / (rho * UNIT) == pytest.approx(lost[-1] - past, rel=1e-5, abs=0)
