"""Electron-magnon kinetics in the bulk: magnons and the spin accumulation that they leave behind (KK 20-25)."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import (
    float_or_array,
    instance,
    not_negative,
    number,
    positive,
    positive_or_inf,
    real,
    require,
    together,
)
from spinlib.magnons._bath import Bath, Temperature
from spinlib.magnons._evolve import Occupation, evolve, nodal, occupation_at_start, warn_of_limits
from spinlib.magnons._quadrature import expansion
from spinlib.magnons._times import record_times
from spinlib.magnons.band import MagnonBand
from spinlib.units import hbar, k_B

__all__ = [
    "Demagnetization",
    "Ferromagnet",
    "feedback_coefficient",
    "occupation_rate",
    "simulate_demagnetization",
    "spin_transfer_current",
]

_Real = NDArray[np.float64]
_Rate = float | Callable[[_Real], ArrayLike]


@dataclass(frozen=True)
class Ferromagnet:
    """A metallic ferromagnet: its magnons and how itinerant electrons damp and receive them (KK 22-24).

    Args:
        band: the magnons.
        alpha: Gilbert damping, >= 0; Gamma_0 = 2 alpha.
        ultrafast_damping: alpha* = chi (epsilon_b - epsilon_0) >= 0, what scattering adds at the top of the band. From
            1 on the linewidth reaches the energy of a magnon, and a warning says so.
        feedback: rho [J m^3] of KK (23), the change of mu_s per density of created magnons; negative for ferromagnetic
            coupling (the paper prints the magnitude), 0 without feedback. See :func:`feedback_coefficient`.
        spin_relaxation_time: tau_s [s] in which mu_s decays to the lattice, > 0 or inf.
        exchange_feedback: the part rho_Delta of ``feedback`` that comes from the exchange splitting; only bilayers and
            spin ledgers tell it from the rest, rho_D = rho - rho_Delta <= 0.
        saturation_spin_density: S [1/m^3] in units of hbar, or None.

    Raises:
        ValueError: a number outside its range.

    >>> from spinlib.units import meV, nm, ps
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    >>> iron = Ferromagnet(band, 0.01, 0.1, feedback=-6 * meV * nm**3, spin_relaxation_time=2 * ps)
    >>> round(iron.scattering_rate(85 * meV), 12)
    0.12
    """

    band: MagnonBand
    alpha: float
    ultrafast_damping: float
    feedback: float
    spin_relaxation_time: float
    exchange_feedback: float = 0.0
    saturation_spin_density: float | None = None

    def __post_init__(self) -> None:
        instance("band", self.band, MagnonBand, "MagnonBand(gap, stiffness, bandwidth)")
        checked = {
            "alpha": number("alpha", self.alpha, not_negative),
            "ultrafast_damping": number("ultrafast_damping", self.ultrafast_damping, not_negative),
            "feedback": number("feedback", self.feedback),
            "spin_relaxation_time": positive_or_inf("spin_relaxation_time", self.spin_relaxation_time),
            "exchange_feedback": number("exchange_feedback", self.exchange_feedback),
        }
        if self.saturation_spin_density is not None:
            checked["saturation_spin_density"] = number(
                "saturation_spin_density", self.saturation_spin_density, positive
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        # rho_D = -2/D is negative whatever the coupling; rounding of the difference is forgiven.
        fine = self.feedback > 0 or self.feedback - self.exchange_feedback <= 1e-12 * abs(self.feedback)
        remedy = (
            f"feedback - exchange_feedback = -2/D is negative: pass exchange_feedback >= feedback = {self.feedback}"
        )
        require("exchange_feedback", self.exchange_feedback, fine, "leaves a positive rest of the feedback", remedy)
        if self.ultrafast_damping >= 1:
            warnings.warn(
                f"ultrafast_damping = {self.ultrafast_damping:.4g}: from 1 on the linewidth reaches the energy of the "
                "magnons, which are no good excitations any more",
                stacklevel=3,
            )

    def scattering_rate(self, energy: ArrayLike) -> float | _Real:
        """Gamma = 2 alpha + alpha* (epsilon - epsilon_0)/(epsilon_b - epsilon_0), dimensionless (KK section 3.3).

        The paper prints Gamma_0 - chi (epsilon - epsilon_0) and uses the plus sign.

        Args:
            energy: epsilon [J], any shape.

        Returns:
            Gamma of the shape of ``energy``; a magnon of that energy decays with the rate Gamma epsilon/hbar.

        Raises:
            ValueError: ``energy`` is not finite.

        >>> metal = Ferromagnet(MagnonBand(1.0, 1.0, 5.0), 0.25, 0.5, 0.0, 1.0)
        >>> metal.scattering_rate([1.0, 3.0])
        array([0.5 , 0.75])
        """
        share = (real("energy", energy) - self.band.gap) / self.band.width
        return float_or_array(2 * self.alpha + self.ultrafast_damping * share)


def feedback_coefficient(
    *,
    density_of_states_up: float,
    density_of_states_down: float,
    exchange_splitting: float,
    saturation_spin_density: float,
    coupling: str = "ferromagnetic",
) -> tuple[float, float]:
    """Return rho = -1/D_up - 1/D_down -+ Delta_xc/S of KK (23), upper sign for ferromagnetic coupling.

    One magnon takes one hbar from the itinerant electrons, which moves one of them from up to down, and it shortens
    the localised spin, whose exchange field splits the bands. The paper prints -1/D + Delta_xc/S.

    Args:
        density_of_states_up, density_of_states_down: D_up, D_down [1/(J m^3)] at the Fermi level, > 0, per spin.
        exchange_splitting: magnitude Delta_xc [J], >= 0.
        saturation_spin_density: S [1/m^3] in units of hbar, > 0.
        coupling: "ferromagnetic" or "antiferromagnetic", of s and d electrons.

    Returns:
        rho and its part rho_Delta = -+ Delta_xc/S [J m^3].

    Raises:
        ValueError: a number outside its range, or another word.

    >>> states = {"density_of_states_up": 0.5, "density_of_states_down": 0.25}
    >>> feedback_coefficient(**states, exchange_splitting=3.0, saturation_spin_density=2.0)
    (-7.5, -1.5)
    """
    up = number("density_of_states_up", density_of_states_up, positive)
    down = number("density_of_states_down", density_of_states_down, positive)
    splitting = number("exchange_splitting", exchange_splitting, not_negative)
    density = number("saturation_spin_density", saturation_spin_density, positive)
    signs = {"ferromagnetic": -1, "antiferromagnetic": 1}
    if coupling not in signs:
        raise ValueError(f"coupling = {coupling!r} is not known: pass 'ferromagnetic' or 'antiferromagnetic'")
    exchange = signs[coupling] * splitting / density
    return -1 / up - 1 / down + exchange, exchange


def occupation_rate(
    scattering_rate: ArrayLike,
    energy: ArrayLike,
    occupation: ArrayLike,
    temperature: ArrayLike,
    spin_accumulation: ArrayLike,
) -> float | _Real:
    """Return dn/dt = (Gamma/hbar)(epsilon - mu_s)[n_BE(epsilon - mu_s) - n] (KK 24), also at epsilon <= mu_s.

    Args:
        scattering_rate: Gamma >= 0, dimensionless, or Gamma_i [m] of an interface.
        energy: epsilon [J].
        occupation: n >= 0.
        temperature: T_s [K] of the electrons, > 0.
        spin_accumulation: mu_s [J].

    Returns:
        The rate [1/s], or [m/s] for an interface, of the shape that the arguments broadcast to. Where epsilon = mu_s,
        n_BE has a pole and the rate the value Gamma k_B T_s/hbar.

    Raises:
        ValueError: an argument is not finite or outside its range.

    >>> round(occupation_rate(0.5, 1.0, 7.0, 3 / k_B, 1.0) * hbar, 12)
    1.5
    """
    rate, level, n, kelvin, mu = together(
        scattering_rate=not_negative("scattering_rate", scattering_rate),
        energy=real("energy", energy),
        occupation=not_negative("occupation", occupation),
        temperature=positive("temperature", temperature),
        spin_accumulation=real("spin_accumulation", spin_accumulation),
    )
    return float_or_array(rate / hbar * (k_B * kelvin * _phi((level - mu) / (k_B * kelvin)) - (level - mu) * n))


def _phi(y: _Real) -> _Real:
    """Return y/(exp(y) - 1) without its pole."""
    small = np.abs(y) < 1e-5
    size = np.where(small, 1.0, np.abs(y))
    value = size * np.exp(-size) / -np.expm1(-size)  # of |y|
    value = np.where(small, 1 - np.abs(y) / 2 + y**2 / 12, value)
    return np.asarray(value + np.maximum(-y, 0.0))  # phi(-y) = phi(y) + y


def spin_transfer_current(
    band: MagnonBand,
    scattering_rate: _Rate,
    occupation: Occupation,
    temperature: float,
    spin_accumulation: float,
    points: int = 64,
) -> float:
    """Return I = integral of Gamma (epsilon - mu) D [n_BE(epsilon - mu) - n] over the band (KK 22, KK 26).

    Args:
        band: the magnons.
        scattering_rate: Gamma >= 0, a number or function of the energy: dimensionless in the bulk, [m] at an interface.
        occupation: n >= 0: a number, its values ``(points,)`` at the nodes, or a function of the energy.
        temperature: T_s or T_N [K] of the electrons, > 0.
        spin_accumulation: mu_s or mu_N at the interface [J].
        points: number of nodes.

    Returns:
        I_sd [J/m^3] or I_i [J/m^2]; I/hbar is the rate. Positive creates magnons.

    Raises:
        ValueError: an argument is not finite or outside its range.

    >>> band = MagnonBand(gap=1.0, stiffness=1.0, bandwidth=5.0)
    >>> current = spin_transfer_current(band, lambda e: 0.25 * (e - 1), 0.0, 1e9 / k_B, 0.0)
    >>> round(current / (0.6 * band.mode_density * 1e9), 6)  # 3/5 of the largest rate
    1.0
    """
    instance("band", band, MagnonBand, "MagnonBand(gap, stiffness, bandwidth)")
    energy, weight = band.quadrature(points)
    gamma, n = nodal("scattering_rate", scattering_rate, energy), nodal("occupation", occupation, energy)
    kelvin, mu = number("temperature", temperature, positive), number("spin_accumulation", spin_accumulation)
    return float(weight @ np.asarray(occupation_rate(gamma, energy, n, kelvin, mu)) * hbar)


@dataclass(frozen=True, repr=False)
class Demagnetization(Table):
    """Magnons and spin accumulation in time; returned by :func:`simulate_demagnetization`.

    Args:
        band: the magnons.
        time: ``(T,)`` [s].
        energy, weight: ``(N,)`` [J] and [1/m^3], those of ``band.quadrature``.
        occupation: n ``(T, N)``.
        spin_accumulation: mu_s ``(T,)`` [J].
        magnon_density: n_d ``(T,)`` [1/m^3]; S_z = n_d - S.
        electron_temperature: T_s ``(T,)`` [K].
        runaway_time: when mu_s passed 1000 bandwidths [s], or None.

    >>> metal = Ferromagnet(MagnonBand(1e-21, 1e-40, 1e-20), 0.01, 0.1, -1e-48, 1e-12)
    >>> simulate_demagnetization(metal, 600.0, [0.0, 1e-12], initial_temperature=300.0)
    Demagnetization(2 times, 32 energies, n_d 6.17e+27 to 9.92e+27 m^-3, mu_s -1.77e-21 to 0 J)
    """

    band: MagnonBand
    time: _Real
    energy: _Real
    weight: _Real
    occupation: _Real
    spin_accumulation: _Real
    magnon_density: _Real
    electron_temperature: _Real
    runaway_time: float | None

    _columns: ClassVar[tuple[str, ...]] = ("time", "spin_accumulation", "magnon_density", "electron_temperature")
    _units: ClassVar[Mapping[str, str]] = {
        "time": "s", "spin_accumulation": "J", "magnon_density": "m^-3", "electron_temperature": "K"
    }  # fmt: skip

    def __repr__(self) -> str:
        ends = [
            (array.min(initial=inf), array.max(initial=-inf)) for array in (self.magnon_density, self.spin_accumulation)
        ]
        text = "n_d {:.3g} to {:.3g} m^-3, mu_s {:.3g} to {:.3g} J".format(*ends[0], *ends[1])
        end = "" if self.runaway_time is None else f", runaway at {self.runaway_time:.4g} s"
        return f"{type(self).__name__}({len(self.time)} times, {len(self.energy)} energies, {text}{end})"

    def occupation_at(self, energy: ArrayLike) -> _Real:
        """Return n at any energy of the band, by the polynomial in the wavenumber through the nodes.

        Args:
            energy: epsilon [J], any shape.

        Returns:
            n, ``(T,)`` + the shape of ``energy``.

        Raises:
            ValueError: an energy outside the band.

        >>> metal = Ferromagnet(MagnonBand(1e-21, 1e-40, 1e-20), 0.01, 0.1, -1e-48, 1e-12)
        >>> run = simulate_demagnetization(metal, 1e-20 / k_B, [0.0, 1e-12])
        >>> [round(float(n), 9) for n in run.occupation_at(1e-20 * np.log(2))]  # in equilibrium 1/(2 - 1)
        [1.0, 1.0]
        """
        asked, band = real("energy", energy), self.band
        inside = (asked >= band.gap * (1 - 1e-12)) & (asked <= band.bandwidth * (1 + 1e-12))
        remedy = f"pass {band.gap:.6g} J <= energy <= {band.bandwidth:.6g} J"
        require("energy", asked, inside, "is outside the band", remedy)
        q = np.sqrt(np.clip((asked - band.gap) / band.width, 0.0, 1.0))
        return np.asarray(legendre.legval(2 * q - 1, expansion(self.occupation.T)))


def simulate_demagnetization(
    ferromagnet: Ferromagnet,
    temperature: Temperature,
    times: ArrayLike,
    *,
    initial_temperature: float | None = None,
    initial_occupation: Occupation | None = None,
    initial_spin_accumulation: float = 0.0,
    breakpoints: ArrayLike = (),
    points: int = 32,
    rtol: float = 1e-8,
    allow_runaway: bool = False,
) -> Demagnetization:
    """Solve d mu_s/dt = -mu_s/tau_s + rho I_sd/hbar and KK (24) for given electron temperature (KK 23, 24).

    Collocation of order 13 in time on a spectral grid of energies: with the defaults the records are good to 1e-8 of
    their largest value if all kinks are in ``breakpoints``, else to 1e-6. No occupation is negative, and
    n_d - mu_s/rho changes by the relaxation of mu_s alone, to rounding.

    Args:
        ferromagnet: the magnet.
        temperature: T_s [K] of the electrons: a number, or a function of an array of times [s] alone, not of earlier
            calls. Its jumps, and pulses shorter than a thousandth of the whole time into which no record falls, must
            be in its attribute ``breakpoints`` or the argument of that name; kinks should be.
        times: of the records ``(T,)`` [s], strictly increasing; the first is the start.
        initial_temperature: of the magnons at the start [K]; by default that of the electrons.
        initial_occupation: n >= 0 at the start instead: a number, values ``(points,)`` at the nodes, or a function of
            the energy. A run is continued from ``occupation[-1]`` and ``spin_accumulation[-1]``.
        initial_spin_accumulation: mu_s at the start [J].
        breakpoints: times at which the temperature or its slope jumps [s].
        points: number of nodes of the energy.
        rtol: error that one step may have, as a share of the largest occupation and accumulation, >= 1e-13.
        allow_runaway: accept a positive ``feedback``. The records then end before ``runaway_time``.

    Returns:
        The records.

    Raises:
        ValueError: an argument outside its range, or a positive ``feedback`` without ``allow_runaway``.
        RuntimeError: no step is short enough, as for a temperature with noise, for times so far from 0 that their
            rounding counts, or for a runaway too fast for that rounding.

    >>> from spinlib.units import meV, nm, ps
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=k_B * 1000)
    >>> metal = Ferromagnet(band, 0.01, 0.1, feedback=-6 * meV * nm**3, spin_relaxation_time=np.inf)
    >>> run = simulate_demagnetization(metal, 1000.0, [0, 1 * ps], initial_temperature=100.0)
    >>> kept = run.magnon_density - run.spin_accumulation / metal.feedback
    >>> bool(abs(kept[1] - kept[0]) < 1e-12 * run.magnon_density[1])
    True
    """
    feedback = instance("ferromagnet", ferromagnet, Ferromagnet, "Ferromagnet(band, alpha, ...)").feedback
    remedy = "ferromagnetic coupling has feedback < 0 (KK prints |rho|); allow_runaway=True shows the instability"
    require("feedback", feedback, feedback <= 0 or bool(allow_runaway), "makes the accumulation run away", remedy)
    record = record_times(times)
    bath = Bath.of("temperature", temperature, breakpoints)
    band = ferromagnet.band
    energy, weight = band.quadrature(points)
    n = occupation_at_start(band, points, bath, record[0], initial_temperature, initial_occupation)
    unit = band.bandwidth
    system = (
        energy / unit,
        np.asarray(ferromagnet.scattering_rate(energy))[None] * unit / hbar,
        weight / band.mode_density,
        np.array([1 / ferromagnet.spin_relaxation_time]),
        np.array([[feedback * band.mode_density / unit]]),
        np.zeros(1),
        np.ones((1, 1)),
    )
    c = np.array([number("initial_spin_accumulation", initial_spin_accumulation) / unit])
    limit = 1000.0 if feedback > 0 else inf
    result = evolve(system, n, c, [bath], band.gap / unit, unit, record, rtol, limit)
    record = record[: len(result.n)]
    density, kelvin = result.n @ weight, result.kelvin[:, 0].copy()
    warn_of_limits(band, kelvin, density, ferromagnet.saturation_spin_density)
    return Demagnetization(
        band, record, energy, weight, result.n, result.c[:, 0] * unit, density, kelvin, result.runaway
    )
