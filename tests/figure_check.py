"""Compare what figures plot with what they plotted when the reference was written, within a tolerance.

Hashes of rounded numbers would flip at a rounding edge on another processor; nbval compares no images at all.
"""

from typing import Any

import numpy as np

TOLERANCE = 1e-6
"""Largest deviation accepted of a number, relative to itself or to the median of its column, whichever is larger."""


def _numeric(item: Any) -> bool:
    if isinstance(item, list):
        return bool(item) and all(_numeric(part) for part in item)
    return item is None or (isinstance(item, int | float) and not isinstance(item, bool))


def differences(reference: Any, found: Any, place: str = "figure") -> list[str]:
    """One line for each place where two descriptions of a figure differ."""
    if _numeric(reference) and _numeric(found):
        try:
            old, new = np.array(reference, dtype=float), np.array(found, dtype=float)
        except ValueError:  # ragged: compare entry by entry
            old = new = None
        if old is not None and new is not None:
            return _array_differences(old, new, place)
    if isinstance(reference, dict) and isinstance(found, dict):
        lines = [f"{place}: {key!r} is in one only" for key in sorted(set(reference) ^ set(found))]
        for key in sorted(set(reference) & set(found)):
            lines += differences(reference[key], found[key], f"{place}.{key}")
        return lines
    if isinstance(reference, list) and isinstance(found, list):
        if len(reference) != len(found):
            return [f"{place}: {len(reference)} entries before, {len(found)} now"]
        pairs = enumerate(zip(reference, found, strict=True))
        return [line for i, (old, new) in pairs for line in differences(old, new, f"{place}[{i}]")]
    return [] if reference == found else [f"{place}: {reference!r} before, {found!r} now"]


def _array_differences(old: np.ndarray, new: np.ndarray, place: str) -> list[str]:
    if old.shape != new.shape:
        return [f"{place}: shape {old.shape} before, {new.shape} now"]
    if (np.isnan(old) != np.isnan(new)).any():
        return [f"{place}: other entries are missing (not finite) than before"]
    if old.ndim == 2 and old.shape[1] == 2:  # points: x and y have scales of their own
        columns = zip(old.T, new.T, "xy", strict=True)
        return [line for one, other, axis in columns for line in _array_differences(one, other, f"{place}.{axis}")]
    size = np.abs(np.nan_to_num(old))
    floor = np.median(size) or size.max(initial=0.0)
    error = np.abs(np.nan_to_num(old) - np.nan_to_num(new))
    excess = error - TOLERANCE * np.maximum(size, floor)
    if not (excess > 0).any():
        return []
    worst = np.unravel_index(np.argmax(excess), old.shape)
    return [f"{place}: {old[worst]:.9g} before, {new[worst]:.9g} now (and {(excess > 0).sum() - 1} more)"]
