"""Charts of a month's evaluated experiments for the notebook: one question a call.

Words follow the first language of the profile. Where a check failed nothing is drawn: figures
that must not be believed must not be seen as effects either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import pandas as pd

from ..experiment import MonthlyEvaluation
from ..experiment.followed import month_summed_to
from ..figures import Chart, IntervalRow, interval_plot
from ..language import Language
from ..params import Profile
from .block import in_series
from .effect_tables import BOUNDS
from .effects import curve_chart, effect_chart, money_metrics
from .evaluation import evaluation_view
from .experiment_view import ExperimentView, interval_of, tone_of
from .findings import has_estimate
from .guardrails import guarded

Drawn = Callable[[ExperimentView, Language], list[Chart]]


@dataclass(frozen=True)
class Charts:
    """Charts of several experiments.

    Attributes:
        groups: Title of an experiment and its charts, in order.
        nothing: What is said where there is none.
    """

    groups: tuple[tuple[str, tuple[Chart, ...]], ...]
    nothing: str

    def _repr_html_(self) -> str:
        shown = [
            f"<h4>{escape(title)}</h4>" + "".join(chart._repr_html_() for chart in charts)
            for title, charts in self.groups
            if charts
        ]
        return "".join(shown) or f"<p>{escape(self.nothing)}</p>"


def effect_charts(found: MonthlyEvaluation, profile: Profile) -> Charts:
    """The primary metrics, for all customers and tier by tier."""
    return _charts(found, profile, _effects)


def curve_charts(found: MonthlyEvaluation, profile: Profile) -> Charts:
    """Retention curves by arm."""
    return _charts(found, profile, _curves)


def answer_charts(found: MonthlyEvaluation, profile: Profile) -> Charts:
    """NPS weighted, unweighted, and how far silence could bend it."""
    return _charts(found, profile, _answers)


def fairness_charts(found: MonthlyEvaluation, profile: Profile) -> Charts:
    """Guardrails of all customers, and of ordinary ones."""
    return _charts(found, profile, _guardrails)


def money_charts(found: MonthlyEvaluation, profile: Profile) -> Charts:
    """Net value per customer by tier, and summed month by month until it pays back."""
    return _charts(found, profile, _money)


def _charts(found: MonthlyEvaluation, profile: Profile, drawn: Drawn) -> Charts:
    language = Language(profile.languages[0])
    views = [
        evaluation_view(one, profile.money.currency, is_monthly=True) for one in found.evaluations
    ]
    groups = tuple(
        (view.title(language), tuple(drawn(view, language))) for view in views if view.is_trusted
    )
    return Charts(groups, language.text("Nothing to draw this month."))


def _effects(view: ExperimentView, language: Language) -> list[Chart]:
    charts = (effect_chart(view, metric, language) for metric in view.names_of("primary"))
    return [chart for chart in charts if chart]


def _curves(view: ExperimentView, language: Language) -> list[Chart]:
    chart = curve_chart(view, language)
    return [chart] if chart else []


def _guardrails(view: ExperimentView, language: Language) -> list[Chart]:
    return [
        chart
        for ordinary in (False, True)
        for chart in guarded(view, language, ordinary=ordinary)["charts"]
    ]


def _money(view: ExperimentView, language: Language) -> list[Chart]:
    charts = [effect_chart(view, metric, language) for metric in money_metrics(view)]
    return [chart for chart in (*charts, _by_month(view, language)) if chart]


def _by_month(view: ExperimentView, language: Language) -> Chart | None:
    """The net value summed from the start to the end of each month."""
    frame = view.estimates
    mine = frame[frame["metric"].map(month_summed_to).notna() & (frame["segment"] == "all")]
    rows = [row for _, row in mine.iterrows() if has_estimate(row)]
    if not rows:
        return None
    drawn = [_month_row(view, row, language) for row in rows]
    finding = language.text(
        "After {n} months the summed net value per customer stands at {effect}",
        n=str(month_summed_to(rows[-1]["metric"])),
        effect=view.text_of(str(rows[-1]["metric"]), language).effect(rows[-1]["effect"]),
    )
    return _plot(view, str(rows[0]["metric"]), drawn, finding, language.text(
        "Net value per customer, summed from the start to the end of each month"
    ), language)  # fmt: skip


def _month_row(view: ExperimentView, row: pd.Series, language: Language) -> IntervalRow:
    label = language.text("To month {n}", n=str(month_summed_to(row["metric"])))
    return _row(view, row, label, language)


def _row(
    view: ExperimentView, row: pd.Series, label: str, language: Language, *, total: bool = False
) -> IntervalRow:
    write, (low, high) = view.text_of(str(row["metric"]), language), interval_of(row)
    shown = language.text(
        "{effect} ({between})", effect=write.effect(row["effect"]), between=write.span(low, high)
    )
    tone = tone_of(row, view.sign(str(row["metric"])))
    return IntervalRow(label, shown, float(row["effect"]), low, high, tone=tone, is_total=total)


def _answers(view: ExperimentView, language: Language) -> list[Chart]:
    """The readings of each NPS metric that has bounds."""
    frame = view.estimates
    names = dict.fromkeys(
        frame.loc[frame["kind"].eq("nps") & frame["role"].ne("reading"), "metric"]
    )
    charts = (_readings(view, str(name), language) for name in names)
    return [chart for chart in charts if chart]


def _readings(view: ExperimentView, metric: str, language: Language) -> Chart | None:
    frame, write = view.estimates, view.text_of(metric, language)
    main = view.rows(metric).head(1)
    plain = frame[(frame["metric"] == f"{metric}_unweighted") & (frame["segment"] == "all")].head(1)
    labelled = [(main, "Weighted by the chance to answer (decides)"),
                (plain, "Respondents as they are, without weights")]  # fmt: skip
    drawn = [
        _row(view, row, language.text(words), language, total=i == 0)
        for i, (rows, words) in enumerate(labelled)
        for _, row in rows.iterrows()
        if has_estimate(row)
    ]
    bounds = view.bounds[(view.bounds["metric"] == metric) & (view.bounds["segment"] == "all")]
    ends = bounds.groupby("bound")["effect"].first().dropna()
    for key, words in BOUNDS:
        if {f"{key}_low", f"{key}_high"} <= set(ends.index):
            low, high = float(ends[f"{key}_low"]), float(ends[f"{key}_high"])
            nan = float("nan")
            drawn.append(IntervalRow(language.text(words), write.span(low, high), nan, low, high))
    if len(drawn) < 2:
        return None
    finding = language.text("{metric}: how far silence could bend it",
                            metric=view.label_of(metric, language))  # fmt: skip
    return _plot(view, metric, drawn, finding, language.text(
        "Interval of the readings; bounds have no point"), language)  # fmt: skip


def _plot(
    view: ExperimentView,
    metric: str,
    drawn: list[IntervalRow],
    finding: str,
    measure: str,
    language: Language,
) -> Chart:
    write = view.text_of(metric, language)
    listed = in_series((f"{row.label} {row.shown}" for row in drawn), language)
    axis = language.text("Difference between the arms, {unit}", unit=write.unit_name)
    return interval_plot(
        drawn, tick=write.tick, axis=axis, line=None, finding=finding, measure=measure,
        alternative=language.text("{finding}. Interval plot, {axis}: {rows}.", finding=finding,
                                  axis=axis, rows=listed),
    )  # fmt: skip
