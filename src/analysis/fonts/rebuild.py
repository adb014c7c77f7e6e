"""Rebuild the Chinese font that charts are drawn with.

The charts of a Chinese report must show the same characters on every machine, so a subset of
Noto Sans CJK (Simplified Chinese) travels with the package: the 6,763 characters of GB 2312 with
its punctuation, Latin letters, and the signs that reports use. The subset has a name of its own,
so that it never mixes with a font of the system.

Run it with the collection of Debian's package fonts-noto-cjk (needs fontTools, which comes with
matplotlib)::

    python src/analysis/fonts/rebuild.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
"""

from __future__ import annotations

import sys
from pathlib import Path

FAMILY = "Tierlab Sans SC"
TARGET = Path(__file__).with_name("TierlabSansSC-Regular.otf")
SIGNS = "–—−‘’“”…·•×÷±≤≥≠≈→←↑↓↗↘▲▼●○■□◆◇¥€£%‰℃²³½　"
"""Signs of charts and sentences beyond GB 2312."""


def characters() -> set[str]:
    """Every character of the subset: Latin-1, GB 2312, and the signs."""
    latin = {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))}
    rows = (*range(0xA1, 0xAA), *range(0xB0, 0xF8))
    pairs = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
    chinese = {pair.decode("gb2312", errors="ignore") for pair in pairs}
    return latin | (chinese - {""}) | set(SIGNS)


def rebuild(collection: Path, target: Path = TARGET) -> int:
    """Write the subset.

    Args:
        collection: ``NotoSansCJK-Regular.ttc``.
        target: Where to write.

    Returns:
        The size in bytes.
    """
    from fontTools import subset
    from fontTools.ttLib import TTCollection

    fonts = TTCollection(str(collection), lazy=True).fonts
    font = next(f for f in fonts if f["name"].getDebugName(1) == "Noto Sans CJK SC")
    options = subset.Options(hinting=False, desubroutinize=False, layout_features=[])
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "GPOS", "GSUB", "GDEF"]
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(characters())))
    cutter.subset(font)
    _rename(font)
    font.save(str(target))
    return target.stat().st_size


def _rename(font: object) -> None:
    """Give the modified font its own name, as its licence asks of some and good manners of all."""
    postscript = FAMILY.replace(" ", "")
    for number, text in {1: FAMILY, 3: postscript, 4: FAMILY, 6: postscript}.items():
        font["name"].setName(text, number, 3, 1, 0x409)  # type: ignore[index]
    top = font["CFF "].cff  # type: ignore[index]
    top.fontNames[0] = postscript
    top[0].FullName, top[0].FamilyName = FAMILY, FAMILY


if __name__ == "__main__":
    print(f"{TARGET.name}: {rebuild(Path(sys.argv[1])):,} bytes")
