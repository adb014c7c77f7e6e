"""An export in folders of its months: files of one name are told apart everywhere."""

import copy

import pytest
import yaml

from analysis.cleaning import correct, verify
from analysis.errors import ParamsError
from analysis.params import load_corrections
from analysis.sources import ingest
from raw_company import CUSTOMERS, ORDERS, cleaned_from, ledger_row, together, workspace_of

HEAD = "no,who,at,done,yuan\n"
FILES = {
    "crm.csv": "id\nC1\n",
    "a/2026-09/x.csv": HEAD + "1,C1,2026-09-01,,5\n合计,,,,5\n",
    "a/2026-10/x.csv": HEAD + "2,C1,2026-10-01,,7\n合计,,,,7\n",
}


def company(folder, files="a/*/x.csv"):
    profile = copy.deepcopy(together(CUSTOMERS, ORDERS))
    profile["sources"]["orders"]["files"] = files
    return workspace_of(folder, FILES, profile)


@pytest.mark.parametrize("files", ["a/*/x.csv", "**/x.csv", ["a/2026-09/x.csv", "a/2026-10/x.csv"]])
def test_rejected_rows_of_files_of_one_name_are_each_listed(tmp_path, files):
    """Both are row 3 of an x.csv: one was listed, and the run stopped for the other."""
    ingested, cleaned = cleaned_from(company(tmp_path, files))
    verify(cleaned)
    assert ledger_row(cleaned, "orders", "shipments")["rows_rejected"] == 2
    listed = cleaned.rejects.execute()
    assert listed["file"].tolist() == ["a/2026-09/x.csv", "a/2026-10/x.csv"]
    read = ingested.files.set_index("source").loc["orders"]
    assert read["file"].tolist() == ["a/2026-09/x.csv", "a/2026-10/x.csv"]


def test_a_file_of_one_folder_is_called_by_its_name(tmp_path):
    ingested, _ = cleaned_from(company(tmp_path, "a/2026-10/*.csv"))
    assert ingested.files.set_index("source").loc["orders", "file"] == "x.csv"


def test_a_correction_names_the_folder_where_the_name_alone_says_too_little(tmp_path):
    ingested = ingest(company(tmp_path))
    entry = {"id": "a", "source": "orders", "action": "scale", "column": "yuan", "factor": 0.1,
             "reason": "r", "who": "w", "expectation": {"_rows": 1}}  # fmt: skip

    def applied(file):
        match = {"_file": file, "yuan": {"above": 0}}
        path = tmp_path / "corrections.yaml"
        path.write_text(
            yaml.safe_dump({"schema_version": 1, "corrections": [{**entry, "match": match}]})
        )
        return correct(ingested, load_corrections(path))

    yuan = applied("a/2026-10/x.csv").sources["orders"].table.yuan.execute()
    assert sorted(yuan) == pytest.approx([0.7, 5])
    with pytest.raises(ParamsError, match=r"no file 'x\.csv'"):
        applied("x.csv")
