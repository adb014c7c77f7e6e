"""Faults and harms planted in a company's raw files, or in what its service does to customers.

Nothing in the pipeline is touched: the exported files are altered as a broken system would, or the
company is simulated with other causes, and the verdict must say so.
"""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.experiment import Evaluation
from analysis.language import Language
from analysis.pipeline.direct import evaluate_company
from analysis.simulate import aftersales, company, custom, service, service_costs, shipping

pytestmark = pytest.mark.full
ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "params" / "demo.yaml"
CUSTOMERS, SEED = 2500, 5
TIERED = ("2025-10", 22)
"""Month by which the windows of `tiered-2025` are over, and the months it needs on record."""
DEPOT = ("2026-10", 9)


def simulated(folder: Path, months: int) -> Path:
    company(folder / "raw", customers=CUSTOMERS, months=months, seed=SEED, faults=())
    return folder / "raw"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A company without planted errors, long enough for the customer experiment."""
    return simulated(tmp_path_factory.mktemp("sound"), TIERED[1])


@pytest.fixture
def raw(sound, tmp_path):
    """A copy to alter."""
    return Path(shutil.copytree(sound, tmp_path / "raw"))


def evaluated(raw: Path, month: str = TIERED[0]) -> Evaluation:
    (found,) = evaluate_company(PROFILE, month, raw=raw).evaluations
    return found


def told(found: Evaluation) -> str:
    verdict = found.verdict
    sentences = (verdict.headline, *verdict.reasons, *verdict.needs)
    return "\n".join(message.in_(Language("en")) for message in sentences)


def alarms(found: Evaluation) -> set[str]:
    return set(found.checks.loc[found.checks["alarmed"], "gate"])


def treated_codes(raw: Path) -> list[str]:
    """Customer codes of the treated of the customer experiment, in the order of the file."""
    units = pd.read_csv(raw / "experiments" / "assignments.csv", dtype=str)
    mine = (units["arm"] == "tiered") & (units["experiment"] == "tiered-2025")
    return units.loc[mine, "customer_code"].tolist()


def test_without_a_planted_fault_no_check_alarms(raw):
    found = evaluated(raw)
    assert not alarms(found)
    assert found.verdict.decision in ("roll_out", "inconclusive")


def test_assignments_that_never_reached_the_file_are_not_trusted(raw):
    """A system that forgets every fifth treated customer: the sizes no longer fit the plan."""
    path = raw / "experiments" / "assignments.csv"
    units = pd.read_csv(path, dtype=str)
    forgotten = units.index[units["customer_code"].isin(treated_codes(raw)[::5])]
    units.drop(forgotten).to_csv(path, index=False)
    found = evaluated(raw)
    assert found.verdict.decision == "do_not_trust"
    assert "sample_ratio" in alarms(found)


def test_treated_customers_that_vanish_from_the_master_data_are_not_trusted(raw):
    """The assignment file is whole, but a clean-up removed treated customers elsewhere."""
    gone = set(treated_codes(raw)[::8])
    path = raw / "crm" / "客户档案.csv"
    lines = path.read_bytes().decode("gb18030").splitlines(keepends=True)
    kept = [line for line in lines if line.split(",", 1)[0] not in gone]
    assert len(kept) == len(lines) - len(gone)
    path.write_bytes("".join(kept).encode("gb18030"))
    found = evaluated(raw)
    assert found.verdict.decision == "do_not_trust"
    assert "loss" in alarms(found), found.checks.to_string()
    loss = found.estimates.set_index("metric").loc["loss"]
    assert loss["value_treatment"] == pytest.approx(1 / 8, abs=0.01)
    assert loss["value_control"] == 0


def test_harm_to_the_untreated_beside_the_treated_stops_although_the_goals_are_met(tmp_path):
    found = evaluated(simulated(tmp_path, DEPOT[1]), DEPOT[0])
    assert found.verdict.decision == "stop_harm"
    assert "untreated customers beside treated ones" in told(found)
    main = found.estimates[found.estimates["bound"].eq("")]
    goals = main.query("role == 'primary' and segment == 'all' and estimand == 'total'")
    goals = goals[goals["analysis_basis"] == "intention_to_treat"]
    assert (goals["av_low"] > 0).all(), "the primaries are good"


FREQUENT = dataclasses.replace(
    service.TIERED,
    frequency=(0.9, 0.9, 0.9),
    churn_log_odds=(0.0, 0.0, 0.0),
    price=(0.0, 0.0, 0.0),
    agent_yuan=(0.0, 0.0, 0.0),
    capacity_yuan=0.0,
)
"""A service that makes customers ship more often and keeps none of them longer."""


def test_more_shipments_do_not_pass_as_retention_in_silence(tmp_path, monkeypatch):
    for module in (service, aftersales, custom, service_costs, shipping):
        monkeypatch.setattr(module, "TIERED", FREQUENT)
    found = evaluated(simulated(tmp_path, TIERED[1]))
    table = found.estimates.query("segment == 'all' and bound == ''").set_index("metric")
    assert table.loc["frequency", "av_low"].min() > 0
    retention = table.loc["retention"].query("analysis_basis == 'intention_to_treat'")
    if (retention["av_low"] > 0).all():
        assert "Customers also ship more often" in told(found)
    else:
        assert found.verdict.decision not in ("roll_out", "roll_out_to")
