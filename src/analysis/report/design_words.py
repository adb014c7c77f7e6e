"""The design of an experiment in words: sentences and tables for page and terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..experiment.design import (
    TARGET,
    Designed,
    PlannedComparison,
    PowerRow,
    treated_share,
)
from ..figures import MetricText, metric_label, unit_of
from ..language import Language
from ..params.metric import Metric
from .experiment_view import ESTIMAND_WORDS, arm_name
from .field_names import no_source

HISTORY = "history"
"""What `History.missing` says of a metric whose window history does not hold."""
SE_APART = 0.07
"""A ratio of standard errors further from 1 is explained; 400 draws tell it to ± 0.04."""


WHO = {"total": "wholly treated against untreated clusters", **ESTIMAND_WORDS}
"""Whom a saturation design compares."""


class DesignWords:
    """Writes one design in one language.

    Args:
        found: The design.
        language: The reader's.
        currency: ISO code of the profile's amounts.
    """

    def __init__(self, found: Designed, language: Language, currency: str) -> None:
        self.found = found
        self.language = language
        self.currency = currency

    def text_of(self, metric: Metric) -> MetricText:
        """Writes a metric's numbers."""
        unit = unit_of(metric.measure or metric.name, metric.kind)
        return MetricText(unit, self.language, self.currency)

    def label(self, metric: Metric) -> str:
        """A metric's name."""
        title = metric.title.in_(self.language.code) if metric.title else ""
        return metric_label(metric.measure or metric.name, self.language, title)

    def who(self, comparison: PlannedComparison) -> str:
        """Who is compared; empty where the plan compares in one way only."""
        if self.found.spec.design == "saturation":
            return self.language.text(WHO[comparison.estimand])
        if len(self.found.spec.treatments) > 1:
            return arm_name(comparison.treatment, self.language)
        return ""

    def name(self, row: PowerRow) -> str:
        """A metric's name, and who is compared where a plan compares several."""
        label, who = self.label(row.metric), self.who(row.comparison)
        if not who or (row.comparison.estimand == "total" and len(self.found.spec.treatments) == 1):
            return label
        return self.language.text("{name}, {who}", name=label, who=who)

    @property
    def title(self) -> str:
        """The experiment's title."""
        title = self.found.spec.title
        return title.in_(self.language.code) if title else self.found.spec.id

    def months(self, months: float) -> str:
        """A duration."""
        whole = round(months, 1)
        digits = 0 if whole == int(whole) else 1
        return self.language.number(whole, digits)

    def headline(self) -> str:
        """Whether the plan can see what it was made for."""
        text, main = self.language.text, primaries(self.found)
        wanted = [row for row in main if row.power is not None]
        weak = [self.name(row) for row in wanted if (row.power or 0.0) < TARGET]
        if not wanted:
            return text("The plan names no smallest worthwhile effect for a primary metric.")
        if weak:
            return text("Too small for {metrics}.", metrics=self.language.listed(weak))
        return text("Large enough for every primary metric.")

    def sentences(self) -> list[str]:
        """What each primary metric can see, one line each."""
        lines = []
        for row in primaries(self.found):
            first, *more = self._seen(row)
            lines.append(
                self.language.text("{first} {then}", first=first, then=more[0]) if more else first
            )
        return lines

    def _seen(self, row: PowerRow) -> Iterator[str]:
        text, amounts = self.language.text, self.text_of(row.metric)
        if math.isinf(row.smallest):
            yield text("{metric}: too few clusters to see anything.", metric=self.name(row))
            return
        yield text(
            "{metric}: a true effect of {smallest} or more is found four times in five.",
            metric=self.name(row),
            smallest=amounts.size(row.smallest),
        )
        if row.wanted is None or row.power is None:
            return
        yield text(
            "The effect of {wanted} that is worth it would be seen with a chance of {power}; "
            "a chance of {target} needs {needed}.",
            wanted=amounts.size(row.wanted),
            power=self.chance(row.power),
            target=self.language.percent(TARGET, 0),
            needed=self._needed_in_words(row),
        )

    def _needed_in_words(self, row: PowerRow) -> str:
        if row.needed is None or math.isinf(row.needed):
            return self.language.text("more clusters than there can be")
        n = self.language.number(row.needed)
        if row.needed > self.found.available:
            return self.language.text("{n} customers, more than ship now", n=n)
        return self.language.text("{n} customers", n=n)

    def cost(self) -> str:
        """What the treatment costs beyond basic service."""
        text, found = self.language.text, self.found
        if found.cost is None:
            return text("What it costs is not known: no service plan, or no tiers yet.")
        share = treated_share(found.spec)
        treated = found.customers * share
        a_month = found.cost.tiered - found.cost.basic
        return text(
            "{n} customers with the service of their tier instead of basic service, for {months} "
            "months: about {cost} by the service plan ({each} a customer and month).",
            n=self.language.number(treated),
            months=self.months(found.months),
            cost=self.money(found.cost.of(found.spec, found.customers, found.months)),
            each=self.money(a_month),
        )

    def money(self, amount: float) -> str:
        """An amount."""
        return self.language.money(amount, self.currency)

    def chance(self, power: float) -> str:
        """A chance; never 100 % by rounding."""
        if power > 0.995:
            return self.language.text("over {n}%", n="99")
        return self.language.percent(power, 0)

    def facts(self) -> list[tuple[str, str]]:
        """What the figures rest on."""
        text, number, found = self.language.text, self.language.number, self.found
        history = found.history
        told = [
            (text("Customers that ship now"), number(found.available)),
            (text("Customers planned"), number(found.customers)),
            (text("Months followed"), self.months(found.months)),
            (text("Customers of history"), number(len(history.units))),
            (
                text("Followed on history from"),
                self.language.date(history.began),
            ),
        ]
        if found.spec.cluster:
            sizes = history.units["cluster_id"].value_counts()
            told.append((text("Clusters on history"), number(len(sizes))))
            told.append(
                (
                    text("Customers of a cluster"),
                    text("{low} to {high}", low=number(sizes.min()), high=number(sizes.max())),
                )
            )
        return told

    def rehearsed(self) -> str:
        """How the plan was rehearsed; empty where it was not."""
        alarms = self.found.alarms
        if not alarms:
            return ""
        return self.language.text(
            "The plan was drawn {draws} times on {n} customers of history and evaluated each time "
            "by the program that will evaluate it: without any effect, and with the planted one. "
            "In brackets: the range that so many draws leave open.",
            draws=self.language.number(max(a.draws for a in alarms)),
            n=self.language.number(alarms[0].n),
        )

    def missing(self) -> list[str]:
        """Metrics that history could not tell, and why."""
        shown = {row.metric.name for row in self.found.own_rows}
        told = {name: self._why(why) for name, why in self.found.history.missing.items()}
        alike = self.language.text("too few customers had a value, or all had the same")
        told |= {name: alike for name in self.found.history.available if name not in shown}
        return [
            self.language.text(
                "{metric}: {why}", metric=self.label(self.found.spec.metric(name)), why=why
            )
            for name, why in told.items()
        ]

    def _why(self, missing: str) -> str:
        if missing == HISTORY:
            return self.language.text("history is too short for its window")
        return no_source(missing, self.language)

    def notes(self) -> list[str]:
        """How the figures are to be read."""
        text, spec = self.language.text, self.found.spec
        notes = [
            text(
                "Variance, answers, and what strata and covariates explain were measured on the "
                "company's own customers as if the experiment had begun then; an experiment that "
                "ran in that time is in these figures."
            ),
        ]
        if spec.design == "customer":
            notes.append(
                text(
                    "Arms that share depots and agents share congestion too: this design cannot "
                    "measure harm to the other customers."
                )
            )
        kinds = {r.looks for r in self.found.own_rows} if self.found.alarms else set()
        if "accrual" in kinds:
            notes.append(
                text(
                    "The rehearsal reads each draw once, at the end of the windows, with the "
                    "interval that holds at any time; looking earlier too can only find more."
                )
            )
        if "calendar" in kinds:
            notes.append(
                text(
                    "The rehearsal follows each draw through all planned looks where a window has "
                    "no end, and counts a claim at any of them."
                )
            )
        return [*notes, *self._ratio_notes()]

    def _ratio_notes(self) -> list[str]:
        by = {
            (r.metric.name, r.comparison.estimand): r
            for r in self.found.own_rows
            if r.comparison.of_clusters and r.precision.cluster_correlation == 0.0
        }
        rehearsed = self.found.rehearsal
        less = [
            self.label(by[one["metric"], one["estimand"]].metric)
            for one in rehearsed.to_dict("records")
            if (one["metric"], one["estimand"]) in by and one["std_error_ratio"] < 1 - SE_APART
        ]
        if not less:
            return []
        return [
            self.language.text(
                "{metrics}: on history the clusters differed less than chance alone makes them "
                "(a correlation below zero). The plan counts it as zero, so the rehearsal is more "
                "precise than promised; a later experiment need not be.",
                metrics=self.language.listed(list(dict.fromkeys(less))),
            )
        ]


def primaries(found: Designed) -> Sequence[PowerRow]:
    """The primary metrics' main comparisons at the plan's own duration and size."""
    return [
        r for r in found.own_rows if r.metric.role == "primary" and r.comparison.estimand == "total"
    ]
