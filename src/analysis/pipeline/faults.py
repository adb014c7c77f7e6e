"""What is said when the program itself is at fault: a sentence and a log file, no traceback."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

from ..errors import AnalysisError

UNEXPECTED = "Something unexpected happened; this is a fault of the program, not of yours."
UNEXPECTED_CODE = 70

PLACE = ("  File ", "Traceback ", "\n")
"""How the parts of a traceback begin that hold no text of the fault."""
QUERY_INTERRUPTED = "Query interrupted"
"""What DuckDB raises, as a plain RuntimeError, for a Ctrl-C that arrives inside a query."""
VALUE = re.compile(r"""'[^'\n]*'|"[^"\n]*"|\S+@\S+|[^\x00-\x7f]+|\d{4,}""")
"""What may be the value of a row: anything quoted, mail, no Latin letters, long numbers."""


def explained(fault: BaseException, folder: Path | None = None) -> tuple[str, int]:
    """The words for a fault, and its exit code; a log is written for what we did not expect."""
    if isinstance(fault, AnalysisError):
        return str(fault), fault.exit_code
    return f"{UNEXPECTED}\n  log:     {write_log(fault, folder)}", UNEXPECTED_CODE


def is_interrupt(fault: BaseException) -> bool:
    """Whether a fault is but somebody's wish to stop, also where DuckDB gives it another name."""
    if isinstance(fault, RuntimeError):
        return str(fault) == QUERY_INTERRUPTED
    return isinstance(fault, KeyboardInterrupt)


def write_log(fault: BaseException, folder: Path | None = None) -> Path:
    """Write a traceback to a new file that only its owner can read.

    The log holds code lines and the fault's own text, never local variables.

    Args:
        fault: What happened.
        folder: A private folder to keep it in. By default the system's folder for temporary
            files, where the fault's text is kept without what may be the value of a row.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="tierlab-", suffix=".log", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"command: {' '.join(sys.argv)}\n")
        told = traceback.format_exception(fault)
        stream.writelines(told if folder is not None else map(_without_values, told))
    return Path(name)


def _without_values(told: str) -> str:
    """A part of a traceback; a place in the code stays, of a fault's own text its plain words."""
    return told if told.startswith(PLACE) else VALUE.sub("…", told)
