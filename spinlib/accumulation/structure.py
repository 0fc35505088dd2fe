"""Layers, ends and structures in which spins accumulate (RHP 74, 75; names from :mod:`spinlib.accumulation`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import number, positive, require, shaped
from spinlib.accumulation._field import evaluate
from spinlib.accumulation.medium import DiffusiveMedium

__all__ = ["Boundary", "Layer", "SpinStructure"]

_Real = NDArray[np.float64]
_Field = ArrayLike | Callable[[_Real], ArrayLike]


@dataclass(frozen=True)
class Layer:
    """A slab of one medium, its local spins, and what feeds spins into it.

    A field is one 3-vector, or a function u ``(n,)`` -> ``(n, 3)`` of the distance from the left face of the layer [m].

    Args:
        medium: metal.
        thickness: [m], > 0.
        magnetization: M, direction of the local *spins* times their share of saturation, |M| <= 1.
        equilibrium: m_eq. None: H/|omega|, which is M without a Larmor field and -M for a negative splitting, and 0 in
            a medium without one. A number p: p H/omega (p M without a splitting). Or a function like the other fields.
        drift: spin current along M that an electric field drives along x [unit of m times m/s]: spins of M flow to
            +x where it is positive. P J/2e for an electron flow J [A/m^2] of polarization P, in hbar/(m^2 s).
        source: rate at which spins are created [unit of m per second], a field; -d(m_eq)/dt in a magnet that moves.

    Raises:
        ValueError: a thickness not above 0, a field of a wrong shape, |M| > 1 at a face; inside, the solvers refuse it.

    >>> Layer(DiffusiveMedium(1e-3, 1e-12), thickness=5e-9).drift
    0.0
    """

    medium: DiffusiveMedium
    thickness: float
    magnetization: _Field = (0.0, 0.0, 1.0)
    equilibrium: float | Callable[[_Real], ArrayLike] | None = None
    drift: float = 0.0
    source: _Field = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not isinstance(self.medium, DiffusiveMedium):
            raise ValueError(f"medium = {self.medium!r} is no medium: pass a DiffusiveMedium")
        object.__setattr__(self, "thickness", number("thickness", self.thickness, positive))
        object.__setattr__(self, "drift", number("drift", self.drift))
        for name in ("magnetization", "source"):
            if not callable(getattr(self, name)):
                value = shaped(name, getattr(self, name), (3,), "pass one 3-vector or a function u (n,) -> (n, 3)")
                value.setflags(write=False)
                object.__setattr__(self, name, value)
        if self.equilibrium is not None and not callable(self.equilibrium):
            object.__setattr__(self, "equilibrium", number("equilibrium", self.equilibrium))
        evaluate("magnetization", self.magnetization, np.array([0.0, self.thickness]))

    @property
    def uniform(self) -> bool:
        """Whether nothing in the layer depends on the place.

        >>> Layer(DiffusiveMedium(1e-3, 1e-12), thickness=5e-9).uniform
        True
        """
        return not (callable(self.magnetization) or callable(self.equilibrium) or callable(self.source))


@dataclass(frozen=True)
class Boundary:
    """What one end of a structure does to spins; made by its class methods.

    With w = (m - m_eq)/nu for what is continuous between metals; w = m/nu in a structure without ``exchange_force``.

    >>> Boundary.spin_current((0.0, 0.0, 1.0)).vector.tolist()
    [0.0, 0.0, 1.0]
    """

    kind: Literal["spin_accumulation", "spin_current", "contact", "open", "periodic"]
    vector: _Real | None = None
    matrix: _Real | None = None

    def __post_init__(self) -> None:
        given = {"spin_accumulation": 1, "spin_current": 1, "contact": 3, "open": 0, "periodic": 2}
        parts = (self.vector is not None) + 2 * (self.matrix is not None)
        if given.get(self.kind) != parts:
            raise ValueError(f"Boundary({self.kind!r}, ...) is no end: make it by Boundary.spin_current(...) and so on")
        for name, value, shape in (("vector", self.vector, (3,)), ("matrix", self.matrix, (3, 3))):
            if value is not None:
                array = shaped(name, value, shape)
                array.setflags(write=False)
                object.__setattr__(self, name, array)

    @classmethod
    def spin_accumulation(cls, vector: ArrayLike) -> Boundary:
        """Fix m itself, not m/nu [unit of m].

        >>> Boundary.spin_accumulation((0.0, 0.0, 1.0)).kind
        'spin_accumulation'
        """
        return cls("spin_accumulation", shaped("vector", vector, (3,)))

    @classmethod
    def spin_current(cls, vector: ArrayLike) -> Boundary:
        """Fix j along +x, at either end [unit of m times m/s].

        >>> Boundary.spin_current((0.0, 0.0, 1.0)).kind
        'spin_current'
        """
        return cls("spin_current", shaped("vector", vector, (3,)))

    @classmethod
    def contact(cls, conductance: ArrayLike, spin_accumulation: ArrayLike = (0.0, 0.0, 0.0)) -> Boundary:
        """Join a reservoir: the current that leaves is G (w - w_ext).

        Args:
            conductance: G ``(3, 3)`` [m/s times the unit of nu], with a positive definite symmetric part.
            spin_accumulation: w_ext of the reservoir [unit of m/nu].

        Raises:
            ValueError: a wrong shape, or a symmetric part that is not positive definite.

        >>> Boundary.contact([[1, 0, 0], [0, 2, 0], [0, 0, 2]]).kind
        'contact'
        """
        matrix = shaped("conductance", conductance, (3, 3))
        lowest = np.linalg.eigvalsh((matrix + matrix.T) / 2)[0]
        remedy = "pass G whose symmetric part is positive definite: a contact creates no free energy"
        require("lowest eigenvalue of the symmetric part of conductance", lowest, lowest > 0, "is not positive", remedy)
        return cls("contact", shaped("spin_accumulation", spin_accumulation, (3,)), matrix)

    @classmethod
    def open(cls) -> Boundary:
        """Continue the outer layer without end, with its M, m_eq and sources at this end.

        >>> Boundary.open().kind
        'open'
        """
        return cls("open")

    @classmethod
    def periodic(cls, rotation: ArrayLike | None = None) -> Boundary:
        """Close a ring: w and j at the end are those at the start, turned by ``rotation`` ``(3, 3)``. For both ends.

        >>> Boundary.periodic().kind
        'periodic'
        """
        matrix = np.eye(3) if rotation is None else shaped("rotation", rotation, (3, 3))
        off = max(float(np.abs(matrix @ matrix.T - np.eye(3)).max()), abs(float(np.linalg.det(matrix)) - 1))
        require("rotation R, largest |R R^T - 1| or |det R - 1|", off, off <= 1e-9, "is not 0", "pass a rotation")
        return cls("periodic", None, matrix)


@dataclass(frozen=True)
class SpinStructure:
    """A boundary-value problem of spin accumulation: layers from left to right, and what its ends do (RHP 71, 75).

    Args:
        layers: at least one.
        left: end at ``x = origin``; None keeps m = m_eq there.
        right: the other end.
        larmor_frequency: omega_B [rad/s], -g mu_B B/hbar of a magnetic field B, in every layer.
        origin: x of the left end [m].
        exchange_force: whether the gradient of the exchange field pushes the spins, so that d(m - m_eq)/dx drives the
            current. False has dm/dx, which is RHP (71), (75) as printed: a texture at rest then accumulates spins, and
            m/nu is continuous.

    Raises:
        ValueError: no layers, only one periodic end, two periodic ends with different rotations.

    >>> metal = DiffusiveMedium(1e-3, 1e-12)
    >>> SpinStructure([Layer(metal, 2e-9), Layer(metal, 1e-9)], origin=-2e-9).edges.round(12).tolist()
    [-2e-09, 0.0, 1e-09]
    """

    layers: Sequence[Layer]
    left: Boundary | None = None
    right: Boundary | None = None
    larmor_frequency: ArrayLike = (0.0, 0.0, 0.0)
    origin: float = 0.0
    exchange_force: bool = True

    def __post_init__(self) -> None:
        given = (self.layers,) if isinstance(self.layers, Layer) else self.layers
        layers = tuple(given) if isinstance(given, Iterable) else ()
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"layers = {self.layers!r} is no stack: pass one Layer or more, from left to right")
        for name in ("left", "right"):
            end = getattr(self, name)
            if end is not None and not isinstance(end, Boundary):
                raise ValueError(f"{name} = {end!r} is no end: pass None or Boundary.spin_current(...) and so on")
        ends = [end for end in (self.left, self.right) if end is not None and end.kind == "periodic"]
        if len(ends) == 1:
            raise ValueError("only one end is periodic: pass Boundary.periodic() for left and right")
        if ends and not np.array_equal(np.asarray(ends[0].matrix), np.asarray(ends[1].matrix)):
            raise ValueError("the periodic ends have two rotations: pass the same Boundary for left and right")
        if not isinstance(self.exchange_force, bool | np.bool_):
            raise ValueError(f"exchange_force = {self.exchange_force!r} is no choice: pass True or False")
        field = shaped("larmor_frequency", self.larmor_frequency, (3,), "pass one 3-vector in rad/s")
        field.setflags(write=False)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "larmor_frequency", field)
        object.__setattr__(self, "origin", number("origin", self.origin))

    @property
    def edges(self) -> _Real:
        """Faces of the layers [m], ``(layers + 1,)``.

        >>> SpinStructure([Layer(DiffusiveMedium(1e-3, 1e-12), 2e-9)]).edges.tolist()
        [0.0, 2e-09]
        """
        return np.asarray(self.origin + np.concatenate([[0.0], np.cumsum([layer.thickness for layer in self.layers])]))
