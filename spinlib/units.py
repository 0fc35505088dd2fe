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

from math import pi
from typing import Final

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

# The SI defines these three; no measurement will change them.
e: Final[float] = 1.602176634e-19
h: Final[float] = 6.62607015e-34
k_B: Final[float] = 1.380649e-23
hbar: Final[float] = h / (2 * pi)
e2_over_h: Final[float] = e**2 / h

# These are measured: the first who asks for one loads the table of scipy.constants.
m_e: float
mu_0: float
mu_B: float
gyromagnetic_ratio: float
_MEASURED: Final = {
    "m_e": "electron mass",
    "mu_0": "vacuum mag. permeability",
    "mu_B": "Bohr magneton",
    "gyromagnetic_ratio": "electron gyromag. ratio",
}

eV: Final[float] = e
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


def __dir__() -> list[str]:
    """Return all names, also those of constants that nobody has asked for yet."""
    return sorted({*globals(), *_MEASURED})


def __getattr__(name: str) -> float:
    """Return a measured constant by name."""
    if name not in _MEASURED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scipy import constants

    value: float = constants.value(_MEASURED[name])
    globals()[name] = value  # from now on without a call
    return value
