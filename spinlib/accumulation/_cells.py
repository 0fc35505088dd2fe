"""One step through a layer by collocation at four Gauss points (order 8), for steady and for complex decay rates.

In a cell of length h the unknowns are w and j h/(D nu), functions of xi = (x - x_0)/h, so nothing has a unit:

dw/dxi = -(1 + tau s + tau H x) i + p,    di/dxi = -(h^2/D)(1/tau_sf + s + H x) w + q.

s is 0 in the steady state and a complex rate within a step in time.
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


_STARTS: Final = np.tile(np.eye(6), (4, 1))  # stage values of a constant
_SPREAD: Final = np.kron(MATRIX, np.eye(6))
_SUM: Final = np.kron(WEIGHTS, np.eye(6))


@dataclass(frozen=True)
class Cells:
    """n cells, or one that stands for all: the end and the stages as functions of the start and of the sources.

    (w, i) at the end is ``step`` times (w, i) at the start plus ``gather`` times the 24 sources (p, q) of the stages;
    the stages are ``starts`` times the start plus ``spread`` times the sources.
    """

    step: _Any
    gather: _Any
    starts: _Any
    spread: _Any
    scale: _Real  # D nu/h: j = scale * i


def make_cells(layer: Layer, precession: _Real, length: _Real, shift: complex = 0.0) -> Cells:
    """Return the cells of given lengths ``(n,)`` that have H ``(n, 4, 3)`` at their stages."""
    medium = layer.medium
    tau, lost = medium.momentum_time, 1 / medium.spin_relaxation_time
    cross = cross_matrix(precession)
    kind = np.result_type(float, type(shift))
    count = max(len(length), len(precession))
    slope = np.zeros((count, 4, 6, 6), dtype=kind)  # of (w, i), at each stage
    slope[..., :3, 3:] = -((1 + tau * shift) * np.eye(3) + tau * cross)
    area = (length**2 / medium.diffusivity)[:, None, None, None]
    slope[..., 3:, :3] = -area * ((lost + shift) * np.eye(3) + cross)
    coupled = np.einsum("cd,ndij->ncidj", MATRIX, slope).reshape(-1, 24, 24)
    solver = np.linalg.inv(np.eye(24) - coupled)
    starts, spread = solver @ _STARTS, solver @ _SPREAD
    gathered = np.einsum("c,ncij->nicj", WEIGHTS, slope).reshape(-1, 6, 24)
    step = np.eye(6) + gathered @ starts
    return Cells(step, gathered @ spread + _SUM, starts, spread, medium.diffusivity * medium.density_of_states / length)


def local_sources(layer: Layer, at: Local, length: _Real) -> _Real:
    """Return (p, q) ``(n, 4, 6)`` of what feeds a layer."""
    medium = layer.medium
    scale = length / (medium.diffusivity * medium.density_of_states)
    feed = at.source + (at.equilibrium - at.rest) / medium.spin_relaxation_time
    drive, feed = np.broadcast_arrays(layer.drift * at.magnetization, feed)
    return np.concatenate([drive * scale[:, None, None], feed * (scale * length)[:, None, None]], axis=-1)
