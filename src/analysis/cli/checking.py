"""``tierlab check``: everything that can be known to be wrong before a run."""

from __future__ import annotations

from pathlib import Path

from ..errors import AnalysisError, GroupedError, raise_all


def check_profile(profile: Path, raw: str = "") -> str:
    """Hold a profile, its experiments and the raw files' headers against each other.

    Args:
        profile: The profile's YAML file.
        raw: Raw files elsewhere than the profile says.

    Returns:
        What was found in order, in words.

    Raises:
        AnalysisError: All faults together.
    """
    from ..cleaning.checking import select_faults
    from ..params import load_actions, load_experiments, load_profile
    from ..sources import source_faults
    from ..workspace import open_month

    read = load_profile(profile)
    month = open_month(profile, ANY_MONTH, raw=raw)
    faults = [*source_faults(month), *select_faults(read)]
    experiments: tuple[object, ...] = ()
    try:
        experiments = tuple(load_experiments(month.experiments))
    except GroupedError as several:
        faults += several.faults
    except AnalysisError as one:
        faults.append(one)
    try:
        load_actions(month.actions)
    except AnalysisError as wrong:
        faults.append(wrong)
    raise_all(faults)
    return (
        f"{profile}: {len(read.sources)} sources, {len(read.tables)} tables, "
        f"{len(experiments)} experiments; every header is as the profile says."
    )


ANY_MONTH = "2000-01"
"""Headers are the same in every month."""
