"""Hypothesis draws the same examples on every machine and in every run; how fast a machine is proves nothing.

A plugin (``pytest -p tests.examples``) where the conftest of the house is not in force.
"""

from hypothesis import settings
from hypothesis.internal.conjecture import providers

__all__: list[str] = []

# Hypothesis also draws constants that it finds in the sources of what is imported: an import, or a number that changes
# anywhere, would change all examples. Older versions have no such list.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants

settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.load_profile("house")
