"""Temperatures under a pulse and the M3TM against closed forms, conservation and integrators of the printed equations.

The two-temperature model is solved for one unknown with the energy in closed form, M3TM for ln m, both by collocation.
The second route here takes the equations as they are printed, with T_e, T_p and m as unknowns, to an explicit method.
"""

import csv
import json
import pickle
from itertools import pairwise
from math import exp, log, pi, sqrt, tanh
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from scipy.special import expit

from spinlib.magnons import _panels
from spinlib.magnons.temperature_models import (
    TemperaturePulse,
    equilibrium_magnetization,
    m3tm,
    m3tm_rate,
    two_temperature,
)
from spinlib.units import angstrom, fs, k_B, meV, mu_B, ps

# Of the size of nickel and gadolinium; the numbers are chosen.
LIGHT = {"electron_heat_coefficient": 5400.0, "lattice_heat_capacity": 2.3e6, "electron_phonon_coupling": 4e18}
HEAVY = {"electron_heat_coefficient": 225.0, "lattice_heat_capacity": 1.5e6, "electron_phonon_coupling": 2e17}
PULSE = {"absorbed_energy_density": 1.2e9, "pulse_duration": 50 * fs, "pulse_center": 200 * fs}
TIMES = np.linspace(0, 8, 161) * ps


def run(times=TIMES, metal=LIGHT, **changed):
    return two_temperature(times, **{**metal, **PULSE, **changed})


def power(t, energy, duration, center):
    """A Gaussian, by what defines its width: half its height at half its duration."""
    height = energy / quad(lambda s: 0.5 ** ((2 * s) ** 2), -9, 9, epsabs=1e-14)[0] / duration
    return height * 0.5 ** ((2 * (t - center) / duration) ** 2)


def printed(times, metal, energy, duration, center, cold, rate=0.0, curie=1.0, start=0.0):
    """T_e, T_p and ln m ``(3, T)`` from the equations as they are printed, times in ps."""
    gamma, capacity, coupling = metal.values()
    height = power(center, energy, duration, center)

    def slopes(s, y):
        electrons, lattice, m = y[0], y[1], exp(y[2])
        flow = coupling * (electrons - lattice)
        fed = height * 0.5 ** ((2 * (s * ps - center) / duration) ** 2)
        flips = rate * lattice / curie * (1 - m / tanh(m * curie / electrons)) if m > 0 else 0.0
        return [(fed - flow) / (gamma * electrons) * ps, flow / capacity * ps, flips * ps]

    span, first = times[[0, -1]] / ps, [cold, cold, start]
    settings = {"rtol": 1e-13, "atol": 1e-13, "max_step": duration / ps}
    done = solve_ivp(slopes, span, first, "DOP853", t_eval=times / ps, **settings)
    assert done.success
    return done.y


# --- a pulse of given shape -------------------------------------------------------------------------------------------


def test_limit_pulse_follows_its_definition() -> None:
    for shape, half in (("linear", 0.5), ("sin2", (1 - np.cos(pi / 2)) / 2)):
        pulse = TemperaturePulse(100.0, 1000.0, 0.05 * ps, 2 * ps, shape)
        assert pulse(-1.0) == pulse(0.0) == 100.0
        assert pulse(0.025 * ps) == pytest.approx(100 + 900 * half, abs=1e-10)
        assert pulse(0.05 * ps) == pytest.approx(1000, abs=1e-10)
        assert pulse(0.05 * ps + 2 * ps * log(2)) == pytest.approx(550, abs=1e-10)  # half of the rise is left
        assert pulse(1.0) == 100.0
    third = TemperaturePulse(100.0, 1000.0, 3.0, 1.0, "sin2")(1.0)
    assert third == pytest.approx(100 + 900 / 4, abs=1e-10)  # sin 30 degrees is 1/2
    assert TemperaturePulse(100.0, 1000.0, 3.0, 1.0)(1.0) == pytest.approx(400, abs=1e-10)


@pytest.mark.parametrize("shape", ["linear", "sin2"])
def test_limit_pulse_has_its_kinks_at_its_breakpoints(shape) -> None:
    pulse = TemperaturePulse(200.0, 500.0, 2.0, 5.0, shape)
    assert pulse.breakpoints == (0.0, 2.0)
    h = 1e-4
    for t in np.linspace(-1, 9, 41):
        slopes = np.diff(pulse([t - h, t, t + h])) / h
        bends = np.diff(pulse([t - 2 * h, t - h, t, t + h, t + 2 * h]), 2) / h**2
        if t in pulse.breakpoints:
            assert abs(bends[2] - bends[0]) > 1 or abs(slopes[1] - slopes[0]) > 1
        else:
            assert abs(slopes[1] - slopes[0]) < 0.1
            assert abs(bends[2] - bends[0]) < 0.5
    before, after = np.diff(pulse([2 - h, 2.0, 2 + h])) / h
    assert before == pytest.approx(150 if shape == "linear" else 0, abs=0.02)
    assert after == pytest.approx(-60, abs=0.01)  # (peak - base)/decay_time


def test_limit_pulse_without_decay_stays() -> None:
    pulse = TemperaturePulse(100.0, 300.0, 1.0, float("inf"))
    assert pulse([0.5, 1.0, 1e9]).tolist() == [200.0, 300.0, 300.0]


@given(
    base=st.floats(1, 2000),
    peak=st.floats(1, 2000),
    rise=st.floats(1e-15, 1e-12),
    decay=st.floats(1e-14, 1e-11),
    shape=st.sampled_from(["linear", "sin2"]),
)
@settings(max_examples=40)
def test_invariant_pulse_stays_between_base_and_peak(base, peak, rise, decay, shape) -> None:
    """And rises and falls once; a pulse that cools is the mirror image of one that heats."""
    pulse = TemperaturePulse(base, peak, rise, decay, shape)
    up, down = pulse(np.linspace(0, rise, 50)), pulse(rise + np.linspace(0, 5 * decay, 50))
    sign, slack = np.sign(peak - base), 1e-12 * max(base, peak)
    assert (sign * np.diff(up) >= -slack).all()
    assert (sign * np.diff(down) <= slack).all()
    both = np.concatenate([up, down])
    assert both.min() >= min(base, peak) - slack
    assert both.max() <= max(base, peak) + slack
    mirrored = TemperaturePulse(peak, base, rise, decay, shape)(rise * np.linspace(-1, 30, 50))
    np.testing.assert_allclose(pulse(rise * np.linspace(-1, 30, 50)) + mirrored, base + peak, rtol=1e-13)


@pytest.mark.parametrize("temperature", [TemperaturePulse(300.0, 900.0, 1 * ps, 1 * ps), run(), run().lattice])
def test_invariant_a_temperature_takes_times_of_any_shape(temperature) -> None:
    times = np.array([[-1.0, 0.1, 0.25], [0.3, 2.0, 7.9]]) * ps
    found = temperature(times)
    assert found.shape == (2, 3)
    for index, t in np.ndenumerate(times):
        one = temperature(float(t))
        assert type(one) is float
        assert one == pytest.approx(found[index], abs=1e-10)
    assert type(temperature(0)) is float
    assert temperature(times.ravel().tolist()).tolist() == found.ravel().tolist()
    assert temperature(np.zeros((0,))).shape == (0,)
    assert pickle.loads(pickle.dumps(temperature))(times).tolist() == found.tolist()
    breakpoints = temperature.breakpoints
    assert isinstance(breakpoints, tuple)
    assert all(type(t) is float for t in breakpoints)
    assert list(breakpoints) == sorted(set(breakpoints))


# --- electrons and lattice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metal", "energy", "duration", "cold"),
    [
        (LIGHT, 1.2e9, 50 * fs, 300.0),
        (LIGHT, 6e9, 20 * fs, 300.0),
        (LIGHT, 1e9, 300 * fs, 5.0),
        (HEAVY, 3e8, 50 * fs, 293.0),
        (HEAVY, 3e8, 100 * fs, 10.0),
        (HEAVY, 1e2, 100 * fs, 300.0),
    ],
)
def test_limit_two_temperatures_solve_the_printed_equations(metal, energy, duration, cold) -> None:
    center = 2 * duration
    got = two_temperature(
        TIMES,
        **metal,
        absorbed_energy_density=energy,
        pulse_duration=duration,
        pulse_center=center,
        initial_temperature=cold,
    )
    electrons, lattice, _ = printed(TIMES, metal, energy, duration, center, cold)
    np.testing.assert_allclose(got.electron_temperature, electrons, rtol=1e-9)
    np.testing.assert_allclose(got.lattice_temperature, lattice, rtol=1e-10)
    assert got.time.tolist() == TIMES.tolist()
    assert got.electron_temperature[0] == got.lattice_temperature[0] == cold


def test_limit_two_temperatures_without_coupling() -> None:
    """The electrons keep what they get: T_e^2 = T_0^2 + 2 U/gamma times the share of the pulse that has come."""
    got = run(electron_phonon_coupling=0.0)
    u, tau, t0 = PULSE.values()
    for t, electrons in zip(TIMES[:9], got.electron_temperature, strict=False):
        fed = quad(power, 0.0, t, args=(u, tau, t0), epsabs=1e-3, points=[t0] if t > t0 else None)[0]
        assert electrons == pytest.approx(sqrt(300**2 + 2 * fed / 5400), rel=1e-10, abs=0)
    np.testing.assert_allclose(got.electron_temperature[9:], sqrt(300**2 + 2 * u / 5400), rtol=1e-12)
    assert (got.lattice_temperature == 300).all()


def test_limit_two_temperatures_without_a_pulse() -> None:
    got = run(absorbed_energy_density=0.0, initial_temperature=77.0)
    assert (got.electron_temperature == 77).all()
    assert (got.lattice_temperature == 77).all()


def implicit(start, now, energy, metal):
    """How long the electrons take from the temperature ``start`` to ``now`` when no pulse is on.

    With T_p from the energy, dT_e/dt has the roots a, the common temperature at the end, and -b in T_e: the equation
    is separable, and the integral of T/((T - a)(T + b)) a sum of two logarithms.
    """
    gamma, capacity, coupling = metal.values()
    a = (sqrt(capacity**2 + 2 * gamma * energy) - capacity) / gamma
    b = a + 2 * capacity / gamma
    logs = a * np.log((start - a) / (now - a)) + b * np.log((start + b) / (now + b))
    return 2 * capacity / coupling * logs / (a + b)


@pytest.mark.parametrize("metal", [LIGHT, HEAVY])
def test_limit_two_temperatures_relax_as_the_implicit_solution(metal) -> None:
    got = run(np.linspace(0, 3, 301) * ps, metal)
    after = got.time > 0.2 * ps + 3.5 * 50 * fs
    t, electrons, lattice = got.time[after], got.electron_temperature[after], got.lattice_temperature[after]
    energy = metal["electron_heat_coefficient"] * electrons[0] ** 2 / 2 + metal["lattice_heat_capacity"] * lattice[0]
    np.testing.assert_allclose(implicit(electrons[0], electrons, energy, metal), t - t[0], rtol=1e-8, atol=1e-9 * ps)
    assert electrons[0] - lattice[0] > 20 * (electrons[-1] - lattice[-1]) / (1 if metal is LIGHT else 20)


def test_limit_a_very_short_pulse_heats_at_once() -> None:
    """T_e jumps to sqrt(T_0^2 + 2 U/gamma) and relaxes from there; the window is 1e11 pulses long."""
    t0, hot = 0.2 * ps, sqrt(300**2 + 2 * 1.2e9 / 5400)
    times = np.array([0.0, 0.19, 0.20001, 0.3, 0.7, 1.5, 4.0, 100.0]) * ps
    got = run(times, pulse_duration=1e-9 * ps)
    assert got.electron_temperature[:2].tolist() == pytest.approx([300, 300], abs=1e-9)
    energy = 5400 * hot**2 / 2 + 2.3e6 * 300
    since = implicit(hot, got.electron_temperature[2:6], energy, LIGHT)
    np.testing.assert_allclose(since, times[2:6] - t0, rtol=0, atol=1e-9 * ps)
    end = brentq(lambda kelvin: 5400 * kelvin**2 / 2 + 2.3e6 * kelvin - energy, 300, hot)
    assert got.electron_temperature[-1] == pytest.approx(end, abs=1e-7)
    assert got.lattice_temperature[-1] == pytest.approx(end, abs=1e-7)


@pytest.mark.parametrize("duration", [1e-26, 1e-28, 1e-30])
def test_limit_a_pulse_shorter_than_a_step_of_the_clock_is_a_jump(duration) -> None:
    """Its breakpoints are next to each other or one."""
    got, short = (run(np.array([0.0, 0.3, 8.0]) * ps, pulse_duration=tau) for tau in (duration, 1e-20))
    np.testing.assert_allclose(got.electron_temperature, short.electron_temperature, rtol=1e-7)
    assert list(got.breakpoints) == sorted(set(got.breakpoints))


def test_limit_a_start_near_absolute_zero() -> None:
    """The first share of the pulse is then as good as its last; the rest is as from a little above."""
    cold = [run(initial_temperature=kelvin).electron_temperature[1:] for kelvin in (1e-5, 1e-3)]
    np.testing.assert_allclose(cold[0][20:], cold[1][20:], rtol=2e-5)


def test_limit_weak_heating_relaxes_at_the_sum_of_both_rates() -> None:
    """T_e - T_p = U/(gamma T_0) exp[-(g/(gamma T_0) + g/C_p) t] after a short and weak pulse."""
    weak, g = 1e2, 4e18
    got = run(np.array([0.0, 0.5, 0.9, 1.3]) * ps, absorbed_energy_density=weak, pulse_duration=0.001 * ps)
    apart = (got.electron_temperature - got.lattice_temperature)[1:]
    expected = weak / (5400 * 300) * np.exp(-(g / (5400 * 300) + g / 2.3e6) * (got.time[1:] - 0.2 * ps))
    np.testing.assert_allclose(apart, expected, rtol=2e-6)


def test_limit_a_pulse_of_femtoseconds_in_a_nanosecond_is_not_stepped_over() -> None:
    for center in (1e-13, 1.234e-10, 9e-10):
        got = run([0.0, center / 2, 1e-9], pulse_center=center, pulse_duration=10 * fs)
        energy = 5400 * 300**2 / 2 + 2.3e6 * 300 + 1.2e9
        end = brentq(lambda kelvin, u=energy: 5400 * kelvin**2 / 2 + 2.3e6 * kelvin - u, 300, 2000)
        np.testing.assert_allclose([got.electron_temperature[-1], got.lattice_temperature[-1]], end, rtol=1e-10)


@given(
    gamma=st.floats(50, 1e4),
    capacity=st.floats(1e5, 5e6),
    coupling=st.floats(1e16, 1e19),
    heat=st.floats(1e-4, 30.0),
    duration=st.floats(1e-15, 1e-12),
    cold=st.floats(5.0, 1000.0),
)
@settings(max_examples=30)
def test_invariant_energy_rises_with_the_pulse_and_then_stays(gamma, capacity, coupling, heat, duration, cold) -> None:
    metal = dict(zip(LIGHT, (gamma, capacity, coupling), strict=True))
    inner = gamma * cold**2 / 2 + capacity * cold
    energy, center = heat * inner, 3 * duration
    times = duration * np.array([0, 2.0, 2.5, 3.0, 3.2, 4.0, 8.0, 50.0])
    got = two_temperature(
        times,
        **metal,
        absorbed_energy_density=energy,
        pulse_duration=duration,
        pulse_center=center,
        initial_temperature=cold,
    )
    held = gamma * got.electron_temperature**2 / 2 + capacity * got.lattice_temperature - inner
    fed = [
        quad(power, a, b, args=(energy, duration, center), epsabs=1e-12 * energy, epsrel=0)[0]
        for a, b in pairwise(times[:-1])
    ]
    np.testing.assert_allclose(held[1:-1], np.cumsum(fed), rtol=0, atol=1e-11 * (inner + energy))
    assert held[-1] == pytest.approx(energy, abs=1e-11 * (inner + energy))
    # Heat flows from the hot electrons to the lattice, and nothing gets colder than it was.
    fine = np.linspace(0, times[-1], 400)
    electrons, lattice = got(fine), got.lattice(fine)
    assert (electrons >= lattice * (1 - 1e-9)).all()
    assert (np.diff(lattice) >= -1e-11 * lattice[1:]).all()
    assert lattice[0] == cold


@given(scale=st.floats(1e-3, 1e3), slower=st.floats(1e-3, 1e3), later=st.floats(-1e-11, 1e-11))
@settings(max_examples=20)
def test_invariant_temperatures_do_not_depend_on_units(scale, slower, later) -> None:
    """Energies times s and times times r leave the temperatures alone if the coupling takes s/r; the origin is free."""
    base = run()
    times = TIMES * slower + later
    other = two_temperature(
        times,
        electron_heat_coefficient=5400 * scale,
        lattice_heat_capacity=2.3e6 * scale,
        electron_phonon_coupling=4e18 * scale / slower,
        absorbed_energy_density=1.2e9 * scale,
        pulse_duration=50 * fs * slower,
        pulse_center=200 * fs * slower + later,
    )
    slack = 1e-10 + 1e-14 * abs(later) / (50 * fs * slower)
    np.testing.assert_allclose(other.electron_temperature, base.electron_temperature, rtol=slack)
    np.testing.assert_allclose(other.lattice_temperature, base.lattice_temperature, rtol=slack)


def test_invariant_a_solution_between_its_records_is_that_of_more_records() -> None:
    coarse, fine = run(TIMES[[0, 3, 160]]), run(np.linspace(0, 8, 4001) * ps)
    np.testing.assert_allclose(coarse(fine.time), fine.electron_temperature, rtol=1e-12)
    np.testing.assert_allclose(coarse.lattice(fine.time), fine.lattice_temperature, rtol=1e-12)
    assert coarse(coarse.time).tolist() == coarse.electron_temperature.tolist()
    assert coarse.lattice(coarse.time).tolist() == coarse.lattice_temperature.tolist()


def test_limit_a_solution_outside_its_records() -> None:
    got = run(TIMES + 1 * ps, pulse_center=1.2 * ps)
    assert got([-5 * ps, 0.0, 1 * ps]).tolist() == [300.0] * 3
    assert got.lattice([-5 * ps, 0.0, 1 * ps]).tolist() == [300.0] * 3
    last = got.time[-1]
    for rounded in (np.nextafter(last, 1), last * (1 + 1e-14)):
        assert got(rounded) == got.electron_temperature[-1]
        assert got.lattice(rounded) == got.lattice_temperature[-1]


def test_limit_breakpoints_bracket_the_pulse() -> None:
    u, tau, t0 = PULSE.values()
    got = run(TIMES)
    start, before, middle, after = got.breakpoints
    assert (start, middle) == (0.0, t0)
    for left, right in ((before - 20 * tau, before), (after, after + 20 * tau)):
        assert quad(power, left, right, args=(u, tau, t0), epsabs=1e-12)[0] < 1e-14 * u
    assert after - before < 10 * tau
    assert got.lattice.breakpoints == got.breakpoints
    assert run(pulse_center=80 * fs).breakpoints == pytest.approx((0.0, 80 * fs, 255 * fs), abs=1e-20)
    assert run(TIMES[:4], pulse_center=1 * ps).breakpoints == (0.0,)  # the pulse comes after the end


def test_limit_kinetics_of_magnons_see_the_pulse_between_two_records() -> None:
    """Two records, a nanosecond apart, with a pulse of 20 fs in between give what records in the pulse give."""
    from spinlib.magnons.band import MagnonBand
    from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization

    band = MagnonBand(gap=5 * meV, stiffness=0.6e-18 * meV, bandwidth=k_B * 1000)
    magnet = Ferromagnet(band, 0.01, 0.1, feedback=-6e-27 * meV, spin_relaxation_time=2 * ps)
    ends, center = np.array([0.0, 1000.0]) * ps, 900.1234 * ps
    fine = np.unique(np.concatenate([ends, np.linspace(center - 0.1 * ps, center + 2 * ps, 400)]))
    heating = run(ends, pulse_duration=20 * fs, pulse_center=center)
    for temperature in (heating, heating.lattice):
        few, many = (simulate_demagnetization(magnet, temperature, t, points=16) for t in (ends, fine))
        assert many.magnon_density[-1] > 1.1 * many.magnon_density[0]
        np.testing.assert_allclose(few.magnon_density, many.magnon_density[[0, -1]], rtol=1e-8)
    many = simulate_demagnetization(magnet, heating, fine, points=16).spin_accumulation
    seen = simulate_demagnetization(magnet, heating, [*ends[:1], center + 0.2 * ps], points=16).spin_accumulation[-1]
    assert seen == pytest.approx(np.interp(center + 0.2 * ps, fine, many), rel=1e-3, abs=0)
    assert seen < -1 * meV


def test_limit_a_start_within_the_pulse_leaves_out_what_has_come() -> None:
    """1.3124 durations before the centre 0.0995 per cent of a Gaussian have come."""
    u, tau, _ = PULSE.values()
    got = run(np.array([0.0, 20.0]) * ps, pulse_center=1.3124 * tau)
    early = quad(power, -9 * tau, 0, args=(u, tau, 1.3124 * tau), epsabs=1e-3)[0]
    assert early / u == pytest.approx(0.000999, abs=1e-6)
    held = 5400 * got.electron_temperature**2 / 2 + 2.3e6 * got.lattice_temperature
    assert held[1] - held[0] == pytest.approx(u - early, rel=1e-9, abs=0)


def test_limit_two_temperatures_as_a_table(tmp_path) -> None:
    got = run(TIMES[:3])
    assert list(got.columns()) == ["time", "electron_temperature", "lattice_temperature"]
    got.to_csv(tmp_path / "run.csv")
    rows = list(csv.reader((tmp_path / "run.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["time [s]", "electron_temperature [K]", "lattice_temperature [K]"]
    np.testing.assert_array_equal(np.array(rows[1:], dtype=float).T, list(got.columns().values()))
    assert repr(got.lattice) == f"<T_p of {got!r}>"


# --- the rate of M3TM -------------------------------------------------------------------------------------------------

NICKEL = {
    "spin_flip_probability": 0.185,
    "electron_phonon_coupling": 4.05e18,
    "curie_temperature": 627.0,
    "atomic_volume": (3.52 * angstrom) ** 3 / 4,
    "magnetic_moment": 0.62 * mu_B,
    "debye_energy": 36 * meV,
}
COBALT = {
    "spin_flip_probability": 0.150,
    "electron_phonon_coupling": 4.05e18,
    "curie_temperature": 1388.0,
    "atomic_volume": sqrt(3) / 4 * 2.51**2 * 4.07 * angstrom**3,
    "magnetic_moment": 1.72 * mu_B,
    "debye_energy": 35.7 * meV,
}
GADOLINIUM = {
    "spin_flip_probability": 0.08,
    "electron_phonon_coupling": 0.21e18,
    "curie_temperature": 297.0,
    "atomic_volume": sqrt(3) / 4 * 3.63**2 * 5.78 * angstrom**3,
    "magnetic_moment": 7.55 * mu_B,
    "debye_energy": 17 * meV,
}


def test_limit_m3tm_rate_by_hand() -> None:
    """In meV, nm, ps and K, with factors of ten by hand: 1 W/(m^3 K) is 6.241509e-18 meV/(ps nm^3 K)."""
    boltzmann, exchanged = 0.08617333, 6.241509e-18
    for metal, volume, moment, debye, stated in (
        (NICKEL, 0.352**3 / 4, 0.62, 36.0, 17),
        (COBALT, 0.43301270 * 0.251**2 * 0.407, 1.72, 35.7, 25),
        (GADOLINIUM, 0.43301270 * 0.363**2 * 0.578, 7.55, 17.0, 0.09),
    ):
        coupling = metal["electron_phonon_coupling"] * exchanged
        by_hand = 8 * metal["spin_flip_probability"] * coupling * boltzmann * metal["curie_temperature"] ** 2
        by_hand *= volume / (moment * debye**2)
        rate = m3tm_rate(**metal) * ps
        assert rate == pytest.approx(by_hand, rel=1e-6, abs=0)
        assert rate == pytest.approx(stated, rel=0.1, abs=0)  # as quoted for these metals


def test_invariant_m3tm_rate_has_the_dimension_of_a_rate() -> None:
    """The measured exponents of the arguments, with their dimensions in kg, m, s, K and A, leave 1/s."""
    dimensions = {
        "spin_flip_probability": (0, 0, 0, 0, 0),
        "electron_phonon_coupling": (1, -1, -3, -1, 0),
        "curie_temperature": (0, 0, 0, 1, 0),
        "atomic_volume": (0, 3, 0, 0, 0),
        "magnetic_moment": (0, 2, 0, 0, 1),
        "debye_energy": (1, 2, -2, 0, 0),
    }
    total = np.array((1, 2, -2, -1, 0)) + np.array((0, 2, 0, 0, 1))  # k_B and mu_B, which appear once each
    exponents = {}
    for name, dimension in dimensions.items():
        doubled = m3tm_rate(**{**NICKEL, name: 2 * NICKEL[name]}) / m3tm_rate(**NICKEL)
        exponents[name] = np.log2(doubled)
        total = total + exponents[name] * np.array(dimension)
    assert list(exponents.values()) == pytest.approx([1, 1, 2, 1, -1, -2], abs=1e-12)
    np.testing.assert_allclose(total, [0, 0, -1, 0, 0], atol=1e-12)


def test_invariant_m3tm_rate_is_linear_in_the_smallest_probabilities() -> None:
    one, tiny = (m3tm_rate(**{**NICKEL, "spin_flip_probability": p}) for p in (1.0, 1e-290))
    assert tiny * 1e290 == pytest.approx(one, rel=1e-12, abs=0)


def test_invariant_m3tm_rate_broadcasts() -> None:
    several = m3tm_rate(**{**NICKEL, "curie_temperature": [[300.0], [600.0]], "debye_energy": [1e-21, 2e-21, 4e-21]})
    assert several.shape == (2, 3)
    assert several[1, 2] == m3tm_rate(**{**NICKEL, "curie_temperature": 600.0, "debye_energy": 4e-21})
    assert type(m3tm_rate(**NICKEL)) is float


def pairs(gained, kelvin):
    """Pairs of an electron and a hole into which it can scatter gaining an energy, by quadrature over Fermi functions.

    Energies in units of k_B times 1 K.
    """
    reach = 45 * kelvin + abs(gained)
    places = sorted({-reach, -abs(gained), 0.0, abs(gained), reach})
    return sum(
        quad(lambda e: expit(-e / kelvin) * expit((e + gained) / kelvin), a, b, epsabs=1e-10, epsrel=1e-13)[0]
        for a, b in pairwise(places)
    )


def test_limit_m3tm_from_the_golden_rule() -> None:
    """Electrons scatter with phonons far below k_B T, with all of a Debye spectrum alike, and may flip a spin.

    Both the heat flow, which is g_ep, and the flips follow from one rate of scattering by counting electron-hole pairs.
    A flip of one of mu_at/mu_B spins of an atom changes m by two of their shares; a scattering event finds a spin that
    it can turn up with the probability (1 - m)/2, and one to turn down with (1 + m)/2.
    """
    hot, cold, curie, m, debye, matrix = 700.0, 450.0, 627.0, 0.8, 0.3, 3e40  # 1/(m^3 s) per K
    x, weights = np.polynomial.legendre.leggauss(4)
    events = []  # energy that the electrons gain [K], and how often
    for phonon, weight in zip(debye * (1 + x) / 2, weights / 2 * 3 * ((1 + x) / 2) ** 2, strict=True):
        number = 1 / np.expm1(phonon / cold)
        events += [(-phonon, weight * matrix * (number + 1)), (phonon, weight * matrix * number)]

    flow = -k_B * sum(gained * often * pairs(gained, hot) for gained, often in events)  # W/m^3
    metal = {**NICKEL, "electron_phonon_coupling": flow / (hot - cold), "debye_energy": k_B * debye}
    rate = m3tm_rate(**metal)

    splitting = 2 * m * curie
    up = sum(often * pairs(gained + splitting, hot) for gained, often in events)
    down = sum(often * pairs(gained - splitting, hot) for gained, often in events)
    flips = metal["spin_flip_probability"] * ((1 - m) / 2 * up - (1 + m) / 2 * down)  # 1/(m^3 s)
    expected = 2 * flips * metal["atomic_volume"] / (metal["magnetic_moment"] / mu_B)

    step = 1e-6 / rate
    _, later = m3tm([0.0, step], hot, cold, rate=rate, curie_temperature=curie, initial_magnetization=m)
    assert (later - m) / step == pytest.approx(expected, rel=2e-6, abs=0)


# --- the magnetisation of M3TM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [1e-3, 0.05, 0.3, 0.7, 0.95, 0.999, 1 - 1e-7, 1 - 1e-11])
def test_limit_equilibrium_magnetization_solves_the_mean_field_equation(share) -> None:
    m = equilibrium_magnetization(share * 627, 627)
    assert type(m) is float
    # Near T_C by the series x coth x = 1 + x^2/3 - x^4/45, elsewhere by bisection.
    above = 1 / share - 1
    if above < 1e-4:
        x = sqrt(3 * above * (1 + above / 5))
        assert m == pytest.approx(x * share, rel=1e-5 * above**0.5 + 1e-16 / above, abs=0)
    else:
        root = brentq(lambda y: np.tanh(y / share) - y, 1e-3 * sqrt(above), 1.0, xtol=1e-15)
        assert m == pytest.approx(root, abs=1e-13)


def test_limit_equilibrium_magnetization_at_both_ends() -> None:
    assert equilibrium_magnetization([600.0, 601.0, 1e5], 600.0).tolist() == [0.0, 0.0, 0.0]
    assert equilibrium_magnetization(1e-3, 600.0) == 1.0
    assert 1 - equilibrium_magnetization(60.0, 600.0) == pytest.approx(2 * exp(-20), rel=1e-7, abs=0)
    assert equilibrium_magnetization([[300.0], [400.0]], [500.0, 700.0]).shape == (2, 2)


@given(share=st.floats(0.05, 0.999), rate=st.floats(1e9, 1e16))
@settings(max_examples=25)
def test_invariant_equilibrium_is_stationary(share, rate) -> None:
    kelvin = 627 * share
    m = m3tm(TIMES, kelvin, kelvin, rate=rate, curie_temperature=627.0)
    np.testing.assert_allclose(m, equilibrium_magnetization(kelvin, 627.0), rtol=1e-10)
    # The lattice only sets the pace.
    other = m3tm(TIMES, kelvin, 2 * kelvin, rate=rate, curie_temperature=627.0)
    np.testing.assert_allclose(other, m, rtol=1e-10)


def test_limit_no_magnetization_stays_none() -> None:
    got = run(absorbed_energy_density=3e9)
    still = m3tm(TIMES, got, got.lattice, rate=17 / ps, curie_temperature=627.0, initial_magnetization=0.0)
    assert (still == 0).all()
    assert (m3tm(TIMES, 700.0, 300.0, rate=17 / ps, curie_temperature=627.0) == 0).all()  # starts at equilibrium


def test_limit_without_a_rate_nothing_happens() -> None:
    m = m3tm(TIMES, 900.0, 900.0, rate=0.0, curie_temperature=627.0, initial_magnetization=0.7)
    np.testing.assert_allclose(m, 0.7, rtol=1e-14)


@pytest.mark.parametrize(("electrons", "lattice"), [(300.0, 300.0), (500.0, 400.0), (600.0, 700.0)])
def test_limit_small_deviations_decay_at_the_linearised_rate(electrons, lattice) -> None:
    """R (T_p/T_C) [1 - (T_C/T_e)(1 - m^2)], which goes to zero at T_C."""
    curie, rate = 627.0, 17 / ps
    m = equilibrium_magnetization(electrons, curie)
    slow = rate * lattice / curie * (1 - curie / electrons * (1 - m**2))
    times = np.linspace(0, 2, 9) / slow
    off = m3tm(times, electrons, lattice, rate=rate, curie_temperature=curie, initial_magnetization=m * (1 - 1e-6)) - m
    np.testing.assert_allclose(off, -1e-6 * m * np.exp(-slow * times), rtol=1e-5)


def test_limit_small_magnetization_grows_and_decays_exponentially() -> None:
    """For m to 0, m coth(m T_C/T_e) is T_e/T_C: the rate is R (T_p/T_C)(1 - T_e/T_C)."""
    for electrons in (300.0, 627.0, 1500.0):
        m = m3tm(TIMES, electrons, 450.0, rate=10 / ps, curie_temperature=627.0, initial_magnetization=1e-60)
        grown = 10 / ps * 450 / 627 * (1 - electrons / 627) * TIMES
        np.testing.assert_allclose(np.log(m / 1e-60), grown, atol=1e-10)


@pytest.mark.parametrize("start", [0.3, 1e-4, 1e-300])
def test_limit_at_low_electron_temperature_magnetization_is_logistic(start) -> None:
    """coth is 1: dm/dt = a m (1 - m). From 1e-300 there is a corner that only panels one by one find."""
    a = 50 / ps * 200 / 627
    times = np.linspace(0, 900, 61) / a
    m = m3tm(times, 1e-302, 200.0, rate=50 / ps, curie_temperature=627.0, initial_magnetization=start)
    np.testing.assert_allclose(m, 1 / (1 + (1 / start - 1) * np.exp(-a * times)), rtol=1e-9)


@pytest.mark.parametrize(
    ("metal", "energy", "cold", "rate", "curie", "start"),
    [
        (LIGHT, 1.2e9, 300.0, 17 / ps, 627.0, None),
        (LIGHT, 2.5e9, 300.0, 25 / ps, 1388.0, 1.0),
        (HEAVY, 3e8, 150.0, 0.09 / ps, 297.0, None),
        (LIGHT, 4e9, 300.0, 17 / ps, 627.0, 0.01),
        (LIGHT, 1.2e9, 30.0, 17 / ps, 627.0, 0.5),
    ],
)
def test_limit_m3tm_solves_the_printed_equations(metal, energy, cold, rate, curie, start) -> None:
    got = run(metal=metal, absorbed_energy_density=energy, initial_temperature=cold)
    m = m3tm(TIMES, got, got.lattice, rate=rate, curie_temperature=curie, initial_magnetization=start)
    first = brentq(lambda y: np.tanh(y * curie / cold) - y, 0.1, 1, xtol=1e-15) if start is None else start
    exact = printed(TIMES, metal, energy, 50 * fs, 200 * fs, cold, rate, curie, log(first))[2]
    np.testing.assert_allclose(np.log(m), exact, rtol=0, atol=1e-9)
    assert m[0] == pytest.approx(first, abs=1e-14)
    assert np.ptp(exact) > 0.02


def test_limit_magnetization_recovers_from_nearly_nothing() -> None:
    """Above T_C it falls to 1e-51, and what is left decides when it comes back."""
    pulse = TemperaturePulse(300.0, 2000.0, 0.1 * ps, 4 * ps)
    times = np.linspace(0, 60, 121) * ps
    m = m3tm(times, pulse, pulse, rate=17 / ps, curie_temperature=627.0)

    def slope(s, y):
        kelvin = 300 + 1700 * min(s / 0.1, exp(-max(s - 0.1, 0) / 4))
        x = exp(y[0]) * 627 / kelvin
        return [17 * kelvin / 627 * (1 - kelvin / 627 * (x / tanh(x) if x > 1e-9 else 1.0))]

    start = log(brentq(lambda y: np.tanh(y * 627 / 300) - y, 0.1, 1))
    tol = {"rtol": 1e-12, "atol": 1e-12}
    rise = solve_ivp(slope, (0, 0.1), [start], "DOP853", **tol)
    rest = solve_ivp(slope, (0.1, 60), rise.y[:, -1], "DOP853", t_eval=times[1:] / ps, max_step=0.05, **tol)
    np.testing.assert_allclose(np.log(m[1:]), rest.y[0], rtol=0, atol=1e-8)
    assert m.min() < 1e-45
    assert m[-1] == pytest.approx(equilibrium_magnetization(300.0, 627.0), abs=1e-6)


def test_limit_fast_magnetization_follows_the_electrons() -> None:
    got = run(pulse_duration=1 * ps, pulse_center=2 * ps, absorbed_energy_density=8e8)
    m = m3tm(TIMES, got, got.lattice, rate=1e18, curie_temperature=627.0)
    assert got.electron_temperature.max() < 620
    np.testing.assert_allclose(m, equilibrium_magnetization(got(TIMES), 627.0), rtol=1e-4)


@given(
    start=st.floats(0, 1),
    rate=st.floats(1e9, 1e16),
    curie=st.floats(10, 2000),
    peak=st.floats(10, 5000),
    lattice=st.floats(10, 1000),
)
@settings(max_examples=40)
def test_invariant_magnetization_stays_a_share(start, rate, curie, peak, lattice) -> None:
    """And of two solutions the larger stays the larger, as of any equation of first order."""
    pulse = TemperaturePulse(300.0, peak, 0.2 * ps, 1 * ps)
    given_rate = {"rate": rate, "curie_temperature": curie}
    m = m3tm(TIMES, pulse, lattice, initial_magnetization=start, **given_rate)
    assert m[0] == start
    assert (m >= 0).all()
    assert (m <= 1).all()
    more = m3tm(TIMES, pulse, lattice, initial_magnetization=start + (1 - start) / 2, **given_rate)
    assert (more >= m * (1 - 1e-9)).all()


@given(slower=st.floats(1e-3, 1e3), hotter=st.floats(0.1, 10), later=st.floats(-1e-11, 1e-11))
@settings(max_examples=20)
def test_invariant_magnetization_does_not_depend_on_units(slower, hotter, later) -> None:
    pulse = TemperaturePulse(300.0, 900.0, 0.3 * ps, 2 * ps, "sin2")
    base = m3tm(TIMES, pulse, 400.0, rate=17 / ps, curie_temperature=627.0)

    class Other:
        breakpoints = tuple(np.array(pulse.breakpoints) * slower + later)

        def __call__(self, t):
            return hotter * pulse((t - later) / slower)

    scaled = {"rate": 17 / ps / slower, "curie_temperature": 627.0 * hotter}
    other = m3tm(TIMES * slower + later, Other(), 400.0 * hotter, **scaled)
    np.testing.assert_allclose(other, base, rtol=1e-9 + 1e-13 * abs(later) / (ps * slower))


# --- temperatures as arrays, numbers and functions --------------------------------------------------------------------


def test_limit_constant_temperatures_of_every_kind_agree() -> None:
    given_rate = {"rate": 17 / ps, "curie_temperature": 627.0, "initial_magnetization": 0.9}
    number = m3tm(TIMES, 550.0, 400.0, **given_rate)
    array = m3tm(TIMES, np.full(TIMES.shape, 550.0), np.full(TIMES.shape, 400), **given_rate)
    function = m3tm(TIMES, lambda t: np.full(t.shape, 550.0), lambda t: 400 + 0 * t, **given_rate)
    flat = m3tm(TIMES, TemperaturePulse(550.0, 550.0, 1 * ps, 1 * ps), 400, **given_rate)
    for other in (array, function, flat):
        np.testing.assert_allclose(other, number, rtol=1e-10)
    assert number[-1] < 0.6


def test_limit_arrays_are_interpolated_to_fourth_order() -> None:
    got = run(np.linspace(0, 8, 9) * ps, pulse_duration=0.5 * ps, pulse_center=2 * ps)
    given_rate = {"rate": 17 / ps, "curie_temperature": 627.0}
    errors = []
    for intervals in (80, 160, 320):
        times = np.linspace(0, 8, intervals + 1) * ps
        by_function = m3tm(times, got, got.lattice, **given_rate)
        by_array = m3tm(times, got(times), got.lattice(times), **given_rate)
        errors.append(np.abs(by_array - by_function).max())
    assert errors[0] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.25, abs=0)
    assert errors[1] / errors[2] == pytest.approx(16, rel=0.25, abs=0)


def test_limit_records_around_a_spike_are_not_overlooked() -> None:
    """Two hundred records in 0.1 ps hold a spike that samples of the whole nanosecond would miss."""
    times = np.concatenate([[0.0, 250.0], np.linspace(500, 500.1, 201), np.linspace(501, 1000, 10)]) * ps
    center, width = 500.05 * ps, 0.02 * ps

    def spike(t):
        near = np.clip((t - center) / width, -1, 1)
        return 300 + 5000 * np.cos(pi / 2 * near) ** 2

    class Marked:
        breakpoints = (center - width, center, center + width)

        def __call__(self, t):
            return spike(t)

    given_rate = {"rate": 17 / ps, "curie_temperature": 627.0}
    by_breakpoints = m3tm(times, Marked(), 300.0, **given_rate)
    assert by_breakpoints.min() < 0.6 * by_breakpoints[0]
    np.testing.assert_allclose(m3tm(times, spike, 300.0, **given_rate), by_breakpoints, rtol=1e-9)
    np.testing.assert_allclose(m3tm(times, spike(times), 300.0, **given_rate), by_breakpoints, rtol=1e-3)


def test_limit_a_jump_between_records_is_found() -> None:
    jump = 3.21 * ps
    given_rate = {"rate": 17 / ps, "curie_temperature": 627.0, "initial_magnetization": 0.5}
    m = m3tm(TIMES, lambda t: np.where(t < jump, 300.0, 900.0), 300.0, **given_rate)
    before = m3tm([0, jump, 9 * ps], 300.0, 300.0, **given_rate)[1]
    after = m3tm([jump, 8 * ps], 900.0, 300.0, **(given_rate | {"initial_magnetization": before}))
    assert m[-1] == pytest.approx(after[-1], rel=1e-8, abs=0)


def test_limit_the_start_is_that_of_the_first_electron_temperature() -> None:
    pulse = TemperaturePulse(300.0, 600.0, 1 * ps, 1 * ps)
    m = m3tm(np.array([0.5, 1.0]) * ps, pulse, 100.0, rate=1 / ps, curie_temperature=627.0)
    assert m[0] == equilibrium_magnetization(450.0, 627.0)


# --- another code -----------------------------------------------------------------------------------------------------

PEER = json.loads((Path(__file__).parent / "peer_m3tm.json").read_text(encoding="utf-8"))


def problem(times, share=1.0):
    """Solve the problem of the peer with a share of its energy."""
    p = PEER["problem"]
    got = two_temperature(
        times,
        electron_heat_coefficient=p["gamma"],
        lattice_heat_capacity=p["capacity"],
        electron_phonon_coupling=p["coupling"],
        absorbed_energy_density=p["energy"] * share,
        pulse_duration=p["duration"],
        pulse_center=p["center"],
        initial_temperature=p["cold"],
    )
    m = m3tm(times, got, got.lattice, rate=p["rate"], curie_temperature=p["curie"])
    return np.array([got.electron_temperature, got.lattice_temperature, m])


def answer(way):
    """T_e, T_p and m ``(3, T)`` of udkm1Dsim."""
    return np.array([PEER[way][name] for name in ("electron_temperature", "lattice_temperature", "m")])


def test_peer_m3tm_of_udkm1dsim_with_the_whole_pulse() -> None:
    """Its solver, asked for 1e-11, agrees to 1e-10."""
    theirs = answer("solver")
    assert PEER["solver"]["uncertainty"] < 1e-10
    np.testing.assert_allclose(problem(PEER["solver"]["time"]), theirs, rtol=1e-10)
    assert np.ptp(theirs[2]) > 0.5


def test_peer_m3tm_of_udkm1dsim_cuts_the_pulse_off() -> None:
    """Its simulation loses the ends of the pulse, 3e-4 of the energy; its temperatures and m at the end tell."""
    p, times, theirs = PEER["problem"], PEER["simulation"]["time"], answer("simulation")
    share = quad(power, *PEER["simulation"]["pulse"], args=(1.0, p["duration"], p["center"]))[0]
    assert 1 - share == pytest.approx(2.9e-4, abs=1e-5)
    ours = problem(times)
    for (electrons, lattice, _), energy in ((ours, p["energy"]), (theirs, share * p["energy"])):
        held = p["gamma"] / 2 * electrons**2 + p["capacity"] * lattice
        np.testing.assert_allclose(held[1:] - held[0], energy, rtol=1e-7)
    np.testing.assert_allclose(theirs[:, -1], problem([*times, 1e-10], share)[:, -1], rtol=1e-8)
    assert theirs[2, -1] - ours[2, -1] == pytest.approx(2.4e-4, abs=1e-5)


# --- the solver -------------------------------------------------------------------------------------------------------


def test_limit_panels_solve_a_riccati_equation() -> None:
    """y' = 1 - y^2 from 0 is tanh t, concave and falling in y for y >= 0; stiff in a long window."""
    for end in (3.0, 1e4):
        cuts = np.array([0.0, 0.4, end])
        found = _panels.solve(lambda t: lambda y: (1 - y**2, -2 * y), 0.0, 1.0, cuts, 1e-12)
        t = np.concatenate([np.linspace(0, 3, 200), np.geomspace(1, end, 50)])
        np.testing.assert_allclose(found(t), np.tanh(t), rtol=0, atol=1e-11)


def test_limit_panels_one_by_one_are_those_at_once(monkeypatch) -> None:
    def solve():
        return _panels.solve(
            lambda t: lambda y: (np.cos(t) - y**2, -2 * np.abs(y)), 2.0, 1.0, np.array([0.0, 1.5]), 1e-12
        )

    calls, march = [], _panels._march
    monkeypatch.setattr(_panels, "_march", lambda *args: calls.append(args) or march(*args))
    at_once = solve()
    assert not calls
    together = _panels._newton
    monkeypatch.setattr(_panels, "_newton", lambda *args: (together(*args)[0], args[3].size == 2))
    one_by_one = solve()
    assert len(calls) == 1
    t = np.linspace(0, 1.5, 100)
    np.testing.assert_allclose(one_by_one(t), at_once(t), rtol=1e-11)


def test_limit_the_hardest_start_goes_panel_by_panel(monkeypatch) -> None:
    calls, march = [], _panels._march
    monkeypatch.setattr(_panels, "_march", lambda *args: calls.append(args) or march(*args))
    test_limit_at_low_electron_temperature_magnetization_is_logistic(1e-300)
    assert calls
