"""A/B evaluation: outcomes, estimates, gates and the verdict of an experiment."""

from __future__ import annotations

from .evaluation import Evaluation, evaluate
from .files import evaluate_file
from .freezing import load_frozen_plans
from .monthly import Followed, MonthlyEvaluation, evaluate_month, follow
from .outcomes import FACTS, outcomes
from .setting import Setting
from .verdict import Verdict
from .views import (
    effects,
    effects_by_segment,
    fairness,
    money,
    plans,
    readings_of_answers,
    used_effects,
    verdicts,
)

__all__ = [
    "FACTS",
    "Evaluation",
    "Followed",
    "MonthlyEvaluation",
    "Setting",
    "Verdict",
    "effects",
    "effects_by_segment",
    "evaluate",
    "evaluate_file",
    "evaluate_month",
    "fairness",
    "follow",
    "load_frozen_plans",
    "money",
    "outcomes",
    "plans",
    "readings_of_answers",
    "used_effects",
    "verdicts",
]
