"""Real spherical harmonics Y_LM on the sphere, and sparse matrices on them: products and Poisson brackets.

Orthonormal, Y_LM with cos(M phi) for M > 0 and sin(|M| phi) for M < 0, without the phase (-1)^M; a density is the
vector of its amplitudes, that of Y_lm at the index l^2 + l + m.
"""

from functools import lru_cache
from math import pi, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array, eye_array

from spinlib.dynamics._generalized import Potential, energies

__all__ = ["amplitudes", "degrees", "harmonics", "operators"]

_Real: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

_HIGHEST = 12  # degree of a potential
_NODES = 20  # in cos(theta), twice as many in phi: more than the harmonics, so that what is none of them shows
_ROUNDING = 1e-13  # of the largest value of a potential


class _Operator:
    """A function f on the sphere as two matrices: rho -> f rho, and rho -> grad rho . (u x grad f).

    The second is a derivation in f, so that products of functions follow from those of the matrices.
    """

    def __init__(self, product: csr_array, bracket: csr_array) -> None:
        self.product, self.bracket = product, bracket

    def __add__(self, other: "_Operator") -> "_Operator":
        return _Operator(self.product + other.product, self.bracket + other.bracket)

    def __mul__(self, other: "_Operator") -> "_Operator":
        bracket = self.product @ other.bracket + other.product @ self.bracket
        return _Operator(self.product @ other.product, bracket)

    def __rmul__(self, factor: float) -> "_Operator":
        return _Operator(factor * self.product, factor * self.bracket)


def degrees(max_degree: int) -> tuple[_Integers, _Integers]:
    """Return l and m of every harmonic up to a degree, in the order of their index.

    >>> degrees(1)
    (array([0, 1, 1, 1]), array([ 0, -1,  0,  1]))
    """
    index = np.arange((max_degree + 1) ** 2)
    degree = np.sqrt(index + 0.5).astype(np.int64)
    return degree, index - degree * (degree + 1)


def harmonics(x: Any, y: Any, z: Any, one: Any, max_degree: int) -> list[Any]:
    """Return every Y_LM up to a degree from the components of u: arrays, or whatever adds and multiplies like them.

    >>> print([round(4 * pi * value**2, 9) for value in harmonics(0.6, 0.0, 0.8, 1.0, 1)])
    [1.0, 0.0, 1.92, 1.08]
    """
    found = {(0, 0): 1 / sqrt(4 * pi) * one}
    for m in range(max_degree):
        cosine, sine = found[m, m], found[m, -m]
        rise = sqrt((2 * m + 3) / (2 * m + 2) * (2 if m == 0 else 1))
        found[m + 1, m + 1] = rise * (x * cosine + -1.0 * (y * sine) if m else x * cosine)
        found[m + 1, -m - 1] = rise * (x * sine + y * cosine if m else y * cosine)
    for m in range(-max_degree, max_degree + 1):
        for degree in range(abs(m), max_degree):
            up = z * found[degree, m]
            if degree > abs(m):
                up = up + -_climb(degree, m) * found[degree - 1, m]
            found[degree + 1, m] = 1 / _climb(degree + 1, m) * up
    return [found[int(degree), int(m)] for degree, m in zip(*degrees(max_degree), strict=True)]


@lru_cache(maxsize=4)
def operators(max_degree: int, highest: int) -> list[tuple[csr_array, csr_array]]:
    """Return the matrices of rho -> Y_LM rho and rho -> grad rho . (u x grad Y_LM) for every L <= ``highest``.

    They act on densities up to ``max_degree`` and are exact: a margin of degrees is cut off, and what rounding leaves
    where a selection rule gives zero, too, so that symmetries of a potential show.

    >>> product, bracket = operators(2, 1)[2]  # Y_10 = sqrt(3/4 pi) u_z
    >>> print(round(4 * pi * product[2, 0] ** 2, 9))
    1.0
    """
    margin = max_degree + highest // 2  # a path of so many steps that leaves farther does not return
    x, y, z = _components(margin)
    size = (margin + 1) ** 2
    one = _Operator(eye_array(size, format="csr"), csr_array((size, size)))
    degree, order = degrees(max_degree)
    size = len(degree)

    def cut(matrix: csr_array, top: int, m: int) -> csr_array:
        entries = coo_array(matrix[:size, :size])
        i, j = entries.coords
        a, b = np.abs(order[i]), np.abs(order[j])
        keep = (degree[i] + degree[j] >= top) & ((a + b == abs(m)) | (np.abs(a - b) == abs(m)))
        return csr_array((entries.data[keep], (i[keep], j[keep])), shape=(size, size))

    every = zip(harmonics(x, y, z, one, highest), *degrees(highest), strict=True)
    return [(cut(operator.product, top, m), cut(operator.bracket, top, m)) for operator, top, m in every]


def amplitudes(name: str, potential: Potential) -> _Real:
    """Return the amplitudes of a potential on every Y_LM up to its degree, or refuse what is no polynomial in u.

    >>> from spinlib.dynamics.thermodynamic import QuadraticPotential
    >>> amplitudes("V", QuadraticPotential(linear=(0, 0, 1.0))).round(9)
    array([0.        , 0.        , 2.04665342, 0.        ])
    """
    m, weights, basis = _sphere()
    values = energies(name, potential, m.copy())
    found = basis @ (weights * values)
    largest = np.abs(values).max()
    rest = np.abs(values - found @ basis).max()
    if rest > 10 * _ROUNDING * largest:
        raise ValueError(
            f"{name} is no polynomial in u up to degree {_HIGHEST} ({rest / largest:.2g} of it is left over): "
            "pass its expansion up to that degree"
        )
    found[np.abs(found) <= _ROUNDING * largest] = 0.0
    degree = degrees(_HIGHEST)[0][np.flatnonzero(found)].max(initial=0)
    return np.asarray(found[: (degree + 1) ** 2])


@lru_cache(maxsize=1)
def _sphere() -> tuple[_Real, _Real, _Real]:
    """Return the directions of a quadrature, their weights, and all harmonics up to the highest degree there."""
    u, weights = leggauss(_NODES)
    phi = np.arange(2 * _NODES) * pi / _NODES
    across = np.sqrt(1 - u**2)[:, None]
    m = np.stack(np.broadcast_arrays(across * np.cos(phi), across * np.sin(phi), u[:, None]), axis=-1).reshape(-1, 3)
    basis = np.array(harmonics(m[:, 0], m[:, 1], m[:, 2], np.ones(len(m)), _HIGHEST))
    return m, np.repeat(weights, 2 * _NODES) * pi / _NODES, basis


def _climb(degree: int, m: int) -> float:
    """Return the amplitude of Y_lm in u_z Y_(l-1)m."""
    return sqrt((degree**2 - m**2) / (4 * degree**2 - 1))


def _components(max_degree: int) -> tuple[_Operator, _Operator, _Operator]:
    """Return u_x, u_y, u_z as operators; the bracket with u_a is minus the rotation (u x grad)_a."""
    degree, m = degrees(max_degree)
    size = len(degree)

    def ladder(dl: int, dm: int, values: _Real) -> csr_array:
        to = degree + dl
        there = (to >= 0) & (to <= max_degree) & (np.abs(m + dm) <= to)
        rows = (to * (to + 1) + m + dm)[there]
        return csr_array((values[there], (rows, np.flatnonzero(there))), shape=(size, size))

    # On complex harmonics with Condon and Shortley's phase, whose ladders are simple ...
    l1, odd = degree + 1, 4 * degree**2 - 1
    up = (l1**2 - m**2) / (4 * l1**2 - 1)
    along = ladder(1, 0, np.sqrt(up))
    along = along + along.T
    plus = ladder(1, 1, -np.sqrt((l1 + m) * (l1 + m + 1) / (4 * l1**2 - 1)))
    plus = plus + ladder(-1, 1, np.sqrt(np.abs((degree - m) * (degree - m - 1) / odd)))
    spin = 1j * ladder(0, 1, np.sqrt((degree - m) * (degree + m + 1)))
    turns = (spin - spin.conj().T) / 2, (spin + spin.conj().T) / 2j, diags_array(1j * m, format="csr")
    positions = (plus + plus.T) / 2, (plus - plus.T) / 2j, along
    # ... then on real ones: [(-1)^m Y_m + Y_-m]/sqrt 2 for m > 0, i [Y_m - (-1)^m Y_-m]/sqrt 2 for m < 0.
    sign = np.where(m % 2, -1.0, 1.0)
    own = np.where(m > 0, sign, np.where(m < 0, 1j, np.sqrt(2.0))) / np.sqrt(2)
    other = np.where(m > 0, 1.0, np.where(m < 0, -1j * sign, 0.0)) / np.sqrt(2)
    flip = csr_array((other, (np.arange(size), degree * l1 - m)), shape=(size, size))
    change = diags_array(own, format="csr") + flip

    def on_real(matrix: csr_array) -> csr_array:
        found = csr_array((change.conj() @ matrix @ change.T).real)
        found.eliminate_zeros()
        return found

    x, y, z = (_Operator(on_real(p), -on_real(r)) for p, r in zip(positions, turns, strict=True))
    return x, y, z
