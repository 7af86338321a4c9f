"""A loopback server that answers from an OpenAPI document, read independently of the engine.

It knows the document's paths and methods, refuses what the document does not have, and answers
with the example, or with data made from the schema, of the first good answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import listening

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass
class Call:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    matched: str = ""


@dataclass
class Served:
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Described:
    """What a document says of its paths."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._routes: list[tuple[int, re.Pattern[str], str, Mapping[str, Any]]] = []
        for path, item in (root.get("paths") or {}).items():
            found = self.follow(item)
            for method in METHODS:
                if isinstance(found.get(method), Mapping):
                    fixed = path.split("#")[0].split("?")[0]
                    parts = re.split(r"\{[^{}]+\}", fixed)
                    pattern = "([^/]+)".join(re.escape(part) for part in parts)
                    shared = found.get("parameters") or []
                    told = {**found[method], "path_parameters": shared, "path": path}
                    weight = len(parts) - 1
                    self._routes.append((weight, re.compile(pattern), method.upper(), told))
        self._routes.sort(key=lambda route: route[0])

    def follow(self, item: Any) -> dict[str, Any]:
        for _ in range(20):
            if not (isinstance(item, Mapping) and isinstance(item.get("$ref"), str)):
                break
            target: Any = self._root
            for part in item["$ref"].removeprefix("#/").split("/"):
                name = part.replace("~1", "/").replace("~0", "~")
                target = target[int(name)] if isinstance(target, list) else target.get(name, {})
            item = target
        return dict(item) if isinstance(item, Mapping) else {}

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        for _, pattern, own, told in self._routes:
            if own == method and pattern.fullmatch(path):
                return told
        return None

    def missing(self, told: Mapping[str, Any], query: str, headers: Mapping[str, str]) -> str:
        """A required query parameter or header that the request does not have."""
        given = parse_qs(query, keep_blank_values=True)
        for parameter in [*told["path_parameters"], *(told.get("parameters") or [])]:
            found = self.follow(parameter)
            if not found.get("required"):
                continue
            name = str(found.get("name", ""))
            objects = self.follow(found.get("schema")).get("type") in ("object", "array")
            if found.get("in") == "query" and not objects and name not in given:
                return name
            ours = name.lower() in ("accept", "content-type", "authorization")
            if found.get("in") == "header" and not ours and name.lower() not in headers:
                return name
        return ""

    def answer(self, told: Mapping[str, Any]) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        answers = told.get("responses") or {}
        good = sorted(str(s) for s in answers if str(s).startswith("2")) or ["200"]
        status = int(good[0]) if good[0].isdigit() else 200
        content = self.follow(answers.get(good[0])).get("content") or {}
        kind = next((k for k in content if "json" in k), next(iter(content), ""))
        if not kind or status == 204:
            return status, "", b""
        media = self.follow(content[kind])
        if "json" not in kind:
            return status, kind if "*" not in kind else "text/plain", b"plain words"
        if "example" in media:
            data = media["example"]
        elif media.get("examples"):
            data = self.follow(next(iter(media["examples"].values()))).get("value")
        else:
            data = self.made(media.get("schema"), 4)
        return status, kind if "*" not in kind else "application/json", json.dumps(data).encode()

    def made(self, schema: Any, depth: int) -> Any:
        found = self.follow(schema)
        if "example" in found:
            return found["example"]
        if found.get("enum"):
            return found["enum"][0]
        for word in ("allOf", "oneOf", "anyOf"):
            if found.get(word):
                parts = [self.made(part, depth - 1) for part in found[word]] if depth else [{}]
                if word == "allOf" and all(isinstance(part, dict) for part in parts):
                    return {k: v for part in parts for k, v in part.items()}
                return parts[0]
        kind = found.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "array":
            return [self.made(found.get("items"), depth - 1)] if depth > 0 else []
        if kind == "object" or "properties" in found:
            properties = found.get("properties") or {}
            return {k: self.made(v, depth - 1) for k, v in properties.items()} if depth > 0 else {}
        return {"integer": 1, "number": 1.5, "boolean": True, "null": None}.get(str(kind), "text")


@contextmanager
def serve(root: Mapping[str, Any]) -> Iterator[Served]:
    """The document's API on a loopback port."""
    described, state = Described(root), Served()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait for each other

        def _any(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(size)
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, url.path, url.query, headers, body)
            state.calls.append(call)
            told = described.operation(self.command, url.path)
            if told is None:
                state.refused.append(f"{self.command} {url.path}")
                self._send(404, "application/json", b'{"message": "no such operation"}')
                return
            call.matched = told["path"]
            lacking = described.missing(told, url.query, headers)
            if lacking:
                state.refused.append(f"{self.command} {told['path']} lacks {lacking}")
                self._send(422, "application/json", b'{"message": "something is missing"}')
                return
            self._send(*described.answer(told))

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            if kind:
                self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = _any
        do_OPTIONS = do_HEAD = do_PATCH = do_TRACE = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with listening(Handler) as state.url:
        yield state


def sample(schema: Mapping[str, Any], *, everything: bool = False) -> Any:
    """A value that a prompt's schema takes: its required properties, or all of them."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("anyOf"):
        return sample(schema["anyOf"][0], everything=everything)
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    match schema.get("type"):
        case "object" | None if "properties" in schema:
            wanted = schema["properties"] if everything else schema.get("required", ())
            return {
                name: sample(schema["properties"].get(name, {}), everything=everything)
                for name in wanted
            }
        case "object":
            return {}
        case "array":
            item = sample(schema.get("items", {}), everything=everything)
            return [item] * schema.get("minItems", 1) if item is not None else []
        case "integer" | "number":
            step = schema.get("multipleOf", 1)
            value = max(step, -(-low // step) * step) if step else low
            return min(value, schema.get("maximum", value))
        case "boolean":
            return True
        case "null":
            return None
    return _text(schema)


def _text(schema: Mapping[str, Any]) -> str:
    formats = {
        "date": "2026-01-31",
        "date-time": "2026-01-31T12:00:00Z",
        "email": "person@example.com",
        "uri": "https://example.com/page",
        "uuid": "123e4567-e89b-42d3-a456-426614174000",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
    }
    if schema.get("pattern"):
        return _matching(
            schema["pattern"], schema.get("minLength", 1), schema.get("maxLength", 1000)
        )
    text = formats.get(str(schema.get("format")), "words")
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema.get("maxLength", len(text))]


@cache
def _matching(pattern: str, shortest: int, longest: int) -> str:
    from hypothesis import find, settings
    from hypothesis.errors import HypothesisException
    from hypothesis.strategies import from_regex

    try:
        found: str = find(
            from_regex(pattern),
            lambda s: shortest <= len(s) <= longest and s.isprintable() and s.isascii(),
            settings=settings(max_examples=200, database=None),
        )
    except HypothesisException:
        return "words"
    return found
