"""Spin accumulation of conduction electrons that precess about a magnetic texture (RHP).

The accumulation m, its equilibrium value m_eq along the local spins and its current j along x obey in the steady state

j + tau H x j = -D d(m - m_eq)/dx,    dj/dx = -(m - m_eq)/tau_sf - H x m.

RHP (71) has dm/dx: it leaves out the force of an inhomogeneous field on a spin, without which electrons in a texture at
rest would not be in equilibrium. Where m_eq is constant the two are the same.

Every arrow is a *spin*: a magnet of ``circuit`` or ``dynamics`` along the moment m points along -m here. The
precession vector is H = omega M + omega_B [rad/s], M the direction of the local spins, omega the exchange frequency.
m may have any unit, hbar/m^3 by default; j has that unit times m/s.
"""

from spinlib.accumulation.closed_forms import decay_rate, exchange_diffusion_tensor, transverse_wavenumber
from spinlib.accumulation.medium import DiffusiveMedium

__all__ = ["DiffusiveMedium", "decay_rate", "exchange_diffusion_tensor", "transverse_wavenumber"]
