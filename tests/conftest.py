"""Tests run in the environment of the house, also when pytest is started by hand."""

import os
import shutil
from pathlib import Path

import pytest
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


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that holds the ledger and just the pages and tests that it names."""
    from tests.book.ledger_copy import ledger_rules, sound_copy

    root = sound_copy(tmp_path_factory.mktemp("sound"))
    assert ledger_rules.problems(root) == []
    return root


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound tree, to damage."""
    return Path(shutil.copytree(sound, tmp_path / "copy"))
