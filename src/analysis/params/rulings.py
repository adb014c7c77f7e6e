"""What people decided about records that the model was not sure of; it holds for ever."""

from __future__ import annotations

import csv
import datetime as dt
from itertools import chain
from pathlib import Path
from typing import Literal, Self

from pydantic import ValidationError, model_validator

from ..errors import AnalysisError, ParamsError, did_you_mean, raise_all
from .loading import Section, Written


class Ruling(Section):
    """A decision about two records.

    Attributes:
        source, source_customer_id: One record.
        other_source, other_source_customer_id: The other.
        decision: ``same`` customer or ``different`` ones.
        decided_by: Who decided: a role or a name.
        decided_on: When.
        reason: Why.
    """

    source: Written
    source_customer_id: Written
    other_source: Written
    other_source_customer_id: Written
    decision: Literal["same", "different"]
    decided_by: Written
    decided_on: dt.date
    reason: Written

    @model_validator(mode="after")
    def _two_records(self) -> Self:
        if self.records[0] == self.records[1]:
            raise ValueError("a record is decided to be itself")
        return self

    @property
    def records(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """The two records, in an order of their own."""
        one = (self.source, self.source_customer_id)
        other = (self.other_source, self.other_source_customer_id)
        return (one, other) if one <= other else (other, one)


def load_rulings(path: str | Path) -> tuple[Ruling, ...]:
    """Read a file of decisions (CSV, UTF-8); none where the file does not exist.

    Raises:
        ParamsError: With every fault of the file: columns, values, two decisions about one pair.
    """
    path = Path(path)
    if not path.exists():
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise ParamsError(
            "The file of decisions cannot be read",
            where=str(path),
            got=" ".join(str(fault).split()),
            todo="Save it as CSV in UTF-8.",
        ) from fault
    header = [cell.strip() for cell in rows[0]] if rows else []
    raise_all(_header_faults(path, header))
    read = [
        _ruling(path, line, header, cells) for line, cells in enumerate(rows[1:], 2) if any(cells)
    ]
    raise_all([fault for fault in chain(read) if isinstance(fault, AnalysisError)])
    rulings = tuple(ruling for ruling in read if isinstance(ruling, Ruling))
    raise_all(_contradictions(path, rulings))
    return rulings


def _header_faults(path: Path, header: list[str]) -> list[AnalysisError]:
    wanted = list(Ruling.model_fields)
    unknown = [name for name in header if name not in wanted]
    missing = [name for name in wanted if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    faults: list[AnalysisError] = [
        ParamsError(
            f"Unknown column '{name}'",
            where=str(path),
            allowed=wanted,
            todo=did_you_mean(name, wanted) or "Remove or correct the column.",
        )
        for name in unknown
    ]
    faults += [
        ParamsError(f"The column '{name}' is given twice", where=str(path), todo="Keep one.")
        for name in twice
    ]
    if missing:
        told = ", ".join(missing)
        faults.append(
            ParamsError("Columns are missing", where=str(path), got=told, todo="Add them.")
        )
    return faults


def _ruling(path: Path, line: int, header: list[str], cells: list[str]) -> Ruling | AnalysisError:
    where = f"{path}, line {line}"
    if len(cells) != len(header):
        return ParamsError(
            "The row does not have the header's number of cells",
            where=where,
            got=len(cells),
            allowed=str(len(header)),
            todo="Put texts that hold commas in quotes.",
        )
    try:
        return Ruling.model_validate(dict(zip(header, cells, strict=True)))
    except ValidationError as fault:
        first = fault.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        return ParamsError(
            str(first["msg"]).removeprefix("Value error, "),
            where=f"{where}, column '{column}'" if column else where,
            got=first.get("input") if column else None,
            allowed=str(first.get("ctx", {}).get("expected", "")) or None,
            todo="Correct the cell.",
        )


def _contradictions(path: Path, rulings: tuple[Ruling, ...]) -> list[AnalysisError]:
    seen: dict[object, Ruling] = {}
    faults: list[AnalysisError] = []
    for ruling in rulings:
        before = seen.setdefault(ruling.records, ruling)
        if before.decision != ruling.decision:
            pair = " and ".join(":".join(record) for record in ruling.records)
            faults.append(
                ParamsError(
                    "Two decisions about one pair contradict each other",
                    where=str(path),
                    got=pair,
                    todo="Keep the decision that holds.",
                )
            )
    return faults
