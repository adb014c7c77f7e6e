"""Tier moves of the month, and what held others back."""

from __future__ import annotations

import pandas as pd

from ..figures import Chart, ReadingTable, migration_map, reading_table
from ..language import MISSING, Language
from ..tables import TIERS
from ..tiers import HOLD_PHRASES, REASON_PHRASES
from .block import Block, as_heading, in_series, rendered
from .experiment_view import tier_name
from .inputs import Inputs


def tier_moves(inputs: Inputs, language: Language) -> Block:
    """How many customers changed tier, why, and what held others back."""
    moves, counts = inputs.frame("moves"), inputs.tier_counts
    if counts is None or counts.empty:
        return rendered("tier_moves", language, exists=False)
    done, held = _split(moves)
    return rendered(
        "tier_moves",
        language,
        exists=True,
        lead=_first_lead(language) if _is_first(counts) else _lead(done, held, language),
        chart=migration_chart(counts, done, language),
        sizes=sizes_table(counts, language),
        reasons=_reasons_table(done, held, language),
        has_moves=len(done) + len(held) > 0,
    )


def direction(row_from: str, row_to: str) -> str:
    """``up`` or ``down`` the tiers."""
    return "up" if TIERS.index(row_to) < TIERS.index(row_from) else "down"


def _split(moves: pd.DataFrame | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Moves that happened, and moves that were held back."""
    if moves is None:
        nothing = pd.DataFrame(columns=["from_tier", "to_tier", "reason", "held_back_by"])
        return nothing, nothing
    is_held = moves["held_back_by"].fillna("").ne("")
    return moves[~is_held], moves[is_held]


def counts_of_moves(moves: pd.DataFrame | None) -> dict[str, int]:
    """Numbers of moves: up, down, held_back."""
    done, held = _split(moves)
    ways = [direction(f, t) for f, t in zip(done["from_tier"], done["to_tier"], strict=True)]
    return {"up": ways.count("up"), "down": ways.count("down"), "held_back": len(held)}


def _is_first(counts: pd.DataFrame) -> bool:
    """Whether nobody had a tier the month before."""
    return bool(counts["previous_tier"].isna().all())


def _first_lead(language: Language) -> str:
    return language.text("Customers were sorted into tiers for the first time this month.")


def _lead(done: pd.DataFrame, held: pd.DataFrame, language: Language) -> str:
    counts = counts_of_moves(pd.concat([done, held]) if len(held) else done)
    total = counts["up"] + counts["down"]
    if not total:
        return language.text("No customer changed tier this month.")
    numbers = {name: language.number(n) for name, n in counts.items()}
    return language.plural(
        "{n} customer changed tier: {up} up, {down} down. {held_back} more moves were held back.",
        "{n} customers changed tier: {up} up, {down} down. {held_back} more moves were held back.",
        total,
        **numbers,
    )


def migration_chart(counts: pd.DataFrame, done: pd.DataFrame, language: Language) -> Chart | None:
    """The heat map of who went from which tier to which."""
    known = counts.dropna(subset=["previous_tier"])
    if known.empty:
        return None
    names = [tier_name(tier, language) for tier in TIERS]
    square = (
        known.pivot_table(index="previous_tier", columns="tier", values="customers_n",
                          aggfunc="sum", fill_value=0)
        .reindex(index=list(TIERS), columns=list(TIERS), fill_value=0)
        .set_axis(names, axis=0)
        .set_axis(names, axis=1)
    )  # fmt: skip
    finding = _migration_finding(done, language)
    moved = [
        language.text("{a} to {b}: {n}", a=a, b=b, n=language.number(int(square[b].loc[a])))
        for a in names
        for b in names
        if a != b and square[b].loc[a]
    ]
    return migration_map(
        square.rename_axis(index=None, columns=None),
        number=language.number,
        from_label=language.text("Tier last month"),
        to_label=language.text("Tier this month"),
        finding=finding,
        measure=language.text("Customers by tier last month (rows) and this month (columns)"),
        alternative=language.text(
            "{finding}. Heat map of moves: {rows}.",
            finding=finding,
            rows=in_series(moved, language),
        ),
        notes=(
            language.text(
                "Customers near a limit swing back by themselves: what happens after a move is "
                "not the effect of the move."
            ),
        ),
    )


def _migration_finding(done: pd.DataFrame, language: Language) -> str:
    if done.empty:
        return language.text("All customers kept their tier")
    pairs = done.groupby(["from_tier", "to_tier"]).size().sort_values(ascending=False)
    (source, target), n = pairs.index[0], int(pairs.iloc[0])
    return language.plural(
        "Most moves: {n} customer from {a} to {b}",
        "Most moves: {n} customers from {a} to {b}",
        n,
        a=tier_name(source, language),
        b=tier_name(target, language),
    )


def sizes_table(counts: pd.DataFrame, language: Language) -> ReadingTable:
    """How many customers each tier has, and how that changed."""
    now = counts.groupby("tier")["customers_n"].sum()
    was = counts.dropna(subset=["previous_tier"]).groupby("previous_tier")["customers_n"].sum()
    total = max(int(now.sum()), 1)
    rows = [
        {
            "tier": tier_name(tier, language),
            "n": language.number(now.get(tier, 0)),
            "share": language.percent(now.get(tier, 0) / total),
            "change": language.number(now.get(tier, 0) - was.get(tier, 0), sign=True)
            if len(was)
            else MISSING,
        }
        for tier in TIERS
    ]
    headings = {
        "tier": language.text("Tier"),
        "n": language.text("Customers", context="column"),
        "share": language.text("Share"),
        "change": language.text("Change on last month"),
    }
    caption = language.text("Customers by tier (the change includes new customers)")
    if not len(was):
        del headings["change"]
        caption = language.text("Customers by tier")
    numeric = [name for name in headings if name != "tier"]
    return reading_table(
        pd.DataFrame(rows), headings, caption=caption, numeric=numeric, key="tiers"
    )


def _reasons_table(
    done: pd.DataFrame, held: pd.DataFrame, language: Language
) -> ReadingTable | None:
    rows = []
    for label, frame, column, phrases in (
        ("Moved because", done, "reason", REASON_PHRASES),
        ("Held back by", held, "held_back_by", HOLD_PHRASES),
    ):
        for code in frame[column].value_counts().index:
            part = frame[frame[column] == code]
            ways = [
                direction(f, t) for f, t in zip(part["from_tier"], part["to_tier"], strict=True)
            ]
            rows.append(
                {
                    "group": language.text(label),
                    "why": as_heading(language.text(phrases.get(str(code), str(code)))),
                    "up": language.number(ways.count("up")),
                    "down": language.number(ways.count("down")),
                }
            )
    if not rows:
        return None
    headings = {
        "why": language.text("Reason"),
        "up": language.text("Up", context="moves"),
        "down": language.text("Down", context="moves"),
    }
    return reading_table(
        pd.DataFrame(rows), headings, caption=language.text("Why customers moved, or did not"),
        numeric=("up", "down"), group="group", key="reasons",
    )  # fmt: skip
