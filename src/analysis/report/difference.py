"""What differs between two results, and why: figures, verdicts, data, params, code.

Two months of one profile, or two versions of one month, as their ``summary.json`` and
``manifest.json`` tell them. Only what was published is read, never today's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CoverageError
from ..files import read_json
from ..standing import Standing
from .changes import InputChange, input_changes
from .headline import HEADLINE, Spec
from .inputs import published_digests

ROWS = ("read", "rejected")
ARROW = " → "
"""Between a source and the table that it goes into."""
"""Counts that are compared; what is kept and merged follows from these for most readers."""
SAME_WITHIN = 1e-9
"""Relative difference below which two figures are the same; it is rounding."""


@dataclass(frozen=True)
class Results:
    """What was put on the shelf for one month.

    Attributes:
        summary: Its ``summary.json``.
        manifest: Its ``manifest.json``.
        inputs: Name of an input → digest.
        withdrawal: by, on and reason, where it is a version that was withdrawn since.
    """

    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]
    inputs: Mapping[str, str]
    withdrawal: Mapping[str, str] = field(default_factory=dict)

    @property
    def month(self) -> str:
        """Such as 2026-10."""
        return str(self.summary.get("month", ""))

    @property
    def version(self) -> int:
        """The published version; 0 for a draft."""
        standing = self.manifest.get("standing") or {}
        return 0 if standing.get("state", "draft") == "draft" else int(standing.get("version", 0))

    @property
    def withdrawn(self) -> Standing | None:
        """That it must not be used, who says so and why; None where it still holds."""
        told = self.withdrawal or self.manifest.get("standing") or {}
        if not self.withdrawal and told.get("state") != "withdrawn":
            return None
        by, on, reason = (str(told.get(name, "")) for name in ("by", "on", "reason"))
        return Standing("withdrawn", self.version, by, on, reason)


@dataclass(frozen=True)
class FigureDifference:
    """A headline figure in both results; None where one has none."""

    spec: Spec
    before: float | None
    now: float | None


@dataclass(frozen=True)
class EffectDifference:
    """The effect on one decisive metric (all customers) in both results.

    Attributes:
        experiment: Its id.
        title: Language → title.
        metric, kind: Of the plan.
        estimand, treatment: What is compared: total, direct or spillover, and which arm.
        before, now: Effect, low and high end of the interval that holds at every look; None
            where one result has no such effect.
    """

    experiment: str
    title: Mapping[str, str]
    metric: str
    kind: str
    estimand: str
    treatment: str
    before: tuple[float | None, float | None, float | None] | None
    now: tuple[float | None, float | None, float | None] | None


@dataclass(frozen=True)
class VerdictDifference:
    """An experiment whose verdict is another one; None where one result has no such experiment."""

    experiment: str
    title: Mapping[str, str]
    before: str | None
    now: str | None


@dataclass(frozen=True)
class CountDifference:
    """A count of rows of one source and table, or of customers in a tier; None: not there."""

    name: str
    kind: str
    before: int | None
    now: int | None


@dataclass(frozen=True)
class ParamDifference:
    """A key of the profile that has another value, both as text; None where it is absent."""

    key: str
    before: str | None
    now: str | None


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two results.

    Attributes:
        before, now: The results.
        figures: Headline figures that differ.
        verdicts: Experiments with another verdict.
        effects: Decisive effects that differ.
        tiers: Tiers with another number of customers.
        rows: Rows by source and table that differ (read, kept, rejected, merged).
        params: Keys of the profile with another value.
        inputs: Files and code that differ, by kind.
        packages: Libraries of another version: name → (before, now).
    """

    before: Results
    now: Results
    figures: tuple[FigureDifference, ...]
    verdicts: tuple[VerdictDifference, ...]
    effects: tuple[EffectDifference, ...]
    tiers: tuple[CountDifference, ...]
    rows: tuple[CountDifference, ...]
    params: tuple[ParamDifference, ...]
    inputs: tuple[InputChange, ...]
    packages: Mapping[str, tuple[str, str]]

    @property
    def is_any(self) -> bool:
        """Whether anything differs that a reader would see or that made it."""
        found = (self.figures, self.verdicts, self.effects, self.tiers, self.rows, self.params)
        return any(found) or bool(self.inputs)

    @property
    def causes(self) -> tuple[str, ...]:
        """What may have made the figures differ: month, data, params, plans, code, packages."""
        kinds = {change.kind for change in self.inputs}
        told = {
            "month": self.before.month != self.now.month,
            "data": "raw" in kinds or bool(self.rows and self.before.month == self.now.month),
            "params": bool(self.params),
            "plans": bool(kinds - {"raw", "params", "code", "packages", "words", "notebook"}),
            "code": bool(kinds & {"code", "notebook"}),
            "packages": bool(self.packages),
        }
        return tuple(name for name, is_so in told.items() if is_so)


def results_of(folder: Path) -> Results:
    """Read the results of a month, or of one of its published versions.

    Args:
        folder: ``reports/<profile>/<month>`` or ``…/releases/<month>/v<n>``.

    Raises:
        CoverageError: There are none.
    """
    summary, manifest = read_json(folder / "summary.json"), read_json(folder / "manifest.json")
    if summary is None or manifest is None:
        raise CoverageError(
            "There are no results to compare",
            where=str(folder),
            todo="Run the month first, or name one of reports/<profile>/index.html.",
        )
    withdrawal = read_json(folder.with_name(f"{folder.name}.withdrawn.json")) or {}
    return Results(summary, manifest, published_digests(folder), withdrawal)


def difference(before: Results, now: Results) -> Difference:
    """Compare two results of one profile.

    Args:
        before, now: The earlier one and the later one.
    """
    return Difference(
        before=before,
        now=now,
        figures=tuple(_figures(before.summary, now.summary)),
        verdicts=tuple(_verdicts(before.summary, now.summary)),
        effects=tuple(_effects(before.summary, now.summary)),
        tiers=tuple(_tiers(before.summary, now.summary)),
        rows=tuple(_rows(before.manifest, now.manifest)),
        params=tuple(_params(before.manifest, now.manifest)),
        inputs=tuple(input_changes(_own(now.inputs), _own(before.inputs))),
        packages=_packages(before.manifest, now.manifest),
    )


def _own(inputs: Mapping[str, str]) -> dict[str, str]:
    """Inputs without last month's results, which are made from the same kinds of inputs."""
    return {name: of for name, of in inputs.items() if not name.startswith("previous/")}


def _figures(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[FigureDifference]:
    for spec in HEADLINE:
        was, is_now = (_value(one, spec.key) for one in (before, now))
        if not _same(was, is_now):
            yield FigureDifference(spec, was, is_now)


def _value(summary: Mapping[str, Any], key: str) -> float | None:
    value = ((summary.get("headline") or {}).get(key) or {}).get("value")
    return None if value is None else float(value)


def _verdicts(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[VerdictDifference]:
    ours, theirs = _experiments(now), _experiments(before)
    for key in dict.fromkeys([*ours, *theirs]):
        was, is_now = (side.get(key, {}).get("verdict") for side in (theirs, ours))
        if was != is_now:
            title = (ours.get(key) or theirs[key]).get("title") or {}
            yield VerdictDifference(key, title, was, is_now)


def _effects(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[EffectDifference]:
    ours, theirs = _decisive(now), _decisive(before)
    for key in dict.fromkeys([*ours, *theirs]):
        was, is_now = (_interval(side.get(key)) for side in (theirs, ours))
        if not _same_interval(was, is_now):
            one = ours.get(key) or theirs[key]
            yield EffectDifference(
                experiment=key[0],
                title=one["title"],
                metric=key[1],
                kind=str(one["kind"]),
                estimand=key[2],
                treatment=key[3],
                before=was,
                now=is_now,
            )


def _experiments(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(one["id"]): one for one in summary.get("experiments") or ()}


def _decisive(summary: Mapping[str, Any]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """Primary effects over all customers, by experiment, metric, estimand and arm."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for key, experiment in _experiments(summary).items():
        for effect in experiment.get("effects") or ():
            whole = effect.get("segment") == "all" and not effect.get("bound")
            intended = effect.get("analysis_basis", "intention_to_treat") == "intention_to_treat"
            if whole and intended and effect.get("role") == "primary":
                place = (str(effect.get(name, "")) for name in ("metric", "estimand", "treatment"))
                found[(key, *place)] = {**effect, "title": experiment.get("title") or {}}
    return found


def _interval(
    effect: Mapping[str, Any] | None,
) -> tuple[float | None, float | None, float | None] | None:
    return None if effect is None else (effect.get("effect"), effect.get("low"), effect.get("high"))


def _tiers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[CountDifference]:
    was, is_now = before.get("tiers") or {}, now.get("tiers") or {}
    for tier in dict.fromkeys([*is_now, *was]):
        if was.get(tier) != is_now.get(tier):
            yield CountDifference(tier, "customers", was.get(tier), is_now.get(tier))


def _rows(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[CountDifference]:
    was, is_now = _counted(before), _counted(now)
    for name, kind in dict.fromkeys([*is_now, *was]):
        ours, theirs = is_now.get((name, kind)), was.get((name, kind))
        if ours != theirs:
            yield CountDifference(name, kind, theirs, ours)


def _counted(manifest: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for row in (manifest.get("ledger") or {}).get("rows") or ():
        for kind in ROWS:
            place = (f"{row.get('source')}{ARROW}{row.get('table')}", kind)
            counted[place] = counted.get(place, 0) + int(row.get(f"rows_{kind}") or 0)
    return counted


def _params(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[ParamDifference]:
    was, is_now = (dict(_flat((one.get("params") or {}).get("values"))) for one in (before, now))
    if not was or not is_now:
        return
    for key in dict.fromkeys([*is_now, *was]):
        if was.get(key) != is_now.get(key):
            yield ParamDifference(key, was.get(key), is_now.get(key))


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
        for place, inner in enumerate(value, start=1):
            yield from _flat(inner, f"{key}[{place}]")
    elif key:
        yield key, _text(value)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _packages(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    was = {"tierlab": str(before.get("version", "")), **(before.get("packages") or {})}
    is_now = {"tierlab": str(now.get("version", "")), **(now.get("packages") or {})}
    names = dict.fromkeys([*is_now, *was])
    pairs = {name: (str(was.get(name, "")), str(is_now.get(name, ""))) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME_WITHIN * max(abs(one), abs(other), 1)


def _same_interval(
    one: tuple[float | None, ...] | None, other: tuple[float | None, ...] | None
) -> bool:
    if one is None or other is None:
        return one is other
    return all(_same(a, b) for a, b in zip(one, other, strict=True))
