"""One month of one profile as a job: where its inputs are and where everything goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ParamsError
from ..months import Month
from ..params import Profile, load_profile, raw_folder, repository_of
from .stages import STAGES, Step, steps_of

CHECKOUT = Path(__file__).resolve().parents[3]
"""The repository this package runs from: it holds the notebooks and the Snakefile."""

PRIVATE = "private"
LONGEST_RANGE = 240
"""Months that one command may ask for; more is a slip of the pen."""


@dataclass(frozen=True)
class Job:
    """One month of one profile.

    Attributes:
        profile_path: Absolute path of the profile's YAML.
        profile: The same, read.
        month: The as-of month.
        raw: Absolute folder of the raw files.
        root: Absolute folder that holds ``data/processed`` and ``reports``.
        notebooks: Absolute folder of the stage notebooks.
    """

    profile_path: Path
    profile: Profile
    month: Month
    raw: Path
    root: Path
    notebooks: Path

    @property
    def name(self) -> str:
        """Such as ``demo 2026-10``."""
        return f"{self.profile.profile} {self.month}"

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the month, in order."""
        return steps_of(self.profile.languages)

    @property
    def home(self) -> Path:
        """The profile's folder of tables, ``data/processed/<profile>``."""
        return self.root / "data" / "processed" / self.profile.profile

    @property
    def processed(self) -> Path:
        """The month's folder of tables."""
        return self.home / str(self.month)

    @property
    def failed(self) -> Path:
        """Where notebooks that failed are kept as evidence."""
        return self.processed / PRIVATE / "failed"

    @property
    def shelf(self) -> Path:
        """The profile's folder of reports, ``reports/<profile>``."""
        return self.root / "reports" / self.profile.profile

    @property
    def reports(self) -> Path:
        """The month's folder of results."""
        return self.shelf / str(self.month)

    @property
    def previous(self) -> Job:
        """The month before."""
        return replace(self, month=self.month.shifted(-1))

    def marker(self, step: Step) -> Path:
        """Written last by a step, deleted first: it exists when the step's files are whole."""
        return self.processed / ".stages" / f"{step.name}.json"

    def digest_file(self, step: Step) -> Path:
        """Holds the digests of a step's inputs; rewritten only when their content changed."""
        return self.processed / ".inputs" / f"{step.name}.digest"

    def notebook(self, step: Step) -> Path:
        """The notebook that a step executes."""
        return self.notebooks / f"{step.stage.notebook}.ipynb"


def jobs_of(
    profile: str | Path,
    months: Iterable[Month],
    *,
    raw: str | Path = "",
    out: str | Path = "",
    notebooks: str | Path = "",
) -> tuple[Job, ...]:
    """The jobs of some months, all paths made absolute.

    Args:
        profile: The profile's YAML file.
        months: The as-of months.
        raw: Raw files elsewhere than the profile says.
        out: Folder for ``data/processed`` and ``reports``; the repository by default.
        notebooks: Stage notebooks elsewhere.

    Raises:
        ParamsError: The profile is wrong, or a folder cannot be named in a Snakefile.
    """
    path = Path(profile).resolve()
    read = load_profile(Path(profile))
    root = Path(out).resolve() if out else repository_of(path)
    folder = Path(notebooks).resolve() if notebooks else notebook_folder(path)
    _refuse_braces(root)
    raw_files = raw_folder(path, read, raw).resolve()
    return tuple(Job(path, read, month, raw_files, root, folder) for month in months)


def notebook_folder(profile_path: Path) -> Path:
    """``notebooks/`` beside the profile's ``params/`` if it has the stages, else our own."""
    beside = repository_of(profile_path) / "notebooks"
    complete = all((beside / f"{s.notebook}.ipynb").exists() for s in STAGES if s.notebook)
    return beside if complete else CHECKOUT / "notebooks"


def months_between(first: Month, last: Month) -> tuple[Month, ...]:
    """All months from the first to the last, both included.

    Raises:
        ParamsError: The first is later than the last, or the range is absurdly long.
    """
    count = last.months_since(first) + 1
    if not 1 <= count <= LONGEST_RANGE:
        raise ParamsError(
            "This is no range of months",
            where="--from, --to",
            got=f"{first} to {last}",
            allowed=f"1 to {LONGEST_RANGE} months, the earlier one first",
        )
    return first.through(last)


def _refuse_braces(root: Path) -> None:
    if any(mark in str(root) for mark in "{}"):
        raise ParamsError(
            "The folder's name cannot be used",
            where="--out",
            got=str(root),
            allowed="names without { and } (they are wildcards to Snakemake)",
        )
