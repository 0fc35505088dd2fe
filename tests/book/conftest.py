"""What the tests of the built pages share: the book and a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tools.browser import ADVICE, browser
from tools.browser import chromium as find_chromium
from tools.isolation import ROOT

HTML = ROOT / "_build" / "html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        advice = f"Chromium is not found, the book is NOT tested as readers see it: {ADVICE}"
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(advice)
        pytest.skip(f"WARNING: {advice}")
    with browser(executable) as running:
        yield running


@pytest.fixture(scope="module")
def book() -> Path:
    if not (HTML / "index.html").is_file():
        pytest.fail("there is no book in _build/html: make book first", pytrace=False)
    return HTML
