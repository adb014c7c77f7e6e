"""papermill's engine with a kernel that was started before papermill was loaded."""

from __future__ import annotations

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.iorw import write_ipynb
from papermill.log import logger

ENGINE = "tierlab"


class _StartedKernelEngine(NBClientEngine):  # type: ignore[misc]
    """Runs the cells in the kernel it is given, and ends that kernel.

    What papermill does not save by itself when a kernel ends is saved here as evidence.
    """

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> Any:
        client = PapermillNotebookClient(
            nb_man,
            km=options["km"],
            kernel_name=kernel_name,
            startup_timeout=options["start_timeout"],
            shutdown_kernel="immediate",
            timeout=None,
            log=logger,
        )
        client.owns_km = True
        try:
            return client.execute()
        except BaseException:
            write_ipynb(nb_man.nb, options["evidence"])
            raise


def register() -> None:
    """Make the engine known to papermill."""
    papermill_engines.register(ENGINE, _StartedKernelEngine)
