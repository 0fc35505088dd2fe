"""Spin transfer, spin pumping, spin diffusion and ultrafast magnons, as five papers derive them.

The package is a set of rooms that are imported one by one; importing ``spinlib`` imports none of them:

>>> from spinlib.scattering.stack import ferromagnet, normal_metal, transport

Quantities are SI floats, except in ``scattering`` (per channel) and ``lattice`` (units of the hopping). Multiply by a
unit of :mod:`spinlib.units` on the way in, divide on the way out.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
