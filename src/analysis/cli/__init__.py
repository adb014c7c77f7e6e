"""The command line: ``tierlab``, the same as ``python -m analysis``.

Commands are thin: they read options, call one verb and say where the result is. What they
call is imported when they run, so that ``tierlab --help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import typer

from ..errors import AnalysisError
from ..pipeline.kernels import ONE_THREAD

USAGE_CODE = 2
INTERRUPTED_CODE = 130
BROKEN_PIPE_CODE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end with its exit code; faults are told without a traceback."""
    for name, number in ONE_THREAD.items():
        os.environ.setdefault(name, number)
    sys.exit(exit_code_of(sys.argv[1:] if arguments is None else arguments))


def exit_code_of(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name.

    Returns:
        0, 2 for wrong options, 3 to 8 for an `AnalysisError` by kind, 70 for a fault of the
        program, 130 when interrupted.
    """
    from .registry import app

    try:
        code = app(list(arguments), prog_name="tierlab", standalone_mode=False)
    except typer.TyperException as fault:
        _show_usage(fault)
        return USAGE_CODE
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED_CODE
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        return BROKEN_PIPE_CODE
    except Exception as fault:  # noqa: BLE001 - nobody else will tell it
        code = _told(fault)
    if code == INTERRUPTED_CODE:
        _say("Interrupted. The last good reports are unchanged; run again to go on.")
    return code if isinstance(code, int) else 0


def _told(fault: Exception) -> int:
    from ..files import disk_faults_told
    from ..pipeline.faults import explained, is_interrupt

    if is_interrupt(fault):
        return INTERRUPTED_CODE
    try:
        with disk_faults_told():
            raise fault
    except AnalysisError as known:
        fault = known
    except Exception as unknown:  # noqa: BLE001
        fault = unknown
    message, code = explained(fault)
    _say(message)
    return code


def _show_usage(fault: typer.TyperException) -> None:
    from typer import rich_utils

    rich_utils.rich_format_error(fault)  # type: ignore[arg-type]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
