"""Brown's eigenvalue and the telegraph process against routes that share nothing with the code.

The reference is a multi-precision one: power series of g about both poles, whose values and slopes are matched at the
equator by the right eigenvalue. Bounds come from quadrature, expansions from the moments of Legendre polynomials.
"""

import warnings
from fractions import Fraction
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_simpson, quad, simpson
from scipy.linalg import expm
from scipy.special import dawsn

from spinlib.dynamics import _brown
from spinlib.dynamics.fokker_planck import brown_eigenvalue, neel_brown, telegraph_noise
from spinlib.units import gyromagnetic_ratio, k_B
from tests.bad_input import Refusal, refusals

# barrier and reduced field: no barrier, one, two, wells of which one is deep, two deep wells of nearly the same depth,
# fields far above the anisotropy
POINTS = [
    (0.01, 0.0),
    (1.0, 0.3),
    (2.0, 3.0),
    (3.0, 0.0),
    (5.0, 1.0),
    (6.0, 1.2),
    (15.0, 0.0),
    (20.0, 0.6),
    (30.0, 0.0),
    (30.0, 0.99),
    (40.0, 0.2),
    (60.0, 0.5),
    (80.0, 0.0),
    (45.0, 3e-3),
    (50.0, 0.01),
    (60.0, 0.02),
    (40.0, 3.0),
    (0.5, 15.0),
    (0.2, 25.0),
    (0.1, 100.0),
    (2.5e-3, 2470.0),
    (1.5e-4, 8.5e4),
    (2.332320914266245e-07, 41564030.043051325),
    (1e-9, 1.65e10),
    (1e-9, 1.8e10),
    (1e-9, 1.95e10),
]
ROUNDING = 2e-15  # relative, for each k_B T of the lower barrier and three more


def lower(sigma, h):
    return sigma * max(0.0, 1 - abs(h)) ** 2


# --- independent routes -----------------------------------------------------------------------------------------------


def series(sigma, c, value, terms):
    """Coefficients in z of the g that is regular at the pole x = -1 = z - 1, with g(0) = 1; c = h - 1.

    z (2 - z) g'' + 2 (1 - z) g' + 2 sigma (z + c) z (2 - z) g' + lambda g = 0.
    """
    a = [mp.mpf(0), mp.mpf(0), mp.mpf(1)]  # two zeros stand before the first
    for n in range(terms):
        drift = 2 * c * n * a[n + 2] + (2 - c) * (n - 1) * a[n + 1] - (n - 2) * a[n]
        a.append(((n * (n + 1) - value) * a[n + 2] - 2 * sigma * drift) / (2 * (n + 1) ** 2))
    return a[2:]


def multiprecision(sigma, h, guess, digits=30):
    """The eigenvalue next to ``guess`` to ``digits``, and g' of its mode at points from pole to pole."""
    extra = int(1.4 * sigma * (1 + abs(h))) + 10
    with mp.workdps(digits + extra):
        s, field = mp.mpf(sigma), mp.mpf(h)
        terms = int(3.4 * (digits + extra)) + 20  # the next singular point is two units away

        def both(value):
            return [series(s, c, value, terms) for c in (field - 1, -field - 1)]

        def mismatch(value):
            (g, slope), (other, other_slope) = ((sum(a), sum(k * a[k] for k in range(terms))) for a in both(value))
            return (g * other_slope + slope * other) / value

        start = mp.mpf(guess)
        tolerance = start * mp.mpf(10) ** (-(digits + extra) * 2 / 3)  # of the last step but one
        found = mp.findroot(mismatch, (start, start * (1 + mp.mpf(10) ** -8)), tol=tolerance, verify=False)
        slopes = []
        for a in both(found):
            derivative = [k * a[k] for k in range(terms - 1, 0, -1)]
            slopes += [mp.polyval(derivative, mp.mpf(i) / 8) for i in range(9)]
        return found, slopes


def moments(sigma, h, size):
    """-d<P_l>/d(t/2 tau_N) of l = 1 ... size, of any kind of numbers: L+ P_l = (1 - x^2) P_l'' - 2 x P_l' - ..."""
    matrix = [[0 * sigma for _ in range(size + 3)] for _ in range(size)]
    for degree in range(1, size + 1):
        row, unit = matrix[degree - 1], sigma / sigma if sigma else 1
        row[degree] += degree * (degree + 1) * unit
        pull = 2 * sigma * (degree * (degree + 1) * unit / (2 * degree + 1))  # times (x + h)(P_(l-1) - P_(l+1))
        for other, sign in ((degree - 1, 1), (degree + 1, -1)):
            row[other] -= sign * pull * h
            row[other + 1] -= sign * pull * ((other + 1) * unit / (2 * other + 1))
            if other:
                row[other - 1] -= sign * pull * (other * unit / (2 * other + 1))
    return [row[1 : size + 1] for row in matrix]


# --- the eigenvalue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma", "h"), POINTS)
def test_limit_multiprecision(sigma, h):
    value = brown_eigenvalue(sigma, h)
    exact, slopes = multiprecision(sigma, h, value)
    assert abs(float(value / exact - 1)) < ROUNDING * (3 + lower(sigma, h))
    assert all(slope < 0 for slope in slopes), "the slope of the slowest mode has no zero"


@cache
def multiprecision_moments(sigma):
    """Smallest eigenvalue of the odd moments in zero field, of a tridiagonal matrix, by Newton on its determinant."""
    size = 60 + int(4 * sigma)
    with mp.workdps(40 + int(sigma)):
        rows = moments(mp.mpf(sigma), mp.mpf(0), 2 * size)

        def ratio(value):
            """det(A - value)/det(A - value without its first row and column), from below."""
            last = mp.mpf(1)
            for k in range(2 * size - 2, -1, -2):
                last = rows[k][k] - value - (rows[k][k + 2] * rows[k + 2][k] / last if k < 2 * size - 2 else 0)
            return last

        return mp.findroot(ratio, (mp.mpf(0), mp.mpf(brown_eigenvalue(sigma)) / 2), tol=mp.mpf(10) ** (-60))


@pytest.mark.parametrize("sigma", [20.0, 25.0, 30.0, 35.0])
def test_limit_where_a_dense_matrix_fails(sigma):
    """In doubles the moments give a rate to an absolute error: to 1e-6 of it at sigma = 20, to nothing at 35."""
    exact = multiprecision_moments(sigma)
    assert abs(float(brown_eigenvalue(sigma) / exact - 1)) < ROUNDING * (3 + sigma)
    sizes = [100, 110, 120, 130, 140]
    dense = [min(np.linalg.eigvals(np.array(moments(sigma, 0.0, size))), key=abs).real for size in sizes]
    miss = max(abs(float(value / exact - 1)) for value in dense)
    rounding = 120**2 * np.finfo(float).eps / float(exact)  # the largest eigenvalue is the square of the size
    assert rounding / 100 < miss < 30 * rounding


def test_limit_zero_barrier_is_free_diffusion():
    assert brown_eigenvalue(0.0) == 2.0
    np.testing.assert_array_equal(brown_eigenvalue(0.0, [0.0, -0.5, 1e9]), 2.0)


def test_limit_small_barrier():
    """To the second order from the matrix of moments: 2 - 4/5 sigma + 96/875 sigma^2, and what a field adds."""
    one = Fraction(1)
    rows = moments(one, 0 * one, 5)
    first = [[rows[i][j] - (i + 1) * (i + 2) * (i == j) for j in range(5)] for i in range(5)]
    second = sum(first[0][k] * first[k][0] / (2 - Fraction((k + 1) * (k + 2))) for k in range(1, 5))
    assert (first[0][0], second) == (Fraction(-4, 5), Fraction(96, 875))
    sigma = np.array([1e-2, 2e-2])
    rest = brown_eigenvalue(sigma) - (2 + float(first[0][0]) * sigma + float(second) * sigma**2)
    np.testing.assert_allclose(rest[1] / rest[0], 8, rtol=0.02)  # of the third order
    assert np.abs(rest).max() < 0.1 * sigma[1] ** 3


def test_limit_field_without_anisotropy():
    """In xi = 2 sigma h alone, as sigma goes to 0: 2 + xi^2/5 from the moments, 2 (xi - 1 - 1/xi) where it is strong.

    The modes at both poles decay almost equally fast then, and only vectors that stay orthogonal tell them apart.
    """
    xi, sigma = np.array([0.05, 0.1, *np.linspace(15, 300, 96)]), 1e-9
    value = brown_eigenvalue(sigma, xi / (2 * sigma))
    rows = moments(Fraction(1), Fraction(10**9), 3)  # of sigma = 1: pulls are of xi = 2e9
    second = Fraction(rows[0][1] * rows[1][0], (2 - 6) * (2 * 10**9) ** 2)
    np.testing.assert_allclose(value[:2], 2 + float(second) * xi[:2] ** 2, rtol=0, atol=xi[1] ** 4 / 10)
    assert second == Fraction(1, 5)
    rest = xi[2:] ** 2 * (2 * (xi[2:] - 1 - 1 / xi[2:]) - value[2:])
    assert 0 < rest.min() <= rest.max() < 12


def test_bad_input_iteration_without_end_is_no_value(monkeypatch):
    monkeypatch.setattr(_brown, "_ITERATIONS", 3)
    with pytest.raises(RuntimeError, match="did not converge in 3 steps; report barrier and reduced_field"):
        brown_eigenvalue(1.0, 0.3)


def test_limit_strong_field():
    """For h > 1 the slowest mode sits at the pole against the field: 4 sigma (h - 1) - 2 + 4/(h - 1) and O(1/sigma).

    The first two orders of the quotient of int (1 - x^2) e^(-U) g'^2 and int e^(-U) g^2 for g = e^(-a z), a = U' there.
    """
    sigma, h = np.array([[500.0], [1000.0]]), np.array([2.0, 3.0, 10.0])
    rest = brown_eigenvalue(sigma, h) - (4 * sigma * (h - 1) - 2 + 4 / (h - 1))
    assert np.abs(rest).max() < 0.02
    np.testing.assert_allclose(rest[0] / rest[1], 2, rtol=0.01)


def asymptote(sigma, h=0.0):
    """Kramers' law of two deep wells, biased by a field."""
    up, down = (1 + h) * np.exp(-sigma * (1 + h) ** 2), (1 - h) * np.exp(-sigma * (1 - h) ** 2)
    return 2 * sigma**1.5 / np.sqrt(np.pi) * (1 - h**2) * (up + down)


def test_limit_high_barrier():
    """The ratio to the asymptote, and its expansion 1 - 1/sigma - 3/(4 sigma^2) from the moments of a Gaussian.

    1/lambda is the weight of a well times the resistance of the barrier, each (1 + 1/2 sigma + 3/4 sigma^2 ...).
    """
    sigma = np.array([3.0, 15.0, 30.0, 50.0])
    ratio = brown_eigenvalue(sigma) / asymptote(sigma)
    np.testing.assert_allclose(ratio, [0.8074, 0.9292, 0.9657, 0.9797], rtol=0, atol=6e-5)
    sigma = np.array([150.0, 300.0])
    half = [Fraction(1), Fraction(1, 2), Fraction(3, 4)]
    first = -2 * half[1]
    second = 3 * half[1] ** 2 - 2 * half[2]
    assert (first, second) == (-1, Fraction(-3, 4))
    rest = brown_eigenvalue(sigma) / asymptote(sigma) - (1 + float(first) / sigma + float(second) / sigma**2)
    np.testing.assert_allclose(rest[0] / rest[1], 8, rtol=0.05)  # of the third order


@pytest.mark.parametrize(
    ("sigma", "h"), [(10.0, 0.0), (15.0, 0.0), (30.0, 0.0), (300.0, 0.0), (40.0, 0.3), (80.0, 0.5), (400.0, 0.7)]
)
def test_limit_two_wells(sigma, h):
    """Two weights and a Gaussian integral across the top: off by less than the rate over that of a well, 4 sigma.

    1/(1 - x^2) under the Gaussian at the top, in the sense of the principal value, gives Dawson's function once more.
    """
    far, near = dawsn(np.sqrt(sigma) * (1 + h)), dawsn(np.sqrt(sigma) * (1 - h))
    rates = np.exp(-sigma * (1 + h) ** 2) / far + np.exp(-sigma * (1 - h) ** 2) / near
    value = _brown._solved(sigma, h)
    miss = value / (np.sqrt(sigma / np.pi) * rates / (far + near)) - 1
    assert abs(miss) < value / 2 + 2 * ROUNDING * (3 + lower(sigma, h))
    assert _brown._two_wells(sigma, h) == pytest.approx(value / (1 + miss), rel=1e-13, abs=0)


@pytest.mark.parametrize("sigma", [8.0, 15.0, 25.0, 36.0, 45.0, 60.0])
def test_limit_closed_form_of_two_wells_misses_by_less_than_half_of_itself(sigma):
    """In many digits, where rounding hides nothing: by a third of itself at sigma = 10, by less and less above."""
    exact = multiprecision_moments(sigma)
    with mp.workdps(40 + int(sigma)):
        root = mp.sqrt(mp.mpf(sigma))
        dawson = mp.sqrt(mp.pi) / 2 * mp.exp(-(root**2)) * mp.erfi(root)
        form = root / mp.sqrt(mp.pi) * mp.exp(-(root**2)) / dawson**2
        miss = float((1 - form / exact) / exact)
    assert 1 / (5 + sigma / 8) < miss < 0.5
    assert abs(float(_brown._two_wells(sigma, 0.0) / form - 1)) < ROUNDING * (3 + sigma)


@settings(max_examples=30)
@given(st.floats(36.0, 600.0), st.floats(0.0, 0.97))
def test_invariant_closed_form_of_two_wells_is_lanczos(deep, h):
    """Where the one is taken for the other and beside it, in a field, too."""
    sigma = deep / (1 - h) ** 2
    value = _brown._solved(sigma, h)
    bound = value / 2 + 2 * ROUNDING * (3 + lower(sigma, h))
    assert _brown._two_wells(sigma, h) == pytest.approx(value, rel=bound, abs=0)


def test_limit_biased_high_barrier():
    sigma, h = np.array([200.0, 400.0]), 0.5
    miss = brown_eigenvalue(sigma, h) / asymptote(sigma, h) - 1
    assert np.abs(miss).max() < 0.02
    np.testing.assert_allclose(miss[0] / miss[1], 2, rtol=0.05)  # falls as 1/sigma


def test_limit_barrier_that_nothing_crosses():
    """No warning, no overflow: the smallest floats, then 0."""
    value = brown_eigenvalue([699.0, 701.0, 1e6, 400.0], [0.0, 0.0, 0.5, 0.2])
    np.testing.assert_allclose(np.log(value[0]), np.log(asymptote(699.0)) - 1 / 699, rtol=0, atol=1e-5)
    assert value.tolist()[1:3] == [0.0, 0.0]
    assert 0 < value[3] < 1e-100


def test_limit_very_high_and_no_barrier_on_one_side():
    """A deep well of 4e6 k_B T, or no end to the field: the shallow side decides, on its own scale."""
    scaled = brown_eigenvalue([1e4, 1e6, 1e8], 1.0) / np.sqrt([1e4, 1e6, 1e8])
    np.testing.assert_allclose(scaled, scaled[2], rtol=0.03)
    np.testing.assert_allclose((scaled[0] - scaled[2]) / (scaled[1] - scaled[2]), 11, rtol=0.01)  # 1/sqrt(sigma)
    np.testing.assert_allclose(brown_eigenvalue(1.0, 1e300), 4e300, rtol=1e-14)


@given(st.floats(0.0, 40.0), st.floats(-2.0, 2.0))
@settings(max_examples=60)
def test_invariant_bounds(sigma, h):
    """Rayleigh's quotient of g = x from above, and from below one over the sum of all 1/lambda, by Simpson's rule."""
    step = 2e-3
    y = np.arange(-10000, 10001) * step
    x, dx = np.tanh(y), np.cosh(y) ** -2.0  # no singular ends, and 1/(1 - x^2) is dy/dx
    weight = np.exp(sigma * (x * x + 2 * h * x - 1 - 2 * abs(h)))
    left = cumulative_simpson(weight * dx, dx=step, initial=0)
    right = -cumulative_simpson((weight * dx)[::-1], dx=-step, initial=0)[::-1]
    trace = simpson(left * right / weight, dx=step) / left[-1]
    mean, square = (simpson(weight * x**n * dx, dx=step) / left[-1] for n in (1, 2))
    value = brown_eigenvalue(sigma, h)
    assert value == brown_eigenvalue(sigma, -h)
    assert (1 - 1e-4) / trace < value < (1 - square) / (square - mean**2) * (1 + 1e-4)
    if lower(sigma, h) > 12:
        np.testing.assert_allclose(value * trace, 1, rtol=0, atol=1e-3)  # all others are far faster


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(-2, 2)), min_size=1, max_size=4))
@settings(max_examples=20)
def test_invariant_broadcast(pairs):
    sigma, h = np.array(pairs).T
    table = brown_eigenvalue(sigma[:, None], h)
    assert table.shape == (len(pairs), len(pairs))
    assert table[0, -1] == brown_eigenvalue(float(sigma[0]), float(h[-1]))
    assert type(brown_eigenvalue(sigma[0], h[0])) is float
    assert brown_eigenvalue(np.zeros((0, 2)), 0.5).shape == (0, 2)


@given(st.floats(0.1, 60), st.floats(0.0, 0.99))
@settings(max_examples=40)
def test_invariant_higher_barriers_are_crossed_less(sigma, h):
    """At h = 0; a field lowers the lower barrier and helps."""
    assert brown_eigenvalue(1.01 * sigma) < brown_eigenvalue(sigma) < 2
    assert brown_eigenvalue(sigma, 1.01 * h + 1e-3) > brown_eigenvalue(sigma, h)


# --- grains -----------------------------------------------------------------------------------------------------------

GRAIN = {
    "anisotropy": 4e5,
    "volume": 2e-25,
    "saturation_magnetization": 4e5,
    "alpha": 0.1,
    "temperature": 300.0,
}


def test_limit_grain_without_anisotropy():
    """<m> decays with 2 D, and D is half the variance of the thermal rotation per time: Brown's field with damping."""
    grain = neel_brown(**GRAIN | {"anisotropy": 0.0})
    moment, alpha = GRAIN["volume"] * GRAIN["saturation_magnetization"], GRAIN["alpha"]
    field = 2 * alpha * k_B * 300.0 / (gyromagnetic_ratio * moment)  # spectral density of a component [T^2 s]
    turning = gyromagnetic_ratio**2 * field * (1 + alpha**2) / (1 + alpha**2) ** 2  # of Gilbert's equation, per time
    np.testing.assert_allclose(grain.rate, turning, rtol=1e-13)
    np.testing.assert_allclose(grain.diffusion_time, 1 / turning, rtol=1e-13)
    assert (grain.barrier, grain.eigenvalue) == (0.0, 2.0)


def test_limit_grain_in_a_field():
    """Each number by hand, in units where they are simple: gamma = M_s V = 1, k_B T = 2, K V = 40, alpha = 1."""
    grain = neel_brown(20.0, 2.0, 0.5, 1.0, 2 / k_B, 0.25, gyromagnetic_ratio=1.0)
    np.testing.assert_allclose((grain.barrier, grain.diffusion_time), (20.0, 0.5), rtol=1e-14)
    assert grain.eigenvalue == brown_eigenvalue(grain.barrier, 0.25)
    np.testing.assert_allclose(grain.rate, grain.eigenvalue, rtol=1e-14)


@given(st.floats(0.01, 100.0), st.floats(0.01, 10.0), st.floats(0.01, 10.0))
@settings(max_examples=30)
def test_invariant_grain(alpha, stretch, pace):
    """alpha and 1/alpha relax alike; temperature and energy together only change the time, as do M_s and gamma."""
    one = neel_brown(**GRAIN | {"alpha": alpha})
    np.testing.assert_allclose(neel_brown(**GRAIN | {"alpha": 1 / alpha}).rate, one.rate, rtol=1e-13)
    hot = GRAIN | {"alpha": alpha, "temperature": stretch * 300.0, "anisotropy": stretch * 4e5}
    np.testing.assert_allclose(neel_brown(**hot).rate, stretch * one.rate, rtol=1e-12)
    slow = neel_brown(**GRAIN | {"alpha": alpha, "saturation_magnetization": pace * 4e5})
    np.testing.assert_allclose(slow.rate, one.rate / pace, rtol=1e-13)
    fast = neel_brown(**GRAIN | {"alpha": alpha, "gyromagnetic_ratio": pace * gyromagnetic_ratio})
    np.testing.assert_allclose(fast.rate, one.rate * pace, rtol=1e-13)


def test_limit_grain_table():
    grains = neel_brown(**GRAIN | {"volume": np.array([1e-25, 2e-25])[:, None], "reduced_field": [0.0, 0.1, 0.2]})
    columns = grains.columns()
    assert list(columns) == ["diffusion_time", "barrier", "eigenvalue", "rate"]
    assert all(column.shape == (6,) for column in columns.values())
    assert columns["rate"][3] == grains.rate[1, 0] == neel_brown(**GRAIN).rate


def test_limit_records_are_equal_to_themselves_only():
    for call in (lambda: neel_brown(**GRAIN), lambda: telegraph_noise(**NOISE)):
        one, other = call(), call()
        assert one == one
        assert one != other
        assert len({one, other}) == 2


# --- telegraph noise --------------------------------------------------------------------------------------------------

WELLS = st.floats(8.0, 60.0)
BIAS = st.floats(-0.35, 0.35)


@given(WELLS, BIAS, st.floats(1e-12, 1e3))
@settings(max_examples=50)
def test_invariant_detailed_balance(sigma, h, time):
    noise = telegraph_noise(sigma, h, time)
    np.testing.assert_allclose(noise.probability_up + noise.probability_down, 1, rtol=1e-15)
    up, down = noise.probability_up, noise.probability_down
    np.testing.assert_allclose(noise.rate_up_down * up, noise.rate_down_up * down, rtol=1e-14)
    total = noise.rate_up_down + noise.rate_down_up
    np.testing.assert_allclose(total * 2 * time, brown_eigenvalue(sigma, h), rtol=1e-14)
    np.testing.assert_allclose(noise.corner_frequency * 2 * np.pi, total, rtol=1e-14)
    other = telegraph_noise(sigma, -h, time)
    np.testing.assert_allclose(
        (other.probability_down, other.rate_down_up, other.spectrum(total)),
        (up, noise.rate_up_down, noise.spectrum(total)),
        rtol=1e-12,
    )


@pytest.mark.parametrize(("sigma", "h"), [(12.0, 0.0), (20.0, 0.3), (60.0, -0.5), (200.0, 0.4)])
def test_limit_populations(sigma, h):
    """By multi-precision quadrature, the small one to the same relative error."""
    with mp.workdps(30):

        def weight(x):
            return mp.exp(sigma * (x * x + 2 * mp.mpf(h) * x))

        up = mp.quad(weight, mp.linspace(-h, 1, 12))
        down = mp.quad(weight, mp.linspace(-1, -h, 12))
        exact = [float(up / (up + down)), float(down / (up + down))]
    noise = telegraph_noise(sigma, h, 1.0)
    np.testing.assert_allclose((noise.probability_up, noise.probability_down), exact, rtol=4 * sigma * 1e-15)


def test_limit_populations_of_a_half_sphere():
    """Without a barrier P is the solid angle of m_z > -h."""
    with pytest.warns(UserWarning, match=r"the lower barrier is 0 k_B T, where there are no two levels: pass barrier"):
        noise = telegraph_noise([0.0, 1e-300, 1e-12], 0.5, 0.25)
    np.testing.assert_allclose(noise.probability_up, 0.75, rtol=1e-11)
    np.testing.assert_allclose(noise.rate_up_down, 1.0, rtol=1e-11)


@pytest.mark.parametrize("h", [0.0, 0.05, -0.1])
def test_limit_spectrum_of_the_two_state_process(h):
    """Cosine transform of the autocovariance that the matrix of its rates gives; the integral is the variance."""
    noise = telegraph_noise(12.0, h, 1e-9)
    out, back = noise.rate_up_down, noise.rate_down_up
    matrix = np.array([[-out, back], [out, -back]])
    state, weights = np.array([1.0, -1.0]), np.array([noise.probability_up, noise.probability_down])
    np.testing.assert_allclose(matrix @ weights, 0, atol=1e-12 * out)
    mean = state @ weights

    def covariance(t):
        return float(state @ expm(matrix * t) @ (state * weights) - mean**2)

    unit = 1 / (out + back)
    for f in (0.0, 0.3, 1.0, 2.0):
        frequency = f * noise.corner_frequency
        integral = quad(lambda t, f=f: covariance(t * unit) * np.cos(f * t), 0, 40, limit=200)[0]
        np.testing.assert_allclose(noise.spectrum(frequency), 4 * unit * integral, rtol=1e-7)
    variance = quad(lambda t: noise.spectrum(np.tan(t) * noise.corner_frequency) / np.cos(t) ** 2, 0, np.pi / 2)[0]
    np.testing.assert_allclose(variance * noise.corner_frequency, covariance(0.0), rtol=1e-9)


def test_limit_spectrum_at_the_corner_and_beyond():
    noise = telegraph_noise(20.0, [[0.0], [0.1]], 1e-9)
    corner = noise.corner_frequency
    table = noise.spectrum(corner * [0.0, 1.0, 1e3])
    np.testing.assert_allclose(table[:, 1] / table[:, 0], 0.5, rtol=1e-14)
    np.testing.assert_allclose(table[:, 2] / table[:, 0], 1e-6, rtol=2e-6)
    assert type(telegraph_noise(20.0, 0.0, 1e-9).spectrum(1.0)) is float
    slow = telegraph_noise(690.0, 0.0, 1e-9)  # lambda^2 is below all floats
    np.testing.assert_allclose(slow.spectrum(0.0), 2 / slow.rate_up_down, rtol=1e-14)


# --- refusals ---------------------------------------------------------------------------------------------------------


def refused(rule, says, call=brown_eigenvalue, **arguments):
    given = {brown_eigenvalue: {"barrier": 1.0}, neel_brown: GRAIN, telegraph_noise: NOISE}[call]
    return Refusal(rule, call, given | arguments, says)


NOISE = {"barrier": 10.0, "reduced_field": 0.0, "diffusion_time": 1e-9}


@refusals(
    refused("negative barrier", ("barrier[1] = -1", "K V/k_B T >= 0"), barrier=[0.0, -1.0]),
    refused("barrier that is no number", ("barrier = nan", "finite"), barrier=np.nan),
    refused("complex barrier", ("barrier = 1j", "real numbers"), barrier=1j),
    refused("infinite field", ("reduced_field = inf", "finite"), reduced_field=np.inf),
    refused("field energy above all floats", ("reduced_field = 1e+300", "<= 1e+300"), barrier=2.0, reduced_field=1e300),
    refused(
        "shapes of barrier and field",
        ("barrier of shape (2,) and reduced_field of shape (3,)", "pass"),
        barrier=[1.0, 2.0],
        reduced_field=[0.0, 0.0, 0.0],
    ),
    refused("negative anisotropy", ("anisotropy = -1", "anisotropy >= 0"), neel_brown, anisotropy=-1.0),
    refused("no volume", ("volume = 0", "volume > 0"), neel_brown, volume=0.0),
    refused("negative volume", ("volume = -1e-25", "volume > 0"), neel_brown, volume=-1e-25),
    refused("no moment", ("saturation_magnetization = 0", "> 0"), neel_brown, saturation_magnetization=0.0),
    refused("no damping", ("alpha = 0", "alpha > 0"), neel_brown, alpha=0.0),
    refused("zero temperature", ("temperature = 0", "temperature > 0"), neel_brown, temperature=0.0),
    refused("negative temperature", ("temperature = -1", "temperature > 0"), neel_brown, temperature=-1.0),
    refused("no gamma", ("gyromagnetic_ratio = 0", "> 0"), neel_brown, gyromagnetic_ratio=0.0),
    refused(
        "barrier above all floats",
        ("anisotropy[1] = 1e+300 gives an infinite barrier", "pass K in J/m^3"),
        neel_brown,
        anisotropy=[1e5, 1e300],
        volume=1e150,
    ),
    refused(
        "field in units of no anisotropy",
        ("reduced_field[1] = 0.5 has no scale", "anisotropy", "pass 0, or a small K"),
        neel_brown,
        anisotropy=[4e5, 0.0],
        reduced_field=0.5,
    ),
    refused("field of a grain", ("reduced_field = nan", "finite"), neel_brown, reduced_field=np.nan),
    refused("shapes of a grain", ("volume of shape (2,)", "pass"), neel_brown, volume=[1e-25] * 2, alpha=[0.1] * 3),
    refused("negative barrier of wells", ("barrier = -1", ">= 0"), telegraph_noise, barrier=-1.0),
    refused("one well", ("reduced_field = 1 leaves", "-1 < reduced_field < 1"), telegraph_noise, reduced_field=1.0),
    refused(
        "one well at the other pole", ("reduced_field[1] = -1.5", "two wells"), telegraph_noise, reduced_field=[0, -1.5]
    ),
    refused("no time", ("diffusion_time = 0", "diffusion_time > 0"), telegraph_noise, diffusion_time=0.0),
    refused("wells that nothing connects", ("barrier = 800", "<= 700"), telegraph_noise, barrier=800.0),
    refused(
        "shapes of wells", ("barrier of shape (2,)", "pass"), telegraph_noise, barrier=[9, 9], diffusion_time=[1] * 3
    ),
    Refusal("negative frequency", telegraph_noise(**NOISE).spectrum, {"frequency": -1.0}, ("frequency = -1", ">= 0")),
)
def test_bad_input_is_refused(refusal):
    refusal.check()


def test_bad_input_low_barrier_is_warned():
    """Below 3 k_B T, the lowest of all; silent from there on."""
    with pytest.warns(
        UserWarning, match=r"the lower barrier is 2\.43 k_B T.*\(1 - \|reduced_field\|\)\^2 >= 3"
    ) as caught:
        telegraph_noise([30.0, 3.0], -0.1, 1e-9)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        telegraph_noise([3.0, 12.0], [0.0, -0.5], 1e-9)
