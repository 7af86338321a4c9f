"""What a server does not take is found out once, also by the next start."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine import cache
from engine.llm import server_capabilities
from engine.llm.server_capabilities import (
    ServerCapabilities,
    keep_capabilities,
    kept_capabilities,
)

URL = "http://localhost:11434/v1"
WEEK_S = 7 * 24 * 3600.0


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(server_capabilities, "FRESH_S", WEEK_S)


def test_what_was_found_out_holds_for_the_next_start() -> None:
    found = ServerCapabilities(separates_thoughts=True)
    found.learn(400, "unknown field: stream_options", None, structured=False)
    found.learn(400, "response_format is not supported", None, structured=True)
    found.bounded.add("tiny-1b")
    found.prose.add("tiny-1b")
    keep_capabilities(URL, found)

    kept = kept_capabilities(URL)

    assert (kept.dropped, kept.rung, kept.bounded) == ({"stream_options"}, "function", {"tiny-1b"})
    # Whether a reply may be shown as it comes is found out anew.
    assert not kept.streams_prose("tiny-1b")
    assert kept_capabilities("http://localhost:1/v1") == ServerCapabilities()


def test_after_a_week_all_is_asked_for_again() -> None:
    found = ServerCapabilities(rung="label")
    keep_capabilities(URL, found)
    path = cache.path_for("capabilities", URL)
    old = time.time() - WEEK_S - 60
    os.utime(path, (old, old))

    assert kept_capabilities(URL) == ServerCapabilities()


def test_what_is_known_already_does_not_become_newer() -> None:
    keep_capabilities(URL, ServerCapabilities(rung="label"))
    path = cache.path_for("capabilities", URL)
    then = time.time() - 60
    os.utime(path, (then, then))

    keep_capabilities(URL, kept_capabilities(URL))

    assert path.stat().st_mtime == pytest.approx(then)


def test_nothing_found_out_is_nothing_kept() -> None:
    keep_capabilities(URL, ServerCapabilities())

    assert not cache.path_for("capabilities", URL).exists()


@pytest.mark.parametrize("text", ["", "[]", '{"rung": "none"}', '{"dropped": 3}'])
def test_a_damaged_file_is_nothing_known(text: str) -> None:
    path = cache.path_for("capabilities", URL)
    path.parent.mkdir(parents=True)
    path.write_text(text)

    assert kept_capabilities(URL) == ServerCapabilities()
