"""Contracts of fermions in orbitals, Berry phases and exchange constants."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from spinlib.field_theory import ExchangeMoments, berry_phase, magnon_dispersion
from spinlib.spin import rotation_matrix
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import not_negative


def _anticommute(a: np.ndarray, orbitals: int) -> None:
    size = 2**orbitals
    assert a.shape == (orbitals, size, size)
    i, j = 0, orbitals - 1
    np.testing.assert_array_equal(a[i] @ a[j] + a[j] @ a[i], 0)
    np.testing.assert_array_equal(a[i] @ a[j].T + a[j].T @ a[i], np.eye(size) if i == j else 0)
    np.testing.assert_array_equal(a[:, :, 0], 0)  # nothing comes out of the vacuum


def _phase(phase: float, directions: np.ndarray, spin: float) -> None:
    """At most 2 pi S; backwards it is the opposite; turning all corners does not change it, but for whole turns."""
    assert abs(phase) <= 2 * np.pi * spin * (1 + 1e-12)
    turned = directions @ rotation_matrix((1.0, 2.0, 3.0), 0.7).T
    for other in (-berry_phase(directions[..., ::-1, :], spin), berry_phase(turned, spin)):
        assert abs(np.exp(1j * (phase - other)) - 1) <= 1e-6 * (1 + spin)


def _moments(moments: ExchangeMoments, bonds: np.ndarray, couplings: np.ndarray) -> None:
    """Tr J_2 = sum J d^2, and spin waves start with S k.J_2.k/2."""
    length = np.linalg.norm(bonds, axis=-1)
    size = float(np.abs(couplings).max()) * length.max() ** 2
    np.testing.assert_allclose(moments.second, moments.second.T, rtol=0, atol=1e-14 * size * len(bonds))
    assert np.trace(moments.second) == pytest.approx(couplings @ length**2, abs=1e-12 * size * len(bonds))
    k = np.array([1.0, -2.0, 0.5]) * 1e-4 / length.max()
    energy = magnon_dispersion(k, bonds, couplings, 2.0)
    assert energy == pytest.approx(k @ moments.second @ k, abs=1e-6 * (k @ k) * size * len(bonds))


def _waves(
    energy: Any, wavevectors: np.ndarray, bonds: np.ndarray, couplings: np.ndarray, spin: float, gap: float = 0.0
) -> None:
    """Between the gap and gap + 2 S sum |J|, at or above the gap for J >= 0; even in k; the gap at k = 0."""
    most = 2 * spin * np.abs(couplings).sum() * (1 + 1e-12)
    assert (np.abs(np.asarray(energy) - gap) <= most + 1e-15 * gap).all()
    if (couplings >= 0).all():
        assert (np.asarray(energy) >= gap).all()
    np.testing.assert_array_equal(magnon_dispersion(-wavevectors, bonds, couplings, spin, gap=gap), energy)
    assert magnon_dispersion(np.zeros(3), bonds, couplings, spin, gap=gap) == gap


@st.composite
def _paths(draws: st.DrawFn) -> dict[str, Any]:
    count = draws(st.integers(1, 6))
    corners = np.array([draws(draw.directions()) for _ in range(count)])
    if draws(st.booleans()):  # a dense path
        corners = corners[0] + 1e-6 * corners
        corners /= np.linalg.norm(corners, axis=-1, keepdims=True)
    near = np.linalg.norm(corners + np.roll(corners, -1, axis=0), axis=-1)
    assume(near.min() > 1e-3)
    return {"directions": corners, "spin": draws(st.integers(1, 200)) / 2}


@st.composite
def _lattices(draws: st.DrawFn) -> dict[str, Any]:
    """Neighbours of a site from a picometre to a tenth of a micrometre, of couplings that differ by up to a billion."""
    unit = draws(draw.sizes(1e-12, 1e-7))
    chosen = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 0), (1, 1, 1), (3, 2, -1), (1e-3, 0, 0)]
    half = np.array(draws(st.lists(st.sampled_from(chosen), min_size=1, max_size=5, unique=True))) * unit
    scale = draws(draw.sizes(1e-30, 1e-15))
    j = np.array([draws(draw.signed(1e-9, 1.0)) for _ in half]) * scale
    assume(np.abs(j).max() > 0)
    return {"bonds": np.concatenate([half, -half]), "couplings": np.concatenate([j, j])}


@st.composite
def _waves_of(draws: st.DrawFn) -> dict[str, Any]:
    lattice = draws(_lattices())
    unit = np.linalg.norm(lattice["bonds"], axis=-1).max()
    given = lattice | {"wavevectors": draws(draw.vectors(1e-6, 1e2)) / unit, "spin": draws(draw.sizes(1e-3, 1e3))}
    return given | draws(st.fixed_dictionaries({}, optional={"gap": st.one_of(draw.sizes(1e-30, 1e-15), st.just(0.0))}))


CONTRACTS = (
    Contract(
        "field_theory.fermion_operators",
        st.fixed_dictionaries({"orbitals": st.integers(1, 6)}),
        _anticommute,
        examples=6,
    ),
    Contract("field_theory.berry_phase", _paths(), _phase, {"directions": 2}),
    Contract("field_theory.exchange_moments", _lattices(), _moments),
    Contract("field_theory.magnon_dispersion", _waves_of(), _waves, {"wavevectors": 1}, tolerance=1e-7),
)

_PATH = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
_CHAIN = {"bonds": [(1, 0, 0), (-1, 0, 0)], "couplings": 0.5}
_WAVE = _CHAIN | {"wavevectors": (1.0, 0, 0), "spin": 1.0}
_TWIN = np.array([(1, 0, 0), (-1, 0, 0), (1, 1e-5, 0), (-1, -1e-5, 0)])
_SAME = np.array([(1, 0, 0), (-1, 0, 0), (1, 1e-7, 0), (-1, -1e-7, 0)])
_OPPOSITE = np.array([(1, 0, 0), (-1, 1e-5, 0), (0, 1, 0)])

LIMITS = (
    Limit("field_theory.fermion_operators", "orbitals", [1, 10], [0, 11, -1, 2.0, True], ("orbitals",)),
    Limit(
        "field_theory.berry_phase",
        "spin",
        [0.5, 1, 1e6],
        [0.0, 0.25, np.nextafter(0.5, 1), -0.5],
        ("pass",),
        {"directions": _PATH},
    ),
    Limit(
        "field_theory.berry_phase",
        "directions",
        [_PATH, [(1, 0, 0)], np.array([(1 + 9e-7, 0, 0)]), _OPPOSITE / np.linalg.norm(_OPPOSITE, axis=1)[:, None]],
        [[(1, 0, 0), (-1, 0, 0)], np.array([(1 + 1.1e-6, 0, 0)]), np.empty((0, 3)), (1.0, 0, 0), [(0, 0, 0)]],
        ("pass",),
        {"spin": 0.5},
    ),
    Limit(
        "field_theory.exchange_moments",
        "bonds",
        [_CHAIN["bonds"], _TWIN],
        [[(1, 0, 0), (0, 0, 0)], [(1, 0, 0)], _SAME, [(1, 0, 0), (-1 - 1e-8, 0, 0)], (1.0, 0, 0)],
        ("bonds",),
        {"couplings": 1.0},
    ),
    Limit(
        "field_theory.exchange_moments",
        "couplings",
        [1.0, 0.0, [1.0, 1.0]],
        [[1.0], [[1.0, 1.0]], [1.0, 1.0, 1.0]],
        ("pass one number",),
        {"bonds": _CHAIN["bonds"]},
    ),
    Limit(
        "field_theory.magnon_dispersion",
        "bonds",
        [_CHAIN["bonds"], _TWIN, [(1, 0, 0), (-1 - 5e-7, 0, 0)]],
        [[(1, 0, 0)], [(1, 0, 0), (-1 - 2e-6, 0, 0)], _SAME],
        ("pass each",),
        _WAVE,
    ),
    Limit(
        "field_theory.magnon_dispersion",
        "couplings",
        [0.0, -1.0, [1.0, 1.0]],
        [[1.0], [1.0, 1.0, 1.0]],
        ("pass one number",),
        _WAVE,
    ),
    Limit("field_theory.magnon_dispersion", "spin", [5e-324, 1e9], [0.0, -5e-324], ("spin > 0",), _WAVE),
    *not_negative("field_theory.magnon_dispersion", "gap", _WAVE),
)


@contracts(*CONTRACTS)
def test_invariant_contract_field_theory(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_field_theory(row: Contract | Limit) -> None:
    row.check_refusals()
