"""Schemas as every server takes them, whoever wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tools.function import tool_from_function
from engine.tools.openapi import load_openapi
from engine.tools.schema.model_schema import for_models, plain_names, with_own_names
from engine.tools.schema.validation import SchemaError, checker
from engine.tools.tool import InvalidArguments
from tests.engine.tools.mcp.desk import McpDesk, tools_of
from tests.engine.tools.openapi.answers import tools_of as openapi_tools_of

NAMED = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def faults(schema: dict[str, Any]) -> list[str]:
    """What some server refuses a request for, read independently of the engine."""
    found = [
        f"{word} at the top"
        for word in ("anyOf", "oneOf", "allOf", "enum", "not")
        if word in schema
    ]
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        found.append("no object at the top")
    return found + list(_faults(schema, schema, "top"))


def _faults(schema: Any, root: dict[str, Any], where: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{where}: a schema that is {schema!r}"
        return
    if "$ref" in schema:
        if set(schema) != {"$ref"}:
            yield f"{where}: something beside a reference"
        place, _, name = schema["$ref"].removeprefix("#/").partition("/")
        if name not in root.get(place, {}):
            yield f"{where}: a reference to nothing"
        return
    if "type" in schema and not isinstance(schema["type"], str):
        yield f"{where}: several types"
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield f"{where}: an array without items"
    for name in schema.get("required", ()):
        if where == "top" and name not in schema["properties"]:
            yield f"{where}: {name} is required and not there"
    for keyword in ("properties", "$defs", "definitions", "patternProperties"):
        for name, inner in schema.get(keyword, {}).items():
            if keyword != "patternProperties" and not NAMED.fullmatch(name):
                yield f"{where}: called {name!r}"
            yield from _faults(inner, root, f"{where}.{name}")
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for number, inner in enumerate(schema.get(keyword, ())):
            yield from _faults(inner, root, f"{where}.{keyword}.{number}")
    for keyword in ("items", "not", "contains"):
        if keyword in schema:
            yield from _faults(schema[keyword], root, f"{where}.{keyword}")


LIST = {"type": "array"}
REFUSED: dict[str, dict[str, Any]] = {
    "no_items": {"type": "object", "properties": {"a": LIST}},
    "no_items_in_defs": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"properties": {"b": {"anyOf": [LIST, {"type": "null"}]}}}},
    },
    "items_true": {"type": "object", "properties": {"a": {"type": "array", "items": True}}},
    "tuple": {"properties": {"a": {"type": "array", "prefixItems": [{"type": "string"}, LIST]}}},
    "any_of": {
        "anyOf": [
            {"properties": {"id": {"type": "integer"}}, "required": ["id"]},
            {"properties": {"name": {"type": "string"}}, "required": ["name"]},
        ]
    },
    "one_of": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "all_of": {"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"properties": {"a": LIST}}}},
    "ref_at_top": {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": LIST}}}},
    "enum_at_top": {"type": "object", "enum": [{}, {"a": 1}]},
    "not_at_top": {"type": "object", "not": {"required": ["a"]}},
    "no_type": {"properties": {"a": {"items": {}}, "b": {"properties": {}}}},
    "nothing": {},
    "types": {"properties": {"a": {"type": ["string", "null"]}, "b": {"type": ["array", "null"]}}},
    "booleans": {"properties": {"a": True, "b": False, "c": {"anyOf": [True, {"type": "null"}]}}},
    "beside_a_reference": {
        "properties": {"a": {"$ref": "#/$defs/A", "description": "the a", "default": 1}},
        "$defs": {"A": {"type": "integer"}},
    },
    "into_properties": {"properties": {"a": LIST, "b": {"$ref": "#/properties/a"}}},
    "circle": {
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"properties": {"b": {"$ref": "#/$defs/A", "description": "again"}}}},
    },
    "formats": {"properties": {"a": {"type": "string", "format": "iso-country-code"}}},
    "names": {
        "properties": {"$filter": {}, "a b": {"type": "integer"}, "a_b": {}, "ü" * 80: {}},
        "required": ["a b"],
    },
    "names_inside": {"properties": {"a": {"properties": {"x y": {}}, "required": ["x y"]}}},
    "required_and_unknown": {"type": "object", "required": ["a"]},
    "draft_7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"type": "array", "items": [{"type": "string"}, {"type": "null"}]}},
    },
    "draft_4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
    },
    "bomb": {
        "properties": {"a": {"$ref": "#/$defs/d0"}},
        "$defs": {
            **{
                f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}", "title": "t", "x": 1}] * 9}
                for n in range(20)
            },
            "d20": {"type": "string"},
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_server_7_what_servers_refuse_is_mended(name: str) -> None:
    schema = REFUSED[name]
    made = for_models(schema, plain_names(schema))
    assert faults(made) == []
    jsonschema.Draft202012Validator.check_schema(made)
    assert len(json.dumps(made)) < 100 * len(json.dumps(schema)) + 1_000


def test_server_7_alternatives_at_the_top_become_one_object() -> None:
    made = for_models(REFUSED["any_of"])
    assert made["properties"] == {"id": {"type": "integer"}, "name": {"type": "string"}}
    assert not made.get("required")
    check = checker(REFUSED["any_of"])
    assert check({"id": 1}) == {"id": 1}
    with pytest.raises(InvalidArguments):
        check({})


def test_server_7_an_argument_with_an_odd_name_is_called_by_another() -> None:
    schema = REFUSED["names"]
    names = plain_names(schema)
    assert names["filter"] == "$filter"
    assert names["a_b_2"] == "a b"
    assert for_models(schema, names)["required"] == ["a_b_2"]
    check = with_own_names(checker(schema), names)
    assert check({"filter": "x", "a_b_2": 1}) == {"$filter": "x", "a b": 1}
    with pytest.raises(InvalidArguments) as caught:
        check({"a_b_2": "x"})
    assert caught.value.names == {"a_b_2"}


async def test_server_7_every_tool_of_a_server_is_one_that_models_can_be_given(
    tmp_path: Path,
) -> None:
    """One whose schema no check can be made of is left out and named; the others are mended."""
    listed = [
        {"name": name, "inputSchema": {**schema, "type": "object"}}
        for name, schema in REFUSED.items()
    ]
    broken = {"type": "object", "properties": {"a": {"type": "strnig"}}}
    (tmp_path / "extra.json").write_text(
        json.dumps([*listed, {"name": "broken", "inputSchema": broken}])
    )
    desk = McpDesk(tmp_path)
    source = desk.load("--extra", str(tmp_path / "extra.json"))
    try:
        tools = tools_of(source)
        assert set(REFUSED) <= set(tools)
        assert {name: faults(dict(tool.parameters)) for name, tool in tools.items()} == {
            name: [] for name in tools
        }
        assert "broken" not in tools
        assert any("'broken' is left out" in line for line in source.problems)
    finally:
        assert source.close is not None
        await source.close()


def test_server_7_a_document_and_a_function_are_mended_alike(tmp_path: Path) -> None:
    def place(at: tuple[int, str], more: list[Any] | None = None) -> None: ...

    assert faults(dict(tool_from_function(place).parameters)) == []
    paths = {
        f"/{name}": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}
        for name, schema in REFUSED.items()
    }
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
    (tmp_path / "api.json").write_text(json.dumps(document))
    tools = openapi_tools_of(load_openapi("k", {"document": "api.json"}, tmp_path))
    assert len(tools) == len(REFUSED)
    assert [fault for tool in tools.values() for fault in faults(dict(tool.parameters))] == []


NAMES = st.sampled_from(["a", "b", "x y", "$c", "é"])
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["string", "integer", "array", "object", ["array", "null"], ["object"]]
        ),
        "enum": st.lists(st.sampled_from(["a", 1, None]), min_size=1, unique=True),
        "minLength": st.integers(0, 2),
        "format": st.sampled_from(["date", "colour"]),
        "description": st.just("words"),
        "$ref": st.sampled_from(["#/$defs/A", "#/properties/a"]),
    },
)


def _wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    more = st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "additionalProperties": inner,
        },
    )
    return st.builds(lambda a, b: {**a, **b}, KEYWORDS, more)


SCHEMAS = st.recursive(st.booleans() | KEYWORDS, _wider, max_leaves=12)


@settings(deadline=None)
@given(_wider(SCHEMAS), SCHEMAS)
def test_server_7_any_schema_is_refused_or_mended(schema: dict[str, Any], shared: Any) -> None:
    whole = {**schema, "$defs": {"A": shared}}
    try:
        checker(whole)
    except SchemaError:
        return
    made = for_models(whole, plain_names(whole))
    assert faults(made) == []
    jsonschema.Draft202012Validator.check_schema(made)
