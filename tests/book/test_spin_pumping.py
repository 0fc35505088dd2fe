"""BTBK (1), (2), (9), (15)-(18), (59)-(70), Fig. 2: each against a route that does not use it; printed forms miss."""

import numpy as np
import pytest
import scipy.constants as si
from scipy.integrate import quad, solve_ivp
from scipy.spatial.transform import Rotation

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque
from spinlib.conventions import gilbert_to_landau_lifshitz
from spinlib.pumping import (
    parametric_pumping,
    pumped_spin_current,
    pumping_damping,
    spin_battery,
    spin_battery_dc,
)
from spinlib.spin import PAULI
from tests.random_matrices import haar

E, HBAR, H = si.e, si.hbar, si.h
GAMMA = si.value("electron gyromag. ratio")
Z = np.array([0.0, 0.0, 1.0])


# --- routes -----------------------------------------------------------------------------------------------------------


def frame(rng):
    """m and two unit vectors across it, right-handed."""
    return Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()


def size_of(vector):
    return np.linalg.norm(vector)


def sigma_along(vector):
    return np.einsum("i,iab->ab", vector, PAULI)


class Magnet:
    """A random magnet between two leads, its spins as full Kronecker products, all spin-up channels first."""

    def __init__(self, seed, left=3, right=2):
        rng = np.random.default_rng(seed)
        self.size = left + right
        self.up, self.down = haar(rng, self.size), haar(rng, self.size)
        self.m, self.one, self.two = frame(rng)
        self.omega = rng.normal(size=3)
        self.mdot = np.cross(self.omega, self.m)
        self.leads = {"left": range(left), "right": range(left, self.size)}

    def matrix(self, m):
        """Spinors along m see S_up, spinors against it S_down."""
        values, vectors = np.linalg.eigh(sigma_along(m))
        assert np.allclose(values, [-1, 1])
        against, along = (np.outer(v, v.conj()) for v in vectors.T)
        return np.kron(along, self.up) + np.kron(against, self.down)

    def at(self, time):
        """S after the time, m turning with omega."""
        return self.matrix(Rotation.from_rotvec(self.omega * time).apply(self.m))

    def rate(self, step=1e-3):
        """dS/dt by differences of fourth order; the error is of order step^4 = 1e-12."""
        a, b, c, d = (self.at(k * step) for k in (-2, -1, 1, 2))
        return (a - 8 * b + 8 * c - d) / (12 * step)

    def rows(self, lead):
        return [*self.leads[lead], *(self.size + k for k in self.leads[lead])]

    def spins(self, lead):
        return [np.kron(sigma, np.eye(len(self.leads[lead]))) for sigma in PAULI]

    def static(self, lead):
        """BTBK (46) of the magnet at rest, all reservoirs with the spin accumulation hbar omega/2e."""
        s, rows = self.matrix(self.m), self.rows(lead)
        f = np.kron(HBAR / (2 * E) * sigma_along(self.omega), np.eye(self.size))
        lost = (f - s @ f @ s.conj().T)[np.ix_(rows, rows)]
        return E**2 / H * np.array([np.trace(sigma @ lost).real for sigma in self.spins(lead)])

    def contact(self, lead, *, transmission):
        """The interface of that lead; BTBK's up is the minority."""
        own = list(self.leads[lead])
        order = own + [k for k in range(self.size) if k not in own]
        high, low = (s[np.ix_(order, order)] for s in (self.down, self.up))
        return InterfaceConductance.from_scattering(high, low, len(own), transmission=transmission)

    def tangents(self):
        return np.array([np.kron(sigma_along(v), (self.up - self.down) / 2) for v in (self.one, self.two)])


SCALE = E / (2 * np.pi)  # of one channel per unit rate
SEEDS = (1, 2, 3)
LEADS = ("left", "right")
everywhere = pytest.mark.parametrize(("seed", "lead"), [(seed, lead) for seed in SEEDS for lead in LEADS])


def symmetric(rng, scale=0.3):
    """A positive symmetric tensor that mixes all directions."""
    draw = rng.normal(size=(3, 3)) * scale
    return draw @ draw.T + 0.05 * np.eye(3)


def implicit_rate(m, field, alpha, *, outside=False):
    """dm/dt of BTBK (1) for gamma = 1 by a 3 x 3 solve; outside: alpha (m x dm/dt), as the order of the text has it."""
    cross = np.cross(m, np.eye(3)).T
    product = alpha @ cross if outside else cross @ alpha
    return np.linalg.solve(np.eye(3) - product, -cross @ field)


def explicit_rate(m, field, alpha):
    """dm/dt by the package for a number alpha and gamma = 1: the field torque is B p x m with B = 1, p = H."""
    found = gilbert_to_landau_lifshitz(alpha, damping_like=0.0, field_like=1.0)
    across = np.cross(field, m)
    return found["damping_like"] * np.cross(m, across) + found["field_like"] * across


# --- (1), (2), (64), (65): damping and energy -------------------------------------------------------------------------


def energy_balance(alpha, field, m0, *, outside, across):
    """Integrate BTBK (1); return the energy lost and the integral of v . alpha . v, v = dm/dt or m x dm/dt."""

    def rhs(_, y):
        rate = implicit_rate(y[:3], field, alpha, outside=outside)
        v = np.cross(y[:3], rate) if across else rate
        return [*rate, v @ alpha @ v]

    end = solve_ivp(rhs, (0, 3), [*m0, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]
    return field @ (end[:3] - m0), end[3], np.linalg.norm(end[:3])


def test_paper_BTBK_1():
    rng = np.random.default_rng(11)
    alpha, field, m0 = symmetric(rng), rng.normal(size=3), frame(rng)[0]
    lost, taken, length = energy_balance(alpha, field, m0, outside=False, across=False)
    assert length == pytest.approx(1, abs=1e-10)
    assert lost == pytest.approx(taken, rel=1e-9, abs=0)
    # Printed order: the length changes, at first at the rate m . alpha (m x dm/dt).
    rate = implicit_rate(m0, field, alpha, outside=True)
    drift = m0 @ rate
    assert drift == pytest.approx(m0 @ alpha @ np.cross(m0, rate), rel=1e-12, abs=0)
    assert abs(drift) > 0.01 * np.linalg.norm(rate)
    assert abs(energy_balance(alpha, field, m0, outside=True, across=False)[2] - 1) > 1e-3
    # A tensor in the plane across m, a along one and b along two: the order exchanges a and b in the power.
    m, one, two = frame(rng)
    a, b = 0.4, 0.1
    flat = a * np.outer(one, one) + b * np.outer(two, two)
    rate = implicit_rate(m, field, flat, outside=True)
    exchanged = b * np.outer(one, one) + a * np.outer(two, two)
    assert field @ rate == pytest.approx(rate @ exchanged @ rate, rel=1e-12, abs=0)
    assert abs(field @ rate / (rate @ flat @ rate) - 1) > 0.1
    # A number: both orders are the package's Gilbert form, solved.
    for number in (0.0, 0.05, 0.7, 3.0):
        for outside in (False, True):
            rate = implicit_rate(m, field, number * np.eye(3), outside=outside)
            np.testing.assert_allclose(explicit_rate(m, field, number), rate, rtol=0, atol=1e-14 * (1 + size_of(field)))


def test_paper_BTBK_2():
    rng = np.random.default_rng(12)
    for _ in range(5):
        alpha, field, m = symmetric(rng), rng.normal(size=3), frame(rng)[0]
        cross = np.cross(m, np.eye(3)).T
        values = np.linalg.eigvalsh((np.eye(3) - np.outer(m, m)) @ alpha @ (np.eye(3) - np.outer(m, m)))
        determinant = values[-1] * values[-2]  # alpha is positive: the third vanishes, along m
        explicit = -cross @ field - cross @ alpha @ cross @ field
        np.testing.assert_allclose((1 + determinant) * implicit_rate(m, field, alpha), explicit, rtol=1e-10, atol=1e-12)
        # A number: (2) is the Landau-Lifshitz form of the package, det = alpha^2.
        number = rng.uniform(0.01, 2)
        written = (-cross @ field - number * cross @ cross @ field) / (1 + number**2)
        for other in (implicit_rate(m, field, number * np.eye(3)), explicit_rate(m, field, number)):
            np.testing.assert_allclose(other, written, rtol=0, atol=1e-14 * (1 + size_of(field)))
    # Printed: principal values a, b across m = z, field along x: dm_x/dt = a/(1 + a^2), right is b/(1 + ab).
    a, b, m, field = 0.5, 0.2, Z, np.array([1.0, 0, 0])
    alpha, cross = np.diag([a, b, 0]), np.cross(Z, np.eye(3)).T
    right = implicit_rate(m, field, alpha)
    printed = np.linalg.solve(np.eye(3) + alpha @ alpha, -cross @ field - alpha @ cross @ cross @ field)
    assert right[0] == pytest.approx(b / (1 + a * b), rel=1e-13, abs=0)
    assert printed[0] == pytest.approx(a / (1 + a**2), rel=1e-13, abs=0)
    assert printed[0] / right[0] == pytest.approx(a / b * (1 + a * b) / (1 + a**2), rel=1e-13, abs=0)
    assert printed[1] / right[1] == pytest.approx((1 + a * b) / (1 + b**2), rel=1e-13, abs=0)
    # For a number both agree.
    alpha = 0.3 * np.eye(3)
    printed = np.linalg.solve(np.eye(3) + alpha @ alpha, -cross @ field - alpha @ cross @ cross @ field)
    np.testing.assert_allclose(printed, implicit_rate(m, field, alpha), atol=1e-14)


def test_paper_BTBK_64():
    rng = np.random.default_rng(13)
    alpha, field, m0 = 0.2, rng.normal(size=3), frame(rng)[0]
    lost, taken, _ = energy_balance(alpha * np.eye(3), field, m0, outside=False, across=False)
    assert lost == pytest.approx(taken, rel=1e-9, abs=0)
    # Both from the angle to the field, which obeys tan(theta/2) ~ exp(-alpha H t/(1 + alpha^2)).
    size = np.linalg.norm(field)
    start = np.arccos(m0 @ field / size)
    end = 2 * np.arctan(np.tan(start / 2) * np.exp(-alpha * size * 3 / (1 + alpha**2)))
    assert taken == pytest.approx(size * (np.cos(end) - np.cos(start)), rel=1e-9, abs=0)
    # The heat of an explicit S, both leads, is what a magnet with the damping of pumping loses in a field.
    magnet, moment = Magnet(13), 3e-23
    tensor = parametric_pumping(magnet.matrix(magnet.m), magnet.tangents()).dissipation
    mixing = sum(magnet.contact(lead, transmission=True).mixing for lead in LEADS)
    alpha = pumping_damping(mixing, magnetic_moment=moment, gyromagnetic_ratio=GAMMA)
    assert 0.05 < alpha < 1
    mdot = implicit_rate(magnet.m, GAMMA * field, alpha * np.eye(3))
    rates = np.array([mdot @ magnet.one, mdot @ magnet.two])
    heat = rates @ tensor @ rates
    assert heat == pytest.approx(moment * field @ mdot, rel=1e-8, abs=0)
    assert heat == pytest.approx(alpha * moment / GAMMA * mdot @ mdot, rel=1e-8, abs=0)


def test_paper_BTBK_65():
    rng = np.random.default_rng(14)
    alpha, field, m0 = symmetric(rng), rng.normal(size=3), frame(rng)[0]
    lost, taken, _ = energy_balance(alpha, field, m0, outside=False, across=False)
    assert lost == pytest.approx(taken, rel=1e-9, abs=0)
    # With m x dm/dt in place of dm/dt the balance is missed, unless alpha is a number.
    _, across, _ = energy_balance(alpha, field, m0, outside=False, across=True)
    assert abs(across / lost - 1) > 0.05
    # An explicit S with unequal directions: the right lead ends in a mirror that turns spins.
    magnet, moment = Magnet(20, left=2, right=1), 2e-23
    mirror = haar(np.random.default_rng(20), 2)
    near, far = magnet.rows("left"), magnet.rows("right")

    def closed(m):
        s = magnet.matrix(m)
        r, t_back, t, r_back = (s[np.ix_(*block)] for block in ((near, near), (near, far), (far, near), (far, far)))
        return r + t_back @ mirror @ np.linalg.solve(np.eye(len(far)) - r_back @ mirror, t)

    def slope(axis, step=1e-3):
        """Derivative for the rotation of m about the axis."""
        a, b, c, d = (closed(Rotation.from_rotvec(axis * k * step).apply(magnet.m)) for k in (2, 1, -1, -2))
        return (8 * (b - c) - (a - d)) / (12 * step)

    s = closed(magnet.m)
    tensor = parametric_pumping(s, np.array([slope(magnet.two), slope(-magnet.one)])).dissipation
    assert np.ptp(np.linalg.eigvalsh(tensor)) > 0.1 * np.trace(tensor)
    basis = np.array([magnet.one, magnet.two])
    alpha = GAMMA / moment * basis.T @ tensor @ basis
    assert 0.05 < np.trace(alpha) < 2
    mdot = implicit_rate(magnet.m, GAMMA * field, alpha)
    # Energy lost in the field, heat of the motion itself from one derivative, and the quadratic form.
    along = parametric_pumping(s, slope(np.cross(magnet.m, mdot) / size_of(mdot))).dissipation * size_of(mdot) ** 2
    assert moment * field @ mdot == pytest.approx(along, rel=1e-8, abs=0)
    assert moment / GAMMA * mdot @ alpha @ mdot == pytest.approx(along, rel=1e-8, abs=0)


# --- (59)-(62), (9): the pumped current -------------------------------------------------------------------------------


@everywhere
def test_paper_BTBK_59(seed, lead):
    # Two parameters, polar angle and azimuth: the sum over both is the static current in the turning frame.
    magnet = Magnet(seed)
    theta, phi = np.arccos(magnet.m[2]), np.arctan2(magnet.m[1], magnet.m[0])
    polar = np.array([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)])
    azimuth = np.sin(theta) * np.array([-np.sin(phi), np.cos(phi), 0])
    ds = [np.kron(sigma_along(v), (magnet.up - magnet.down) / 2) for v in (polar, azimuth)]
    emissivity = parametric_pumping(magnet.matrix(magnet.m), ds, channels=magnet.rows(lead), spin=True).spin
    rates = np.array([magnet.mdot @ polar, magnet.mdot @ azimuth / np.sin(theta) ** 2])
    np.testing.assert_allclose(rates @ emissivity, magnet.static(lead), atol=1e-12 * SCALE)


@everywhere
def test_paper_BTBK_60(seed, lead):
    magnet = Magnet(seed)
    s, sdot, rows = magnet.matrix(magnet.m), magnet.rate(), magnet.rows(lead)
    dense = [SCALE * np.trace(sdot[rows].conj().T @ sigma @ s[rows]).imag for sigma in magnet.spins(lead)]
    np.testing.assert_allclose(dense, magnet.static(lead), atol=1e-10 * SCALE)
    exact = np.kron(sigma_along(magnet.mdot), (magnet.up - magnet.down) / 2)
    result = parametric_pumping(s, exact, channels=rows, spin=True)
    np.testing.assert_allclose(result.spin, magnet.static(lead), atol=1e-12 * SCALE)


def emitted_matrix(s, sdot):
    """Energy times spin matrix that the outgoing waves gain, hbar i (dS/dt) S^dagger.

    Outgoing correlations are S(T + t/2) f(t) S^dagger(T - t/2); to first order in t the factor t is i hbar d/dE on f,
    and the integral of -df/dE is one.
    """
    return 1j * HBAR * sdot @ s.conj().T


@everywhere
def test_paper_BTBK_statement_before_59_current_and_potential_reverse_together(seed, lead):
    """The text adds (59) to the bias-driven (49). With (41) and (44) as printed the sum has the battery reversed."""
    magnet = Magnet(seed)
    s, rows = magnet.matrix(magnet.m), magnet.rows(lead)
    sdot = np.kron(sigma_along(magnet.mdot), (magnet.up - magnet.down) / 2)
    emitted = emitted_matrix(s, sdot)
    size = HBAR * size_of(magnet.omega)
    unit, whole = size / (2 * np.pi * HBAR) * E, np.eye(magnet.size)

    def counted(matrix):
        return E / H * np.array([np.trace(sigma @ matrix[np.ix_(rows, rows)]).real for sigma in magnet.spins(lead)])

    # Elementary: about z with the frequency w, a spin that flips from down to up takes up hbar w.
    turning, w = Magnet(seed), 1.3
    turning.omega, turning.mdot = w * Z, np.cross(w * Z, turning.m)
    rate = np.kron(sigma_along(turning.mdot), (turning.up - turning.down) / 2)
    half = magnet.size
    flips = np.sum(np.abs(s[:half, half:]) ** 2, axis=1), np.sum(np.abs(s[half:, :half]) ** 2, axis=1)
    gained = np.diag(emitted_matrix(s, rate)).real / (HBAR * w)
    np.testing.assert_allclose(gained, np.concatenate([flips[0], -flips[1]]), atol=1e-12)

    # (59), (60) as printed: the spins that leave.
    pumped = parametric_pumping(s, sdot, channels=rows, spin=True).spin
    np.testing.assert_allclose(pumped, counted(emitted), atol=1e-12 * unit)

    # A node beside both leads. (41), (44): current toward the scatterer, f = e V in Pauli spins.
    for sign in (1, -1):
        f = sign * HBAR / 2 * np.kron(sigma_along(magnet.omega), whole)
        scattered = s @ f @ s.conj().T
        literal = counted(f - scattered) + pumped
        missing = f - scattered - emitted  # what comes minus what goes, all spins and channels
        if sign > 0:  # the state at rest
            np.testing.assert_allclose(missing, 0, atol=1e-12 * size)
            np.testing.assert_allclose(literal, 2 * pumped, atol=1e-12 * unit)
        else:  # the root of the literal sum
            np.testing.assert_allclose(literal, 0, atol=1e-12 * unit)
            np.testing.assert_allclose(missing, -2 * emitted, atol=1e-12 * size)
            assert np.abs(missing).max() > 0.1 * size
    assert size_of(pumped) > 0.1 * unit

    # Reversed in both, current and potential, (46) keeps its form; its sum with (59) then has the one root across m
    # that a node at rest has, -f/e along moments.
    def driven(volts):
        f = E * np.kron(sigma_along(volts), whole)
        return counted(f - s @ f @ s.conj().T)

    basis = np.array([magnet.one, magnet.two])
    response = np.array([basis @ driven(v) for v in basis]).T
    root = np.linalg.solve(response, -basis @ pumped) @ basis
    at_rest = -HBAR / (2 * E) * magnet.omega
    scale = size_of(at_rest)
    np.testing.assert_allclose(root, basis.T @ basis @ at_rest, atol=1e-11 * scale)
    np.testing.assert_allclose(root, spin_battery(magnet.m, magnet.mdot), atol=1e-11 * scale)


def test_paper_BTBK_60_sign_of_a_wall():
    # A wall that only spin up feels moves into the lead by dx: it pushes k dx/pi electrons of spin up out.
    k, x = 2.0, 0.3
    s = np.diag([-np.exp(-2j * k * x), -1.0])
    ds = np.diag([2j * k * np.exp(-2j * k * x), 0.0])
    result = parametric_pumping(s, ds, spin=True)
    np.testing.assert_allclose(result.spin, [0, 0, E * k / np.pi], rtol=1e-13, atol=1e-30)
    assert result.charge == pytest.approx(-E * k / np.pi, rel=1e-13, abs=0)  # electrons leave


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_BTBK_61(seed):
    magnet = Magnet(seed)
    up, down = magnet.up, magnet.down
    along = sigma_along(magnet.m)
    printed = np.kron(np.eye(2) + along, up) / 2 + np.kron(np.eye(2) - along, down) / 2
    np.testing.assert_allclose(printed, magnet.matrix(magnet.m), atol=1e-14)
    np.testing.assert_allclose(printed @ printed.conj().T, np.eye(2 * magnet.size), atol=1e-13)


@everywhere
def test_paper_BTBK_62(seed, lead):
    magnet = Magnet(seed)
    exact = magnet.contact(lead, transmission=True)
    np.testing.assert_allclose(
        pumped_spin_current(magnet.m, magnet.mdot, exact.mixing), magnet.static(lead), atol=1e-12 * SCALE
    )
    # The condition: without the transmitted electrons it misses by their sum, in the same two directions.
    thick = magnet.contact(lead, transmission=False)
    own = list(magnet.leads[lead])
    other = [k for k in range(magnet.size) if k not in own]
    sent = E**2 / H * np.sum(magnet.up[np.ix_(own, other)] * magnet.down[np.ix_(own, other)].conj())
    assert thick.mixing - exact.mixing == pytest.approx(sent, rel=1e-11, abs=0)
    across = np.cross(magnet.m, magnet.mdot)
    miss = pumped_spin_current(magnet.m, magnet.mdot, thick.mixing) - magnet.static(lead)
    np.testing.assert_allclose(miss, HBAR / E * (sent.real * across + sent.imag * magnet.mdot), atol=1e-12 * SCALE)
    assert np.linalg.norm(miss) > 0.02 * np.linalg.norm(magnet.static(lead))


@everywhere
def test_paper_BTBK_9(seed, lead):
    # Thick magnet: only N is biased in the turning frame, what F transmits is lost. BTBK (46) with r alone; along m
    # that response has a part that no rotation drives, since mdot = omega x m does not know it.
    magnet = Magnet(seed)
    rows = magnet.rows(lead)
    r = magnet.matrix(magnet.m)[np.ix_(rows, rows)]
    f = np.kron(HBAR / (2 * E) * sigma_along(magnet.omega), np.eye(len(magnet.leads[lead])))
    biased = E**2 / H * np.array([np.trace(s @ (f - r @ f @ r.conj().T)).real for s in magnet.spins(lead)])
    across = biased - magnet.m * (magnet.m @ biased)
    mixing = magnet.contact(lead, transmission=False).mixing
    np.testing.assert_allclose(pumped_spin_current(magnet.m, magnet.mdot, mixing), across, atol=1e-12 * SCALE)


def test_paper_BTBK_9_charge():
    # No charge: "requires a ferromagnetic analyzer or spin-orbit interactions".
    for seed in SEEDS:
        magnet = Magnet(seed)
        for lead in LEADS:
            result = parametric_pumping(magnet.matrix(magnet.m), magnet.tangents(), channels=magnet.rows(lead))
            np.testing.assert_allclose(result.charge, 0, atol=1e-14 * E)
    # An analyzer in the lead makes the observed channels unequal: the same magnet pumps charge into one spin channel.
    one = parametric_pumping(magnet.matrix(magnet.m), magnet.tangents(), channels=[0])
    assert np.abs(one.charge).max() > 0.01 * E


# --- (66)-(70), (63): heat --------------------------------------------------------------------------------------------


@everywhere
def test_paper_BTBK_66(seed, lead):
    # Turning about z with w, an electron that flips from down to up leaves with the energy changed by hbar w. Energy
    # that flows out, from the distributions of the sidebands: no derivative of S.
    magnet = Magnet(seed)
    w, temperature = 1.7, 0.3  # units of energy; any temperature
    s, rows = magnet.matrix(magnet.m), magnet.rows(lead)
    half = len(rows) // 2
    flips = [
        np.linalg.norm(s[np.ix_(rows[:half], range(magnet.size, 2 * magnet.size))]) ** 2,
        np.linalg.norm(s[np.ix_(rows[half:], range(magnet.size))]) ** 2,
    ]

    def fermi(energy):
        return 0.5 - 0.5 * np.tanh(energy / (2 * temperature))

    def moved(shift):
        return quad(lambda x: x * (fermi(x - shift) - fermi(x)), -40, 40, limit=200, epsabs=1e-12)[0]

    outflow = sum(flip * moved(shift) for flip, shift in zip(flips, (w, -w), strict=True)) / (2 * np.pi)  # hbar = 1
    magnet.omega = w * Z
    heat = np.linalg.norm(magnet.rate()[rows]) ** 2 / (4 * np.pi)
    assert outflow == pytest.approx(heat, rel=1e-8, abs=0)
    magnet.mdot = np.cross(magnet.omega, magnet.m)
    ds = np.kron(sigma_along(magnet.mdot), (magnet.up - magnet.down) / 2)
    found = parametric_pumping(s, ds, channels=rows).dissipation / HBAR
    assert found == pytest.approx(outflow, rel=1e-8, abs=0)


def dissipation_tensor(magnet, lead, step=1e-3):
    """BTBK (68) on the tangent plane by differences of S on great circles, gamma included."""
    slopes = []
    for axis in (magnet.two, -magnet.one):  # they turn m towards one and two
        a, b, c, d = (
            magnet.matrix(Rotation.from_rotvec(-axis * k * step).apply(magnet.m))[magnet.rows(lead)]
            for k in (2, 1, -1, -2)
        )
        slopes.append((a - 8 * b + 8 * c - d) / (12 * step))
    return GAMMA**2 * HBAR / (4 * np.pi) * np.array([[np.vdot(x, y).real for y in slopes] for x in slopes])


@everywhere
def test_paper_BTBK_67(seed, lead):
    magnet = Magnet(seed)
    tensor = dissipation_tensor(magnet, lead)
    rates = np.array([magnet.mdot @ magnet.one, magnet.mdot @ magnet.two])
    # The power of a turning magnet: angular velocity times the angular momentum that leaves.
    power = HBAR / (2 * E) * magnet.omega @ magnet.static(lead)
    assert rates @ tensor @ rates / GAMMA**2 == pytest.approx(power, rel=1e-9, abs=0)
    # Printed without 1/gamma^2: too large by gamma^2.
    assert rates @ tensor @ rates / power == pytest.approx(GAMMA**2, rel=1e-9, abs=0)


@everywhere
def test_paper_BTBK_68(seed, lead):
    magnet = Magnet(seed)
    tensor = dissipation_tensor(magnet, lead)
    np.testing.assert_allclose(tensor, tensor.T, rtol=1e-12, atol=1e-9 * np.trace(tensor))
    assert np.linalg.eigvalsh(tensor).min() > 0
    result = parametric_pumping(magnet.matrix(magnet.m), magnet.tangents(), channels=magnet.rows(lead))
    np.testing.assert_allclose(GAMMA**2 * result.dissipation, tensor, atol=1e-9 * np.trace(tensor))


@everywhere
def test_paper_BTBK_69(seed, lead):
    magnet = Magnet(seed)
    tensor = dissipation_tensor(magnet, lead)
    exact = magnet.contact(lead, transmission=True).mixing.real
    unit = GAMMA**2 * (HBAR / E) ** 2 / 2
    np.testing.assert_allclose(tensor, unit * exact * np.eye(2), atol=1e-9 * np.trace(tensor))
    # The conditions: a thick magnet, and directions across m; along m a derivative of (61) leaves the unitary matrices.
    thick = magnet.contact(lead, transmission=False).mixing.real
    own = list(magnet.leads[lead])
    other = [k for k in range(magnet.size) if k not in own]
    sent = E**2 / H * np.sum(magnet.up[np.ix_(own, other)] * magnet.down[np.ix_(own, other)].conj()).real
    assert thick - exact == pytest.approx(sent, rel=1e-10, abs=0)
    along = np.kron(sigma_along(magnet.m), (magnet.up - magnet.down) / 2)
    with pytest.raises(ValueError, match="unit sphere"):
        parametric_pumping(magnet.matrix(magnet.m), along, channels=magnet.rows(lead))


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_BTBK_70(seed):
    # Steady precession at the angle theta about the field: the drive replaces the loss P = alpha M V mdot^2/gamma,
    # and what arrives in both leads is the work per time of the emitted angular momentum.
    magnet, moment = Magnet(seed), 3e-17
    power = sum(HBAR / (2 * E) * magnet.omega @ magnet.static(lead) for lead in LEADS)
    alpha = GAMMA * power / (moment * magnet.mdot @ magnet.mdot)
    mixing = [magnet.contact(lead, transmission=True).mixing for lead in LEADS]
    assert pumping_damping(sum(mixing), magnetic_moment=moment) == pytest.approx(alpha, rel=1e-9, abs=0)


def test_paper_BTBK_63():
    g, mu_b = -si.value("electron g factor"), si.value("Bohr magneton")
    mixing, moment = 0.8e15, 4e-3
    printed = g * HBAR * mu_b / (2 * E**2) * mixing / moment
    assert pumping_damping(mixing, magnetic_moment=moment) == pytest.approx(printed, rel=1e-8, abs=0)
    # g_r per area: g mu_B g_r/(4 pi M_s d).
    assert printed == pytest.approx(g * mu_b * mixing * H / E**2 / (4 * np.pi * moment), rel=1e-8, abs=0)


# --- (17), (18): torque and damping -----------------------------------------------------------------------------------


@everywhere
def test_paper_BTBK_17(seed, lead):
    # Balance of angular momentum: each emitted Pauli spin takes hbar/2 from S_F = -(M V/gamma) m.
    magnet, moment = Magnet(seed), 5e-17
    emitted = magnet.static(lead) / E  # spins per time
    rate = GAMMA / moment * HBAR / 2 * emitted
    mixing = magnet.contact(lead, transmission=True).mixing
    scale = GAMMA * HBAR**2 / (2 * E**2 * moment)
    printed = scale * (mixing.real * np.cross(magnet.m, magnet.mdot) + mixing.imag * magnet.mdot)
    np.testing.assert_allclose(printed, rate, atol=1e-11 * np.linalg.norm(rate))
    torque = spin_transfer_torque(magnet.m, pumped_spin_current(magnet.m, magnet.mdot, mixing), magnetic_moment=moment)
    np.testing.assert_allclose(torque, rate, atol=1e-11 * np.linalg.norm(rate))


def ring_down(mixing, moment, field=0.1):
    """Eigenvalue of small precession about z with the pumped current as the only loss."""
    jacobian = np.zeros((2, 2))
    back = np.zeros((2, 2))
    for k in range(2):
        unit = np.eye(3)[k]
        jacobian[:, k] = -GAMMA * np.cross(unit, field * Z)[:2]
        current = pumped_spin_current(Z, unit, mixing)
        back[:, k] = spin_transfer_torque(Z, current, magnetic_moment=moment)[:2]
    return np.linalg.eigvals(np.linalg.solve(np.eye(2) - back, jacobian))[0]


def test_paper_BTBK_18():
    moment = 2e-3
    value = ring_down(0.7e15, moment)
    alpha = pumping_damping(0.7e15, magnetic_moment=moment)
    assert -value.real / abs(value.imag) == pytest.approx(alpha, rel=1e-10, abs=0)
    # Twice the thickness, half the damping; G_I changes the frequency by its share and not the loss.
    assert pumping_damping(0.7e15, magnetic_moment=2 * moment) == pytest.approx(alpha / 2, rel=1e-14, abs=0)
    shifted = ring_down(0.7e15 + 0.2e15j, moment)
    share = 2 / 7 * alpha
    assert -shifted.real / abs(shifted.imag) == pytest.approx(alpha / (1 - share), rel=1e-10, abs=0)
    assert abs(shifted) / abs(value) == pytest.approx(
        np.sqrt((1 + alpha**2) / ((1 - share) ** 2 + alpha**2)), rel=1e-10, abs=0
    )


# --- (15), (16): spin battery -----------------------------------------------------------------------------------------


def test_paper_BTBK_15():
    rng = np.random.default_rng(21)
    for _ in range(5):
        m, one, two = frame(rng)
        mdot = (rng.normal() * one + rng.normal() * two) * 1e10
        contact = InterfaceConductance(0.6e15, 0.3e15, complex(rng.uniform(0.3, 2), rng.normal()) * 1e15)
        # Unique solution of (6) + (9) = 0 by a 3 x 3 solve.
        response = np.array([interface_current(m, contact, v).spin_current for v in np.eye(3)]).T
        pumped = pumped_spin_current(m, mdot, contact.mixing)
        volts = np.linalg.solve(response, -pumped)
        size = np.linalg.norm(volts)
        np.testing.assert_allclose(volts, -HBAR / (2 * E) * np.cross(m, mdot), atol=1e-12 * size)
        np.testing.assert_allclose(volts, spin_battery(m, mdot), atol=1e-12 * size)
        # Printed: e V = hbar m x mdot. Current and torque are then three times those of pumping alone.
        printed = HBAR / E * np.cross(m, mdot)
        total = response @ printed + pumped
        np.testing.assert_allclose(total, 3 * pumped, atol=1e-12 * np.linalg.norm(pumped))
        torques = [spin_transfer_torque(m, current, magnetic_moment=1.0) for current in (total, pumped)]
        np.testing.assert_allclose(torques[0], 3 * torques[1], atol=1e-12 * np.linalg.norm(torques[1]))
    # Larmor: reservoirs at rest in the turning frame, -hbar omega/2e, receive nothing from any magnet.
    magnet = Magnet(4)
    np.testing.assert_allclose(
        spin_battery(magnet.m, magnet.mdot),
        -HBAR / (2 * E) * (magnet.omega - magnet.m * (magnet.m @ magnet.omega)),
        rtol=1e-12,
    )


def slow_battery(theta, eta, mixing=1.0 + 0.3j, capacity=400.0):
    """Splitting 2e V_z/hbar omega of a node by time stepping of C dV/dt = -(I_bias + I_pump + G_sink V), omega = 1."""

    def rhs(t, v):
        m = np.array([np.sin(theta) * np.cos(t), np.sin(theta) * np.sin(t), np.cos(theta)])
        mdot = np.cross(Z, m)
        across = np.cross(m, v)
        biased = -2 * mixing.real * np.cross(m, across) - 2 * mixing.imag * across
        pumped = 2 * (mixing.real * np.cross(m, mdot) + mixing.imag * mdot)
        return -(biased + pumped + 2 * eta * mixing.real * v) / capacity

    # Start at the mean-field value, so that the transient is short; average over the last turn.
    start = [0, 0, -(np.sin(theta) ** 2) / (np.sin(theta) ** 2 + eta) * 0.9]
    turns = np.ceil(5 * capacity / (2 * np.sin(theta) ** 2 + 2 * eta) / (2 * np.pi)) * 2 * np.pi
    times = turns + np.linspace(0, 2 * np.pi, 65)[:-1]
    run = solve_ivp(rhs, (0, times[-1]), start, t_eval=times, rtol=1e-7, atol=1e-9, max_step=0.7)
    return run.y[2].mean()


@pytest.mark.parametrize(("theta", "eta"), [(1.1, 0.5), (0.6, 0.2)])
def test_paper_BTBK_16(theta, eta):
    found = slow_battery(theta, eta)
    expected = spin_battery_dc(1.0, theta, eta) / (HBAR / (2 * E))
    # Left: e^-5 of the initial tenth, and 1/capacity of the turning part.
    assert -found == pytest.approx(expected, abs=3e-3)
    # Printed: + sin^2 theta with e V for e V; the ratio to the truth is -2 (sin^2 + eta).
    printed = 2 * np.sin(theta) ** 2
    assert printed / found == pytest.approx(-2 * (np.sin(theta) ** 2 + eta), rel=0.01, abs=0)


def test_paper_BTBK_statement_E6_size_and_angle_of_the_battery():
    # The sentence after (16): e V = hbar omega, independent of the interface. The splitting 2 e V is hbar omega.
    omega = 7e10
    for theta in (0.05, 0.8, np.pi / 2):
        m = np.array([np.sin(theta), 0, np.cos(theta)])
        volts = -spin_battery_dc(omega, theta) * Z
        for mixing in (1e15, 0.4e15 - 0.7e15j):
            contact = InterfaceConductance(0.0, 0.0, mixing)  # takes nothing along m
            back = interface_current(m, contact, volts).spin_current
            pumped = pumped_spin_current(m, np.cross(omega * Z, m), mixing)
            np.testing.assert_allclose(back, -pumped, atol=1e-12 * np.linalg.norm(pumped))
        assert 2 * E * np.linalg.norm(volts) == pytest.approx(HBAR * omega, rel=1e-14, abs=0)
    # The average of the accumulation of (15), which the paper takes, does depend on the angle: sin^2 of the splitting.
    phases = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    m = np.stack([np.sin(0.8) * np.cos(phases), np.sin(0.8) * np.sin(phases), np.full(16, np.cos(0.8))], -1)
    mean = spin_battery(m, np.cross(omega * Z, m)).mean(axis=0)
    np.testing.assert_allclose(mean, -HBAR * omega / (2 * E) * np.sin(0.8) ** 2 * Z, atol=1e-12 * HBAR * omega / E)


# --- Fig. 2 and the thin magnet ---------------------------------------------------------------------------------------


def test_paper_BTBK_figure_2():
    phases = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    for theta in (0.3, np.radians(40), 1.2):
        m = np.stack([np.sin(theta) * np.cos(phases), np.sin(theta) * np.sin(phases), np.full(64, np.cos(theta))], -1)
        mdot = np.cross(Z, m)
        for mixing in (1.0, 1.0 - 0.6j):
            current = pumped_spin_current(m, mdot, mixing) * E / HBAR
            np.testing.assert_allclose(np.einsum("ti,ti->t", m, current), 0, atol=1e-14)
            mean = current.mean(axis=0)
            np.testing.assert_allclose(mean, np.sin(theta) ** 2 * Z, atol=1e-14)
            turning = np.linalg.norm(current - mean, axis=-1)
            size = np.sin(theta) * np.hypot(np.cos(theta), np.imag(mixing))
            np.testing.assert_allclose(turning, size, atol=1e-14)


def slab_amplitudes(k, p, d):
    """r, t of a wave of number k that meets a slab with number p, from continuity of the wave and its slope."""
    inside, outside = np.exp(1j * p * d), 1.0  # t is counted at the far face
    equations = np.array(
        [
            [-1, 1, 1, 0],
            [k, p, -p, 0],
            [0, inside, 1 / inside, -outside],
            [0, p * inside, -p / inside, -k * outside],
        ]
    )
    r, _, _, t = np.linalg.solve(equations, [1, k, 0, 0])
    return r, t


def test_limit_slab_of_free_electrons():
    for k, p, d in ((3.0, 2.0, 0.7), (1.5, 2.5j, 0.4), (2.0, 0.01, 1.3)):
        r, t = slab_amplitudes(k, p, d)
        closed = 1 / (np.cos(p * d) - 0.5j * (p / k + k / p) * np.sin(p * d))
        assert t == pytest.approx(closed, rel=1e-11, abs=0)
        assert r == pytest.approx(0.5j * (p / k - k / p) * np.sin(p * d) * closed, rel=1e-11, abs=0)
        assert abs(r) ** 2 + abs(t) ** 2 == pytest.approx(1, rel=1e-12, abs=0)


K_F, K_UP, K_DOWN = 13.6, 10.9, 4.3  # 1/nm, of the slab in book/spin_pumping.md


def multiple_reflections(k, p, d):
    """r, t of a slab from its face, r_0 = (k - p)/(k + p), and all paths inside."""
    r_0, phase = (k - p) / (k + p), np.exp(1j * p * d)
    inside = 1 - (r_0 * phase) ** 2
    return r_0 * (1 - phase**2) / inside, (1 - r_0**2) * phase / inside


def slab_conductances(thickness, panels=600):
    """Thick and exact G_R/G_Sh: two-point Gauss rule on many panels in q, finer where p_s or k vanishes."""
    points = []
    for low, high in ((0, K_DOWN), (K_DOWN, K_UP), (K_UP, K_F)):
        x = np.linspace(0, 1, panels + 1)
        edges = low + (high - low) * x**2 * (3 - 2 * x)
        middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
        points += [(middle + sign * half / np.sqrt(3), half) for sign in (-1, 1)]
    q, weight = np.concatenate(points, axis=1)
    k = np.sqrt(K_F**2 - q**2)
    high, low = (multiple_reflections(k, np.sqrt(p**2 - q**2 + 0j), thickness[:, None]) for p in (K_UP, K_DOWN))
    weight = weight * 2 * q / K_F**2
    assert weight.sum() == pytest.approx(1, rel=1e-5, abs=0)
    reflected, transmitted = ((b * a.conj()).real @ weight for a, b in zip(high, low, strict=True))
    return 1 - reflected, 1 - reflected - transmitted


@pytest.mark.parametrize(("start", "error"), [(1.0, 0.05146), (5.0, 0.01632)])
def test_limit_thick_formula_misses_by_a_few_per_cent_of_the_slab(start, error):
    # Largest relative error in the period 2 pi/(k_up - k_down) after the start; the steps in d cost 4e-4 of it.
    thickness = np.arange(start, start + 2 * np.pi / (K_UP - K_DOWN), 0.01)
    thick, exact = slab_conductances(thickness)
    errors = np.abs(thick / exact - 1)
    assert errors.max() == pytest.approx(error, rel=2e-3, abs=0)
    # By the package at the worst thickness: 30 wires of 60 modes; with fewer the resonances of the slab are missed.
    worst, modes, wires = thickness[errors.argmax()], 60, 30
    total = np.zeros(2)
    for wire in range(wires):
        k = K_F * np.sqrt(1 - (np.arange(modes) + (wire + 0.5) / wires) / modes)
        matrices = []
        for inside in (K_UP, K_DOWN):
            p = np.sqrt(inside**2 - K_F**2 + k**2 + 0j)
            r, t = (np.diag(x) for x in multiple_reflections(k, p, worst))
            matrices.append(np.block([[r, t], [t, r]]))
        for place, flag in enumerate((False, True)):
            contact = InterfaceConductance.from_scattering(*matrices, modes, transmission=flag)
            total[place] += contact.mixing.real / contact.sharvin
    assert abs(total[0] / total[1] - 1) == pytest.approx(error, rel=0.02, abs=0)


@pytest.mark.parametrize(("d", "size"), [(1e-6, 1e-9), (0.5, None)])
def test_limit_thin_slab_pumps_nothing(d, size):
    # One mode, k = 13.6/nm, inside 10.9 and 4.3: with the transmitted electrons G vanishes with d, without it is G_Sh.
    high, low = (np.array([slab_amplitudes(13.6, p, d)[i] for i in (0, 1)]) for p in (10.9, 4.3))
    matrices = [np.array([[r, t], [t, r]]) for r, t in (high, low)]
    exact, thick = (InterfaceConductance.from_scattering(*matrices, 1, transmission=flag) for flag in (True, False))
    if size is None:
        assert abs(thick.mixing - exact.mixing) == pytest.approx(abs(high[1] * low[1]) * E**2 / H, rel=1e-7, abs=0)
    else:
        assert exact.mixing.real / exact.sharvin < size
        assert thick.mixing.real / thick.sharvin == pytest.approx(1, abs=size)


def test_limit_waves_reflected_twice_overtake_the_law_of_the_slab_beyond_a_micrometre():
    # Stationary at p_up = 3 p_down: T_up T_down r_up^2 sqrt(2 pi/phi'')/k_F^2 over root d, phi = p_down - 3 p_up.
    k_f, k_up, k_down = 13.6, 10.9, 4.3
    x0 = (9 * k_down**2 - k_up**2) / 8
    k, p_up, p_down = (np.sqrt(each**2 - x0) for each in (k_f, k_up, k_down))
    passed = 16 * k**2 * p_up * p_down / ((k + p_up) * (k + p_down)) ** 2
    curvature = 3 / 4 / p_up**3 - 1 / 4 / p_down**3
    twice = passed * ((k - p_up) / (k + p_up)) ** 2 * np.sqrt(2 * np.pi / abs(curvature)) / k_f**2
    kappa = (1 / k_down - 1 / k_up) / 2
    end = np.prod([4 * k_f * each / (k_f + each) ** 2 for each in (k_up, k_down)]) / (k_f**2 * kappa)

    # Modes that pass both spins, x = q^2 from 0 to k_down^2, ten Gauss points per panel, dense at both ends.
    points, weights = np.polynomial.legendre.leggauss(10)
    panels = 24000  # waves with q near k_down are reflected many times
    half = np.pi / 4 / panels
    angle = (half * (2 * np.arange(panels)[:, None] + 1 + points)).ravel()
    x, weight = (k_down * np.sin(angle)) ** 2, np.tile(half * weights, panels) * k_down**2 * np.sin(2 * angle) / k_f**2

    def amplitude(inside, d):
        outside, inner = np.sqrt(k_f**2 - x), np.sqrt(inside**2 - x)
        r, phase = (outside - inner) / (outside + inner), np.exp(1j * inner * d)
        return (1 - r**2) * phase / (1 - (r * phase) ** 2)

    # Root of the mean square over eight periods, in units of the law 1/d. Higher reflections leave a few per cent.
    for start in (100.0, 1000.0, 3000.0):
        ds = start + 8 * 2 * np.pi / (k_up - k_down) * np.arange(32) / 32
        terms = [np.sum(weight * amplitude(k_down, d) * amplitude(k_up, d).conj()) for d in ds]
        found = np.sqrt(np.mean(np.abs(terms) ** 2)) / (end / start)
        assert found == pytest.approx(np.hypot(1, twice * np.sqrt(start) / end), rel=0.06, abs=0)
    assert twice / np.sqrt(1e3) == pytest.approx(end / 1e3, rel=0.1, abs=0)  # equal at about a micrometre
