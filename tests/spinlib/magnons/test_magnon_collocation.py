"""One step of the solver of magnons beside plain NumPy: its equations, its order, its stability."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlib.magnons._collocation import STAGES, _phi_slope, collocate, nodes, phi, polynomial


@given(st.floats(-300, 300))
def test_limit_phi(y) -> None:
    """y/(e^y - 1) with 30 digits, through its pole."""
    with mpmath.workdps(30):
        true = 1.0 if y == 0 else float(mpmath.mpf(y) / mpmath.expm1(y))
    assert phi(y) == pytest.approx(true, rel=1e-14, abs=0)


@pytest.mark.parametrize("y", [1e-9, 0.99e-5, 1.01e-5, 1e-3])
def test_limit_phi_near_its_pole(y) -> None:
    for sign in (-1, 1):
        assert phi(sign * y) == pytest.approx(1 - sign * y / 2 + y**2 / 12, rel=0, abs=3e-15)


@given(st.floats(-50, 50))
def test_limit_slope_of_phi(y) -> None:
    """What steers Newton's method, by a difference; it takes few steps only with the right one."""
    h = 1e-3
    slope = np.array([1, -8, 0, 8, -1]) / (12 * h) @ [phi(y + h * k) for k in range(-2, 3)]
    assert _phi_slope(y, phi(y)) == pytest.approx(slope, rel=1e-9, abs=1e-10)


def test_limit_points_are_those_of_radau() -> None:
    """A polynomial of degree 2 s - 2 is integrated exactly, and the end is a point."""
    shares, differentiate, coefficients = nodes()
    assert shares[0] == 0
    assert shares[-1] == 1
    weight = np.linalg.solve(np.vander(shares[1:], increasing=True).T, 1 / np.arange(1, STAGES + 1))
    for degree in range(2 * STAGES - 1):
        assert weight @ shares[1:] ** degree == pytest.approx(1 / (degree + 1), rel=1e-12, abs=0)
    assert weight @ shares[1:] ** (2 * STAGES - 1) != pytest.approx(1 / (2 * STAGES), rel=1e-10, abs=0)
    for degree in range(STAGES + 1):
        slope = degree * shares[1:] ** max(degree - 1, 0)
        np.testing.assert_allclose(differentiate @ shares**degree, slope, rtol=0, atol=1e-12)
    legendre = np.polynomial.legendre.legval(2 * shares - 1, np.eye(STAGES + 1)).T
    np.testing.assert_allclose(coefficients @ legendre, np.eye(STAGES + 1), rtol=0, atol=1e-13)


def test_limit_polynomial_between_the_points() -> None:
    shares, _, coefficients = nodes()
    at = np.array([0.0, 0.31, 0.5, 1.0])
    for degree in range(STAGES + 1):
        found = polynomial(at, 0.0, 1.0, coefficients) @ shares**degree
        np.testing.assert_allclose(found, at**degree, rtol=0, atol=1e-14)


def step(h, system, n, c, theta, guess=0.0):
    """n and c at the points of one step."""
    n_found, c_found = np.empty((STAGES + 1, len(n))), np.empty((STAGES + 1, len(c)))
    mu = np.full(STAGES * theta.shape[1], guess)
    assert collocate(h, nodes()[1], n, c, theta, mu, 0.1, 0.1, 1e-7, system, n_found, c_found)
    return n_found, c_found, mu


@pytest.mark.parametrize("baths", [1, 2])
def test_limit_step_obeys_the_equations_at_its_points(baths) -> None:
    """Its polynomials, put into KK (23), (24) and (26), in another basis."""
    rng = np.random.default_rng(5)
    count, modes, h = 9, 4, 0.3
    shares = nodes()[0]
    energy, gamma, weight = 0.1 + rng.random(count), rng.random((baths, count)), rng.random(count)
    relax, drive, leak = rng.random(modes), -rng.random((modes, baths)), rng.normal(size=modes) * (baths - 1)
    out, theta = rng.normal(size=(baths, modes)), 0.3 + rng.random((STAGES + 1, baths))
    n, c = rng.random(count), rng.normal(size=modes)
    n_found, c_found, mu = step(h, (energy, gamma, weight, relax, drive, leak, out), n, c, theta)
    np.testing.assert_array_equal(n_found[0], n)
    np.testing.assert_array_equal(c_found[0], c)
    powers = np.polynomial.polynomial.polyvander(shares, STAGES)
    series = np.linalg.solve(powers, np.hstack([n_found, c_found]))
    slopes = powers[1:, :-1] @ (np.arange(1, STAGES + 1)[:, None] * series[1:]) / h
    felt = c_found[1:] @ out.T
    np.testing.assert_allclose(felt.T.ravel(), mu, rtol=0, atol=1e-12)
    parts = []
    for bath in range(baths):
        x, t = energy - felt[:, [bath]], theta[1:, [bath]]
        parts.append(gamma[bath] * x * (1 / np.expm1(x / t) - n_found[1:]))
    np.testing.assert_allclose(slopes[:, :count], sum(parts), rtol=0, atol=1e-9)
    flow = np.stack([part @ weight for part in parts], axis=1) @ drive.T
    flow += leak * (felt[:, [0]] - felt[:, [-1]])
    np.testing.assert_allclose(slopes[:, count:], flow - relax * c_found[1:], rtol=0, atol=1e-9)


def decay(h, rate):
    """The share of an occupation that one step leaves in the cold: the stability function at -rate h."""
    system = (np.ones(1), np.full((1, 1), rate), np.ones(1), np.ones(1), np.zeros((1, 1)), np.zeros(1), np.ones((1, 1)))
    n, _, _ = step(h, system, np.ones(1), np.zeros(1), np.full((STAGES + 1, 1), 1e-3))
    return n[:, 0]


def test_limit_step_has_order_13_and_forgets() -> None:
    """It is Pade's approximant of exp(-z), of degrees 6 and 7, whose error is of order z^14, and 0 far away."""
    whole = 2 * STAGES - 1
    for z in (0.5, 2.0, 4.0, 20.0):
        with mpmath.workdps(30):
            above, below = (
                [mpmath.binomial(m, j) * mpmath.factorial(whole - j) for j in range(m, -1, -1)]
                for m in (STAGES - 1, STAGES)
            )
            pade = mpmath.polyval(above, -z) / mpmath.polyval(below, z)
            error = float(abs(pade - mpmath.exp(-z)))
        assert decay(1.0, z)[-1] == pytest.approx(float(pade), rel=1e-11, abs=0)
        # 6! 7!/(13! 14!) z^14 times something between exp(-2z) and 1
        assert np.exp(-2 * z) < error / (6.6855e-15 * z**14) < 1
    assert abs(decay(1.0, 1e9)[-1]) < 1e-8
    assert decay(0.5, 3.0)[-1] == pytest.approx(decay(3.0, 0.5)[-1], rel=1e-12, abs=0)


def test_limit_step_does_not_depend_on_the_guess() -> None:
    """Newton's method, damped where it has to be: the same step from any accumulations, also far off."""
    rng = np.random.default_rng(2)
    energy, gamma, weight = 0.1 + rng.random(6), 0.5 + rng.random((1, 6)), rng.random(6)
    system = (energy, gamma, weight, np.array([0.3]), np.array([[-20.0]]), np.zeros(1), np.ones((1, 1)))
    theta = np.full((STAGES + 1, 1), 0.5)
    found = [step(1.0, system, np.full(6, 0.2), np.zeros(1), theta, guess) for guess in (0.0, -30.0, 0.1, 3.0)]
    for n, c, _ in found[1:]:
        np.testing.assert_allclose(n, found[0][0], rtol=1e-11)
        np.testing.assert_allclose(c, found[0][1], rtol=1e-10)
