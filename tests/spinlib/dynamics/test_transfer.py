"""The matrix of a magnet that carries a current, against laws written channel by channel and vector by vector."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.dynamics.thermodynamic import onsager_matrix
from spinlib.units import e
from tests.bad_input import Refusal, refusals

# Numbers of order 1: nothing in the matrix adds terms of different scale.
GOOD = {
    "density": 1.3,
    "mobility": 0.7,
    "alpha": 0.2,
    "conductivity": 2.5,
    "beta": 0.4,
    "relaxation": 0.9,
    "transverse_conductivity": 1.7,
    "transverse_relaxation": 0.6,
}
DRAG = 1.3 * 0.7 * 0.2
MOST = np.sqrt(DRAG * 2.5 * (1 - 0.4**2) / 2)  # of an Onsager-symmetric transfer
MOST_ACROSS = np.sqrt(DRAG * 1.7)


def laws(forces, given, push, push_t, pump, pump_t):
    """Fluxes and power [W/m^3, times e where spins flip] from forces, one channel after the other.

    The magnet moves by the vector products of WD11 (4) in the tangent plane; up and down obey Ohm's law each.
    """
    f_phi, f_theta, x_t, x_up, x_down, split_t, split = forces
    u, e_theta, e_phi = np.eye(3)  # right-handed in this order
    field = f_theta * e_theta + f_phi * e_phi
    flow = -given["density"] * given["mobility"] * np.cross(u, field + given["alpha"] * np.cross(u, field))
    flow += push * (x_up - x_down) * e_theta + push_t * x_t * e_phi
    # The pumped spin current takes as much from one channel as it gives to the other.
    up = given["conductivity"] * (1 + given["beta"]) * x_up + pump * f_theta / 2
    down = given["conductivity"] * (1 - given["beta"]) * x_down - pump * f_theta / 2
    across = given["transverse_conductivity"] * x_t + pump_t * f_phi
    flips_t, flips = given["transverse_relaxation"] * split_t, given["relaxation"] * split
    fluxes = [flow @ e_phi, flow @ e_theta, across, up - down, up + down, flips_t, flips]
    transport = flow @ field + across * x_t + up * x_up + down * x_down
    return np.array(fluxes), transport, flips_t * split_t + flips * split


def summed(forces):
    """The forces in the order of the matrix, channels as difference and sum."""
    f_phi, f_theta, x_t, x_up, x_down, split_t, split = forces
    return np.array([f_phi, f_theta, x_t, x_up - x_down, x_up + x_down, split_t, split])


def least_power(given, push, push_t, pump, pump_t):
    """Smallest eigenvalue of the power as a quadratic form, from the powers of unit forces and of pairs of them."""
    unit = np.eye(7)

    def power(forces):
        return sum(laws(forces, given, push, push_t, pump, pump_t)[1:])

    form = np.array([[(power(a + b) - power(a - b)) / 4 for a in unit] for b in unit])
    return np.linalg.eigvalsh(form)[0]


def weights(flip=1.0):
    return np.diag([1, 1, 1, 0.5, 0.5, flip, flip])


def test_limit_without_transfer_the_magnet_moves_by_landau_lifshitz_and_the_channels_by_ohm():
    rng = np.random.default_rng(1)
    matrix = onsager_matrix(**GOOD)
    for forces in rng.normal(size=(20, 7)):
        fluxes, _, _ = laws(forces, GOOD, 0, 0, 0, 0)
        np.testing.assert_allclose(matrix @ summed(forces), fluxes, rtol=0, atol=1e-14)


def test_limit_only_the_magnet():
    matrix = onsager_matrix(2.0, 3.0, 0.5)
    expected = np.zeros((7, 7))
    expected[:2, :2] = [[3.0, -6.0], [6.0, 3.0]]
    np.testing.assert_array_equal(matrix, expected)


def test_limit_transfer_couples_theta_to_the_longitudinal_and_phi_to_the_transverse_current():
    rng = np.random.default_rng(2)
    coupled = {"transfer": 0.11, "transverse_transfer": -0.23, "reciprocal": 0.07, "transverse_reciprocal": 0.31}
    matrix = onsager_matrix(**GOOD, **coupled)
    for forces in rng.normal(size=(20, 7)):
        fluxes, _, _ = laws(forces, GOOD, 0.11, -0.23, 0.07, 0.31)
        np.testing.assert_allclose(matrix @ summed(forces), fluxes, rtol=0, atol=1e-14)


def test_limit_left_out_coefficients_are_zero_and_left_out_reciprocals_symmetric():
    explicit = onsager_matrix(
        1.0, 1.0, 1.0, 1.0, 0.0, 0.0, transfer=0.3, reciprocal=0.6, transverse_transfer=0.0, transverse_reciprocal=0.0
    )
    np.testing.assert_array_equal(onsager_matrix(1.0, 1.0, 1.0, 1.0, transfer=0.3), explicit)
    across = onsager_matrix(1.0, 1.0, 1.0, transverse_conductivity=1.0, transverse_transfer=0.3)
    assert across[0, 2] == across[2, 0] == 0.3


_SIZE = st.floats(0.01, 3.0)
_SIGNED = st.floats(-3.0, 3.0)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[_SIZE] * 7), st.floats(-0.99, 0.99), st.tuples(*[_SIGNED] * 4))
def test_invariant_accepted_if_and_only_if_no_force_gains_power(sizes, beta, couplings):
    names = ("density", "mobility", "alpha", "conductivity", "relaxation")
    names += ("transverse_conductivity", "transverse_relaxation")
    medium = dict(zip(names, sizes, strict=True)) | {"beta": beta}
    push, push_t, pump, pump_t = couplings
    least = least_power(medium, push, push_t, pump, pump_t)
    if abs(least) < 1e-9:  # rounding decides
        return
    call = {"transfer": push, "transverse_transfer": push_t, "reciprocal": pump, "transverse_reciprocal": pump_t}
    if least < 0:
        with pytest.raises(ValueError, match="second law"):
            onsager_matrix(**medium, **call)
    else:
        matrix = onsager_matrix(**medium, **call)
        form = weights() @ matrix
        assert np.linalg.eigvalsh(form + form.T)[0] > -1e-12 * np.abs(form).max()


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[_SIGNED] * 7), st.floats(-1, 1), st.floats(-1, 1))
def test_invariant_power_is_that_of_the_channels(forces, share, share_t):
    push, push_t = share * MOST, share_t * MOST_ACROSS
    fluxes, transport, flips = laws(forces, GOOD, push, push_t, 2 * push, push_t)
    f = summed(forces)
    matrix = onsager_matrix(**GOOD, transfer=push, transverse_transfer=push_t)
    np.testing.assert_allclose(matrix @ f, fluxes, rtol=0, atol=1e-13)
    scale = 1 + np.abs(f).max() ** 2
    assert f @ weights() @ matrix @ f == pytest.approx(transport + flips, abs=1e-13 * scale)
    # In SI the flips are a charge rate: their power is psi Delta mu/e.
    assert f @ weights(1 / e) @ matrix @ f == pytest.approx(transport + flips / e, rel=1e-12, abs=1e-13 * scale)
    assert transport + flips >= -1e-13 * scale


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[_SIGNED] * 7), _SIGNED, _SIGNED)
def test_invariant_antisymmetric_transfer_dissipates_nothing(forces, push, push_t):
    f = np.array(forces)
    without = f @ weights() @ onsager_matrix(**GOOD) @ f
    size = {"transfer": 1e3 * push, "transverse_transfer": 1e3 * push_t}  # far above the bound
    matrix = onsager_matrix(**GOOD, **size, reciprocal=-2e3 * push, transverse_reciprocal=-1e3 * push_t)
    # Terms of order 1e3 f^2 cancel.
    assert f @ weights() @ matrix @ f == pytest.approx(without, abs=1e-10)


def test_invariant_default_is_symmetric_but_for_the_precession():
    form = weights() @ onsager_matrix(**GOOD, transfer=0.8 * MOST, transverse_transfer=-0.9 * MOST_ACROSS)
    odd = (form - form.T) / 2
    precession = np.zeros((7, 7))
    precession[1, 0], precession[0, 1] = 1.3 * 0.7, -1.3 * 0.7
    np.testing.assert_allclose(odd, precession, rtol=0, atol=1e-15)


def test_invariant_the_magnets_block_has_no_preferred_direction():
    block = onsager_matrix(**GOOD)[:2, :2]
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    np.testing.assert_allclose(turn @ block @ turn.T, block, rtol=0, atol=1e-15)


@pytest.mark.parametrize("beta", [0.0, 0.4, -0.9])
def test_limit_at_the_bound_one_force_is_free_of_power(beta):
    medium = GOOD | {"beta": beta}
    most = np.sqrt(DRAG * 2.5 * (1 - beta**2) / 2)
    # The force without power: the magnet's balances the two channels', from completing the square by hand.
    free = np.array([0, 1.0, 0, -2 * most / (2.5 * (1 - beta**2)), 0, 0, 0])
    free[4] = -beta * free[3]
    matrix = onsager_matrix(**medium, transfer=most)
    assert free @ weights() @ matrix @ free == pytest.approx(0, abs=1e-15)
    least = least_power(medium, 1.01 * most, 0, 2.02 * most, 0)
    assert least < -1e-4  # one per cent above the bound a force gains power
    with pytest.raises(ValueError, match="second law"):
        onsager_matrix(**medium, transfer=most * (1 + 1e-9))
    assert onsager_matrix(**medium, transfer=-most)[1, 3] == -most


@pytest.mark.parametrize("beta", [1.0, -1.0])
def test_limit_a_half_metal_has_no_dissipative_longitudinal_transfer(beta):
    medium = GOOD | {"beta": beta}
    with pytest.raises(ValueError, match="second law"):
        onsager_matrix(**medium, transfer=1e-6)
    assert onsager_matrix(**medium, transfer=5.0, reciprocal=-10.0)[1, 3] == 5.0


def test_invariant_broadcasts():
    beta = np.array([0.1, 0.2, 0.3])
    alpha = np.array([[0.1], [0.2]])
    whole = onsager_matrix(1.0, 2.0, alpha, 3.0, beta, transfer=0.05)
    assert whole.shape == (2, 3, 7, 7)
    for place in np.ndindex(2, 3):
        one = onsager_matrix(1.0, 2.0, alpha[place[0], 0], 3.0, beta[place[1]], transfer=0.05)
        np.testing.assert_array_equal(whole[place], one)


@pytest.mark.parametrize(("coefficient", "own"), [("transfer", "conductivity"), ("transverse_transfer", "alpha")])
def test_bad_input_the_bound_in_the_message_is_accepted(coefficient, own):
    for size in np.random.default_rng(4).uniform(0.1, 3.0, size=100):
        medium = GOOD | {own: size}
        with pytest.raises(ValueError, match="second law") as refused:
            onsager_matrix(**medium, **{coefficient: 10.0})
        bound = float(re.search(r"<= (\S+) here", str(refused.value)).group(1))
        assert onsager_matrix(**medium, **{coefficient: bound / 2}).any()  # the sum is twice the symmetric coefficient
        with pytest.raises(ValueError, match="second law"):
            onsager_matrix(**medium, **{coefficient: bound / 2 * (1 + 2e-5)})  # six digits, none too few


def shown(bound):
    """Six digits, rounded down."""
    step = 10.0 ** (np.floor(np.log10(bound)) - 5)
    return f"{np.floor(bound / step) * step:.6g}"


def refuse(rule, says, **arguments):
    return Refusal(rule, onsager_matrix, GOOD | arguments, says)


@refusals(
    refuse("density below zero", ("density = -1", ">= 0"), density=-1.0),
    refuse("mobility zero", ("mobility = 0", "mobility > 0"), mobility=0.0),
    refuse("damping below zero", ("alpha = -0.1", "alpha >= 0"), alpha=-0.1),
    refuse("conductivity below zero", ("conductivity[1] = -2", ">= 0"), conductivity=[1.0, -2.0]),
    refuse("asymmetry above one", ("beta = 1.5", "pass -1 <= beta <= 1"), beta=1.5),
    refuse("asymmetry below minus one", ("beta = -1.5", "pass -1 <= beta <= 1"), beta=-1.5),
    refuse("relaxation below zero", ("relaxation = -3", ">= 0"), relaxation=-3.0),
    refuse("transverse conductivity below zero", ("transverse_conductivity = -1", ">= 0"), transverse_conductivity=-1),
    refuse("transverse relaxation below zero", ("transverse_relaxation = -1", ">= 0"), transverse_relaxation=-1),
    refuse("transfer no number", ("transfer = nan", "finite"), transfer=np.nan),
    refuse("reciprocal no number", ("reciprocal = inf", "finite"), reciprocal=np.inf),
    refuse("transverse transfer no number", ("transverse_transfer = nan", "finite"), transverse_transfer=np.nan),
    refuse("transverse reciprocal a word", ("transverse_reciprocal = 'x'", "real"), transverse_reciprocal="x"),
    refuse("shapes", ("density of shape (2,)", "beta of shape (3,)", "broadcast"), density=[1, 1], beta=[0, 0, 0]),
    refuse(
        "second law, longitudinal",
        ("transfer + reciprocal/2 = 2", "second law", f"<= {shown(2 * MOST)}", "reciprocal = -2 transfer"),
        transfer=1.0,
    ),
    refuse(
        "second law, transverse",
        ("transverse_transfer + transverse_reciprocal = 2", f"<= {shown(2 * MOST_ACROSS)}", "= -transverse_transfer"),
        transverse_transfer=1.0,
    ),
    refuse(
        "second law, first entry that breaks it",
        ("transfer + reciprocal/2[1] = -4", "2 entries of 3", f"<= {shown(2 * MOST * np.sqrt(2 / 2.5))} here"),
        transfer=[0.0, -2.0, 2.0],
        conductivity=[1.0, 2.0, 3.0],  # a bound for each entry; it is that of entry 1
    ),
    refuse("second law without damping", ("second law", "<= 0 here"), alpha=0.0, transfer=1e-3),
    refuse(
        "second law without conductor", ("second law", "<= 0 here"), transverse_conductivity=0, transverse_transfer=1
    ),
)
def test_bad_input_onsager_matrix(refusal):
    refusal.check()
