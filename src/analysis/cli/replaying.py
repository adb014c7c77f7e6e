"""``tierlab replay``: the same months again under other policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CoverageError, ParamsError
from .commands import LanguageOption, OutOption, ProfileOption, app
from .options import console

if TYPE_CHECKING:
    from ..language import LanguageCode
    from ..tiers import Replay
    from ..workspace import Workspace
    from .replay_words import Reading

OWN = "profile"
"""Name of the profile's own policy in the tables."""


@app.command()
def replay(
    profile: ProfileOption,
    policy: Annotated[
        list[Path],
        typer.Option("--policy", help="A policy file; give it again for each further one."),
    ],
    first: Annotated[str, typer.Option("--from", help="First month compared.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last month; by default the latest.")] = "",
    out: OutOption = "",
    save: Annotated[
        str, typer.Option("--save", help="Folder for the tables as CSV and a page.")
    ] = "",
    language: LanguageOption = "zh",
) -> None:
    """Run the months again under other tier policies and compare them with the profile's own."""
    from ..language import Language
    from ..params import load_policy
    from ..workspace import open_month

    workspace = open_month(profile, _holding(profile, out, last), out=out)
    files = {path.stem: load_policy(path) for path in policy}
    if len(files) < len(policy) or OWN in files:
        raise ParamsError("Two policies have one name", where="--policy", got=", ".join(files))
    policies = {OWN: workspace.profile.tiers} | {n: file.tiers for n, file in files.items()}
    titles = {OWN: {c: Language(c).text("This profile's policy") for c in ("zh", "en")}}
    titles |= {name: {"zh": file.title.zh, "en": file.title.en} for name, file in files.items()}
    found = _replayed(workspace, policies, first, last or str(workspace.as_of))
    told = _told(found, titles, workspace.profile.money.currency)
    _show(told[language])
    if save:
        _save(Path(save), found, told, workspace)


def _holding(profile: Path, out: str, last: str) -> str:
    """The first month that was made and holds the last one compared; else the latest made."""
    from ..months import Month
    from ..params import load_profile, repository_of

    root = Path(out) if out else repository_of(profile)
    folder = root / "data" / "processed" / load_profile(profile).profile
    months = sorted(p.parent.name for p in folder.glob("[0-9]*-[0-9]*/scores.parquet"))
    if not months:
        raise CoverageError(
            "No month has been made yet",
            where=str(folder),
            todo="Make one with tierlab run, then replay it.",
        )
    return next((m for m in months if last and m >= str(Month.parse(last))), months[-1])


def _replayed(
    workspace: Workspace, policies: Mapping[str, object], first: str, last: str
) -> Replay:
    from ..months import Month
    from ..params import load_overrides
    from ..tables import CONTRACTS
    from ..tiers import replay

    panel = workspace.need("customer_months")
    if set(CONTRACTS["customer_months"].columns) - set(panel.columns):
        raise CoverageError(
            "This month was made by an earlier version",
            where=str(workspace.processed),
            todo=f"Make it again: tierlab run --month {workspace.as_of}, then replay it.",
        )
    return replay(
        panel,
        workspace.need("scores"),
        workspace.need("customers"),
        policies,  # type: ignore[arg-type]
        workspace.profile,
        Month.parse(last),
        first=Month.parse(first) if first else None,
        overrides=load_overrides(
            workspace.overrides, workspace.forgotten, workspace.profile.systems
        ),
    )


def _told(
    found: Replay, titles: Mapping[str, Mapping[str, str]], currency: str
) -> dict[LanguageCode, Sequence[Reading]]:
    from ..language import Language
    from .replay_words import readings

    codes: tuple[LanguageCode, ...] = ("zh", "en")
    return {code: readings(found, titles, currency, Language(code)) for code in codes}


def _show(told: Sequence[Reading]) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console()
    for reading in told:
        table = Table(title=Text(reading.title), title_justify="left", title_style="bold")
        for place, heading in enumerate(reading.headings):
            table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
        for row in reading.rows:
            table.add_row(*(Text(cell) for cell in row))
        screen.print(table)


def _save(
    folder: Path,
    found: Replay,
    told: Mapping[LanguageCode, Sequence[Reading]],
    workspace: Workspace,
) -> None:
    from ..files import write_atomically
    from .replay_page import page

    title = workspace.profile.title
    pages = {"replay.html": page({"zh": title.zh, "en": title.en}, told)}
    for name, frame in vars(found).items():
        pages[f"{name}.csv"] = "\ufeff" + frame.to_csv(index=False)
    for name, text in pages.items():
        write_atomically(folder / name, text)
        console().print(str(folder / name), highlight=False, soft_wrap=True)
