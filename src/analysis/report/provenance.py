"""What the report was made from, and the one command that makes it again."""

from __future__ import annotations

import importlib.metadata
import platform

from ..language import MISSING, Language
from ..params import profile_digest
from .block import Block, rendered
from .field_names import no_source
from .inputs import Inputs

PACKAGES = ("duckdb", "ibis-framework", "pandas", "statsmodels", "seaborn")
"""Libraries whose version is told; the manifest has all."""
OPTIONAL = ("tickets", "surveys", "service_costs", "assignments")
"""Canonical tables whose absence takes something from the report."""


def provenance(inputs: Inputs, language: Language) -> Block:
    """What the report was made from."""
    raw = {n.removeprefix("raw/"): d for n, d in inputs.parts.items() if n.startswith("raw/")}
    return rendered(
        "provenance",
        language,
        command=inputs.command,
        facts=_facts(inputs, language, len(raw)),
        raw=sorted(raw.items()),
        missing=not_available(inputs, language),
    )


def not_available(inputs: Inputs, language: Language) -> list[str]:
    """What this report cannot tell, and why, one phrase each."""
    phrases = [no_source(table, language) for table in OPTIONAL if table not in inputs.sources]
    if not inputs.experiments and "assignments" in inputs.sources:
        phrases.append(language.text("no experiment had begun by this month"))
    return phrases


def _facts(inputs: Inputs, language: Language, raw_files: int) -> list[tuple[str, str]]:
    profile = inputs.profile
    versions = ", ".join(f"{n} {version_of(n)}" for n in PACKAGES)
    code = inputs.parts.get("code", "")
    tax = {"excluded": "tax excluded", "included": "tax included", "unknown": "tax basis unknown"}
    amounts = language.text(
        "{currency}, {tax}",
        currency=profile.money.currency,
        tax=language.text(tax[profile.money.tax]),
    )
    facts = [
        ("As of", language.date(inputs.month.last_day)),
        ("Profile", profile.profile),
        ("Amounts", amounts),
        ("Time zone", profile.timezone),
        ("Digest of the parameters", profile_digest(profile)),
        ("Digest of the code", code),
        ("Raw files", language.number(raw_files) if raw_files else ""),
        ("Program", f"tierlab {version_of('tierlab')}, Python {platform.python_version()}"),
        ("Libraries", versions),
    ]
    return [(language.text(name), value) for name, value in facts if value]


def version_of(package: str) -> str:
    """The version of an installed package, for readers."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return MISSING
