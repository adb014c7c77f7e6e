"""What the pipeline does, stage by stage: one table instead of rules in several places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import ParamsError, did_you_mean

if TYPE_CHECKING:
    from ..language import LanguageCode

CLEANING = "cleaning"
SEGMENTATION = "segmentation"
EVALUATION = "evaluation"
REPORT = "report"
PUBLICATION = "publication"


@dataclass(frozen=True)
class Stage:
    """One stage of a month.

    Attributes:
        name: Also names its marker.
        notebook: The notebook it executes; empty for the publication.
        after: The stage it waits for.
        sections: Profile sections that no earlier stage reads. A section that no stage
            claims belongs to the first stage, so that forgetting one here costs time, never
            a wrong result.
        reads_raw: Whether raw files are among its inputs.
        params_files: Files beside the profile that are among its inputs, as globs below the
            params folder with ``{profile}`` for its name.
        reads_previous: Whether last month's results are.
        by_language: Executed once a language.
    """

    name: str
    notebook: str = ""
    after: str = ""
    sections: tuple[str, ...] = ()
    reads_raw: bool = False
    params_files: tuple[str, ...] = ()
    reads_previous: bool = False
    by_language: bool = False


STAGES: tuple[Stage, ...] = (
    Stage(
        CLEANING,
        "01_cleaning",
        reads_raw=True,
        params_files=(
            "corrections/{profile}.yaml",
            "identity/{profile}.csv",
            "forgotten/{profile}.yaml",
        ),
    ),
    Stage(
        SEGMENTATION,
        "02_segmentation",
        after=CLEANING,
        sections=("value", "tiers", "calendar", "services"),
        params_files=("overrides/{profile}.yaml", "calendars/*.yaml"),
    ),
    Stage(
        EVALUATION,
        "03_evaluation",
        after=SEGMENTATION,
        params_files=("experiments/{profile}/*.yaml", "experiments/{profile}/*.frozen.json"),
    ),
    Stage(
        REPORT,
        "04_report",
        after=EVALUATION,
        sections=("title", "privacy"),
        params_files=("actions/{profile}.yaml",),
        reads_previous=True,
        by_language=True,
    ),
    Stage(PUBLICATION, after=REPORT, sections=("languages",)),
)


@dataclass(frozen=True)
class Step:
    """A stage as it is executed: once, or once a language.

    Example:
        >>> [step.name for step in steps_of(("zh", "en"))][-3:]
        ['report-zh', 'report-en', 'publication']
    """

    stage: Stage
    language: LanguageCode | Literal[""] = ""

    @property
    def name(self) -> str:
        """Unique within a month; names marker, digest and progress line."""
        return f"{self.stage.name}-{self.language}" if self.language else self.stage.name


def steps_of(languages: Iterable[LanguageCode]) -> tuple[Step, ...]:
    """All steps of a month in an order in which they can run."""
    listed: tuple[LanguageCode, ...] = tuple(languages)
    once: tuple[Literal[""], ...] = ("",)
    return tuple(
        Step(stage, language)
        for stage in STAGES
        for language in (listed if stage.by_language else once)
    )


def step_named(name: str, languages: Sequence[LanguageCode]) -> Step:
    """The step of this name.

    Raises:
        ParamsError: There is none.
    """
    steps = {step.name: step for step in steps_of(languages)}
    if name not in steps:
        raise ParamsError("Unknown stage", got=name, allowed=steps, todo=did_you_mean(name, steps))
    return steps[name]


def before(step: Step, languages: Iterable[LanguageCode]) -> tuple[Step, ...]:
    """The steps that a step waits for directly."""
    return tuple(other for other in steps_of(languages) if other.stage.name == step.stage.after)
