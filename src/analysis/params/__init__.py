"""Parameter files: profiles and experiments, validated strictly."""

from .actions import Action, load_actions
from .corrections import Correction, load_corrections
from .experiment import (
    ExperimentSpec,
    experiment_json_schema,
    load_experiment,
    load_experiments,
    plan_digest,
)
from .forgotten import Forgotten, load_forgotten
from .loading import Bilingual, digest, in_language
from .matching import MatchConfig, load_match_config
from .metric import Metric
from .money import Money, SourceMoney
from .overrides import Override, load_overrides
from .policies import PolicyFile, load_policy, load_services
from .policy import (
    ABC_CLASSES,
    BurstPromotion,
    CallPolicy,
    MoveCaps,
    SeasonalProtection,
    TierPolicy,
)
from .profile import (
    Profile,
    load_profile,
    profile_digest,
    raw_folder,
    repository_of,
)
from .rulings import Ruling, load_rulings
from .services import Service, ServicePlan
from .sources import ColumnReading, Source, TableSelect
from .value import ChurnRiskPolicy, LatePayers, LifetimePolicy, SensitiveCargo, ValuePolicy

__all__ = [
    "ABC_CLASSES",
    "Action",
    "Bilingual",
    "BurstPromotion",
    "CallPolicy",
    "ChurnRiskPolicy",
    "ColumnReading",
    "Correction",
    "ExperimentSpec",
    "Forgotten",
    "LatePayers",
    "LifetimePolicy",
    "MatchConfig",
    "Metric",
    "Money",
    "MoveCaps",
    "Override",
    "PolicyFile",
    "Profile",
    "Ruling",
    "SeasonalProtection",
    "SensitiveCargo",
    "Service",
    "ServicePlan",
    "Source",
    "SourceMoney",
    "TableSelect",
    "TierPolicy",
    "ValuePolicy",
    "digest",
    "experiment_json_schema",
    "in_language",
    "load_actions",
    "load_corrections",
    "load_experiment",
    "load_experiments",
    "load_forgotten",
    "load_match_config",
    "load_overrides",
    "load_policy",
    "load_profile",
    "load_rulings",
    "load_services",
    "plan_digest",
    "profile_digest",
    "raw_folder",
    "repository_of",
]
