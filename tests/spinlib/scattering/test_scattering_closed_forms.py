import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.scattering.closed_forms import (
    dirty_spacer_torque,
    perfect_filter,
    slonczewski_parameters,
    weak_filter_torque,
)
from spinlib.scattering.stack import ferromagnet, normal_metal, transport
from tests.spinlib.scattering.routes import Magnet, series_resistance

PROPERTY = settings(max_examples=60, derandomize=True, deadline=None)
spacers = st.floats(0.01, 1)
probabilities = st.floats(0.01, 0.99)
shares = st.floats(-0.99, 0.99)
angles = st.floats(-7, 7)


def torque_per_current(fixed, n, free, theta):
    positional, named = fixed
    return transport([ferromagnet(*positional, **named, theta=theta), normal_metal(n), free]).torque_per_current[
        ..., 2, 0
    ]


def magnet(up, down, share_r, share_t, share_right):
    rho, tau = np.sqrt((1 - up) * (1 - down)), np.sqrt(up * down)
    return (up, down), {
        "reflection_mixing": share_r * rho,
        "transmission_mixing": share_t * tau,
        "reflection_mixing_right": share_right * rho,
    }


layers = st.builds(magnet, probabilities, probabilities, shares, shares, shares)


@PROPERTY
@given(a=layers, b=layers, n=spacers, theta=angles)
def test_limit_slonczewski_form_is_the_averaged_torque(a, b, n, theta):
    free = ferromagnet(*b[0], **b[1])
    form = slonczewski_parameters(ferromagnet(*a[0], **a[1]), n, free)
    expected = torque_per_current(a, n, free, theta)
    assert form(theta) == pytest.approx(float(expected), rel=1e-10, abs=1e-12)


@PROPERTY
@given(up=probabilities, down=probabilities, share=shares, tau=shares, n=spacers, theta=angles)
def test_limit_symmetric_stack_has_polarization_and_asymmetry(up, down, share, tau, n, theta):
    a = magnet(up, down, share, tau, share)
    free = ferromagnet(*a[0], **a[1])
    form = slonczewski_parameters(free, n, free)
    lambda2 = form.asymmetry**2
    c, s = np.cos(theta), np.sin(theta)
    two_parameters = form.polarization * s * lambda2 / ((lambda2 + 1) + (lambda2 - 1) * c)
    assert form(theta) == pytest.approx(float(two_parameters), rel=1e-10, abs=1e-12)
    # The definitions: half the spacer belongs to each side.
    half = (1 / n - 1) / 2
    r_up, r_down = 1 / up - 0.5 + half, 1 / down - 0.5 + half
    rho = share * np.sqrt((1 - up) * (1 - down))
    z = 1 / (1 - rho) - 0.5 + half
    kappa = (1 - rho - tau * np.sqrt(up * down)) / (1 - rho)
    assert form.polarization == pytest.approx(kappa * (r_down - r_up) / (r_down + r_up), rel=1e-10, abs=1e-13)
    assert lambda2 == pytest.approx((r_up + r_down) / 2 / z, rel=1e-10, abs=0)
    h = 1e-4
    at_pi, at_0 = form(np.pi - h) - form(np.pi + h), form(h) - form(-h)
    assert at_pi == pytest.approx(float(lambda2 * at_0), rel=1e-3, abs=1e-9)


def test_limit_slonczewski_form_follows_from_the_series_of_resistances():
    # The same statement as algebra: the 3 x 3 system of charge, x, z solved with symbols.
    a_plus, a_minus, b_plus, b_minus, z_a, z_b, r, c, s = sp.symbols("a_p a_m b_p b_m z_a z_b r c s")
    turn = sp.Matrix([[1, 0, 0], [0, c, s], [0, -s, c]])
    layer_a = sp.Matrix([[a_plus, 0, a_minus], [0, z_a, 0], [a_minus, 0, a_plus]])
    layer_b = sp.Matrix([[b_plus, 0, b_minus], [0, z_b, 0], [b_minus, 0, b_plus]])
    total = turn * layer_a * turn.T + layer_b + r * sp.eye(3)
    # j_x/j_0 by cofactors of the first column of the inverse.
    ratio = total.cofactor(0, 1) / total.cofactor(0, 0)
    q = z_a + b_plus + r
    printed = s * (-a_minus * q + b_minus * (a_plus - z_a) * c)
    printed /= q * (a_plus + z_b + r) - (a_plus - z_a) * (b_plus - z_b) * c**2
    u = sp.Symbol("u")  # tan(theta/2) makes sine and cosine rational
    rational = {c: (1 - u**2) / (1 + u**2), s: 2 * u / (1 + u**2)}
    assert sp.cancel((ratio - printed).subs(rational)) == 0
    assert sp.cancel((ratio + printed).subs(rational)) != 0


@PROPERTY
@given(a=layers, b=layers, n=spacers)
def test_invariant_two_parameters_for_each_magnet_give_the_torque(a, b, n):
    free = ferromagnet(*b[0], **b[1])
    form = slonczewski_parameters(ferromagnet(*a[0], **a[1]), n, free)
    p_a, p_b = form.polarization_fixed, form.polarization_free
    l_a, l_b = form.asymmetry_fixed, form.asymmetry_free
    assert min(l_a, l_b) >= 1
    theta = np.linspace(0, np.pi, 9)
    c = np.cos(theta)
    above = p_a * l_a**2 * (l_b**2 + 1) - p_b * l_b**2 * (l_a**2 - 1) * c
    below = (l_a**2 + 1) * (l_b**2 + 1) - (l_a**2 - 1) * (l_b**2 - 1) * c**2
    expected = torque_per_current(a, n, free, theta)
    np.testing.assert_allclose(np.sin(theta) * above / below, expected, rtol=1e-10, atol=1e-12)


def test_limit_magnet_without_asymmetry_of_the_channels_has_lambda_one():
    # Equal transmissions and phases: a_+ = z_a, so only the other magnet polarises.
    form = slonczewski_parameters(ferromagnet(0.4, 0.4), 0.7, ferromagnet(0.6, 0.1))
    assert form.asymmetry_fixed == pytest.approx(1, abs=1e-15)
    assert form.polarization_fixed == 0


@pytest.mark.parametrize("transmission", [0.05, 0.3, 0.9])
def test_limit_rounding_makes_no_asymmetry_below_one(transmission):
    form = slonczewski_parameters(ferromagnet(transmission, transmission), 1.0, ferromagnet(transmission, transmission))
    assert min(form.asymmetry_fixed, form.asymmetry_free) >= 1


@pytest.mark.parametrize("distance", [1e-3, 1e-6])
@pytest.mark.parametrize("swapped", [False, True])
def test_limit_slonczewski_form_keeps_its_digits_at_both_ends(distance, swapped):
    """Nearly perfect filters, in many digits: alike near 0, of opposite spins near pi."""
    down = 1e-7
    free = ferromagnet(down, 1) if swapped else ferromagnet(1, down)
    form = slonczewski_parameters(ferromagnet(1, down), 1.0, free)
    with mpmath.workdps(40):
        half = mpmath.mpf(1) / 2  # z of a layer that reflects no transverse spin, r_s of an open channel
        plus, minus = (
            (1 / mpmath.mpf(down)) / 2,
            (1 - 1 / mpmath.mpf(down)) / 2,
        )  # (r_up + r_down)/2 and half difference
        b_minus, cosine = (-minus, -mpmath.cos(distance)) if swapped else (minus, mpmath.cos(distance))
        kept, q = 1 - mpmath.sqrt(down), half + plus
        above = -minus * q + b_minus * (plus - half) * cosine
        below = q * (plus + half) - (plus - half) ** 2 * cosine**2
        exact = kept * mpmath.sin(distance) * above / below
    assert form(np.pi - distance if swapped else distance) == pytest.approx(float(exact), rel=1e-9, abs=0)


def test_bad_input_angles_that_do_not_broadcast():
    form = slonczewski_parameters(ferromagnet([0.5, 0.6], 0.2), 1.0, ferromagnet(0.5, 0.2))
    with pytest.raises(ValueError, match=r"theta of shape \(3,\) and coefficients of shape \(2,\) do not broadcast"):
        form(np.zeros(3))


def test_limit_worked_example_without_a_simple_form():
    form = slonczewski_parameters(ferromagnet(0.3, 0.01), 1.0, ferromagnet(0.999, 0.001))
    assert np.isnan(form.polarization)
    assert np.isnan(form.asymmetry)
    theta = np.linspace(0, 2 * np.pi, 37)
    expected = torque_per_current(((0.3, 0.01), {}), 1.0, ferromagnet(0.999, 0.001), theta)
    np.testing.assert_allclose(form(theta), expected, rtol=1e-11, atol=1e-13)
    assert repr(form).startswith("SlonczewskiTorque(constant=0.9044, cosine=-0.845")


def test_limit_two_parameters_need_equal_reflection_mixing():
    # Equal T_up and T_down are not enough: the mixing that faces the spacer differs.
    dephased, plain = ferromagnet(0.5, 0.2, reflection_mixing=0.1), ferromagnet(0.5, 0.2)
    for fixed, free in ((dephased, plain), (plain, dephased)):
        form = slonczewski_parameters(fixed, 1.0, free)
        assert np.isnan(form.polarization)
        assert np.isnan(form.asymmetry)
    same = slonczewski_parameters(dephased, 1.0, dephased)
    assert np.isfinite([same.polarization, same.asymmetry]).all()


def exact_series(fixed, n, free, theta):
    """Return g and T_x on ``free`` at 60 digits: resistances in series, aligned phases, angle on ``fixed``."""
    with mpmath.workdps(60):
        (up_a, down_a), (up_b, down_b) = ([mpmath.mpf(t) for t in layer] for layer in (fixed, free))
        cos, sin = mpmath.cos(mpmath.mpf(theta)), mpmath.sin(mpmath.mpf(theta))

        def elements(up, down):
            rho = mpmath.sqrt((1 - up) * (1 - down))
            charge, spin = (1 / up + 1 / down - 1) / 2, (1 / up - 1 / down) / 2
            return mpmath.matrix([[charge, 0, spin], [0, 1 / (1 - rho) - mpmath.mpf(1) / 2, 0], [spin, 0, charge]])

        turn = mpmath.matrix([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
        total = turn * elements(up_a, down_a) * turn.T + elements(up_b, down_b)
        j = mpmath.lu_solve(total + (1 / mpmath.mpf(n) - 1) * mpmath.eye(3), mpmath.matrix([1, 0, 0]))
        rho, tau = mpmath.sqrt((1 - up_b) * (1 - down_b)), mpmath.sqrt(up_b * down_b)
        return 2 * j[0], 2 * j[1] * (1 - rho - tau) / (1 - rho)


SKEW = np.linspace(0.2, 2.9, 28)


@pytest.mark.parametrize("n", [1e-6, 1e-9])
def test_limit_torque_through_a_dirty_spacer_keeps_the_digits_that_transport_states(n):
    fixed, free = (0.6, 0.2), (0.5, 0.3)
    form = slonczewski_parameters(ferromagnet(*fixed), n, ferromagnet(*free))
    result = transport([ferromagnet(*fixed, theta=SKEW), normal_metal(n), ferromagnet(*free)])
    exact = [exact_series(fixed, n, free, x) for x in SKEW]
    per_current = np.array([float(torque / g) for g, torque in exact])
    np.testing.assert_allclose(form(SKEW), per_current, rtol=4e-15)
    np.testing.assert_allclose(result.conductance, [float(g) for g, _ in exact], rtol=4e-15)
    # The transverse share of the populations is of order n, so the torque is known to 1e-16/n; a bound far above what
    # is found would promise too little.
    worst = np.abs(result.torque_per_current[:, 2, 0] / per_current - 1).max()
    assert 1e-18 / n < worst < 4e-16 / n


@pytest.mark.parametrize("scale", [1e-9, 1e-12])
def test_limit_torque_on_a_nearly_opaque_layer_keeps_the_digits_that_transport_states(scale):
    fixed, free = (0.6, 0.2), (2 * scale, scale)
    form = slonczewski_parameters(ferromagnet(*fixed), 1.0, ferromagnet(*free))
    result = transport([ferromagnet(*fixed, theta=SKEW), normal_metal(1.0), ferromagnet(*free)])
    exact = [exact_series(fixed, 1.0, free, x) for x in SKEW]
    per_current = np.array([float(torque / g) for g, torque in exact])
    np.testing.assert_allclose(form(SKEW), per_current, rtol=4e-15)
    np.testing.assert_allclose(result.conductance, [float(g) for g, _ in exact], rtol=4e-15)
    worst = np.abs(result.torque_per_current[:, 2, 0] / per_current - 1).max()
    assert 1e-18 / scale < worst < 1e-15 / scale


@pytest.mark.parametrize("free", [(1e-17, 1e-17), (3e-17, 1e-17)])
def test_limit_slonczewski_form_of_layers_that_hardly_transmit(free):
    # 1 - rho is 2e-17 here and below the rounding of rho; any warning is an error.
    for fixed, last in (((0.5, 0.2), free), (free, (0.5, 0.2)), (free, free)):
        form = slonczewski_parameters(ferromagnet(*fixed), 1.0, ferromagnet(*last))
        for theta in (0.4, 1.3, 2.8):
            g, torque = exact_series(fixed, 1.0, last, theta)
            assert form(theta) == pytest.approx(float(torque / g), rel=1e-13, abs=1e-32)


@pytest.mark.parametrize("n", [1.0, 0.2])
def test_limit_slonczewski_form_of_perfect_filters_is_the_tangent(n):
    form = slonczewski_parameters(ferromagnet(1, 0), n, ferromagnet(1, 0))
    theta = np.array([0.0, 1e-9, 1e-4, 1.0, 3.0, np.pi - 1e-4, np.pi - 1e-7])
    np.testing.assert_allclose(form(theta), np.tan(theta / 2), rtol=1e-7)
    assert form.asymmetry == np.inf
    assert form.polarization == 1.0


def test_limit_slonczewski_form_broadcasts():
    form = slonczewski_parameters(ferromagnet([0.5, 0.6], 0.2), [[0.5], [1.0], [0.1]], ferromagnet(0.5, 0.2))
    assert form.constant.shape == (3, 2)
    assert form(0.3).shape == (3, 2)
    assert form(np.zeros((4, 1, 1))).shape == (4, 3, 2)
    assert np.isfinite(form.polarization[:, 0]).all()
    assert np.isnan(form.polarization[:, 1]).all()
    assert repr(form) == "SlonczewskiTorque(sets of coefficients=6, batch=(3, 2))"


def test_limit_wavy_torque_has_the_predicted_zero():
    # Found by the criterion |a_- Q| < |b_- (a_+ - z_a)|: a weak polariser in front of a strong filter, dephased.
    weak, strong = Magnet(0.20, 0.13, 0, 0, 0, 0), Magnet(0.90, 0.02, 0, 0, 0, 0)
    fixed, free = (ferromagnet(m.up, m.down, reflection_mixing=0, transmission_mixing=0) for m in (weak, strong))
    form = slonczewski_parameters(fixed, 1.0, free)
    zero = np.arccos(-form.constant / form.cosine)
    assert 0.1 < zero < np.pi - 0.1
    for theta, sign in ((zero - 0.05, -1), (zero + 0.05, 1)):
        _, x, _ = series_resistance(Magnet(0.20, 0.13, 0, 0, 0, 0, theta), 1.0, strong)
        assert np.sign(x) == sign * np.sign(form.constant)
    plain = slonczewski_parameters(ferromagnet(0.20, 0.13), 1.0, ferromagnet(0.90, 0.02))
    assert abs(plain.constant / plain.cosine) > 1


@PROPERTY
@given(n=st.floats(0.001, 1), theta=st.floats(0.05, 3.0))
def test_limit_perfect_filter_form(n, theta):
    torque, g = perfect_filter(theta, n)
    result = transport([ferromagnet(1, 0, theta=theta), normal_metal(n), ferromagnet(1, 0)])
    np.testing.assert_allclose(torque, result.torque[2], rtol=1e-10, atol=1e-15)
    assert g == pytest.approx(float(result.conductance), rel=1e-11, abs=0)


@PROPERTY
@given(
    theta=st.floats(0.3, 1.3),
    n=st.floats(0.05, 1),
    a=st.floats(0.2, 0.8),
    b=st.floats(0.2, 0.8),
    sign_a=st.sampled_from([-1, 1]),
    sign_b=st.sampled_from([-1, 1]),
)
def test_limit_weak_filter_form_has_an_error_of_second_order(theta, n, a, b, sign_a, sign_b):
    errors = []
    for delta in (1e-2, 1e-3):
        up, down = [a + sign_a * delta, b + sign_b * delta], [a - sign_a * delta, b - sign_b * delta]
        exact = transport([ferromagnet(up[0], down[0], theta=theta), normal_metal(n), ferromagnet(up[1], down[1])])
        closed = weak_filter_torque(theta, n, a, sign_a * delta, b, sign_b * delta)
        errors.append(exact.torque[2, 0] / closed[0] - 1)
        np.testing.assert_array_equal(closed[1:], 0)
    assert abs(errors[0]) < 150 * 1e-4
    assert abs(errors[1] - errors[0] / 100) < 1e-2 * abs(errors[0]) + 1e-9


@PROPERTY
@given(theta=st.floats(0.1, 3.0), up=st.floats(0.05, 0.95), down=st.floats(0.05, 0.95), seed=st.integers(0, 10**6))
def test_limit_dirty_spacer_form_has_an_error_of_first_order(theta, up, down, seed):
    b = Magnet.random(seed)
    (positional, named), errors = b.arguments(), []
    for n in (1e-5, 1e-6):
        exact = transport([ferromagnet(up, down, theta=theta), normal_metal(n), ferromagnet(*positional, **named)])
        closed = dirty_spacer_torque(theta, n, up, down, b.rho, b.tau)
        scale = n**2 * np.sin(theta) * (1 / up + 1 / down)
        errors.append((exact.torque[2] - closed) / scale)
    np.testing.assert_allclose(errors[1], errors[0] / 10, atol=2e-2 * np.abs(errors[0]).max() + 1e-8)
    assert np.abs(errors[0]).max() < 1e-5 * 200


def test_limit_dirty_weak_and_spacer_limits_meet():
    # KK (19) for weak filters and KK (18) for n -> 0 are the same number.
    a, b, n, delta = 0.55, 0.35, 1e-9, 1e-5
    rho, tau = np.sqrt((1 - b) ** 2 - delta**2), np.sqrt(b**2 - delta**2)
    dirty = dirty_spacer_torque(0.7, n, a + delta, a - delta, rho, tau)
    weak = weak_filter_torque(0.7, n, a, delta, b, delta)
    assert dirty[0] == pytest.approx(weak[0], rel=1e-5, abs=0)


def test_limit_closed_forms_broadcast_and_touch_their_bounds():
    theta, n = np.linspace(0, 1, 4)[:, None], np.array([0.5, 1.0])
    torque, g = perfect_filter(theta, n)
    assert torque.shape == (4, 2, 3)
    assert g.shape == (4, 2)
    assert weak_filter_torque(theta, n, 0.5, [0.1, 0.2], 0.4, 0.1).shape == (4, 2, 3)
    assert dirty_spacer_torque(theta, n, 0.5, 0.2, 0.1j, 0.2).shape == (4, 2, 3)
    # Nothing to filter: a layer that transmits nothing, or everything.
    np.testing.assert_array_equal(weak_filter_torque(1.0, 0.5, [0, 1, 0.5, 0.5, 0], 0, [0.5, 0.5, 0, 1, 0], 0), 0)
    np.testing.assert_array_equal(weak_filter_torque(1.0, 0.5, 0.5, 0.5, 1.0, 0.0), 0)
