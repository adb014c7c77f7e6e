"""What ``tierlab match`` is told about a file: which column holds what."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import field_validator, model_validator

from .loading import Section, build, read_yaml

Columns = tuple[str, ...]


class MatchConfig(Section):
    """Which columns of a file of records hold what.

    Each kind but ``id`` may be left out; several columns of one kind are read as one text
    (first and last name, street and number).

    Attributes:
        id: The column that names a record; every record has one of its own.
        source: The system or file that the record comes from.
        name, address, city, postcode, phone, email, tax_id: What is compared.
        other: Further columns, each compared on its own.
    """

    id: str
    source: Columns = ()
    name: Columns = ()
    address: Columns = ()
    city: Columns = ()
    postcode: Columns = ()
    phone: Columns = ()
    email: Columns = ()
    tax_id: Columns = ()
    other: Columns = ()

    @field_validator("*", mode="before")
    @classmethod
    def _one_column_may_stand_alone(cls, value: Any, info: Any) -> Any:
        if info.field_name == "id":
            return value
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _something_is_compared(self) -> Self:
        if not any((*self.kinds.values(), self.other)):
            raise ValueError(
                "no column to compare; give at least one of "
                "name, address, city, postcode, phone, email, tax_id, other"
            )
        return self

    @property
    def kinds(self) -> dict[str, Columns]:
        """Kind → its columns, for the kinds that are compared as what they are."""
        names = ("name", "address", "city", "postcode", "phone", "email", "tax_id")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    @property
    def columns(self) -> Columns:
        """Every column that is read, once."""
        listed = [c for columns in (self.source, *self.kinds.values(), self.other) for c in columns]
        return tuple(dict.fromkeys((self.id, *listed)))


def load_match_config(path: str | Path) -> MatchConfig:
    """Read a config of ``tierlab match``.

    Raises:
        ParamsError: With every fault of the file.
    """
    return build(MatchConfig, read_yaml(Path(path)), str(path))
