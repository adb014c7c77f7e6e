"""The package keeps to numbers: what it imports, and that its examples run."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

import analysis.experiment.estimators as package

MODULES = sorted(p.stem for p in Path(package.__file__).parent.glob("*.py"))
ALLOWED = {
    "__future__", "collections", "dataclasses", "enum", "functools", "itertools", "math",
    "typing", "numpy", "scipy", "statsmodels",
}  # fmt: skip


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Level (0 absolute, 1 this package, 2 its parent …) and name of each import."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_numbers_only(name):
    path = Path(package.__file__).with_name(f"{name}.py")
    for level, module in imports_of(path):
        assert level == 1 or (level == 0 and module.split(".")[0] in ALLOWED), module


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(f"{package.__name__}.{name}")
    outcome = doctest.testmod(module)
    assert outcome.failed == 0


def test_everything_offered_exists():
    assert sorted(package.__all__) == package.__all__
    assert all(hasattr(package, name) for name in package.__all__)
