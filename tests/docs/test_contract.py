"""The documented fan-out message is the one that is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fanfold.domain.messages import BatchRequestMessage, decode_fan_out
from fanfold.domain.options import BatchOptions

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "fan-out-message.md").read_text()


def test_the_schema_is_the_model_s_own() -> None:
    stored = json.loads((DOCS / "fan-out-message.schema.json").read_text())
    assert stored == BatchRequestMessage.model_json_schema()


def test_the_example_is_a_request() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    request = decode_fan_out(example.encode())
    assert isinstance(request, BatchRequestMessage)
    assert request.records == [{"id": "a"}, {"id": "b"}]


def test_every_field_is_on_the_page() -> None:
    for name in [*BatchRequestMessage.model_fields, *BatchOptions.model_fields]:
        assert f"`{name}`" in PAGE, name
