"""Names of a package that are loaded when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's ``__getattr__`` (PEP 562): its import costs nothing until a name is used.

    Args:
        package: Its ``__name__``.
        homes: Name → the module below the package that defines it.

    Example:
        >>> late("analysis", {"load_profile": "params"})("load_profile").__name__
        'load_profile'
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(importlib.import_module(f".{homes[name]}", package), name)

    return load
