"""Limits that many arguments state alike."""

import math
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.contract import Inputs, Limit
from tests.contracts import rows

INF, NAN = math.inf, math.nan
_Given = Inputs | st.SearchStrategy[Inputs]


def positive(name: str, *arguments: str, given: _Given, at: Sequence[float] = (1e-30, 1e30)) -> list[Limit]:
    """Arguments above 0, finite."""
    return [row for one in arguments for row in (*rows.positive(name, one, given, *at), _finite(name, one, given))]


def not_negative(name: str, *arguments: str, given: _Given, at: Sequence[float] = (1e30,)) -> list[Limit]:
    """Arguments of 0 or more, finite."""
    return [row for one in arguments for row in (*rows.not_negative(name, one, given, *at), _finite(name, one, given))]


def _finite(name: str, argument: str, given: _Given) -> Limit:
    return Limit(name, argument, [], [INF, -INF, NAN], ("pass",), given, "finite")


def unit(name: str, *arguments: str, given: _Given) -> list[Limit]:
    """Unit vectors, to 1e-6."""
    at = [(0, 0, 1), (0.0, 0.0, 1 + 9.9e-7), (0.0, 1 - 9.9e-7, 0.0)]
    beyond = [(0.0, 0.0, 1 + 1.1e-6), (0.0, 1 - 1.1e-6, 0.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)]
    return [
        row
        for argument in arguments
        for row in (
            Limit(name, argument, at, beyond, (f"pass {argument} / |{argument}|",), given, "of length 1"),
            Limit(name, argument, [], [(0.0, 1.0), 1.0, (0.0, 0.0, NAN), (0, 0, INF)], ("pass",), given, "vector"),
        )
    ]


def within(
    name: str, argument: str, least: float, most: float, *, given: _Given, says: str = "pass", open_ends: bool = False
) -> Limit:
    """An argument of an interval, closed or open."""
    inner = [math.nextafter(least, most), math.nextafter(most, least)]
    outer = [math.nextafter(least, -INF), math.nextafter(most, INF)]
    ends = [least, most]
    at, beyond = (inner, [*ends, *outer]) if open_ends else ([*ends, *inner], outer)
    return Limit(name, argument, at, [*beyond, INF, -INF, NAN], (says,), given, "interval")
