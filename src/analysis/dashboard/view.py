"""The dashboard as widgets: what the reader chooses, and the parts that follow the choice."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import ipywidgets as widgets

from ..language import Language, LanguageCode
from ..report.experiment_view import ExperimentView, tier_name
from ..tables import TIERS
from .customers import Selection, call_list, explorer, held_back, migration, tier_sizes
from .experiment_parts import (
    effects_table,
    guardrail_list,
    metrics_of,
    no_experiment,
    verdict_card,
)
from .headline import big_numbers
from .results import MonthResults, Results
from .style import stylesheet

EVERYTHING = ""
"""The choice that leaves nothing out."""
CHOICES = {
    "month": "As-of month",
    "experiment": "Experiment",
    "metric": "Metric",
    "tier": "Tier",
    "region": "Region",
    "industry": "Industry",
}
"""What the reader chooses, with its English title."""
PARTS = (
    "top",
    "verdict",
    "headline",
    "effects",
    "guardrails",
    "tiers",
    "explorer",
    "calls",
    "foot",
)


def open_dashboard(
    profile: str | Path,
    *,
    out: str | Path = "",
    language: LanguageCode = "zh",
    watch_seconds: float = 0.0,
) -> widgets.VBox:
    """Open the dashboard of a profile's published results.

    Args:
        profile: The profile's YAML file.
        out: Folder under which ``data/processed`` and ``reports`` lie; the repository by default.
        language: Language it opens in.
        watch_seconds: How often to look for newer results while the page is open; 0: never.

    Returns:
        The widget to show; it opens on the latest month.

    Raises:
        CoverageError: No month has been published.
    """
    dashboard = Dashboard(lambda: Results(profile, out), language)
    if watch_seconds:
        dashboard.watch(watch_seconds)
    return dashboard.page


class Dashboard:
    """The widgets and what they show.

    Attributes:
        page: The whole, to be displayed.
    """

    def __init__(self, read: Callable[[], Results], language: LanguageCode) -> None:
        self._read = read
        self._results = read()
        self._is_quiet = False
        self._parts = {name: widgets.HTML() for name in PARTS}
        self._language = widgets.ToggleButtons(options=[("中文", "zh"), ("English", "en")])
        self._language.value = language
        self._choices = {
            name: widgets.Dropdown(layout=widgets.Layout(width="auto")) for name in CHOICES
        }
        self._renew = widgets.Button(layout=widgets.Layout(width="auto"))
        self._notice = widgets.HBox([self._renew], layout=widgets.Layout(display="none"))
        self._of_experiment = self._experiment_box()
        self.page = self._laid_out()
        self._listen()
        self._update()

    @property
    def language(self) -> Language:
        """The reader's language."""
        return Language(self._language.value)

    @property
    def month(self) -> MonthResults:
        """The chosen month's results."""
        return self._results.month(self._choices["month"].value)

    @property
    def experiment(self) -> ExperimentView | None:
        """The chosen experiment, if the month has any."""
        chosen = self._choices["experiment"].value
        return next((view for view in self.month.experiments if view.id == chosen), None)

    def watch(self, seconds: float) -> None:
        """Look for newer results every few seconds, and offer them; never swap them in."""

        def look() -> None:
            while not stop.wait(seconds):
                self._notice.layout.display = "" if self._results.is_outdated else "none"

        stop = threading.Event()
        threading.Thread(target=look, daemon=True, name="tierlab-watch").start()

    def _laid_out(self) -> widgets.VBox:
        p, c = self._parts, self._choices
        style = widgets.HTML(f"<style>{stylesheet()}</style>")
        return _box(
            "tl-app",
            style,
            _box("tl-bar", p["top"], self._language),
            _styled(self._notice, "tl-notice"),
            _box("tl-choices", c["month"], c["experiment"]),
            p["verdict"],
            p["headline"],
            self._of_experiment,
            p["tiers"],
            _box(
                "tl-card", _box("tl-choices", c["tier"], c["region"], c["industry"]), p["explorer"]
            ),
            p["calls"],
            p["foot"],
        )

    def _experiment_box(self) -> widgets.Box:
        p, c = self._parts, self._choices
        effects = _box("tl-card", _box("tl-choices", c["metric"]), p["effects"])
        return _box("tl-two", effects, _box("tl-card", p["guardrails"]))

    def _listen(self) -> None:
        for widget in (self._language, *self._choices.values()):
            widget.observe(self._on_choice, names="value")
        self._renew.on_click(self._on_renew)

    def _on_choice(self, _: object) -> None:
        if not self._is_quiet:
            self._update()

    def _on_renew(self, _: object) -> None:
        with self._calmly("notice"):
            self._results = self._read()
            self._choices["month"].options = ()
        self._notice.layout.display = "none"
        self._update()

    def _update(self) -> None:
        with self._quietly(), self._calmly("top"):
            self._offer()
        for name in PARTS:
            with self._calmly(name):
                self._parts[name].value = getattr(self, f"_{name}")()

    def _offer(self) -> None:
        """Bring the choices up to date with language, month and experiment."""
        words = self.language
        self._renew.description = words.text("Newer results are published. Show them")
        months = [(words.month(month), month) for month in self._results.months]
        self._set("month", months)
        experiments = [(view.title(words), view.id) for view in self.month.experiments]
        self._set("experiment", experiments)
        self._set("metric", self._metrics())
        self._of_experiment.layout.display = "" if self.experiment else "none"
        for column in ("tier", "region", "industry"):
            self._set(column, self._groups(column))

    def _set(self, name: str, options: list[tuple[str, str]]) -> None:
        choice, before = self._choices[name], self._choices[name].value
        choice.description = self.language.text(CHOICES[name])
        if list(choice.options) != options:
            choice.options = options
            values = [value for _, value in options]
            choice.value = before if before in values else next(iter(values), None)
        choice.layout.display = "" if options else "none"

    def _metrics(self) -> list[tuple[str, str]]:
        experiment = self.experiment
        if experiment is None:
            return []
        return [(experiment.label_of(name, self.language), name) for name in metrics_of(experiment)]

    def _groups(self, column: str) -> list[tuple[str, str]]:
        groups = self.month.groups
        if groups is None or set(groups[column]) <= {""}:
            return []
        if column == "tier":
            named = [(tier_name(tier, self.language), tier) for tier in TIERS]
        else:
            named = [(str(value), str(value)) for value in sorted(set(groups[column]) - {""})]
        return [(self.language.text("All"), EVERYTHING), *named]

    # ---- the parts, by name ---------------------------------------------------------------

    def _top(self) -> str:
        words = self.language
        company = escape(self._results.profile.title.in_(words.code))
        name = words.text("Tiers and their effect")
        told = words.text(
            "Data to the end of {month}", month=words.month(self._choices["month"].value)
        )
        return (
            f'<header class="tl-top" lang="{words.code}" data-title="{company} · {name}">'
            f'<p class="tl-over">{company}</p><h1>{name}</h1><p role="status">{told}</p></header>'
        )

    def _verdict(self) -> str:
        experiment = self.experiment
        if experiment is None:
            return no_experiment(self.language)
        return verdict_card(experiment, self.language)

    def _headline(self) -> str:
        return big_numbers(self.month.summary, self._currency, self.language)

    def _effects(self) -> str:
        if self.experiment is None:
            return ""
        table = effects_table(self.experiment, self._choices["metric"].value, self.language)
        return f"<h2>{self.language.text('Effects')}</h2>{table}"

    def _guardrails(self) -> str:
        if self.experiment is None:
            return ""
        title = self.language.text("Guardrails")
        return f"<h2>{title}</h2>{guardrail_list(self.experiment, self.language)}"

    def _tiers(self) -> str:
        month, words = self.month, self.language
        return (
            f'<div class="tl-two"><section class="tl-card"><h2>{words.text("Tiers")}</h2>'
            f"{tier_sizes(month.sizes, month.month, words)}</section>"
            f'<section class="tl-card"><h2>{words.text("Tier moves")}</h2>'
            f"{migration(month.flows, words)}{held_back(month.held_back, words)}</section></div>"
        )

    def _explorer(self) -> str:
        chosen = {n: self._choices[n].value or None for n in ("tier", "region", "industry")}
        parts = explorer(self.month.groups, Selection(**chosen), self._currency, self.language)
        return f"<h2>{self.language.text('Look at a group of customers')}</h2>{parts}"

    def _calls(self) -> str:
        title = self.language.text("Customers to call this month")
        table = call_list(self.month.calls, self._currency, self.language)
        return f'<section class="tl-card"><h2>{title}</h2>{table}</section>'

    def _foot(self) -> str:
        told = self.language.text(
            "Figures are those of the published monthly report; nothing is computed anew here."
        )
        return f'<footer class="tl-foot">{told}</footer>'

    @property
    def _currency(self) -> str:
        return self._results.profile.money.currency

    # ---- calm -----------------------------------------------------------------------------

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change choices without answering to the change."""
        self._is_quiet = True
        try:
            yield
        finally:
            self._is_quiet = False

    @contextmanager
    def _calmly(self, name: str) -> Iterator[None]:
        """Turn a fault into a sentence for the reader and a traceback for the server's log."""
        try:
            yield
        except Exception:  # noqa: BLE001 - a reader never sees a traceback, the log always does
            traceback.print_exc(file=sys.__stderr__)
            told = self.language.text("This part cannot be shown right now. The others can.")
            if name in self._parts:
                self._parts[name].value = f'<p class="tl-fault" role="alert">{told}</p>'


def _box(style: str, *children: widgets.Widget) -> widgets.VBox:
    return _styled(widgets.VBox(children), style)


def _styled(box: widgets.Box, style: str) -> widgets.Box:
    box.add_class(style)
    return box
