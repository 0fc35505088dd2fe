"""Tests run in the environment of the house, also when pytest is started by hand."""

import gc
import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tools.isolation import FOREIGN, ROOT, VENV, environment

# Before anything imports numba or matplotlib: they read their settings once.
_wanted = environment()
if os.environ.get("PATH", "").split(os.pathsep)[0] == str(VENV / "bin"):
    del _wanted["PATH"]
for _name in set(os.environ) - set(_wanted):
    # pytest tells its workers who they are by such variables.
    if _name.startswith(FOREIGN) and not _name.startswith("PYTEST_"):
        del os.environ[_name]
# No test talks to another machine, nor does a Python that it starts: kernels of notebooks, workers, scripts.
_guard = str(ROOT / "tests" / "sockets")
_wanted["PYTHONPATH"] = os.pathsep.join([_guard, _wanted["PYTHONPATH"]])
os.environ.update(_wanted)
if _guard not in sys.path:
    sys.path.insert(0, _guard)
importlib.import_module("loopback").refuse()

importlib.import_module("tests.examples")

gc.set_threshold(50_000, 20, 50)  # a tenth of the time would go into looking for garbage among thousands of tests

_SLOW = ("test_build.py", "test_reader.py")  # about half of the time


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first: the workers then end together."""
    items.sort(key=lambda item: item.path.name not in _SLOW)


class _Schedule(LoadFileScheduling):
    """The tests of a file run in one worker, but each page of the book goes to the next one that is free."""

    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"test_reader\.py::.*?([\w/]+\.html)\]$", nodeid)
        return page[1] if page else super()._split_scope(nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Schedule | None:
    return _Schedule(config, log) if config.getoption("dist") == "loadfile" else None


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of the built pages."""
    from tools import browser

    executable = browser.chromium()
    if executable is None:
        advice = f"Chromium is not found, the book is NOT tested as readers see it: {browser.ADVICE}"
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(advice)
        pytest.skip(f"WARNING: {advice}")
    with browser.browser(executable) as running:
        yield running


@pytest.fixture(scope="module")
def tab(chromium: Any) -> Iterator[Any]:
    """A tab of the browser: each page that is opened in it finds it as new."""
    from tests.book.reader import open_tab

    with open_tab(chromium) as tab:
        yield tab


@pytest.fixture(scope="module")
def book() -> Path:
    """The built book."""
    html = ROOT / "_build" / "html"
    if not (html / "index.html").is_file():
        pytest.fail("there is no book in _build/html: make book first", pytrace=False)
    return html
