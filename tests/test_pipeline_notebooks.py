"""Notebooks are executed as they are; what goes wrong in them is told in words."""

import json
import os
import re

import pytest

from analysis.errors import ParamsError, RunError, SourceError
from analysis.pipeline.kernels import kernel_environment
from analysis.pipeline.notebooks import Execution, check_parameters, execute, parameters_of
from small_repository import PARAMETERS, cell, notebook

GIVEN = {"profile": "p.yaml", "month": "2026-10", "raw": "", "out": "", "save_to": ""}


def written(tmp_path, text):
    path = tmp_path / "01_cleaning.ipynb"
    path.write_text(text)
    return path


def test_parameters_are_read_from_their_cell(tmp_path):
    path = written(tmp_path, notebook(parameters=PARAMETERS + '\nlanguage = "zh"\ntop = 10'))
    assert parameters_of(path) == {
        "profile": "../params/small.yaml",
        "month": "2026-10",
        "raw": "",
        "out": "",
        "save_to": "",
        "language": "zh",
        "top": 10,
    }


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (PARAMETERS.replace("month", "moth"), r"(?s)no month, also moth.*Did you mean 'moth'"),
        (PARAMETERS + "\nextra = 1", "also extra"),
        (PARAMETERS.replace('raw = ""\n', ""), "no raw"),
        (PARAMETERS + "\nnow = today()", "more than names and plain values"),
        ("this is no python", "more than names and plain values"),
    ],
)
def test_unknown_and_missing_parameters_are_refused(tmp_path, parameters, told):
    path = written(tmp_path, notebook(parameters=parameters))
    with pytest.raises(ParamsError) as fault:
        check_parameters(path, GIVEN)
    assert re.search(told, str(fault.value))


def test_a_notebook_without_a_parameters_cell_is_refused(tmp_path):
    content = json.loads(notebook())
    content["cells"] = [cell("a", "1"), cell("b", "2")]
    with pytest.raises(ParamsError, match="one cell tagged"):
        parameters_of(written(tmp_path, json.dumps(content)))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_what_is_no_notebook_is_told(tmp_path, text):
    with pytest.raises(ParamsError, match="no notebook"):
        parameters_of(written(tmp_path, text))
    with pytest.raises(ParamsError, match="not found"):
        parameters_of(tmp_path / "none.ipynb")


def test_a_kernel_writes_only_below_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    told = kernel_environment(tmp_path)
    places = {name: value for name, value in told.items() if value.startswith("/")}
    assert all(value.startswith(str(tmp_path)) for value in places.values())
    assert {"JUPYTER_PATH", "IPYTHONDIR", "TMPDIR", "XDG_CACHE_HOME"} <= places.keys()
    assert told["OMP_NUM_THREADS"] == told["OPENBLAS_NUM_THREADS"] == "1"


def failing(tmp_path, code):
    """Execute a notebook whose first own cell is this code."""
    path = written(tmp_path, notebook(code, "after = 1").replace("workspace = ", "# "))
    executed = tmp_path / "saved" / "01_cleaning.ipynb"
    before = dict(os.environ)
    try:
        execute(Execution(path, executed, GIVEN, tmp_path / "own"))
    finally:
        assert dict(os.environ) == before
        assert json.loads(executed.read_text())["cells"]


def test_our_own_error_comes_through_with_its_words(tmp_path):
    code = 'from analysis.errors import *\nraise_all([SourceError("No file", where="a.csv")] * 2)'
    with pytest.raises(SourceError) as fault:
        failing(tmp_path, code)
    assert str(fault.value) == "No file\n  where:   a.csv\nNo file\n  where:   a.csv"
    assert fault.value.exit_code == SourceError.exit_code


def test_any_other_error_names_notebook_cell_and_fault(tmp_path):
    with pytest.raises(RunError) as fault:
        failing(tmp_path, "# the broken cell\nsum([1, 'a'])")
    assert str(fault.value) == (
        "The notebook 01_cleaning.ipynb failed\n"
        "  where:   cell 'step-1': # the broken cell\n"
        "  got:     TypeError: unsupported operand type(s) for +: 'int' and 'str'"
    )


def test_a_kernel_that_ends_is_told(tmp_path):
    with pytest.raises(RunError) as fault:
        failing(tmp_path, "import os; os._exit(9)")
    assert "The kernel of 01_cleaning.ipynb ended" in str(fault.value)
    assert "in cell 'step-1'" in str(fault.value)
