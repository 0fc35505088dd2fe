"""`spinlib.linewidth`: the fit against exact data, two other fits, and the statistics that its errors promise."""

import mpmath
import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit

from spinlib.linewidth import fit_linewidths
from tests.bad_input import Refusal, refusals

GAMMA = 2.11 * si.physical_constants["Bohr magneton"][0] / si.hbar
FACTOR = {"peak_to_peak": 2 / 3**0.5, "full_width": 2.0}

THICKNESS = np.array([3.0, 4.5, 7.0, 12.0]) * 1e-9
MOMENT = np.repeat(8e5 * THICKNESS, 6)
FREQUENCY = np.tile(np.array([4.0, 7.0, 10.0, 13.0, 16.0, 19.0]) * 1e9, 4)
OFFSET = np.array([0.4, 0.3, 0.25, 0.15]) * 1e-3
SIGMA = 2e-4 * (1 + FREQUENCY / 2e10)
G_R, ALPHA = 7e14, 0.007


def width(frequency, moment, g, alpha, *offsets, kind="peak_to_peak", interfaces=1, gamma=GAMMA):
    """The model in CODATA constants, g_r in place of G_R; offsets in the order of ascending moment."""
    g_r = g * si.h / si.e**2
    slope = alpha + interfaces * si.hbar * gamma * g_r / (4 * np.pi * moment)
    below = np.array(offsets)[np.searchsorted(np.unique(moment), moment)]
    return below + FACTOR[kind] * slope * 2 * np.pi * frequency / gamma


TRUE = width(FREQUENCY, MOMENT, G_R, ALPHA, *OFFSET)


def noisy(seed, noise=1.0):
    return TRUE + noise * SIGMA * np.random.default_rng(seed).normal(size=TRUE.shape)


@given(
    st.floats(1e12, 1e16),
    st.floats(1e-5, 0.1),
    st.lists(st.floats(0, 1e-2), min_size=4, max_size=4),
    st.sampled_from(sorted(FACTOR)),
    st.sampled_from([1, 2]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_limit_exact_readings_give_exact_parameters(g, alpha, offsets, kind, interfaces, weighted):
    data = width(FREQUENCY, MOMENT, g, alpha, *offsets, kind=kind, interfaces=interfaces)
    sigma = SIGMA if weighted else None
    fit = fit_linewidths(
        FREQUENCY, data, MOMENT, uncertainty=sigma, interfaces=interfaces, gyromagnetic_ratio=GAMMA, kind=kind
    )
    # Rounding of the data, 1e-16 of the widest line, times a condition number of order 10.
    largest = data.max()
    per_alpha = FACTOR[kind] * 2 * np.pi * FREQUENCY.max() / GAMMA
    per_siemens = per_alpha * interfaces * si.hbar * GAMMA * si.h / si.e**2 / (4 * np.pi * MOMENT.min())
    assert fit.alpha == pytest.approx(alpha, rel=1e-9, abs=1e-13 * largest / per_alpha)
    assert fit.mixing_conductance == pytest.approx(g, rel=1e-9, abs=1e-13 * largest / per_siemens)
    np.testing.assert_allclose(fit.inhomogeneous, offsets, rtol=1e-9, atol=1e-13 * largest)
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-13 * largest)
    np.testing.assert_array_equal(fit.magnetic_moment, np.unique(MOMENT))
    assert fit.degrees_of_freedom == len(FREQUENCY) - 6


def test_limit_as_many_readings_as_parameters_pass_through_all():
    # Two samples at two frequencies each: no freedom is left, the errors are those of the readings.
    f, moment = np.array([5e9, 15e9, 5e9, 15e9]), np.array([2e-3, 2e-3, 6e-3, 6e-3])
    data = np.array([2.1e-3, 5.4e-3, 1.5e-3, 3.3e-3])
    fit = fit_linewidths(f, data, moment, uncertainty=1e-4)
    assert fit.degrees_of_freedom == 0
    assert fit.chi_squared < 1e-20
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-16)
    # Slope of a sample: difference of two readings over 10 GHz; G_R and its error are the difference of two slopes.
    slopes = np.array([3.3e-3, 1.8e-3]) / 10e9
    gamma = si.physical_constants["electron gyromag. ratio"][0]
    unit = FACTOR["peak_to_peak"] * si.hbar**2 * np.pi / si.e**2 * (1 / 2e-3 - 1 / 6e-3)
    assert fit.mixing_conductance == pytest.approx((slopes[0] - slopes[1]) / unit, rel=1e-7, abs=0)
    assert fit.mixing_conductance_error == pytest.approx(2e-4 / 10e9 / unit, rel=1e-7, abs=0)
    # alpha from the two slopes extrapolated to 1/moment = 0.
    intercept = (6e-3 * slopes[1] - 2e-3 * slopes[0]) / (6e-3 - 2e-3)
    assert fit.alpha == pytest.approx(intercept * gamma / (2 * np.pi * FACTOR["peak_to_peak"]), rel=1e-7, abs=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [True, False])
def test_peer_curve_fit_finds_the_same(seed, weighted):
    data = noisy(seed)
    scale = np.array([1e14, 1e-3, *np.full(4, 1e-4)])

    def model(frequency, *parameters):
        return width(frequency, MOMENT, *(parameters * scale))

    sigma = SIGMA if weighted else None
    expected, covariance = curve_fit(
        model, FREQUENCY, data, p0=np.ones(6), sigma=sigma, absolute_sigma=weighted, xtol=1e-14, ftol=1e-14
    )
    fit = fit_linewidths(FREQUENCY, data, MOMENT, uncertainty=sigma, gyromagnetic_ratio=GAMMA)
    found = np.array([fit.mixing_conductance, fit.alpha, *fit.inhomogeneous]) / scale
    # Its derivatives are finite differences; a share of 1e-5 of an error tells nothing.
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.sqrt(covariance.diagonal()).min())
    normalized = fit.covariance / np.outer(scale, scale)
    np.testing.assert_allclose(normalized, covariance, rtol=1e-4, atol=1e-5 * np.abs(covariance).max())
    np.testing.assert_allclose(fit.residuals, data - model(FREQUENCY, *expected), atol=1e-9)
    if weighted:
        np.testing.assert_array_equal(fit.uncertainty, SIGMA)
        assert fit.chi_squared == pytest.approx(
            np.sum(((data - model(FREQUENCY, *expected)) / SIGMA) ** 2), rel=1e-8, abs=0
        )
    else:
        assert fit.chi_squared == fit.degrees_of_freedom == 18
        np.testing.assert_allclose(fit.uncertainty**2, np.sum(fit.residuals**2) / 18, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_peer_fifty_digits_agree(scale):
    """Normal equations in 50 digits: unlike units, 1e-17 beside 1 or 1e-37 beside 1, cost the fit no digits."""
    data, moment = noisy(7), scale * MOMENT
    with mpmath.workdps(50):
        unit = [width(FREQUENCY, moment, *one, 0, 0, 0, 0) for one in ((1.0, 0.0), (0.0, 1.0))]
        hot = (np.unique(moment)[:, None] == moment).astype(float)
        a = mpmath.matrix(np.array([*unit, *hot]).T.tolist())
        w = mpmath.diag((SIGMA**-2).tolist())
        inverse = (a.T * w * a) ** -1
        exact = inverse * (a.T * w * mpmath.matrix(data.tolist()))
        exact, covariance = np.array(exact.tolist(), dtype=float)[:, 0], np.array(inverse.tolist(), dtype=float)
    fit = fit_linewidths(FREQUENCY, data, moment, uncertainty=SIGMA, gyromagnetic_ratio=GAMMA)
    found = [fit.mixing_conductance, fit.alpha, *fit.inhomogeneous]
    # The columns themselves are rounded; the condition number in units of their lengths is about 10.
    np.testing.assert_allclose(found, exact, rtol=1e-11)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-11)
    assert fit.mixing_conductance_error == pytest.approx(covariance[0, 0] ** 0.5, rel=1e-11, abs=0)
    assert fit.alpha_error == pytest.approx(covariance[1, 1] ** 0.5, rel=1e-11, abs=0)
    np.testing.assert_allclose(fit.inhomogeneous_error, covariance.diagonal()[2:] ** 0.5, rtol=1e-11)
    assert fit.mixing_channel_density == pytest.approx(exact[0] * si.h / si.e**2, rel=1e-11, abs=0)
    assert fit.mixing_channel_density_error == pytest.approx(covariance[0, 0] ** 0.5 * si.h / si.e**2, rel=1e-11, abs=0)


DRAWS = 400


def pulls(seed, noise=1.0, given=True):
    """(fit - truth)/error of G_R, alpha and the offsets, and chi squared, for independent sets of readings."""
    rng = np.random.default_rng(seed)
    found, chi = [], []
    # Unweighted fits promise their errors for readings of one uncertainty.
    sigma = SIGMA if given else np.full_like(SIGMA, SIGMA.mean())
    for _ in range(DRAWS):
        data = TRUE + noise * sigma * rng.normal(size=TRUE.shape)
        fit = fit_linewidths(FREQUENCY, data, MOMENT, uncertainty=sigma if given else None, gyromagnetic_ratio=GAMMA)
        off = np.array([fit.mixing_conductance - G_R, fit.alpha - ALPHA, *(fit.inhomogeneous - OFFSET)])
        found.append(off / np.array([fit.mixing_conductance_error, fit.alpha_error, *fit.inhomogeneous_error]))
        chi.append(fit.chi_squared)
    return np.array(found), np.array(chi)


# Standard errors before the draw: of the mean of a unit normal, of its standard deviation, of chi squared with 18
# degrees of freedom. Five seeds and six parameters are 30 looks, so 4.5 of them.
MEAN, SPREAD, CHI = DRAWS**-0.5, (2 * DRAWS) ** -0.5, (2 * 18 / DRAWS) ** 0.5


@pytest.mark.parametrize("seed", range(5))
def test_limit_pulls_are_unit_normal(seed):
    found, chi = pulls(seed)
    assert np.abs(found.mean(axis=0)).max() < 4.5 * MEAN
    assert np.abs(found.std(axis=0) - 1).max() < 4.5 * SPREAD
    assert abs(chi.mean() - 18) < 4.5 * CHI


@pytest.mark.parametrize("seed", range(5))
def test_limit_an_error_wrong_by_root_two_is_noticed(seed):
    found, chi = pulls(seed, noise=np.sqrt(2))
    assert (np.abs(found.std(axis=0) - 1) > 4.5 * SPREAD).all()
    np.testing.assert_allclose(found.std(axis=0), np.sqrt(2), atol=4.5 * np.sqrt(2) * SPREAD)
    assert chi.mean() - 18 > 4.5 * CHI


@pytest.mark.parametrize("seed", range(5))
def test_limit_without_uncertainty_pulls_follow_student(seed):
    # The noise of the readings is not told; errors from the scatter keep their promise, with Student's tails.
    found, _ = pulls(seed, noise=0.3, given=False)
    inside = (np.abs(found) < stats.t.ppf(0.9, 18)).mean(axis=0)
    assert np.abs(inside - 0.8).max() < 4.5 * np.sqrt(0.8 * 0.2 / DRAWS)
    # Errors of readings uncertain by SIGMA would be too large by 1/0.3 and hold almost all draws, not 0.8 of them.
    assert (np.abs(0.3 * found) < stats.t.ppf(0.9, 18)).mean() > 0.99


@given(st.permutations(range(24)))
@settings(max_examples=20, deadline=None)
def test_invariant_the_order_of_readings_is_free(order):
    data, order = noisy(1), np.array(order)
    one = fit_linewidths(FREQUENCY, data, MOMENT, uncertainty=SIGMA)
    other = fit_linewidths(FREQUENCY[order], data[order], MOMENT[order], uncertainty=SIGMA[order])
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9)
    assert other.mixing_conductance == pytest.approx(one.mixing_conductance, rel=1e-10, abs=0)
    np.testing.assert_allclose(other.inhomogeneous, one.inhomogeneous, rtol=1e-9)
    np.testing.assert_allclose(other.residuals, one.residuals[order], atol=1e-15)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_invariant_units_scale(field, moment, time):
    one = fit_linewidths(FREQUENCY, noisy(2), MOMENT, uncertainty=SIGMA, gyromagnetic_ratio=GAMMA)
    other = fit_linewidths(
        FREQUENCY * time,
        noisy(2) * field,
        MOMENT * moment,
        uncertainty=SIGMA * field,
        gyromagnetic_ratio=GAMMA * time / field,
    )
    # gamma B/omega is a pure number; alpha_pump ~ gamma G_R/M_s d.
    assert other.alpha == pytest.approx(one.alpha, rel=1e-9, abs=0)
    factor = moment * field / time
    assert other.mixing_conductance == pytest.approx(one.mixing_conductance * factor, rel=1e-9, abs=0)
    assert other.mixing_conductance_error == pytest.approx(one.mixing_conductance_error * factor, rel=1e-9, abs=0)
    np.testing.assert_allclose(other.inhomogeneous, one.inhomogeneous * field, rtol=1e-8)
    assert other.chi_squared == pytest.approx(one.chi_squared, rel=1e-8, abs=0)


def test_invariant_full_widths_and_two_sides_are_the_same_data():
    one = fit_linewidths(FREQUENCY, noisy(3), MOMENT, gyromagnetic_ratio=GAMMA)
    full = fit_linewidths(FREQUENCY, 3**0.5 * noisy(3), MOMENT, gyromagnetic_ratio=GAMMA, kind="full_width")
    sides = fit_linewidths(FREQUENCY, noisy(3), MOMENT, gyromagnetic_ratio=GAMMA, interfaces=2)
    assert full.mixing_conductance == pytest.approx(one.mixing_conductance, rel=1e-11, abs=0)
    assert full.alpha == pytest.approx(one.alpha, rel=1e-11, abs=0)
    assert full.alpha_error == pytest.approx(one.alpha_error, rel=1e-11, abs=0)
    assert sides.mixing_conductance == pytest.approx(one.mixing_conductance / 2, rel=1e-11, abs=0)
    assert sides.alpha == pytest.approx(one.alpha, rel=1e-11, abs=0)


@pytest.mark.parametrize("factor", [0.5, 1.05, 3.0])
def test_invariant_gamma_goes_into_alpha_alone(factor):
    one = fit_linewidths(FREQUENCY, noisy(8), MOMENT, uncertainty=SIGMA, gyromagnetic_ratio=GAMMA)
    other = fit_linewidths(FREQUENCY, noisy(8), MOMENT, uncertainty=SIGMA, gyromagnetic_ratio=factor * GAMMA)
    assert other.mixing_conductance == pytest.approx(one.mixing_conductance, rel=1e-11, abs=0)
    assert other.mixing_conductance_error == pytest.approx(one.mixing_conductance_error, rel=1e-11, abs=0)
    assert other.alpha == pytest.approx(factor * one.alpha, rel=1e-11, abs=0)
    np.testing.assert_allclose(other.residuals, one.residuals, atol=1e-15)


def test_limit_samples_a_hundred_thousandth_apart_are_two():
    moment = np.repeat([2e-3, 2e-3 * (1 + 1e-5)], 3)
    f = np.tile([5e9, 10e9, 15e9], 2)
    fit = fit_linewidths(f, width(f, moment, G_R, ALPHA, 4e-4, 2e-4), moment, gyromagnetic_ratio=GAMMA)
    # Rounding of the data, 1e-16, over the step, 1e-5; and a margin of 1e3.
    assert fit.mixing_conductance == pytest.approx(G_R, rel=1e-8, abs=0)
    np.testing.assert_allclose(fit.inhomogeneous, [4e-4, 2e-4], rtol=1e-9)
    np.testing.assert_array_equal(fit.magnetic_moment, moment[[0, 3]])


def test_limit_two_samples_of_one_moment_share_an_offset():
    # Unlike offsets of two samples of one moment, equal weights: the offset is their mean, slopes stay as they are.
    f, moment = np.concatenate([FREQUENCY, FREQUENCY[:6]]), np.concatenate([MOMENT, MOMENT[:6]])
    fit = fit_linewidths(f, np.concatenate([TRUE, TRUE[:6] + 1e-4]), moment, gyromagnetic_ratio=GAMMA)
    assert fit.magnetic_moment.size == 4
    assert fit.inhomogeneous[0] == pytest.approx(OFFSET[0] + 5e-5, rel=1e-9, abs=0)
    assert fit.mixing_conductance == pytest.approx(G_R, rel=1e-9, abs=0)


def test_limit_a_reading_of_no_weight_is_left_out():
    data, sigma = noisy(4), SIGMA.copy()
    data[5], sigma[5] = 1.0, 1e6
    with_it = fit_linewidths(FREQUENCY, data, MOMENT, uncertainty=sigma)
    keep = np.arange(24) != 5
    without = fit_linewidths(FREQUENCY[keep], data[keep], MOMENT[keep], uncertainty=SIGMA[keep])
    assert with_it.mixing_conductance == pytest.approx(without.mixing_conductance, rel=1e-8, abs=0)
    np.testing.assert_allclose(with_it.covariance, without.covariance, rtol=1e-8)
    assert with_it.degrees_of_freedom == without.degrees_of_freedom + 1


def test_limit_equal_uncertainties_as_one_number():
    one = fit_linewidths(FREQUENCY, noisy(5), MOMENT, uncertainty=3e-4)
    many = fit_linewidths(FREQUENCY, noisy(5), MOMENT, uncertainty=np.full(24, 3e-4))
    np.testing.assert_array_equal(one.covariance, many.covariance)
    # The scatter instead of the uncertainty: the same parameters, errors scaled by sqrt(chi^2/dof).
    free = fit_linewidths(FREQUENCY, noisy(5), MOMENT)
    assert free.mixing_conductance == pytest.approx(one.mixing_conductance, rel=1e-11, abs=0)
    ratio = np.sqrt(one.chi_squared / one.degrees_of_freedom)
    assert free.alpha_error == pytest.approx(one.alpha_error * ratio, rel=1e-11, abs=0)


def test_limit_less_damping_in_thin_films_is_reported_not_refused():
    data = width(FREQUENCY, MOMENT, -2e14, 0.02, *OFFSET)
    fit = fit_linewidths(FREQUENCY, data, MOMENT, gyromagnetic_ratio=GAMMA)
    assert fit.mixing_conductance == pytest.approx(-2e14, rel=1e-9, abs=0)
    assert fit.mixing_channel_density < 0


def test_invariant_result_prints_in_one_line_and_stays_as_it_is():
    fit = fit_linewidths(FREQUENCY, noisy(6), MOMENT, uncertainty=SIGMA)
    text = repr(fit)
    assert "\n" not in text
    for part in (f"{fit.mixing_channel_density:.4g}", f"{fit.alpha:.4g}", "samples=4", "18 degrees of freedom"):
        assert part in text
    with pytest.raises(AttributeError):
        fit.alpha = 0.0


def call(**changed):
    arguments = {
        "frequency": [5e9, 10e9, 15e9, 5e9, 10e9, 15e9],
        "linewidth": [2e-3, 3e-3, 4e-3, 1e-3, 2e-3, 3e-3],
        "magnetic_moment": [2e-3, 2e-3, 2e-3, 6e-3, 6e-3, 6e-3],
    }
    return fit_linewidths(**(arguments | changed))


def row(rule, says, **changed):
    return Refusal(rule, call, changed, says)


@refusals(
    row("a shorter list", ("frequency (5,)", "linewidth (6,)", "one entry per reading"), frequency=[5e9] * 5),
    row(
        "tables in place of lists",
        ("(2, 3)", "one entry per reading"),
        frequency=np.full((2, 3), 5e9),
        linewidth=np.full((2, 3), 1e-3),
        magnetic_moment=np.full((2, 3), 1e-3),
    ),
    row("uncertainties of another length", ("uncertainty has shape (2,)", "(6,)"), uncertainty=[1e-4, 1e-4]),
    row("nan linewidth", ("linewidth[1] = nan", "pass finite"), linewidth=[1e-3, np.nan, 1e-3, 1e-3, 1e-3, 1e-3]),
    row("zero linewidth", ("linewidth[0] = 0", "pass linewidth > 0"), linewidth=[0, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]),
    row("negative frequency", ("frequency[0] = -5", "pass frequency > 0"), frequency=[-5e9, 1e9, 2e9, 1e9, 2e9, 3e9]),
    row(
        "zero moment",
        ("magnetic_moment[0] = 0", "pass magnetic_moment > 0"),
        magnetic_moment=[0.0, 2e-3, 2e-3, 6e-3, 6e-3, 6e-3],
    ),
    row("zero uncertainty", ("uncertainty = 0", "pass uncertainty > 0"), uncertainty=0.0),
    row("nan uncertainty", ("uncertainty = nan", "pass finite"), uncertainty=np.nan),
    row("one thickness", ("1 thickness", "two thicknesses or more"), magnetic_moment=[2e-3] * 6),
    row("no readings", ("0 thickness", "pass films"), frequency=[], linewidth=[], magnetic_moment=[]),
    row(
        "one sample typed with rounding",
        ("relative step of magnetic_moment[0]", "pass the same number"),
        magnetic_moment=[2e-3, 2e-3, 2e-3, 2.000001e-3, 2.000001e-3, 2.000001e-3],
    ),
    row(
        "a sample at one frequency",
        ("frequency has one value only for magnetic_moment = 0.006", "two frequencies"),
        frequency=[5e9, 10e9, 15e9, 5e9, 5e9, 5e9],
    ),
    row(
        "no freedom left for the scatter",
        ("uncertainty = None", "4 readings", "pass uncertainty"),
        frequency=[5e9, 15e9, 5e9, 15e9],
        linewidth=[2e-3, 4e-3, 1e-3, 3e-3],
        magnetic_moment=[2e-3, 2e-3, 6e-3, 6e-3],
    ),
    row("three sides of a film", ("interfaces = 3", "pass 1 or 2"), interfaces=3),
    row("true as a number of sides", ("interfaces = True", "pass 1 or 2"), interfaces=True),
    row("a fraction of a side", ("interfaces = 1.5", "pass 1 or 2"), interfaces=1.5),
    row("unknown kind", ("kind = 'half_width'", "peak_to_peak"), kind="half_width"),
    row("no gyromagnetic ratio", ("gyromagnetic_ratio = 0", "pass gyromagnetic_ratio > 0"), gyromagnetic_ratio=0.0),
    row("a gyromagnetic ratio per reading", ("gyromagnetic_ratio", "one number"), gyromagnetic_ratio=[1e11] * 6),
)
def test_bad_input(refusal):
    refusal.check()
