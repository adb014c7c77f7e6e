"""tierlab: tells a logistics company whether its tiered customer service works.

One import gives the public verbs; each is loaded when first used, so that the command line and
a notebook's first cell stay fast.
"""

from __future__ import annotations

from .late import late

__version__ = "0.1.0"

_PUBLIC = {
    "open_month": "workspace",
    "ingest": "sources",
    "customer_records": "cleaning",
    "correct": "cleaning",
    "clean": "cleaning",
    "forget": "cleaning",
    "for_spreadsheet": "cleaning",
    "verify": "cleaning",
    "resolve": "identity",
    "identify": "identity",
    "decisions": "identity",
    "load_calendar": "calendar",
    "customer_months": "panel",
    "score": "value",
    "groups": "tiers",
    "with_dimensions": "value",
    "weight_sensitivity": "value",
    "concentration": "value",
    "lorenz": "value",
    "customer_features": "panel",
    "feature_dictionary": "panel",
    "lifetime_values": "value.lifetime",
    "held_out": "value.lifetime",
    "lifetime_chart": "figures",
    "churn_risk": "value.churn",
    "churn_in_words": "value.churn",
    "churn_chart": "figures",
    "satisfaction_index": "value.satisfaction",
    "missing_in_words": "value.words",
    "assign": "tiers",
    "calls": "tiers",
    "calls_in_words": "tiers",
    "moves_in_words": "tiers",
    "explain": "tiers",
    "explain_calls": "tiers",
    "migration": "tiers",
    "stability": "tiers",
    "tier_shares": "tiers",
    "replay": "tiers",
    "accuracy": "tiers",
    "tier_services": "tiers",
    "load_corrections": "params",
    "load_forgotten": "params",
    "load_overrides": "params",
    "load_policy": "params",
    "load_profile": "params",
    "load_rulings": "params",
    "monthly_report": "report",
    "load_experiment": "params",
    "load_experiments": "params",
    "load_frozen_plans": "experiment",
    "DESIGN_TABLES": "experiment.design",
    "design": "experiment.design",
    "draw_arms": "experiment.design",
    "outcomes": "experiment",
    "evaluate": "experiment",
    "evaluate_file": "experiment",
    "follow": "experiment",
    "evaluate_month": "experiment",
    "plans": "experiment",
    "effect_charts": "report",
    "curve_charts": "report",
    "answer_charts": "report",
    "fairness_charts": "report",
    "money_charts": "report",
    "effects": "experiment",
    "effects_by_segment": "experiment",
    "readings_of_answers": "experiment",
    "used_effects": "experiment",
    "fairness": "experiment",
    "money": "experiment",
    "verdicts": "experiment",
    "claims": "satisfaction",
    "claims_in_words": "satisfaction",
    "open_dashboard": "dashboard.view",
}
"""Public verb → the module that offers it."""

__all__ = ["__version__", *_PUBLIC]


__getattr__ = late(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
