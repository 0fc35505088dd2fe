"""Heat, the microscopic three-temperature model and magnon bands of real materials, each against a second route.

The routes: linearised baths, integrals over electrons and a Debye spectrum, sums over the Brillouin zone, a general
solver for the equations as they stand, and closed forms.
"""

import ast
import re
from functools import cache

import jupytext
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq, curve_fit

from spinlib.magnons.band import MagnonBand, magnon_density
from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization, spin_transfer_current
from spinlib.magnons.temperature_models import equilibrium_magnetization, m3tm, m3tm_rate, two_temperature
from spinlib.materials import material
from spinlib.units import fs, hbar, k_B, meV, mu_B, nm, ps
from tests.book.chapter_code import code_cells, defined
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "laser_demagnetization.md"
UNIT = meV * nm**2
KK_BAND = MagnonBand(5 * meV, 0.6 * UNIT, k_B * 1000)
KK_MAGNET = Ferromagnet(KK_BAND, 0.01, 0.1, -6 * meV * nm**3, 2 * ps)
NAMES = {"HEAT", "FLIP", "BAND", "ATOM", "COLD", "ABSORBED", "PULSE", "START", "GAP", "DAMPING", "UNIT", "SIGMA"}
UNITS = {"ps", "meV", "nm"}


@cache
def chapter():
    """Functions of the page and the numbers that they use."""
    tree = ast.parse("\n".join(code_cells(PAGE)))
    constants = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign) and {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} <= NAMES | UNITS
    ]
    room = {"fs": fs, "ps": ps, "meV": meV, "nm": nm}
    exec(compile(ast.Module(constants, []), str(PAGE), "exec"), room)
    room["table"] = {(m, q): material(m, q) for m, names in wanted().items() for q in names}
    room["S"], room["curie"] = value("Ni", "saturation_magnetization") / (2 * mu_B), value("Ni", "curie_temperature")
    kept = "value heat rate heated ends coupling_time koopmans pulse_on quickness zone spins filled"
    kept += " fitted_to_order magnet demagnetized two_level exponentials dip_times step_times koopmans_run"
    defined(PAGE, room, kept.split())
    room["even"] = np.linspace(-3 * room["PULSE"], 10 * ps, 1016)
    return room


def wanted():
    """The table of what the page asks for, with the names of groups filled in."""
    tree = ast.parse("\n".join(code_cells(PAGE)))
    room = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("BAND", "ATOM", "HEAT", "FLIP", "wanted"):
            exec(compile(ast.Module([node], []), str(PAGE), "exec"), room)
    return room["wanted"]


def value(name, quantity):
    return material(name, quantity).value


@cache
def spin_density():
    return value("Ni", "saturation_magnetization") / (2 * mu_B)


def second_route(metal, temperature, times, points=32):
    """n_d/S and mu_s [meV] by a solver that knows the equations alone."""
    energy, weight = metal.band.quadrature(points)
    rates = metal.scattering_rate(energy) / hbar
    rho, tau = metal.feedback, metal.spin_relaxation_time

    def slope(t, y):
        kelvin, above = k_B * temperature(t), energy - y[-1] * meV
        gain = above / -np.expm1(-above / kelvin) - above
        growth = rates * (gain - above * y[:-1])
        force = rho * (weight @ growth) / meV - y[-1] / tau
        return np.append(growth, force)

    cold = 1 / np.expm1(energy / (k_B * temperature(times[0])))
    found = solve_ivp(
        slope,
        times[[0, -1]],
        np.append(cold, 0.0),
        t_eval=times,
        method="LSODA",
        rtol=1e-8,
        atol=1e-10,
        max_step=0.1 * ps,
    )
    return weight @ found.y[:-1] / spin_density(), found.y[-1]


def golden_rule(metal, m, electrons, phonons):
    """dm/dt without the limit of many phonons, Debye spectrum [1/s]."""
    curie = value(f"{metal} M3TM", "curie_temperature")
    debye = value(f"{metal} M3TM", "debye_energy") / (k_B * electrons)
    split = 2 * m * curie / electrons  # in k_B T_e, as all energies here

    def pairs(x):
        return x / -np.expm1(-x)

    def net(energy):
        n = 1 / np.expm1(energy * electrons / phonons)
        up = n * pairs(split + energy) + (n + 1) * pairs(split - energy)
        down = n * pairs(energy - split) + (n + 1) * pairs(-split - energy)
        return ((1 - m) * up - (1 + m) * down) * (energy / debye) ** 2

    scale = chapter()["rate"](metal) * (electrons / curie) ** 2 / 2
    return scale * quad(net, 0, debye)[0]


# ---- heat ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metal", ["Ni", "Co", "Gd"])
def test_limit_baths_meet_at_the_eigenvalue_of_the_linear_law(metal):
    gamma, capacity, coupling = chapter()["heat"](metal).values()
    kelvin = 350.0
    matrix = coupling * np.array([[-1, 1], [1, -1]]) / np.array([[gamma * kelvin], [capacity]])
    slow, fast = np.sort(np.linalg.eigvals(matrix))[::-1]
    assert slow == pytest.approx(0, abs=1e-3 * abs(fast))
    assert -1 / fast == pytest.approx(chapter()["coupling_time"](metal, kelvin), rel=1e-12, abs=0)


@pytest.mark.parametrize("metal", ["Ni", "Co", "Gd"])
def test_limit_ends_of_a_pulse_have_its_energy(metal):
    gamma, capacity, _ = chapter()["heat"](metal).values()
    hot, warm = chapter()["ends"](metal, 3e8, 250.0)
    assert gamma / 2 * (hot**2 - 250.0**2) == pytest.approx(3e8, rel=1e-12, abs=0)
    assert gamma / 2 * (warm**2 - 250.0**2) + capacity * (warm - 250.0) == pytest.approx(3e8, rel=1e-12, abs=0)
    law = dict(zip(chapter()["HEAT"], (gamma, capacity, 0.0), strict=True))
    alone = two_temperature([-1e-13, 1e-12], **law, absorbed_energy_density=3e8, pulse_duration=5e-14,
                            initial_temperature=250.0)  # fmt: skip
    assert alone.electron_temperature[-1] == pytest.approx(hot, rel=1e-6, abs=0)


def test_limit_time_between_two_temperatures_is_the_printed_integral():
    gamma, capacity, coupling = chapter()["heat"]("Ni").values()
    run = chapter()["heated"](0.05 * ps)
    first, last = run(np.array([0.4, 1.0]) * ps)
    energy = gamma / 2 * first**2 + capacity * run.lattice(0.4 * ps)

    def duration(kelvin):
        lattice = (energy - gamma * kelvin**2 / 2) / capacity
        return gamma * kelvin / (coupling * (kelvin - lattice))

    assert quad(duration, last, first, epsrel=1e-11)[0] == pytest.approx(0.6 * ps, rel=1e-9, abs=0)


# ---- the microscopic three-temperature model -----------------------------------------------------------------------


@pytest.mark.parametrize("x", [-3.0, -0.4, 0.7, 5.0])
def test_limit_pairs_of_electrons_and_empty_states(x):
    def fermi(energy):
        return 1 / (np.exp(energy) + 1)

    counted = quad(lambda energy: fermi(energy) * (1 - fermi(energy + x)), -60, 60, points=[0, -x], epsabs=1e-12)[0]
    assert counted == pytest.approx(x / -np.expm1(-x), rel=1e-9, abs=0)


def flips_over_heat(spectrum, top, electrons, phonons):
    """Net flips of a fully aligned magnet over the heat to the phonons, for a spectrum of phonons; in k_B, by sums."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    energy, weight = top * (1 + nodes) / 2, top / 2 * weights
    weight = weight * spectrum(energy)

    def pairs(x):
        return np.where(np.abs(x) < 1e-12, electrons, x / -np.expm1(-x / electrons))

    n = 1 / np.expm1(energy / phonons)
    split = 1e-3 * electrons
    up = weight @ (n * pairs(split + energy) + (n + 1) * pairs(split - energy))
    down = weight @ (n * pairs(energy - split) + (n + 1) * pairs(-split - energy))
    heat = weight @ (energy * ((n + 1) * pairs(-energy) - n * pairs(energy)))
    return (up - down) / split, heat / (electrons - phonons)


def test_limit_rate_has_the_factor_8_for_debye_phonons_and_4_for_one_energy():
    # dm/dt = (a_sf/N) K (W_a - W_r) and g_ep V (T_e - T_p) = K heat, in units k_B = 1: R T_p/T_C m = 2 a_sf g_ep V
    # T_C m (W_a - W_r)/(Delta heat)/N, so that the factor is 2 E_D^2 flips/(T_p heat).
    top, electrons, phonons = 1.0, 3e3, 1e3
    for spectrum, factor in ((lambda energy: energy**2, 8.0), (lambda energy: energy**80, 4.0)):
        flips, heat = flips_over_heat(spectrum, top, electrons, phonons)
        found = 2 * top**2 * flips / (phonons * heat)
        assert found == pytest.approx(factor, rel=0.03 if factor == 4 else 1e-3, abs=0)
    known = {"spin_flip_probability": 0.1, "electron_phonon_coupling": 1e18, "curie_temperature": 500.0}
    rate = m3tm_rate(**known, atomic_volume=1e-29, magnetic_moment=mu_B, debye_energy=20 * meV)
    assert rate == pytest.approx(8 * 0.1 * 1e18 * k_B * 500**2 * 1e-29 / (20 * meV) ** 2, rel=1e-12, abs=0)


@settings(max_examples=25, deadline=None)
@given(m=st.floats(0.05, 0.95), kelvin=st.floats(150, 900))
def test_invariant_detailed_balance_needs_no_limit_of_many_phonons(m, kelvin):
    curie = value("Ni M3TM", "curie_temperature")
    level = equilibrium_magnetization(kelvin, curie)
    golden = golden_rule
    scale = abs(golden("Ni", 0.5, 2000.0, 300.0))
    if level > 0:
        assert abs(golden("Ni", level, kelvin, kelvin)) < 1e-9 * scale
    if abs(m - level) > 1e-6:
        assert np.sign(golden("Ni", m, kelvin, kelvin)) == np.sign(level - m)


def test_limit_golden_rule_is_the_model_when_phonons_are_many():
    golden, model = golden_rule, chapter()["koopmans"]
    errors = [golden("Gd", 0.6, 2 * T, T) / model("Gd", 0.6, 2 * T, T) - 1 for T in (2e3, 4e3, 8e3)]
    # The first correction is quadratic in E_D/k_B T.
    np.testing.assert_allclose(np.array(errors[:-1]) / errors[1:], 4, rtol=0.05)
    assert abs(errors[-1]) < 1e-4
    # In nickel at 300 K it is none to speak of for hot electrons, and a third for warm ones.
    shares = [golden("Ni", 0.9, e, 300.0) / model("Ni", 0.9, e, 300.0) for e in (400.0, 600.0, 1000.0)]
    np.testing.assert_allclose(shares, [0.6768, 0.9492, 1.0024], atol=2e-4)


@pytest.mark.parametrize("metal", ["Ni", "Co", "Gd"])
def test_limit_spins_relax_near_the_end_as_the_closed_rate_says(metal):
    curie = value(f"{metal} M3TM", "curie_temperature")
    own, closing = chapter()["quickness"](metal)
    end = equilibrium_magnetization(0.75, 1.0)
    t = np.array([0.0, 0.3, 0.6]) / own
    m = m3tm(t, 0.75 * curie, 0.75 * curie, rate=chapter()["rate"](metal), curie_temperature=curie,
             initial_magnetization=end + 1e-5)  # fmt: skip
    np.testing.assert_allclose(np.log((m - end) / 1e-5), -own * t, atol=1e-3)
    assert (own > closing) == (metal != "Gd")


def test_limit_one_metal_of_three_has_two_steps():
    run = {metal: chapter()["koopmans_run"](metal, 0.75, chapter()["even"]) for metal in ("Ni", "Co", "Gd")}
    assert [bool(m.min() < m[-1] - 1e-3) for m in run.values()] == [True, True, False]
    # Electrons of gadolinium get four times as hot as its T_C, those of nickel do not reach theirs.
    peaks = {metal: chapter()["pulse_on"](metal)[0].electron_temperature.max() for metal in ("Ni", "Gd")}
    assert peaks["Gd"] / value("Gd M3TM", "curie_temperature") > 4
    assert peaks["Ni"] < value("Ni M3TM", "curie_temperature")


# ---- pulses of many energies ----------------------------------------------------------------------------------------


def curie_energy(of_electrons=False):
    """Energy per volume that takes nickel from 300 K to T_C, by sums of the two heats [J/m^3]."""
    curie, law = value("Ni M3TM", "curie_temperature"), chapter()["heat"]("Ni")
    steps = np.linspace(300.0, curie, 20001)
    middle = (steps[:-1] + steps[1:]) / 2
    lattice = 0.0 if of_electrons else law["lattice_heat_capacity"]
    return np.sum((law["electron_heat_coefficient"] * middle + lattice) * np.diff(steps))


def test_limit_the_balance_of_energy_ends_at_the_curie_temperature():
    curie = value("Ni M3TM", "curie_temperature")
    assert chapter()["ends"]("Ni", curie_energy())[1] == pytest.approx(curie, rel=1e-9, abs=0)
    assert chapter()["ends"]("Ni", curie_energy(of_electrons=True))[0] == pytest.approx(curie, rel=1e-9, abs=0)


def test_limit_at_the_curie_temperature_the_cube_of_m_is_left():
    """1/m^2 grows by 2R/3 per time; twice or half of that rate is far off."""
    curie, own = value("Ni M3TM", "curie_temperature"), chapter()["rate"]("Ni")
    t = np.array([0.0, 50.0, 400.0, 800.0]) * ps
    m = m3tm(t, curie, curie, rate=own, curie_temperature=curie, initial_magnetization=0.1)
    slopes = np.diff(1 / m**2) / np.diff(t)
    np.testing.assert_allclose(slopes / own, 2 / 3, rtol=2e-3)


@pytest.mark.parametrize(("share", "duration"), [(0.5, 0.05), (0.9, 0.5), (0.9, 5.0), (1.2, 0.05)])
def test_invariant_what_a_pulse_does_by_a_general_solver(share, duration):
    """Two temperatures and m as one set of equations; the page takes them from two functions of the library."""
    room, absorbed = chapter(), share * curie_energy() / 1e9
    room |= {"CLOSE": 0.02, "curie_m3tm": value("Ni M3TM", "curie_temperature")}
    room["band"] = room["filled"](room["fitted_to_order"]())
    defined(PAGE, room, ["final_m", "answer"])
    found = room["answer"](absorbed, duration)
    gamma, heat, coupling = room["heat"]("Ni").values()
    width = duration * ps / np.sqrt(8 * np.log(2))
    start = equilibrium_magnetization(300.0, room["curie_m3tm"])

    def slope(t, y):
        power = absorbed * 1e9 * np.exp(-0.5 * (t / width) ** 2) / np.sqrt(2 * np.pi) / width
        flow = coupling * (y[0] - y[1])
        return (power - flow) / (gamma * y[0]), flow / heat, room["koopmans"]("Ni", *y[[2, 0, 1]])

    shown = np.linspace(-3 * duration, 14, 1500) * ps
    run = solve_ivp(slope, (-6 * duration * ps, shown[-1]), [300.0, 300.0, start], method="LSODA", rtol=1e-9,
                    atol=1e-10, max_step=duration * ps / 4, t_eval=shown)  # fmt: skip
    m = run.y[2]
    assert found["least"] == pytest.approx(m.min() / start, rel=2e-3, abs=1e-6)
    late = np.flatnonzero(np.abs(m - room["final_m"](absorbed)) > 0.02)[-1]
    assert found["settled"] == pytest.approx(shown[late] / ps, rel=0.01, abs=0.02)


# ---- bands ---------------------------------------------------------------------------------------------------------


def cubic(kind, divisions=12):
    """Top of the band of nearest neighbours over J S_0, its stiffness over J S_0 a^2, atoms in a^3 and neighbours."""
    shells = {
        "sc": ([(1, 0, 0)], 1),
        "bcc": ([(0.5, 0.5, 0.5)], 2),
        "fcc": ([(0.5, 0.5, 0)], 4),
    }
    (seed,), atoms = shells[kind]
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
    places = {tuple(np.array(p) * s) for p in {seed, seed[1:] + seed[:1], seed[2:] + seed[:2]} for s in signs}
    bonds = np.array(sorted({tuple(x + 0.0 for x in place) for place in places}))
    grid = np.linspace(0, 4 * np.pi, 2 * divisions, endpoint=False)
    q = np.array(np.meshgrid(grid, grid, grid)).reshape(3, -1).T
    energy = 2 * np.sum(1 - np.cos(q @ bonds.T), axis=1)
    small = np.array([1e-4, 0, 0])
    stiffness = 2 * np.sum(1 - np.cos(bonds @ small)) / 1e-8
    return energy.max(), stiffness, atoms, len(bonds)


@pytest.mark.parametrize("kind", ["sc", "bcc", "fcc"])
def test_limit_band_of_nearest_neighbours_ends_above_the_mean_field_curie_temperature(kind):
    top, stiffness, atoms, bonds = cubic(kind)
    for spin in (0.5, 1.0, 3.5):
        mean_field = 2 * bonds * (spin + 1) / 3  # k_B T_C over J S_0
        if kind != "fcc":  # neighbours of two sublattices: the top is four times their number
            assert top / mean_field == pytest.approx(6 / (spin + 1), rel=1e-9, abs=0)
        parabola = stiffness * (6 * np.pi**2 * atoms) ** (2 / 3) / mean_field
        assert top / mean_field > 1 or spin == 3.5
        assert parabola > top / mean_field
    assert parabola < 2.2  # of the spin of gadolinium


RATIOS = {"Fe": (3.08, 84.9, 9.13), "Co": (1.59, 90.25, 14.77), "Ni": (0.775, 91.4, 24.1)}


@pytest.mark.parametrize("metal", RATIOS)
def test_paper_KK_statement_M40_measured_stiffness_puts_the_edge_of_the_zone_far_above_the_curie_temperature(metal):
    stiffness, atoms = value(metal, "spin_wave_stiffness"), 1 / value(metal, "atomic_volume")
    edge = k_B * value(metal, "curie_temperature")
    tiny = 1e-9 * meV
    # Right: the sphere that holds one mode for each atom, counted in wavevectors, ends at A q_b^2.
    q_b = (6 * np.pi**2 * atoms) ** (1 / 3)
    counted = quad(lambda q: 4 * np.pi * q**2 / (2 * np.pi) ** 3, 0, q_b)[0]
    assert counted == pytest.approx(atoms, rel=1e-12, abs=0)
    band = MagnonBand(tiny, stiffness, tiny + stiffness * q_b**2)
    assert band.mode_density == pytest.approx(atoms, rel=1e-12, abs=0)
    # Printed: the edge at k_B T_C, with the measured stiffness, holds (k_B T_C/A q_b^2)^(3/2) of these modes.
    printed = MagnonBand(tiny, stiffness, tiny + edge).mode_density
    ratio = stiffness * q_b**2 / edge
    assert printed / atoms == pytest.approx(ratio**-1.5, rel=1e-9, abs=0)
    modes, sites, above = RATIOS[metal]
    np.testing.assert_allclose(np.array([printed, atoms]) * nm**3, [modes, sites], rtol=2e-3)
    assert ratio == pytest.approx(above, rel=2e-3, abs=0)
    # The other measured stiffness leaves the conclusion as it is.
    other = value(f"{metal} neutron scattering", "spin_wave_stiffness")
    assert other * q_b**2 / edge > 8


@pytest.mark.parametrize("metal", ["Co", "Ni", "Gd"])
def test_limit_spin_density_is_half_of_the_moment_of_an_atom(metal):
    half = value(f"{metal} M3TM", "magnetic_moment") / (2 * mu_B)  # another column of the table
    assert chapter()["spins"](metal) * value(metal, "atomic_volume") == pytest.approx(half, rel=0.04, abs=0)


def test_limit_fitted_bands_have_the_modes_and_the_order_that_they_were_fitted_to():
    zone, S, curie = chapter()["zone"], chapter()["S"], chapter()["curie"]
    stiffness = (k_B * curie - meV) / zone(S)
    kept = chapter()["filled"](stiffness)
    assert kept.bandwidth == pytest.approx(k_B * curie, rel=1e-12, abs=0)
    assert kept.mode_density == pytest.approx(S, rel=1e-12, abs=0)
    ordered = chapter()["filled"](chapter()["fitted_to_order"]())
    x, weight = np.polynomial.legendre.leggauss(400)
    q = (1 + x) / 2
    energy = ordered.gap + ordered.width * q**2
    by_hand = 3 * S * (weight / 2) @ (q**2 / np.expm1(energy / (k_B * curie)))
    assert by_hand == pytest.approx(S, rel=1e-6, abs=0)
    np.testing.assert_allclose(np.array([stiffness, ordered.stiffness]) / UNIT, [0.383, 0.707], atol=1e-3)


def test_limit_missing_modes_are_too_high_to_be_filled():
    stiffness, S, curie = value("Ni", "spin_wave_stiffness"), chapter()["S"], chapter()["curie"]
    few = MagnonBand(meV, stiffness, k_B * curie)
    bands = [few, chapter()["filled"](stiffness), chapter()["filled"](stiffness, 1 / value("Ni", "atomic_volume"))]
    shares = [magnon_density(band, 300.0) / S for band in bands]
    assert [band.mode_density / few.mode_density for band in bands[1:]] == pytest.approx([36.5, 121.5], rel=0.01, abs=0)
    # Bloch's law without an upper edge, by its series.
    j = np.arange(1, 2000)
    bloch = (k_B * 300 / (4 * np.pi * stiffness)) ** 1.5 * np.sum(np.exp(-j * meV / (k_B * 300)) / j**1.5) / S
    np.testing.assert_allclose(shares[1:], bloch, rtol=1e-6)
    assert 0.8 < shares[0] / bloch < 1


def test_paper_KK_statement_M42_band_in_equilibrium_holds_more_magnons_than_spins():
    modes = KK_BAND.mode_density  # S of a spin 1 for each mode; KK Fig. 6 does not print S

    def held(kelvin):
        def occupied(q):
            return 3 * q**2 / np.expm1((KK_BAND.gap + KK_BAND.width * q**2) / (k_B * kelvin))

        return quad(occupied, 0, 1, epsrel=1e-12)[0]

    # Right: n_d reaches S at the temperature ``full``, below T_C; only below it S_z = n_d - S is negative.
    full = brentq(lambda kelvin: held(kelvin) - 1, 100, 1000)
    assert magnon_density(KK_BAND, full) == pytest.approx(modes, rel=1e-9, abs=0)
    assert full == pytest.approx(666.7, abs=0.1)
    # Printed: at T_s = T_C, where the sum rule is used, the longitudinal spin of the same band has changed its sign.
    assert magnon_density(KK_BAND, 1000.0) / modes == pytest.approx(held(1000.0), rel=1e-9, abs=0)
    assert held(1000.0) == pytest.approx(1.687, abs=1e-3)
    # The dynamics goes there: constant T_s = T_C without much feedback.
    loose = Ferromagnet(KK_BAND, 0.01, 0.1, -0.1 * meV * nm**3, 2 * ps)
    run = simulate_demagnetization(loose, 1000.0, [0.0, 3 * ps], initial_temperature=100.0)
    assert run.magnon_density[-1] > modes


# ---- two models of one transfer ------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(m=st.floats(0.01, 0.99), ratio=st.floats(0.1, 5.0))
def test_invariant_spin_half_instead_of_bosons_turns_kk_24_into_the_model(m, ratio):
    # Rates of a spin that is reversed with probability p, Delta = 2 m k_B T_C in units of k_B T_e.
    split = 2 * m / ratio
    quanta, p = 1 / np.expm1(split), (1 - m) / 2
    growth = -2 * split * (quanta * (1 - p) - (quanta + 1) * p)
    assert growth == pytest.approx(split * (1 - m / np.tanh(m / ratio)), rel=1e-9, abs=1e-12)


@cache
def heated_nickel():
    return chapter()["heated"](chapter()["PULSE"])


def test_limit_spins_half_with_a_fast_lattice_are_the_model():
    laser = heated_nickel()
    t = np.linspace(-0.15, 3, 127) * ps
    curie, pace = value("Ni M3TM", "curie_temperature"), chapter()["rate"]("Ni")
    model = m3tm(t, laser, laser.lattice, rate=pace, curie_temperature=curie)
    free = chapter()["two_level"](laser, t, 0.0, 1.0)[0]
    np.testing.assert_allclose(free, model, atol=1e-7)
    # What the accumulation takes away is of first order in its relaxation time.
    off = [np.abs(chapter()["two_level"](laser, t, 6.0, tau)[0] - model).max() for tau in (2e-3, 1e-3)]
    assert off[0] / off[1] == pytest.approx(2, rel=0.05, abs=0)
    assert off[1] < 1e-3


@pytest.mark.parametrize("tau", [0.1, 2.0])
def test_invariant_only_relaxation_of_the_accumulation_changes_the_ledger(tau):
    t = np.linspace(-0.15, 4, 1661) * ps
    m, mu = chapter()["two_level"](heated_nickel(), t, 6.0, tau)
    held = (m[0] - m) * chapter()["S"] * nm**3 + mu / 6.0
    gone = np.concatenate([[0], np.cumsum((mu[1:] + mu[:-1]) / 2 * np.diff(t / ps))]) / (-6.0 * tau)
    np.testing.assert_allclose(held, gone, atol=2e-3)
    # At the lowest mu_s the electrons hold most of what the magnet has lost, if they are slow to lose it.
    low = mu.argmin()
    share = -mu[low] / 6.0 / ((m[0] - m[low]) * chapter()["S"] * nm**3)
    assert share == pytest.approx({0.1: 0.57, 2.0: 0.93}[tau], abs=0.01)


def test_limit_fast_flips_leave_the_equation_of_the_exercise():
    laser, S, curie = heated_nickel(), chapter()["S"], value("Ni M3TM", "curie_temperature")
    t = np.linspace(-0.15, 1, 47) * ps
    speed = 2 * k_B * curie / (6 * meV * nm**3 * 0.08 * ps * S)

    def reduced(time, m):
        return speed * (m - laser(time) / curie * np.arctanh(m))

    start = [equilibrium_magnetization(300.0, curie)]
    wanted_m = solve_ivp(
        reduced, t[[0, -1]], start, t_eval=t, method="LSODA", rtol=1e-9, atol=1e-11, max_step=0.05 * ps
    )
    off = []
    for size in (300.0, 600.0):
        full = chapter()["two_level"](laser, t, size, 0.48 / size, faster=size / 6)[0]
        off.append(np.abs(full - wanted_m.y[0]).max())
    assert off[0] / off[1] == pytest.approx(2, rel=0.15, abs=0)
    # For small m both are m (1 - T_e/T_C) times a rate; equal rates need tau_s = 0.08 ps in nickel.
    equal = 2 * k_B * curie / (6 * meV * nm**3 * S) / (chapter()["rate"]("Ni") * 300 / curie)
    assert equal / ps == pytest.approx(0.0793, abs=1e-4)


def test_paper_KK_statement_M41_tau_i_is_neither_the_first_rate_nor_a_time_of_demagnetisation():
    tau_i = hbar / (0.1 * k_B * 1000)
    assert tau_i / fs == pytest.approx(76.4, abs=0.05)
    # Right: the golden rule at the start, by an integral that knows neither the package nor the limit.

    def growth(q, hot, cold):
        energy = (KK_BAND.gap + KK_BAND.width * q**2) / k_B
        gamma = 0.02 + 0.1 * q**2
        return 3 * q**2 * gamma * energy * (1 / np.expm1(energy / hot) - 1 / np.expm1(energy / cold)) * k_B / hbar

    first = quad(growth, 0, 1, args=(1000.0, 100.0), epsrel=1e-11)[0]  # of the modes, per second
    run = simulate_demagnetization(KK_MAGNET, 1000.0, np.array([0, 0.2, 1.0]) * ps, initial_temperature=100.0)
    current = spin_transfer_current(KK_BAND, KK_MAGNET.scattering_rate, run.occupation[0], 1000.0, 0.0, points=32)
    assert current / (hbar * KK_BAND.mode_density) == pytest.approx(first, rel=1e-9, abs=0)
    assert first * tau_i == pytest.approx(0.5516, abs=2e-4)
    # Printed: 1/tau_i, for which the limit of Rayleigh and Jeans has 3/5 + 2 alpha/alpha* and the golden rule less.
    assert first * tau_i < 0.6 + 0.02 / 0.1
    # After 2.6 tau_i there are a third as many new magnons as modes, not 93 %, and then the accumulation has nearly
    # stopped it.
    lost = (run.magnon_density - run.magnon_density[0]) / KK_BAND.mode_density
    np.testing.assert_allclose(lost[1:], [0.3618, 0.4488], atol=5e-4)
    assert lost[1] < 0.5 * (1 - np.exp(-0.2 * ps / tau_i))


def test_limit_bands_of_the_page_follow_a_general_solver():
    t = np.linspace(-0.15, 1, 24) * ps
    band = chapter()["filled"](chapter()["fitted_to_order"]())
    for tau, rho in ((0.05, 6.0), (2.0, 20.0)):
        magnet = chapter()["magnet"](band, tau=tau, rho=rho)
        ours, second = (route(magnet, heated_nickel(), t) for route in (chapter()["demagnetized"], second_route))
        np.testing.assert_allclose(ours[0], second[0], rtol=2e-6)
        np.testing.assert_allclose(ours[1], second[1], atol=2e-5)


# ---- times and fits ------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(fast=st.floats(0.05, 0.5), ratio=st.floats(4, 60), share=st.floats(-0.6, 2.0).filter(lambda x: abs(x) > 0.05))
def test_invariant_fit_of_exponentials_finds_what_was_put_in(fast, ratio, share):
    slow = fast * ratio
    t = np.geomspace(fast / 10, 6 * slow, 200)
    y = 1 - np.exp(-t / fast) + share * (1 - np.exp(-t / slow))
    np.testing.assert_allclose(chapter()["exponentials"](t, y, [fast * 1.3, slow / 1.3]) / ps, [fast, slow], rtol=1e-4)


def test_limit_times_of_nickel_and_gadolinium_by_another_fit():
    even = chapter()["even"]
    m = chapter()["koopmans_run"]("Ni", 0.75, even)
    down, up = chapter()["dip_times"](m)
    low = m.argmin()
    fall = slice(15, low + 1)

    def single(t, size, tau):
        return size * (1 - np.exp(-t / tau))

    (_, by_fit), _ = curve_fit(single, even[fall] / ps, 1 - m[fall] / m[0], [0.3, 0.2])
    (_, back), _ = curve_fit(single, (even[low:] - even[low]) / ps, m[low:] - m[low], [0.1, 0.5])
    np.testing.assert_allclose([down / ps, up / ps], [by_fit, back], rtol=1e-4)
    assert down / fs == pytest.approx(134.9, abs=0.5)
    times = np.concatenate([even[:1], np.geomspace(0.02, 150, 300) * ps])
    fast, slow = chapter()["step_times"](times, chapter()["koopmans_run"]("Gd", 0.75, times))
    np.testing.assert_allclose([fast / ps, slow / ps], [0.761, 29.7], rtol=5e-3)


def test_limit_energy_for_the_amplitude_of_the_multilayer():
    even, seen = chapter()["even"], value("Co/Pd multilayer", "demagnetization_amplitude")

    def missing(share):
        m = chapter()["koopmans_run"]("Co", share, even)
        return 1 - m.min() / m[0] - seen

    *_, absorbed = chapter()["pulse_on"]("Co", brentq(missing, 0.75, 0.95, xtol=1e-4))
    assert absorbed / 1e9 == pytest.approx(5.13, abs=0.05)  # J/m^3, 10 mJ/cm^2 in 20 nm


def information(columns, sigma=0.005):
    return np.linalg.inv(columns.T @ columns) * sigma**2


@cache
def derivatives(tau):
    """Sensitivity of m(t)/m(0) to ln alpha*, ln tau_s and ln |rho|, by the general solver and its own step."""
    band = chapter()["filled"](chapter()["fitted_to_order"]())
    t = np.concatenate([[-0.15], np.geomspace(0.02, 10, 24)]) * ps

    def curve(logs, route):
        share, _ = route(chapter()["magnet"](band, *np.exp(logs)), heated_nickel(), t)
        return (1 - share) / (1 - share[0])

    def jacobian(route, step):
        base = np.log([0.1, tau, 6.0])
        shifts = step * np.eye(3)
        return np.array([(curve(base + x, route) - curve(base - x, route)) / (2 * step) for x in shifts]).T

    return jacobian(chapter()["demagnetized"], 2e-3), jacobian(second_route, 2e-2)


def test_limit_sensitivities_agree_with_the_general_solver():
    ours, second = derivatives(0.5)
    np.testing.assert_allclose(ours, second, atol=2e-3 * np.abs(ours).max())


def test_limit_short_relaxation_time_leaves_the_product_alone():
    def angle(columns):
        _, tau, rho = columns.T
        return tau @ rho / np.linalg.norm(tau) / np.linalg.norm(rho)

    def advantage(columns):
        spread = information(columns)
        return np.sqrt(spread[1:, 1:].sum() / spread[1, 1])

    short, usual = derivatives(0.02)[0], derivatives(0.5)[0]
    assert angle(short) > 0.99 > angle(usual)
    # Errors of tau_s and rho at 0.02 ps are useless, at 0.5 ps small; the product is known better than either.
    assert np.sqrt(information(short)[1, 1]) > 1 > 10 * np.sqrt(information(usual)[1, 1])
    assert advantage(short) < 0.5
    assert advantage(usual) < 0.5


# ---- the page ------------------------------------------------------------------------------------------------------


def test_invariant_figures_say_that_their_inputs_are_unverified():
    cells = jupytext.read(PAGE, fmt="md:myst").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert len(re.findall(r"\bmaterial\(", code)) == 1
    open_entries = [name for name, quantities in wanted().items() for q in quantities if not material(name, q).verified]
    captions = [cell.metadata["mystnb"]["figure"]["caption"] for cell in cells if "mystnb" in cell.metadata]
    assert len(captions) == 7
    for caption in captions:
        assert ("unverified inputs" in caption) == bool(open_entries), "the badge follows the table of materials"
