"""A PostgreSQL server of the tests' own: made in a temporary folder, ended with them.

It listens on a socket in its folder and on one port of this machine. `initdb` refuses to run as
root, so that a root user hands the folder to an ordinary one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ORDINARY_USERS = ("postgres", "nobody")
SECRET = "s3cret@of/the:test"
WAIT_SECONDS = 60
DATABASE = "postgres"


class NoServerError(Exception):
    """Why no server could be started."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        folder: Holds its data and its socket.
        port: On 127.0.0.1, and of its socket.
    """

    folder: Path
    port: int

    def uri(self, user: str = "reader", password: str = SECRET, database: str = DATABASE) -> str:
        from urllib.parse import quote

        secret = quote(password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        from adbc_driver_postgresql import dbapi

        address = f"host={self.folder} port={self.port} dbname={DATABASE} user=owner"
        with dbapi.connect(address, autocommit=True) as opened, opened.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def programs() -> Path | None:
    """Folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name)
    on_path = shutil.which("initdb")
    found = [*reversed(debian), *([Path(on_path).parent] if on_path else [])]
    return next((p for p in found if (p / "initdb").exists() and (p / "pg_ctl").exists()), None)


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; it is ended and its folder removed afterwards.

    Raises:
        NoServerError: With the reason why none could be started.
    """
    where = programs()
    if where is None:
        raise NoServerError("PostgreSQL's server is not installed (Debian's package postgresql)")
    user = _ordinary_user()
    folder = Path(tempfile.mkdtemp(prefix="tierlab-pg-"))
    try:
        if user:
            shutil.chown(folder, user)
        server = Server(folder, _free_port())
        data = folder / "data"
        _call([where / "initdb", "-D", data, "-U", "owner", "-E", "UTF8", "--no-sync",
               "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256"], user)  # fmt: skip
        options = f"-k {folder} -p {server.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        control = [where / "pg_ctl", "-D", data, "-w", "-t", str(WAIT_SECONDS)]
        _call([*control, "-o", options, "-l", folder / "log", "start"], user)
        try:
            server.run(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'")
            yield server
        finally:
            _call([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ordinary_user() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ORDINARY_USERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoServerError("root has no ordinary user to run the server as")


def _call(command: list[object], user: str | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        check=False, user=user, cwd="/", timeout=2 * WAIT_SECONDS, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if "pg_ctl" not in str(command[0]) else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        told = (done.stdout or b"").decode("utf-8", "replace").strip().splitlines()
        raise NoServerError(f"{Path(str(command[0])).name}: {told[-1] if told else 'failed'}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def install_from_debian() -> bool:
    """Install Debian's package where apt is here and this user may."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    silent = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "timeout": 900}
    steps = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"],
    )
    return all(subprocess.run(step, check=False, **silent).returncode == 0 for step in steps)


if __name__ == "__main__":
    if programs() or install_from_debian():
        print("PostgreSQL:", programs())
    else:
        print("PostgreSQL cannot be installed here: its tests will be skipped.", file=sys.stderr)
