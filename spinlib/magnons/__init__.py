"""Magnons far from equilibrium with itinerant electrons (KK 20-26).

:mod:`~spinlib.magnons.band`, :mod:`~spinlib.magnons.kinetics`, :mod:`~spinlib.magnons.interface` and
:mod:`~spinlib.magnons.temperature_models`; importing the package imports none of them.

The localised spins point along -z at rest, and a magnon raises their spin by one hbar. The spin accumulation
mu_s = delta mu_up - delta mu_down [J] of the itinerant electrons counts up along +z, so against the localised spins:
"up" is the minority for ferromagnetic coupling. An electron that flips from up to down emits a magnon, and magnons
seek the chemical potential mu_s.
"""

__all__: list[str] = []
