"""One direction of flow: who may import whom, what notebooks may hold, what nobody reads."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "analysis"
ORDER = (
    "errors",
    "files",
    "months",
    "literature",
    "language",
    "standing",
    "late",
    "message",
    "tables",
    "params",
    "engine",
    "shared",
    "workspace",
    "sources",
    "identity",
    "cleaning",
    "calendar",
    "panel",
    "value",
    "tiers",
    "experiment",
    "satisfaction",
    "figures",
    "report",
    "pipeline",
    "dashboard",
    "lab",
    "cli",
    "__main__",
)
"""A module may import those before it; the package's own parts import each other freely."""

APART = {"simulate": "imports no other module of ours, so that it cannot flatter them"}
DATA = {"locale", "fonts", "__init__"}
ENGINES = {"duckdb", "pyspark"}
PART_OF = {"pydantic-core": "pydantic"}
"""Distributions that another one pins to the letter."""


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, those of ours made absolute."""
    package = ["analysis", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{start}.{alias.name}" for alias in node.names}
            yield from names if start == "analysis" else {start}


def own_imports(path: Path) -> set[str]:
    """Modules of ours that a file imports."""
    found = {n.split(".")[1] for n in imports_of(path) if n.startswith("analysis.")}
    return {name for name in found if not name.startswith("__")} - {module_of(path)}


def test_every_module_has_its_place():
    found = {module_of(path) for path in sources()}
    assert found - DATA - set(APART) == set(ORDER)


@pytest.mark.parametrize("name", list(ORDER))
def test_a_module_imports_only_those_before_it(name):
    allowed = set(ORDER[: ORDER.index(name)]) | ({"simulate"} if name == "cli" else set())
    wrong = {
        (path.relative_to(PACKAGE).as_posix(), imported)
        for path in sources()
        if module_of(path) == name
        for imported in own_imports(path) - allowed
    }
    assert not wrong


@pytest.mark.parametrize("name", APART)
def test_what_stands_apart_imports_none_of_ours(name):
    for path in sources():
        if module_of(path) == name:
            assert not own_imports(path), f"{path}: {APART[name]}"


def test_only_the_engine_knows_which_engine_runs():
    users = {module_of(p) for p in sources() for n in imports_of(p) if n.split(".")[0] in ENGINES}
    assert users <= {"engine", "simulate"}


def test_estimators_know_neither_tables_nor_params():
    for path in (PACKAGE / "experiment" / "estimators").rglob("*.py"):
        names = {name.split(".")[0] for name in imports_of(path)}
        assert not names & {"ibis", "yaml", "pydantic"}, path
        assert not own_imports(path) - {"errors"}, path


def test_no_pipeline_code_reads_the_truth():
    """The simulator writes it; only tests and benchmarks may look at it."""
    for path in sources():
        if module_of(path) not in ("simulate", "cli"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"-truth|behaviour\.csv|effects\.csv|links\.csv", text), path
    for path in [*(ROOT / "params").rglob("*.yaml"), *(ROOT / "notebooks").rglob("*.ipynb")]:
        assert "truth" not in path.read_text(encoding="utf-8").replace("the truth", ""), path


def test_every_import_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = {canonicalize_name(Requirement(d).name) for d in project["dependencies"]}
    extras = {
        canonicalize_name(Requirement(text).name)
        for texts in project["optional-dependencies"].values()
        for text in texts
    }
    assert not third_party(sources()) - runtime
    others = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert not third_party(others) - runtime - extras


def third_party(paths: list[Path]) -> set[str]:
    """Distributions whose modules are imported; packages of ours and of tests left out."""
    known = packages_distributions()
    beside = {p.stem for p in [*(ROOT / "tests").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]}
    names = {
        name.split(".")[0]
        for path in paths
        for name in (imports_of(path) if PACKAGE in path.parents else plain_imports(path))
    }
    others = names - set(sys.stdlib_module_names) - beside - {"analysis", ""}
    found = {canonicalize_name(known[name][0]) for name in others if name in known}
    return {PART_OF.get(name, name) for name in found}


def plain_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def test_data_files_are_packed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["analysis"]
    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p for p in files if p.suffix != ".py"} <= packed


NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
STAGES = [path for path in NOTEBOOKS if re.match(r"\d\d_", path.name)]
SCALARS = (str, int, float, bool)


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code(path: Path) -> str:
    """All code of a notebook, magics left out."""
    parts = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    return "\n".join(line for line in "\n".join(parts).splitlines() if not line.startswith("%"))


def named(path: Path) -> str:
    return path.relative_to(ROOT / "notebooks").as_posix()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_is_stripped_and_its_cells_have_readable_names(path):
    names = [cell["id"] for cell in cells(path)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in names), names
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_has_one_cell_of_flat_parameters(path):
    tagged = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    for line in ast.parse("".join(tagged[0]["source"])).body:
        assert isinstance(line, ast.Assign)
        assert isinstance(ast.literal_eval(line.value), SCALARS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_imports_only_our_package(path):
    found = {name.split(".")[0] for name in names_imported(path)}
    extra = {"pandas", "seaborn", "matplotlib", "ibis"} if "explore" in path.parts else set()
    assert found <= {"analysis", "IPython"} | extra


def names_imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(code(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", STAGES, ids=named)
def test_a_stage_notebook_calls_and_shows(path):
    tree = ast.parse(code(path))
    banned = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While)
    assert not [node for node in ast.walk(tree) if isinstance(node, banned)]
    assert "groupby" not in code(path)
    assert "group_by" not in code(path)


@pytest.mark.parametrize("path", STAGES, ids=named)
def test_every_cell_of_a_stage_follows_a_sentence(path):
    listed = cells(path)
    for before, cell in zip([None, *listed], listed, strict=False):
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            assert before is not None
            assert before["cell_type"] == "markdown", cell["id"]


def test_the_stages_have_their_notebooks():
    from analysis.pipeline.stages import STAGES as PIPELINE

    wanted = {f"{stage.notebook}.ipynb" for stage in PIPELINE if stage.notebook}
    assert {path.name for path in STAGES} == wanted
