"""The same fault in the same words, whichever source a tool comes from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from engine.tools.function import tool_from_function
from engine.tools.openapi import load_openapi
from engine.tools.schema.validation import checker
from engine.tools.tool import InvalidArguments
from tests.engine.tools.openapi.answers import tools_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        "count": {"type": "integer", "minimum": 1},
        "size": {"type": "string", "enum": ["S", "M"]},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 3},
        "dry_run": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 1},
    },
    "required": ["amount"],
    "additionalProperties": False,
}


def order(
    amount: Annotated[float, Field(gt=0, le=100)],
    count: Annotated[int, Field(ge=1)] = 1,
    size: Literal["S", "M"] = "S",
    code: Annotated[str, Field(pattern="^[A-Z]+$", max_length=3)] = "A",
    dry_run: bool = False,
    tags: Annotated[list[str], Field(max_length=1)] = [],  # noqa: B006
) -> None: ...


@pytest.fixture
def kinds(tmp_path: Path) -> dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]:
    body = {"required": True, "content": {"application/json": {"schema": SCHEMA}}}
    paths = {"/order": {"post": {"requestBody": body}}}
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    (tmp_path / "api.json").write_text(json.dumps(document))
    (tool,) = tools_of(load_openapi("k", {"document": "api.json"}, tmp_path)).values()
    return {
        "function": tool_from_function(order).validate,
        "openapi": tool.validate,
        "mcp": checker(SCHEMA),
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "The amount is missing."),
        ({"amount": 0}, "The amount should be more than 0."),
        ({"amount": 101}, "The amount should be at most 100."),
        ({"amount": "much"}, "The amount should be a number."),
        ({"amount": 1, "count": 0}, "The count should be at least 1."),
        ({"amount": 1, "count": "x"}, "The count should be a whole number."),
        ({"amount": 1, "size": "XL"}, "The size should be one of: S, M."),
        ({"amount": 1, "code": "a"}, "The code should match ^[A-Z]+$."),
        ({"amount": 1, "code": "ABCD"}, "The code should have at most 3 characters."),
        ({"amount": 1, "dry_run": "perhaps"}, "The dry run should be true or false."),
        ({"amount": 1, "code": {"a": 1}}, "The code should be text."),
        ({"amount": 1, "tags": ["a", "b"]}, "The tags should have at most 1 items."),
        (
            {"amount": 1, "zzz": 1},
            "There is no argument 'zzz' here (known: amount, count, size, code, dry_run, tags).",
        ),
    ],
)
def test_one_fault_has_one_wording(kinds: Any, given: dict[str, Any], said: str) -> None:
    for kind, validate in kinds.items():
        with pytest.raises(InvalidArguments) as caught:
            validate(given)
        assert (kind, caught.value.problems) == (kind, (said,))
