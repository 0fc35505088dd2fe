"""A metal in which spins diffuse and precess (RHP 66-75; names from :mod:`spinlib.accumulation`)."""

from dataclasses import dataclass
from math import inf

import numpy as np

from spinlib._validate import not_negative, number, positive, positive_or_inf, require
from spinlib.units import hbar

__all__ = ["DiffusiveMedium"]


@dataclass(frozen=True)
class DiffusiveMedium:
    """A homogeneous metal: how its electrons diffuse, lose their spin and precess about the local spins (RHP 66-68).

    Args:
        diffusivity: D = v_F^2 tau/3 [m^2/s], > 0 (RHP 68).
        spin_relaxation_time: tau_sf [s], > 0 or inf; the accumulation decays as exp(-t/tau_sf).
        momentum_time: tau [s], 1/tau = 1/tau_sf + 1/tau_p, 0 <= tau <= tau_sf; the time in which the spin current
            loses its memory. 0 is the limit of Fick's law (RHP 70).
        exchange_splitting: lambda S [J], the full distance of the levels -+lambda S/2 of the s-d coupling (RHP 13);
            negative for electrons that are polarised against the local spins.
        density_of_states: nu > 0 per spin, in 1/(J m^3) or relative to another medium; (m - m_eq)/nu is continuous.

    Raises:
        ValueError: a number outside its range.

    >>> metal = DiffusiveMedium(diffusivity=4e-3, spin_relaxation_time=1e-12)
    >>> round(metal.spin_diffusion_length, 12), metal.mean_free_path
    (6.3246e-08, 0.0)
    """

    diffusivity: float
    spin_relaxation_time: float
    momentum_time: float = 0.0
    exchange_splitting: float = 0.0
    density_of_states: float = 1.0

    def __post_init__(self) -> None:
        for name, value in {
            "diffusivity": number("diffusivity", self.diffusivity, positive),
            "spin_relaxation_time": positive_or_inf("spin_relaxation_time", self.spin_relaxation_time),
            "momentum_time": number("momentum_time", self.momentum_time, not_negative),
            "exchange_splitting": number("exchange_splitting", self.exchange_splitting),
            "density_of_states": number("density_of_states", self.density_of_states, positive),
        }.items():
            object.__setattr__(self, name, value)
        longest = self.spin_relaxation_time
        problem = f"exceeds spin_relaxation_time = {longest:.4g}"
        remedy = f"1/tau = 1/tau_sf + 1/tau_p, so pass 0 <= momentum_time <= {longest:.4g} s"
        require("momentum_time", self.momentum_time, self.momentum_time <= longest, problem, remedy)

    @property
    def exchange_frequency(self) -> float:
        """omega = lambda S/hbar [rad/s], with the sign of the splitting."""
        return self.exchange_splitting / hbar

    @property
    def precession_angle(self) -> float:
        """a = omega tau [rad], the angle of precession within the momentum time (RHP 90)."""
        return self.exchange_frequency * self.momentum_time

    @property
    def spin_diffusion_length(self) -> float:
        """l = sqrt(D tau_sf) [m], the decay length along the local spins."""
        return float(np.sqrt(self.diffusivity * self.spin_relaxation_time))

    @property
    def fermi_velocity(self) -> float:
        """v_F = sqrt(3 D/tau) [m/s] (RHP 68); inf at tau = 0."""
        return float(np.sqrt(3 * self.diffusivity / self.momentum_time)) if self.momentum_time else inf

    @property
    def mean_free_path(self) -> float:
        """v_F tau = sqrt(3 D tau) [m]."""
        return float(np.sqrt(3 * self.diffusivity * self.momentum_time))
