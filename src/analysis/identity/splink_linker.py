"""Splink over pairs whose levels of agreement are known: its settings are free of the engine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .comparing import MISSING, Comparison

if TYPE_CHECKING:
    from .model import Model

MOST_ITERATIONS = 12
CONVERGED = 0.003


def linker_of(model: Model, pairs: pd.DataFrame, matches: float, cores: int) -> Any:
    """Splink's linker over pairs of records: both sides are the pair, levels and all."""
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    columns = [c.column for c in model.comparisons]
    frame = pairs[columns].astype("int64").reset_index(drop=True)
    frame.insert(0, "pair", np.arange(len(frame)))
    frame.insert(0, "unique_id", np.arange(len(frame)))
    api = DuckDBAPI(":memory:")
    api.duckdb_con.execute(f"SET enable_progress_bar = false; SET threads = {cores}")
    sides = [api.register(frame, dataset_display_name=side) for side in ("first", "second")]
    return Linker(
        sides, _settings(model, matches), validate_settings=False, log_level=logging.ERROR
    )


def _settings(model: Model, matches: float) -> Any:
    """Splink's settings, free of the engine."""
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="link_only",
        comparisons=[_comparison(c, model.m[c.field], model.u[c.field]) for c in model.comparisons],
        blocking_rules_to_generate_predictions=[block_on("pair")],
        probability_two_random_records_match=matches,
        retain_matching_columns=False,
        em_convergence=CONVERGED,
        max_iterations=MOST_ITERATIONS,
    )


def _comparison(comparison: Comparison, m: np.ndarray, u: np.ndarray) -> Any:
    import splink.comparison_level_library as levels
    from splink.comparison_library import CustomComparison

    column = f"{comparison.column}_l"
    listed: list[Any] = [levels.CustomLevel(f"{column} = {MISSING}").configure(is_null_level=True)]
    for at, level in enumerate(range(comparison.top, -1, -1)):
        rule = levels.CustomLevel(f"{column} = {level}") if level else levels.ElseLevel()
        listed.append(rule.configure(m_probability=float(m[at]), u_probability=float(u[at])))
    return CustomComparison(listed, output_column_name=comparison.field)


@contextmanager
def quiet() -> Iterator[None]:
    """Splink's remarks about levels not seen are what the known shares are for."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
