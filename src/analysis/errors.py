"""The one form in which tierlab tells its user that something is wrong.

Every message says what is wrong, where, what was found, what is allowed and what to do.
The command line prints it without a traceback and ends with the kind's own exit code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class AnalysisError(Exception):
    """A fault that the user can mend; never a fault of the program itself.

    Args:
        what: One sentence that names the fault.
        where: File, key, column or row it was found in.
        got: The value found.
        allowed: What would have been accepted.
        todo: What the user can do next.

    Example:
        >>> print(ParamsError("Unknown key", where="params/demo.yaml: tiers", got="polcy",
        ...                   allowed=["policy"], todo="Correct the key."))
        Unknown key
          where:   params/demo.yaml: tiers
          got:     polcy
          allowed: policy
          to do:   Correct the key.
    """

    exit_code = 1
    evidence = ""
    """Path of a notebook or file that shows the fault, set by whoever keeps it."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        got: object = None,
        allowed: str | Iterable[object] | None = None,
        todo: str = "",
    ) -> None:
        self.what = what
        self.where = where
        self.got = got
        self.allowed = allowed
        self.todo = todo
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        parts = (
            ("where", self.where),
            ("got", "" if self.got is None else str(self.got)),
            ("allowed", _listed(self.allowed)),
            ("to do", self.todo),
            ("see", self.evidence),
        )
        lines += [f"  {label + ':':<8} {text}" for label, text in parts if text]
        return "\n".join(lines)

    @property
    def kind(self) -> str:
        """Name of the kind, such as ``ParamsError``."""
        return type(self).__name__

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows (IPython asks for it): the message without a traceback."""
        return [f"{self.kind}: {self}"]


class ParamsError(AnalysisError):
    """A parameter file or option is wrong."""

    exit_code = 3


class SourceError(AnalysisError):
    """A raw file is missing, unreadable, or not what the profile says it is."""

    exit_code = 4


class ContractError(AnalysisError):
    """A table breaks its contract as a whole (missing column, wrong type, double key)."""

    exit_code = 5


class CoverageError(AnalysisError):
    """The data do not cover what was asked for (a month, a window)."""

    exit_code = 6


class DesignError(AnalysisError):
    """An experiment's plan or data do not allow the analysis that was asked for."""

    exit_code = 7


class RunError(AnalysisError):
    """A run could not finish: a notebook failed, the disk is full, another run holds the month."""

    exit_code = 8


class GroupedError(AnalysisError):
    """Several faults of one input, gathered so that they can be mended in one go."""

    def __init__(self, faults: Sequence[AnalysisError]) -> None:
        self.faults = tuple(faults)
        self.exit_code = self.faults[0].exit_code
        super().__init__(f"{len(self.faults)} faults found")

    @property
    def kind(self) -> str:
        """The kind of the first fault, which also gives the exit code."""
        return self.faults[0].kind

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def raise_all(faults: Sequence[AnalysisError]) -> None:
    """Raise nothing, the one fault, or all faults together.

    Args:
        faults: The faults gathered from one input.

    Raises:
        AnalysisError: The fault, or an `GroupedError` of them.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise GroupedError(faults)


def did_you_mean(got: str, allowed: Iterable[str]) -> str:
    """Suggest the closest allowed name.

    Returns:
        A sentence such as ``Did you mean 'sources'?``, or the empty string.
    """
    close = difflib.get_close_matches(got, list(allowed), n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def _listed(allowed: str | Iterable[object] | None) -> str:
    if allowed is None or isinstance(allowed, str):
        return allowed or ""
    return ", ".join(str(item) for item in allowed)
