"""Text, numbers and dates in both languages."""

import datetime as dt

import pytest

from analysis.errors import ParamsError
from analysis.language import MISSING, TURNS, Language
from analysis.message import Message, Value

ZH, EN = Language("zh"), Language("en")


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (0.0, "¥0.00", "¥0.00"),
        (950.4, "¥950", "¥950"),
        (-12_345.0, "−¥12.3k", "−¥1.23万"),
        (87_654_321.0, "¥87.7m", "¥8,765.4万"),
        (1.234e9, "¥1.23bn", "¥12.3亿"),
        (None, MISSING, MISSING),
        (float("nan"), MISSING, MISSING),
    ],
)
def test_amounts_are_short_in_the_readers_units(value, en, zh):
    assert EN.money(value, "CNY").replace("CN¥", "¥") == en
    assert ZH.money(value, "CNY") == zh


def test_minus_is_a_minus_sign_and_zero_has_no_sign():
    assert EN.number(-3.14, 1, sign=True) == "−3.1"
    assert EN.number(0.004, 1, sign=True) == "0.0"
    assert EN.number(-0.004, 1, sign=True) == "0.0"
    assert EN.percent(0.0685, 2) == "6.85%"


def test_points_are_named_in_the_language():
    assert EN.points(0.052) == "+5.2 pp"
    assert ZH.points(0.052) == "+5.2 个百分点"


def test_months_and_days():
    assert (EN.month("2026-10"), ZH.month("2026-10")) == ("October 2026", "2026年10月")
    day = dt.date(2026, 3, 5)
    assert (EN.date(day), ZH.date(day), ZH.date(None)) == ("5 Mar 2026", "2026年3月5日", MISSING)


def test_lists_read_naturally():
    assert EN.listed(["a", "b", "c"]) == "a, b and c"
    assert EN.listed(["a"]) == ZH.listed(["a"]) == "a"
    assert EN.listed([]) == ZH.listed([]) == ""
    assert ZH.listed(["甲", "乙"]) == "甲、乙"


def test_plural_follows_the_count():
    assert EN.plural("{n} customer", "{n} customers", 1) == "1 customer"
    assert EN.plural("{n} customer", "{n} customers", 1200) == "1,200 customers"


def test_a_message_survives_json_and_speaks_both_languages():
    told = Message("{n} pp", {"n": Value("number", 4.14, 1, sign=True)})
    assert Message.from_json(told.to_json()) == told
    assert told.in_(EN) == "+4.1 pp"
    assert told.in_(ZH) == "+4.1 个百分点"


def test_an_unknown_language_is_told():
    with pytest.raises(ParamsError, match="Unknown language"):
        Language("fr")


@pytest.mark.parametrize("code", ["zh", "en"])
def test_a_value_cannot_turn_the_sentence_around_it(code):
    told = Language(code).text("{gate}: {note}", gate="C\u202e1", note="\u2067货主")
    assert not TURNS.search(told)
    assert "C1" in told
    assert "货主" in told
