"""Motion of magnets: one direction at zero and at finite temperature, and walls (BTBK II.B, III.B; WD11; WD04 III).

:mod:`~spinlib.dynamics.macrospin`, :mod:`~spinlib.dynamics.stochastic`, :mod:`~spinlib.dynamics.thermodynamic`,
:mod:`~spinlib.dynamics.fokker_planck` and :mod:`~spinlib.dynamics.walls`; importing the package imports none of them.
"""

__all__: list[str] = []
