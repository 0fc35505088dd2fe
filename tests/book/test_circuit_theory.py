"""BTBK (3)-(7), (39)-(52), (79), Figs. 1, 3: each against a route that does not use it, and the printed forms' miss."""

import numpy as np
import pytest
import scipy.constants as si
import sympy as sp
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque, spin_valve
from spinlib.conventions import circuit_mixing
from spinlib.scattering.stack import ferromagnet, normal_metal, transport
from spinlib.spin import direction
from spinlib.units import e2_over_h
from tests.spinlib.scattering.routes import SIGMA as PAULI_AND_ONE
from tests.spinlib.scattering.routes import Magnet, random_unitary, series_resistance

SIGMA = PAULI_AND_ONE[1:]
X, Y, Z = np.eye(3)
CASES = range(12)


def unit(rng):
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def slash(vector):
    return np.einsum("i,iab->ab", vector, SIGMA)


def random_contact(rng, scale=1.0):
    up, down, real, imaginary = rng.uniform(0.1, 2.0, 4) * scale
    return InterfaceConductance(up, down, real + 1j * (imaginary - scale))


def matrix_current(m, contact, f_n, f_f):
    """The current as a 2 x 2 matrix in the basis of moments; G_perp stands at u_up f u_down."""
    up, down = (np.eye(2) + slash(m)) / 2, (np.eye(2) - slash(m)) / 2
    return (
        contact.majority * up @ (f_n - f_f) @ up
        + contact.minority * down @ (f_n - f_f) @ down
        + contact.mixing * up @ f_n @ down
        + np.conj(contact.mixing) * down @ f_n @ up
    )


def traces(matrix):
    return np.trace(matrix).real, np.einsum("iab,ba->i", SIGMA, matrix).real


def reflection(s_up, s_down, channels, m):
    """r with rows and columns (n, s), built in the magnet's own frame and turned by spin rotations, not by (47)."""
    theta, phi = np.arccos(m[2]), np.arctan2(m[1], m[0])
    half = np.diag(np.exp([-0.5j * phi, 0.5j * phi])) @ np.array(
        [[np.cos(theta / 2), -np.sin(theta / 2)], [np.sin(theta / 2), np.cos(theta / 2)]]
    )
    turn = np.kron(np.eye(channels), half)
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    own = np.kron(r_up, np.diag([1, 0])) + np.kron(r_down, np.diag([0, 1]))
    return turn @ own @ turn.conj().T


def trace_current(r, voltage):
    """Tr sigma (f - r f r^dagger) by dense Kronecker matrices, in e^2/h."""
    one = np.eye(len(r) // 2)
    f = np.kron(one, slash(voltage))
    kept = f - r @ f @ r.conj().T
    return np.array([np.trace(np.kron(one, s) @ kept).real for s in SIGMA])


def random_interface(seed):
    """Two Haar matrices, Pauli up and down, a number of N channels, an axis and an accumulation."""
    rng = np.random.default_rng(seed)
    channels, others = rng.integers(2, 5, size=2)
    s_up, s_down = random_unitary(channels + others, 100 + seed, (2,))
    return s_up, s_down, int(channels), unit(rng), rng.normal(size=3)


def contact_of(s_up, s_down, channels):
    """Pauli up along m is the minority of a real electron."""
    return InterfaceConductance.from_scattering(s_down, s_up, channels)


# --- Ohm's law and torque -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_3(seed):
    """The spin of the magnet, -(M/gamma) m, gains what the electrons that stay bring: -hbar/2 per moment along it."""
    rng = np.random.default_rng(seed)
    m, current, moment, gamma = unit(rng), rng.normal(size=3), 3.2e-3, 1.9e11
    # One electron per e of current, spin -hbar/2 along its moment; the part along m passes.
    brought = -si.hbar / 2 * (current - m * (m @ current)) / si.e
    torque = spin_transfer_torque(m, current, magnetic_moment=moment, gyromagnetic_ratio=gamma)
    np.testing.assert_allclose(-moment / gamma * torque, brought, rtol=1e-7, atol=1e-7 * np.abs(brought).max())
    # The moments that flow in are those the magnet turns to, so torque and inflow have a positive product.
    assert torque @ current > 0


def test_paper_BTBK_4():
    assert_one_spin(1)


def test_paper_BTBK_5():
    assert_one_spin(-1)


def assert_one_spin(sign):
    """Current of one spin (sign +1: along m) against the matrix current, and the miss of the printed form."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        m, contact, v_n = unit(rng), random_contact(rng), rng.normal(size=3)
        v_c, f_c, f_s = rng.normal(size=3)
        f_n, f_f = v_c * np.eye(2) + slash(v_n), f_c * np.eye(2) + f_s * slash(m)
        current = matrix_current(m, contact, f_n, f_f)
        projected = np.trace((np.eye(2) + sign * slash(m)) / 2 @ current).real
        voltages = {"charge_voltage": v_c, "ferromagnet_voltage": f_c, "ferromagnet_spin_voltage": f_s}
        result = interface_current(m, contact, v_n, **voltages)
        of_spin = (result.charge_current + sign * m @ result.spin_current) / 2
        assert of_spin == pytest.approx(projected, abs=1e-13)
        # Printed: the charge voltage of F in place of its spin accumulation; the miss is -+G (F_c - F_s).
        g = contact.majority if sign > 0 else contact.minority
        printed = g * (v_c - f_c + sign * (m @ v_n - f_c))
        assert printed - projected == pytest.approx(-sign * g * (f_c - f_s), abs=1e-13)
    # All at one voltage: nothing flows. As printed -+G V would.
    rest = interface_current(Z, contact, np.zeros(3), charge_voltage=0.7, ferromagnet_voltage=0.7)
    assert rest.charge_current == 0
    np.testing.assert_array_equal(rest.spin_current, 0)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_6(seed):
    rng = np.random.default_rng(seed)
    m, contact, v_n, v_c, f_c = unit(rng), random_contact(rng), rng.normal(size=3), *rng.normal(size=2)
    charge, spin = traces(matrix_current(m, contact, v_c * np.eye(2) + slash(v_n), f_c * np.eye(2)))
    result = interface_current(m, contact, v_n, charge_voltage=v_c, ferromagnet_voltage=f_c)
    assert result.charge_current == pytest.approx(charge, abs=1e-13)
    np.testing.assert_allclose(result.spin_current, spin, atol=1e-13)
    # The order of the spins in G_perp: its conjugate reverses the part along m x V, a miss of 4 Im G_perp m x V.
    other = InterfaceConductance(contact.majority, contact.minority, np.conj(contact.mixing))
    conjugate = interface_current(m, other, v_n, charge_voltage=v_c, ferromagnet_voltage=f_c)
    np.testing.assert_allclose(
        conjugate.spin_current - spin, 4 * contact.mixing.imag * np.cross(m, v_n), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_7(seed):
    """Torque from the transverse part of the matrix current, by projection and not by cross products."""
    rng = np.random.default_rng(seed)
    m, contact, v_n, moment, gamma = unit(rng), random_contact(rng), rng.normal(size=3), 2e-3, 1.7e11
    _, spin = traces(matrix_current(m, contact, slash(v_n), np.zeros((2, 2))))
    expected = gamma * si.hbar / (2 * si.e * moment) * (spin - m * (m @ spin))
    across = np.cross(m, v_n)
    inner = contact.mixing.real * np.cross(m, across) + contact.mixing.imag * across
    printed = -gamma * si.hbar / (si.e * moment) * inner
    np.testing.assert_allclose(printed, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    found = spin_transfer_torque(
        m,
        interface_current(m, contact, v_n, charge_voltage=0.3).spin_current,
        magnetic_moment=moment,
        gyromagnetic_ratio=gamma,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


def test_paper_BTBK_statement_E18_both_signs_are_right_in_labels_of_their_own():
    """`transport` decides which way electrons turn a magnet; then (3) and (10) are read with four dictionaries."""
    tilt, rho = 1.1, 0.2
    thick = {"reflection_mixing": rho, "transmission_mixing": 0}
    layers = [ferromagnet(0.7, 0.2, theta=tilt, **thick), normal_metal(1), ferromagnet(0.7, 0.2, **thick)]
    fixed, free = direction(tilt), direction(0.0)
    towards = fixed - free * (free @ fixed)
    # Left to right: fixed first. The sign is the same for spins and for moments, the line being linear in the arrows.
    assert transport(layers).torque[2] @ towards > 0.1
    assert transport(layers, source="right").torque[2] @ towards < -0.1

    bare = InterfaceConductance(0.7, 0.2, circuit_mixing(rho), sharvin=1.0)
    swapped = InterfaceConductance(0.2, 0.7, circuit_mixing(rho), sharvin=1.0)
    majority, pauli = bare.sharvin_corrected(), swapped.sharvin_corrected()
    readings = {
        "electrons, majority": (majority, 1.0),
        "charge, majority": (majority, -1.0),
        "charge, Pauli": (pauli, -1.0),
        "electrons, Pauli": (pauli, 1.0),
    }
    scale = {"magnetic_moment": si.hbar / (2 * si.e), "gyromagnetic_ratio": 1.0}
    by_3 = {
        name: spin_transfer_torque(free, spin_valve(fixed, free, c, c, charge_current=i).spin_current2, **scale)
        for name, (c, i) in readings.items()
    }
    exact = transport(layers).torque_per_current[2]  # in hbar/2 per electron
    for name, factor in zip(readings, (1, -1, 1, -1), strict=True):
        np.testing.assert_allclose(by_3[name], factor * exact, rtol=1e-7, atol=1e-12)

    # (10), a texture of perfect filters: between two of them J.n = 1 on both sides, hence -2 tan(delta/2) per filter.
    delta = 0.1
    turns = delta * np.arange(9)
    torque = transport([ferromagnet(1, 0, theta=turn) for turn in turns]).torque_per_current[1:-1]
    slope = direction(turns[1:-1] + np.pi / 2)
    np.testing.assert_allclose(torque, -2 * np.tan(delta / 2) * slope, atol=1e-10)
    # Per electron, in hbar/2 and for small turns: (10) is +P (j.grad) m, the divergence of (3) is -P (I.grad) m.
    for current, polarization, sign_10 in ((-1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, -1, -1)):
        printed_10 = polarization * current * delta * slope
        np.testing.assert_allclose(printed_10, sign_10 * torque, rtol=2e-3, atol=1e-9)
        divergence_3 = -polarization * current * delta * slope
        np.testing.assert_allclose(divergence_3, -sign_10 * torque, rtol=2e-3, atol=1e-9)


# --- from waves to conductances -----------------------------------------------------------------------------------


def current_of_39(measure, level, width, copies=1):
    """e v |psi|^2 of the field (39), energy by energy: the flux of its waves from differences, occupied by f.

    Anticommutators {a(E), a+(E')} = delta(E - E'). ``copies`` is the number of equal terms of a sum inside Psi.
    """
    nodes, weights = np.polynomial.legendre.leggauss(400)
    top = level + 40 * width
    energy, weights = top / 2 * (nodes + 1), top / 2 * weights
    k = np.sqrt(2 * si.m_e * energy) / si.hbar
    speed = si.hbar * k / si.m_e
    step = 1e-3 / k

    def field(x):
        return copies * measure / np.sqrt(speed) * np.exp(1j * k * x)

    slope = (8 * (field(step) - field(-step)) - field(2 * step) + field(-2 * step)) / (12 * step)
    flux = si.hbar / si.m_e * (field(0.0).conj() * slope).imag
    return si.e * np.sum(weights * flux * fermi((energy - level) / width))


def fermi(x):
    return 1 / (1 + np.exp(np.clip(x, None, 700)))


def test_paper_BTBK_39():
    """Measure and sum: the current of the field against levels counted in a box, and against a conductance."""
    # Filled right-moving levels of a ring carry e v/L each; smooth f, so the sum converges.
    length, level, width = 2e-6, 5 * si.e, 0.2 * si.e
    k = 2 * np.pi / length * np.arange(1, 20_000)

    def counted(mu):
        return si.e * np.sum(si.hbar * k / si.m_e * fermi((si.hbar**2 * k**2 / 2 / si.m_e - mu) / width)) / length

    corrected, printed = (2 * np.pi * si.hbar) ** -0.5, (2 * np.pi) ** -0.5
    assert current_of_39(corrected, level, width) == pytest.approx(counted(level), rel=1e-6, abs=0)
    # Printed: a factor hbar (in SI) too small. A sum over sigma, on which nothing depends, doubles the field.
    assert current_of_39(printed, level, width) / counted(level) == pytest.approx(si.hbar, rel=1e-6, abs=0)
    assert current_of_39(corrected, level, width, copies=2) / counted(level) == pytest.approx(4, rel=1e-6, abs=0)
    # One open channel per spin: a bias V raises the levels by e V.
    open_channel = np.array([[0, 1], [1, 0]])
    conductance = InterfaceConductance.from_scattering(open_channel, open_channel, 1).majority
    volt = 1e-2
    for measure, factor in ((corrected, 1.0), (printed, si.hbar)):
        more = current_of_39(measure, level + si.e * volt, width) - current_of_39(measure, level, width)
        assert more / volt / conductance == pytest.approx(factor, rel=1e-6, abs=0)


def test_paper_BTBK_39_wave_number():
    x, y, w, energy, m, hbar = sp.symbols("x y w epsilon m hbar", positive=True)
    n = sp.symbols("n", integer=True, positive=True)
    transverse = hbar**2 * (n * sp.pi / w) ** 2 / (2 * m)

    def residual(k):
        """(H - epsilon) psi / psi of mode n between hard walls."""
        psi = sp.sin(n * sp.pi * y / w) * sp.exp(sp.I * k * x)
        kinetic = -(hbar**2) / (2 * m) * (psi.diff(x, 2) + psi.diff(y, 2))
        return sp.simplify(kinetic / psi - energy)

    assert residual(sp.sqrt(2 * m * (energy - transverse)) / hbar) == 0
    # Printed hbar k = sqrt(2 m epsilon): the energy is off by that of the transverse mode.
    assert sp.simplify(residual(sp.sqrt(2 * m * energy) / hbar) - transverse) == 0


def test_paper_BTBK_40():
    """b = S a for a step: waves matched at the interface, both leads, unit flux."""
    k_left, k_right = 1.0, 0.35
    # psi = (a_N e^{ikx} + b_N e^{-ikx})/sqrt(k) left, (a_F e^{-iqx} + b_F e^{iqx})/sqrt(q) right; psi, psi' continuous.
    of_b = np.array([[k_left**-0.5, -(k_right**-0.5)], [-(k_left**0.5), -(k_right**0.5)]])
    of_a = np.array([[-(k_left**-0.5), k_right**-0.5], [-(k_left**0.5), -(k_right**0.5)]])
    s = np.linalg.solve(of_b, of_a)
    np.testing.assert_allclose(s.T @ s, np.eye(2), atol=1e-14)
    assert s[0, 0] == pytest.approx((k_left - k_right) / (k_left + k_right), rel=1e-12, abs=0)
    contact = InterfaceConductance.from_scattering(s, np.eye(2), 1)
    assert contact.majority / e2_over_h == pytest.approx(
        4 * k_left * k_right / (k_left + k_right) ** 2, rel=1e-12, abs=0
    )


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_statement_after_40_second_row_holds_what_comes_from_the_left(seed):
    """Exchanged, t and t' leave the three conductances alone and change the transmission mixing conductance.

    The printed order with the printed meaning of the primes is a matrix that is no scattering matrix of (40); its
    transpose is, and has the blocks where the text has them.
    """
    rng = np.random.default_rng(seed)
    channels, behind = (int(k) for k in rng.integers(1, 4, 2))
    s_up, s_down = random_unitary(channels + behind, 300 + seed, (2,))
    here, there = slice(channels), slice(channels, None)

    def transmitted(up, down, rows, columns):
        return np.sum(up[rows, columns] * down[rows, columns].conj())

    # Electrons with spin along x leave lead N; what arrives behind the magnet, m along z, by full spin matrices.
    s = np.kron(s_up, np.diag([1, 0])) + np.kron(s_down, np.diag([0, 1]))
    f = np.zeros_like(s)
    f[: 2 * channels, : 2 * channels] = np.kron(np.eye(channels), (np.eye(2) + SIGMA[0]) / 2)
    out = (s @ f @ s.conj().T)[2 * channels :, 2 * channels :]
    x, y = (np.trace(np.kron(np.eye(behind), sigma) @ out).real for sigma in SIGMA[:2])
    from_left, from_right = transmitted(s_up, s_down, there, here), transmitted(s_up, s_down, here, there)
    assert x - 1j * y == pytest.approx(from_left, abs=1e-12)
    assert abs(from_left - from_right) > 0.01

    def contacts(up, down):
        return [InterfaceConductance.from_scattering(down, up, channels, transmission=thin) for thin in (False, True)]

    thick, thin = contacts(s_up, s_down)
    other_thick, other_thin = contacts(s_up.T, s_down.T)
    for name in ("majority", "minority", "mixing"):
        assert getattr(other_thick, name) == pytest.approx(getattr(thick, name), rel=1e-12, abs=0)
    assert (thick.mixing - thin.mixing) / e2_over_h == pytest.approx(from_right, abs=1e-12)
    assert (other_thick.mixing - other_thin.mixing) / e2_over_h == pytest.approx(from_left, abs=1e-12)
    # A symmetric S, time reversal of the orbits, does not notice.
    even_up, even_down = s_up @ s_up.T, s_down @ s_down.T
    both = [transmitted(even_up, even_down, *blocks) for blocks in ((there, here), (here, there))]
    assert both[0] == pytest.approx(both[1], abs=1e-12)


def flux_matrix(s, channels, component):
    """A of (41) for lead N at equal energies, index by index: rows (beta m sigma), columns (gamma l sigma')."""
    size = len(s)
    delta = np.eye(size)
    a = np.zeros((size, size), dtype=complex)
    for n in range(channels):
        for spin in range(2):
            for other in range(2):
                row, column = 2 * n + spin, 2 * n + other
                weight = SIGMA[component][spin, other]
                a += weight * (np.outer(delta[row], delta[column]) - np.outer(s[row].conj(), s[column]))
    return a


def test_paper_BTBK_41():
    """Expectation values in random superpositions: spin of what comes minus spin of what goes."""
    channels, size = 2, 10
    s = random_unitary(size, 11)
    rng = np.random.default_rng(2)
    for component in range(3):
        a_matrix = flux_matrix(s, channels, component)
        np.testing.assert_allclose(a_matrix, a_matrix.conj().T, atol=1e-14)
        for _ in range(5):
            a = rng.normal(size=size) + 1j * rng.normal(size=size)
            b = s @ a
            coming, going = (v[: 2 * channels].reshape(channels, 2) for v in (a, b))
            expected = sum(
                (v.conj() @ SIGMA[component] @ v).real * sign for pair, sign in ((coming, 1), (going, -1)) for v in pair
            )
            assert (a.conj() @ a_matrix @ a).real == pytest.approx(expected, rel=1e-12, abs=0)


def test_paper_BTBK_41_cross_terms():
    """The terms a+ b of the current operator are of first order in k_1 - k_2."""
    x, k1, k2 = sp.symbols("x k_1 k_2", positive=True)
    waves = {"a": lambda k: sp.exp(sp.I * k * x) / sp.sqrt(k), "b": lambda k: sp.exp(-sp.I * k * x) / sp.sqrt(k)}

    def flux(left, right):
        psi, chi = sp.conjugate(waves[left](k1)), waves[right](k2)
        return sp.simplify((psi * chi.diff(x) - psi.diff(x) * chi) / (2 * sp.I))

    assert sp.simplify(flux("a", "a").subs(k2, k1) - 1) == 0
    assert sp.simplify(flux("b", "b").subs(k2, k1) + 1) == 0
    phase = sp.exp(-sp.I * (k1 + k2) * x)
    for pair, expected in (("ab", (k1 - k2) * phase), ("ba", (k2 - k1) / phase)):
        assert sp.simplify(flux(*pair) - expected / (2 * sp.sqrt(k1 * k2))) == 0


def test_paper_BTBK_42():
    """Equilibrium carries nothing: with (42) in both leads the trace of A vanishes, since S is unitary."""
    channels, size = 2, 10
    s = random_unitary(size, 7)
    for component in range(3):
        assert abs(np.trace(flux_matrix(s, channels, component))) < 1e-13
    # Without the term of the other lead something would: lead N alone in equilibrium.
    alone = flux_matrix(s, channels, 2)[: 2 * channels, : 2 * channels]
    assert abs(np.trace(alone)) > 0.05


def annihilators(modes):
    """Fermion operators on the Fock space, by Jordan and Wigner."""
    lower, string = np.array([[0, 1], [0, 0]]), np.diag([1, -1])
    operators = []
    for mode in range(modes):
        operator = np.eye(1)
        for place in range(modes):
            factor = string if place < mode else lower if place == mode else np.eye(2)
            operator = np.kron(operator, factor)
        operators.append(operator)
    return operators


def test_paper_BTBK_43():
    """One electron with spin along n in each of two modes: <a+_s a_s'> is |chi><chi| with the indices s' s."""
    a = annihilators(4)  # (n, s) = 0u 0d 1u 1d
    n = unit(np.random.default_rng(4))
    theta, phi = np.arccos(n[2]), np.arctan2(n[1], n[0])
    chi = np.array([np.cos(theta / 2), np.sin(theta / 2) * np.exp(1j * phi)])
    state = np.eye(16)[0]
    for mode in (0, 1):
        state = (chi[0] * a[2 * mode].conj().T + chi[1] * a[2 * mode + 1].conj().T) @ state
    expectation = np.array([[state.conj() @ p.conj().T @ q @ state for q in a] for p in a])
    f = np.outer(chi, chi.conj())
    np.testing.assert_allclose(expectation, np.kron(np.eye(2), f.T), atol=1e-14)
    np.testing.assert_allclose(np.einsum("iab,ba->i", SIGMA, f).real, n, atol=1e-14)
    # The other order of the indices would mirror the accumulation at the xz plane.
    np.testing.assert_allclose(np.einsum("iab,ab->i", SIGMA, f).real, n * [1, -1, 1], atol=1e-14)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 2.0])
def test_paper_BTBK_44(temperature):
    """Fermi functions at +-mu for the two spins: their integrals are e V at any temperature, half the splitting."""
    mu = 0.7

    def occupied(energy, level):
        return 0.5 * (1 - np.tanh((energy - level) / (2 * temperature)))

    limit = 40 * temperature + 2
    shifts = [
        quad(lambda e, s=s: occupied(e, s * mu) - occupied(e, 0.0), -limit, limit, points=[-mu, 0, mu], limit=400)[0]
        for s in (1, -1)
    ]
    np.testing.assert_allclose(shifts, [mu, -mu], atol=1e-9)
    f = np.diag(shifts)
    voltage = np.einsum("iab,ba->i", SIGMA, f).real / 2
    np.testing.assert_allclose(slash(voltage), f, atol=1e-9)
    assert voltage[2] == pytest.approx((shifts[0] - shifts[1]) / 2, rel=1e-12, abs=0)


def test_paper_BTBK_45():
    """The Fermi function of degenerate modes of two spins is f times the unit matrix in modes and spins."""
    modes, occupation = 5, 0.37
    # Second route: occupations of the eigenstates in any other basis of the degenerate level.
    basis = random_unitary(2 * modes, 21)
    exact = (basis * occupation) @ basis.conj().T

    def literal(delta):
        values = [
            delta(n, m, s, t) * occupation for n in range(modes) for s in (0, 1) for m in range(modes) for t in (0, 1)
        ]
        return np.array(values).reshape(2 * modes, 2 * modes)

    corrected = literal(lambda n, m, s, t: (n == m) * (s == t))
    printed = literal(lambda n, m, s, t: (m == s) * (t == s))
    np.testing.assert_allclose(corrected, exact, atol=1e-14)
    # Printed: mode m is compared with spin s. The matrix does not depend on n, is not Hermitian, and its trace counts
    # 2 states where there are 2 N.
    assert np.abs(printed - printed.T).max() == pytest.approx(occupation, rel=1e-12, abs=0)
    assert np.trace(printed) / np.trace(exact) == pytest.approx(1 / modes, rel=1e-12, abs=0)
    # The current out of lead F that these occupations drive, (41) with 1 for sigma, is what both spins transmit.
    channels = 3
    s_up, s_down = random_unitary(channels + modes, 22, (2,))
    contact = contact_of(s_up, s_down, channels)
    s = np.kron(s_up, np.diag([1, 0])) + np.kron(s_down, np.diag([0, 1]))
    back = s[2 * channels :, 2 * channels :]
    passes = np.eye(2 * modes) - back.conj().T @ back

    def current(filled):
        return np.sum(passes * filled)

    assert current(corrected) == pytest.approx(occupation * contact.total / e2_over_h, rel=1e-12, abs=0)
    # Printed: for each spin s only the column m = s of its t+t, summed over n; the current is not even real.
    columns = [(a[:channels, channels:].conj().T @ a[:channels, channels:])[:, s] for s, a in enumerate((s_up, s_down))]
    assert current(printed) == pytest.approx(occupation * np.sum(columns), rel=1e-12, abs=0)
    assert abs(current(printed) / current(corrected) - 1) > 0.2
    assert abs(current(printed).imag) > 1e-3


CORRECTED_46, PRINTED_46 = "nsma,ntmb,ist,ba->i", "nsma,ntlb,iab,ba->i"


def literal_46(r, voltage, subscripts):
    channels = len(r) // 2
    f = slash(voltage)
    tensor = r.reshape(channels, 2, channels, 2)
    reflected = np.einsum(subscripts, tensor.conj(), tensor, SIGMA, f, optimize=True)
    return (channels * 2 * voltage - reflected).real


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_46(seed):
    s_up, s_down, channels, m, voltage = random_interface(seed)
    r = reflection(s_up, s_down, channels, m)
    # Independent: expectation of (41) with the occupation (43) in N, index by index on the full S.
    size = len(s_up)
    axis = slash(m)
    whole = np.kron((s_up + s_down) / 2, np.eye(2)) + np.kron((s_up - s_down) / 2, axis)
    filled = np.zeros((2 * size, 2 * size), dtype=complex)
    filled[: 2 * channels, : 2 * channels] = np.kron(np.eye(channels), slash(voltage))
    expected = [np.sum(flux_matrix(whole, channels, i) * filled.T).real for i in range(3)]
    np.testing.assert_allclose(literal_46(r, voltage, CORRECTED_46), expected, atol=1e-12)
    np.testing.assert_allclose(trace_current(r, voltage), expected, atol=1e-12)


def test_paper_BTBK_46_printed_form_depends_on_the_axes():
    s_up, s_down = random_unitary(2, 31, (2,))
    kept = 1 - abs(s_up[0, 0]) ** 2
    voltage = np.array([0.3, -0.4, 0.8])
    along_z, along_x = (reflection(s_up, s_down, 1, axis) for axis in (Z, X))
    # One mode, m along z: the printed spin indices do no harm.
    np.testing.assert_allclose(literal_46(along_z, voltage, PRINTED_46), trace_current(along_z, voltage), atol=1e-14)
    # m along x: sum_s r_(s sigma) = r_up for both sigma, so all three conductances become 2 (1 - |r_up|^2).
    np.testing.assert_allclose(literal_46(along_x, voltage, PRINTED_46), 2 * kept * voltage, atol=1e-14)
    assert np.abs(2 * kept * voltage - trace_current(along_x, voltage)).max() > 0.1
    # Several modes: the free index l adds the products of different incoming modes, here the whole of them.
    s_up, s_down, channels, _, _ = random_interface(1)
    r = reflection(s_up, s_down, channels, Z)
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    miss = (trace_current(r, Z) - literal_46(r, Z, PRINTED_46))[2]
    mixed = sum(np.sum(np.abs(b.sum(axis=1)) ** 2 - np.sum(np.abs(b) ** 2, axis=1)) for b in (r_up, r_down))
    assert miss == pytest.approx(mixed, rel=1e-11, abs=0)
    assert abs(mixed) > 0.1


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_47(seed):
    s_up, s_down, channels, m, _ = random_interface(seed)
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    found = np.kron((r_up + r_down) / 2, np.eye(2)) + np.kron((r_up - r_down) / 2, slash(m))
    np.testing.assert_allclose(found, reflection(s_up, s_down, channels, m), atol=1e-14)
    assert_block_of_unitary(found, s_up, s_down, channels, m)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_48(seed):
    s_up, s_down, channels, m, _ = random_interface(seed)
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    # Read both parts off the turned amplitudes by traces over spin; they are all there is.
    turned = reflection(s_up, s_down, channels, m).reshape(channels, 2, channels, 2)
    charge = np.einsum("nsms->nm", turned) / 2
    spin = np.einsum("st,ntms->nm", slash(m), turned) / 2
    np.testing.assert_allclose(charge, (r_up + r_down) / 2, atol=1e-14)
    np.testing.assert_allclose(spin, (r_up - r_down) / 2, atol=1e-14)
    whole = np.einsum("nm,st->nsmt", charge, np.eye(2)) + np.einsum("nm,st->nsmt", spin, slash(m))
    np.testing.assert_allclose(whole, turned, atol=1e-14)
    # In these letters G_up - G_down = -4 Re Tr r_c r_s^dagger and Re G_mix = N - Tr(|r_c|^2 - |r_s|^2).
    contact = contact_of(s_up, s_down, channels)
    split = (contact.minority - contact.majority) / e2_over_h
    assert split == pytest.approx(-4 * np.vdot(spin, charge).real, abs=1e-12)
    apart = np.linalg.norm(charge) ** 2 - np.linalg.norm(spin) ** 2
    assert contact.mixing.real / e2_over_h == pytest.approx(channels - apart, rel=1e-12, abs=0)


def assert_block_of_unitary(found, s_up, s_down, channels, m):
    """The rest of the flux is transmitted, spin by spin."""
    lost = np.eye(2 * channels) - found.conj().T @ found
    t = np.kron(s_up[channels:, :channels], (np.eye(2) + slash(m)) / 2)
    t = t + np.kron(s_down[channels:, :channels], (np.eye(2) - slash(m)) / 2)
    np.testing.assert_allclose(lost, t.conj().T @ t, atol=1e-13)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_49(seed):
    s_up, s_down, channels, m, voltage = random_interface(seed)
    expected = trace_current(reflection(s_up, s_down, channels, m), voltage)
    contact = contact_of(s_up, s_down, channels)
    found = interface_current(m, contact, voltage).spin_current / e2_over_h
    np.testing.assert_allclose(found, expected, atol=1e-12)
    # The same in the letters of (49).
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    g_sum = 2 * channels - np.sum(np.abs(r_up) ** 2) - np.sum(np.abs(r_down) ** 2)
    mix = channels - np.sum(r_up * r_down.conj())
    across = np.cross(m, voltage)
    written = g_sum * m * (m @ voltage) - 2 * mix.real * np.cross(m, across) - 2 * mix.imag * across
    np.testing.assert_allclose(written, expected, atol=1e-12)


def assert_landauer(conductance, own, channels):
    """Second route: electrons that arrive in F, Landauer's transmission from N."""
    through = np.sum(np.abs(own[channels:, :channels]) ** 2)
    assert conductance / e2_over_h == pytest.approx(through, rel=1e-12, abs=0)
    assert channels - np.sum(np.abs(own[:channels, :channels]) ** 2) == pytest.approx(through, rel=1e-12, abs=0)
    return through


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_50(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    assert_landauer(contact_of(s_up, s_down, channels).minority, s_up, channels)  # the Pauli label


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_51(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    contact = contact_of(s_up, s_down, channels)
    down = assert_landauer(contact.majority, s_down, channels)
    # Printed (51) repeats (50): a polarised beam along m would see 2 G_up, too much by the factor 1 + P.
    up = contact.minority / e2_over_h
    longitudinal = trace_current(reflection(s_up, s_down, channels, Z), Z)[2]
    printed = channels - np.sum(np.abs(s_up[:channels, :channels]) ** 2)
    assert (up + printed) / longitudinal == pytest.approx(1 + (up - down) / (up + down), rel=1e-12, abs=0)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_52(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    r = reflection(s_up, s_down, channels, Z)
    # Second route: response along and across to an accumulation along x.
    x, y, _ = trace_current(r, X) / 2
    expected = x - 1j * y
    mixing = contact_of(s_up, s_down, channels).mixing / e2_over_h
    assert mixing == pytest.approx(expected, rel=1e-11, abs=0)
    # Printed: one sum. With m = n it leaves out the modes that the interface mixes; the miss is their sum.
    r_up, r_down = s_up[:channels, :channels], s_down[:channels, :channels]
    printed = np.sum(1 - np.diag(r_up) * np.diag(r_down).conj())
    mixed = np.sum(r_up * r_down.conj()) - np.sum(np.diag(r_up) * np.diag(r_down).conj())
    assert printed - expected == pytest.approx(mixed, abs=1e-11)
    assert abs(mixed) > 0.01
    # It is no property of the interface either: another basis of the incoming modes changes it, the double sum not.
    turn = random_unitary(channels, 900 + seed)
    r_up, r_down = r_up @ turn, r_down @ turn
    assert channels - np.sum(r_up * r_down.conj()) == pytest.approx(expected, rel=1e-11, abs=0)
    assert abs(np.sum(1 - np.diag(r_up) * np.diag(r_down).conj()) - printed) > 0.01


@pytest.mark.parametrize("seed", CASES)
def test_invariant_twice_the_mixing_exceeds_the_sum(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    contact = contact_of(s_up, s_down, channels)
    squares = np.sum(np.abs((s_up - s_down)[:channels, :channels]) ** 2)
    assert (2 * contact.mixing.real - contact.total) / e2_over_h == pytest.approx(squares, rel=1e-10, abs=0)
    # Exchange of the labels conjugates, a common phase changes nothing.
    assert contact_of(s_down, s_up, channels).mixing == pytest.approx(np.conj(contact.mixing), rel=1e-12, abs=0)
    assert contact_of(1j * s_up, 1j * s_down, channels).mixing == pytest.approx(contact.mixing, rel=1e-12, abs=0)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_79(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    contact, r = contact_of(s_up, s_down, channels), reflection(s_up, s_down, channels, Z)
    one = np.eye(channels)
    for voltage in (X, Y, Z):
        f = np.kron(one, slash(voltage))
        back = np.array([np.trace(np.kron(one, s) @ r @ f @ r.conj().T).real for s in SIGMA])
        real, imaginary = contact.mixing.real, contact.mixing.imag
        a, b = contact.sharvin - real, contact.sharvin - contact.total / 2
        printed = 2 * np.array([[a, -imaginary, 0], [imaginary, a, 0], [0, 0, b]]) @ voltage
        np.testing.assert_allclose(printed / e2_over_h, back, atol=1e-12)
        left_over = 2 * contact.sharvin * voltage - interface_current(Z, contact, voltage).spin_current
        np.testing.assert_allclose(left_over / e2_over_h, back, atol=1e-12)


@pytest.mark.parametrize("seed", CASES)
def test_paper_BTBK_statement_after_79_reflected_spin_needs_both_amplitudes(seed):
    s_up, s_down, channels, _, _ = random_interface(seed)
    contact, r = contact_of(s_up, s_down, channels), reflection(s_up, s_down, channels, Z)
    returned = 2 * channels * X - trace_current(r, X)
    both = (contact.sharvin - contact.mixing) / e2_over_h
    # From the matrix of (79): I_out = 2 (Re G', -Im G') for V along x, with G' = G_Sh - G_perp.
    np.testing.assert_allclose([both.real, -both.imag], returned[:2] / 2, atol=1e-12)
    # Text available to us: one spin only. Real, it misses G_Sh - G_perp by G_perp - G_up.
    one_spin = np.sum(np.abs(s_up[:channels, :channels]) ** 2)
    assert one_spin - both == pytest.approx((contact.mixing - contact.minority) / e2_over_h, rel=1e-9, abs=0)


# --- valve and figures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_invariant_corrected_valve_is_the_averaged_scattering_theory(seed):
    """Charge, spin current in the spacer and torque; complex mixing, unlike layers, any directions."""
    rng = np.random.default_rng(seed)
    layers, sides, arrows, sharvin = [], [], [], 0.58e15
    for place in range(2):
        passes = rng.uniform(0.02, 0.98, 2)
        most = np.sqrt(np.prod(1 - passes))
        left, right = most * rng.random(2) * np.exp(2j * np.pi * rng.random(2))
        theta, phi = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
        layers.append(
            ferromagnet(
                *passes,
                reflection_mixing=left,
                reflection_mixing_right=right,
                transmission_mixing=0,
                theta=theta,
                phi=phi,
            )
        )
        mixing = circuit_mixing((right, left)[place], sharvin=sharvin)
        bare = InterfaceConductance(*(sharvin * passes), mixing, sharvin=sharvin)
        sides.append(bare.sharvin_corrected())
        arrows.append(-direction(theta, phi))  # the moment, against the majority spin
    waves = transport([layers[0], normal_metal(1), layers[1]])
    state = spin_valve(*arrows, *sides, voltage1=1.0)
    assert state.charge_current / sharvin == pytest.approx(float(waves.conductance), rel=1e-12, abs=0)
    np.testing.assert_allclose(state.spin_current2 / sharvin, -waves.spin_current[1], atol=1e-12)
    np.testing.assert_allclose(state.spin_current1 / sharvin, waves.spin_current[1], atol=1e-12)
    across = state.spin_current2 - arrows[1] * (arrows[1] @ state.spin_current2)
    np.testing.assert_allclose(across / sharvin, -waves.torque[2], atol=1e-12)
    # BTBK (3) in SI against the torque per ampere of the stack: (hbar/2e)(T/g) per moment, reversed.
    current = spin_valve(*arrows, *sides, charge_current=1.0)
    torque = spin_transfer_torque(arrows[1], current.spin_current2, magnetic_moment=1.0, gyromagnetic_ratio=1.0)
    expected = -si.hbar / (2 * si.e) * waves.torque_per_current[2]
    np.testing.assert_allclose(torque, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_limit_valve_without_correction_misses_by_one_sharvin_resistance_per_spin():
    passes, rho = (0.8, 0.3), 0.05
    bare = InterfaceConductance(*passes, circuit_mixing(rho), sharvin=1.0)
    for theta in (0.0, 0.9, 2.0, np.pi):
        g, torque, _ = series_resistance(Magnet(*passes, rho, 0, rho, 0, theta), 1.0, Magnet(*passes, rho, 0, rho, 0))
        fixed = direction(theta)
        corrected = spin_valve(fixed, Z, *[bare.sharvin_corrected()] * 2, voltage1=1.0)
        assert corrected.charge_current == pytest.approx(g, rel=1e-12, abs=0)
        assert corrected.spin_current2[0] == pytest.approx(torque, abs=1e-12)
    # Antiparallel: each spin meets both interfaces, 1/G_Sh too much; two spins in parallel, 1/2.
    uncorrected = spin_valve(-Z, Z, bare, bare, voltage1=1.0).charge_current
    corrected = spin_valve(-Z, Z, *[bare.sharvin_corrected()] * 2, voltage1=1.0).charge_current
    assert 1 / uncorrected - 1 / corrected == pytest.approx(0.5, rel=1e-12, abs=0)


def test_limit_resistance_of_the_symmetric_valve():
    """Closed form with complex G_perp against a dense solution of 2 x 2 matrix currents; numbers of the figure."""
    basis = np.array([np.eye(2), *SIGMA])
    for mixing, expected in ((0.425e15, 1.326), (0.9e15, 1.282), (2.5e15, 1.229), (0.9e15 + 0.6e15j, None)):
        contact = InterfaceConductance(1.2e15, 0.5e15, mixing)
        for theta in (0.3, np.pi / 2, 2.9):
            arrows = direction(theta), Z
            columns = []
            for part in basis:
                sums = [traces(matrix_current(m, contact, part, np.zeros((2, 2)))) for m in arrows]
                columns.append([[c, *s] for c, s in sums])
            one, two = np.moveaxis(np.array(columns), 0, -1)
            node = np.linalg.solve(one + two, one @ [1.0, 0, 0, 0])
            conductance = (two @ node)[0]
            t, eta, p = np.tan(theta / 2) ** 2, 2 * contact.mixing / contact.total, contact.polarization
            closed = contact.total / 2 * (1 - p**2 * t / (t + abs(eta) ** 2 / eta.real))
            assert conductance == pytest.approx(closed, rel=1e-12, abs=0)
            state = spin_valve(*arrows, contact, contact, charge_current=1.0)
            assert 1 / state.voltage1 == pytest.approx(closed, rel=1e-12, abs=0)
            if theta == np.pi / 2 and expected:
                assert state.voltage1 * 1e15 == pytest.approx(expected, abs=5e-4)
        ends = [spin_valve(m, Z, contact, contact, charge_current=1.0).voltage1 * 1e15 for m in (Z, -Z)]
        np.testing.assert_allclose(ends, [2 / 1.7, 2 / 1.7 / (1 - (0.7 / 1.7) ** 2)], rtol=1e-12)


def test_limit_spin_flips_in_the_node_kill_magnetoresistance_and_torque():
    contact = InterfaceConductance(1.2, 0.5, 0.9)
    g, p, mixing = 1.7, 0.7 / 1.7, 0.9
    for loss in (0.0, 0.3, 3.4, 200.0):
        for theta in (0.4, 1.9, np.pi):
            state = spin_valve(direction(theta), Z, contact, contact, voltage1=1.0, spin_flip_conductance=loss)
            c = np.cos(theta)
            below = g * (1 - c) + 2 * mixing * (1 + c) + loss
            assert state.charge_current == pytest.approx(g / 2 * (1 - g * p**2 * (1 - c) / below), rel=1e-12, abs=0)
            assert state.spin_current2[0] == pytest.approx(g * p * mixing * np.sin(theta) / below, abs=1e-13)


def test_invariant_asymmetry_of_a_symmetric_valve_is_at_least_one():
    """Lambda >= 1 for bare and corrected conductances of any interface with reflection amplitudes."""
    for seed in range(60):
        s_up, s_down, channels, _, _ = random_interface(seed)
        bare = contact_of(s_up, s_down, channels)
        for contact in (bare, bare.sharvin_corrected()) if bare.mixing.real < 2 * bare.sharvin else (bare,):
            state = spin_valve(direction(1.2), Z, contact, contact, charge_current=1.0)
            # tau/I = P L^2 sin/(L^2 + 1 + (L^2 - 1) cos), read off for L^2.
            ratio = (
                contact.polarization * np.sin(1.2) / np.hypot(*state.spin_current2[:2]) * np.sign(contact.polarization)
            )
            square = (1 - np.cos(1.2)) / (ratio - 1 - np.cos(1.2))
            assert square > 1
            inverse = 2 * (1 / contact.mixing).real / (1 / contact.majority + 1 / contact.minority)
            assert 1 / square == pytest.approx(inverse, rel=1e-8, abs=0)


def test_paper_BTBK_figure_1_torque_points_to_the_accumulation():
    """Arrows of the drawing: torque on m towards V_s, electrons from left to right, for real G_perp along V_perp."""
    contact = InterfaceConductance(1.2e15, 0.5e15, 0.9e15)
    state = spin_valve(direction(2 * np.pi / 3), Z, contact, contact, charge_current=1.0)
    v_s, into = state.spin_voltage, state.spin_current2
    torque = spin_transfer_torque(Z, into, magnetic_moment=si.hbar / (2 * si.e), gyromagnetic_ratio=1.0)
    np.testing.assert_allclose(torque, 2 * 0.9e15 * (v_s - Z * v_s[2]), rtol=1e-7, atol=1e-12)
    # Along m_1 - m_2 and with its length from the node equation.
    along = direction(2 * np.pi / 3) - Z
    expected = along * (v_s @ along) / (along @ along)
    np.testing.assert_allclose(v_s, expected, atol=1e-12 * np.linalg.norm(v_s))
    assert v_s @ along > 0


@pytest.mark.parametrize(
    ("mixing", "square", "height", "degrees"),
    [(0.9e15, 1.275, 0.2325, 96.94), (0.9e15 + 0.6e15j, 1.8417, 0.2794, 107.23)],
)
def test_paper_BTBK_figure_1_data(mixing, square, height, degrees):
    contact = InterfaceConductance(1.2e15, 0.5e15, mixing)
    assert contact.polarization == pytest.approx(0.412, abs=5e-4)

    def torque(theta):
        return spin_valve(direction(theta), Z, contact, contact, charge_current=1.0).spin_current2

    best = minimize_scalar(lambda x: -torque(x)[0], bounds=(1.0, 2.6), method="bounded", options={"xatol": 1e-9})
    assert -best.fun == pytest.approx(height, abs=5e-5)
    assert np.degrees(best.x) == pytest.approx(degrees, abs=5e-3)
    p = contact.polarization
    for theta in (0.5, 1.7, 2.8):
        law = p * square * np.sin(theta) / (square + 1 + (square - 1) * np.cos(theta))
        assert torque(theta)[0] == pytest.approx(law, rel=5e-5, abs=0)
        assert torque(theta)[1] == pytest.approx(0, abs=1e-13)  # in the plane, also for complex G_perp
    # Out-of-plane torque appears as soon as the magnets differ.
    other = InterfaceConductance(1.2e15, 0.3e15, 0.7e15)
    unlike = spin_valve(direction(1.3), Z, other, contact, charge_current=1.0).spin_current2
    assert (abs(unlike[1]) > 1e-3) == (contact.mixing.imag != 0)


def test_paper_BTBK_figure_3_balance_of_a_potential_step():
    """What comes is reflected, passed on or absorbed; transverse channels one by one against the quadrature."""
    split, tilt = 0.5, np.pi / 3

    def mean(function):
        pieces = [(0.0, np.sqrt(split)), (np.sqrt(split), 1.0)]
        return sum(quad(lambda s: 2 * s * function(s), *piece, epsabs=1e-12)[0] for piece in pieces)

    def r(s, sign):
        k = np.sqrt(s**2 + sign * split + 0j)
        return (s - k) / (s + k)

    up, down = (mean(lambda s, sign=sign: 1 - abs(r(s, sign)) ** 2) for sign in (1, -1))
    product = [mean(lambda s, part=part: getattr(r(s, -1) * np.conj(r(s, 1)), part)) for part in ("real", "imag")]
    contact = InterfaceConductance(up, down, 1 - complex(*product), sharvin=1.0)
    entered = interface_current(Z, contact, direction(tilt)).spin_current
    reflected = 2 * direction(tilt) - entered
    np.testing.assert_allclose(reflected, [0.0280, -0.2056, 0.3164], atol=5e-5)
    np.testing.assert_allclose(entered, [1.7041, 0.2056, 0.6836], atol=5e-5)
    # Closed transmissions of the step.
    phi_up, phi_down = np.arcsinh(split**-0.5), np.arcsinh(np.sqrt((1 - split) / split))
    lost = [split / 2 * ((1 - np.exp(-2 * x)) / 2 - (1 - np.exp(-6 * x)) / 6) for x in (phi_up, phi_down)]
    np.testing.assert_allclose([up, down], [1 - lost[0], 1 - split - lost[1]], atol=1e-9)
