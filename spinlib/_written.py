"""Quantities as a user writes them in a file, a number and its unit, and how they become SI floats."""

import math
from decimal import Decimal, InvalidOperation

from spinlib._toml import product
from spinlib.units import e2_over_h, oersted

__all__ = ["UNITS", "factor", "quantity", "shown"]

_HALF_TURN = Decimal(repr(math.pi))
_CHANNEL = Decimal(repr(e2_over_h))

# Decimals, so that 75 nOhm m is exactly the float 75e-9. The first unit of a dimension is the SI unit, the second is
# the one that messages show.
UNITS = {
    dimension: {unit: Decimal(value) for unit, value in units.items()}
    for dimension, units in {
        "length": {"m": "1", "nm": "1e-9", "um": "1e-6", "Å": "1e-10"},
        "frequency": {"Hz": "1", "GHz": "1e9", "MHz": "1e6"},
        "field": {"T": "1", "mT": "1e-3", "Oe": repr(oersted)},
        "magnetization": {"A/m": "1", "kA/m": "1e3", "emu/cm^3": "1e3"},
        "resistivity": {"Ohm m": "1", "nOhm m": "1e-9", "uOhm cm": "1e-8"},
        "area resistance": {"Ohm m^2": "1", "fOhm m^2": "1e-15", "mOhm um^2": "1e-15"},
        "current density": {"A/m^2": "1", "MA/cm^2": "1e10", "A/cm^2": "1e4"},
        "conductance per area": {"S/m^2": "1", "1e15 S/m^2": "1e15", "e^2/h/nm^2": str(_CHANNEL * Decimal("1e18"))},
        "angle": {"rad": "1", "deg": str(_HALF_TURN / 180)},
        "number": {"1": "1"},
    }.items()
}


def factor(place: str, unit: str, dimension: str) -> Decimal:
    """Return the SI value of a unit, or refuse one of another dimension.

    >>> factor("thickness", "nm", "length")
    Decimal('1E-9')
    """
    units = UNITS[dimension]
    if unit not in units:
        raise ValueError(f"{place} is in {unit!r}, which is no unit of {dimension}: write one of {', '.join(units)}")
    return units[unit]


def quantity(place: str, text: object, dimension: str) -> float:
    """Return the SI value of a number with its unit, such as ``"3 nm"``, or refuse it.

    >>> quantity("thickness", "3 nm", "length")
    3e-09
    """
    units = list(UNITS[dimension])
    example = f'such as "5 {units[1]}", with one of {", ".join(units)}'
    if not isinstance(text, str):
        raise ValueError(f"{place} = {shown(text)} has no unit: write number and unit in quotes, {example}")
    first, _, unit = text.strip().partition(" ")
    try:
        value = Decimal(first)
    except InvalidOperation:
        raise ValueError(f'{place} = "{text}" begins with no number: write number and unit, {example}') from None
    if not value.is_finite() or math.isinf(product(value, max(UNITS[dimension].values()))):
        raise ValueError(f'{place} = "{text}" is not finite: write number and unit, {example}')
    if not unit.strip():
        raise ValueError(f'{place} = "{text}" has no unit: write number and unit, {example}')
    return product(value, factor(place, unit.strip(), dimension))


def shown(value: object) -> str:
    """Return a value as a TOML file writes it, for a message.

    >>> shown(Decimal("inf")), shown("3 nm")
    ('inf', '"3 nm"')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{float(value):g}"
    return f'"{value}"' if isinstance(value, str) else str(value)
