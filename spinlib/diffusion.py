r"""Collinear diffusion of spin and charge through layers of 2 or 4 parallel channels (WD11 sections 3 and 5; WD04).

Conventions. Channels are (up, down) or (s_up, s_down, d_up, d_down), up the majority of a layer that is not reversed.
Current densities J are conventional and positive along +z. The potentials mu_i are those of *positive* carriers, as in
the papers: J_i = -(sigma_i/e) dmu_i/dz, so mu_i is minus the electrochemical potential of the electrons in
:mod:`spinlib.circuit`, and the spin accumulation mu_up - mu_down is a full splitting. The rate from channel i to j is
psi_ij = G_ij (mu_i - mu_j)/e, a charge per volume and time, and dJ_i/dz = -sum_j psi_ij. A conductivity of 0 freezes a
channel.

Position z = 0 is the left edge of the first layer of finite thickness, or the interface of two leads. A lead is an
outer layer of infinite thickness; resistances count from its asymptote continued to its interface. An outer layer of
finite thickness ends on a reservoir, where all channels have one potential.

Valet-Fert parameters: rho_up(down) = 2 rho* (1 -+ beta), r_up(down) = 2 r_b* (1 -+ gamma).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._channels import CHANNELS, Interface, Layer, Medium, reverse
from spinlib._junction import coupled_lengths, normal_ferromagnet_junction
from spinlib._modes import components
from spinlib._stack import Solution, solve, stacked
from spinlib._table import Table
from spinlib._validate import number, real, require
from spinlib.units import e

__all__ = [
    "Interface",
    "Layer",
    "Medium",
    "coupled_lengths",
    "normal_ferromagnet_junction",
    "reverse",
    "solve_stack",
]

_Real = NDArray[np.float64]
_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class Profile(Table):
    """Potentials, currents and relaxation rates at P points of a stack of n channels.

    Args:
        position: z [m], ``(P,)``.
        electrochemical_potential: mu_i [J], ``(n, P)``; 0 in the right reservoir, or at the last interface on the
            asymptote of the right lead. NaN where a channel is frozen or has no path to an end of the stack.
        affinity: mu_i - mu_j [J], ``(n, n, P)``, accurate where it is small beside mu; NaN as above.
        current_density: J_i [A/m^2], ``(n, P)``; 0 where a channel is frozen or has no path to an end.
        relaxation_rate: psi_ij = G_ij (mu_i - mu_j)/e [A/m^3], ``(n, n, P)``, positive from i to j; 0 likewise.
    """

    _units: ClassVar[Mapping[str, str]] = {
        "position": "m",
        "electrochemical_potential": "J",
        "affinity": "J",
        "current_density": "A/m^2",
        "relaxation_rate": "A/m^3",
    }

    position: _Real
    electrochemical_potential: _Real
    affinity: _Real
    current_density: _Real
    relaxation_rate: _Real

    def __repr__(self) -> str:
        """Show how many points there are, and where."""
        z = self.position
        where = f" from z = {z.min():.4g} to {z.max():.4g} m" if z.size else ""
        return f"<Profile: {z.size} points{where}, {len(self.current_density)} channels>"

    @property
    def spin_accumulation(self) -> _Real:
        """mu_up - mu_down of the first two channels [J], ``(P,)``."""
        return np.asarray(self.affinity[0, 1])

    def _entries(self) -> Iterator[tuple[str, str, _Real]]:
        """Yield field, name and values of every column; a pair of channels appears once."""
        n = len(self.current_density)
        names = CHANNELS if n == 4 else ("up", "down")
        pairs = list(combinations(range(n), 2))
        yield "position", "position", self.position
        for field_name in ("electrochemical_potential", "current_density"):
            for i, values in enumerate(getattr(self, field_name)):
                yield field_name, f"{field_name}_{names[i]}", values
        for field_name in ("affinity", "relaxation_rate"):
            for i, j in pairs:
                yield field_name, f"{field_name}_{names[i]}_{names[j]}", getattr(self, field_name)[i, j]


@dataclass(frozen=True, eq=False)
class Dissipation:
    """Where a stack turns its power into heat [W/m^2]; leads count in excess of J^2/sigma_t.

    Args:
        joule: Joule heat of each layer, ``(L,)``.
        relaxation: heat of relaxation between channels in each layer, ``(L,)``.
        interfaces: heat of each interface, relaxation inside it included, ``(L - 1,)``.
        total: their sum, J^2 AR.
    """

    joule: _Real
    relaxation: _Real
    interfaces: _Real
    total: float


@dataclass(frozen=True, eq=False)
class StackSolution:
    """Stationary state of a stack of L layers.

    Args:
        layers: as passed, L of them.
        interfaces: as passed, L - 1 of them; None is transparent.
        current_density: J [A/m^2].
        resistance: AR [Ohm m^2] from end to end, leads without their bulk.
        excess_resistance: AR - sum of d/sigma_t over the finite layers [Ohm m^2], >= 0 up to rounding;
            interfaces belong to it.
        edges: of the layers [m], ``(L + 1,)``; infinite for leads.
    """

    layers: tuple[Layer, ...]
    interfaces: tuple[Interface | None, ...]
    current_density: float
    resistance: float
    excess_resistance: float
    edges: _Real
    _solution: Solution = field(repr=False)

    def __repr__(self) -> str:
        """Show the two resistances."""
        return (
            f"<StackSolution of {len(self.layers)} layers: AR = {self.resistance:.6g} Ohm m^2, "
            f"{self.excess_resistance:.6g} Ohm m^2 in excess of their bulk>"
        )

    def profile(self, position: ArrayLike, side: str = "right") -> Profile:
        """Return potentials, currents and rates at given positions.

        Args:
            position: z [m], one number or ``(P,)``, between the reservoirs or anywhere in a lead.
            side: ``"left"`` or ``"right"``, which layer a position on an interface belongs to.

        Raises:
            ValueError: a position is not finite or beyond a reservoir, ``side`` is another word.

        >>> wire = solve_stack([Layer(Medium.valet_fert(2.0), 3.0)])
        >>> (wire.profile([0.0, 1.0]).electrochemical_potential[0] / e).round(12).tolist()
        [6.0, 4.0]
        """
        given = np.atleast_1d(real("position", position, "pass positions z in m"))
        if given.ndim != 1:
            raise ValueError(f"position has shape {given.shape}: pass one number or a vector of positions in m")
        z, at = self._located(given, side)
        edges, solution, sheets = self.edges, self._solution, self._solution.sheets
        sheet = np.flatnonzero(sheets.layer >= 0)[at]
        left, right = (z - edges[at]) / sheets.unit_length, (edges[at + 1] - z) / sheets.unit_length
        deviation, current = solution.at(sheet, left, right)
        beyond = np.append(np.cumsum(solution.drop[::-1])[::-1], 0)[sheet + 1]
        way = np.where(np.isinf(right), -left, right)
        sigma = sheets.conductivity[sheet]
        asymptote = beyond + way / sigma.sum(axis=1)
        volt = self.current_density * sheets.unit_length / sheets.unit_conductivity
        open_ = sigma > 0
        potential = np.where(open_, deviation, np.nan)
        affinity = e * volt * (potential[:, :, None] - potential[:, None, :])
        rates = sheets.relaxation[sheet] * (sheets.unit_conductivity / sheets.unit_length**2)
        flux = rates * np.where(open_[:, :, None] & open_[:, None, :], affinity, 0.0) / e
        total = np.where(open_, solution.share[sheet] + current, 0.0)
        return Profile(
            position=given,
            electrochemical_potential=e * volt * (asymptote[:, None] + potential).T,
            affinity=np.moveaxis(affinity, 0, -1),
            current_density=self.current_density * total.T,
            relaxation_rate=np.moveaxis(flux, 0, -1),
        )

    def _located(self, position: _Real, side: str) -> tuple[_Real, NDArray[np.intp]]:
        """Return positions, moved to an interface that only rounding parts them from, and their layers."""
        if side not in ("left", "right"):
            raise ValueError(f"side = {side!r} is no side of an interface: pass 'left' or 'right'")
        edges = self.edges
        next_edge = np.searchsorted(edges, position).clip(1, len(edges) - 1)
        before, behind = edges[next_edge - 1], edges[next_edge]
        nearest = np.where(position - before < behind - position, before, behind)
        rounding = 8 * np.spacing(np.abs(edges[np.isfinite(edges)]).max())
        z = np.where(np.abs(position - nearest) <= rounding, nearest, position)
        inside = (z >= edges[0]) & (z <= edges[-1])
        remedy = f"pass {edges[0]:.6g} <= z <= {edges[-1]:.6g} m"
        require("position", position, inside, "is beyond a reservoir", remedy)
        layer = np.searchsorted(edges, z, "right" if side == "right" else "left") - 1
        return z, layer.clip(0, len(self.layers) - 1)

    def dissipation(self) -> Dissipation:
        """Return the heat of each layer and interface; their sum is J^2 AR.

        >>> wire = solve_stack([Layer(Medium.valet_fert(2.0), 3.0)], current_density=10.0)
        >>> wire.dissipation().joule.round(12).tolist()
        [600.0]
        """
        solution, sheets = self._solution, self._solution.sheets
        power = self.current_density**2 * sheets.unit_length / sheets.unit_conductivity
        joule, relaxation, contact = (power * each for each in solution.losses())
        inner = sheets.layer < 0
        after = np.cumsum(~inner) - 1  # number of the interface behind a layer, or of the interface that a sheet is
        count = len(self.interfaces)
        heat = np.concatenate([contact, (joule + relaxation)[inner]])
        interfaces = np.zeros(count)
        np.add.at(interfaces, np.concatenate([after[:-1], after[inner]]), heat)
        joule, relaxation = joule[~inner], relaxation[~inner]
        return Dissipation(joule, relaxation, interfaces, float(joule.sum() + relaxation.sum() + interfaces.sum()))


def solve_stack(
    layers: Sequence[Layer],
    interfaces: Sequence[Interface | None] | None = None,
    current_density: float = 1.0,
) -> StackSolution:
    r"""Return the stationary state of a stack of layers under a current (WD11 7-9 and 16, 17; WD04 1, 2).

    Args:
        layers: from left to right, all of 2 or all of 4 channels. An outer layer of infinite thickness is a lead, one
            of finite thickness ends on a reservoir.
        interfaces: between each layer and the next, ``len(layers) - 1``; None is transparent, for one or for all.
        current_density: J [A/m^2], along +z if positive. Resistances do not depend on it.

    Returns:
        Resistance, profiles of all channels and dissipation; time and memory grow linearly with the number of layers.
        Conductivities, lengths and resistances that differ by up to 20 orders leave seven digits or more.

    Raises:
        ValueError: no layer, another number of interfaces, channels that differ in number, an infinite inner layer, a
            lead whose channels relaxation does not tie together, no path of open channels from end to end, or numbers
            so far apart that the equations are singular.

    >>> from spinlib.units import nm
    >>> copper, cobalt = Medium.valet_fert(6e-9, 0.0, 450 * nm), Medium.valet_fert(75e-9, 0.46, 59 * nm)
    >>> junction = solve_stack([Layer(copper, inf), Layer(cobalt, inf)])  # van Son: beta^2 z_N z_F/(z_N + z_F)
    >>> print(f"{junction.excess_resistance:.5e}")
    3.54820e-16
    """
    layers = _listed("layers", layers)
    if not layers:
        raise ValueError("layers = () is empty: pass at least one Layer")
    n = _channels(layers)
    interfaces = (None,) * (len(layers) - 1) if interfaces is None else _listed("interfaces", interfaces)
    if len(interfaces) != len(layers) - 1:
        raise ValueError(
            f"interfaces has {len(interfaces)} entries: pass len(layers) - 1 = {len(layers) - 1}, None if transparent"
        )
    for index, interface in enumerate(interfaces):
        if interface is not None:
            _same(f"interfaces[{index}]", interface, Interface, n)
    j = number("current_density", current_density)
    _ends(layers)
    solution = solve(stacked(layers, interfaces))
    sheets = solution.sheets
    unit = sheets.unit_length / sheets.unit_conductivity
    conductivity = np.array([layer.medium.conductivity for layer in layers])
    finite = np.array([0.0 if layer.thickness == inf else layer.thickness for layer in layers])
    bulk = finite / conductivity.sum(axis=1)
    inner = sheets.layer < 0
    # A channel without a path carries nothing: its layer then has less conductivity than d/sigma_t counts.
    closed = (sheets.conductivity[~inner] == 0) & (conductivity > 0)
    lost = np.where(closed.any(axis=1), solution.drop[~inner] * unit - bulk, 0).sum()
    excess = float((solution.excess + solution.drop[inner].sum()) * unit + lost)
    edges = np.concatenate([[0.0], np.cumsum(finite)])
    if layers[0].thickness == inf:
        edges[0] = -inf
    if layers[-1].thickness == inf:
        edges[-1] = inf
    edges.flags.writeable = False
    return StackSolution(layers, interfaces, j, float(excess + bulk.sum()), excess, edges, solution)


def _listed(name: str, items: Sequence[_Item]) -> tuple[_Item, ...]:
    """Return a sequence as a tuple, or refuse what is none."""
    if not isinstance(items, Iterable):
        raise ValueError(f"{name} = {items!r} is no sequence: pass a list, from left to right")
    return tuple(items)


def _same(name: str, item: Any, kind: type[Layer] | type[Interface], n: int) -> None:
    """Refuse what is no ``kind``, or has another number of channels than the first layer."""
    if not isinstance(item, kind):
        raise ValueError(f"{name} = {item!r} is no {kind.__name__}: pass spinlib.diffusion.{kind.__name__}")
    found = item.medium.channels if isinstance(item, Layer) else len(item.resistance)
    if found != n:
        raise ValueError(
            f"{name} has {found} channels, the first layer {n}: pass one number throughout (channels= of valet_fert)"
        )


def _channels(layers: Sequence[Layer]) -> int:
    """Return the number of channels of all layers, or refuse them."""
    n = layers[0].medium.channels if isinstance(layers[0], Layer) else 0
    for index, layer in enumerate(layers):
        _same(f"layers[{index}]", layer, Layer, n)
    return n


def _ends(layers: Sequence[Layer]) -> None:
    """Refuse a lead inside the stack, a lead on both sides of nothing, and a lead of separate channels."""
    for index, layer in enumerate(layers):
        if layer.thickness < inf:
            continue
        if 0 < index < len(layers) - 1:
            raise ValueError(f"layers[{index}].thickness = inf inside the stack: only an outer layer can be a lead")
        if len(layers) == 1:
            raise ValueError("layers has one lead and nothing else: pass a finite thickness, or two leads")
        medium = layer.medium
        groups = set(components(medium.conductivity, medium.relaxation)[medium.conductivity > 0].tolist())
        if len(groups) > 1:
            raise ValueError(
                f"layers[{index}] is a lead with {len(groups)} groups of channels that no relaxation ties together, so "
                "their currents are not determined: pass relaxation between them (a finite diffusion length), freeze a "
                "channel, or pass a finite thickness, which ends on a reservoir"
            )
