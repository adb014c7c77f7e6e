"""`company`: simulate the whole company and write its files and its truth."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis.simulate.draws import Draws
from analysis.simulate.experiments import EXPERIMENTS
from analysis.simulate.faults import faults_of
from analysis.simulate.run import FOLDERS, Progress, Run
from analysis.simulate.seasons import MOST_MONTHS, months_to_october_2026

FEWEST_CUSTOMERS, MOST_CUSTOMERS = 20, 2_000_000
MOST_SHIPMENTS_A_MONTH = 5_000_000  # leaves room for peaks below the 9,999,999 of a month
LEAST_RATE, HIGHEST_RATE = 0.1, 1000.0
USUAL_SHIPMENTS_PER_MONTH = 7.4  # mean of a customer in an ordinary month while it trades
TRUTH_FILES = ("README.md", "behaviour.csv", "effects.csv", "errors.csv", "links.csv")


@dataclass(frozen=True)
class CompanySummary:
    """What was written.

    Attributes:
        out: folder of the exported files.
        truth: folder of the truth.
        customers, months, seed: as asked for.
        rows: good rows of each table, planted errors not counted.
        experiments: ids of the experiments that fit into the months.
        errors: rows of `errors.csv`.
    """

    out: Path
    truth: Path
    customers: int
    months: int
    seed: int
    rows: Mapping[str, int] = field(default_factory=dict)
    experiments: tuple[str, ...] = ()
    errors: int = 0


def company(
    out: Path,
    customers: int,
    months: int,
    seed: int,
    truth: Path | None = None,
    progress: Progress | None = None,
    faults: Collection[str] | None = None,
    shipments_per_month: float = USUAL_SHIPMENTS_PER_MONTH,
) -> CompanySummary:
    """Simulate a company whose months end with October 2026 and write what its systems export.

    docs/demo-data.md describes the files. They appear all at once when they are complete; a
    company written earlier into the same folder is replaced. The same arguments give the same
    bytes.

    Args:
        out: folder for the exported files; missing, empty or holding an earlier company.
        customers: true customers that register at any time (20 to 2,000,000).
        months: months on record (1 to 82). An experiment for which they do not reach back far
            enough is left out: `depot-2026` needs 9, `tiered-2025` 22.
        seed: any integer.
        truth: folder for the truth; `<out>-truth` when None.
        progress: called with a stage and its rows as files are written.
        faults: kinds of planted errors (`faults.KINDS`); all when None, none when empty. They
            change neither customers nor shipments nor effects.
        shipments_per_month: mean shipments of a customer in an ordinary month while it trades.

    Returns:
        Where the files are and how many rows they hold.

    Raises:
        ValueError: an argument is out of range, or a folder holds other files.

    Example:
        >>> company(Path("data/raw/demo"), customers=8000, months=30, seed=1)  # doctest: +SKIP
    """
    truth = out.with_name(f"{out.name}-truth") if truth is None else truth
    _check(customers, months, shipments_per_month, {"out": out, "truth": truth})
    draws = Draws(seed)
    planted = faults_of(draws, faults)
    files, truths = _beside(out), _beside(truth)
    run = Run(files, truths, draws, planted, progress or _silent)
    try:
        rows = run.write(customers, months_to_october_2026(months), shipments_per_month)
    except BaseException:
        shutil.rmtree(files, ignore_errors=True)
        shutil.rmtree(truths, ignore_errors=True)
        raise
    _put_in_place(truths, truth)
    _put_in_place(files, out)
    fitting = tuple(e.id for e in EXPERIMENTS if e.fits(months_to_october_2026(months)))
    errors = len(planted.planted)
    return CompanySummary(out, truth, customers, months, seed, rows, fitting, errors)


def _silent(_stage: str, _rows: int) -> None:
    """Report no progress."""


def _check(customers: int, months: int, rate: float, folders: Mapping[str, Path]) -> None:
    wrong = [
        f"{name} == {value:,}, must lie between {least:,} and {most:,}"
        for name, value, least, most in (
            ("customers", customers, FEWEST_CUSTOMERS, MOST_CUSTOMERS),
            ("months", months, 1, MOST_MONTHS),
            ("shipments_per_month", rate, LEAST_RATE, HIGHEST_RATE),
        )
        if not least <= value <= most
    ]
    if customers * rate > MOST_SHIPMENTS_A_MONTH:
        wrong.append(
            f"customers × shipments_per_month == {customers * rate:,.0f}, "
            f"must not exceed {MOST_SHIPMENTS_A_MONTH:,} (waybill numbers have 7 digits a month)"
        )
    if len({folder.resolve() for folder in folders.values()}) < len(folders):
        wrong.append(f"truth == {folders['truth']}, must be another folder than out")
    wrong += [
        f"{name} == {folder}, holds other files ({', '.join(strange[:3])}): "
        "name an empty folder or that of an earlier company"
        for name, folder in folders.items()
        if (strange := _strangers(folder))
    ]
    if wrong:
        raise ValueError("; ".join(wrong) + ".")


def _strangers(folder: Path) -> list[str]:
    """Names in the folder that no company has."""
    if folder.is_file():
        return [folder.name]
    if not folder.exists():
        return []
    return sorted({entry.name for entry in folder.iterdir()} - {*FOLDERS, *TRUTH_FILES})


def _beside(folder: Path) -> Path:
    """An empty folder to write into; what a killed run left there is removed."""
    place = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _put_in_place(ready: Path, place: Path) -> None:
    """Give the complete folder its name; an earlier one goes only now."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    ready.rename(place)
    shutil.rmtree(old, ignore_errors=True)


__all__ = ["CompanySummary", "company"]
