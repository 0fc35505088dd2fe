import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.scattering.smatrix import SMatrix, compose, mode_amplitudes, rotate
from spinlib.scattering.stack import HatMatrix, ferromagnet, hat_average, transport
from spinlib.spin import rotation_matrix
from tests.spinlib.scattering.routes import SIGMA, dense_solution, random_unitary, split

PROPERTY = settings(max_examples=25, derandomize=True, deadline=None)
seeds = st.integers(0, 10**6)
channels = st.integers(1, 3)
angles = st.floats(-7, 7)


def flipping(n, seed, batch=()):
    return SMatrix.from_matrix(random_unitary(4 * n, seed, batch))


def conserving(n, seed):
    return SMatrix.from_spins(random_unitary(2 * n, seed), random_unitary(2 * n, seed + 1))


def conserving_spacer(n, seed):
    one = random_unitary(2 * n, seed)
    return SMatrix.from_spins(one, one)


def blocks(layer):
    return layer.r, layer.t_prime, layer.t, layer.r_prime


@PROPERTY
@given(n=channels, seed=seeds)
def test_limit_amplitudes_solve_the_whole_linear_system(n, seed):
    stack = [flipping(n, seed + k) for k in range(3)]
    full, none = np.eye(2 * n), np.zeros((2 * n, 2 * n))
    right, left = mode_amplitudes(stack)
    assert right.shape == left.shape == (4, 2 * n, 4 * n)
    for columns, incoming in ((slice(None, 2 * n), (full, none)), (slice(2 * n, None), (none, full))):
        forward, backward = dense_solution([blocks(layer) for layer in stack], *incoming)
        np.testing.assert_allclose(right[..., columns], forward, atol=1e-11)
        np.testing.assert_allclose(left[..., columns], backward, atol=1e-11)


@PROPERTY
@given(n=channels, seed=seeds, p=st.tuples(*[st.floats(-0.57, 0.57)] * 3), source=st.sampled_from(["left", "right"]))
def test_limit_coherent_transport_takes_traces_of_the_dense_solution(n, seed, p, source):
    stack = [flipping(n, seed + k) for k in range(3)]
    result = transport(stack, source=source, polarization=p)
    full, none = np.eye(2 * n), np.zeros((2 * n, 2 * n))
    incoming = (full, none) if source == "left" else (none, full)
    forward, backward = dense_solution([blocks(layer) for layer in stack], *incoming)
    density = np.kron(np.einsum("i,iab->ab", [1.0, *p], SIGMA), np.eye(n))
    flux = [
        [
            np.trace(np.kron(s, np.eye(n)) @ (f @ density @ f.conj().T - b @ density @ b.conj().T)).real / n
            for s in SIGMA
        ]
        for f, b in zip(forward, backward, strict=True)
    ]
    np.testing.assert_allclose(result.charge_current, np.array(flux)[:, 0], atol=1e-11)
    np.testing.assert_allclose(result.spin_current, np.array(flux)[:, 1:], atol=1e-11)
    np.testing.assert_allclose(result.torque, -np.diff(np.array(flux)[:, 1:], axis=0), atol=1e-11)
    np.testing.assert_allclose(result.torque_per_current, result.torque / result.conductance, rtol=1e-12)
    sign = 1 if source == "left" else -1
    np.testing.assert_allclose(result.charge_current, np.full(4, sign * result.conductance), atol=1e-11)


@PROPERTY
@given(n=channels, seed=seeds)
def test_invariant_series_is_unitary_and_associative(n, seed):
    a, b, c = (flipping(n, seed + k) for k in range(3))
    whole = compose(a, b, c)
    np.testing.assert_allclose(whole.matrix @ whole.matrix.conj().T, np.eye(4 * n), atol=1e-10)
    for other in (compose(a, compose(b, c)), compose(compose(a, b), c)):
        np.testing.assert_allclose(whole.matrix, other.matrix, atol=1e-10)
    right, left = mode_amplitudes([a, b, c])
    np.testing.assert_allclose(whole.t, right[3, :, : 2 * n], atol=1e-10)
    np.testing.assert_allclose(whole.r, left[0, :, : 2 * n], atol=1e-10)
    np.testing.assert_allclose(whole.t_prime, left[0, :, 2 * n :], atol=1e-10)
    np.testing.assert_allclose(whole.r_prime, right[3, :, 2 * n :], atol=1e-10)


@PROPERTY
@given(n=channels, seed=seeds)
def test_invariant_total_torque_of_both_sources_vanishes_in_every_sample(n, seed):
    stack = [flipping(n, seed + k) for k in range(3)]
    left, right = transport(stack), transport(stack, source="right")
    np.testing.assert_allclose((left.torque + right.torque).sum(axis=-2), 0, atol=1e-10)
    np.testing.assert_allclose(left.conductance, right.conductance, rtol=1e-10)
    # The single torques do not cancel: equilibrium has a spin current.
    assert np.abs(left.torque + right.torque).max() > 1e-6


@PROPERTY
@given(n=channels, seed=seeds, theta=st.floats(0.2, 2.9))
def test_invariant_equilibrium_torque_of_a_valve_is_out_of_plane(n, seed, theta):
    stack = [rotate(conserving(n, seed), theta), conserving_spacer(n, seed + 2), conserving(n, seed + 3)]
    both = transport(stack).torque + transport(stack, source="right").torque
    np.testing.assert_allclose(both[..., [0, 2]], 0, atol=1e-10)
    np.testing.assert_allclose(both[1], 0, atol=1e-10)


@PROPERTY
@given(n=channels, seed=seeds, theta=angles, phi=angles)
def test_invariant_turning_commutes_with_averaging_and_turns_all_torques(n, seed, theta, phi):
    layer = flipping(n, seed)
    turned = rotate(layer, theta, phi)
    for hat, other in zip(blocks(hat_average(turned)), blocks(rotate(hat_average(layer), theta, phi)), strict=True):
        np.testing.assert_allclose(hat, other, atol=1e-12)
    stack = [layer, rotate(flipping(n, seed + 1), 0.7)]
    rotated = [rotate(x, theta, phi) for x in stack]
    c, s = np.cos, np.sin
    about_y = np.array([[c(theta), 0, s(theta)], [0, 1, 0], [-s(theta), 0, c(theta)]])
    about_z = np.array([[c(phi), -s(phi), 0], [s(phi), c(phi), 0], [0, 0, 1]])
    for layers, turned_layers in (
        (stack, rotated),
        ([hat_average(x) for x in stack], [hat_average(x) for x in rotated]),
    ):
        expected = transport(layers).torque @ (about_z @ about_y).T
        np.testing.assert_allclose(transport(turned_layers).torque, expected, atol=1e-11)


def test_invariant_all_six_parts_of_a_layer_turn_however_alike_they_are():
    """What a layer takes from its two sides, 1 - r - t and 1 - r' - t', may differ by 1e-14 of what comes."""
    left, right = 1e-14 * np.diag([0.0, 1, 2, 4]), 1e-14 * np.diag([0.0, 4, 1, 2])
    layer = HatMatrix(np.eye(4) / 2 - left, np.eye(4) / 2, np.eye(4) / 2, np.eye(4) / 2 - right)
    turned = rotate(layer, 0.7, 1.9)
    turn = np.eye(4)
    turn[1:, 1:] = rotation_matrix([0, 0, 1], 1.9) @ rotation_matrix([0, 1, 0], 0.7)
    for block, other in zip(blocks(layer), blocks(turned), strict=True):
        np.testing.assert_allclose(other, turn @ block @ turn.T, rtol=0, atol=1e-15)
    for name in ("_absorption", "_absorption_prime"):
        expected = turn @ getattr(layer, name) @ turn.T
        np.testing.assert_allclose(getattr(turned, name), expected, rtol=0, atol=1e-28)


def test_limit_a_full_turn_returns_the_layer():
    layer = flipping(2, 5)
    np.testing.assert_allclose(rotate(layer, 2 * np.pi).matrix, layer.matrix, atol=1e-14)


def test_limit_direction_of_a_turned_filter():
    theta, phi = 0.8, 2.1
    filter_z = SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    result = transport([rotate(filter_z, theta, phi)])
    direction = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
    np.testing.assert_allclose(result.spin_current[1], direction, atol=1e-14)


def test_limit_hat_average_of_random_blocks_is_the_trace():
    layer = flipping(3, 8)
    hat = hat_average(layer)
    for m, got in zip(blocks(layer), blocks(hat), strict=True):
        expected = [
            [np.trace(np.kron(a, np.eye(3)) @ m @ np.kron(b, np.eye(3)) @ m.conj().T).real / 6 for b in SIGMA]
            for a in SIGMA
        ]
        np.testing.assert_allclose(got, expected, atol=1e-14)


def test_limit_from_spins_has_the_stated_order():
    up, down = random_unitary(4, 1), random_unitary(4, 2)
    layer = SMatrix.from_spins(up, down)
    assert layer.channels == 2
    for block, of_up, of_down in zip(blocks(layer), split(up), split(down), strict=True):
        np.testing.assert_array_equal(block[:2, :2], of_up)
        np.testing.assert_array_equal(block[2:, 2:], of_down)
        np.testing.assert_array_equal(block[:2, 2:], 0)
    np.testing.assert_array_equal(SMatrix.from_matrix(layer.matrix).matrix, layer.matrix)


def test_limit_leading_shapes_broadcast():
    stack = [flipping(2, 3, (3, 1)), rotate(flipping(2, 4), np.linspace(0, 1, 5)), flipping(2, 6)]
    batched = transport(stack, polarization=[0.1, 0.2, 0.3])
    assert batched.torque.shape == (3, 5, 3, 3)
    assert batched.conductance.shape == (3, 5)
    for i, j in ((0, 0), (2, 4), (1, 3)):
        single = [
            SMatrix.from_matrix(stack[0].matrix[i, 0]),
            SMatrix.from_matrix(stack[1].matrix[j]),
            stack[2],
        ]
        np.testing.assert_allclose(
            batched.torque[i, j], transport(single, polarization=[0.1, 0.2, 0.3]).torque, atol=1e-12
        )
    assert compose(*stack).matrix.shape == (3, 5, 8, 8)
    right, _ = mode_amplitudes(stack)
    assert right.shape == (3, 5, 4, 4, 8)


def test_limit_trapped_coherent_mode_stays_empty():
    filter_z = SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    # Rounding of a turned filter leaves a leak of 1e-17 that must not fill the mode.
    for layer in (filter_z, rotate(filter_z, np.linspace(0, 3, 500), np.linspace(0, 6, 500))):
        result = transport([layer, layer])
        np.testing.assert_allclose(result.conductance, 1, rtol=1e-14)
        np.testing.assert_allclose(result.torque, 0, atol=1e-14)
        np.testing.assert_allclose(compose(layer, layer).t, layer.t, atol=1e-14)
    # A leak that is no rounding error is a resonance: full transmission of both spins, whatever its width.
    for leak in (1e-2, 1e-9):
        phase = [[np.sqrt(1 - leak), 1j * np.sqrt(leak)], [1j * np.sqrt(leak), np.sqrt(1 - leak)]]
        resonant = SMatrix.from_spins([[0, 1], [1, 0]], phase)
        assert transport([resonant, resonant]).conductance == pytest.approx(2.0, rel=1e-6, abs=0)


def test_limit_a_layer_within_tolerance_can_be_put_in_series():
    almost = SMatrix(np.zeros((2, 2)), np.eye(2) * (1 + 4e-9), np.eye(2) * (1 + 4e-9), np.zeros((2, 2)))
    assert compose(*[almost] * 20).t[0, 0].real == pytest.approx(1 + 80e-9, abs=1e-12)
    assert hat_average(almost).t[0, 0] == pytest.approx(1 + 8e-9, abs=1e-12)


def test_limit_results_are_frozen_and_print_in_one_line():
    layer = rotate(flipping(2, 1), [0.0, 1.0])
    assert repr(layer).startswith("SMatrix(channels=2, mean transmission=")
    assert repr(layer).endswith("batch=(2,))")
    assert repr(transport([layer])).startswith("Transport(layers=1, conductance=")
    assert repr(ferromagnet(0.5, 0.25, theta=[0.0, 1.0])) == "HatMatrix(mean transmission=0.375, batch=(2,))"
    with pytest.raises(AttributeError):
        layer.r = layer.t
    with pytest.raises(ValueError, match="read-only"):
        layer.r[0, 0, 0] = 1
    source = np.eye(4)
    hat = HatMatrix(source * 0, source, source, source * 0)
    source[0, 0] = 7
    assert hat.t[0, 0] == 1
