"""What is kept of a fault that nobody expected."""

import pytest

from analysis.pipeline.faults import write_log


def broken():
    rows = {"contact": "周伟娜", "phone": "15400039595"}
    try:
        return int(rows["contact"])
    except ValueError as fault:
        fault.add_note("beside zhouwei@gubo.example")
        raise KeyError(rows["phone"]) from fault


@pytest.fixture
def fault():
    with pytest.raises(KeyError) as caught:
        broken()
    return caught.value


def test_a_log_holds_the_place_and_kind_but_no_value_of_a_row(fault, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = write_log(fault)
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o077 == 0
    told = path.read_text(encoding="utf-8")
    for kept in ("broken", "ValueError: invalid literal for int()", "KeyError: …"):
        assert kept in told
    said = [line for line in told.splitlines() if not line.startswith(" ")]
    for value in ("周伟娜", "15400039595", "zhouwei", "gubo"):
        assert not any(value in line for line in said)


def test_in_a_private_folder_the_fault_is_told_in_full(fault, tmp_path):
    told = write_log(fault, tmp_path / "private").read_text(encoding="utf-8")
    assert "invalid literal for int() with base 10: '周伟娜'" in told
