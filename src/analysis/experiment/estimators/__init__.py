"""Numbers only: arrays in, frozen results out. No tables, no parameters, no text for readers.

A metric becomes a value per unit (`nps_values`, `linearised_ratio`, `pseudo_observations`), the
values are compared by the one estimator (`compare_arms`), and its result feeds the readings:
`relative_effect`, `accrual_interval`, `calendar_look`, `complier_effect`, `interaction_test`.
"""

from .accrual import AlwaysValid, accrual_interval, accrual_multiplier, accrual_p_value
from .bootstrap import WildBootstrap, bootstrap_test, wild_cluster_bootstrap
from .bounds import Bounds, imbens_manski_interval, lee_bounds, worst_case_bounds
from .comparison import Comparison
from .compliers import ComplierEffect, complier_effect
from .gates import GateTest, crossover, imbalance, loss, sample_ratio
from .hazards import HazardRatio, LogRank, hazard_ratio, log_rank
from .looks import (
    CalendarLook,
    CalendarPlan,
    calendar_look,
    look_correlation,
    next_boundary,
    normal_score,
    repeated_interval,
    repeated_p_value,
)
from .means import compare, compare_arms
from .multiplicity import benjamini_hochberg, family_interval, holm, intersection_union
from .nps import NpsShare, NpsValues, nps_share, nps_values
from .ordered import OddsRatio, ordered_odds_ratio
from .permutation import PermutationTest, permutation_test
from .power import (
    PlannedDesign,
    PlannedLooks,
    intracluster_correlation,
    minimum_detectable_effect,
    nps_variance,
    planned_std_error,
    power,
    proportion_variance,
    ratio_variance,
    units_needed,
)
from .ratio import LinearisedRatio, linearised_ratio
from .relative import RatioEstimate, ratio_of_estimates, relative_effect
from .response import ResponseWeights, response_weights
from .results import Note, NoteCode, Status
from .segments import InteractionTest, SegmentComparisons, compare_by_segment, interaction_test
from .survival import (
    Curve,
    PseudoObservations,
    RestrictedMean,
    RestrictedMeanDifference,
    kaplan_meier,
    pseudo_observations,
    restricted_mean,
    restricted_mean_difference,
)
from .units import Units, make_units

__all__ = [
    "AlwaysValid",
    "Bounds",
    "CalendarLook",
    "CalendarPlan",
    "Comparison",
    "ComplierEffect",
    "Curve",
    "GateTest",
    "HazardRatio",
    "InteractionTest",
    "LinearisedRatio",
    "LogRank",
    "Note",
    "NoteCode",
    "NpsShare",
    "NpsValues",
    "OddsRatio",
    "PermutationTest",
    "PlannedDesign",
    "PlannedLooks",
    "PseudoObservations",
    "RatioEstimate",
    "ResponseWeights",
    "RestrictedMean",
    "RestrictedMeanDifference",
    "SegmentComparisons",
    "Status",
    "Units",
    "WildBootstrap",
    "accrual_interval",
    "accrual_multiplier",
    "accrual_p_value",
    "benjamini_hochberg",
    "bootstrap_test",
    "calendar_look",
    "compare",
    "compare_arms",
    "compare_by_segment",
    "complier_effect",
    "crossover",
    "family_interval",
    "hazard_ratio",
    "holm",
    "imbalance",
    "imbens_manski_interval",
    "interaction_test",
    "intersection_union",
    "intracluster_correlation",
    "kaplan_meier",
    "lee_bounds",
    "linearised_ratio",
    "log_rank",
    "look_correlation",
    "loss",
    "make_units",
    "minimum_detectable_effect",
    "next_boundary",
    "normal_score",
    "nps_share",
    "nps_values",
    "nps_variance",
    "ordered_odds_ratio",
    "permutation_test",
    "planned_std_error",
    "power",
    "proportion_variance",
    "pseudo_observations",
    "ratio_of_estimates",
    "ratio_variance",
    "relative_effect",
    "repeated_interval",
    "repeated_p_value",
    "response_weights",
    "restricted_mean",
    "restricted_mean_difference",
    "sample_ratio",
    "units_needed",
    "wild_cluster_bootstrap",
    "worst_case_bounds",
]
