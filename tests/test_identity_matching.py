"""`tierlab match`: any file of records, one row a record, errors that say what to mend."""

import gzip

import ibis
import numpy as np
import openpyxl
import pandas as pd
import pytest

from analysis.cli import exit_code_of
from analysis.engine import open_engine
from analysis.errors import AnalysisError
from analysis.identity import scoring
from analysis.identity.comparing import compared, comparisons_for
from analysis.identity.features import features_of
from analysis.identity.matching import match_file, match_records
from analysis.identity.model import known_model, with_random_pairs, with_rare_levels
from analysis.identity.recombining import recombined_names
from analysis.params import MatchConfig

ROWS = [
    ("a1", "Müller & Söhne GmbH", "Hauptstraße 12", "030 / 1234567"),
    ("a2", "MUELLER & SOEHNE", "Hauptstr. 12", ""),
    ("a3", "Northwind Traders Ltd.", "5 Station Road", "0207 946 0001"),
    ("a4", "northwind traders limited", "5 Station Rd.", "02079460001"),
    ("a5", "Contoso Foods Inc", "77 Mill Ave", ""),
]


def matched(frame, others=()):
    """Entity of each record."""
    links = match_records(frame.astype("string"), list(others))
    assert links["record_id"].tolist() == frame["id"].tolist()
    assert links["match_probability"].between(0, 1).all()
    return dict(zip(links["record_id"], links["entity_id"], strict=True))


def test_a_file_of_few_records_is_matched(tmp_path):
    """GB18030 with semicolons as Excel writes it, UTF-8, Parquet: the same links."""
    frame = pd.DataFrame(
        [("甲1", "上海锐泽贸易有限公司", "人民路12号"), ("甲2", "銳澤貿易（上海）", "人民路12號"),
         ("甲3", "北京恒远物流有限公司", "建设路7号")],
        columns=["编号", "名称", "地址"],
    )  # fmt: skip
    frame.to_csv(tmp_path / "a.csv", sep=";", encoding="gb18030", index=False)
    frame.to_parquet(tmp_path / "b.parquet")
    (tmp_path / "config.yaml").write_text(
        "id: 编号\nname: 名称\naddress: [地址]\n", encoding="utf-8"
    )
    told = []
    for name in ("a.csv", "b.parquet"):
        out = tmp_path / f"{name}.links.csv"
        options = ["--records", tmp_path / name, "--config", tmp_path / "config.yaml", "--out", out]
        assert exit_code_of(["match", *map(str, options)]) == 0
        links = pd.read_csv(out)
        assert links.columns.tolist() == ["record_id", "entity_id", "match_probability"]
        told.append(links)
    assert told[0].equals(told[1])
    assert told[0]["entity_id"].tolist() == ["甲1", "甲1", "甲3"]


def test_kinds_may_be_missing_and_the_order_of_rows_changes_nothing():
    frame = pd.DataFrame(ROWS, columns=["id", "name", "address", "phone"]).replace("", None)
    entities = matched(frame)
    assert entities["a3"] == entities["a4"] == "a3"
    assert len({entities[one] for one in ("a1", "a3", "a5")}) == 3
    assert matched(frame.iloc[::-1]) == entities
    names = matched(frame[["id", "name"]])
    assert names["a3"] == names["a4"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"id": ["x"], "name": ["Only One"]}),
        pd.DataFrame({"id": ["x", "y", "z"], "name": [None, None, None]}),
        pd.DataFrame({"id": [], "name": []}),
    ],
    ids=["one record", "nothing in the column", "no record"],
)
def test_what_cannot_be_compared_stands_alone(frame):
    assert matched(frame) == {one: one for one in frame["id"]}


def test_a_hundred_records_that_say_the_same_are_one():
    frame = pd.DataFrame({"id": [f"{at:03}" for at in range(120)], "name": "Acme Logistics Ltd"})
    assert set(matched(frame).values()) == {"000"}


def test_without_duplicates_nothing_is_merged():
    """Shared words, streets and towns, but every company differs."""
    draw = np.random.default_rng(3)
    sounds = ["ka", "lo", "mi", "ra", "so", "te", "vu", "na", "po", "di"]
    brands = ["".join(draw.choice(sounds, 4)) for _ in range(400)]
    frame = pd.DataFrame({"brand": brands, "trade": draw.choice(["Foods", "Tools", "Metals"], 400)})
    frame = frame.drop_duplicates("brand").reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "id": [f"{at:04}" for at in range(len(frame))],
            "name": frame["brand"] + " " + frame["trade"],
            "address": [f"{draw.integers(1, 50)} Mill Road" for _ in range(len(frame))],
        }
    )
    merged = len(frame) - len(set(matched(frame).values()))
    assert merged <= len(frame) // 100  # one letter apart at one address may happen by chance


@pytest.mark.parametrize(
    ("config", "records", "code", "told"),
    [
        ("id: id\nnmae: name\n", "id,name\n1,a\n", 3, "Did you mean 'name'?"),
        ("id: id\n", "id,name\n1,a\n", 3, "no column to compare"),
        ("id: id\nname: nmae\n", "id,name\n1,a\n", 4, "Did you mean 'name'?"),
        ("id: id\nname: name\n", "id,name\n1,a\n1,b\n", 5, "more than one record"),
        ("id: id\nname: name\n", "id,name\n1,a\n,b\n", 5, "without an id"),
        ("id: id\nname: name\n", "", 4, "The file is empty"),
        ("id: id\nname: name\n", "\ufeff", 4, "The file is empty"),
        ("id: id\nname: name\n", "id,name\n1,a,b,c\n2,b\n", 4, "cannot be read as delimited"),
    ],
)
def test_faults_say_what_to_mend(config, records, code, told, tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    (tmp_path / "r.csv").write_text(records, encoding="utf-8")
    options = ["--records", tmp_path / "r.csv", "--config", tmp_path / "c.yaml"]
    found = exit_code_of(["match", *map(str, options), "--out", str(tmp_path / "l.csv")])
    assert found == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "l.csv").exists()


def test_a_broken_row_is_not_printed(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("id: id\nname: name\n")
    (tmp_path / "r.csv").write_text("id,name\n1,Zhang San,13800001111\n2,b\n")
    options = ["--records", tmp_path / "r.csv", "--config", tmp_path / "c.yaml"]
    assert exit_code_of(["match", *map(str, options), "--out", str(tmp_path / "l.csv")]) == 4
    told = capsys.readouterr().err
    assert "Expected 2 columns, got 3" in told
    assert "Zhang" not in told


def test_a_blank_before_a_quoted_cell_is_no_part_of_it(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text('id,name,city\n1, "smith, jones", "oslo"\n2, "smith, jones", "oslo"\n')
    found = match_file(path, MatchConfig(id="id", name="name", city="city"))
    assert found.links["entity_id"].tolist() == ["1", "1"]
    with pytest.raises(AnalysisError, match="not found"):
        match_file(tmp_path / "none.csv", MatchConfig(id="id", name="name"))


def test_packed_records_and_what_is_no_text_and_an_output_that_would_eat_its_input(
    tmp_path, capsys
):
    (tmp_path / "c.yaml").write_text("id: id\nname: name\n")
    packed, wrong = tmp_path / "r.csv.gz", tmp_path / "r.csv"
    packed.write_bytes(gzip.compress(b"id,name\n1,Acme\n2,Acme\n"))
    wrong.write_bytes(packed.read_bytes())
    links = tmp_path / "l.csv"

    def match(records, out):
        options = ["--records", records, "--config", tmp_path / "c.yaml", "--out", out]
        return exit_code_of(["match", *map(str, options)])

    assert match(packed, links) == 0
    assert pd.read_csv(links)["entity_id"].tolist() == [1, 1]
    assert match(wrong, links) == 4
    assert "packed (gzip)" in capsys.readouterr().err
    assert match(packed, packed) == 3
    assert gzip.decompress(packed.read_bytes()).startswith(b"id,name"), "the records are kept"
    packed.write_bytes(packed.read_bytes()[:20])
    assert match(packed, links) == 4
    told = capsys.readouterr().err
    assert "cannot be unpacked" in told
    assert str(packed) in told


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_spreadsheets_sheets_with_the_columns_are_records(tmp_path):
    """A title above the headers, numbers as ids, a sheet of notes, columns in another order.

    Rows of blanks, and headers once more on a further printed page, are none.
    """
    path = workbook(
        tmp_path / "r.xlsx",
        Notes=[["made by", "id"]],
        North=[["Guests of the year"], [], ["id", "name"], [1, "Acme Tools"], [" ", None],
               ["id", "name"], [2, "Bolt"]],
        South=[["name", "mark", "id"], ["Acme Tools", "x", 3]],
    )  # fmt: skip
    found = match_file(path, MatchConfig(id="id", name="name")).links
    assert found["record_id"].tolist() == ["1", "2", "3"]
    assert found["entity_id"].tolist() == ["1", "2", "1"]
    with pytest.raises(AnalysisError, match="no column 'city'"):
        match_file(path, MatchConfig(id="id", name="city"))
    (tmp_path / "text.xlsx").write_text("id,name\n1,a\n")
    with pytest.raises(AnalysisError, match="no spreadsheet"):
        match_file(tmp_path / "text.xlsx", MatchConfig(id="id", name="name"))


def test_rows_of_blanks_in_a_text_are_no_records(tmp_path):
    (tmp_path / "r.csv").write_text("id,name,note\n1,Acme Tools,x\n,,\n , ,y\n2,Bolt,\n\n")
    found = match_file(tmp_path / "r.csv", MatchConfig(id="id", name="name")).links
    assert found["record_id"].tolist() == ["1", "2"]
    (tmp_path / "r.csv").write_text("id,name\n1,Acme Tools\n,Bolt\n")
    with pytest.raises(AnalysisError, match="Records without an id: 1"):
        match_file(tmp_path / "r.csv", MatchConfig(id="id", name="name"))


def test_a_value_that_many_share_says_little():
    """Blocks of common values are too large to compare: few of their pairs are brought up."""
    (state,) = (c for c in comparisons_for(_features("state")) if c.field == "state")
    drawn = pd.DataFrame({state.column: np.repeat([3, 0], [10_000, 40_000])})
    model = with_random_pairs(known_model([state]), drawn, 5_000)
    brought_up = pd.DataFrame({state.column: [3, 0], "n": [40_000, 72_000]})

    learnt = with_rare_levels(model, brought_up, 5_000, rounds=3)

    assert learnt.u["state"][0] > 0.15  # a fifth agree; levels that none shows take some of it


def _features(*others):
    """A table of features of such further fields alone."""
    return ibis.table({f"{name}_key": "string" for name in others}, name="features")


def _firms(n, mistyped):
    """Firms of a made-up word and a trade; some stand twice, their word with two signs swapped."""
    draw = np.random.default_rng(20_261_130)
    signs = np.array([*"bdfgklmnprstvz"]), np.array([*"aeiou"])
    words = ["".join(draw.choice(signs[at % 2]) for at in range(8)) for _ in range(n)]
    trades = draw.choice(["Logistics", "Foods", "Textiles", "Metals", "Optics", "Tools"], n)
    twice = [f"{w[:3]}{w[4]}{w[3]}{w[5:]}" for w in words[:mistyped]]
    names = [f"{w} {t}" for w, t in zip(words + twice, [*trades, *trades[:mistyped]], strict=True)]
    return pd.DataFrame({"id": [f"{at:04}" for at in range(len(names))], "name": names})


def test_a_mistyped_name_is_found_where_names_are_all_there_is():
    found = matched(_firms(400, mistyped=100))
    right = sum(found[f"{400 + at:04}"] == f"{at:04}" for at in range(100))
    assert right >= 90
    assert len(set(found.values())) >= 398


@pytest.mark.parametrize("hang_together", [False, True])
def test_names_whose_parts_hang_together_do_not_tell_what_agrees_by_chance(
    monkeypatch, hang_together
):
    told = []

    def listening(*arguments):
        told.append(recombined_names(*arguments))
        return told[-1]

    monkeypatch.setattr(scoring, "recombined_names", listening)
    words = [name.split()[0] for name in _firms(60, mistyped=0)["name"]]
    kinds = ["north", "south", "east", "west", "old"]
    steps = (7, 11) if hang_together else ()
    names = [
        " ".join([word, *(words[(at * step + 3) % 60] for step in steps), kind])
        for at, word in enumerate(words)
        for kind in kinds
    ]
    matched(pd.DataFrame({"id": [f"{at:04}" for at in range(300)], "name": names}))
    assert [len(shares) == 0 for shares in told] == [hang_together]


@pytest.mark.parametrize(
    ("left", "right", "is_slip"),
    [
        ("norvax logistics", "norvxa logistics", True),
        ("norvax logistics", "norvax logistcs", True),
        ("ki consulting", "ku consulting", False),
        ("pump model 123", "pump model 124", False),
    ],
)
def test_a_slip_in_a_word_is_not_another_short_word_or_number(left, right, is_slip):
    engine = open_engine()
    try:
        texts = pd.DataFrame({"rid": [0, 1], "name": [left, right]})
        features = features_of(engine, engine.materialise(ibis.memtable(texts)))
        pair = engine.materialise(ibis.memtable(pd.DataFrame({"l": [0], "r": [1]})))
        seen = compared(engine, pair, features).level_name.execute()[0]
    finally:
        engine.close()
    assert (seen == 6) == is_slip
