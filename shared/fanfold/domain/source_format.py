"""How a source is to be read, where its name does not say it. One model for every face."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from fanfold.errors import OptionInvalid

Format = Literal["jsonl", "json", "csv", "tsv", "text", "parquet"]
TABLES: frozenset[Format] = frozenset({"csv", "tsv"})

#: RFC 6901
_POINTER = re.compile(r"(/([^~/]|~[01])*)*", re.DOTALL)
_TABS = ("tab", "\\t")


def _delimiter(value: Any) -> Any:
    """A tab is hard to type."""
    return "\t" if value in _TABS else value


def _one_character(value: str) -> str:
    if len(value) != 1 or value in '"\r\n':
        raise ValueError("must be one character, or `tab`, and no quote or line end")
    return value


def _names(value: list[str]) -> list[str]:
    if problem := names_problem(value):
        raise ValueError(problem)
    return value


def names_problem(names: list[str]) -> str:
    """Why these cannot name columns; empty if they can."""
    for number, name in enumerate(names, 1):
        if not name:
            return f"column {number} has no name"
        if (first := names.index(name) + 1) != number:
            return f"columns {first} and {number} are both named {name!r}"
    return ""


def _pointer(value: str) -> str:
    if not _POINTER.fullmatch(value):
        raise ValueError("must be a JSON pointer, such as /data/items")
    return value


class SourceFormat(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: what the source is; None: as its name says
    format: Format | None = None
    #: between the values of a table's row; None: a comma, or a tab for tsv
    delimiter: (
        Annotated[str, BeforeValidator(_delimiter), AfterValidator(_one_character)] | None
    ) = None
    #: the columns' names, for a table without a header row
    columns: Annotated[list[str], Field(min_length=1), AfterValidator(_names)] | None = None
    #: whether a table's first row names the columns; without, they are c1, c2, …
    header: bool = True
    #: where in a JSON document the array is, as a JSON pointer
    pointer: Annotated[str, AfterValidator(_pointer)] | None = None
    #: a record per file instead of those in it: with its text, or only where it is
    files: Literal["content", "path"] | None = None

    @property
    def is_of_a_table(self) -> bool:
        return self.delimiter is not None or self.columns is not None or not self.header

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.is_of_a_table and self.format not in (None, *TABLES):
            raise ValueError(f"delimiter, columns and header are of tables, not of {self.format}")
        if self.pointer is not None and (self.format not in (None, "json") or self.is_of_a_table):
            raise ValueError("a pointer is for one JSON document: format json")
        if self.files and (self.format or self.is_of_a_table or self.pointer is not None):
            raise ValueError("files makes each file one record: it takes no format")
        return self

    @property
    def in_words(self) -> str:
        """What of it was given, to tell two readings of one source apart; empty if nothing was."""
        given = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{name} {_shown(value)}" for name, value in given.items())


def _shown(value: object) -> str:
    match value:
        case False:
            return "none"
        case list():
            return ",".join(value)
        case _:
            return str(value) if str(value).isprintable() else repr(value)


def source_format_from(given: dict[str, Any]) -> SourceFormat:
    """The format, or one line that names the first wrong part of it."""
    try:
        return SourceFormat.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function"))
        problem = first["msg"].removeprefix("Value error, ")
        if not name:
            raise OptionInvalid(f"source: {problem}") from None
        raise OptionInvalid(f"option {name}: {problem}, not {first['input']!r}") from None
