"""Read YAML parameter files strictly: every unknown key is an error that suggests the right one."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from ..errors import AnalysisError, ParamsError, did_you_mean, raise_all


class Section(BaseModel):
    """A frozen part of a parameter file; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse ``promote_after: true``, which Python takes for 1."""
        kinds = _leaves(cls.model_fields[str(info.field_name)].annotation)
        if kinds & {int, float} and bool not in kinds and _holds_truth(value):
            raise ValueError("true and false are no numbers; give a number")
        return value


def _leaves(annotation: Any) -> set[Any]:
    """The types that an annotation is made of; none where it holds other sections."""
    parts = get_args(annotation)
    return set().union(*map(_leaves, parts)) if parts else {annotation}


def _holds_truth(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_truth, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_truth, value))
    return isinstance(value, bool)


class Bilingual(Section):
    """A text given in both languages."""

    zh: str
    en: str

    def in_(self, code: str) -> str:
        """The text in a language."""
        return self.zh if code == "zh" else self.en


def in_language(text: str | Bilingual, code: str) -> str:
    """A text in a language; as it was written where it was written in one only."""
    return text.in_(code) if isinstance(text, Bilingual) else text


LONGEST_SHOWN = 200
"""Characters of a value that a message shows."""

Model = TypeVar("Model", bound=Section)
Written = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that somebody wrote: not empty, without blanks around it."""


@dataclass(frozen=True)
class BrokenRule:
    """A rule between keys that a section breaks.

    Attributes:
        key: The key it is about, below the section (``metrics.2.column``); empty: the section.
        what: One sentence.
        got: The value found.
        allowed: What would have been accepted.
        todo: What the user can do next.
    """

    key: str
    what: str
    got: object = None
    allowed: str | Sequence[object] | None = None
    todo: str = ""


def refuse(rules: Sequence[BrokenRule]) -> None:
    """Refuse a section that breaks rules, all told at once (for a model's validator)."""
    if rules:
        told = "; ".join(rule.what for rule in rules).replace("{", "(").replace("}", ")")
        raise PydanticCustomError("broken_rules", told, {"rules": tuple(rules)})


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice (YAML keeps the last in silence)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' is given twice (line {line})", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """A parameter file as a mapping, loaded safely.

    Raises:
        ParamsError: The file is missing, not UTF-8, not YAML, not a mapping, or gives a key twice.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506
    except FileNotFoundError as fault:
        near = sorted(p.name for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise ParamsError(
            "Parameter file not found",
            where=str(path),
            allowed=near or None,
            todo=did_you_mean(path.name, near) or "Check the path.",
        ) from fault
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as fault:
        raise ParamsError(
            "The parameter file cannot be read",
            where=str(path),
            got=" ".join(str(fault).split()),
            todo=_mending(str(fault)),
        ) from fault
    if not isinstance(content, dict):
        raise ParamsError(
            "The parameter file is not a mapping of keys",
            where=str(path),
            got="nothing" if content is None else type(content).__name__,
            todo="Write it as 'key: value', a line each.",
        )
    return content


def _mending(fault: str) -> str:
    if "'\\t'" in fault:
        return "Indent with blanks: YAML allows no tabs."
    return "Mend the YAML; the file must be UTF-8, indented with blanks."


def build_if_there(model: type[Model], path: str | Path) -> Model | None:
    """A parameter file that a profile may lack, validated; None where it does not exist.

    Raises:
        ParamsError: With every fault of the file.
    """
    path = Path(path)
    return build(model, read_yaml(path), str(path)) if path.exists() else None


def build(model: type[Model], content: Mapping[str, Any], where: str) -> Model:
    """Validate a mapping against a model; all faults are gathered and raised at once.

    Raises:
        ParamsError: With file and key, the value, what is allowed, what to do.
    """
    try:
        return model.model_validate(content)
    except ValidationError as fault:
        errors = _without_echoes(fault.errors())
        raise_all([told for error in errors for told in _faults(model, error, where)])
        raise


def _without_echoes(errors: Sequence[Any]) -> list[Any]:
    """Without "too few items" of a list whose items are there, but faulty themselves."""
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(_is_below(other["loc"], error["loc"]) for other in errors)
    ]


def _is_below(place: Sequence[object], above: Sequence[object]) -> bool:
    return len(place) > len(above) and tuple(place[: len(above)]) == tuple(above)


def digest(content: object) -> str:
    """A short SHA-256 of any JSON-like content or model, independent of key order."""
    if isinstance(content, BaseModel):
        content = content.model_dump(mode="json")
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _faults(model: type[BaseModel], error: Any, where: str) -> list[AnalysisError]:
    if error["type"] != "broken_rules":
        return [_explained(model, error, where)]
    place = [str(part) for part in error["loc"]]
    return [_broken(rule, place, where) for rule in error["ctx"]["rules"]]


def _broken(rule: BrokenRule, place: list[str], where: str) -> AnalysisError:
    path = ".".join([*place, rule.key] if rule.key else place)
    allowed = rule.allowed if rule.allowed else None
    return ParamsError(
        rule.what,
        where=f"{where}: {path}" if path else where,
        got=rule.got,
        allowed=allowed,
        todo=rule.todo,
    )


PLAIN_FAULTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "tuple_type": ("This must be a list", "Write it in brackets: [first, second]."),
        "dict_type": ("This must be keys with values", "Write it as {key: value}."),
        "model_type": ("This must be keys with values", "Write it as {key: value}."),
        "too_short": ("This must not be empty", "Name at least one."),
        "string_type": ("This must be text", "Put it in quotes."),
        "float_parsing": ("This must be a number", "Write 5 % as 0.05."),
        "int_parsing": ("This must be a whole number", ""),
        "float_type": ("This must be a number", ""),
        "int_type": ("This must be a whole number", ""),
    }
)
"""The validator's kind of fault → what is wrong and what to do, in words of a YAML file."""


def _explained(model: type[BaseModel], error: Any, where: str) -> AnalysisError:
    path = [str(part) for part in error["loc"]]
    place = f"{where}: {'.'.join(path)}" if path else where
    if error["type"] == "extra_forbidden":
        allowed = _keys_at(model, path[:-1])
        return ParamsError(
            f"Unknown key '{path[-1]}'",
            where=place,
            allowed=allowed or None,
            todo=did_you_mean(path[-1], allowed) or "Remove or correct the key.",
        )
    if error["type"] == "missing":
        return ParamsError(f"The key '{path[-1]}' is missing", where=place, todo="Add it.")
    if error["type"] in PLAIN_FAULTS:
        what, todo = PLAIN_FAULTS[error["type"]]
        todo = "" if error["type"] == "string_type" and _is_nested(error.get("input")) else todo
        return ParamsError(what, where=place, got=_shown(error.get("input")), todo=todo)
    context = error.get("ctx", {})
    allowed_text = str(context.get("expected", "")) or None
    message = str(error["msg"]).removeprefix("Value error, ")
    return ParamsError(
        message,
        where=place,
        got=_shown(error.get("input")),
        allowed=allowed_text,
        todo=did_you_mean(str(error.get("input")), _quoted(allowed_text)),
    )


def _is_nested(value: object) -> bool:
    return value is None or isinstance(value, (list, dict))


def _shown(value: object) -> str:
    """A value as a message shows it: of a whole section, its keys only."""
    if isinstance(value, Mapping) and len(repr(value)) > LONGEST_SHOWN:
        return f"the keys {', '.join(map(str, value))}"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _quoted(text: str | None) -> list[str]:
    return [part for i, part in enumerate((text or "").split("'")) if i % 2]


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys allowed at a place of a nested model; empty where they are free."""
    current: Any = model
    for part in path:
        current = _step(current, part)
    return sorted({key for m in _models(current) for key in _names(m)})


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _step(kind: Any, part: str) -> Any:
    for model in _models(kind):
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    arguments = typing.get_args(_without_models(kind))
    inner = [arg for arg in arguments if arg is not type(None) and arg is not Ellipsis]
    return inner[-1] if inner else kind


def _without_models(kind: Any) -> Any:
    """Of a union, the mapping or sequence in it (whose last argument is the item's type)."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        holders = [arg for arg in typing.get_args(kind) if typing.get_args(arg)]
        return holders[0] if holders else kind
    return kind


def _models(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if typing.get_origin(kind) in (typing.Union, types.UnionType, typing.Annotated):
        return [m for arg in typing.get_args(kind) for m in _models(arg)]
    return []
