"""JSON schemas that come as data, and what does not conform to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fanfold.errors import UsageError


class SchemaInvalid(UsageError):
    """This is no JSON schema."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: keys and indexes from the outside in."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.path)
        return f"{place}: {self.message}" if place else self.message


class Schema:
    """One that values are held against, made ready once."""

    def __init__(self, said: Any) -> None:
        """Raises SchemaInvalid."""
        import jsonschema_rs  # loaded by the first who has a schema

        try:
            self._validator = jsonschema_rs.validator_for(said, retriever=_nothing)
        except ValueError as error:
            raise SchemaInvalid(_said(error)) from None

    def problems(self, value: Any) -> Iterator[Problem]:
        for found in self._validator.iter_errors(value):
            yield Problem(tuple(found.instance_path), found.message)


def _nothing(address: str) -> Any:
    """A schema may come from anybody: nothing is read for it, neither files nor addresses."""
    raise ValueError(f"{address} is not read: put it into the schema itself, under $defs")


def _said(error: ValueError) -> str:
    """Its first line: what follows repeats the schema."""
    return f"this is no JSON schema: {str(error).partition(chr(10))[0]}"
