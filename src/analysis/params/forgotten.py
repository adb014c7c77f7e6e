"""Customers that were forgotten: a list of hashes, from which nobody's id can be read.

``params/forgotten/<profile>.yaml`` is written by ``tierlab forget`` and read by every run, so that
raw files that still hold the customer do not bring it back. An id of a source system is kept as a
hash under the list's own key (BLAKE2b).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from .loading import Section, build_if_there

KEY_BYTES = 32
HASH_BYTES = 16
"""128 bits: two of a billion ids share a hash with a chance of 1 in 10^21."""
BETWEEN = "\x1f"
"""Between system and id: a sign that neither can hold."""

Hash = str


class ForgottenRecord(Section):
    """A record of a source system that must not come back.

    Attributes:
        record: Its hash.
        forgotten_on: The day.
    """

    record: Hash = Field(pattern=f"^[0-9a-f]{{{2 * HASH_BYTES}}}$")
    forgotten_on: date


class Forgotten(Section):
    """The list.

    Attributes:
        key: Of the hashes, in hex; drawn once, when the list is begun. Without it the list
            would tell anybody who tries out ids which of them it holds, in any company.
        records: One a record of a source system; a customer may have several.
    """

    schema_version: Literal[1] = 1
    key: str = Field(pattern=f"^[0-9a-f]{{{2 * KEY_BYTES}}}$")
    records: tuple[ForgottenRecord, ...] = ()

    @classmethod
    def begun(cls) -> Forgotten:
        """An empty list with a key of its own."""
        return cls(key=secrets.token_hex(KEY_BYTES))

    @property
    def hashes(self) -> frozenset[Hash]:
        """The hashes of all records."""
        return frozenset(one.record for one in self.records)

    def hash_of(self, system: str, source_customer_id: str) -> Hash:
        """The hash of a record under this list's key.

        Example:
            >>> Forgotten(key="00" * 32).hash_of("crm", "C1")
            '6a7fdee5fcdf1b69eb14cd35dc5a2201'
        """
        text = f"{system}{BETWEEN}{source_customer_id}".encode()
        keyed = hashlib.blake2b(text, key=bytes.fromhex(self.key), digest_size=HASH_BYTES)
        return keyed.hexdigest()

    def holds(self, system: str, source_customer_id: str) -> bool:
        """Whether a record was forgotten."""
        return self.hash_of(system, source_customer_id) in self.hashes

    def with_records(self, records: Iterable[tuple[str, str]], on: date) -> Forgotten:
        """The list with more records: system and id of each; those it holds stay as they are."""
        new = {self.hash_of(*record) for record in records} - self.hashes
        added = [ForgottenRecord(record=one, forgotten_on=on) for one in sorted(new)]
        return self.model_copy(update={"records": (*self.records, *added)})

    def as_yaml(self) -> str:
        """What the file holds."""
        lines = [
            "# Written by `tierlab forget`: hashes of customers' ids in source systems. Every run",
            "# rejects the rows of these customers. Keep this file: without it they come back.",
            "schema_version: 1",
            f'key: "{self.key}"',
            "records:",
            *(f'- {{record: "{r.record}", forgotten_on: {r.forgotten_on}}}' for r in self.records),
        ]
        return "\n".join(lines) + "\n"


def load_forgotten(path: str | Path) -> Forgotten | None:
    """Read a list of forgotten customers; None where the file does not exist.

    Raises:
        ParamsError: With every fault of the file.
    """
    return build_if_there(Forgotten, Path(path))
