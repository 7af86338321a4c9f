"""Answers: what becomes of each kind, and what a refusal says."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from engine.tools.tool import ToolUserError
from tests.engine.tools.openapi.answers import Reply, json_reply, outcome


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (json_reply('[{"id": 1}]'), [{"id": 1}]),
        (json_reply('{"summary": "not ours"}'), {"answer": {"summary": "not ours"}}),
        ((204, {}, b""), {"summary": "Done (204 No Content)."}),
        ((200, {"content-type": "text/plain; charset=latin-1"}, b"caf\xe9"), "café"),
        ((200, {"content-type": "application/json"}, b"{oops"), "{oops"),
        (
            (200, {"content-type": "image/png"}, b"\x89PNG"),
            {"status": 200, "content_type": "image/png", "bytes": 4,
             "note": "not text, so it is not shown"},
        ),
        ((200, {"content-type": "application/json", "content-encoding": "gzip"},
          gzip.compress(b'{"a": 1}')), {"a": 1}),
    ],
)  # fmt: skip
async def test_good_answers(reply: Reply, result: Any) -> None:
    assert (await outcome(lambda _: reply))[0] == result


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, '{"message": "Not Found"}', "The API refused this (404 Not Found: Not Found)."),
        (400, '{"title": "Bad", "detail": "No <b>state</b>"}', "(400 Bad Request: Bad; No state)"),
        (422, '{"detail": [{"loc": ["query", "ids"], "msg": "too many"}]}', "query.ids: too many"),
        (400, '{"error": {"message": "Nope", "code": 7}}', "(400 Bad Request: Nope)"),
        (
            422,
            '{"type": "about:blank", "title": "Invalid", "status": 422,'
            ' "invalid-params": [{"name": "age", "reason": "must be positive"}]}',
            "(422 Unprocessable Entity: Invalid; age: must be positive)",
        ),
        (
            400,
            '{"error": {"code": "Bad", "message": "Invalid", "details":'
            ' [{"code": "x", "target": "sku", "message": "sku is unknown"}]}}',
            ": Invalid; sku: sku is unknown)",
        ),
        (
            400,
            '{"error": {"code": 400, "message": "Invalid", "status": "BAD", "details": [{"@type":'
            ' "x", "fieldViolations": [{"field": "age", "description": "must be > 0"}]}]}}',
            ": Invalid; age: must be > 0)",
        ),
        (
            422,
            '{"errors": [{"status": "422", "source": {"pointer": "/data/attributes/age"},'
            ' "detail": "must be positive"}]}',
            ": age: must be positive)",
        ),
        (
            422,
            '{"errors": {"title": ["is too short"], "age": ["is missing", "is no number"]}}',
            ": title: is too short; age: is missing; age: is no number)",
        ),
        (
            422,
            '{"message": "Failed", "documentation_url": "https://x.example",'
            ' "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]}',
            ": Failed; title: missing_field; resource: Issue)",
        ),
        (
            403,
            '{"title": "No credit", "detail": "It costs 50.", "balance": 30, "accounts": ["/a/1"]}',
            ": No credit; It costs 50.; balance: 30; accounts: /a/1)",
        ),
        (401, '{"message": "s3cret-value"}', ": ***). Check the secret that is sent as X-Key."),
        (501, "", "The API failed (501 Not Implemented)."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["shop_list_orders", "shop_delete_order"])
async def test_refusals_in_words(status: int, body: str, said: str, name: str) -> None:
    given = {"id": "1"} if name == "shop_delete_order" else {}
    result, calls = await outcome(lambda _: json_reply(body, status), name, **given)
    assert isinstance(result, ToolUserError)
    assert said in str(result)
    assert len(calls) == 1
