"""``tierlab publish``, ``withdraw`` and ``diff``: who answers for a month, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .commands import OutOption, ProfileOption, RawOption, app

if TYPE_CHECKING:
    from rich.console import Console

    from ..report.difference import Difference

MonthOption = Annotated[str, typer.Option("--month", help="Such as 2026-10.")]
ByOption = Annotated[str, typer.Option("--by", help="Who answers for it: a name.")]
VersionOption = Annotated[
    int, typer.Option("--version", min=0, help="Which version; by default the latest.")
]


@app.command()
def publish(
    profile: ProfileOption,
    month: MonthOption,
    by: ByOption,
    raw: RawOption = "",
    out: OutOption = "",
) -> None:
    """Publish a month: its draft becomes a version that nothing changes any more."""
    from ..pipeline import jobs_of, publish_month
    from .options import console, months_of

    (job,) = jobs_of(profile, months_of(month), raw=raw, out=out)
    release = publish_month(job, by)
    console().print(
        f"{job.name}: published as version {release.version} by {release.by}\n{release.folder}",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def withdraw(
    profile: ProfileOption,
    month: MonthOption,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; readers see it.")],
    version: VersionOption = 0,
    raw: RawOption = "",
    out: OutOption = "",
) -> None:
    """Mark a published version as one that must not be used, with the reason."""
    from ..pipeline import jobs_of, withdraw_month
    from .options import console, months_of

    (job,) = jobs_of(profile, months_of(month), raw=raw, out=out)
    release = withdraw_month(job, version, by, reason)
    console().print(f"{job.name}: version {release.version} is withdrawn", highlight=False)


@app.command()
def diff(
    profile: ProfileOption,
    month: Annotated[
        list[str],
        typer.Option("--month", help="Two of them; 2026-10@1 is published version 1 of a month."),
    ],
    out: OutOption = "",
) -> None:
    """Tell what differs between two months, or two versions of one, and why."""
    from ..pipeline import compare
    from .options import console

    found, pages = compare(profile, month, out=out)
    screen = console()
    show_difference(found, screen)
    for page in pages:
        screen.print(str(page), highlight=False, soft_wrap=True)


def show_difference(found: Difference, screen: Console) -> None:
    """Print a difference as tables."""
    from rich.markup import escape
    from rich.table import Table

    from ..language import Language
    from ..report.difference_page import name_of, told_files, told_tables, why, withdrawals

    english = Language("en")
    names = [name_of(one, english) for one in (found.before, found.now)]
    screen.print(f"{names[0]} → {names[1]}", highlight=False, style="bold")
    for told_withdrawn in withdrawals(found, english):
        screen.print(told_withdrawn, highlight=False, markup=False, style="bold red")
    screen.print(why(found, english), highlight=False)
    for told in told_tables(found, english):
        table = Table(title=told.title, title_justify="left", title_style="bold")
        for place, heading in enumerate(told.headings):
            table.add_column(heading, overflow="fold", justify="right" if place else "left")
        for row in told.rows:
            table.add_row(*(escape(cell) for cell in row))
        screen.print(table)
    for kind, files in told_files(found, english):
        screen.print(f"{kind}: {files}", highlight=False, markup=False)
