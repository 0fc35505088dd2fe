"""WD11 (7)-(15), Fig. 2 and statements F1, F13: each against a route that does not use it; printed forms miss.

Routes: channel potentials and currents carried through a stack by matrix exponentials of 40 digits; ladders of
resistors; chains of cells on which carriers hop, flip and precess; quadrature of the heat.
"""

import mpmath as mp
import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack

E = si.e
NM, UNIT = 1e-9, 1e-15  # m, Ohm m^2
INF = np.inf


# --- routes -----------------------------------------------------------------------------------------------------------


def channels(rho, beta, length):
    """sigma_up, sigma_down and G of Valet-Fert parameters, from rho_up(down) = 2 rho (1 -+ beta)."""
    up, down = (1 / (2 * mp.mpf(rho) * (1 - sign * mp.mpf(beta))) for sign in (1, -1))
    return up, down, 1 / (4 * mp.mpf(rho) * mp.mpf(length) ** 2)


def through(rho, beta, length, thickness):
    """The matrix that carries (V_up, V_down, J_up, J_down) from the left edge of a layer to the right one."""
    up, down, g = channels(rho, beta, length)
    law = mp.matrix([[0, 0, -1 / up, 0], [0, 0, 0, -1 / down], [-g, g, 0, 0], [g, -g, 0, 0]])
    return mp.expm(law * mp.mpf(thickness))


def across(contact, width):
    """The same of a contact (r_b, gamma, delta); one that loses spins is a layer of that width."""
    r, gamma, delta = contact
    if delta:
        return through(mp.mpf(r) / width, gamma, mp.mpf(width) / delta, width)
    step = mp.eye(4)
    step[0, 2], step[1, 3] = (-2 * mp.mpf(r) * (1 - sign * mp.mpf(gamma)) for sign in (1, -1))
    return step


def route(layers, contacts=None, width=0.7):
    """Area resistance, excess and both sides of each interface at J = 1; (rho [1e-6 Ohm m], beta, l [nm], t [nm])."""
    contacts = contacts or [(0, 0, 0)] * (len(layers) - 1)
    with mp.workdps(40):
        ends = []
        for sign, (rho, beta, length, _) in ((-1, layers[0]), (1, layers[-1])):
            up, down, _ = channels(rho, beta, length)
            wave = mp.matrix([1 / up, -1 / down, sign / mp.mpf(length), -sign / mp.mpf(length)])
            ends.append((mp.matrix([0, 0, up / (up + down), down / (up + down)]), wave))
        steps = []
        for number, contact in enumerate(contacts):
            steps.append(across(contact, width))
            if number + 2 < len(layers):
                steps.append(through(*layers[number + 1]))
        whole = mp.eye(4)
        for step in steps:
            whole = step * whole
        (far, wave), (beyond, echo) = ends
        lift = mp.matrix([1, 1, 0, 0])
        columns = [whole * wave, whole * lift, -echo]
        system = mp.matrix(3, 3)
        for row in range(3):  # the fourth follows: the total current is the same everywhere
            for column in range(3):
                system[row, column] = columns[column][row]
        a, area, _ = mp.lu_solve(system, (beyond - whole * far)[0:3, 0])
        state = far + area * lift + a * wave
        sides = []
        for number, step in enumerate(steps):
            before, state = state, step * state
            if number % 2 == 0:
                sides.append((before, state))
        bulk = mp.fsum(mp.mpf(t) / sum(channels(rho, beta, length)[:2]) for rho, beta, length, t in layers[1:-1])
        numbers = [[[float(v) for v in side] for side in pair] for pair in sides]
        return float(area), float(area - bulk), np.array(numbers)


def stack(layers, contacts=None, current_density=1.0):
    """The same stack by the package, in SI."""
    made = [Layer(Medium.valet_fert(rho * 1e-6, beta, length * NM), t * NM) for rho, beta, length, t in layers]
    faces = [Interface.valet_fert(r * UNIT, gamma, delta) for r, gamma, delta in contacts] if contacts else None
    return solve_stack(made, faces, current_density=current_density)


def integral(function, start, stop, panels=40):
    """Gauss-Legendre quadrature; 12 points on half a decay length leave less than 1e-15."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    ends = np.linspace(start, stop, panels + 1)
    half = np.diff(ends)[:, None] / 2
    places = ends[:-1, None] + half * (1 + nodes)
    return float(np.sum(half * weights * function(places.ravel()).reshape(places.shape)))


def polarisation(solution, position, side="right"):
    return solution.profile([position], side=side).current_density[:, 0] @ [1, -1]


def slopes(solution, position, step):
    """d mu_i/dx by differences of fourth order."""
    a, b, c, d = (solution.profile(position + k * step).electrochemical_potential for k in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - d) / (12 * step)


NORMAL, MAGNET = (0.05, 0.0, 40.0), (0.09, 0.6, 15.0)
PAIR = [(*NORMAL, INF), (*MAGNET, INF)]
TRILAYER = [(*NORMAL, INF), (*MAGNET, 11.0), (0.02, -0.2, 25.0, 30.0), (0.3, 0.75, 6.0, INF)]


def spin_resistances(pair):
    return [rho * length for rho, _, length, _ in pair]


# --- (7) to (9): conservation, heat, linear laws ----------------------------------------------------------------------


def test_paper_WD11_7_what_one_channel_loses_the_other_gains():
    solution = stack(TRILAYER, current_density=2e11)
    for start, stop in ((-90.0, 0.0), (0.0, 11.0), (11.0, 41.0), (41.0, 80.0)):
        turned = integral(lambda x: solution.profile(x).relaxation_rate[0, 1], start * NM, stop * NM)
        before = solution.profile([start * NM]).current_density[:, 0]
        behind = solution.profile([stop * NM], side="left").current_density[:, 0]
        np.testing.assert_allclose(behind - before, [-turned, turned], rtol=0, atol=1e-11 * 2e11)
        assert abs(turned) > 1e-3 * 2e11
    _, _, sides = route(TRILAYER)
    for (before, _), position in zip(sides, (0.0, 11.0, 41.0), strict=True):
        found = solution.profile([position * NM]).current_density[:, 0] / 2e11
        np.testing.assert_allclose(found, before[2:], rtol=0, atol=1e-12)


def heat_beyond_ohm(solution, pair, charge):
    """Quadrature of Joule heat beyond that of the far current, and of psi Delta mu/charge, in W/m^2 at J = 1."""
    joule = flips = 0.0
    for (rho, beta, length, _), sign in zip(pair, (-1, 1), strict=True):
        sigma = np.array([1 / (2 * rho * 1e-6 * (1 - s * beta)) for s in (1, -1)])

        def heat(x, sigma=sigma):
            return np.sum(solution.profile(x).current_density ** 2 / sigma[:, None], axis=0) - 1 / sigma.sum()

        def flip(x):
            found = solution.profile(x)
            return found.relaxation_rate[0, 1] * found.spin_accumulation / charge

        start, stop = sorted((0.0, sign * 20 * length * NM))  # the tails are e^-40 of a square
        joule, flips = joule + integral(heat, start, stop), flips + integral(flip, start, stop)
    return joule, flips


def test_paper_WD11_8():
    solution = stack(PAIR)
    area, excess, _ = route(PAIR)
    assert area == excess  # no layer between the leads
    joule, flips = heat_beyond_ohm(solution, PAIR, E)
    # Quadrature and differences of currents leave 1e-11.
    assert (joule + flips) / UNIT == pytest.approx(excess, rel=1e-10, abs=0)
    assert solution.dissipation().total / UNIT == pytest.approx(excess, rel=1e-12, abs=0)
    assert np.sum(solution.dissipation().relaxation) / flips == pytest.approx(1, rel=1e-10, abs=0)
    # Printed, with the rate of (7), (9) and (11): the heat of the flips is e times too small; they are half of all.
    joule, flips = heat_beyond_ohm(solution, PAIR, 1.0)
    assert (joule + flips) / (excess * UNIT) == pytest.approx((1 + E) / 2, rel=1e-10, abs=0)


def test_paper_WD11_9():
    solution = stack(TRILAYER, current_density=1e11)
    for layer, position in zip(TRILAYER, (-20.0, 4.0, 30.0, 45.0), strict=True):
        rho, beta, length, _ = layer
        x = np.array([position]) * NM
        found = solution.profile(x)
        for index, sign in enumerate((1, -1)):
            sigma = 1 / (2 * rho * 1e-6 * (1 - sign * beta))
            # The step of 0.05 nm balances its fourth power against the rounding of the potentials.
            law = -sigma / E * slopes(solution, x, 0.05 * NM)[index]
            np.testing.assert_allclose(found.current_density[index], law, rtol=2e-8)
        rate = found.relaxation_rate[0, 1] / found.spin_accumulation
        np.testing.assert_allclose(rate, 1 / (4 * rho * 1e-6 * (length * NM) ** 2) / E, rtol=1e-11)


# --- (10), (11): sums and differences ---------------------------------------------------------------------------------


def ten(sigma_0, beta):
    return sigma_0 * np.array([[1, beta], [beta, 1]])


def test_paper_WD11_10():
    # Two resistors in parallel at any voltages: the currents by Ohm's law, each for itself.
    rng = np.random.default_rng(10)
    for _ in range(20):
        rho, beta = rng.uniform(0.1, 2), rng.uniform(-0.95, 0.95)
        medium = Medium.valet_fert(rho, beta)
        fields = rng.normal(size=2)
        currents = fields / (2 * rho * (1 - beta * np.array([1, -1])))
        forces = np.array([fields[0] - fields[1], fields[0] + fields[1]])
        up, down = medium.conductivity
        sigma_0, asymmetry = (up + down) / 2, (up - down) / (up + down)
        right = np.array([currents[0] - currents[1], currents[0] + currents[1]])
        np.testing.assert_allclose(ten(sigma_0, asymmetry) @ forces, right, rtol=0, atol=1e-13 * sigma_0)
        assert asymmetry == pytest.approx(beta, rel=1e-12, abs=1e-14)
        # Printed: beta twice as large, so each current misses by beta sigma_0 times the other force.
        printed = (up - down) / sigma_0
        missed = ten(sigma_0, printed) @ forces - right
        np.testing.assert_allclose(missed, beta * sigma_0 * forces[::-1], rtol=1e-10, atol=1e-12 * sigma_0)
        # The heat is the sum over the resistors, half of flux times force, and the printed matrix may cool.
        assert right @ forces / 2 == pytest.approx(currents @ fields, rel=1e-11, abs=0)
        assert np.linalg.eigvalsh(ten(sigma_0, asymmetry))[0] > 0
        assert (np.linalg.eigvalsh(ten(sigma_0, printed))[0] < 0) == (max(up, down) > 3 * min(up, down))


def test_paper_WD11_10_holds_along_a_stack():
    solution = stack(TRILAYER, current_density=1e11)
    for layer, position in zip(TRILAYER, (-20.0, 4.0, 30.0, 45.0), strict=True):
        rho, beta, _, _ = layer
        x = np.array([position]) * NM
        up, down = slopes(solution, x, 0.05 * NM)[:, 0]
        forces = np.array([-(up - down), -(up + down)]) / E
        density = solution.profile(x).current_density[:, 0]
        sigma_0 = 1 / (2 * rho * 1e-6 * (1 - beta**2))
        np.testing.assert_allclose(
            ten(sigma_0, beta) @ forces, [density[0] - density[1], density.sum()], rtol=0, atol=2e-8 * 1e11
        )


def test_paper_WD11_11():
    # A ladder of resistors: rails a/sigma_i, rungs G a. Its accumulation falls by 2 asinh(a/2l) per cell.
    rng = np.random.default_rng(11)
    for _ in range(5):
        up, down, g = rng.uniform(0.5, 3, size=3)
        cells, a = 160, 0.4
        matrix = np.zeros((2 * cells, 2 * cells))

        def join(i, j, conductance, matrix=matrix):
            matrix[i, i] += conductance
            matrix[j, j] += conductance
            matrix[i, j] -= conductance
            matrix[j, i] -= conductance

        for k in range(cells):
            join(2 * k, 2 * k + 1, g * a)
            if k + 1 < cells:
                join(2 * k, 2 * k + 2, up / a)
                join(2 * k + 1, 2 * k + 3, down / a)
        feed = np.zeros(2 * cells)
        feed[:2] = 1, -1  # spins in at the left end, no charge
        matrix[-1, -1] += 1  # ground
        potentials = np.linalg.solve(matrix, feed)
        accumulation = potentials[0::2] - potentials[1::2]
        decay = np.log(accumulation[10] / accumulation[15]) / 5
        length = a / (2 * np.sinh(decay / 2))
        medium = Medium([up, down], [[0, g], [g, 0]])
        np.testing.assert_allclose(medium.diffusion_lengths, [length], rtol=1e-9)
        sigma_0, beta = (up + down) / 2, (up - down) / (up + down)
        assert length**-2 == pytest.approx(2 * g / (sigma_0 * (1 - beta**2)), rel=1e-9, abs=0)
    # With the beta printed before (10) the length would vanish at three to one and be imaginary beyond.
    for ratio, printed_square in ((2.0, 5 / 12), (3.0, 0.0), (4.0, -11 / 20)):
        medium = Medium([ratio, 1.0], [[0, 1], [1, 0]])
        up, down = medium.conductivity
        sigma_0, printed = (up + down) / 2, 2 * (up - down) / (up + down)
        assert sigma_0 * (1 - printed**2) / 2 == pytest.approx(printed_square, rel=1e-12, abs=1e-14)
        assert medium.diffusion_lengths[0] ** 2 == pytest.approx(ratio / (1 + ratio), rel=1e-12, abs=0)


# --- (12): the resistance ---------------------------------------------------------------------------------------------


def gradient(solution, layer, x):
    """d(Delta mu/e)/dx at J = 1 by the Ohm laws of the channels of that layer."""
    rho, beta, _, _ = layer
    up, down = solution.profile(x).current_density
    return -2e-6 * rho * (up * (1 - beta) - down * (1 + beta))


@pytest.mark.parametrize(
    "pair", [PAIR, [(0.07, 0.4, 9.0, INF), (0.05, -0.7, 30.0, INF)], [(1.0, 0.0, 90.0, INF), (0.2, 0.9, 4.0, INF)]]
)
def test_paper_WD11_12(pair):
    solution = stack(pair)
    excess = route(pair)[1] * UNIT
    halves = []
    for layer, sign in zip(pair, (-1, 1), strict=True):
        start, stop = sorted((0.0, sign * 35 * layer[2] * NM))  # e^-35 is left
        halves.append(integral(lambda x, layer=layer: gradient(solution, layer, x), start, stop))
    betas = np.array([layer[1] for layer in pair])
    # In Ohm m^2, far below the absolute tolerance of pytest.approx: compared as ratios.
    assert betas @ halves / 2 / excess == pytest.approx(1, rel=1e-10, abs=0)
    assert solution.excess_resistance / excess == pytest.approx(1, rel=1e-12, abs=0)
    assert solution.dissipation().total / excess == pytest.approx(1, rel=1e-12, abs=0)
    # Printed, one beta in front of the integral: nothing is left, whatever beta is meant.
    assert abs(sum(halves)) < 1e-10 * abs(halves[0])
    if pair[0][1] == 0:
        # Over the ferromagnet alone: minus four times, and minus eight with the beta that the paper defines.
        assert -2 * betas[1] * halves[1] / excess == pytest.approx(-4, rel=1e-9, abs=0)
        up, down, _ = channels(*pair[1][:3])
        assert -2 * float(2 * (up - down) / (up + down)) * halves[1] / excess == pytest.approx(-8, rel=1e-9, abs=0)


def test_limit_in_the_plane_nothing_accumulates():
    # Layers side by side along the current: all channels of a ladder carry the same voltage, so no rung is used.
    rho, beta = np.array([0.05, 0.09]), np.array([0.0, 0.6])
    conductances = np.concatenate([1 / (2 * rho * (1 - s * beta)) for s in (1, -1)])
    bond = np.array([[0, 1, 0.7, 0], [1, 0, 0, 0.4], [0.7, 0, 0, 1], [0, 0.4, 1, 0]])  # spin flip and diffusion across
    across_plane = np.diag(bond.sum(axis=0)) - bond
    cells = 6
    rails = np.kron(2 * np.eye(cells) - np.eye(cells, k=1) - np.eye(cells, k=-1), np.diag(conductances))
    feed = np.zeros((cells, 4))
    feed[0] = conductances  # contact on the left at 1 V, on the right at 0 V
    volts = np.linalg.solve(rails + np.kron(np.eye(cells), across_plane), feed.ravel()).reshape(cells, 4)
    np.testing.assert_allclose(volts, np.linspace(1, 0, cells + 2)[1:-1, None] * np.ones(4), atol=1e-14)


# --- (13) to (15): the transverse channel -----------------------------------------------------------------------------


def transverse_chain(cells, *, conductivity, relaxation, susceptibility, omega=0.0, law=-1.0, charge=1.0):
    """Rate matrix of the charge densities (delta n_x, delta n_y) in cells of unit length with closed ends.

    delta n = charge times susceptibility times potential; ``law`` is the sign in delta J = law sigma/e d(potential)/dx.
    """
    laplace = np.zeros((cells, cells))
    for k in range(cells - 1):
        laplace[np.ix_((k, k + 1), (k, k + 1))] += [[1, -1], [-1, 1]]
    per_density = 1 / (charge * susceptibility)
    plain = law * conductivity / charge * per_density * laplace - relaxation * per_density * np.eye(cells)
    turn = np.array([[0, -1], [1, 0]])
    return np.kron(np.eye(2), plain) + omega * np.kron(turn, np.eye(cells))


CHAIN = {"conductivity": 1.7, "relaxation": 0.35, "susceptibility": 0.8}


def transverse_heat(potential, charge):
    """The two terms of (14) with (15), summed over bonds and over cells."""
    bonds = CHAIN["conductivity"] * np.sum(np.diff(potential.reshape(2, -1), axis=1) ** 2) / charge**2
    return bonds, CHAIN["relaxation"] * np.sum(potential**2) / charge


# Carriers with spin as density matrices on cells: they hop and are hit by random fields, which knows of no axis.
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
HOP, HIT, STATES_PER_SPIN = 3.0, 0.01, 1.9


def hits(rho):
    """Rate of change of density matrices (cells, 2, 2) by random hits of sigma_x, sigma_y and sigma_z."""
    return HIT * sum(s @ rho @ s - rho for s in PAULI)


def hops(rho):
    """The same by hops between neighbouring cells, with closed ends."""
    flow = HOP * np.diff(rho, axis=0)
    return np.concatenate([flow[:1], np.diff(flow, axis=0), -flow[-1:]])


def spin_of(rho, axis):
    """Density of spins along an axis: majority minus minority of that axis."""
    return np.real(np.einsum("nij,kji,k->n", rho, PAULI, axis))


def flip_rate():
    """Probability per time that one hit turns an up carrier down."""
    return np.real(hits(np.array([[[1, 0], [0, 0]]]))[0, 1, 1])


def spreading(axis, cells=400):
    """Steady density matrices of spins along an axis that are fed into the left end."""
    step = np.zeros((4 * cells, 4 * cells), dtype=complex)
    for column in range(4 * cells):
        one = np.zeros(4 * cells, dtype=complex)
        one[column] = 1
        rho = one.reshape(cells, 2, 2)
        step[:, column] = (hits(rho) + hops(rho)).ravel()
    feed = np.zeros((cells, 2, 2), dtype=complex)
    feed[0] = np.einsum("kij,k->ij", PAULI, axis) / 2
    # Charge is conserved: the uniform matrix is in the kernel, and fixed to zero by the last cell.
    step -= np.kron(np.diag(np.eye(cells)[-1]), np.outer([1, 0, 0, 1], [1, 0, 0, 1]))
    return np.linalg.solve(step, -feed.ravel()).reshape(cells, 2, 2)


def test_paper_WD11_13():
    # (7) for spins along the axis: psi = rate (n_up - n_down), two removed per flip. (13) across it: psi_perp is all.
    rng = np.random.default_rng(13)
    mixed = rng.normal(size=(6, 2, 2)) + 1j * rng.normal(size=(6, 2, 2))
    mixed = mixed @ mixed.conj().swapaxes(1, 2)
    for kind, factor in (([0, 0, 1], 2), ([1, 0, 0], 1), ([0, 1, 0], 1)):
        axis = np.array(kind)
        psi = {2: flip_rate(), 1: 2 * flip_rate()}[factor] * spin_of(mixed, axis)
        change = spin_of(hits(mixed) + hops(mixed), axis)
        np.testing.assert_allclose(change, spin_of(hops(mixed), axis) - factor * psi, atol=1e-14)
        # Printed (13) is closed: what a closed wire loses is the rate, and only that.
        assert change.sum() == pytest.approx(-factor * psi.sum(), rel=1e-12, abs=1e-14)
    # The transverse length, with sigma_perp = 2 sigma and L_perp = 4 L of (15), is that of the package for N.
    sigma, rate = STATES_PER_SPIN * HOP, STATES_PER_SPIN * flip_rate()  # of one spin; e and the cell are 1
    medium = Medium([sigma, sigma], [[0, rate], [rate, 0]])
    spins = spin_of(spreading([1, 0, 0], 160), [1, 0, 0])
    length = 1 / (2 * np.sinh(np.log(spins[20] / spins[30]) / 20))
    # The other end, 22 lengths away, returns e^-40.
    assert medium.diffusion_lengths[0] == pytest.approx(length, rel=1e-9, abs=0)
    assert medium.diffusion_lengths[0] == pytest.approx(np.sqrt(2 * sigma / (4 * rate)), rel=1e-12, abs=0)


@pytest.mark.parametrize("charge", [1.0, 0.4, 2.0])
def test_paper_WD11_14(charge):
    # The free energy, the sum of potential^2 times susceptibility/2, falls by the heat.
    start = np.random.default_rng(14).normal(size=60)
    potential = start / (charge * CHAIN["susceptibility"])
    fall = -potential @ transverse_chain(30, **CHAIN, charge=charge) @ start / charge
    current, rate = transverse_heat(potential, charge)
    assert current + rate == pytest.approx(fall, rel=1e-12, abs=0)
    # Precession changes nothing of it.
    turned = -potential @ transverse_chain(30, **CHAIN, charge=charge, omega=3.0) @ start / charge
    assert turned == pytest.approx(fall, rel=1e-12, abs=0)
    # Printed, without 1/e: the second term is e times what it should be.
    assert current + charge * rate - fall == pytest.approx((charge - 1) * rate, rel=1e-11, abs=1e-12 * fall)


def test_paper_WD11_14_is_the_heat_of_the_package_in_a_normal_metal():
    # Half of the splitting, sigma_perp = 2 sigma_0 and L_perp = 4L: heat beyond Ohm's in N between two magnets.
    rho, length, thickness = 0.05e-6, 40 * NM, 60 * NM
    layers = [(*MAGNET, INF), (*NORMAL, 60.0), (0.3, 0.75, 6.0, INF)]
    current = 2e11
    solution = stack(layers, current_density=current)
    sigma_0, g = 1 / (2 * rho), 1 / (4 * rho * length**2)  # sigma_up = sigma_down = sigma_0; G = e L

    def transverse(x):
        found = solution.profile(x)
        half = found.spin_accumulation / 2
        # Delta mu_perp falls as half of the splitting does, by the Ohm laws of both channels.
        slope = -E * np.subtract(*found.current_density) / sigma_0 / 2
        return np.array([2 * sigma_0 * slope**2 / E**2, 4 * g * half**2 / E**2])

    joule, flips = (integral(lambda x, k=k: transverse(x)[k], 0.0, thickness) for k in (0, 1))
    heat = solution.dissipation()
    assert heat.relaxation[1] == pytest.approx(flips, rel=1e-10, abs=0)
    assert heat.joule[1] == pytest.approx(joule + current**2 * rho * thickness, rel=1e-10, abs=0)
    assert joule > 1e-3 * heat.joule[1]


def test_paper_WD11_15():
    rng = np.random.default_rng(15)
    halves = np.diag([0.5, 0.5, 1, 1, 1])  # the heat counts sums and differences once
    for _ in range(200):
        sigma_0, sigma_t, rate, rate_t = rng.normal(size=4) + 0.5
        beta = rng.uniform(-2, 2)
        matrix = np.diag([0.0, 0.0, sigma_t, rate, rate_t])
        matrix[:2, :2] = ten(sigma_0, beta)
        least = np.linalg.eigvalsh(halves @ matrix)[0]
        allowed = abs(beta) <= 1 and min(sigma_0, sigma_t, rate, rate_t) >= 0
        assert (least >= 0) == allowed
    # N: density matrices of spins in all directions. Their free energy tr(rho^2)/2 nu falls by half of flux times
    # force along the axis and by all of it across, with half the splitting, 2 sigma_0 and 4 L.
    sigma_0, rate = STATES_PER_SPIN * HOP, STATES_PER_SPIN * flip_rate()
    for _ in range(5):
        rho = rng.normal(size=(9, 2, 2)) + 1j * rng.normal(size=(9, 2, 2))
        rho = rho @ rho.conj().swapaxes(1, 2)
        fall = -np.real(np.einsum("nij,nji", rho, hits(rho) + hops(rho))) / STATES_PER_SPIN
        split = [spin_of(rho, axis) / STATES_PER_SPIN for axis in np.eye(3)[[2, 0, 1]]]
        mean = np.real(np.trace(rho, axis1=1, axis2=2)) / STATES_PER_SPIN
        along = ten(sigma_0, 0.0)
        forces = np.array([np.diff(split[0]), np.diff(mean)])
        heat = np.sum(forces * (along @ forces)) / 2 + rate * np.sum(split[0] ** 2)
        for across_axis in split[1:]:
            half = across_axis / 2
            heat += 2 * sigma_0 * np.sum(np.diff(half) ** 2) + 4 * rate * np.sum(half**2)
        assert heat == pytest.approx(fall, rel=1e-12, abs=0)


# --- statements -------------------------------------------------------------------------------------------------------


def test_paper_WD11_statement_F1_joule_heat_is_positive():
    # A wire between reservoirs: the battery delivers J times the voltage. Printed: minus that.
    wire = solve_stack([Layer(Medium.valet_fert(9e-8, 0.5, 10 * NM), 30 * NM)], current_density=1e11)
    found = wire.profile(np.linspace(0, 30, 4) * NM)
    up, down = found.electrochemical_potential
    fields = np.array([(mu[0] - mu[-1]) / (E * 30 * NM) for mu in (up, down)])
    voltage = 1e11 * 9e-8 * (1 - 0.5**2) * 30 * NM
    heat = found.current_density[:, 0] @ fields * 30 * NM
    assert heat == pytest.approx(1e11 * voltage, rel=1e-12, abs=0)
    assert wire.dissipation().total == pytest.approx(heat, rel=1e-12, abs=0)
    np.testing.assert_allclose(found.relaxation_rate, 0, atol=1e-12 * 1e11 / (10 * NM))
    printed = -heat  # -J_up E_up - J_down E_down, and no reaction
    assert printed / (1e11**2 * wire.resistance) == pytest.approx(-1, rel=1e-12, abs=0)


def test_paper_WD11_statement_F1_affinity_is_minus_the_derivative():
    # Free electrons of both spins with the potentials of the package: energy 3/5 n^(5/3), so mu = n^(2/3).
    layer, start, stop = TRILAYER[1], 0.0, 11 * NM
    solution = stack(TRILAYER, current_density=1e11)

    def slope(x, step=1e-3):
        """d(energy)/d(extent), in J: an extent turns up carriers into down ones."""
        potentials = solution.profile(x).electrochemical_potential
        scale = np.abs(potentials).max()
        up, down = (3 + potentials / scale) ** 1.5  # the zero of energy is free
        energies = [0.6 * ((up - s) ** (5 / 3) + (down + s) ** (5 / 3)) for s in (-step, step)]
        return scale * (energies[1] - energies[0]) / (2 * step)

    def rate(x):
        return solution.profile(x).relaxation_rate[0, 1] / E

    heat = integral(lambda x: -slope(x) * rate(x), start, stop)
    # The third derivative of the energy leaves step^2/100 of the slope.
    assert heat == pytest.approx(solution.dissipation().relaxation[1], rel=1e-6, abs=0)
    # Printed, plus the derivative: the flips would cool by as much.
    printed = integral(lambda x: slope(x) * rate(x), start, stop)
    assert printed < 0 < heat
    assert layer[3] * NM == stop


def test_paper_WD11_statement_F1_two_flips_per_decay_time():
    # Carriers hop at the rate h to each side and flip at the rate f: D = h a^2, l^2 = D tau with 1/tau = 2f.
    h, f, a, density = 3.0, 0.02, 0.25, 1.9  # states per energy, length and spin; e = 1
    cells = 400
    hops = h * (np.eye(cells, k=1) + np.eye(cells, k=-1) - 2 * np.eye(cells))
    flips = f * np.array([[-1, 1], [1, -1]])
    chain = np.kron(np.eye(2), hops) + np.kron(flips, np.eye(cells))
    source = np.zeros(2 * cells)
    source[[0, cells]] = 1, -1
    state = np.linalg.solve(chain, -source).reshape(2, cells)
    spins = state[0] - state[1]
    length = a / (2 * np.sinh(np.log(spins[20] / spins[30]) / 20))
    tau = -1 / np.log(np.diff(expm(flips) @ [1, 0])[0] / -1)  # of the difference, by decay
    assert tau == pytest.approx(1 / (2 * f), rel=1e-12, abs=0)
    sigma = density * h * a**2
    for rate, ratio in ((density / (2 * tau), 1.0), (density / tau, np.sqrt(0.5))):  # corrected, printed
        medium = Medium([sigma, sigma], [[0, rate], [rate, 0]])
        assert medium.diffusion_lengths[0] / length == pytest.approx(ratio, rel=1e-9, abs=0)
    # Read with the time between the flips of one carrier, 1/f, the printed relation is right.
    medium = Medium([sigma, sigma], [[0, density * f], [density * f, 0]])
    assert medium.diffusion_lengths[0] == pytest.approx(length, rel=1e-9, abs=0)


def test_paper_WD11_statement_F1_transverse_current_runs_downhill():
    # Without relaxation a closed wire becomes uniform; with the printed sign it departs from it at the same rate.
    closed = {**CHAIN, "relaxation": 0.0}
    rates = np.linalg.eigvalsh(transverse_chain(20, **closed))
    printed = np.linalg.eigvalsh(transverse_chain(20, **closed, law=+1.0))
    np.testing.assert_allclose(printed, -rates[::-1], atol=1e-13)
    assert rates.max() < 1e-13
    assert printed.max() > 1
    diffusion = closed["conductivity"] / closed["susceptibility"]
    assert -rates[-3] == pytest.approx(
        4 * diffusion * np.sin(np.pi / 40) ** 2, rel=1e-10, abs=0
    )  # slowest wave, x and y


@pytest.mark.parametrize("omega_tau", [0.3, 1.0, 4.0])
def test_paper_WD11_statement_F13_precession_acts_over_the_diffusion_length(omega_tau):
    tau, decay = CHAIN["susceptibility"] / CHAIN["relaxation"], 0.05
    # A cell is 0.05 l long, the wire 20 l; spins along x enter at the left end.
    chain = {**CHAIN, "conductivity": CHAIN["relaxation"] / decay**2}
    feed = np.zeros(800)
    feed[0] = -1.0
    still = np.linalg.solve(transverse_chain(400, **chain), feed).reshape(2, 400)
    moving = np.linalg.solve(transverse_chain(400, **chain, omega=omega_tau / tau), feed).reshape(2, 400)
    # The mean over the whole profile is not left alone by the field, and the decay is faster.
    assert moving[0].sum() / still[0].sum() == pytest.approx(1 / (1 + omega_tau**2), rel=1e-10, abs=0)
    size = np.hypot(*moving)
    length = 10 * decay / np.log(size[40] / size[50])
    # The length 1/Re sqrt(1 - i omega tau), in units of l; cells leave an error of order decay^2/24.
    assert length == pytest.approx(1 / np.sqrt(1 - 1j * omega_tau).real, rel=decay**2, abs=0)
    # (13)-(15) predict the profile without field, whatever the field.
    assert not np.allclose(moving[0], still[0], rtol=0.05)


# --- Fig. 2 -----------------------------------------------------------------------------------------------------------


def test_paper_WD11_figure_2():
    rho_f = 0.05 / (1 - 0.5**2)
    layers = [(0.05, 0.0, 20.0, INF), (rho_f, 0.5, 20.0, 40.0), (0.05, 0.0, 20.0, INF)]
    solution = stack(layers, current_density=1e11)
    _, excess, sides = route(layers)
    edges = np.array([side[0][0] - side[0][1] for side in sides]) * UNIT * 1e11  # V
    x = np.linspace(-60, 100, 65) * NM
    accumulation = solution.profile(x).spin_accumulation / E
    at_edges = solution.profile([0.0, 40 * NM]).spin_accumulation / E
    np.testing.assert_allclose(at_edges, edges, rtol=1e-12)
    np.testing.assert_allclose(at_edges * 1e6, [-50.3835, 50.3835], rtol=0, atol=5e-5)
    # Odd about the centre, zero there, cusps of largest size at the interfaces, exponential outside, sinh inside.
    np.testing.assert_allclose(accumulation, -accumulation[::-1], rtol=0, atol=1e-12 * edges[1])
    assert np.abs(accumulation).max() <= edges[1] * (1 + 1e-12)
    shape = np.sinh((x - 20 * NM) / (20 * NM)) / np.sinh(1)
    outside = np.exp(-(np.abs(x - 20 * NM) - 20 * NM) / (20 * NM)) * np.sign(x - 20 * NM)
    inside = np.abs(x - 20 * NM) < 20 * NM
    np.testing.assert_allclose(accumulation, edges[1] * np.where(inside, shape, outside), rtol=0, atol=1e-16)
    assert solution.excess_resistance / UNIT == pytest.approx(excess, rel=1e-12, abs=0)
    assert solution.excess_resistance / UNIT == pytest.approx(0.251918, rel=3e-6, abs=0)  # six digits
    reversed_current = stack(layers, current_density=-1e11).profile(x).spin_accumulation / E
    np.testing.assert_allclose(reversed_current, -accumulation, rtol=0, atol=1e-16)


# --- one interface, closed forms --------------------------------------------------------------------------------------


def contact(z_n, z_f, beta, r, gamma, delta):
    """Polarisation on both sides and excess resistance, as the chapter has them."""
    if delta == 0:
        p = (beta * z_f + gamma * r) / (z_n + z_f + r)
        return p, p, r + beta**2 * z_f - (beta * z_f + gamma * r) ** 2 / (z_n + z_f + r)
    z_i = r / delta
    total = z_i + (z_n + z_f) / np.tanh(delta) + z_n * z_f / z_i
    left = (gamma * (z_i + z_f * np.tanh(delta / 2)) + beta * z_f / np.sinh(delta)) / total
    right = beta - ((beta - gamma) * (z_i + z_n * np.tanh(delta / 2)) + beta * z_n / np.sinh(delta)) / total
    area = r * (1 - gamma**2) + gamma * (z_f * (right - beta) + z_n * left) - beta * z_f * (right - beta)
    return left, right, area


asymmetries = st.floats(-0.95, 0.95)
sizes = st.floats(-2, 2).map(lambda power: 10**power)
deltas = st.one_of(st.just(0.0), st.floats(0.05, 4))


@given(sizes, sizes, sizes, asymmetries, asymmetries, deltas, sizes)
def test_limit_one_junction_with_any_contact(rho_n, rho_f, r, beta, gamma, delta, length):
    pair, face = [(rho_n, 0.0, 7.0, INF), (rho_f, beta, length, INF)], [(r, gamma, delta)]
    found = stack(pair, face)
    expected = contact(7 * rho_n, rho_f * length, beta, r, gamma, delta)
    # Sums of terms of both signs, up to 1e4 times the result: compared with the largest.
    scale = max(7 * rho_n, rho_f * length, r)
    area, _, sides = route(pair, face)
    np.testing.assert_allclose([area, found.excess_resistance / UNIT], expected[2], rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(sides[0][:, 2:] @ [1, -1], expected[:2], rtol=0, atol=1e-12)
    sides_found = [polarisation(found, 0.0, side) for side in ("left", "right")]
    np.testing.assert_allclose(sides_found, expected[:2], rtol=0, atol=1e-11)
    assert found.excess_resistance >= r * UNIT * (1 - gamma**2) * (1 - 1e-11)


def test_limit_van_son():
    z_n, z_f = spin_resistances(PAIR)
    beta = PAIR[1][1]
    found = stack(PAIR, current_density=3e10)
    assert found.excess_resistance / UNIT == pytest.approx(beta**2 * z_n * z_f / (z_n + z_f), rel=1e-12, abs=0)
    assert route(PAIR)[1] == pytest.approx(beta**2 * z_n * z_f / (z_n + z_f), rel=1e-14, abs=0)
    assert polarisation(found, 0.0) / 3e10 == pytest.approx(beta * z_f / (z_n + z_f), rel=1e-12, abs=0)
    # The far potentials miss each other by that resistance: read off 12 lengths away, where e^-12 is left in F.
    far_n, far_f = -12 * 40 * NM, 36 * 15 * NM
    mean_n = found.profile([far_n]).electrochemical_potential.mean() / E + far_n * 0.05e-6 * 3e10
    weights = 1 / (2 * 0.09e-6 * (1 - beta * np.array([1, -1])))
    potentials = found.profile([far_f]).electrochemical_potential[:, 0] / E
    mean_f = weights @ potentials / weights.sum() + far_f / weights.sum() * 3e10
    assert (mean_n - mean_f) / 3e10 / found.excess_resistance == pytest.approx(1, rel=1e-9, abs=0)


def test_invariant_spin_memory_loss_is_a_layer_of_any_thickness():
    face = [(0.5, 0.7, 0.4)]
    by_route = [route(PAIR, face, width=width) for width in (1e-3, 1.0, 1e3)]
    for area, _, sides in by_route[1:]:
        assert area == pytest.approx(by_route[0][0], rel=1e-14, abs=0)
        np.testing.assert_allclose(sides, by_route[0][2], rtol=0, atol=1e-14)
    found = stack(PAIR, face)
    assert found.resistance / UNIT == pytest.approx(by_route[0][0], rel=1e-12, abs=0)
    for thickness in (1e-3, 1.0, 1e3):
        layers = [PAIR[0], (0.5 / thickness, 0.7, thickness / 0.4, thickness), PAIR[1]]
        assert stack(layers).resistance / found.resistance == pytest.approx(1, rel=1e-11, abs=0)


@pytest.mark.parametrize("delta", [0.1, 0.7, 2.5])
@pytest.mark.parametrize("load", [1e-8, 0.3, 1.0, 50.0])
def test_limit_what_gets_through_a_lossy_contact(delta, load):
    # F behind N: a contact with gamma = 0 before a metal whose spin resistance is load times that of the contact.
    z_i = 0.6 / delta
    pair = [(*MAGNET, INF), (load * z_i / 40, 0.0, 40.0, INF)]
    found = stack(pair, [(0.6, 0.0, delta)])
    ratio = polarisation(found, 0.0) / polarisation(found, 0.0, "left")
    assert ratio == pytest.approx(1 / (np.cosh(delta) + load * np.sinh(delta)), rel=1e-9, abs=0)
    if load == 1:
        assert ratio == pytest.approx(np.exp(-delta), rel=1e-9, abs=0)
    if load < 1e-6:
        assert ratio == pytest.approx(1 / np.cosh(delta), rel=1e-6, abs=0)


def test_limit_a_poor_conductor_needs_a_resistive_contact():
    z_f = MAGNET[0] * MAGNET[2]
    for ratio in (1e2, 1e4, 1e6):
        pair = [(ratio * z_f / 1000, 0.0, 1000.0, INF), (*MAGNET, INF)]
        bare = polarisation(stack(pair), 0.0)
        # A difference of two shares of one half, each rounded.
        assert bare * (1 + ratio) == pytest.approx(0.6, abs=1e-11 + 1e-15 * ratio)
        assert bare < 0.6 / ratio
        resistive = polarisation(stack(pair, [(ratio * z_f, 0.5, 0.0)]), 0.0)
        assert resistive == pytest.approx(0.25, rel=2 / ratio, abs=0)
        assert polarisation(stack(pair, [(1e3 * ratio * z_f, 0.5, 0.0)]), 0.0) == pytest.approx(0.5, rel=2e-3, abs=0)


@pytest.mark.parametrize("r", [0.01, 2.0, 500.0])
def test_limit_two_contacts_by_symmetry(r):
    thickness, (rho, _, length) = 30.0, (4.0, 0.0, 200.0)
    z_f, beta, gamma = MAGNET[0] * MAGNET[2], MAGNET[1], 0.5
    magnet, spacer = Layer(Medium.valet_fert(MAGNET[0] * 1e-6, beta, MAGNET[2] * NM), INF), rho * length
    middle, face = Layer(Medium.valet_fert(rho * 1e-6, 0.0, length * NM), thickness * NM), (r, gamma, 0.0)
    left = Interface.valet_fert(r * UNIT, gamma)
    half = np.tanh(thickness / (2 * length))
    areas = []
    for flip, load, sign in ((lambda item: item, half, 1), (reverse, 1 / half, -1)):
        found = solve_stack([magnet, middle, flip(magnet)], [left, flip(left)]).resistance
        layers = [(*MAGNET, INF), (rho, 0.0, length, thickness), (MAGNET[0], sign * beta, MAGNET[2], INF)]
        area = route(layers, [face, (r, sign * gamma, 0.0)])[0]
        assert found / UNIT == pytest.approx(area, rel=1e-12, abs=0)
        assert area == pytest.approx(
            rho * thickness + 2 * contact(spacer * load, z_f, beta, r, gamma, 0)[2], rel=1e-12, abs=0
        )
        areas.append(area)
    q, z = beta * z_f + gamma * r, z_f + r
    change = 2 * q**2 * (1 / (z + spacer * half) - 1 / (z + spacer / half))
    assert areas[1] - areas[0] == pytest.approx(change, rel=1e-9, abs=0)
