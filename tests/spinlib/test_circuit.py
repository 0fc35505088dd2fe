"""Circuit theory against traces over explicit scattering matrices, closed forms and the scattering stack."""

import warnings
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_bvp

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque, spin_valve
from spinlib.onsager import discrete_response
from spinlib.scattering.stack import ferromagnet, normal_metal, transport
from spinlib.spin import PAULI, direction, rotation_matrix
from spinlib.units import e, e2_over_h, gyromagnetic_ratio, hbar, nm
from tests.bad_input import Refusal, refusals
from tests.random_matrices import haar

INTERFACE = InterfaceConductance(majority=1.2, minority=0.5, mixing=0.9 + 0.2j)
OTHER = InterfaceConductance(majority=0.3, minority=0.8, mixing=1.7 - 0.4j)
UP = np.array([0.0, 0.0, 1.0])

seeds = st.integers(0, 2**32 - 1)


def some_unit(rng, *shape):
    v = rng.standard_normal((*shape, 3))
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def some_interface(rng):
    majority, minority, re, im = rng.uniform(0.1, 2.0, 4)
    return InterfaceConductance(majority, minority, re + 1j * (im - 1))


def electron_current(s_majority, s_minority, channels, m, charge, accumulation):
    """Charge and spin current toward the scatterer, Tr(sigma (f - r f r^dagger)), of electrons with spin -moment.

    The matrices are those of majority and minority *electrons*, whose Pauli spins are -m and +m.
    """
    one, n = np.eye(2), -np.tensordot(m, PAULI, 1)
    r = np.kron((one + n) / 2, s_majority[:channels, :channels]) + np.kron(
        (one - n) / 2, s_minority[:channels, :channels]
    )
    f = np.kron(charge * one - np.tensordot(accumulation, PAULI, 1), np.eye(channels))
    lost = f - r @ f @ r.conj().T
    spin = [np.trace(np.kron(sigma, np.eye(channels)) @ lost).real for sigma in PAULI]
    return e2_over_h * np.trace(lost).real, -e2_over_h * np.array(spin)


# --- one interface ----------------------------------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=25)
def test_invariant_interface_current_is_the_trace_over_an_explicit_scattering_matrix(seed):
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    up, down = (haar(rng, channels + int(rng.integers(0, 4))) for _ in range(2))
    interface = InterfaceConductance.from_scattering(up, down, channels)
    m, volts = some_unit(rng), rng.standard_normal(3)
    charge, spin = electron_current(up, down, channels, m, 0.7, volts)
    current = interface_current(m, interface, volts, charge_voltage=0.7)
    atol = 1e-12 * e2_over_h * channels
    np.testing.assert_allclose(current.charge_current, charge, rtol=0, atol=atol)
    np.testing.assert_allclose(current.spin_current, spin, rtol=0, atol=atol)
    assert interface.sharvin == channels * e2_over_h
    # |r_down - r_up|^2 >= 0, summed.
    assert 2 * interface.mixing.real >= interface.total - atol


def test_invariant_conductances_of_a_scattering_region_follow_from_sums_over_amplitudes():
    rng = np.random.default_rng(4)
    up, down, n = haar(rng, 5), haar(rng, 5), 2
    reflected = sum(down[i, j] * up[i, j].conjugate() for i in range(n) for j in range(n))
    passed = sum(down[i, j] * up[i, j].conjugate() for i in range(n) for j in range(n, 5))
    thick = InterfaceConductance.from_scattering(up, down, n)
    thin = InterfaceConductance.from_scattering(up, down, n, transmission=True)
    assert thick.mixing / e2_over_h == pytest.approx(n - reflected, rel=1e-13, abs=0)
    assert thin.mixing / e2_over_h == pytest.approx(n - reflected - passed, rel=1e-13, abs=0)
    for interface in (thick, thin):
        kept = [sum(abs(s[i, j]) ** 2 for i in range(n) for j in range(n)) for s in (up, down)]
        assert interface.majority / e2_over_h == pytest.approx(n - kept[0], rel=1e-12, abs=0)
        assert interface.minority / e2_over_h == pytest.approx(n - kept[1], rel=1e-12, abs=0)


@given(seeds)
@settings(max_examples=15)
def test_invariant_phases_and_labels_of_the_scattering_matrices(seed):
    rng = np.random.default_rng(seed)
    up, down = haar(rng, 4), haar(rng, 4)
    phase = np.exp(1j * rng.uniform(0, 7))
    for transmission in (False, True):
        make = partial(InterfaceConductance.from_scattering, normal_channels=2, transmission=transmission)
        interface, turned, exchanged = make(up, down), make(phase * up, phase * down), make(down, up)
        assert turned.mixing == pytest.approx(interface.mixing, abs=1e-14 * e2_over_h)
        assert exchanged.mixing == pytest.approx(interface.mixing.conjugate(), abs=1e-14 * e2_over_h)
        assert (exchanged.majority, exchanged.minority) == pytest.approx(
            (interface.minority, interface.majority), rel=1e-12, abs=0
        )
    same = InterfaceConductance.from_scattering(up, up, 2)
    assert same.mixing == pytest.approx(same.majority, rel=1e-12, abs=0)
    assert same.majority == same.minority
    assert InterfaceConductance.from_scattering(up, up, 2, transmission=True).mixing == pytest.approx(
        0, abs=1e-14 * e2_over_h
    )


@given(seeds)
@settings(max_examples=25)
def test_invariant_a_thin_magnet_absorbs_less_than_what_leaves_the_normal_metal(seed):
    """Spins biased in N, not in the normal lead behind the magnet; both leads counted with dense spin matrices."""
    rng = np.random.default_rng(seed)
    channels, behind = (int(k) for k in rng.integers(1, 4, 2))
    size = channels + behind
    pairs = [[haar(rng, size) for _ in range(2)] for _ in range(2)]
    pairs[1] = [s @ s.T for s in pairs[1]]
    m, volts = some_unit(rng), rng.standard_normal(3)
    one, along = np.eye(2), -np.tensordot(m, PAULI, 1)  # the Pauli spin of the majority is -m
    near = np.diag([1.0] * channels + [0.0] * behind)
    f = np.kron(-np.tensordot(volts, PAULI, 1), near)
    atol = 1e-12 * size * e2_over_h

    def moments(lead, matrix):
        return -e2_over_h * np.array([np.trace(np.kron(sigma, lead) @ matrix).real for sigma in PAULI])

    def across(vector):
        return vector - m * (m @ vector)

    for (up, down), symmetric in zip(pairs, (False, True), strict=True):
        s = np.kron((one + along) / 2, up) + np.kron((one - along) / 2, down)
        out = s @ f @ s.conj().T
        leaves, arrives = moments(near, f - out), moments(np.eye(size) - near, out)
        thick = InterfaceConductance.from_scattering(up, down, channels)
        # What N emits feeds the columns of N, what is pumped into N comes from its rows: S^T, unless S is symmetric.
        absorber = (up, down) if symmetric else (up.T, down.T)
        thin = InterfaceConductance.from_scattering(*absorber, channels, transmission=True)
        assert (thick.thin, thin.thin) == (False, True)
        np.testing.assert_allclose(interface_current(m, thick, volts).spin_current, leaves, rtol=0, atol=atol)
        absorbed = across(interface_current(m, thin, volts).spin_current)
        np.testing.assert_allclose(absorbed, leaves - arrives, rtol=0, atol=atol)


def test_limit_without_a_magnet_the_spins_leave_and_nothing_absorbs_them():
    open_channel = np.array([[0, 1], [1, 0]])
    thick, thin = (
        InterfaceConductance.from_scattering(open_channel, open_channel, 1, transmission=flag) for flag in (False, True)
    )
    np.testing.assert_allclose(interface_current(UP, thick, (1, 0, 0)).spin_current, [2 * e2_over_h, 0, 0], rtol=1e-15)
    np.testing.assert_array_equal(interface_current(UP, thin, (1, 0, 0)).spin_current, 0)


@pytest.mark.parametrize("size", range(2, 7))
def test_limit_equal_amplitudes_absorb_no_negative_spin(size):
    # |S|^2 sums to the channels up to rounding, which has either sign; a negative G_R would be refused downstream.
    rng = np.random.default_rng(size)
    for _ in range(30):
        s = haar(rng, size)
        assert InterfaceConductance.from_scattering(s, s, size // 2, transmission=True).mixing.real >= 0


def test_limit_all_channels_reflected_makes_an_insulator():
    rng = np.random.default_rng(5)
    insulator = InterfaceConductance.from_scattering(haar(rng, 3), haar(rng, 3), 3)
    assert (insulator.majority, insulator.minority) == (0, 0)
    assert insulator.mixing.real > 0


def test_limit_currents_along_and_across_m():
    volts = {"charge_voltage": 0.7, "ferromagnet_voltage": 0.2, "ferromagnet_spin_voltage": 0.1}
    current = interface_current(UP, INTERFACE, (0, 0, 0.4), **volts)
    # 1.2 (0.5 + 0.3) and 0.5 (0.5 - 0.3).
    assert current.charge_current == pytest.approx(1.06, rel=1e-15, abs=0)
    np.testing.assert_allclose(current.spin_current, [0, 0, 0.86], rtol=1e-14)
    across = interface_current(UP, INTERFACE, (1, 0, 0), **volts)
    np.testing.assert_allclose(across.spin_current[:2], [1.8, -0.4], rtol=1e-14)
    reversed_m = interface_current(-UP, INTERFACE, (1, 0, 0))
    np.testing.assert_allclose(reversed_m.spin_current, [1.8, 0.4, 0], rtol=1e-14)


@given(seeds)
@settings(max_examples=15)
def test_invariant_currents_and_torque_turn_with_the_sample(seed):
    rng = np.random.default_rng(seed)
    turn = rotation_matrix(some_unit(rng), rng.uniform(-3, 3))
    m, volts = some_unit(rng, 4), rng.standard_normal((4, 3))
    current = interface_current(m, INTERFACE, volts, charge_voltage=0.3)
    turned = interface_current(m @ turn.T, INTERFACE, volts @ turn.T, charge_voltage=0.3)
    np.testing.assert_allclose(turned.spin_current, current.spin_current @ turn.T, atol=1e-13)
    np.testing.assert_allclose(turned.charge_current, current.charge_current, atol=1e-13)
    torque = spin_transfer_torque(m, current.spin_current, magnetic_moment=1e-18)
    rotated = spin_transfer_torque(m @ turn.T, turned.spin_current, magnetic_moment=1e-18)
    np.testing.assert_allclose(rotated, torque @ turn.T, rtol=0, atol=1e-12 * np.abs(torque).max())


def test_invariant_torque_takes_the_angular_momentum_that_arrives():
    rng = np.random.default_rng(6)
    m, current, moment = some_unit(rng), rng.standard_normal(3), 3e-18
    # The spin of the magnet is -(M_s V/gamma) m; a moment current I brings the spin -(hbar/2e) I.
    spin_rate = -(moment / gyromagnetic_ratio) * spin_transfer_torque(m, current, magnetic_moment=moment)
    arrives = -hbar / (2 * e) * (current - (m @ current) * m)
    np.testing.assert_allclose(spin_rate, arrives, rtol=1e-12)


# --- corrections ------------------------------------------------------------------------------------------------------


def test_limit_sharvin_correction_takes_half_of_the_lead_resistance_off():
    bare = InterfaceConductance(0.42, 0.36, 0.55 + 0.03j, sharvin=0.58)
    contact = bare.sharvin_corrected()
    for name in ("majority", "minority", "mixing"):
        assert 1 / getattr(contact, name) == pytest.approx(1 / getattr(bare, name) - 1 / 1.16, rel=1e-14, abs=0)
    assert contact.sharvin is None
    transparent = InterfaceConductance(0, 0, 0, sharvin=0.5).sharvin_corrected()
    assert (transparent.majority, transparent.mixing) == (0, 0)


@given(st.floats(0, 0.999), st.floats(-np.pi, np.pi))
def test_invariant_corrected_mixing_of_reflection_amplitudes_has_a_positive_real_part(size, phase):
    rho = size * np.exp(1j * phase)
    corrected = InterfaceConductance(0, 0, 1 - rho, sharvin=1.0).sharvin_corrected().mixing
    # 2 (1 - rho)/(1 + rho); rounding of 1 - rho is amplified by 1/|1 + rho| < 1e3, and again where 1 - |rho| is small.
    assert corrected.real == pytest.approx(2 * (1 - size**2) / abs(1 + rho) ** 2, rel=1e-9, abs=0)
    assert corrected.real > 0


@pytest.mark.parametrize("phase", [0.05, 0.7, np.pi / 2, 2.0, 3.0, -0.05, -1.0, -3.0])
def test_limit_corrected_mixing_on_the_unit_circle_is_imaginary(phase):
    corrected = InterfaceConductance(0, 0, 1 - np.exp(1j * phase), sharvin=1.0).sharvin_corrected().mixing
    # (1 - rho)/(1 + rho) = -i tan(phase/2).
    assert corrected.imag == pytest.approx(-2 * np.tan(phase / 2), rel=1e-12, abs=0)
    assert 0 <= corrected.real < 1e-13 * (1 + abs(corrected) ** 2)


def test_invariant_a_thin_interface_stays_thin_in_copies():
    rng = np.random.default_rng(7)
    up, down = haar(rng, 4), haar(rng, 4)
    thin = InterfaceConductance.from_scattering(up, down, 2, transmission=True)
    assert thin.thin
    assert replace(thin, majority=0.9 * thin.majority).thin
    assert InterfaceConductance(1, 1, 0.5, sharvin=1.0, thin=True).thin  # no warning: the term brings Re mixing down
    # Nothing is transmitted where there is no second lead.
    closed = InterfaceConductance.from_scattering(up, down, 4, transmission=True)
    assert closed == InterfaceConductance.from_scattering(up, down, 4)


@pytest.mark.parametrize("thickness", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("mixing", [0.5e15, 0.5e15 - 0.4e15j])
def test_limit_backflow_solves_the_diffusion_equation(mixing, thickness):
    conductivity, length, film = 5e6, 3 * nm, thickness * 3 * nm
    interface = InterfaceConductance(0, 0, mixing)
    effective = interface.with_backflow(conductivity=conductivity, spin_diffusion_length=length, thickness=film)
    # Transverse current a + i b of m x mdot and mdot: pumped G, back through 2 G V; j = -sigma dV/dx enters the film.
    # V'' = V/length^2 for a unit of pumping (hbar/e = 1), solved by collocation in x/length.
    scaled = mixing / (conductivity / length)

    def ends(left, right):
        back = scaled * (1 + 2 * (left[0] + 1j * left[1]))
        entering = -(left[2] + 1j * left[3])
        # What flows from N into F is minus what enters the film.
        missing = entering + back
        return np.array([missing.real, missing.imag, right[2], right[3]])

    grid = np.linspace(0, film / length, 41)
    solved = solve_bvp(lambda x, y: np.array([y[2], y[3], y[0], y[1]]), ends, grid, np.zeros((4, 41)), tol=1e-9)
    assert solved.status == 0
    from_node = -(solved.y[2, 0] + 1j * solved.y[3, 0]) * (conductivity / length)
    assert effective.mixing == pytest.approx(-from_node, rel=1e-7, abs=0)
    assert abs(effective.mixing) < abs(mixing)


def test_invariant_backflow_and_sharvin_correction_commute():
    bare = InterfaceConductance(0.4e15, 0.3e15, 0.5e15 + 0.1e15j, sharvin=0.58e15)
    film = {"conductivity": 5e6, "spin_diffusion_length": 3 * nm, "thickness": 5 * nm}
    one = bare.with_backflow(**film).sharvin_corrected()
    other = bare.sharvin_corrected().with_backflow(**film)
    assert one.mixing == pytest.approx(other.mixing, rel=1e-13, abs=0)
    assert (one.majority, one.minority) == (other.majority, other.minority)


def test_limit_backflow_of_thin_and_thick_films():
    film = {"conductivity": 5e6, "spin_diffusion_length": 3 * nm}
    grid = [INTERFACE.with_backflow(thickness=d, **film).mixing for d in (0.0, 1e-12, 1 * nm, 9 * nm, 1.0)]
    assert grid[0] == 0
    # sigma d / 2 lambda^2 at first order; conductances of order one are far above it.
    scale = 1e15
    thick = InterfaceConductance(0, 0, 0.5 * scale)
    thin = thick.with_backflow(thickness=1e-15, **film).mixing
    assert thin == pytest.approx(5e6 * 1e-15 / (2 * (3 * nm) ** 2), rel=1e-5, abs=0)
    assert thick.with_backflow(conductivity=5e6, spin_diffusion_length=1e-15, thickness=1 * nm).mixing == pytest.approx(
        0.5 * scale, rel=1e-6, abs=0
    )
    assert InterfaceConductance(1, 1, 0).with_backflow(thickness=1 * nm, **film).mixing == 0


def test_bad_input_bare_interfaces_that_no_amplitudes_have_are_warned_of():
    with pytest.warns(UserWarning, match=r"2 Re mixing = 0\.6 is below majority \+ minority = 0\.8.*leave out sharvin"):
        InterfaceConductance(0.5, 0.3, 0.3, sharvin=1.0)
    with pytest.warns(UserWarning, match=r"conductance 1\.2 of one spin is above sharvin = 1,.*leave out sharvin"):
        InterfaceConductance(0.5, 1.2, 1.3, sharvin=1.0)
    outside = r"\|mixing - sharvin\| / sharvin = 1\.2 is above 1,.*leave out sharvin"
    with pytest.warns(UserWarning, match=outside):
        InterfaceConductance(0.5, 0.3, 2.0 + 2.4j, sharvin=2.0)
    # One part in a thousand is enough for each of the three; the warning points at this file.
    for values in ((0.5, 0.3, 0.3995), (0.5, 1.001, 1.0), (0.5, 0.3, 2.001), (0.5, 0.3, 1 + 1.001j)):
        with pytest.warns(UserWarning, match="which no bare interface has") as record:
            InterfaceConductance(*values, sharvin=1.0)
        assert [each.filename for each in record] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        InterfaceConductance(0.5, 0.3, 0.3)
        InterfaceConductance(0.5, 0.3, 0.4, sharvin=1.0)
        InterfaceConductance(1.0, 1.0, 2.0, sharvin=1.0)
        InterfaceConductance(1.0, 1.0, 1.0 - 1.0j, sharvin=1.0)
        bare = InterfaceConductance(0.5, 0.3, 0.5, sharvin=1.0)
        # Less than half of it is left.
        bare.with_backflow(conductivity=1.0, spin_diffusion_length=1.0, thickness=1.0)
        s = np.diag([1, 1, 1]).astype(complex)
        InterfaceConductance.from_scattering(s, s, 2, transmission=True)


# --- valves -----------------------------------------------------------------------------------------------------------


def valve_by_least_squares(m1, m2, interface1, interface2, voltage1, voltage2, flip, rate1, rate2):
    """Node potentials from currents of ``interface_current`` and the pumping formula (9), column by column."""

    def residual(x):
        total = np.zeros(4)
        total[1:] += flip * x[1:]
        for m, g, volt, rate in ((m1, interface1, voltage1, rate1), (m2, interface2, voltage2, rate2)):
            flow = interface_current(m, g, x[1:], charge_voltage=x[0], ferromagnet_voltage=volt)
            pumped = hbar / e * (g.mixing.real * np.cross(m, rate) + g.mixing.imag * rate)
            total[0] += flow.charge_current
            total[1:] += flow.spin_current + pumped
        return total

    start = residual(np.zeros(4))
    matrix = np.stack([residual(unit) - start for unit in np.eye(4)], axis=-1)
    return np.linalg.lstsq(matrix, -start, rcond=None)[0]


@given(seeds)
@settings(max_examples=20)
def test_invariant_valve_balances_charge_and_spin(seed):
    rng = np.random.default_rng(seed)
    m1, m2 = some_unit(rng), some_unit(rng)
    interface1, interface2 = some_interface(rng), some_interface(rng)
    rate1, rate2 = (1e15 * np.cross(m, rng.standard_normal(3)) for m in (m1, m2))
    flip = rng.uniform(0, 1)
    bias = {"voltage2": 0.3, "spin_flip_conductance": flip, "mdot1": rate1, "mdot2": rate2}
    state = spin_valve(m1, m2, interface1, interface2, voltage1=1.1, **bias)
    expected = valve_by_least_squares(m1, m2, interface1, interface2, 1.1, 0.3, flip, rate1, rate2)
    np.testing.assert_allclose([state.charge_voltage, *state.spin_voltage], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        state.spin_current1 + state.spin_current2 + flip * state.spin_voltage, 0, atol=1e-12 * 1e15 * hbar / e + 1e-12
    )
    # The same state under its own current, and the layers exchanged.
    again = spin_valve(m1, m2, interface1, interface2, charge_current=state.charge_current, **bias)
    np.testing.assert_allclose(again.voltage1, 1.1, rtol=1e-9)
    np.testing.assert_allclose(again.spin_voltage, state.spin_voltage, rtol=1e-9, atol=1e-12)
    swapped = spin_valve(
        m2,
        m1,
        interface2,
        interface1,
        voltage1=0.3,
        voltage2=1.1,
        spin_flip_conductance=flip,
        mdot1=rate2,
        mdot2=rate1,
    )
    np.testing.assert_allclose(swapped.charge_current, -state.charge_current, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(swapped.spin_current1, state.spin_current2, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("mixing", [0.9, 0.425, 2.5 + 0.7j, 0.9 - 2j])
def test_limit_conductance_of_a_symmetric_valve(mixing):
    interface = replace(INTERFACE, mixing=mixing)
    theta = np.linspace(0, np.pi, 41)
    state = spin_valve(UP, direction(theta), interface, interface, voltage1=1.0)
    g, p, eta = interface.total, interface.polarization, 2 * mixing / interface.total
    s, c = np.sin(theta / 2) ** 2, np.cos(theta / 2) ** 2
    expected = g / 2 * (1 - p**2 * s / (s + c * abs(eta) ** 2 / np.real(eta)))
    np.testing.assert_allclose(state.charge_current, expected, rtol=1e-13)
    np.testing.assert_allclose(state.charge_current[[0, -1]], [g / 2, g / 2 * (1 - p**2)], rtol=1e-13)


@pytest.mark.parametrize("mixing", [0.9, 2.5 + 0.7j])
def test_limit_torque_of_a_symmetric_valve_is_slonczewskis(mixing):
    interface = replace(INTERFACE, mixing=mixing)
    theta = np.linspace(0.1, 3.0, 9)
    state = spin_valve(UP, direction(theta), interface, interface, charge_current=1.0)
    eta, p = 2 * mixing / interface.total, interface.polarization
    square = abs(eta) ** 2 / ((1 - p**2) * np.real(eta))
    size = p * square * np.sin(theta) / (square + 1 + (square - 1) * np.cos(theta))
    torque = spin_transfer_torque(
        direction(theta), state.spin_current2, magnetic_moment=hbar / (2 * e), gyromagnetic_ratio=1
    )
    # Towards m1, all of it in the plane, also for complex mixing.
    towards = np.cross(direction(theta), np.cross(UP, direction(theta))) / np.sin(theta)[:, None]
    np.testing.assert_allclose(torque, size[:, None] * towards, atol=1e-13)


def contact_pair(rng):
    """Probabilities and reflection mixing of a magnet, bare conductances of the same magnet."""
    up, down = rng.uniform(0.05, 0.9, 2)
    rho = rng.uniform(0, 1) * np.sqrt((1 - up) * (1 - down)) * np.exp(1j * rng.uniform(-1.5, 1.5))
    bare = InterfaceConductance(up, down, np.conj(1 - rho), sharvin=1.0)
    return (up, down, rho), bare.sharvin_corrected()


@given(seeds)
@settings(max_examples=20)
def test_peer_the_scattering_stack_gives_the_same_valve(seed):
    rng = np.random.default_rng(seed)
    (up1, down1, rho1), contact1 = contact_pair(rng)
    (up2, down2, rho2), contact2 = contact_pair(rng)
    theta, phi = rng.uniform(0, np.pi), rng.uniform(-3, 3)
    # Layer 1 left, electrons from the left; spins are opposite to moments, m1 = -z.
    left = ferromagnet(up1, down1, reflection_mixing=rho1, transmission_mixing=0)
    right = ferromagnet(up2, down2, reflection_mixing=rho2, transmission_mixing=0, theta=theta, phi=phi)
    flow = transport([left, normal_metal(1), right])
    n1, n2 = UP, direction(theta, phi)
    state = spin_valve(-n1, -n2, contact1, contact2, charge_current=1.0)
    for current, n, torque in (
        (state.spin_current1, n1, flow.torque_per_current[0]),
        (state.spin_current2, n2, flow.torque_per_current[2]),
    ):
        absorbed = current - (n @ current) * n
        np.testing.assert_allclose(absorbed, -torque, rtol=0, atol=1e-12)
    # The corrections take off the two halves that face the node; both keep the halves towards the reservoirs.
    np.testing.assert_allclose(state.voltage1 - state.voltage2, 1 / flow.conductance, rtol=1e-11)


def two_currents(interface1, interface2, sign):
    """Node potentials of the two spins at 1 V and their currents, for m2 = sign m1."""
    one = np.array([interface1.majority, interface1.minority])
    two = np.array([interface2.majority, interface2.minority])[::sign]
    return one / (one + two), one * two / (one + two)


def test_limit_nearly_perfect_filters_against_each_other_still_conduct():
    filter_ = InterfaceConductance(1.0, 1e-9, 1.0)
    state = spin_valve(UP, -UP, filter_, filter_, charge_current=1.0)
    expected = 1 / two_currents(filter_, filter_, -1)[1].sum()
    assert expected == pytest.approx(5e8, rel=1e-8, abs=0)
    # The current that is left is the difference of currents 1e9 times as large.
    assert state.voltage1 == pytest.approx(expected, rel=1e-6, abs=0)


def test_limit_a_tunnel_barrier_beside_a_metal_passes_a_current():
    barrier, metal = InterfaceConductance(1e-14, 0.4e-14, 1.5e-14), InterfaceConductance(0.9, 0.6, 0.8)
    for layers in ((barrier, metal), (metal, barrier)):
        state = spin_valve(UP, UP, *layers, charge_current=1.0)
        assert state.voltage1 == pytest.approx(1 / two_currents(*layers, 1)[1].sum(), rel=1e-12, abs=0)


def test_limit_minority_spins_that_little_holds_are_still_held():
    # The condition number is 1e9, so nine of sixteen digits are lost.
    layers = InterfaceConductance(1.0, 1e-9, 1.0), InterfaceConductance(0.5, 2e-9, 1.0)
    state = spin_valve(UP, UP, *layers, voltage1=1.0)
    up, down = two_currents(*layers, 1)[0]
    np.testing.assert_allclose([up, down], [2 / 3, 1 / 3], rtol=1e-12)
    assert state.charge_voltage == pytest.approx((up + down) / 2, rel=1e-5, abs=0)
    np.testing.assert_allclose(state.spin_voltage, [0, 0, (up - down) / 2], atol=1e-5)


def test_limit_strong_spin_flip_leaves_two_resistors():
    theta = np.linspace(0, np.pi, 5)
    state = spin_valve(UP, direction(theta), INTERFACE, OTHER, voltage1=1.0, spin_flip_conductance=1e18)
    np.testing.assert_allclose(state.spin_voltage, 0, atol=1e-17)
    np.testing.assert_allclose(state.charge_current, 1 / (1 / INTERFACE.total + 1 / OTHER.total), rtol=1e-11)


def test_limit_insulating_magnets_that_turn_together_drag_the_spins_along():
    # In the frame that turns with both nothing happens: V_s = -(hbar/2e) omega, whatever the mixing.
    insulating = [InterfaceConductance(0, 0, mixing) for mixing in (0.7 + 0.5j, 1.9 - 0.3j)]
    omega, m1, m2 = np.array([1e10, -2e10, 3e10]), direction(0.4, 0.1), direction(2.0, 1.0)
    rates = {"mdot1": np.cross(omega, m1), "mdot2": np.cross(omega, m2)}
    state = spin_valve(m1, m2, *insulating, voltage1=0.7, voltage2=0.2, **rates)
    np.testing.assert_allclose(state.spin_voltage, -hbar / (2 * e) * omega, rtol=1e-12)
    assert state.charge_current == 0
    assert state.charge_voltage == 0.2


def test_invariant_results_broadcast_and_become_tables(tmp_path):
    theta = np.linspace(0.1, 3, 4)
    m2 = direction(theta)
    state = spin_valve(UP, m2, INTERFACE, OTHER, voltage1=np.array([[1.0], [2.0]]), voltage2=0.5)
    assert state.charge_voltage.shape == state.voltage2.shape == (2, 4)
    assert state.spin_voltage.shape == state.spin_current1.shape == (2, 4, 3)
    one = spin_valve(UP, m2[2], INTERFACE, OTHER, voltage1=2.0, voltage2=0.5)
    np.testing.assert_allclose(state.spin_current2[1, 2], one.spin_current2, rtol=1e-13)
    np.testing.assert_array_equal(state.voltage2, 0.5)
    np.testing.assert_array_equal(state.voltage1, [[1.0] * 4, [2.0] * 4])
    assert all(isinstance(getattr(one, field.name), np.ndarray) for field in fields(one))
    assert one.charge_current.shape == ()
    table = state.columns(theta=theta)
    np.testing.assert_array_equal(table["spin_voltage_z"], state.spin_voltage[..., 2].ravel())
    state.to_csv(tmp_path / "valve.csv")
    assert "charge_current [A]" in (tmp_path / "valve.csv").read_text().splitlines()[0]
    current = interface_current(m2, INTERFACE, (0, 0, 1), charge_voltage=[[0.0], [1.0]])
    assert current.charge_current.shape == (2, 4)
    assert current.spin_current.shape == (2, 4, 3)


# --- refusals ---------------------------------------------------------------------------------------------------------

UNITARY = np.eye(3)
MAKE = partial(InterfaceConductance.from_scattering, normal_channels=1)
BARE = InterfaceConductance(0.5, 0.3, 0.5, sharvin=1.0)
FILM = {"conductivity": 1.0, "spin_diffusion_length": 1.0, "thickness": 1.0}
VALVE = {"m1": UP, "m2": (1, 0, 0), "interface1": INTERFACE, "interface2": OTHER, "voltage1": 1.0}
TORQUE = {"m": UP, "spin_current": (1, 0, 0), "magnetic_moment": 1.0}
HALF_METAL = InterfaceConductance(1.0, 0.0, 1.0)
INSULATOR = InterfaceConductance(0.0, 0.0, 1.0)
LEAKY = InterfaceConductance(1.0, 1e-15, 1.0)
THIN = InterfaceConductance.from_scattering(*(haar(np.random.default_rng(8), 3) for _ in "ud"), 1, transmission=True)
IS_THIN = ("contains the transmission term of a thin magnet", "transmission=False")


def impossible(majority, minority, mixing=1.9):
    """A bare interface that lets more pass than its leads; it warns, and is refused when corrected."""
    with pytest.warns(UserWarning, match="which no bare interface has"):
        return InterfaceConductance(majority, minority, mixing, sharvin=1.0)


@refusals(
    Refusal(
        "negative majority",
        InterfaceConductance,
        {"majority": -1, "minority": 1, "mixing": 1},
        ("majority = -1", "pass majority >= 0"),
    ),
    Refusal(
        "NaN minority",
        InterfaceConductance,
        {"majority": 1, "minority": np.nan, "mixing": 1},
        ("minority = nan", "pass one finite number"),
    ),
    Refusal(
        "array of conductances",
        InterfaceConductance,
        {"majority": [1, 2], "minority": 1, "mixing": 1},
        ("majority has shape (2,)", "pass one number"),
    ),
    Refusal(
        "complex majority",
        InterfaceConductance,
        {"majority": 1j, "minority": 1, "mixing": 1},
        ("majority", "real numbers"),
    ),
    Refusal(
        "negative Re mixing",
        InterfaceConductance,
        {"majority": 1, "minority": 1, "mixing": -1 + 1j},
        ("Re mixing = -1", "pass Re mixing >= 0"),
    ),
    Refusal(
        "NaN mixing",
        InterfaceConductance,
        {"majority": 1, "minority": 1, "mixing": complex(1, np.nan)},
        ("mixing", "not finite"),
    ),
    Refusal(
        "array of mixing",
        InterfaceConductance,
        {"majority": 1, "minority": 1, "mixing": [1]},
        ("mixing has shape (1,)", "pass one number"),
    ),
    Refusal(
        "zero sharvin",
        InterfaceConductance,
        {"majority": 1, "minority": 1, "mixing": 1, "sharvin": 0},
        ("sharvin = 0", "pass sharvin > 0"),
    ),
    Refusal(
        "polarization of an insulator",
        lambda: InterfaceConductance(0, 0, 1).polarization,
        {},
        ("majority + minority = 0", "conducting"),
    ),
    Refusal(
        "not unitary",
        MAKE,
        {"s_majority": UNITARY, "s_minority": 1.001 * UNITARY},
        ("of s_minority = 0.002", "above 1e-8", "unitary"),
    ),
    Refusal(
        "not square",
        MAKE,
        {"s_majority": np.ones((2, 3)), "s_minority": UNITARY},
        ("s_majority has shape (2, 3)", "unitary (M, M)"),
    ),
    Refusal(
        "no channel",
        MAKE,
        {"s_majority": UNITARY, "s_minority": UNITARY, "normal_channels": 0},
        ("normal_channels = 0", "1 to 3"),
    ),
    Refusal(
        "too many channels",
        MAKE,
        {"s_majority": UNITARY, "s_minority": np.eye(2), "normal_channels": 3},
        ("normal_channels = 3", "1 to 2"),
    ),
    Refusal(
        "channels no integer",
        MAKE,
        {"s_majority": UNITARY, "s_minority": UNITARY, "normal_channels": 1.0},
        ("normal_channels = 1.0", "1 to 3"),
    ),
    Refusal(
        "thin magnet of unequal sizes",
        MAKE,
        {"s_majority": UNITARY, "s_minority": np.eye(2), "transmission": True},
        ("s_minority has 2 modes", "transmission=False"),
    ),
    Refusal("correcting without sharvin", INTERFACE.sharvin_corrected, {}, ("sharvin = None", "pass sharvin")),
    Refusal("correcting twice", BARE.sharvin_corrected().sharvin_corrected, {}, ("sharvin = None", "once")),
    Refusal(
        "majority of two sharvin",
        impossible(2, 0).sharvin_corrected,
        {},
        ("majority = 2", "below 2 sharvin = 2"),
    ),
    Refusal(
        "minority of two sharvin",
        impossible(0, 2.5).sharvin_corrected,
        {},
        ("minority = 2.5", "below 2 sharvin = 2"),
    ),
    Refusal(
        "mixing of two sharvin",
        impossible(1, 1, 2 + 1j).sharvin_corrected,
        {},
        ("Re mixing = 2", "below 2 sharvin = 2"),
    ),
    Refusal(
        "mixing of two sharvin that amplitudes have",
        InterfaceConductance(1, 1, 2, sharvin=1.0).sharvin_corrected,
        {},
        ("Re mixing = 2", "below 2 sharvin = 2"),
    ),
    *(
        Refusal(
            f"mixing of |rho| = {excess}",
            impossible(1, 1, 1 + 1j * excess).sharvin_corrected,
            {},
            (f"|mixing - sharvin| / sharvin = {excess} is above 1", "|rho| <= 1"),
        )
        for excess in (1.2, 1.9)  # of the second |mixing|, too, is above 2 sharvin
    ),
    Refusal("correcting a thin magnet", THIN.sharvin_corrected, {}, ("the interface", *IS_THIN)),
    Refusal("backflow into a thin magnet", THIN.with_backflow, FILM, ("the interface", *IS_THIN)),
    *(
        Refusal(f"valve with a thin magnet as {name}", spin_valve, {**VALVE, name: THIN}, (name, *IS_THIN))
        for name in ("interface1", "interface2")
    ),
    Refusal(
        "response of a thin magnet",
        discrete_response,
        {"m": UP, "conductance": THIN, "alpha": 1.0, "magnetic_moment": 1.0},
        ("conductance", *IS_THIN),
    ),
    *(
        Refusal(
            f"{name} {value}", INTERFACE.with_backflow, {**FILM, name: value}, (f"{name} = {value}", f"pass {name}")
        )
        for name, value in (("conductivity", 0), ("spin_diffusion_length", -1), ("thickness", -1))
    ),
    Refusal("film of NaN", INTERFACE.with_backflow, {**FILM, "thickness": np.nan}, ("thickness = nan", "finite")),
    Refusal(
        "m too long",
        interface_current,
        {"m": (0, 0, 1.001), "conductance": INTERFACE, "spin_voltage": UP},
        ("length of m = 1.001", "pass m / |m|"),
    ),
    Refusal(
        "voltage no vector",
        interface_current,
        {"m": UP, "conductance": INTERFACE, "spin_voltage": 1.0},
        ("spin_voltage has shape ()", "(..., 3)"),
    ),
    Refusal(
        "NaN voltage",
        interface_current,
        {"m": UP, "conductance": INTERFACE, "spin_voltage": UP, "charge_voltage": np.nan},
        ("charge_voltage = nan", "finite"),
    ),
    Refusal(
        "conductance no interface",
        interface_current,
        {"m": UP, "conductance": 1.0, "spin_voltage": UP},
        ("conductance = 1.0", "InterfaceConductance"),
    ),
    Refusal(
        "shapes of an interface",
        interface_current,
        {"m": np.tile(UP, (2, 1)), "conductance": INTERFACE, "spin_voltage": np.ones((3, 3))},
        ("m of shape (2,)", "spin_voltage of shape (3,)"),
    ),
    Refusal(
        "torque on no direction", spin_transfer_torque, {**TORQUE, "m": (0, 0, 0)}, ("length of m = 0", "pass m / |m|")
    ),
    Refusal(
        "torque on no moment", spin_transfer_torque, {**TORQUE, "magnetic_moment": 0}, ("magnetic_moment = 0", "> 0")
    ),
    Refusal(
        "torque without gamma",
        spin_transfer_torque,
        {**TORQUE, "gyromagnetic_ratio": -1},
        ("gyromagnetic_ratio = -1", "> 0"),
    ),
    Refusal(
        "NaN spin current",
        spin_transfer_torque,
        {**TORQUE, "spin_current": (np.nan, 0, 0)},
        ("spin_current[0] = nan", "(..., 3)"),
    ),
    Refusal(
        "both biases", spin_valve, {**VALVE, "charge_current": 1.0}, ("voltage1 and charge_current", "exactly one")
    ),
    Refusal("no bias", spin_valve, {**VALVE, "voltage1": None}, ("neither is given", "exactly one")),
    Refusal("m2 not of unit length", spin_valve, {**VALVE, "m2": (1, 1, 0)}, ("length of m2", "pass m2 / |m2|")),
    Refusal(
        "negative spin flip", spin_valve, {**VALVE, "spin_flip_conductance": -1}, ("spin_flip_conductance = -1", ">= 0")
    ),
    Refusal("rate along m", spin_valve, {**VALVE, "mdot1": UP}, ("m1 . mdot1 / |mdot1| = 1", "perpendicular to m1")),
    Refusal(
        "interface no interface", spin_valve, {**VALVE, "interface2": 2.0}, ("interface2 = 2.0", "InterfaceConductance")
    ),
    Refusal(
        "shapes of a valve",
        spin_valve,
        {**VALVE, "voltage1": np.ones(2), "voltage2": np.ones(3)},
        ("voltage2 of shape (3,)", "voltage1 of shape (2,)"),
    ),
    Refusal(
        "spins that nothing holds",
        spin_valve,
        {**VALVE, "interface1": replace(INTERFACE, mixing=0), "interface2": replace(INTERFACE, mixing=0)},
        ("condition number", "spin_flip_conductance > 0"),
    ),
    Refusal(
        "current through insulators",
        spin_valve,
        {**VALVE, "interface1": INSULATOR, "interface2": INSULATOR, "voltage1": None, "charge_current": 1.0},
        ("conductance of the valve = 0", "pass voltage1"),
    ),
    Refusal(
        "spins between parallel half metals",
        spin_valve,
        {**VALVE, "m2": UP, "interface1": HALF_METAL, "interface2": HALF_METAL},
        ("condition number", "spin_flip_conductance > 0"),
    ),
    Refusal(
        "spins that only rounding holds",
        spin_valve,
        {**VALVE, "m2": UP, "interface1": LEAKY, "interface2": LEAKY},
        ("condition number of the node = ", "spin_flip_conductance > 0"),
    ),
    Refusal(
        "current through antiparallel half metals",
        spin_valve,
        {
            **VALVE,
            "m2": -UP,
            "interface1": HALF_METAL,
            "interface2": HALF_METAL,
            "voltage1": None,
            "charge_current": 1.0,
        },
        ("conductance of the valve", "pass voltage1"),
    ),
)
def test_bad_input(refusal):
    refusal.check()
