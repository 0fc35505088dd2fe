"""Steady spin accumulation in layers (RHP 71, 75; names from :mod:`spinlib.accumulation`)."""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import number, positive
from spinlib.accumulation._cells import local_sources, make_cells
from spinlib.accumulation._chain import Chain, make_end
from spinlib.accumulation._checks import refuse_endless, warn_of_flight
from spinlib.accumulation._collect import Values, collect
from spinlib.accumulation._local import local
from spinlib.accumulation._mesh import MOST, difference, divide, first_counts, places
from spinlib.accumulation.result import SpinAccumulation
from spinlib.accumulation.structure import SpinStructure

__all__ = ["solve_accumulation"]

_Real = NDArray[np.float64]

_ANGLE: Final = 0.6  # |k| h of the first mesh
_CHUNK: Final = 1024


def solve_accumulation(
    structure: SpinStructure, *, rtol: float = 1e-8, max_step: float | None = None
) -> SpinAccumulation:
    """Return the steady spin accumulation of a structure (RHP 71, 75; with the force of the exchange field).

    j + tau H x j = -D nu dw/dx + drift M and dj/dx = -nu w/tau_sf - H x nu w + source, with w = (m - m_eq)/nu and j
    continuous. (Without ``exchange_force`` w = m/nu, and m_eq/tau_sf joins the sources.) Collocation of order 8 on
    cells that start at |k| h = 0.6 and are halved until two solutions agree. The cost grows as the number of cells;
    about 5e4 of them a second.

    Args:
        structure: layers and ends.
        rtol: largest difference of two solutions, in w and in j, that is accepted [1].
        max_step: longest cell [m]. A texture finer than 1/40 of its layer needs one.

    Returns:
        m, j and the torque on nodes that resolve every wave, and ``at`` for anywhere else.

    Raises:
        ValueError: ``rtol`` or ``max_step`` not above 0; a spin that nothing relaxes and no end fixes, so that there is
            no steady state, or no single one; waves that need more than 2e5 cells.

    Warns:
        UserWarning: a layer thinner than its mean free path, a medium in which the Boltzmann equation has no wave, or
            ``rtol`` not reached.

    >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer
    >>> metal = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=1e-13)
    >>> end = Boundary.spin_accumulation((0.0, 0.0, 1.0))
    >>> m, j = solve_accumulation(SpinStructure([Layer(metal, 1e-6)], left=end)).at(1e-8)
    >>> m.round(9).tolist()
    [0.0, 0.0, 0.367879441]
    """
    tolerance = number("rtol", rtol, positive)
    longest = np.inf if max_step is None else number("max_step", max_step, positive)
    warn_of_flight(structure)
    counts = first_counts(structure, longest, _ANGLE)
    refuse_endless(structure, counts)
    coarse, estimate = _solution(structure, counts), np.inf
    while True:
        finer = [2 * count for count in counts]
        fine = _solution(structure, finer)
        before, estimate = estimate, difference(structure, fine.nodes, fine.nodes[::2] - coarse.nodes)
        if estimate < before:
            coarse, counts = fine, finer
        if estimate <= tolerance:
            break
        if estimate > before / 2 or 2 * sum(counts) > MOST:
            warnings.warn(
                f"rtol = {tolerance:.2g} is not reached, two meshes differ by {estimate:.2g}: pass a larger rtol, "
                "above 1e-10 for rounding, or fields without steps",
                UserWarning,
                stacklevel=2,
            )
            break
    return collect(structure, counts, coarse.nodes, coarse.stages, estimate, _between(structure, counts, coarse.nodes))


@dataclass(frozen=True)
class _Solution:
    """(w, j) at the nodes ``(n + 1, 6)``, w at the stages ``(n, 4, 3)`` of all cells."""

    nodes: _Real
    stages: _Real


def _solution(structure: SpinStructure, counts: list[int]) -> _Solution:
    steps, sources, scales, insides = [], [], [], []
    for layer, count in zip(structure.layers, counts, strict=True):
        starts, length = divide(layer, count)
        for cut in range(0, count, _CHUNK):
            rows = min(_CHUNK, count - cut)
            part = slice(cut, cut + (1 if layer.uniform else rows))
            at = local(structure, layer, places(starts[part], length[part]))
            cells = make_cells(layer, at.precession, length[part])
            feed = local_sources(layer, at, length[part]).reshape(-1, 24, 1)
            steps.append(np.broadcast_to(cells.step, (rows, 6, 6)))
            sources.append(np.broadcast_to((cells.gather @ feed)[..., 0], (rows, 6)))
            scales.append(np.broadcast_to(cells.scale, rows))
            insides.append((cells.starts, (cells.spread @ feed)[..., 0]))
    scale = np.concatenate(scales)
    chain = Chain(np.concatenate(steps), scale)
    left, right = make_end(structure, -1), make_end(structure, 1)
    nodes = chain.solve(np.concatenate(sources), left, right, chain.close(left, right))
    start = nodes[:-1].copy()
    start[:, 3:] /= scale[:, None]
    stages = np.empty((len(scale), 4, 3))
    first = 0
    for step, (by_start, by_source) in zip(steps, insides, strict=True):
        last = first + len(step)
        inner = (by_start @ start[first:last, :, None])[..., 0] + by_source
        stages[first:last] = inner.reshape(-1, 4, 6)[..., :3]
        first = last
    return _Solution(nodes, stages)


def _between(structure: SpinStructure, counts: list[int], nodes: _Real) -> Values:
    """Return the function that steps from the nearest node to any place in a layer."""

    def values(index: int, u: _Real) -> _Real:
        layer, first = structure.layers[index], sum(counts[:index])
        width = layer.thickness / counts[index]
        nearest = np.clip(np.round(u / width).astype(int), 0, counts[index])
        length = u - nearest * width
        found = nodes[first + nearest].copy()
        moved = np.flatnonzero(np.abs(length) > 1e-9 * width)
        for cut in range(0, len(moved), _CHUNK):
            part = moved[cut : cut + _CHUNK]
            start, step = nearest[part] * width, length[part]
            at = local(structure, layer, places(start, step))
            cells = make_cells(layer, at.precession, step)
            feed = local_sources(layer, at, step).reshape(-1, 24, 1)
            begin = found[part]
            begin[:, 3:] /= cells.scale[:, None]
            after = (cells.step @ begin[..., None] + cells.gather @ feed)[..., 0]
            after[:, 3:] *= cells.scale[:, None]
            found[part] = after
        return np.asarray(found)

    return values
