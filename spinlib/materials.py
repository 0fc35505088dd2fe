"""Literature values of materials and interfaces, each with unit, uncertainty, temperature and source.

The values live in ``materials.toml`` beside this module; :func:`read_materials` reads a table of one's own in the
same format. A value is *verified* only if the table or line that states it was read in a source with a DOI.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import as_file, files
from numbers import Real
from pathlib import Path
from typing import Any

from spinlib._toml import product, toml
from spinlib._validate import finite, require

__all__ = ["Quantity", "material", "materials", "read_materials"]

# Powers of ten as decimals, so that 75 nOhm m is exactly the float 75e-9; meV and mu_B are those of spinlib.units.
_SI = {
    unit: Decimal(factor)
    for unit, factor in {
        "1": "1",
        "K": "1",
        "nm": "1e-9",
        "Å^3": "1e-30",
        "ps": "1e-12",
        "fs": "1e-15",
        "ps^-1": "1e12",
        "1e8 s^-1": "1e8",
        "meV": "1.602176634e-22",
        "meV Å^2": "1.602176634e-42",
        "mu_B": "9.2740100657e-24",
        "A/m": "1",
        "emu/cm^3": "1e3",
        "erg/cm^2": "1e-3",
        "J/(m^3 K^2)": "1",
        "MJ/(m^3 K)": "1e6",
        "1e18 W/(m^3 K)": "1e18",
        "m^2/s": "1",
        "Ohm m": "1",
        "nOhm m": "1e-9",
        "Ohm m^2": "1",
        "fOhm m^2": "1e-15",
        "S/m^2": "1",
        "1e15 S/m^2": "1e15",
        "1e18 m^-2": "1e18",
        "Oe cm^2/A": "1e-8",
    }.items()
}
_REQUIRED = {"value", "unit", "source", "verified"}
_OPTIONAL = {"uncertainty", "temperature", "locator", "note"}

_Spread = float | tuple[float, float]


@dataclass(frozen=True, repr=False)
class Quantity:
    """One value of the literature.

    Args:
        value: in SI.
        unit: as the source writes it, one of the known units; ``repr`` and :meth:`in_unit` use it.
        source: citation.
        verified: whether ``locator`` was read in the source.
        uncertainty: as the source states it, in SI: one number for ±, a pair (upwards, downwards), or None. Sources
            seldom say whether it is a standard uncertainty; ``note`` tells if it is half a range.
        temperature: K, or None if none is stated.
        doi: of the source, or None.
        locator: table, figure or line of the source, or None.
        note: how the value is to be read.

    Raises:
        ValueError: a number is not finite, ``uncertainty`` or ``temperature`` is negative, ``uncertainty`` is neither
            a number nor a pair, ``unit`` is unknown, ``source`` is empty, or ``verified`` is true without ``doi`` and
            ``locator``.

    >>> Quantity(5.5e-9, "nm", "A. Author, J. Phys. 1, 2 (2003)", verified=False, temperature=4.2)
    5.5 nm at 4.2 K [unverified; A. Author, J. Phys. 1, 2 (2003)]
    """

    value: float
    unit: str
    source: str
    verified: bool
    uncertainty: _Spread | None = None
    temperature: float | None = None
    doi: str | None = None
    locator: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number("value", self.value))
        if self.uncertainty is not None:
            stated = _each(self.uncertainty, lambda number: _size("uncertainty", number))
            object.__setattr__(self, "uncertainty", stated)
        if self.temperature is not None:
            object.__setattr__(self, "temperature", _size("temperature", self.temperature))
        _known(self.unit)
        for name in ("source", "doi", "locator", "note"):
            text = getattr(self, name)
            if text is None and name != "source":
                continue
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} = {text!r} is not a text: pass the {name} in words")
        if not isinstance(self.verified, bool):
            raise ValueError(f"verified = {self.verified!r} is not a truth value: pass True or False")
        if self.verified and (self.doi is None or self.locator is None):
            missing = "doi" if self.doi is None else "locator"
            raise ValueError(
                f"verified = True is admissible only with a doi and a locator, but {missing} is None: "
                f"pass {missing}, or verified=False"
            )

    def in_unit(self) -> tuple[float, _Spread | None]:
        """Return value and uncertainty in ``unit``, the numbers that the source writes; the latter may be a pair.

        >>> Quantity(5.5e-9, "nm", "A. Author, J. Phys. 1, 2 (2003)", verified=False, uncertainty=1e-9).in_unit()
        (5.5, 1.0)
        """

        def written(number: float) -> float:
            # Fifteen digits, because a unit that is no power of ten leaves rounding in the last ones.
            return float(f"{Decimal(repr(number)) / _SI[self.unit]:.15g}")

        return written(self.value), None if self.uncertainty is None else _each(self.uncertainty, written)

    def __repr__(self) -> str:
        value, spread = self.in_unit()
        written = f"{value:.10g}"
        if isinstance(spread, tuple):
            written += " +{:.10g} -{:.10g}".format(*spread)
        elif spread is not None:
            written += f" ± {spread:.10g}"
        unit = "" if self.unit == "1" else f"{' x' if self.unit[0].isdigit() else ''} {self.unit}"
        if self.uncertainty is not None and unit:
            written = f"({written})"
        temperature = "" if self.temperature is None else f" at {self.temperature:.10g} K"
        origin = ", ".join(text for text in (self.source, self.locator, self.note) if text)
        return f"{written}{unit}{temperature} [{'' if self.verified else 'un'}verified; {origin}]"


def material(name: str, quantity: str) -> Quantity:
    """Return one value of the shipped table.

    Args:
        name: a material or an interface, a key of ``materials()``.
        quantity: one of ``materials()[name]``.

    Returns:
        The value in SI with its unit, uncertainty, temperature and source.

    Raises:
        ValueError: the table has no such material, or the material no such quantity.

    >>> material("Co", "valet_fert_resistivity").value
    7.5e-08
    """
    table = _shipped()
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"name = {name!r} is not in the table: pass one of {', '.join(map(repr, table))}")
    if not isinstance(quantity, str) or quantity not in table[name]:
        choice = ", ".join(map(repr, table[name]))
        raise ValueError(f"quantity = {quantity!r} is not known of {name!r}: pass one of {choice}")
    return table[name][quantity]


def materials() -> dict[str, tuple[str, ...]]:
    """Return what the shipped table holds: the quantities of each material and interface.

    >>> materials()["Co/Cu"]
    ('valet_fert_resistance', 'gamma', 'spin_memory_loss')
    """
    return {name: tuple(quantities) for name, quantities in _shipped().items()}


def read_materials(path: str | Path) -> dict[str, dict[str, Quantity]]:
    """Read a table of materials in the format of ``materials.toml``, which its head explains.

    Args:
        path: a TOML file with tables ``[source.<key>]`` and ``[material.<name>]``.

    Returns:
        For each material its quantities by name, in SI.

    Raises:
        ValueError: the file is no TOML or a record breaks the format; the message names record, entry and remedy.
        OSError: the file cannot be read.

    >>> from importlib.resources import as_file, files
    >>> read_materials(files("spinlib") / "materials.toml")["Cu"]["resistivity"].value
    6e-09
    """
    return _parse(Path(path))


@cache
def _shipped() -> dict[str, dict[str, Quantity]]:
    with as_file(files("spinlib") / "materials.toml") as file:
        return _parse(file)


def _parse(file: Path) -> dict[str, dict[str, Quantity]]:
    content = toml(file)
    try:
        _keys("file", content, {"source", "material"}, set())
        return {
            name: {
                quantity: _quantity(f"{name}.{quantity}", record, content["source"])
                for quantity, record in _table(f"material.{name}", records).items()
            }
            for name, records in _table("material", content["material"]).items()
        }
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None


def _quantity(place: str, record: Any, sources: Any) -> Quantity:
    _keys(place, record, _REQUIRED, _OPTIONAL)
    key = record["source"]
    if not isinstance(key, str) or key not in _table("source", sources):
        raise ValueError(f"{place}: source = {key!r} is not listed: add a table [source.{key}]")
    _keys(f"source.{key}", sources[key], {"citation"}, {"doi"})
    try:
        factor = _known(record["unit"])
        entries = dict(record, source=sources[key]["citation"], doi=sources[key].get("doi"))
        entries["value"] = product(_decimal("value", record["value"]), factor)
        if "uncertainty" in record:
            entries["uncertainty"] = _each(
                record["uncertainty"], lambda number: product(_decimal("uncertainty", number), factor)
            )
        if "temperature" in record:
            entries["temperature"] = float(_decimal("temperature", record["temperature"]))
        return Quantity(**entries)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _decimal(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"{name} = {value!r} is not a number: write a finite number without quotes")
    return Decimal(value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} = {value!r} is not a number: pass a finite number in SI")
    return float(finite(name, float(value), "pass a finite number in SI"))


def _size(name: str, value: Any) -> float:
    number = _number(name, value)
    require(name, number, number >= 0, "is negative", f"pass {name} >= 0, or None if it is not stated")
    return number


def _each(spread: Any, convert: Callable[[Any], float]) -> _Spread:
    if not isinstance(spread, tuple | list):
        return convert(spread)
    if len(spread) != 2:
        raise ValueError(f"uncertainty = {spread!r} is no pair: give one number for ±, or two, upwards and downwards")
    return convert(spread[0]), convert(spread[1])


def _known(unit: Any) -> Decimal:
    if not isinstance(unit, str) or unit not in _SI:
        raise ValueError(f"unit = {unit!r} is not known: write one of {', '.join(map(repr, _SI))}")
    return _SI[unit]


def _table(place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} = {value!r} is not a table: write [{place}] or {{ key = value, ... }}")
    return value


def _keys(place: str, value: Any, required: set[str], optional: set[str]) -> None:
    found = set(_table(place, value))
    if missing := required - found:
        raise ValueError(f"{place} lacks {', '.join(sorted(missing))}: add it")
    if unknown := found - required - optional:
        known = ", ".join(sorted(required | optional))
        raise ValueError(f"{place} has the unknown entry {', '.join(sorted(unknown))}: write one of {known}")
