"""Hundreds of layers: star products keep charge and unitality, transfer matrices lose every digit."""

import mpmath
import numpy as np
import pytest
from scipy.linalg import expm

from spinlib.scattering.smatrix import compose, rotate
from spinlib.scattering.stack import bulk_layer, ferromagnet, normal_metal, transport
from tests.spinlib.scattering.routes import Magnet, dense_averaged, spacer_blocks

# A sum of some hundred terms of order one, each rounded to 1e-16.
TOLERANCE = 1e-12

# Interfaces and slabs of the size of Co/Cu, in units of the Sharvin resistance of one spin; lengths in nm.
INTERFACE, SLAB = np.array([0.131, 1.007]), np.array([0.0452, 0.1222])
SPACER, COBALT, DIFFUSION = 0.96, 3.0, 60.0
PERIODS = 100


def series(*resistances):
    return 1 / (1 + np.sum(resistances, axis=0))


def magnets_with_complex_mixing(periods):
    """Magnets that differ, pass little transverse spin and point anywhere; each as parameters."""
    rng = np.random.default_rng(12)
    thickness = rng.uniform(2, 5, periods)
    directions = np.arccos(rng.uniform(-1, 1, periods)), rng.uniform(0, 2 * np.pi, periods)
    rho, tau = 0.03 - 0.05j, 0.08 * np.exp(0.7j)
    # Incidence from the two sides differs in the phases.
    return [
        Magnet(*series(2 * INTERFACE, SLAB * d), rho, tau, -1j * rho, tau.conjugate(), theta, phi)
        for d, theta, phi in zip(thickness, *directions, strict=True)
    ]


def complex_stack(periods=PERIODS):
    stack = []
    for magnet in magnets_with_complex_mixing(periods):
        up_down, named = magnet.arguments()
        stack += [ferromagnet(*up_down, **named), normal_metal(SPACER)]
    return stack


def flip_rate():
    """G_sf from 1/l_sf^2 = 4 G_sf (G_up + G_down + 2 G_sf), where G_s + G_sf are the resistances of the slab."""
    return 1 / (4 * DIFFUSION**2 * SLAB.sum())


def slab_with_flips():
    flip = flip_rate()
    up, down = SLAB - flip
    return bulk_layer(COBALT, up, down, spin_flip=flip, transverse_decay=SLAB.sum() / 2 + 1 + 0.3j)


def flipping_stack(periods=PERIODS):
    rng = np.random.default_rng(13)
    left = ferromagnet(*series(INTERFACE), transmission_mixing=0.6j, reflection_mixing=0.1j)
    parts = [left, slab_with_flips(), ferromagnet(*series(INTERFACE), transmission_mixing=0.6)]
    magnet = compose(*parts)
    directions = zip(np.arccos(rng.uniform(-1, 1, periods)), rng.uniform(0, 2 * np.pi, periods), strict=True)
    return [layer for angles in directions for layer in (rotate(magnet, *angles), normal_metal(SPACER))]


STACKS = {"complex mixing": complex_stack, "spin flips": flipping_stack}


def defects(layer):
    """Return how far a layer is from conserving charge and from keeping two full reservoirs full."""
    first = np.eye(4)[0]
    rows = [layer.r + layer.t, layer.r_prime + layer.t_prime]
    columns = [layer.r + layer.t_prime, layer.r_prime + layer.t]
    return max(np.abs(m[0] - first).max() for m in rows), max(np.abs(m[:, 0] - first).max() for m in columns)


@pytest.mark.parametrize("periods", [PERIODS, 5 * PERIODS])
@pytest.mark.parametrize("kind", STACKS)
def test_invariant_long_stacks_conserve_charge_and_stay_unital(kind, periods):
    stack = STACKS[kind](periods)
    assert len(stack) == 2 * periods
    whole = compose(*stack)
    assert max(defects(whole)) < TOLERANCE
    left, right = transport(stack), transport(stack, source="right")
    np.testing.assert_allclose(left.charge_current, left.conductance, rtol=TOLERANCE)
    np.testing.assert_allclose([right.conductance, 2 * whole.t[0, 0]], left.conductance, rtol=TOLERANCE)


@pytest.mark.parametrize("kind", STACKS)
def test_invariant_long_stacks_balance_spin(kind):
    stack = STACKS[kind]()
    left, right = transport(stack), transport(stack, source="right")
    largest = np.abs(left.torque).max()
    # Two full reservoirs are a fixed point, and the layers keep what the ends do not carry away.
    np.testing.assert_allclose(left.torque, -right.torque, atol=TOLERANCE * largest)
    np.testing.assert_allclose(
        left.torque.sum(axis=0), left.spin_current[0] - left.spin_current[-1], atol=TOLERANCE * largest
    )
    assert largest > 0.01 * left.conductance


def test_limit_two_hundred_layers_solve_the_whole_linear_system():
    magnets = magnets_with_complex_mixing(PERIODS)
    layers = [blocks for magnet in magnets for blocks in (magnet.blocks(), spacer_blocks(SPACER))]
    currents = dense_averaged(layers)
    result = transport(complex_stack())
    # The dense system has a condition number of about 1e4.
    np.testing.assert_allclose(result.charge_current, currents[:, 0], rtol=1e-10)
    np.testing.assert_allclose(result.torque, currents[:-1, 1:] - currents[1:, 1:], atol=1e-13)


def transfer(layer):
    """Return the map from (right movers, left movers) before a layer to those behind it, as mpmath matrix."""
    r, t_prime, t, r_prime = (mpmath.matrix(m.tolist()) for m in (layer.r, layer.t_prime, layer.t, layer.r_prime))
    back = t_prime**-1
    chain = mpmath.zeros(8)
    chain[:4, :4], chain[:4, 4:] = t - r_prime * back * r, r_prime * back
    chain[4:, :4], chain[4:, 4:] = -back * r, back
    return chain


def by_transfer_matrices(stack):
    """Return r and t of a stack in the precision of mpmath."""
    product = mpmath.eye(8)
    for layer in stack:
        product = transfer(layer) * product
    reflected = -(product[4:, 4:] ** -1) * product[4:, :4]
    transmitted = product[:4, :4] + product[:4, 4:] * reflected
    return (np.array(m.tolist(), dtype=float) for m in (reflected, transmitted))


@pytest.mark.parametrize("kind", STACKS)
def test_limit_transfer_matrices_of_many_digits_agree_and_those_of_floats_fail(kind):
    stack = STACKS[kind]()
    whole = compose(*stack)
    with mpmath.workdps(600):
        reflected, transmitted = by_transfer_matrices(stack)
    # The blocks of each layer are floats that conserve charge to 1e-16 only.
    np.testing.assert_allclose(whole.r, reflected, atol=TOLERANCE)
    np.testing.assert_allclose(whole.t, transmitted, atol=TOLERANCE * transmitted[0, 0])
    # The same code in 53 bits: right for a few layers, garbage for many, although each layer is the same.
    with mpmath.workprec(53):
        short = by_transfer_matrices(stack[:4])
        long = by_transfer_matrices(stack[:100])
        assert abs(sum(m[0, 0] for m in short) - 1) < 1e-9
        assert abs(sum(m[0, 0] for m in long) - 1) > 1e3
    assert max(defects(compose(*stack[:100]))) < TOLERANCE


def test_limit_without_transmitted_transverse_spin_there_is_no_transfer_matrix():
    opaque = ferromagnet(0.7, 0.3, reflection_mixing=0, transmission_mixing=0)
    with pytest.raises(ZeroDivisionError):
        transfer(opaque)
    stack = [opaque, normal_metal(SPACER)] * PERIODS
    assert max(defects(compose(*stack))) < TOLERANCE


@pytest.mark.parametrize("periods", [1, 2, 7, 100, 200])
@pytest.mark.parametrize("angle", [0.0, np.pi])
def test_limit_collinear_periods_are_resistors_of_two_currents(periods, angle):
    up, down = series(2 * INTERFACE, SLAB * COBALT)
    magnets = [
        ferromagnet(up, down, reflection_mixing=0.02 - 0.03j, transmission_mixing=0, theta=angle * (k % 2))
        for k in range(periods)
    ]
    result = transport([layer for magnet in magnets for layer in (magnet, normal_metal(SPACER))])
    majority, minority = 2 * INTERFACE + SLAB * COBALT
    turned = periods // 2 if angle else 0
    rest = 1 + periods * (1 / SPACER - 1)
    currents = [
        1 / (rest + (periods - turned) * one + turned * other)
        for one, other in ((majority, minority), (minority, majority))
    ]
    assert result.conductance == pytest.approx(sum(currents), rel=TOLERANCE, abs=0)
    # Spin along the axis of all magnets is carried, not absorbed.
    np.testing.assert_allclose(result.spin_current[:, 2], currents[0] - currents[1], atol=TOLERANCE)


@pytest.mark.parametrize("angle", [0.0, np.pi])
def test_limit_collinear_periods_with_flips_follow_valet_and_fert(angle):
    interface = ferromagnet(*series(INTERFACE), transmission_mixing=0, reflection_mixing=0)
    stack = []
    for k in range(PERIODS):
        theta = angle * (k % 2)
        stack += [rotate(layer, theta) for layer in (interface, slab_with_flips(), interface)]
        stack.append(normal_metal(SPACER))
    # Resistance of (up, down) that a region sees to its right, from the last layer to the first. In a slab
    # u_s' = -SLAB_s j_s and j_up' = -j_down' = -(u_up - u_down) / (l_sf^2 (SLAB_up + SLAB_down)).
    generator = np.zeros((4, 4))
    generator[:2, 2:] = -np.diag(SLAB)
    generator[2:, :2] = -np.array([[1, -1], [-1, 1]]) / (DIFFUSION**2 * SLAB.sum())
    chain = expm(generator * COBALT)
    swap = np.array([[0, 1], [1, 0]])
    z = np.eye(2) / 2
    for k in reversed(range(PERIODS)):
        z = z + (1 / SPACER - 1) * np.eye(2)
        z = swap @ z @ swap if angle and k % 2 else z
        z = z + np.diag(INTERFACE)
        z = np.linalg.solve(chain[:2, :2] - z @ chain[2:, :2], z @ chain[2:, 2:] - chain[:2, 2:])
        z = z + np.diag(INTERFACE)
        z = swap @ z @ swap if angle and k % 2 else z
    expected = np.linalg.solve(z + np.eye(2) / 2, [1.0, 1.0]).sum()
    result = transport(stack)
    assert result.conductance == pytest.approx(expected, rel=1e-11, abs=0)
    # The same sum without flips: antiparallel neighbours give each spin both resistances in turn.
    own = 2 * INTERFACE + SLAB * COBALT
    without = sum(series(PERIODS * ((own if angle == 0 else (own + own[::-1]) / 2) + 1 / SPACER - 1)))
    assert 1e-5 < abs(result.conductance / without - 1) < 1e-2
