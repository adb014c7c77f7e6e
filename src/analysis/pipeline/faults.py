"""What is said when the program itself is at fault: a sentence and a log file, no traceback."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path

from ..errors import AnalysisError

UNEXPECTED = "Something unexpected happened; this is a fault of the program, not of yours."
UNEXPECTED_CODE = 70


def explained(fault: BaseException, folder: Path | None = None) -> tuple[str, int]:
    """The words for a fault, and its exit code; a log is written for what we did not expect."""
    if isinstance(fault, AnalysisError):
        return str(fault), fault.exit_code
    return f"{UNEXPECTED}\n  log:     {write_log(fault, folder)}", UNEXPECTED_CODE


def write_log(fault: BaseException, folder: Path | None = None) -> Path:
    """Write a traceback to a new file that only its owner can read.

    The log holds code lines and the fault's own text, never local variables.

    Args:
        fault: What happened.
        folder: Where to keep it; the system's folder for temporary files by default.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="tierlab-", suffix=".log", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"command: {' '.join(sys.argv)}\n")
        traceback.print_exception(fault, file=stream)
    return Path(name)
