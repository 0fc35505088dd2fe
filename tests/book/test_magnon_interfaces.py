"""Magnons at an interface, KK (26) and KK Fig. 7, against routes that do not use the formulas.

The routes: sums over electrons of N, spins of a chain that is damped at one end, spin pumping, modes that relax one by
one, finite volumes in time, two baths in balance, and the second law.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import eigvalsh_tridiagonal
from scipy.special import zeta

from spinlib.circuit import InterfaceConductance, interface_current
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.magnons.interface import MagnonInterface, NormalMetal, simulate_bilayer, spin_seebeck_coefficient
from spinlib.magnons.kinetics import Ferromagnet, occupation_rate, simulate_demagnetization, spin_transfer_current
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.pumping import pumping_damping
from spinlib.units import e, e2_over_h, gyromagnetic_ratio, hbar, k_B, meV, nm, ps
from tests.book.chapter_code import defined
from tests.book.ledger_copy import entries
from tests.spinlib.magnon_routes import bilayer_volumes, start
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "magnon_interfaces.md"
VOLUME = meV * nm**3
BAND = MagnonBand(5 * meV, 0.6 * meV * nm**2, 1000 * k_B)
MAGNET = Ferromagnet(BAND, 0.01, 0.1, -6 * VOLUME, 2 * ps)
G, SPINS = 20 / nm**2, 43 / nm**3
SURFACE = MagnonInterface(G * e2_over_h, SPINS)
SINK = NormalMetal(200 * nm**2 / ps, 0.02 * ps, 2 / 27 / VOLUME, 20 * nm)
SWALLOW = replace(SINK, density_of_states=1e9 * SINK.density_of_states)
PULSE = TemperaturePulse(100.0, 1000.0, 0.05 * ps, 2 * ps)
SILENT = replace(MAGNET, alpha=0.0, ultrafast_damping=0.0, spin_relaxation_time=np.inf)
HEATED = {"F": (PULSE, 100.0), "N": (100.0, PULSE), "both": (PULSE, PULSE)}


@cache
def chapter():
    """Functions and imports of the page, with the numbers that they use."""
    space = {"band": BAND, "magnet": MAGNET, "surface": SURFACE, "sink": SINK, "mixing": G * e2_over_h, "cold": 100.0}
    space |= {"hop": 2e3 * meV, "fermi_level": 0.7e3 * meV, "S_0": 1.0, "heated": HEATED, "pulse": PULSE}
    space |= {"times": np.linspace(0, 1, 101) * ps, "wide": 0.55 / 300, "stretch": 4.4}
    return defined(PAGE, space)


def chain(count, alpha, gap=0.1):
    """Complex frequencies of ``count`` spins with exchange 1, the first of which is damped, by rising real part."""
    laplacian = np.diag(np.r_[1, 2 * np.ones(count - 2), 1]) - np.eye(count, k=1) - np.eye(count, k=-1)
    weights = np.ones(count, dtype=complex)
    weights[0] += 1j * alpha
    frequency = np.linalg.eigvals((laplacian + gap * np.eye(count)) / weights[:, None])
    return frequency[np.argsort(frequency.real)]


# --- KK (26) ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mu", "T"), [(0.0, 300.0), (-40.0, 600.0), (30.0, 500.0)])
def test_paper_KK_26_counts_flips_of_electrons_of_the_metal(mu, T):
    """All electrons of N with a constant density of states, for magnons far from thermal; 30 meV lies in the band."""
    kelvin, shift = k_B * T / meV, mu / 2

    def n(energy):  # in meV
        return 0.4 + 0.3 * np.sin(energy / 7.0)

    def flips(E, energy):
        up, down = (1 / (1 + np.exp((at - sign * shift) / kelvin)) for at, sign in ((E, 1), (E - energy, -1)))
        return (1 + n(energy)) * up * (1 - down) - n(energy) * down * (1 - up)

    node, share = BAND.quadrature(40)
    x, w = np.polynomial.legendre.leggauss(400)
    reach = 40 * kelvin + 100
    pairs = np.array([reach * (w @ flips(reach * x, energy)) for energy in node / meV]) * meV
    by_flips = share @ (G / (np.pi * SPINS) * pairs)
    law = spin_transfer_current(BAND, SURFACE.scattering_rate, lambda E: n(E / meV), T, mu * meV)
    assert law == pytest.approx(by_flips, abs=1e-9 * abs(by_flips))


def test_paper_KK_26_fills_a_film_mode_by_mode():
    """F emits nothing and N swallows everything: each mode goes to n_BE(T_N) with the rate Gamma_i epsilon/hbar d_F."""
    d, times = 3 * nm, np.linspace(0, 2, 9) * ps
    run = simulate_bilayer(SILENT, SURFACE, SWALLOW, d, 100.0, 700.0, times)
    rate = G / (np.pi * SPINS) * run.energy / (hbar * d)
    last, first = bose_einstein(run.energy, 700.0), bose_einstein(run.energy, 100.0)
    wanted = last + (first - last) * np.exp(-rate * times[:, None])
    np.testing.assert_allclose(run.occupation, wanted, rtol=1e-6)


@pytest.mark.parametrize("J", [5, 300, 2000])
def test_limit_mixing_conductance_by_the_levels_of_a_long_chain(J):
    """The levels of a closed chain of N, with the exchange field at one end, give the phase of its reflection."""
    page, sites = chapter(), 400
    phases = []
    for sign in (1, -1):
        diagonal = np.zeros(sites)
        diagonal[0] = sign * J * meV / 2 / page["hop"]
        levels = eigvalsh_tridiagonal(diagonal, np.ones(sites - 1))[::-1]
        k = np.arccos(levels / 2)
        shift = np.arange(1, sites + 1) * np.pi - k * (sites + 1)
        phases.append(2 * np.interp(np.arccos(page["fermi_level"] / (2 * page["hop"])), k, shift))
    wanted = 1 - np.cos(phases[0] - phases[1])
    assert page["mixing_of_chain"](J * meV) == pytest.approx(wanted, abs=1e-4 * wanted)


def test_limit_golden_rule_of_the_page_and_the_law_in_terms_of_the_mixing_conductance():
    page = chapter()
    gamma = page["mixing_of_chain"](2 * meV) / (2 * np.pi)
    for energy, mu in ((30 * meV, 10 * meV), (10 * meV, 40 * meV)):
        counted = page["golden_rule"](2 * meV, energy, mu, 200.0)
        law = hbar * occupation_rate(gamma, energy, 0.3, 200.0, mu)
        assert counted / law == pytest.approx(1, abs=2e-3)
        twice = page["golden_rule"](4 * meV, energy, mu, 200.0)
        assert twice / counted == pytest.approx(4, abs=1e-9)


# --- statements -------------------------------------------------------------------------------------------------------


def test_paper_KK_statement_M30_printed_length_is_twice_that_of_the_uniform_mode():
    """Energy of the uniform mode against spin pumping, and of a chain, where neither knows Gamma_i."""
    d = 7 * nm
    added = pumping_damping(G * e2_over_h, magnetic_moment=SPINS * gyromagnetic_ratio * hbar * d)
    printed = G / (np.pi * SPINS)
    assert printed / d / (2 * added) == pytest.approx(2, abs=1e-6)
    right = replace(SURFACE, mode_factor=1.0).scattering_rate(BAND.gap)
    assert right / d == pytest.approx(2 * added, abs=1e-9)
    for count in (5, 60, 200):
        frequency = chain(count, 1e-4)
        # n_d decays with 2 |Im w|: Gamma = 2 alpha/N of a damping alpha that all spins share.
        shared = -frequency.imag / frequency.real * count / 1e-4
        assert shared[0] == pytest.approx(1, abs=1e-3)
        waves = 2 * np.cos(np.pi * np.arange(1, count) / (2 * count)) ** 2
        np.testing.assert_allclose(shared[1:], waves, rtol=0, atol=1e-3)
    np.testing.assert_allclose(shared[[1, 2, 5]], [1.9999, 1.9995, 1.997], rtol=0, atol=2e-4)


def test_paper_KK_statement_M30_mean_over_all_modes_is_half_of_the_printed_length():
    """All modes together have one share in each layer, so the mean of eta is 1 whatever they look like."""
    for count, gap in ((6, 0.3), (40, 0.02)):
        eta = -count * chain(count, 1e-4, gap).imag / (1e-4 * chain(count, 1e-4, gap).real)
        assert eta.mean() == pytest.approx(1, abs=1e-6)
    # On a simple cubic lattice, by the modes of a film of many layers and a plane of wave vectors.
    angle = (np.arange(40) + 0.5) / 40 * np.pi
    kx, ky, kz = np.meshgrid(angle, angle, angle, indexing="ij")
    assert np.mean(2 * np.cos(kz / 2) ** 2) == pytest.approx(1, abs=1e-9)
    q = np.sqrt(kx**2 + ky**2 + kz**2)
    shell = np.abs(q - 1.5) < 0.05
    at = BAND.gap + BAND.stiffness * (1.5 * BAND.mode_density ** (1 / 3)) ** 2
    assert np.mean(2 * np.cos(kz[shell] / 2) ** 2) == pytest.approx(chapter()["lattice_factor"](at), abs=5e-3)


def test_paper_KK_statement_M31_seebeck_coefficient_is_a_derivative_by_temperature():
    """In a steady state between different temperatures the printed derivative is 0, the heat of Peltier is not."""
    insulator = Ferromagnet(BAND, 0.0, 0.0, 0.0, np.inf)
    times = np.array([0, 20, 30]) * ps
    run = simulate_bilayer(insulator, SURFACE, SINK, 1.0, 300.0, 300.5, times)
    currents = [
        spin_transfer_current(BAND, SURFACE.scattering_rate, n, 300.5, mu, points=len(n))
        for n, mu in zip(run.occupation, run.interface_spin_accumulation, strict=True)
    ]
    assert abs(currents[2] - currents[1]) < 1e-6 * currents[1]  # by time
    seebeck = spin_seebeck_coefficient(BAND, SURFACE, 300.0)
    at_once = spin_transfer_current(BAND, SURFACE.scattering_rate, run.occupation[0], 300.5, 0.0, points=24)
    assert at_once == pytest.approx(0.5 * seebeck, abs=2e-3 * at_once)

    def heat(mu):
        rate = lambda E: SURFACE.scattering_rate(E) * E / meV  # noqa: E731
        return meV * spin_transfer_current(BAND, rate, lambda E: bose_einstein(E, 300.0), 300.0, mu, points=64)

    peltier = (heat(1e-3 * meV) - heat(-1e-3 * meV)) / (2e-3 * meV)
    assert peltier == pytest.approx(300 * seebeck, abs=1e-6 * peltier)


def test_paper_KK_statement_M32_thickness_of_equal_rates_shrinks():
    """By 2 for all modes together and by 3 at the upper edge; if the trend went on it would not."""
    added = [
        pumping_damping(G * e2_over_h, magnetic_moment=SPINS * gyromagnetic_ratio * hbar * d) for d in (nm, 2 * nm)
    ]
    resonance = nm * added[0] / MAGNET.alpha
    assert added[1] * 2 == pytest.approx(added[0], abs=1e-12)
    hot = [spin_transfer_current(BAND, s, 0.0, 1e7, 0.0) for s in (SURFACE.scattering_rate, MAGNET.scattering_rate)]
    assert resonance / (hot[0] / hot[1]) == pytest.approx(2, abs=2e-3)
    top = [
        occupation_rate(s(BAND.bandwidth), BAND.bandwidth, 0.0, 1e7, 0.0)
        for s in (SURFACE.scattering_rate, MAGNET.scattering_rate)
    ]
    assert resonance / (top[0] / top[1]) == pytest.approx(3, abs=1e-6)


def test_paper_KK_statement_M32_the_sink_decides_in_time():
    """Both sides heated: beside a fast sink N gives more than F at 5 nm, beside a slow one less at 2 nm."""
    page, times = chapter(), np.r_[0, np.geomspace(0.01, 3, 60)] * ps
    copper = NormalMetal(2e4 * nm**2 / ps, 12 * ps, 2 / 160 / VOLUME, 20 * nm)
    shares = []
    for d, metal in ((5 * nm, SINK), (2 * nm, copper)):
        run = simulate_bilayer(MAGNET, SURFACE, metal, d, PULSE, PULSE, times)
        from_F, from_N = page["flows"](run, d)
        np.testing.assert_allclose(from_F + from_N, d * derivative(run, d), rtol=0, atol=1e-9 * from_F.max())
        until = run.magnon_density.argmax() + 1
        shares.append(np.trapezoid(from_N[:until], times[:until]) / np.trapezoid(from_F[:until], times[:until]))
    assert shares[0] > 2
    assert shares[1] < 0.5


def derivative(run, d):
    """dn_d/dt of records, by the law of both baths, typed again."""
    total = np.zeros(len(run.time))
    for gamma, kelvin, mu in (
        (0.02 + 0.1 * (run.energy - BAND.gap) / BAND.width, run.electron_temperature, run.spin_accumulation),
        (G / (np.pi * SPINS) / d, run.normal_temperature, run.interface_spin_accumulation),
    ):
        x = (run.energy - mu[:, None]) / (k_B * kelvin[:, None])
        total += (gamma * k_B * kelvin[:, None] / hbar * (x / np.expm1(x) - x * run.occupation)) @ run.weight
    return total


def test_paper_KK_statement_M33_equations_named_in_the_caption():
    """(31) does not exist and is nine more than (22); (8) is about a spin current between reservoirs."""
    subjects = {int(entry.label): entry.subject for entry in entries() if entry.paper == "KK" and entry.label.isdigit()}
    assert max(subjects) == 26
    assert "magnons per volume" in subjects[31 - 9]
    assert "magnons through an interface" in subjects[26]
    assert "magnon" not in subjects[8]


def test_paper_KK_statement_M34_magnons_of_the_metal_shift_the_splitting():
    """With F's electrons silent mu_s = rho_Delta (n_d - n_d(0)), as a mean field has it; I_sd alone would leave 0."""
    metal = replace(SILENT, exchange_feedback=MAGNET.feedback / 3)
    times = np.linspace(0, 1, 6) * ps
    run = simulate_bilayer(metal, SURFACE, SINK, 5 * nm, *HEATED["N"], times)
    made = run.magnon_density - run.magnon_density[0]
    assert made[-1] * nm**3 > 5
    np.testing.assert_allclose(run.spin_accumulation, -2 * VOLUME * made, rtol=1e-9)
    printed = simulate_bilayer(SILENT, SURFACE, SINK, 5 * nm, *HEATED["N"], times)
    np.testing.assert_array_equal(printed.spin_accumulation, 0)


# --- KK Fig. 7 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["F", "N"])
@pytest.mark.parametrize("crossing", [0.0, 1.6])
def test_paper_KK_figure_7_accumulations_by_finite_volumes(what, crossing):
    surface = replace(SURFACE, spin_conductance=crossing / (meV * ps * nm**2))
    times = np.array([0, 0.02, 0.05, 0.1, 0.3, 1, 2]) * ps
    run = simulate_bilayer(MAGNET, surface, SINK, 5 * nm, *HEATED[what], times, points=12)
    coarse, fine = (
        bilayer_volumes(
            MAGNET, surface, SINK, 5 * nm, HEATED[what], times, start(MAGNET, 12, 100.0), cells=cells, rtol=1e-7
        )
        for cells in (20, 40)
    )
    for name in ("magnon_density", "spin_accumulation", "interface_spin_accumulation"):
        first, second = getattr(coarse, name), getattr(fine, name)
        wanted = second + (second - first) / 3  # the error falls with the square of the cells
        np.testing.assert_allclose(getattr(run, name), wanted, rtol=0, atol=2e-4 * np.abs(wanted).max())


def test_paper_KK_figure_7_spin_goes_round():
    """Hot F: electrons of F, magnons, electrons of N, and back; hot N: the other way round."""
    page, d, rings = chapter(), 5 * nm, []
    contact = InterfaceConductance(majority=G * e2_over_h, minority=G * e2_over_h / 2, mixing=G * e2_over_h)
    G_s = contact.majority * contact.minority / (e**2 * contact.total)
    surface = replace(SURFACE, spin_conductance=G_s)
    for what in ("F", "N"):
        run = simulate_bilayer(MAGNET, surface, SINK, d, *HEATED[what], np.array([0, 0.1]) * ps)
        flow = [each[1] for each in page["flows"](run, d, interface=surface)]
        across = G_s * (run.spin_accumulation - run.interface_spin_accumulation)[1]
        rings.append(np.sign([*flow, across]))
    np.testing.assert_array_equal(rings, [[1, -1, -1], [-1, 1, 1]])


@pytest.mark.parametrize(
    ("what", "d", "density", "peak", "in_F", "in_N"),
    [
        ("F", 2, 7.942, 0.163, -77.60, 13.48),
        ("F", 5, 8.961, 0.200, -57.23, 15.00),
        ("F", 10, 9.421, 0.229, -53.25, 15.61),
        ("N", 2, 24.294, 1.336, 37.36, -48.4),
        ("N", 5, 17.136, 2.032, 31.71, -54.2),
        ("N", 10, 11.574, 2.584, 25.79, -57.0),
    ],
)
def test_paper_KK_figure_7_extremes(what, d, density, peak, in_F, in_N):
    """Where n_d is largest, what F and N give to the magnons cancels."""
    times = np.array([0, peak, 3]) * ps
    run = simulate_bilayer(MAGNET, SURFACE, SINK, d * nm, *HEATED[what], times)
    assert run.magnon_density[1] * nm**3 == pytest.approx(density, abs=1e-3)
    flow = chapter()["flows"](run, d * nm)
    assert abs(sum(flow)[1]) < 2e-2 * np.abs(flow)[:, 1].max()
    fine = np.linspace(0, 3, 1201) * ps
    run = simulate_bilayer(MAGNET, SURFACE, SINK, d * nm, *HEATED[what], fine)
    sign = 1 if what == "N" else -1
    assert sign * (sign * run.spin_accumulation).max() / meV == pytest.approx(in_F, abs=0.01)
    assert -sign * (-sign * run.interface_spin_accumulation).max() / meV == pytest.approx(in_N, abs=0.06)
    assert (run.spin_accumulation.max() > BAND.gap) == (what == "N")


def test_paper_KK_figure_7_a_longer_life_in_the_metal_stops_the_demagnetisation():
    tops = [
        simulate_bilayer(
            MAGNET,
            SURFACE,
            replace(SINK, spin_relaxation_time=tau * ps),
            5 * nm,
            *HEATED["N"],
            np.linspace(0, 3, 61) * ps,
        ).magnon_density.max()
        for tau in (0.02, 0.2, 2, 20)
    ]
    alone = simulate_demagnetization(MAGNET, PULSE, np.linspace(0, 3, 601) * ps).magnon_density.max()
    assert np.all(np.diff(tops) < 0)
    assert tops[-1] < alone / 2 < 0.7 * tops[0]


# --- linear response --------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 30), st.floats(1e-3, 20), st.floats(5.0, 2000), st.floats(1e-3, 50), st.floats(-80, 80))
def test_invariant_every_mode_makes_entropy(level, n, kelvin, gamma, mu):
    gain = occupation_rate(gamma, level * meV, n, kelvin, mu * meV)
    away = np.log1p(1 / n) - (level - mu) * meV / (k_B * kelvin)
    scale = gamma * (abs(level - mu) * (1 + n) * meV + k_B * kelvin) / hbar
    assert gain * away >= -1e-12 * scale * (1 + abs(away))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5, 20), st.floats(50.0, 1500), st.floats(-1.5, 1.5))
def test_invariant_kelvin_relation_for_any_mixing_conductance(gap, kelvin, power):
    band = MagnonBand(gap * meV, 0.6 * meV * nm**2, 90 * meV)
    surface = replace(SURFACE, mixing_conductance=lambda E: G * e2_over_h * (E / (20 * meV)) ** power)
    conduct, seebeck, peltier, heat = chapter()["linear_response"](band, surface, kelvin)
    assert peltier == pytest.approx(kelvin * seebeck, abs=1e-12 * peltier)
    assert seebeck == pytest.approx(spin_seebeck_coefficient(band, surface, kelvin), abs=1e-8 * seebeck)
    assert 0 < kelvin * seebeck**2 < conduct * heat
    step = 1e-4 * kelvin

    def thermal(E):
        return bose_einstein(E, kelvin)

    ends = [spin_transfer_current(band, surface.scattering_rate, thermal, kelvin + s * step, 0.0, 200) for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(seebeck, abs=1e-6 * seebeck)
    step = 1e-4 * k_B * kelvin
    ends = [spin_transfer_current(band, surface.scattering_rate, thermal, kelvin, s * step, 200) for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(conduct, abs=1e-6 * conduct)


@pytest.mark.parametrize("kelvin", [10.0, 60.0])
def test_limit_seebeck_coefficient_without_gap_and_edge(kelvin):
    """Gamma_i times 5/2 k_B times the energy of the magnons over k_B T, which grows as T^(5/2)."""
    band = MagnonBand(1e-7 * meV, 0.6 * meV * nm**2, 1e4 * meV)
    thermal = k_B * kelvin
    energy = quad(lambda y: y**1.5 / np.expm1(y), 0, 60)[0] * thermal**2.5 / (4 * np.pi**2 * band.stiffness**1.5)
    coherence = energy / thermal  # 1/V_c
    wanted = G / (np.pi * SPINS) * 2.5 * k_B * coherence
    assert spin_seebeck_coefficient(band, SURFACE, kelvin) == pytest.approx(wanted, abs=1e-5 * wanted)
    closed = 2 * G / (8 * np.pi**3 * SPINS * band.stiffness**1.5) * 15 * np.sqrt(np.pi) / 8 * zeta(2.5)
    assert closed * k_B * thermal**1.5 == pytest.approx(wanted, abs=1e-6 * wanted)


def test_limit_metal_that_fills_up_reduces_the_current():
    insulator = Ferromagnet(BAND, 0.0, 0.0, 0.0, np.inf)
    conduct, seebeck = chapter()["linear_response"](BAND, SURFACE, 300.0)[:2]
    for life, thick in ((0.02, 20), (0.5, 5), (3, 30)):
        metal = replace(SINK, spin_relaxation_time=life * ps, thickness=thick * nm)
        times = np.array([0, 60 * life]) * ps
        run = simulate_bilayer(insulator, SURFACE, metal, 1.0, 300.0, 300.01, times)
        scale = metal.spin_diffusion_length
        resist = 27 * VOLUME * life * ps / scale / np.tanh(metal.thickness / scale) / hbar
        wanted = -0.01 * seebeck * resist / (1 + resist * conduct)
        assert run.interface_spin_accumulation[-1] == pytest.approx(wanted, abs=1e-3 * abs(wanted))


def test_limit_thick_film_takes_the_accumulation_that_stops_the_current():
    conduct, seebeck = chapter()["linear_response"](BAND, SURFACE, 300.0)[:2]
    metal = replace(MAGNET, spin_relaxation_time=np.inf)
    run = simulate_bilayer(metal, SURFACE, SWALLOW, 1e-5, 300.0, 300.01, np.array([0, 4e6]) * ps)
    assert run.spin_accumulation[-1] == pytest.approx(0.01 * seebeck / conduct, abs=2e-3 * 0.01 * seebeck / conduct)
    for d in (1 * nm, 4 * nm):  # two baths in balance, mode by mode
        run = simulate_bilayer(metal, SURFACE, SWALLOW, d, 300.0, 300.01, np.array([0, 2e3]) * ps)
        energy, weight = BAND.quadrature(64)
        x = energy / (k_B * 300)
        bulk, face = metal.scattering_rate(energy), SURFACE.scattering_rate(energy) / d
        h = weight * x * 0.25 / np.sinh(x / 2) ** 2 * bulk * face / (bulk + face)
        wanted = 0.01 / 300 * (h @ energy) / h.sum()
        assert run.spin_accumulation[-1] == pytest.approx(wanted, abs=2e-3 * wanted)


def test_limit_conductance_of_electrons_that_cross_is_that_of_the_circuit():
    """An accumulation in N, no charge current: G_s of the page from the two channels of circuit theory."""
    contact = InterfaceConductance(majority=3.0, minority=1.5, mixing=3.0)
    volts = 0.2  # V_s, half the splitting: |mu_N| = 2 e V_s
    balance = -(contact.majority - contact.minority) / contact.total * volts
    current = interface_current((0, 0, 1), contact, (0, 0, volts), charge_voltage=balance)
    assert float(current.charge_current) == pytest.approx(0, abs=1e-12)
    spins = current.spin_current[2] / (2 * e)  # hbar per time
    G_s = contact.majority * contact.minority / (e**2 * contact.total)
    assert spins == pytest.approx(G_s * 2 * e * volts, abs=1e-9 * spins)


# --- what the page defines --------------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(st.floats(1, 20), st.floats(0, 2), st.floats(0, 1), st.sampled_from(["F", "N", "both"]))
def test_invariant_ledger_of_the_page(thick, crossing, share, what):
    """Spin in both layers changes by what the two lattices give, with every extension."""
    top = replace(MAGNET, exchange_feedback=share * MAGNET.feedback * 0.9)
    surface = replace(SURFACE, spin_conductance=crossing / (meV * ps * nm**2))
    fine = np.concatenate([np.linspace(0, 0.05, 101), np.linspace(0.052, 1, 400)]) * ps
    run = simulate_bilayer(top, surface, SINK, thick * nm, *HEATED[what], fine)
    J, given_ = chapter()["held_spin"](run, thick * nm, top=top)
    np.testing.assert_allclose(J - J[0], given_, rtol=0, atol=1e-5 * np.ptp(J))


def test_limit_highest_is_the_vertex_of_a_parabola():
    t = np.array([0.0, 1.0, 1.7, 2.1, 4.0])
    assert chapter()["highest"](t, 3 - (t - 1.9) ** 2) == pytest.approx((1.9, 3.0), abs=1e-9)


@pytest.mark.parametrize("thick", [2, 20])
def test_limit_profile_that_follows_its_current(thick):
    """A current that grows as exp(st) leaves the same profile with 1/tau_N + s in the place of 1/tau_N."""
    page, d, sink = chapter(), 5 * nm, replace(SINK, thickness=thick * nm)
    times = np.r_[0, np.linspace(0.9, 1.1, 41)] * ps
    run = simulate_bilayer(MAGNET, SURFACE, sink, d, *HEATED["N"], times)
    current = page["flows"](run, d)[1]
    growth = np.gradient(np.log(current[1:]), times[1:])[20]
    changed = 1 / (1 / SINK.spin_relaxation_time + growth)
    metal = replace(sink, spin_relaxation_time=changed)
    wanted = page["follows"](run, current, run.position, metal)[21]
    found = run.normal_spin_accumulation[21]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-3 * np.abs(found).max())
    slow = page["follows"](run, current, run.position, sink)[21]
    off, ratio = slow[0] / found[0] - 1, sink.thickness / sink.spin_diffusion_length
    power = 0.5 + ratio / np.sinh(2 * ratio)  # of tau_N in tau_N/lambda coth(L_N/lambda)
    assert off == pytest.approx(power * sink.spin_relaxation_time * growth, abs=0.05 * abs(off))


def test_limit_energy_to_the_magnons_is_what_they_hold():
    """F's electrons silent: all energy comes from N."""
    page, times = chapter(), np.linspace(0, 0.3, 601) * ps
    run = simulate_bilayer(SILENT, SURFACE, SINK, 5 * nm, *HEATED["N"], times)
    held = 5 * nm * run.occupation @ (run.weight * run.energy)
    np.testing.assert_allclose(page["energy_to_magnons"](run), held - held[0], rtol=0, atol=1e-5 * np.ptp(held))
