"""Hand a process over to the run's warm process, which has loaded everything already.

The process that delegates stays as a stand-in: it ends with the same exit code, and when it is
killed the delegated process is killed too. Nothing heavy is imported here.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

WARM_VARIABLE = "TIERLAB_WARM"
"""Environment variable that names the warm process's socket."""

ACCEPTED = b"+"
LENGTH = struct.Struct("!I")
LOST = 1
"""Exit code when the warm process ended before the delegated one."""


def delegated(target: str, arguments: Sequence[str]) -> int | None:
    """Run a function as a fork of the warm process.

    Args:
        target: What to call with the arguments, as ``module:function``; it returns an exit code.
        arguments: A command line.

    Returns:
        Its exit code; None where there is no warm process, so that the caller runs it itself.
    """
    place = os.environ.get(WARM_VARIABLE)
    if not place:
        return None
    try:
        connection = _connected(Path(place))
    except OSError:
        return None
    with connection:
        try:
            _ask(connection, target, arguments)
            accepted = connection.recv(1) == ACCEPTED
        except OSError:
            return None
        return _outcome(connection) if accepted else None


def _connected(place: Path) -> socket.socket:
    """Connect by way of the folder: the path itself may be longer than a socket's may be."""
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{place.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def _ask(connection: socket.socket, target: str, arguments: Sequence[str]) -> None:
    request = {
        "target": target,
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    data = json.dumps(request).encode()
    streams = [sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno()]
    socket.send_fds(connection, [LENGTH.pack(len(data))], streams)
    connection.sendall(data)


def _outcome(connection: socket.socket) -> int:
    try:
        told = connection.recv(LENGTH.size)
    except OSError:
        return LOST
    return int(LENGTH.unpack(told)[0]) if len(told) == LENGTH.size else LOST
