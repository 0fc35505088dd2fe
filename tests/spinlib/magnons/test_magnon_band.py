"""A magnon band against series and closed forms: states, integrals over them, equilibrium, fits.

The thermal integrals are computed in two ways that share nothing with the library's graded rule. Far from the pole
n_BE is a series of exponentials, whose integrals are incomplete gamma functions. Near it n_BE - 1/y and
n_BE (1 + n_BE) - 1/y^2 are smooth, and what was taken away has closed integrals.
"""

import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gamma, gammainc

from spinlib.magnons.band import (
    MagnonBand,
    bose_einstein,
    fit_bose_einstein,
    magnon_density,
    magnon_susceptibility,
)
from spinlib.units import k_B, meV, nm

A = 0.6 * meV * nm**2
KK = MagnonBand(5 * meV, A, k_B * 1000)
SOFT = MagnonBand(1e-3 * meV, A, k_B * 1000)
NARROW = MagnonBand(5 * meV, A, 5.001 * meV)
WIDE = MagnonBand(5 * meV, A, 5e6 * meV)
BANDS = {"KK": KK, "soft": SOFT, "narrow": NARROW, "wide": WIDE}


def exact(band, kelvin, mu, order):
    """The density (order 1) or the susceptibility (order 2)."""
    b, a = (band.gap - mu) / (k_B * kelvin), band.width / (k_B * kelvin)
    if b > 3:
        j = np.arange(1, 15)
        total = np.sum(np.exp(-j * b) * gammainc(1.5, j * a) * gamma(1.5) / (j * a) ** 1.5 * j ** (order - 1.0))
    else:
        far = min(1.0, np.sqrt(45 / a))  # beyond, exp(-45) is left
        node, share = np.polynomial.legendre.leggauss(20)
        q = far * (np.arange(12)[:, None] + (1 + node) / 2) / 12
        y, weight = b + a * q**2, far / 12 * share * q**2
        turn = far * np.sqrt(a / b)
        if turn < 0.5:
            pole = np.sum(weight / y**order)  # far from it
        elif order == 1:
            pole = 2 / a * (far - np.sqrt(b / a) * np.arctan(turn))
        else:
            pole = (np.arctan(turn) / np.sqrt(a * b) - far / (b + a * far**2)) / a
        total = pole + np.sum(weight * without_pole(y, order))
    return 1.5 * band.mode_density * total / (k_B * kelvin) ** (order - 1)


def without_pole(y, order):
    """n - 1/y or n (1 + n) - 1/y^2 = -d(n - 1/y)/dy, near 0 by the series with Bernoulli's numbers."""
    series = np.polynomial.Polynomial([-1 / 2, 1 / 12, 0, -1 / 720, 0, 1 / 30240, 0, -1 / 1209600, 0, 1 / 47900160])
    far = np.maximum(y, 0.4)
    n = 1 / np.expm1(far)
    if order == 1:
        return np.where(y < 0.4, series(y), n - 1 / far)
    return np.where(y < 0.4, -series.deriv()(y), n * (1 + n) - 1 / far**2)


# --- states -----------------------------------------------------------------------------------------------------------


def test_limit_density_of_states_counts_wavenumbers() -> None:
    """Of the states in a large box, 4 pi q^3/3 over (2 pi)^3, those below an energy."""
    energy = np.linspace(KK.gap, KK.bandwidth, 7)[1:]
    for top in energy:
        q = np.sqrt((top - KK.gap) / KK.stiffness)
        x, share = np.polynomial.legendre.leggauss(40)
        root = np.sqrt(top - KK.gap) * (1 + x) / 2  # dE = 2 root d root
        states = np.sum(share / 2 * np.sqrt(top - KK.gap) * 2 * root * KK.density_of_states(KK.gap + root**2))
        assert states == pytest.approx(q**3 / (6 * np.pi**2), rel=1e-13, abs=0)
    assert KK.mode_density == pytest.approx(q**3 / (6 * np.pi**2), rel=1e-14, abs=0)


def test_limit_band_of_the_paper() -> None:
    assert KK.mode_density * nm**3 == pytest.approx(26.57, abs=5e-3)
    assert np.sqrt(KK.width / KK.stiffness) * nm == pytest.approx(11.63, abs=5e-3)
    assert KK.width + KK.gap == pytest.approx(KK.bandwidth, rel=1e-15, abs=0)


def test_limit_no_states_outside_the_band() -> None:
    edge = np.array([KK.gap, KK.bandwidth])
    np.testing.assert_array_equal(KK.density_of_states(edge * [1 - 1e-12, 1 + 1e-12]), 0)
    assert KK.density_of_states(KK.gap) == 0
    assert isinstance(KK.density_of_states(KK.bandwidth), float)
    assert KK.density_of_states(np.full((2, 3), KK.bandwidth)).shape == (2, 3)


@pytest.mark.parametrize("points", [1, 2, 5, 16, 32, 200])
def test_limit_quadrature_is_exact_for_powers(points) -> None:
    """Integral of D x^k = N_b 3/(2k + 3), x the energy above the gap in widths, for 2k + 2 <= 2 points - 1."""
    energy, weight = KK.quadrature(points)
    assert energy.shape == weight.shape == (points,)
    assert (np.diff(energy) > 0).all()
    assert KK.gap < energy[0] <= energy[-1] < KK.bandwidth
    assert (weight > 0).all()
    x = (energy - KK.gap) / KK.width
    for k in range(points - 1):
        assert weight @ x**k == pytest.approx(KK.mode_density * 3 / (2 * k + 3), rel=1e-11, abs=0)
    if points == 1:  # 2k + 2 = 1 has no k: the one node is at half the wavenumber
        assert x[0] == pytest.approx(0.25, abs=1e-15)


def test_limit_quadrature_converges_exponentially_where_a_uniform_grid_does_not() -> None:
    kelvin, mu = 300.0, -1 * meV
    true = exact(KK, kelvin, mu, 1)

    def error(points):
        energy, weight = KK.quadrature(points)
        return abs(weight @ bose_einstein(energy, kelvin, mu) / true - 1)

    assert [error(points) < most for points, most in ((8, 1e-3), (16, 1e-6), (32, 1e-12))] == [True] * 3
    grid = np.linspace(KK.gap, KK.bandwidth, 51)
    uniform = np.trapezoid(KK.density_of_states(grid) * bose_einstein(grid, kelvin, mu), grid)
    assert 3e-3 < abs(uniform / true - 1) < 3e-2  # the root at the gap


# --- Bose and Einstein ------------------------------------------------------------------------------------------------


@given(st.floats(-30, 30).filter(lambda y: abs(y) > 1e-6), st.floats(1, 1e5))
def test_limit_bose_einstein(y, kelvin) -> None:
    energy = y * k_B * kelvin
    with mpmath.workdps(30):
        true = float(1 / mpmath.expm1(mpmath.mpf(energy) / (mpmath.mpf(k_B) * mpmath.mpf(kelvin))))
    assert bose_einstein(energy, kelvin) == pytest.approx(true, rel=1e-13 * (1 + abs(y)), abs=0)
    other = bose_einstein(-energy, kelvin)
    assert bose_einstein(energy, kelvin) + other == pytest.approx(-1, abs=1e-12 * (1 + 1 / abs(y)))


def test_limit_bose_einstein_at_and_far_from_its_pole_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bose_einstein(2.0, 300.0, 2.0) == np.inf
        assert bose_einstein(1.0, 1e-3) == 0  # k_B T is 1e-26 of the energy
        assert bose_einstein(-1.0, 1e-3) == -1
        assert bose_einstein(1.0, 1e-300) == 0
    assert bose_einstein([1e-21, 2e-21], [[100.0], [200.0], [300.0]], 0.0).shape == (3, 2)


# --- equilibrium ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [-200.0, -1.0, 0.0, 0.9, 1 - 1e-3, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12])
@pytest.mark.parametrize("name", BANDS)
def test_limit_density_and_susceptibility_in_equilibrium(name, share) -> None:
    band = BANDS[name]
    mu = share * band.gap
    kelvins = np.array([10.0, 20.0, 100.0, 1000.0, 1e4, 1e6, 1e9])
    for order, found in ((1, magnon_density(band, kelvins, mu)), (2, magnon_susceptibility(band, kelvins, mu))):
        true = np.array([exact(band, kelvin, mu, order) for kelvin in kelvins])
        np.testing.assert_allclose(found, true, rtol=1e-10, atol=1e-200)


def test_limit_the_two_references_agree() -> None:
    """Where both series and split integral converge: b = 3, just on either side."""
    for order in (1, 2):
        kelvin = 2 * meV / (3 * k_B)
        low, high = (exact(KK, kelvin * shift, 3 * meV, order) for shift in (1 - 1e-9, 1 + 1e-9))
        assert low == pytest.approx(high, rel=1e-7, abs=0)


def test_limit_hot_magnons_have_the_density_of_rayleigh_and_jeans() -> None:
    """n_BE = k_B T/E - 1/2 + ..., and <1/E> = 3 (1 - arctan(r)/r)/width with r^2 = width/gap."""
    r = np.sqrt(KK.width / KK.gap)
    inverse = 3 * (1 - np.arctan(r) / r) / KK.width
    kelvin = 1e7
    expected = KK.mode_density * (k_B * kelvin * inverse - 0.5)
    assert magnon_density(KK, kelvin) == pytest.approx(expected, rel=1e-5, abs=0)
    assert magnon_density(KK, 1e9) / KK.mode_density + 0.5 == pytest.approx(1e9 * k_B * inverse, rel=1e-9, abs=0)


def test_limit_more_magnons_than_one_in_each_mode() -> None:
    """The model does not stop at n_d = S: KK's band holds more at 1000 K than the modes it has."""
    assert magnon_density(KK, 1000.0) * nm**3 == pytest.approx(44.8, abs=0.05)
    rho = 6 * meV * nm**3
    assert rho * magnon_susceptibility(KK, 100.0) == pytest.approx(0.84, abs=5e-3)
    assert rho * magnon_susceptibility(KK, 1000.0) == pytest.approx(13.6, abs=0.05)


@given(st.floats(20, 5e3), st.floats(-50, 4.9))
@settings(max_examples=40)
def test_invariant_susceptibility_is_the_slope_of_the_density(kelvin, mu) -> None:
    gap = (5 - mu) * meV
    h = 1e-3 * min(gap, k_B * kelvin)
    points = mu * meV + h * np.arange(-2, 3)
    slope = np.array([1, -8, 0, 8, -1]) / (12 * h) @ magnon_density(KK, kelvin, points)
    assert magnon_susceptibility(KK, kelvin, mu * meV) == pytest.approx(slope, rel=1e-8, abs=0)


def test_invariant_equilibrium_takes_arrays() -> None:
    kelvin, mu = np.array([[50.0], [500.0]]), np.array([-10.0, 0.0, 4.0]) * meV
    for function in (magnon_density, magnon_susceptibility):
        found = function(KK, kelvin, mu)
        assert found.shape == (2, 3)
        one = [[function(KK, float(t[0]), float(m)) for m in mu] for t in kelvin]
        np.testing.assert_allclose(found, one, rtol=1e-14)
        assert isinstance(function(KK, 300.0), float)


def test_limit_no_magnons_in_the_cold_and_no_warning() -> None:
    for mu in (0.0, -1000 * meV):
        assert magnon_density(KK, 0.05, mu) == 0
        assert magnon_susceptibility(KK, 0.05, mu) == 0


# --- the nearest thermal distribution ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["KK", "soft"])
@given(
    kelvin=st.floats(0, 9).map(lambda x: 10**x),
    distance=st.floats(-9, 3.5).map(lambda x: 10**x),
    points=st.sampled_from([16, 32, 64]),
)
@settings(max_examples=150)
def test_invariant_fit_finds_what_is_thermal(name, kelvin, distance, points) -> None:
    """From 1 K to 1e9 K, mu from 3000 gaps below the gap to 1e-9 gaps below it."""
    band = BANDS[name]
    mu = band.gap * (1 - distance)
    energy, weight = band.quadrature(points)
    n = bose_einstein(energy, kelvin, mu)
    if weight @ n < 1e-280 * band.mode_density:
        return
    share = 1e-9 * (1 + (band.gap - mu) / (k_B * kelvin) + k_B * kelvin / band.width)
    for fit in (fit_bose_einstein(band, n), fit_bose_einstein(band, n, chemical_potential=mu)):
        assert fit.temperature == pytest.approx(kelvin, rel=share, abs=0)
        assert fit.chemical_potential == pytest.approx(mu, abs=share * max(band.gap - mu, k_B * kelvin))
        assert 0 <= fit.distance < 1e-8


def test_invariant_fit_has_the_moments_and_the_largest_entropy() -> None:
    energy, weight = KK.quadrature(32)
    n = 0.3 + 0.8 * np.exp(-energy / (20 * meV)) * (1 + 0.5 * np.sin(energy / (3 * meV)))
    n[energy > 50 * meV] *= 0.5
    fit = fit_bose_einstein(KK, n)
    thermal = bose_einstein(energy, fit.temperature, fit.chemical_potential)
    for moment in (np.ones(32), energy):
        assert weight @ (moment * thermal) == pytest.approx(weight @ (moment * n), rel=1e-12, abs=0)
    assert fit.distance == pytest.approx(weight @ abs(n - thermal) / (weight @ n), rel=1e-10, abs=0)

    def entropy(m):
        return weight @ ((1 + m) * np.log(1 + m) - m * np.log(m))

    assert entropy(n) < entropy(thermal)
    kept = np.linalg.svd(np.array([weight, weight * energy / meV]))[2][2:]  # directions without density and energy
    for seed in range(20):
        step = np.random.default_rng(seed).normal(size=30) @ kept
        step *= 0.1 * thermal.min() / abs(step).max()
        assert entropy(thermal + step) < entropy(thermal)


def test_invariant_fit_of_the_density_alone() -> None:
    energy, weight = KK.quadrature(24)
    for n in (np.ones(24), (np.arange(24) == 20) * 1.0, 1e6 * np.exp(-energy / meV), np.full(24, 1e-100)):
        fit = fit_bose_einstein(KK, n, chemical_potential=-3 * meV)
        thermal = bose_einstein(energy, fit.temperature, -3 * meV)
        assert weight @ thermal == pytest.approx(weight @ n, rel=1e-11, abs=0)
        assert fit.chemical_potential == -3 * meV


def test_invariant_fit_of_a_function_is_that_of_its_values() -> None:
    def occupation(energy):
        return 1 / (0.2 + energy / (10 * meV))

    one = fit_bose_einstein(KK, occupation, points=20)
    assert fit_bose_einstein(KK, occupation(KK.quadrature(20)[0])) == one
    assert fit_bose_einstein(KK, occupation).temperature == pytest.approx(one.temperature, rel=1e-9, abs=0)
    assert one.distance > 1e-3
