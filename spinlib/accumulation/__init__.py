"""Spin accumulation of conduction electrons that precess about a magnetic texture (RHP).

The accumulation m, its equilibrium value m_eq along the local spins and its current j along x obey in the steady state

j + tau H x j = -D d(m - m_eq)/dx + drift M,    dj/dx = -(m - m_eq)/tau_sf - H x (m - m_eq) + source.

RHP (71) has dm/dx: it leaves out the force of an inhomogeneous field on a spin, without which electrons in a texture at
rest would not be in equilibrium. Where m_eq is constant the two are the same. ``SpinStructure(exchange_force=False)``
has the printed law.

Every arrow is a *spin*: a magnet of ``circuit`` or ``dynamics`` along the moment m points along -m here. The
precession vector is H = omega M + omega_B [rad/s], M the direction of the local spins, omega the exchange frequency.
m may have any unit, hbar/m^3 by default; j has that unit times m/s.
"""

from spinlib.accumulation.boundary_value import solve_accumulation
from spinlib.accumulation.closed_forms import (
    decay_rate,
    exchange_diffusion_tensor,
    hanle_signal,
    sd_damping,
    step_interface_accumulation,
    transverse_wavenumber,
)
from spinlib.accumulation.evolution import evolve_accumulation
from spinlib.accumulation.medium import DiffusiveMedium
from spinlib.accumulation.result import SpinAccumulation
from spinlib.accumulation.structure import Boundary, Layer, SpinStructure
from spinlib.accumulation.textures import bilayer, ring, wall

__all__ = [
    "Boundary",
    "DiffusiveMedium",
    "Layer",
    "SpinAccumulation",
    "SpinStructure",
    "bilayer",
    "decay_rate",
    "evolve_accumulation",
    "exchange_diffusion_tensor",
    "hanle_signal",
    "ring",
    "sd_damping",
    "solve_accumulation",
    "step_interface_accumulation",
    "transverse_wavenumber",
    "wall",
]
