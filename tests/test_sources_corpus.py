"""Some 400 damaged files: rejects that add up or one clear error, and never more memory."""

import subprocess
import sys
from pathlib import Path

import pytest

import damaged_files
from analysis.errors import AnalysisError
from analysis.params import Source
from analysis.sources.delimited import BLOCK_BYTES, RecordTooLargeError
from analysis.sources.parts import parts_of
from analysis.sources.reading import _part_rows
from damaged_files import SUFFIX
from raw_company import CUSTOMERS, cleaned_from, together, workspace_of

COLUMNS = {
    "no": "text",
    "who": "text",
    "at": "time",
    "done": {"type": "time", "on_error": "null"},
    "kg": {"type": "number", "on_error": "null"},
    "yuan": "amount",
    "note": "text",
}
CRM = "id\nC1\nC2\nC3\n"
CORPUS = list(damaged_files.files())
SOUND = "c0.0-sound"


def entry(kind, files):
    return {"system": "crm", "files": files, "format": kind, "columns": COLUMNS}


def select(name):
    columns = "no AS shipment_id, who AS customer_id, at AS shipped_at, done AS delivered_at"
    return f"SELECT {columns}, kg AS weight_kg, yuan AS revenue FROM {name}"


def refused(damaged, folder):
    """The one clear error that a file's reader raises; None where it is read to its end."""
    path = folder / f"one.{suffix(damaged)}"
    path.write_bytes(damaged.content)
    source = Source.model_validate(entry(damaged.format, path.name))
    lost = []
    try:
        for block in BLOCK_BYTES:
            try:
                for part in parts_of("one", source, folder):
                    if damaged.format != "parquet":
                        for _ in _part_rows(part, source, lost, block):
                            pass
                return None
            except RecordTooLargeError as fault:
                told = fault
        return told
    except AnalysisError as fault:
        return fault
    finally:
        path.unlink()


def suffix(damaged):
    old = damaged.content.startswith(b"\xd0\xcf\x11\xe0")
    return "xls" if old else SUFFIX[damaged.format]


def profile_of(kinds):
    sources = {kind: entry(kind, f"{kind}/*") for kind in kinds}
    selects = [{"source": kind, "select": select(kind)} for kind in kinds]
    return together(CUSTOMERS, {"sources": sources, "tables": {"shipments": selects}})


def assert_adds_up(cleaned):
    ledger = cleaned.ledger
    total = ledger["rows_kept"] + ledger["rows_rejected"] + ledger["rows_merged"]
    assert (ledger["rows_read"] == total).all(), ledger


def test_the_corpus_is_large_and_of_all_kinds():
    assert len(CORPUS) >= 300
    assert len({damaged.name for damaged in CORPUS}) >= 0.95 * len(CORPUS)
    assert {damaged.format for damaged in CORPUS} == set(SUFFIX)
    assert max(len(damaged.content) for damaged in CORPUS) > 1_000_000


def test_every_damaged_file_is_refused_in_words_or_read_and_adds_up(tmp_path):
    """Each is read alone; those that can be read go through all of the cleaning together."""
    readable = {}
    for number, damaged in enumerate(CORPUS):
        fault = refused(damaged, tmp_path)
        if fault is None:
            readable[f"{number:03}.{suffix(damaged)}"] = damaged
        else:
            assert fault.what, damaged.name
            assert damaged.rows is None, f"{damaged.name} must be read: {fault}"
    assert len(readable) > 200, "most damage is to rows, and those are accounted for"
    kinds = [kind for kind in SUFFIX if kind != "parquet"]
    files = {f"{d.format}/{name}": d.content for name, d in readable.items() if d.format in kinds}
    workspace = workspace_of(tmp_path, {"crm.csv": CRM, **files}, profile_of(kinds))
    ingested, cleaned = cleaned_from(workspace)
    assert_adds_up(cleaned)
    counted = ingested.files.groupby("file")["rows"].sum()
    wrong = {
        damaged.name: (int(counted[name]), damaged.rows)
        for name, damaged in readable.items()
        if damaged.format in kinds and damaged.rows not in (None, int(counted[name]))
    }
    assert wrong == {}, "rows accounted for, rows that were written"
    told = cleaned.rejects.select("file", "row").execute()
    assert {file.split(" ")[0] for file in told["file"]} <= {Path(name).name for name in files} | {
        "crm.csv"
    }
    in_files = cleaned.ledger[cleaned.ledger["table"] == "shipments"]["rows_in_files"].sum()
    assert in_files == counted.drop("crm.csv").sum()


def alone(damaged, folder):
    """One file through ingest and clean beside a sound one; the error, or None."""
    name = f"{damaged.format}/0.{suffix(damaged)}"
    kinds = ["csv"] if damaged.format == "csv" else ["csv", damaged.format]
    sound = damaged_files.as_csv(damaged_files.shipments("sound")).encode()
    files = {"crm.csv": CRM, "csv/1.csv": sound, name: damaged.content}
    workspace = workspace_of(folder, files, profile_of(kinds))
    try:
        assert_adds_up(cleaned_from(workspace)[1])
    except AnalysisError as fault:
        return fault
    finally:
        workspace.engine.close()
    return None


PARQUET = [damaged for damaged in CORPUS if damaged.format == "parquet"]


@pytest.mark.parametrize("damaged", PARQUET[::6], ids=lambda damaged: damaged.name)
def test_damaged_parquet_alone(tmp_path, damaged):
    fault = alone(damaged, tmp_path)
    assert fault is None or damaged.rows is None, str(fault)


@pytest.mark.full
@pytest.mark.parametrize("damaged", CORPUS, ids=lambda damaged: damaged.name)
def test_each_alone_through_ingest_and_clean(tmp_path, damaged):
    fault = alone(damaged, tmp_path)
    assert fault is None or damaged.rows is None, str(fault)


READ = """
import resource, sys
from pathlib import Path
from analysis.engine import open_engine
from analysis.errors import AnalysisError
from analysis.params import Money, Source
from analysis.sources.parts import parts_of
from analysis.sources.reading import Locale, read_source
path = Path(sys.argv[1])
entry = {"system": "s", "files": path.name, "columns": {"a": "text", "b": "text"}}
source = Source.model_validate(entry)
locale = Locale("UTC", Money(currency="CNY"))
engine = open_engine(cores=1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(read_source(engine, "s", source, parts_of("s", source, path.parent), locale).rows)
except AnalysisError as fault:
    print(fault.what)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
MEMORY = {
    "a quote that never ends": b'a,b\n"' + b"x,y\n" * 10_000_000,
    "a cell of 10 MB": b"a,b\n" + (b"x" * 10_000_000 + b",y\n") * 4,
    "sound rows": b"a,b\n" + b"some text,other\n" * 2_500_000,
    "a line of 40 MB": b"a,b\n" + b"x" * 40_000_000,
}


@pytest.mark.full
@pytest.mark.parametrize("case", MEMORY)
def test_memory_stays_a_small_multiple_of_the_file(tmp_path, case):
    path = tmp_path / "x.csv"
    path.write_bytes(MEMORY[case])
    told = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert int(told[-1]) < 8 * path.stat().st_size + 200e6, told
