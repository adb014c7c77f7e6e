"""``tierlab inspect``: a draft of the profile's entry for a file, or for a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .commands import app


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of a company's files.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the draft there; by default it is shown.")
    ] = None,
    encoding: Annotated[
        str,
        typer.Option(
            "--encoding",
            help="Of texts whose encoding cannot be told, such as windows-1252, big5, shift_jis.",
        ),
    ] = "",
) -> None:
    """Look at a file and draft its entry for a profile; of a folder, a whole profile."""
    if out is not None:
        _refuse_existing(out)
    text = _draft(path, encoding, _raw(path, out))
    if out is None:
        print(text, end="")
        return
    from ..files import write_atomically

    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, text)
    from ..sources.inspecting import NOT_READ

    for line in text.splitlines():
        if line.startswith(NOT_READ):
            print(line.removeprefix("# "))
    print(f"{out}: check the lines marked 'guess', then run 'tierlab check'.")


def _raw(path: Path, out: Path | None) -> str:
    """The folder as the profile finds it: from the project's folder, else in full."""
    if out is None or path.is_absolute():
        return str(path)
    project = out.resolve().parent.parent
    return str(path) if (project / path).resolve() == path.resolve() else str(path.resolve())


def _draft(path: Path, encoding: str, raw: str) -> str:
    from ..engine import open_engine
    from ..sources import inspecting

    engine = open_engine()
    try:
        return inspecting.inspect(path, engine, encoding, raw)
    finally:
        engine.close()


def _refuse_existing(out: Path) -> None:
    from ..errors import ParamsError

    if out.exists():
        raise ParamsError(
            "The file is there already and would be lost",
            where=str(out),
            todo="Name another one with --out, or remove it.",
        )
