"""From start to end: steps of the right length, kinks of the temperature, records in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import number, positive, real, require
from spinlib.magnons._bath import Bath, UnresolvedError, cuts, sampled
from spinlib.magnons._collocation import STAGES, nodes, polynomial
from spinlib.magnons._steps import BEYOND, TOO_SHORT, march
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.units import k_B

__all__ = [
    "Evolution",
    "Occupation",
    "evolve",
    "nodal",
    "occupation_at_start",
    "warn_of_limits",
]

_Real = NDArray[np.float64]
_LOOKS = (np.arange(1000) + 0.618) / 1000  # shares of the whole time, off the round ones, where jumps are
Occupation = float | Sequence[float] | _Real | Callable[[_Real], Any]


@dataclass(frozen=True)
class Evolution:
    """Occupations ``(T, N)``, modes ``(T, M)``, temperatures ``(T, B)`` [K], and when it ran away, if it did."""

    n: _Real
    c: _Real
    kelvin: _Real
    runaway: float | None


def nodal(name: str, value: object, energy: _Real) -> _Real:
    """Return a number or a function of the energy as finite numbers >= 0 at the nodes ``energy``, or refuse it.

    >>> nodal("scattering_rate", 2, np.array([1.0, 3.0]))
    array([2., 2.])
    """
    remedy = "pass a number >= 0, or a function that returns one for each energy of an array"
    array = real(name, value(energy) if callable(value) else value, remedy)  # type: ignore[arg-type]
    if array.ndim and array.shape != energy.shape:
        raise ValueError(f"{name} has shape {array.shape} for energies of shape {energy.shape}: {remedy}")
    require(name, array, array >= 0, "is negative", remedy)
    return np.array(np.broadcast_to(array, energy.shape))


def occupation_at_start(
    band: MagnonBand, points: int, bath: Bath, start: float, initial_temperature: float | None, given: Occupation | None
) -> _Real:
    """Return n at the nodes: ``given``, or of equilibrium at ``initial_temperature``, by default that of the bath."""
    energy, _ = band.quadrature(points)
    if given is not None:
        return nodal("initial_occupation", given, energy)
    if initial_temperature is None:
        kelvin = float(bath(np.array([start]))[0])
    else:
        kelvin = number("initial_temperature", initial_temperature, positive)
    return np.array(bose_einstein(energy, kelvin))


def evolve(
    system: tuple[Any, ...],
    n: _Real,
    c: _Real,
    baths: Sequence[Bath],
    gap: float,
    unit: float,
    times: _Real,
    rtol: float,
    limit: float = np.inf,
) -> Evolution:
    """Solve from ``times[0]`` on and return the state at ``times``.

    A step is accepted if no occupation at its points and records is below zero by more than 1e-300 and than 1e-20 of
    the smaller of 1 and the largest occupation, since what is negative by less counts as 0; and if the last Legendre
    coefficient of all polynomials is below ``rtol``: of occupations above 1 as a share of their own, of those below as
    a share of the largest or 1, of accumulations as a share of the largest so far. That of the temperature counts times
    the change it makes. A step ends at each kink, and what its points know of the temperature has to hold between them,
    too.

    Args:
        system: as for :func:`collocate`.
        n, c: the state at the start.
        baths: their temperatures.
        gap: of the band, in the unit of ``system``.
        unit: energy unit of ``system`` [J].
        times: of the records [s].
        rtol: tolerance of one step.
        limit: accumulation of the first bath at which the evolution stops.

    Raises:
        ValueError: ``rtol`` is below rounding.
        RuntimeError: no step is short enough.
    """
    tolerance = number("rtol", rtol)
    require("rtol", tolerance, tolerance >= 1e-13, "is below the rounding of a step", "pass rtol >= 1e-13")
    _, gamma, _, relax, _, _, _ = system
    kelvin = np.stack([bath(times) for bath in baths], axis=1)
    records = Evolution(np.empty((len(times), len(n))), np.empty((len(times), len(c))), kelvin, None)
    records.n[0], records.c[0] = n, c
    potentials = np.empty((STAGES + 1, len(baths)))
    span, stops = np.ptp(times), cuts(baths, times[0], times[-1])
    rate = gamma.sum(axis=0).max()
    first = max(1e-2 / max(rate * max(1.0, n.max()), relax.min(initial=np.inf), 1 / span), 1e-14 * abs(times[0]))
    sizes = (gap, tolerance, limit, span, rate)
    try:
        looks = np.union1d(times, times[0] + span * _LOOKS)
        known = np.stack([bath(looks) for bath in baths], axis=1)
        edges, series = sampled(baths, stops, looks, known, rate, tolerance, unit)
        ended, t, length = march(
            first, 0, 1, stops, edges, series, nodes(), n.copy(), c.copy(), sizes, system, times, records.n, records.c,
            potentials,
        )  # fmt: skip
    except UnresolvedError as error:
        ended, t = TOO_SHORT, error.args[0]
    if ended == TOO_SHORT:
        rounding = np.spacing(np.abs(times).max())
        remedy = (
            f"times that begin near 0, for these are rounded to {rounding:.2g} s"
            if rounding > tolerance * span
            else "temperatures that are smooth between their breakpoints, or a larger rtol"
        )
        raise RuntimeError(
            f"the steps at t = {t:.6g} s become too short, or too many, for rtol = {tolerance:.3g}: pass {remedy}"
        )
    if ended == BEYOND:
        moment = t + length * _crossing(potentials[:, 0], limit)
        reached = int(np.searchsorted(times, moment))
        return Evolution(records.n[:reached], records.c[:reached], kelvin[:reached], float(moment))
    return records


def _crossing(values: _Real, limit: float) -> float:
    """Return the share of the step at which the polynomial through ``values`` first exceeds ``limit``."""
    low, high = 0.0, 1.0
    for _ in range(6):
        shares = np.linspace(low, high, 1001)
        above = int(np.argmax(polynomial(shares, 0.0, 1.0, nodes()[2]) @ values > limit))
        low, high = float(shares[max(above - 1, 0)]), float(shares[above])
    return high


def warn_of_limits(
    band: MagnonBand, temperatures: _Real, density: _Real, saturation_spin_density: float | None
) -> None:
    """Warn, once each, of a run that leaves the range of the model."""
    if k_B * temperatures.min() < band.gap / 10:
        warn(
            f"k_B T falls below a tenth of the gap (T = {temperatures.min():.4g} K): few magnons are left, and "
            "what the model leaves out, such as magnon decay into phonons, decides their number",
            stacklevel=3,
        )
    if saturation_spin_density is not None and density.max() > saturation_spin_density:
        warn(
            f"magnon_density rises to {density.max():.4g} m^-3, above saturation_spin_density = "
            f"{saturation_spin_density:.4g} m^-3: the model does not limit it; S_z has changed sign",
            stacklevel=3,
        )
