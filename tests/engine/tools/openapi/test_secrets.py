"""A document's secrets are no arguments, and its reads are what the catalogue declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.tools.tool import Tool, ToolUserError
from tests.engine.tools.openapi.answers import CONTEXT, answering, json_reply


def parameter(name: str, place: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": {"type": "string"}}


def document(*parameters: dict[str, Any], count: int = 6, **more: Any) -> dict[str, Any]:
    """A chat service in which each of `count` operations lists these."""
    paths = {
        f"/chat.{n}": {"post": {"operationId": f"chat_{n}", "parameters": list(parameters)}}
        for n in range(count)
    }
    return {"openapi": "3.0.0", "info": {"title": "Chat"}, "paths": paths, **more}


def written(folder: Path, data: dict[str, Any], rest: str = "", **table: str) -> Path:
    (folder / "intents").mkdir()
    (folder / "api.json").write_text(json.dumps(data))
    lines = [f"{name} = {value}" for name, value in table.items()]
    (folder / "intents" / "chat.toml").write_text(
        "\n".join(['[openapi]\ndocument = "api.json"', *lines, rest])
    )
    return folder


def tool_named(catalogue: Catalogue, name: str) -> Tool:
    return next(tool for tool in catalogue.tools if tool.name == name)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        *(("token", "query"), ("token", "header"), ("key", "query")),
        *(("X-Api-Key", "header"), ("api_key", "query"), ("acme-access-token", "header")),
    ],
)
def test_a_secret_of_all_operations_is_no_argument(tmp_path: Path, name: str, place: str) -> None:
    shared = document(parameter(name, place, required=True), parameter("text", "query"))
    with_auth = load(written(tmp_path, shared, auth='{ bearer = "CHAT_TOKEN" }'))
    (tmp_path / "without").mkdir()
    without = load(written(tmp_path / "without", shared))
    for catalogue in (with_auth, without):
        assert list(tool_named(catalogue, "chat_chat_1").parameters["properties"]) == ["text"]
        assert tool_named(catalogue, "chat_chat_1").required == ()
    assert any(name in problem and "auth" in problem for problem in without.problems)


@pytest.mark.parametrize(
    "argument",
    [
        parameter("page_token", "query"),
        parameter("keyword", "query"),
        parameter("author", "query"),
        parameter("X-CSRF-Token", "header"),
    ],
)
def test_what_only_sounds_like_a_secret_stays(tmp_path: Path, argument: dict[str, Any]) -> None:
    catalogue = load(written(tmp_path, document(argument)))
    assert len(tool_named(catalogue, "chat_chat_1").parameters["properties"]) == 1


def test_a_token_that_few_operations_take_is_an_argument(tmp_path: Path) -> None:
    data = document(count=6)
    data["paths"]["/devices"] = {
        "post": {"operationId": "register", "parameters": [parameter("token", "query")]}
    }
    catalogue = load(written(tmp_path, data))
    assert "token" in tool_named(catalogue, "chat_register").parameters["properties"]


async def test_an_argument_comes_from_the_environment_and_is_seen_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_TOKEN", "xoxb-very-secret")
    shared = document(parameter("token", "query", required=True), parameter("text", "query"))
    with answering(lambda call: json_reply(json.dumps({"sent": call.query}))) as served:
        folder = written(
            tmp_path,
            {**shared, "servers": [{"url": served.url}]},
            '[arguments."*"]\ntoken = { env = "CHAT_TOKEN" }\n'
            '[summaries]\nchat_chat_1 = "Write {text} with {token}"',
        )
        catalogue = load(folder)
        tool = tool_named(catalogue, "chat_chat_1")
        assert list(tool.parameters["properties"]) == ["text"]
        assert "xoxb" not in tool.summary
        checked = tool.validate({"text": "hello"})
        assert checked == {"text": "hello"}
        result = await tool.run(CONTEXT, checked)
        assert "token=xoxb-very-secret" in served.calls[0].query
        assert "xoxb" not in json.dumps(result)
        await catalogue.close()


def test_a_variable_that_is_not_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAT_TOKEN", raising=False)
    shared = document(parameter("token", "query", required=True))
    folder = written(tmp_path, shared, '[arguments."*"]\ntoken = { env = "CHAT_TOKEN" }')
    assert any("CHAT_TOKEN" in problem for problem in load(folder).problems)


async def test_operations_that_only_read_are_declared(tmp_path: Path) -> None:
    data = document(parameter("path", "query"), count=2)
    data["paths"]["/gone"] = {"delete": {"operationId": "gone"}}

    with answering(lambda call: json_reply('{"error": "no such path"}', 404)) as served:
        data["servers"] = [{"url": served.url}]
        catalogue = load(written(tmp_path, data, read='["chat_0", "gone", "nothing*"]'))
        effects = {tool.name: tool.effect for tool in catalogue.tools}
        assert effects == {
            "chat_chat_0": "read",
            "chat_chat_1": "write",
            "chat_gone": "destructive",
        }
        assert any("nothing*" in problem for problem in catalogue.problems)
        tool = tool_named(catalogue, "chat_chat_0")
        with pytest.raises(ToolUserError):
            await tool.run(CONTEXT, tool.validate({"path": "a"}))
        assert served.calls[0].method == "POST"
        assert "idempotency-key" not in served.calls[0].headers
        await catalogue.close()
