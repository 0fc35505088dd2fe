"""A stack of films from a TOML file, with units, checked entry by entry.

::

    current_density = "1e11 A/m^2"     # conventional, positive from the first layer to the last

    [[layer]]                          # as many as there are films, from left to right
    material = "Cu"
    thickness = inf                    # a lead; films write "3 nm"

    [[layer]]
    material = "Co"
    thickness = "3 nm"
    angle = "180 deg"                  # of a magnet, in one plane; 0 points up
    anisotropy_field = "10 mT"         # may be left out

    [material.Co]                      # left out: the values of spinlib.materials by the name of the layer
    table = "Co"                       # values of spinlib.materials for what is not stated here
    valet_fert_resistivity = "75 nOhm m"   # rho*; or resistivity, rho = rho* (1 - beta^2)
    beta = 0.46                        # makes it a magnet
    spin_diffusion_length = "60 nm"    # inf: no spin flips
    saturation_magnetization = "1446 kA/m" # may be left out, as
    alpha = 0.01                       # Gilbert damping

    [interface."Co/Cu"]                # of neighbours, in either order; left out as above; equal neighbours need none
    table = "Co/Cu"
    valet_fert_resistance = "0.51 fOhm m^2"  # AR* = AR/(1 - gamma^2)
    gamma = 0.77
    spin_memory_loss = 0.33            # 0 if left out
    mixing_conductance = "1.1e15 S/m^2"      # Re G_mix between diffusive metals; may be left out
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from math import inf, isfinite
from pathlib import Path
from typing import Any, TypeVar

from spinlib._film_stack import Contact, Film, Stack
from spinlib._toml import toml
from spinlib._written import quantity, shown
from spinlib.diffusion import Interface, Medium
from spinlib.materials import Quantity, material, materials

__all__ = ["Contact", "Film", "Stack", "read_stack"]

_Made = TypeVar("_Made")
_Table = Mapping[str, Any]

_FILE = {"title": "text", "current_density": "current density", "layer": "", "material": "", "interface": ""}
_LAYER = {"material": "text", "thickness": "length", "angle": "angle", "anisotropy_field": "field"}
_MATERIAL = {
    "resistivity": "resistivity",
    "valet_fert_resistivity": "resistivity",
    "beta": "number",
    "spin_diffusion_length": "length",
    "saturation_magnetization": "magnetization",
    "alpha": "number",
}
_INTERFACE = {
    "valet_fert_resistance": "area resistance",
    "gamma": "number",
    "spin_memory_loss": "number",
    "mixing_conductance": "conductance per area",
}
_IN_TABLE = {"alpha": "gilbert_damping"}
_ENDLESS = {"thickness", "spin_diffusion_length"}
_RHO = ("resistivity", "valet_fert_resistivity")


def read_stack(path: str | Path) -> Stack:
    """Read the description of a stack; the format is that of this module.

    rho_up(down) = 2 rho* (1 -+ beta), r_up(down) = 2 AR* (1 -+ gamma), as in :mod:`spinlib.diffusion`.

    Args:
        path: a TOML file.

    Returns:
        Stack, in SI; ``sources`` names what came from the table of :mod:`spinlib.materials`.

    Raises:
        ValueError: the file is no TOML, a table lacks a key or has an unknown one, a quantity has no unit, one of
            another dimension or a value out of range, a name is not in the table, an angle of what is no magnet or
            none of a magnet, neighbours without an interface, a material or an interface that the stack does not
            use. The message names file, table, key, value and remedy.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "wire.toml"
    ...     text = 'current_density = "1 A/m^2"\\n[[layer]]\\nmaterial = "Cu"\\nthickness = "50 nm"'
    ...     _ = file.write_text(text)
    ...     read_stack(file).films[0].thickness
    5e-08
    """
    file = Path(path)
    content = toml(file)
    try:
        return _stack(content)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None


def _stack(content: _Table) -> Stack:
    _keys("the file", content, _FILE, ("current_density", "layer"))
    current = quantity("current_density", content["current_density"], "current density")
    listed = content["layer"]
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ValueError("layer is no list of tables: begin each layer with [[layer]], in double brackets")
    if not listed:
        raise ValueError("layer is empty: add a table [[layer]] for each film")
    sources: dict[str, Quantity] = {}
    media = _Media(_tables(content, "material"), sources)
    films = tuple(_film(f"[[layer]] number {number}", table, media) for number, table in enumerate(listed, 1))
    for number, film in enumerate(films[1:-1], 2):
        if film.thickness == inf:
            raise ValueError(
                f"[[layer]] number {number} ({film.material}): thickness = inf inside the stack: only the first and "
                "the last layer can be leads; write a thickness"
            )
    media.all_used("is the material of no layer: correct the name, or leave the table out")
    contacts = _contacts(films, _tables(content, "interface"), sources)
    title = content.get("title", "")
    if not isinstance(title, str):
        raise ValueError(f"title = {shown(title)} is no text: write it in quotes")
    return Stack(title, films, contacts, current, sources)


class _Media:
    """Values of the materials that layers name, each looked up once."""

    def __init__(self, tables: Mapping[str, _Table], sources: dict[str, Quantity]) -> None:
        self._tables, self._sources = tables, sources
        self._known: dict[str, tuple[Medium, dict[str, float]]] = {}

    def __getitem__(self, name: str) -> tuple[Medium, dict[str, float]]:
        if name not in self._known:
            place = f"[material.{_quoted(name)}]"
            if name not in self._tables and name not in materials():
                raise ValueError(
                    f"material {shown(name)} is neither described nor in the table of spinlib.materials: add {place}"
                )
            stated = self._tables.get(name, {"table": name})
            values = _values(place, stated, _MATERIAL, self._sources)
            self._known[name] = _medium(place, values), values
        return self._known[name]

    def all_used(self, problem: str) -> None:
        """Refuse a description that nothing uses, since it may be a slip of the pen."""
        for name in self._tables:
            if name not in self._known:
                raise ValueError(f"[material.{_quoted(name)}] {problem}")


def _medium(place: str, values: dict[str, float]) -> Medium:
    """Return the medium of the values of a material."""
    given = [key for key in _RHO if key in values]
    if len(given) != 1:
        found = "both are given" if given else "both are missing"
        raise ValueError(f"{place}: resistivity and valet_fert_resistivity: {found}: state exactly one")
    if "spin_diffusion_length" not in values:
        raise ValueError(f"{place} lacks spin_diffusion_length: state it, or write inf if no spins flip")
    for key, least in (("saturation_magnetization", "above 0"), ("alpha", ">= 0")):
        value = values.get(key, 1.0)
        if value < 0 or (value == 0 and least == "above 0"):
            raise ValueError(f"{place}: {key} = {value:g} is out of range: write a number {least}")
    beta = values.get("beta", 0.0)
    rho = values[given[0]]
    if given == ["resistivity"] and abs(beta) < 1:
        rho /= 1 - beta**2
    return _placed(place, lambda: Medium.valet_fert(rho, beta, values["spin_diffusion_length"]))


def _film(place: str, table: _Table, media: _Media) -> Film:
    _keys(place, table, _LAYER, ("material", "thickness"))
    name = table["material"]
    if not isinstance(name, str):
        raise ValueError(f"{place}: material = {shown(name)} is no name: write it in quotes")
    place = f"{place} ({name})"
    medium, values = media[name]
    own = {key: _value(f"{place}: {key}", key, table[key], _LAYER[key]) for key in table if key != "material"}
    if own["thickness"] <= 0:
        raise ValueError(f'{place}: thickness = "{table["thickness"]}" is not positive: write a thickness above 0')
    magnetic = "beta" in values
    if magnetic and "angle" not in own:
        raise ValueError(f'{place} lacks angle, and {name} has a beta: write angle = "0 deg", or another')
    if not magnetic:
        for key in ("angle", "anisotropy_field"):
            if key in own:
                raise ValueError(f"{place} has {key}, but {name} has no beta: leave it out, or state beta")
    if own.get("anisotropy_field", 1.0) < 0:
        raise ValueError(f'{place}: anisotropy_field = "{table["anisotropy_field"]}" is negative: write one >= 0')
    return Film(
        name,
        own["thickness"],
        medium,
        own.get("angle"),
        values.get("saturation_magnetization"),
        values.get("alpha"),
        own.get("anisotropy_field"),
    )


def _contacts(
    films: tuple[Film, ...], tables: Mapping[str, _Table], sources: dict[str, Quantity]
) -> tuple[Contact, ...]:
    """Return what lies between neighbours, each pair of materials described once."""
    found: dict[frozenset[str], Contact] = {}
    used: set[str] = set()
    contacts = []
    for left, right in pairwise(films):
        pair = frozenset((left.material, right.material))
        if pair not in found:
            names = [f"{left.material}/{right.material}", f"{right.material}/{left.material}"]
            names = list(dict.fromkeys(names))
            described = [name for name in names if name in tables]
            if len(described) > 1:
                raise ValueError(f'[interface."{names[0]}"] and "{names[1]}" are one interface: keep one table')
            listed = described or [name for name in names if name in materials()]
            used |= set(described)
            if listed:
                stated = tables.get(listed[0], {"table": listed[0]})
                magnetic = left.angle is not None or right.angle is not None
                found[pair] = _contact(f'[interface."{listed[0]}"]', stated, sources, magnetic=magnetic)
            elif len(pair) == 1:
                found[pair] = Contact()
            else:
                raise ValueError(
                    f"the neighbours {left.material} and {right.material} have no interface: add "
                    f'[interface."{names[0]}"], with valet_fert_resistance = "0 fOhm m^2" if it is transparent'
                )
        contacts.append(found[pair])
    for name in tables:
        if name not in used:
            raise ValueError(f'[interface."{name}"] joins no neighbours: correct the name, or leave the table out')
    return tuple(contacts)


def _contact(place: str, stated: _Table, sources: dict[str, Quantity], *, magnetic: bool) -> Contact:
    values = _values(place, stated, _INTERFACE, sources)
    needed = ("valet_fert_resistance", "gamma") if magnetic else ("valet_fert_resistance",)
    for key in needed:
        if key not in values:
            raise ValueError(f"{place} lacks {key}: add it, 0 if it vanishes")
    if not magnetic:
        for key in ("gamma", "mixing_conductance"):
            if key in values:
                raise ValueError(f"{place} has {key}, but neither side is a magnet: leave it out")
    mixing = values.get("mixing_conductance")
    if mixing is not None and mixing <= 0:
        raise ValueError(f"{place}: mixing_conductance = {mixing:g} S/m^2 is not positive: write one above 0")
    interface = _placed(
        place,
        lambda: Interface.valet_fert(
            values["valet_fert_resistance"], values.get("gamma", 0.0), values.get("spin_memory_loss", 0.0)
        ),
    )
    return Contact(interface, mixing)


def _values(place: str, stated: _Table, known: Mapping[str, str], sources: dict[str, Quantity]) -> dict[str, float]:
    """Return what a table states, and what the table of spinlib.materials has for the rest."""
    _keys(place, stated, {**known, "table": "text"}, ())
    values = {key: _value(f"{place}: {key}", key, stated[key], known[key]) for key in stated if key != "table"}
    if "table" not in stated:
        return values
    name = stated["table"]
    if not isinstance(name, str) or name not in materials():
        raise ValueError(
            f"{place}: table = {shown(name)} is not in the table of spinlib.materials: write one of "
            f"{', '.join(map(repr, materials()))}, or leave it out"
        )
    replaced = set(_RHO) if set(_RHO) & set(stated) else set()  # one resistivity stands for the other
    for key in known:
        listed = _IN_TABLE.get(key, key)
        if key not in values and key not in replaced and listed in materials()[name]:
            sources[f"{place}: {key}"] = material(name, listed)
            values[key] = material(name, listed).value
    return values


def _value(place: str, key: str, value: object, dimension: str) -> float:
    """Return a value in SI: a number of a pure number, else a text with a unit; inf where it is allowed."""
    if key in _ENDLESS and isinstance(value, Decimal) and value == Decimal("inf"):
        return inf
    if dimension != "number":
        return quantity(place, value, dimension)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not isfinite(float(value)):
        raise ValueError(f"{place} = {shown(value)} is no number: write a finite number without quotes")
    return float(value)


def _tables(content: _Table, name: str) -> Mapping[str, _Table]:
    """Return the tables of a kind by name."""
    found = content.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise ValueError(f'{name} holds something else than tables: begin each with [{name}."name"]')
    return found


def _keys(place: str, table: _Table, known: Mapping[str, str], needed: tuple[str, ...]) -> None:
    """Refuse an unknown key, or a missing one."""
    for key in table:
        if key not in known:
            raise ValueError(
                f"{place} has the unknown key {key} = {shown(table[key])}: write one of {', '.join(known)}"
            )
    for key in needed:
        if key not in table:
            raise ValueError(f"{place} lacks {key}: add it")


def _placed(place: str, make: Callable[[], _Made]) -> _Made:
    """Return what ``make`` returns, and say in which table its refusal arose."""
    try:
        return make()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _quoted(name: str) -> str:
    """Return a name as a TOML key."""
    return name if name.isascii() and name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
