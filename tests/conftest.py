"""Fixtures that several test files share."""

import os
from pathlib import Path

import pytest

SHARED_DATA_VARIABLE = "TIERLAB_SHARED_DATA"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of other people's data sets, which is never part of the repository.

    It is looked for where the environment variable says, else beside the repository.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get(SHARED_DATA_VARIABLE, beside))
    if not folder.is_dir():
        pytest.skip(f"no folder of shared data sets (set {SHARED_DATA_VARIABLE} to it)")
    return folder
