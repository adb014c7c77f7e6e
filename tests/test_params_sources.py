"""Sources of a profile: strict keys, sensible combinations."""

import pytest

from analysis.errors import AnalysisError
from analysis.params import ColumnReading, Source
from analysis.params.loading import build

FINE = {"system": "crm", "files": "x.csv", "columns": {"a": "text", "b": {"type": "time"}}}


def fault(**change):
    with pytest.raises(AnalysisError) as told:
        build(Source, {**FINE, **change}, "p.yaml: sources.x")
    return str(told.value)


def test_the_short_form_of_a_column_is_written_out():
    source = build(Source, FINE, "p.yaml")
    assert source.reading("a") == ColumnReading(type="text")
    assert source.reading("b").on_error == "reject"
    assert source.patterns == ("x.csv",)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"encoding": "gb18031"}, "'gb18031' is no encoding"),
        ({"delimiter": ";;"}, "at most 1 character"),
        ({"columns": {}}, "must not be empty"),
        ({"columns": {"Amount": "number", "amount": "text"}}, "capitals only"),
        ({"columns": {"_row": "number"}}, "tierlab's own"),
        ({"format": "xls"}, "Did you mean 'excel'?|allowed"),
        ({"sheet": "x"}, "Did you mean 'sheets'?"),
        ({"columns": {"a": {"type": "number", "end_of_day": True}}}, "end_of_day needs type: time"),
        ({"columns": {"a": {"type": "text", "forms": ["%Y"]}}}, "forms need type"),
        ({"columns": {"a": {"type": "date", "unit": 10000}}}, "unit needs type"),
        ({"columns": {"a": {"type": "number", "unit": 0}}}, "greater than 0"),
        ({"columns": {"a": {"type": "number", "tax": "included"}}}, "need type: amount"),
        ({"format": "postgresql"}, "needs connection and table"),
        ({"files": ()}, "needs files"),
        ({"timezone": "Asia/Shangha"}, "no time zone"),
        ({"money": {"dated_by": "a"}}, "money.dated_by must be a date"),
        ({"money": {"currency_in": "b"}}, "money.currency_in must be a text"),
        ({"columns": {"a": {"also": ["b"]}, "b": "text"}}, "name another column"),
    ],
)
def test_what_does_not_go_together_is_told(change, told):
    text = fault(**change)
    assert any(part in text for part in told.split("|")), text
