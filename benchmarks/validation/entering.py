"""Which code enters a cell: its module, and what that imports, from file to file.

A change to a file that no import leads to costs no rerun. Imports are followed inside a boundary
only (what the cell says it uses), so that the whole package does not hang on every cell.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "analysis"
NOT_DECIDING = ("cell.py", "grid.py")
"""Modules of the grid that count and name results, and decide none."""


@dataclass(frozen=True)
class Code:
    """Where code lies.

    Attributes:
        source: Folder of the package.
        grid: Folder of the cells' modules.
        uses: Files and folders below `source` inside which imports are followed.
    """

    source: Path
    grid: Path
    uses: tuple[str, ...]

    def entering(self, module: Path) -> list[Path]:
        """The files that enter a result: the module, and what its imports lead to, in order."""
        found: dict[Path, None] = {}
        waiting = [module]
        while waiting:
            path = waiting.pop()
            if path not in found:
                found[path] = None
                waiting += [p for p in self._imported(path) if self._is_inside(p)]
        return sorted(found)

    def digest(self, module: Path) -> str:
        """Digest of what enters, without comments, docstrings and layout."""
        whole = hashlib.sha256()
        for path in self.entering(module):
            base = self.source if path.is_relative_to(self.source) else self.grid
            whole.update(path.relative_to(base).as_posix().encode() + _meaning(path).encode())
        return whole.hexdigest()[:16]

    def _is_inside(self, path: Path) -> bool:
        if path.parent == self.grid:
            return path.name not in NOT_DECIDING
        return any(path.is_relative_to(self.source / used) for used in self.uses)

    def _imported(self, path: Path) -> Iterator[Path]:
        """Files that a file imports names from, by where the names are defined."""
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.ImportFrom):
                folder = self._folder(path, node)
                if folder is not None:
                    yield from self._defining(folder, (alias.name for alias in node.names))

    def _folder(self, path: Path, node: ast.ImportFrom) -> Path | None:
        """The module or package that names are imported from, without suffix; None outside."""
        parts = (node.module or "").split(".") if node.module else []
        if node.level:
            return path.parents[node.level - 1].joinpath(*parts)
        return self.source.joinpath(*parts[1:]) if parts[:1] == [PACKAGE] else None

    def _defining(self, place: Path, names: Iterable[str]) -> Iterator[Path]:
        """The files in which a module's or package's names are defined."""
        if not place.is_dir():
            yield place.with_suffix(".py")
            return
        for name in names:
            file, package = place / f"{name}.py", place / "__init__.py"
            if file.exists():
                yield file
            elif package.exists():
                yield from self._passed_on(package, name)

    def _passed_on(self, package: Path, name: str) -> Iterator[Path]:
        """The file behind a name that a package passes on; the package itself if it defines it."""
        for node in ast.walk(_parsed(package)):
            if isinstance(node, ast.ImportFrom):
                original = [a.name for a in node.names if (a.asname or a.name) == name]
                folder = self._folder(package, node)
                if original and folder is not None:
                    yield from self._defining(folder, original)
                    return
        yield package


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _meaning(path: Path) -> str:
    tree = _parsed(path)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
