"""`spinlib.dynamics._llg`: fields, torques and the compiled rate against a linear solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.conventions import gilbert_to_landau_lifshitz
from spinlib.dynamics._llg import LinearField, SpinTorque, damping_tensor, field_of, parameters, rate, sample, torque_of
from spinlib.spin import cross_matrix, unit_vector
from tests.bad_input import Refusal, refusals
from tests.random_matrices import dissipative, symmetric

GAMMA = 1.7
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seeds)
def test_invariant_rate_solves_the_implicit_equation(seed):
    """BTBK (8) with the tensor of (1) as m x (alpha dm/dt), by a 3x3 solution; the rate is perpendicular to m."""
    rng = np.random.default_rng(seed)
    m, p = unit_vector(rng.normal(size=(2, 3)))
    field, kick = LinearField(rng.normal(size=3), symmetric(rng)), rng.normal(size=3)
    torque, alpha = SpinTorque(p, *rng.normal(size=2), asymmetry=rng.uniform(-0.9, 0.9)), dissipative(rng, 1.0)
    found = np.array(rate(*m, tuple(kick), parameters(field, torque, alpha, GAMMA)))
    h = GAMMA * (np.asarray(field.applied) + np.asarray(field.tensor) @ m) + kick
    a, b, c = torque.damping_like, torque.field_like, torque.asymmetry
    turn = cross_matrix(m)
    by_torque = (-a * turn @ turn @ p - b * turn @ p) / (1 + c * p @ m)
    expected = np.linalg.solve(np.eye(3) - turn @ alpha, by_torque - turn @ h)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert abs(found @ m) < 1e-12 * np.abs(expected).max()


@settings(deadline=None)
@given(seeds)
def test_invariant_torques_in_gilbert_form_by_the_rule_of_conventions(seed):
    """The same motion from the explicit form, with the coefficients that `conventions` returns."""
    rng = np.random.default_rng(seed)
    m, p = unit_vector(rng.normal(size=(2, 3)))
    alpha, a, b = rng.uniform(0, 2), *rng.normal(size=2)
    h = rng.normal(size=3)
    found = rate(*m, (0.0, 0.0, 0.0), parameters(LinearField(h), SpinTorque(p, a, b), damping_tensor(alpha), GAMMA))
    law = gilbert_to_landau_lifshitz(alpha, a, b)
    slowed = GAMMA * law["gyromagnetic_factor"]
    expected = -slowed * np.cross(m, h) - slowed * alpha * np.cross(m, np.cross(m, h))
    expected += law["damping_like"] * np.cross(m, np.cross(p, m)) + law["field_like"] * np.cross(p, m)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_invariant_field_is_the_gradient_of_its_energy():
    rng = np.random.default_rng(3)
    field, m, step = LinearField(rng.normal(size=3), symmetric(rng)), rng.normal(size=(5, 3)), 1e-6

    def energy(n):
        return -n @ np.asarray(field.applied) - np.einsum("...i,ij,...j", n, np.asarray(field.tensor), n) / 2

    slopes = [(energy(m - step * axis) - energy(m + step * axis)) / (2 * step) for axis in np.eye(3)]
    np.testing.assert_allclose(field(m, 0.0), np.stack(slopes, axis=-1), atol=1e-8)


def test_invariant_records_keep_their_values():
    given_field, given_axis = np.zeros(3), np.array([0.0, 0.0, 1.0])
    field, torque = LinearField(given_field), SpinTorque(given_axis, 1.0)
    given_field[0] = given_axis[0] = 5.0
    assert np.asarray(field.applied)[0] == np.asarray(torque.polarizer)[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        field.applied[0] = 1.0


def test_limit_constant_array_is_a_linear_field_and_callables_stay():
    np.testing.assert_array_equal(field_of((0, 1.0, 2.0))(np.ones((2, 3)), 0.0), [[0, 1, 2], [0, 1, 2]])
    assert field_of(np.cos) is np.cos
    assert torque_of(None) is None


def test_invariant_one_vector_serves_all_magnets():
    assert sample("field", lambda m, t: np.array([0, 0, t]), np.zeros((4, 3)), 2.0).tolist() == [[0, 0, 2]] * 4


SKEW = [[0, 1.0, 0], [0, 0, 0], [0, 0, 0]]
AXIS = (0.0, 0.0, 1.0)


def one_vector_too_many():
    return sample("torque", lambda m, t: np.zeros((2, 3)), np.zeros((4, 3)), 0.0)


@refusals(
    Refusal("field: two components", LinearField, {"applied": (0, 0)}, ("applied has shape (2,)", "shape (3,)")),
    Refusal("field: not finite", LinearField, {"applied": (0, 0, np.nan)}, ("applied[2] = nan", "finite")),
    Refusal("field: not symmetric", LinearField, {"tensor": SKEW}, ("|tensor - tensor^T| = 1", "no energy")),
    Refusal("field: a word", field_of, {"value": "z"}, ("field = 'z'", "in tesla or a callable field(m, t)")),
    Refusal("field: many constants", field_of, {"value": np.eye(3)}, ("field has shape (3, 3)", "callable")),
    Refusal(
        "torque: polarizer too long",
        SpinTorque,
        {"polarizer": (0, 0, 2), "damping_like": 1.0},
        ("length of polarizer = 2", "pass polarizer / |polarizer|"),
    ),
    Refusal(
        "torque: many polarizers",
        SpinTorque,
        {"polarizer": np.eye(3), "damping_like": 1.0},
        ("polarizer has shape (3, 3)", "(3,)"),
    ),
    Refusal(
        "torque: coefficient",
        SpinTorque,
        {"polarizer": AXIS, "damping_like": np.inf},
        ("damping_like = inf", "finite"),
    ),
    Refusal(
        "torque: asymmetry",
        SpinTorque,
        {"polarizer": AXIS, "damping_like": 1.0, "asymmetry": -1.0},
        ("asymmetry = -1", "-1 < asymmetry < 1"),
    ),
    Refusal("torque: an array", torque_of, {"value": AXIS}, ("is not callable", "a SpinTorque, or None")),
    Refusal("alpha: negative", damping_tensor, {"alpha": -0.1}, ("alpha = -0.1 is negative", "alpha >= 0")),
    Refusal(
        "alpha: indefinite",
        damping_tensor,
        {"alpha": np.diag([0.1, 0.1, -0.2])},
        ("smallest eigenvalue of alpha = -0.2 is negative", "without negative eigenvalue"),
    ),
    Refusal("alpha: not symmetric", damping_tensor, {"alpha": SKEW}, ("|alpha - alpha^T| = 1 is not 0", "symmetric")),
    Refusal("alpha: one per axis", damping_tensor, {"alpha": AXIS}, ("alpha has shape (3,)", "(3, 3)")),
    Refusal(
        "law: one vector too many",
        one_vector_too_many,
        {},
        ("torque(m, t) has shape (2, 3) for m of shape (4, 3)", "one vector for each m"),
    ),
)
def test_bad_input_laws(refusal):
    refusal.check()
