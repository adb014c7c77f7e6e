"""Every word of the report is in the catalogue, and the Chinese report holds no English."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import analysis
from analysis.figures import metric_text
from analysis.language import Language
from analysis.report import (
    changes,
    data_quality,
    experiment_view,
    headline,
    index,
    monthly_report,
    quality_levels,
)
from analysis.report import claims as claimed
from analysis.report import guardrails as guarded
from analysis.report import verdicts as judged
from analysis.report.inputs import gather
from analysis.report.satisfaction import SCORES
from analysis.satisfaction import CLAIMS
from analysis.satisfaction.company import MISSING_TABLE
from analysis.tables import CONTRACTS, TIERS
from analysis.tiers import CALL_PHRASES, HOLD_PHRASES, REASON_PHRASES
from mixed_language import chinese_in, english_in
from report_month import write_month
from test_report_sections import SECTIONS

BLOCKS = Path(analysis.__file__).parent / "report" / "blocks"
ZH = Language("zh")
CHINESE = re.compile("[一-鿿]")
SAME = {"{arm} {n}", "{source} → {table}"}
"""Sentences that both languages write alike."""


def spoken() -> list[tuple[str, str]]:
    """(context, English) of every sentence in the templates."""
    found = []
    for path in sorted(BLOCKS.glob("*.j2")):
        tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("t", "word"):
                context = call.args[1].value if len(call.args) > 1 else ""
                if isinstance(call.args[0], nodes.Const):
                    found.append((context, call.args[0].value))
    return found


def looked_up() -> list[tuple[str, str]]:
    """(context, English) of the words that the code looks up in tables."""
    return [
        *(("", s.label) for s in headline.HEADLINE),
        *(("", s.definition) for s in headline.HEADLINE),
        *(("", d.words) for d in judged.DECISIONS.values()),
        *(("", d.next_step) for d in judged.DECISIONS.values()),
        *(("gate", words) for words in judged.GATES.values()),
        *(("guardrail", words) for words, _, _ in guarded.STATES.values()),
        *(("arm", words) for words in experiment_view._ARMS.values()),
        *(("tier", tier.capitalize()) for tier in TIERS),
        *(("metric", words) for words in metric_text._LABELS.values()),
        *(("rule", words) for words in data_quality.RULES.values()),
        *(("", words) for words in quality_levels.LEVELS.values()),
        *(("input", words) for words in changes._KINDS.values()),
        *(("state", words) for words, _, _ in index.STATES.values()),
        *(("table", name) for name in headline_tables()),
        *(("", score.name) for score in SCORES),
        *(("", score.measure) for score in SCORES),
        *(("claim", words) for _, words in claimed.VERDICTS.values()),
        *(("", words) for c in CLAIMS for words in (c.sentence, c.reading, c.missing) if words),
        *(("", part.label) for c in CLAIMS for part in c.parts),
        *(("", message.source) for message in MISSING_TABLE.values()),
        *(("", p) for ps in (CALL_PHRASES, HOLD_PHRASES, REASON_PHRASES) for p in ps.values()),
    ]


def headline_tables() -> list[str]:
    computed = {"customer_months", "tiers", "estimates"}
    return ["lookup", *(n.replace("_", " ") for n in CONTRACTS if n not in computed)]


@pytest.mark.parametrize("key", sorted({*spoken(), *looked_up()}))
def test_every_word_has_a_chinese_form(key):
    context, source = key
    blank = dict.fromkeys(re.findall(r"{(\w+)}", source), "")
    shown = ZH.text(source, context=context, **blank)
    is_sign = not re.search("[A-Za-z]", re.sub(r"{\w+}", "", source))
    assert is_sign or source in SAME or source == "NPS" or CHINESE.search(shown), source


def test_the_chinese_report_holds_no_english_but_ids_and_names(tmp_path):
    report = monthly_report(write_month(tmp_path), "zh")
    assert not english_in("\n".join(getattr(report, name)().html for name in SECTIONS))


def test_the_english_report_holds_no_chinese_but_names(tmp_path):
    report = monthly_report(write_month(tmp_path), "en")
    shown = "\n".join(getattr(report, name)().html for name in SECTIONS)
    assert chinese_in(shown) <= {"客户服务部", "王敏", "运营部", "李强"}


@pytest.mark.parametrize(
    ("language", "shown"),
    [("zh", "相符：分层服务 883、统一服务 879"), ("en", "tiered service 883, uniform service 879")],
)
def test_counts_by_arm_name_the_arms_for_readers(tmp_path, language, shown):
    inputs = gather(write_month(tmp_path))
    view = experiment_view.experiment_views(inputs)[0]
    named = judged._with_arm_names("相符：tiered 883, uniform 879", view, Language(language))
    assert named.endswith(shown)
