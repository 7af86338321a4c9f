"""What models write and do not quite mean."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from engine.tools.function import tool_from_function
from engine.tools.schema.coercion import with_coercion
from engine.tools.schema.validation import checker
from engine.tools.tool import InvalidArguments
from tests.engine.tools.openapi.answers import load, tools_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "page": {"type": "integer", "minimum": 1},
        "price": {"type": ["number", "null"]},
        "dry": {"anyOf": [{"type": "boolean"}, {"type": "array"}]},
        "code": {"type": ["string", "integer"], "enum": ["A", 7]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "counts": {"type": "array", "items": {"type": "integer"}},
        "where": {"$ref": "#/$defs/where"},
        "either": {"anyOf": [{"type": "object", "required": ["a"]}, {"type": "integer"}]},
        **{f"more_{number}": {"type": "string"} for number in range(9)},
    },
    "required": ["id"],
    "$defs": {
        "where": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "zip": {"type": "array"}},
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"id": 5}, {"id": "5"}),
        ({"id": "5", "page": "2", "price": "2.50"}, {"id": "5", "page": 2, "price": 2.5}),
        ({"id": "5", "page": None, "dry": None}, {"id": "5"}),
        ({"id": "5", "price": None}, {"id": "5", "price": None}),
        ({"id": "5", "dry": "True"}, {"id": "5", "dry": True}),
        ({"id": "5", **{f"more_{n}": None for n in range(9)}}, {"id": "5"}),
        ({"id": "007"}, {"id": "007"}),
        ({"id": "5", "code": "7"}, {"id": "5", "code": 7}),
        ({"id": "5", "tags": '["a", "b"]'}, {"id": "5", "tags": ["a", "b"]}),
        ({"id": "5", "tags": "a, b"}, {"id": "5", "tags": ["a, b"]}),
        ({"id": "5", "tags": "[a]"}, {"id": "5", "tags": ["[a]"]}),
        ({"id": "5", "tags": [1, "b"]}, {"id": "5", "tags": ["1", "b"]}),
        ({"id": "5", "counts": "[1, 2]"}, {"id": "5", "counts": [1, 2]}),
        ({"id": "5", "counts": 3}, {"id": "5", "counts": [3]}),
        ({"id": "5", "counts": "3"}, {"id": "5", "counts": [3]}),
        ({"id": "5", "where": '{"city": "Oslo"}'}, {"id": "5", "where": {"city": "Oslo"}}),
        (
            {"id": "5", "where": {"city": 7, "zip": "1"}},
            {"id": "5", "where": {"city": "7", "zip": ["1"]}},
        ),
        ({"id": "5", "either": '{"a": 1}'}, {"id": "5", "either": {"a": 1}}),
        ({"id": "5", "either": "12"}, {"id": "5", "either": 12}),
    ],
)
def test_what_means_the_same_is_taken(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert with_coercion(checker(SCHEMA), SCHEMA)(given) == meant


@pytest.mark.parametrize(
    "given",
    [
        {"id": None},
        {"id": True},
        {"id": "5", "page": "007"},
        {"id": "5", "page": "0"},
        {"id": "5", "page": "2.5"},
        {"id": "5", "dry": "yes"},
        {"id": "5", "code": "8"},
        {"id": "5", "unknown": None, "page": "x"},
        {"id": "5", "counts": "three"},
        {"id": "5", "counts": "[NaN]"},
        {"id": "5", "tags": {"a": 1}},
        {"id": "5", "where": "[1]"},
        {"id": "5", "where": '{"town": "Oslo"}'},
        {"id": "5", "where": '{"city": ' * 5_000},
    ],
)
def test_what_does_not_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments):
        with_coercion(checker(SCHEMA), SCHEMA)(given)


def test_tools_of_every_kind_take_it() -> None:
    def find(reference: str, state: Literal["open", "all"] = "all", most: int = 5) -> None: ...

    tool = tool_from_function(find)
    whole = {"reference": "17", "state": "all", "most": 5}
    assert tool.validate({"reference": 17, "state": None, "most": None}) == whole

    def label(tags: list[str], counts: dict[str, int] | None = None) -> None: ...

    many = tool_from_function(label)
    alone = {"tags": ["a"], "counts": None}
    assert many.validate({"tags": '["a"]'}) == many.validate({"tags": "a"}) == alone
    assert many.validate({"tags": [], "counts": '{"a": 1}'}) == {"tags": [], "counts": {"a": 1}}
    shop = tools_of(load())
    listed = {"X_Key": "k", "tags": '["a"]', "ids": 5}
    assert shop["shop_list_orders"].validate(listed) == {"X_Key": "k", "tags": ["a"], "ids": [5]}
    assert shop["shop_delete_order"].validate({"id": 5}) == {"id": "5"}
    order = {"amount": "2", "day": "2024-01-31", "colour": None}
    assert shop["shop_create_order"].validate(order) == {"amount": 2, "day": "2024-01-31"}
