"""Documents of Swagger 2.0, read and called like those of OpenAPI 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.tools.openapi import load_openapi
from engine.tools.source import Source
from engine.tools.tool import InvalidArguments
from tests.engine.tools.openapi.answers import answering, call, json_reply, tools_of

SHOP: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Shop", "version": "1"},
    "basePath": "/v2",
    "consumes": ["application/json"],
    "produces": ["application/json"],
    "securityDefinitions": {"login": {"type": "basic"}},
    "parameters": {
        "limit": {"name": "limit", "in": "query", "type": "integer", "maximum": 50},
        "order": {"name": "order", "in": "body", "schema": {"$ref": "#/definitions/Order"}},
    },
    "definitions": {
        "Order": {
            "type": "object",
            "required": ["item"],
            "properties": {"item": {"type": "string"}, "id": {"type": "string", "readOnly": True}},
        }
    },
    "paths": {
        "/orders": {
            "parameters": [{"$ref": "#/parameters/limit"}],
            "get": {
                "operationId": "listOrders",
                "parameters": [
                    {
                        "name": "state",
                        "in": "query",
                        "type": "array",
                        "items": {"type": "string", "enum": ["new", "sent"]},
                    },
                    {
                        "name": "tag",
                        "in": "query",
                        "type": "array",
                        "collectionFormat": "multi",
                        "items": {"type": "string"},
                    },
                ],
                "responses": {"200": {"description": "", "schema": {"type": "array"}}},
            },
            "post": {
                "operationId": "addOrder",
                "parameters": [{"$ref": "#/parameters/order"}],
                "responses": {},
            },
        },
        "/orders/{id}/note": {
            "post": {
                "operationId": "addNote",
                "consumes": ["application/x-www-form-urlencoded"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "type": "string"},
                    {"name": "text", "in": "formData", "required": True, "type": "string"},
                    {
                        "name": "labels",
                        "in": "formData",
                        "type": "array",
                        "items": {"type": "string"},
                    },
                ],
                "responses": {},
            }
        },
        "/orders/{id}/photo": {
            "post": {
                "operationId": "addPhoto",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "type": "string"},
                    {"name": "photo", "in": "formData", "required": True, "type": "file"},
                ],
                "responses": {},
            }
        },
    },
}


def shop(folder: Path, **table: Any) -> Source:
    (folder / "shop.json").write_text(json.dumps(SHOP))
    return load_openapi("shop", {"document": "shop.json", **table}, folder)


async def test_its_calls_are_sent_as_it_says(tmp_path: Path) -> None:
    with answering(lambda call: json_reply("[]")) as served:
        source = shop(tmp_path, server=f"{served.url}/v2")
        await call(source, "shop_list_orders", state=["new", "sent"], tag=["a", "b"], limit=5)
        await call(source, "shop_add_order", item="tea")
        await call(source, "shop_add_note", id="7", text="by hand", labels=["x", "y"])
        await source.close()  # type: ignore[misc]
    listed, added, noted = served.calls
    assert (listed.method, listed.path) == ("GET", "/v2/orders")
    assert sorted(listed.query.split("&")) == ["limit=5", "state=new,sent", "tag=a", "tag=b"]
    assert json.loads(added.body) == {"item": "tea"}
    assert noted.path == "/v2/orders/7/note"
    assert noted.body == b"text=by%20hand&labels=x,y"


def test_its_schemas_are_checked_and_files_left_out(tmp_path: Path) -> None:
    source = shop(tmp_path)
    tools = tools_of(source)
    assert set(tools) == {"shop_list_orders", "shop_add_order", "shop_add_note"}
    assert any("/orders/{id}/photo" in problem for problem in source.problems)
    assert list(tools["shop_add_order"].parameters["properties"]) == ["limit", "item"]
    for name, wrong in (
        ("shop_list_orders", {"limit": 51}),
        ("shop_list_orders", {"state": ["lost"]}),
        ("shop_add_note", {"id": "7"}),
    ):
        with pytest.raises(InvalidArguments):
            tools[name].validate(wrong)


def test_its_host_is_where_calls_go_and_its_login_is_named(tmp_path: Path) -> None:
    data = {**SHOP, "host": "shop.example.com", "schemes": ["http", "https"]}
    data["security"] = [{"login": []}]
    (tmp_path / "shop.json").write_text(json.dumps(data))
    told = load_openapi("shop", {"document": "shop.json"}, tmp_path).problems
    assert any("basic" in problem for problem in told)
    assert not any("server" in problem for problem in told)
