"""Renders the dictionary of the customer features into docs/features.md.

Run `python tests/feature_page.py` after a change to it; a test holds that the page is up to date.
"""

from pathlib import Path

import pandas as pd

from analysis.panel import feature_dictionary

PAGE = Path(__file__).parent.parent / "docs" / "features.md"
MARK = "<!-- below: python tests/feature_page.py -->\n"
FAMILIES = {
    "behaviour": "Behaviour 行为",
    "value": "Value 价值",
    "demand": "Demand 需求",
    "service": "Service experience 服务体验",
}


def rendered_page() -> str:
    """docs/features.md as it should be: its own text, then every feature."""
    told = feature_dictionary()
    parts = [_family(told[told.family == name], title) for name, title in FAMILIES.items()]
    own = PAGE.read_text(encoding="utf-8").split(MARK)[0] if PAGE.exists() else ""
    return own + MARK + f"\n{len(told)} features 项特征\n\n" + "\n".join(parts)


def _family(rows: pd.DataFrame, title: str) -> str:
    lines = [f"## {title} ({len(rows)})", ""]
    lines += ["| feature | meaning | 含义 | unit 单位 | months 月数 |", "|---|---|---|---|---|"]
    for f in rows.itertuples():
        unit = f"{f.unit_en} {f.unit_zh}"
        lines.append(f"| `{f.feature}` | {f.meaning_en} | {f.meaning_zh} | {unit} | {f.window} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(rendered_page(), encoding="utf-8")
