"""Temperatures as the solver of magnons reads them: panels that follow any function, with few calls of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlib.magnons._bath import MOST, Bath, UnresolvedError, cuts, sampled, warmth
from spinlib.magnons.band import MagnonBand
from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.units import fs, k_B, meV, nm, ps

PULSE = TemperaturePulse(100.0, 1000.0, 50 * fs, 2 * ps)
RATE = 15 / ps


def panels(baths, times, rate=RATE, tolerance=1e-8):
    """Edges and coefficients between the first and the last of ``times``, in kelvin."""
    kelvin = np.stack([bath(times) for bath in baths], axis=1)
    return sampled(baths, cuts(baths, times[0], times[-1]), times, kelvin, rate, tolerance, k_B)


def read(edges, series, moments):
    """Temperatures ``(K, B)`` by NumPy, the panel on the right at an edge."""
    panel = np.clip(np.searchsorted(edges, moments, side="right") - 1, 0, len(series) - 1)
    share = 2 * (moments - edges[panel]) / np.diff(edges)[panel] - 1
    powers = np.polynomial.chebyshev.chebvander(share, series.shape[1] - 1)
    return np.einsum("kd,kdb->kb", powers, series[panel])


TEMPERATURES = {
    "pulse": PULSE,
    "late": lambda t: PULSE(t - 0.137 * ps),
    "bell": lambda t: 300 + 900 * np.exp(-(((t - 1 * ps) / (30 * fs)) ** 2)),
    "beat": lambda t: 400 + 200 * np.sin(40 * t / ps),
    "table": lambda t: np.interp(t, np.linspace(0, 4, 9) * ps, [300, 500, 400, 800, 700, 600, 550, 500, 480]),
    "number": 350.0,
}


@pytest.mark.parametrize("name", TEMPERATURES)
def test_limit_panels_follow_the_temperature(name) -> None:
    """Everywhere, at other times than those that it was asked for, as far as electrons heat magnons meanwhile."""
    bath = Bath.of(name, TEMPERATURES[name])
    times = np.linspace(0, 4, 81) * ps
    edges, series = panels([bath], times)
    assert set(cuts([bath], times[0], times[-1])) <= set(edges)
    assert (np.diff(edges) > 0).all()
    moments = np.sort(np.random.default_rng(3).uniform(0, 4 * ps, 5000))
    width = np.diff(edges)[np.clip(np.searchsorted(edges, moments, side="right") - 1, 0, len(series) - 1)]
    off = abs(read(edges, series, moments)[:, 0] / bath(moments) - 1) * np.minimum(1, width * RATE)
    assert off.max() < 1e-8


def test_limit_panels_are_shared_by_two_baths() -> None:
    times = np.linspace(0, 4, 81) * ps
    baths = [Bath.of("one", PULSE), Bath.of("other", TEMPERATURES["bell"], PULSE.breakpoints)]
    edges, series = panels(baths, times)
    moments = np.linspace(0, 4, 1237) * ps
    for column, bath in enumerate(baths):
        np.testing.assert_allclose(read(edges, series, moments)[:, column], bath(moments), rtol=1e-8)
    alone, _ = panels(baths[1:], times)
    assert set(alone) <= set(edges)


@given(st.lists(st.floats(0, 4), min_size=1, max_size=30))
def test_limit_kernel_reads_as_numpy_does(shares) -> None:
    times = np.linspace(0, 4, 81) * ps
    baths = [Bath.of("one", PULSE), Bath.of("other", TEMPERATURES["late"])]
    edges, series = panels(baths, times)
    panel, out = 0, np.empty(2)
    for moment in np.sort(shares) * ps:
        panel = warmth(moment, panel, len(series) - 1, edges, series, out)
        np.testing.assert_allclose(out, read(edges, series, np.array([moment]))[0], rtol=1e-13)


def test_limit_a_jump_is_read_from_the_side_that_is_asked_for() -> None:
    jump = Bath.of("jump", lambda t: np.where(t < 1 * ps, 300.0, 900.0), [1 * ps])
    edges, series = panels([jump], np.linspace(0, 2, 5) * ps)
    assert edges.tolist() == [0.0, 1 * ps, 2 * ps]
    out = np.empty(1)
    for last, panel, kelvin in ((0, 0, 300.0), (1, 1, 900.0)):
        assert warmth(1 * ps, 0, last, edges, series, out) == panel
        assert out[0] == pytest.approx(kelvin, rel=1e-13, abs=0)


def test_invariant_a_short_pulse_is_seen_by_its_record() -> None:
    """No point of the first panel falls into it; one record does."""

    def spike(t):
        return 300 + 100 * np.exp(-(((t - 500 * ps) / (0.2 * ps)) ** 2))

    bath = Bath.of("spike", spike)
    for count, seen in ((1001, True), (2, False)):
        edges, series = panels([bath], np.linspace(0, 1000, count) * ps)
        top = read(edges, series, np.array([500 * ps]))[0, 0]
        assert (top == pytest.approx(400, rel=1e-8, abs=0)) == seen


def test_invariant_a_pulse_between_records_is_seen():
    """A thousandth of the whole time is looked at, also where no record is."""
    band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    metal = Ferromagnet(band, 0.01, 0.1, feedback=-6 * meV * nm**3, spin_relaxation_time=0.2 * ps)

    def pulse(t):
        return 300 + 600 * np.exp(-(((t - 50 * ps) / ps) ** 2))

    few = np.array([0, 30, 60, 100]) * ps
    many = np.union1d(few, np.linspace(45, 55, 101) * ps)
    run, fine = (simulate_demagnetization(metal, pulse, times) for times in (few, many))
    np.testing.assert_allclose(run.magnon_density, fine.magnon_density[np.isin(many, few)], rtol=1e-8)


def test_invariant_kinks_cost_no_digits_if_they_are_known() -> None:
    """A table read by straight lines, against steps of a hundredth of the error."""
    band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    metal = Ferromagnet(band, 0.01, 0.1, feedback=-6 * meV * nm**3, spin_relaxation_time=0.2 * ps)
    when = np.linspace(0, 10, 21) * ps
    kelvin = np.random.default_rng(7).uniform(300, 900, 21)

    def run(**options):
        found = simulate_demagnetization(metal, lambda t: np.interp(t, when, kelvin), when[::2], **options)
        return found.spin_accumulation / abs(found.spin_accumulation).max()

    fine = run(breakpoints=when, rtol=1e-10)
    np.testing.assert_allclose(run(breakpoints=when), fine, rtol=0, atol=1e-8)
    np.testing.assert_allclose(run(), fine, rtol=0, atol=1e-6)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_bad_input_noise_has_no_panels(start) -> None:
    rng = np.random.default_rng(4)
    bath = Bath.of("noise", lambda t: 300 + rng.random(t.shape))
    with pytest.raises(UnresolvedError) as caught:
        panels([bath], start + np.array([0.0, 1e-6]))
    assert caught.value.args == (start,)


def test_invariant_few_calls_with_many_times() -> None:
    """KK Fig. 6: the start, the records, and twice what panels ask for; never a single moment from within a step."""
    band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=k_B * 1000)
    metal = Ferromagnet(band, 0.01, 0.1, -6 * meV * nm**3, 2 * ps)
    sizes = []

    def counted(t):
        sizes.append(t.size)
        return PULSE(t)

    simulate_demagnetization(metal, counted, np.linspace(0, 8, 801) * ps, breakpoints=PULSE.breakpoints)
    assert sizes[:3] == [1, 801, 1801]  # with a thousand looks between the records
    assert min(sizes[3:]) >= 16
    assert len(sizes) < 9
    assert sum(sizes) < MOST
