"""What a spin accumulation is, solved (names from :mod:`spinlib.accumulation`)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import real

__all__ = ["SpinAccumulation"]

_Real = NDArray[np.float64]


@dataclass(frozen=True)
class SpinAccumulation:
    """Spin accumulation, its current and its torque in a structure; vectors ``(n, 3)``, or ``(times, n, 3)``.

    Returned by ``solve_accumulation`` and ``evolve_accumulation``, not made by hand.

    Args:
        position: x ``(n,)`` [m]; an interface stands twice, with the limits from its left and right.
        spin_accumulation: m.
        spin_current: j along x [unit of m times m/s].
        magnetization: M.
        equilibrium: m_eq.
        torque: omega M x m [unit of m per second], what the local spins receive from the electrons.
        edges: faces of the layers ``(layers + 1,)`` [m].
        layer_torque: integral of the torque over each layer ``(layers, 3)`` [unit of m times m/s]. With the next two
            and the integral of the source, it is j_in - j_out.
        layer_relaxation: integral of (m - m_eq)/tau_sf.
        layer_field_torque: integral of omega_B x m, what a magnetic field takes.
        error_estimate: largest difference from the solution on half as many cells, of an evolution with twice the time
            step, as a share of the largest component of w, or of j.
        time: None, or ``(times,)`` [s].

    >>> from spinlib.accumulation import DiffusiveMedium, Layer, SpinStructure, solve_accumulation
    >>> result = solve_accumulation(SpinStructure([Layer(DiffusiveMedium(1e-3, 1e-13), 1e-8)]))
    >>> isinstance(result, SpinAccumulation), result.layer_torque.tolist()
    (True, [[0.0, 0.0, 0.0]])
    """

    position: _Real
    spin_accumulation: _Real
    spin_current: _Real
    magnetization: _Real
    equilibrium: _Real
    torque: _Real
    edges: _Real
    layer_torque: _Real
    layer_relaxation: _Real
    layer_field_torque: _Real
    error_estimate: float
    _values: Callable[[int, _Real], tuple[_Real, _Real]] = field(repr=False, compare=False)
    time: _Real | None = None

    @property
    def deviation(self) -> _Real:
        """delta = m - m_eq: what relaxes, diffuses and is conserved by no texture at rest.

        >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer, SpinStructure, solve_accumulation
        >>> end = Boundary.spin_accumulation((0.0, 0.0, 1.0))
        >>> structure = SpinStructure([Layer(DiffusiveMedium(1e-3, 1e-13), 1e-8)], left=end)
        >>> solve_accumulation(structure).deviation[0].tolist()
        [0.0, 0.0, 1.0]
        """
        return np.asarray(self.spin_accumulation - self.equilibrium)

    def at(self, position: ArrayLike) -> tuple[_Real, _Real]:
        """Return m and j anywhere inside, with the accuracy of the nodes.

        Args:
            position: x ``(k,)`` [m], or one number. What lies within 1e-12 of the length of an edge lies on it, and on
                an interface belongs to the layer on the right.

        Returns:
            m and j, ``(k, 3)`` each, ``(times, k, 3)`` of an evolution; without the axis k for one number.

        Raises:
            ValueError: a position outside.

        >>> from spinlib.accumulation import Boundary, DiffusiveMedium, Layer, SpinStructure, solve_accumulation
        >>> left, right = (Boundary.spin_accumulation((0.0, 0.0, m)) for m in (3.0, 1.0))
        >>> structure = SpinStructure([Layer(DiffusiveMedium(2.0, float("inf")), 1.0)], left, right)
        >>> m, j = solve_accumulation(structure).at(0.25)
        >>> m.round(9).tolist(), j.round(9).tolist()
        ([0.0, 0.0, 2.5], [0.0, 0.0, 4.0])
        """
        asked = real("position", position, "pass positions in m")
        x, edges = np.atleast_1d(asked), self.edges
        if x.ndim != 1:
            raise ValueError(f"position has shape {x.shape}: pass one number or an array of shape (k,)")
        nearest = edges[np.argmin(np.abs(x[:, None] - edges), axis=1)]
        x = np.where(np.abs(x - nearest) <= 1e-12 * (edges[-1] - edges[0]), nearest, x)
        for each in x[(x < edges[0]) | (x > edges[-1])][:1]:
            raise ValueError(
                f"position = {each:.10g} is outside the structure: pass {edges[0]:.10g} <= position <= {edges[-1]:.10g}"
            )
        layer = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
        shape = (*self.spin_accumulation.shape[:-2], len(x), 3)
        m, j = np.empty(shape), np.empty(shape)
        for index in np.unique(layer):
            inside = layer == index
            m[..., inside, :], j[..., inside, :] = self._values(int(index), x[inside] - edges[index])
        return (m, j) if asked.ndim else (m[..., 0, :], j[..., 0, :])
