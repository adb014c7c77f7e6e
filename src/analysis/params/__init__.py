"""Parameter files: profiles and experiments, validated strictly."""

from .experiment import (
    ExperimentSpec,
    experiment_json_schema,
    load_experiment,
    load_experiments,
    plan_digest,
)
from .loading import digest
from .metric import Metric
from .overrides import Override, load_overrides
from .policy import (
    BurstPromotion,
    CallPolicy,
    MoveCaps,
    SeasonalProtection,
    TierPolicy,
    ValuePolicy,
)
from .profile import (
    Bilingual,
    Profile,
    load_profile,
    profile_digest,
    raw_folder,
    repository_of,
)
from .sources import ColumnReading, Source, TableSelect

__all__ = [
    "Bilingual",
    "BurstPromotion",
    "CallPolicy",
    "ColumnReading",
    "ExperimentSpec",
    "Metric",
    "MoveCaps",
    "Override",
    "Profile",
    "SeasonalProtection",
    "Source",
    "TableSelect",
    "TierPolicy",
    "ValuePolicy",
    "digest",
    "experiment_json_schema",
    "load_experiment",
    "load_experiments",
    "load_overrides",
    "load_profile",
    "plan_digest",
    "profile_digest",
    "raw_folder",
    "repository_of",
]
