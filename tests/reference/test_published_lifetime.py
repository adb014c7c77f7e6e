"""Customer lifetime value: the published estimates of the CDNOW sample.

Source: Fader, Hardie and Lee (2005), Marketing Science 24(2), table 2 and section 5 (BG/NBD); Fader
and Hardie (2013), The Gamma-Gamma Model of Monetary Value (946 repeat customers).
"""

import numpy as np
import pandas as pd
import pytest

from analysis.value.lifetime import BgNbd, fit_purchases, fit_spending, histories

CALIBRATION_ENDS = pd.Timestamp("1997-09-30")
DAYS_A_WEEK = 7


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "cdnow"


@pytest.fixture(scope="module")
def transactions(folder) -> pd.DataFrame:
    """One row a customer and day of the calibration period: what it spent."""
    names = ["id", "sample_id", "day", "cds", "spent"]
    read = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", names=names)
    read["day"] = pd.to_datetime(read["day"].astype(str))
    known = read[read.day <= CALIBRATION_ENDS]
    return known.groupby(["sample_id", "day"], as_index=False)["spent"].sum()


def test_bg_nbd(folder):
    known = pd.read_csv(folder / "cdnow_customers_summary.csv")
    assert len(known) == 2357
    model = fit_purchases(
        histories(*(known[c].to_numpy(float) for c in ("frequency", "recency", "T")))
    )
    assert model.converged
    # printed to three digits
    assert [round(p, 3) for p in (model.r, model.alpha, model.a, model.b)] == [
        0.243,
        4.414,
        0.793,
        2.426,
    ]
    assert model.log_likelihood == pytest.approx(-9582.43, abs=0.005)


def test_bg_nbd_expects_the_printed_number_of_purchases():
    printed = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, log_likelihood=0.0, converged=True)
    one = histories(np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert printed.expected(one, 39.0)[0] == pytest.approx(1.226, abs=5e-4)  # printed digits


def test_gamma_gamma(transactions):
    repeated = transactions[transactions.duplicated("sample_id")]
    values = repeated.groupby("sample_id")["spent"].agg(["size", "mean"])
    # a mean of zero (gifts) has no likelihood; the source keeps the 946 that spent something
    values = values[values["mean"] > 0]
    assert len(values) == 946
    model = fit_spending(values["size"].to_numpy(float), values["mean"].to_numpy())
    assert model.converged
    # printed to two digits
    assert [round(p, 2) for p in (model.p, model.q, model.v)] == [6.25, 3.74, 15.44]


def test_the_sample_gives_the_summary(transactions, folder):
    days = transactions.groupby("sample_id")["day"].agg(["size", "min", "max"])
    summary = pd.read_csv(folder / "cdnow_customers_summary.csv")
    assert (days["size"].to_numpy() - 1 == summary.frequency.to_numpy()).all()
    weeks = (days["max"] - days["min"]).dt.days / DAYS_A_WEEK
    assert np.allclose(weeks, summary.recency, atol=0.005)  # printed to two digits
