r"""A stack as a user describes it (public through :mod:`spinlib.stack_file`): films, contacts, a current.

It joins two rooms. Resistances, potentials and currents of collinear magnets are those of :mod:`spinlib.diffusion`. At
any angle between two magnets, what lies on one side of the spacer enters as one interface of :mod:`spinlib.circuit`:
seen from the spacer, a part of a stack is a source of spin current and a conductance, J_s = P J + M V_s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, pi
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import instance, not_negative, number, positive, positive_or_inf, real
from spinlib.circuit import InterfaceConductance
from spinlib.diffusion import Interface, Layer, Medium, StackSolution, reverse, solve_stack
from spinlib.materials import Quantity
from spinlib.units import e

__all__ = ["Contact", "Film", "Stack", "Valve"]

_Item = TypeVar("_Item", Layer, Interface)

_COLLINEAR = 1e-9


@dataclass(frozen=True)
class Film:
    """One layer of a :class:`Stack`.

    Args:
        material: as the file names it.
        thickness: d [m], positive, infinite for a lead.
        medium: Valet-Fert parameters, the majority up.
        angle: of the magnetisation, in one plane [rad]; None where nothing is magnetic.
        saturation_magnetization: M_s [A/m], positive, or None.
        alpha: Gilbert damping, >= 0, or None.
        anisotropy_field: of the easy axis [T], >= 0, or None.

    Raises:
        ValueError: a name that is no text, a medium that is none, a quantity out of range or not one finite number.

    >>> Film("Cu", 5e-9, Medium.valet_fert(6e-9)).angle is None
    True
    """

    material: str
    thickness: float
    medium: Medium
    angle: float | None = None
    saturation_magnetization: float | None = None
    alpha: float | None = None
    anisotropy_field: float | None = None

    def __post_init__(self) -> None:
        instance("material", self.material, str, "the name of the material")
        instance("medium", self.medium, Medium, "a Medium, such as Medium.valet_fert(...)")
        object.__setattr__(self, "thickness", positive_or_inf("thickness", self.thickness))
        rules = {"angle": real, "saturation_magnetization": positive, "alpha": not_negative}
        _optional(self, rules | {"anisotropy_field": not_negative})


@dataclass(frozen=True)
class Contact:
    """What lies between two films.

    Args:
        interface: for a magnet that points up, or None if transparent.
        mixing_conductance: Re G_mix [S/m^2] between diffusive metals (Sharvin resistance taken off), positive, or
            None.

    Raises:
        ValueError: an interface that is none, or a mixing conductance that is not one positive number.

    >>> Contact(Interface.valet_fert(5e-16, 0.7)).mixing_conductance is None
    True
    """

    interface: Interface | None = None
    mixing_conductance: float | None = None

    def __post_init__(self) -> None:
        if self.interface is not None:
            instance("interface", self.interface, Interface, "an Interface, such as Interface.valet_fert(...), or None")
        _optional(self, {"mixing_conductance": positive})


@dataclass(frozen=True)
class Valve:
    """The two sides of a spacer for :func:`spinlib.circuit.spin_valve`, per area.

    Args:
        left: interface 1, from the left end of the stack to the middle of the spacer [S/m^2].
        right: interface 2, from there to the right end [S/m^2].
        spin_flip_conductance: of the spacer [S/m^2].
    """

    left: InterfaceConductance
    right: InterfaceConductance
    spin_flip_conductance: float


@dataclass(frozen=True)
class Stack:
    """A stack of films; :func:`read_stack` makes it from a file.

    Args:
        title: what the file calls it, perhaps empty.
        films: from left to right, L >= 1 of them; only the first and the last may be leads.
        contacts: between each film and the next, L - 1.
        current_density: J, conventional, positive from left to right [A/m^2].
        sources: what was taken from the table of :mod:`spinlib.materials`, by place in the file.

    Raises:
        ValueError: no film, something that is no Film or Contact, a number of contacts other than L - 1, a lead inside
            the stack, or a current density that is not one finite number.

    >>> lead, film = Film("Cu", inf, Medium.valet_fert(6e-9, 0.0, 4e-7)), Medium.valet_fert(75e-9, 0.5, 4e-8)
    >>> Stack("", (lead, Film("Co", 3e-9, film, angle=0.0)), (Contact(),), 1.0, {}).magnets
    (1,)
    """

    title: str
    films: tuple[Film, ...]
    contacts: tuple[Contact, ...]
    current_density: float
    sources: Mapping[str, Quantity]

    def __post_init__(self) -> None:
        instance("title", self.title, str, "a text, perhaps empty")
        instance("sources", self.sources, Mapping, "a dictionary, perhaps empty")  # type: ignore[type-abstract]
        for name, kind in (("films", Film), ("contacts", Contact)):
            given = instance(name, getattr(self, name), Sequence, f"a tuple of {kind.__name__} objects")  # type: ignore[type-abstract]
            for index, each in enumerate(given):
                instance(f"{name}[{index}]", each, kind, f"{kind.__name__} objects")
            object.__setattr__(self, name, tuple(given))
        if len(self.contacts) != len(self.films) - 1:
            counts = f"{len(self.contacts)} for {len(self.films)} films"
            raise ValueError(f"contacts: {counts}: pass at least one film, and one contact fewer than films")
        for index, film in enumerate(self.films[1:-1], 1):
            if film.thickness == inf:
                raise ValueError(f"films[{index}] is a lead inside the stack: pass one as the first or the last film")
        object.__setattr__(self, "current_density", number("current_density", self.current_density))

    def __repr__(self) -> str:
        """Show the films, angles of magnets in degrees."""
        shown = []
        for film in self.films:
            turned = "" if film.angle is None else f" at {np.degrees(film.angle):g}°"
            thick = "" if film.thickness == inf else f" {film.thickness * 1e9:g} nm"
            shown.append(f"{film.material}{thick}{turned}")
        return f"<Stack {' | '.join(shown)}; J = {self.current_density:g} A/m^2>"

    @property
    def magnets(self) -> tuple[int, ...]:
        """Numbers of the magnetic films, from 0."""
        return tuple(index for index, film in enumerate(self.films) if film.angle is not None)

    def turned(self, angles: Sequence[float]) -> "Stack":
        """Return the stack with its magnets at other angles.

        Args:
            angles: one for each magnetic film, from left to right [rad].

        Raises:
            ValueError: an angle is not finite, or their number is not that of the magnets.
        """
        found = real("angles", angles, "pass angles in rad")
        if found.shape != (len(self.magnets),):
            raise ValueError(f"angles has shape {found.shape}: pass one for each of {len(self.magnets)} magnetic films")
        new = dict(zip(self.magnets, found.tolist(), strict=True))
        films = (replace(film, angle=new.get(index)) for index, film in enumerate(self.films))
        return replace(self, films=tuple(films))

    def solve(self) -> StackSolution:
        """Return the stationary state; magnets point up, to 0, or down, to 180 degrees (diffusion is collinear).

        Raises:
            ValueError: a magnet points elsewhere, two magnets in contact point apart, or as for
                :func:`spinlib.diffusion.solve_stack`.
        """
        signs = [self._sign(index) for index in range(len(self.films))]
        layers = [_along(Layer(film.medium, film.thickness), s) for film, s in zip(self.films, signs, strict=True)]
        interfaces = []
        for index, contact in enumerate(self.contacts):
            beside = {sign for sign in signs[index : index + 2] if sign}
            if contact.interface is not None and len(beside) > 1:
                raise ValueError(
                    f"layers {index + 1} and {index + 2} are magnets in contact that point apart, so the majority of "
                    "their interface is not defined: pass one angle for both, or a layer between them"
                )
            interfaces.append(None if contact.interface is None else _along(contact.interface, max(beside, default=0)))
        return solve_stack(layers, interfaces, self.current_density)

    def valve(self) -> Valve:
        """Return the two sides of the spacer between two magnets as interfaces of circuit theory.

        Collinear currents are those of :meth:`solve`, with the relaxation of all layers and contacts. The part of a
        spin current across a magnet ends at its interface to the spacer, by the mixing conductance.

        Raises:
            ValueError: the stack has not two magnetic films with one other film between them, or a contact of the
                spacer has no mixing conductance.
        """
        if len(self.magnets) != 2 or self.magnets[1] - self.magnets[0] != 2:
            found = ", ".join(str(index + 1) for index in self.magnets) or "none"
            raise ValueError(
                f"magnetic layers: {found}; circuit theory needs two of them with one other layer between: describe a "
                "valve, or call solve()"
            )
        middle = self.magnets[0] + 1
        spacer = self.films[middle]
        rho = 1 / spacer.medium.total_conductivity
        lengths = spacer.medium.diffusion_lengths
        # A line of transmission as a T: half of it on each side, the leak at the node.
        if lengths.size:
            ratio = spacer.thickness / lengths[0]
            arm, leak = rho * lengths[0] * np.tanh(ratio / 2), np.sinh(ratio) / (rho * lengths[0])
        else:
            arm, leak = rho * spacer.thickness / 2, 0.0
        sides = []
        for films, contacts in (
            (self.films[middle - 1 :: -1], self.contacts[middle - 1 :: -1]),
            (self.films[middle + 1 :], self.contacts[middle:]),
        ):
            mixing = contacts[0].mixing_conductance
            if mixing is None:
                raise ValueError(
                    f"the contact of {spacer.material} with {films[0].material} has no mixing_conductance: state it in "
                    f'[interface."{films[0].material}/{spacer.material}"]'
                )
            polarization, conductance = _seen(films, contacts)
            weight = 1 + arm * conductance
            p, total = polarization / weight, conductance / weight / (1 - (polarization / weight) ** 2)
            across = mixing / (1 + 2 * arm * mixing)
            sides.append(InterfaceConductance(total * (1 + p) / 2, total * (1 - p) / 2, across))
        return Valve(sides[0], sides[1], float(leak))

    def _sign(self, index: int) -> int:
        """Return 1 for a magnet that points up, -1 for down, 0 for no magnet, or refuse its angle."""
        angle = self.films[index].angle
        if angle is None:
            return 0
        half_turns = angle / pi
        if abs(half_turns - round(half_turns)) > _COLLINEAR:
            raise ValueError(
                f"angle of layer {index + 1} ({self.films[index].material}) = {np.degrees(angle):.6g} deg is not "
                "collinear: pass 0 or 180 deg to solve(), or take valve() for any angle"
            )
        return -1 if round(half_turns) % 2 else 1


def _optional(item: Film | Contact, rules: Mapping[str, Callable[[str, ArrayLike], NDArray[np.float64]]]) -> None:
    """Check the fields of an item that are not None, each by its rule."""
    for name, rule in rules.items():
        if getattr(item, name) is not None:
            object.__setattr__(item, name, number(name, getattr(item, name), rule))


def _along(item: _Item, sign: int) -> _Item:
    """Return a layer or contact as described, or that of a reversed magnet."""
    return reverse(item) if sign < 0 else item


def _seen(films: Sequence[Film], contacts: Sequence[Contact]) -> tuple[float, float]:
    """Return P and M of J_s = P J + M (mu_up - mu_down)/2e at the near edge of a part of a stack, all magnets up.

    Two probes before it, of opposite polarization, drive spins into it; what flows and how far it piles up tells both.
    """
    layers = [Layer(film.medium, film.thickness) for film in films]
    interfaces = [contact.interface for contact in contacts]
    magnet = films[0].medium
    length = min(films[0].thickness, *magnet.diffusion_lengths, 1e-7)
    found = []
    for beta in (0.5, -0.5):
        probe = Medium.valet_fert(1 / magnet.total_conductivity, beta, length)
        near = solve_stack([Layer(probe, inf), *layers], interfaces).profile(0.0, side="left")
        found.append((near.current_density[0, 0] - near.current_density[1, 0], near.spin_accumulation[0] / (2 * e)))
    (flow1, volt1), (flow2, volt2) = found
    conductance = (flow1 - flow2) / (volt1 - volt2)
    return float(flow1 - conductance * volt1), float(conductance)
