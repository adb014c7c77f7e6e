"""Takes the READMEs' pictures of the demo's report and dashboard, as a reader sees them first.

Run `make report`, then `.venv/bin/python tests/readme_pictures.py` (`make test` has installed
the browser).
"""

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from conftest import CHROMIUM_FLAGS, CHROMIUM_NAMES

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
REPORTS = ROOT / "reports" / "demo" / "2026-10"
SIZE = {"width": 1280, "height": 900}
SECONDS = 60


def take(page: Page, address: str, name: str, ready: str) -> None:
    """Open a page, wait until it is whole, and keep its first screen."""
    page.goto(address, timeout=SECONDS * 1000)
    page.locator(ready).first.wait_for(timeout=SECONDS * 1000)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=PICTURES / f"{name}.png")


def dashboard(page: Page, language: str) -> None:
    """Serve the dashboard of the demo, take its picture, and end it by its process id."""
    command = [sys.executable, "-m", "analysis", "dashboard", "--language", language]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        take(page, server.stdout.readline().strip(), f"dashboard.{language}", ".tl-verdict")
        page.goto("about:blank")
    finally:
        server.terminate()
        server.wait(SECONDS)


def main() -> None:
    """All four pictures."""
    browser = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=list(CHROMIUM_FLAGS))
        page = opened.new_page(viewport=SIZE)
        for language in ("zh", "en"):
            take(page, (REPORTS / f"report.{language}.html").as_uri(), f"report.{language}", "h1")
            dashboard(page, language)
        opened.close()


if __name__ == "__main__":
    main()
