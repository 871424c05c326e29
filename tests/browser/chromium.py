"""The browser of these tests: the system's Chromium or Chrome; nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

__all__ = ["launched_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_REMEDY = "no Chromium or Chrome is found; on Debian: apt-get install chromium"
_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # So that only the page itself makes requests.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """A headless browser. Without one the tests are skipped; they fail if CI is set."""
    path = next(filter(None, map(shutil.which, (*_NAMES, _MAC))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(_REMEDY, pytrace=False)
        pytest.skip(_REMEDY)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*_FLAGS, "--no-sandbox"] if as_root else _FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()
