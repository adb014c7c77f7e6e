"""What each tier gets, costs and brings, as the report tells it."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from analysis.language import Language
from analysis.report.inputs import gather
from analysis.report.service_plan import service_plan
from report_month import tier_services, write_month


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return gather(write_month(tmp_path_factory.mktemp("month"), {"tier_services": tier_services()}))


def told(inputs, language="en"):
    html = service_plan(inputs, Language(language)).html
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_services_cost_and_shares_are_those_of_the_table(inputs):
    shown, rows = told(inputs), tier_services().set_index("group")
    assert "Dedicated agent, Ticket handling" in shown
    assert "专属客服、工单处理" in told(inputs, "zh")
    high = rows.loc[["strategic", "key"], ["share_of_customers", "share_of_cost"]].sum() * 100
    assert f"are {high.iloc[0]:.1f}% of customers, {high.iloc[1]:.1f}% of cost" in shown
    strategic = rows.loc["strategic", "share_of_profit"] * 100
    assert f"{strategic:.1f}% ({strategic - 2:.1f}% to {strategic + 2:.1f}%)" in shown
    assert "so 50% of it was spent" in shown
    assert "last 12 months" in shown


def test_what_is_not_recorded_is_left_out_and_said(inputs):
    frame = tier_services().assign(cost_to_serve=float("nan"), planned_cost=float("nan"),
                                   service_cost_per_shipment=float("nan"))  # fmt: skip
    bare = inputs.profile.model_copy(update={"services": None})
    shown = told(replace(inputs, profile=bare, frames={"tier_services": frame}))
    assert "no cost to serve is recorded" in shown
    assert "declares no service plan" in shown
    assert "Cost to serve, recorded" not in shown
    assert "What it gets" not in shown
    assert "judged by cost per shipment" in shown


def test_without_the_table_it_says_so(inputs):
    assert "have not been computed" in told(replace(inputs, frames={}))
    by_class = tier_services().assign(grouping="abc")
    assert "have not been computed" in told(replace(inputs, frames={"tier_services": by_class}))


def test_with_neither_plan_nor_cost_it_says_so(inputs):
    bare = inputs.profile.model_copy(update={"services": None})
    frame = tier_services().assign(cost=0.0, profit=float("nan"))
    shown = told(replace(inputs, profile=bare, frames={"tier_services": frame}))
    assert "neither a service plan nor costs" in shown
    assert "Customers" not in shown


def test_titles_are_escaped(inputs):
    plan = inputs.profile.services
    title = plan.offered["agent"].title.model_copy(update={"en": "<b>agent"})
    agent = plan.offered["agent"].model_copy(update={"title": title})
    hostile = plan.model_copy(update={"offered": {**plan.offered, "agent": agent}})
    profile = inputs.profile.model_copy(update={"services": hostile})
    html = service_plan(replace(inputs, profile=profile), Language("en")).html
    assert "&lt;b&gt;agent" in html
    assert "<b>" not in html


def test_a_loss_of_all_has_no_shares(inputs):
    frame = tier_services().assign(share_of_profit=pd.NA)
    assert "of customers," not in told(replace(inputs, frames={"tier_services": frame}))
