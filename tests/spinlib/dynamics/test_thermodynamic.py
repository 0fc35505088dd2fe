"""Potentials, the generalised equation WD11 (24), its fixed points and the motion about them.

The second routes: angles theta and phi with their metric for the derivatives, the complex plane of
``tests/stereographic.py`` for the complete set of fixed points and their stability, SciPy's integration of vector
products written out here for everything that moves.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from spinlib.dynamics.macrospin import LinearField, SpinTorque, llg_rate
from spinlib.dynamics.thermodynamic import (
    GeneralizedLLG,
    QuadraticPotential,
    fixed_points,
    landau_lifshitz_mobility,
    linear_response,
)
from spinlib.units import gyromagnetic_ratio as free_electron
from tests.bad_input import Refusal, refusals
from tests.potentials import Quartic, QuarticWithHessian, pair
from tests.stereographic import TURN, plane

SEEDS = st.integers(0, 2**32 - 1)
X, Y, Z = np.eye(3)


def directions(rng, *shape):
    u = rng.normal(size=(*shape, 3))
    return u / np.linalg.norm(u, axis=-1, keepdims=True)


def quadratic(rng, linear=1.0, square=1.0):
    q = rng.normal(size=(3, 3))
    return QuadraticPotential(linear * rng.normal(size=3), square * (q + q.T) / 2)


def random_system(rng, spread=(0.1, 1.0, 3.0)):
    """V, chi and Phi of random sizes: two to ten fixed points."""
    linear = rng.choice([0.01, 0.1, 0.3, 1.0])
    v, chi, phi = (quadratic(rng, size * linear, size) for size in (1.0, rng.choice(spread), rng.choice(spread)))
    return GeneralizedLLG(v, rng.choice([0.01, 0.1, 1.0, 3.0]), 1.0, chi, phi)


def rate(system, u):
    """(24) as it is printed: vector products of Cartesian gradients, H = -grad V."""
    slopes = [a + 2 * u @ q for a, q in (pair(part) for part in (system.energy, system.chi, system.phi))]
    h, chi, phi = -slopes[0], slopes[1], slopes[2]
    return -system.mobility * (np.cross(u, h - phi) + np.cross(u, np.cross(u, system.alpha * h + chi)))


# --- potentials ---------------------------------------------------------------------------------------------------


@cache
def in_angles():
    """Value, gradient and covariant second derivative of a.u + u.Q.u in (theta, phi), in the basis e_theta, e_phi."""
    theta, phi = sp.symbols("theta phi", real=True)
    a = sp.Matrix(sp.symbols("a0:3", real=True))
    q = sp.Matrix(3, 3, lambda i, j: sp.Symbol(f"q{min(i, j)}{max(i, j)}", real=True))
    u = sp.Matrix([sp.sin(theta) * sp.cos(phi), sp.sin(theta) * sp.sin(phi), sp.cos(theta)])
    at = (theta, phi)
    metric = sp.diag(1, sp.sin(theta) ** 2)
    inverse, size = metric.inv(), (1, sp.sin(theta))

    def christoffel(k, i, j):
        d = sp.diff
        return sum(
            inverse[k, s] * (d(metric[s, i], at[j]) + d(metric[s, j], at[i]) - d(metric[i, j], at[s])) / 2
            for s in range(2)
        )

    v = (a.T * u + u.T * q * u)[0]
    gradient = [sp.diff(v, at[i]) / size[i] for i in range(2)]
    second = [
        [
            (sp.diff(v, at[i], at[j]) - sum(christoffel(k, i, j) * sp.diff(v, at[k]) for k in range(2)))
            / (size[i] * size[j])
            for j in range(2)
        ]
        for i in range(2)
    ]
    frame = [[sp.diff(u, at[i])[k] / size[i] for k in range(3)] for i in range(2)]
    upper = [q[i, j] for i in range(3) for j in range(i, 3)]
    return sp.lambdify([theta, phi, *a, *upper], [v, gradient, second, list(u), frame], "numpy")


@given(SEEDS, st.floats(0.01, np.pi - 0.01), st.floats(-np.pi, np.pi))
def test_invariant_derivatives_on_the_sphere_are_those_in_angles(seed, theta, phi):
    potential = quadratic(np.random.default_rng(seed))
    linear, form = pair(potential)
    value, gradient, second, u, frame = map(np.array, in_angles()(theta, phi, *linear, *form[np.triu_indices(3)]))
    tolerance = 1e-14 / np.sin(theta) ** 2  # the angles' own rounding
    assert potential(u) == pytest.approx(value, abs=1e-13)
    np.testing.assert_allclose(potential.gradient(u), gradient @ frame, rtol=0, atol=1e-13 + tolerance)
    np.testing.assert_allclose(potential.hessian(u), frame.T @ second @ frame, rtol=0, atol=1e-13 + 10 * tolerance)


@given(SEEDS)
def test_invariant_laplacian_tells_the_degrees_apart(seed):
    """-l(l + 1) on degree one and two: the trace of Q is a constant that no derivative sees."""
    rng = np.random.default_rng(seed)
    potential, u = quadratic(rng), directions(rng, 4)
    linear, form = pair(potential)
    trace = np.trace(form)
    expected = -2 * u @ linear - 6 * (np.einsum("ni,ij,nj->n", u, form, u) - trace / 3)
    tensor = potential.hessian(u)
    np.testing.assert_allclose(np.trace(tensor, axis1=1, axis2=2), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", tensor, u), 0, atol=1e-13)
    np.testing.assert_allclose(tensor, np.swapaxes(tensor, 1, 2), rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.sum(potential.gradient(u) * u, -1), 0, atol=1e-13)


def test_limit_potential_keeps_the_shape_of_its_argument():
    potential = QuadraticPotential((0, 0, 2.0))
    assert isinstance(potential(Z), float)
    u = directions(np.random.default_rng(0), 2, 5)
    assert potential(u).shape == (2, 5)
    assert potential.gradient(u).shape == (2, 5, 3)
    assert potential.hessian(u).shape == (2, 5, 3, 3)
    assert not potential.linear.flags.writeable
    assert not potential.quadratic.flags.writeable


# --- velocity -----------------------------------------------------------------------------------------------------


@given(SEEDS)
def test_paper_WD11_24_velocity_is_that_of_printed_products_and_of_the_complex_plane(seed):
    rng = np.random.default_rng(seed)
    system, u = replace(random_system(rng), mobility=1.7), directions(rng, 6)
    velocity = system.velocity(u)
    np.testing.assert_allclose(velocity, rate(system, u), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.sum(velocity * u, -1), 0, atol=1e-13)
    turned = u @ TURN.T
    z = (turned[:, 0] + 1j * turned[:, 1]) / (1 - turned[:, 2])
    v = velocity @ TURN.T
    pushed = (v[:, 0] + 1j * v[:, 1]) / (1 - turned[:, 2]) + z * v[:, 2] / (1 - turned[:, 2])
    np.testing.assert_allclose(next(plane(system).at(z)), pushed, rtol=1e-9, atol=1e-9)


@given(SEEDS)
def test_invariant_energy_falls_at_the_rate_of_its_slope_without_current(seed):
    rng = np.random.default_rng(seed)
    system = GeneralizedLLG(quadratic(rng), rng.uniform(0, 3), rng.uniform(0.1, 2))
    u = directions(rng, 8)
    slope = system.energy.gradient(u)
    power = np.sum(slope * system.velocity(u), -1)
    expected = -system.alpha * system.mobility * np.sum(slope**2, -1)
    np.testing.assert_allclose(power, expected, rtol=1e-12, atol=1e-13)
    assert (power <= 0).all()


@given(SEEDS)
def test_peer_macrospin_torque_is_two_potentials(seed):
    """The bridge: chi = (M_s V/gamma)(a - alpha b) p.u, Phi = (M_s V/gamma)(b + alpha a) p.u, b = -field_like."""
    rng = np.random.default_rng(seed)
    moment, gamma, alpha = rng.uniform(1, 9) * 1e-19, rng.uniform(0.5, 2) * free_electron, rng.uniform(0, 2)
    field, tensor, p = 0.1 * rng.normal(size=3), quadratic(rng, 0, 0.1).quadratic, directions(rng)
    a, b = 0.1 * gamma * rng.normal(size=2)
    per = moment / gamma
    system = GeneralizedLLG(
        QuadraticPotential(-moment * field, -moment * tensor / 2),
        alpha,
        landau_lifshitz_mobility(moment, alpha, gamma),
        chi=QuadraticPotential(per * (a - alpha * b) * p),
        phi=QuadraticPotential(per * (b + alpha * a) * p),
    )
    u = directions(rng, 7)
    torque = SpinTorque(p, damping_like=a, field_like=-b)(u)
    given = {"alpha": alpha, "gyromagnetic_ratio": gamma, "torque": torque}
    expected = llg_rate(u, LinearField(field, tensor)(u), **given)
    np.testing.assert_allclose(system.velocity(u), expected, rtol=0, atol=1e-12 * gamma)


def test_limit_mobility_of_a_free_electron():
    """gamma/(M_s V) at alpha = 0; half of it at alpha = 1; shapes broadcast."""
    assert landau_lifshitz_mobility(2.0, 0.0) == pytest.approx(free_electron / 2, abs=1e-3)
    found = landau_lifshitz_mobility([1.0, 2.0], [[0.0], [1.0]], gyromagnetic_ratio=4.0)
    np.testing.assert_allclose(found, [[4, 2], [2, 1]], rtol=1e-15)
    assert isinstance(landau_lifshitz_mobility(1.0, 0.1), float)


def test_limit_gradient_of_a_user_may_have_a_part_along_m():
    u = directions(np.random.default_rng(3), 5)
    plain, stray = (GeneralizedLLG(Quartic(stray=stray), 0.3, 1.0) for stray in (0.0, 0.7))
    assert abs(np.sum(stray.energy.gradient(u) * u, -1)).max() > 0.5
    np.testing.assert_allclose(stray.velocity(u), plain.velocity(u), rtol=0, atol=1e-14)


# --- fixed points -------------------------------------------------------------------------------------------------


def matched(found, expected):
    """The order in which ``found`` ``(k, 3)`` holds the directions ``expected``, one to one."""
    assert found.shape == expected.shape
    apart = np.linalg.norm(found[:, None] - expected, axis=-1)
    order = apart.argmin(axis=0)
    assert sorted(order) == list(range(len(found)))
    assert apart.min(axis=0).max() < 1e-9
    return order


def check_fixed_points(system):
    """All roots of a polynomial of degree ten, their traces and determinants, the index, the exact identity."""
    found = fixed_points(system)
    u, trace, determinant = plane(system).fixed_points()
    size = np.sqrt(abs(determinant).max()) + abs(trace).max()
    values = found.eigenvalues[matched(found.m, u)]
    np.testing.assert_allclose(values.sum(1), trace, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(values.prod(1), determinant, rtol=0, atol=1e-9 * size**2)
    clear = abs(trace) > 1e-9 * size
    expected = (trace < 0) & (determinant > 0)
    np.testing.assert_array_equal(found.stable[matched(found.m, u)][clear], expected[clear])
    # H = -(alpha + u x)(grad chi + u x grad Phi)/(1 + alpha^2)
    m = found.m
    h, chi, phi = -system.energy.gradient(m), system.chi.gradient(m), system.phi.gradient(m)
    drive = chi + np.cross(m, phi)
    held = -(system.alpha * drive + np.cross(m, drive)) / (1 + system.alpha**2)
    assert abs(h - held).max() <= 1e-12 * abs(h).max(initial=1.0)
    # nodes and foci less saddles
    assert np.sign(found.eigenvalues.prod(1).real).sum() == 2
    energies = system.energy(m)
    assert (np.diff(energies) >= -1e-8 * abs(energies).max()).all()
    return len(m)


def test_paper_WD11_statement_F12_every_fixed_point_of_random_systems():
    rng = np.random.default_rng(20)
    assert {check_fixed_points(random_system(rng)) for _ in range(100)} >= {2, 4, 6}


@pytest.mark.parametrize(("seed", "count"), [(68, 8), (222, 8), (881, 8), (51, 10), (114, 10), (1845, 10)])
def test_paper_WD11_statement_F12_eight_and_ten_fixed_points(seed, count):
    """Ten is the most that the polynomial has room for; the seeds are those of 2500 that give so many."""
    assert check_fixed_points(random_system(np.random.default_rng(seed))) == count


@settings(max_examples=25)
@given(SEEDS)
def test_invariant_fixed_points_turn_with_the_frame_and_not_with_the_mobility(seed):
    rng = np.random.default_rng(seed)
    system, turn = random_system(rng), Rotation.random(random_state=rng.integers(2**31)).as_matrix()
    parts = {
        name: QuadraticPotential(turn @ linear, turn @ form @ turn.T)
        for name, (linear, form) in {n: pair(getattr(system, n)) for n in ("energy", "chi", "phi")}.items()
    }
    found, turned = fixed_points(system), fixed_points(replace(system, mobility=5e20, **parts))
    order = matched(turned.m, found.m @ turn.T)
    np.testing.assert_array_equal(turned.stable[order], found.stable)
    size = abs(found.eigenvalues).max()
    for power in (np.sum, np.prod):
        value = power(turned.eigenvalues[order] / 5e20, axis=1)
        np.testing.assert_allclose(value, power(found.eigenvalues, axis=1), rtol=0, atol=1e-8 * size**2 + 1e-8 * size)


@settings(max_examples=30)
@given(SEEDS)
def test_limit_fixed_points_of_a_quadratic_form_are_its_eigenvectors(seed):
    """In J and 1/(J s): eigenvalues L[-alpha(a + b)/2 +- ...] with a, b the differences of the form's, doubled."""
    rng = np.random.default_rng(seed)
    form = quadratic(rng, 0, 1e-19).quadratic
    levels, axes = np.linalg.eigh(form)
    if np.diff(levels).min() < 1e-3 * np.ptp(levels):
        return
    alpha, mobility = rng.uniform(0.01, 2), 1e24
    found = fixed_points(GeneralizedLLG(QuadraticPotential(quadratic=form), alpha, mobility))
    order = matched(found.m, np.concatenate([axes.T, -axes.T]))
    np.testing.assert_array_equal(found.stable[order], [True, False, False] * 2)
    for k, values in zip(order, np.tile(np.eye(3), (2, 1)), strict=True):
        a, b = 2 * (levels - values @ levels)[values == 0]  # the two stiffnesses
        total, product = found.eigenvalues[k].sum() / mobility, found.eigenvalues[k].prod() / mobility**2
        assert total == pytest.approx(-alpha * (a + b), abs=1e-9 * 1e-19)
        assert product == pytest.approx((1 + alpha**2) * a * b, abs=1e-9 * 1e-38)


@pytest.mark.parametrize("degrees", [1, 20, 45, 70, 89])
@pytest.mark.parametrize("field", [0.1, 0.4, 0.7, 1.3])
def test_limit_uniaxial_in_a_field_is_a_quartic(degrees, field):
    """V = -cos^2/2 - h cos(theta - psi): with t = tan(theta/2) its slope is a polynomial of degree four."""
    psi = np.deg2rad(degrees)
    c, s = np.cos(psi), np.sin(psi)
    # sin theta cos theta + h (sin theta c - cos theta s) times (1 + t^2)^2
    quartic = [field * s, -2 + 2 * field * c, 0, 2 + 2 * field * c, -field * s]
    t = np.roots(quartic)
    theta = 2 * np.arctan(t[abs(t.imag) < 1e-9].real)
    expected = np.stack([np.sin(theta), 0 * theta, np.cos(theta)], -1)
    potential = QuadraticPotential((-field * s, 0, -field * c), np.diag([0, 0, -0.5]))
    found = fixed_points(GeneralizedLLG(potential, 0.2, 1.0))
    order = matched(found.m, expected)
    bend = np.cos(2 * theta) + field * np.cos(theta - psi)
    across = np.cos(theta) ** 2 + field * np.cos(theta - psi)
    np.testing.assert_array_equal(found.stable[order], (bend > 0) & (across > 0))
    np.testing.assert_allclose(found.eigenvalues[order].prod(1), 1.04 * bend * across, rtol=0, atol=1e-9)


@pytest.mark.parametrize("short", [1e-4, 1e-8, 1e-11])
def test_limit_node_and_saddle_close_to_their_fold_are_two(short):
    """At 45 degrees they meet at h = 1/2, sqrt(2/3 short) rad to either side; their determinant goes with the angle."""
    h = 0.5 * (1 - short)
    potential = QuadraticPotential((-h * np.sqrt(0.5), 0, h * np.sqrt(0.5)), np.diag([0, 0, -0.5]))
    found = fixed_points(GeneralizedLLG(potential, 0.2, 1.0))
    assert len(found.m) == 4
    close = found.m[found.m @ [1, 0, 1] > 1]
    assert len(close) == 2
    assert np.linalg.norm(close[0] - close[1]) == pytest.approx(2 * np.sqrt(2 / 3 * short), rel=0.01, abs=0)
    assert found.stable.sum() == 2


def test_limit_constant_hides_no_potential():
    """A constant 1e7 times the rest leaves eight digits of it, and one of 1e15 nothing."""
    form = np.eye(3) + 1e-7 * np.diag([1.0, 2.0, 0.0])
    found = fixed_points(GeneralizedLLG(QuadraticPotential(quadratic=form), 0.1, 1.0))
    order = matched(found.m, np.concatenate([np.eye(3), -np.eye(3)]))
    np.testing.assert_array_equal(found.stable[order], [False, False, True] * 2)
    np.testing.assert_allclose(found.eigenvalues[order[2]].prod(), 1.01 * 8e-14, rtol=1e-6)
    drowned = GeneralizedLLG(QuadraticPotential((0, 0, 1.0), 1e15 * np.eye(3)), 0.1, 1.0)
    with pytest.warns(
        UserWarning, match="a ring of an axisymmetric system, or potentials that are constant to rounding"
    ):
        assert fixed_points(drowned).m.shape == (0, 3)


def test_limit_cubic_anisotropy_has_its_26_directions():
    """Six axes, twelve diagonals of faces, eight of the cube: minima, saddles, maxima for K > 0."""
    signs = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
    signs = signs[np.any(signs, -1)]
    expected = signs / np.linalg.norm(signs, axis=-1, keepdims=True)
    degree = np.sum(signs**2, -1)
    for potential in (Quartic(), QuarticWithHessian(), Quartic(2.0), Quartic(-1.0), QuarticWithHessian(-1.0)):
        found = fixed_points(GeneralizedLLG(potential, 0.1, 1.0))
        order = matched(found.m, expected)
        np.testing.assert_array_equal(found.stable[order], degree == (1 if potential.strength > 0 else 3))
        product = found.eigenvalues[order].prod(1).real / (1.01 * potential.strength**2)
        stiffness = np.choose(degree - 1, [2 * 2, -2 * 1, (-4 / 3) ** 2])
        np.testing.assert_allclose(product, stiffness, rtol=0, atol=1e-9)


def test_peer_fixed_points_without_hessian_are_those_with_it():
    rng = np.random.default_rng(8)
    for _ in range(4):
        turn = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
        given = {"strength": rng.normal(), "axes": turn, "linear": 0.3 * rng.normal(size=3)}
        others = {"alpha": 0.2, "mobility": 1.0, "chi": quadratic(rng, 0.05, 0.05), "phi": quadratic(rng, 0.1, 0.1)}
        u = directions(rng, 5)
        numeric, exact = (GeneralizedLLG(kind(**given), **others) for kind in (Quartic, QuarticWithHessian))
        found, expected = fixed_points(numeric), fixed_points(exact)
        order = matched(found.m, expected.m)
        np.testing.assert_allclose(found.eigenvalues[order], expected.eigenvalues, rtol=0, atol=1e-7)
        np.testing.assert_allclose(numeric.velocity(u), exact.velocity(u), rtol=0, atol=1e-14)


@pytest.mark.parametrize("field", [0.0, 0.3])
def test_bad_input_ring_is_left_out_with_a_warning(field):
    """V = -u_z^2/2 + h u_z: the ring at u_z = h; with a chi along the axis the ring turns and there is none."""
    potential = QuadraticPotential((0, 0, field), np.diag([0, 0, -0.5]))
    system = GeneralizedLLG(potential, 0.1, 1.0)
    with pytest.warns(UserWarning, match="not isolated are left out"):
        found = fixed_points(system)
    matched(found.m, np.array([Z, -Z]))
    assert found.stable.all()
    driven = fixed_points(replace(system, chi=QuadraticPotential((0, 0, 0.01))))
    matched(driven.m, np.array([Z, -Z]))


@pytest.mark.parametrize("potential", [QuadraticPotential(), QuadraticPotential(quadratic=3.0 * np.eye(3))])
def test_bad_input_constant_potential_has_no_isolated_fixed_point(potential):
    with pytest.warns(UserWarning, match="not isolated are left out"):
        assert fixed_points(GeneralizedLLG(potential, 0.1, 1.0)).m.shape == (0, 3)


def test_limit_without_damping_nothing_is_stable():
    form = QuadraticPotential(quadratic=np.diag([0, 1.0, 2.0]))
    found = fixed_points(GeneralizedLLG(form, 0.0, 1.0))
    assert len(found.m) == 6
    assert not found.stable.any()
    np.testing.assert_array_equal(fixed_points(GeneralizedLLG(form, 1e-8, 1.0)).stable, [True] * 2 + [False] * 4)


def test_limit_records_are_equal_to_themselves_only():
    system = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 1.0, 2.0])), 0.1, 1.0)
    for call in (lambda: fixed_points(system), lambda: linear_response(system, X)):
        one, other = call(), call()
        assert one == one
        assert one != other
        assert len({one, other}) == 2


# --- motion close to a fixed point --------------------------------------------------------------------------------


def moved(system, starts, time, push=lambda t: np.zeros(3)):
    """The end of (24) from ``starts`` ``(k, 3)`` after ``time``, in a further field ``push(t)``."""
    shape = np.shape(starts)

    def right_side(t, flat):
        u = flat.reshape(shape)
        h = push(t)
        kicked = system.mobility * (system.alpha * h - np.cross(u, h))
        return (rate(system, u) + kicked - np.sum(kicked * u, -1)[..., None] * u).ravel()

    return solve_ivp(right_side, (0, time), np.ravel(starts), "DOP853", rtol=1e-12, atol=1e-13).y[:, -1].reshape(shape)


@settings(max_examples=30)
@given(SEEDS)
def test_peer_jacobian_is_the_map_of_a_small_circle(seed):
    rng = np.random.default_rng(seed)
    system = random_system(rng)
    for m in fixed_points(system).m[:2]:
        response = linear_response(system, m)
        basis, size = response.basis, 1e-4
        np.testing.assert_allclose(basis @ basis.T, np.eye(2), rtol=0, atol=1e-14)
        np.testing.assert_allclose(np.cross(*basis), m, rtol=0, atol=1e-14)
        time = 1 / abs(response.eigenvalues).max()
        starts = np.concatenate([m + size * basis, m - size * basis])
        ends = moved(system, starts / np.linalg.norm(starts, axis=-1, keepdims=True), time)
        found = ((ends[:2] - ends[2:]) @ basis.T).T / (2 * size)
        # cubic terms of order size^2
        np.testing.assert_allclose(found, expm(response.jacobian * time), rtol=0, atol=1e-5)


def test_peer_stable_means_that_neighbours_come_back():
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(12):
        system = random_system(rng)
        found = fixed_points(system)
        for m, values, stable in zip(found.m, found.eigenvalues, found.stable, strict=True):
            growth = values.real.max()
            if abs(growth) < 0.02 * abs(values).max():
                continue
            starts = m + 1e-6 * linear_response(system, m).basis
            ends = moved(system, starts / np.linalg.norm(starts, axis=-1, keepdims=True), 7 / abs(growth))
            seen.add(bool(stable))
            # exp(7) = 1097, against a map that is not normal
            assert (np.linalg.norm(ends - m, axis=-1).max() < 1e-6) == stable
            assert stable == (linear_response(system, m).decay_rate > 0)
    assert seen == {True, False}


@given(SEEDS)
def test_paper_WD11_24_resonance_under_current_has_a_closed_form(seed):
    """chi = c u.u0, Phi = -p u.u0: omega = L sqrt((K1 + p)(K2 + p) - alpha^2 (K1 - K2)^2/4), decay L[alpha K + c]."""
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=rng.integers(2**31)).as_matrix()
    first, second, c, p = rng.uniform(0.2, 2, 4) * (1, 1, 0.2, 0.5)
    c, alpha, mobility = c * rng.choice([-1, 1]), rng.uniform(0.01, 0.3), 1.3
    form = turn.T @ np.diag([first, second, 0]) @ turn / 2
    u0 = turn[2]
    system = GeneralizedLLG(
        QuadraticPotential(quadratic=form), alpha, mobility, QuadraticPotential(c * u0), QuadraticPotential(-p * u0)
    )
    response = linear_response(system, u0)
    omega = mobility * np.sqrt((first + p) * (second + p) - alpha**2 * (first - second) ** 2 / 4)
    decay = mobility * (alpha * (first + second) / 2 + c)
    assert response.angular_frequency == pytest.approx(omega, abs=1e-10)
    assert response.decay_rate == pytest.approx(decay, abs=1e-12)
    np.testing.assert_allclose(sorted(response.eigenvalues.imag), [-omega, omega], rtol=0, atol=1e-10)
    np.testing.assert_allclose(response.m, u0, rtol=0, atol=1e-15)


def test_limit_overdamped_has_no_frequency():
    """Stiffness 0.1 and 4, alpha = 1: real eigenvalues -L[alpha (K1 + K2)/2 -+ ...]; decay_rate is the slower."""
    system = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0.05, 2.0, 0])), 1.0, 1.0)
    response = linear_response(system, Z)
    root = np.sqrt(3.9**2 / 4 - 0.4)
    assert response.angular_frequency == 0
    assert response.decay_rate == pytest.approx(2.05 - root, abs=1e-12)


def test_peer_susceptibility_is_the_answer_to_an_oscillating_field():
    """First harmonic of u over whole periods; the answer's cubic part is 1e-8 of it at h = 1e-4."""
    rng = np.random.default_rng(12)
    parts = (quadratic(rng), quadratic(rng, 0.02, 0.02), quadratic(rng, 0.3, 0.3))
    system = GeneralizedLLG(parts[0], 0.3, 1.2, *parts[1:])
    found = fixed_points(system)
    response = linear_response(system, found.m[found.stable][0])
    size, per = 1e-4, 64
    for omega in np.array([0.3, 1.0, 2.0]) * response.angular_frequency:
        answer = response.susceptibility(omega)
        assert answer.shape == (2, 2)
        for k, axis in enumerate(response.basis):
            settled = 25 / response.decay_rate
            times = 2 * np.pi / omega * (np.ceil(settled * omega / (2 * np.pi)) + np.arange(per) / per)

            def right_side(t, u, axis=axis, omega=omega):
                h = size * np.cos(omega * t) * axis
                kicked = system.mobility * (system.alpha * h - np.cross(u, h))
                return rate(system, u) + kicked - np.sum(kicked * u) * u

            given = {"t_eval": times, "rtol": 1e-12, "atol": 1e-14}
            u = solve_ivp(right_side, (0, times[-1]), response.m, "DOP853", **given).y.T
            harmonic = 2 * np.exp(-1j * omega * times) @ (u - response.m) @ response.basis.T / per / size
            np.testing.assert_allclose(harmonic, answer[:, k], rtol=0, atol=1e-6 * abs(answer).max())


@settings(max_examples=30)
@given(SEEDS)
def test_invariant_static_susceptibility_shifts_the_fixed_point(seed):
    """S(0) h against the fixed points, from the polynomial, in +-h; poles at the eigenvalues."""
    rng = np.random.default_rng(seed)
    system = random_system(rng)
    u, trace, determinant = plane(system).fixed_points()
    k = abs(determinant).argmax()
    response = linear_response(system, u[k])
    size = 1e-5 * np.sqrt(abs(determinant[k]))
    for column, axis in zip(response.susceptibility(0.0).T, response.basis, strict=True):
        ends = []
        for sign in (-1, 1):
            linear, form = pair(system.energy)
            points = plane(replace(system, energy=QuadraticPotential(linear - sign * size * axis, form)))
            points = points.fixed_points()[0]
            ends.append(points[np.linalg.norm(points - u[k], axis=-1).argmin()])
        shift = response.basis @ (ends[1] - ends[0]) / (2 * size)
        np.testing.assert_allclose(column.imag, 0, atol=1e-12 * abs(column).max())
        np.testing.assert_allclose(shift, column.real, rtol=0, atol=1e-5 * abs(response.susceptibility(0.0)).max())
    # det(i omega - J) = -omega^2 - i omega trace + determinant divides S
    omega = rng.normal(size=(2, 3)) * np.sqrt(abs(determinant[k]))
    answer = response.susceptibility(omega)
    assert answer.shape == (2, 3, 2, 2)
    poles = determinant[k] - omega**2 - 1j * omega * trace[k]
    expected = system.mobility**2 * (1 + system.alpha**2) / poles  # det S = det K / det(i omega - J)
    np.testing.assert_allclose(np.linalg.det(answer), expected, rtol=1e-6)
    np.testing.assert_allclose(response.susceptibility(-omega), answer.conj(), rtol=0, atol=1e-10 * abs(answer).max())


def test_limit_susceptibility_of_a_moment_in_a_field_rotates_with_it():
    """V = -K u_z: (delta m)_+ = L (alpha - i)/[i omega + L (alpha - i) K] h_+ for a_+ = a_1 + i a_2.

    h_+ does not vanish for a field that turns counter-clockwise about u; it resonates at omega = +L K.
    """
    system = GeneralizedLLG(QuadraticPotential((0, 0, -2.0)), 0.5, 1.5)
    omega = np.linspace(-5, 5, 11)
    plus = np.einsum("i,wij->wj", [1, 1j], linear_response(system, Z).susceptibility(omega))
    expected = 1.5 * (0.5 - 1j) / (1j * omega + 1.5 * (0.5 - 1j) * 2)
    np.testing.assert_allclose(plus, expected[:, None] * [1, 1j], rtol=0, atol=1e-12)


# --- refusals -----------------------------------------------------------------------------------------------------

EASY = QuadraticPotential(quadratic=np.diag([1.0, 2.0, 0.0]))
MAGNET = {"energy": EASY, "alpha": 0.1, "mobility": 1.0}


class Wrong:
    """A potential whose value, gradient or second derivative is not what it should be."""

    def __init__(self, gradient, hessian=None, value=lambda m: m[..., 2]):
        self.gradient, self.value = gradient, value
        if hessian is not None:
            self.hessian = hessian

    def __call__(self, m):
        return self.value(m)


def velocity(**arguments):
    return GeneralizedLLG(**MAGNET | arguments).velocity(Z)


def response(m, **arguments):
    return linear_response(GeneralizedLLG(**MAGNET | arguments), m)


def points(**arguments):
    return fixed_points(GeneralizedLLG(**MAGNET | arguments))


def at_the_edge(angular_frequency):
    """chi = -alpha V: damped, and the current undoes it."""
    moment = GeneralizedLLG(QuadraticPotential((0, 0, -2.0)), 0.5, 1.0, QuadraticPotential((0, 0, -1.0)))
    return linear_response(moment, Z).susceptibility(angular_frequency)


def undamped(angular_frequency):
    moment = GeneralizedLLG(QuadraticPotential((0, 0, -2.0)), 0.0, 1.0)
    return linear_response(moment, Z).susceptibility(angular_frequency)


@refusals(
    Refusal("linear of another shape", QuadraticPotential, {"linear": (1, 2)}, ("linear", "(2,)", "(3,)")),
    Refusal("linear not finite", QuadraticPotential, {"linear": (1, 2, np.nan)}, ("linear[2] = nan", "finite")),
    Refusal("quadratic of another shape", QuadraticPotential, {"quadratic": np.eye(2)}, ("quadratic", "(2, 2)")),
    Refusal(
        "quadratic not symmetric",
        QuadraticPotential,
        {"quadratic": np.eye(3) + np.diag([1.0, 0], 1)},
        ("quadratic", "= 1 is not 0", "pass (Q + Q^T)/2"),
    ),
    Refusal("complex quadratic", QuadraticPotential, {"quadratic": 1j * np.eye(3)}, ("quadratic", "real numbers")),
    Refusal("m off the sphere", EASY, {"m": (0, 0, 2.0)}, ("length of m = 2", "pass m / |m|")),
    Refusal("gradient off the sphere", EASY.gradient, {"m": (0, 0, 2.0)}, ("length of m = 2", "pass m / |m|")),
    Refusal("hessian off the sphere", EASY.hessian, {"m": (0, 0, 2.0)}, ("length of m = 2", "pass m / |m|")),
    Refusal("no energy", GeneralizedLLG, MAGNET | {"energy": None}, ("energy = None", "QuadraticPotential")),
    Refusal("energy a number", GeneralizedLLG, MAGNET | {"energy": 3.0}, ("energy = 3.0", "method gradient")),
    Refusal("chi an array", GeneralizedLLG, MAGNET | {"chi": Z}, ("chi = ", "method gradient")),
    Refusal("energy a class", GeneralizedLLG, MAGNET | {"energy": QuadraticPotential}, ("energy = <class", "pass a")),
    Refusal("chi a class", GeneralizedLLG, MAGNET | {"chi": QuadraticPotential}, ("chi = <class", "pass a")),
    Refusal(
        "points of a potential", fixed_points, {"system": EASY}, ("system = Quadratic", "is no GeneralizedLLG", "pass")
    ),
    Refusal(
        "response of a potential",
        linear_response,
        {"system": EASY, "m": Z},
        ("system = Quadratic", "is no GeneralizedLLG", "pass"),
    ),
    Refusal(
        "energy of another shape",
        points,
        {"energy": Wrong(EASY.gradient, value=lambda m: m)},
        ("energy(m) has shape (64, 3) for m of shape (64, 3)", "one number for each m"),
    ),
    Refusal(
        "one energy for all",
        points,
        {"energy": Wrong(EASY.gradient, value=lambda m: 1.0)},
        ("energy(m) has shape ()", "one number for each m"),
    ),
    Refusal(
        "energy not finite",
        points,
        {"energy": Wrong(EASY.gradient, value=lambda m: np.full(m.shape[:-1], np.nan))},
        ("energy(m)[0] = nan is not finite", "return finite energies"),
    ),
    Refusal(
        "phi of another shape",
        points,
        {"phi": Wrong(EASY.gradient, value=lambda m: m[..., :2])},
        ("phi(m) has shape (64, 2)", "one number for each m"),
    ),
    Refusal("phi a plain function", GeneralizedLLG, MAGNET | {"phi": np.sum}, ("phi = ", "method gradient")),
    Refusal("negative alpha", GeneralizedLLG, MAGNET | {"alpha": -0.1}, ("alpha = -0.1", "alpha >= 0")),
    Refusal("alpha an array", GeneralizedLLG, MAGNET | {"alpha": [0.1]}, ("alpha", "(1,)", "one number")),
    Refusal("mobility zero", GeneralizedLLG, MAGNET | {"mobility": 0.0}, ("mobility = 0", "mobility > 0")),
    Refusal("mobility not finite", GeneralizedLLG, MAGNET | {"mobility": np.inf}, ("mobility = inf", "finite")),
    Refusal(
        "velocity off the sphere", GeneralizedLLG(**MAGNET).velocity, {"m": (1.0, 1, 0)}, ("length of m = 1.41", "|m|")
    ),
    Refusal("velocity of two numbers", GeneralizedLLG(**MAGNET).velocity, {"m": (1.0, 0)}, ("m has shape", "(..., 3)")),
    Refusal(
        "gradient of another shape",
        velocity,
        {"energy": Wrong(lambda m: m[..., :2])},
        ("energy.gradient(m)", "(2,)", "(..., 3)"),
    ),
    Refusal(
        "gradient not finite",
        velocity,
        {"chi": Wrong(lambda m: np.nan * m)},
        ("chi.gradient(m)", "nan", "finite"),
    ),
    Refusal(
        "one gradient for all",
        lambda phi: fixed_points(GeneralizedLLG(**MAGNET | {"phi": phi})),
        {"phi": Wrong(lambda m: Z)},
        ("phi.gradient(m)", "(3,)", "one for each m"),
    ),
    Refusal(
        "second derivative of another shape",
        lambda energy: fixed_points(GeneralizedLLG(**MAGNET | {"energy": energy})),
        {"energy": Wrong(EASY.gradient, lambda m: np.zeros((*m.shape, 2)))},
        ("energy.hessian(m) has shape", "(200, 3, 2)", "(200, 3)"),
    ),
    Refusal(
        "second derivative not finite",
        response,
        {"m": Z, "energy": Wrong(EASY.gradient, lambda m: np.full((*m.shape, 3), np.nan))},
        ("energy.hessian(m)[0, 0] = nan", "finite"),
    ),
    Refusal(
        "no moment",
        landau_lifshitz_mobility,
        {"magnetic_moment": 0.0, "alpha": 0.1},
        ("magnetic_moment = 0", "magnetic_moment > 0"),
    ),
    Refusal(
        "negative damping of the mobility",
        landau_lifshitz_mobility,
        {"magnetic_moment": 1.0, "alpha": [0.1, -0.1]},
        ("alpha[1] = -0.1", "alpha >= 0"),
    ),
    Refusal(
        "negative gyromagnetic ratio",
        landau_lifshitz_mobility,
        {"magnetic_moment": 1.0, "alpha": 0.1, "gyromagnetic_ratio": -1.0},
        ("gyromagnetic_ratio = -1", "gyromagnetic_ratio > 0"),
    ),
    Refusal(
        "shapes of the mobility",
        landau_lifshitz_mobility,
        {"magnetic_moment": [1.0, 2.0], "alpha": [0.1, 0.1, 0.1]},
        ("magnetic_moment of shape (2,)", "alpha of shape (3,)"),
    ),
    Refusal("response off the sphere", response, {"m": (0, 0, 1.1)}, ("length of m = 1.1", "pass m / |m|")),
    Refusal("response of many", response, {"m": np.eye(3)}, ("m has shape (3, 3)", "(3,)")),
    Refusal(
        "response away from a fixed point",
        response,
        {"m": (0, np.sin(1e-5), np.cos(1e-5))},
        ("|dm/dt|", "not 0 to 1e-6", "fixed_points(system).m"),
    ),
    Refusal(
        "response close to a fixed point",
        response,
        {"m": (0, np.sin(2e-6), np.cos(2e-6))},
        ("|dm/dt|", "= 2.00", "not 0 to 1e-6"),
    ),
    Refusal("response of nothing", response, {"m": Z, "energy": QuadraticPotential()}, ("|dm/dt|", "fixed_points")),
    Refusal("omega not finite", undamped, {"angular_frequency": [1.0, np.nan]}, ("angular_frequency[1]", "finite")),
    Refusal("undamped resonance", undamped, {"angular_frequency": [1.0, 2.0]}, ("i omega - J[1]", "off the undamped")),
    Refusal(
        "edge of stability",
        at_the_edge,
        {"angular_frequency": [1.0, 2.0]},
        ("i omega - J[1]", "a point off the edge of stability"),
    ),
)
def test_bad_input_is_refused(refusal):
    refusal.check()


def test_bad_input_close_to_a_fixed_point_passes():
    """The bound of the refusal, from inside: 1e-7 rad off moves by about 1e-7 of the slope."""
    assert response((0, np.sin(1e-7), np.cos(1e-7))).decay_rate > 0


def test_bad_input_hardly_damped_resonance_passes():
    """S = K/(2 alpha omega) at the resonance of V = -2 u_z."""
    moment = GeneralizedLLG(QuadraticPotential((0, 0, -2.0)), 1e-8, 1.0)
    answer = linear_response(moment, Z).susceptibility(2.0)
    assert abs(answer[0, 0]) == pytest.approx(1 / (2 * 1e-8 * 2.0), rel=1e-6, abs=0)
