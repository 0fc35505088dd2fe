"""Magnons of a ferromagnet that meet the electrons of a normal metal at their interface (KK 26)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import (
    float_or_array,
    instance,
    integer,
    not_negative,
    number,
    positive,
    positive_or_inf,
    real,
    require,
)
from spinlib.magnons._bath import Bath, Temperature
from spinlib.magnons._evolve import evolve, nodal, occupation_at_start, warn_of_limits
from spinlib.magnons._quadrature import bose, graded, unit_interval
from spinlib.magnons._times import record_times
from spinlib.magnons.band import MagnonBand
from spinlib.magnons.kinetics import Demagnetization, Ferromagnet
from spinlib.units import e2_over_h, hbar, k_B

__all__ = [
    "BilayerDemagnetization",
    "MagnonInterface",
    "NormalMetal",
    "simulate_bilayer",
    "spin_seebeck_coefficient",
]

_Real = NDArray[np.float64]

_FAR = 36.0  # exp(-36) is rounding


@dataclass(frozen=True)
class MagnonInterface:
    """An interface at which electrons of a normal metal flip and create or absorb magnons (KK 26).

    Args:
        mixing_conductance: (e^2/h) g*, real, >= 0, per area [S/m^2], a number or a function of the energy [J]; the real
            part of ``mixing`` of an interface of :mod:`spinlib.circuit`, per area.
        saturation_spin_density: S [1/m^3] in units of hbar, > 0.
        mode_factor: eta, 0 < eta <= 2: 2 for standing waves with a free surface, so for thermal magnons (as printed),
            1 for the uniform mode.
        spin_conductance: G_s [1/(J m^2 s)], >= 0: electrons that cross with their spin,
            J_e = G_s (mu_s - mu_N). Not in the paper. With isolated layers it is G_up G_down/[e^2 (G_up + G_down)] per
            area, since no charge crosses.

    Raises:
        ValueError: a number outside its range.

    >>> surface = MagnonInterface(20e18 * e2_over_h, saturation_spin_density=43e27)
    >>> round(surface.scattering_rate(1e-21) * np.pi * 43e27 / 20e18, 12)
    1.0
    """

    mixing_conductance: float | Callable[[_Real], ArrayLike]
    saturation_spin_density: float
    mode_factor: float = 2.0
    spin_conductance: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.mixing_conductance):
            real_part = number("mixing_conductance", self.mixing_conductance, not_negative)
            object.__setattr__(self, "mixing_conductance", real_part)
        for name, rule in {
            "saturation_spin_density": positive,
            "mode_factor": positive,
            "spin_conductance": not_negative,
        }.items():
            object.__setattr__(self, name, number(name, getattr(self, name), rule))
        remedy = "pass 0 < mode_factor <= 2: 1 for the uniform mode, 2 for standing waves"
        require("mode_factor", self.mode_factor, self.mode_factor <= 2, "is above 2", remedy)

    def scattering_rate(self, energy: ArrayLike) -> float | _Real:
        """Gamma_i = eta g*/(2 pi S) [m] (KK section 3.3, printed for eta = 2).

        Args:
            energy: epsilon [J], any shape.

        Returns:
            Gamma_i [m] of the shape of ``energy``; divided by the thickness it compares with Gamma of the bulk.

        Raises:
            ValueError: ``mixing_conductance`` returns a negative number or another shape.

        >>> surface = MagnonInterface(lambda energy: e2_over_h * np.pi * energy, 2.0)
        >>> surface.scattering_rate([1.0, 2.0])
        array([0.5, 1. ])
        """
        energies = real("energy", energy)
        g = nodal("mixing_conductance", self.mixing_conductance, energies) / e2_over_h
        return float_or_array(self.mode_factor * g / (2 * np.pi * self.saturation_spin_density))


@dataclass(frozen=True)
class NormalMetal:
    """A normal metal in which spins diffuse and relax.

    Args:
        diffusivity: D_N [m^2/s], > 0.
        spin_relaxation_time: tau_N [s], > 0 or inf; mu_N decays as exp(-t/tau_N).
        density_of_states: g_N per spin [1/(J m^3)], > 0; rho_N = -2/g_N.
        thickness: L_N [m], > 0; the far end reflects.

    Raises:
        ValueError: a number outside its range.

    >>> metal = NormalMetal(2e-4, 2e-14, 4.6e47, 20e-9)
    >>> round(metal.spin_diffusion_length, 12)
    2e-09
    """

    diffusivity: float
    spin_relaxation_time: float
    density_of_states: float
    thickness: float

    def __post_init__(self) -> None:
        for name in ("diffusivity", "density_of_states", "thickness"):
            object.__setattr__(self, name, number(name, getattr(self, name), positive))
        lifetime = positive_or_inf("spin_relaxation_time", self.spin_relaxation_time)
        object.__setattr__(self, "spin_relaxation_time", lifetime)

    @property
    def spin_diffusion_length(self) -> float:
        """lambda = sqrt(D_N tau_N) [m]."""
        return float(np.sqrt(self.diffusivity * self.spin_relaxation_time))

    @property
    def feedback(self) -> float:
        """rho_N = -2/g_N [J m^3], the change of mu_N per density of magnons that the metal has created."""
        return -2 / self.density_of_states


def spin_seebeck_coefficient(band: MagnonBand, interface: MagnonInterface, temperature: ArrayLike) -> float | _Real:
    """Return S = d I_i/d T_N at equal temperatures and mu_N = 0 (KK section 3.3, printed with a time derivative).

    S = integral of Gamma_i epsilon D dn_BE/dT, on a grid graded towards the gap: k_B T may be far below the bandwidth.

    Args:
        band: the magnons.
        interface: the interface.
        temperature: T [K] of magnons and electrons, > 0.

    Returns:
        S [J/(m^2 K)] of the shape of ``temperature``. T times it is the Peltier coefficient: the heat that magnons
        receive from electrons of N per accumulation mu_N [J/(m^2 J)].

    Raises:
        ValueError: ``temperature`` is not positive.

    >>> flat = MagnonInterface(np.pi * e2_over_h, saturation_spin_density=1.0)  # Gamma_i = 1 m
    >>> band = MagnonBand(gap=1.0, stiffness=1.0, bandwidth=2.0)
    >>> seebeck = spin_seebeck_coefficient(band, flat, 1e6 / k_B)
    >>> round(seebeck / (k_B * band.mode_density), 9)  # every mode gives k_B
    1.0
    """
    instance("band", band, MagnonBand, "MagnonBand(gap, stiffness, bandwidth)")
    instance("interface", interface, MagnonInterface, "MagnonInterface(mixing_conductance, saturation_spin_density)")
    kelvin = positive("temperature", temperature)
    below, above = band.gap / (k_B * kelvin), band.width / (k_B * kelvin)
    x, weight = graded(below, above)
    rate = np.asarray(interface.scattering_rate(band.gap + band.width * x))
    y = below[..., None] + above[..., None] * x
    heat = y**2 * bose(y) * (1 + bose(y))  # epsilon dn_BE/dT in units of k_B
    return float_or_array(1.5 * k_B * band.mode_density * np.sum(weight * rate * heat, axis=-1))


@dataclass(frozen=True, repr=False)
class BilayerDemagnetization(Demagnetization):
    """A :class:`Demagnetization` beside a normal metal; returned by :func:`simulate_bilayer`.

    Args:
        band, time, energy, weight, occupation, spin_accumulation, magnon_density, electron_temperature, runaway_time:
            as of :class:`Demagnetization`, in the ferromagnet; nothing runs away.
        interface_spin_accumulation: mu_N at the interface ``(T,)`` [J].
        position: x ``(X,)`` [m] in the metal, increasing from the interface, as far as spins come.
        position_weight: ``(X,)`` [m]; ``normal_spin_accumulation @ position_weight`` is the integral over the metal.
        normal_spin_accumulation: mu_N ``(T, X)`` [J].
        normal_temperature: T_N ``(T,)`` [K].

    >>> from spinlib.magnons.interface import simulate_bilayer
    >>> metal = Ferromagnet(MagnonBand(1e-21, 1e-40, 1e-20), 0.01, 0.1, -1e-48, 1e-12)
    >>> surface, sink = MagnonInterface(1e15, 4e28), NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
    >>> run = simulate_bilayer(metal, surface, sink, 5e-9, 300.0, 600.0, [0.0, 1e-12])
    >>> bool(run.interface_spin_accumulation[-1] < 0 < run.spin_accumulation[-1])  # N heats F
    True
    """

    interface_spin_accumulation: _Real
    position: _Real
    position_weight: _Real
    normal_spin_accumulation: _Real
    normal_temperature: _Real

    _columns: ClassVar[tuple[str, ...]] = (
        *Demagnetization._columns,
        "interface_spin_accumulation",
        "normal_temperature",
    )
    _units: ClassVar[Mapping[str, str]] = {
        **Demagnetization._units,
        "interface_spin_accumulation": "J",
        "normal_temperature": "K",
    }


def simulate_bilayer(
    ferromagnet: Ferromagnet,
    interface: MagnonInterface,
    normal_metal: NormalMetal,
    thickness: float,
    ferromagnet_temperature: Temperature,
    normal_temperature: Temperature,
    times: ArrayLike,
    *,
    initial_temperature: float | None = None,
    breakpoints: ArrayLike = (),
    points: int = 24,
    modes: int = 48,
    rtol: float = 1e-8,
) -> BilayerDemagnetization:
    """Solve KK (23), (24) and (26) for a ferromagnet on a normal metal in which the spin accumulation diffuses.

    dn/dt gains (Gamma_i/d_F)(epsilon - mu_N)[n_BE(epsilon - mu_N; T_N) - n]/hbar, and in the metal

        d mu_N/dt = D_N d^2 mu_N/dx^2 - mu_N/tau_N,    -D_N d mu_N/dx = rho_N (I_i/hbar - J_e) at x = 0.

    Not in the paper, and zero unless asked for: magnons that N creates shift the splitting in F
    (``exchange_feedback``), and electrons carry spin across (``spin_conductance``). The metal is expanded in
    polynomials of arcsinh(x/lambda).

    Args:
        ferromagnet: the magnet; a positive feedback is refused.
        interface: what couples its magnons to the metal.
        normal_metal: the metal.
        thickness: d_F [m] of the ferromagnet, > 0, so thin that n and mu_s do not depend on the position.
        ferromagnet_temperature, normal_temperature: T_s and T_N [K] of the electrons on the two sides: a number, or a
            function of an array of times [s] alone, not of earlier calls. Jumps, and pulses shorter than a thousandth
            of the whole time into which no record falls, must be in its ``breakpoints``; kinks should be.
        times: of the records ``(T,)`` [s], strictly increasing; the first is the start.
        initial_temperature: of the magnons at the start [K]; by default that of the ferromagnet.
        breakpoints: times at which a temperature or its slope jumps [s].
        points: number of nodes of the energy.
        modes: number of polynomials in the metal.
        rtol: error that one step may have, as a share of the largest occupation and accumulation, >= 1e-13.

    Returns:
        The records; with the defaults good to 1e-6 of their largest value.

    Raises:
        ValueError: an argument outside its range.
        RuntimeError: no step is short enough, as for a temperature with noise, or for times so far from 0 that their
            rounding counts.

    >>> metal = Ferromagnet(MagnonBand(1e-21, 1e-40, 1e-20), 0.01, 0.1, -1e-48, 1e-12)
    >>> surface, sink = MagnonInterface(1e15, 4e28), NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
    >>> run = simulate_bilayer(metal, surface, sink, 5e-9, 300.0, 300.0, [0.0, 1e-12])
    >>> bool(abs(run.magnon_density[1] / run.magnon_density[0] - 1) < 1e-12)  # equilibrium
    True
    """
    for name, value, kind in (
        ("ferromagnet", ferromagnet, Ferromagnet),
        ("interface", interface, MagnonInterface),
        ("normal_metal", normal_metal, NormalMetal),
    ):
        instance(name, value, kind, "one from spinlib.magnons")
    feedback = ferromagnet.feedback
    remedy = "pass feedback <= 0; simulate_demagnetization shows the instability of a positive one"
    require("feedback", feedback, feedback <= 0, "makes the accumulation run away", remedy)
    d_F = number("thickness", thickness, positive)
    record = record_times(times)
    warm = Bath.of("ferromagnet_temperature", ferromagnet_temperature, breakpoints)
    beside = Bath.of("normal_temperature", normal_temperature)
    band, unit = ferromagnet.band, ferromagnet.band.bandwidth
    energy, weight = band.quadrature(points)
    n = occupation_at_start(band, points, warm, record[0], initial_temperature, None)
    depth, position, position_weight, values, at_interface, decay = _diffusion_modes(
        normal_metal, modes, record[-1] - record[0]
    )
    # Spins are counted per volume of the ferromagnet and mode of the band.
    to_metal = normal_metal.feedback * d_F * band.mode_density / (unit * depth) * at_interface
    to_magnet = np.array([feedback, ferromagnet.exchange_feedback]) * band.mode_density / unit
    drive = np.zeros((modes + 1, 2))
    drive[0] = to_magnet
    drive[1:, 1] = to_metal
    crossing = interface.spin_conductance * unit / (d_F * band.mode_density)
    system = (
        energy / unit,
        np.array([ferromagnet.scattering_rate(energy), interface.scattering_rate(energy) / d_F]) * unit / hbar,
        weight / band.mode_density,
        np.concatenate([[1 / ferromagnet.spin_relaxation_time], decay]),
        drive,
        crossing * np.concatenate([[to_magnet[0] - to_magnet[1]], -to_metal]),
        np.array([[1.0] + modes * [0.0], [0.0, *at_interface]]),
    )
    result = evolve(system, n, np.zeros(modes + 1), [warm, beside], band.gap / unit, unit, record, rtol)
    density, (kelvin, other) = result.n @ weight, result.kelvin.T.copy()
    warn_of_limits(band, np.minimum(kelvin, other), density, ferromagnet.saturation_spin_density)
    accumulation = result.c[:, 1:] * unit
    return BilayerDemagnetization(
        band, record, energy, weight, result.n, result.c[:, 0] * unit, density, kelvin, None,
        accumulation @ at_interface, position, position_weight, accumulation @ values.T, other,
    )  # fmt: skip


def _diffusion_modes(
    metal: NormalMetal, modes: int, duration: float
) -> tuple[float, _Real, _Real, _Real, _Real, _Real]:
    """Return the depth, positions and weights, mode values ``(X, M)`` there and at the interface, decay rates [1/s].

    The modes are the best that polynomials of u, x = length sinh u, can do for closed ends, with the mean square 1. A
    current through x = 0 drives all of them; their sum has the slope that belongs to it. A thick metal is followed as
    far as spins come: within ``length`` they relax, or the time is over.
    """
    from scipy.linalg import eigh  # only those who solve pay for the import

    count = integer("modes", modes, 2)
    length = min(metal.spin_diffusion_length, metal.thickness, float(np.sqrt(metal.diffusivity * duration)))
    reach = min(metal.thickness, _FAR * length)
    end = np.arcsinh(reach / length)
    q, weight = unit_interval(count + 32)
    u = end * q
    basis = legendre.legvander(2 * q - 1, count - 1)
    slopes = legendre.legval(2 * q - 1, legendre.legder(np.eye(count), axis=0)).T * 2 / end
    stretch = length * np.cosh(u)  # dx/du
    volume = end * weight * stretch
    mass = (basis * volume[:, None]).T @ basis / reach
    stiffness = (slopes * (volume / stretch**2)[:, None]).T @ slopes / reach
    wavenumber_squared, vectors = eigh(stiffness, mass)
    wavenumber_squared[0] = 0.0  # the constant
    decay = metal.diffusivity * wavenumber_squared + 1 / metal.spin_relaxation_time
    node, node_weight = unit_interval(count)
    at_node = end * node
    position = length * np.sinh(at_node)
    position_weight = end * node_weight * length * np.cosh(at_node)
    return (
        reach,
        position,
        position_weight,
        legendre.legvander(2 * node - 1, count - 1) @ vectors,
        legendre.legvander(np.array([-1.0]), count - 1)[0] @ vectors,
        decay,
    )
