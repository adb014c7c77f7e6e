"""Parameter files: profiles and experiments, validated strictly."""

from .loading import digest
from .policy import TierPolicy, ValuePolicy
from .profile import Bilingual, Profile, load_profile, profile_digest
from .sources import ColumnReading, Source, TableSelect

__all__ = [
    "Bilingual",
    "ColumnReading",
    "Profile",
    "Source",
    "TableSelect",
    "TierPolicy",
    "ValuePolicy",
    "digest",
    "load_profile",
    "profile_digest",
]
