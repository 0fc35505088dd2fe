"""Where a stable state is lost in a growing field, and the states that follow a field that changes slowly.

The second routes: the astroid in closed form; the conditions of a fold and of a Hopf point solved for in the complex
plane of ``tests/stereographic.py``; a march through many fields with every fixed point of each; SciPy's integration.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, root
from scipy.spatial.transform import Rotation

from spinlib.dynamics import _branches
from spinlib.dynamics.thermodynamic import (
    GeneralizedLLG,
    QuadraticPotential,
    linear_response,
    quasi_static_path,
    switching_field,
)
from tests.bad_input import Refusal, refusals
from tests.potentials import Quartic, QuarticWithHessian, pair
from tests.stereographic import TURN, plane, to_plane, to_sphere

SEEDS = st.integers(0, 2**32 - 1)
X, Y, Z = np.eye(3)
NONE = QuadraticPotential()
UNIAXIAL = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), 0.1, 1.0)
NODE = np.array([np.sqrt(0.5), 0, -np.sqrt(0.5)])  # direction in which the fold lies at h = 1/2


def in_field(system, h):
    linear, form = pair(system.energy)
    return replace(system, energy=QuadraticPotential(linear - h, form))


def away(degrees):
    """Direction at an angle from -z, in the plane of x and z."""
    psi = np.deg2rad(degrees)
    return np.array([np.sin(psi), 0, -np.cos(psi)])


def astroid(degrees):
    psi = np.deg2rad(degrees)
    return (np.cos(psi) ** (2 / 3) + np.sin(psi) ** (2 / 3)) ** -1.5


def under_current(s, alpha=0.1):
    """V = -u_z^2/2, chi = alpha s u_z: the current adds s to the reduced field that acts on the damping."""
    return replace(UNIAXIAL, alpha=alpha, chi=QuadraticPotential((0, 0, alpha * s)))


def condition(system, direction, kind, guess, h):
    """h and u where (24) rests and its trace ("hopf") or determinant ("fold") vanishes, from a guess; or None."""

    def zero(x):
        rate, by_z, by_w = plane(in_field(system, x[2] * direction)).at(x[0] + 1j * x[1])
        last = 2 * by_z.real if kind == "hopf" else abs(by_z) ** 2 - abs(by_w) ** 2
        return [rate.real, rate.imag, last]

    z = to_plane(TURN @ guess)
    found = root(zero, [z.real, z.imag, h], tol=1e-13)
    if np.abs(zero(found.x)).max() > 1e-10:
        return None
    return found.x[2], to_sphere(found.x[0] + 1j * found.x[1]) @ TURN


def first_end(system, direction):
    """h and u of the smallest field at which a state with u_z > 0 folds or begins to oscillate, from random starts."""
    rng, ends = np.random.default_rng(2), []
    for k in range(30):
        guess = rng.normal(size=3) * (1, 0.2, 0) + 2 * Z
        kind = ("fold", "hopf")[k % 2]
        end = condition(system, direction, kind, guess / np.linalg.norm(guess), rng.uniform(0.2, 1.2))
        if end is None or end[0] <= 0 or end[1][2] <= 0:
            continue
        _, by_z, by_w = plane(in_field(system, end[0] * direction)).at(to_plane(TURN @ end[1]))
        # a saddle may have trace 0, and an unstable state may meet a saddle: no stable state ends there
        if by_z.real < 0 if kind == "fold" else abs(by_z) > abs(by_w):
            ends.append(end)
    return min(ends, key=lambda end: end[0])


def march(system, direction, start, farthest, count):
    """The last field and state of the branch of ``start`` that ``count`` equal steps find stable, or None."""
    last, state = 0.0, start
    for h in np.linspace(0, farthest, count + 1)[1:]:
        points, trace, determinant = plane(in_field(system, h * direction)).fixed_points()
        k = np.linalg.norm(points - state, axis=-1).argmin()
        if np.linalg.norm(points[k] - state) > 0.1 or trace[k] >= 0 or determinant[k] <= 0:
            return last, state
        last, state = h, points[k]
    return None


# --- switching field ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 1e-6, 1e-4, 0.01, 0.3, 2, 5, 15, 30, 44, 45, 46, 60, 75, 88, 89.999, 90])
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_limit_stoner_wohlfarth_astroid(degrees, alpha):
    """(cos^2/3 + sin^2/3)^-3/2 whatever the damping; at the fold tan^3 theta = tan psi, theta being that of u."""
    found = switching_field(replace(UNIAXIAL, alpha=alpha), away(degrees), Z, 2.0)
    assert found.field_energy == pytest.approx(astroid(degrees), abs=1e-12)
    assert found.kind == "fold"
    # u moves with the square root of the distance to the fold: rounding of 1e-15 is 3e-8 rad
    theta = np.arctan(np.cbrt(np.tan(np.deg2rad(degrees))))
    np.testing.assert_allclose(found.m, [np.sin(theta), 0, np.cos(theta)], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("s", "degrees", "rounded", "kind"),
    [
        (0.3, 5, 0.77099, "fold"),
        (0.3, 15, 0.61775, "fold"),
        (0.3, 45, 0.50254, "fold"),
        (-0.3, 5, 0.67742, "hopf"),
        (-0.3, 15, 0.59611, "hopf"),
        (-0.3, 30, 0.52177, "hopf"),
        (-0.3, 45, 0.49834, "fold"),
    ],
)
def test_paper_WD11_statement_F12_astroid_under_current(s, degrees, rounded, kind):
    """Fold and Hopf conditions solved directly from many starts: the smallest field of those that end the branch."""
    system, direction = under_current(s), away(degrees)
    found = switching_field(system, direction, Z, 2.0)
    assert found.kind == kind
    assert found.field_energy == pytest.approx(rounded, abs=6e-6)
    expected, u = first_end(system, direction)
    assert found.field_energy == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(found.m, u, rtol=0, atol=1e-6)
    # the criterion in print, H + grad chi/alpha = 0, shifts the whole astroid by s along the axis
    shifted = brentq(lambda h: shifted_astroid(h * direction + (0, 0, s)), 0.01, 1.9)
    assert abs(shifted - expected) > 0.02


def shifted_astroid(h):
    return abs(h[0]) ** (2 / 3) + abs(h[2]) ** (2 / 3) - 1


@pytest.mark.parametrize("s", [-0.5, -0.1, 0.2, 0.6])
@pytest.mark.parametrize("alpha", [0.02, 0.5])
def test_paper_WD11_statement_F12_on_the_axis_the_current_adds_to_the_field(s, alpha):
    """Trace -2 L alpha (1 + s - h) and determinant L^2 [(1 - h)^2 + alpha^2 (1 + s - h)^2] > 0 there: Hopf."""
    found = switching_field(under_current(s, alpha), -Z, Z, 3.0)
    assert found.field_energy == pytest.approx(1 + s, abs=1e-11)
    assert found.kind == "hopf"
    np.testing.assert_allclose(found.m, Z, atol=1e-12)


def test_limit_hopf_line_is_where_the_stiffnesses_balance_the_current():
    """(K_1 + K_2)/2 + s u_z = 0 exactly at the state, and without alpha if that is taken at the minimum of V."""

    def zero(x):
        theta, h = x
        along = h * np.cos(theta - np.deg2rad(180 - 15))
        return [
            np.sin(2 * theta) / 2 + h * np.sin(theta - np.deg2rad(180 - 15)),
            (np.cos(2 * theta) + np.cos(theta) ** 2) / 2 + along - 0.3 * np.cos(theta),
        ]

    limit = root(zero, [0.2, 0.6], tol=1e-13).x[1]
    for alpha in (0.1, 0.03, 0.01):
        found = switching_field(under_current(-0.3, alpha), away(15), Z, 2.0)
        stiffness = in_field(UNIAXIAL, found.field_energy * away(15)).energy.hessian(found.m)
        assert np.trace(stiffness) / 2 - 0.3 * found.m[2] == pytest.approx(0, abs=1e-10)
        # measured -0.1 alpha^2
        assert 0 < limit - found.field_energy < 0.15 * alpha**2


def random_branch(seed):
    """A random system of all three potentials, a direction, and a start that is stable by all roots."""
    rng = np.random.default_rng(seed)

    def quadratic(linear, square):
        q = rng.normal(size=(3, 3))
        return QuadraticPotential(linear * rng.normal(size=3), square * (q + q.T) / 2)

    parts = [quadratic(0.1, 1.0), quadratic(*rng.uniform(0, 0.3, 2)), quadratic(*rng.uniform(0, 1, 2))]
    system = GeneralizedLLG(parts[0], rng.choice([0.03, 0.1, 0.5]), 1.0, *parts[1:])
    direction = rng.normal(size=3)
    points, trace, determinant = plane(system).fixed_points()
    stable = points[(trace < -1e-3) & (determinant > 1e-3)]
    return system, direction / np.linalg.norm(direction), stable[0] if len(stable) else None


def test_peer_loss_of_random_states_is_where_all_roots_say():
    """The branch through 150 fields with every fixed point of each; then the conditions solved from there."""
    kinds = []
    for seed in range(18):
        system, direction, start = random_branch(seed)
        if start is None:
            continue
        lost = march(system, direction, start, 6.0, 150)
        if lost is None:
            with pytest.raises(ValueError, match="leaves the state stable"):
                switching_field(system, direction, start, 6.0)
            kinds.append("none")
            continue
        found = switching_field(system, direction, start, 6.0)
        # within two steps: just before a fold the state may move too far in one to be recognised
        assert lost[0] - 1e-9 <= found.field_energy <= lost[0] + 2 * 6 / 150 + 1e-9, seed
        h, u = condition(system, direction, found.kind, found.m, found.field_energy)
        # u at a fold is known to the square root of the rounding only
        assert found.field_energy == pytest.approx(h, abs=1e-8), seed
        np.testing.assert_allclose(found.m, u, rtol=0, atol=1e-4)
        kinds.append(found.kind)
    assert {kind: kinds.count(kind) >= 3 for kind in ("fold", "hopf", "none")} == dict.fromkeys(
        ("fold", "hopf", "none"), True
    )


@settings(max_examples=12)
@given(SEEDS)
def test_invariant_switching_field_turns_with_the_frame_and_scales_with_the_energy(seed):
    system, direction, start = random_branch(seed)
    assume(start is not None)
    assume(march(system, direction, start, 5.0, 50) is not None)
    found = switching_field(system, direction, start, 5.0)
    turn, energy = Rotation.random(random_state=seed % 1000).as_matrix(), 3e-19
    parts = {
        name: QuadraticPotential(energy * turn @ linear, energy * turn @ form @ turn.T)
        for name, (linear, form) in {n: pair(getattr(system, n)) for n in ("energy", "chi", "phi")}.items()
    }
    turned = switching_field(replace(system, mobility=2e24, **parts), turn @ direction, turn @ start, 5 * energy)
    assert turned.field_energy / energy == pytest.approx(found.field_energy, abs=1e-9)
    assert turned.kind == found.kind
    np.testing.assert_allclose(turned.m, turn @ found.m, rtol=0, atol=1e-5)


@pytest.mark.parametrize("plane_stiffness", [0.5, 3.0])
def test_limit_biaxial_in_the_easy_plane_is_uniaxial(plane_stiffness):
    """A hard axis y adds to the stiffness out of the plane of z and the field only; along x it is Stoner's case."""
    system = replace(UNIAXIAL, energy=QuadraticPotential(quadratic=np.diag([0, plane_stiffness / 2, -0.5])))
    found = switching_field(system, away(20), Z, 2.0)
    assert found.field_energy == pytest.approx(astroid(20), abs=1e-12)


@pytest.mark.parametrize(("d", "within"), [(0.5, True), (3.0, False)])
def test_limit_biaxial_in_the_hard_plane_folds_or_leaves_it(d, within):
    """In the plane of y and z the astroid of stiffness 1 + d, unless the stiffness along x vanishes before."""
    system = replace(UNIAXIAL, energy=QuadraticPotential(quadratic=np.diag([0, d / 2, -0.5])))
    found = switching_field(system, np.cos(0.3) * Y - np.sin(0.3) * Z, Z, 9.0)
    assert found.kind == "fold"

    def zero(x):  # slope of d sin^2/2 - cos^2/2 - h.u along theta, and its bend along x
        sine, cosine, h = np.sin(x[0]), np.cos(x[0]), x[1]
        return [
            (1 + d) * sine * cosine - h * (cosine * np.cos(0.3) + sine * np.sin(0.3)),
            cosine**2 - d * sine**2 + h * (sine * np.cos(0.3) - cosine * np.sin(0.3)),
        ]

    first, second = np.cos(0.3) / (1 + d), np.sin(0.3) / (1 + d)
    rigid = (first ** (2 / 3) + second ** (2 / 3)) ** -1.5
    theta, leaving = root(zero, [0.8, 2.3], tol=1e-13).x
    assert (0 < theta < np.arctan(np.cbrt(first / second))) == (not within)  # before the fold of the plane
    assert found.field_energy == pytest.approx(rigid if within else leaving, abs=1e-10)
    assert abs(found.m[0]) < 1e-9


@pytest.mark.parametrize("alpha", [1e3, 1e6])
@pytest.mark.parametrize("degrees", [0, 1e-4, 45, 80, 89.999])
def test_limit_stoner_wohlfarth_astroid_is_a_fold_however_strong_the_damping(degrees, alpha):
    """Precession is of relative order 1/alpha there."""
    found = switching_field(replace(UNIAXIAL, alpha=alpha), away(degrees), Z, 2.0)
    assert found.field_energy == pytest.approx(astroid(degrees), abs=1e-12)
    assert found.kind == "fold"


def test_limit_short_window_of_instability_is_not_passed_over():
    """The trace rises above 0 by 1e-5 between h = 1.09 and 1.11 and falls again."""
    psi = np.deg2rad(80)
    direction = np.array([np.sin(psi), 0, np.cos(psi)])
    system = replace(UNIAXIAL, chi=QuadraticPotential(-0.110598 * direction))
    points, trace, determinant = plane(system).fixed_points()
    start = points[(points[:, 2] > 0.9) & (trace < 0) & (determinant > 0)][0]
    last, state = march(system, direction, start, 1.2, 240)
    expected, _ = condition(system, direction, "hopf", state, last)
    assert 1.08 < expected < 1.11
    found = switching_field(system, direction, start, 4.0)
    assert found.kind == "hopf"
    assert found.field_energy == pytest.approx(expected, abs=1e-8)


# --- quasi-static path --------------------------------------------------------------------------------------------


def states_of(degrees, h):
    """u_x, u_z of the minima of -cos^2 theta/2 - h.u with the field h along ``away(degrees)``, from a quartic."""
    field = h * away(degrees)
    t = np.roots([field[0], -2 + 2 * field[2], 0, 2 + 2 * field[2], -field[0]])
    theta = 2 * np.arctan(t[abs(t.imag) < 1e-9].real)
    bend = np.cos(2 * theta) + field[2] * np.cos(theta) + field[0] * np.sin(theta)
    theta = theta[bend > 0]
    return np.stack([np.sin(theta), 0 * theta, np.cos(theta)], -1)


@pytest.mark.parametrize("degrees", [10, 45, 75])
def test_limit_hysteresis_loop_of_a_single_domain(degrees):
    """Each row a minimum of the quartic, that of the branch; one switch per reversal, just beyond the astroid."""
    h = np.concatenate([np.linspace(-1.2, 1.2, 32), np.linspace(1.2, -1.2, 32)[1:]])  # none of them 0
    path = quasi_static_path(UNIAXIAL, h[:, None] * away(degrees), Z)
    np.testing.assert_array_equal(path.field_energy, h[:, None] * away(degrees))
    expected, side, switches = [], 1, []
    for k, value in enumerate(h):
        minima = states_of(degrees, value)
        minima = minima[np.argsort(minima @ away(degrees))]
        rising = k < 32
        side = -1 if (rising and value > astroid(degrees)) or (not rising and value > -astroid(degrees)) else 1
        # of two minima the one that is left over: along the field it came from
        expected.append(minima[0 if rising else -1] if len(minima) == 2 else minima[0])
        switches.append(side)
    np.testing.assert_allclose(path.m, expected, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(path.switched, np.abs(np.diff(switches, prepend=1)) == 2)
    assert path.switched.sum() == 2
    assert abs(path.m[31] - path.m[-1]).max() > 1


@settings(max_examples=10)
@given(SEEDS)
def test_invariant_path_does_not_depend_on_the_rows_between(seed):
    """Five rows more on each straight piece: the same states and switches, up to the first switch.

    A state that is lost falls in the field of its row, which is another one with rows between.
    """
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(3, 3))
    system = GeneralizedLLG(QuadraticPotential(0.2 * rng.normal(size=3), (q + q.T) / 2), 0.5, 1.0)
    corners = 2.0 * rng.normal(size=(4, 3))
    fine = np.concatenate([*(np.linspace(a, b, 7)[:-1] for a, b in pairwise(corners)), corners[-1:]])
    coarse, path = (quasi_static_path(system, rows, Z) for rows in (corners, fine))
    lost = np.array([False, *(path.switched[6 * k + 1 : 6 * k + 7].any() for k in range(3))])
    before = np.cumsum(lost) == 0
    np.testing.assert_allclose(coarse.m[before], path.m[::6][before], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(coarse.switched[before], lost[before])
    if lost.any():
        assert coarse.switched[lost.argmax()]
    for h, u in zip(fine, path.m, strict=True):
        assert linear_response(in_field(system, h), u).decay_rate > 0


@settings(max_examples=10)
@given(SEEDS)
def test_invariant_path_turns_with_the_frame_and_scales_with_the_energy(seed):
    rng = np.random.default_rng(seed)
    q, turn, energy = rng.normal(size=(3, 3)), Rotation.random(random_state=seed % 1000).as_matrix(), 3e-19
    linear, form = 0.2 * rng.normal(size=3), (q + q.T) / 2
    rows = np.cumsum(rng.normal(size=(5, 3)), axis=0)
    path = quasi_static_path(GeneralizedLLG(QuadraticPotential(linear, form), 0.3, 1.0), rows, Z)
    turned = QuadraticPotential(energy * turn @ linear, energy * turn @ form @ turn.T)
    other = quasi_static_path(GeneralizedLLG(turned, 0.3, 2e24), energy * rows @ turn.T, turn @ Z)
    np.testing.assert_allclose(other.m, path.m @ turn.T, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(other.switched, path.switched)


@settings(max_examples=10)
@given(SEEDS)
def test_peer_first_row_is_the_attractor_of_the_motion(seed):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(3, 3))
    system = GeneralizedLLG(QuadraticPotential(0.2 * rng.normal(size=3), (q + q.T) / 2), 0.3, 1.0)
    start = rng.normal(size=3)
    start = start / np.linalg.norm(start)
    h = 0.5 * rng.normal(size=3)
    assert not quasi_static_path(system, [h], start).switched.any()
    np.testing.assert_allclose(quasi_static_path(system, [h], start).m, [fallen(system, h, start)], rtol=0, atol=1e-5)


def cross(a, b):
    """The vector product of two vectors, for which that of NumPy takes ten times as long."""
    (a1, a2, a3), (b1, b2, b3) = a.tolist(), b.tolist()
    return np.array([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1])


def fallen(system, h, start, time=400.0):
    """Where (24) leads, with vector products written out."""
    (a, q), chi, phi = (pair(part) for part in (system.energy, system.chi, system.phi))

    def right_side(t, u):
        u = u / np.linalg.norm(u)
        force = h - a - 2 * q @ u
        turn = force - phi[0] - 2 * phi[1] @ u
        pull = system.alpha * force + chi[0] + 2 * chi[1] @ u
        return -system.mobility * cross(u, turn + cross(u, pull))

    u = solve_ivp(right_side, (0, time), start, "DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    return u / np.linalg.norm(u)


@pytest.mark.parametrize("share", [-0.5, -0.3, 0.1, 0.9, 1.1])
@pytest.mark.parametrize("short", [1e-3, 1e-4])
def test_limit_start_stays_in_its_basin_close_to_a_fold(share, short):
    """Node and saddle 0.05 and 0.016 rad apart: a start on this side of the saddle goes to the node, slow as it is."""
    h = 0.5 * (1 - short)
    t = np.roots([NODE[0] * h, -2 + 2 * NODE[2] * h, 0, 2 + 2 * NODE[2] * h, -NODE[0] * h])
    theta = np.sort(2 * np.arctan(t[abs(t.imag) < 1e-9].real))
    bend = np.cos(2 * theta) + h * np.cos(theta - 3 * np.pi / 4)
    k = np.flatnonzero((bend > 0) & (np.cos(theta) > 0))[0]
    node, saddle = theta[k], theta[k + 1]
    angle = node + share * (saddle - node)
    found = quasi_static_path(UNIAXIAL, [h * NODE], (np.sin(angle), 0, np.cos(angle))).m[0]
    if share < 1:
        np.testing.assert_allclose(found, [np.sin(node), 0, np.cos(node)], rtol=0, atol=1e-7)
    else:
        assert found[2] < -0.9


@pytest.mark.parametrize("beyond", [-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3])
def test_limit_rows_close_to_the_fold_are_on_their_side(beyond):
    path = quasi_static_path(UNIAXIAL, [0 * NODE, 0.5 * (1 + beyond) * NODE], Z)
    assert path.switched.tolist() == [False, beyond > 0]
    end = [0.25882, 0, -0.96593] if beyond > 0 else [np.sqrt(0.5), 0, np.sqrt(0.5)]
    # sqrt(2/3 * 1e-3) from the fold
    np.testing.assert_allclose(path.m[1], end, rtol=0, atol=0.03 if beyond < 0 else 1e-3)


@pytest.mark.parametrize("beyond", [-1e-7, -1e-9])
def test_limit_rows_close_to_the_hopf_line_before_it(beyond):
    path = quasi_static_path(under_current(-0.3, 0.5), [0 * Z, -0.7 * (1 + beyond) * Z], Z)
    assert path.switched.tolist() == [False, False]
    np.testing.assert_allclose(path.m[1], Z, rtol=0, atol=1e-9)


@pytest.mark.parametrize("beyond", [1e-9, 1e-7])
def test_limit_rows_close_to_the_hopf_line_beyond_it(beyond):
    """The trace is 1e-9 of the stiffness: it takes longer than the path waits."""
    with pytest.warns(UserWarning, match=r"in 1 of the fields the magnet does not come to rest.*m is nan there"):
        path = quasi_static_path(under_current(-0.3, 0.5), [0 * Z, -0.7 * (1 + beyond) * Z], Z)
    assert path.switched.tolist() == [False, True]
    assert np.isnan(path.m[1]).all()


def test_peer_state_that_is_lost_falls_into_the_well_of_the_motion():
    """Six wells: in a field 2e-4 beyond the fold the ghost of the state lets go on one way, which ends in one of them.

    A push of half a radian along it ends in another.
    """
    system = GeneralizedLLG(QuarticWithHessian(), 0.1, 1.0)
    along = np.array([[0.273, -0.755, -0.596], [0.619, -0.775, -0.127], [0.003, 0.737, -0.676]])
    along /= np.linalg.norm(along, axis=1)[:, None]
    ends = [switching_field(system, direction, Z, 2.0) for direction in along]
    assert [end.kind for end in ends] == ["fold"] * 3
    fields = np.array([end.field_energy for end in ends])[:, None] * (1 + 2e-4) * along

    def right_side(t, flat):
        u = flat.reshape(3, 3)
        u = u / np.linalg.norm(u, axis=1)[:, None]
        force = fields + 2 * u**3
        return -np.cross(u, force + 0.1 * np.cross(u, force)).ravel()

    starts = np.ravel([end.m for end in ends])
    wells = solve_ivp(right_side, (0, 2000), starts, "DOP853", rtol=1e-9, atol=1e-10).y[:, -1].reshape(3, 3)
    assert len({abs(well).argmax() for well in wells}) > 1
    for h, well in zip(fields, wells, strict=True):
        path = quasi_static_path(system, [0 * h, h], Z)
        assert path.switched.tolist() == [False, True]
        np.testing.assert_allclose(path.m[1], well, rtol=0, atol=1e-5)


def test_peer_start_above_a_saddle_ends_in_the_well_of_the_motion():
    """A film, V = 10 y^2 - z^2/2, whose chi = 0.96 alpha V leaves 1/25 of the damping.

    One of the starts passes a well at less than 0.3 rad on its way to the other when the bare damping would have ended.
    """
    form = np.diag([0, 10.0, -0.5])
    chi = QuadraticPotential(quadratic=0.96 * form)
    system = GeneralizedLLG(QuadraticPotential(quadratic=form), 1.0, 1.0, chi)
    angle = np.linspace(0.35, 1.2, 12)
    starts = np.stack([0.6 * np.cos(angle), np.sin(angle), 0.8 * np.cos(angle)], -1)

    def right_side(t, flat):
        u = flat.reshape(12, 3)
        u = u / np.linalg.norm(u, axis=1)[:, None]
        force = -2 * u @ form
        return -np.cross(u, force + 0.04 * np.cross(u, force)).ravel()

    ends = solve_ivp(right_side, (0, 30), starts.ravel(), "DOP853", rtol=1e-10, atol=1e-11).y[:, -1].reshape(12, 3)
    wells = np.sign(ends[:, 2])
    assert np.abs(ends[:, 2]).min() > 0.99
    assert set(wells) == {-1, 1}
    found = [quasi_static_path(system, [0 * X], start).m[0] for start in starts]
    np.testing.assert_allclose(found, wells[:, None] * Z, rtol=0, atol=1e-9)


def test_limit_rows_that_repeat_a_field_repeat_the_state():
    rows = np.array([0.2, 0.2, 0.6, 0.6, 0.1])[:, None] * NODE
    path = quasi_static_path(UNIAXIAL, rows, Z)
    np.testing.assert_array_equal(path.m[[0, 2]], path.m[[1, 3]])
    assert path.switched.tolist() == [False, False, True, False, False]
    np.testing.assert_allclose(path.m[4], states_of(45, 0.1)[states_of(45, 0.1)[:, 2] < 0][0], rtol=0, atol=1e-9)


def test_limit_collinear_current_shifts_the_loop():
    """chi = alpha s u_z adds s to the field: on the axis, and only there, the criterion of WD11 is right."""
    s, h = 0.25, np.array([0.0, 0.7, 0.8, 1.3, 0.0, -0.7, -0.8])
    shifted = quasi_static_path(under_current(-s), -h[:, None] * Z, Z)
    np.testing.assert_array_equal(shifted.m[:, 2], [1, 1, -1, -1, -1, -1, -1])
    np.testing.assert_array_equal(shifted.switched, [False, False, True, False, False, False, False])
    back = quasi_static_path(under_current(-s), np.array([1.1, 1.4])[:, None] * Z, -Z)
    np.testing.assert_array_equal(back.m[:, 2], [-1, 1])


def test_limit_limit_cycle_gives_nan_and_the_path_goes_on():
    """V = u_z^2/2 - h u_z, chi = -c u_z: u_z obeys the gradient flow of V - chi/alpha, so it rests at h - c/alpha.

    There u turns with L V'(u_z) for ever, unless |h - c/alpha| >= 1: then it rests at a pole.
    """
    energy, chi = QuadraticPotential(quadratic=np.diag([0, 0, 0.5])), QuadraticPotential((0, 0, -0.05))
    system = GeneralizedLLG(energy, 0.1, 1.0, chi)
    h = np.array([1.7, 1.1, 0.8, -0.6, -1.2, 0.6, 1.8])
    start = np.array([0.1, 0.2, 0.9]) / np.linalg.norm([0.1, 0.2, 0.9])
    cycle = [fallen(system, h[1] * Z, start, time) for time in (300.0, 301.0)]
    assert [u[2] for u in cycle] == pytest.approx([0.6, 0.6], abs=1e-7)
    assert np.arccos(np.dot(*[u[:2] / 0.8 for u in cycle])) == pytest.approx(0.5, abs=1e-6)  # |V'| = 0.6 - 1.1
    with pytest.warns(UserWarning, match="in 3 of the fields the magnet does not come to rest") as caught:
        path = quasi_static_path(system, h[:, None] * Z, start)
    expected = [1, np.nan, np.nan, -1, -1, np.nan, 1]
    np.testing.assert_allclose(path.m, np.outer(expected, Z) + 0.0 * np.array(expected)[:, None], rtol=0, atol=1e-9)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert all(part in str(caught[0].message) for part in ("m is nan there", "precesses for ever", "more damping"))
    # a branch was lost in the rows 1 and 5 only; row 3 found rest again
    assert path.switched.tolist() == [False, True, False, False, False, True, False]


def test_limit_slow_spiral_is_no_limit_cycle():
    """alpha h - c = 1e-3: in ten times 1/alpha the motion slows down by 10 % only, but it ends at the pole."""
    system = GeneralizedLLG(NONE, 0.1, 1.0, QuadraticPotential((0, 0, -0.099)))
    path = quasi_static_path(system, [Z], (np.sin(0.02), 0, np.cos(0.02)))
    np.testing.assert_allclose(path.m, [Z], rtol=0, atol=1e-9)


def test_limit_path_without_rows_is_empty():
    path = quasi_static_path(UNIAXIAL, np.zeros((0, 3)), Z)
    assert path.m.shape == (0, 3)
    assert path.switched.shape == (0,)


def test_limit_records_are_equal_to_themselves_only():
    for call in (
        lambda: quasi_static_path(UNIAXIAL, [0 * X], Z),
        lambda: switching_field(UNIAXIAL, NODE, Z, 2.0),
    ):
        one, other = call(), call()
        assert one == one
        assert one != other
        assert len({one, other}) == 2


def test_limit_path_writes_itself_down(tmp_path):
    path = quasi_static_path(UNIAXIAL, [0 * X, 0.7 * NODE], Z)
    path.to_csv(tmp_path / "path.csv")
    lines = (tmp_path / "path.csv").read_text().splitlines()
    assert len(lines) == 3
    assert "m_x" in lines[0]
    assert "switched" in lines[0]


def test_peer_cubic_anisotropy_without_hessian_follows_the_same_branch():
    """K (x^2 y^2 + ...) from z with the field in the x-z plane is K sin^2(2 theta)/4: fold along -z at h = 2 K."""

    direction = away(10)
    numeric, exact = (
        switching_field(replace(UNIAXIAL, energy=energy), direction, Z, 5.0)
        for energy in (Quartic(), QuarticWithHessian())
    )
    assert numeric.field_energy == pytest.approx(exact.field_energy, abs=1e-9)

    def slope(theta, h):  # d/dtheta of sin^2(2 theta)/4 - h cos(theta - pi + psi), and its derivative
        psi = np.pi - np.deg2rad(10)
        return (
            np.sin(4 * theta) / 2 + h * np.sin(theta - psi),
            2 * np.cos(4 * theta) + h * np.cos(theta - psi),
        )

    found = root(lambda x: slope(*x), [0.2, 1.2], tol=1e-13).x
    assert exact.field_energy == pytest.approx(found[1], abs=1e-9)
    rows = np.linspace(0, 2, 9)[:, None] * direction
    paths = [quasi_static_path(replace(UNIAXIAL, energy=e), rows, Z) for e in (Quartic(), QuarticWithHessian())]
    np.testing.assert_allclose(paths[0].m, paths[1].m, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(paths[0].switched, paths[1].switched)
    assert paths[0].switched.any()


# --- refusals -----------------------------------------------------------------------------------------------------

LOSS = {"system": UNIAXIAL, "direction": NODE, "start": Z, "max_field_energy": 2.0}
PATH = {"system": UNIAXIAL, "field_energy": [0 * X, NODE], "start": Z}


@refusals(
    Refusal("direction no unit vector", switching_field, LOSS | {"direction": 2 * Z}, ("length of direction = 2", "|")),
    Refusal(
        "many directions", switching_field, LOSS | {"direction": np.eye(3)}, ("direction has shape (3, 3)", "(3,)")
    ),
    Refusal(
        "start no unit vector", switching_field, LOSS | {"start": (0, 0, 0.5)}, ("length of start = 0.5", "|start|")
    ),
    Refusal(
        "start at no fixed point",
        switching_field,
        LOSS | {"start": (0.6, 0, 0.8)},
        ("start", "not 0 to 1e-6", "fixed_points(system).m"),
    ),
    Refusal(
        "start at a saddle",
        switching_field,
        LOSS | {"system": replace(UNIAXIAL, energy=QuadraticPotential(quadratic=np.diag([0, 0.5, -0.5]))), "start": X},
        ("growth rate at start", "is not negative", "stable"),
    ),
    Refusal(
        "start without damping",
        switching_field,
        LOSS | {"system": replace(UNIAXIAL, alpha=0.0)},
        ("growth rate at start", "is not negative", "stable"),
    ),
    Refusal(
        "start on a ring",
        switching_field,
        LOSS | {"start": X},
        ("growth rate at start", "is not negative", "stable"),
    ),
    Refusal(
        "nothing holds the start", switching_field, LOSS | {"system": GeneralizedLLG(NONE, 0.1, 1.0)}, ("start", "m")
    ),
    Refusal(
        "survives max_field_energy",
        switching_field,
        LOSS | {"max_field_energy": 0.49},
        ("max_field_energy = 0.49", "stable", "larger max_field_energy"),
    ),
    Refusal(
        "survives for good",
        switching_field,
        LOSS | {"direction": Z},
        ("max_field_energy = 2", "stable", "another direction"),
    ),
    Refusal(
        "max_field_energy negative",
        switching_field,
        LOSS | {"max_field_energy": -1.0},
        ("max_field_energy = -1", "max_field_energy > 0"),
    ),
    Refusal(
        "max_field_energy infinite",
        switching_field,
        LOSS | {"max_field_energy": np.inf},
        ("max_field_energy = inf", "finite"),
    ),
    Refusal(
        "nothing damps the path",
        quasi_static_path,
        PATH | {"system": replace(UNIAXIAL, alpha=0.0)},
        ("alpha = 0", "pass alpha > 0"),
    ),
    Refusal(
        "loss of what is no system",
        switching_field,
        LOSS | {"system": UNIAXIAL.energy},
        ("system = QuadraticPotential(", "is no GeneralizedLLG", "pass"),
    ),
    Refusal(
        "path of what is no system",
        quasi_static_path,
        PATH | {"system": UNIAXIAL.energy},
        ("system = QuadraticPotential(", "is no GeneralizedLLG", "pass"),
    ),
    Refusal(
        "start close to a fixed point",
        switching_field,
        LOSS | {"start": (np.sin(1e-6), 0, np.cos(1e-6))},
        ("|dm/dt| at start", "= 2.0", "not 0 to 1e-6"),
    ),
    Refusal("one field only", quasi_static_path, PATH | {"field_energy": X}, ("field_energy has shape (3,)", "(k, 3)")),
    Refusal("fields of two numbers", quasi_static_path, PATH | {"field_energy": [(0, 1)]}, ("field_energy", "(1, 2)")),
    Refusal(
        "field not finite",
        quasi_static_path,
        PATH | {"field_energy": [X, (0, np.nan, 0)]},
        ("field_energy[1, 1] = nan", "vectors"),
    ),
    Refusal("path from no unit vector", quasi_static_path, PATH | {"start": 2 * Z}, ("length of start = 2", "|start|")),
    Refusal("path from many", quasi_static_path, PATH | {"start": np.eye(3)}, ("start has shape (3, 3)", "(3,)")),
)
def test_bad_input_is_refused(refusal):
    refusal.check()


def test_bad_input_fold_in_reach_passes():
    """The bounds of two refusals, from inside."""
    assert switching_field(**LOSS | {"max_field_energy": 0.5001}).kind == "fold"
    assert switching_field(**LOSS | {"start": (np.sin(1e-7), 0, np.cos(1e-7))}).field_energy == pytest.approx(
        0.5, abs=1e-12
    )


def test_bad_input_magnet_that_nothing_holds_is_warned():
    """Neither energy nor field: it does not rest anywhere in particular."""
    with pytest.warns(UserWarning, match="does not come to rest.*m is nan there"):
        path = quasi_static_path(GeneralizedLLG(NONE, 0.1, 1.0), [0 * X, Z], X)
    assert np.isnan(path.m[0]).all()
    assert not path.switched.any()
    np.testing.assert_allclose(path.m[1], Z, atol=1e-9)


def test_bad_input_damping_by_chi_alone_passes(monkeypatch):
    """alpha = 0 and chi = -V/10: V is descended all the same. Else the path waits for a damping of 1e-3."""
    monkeypatch.setattr(_branches, "_SLOWEST", 0.1)
    chi = QuadraticPotential(quadratic=np.diag([0, 0, 0.05]))
    path = quasi_static_path(replace(UNIAXIAL, alpha=0.0, chi=chi), [0 * X], (0.6, 0, 0.8))
    np.testing.assert_allclose(path.m, [Z], rtol=0, atol=1e-9)
