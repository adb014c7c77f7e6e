"""What differs between two results: nothing left out, nothing made up, and why."""

import json

import pytest

from analysis.errors import CoverageError
from analysis.language import Language
from analysis.report.difference import difference, results_of
from analysis.report.difference_page import difference_page, told_files, told_tables, why
from mixed_language import chinese_in, english_in

EFFECT = {
    "analysis_basis": "intention_to_treat", "estimand": "total", "metric": "retention",
    "kind": "proportion", "role": "primary", "segment": "all", "treatment": "tiered",
    "effect": 0.05, "low": 0.01, "high": 0.09,
}  # fmt: skip


def summary(month="2026-10", revenue=100.0, nps=10.0, verdict="continue", effect=0.05, key=500):
    return {
        "month": month,
        "currency": "CNY",
        "title": {"zh": "甲<b>公司", "en": "A <b>company"},
        "headline": {"revenue": {"value": revenue}, "nps": {"value": nps}},
        "experiments": [
            {
                "id": "trial",
                "title": {"zh": "试验", "en": "Trial"},
                "verdict": verdict,
                "effects": [
                    {**EFFECT, "effect": effect},
                    {**EFFECT, "segment": "tier=key", "effect": 0.5},
                    {**EFFECT, "bound": "lee_low", "effect": 0.4},
                ],
            }
        ],
        "tiers": {"key": key, "regular": 1000},
    }


def manifest(code="a", raw="1", demote_after=3, read=10, package="2.0", standing=None):
    ledger = {"source": "orders", "table": "shipments", "rows_read": read, "rows_rejected": 1}
    return {
        "version": "0.1.0",
        "packages": {"duckdb": package},
        "params": {"values": {"tiers": {"demote_after": demote_after}, "shares": [{"a": 1}]}},
        "ledger": {"rows": [ledger]},
        "inputs": {
            "cleaning": {
                "code": code,
                "raw/orders.csv": raw,
                "params.tiers": str(demote_after),
                "previous/summary": code + raw,
            }
        },
        "standing": standing or {"state": "draft", "version": 1},
    }


def results(folder, told=None, made=None):
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps(told or summary()))
    (folder / "manifest.json").write_text(json.dumps(made or manifest()))
    return results_of(folder)


@pytest.fixture
def compared(tmp_path):
    before = results(tmp_path / "before")

    def with_(told=None, made=None):
        return difference(before, results(tmp_path / "now", told, made))

    return with_


def tables(found, code="en"):
    return {table.key: table.rows for table in told_tables(found, Language(code))}


def test_equal_results_do_not_differ(compared):
    found = compared()
    assert not found.is_any
    assert tables(found) == {}
    assert why(found, Language("en")) == "No figure differs, nor do data, parameters and program."


def test_figures_verdicts_effects_and_tiers_are_told_as_readers_write_them(compared):
    found = compared(summary(revenue=110.0, nps=7.5, verdict="roll_out", effect=0.06, key=490))
    told = tables(found)
    assert told["figures"] == (
        ("NPS", "+10.0", "+7.5", "−2.5"),
        ("Revenue", "CN¥100", "CN¥110", "+10.0%"),
    )
    assert told["verdicts"] == (("Trial", "Continue", "Roll out"),)
    assert told["effects"] == (
        ("Trial: Retention", "+5.0 pp (+1.0 to +9.0)", "+6.0 pp (+1.0 to +9.0)"),
    )
    assert told["tiers"] == (("Key", "500", "490", "−10"),)
    assert tables(found, "zh")["verdicts"] == (("试验", "继续试验", "推广"),)


def test_a_figure_that_one_result_lacks_is_told_without_a_change(compared):
    found = compared(summary(nps=None))
    assert tables(found)["figures"] == (("NPS", "+10.0", "–", "–"),)


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (manifest(code="b"), "the program"),
        (manifest(raw="2", read=11), "the data"),
        (manifest(demote_after=2), "the parameters"),
    ],
)
def test_one_cause_answers_for_every_difference(compared, made, cause):
    found = compared(summary(revenue=90.0), made)
    assert why(found, Language("en")) == (
        f"Only one thing changed, so every difference comes from it: {cause}."
    )


def test_of_several_causes_none_is_blamed(compared):
    found = compared(summary("2026-11"), manifest(code="b", demote_after=2, package="2.1"))
    assert found.causes == ("month", "params", "code", "packages")
    assert "No difference can be laid to one of them" in why(found, Language("en"))
    assert tables(found)["params"] == (("tiers.demote_after", "3", "2"),)
    assert tables(found)["packages"] == (("duckdb", "2.0", "2.1"),)


def test_data_are_told_by_file_and_by_rows(compared):
    found = compared(made=manifest(raw="2", read=12))
    assert tables(found)["rows"] == (("orders → shipments: read", "10", "12", "+2"),)
    assert told_files(found, Language("en")) == [("Raw files", "changed: orders.csv")]


def test_the_page_is_whole_offline_and_escaped_in_both_languages(compared):
    found = compared(
        summary(revenue=110.0),
        manifest(code="b", standing={"state": "published", "version": 2}),
    )
    for code, words in (("en", "October 2026, version 2"), ("zh", "2026年10月第 2 版")):
        page = difference_page(found, Language(code))
        assert words in page
        assert "<b>" not in page
        assert "http" not in page
        assert page.rstrip().endswith("</html>")
        assert (english_in if code == "zh" else chinese_in)(page) <= {"company"}


def test_a_small_difference_can_be_seen(tmp_path):
    """Shortened, both revenues would be CN¥21.4m."""
    then = results(tmp_path / "then", summary(revenue=21_439_195.0))
    found = difference(then, results(tmp_path / "now", summary(revenue=21_440_187.0)))
    assert tables(found)["figures"] == (("Revenue", "CN¥21,439,195", "CN¥21,440,187", "+0.005%"),)


@pytest.mark.parametrize(
    ("key", "before", "now", "told"),
    [
        ("csat", 3.9948, 3.9961, ("3.995", "3.996", "+0.001")),
        ("csat", 3.99, 4.0, ("3.99", "4.00", "+0.01")),
        ("retention", 0.87442, 0.87438, ("87.442%", "87.438%", "−0.004 pp")),
        ("nps", 10.02, 10.04, ("+10.02", "+10.04", "+0.02")),
        ("revenue", 100.2, 100.4, ("CN¥100.2", "CN¥100.4", "+0.2%")),
    ],
)
def test_a_change_has_the_digits_that_show_it(tmp_path, key, before, now, told):
    one, other = summary(), summary()
    one["headline"], other["headline"] = ({key: {"value": value}} for value in (before, now))
    found = difference(results(tmp_path / "then", one), results(tmp_path / "now", other))
    ((_, *shown),) = tables(found)["figures"]
    assert tuple(shown) == told


def test_a_withdrawn_version_is_told_as_such(tmp_path):
    made = manifest(standing={"state": "published", "version": 1})
    results(tmp_path / "v1", made=made)
    said = {"by": "Li Lei", "on": "2026-11-03", "reason": "freight costs were missing"}
    (tmp_path / "v1.withdrawn.json").write_text(json.dumps(said))
    found = difference(results_of(tmp_path / "v1"), results(tmp_path / "now"))
    page = difference_page(found, Language("en"))
    assert "October 2026, version 1 (withdrawn)" in page
    assert "Withdrawn on 3 Nov 2026 by Li Lei: freight costs were missing." in page


def test_results_that_are_not_there_are_told(tmp_path):
    with pytest.raises(CoverageError, match="no results to compare"):
        results_of(tmp_path / "none")
