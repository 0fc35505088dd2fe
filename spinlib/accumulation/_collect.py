"""From w and j in all cells to what a solver returns."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spinlib.accumulation._local import local
from spinlib.accumulation._mesh import WEIGHTS, divide, places
from spinlib.accumulation.result import SpinAccumulation
from spinlib.accumulation.structure import SpinStructure

__all__ = ["Values", "collect"]

_Real = NDArray[np.float64]


class Values(Protocol):
    """(w, j) ``(..., n, 6)`` in layer number ``index``, at distances u ``(n,)`` from its left face."""

    def __call__(self, index: int, u: _Real, /) -> _Real: ...


def collect(
    structure: SpinStructure,
    mesh: list[_Real],
    stages: _Real,
    estimate: float,
    inside: Values,
    time: _Real | None = None,
) -> SpinAccumulation:
    """Return the result of w at the stages ``(..., n, 4, 3)`` of all cells and of (w, j) anywhere inside the layers."""
    edges, larmor = structure.edges, np.asarray(structure.larmor_frequency)
    still: list[tuple[_Real, _Real, _Real]] = []  # x, M, m_eq
    moving: list[tuple[_Real, _Real, _Real]] = []  # m, j, torque
    sums: list[list[_Real]] = []  # of the torque, of what relaxes, of what a magnetic field takes
    first = 0
    for index, (layer, nodes) in enumerate(zip(structure.layers, mesh, strict=True)):
        medium, last = layer.medium, first + len(nodes) - 1
        start, length = divide(nodes)
        at = local(structure, layer, nodes)
        here = inside(index, nodes)
        m = medium.density_of_states * here[..., :3] + at.rest
        x = np.append(edges[index] + start, edges[index + 1])
        still.append((x, at.magnetization, at.equilibrium))
        moving.append((m, here[..., 3:], medium.exchange_frequency * np.cross(at.magnetization, m)))
        at = local(structure, layer, places(start, length))
        m = medium.density_of_states * stages[..., first:last, :, :] + at.rest
        rates = (
            medium.exchange_frequency * np.cross(at.magnetization, m),
            (m - at.equilibrium) / medium.spin_relaxation_time,
            np.cross(larmor, m),
        )
        sums.append([np.einsum("n,c,...nci->...i", length, WEIGHTS, rate) for rate in rates])
        first = last

    def values(index: int, u: _Real) -> tuple[_Real, _Real]:
        layer, found = structure.layers[index], inside(index, u)
        m = layer.medium.density_of_states * found[..., :3] + local(structure, layer, u).rest
        return m + 0.0, found[..., 3:] + 0.0

    position, magnetization, equilibrium = (np.concatenate(part) + 0.0 for part in zip(*still, strict=True))
    m, j, torque = (np.concatenate(part, axis=-2) + 0.0 for part in zip(*moving, strict=True))
    layer_torque, relaxation, field_torque = (np.stack(part, axis=-2) + 0.0 for part in zip(*sums, strict=True))
    return SpinAccumulation(
        position=position,
        spin_accumulation=m,
        spin_current=j,
        magnetization=magnetization,
        equilibrium=equilibrium,
        torque=torque,
        edges=edges,
        layer_torque=layer_torque,
        layer_relaxation=relaxation,
        layer_field_torque=field_torque,
        error_estimate=estimate,
        _values=values,
        time=time,
    )
