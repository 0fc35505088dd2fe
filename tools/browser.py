"""Chromium, as the tests and the printer of the book use it: headless, with a fresh profile, from files alone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["ADVICE", "browser", "chromium", "settle"]

ADVICE = "install it (Debian, Ubuntu: apt-get install chromium) or let CHROMIUM name it"
"""What to do when there is no browser."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The browser: what CHROMIUM names, or the first one on the path."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """A headless Chromium with a fresh profile."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


def settle(page: Page) -> None:
    """Wait until fonts are there and two frames are drawn."""
    page.evaluate(
        """async () => {
            await document.fonts.ready;
            for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
        }"""
    )
