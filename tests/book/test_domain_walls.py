"""The chapter on domain walls: Figure 7, and the sentences of BTBK III.A.2 on beta/alpha, by routes of their own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from spinlib.dynamics.walls import DomainWall, wall_motion, wall_profile

WALL = DomainWall(13e-12, 0.2e6, 0.16e6, 8e5, alpha=0.1, beta=0.25)
KINDS = {"neel": "f0g", "rotated_neel": "g0f", "bloch": "gf0"}


def angle_to_z(position, kind):
    m = wall_profile(position, width=1.0, kind=kind)[0]
    return np.arctan2(np.hypot(m[..., 0], m[..., 1]), m[..., 2])


# --- Figure 7 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_paper_BTBK_figure_7_profiles_as_printed(kind):
    """[f, 0, g], [g, 0, f], [g, f, 0] with f = 1/cosh, g = -tanh of (z - r_w)/lambda_w."""
    z, centre, width = np.linspace(-40, 45, 171), 2.5, 4.0
    parts = {"f": 1 / np.cosh((z - centre) / width), "g": -np.tanh((z - centre) / width), "0": 0 * z}
    expected = np.stack([parts[part] for part in KINDS[kind]], axis=-1)
    m = wall_profile(z, width=width, center=centre, kind=kind)[0]
    np.testing.assert_allclose(m, expected, atol=1e-15)
    # "cosh^-1" read as the inverse function would be no unit vector, nor real at the centre.
    wrong = np.arccosh(np.abs(z - centre)[np.abs(z - centre) > width] / width)
    assert np.abs(wrong**2 + parts["g"][np.abs(z - centre) > width] ** 2 - 1).max() > 1


def test_paper_BTBK_figure_7_neel_wall_is_the_path_of_a_pendulum():
    """(a) head-to-head: the angle solves angle' = sin(angle)/lambda_w, from 0 to 180 degrees, 90 at the centre."""
    right = solve_ivp(
        lambda _, a: np.sin(a), (0, 8), [np.pi / 2], "DOP853", np.linspace(0, 8, 17), rtol=1e-12, atol=1e-13
    )
    np.testing.assert_allclose(angle_to_z(right.t, "neel"), right.y[0], atol=1e-9)
    np.testing.assert_allclose(angle_to_z(-right.t, "neel"), np.pi - right.y[0], atol=1e-9)
    np.testing.assert_allclose(np.degrees(angle_to_z(np.array([-30, 0, 30]), "neel")), [0, 90, 180], atol=1e-9)
    h = 1e-4
    m_z = wall_profile([-2 * h, 2 * h], width=2.0)[0][:, 2]
    np.testing.assert_allclose((m_z[1] - m_z[0]) / (4 * h), -1 / 2, rtol=1e-8)  # -1/lambda_w


def test_paper_BTBK_figure_7_rotated_neel_wall_has_a_cusp():
    """(b) the angle falls from 90 degrees to 0 and returns, with slopes -1 and +1 (per lambda_w) at the centre."""
    position = np.linspace(-20, 20, 201)
    angle = angle_to_z(position, "rotated_neel")
    np.testing.assert_allclose(np.degrees(angle[[0, 100, -1]]), [90, 0, 90], atol=1e-5)
    assert (np.diff(angle[:101]) < 0).all()
    assert (np.diff(angle[100:]) > 0).all()
    slopes = angle_to_z(np.array([-1e-4, 1e-4]), "rotated_neel") / np.array([-1e-4, 1e-4])
    np.testing.assert_allclose(slopes, [-1, 1], rtol=1e-7)


def test_paper_BTBK_figure_7_bloch_wall_stays_across():
    """(c) 90 degrees everywhere."""
    np.testing.assert_allclose(np.degrees(angle_to_z(np.linspace(-20, 20, 201), "bloch")), 90, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_paper_BTBK_figure_7_exchange_integral(kind):
    """The integral of |dm/dz|^2 is 2/lambda_w for each wall, the slope taken by finite differences of m."""

    def square(z):
        h = 1e-4
        ahead, back = (wall_profile(z + step, width=0.7, kind=kind)[0] for step in (h, -h))
        return np.sum(((ahead - back) / (2 * h)) ** 2)

    found = quad(square, -12, 12, points=[0.0], limit=200)[0]
    np.testing.assert_allclose(found, 2 / 0.7, rtol=1e-6)


# --- the sentences of section III.A.2 ---------------------------------------------------------------------------------


def trace(beta, drift, printed, time=70.0, alpha=0.2, kappa=1.0):
    """Position and azimuth of a wall at the end, by the LLG equation with the corrected or the printed sign of beta.

    Fourth-order differences in a fixed window, adaptive steps: nothing of the library but the profile at the start.
    """
    cell, sign = 0.3, -1 if printed else 1
    x = cell * (np.arange(140) - 69.5)
    start = wall_profile(x, width=1.0)[0].T
    padded = np.arange(-2, 142).clip(0, 139)  # cells at an edge are repeated

    def cross(a, b):  # np.cross takes most of the time of such short arrays
        return a[[1, 2, 0]] * b[[2, 0, 1]] - a[[2, 0, 1]] * b[[1, 2, 0]]

    def rate(_, y):
        m = y.reshape(3, -1)
        n = m[:, padded]
        a, b, c, d = n[:, :-4], n[:, 1:-3], n[:, 3:-1], n[:, 4:]
        slope = (a - 8 * b + 8 * c - d) / (12 * cell)
        slope = slope - m * np.sum(m * slope, axis=0)  # on the mesh it has a part along m
        field = (-a + 16 * b - 30 * m + 16 * c - d) / (12 * cell**2) + m * np.array([[0.0], [-kappa], [1.0]])
        torque = cross(m, sign * beta * drift * slope - field) - drift * slope
        return ((torque + alpha * cross(m, torque)) / (1 + alpha**2)).ravel()

    run = solve_ivp(rate, (0, time), start.ravel(), "DOP853", [time - 20, time], rtol=1e-6, atol=1e-9)
    m = run.y.reshape(3, -1, 2)
    np.testing.assert_allclose(np.linalg.norm(m, axis=0), 1, atol=1e-5)
    q = cell * m[2].sum(axis=0) / 2
    return (q[1] - q[0]) / 20, np.arctan2(m[1, :, 1].sum(), m[0, :, 1].sum())


@pytest.mark.parametrize("ratio", [0.5, 3.0])
def test_limit_velocity_is_proportional_to_beta_and_the_printed_sign_reverses_it(ratio):
    """Corrected: v = (beta/alpha) u, along the electrons. Printed +beta: v = -(beta/alpha) u."""
    drift = 0.05
    beta = 0.2 * ratio
    wall = DomainWall(1.0, 1.0, 1.0, 2.0, 0.2, beta, gyromagnetic_ratio=1.0)
    expected = wall_motion(wall, drift)
    velocity, azimuth = trace(beta, drift, printed=False)
    np.testing.assert_allclose([velocity, expected.velocity], ratio * drift, rtol=3e-3)
    np.testing.assert_allclose(azimuth, expected.angle, atol=1e-3)
    velocity, azimuth = trace(beta, drift, printed=True)
    wrong = wall_motion(replace(wall, beta=-beta), drift)
    np.testing.assert_allclose([velocity, wrong.velocity], -ratio * drift, rtol=3e-3)
    np.testing.assert_allclose(azimuth, wrong.angle, atol=1e-3)


def test_limit_thresholds_diverge_at_beta_equal_alpha():
    """Walker threshold and onset of the instability grow as 1/|beta - alpha|; with the printed sign neither does."""
    near = np.array([1e-2, 1e-3, 1e-4])
    thresholds = np.array([replace(WALL, beta=0.1 * (1 + each)).walker_drift for each in near])
    np.testing.assert_allclose(thresholds * near, thresholds[0] * near[0], rtol=1e-9)
    printed = np.array([replace(WALL, beta=-0.1 * (1 + each)).walker_drift for each in near])
    still = replace(WALL, beta=0.0).walker_drift
    np.testing.assert_allclose(printed, still / (2 + near), rtol=1e-12)
    refused = []
    for each in near:
        wall = replace(WALL, beta=0.1 * (1 + each))
        with pytest.raises(ValueError, match="breaks up the domains") as caught:
            wall_motion(wall, 1e9, method="micromagnetic")
        refused.append(float(str(caught.value).split("< ")[1].split(" m/s")[0]))
    root = np.sqrt(1.8)
    np.testing.assert_allclose(refused, thresholds * (root + 1) / (root - 1), rtol=1e-3)


@pytest.mark.parametrize("drift", [50.0, 2000.0])
def test_limit_at_beta_equal_alpha_the_wall_drifts_with_the_electrons(drift):
    """In the frame that moves with u nothing is left of the current: v = u at every current, the width as at rest."""
    wall = replace(WALL, beta=0.1)
    for method in ("rigid", "collective", "micromagnetic"):
        motion = wall_motion(wall, drift, method=method)
        np.testing.assert_allclose(motion.velocity, drift, rtol=1e-4)
        np.testing.assert_allclose([motion.precession, motion.angle], 0, atol=1e-4)


@pytest.mark.parametrize("beta", [0.0, 0.25])
def test_limit_far_below_and_far_above_the_threshold(beta):
    """Regimes of distinct behaviour: (beta/alpha) u below, (1 + alpha beta)/(1 + alpha^2) u far above."""
    wall = replace(WALL, beta=beta)
    u = wall.walker_drift * np.array([0.2, 50.0])
    expected = u * [beta / 0.1, (1 + 0.1 * beta) / 1.01]
    np.testing.assert_allclose(wall_motion(wall, u).velocity, expected, rtol=1e-3, atol=1e-9)


def test_limit_numbers_of_the_example_wall():
    """v/u, rigid, with variable width and micromagnetic, at 0.5, 1.5 and 3 u_W; for beta = 0 at 1.2 u_W."""
    u = WALL.walker_drift * np.array([0.5, 1.5, 3.0])
    table = {"rigid": (2.5, 1.572, 1.133), "collective": (2.5, 1.394, 1.1000), "micromagnetic": (2.5, 1.395, 1.1016)}
    for method, expected in table.items():
        found = wall_motion(WALL, u, method=method).velocity / u
        np.testing.assert_allclose(found, expected, atol=6e-4)
    still = replace(WALL, beta=0.0)
    for method, expected in {"rigid": 0.217, "collective": 0.546, "micromagnetic": 0.546}.items():
        u = 1.2 * still.walker_drift
        np.testing.assert_allclose(wall_motion(still, u, method=method).velocity / u, expected, atol=6e-4)


@pytest.mark.parametrize(("beta", "drift"), [(0.0, 600.0), (0.05, 600.0), (0.3, 300.0)])
def test_limit_field_that_makes_a_wall_follow_the_electrons(beta, drift):
    """The exercise: gamma B width = (alpha - beta) u gives v = u beyond the threshold of the current."""
    wall = replace(WALL, beta=beta)
    assert drift > wall.walker_drift
    field = (0.1 - beta) * drift / (wall.width * wall.gyromagnetic_ratio)
    for method in ("rigid", "collective", "micromagnetic"):
        motion = wall_motion(wall, drift, field, method=method)
        np.testing.assert_allclose(motion.velocity, drift, rtol=3e-4)
        np.testing.assert_allclose([motion.precession, motion.angle], 0, atol=1e-3)
