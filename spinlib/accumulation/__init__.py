"""Spin accumulation of conduction electrons that precess about a magnetic texture (RHP).

The accumulation m and its current j along x obey, in the steady state,

j + tau H x j = -D dm/dx,    dj/dx = -(m - m_eq)/tau_sf - H x m.

Every arrow is a *spin*: a magnet of ``circuit`` or ``dynamics`` along the moment m points along -m here. The
precession vector is H = omega M + omega_B [rad/s], M the direction of the local spins, omega the exchange frequency.
m may have any unit, hbar/m^3 by default; j has that unit times m/s.
"""

from spinlib.accumulation.closed_forms import decay_rate, exchange_diffusion_tensor, transverse_wavenumber
from spinlib.accumulation.medium import DiffusiveMedium

__all__ = ["DiffusiveMedium", "decay_rate", "exchange_diffusion_tensor", "transverse_wavenumber"]
