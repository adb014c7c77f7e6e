"""``tierlab check``: everything that can be known to be wrong before a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import AnalysisError, GroupedError, raise_all


def check_profile(profile: Path, raw: str = "") -> str:
    """Hold a profile, the files beside it and the raw files' headers against each other.

    Args:
        profile: The profile's YAML file.
        raw: Raw files elsewhere than the profile says.

    Returns:
        What was found in order, in words.

    Raises:
        AnalysisError: All faults together.
    """
    from ..calendar import load_calendar
    from ..cleaning.checking import correction_faults, select_faults
    from ..params import (
        load_actions,
        load_corrections,
        load_experiments,
        load_forgotten,
        load_overrides,
        load_profile,
        load_rulings,
    )
    from ..sources import source_faults
    from ..workspace import open_month

    read = load_profile(profile)
    month = open_month(profile, ANY_MONTH, raw=raw)
    faults = [*source_faults(month), *select_faults(read)]
    experiments, wrong = _tried(load_experiments, month.experiments)
    faults += wrong
    corrections, wrong = _tried(load_corrections, month.corrections)
    faults += [*wrong, *correction_faults(read, corrections or ())]
    for load, path in (
        (load_actions, month.actions),
        (load_forgotten, month.forgotten),
        (load_overrides, month.overrides),
        (load_rulings, month.rulings),
        (load_calendar, month.calendar),
    ):
        faults += _tried(load, path)[1]
    raise_all(faults)
    return (
        f"{profile}: {len(read.sources)} sources, {len(read.tables)} tables, "
        f"{len(experiments or ())} experiments; every header is as the profile says."
    )


def _tried(load: Callable[[Any], Any], path: Path | None) -> tuple[Any, list[AnalysisError]]:
    """What a file beside the profile holds, and its faults."""
    try:
        return load(path), []
    except GroupedError as several:
        return None, list(several.faults)
    except AnalysisError as one:
        return None, [one]


ANY_MONTH = "2000-01"
"""Headers are the same in every month."""
