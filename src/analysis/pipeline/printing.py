"""Reports as PDF, printed by the Chromium of this machine, where there is one.

A page on paper is a convenience: without a browser, or where it fails or takes too long, the
month goes out without its PDF and nothing else changes. Pages are printed in our own font: a
system's font often has one glyph for a character and for the radical of its shape, and Chromium
then writes the radical into the PDF, so that a search for 客户 finds nothing.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..files import remove_folder
from .locks import take

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHOICE = "TIERLAB_BROWSER"
"""Environment variable that names another browser, or ``none``."""
NO_BROWSER = "none"
LONGEST_SECONDS = 20.0
"""For all pages of a month together; they are printed at the same time."""
LONGEST_FOLDER = 40
"""Letters: a socket's path holds 107, and the names below the folder take some 60."""
SCRATCH, HELD = "tierlab-print-", ".held"
"""How scratch folders begin, and the file in each whose lock says that it is in use."""
NEW_SECONDS = 60.0
"""A younger folder may not be held yet, and is left alone."""
SYSTEM_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 (a folder of our own is made in it)
FONT = Path(__file__).parents[1] / "fonts" / "TierlabSansSC-Regular.otf"
HEAD_END = "</head>"
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def browser_of(variables: Mapping[str, str]) -> str:
    """The browser that prints; empty where there is none or none is wanted.

    Args:
        variables: The environment.
    """
    chosen = variables.get(CHOICE, "")
    if chosen == NO_BROWSER:
        return ""
    names = (chosen,) if chosen else BROWSERS
    return next((found for name in names if (found := shutil.which(name))), "")


def print_pages(
    pages: Sequence[Path], browser: str, *, longest_seconds: float = LONGEST_SECONDS
) -> list[Path]:
    """Print web pages beside themselves: ``report.zh.html`` becomes ``report.zh.pdf``.

    Args:
        pages: Finished pages.
        browser: As `browser_of` gives; empty prints nothing.
        longest_seconds: Until a browser that hangs is ended.

    Returns:
        The PDFs that were made, whole.
    """
    made: list[Path] = []
    if not browser or not pages:
        return made
    # Without room for scratch files the month goes out without.
    with contextlib.suppress(OSError), _scratch_folder() as home:
        places = [home / page.with_suffix(".pdf").name for page in pages]
        copies = [_with_font(page, home) for page in pages]
        running = [_print(browser, copy, to) for copy, to in zip(copies, places, strict=True)]
        deadline = time.monotonic() + longest_seconds
        for process in running:
            _wait(process, deadline)
        for page, place in zip(pages, places, strict=True):
            if _is_whole(place) and _copied(place, page.with_suffix(".pdf")):
                made.append(page.with_suffix(".pdf"))
    return made


def _copied(place: Path, to: Path) -> bool:
    """Whether a PDF lies where it belongs; half of one never does."""
    try:
        shutil.copyfile(place, to)
    except OSError:
        to.unlink(missing_ok=True)
        return False
    return True


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder for one print, held as long as it lasts; those of killed runs go first."""
    place = _short_folder()
    _sweep(Path(place))
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=place, ignore_cleanup_errors=True) as home:
        held = take(Path(home) / HELD)
        try:
            yield Path(home)
        finally:
            if held is not None:
                held.close()


def _sweep(place: Path) -> None:
    """Remove what killed runs of this user have left of their prints."""
    for folder in place.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            is_ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
            is_new = time.time() - found.st_mtime < NEW_SECONDS
            if not stat.S_ISDIR(found.st_mode) or not is_ours or is_new:
                continue
            free = take(folder / HELD)
            if free is not None:
                free.close()
                remove_folder(folder)


def _short_folder() -> str:
    """A folder for scratch files in which the path of the browser's socket is short enough.

    A run's own scratch folder lies deep below the results; Chromium ends at once there.
    """
    folders = (tempfile.gettempdir(), *SYSTEM_FOLDERS)
    fits = (f for f in folders if len(f) <= LONGEST_FOLDER and os.access(f, os.W_OK))
    return next(fits, folders[0])


def _with_font(page: Path, home: Path) -> Path:
    """A copy of a page that is set in our own font; offline like the page itself."""
    data = base64.b64encode(FONT.read_bytes()).decode()
    style = (
        '<style>@font-face { font-family: "Tierlab Print"; '
        f'src: url("data:font/otf;base64,{data}"); }} '
        ':root, :lang(zh) { --face: "Tierlab Print", sans-serif; } '
        "body { font-family: var(--face); }</style>"
    )
    copy = home / page.name
    text = page.read_text(encoding="utf-8")
    copy.write_text(text.replace(HEAD_END, style + HEAD_END, 1), encoding="utf-8")
    return copy


def _print(browser: str, page: Path, place: Path) -> subprocess.Popen[bytes] | None:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    sandbox = ["--no-sandbox"] if is_root else []  # Chromium refuses to run as root with it
    own = place.with_suffix(".profile")
    environment = os.environ | {"TMPDIR": str(place.parent)}
    command = [browser, *FLAGS, *sandbox, f"--user-data-dir={own}", f"--print-to-pdf={place}"]
    with contextlib.suppress(OSError):
        return subprocess.Popen(  # noqa: S603 (the browser that the user has, our own page)
            [*command, page.resolve().as_uri()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # ended with its children
            env=environment,
        )
    return None


def _wait(process: subprocess.Popen[bytes] | None, deadline: float) -> None:
    """Wait for a browser, and end it with its children when its time is over."""
    if process is None:
        return
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_whole(place: Path) -> bool:
    """Whether a PDF was written to its end."""
    if not place.is_file():
        return False
    content = place.read_bytes()
    return content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
