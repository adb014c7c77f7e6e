"""Who the customers are: the traits that do not change, drawn once for the whole company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.simulate.draws import Bools, Draws, Floats, Ints, category_levels, normal_levels
from analysis.simulate.seasons import CONSUMER, INDUSTRY, Month

REGIONS = ("华东", "华南", "华北", "华中", "西南", "东北", "西北")
REGION_SHARE = (0.32, 0.21, 0.17, 0.11, 0.09, 0.06, 0.04)


@dataclass(frozen=True)
class Industry:
    """One line of business: how common, how it trades, how often it has an off-season."""

    name: str
    share: float
    kind: int
    seasonal: float
    off_season_starts: tuple[int, ...]


INDUSTRIES = (
    Industry("电商零售", 0.22, CONSUMER, 0.02, (2,)),
    Industry("服装鞋帽", 0.12, CONSUMER, 0.12, (2, 7)),
    Industry("食品生鲜", 0.10, CONSUMER, 0.16, (4, 12)),
    Industry("农产品", 0.06, CONSUMER, 0.60, (2, 3, 4)),
    Industry("电子电器", 0.14, INDUSTRY, 0.03, (2,)),
    Industry("机械设备", 0.10, INDUSTRY, 0.03, (1,)),
    Industry("家居建材", 0.09, INDUSTRY, 0.22, (12, 1)),
    Industry("汽车配件", 0.07, INDUSTRY, 0.03, (7,)),
    Industry("医药健康", 0.06, INDUSTRY, 0.02, (7,)),
    Industry("化工材料", 0.04, INDUSTRY, 0.12, (6, 12)),
)
CONTRACTS = ("年度框架", "月结", "现结")
ANNUAL, MONTHLY, CASH = range(3)

BANDS = ("large", "medium", "small")
LARGE, MEDIUM, SMALL = range(3)
BAND_UPPER_SHARES = (0.15, 0.50)  # the largest 15 % are large, the next 35 % medium

# Log-normal sizes: few customers carry most of the business. Cut at ± 2.9 standard deviations so
# that no single draw decides a mean over some hundred customers.
RATE_SPREAD, PRICE_SPREAD, SIZE_CUT = 0.95, 0.55, 2.9
TYPICAL_PRICE_YUAN = 360.0
TYPICAL_WEIGHT_KG = 150.0
ARRIVALS_PER_MONTH = 0.0170  # of the initial stock
SEASONAL_SHORTEST, SEASONAL_LONGEST = 3, 5  # months of off-season
BURST_SHARE = 0.07
YEARS_BEFORE = 5.0


@dataclass(frozen=True)
class Population:
    """Traits of the true customers; every array has one entry a customer, in order of id.

    Attributes:
        onboard_day: day since the epoch on which the customer was registered.
        depot, region, industry, contract: numbers into the lists of names.
        depot_region: the region of each depot (one entry a depot).
        rate: shipments in an ordinary month while it trades.
        price: yuan of a typical shipment.
        weight: kg of a typical shipment.
        cost_share: transport cost as a share of list revenue.
        account_class: LARGE, MEDIUM or SMALL by expected revenue (how the account is staffed).
        goodwill: standing satisfaction, standard normal.
        engagement: readiness to answer surveys, standard normal.
        complier: whether it uses a tiered service that it is granted.
        is_seasonal, off_start, off_months: off-season: first calendar month (1-12) and length.
        burst_day, burst_days, burst_factor: a burst of business; burst_factor 1 means none.
        main_cargo, home_rank: usual cargo, place within its region (for the city).
        has_second_record, has_second_shipper: a second CRM or transport record exists.
        second_record_day: the day the second CRM record was made.
    """

    onboard_day: Ints
    depot: Ints
    depot_region: Ints
    region: Ints
    industry: Ints
    contract: Ints
    rate: Floats
    price: Floats
    weight: Floats
    cost_share: Floats
    account_class: Ints
    goodwill: Floats
    engagement: Floats
    complier: Bools
    is_seasonal: Bools
    off_start: Ints
    off_months: Ints
    burst_day: Ints
    burst_days: Ints
    burst_factor: Floats
    main_cargo: Ints
    has_second_record: Bools
    has_second_shipper: Bools
    second_record_day: Ints
    kind: Ints

    def __len__(self) -> int:
        return len(self.rate)


def depot_count(customers: int) -> int:
    """60 depots at 8,000 customers, growing with the square root, never fewer than 40."""
    return max(40, round(60 * (customers / 8000) ** 0.5))


def populate(
    draws: Draws, customers: int, months: tuple[Month, ...], mean_rate: float
) -> Population:
    """Draw the customers of the company.

    Args:
        draws: the company's randomness.
        customers: how many true customers ever register.
        months: the months on record.
        mean_rate: mean shipments in an ordinary month of a trading customer.

    Returns:
        One entry a customer, in order of registration.
    """
    who = np.arange(customers)
    onboard = np.sort(_onboard_days(draws, who, months))
    depot_region = _depot_regions(depot_count(customers))
    depot = _depots(draws, who, len(depot_region))
    industry = category_levels([line.share for line in INDUSTRIES])[draws.levels("industry", who)]
    rate, price, weight = _sizes(draws, who, mean_rate)
    account_class = band_by_value(rate * price)
    seasonal, off_start, off_months = _off_seasons(draws, who, industry)
    burst_day, burst_days, burst_factor = _bursts(draws, who, months)
    first, last = months[0].first_day, months[-1].first_day + months[-1].days
    second_day = np.maximum(onboard, first - 400) + 30
    second_day = second_day + (draws.uniform("second day", who) * (last - second_day)).astype(int)
    return Population(
        onboard_day=onboard,
        depot=depot,
        depot_region=depot_region,
        region=depot_region[depot],
        industry=industry,
        contract=_contracts(draws, who, account_class),
        rate=rate,
        price=price,
        weight=weight,
        cost_share=0.79 + 0.025 * draws.normal("cost share", who),
        account_class=account_class,
        goodwill=draws.normal("goodwill", who),
        engagement=draws.normal("engagement", who),
        complier=draws.uniform("complier", who) < 0.92,
        is_seasonal=seasonal,
        off_start=off_start,
        off_months=off_months,
        burst_day=burst_day,
        burst_days=burst_days,
        burst_factor=burst_factor,
        main_cargo=draws.levels("main cargo", who) % 6,
        has_second_record=draws.uniform("second record", who) < 0.03,
        has_second_shipper=draws.uniform("second shipper", who) < 0.05,
        second_record_day=np.minimum(second_day, last - 1),
        kind=np.array([line.kind for line in INDUSTRIES])[industry],
    )


def band_by_value(value: Floats) -> Ints:
    """LARGE, MEDIUM or SMALL by rank of value: the top 15 %, the next 35 %, the rest."""
    rank = np.empty(len(value), dtype=np.int64)
    rank[np.argsort(-value, kind="stable")] = np.arange(len(value))
    cuts = np.rint(np.array(BAND_UPPER_SHARES) * len(value)).astype(np.int64)
    return np.searchsorted(cuts, rank, side="right").astype(np.int64)


def _onboard_days(draws: Draws, who: Ints, months: tuple[Month, ...]) -> Ints:
    """A stock from before the record, then arrivals at an even rate until its end."""
    first, last = months[0].first_day, months[-1].first_day + months[-1].days
    stock_share = 1 / (1 + ARRIVALS_PER_MONTH * len(months))
    uniform = draws.uniform("onboarding", who)
    is_stock = (who + 0.5) / len(who) < stock_share
    lead = min(first - 30, int(YEARS_BEFORE * 365))
    stock = first - 30 - (uniform**1.5 * lead)
    arrival = first + uniform * (last - first)
    return np.maximum(np.where(is_stock, stock, arrival), 0).astype(np.int64)


def _depot_regions(depots: int) -> Ints:
    """Depots are shared among regions in proportion to business; every region has one."""
    shares = np.cumsum(REGION_SHARE) / sum(REGION_SHARE)
    return np.searchsorted(shares, (np.arange(depots) + 0.5) / depots).astype(np.int64)


def _depots(draws: Draws, who: Ints, depots: int) -> Ints:
    """Customers choose depots of unequal size (coefficient of variation about 0.35)."""
    size = np.exp(0.35 * draws.normal("depot size", np.arange(depots)))
    edges = np.cumsum(size) / size.sum()
    return np.searchsorted(edges[:-1], draws.uniform("depot", who), side="right").astype(np.int64)


def _sizes(draws: Draws, who: Ints, mean_rate: float) -> tuple[Floats, Floats, Floats]:
    cut = SIZE_CUT
    rate = np.exp(RATE_SPREAD * np.clip(draws.normal("rate", who), -1.9, cut))
    price = np.exp(PRICE_SPREAD * np.clip(draws.normal("price", who), -cut, cut))
    reference = np.exp(RATE_SPREAD * np.clip(normal_levels(), -1.9, cut)).mean()
    weight = TYPICAL_WEIGHT_KG * price**1.3 * np.exp(0.3 * draws.normal("weight", who))
    return rate * mean_rate / reference, price * TYPICAL_PRICE_YUAN, weight


def _contracts(draws: Draws, who: Ints, account_class: Ints) -> Ints:
    by_class = np.stack(
        [
            category_levels([0.75, 0.22, 0.03]),
            category_levels([0.35, 0.50, 0.15]),
            category_levels([0.08, 0.47, 0.45]),
        ]
    )
    return by_class[account_class, draws.levels("contract", who)]


def _off_seasons(draws: Draws, who: Ints, industry: Ints) -> tuple[Bools, Ints, Ints]:
    chance = np.array([line.seasonal for line in INDUSTRIES])[industry]
    seasonal = draws.uniform("seasonal", who) < chance
    options = np.array(
        [
            [line.off_season_starts[i % len(line.off_season_starts)] for i in range(6)]
            for line in INDUSTRIES
        ]
    )
    start = options[industry, draws.levels("off start", who) % 6]
    span = SEASONAL_LONGEST - SEASONAL_SHORTEST + 1
    length = SEASONAL_SHORTEST + draws.levels("off length", who) % span
    return seasonal, np.where(seasonal, start, 0), np.where(seasonal, length, 0)


def _bursts(draws: Draws, who: Ints, months: tuple[Month, ...]) -> tuple[Ints, Ints, Floats]:
    first, last = months[0].first_day, months[-1].first_day + months[-1].days
    bursting = draws.uniform("burst", who) < BURST_SHARE
    day = first + (draws.uniform("burst day", who) * (last - first)).astype(np.int64)
    length = 21 + (draws.uniform("burst length", who) * 40).astype(np.int64)
    factor = np.where(bursting, 2.5 + 2.5 * draws.uniform("burst factor", who), 1.0)
    return day, length, factor


def is_off_season(population: Population, who: Ints, calendar_month: int) -> Bools:
    """Whether each of these customers has its off-season in the calendar month (1-12)."""
    since = (calendar_month - population.off_start[who]) % 12
    return population.is_seasonal[who] & (since < population.off_months[who])


def burst_volume(population: Population, who: Ints, month: Month) -> Floats:
    """Volume factor of the month for each customer: above 1 while a burst lasts."""
    start = population.burst_day[who]
    overlap = np.minimum(start + population.burst_days[who], month.first_day + month.days)
    overlap = np.maximum(overlap - np.maximum(start, month.first_day), 0)
    return 1 + (population.burst_factor[who] - 1) * overlap / month.days
