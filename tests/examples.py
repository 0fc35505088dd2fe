"""Hypothesis draws the same examples on every machine and in every run; how fast a machine is proves nothing.

A plugin (``pytest -p tests.examples``) where the conftest of the house is not in force.
"""

from hypothesis import settings

__all__: list[str] = []

settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.load_profile("house")
