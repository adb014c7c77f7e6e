"""The profile: one YAML a company data set."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from ..errors import did_you_mean
from ..language import LanguageCode
from ..tables import SOURCE_TABLES
from .loading import Bilingual, BrokenRule, Section, build, digest, read_yaml, refuse
from .money import Money
from .policies import with_named_files
from .policy import TierPolicy
from .quality import QualityThresholds
from .services import ServicePlan
from .sources import Source, TableSelect
from .value import ValuePolicy

NEEDED = ("customers", "shipments")
"""Tables that every profile has."""


class Privacy(Section):
    """What readers may see."""

    show_names: bool = False


class Profile(Section):
    """One company data set: its sources, policies, money and languages.

    Attributes:
        profile: Short name; names folders.
        raw: Folder of the raw files, relative to the repository (or absolute).
        calendar: Name of a file of ``calendars/`` beside the profile; null: every day is alike.
        tiers: How customers are sorted; in the file also the path of a policy file.
        services: What each tier gets; in the file also the path of a service plan.
    """

    schema_version: Literal[1]
    profile: str = Field(pattern="^[a-z][a-z0-9_-]*$")
    title: Bilingual
    raw: str
    timezone: str = "Asia/Shanghai"
    money: Money
    languages: tuple[LanguageCode, ...] = ("zh", "en")
    calendar: str | None = Field(None, pattern="^[a-z][a-z0-9_-]*$")
    engine: Literal["duckdb"] = "duckdb"
    sources: dict[str, Source]
    tables: dict[str, tuple[TableSelect, ...]]
    value: ValuePolicy = ValuePolicy()
    tiers: TierPolicy = TierPolicy()
    services: ServicePlan | None = None
    quality: QualityThresholds = QualityThresholds()
    privacy: Privacy = Privacy()

    @property
    def systems(self) -> frozenset[str]:
        """The systems that know customers by ids of their own."""
        return frozenset(source.system for source in self.sources.values())

    @model_validator(mode="after")
    def _timezone_exists(self) -> Profile:
        known = available_timezones()  # empty where the system has no list: nothing to hold against
        if known and self.timezone not in known:
            refuse([_no_timezone(self.timezone, known)])
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_select_may_stand_alone(cls, content: Any) -> Any:
        tables = content.get("tables") if isinstance(content, dict) else None
        if not isinstance(tables, dict):
            return content
        listed = {k: [v] if isinstance(v, dict) else v for k, v in tables.items()}
        return {**content, "tables": listed}

    @model_validator(mode="after")
    def _names_exist(self) -> Profile:
        unknown = [t for t in self.tables if t not in SOURCE_TABLES]
        if unknown:
            raise ValueError(f"no canonical table is called {unknown}; allowed: {SOURCE_TABLES}")
        for table, selects in self.tables.items():
            for select in selects:
                if select.source not in self.sources:
                    raise ValueError(
                        f"tables.{table} names the source '{select.source}'; "
                        f"allowed: {sorted(self.sources)}"
                    )
        refuse([_no_table(needed, self.sources) for needed in NEEDED if needed not in self.tables])
        return self


def _no_table(needed: str, sources: Collection[str]) -> BrokenRule:
    key = "customer_id" if needed == "customers" else "shipment_id, customer_id and shipped_at"
    return BrokenRule(
        "tables",
        f"tables.{needed} is missing; every profile needs it",
        todo=f"Add a SELECT over one of the sources ({', '.join(sources)}) that gives {key}.",
    )


def _no_timezone(name: str, known: Collection[str]) -> BrokenRule:
    return BrokenRule(
        "timezone",
        "This is no time zone",
        got=name,
        allowed="names of the IANA list, such as Asia/Shanghai or UTC",
        todo=did_you_mean(name, known) or "Correct the name.",
    )


def load_profile(path: str | Path) -> Profile:
    """Read and validate a profile.

    Args:
        path: Such as ``params/demo.yaml``.

    Raises:
        ParamsError: With every fault of the file.

    Example:
        >>> load_profile("params/demo.yaml").money.currency  # doctest: +SKIP
        'CNY'
    """
    content = with_named_files(read_yaml(Path(path)), Path(path).parent)
    return build(Profile, content, str(path))


def profile_digest(profile: Profile, *sections: str) -> str:
    """The digest of a whole profile, or of some of its sections."""
    content = profile.model_dump(mode="json")
    return digest({name: content[name] for name in sections} if sections else content)


def repository_of(profile_path: Path) -> Path:
    """The folder that holds ``params/`` (relative paths of a profile start there)."""
    return profile_path.resolve().parent.parent


def raw_folder(profile_path: Path, profile: Profile, raw: str | Path = "") -> Path:
    """Folder of the raw files: the option, else the profile's, seen from the repository."""
    return Path(raw) if raw else repository_of(profile_path) / profile.raw
