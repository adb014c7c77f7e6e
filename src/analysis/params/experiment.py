"""The plan of an experiment: one YAML file, read strictly and frozen by digest.

The same plan serves any table with one row a unit (``analysis.evaluate``) and the monthly
pipeline, which adds who owns the experiment, when it started, and how each metric is measured.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..errors import AnalysisError, ParamsError, did_you_mean, raise_all
from ..tables import TIERS
from .loading import Bilingual, BrokenRule, Section, build, digest, read_yaml, refuse
from .metric import Metric

Looks = Literal["calendar", "accrual"]
Design = Literal["customer", "cluster", "saturation"]
SHARES_SUM_TOLERANCE = 1e-6
"""Shares such as 1/3 are written with a few decimals."""


class NetValue(Section):
    """Which metrics make up the money: net value = margin − cost to serve, per unit.

    Attributes:
        margin: Name of the metric that holds the margin.
        cost_to_serve: Name of the metric that holds the cost to serve; null: no cost table.
    """

    margin: str
    cost_to_serve: str | None = None


class ExperimentSpec(Section):
    """The plan of one experiment.

    Attributes:
        id: Short name; letters, digits, ``-`` and ``_``.
        title: What readers see; the id where it is missing.
        owner: Who decides, in one or both languages; shown beside the verdict.
        starts_on: First day of the experiment (pipeline).
        design: What was randomised: customers, whole clusters, or both in two stages.
        unit, arm, cluster, share, arm_at_half, strata, covariates, segments, exposure: Columns.
            Covariates and segments must be known before assignment.
        control: The arm that the others are compared with.
        allocation: Planned share of units (clusters in a cluster design) by arm. In a saturation
            design the shares dealt within half-treated clusters.
        share_allocation: Planned share of clusters by their drawn share (saturation only).
        blocked: Arms were dealt within the strata, not by chance alone.
        alpha: Two-sided error level.
        looks: ``calendar``: the same units are read again every month, `looks_planned` times.
            ``accrual``: new units arrive; needs `planned_n`.
        looks_planned, look: Number of planned looks, and of this one (plain tables).
        spending: How the error level is spent over the looks.
        planned_n: Units (clusters) planned: the N* of the always-valid interval, and the size
            from which the plan promised its power.
        horizon: Days after assignment for survival metrics that name none of their own.
        exposure: Column that says whether a unit used the service; ``exposed`` in the pipeline.
        exposure_services: Services of ``service_events`` that count as use (pipeline).
        ordinary_tiers: Tiers whose customers are guarded whatever the plan declares.
        money: Which metrics make up the net value.
    """

    schema_version: Literal[1] = 1
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    title: Bilingual | None = None
    owner: str | Bilingual | None = None
    starts_on: dt.date | None = None
    design: Design = "customer"
    unit: str = "customer_id"
    arm: str = "arm"
    control: str
    allocation: dict[str, float]
    cluster: str | None = None
    share: str = "cluster_share"
    arm_at_half: str = "arm_at_half"
    share_allocation: dict[float, float] = Field(default_factory=dict)
    strata: tuple[str, ...] = ()
    blocked: bool = False
    covariates: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    alpha: float = Field(0.05, gt=0, lt=0.5)
    looks: Looks | None = None
    looks_planned: int | None = Field(None, ge=1, le=120)
    look: int | None = Field(None, ge=1)
    spending: Literal["linear", "obrien_fleming"] = "linear"
    planned_n: int | None = Field(None, ge=2)
    horizon: int | None = Field(None, ge=1)
    exposure: str | None = None
    exposure_services: tuple[str, ...] = ()
    ordinary_tiers: tuple[str, ...] = ("regular",)
    money: NetValue | None = None
    metrics: tuple[Metric, ...] = Field(min_length=1)

    @field_validator("control", mode="before")
    @classmethod
    def _control_is_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, (int, float, bool)) else value

    @field_validator("allocation", mode="before")
    @classmethod
    def _arms_are_text(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {str(arm): share for arm, share in value.items()}

    @model_validator(mode="before")
    @classmethod
    def _defaults_that_follow(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        follows: dict[str, Any] = {}
        if content.get("cluster") and "design" not in content:
            follows["design"] = "cluster"
        if content.get("exposure_services") and "exposure" not in content:
            follows["exposure"] = "exposed"
        if "metrics" in content:
            follows["metrics"] = _with_horizon(content)
        return {**content, **follows}

    @model_validator(mode="after")
    def _keys_agree(self) -> ExperimentSpec:
        refuse([*_arms(self), *_design(self), *_looks(self), *_metrics(self), *_known_late(self)])
        return self

    @property
    def looks_kind(self) -> Looks:
        """How often the data are looked at: calendar once the plan has a start, else accrual."""
        return self.looks or ("calendar" if self.starts_on else "accrual")

    @property
    def treatments(self) -> tuple[str, ...]:
        """The arms that are compared with the control, in the plan's order."""
        return tuple(arm for arm in self.allocation if arm != self.control)

    def metric(self, name: str) -> Metric:
        """A metric by its name."""
        return next(metric for metric in self.metrics if metric.name == name)


def load_experiment(path: str | Path) -> ExperimentSpec:
    """Read and validate the plan of an experiment.

    Args:
        path: Such as ``params/experiments/demo/tiered-2025.yaml``.

    Raises:
        ParamsError: With every fault of the file: key, value, what is allowed.

    Example:
        >>> load_experiment("params/experiments/demo/tiered-2025.yaml").control  # doctest: +SKIP
        'uniform'
    """
    return build(ExperimentSpec, read_yaml(Path(path)), str(path))


def load_experiments(folder: str | Path) -> tuple[ExperimentSpec, ...]:
    """Read every experiment of a profile, for the monthly pipeline.

    Args:
        folder: Such as ``params/experiments/demo``; a missing folder holds no experiment.

    Returns:
        The plans in the order of their file names.

    Raises:
        ParamsError: With every fault of every file; also where a plan cannot be followed
            monthly, or two files share an id.
    """
    faults: list[AnalysisError] = []
    plans: dict[str, ExperimentSpec] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        try:
            plan = load_experiment(path)
        except AnalysisError as fault:
            faults.append(fault)
            continue
        faults += _not_monthly(plan, str(path))
        if plan.id in plans:
            faults.append(ParamsError("Two files share an id", where=f"{path}: id", got=plan.id))
        plans[plan.id] = plan
    raise_all(faults)
    return tuple(plans.values())


def plan_content(spec: ExperimentSpec) -> dict[str, Any]:
    """What of a plan binds: all but titles and owner, JSON-like, defaults left out."""
    content = spec.model_dump(mode="json", exclude_defaults=True, exclude={"title", "owner"})
    metrics = [{k: v for k, v in metric.items() if k != "title"} for metric in content["metrics"]]
    return {**content, "metrics": metrics}


def plan_digest(spec: ExperimentSpec) -> str:
    """The digest that freezes a plan."""
    return digest(plan_content(spec))


def experiment_json_schema() -> dict[str, Any]:
    """The JSON schema of a plan, for editors that complete and check YAML.

    It allows what is read: a metric's kind follows from its measure, and the control's name may
    be a number or a truth value.
    """
    schema = ExperimentSpec.model_json_schema()
    metric = schema["$defs"]["Metric"]
    metric["required"] = [key for key in metric["required"] if key != "kind"]
    metric["anyOf"] = [{"required": ["kind"]}, {"required": ["measure"]}]
    schema["properties"]["control"]["type"] = ["string", "number", "boolean"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _with_horizon(content: Mapping[str, Any]) -> Any:
    """Give survival metrics the experiment's horizon where they have none."""
    metrics = content.get("metrics")
    if not isinstance(metrics, (list, tuple)) or content.get("horizon") is None:
        return metrics

    def needs(metric: Any) -> bool:
        is_survival = isinstance(metric, dict) and "survival" in (
            metric.get("kind"),
            metric.get("measure"),
        )
        return is_survival and metric.get("horizon") is None

    return [{**m, "horizon": content["horizon"]} if needs(m) else m for m in metrics]


def _arms(spec: ExperimentSpec) -> list[BrokenRule]:
    rules = []
    arms = list(spec.allocation)
    if len(arms) < 2:
        rules.append(BrokenRule("allocation", "An experiment needs two arms or more", arms))
    if spec.control not in arms:
        suggestion = did_you_mean(spec.control, arms)
        rules.append(BrokenRule("control", "The control is no arm", spec.control, arms, suggestion))
    rules += _shares("allocation", spec.allocation)
    if spec.share_allocation:
        rules += _shares("share_allocation", spec.share_allocation)
    return rules


def _shares(key: str, shares: Mapping[Any, float]) -> list[BrokenRule]:
    rules = [
        BrokenRule(f"{key}.{name}", "A share must be above 0", share, "0 < share < 1")
        for name, share in shares.items()
        if not share > 0
    ]
    total = sum(shares.values())
    if not rules and abs(total - 1) > max(SHARES_SUM_TOLERANCE, 1e-3 * len(shares)):
        rules.append(BrokenRule(key, "The shares do not add up to 1", round(total, 6), "1"))
    return rules


def _design(spec: ExperimentSpec) -> list[BrokenRule]:
    rules = []
    if spec.design != "customer" and not spec.cluster:
        rules.append(
            BrokenRule("cluster", f"The design '{spec.design}' needs the cluster's column")
        )
    if spec.design == "saturation" and len(spec.allocation) != 2:
        told = "The saturation design compares two arms"
        rules.append(BrokenRule("allocation", told, list(spec.allocation)))
    if spec.design != "saturation" and spec.share_allocation:
        told = "Only the saturation design draws shares"
        rules.append(BrokenRule("share_allocation", told, spec.design, ["saturation"]))
    unknown = [tier for tier in spec.ordinary_tiers if tier not in TIERS]
    rules += [BrokenRule("ordinary_tiers", "Unknown tier", t, TIERS) for t in unknown]
    return rules


def _looks(spec: ExperimentSpec) -> list[BrokenRule]:
    rules = []
    if spec.looks_kind == "accrual" and spec.planned_n is None:
        rules.append(
            BrokenRule(
                "planned_n",
                "Looks by accrual need the planned number of units",
                todo="Add planned_n, the size of the experiment as it was planned.",
            )
        )
    if spec.looks_kind == "calendar" and spec.looks_planned is None:
        rules.append(
            BrokenRule(
                "looks_planned",
                "Calendar looks need their planned number",
                todo="Add looks_planned; 1 for a single final reading.",
            )
        )
    if spec.look and spec.looks_planned and spec.look > spec.looks_planned:
        told = "This look is past the last planned one"
        rules.append(BrokenRule("look", told, spec.look, f"1 to {spec.looks_planned}"))
    return rules


def _metrics(spec: ExperimentSpec) -> list[BrokenRule]:
    names = [metric.name for metric in spec.metrics]
    rules = [
        BrokenRule("metrics", "Two metrics share a name", name)
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if not any(metric.role == "primary" for metric in spec.metrics):
        told = "No metric is primary; a verdict needs one"
        rules.append(BrokenRule("metrics", told, [m.role for m in spec.metrics], "role: primary"))
    if spec.money:
        used = {"margin": spec.money.margin, "cost_to_serve": spec.money.cost_to_serve}
        rules += [
            BrokenRule(f"money.{key}", "No metric has this name", name, names)
            for key, name in used.items()
            if name is not None and name not in names
        ]
    return rules


def _known_late(spec: ExperimentSpec) -> list[BrokenRule]:
    """Columns that are measured after assignment, named where only what was known before may be.

    To adjust by an outcome, or to look at segments of it, takes the effect itself away.
    """
    late = {
        spec.arm: "the arm",
        **({spec.exposure: "the use of the service"} if spec.exposure else {}),
    }
    for metric in spec.metrics:
        late |= dict.fromkeys(metric.columns, f"the metric {metric.name}")
    return [
        BrokenRule(
            f"{key}.{i}",
            f"The column of {late[column]} is not known before assignment",
            column,
            todo="Name only columns that no arm can have changed.",
        )
        for key in ("strata", "covariates", "segments")
        for i, column in enumerate(getattr(spec, key))
        if column in late
    ]


def _not_monthly(plan: ExperimentSpec, where: str) -> list[AnalysisError]:
    """What the monthly pipeline needs beyond a plan for a plain table."""
    faults: list[AnalysisError] = [
        ParamsError(f"The key '{key}' is missing", where=f"{where}: {key}", todo="Add it.")
        for key in ("title", "owner", "starts_on")
        if getattr(plan, key) is None
    ]
    faults += [
        ParamsError(
            "A metric of the monthly pipeline needs its measure",
            where=f"{where}: metrics.{i}.measure",
            todo="Name a measure instead of columns.",
        )
        for i, metric in enumerate(plan.metrics)
        if metric.measure is None
    ]
    return faults
