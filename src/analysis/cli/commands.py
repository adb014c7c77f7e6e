"""The commands of ``tierlab``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from ..pipeline import Outcome

ROOT = Path(__file__).resolve().parents[3]
DEMO_PROFILE = ROOT / "params" / "demo.yaml"
DEMO_MONTH = "2026-10"
DEMO_CUSTOMERS = 8000
DEMO_MONTHS = 30
DEMO_SHIPMENTS_PER_MONTH = 7.4

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ProfileOption = Annotated[Path, typer.Option("--profile", help="The profile's YAML file.")]
RawOption = Annotated[
    str, typer.Option("--raw", help="Folder of the raw files; by default what the profile says.")
]
OutOption = Annotated[
    str,
    typer.Option("--out", help="Folder for data/processed and reports; by default the project."),
]
CoresOption = Annotated[
    int | None, typer.Option("--cores", min=1, help="Processors to use; all by default.")
]
PortOption = Annotated[
    int | None, typer.Option("--port", help="Port; by default the first free one.")
]
LanguageOption = Annotated[
    Literal["zh", "en"], typer.Option("--language", help="Language that it opens in.")
]
NotebooksOption = Annotated[str, typer.Option("--notebooks", hidden=True)]


def _show_version(asked: bool) -> None:
    if asked:
        from .. import __version__

        print(f"tierlab {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
]


@app.callback()
def _tierlab(version: VersionOption = False) -> None:
    """Tells a logistics company whether its tiered customer service works."""


@app.command()
def report(
    cores: CoresOption = None,
    out: OutOption = "",
) -> None:
    """Make the demo company's latest report; simulate the company when there is none."""
    raw = ROOT / "data" / "raw" / "demo"
    if raw.exists() and any(raw.iterdir()):
        run(DEMO_PROFILE, month=DEMO_MONTH, cores=cores, out=out)
        return
    from ..pipeline import jobs_of, warmed_up
    from .options import months_of

    (job,) = jobs_of(DEMO_PROFILE, months_of(DEMO_MONTH), out=out)
    with warmed_up(job.home):
        simulate(raw)
        run(DEMO_PROFILE, month=DEMO_MONTH, cores=cores, out=out)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option("--out", help="Folder for the raw files.")],
    customers: Annotated[int, typer.Option(help="True customers.")] = DEMO_CUSTOMERS,
    months: Annotated[int, typer.Option(help="Months, the last is 2026-10.")] = DEMO_MONTHS,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 1,
    shipments_per_month: Annotated[
        float, typer.Option(help="Mean of a customer in an ordinary month while it trades.")
    ] = DEMO_SHIPMENTS_PER_MONTH,
) -> None:
    """Write a logistics company with known truth, as real systems export it."""
    from .simulating import write_company

    write_company(out, customers, months, seed, shipments_per_month)


@app.command()
def check(profile: ProfileOption, raw: RawOption = "") -> None:
    """Hold params and the headers of the raw files against each other, without running."""
    from .checking import check_profile

    print(check_profile(profile, raw))


@app.command()
def run(
    profile: ProfileOption,
    month: Annotated[str, typer.Option("--month", help="Such as 2026-10.")] = "",
    first: Annotated[str, typer.Option("--from", help="First month of several.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last month of several.")] = "",
    raw: RawOption = "",
    out: OutOption = "",
    cores: CoresOption = None,
    notebooks: NotebooksOption = "",
) -> None:
    """Make the tables and reports of a month, or of several; only what changed runs again."""
    from ..pipeline import jobs_of, run
    from .options import console, months_of

    jobs = jobs_of(profile, months_of(month, first, last), raw=raw, out=out, notebooks=notebooks)
    screen = console()
    _say_outcome(run(jobs, cores=cores, console=screen), screen)


@app.command(hidden=True)
def stage(
    name: Annotated[str, typer.Argument(help="Such as cleaning or report-zh.")],
    profile: ProfileOption,
    month: Annotated[str, typer.Option("--month", help="Such as 2026-10.")],
    raw: RawOption = "",
    out: OutOption = "",
    cores: CoresOption = None,
    notebooks: NotebooksOption = "",
) -> None:
    """Run one stage of one month, as the Snakefile's rules do."""
    from ..pipeline import jobs_of, run_stage
    from .options import months_of

    (job,) = jobs_of(profile, months_of(month), raw=raw, out=out, notebooks=notebooks)
    run_stage(job, name, cores or 1)


@app.command()
def evaluate(
    experiment: Annotated[Path, typer.Option("--experiment", help="The plan's YAML file.")],
    units: Annotated[Path, typer.Option("--units", help="CSV or Parquet, one row a unit.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for estimates and verdict.")],
    assignments: Annotated[
        Path | None, typer.Option("--assignments", help="Units as assigned, to count those lost.")
    ] = None,
) -> None:
    """Evaluate an experiment on any table with one row a unit."""
    from .evaluating import evaluate_to

    print(evaluate_to(experiment, units, out, assignments))


@app.command()
def dashboard(
    profile: ProfileOption = DEMO_PROFILE,
    out: OutOption = "",
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's needs a token.")
    ] = "127.0.0.1",
    port: PortOption = None,
    language: LanguageOption = "zh",
    pool: Annotated[int, typer.Option(min=1, help="Pages kept ready, 200 MB each.")] = 1,
) -> None:
    """Serve the dashboard of the latest results."""
    from ..dashboard.serve import serve

    code = serve(profile, out=out, host=host, port=port, language=language, pool=pool)
    raise typer.Exit(code)


@app.command()
def lab(
    port: PortOption = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    language: LanguageOption = "zh",
) -> None:
    """Open JupyterLab on the notebooks."""
    from ..lab import lab

    raise typer.Exit(lab(port=port, browser=browser, language=language))


NO_PDF = (
    "[dim]No PDF was made: no Chromium prints here. Install one, or name it in TIERLAB_BROWSER.[/]"
)


def _say_outcome(outcome: Outcome, screen: Any) -> None:
    from ..pipeline.printing import CHOICE, NO_BROWSER

    screen.print(
        f"done in {outcome.seconds:.1f} s" if outcome.ran else "nothing changed", highlight=False
    )
    for folder in outcome.reports:
        for page in sorted(folder.glob("report.*.html")):
            screen.print(str(page), highlight=False, soft_wrap=True)
    printed = all(any(folder.glob("report.*.pdf")) for folder in outcome.reports)
    if outcome.ran and not printed and os.environ.get(CHOICE) != NO_BROWSER:
        screen.print(NO_PDF, highlight=False, soft_wrap=True)
