"""The walk-through in the documentation works as it stands."""

import re
from pathlib import Path

import yaml

from analysis import open_month
from analysis.cleaning import select_faults
from raw_company import cleaned_from, ledger_row, rows

PAGE = Path(__file__).parents[1] / "docs" / "bring-your-own-data.md"

CRM = "客户编号,客户名称,建档日期\nC1,甲,2024年3月5日\nC2,乙,2025-01-01\n"
WAYBILLS = (
    "单号,客户编号,揽收时间,承诺日期,签收时间,运费（万元）,状态\n"
    "W1,C1,2026/10/5 14:07,2026/10/7,2026/10/7 20:15,0.0123,已签收\n"
    "W2,C２,2026年10月6日,2026-10-08,,¥1.5,在途\n"
    "W3,C2,下周,2026-10-08,,1,在途\n"
)


def test_the_profile_of_the_page_cleans_its_files(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    profile = {}
    for block in blocks:
        profile.update(yaml.safe_load(block))
    path = tmp_path / "params" / "acme.yaml"
    raw = tmp_path / "data" / "raw" / "acme"
    path.parent.mkdir()
    raw.mkdir(parents=True)
    path.write_text(yaml.safe_dump(profile, allow_unicode=True), encoding="utf-8")
    (raw / "客户档案.csv").write_bytes(CRM.encode("gb18030"))
    (raw / "waybills_2026-10.csv").write_bytes(WAYBILLS.encode("utf-8-sig"))
    workspace = open_month(path, "2026-10", cores=1)
    assert select_faults(workspace.profile) == []
    found = cleaned_from(workspace)[1]
    late = found.tables["shipments"].mutate(late=lambda t: t.delivered_at > t.promised_at)
    assert rows(late, "shipment_id", "customer_id", "revenue", "late") == [
        ("W1", "C1", 123.0, False),
        ("W2", "C2", 15000.0, None),
    ]
    assert ledger_row(found, "waybills", "shipments")["rows_rejected"] == 1
