"""The dashboard as widgets: what the reader chooses, and the parts that follow the choice."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ipywidgets as widgets

from ..language import Language, LanguageCode
from ..pipeline.faults import is_interrupt
from ..report.experiment_view import ExperimentView, tier_name
from ..tables import TIERS
from .call_parts import reasons_of
from .experiment_parts import metrics_of
from .parts import PARTS, Shown
from .results import UNKNOWN, MonthResults, Results
from .style import stylesheet
from .tier_parts import Selection

EVERYTHING = ""
"""The choice that leaves nothing out."""
CHOICES = {
    "month": "As-of month",
    "experiment": "Experiment",
    "metric": "Metric",
    "tier": "Tier",
    "region": "Region",
    "industry": "Industry",
    "why": "Why call",
}
"""What the reader chooses, with its English title."""
Options = list[tuple[str, str]]


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
        self._choices = {name: widgets.Dropdown(layout=_as_wide_as_needed()) for name in CHOICES}
        self._renew = widgets.Button(layout=_as_wide_as_needed())
        self._notice = _box("tl-notice", self._renew)
        self._notice.layout.display = "none"
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

    # ---- layout ---------------------------------------------------------------------------

    def _laid_out(self) -> widgets.Box:
        p, c = self._parts, self._choices
        groups = _box("tl-choices", c["tier"], c["region"], c["industry"])
        return _box(
            "tl-app",
            widgets.HTML(f"<style>{stylesheet()}</style>"),
            _box("tl-bar", p["top"], self._language),
            self._notice,
            _box("tl-choices", c["month"], c["experiment"]),
            p["verdict"],
            p["headline"],
            self._of_experiment,
            p["tiers"],
            _box("tl-card", p["groups_title"], groups, p["groups"]),
            _box("tl-card", p["calls_title"], _box("tl-choices", c["why"]), p["calls"]),
            p["foot"],
        )

    def _experiment_box(self) -> widgets.Box:
        p = self._parts
        metric = _box("tl-choices", self._choices["metric"])
        effects = _box("tl-card", p["effects_title"], metric, p["effects"])
        return _box("tl-stack", effects, _box("tl-card", p["guardrails"]))

    # ---- choices --------------------------------------------------------------------------

    def _listen(self) -> None:
        for widget in (self._language, *self._choices.values()):
            widget.observe(self._on_choice, names="value")
        self._renew.on_click(self._on_renew)

    def _on_choice(self, _: object) -> None:
        if not self._is_quiet:
            self._update()

    def _on_renew(self, _: object) -> None:
        with self._quietly(), self._calmly("top"):
            self._results = self._read()
            self._choices["month"].options = ()
        self._notice.layout.display = "none"
        self._update()

    def _update(self) -> None:
        """Bring choices and parts up to date; what cannot be read leaves one sentence."""
        shown: Shown | None = None
        with self._quietly(), self._calmly("top"):
            self._offer()
            shown = self._shown()
        for name, part in PARTS.items():
            if shown is None and name != "top":
                self._parts[name].value = ""
            elif shown is not None:
                with self._calmly(name):
                    self._parts[name].value = part(shown)

    def _shown(self) -> Shown:
        chosen = {name: choice.value or None for name, choice in self._choices.items()}
        return Shown(
            profile=self._results.profile,
            month=self.month,
            experiment=self.experiment,
            metric=chosen["metric"],
            selection=Selection(chosen["tier"], chosen["region"], chosen["industry"]),
            why=chosen["why"],
            language=self.language,
        )

    def _offer(self) -> None:
        """Bring the choices up to date with language, month and experiment."""
        words = self.language
        self._renew.description = words.text("Newer results are published. Show them")
        self._set("month", [(words.month(month), month) for month in self._results.months])
        self._set("experiment", [(view.title(words), view.id) for view in self.month.experiments])
        self._set("metric", self._metrics())
        self._of_experiment.layout.display = "" if self.experiment else "none"
        for column in ("tier", "region", "industry"):
            self._set(column, self._groups(column))
        self._set("why", self._reasons())

    def _set(self, name: str, options: Options) -> None:
        """Offer other options; what was chosen stays chosen where it still exists."""
        choice, before = self._choices[name], self._choices[name].value
        choice.description = self.language.text(CHOICES[name])
        if list(choice.options) != options:
            choice.options = options
            values = [value for _, value in options]
            choice.value = before if before in values else next(iter(values), None)
        choice.layout.display = "" if options else "none"

    def _metrics(self) -> Options:
        experiment = self.experiment
        if experiment is None:
            return []
        return [(experiment.label_of(name, self.language), name) for name in metrics_of(experiment)]

    def _groups(self, column: str) -> Options:
        groups = self.month.groups
        if groups is None or set(groups[column]) <= {UNKNOWN}:
            return []
        if column == "tier":
            named = [(tier_name(tier, self.language), tier) for tier in TIERS]
        else:
            named = [(str(value), str(value)) for value in sorted(set(groups[column]) - {UNKNOWN})]
        return [(self.language.text("All"), EVERYTHING), *named]

    def _reasons(self) -> Options:
        reasons = reasons_of(self.month.calls, self.language)
        return [(self.language.text("All"), EVERYTHING), *reasons] if reasons else []

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
        """Turn a fault into a sentence for the reader and a traceback for the server's log.

        A server that ends interrupts its kernels: that is no fault and ends the kernel's work.
        """
        try:
            yield
        except Exception as fault:
            if is_interrupt(fault):
                raise KeyboardInterrupt from fault
            traceback.print_exc(file=sys.__stderr__)
            told = self.language.text("This cannot be shown right now. Please come back later.")
            self._parts[name].value = f'<p class="tl-fault" role="alert">{told}</p>'


def _as_wide_as_needed() -> widgets.Layout:
    return widgets.Layout(width="auto")


def _box(style: str, *children: widgets.Widget) -> widgets.Box:
    box = widgets.VBox(children)
    box.add_class(style)
    return box
