"""Sentences about estimates: why one is missing, and what must be known beside it.

The numerical functions hand back codes; here each becomes a message that is read in Chinese and
in English.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

from ..message import Message, Value
from .estimators.results import Note, NoteCode, Status

OK = "ok"

_STATUS = {
    Status.NO_UNITS: "no unit with a value in one of the arms",
    Status.TOO_FEW_UNITS: "too few units for an interval",
    Status.NO_VARIATION: "no variation: the values of an arm do not differ measurably",
    Status.INSUFFICIENT_CLUSTERS: "insufficient clusters: fewer than 4 in an arm",
    Status.UNDEFINED: "undefined: the denominator is not above zero",
    Status.UNBOUNDED: "unbounded: the data exclude no value on one side",
    Status.HORIZON_BEYOND_DATA: "nobody was followed as long as the horizon asks",
    Status.NOT_CONVERGED: "no finite estimate, for example because an arm has no event",
    Status.LOOKS_EXHAUSTED: "the planned looks are used up: no further claim",
}

_NOTES = {
    NoteCode.MISSING_OUTCOMES: "{n} units without a value are left out",
    NoteCode.INFINITE_OUTCOMES: "{n} units with an infinite value are left out",
    NoteCode.COVARIATE_CONSTANT: "the covariate {subject} does not vary and is not used",
    NoteCode.COVARIATE_COLLINEAR: "the covariate {subject} follows from others and is not used",
    NoteCode.COVARIATE_MISSING: "{n} missing values of {subject} are filled with its mean",
    NoteCode.COVARIATES_TOO_MANY: "too few units for the covariate {subject}; it is not used",
    NoteCode.STRATA_POOLED: "{n} strata with too few units are taken together",
    NoteCode.CONSTANT_IN_ONE_ARM: "one arm does not vary; the other's variance stands for both",
    NoteCode.SKEWED: "the values are skewed; the interval may miss more often than promised",
    NoteCode.FEW_CLUSTERS: "an arm has {n} clusters only; the interval is a rough one",
    NoteCode.NEGATIVE_CONTROL: "the control's value is negative; relative to its size",
    NoteCode.NEGATIVE_DENOMINATOR: "{n} units have a denominator below zero",
    NoteCode.WEIGHTS_TRIMMED: "{n} response weights are trimmed",
    NoteCode.RESPONSE_SEPARATED: "a covariate decides the response in {subject}; weights are held",
    NoteCode.OUT_OF_RANGE: "{n} values outside their scale count as missing",
    NoteCode.WEAK_INSTRUMENT: "assignment hardly moves the use of the service (F = {n})",
}


TABLE_WORDS = {
    "assignments": "assignments",
    "shipments": "shipments",
    "tickets": "tickets",
    "surveys": "surveys",
    "service_costs": "service costs",
    "tiers": "tiers",
}
"""Canonical table → its English words."""


COVARIATE_WORDS = {
    "prior_shipments": "shipments before the start",
    "prior_revenue": "revenue before the start",
    "prior_margin": "margin before the start",
    "prior_active": "activity before the start",
    "prior_on_time": "on-time rate before the start",
    "prior_tickets": "complaints before the start",
    "prior_response_minutes": "response time before the start",
    "prior_nps": "NPS before the start",
    "prior_csat": "satisfaction before the start",
    "prior_answers": "survey answers before the start",
    "prior_cost_to_serve": "cost to serve before the start",
    "prior_tenure_days": "tenure before the start",
}
"""The pipeline's own covariate → its English words."""


def covariate_value(column: str) -> Value:
    """A covariate for readers: its words, or the column of a table of their own as it is."""
    known = COVARIATE_WORDS.get(column)
    return Value("plain", column) if known is None else Value("term", known)


def status_message(status: Status) -> Message:
    """Why an estimate is missing; ``ok`` where it is not."""
    return Message(_STATUS.get(status, OK))


def note_message(note: Note) -> Message:
    """One remark beside an estimate."""
    values = {"n": Value("number", note.count), "subject": covariate_value(note.subject)}
    source = _NOTES[note.code]
    return Message(source, {k: v for k, v in values.items() if f"{{{k}}}" in source})


def note_messages(notes: Iterable[Note]) -> tuple[Message, ...]:
    """All remarks, in order."""
    return tuple(note_message(note) for note in notes)


def not_available(table: str) -> Message:
    """A metric whose source table does not exist in this profile."""
    word = Value("term", TABLE_WORDS.get(table, table))
    return Message("not available: no {table} source", {"table": word})


def maturing(needed: dt.date | None, until: dt.date | None) -> Message:
    """A metric of which no unit has completed its window."""
    if needed is None or until is None:
        return Message("maturing: no unit has completed its window")
    return Message(
        "maturing: needs data to {needed}, has data to {until}",
        {"needed": Value("date", needed.isoformat()), "until": Value("date", until.isoformat())},
    )


def absent_covariate(column: str) -> Message:
    """A covariate of the plan whose table does not exist."""
    return Message("the covariate {subject} is not available", {"subject": covariate_value(column)})


def distinct(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Messages in order, each once."""
    by_text = {json.dumps(m.to_json(), sort_keys=True): m for m in messages}
    return tuple(by_text.values())


def too_many_segments(count: int) -> Message:
    """A column with more values than can be estimated or read."""
    return Message("not estimated: {n} segments are too many", {"n": Value("number", count)})


def outside_segments(column: str, count: int) -> Message:
    """Units that count for the whole, but belong to no segment of a column."""
    return Message(
        "{n} units have no value in {column} and are in none of its segments",
        {"n": Value("number", count), "column": Value("plain", column)},
    )


def interaction_told(p_value: float) -> Message:
    """Whether the effect differs between segments at all."""
    p = {"p": Value("plain", f"{p_value:.2g}")}
    return Message("test of equal effects in all segments: p = {p}", p)
