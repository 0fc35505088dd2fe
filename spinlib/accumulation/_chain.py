"""Cells in a row: w at all nodes from the ends and the sources, by one banded factorisation.

Each cell is condensed: it gives the currents at its two faces as functions of w at both,

j_0 = a w_0 + b w_1 + c,    j_1 = d w_0 + e w_1 + f.

A continuous current is then a block-tridiagonal system for w alone. It stays well posed however far the waves inside
decay; the system of all (w, j) does not, on a ring. The ends enter as six columns of the right-hand side, so every kind
of end, and a ring, costs one small system more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spinlib.accumulation._local import Local, local
from spinlib.accumulation.structure import Boundary, Layer, SpinStructure
from spinlib.spin import cross_matrix

__all__ = ["Chain", "End", "make_end"]

_Real = NDArray[np.float64]
_Any = NDArray[Any]

_BAND: Final = 5  # of 3 x 3 blocks beside the diagonal
_SINGULAR: Final = 1e10  # condition of the equations of both ends
_NONE: Final = np.zeros((3, 3))
_ONE: Final = np.eye(3)


@dataclass(frozen=True)
class End:
    """Three equations of one end: matrices of w and j here and at the other end, and the right-hand side."""

    given: _Real
    by_value: _Real
    by_current: _Real
    by_other_value: _Real
    by_other_current: _Real


class Chain:
    """The factorised chain of n cells with steps ``(n, 6, 6)`` of (w, j h/(D nu)) and scales D nu/h ``(n,)``."""

    def __init__(self, steps: _Any, scales: _Real) -> None:
        from scipy.linalg import get_lapack_funcs

        ww, wj, jw, jj = steps[:, :3, :3], steps[:, :3, 3:], steps[:, 3:, :3], steps[:, 3:, 3:]
        self.scales = scales[:, None, None]
        self.inverse = np.linalg.inv(wj)
        self.through = jj @ self.inverse
        self.a, self.b = -self.scales * (self.inverse @ ww), self.scales * self.inverse
        self.d, self.e = self.scales * (jw - self.through @ ww), self.scales * self.through
        size = 3 * (len(steps) - 1)  # w at the nodes between cells
        band = np.zeros((3 * _BAND + 1, size), dtype=steps.dtype)
        middle = self.e[:-1] - self.a[1:]
        for side, blocks in ((-1, self.d[1:-1]), (0, middle), (1, -self.b[1:-1])):
            for p in range(3):
                for q in range(3):
                    columns = slice(3 * max(side, 0) + q, size + 3 * min(side, 0), 3)
                    band[2 * _BAND - 3 * side + p - q, columns] = blocks[:, p, q]
        factor, self._substitute = get_lapack_funcs(("gbtrf", "gbtrs"), (band,))
        self._factor, self._pivots, info = factor(band, _BAND, _BAND, overwrite_ab=True)
        assert not info  # no medium creates spins, so w = 0 at both ends leaves w = 0 between them
        ends = np.zeros((size, 6), dtype=steps.dtype)
        ends[:3, :3], ends[-3:, 3:] = -self.d[0], self.b[-1]
        self.ends = self._solve(ends).reshape(-1, 3, 6)

    def _solve(self, right: _Any) -> _Any:
        result, info = self._substitute(self._factor, _BAND, _BAND, right, self._pivots)
        assert not info
        return np.asarray(result)

    def close(self, left: End, right: End) -> _Any:
        """Return the inverse ``(6, 6)`` of the system of both ends for (w_left, w_right), and its rows of currents."""
        first, last = np.zeros((3, 6), dtype=self.ends.dtype), np.zeros((3, 6), dtype=self.ends.dtype)
        first[:, :3], last[:, 3:] = self.a[0], self.e[-1]
        first, last = first + self.b[0] @ self.ends[0], last + self.d[-1] @ self.ends[-1]
        system = np.zeros((6, 6), dtype=self.ends.dtype)
        system[:3] = left.by_current @ first + left.by_other_current @ last
        system[3:] = right.by_current @ last + right.by_other_current @ first
        system[:3, :3] += left.by_value
        system[:3, 3:] += left.by_other_value
        system[3:, 3:] += right.by_value
        system[3:, :3] += right.by_other_value
        weights = np.abs(system).max(axis=1)
        system /= weights[:, None]
        if not np.linalg.cond(system) < _SINGULAR:
            raise ValueError(
                "spin_relaxation_time is so long beside the time to diffuse through the structure that rounding hides "
                "what relaxes: pass a shorter one, or inf and an end that fixes m"
            )
        return np.asarray(np.linalg.inv(system) / weights)

    def solve(self, sources: _Any, left: End, right: End, closed: _Any, share: complex = 1.0) -> _Any:
        """Return (w, j) at all nodes ``(n + 1, 6)`` for sources ``(n, 6)`` of the steps and a share of the ends."""
        inner = np.einsum("nij,nj->ni", self.inverse, sources[:, :3])
        c = -self.scales[:, :, 0] * inner
        f = self.scales[:, :, 0] * (sources[:, 3:] - np.einsum("nij,nj->ni", self.through, sources[:, :3]))
        particular = self._solve((c[1:] - f[:-1]).reshape(-1, 1)).reshape(-1, 3)
        first, last = self.b[0] @ particular[0] + c[0], self.d[-1] @ particular[-1] + f[-1]
        given = [
            share * left.given - left.by_current @ first - left.by_other_current @ last,
            share * right.given - right.by_current @ last - right.by_other_current @ first,
        ]
        outer = closed @ np.concatenate(given)
        w = np.concatenate([outer[None, :3], particular + self.ends @ outer, outer[None, 3:]])
        j = np.einsum("nij,nj->ni", self.a, w[:-1]) + np.einsum("nij,nj->ni", self.b, w[1:]) + c
        final = self.d[-1] @ w[-2] + self.e[-1] @ w[-1] + f[-1]
        return np.concatenate([w, np.concatenate([j, final[None]])], axis=1)


def make_end(structure: SpinStructure, side: int) -> End:
    """Return the equations of the left (side -1) or right (side 1) end."""
    end = structure.left if side < 0 else structure.right
    layer = structure.layers[0 if side < 0 else -1]
    at = local(structure, layer, np.array([0.0 if side < 0 else layer.thickness]))
    if end is None:
        end = Boundary.spin_accumulation(at.equilibrium[0])
    vector, matrix = end.vector, end.matrix
    if vector is not None and matrix is not None:  # a contact
        return End(matrix @ vector, matrix, -side * _ONE, _NONE, _NONE)
    if vector is not None and end.kind == "spin_current":
        return End(vector, _NONE, _ONE, _NONE, _NONE)
    if vector is not None:
        return End((vector - at.rest[0]) / layer.medium.density_of_states, _ONE, _NONE, _NONE, _NONE)
    if matrix is None:
        conductance, given = _continued(layer, at, side)
        return End(given, conductance, -side * _ONE, _NONE, _NONE)
    if side < 0:
        return End(np.zeros(3), -matrix, _NONE, _ONE, _NONE)
    return End(np.zeros(3), _NONE, _ONE, _NONE, -matrix)


def _continued(layer: Layer, at: Local, side: int) -> tuple[_Real, _Real]:
    """Return G and the right-hand side of G w -+ j = G w_inf -+ j_inf, where the outer layer has no end.

    All are functions of H x: f(H x) = f(0) n n^T + Re f(i H)(1 - n n^T) + Im f(i H) n x.
    """
    medium = layer.medium
    feed = at.source[0] + (at.equilibrium[0] - at.rest[0]) / medium.spin_relaxation_time
    field = float(np.linalg.norm(at.precession[0]))
    n = at.precession[0] / field if field else np.array([0.0, 0.0, 1.0])
    lost, tau = 1 / medium.spin_relaxation_time, medium.momentum_time
    d, nu = medium.diffusivity, medium.density_of_states
    projector = np.outer(n, n)
    kept = feed - np.cross(n, np.cross(feed, n)) if field else feed
    if not lost and np.abs(kept).max() > 1e-12 * np.abs(feed).max():
        raise ValueError(
            f"source = {feed.tolist()} at an open end feeds a spin that spin_relaxation_time = inf never loses: pass a "
            "finite spin_relaxation_time, or another end"
        )

    def function(of: Callable[[complex], complex]) -> _Real:
        along, across = of(0j), of(1j * field)
        return np.asarray(along.real * projector + across.real * (_ONE - projector) + across.imag * cross_matrix(n))

    def k(rate: complex) -> complex:
        return complex(np.sqrt((1 + tau * rate) * (lost + rate) / d))

    conductance = function(lambda rate: d * nu * k(rate) / (1 + tau * rate))
    # G w_inf = K^-1 source, 0 for what neither relaxes nor is fed.
    fed = function(lambda rate: 1 / k(rate) if k(rate) else 0j) @ feed
    drift = function(lambda rate: 1 / (1 + tau * rate)) @ (layer.drift * at.magnetization[0])
    return conductance, fed - side * drift
