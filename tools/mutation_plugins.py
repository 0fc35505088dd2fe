"""What pytest is told while mutants are tried: to note what each test calls, or to run a choice of tests."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

_SPARE, _TIMES = 10.0, 5.0
"""A test is ended after so many seconds of processor time and so many times what it takes as it is."""
_NEEDS_BOOK = {"book", "chromium", "sound", "copy"}


class Watch:
    """Notes the functions of the library that each test calls, and how long it takes."""

    def __init__(self, folder: Path) -> None:
        self.tests: dict[str, tuple[float, list[str]]] = {}
        self.failed: list[str] = []
        self._folder = str(folder)
        self._calls: set[CodeType] = set()
        self._common: set[str] = set()

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self._calls.add(frame.f_code)

    def _names(self) -> set[str]:
        found = set()
        for code in self._calls:
            if code.co_filename.startswith(self._folder + os.sep):
                place = Path(code.co_filename).relative_to(Path(self._folder).parent).with_suffix("")
                found.add(f"{'.'.join(place.parts)}:{code.co_qualname.partition('.<locals>')[0]}")
        self._calls.clear()
        return {name for name in found if not name.endswith("<module>")}

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Any:
        sys.setprofile(self._note)
        result = yield
        sys.setprofile(None)
        self._common = self._names()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        start = time.process_time()
        sys.setprofile(self._note)
        result = yield
        sys.setprofile(None)
        self.tests[item.nodeid] = time.process_time() - start, sorted(self._names() | self._common)
        return result

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not _NEEDS_BOOK & set(getattr(item, "fixturenames", ()))]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


class Trial:
    """Runs the chosen tests of a file, quick ones first, and ends the process in a test that does not end."""

    def __init__(self, chosen: dict[str, float], say: Callable[[str], None]) -> None:
        self.chosen, self.say, self.failed = chosen, say, ""

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        # The first example that fails is enough.
        settings.register_profile("mutants", settings.default, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.chosen), key=lambda item: self.chosen[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.say(item.nodeid)
        signal.setitimer(signal.ITIMER_PROF, _SPARE + _TIMES * self.chosen[item.nodeid])
        result = yield
        signal.setitimer(signal.ITIMER_PROF, 0)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"import of {report.nodeid}"
