"""Options of a new batch: which records, how they are read, and what is said of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_INPUT = "Input"


class FormatName(StrEnum):
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    TEXT = "text"
    PARQUET = "parquet"


class WholeFiles(StrEnum):
    CONTENT = "content"
    PATH = "path"


SourceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Files, folders/, patterns ('data/*.csv'), URLs, - for standard input: JSON Lines, "
        "JSON, CSV, TSV, text, or gzip of these; Parquet; batch:last, another batch's results; "
        "firestore://COLLECTION, on the google engine. Default: the flow's own source.",
        show_default=False,
    ),
]
Format = Annotated[
    FormatName | None,
    typer.Option(
        help="What the source is. Default: as its suffix says, or else JSON Lines.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="Between the values of a CSV row; `tab` for a tab.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="The names of a CSV's columns, where no row is a header.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header",
        help="A CSV's first row is a record, too; its columns are c1, c2, …",
        rich_help_panel=_INPUT,
    ),
]
Pointer = Annotated[
    str | None,
    typer.Option(
        metavar="POINTER",
        help="Where in a JSON document the array of records is, such as /data/items.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Files = Annotated[
    WholeFiles | None,
    typer.Option(
        help="A record per file: its path, name and text, or its path, name and size.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NEW=PLACE",
        help="Make records of these fields: each with its dotted place (items.0.text) in the one "
        "read, . for all of it; NAME for NAME=NAME. May be repeated.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
UniqueKeys = Annotated[
    bool,
    typer.Option(
        "--unique-keys",
        help="Refuse a source with two records of one key, or one without.",
        rich_help_panel=_INPUT,
    ),
]
MaxRecords = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Take only the first N records; with --shuffle, any N.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Shuffle = Annotated[
    bool,
    typer.Option(
        "--shuffle",
        help="Take the records in a random order; results keep the source's.",
        rich_help_panel=_INPUT,
    ),
]
PriorityField = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="The field of a record (a.b.0) with its own priority within the batch, 0 to 9: 9 is "
        "dispatched first. Default: the source's order. --priority is the batch's among others.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="What the random order derives from: the same one gives the same.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=V1,V2",
        help="Run each record with each of these parameters, JSON or else text; or NAME='[…]', a "
        "JSON array. May be repeated, for all combinations.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Only read the whole source and check each record; store and start nothing.",
        rich_help_panel=_INPUT,
    ),
]
Key = Annotated[
    str,
    typer.Option(
        metavar="FIELD", help="The field that holds a record's key.", rich_help_panel=_INPUT
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter for the flow (ctx.parameters): JSON, or else text. May be repeated.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Params = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        help="Parameters from a file that holds one JSON object; --param goes before it.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="A label, to find the batch again.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="A tag. May be repeated.", rich_help_panel=_INPUT, show_default=False
    ),
]
RequestId = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The same id asks for the same batch: asking twice starts it once.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
