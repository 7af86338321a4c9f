"""Documents: what is read, what is refused, and what becomes of their operations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.tools.openapi import load_openapi
from engine.tools.openapi.parsing import parse
from engine.tools.source import SourceError
from engine.tools.tool import InvalidArguments, Tool
from tests.engine.tools.openapi.answers import answering, json_reply, load, tools_of

EMPTY: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}


def problems_of(name: str, arguments: dict[str, Any], document: str = "shop.yaml") -> str:
    with pytest.raises(InvalidArguments) as caught:
        tools_of(load(document))[name].validate(arguments)
    return " ".join(caught.value.problems)


def written(folder: Path, document: Any, name: str = "api.json") -> dict[str, Any]:
    (folder / name).write_text(
        document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
    )
    return {"document": name}


def posting(schema: Any, **more: Any) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {**EMPTY, "paths": {"/a": {"post": {"requestBody": body}}}, **more}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on", "on"),
        ("a: 2024-01-31", "2024-01-31"),
        ("a: 2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("a: 0123", "0123"),
        ("a: 12:30:45", "12:30:45"),
        ("a: 1_000", "1_000"),
        ("a: 12", 12),
        ("a: -1.5e3", -1500.0),
        ("a: 1e999", "1e999"),
        ("a: true", True),
        ("a: ~", None),
        ("a:", None),
        ("a: {200: x, true: y, null: z}", {"200": "x", "true": "y", "null": "z"}),
        ("x: &x {b: 1}\na: {<<: *x, c: 2}", {"b": 1, "c": 2}),
    ],
)
def test_yaml_keeps_texts_what_they_are(text: str, value: Any) -> None:
    assert parse(text.encode())["a"] == value


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b"- " * 5_000 + b"x",
        b'{"a": ' * 100_000,
        b"a: &a [*a]",
        b"a: &a [x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 99)) for n in range(98, 107)
        ),
        b"a: !!python/object/apply:os.system [x]",
        b"\xff\xfe\x00",
        b"a: [1, 2",
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(data)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"swagger": "1.2", "paths": {}}, "of OpenAPI 1.2"),
        ({"openapi": "4.0.0", "paths": {}}, "of OpenAPI 4.0.0"),
        ({"info": {}}, "no OpenAPI document"),
        ([1], "no OpenAPI document"),
        ({**EMPTY, "paths": []}, "paths should be an object"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_is_no_document_is_said_in_a_line(tmp_path: Path, document: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        load_openapi("k", written(tmp_path, document), tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing\.json cannot be read"):
        load_openapi("k", {"document": "nothing.json"}, tmp_path)


def test_every_operation_is_one_tool_in_one_intent() -> None:
    source = load()
    listed = [(intent.key, tool.name) for intent in source.groups for tool in intent.tools]
    assert [key for key, _ in listed].count("orders") == 5
    assert len(listed) == len({name for _, name in listed}) == 9
    effects = {name: tool.effect for name, tool in tools_of(source).items()}
    assert effects["shop_list_orders"] == effects["shop_head_orders_by_id"] == "read"
    assert effects["shop_delete_order"] == "destructive"
    assert effects["shop_orders_rename"] == "write"
    assert all(tool.untrusted for tool in tools_of(source).values())


def test_descriptions_are_short_and_the_whole_is_kept() -> None:
    source = load()
    orders = next(i for i in source.groups if i.key == "orders")
    assert orders.description.startswith("Look after orders. See the manual.")
    tool = tools_of(source)["shop_list_orders"]
    assert tool.description == (
        "List orders. Lists the orders, newest first. Nothing is changed by it, "
        "whatever one gives to it as parameters."
    )
    assert "| no prompt | wants |" in tool.detail
    assert "<b>" not in tool.description
    assert "list orders" in orders.examples["shop_list_orders"]


def test_parameters_and_body_are_one_flat_schema() -> None:
    schema = tools_of(load())["shop_create_order"].parameters
    assert list(schema["properties"]) == [
        "X_Trace", "colour", "amount", "day", "note", "gift", "code", "odd",
    ]  # fmt: skip
    assert schema["required"] == ["amount", "day"]
    assert schema["properties"]["amount"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 100,
    }
    assert schema["properties"]["colour"]["enum"] == ["red", "0123", "0x10"]
    assert {"type": "null"} in schema["properties"]["note"]["anyOf"]
    assert schema["properties"]["code"]["pattern"] == r"^[A-Z]{2}-\d+$"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"amount": 1}, "The day is missing."),
        ({"amount": 0, "day": "2024-01-31"}, "The amount should be more than 0."),
        ({"amount": 101, "day": "2024-01-31"}, "at most 100"),
        ({"amount": "1e1", "day": "2024-01-31"}, "The amount should be a number."),
        ({"amount": 1, "day": "31/01/2024"}, "a valid date"),
        ({"amount": 1, "day": "2024-01-31", "note": "too long"}, "at most 5 characters"),
        ({"amount": 1, "day": "2024-01-31", "code": "nl-1"}, "The code should match"),
        ({"amount": 1, "day": "2024-01-31", "odd": "ß9"}, "The odd should match"),
        ({"amount": 1, "day": "2024-01-31", "colour": "blue"}, "one of: red, 0123, 0x10"),
        ({"amount": 1, "day": "2024-01-31", "gift": {}}, "The gift should have to."),
        ({"amount": 1, "day": "2024-01-31", "id": 5}, "There is no argument 'id'"),
    ],
)
def test_what_does_not_fit_is_said(arguments: dict[str, Any], said: str) -> None:
    assert said in problems_of("shop_create_order", arguments)


def test_what_fits_passes_unchanged() -> None:
    arguments = {"amount": 1, "day": "2024-01-31", "note": None, "gift": None, "odd": "ß"}
    assert tools_of(load())["shop_create_order"].validate(arguments) == arguments


def test_a_schema_within_itself_ends_in_the_prompt_and_is_checked_all_the_way_down() -> None:
    tool = tools_of(load())["shop_plant_tree"]
    assert "$ref" not in json.dumps(tool.parameters)
    deep: dict[str, Any] = {"name": "leaf"}
    for _ in range(30):
        deep = {"name": "branch", "children": [deep]}
    assert tool.validate(deep) == deep
    with pytest.raises(InvalidArguments, match="should have name"):
        tool.validate({"name": "root", "children": [{"name": "branch", "children": [{}]}]})
    tool.validate({"name": "root", "loop": 3})


def test_alternatives_stay_one_body() -> None:
    tool = tools_of(load())["shop_draw_shape"]
    assert len(tool.parameters["properties"]["body"]["anyOf"]) == 2
    tool.validate({"body": {"side": 2}})
    assert "body" in problems_of("shop_draw_shape", {"body": {"radius": 1, "side": 2}})
    assert problems_of("shop_draw_shape", {"body": {}}) == "The body should have radius."
    assert "The body.side should be a number." in problems_of(
        "shop_draw_shape", {"body": {"side": "two"}}
    )


def test_a_definition_that_is_only_itself_says_nothing(tmp_path: Path) -> None:
    refer = {"$ref": "#/components/schemas/A"}
    body = {"content": {"application/json": {"schema": {"properties": {"a": refer}}}}}
    schemas = {
        "A": {"allOf": [{"$ref": "#/components/schemas/B"}]},
        "B": {"anyOf": [refer, {"type": "string"}], "minLength": 2},
    }
    document = {
        **EMPTY,
        "paths": {"/a": {"post": {"requestBody": body}}},
        "components": {"schemas": schemas},
    }
    (tool,) = tools_of(load_openapi("k", written(tmp_path, document), tmp_path)).values()
    tool.validate({"a": "xy"})
    with pytest.raises(InvalidArguments):
        tool.validate({"a": "x"})


CAT: dict[str, Any] = {"type": "object", "required": ["kind", "lives"], "properties": {
    "kind": {"type": "string"}, "lives": {"type": "integer"}}}  # fmt: skip
DOG = {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"required": ["bark"], "properties": {
    "bark": {"type": "boolean"}}}]}  # fmt: skip
PET = {"type": "object", "required": ["kind"], "properties": {
    "kind": {"type": "string", "enum": ["cat", "dog", "Dog"]}}}  # fmt: skip


def unions(folder: Path, kind: dict[str, Any], **schemas: Any) -> Tool:
    variants = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    union = {"oneOf": variants, "discriminator": {"propertyName": "kind", **kind}}
    body = {"required": True, "content": {"application/json": {"schema": union}}}
    document = {
        **EMPTY,
        "paths": {"/a": {"post": {"requestBody": body}}},
        "components": {"schemas": {"Pet": PET, **schemas}},
    }
    (tool,) = tools_of(load_openapi("k", written(folder, document), folder)).values()
    return tool


@pytest.mark.parametrize(
    ("schema", "required", "names"),
    [
        ({"type": "object", "additionalProperties": False, "properties": {}}, False, []),
        ({"$ref": "#/components/schemas/None"}, False, []),
        ({"$ref": "#/components/schemas/None"}, True, ["body"]),
        ({"type": "object", "properties": {}}, False, ["body"]),  # may have any keys
    ],
)
def test_a_body_that_nothing_can_be_in_is_no_argument(
    tmp_path: Path, schema: dict[str, Any], required: bool, names: list[str]
) -> None:
    body = {"required": required, "content": {"application/json": {"schema": schema}}}
    document = {
        **EMPTY,
        "paths": {"/a": {"get": {"requestBody": body}}},
        "components": {"schemas": {"None": {"type": "object", "additionalProperties": False}}},
    }
    (tool,) = tools_of(load_openapi("k", written(tmp_path, document), tmp_path)).values()
    assert list(tool.parameters["properties"]) == names


@pytest.mark.parametrize(
    ("kind", "cat", "dog"),
    [
        ({"mapping": {"cat": "#/components/schemas/Cat", "dog": "Dog"}}, "cat", "dog"),
        ({}, "Cat", "Dog"),
    ],
    ids=["mapping", "names of schemas"],
)
def test_variants_are_told_apart_by_their_discriminator(
    tmp_path: Path, kind: dict[str, Any], cat: str, dog: str
) -> None:
    tool = unions(tmp_path, kind, Cat=CAT, Dog=DOG)
    shown = tool.parameters["properties"]["body"]["anyOf"]
    assert [one["properties"]["kind"]["const"] for one in shown] == [cat, dog]
    tool.validate({"body": {"kind": cat, "lives": 9}})
    tool.validate({"body": {"kind": dog, "bark": True}})
    for body, said in (
        ({"kind": dog, "lives": 9}, "The body should have bark."),
        ({"kind": "cow", "lives": 9}, f"The body.kind should be one of: {cat}, {dog}."),
    ):
        with pytest.raises(InvalidArguments) as caught:
            tool.validate({"body": body})
        assert caught.value.problems == (said,)


def test_a_variant_that_says_itself_what_it_is_keeps_its_word(tmp_path: Path) -> None:
    said = {**CAT, "properties": {**CAT["properties"], "kind": {"const": "feline"}}}
    unions(tmp_path, {}, Cat=said, Dog=DOG).validate({"body": {"kind": "feline", "lives": 9}})


def test_of_many_variants_the_prompt_names_the_kinds(tmp_path: Path) -> None:
    tool = unions(tmp_path, {}, **{f"Cat{number}": CAT for number in range(9)})
    assert tool.parameters["properties"]["body"]["properties"]["kind"]["enum"][8] == "Cat8"


def test_one_name_in_two_places_says_where_each_goes() -> None:
    rename = tools_of(load())["shop_orders_rename"]
    assert rename.required == ("id", "body_id", "name")
    event = tools_of(load("modern.json"))["shop_add_event"]
    assert list(event.parameters["properties"])[:3] == ["id", "dry_run", "body_id"]


def test_a_modern_document_with_files_beside_it() -> None:
    source = load("modern.json")
    assert set(tools_of(source)) == {
        "shop_get_user", "shop_update_user", "shop_post_lost", "shop_add_event",
    }  # fmt: skip
    assert any("missing.yaml#/Nothing was not found" in line for line in source.problems)
    assert any("only a part of its server's address" in line for line in source.problems)
    assert "whole number" in problems_of("shop_get_user", {"id": "x"}, "modern.json")
    assert "int32" in problems_of("shop_get_user", {"id": 2**40}, "modern.json")
    wrong = {"id": 1, "friend": {"friend": {"name": 5}}}
    said = problems_of("shop_update_user", wrong, "modern.json")
    assert said == "The friend.friend.name should be text or null."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body_id": "no"}, "a valid uuid"),
        ({"when": "2024-01-31 10:00"}, "a valid date-time"),
        ({"kind": "funeral"}, "The kind should be party."),
        ({"kind": None}, "should have at least one of: kind; score"),
        ({"score": 1}, "less than 1"),
        ({"other_fields": {"extra": "x"}}, "a whole number"),
    ],
)
def test_keywords_of_3_1(change: dict[str, Any], said: str) -> None:
    good = {"body_id": "123e4567-e89b-42d3-a456-426614174000", "when": "2024-01-31T10:00:00Z"}
    assert said in problems_of("shop_add_event", {**good, "kind": "party", **change}, "modern.json")
    need = problems_of("shop_add_event", good, "modern.json")
    assert need == "The arguments together should have at least one of: kind; score."


def test_a_reference_leads_to_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("type: object")
    inside = tmp_path / "catalogue"
    inside.mkdir()
    body = {"content": {"application/json": {"schema": {"$ref": "../secret.yaml"}}}}
    document = {**EMPTY, "paths": {"/a": {"post": {"requestBody": body}}}}
    source = load_openapi("k", written(inside, document), inside)
    assert any("secret.yaml was not found" in line for line in source.problems)
    assert list(tools_of(source)) == ["k_post_a"]


def test_include_and_exclude() -> None:
    names = tools_of(load(include=["orders", "/tre*"], exclude=["*Order"]))
    assert set(names) == {
        "shop_list_orders", "shop_delete_order", "shop_orders_rename", "shop_head_orders_by_id",
        "shop_plant_tree",
    }  # fmt: skip
    assert any("'nobody'" in line for line in load(include=["nobody"]).problems)


def test_a_document_from_an_address_stays_with_its_host() -> None:
    api = json.dumps({**EMPTY, "servers": [{"url": "/v1"}], "paths": {"/a": {"get": {}}}})
    with answering(
        lambda c: (
            (302, {"location": "/api.json"}, b"")
            if c.path == "/old"
            else (302, {"location": "http://localhost:1/api.json"}, b"")
            if c.path == "/away"
            else json_reply(api)
        )
    ) as served:
        source = load_openapi("k", {"document": f"{served.url}/old"}, Path())
        assert list(tools_of(source)) == ["k_get_a"]
        assert not source.problems
        with pytest.raises(SourceError, match="has moved to http://localhost"):
            load_openapi("k", {"document": f"{served.url}/away"}, Path())


def test_odd_shapes_do_no_harm(tmp_path: Path) -> None:
    odd = {
        "parameters": [
            None,
            {"name": "q", "in": "query", "schema": {"type": "colour", "enum": []}},
        ],
        "requestBody": {"content": {"application/json": {"schema": {"required": "yes"}}}},
        "tags": ["", 5],
        "responses": None,
    }
    document = {
        **EMPTY,
        "tags": [None],
        "paths": {"/a/{b}": {"post": odd, "get": None}, "/c": None},
    }
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    (tool,) = tools_of(source).values()
    assert tool.required == ("b",)
    assert tool.validate({"b": "x", "q": "y", "body": [1]})


def test_hundreds_of_arguments_do_not_fill_a_prompt(tmp_path: Path) -> None:
    listed = [
        {"name": f"filter_{n}", "in": "query", "description": "Words. " * 50, "schema": {}}
        for n in range(900)
    ]
    document = {**EMPTY, "paths": {"/a": {"get": {"parameters": listed}}}}
    (tool,) = tools_of(load_openapi("k", written(tmp_path, document), tmp_path)).values()
    assert len(json.dumps(tool.parameters)) < 10_000
    assert tool.validate({"filter_899": "x"})
