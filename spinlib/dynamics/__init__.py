"""Motion of magnets: one direction at zero and at finite temperature, and domain walls (BTBK II.B, III.B; WD11).

:mod:`~spinlib.dynamics.macrospin`, :mod:`~spinlib.dynamics.stochastic` and :mod:`~spinlib.dynamics.walls`; importing
the package imports none of them.
"""

__all__: list[str] = []
