"""The statements of the chapter on the two potentials of spin transfer, each by a route that the chapter does not take.

The second route is the Gilbert equation of `macrospin` with a spin torque, which knows neither potential, or the angles
theta and phi with derivatives by differences.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import legendre
from scipy.optimize import brentq, root

from spinlib.dynamics.macrospin import LinearField, SpinTorque, integrate_llg, llg_rate
from spinlib.dynamics.thermodynamic import (
    GeneralizedLLG,
    QuadraticPotential,
    fixed_points,
    landau_lifshitz_mobility,
    linear_response,
    quasi_static_path,
    switching_field,
)

Z = np.array([0.0, 0.0, 1.0])
EASY = QuadraticPotential(quadratic=np.diag([0, 0, -0.5]))  # V = -u_z^2/2
ALPHA, S = 0.1, 0.3


def directions(count, seed):
    u = np.random.default_rng(seed).normal(size=(count, 3))
    return u / np.linalg.norm(u, axis=-1, keepdims=True)


def dot(a, b):
    return np.einsum("...i,...i", a, b)


def across(v, u):
    return v - dot(v, u)[..., None] * u


def against(degrees):
    return np.array([np.sin(np.radians(degrees)), 0, -np.cos(np.radians(degrees))])


def uniaxial(s=0.0, varphi=0.0, alpha=ALPHA):
    chi, phi = QuadraticPotential((0, 0, alpha * s)), QuadraticPotential((0, 0, -varphi))
    return GeneralizedLLG(EASY, alpha, 1.0, chi=chi, phi=phi)


def gilbert_torque(chi, phi, alpha, p=Z):
    """The torque of `macrospin` (M_s V = gamma = 1) whose potentials are chi p.u and phi p.u."""
    a, b = (chi + alpha * phi) / (1 + alpha**2), (phi - alpha * chi) / (1 + alpha**2)
    return SpinTorque(p, damping_like=a, field_like=-b)


def motion(h, times, start, s=0.0, varphi=0.0, alpha=ALPHA):
    """The uniaxial magnet by the Gilbert equation; its times are those of a mobility of one."""
    torque = gilbert_torque(alpha * s, -varphi, alpha)
    field = LinearField(h, np.diag([0, 0, 1.0]))
    scaled = (1 + alpha**2) * np.asarray(times)
    return integrate_llg(start, field, scaled, alpha=alpha, gyromagnetic_ratio=1.0, torque=torque)


class Monomials:
    """Potential sum_k c_k x^a y^b z^c, with the coefficients of a fit."""

    def __init__(self, powers, coefficients):
        self.powers, self.coefficients = powers, coefficients

    def __call__(self, u):
        return np.prod(u[..., None, :] ** self.powers, axis=-1) @ self.coefficients

    def gradient(self, u):
        return np.einsum("...ki,k", monomial_gradients(self.powers, u), self.coefficients)


def monomial_gradients(powers, u):
    """Tangential gradients (..., k, 3) of the monomials."""
    raw = np.zeros((*u.shape[:-1], len(powers), 3))
    for i in range(3):
        lower = powers.copy()
        lower[:, i] = np.maximum(lower[:, i] - 1, 0)
        raw[..., i] = powers[:, i] * np.prod(u[..., None, :] ** lower, axis=-1)
    return across(raw, np.broadcast_to(u[..., None, :], raw.shape))


def basis_of_degree(top):
    """On the sphere z^2 = 1 - x^2 - y^2, so that powers 0 and 1 of z are enough; without the constant."""
    grid = np.array([(a, b, c) for a in range(top + 1) for b in range(top + 1 - a) for c in (0, 1) if a + b + c <= top])
    return grid[grid.sum(axis=1) > 0]


def random_potential(seed, top=4, size=1.0):
    powers = basis_of_degree(top)
    return Monomials(powers, size * np.random.default_rng(seed).normal(size=len(powers)))


def slope_by_differences(potential, u, step=1e-3):
    """Gradient along the sphere from values on great circles, fourth order."""
    out = np.zeros_like(u)
    first = np.cross(u, np.roll(u, 1, axis=-1) + 0.1)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    for e in (first, np.cross(u, first)):
        at = {k: potential(np.cos(k * step) * u + np.sin(k * step) * e) for k in (-2, -1, 1, 2)}
        out += ((8 * (at[1] - at[-1]) - at[2] + at[-2]) / (12 * step))[..., None] * e
    return out


# --- (21) to (24) -----------------------------------------------------------------------------------------------------


def angles(u):
    """Unit vectors u_theta and u_phi."""
    theta, phi = np.arccos(u[..., 2]), np.arctan2(u[..., 1], u[..., 0])
    u_theta = np.stack([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)], -1)
    return u_theta, np.stack([-np.sin(phi), np.cos(phi), 0 * phi], -1)


def rate_of_flux(u, slope, transfer, alpha, mobility, sign):
    """(21) over rho v: sign times the matrix (3) on grad V, plus L_F X, in components along u_theta and u_phi."""
    frame = np.stack(angles(u), -2)
    g, x = (np.einsum("...ai,...i->...a", frame, vector) for vector in (slope, transfer))
    matrix = mobility * np.array([[alpha, 1], [-1, alpha]])
    return np.einsum("...a,...ai->...i", sign * g @ matrix.T + mobility * x, frame)


def magnet_with_torque(seed=1):
    """Rates of the Gilbert equation with and without a torque, grad V and the X that belongs to the torque."""
    u, alpha, gamma, moment = directions(200, seed), 0.3, 1.7, 2.5
    field = LinearField((0.3, -0.2, 0.4), np.diag([0.1, -0.5, 0.9]))
    torque = SpinTorque(directions(1, seed + 1)[0], 0.4, -0.25, 0.3)(u)
    given = {"alpha": alpha, "gyromagnetic_ratio": gamma}
    with_torque, without = (llg_rate(u, field(u), torque=tau, **given) for tau in (torque, None))
    transfer = moment / gamma * (torque + alpha * np.cross(u, torque))
    slope = -moment * across(field(u), u)
    return u, slope, transfer, alpha, landau_lifshitz_mobility(moment, alpha, gamma), with_torque, without


def test_paper_WD11_21_flux_with_the_sign_of_equation_2():
    """The corrected sign is that of the Gilbert equation; the printed one misses by minus twice the rate at rest."""
    u, slope, transfer, alpha, mobility, expected, isolated = magnet_with_torque()
    right = rate_of_flux(u, slope, transfer, alpha, mobility, -1)
    printed = rate_of_flux(u, slope, transfer, alpha, mobility, +1)
    np.testing.assert_allclose(right, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(printed - expected, -2 * isolated, rtol=0, atol=1e-13)
    assert np.abs(isolated).max() > 0.1


def test_paper_WD11_22_any_tangent_field_has_two_potentials_unique_up_to_constants():
    """A fit with polynomials, not harmonics: full rank is uniqueness, no residual is existence."""
    draw, powers, u = np.random.default_rng(3), basis_of_degree(3), directions(400, 4)
    constant, linear, square = (draw.normal(size=(3,) * rank) for rank in (1, 2, 3))

    def transfer(u):
        return across(constant + u @ linear + np.einsum("...i,...j,ijk", u, u, square), u)

    slopes = monomial_gradients(powers, u)
    turned = np.cross(u[:, None], slopes)
    matrix = np.concatenate([slopes, turned], axis=1).transpose(0, 2, 1).reshape(-1, 2 * len(powers))
    coefficients, _, rank, singular = np.linalg.lstsq(matrix, transfer(u).ravel(), rcond=1e-10)
    assert rank == 2 * len(powers) == 30  # 2 [(3 + 1)^2 - 1]
    assert singular[-1] > 1e-2 * singular[0]
    chi, phi = (Monomials(powers, part) for part in np.split(coefficients, 2))
    system = GeneralizedLLG(QuadraticPotential(), 0.2, 3.0, chi=chi, phi=phi)
    elsewhere = directions(300, 5)
    np.testing.assert_allclose(system.velocity(elsewhere), 3 * transfer(elsewhere), rtol=0, atol=1e-11)


def test_paper_WD11_22_constant_components_are_no_field_of_the_sphere():
    """Near a pole a constant component along u_theta takes opposite values at opposite sides; sin(theta) mends it."""
    u = np.array([[1e-8, 0, 1.0], [-1e-8, 0, 1.0]])
    u_theta, u_phi = angles(u)
    for field in (u_theta, u_phi):
        assert np.linalg.norm(field[0] - field[1]) == pytest.approx(2, abs=1e-12)
    around = directions(50, 6)
    u_theta, u_phi = angles(around)
    sine = np.sqrt(1 - around[:, 2:] ** 2)
    minus_z = QuadraticPotential((0, 0, -1.0))
    np.testing.assert_allclose(sine * u_theta, minus_z.gradient(around), rtol=0, atol=1e-14)
    np.testing.assert_allclose(sine * u_phi, np.cross(around, minus_z.gradient(around)), rtol=0, atol=1e-14)


def test_paper_WD11_23_printed_flux_climbs_the_energy_and_turns_backwards():
    """On the axis: dz/dt and the precession of the Gilbert equation against (23) with either sign."""
    alpha, h, s, varphi = 0.15, 0.7, 0.4, 0.25
    u = np.array([0.6, 0.0, 0.8])
    gilbert = llg_rate(
        u, h * Z, alpha=alpha, gyromagnetic_ratio=1.0, torque=gilbert_torque(alpha * s, -varphi, alpha)(u)
    )
    gilbert = gilbert * (1 + alpha**2)
    slope, chi, phi = (across(size * Z, u) for size in (-h, alpha * s, -varphi))
    transfer = chi + np.cross(u, phi)
    right, printed = (rate_of_flux(u, slope, transfer, alpha, 1.0, sign) for sign in (-1, 1))
    np.testing.assert_allclose(right, gilbert, rtol=0, atol=1e-14)
    # Counter-clockwise about the field, seen from its tip, and towards it; h is 0.7, s 0.4, varphi 0.25.
    assert gilbert[2] == pytest.approx((1 - 0.8**2) * alpha * (h + s), abs=1e-14)
    assert gilbert[1] / u[0] == pytest.approx(h + varphi, abs=1e-14)
    assert printed[2] == pytest.approx((1 - 0.8**2) * alpha * (-h + s), abs=1e-14)
    assert printed[1] / u[0] == pytest.approx(-h + varphi, abs=1e-14)


@pytest.mark.parametrize("seed", [10, 20])
def test_paper_WD11_23_printed_flux_without_current_runs_time_backwards(seed):
    u, slope, _, alpha, mobility, _, isolated = magnet_with_torque(seed)
    printed = rate_of_flux(u, slope, 0 * u, alpha, mobility, +1)
    np.testing.assert_allclose(printed, -isolated, rtol=0, atol=1e-13)
    np.testing.assert_allclose(dot(slope, printed), alpha * mobility * dot(slope, slope), rtol=0, atol=1e-12)


class Efficiency:
    """scale ln(1 + c p.u)/c."""

    def __init__(self, p, scale, c):
        self.p, self.scale, self.c = p, scale, c

    def __call__(self, u):
        return self.scale * np.log1p(self.c * (u @ self.p)) / self.c

    def gradient(self, u):
        return self.scale * across(self.p, u) / (1 + self.c * (u @ self.p))[..., None]


@pytest.mark.parametrize("asymmetry", [0.0, 0.5])
def test_paper_WD11_24_velocity_is_the_gilbert_equation_with_a_torque(asymmetry):
    """Bridge of the chapter: a and b of the torque against both potentials, in SI."""
    alpha, a, b, moment, gamma = 0.25, 4e9, 1.5e9, 3e-18, 1.76e11
    p, u, B = directions(1, 7)[0], directions(500, 8), np.array([0.03, 0.01, -0.05])
    torque = SpinTorque(p, damping_like=a, field_like=-b, asymmetry=asymmetry)
    expected = llg_rate(u, B, alpha=alpha, gyromagnetic_ratio=gamma, torque=torque(u))
    chi, phi = moment / gamma * np.array([a - alpha * b, b + alpha * a])
    if asymmetry:
        pair = {"chi": Efficiency(p, chi, asymmetry), "phi": Efficiency(p, phi, asymmetry)}
    else:
        pair = {"chi": QuadraticPotential(chi * p), "phi": QuadraticPotential(phi * p)}
    energy = QuadraticPotential(-moment * B)
    system = GeneralizedLLG(energy, alpha, landau_lifshitz_mobility(moment, alpha, gamma), **pair)
    np.testing.assert_allclose(system.velocity(u), expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_paper_WD11_24_velocity_is_the_printed_equation():
    """(24) as it stands in the paper, with slopes by differences."""
    energy, chi, phi = (random_potential(seed) for seed in (30, 31, 32))
    u, alpha, mobility = directions(100, 9), 0.3, 1.4
    H, grad_chi, grad_phi = (sign * slope_by_differences(x, u) for sign, x in ((-1, energy), (1, chi), (1, phi)))
    inner = np.cross(u, np.cross(u, H + grad_chi / alpha))
    printed = -mobility * (np.cross(u, H - grad_phi) + alpha * inner)
    system = GeneralizedLLG(energy, alpha, mobility, chi=chi, phi=phi)
    np.testing.assert_allclose(system.velocity(u), printed, rtol=0, atol=1e-8)


@given(st.integers(0, 10**6), st.floats(0.001, 2))
def test_invariant_energy_falls_without_current(seed, alpha):
    """dV/dt from values of V along the motion, for random potentials of degree four."""
    energy, u, step = random_potential(seed), directions(20, seed), 1e-4
    rate = GeneralizedLLG(energy, alpha, 1.0).velocity(u)
    ahead, behind = (u + sign * step * rate for sign in (1, -1))
    ahead, behind = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (ahead, behind))
    power = (energy(ahead) - energy(behind)) / (2 * step)
    slope = slope_by_differences(energy, u)
    # The error of the difference is step^2 times a third derivative along a rate of order 10.
    scale = np.abs(power).max() + 1
    np.testing.assert_allclose(power, -alpha * dot(slope, slope), rtol=0, atol=1e-4 * scale * (1 + np.abs(rate).max()))
    assert (power < 1e-4 * scale).all()


# --- states of rest ---------------------------------------------------------------------------------------------------


def rest_by_gilbert(field, torque, alpha, seed):
    """Zeros of the Gilbert equation from random starts, without potentials."""

    def rate(u):
        n = u / np.linalg.norm(u)
        return llg_rate(n, field(n), alpha=alpha, gyromagnetic_ratio=1.0, torque=torque(n)) + (u @ u - 1) * u

    found = [root(rate, start, tol=1e-14) for start in directions(12, seed)]
    states = [x.x / np.linalg.norm(x.x) for x in found if np.abs(rate(x.x)).max() < 1e-11]
    assert len(states) >= 4
    return np.array(states)


@pytest.mark.parametrize("seed", range(5))
def test_paper_WD11_statement_F12_states_of_rest(seed):
    """Exact condition to 1e-12 at zeros of the Gilbert equation; the printed one misses by |grad(chi + alpha Phi)|."""
    draw = np.random.default_rng(seed)
    alpha, tensor, p = draw.uniform(0.05, 0.6), draw.normal(size=(3, 3)), directions(1, seed + 50)[0]
    field = LinearField(draw.normal(size=3), tensor + tensor.T)
    chi, phi = draw.normal(size=2)
    u = rest_by_gilbert(field, gilbert_torque(chi, phi, alpha, p), alpha, seed)
    H, e = across(field(u), u), across(p, u)
    x = chi * e + phi * np.cross(u, e)
    exact = -(alpha * x + np.cross(u, x)) / (1 + alpha**2)
    np.testing.assert_allclose(H, exact, rtol=0, atol=1e-12)  # fields of order 1
    missing = np.linalg.norm(H + chi * e / alpha, axis=1)
    predicted = np.linalg.norm((chi + alpha * phi) * e, axis=1) / (alpha * np.sqrt(1 + alpha**2))
    np.testing.assert_allclose(missing, predicted, rtol=1e-9, atol=1e-10)
    assert missing.max() > 0.1
    # All of them, and no other, are found by the library.
    V = QuadraticPotential(-np.asarray(field.applied), -np.asarray(field.tensor) / 2)
    system = GeneralizedLLG(V, alpha, 1.0, chi=QuadraticPotential(chi * p), phi=QuadraticPotential(phi * p))
    found = fixed_points(system)
    assert np.linalg.norm(u[:, None] - found.m, axis=-1).min(axis=1).max() < 1e-9
    index = np.sign(np.prod(found.eigenvalues, axis=1).real)
    assert index.sum() == 2


def test_paper_WD11_statement_F12_printed_condition_holds_for_a_torque_that_is_a_field():
    """a = 0, so chi = -alpha Phi: the printed condition is met at every state of rest, on the axis or off it."""
    alpha, b, p = 0.2, 0.6, directions(1, 70)[0]
    field = LinearField((0.3, 0.2, -0.1), np.diag([0.5, -0.8, 0.3]))
    u = rest_by_gilbert(field, SpinTorque(p, 0.0, -b), alpha, 71)
    e = across(p, u)
    np.testing.assert_allclose(across(field(u), u) + (-alpha * b) * e / alpha, 0, rtol=0, atol=1e-12)
    assert np.linalg.norm(e, axis=1).min() > 0.05


def test_paper_WD11_statement_F12_printed_states_precess():
    """A state of the printed condition moves at L_F u x grad(Phi + chi/alpha); on the axis that is a circle."""
    alpha, chi, phi, p = 0.2, 0.15, -0.3, directions(1, 72)[0]
    field = LinearField((0.3, 0.2, -0.1), np.diag([0.5, -0.8, 0.3]))
    tilted = LinearField(np.asarray(field.applied) + chi * p / alpha, field.tensor)
    for u in rest_by_gilbert(tilted, SpinTorque(p, 0.0), 0.3, 73):
        torque = gilbert_torque(chi, phi, alpha, p)(u)
        rate = (1 + alpha**2) * llg_rate(u, field(u), alpha=alpha, gyromagnetic_ratio=1.0, torque=torque)
        np.testing.assert_allclose(rate, np.cross(u, (phi + chi / alpha) * across(p, u)), rtol=0, atol=1e-11)
    # Circle of latitude of the easy plane: alpha V' = chi' at z = h + s, angular frequency |s|.
    h, s = 1.4, -0.9
    torque, field = gilbert_torque(ALPHA * s, 0, ALPHA), LinearField(h * Z, np.diag([0, 0, -1.0]))
    start, times = np.array([np.sqrt(0.75), 0, 0.5]), np.linspace(0, 10, 5) * (1 + ALPHA**2)
    ring = integrate_llg(start, field, times, alpha=ALPHA, gyromagnetic_ratio=1.0, torque=torque)
    np.testing.assert_allclose(ring[:, 2], h + s, rtol=0, atol=1e-7)
    turned = np.angle((ring[:, 0] + 1j * ring[:, 1]) * np.exp(-1j * abs(s) * np.linspace(0, 10, 5) * np.sign(-s)))
    assert np.abs(np.sin(turned)).max() < 1e-6


@pytest.mark.parametrize(
    ("h", "s", "reverses", "by_print"),
    [(0.60, 0.3, False, False), (0.64, 0.3, True, False), (0.585, -0.3, False, True), (0.61, -0.3, True, True)],
)
def test_paper_WD11_statement_F12_loop_off_the_axis_hardly_moves(h, s, reverses, by_print):
    """15 degrees off, motions of the Gilbert equation about 0.6178 and 0.5961; by print it is 0.839 and 0.401."""
    at = h * against(15)
    rest = fixed_points(GeneralizedLLG(QuadraticPotential(-at, EASY.quadratic), ALPHA, 1.0))
    stable = rest.m[rest.stable]
    start = stable[np.argmax(stable[:, 2])] if h < 0.6146 else np.array([0.54, -0.055, 0.84])
    end = motion(at, (0, 4000), start / np.linalg.norm(start), s=s)[-1]
    assert (end[2] < 0) == reverses
    assert (h > printed_switching_field(15, s)) == by_print


def printed_switching_field(degrees, s):
    """H + grad chi/alpha = 0 is the state without current in a field s more along the axis: an astroid, moved."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    low = max(s, 0) / cosine
    return brentq(lambda h: np.cbrt(h * sine) ** 2 + np.cbrt(h * cosine - s) ** 2 - 1, low, 4, xtol=1e-14)


@pytest.mark.parametrize("s", [0.3, -0.3])
def test_paper_WD11_statement_F12_loop_on_the_axis_moves_as_printed(s):
    """Growth of a small deviation at the pole changes sign at h = 1 + s, for chi; Phi does not move it."""

    def growth(h, **current):
        start = np.array([np.sin(1e-4), 0, np.cos(1e-4)])
        return np.linalg.norm(motion(-h * Z, (0, 1.0), start, **current)[-1][:2]) / 1e-4

    for current, edge in (({"s": s}, 1 + s), ({"varphi": s}, 1.0)):
        assert growth(edge - 0.02, **current) < 1 < growth(edge + 0.02, **current)
        assert edge == pytest.approx(printed_switching_field(0, current.get("s", 0)), abs=1e-9)


def test_limit_loop_with_phi_moves_off_the_axis():
    """States of Phi = -varphi u_z feel varphi/(1 + alpha^2) along the axis and alpha times it across: small alpha."""
    alpha, varphi, degrees = 1e-3, 0.2, 30
    up = switching_field(uniaxial(varphi=varphi, alpha=alpha), against(degrees), Z, 3.0)
    down = switching_field(uniaxial(varphi=varphi, alpha=alpha), -against(degrees), -Z, 3.0)
    assert down.kind == "fold"
    assert down.field_energy == pytest.approx(printed_switching_field(degrees, -varphi), abs=1e-5)
    assert up.field_energy > printed_switching_field(degrees, 0) + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_paper_WD11_statement_curlless_means_conservative(seed):
    """Around a closed path grad chi does no work; u x grad Phi does the integral of Laplace's Phi over the cap."""
    chi, phi, half_angle = random_potential(seed), random_potential(seed + 100), 0.9
    n = directions(1, seed + 200)[0]
    first = np.cross(n, [0.3, 0.5, 0.8])
    first /= np.linalg.norm(first)
    frame = np.stack([first, np.cross(n, first), n])
    turn = np.arange(64) * 2 * np.pi / 64

    def ring(theta):
        sine = np.sin(theta)
        return np.stack([sine * np.cos(turn), sine * np.sin(turn), np.cos(theta) + 0 * turn], -1) @ frame

    path = ring(half_angle)
    step = np.stack([-np.sin(turn), np.cos(turn), 0 * turn], -1) @ frame * np.sin(half_angle) * 2 * np.pi / 64
    assert abs(dot(chi.gradient(path), step).sum()) < 1e-12
    work = dot(np.cross(path, phi.gradient(path)), step).sum()
    # Flux of the outward slope through the rim, which is the integral of Laplace's Phi: by quadrature of differences.
    node, weight = legendre.leggauss(12)
    total, eps = 0.0, 1e-3
    for x, w in zip(node, weight, strict=True):
        theta = half_angle * (x + 1) / 2
        u = ring(theta)
        e = np.cross(u, np.roll(u, 1, axis=-1) + 0.1)
        e /= np.linalg.norm(e, axis=-1, keepdims=True)
        laplace = 0
        for side in (e, np.cross(u, e)):
            values = [phi(np.cos(k * eps) * u + np.sin(k * eps) * side) for k in (-1, 0, 1)]
            laplace = laplace + (values[0] - 2 * values[1] + values[2]) / eps**2
        total += w * half_angle / 2 * np.sin(theta) * laplace.sum() * 2 * np.pi / 64
    assert work == pytest.approx(total, abs=1e-4)
    assert abs(work) > 0.05


# --- resonance --------------------------------------------------------------------------------------------------------


@given(st.floats(0.2, 5), st.floats(0.2, 5), st.floats(0.01, 0.8), st.floats(-2, 2), st.floats(-0.1, 3))
def test_limit_resonance_in_closed_form(k1, k2, alpha, c, varphi):
    energy = QuadraticPotential(quadratic=np.diag([k1, k2, 0]) / 2)
    pair = {"chi": QuadraticPotential((0, 0, c)), "phi": QuadraticPotential((0, 0, -varphi))}
    response = linear_response(GeneralizedLLG(energy, alpha, 1.0, **pair), Z)
    square = (k1 + varphi) * (k2 + varphi) - alpha**2 * (k1 - k2) ** 2 / 4
    assert response.angular_frequency**2 == pytest.approx(max(square, 0), abs=1e-10)
    damping = alpha * (k1 + k2) / 2 + c
    assert response.decay_rate == pytest.approx(damping - np.sqrt(max(-square, 0)), abs=1e-7)


@pytest.mark.parametrize(("s", "varphi"), [(0.0, 0.0), (0.5, 0.0), (-0.5, 0.0), (0.0, 0.7)])
def test_limit_resonance_by_ringing_of_the_gilbert_equation(s, varphi):
    """Ring-down in a field along the axis, K = 1 + h: chi moves the decay alone, Phi the frequency alone."""
    h, times = 0.4, np.linspace(0, 30, 3001)
    path = motion(h * Z, times, np.array([np.sin(1e-3), 0, np.cos(1e-3)]), s=s, varphi=varphi)
    log = np.log(path[:, 0] + 1j * path[:, 1])
    slope = np.polyfit(times, np.unwrap(log.imag), 1)[0], -np.polyfit(times, log.real, 1)[0]
    assert slope == pytest.approx((1 + h + varphi, ALPHA * (1 + h) + ALPHA * s), abs=1e-6)
    response = linear_response(uniaxial_in(h * Z, s, varphi), Z)
    assert (response.angular_frequency, response.decay_rate) == pytest.approx(slope, abs=1e-6)


def uniaxial_in(h, s, varphi=0.0):
    energy = QuadraticPotential(-np.asarray(h), EASY.quadratic)
    chi, phi = QuadraticPotential((0, 0, ALPHA * s)), QuadraticPotential((0, 0, -varphi))
    return GeneralizedLLG(energy, ALPHA, 1.0, chi=chi, phi=phi)


def test_limit_damping_like_torque_moves_the_resonance_in_second_order():
    """A torque a along the state has c = a, varphi = -alpha a: at threshold omega^2 grows by alpha^2 (K1 + K2)^2/2."""
    k1, k2, alpha = 1.0, 4.0, 0.02
    a = -alpha * (k1 + k2) / 2
    field = LinearField(tensor=np.diag([-k1, -k2, 0]))
    torque = SpinTorque(Z, damping_like=a)
    eps, columns = 1e-5, []
    for e in np.eye(3)[:2]:
        pair = [np.cos(eps) * Z + sign * np.sin(eps) * e for sign in (1, -1)]
        rates = [llg_rate(u, field(u), alpha=alpha, gyromagnetic_ratio=1.0, torque=torque(u)) for u in pair]
        columns.append((rates[0] - rates[1])[:2] / (2 * eps) * (1 + alpha**2))
    matrix = np.array(columns).T
    square = np.linalg.det(matrix) - np.trace(matrix) ** 2 / 4
    rest = k1 * k2 - alpha**2 * (k1 - k2) ** 2 / 4
    assert np.trace(matrix) == pytest.approx(0, abs=1e-9)
    assert square - rest == pytest.approx(alpha**2 * (k1 + k2) ** 2 / 2, rel=2e-3, abs=0)


# --- astroid ----------------------------------------------------------------------------------------------------------


def rate_in_angles(theta, phi, h, psi, s, alpha):
    """Rates of theta and phi by hand: V = -cos^2/2 - h.u, chi = alpha s cos, no Phi."""
    hx, hz = h * np.sin(psi), -h * np.cos(psi)
    v_theta = np.sin(theta) * np.cos(theta) - hx * np.cos(theta) * np.cos(phi) + hz * np.sin(theta)
    v_phi = hx * np.sin(theta) * np.sin(phi)
    p_theta, p_phi = alpha * v_theta + alpha * s * np.sin(theta), alpha * v_phi
    sine = np.sin(theta)
    return np.array([-v_phi / sine - p_theta, (v_theta - p_phi / sine) / sine])


def loss_of_stability(kind, start, psi, s, alpha=ALPHA):
    """theta, phi and h where the rate and the determinant (fold) or the trace (Hopf) of its derivatives vanish."""

    def equations(y, eps=1e-4):
        def column(d):
            at = {k: rate_in_angles(*(y[:2] + k * eps * d), y[2], psi, s, alpha) for k in (-2, -1, 1, 2)}
            return (8 * (at[1] - at[-1]) - at[2] + at[-2]) / (12 * eps)

        jacobian = np.column_stack([column(d) for d in np.eye(2)])
        margin = np.linalg.det(jacobian) if kind == "fold" else np.trace(jacobian)
        return [*rate_in_angles(*y, psi, s, alpha), margin]

    found = root(equations, start, tol=1e-13)
    assert np.abs(found.fun).max() < 1e-10
    return found.x[2]


# Angle to -z in degrees, s, kind, field, state to start the search from (theta, phi).
LOST = [
    (5, 0.3, "fold", 0.77099, (0.42, -0.18)),
    (15, 0.3, "fold", 0.61775, (0.57, -0.10)),
    (45, 0.3, "fold", 0.50254, (0.79, -0.06)),
    (5, -0.3, "hopf", 0.67742, (0.19, 0.10)),
    (15, -0.3, "hopf", 0.59611, (0.44, 0.08)),
    (30, -0.3, "hopf", 0.52177, (0.66, 0.07)),
    (45, -0.3, "fold", 0.49834, (0.78, 0.06)),
]


@pytest.mark.parametrize(("degrees", "s", "kind", "expected", "near"), LOST)
def test_limit_astroid_under_current(degrees, s, kind, expected, near):
    psi = np.radians(degrees)
    again = loss_of_stability(kind, (*near, expected), psi, s)
    found = switching_field(uniaxial(s), against(degrees), Z, 3.0)
    assert found.kind == kind
    assert found.field_energy == pytest.approx(again, abs=1e-8)
    assert again == pytest.approx(expected, abs=6e-6)
    assert abs(printed_switching_field(degrees, s) - again) > 0.1
    across_line, along_line = closed_lines(kind, found.m[2], s)
    assert found.field_energy * np.array([np.sin(psi), -np.cos(psi)]) == pytest.approx(
        (across_line, along_line), abs=1e-9
    )


@pytest.mark.parametrize(("degrees", "near", "share"), [(5, (0.19, 0.10), 0.358), (15, (0.44, 0.08), 0.087)])
def test_limit_the_destabilised_edge_moves_by_a_part_of_the_printed_shift(degrees, near, share):
    without = printed_switching_field(degrees, 0.0)
    lost = loss_of_stability("hopf", (*near, without), np.radians(degrees), -S)
    assert (without - lost) / (without - printed_switching_field(degrees, -S)) == pytest.approx(share, abs=5e-4)


def closed_lines(kind, x, s, alpha=ALPHA):
    """h_x and h_z of the chapter's fold and Hopf lines at u_z = x."""
    reduced = s / (1 + alpha**2)
    b, q = alpha * reduced, 1 - x**2
    w = (q + np.sqrt(q**2 - 4 * b**2 * x**2)) / 2 if kind == "fold" else q / 2 - reduced * x
    return np.sqrt(q * (w**2 + b**2)), x * (w - 1) - alpha * b


@pytest.mark.parametrize("degrees", [0.5, 5, 15, 45, 80])
def test_limit_astroid_without_current_is_stoner_and_wohlfarths(degrees):
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    closed = (np.cbrt(sine) ** 2 + np.cbrt(cosine) ** 2) ** -1.5
    found = switching_field(uniaxial(), against(degrees), Z, 3.0)
    assert found.kind == "fold"
    assert found.field_energy == pytest.approx(closed, abs=1e-9)
    assert printed_switching_field(degrees, 0.0) == pytest.approx(closed, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.05])
def test_limit_fold_is_missing_close_to_the_axis(alpha):
    """Below 4 (alpha s)^1.5/27^0.25 across the axis the state lives on to 1 + s; right to five per cent."""
    leading = 4 * (alpha * S) ** 1.5 / 27**0.25
    inside, outside = (
        switching_field(uniaxial(S, alpha=alpha), against(np.degrees(share * leading)), Z, 3.0) for share in (0.85, 1.1)
    )
    assert (inside.kind, outside.kind) == ("hopf", "fold")
    assert inside.field_energy == pytest.approx(1 + S, abs=5e-3)
    assert outside.field_energy < 1


def test_limit_magnet_lost_close_to_the_axis_is_caught_by_the_current():
    """By the Gilbert equation: after the fold it rests tilted at 2 degrees, precesses at 4 and 4.5, reverses at 5.

    The lens of rest ends at 4.1 degrees; between there and five the magnet only precesses, and the record has nan.
    """
    start = np.array([0.40, -0.05, 0.0])
    start[2] = np.sqrt(1 - start @ start)
    late = {
        (degrees, h): motion(h * against(degrees), np.linspace(0, 1500, 301), start, s=S)[200:]
        for degrees, h in ((2, 0.9), (4, 0.87), (4.5, 0.79), (5, 0.79))
    }
    rest, cycle, beside, reversed_ = late.values()
    assert np.ptp(rest, axis=0).max() < 1e-2
    assert rest[-1, 2] == pytest.approx(0.852, abs=5e-3)
    assert np.ptp(cycle[:, 2]) > 0.4
    assert cycle[:, 2].min() > 0.5
    assert np.ptp(beside[:, 2]) > 0.4
    assert 0.3 < beside[:, 2].min() < beside[:, 2].max() < 0.99
    field = 0.79 * against(4.5)
    there = fixed_points(GeneralizedLLG(QuadraticPotential(-field, EASY.quadratic), ALPHA, 1.0, chi=uniaxial(S).chi))
    assert there.m[there.stable][:, 2].max() < -0.99  # no state of rest on this side
    assert reversed_[:, 2].max() < -0.99
    path = quasi_static_path(uniaxial(S), np.outer([0, 0.5, 0.7, 0.85, 0.9], against(2)), Z)
    assert path.switched.tolist() == [False, False, False, False, True]
    np.testing.assert_allclose(path.m[-1], rest[-1], rtol=0, atol=1e-2)
    with pytest.warns(UserWarning, match="in 1 of the fields the magnet does not come to rest"):
        path = quasi_static_path(uniaxial(S), np.outer([0, 0.7, 0.79, 1.3], against(4.5)), Z)
    assert np.isnan(path.m[2]).all()
    assert path.m[3, 2] < -0.99


def test_limit_cycle_below_the_hopf_line_repels():
    """15 degrees, h = 0.585, s = -0.3: of two starts on a line the inner one comes to rest, the outer one reverses."""
    h = 0.585 * against(15)
    rest = fixed_points(uniaxial_in(h, -S))
    center = rest.m[rest.stable][np.argmax(rest.m[rest.stable][:, 2])]
    side = np.cross(center, [0, 1.0, 0])
    side /= np.linalg.norm(side)
    ends = {}
    for tilt in (0.14, 0.20):
        ends[tilt] = motion(h, (0, 6000), np.cos(tilt) * center + np.sin(tilt) * side, s=-S)[-1]
    assert np.linalg.norm(ends[0.14] - center) < 1e-6
    assert ends[0.20][2] < -0.9


@pytest.mark.parametrize("k_d", [0.0, 1.5, 20.0])
def test_limit_threshold_of_a_layer(k_d):
    """V = K(-u_z^2 + k_d u_y^2): by the sign of the growth of the Gilbert equation's deviations at the pole."""
    K, alpha = 0.7, 0.05
    field = LinearField(tensor=2 * K * np.diag([0, -k_d, 1]))

    def trace(c):
        torque, eps, total = gilbert_torque(c, 0, alpha), 1e-5, 0.0
        for e in np.eye(3)[:2]:
            pair = [np.cos(eps) * Z + sign * np.sin(eps) * e for sign in (1, -1)]
            rates = [llg_rate(u, field(u), alpha=alpha, gyromagnetic_ratio=1.0, torque=torque(u)) for u in pair]
            total += (rates[0] - rates[1]) @ e / (2 * eps)
        return total

    assert brentq(trace, -4, 0, xtol=1e-12) == pytest.approx(-alpha * K * (2 + k_d), abs=1e-8)
