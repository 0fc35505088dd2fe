"""The closed form of a normal metal-ferromagnet junction: many digits, the stack solver, limits; every refusal."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlib.diffusion import (
    Layer,
    Medium,
    coupled_lengths,
    normal_ferromagnet_junction,
    reverse,
    solve_stack,
)
from spinlib.units import e, nm
from tests.bad_input import Refusal, refusals
from tests.exact_junction import exact_junction

S_PAIR, D_PAIR = ("s_up", "s_down"), ("s_down", "d_down")

decades = st.floats(-3, 3)


def metal(up, down, rate):
    return Medium.four_channel({"s_up": up, "s_down": down}, {S_PAIR: rate})


def magnet(up, down, d, rate, rate_d):
    return Medium.four_channel({"s_up": up, "s_down": down, "d_down": d}, {S_PAIR: rate, D_PAIR: rate_d})


def with_lengths(up, down, d, l_sf, l_sd):
    return magnet(up, down, d, 1 / (l_sf**2 * (1 / up + 1 / down)), 1 / (l_sd**2 * (1 / down + 1 / d)))


COPPER = Medium.valet_fert(1 / 5e7, 0.0, 300 * nm, channels=4)
IRON = with_lengths(1e7, 0.4e7, 0.25e7, 20 * nm, 3 * nm)


def media(draws):
    """Conductivities over six decades around 1e7 S/m, lengths over six decades around 10 nm."""
    conductivity, length = 1e7 * 10.0 ** np.array(draws[:5]), 10 * nm * 10.0 ** np.array(draws[5:])
    normal = metal(*conductivity[:2], 1 / (length[0] ** 2 * (1 / conductivity[:2]).sum()))
    return normal, with_lengths(*conductivity[2:], *length[1:])


random_media = st.lists(decades, min_size=8, max_size=8).map(media)


def assert_exact(normal, ferromagnet, digits=60):
    """Every number to 1e-14 (measured: 9e-16). Where two terms of opposite sign cancel, to 1e-14 of the larger one."""
    found, exact = normal_ferromagnet_junction(normal, ferromagnet, 1 / e), exact_junction(normal, ferromagnet, digits)
    for name in ("d_accumulation", "resistance"):
        assert float(abs(getattr(found, name) / getattr(exact, name) - 1)) < 1e-14, name
    for name in ("lambda_plus", "lambda_minus"):
        assert float(abs(getattr(found.lengths, name) / getattr(exact, name) - 1)) < 1e-14, name
    # The spin accumulation is a sum of two: one of unequal shares of s_up, one of the current that goes over into d.
    up, down, _, d = ferromagnet.conductivity
    share, lengths = normal.conductivity[0] / normal.conductivity[:2].sum(), found.lengths
    unequal = share * down - (1 - share) * up
    unequal *= 1 / (lengths.lambda_plus * lengths.lambda_minus) + ferromagnet.relaxation[1, 3] / d
    over = share * ferromagnet.relaxation[1, 3]
    scale = float(abs(exact.spin_accumulation)) * (abs(unequal) + over) / abs(unequal + over)
    assert float(abs(found.spin_accumulation - exact.spin_accumulation)) < 1e-14 * scale
    # Both amplitudes are parts of the two accumulations.
    part = scale * lengths.l_sf**-2 / (lengths.lambda_plus**-2 - lengths.lambda_minus**-2)
    for name in ("amplitude_plus", "amplitude_minus"):
        error = float(abs(getattr(found, name) - getattr(exact, name)))
        assert error < 1e-14 * (float(abs(getattr(exact, name))) + part), name


# --- against a boundary value problem in sixty digits -----------------------------------------------------------------


@given(random_media)
def test_limit_many_digits_over_six_decades(pair):
    assert_exact(*pair)


@pytest.mark.parametrize("ratio", [1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9, 1e12])
def test_limit_many_digits_for_any_ratio_of_the_lengths(ratio):
    rng = np.random.default_rng(7)
    for up, down, d in 1e7 * 10 ** rng.uniform(-3, 3, (20, 3)):
        assert_exact(COPPER, with_lengths(up, down, d, 20 * nm, ratio * 20 * nm))


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5])
def test_limit_many_digits_for_nearly_equal_lengths(apart):
    """Weakly coupled modes of nearly equal length, driven by d alone: their difference is that of the given numbers.

    Taken from rounded rates it costs four digits of both amplitudes (measured: 3e-11).
    """
    rng = np.random.default_rng(11)
    for up, down, d, length in 10 ** rng.uniform(0, 1, (60, 4)) * [1e4, 1e9, 1e4, nm]:
        normal = metal(2 * up, 2 * down, 1 / (length**2 * (1 / up + 1 / down) / 2))
        ferromagnet = with_lengths(up, down, d, 500 * nm, (1 + apart) * 500 * nm)
        found, exact = normal_ferromagnet_junction(normal, ferromagnet, 1 / e), exact_junction(normal, ferromagnet)
        for name in ("spin_accumulation", "d_accumulation", "amplitude_plus", "amplitude_minus", "resistance"):
            assert float(abs(getattr(found, name) / getattr(exact, name) - 1)) < 1e-13, name


# --- against the solver of stacks -------------------------------------------------------------------------------------


@given(random_media)
def test_limit_stack_of_two_leads(pair):
    normal, ferromagnet = pair
    found = normal_ferromagnet_junction(*pair)
    stack = solve_stack([Layer(normal, inf), Layer(ferromagnet, inf)])
    affinity = stack.profile([0.0]).affinity
    # The stack's eigenvalue solver loses digits where the lengths lie far apart (measured: 5e-10).
    assert found.resistance == pytest.approx(stack.resistance, rel=1e-8, abs=0)
    assert found.d_accumulation == pytest.approx(affinity[1, 3, 0], rel=1e-8, abs=0)


def test_limit_stack_profiles():
    """WD04 (8), (14) with the amplitudes are the profiles of the stack on both sides."""
    found = normal_ferromagnet_junction(COPPER, IRON, 1e11)
    stack = solve_stack([Layer(COPPER, inf), Layer(IRON, inf)], current_density=1e11)
    left, right = np.array([-900.0, -100.0, -1.0, 0.0]) * nm, np.array([0.0, 1.0, 5.0, 30.0, 90.0]) * nm
    expected = found.spin_accumulation * np.exp(left / (300 * nm))
    np.testing.assert_allclose(stack.profile(left, side="left").spin_accumulation, expected, rtol=1e-10)
    lengths = found.lengths
    plus = found.amplitude_plus * np.exp(-right / lengths.lambda_plus)
    minus = found.amplitude_minus * np.exp(-right / lengths.lambda_minus)
    profile = stack.profile(right)
    np.testing.assert_allclose(profile.affinity[1, 3], plus + minus, rtol=1e-10)
    from_plus, from_minus = (lengths.l_sd**-2 - each**-2 for each in (lengths.lambda_plus, lengths.lambda_minus))
    np.testing.assert_allclose(
        profile.spin_accumulation, lengths.lambda_s**2 * (from_plus * plus + from_minus * minus), rtol=1e-10
    )


# --- limits -----------------------------------------------------------------------------------------------------------


def van_son(normal_up, normal_down, normal_length, up, down, length):
    """Resistance of two channels: (change of beta)^2 / (1/z_N + 1/z_F), z = rho* l."""
    beta_n, beta_f = (normal_up - normal_down) / (normal_up + normal_down), (up - down) / (up + down)
    z_n, z_f = (1 / normal_up + 1 / normal_down) / 4 * normal_length, (1 / up + 1 / down) / 4 * length
    return (beta_f - beta_n) ** 2 / (1 / z_n + 1 / z_f)


def test_limit_many_digits_for_nearly_equal_shares():
    """Slow s-d relaxation and shares of s_up that differ by 1e-13: the source is the exact difference of the numbers.

    In floats it costs all but one digit (measured: 0.16).
    """
    rng = np.random.default_rng(2)
    for up, down, k in rng.uniform([0.5, 0.5, 0.3], [2, 2, 3], (40, 3)) * [1e7, 1e7, 1]:
        normal, ferromagnet = metal(k * up, k * down * (1 + 1e-13), 1e21), magnet(up, down, 1e6, 7e21, 1e-3)
        found, exact = normal_ferromagnet_junction(normal, ferromagnet, 1 / e), exact_junction(normal, ferromagnet)
        assert float(abs(found.spin_accumulation / exact.spin_accumulation - 1)) < 1e-13


@pytest.mark.parametrize("size", [1e-60, 1e60])
def test_limit_numbers_of_any_admissible_size(size):
    """At either end of both ranges nothing overflows, and the digits stay."""
    rng = np.random.default_rng(13)
    for _ in range(20):
        normal_up, normal_down, up, down, d = sqrt(size) ** rng.uniform(-1, 1, 5)
        rate_n, rate, rate_d = size ** rng.choice([-1.0, 1.0], 3)
        assert_exact(metal(normal_up, normal_down, rate_n), magnet(up, down, d, rate, rate_d), digits=400)


def test_limit_merged_minority_channels():
    """l_sd -> 0: van Son's junction of s_up and the sum of s_down and d_down."""
    exact = 2.5012e-17  # for beta_s = 0
    up = down = 0.7e7
    ferromagnet = with_lengths(up, down, 0.25e7, 20 * nm, 1e-9 * nm)
    rate = ferromagnet.relaxation[0, 1]
    length = 1 / sqrt(rate * (1 / up + 1 / (down + 0.25e7)))
    expected = van_son(2.5e7, 2.5e7, 300 * nm, up, down + 0.25e7, length)
    assert normal_ferromagnet_junction(COPPER, ferromagnet).resistance == pytest.approx(expected, rel=1e-8, abs=0)
    assert expected == pytest.approx(exact, rel=1e-4, abs=0)


@pytest.mark.parametrize("d", [1e-3, 1e0])
def test_limit_frozen_d_channel(d):
    """sigma_d -> 0 at a fixed rate: van Son's junction of the s channels; the d channel carries d / sigma_t."""
    ferromagnet = magnet(1e7, 0.4e7, d, 7e21, 2e23)
    expected = van_son(2.5e7, 2.5e7, 300 * nm, 1e7, 0.4e7, coupled_lengths(ferromagnet).l_sf)
    found = normal_ferromagnet_junction(COPPER, ferromagnet)
    assert found.resistance == pytest.approx(expected, rel=20 * d / 1e7, abs=0)


def test_limit_no_junction_for_the_same_shares():
    """Equal shares of s_up on both sides: the current is only shared out between s_down and d_down."""
    ferromagnet = with_lengths(1e7, 0.6e7, 0.4e7, 20 * nm, 1e-4 * nm)
    merged = normal_ferromagnet_junction(COPPER, ferromagnet)
    apart = normal_ferromagnet_junction(COPPER, with_lengths(1e7, 0.6e7, 0.4e7, 20 * nm, 2e-4 * nm))
    down = 0.4 / (0.6 * 1e7) * 1e-4 * nm / 4  # l_sd sigma_d / (sigma_s,down sigma_down), for half of the current
    assert merged.resistance == pytest.approx(down, rel=1e-4, abs=0)
    assert apart.resistance == pytest.approx(2 * down, rel=1e-4, abs=0)


# --- invariants -------------------------------------------------------------------------------------------------------


@given(random_media)
def test_invariant_power_is_what_the_profiles_dissipate(pair):
    """J^2 R is the heat of the deviating currents and of all relaxations, integrated mode by mode."""
    normal, ferromagnet = pair
    found = normal_ferromagnet_junction(normal, ferromagnet, 1 / e)
    kappa = 1 / np.array([found.lengths.lambda_plus, found.lengths.lambda_minus])
    sigma, rates = ferromagnet.conductivity[[0, 1, 3]], ferromagnet.relaxation
    # Potentials of one mode: d by its own conservation law, s_down by the amplitude, s_up by a total current of zero.
    minority = np.array([found.amplitude_plus, found.amplitude_minus])
    d = -rates[1, 3] / (sigma[2] * kappa**2) * minority
    down = d + minority
    up = -(sigma[1] * down + sigma[2] * d) / sigma[0]
    currents = sigma[:, None] * kappa * np.array([up, down, d])
    heat = rates[0, 1] * np.outer(up - down, up - down) + rates[1, 3] * np.outer(minority, minority)
    heat += np.einsum("im,in,i->mn", currents, currents, 1 / sigma)
    in_normal = normal.relaxation[0, 1] * found.spin_accumulation**2 * normal_length(normal)
    power = (heat / (kappa[:, None] + kappa)).sum() + in_normal
    # Nearly equal lengths have large amplitudes of opposite sign, and the power is quadratic in them.
    scale = np.abs(heat / (kappa[:, None] + kappa)).sum() + in_normal
    assert power == pytest.approx(found.resistance, abs=1e-10 * scale)


def normal_length(normal):
    return 1 / sqrt(normal.relaxation[0, 1] * (1 / normal.conductivity[:2]).sum())


@given(random_media)
def test_invariant_sign_of_the_spin_accumulation(pair):
    """Negative for a larger share of s_up in sigma_t of F than in N, positive for a smaller one in sigma_s."""
    normal, ferromagnet = pair
    up, down, _, d = ferromagnet.conductivity
    share = normal.conductivity[0] / normal.total_conductivity
    found = normal_ferromagnet_junction(normal, ferromagnet)
    if up / (up + down + d) > share * (1 + 1e-12):
        assert found.spin_accumulation < 0
    if up / (up + down) < share * (1 - 1e-12):
        assert found.spin_accumulation > 0


@given(random_media)
def test_invariant_lengths_lie_outside_those_of_either_relaxation(pair):
    lengths = coupled_lengths(pair[1])
    assert lengths.lambda_plus <= min(lengths.l_sd, lengths.l_sf) * (1 + 1e-15)
    assert lengths.lambda_minus >= max(lengths.l_sd, lengths.l_sf) * (1 - 1e-15)
    trace = lengths.lambda_plus**-2 + lengths.lambda_minus**-2
    assert trace == pytest.approx(lengths.l_sd**-2 + lengths.l_sf**-2, rel=1e-14, abs=0)
    np.testing.assert_allclose(
        [lengths.lambda_plus, lengths.lambda_minus], pair[1].diffusion_lengths, rtol=1e-9
    )  # the eigenvalue solver's own error


@given(random_media, st.floats(-1e12, 1e12))
def test_invariant_linear_in_the_current(pair, current):
    unit, found = normal_ferromagnet_junction(*pair), normal_ferromagnet_junction(*pair, current_density=current)
    for name in ("spin_accumulation", "d_accumulation", "amplitude_plus", "amplitude_minus"):
        assert getattr(found, name) == pytest.approx(current * getattr(unit, name), rel=1e-14, abs=0)
    assert found.resistance == unit.resistance > 0


@given(random_media, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_invariant_units(pair, conductance, length):
    """Conductivities times k, rates times k / q^2: lengths times q, resistance and accumulations times q / k."""
    scaled = [Medium(m.conductivity * conductance, m.relaxation * (conductance / length**2)) for m in pair]
    found, before = normal_ferromagnet_junction(*scaled), normal_ferromagnet_junction(*pair)
    assert found.resistance == pytest.approx(before.resistance * length / conductance, rel=1e-11, abs=0)
    assert found.d_accumulation == pytest.approx(before.d_accumulation * length / conductance, rel=1e-11, abs=0)
    assert found.lengths.lambda_minus == pytest.approx(before.lengths.lambda_minus * length, rel=1e-12, abs=0)


def test_limit_lengths_without_one_of_the_relaxations():
    """Without s-d relaxation d is cut off: one length, that of spin flips, and a mode that does not decay."""
    no_d = coupled_lengths(magnet(1e7, 0.4e7, 0.25e7, 7e21, 0.0))
    assert (no_d.l_sd, no_d.lambda_sd, no_d.lambda_minus) == (inf, inf, inf)
    assert no_d.lambda_plus == pytest.approx(no_d.l_sf, rel=1e-15, abs=0)
    assert no_d.l_sf == pytest.approx(1 / sqrt(7e21 * (1e-7 + 2.5e-7)), rel=1e-15, abs=0)
    no_flip = coupled_lengths(magnet(1e7, 0.4e7, 0.25e7, 0.0, 7e21))
    assert (no_flip.l_sf, no_flip.lambda_s, no_flip.lambda_minus) == (inf, inf, inf)
    assert no_flip.lambda_plus == pytest.approx(no_flip.l_sd, rel=1e-15, abs=0)
    neither = coupled_lengths(magnet(1e7, 0.4e7, 0.25e7, 0.0, 0.0))
    assert set(vars(neither).values()) == {inf}


def test_limit_relaxation_of_frozen_channels_has_no_effect():
    rates = np.array(IRON.relaxation)
    rates[2, :2] = rates[:2, 2] = rates[2, 3] = rates[3, 2] = 5e22
    assert normal_ferromagnet_junction(COPPER, Medium(IRON.conductivity, rates)) == normal_ferromagnet_junction(
        COPPER, IRON
    )


# --- refusals ---------------------------------------------------------------------------------------------------------

TWO = Medium.valet_fert(1e-7, 0.3, 20 * nm)
MIXED = Medium.four_channel(
    {"s_up": 1e7, "s_down": 1e7, "d_down": 1e7}, {S_PAIR: 1e22, D_PAIR: 1e22, ("s_up", "d_down"): 3e21}
)
FULL = Medium([1e7] * 4, 1e22 * (1 - np.eye(4)))


@refusals(
    Refusal("lengths of two channels", coupled_lengths, {"medium": TWO}, ("medium", "2 channels", "four-channel")),
    Refusal("lengths of no medium", coupled_lengths, {"medium": 3.0}, ("medium = 3.0", "pass a four-channel Medium")),
    Refusal(
        "lengths of a normal metal",
        coupled_lengths,
        {"medium": COPPER},
        ("d_down conductivity of medium = 0", "frozen", "s_up, s_down, d_down alone"),
    ),
    Refusal(
        "lengths of a reversed ferromagnet",
        coupled_lengths,
        {"medium": reverse(IRON)},
        ("d_up conductivity of medium = 2500000 is not frozen", "reverse exchanges up and down"),
    ),
    Refusal(
        "lengths of four open channels",
        coupled_lengths,
        {"medium": FULL},
        ("d_up conductivity of medium = 10000000", "s_up, s_down, d_down alone"),
    ),
    Refusal(
        "lengths with relaxation from s_up to d_down",
        coupled_lengths,
        {"medium": MIXED},
        ("relaxation[0, 3] of medium = 3e+21", "s_up into d_down", "solve_stack"),
    ),
    Refusal(
        "junction with relaxation from s_up to d_down",
        normal_ferromagnet_junction,
        {"normal": COPPER, "ferromagnet": MIXED},
        ("relaxation[0, 3] of ferromagnet = 3e+21", "solve_stack"),
    ),
    Refusal(
        "lengths of an absurd conductivity",
        coupled_lengths,
        {"medium": magnet(1e7, 1e31, 1e7, 1e22, 1e22)},
        ("conductivity of medium[1] = 1e+31", "out of the range of the closed form", "1e-30 to 1e+30 S/m"),
    ),
    Refusal(
        "junction with an absurd conductivity of the metal",
        normal_ferromagnet_junction,
        {"normal": metal(1e7, 1e-80, 1e22), "ferromagnet": IRON},
        ("conductivity of normal[1] = 1e-80", "out of the range of the closed form", "1e-30 to 1e+30 S/m"),
    ),
    Refusal(
        "junction with an absurd relaxation",
        normal_ferromagnet_junction,
        {"normal": COPPER, "ferromagnet": magnet(1e7, 1e7, 1e7, 1e22, 1e-80)},
        ("relaxation of ferromagnet[1, 3] = 1e-80", "out of the range of the closed form", "1e-60 to 1e+60 S/m^3"),
    ),
    Refusal(
        "junction of two channels",
        normal_ferromagnet_junction,
        {"normal": TWO, "ferromagnet": IRON},
        ("normal has 2 channels", "channels=4"),
    ),
    Refusal(
        "junction with the media exchanged",
        normal_ferromagnet_junction,
        {"normal": IRON, "ferromagnet": COPPER},
        ("d_down conductivity of ferromagnet = 0", "pass a medium that conducts in"),
    ),
    Refusal(
        "junction of two ferromagnets",
        normal_ferromagnet_junction,
        {"normal": IRON, "ferromagnet": IRON},
        ("d_down conductivity of normal = 2500000", "s_up, s_down alone"),
    ),
    Refusal(
        "junction of a layer",
        normal_ferromagnet_junction,
        {"normal": Layer(COPPER, inf), "ferromagnet": IRON},
        ("normal", "is no Medium", "pass a four-channel Medium"),
    ),
    Refusal(
        "junction without spin flips in the ferromagnet",
        normal_ferromagnet_junction,
        {"normal": COPPER, "ferromagnet": magnet(1e7, 1e7, 1e7, 0.0, 1e22)},
        ("relaxation[0, 1] of ferromagnet = 0", "never decays", "s_up-s_down", "S/m^3"),
    ),
    Refusal(
        "junction without s-d relaxation",
        normal_ferromagnet_junction,
        {"normal": COPPER, "ferromagnet": magnet(1e7, 1e7, 1e7, 1e22, 0.0)},
        ("relaxation[1, 3] of ferromagnet = 0", "never decays", "s_down-d_down", "S/m^3"),
    ),
    Refusal(
        "junction without spin flips in the normal metal",
        normal_ferromagnet_junction,
        {"normal": Medium.valet_fert(2e-8, channels=4), "ferromagnet": IRON},
        ("relaxation[0, 1] of normal = 0", "never decays", "solve_stack"),
    ),
    Refusal(
        "current that is not finite",
        normal_ferromagnet_junction,
        {"normal": COPPER, "ferromagnet": IRON, "current_density": inf},
        ("current_density = inf", "pass one finite number"),
    ),
)
def test_bad_input_junction(refusal):
    refusal.check()
