"""The simulated company: its files, its behaviour, its planted errors and its true effects."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import importlib.util
import io
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from analysis.simulate import CompanySummary, company
from analysis.simulate.custom import Standing, churn_chance
from analysis.simulate.draws import Draws, poisson
from analysis.simulate.experiments import EXPERIMENTS
from analysis.simulate.faults import KINDS
from analysis.simulate.identities import CODE_CHARACTERS
from analysis.simulate.lines import Lines, decimal, integer, time_column
from analysis.simulate.population import populate
from analysis.simulate.run import FOLDERS
from analysis.simulate.seasons import EPOCH, closed_days, day_of, months_to_october_2026
from analysis.simulate.service import uniform_service
from analysis.simulate.shipping import transport_points

ROOT = Path(__file__).parents[1]
CUSTOMERS, MONTHS, SEED = 500, 9, 3

HEADERS = {
    "crm/客户档案.csv": "客户编号,客户名称,统一社会信用代码,联系人,联系电话,邮箱,地址,区域,行业,"
    "合同类型,建档日期,上级客户编号,客户经理,网点",
    "transport/transport_2026-10.csv": "waybill_no,shipper_id,picked_up,delivered,weight_kg,cost,"
    "damaged,lost,notified",
    "transport/shippers.csv": "\ufeffshipper_id,shipper_name,tax_no,phone,address",
    "surveys/surveys.csv": "survey_id,customer_code,waybill_no,sent_at,answered_at,nps,csat,"
    "q_on_time,q_communication,q_after_sales,comment",
    "finance/服务成本.csv": "月份,客户编号,项目,金额（万元）",
    "finance/应收账款.csv": "发票号,客户编号,到期日,回款日,金额（万元）",
    "finance/月度汇总.csv": "月份,运单数,收入（万元）,运输成本（万元）",
    "experiments/assignments.csv": "experiment,customer_code,depot,share,arm_at_half,stratum,arm,"
    "assigned_at",
    "service/service_events.csv": "customer_code,service,granted_at,used_at",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> CompanySummary:
    return company(tmp_path_factory.mktemp("faulty") / "raw", CUSTOMERS, MONTHS, SEED)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CompanySummary:
    out = tmp_path_factory.mktemp("clean") / "raw"
    return company(out, CUSTOMERS, MONTHS, SEED, faults=())


def text_of(folder: Path, file: str) -> str:
    chinese = file.startswith(("crm", "finance"))
    return (folder / file).read_bytes().decode("gb18030" if chinese else "utf-8")


def table(folder: Path, file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(folder, file).lstrip("\ufeff"))))


# ---- files --------------------------------------------------------------------------------


def test_every_file_has_the_header_encoding_and_line_end_of_the_contract(faulty):
    for file, header in HEADERS.items():
        text = text_of(faulty.out, file)
        assert text.split("\n", 1)[0].rstrip("\r") == header, file
        assert ("\r\n" in text) == (file == "crm/客户档案.csv"), file
    months = [month.name for month in months_to_october_2026(MONTHS)]
    assert sorted(p.name for p in (faulty.out / "orders").iterdir()) == [
        f"orders_{name}.parquet" for name in months
    ]
    schema = pq.read_schema(faulty.out / "orders/orders_2026-10.parquet")
    assert schema.names == [
        "waybill_no", "customer_code", "ordered_at", "promised_date", "origin", "destination",
        "service_type", "cargo_type", "amount",
    ]  # fmt: skip
    assert str(schema.field("ordered_at").type) == "timestamp[us]"
    assert str(schema.field("promised_date").type) == "date32[day]"


def test_the_ticket_workbook_has_a_sheet_a_year_with_a_title_above_the_header(clean):
    book = CalamineWorkbook.from_path(str(clean.out / "tickets/工单.xlsx"))
    assert book.sheet_names == ["2026"]
    title, header, first, *_ = book.get_sheet_by_name("2026").to_python()
    assert "工单" in title[0]
    assert header[0] == "工单号"
    assert header[-1] == "一次解决"
    opened = dt.datetime.strptime(first[3], "%Y/%m/%d %H:%M")
    assert f"{opened.year}/{opened.month}/{opened.day} {opened.hour}:{opened:%M}" == first[3]


def test_summary_counts_the_good_rows(clean):
    def lines(file: str) -> int:
        return len(text_of(clean.out, file).splitlines()) - 1

    transport = sorted((clean.out / "transport").glob("transport_*.csv"))
    assert clean.rows["shipments"] == sum(lines(f"transport/{p.name}") for p in transport)
    assert clean.rows["shipments"] == pq.read_table(clean.out / "orders").num_rows
    assert clean.rows["customers"] == lines("crm/客户档案.csv")
    assert clean.rows["surveys"] == lines("surveys/surveys.csv")
    assert clean.rows["assignments"] == lines("experiments/assignments.csv")
    totals = table(clean.out, "finance/月度汇总.csv")
    assert clean.rows["shipments"] == sum(int(row["运单数"]) for row in totals)
    orders = pq.read_table(clean.out / "orders")
    revenue = sum(float(row["收入（万元）"]) for row in totals)
    assert revenue == pytest.approx(np.sum(orders["amount"]) / 1e4, abs=1e-3)  # 4 decimals a month


def test_orders_transport_and_shippers_refer_to_each_other(clean):
    orders = pq.read_table(clean.out / "orders").to_pylist()
    moved = [
        row
        for path in sorted((clean.out / "transport").glob("transport_*.csv"))
        for row in table(clean.out, f"transport/{path.name}")
    ]
    owner = {(r["system"], r["source_customer_id"]): r["true_customer"]
             for r in table(clean.truth, "links.csv")}  # fmt: skip
    assert len({row["waybill_no"] for row in orders}) == len(orders)
    assert [row["waybill_no"] for row in orders] == [row["waybill_no"] for row in moved]
    for order, move in zip(orders, moved, strict=True):
        assert owner["crm", order["customer_code"]] == owner["transport", move["shipper_id"]]


def test_the_same_seed_gives_the_same_bytes(faulty, tmp_path):
    again = company(tmp_path / "raw", CUSTOMERS, MONTHS, SEED)
    other = company(tmp_path / "other", CUSTOMERS, MONTHS, SEED + 1)
    files = [p.relative_to(faulty.out) for p in faulty.out.rglob("*") if p.is_file()]
    assert files
    for file in files:
        assert (again.out / file).read_bytes() == (faulty.out / file).read_bytes(), file
    for file in ("effects.csv", "errors.csv", "links.csv", "behaviour.csv"):
        assert (again.truth / file).read_bytes() == (faulty.truth / file).read_bytes(), file
    moved = Path("transport/transport_2026-10.csv")
    assert (other.out / moved).read_bytes() != (faulty.out / moved).read_bytes()


def test_sixty_customers_and_three_months_make_every_file(tmp_path):
    tiny = company(tmp_path / "raw", 60, 3, 1)
    assert {p.name for p in tiny.out.iterdir()} == set(FOLDERS)
    assert tiny.experiments == ()
    for file, header in HEADERS.items():
        assert text_of(tiny.out, file).startswith(header), file
    assert {error["kind"] for error in table(tiny.truth, "errors.csv")} >= {"duplicated_row"}


# ---- arguments and interruptions ----------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"customers": 5}, "customers == 5, must lie between 20 and 2,000,000"),
        ({"months": 0}, "months == 0, must lie between 1 and"),
        ({"months": 500}, "months == 500"),
        ({"faults": ["typo"]}, "unknown kinds; known are: duplicated_row"),
        ({"shipments_per_month": 0.0}, "shipments_per_month == 0.0"),
        ({"customers": 2_000_000, "shipments_per_month": 9.0}, "must not exceed 5,000,000"),
    ],
)
def test_a_bad_argument_is_refused_with_what_is_allowed(tmp_path, change, said):
    arguments = {"out": tmp_path / "raw", "customers": 60, "months": 3, "seed": 1, **change}
    with pytest.raises(ValueError, match=said):
        company(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_other_peoples_files_are_not_replaced_but_an_earlier_company_is(tmp_path):
    out = tmp_path / "raw"
    out.mkdir()
    (out / "thesis.docx").write_text("mine")
    with pytest.raises(ValueError, match=r"holds other files \(thesis.docx\)"):
        company(out, 60, 1, 1)
    (out / "thesis.docx").unlink()
    company(out, 60, 1, 1)
    before = (out / "surveys/surveys.csv").read_bytes()
    company(out, 60, 1, 2)
    assert (out / "surveys/surveys.csv").read_bytes() != before


def test_an_interrupted_run_leaves_the_earlier_company_and_no_half_one(tmp_path):
    out = tmp_path / "raw"
    company(out, 60, 1, 1)
    before = sorted(p.read_bytes() for p in out.rglob("*") if p.is_file())

    def stop(stage: str, rows: int) -> None:
        if stage.startswith("shipments"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        company(out, 60, 1, 2, progress=stop)
    assert sorted(p.read_bytes() for p in out.rglob("*") if p.is_file()) == before
    (tmp_path / ".raw.partial").mkdir()  # as a killed run would leave it
    company(out, 60, 1, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw", "raw-truth"]


def test_the_simulator_imports_nothing_of_ours():
    ours = ROOT / "src/analysis/simulate"
    for path in ours.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""] if node.level == 0 else ["analysis.relative"]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                top = name.split(".")[0]
                allowed = top in sys.stdlib_module_names or top in {"numpy", "pyarrow"}
                assert allowed or name.startswith("analysis.simulate"), f"{path.name}: {name}"


# ---- customers ----------------------------------------------------------------------------


def credit_code_is_valid(code: str) -> bool:
    """Weights 3^i mod 31; sum and check character make a multiple of 31 (GB 32100-2015)."""
    *body, check = (CODE_CHARACTERS.index(character) for character in code)
    total = sum(worth * pow(3, place, 31) for place, worth in enumerate(body))
    return len(code) == 18 and (total + check) % 31 == 0


def organisation_code_is_valid(code: str) -> bool:
    """GB 11714: check = 11 − Σ weight × value mod 11, letters from A = 10."""
    total = sum(w * int(c, 36) for w, c in zip((3, 7, 9, 10, 5, 8, 4, 2), code[:8], strict=True))
    return code[8] == "0123456789X0"[(11 - total % 11)]


def test_credit_codes_are_valid_unique_and_of_no_real_county(clean):
    # Published examples: the standard's own, and Alibaba's (organisation code 799655058 too).
    assert credit_code_is_valid("91350100M000100Y43")
    assert credit_code_is_valid("91330100799655058B")
    assert organisation_code_is_valid("799655058")
    codes = [row["统一社会信用代码"] for row in table(clean.out, "crm/客户档案.csv")]
    known = [code for code in codes if code]
    assert all(credit_code_is_valid(code) for code in known)
    assert all(organisation_code_is_valid(code[8:17]) for code in known)
    assert {code[6:8] for code in known} == {"99"}
    links = table(clean.truth, "links.csv")
    owner = {r["source_customer_id"]: r["true_customer"] for r in links}
    rows = table(clean.out, "crm/客户档案.csv")
    by_code = {(r["统一社会信用代码"], owner[r["客户编号"]]) for r in rows if r["统一社会信用代码"]}
    assert len(by_code) == len(set(known))


def test_duplicates_lie_within_the_crm_and_across_systems(clean):
    links = table(clean.truth, "links.csv")
    records = Counter((row["system"], row["true_customer"]) for row in links)
    doubled = {key for key, n in records.items() if n == 2}
    assert 5 <= sum(1 for system, _ in doubled if system == "crm") <= 40  # 3 % of 500
    assert 5 <= sum(1 for system, _ in doubled if system == "transport") <= 60  # 5 % of 500
    crm = {row["客户编号"]: row for row in table(clean.out, "crm/客户档案.csv")}
    by_customer: dict[str, list[dict[str, str]]] = {}
    for row in links:
        if row["system"] == "crm":
            by_customer.setdefault(row["true_customer"], []).append(crm[row["source_customer_id"]])
    pairs = [rows for rows in by_customer.values() if len(rows) == 2]
    assert any(a["客户名称"] != b["客户名称"] for a, b in pairs)
    assert any("" in (a["统一社会信用代码"], b["统一社会信用代码"]) for a, b in pairs)
    assert all(a["联系电话"] == b["联系电话"] for a, b in pairs)
    first_names = [rows[0]["客户名称"] for rows in by_customer.values()]
    assert len(set(first_names)) == len(first_names)


def test_depots_scale_and_are_never_fewer_than_forty(clean):
    assert len({row["网点"] for row in table(clean.out, "crm/客户档案.csv")}) >= 40
    months = months_to_october_2026(3)
    assert len(populate(Draws(1), 8000, months, 7.0).depot_region) == 60
    assert len(populate(Draws(1), 60, months, 7.0).depot_region) == 40


def test_sizes_are_heavy_tailed():
    population = populate(Draws(1), 20_000, months_to_october_2026(30), 7.0)
    value = np.sort(population.rate * population.price)[::-1]
    top_fifth = value[:4000].sum() / value.sum()
    assert 0.55 < top_fifth < 0.70  # 0.60 for a log-normal of spread 1.1
    assert population.rate.mean() == pytest.approx(7.0, rel=0.03)  # 20,000 log-normal draws


# ---- the calendar -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "new_year"), [(2023, (1, 22)), (2024, (2, 10)), (2025, (1, 29)), (2026, (2, 17)),
                           (2027, (2, 6))]
)  # fmt: skip
def test_depots_close_over_spring_festival(year, new_year):
    day = day_of(dt.date(year, *new_year))
    closed = closed_days()
    assert closed[day - 1 : day + 7].all()
    assert not closed[day - 2]
    assert not closed[day + 7]
    assert closed[day_of(dt.date(year, 1, 1)) : day_of(dt.date(year, 12, 31))].sum() == 8


def test_peaks_weekends_and_the_closure_show_in_the_orders(tmp_path):
    year = company(tmp_path / "raw", 400, 13, 1, faults=())
    day = pq.read_table(year.out / "orders")["ordered_at"].to_numpy().astype("datetime64[D]")
    number = (day - np.datetime64(EPOCH)).astype(int)
    assert not closed_days()[number].any()
    by_day = Counter(day.tolist())

    def mean(first: dt.date, days: int) -> float:
        return sum(by_day[first + dt.timedelta(n)] for n in range(days)) / days

    usual = mean(dt.date(2025, 12, 15), 14)
    assert mean(dt.date(2025, 11, 3), 14) > 1.15 * usual
    weekdays = Counter(date.weekday() for date in day.tolist())
    assert weekdays[6] < 0.6 * weekdays[1]


def test_seasonal_shippers_rest_in_their_off_season(clean):
    owner = {r["source_customer_id"]: r["true_customer"] for r in table(clean.truth, "links.csv")}
    rest = {
        r["true_customer"]: {int(m) for m in r["off_season_months"].split(";")}
        for r in table(clean.truth, "behaviour.csv")
        if r["is_seasonal"] == "true"
    }
    assert all(3 <= len(months) <= 5 for months in rest.values())
    inside = outside = 0
    for row in pq.read_table(clean.out / "orders").to_pylist():
        months = rest.get(owner[row["customer_code"]])
        if months is not None:
            inside += row["ordered_at"].month in months
            outside += row["ordered_at"].month not in months
    assert outside > 500
    assert inside < 0.05 * outside


def test_who_has_left_ships_no_more(clean):
    owner = {r["source_customer_id"]: r["true_customer"] for r in table(clean.truth, "links.csv")}
    behaviour = table(clean.truth, "behaviour.csv")
    left = {r["true_customer"]: dt.date.fromisoformat(r["churned_on"])
            for r in behaviour if r["churned_on"]}  # fmt: skip
    assert len(left) > 20
    for row in pq.read_table(clean.out / "orders").to_pylist():
        gone = left.get(owner[row["customer_code"]])
        assert gone is None or row["ordered_at"].date() < gone


# ---- causes -------------------------------------------------------------------------------


def test_delays_damage_and_silence_cost_satisfaction():
    delay, no = np.array([0, 1, 2, 3, 4]), np.zeros(5, dtype=bool)
    points = transport_points(delay, no, no, no)
    assert points.tolist() == [0, -15, -30, -45, -70]
    told = transport_points(delay, ~no, no, no)
    assert (told[1:] > points[1:]).all()
    assert transport_points(delay, no, ~no, no)[0] < 0


def test_poor_experience_makes_customers_leave():
    months = months_to_october_2026(3)
    population = populate(Draws(1), 100, months, 7.0)
    who, service = np.arange(100), uniform_service(100)

    def chance(experience: float) -> np.ndarray:
        standing = Standing(np.ones(100, dtype=bool), np.full(100, experience))
        return churn_chance(population, who, standing, months[0], service)

    assert (chance(-25.0) > 2 * chance(0.0)).all()


def test_tickets_have_the_mix_of_the_literature(tmp_path):
    year = company(tmp_path / "raw", 1500, 12, 1, faults=())
    book = CalamineWorkbook.from_path(str(year.out / "tickets/工单.xlsx"))
    rows = [
        row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()[2:]
    ]
    share = {kind: n / len(rows) for kind, n in Counter(row[6] for row in rows).items()}
    assert share["延误"] == pytest.approx(0.45, abs=0.05)  # about 45 % are delay
    assert share["破损"] + share["丢失"] == pytest.approx(0.30, abs=0.05)  # about 30 %
    assert all(row[2] == "" or row[2].startswith("YD") for row in rows)


@given(
    means=st.lists(st.floats(0, 300), min_size=1, max_size=20),
    more=st.floats(0, 5),
    uniform=st.floats(0, 1, exclude_max=True),
)
@example(means=[21.0], more=1.0, uniform=1 - 2.0**-52)
@settings(deadline=None)
def test_a_larger_mean_never_gives_fewer_at_the_same_luck(means, more, uniform):
    mean = np.array(means)
    # The two methods meet at 25, where they may differ by one.
    lower = poisson(mean, np.full(len(mean), uniform))
    higher = poisson(mean + more, np.full(len(mean), uniform))
    crosses = (mean < 25) & (mean + more >= 25)
    assert (higher >= lower - crosses).all()


@pytest.mark.parametrize("mean", [0.3, 4.0, 24.0, 26.0, 150.0])
def test_poisson_counts_have_mean_and_variance(mean):
    uniform = (np.arange(200_000) + 0.5) / 200_000
    counts = poisson(np.full(200_000, mean), uniform)
    assert counts.mean() == pytest.approx(mean, rel=0.01)  # quantiles, so hardly any noise
    assert counts.var() == pytest.approx(mean, rel=0.03)


@given(st.lists(st.integers(0, 10**8 - 1), min_size=1, max_size=30))
@settings(deadline=None)
def test_numbers_and_times_are_written_as_python_would(numbers):
    units = np.array(numbers)
    minutes = units % (60 * 24 * 3000)
    lines = Lines({"a": integer(units), "b": decimal(units, 2), "c": time_column(minutes)})
    start = dt.datetime(2019, 1, 1)
    for number, minute, line in zip(
        numbers, minutes.tolist(), lines.render().decode().splitlines(), strict=True
    ):
        at = start + dt.timedelta(minutes=minute)
        clock = f"{at.year}/{at.month}/{at.day} {at.hour}:{at.minute:02d}"
        whole = str(number) if number else "0"
        assert line == f"{whole},{number // 100}.{number % 100:02d},{clock}"


# ---- planted errors -----------------------------------------------------------------------


def test_every_kind_of_error_is_planted_at_a_modest_rate(faulty):
    errors = table(faulty.truth, "errors.csv")
    assert {error["kind"] for error in errors} == set(KINDS)
    assert len(KINDS) >= 15
    assert faulty.errors == len(errors)
    assert 0.005 < len(errors) / sum(faulty.rows.values()) < 0.03


def test_errors_leave_the_good_rows_as_they_were(faulty, clean):
    assert (faulty.truth / "effects.csv").read_bytes() == (clean.truth / "effects.csv").read_bytes()
    name = "transport/transport_2026-10.csv"
    good = set(text_of(clean.out, name).splitlines())
    kept = [line for line in text_of(faulty.out, name).splitlines() if line in good]
    assert len(set(kept)) > 0.98 * len(good)


def test_each_listed_error_stands_where_the_list_says(faulty):
    errors = table(faulty.truth, "errors.csv")
    orders: dict[str, list[dict[str, object]]] = {}
    texts: dict[str, list[str]] = {}
    for error in errors:
        file, row = error["file"], int(error["row"])
        if file.endswith(".parquet"):
            if file not in orders:
                orders[file] = pq.read_table(faulty.out / file).to_pylist()
            found = orders[file][row - 1]
            if error["column"]:
                value = found[error["column"]]
                assert str(value if value is not None else "") == error["written"], error
            else:
                assert found["waybill_no"] == error["original"]
        elif "#" not in file:
            if file not in texts:
                texts[file] = text_of(faulty.out, file).lstrip("\ufeff").splitlines()
            assert_written(texts[file], row, error)


def assert_written(lines: list[str], row: int, error: dict[str, str]) -> None:
    cells = next(csv.reader([lines[row - 1]]), [])
    header = next(csv.reader([lines[0]]))
    if error["kind"] == "blank_row":
        assert cells == [], error
    elif error["kind"] == "repeated_header":
        assert cells == header, error
    elif error["kind"] == "totals_row":
        assert cells[0] == "合计", error
    elif error["kind"] == "duplicated_row":
        assert lines[row - 1] == lines[row - 2], error
    else:
        assert cells[header.index(error["column"])] == error["written"], error
        assert error["written"] != error["original"]


def test_errors_in_the_workbook_stand_where_the_list_says(faulty):
    book = CalamineWorkbook.from_path(str(faulty.out / "tickets/工单.xlsx"))
    listed = [e for e in table(faulty.truth, "errors.csv") if "#" in e["file"] and e["column"]]
    assert len({error["kind"] for error in listed}) >= 5
    for error in listed:
        rows = book.get_sheet_by_name(error["file"].split("#")[1]).to_python(skip_empty_area=False)
        cells = dict(zip(rows[1], rows[int(error["row"]) - 1], strict=True))
        assert cells[error["column"]] == error["written"], error


def test_rows_are_repeated_across_monthly_files(faulty):
    repeated = [
        e for e in table(faulty.truth, "errors.csv")
        if e["file"].startswith("orders") and e["kind"] == "duplicated_row"
    ]  # fmt: skip
    assert repeated
    for error in repeated:
        own_month = error["original"][2:6]
        assert own_month not in error["file"].replace("-", "")[-12:]


# ---- experiments --------------------------------------------------------------------------


def test_experiments_fit_only_into_months_that_reach_back():
    fits = {e.id: [m for m in range(1, 31) if e.fits(months_to_october_2026(m))]
            for e in EXPERIMENTS}  # fmt: skip
    assert min(fits["depot-2026"]) == 9
    assert min(fits["tiered-2025"]) == 22


def test_the_saturation_design_deals_shares_to_depots_and_arms_by_hash(clean):
    rows = table(clean.out, "experiments/assignments.csv")
    assert {row["experiment"] for row in rows} == {"depot-2026"}
    assert {row["assigned_at"] for row in rows} == {"2026-05-01T00:00:00"}
    share = {row["depot"]: row["share"] for row in rows}
    assert set(share.values()) == {"0", "0.5", "1"}
    for row in rows:
        assert row["share"] == share[row["depot"]]
        arm = {"0": "uniform", "1": "tiered", "0.5": row["arm_at_half"]}[row["share"]]
        assert row["arm"] == arm
    by_depot: dict[str, Counter[str]] = {}
    for row in rows:
        by_depot.setdefault(row["depot"], Counter())[row["arm_at_half"]] += 1
    assert all(abs(n["tiered"] - n["uniform"]) <= 1 for n in by_depot.values())


# ---- the truth ----------------------------------------------------------------------------

PLANTED = {
    ("tiered-2025", "total"): ("retention", "nps", "cost_to_serve", "margin"),
    ("depot-2026", "total"): ("retention", "nps", "cost_to_serve", "margin"),
    ("depot-2026", "direct"): ("retention", "nps", "cost_to_serve", "margin"),
    ("depot-2026", "spillover"): ("complaints", "on_time"),
}
SIGNS = {"complaints": 1, "on_time": -1}  # of the spillover; all others are positive


def plain_analysis() -> ModuleType:
    """The plain analysis of benchmarks/simulate_truth.py."""
    spec = importlib.util.spec_from_file_location(
        "simulate_truth", ROOT / "benchmarks/simulate_truth.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_truth"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_effects_list_every_estimand_metric_and_segment(clean):
    effects = table(clean.truth, "effects.csv")
    keys = {(e["experiment"], e["estimand"], e["metric"], e["segment"]) for e in effects}
    assert len(keys) == len(effects) == 3 * 7 * 4
    assert {e["segment"] for e in effects} == {"all", "large", "medium", "small"}


def test_a_plain_analysis_lands_on_the_planted_effects():
    # 2,500 customers hold a third of the default's information: a bias as large as an effect shows,
    # a missed effect may be chance (seed 8 was the first that misses none). The full check below
    # holds power and coverage.
    table = plain_analysis().simulated_readings(seed=8, customers=2500, months=22)
    off = table["off"].to_numpy()
    assert np.abs(off).max() < 4.0  # of 28 readings with 12 degrees of freedom or more
    assert np.mean(off**2) < 2.5  # 1 expected, up to sampling of correlated readings
    keyed = table.set_index(["experiment", "estimand", "metric"])
    for (experiment, estimand), metrics in PLANTED.items():
        for metric in metrics:
            reading = keyed.loc[(experiment, estimand, metric)]
            sign = SIGNS.get(metric, 1)
            assert sign * reading["truth"] > 0
            assert sign * reading["z"] > 1, (experiment, estimand, metric)


@pytest.mark.full
def test_planted_effects_are_found_and_covered_at_the_default_size():
    plain = plain_analysis()
    readings = [plain.simulated_readings(seed, 8000, 30) for seed in (1, 2, 3)]
    for table in readings:
        keyed = table.set_index(["experiment", "estimand", "metric"])["z"]
        for (experiment, estimand), metrics in PLANTED.items():
            for metric in metrics:
                # 2.6 is the critical value that 24 monthly looks cost.
                assert abs(keyed[experiment, estimand, metric]) > 2.6, (estimand, metric)
    covered = np.concatenate([table["covered"].to_numpy() for table in readings])
    # 84 readings, correlated in groups: 99.9 % limits for half as many independent ones.
    assert covered.mean() > 0.82
