"""Parameter files are read strictly, and every fault says what to do."""

from pathlib import Path

import pytest

from analysis.errors import AnalysisError, GroupedError, ParamsError
from analysis.params import TierPolicy, load_experiment, load_profile, profile_digest
from analysis.params.loading import build
from small_profile import MINIMAL


def written(folder: Path, text: str) -> Path:
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_minimal_profile_is_enough(tmp_path):
    profile = load_profile(written(tmp_path, MINIMAL))
    assert profile.tables["customers"][0].source == "orders"
    assert profile.timezone == "Asia/Shanghai"


def test_an_unknown_key_is_refused_with_the_right_one(tmp_path):
    with pytest.raises(ParamsError) as told:
        load_profile(written(tmp_path, MINIMAL + "langages: [zh]\n"))
    assert "Unknown key 'langages'" in str(told.value)
    assert "Did you mean 'languages'?" in str(told.value)
    assert "small.yaml" in str(told.value)


def test_an_unknown_nested_key_knows_its_place(tmp_path):
    text = MINIMAL.replace("{system: oms,", "{system: oms, encodng: gb18030,")
    with pytest.raises(ParamsError) as told:
        load_profile(written(tmp_path, text))
    assert "sources.orders.encodng" in str(told.value)
    assert "Did you mean 'encoding'?" in str(told.value)


def test_all_faults_are_told_at_once(tmp_path):
    text = MINIMAL.replace("currency: CNY", "currency: yuan") + "bogus: 1\n"
    with pytest.raises(GroupedError) as told:
        load_profile(written(tmp_path, text))
    assert len(told.value.faults) == 2
    assert told.value.exit_code == ParamsError.exit_code


def test_a_key_given_twice_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="cannot be read") as told:
        load_profile(written(tmp_path, MINIMAL + "raw: elsewhere\n"))
    assert "given twice" in str(told.value)


def test_a_missing_file_names_its_neighbours(tmp_path):
    written(tmp_path, MINIMAL)
    with pytest.raises(ParamsError, match="not found") as told:
        load_profile(tmp_path / "smal.yaml")
    assert "Did you mean 'small.yaml'?" in str(told.value)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "a: !!python/object:os.system {}"])
def test_what_is_no_profile_is_told_without_traceback(tmp_path, text):
    with pytest.raises(AnalysisError):
        load_profile(written(tmp_path, text))


def test_tables_must_be_canonical_and_their_sources_declared(tmp_path):
    with pytest.raises(AnalysisError, match="no canonical table"):
        load_profile(written(tmp_path, MINIMAL.replace("  shipments:", "  shipmnts:")))
    with pytest.raises(AnalysisError, match="names the source 'order'"):
        load_profile(written(tmp_path, MINIMAL.replace("source: orders", "source: order")))


def test_the_digest_depends_on_content_alone(tmp_path):
    first = load_profile(written(tmp_path, MINIMAL))
    again = load_profile(written(tmp_path, "# a comment\n" + MINIMAL))
    other = load_profile(written(tmp_path, MINIMAL.replace("raw/small", "raw/other")))
    assert profile_digest(first) == profile_digest(again) != profile_digest(other)
    assert profile_digest(first, "tiers") == profile_digest(other, "tiers")


def test_an_unknown_time_zone_is_refused_before_the_run(tmp_path):
    with pytest.raises(ParamsError, match="no time zone") as told:
        load_profile(written(tmp_path, MINIMAL + "timezone: Asia/Shanghia\n"))
    assert told.value.where.endswith("timezone")
    assert "Asia/Shanghai" in told.value.todo


def test_a_tab_is_told_as_a_tab(tmp_path):
    with pytest.raises(ParamsError) as told:
        load_profile(written(tmp_path, "schema_version: 1\nsources:\n\tcrm: 1\n"))
    assert "tabs" in told.value.todo


def test_an_unknown_key_in_an_item_of_a_list_is_one_fault_with_the_right_key(tmp_path):
    plan = """
id: trial
arm: arm
control: a
allocation: {a: 0.5, b: 0.5}
looks: calendar
looks_planned: 3
metrics:
  - {name: day7, kind: proportion, colunm: day7, role: primary, minimum_effect: 0.02}
"""
    with pytest.raises(ParamsError, match="Unknown key 'colunm'") as told:
        load_experiment(written(tmp_path, plan))
    assert not isinstance(told.value, GroupedError), "no second fault about too few metrics"
    assert "'column'" in told.value.todo


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"promote_after": True}, "promote_after"),
        ({"shares": {"strategic": True}}, "shares"),
        ({"review_months": [3, True]}, "review_months"),
        ({"caps": {"demotions": True}}, "demotions"),
    ],
)
def test_true_is_no_number(policy, key):
    with pytest.raises(ParamsError, match="no numbers") as told:
        build(TierPolicy, policy, "policy.yaml")
    assert key in str(told.value)


def test_a_review_month_is_named_once():
    with pytest.raises(ParamsError, match="twice"):
        build(TierPolicy, {"review_months": [3, 9, 3]}, "policy.yaml")
