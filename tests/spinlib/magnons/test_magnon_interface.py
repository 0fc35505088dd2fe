"""A ferromagnet on a normal metal: conservation, reciprocity, closed profiles, and finite volumes.

``magnon_routes`` has the finite volumes, solved by SciPy; of 30 and 60 cells (4 fine - coarse)/3 is of order 4.
"""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf, gamma, zeta

from spinlib.circuit import InterfaceConductance
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.magnons.interface import (
    BilayerDemagnetization,
    MagnonInterface,
    NormalMetal,
    simulate_bilayer,
    spin_seebeck_coefficient,
)
from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization, spin_transfer_current
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.pumping import pumping_damping
from spinlib.units import e2_over_h, fs, gyromagnetic_ratio, hbar, k_B, meV, nm, ps
from tests.spinlib.magnon_routes import BAND, METAL, PULSE, RHO, bilayer_volumes, compiled_only, start

pytestmark = compiled_only

S = BAND.mode_density
G = 20 * e2_over_h / nm**2
FACE = MagnonInterface(G, S)
PT = NormalMetal(200 * nm**2 / ps, 0.02 * ps, 2 / (27 * RHO), 20 * nm)
CU = NormalMetal(2e4 * nm**2 / ps, 12 * ps, 2 / (160 * RHO), 100 * nm)
THICK = 5 * nm


def relative(found, true):
    return abs(found - true).max() / abs(true).max()


def spins(metal, normal, thickness, run):
    """What the interface does not change: d_F [n_d - (mu_s - rho_Delta n_d)/rho_D] - integral of mu_N/rho_N [1/m^2]."""
    rho_d = metal.feedback - metal.exchange_feedback
    electrons = (run.spin_accumulation - metal.exchange_feedback * run.magnon_density) / rho_d
    beside = run.normal_spin_accumulation @ run.position_weight / normal.feedback
    return thickness * (run.magnon_density - electrons) - beside


# --- parameters -------------------------------------------------------------------------------------------------------


def test_limit_interface_of_circuit_theory() -> None:
    """Gamma_i/d_F of the uniform mode is twice the damping of spin pumping (BTBK); thermal magnons feel it double."""
    face = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=0.9e15 + 0.1e15j)
    density = 43e27
    moment = density * hbar * gyromagnetic_ratio * THICK
    alpha = pumping_damping(face.mixing, magnetic_moment=moment)
    for eta in (1.0, 2.0, 0.5):
        rate = MagnonInterface(face.mixing.real, density, mode_factor=eta).scattering_rate(3 * meV)
        assert rate / THICK == pytest.approx(2 * eta * alpha, rel=1e-12, abs=0)


def test_limit_interface_with_a_mixing_that_depends_on_energy() -> None:
    face = MagnonInterface(lambda energy: G * (1 + energy / meV), S, mode_factor=1.5)
    energy = np.array([[5.0, 6.0], [7.0, 80.0]]) * meV
    np.testing.assert_allclose(face.scattering_rate(energy), FACE.scattering_rate(1 * meV) * 0.75 * (1 + energy / meV))
    assert isinstance(FACE.scattering_rate(5 * meV), float)
    assert FACE.scattering_rate(energy).shape == (2, 2)


def test_limit_metal() -> None:
    assert PT.spin_diffusion_length == pytest.approx(2 * nm, rel=1e-14, abs=0)
    assert PT.feedback == pytest.approx(-27 * RHO, rel=1e-14, abs=0)
    assert replace(PT, spin_relaxation_time=inf).spin_diffusion_length == inf


# --- heat and spin ----------------------------------------------------------------------------------------------------


@given(st.floats(20, 1500), st.floats(-2, 1).map(lambda x: 10**x), st.booleans())
@settings(max_examples=25)
def test_invariant_kelvin_and_onsager(kelvin, gap, constant) -> None:
    """dQ/dmu_N = T dI_i/dT_N at equilibrium: Q the energy that the magnons receive, in the same rates."""
    band = MagnonBand(gap * meV, 0.6 * meV * nm**2, 86 * meV)
    mixing = G if constant else lambda energy: G / (1 + (energy / (20 * meV)) ** 2)
    face = MagnonInterface(mixing, S)

    def thermal(energy):
        return bose_einstein(energy, kelvin)

    def heat(energy):
        return energy / meV * face.scattering_rate(energy)

    h, k = 1e-3 * gap * meV, 1e-3 * kelvin
    stencil = np.array([1, -8, 0, 8, -1]) / 12
    steps = np.arange(-2, 3)
    peltier = stencil @ [spin_transfer_current(band, heat, thermal, kelvin, h * j, points=160) for j in steps] / h * meV
    seebeck = stencil @ [
        spin_transfer_current(band, face.scattering_rate, thermal, kelvin + k * j, 0.0, points=160) for j in steps
    ] / k  # fmt: skip
    assert peltier == pytest.approx(kelvin * seebeck, rel=1e-8, abs=0)
    assert spin_seebeck_coefficient(band, face, kelvin) == pytest.approx(seebeck, rel=1e-8, abs=0)


@pytest.mark.parametrize("kelvin", [5.0, 300.0, 3e4])
def test_limit_seebeck_without_gap_and_edge(kelvin) -> None:
    """eta g/(8 pi^3 S A^(3/2)) 15 sqrt(pi)/8 zeta(5/2) k_B (k_B T)^(3/2)."""
    thermal = k_B * kelvin
    band = MagnonBand(1e-12 * thermal, 0.6 * meV * nm**2, 200 * thermal)
    law = 2 * 20 / nm**2 / (8 * np.pi**3 * S * band.stiffness**1.5) * 15 * np.pi**0.5 / 8 * zeta(2.5)
    # what the gap takes away is of the order of its square root: y^2 n (1 + n) is 1 at the bottom
    assert spin_seebeck_coefficient(band, FACE, kelvin) == pytest.approx(law * k_B * thermal**1.5, rel=1e-10, abs=0)


@pytest.mark.parametrize("kelvin", [0.5, 2.0, 10.0, 50.0])
def test_limit_seebeck_far_below_the_bandwidth(kelvin) -> None:
    """With a gap, in powers of exp(-gap/k_B T); the band goes on for 3e3 times k_B T and more."""
    band = MagnonBand(0.5 * meV, 0.6 * meV * nm**2, 15000 * meV)
    b, j = band.gap / (k_B * kelvin), np.arange(1, 400)
    terms = gamma(3.5) * j**-3.5 + 2 * b * gamma(2.5) * j**-2.5 + b**2 * gamma(1.5) * j**-1.5
    total = np.sum(j * np.exp(-j * b) * terms)
    law = FACE.scattering_rate(1e-21) / (4 * np.pi**2 * band.stiffness**1.5) * k_B * (k_B * kelvin) ** 1.5 * total
    assert spin_seebeck_coefficient(band, FACE, kelvin) == pytest.approx(law, rel=1e-10, abs=0)


def test_limit_seebeck_hot_and_in_arrays() -> None:
    """Every mode receives k_B; below 1 K nothing is left, and nothing overflows."""
    rate = FACE.scattering_rate(1e-21)
    kelvins = np.array([1e-3, 1e6, 1e8])
    found = spin_seebeck_coefficient(BAND, FACE, kelvins)
    assert found[0] == 0
    np.testing.assert_allclose(found[1:] / (rate * BAND.mode_density * k_B), 1, rtol=1e-6)
    assert spin_seebeck_coefficient(BAND, FACE, np.full((2, 3), 300.0)).shape == (2, 3)
    assert isinstance(spin_seebeck_coefficient(BAND, FACE, 300.0), float)


# --- limits of a bilayer ----------------------------------------------------------------------------------------------


def test_limit_bulk() -> None:
    """Without coupling, and for a thick ferromagnet, the run is that of the bulk; the error falls as 1/d_F."""
    times = np.linspace(0, 2, 9) * ps
    bulk = simulate_demagnetization(METAL, PULSE, times, points=16)
    alone = simulate_bilayer(METAL, replace(FACE, mixing_conductance=0.0), PT, THICK, PULSE, 100.0, times, points=16)
    assert relative(alone.occupation, bulk.occupation) < 1e-9
    assert relative(alone.spin_accumulation, bulk.spin_accumulation) < 1e-9
    np.testing.assert_array_equal(alone.normal_spin_accumulation, 0.0)
    face = replace(FACE, spin_conductance=0.03 / (meV * nm**2 * ps))
    off = [
        relative(simulate_bilayer(METAL, face, PT, d, PULSE, 100.0, times, points=16).occupation, bulk.occupation)
        for d in (1e-6, 1e-5)
    ]
    assert off[0] / off[1] == pytest.approx(10, abs=0.1)
    assert off[1] < 1e-3


@given(st.floats(20, 2000), st.floats(1e-15, 1e-9), st.floats(0, 1))
@settings(max_examples=20)
def test_invariant_equilibrium_of_both(kelvin, end, conductance) -> None:
    face = replace(FACE, spin_conductance=conductance / (meV * nm**2 * ps))
    run = simulate_bilayer(METAL, face, CU, THICK, kelvin, kelvin, [0.0, end / 2, end], points=12, modes=20)
    np.testing.assert_allclose(run.occupation, run.occupation[[0]].repeat(3, axis=0), rtol=1e-11)
    assert abs(run.spin_accumulation).max() < 1e-10 * meV
    assert abs(run.normal_spin_accumulation).max() < 1e-10 * meV
    assert abs(run.interface_spin_accumulation).max() < 1e-10 * meV


def test_limit_film_in_resonance() -> None:
    """The uniform mode of a film loses its magnons at 2 (alpha + alpha') omega, alpha' = g/(4 pi S d_F) (BTBK)."""
    gap = 1 * meV
    film = Ferromagnet(MagnonBand(gap, 0.6 * meV * nm**2, gap * (1 + 1e-9)), 0.01, 0.0, 0.0, inf)
    sink = replace(PT, density_of_states=1e60)
    extra = 20 / nm**2 / (4 * np.pi * S * THICK)
    start_at, cold = 40.0 * gap / k_B, gap / (40 * k_B)
    rate = 2 * (0.01 + extra) * gap / hbar
    times = np.linspace(0, 3, 7) / rate
    with pytest.warns(UserWarning, match="below a tenth of the gap"):
        run = simulate_bilayer(
            film, replace(FACE, mode_factor=1.0), sink, THICK, cold, cold, times, initial_temperature=start_at, points=3
        )
    np.testing.assert_allclose(run.magnon_density, run.magnon_density[0] * np.exp(-rate * times), rtol=1e-7)


@pytest.mark.parametrize("length", [0.5, 2.0, 20.0])
def test_limit_steady_profile(length) -> None:
    """-D dmu/dx = rho_N I_i/hbar at x = 0 and none at L: (flux) (tau/lambda) cosh((L - x)/lambda)/sinh(L/lambda)."""
    metal = replace(PT, thickness=length * PT.spin_diffusion_length)
    run = simulate_bilayer(METAL, FACE, metal, THICK, 300.0, 600.0, [0, 5e4 * ps], points=16)
    current = spin_transfer_current(
        BAND, FACE.scattering_rate, run.occupation[1], 600.0, run.interface_spin_accumulation[1], points=16
    )
    flux, wave = metal.feedback * current / hbar, metal.spin_diffusion_length
    first = flux * metal.spin_relaxation_time / wave / np.tanh(length)
    assert run.interface_spin_accumulation[1] == pytest.approx(first, rel=1e-8, abs=0)
    profile = first * np.cosh(length - run.position / wave) / np.cosh(length)
    np.testing.assert_allclose(run.normal_spin_accumulation[1], profile, rtol=0, atol=1e-8 * abs(first))
    if length == 20:
        np.testing.assert_allclose(profile, first * np.exp(-run.position / wave), rtol=0, atol=1e-8 * abs(first))
    assert first < 0
    whole = run.normal_spin_accumulation[1] @ run.position_weight
    assert whole == pytest.approx(flux * metal.spin_relaxation_time, rel=1e-8, abs=0)
    # and F is steady: what the interface creates, the bulk absorbs
    bulk = spin_transfer_current(
        BAND, METAL.scattering_rate, run.occupation[1], 300.0, run.spin_accumulation[1], points=16
    )
    assert bulk * THICK == pytest.approx(-current, rel=1e-8, abs=0)


@pytest.mark.parametrize("tau", [0.5 * ps, inf])
@pytest.mark.parametrize("thickness", [300 * nm, 1e-3])
def test_limit_a_current_that_starts(tau, thickness) -> None:
    """mu_N(0, t) = flux lambda/D erf sqrt(t/tau) under a constant current, 2 flux sqrt(t/pi D) without relaxation.

    So little scattering that n hardly changes, so many states that mu_N is some 1e-3 meV: the current is constant.
    """
    metal = NormalMetal(200 * nm**2 / ps, tau, 2 / (27 * RHO), thickness)
    weak = Ferromagnet(BAND, 0.0, 0.0, 0.0, inf)
    face = replace(FACE, mixing_conductance=1e-6 * G)
    times = np.array([0, 1e-3, 0.01, 0.1, 1.0]) * ps
    run = simulate_bilayer(weak, face, metal, THICK, 300.0, 600.0, times, points=16)
    current = spin_transfer_current(BAND, face.scattering_rate, run.occupation[0], 600.0, 0.0, points=16)
    flux = metal.feedback * current / hbar / metal.diffusivity
    wave = metal.spin_diffusion_length
    law = 2 * np.sqrt(metal.diffusivity * times / np.pi) if tau == inf else wave * erf(np.sqrt(times / tau))
    assert 1e-4 * meV < abs(flux * law[-1]) < 1e-3 * meV
    np.testing.assert_allclose(run.interface_spin_accumulation, flux * law, rtol=5e-5)


# --- conservation -----------------------------------------------------------------------------------------------------


def bilayers(draw_losses):
    """Random ferromagnets, interfaces and metals."""
    decades = lambda low, high: st.floats(low, high).map(lambda x: 10**x)  # noqa: E731
    times = decades(-15, -10) if draw_losses else st.just(inf)
    return st.tuples(
        st.builds(
            lambda rho, share, tau, ultrafast: Ferromagnet(BAND, 0.01, ultrafast, -rho * RHO, tau, -share * rho * RHO),
            decades(-2, 2), st.floats(0, 0.9), times, st.floats(0, 0.3),
        ),
        st.builds(
            lambda g, eta, conductance: MagnonInterface(g * G, S, eta, conductance / (meV * nm**2 * ps)),
            decades(-2, 1), st.floats(0.1, 2), st.one_of(st.just(0.0), decades(-4, 0)),
        ),
        st.builds(
            lambda d, tau, rho, thick: NormalMetal(d * nm**2 / ps, tau, 2 / (rho * RHO), thick * nm),
            decades(1, 5), times, decades(-1, 3), decades(-1, 4),
        ),
        decades(-0.5, 2).map(lambda x: x * nm),
    )  # fmt: skip


@given(bilayers(False), st.floats(100, 2000), st.floats(100, 2000))
@settings(max_examples=25)
def test_invariant_spins_without_losses(bilayer, warm, beside) -> None:
    """At every record to rounding, split feedback and spin conductance included."""
    metal, face, normal, thickness = bilayer
    times = np.linspace(0, 3, 13) * ps
    run = simulate_bilayer(
        metal, face, normal, thickness, warm, beside, times, initial_temperature=100.0, points=12, modes=24
    )
    total = spins(metal, normal, thickness, run)
    parts = abs(thickness * run.magnon_density).max() + abs(total).max()
    parts += thickness * abs(run.spin_accumulation).max() / abs(metal.feedback - metal.exchange_feedback)
    parts += abs(run.normal_spin_accumulation @ run.position_weight).max() / abs(normal.feedback)
    assert np.ptp(total) < 1e-11 * parts
    assert run.occupation.min() >= 0


def test_invariant_spins_with_losses() -> None:
    """What relaxes in both metals is what is missing: their integrals over time by Gauss and Legendre."""
    metal = replace(METAL, exchange_feedback=-2 * RHO)
    face = replace(FACE, spin_conductance=0.03 / (meV * nm**2 * ps))
    edges = np.array([0, 0.05, 0.2, 0.6, 1.2]) * ps
    node, share = np.polynomial.legendre.leggauss(24)
    width = np.diff(edges)[:, None]
    times = np.concatenate([[0], (edges[:-1, None] + width * (1 + node) / 2).ravel(), edges[-1:]])
    weight = np.concatenate([[0], (width * share / 2).ravel(), [0]])
    run = simulate_bilayer(metal, face, PT, THICK, PULSE, PULSE, times, points=12, rtol=1e-10)
    total = spins(metal, PT, THICK, run)
    in_f = weight @ run.spin_accumulation * THICK / (-4 * RHO * metal.spin_relaxation_time)
    in_n = weight @ (run.normal_spin_accumulation @ run.position_weight) / (PT.feedback * PT.spin_relaxation_time)
    # the accumulation of N starts within fs, which the nodes resolve to some 1e-5
    assert total[-1] - total[0] == pytest.approx(in_f + in_n, rel=1e-4, abs=0)
    assert abs(in_f) > 0.02 * abs(total[0])
    assert abs(in_n) > 0.02 * abs(total[0])


# --- finite volumes ---------------------------------------------------------------------------------------------------

FULL = replace(FACE, spin_conductance=0.03 / (meV * nm**2 * ps))
COLOURED = MagnonInterface(lambda energy: G * np.exp(-energy / (40 * meV)), S, 1.3)
CASES = {
    "Pt, all heated": (METAL, FACE, PT, PULSE, PULSE),
    "Cu, N heated": (METAL, COLOURED, CU, 100.0, PULSE),
    "all terms": (replace(METAL, exchange_feedback=-2 * RHO), FULL, PT, PULSE, 100.0),
    "an insulator": (Ferromagnet(BAND, 0.005, 0.0, 0.0, inf), FACE, CU, 300.0, PULSE),
}


@pytest.mark.parametrize("name", CASES)
def test_limit_finite_volumes(name) -> None:
    metal, face, normal, warm, beside = CASES[name]
    times = np.linspace(0, 0.5, 6) * ps
    run = simulate_bilayer(metal, face, normal, THICK, warm, beside, times, points=10)
    n = start(metal, 10, run.electron_temperature[0])
    np.testing.assert_allclose(run.occupation[0], n, rtol=1e-12)
    coarse, fine = (
        bilayer_volumes(metal, face, normal, THICK, (warm, beside), times, n, cells=cells, rtol=1e-8)
        for cells in (30, 60)
    )
    whole = [each.normal_spin_accumulation @ each.width for each in (coarse, fine)]
    pairs = [
        (run.occupation, coarse.occupation, fine.occupation),
        (run.magnon_density, coarse.magnon_density, fine.magnon_density),
        (run.interface_spin_accumulation, coarse.interface_spin_accumulation, fine.interface_spin_accumulation),
        (run.normal_spin_accumulation @ run.position_weight, *whole),
    ]
    if metal.feedback:
        pairs.append((run.spin_accumulation, coarse.spin_accumulation, fine.spin_accumulation))
    for ours, first, second in pairs:  # at the start mu_N is 0, and in cells it jumps at once
        assert relative((4 * second - first)[1:] / 3, ours[1:]) < 2e-7
        assert relative(second[1:], ours[1:]) < 1e-3


# --- numerics ---------------------------------------------------------------------------------------------------------


@given(bilayers(True), st.floats(50, 1500), st.floats(50, 1500))
@settings(max_examples=20)
def test_invariant_convergence(bilayer, warm, beside) -> None:
    """Twice the polynomials and a tighter tolerance change the records by less than 1e-6 of their largest value."""
    metal, face, normal, thickness = bilayer
    pulses = [TemperaturePulse(100.0, peak, 50 * fs, 1 * ps) for peak in (warm, beside)]
    times = np.linspace(0, 2, 6) * ps
    arguments = metal, face, normal, thickness, *pulses, times
    run = simulate_bilayer(*arguments, points=12)
    fine = simulate_bilayer(*arguments, points=12, modes=96, rtol=1e-11)
    rounding = 1e-10 * meV
    for name in ("occupation", "magnon_density", "spin_accumulation", "interface_spin_accumulation"):
        ours, true = getattr(run, name), getattr(fine, name)
        slack = rounding if "spin" in name else 0.0
        assert abs(ours - true).max() < 1e-6 * abs(true).max() + slack, name
    whole = [each.normal_spin_accumulation @ each.position_weight for each in (run, fine)]
    assert abs(whole[0] - whole[1]).max() < 1e-6 * abs(whole[1]).max() + rounding * normal.thickness
    assert run.occupation.min() >= 0


def test_limit_nodes_of_a_bilayer() -> None:
    """Doubling the energies changes the records by 1e-9."""
    times = np.linspace(0, 1, 5) * ps
    run, fine = (simulate_bilayer(METAL, FACE, PT, THICK, PULSE, PULSE, times, points=p, rtol=1e-11) for p in (24, 48))
    for name in ("magnon_density", "spin_accumulation", "interface_spin_accumulation"):
        assert relative(getattr(run, name), getattr(fine, name)) < 1e-10


@pytest.mark.parametrize("normal", [PT, replace(CU, spin_relaxation_time=inf)])
def test_limit_a_metal_without_end(normal) -> None:
    """Spins come as far as they diffuse: a metal of 1 mm, or of 1 m, is one of ten such lengths."""
    times = np.array([0.0, 0.05, 0.5, 2.0]) * ps
    reach = min(normal.spin_diffusion_length, np.sqrt(normal.diffusivity * 2 * ps))
    found = [
        simulate_bilayer(METAL, FACE, replace(normal, thickness=t), THICK, PULSE, 100.0, times, points=12)
        for t in (16 * reach, 1e-3, 1.0)
    ]
    for other in found[1:]:
        assert relative(other.interface_spin_accumulation, found[0].interface_spin_accumulation) < 3e-7
        assert relative(other.magnon_density, found[0].magnon_density) < 1e-7


def test_limit_a_thin_metal_is_one_box() -> None:
    """Far thinner than lambda: mu_N is uniform, and d mu_N/dt = -mu_N/tau_N + rho_N I_i/(hbar L_N)."""
    thin = replace(PT, thickness=0.01 * nm, spin_relaxation_time=2 * ps)
    times = np.linspace(0, 1, 6) * ps
    run = simulate_bilayer(METAL, FACE, thin, THICK, 300.0, 600.0, times, points=12, modes=4)
    flat = run.normal_spin_accumulation - run.interface_spin_accumulation[:, None]
    assert abs(flat).max() < 2e-5 * abs(run.interface_spin_accumulation).max()
    wide = simulate_bilayer(METAL, FACE, replace(thin, diffusivity=1e3), THICK, 300.0, 600.0, times, points=12, modes=2)
    assert relative(run.magnon_density, wide.magnon_density) < 1e-4


def test_limit_thick_and_thin_ferromagnets() -> None:
    """A monolayer follows N at once: n = n_BE(epsilon - mu_N) at T_N; the thick one stays."""
    times = [0, 2 * ps]
    metal = replace(METAL, spin_relaxation_time=inf, feedback=0.0)
    run = simulate_bilayer(metal, FACE, replace(PT, density_of_states=1e60), 1e-4 * nm, 300.0, 600.0, times, points=12)
    np.testing.assert_allclose(run.occupation[1], bose_einstein(run.energy, 600.0), rtol=2e-3)
    thick = simulate_bilayer(metal, FACE, PT, 1.0, 300.0, 600.0, times, points=12)
    np.testing.assert_allclose(thick.occupation[1], thick.occupation[0], rtol=1e-6)


def test_invariant_heating_of_n_alone_demagnetises() -> None:
    """And leaves spins of the other sign on the two sides; a positive mu_s throttles the bulk."""
    times = np.linspace(0, 1, 11) * ps
    run = simulate_bilayer(METAL, FACE, PT, THICK, 100.0, PULSE, times)
    assert (np.diff(run.magnon_density[:5]) > 0).all()
    assert (run.interface_spin_accumulation[1:] < 0).all()
    assert (run.spin_accumulation[1:] > 0).all()


# --- results ----------------------------------------------------------------------------------------------------------


def test_limit_positions_and_weights() -> None:
    run = simulate_bilayer(METAL, FACE, PT, THICK, PULSE, 100.0, [0, 1 * ps], modes=30)
    assert run.position.shape == run.position_weight.shape == (30,)
    assert run.normal_spin_accumulation.shape == (2, 30)
    assert (np.diff(run.position) > 0).all()
    assert run.position[0] > 0
    assert run.position[-1] < PT.thickness
    assert run.position[0] < 0.02 * PT.spin_diffusion_length
    assert run.position_weight.sum() == pytest.approx(PT.thickness, rel=1e-12, abs=0)
    assert run.position_weight @ run.position == pytest.approx(PT.thickness**2 / 2, rel=1e-12, abs=0)


def test_limit_bilayer_prints_and_converts(tmp_path) -> None:
    run = simulate_bilayer(METAL, FACE, PT, THICK, PULSE, 100.0, np.linspace(0, 1, 4) * ps)
    assert isinstance(run, BilayerDemagnetization)
    assert repr(run).startswith("BilayerDemagnetization(4 times, 24 energies, n_d 8.86e+26 to ")
    table = run.columns()
    assert list(table)[-2:] == ["interface_spin_accumulation", "normal_temperature"]
    assert all(column.shape == (4,) for column in table.values())
    np.testing.assert_array_equal(table["normal_temperature"], 100.0)
    run.to_csv(tmp_path / "run.csv")
    head = (tmp_path / "run.csv").read_text().splitlines()[0]
    assert head.endswith("electron_temperature [K],interface_spin_accumulation [J],normal_temperature [K]")
    assert run.occupation_at(10 * meV).shape == (4,)
    assert run.runaway_time is None
