"""The note beside the truth: what was planted and what the files of truth mean."""

from __future__ import annotations

from dataclasses import asdict

from analysis.simulate import aftersales, custom
from analysis.simulate.experiments import ACTIVE_MONTHS, VALUE_MONTHS
from analysis.simulate.service import CROWDED, TIERED

NOTE = """# The truth of a simulated company

No code that analyses the company may read this folder.

- `links.csv`: every CRM and transport id and the true customer behind it.
- `effects.csv`: the true effect of each experiment, by estimand, metric and segment (`all` and the
  size bands at assignment). The experiment's own units were lived through in several worlds from
  the day of assignment: all under one arm, all under the other, with the same luck (every draw is a
  function of seed, customer, month and shipment). A value is the metric over all units in one
  world minus the metric in the other. `total`: everyone treated (saturation: in depots where all
  are) against no one. `direct`: treated against untreated, both in depots where half are.
  `spillover`: untreated in such a depot against no one treated. Ratios are sum over sum.
  `nps`: the unit's expected last answer given that it answers (score_t weighted by the chance that
  the answer of month t is the last); units never asked (most have left) count with what they hold.
- `errors.csv`: every planted error. `row` is the line of the file as an editor counts it
  (header = 1); in Parquet the row of the table from 1; in a spreadsheet the row of the sheet that
  is named behind `#`.
- `behaviour.csv`: off-seasons (calendar months), bursts, the first day after a customer has left.

## Who takes part
Customers that shipped in the {active} months before. Size bands rank revenue of the {value} months
before: the first 15 % are large, the next 35 % medium. 92 % of customers use a service that they
are granted; the effects act on them alone, so effects by assignment are smaller.

## What tiered service does to its users (triples: large, medium, small)
{tiered}

`tiered-2025` crowds nobody: its users' priority ran on capacity rented for it.

## What crowding does to the untreated in depots where half are treated
{crowded}

## Leaving
Log odds a month: {churn} + {per_month} by calendar month + contract - {per_point} for each point of
recent experience above {usual} - {per_goodwill} for each standard deviation of goodwill - tiered
service + crowding. Experience is a moving average of what each shipment did: {points}

## Answering surveys
Log odds: {answer} + {by_band} by size of account + {engagement} for each standard deviation of
readiness to answer + {goodwill} of goodwill + {felt} a point of the shipment asked about. All but
the last are fixed before any experiment and show in what is known then: size, earlier answers,
earlier scores. The last term is what weights on the past cannot remove; it is small: a delay of
three days lowers the log odds by {delay:.2f}.
"""


def note() -> str:
    """The text of `README.md` in the truth folder."""
    return NOTE.format(
        active=ACTIVE_MONTHS,
        value=VALUE_MONTHS,
        tiered="\n".join(f"- {name}: {value}" for name, value in asdict(TIERED).items()),
        crowded="\n".join(f"- {name}: {value}" for name, value in asdict(CROWDED).items()),
        churn=custom.CHURN_LOG_ODDS,
        per_month=custom.CHURN_BY_CALENDAR_MONTH,
        per_point=custom.CHURN_PER_POINT,
        usual=custom.USUAL_EXPERIENCE,
        per_goodwill=custom.CHURN_PER_GOODWILL,
        points="-15 a day of delay, -25 more beyond three days, less by 42 % when told in time; "
        "damage -30, loss -55; a ticket answered within 30 minutes +10, after a day -20, else -6.",
        answer=aftersales.ANSWER_LOG_ODDS,
        by_band=aftersales.ANSWER_BY_BAND,
        engagement=aftersales.ANSWER_PER_ENGAGEMENT,
        goodwill=aftersales.ANSWER_PER_GOODWILL,
        felt=aftersales.ANSWER_PER_POINT,
        delay=45 * aftersales.ANSWER_PER_POINT,
    )
