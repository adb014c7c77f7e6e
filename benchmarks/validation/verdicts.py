"""Cells of whole plans: how often the verdict itself errs, over all it looks at.

Every rule takes its own share of the error, and a plan holds several: goals, guardrails, segments,
arms. What counts in the end is the decision that somebody acts on. A roll-out to all and one to
some segments are promised each by itself; harm is claimed of each goal, so the more goals, the
more often by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.experiment.evaluation import evaluate
from analysis.params.experiment import ExperimentSpec

from .cell import Cell, Claim
from .draws import repeat

GROUP = "The verdict of whole plans"
PER_ARM = 200
GAIN = 0.45
"""Gain of the goal outside the segment that loses."""
LOSS = 0.9
"""What the segment that loses is worse off than the others."""


def _plan(goals: int, guardrails: int, arms: Sequence[str], segments: Sequence[str]):
    metrics = [
        {"name": f"goal {i}", "kind": "mean", "column": f"goal{i}", "role": "primary"}
        for i in range(goals)
    ] + [
        {"name": f"guard {i}", "kind": "mean", "column": f"guard{i}", "role": "guardrail"}
        | {"direction": "decrease"}
        for i in range(guardrails)
    ]
    return ExperimentSpec.model_validate(
        {
            "id": "plan",
            "unit": "id",
            "arm": "arm",
            "control": arms[0],
            "allocation": dict.fromkeys(arms, 1 / len(arms)),
            "segments": list(segments),
            "looks": "calendar",
            "looks_planned": 1,
            "metrics": metrics,
        }
    )


def _units(rng: np.random.Generator, arms: Sequence[str], each: int = PER_ARM) -> pd.DataFrame:
    """Units whose goals go together a little; guardrails are skewed, segments of four values."""
    n = each * len(arms)
    alike = 0.5 * rng.normal(size=n)
    frame = pd.DataFrame({"id": np.arange(n), "arm": rng.permutation(np.repeat(arms, each))})
    for column in ("region", "branch"):
        frame[column] = rng.integers(0, 4, n).astype(str)
    for i in range(3):
        frame[f"goal{i}"] = 3 + alike + rng.normal(size=n)
        frame[f"guard{i}"] = rng.exponential(1.0, n)
    return frame


def _nothing(goals: int, guardrails: int, arms: Sequence[str], segments: Sequence[str]):
    """No arm does anything to anybody."""
    plan = _plan(goals, guardrails, arms, segments)

    def once(rng: np.random.Generator) -> Mapping[str, bool]:
        found = evaluate(_units(rng, arms), plan).verdict.decision
        return {
            "roll_out": found == "roll_out",
            "roll_out_to": found == "roll_out_to",
            "harm": found == "stop_harm",
        }

    return lambda rng, r: repeat(once, rng, r)


def _one_loses():
    """A gain for all but one of four regions, which loses as much."""
    plan = _plan(1, 1, ("control", "service"), ("region",))

    def once(rng: np.random.Generator) -> Mapping[str, bool]:
        frame = _units(rng, ("control", "service"), 600)
        served = (frame["arm"] == "service").to_numpy()
        frame["goal0"] += served * (GAIN - LOSS * (frame["region"] == "0"))
        verdict = evaluate(frame, plan).verdict
        to_all = verdict.decision == "roll_out"
        return {
            "to them": to_all or "region=0" in verdict.segments,
            "to others": verdict.decision == "roll_out_to" and len(verdict.segments) > 0,
        }

    return lambda rng, r: repeat(once, rng, r)


def _at_the_margin():
    """A goal that is reached, and a guardrail that is worse by just what the plan tolerates."""
    plan = _plan(1, 1, ("control", "service"), ())

    def once(rng: np.random.Generator) -> Mapping[str, bool]:
        frame = _units(rng, ("control", "service"), 2000)
        served = (frame["arm"] == "service").to_numpy()
        frame["goal0"] += GAIN * served
        frame["guard0"] *= np.where(served, 1.1, 1.0)
        found = evaluate(frame, plan).verdict.decision
        return {"roll_out": found == "roll_out", "harm": found == "stop_harm"}

    return lambda rng, r: repeat(once, rng, r)


def _null(name: str, title: str, *what: object) -> Cell:
    return Cell(
        f"verdict-{name}",
        GROUP,
        f"{title}; nothing works, nothing harms",
        {
            "roll_out": Claim(0.025, "at most", "a roll-out to all is recommended"),
            "roll_out_to": Claim(0.025, "at most", "a roll-out to some segments is recommended"),
            "harm": Claim(0.0, "published", "harm is claimed"),
        },
        _nothing(*what),  # type: ignore[arg-type]
        replications=2000,
        chunk=125,
        uses=("experiment",),
    )


TWO = ("control", "service")
FOUR = ("control", "a", "b", "c")
CELLS = (
    _null("one-goal", "one goal, 200 units an arm", 1, 0, TWO, ()),
    _null("three-goals", "three goals and three guardrails", 3, 3, TWO, ()),
    _null("segments", "one goal, eight segments of two columns", 1, 0, TWO, ("region", "branch")),
    _null("arms", "one goal and two guardrails, three arms against a control", 1, 2, FOUR, ()),
    Cell(
        "verdict-one-loses",
        GROUP,
        "600 units an arm: three of four regions gain, one loses as much",
        {
            "to them": Claim(0.0, "published", "a roll-out would reach the region that loses"),
            "to others": Claim(0.0, "published", "a roll-out to regions that gain is recommended"),
        },
        _one_loses(),
        replications=2000,
        chunk=125,
        uses=("experiment",),
    ),
    Cell(
        "verdict-at-the-margin",
        GROUP,
        "2,000 units an arm: the goal is reached, a guardrail worse by just the tolerated tenth",
        {
            "roll_out": Claim(0.025, "at most", "a roll-out is recommended"),
            "harm": Claim(0.025, "at most", "harm beyond the margin is claimed"),
        },
        _at_the_margin(),
        replications=2000,
        chunk=125,
        uses=("experiment",),
    ),
)
