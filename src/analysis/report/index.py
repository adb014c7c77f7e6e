"""The page that lists all months of a profile, in both languages, without a script."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from ..figures import sparkline
from ..language import MISSING, Language, LanguageCode
from ..standing import Standing
from .block import rendered
from .experiment_view import segment_name
from .headline import HEADLINE, written
from .page import TEMPLATE, TEMPLATES
from .verdicts import DECISIONS

CODES: tuple[LanguageCode, ...] = ("zh", "en")
"""Languages of the page, in their order on it."""
SHOWN = ("active_customers", "retention", "nps", "on_time_rate", "revenue")
"""Headline figures of the index."""
STATES = {
    "ok": ("up to date", "good", "✓"),
    "stale": ("stale: its inputs changed since", "caution", "!"),
    "failed": ("the last run failed; this is the report before it", "bad", "✕"),
    "missing": ("the run failed; there is no report yet", "bad", "✕"),
}
"""State → its English words, tone and sign."""
STANDINGS = {"draft": "Draft", "published": "Published", "withdrawn": "Withdrawn"}
MEMORY_VERSION = 1
"""Raised when the index needs something else of a month, so that all are read again."""
RELEASES = "releases"
"""Folder of the published versions, beside the months."""
MONTH = re.compile(r"\d{4}-\d{2}")


DRAFT = Standing()

Versions = Mapping[str, Sequence[Standing]]
"""Month → how each of its published versions stands, the first version first."""


@dataclass(frozen=True)
class MonthEntry:
    """One month of the index.

    Attributes:
        month: Such as 2026-10.
        state: ok, stale, failed, or missing (failed without an earlier report).
        summary: What the index needs of its ``summary.json``; empty where there is none.
        pages: Language → file name of its report, relative to the index.
        standing: How its latest results stand.
        versions: How its published versions stand.
        signature: Tells whether the month's files are still the same.
        quality: Language → its page on data quality, as `pages`.
        notices: Versions that have a page which tells that they are withdrawn.
    """

    month: str
    state: str
    summary: Mapping[str, Any]
    pages: Mapping[str, str]
    standing: Standing = DRAFT
    versions: tuple[Standing, ...] = ()
    signature: str = ""
    quality: Mapping[str, str] = field(default_factory=dict)
    notices: frozenset[int] = frozenset()

    def figure(self, key: str) -> float:
        """A headline figure; NaN where there is none."""
        value = ((self.summary.get("headline") or {}).get(key) or {}).get("value")
        return math.nan if value is None else float(value)

    @property
    def kept(self) -> dict[str, Any]:
        """What the next index needs not to read this month's files again."""
        return {
            "signature": self.signature,
            "summary": self.summary,
            "standing": asdict(self.standing),
        }


def index_page(shelf: Path, entries: Sequence[MonthEntry] | None = None) -> str:
    """The index of a profile's months.

    Args:
        shelf: ``reports/<profile>``: one folder a month, and in ``.states`` one file a month
            whose report is stale or whose last run failed.
        entries: What `month_entries` found; by default it is called.

    Returns:
        One HTML page in Chinese and English; the latest month first.
    """
    entries = month_entries(shelf) if entries is None else entries
    parts = {code: _part(entries, Language(code)) for code in CODES}
    title: Mapping[str, Any] = next(
        (e.summary["title"] for e in entries if e.summary.get("title")), {}
    )
    page = rendered(
        "index",
        Language("zh"),
        style=Markup((TEMPLATES / TEMPLATE / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        titles={code: str(title.get(code, shelf.name)) for code in CODES},
        words={code: Language(code).text for code in CODES},
        parts=parts,
    )
    return page.html


def month_entries(
    shelf: Path,
    versions: Versions = MappingProxyType({}),
    kept: Mapping[str, Any] = MappingProxyType({}),
) -> list[MonthEntry]:
    """The months of a profile that have a report or a failed run, the latest first.

    Args:
        shelf: ``reports/<profile>``.
        versions: How published versions stand.
        kept: Month → `MonthEntry.kept` of the last index; only months whose files changed since
            are read again.
    """
    found = {p.name for p in shelf.iterdir() if p.is_dir()} if shelf.is_dir() else set()
    noted = {p.stem for p in (shelf / ".states").glob("*.json")}
    months = sorted((m for m in found | noted if MONTH.fullmatch(m)), reverse=True)
    return [_entry(shelf, m, tuple(versions.get(m, ())), kept.get(m)) for m in months]


def _entry(shelf: Path, month: str, versions: tuple[Standing, ...], kept: Any) -> MonthEntry:
    pages, quality = (_pages(shelf, month, kind) for kind in ("report", "quality"))
    noted = str(_read(shelf / ".states" / f"{month}.json").get("state", "ok"))
    state = "missing" if noted == "failed" and not pages else noted
    signature = _signature(shelf / month)
    if not isinstance(kept, Mapping) or kept.get("signature") != signature:
        summary, standing = _needed(shelf / month)
    else:
        summary, standing = kept["summary"], _standing_in(kept)
    notices = frozenset(v.version for v in versions if (shelf / _notice(month, v)).exists())
    return MonthEntry(month, state, summary, pages, standing, versions, signature, quality, notices)


def _notice(month: str, version: Standing) -> str:
    """Where a version's withdrawal is told, seen from the index."""
    return f"{RELEASES}/{month}/v{version.version}.withdrawn.html"


def _pages(shelf: Path, month: str, kind: str) -> dict[str, str]:
    names = {str(code): f"{month}/{kind}.{code}.html" for code in CODES}
    return {code: name for code, name in names.items() if (shelf / name).exists()}


def _signature(folder: Path) -> str:
    """Changes when a month is put on the shelf again: the folder is replaced as a whole."""
    files = [folder / name for name in ("summary.json", "manifest.json")]
    stats = [path.stat() for path in files if path.exists()]
    found = " ".join(f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}" for stat in stats)
    return f"{MEMORY_VERSION} {found}"


def _needed(folder: Path) -> tuple[dict[str, Any], Standing]:
    """The few things of a month's summary that the index shows, and how its results stand."""
    summary = _read(folder / "summary.json")
    headline = summary.get("headline") or {}
    needed = {
        "title": summary.get("title"),
        "currency": summary.get("currency"),
        "headline": {key: headline[key] for key in SHOWN if key in headline},
        "experiments": [
            {name: one.get(name) for name in ("id", "title", "verdict", "segments")}
            for one in summary.get("experiments") or ()
        ],
    }
    standing = _standing_in(_read(folder / "manifest.json"))
    return {name: value for name, value in needed.items() if value}, standing


def _standing_in(content: Mapping[str, Any]) -> Standing:
    """How results stand, of what this version of the program knows; else a draft."""
    told = content.get("standing")
    if not isinstance(told, Mapping):
        return DRAFT
    known = {one.name for one in fields(Standing)}
    return Standing(**{name: value for name, value in told.items() if name in known})


def _read(path: Path) -> dict[str, Any]:
    """A JSON file; nothing where it is missing or broken, so that one month spoils no index."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _part(entries: Sequence[MonthEntry], language: Language) -> dict[str, Any]:
    specs = [spec for spec in HEADLINE if spec.key in SHOWN]
    specs.sort(key=lambda spec: SHOWN.index(spec.key))
    oldest_first = list(reversed(entries))
    return {
        "headings": [language.text(spec.label) for spec in specs],
        "trends": [
            Markup(sparkline([e.figure(spec.key) for e in oldest_first]))  # noqa: S704
            for spec in specs
        ],
        "rows": [
            {
                "month": language.month(entry.month),
                "page": entry.pages.get(language.code) or next(iter(entry.pages.values()), ""),
                "quality": entry.quality.get(language.code, ""),
                "state": _state(entry.state, language),
                "standing": _standing(entry, language),
                "versions": [_version(entry, one, language) for one in entry.versions],
                "verdicts": [_verdict(e, language) for e in entry.summary.get("experiments", ())],
                "figures": [
                    written(entry.figure(spec.key), spec.form, language,
                            str(entry.summary.get("currency") or "CNY"))
                    for spec in specs
                ],
            }
            for entry in entries
        ],
    }  # fmt: skip


def _state(state: str, language: Language) -> dict[str, str]:
    words, tone, sign = STATES.get(state, STATES["stale"])
    return {"words": language.text(words, context="state"), "tone": tone, "sign": sign}


def _standing(entry: MonthEntry, language: Language) -> dict[str, str]:
    """How the latest results stand, in two or three words; the versions tell the rest."""
    if not entry.pages:
        return {}
    state = entry.standing.state
    gone = {one.version for one in entry.versions if one.state == "withdrawn"}
    if state == "published" and entry.standing.version in gone:  # its pages wait for a run
        state = "withdrawn"
    return {"state": state, "words": language.text(STANDINGS[state], context="standing")}


def _version(entry: MonthEntry, standing: Standing, language: Language) -> dict[str, str]:
    """A published version; its page in the reader's language, else in the one it has.

    A withdrawn one leads to the page that says so, and tells its reason here too: its own pages
    say that it is published.
    """
    code = language.code if language.code in entry.pages else next(iter(entry.pages), CODES[0])
    page = f"{RELEASES}/{entry.month}/v{standing.version}/report.{code}.html"
    is_withdrawn = standing.state == "withdrawn"
    return {
        "page": _notice(entry.month, standing) if standing.version in entry.notices else page,
        "state": standing.state,
        "name": language.text("Version {version}", version=str(standing.version)),
        "words": standing.in_words(language),
        "told": standing.in_words(language) if is_withdrawn else "",
    }


def _verdict(experiment: Mapping[str, Any], language: Language) -> dict[str, str]:
    decision = DECISIONS.get(str(experiment.get("verdict")))
    segments = [segment_name(str(s), language) for s in experiment.get("segments") or ()]
    title = (experiment.get("title") or {}).get(language.code) or str(experiment.get("id"))
    if decision is None:
        return {"title": title, "words": MISSING, "tone": "grey", "sign": "?"}
    words = language.text(decision.words, segments=language.listed(segments))
    return {"title": title, "words": words, "tone": decision.tone, "sign": decision.sign}
