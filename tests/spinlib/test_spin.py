"""Spin algebra: commutators, Casimir operator, SU(2) and SO(3), and every refusal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinlib.spin import (
    PAULI,
    adjoint_rotation,
    cross_matrix,
    direction,
    rotation_matrix,
    spin_matrices,
    spin_rotation,
    unit_vector,
)
from tests.bad_input import Refusal, refusals

X, Y, Z = np.eye(3)
angles = st.floats(-10, 10)
vectors = hnp.arrays(float, 3, elements=st.floats(-1e3, 1e3)).filter(lambda v: np.abs(v).max() > 1e-3)
spins = st.integers(1, 9).map(lambda n: n / 2)


def su2(theta: float, phi: float, psi: float) -> np.ndarray:
    """A general SU(2) matrix: a turn by psi about z, then spin_rotation."""
    return spin_rotation(theta, phi) @ spin_rotation(0.0, psi)


# --- Pauli and spin matrices ------------------------------------------------------------------------------------------


def test_limit_pauli_matrices() -> None:
    np.testing.assert_array_equal(PAULI, [[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    product = np.einsum("iab,jbc->ijac", PAULI, PAULI)
    levi_civita = np.array([cross_matrix(axis) for axis in -np.eye(3)])
    expected = np.einsum("ij,ab->ijab", np.eye(3), np.eye(2)) + 1j * np.einsum("ijk,kab->ijab", levi_civita, PAULI)
    np.testing.assert_allclose(product, expected, atol=0)


def test_invariant_pauli_matrices_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        PAULI[0, 0, 0] = 1


def test_limit_spin_half_is_half_the_pauli_matrices() -> None:
    np.testing.assert_allclose(spin_matrices(1 / 2), PAULI / 2, atol=0)


def test_limit_spin_one() -> None:
    x, y, z = spin_matrices(1)
    root = np.sqrt(1 / 2)
    np.testing.assert_allclose(x, [[0, root, 0], [root, 0, root], [0, root, 0]], atol=1e-15)
    np.testing.assert_allclose(y, [[0, -1j * root, 0], [1j * root, 0, -1j * root], [0, 1j * root, 0]], atol=1e-15)
    np.testing.assert_allclose(z, np.diag([1, 0, -1]), atol=0)


@given(spin=spins)
def test_paper_RHP_9_commutators(spin: float) -> None:
    x, y, z = spin_matrices(spin)
    for a, b, c in ((x, y, z), (y, z, x), (z, x, y)):
        np.testing.assert_allclose(a @ b - b @ a, 1j * c, atol=1e-13)


@given(spin=spins)
def test_invariant_casimir(spin: float) -> None:
    s = spin_matrices(spin)
    dimension = round(2 * spin + 1)
    assert s.shape == (3, dimension, dimension)
    np.testing.assert_allclose(np.einsum("iab,ibc->ac", s, s), spin * (spin + 1) * np.eye(dimension), atol=1e-13)
    np.testing.assert_allclose(s, s.conj().swapaxes(-1, -2), atol=0)


@given(spin=spins, axis=vectors)
def test_invariant_every_axis_has_the_same_spectrum(spin: float, axis: np.ndarray) -> None:
    along = np.einsum("i,iab->ab", unit_vector(axis), spin_matrices(spin))
    np.testing.assert_allclose(np.linalg.eigvalsh(along), np.arange(-spin, spin + 1), atol=1e-12)


# --- vectors ----------------------------------------------------------------------------------------------------------


@given(v=vectors, w=vectors)
def test_invariant_cross_matrix(v: np.ndarray, w: np.ndarray) -> None:
    np.testing.assert_allclose(cross_matrix(v) @ w, np.cross(v, w), atol=1e-12 * np.abs(v).max() * np.abs(w).max())
    np.testing.assert_array_equal(cross_matrix(v), -cross_matrix(v).T)


@given(v=vectors)
def test_invariant_unit_vector(v: np.ndarray) -> None:
    n = unit_vector(v)
    assert np.linalg.norm(n) == pytest.approx(1, abs=4e-16)
    np.testing.assert_allclose(n * np.linalg.norm(v), v, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e200, 1.7e308])
def test_limit_unit_vector_at_the_ends_of_the_floats(size: float) -> None:
    np.testing.assert_allclose(unit_vector([size, 0, -size]), np.array([1, 0, -1]) / np.sqrt(2), rtol=1e-15)


@given(theta=angles, phi=angles)
def test_invariant_direction(theta: float, phi: float) -> None:
    n = direction(theta, phi)
    assert np.linalg.norm(n) == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(n, rotation_matrix(Z, phi) @ rotation_matrix(Y, theta) @ Z, atol=1e-15)


def test_limit_directions_of_the_axes() -> None:
    np.testing.assert_allclose(direction([0, np.pi / 2, np.pi / 2], [1, 0, np.pi / 2]), [Z, X, Y], atol=1e-15)


# --- rotations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "start", "end"), [(Z, X, Y), (X, Y, Z), (Y, Z, X)])
def test_limit_quarter_turns_are_right_handed(axis: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    np.testing.assert_allclose(rotation_matrix(axis, np.pi / 2) @ start, end, atol=1e-15)


@given(axis=vectors, a=angles, b=angles)
def test_invariant_rotations_form_a_group(axis: np.ndarray, a: float, b: float) -> None:
    r = rotation_matrix(axis, a)
    np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(r) == pytest.approx(1, abs=1e-13)
    np.testing.assert_allclose(r @ rotation_matrix(axis, b), rotation_matrix(axis, a + b), atol=1e-14)
    np.testing.assert_allclose(r @ unit_vector(axis), unit_vector(axis), atol=1e-14)
    np.testing.assert_allclose(rotation_matrix(-axis, -a), r, atol=1e-14)
    assert np.trace(r) == pytest.approx(1 + 2 * np.cos(a), abs=1e-13)


@given(axis=vectors, angle=angles)
def test_invariant_rotation_is_the_exponential_of_its_generator(axis: np.ndarray, angle: float) -> None:
    # i [n]x is Hermitian, so the exponential follows from its eigenvectors.
    values, states = np.linalg.eigh(1j * cross_matrix(unit_vector(axis)))
    exponential = (states * np.exp(-1j * angle * values)) @ states.conj().T
    np.testing.assert_allclose(rotation_matrix(axis, angle), exponential, atol=1e-13)


def test_limit_small_angle_keeps_its_digits() -> None:
    # 1 - cos(1e-9) is 0 in floats; the entry is -angle^2/2.
    r = rotation_matrix(Z, 1e-9)
    assert (r - np.eye(3))[0, 0] == 0  # below the resolution of 1
    r = rotation_matrix([1, 1, 0], 1e-9)
    assert r[0, 1] == pytest.approx(0.25e-18, rel=1e-12, abs=0)


@given(theta=angles, phi=angles)
def test_invariant_spin_rotation_is_the_product_of_exponentials(theta: float, phi: float) -> None:
    half_y = np.cos(theta / 2) * np.eye(2) - 1j * np.sin(theta / 2) * PAULI[1]
    half_z = np.cos(phi / 2) * np.eye(2) - 1j * np.sin(phi / 2) * PAULI[2]
    np.testing.assert_allclose(spin_rotation(theta, phi), half_z @ half_y, atol=1e-15)


@given(theta=angles)
def test_paper_KK_5_spin_rotation_in_the_plane(theta: float) -> None:
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    r = spin_rotation(theta)
    np.testing.assert_allclose(r, [[c, -s], [s, c]], atol=1e-15)
    np.testing.assert_allclose(
        r @ PAULI[2] @ r.conj().T, np.cos(theta) * PAULI[2] + np.sin(theta) * PAULI[0], atol=1e-14
    )


@given(theta=angles, phi=angles)
def test_invariant_spin_up_points_along_the_direction(theta: float, phi: float) -> None:
    up = spin_rotation(theta, phi)[:, 0]
    expectation = np.einsum("a,iab,b->i", up.conj(), PAULI, up)
    np.testing.assert_allclose(expectation, direction(theta, phi), atol=1e-14)


@given(a=st.tuples(angles, angles, angles), b=st.tuples(angles, angles, angles), v=vectors)
def test_invariant_su2_to_so3_is_a_homomorphism(
    a: tuple[float, float, float], b: tuple[float, float, float], v: np.ndarray
) -> None:
    u, w = su2(*a), su2(*b)
    np.testing.assert_allclose(adjoint_rotation(u @ w), adjoint_rotation(u) @ adjoint_rotation(w), atol=1e-13)
    turned = u @ np.einsum("i,iab->ab", v, PAULI) @ u.conj().T
    expected = np.einsum("i,iab->ab", adjoint_rotation(u) @ v, PAULI)
    np.testing.assert_allclose(turned, expected, atol=1e-12 * np.abs(v).max())
    np.testing.assert_allclose(adjoint_rotation(-1j * u), adjoint_rotation(u), atol=1e-14)


@given(theta=angles, phi=angles)
def test_invariant_adjoint_of_spin_rotation(theta: float, phi: float) -> None:
    expected = rotation_matrix(Z, phi) @ rotation_matrix(Y, theta)
    np.testing.assert_allclose(adjoint_rotation(spin_rotation(theta, phi)), expected, atol=1e-14)


def test_invariant_full_turn_changes_the_sign_of_a_spin_only() -> None:
    np.testing.assert_allclose(spin_rotation(2 * np.pi), -np.eye(2), atol=1e-15)
    np.testing.assert_allclose(rotation_matrix(X, 2 * np.pi), np.eye(3), atol=1e-15)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_invariant_broadcasting(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    theta, phi, v = rng.normal(size=shape), rng.normal(), rng.normal(size=(*shape, 3))
    spin, vector = spin_rotation(theta, phi), direction(theta, phi)
    turns, adjoint = rotation_matrix(v, theta), adjoint_rotation(spin)
    assert [spin.shape, vector.shape, turns.shape, adjoint.shape, cross_matrix(v).shape, unit_vector(v).shape] == [
        (*shape, 2, 2), (*shape, 3), (*shape, 3, 3), (*shape, 3, 3), (*shape, 3, 3), (*shape, 3),
    ]  # fmt: skip
    assert rotation_matrix(Z, theta).shape == rotation_matrix(v, 0.3).shape == (*shape, 3, 3)
    for index in np.ndindex(shape):
        np.testing.assert_array_equal(spin[index], spin_rotation(theta[index], phi))
        np.testing.assert_allclose(turns[index], rotation_matrix(v[index], theta[index]), atol=1e-15)
        np.testing.assert_allclose(adjoint[index], adjoint_rotation(spin[index]), atol=1e-15)


# --- refusals ---------------------------------------------------------------------------------------------------------


@refusals(
    Refusal("third of a spin", spin_matrices, {"spin": 1 / 3}, ("spin = 0.3333333333", "1/2, 1, 3/2")),
    Refusal("spin zero", spin_matrices, {"spin": 0}, ("spin = 0 ", "pass one of 1/2")),
    Refusal("negative spin", spin_matrices, {"spin": -0.5}, ("spin = -0.5", "pass one of 1/2")),
    Refusal("infinite spin", spin_matrices, {"spin": np.inf}, ("spin = inf", "pass one of 1/2")),
    Refusal("two spins", spin_matrices, {"spin": [0.5, 1]}, ("spin has shape (2,)", "one number")),
    Refusal("vector of two", cross_matrix, {"v": [1, 2]}, ("v has shape (2,)", "(..., 3)")),
    Refusal("number as vector", cross_matrix, {"v": 1.0}, ("v has shape ()", "(..., 3)")),
    Refusal("nan in a vector", cross_matrix, {"v": [[1, 2, 3], [1, np.nan, 3]]}, ("v[1, 1] = nan", "(..., 3)")),
    Refusal("text as vector", cross_matrix, {"v": "xyz"}, ("v = 'xyz'", "(..., 3)")),
    Refusal("complex vector", cross_matrix, {"v": [1j, 0, 0]}, ("v = [1j, 0, 0]", "real vectors")),
    Refusal("no direction", unit_vector, {"v": [[1, 0, 0], [0, 0, 0]]}, ("component of v[1] = 0", "|v| > 0")),
    Refusal("infinite vector", unit_vector, {"v": [np.inf, 0, 0]}, ("v[0] = inf", "(..., 3)")),
    Refusal("axis zero", rotation_matrix, {"axis": [0, 0, 0], "angle": 1}, ("component of axis = 0", "|v| > 0")),
    Refusal("axis of four", rotation_matrix, {"axis": [0, 0, 0, 1], "angle": 1}, ("axis has shape (4,)", "(..., 3)")),
    Refusal("angle nan", rotation_matrix, {"axis": Z, "angle": np.nan}, ("angle = nan", "pass angles in rad")),
    Refusal(
        "axis and angle of different shape",
        rotation_matrix,
        {"axis": np.ones((2, 3)), "angle": np.ones(3)},
        ("axis of shape (2,)", "angle of shape (3,)", "matching leading shape"),
    ),
    Refusal("theta infinite", spin_rotation, {"theta": np.inf}, ("theta = inf", "pass angles in rad")),
    Refusal("phi nan", spin_rotation, {"theta": 0, "phi": np.nan}, ("phi = nan", "pass angles in rad")),
    Refusal("phi text", direction, {"theta": 0, "phi": "x"}, ("phi = 'x'", "pass angles in rad")),
    Refusal(
        "angles of different shape",
        direction,
        {"theta": np.ones(2), "phi": np.ones(3)},
        ("theta of shape (2,)", "phi of shape (3,)", "do not broadcast"),
    ),
    Refusal("not unitary", adjoint_rotation, {"unitary": np.ones((2, 2))}, ("unitary = 2 ", "above 1e-8", "U^dagger")),
    Refusal("slightly off", adjoint_rotation, {"unitary": (1 + 1e-8) * np.eye(2)}, ("above 1e-8", "U U^dagger = 1")),
    Refusal("3 x 3", adjoint_rotation, {"unitary": np.eye(3)}, ("unitary has shape (3, 3)", "(..., 2, 2)")),
    Refusal("nan in a matrix", adjoint_rotation, {"unitary": np.full((2, 2), np.nan)}, ("unitary[0, 0]", "2, 2)")),
)
def test_bad_input_spin(refusal: Refusal) -> None:
    refusal.check()


def test_limit_unitarity_tolerance() -> None:
    np.testing.assert_allclose(adjoint_rotation((1 + 4e-9) * np.eye(2)), np.eye(3), atol=1e-8)
