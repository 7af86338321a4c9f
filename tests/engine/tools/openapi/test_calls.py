"""Calls: what is sent for which arguments, and what becomes of each kind of answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.call_summary import summarize_call
from engine.tools.openapi import load_openapi
from engine.tools.openapi.client import MAX_BYTES
from engine.tools.openapi.request import build
from engine.tools.preset_arguments import with_presets
from engine.tools.source import SourceError
from engine.tools.tool import InvalidArguments, OutcomeUnknown, ToolUserError
from tests.engine.tools.openapi.answers import (
    AUTH,
    CONTEXT,
    DOCUMENTS,
    KEY,
    Reply,
    answering,
    call,
    json_reply,
    load,
    outcome,
    tools_of,
)
from tests.engine.tools.openapi.served import Call


async def sent(name: str, /, **arguments: Any) -> Call:
    """The request that one call makes."""
    with answering(lambda _: json_reply("{}")) as served:
        await call(load(server=served.url, environ=KEY, **AUTH), name, **arguments)
    (made,) = served.calls
    return made


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({"state": "on"}, "state=on"),
        ({"tags": ["a b", "c,d"]}, "tags=a%20b,c%2Cd"),
        ({"ids": [1, 2]}, "ids=1&ids=2"),
        ({"piped": ["x", "y"]}, "piped=x%7Cy"),
        (
            {"filter": {"min": 2.0, "by": {"name": "é&="}}},
            "filter[min]=2&filter[by][name]=%C3%A9%26%3D",
        ),
        ({"page": {"size": 5}}, "size=5"),
        ({"where": {"a": [1]}}, "where=%7B%22a%22%3A%20%5B1%5D%7D"),
        ({"tags": []}, ""),
    ],
)
async def test_query_styles(arguments: dict[str, Any], query: str) -> None:
    assert (await sent("shop_list_orders", **arguments)).query == query


async def test_headers_cookies_and_the_secret() -> None:
    made = await sent("shop_list_orders", session="a;b", X_Trace="t1")
    assert made.headers["cookie"] == "session=a%3Bb"
    assert made.headers["x-trace"] == "t1"
    assert made.headers["x-key"] == "s3cret-value"
    assert "idempotency-key" not in made.headers


async def test_path_styles() -> None:
    made = await sent("shop_styles", coords=[1, 2], name="a/b", items=["x", "y,z"])
    assert made.path == "/matrix/;coords=1;coords=2/label/.a%2Fb/list/x,y%2Cz"


async def test_a_json_body() -> None:
    made = await sent("shop_create_order", amount=2, day="2024-01-31", note=None)
    assert json.loads(made.body) == {"amount": 2, "day": "2024-01-31", "note": None}
    assert made.headers["content-type"] == "application/json"
    assert made.headers["idempotency-key"] == "01ACTION"


async def test_a_form_and_text() -> None:
    form = {"id": "7", "body_id": "8", "name": "a&b", "parts": ["x", "y"], "address": {"city": "Z"}}
    made = await sent("shop_orders_rename", **form)
    assert made.path == "/orders/7"
    assert made.body == b"id=8&name=a%26b&parts=x&parts=y&address[city]=Z"
    assert (await sent("shop_write_note", body="héllo")).body == "héllo".encode()


@pytest.mark.parametrize("value", ["../admin", "a/../b", "..", ".", "", " ", "a\\..\\b", "a\nb"])
def test_a_value_that_would_leave_its_place_in_the_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidArguments):
        tools_of(load())["shop_delete_order"].validate({"id": value})


@given(st.text(min_size=1))
def test_no_value_changes_the_path(value: str) -> None:
    operation = {
        "method": "GET", "path": "/a/{x}/b", "accept": "*/*", "body": None,
        "arguments": [{"name": "x", "as": "x", "in": "path", "style": "simple", "explode": False}],
    }  # fmt: skip
    try:
        path = build(operation, {"x": value}, "http://h").url.removeprefix("http://h")
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry and HTTP cannot
        return
    first, a, inner, b = path.split("/")
    assert (first, a, b) == ("", "a", "b")
    assert not set(inner) & set("/?#\\ \r\n")


async def test_what_the_catalogue_settles_is_sent_and_not_seen() -> None:
    with answering(lambda _: json_reply("{}")) as served:
        source = load(server=served.url, environ=KEY, **AUTH)
        tool = with_presets(tools_of(source)["shop_orders_rename"], {"id": "7", "body_id": "{8}"})
        assert (
            summarize_call(tool, {"name": "Ann"})
            == "Rename an order · PUT /orders/7 · body id {8}, name Ann"
        )
        assert set(tool.required) == {"name"}
        await tool.run(CONTEXT, tool.validate({"name": "Ann", "id": "9"}))
    assert (served.calls[0].path, served.calls[0].body) == ("/orders/7", b"id=%7B8%7D&name=Ann")


def test_a_header_takes_no_line_break() -> None:
    with pytest.raises(InvalidArguments, match="control characters"):
        tools_of(load())["shop_list_orders"].validate({"X_Key": "k", "X_Trace": "a\r\nb: c"})


async def test_a_read_is_tried_again_a_change_is_not() -> None:
    answers = iter([None, json_reply("{}", 503, retry_after="0"), json_reply('{"a": 1}')])
    result, calls = await outcome(lambda _: next(answers))
    assert (result, len(calls)) == ({"a": 1}, 3)
    for reply in (json_reply("{}", 503), None):
        result, calls = await outcome(lambda _, r=reply: r, "shop_delete_order", id="1")  # type: ignore[misc]
        assert isinstance(result, OutcomeUnknown)
        assert "may or may not have been done" in str(result)
        assert len(calls) == 1


async def test_a_long_wait_is_told_and_not_waited_for() -> None:
    result, calls = await outcome(lambda _: json_reply("{}", 429, retry_after="3600"))
    assert "Try again in 3600 seconds" in str(result)
    assert len(calls) == 1


async def test_nobody_there() -> None:
    source = load(server="http://127.0.0.1:1", environ=KEY, **AUTH)
    with pytest.raises(ToolUserError, match="Nothing was changed"):
        await call(source, "shop_delete_order", id="1")


async def test_too_much_is_not_read() -> None:
    huge = (200, {"content-type": "application/json"}, b'"' + b"x" * (MAX_BYTES + 10) + b'"')
    bomb = gzip.compress(b"x" * (8 * MAX_BYTES))
    packed = (200, {"content-type": "text/plain", "content-encoding": "gzip"}, bomb)
    for reply in (huge, packed):
        result, _ = await outcome(lambda _, r=reply: r)  # type: ignore[misc]
        assert "larger than 4 MiB" in str(result)
    result, _ = await outcome(lambda _: huge, "shop_delete_order", id="1")
    assert result["note"] == "left out", "it was done all the same"


async def test_redirects_stay_on_the_host() -> None:
    def near(c: Call) -> Reply:
        return (302, {"location": "/there"}, b"") if c.path == "/orders" else json_reply('"ok"')

    result, calls = await outcome(near)
    assert result == "ok"
    assert calls[1].headers["x-key"] == "s3cret-value"

    with answering(lambda _: json_reply("{}")) as other:
        away = other.url.replace("127.0.0.1", "localhost") + "/steal"
        result, _ = await outcome(lambda _: (302, {"location": away}, b""))
        assert "which is not followed" in str(result)
        result, _ = await outcome(
            lambda _: (307, {"location": away}, b""), "shop_delete_order", id="1"
        )
        assert isinstance(result, ToolUserError)
    assert not other.calls


async def test_a_redirected_change() -> None:
    def seen(status: int) -> Callable[[Call], Reply]:
        return lambda c: (
            (status, {"location": "/done"}, b"") if c.path != "/done" else json_reply('"ok"')
        )

    body = {"amount": 1, "day": "2024-01-31"}
    result, calls = await outcome(seen(303), "shop_create_order", **body)
    assert (result, [c.method for c in calls]) == ("ok", ["POST", "GET"])
    result, calls = await outcome(seen(307), "shop_create_order", **body)
    assert (result, [c.method for c in calls]) == ("ok", ["POST", "POST"])
    assert calls[1].body == calls[0].body
    result, calls = await outcome(seen(301), "shop_create_order", **body)
    assert isinstance(result, OutcomeUnknown)
    assert len(calls) == 1
    result, calls = await outcome(lambda c: (302, {"location": c.path}, b""))
    assert "redirects without end" in str(result)


async def test_cookies_of_a_server_are_not_kept() -> None:
    with answering(lambda _: json_reply("{}", set_cookie="sid=1; Path=/")) as served:
        source = load(server=served.url, environ=KEY, **AUTH)
        tool = tools_of(source)["shop_list_orders"]
        await tool.run(CONTEXT, {})
        await call(source, "shop_list_orders")
    assert "cookie" not in served.calls[1].headers


@pytest.mark.parametrize(
    ("auth", "environ", "sent_as"),
    [
        ({"bearer": "TOKEN"}, {"TOKEN": "abcdef"}, ("authorization", "Bearer abcdef")),
        ({"basic": "U:P"}, {"U": "me", "P": "word"}, ("authorization", "Basic bWU6d29yZA==")),
        ({"api_key": "K", "name": "X-Other"}, {"K": "abcdef"}, ("x-other", "abcdef")),
        ({"api_key": "K", "name": "sid", "in": "cookie"}, {"K": "ab=c"}, ("cookie", "sid=ab%3Dc")),
    ],
)
async def test_ways_to_prove_who_asks(
    auth: dict[str, str], environ: dict[str, str], sent_as: tuple[str, str]
) -> None:
    with answering(lambda c: json_reply(json.dumps(c.headers))) as served:
        source = load(server=served.url, environ=environ, auth=auth)
        echoed = await call(source, "shop_delete_order", id="1")
    assert served.calls[0].headers[sent_as[0]] == sent_as[1]
    assert "abcdef" not in json.dumps(echoed)
    assert "bWU6d29yZA==" not in json.dumps(echoed)


async def test_a_key_in_the_query_of_several() -> None:
    auth = [{"api_key": v, "name": n, "in": "query"} for v, n in (("A", "key"), ("B", "tags"))]
    with answering(lambda _: json_reply("{}")) as served:
        source = load(server=served.url, environ={"A": "a&b&", "B": "word"}, auth=auth)
        assert "tags" not in tools_of(source)["shop_list_orders"].parameters["properties"]
        await call(source, "shop_list_orders", state="on")
    assert served.calls[0].query == "state=on&key=a%26b%26&tags=word"


RELATIVE: dict[str, Any] = {
    "/pay": {"post": {"servers": [{"url": "/billing/v2"}]}},
    "/refund": {"servers": [{"url": "../v9"}], "post": {}},
    "/list": {"get": {}},
}


async def test_an_operations_own_server_is_never_another_one(tmp_path: Path) -> None:
    def written(servers: list[str]) -> dict[str, Any]:
        listed = [{"url": url} for url in servers]
        document = {"openapi": "3.1.0", "info": {}, "servers": listed, "paths": RELATIVE}
        (tmp_path / "api.json").write_text(json.dumps(document))
        return {"document": "api.json"}

    with answering(lambda _: json_reply("{}")) as served:
        source = load_openapi("k", written([f"{served.url}/v1"]), tmp_path)
        for name in ("k_post_pay", "k_get_list"):
            await call(source, name)
        with pytest.raises(ToolUserError, match=r"Nothing was sent: what an operation's server '"):
            await call(source, "k_post_refund")
        assert any("'../v9'" in p and "(1 of 3 operations)" in p for p in source.problems)

        told = load_openapi("k", {**written(["/api/v3"]), "server": f"{served.url}/v8"}, tmp_path)
        for name in ("k_post_pay", "k_post_refund", "k_get_list"):
            await call(told, name)
        assert not told.problems
    paths = [made.path for made in served.calls]
    assert paths[:2] == ["/billing/v2/pay", "/v1/list"]
    assert paths[2:] == ["/billing/v2/pay", "/v9/refund", "/v8/list"]

    source = load_openapi("k", written(["/api/v3"]), tmp_path)
    assert source.problems == (
        "k: the document names only a part of its server's address, '/api/v3': "
        'add server = "https://HOST/api/v3" to [openapi]',
    )
    with pytest.raises(ToolUserError, match="HOST/api/v3"):
        await call(source, "k_get_list")


async def test_without_the_secret_nothing_is_sent() -> None:
    with answering(lambda _: json_reply("{}")) as served:
        source = load(server=served.url, **AUTH)
        assert "shop: KEY is not set, so calls will be refused" in source.problems
        with pytest.raises(ToolUserError, match="Nothing was sent: KEY is not set"):
            await call(source, "shop_list_orders")
    assert not served.calls


async def test_a_fetched_document_cannot_send_the_secret_elsewhere() -> None:
    with answering(lambda _: json_reply("{}")) as elsewhere:
        document = {
            "openapi": "3.1.0",
            "info": {"title": "T", "version": "1"},
            "servers": [{"url": elsewhere.url.replace("127.0.0.1", "localhost")}],
            "paths": {"/a": {"get": {}}},
        }
        with answering(lambda _: json_reply(json.dumps(document))) as home:
            table = {"document": f"{home.url}/api.json", "auth": {"bearer": "TOKEN"}}
            source = load_openapi("k", table, Path(), environ={"TOKEN": "abcdef"})
            assert "the secret is not sent to localhost" in source.problems[0]
            await call(source, "k_get_a")
    assert "authorization" not in elsewhere.calls[0].headers


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "openapi.document: Field required"),
        ({"document": "shop.yaml", "colour": 1}, "openapi.colour"),
        ({"document": "shop.yaml", "server": "ftp://x"}, "openapi.server"),
        ({"document": "shop.yaml", "server": "https://me:word@x"}, "openapi.server: no user"),
        ({"document": "shop.yaml", "auth": {"bearer": "A", "basic": "B:C"}}, "needs one of"),
        ({"document": "shop.yaml", "auth": {"bearer": "A", "name": "X"}}, "belong to api_key"),
        ({"document": "shop.yaml", "auth": {"basic": "ONLY_USER"}}, "USER_VARIABLE"),
        ({"document": "shop.yaml", "auth": {"api_key": "K", "in": "body"}}, "openapi.auth"),
        ({"document": "modern.json", "auth": {"api_key": "K"}}, "say where the key goes"),
    ],
)
def test_the_key_that_is_wrong_is_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceError) as caught:
        load_openapi("k", table, DOCUMENTS, environ={})
    assert said in str(caught.value)


def test_a_secret_in_the_file_is_not_repeated() -> None:
    with pytest.raises(SourceError) as caught:
        load(auth={"bearer": "sk-live-1234"})
    assert "never the secrets themselves" in str(caught.value)
    assert "1234" not in str(caught.value)
