"""What a document may make a call send, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.tools.approval_policy import evaluate_policy
from engine.tools.function import tool_from_function
from engine.tools.openapi import load_openapi
from engine.tools.source import SourceError
from engine.tools.tool import InvalidArguments, Tool, ToolUserError
from tests.engine.tools.openapi.answers import CONTEXT, answering, call, json_reply, tools_of
from tests.engine.tools.openapi.test_documents import EMPTY, posting, written


def verdicts(tools: dict[str, Tool]) -> dict[str, str]:
    return {name: evaluate_policy(tool.effect, tool.policy, {})[0] for name, tool in tools.items()}


def test_reads_that_a_fetched_document_sends_elsewhere_ask() -> None:
    elsewhere = [
        "http://169.254.169.254/latest", "http://127.0.0.1:1", "http://192.168.0.1", "http://[::1]:8",
        "https://api.example.com", "//10.0.0.1/x",
    ]  # fmt: skip
    paths: dict[str, Any] = {
        f"/{n}": {"get": {"operationId": f"get{n}", "servers": [{"url": url}]}}
        for n, url in enumerate(elsewhere)
    }
    paths["/own"] = {"get": {"operationId": "own"}}
    paths["/near"] = {"get": {"operationId": "near", "servers": [{"url": "../v2"}]}}
    document = json.dumps({**EMPTY, "servers": [{"url": "/v1"}], "paths": paths})
    with answering(lambda _: json_reply(document)) as served:
        address = f"{served.url}/api.json"
        source = load_openapi("k", {"document": address}, Path())
        told = verdicts(tools_of(source))
        assert told == {
            **{f"k_get{n}": "ask" for n in range(len(elsewhere))},
            "k_own": "auto",
            "k_near": "auto",
        }
        assert sum("another server than its own" in line for line in source.problems) == len(
            elsewhere
        )
        named = load_openapi("k", {"document": address, "server": "http://127.0.0.1:1"}, Path())
        assert set(verdicts(tools_of(named)).values()) == {"auto"}


def test_a_document_on_this_machine_names_its_server(tmp_path: Path) -> None:
    document = {**EMPTY, "servers": [{"url": "http://10.0.0.1"}], "paths": {"/a": {"get": {}}}}
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    assert verdicts(tools_of(source)) == {"k_get_a": "auto"}


async def test_a_redirect_to_another_port_is_not_followed(tmp_path: Path) -> None:
    with answering(lambda _: json_reply('"stolen"')) as other:
        for location in (other.url, other.url.replace("http:", "https:"), "http://[::1", "//x"):
            with answering(lambda _, to=location: (302, {"location": to}, b"")) as served:  # type: ignore[misc]
                document = {**EMPTY, "servers": [{"url": served.url}], "paths": {"/a": {"get": {}}}}
                source = load_openapi("k", written(tmp_path, document), tmp_path)
                with pytest.raises(ToolUserError, match="not followed"):
                    await call(source, "k_get_a")
                with pytest.raises(SourceError, match="has moved"):
                    load_openapi("k", {"document": served.url}, Path())
    assert not other.calls


FRAMING = [
    "Host", "content-length", "Transfer-Encoding", "Connection", "Cookie", "Authorization", "TE",
    "Content_Length", "Proxy-Authorization", "Upgrade", "Expect", "X-HTTP-Method-Override",
    "Idempotency-Key", "Accept-Encoding", "X\r\nHost", "a b", "Host ", "X:Y",
]  # fmt: skip


async def test_headers_that_frame_a_message_are_not_offered_or_sent(tmp_path: Path) -> None:
    listed = [
        {"name": name, "in": "header", "required": True, "schema": {}}
        for name in (*FRAMING, "X-Mine")
    ]
    with answering(lambda _: json_reply('"ok"')) as served:
        document = {
            **EMPTY,
            "servers": [{"url": served.url}],
            "paths": {"/a": {"get": {"parameters": listed}}},
        }
        source = load_openapi("k", written(tmp_path, document), tmp_path)
        (tool,) = tools_of(source).values()
        assert list(tool.parameters["properties"]) == ["X_Mine"]
        with pytest.raises(InvalidArguments):
            tool.validate({"X_Mine": "a", "Host": "evil"})
        assert await call(source, "k_get_a", X_Mine="a") == "ok"
    (made,) = served.calls
    assert made.headers["host"] == served.url.removeprefix("http://")
    assert made.headers["x-mine"] == "a"


@pytest.mark.parametrize(
    "value",
    ["a\r\nX: y", ["a", "b\nc"], {"a\r\n": "b"}, {"a": ["b\x00"]}, ["é"], "\ud800"],
)
def test_no_line_break_gets_into_a_header(tmp_path: Path, value: Any) -> None:
    listed = [{"name": "X-Mine", "in": "header", "schema": {}}]
    document = {**EMPTY, "paths": {"/a": {"get": {"parameters": listed}}}}
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    with pytest.raises(InvalidArguments):
        tools_of(source)["k_get_a"].validate({"X_Mine": value})


@pytest.mark.parametrize(
    ("style", "explode", "value"),
    [
        ("simple", False, [".."]),
        ("simple", True, ["."]),
        ("simple", False, [""]),
        ("label", True, ["", ""]),
        ("label", False, ["."]),
        ("label", False, ""),
    ],
)
def test_no_list_leaves_its_place_in_the_path(
    tmp_path: Path, style: str, explode: bool, value: Any
) -> None:
    """`/users/{ids}/items` with `[".."]` would be `/items`, the items of everybody."""
    schema = {"type": ["array", "string"], "items": {"type": "string"}}
    ids = {"name": "ids", "in": "path", "required": True, "schema": schema}
    told = {**ids, "style": style, "explode": explode}
    document = {**EMPTY, "paths": {"/users/{ids}/items": {"delete": {"parameters": [told]}}}}
    (tool,) = tools_of(load_openapi("k", written(tmp_path, document), tmp_path)).values()
    with pytest.raises(InvalidArguments):
        tool.validate({"ids": value})
    assert tool.validate({"ids": ["a.b", "..c"]}) == {"ids": ["a.b", "..c"]}


@pytest.mark.parametrize("host", ["10.0.0.1", "api.invalid", "127.evil.invalid"])
async def test_a_secret_is_not_sent_unencrypted(tmp_path: Path, host: str) -> None:
    document = {
        **EMPTY,
        "servers": [{"url": f"http://{host}"}],
        "paths": {"/a": {"get": {}}, "/b": {"get": {"security": []}}},
    }
    table = {**written(tmp_path, document), "auth": {"bearer": "TOKEN"}}
    source = load_openapi("k", table, tmp_path, environ={"TOKEN": "top-secret"})
    assert any(host in told and "unencrypted" in told for told in source.problems)
    with pytest.raises(ToolUserError, match=r"Nothing was sent: .* unencrypted"):
        await call(source, "k_get_a")


@pytest.mark.parametrize("place", ["query", "body"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, float("-inf")]])
def test_server_16_what_json_does_not_have_is_refused(
    tmp_path: Path, place: str, value: Any
) -> None:
    listed = {"parameters": [{"name": "a", "in": "query", "schema": {}}]}
    document = posting({"properties": {"a": {}}})
    if place == "query":
        document = {**EMPTY, "paths": {"/a": {"post": listed}}}
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    with pytest.raises(InvalidArguments):
        tools_of(source)["k_post_a"].validate({"a": value})


@pytest.mark.parametrize(
    "body", [rb'{"a": "\ud800", "\udfff": [NaN, 1e999]}', b'{"a": "x", "b": -Infinity}']
)
async def test_server_10_and_16_an_answer_can_always_be_written_again(
    tmp_path: Path, body: bytes
) -> None:
    with answering(lambda _: (200, {"content-type": "application/json"}, body)) as served:
        document = {**EMPTY, "servers": [{"url": served.url}], "paths": {"/a": {"get": {}}}}
        result = await call(load_openapi("k", written(tmp_path, document), tmp_path), "k_get_a")
    json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
    assert "a" in result


async def test_server_10_half_a_character_is_sent_as_a_visible_one(tmp_path: Path) -> None:
    with answering(lambda _: json_reply('"ok"')) as served:
        document = {
            **posting({"properties": {"a": {"type": "string"}}}),
            "servers": [{"url": served.url}],
        }
        source = load_openapi("k", written(tmp_path, document), tmp_path)
        assert await call(source, "k_post_a", a="x\ud800") == "ok"
    assert json.loads(served.calls[0].body) == {"a": "x\ufffd"}


BINARY = {"type": "string", "format": "binary"}


def sending(kind: str, schema: Any, **more: Any) -> dict[str, Any]:
    media = {"schema": schema, **{k: v for k, v in more.items() if k == "encoding"}}
    rest = {k: v for k, v in more.items() if k != "encoding"}
    return {**EMPTY, "paths": {"/a": {"post": {"requestBody": {"content": {kind: media}, **rest}}}}}


@pytest.mark.parametrize(
    "document",
    [
        sending("multipart/form-data", {"properties": {"f": BINARY}, "required": ["f"]}),
        sending("multipart/form-data", {"properties": {"f": BINARY, "about": {"type": "string"}}}),
        sending("multipart/form-data", {"properties": {"f": {"type": "array", "items": BINARY}}}),
        sending("multipart/form-data", {"properties": {"f": {"oneOf": [BINARY, {}]}}}),
        sending("multipart/form-data", BINARY),
        sending("multipart/form-data", {"properties": {"f": {"contentMediaType": "image/png"}}}),
        sending(
            "multipart/form-data",
            {"properties": {"f": {"type": "string"}}, "required": ["f"]},
            encoding={"f": {"contentType": "image/png, image/jpeg"}},
        ),
        sending("application/octet-stream", BINARY, required=True),
        sending("application/octet-stream", {"type": "string"}),
        sending("image/png", {}),
        sending("application/zip", {}, required=True),
        sending("text/plain", BINARY, required=True),
    ],
)  # fmt: skip
def test_server_19_what_sends_a_file_is_left_out_and_named(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    assert not tools_of(source)
    assert any("POST /a is left out" in line for line in source.problems)


@pytest.mark.parametrize(
    ("document", "arguments"),
    [
        (
            sending(
                "multipart/form-data",
                {"properties": {"f": BINARY, "t": {"type": "string"}}, "required": ["t"]},
            ),
            ["t"],
        ),
        (sending("image/png", {}, required=False), []),
        (sending("text/csv", {"type": "string"}), ["body"]),
        (sending("application/xml", {}), ["body"]),
        (sending("multipart/form-data", {"properties": {"t": {"type": "string"}}}), ["t"]),
    ],
)
def test_server_19_what_can_be_sent_without_a_file_is_offered(
    tmp_path: Path, document: dict[str, Any], arguments: list[str]
) -> None:
    source = load_openapi("k", written(tmp_path, document), tmp_path)
    (tool,) = tools_of(source).values()
    assert list(tool.parameters["properties"]) == arguments
    with pytest.raises(InvalidArguments):
        tool.validate({**dict.fromkeys(arguments, "x"), "f": "/etc/passwd"})


async def test_server_10_and_16_a_function_s_result_can_always_be_written() -> None:
    def odd() -> dict[str, Any]:
        return {"a": "x\ud800", "b": [float("nan"), 1.5]}

    result = await tool_from_function(odd).run(CONTEXT, {})
    json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
    assert result["a"] == "x\ufffd"
