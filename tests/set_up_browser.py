"""Find or install a Chromium for the browser tests; says plainly when there is none.

In this order: an installed Chromium or Chrome, Debian's package (where this user may install
it), Playwright's own download.
"""

import os
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_SECONDS = 900


def installed() -> str | None:
    """Path of a browser on this machine, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def install_from_debian() -> bool:
    """Install Debian's package where apt is here and this user may."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    silent = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "timeout": WAIT_SECONDS}
    steps = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"])
    return all(subprocess.run(step, check=False, **silent).returncode == 0 for step in steps)


def install_from_playwright() -> bool:
    """Let Playwright download its own Chromium."""
    step = [sys.executable, "-m", "playwright", "install", "chromium"]
    return subprocess.run(step, check=False, timeout=WAIT_SECONDS).returncode == 0


if __name__ == "__main__":
    if installed() or install_from_debian() or install_from_playwright():
        print("browser:", installed() or "Playwright's own Chromium")
    else:
        sys.exit(
            "The browser tests need Chromium, and it could not be installed here.\n"
            "  to do: install the package 'chromium' (or Google Chrome), then run again."
        )
