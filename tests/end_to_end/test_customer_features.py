"""The customer features on whole companies: the demo as it is shipped, and two real ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import customer_features, customer_months, open_month
from analysis.cleaning import clean, customer_records
from analysis.cli.commands import DEMO_CUSTOMERS, DEMO_MONTH, DEMO_MONTHS
from analysis.identity import resolve
from analysis.simulate import company
from analysis.sources import ingest

PARAMS = Path(__file__).parents[2] / "params"
SAME = 0.999
"""Correlation above which two features say the same."""


def features_of(profile: str, month: str, raw: Path):
    """A month's features from the raw files, as the notebooks make them."""
    workspace = open_month(PARAMS / f"{profile}.yaml", month, raw=raw)
    ingested = ingest(workspace)
    links = resolve(customer_records(ingested, workspace.profile))
    cleaned = clean(ingested, links, workspace.profile, workspace.as_of).tables
    panel = workspace.engine.materialise(
        customer_months(
            cleaned["customers"],
            cleaned["shipments"],
            cleaned.get("tickets"),
            cleaned.get("surveys"),
            cleaned.get("service_costs"),
            workspace.as_of,
            receivables=cleaned.get("receivables"),
            sensitive=workspace.profile.value.sensitive,
        )
    )
    return customer_features(panel, workspace.as_of)


def too_alike(values: pd.DataFrame) -> list[tuple[str, str]]:
    related = np.triu(values.corr().abs().to_numpy(), 1)
    names = list(values.columns)
    return [(names[a], names[b]) for a, b in np.argwhere(related > SAME)]


@pytest.mark.full
def test_on_the_demo_no_feature_is_constant_and_no_two_say_the_same(tmp_path):
    company(tmp_path / "raw", DEMO_CUSTOMERS, DEMO_MONTHS, 1)
    found = features_of("demo", DEMO_MONTH, tmp_path / "raw")
    values = found.values[found.dictionary.feature]
    assert len(found.dictionary) >= 200
    assert not [name for name in values if values[name].nunique() < 2]
    assert (found.dictionary.unknown_en == "").all()
    assert not too_alike(values)


@pytest.mark.full
@pytest.mark.parametrize(
    ("profile", "month", "folder", "lacking"),
    [
        ("olist", "2018-06", "olist_5k", {"tickets_3m", "cost_to_serve_3m", "margin_3m"}),
        ("scms", "2014-06", "scms", {"tickets_3m", "csat_score_12m", "overdue_share_12m"}),
    ],
)
def test_real_companies_run_and_what_cannot_be_known_is_said(
    shared_data, profile, month, folder, lacking
):
    raw = shared_data / folder
    if not raw.is_dir():
        pytest.skip(f"no data set in {raw}")
    found = features_of(profile, month, raw)
    told = found.dictionary.set_index("feature")
    assert (told.unknown_en[list(lacking)].str.startswith("not recorded by this profile")).all()
    assert ((told.customers_n == 0) == (told.unknown_en != "")).all()
    assert ((told.customers_n == 0) == (told.unknown_zh != "")).all()
    assert told.customers_n["shipments_3m"] == len(found.values)
    assert told.customers_n["on_time_rate_12m"] > 0
