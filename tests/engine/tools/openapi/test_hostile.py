"""Documents that are meant to do harm: each is read in a process of its own, with a bound of
memory, and a time that only what hangs takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import Any

import pytest
import yaml

from engine.intents import source_loader
from engine.intents.catalogue import CatalogueError
from engine.intents.catalogue_schema import SourceFile
from engine.tools.openapi import document as documents
from engine.tools.openapi import load_openapi, operations
from engine.tools.openapi.parsing import parse
from engine.tools.source import SourceError
from engine.tools.tool import InvalidArguments
from tests.engine.tools.openapi.answers import tools_of
from tests.engine.tools.openapi.test_documents import EMPTY, posting, written
from tests.loopback import listening

pytestmark = pytest.mark.slow

# Loads a document and says how many tools it has, or why not.
READER = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (1500 << 20, 1500 << 20))
from engine.tools.source import SourceError
from engine.tools.openapi import load_openapi, operations
from tests.engine.tools.openapi.answers import tools_of
path = Path(sys.argv[1])
try:
    tools = tools_of(load_openapi("k", {"document": path.name}, path.parent))
except SourceError as error:
    print("refused:", error)
else:
    print("tools:", len(tools))
"""


def read_apart(path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.strip()


def ladder(keyword: str, *, levels: int = 30, width: int = 10) -> dict[str, Any]:
    """Each schema refers to the next one ten times: 10^30 ways lead down."""
    schemas: dict[str, Any] = {
        f"S{n}": {keyword: [{"$ref": f"#/components/schemas/S{n + 1}"}] * width}
        for n in range(levels)
    }
    schemas[f"S{levels}"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    return posting({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas})


def discriminated() -> dict[str, Any]:
    made = ladder("allOf")
    variants = [{"$ref": "#/components/schemas/S0"}] * 5
    schema = {"oneOf": variants, "discriminator": {"propertyName": "a"}}
    return posting({"properties": {"x": schema}}, components=made["components"])


def lined(count: int) -> dict[str, Any]:
    schemas = {
        f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}]} for n in range(count)
    }
    return posting({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas})


def referring(count: int) -> dict[str, Any]:
    schemas = {f"S{n}": {"$ref": f"#/components/schemas/S{n + 1}"} for n in range(count)}
    return posting({"$ref": "#/components/schemas/S0"}, components={"schemas": schemas})


def same_names(count: int) -> dict[str, Any]:
    listed = [{"name": f"{'!' * n}", "in": "query"} for n in range(1, count)]
    return {**EMPTY, "paths": {"/a": {"get": {"parameters": listed}}}}


def merging(levels: int = 9, width: int = 9) -> str:
    """`<<` that copies nine mappings, each of which copied nine: 9^9 pairs."""
    lines = ["openapi: 3.1.0", "m0: &m0 {" + ", ".join(f"k{n}: x" for n in range(9)) + "}"]
    for n in range(1, levels):
        lines.append(f"m{n}: &m{n}")
        lines.append(f"  <<: [{', '.join([f'*m{n - 1}'] * width)}]")
    return "\n".join([*lines, "paths: {}"])


def merged_in_line(count: int = 6_000) -> str:
    """Each mapping merges the one before it and adds a pair: the square of their number."""
    lines = ["openapi: 3.1.0", "m0: &m0 {k: x}"]
    lines += [f"m{n}: &m{n} {{<<: *m{n - 1}, k{n}: x}}" for n in range(1, count)]
    return "\n".join([*lines, "paths: {}"])


def laughing() -> str:
    lines = ["openapi: 3.1.0", "l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join([*lines, "paths: {}"])


def repeated_schema() -> str:
    """A schema of a hundred properties that stands once, and is named in ten thousand places."""
    own = ", ".join(f"p{n}: {{type: string}}" for n in range(100))
    lines = ["openapi: 3.1.0", f"x: &x {{type: object, properties: {{{own}}}}}", "paths:"]
    body = "requestBody: {content: {application/json: {schema: {properties: {a: *x, b: *x}}}}}"
    lines += [f"  /p{n}: {{post: {{{body}}}}}" for n in range(10_000)]
    return "\n".join(lines)


HOSTILE: dict[str, Any] = {
    "allOf.json": ladder("allOf"),
    "anyOf.json": ladder("anyOf"),
    "oneOf.json": ladder("oneOf"),
    "discriminated.json": discriminated(),
    "line_of_allOf.json": lined(20_000),
    "line_of_references.json": referring(100_000),
    "circle.json": posting(
        {"$ref": "#/paths/~1a/post/requestBody/content/application~1json/schema"}
    ),
    "alternating.json": posting(
        {"$ref": "#/components/schemas/A"},
        components={
            "schemas": {
                "A": {"anyOf": [{"$ref": "#/components/schemas/B"}]},
                "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]},
            }
        },
    ),
    "same_names.json": same_names(3_000),
    "enum.json": posting({"properties": {"a": {"enum": [f"v{n}" for n in range(200_000)]}}}),
    "deep_schema.json": json.dumps(posting("DEEP")).replace(
        '"DEEP"', '{"properties": {"a": ' * 240 + "{}" + "}}" * 240
    ),
    "deep.json": "[" * 100_000,
    "merging.yaml": merging(),
    "merged_in_line.yaml": merged_in_line(),
    "laughing.yaml": laughing(),
    "repeated_schema.yaml": repeated_schema(),
    "deep.yaml": "[" * 100_000,
    "digits.yaml": "openapi: 3.1.0\npaths: {}\nx: " + "9" * 10_000,
    "digits.json": '{"openapi": "3.1.0", "paths": {}, "x": ' + "9" * 10_000 + "}",
    "odd_keys.yaml": "openapi: 3.1.0\npaths: {? [a, b] : {get: {}}, 5: {get: {}}}",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_read_or_refused_within_bounds(tmp_path: Path, name: str) -> None:
    written(tmp_path, HOSTILE[name], name)
    said = read_apart(tmp_path / name)
    assert said.startswith(("tools: ", f"refused: {tmp_path / name}")), said


def test_of_very_many_paths_the_first_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_OPERATIONS", 2_000)
    paths = {f"/thing{n}/{{id}}": {"get": {"operationId": f"get{n}"}} for n in range(4_000)}
    source = load_openapi("k", written(tmp_path, {**EMPTY, "paths": paths}), tmp_path)
    assert len(tools_of(source)) == 2_000
    assert any("only the first 2,000 operations" in line for line in source.problems)


@pytest.mark.parametrize("make", [merging, merged_in_line, laughing])
def test_aliases_are_counted_before_they_are_written_out(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was expanded")

    monkeypatch.setattr(yaml, "load", never)
    with pytest.raises(ValueError, match=r"merges too much|too large"):
        parse(make().encode())


def test_merges_within_reason_are_read() -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*a, *b], z: *a}\nd: {<<: {q: 1}}"
    assert parse(text.encode()) == {
        "a": {"x": 1},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 2, "z": {"x": 1}},
        "d": {"q": 1},
    }


def test_a_number_that_json_cannot_write_stays_text() -> None:
    assert parse(b'{"a": 1e999, "b": 1.5}') == {"a": "1e999", "b": 1.5}


def test_server_10_half_a_character_in_a_document_is_replaced() -> None:
    assert parse(rb'{"a": "x\ud800y"}') == {"a": "x\ufffdy"}


ELSEWHERE = [
    "../up.yaml", "/etc/hostname", "file:///etc/hostname", "link.yaml", "out/up.yaml",
    "http://127.0.0.1:1/a", "file://host/a.yaml",
]  # fmt: skip


@pytest.mark.parametrize("ref", ELSEWHERE)
def test_references_stay_in_the_documents_folder(tmp_path: Path, ref: str) -> None:
    """By the file named alone, the catalogue's folder is two above it."""
    inside = tmp_path / "catalogue" / "intents"
    inside.mkdir(parents=True)
    for folder in (tmp_path, inside.parent):
        (folder / "up.yaml").write_text("{type: object, properties: {stolen: {type: string}}}")
    (inside / "link.yaml").symlink_to(tmp_path / "up.yaml")
    (inside / "out").symlink_to(tmp_path)
    written(inside, posting({"$ref": ref}))
    path = inside / "api.json"
    source = source_loader.load_source(path, "k", *source_loader.loose_files(path).values())
    assert "stolen" not in json.dumps([dict(t.parameters) for i in source.intents for t in i.tools])
    assert any(f"{ref} was not found" in line for line in source.problems)


def test_references_below_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.yaml").write_text("{properties: {mine: {$ref: 'b.yaml'}}}")
    (tmp_path / "parts" / "b.yaml").write_text("{type: integer}")
    source = load_openapi("k", written(tmp_path, posting({"$ref": "parts/a.yaml"})), tmp_path)
    (tool,) = tools_of(source).values()
    assert tool.parameters["properties"]["mine"]["type"] == "integer"


MALFORMED = [
    "http://[::1/v1",
    "http://host:abc/v1",
    "http://host:99999/",
    "http:///v1",
    "http://a b/",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_server_is_a_problem_and_not_a_traceback(tmp_path: Path, url: str) -> None:
    for document in (
        {**EMPTY, "servers": [{"url": url}], "paths": {"/a": {"get": {}}}},
        {**EMPTY, "paths": {"/a": {"get": {"servers": [{"url": url}]}}}},
    ):
        source = load_openapi("k", written(tmp_path, document), tmp_path)
        assert any("server" in line for line in source.problems)
    with pytest.raises(SourceError, match=r"openapi\.server"):
        load_openapi("k", {**written(tmp_path, document), "server": url}, tmp_path)
    with pytest.raises(CatalogueError):
        source_loader.load_source(
            Path(url), source_loader.name_of(url), *source_loader.loose_files(url).values()
        )


def test_a_pipe_is_no_document(tmp_path: Path) -> None:
    """Opening one that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "api.json")
    assert "not a regular file" in read_apart(tmp_path / "api.json")
    with pytest.raises(SourceError):
        load_openapi("k", {"document": "/dev/zero"}, tmp_path)
    with pytest.raises(SourceError):
        load_openapi("k", {"document": "."}, tmp_path)
    os.mkfifo(tmp_path / "part.yaml")
    written(tmp_path, posting({"$ref": "part.yaml"}), "refers.json")
    assert read_apart(tmp_path / "refers.json") == "tools: 1"


@contextmanager
def trickling(beginning: bytes, drop: bytes) -> Iterator[str]:
    """A server that sends a little more every now and then, and never comes to an end."""
    over = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            try:
                self.request.sendall(beginning)
                while not over.wait(0.05):
                    self.request.sendall(drop)
            except OSError:
                pass

    with listening(Handler) as url:
        try:
            yield f"{url}/api.json"
        finally:
            over.set()


@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{", b" "),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b""),
    ],
)
def test_a_document_that_trickles_in_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes, drop: bytes
) -> None:
    monkeypatch.setattr(documents, "FETCH_LIMIT_S", 0.5)
    with trickling(beginning, drop) as url, pytest.raises(SourceError, match=r"did not come|timed"):
        load_openapi("k", {"document": url}, tmp_path)


def test_a_reference_that_trickles_in_is_given_up_and_the_others_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "FETCH_LIMIT_S", 0.5)
    with trickling(b"", b"") as url:
        slow = SourceFile(openapi={"document": url})
        written(tmp_path, posting({}))
        (tmp_path / "intents").mkdir()
        here = SourceFile(openapi={"document": "api.json"})
        folder = tmp_path / "intents"
        opened = source_loader.load_sources({folder / "a.toml": slow, folder / "b.toml": here})
    assert not opened[folder / "a.toml"].intents
    assert opened[folder / "a.toml"].problems
    assert opened[folder / "b.toml"].intents


@pytest.mark.parametrize("pattern", [r"^\w*\w*\w*\w*\w*;$", "^(a+)+$", r"^(?=(a|aa)+$)"])
@pytest.mark.parametrize("place", ["query", "body", "names"])
def test_no_pattern_of_a_document_holds_the_loop(tmp_path: Path, pattern: str, place: str) -> None:
    """Before, the first took 23 seconds; the others would take longer than anybody lives."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if place == "names":
        schema = {"patternProperties": {pattern: {}}, "additionalProperties": False}
    wanted = {"type": "object", "required": ["q"], "properties": {"q": schema}}
    body = {"requestBody": {"content": {"application/json": {"schema": wanted}}}}
    query = {"parameters": [{"name": "q", "in": "query", "schema": schema}]}
    document = {**EMPTY, "paths": {"/a": {"post": query if place == "query" else body}}}
    (tool,) = tools_of(load_openapi("k", written(tmp_path, document), tmp_path)).values()
    given = "a" * 5_000 + "!"
    with pytest.raises(InvalidArguments):
        tool.validate({"q": {given: 1} if place == "names" else given})
