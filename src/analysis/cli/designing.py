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
from .assigning import assign_to
from .commands import CoresOption, LanguageOption, OutOption, ProfileOption, app
from .evaluating import PAGES
from .options import console

if TYPE_CHECKING:
    from ..experiment.design import Assignment, Designed
    from ..language import LanguageCode
    from ..report.design_words import DesignWords
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
    assign: Annotated[
        Path | None,
        typer.Option(
            "--assign", help="Deal the arms, write them to this CSV file and freeze the plan."
        ),
    ] = None,
    key: Annotated[
        str,
        typer.Option("--key", envvar="TIERLAB_DRAW_KEY", help="Of the draw; by default random."),
    ] = "",
    out: OutOption = "",
    save: Annotated[
        str, typer.Option("--save", help="Folder for the pages and the tables as CSV.")
    ] = "",
    language: LanguageOption = "zh",
) -> None:
    """Tell what an experiment can see, rehearse it on the company's history, and say its cost."""
    from ..experiment.freezing import frozen_beside
    from ..language import Language
    from ..report.design_words import DesignWords
    from ..workspace import open_month
    from .design_screen import show_design, show_draw

    workspace = open_month(profile, month or latest_month(profile, out), out=out)
    if assign is None:
        _warn_of_changes(experiment, language)
    found = _designed(workspace, experiment, customers or (), months or (), draws, cores)
    currency = workspace.profile.money.currency
    words = {code: DesignWords(found, Language(code), currency) for code in PAGES}
    drawn = assign_to(workspace, experiment, assign, key) if assign else None
    show_design(words[language])
    if drawn:
        show_draw(words[language], drawn)
        for path in (assign, frozen_beside(experiment)):
            console().print(str(path), highlight=False, soft_wrap=True)
    if save:
        command = _command(profile, experiment, workspace, customers, months, draws, out, save)
        _save(Path(save), words, workspace, command, drawn)


def _warn_of_changes(experiment: Path, language: LanguageCode) -> None:
    """Say what was changed in a plan that was drawn."""
    from rich.text import Text

    from ..experiment.freezing import read_frozen
    from ..experiment.frozen import plan_changes
    from ..language import Language
    from ..params import load_experiment

    frozen = read_frozen(experiment)
    changes = plan_changes(load_experiment(experiment), frozen) if frozen else ()
    for change in changes:
        console().print(Text(change.in_(Language(language)), style="bold yellow"))


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
    from ..experiment.design import DESIGN_TABLES, design
    from ..params import load_experiment

    spec = load_experiment(experiment)
    tables = {name: workspace.read(name) for name in DESIGN_TABLES}
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


def _save(
    folder: Path,
    words: Mapping[LanguageCode, DesignWords],
    workspace: Workspace,
    command: str,
    drawn: Assignment | None,
) -> None:
    from ..files import write_atomically
    from ..report.design_page import design_page
    from ..report.evaluation import Provenance

    title = workspace.profile.title
    pages = {
        f"design.{code}.html": design_page(one, title.in_(code), Provenance(command), drawn)
        for code, one in words.items()
    }
    found = next(iter(words.values())).found
    pages["power.csv"] = "\ufeff" + found.power.to_csv(index=False)
    if found.alarms:
        pages["rehearsal.csv"] = "\ufeff" + found.rehearsal.to_csv(index=False)
    if drawn:
        pages["balance.csv"] = "\ufeff" + drawn.balance.to_csv(index=False)
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
