"""A customer that asks for it is forgotten: in every processed month, at once and for good."""

import base64
import datetime as dt
import json
import shutil

import pandas as pd
import pytest
import yaml

from analysis.cli import exit_code_of
from analysis.cli.forgetting import told
from analysis.errors import AnalysisError, CoverageError, ParamsError, RunError, SourceError
from analysis.experiment.freezing import freeze, read_frozen
from analysis.experiment.roster import Roster, difference, roster_of
from analysis.files import read_json, write_json
from analysis.params import (
    Forgotten,
    load_experiment,
    load_forgotten,
    load_overrides,
    load_profile,
)
from analysis.pipeline import forgetting
from analysis.pipeline.digests import content_digest
from analysis.pipeline.forgetting import forget_customer
from analysis.pipeline.holdings import RawRows
from analysis.pipeline.locks import LOCKS, all_months_held, month_held
from forgetful_company import (
    EARLIER,
    FILES,
    LATEST,
    PERSONAL,
    processed,
    profile_of,
    run_month,
    write_company,
)
from personal_values import found_below

CHART = base64.b64encode(b"<text>A17</text>").decode()
PAGES = {
    f"reports/tiny/releases/{LATEST}/v1/report.en.html": "<td>A17</td>",
    f"reports/tiny/releases/{LATEST}/v1/report.en.pdf": "%PDF",
    f"reports/tiny/releases/{LATEST}/v1/report.zh.html": f"data:image/svg+xml;base64,{CHART}",
    f"reports/tiny/releases/{LATEST}/v1/email.zh.html": "A170 与 XA17",
    f"reports/tiny/{LATEST}/email.en.txt": "Call A17.",
    "params/overrides/tiny.yaml": "- {customer_id: A17}",
}
TRIAL = {
    "id": "trial", "control": "a", "looks": "calendar", "looks_planned": 1,
    "allocation": {"a": 0.5, "b": 0.5},
    "metrics": [{"name": "stay", "measure": "retention", "role": "primary", "window": [0, 90]}],
}  # fmt: skip
TODAY = dt.date(2026, 11, 24)
MONTHS = [EARLIER, LATEST]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The company before; nobody changes it."""
    folder = tmp_path_factory.mktemp("company")
    write_company(folder)
    for path, text in PAGES.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def after(made, tmp_path_factory):
    """The company after the customer was forgotten, and what was said; nobody changes it."""
    folder = tmp_path_factory.mktemp("after") / "company"
    shutil.copytree(made, folder)
    return folder, forgotten(folder)


@pytest.fixture
def company(made, tmp_path):
    """A copy to work on."""
    return shutil.copytree(made, tmp_path / "company")


def forgotten(company, customer="A17", **more):
    return forget_customer(profile_of(company), customer, TODAY, **more)


def held(folder):
    """Kinds of what belongs to the customer that still lie below a folder."""
    return {one.kind for one in found_below(folder, PERSONAL)}


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and LOCKS not in path.parts)
    return {path.relative_to(folder).as_posix(): content_digest(path) for path in files}


def table(company, month, name):
    return pd.read_parquet(processed(company) / month / f"{name}.parquet")


def others_of(frame):
    return frame[frame["customer_id"] != "A17"].reset_index(drop=True)


def test_nothing_of_the_customer_is_left_in_any_month(made, after):
    assert held(processed(made)) == set(PERSONAL)
    folder, found = after
    assert held(processed(folder)) == set()
    assert found.done
    pages = {month: one.pages for month, one in found.removed.items()}
    assert pages == dict.fromkeys(MONTHS, ("report.en.html",))


@pytest.mark.parametrize("name", ["shipments", "surveys", "customer_links"])
def test_all_that_is_others_stays_as_it_was(made, after, name):
    for month in MONTHS:
        before, now = (table(folder, month, name) for folder in (made, after[0]))
        assert len(now) < len(before)
        pd.testing.assert_frame_equal(now, others_of(before))


def test_of_a_subsidiary_only_the_parent_is_emptied(after):
    folder, found = after
    customers = table(folder, LATEST, "customers").set_index("customer_id")
    assert sorted(customers.index) == ["B20", "C30"]
    assert customers["parent_customer_id"].isna().all()
    assert found.removed[LATEST].emptied == {"customers": 1}


def test_rejects_of_the_customer_go_from_both_lists(made, after):
    private = processed(after[0]) / LATEST / "private"
    told = pd.read_csv(private / "rejects.csv", dtype=str)
    listed = pd.read_parquet(private / "rejects.parquet")
    assert told["row"].astype(int).tolist() == listed["row"].tolist()
    place = processed(made) / LATEST / "private" / "rejects.parquet"
    places = [
        set(frame[frame["rule"] == "not_a_number"]["row"])
        for frame in (pd.read_parquet(place), listed)
    ]
    assert places == [{6, 7}, {7}]  # W105 of A17, W106 of B20


def test_the_next_run_does_not_bring_the_customer_back(made, after, tmp_path):
    folder = shutil.copytree(after[0], tmp_path / "company")
    cleaned = run_month(folder, LATEST)
    ledger = cleaned.ledger
    ends = ledger["rows_kept"] + ledger["rows_rejected"] + ledger["rows_merged"]
    assert (ledger["rows_read"] == ends).all()
    rejects = cleaned.rejects.execute()
    rows = rejects[rejects["rule"] == "forgotten"]
    assert rows["value"].isna().all()
    assert rows.groupby(["source", "table"])["row"].apply(list).to_dict() == {
        ("crm", "customers"): [2],
        ("crm", "customer_names"): [2],
        ("shippers", "customer_names"): [2],
        ("orders", "shipments"): [2, 4, 6],
        ("transport", "shipments"): [2, 4],
        ("surveys", "surveys"): [2],
        ("comments", "survey_comments"): [2],
    }
    assert held(processed(folder) / LATEST) == set()
    for name in ("shipments", "customer_links"):
        before = table(made, LATEST, name)
        pd.testing.assert_frame_equal(table(folder, LATEST, name), others_of(before))
    before, now = (
        frame[frame["level"].isin([2, 3])].set_index(["source", "level"])["score"]
        for frame in (table(made, LATEST, "quality"), cleaned.quality)
    )
    assert (now >= before).all()  # being forgotten lowers no quality


def test_a_decision_about_whoever_was_forgotten_stops_no_run(after, tmp_path):
    """The committee's file still names the customer: `forget` says so, and the run goes on."""
    one = {"tier": "key", "first_month": "2026-09", "last_month": "2026-12", "reason": "r",
           "approved_by": "a"}  # fmt: skip
    path = tmp_path / "tiny.yaml"
    decisions = [{"customer_id": who, **one} for who in ("A17", "B20")]
    path.write_text(json.dumps({"schema_version": 1, "overrides": decisions}))
    systems = load_profile(profile_of(after[0])).systems
    named = [one.customer_id for one in load_overrides(path, after[1].list_path, systems)]
    assert named == ["B20"]
    assert len(load_overrides(path, tmp_path / "none.yaml", systems)) == 2


def test_the_list_tells_nobodys_id(after):
    path = after[1].list_path
    text = path.read_text(encoding="utf-8")
    assert not any(value in text for values in PERSONAL.values() for value in values)
    listed = load_forgotten(path)
    assert listed.holds("crm", "A17")
    assert listed.holds("transport", "T91")
    assert not listed.holds("crm", "T91")
    assert not listed.holds("crm", "B20")
    assert {one.forgotten_on for one in listed.records} == {TODAY}


def test_what_still_holds_the_customer_is_told(made, after):
    folder, found = after
    published = [path.name for path in found.published]
    assert published == ["report.en.html", "report.en.pdf", "report.zh.html"]
    assert [path.as_posix() for path in found.drafts] == [f"{LATEST}/email.en.txt"]
    assert [path.as_posix() for path in found.params] == [
        "corrections/tiny.yaml",  # it names a shipment
        "overrides/tiny.yaml",
    ]
    releases = "reports/tiny/releases"
    assert digests(folder / releases) == digests(made / releases)
    assert "stale" in (folder / f"reports/tiny/.states/{LATEST}.json").read_text()
    assert found.raw.by_file == {
        ("crm", "crm.csv"): (2, 3),  # of B20 the row that names its parent
        ("shippers", "shippers.csv"): (2,),
        ("orders", "orders.csv"): (2, 4, 6),
        ("transport", "transport.csv"): (2, 4),
        ("surveys", "surveys.csv"): (2,),
        ("comments", "comments.csv"): (2,),
    }


def test_the_command_says_what_was_done(after):
    said = "\n".join(told(after[1]))
    assert "Customer A17: forgotten" in said
    assert "source records: crm:A17, transport:T91" in said
    assert "raw file orders.csv (source 'orders'): rows 2, 4, 6" in said
    for value in PERSONAL["name"]:
        assert value not in said


def test_whoever_was_forgotten_is_unknown(after):
    with pytest.raises(ParamsError, match="No processed month knows this customer"):
        forgotten(after[0])


@pytest.mark.full
def test_a_second_customer_joins_the_list(company):
    forgotten(company)
    first = load_forgotten(company / "params" / "forgotten" / "tiny.yaml")
    forgotten(company, "transport:T92")
    both = load_forgotten(company / "params" / "forgotten" / "tiny.yaml")
    assert both.key == first.key
    assert both.records[: len(first.records)] == first.records
    assert both.holds("crm", "B20")
    assert sorted(table(company, LATEST, "customers")["customer_id"]) == ["C30"]


def test_a_customer_leaves_the_rosters_of_experiments(company):
    """Else the next evaluation would count it as taken out of the assignment by hand."""
    units = pd.DataFrame({"customer_id": ["A17", "B20"], "arm": ["a", "b"]})
    roster = roster_of(units, "k")
    stored = {"experiments": [{"id": "trial", "plan": {"roster": roster.to_json()}}]}
    write_json(processed(company) / LATEST / "evaluations.json", stored)
    plan = profile_of(company).parent / "experiments" / "tiny" / "trial.yaml"
    plan.parent.mkdir(parents=True)
    plan.write_text(yaml.safe_dump(TRIAL), encoding="utf-8")
    freeze(plan, load_experiment(plan), LATEST, {"key": "k"}, roster)
    forgotten(company, dry_run=True)
    assert read_frozen(plan).roster.to_json() == roster.to_json()
    forgotten(company)
    document = read_json(processed(company) / LATEST / "evaluations.json")
    left = [
        Roster.from_json(document["experiments"][0]["plan"]["roster"]),
        read_frozen(plan).roster,
    ]
    for one in left:
        assert not difference(one, units[1:])
        assert len(one.units) == 1


@pytest.mark.full
def test_a_dry_run_says_the_same_and_changes_nothing(company):
    before = digests(company)
    dry = forgotten(company, dry_run=True)
    assert digests(company) == before
    found = forgotten(company)
    assert not dry.done
    assert (dry.removed, dry.raw, dry.traces) == (found.removed, found.raw, found.traces)


@pytest.mark.full
def test_rejects_of_a_file_that_has_changed_since_all_go(company):
    noted = {"raw/orders.csv": "another", "raw/crm.csv": content_digest(company / "raw/crm.csv")}
    write_json(processed(company) / LATEST / ".inputs" / "cleaning.digest", noted)
    forgotten(company)
    rejects = pd.read_parquet(processed(company) / LATEST / "private" / "rejects.parquet")
    assert "orders.csv" not in set(rejects["file"])
    rejects = pd.read_parquet(processed(company) / EARLIER / "private" / "rejects.parquet")
    assert "orders.csv" in set(rejects["file"])


AFTER_THE_EXCHANGE = "remove_folder"


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("write_atomically", marks=pytest.mark.full),
        pytest.param("put_in_place", marks=pytest.mark.full),
        pytest.param(AFTER_THE_EXCHANGE, marks=pytest.mark.full),
    ],
)
def test_a_kill_leaves_one_state_or_the_other(company, monkeypatch, at):
    monkeypatch.setattr(forgetting, "raw_rows_of", lambda *_: RawRows({}, 0, {}))
    home = processed(company)
    before = digests(home)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(forgetting, at, killed)
        with pytest.raises(KeyboardInterrupt):
            forgotten(company)
    listed = (company / "params" / "forgotten" / "tiny.yaml").exists()
    knows = "A17" in set(table(company, LATEST, "customers")["customer_id"])
    assert knows == (at != AFTER_THE_EXCHANGE)
    assert (digests(home) == before) == knows
    assert listed == (at != "write_atomically")
    if knows:
        assert forgotten(company).done
        assert "A17" not in set(table(company, LATEST, "customers")["customer_id"])


@pytest.mark.full
def test_what_a_kill_left_beside_is_swept(company):
    left = processed(company).parent / ".forgetting-tiny-1" / LATEST
    left.mkdir(parents=True)
    (left / "old.txt").write_text("A17")
    forgotten(company, "B20", dry_run=True)
    assert not left.parent.exists()
    assert [path.name for path in processed(company).parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("customer", ["A71", "crm:T91", "潘浩辉"])
def test_an_unknown_customer_changes_nothing(company, customer, capsys):
    before = digests(company)
    options = ["--profile", str(profile_of(company)), customer]
    assert exit_code_of(["forget", *options]) == ParamsError.exit_code
    said = capsys.readouterr().err
    for part in ("where:", f"got:     {customer}", "allowed: a customer_id", "to do:"):
        assert part in said
    assert digests(company) == before


@pytest.mark.full
def test_raw_files_that_cannot_be_read_stop_it_before_anything_is_changed(company):
    (company / "raw" / "crm.csv").unlink()
    before = digests(company)
    with pytest.raises(SourceError):
        forgotten(company)
    assert digests(company) == before


def test_without_a_processed_month_there_is_nothing_to_forget(company):
    with pytest.raises(CoverageError):
        forgotten(company, out=company / "elsewhere")
    assert not (company / "elsewhere").exists()


@pytest.mark.full
def test_a_run_and_a_forgetting_exclude_each_other(company):
    locks = processed(company) / LOCKS
    with month_held(locks, "2026-11"), pytest.raises(RunError, match="A run works"):
        forgotten(company)
    with all_months_held(locks, "tiny"):
        holding = month_held(locks, "2026-11")
        with pytest.raises(RunError, match="is being forgotten"):
            holding.__enter__()
    forgotten(company)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("schema_version: 1\nkey: abc\nrecords: []\n", "key"),
        ("schema_version: 1\nrecords: []\n", "key"),
        (Forgotten.begun().as_yaml() + "- {record: A17, forgotten_on: 2026-11-24}\n", "record"),
    ],
)
def test_a_damaged_list_stops_every_run(company, text, named):
    path = company / "params" / "forgotten" / "tiny.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnalysisError) as caught:
        load_forgotten(path)
    assert named in str(caught.value)


def test_the_same_id_has_another_hash_in_another_list():
    one, other = Forgotten.begun(), Forgotten.begun()
    assert one.hash_of("crm", "A17") != other.hash_of("crm", "A17")
    assert one.hash_of("crm", "A17") != one.hash_of("cr", "mA17")


def test_the_company_of_this_test_names_the_customer_everywhere():
    text = "".join(FILES.values())
    assert all(value in text for values in PERSONAL.values() for value in values)
