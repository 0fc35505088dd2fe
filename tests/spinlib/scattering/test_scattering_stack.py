import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spinlib.scattering.closed_forms import perfect_filter, weak_filter_torque
from spinlib.scattering.smatrix import SMatrix, compose, rotate
from spinlib.scattering.stack import HatMatrix, bulk_layer, ferromagnet, hat_average, normal_metal, transport
from tests.spinlib.scattering.routes import (
    Magnet,
    dense_averaged,
    random_unitary,
    series_resistance,
    spacer_blocks,
)

PROPERTY = settings(max_examples=40, derandomize=True, deadline=None)
seeds = st.integers(0, 10**6)
angles = st.floats(-7, 7)
spacers = st.floats(0.01, 1)


def layer(magnet):
    positional, named = magnet.arguments()
    return ferromagnet(*positional, **named)


def valve(seed, n, theta):
    """Return the parameters [a, n, b] of a valve with complex mixing, different on the two sides."""
    return Magnet.random(seed, theta), n, Magnet.random(seed + 1)


def hats(a, n, b):
    return [layer(a), normal_metal(n), layer(b)]


def flipping_hat(seed, channels=2):
    return hat_average(SMatrix.from_matrix(random_unitary(4 * channels, seed)))


def random_stack(seed, count=4):
    """Return magnets in all directions, spin-flip layers and spacers."""
    rng = np.random.default_rng(seed)
    kinds = [
        lambda k: rotate(layer(Magnet.random(seed + k)), *rng.uniform(0, 6, 2)),
        lambda k: rotate(flipping_hat(seed + k), *rng.uniform(0, 6, 2)),
        lambda k: normal_metal(rng.uniform(0.05, 1)),
        lambda k: bulk_layer(
            rng.uniform(0, 2), 0.3, 1.1, spin_flip=0.4, transverse_decay=3 + 2j, theta=rng.uniform(0, 6)
        ),
    ]
    return [kinds[rng.integers(4)](k) for k in range(count)]


# ---- the averaged problem against two other routes -----------------------------------------------------------------


@PROPERTY
@given(
    seed=seeds,
    n=spacers,
    theta=angles,
    source=st.sampled_from(["left", "right"]),
    p=st.tuples(*[st.floats(-0.57, 0.57)] * 3),
)
def test_limit_currents_solve_the_whole_linear_system(seed, n, theta, source, p):
    a, _, b = valve(seed, n, theta)
    c = Magnet.random(seed + 2, theta=1.3, phi=0.6)
    result = transport([*hats(a, n, b), layer(c)], source=source, polarization=p)
    currents = dense_averaged([a.blocks(), spacer_blocks(n), b.blocks(), c.blocks()], source, p)
    np.testing.assert_allclose(result.charge_current, currents[:, 0], atol=1e-11)
    np.testing.assert_allclose(result.spin_current, currents[:, 1:], atol=1e-11)
    np.testing.assert_allclose(result.torque, -np.diff(currents[:, 1:], axis=0), atol=1e-11)
    outgoing = currents[-1, 0] if source == "left" else -currents[0, 0]
    assert result.conductance == pytest.approx(outgoing, rel=1e-9, abs=1e-13)
    np.testing.assert_allclose(result.torque_per_current * result.conductance, result.torque, atol=1e-12)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(seed=seeds, n=spacers, theta=angles)
def test_limit_averaged_theory_is_resistances_in_series(seed, n, theta):
    a, _, b = valve(seed, n, theta)
    result = transport(hats(a, n, b))
    g, x, y = series_resistance(a, n, b)
    assert result.conductance == pytest.approx(g, rel=1e-10, abs=0)
    np.testing.assert_allclose(result.torque[2], [x, y, 0], rtol=1e-10, atol=1e-12)


def test_limit_without_a_spacer_hats_are_the_phase_average_of_one_channel():
    # A uniform phase of one ballistic channel, quadrature over a period; exponentially convergent.
    phases = np.exp(2j * np.pi * np.arange(400) / 400)[:, None, None]
    spacer = SMatrix(np.zeros((2, 2)), phases * np.eye(2), phases * np.eye(2), np.zeros((2, 2)))
    a, b = (SMatrix.from_spins(random_unitary(2, k), random_unitary(2, k + 1)) for k in (11, 14))
    coherent = transport([rotate(a, 1.1), spacer, b])
    averaged = transport([rotate(hat_average(a), 1.1), normal_metal(1.0), hat_average(b)])
    adjacent = transport([rotate(hat_average(a), 1.1), hat_average(b)])
    np.testing.assert_allclose(coherent.torque.mean(axis=0), averaged.torque, atol=1e-12)
    np.testing.assert_allclose(adjacent.torque, averaged.torque[[0, 2]], atol=1e-13)
    assert coherent.conductance.mean() == pytest.approx(float(averaged.conductance), rel=1e-12, abs=0)
    # A single phase is far from the average.
    assert np.abs(coherent.torque[0, 2] - averaged.torque[2]).max() > 1e-2


# ---- conservation laws and symmetries ------------------------------------------------------------------------------


@PROPERTY
@given(seed=seeds)
def test_invariant_every_layer_and_series_conserves_charge_and_is_unital(seed):
    stack = random_stack(seed)
    for hat in (*stack, compose(*stack), rotate(compose(*stack), 0.4, 2.0)):
        # The public constructor checks both rules to 1e-9; here they hold to rounding.
        HatMatrix(hat.r, hat.t_prime, hat.t, hat.r_prime)
        e0 = np.eye(4)[0]
        np.testing.assert_allclose((hat.r + hat.t_prime)[:, 0], e0, atol=1e-13)
        np.testing.assert_allclose((hat.r_prime + hat.t)[:, 0], e0, atol=1e-13)
        np.testing.assert_allclose((hat.r + hat.t)[0], e0, atol=1e-13)
        np.testing.assert_allclose((hat.r_prime + hat.t_prime)[0], e0, atol=1e-13)


@PROPERTY
@given(seed=seeds)
def test_invariant_averaged_torques_of_the_two_sources_cancel(seed):
    stack = random_stack(seed)
    left, right = transport(stack), transport(stack, source="right")
    np.testing.assert_allclose(left.torque, -right.torque, atol=1e-12)
    np.testing.assert_allclose(left.spin_current, -right.spin_current, atol=1e-12)
    assert left.conductance == pytest.approx(float(right.conductance), rel=1e-12, abs=0)
    np.testing.assert_allclose(left.charge_current, np.full(5, left.conductance), rtol=1e-12)
    np.testing.assert_allclose(left.torque.sum(axis=0), left.spin_current[0] - left.spin_current[-1], atol=1e-13)


@PROPERTY
@given(seed=seeds, n=spacers, theta=angles, phi=angles)
def test_invariant_a_spacer_takes_no_spin_and_a_magnet_none_along_its_axis(seed, n, theta, phi):
    a = Magnet.random(seed, theta, phi)
    result = transport([layer(a), normal_metal(n), layer(Magnet.random(seed + 1))])
    axis = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    np.testing.assert_allclose(result.torque[1], 0, atol=1e-15)
    assert result.torque[0] @ axis == pytest.approx(0, abs=1e-13)
    assert result.torque[2, 2] == pytest.approx(0, abs=1e-13)


@PROPERTY
@given(seed=seeds, n=spacers)
def test_invariant_collinear_magnets_feel_no_torque(seed, n):
    for theta in (0.0, np.pi):
        a, _, b = valve(seed, n, theta)
        np.testing.assert_allclose(transport(hats(a, n, b)).torque, 0, atol=1e-14)


@PROPERTY
@given(seed=seeds, n=spacers, theta=st.floats(0.1, 3.0))
def test_invariant_conjugate_mixing_reverses_the_out_of_plane_torque_only(seed, n, theta):
    a, _, b = valve(seed, n, theta)

    def conjugate(m):
        mixing = [np.conj(x) for x in (m.rho, m.tau, m.rho_right, m.tau_right)]
        return Magnet(m.up, m.down, *mixing, m.theta)

    result, mirror = transport(hats(a, n, b)), transport(hats(conjugate(a), n, conjugate(b)))
    np.testing.assert_allclose(mirror.torque, result.torque * [1, -1, 1], atol=1e-12)
    assert mirror.conductance == pytest.approx(float(result.conductance), rel=1e-12, abs=0)
    assert np.abs(result.torque[2, 1]) > 1e-9


@PROPERTY
@given(seed=seeds, n=spacers, theta=st.floats(0.1, 3.0))
def test_invariant_relabelled_spins_reverse_the_in_plane_torque_only(seed, n, theta):
    a, _, b = valve(seed, n, theta)

    def relabel(m):
        mixing = [np.conj(x) for x in (m.rho, m.tau, m.rho_right, m.tau_right)]
        return Magnet(m.down, m.up, *mixing, m.theta)

    result, other = transport(hats(a, n, b)), transport(hats(relabel(a), n, relabel(b)))
    np.testing.assert_allclose(other.torque, result.torque * [-1, 1, -1], atol=1e-12)
    assert other.conductance == pytest.approx(float(result.conductance), rel=1e-12, abs=0)


@PROPERTY
@given(seed=seeds, n=spacers, theta=st.floats(0.1, 3.0))
def test_invariant_exchange_of_the_magnets_keeps_the_conductance(seed, n, theta):
    a, _, b = valve(seed, n, theta)

    def two_sided(m, angle):
        return Magnet(m.up, m.down, m.rho, m.tau, m.rho, m.tau, angle)

    def mirrored(m, angle):
        return Magnet(m.up, m.down, m.rho_right, m.tau_right, m.rho, m.tau, angle)

    forward = transport(hats(two_sided(a, theta), n, two_sided(b, 0)))
    exchanged = transport(hats(two_sided(b, theta), n, two_sided(a, 0)))
    assert exchanged.conductance == pytest.approx(float(forward.conductance), rel=1e-12, abs=0)
    assert np.abs(exchanged.torque[2] - forward.torque[2]).max() > 1e-9
    unequal, turned = transport(hats(a, n, b)), transport(hats(mirrored(b, theta), n, mirrored(a, 0)))
    assert turned.conductance == pytest.approx(float(unequal.conductance), rel=1e-12, abs=0)


def test_limit_exchange_without_mirroring_changes_the_conductance():
    a, _, b = valve(3, 0.8, 1.2)
    swapped = hats(Magnet.random(4, 1.2), 0.8, Magnet.random(3))
    assert abs(transport(hats(a, 0.8, b)).conductance - transport(swapped).conductance) > 1e-3


@PROPERTY
@given(up=st.floats(0.05, 0.95), seed=seeds, n=spacers, theta=st.floats(0.1, 3.0))
def test_invariant_a_layer_that_is_no_filter_exerts_no_torque(up, seed, n, theta):
    b = layer(Magnet.random(seed))
    np.testing.assert_allclose(
        transport([ferromagnet(up, up, theta=theta), normal_metal(n), b]).torque[2], 0, atol=1e-13
    )
    dephased = ferromagnet(up, up, reflection_mixing=0.2 * (1 - up), theta=theta)
    # It scales with n^2 and with how much b absorbs.
    assert np.abs(transport([dephased, normal_metal(n), b]).torque[2]).max() > 1e-7 * n**2


@PROPERTY
@given(seed=seeds, theta=angles)
def test_invariant_mirrored_stack_has_the_same_torques(seed, theta):
    a, n, b = valve(seed, 0.4, theta)

    def mirrored(m):
        return Magnet(m.up, m.down, m.rho_right, m.tau_right, m.rho, m.tau, m.theta)

    of_paper = transport(hats(b, n, a), source="right")
    of_ours = transport(hats(mirrored(a), n, mirrored(b)), source="left")
    np.testing.assert_allclose(of_paper.torque[::-1], of_ours.torque, atol=1e-13)
    assert of_paper.conductance == pytest.approx(float(of_ours.conductance), rel=1e-13, abs=0)
    spins = [SMatrix.from_matrix(random_unitary(8, seed + k)) for k in range(3)]
    flipped = [SMatrix(s.r_prime, s.t, s.t_prime, s.r) for s in spins]
    np.testing.assert_allclose(
        transport(spins, source="right").torque[::-1], transport(flipped[::-1]).torque, atol=1e-11
    )


@PROPERTY
@given(seed=seeds, theta=angles, phi=angles)
def test_invariant_joint_rotation_turns_torques_and_polarization(seed, theta, phi):
    stack = random_stack(seed)
    p = np.array([0.3, -0.5, 0.2])
    c, s = np.cos, np.sin
    turn = np.array([[c(phi), -s(phi), 0], [s(phi), c(phi), 0], [0, 0, 1]]) @ np.array(
        [[c(theta), 0, s(theta)], [0, 1, 0], [-s(theta), 0, c(theta)]]
    )
    plain = transport(stack, polarization=p)
    turned = transport([rotate(hat, theta, phi) for hat in stack], polarization=turn @ p)
    np.testing.assert_allclose(turned.torque, plain.torque @ turn.T, atol=1e-12)
    assert turned.conductance == pytest.approx(float(plain.conductance), rel=1e-11, abs=0)


# ---- series --------------------------------------------------------------------------------------------------------


@PROPERTY
@given(seed=seeds)
def test_invariant_series_is_associative_and_transports_alike(seed):
    stack = random_stack(seed, 5)
    whole = compose(*stack)
    other = compose(compose(*stack[:2]), compose(*stack[2:]))
    for name in ("r", "t_prime", "t", "r_prime"):
        np.testing.assert_allclose(getattr(whole, name), getattr(other, name), atol=1e-12)
    one, five = transport([whole]), transport(stack)
    assert one.conductance == pytest.approx(float(five.conductance), rel=1e-12, abs=0)
    np.testing.assert_allclose(one.torque[0], five.torque.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(one.spin_current, five.spin_current[[0, -1]], atol=1e-12)
    back = transport([whole], source="right")
    np.testing.assert_allclose(back.torque[0], transport(stack, source="right").torque.sum(axis=0), atol=1e-12)


@PROPERTY
@given(n1=spacers, n2=spacers)
def test_limit_spacers_in_series_add_their_resistances(n1, n2):
    expected = 1 / (1 / n1 + 1 / n2 - 1)
    np.testing.assert_allclose(compose(normal_metal(n1), normal_metal(n2)).t, expected * np.eye(4), rtol=1e-13)


def test_limit_two_hundred_layers_conserve_charge():
    rng = np.random.default_rng(4)
    up, down = rng.uniform(0.05, 0.95, (2, 100))
    magnets = [ferromagnet(u, d) for u, d in zip(up, down, strict=True)]
    stack = [x for k, m in enumerate(magnets) for x in (m, normal_metal(0.3 + 0.007 * k))]
    assert len(stack) == 200
    n = 0.3 + 0.007 * np.arange(100)
    # Collinear spins do not talk: resistances add up for each.
    expected = sum(1 / (np.sum(1 / t - 1) + np.sum(1 / n - 1) + 1) for t in (up, down))
    result = transport(stack)
    assert result.conductance == pytest.approx(expected, rel=1e-12, abs=0)
    np.testing.assert_allclose(result.charge_current, expected, rtol=1e-12)
    turned = [rotate(x, 0.37 * k) for k, x in enumerate(stack)]
    left, right = transport(turned), transport(turned, source="right")
    np.testing.assert_allclose(left.charge_current, np.full(201, left.conductance), rtol=1e-12)
    assert left.conductance == pytest.approx(float(right.conductance), rel=1e-12, abs=0)
    assert compose(*turned).t[0, 0] * 2 == pytest.approx(float(left.conductance), rel=1e-12, abs=0)
    np.testing.assert_allclose(left.torque, -right.torque, atol=1e-12 * float(left.conductance))


def test_limit_opaque_stacks_keep_their_digits():
    stack = [normal_metal(1e-14), ferromagnet(0.6, 0.2, theta=1.0), normal_metal(1e-13), ferromagnet(0.5, 0.1)]
    result = transport(stack)
    # Two tunnel barriers dominate; the rest is a correction of relative size 1e-13.
    assert result.conductance == pytest.approx(2 / (1e14 + 1e13), rel=1e-11, abs=0)
    np.testing.assert_allclose(result.charge_current, np.full(5, result.conductance), rtol=1e-12)


# ---- numerical edges -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [1e-4, 1e-6, 1e-8])
def test_limit_weak_filters_keep_their_digits(delta):
    a, b, n, theta = 0.55, 0.35, 0.4, 1.1
    # The asymmetry that the floats hold, not the one asked for: b + delta rounds.
    up, down = [a + delta, b + delta], [a - delta, b - delta]
    half = [(u - d) / 2 for u, d in zip(up, down, strict=True)]
    stack = [ferromagnet(up[0], down[0], theta=theta), normal_metal(n), ferromagnet(up[1], down[1])]
    closed = weak_filter_torque(theta, n, a, half[0], b, half[1])
    for layers in (stack, [compose(*stack[:2]), stack[2]], [stack[0], compose(*stack[1:])]):
        torque = transport(layers).torque[-1, 0]
        # The closed form itself is wrong by -1.3 delta^2.
        assert torque == pytest.approx(closed[0], rel=2 * delta**2 + 1e-12, abs=0)
    # The naive coefficient has nothing left at 1e-8.
    naive = 1 - np.sqrt((1 - up[1]) * (1 - down[1])) - np.sqrt(up[1] * down[1])
    if delta == 1e-8:
        assert abs(naive / (half[1] ** 2 / (2 * b * (1 - b))) - 1) > 0.05


@pytest.mark.parametrize("n", [1.0, 0.5, 0.01])
def test_limit_perfect_filters_between_the_singular_angles(n):
    theta = np.linspace(1e-3, np.pi - 1e-3, 501)
    result = transport([ferromagnet(1, 0, theta=theta), normal_metal(n), ferromagnet(1, 0)])
    torque, conductance = perfect_filter(theta, n)
    np.testing.assert_allclose(result.torque[:, 2], torque, rtol=1e-7, atol=1e-16)
    np.testing.assert_allclose(result.conductance, conductance, rtol=1e-8)
    np.testing.assert_allclose(result.torque_per_current[:, 2, 0], np.tan(theta / 2), rtol=1e-7)


@pytest.mark.parametrize(("distance", "accuracy"), [(1e-3, 1e-8), (1e-4, 1e-6), (1e-5, 1e-4), (1e-6, 1e-2)])
def test_limit_perfect_filters_follow_the_tangent_up_to_the_singular_angle(distance, accuracy):
    for n in (1.0, 0.5):
        result = transport([ferromagnet(1, 0, theta=np.pi - distance), normal_metal(n), ferromagnet(1, 0)])
        assert result.torque_per_current[2, 0] == pytest.approx(1 / np.tan(distance / 2), rel=accuracy, abs=0)


@pytest.mark.parametrize("phi", [0.0, 0.7])
@pytest.mark.parametrize("tilt", [0.0, 0.3, 2.0])
def test_limit_trapped_mode_stays_empty(tilt, phi):
    layers = [ferromagnet(1, 0, theta=tilt, phi=phi), normal_metal(0.4), ferromagnet(1, 0, theta=tilt, phi=phi)]
    result = transport(layers)
    assert result.conductance == pytest.approx(0.4, rel=1e-12, abs=0)
    np.testing.assert_allclose(result.torque, 0, atol=1e-14)
    np.testing.assert_allclose(result.torque_per_current, 0, atol=1e-13)
    assert transport([compose(*layers)]).conductance == pytest.approx(0.4, rel=1e-12, abs=0)


def test_limit_trapped_mode_leaves_a_nearly_closed_channel_open():
    # Dephased filters that pass majority electrons with 1e-11: their channel is nearly as singular as the trapped mode.
    almost = ferromagnet(1e-11, 0, reflection_mixing=0)
    expected = 1 / (2 / 1e-11 - 1)
    assert transport([almost, almost]).conductance == pytest.approx(expected, rel=1e-13, abs=0)
    assert compose(almost, almost).t[0, 0] == pytest.approx(expected / 2, rel=1e-13, abs=0)


def test_limit_trapped_mode_stays_empty_in_every_direction():
    # A turned filter is singular up to rounding only: the direct solution holds populations of 100 and errors of 1e-13.
    rng = np.random.default_rng(0)
    turned = ferromagnet(1, 0, theta=rng.uniform(0, np.pi, 5000), phi=rng.uniform(0, 6, 5000))
    result = transport([turned, normal_metal(1.0), turned])
    np.testing.assert_allclose(result.torque, 0, atol=5e-15)
    np.testing.assert_allclose(compose(turned, turned).t[..., 0, 0], 0.5, rtol=5e-15)


def test_limit_small_angles_between_perfect_filters_stay_finite():
    theta = np.array([0.0, 1e-15, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5])
    result = transport([ferromagnet(1, 0, theta=theta), normal_metal(0.5), ferromagnet(1, 0)])
    np.testing.assert_allclose(result.conductance, 0.5, rtol=1e-9)
    # Below 1e-7 the filling of the trapped mode is not resolved; the torque is bounded by the angle.
    assert np.all(np.abs(result.torque[:, 2, 0] - theta / 4) <= theta + 1e-16)


def test_limit_blocked_stack_warns_once_and_gives_nan_for_every_layer():
    theta = np.array([1.0, np.pi, 2.0, np.pi])
    stack = [ferromagnet(1, 0, theta=theta), normal_metal(0.5), ferromagnet(1, 0)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = transport(stack)
    assert [w.category for w in caught] == [RuntimeWarning]
    assert "torque_per_current is nan" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert np.isnan(result.torque_per_current[[1, 3]]).all()
    assert np.isfinite(result.torque_per_current[[0, 2]]).all()
    assert np.isfinite(result.torque).all()
    np.testing.assert_allclose(result.torque[[1, 3]], 0, atol=1e-14)
    with pytest.warns(RuntimeWarning, match="1 of 1 points"):
        blocked = transport([ferromagnet(0, 0)])
    assert np.isnan(blocked.torque_per_current).all()


def test_limit_polarised_source_on_a_single_magnet():
    theta = np.linspace(0.1, 3.0, 7)
    p = np.stack([np.sin(theta), 0 * theta, np.cos(theta)], axis=-1)
    rho, tau = 0.1 + 0.2j, 0.3 - 0.1j
    result = transport([ferromagnet(0.7, 0.4, reflection_mixing=rho, transmission_mixing=tau)], polarization=p)
    absorbed = 2 * np.sin(theta) * (1 - rho - tau)
    np.testing.assert_allclose(result.torque[:, 0, 0], absorbed.real, rtol=1e-13)
    # X_ud = x - i y is multiplied by 1 - rho - tau.
    np.testing.assert_allclose(result.torque[:, 0, 1], -absorbed.imag, rtol=1e-13)
    np.testing.assert_allclose(result.conductance, 1.1 + 0.3 * np.cos(theta), rtol=1e-13)


def test_limit_reflection_mixing_turns_the_reflected_spin_as_stated():
    rho = 0.3 * np.exp(0.4j)
    incoming = transport([ferromagnet(0.3, 0.5, reflection_mixing=rho, transmission_mixing=0)], polarization=[1, 0, 0])
    reflected = np.array([2.0, 0, 0]) - incoming.spin_current[0]
    np.testing.assert_allclose(reflected[:2], [2 * rho.real, -2 * rho.imag], rtol=1e-13)


def test_limit_one_call_for_a_grid_equals_single_calls():
    theta, n = np.linspace(0.2, 3, 4)[:, None], np.array([0.1, 0.5, 1.0])
    grid = transport([ferromagnet(0.6, 0.2, theta=theta), normal_metal(n), ferromagnet(0.5, 0.1, phi=1.0)])
    assert grid.torque.shape == (4, 3, 3, 3)
    assert grid.spin_current.shape == (4, 3, 4, 3)
    single = transport([ferromagnet(0.6, 0.2, theta=theta[2, 0]), normal_metal(n[1]), ferromagnet(0.5, 0.1, phi=1.0)])
    np.testing.assert_allclose(grid.torque[2, 1], single.torque, rtol=1e-12, atol=1e-16)


def test_invariant_results_print_in_one_line_even_when_empty():
    nothing = np.zeros(0)
    empty = [ferromagnet(nothing, 0.1), normal_metal(0.5)]
    assert repr(empty[0]) == "HatMatrix(mean transmission=none, batch=(0,))"
    assert repr(transport(empty)) == "Transport(layers=2, conductance=none, batch=(0,))"
    wire = SMatrix(np.zeros((2, 2)), np.eye(2), np.eye(2), np.zeros((2, 2)))
    assert repr(rotate(wire, nothing)) == "SMatrix(channels=1, mean transmission=none, batch=(0,))"
    assert repr(transport([wire])) == "Transport(layers=1, conductance=2 e^2/h)"
    pair = transport([ferromagnet([0.5, 0.1], 0.1)])
    assert repr(pair) == "Transport(layers=1, conductance=0.2..0.6 e^2/h, batch=(2,))"


@PROPERTY
@given(up=st.floats(0.01, 0.99), down=st.floats(0.01, 0.99))
def test_invariant_coherent_channels_average_to_the_aligned_magnet(up, down):
    assume(abs(up - down) > 1e-3)

    def one_spin(t):
        return [[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]]

    hat, magnet = hat_average(SMatrix.from_spins(one_spin(up), one_spin(down))), ferromagnet(up, down)
    for name in ("r", "t_prime", "t", "r_prime"):
        np.testing.assert_allclose(getattr(hat, name), getattr(magnet, name), atol=1e-14)


def test_invariant_the_package_imports_no_submodule():
    code = (
        "import sys, spinlib.scattering; print([m for m in sys.modules if m.startswith('spinlib.scattering.')]); "
        "import spinlib.scattering.closed_forms, spinlib.scattering.random_matrix; "
        "print([m for m in ('scipy', 'numba', 'matplotlib', 'sympy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
