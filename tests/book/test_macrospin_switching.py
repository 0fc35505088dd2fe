"""The chapter on switching: pumping in a valve, thresholds, times and powers, each by a route that does not use it."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from spinlib.circuit import InterfaceConductance, spin_transfer_torque, spin_valve
from spinlib.dynamics.macrospin import (
    LinearField,
    SpinTorque,
    ValveTorque,
    critical_current,
    integrate_llg,
    llg_rate,
)
from spinlib.pumping import pumping_damping
from spinlib.spin import direction
from spinlib.units import e, hbar, mu_B, nm, ns

UP, Y = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
SIDE = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=0.9e15)
LAYER = {"magnetic_moment": 8e5 * 4 * nm, "gyromagnetic_ratio": 2.11 * mu_B / hbar}
GAMMA = LAYER["gyromagnetic_ratio"]
ALPHA = 0.008
EASY, HARD = 0.01, 1.005
FILM = LinearField(tensor=np.diag([0.0, -HARD, EASY]))
SQUARE = 2 * SIDE.mixing.real / SIDE.total / (1 - SIDE.polarization**2)  # Lambda^2
ANGLES = np.arange(4) * np.pi / 2
UNIT = GAMMA * hbar / (2 * e * LAYER["magnetic_moment"])


# --- pumping in a valve -----------------------------------------------------------------------------------------------


def kept_fraction(fixed, free, theta, emitted):
    """Share of the pumping that damps, from the balance of spins at the node alone, charge eliminated by hand.

    ``emitted`` is the unit vector along m x dm/dt; real mixing.
    """
    magnets = (UP, fixed), (direction(theta), free)
    total = np.zeros((3, 3))
    for n, side in magnets:
        # No charge passes either magnet: V_c - V_F = -P n.V_s leaves G (1 - P^2) along n.
        along = side.total * (1 - side.polarization**2)
        total += along * np.outer(n, n) + 2 * side.mixing.real * (np.eye(3) - np.outer(n, n))
    accumulation = -2 * free.mixing.real * np.linalg.solve(total, emitted)
    return 1 + emitted @ accumulation


@pytest.mark.parametrize("theta", [0.0, 0.4, np.pi / 2, 2.7, np.pi])
@pytest.mark.parametrize("free", [SIDE, InterfaceConductance(0.6e15, 0.9e15, 1.3e15)])
def test_limit_share_of_the_pumping_that_damps(free, theta):
    n = direction(theta)
    _, back = ValveTorque(UP, SIDE, free, 3e11, **LAYER).at(n)
    whole = pumping_damping(free.mixing, **LAYER)
    for rate in (Y, np.cross(Y, n)):
        emitted = np.cross(n, rate)
        damped = emitted @ back @ rate
        assert damped / whole == pytest.approx(kept_fraction(SIDE, free, theta, emitted), rel=1e-11, abs=0)


def test_limit_share_of_a_symmetric_valve():
    """One half in the plane at every angle; out of it one half at the poles, G_l/(G_l + 2 G_R) at a right angle."""
    along = SIDE.total * (1 - SIDE.polarization**2)
    right = along / (along + 2 * SIDE.mixing.real)
    assert right == pytest.approx(0.440, abs=5e-4)
    for theta, out_of_plane in ((0.0, 0.5), (np.pi / 2, right), (np.pi, 0.5)):
        _, back = ValveTorque(UP, SIDE, SIDE, **LAYER).at(direction(theta))
        share = back / pumping_damping(SIDE.mixing, **LAYER)
        in_plane = np.cross(Y, direction(theta))
        np.testing.assert_allclose(share @ in_plane, 0.5 * np.cross(direction(theta), in_plane), atol=1e-12)
        np.testing.assert_allclose(share @ Y, out_of_plane * np.cross(direction(theta), Y), atol=1e-12)


def test_invariant_motion_in_a_valve_obeys_the_whole_circuit():
    """BTBK (8) along a trajectory: its derivative by differences, the torque with that rate in the circuit itself."""
    current, step = 4e11, 2e-14
    valve = ValveTorque(direction(0.3), SIDE, SIDE, current, **LAYER)
    times = 0.3 * ns + step * np.arange(-3, 4)
    path = integrate_llg(
        direction(1.2, 0.5), FILM, [0.0, *times], alpha=ALPHA, gyromagnetic_ratio=GAMMA, torque=valve, rtol=1e-12
    )
    m = path[4]
    rate = np.array([-1, 9, -45, 0, 45, -9, 1]) @ path[1:] / (60 * step)
    rate -= (m @ rate) * m
    state = spin_valve(direction(0.3), m, SIDE, SIDE, charge_current=current, mdot2=rate)
    torque = spin_transfer_torque(m, state.spin_current2, **LAYER)
    again = -GAMMA * np.cross(m, FILM(m)) + torque + ALPHA * np.cross(m, rate)
    # Differences of sixth order over 20 fs of a motion of 1e11/s: noise of 1e-13/step is 1e-10 of the rate.
    np.testing.assert_allclose(rate, again, rtol=0, atol=1e-7 * np.linalg.norm(rate))
    # The pumping is no small part of what is left when precession is taken away.
    pumped = torque - valve(m)
    assert np.linalg.norm(pumped) > 0.3 * ALPHA * np.linalg.norm(rate)


@pytest.mark.parametrize("theta", [0.2, 1.0, 2.0, 3.0])
def test_limit_symmetric_valve_is_a_torque_of_four_numbers(theta):
    """A = P Lambda^2/(Lambda^2 + 1), c = (Lambda^2 - 1)/(Lambda^2 + 1), as the diagram of states uses it."""
    p = SIDE.polarization
    simple = SpinTorque(UP, UNIT * 1e11 * p * SQUARE / (SQUARE + 1), asymmetry=(SQUARE - 1) / (SQUARE + 1))
    valve = ValveTorque(UP, SIDE, SIDE, 1e11, **LAYER)
    m = direction(theta, 0.7)
    np.testing.assert_allclose(simple(m), valve(m), rtol=0, atol=1e-12 * np.linalg.norm(valve(m)))


# --- thresholds -------------------------------------------------------------------------------------------------------


def closed_threshold(sign, field, alpha):
    """Zero of the trace: a = -alpha (omega_1 + omega_2)/2, with the torque's slope at either pole."""
    slope = UNIT * SIDE.polarization / 2 * (1.0 if sign > 0 else -SQUARE)
    return -alpha * GAMMA * (2 * (EASY + sign * field) + HARD) / 2 / slope


@pytest.mark.parametrize("pumping", [True, False])
@pytest.mark.parametrize("field", [-0.008, 0.0, 0.005])
@pytest.mark.parametrize("sign", [1, -1])
def test_limit_threshold_in_a_field(sign, field, pumping):
    law = LinearField((0, 0, field), FILM.tensor)
    found = critical_current(UP, sign * UP, SIDE, SIDE, law, alpha=ALPHA, pumping=pumping, **LAYER)
    total = ALPHA + pumping * pumping_damping(SIDE.mixing, **LAYER) / 2
    assert found == pytest.approx(closed_threshold(sign, field, total), rel=1e-9, abs=0)


def test_limit_pumping_raises_both_thresholds_by_one_factor():
    factor = 1 + pumping_damping(SIDE.mixing, **LAYER) / (2 * ALPHA)
    assert factor == pytest.approx(1.71, abs=5e-3)
    for sign in (1, -1):
        pair = [
            critical_current(UP, sign * UP, SIDE, SIDE, FILM, alpha=ALPHA, pumping=pumping, **LAYER)
            for pumping in (True, False)
        ]
        assert pair[0] / pair[1] == pytest.approx(factor, rel=1e-9, abs=0)


def test_limit_state_beyond_its_edge_is_no_equilibrium_to_start_from():
    """Above B_K the antiparallel state is a maximum of the energy in one direction, at every current."""
    law = LinearField((0, 0, 1.2 * EASY), FILM.tensor)
    with pytest.raises(ValueError, match="growth rate of m_free"):
        critical_current(UP, -UP, SIDE, SIDE, law, alpha=ALPHA, **LAYER)
    start = np.stack([direction(0.02), direction(np.pi - 0.02)])
    end = integrate_llg(start, law, [0, 60 * ns], alpha=ALPHA, gyromagnetic_ratio=GAMMA)[-1]
    assert (end[:, 2] > 0.999).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_limit_current_bends_the_edge_of_a_state_outwards(sign):
    """det = (omega_1 omega_2 + a^2)/(1 + alpha^2) vanishes at B_K +- B = [-M + sqrt(M^2 - 4 (a/gamma)^2)]/2 < 0."""
    total, flow = ALPHA + pumping_damping(SIDE.mixing, **LAYER) / 2, sign * 9e11
    amplitude, c = UNIT * SIDE.polarization * SQUARE / (SQUARE + 1), (SQUARE - 1) / (SQUARE + 1)
    torque = SpinTorque(UP, amplitude * flow, asymmetry=c)

    def growth(field):
        """Largest real part of the eigenvalues, by differences of the whole rate."""

        def rate(m):
            return llg_rate(
                m,
                FILM(m) + field * UP,
                alpha=total,
                gyromagnetic_ratio=GAMMA,
                torque=torque(m),
            )

        h = 1e-4
        tilted = [np.array([np.sin(h) * np.cos(phi), np.sin(h) * np.sin(phi), sign * np.cos(h)]) for phi in ANGLES]
        columns = [(rate(tilted[k])[:2] - rate(tilted[k + 2])[:2]) / (2 * h) for k in (0, 1)]
        return np.linalg.eigvals(np.array(columns).T).real.max()

    slope = UNIT * SIDE.polarization / 2 * (1.0 if sign > 0 else SQUARE) * 9e11 / GAMMA
    beyond = (HARD - np.sqrt(HARD**2 - 4 * slope**2)) / 2
    assert beyond == pytest.approx(slope**2 / HARD, rel=1e-3, abs=0)
    assert beyond * 1e3 == pytest.approx(0.36 if sign > 0 else 0.59, abs=5e-3)
    assert brentq(growth, -sign * 0.0098, -sign * 0.012, xtol=1e-12) == pytest.approx(
        -sign * (EASY + beyond), rel=1e-5, abs=0
    )
    for share, stays in ((0.8, True), (1.2, False)):
        law = LinearField((0, 0, -sign * (EASY + share * beyond)), FILM.tensor)
        start = np.array([0.002, 0.0, sign * np.sqrt(1 - 0.002**2)])
        end = integrate_llg(start, law, [0, 200 * ns], alpha=total, gyromagnetic_ratio=GAMMA, torque=torque)[-1]
        assert (sign * end[2] > 1 - 1e-9) == stays
        with pytest.raises(ValueError, match="growth rate of m_free without current"):
            critical_current(UP, sign * UP, SIDE, SIDE, law, alpha=ALPHA, **LAYER)


@pytest.mark.parametrize("field_like", [0.0, 0.7, -0.7])
def test_limit_threshold_of_a_form_without_cross_term(field_like):
    """Exact for B = 0; else the threshold for A is off by alpha B. Eigenvalues of both forms by differences."""
    alpha, ratio = 0.03, field_like
    stiff = np.array([0.05, 0.0, 0.4])  # omega_1 = 0.05 + ..., units of gamma = 1

    def growth(strength, cross_term):
        torque = SpinTorque(UP, strength, ratio * abs(strength))

        def rate(m):
            bare = -np.cross(m, np.array([0.0, -stiff[2], stiff[0]]) * m)
            if cross_term:
                return llg_rate(
                    m, [0.0, -stiff[2] * m[1], stiff[0] * m[2]], alpha=alpha, gyromagnetic_ratio=1.0, torque=torque(m)
                )
            return (bare + alpha * np.cross(m, bare) + torque(m)) / (1 + alpha**2)

        h = 1e-4
        columns = [rate(direction(h, phi))[:2] - rate(direction(h, phi + np.pi))[:2] for phi in (0, np.pi / 2)]
        return np.linalg.eigvals(np.array(columns).T / (2 * h)).real.max()

    with_it, without = (brentq(growth, -0.05, -1e-4, args=(kind,), xtol=1e-14) for kind in (True, False))
    sum_ = 2 * stiff[0] + stiff[2]
    assert without == pytest.approx(-alpha * sum_ / 2, rel=1e-6, abs=0)
    # A + alpha B = -alpha (omega_1 + omega_2)/2 with B = ratio |A|.
    assert with_it == pytest.approx(without / (1 - alpha * ratio), rel=1e-6, abs=0)
    assert with_it - without == pytest.approx(-alpha * ratio * abs(with_it), abs=1e-9)


# --- motions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [1.2, 2.0])
def test_limit_time_of_a_reversal_by_quadrature(strength):
    """From a tilt of 0.1 to the equator about an easy axis; (1 + alpha^2) du/dt = (1 - u^2)(A + alpha gamma B_K u)."""
    alpha, gamma, b_k = 0.02, 1.76e11, 0.2
    stiff = alpha * gamma * b_k
    torque, law = SpinTorque(UP, -strength * stiff), LinearField(tensor=b_k * np.outer(UP, UP))

    def slowness(u):
        return (1 + alpha**2) / ((1 - u**2) * (-strength + u))

    expected = quad(slowness, np.cos(0.1), 0.0, epsabs=1e-13, epsrel=1e-13)[0] / stiff
    end = integrate_llg(
        direction(0.1), law, [0.0, expected], alpha=alpha, gyromagnetic_ratio=gamma, torque=torque, rtol=1e-12
    )
    assert abs(end[-1, 2]) < 1e-9
    # The same to the figure in the chapter, in nanoseconds.
    assert expected / ns == pytest.approx({1.2: 13.3416, 2.0: 3.6027}[strength], abs=1e-4)


def test_limit_time_of_a_reversal_grows_as_the_logarithm_of_the_tilt():
    """Ten times less tilt costs ln(10)/Gamma, Gamma the growth rate of the linear theory."""
    alpha, gamma, b_k, strength = 0.02, 1.76e11, 0.2, 1.5
    stiff = alpha * gamma * b_k
    torque, law = SpinTorque(UP, -strength * stiff), LinearField(tensor=b_k * np.outer(UP, UP))
    times = np.linspace(0, 40 * ns, 4001)
    crossing = []
    for tilt in (1e-2, 1e-3):
        run = {"alpha": alpha, "gyromagnetic_ratio": gamma, "torque": torque, "rtol": 1e-11}
        u = integrate_llg(direction(tilt), law, times, **run)[:, 2]
        after = np.argmax(u < 0)
        crossing.append(np.interp(0, [u[after], u[after - 1]], [times[after], times[after - 1]]))
    rate = (strength - 1) * stiff / (1 + alpha**2)
    # Corrections are of the order of the square of the larger tilt; interpolation errs by 1e-6 ns.
    assert (crossing[1] - crossing[0]) * rate == pytest.approx(np.log(10), rel=1e-4, abs=0)


def test_invariant_steady_precession_balances_work_and_loss():
    """Over one closed orbit the torque feeds what the damping takes; neither state is stable there."""
    total = ALPHA + pumping_damping(SIDE.mixing, **LAYER) / 2
    flow = -5e11
    amplitude = UNIT * SIDE.polarization * SQUARE / (SQUARE + 1)
    law = LinearField((0, 0, 0.025), FILM.tensor)
    torque = SpinTorque(UP, amplitude * flow, asymmetry=(SQUARE - 1) / (SQUARE + 1))
    same = {"alpha": total, "gyromagnetic_ratio": GAMMA, "torque": torque, "rtol": 1e-12}
    assert flow < closed_threshold(1, 0.025, total), "P is unstable, AP beyond its edge"

    m0 = integrate_llg(direction(0.02), law, [0, 150 * ns], **same)[-1]

    def height(t):
        return integrate_llg(m0, law, [0.0, t], **same)[-1][1] - m0[1]

    coarse = np.linspace(0.02, 1.0, 400) * ns
    path = integrate_llg(m0, law, [0.0, *coarse], **same)[1:]
    away = np.linalg.norm(path - m0, axis=1)
    left = np.argmax(away > 0.2)
    first = left + np.argmax(away[left:] < 0.05)
    assert away[first] < 0.05, "it leaves and comes back within a nanosecond"
    nearest = coarse[first + away[first : first + 10].argmin()]
    period = brentq(height, nearest - 0.005 * ns, nearest + 0.005 * ns, xtol=1e-22)
    knots, weights = np.polynomial.legendre.leggauss(120)
    times = period * (knots + 1) / 2
    orbit = integrate_llg(m0, law, [0.0, *times, period], **same)
    assert np.linalg.norm(orbit[-1] - m0) < 1e-8, "a closed orbit"
    m = orbit[1:-1]
    rate = llg_rate(m, law(m), alpha=total, gyromagnetic_ratio=GAMMA, torque=torque(m))
    work = weights @ np.einsum("ti,ti->t", rate, np.cross(m, torque(m)))
    loss = weights @ (total * np.einsum("ti,ti->t", rate, rate))
    assert work == pytest.approx(loss, rel=1e-7, abs=0)
    assert 1e-9 / period == pytest.approx(3.4, abs=0.05)
