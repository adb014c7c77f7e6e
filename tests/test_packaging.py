"""pyproject.toml, the locks and environment.yml say the same; the locks name no address."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FIXED_BY_THE_USER = {
    "jupyterlab", "pandas", "seaborn", "statsmodels", "papermill", "nbconvert", "voila",
}  # fmt: skip


def locked(name: str) -> dict[str, Requirement]:
    """Package → its pin on the Python that runs this test."""
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = [Requirement(line.rstrip("\\ ")) for line in text.splitlines() if re.match(r"\w", line)]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): pin for pin in here}


def wanted(*extras: str) -> list[Requirement]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    return [Requirement(text) for one in lists for text in one]


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "dev"))],
)
def test_the_lock_satisfies_the_project(lock, extras):
    pins = locked(lock)
    for requirement in wanted(*extras):
        pin = pins[canonicalize_name(requirement.name)]
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert requirement.specifier.contains(specifier.version), requirement


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_pins_hashes_and_names_no_place(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links|@ |^/|\s/", text, re.M)
    for block in re.split(r"\n(?=\w)", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_both_locks_pin_the_same_versions():
    runtime, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {n: p.specifier for n, p in runtime.items()}.items() <= {
        n: p.specifier for n, p in dev.items()
    }.items()
    assert "playwright" not in runtime


def test_what_runs_here_is_what_is_locked():
    pins = locked("requirements-dev.lock")
    for requirement in wanted("dev"):
        name = canonicalize_name(requirement.name)
        assert pins[name].specifier.contains(version(name)), name


def test_the_users_packages_are_direct_dependencies():
    assert {Requirement(text).name for text in PROJECT["dependencies"]} >= FIXED_BY_THE_USER


def test_conda_users_get_the_same():
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(d for d in content["dependencies"] if str(d).startswith("python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=") + ".0"
    )
    (pip,) = (d["pip"] for d in content["dependencies"] if isinstance(d, dict))
    assert pip == ["--requirement requirements.lock"]


def test_make_targets_exist_for_what_the_readme_names():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for readme in ("README.md", "README.zh-CN.md"):
        named = set(re.findall(r"`make ([a-z-]+)`", (ROOT / readme).read_text(encoding="utf-8")))
        assert named <= targets, named - targets
