"""What was made of a document is used again while it is true, and while nobody answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.tools.openapi import cache, load_openapi
from engine.tools.openapi.cache import load_compiled
from engine.tools.openapi.document import from_bytes
from engine.tools.openapi.operations import compiled
from engine.tools.source import Source, SourceError
from tests.engine.tools.openapi.answers import DOCUMENTS, answering, json_reply, tools_of
from tests.engine.tools.openapi.served import Call

API = {
    "openapi": "3.1.0",
    "info": {"title": "A", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:1"}],
    "paths": {
        "/a": {
            "get": {
                "summary": "Look",
                "parameters": [{"name": "q", "in": "query", "schema": {"$ref": "b.json"}}],
            }
        }
    },
}


def shown(source: Source) -> list[Any]:
    tools = [(tool.name, tool.parameters) for tool in tools_of(source).values()]
    return [[(intent.key, intent.examples) for intent in source.groups], tools]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the documents that were parsed, not taken from what was kept."""
    told: list[str] = []

    def telling(data: bytes, uri: str) -> Any:
        told.append(uri)
        return from_bytes(data, uri)

    monkeypatch.setattr(cache, "from_bytes", telling)
    monkeypatch.setattr(cache, "WORTH_KEEPING", 0)
    return told


@pytest.mark.parametrize("name", ["shop.yaml", "modern.json"])
def test_what_is_kept_is_the_same_document(name: str, parsed: list[str]) -> None:
    path = DOCUMENTS / name
    whole = compiled(*from_bytes(path.read_bytes(), path.as_uri()))
    assert [load_compiled(path.as_uri()) for _ in range(2)] == [(whole, "")] * 2
    assert len(parsed) == 1


def _change(folder: Path) -> None:
    changed = json.dumps(API).replace('"q"', '"p"')
    (folder / "api.json").write_text(changed)


def _beside(folder: Path) -> None:
    (folder / "b.json").write_text('{"type": "integer"}')


def _gone(folder: Path) -> None:
    (folder / "b.json").unlink()


def _damage(folder: Path) -> None:
    for path in (folder.parent / "cache").rglob("*.json"):
        path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("change", [_change, _beside, _gone, _damage])
def test_any_change_is_seen(
    tmp_path: Path, parsed: list[str], change: Callable[[Path], None]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "api.json").write_text(json.dumps(API))
    (folder / "b.json").write_text('{"type": "string"}')
    first = [load_openapi("k", {"document": "api.json"}, folder) for _ in range(2)]
    assert shown(first[0]) == shown(first[1])
    change(folder)
    again = load_openapi("k", {"document": "api.json"}, folder)
    assert len(parsed) == 2
    same = (shown(again), again.problems) == (shown(first[0]), first[0].problems)
    assert same == (change is _damage)


def test_a_file_that_appears_is_seen(tmp_path: Path, parsed: list[str]) -> None:
    (tmp_path / "api.json").write_text(json.dumps(API))
    assert load_openapi("k", {"document": "api.json"}, tmp_path).problems
    (tmp_path / "b.json").write_text('{"type": "string"}')
    assert not load_openapi("k", {"document": "api.json"}, tmp_path).problems


def test_while_nobody_answers_the_kept_copy_serves(cache: Path) -> None:
    healthy = True

    def reply(call: Call) -> Any:
        return json_reply(json.dumps(API)) if healthy else (503, {}, b"")

    with answering(reply) as served:
        table = {"document": f"{served.url}/api.json", "server": "http://127.0.0.1:1"}
        first = load_openapi("k", table, Path())
        healthy = False
        second = load_openapi("k", table, Path())
    third = load_openapi("k", table, Path())
    assert shown(first) == shown(second) == shown(third)
    assert "answers 503; what was read of it on" in second.problems[0]
    assert "cannot be fetched" in third.problems[0]
    assert list(tools_of(third)) == ["k_get_a"]
    for path in cache.rglob("*.json"):
        assert path.stat().st_mode & 0o077 == 0
        path.unlink()
    with pytest.raises(SourceError, match="cannot be fetched"):
        load_openapi("k", table, Path())
