"""``tierlab design``: what an experiment can see, before anybody is assigned."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CoverageError
from .commands import CoresOption, LanguageOption, OutOption, ProfileOption, app
from .evaluating import PAGES
from .options import console

if TYPE_CHECKING:
    from ..experiment.design import Designed
    from ..language import LanguageCode
    from ..report.design_words import DesignWords
    from ..report.difference_page import ToldTable
    from ..workspace import Workspace


@app.command()
def design(
    profile: ProfileOption,
    experiment: Annotated[Path, typer.Option("--experiment", help="The plan's YAML file.")],
    month: Annotated[
        str, typer.Option("--month", help="Month with the history; by default the latest.")
    ] = "",
    customers: Annotated[
        list[int] | None,
        typer.Option(
            "--customers",
            min=4,
            help="Customers of the experiment; give it again for each further size. By default "
            "a quarter, a half and all that ship now.",
        ),
    ] = None,
    months: Annotated[
        list[float] | None,
        typer.Option("--months", min=0.5, help="Another duration to look at; may be repeated."),
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", min=0, help="Draws of the rehearsal; 0 leaves it out.")
    ] = 400,
    cores: CoresOption = None,
    out: OutOption = "",
    save: Annotated[
        str, typer.Option("--save", help="Folder for the pages and the tables as CSV.")
    ] = "",
    language: LanguageOption = "zh",
) -> None:
    """Tell what an experiment can see, rehearse it on the company's history, and say its cost."""
    from ..language import Language
    from ..report.design_words import DesignWords
    from ..workspace import open_month

    workspace = open_month(profile, month or latest_month(profile, out), out=out)
    found = _designed(workspace, experiment, customers or (), months or (), draws, cores)
    currency = workspace.profile.money.currency
    words = {code: DesignWords(found, Language(code), currency) for code in PAGES}
    _show(words[language])
    if save:
        command = _command(profile, experiment, workspace, customers, months, draws, out, save)
        _save(Path(save), words, workspace, command)


def latest_month(profile: Path, out: str) -> str:
    """The latest month whose tables are there."""
    from ..params import load_profile, repository_of

    root = Path(out) if out else repository_of(profile)
    folder = root / "data" / "processed" / load_profile(profile).profile
    made = sorted(p.parent.name for p in folder.glob("[0-9]*-[0-9]*/shipments.parquet"))
    if not made:
        raise CoverageError(
            "No month has been made yet",
            where=str(folder),
            todo="Make one with tierlab run, then design on it.",
        )
    return made[-1]


def _designed(
    workspace: Workspace,
    experiment: Path,
    customers: Sequence[int],
    months: Sequence[float],
    draws: int,
    cores: int | None,
) -> Designed:
    from ..calendar import load_calendar
    from ..experiment.design import TABLES, design
    from ..params import load_experiment

    spec = load_experiment(experiment)
    tables = {name: workspace.read(name) for name in TABLES}
    with _progress() as told:
        return design(
            spec,
            tables,
            as_of=workspace.as_of,
            calendar=load_calendar(workspace.calendar),
            services=workspace.profile.services,
            customers=customers,
            months=months,
            draws=draws,
            workers=cores or os.cpu_count() or 1,
            progress=told,
        )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with the draws done and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("Measuring history", total=None)

        def told(done: int, whole: int) -> None:
            bar.update(task, description="Rehearsing", completed=done, total=whole)

        yield told


def _show(words: DesignWords) -> None:
    from rich.text import Text

    from ..report.design_tables import comparison_tables, sizes_table

    screen = console()
    screen.print(Text(words.title, style="bold"))
    screen.print(Text(words.headline(), style="bold"))
    for line in (*words.sentences(), words.cost(), *words.missing()):
        screen.print(Text(f"• {line}"))
    facts = [f"{name} {value}" for name, value in words.facts()]
    screen.print(Text(" · ".join(facts), style="dim"))
    tables = comparison_tables(words)
    for one in tables:
        _print(one.seen, SEEN_COLUMNS)
    _print(sizes_table(words))
    for one in tables:
        if one.rehearsal:
            _print(one.rehearsal, REHEARSAL_COLUMNS)
    for note in (words.rehearsed(), *words.notes()):
        screen.print(Text(note, style="dim"))


SEEN_COLUMNS = (0, 2, 3, 4, 5, 6)
REHEARSAL_COLUMNS = (0, 1, 3, 4, 6)
"""Columns that fit a terminal; the page and the CSV files have all."""


def _print(told: ToldTable, columns: Sequence[int] = ()) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if not told.rows:
        return
    shown = columns or range(len(told.headings))
    table = Table(title=Text(told.title), title_justify="left", title_style="bold",
                  box=SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
    for place in shown:
        table.add_column(Text(told.headings[place]), justify="right" if place else "left")
    for row in told.rows:
        table.add_row(*(Text(row[place]) for place in shown))
    console().print(table)


def _save(
    folder: Path, words: Mapping[LanguageCode, DesignWords], workspace: Workspace, command: str
) -> None:
    from ..files import write_atomically
    from ..report.design_page import design_page
    from ..report.evaluation import Provenance

    title = workspace.profile.title
    pages = {
        f"design.{code}.html": design_page(one, title.in_(code), Provenance(command))
        for code, one in words.items()
    }
    found = next(iter(words.values())).found
    pages["power.csv"] = "\ufeff" + found.power.to_csv(index=False)
    if found.alarms:
        pages["rehearsal.csv"] = "\ufeff" + found.rehearsal.to_csv(index=False)
    for name, text in pages.items():
        write_atomically(folder / name, text)
        console().print(str(folder / name), highlight=False, soft_wrap=True)


def _command(
    profile: Path,
    experiment: Path,
    workspace: Workspace,
    customers: Sequence[int] | None,
    months: Sequence[float] | None,
    draws: int,
    out: str,
    save: str,
) -> str:
    words = ["tierlab", "design", "--profile", str(profile), "--experiment", str(experiment)]
    words += ["--month", str(workspace.as_of), "--draws", str(draws)]
    words += [w for size in customers or () for w in ("--customers", str(size))]
    words += [w for length in months or () for w in ("--months", f"{length:g}")]
    words += ["--out", out] if out else []
    return shlex.join([*words, "--save", save])
