"""The data-quality page: what came in, what was wrong with it, and what to do next."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from ..cleaning.spreadsheet import MOST_ROWS, too_long_for_excel
from ..figures import ReadingTable
from ..language import MISSING, Language
from ..params import in_language
from ..standing import Standing, standing_html
from .block import Block, rendered
from .data_quality import adds_up, ledger_table, rules_table
from .field_names import column_name, source_name, table_name
from .inputs import Inputs
from .page import TEMPLATE, TEMPLATES
from .quality_levels import SIGNS, WEAK, check_name, levels_table, weak_levels, weak_table
from .told_table import MOST_LINES, told_table

STEPS = {
    1: "Ask the system's owner for the months or columns that are missing.",
    2: "Correct how the source is read in the profile: types, forms, units, encoding.",
    3: "Look into private/rejects.csv and mend the rows in the source system, or declare a "
    "correction.",
    4: "Settle the difference between the two systems with their owners.",
    5: "Ask what changed in the source system before relying on the figures.",
}
"""Level → what usually helps."""
MEASURES = {
    "rows": "rows",
    "missing": "missing share",
    "new": "new categories",
    "shift": "shift of the distribution",
}


def quality_page(inputs: Inputs, language: Language) -> Block:
    """One offline page on the quality of a month's data.

    Args:
        inputs: The month.
        language: The reader's.
    """
    ledger = inputs.frame("ledger")
    weak = weak_levels(inputs.frame("quality"))
    return rendered(
        "quality_page",
        language,
        style=Markup((TEMPLATES / TEMPLATE / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        company=inputs.profile.title.in_(language.code),
        month=language.month(str(inputs.month)),
        others=[code for code in inputs.profile.languages if code != language.code],
        standing=Block(standing_html(Standing(), language)),
        adds_up=ledger is None or adds_up(ledger),
        limits=_limits(inputs, language),
        levels=levels_table(inputs, language),
        weak=weak_table(inputs, language),
        steps=[language.text(STEPS[level]) for level in sorted({int(n) for n in weak["level"]})],
        ledger=ledger_table(inputs, language),
        rules=rules_table(inputs, language, MOST_LINES),
        excel=_excel(inputs.frame("violations"), language),
        drift=_drift_table(inputs.frame("drift"), language),
        is_watched=inputs.frame("drift") is not None,
        differences=_differences_table(inputs, language),
        corrections=_corrections_table(inputs, language),
        files=_files_table(inputs, language),
    )


def _limits(inputs: Inputs, language: Language) -> str:
    limits = inputs.profile.quality
    told = language.text(
        "A level that falls short by more than {warning} is a warning, by more than {error} an "
        "error, by more than {critical} critical.",
        warning=language.percent(limits.warning, 0),
        error=language.percent(limits.error, 0),
        critical=language.percent(limits.critical, 0),
    )
    stops = {
        "never": "No level stops a run.",
        "error": "An error stops the run on the levels that the profile names.",
        "critical": "A critical one stops the run on the levels that the profile names.",
    }
    return language.text("{one} {two}", one=told, two=language.text(stops[limits.stop_at]))


def _excel(violations: pd.DataFrame | None, language: Language) -> str:
    rows = 0 if violations is None else int(violations["rows_n"].sum())
    if not too_long_for_excel(rows):
        return ""
    return language.text(
        "private/rejects.csv has {rows} rows; Excel shows only the first {most} of them.",
        rows=language.number(rows),
        most=language.number(MOST_ROWS),
    )


def _drift_table(drift: pd.DataFrame | None, language: Language) -> ReadingTable | None:
    if drift is None:
        return None
    rows = [
        (
            _watched(row, language),
            language.text(MEASURES[str(row["measure"])], context="drift"),
            _drifted(row, "value", language),
            _drifted(row, "usual", language),
            SIGNS[str(row["severity"])],
            str(row["detail"]) or MISSING,
        )
        for _, row in drift[drift["severity"] != "ok"].iterrows()
    ]
    titles = ("Table and column", "What is watched", "This month", "Usual", "State", "New")
    return told_table("drift", "Unlike the months before", titles, rows, language, numeric=(2, 3))


def _watched(row: pd.Series, language: Language) -> str:
    """The table and, where one is watched, its column."""
    table = table_name(str(row["table"]), language)
    if not row["column"]:
        return table
    column = column_name(row["column"], language)
    return language.text("{gate}: {note}", gate=table, note=column)


def _drifted(row: pd.Series, name: str, language: Language) -> str:
    if row["measure"] == "rows":
        return language.number(row[name])
    if row["measure"] == "shift":
        return language.number(row[name], 2)
    return language.percent(float(row[name]), 1)


def _differences_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    """Each check once: in how many months it was held, in how many it differs, and the worst."""
    found = inputs.frame("reconciliation")
    if found is None:
        return None
    rows = []
    for (check, a, b), part in found.groupby(["check", "source_a", "source_b"], sort=False):
        known = part[part["share"].notna()]
        worst = known.sort_values("share", kind="stable").iloc[-1] if len(known) else None
        rows.append((
            check_name(str(check), language),
            " / ".join(
                source_name(name, inputs.profile, language) for name in (str(a), str(b)) if name
            ),
            language.number(len(part)),
            language.number(int(part["severity"].isin(WEAK).sum())),
            MISSING if worst is None else language.percent(float(worst["share"]), 2),
            MISSING if worst is None or not worst["month"] else language.month(worst["month"]),
        ))  # fmt: skip
    titles = ("What is compared", "Sources", "Months", "Beyond the limit", "Largest", "In")
    return told_table("differences", "Sources held against each other", titles, rows, language,
                  numeric=(2, 3, 4))  # fmt: skip


def _corrections_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    found = inputs.frame("corrections")
    if found is None:
        return None
    rows = [
        (
            str(row["id"]),
            source_name(str(row["source"]), inputs.profile, language),
            language.number(row["rows_n"]),
            *_reason(row, inputs, language),
        )
        for _, row in found.iterrows()
    ]
    titles = ("Correction", "Source", "Rows", "Reason", "Who")
    return told_table("corrections", "Declared corrections", titles, rows, language, numeric=(2,))


def _reason(row: pd.Series, inputs: Inputs, language: Language) -> tuple[str, str]:
    """Why a correction was made and by whom: the file's own words in the reader's language."""
    declared = inputs.corrections.get(str(row["id"]))
    if declared is None:
        return str(row["reason"]), str(row["who"])
    reason, who = (in_language(one, language.code) for one in (declared.reason, declared.who))
    return reason, who


def _files_table(inputs: Inputs, language: Language) -> ReadingTable | None:
    found = inputs.frame("files")
    if found is None:
        return None
    rows = [
        (
            " ".join(str(row[name]) for name in ("file", "sheet") if row[name]),
            source_name(str(row["source"]), inputs.profile, language),
            language.number(row["rows"]),
            str(row["encoding"] or MISSING),
            str(row["columns_not_read"] or MISSING),
        )
        for _, row in found.iterrows()
    ]
    titles = ("File", "Source", "Rows", "Encoding", "Columns not read")
    return told_table("files", "Files and how they were read", titles, rows, language, numeric=(2,))
