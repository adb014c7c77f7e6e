"""Policies and service plans in files of their own, so that several can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from .loading import Bilingual, Section, build, read_yaml
from .policy import TierPolicy
from .services import ServicePlan


class PolicyFile(Section):
    """A file below ``params/policies``: one way of tiering, by name.

    Attributes:
        title: What readers call it.
        tiers: The rules.
    """

    schema_version: Literal[1]
    title: Bilingual
    tiers: TierPolicy


class ServiceFile(Section):
    """A file below ``params/services``: what each tier gets, and what that costs."""

    schema_version: Literal[1]
    services: ServicePlan


def load_policy(path: str | Path) -> PolicyFile:
    """Read and validate a policy file.

    Args:
        path: Such as ``params/policies/yearly-order-value.yaml``.

    Raises:
        ParamsError: With every fault of the file.
    """
    return build(PolicyFile, read_yaml(Path(path)), str(path))


def load_services(path: str | Path) -> ServicePlan:
    """Read and validate a service plan.

    Args:
        path: Such as ``params/services/demo.yaml``.

    Raises:
        ParamsError: With every fault of the file.
    """
    return build(ServiceFile, read_yaml(Path(path)), str(path)).services


def with_named_files(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A profile's content, with the sections that name a file replaced by what the file says.

    Args:
        content: As read; ``tiers: policies/monthly.yaml`` and ``services: services/demo.yaml``
            name files, seen from the profile's folder.
        folder: The profile's folder.

    Raises:
        ParamsError: With every fault of a named file.
    """
    read = dict(content)
    if isinstance(read.get("tiers"), str):
        read["tiers"] = load_policy(folder / read["tiers"]).tiers
    if isinstance(read.get("services"), str):
        read["services"] = load_services(folder / read["services"])
    return read
