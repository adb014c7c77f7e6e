"""The monthly report as a notebook shows it: one verb a section."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import Language, LanguageCode
from ..standing import Standing, standing_html
from ..workspace import Workspace
from .actions import actions
from .block import Block, rendered
from .calls import customers_to_call
from .changes import what_changed
from .claims import claims_section
from .data_quality import data_quality
from .effects import effects
from .email import Email, email
from .guardrails import fairness, guardrails
from .inputs import Inputs, gather
from .overview import overview
from .provenance import provenance
from .quality_page import quality_page
from .satisfaction import satisfaction
from .service_plan import service_plan
from .tier_moves import tier_moves
from .verdicts import verdicts


@dataclass(frozen=True)
class MonthlyReport:
    """One month's report in one language; each method is one section.

    Attributes:
        inputs: What it is made from.
        language: The reader's.
    """

    inputs: Inputs
    language: Language

    def front(self) -> Block:
        """Title, month, company, and the way to the other language."""
        inputs, language = self.inputs, self.language
        return rendered(
            "front",
            language,
            company=inputs.profile.title.in_(language.code),
            month=language.month(str(inputs.month)),
            as_of=language.date(inputs.month.last_day),
            standing=Block(standing_html(Standing(), language)),
            others=[code for code in inputs.profile.languages if code != language.code],
        )

    def verdicts(self) -> Block:
        """What to do about each experiment."""
        return verdicts(self.inputs, self.language)

    def overview(self) -> Block:
        """The month at a glance."""
        return overview(self.inputs, self.language)

    def effects(self) -> Block:
        """What tiered service did."""
        return effects(self.inputs, self.language)

    def guardrails(self) -> Block:
        """What must not get worse."""
        return guardrails(self.inputs, self.language)

    def fairness(self) -> Block:
        """Whether ordinary customers pay for the service of others."""
        return fairness(self.inputs, self.language)

    def satisfaction(self) -> Block:
        """NPS over the months."""
        return satisfaction(self.inputs, self.language)

    def tier_moves(self) -> Block:
        """Who changed tier, and why."""
        return tier_moves(self.inputs, self.language)

    def service_plan(self) -> Block:
        """What each tier gets, what that costs and what it brings."""
        return service_plan(self.inputs, self.language)

    def customers_to_call(self) -> Block:
        """Whom to call."""
        return customers_to_call(self.inputs, self.language)

    def claims(self) -> Block:
        """What the literature claims, tested on own data."""
        return claims_section(self.inputs, self.language)

    def actions(self) -> Block:
        """What was decided and is open."""
        return actions(self.inputs, self.language)

    def data_quality(self) -> Block:
        """How good the data are."""
        return data_quality(self.inputs, self.language)

    def quality_page(self) -> Block:
        """All that is known of the data's quality, as a page of its own."""
        return quality_page(self.inputs, self.language)

    def what_changed(self) -> Block:
        """What differs from last month's report."""
        return what_changed(self.inputs, self.language)

    def email(self) -> Email:
        """The month in an e-mail, as a page and as text."""
        return email(self.inputs, self.language)

    def provenance(self) -> Block:
        """What the report was made from."""
        return provenance(self.inputs, self.language)


def monthly_report(workspace: Workspace, language: LanguageCode) -> MonthlyReport:
    """Read a month and make its report in one language.

    Args:
        workspace: The month.
        language: ``zh`` or ``en``.

    Example:
        >>> report = monthly_report(workspace, "zh")  # doctest: +SKIP
        >>> report.verdicts()  # doctest: +SKIP
    """
    return MonthlyReport(gather(workspace), Language(language))
