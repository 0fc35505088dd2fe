"""Contracts of spin algebra."""

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.spin import PAULI, direction
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw

INF, NAN = float("inf"), float("nan")


def _algebra(s: np.ndarray, spin: float) -> None:
    x, y, z = s
    np.testing.assert_allclose(x @ y - y @ x, 1j * z, rtol=0, atol=1e-14 * (spin + 1) ** 2)
    np.testing.assert_allclose(x @ x + y @ y + z @ z, spin * (spin + 1) * np.eye(len(x)), rtol=1e-14, atol=1e-13)


def _cross(matrix: np.ndarray, v: np.ndarray) -> None:
    np.testing.assert_array_equal(matrix, -matrix.T)
    np.testing.assert_allclose(matrix @ (1.0, -2.0, 0.5), np.cross(v, (1.0, -2.0, 0.5)), rtol=1e-15, atol=1e-300)


def _turned(rotation: np.ndarray, axis: np.ndarray, angle: float) -> None:
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-14)
    n = axis / np.abs(axis).max()
    np.testing.assert_allclose(rotation @ n, n, rtol=0, atol=1e-14)
    assert np.trace(rotation) == pytest.approx(1 + 2 * np.cos(angle), abs=1e-14)


def _points(r: np.ndarray, theta: float, phi: float = 0.0) -> None:
    np.testing.assert_allclose(r @ r.conj().T, np.eye(2), rtol=0, atol=1e-14)
    n = np.einsum("i,iab->ab", direction(theta, phi), PAULI)
    np.testing.assert_allclose(r @ PAULI[2] @ r.conj().T, n, rtol=0, atol=1e-14)


def _adjoint(rotation: np.ndarray, unitary: np.ndarray) -> None:
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=1e-13)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-13)


def _parallel(n: np.ndarray, v: np.ndarray) -> None:
    assert np.linalg.norm(n) == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_allclose(n / np.abs(n).max(), v / np.abs(v).max(), rtol=1e-14, atol=1e-300)


def _unit(n: np.ndarray, theta: float, phi: float = 0.0) -> None:
    assert np.linalg.norm(n) == pytest.approx(1.0, abs=1e-15)
    assert n[2] == pytest.approx(np.cos(theta), abs=1e-15)


_AXES = draw.vectors(1e-300, 1e300).filter(lambda v: np.abs(v).max() > 0)
_ANY_ANGLES = st.one_of(draw.angles(), draw.signed(1e-300, 1e15))
_POLAR = st.fixed_dictionaries({"theta": _ANY_ANGLES}, optional={"phi": _ANY_ANGLES})

CONTRACTS = (
    Contract("spin.spin_matrices", st.fixed_dictionaries({"spin": st.integers(1, 40).map(lambda n: n / 2)}), _algebra),
    Contract("spin.cross_matrix", st.fixed_dictionaries({"v": draw.vectors(1e-300, 1e300)}), _cross, {"v": 1}),
    Contract(
        "spin.rotation_matrix",
        st.fixed_dictionaries({"axis": _AXES, "angle": _ANY_ANGLES}),
        _turned,
        {"axis": 1, "angle": 0},
    ),
    Contract("spin.spin_rotation", _POLAR, _points, {"theta": 0, "phi": 0}),
    Contract("spin.adjoint_rotation", st.fixed_dictionaries({"unitary": draw.unitary(2)}), _adjoint, {"unitary": 2}),
    Contract("spin.unit_vector", st.fixed_dictionaries({"v": _AXES}), _parallel, {"v": 1}),
    Contract("spin.direction", _POLAR, _unit, {"theta": 0, "phi": 0}),
)

NO_LIMIT = {"spin.rotation_matrix angle": "positive is a sense of turning"}

LIMITS = (
    Limit(
        "spin.spin_matrices",
        "spin",
        [0.5, 1, 20],
        [0.0, -0.5, 0.25, np.nextafter(0.5, 1), INF, NAN],
        ("pass one of 1/2, 1, 3/2",),
    ),
    Limit(
        "spin.rotation_matrix",
        "axis",
        [(5e-324, 0, 0), (0, 0, 1.7e308)],
        [(0.0, 0, 0), (INF, 0, 0)],
        given={"angle": 1.0},
    ),
    Limit("spin.unit_vector", "v", [(5e-324, 0, 0), (1.7e308, 0, 0)], [(0.0, 0, 0), (INF, 0, 0), (1.0, 0)]),
    Limit(
        "spin.adjoint_rotation",
        "unitary",
        [np.eye(2), np.eye(2) * (1 + 4e-9), [[1, 9e-9], [0, 1]]],
        [np.eye(2) * (1 + 6e-9), [[1, 1.1e-8], [0, 1]], np.zeros((2, 2)), np.eye(3), [1.0, 0.0]],
        ("U U^dagger",),
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_spin(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_spin(row: Contract | Limit) -> None:
    row.check_refusals()
