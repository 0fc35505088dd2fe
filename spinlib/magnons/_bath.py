"""Temperatures of electrons as functions of time: checked, cut at their kinks, and sampled so that a kernel can read.

Between two kinks a temperature is a polynomial on each panel, halved until it follows the function. So the function of
the user is called a few times, with many times each, and never from within a step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from spinlib._jit import kernel
from spinlib._validate import number, positive, real
from spinlib.magnons._times import temperatures_at
from spinlib.units import k_B

__all__ = ["MOST", "Bath", "Temperature", "UnresolvedError", "cuts", "sampled", "warmth"]

_Real = NDArray[np.float64]
Temperature = float | Callable[[Any], Any]

MOST: Final = 100_000  # panels, or steps between two kinks
_POINTS: Final = 16  # of a panel
_FINER: Final = 1e-2  # error of a panel as a share of that of a step
_ROUNDING: Final = 1e-14


class UnresolvedError(RuntimeError):
    """No panel is short enough from the time ``args[0]`` [s] on."""


@dataclass(frozen=True)
class Bath:
    """A temperature as a checked function of an array of times [s], and the times of its kinks."""

    name: str
    temperature: Temperature
    kinks: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, temperature: Temperature, breakpoints: ArrayLike = ()) -> "Bath":
        """Return the bath of a number or function, with its own ``breakpoints`` and those given."""
        own = np.ravel(real("breakpoints", getattr(temperature, "breakpoints", ()), "pass finite times in s"))
        given = np.ravel(real("breakpoints", breakpoints, "pass finite times in s"))
        if not callable(temperature):
            temperature = number(name, temperature, positive)
        return cls(name, temperature, (*own.tolist(), *given.tolist()))

    def __call__(self, times: _Real) -> _Real:
        """Return the temperatures [K] at ``times``."""
        if not callable(self.temperature):
            return np.full(times.shape, self.temperature)
        return temperatures_at(self.name, self.temperature, times)


@lru_cache(maxsize=1)
def _rule() -> tuple[_Real, _Real]:
    """Return the points of a panel as shares, and the matrix from values there to Chebyshev coefficients."""
    points = chebyshev.chebpts1(_POINTS)
    to_series = chebyshev.chebvander(points, _POINTS - 1).T * (2 / _POINTS)
    to_series[0] /= 2
    return (1 + points) / 2, np.asarray(to_series)


def cuts(baths: Sequence[Bath], first: float, last: float) -> _Real:
    """Return ``first``, the kinks in between and ``last``.

    >>> cuts([Bath("warm", 300.0, (2.0, 7.0, 2.0))], 0.0, 4.0).tolist()
    [0.0, 2.0, 4.0]
    """
    found = [first]
    for kink in sorted({kink for bath in baths for kink in bath.kinks}):
        apart = max(1e-14 * abs(kink), 1e-23 * (last - first))  # closer together two mean the same instant
        if found[-1] + apart < kink < last - apart:
            found.append(kink)
    return np.array([*found, last])


def sampled(
    baths: Sequence[Bath],
    stops: _Real,
    times: _Real,
    kelvin: _Real,
    rate: float,
    tolerance: float,
    unit: float,
) -> tuple[_Real, _Real]:
    """Return the edges ``(P + 1,)`` of panels and the Chebyshev coefficients ``(P, 16, B)`` of k_B T/unit on them.

    A panel is halved until its last coefficients are small beside the first, and it agrees with the function at the
    records within it; both count as far as electrons can heat magnons during the panel.

    Args:
        baths: the temperatures.
        stops: first time, kinks and last time [s]; all are edges.
        times, kelvin: of the records ``(T,)`` [s], and the temperatures then ``(T, B)`` [K].
        rate: of the fastest magnons [1/s].
        tolerance: of a step.
        unit: of energy [J].

    Raises:
        UnresolvedError: no panels are short enough.

    >>> warm, stops = Bath("warm", lambda t: 2 + t), np.array([0.0, 2.0])
    >>> edges, series = sampled([warm], stops, stops, np.array([[2.0], [4.0]]), 1.0, 1e-8, k_B)
    >>> edges.tolist(), (series[0, :3, 0].round(12) + 0.0).tolist()
    ([0.0, 2.0], [3.0, 1.0, 0.0])
    """
    share, to_series = _rule()
    at = np.minimum(np.searchsorted(times, stops), len(times) - 1)
    inner = np.ones(len(times), dtype=bool)
    inner[at[times[at] == stops]] = False  # at a jump the temperature may be that of either side
    times, known = times[inner], k_B / unit * kelvin[inner]
    left, right = stops[:-1], stops[1:]
    lefts, kept, count = [left[:0]], [np.empty((0, _POINTS, len(baths)))], 0
    while len(left):
        length = right - left
        moments = (left[:, None] + length[:, None] * share).ravel()
        values = k_B / unit * np.stack([bath(moments) for bath in baths], axis=1).reshape(-1, _POINTS, len(baths))
        series = to_series @ values
        error = _misses(left, right, series, times, known) / values.max(axis=1)
        error = error.max(axis=1) * np.minimum(1.0, length * rate)
        wrong = error > max(_FINER * tolerance, _ROUNDING)
        lefts.append(left[~wrong])
        kept.append(series[~wrong])
        count += int(np.count_nonzero(~wrong))
        left, right, middle = left[wrong], right[wrong], (left + length / 2)[wrong]
        least = np.maximum(1e-15 * np.abs(left), 1e-24 * (stops[-1] - stops[0]))
        endless = right - left < 2 * least
        if endless.any() or count + 2 * len(left) > MOST + len(stops):
            raise UnresolvedError(float(left[endless][0] if endless.any() else left[0]))
        left, right = np.sort(np.concatenate([left, middle])), np.sort(np.concatenate([middle, right]))
    edges, coefficients = np.concatenate(lefts), np.concatenate(kept)
    order = np.argsort(edges)
    return np.append(edges[order], stops[-1]), np.ascontiguousarray(coefficients[order])


@kernel
def _sum(x: float, series: _Real, out: _Real) -> None:
    """Fill in the sums ``(B,)`` of Chebyshev polynomials at ``x`` of [-1, 1]."""
    before, now = x, 1.0
    for bath in range(len(out)):
        out[bath] = 0.0
    for degree in range(len(series)):
        for bath in range(len(out)):
            out[bath] += now * series[degree, bath]
        before, now = now, 2 * x * now - before


@kernel
def warmth(t: float, panel: int, last: int, edges: _Real, series: _Real, out: _Real) -> int:
    """Fill in k_B T/unit ``(B,)`` at the time ``t`` and return its panel, from ``panel`` on and up to ``last``.

    >>> out = np.empty(1)
    >>> warmth(1.5, 0, 1, np.array([0.0, 1.0, 2.0]), np.array([[[3.0], [0.0]], [[4.0], [2.0]]]), out), out.tolist()
    (1, [4.0])
    """
    while panel < last and t >= edges[panel + 1]:
        panel += 1
    _sum(2 * (t - edges[panel]) / (edges[panel + 1] - edges[panel]) - 1, series[panel], out)
    return panel


@kernel
def _misses(left: _Real, right: _Real, series: _Real, times: _Real, known: _Real) -> _Real:
    """Return the largest error ``(P, B)`` of panels: their last two coefficients, and how far they are off at records.

    Args:
        left, right: ends of the panels, in order.
        series: their coefficients ``(P, 16, B)``.
        times, known: of the records, and k_B T/unit ``(T, B)`` there; one between two panels counts for both.
    """
    found = np.empty((len(left), known.shape[1]))
    record, out = 0, np.empty(known.shape[1])
    for panel in range(len(left)):
        for bath in range(len(out)):
            found[panel, bath] = max(abs(series[panel, -1, bath]), abs(series[panel, -2, bath]))
        here, middle, half = series[panel], (left[panel] + right[panel]) / 2, (right[panel] - left[panel]) / 2
        while record < len(times) and times[record] < left[panel]:
            record += 1
        for moment in range(record, len(times)):
            if times[moment] > right[panel]:
                break
            _sum((times[moment] - middle) / half, here, out)
            for bath in range(len(out)):
                found[panel, bath] = max(found[panel, bath], abs(out[bath] - known[moment, bath]))
    return found
