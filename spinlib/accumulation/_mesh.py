"""How layers are cut into cells, and where the four Gauss points of a cell, its stages, are."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import require
from spinlib.accumulation._local import local
from spinlib.accumulation.structure import Layer, SpinStructure

__all__ = [
    "MATRIX",
    "MOST",
    "POINTS",
    "WEIGHTS",
    "difference",
    "divide",
    "fastest",
    "first_mesh",
    "halved",
    "places",
    "resolved",
]

_Real = NDArray[np.float64]

MOST: Final = 400_000  # cells of a structure
_LEAST: Final = 40  # cells in a layer that is not uniform
_ENDLESS: Final = 1e15  # cells that are counted at most
_LEVELS: Final = 8  # of halving where a field is rough
_SMOOTH: Final = 1e-3  # share of a field that a cubic may miss


def _gauss(stages: int) -> tuple[_Real, _Real, _Real]:
    """Return points, weights and matrix of the collocation method on [0, 1]."""
    points = (np.polynomial.legendre.leggauss(stages)[0] + 1) / 2
    powers = np.arange(stages)
    inverse = np.linalg.inv(points[:, None] ** powers)
    matrix = points[:, None] ** (powers + 1) / (powers + 1) @ inverse
    return points, 1 / (powers + 1) @ inverse, matrix


_RULE: Final = _gauss(4)
POINTS: Final = _RULE[0]
WEIGHTS: Final = _RULE[1]
MATRIX: Final = _RULE[2]

_CHECKS: Final = np.array([0, *(POINTS / 2), *((1 + POINTS) / 2), 1])  # the stages of both halves, and the faces
_CUBIC: Final = _CHECKS[:, None] ** np.arange(4) @ np.linalg.inv(POINTS[:, None] ** np.arange(4))


def divide(nodes: _Real) -> tuple[_Real, _Real]:
    """Return where the cells between nodes ``(n + 1,)`` start and how long they are, ``(n,)`` each."""
    return nodes[:-1], np.diff(nodes)


def halved(nodes: _Real) -> _Real:
    """Return the nodes with one more in the middle of each cell."""
    return np.sort(np.concatenate([nodes, (nodes[:-1] + nodes[1:]) / 2]))


def places(start: _Real, length: _Real) -> _Real:
    """Return the stages ``(n, 4)`` of cells."""
    return np.asarray(start[:, None] + length[:, None] * POINTS)


def fastest(structure: SpinStructure, layer: Layer) -> float:
    """Return a bound of |H| in a layer [rad/s]."""
    return abs(layer.medium.exchange_frequency) + float(np.linalg.norm(np.asarray(structure.larmor_frequency)))


def resolved(structure: SpinStructure, layer: Layer, angle: float, shift: complex = 0.0) -> float:
    """Return the step h [m] with |k| h = angle, k the largest wave number in the layer."""
    medium, field = layer.medium, fastest(structure, layer)
    flight = abs(1 + medium.momentum_time * shift) + medium.momentum_time * field
    squared = flight * (1 / medium.spin_relaxation_time + abs(shift) + field) / medium.diffusivity
    return float(angle / np.sqrt(squared)) if squared else np.inf


def first_mesh(structure: SpinStructure, longest: float, angle: float) -> tuple[list[_Real], list[_Real]]:
    """Return the nodes that each layer starts with, or refuse more of them than a computer holds.

    No cell is longer than ``longest`` or than |k| h = angle, and a cubic through the stages of a cell meets M, m_eq and
    the source within it, but for those cells of each layer whose middles are returned, too.
    """
    counts = []
    for layer in structure.layers:
        step = min(longest, resolved(structure, layer, angle))
        asked = float(min(np.divide(layer.thickness, step, dtype=np.longdouble), _ENDLESS))
        counts.append(max(2 if layer.uniform else _LEAST, int(np.ceil(asked))))
    problem = "cells are needed to resolve all waves, too many"
    remedy = (
        f"pass thinner layers or a longer max_step or, for an evolution, a longer first time, for {MOST // 2} at most"
    )
    require("structure", sum(counts), 2 * sum(counts) <= MOST, problem, remedy)
    mesh, rough, cells = [], [], sum(counts)
    for count, layer in zip(counts, structure.layers, strict=True):
        nodes = np.linspace(0.0, layer.thickness, count + 1)
        start, length = divide(nodes)
        scales = np.zeros(3)
        for level in range(0 if layer.uniform else _LEVELS + 1):
            chosen, scales = _rough(structure, layer, start, length, scales)
            start, length = start[chosen], length[chosen]
            if not len(start) or level == _LEVELS or 2 * (cells + len(start)) > MOST:
                break
            cells += len(start)
            half = length / 2  # only what is new is looked at again
            nodes = np.sort(np.concatenate([nodes, start + half]))
            start, length = np.concatenate([start, start + half]), np.concatenate([half, half])
        mesh.append(nodes)
        rough.append(np.empty(0) if layer.uniform else np.sort(start + length / 2))
    return mesh, rough


def _rough(
    structure: SpinStructure, layer: Layer, start: _Real, length: _Real, scales: _Real
) -> tuple[NDArray[np.bool_], _Real]:
    """Return in which cells M, m_eq or the source is no cubic, and the largest component of each so far."""
    at = local(structure, layer, start[:, None] + length[:, None] * np.append(POINTS, _CHECKS))
    fields = np.stack([at.magnetization, at.equilibrium, at.source])
    scales = np.maximum(scales, np.abs(fields).max(axis=(1, 2, 3)))
    off = np.abs(fields[:, :, 4:] - _CUBIC @ fields[:, :, :4]).max(axis=(2, 3))
    return (off > _SMOOTH * scales[:, None]).any(axis=0), scales


def difference(structure: SpinStructure, values: _Real, off: _Real) -> float:
    """Return the largest error ``off`` of (w, j) ``(..., 6)``, as a share of the largest w or j among ``values``.

    Neither scale is below 1e-3 of what the other makes, so that the rounding of one that vanishes is no error.
    """
    current, value = 0.0, 0.0  # of a unit of w, at most, and of a unit of j
    for layer in structure.layers:
        medium, thickness = layer.medium, layer.thickness
        conductivity = medium.diffusivity * medium.density_of_states
        current = max(current, conductivity * max(1 / resolved(structure, layer, 1.0), 1 / thickness))
        value = max(value, min(medium.spin_diffusion_length, thickness) / conductivity)
    w, j = float(np.abs(values[..., :3]).max()), float(np.abs(values[..., 3:]).max())
    if not w + j:
        return 0.0
    errors = (
        np.abs(off[..., :3]).max() / max(w, 1e-3 * value * j),
        np.abs(off[..., 3:]).max() / max(j, 1e-3 * current * w),
    )
    return float(max(errors))
