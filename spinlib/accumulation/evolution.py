"""Spin accumulation in time (RHP 66; names from :mod:`spinlib.accumulation`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import number, positive, real, require, shaped
from spinlib.accumulation._cells import local_sources, make_cells
from spinlib.accumulation._chain import Chain, make_end
from spinlib.accumulation._checks import warn_of_flight
from spinlib.accumulation._collect import Values, collect
from spinlib.accumulation._local import local
from spinlib.accumulation._mesh import POINTS, difference, divide, fastest, first_counts, places
from spinlib.accumulation.result import SpinAccumulation
from spinlib.accumulation.structure import SpinStructure

__all__ = ["evolve_accumulation"]

_Real = NDArray[np.float64]
_Any = NDArray[Any]
_Vectors = ArrayLike | Callable[[_Real], ArrayLike]


def _poles() -> list[tuple[complex, complex]]:
    """Return z and c of R(z) = sum c/(z_i - z) with R = (1 + 2z/5 + z^2/20)/(1 - 3z/5 + 3z^2/20 - z^3/60), Radau IIA.

    Of a pair of complex poles one stands, with twice its c.
    """
    above, below = np.array([1 / 20, 2 / 5, 1]), np.array([-1 / 60, 3 / 20, -3 / 5, 1])
    poles: list[tuple[complex, complex]] = []
    for z in np.roots(below):
        c = -np.polyval(above, z) / np.polyval(np.polyder(below), z)
        if abs(z.imag) < 1e-9:
            poles.append((float(z.real), float(c.real)))
        elif z.imag > 0:
            poles.append((complex(z), 2 * complex(c)))
    return poles


_POLES: Final = _poles()
_RATE: Final = max(abs(z) for z, _ in _POLES)
_AIM: Final = 3e-4  # error of precession that the default time step allows
_FIRST: Final = 16  # fewest steps to the first time
_NEXT: Final = 4  # fewest from one time to the next


def evolve_accumulation(
    structure: SpinStructure,
    initial: _Vectors | SpinAccumulation,
    times: ArrayLike,
    *,
    initial_spin_current: _Vectors | None = None,
    max_step: float | None = None,
    time_step: float | None = None,
) -> SpinAccumulation:
    """Return the spin accumulation as it evolves from an initial one (RHP 66 in two moments; constant sources).

    dm/dt + dj/dx = -(m - m_eq)/tau_sf - H x (m - m_eq) + source and tau dj/dt + j + tau H x j = -D nu dw/dx + drift M:
    the current is a variable of its own where tau > 0, so that free precession diffuses as it should. Radau's method of
    order 5 in time takes three implicit steps of complex rates at once, each a steady problem of
    :func:`solve_accumulation`. It damps what a step cannot resolve. The cost grows as cells times steps.

    Args:
        structure: layers and ends, none of them ``open``.
        initial: m at t = 0: a 3-vector, a function x ``(n,)`` -> ``(n, 3)`` of the position, or a
            :class:`SpinAccumulation` of the same structure, whose last time and current are taken.
        times: when [s], increasing, >= 0, ``(times,)``. The mesh resolves what spreads within the shortest interval
            between them, so a first time of fs and a last one of ns are best asked for in two calls, the second from
            the result of the first.
        initial_spin_current: j at t = 0, likewise; 0 if not given. Where tau = 0 it is not used.
        max_step: longest cell [m].
        time_step: longest step [s]. The default keeps the error of precession at a few 1e-4 of the largest m.

    Returns:
        m, j and torque with a leading time axis. ``error_estimate`` compares with twice the time step.

    Raises:
        ValueError: an ``open`` end (its impedance has a memory), times that do not increase or are negative, steps not
            above 0, an initial value of a wrong shape.

    Warns:
        UserWarning: a layer thinner than its mean free path, or a medium in which the Boltzmann equation has no wave.

    >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer
    >>> metal = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=1e-12)
    >>> closed = Boundary.spin_current((0.0, 0.0, 0.0))
    >>> result = evolve_accumulation(SpinStructure([Layer(metal, 1e-8)], closed, closed), (0, 0, 1), [1e-12])
    >>> result.spin_accumulation[-1, 0].round(6).tolist()
    [0.0, 0.0, 0.367879]
    """
    t = np.atleast_1d(real("times", times, "pass times in s"))
    if t.ndim != 1 or not t.size:
        raise ValueError(f"times has shape {t.shape}: pass an array of shape (times,)")
    require("times", t, t >= 0, "is negative", "pass times >= 0 in s")
    require("times", t[1:], np.diff(t) > 0, "does not increase", "pass increasing times in s")
    for side in ("left", "right"):
        end = getattr(structure, side)
        if end is not None and end.kind == "open":
            raise ValueError(f"{side} = Boundary.open() has a memory: pass a long layer with another end instead")
    longest = np.inf if max_step is None else number("max_step", max_step, positive)
    step = _default_step(structure, t[-1]) if time_step is None else number("time_step", time_step, positive)
    warn_of_flight(structure)
    plan = _plan(t, step)
    shortest = min((width for width, _ in plan if width), default=step)
    counts = _counts(structure, longest, shortest)
    start = _initial(structure, counts, initial, initial_spin_current)
    coarse = _run(structure, counts, start, [(2 * width, count // 2) for width, count in plan])
    fine = _run(structure, counts, start, plan)
    estimate = difference(structure, np.concatenate([start.nodes[None], fine.nodes]), fine.nodes - coarse.nodes)
    return collect(structure, counts, fine.nodes, fine.stages, estimate, _between(structure, counts, fine), t)


def _default_step(structure: SpinStructure, last: float) -> float:
    """Return the step whose error (H dt)^6/7200 a step stays small while the accumulation lasts."""
    step = np.inf
    for layer in structure.layers:
        field = fastest(structure, layer)
        lasting = min(last, layer.medium.spin_relaxation_time)
        if field and lasting:
            step = min(step, min((7200 * _AIM / (field * lasting)) ** 0.2, 1.0) / field)
    return step


def _plan(t: _Real, step: float) -> list[tuple[float, int]]:
    """Return the step and an even number of steps up to each time."""
    plan, before, least = [], 0.0, _FIRST
    for each in t:
        span = each - before
        count = 2 * ceil(max(span / step, least) / 2) if span else 0
        plan.append((span / count if count else 0.0, count))
        before, least = each, (_NEXT if each else _FIRST)
    return plan


def _counts(structure: SpinStructure, longest: float, step: float) -> list[int]:
    """Return the cells of each layer: they resolve the waves, and what spreads within a step."""
    steady = first_counts(structure, longest, 0.6)
    moving = first_counts(structure, longest, 2.0, _RATE / step) if np.isfinite(step) else steady
    return [max(pair) for pair in zip(steady, moving, strict=True)]


@dataclass(frozen=True)
class _State:
    """(w, j) at the nodes ``(..., n + 1, 6)`` and at the stages ``(..., n, 4, 6)``."""

    nodes: _Real
    stages: _Real


def _sample(structure: SpinStructure, counts: list[int], function: Callable[[int, _Real], _Real]) -> _State:
    """Return the state whose (w, j) in layer number i at distances u from its left face are ``function(i, u)``."""
    nodes, stages = [], []
    for index, (layer, count) in enumerate(zip(structure.layers, counts, strict=True)):
        start, length = divide(layer, count)
        nodes.append(function(index, start))
        at = places(start, length)
        stages.append(function(index, at.ravel()).reshape(*at.shape, 6))
    last = len(counts) - 1
    nodes.append(function(last, np.array([structure.layers[-1].thickness])))
    return _State(np.concatenate(nodes), np.concatenate(stages))


def _initial(
    structure: SpinStructure, counts: list[int], initial: _Vectors | SpinAccumulation, current: _Vectors | None
) -> _State:
    edges = structure.edges
    if isinstance(initial, SpinAccumulation) and not np.array_equal(initial.edges, edges):
        raise ValueError("initial has other layers than structure: pass a result with the same edges, or a function")

    def field(name: str, value: _Vectors, x: _Real) -> _Real:
        if callable(value):
            return shaped(f"{name}(x)", value(x), (x.size, 3), "let the function return (n, 3) for x of shape (n,)")
        vector = shaped(name, value, (3,), "pass one 3-vector or a function x (n,) -> (n, 3)")
        return np.broadcast_to(vector, (x.size, 3))

    def values(index: int, u: _Real) -> _Real:
        layer, x = structure.layers[index], edges[index] + u
        if isinstance(initial, SpinAccumulation):
            m, j = initial._values(index, u)
            m, j = (m[-1], j[-1]) if m.ndim == 3 else (m, j)
        else:
            m, j = field("initial", initial, x), np.zeros((x.size, 3))
        if current is not None:
            j = field("initial_spin_current", current, x)
        return np.concatenate([(m - local(structure, layer, u).rest) / layer.medium.density_of_states, j], axis=1)

    return _sample(structure, counts, values)


class _Stage:
    """One pole of Radau's method at one time step: a steady problem with the decay rates raised by s = z/dt."""

    def __init__(self, structure: SpinStructure, counts: list[int], shift: complex) -> None:
        self.parts, steps, scales = [], [], []
        for layer, count in zip(structure.layers, counts, strict=True):
            start, length = divide(layer, count)
            kept = slice(0, 1) if not callable(layer.magnetization) else slice(None)
            at = local(structure, layer, places(start[kept], length[kept]))
            cells = make_cells(layer, at.precession, length[kept], shift)
            self.parts.append((count, cells))
            steps.append(np.broadcast_to(cells.step, (count, 6, 6)))
            scales.append(np.broadcast_to(cells.scale, count))
        self.scale = np.concatenate(scales)
        self.chain = Chain(np.concatenate(steps), self.scale)
        self.ends = make_end(structure, -1), make_end(structure, 1)
        self.closed = self.chain.close(*self.ends)

    def solve(self, sources: _Any, share: complex) -> tuple[_Any, _Any]:
        """Return nodes and stages for the sources ``(n, 24)`` and a share of what the ends are given."""
        gathered, first = [], 0
        for count, cells in self.parts:
            gathered.append(_apply(cells.gather, sources[first : first + count]))
            first += count
        nodes = self.chain.solve(np.concatenate(gathered), *self.ends, self.closed, share)
        start = nodes[:-1].copy()
        start[:, 3:] /= self.scale[:, None]
        stages, first = [], 0
        for count, cells in self.parts:
            part = slice(first, first + count)
            stages.append(_apply(cells.starts, start[part]) + _apply(cells.spread, sources[part]))
            first += count
        inside = np.concatenate(stages).reshape(-1, 4, 6)
        inside[..., 3:] *= self.scale[:, None, None]
        return nodes, inside


def _apply(matrix: _Any, vectors: _Any) -> _Any:
    """Return matrices ``(n, i, j)``, or one that stands for all, times vectors ``(n, j)``."""
    return vectors @ matrix[0].T if len(matrix) == 1 else (matrix @ vectors[..., None])[..., 0]


def _run(structure: SpinStructure, counts: list[int], start: _State, plan: list[tuple[float, int]]) -> _State:
    """Return the states at the ends of all intervals, with a leading time axis."""
    constant, memory = _sources(structure, counts)
    nodes, stages = start.nodes, start.stages
    kept: list[tuple[_Real, _Real]] = []
    step = 0.0
    solvers: list[tuple[complex, complex, _Stage]] = []
    for width, count in plan:
        if count and abs(width - step) > 1e-12 * step:
            step = width
            solvers = [(z, c, _Stage(structure, counts, z / step)) for z, c in _POLES]
        for _ in range(count):
            past = (memory * stages[..., [3, 4, 5, 0, 1, 2]]).reshape(-1, 24) / step
            new_nodes, new_stages = np.zeros_like(nodes), np.zeros_like(stages)
            for z, c, stage in solvers:
                some, inner = stage.solve(past + constant / z, 1 / z)
                new_nodes += (c * some).real
                new_stages += (c * inner).real
            nodes, stages = new_nodes, new_stages
        kept.append((nodes, stages))
    return _State(np.stack([each for each, _ in kept]), np.stack([each for _, each in kept]))


def _sources(structure: SpinStructure, counts: list[int]) -> tuple[_Real, _Real]:
    """Return the constant sources ``(n, 24)`` and the factors ``(n, 1, 6)`` of j/dt and w/dt among them."""
    constant, memory = [], []
    for layer, count in zip(structure.layers, counts, strict=True):
        medium = layer.medium
        start, length = divide(layer, count)
        at = local(structure, layer, places(start, length))
        constant.append(local_sources(layer, at, length).reshape(-1, 24))
        of_current = medium.momentum_time * length / (medium.diffusivity * medium.density_of_states)
        of_value = length**2 / medium.diffusivity
        memory.append(np.repeat(np.stack([of_current, of_value], axis=1), 3, axis=1)[:, None, :])
    return np.concatenate(constant), np.concatenate(memory)


def _between(structure: SpinStructure, counts: list[int], states: _State) -> Values:
    """Return the function that interpolates by the polynomials through both nodes and the stages of a cell."""
    points = np.array([0.0, *POINTS, 1.0])
    weights = 1 / np.prod(points[:, None] - points + np.eye(6), axis=1)

    def values(index: int, u: _Real) -> _Real:
        width, first = structure.layers[index].thickness / counts[index], sum(counts[:index])
        cell = np.clip((u / width).astype(int), 0, counts[index] - 1)
        off = (u / width - cell)[:, None] - points
        on = np.abs(off) < 1e-12
        share = np.where(on.any(axis=1)[:, None], on, weights / np.where(on, 1.0, off))
        share /= share.sum(axis=1, keepdims=True)
        cell = cell + first
        around = np.concatenate(
            [states.nodes[:, cell, None], states.stages[:, cell], states.nodes[:, cell + 1, None]], axis=2
        )
        return np.asarray(np.einsum("kp,tkpi->tki", share, around))

    return values
