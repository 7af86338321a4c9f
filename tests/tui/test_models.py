"""`models`: what is fetched, from a real server on loopback, and how it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.loopback import listening
from tui.cli import main
from tui.commands import models
from tui.services import model_download
from tui.services.model_download import DownloadError, Model, download

CONTENT = bytes(range(256)) * 20_000
MODEL = Model("tiny", "who/what/tiny.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "")


@dataclass
class Hub:
    """A server with one file. It ends a connection after `most` bytes; `ranges` it may not know."""

    content: bytes = CONTENT
    most: int = len(CONTENT)
    ranges: bool = True
    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            made.asked.append(self.path)
            begin = begin if made.ranges else 0
            self.send_response(206 if made.ranges and made.status == 200 else made.status)
            if made.ranges:
                whole = len(made.content)
                self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
            self.send_header("Content-Length", str(len(made.content) - begin))
            self.end_headers()
            self.wfile.write(made.content[begin : begin + made.most])

        def log_message(self, *_: object) -> None: ...

    monkeypatch.setattr(model_download, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(models, "MODELS", (MODEL,))
    monkeypatch.setattr(models, "download", lambda m, tell: download(m, tell, hub=made.url))
    with listening(Handler) as made.url:
        yield made


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_broken_off_goes_on(
    hub: Hub, capsys: pytest.CaptureFixture[str], ranges: bool
) -> None:
    hub.most, hub.ranges = 3_000_000, ranges
    assert main(["models", "get", "tiny"]) == 3
    assert MODEL.part.stat().st_size == 3_000_000
    hub.most = len(CONTENT)

    assert main(["models", "get", "tiny"]) == 0

    assert MODEL.file.read_bytes() == CONTENT
    assert not MODEL.part.exists()
    assert hub.asked == ["/who/what/tiny.gguf"] * 2
    out = capsys.readouterr()
    assert out.out == f"{MODEL.file}\n"
    assert "100 %" in out.err


def test_a_file_that_is_there_is_taken(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    MODEL.file.parent.mkdir()
    MODEL.file.write_bytes(CONTENT)

    assert main(["models", "get", "tiny"]) == 0
    assert main(["models", "list", "--json"]) == 0

    assert hub.asked == []
    listed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(row["name"], row["state"]) for row in listed] == [("tiny", "here")]


def test_other_bytes_are_refused(hub: Hub) -> None:
    hub.content = bytes(len(CONTENT))

    assert main(["models", "get", "tiny"]) == 1

    assert not MODEL.file.exists()
    assert not MODEL.part.exists()


def test_another_file_of_that_name_is_left_alone(hub: Hub) -> None:
    MODEL.file.parent.mkdir()
    MODEL.file.write_bytes(b"mine")

    assert main(["models", "get", "tiny"]) == 1

    assert MODEL.file.read_bytes() == b"mine"


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (503, True)])
def test_a_refusal_is_said(hub: Hub, status: int, retryable: bool) -> None:
    hub.status = status
    with pytest.raises(DownloadError, match=str(status)) as caught:
        download(MODEL, lambda there: None, hub=hub.url)
    assert caught.value.retryable == retryable


def test_two_do_not_fetch_it_at_once(hub: Hub) -> None:
    def again(there: int) -> None:
        with pytest.raises(DownloadError, match="another program"):
            download(MODEL, lambda there: None, hub=hub.url)

    assert download(MODEL, again, hub=hub.url) == MODEL.file


def test_a_name_that_is_not_known_is_a_usage_error() -> None:
    assert main(["models", "get", "gpt"]) == 2


def test_every_model_has_a_pinned_source_and_a_checksum() -> None:
    for model in model_download.MODELS:
        assert len(bytes.fromhex(model.sha256)) == 32
        assert len(bytes.fromhex(model.source.split("/")[3])) == 20
        assert model.source.endswith(".gguf")
