"""One step through a layer by collocation at four Gauss points (order 8), for steady and for complex decay rates.

In a cell of length h the unknowns are w and i = j h/(D nu), functions of xi = (x - x_0)/h, so nothing has a unit:

dw/dxi = -F i + p,    di/dxi = -G w + q,    F = 1 + tau s + tau H x,    G = (h^2/D)(1/tau_sf + s + H x).

s is 0 in the steady state and a complex rate within a step in time. Vectors stand as columns: w and i at the start
``(n, 3, k)``, all four stages of w, i, p or q ``(n, 12, k)``.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spinlib.accumulation._local import Local
from spinlib.accumulation._mesh import MATRIX, WEIGHTS
from spinlib.accumulation.structure import Layer
from spinlib.spin import cross_matrix

__all__ = ["Cells", "local_sources", "make_cells"]

_Real = NDArray[np.float64]
_Any = NDArray[Any]

_INTEGRALS: Final = np.kron(MATRIX, np.eye(3))[None]  # from the start to each stage
_TOTAL: Final = np.kron(WEIGHTS, np.eye(3))[None]  # from the start to the end


@dataclass(frozen=True)
class Cells:
    """n cells, or one that stands for all.

    At the stages i = i_0 + [A q] - X w and w = w_0 + [A p] - Y i, where A integrates from the start; ``inverse`` is
    that of 1 - X Y.
    """

    x: _Any
    y: _Any
    inverse: _Any
    last_x: _Any  # the same integrals to the end, (n, 3, 12)
    last_y: _Any
    scale: _Real  # D nu/h: j = scale * i

    def stages(self, w: _Any, i: _Any, p: _Any, q: _Any) -> tuple[_Any, _Any]:
        """Return w and i at the stages, from those at the start and the sources."""
        fed = np.tile(w, (1, 4, 1)) + _times(_INTEGRALS, p)
        inside = _times(self.inverse, np.tile(i, (1, 4, 1)) + _times(_INTEGRALS, q) - _times(self.x, fed))
        return fed - _times(self.y, inside), inside

    def end(self, w: _Any, i: _Any, p: _Any, q: _Any) -> tuple[_Any, _Any]:
        """Return (w, i) at the end ``(n, 6, k)``, and w at the stages."""
        values, inside = self.stages(w, i, p, q)
        last = w + _times(_TOTAL, p) - _times(self.last_y, inside), i + _times(_TOTAL, q) - _times(self.last_x, values)
        return np.concatenate(np.broadcast_arrays(*last), axis=1), values


def _times(matrix: _Any, columns: _Any) -> Any:
    """Return matrices ``(n, a, b)``, or one that stands for all, times columns ``(n, b, k)``."""
    if len(matrix) == 1 < len(columns):  # one product of two matrices is faster than n small ones
        rows = columns.swapaxes(1, 2)
        product = rows.reshape(-1, rows.shape[2]) @ matrix[0].T
        return product.reshape(*rows.shape[:2], -1).swapaxes(1, 2)
    return np.asarray(matrix @ columns)


def make_cells(layer: Layer, precession: _Real, length: _Real, shift: complex = 0.0) -> Cells:
    """Return the cells of given lengths ``(n,)`` that have H ``(n, 4, 3)`` at their stages."""
    medium = layer.medium
    tau, lost = medium.momentum_time, 1 / medium.spin_relaxation_time
    cross, one = cross_matrix(precession), np.eye(3)
    flight = (1 + tau * shift) * one + tau * cross
    loss = (length**2 / medium.diffusivity)[:, None, None, None] * ((lost + shift) * one + cross)

    def integrated(weights: _Real, slope: _Any) -> _Any:
        return np.asarray(np.einsum("cd,ndij->ncidj", weights, slope).reshape(len(slope), -1, 12))

    x, y = integrated(MATRIX, loss), integrated(MATRIX, flight)
    inverse = np.linalg.inv(np.eye(12) - x @ y)
    last = integrated(WEIGHTS[None], loss), integrated(WEIGHTS[None], flight)
    return Cells(x, y, inverse, *last, medium.diffusivity * medium.density_of_states / length)


def local_sources(layer: Layer, at: Local, length: _Real) -> tuple[_Real, _Real]:
    """Return p and q ``(n, 12, 1)`` of what feeds a layer."""
    medium = layer.medium
    scale = (length / (medium.diffusivity * medium.density_of_states))[:, None, None]
    feed = at.source + (at.equilibrium - at.rest) / medium.spin_relaxation_time
    p, q = layer.drift * at.magnetization * scale, feed * scale * length[:, None, None]
    return p.reshape(-1, 12, 1), q.reshape(-1, 12, 1)
