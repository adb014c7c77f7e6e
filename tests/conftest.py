"""Fixtures that several test files share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHARED_DATA_VARIABLE = "TIERLAB_SHARED_DATA"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of other people's data sets, which is never part of the repository.

    It is looked for where the environment variable says, else beside the repository.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get(SHARED_DATA_VARIABLE, beside))
    if not folder.is_dir():
        pytest.skip(f"no folder of shared data sets (set {SHARED_DATA_VARIABLE} to it)")
    return folder


os.environ.setdefault("TIERLAB_BROWSER", "none")
"""Runs of the pipeline print no PDF, which takes seconds; a test of printing asks for it."""

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # as runs do; processes share the cores

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A real Chromium: an installed one, else the one that Playwright installed.

    There is no skipping: `make test` installs a browser, and without one the pages that readers
    get would go out unseen. It lives as long as a module, because a process can hold one
    Playwright at a time.
    """
    from playwright.sync_api import sync_playwright

    installed = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        if installed is None and not own.exists():
            pytest.fail(
                "No Chromium was found: run `make test`, which installs one, or install the "
                "package 'chromium', or run `playwright install chromium`.",
                pytrace=False,
            )
        opened = playwright.chromium.launch(executable_path=installed, args=list(CHROMIUM_FLAGS))
        yield opened
        opened.close()
