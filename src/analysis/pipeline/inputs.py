"""What each step depends on, by content: the reason why a step runs again, or does not.

A step's own inputs are compared here; that a step also depends on the steps before it is
stated by the Snakefile (and by `stale_steps`, in the same words).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path, PurePath

from ..files import read_json, write_json
from ..params import Profile, digest
from .digests import DigestCache, folder_digests, joint_digest
from .job import Job
from .releases import standing_digest
from .stages import PUBLICATION, STAGES, Step, before

PACKAGE = Path(__file__).resolve().parents[1]

NOT_OF_THE_PIPELINE = frozenset({"cli", "dashboard", "simulate", "lab.py", "__main__.py"})
"""Parts of the package that no stage may import (a test holds it), so that they change nothing."""

WORDS = frozenset({"locale", "fonts"})
"""Parts of the package that only readers' pages depend on."""

PACKAGES = (
    "babel",
    "duckdb",
    "great_tables",
    "ibis-framework",
    "matplotlib",
    "nbconvert",
    "numpy",
    "opencc",
    "pandas",
    "pointblank",
    "pyarrow",
    "python-calamine",
    "scipy",
    "seaborn",
    "splink",
    "statsmodels",
)
"""Packages whose version can move a figure; the manifest names them too."""

PREVIOUS = "previous/"
"""How the names of inputs begin that are last month's results."""

NOT_RUN = "has not run"

Parts = dict[str, str]
"""Name of an input → digest of its content."""


def cache_of(job: Job) -> DigestCache:
    """The digest cache of the job's profile."""
    return DigestCache.load(job.home / ".digests.json")


def inputs_of(job: Job, step: Step, cache: DigestCache) -> Parts:
    """Digests of everything a step reads that no earlier step made.

    Returns:
        Such as ``{"notebook": …, "params.tiers": …}``; raw files as ``raw/<path>``.
    """
    parts = {f"params.{name}": d for name, d in _sections(job, step.stage.name).items()}
    if step.stage.notebook:
        parts["notebook"] = cache.of(job.notebook(step))
    if step.stage.reads_raw:
        parts |= {f"raw/{name}": d for name, d in raw_digests(job, cache).items()}
        parts |= {"code": code_digest(cache), "packages": digest(versions())}
    parts |= params_file_digests(job, step.stage.params_files, cache)
    if step.stage.reads_previous:
        parts |= _of_previous(job.previous, cache)
    if step.stage.by_language or not step.stage.notebook:
        parts["words"] = words_digest(cache)
    if step.stage.name == PUBLICATION:
        parts["standing"] = standing_digest(job)
    return parts


def raw_digests(job: Job, cache: DigestCache) -> Parts:
    """Digest of each raw file and table that the profile names.

    Returns:
        By path below the raw folder; tables of a database as ``warehouse:public.orders``.

    Raises:
        SourceError: A database cannot be asked.
    """
    profile = job.profile
    named = [p for s in profile.sources.values() for p in s.patterns]
    patterns = [p for p in (*named, profile.money.rates) if _is_below(p)]
    found = folder_digests(job.raw, patterns, cache) if job.raw.is_dir() else {}
    return found | table_digests(profile, cache)


def table_digests(profile: Profile, cache: DigestCache) -> Parts:
    """Digest of what is read of each table of a database.

    Raises:
        SourceError: A database cannot be asked.
    """
    tables = [s for s in profile.sources.values() if s.format == "postgresql"]
    if not tables:
        return {}
    from ..sources.databases import label_of, table_digest

    return {
        label_of(source): cache.once(digest(source), partial(table_digest, source))
        for source in tables
    }


def params_file_digests(job: Job, globs: Iterable[str], cache: DigestCache) -> Parts:
    """Digest of each params file beside the profile, such as ``experiments/demo/trial.yaml``."""
    named = [pattern.format(profile=job.profile.profile) for pattern in globs]
    return folder_digests(job.profile_path.parent, named, cache)


def code_digest(cache: DigestCache) -> str:
    """One digest of the package's code, without what no stage imports."""
    found = folder_digests(PACKAGE, ["**/*"], cache)
    counted = {n: d for n, d in found.items() if _is_code(Path(n))}
    return joint_digest(counted)


def words_digest(cache: DigestCache) -> str:
    """One digest of catalogues and fonts."""
    found = folder_digests(PACKAGE, [f"{name}/**/*" for name in sorted(WORDS)], cache)
    return joint_digest(found)


@cache
def versions() -> Mapping[str, str]:
    """Versions of Python and of the packages that can move a figure."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def reasons_of(job: Job, cache: DigestCache) -> dict[str, str]:
    """Why steps must run; nothing is changed.

    Returns:
        Step → its reason, in the order of the steps; empty when all are up to date.
    """
    reasons: dict[str, str] = {}
    for step in job.steps:
        waits_for = [o.name for o in before(step, job.profile.languages) if o.name in reasons]
        reason = _why(job, step, inputs_of(job, step, cache), cache)
        if reason or waits_for:
            reasons[step.name] = reason or f"{waits_for[0]} runs"
    return reasons


def prepare(job: Job, cache: DigestCache) -> dict[str, str]:
    """Write the digest files that changed and remove the markers that no longer hold.

    Returns:
        As `reasons_of`.
    """
    reasons = reasons_of(job, cache)
    for step in job.steps:
        _note(job, step, inputs_of(job, step, cache))
        if step.name in reasons:
            job.marker(step).unlink(missing_ok=True)
    cache.save()
    return reasons


def wants_another_round(reasons: Mapping[str, str]) -> bool:
    """Whether a month waits for nothing but another month of the same run.

    Its report waited in vain for last month, which failed, or last month was made anew since.
    What else may have changed meanwhile (someone edits a notebook) is left to the next run.
    """
    first = next(iter(reasons.values()), "")
    return first == NOT_RUN or first.startswith(PREVIOUS)


def _why(job: Job, step: Step, parts: Parts, cache: DigestCache) -> str:
    marker = read_json(job.marker(step))
    if marker is None:
        return NOT_RUN
    was = marker.get("inputs", {})
    changed = sorted(n for n in {*parts, *was} if parts.get(n) != was.get(n))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return f"{changed[0]} changed{more}"
    for name, expected in marker.get("outputs", {}).items():
        if cache.of(job.root / name) != expected:
            return f"{name} is missing or was changed"
    return ""


def _note(job: Job, step: Step, parts: Parts) -> None:
    """Write a step's digest file if its content changed.

    A step may have run with inputs that came to be after the file was written (last month's
    summary, in a run of several months): then the file is dated before the step's marker.
    """
    path = job.digest_file(step)
    if read_json(path) == parts:
        return
    write_json(path, parts)
    marker = read_json(job.marker(step))
    if marker is not None and marker.get("inputs") == parts:
        before = job.marker(step).stat().st_mtime - 1
        os.utime(path, (before, before))


def _of_previous(previous: Job, cache: DigestCache) -> Parts:
    """What last month's report said, and what it was made of (not what came before it)."""
    noted = sorted((previous.processed / ".inputs").glob("*.digest"))
    own = {f"{p.stem}/{k}": v for p in noted for k, v in (read_json(p) or {}).items()}
    made_of = {name: v for name, v in own.items() if f"/{PREVIOUS}" not in name}
    return {
        f"{PREVIOUS}summary": cache.of(previous.reports / "summary.json"),
        f"{PREVIOUS}inputs": joint_digest(made_of),
    }


def _sections(job: Job, stage: str) -> Parts:
    claimed = {name for s in STAGES for name in s.sections}
    own = next(s.sections for s in STAGES if s.name == stage)
    content = job.profile.model_dump(mode="json")
    first = stage == STAGES[0].name
    names = own + tuple(name for name in content if first and name not in claimed)
    return {name: digest(content[name]) for name in names if name != "raw"}


def _is_code(path: Path) -> bool:
    top = path.parts[0]
    return (
        top not in NOT_OF_THE_PIPELINE | WORDS
        and "__pycache__" not in path.parts
        and not path.name.startswith(".")
    )


def _is_below(pattern: str) -> bool:
    """Whether a pattern stays in the raw folder; cleaning refuses the others, with words."""
    path = PurePath(pattern)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
