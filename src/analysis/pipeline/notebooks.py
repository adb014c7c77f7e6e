"""Execute one notebook with papermill; what goes wrong in it is told in our own words."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from ..errors import AnalysisError, ParamsError, RunError, did_you_mean
from ..files import disk_faults_told
from .kernels import KERNEL, environment, kernel_environment, start_kernel, write_kernelspec

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError

PARAMETERS = "parameters"
START_SECONDS = 120
ATTEMPTS = 2
"""A kernel that never started is started once more: its ports may have been taken meanwhile."""

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Execution:
    """How a notebook is executed.

    Attributes:
        notebook: The notebook; it is not changed.
        executed: Where the executed one is saved, also when it fails.
        parameters: One for each name in the cell tagged ``parameters``, no more, no fewer.
        folder: For what the kernel writes for itself; removed by the caller.
    """

    notebook: Path
    executed: Path
    parameters: Mapping[str, Scalar]
    folder: Path


def execute(execution: Execution) -> None:
    """Execute a notebook in its own folder, with this interpreter.

    Raises:
        ParamsError: The notebook has other parameters than those given.
        AnalysisError: The notebook raised it; its kind and words come through.
        RunError: The notebook failed otherwise, its kernel ended, or the disk is full.
    """
    check_parameters(execution.notebook, execution.parameters)
    write_kernelspec(execution.folder)
    execution.executed.parent.mkdir(parents=True, exist_ok=True)
    with environment(kernel_environment(execution.folder)):
        for attempt in range(ATTEMPTS):
            try:
                return _with_papermill(execution)
            except _KernelNotStartedError as fault:
                if attempt == ATTEMPTS - 1:
                    raise _kernel_ended(execution, "before its first cell") from fault
    return None


def check_parameters(notebook: Path, given: Mapping[str, Scalar]) -> None:
    """Hold the given parameters against the notebook's own (papermill only warns).

    Raises:
        ParamsError: One is unknown or missing, or there is no parameters cell.
    """
    own = parameters_of(notebook)
    unknown = [name for name in given if name not in own]
    missing = [name for name in own if name not in given]
    if unknown or missing:
        raise ParamsError(
            "The notebook's parameters are not those of the stage",
            where=f"{notebook}, cell tagged '{PARAMETERS}'",
            got=", ".join([f"no {n}" for n in unknown] + [f"also {n}" for n in missing]),
            allowed=sorted(given),
            todo=did_you_mean(unknown[0], missing) if unknown else "Take it out of the cell.",
        )


def parameters_of(notebook: Path) -> dict[str, Any]:
    """Names and defaults in the cell tagged ``parameters``.

    Raises:
        ParamsError: The file is no notebook, or has no such cell, or more than plain values.
    """
    cells = [c for c in _cells(notebook) if PARAMETERS in c.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise ParamsError(
            f"A notebook needs one cell tagged '{PARAMETERS}'",
            where=str(notebook),
            got=f"{len(cells)} cells",
        )
    source = "".join(cells[0]["source"])
    try:
        return {
            target.id: ast.literal_eval(line.value)
            for line in ast.parse(source).body
            if isinstance(line, ast.Assign)
            for target in line.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError) as fault:
        raise ParamsError(
            f"The cell tagged '{PARAMETERS}' holds more than names and plain values",
            where=str(notebook),
            got=str(fault),
        ) from fault


def _cells(notebook: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(notebook.read_text(encoding="utf-8"))["cells"])
    except FileNotFoundError as fault:
        raise ParamsError("Notebook not found", where=str(notebook)) from fault
    except (ValueError, KeyError, TypeError) as fault:
        raise ParamsError("This is no notebook", where=str(notebook), got=str(fault)) from fault


class _KernelNotStartedError(Exception):
    """The kernel ended before it could do anything."""


def _with_papermill(execution: Execution) -> None:
    kernel = start_kernel(execution.folder, execution.notebook.parent)
    leave_out_iri_grammar()
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

    from .papermill_engine import ENGINE, register

    register()
    try:
        with disk_faults_told(execution.executed):
            execute_notebook(
                execution.notebook,
                execution.executed,
                parameters=dict(execution.parameters),
                kernel_name=KERNEL,
                language="python",
                engine_name=ENGINE,
                progress_bar=False,
                request_save_on_cell_execute=False,  # nobody reads it while it runs
                start_timeout=START_SECONDS,
                km=kernel,
                evidence=str(execution.executed),
                cwd=execution.notebook.parent,
            )
    except PapermillExecutionError as fault:
        raise _told(execution, fault) from None
    except DeadKernelError as fault:
        raise _kernel_ended(execution, _last_cell(execution.executed)) from fault
    except RuntimeError as fault:
        if "Kernel died" in str(fault) or "Kernel didn't respond" in str(fault):
            raise _KernelNotStartedError from fault
        raise


def _told(execution: Execution, fault: PapermillExecutionError) -> AnalysisError:
    """A cell's failure in our words; our own errors come through as they are."""
    first = "\n".join(fault.traceback)
    match = re.match(r"(\w+): ", first)
    kind = getattr(errors, match[1], None) if match else None
    if isinstance(kind, type) and issubclass(kind, AnalysisError) and match:
        return kind(first[match.end() :])
    return RunError(
        f"The notebook {execution.notebook.name} failed",
        where=_place(fault.cell_index, execution.executed),
        got=f"{fault.ename}: {_first_line(fault.evalue)}",
    )


def _place(index: int, executed: Path) -> str:
    """Which cell: papermill has put a cell before it and one at the top."""
    cells = _cells(executed)
    cell = cells[min(index + 2, len(cells) - 1)]
    line = _first_line("".join(cell.get("source", "")))
    return f"cell '{cell.get('id', index)}': {line}"


def _last_cell(executed: Path) -> str:
    """The last cell that was begun (papermill marks it as completed in any case)."""
    begun = [
        cell
        for cell in _cells(executed)
        if cell.get("metadata", {}).get("papermill", {}).get("start_time")
    ]
    return f"in cell '{begun[-1].get('id')}'" if begun else "before its first cell"


def _kernel_ended(execution: Execution, when: str) -> RunError:
    return RunError(
        f"The kernel of {execution.notebook.name} ended",
        where=when,
        todo="Most often memory ran out: close other programs or use --cores 1, then run again.",
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else ""


def leave_out_iri_grammar() -> None:
    """Keep jsonschema from building a grammar for IRIs: 0.8 s, and notebooks have none."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
