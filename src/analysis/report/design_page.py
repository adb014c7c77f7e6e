"""The page of an experiment's design: what it can see, how that was checked, what it costs."""

from __future__ import annotations

import platform

import pandas as pd
from markupsafe import Markup

from ..experiment.design import Assignment
from ..figures import ReadingTable, reading_table
from ..language import Language
from ..params.experiment import plan_digest
from .block import rendered
from .design_curves import power_curves
from .design_draw import balance_table, draw_told
from .design_tables import comparison_tables, sizes_table
from .design_words import DesignWords
from .difference_page import ToldTable
from .evaluation import OTHER, Provenance
from .page import page_words
from .provenance import version_of


def design_page(
    words: DesignWords, company: str, made: Provenance, drawn: Assignment | None = None
) -> str:
    """One offline page that tells a design.

    Args:
        words: The design in the reader's language.
        company: The profile's title.
        made: The command that makes it again.
        drawn: The draw, where arms were dealt.

    Returns:
        One HTML page that asks for nothing from elsewhere; it links to ``design.<other>.html``.
    """
    language, found = words.language, words.found
    curves = power_curves(words)
    body = rendered(
        "design",
        language,
        company=company,
        owner=_owner(words),
        title=words.title,
        as_of=language.date(found.as_of.last_day),
        other=OTHER[language.code],
        headline=words.headline(),
        sentences=words.sentences(),
        cost=words.cost(),
        comparisons=[
            {
                "name": one.name,
                "seen": laid_out(one.seen),
                "rehearsal": laid_out(one.rehearsal) if one.rehearsal else None,
                "precision": laid_out(one.precision),
            }
            for one in comparison_tables(words)
        ],
        charts=[c for c in curves if c.role == "primary"],
        other_charts=[c for c in curves if c.role != "primary"],
        sizes=laid_out(sizes_table(words)) if sizes_table(words).rows else None,
        rehearsed=words.rehearsed(),
        drawn=draw_told(words, drawn) if drawn else [],
        balance=laid_out(balance_table(words, drawn)) if drawn else None,
        facts=words.facts(),
        missing=words.missing(),
        notes=words.notes(),
        command=made.command,
        provenance=_provenance(words, made, language),
    )
    page = page_words(body.html, language.code)
    return rendered(
        "evaluation_page",
        language,
        page={**page, "style": Markup(page["style"])},  # noqa: S704
        body=Markup(body.html),  # noqa: S704
    ).html


def laid_out(table: ToldTable) -> ReadingTable:
    """A told table as HTML."""
    names = [f"c{place}" for place in range(len(table.headings))]
    return reading_table(
        pd.DataFrame(list(table.rows), columns=names),
        dict(zip(names, table.headings, strict=True)),
        caption=table.title,
        numeric=[n for n in names[1:] if not (table.key.startswith("seen") and n == "c1")],
        stacks=True,
        key=table.key,
    )


def _owner(words: DesignWords) -> str:
    owner = words.found.spec.owner
    if owner is None or isinstance(owner, str):
        return owner or ""
    return owner.in_(words.language.code)


def _provenance(words: DesignWords, made: Provenance, language: Language) -> list[tuple[str, str]]:
    files = [(language.text("{file}, digest", file=n), d) for n, d in made.digests.items()]
    program = f"tierlab {version_of('tierlab')}, Python {platform.python_version()}"
    return [
        *files,
        (language.text("Digest of the plan"), plan_digest(words.found.spec)),
        (language.text("Program"), program),
    ]
