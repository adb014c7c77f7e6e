"""The building blocks of customer features: what is declared here becomes 200 columns.

Each block names a measure, how it is computed over a window of months, and what it means in both
languages. Windows are months up to the as-of month, itself included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir

WINDOWS = (1, 3, 6, 12)
LONG = (3, 6, 12)
"""Windows in which a share or a spread over months means something."""
SPANS = (
    *((0, 0), (0, 2), (0, 5), (0, 11), (0, 23)),
    *((3, 5), (6, 11), (12, 23), (12, 14)),
)
"""First and last age of every window used; whether a row lies in it is computed once."""


@dataclass(frozen=True)
class Over:
    """The panel's rows of one window of months.

    Attributes:
        rows: The panel, its numbers as float64, with `age` (months before the as-of month, that
            one = 0) and a flag for each of `SPANS`.
        first, last: Ages of the window, both included.
        is_cut: Whether the rows are those of the window alone: a sum over all rows takes the
            engine a tenth of the time of a sum over some.
    """

    rows: ir.Table
    first: int
    last: int
    is_cut: bool = False

    @property
    def inside(self) -> ir.BooleanValue | None:
        """Which rows belong to the window; None where all do."""
        return None if self.is_cut else self.rows[f"in_{self.first}_{self.last}"]

    def sum(self, column: str) -> ir.NumericScalar:
        """Sum of a column; null where it is not recorded."""
        return self.rows[column].sum(where=self.inside)

    def mean(self, column: str) -> ir.NumericScalar:
        """Mean over the months of the window in which the column is known."""
        return self.rows[column].mean(where=self.inside)

    def spread(self, column: str) -> ir.NumericScalar:
        """Standard deviation over the months of the window."""
        return self.rows[column].std(where=self.inside, how="pop")

    def largest(self, column: str) -> ir.NumericScalar:
        """Largest month of the window."""
        return self.rows[column].max(where=self.inside)

    def smallest(self, column: str) -> ir.NumericScalar:
        """Smallest month of the window."""
        return self.rows[column].min(where=self.inside)

    def active(self) -> ir.NumericScalar:
        """Months with a shipment."""
        return self.rows.is_active.cast("float64").sum(where=self.inside)

    def weighted(self, column: str, weight: str) -> ir.NumericScalar:
        """Mean of a column, each month weighing as its weight says."""
        known = self.rows[column].notnull() & (self.rows[weight] > 0)
        known = known if self.inside is None else known & self.inside
        total = (self.rows[column] * self.rows[weight]).sum(where=known)
        return total / self.rows[weight].sum(where=known).nullif(0)

    def ratio(self, above: str, below: str) -> ir.NumericScalar:
        """Sum of one column ÷ sum of another."""
        return self.sum(above) / self.sum(below).nullif(0)


@dataclass(frozen=True)
class Block:
    """One measure and the windows it is taken over.

    Attributes:
        name: With the window it names the column, such as ``revenue_6m``.
        family: behaviour, value, demand or service.
        en, zh: What it means; the window is added.
        unit: Such as currency, shipments, share.
        measure: From a window to an expression.
        windows: Months.
    """

    name: str
    family: str
    en: str
    zh: str
    unit: str
    measure: Callable[[Over], ir.Value]
    windows: tuple[int, ...] = WINDOWS


def _per(above: str, below: str) -> Callable[[Over], ir.Value]:
    return lambda o: o.ratio(above, below)


def _share(above: str, below: str) -> Callable[[Over], ir.Value]:
    return lambda o: o.sum(above) / (o.sum(above) + o.sum(below)).nullif(0)


def _variation(column: str) -> Callable[[Over], ir.Value]:
    return lambda o: o.spread(column) / o.mean(column).nullif(0)


def _peak(column: str) -> Callable[[Over], ir.Value]:
    return lambda o: o.largest(column) / o.sum(column).nullif(0)


BLOCKS = (
    Block("shipments", "behaviour", "shipments", "运单量", "shipments",
          lambda o: o.sum("shipments_n")),
    Block("shipping_days", "behaviour", "days with a shipment", "发货天数", "days",
          lambda o: o.sum("shipping_days_n")),
    Block("shipments_a_day", "behaviour", "shipments a shipping day", "发货日均单量", "shipments",
          _per("shipments_n", "shipping_days_n")),
    Block("active_share", "behaviour", "share of months with a shipment", "有发货的月份占比",
          "share",
          lambda o: o.active() / o.rows.age.count(where=o.inside).nullif(0), LONG),
    Block("shipments_variation", "behaviour", "variation of monthly shipments", "月运单量变异系数",
          "ratio", _variation("shipments_n"), LONG),
    Block("shipments_peak_share", "behaviour", "share of the busiest month", "最忙月份的运单占比",
          "share", _peak("shipments_n"), LONG),
    Block("shipments_quietest", "behaviour", "shipments of the quietest month", "最淡月份运单量",
          "shipments", lambda o: o.smallest("shipments_n"), LONG),
    Block("shipments_busiest", "behaviour", "shipments of the busiest month", "最忙月份运单量",
          "shipments", lambda o: o.largest("shipments_n"), LONG),
    Block("revenue", "value", "revenue", "收入", "currency", lambda o: o.sum("revenue")),
    Block("shipment_cost", "value", "shipment cost", "运输成本", "currency",
          lambda o: o.sum("shipment_cost")),
    Block("margin", "value", "margin", "毛利", "currency", lambda o: o.sum("margin")),
    Block("margin_rate", "value", "margin share of revenue", "毛利率", "share",
          _share("margin", "shipment_cost")),
    Block("revenue_a_shipment", "value", "revenue a shipment", "单均收入", "currency",
          _per("revenue", "shipments_n")),
    Block("cost_a_shipment", "value", "shipment cost a shipment", "单均运输成本", "currency",
          _per("shipment_cost", "shipments_n")),
    Block("margin_a_shipment", "value", "margin a shipment", "单均毛利", "currency",
          _per("margin", "shipments_n")),
    Block("revenue_a_day", "value", "revenue a shipping day", "发货日均收入", "currency",
          _per("revenue", "shipping_days_n")),
    Block("revenue_variation", "value", "variation of monthly revenue", "月收入变异系数", "ratio",
          _variation("revenue"), LONG),
    Block("revenue_peak_share", "value", "revenue share of the best month", "最高月份的收入占比",
          "share", _peak("revenue"), LONG),
    Block("revenue_best", "value", "revenue of the best month", "最高月收入", "currency",
          lambda o: o.largest("revenue"), LONG),
    Block("revenue_worst", "value", "revenue of the weakest month", "最低月收入", "currency",
          lambda o: o.smallest("revenue"), LONG),
    Block("margin_best", "value", "margin of the best month", "最高月毛利", "currency",
          lambda o: o.largest("margin"), LONG),
    Block("margin_worst", "value", "margin of the weakest month", "最低月毛利", "currency",
          lambda o: o.smallest("margin"), LONG),
    Block("margin_variation", "value", "spread of monthly margin", "月毛利标准差", "currency",
          lambda o: o.spread("margin"), LONG),
    Block("cost_to_serve", "value", "cost to serve", "服务成本", "currency",
          lambda o: o.sum("cost_to_serve")),
    Block("cost_to_serve_share", "value", "cost to serve as a share of revenue",
          "服务成本占收入比",
          "share", _per("cost_to_serve", "revenue")),
    Block("cost_to_serve_a_shipment", "value", "cost to serve a shipment", "单均服务成本",
          "currency",
          _per("cost_to_serve", "shipments_n")),
    Block("contribution", "value", "margin less cost to serve", "毛利减服务成本", "currency",
          lambda o: o.sum("margin") - o.sum("cost_to_serve"), (3, 12)),
    Block("due", "value", "invoices that fell due", "到期应收款", "currency",
          lambda o: o.sum("due")),
    Block("overdue_largest", "value", "largest amount overdue at a month's end", "月末逾期最高额",
          "currency", lambda o: o.largest("overdue")),
    Block("overdue_share", "value",
          "largest amount overdue at a month's end against all invoices due",
          "月末逾期最高额与到期款总额之比", "ratio",
          lambda o: o.largest("overdue") / o.sum("due").nullif(0), LONG),
    Block("services", "demand", "different services in a month, on average", "月均使用产品种数",
          "services", lambda o: o.sum("services_n") / o.active().nullif(0)),
    Block("destinations", "demand", "different destinations in a month, on average",
          "月均目的地数", "regions", lambda o: o.sum("destinations_n") / o.active().nullif(0)),
    Block("cargo_types", "demand", "different kinds of cargo in a month, on average",
          "月均货物种类数", "kinds", lambda o: o.sum("cargo_types_n") / o.active().nullif(0)),
    Block("destinations_most", "demand", "most destinations in a month", "单月最多目的地数",
          "regions", lambda o: o.largest("destinations_n"), LONG),
    Block("cargo_types_most", "demand", "most kinds of cargo in a month", "单月最多货物种类数",
          "kinds", lambda o: o.largest("cargo_types_n"), LONG),
    Block("sensitive", "demand", "time-critical or special shipments", "时效或特殊货物运单量",
          "shipments", lambda o: o.sum("sensitive_n")),
    Block("sensitive_share", "demand", "share of time-critical or special shipments",
          "时效或特殊货物占比", "share", _per("sensitive_n", "shipments_n")),
    Block("sensitive_variation", "demand", "spread of monthly time-critical or special shipments",
          "时效或特殊货物月运单量标准差", "shipments", lambda o: o.spread("sensitive_n"), LONG),
    Block("destinations_a_shipment", "demand", "destinations for each shipment", "单均目的地数",
          "ratio", _per("destinations_n", "shipments_n")),
    Block("deliveries", "service", "deliveries", "送达量", "shipments",
          lambda o: o.sum("deliveries_n"), (1,)),
    Block("on_time_rate", "service", "share delivered on time", "准时率", "share",
          _per("on_time_n", "promised_n")),
    Block("late", "service", "late deliveries, of those with a promise", "有承诺的运单延误量",
          "shipments",
          lambda o: o.sum("promised_n").nullif(0) - o.sum("on_time_n")),
    Block("on_time_worst", "service", "on-time share of the worst month", "最差月份准时率", "share",
          lambda o: o.smallest("on_time_rate"), LONG),
    Block("delay_days", "service", "mean delay of deliveries", "平均延误天数", "days",
          lambda o: o.weighted("delay_days_mean", "deliveries_n")),
    Block("delay_days_worst", "service", "mean delay of the worst month", "最差月份平均延误天数",
          "days", lambda o: o.largest("delay_days_mean"), LONG),
    Block("damaged", "service", "damaged deliveries", "破损量", "shipments",
          lambda o: o.sum("damaged_n")),
    Block("damage_rate", "service", "share damaged", "破损率", "share",
          _per("damaged_n", "deliveries_n")),
    Block("tickets", "service", "tickets opened", "工单量", "tickets",
          lambda o: o.sum("tickets_n")),
    Block("tickets_a_shipment", "service", "tickets a shipment", "单均工单量", "ratio",
          _per("tickets_n", "shipments_n")),
    Block("tickets_most", "service", "most tickets in a month", "单月最多工单量", "tickets",
          lambda o: o.largest("tickets_n"), LONG),
    Block("response_minutes", "service", "response time, monthly medians weighted by tickets",
          "响应时长（月中位数加权）", "minutes",
          lambda o: o.weighted("response_minutes_median", "responses_n")),
    Block("response_minutes_worst", "service", "response time of the worst month",
          "最差月份响应时长", "minutes", lambda o: o.largest("response_minutes_median"), LONG),
    Block("answers", "service", "survey answers", "问卷回答数", "answers",
          lambda o: o.sum("answers_n")),
    Block("nps_score", "service", "mean likelihood to recommend", "平均推荐意愿", "0-10",
          lambda o: o.weighted("nps_score", "answers_n")),
    Block("nps_score_lowest", "service", "lowest monthly likelihood to recommend",
          "最低月均推荐意愿", "0-10", lambda o: o.smallest("nps_score"), LONG),
    Block("csat_score", "service", "mean satisfaction", "平均满意度", "1-5",
          lambda o: o.weighted("csat_score", "answers_n")),
    Block("csat_score_lowest", "service", "lowest monthly satisfaction", "最低月均满意度", "1-5",
          lambda o: o.smallest("csat_score"), LONG),
)  # fmt: skip
"""Measures by window."""

TRENDS = ("shipments_n", "shipping_days_n", "revenue", "margin", "cost_to_serve", "tickets_n",
          "sensitive_n", "destinations_n")  # fmt: skip
"""Columns of the panel whose growth is a feature."""

NAMES = {
    "shipments_n": ("shipments", "shipments", "运单量", "behaviour"),
    "shipping_days_n": ("shipping_days", "shipping days", "发货天数", "behaviour"),
    "revenue": ("revenue", "revenue", "收入", "value"),
    "margin": ("margin", "margin", "毛利", "value"),
    "cost_to_serve": ("cost_to_serve", "cost to serve", "服务成本", "value"),
    "tickets_n": ("tickets", "tickets", "工单量", "service"),
    "sensitive_n": ("sensitive", "time-critical or special shipments", "时效或特殊货物运单量",
                    "demand"),
    "destinations_n": ("destinations", "destinations", "目的地数", "demand"),
}  # fmt: skip
"""Column of the panel → stem, English, Chinese, family."""
