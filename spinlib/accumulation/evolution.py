"""Spin accumulation in time (RHP 66; names from :mod:`spinlib.accumulation`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import number, positive, real, require, shaped
from spinlib.accumulation._cells import Cells, local_sources, make_cells
from spinlib.accumulation._chain import Chain, make_end
from spinlib.accumulation._checks import refuse_other, warn_of_flight, warn_of_jumps
from spinlib.accumulation._collect import Values, collect
from spinlib.accumulation._field import evaluate
from spinlib.accumulation._local import local
from spinlib.accumulation._mesh import POINTS, difference, divide, fastest, first_mesh, places, resolved
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
_MOST: Final = 1e9  # steps times cells
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
            :class:`SpinAccumulation` with the same edges, whose last time and current are taken.
        times: when [s], increasing, >= 0, ``(times,)``. The mesh resolves what spreads within the shortest interval
            between them, so a first time of fs and a last one of ns are best asked for in two calls, the second from
            the result of the first.
        initial_spin_current: j at t = 0, likewise; 0 if not given. Where tau = 0 it is not used.
        max_step: longest cell [m].
        time_step: longest step [s]. The default keeps the error of precession at a few 1e-4 of the largest m.

    Returns:
        m, j and torque with a leading time axis. ``error_estimate`` compares with twice the time step,
        on the same cells. At t = 0 the current is the initial one.

    Raises:
        ValueError: an ``open`` end (its impedance has a memory), times that do not increase or are negative, steps not
            above 0, an initial value of a wrong shape, more steps times cells than 1e9.

    Warns:
        UserWarning: a layer thinner than its mean free path, a medium in which the Boltzmann equation has no wave, or a
            field that jumps within a layer.

    >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer
    >>> metal = DiffusiveMedium(diffusivity=1e-3, spin_relaxation_time=1e-12)
    >>> closed = Boundary.spin_current((0.0, 0.0, 0.0))
    >>> result = evolve_accumulation(SpinStructure([Layer(metal, 1e-8)], closed, closed), (0, 0, 1), [1e-12])
    >>> result.spin_accumulation[-1, 0].round(6).tolist()
    [0.0, 0.0, 0.367879]
    """
    refuse_other(structure)
    t = np.atleast_1d(real("times", times, "pass times in s"))
    if t.ndim != 1 or not t.size:
        raise ValueError(f"times has shape {t.shape}: pass an array of shape (times,)")
    require("times", t, t >= 0, "is negative", "pass times >= 0 in s")
    require("times", t, np.diff(t, prepend=-1.0) > 0, "does not increase", "pass increasing times in s")
    for side in ("left", "right"):
        end = getattr(structure, side)
        if end is not None and end.kind == "open":
            raise ValueError(f"{side} = Boundary.open() has a memory: pass a long layer with another end instead")
    longest = np.inf if max_step is None else number("max_step", max_step, positive)
    step = _default_step(structure, t[-1]) if time_step is None else number("time_step", time_step, positive)
    warn_of_flight(structure)
    plan = _plan(t, step)
    shortest = min((width for width, _ in plan if width), default=step)
    mesh, rough = _mesh(structure, longest, shortest)
    work = sum(count for _, count in plan) * sum(len(nodes) - 1 for nodes in mesh)
    remedy = f"pass a longer first time, a longer time_step or max_step, or fewer times, for {_MOST:.0e} at most"
    require("steps times cells", work, work <= _MOST, "takes hours", remedy)
    warn_of_jumps(rough)
    first = _initial(structure, initial, initial_spin_current)
    start = _sample(mesh, first)
    coarse = _run(structure, mesh, start, [(2 * width, count // 2) for width, count in plan])
    fine = _run(structure, mesh, start, plan)
    estimate = difference(structure, np.concatenate([start.nodes[None], fine.nodes]), fine.nodes - coarse.nodes)
    inside = _between(mesh, fine, None if t[0] else first)
    return collect(structure, mesh, fine.stages[..., :3], estimate, inside, t)


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


def _mesh(structure: SpinStructure, longest: float, step: float) -> tuple[list[_Real], list[_Real]]:
    """Return the first mesh: it resolves the waves, and what spreads within a step."""
    moving = min(longest, *(resolved(structure, layer, 2.0, _RATE / step) for layer in structure.layers))
    return first_mesh(structure, moving, 0.6)


@dataclass(frozen=True)
class _State:
    """(w, j) at the nodes ``(..., n + 1, 6)`` and at the stages ``(..., n, 4, 6)``."""

    nodes: _Real
    stages: _Real


def _sample(mesh: list[_Real], function: Values) -> _State:
    """Return the state whose (w, j) in layer number i at distances u from its left face are ``function(i, u)``."""
    nodes, stages = [], []
    for index, each in enumerate(mesh):
        at = places(*divide(each))
        nodes.append(function(index, each if index == len(mesh) - 1 else each[:-1]))
        stages.append(function(index, at.ravel()).reshape(*at.shape, 6))
    return _State(np.concatenate(nodes), np.concatenate(stages))


def _initial(structure: SpinStructure, initial: _Vectors | SpinAccumulation, current: _Vectors | None) -> Values:
    """Return (w, j) at t = 0 as a function of the layer and of the place in it."""
    edges = structure.edges
    if isinstance(initial, SpinAccumulation) and not np.array_equal(initial.edges, edges):
        raise ValueError("initial has other layers than structure: pass a result with the same edges, or a function")

    def field(name: str, value: _Vectors, x: _Real) -> _Real:
        if callable(value):
            return evaluate(name, value, x, "x")
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

    return values


class _Stage:
    """One pole of Radau's method at one time step: a steady problem with the decay rates raised by s = z/dt."""

    def __init__(self, structure: SpinStructure, mesh: list[_Real], shift: complex) -> None:
        self.parts: list[tuple[slice, Cells]] = []
        steps, scales, first = [], [], 0
        nothing = np.zeros((1, 12, 6))
        for layer, nodes in zip(structure.layers, mesh, strict=True):
            start, length = divide(nodes)
            kept = slice(1 if layer.uniform else None)
            at = local(structure, layer, places(start[kept], length[kept]))
            cells = make_cells(layer, at.precession, length[kept], shift)
            self.parts.append((slice(first, first + len(start)), cells))
            step = cells.end(np.eye(6)[None, :3], np.eye(6)[None, 3:], nothing, nothing)[0]
            steps.append(np.broadcast_to(step, (len(start), 6, 6)))
            scales.append(np.broadcast_to(cells.scale, len(start)))
            first += len(start)
        self.scale = np.concatenate(scales)[:, None]
        self.chain = Chain(np.concatenate(steps), self.scale[:, 0])
        self.ends = make_end(structure, -1), make_end(structure, 1)
        self.closed = self.chain.close(*self.ends)

    def solve(self, p: _Any, q: _Any, share: complex) -> tuple[_Any, _Any]:
        """Return nodes and stages for the sources ``(n, 12, 1)`` and a share of what the ends are given."""
        nothing = np.zeros((1, 3, 1))
        gathered = [cells.end(nothing, nothing, p[part], q[part])[0][..., 0] for part, cells in self.parts]
        nodes = self.chain.solve(np.concatenate(gathered), *self.ends, self.closed, share)
        w, i = nodes[:-1, :3, None], (nodes[:-1, 3:] / self.scale)[..., None]
        inner = [cells.stages(w[part], i[part], p[part], q[part]) for part, cells in self.parts]
        values, currents = (np.concatenate(part).reshape(-1, 4, 3) for part in zip(*inner, strict=True))
        return nodes, np.concatenate([values, currents * self.scale[..., None]], axis=2)


def _run(structure: SpinStructure, mesh: list[_Real], start: _State, plan: list[tuple[float, int]]) -> _State:
    """Return the states at the ends of all intervals, with a leading time axis."""
    p, q, of_current, of_value = _sources(structure, mesh)
    nodes, stages = start.nodes, start.stages
    kept: list[tuple[_Real, _Real]] = []
    step = 0.0
    solvers: list[tuple[complex, complex, _Stage]] = []
    for width, count in plan:
        if count and abs(width - step) > 1e-12 * step:
            step = width
            solvers = [(z, c, _Stage(structure, mesh, z / step)) for z, c in _POLES]
        for _ in range(count):
            past_p = of_current / step * stages[..., 3:].reshape(-1, 12, 1)
            past_q = of_value / step * stages[..., :3].reshape(-1, 12, 1)
            new_nodes, new_stages = np.zeros_like(nodes), np.zeros_like(stages)
            for z, c, stage in solvers:
                some, inner = stage.solve(past_p + p / z, past_q + q / z, 1 / z)
                new_nodes += (c * some).real
                new_stages += (c * inner).real
            nodes, stages = new_nodes, new_stages
        kept.append((nodes, stages))
    return _State(np.stack([each for each, _ in kept]), np.stack([each for _, each in kept]))


def _sources(structure: SpinStructure, mesh: list[_Real]) -> tuple[_Real, ...]:
    """Return the constant sources ``(n, 12, 1)`` and the factors ``(n, 1, 1)`` of j/dt and w/dt among them."""
    parts = []
    for layer, nodes in zip(structure.layers, mesh, strict=True):
        medium = layer.medium
        start, length = divide(nodes)
        fed = local_sources(layer, local(structure, layer, places(start, length)), length)
        of_current = medium.momentum_time * length / (medium.diffusivity * medium.density_of_states)
        parts.append((*fed, of_current[:, None, None], (length**2 / medium.diffusivity)[:, None, None]))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _between(mesh: list[_Real], states: _State, first: Values | None) -> Values:
    """Return the function that interpolates by the polynomials through both nodes and the stages of a cell.

    ``first`` is the state at the first time, if that is 0: it may jump where w does not later.
    """
    points = np.array([0.0, *POINTS, 1.0])
    weights = 1 / np.prod(points[:, None] - points + np.eye(6), axis=1)
    starts = np.cumsum([0, *(len(nodes) - 1 for nodes in mesh)])

    def inside(index: int, u: _Real) -> _Real:
        nodes = mesh[index]
        cell = np.clip(np.searchsorted(nodes, u, side="right") - 1, 0, len(nodes) - 2)
        off = ((u - nodes[cell]) / np.diff(nodes)[cell])[:, None] - points
        on = np.abs(off) < 1e-12
        share = np.where(on.any(axis=1)[:, None], on, weights / np.where(on, 1.0, off))
        share /= share.sum(axis=1, keepdims=True)
        cell = cell + starts[index]
        around = np.concatenate(
            [states.nodes[:, cell, None], states.stages[:, cell], states.nodes[:, cell + 1, None]], axis=2
        )
        found = np.asarray(np.einsum("kp,tkpi->tki", share, around))
        if first is not None:
            found[0] = first(index, u)
        return found

    return inside
