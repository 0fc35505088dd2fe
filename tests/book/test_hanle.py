"""The Hanle effect: closed form, wires, electrodes and the fit, by routes that do not use them.

Routes: spins that hop on a lattice and turn by quantum mechanics, transfer matrices of (m, j) in three components,
flight times, the Boltzmann equation with many directions, a random sampler of data. The functions of the chapter are
taken from its page. Units of the routes: l, tau_sf and j l/D are 1.
"""

from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq, curve_fit, least_squares
from scipy.sparse import diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve
from scipy.stats import binom

from spinlib.accumulation import Boundary, DiffusiveMedium, Layer, SpinStructure, hanle_signal, solve_accumulation
from spinlib.spin import PAULI, cross_matrix, rotation_matrix
from spinlib.units import hbar, mu_B
from tests.book.chapter_code import defined
from tests.spinlib.discrete_ordinates import directions, losses
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "hanle.md"
FILE = ROOT / "book" / "hanle" / "signal.csv"
D, TIME = 5e-3, 50e-12
LENGTH = np.sqrt(D * TIME)
METAL = DiffusiveMedium(D, TIME)
X, Z = np.eye(3)[0], np.eye(3)[2]


@cache
def chapter():
    """Functions and imports of the page, with the numbers that they use."""
    ages, weights = np.polynomial.legendre.leggauss(200)
    space = {"D": D, "lasting": TIME, "length": LENGTH, "metal": METAL, "distance": 1e-6, "g_factor": 2.0}
    space |= {"ages": 3.5 * (ages + 1), "weights": 3.5 * weights, "window": np.linspace(-4, 4, 41)}
    return defined(PAGE, space)


# --- routes -----------------------------------------------------------------------------------------------------------


def precession(field, g_factor=2.0):
    """G of ds/dt = G s, for a spin 1/2 of an electron with the energy g mu_B B.s [1/s per T]."""
    energy = g_factor * mu_B * np.einsum("i,iab->ab", np.asarray(field, dtype=float), PAULI / 2)
    rates = 1j / hbar * np.stack([energy @ sigma - sigma @ energy for sigma in PAULI])
    return np.einsum("kab,lba->kl", rates, PAULI).real / 2


def lattice(distance, field, spin=X, *, both=False, step=0.02, reach=14.0):
    """m at a detector, by hops between sites and turns at them; an injector at one end of a row, or in its middle."""
    behind = round(reach / step) if both else 0
    count = behind + round((distance + reach) / step) + 1
    hops = diags_array([np.ones(count - 1)] * 2, offsets=[-1, 1]).tolil()
    degree = np.asarray(hops.sum(axis=1)).ravel()
    move = kron((diags_array(degree) - hops) / step**2, eye_array(3))
    turn = kron(eye_array(count), np.eye(3) - TIME * precession(field))
    cell = np.full(count, step)
    cell[[0, -1]] = step / 2  # a wall halves the cell
    weight = kron(diags_array(cell / step), eye_array(3))
    feed = np.zeros((count, 3))
    feed[behind] = np.asarray(spin) / step
    m = spsolve((move + weight @ turn).tocsc(), feed.ravel()).reshape(count, 3)
    return m[behind + round(distance / step)]


def extrapolated(distance, field, spin=X, **options):
    """The limit of small steps: errors of a lattice are of second order, then fourth."""
    coarse, half, fine = (lattice(distance, field, spin, step=step, **options) for step in (0.04, 0.02, 0.01))
    first, second = (4 * half - coarse) / 3, (4 * fine - half) / 3
    return (16 * second - first) / 15


def slab(omega, thickness, share=0.0, torque=True):
    """Transfer matrix of (m, j) through a layer: j + tau H x j = -m', j' = -m - H x m."""
    turn = cross_matrix(omega)
    generator = np.zeros((6, 6))
    generator[:3, 3:] = -(np.eye(3) + share * turn)
    generator[3:, :3] = -(np.eye(3) + torque * turn)
    return expm(generator * thickness), generator


def half_space(distance, omega, spin=X, share=0.0, torque=True):
    """m at a distance from an injected current."""
    _, generator = slab(np.asarray(omega, float), distance, share, torque)
    values, modes = np.linalg.eig(generator)
    falling, modes = values.real < 0, modes[:, values.real < 0]
    amplitudes = np.linalg.solve(modes[3:], np.asarray(spin) + 0j)
    return (modes[:3] @ (amplitudes * np.exp(values[falling] * distance))).real


def arm(omega, length, end):
    """Y of an arm that ends closed, or in a sink m = 0."""
    through, _ = slab(omega, length)
    mm, mj, jm, jj = through[:3, :3], through[:3, 3:], through[3:, :3], through[3:, 3:]
    return -np.linalg.solve(jj, jm) if end == "closed" else -np.linalg.solve(mj, mm)


def bar(distance, omega, first, last, drains=(0.0, 0.0), end="closed", spin=X):
    """m at the detector of a bar; drains are numbers or matrices of the two electrodes."""
    omega = np.asarray(omega, float)
    # The left arm is the mirror image of a right one: -j = Y m.
    left, right = (
        arm(omega, each, end) + np.asarray(drain) * np.eye(3) for each, drain in zip((first, last), drains, strict=True)
    )
    through, _ = slab(omega, distance)
    mm, mj, jm, jj = through[:3, :3], through[:3, 3:], through[3:, :3], through[3:, 3:]
    # m_0 unknown, j_0 = spin - left m_0, j_d = right m_d.
    far_m, fed_m = mm - mj @ left, mj @ spin
    far_j, fed_j = jm - jj @ left, jj @ spin
    m_0 = np.linalg.solve(far_j - right @ far_m, right @ fed_m - fed_j)
    return far_m @ m_0 + fed_m


def flights(distance, angle, power=0):
    """Integral of t^power p(t) cos(w t), p the density of flight times in a half-space; t = s^2."""

    def part(s):
        share = np.exp(-((distance / (2 * s)) ** 2) - s * s)
        return 2 / np.sqrt(np.pi) * share * s ** (2 * power) * np.cos(angle * s * s)

    return quad(part, 0, 7, epsabs=1e-13, epsrel=1e-12, limit=600)[0]


def signal(distance, angle, medium=METAL, **options):
    """The closed form in the units of the routes."""
    return hanle_signal(distance * LENGTH, np.asarray(angle) / TIME, medium, **options)


def by_solver(distance, omega, spin=X, medium=METAL):
    """The half-space of the library in the same units."""
    current = Boundary.spin_current(D / LENGTH * np.asarray(spin))
    structure = SpinStructure([Layer(medium, distance * LENGTH)], current, Boundary.open(), np.asarray(omega) / TIME)
    return solve_accumulation(structure).at(distance * LENGTH)[0]


# --- closed form ------------------------------------------------------------------------------------------------------


def test_limit_of_hops_and_turns():
    """Sign of the field, factor of the half-space, all three components; the lattice leaves 1e-12."""
    for distance, field, spin in (
        (1.0, (0.0, 0.0, 0.25), X),
        (1.0, (0.0, 0.0, -0.25), X),
        (0.6, (0.1, -0.05, 0.2), np.array([0.6, 0.0, 0.8])),
    ):
        hopped = extrapolated(distance, field, spin)
        omega = chapter()["larmor"](np.array(field)) * TIME
        np.testing.assert_allclose(by_solver(distance, omega, spin), hopped, rtol=0, atol=1e-9)
        size = np.linalg.norm(omega)
        chi = np.arccos(omega @ spin / size)
        assert signal(distance, size, obliqueness=chi) == pytest.approx(hopped @ spin, abs=1e-9)
        wrong = by_solver(distance, -omega, spin)
        assert np.abs(wrong - hopped).max() > 0.05


def test_limit_spinor_in_a_field_turns_by_the_right_hand():
    """The generator of the lattice is that of Schroedinger's equation, and -omega_B x of the page."""
    field, time = np.array([0.1, -0.2, 0.3]), 3e-12
    energy = 2.0 * mu_B * np.einsum("i,iab->ab", field, PAULI / 2)
    start = np.array([1, 0.3 + 0.5j]) / np.linalg.norm([1, 0.3, 0.5])
    before = np.array([(start.conj() @ sigma @ start).real for sigma in PAULI])

    def schroedinger(_, state):
        return -1j / hbar * time * energy @ state

    end = solve_ivp(schroedinger, (0, 1), start.astype(complex), rtol=1e-11, atol=1e-12).y[:, -1]
    after = np.array([(end.conj() @ sigma @ end).real for sigma in PAULI])
    np.testing.assert_allclose(expm(precession(field) * time) @ before, after, rtol=0, atol=1e-9)
    turn = rotation_matrix(field, 2.0 * mu_B * np.linalg.norm(field) / hbar * time)
    np.testing.assert_allclose(turn @ before, after, rtol=0, atol=1e-9)
    omega = chapter()["larmor"](field)
    np.testing.assert_allclose(precession(field), -cross_matrix(omega), rtol=0, atol=1e-3)
    assert omega @ field < 0


@pytest.mark.filterwarnings("ignore:layer 0 is thinner")
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_limit_modes_in_three_components(share):
    medium = DiffusiveMedium(D, TIME, share * TIME)
    for distance, omega in ((0.3, (0.0, 0.0, 2.0)), (2.0, (0.0, 0.0, -5.0)), (1.0, (1.0, -2.0, 0.5))):
        exact = half_space(distance, omega, share=share)
        np.testing.assert_allclose(by_solver(distance, omega, medium=medium), exact, rtol=0, atol=1e-9)
        size = np.linalg.norm(omega)
        chi = np.arccos(omega[0] / size)
        assert signal(distance, size, medium, obliqueness=chi) == pytest.approx(exact[0], abs=1e-12)


def test_limit_cosine_transform_of_flight_times():
    for distance in (0.2, 1.0, 3.0):
        for angle in (0.0, 0.7, -2.0, 9.0):
            assert signal(distance, angle) == pytest.approx(flights(distance, angle), abs=1e-11)


@pytest.mark.parametrize(
    ("distance", "zero", "above"), [(0.5, 6.819, 8), (1, 2.678, 3), (2, 1.280, 2), (5, 0.546, 0.8)]
)
def test_limit_first_zero(distance, zero, above):
    found = brentq(lambda w: flights(distance, w), 0.05, above, xtol=1e-11)
    assert found == pytest.approx(zero, abs=5.1e-4)
    assert signal(distance, found) == pytest.approx(0.0, abs=1e-10)
    assert (signal(distance, np.linspace(0, 0.999 * found, 200)) > 0).all()
    u = np.arcsinh(found) / 2
    assert np.tan(distance * np.sinh(u)) == pytest.approx(1 / np.tanh(u), abs=1e-6)


def test_limit_far_zero_is_a_right_angle_of_the_mean_flight():
    ratios = []
    for distance in (5.0, 20.0, 80.0):
        mean = (1 + distance) / 2
        zero = brentq(lambda w, d=distance: signal(d, w) * np.exp(d), 1e-3, 2.4 / mean)
        ratios.append(zero * mean / (np.pi / 2))
    assert ratios[-1] == pytest.approx(1.0, abs=2e-3)
    assert ratios[0] > ratios[1] > ratios[2] > 1


def test_limit_half_height_beside_the_injector():
    """From the lattice alone, and its closed form."""
    per_tesla = 2 * mu_B / hbar * TIME
    found = brentq(lambda w: extrapolated(0.0, (0, 0, w / per_tesla))[0] - 0.5, 2.0, 3.0, xtol=1e-9)
    cosine = (np.sqrt(3) - 1) / 2
    assert found == pytest.approx(np.sqrt(1 / cosine**2 - 1), abs=1e-7)
    assert signal(0.0, found) == pytest.approx(0.5, abs=1e-8)


def test_limit_moments_of_flight_times():
    for distance in (0.1, 1.0, 4.0):
        total, mean, square = (flights(distance, 0.0, power) for power in range(3))
        assert mean / total == pytest.approx((1 + distance) / 2, abs=1e-9)
        assert square / total == pytest.approx((3 + 3 * distance + distance**2) / 4, abs=1e-9)
        small = 1e-3
        fall = 1 - signal(distance, small) / signal(distance, 0.0)
        assert 2 * fall / small**2 == pytest.approx(square / total, abs=1e-3)


def test_invariant_even_along_and_odd_across():
    for distance, w in ((0.4, 3.0), (2.0, 1.1)):
        ahead, back = (by_solver(distance, (0, 0, sign * w)) for sign in (1, -1))
        np.testing.assert_allclose(ahead * (1, -1, 1), back, rtol=0, atol=1e-12)
        assert ahead[1] < -0.05
        assert signal(distance, w) == pytest.approx(signal(distance, -w), abs=1e-15)


def test_limit_wire_on_both_sides_has_half():
    for field in (0.0, 0.15, -0.4):
        whole = extrapolated(1.0, (0, 0, field), both=True, reach=10.0)
        angle = chapter()["larmor"](field) * TIME
        assert whole[0] == pytest.approx(signal(1.0, angle) / 2, abs=1e-9)
        np.testing.assert_allclose(chapter()["wire"](LENGTH, angle / TIME), whole, rtol=0, atol=1e-9)


# --- angles -----------------------------------------------------------------------------------------------------------


def test_limit_oblique_field_leaves_a_plateau():
    for chi in (0.0, 0.3, 1.2):
        omega = np.array([np.cos(chi), 0.0, np.sin(chi)])
        for size in (0.0, 1.7, 3000.0):
            exact = half_space(1.3, size * omega)[0]
            assert signal(1.3, size, obliqueness=chi) == pytest.approx(exact, abs=1e-10)
        assert exact == pytest.approx(np.cos(chi) ** 2 * np.exp(-1.3), abs=1e-10)


def test_limit_electrodes_that_lean():
    for lean in (0.2, 0.9):
        flat = np.cos(np.arcsin(lean))
        for w in (0.5, -3.0):
            m = half_space(1.0, (0, 0, w), np.array([flat, 0, lean]))
            parallel, opposite = m @ (flat, 0, lean), m @ (-flat, 0, lean)
            assert (parallel - opposite) / 2 == pytest.approx(signal(1.0, w) * flat**2, abs=1e-12)
            assert (parallel + opposite) / 2 == pytest.approx(np.exp(-1) * lean**2, abs=1e-12)
            pair = [chapter()["tilted"](lean, sign, w / TIME) for sign in (1, -1)]
            np.testing.assert_allclose(pair, [parallel, opposite], rtol=0, atol=1e-9)


# --- momentum time and the printed torque -----------------------------------------------------------------------------


def plane_source(distance, angle, share, number):
    """The Boltzmann equation with a source in the plane x = 0, by a Fourier integral."""
    path = np.sqrt(3 * share)
    _, weights = directions(number)

    def mean(q):
        """Mean of f for a source exp(i q x)."""
        return weights @ np.linalg.solve(losses(share * angle, share, number, q * path), 2 * share * np.ones(number))

    # The contour stays below the modes q = i k and rises to both sides, where exp(i q d) falls.
    nodes, own = np.polynomial.legendre.leggauss(300)
    right, own = 45 / distance * (nodes + 1), 45 / distance * own
    total = 0.0
    for side in (1, -1):
        q, slope = side * right + 1j * (0.4 + 0.3 * right), 1 + 0.3j * side
        total += sum(own * slope * np.array([mean(each) for each in q]) * np.exp(1j * q * distance))
    return total / (2 * np.pi)


def test_limit_two_directions_are_the_moments_and_many_the_boltzmann_equation():
    boltzmann = chapter()["boltzmann"]
    for share, distance, angle in ((0.1, 2.0, 3.0), (0.3, 1.0, -2.0)):
        two = boltzmann(distance, angle, share, 2)
        medium = DiffusiveMedium(D, TIME, share * TIME)
        assert two.real == pytest.approx(signal(distance, angle, medium), abs=1e-12)
        assert two.imag == pytest.approx(half_space(distance, (0, 0, angle), share=share)[1], abs=1e-12)
        assert boltzmann(distance, angle, share, 64) == pytest.approx(boltzmann(distance, angle, share, 120), abs=1e-6)


def test_limit_boltzmann_modes_are_its_fourier_integral():
    for share, distance, angle in ((0.1, 2.0, 1.5), (0.3, 2.0, 0.0)):
        by_modes = chapter()["boltzmann"](distance, angle, share, 8)
        assert plane_source(distance, angle, share, 8) == pytest.approx(by_modes, abs=1e-9)


def test_limit_momentum_time_vanishes_in_a_metal():
    """One spin flip in a thousand collisions: all agree within one part in a thousand of the zero-field signal."""
    grid, share = np.linspace(0, 8, 17), 1e-3
    many = np.array([chapter()["boltzmann"](2.0, w, share, 32).real for w in grid])
    for medium in (METAL, DiffusiveMedium(D, TIME, share * TIME)):
        curve = signal(2.0, grid, medium)
        assert np.abs(curve / curve[0] - many / many[0]).max() < 1e-3


def test_limit_printed_torque_has_no_hanle_effect():
    """Two halves: with B in the torque the lattice; as printed a curve whose tiny curvature is predicted."""
    per_tesla = 2 * mu_B / hbar * TIME
    for w in (1.0, 4.0):
        assert half_space(1.0, (0, 0, w))[0] == pytest.approx(extrapolated(1.0, (0, 0, -w / per_tesla))[0], abs=1e-9)
        assert half_space(1.0, (0, 0, w), torque=False)[0] == pytest.approx(np.exp(-1), abs=1e-12)  # tau = 0
    for distance in (0.5, 1.0, 2.0, 4.0):
        share, w = 1e-3, 10.0
        printed = half_space(distance, (0, 0, w), share=share, torque=False)[0] * np.exp(distance)
        predicted = (share * w) ** 2 * (distance**2 - distance - 1) / 8
        assert 1 - printed == pytest.approx(predicted, abs=1e-7)
        assert (printed > 1) == (distance < (1 + np.sqrt(5)) / 2)
        right = half_space(distance, (0, 0, w), share=share)[0] * np.exp(distance)
        assert right < 0.5


# --- wires that end ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["closed", "sink"])
def test_limit_bar_by_transfer_matrices(end):
    for angle in (0.0, 1.3, -4.0):
        for first, last, drain in ((1.0, 0.4, 0.0), (0.3, 2.5, 1.7)):
            exact = bar(1.5, (0, 0, angle), first, last, (drain, drain), end)
            formula = chapter()["bar"](1.5, angle, first, last, drain=drain, ends=end)
            assert exact[0] + 1j * exact[1] == pytest.approx(complex(formula), abs=1e-11)
        boundary = Boundary.spin_current(np.zeros(3)) if end == "closed" else None
        solved = chapter()["solved_bar"](1.5, angle, 1.0, 0.4, boundary)
        np.testing.assert_allclose(solved, bar(1.5, (0, 0, angle), 1.0, 0.4, end=end), rtol=0, atol=1e-9)


def test_limit_contacts_that_take_spins_at_two_rates():
    """Along the axis of an electrode and across it, field in any direction; contacts at the ends of the wire."""
    unit = D / LENGTH
    left, right = (
        np.diag([0.8, 2.0, 2.0]),
        rotation_matrix(Z, 0.7) @ np.diag([0.3, 1.5, 1.5]) @ rotation_matrix(Z, -0.7),
    )
    right = right + cross_matrix((0.2, 0.1, 0.0))  # an imaginary part of the mixing conductance
    for omega in ((0.0, 0.0, 2.0), (1.0, -0.5, 3.0)):
        feed = Boundary.contact(unit * left, np.linalg.solve(left, X))
        structure = SpinStructure(
            [Layer(METAL, 1.2 * LENGTH)], feed, Boundary.contact(unit * right), np.array(omega) / TIME
        )
        m = solve_accumulation(structure).at(1.2 * LENGTH)[0]
        through, _ = slab(np.array(omega), 1.2)
        mm, mj, jm, jj = through[:3, :3], through[:3, 3:], through[3:, :3], through[3:, 3:]
        m_0 = np.linalg.solve(jm - jj @ left - right @ (mm - mj @ left), right @ mj @ X - jj @ X)
        exact = (mm - mj @ left) @ m_0 + mj @ X
        np.testing.assert_allclose(m, exact, rtol=0, atol=1e-9)
        isotropic = bar(1.2, omega, 1e-9, 1e-9, (0.8, 0.3))
        assert np.abs(isotropic - exact).max() > 0.02


def test_limit_electrode_within_a_wire_is_a_thin_layer_that_relaxes():
    """A drain G is a layer of thickness s and relaxation time s/G; the error is of the order of s G."""
    thin, drain, distance = 1e-5, 0.98, 2.0
    lossy = DiffusiveMedium(D, thin * LENGTH / (drain * D / LENGTH))
    feed = X * D / LENGTH**2 / thin
    layers = [
        Layer(METAL, LENGTH),
        Layer(lossy, thin * LENGTH, source=feed),
        Layer(METAL, (distance - thin) * LENGTH),
        Layer(lossy, thin * LENGTH),
        Layer(METAL, LENGTH),
    ]
    for angle in (0.0, 2.0):
        ends = Boundary.open()
        structure = SpinStructure(layers, ends, ends, (0, 0, angle / TIME), origin=-(1 + thin / 2) * LENGTH)
        m = solve_accumulation(structure).at(distance * LENGTH)[0]
        wire = chapter()["bar"](distance, angle, 40, 40, drain=drain)
        assert m[0] + 1j * m[1] == pytest.approx(complex(wire), abs=1e-5 * abs(wire) + 1e-8)


def test_limit_wrong_model_fits_well_and_finds_wrong_times():
    """From transfer matrices and another minimiser with another start; the page says 70 % and half a per cent."""
    window = np.linspace(-4, 4, 41)
    for build, expected in (
        (lambda w: bar(2.0, (0, 0, w), 9.0, 9.0, (1.0, 1.0))[0], (0.696, 1.069)),
        (lambda w: bar(2.0, (0, 0, w), 1.0, 1.0)[0], (1.306, 0.985)),
        (lambda w: bar(2.0, (0, 0, w), 1.0, 1.0, end="sink")[0], (0.663, 0.883)),
        (lambda w: bar(2.0, (0, 0, w), 5.0, 5.0)[0], (1.0, 1.0)),
    ):
        curve = np.array([build(w) for w in window])
        curve /= curve.max()

        def off(p, curve=curve):
            time, near, height = p
            return height * np.exp(near) * signal(near, window * time) - curve

        found = least_squares(off, (0.8, 2.4, 0.9), bounds=([0.05, 0.1, 0], [5, 9, 3]), xtol=1e-14, ftol=1e-14)
        time, near, _ = found.x
        assert time == pytest.approx(expected[0], abs=6e-4)
        assert (2 / near) ** 2 / time == pytest.approx(expected[1], abs=6e-4)
        assert np.abs(found.fun).max() < 0.02
        by_page = chapter()["apparent"](curve)
        np.testing.assert_allclose(by_page[:2], [time, (2 / near) ** 2 / time], rtol=0, atol=1e-6)


def test_limit_weak_electrodes_shift_the_found_times_in_first_order():
    """Curves of transfer matrices, fitted by the page; the shift by hand, from dm/dG and the slopes of the model."""
    window, near = np.linspace(-4, 4, 41), 2.0
    slopes = []
    for drain in (1e-4, 2e-4):
        curve = np.array([bar(near, (0, 0, w), 9.0, 9.0, (drain, drain))[0] for w in window])
        slopes.append((np.array(chapter()["apparent"](curve)[:2]) - 1) / drain)
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-3)
    # 1/m = 2 Y cosh gd + (g + Y^2/g) sinh gd with Y = g + G: at G = 0 dm/dG = -m/g.
    g = np.sqrt(1 + 1j * window)
    curve = np.exp(-near * (g - 1)) / g
    moved = (curve - curve / g).real  # scaled to its maximum
    by_time = (curve * (-near - 1 / g) * 1j * window / (2 * g)).real  # by log tau_sf
    by_near = (-near * (g - 1) * curve).real  # by log d/l
    time, distance, _ = np.linalg.lstsq(np.stack([by_time, by_near, curve.real], axis=1), moved, rcond=None)[0]
    np.testing.assert_allclose(slopes[0], [time, -2 * distance - time], rtol=2e-3)
    assert slopes[0][0] < -0.3


def test_limit_closed_island_is_a_lorentzian():
    small = 1e-3
    for angle in (0.0, 1.0, -3.0):
        m = bar(small, (0, 0, angle), 1e-9, 1e-9) * small
        assert m[0] == pytest.approx(1 / (1 + angle**2), abs=4e-6)
        assert m[1] == pytest.approx(-angle / (1 + angle**2), abs=4e-6)


# --- fit --------------------------------------------------------------------------------------------------------------

TRUTH = np.array([50.0, 5.0, 1.2, 0.3])  # ps, 1e-3 m^2/s, mOhm, mOhm
NOISE = 0.02


@cache
def noiseless(reach):
    """Field and signal, from flight times and not from the closed form."""
    field = np.arange(-reach, reach + 1, reach // 20)
    angles = 2 * mu_B / hbar * field * 1e-3 * TRUTH[0] * 1e-12
    distance = 1e-6 / LENGTH
    curve = np.array([flights(distance, w) for w in angles[20:]]) / flights(distance, 0.0)
    return field, TRUTH[3] + TRUTH[2] * np.concatenate([curve[:0:-1], curve])


def drawn(seed, reach=400, noise=NOISE):
    """Field and signal of a synthetic measurement."""
    field, exact = noiseless(reach)
    return field, exact + noise * np.random.default_rng(seed).normal(size=len(field))


def test_invariant_shipped_signal_is_what_it_says():
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "field_mT,signal_mOhm,uncertainty_mOhm"
    remarks = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    for said in (
        "Synthetic",
        "d = 1000 nm",
        "D = 5e-3",
        "tau_sf = 50 ps",
        "g = 2",
        "1.2 mOhm",
        "0.3 mOhm",
        "0.02 mOhm",
    ):
        assert said in remarks
    assert "default_rng(2005)" in remarks
    field, values = drawn(2005)
    own = [f"{b:d},{v:.4f},0.02" for b, v in zip(field, values, strict=True)]
    assert [line for line in lines[1:] if not line.startswith("#")] == own


def test_peer_fit_of_the_shipped_signal():
    """Another minimiser, other parameters, the other form of the model."""
    table = np.genfromtxt(FILE, delimiter=",", names=True)
    field, values, sigma = (table[name] for name in table.dtype.names)
    found, covariance, off = chapter()["fit"](field, values, sigma)

    def residuals(p):
        near, time, height, base = np.exp(p[0]), np.exp(p[1]), p[2], p[3]
        angle = 2 * mu_B / hbar * field * 1e-3 * time
        return (base + height * signal(near, angle) * np.exp(near) - values) / sigma

    start = (np.log(3.0), np.log(3e-11), 1.0, 0.0)
    other = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, x_scale="jac")
    near, time = np.exp(other.x[:2])
    same = [time * 1e12, (1e-6 / near) ** 2 / time * 1e3, other.x[2], other.x[3]]
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found / errors, same / errors, rtol=0, atol=1e-3)
    assert off @ off == pytest.approx(2 * other.cost, abs=1e-5)
    # Errors from the curvature of chi squared in (log d/l, log tau_sf), carried over to tau_sf.
    spread = np.linalg.inv(other.jac.T @ other.jac)
    assert errors[0] == pytest.approx(time * 1e12 * np.sqrt(spread[1, 1]), abs=5e-3)
    turn = np.array([-2.0, -1.0])  # log D = const - 2 log d/l - log tau_sf
    assert errors[1] == pytest.approx(same[1] * np.sqrt(turn @ spread[:2, :2] @ turn), abs=2e-3)


def coverage(runs, noise=NOISE, reach=400):
    """In how many runs each true parameter lies within two standard errors that a noise NOISE gives; chi squared."""
    inside, chi = np.zeros(4, dtype=int), 0.0
    for seed in range(runs):
        field, values = drawn([2005, seed], reach, noise)
        found, covariance, off = chapter()["fit"](field, values, np.full(len(field), NOISE))
        inside += np.abs(found - TRUTH) < 2 * np.sqrt(np.diag(covariance))
        chi += off @ off
    return inside, chi / runs


@pytest.mark.parametrize("reach", [400, 200])
def test_limit_coverage_of_the_errors(reach):
    """95.45 % of Gaussian errors lie inside two sigma: of 200 runs 191 +- 3, beyond either bound with odds of 1e-4."""
    runs = 200
    low, high = binom.interval(1 - 2e-4, runs, 0.9545)
    inside, chi = coverage(runs, reach=reach)
    assert (inside >= low).all()
    assert (inside <= high).all()
    # 37 degrees of freedom: chi squared has the mean 37, and the mean of 200 the standard error sqrt(74/200) = 0.6.
    assert chi == pytest.approx(37, abs=3 * 0.61)
    # A noise that is larger by sqrt 2 would be found: 84 % inside, chi squared 74.
    wrong, worse = coverage(60, NOISE * np.sqrt(2), reach)
    assert wrong.sum() < binom.ppf(1e-3, 240, 0.9545)
    assert worse > 60


def test_bad_input_window_within_the_central_peak():
    """Within +-100 mT a third of the fits end without a result, and the errors of the others are wrong."""
    runs, inside, failures = 30, 0, []
    for seed in range(runs):
        field, values = drawn([2005, seed], 100)
        try:
            found, covariance, _ = chapter()["fit"](field, values, np.full(len(field), NOISE))
        except RuntimeError as error:
            failures.append(str(error))
        else:
            inside += abs(found[1] - TRUTH[1]) < 2 * np.sqrt(covariance[1, 1])
    # Of 200 runs 63 fail and 55 % of the others contain D: of 30 runs 9 +- 3 fail.
    assert 3 <= len(failures) <= 17
    assert all(each.startswith("no fit") and "hold D" in each for each in failures)
    assert inside < binom.ppf(1e-3, runs - len(failures), 0.9545)


def test_limit_narrow_window_with_the_diffusion_constant_held():
    """Within +-100 mT, too, tau_sf comes out with the error that the page predicts, once D is known."""
    runs, times, inside = 200, [], 0
    for seed in range(runs):
        field, values = drawn([2005, seed], 100)

        def held(b, time, amplitude, offset):
            return chapter()["model"](b, time, TRUTH[1], amplitude, offset)

        found, covariance = curve_fit(held, field, values, TRUTH[[0, 2, 3]], np.full(41, NOISE), absolute_sigma=True)
        times.append(found[0])
        inside += abs(found[0] - TRUTH[0]) < 2 * np.sqrt(covariance[0, 0])
    low, high = binom.interval(1 - 2e-4, runs, 0.9545)
    assert low <= inside <= high
    # The scatter of 200 runs is known to one part in twenty.
    assert np.std(times) / TRUTH[0] == pytest.approx(0.054, abs=0.009)


def test_invariant_scales_of_a_curve():
    field = np.linspace(-300, 300, 13)
    model = chapter()["model"]
    base = model(field, 50.0, 5.0, 1.2, 0.3)
    # Twice the distance and four times D; twice g, half the time and twice D.
    try:
        chapter()["distance"] = 2e-6
        np.testing.assert_allclose(model(field, 50.0, 20.0, 1.2, 0.3), base, rtol=0, atol=1e-13)
        chapter()["distance"], chapter()["g_factor"] = 1e-6, 4.0
        np.testing.assert_allclose(model(field, 25.0, 10.0, 1.2, 0.3), base, rtol=0, atol=1e-13)
        assert np.abs(model(field, 50.0, 5.0, 1.2, 0.3) - base).max() > 0.1
    finally:
        chapter()["distance"], chapter()["g_factor"] = 1e-6, 2.0


def test_limit_peak_alone_tells_one_number():
    """Within a small window two pairs (tau_sf, d/l) of one <t^2> have one curve; the next order tells them apart."""
    near = 2.0
    square = (3 + 3 * near + near**2) / 4
    other = 1.0
    stretch = np.sqrt(square / ((3 + 3 * other + other**2) / 4))
    gaps = []
    for reach in (0.06, 0.03):
        first = signal(near, reach) * np.exp(near)
        second = signal(other, reach * stretch) * np.exp(other)
        gaps.append(abs(first - second))
        assert 1 - first > 10 * gaps[-1]
    assert gaps[0] / gaps[1] == pytest.approx(16, abs=0.3)


def test_peer_errors_of_narrower_windows():
    """What the page predicts from differences of its model, from derivatives by hand."""
    time, diffusivity, amplitude, _ = TRUTH
    near = 1e-6 / LENGTH
    for reach, error, known in ((400, 3.5, 1.3), (200, 8.4, 1.7), (100, 63.7, 5.4)):
        angle = 2 * mu_B / hbar * np.linspace(-reach, reach, 41) * 1e-3 * TIME
        k = np.sqrt(1 + 1j * angle)
        curve = np.exp(-near * (k - 1)) / k
        by_near = amplitude * (-(k - 1) * curve).real
        by_angle = amplitude * (curve * (-near - 1 / k) * 1j / (2 * k)).real
        slopes = [(by_angle * angle - by_near * near / 2) / time, -by_near * near / (2 * diffusivity)]
        slopes = np.array([*slopes, curve.real, np.ones(41)])
        spread = np.linalg.inv(slopes @ slopes.T) * NOISE**2
        assert 100 * np.sqrt(spread[0, 0]) / time == pytest.approx(error, abs=0.06)
        slopes = np.delete(slopes, 1, 0)
        fewer = np.linalg.inv(slopes @ slopes.T) * NOISE**2
        assert 100 * np.sqrt(fewer[0, 0]) / time == pytest.approx(known, abs=0.06)


def test_invariant_fit_finds_other_wires_from_its_own_start():
    """The start values come from the data alone; both signs of the signal, other lengths of time and ways."""
    field = np.linspace(-600, 600, 61)
    for truth in ((20.0, 8.0, 0.5, 0.0), (120.0, 3.0, -1.0, 0.2), (50.0, 25.0, 2.0, -1.0)):
        values = chapter()["model"](field, *truth)
        found, _, off = chapter()["fit"](field, values, np.full(61, 0.01))
        np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-6)
        assert np.abs(off).max() < 1e-3
    again, _ = curve_fit(chapter()["by_flights"], field, values, np.array(truth) * 1.05)
    np.testing.assert_allclose(again, truth, rtol=1e-4, atol=1e-5)
