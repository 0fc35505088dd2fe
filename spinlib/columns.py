"""Measurements from a CSV file, with the unit of each column in its header.

The first line that is no remark is the header. A column is called ``name [unit]`` or ``name_unit``, such as
``thickness [nm]`` or ``thickness_nm``; the order is free. Lines that begin with ``#`` are remarks. Entries are parted
by commas, numbers have decimal points.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinlib._written import UNITS, factor

__all__ = ["read_columns"]

_Real = NDArray[np.float64]


def read_columns(
    path: str | Path, required: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> dict[str, _Real]:
    """Read measurements from a CSV file into SI floats.

    Args:
        path: the file, UTF-8.
        required: names of columns that the file must have, each with its dimension: length, frequency, field,
            magnetization, resistivity, area resistance, current density, conductance per area, angle or number. The
            header states a unit of it; a number has none.
        optional: likewise, for columns that may be missing or empty.

    Returns:
        By name, the columns in SI units, ``(n,)`` each; an optional one that is missing or empty is left out.

    Raises:
        ValueError: a column is missing, unknown, there twice or in a unit of another dimension; a line has too few or
            too many entries; an entry is empty or no finite number; there is no line of numbers; a dimension is
            unknown. The message names file, line and column.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "films.csv"
    ...     _ = file.write_text("thickness [nm],linewidth [mT]\\n5,2.5\\n10,1.5\\n")
    ...     read_columns(file, {"thickness": "length", "linewidth": "field"})["linewidth"].tolist()
    [0.0025, 0.0015]
    """
    wanted = {**required, **(optional or {})}
    for name, dimension in wanted.items():
        if dimension not in UNITS:
            raise ValueError(f"dimension of {name} = {dimension!r} is not known: pass one of {', '.join(UNITS)}")
    file = Path(path)
    try:
        lines = _lines(file.name, file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not UTF-8 text: save it as CSV in UTF-8, not as a spreadsheet") from None
    number, header = next(lines, (1, []))
    place = f"{file.name}, line {number}"
    names, factors = _header(place, header, wanted, set(required))
    values: dict[str, list[float | None]] = {name: [] for name in names}
    places = []
    for number, row in lines:
        places.append(f"{file.name}, line {number}")
        if len(row) != len(header):
            raise ValueError(
                f"{places[-1]} has {len(row)} entries, the header {len(header)}: write one entry per column, with "
                "commas between them and decimal points"
            )
        for name, unit, entry in zip(names, factors, row, strict=True):
            values[name].append(_entry(f"{places[-1]}: {name}", entry, unit))
    if not places:
        raise ValueError(f"{file.name} has no line of numbers below its header: add the measurements")
    found = {}
    for name, column in values.items():
        empty = [entry is None for entry in column]
        if all(empty) and name not in required:
            continue
        if any(empty):
            remedy = "write a number, or leave the whole column empty" if name not in required else "write a number"
            raise ValueError(f"{places[empty.index(True)]}: {name} is empty: {remedy}")
        found[name] = np.array(column, dtype=np.float64)
    return found


def _lines(name: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and entries of each line that is neither empty nor a remark."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield number, [entry.strip() for entry in next(csv.reader([line]))]
            except csv.Error as error:
                raise ValueError(f"{name}, line {number} is no CSV ({error}): write numbers and commas") from None


def _header(
    place: str, header: list[str], wanted: Mapping[str, str], required: set[str]
) -> tuple[list[str], list[float]]:
    """Return name and SI value of the unit of each column, or refuse the header."""
    form = ", ".join(_titled(name, dimension) for name, dimension in wanted.items())
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise ValueError(f"{place}: the header has {name}: write commas, and decimal points, as in {form}")
    names, factors = [], []
    for title in header:
        if "[" in title:
            name, _, unit = title.partition("[")
            name, unit = name.strip(), unit.strip().removesuffix("]").strip()
        else:
            name = next((each for each in wanted if title == each or title.startswith(f"{each}_")), title)
            unit = title.removeprefix(name).removeprefix("_")
        if name not in wanted:
            raise ValueError(f"{place}: the column {title!r} is not known: write {form}")
        if name in names:
            raise ValueError(f"{place}: the column {name} is there twice: leave one out")
        dimension = wanted[name]
        if not unit and dimension != "number":
            raise ValueError(f"{place}: the column {title!r} has no unit: write {_titled(name, dimension)}")
        names.append(name)
        factors.append(float(factor(f"{place}: the column {name}", unit or "1", dimension)))
    if missing := [name for name in wanted if name in required - set(names)]:
        raise ValueError(f"{place}: the column {missing[0]} is missing: write {form}")
    return names, factors


def _titled(name: str, dimension: str) -> str:
    """Return the title of a column as a message recommends it."""
    return name if dimension == "number" else f"{name} [{list(UNITS[dimension])[1]}]"


def _entry(place: str, text: str, unit: float) -> float | None:
    """Return an entry in SI units, None if it is empty, or refuse it."""
    if not text:
        return None
    try:
        value = float(text) * unit
    except ValueError:
        raise ValueError(f"{place} = {text!r} is no number: write a number such as 1.5 or 2e-3") from None
    if not np.isfinite(value):
        raise ValueError(f"{place} = {text!r} is not finite: write a finite number, or leave the line out")
    return value
