"""What runs of the pipeline share in these tests."""

from collections.abc import Iterator

import pytest

from analysis.pipeline import warmed_up


@pytest.fixture(scope="session", autouse=True)
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stages and kernels start as forks of one process, as `tierlab report` does it.

    Loading takes more processor time than a small run; `commands.alone` leaves it out where
    a run must be seen with all of its own processes.
    """
    with warmed_up(tmp_path_factory.mktemp("loaded")):
        yield
