import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from spinlib.scattering.smatrix import compose, rotate
from spinlib.scattering.stack import bulk_layer, ferromagnet, normal_metal, transport, valet_fert_rates

PROPERTY = settings(max_examples=40, derandomize=True, deadline=None)
rates = st.floats(0.05, 3)
flips = st.floats(0.01, 1)
lengths = st.floats(0.05, 4)


def transfer_route(length, transmit, reflect):
    """Return r and t of a thin slab from the exponential of f' = -Lt f + Lr b, b' = Lt b - Lr f."""
    size = len(transmit)
    whole = expm(length * np.block([[-transmit, reflect], [-reflect, transmit]]))
    ff, fb, bf, bb = whole[:size, :size], whole[:size, size:], whole[size:, :size], whole[size:, size:]
    # (f, b) at L = whole (f, b) at 0, with b(L) = 0 and f(0) = 1.
    r = -np.linalg.solve(bb, bf)
    return r, ff + fb @ r


@PROPERTY
@given(
    length=lengths,
    up=rates,
    down=rates,
    flip=flips,
    extra=st.floats(0, 3),
    spin=st.floats(-5, 5),
    part=st.floats(-1, 1),
)
def test_limit_slab_is_the_exponential_of_its_equations(length, up, down, flip, extra, spin, part):
    decay = (up + down) / 2 + 2 * flip + extra + 1j * spin
    reflection = part * np.sqrt(up * down) * np.exp(1j * spin)
    slab = bulk_layer(length, up, down, spin_flip=flip, transverse_decay=decay, transverse_reflection=reflection)
    r, t = transfer_route(
        length,
        np.array([[up + 2 * flip, -flip], [-flip, down + 2 * flip]]),
        np.array([[up, flip], [flip, down]]),
    )
    to_charge = np.array([[1, 1], [1, -1]])
    for block, expected in ((slab.r, r), (slab.t, t)):
        np.testing.assert_allclose(block[np.ix_([0, 3], [0, 3])], to_charge @ expected @ to_charge / 2, atol=1e-9)
    r, t = transfer_route(length, np.array([[decay]]), np.array([[reflection]]))
    for block, expected in ((slab.r, r), (slab.t, t), (slab._absorption, 1 - r - t)):
        # X_ud = x - i y is multiplied by the complex number.
        assert block[1, 1] - 1j * block[2, 1] == pytest.approx(expected[0, 0].real + 1j * expected[0, 0].imag, abs=1e-9)
        assert block[2, 2] == block[1, 1]
        assert block[1, 2] == -block[2, 1]
    np.testing.assert_allclose(slab._absorption, np.eye(4) - slab.r - slab.t, atol=1e-13)
    np.testing.assert_array_equal(slab.t, slab.t_prime)
    np.testing.assert_array_equal(slab.r, slab.r_prime)


@PROPERTY
@given(up=rates, down=rates, flip=flips, length=lengths, cut=st.floats(0.01, 0.99), theta=st.floats(0, 3))
def test_invariant_a_slab_cut_in_two_is_the_slab(up, down, flip, length, cut, theta):
    named = {"spin_flip": flip, "transverse_decay": up + down + 3 * flip + 4j, "theta": theta, "phi": 0.3}
    whole = bulk_layer(length, up, down, **named)
    two = compose(bulk_layer(cut * length, up, down, **named), bulk_layer((1 - cut) * length, up, down, **named))
    for name in ("r", "t_prime", "t", "r_prime", "_absorption", "_absorption_prime"):
        np.testing.assert_allclose(getattr(two, name), getattr(whole, name), atol=1e-13)


@PROPERTY
@given(up=rates, down=rates, length=st.floats(1e-3, 1e6))
def test_limit_without_flips_resistances_add(up, down, length):
    slab = bulk_layer(length, up, down, transverse_decay=up + down)
    for rate, sign in ((up, 1), (down, -1)):
        t = slab.t[0, 0] + sign * slab.t[0, 3]
        assert t == pytest.approx(1 / (1 + rate * length), rel=1e-12, abs=0)
    assert slab.t[3, 3] == pytest.approx(slab.t[0, 0], rel=1e-12, abs=0)


@PROPERTY
@given(rate=rates, flip=st.floats(0.001, 0.1), length=lengths, theta=st.floats(0, 3), phi=st.floats(0, 6))
def test_invariant_a_normal_metal_is_isotropic(rate, flip, length, theta, phi):
    slab = bulk_layer(length, rate, rate, spin_flip=flip)
    turned = rotate(slab, theta, phi)
    for name in ("r", "t"):
        np.testing.assert_allclose(getattr(turned, name), getattr(slab, name), atol=1e-14)
        np.testing.assert_allclose(getattr(slab, name)[1:, 1:], getattr(slab, name)[3, 3] * np.eye(3), atol=1e-14)
    np.testing.assert_allclose(bulk_layer(length, rate, rate).t, normal_metal(1 / (1 + rate * length)).t, rtol=1e-13)


@pytest.mark.parametrize(("up", "down", "flip"), [(0.4, 1.7, 0.3), (1.0, 1.0, 0.05), (0.1, 3.0, 0.8)])
def test_limit_a_long_slab_forgets_spin_within_the_diffusion_length(up, down, flip):
    l_sf = 1 / np.sqrt(4 * flip * (up + down + 2 * flip))
    filter_z = ferromagnet(0.9, 0.2)

    def outgoing(length):
        """Spin current that is left behind a slab, less the one that the slab itself makes."""
        slab = bulk_layer(length, up, down, spin_flip=flip, transverse_decay=up + down + 2 * flip)
        with_spin, without = (transport([slab, filter_z], polarization=[0, 0, z]) for z in (1.0, 0.0))
        return (with_spin.spin_current[1, 2] - without.spin_current[1, 2]) - (
            with_spin.conductance - without.conductance
        ) * without.spin_current[1, 2] / without.conductance

    ratio = outgoing(9 * l_sf) / outgoing(8 * l_sf)
    assert ratio == pytest.approx(np.exp(-1), rel=0.1, abs=0)
    # The charge mode decays algebraically; the spin mode of a symmetric slab exactly exponentially.
    if up == down:
        t = [bulk_layer(k * l_sf, up, down, spin_flip=flip).t[3, 3] for k in (20, 21, 300)]
        assert t[1] / t[0] == pytest.approx(np.exp(-1), rel=1e-12, abs=0)
        assert 0 < t[2] < 1e-128


def test_limit_dephasing_within_an_atom_leaves_the_charge_sector_exact():
    slab = bulk_layer(1e-6, 1e7, 4e7, transverse_decay=1e12 + 3e12j)
    assert slab.t[0, 0] + slab.t[0, 3] == pytest.approx(1 / 11, rel=1e-14, abs=0)
    np.testing.assert_allclose(slab.t[1:3, 1:3], 0, atol=1e-300)


def test_limit_pure_precession_turns_the_spin():
    # Half a turn: positive imaginary decay multiplies X_ud = x - i y by exp(-i omega L).
    slab = bulk_layer(1.0, 0.0, 0.0, transverse_decay=1j * np.pi / 2)
    out = transport([slab], polarization=[1, 0, 0]).spin_current[1]
    np.testing.assert_allclose(out, [0, 2, 0], atol=1e-14)
    half_turn = bulk_layer(1.0, 0.0, 0.0, transverse_decay=1j * np.pi)
    np.testing.assert_allclose(half_turn.t[1:3, 1:3], -np.eye(2), atol=1e-14)


def test_limit_nothing_scatters_in_no_layer():
    for slab in (bulk_layer(0.0, 1.0, 2.0, spin_flip=0.3, transverse_decay=9.0), bulk_layer(5.0, 0.0, 0.0)):
        np.testing.assert_array_equal(slab.t, np.eye(4))
        np.testing.assert_array_equal(slab.r, np.zeros((4, 4)))


@PROPERTY
@given(
    resistivity=st.floats(1e-8, 5e-7),
    beta=st.floats(-0.9, 0.9),
    length=st.floats(5e-8, 1e-6),
    sharvin=st.floats(5e-16, 3e-15),
)
def test_limit_valet_fert_rates_give_back_resistivity_and_diffusion_length(resistivity, beta, length, sharvin):
    up, down, flip = valet_fert_rates(resistivity, beta, length, sharvin)
    assert 1 / np.sqrt(4 * flip * (up + down + 2 * flip)) == pytest.approx(length, rel=1e-12, abs=0)
    for rate, sign in ((up, -1), (down, 1)):
        # n_s' = -2 (G_s + G_sf) j_s: 2 rho* (1 -+ beta) is the resistivity of one spin.
        assert (rate + flip) * sharvin == pytest.approx(2 * resistivity * (1 + sign * beta), rel=1e-12, abs=0)


def test_limit_shortcut_without_the_flip_term_misses_the_diffusion_length():
    # Values of the size of permalloy's, chosen, not measured.
    rho, beta, l_sf, sharvin = 290e-9, 0.76, 5.5e-9, 1.8e-15
    up, down, flip = valet_fert_rates(rho, beta, l_sf, sharvin)
    shortcut = 1 / np.sqrt(4 * flip * (up + down))
    assert shortcut / l_sf - 1 == pytest.approx(np.sqrt((up + down + 2 * flip) / (up + down)) - 1, rel=1e-12, abs=0)
    assert 0.002 < shortcut / l_sf - 1 < 0.1
    infinite = valet_fert_rates(rho, beta, np.inf, sharvin)
    assert infinite[2] == 0
    assert infinite[0] == pytest.approx(2 * rho * (1 - beta) / sharvin, rel=1e-12, abs=0)
