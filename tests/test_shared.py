"""What the months of a run share is what each of them would have made alone."""

from dataclasses import replace

import ibis
import pandas as pd
import pytest

from analysis.engine import open_engine
from analysis.files import SESSION, read_json
from analysis.identity import identify
from analysis.months import Month
from analysis.pipeline.job import jobs_of
from analysis.pipeline.locks import RUN_VARIABLE, SHARED
from analysis.pipeline.running import shared_folder
from analysis.pipeline.staging import share, staging
from analysis.shared import Shared
from analysis.sources import ingest
from raw_company import CUSTOMERS, ORDERS, together, workspace_of
from small_repository import write_repository

ROWS = pd.DataFrame({"id": ["1", "2", None], "at": pd.to_datetime(["2026-01-02 03:04"] * 3)})


def records(*names):
    frame = pd.DataFrame(
        {
            "system": "crm",
            "source_customer_id": [str(number) for number in range(len(names))],
            "name": list(names),
            "phone": "",
            "tax_id": "",
            "parent_source_id": None,
            "is_customer": True,
            "precedence": 0,
        }
    )
    return ibis.memtable(frame.astype({"parent_source_id": "string"}))


def test_tables_come_back_in_their_order_and_types(tmp_path):
    maker, taker = open_engine(), open_engine()
    odd = ibis.memtable(ROWS).mutate(_faults=ibis.array([ibis.struct({"rule": "odd"})]))
    faults = maker.materialise(odd)
    Shared(making=tmp_path / "it's").keep_tables(maker, "rows", {"客户": faults}, {"n": 3})
    tables, note = Shared(ready=tmp_path / "it's").tables(taker, "rows")
    assert note == {"n": 3}
    assert tables["客户"].schema() == faults.schema()
    pd.testing.assert_frame_equal(tables["客户"].execute(), faults.execute())


def test_who_runs_alone_makes_everything_and_keeps_nothing(tmp_path):
    engine = open_engine()
    Shared().keep_tables(engine, "rows", {"rows": ibis.memtable(ROWS)}, {})
    assert Shared().tables(engine, "rows") is None
    assert Shared(ready=tmp_path).tables(engine, "rows") is None
    assert not list(tmp_path.iterdir())


def test_without_room_nothing_is_kept_and_nothing_fails(tmp_path):
    (tmp_path / "full").write_text("no folder")
    Shared(making=tmp_path / "full" / "in").keep_frames("rows", {"rows": ROWS})
    half = Shared(making=tmp_path / "half")
    (tmp_path / "half" / "rows.b.parquet").mkdir(parents=True)
    half.keep_frames("rows", {"a": ROWS, "b": ROWS})
    assert Shared(ready=tmp_path / "half").frames("rows", ("a",)) is None


def test_another_month_has_the_same_links(tmp_path):
    people = records("上海远达物流有限公司", "上海远达物流有限公司", "北京长风贸易有限公司")
    first = identify(people, cores=1, shared=Shared(making=tmp_path))
    others = records("甲", "乙", "丙")  # the same in truth; that they differ shows what is taken
    again = identify(others, cores=1, shared=Shared(ready=tmp_path))
    assert again.links.schema() == first.links.schema()
    pd.testing.assert_frame_equal(again.links.execute(), first.links.execute())
    pd.testing.assert_frame_equal(again.review, first.review)


def test_another_month_has_the_same_sources(tmp_path):
    rows = "no,who,at,done,yuan\n1,C1,2026-10-01,,5\n2,C1,x,,\n,,,,\n3,C1,2026-10-02,,1\n"
    files = {"crm.csv": "id\nC1\n", "orders.csv": rows}
    first = workspace_of(tmp_path, files, together(CUSTOMERS, ORDERS))
    made = ingest(replace(first, shared=Shared(making=tmp_path / "kept")), wait=False)
    (first.raw / "orders.csv").write_text(rows + "4,C1,2026-10-03,,1\n")  # shows what is taken
    other = replace(first, engine=open_engine(), shared=Shared(ready=tmp_path / "kept"))
    taken = ingest(other)
    for name, source in made.sources.items():
        assert taken.sources[name].lost == source.lost
        assert taken.sources[name].rows == source.rows
        assert taken.sources[name].table.schema() == source.table.schema()
        pd.testing.assert_frame_equal(taken.sources[name].table.execute(), source.table.execute())
    assert taken.sources["orders"].rows == 3


@pytest.fixture
def job(tmp_path):
    (only,) = jobs_of(write_repository(tmp_path), [Month.parse("2026-10")])
    return only


def test_only_a_stage_that_succeeded_lets_others_see_what_it_kept(job, tmp_path):
    shared = tmp_path / "run" / "digest"
    shared.parent.mkdir()
    for succeeds in (False, True):
        with staging(job, job.steps[0], 1, shared) as staged:
            told = Shared.of(read_json(staged.saved / SESSION))
            assert (told.ready, told.making) == (None, staged.sharing)
            told.keep_frames("rows", {"rows": ROWS})
            if succeeds:
                share(staged, shared)
        assert shared.exists() is succeeds
    with staging(job, job.steps[0], 1, shared) as staged:
        assert Shared.of(read_json(staged.saved / SESSION)) == Shared(ready=shared)
        share(staged, shared)
    assert [path.name for path in shared.iterdir()] == ["rows.rows.parquet"]


def test_only_months_of_one_run_share_and_only_of_the_same_inputs(job, tmp_path, monkeypatch):
    cleaning, *_, publication = job.steps
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    assert shared_folder(cleaning, {"raw/a": "1"}) is None
    monkeypatch.setenv(RUN_VARIABLE, str(tmp_path))
    assert shared_folder(cleaning, {"raw/a": "1"}) is None, "a run of one month"
    (tmp_path / SHARED).mkdir()
    first = shared_folder(cleaning, {"raw/a": "1"})
    assert first.parent == tmp_path / SHARED
    assert shared_folder(cleaning, {"raw/a": "1"}) == first
    assert shared_folder(cleaning, {"raw/a": "2"}) != first
    assert shared_folder(publication, {"raw/a": "1"}) is None
