"""Results as tables: one column per number of a result, one row per point of its leading shape."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite

__all__ = ["Table"]


class Table:
    """Mixin for result dataclasses whose fields, or those in ``_columns``, have the leading shape of the first."""

    _columns: ClassVar[tuple[str, ...]] = ()  # fields that the table has; by default all
    _own_axes: ClassVar[int] = 0  # last axes of the first field that belong to a point
    _vectors: ClassVar[tuple[str, ...]] = ()  # fields whose last axis is x, y, z
    _units: ClassVar[Mapping[str, str]] = {}  # of the fields that have one

    def columns(self, /, **along: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the result as one-dimensional arrays by name, for a data frame or a file.

        A field with further axes gives one column per entry: ``torque_2_x`` is the x component of layer 2.

        Args:
            **along: coordinates of the points, such as ``theta=theta``; they broadcast to the leading shape and stand
                first.

        Raises:
            ValueError: a coordinate is not numeric, does not broadcast, or has the name of a column; or two columns
                have one name, as an entry of an axis ``m`` and a result ``m_0`` of a sweep.
        """
        table: dict[str, NDArray[Any]] = {}
        for name, values in along.items():
            array = finite(name, values, "pass the coordinate of each point")
            try:
                table[name] = np.broadcast_to(array, self._points).ravel()
            except ValueError:
                raise ValueError(
                    f"{name} has shape {array.shape}: pass one that broadcasts to {self._points}"
                ) from None
        for _, key, column in self._entries():
            if key in table:
                what = "is a column of the result: give the coordinate" if key in along else "is two columns: give one"
                raise ValueError(f"{key} {what} another name")
            table[key] = column
        return table

    def to_csv(self, path: str | Path, /, *, overwrite: bool = False, **along: ArrayLike) -> None:
        """Write :meth:`columns` to a file: a line of names, with units in brackets, then one line per point.

        Numbers keep all digits. The unit of a coordinate is the caller's.

        Args:
            path: the file.
            overwrite: whether a file that exists is replaced.
            **along: coordinates of the points.

        Raises:
            FileExistsError: the file exists and ``overwrite`` is not set.
            ValueError: as for :meth:`columns`.
        """
        table = self.columns(**along)
        units = {key: f" [{self._units[field]}]" for field, key, _ in self._entries() if field in self._units}
        try:
            with Path(path).open("w" if overwrite else "x", newline="", encoding="utf-8") as file:
                lines = csv.writer(file)
                lines.writerow(key + units.get(key, "") for key in table)
                lines.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
        except FileExistsError:
            raise FileExistsError(f"path = '{path}' exists: pass another path, or overwrite=True") from None

    @property
    def _points(self) -> tuple[int, ...]:
        shape = next(self._fields())[1].shape
        return shape[: len(shape) - self._own_axes]

    def _fields(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield name and values of every field of the table."""
        for name in self._columns or tuple(field.name for field in fields(self)):  # type: ignore[arg-type]
            yield name, np.asarray(getattr(self, name))

    def _entries(self) -> Iterator[tuple[str, str, NDArray[Any]]]:
        """Yield field, name and values of every column."""
        points = len(self._points)
        for name, values in self._fields():
            labels = [[str(i) for i in range(size)] for size in values.shape[points:]]
            if name in self._vectors:
                labels[-1] = ["x", "y", "z"]
            entries = values.reshape(-1, int(np.prod(values.shape[points:])))
            for column, label in zip(entries.T, product(*labels), strict=True):
                yield name, "_".join((name, *label)), column
