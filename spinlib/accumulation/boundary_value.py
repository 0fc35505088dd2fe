"""Steady spin accumulation in layers (RHP 71, 75; names from :mod:`spinlib.accumulation`)."""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import number, positive
from spinlib.accumulation._cells import local_sources, make_cells
from spinlib.accumulation._chain import Chain, make_end
from spinlib.accumulation._checks import refuse_endless, refuse_other, warn_of_flight, warn_of_jumps
from spinlib.accumulation._collect import Values, collect
from spinlib.accumulation._local import local
from spinlib.accumulation._mesh import MOST, difference, divide, first_mesh, halved, places
from spinlib.accumulation.result import SpinAccumulation
from spinlib.accumulation.structure import SpinStructure

__all__ = ["solve_accumulation"]

_Real = NDArray[np.float64]

_ANGLE: Final = 0.6  # |k| h of the first mesh
_CHUNK: Final = 1024
_UNITS: Final = np.eye(6, 7)


def solve_accumulation(
    structure: SpinStructure, *, rtol: float = 1e-8, max_step: float | None = None
) -> SpinAccumulation:
    """Return the steady spin accumulation of a structure (RHP 71, 75; with the force of the exchange field).

    j + tau H x j = -D nu dw/dx + drift M and dj/dx = -nu w/tau_sf - H x nu w + source, with w = (m - m_eq)/nu and j
    continuous. (Without ``exchange_force`` w = m/nu, and m_eq/tau_sf joins the sources.) Collocation of order 8 on
    cells that start at |k| h = 0.6, shorter where M varies, and are halved until two solutions agree. The cost grows as
    the number of cells; about 1e5 of them a second.

    Args:
        structure: layers and ends.
        rtol: largest difference of two solutions, in w and in j, that is accepted [1].
        max_step: longest cell [m]. A texture finer than 1/40 of its layer may be missed without one.

    Returns:
        m, j and the torque on nodes that resolve every wave, and ``at`` for anywhere else.

    Raises:
        ValueError: ``rtol`` or ``max_step`` not above 0; a spin that nothing relaxes and no end fixes, so that there is
            no steady state, or no single one, or that relaxes so slowly that rounding hides it; waves that need more
            than 2e5 cells.

    Warns:
        UserWarning: a layer thinner than its mean free path, a medium in which the Boltzmann equation has no wave,
            ``rtol`` not reached, or a field that jumps within a layer.

    >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer
    >>> metal = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=1e-13)
    >>> end = Boundary.spin_accumulation((0.0, 0.0, 1.0))
    >>> m, j = solve_accumulation(SpinStructure([Layer(metal, 1e-6)], left=end)).at(1e-8)
    >>> m.round(9).tolist()
    [0.0, 0.0, 0.367879441]
    """
    refuse_other(structure)
    tolerance = number("rtol", rtol, positive)
    longest = np.inf if max_step is None else number("max_step", max_step, positive)
    warn_of_flight(structure)
    mesh, rough = first_mesh(structure, longest, _ANGLE)
    refuse_endless(structure, mesh)
    warn_of_jumps(rough)
    best, estimate = _solution(structure, mesh), np.inf
    while True:
        finer = [halved(nodes) for nodes in mesh]
        fine = _solution(structure, finer)
        before, estimate = estimate, difference(structure, fine.nodes, fine.nodes[::2] - best.nodes)
        if estimate < before:
            best, mesh = fine, finer
        if estimate <= tolerance:
            break
        if estimate > before / 2 or 2 * len(best.nodes) > MOST + 2:
            warnings.warn(
                f"rtol = {tolerance:.2g} is not reached, two meshes differ by {estimate:.2g}: pass a larger rtol, "
                "above 1e-10 for rounding",
                UserWarning,
                stacklevel=2,
            )
            break
    return collect(structure, mesh, best.stages(), estimate, _between(structure, mesh, best.nodes))


@dataclass(frozen=True)
class _Solution:
    """(w, j) at the nodes ``(n + 1, 6)``, and what makes w at the stages of these, chunk by chunk."""

    nodes: _Real
    scale: _Real
    inside: list[_Real]

    def stages(self) -> _Real:
        """Return w at the stages of all cells, ``(n, 4, 3)``."""
        start = np.concatenate([self.nodes[:-1], np.ones((len(self.scale), 1))], axis=1)
        start[:, 3:6] /= self.scale[:, None]
        found, first = [], 0
        for values in self.inside:
            last = first + len(values)
            found.append((values @ start[first:last, :, None]).reshape(-1, 4, 3))
            first = last
        return np.concatenate(found)


def _solution(structure: SpinStructure, mesh: list[_Real]) -> _Solution:
    whole, inside, scales = [], [], []
    for layer, nodes in zip(structure.layers, mesh, strict=True):
        starts, lengths = divide(nodes)
        for cut in range(0, len(starts), _CHUNK):
            start, length = starts[cut : cut + _CHUNK], lengths[cut : cut + _CHUNK]
            kept = slice(1 if layer.uniform else None)
            at = local(structure, layer, places(start[kept], length[kept]))
            cells = make_cells(layer, at.precession, length[kept])
            p, q = (
                np.concatenate([np.zeros((len(v), 12, 6)), v], axis=2) for v in local_sources(layer, at, length[kept])
            )
            end, values = cells.end(_UNITS[None, :3], _UNITS[None, 3:], p, q)
            whole.append(np.broadcast_to(end, (len(start), 6, 7)))
            inside.append(np.broadcast_to(values, (len(start), 12, 7)))
            scales.append(np.broadcast_to(cells.scale, len(start)))
    response, scale = np.concatenate(whole), np.concatenate(scales)
    chain = Chain(response[..., :6], scale)
    left, right = make_end(structure, -1), make_end(structure, 1)
    nodes = chain.solve(response[..., 6], left, right, chain.close(left, right))
    return _Solution(nodes, scale, inside)


def _between(structure: SpinStructure, mesh: list[_Real], values: _Real) -> Values:
    """Return the function that steps from the nearest node to any place in a layer."""
    firsts = np.cumsum([0, *(len(nodes) - 1 for nodes in mesh)])

    def inside(index: int, u: _Real) -> _Real:
        layer, nodes = structure.layers[index], mesh[index]
        nearest = np.searchsorted((nodes[:-1] + nodes[1:]) / 2, u)
        length = u - nodes[nearest]
        found = np.array(values[firsts[index] + nearest])
        moved = np.flatnonzero(np.abs(length) > 1e-12 * layer.thickness)
        for cut in range(0, len(moved), _CHUNK):
            part = moved[cut : cut + _CHUNK]
            step = length[part]
            at = local(structure, layer, places(nodes[nearest[part]], step))
            cells = make_cells(layer, at.precession, step)
            w, i = found[part, :3, None], found[part, 3:, None] / cells.scale[:, None, None]
            after = cells.end(w, i, *local_sources(layer, at, step))[0][..., 0]
            after[:, 3:] *= cells.scale[:, None]
            found[part] = after
        return found

    return inside
