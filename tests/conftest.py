"""Tests run in the environment of the house, also when pytest is started by hand."""

import os

from hypothesis import settings

from tools.isolation import FOREIGN, VENV, environment

# Before anything imports numba or matplotlib: they read their settings once.
_wanted = environment()
if os.environ.get("PATH", "").split(os.pathsep)[0] == str(VENV / "bin"):
    del _wanted["PATH"]
for _name in set(os.environ) - set(_wanted):
    # pytest tells its workers who they are by such variables.
    if _name.startswith(FOREIGN) and not _name.startswith("PYTEST_"):
        del os.environ[_name]
os.environ.update(_wanted)

# The same examples on every machine and in every run; how fast a machine is proves nothing.
settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.load_profile("house")
