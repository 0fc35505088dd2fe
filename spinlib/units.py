"""SI values of units and constants: multiply on the way in, divide on the way out.

Every quantity of the package is an SI float, so T, A, K, m, s, J and rad are 1 and have no name here.
A compound unit is a product, for example ``0.6 * meV * nm**2``.

========================  =======================================================================
``eV, meV``               energy [J]
``angstrom, nm, um``      length [m]
``fs, ps, ns``            time [s]
``GHz, THz``              frequency [Hz]; an angular frequency is 2 pi times it
``mT``, ``mA``            field [T], current [A]
``oersted``               mu_0 H of one oersted [T]; a field H in A/m is mu_0 H in T
``emu_per_cm3``           magnetisation [A/m]
``e``                     elementary charge [C], positive; an electron carries -e
``h, hbar``               Planck constant and reduced Planck constant [J s]
``k_B``                   Boltzmann constant [J/K]
``m_e``                   electron mass [kg]
``mu_0``, ``mu_B``        vacuum permeability [T m/A], Bohr magneton [J/T]
``gyromagnetic_ratio``    of the free electron, positive [rad/(s T)]
``e2_over_h``             conductance of one spin-resolved channel [S], half the "conductance quantum"
========================  =======================================================================

>>> from spinlib.units import meV, nm
>>> stiffness = 0.5 * meV * nm**2
>>> float(stiffness / (meV * nm**2))
0.5
"""

# ruff: noqa: N816 - the symbols of units and constants keep their case

from typing import Final

from scipy import constants

__all__ = [
    "GHz",
    "THz",
    "angstrom",
    "e",
    "e2_over_h",
    "eV",
    "emu_per_cm3",
    "fs",
    "gyromagnetic_ratio",
    "h",
    "hbar",
    "k_B",
    "mA",
    "mT",
    "m_e",
    "meV",
    "mu_0",
    "mu_B",
    "nm",
    "ns",
    "oersted",
    "ps",
    "um",
]

e: Final[float] = constants.e
h: Final[float] = constants.h
hbar: Final[float] = constants.hbar
k_B: Final[float] = constants.k
m_e: Final[float] = constants.m_e
mu_0: Final[float] = constants.mu_0
mu_B: Final[float] = constants.value("Bohr magneton")
gyromagnetic_ratio: Final[float] = constants.value("electron gyromag. ratio")
e2_over_h: Final[float] = e**2 / h

eV: Final[float] = constants.eV
meV: Final[float] = 1e-3 * eV
angstrom: Final[float] = 1e-10
nm: Final[float] = 1e-9
um: Final[float] = 1e-6
fs: Final[float] = 1e-15
ps: Final[float] = 1e-12
ns: Final[float] = 1e-9
GHz: Final[float] = 1e9
THz: Final[float] = 1e12
mT: Final[float] = 1e-3
mA: Final[float] = 1e-3
oersted: Final[float] = 1e-4
emu_per_cm3: Final[float] = 1e3
