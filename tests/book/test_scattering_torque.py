"""KK (14)-(19): every equation against a route that does not use it, and the printed form with its miss."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.constants as si
import sympy as sp

from spinlib.scattering.closed_forms import (
    dirty_spacer_torque,
    perfect_filter,
    weak_filter_torque,
)
from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.stack import normal_metal, transport
from tests.book.scattering_junction import (
    CHANNELS,
    F_A,
    F_B,
    SPACER,
    UNPOLARISED,
    averaged_blocks,
    averaged_kron,
    channel_blocks,
    complex_layers,
    dense_torque,
    hats,
    layer,
    omega,
    sigma_rows,
)
from tests.spinlib.scattering.routes import (
    SIGMA,
    Magnet,
    dense_averaged,
    dense_solution,
    spacer_blocks,
)


def test_paper_KK_14():
    expected = dense_torque()
    o, rows = hats(), sigma_rows()

    def trace(matrix):
        # First and fourth row of Sigma hold the row s, the others vanish: Tr_4 = s . (column 1 + column 4).
        return np.array([np.trace(np.outer([1, 0, 0, 1], s) @ matrix).real for s in rows])

    np.testing.assert_allclose(trace(o), expected, atol=1e-13)
    np.testing.assert_allclose(
        transport([layer(F_B), normal_metal(SPACER), layer(F_A)], source="right").torque[0], expected, atol=1e-13
    )
    # Printed: Omega^dagger, source and detector exchanged: the charge that moves left beside F_b when the source emits
    # the spin that F_b would absorb. That is another quantity, computed here from the boundary problem.
    assert trace(o.conj().T)[0] == pytest.approx(exchanged_torque(F_B, F_A, SPACER), rel=1e-12, abs=0)
    assert trace(o.conj().T)[0] / expected[0] - 1 == pytest.approx(0.579, abs=0.001)
    # Real mixing does not save the printed form.
    b, a = Magnet.aligned(0.45, 0.2), Magnet.aligned(0.55, 0.12, 1.1)
    expected, o, rows = dense_torque(b, a), hats(b, a), sigma_rows(b)
    np.testing.assert_allclose(trace(o), expected, atol=1e-13)
    assert trace(o.conj().T)[0] == pytest.approx(exchanged_torque(b, a, SPACER), rel=1e-12, abs=0)
    assert trace(o.conj().T)[0] / expected[0] - 1 == pytest.approx(0.111, abs=0.001)
    # Perfect filters: too large by the factor of the next test.
    for n in (0.3, 0.7, 1.0):
        for theta in (0.4, 1.3, 2.8):
            b, a = Magnet(1, 0, 0, 0, 0, 0), Magnet(1, 0, 0, 0, 0, 0, theta)
            expected, o, rows = dense_torque(b, a, n), hats(b, a, n), sigma_rows(b)
            np.testing.assert_allclose(trace(o), expected, atol=1e-13)
            assert trace(o.conj().T)[0] / expected[0] == pytest.approx(1 + 1 / n + np.cos(theta), rel=1e-11, abs=0)


def exchanged_torque(b, a, n):
    """Return 2 x_0 of the left movers beside F_b for a source that emits Re A sigma_x + Im A sigma_y alone."""
    absorbed = 1 - b.rho_right - b.tau_right
    density = (np.real(absorbed) * SIGMA[1] + np.imag(absorbed) * SIGMA[2]).reshape(4)
    _, left = dense_solution([b.blocks(), spacer_blocks(n), a.blocks()], np.zeros(4, dtype=complex), density)
    return float((left[1][0] + left[1][3]).real.item())


def perfect_filter_omega(u, n):
    """Return averaged Omega of two perfect filters in (charge, x, z), u = tan(theta/2), by eliminating KK's regions."""
    cos, sin = (1 - u**2) / (1 + u**2), 2 * u / (1 + u**2)
    turn = sp.Matrix([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    passes, reflects = (sp.Matrix([[1, 0, k], [0, 0, 0], [k, 0, 1]]) / 2 for k in (1, -1))
    one = sp.eye(3)
    # f_1 = t_a f_0 + r_a' b_1, b_1 = r_N f_1 + t_N b_2, f_2 = t_N f_1 + r_N b_2, b_2 = r_b f_2.
    from_spacer = ((one - (1 - n) * reflects).inv() * n).applyfunc(sp.cancel)
    back = ((1 - n) * one + n * reflects * from_spacer).applyfunc(sp.cancel)
    closed_loop = (one - turn * reflects * turn.T * back).applyfunc(sp.cancel)
    f1 = (closed_loop.adjugate() * turn * passes * turn.T).applyfunc(sp.cancel) / sp.cancel(closed_loop.det())
    return (from_spacer * f1).applyfunc(sp.cancel)


def test_paper_KK_14_dagger_for_perfect_filters():
    u, n = sp.symbols("u n", positive=True)
    o = perfect_filter_omega(u, n)
    # F_b absorbs all of x, so T_x is twice the element (x, charge); the dagger takes (charge, x) instead.
    cos = (1 - u**2) / (1 + u**2)
    assert sp.cancel(o[0, 1] / o[1, 0] - (1 + 1 / n + cos)) == 0


def mixed_term(row):
    """Return T_x - i T_y of KK (15) with the given row of Omega (1, 2, 3 or 4)."""
    o = hats()
    absorbed = 1 - F_B.rho_right - F_B.tau_right
    value = (o[row - 1, 0] + o[row - 1, 3]) * absorbed
    return 2 * value


def test_paper_KK_15():
    expected = dense_torque()
    z = mixed_term(2)
    np.testing.assert_allclose([z.real, -z.imag], expected[:2], atol=1e-13)
    # Row 3 belongs to r* (x) r. With r (x) r* it is the conjugate w* of row 2 and misses T_x by 4 Im w Im A, here 53 %;
    # w, from the boundary problem, is X_ud of the left movers beside F_b.
    _, left = dense_solution(
        [F_B.blocks(), spacer_blocks(SPACER), F_A.blocks()], np.zeros(4, dtype=complex), UNPOLARISED.astype(complex)
    )
    w, absorbed = left[1][1].item(), 1 - F_B.rho_right - F_B.tau_right
    misplaced = mixed_term(3).real
    assert misplaced - expected[0] == pytest.approx(4 * w.imag * absorbed.imag, rel=1e-11, abs=0)
    assert misplaced / expected[0] - 1 == pytest.approx(-0.532, abs=0.001)
    # Real reflection mixing makes w real: then nobody sees the difference, whatever the transmission mixing.
    a = Magnet(0.5, 0.1, 0.3, 0.2j, -0.4, 0.1 - 0.1j, 1.1)
    b = Magnet(0.4, 0.2, 0.5, 0.2, 0.1, 0.15 - 0.2j)
    o = hats(b, a)
    np.testing.assert_allclose(o[1, 0] + o[1, 3], o[2, 0] + o[2, 3], atol=1e-14)
    assert abs(dense_torque(b, a)[1]) > 0.01


def printed_sigma_hat(b):
    """Return KK's Sigma-hat of 2.3.1: rows 1 and 4 are (S_uu, S_ud, S_du, S_dd), rows 2 and 3 vanish."""
    taken = [channel_blocks(m) for m in (b.t_prime, b.r_prime)]
    spins = [s - sum(np.einsum("kba,bc,kcd->ad", m.conj(), s, m) for m in taken) / CHANNELS for s in SIGMA[1:]]
    return [np.outer([1, 0, 0, 1], s.reshape(4)) for s in spins]


def test_paper_KK_15_index_3_goes_with_the_printed_sigma_hat():
    b, a = complex_layers()
    torques, rows = {}, {}
    for conjugate_first in (True, False):
        r_prime_b, r_a, t_prime_a = (
            averaged_kron(m, conjugate_first=conjugate_first) for m in (b.r_prime, a.r, a.t_prime)
        )
        r_n, t_prime_n, t_n, r_prime_n = spacer_blocks(SPACER)
        o = omega(r_n, r_prime_n, t_n, t_prime_n, r_prime_b, r_a, t_prime_a)
        torques[conjugate_first] = np.array([np.trace(s @ o).real for s in printed_sigma_hat(b)])
        rows[conjugate_first] = o[:, 0] + o[:, 3]
    hats_b, hats_a = averaged_blocks(b), averaged_blocks(a)
    currents = dense_averaged([hats_b, spacer_blocks(SPACER), hats_a], "right")
    expected = currents[0, 1:] - currents[1, 1:]
    assert np.abs(expected[:2]).min() > 1e-3
    # With r* (x) r the printed Sigma-hat, without the dagger of KK (14), and the printed index 3 are both right.
    np.testing.assert_allclose(torques[True], expected, atol=1e-13)
    up, down = slice(None, CHANNELS), slice(CHANNELS, None)
    kept = sum(np.trace(m[up, up] @ m[down, down].conj().T) for m in (b.r_prime, b.t_prime)) / CHANNELS
    np.testing.assert_allclose(2 * (rows[True][2] * (1 - kept)).real, expected[0], atol=1e-13)
    # With r (x) r* both miss T_x, by the same amount.
    miss = 4 * rows[False][1].imag * (1 - kept).imag
    assert miss / expected[0] == pytest.approx(-0.042, abs=0.001)
    assert torques[False][0] - expected[0] == pytest.approx(miss, rel=1e-10, abs=0)
    assert 2 * (rows[False][2] * (1 - kept)).real - expected[0] == pytest.approx(miss, rel=1e-10, abs=0)


def test_paper_KK_15_conductance():
    currents = dense_averaged([F_B.blocks(), spacer_blocks(SPACER), F_A.blocks()], "right")
    _, t_prime_b, _, _ = F_B.blocks()
    through = t_prime_b @ hats()
    g = (through[0, 0] + through[0, 3] + through[3, 0] + through[3, 3]).real
    np.testing.assert_allclose(currents[:, 0], -g, rtol=1e-12)
    result = transport([layer(F_B), normal_metal(SPACER), layer(F_A)], source="right")
    np.testing.assert_allclose(result.charge_current, -g, rtol=1e-12)
    assert result.conductance == pytest.approx(g, rel=1e-12, abs=0)
    # One open channel of two spins conducts the conductance quantum, 2 e^2/h; the printed prefactor N/h lacks e^2.
    quantum, open_channel = si.physical_constants["conductance quantum"][0], transport([normal_metal(1.0)]).conductance
    assert open_channel * si.e**2 / si.h == pytest.approx(quantum, rel=1e-8, abs=0)
    assert open_channel / si.h / quantum == pytest.approx(1 / si.e**2, rel=1e-8, abs=0)


def test_paper_KK_16():
    left, right = dense_torque(source="left"), dense_torque(source="right")
    np.testing.assert_allclose(left, -right, atol=1e-13)
    assert np.abs(right).max() > 0.01
    stack = [layer(F_B), normal_metal(SPACER), layer(F_A)]
    np.testing.assert_allclose(transport(stack).torque, -transport(stack, source="right").torque, atol=1e-13)
    # Equal voltages exert no torque; with the printed d tau/d V_3 = + d tau/d V_0 the sum would be 2 T instead.
    equilibrium = dense_torque(source="both")
    np.testing.assert_allclose(equilibrium, 0, atol=1e-13)
    np.testing.assert_allclose(left + right, equilibrium, atol=1e-13)
    printed_left = +right
    np.testing.assert_allclose(printed_left + right - equilibrium, 2 * right, atol=1e-13)
    # Sample by sample only the in-plane part obeys it (spin-conserving magnets, scalar spacer).
    b, a = complex_layers()
    sample = [b, random_spacer(np.full(CHANNELS, SPACER), 20, seed=3), a]
    both = transport(sample).torque[:, 0] + transport(sample, source="right").torque[:, 0]
    np.testing.assert_allclose(both[:, [0, 2]], 0, atol=1e-12)
    assert np.abs(both[:, 1]).max() > 1e-3


def test_paper_KK_17():
    u, n = sp.symbols("u n", positive=True)  # u = tan(theta/2); s_y decouples: charge, x, z
    cos, sin = (1 - u**2) / (1 + u**2), 2 * u / (1 + u**2)
    arriving = perfect_filter_omega(u, n)[:, 0]
    # F_b absorbs x and passes the up spins.
    torque, g = sp.cancel(2 * arriving[1]), sp.cancel(arriving[0] + arriving[2])
    assert sp.cancel(torque - 2 * n * sin / (3 + cos)) == 0
    assert sp.cancel(g - 4 * n / (1 + u**2) / (3 + cos)) == 0
    assert sp.cancel(torque / g - u) == 0
    for value in (0.3, 1.0):
        closed, conductance = perfect_filter(1.1, value)
        filters = Magnet(1, 0, 0, 0, 0, 0), Magnet(1, 0, 0, 0, 0, 0, 1.1)
        np.testing.assert_allclose(dense_torque(*filters, value), closed, atol=1e-14)
        numbers = {u: np.tan(0.55), n: value}
        solved = [float(torque.subs(numbers)), float(g.subs(numbers))]
        np.testing.assert_allclose(solved, [closed[0], conductance], rtol=1e-12)
    # The text available to us has cos(theta) for cos^2(theta/2): at 90 degrees it gives 0 instead of 2n/3.
    assert perfect_filter(np.pi / 2, 1.0)[1] == pytest.approx(2 / 3, rel=1e-12, abs=0)


def test_paper_KK_18():
    a, b, n, theta = 0.55, 0.35, 0.4, 1.1
    for delta, deviation in ((0.1, -1.3e-2), (0.01, -1.3e-4), (0.001, -1.3e-6)):
        magnets = Magnet.aligned(b + delta, b - delta), Magnet.aligned(a + delta, a - delta, theta)
        exact = dense_torque(*magnets, n)
        closed = weak_filter_torque(theta, n, a, delta, b, delta)[0]
        assert exact[0] / closed - 1 == pytest.approx(deviation, rel=0.05, abs=0)
        g_n, g_a, g_b = n, a, b  # N = 1
        bracket = (g_a * g_b + g_n * (g_a + g_b - 2 * g_a * g_b)) ** 2
        printed = np.sin(theta) / 2 / (1 - g_b) * g_n**2 * delta * delta**2 / bracket  # in e/2 pi
        # d tau/d V_0 = -(eN/4 pi) T: the printed sign misses by a factor -1.
        assert printed / (-exact[0] / 2) == pytest.approx(-1, abs=0.02)
        np.testing.assert_allclose(exact[1:], 0, atol=1e-15)
    # Complex mixing adds a torque of first order in the phase: the restriction to aligned phases is real.
    turned = Magnet(b + 0.01, b - 0.01, 0.64j, 0.34, 0.64j, 0.34)
    exact = dense_torque(turned, Magnet.aligned(a + 0.01, a - 0.01, theta), n)
    assert abs(exact[0] / weak_filter_torque(theta, n, a, 0.01, b, 0.01)[0]) > 100


def test_paper_KK_19():
    theta = F_A.theta
    deviations = []
    for n in (1e-3, 1e-4, 1e-5):
        exact = dense_torque(n=n)
        closed = dirty_spacer_torque(theta, n, F_A.up, F_A.down, F_B.rho_right, F_B.tau_right)
        deviations.append((exact - closed)[:2] / np.hypot(*closed[:2]))
    # Error linear in n.
    np.testing.assert_allclose(deviations[0], 10 * deviations[1], rtol=0.03)
    np.testing.assert_allclose(deviations[1], 10 * deviations[2], rtol=0.03)
    assert np.abs(deviations[0]).max() < 0.02
    # KK gives n^2 sin(theta) only: the power of n and the angle, not the coefficient.
    n, angles = 1e-5, (0.2, 0.9, 1.6, 2.3, 3.0)
    ratio = dense_torque(n=2 * n) / dense_torque(n=n)
    np.testing.assert_allclose(ratio[:2], 4, rtol=1e-3)
    over_sine = [dense_torque(a=replace(F_A, theta=x), n=n)[:2] / np.sin(x) / n**2 for x in angles]
    np.testing.assert_allclose(over_sine, np.broadcast_to(over_sine[0], (5, 2)), rtol=1e-3)
    assert np.abs(over_sine[0]).min() > 0.1
    # Away from the limit the angle is no sine.
    clean = [dense_torque(a=replace(F_A, theta=x), n=1.0)[0] / np.sin(x) for x in angles]
    assert max(clean) / min(clean) > 1.2
