"""How well cleaning does where every error is known: found, repaired, missed, false alarms.

python benchmarks/cleaning_accuracy.py --seeds 7301 7302 7303 --unknown-seeds 7301 --write

Each company is simulated twice, with and without planted errors. What was planted is joined to
the list of rejects and to the values that were read; the cleaned tables are held against those of
the company without errors. Then kinds of error that no rule was written for are planted, each
alone, into the last month. `--write` writes docs/cleaning-accuracy.md.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from cleaning.finding import Found
from cleaning.planting import KINDS, Ground, Place
from cleaning.reading import (
    Run,
    cells,
    cleaned,
    disagreeing,
    drifted,
    history,
    only_here,
    rows_by_key,
)
from cleaning.scoring import (
    false_alarms,
    file_label,
    outcomes,
    with_true_rows,
    wrong_cells,
)
from cleaning.writing import page

from analysis.simulate import company
from analysis.tables import CONTRACTS

MONTH = "2026-10"
FORMS = {"receivables": ("应收账款.csv", "到期日")}  # rows due after the month are not judged yet
PAGE = Path(__file__).resolve().parents[1] / "docs" / "cleaning-accuracy.md"


def main() -> None:
    """Measure and print; write the page if asked to."""
    options = _options()
    found, started = Found(), time.process_time()
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            _known_errors(Path(folder), seed, options, found)
        if seed in options.unknown_seeds:
            with tempfile.TemporaryDirectory() as folder:
                _unknown_errors(Path(folder), seed, options, found)
        print(f"seed {seed}: {time.process_time() - started:.0f} processor seconds", flush=True)
    told = page(found, options)
    print(told)
    if options.write:
        PAGE.write_text(told, encoding="utf-8")


def _known_errors(folder: Path, seed: int, options: argparse.Namespace, found: Found) -> None:
    """The simulator's own errors: the kinds that rules were written for."""
    spoiled, twin = folder / "spoiled", folder / "twin"
    company(spoiled, options.customers, options.months, seed)
    company(twin, options.customers, options.months, seed, faults=())
    run, true = cleaned(spoiled, MONTH), cleaned(twin, MONTH)
    planted = with_true_rows(_planted(spoiled))
    read = cells(run, planted)
    told = cells(true, planted.assign(row=planted["true_row"]))
    twice = planted[planted["kind"] == "duplicated_row"]
    told[twice.index] = rows_by_key(true, twice)
    labelled = planted.assign(file=planted["file"].map(file_label))
    judged = ~_not_due(labelled, true)
    own, one, other = (f[judged].reset_index(drop=True) for f in (labelled, read, told))
    found.scored.append(outcomes(own, run.listed, one, other))
    found.alarms.append(false_alarms(run.listed, labelled))
    found.rows += int(run.ingested.files["rows"].sum())
    found.checks.update(only_here(run, true))
    for name in true.cleaned.tables:
        key = list(CONTRACTS[name].key)
        counts = wrong_cells(run.table(name), true.table(name), key)
        found.tables.setdefault(name, Counter()).update(counts)
    run.close()
    true.close()


def _planted(raw: Path) -> pd.DataFrame:
    """`errors.csv`, as text; empty cells are empty."""
    frame = pd.read_csv(f"{raw}-truth/errors.csv", dtype=str, keep_default_na=False)
    return frame.astype({"row": "int64"})


def _not_due(planted: pd.DataFrame, true: Run) -> pd.Series:
    """Errors in rows that begin after the month: nobody has looked at them yet."""
    file, column = FORMS["receivables"]
    own = planted["file"] == file
    wanted = planted[own].assign(row=planted.loc[own, "true_row"], column=column)
    due = cells(true, wanted).reindex(planted.index)
    return own & (due.fillna("") > MONTH + "-31")


def _unknown_errors(folder: Path, seed: int, options: argparse.Namespace, found: Found) -> None:
    """Kinds that no rule was written for, each alone on top of the company's own errors."""
    base = folder / "base"
    company(base, options.unknown_customers, options.unknown_months, seed)
    before = cleaned(base, MONTH)
    past = history(before, MONTH)
    usual = drifted(before, past, MONTH) | disagreeing(before, MONTH)
    spoiled = _planted(base)
    places = zip(spoiled["file"].map(file_label), spoiled["row"], strict=True)
    taken = frozenset((file, int(row)) for file, row in places)
    for at, (kind, (_, plant)) in enumerate(KINDS.items()):
        raw = folder / kind
        shutil.copytree(base, raw)
        where = plant(Ground(raw, MONTH, taken), np.random.default_rng([seed, at]))
        after = cleaned(raw, MONTH, before.links)
        counts = _counted(where, before, after)
        found.unknown.setdefault(kind, Counter()).update(counts)
        now = drifted(after, past, MONTH) | disagreeing(after, MONTH)
        found.seen.setdefault(kind, []).append(now - usual)
        after.close()
        shutil.rmtree(raw)
    before.close()


def _counted(where: list[Place], before: Run, after: Run) -> Counter[str]:
    """Of the planted rows: listed, without any effect, missed; and rows listed besides."""
    name = where[0].table
    key = CONTRACTS[name].key[0]
    one, other = (run.table(name).set_index(key) for run in (before, after))
    listed = after.listed
    places = set(zip(listed["file"], listed["row"], strict=True))
    earlier = before.listed
    own = {(place.file, place.row) for place in where}
    besides = places - set(zip(earlier["file"], earlier["row"], strict=True)) - own
    changed = _changed(one, other)
    counts = Counter(planted=len(where), besides=len(besides))
    for place in where:
        told = (place.file, place.row) in places
        counts["listed" if told else "missed" if place.key in changed else "harmless"] += 1
    return counts


def _changed(one: pd.DataFrame, other: pd.DataFrame) -> set[str]:
    """Keys whose row differs, or stands in one of the tables only."""
    common = one.index.intersection(other.index)
    a, b = one.loc[common], other.loc[common]
    same = ((a == b).fillna(False) | (a.isna() & b.isna())).all(axis=1)
    return set(common[~same.to_numpy()]) | set(one.index.symmetric_difference(other.index))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[7301, 7302, 7303])
    parser.add_argument("--unknown-seeds", nargs="*", type=int, default=[7301])
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--months", type=int, default=14)
    parser.add_argument("--unknown-customers", type=int, default=500)
    parser.add_argument("--unknown-months", type=int, default=12)
    parser.add_argument("--write", action="store_true", help="write the page of docs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
