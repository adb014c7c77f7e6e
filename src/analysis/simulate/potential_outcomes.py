"""The true effects: the units of an experiment lived through under each arm, with the same luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.aftersales import NPS_NOISE, NPS_PER_POINT, standing_opinion, to_nps_score
from analysis.simulate.custom import Standing
from analysis.simulate.draws import Bools, Draws, Floats, Ints
from analysis.simulate.experiments import Assignment
from analysis.simulate.month import MonthEvents, run_month
from analysis.simulate.population import BANDS, Population
from analysis.simulate.seasons import MINUTES_A_DAY
from analysis.simulate.service import Service

# Days after assignment, [from, to); docs/demo-data.md states them.
RETENTION_DAYS = (91, 181)
NPS_DAYS = (31, 181)
MONEY_DAYS = (0, 183)
METRICS = (
    "retention",
    "nps",
    "cost_to_serve",
    "margin",
    "complaints",
    "response_minutes",
    "on_time",
)
COUNTED = (
    "shipments",
    "retained",
    "revenue_less_cost",
    "service_cost",
    "tickets",
    "response_minutes",
    "answered_tickets",
    "deliveries",
    "on_time",
)


@dataclass
class Outcomes:
    """What each unit did in its windows, added up month by month; one entry a customer."""

    sums: dict[str, Floats]
    nps_points: Floats
    nps_weight: Floats

    @staticmethod
    def nothing(customers: int) -> Outcomes:
        """Before the first month."""
        empty = {name: np.zeros(customers) for name in COUNTED}
        return Outcomes(empty, np.zeros(customers), np.zeros(customers))


def add_tickets(outcomes: Outcomes, events: MonthEvents, start: int, end: int) -> None:
    """Add the tickets opened within the window; `end` is the last minute on record."""
    tickets, first = events.tickets, start * MINUTES_A_DAY
    until = min(end, (start + MONEY_DAYS[1]) * MINUTES_A_DAY)
    inside = (tickets.opened >= first) & (tickets.opened < until)
    owner = events.who[events.shipments.owner[tickets.shipment]]
    size = len(outcomes.nps_points)
    outcomes.sums["tickets"] += np.bincount(owner[inside], minlength=size)
    answered = inside & (tickets.responded < end)
    wait = (tickets.responded - tickets.opened)[answered]
    outcomes.sums["answered_tickets"] += np.bincount(owner[answered], minlength=size)
    outcomes.sums["response_minutes"] += np.bincount(owner[answered], wait, minlength=size)


def add_shipments(outcomes: Outcomes, events: MonthEvents, start: int, end: int) -> None:
    """Add the shipments ordered within the windows."""
    shipments, size = events.shipments, len(outcomes.nps_points)
    owner, day = events.who[shipments.owner], shipments.ordered // MINUTES_A_DAY - start
    inside = (day >= MONEY_DAYS[0]) & (day < MONEY_DAYS[1])
    money = (shipments.amount_cents - shipments.cost_cents)[inside] / 100
    arrived = inside & (shipments.delivered >= 0) & (shipments.delivered < end)
    kept = (day >= RETENTION_DAYS[0]) & (day < RETENTION_DAYS[1])
    for name, rows, weights in (
        ("shipments", inside, None),
        ("revenue_less_cost", inside, money),
        ("deliveries", arrived, None),
        ("on_time", arrived & (shipments.delay_days == 0), None),
        ("retained", kept, None),
    ):
        outcomes.sums[name] += np.bincount(owner[rows], weights, minlength=size)


def add_costs(outcomes: Outcomes, events: MonthEvents, start: int) -> None:
    """Add the month's service costs if the whole month lies within the window."""
    month, size = events.month, len(outcomes.nps_points)
    if month.first_day >= start and month.first_day + month.days <= start + MONEY_DAYS[1]:
        owner = events.who[events.costs.owner]
        outcomes.sums["service_cost"] += np.bincount(owner, events.costs.yuan, minlength=size)


def add_surveys(outcomes: Outcomes, events: MonthEvents, start: int, end: int) -> None:
    """Move each unit's expected last answer on by the month's invitation.

    The metric is the last answered survey. A unit that answers each with chance p_t has expected
    last answer Σ score_t·p_t·Π_{s>t}(1 − p_s), given that it answers at all.
    """
    surveys = events.surveys
    day = surveys.sent // MINUTES_A_DAY - start
    inside = (day >= NPS_DAYS[0]) & (day < NPS_DAYS[1]) & (surveys.sent < end)
    owner, chance = events.who[surveys.owner[inside]], surveys.answer_chance[inside]
    points = nps_points(surveys.nps[inside])
    outcomes.nps_points[owner] *= 1 - chance
    outcomes.nps_points[owner] += chance * points
    outcomes.nps_weight[owner] *= 1 - chance
    outcomes.nps_weight[owner] += chance


def nps_points(score: Ints) -> Floats:
    """100 for a promoter (9-10), −100 for a detractor (0-6), 0 between."""
    return 100.0 * (score >= 9) - 100.0 * (score <= 6)


def live_through(
    draws: Draws,
    population: Population,
    assignment: Assignment,
    standing: Standing,
    service: Service,
    before: MonthEvents,
    end: int,
) -> Outcomes:
    """Run the experiment's months for its units in one world.

    Args:
        standing: when the experiment starts.
        service: the world's service.
        before: the month before, whose late tickets still fall into the window.
        end: first minute after the record.

    Returns:
        Sums by customer; customers that take no part stay at zero or are to be ignored.
    """
    outcomes = Outcomes.nothing(len(population))
    start, members = assignment.experiment.first_day, assignment.members(len(population))
    add_tickets(outcomes, before, start, end)
    for month in assignment.experiment.months():
        events = run_month(draws, population, standing, month, service, members)
        add_shipments(outcomes, events, start, end)
        add_tickets(outcomes, events, start, end)
        add_costs(outcomes, events, start)
        add_surveys(outcomes, events, start, end)
        standing = events.standing
    _add_silent(outcomes, draws, population, assignment, standing, service)
    return outcomes


def _add_silent(
    outcomes: Outcomes,
    draws: Draws,
    population: Population,
    assignment: Assignment,
    standing: Standing,
    service: Service,
) -> None:
    """Units that were never asked (mostly because they left) would say what they hold."""
    silent = assignment.units[outcomes.nps_weight[assignment.units] == 0]
    latent = standing_opinion(population, silent, standing, service)
    latent = latent + NPS_PER_POINT * standing.experience[silent]
    latent = latent + NPS_NOISE * draws.normal("unasked", silent, assignment.experiment.first_day)
    outcomes.nps_points[silent] = nps_points(to_nps_score(latent))
    outcomes.nps_weight[silent] = 1.0


def metric_value(outcomes: Outcomes, metric: str, units: Ints) -> float:
    """The metric over some units, in its own unit (shares as fractions, NPS in points, yuan)."""
    total = {name: float(values[units].sum()) for name, values in outcomes.sums.items()}
    if metric == "retention":
        return float((outcomes.sums["retained"][units] > 0).mean())
    if metric == "nps":
        return float((outcomes.nps_points[units] / outcomes.nps_weight[units]).mean())
    if metric == "cost_to_serve":
        return total["service_cost"] / len(units)
    if metric == "margin":
        return total["revenue_less_cost"] / len(units)
    if metric == "complaints":
        return total["tickets"] / max(total["shipments"], 1)
    if metric == "response_minutes":
        return total["response_minutes"] / max(total["answered_tickets"], 1)
    return total["on_time"] / max(total["deliveries"], 1)


@dataclass(frozen=True)
class Effect:
    """One true effect: a row of `effects.csv`."""

    experiment: str
    estimand: str
    metric: str
    segment: str
    value: float


def true_effects(
    draws: Draws,
    population: Population,
    assignment: Assignment,
    standing: Standing,
    before: MonthEvents,
    end: int,
) -> list[Effect]:
    """Live through every world an estimand compares and take the differences.

    Returns:
        One effect an estimand, metric and segment (`all` and each size band with units).
    """

    def world(*, treated: bool, crowded: bool, shared: bool) -> Outcomes:
        service = assignment.service_if(population, treated=treated, crowded=crowded, shared=shared)
        return live_through(draws, population, assignment, standing, service, before, end)

    plain = world(treated=False, crowded=False, shared=False)
    if not assignment.experiment.by_depot:
        pairs = {"total": (world(treated=True, crowded=False, shared=True), plain)}
        return _differences(assignment, pairs)
    everyone = world(treated=True, crowded=False, shared=False)
    lucky = world(treated=True, crowded=False, shared=True)
    passed_over = world(treated=False, crowded=True, shared=False)
    return _differences(
        assignment,
        {
            "total": (everyone, plain),
            "direct": (lucky, passed_over),
            "spillover": (passed_over, plain),
        },
    )


def _differences(
    assignment: Assignment, pairs: dict[str, tuple[Outcomes, Outcomes]]
) -> list[Effect]:
    return [
        Effect(
            assignment.experiment.id,
            estimand,
            metric,
            segment,
            metric_value(one, metric, units) - metric_value(other, metric, units),
        )
        for estimand, (one, other) in pairs.items()
        for metric in METRICS
        for segment, units in _segments(assignment)
    ]


def _segments(assignment: Assignment) -> list[tuple[str, Ints]]:
    segments: list[tuple[str, Ints]] = [("all", assignment.units)]
    for number, name in enumerate(BANDS):
        is_band: Bools = assignment.band == number
        if is_band.any():
            segments.append((name, assignment.units[is_band]))
    return segments
