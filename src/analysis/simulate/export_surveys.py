"""The survey tool's export: one file that grows month by month."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.simulate.draws import Bools, Ints
from analysis.simulate.export_customers import crm_code
from analysis.simulate.export_shipments import MonthOrders, waybills
from analysis.simulate.faults import (
    Faults,
    Rule,
    change,
    change_known,
    complaint_in_quotes,
    fixed,
    formula,
    full_width,
    html,
    twice,
)
from analysis.simulate.ledgers import Ledgers
from analysis.simulate.lines import Column, Lines, choice, code, time_column
from analysis.simulate.month import MonthEvents
from analysis.simulate.shipping import NEVER

SURVEYS_FILE = "surveys/surveys.csv"
SURVEY_HEADER = (
    "survey_id",
    "customer_code",
    "waybill_no",
    "sent_at",
    "answered_at",
    "nps",
    "csat",
    "q_on_time",
    "q_communication",
    "q_after_sales",
    "comment",
)
SURVEY_RULES = (
    Rule("score_out_of_scale", 0.004, "nps", change_known(5, fixed("11", "99", "-1", "100"))),
    Rule("score_out_of_scale", 0.002, "csat", change_known(6, fixed("0", "6", "10"))),
    Rule("full_width_digits", 0.001, "nps", change_known(5, full_width)),
    Rule("missing_customer_code", 0.001, "customer_code", change(1, fixed(""))),
    Rule("html_text", 0.001, "comment", change_known(10, html)),
    Rule("formula_text", 0.001, "comment", change_known(10, formula)),
    Rule("csv_quotes", 0.002, "comment", change_known(10, complaint_in_quotes)),
    Rule("duplicated_row", 0.002, "", twice),
)
COMMENTS_GOOD = (
    "准时送达，包装完好。",
    "司机态度很好，下次还会选择。",
    "时效稳定，沟通顺畅。",
    "整体满意",
    '"价格合理，服务到位"',
    "客服响应很快，问题当天解决。",
    '"Good service, thanks."',
    "发票和对账都很清楚。",
)
COMMENTS_MIDDLE = (
    "还可以，希望再快一点。",
    "基本满意，偶尔延误。",
    "希望提前通知到货时间。",
    '"价格偏高,但服务还行"',
    "系统查询不太方便。",
    "一般",
    "取件时间不太固定。",
    "希望有专人对接。",
)
COMMENTS_BAD = (
    "又晚到了，没有人通知。",
    "货物有破损，理赔太慢。",
    "打电话没人接，回复太慢。",
    "旺季根本排不上车。",
    '"说好两天到,结果等了五天"',
    "投诉后一直没有答复。",
    "不会再合作了！！！",
    "轨迹不更新，不知道货在哪里。",
)


def add_surveys(
    ledgers: Ledgers,
    folder: Path,
    faults: Faults,
    events: MonthEvents,
    orders: MonthOrders,
    end: int,
) -> int:
    """Append the month's invitations to `surveys/surveys.csv` by time of sending; returns them."""
    surveys = events.surveys
    order = np.argsort(surveys.sent, kind="stable")
    order = order[surveys.sent[order] < end]
    place = orders.place[surveys.shipment[order]]
    answered = surveys.answered[order]
    answered = np.where(answered < end, answered, NEVER)
    silent = answered < 0
    scores = [surveys.nps, surveys.csat, *surveys.items.T]
    columns = (
        code("SV", ledgers.surveys + np.arange(len(order)) + 1, 8),
        crm_code(orders.record[place]),
        waybills(np.full(len(place), events.month.ordinal), place),
        time_column(surveys.sent[order], iso=True),
        time_column(answered, iso=True),
        *(_score(values[order], silent) for values in scores),
        _comments(surveys.nps[order], surveys.comment[order], silent),
    )
    lines = Lines(dict(zip(SURVEY_HEADER, columns, strict=True)))
    ledgers.append(folder, SURVEYS_FILE, lines, faults, SURVEY_RULES)
    ledgers.surveys += len(order)
    return len(order)


def _score(values: Ints, silent: Bools) -> Column:
    return choice((*(str(score) for score in range(11)), ""), np.where(silent, 11, values))


def _comments(nps: Ints, level: Ints, silent: Bools) -> Column:
    words = ("", *COMMENTS_BAD, *COMMENTS_MIDDLE, *COMMENTS_GOOD)
    mood = np.where(nps <= 6, 0, np.where(nps <= 8, 1, 2))
    return choice(words, np.where(silent | (level == 0), 0, 1 + mood * 8 + level % 8))
