"""Whose first reply is shown as it comes, and whose is kept back until its thoughts are known."""

from __future__ import annotations

import pytest

from engine.llm.server_capabilities import ServerCapabilities


@pytest.mark.parametrize(
    ("quirks", "streams"),
    [
        (ServerCapabilities(), False),
        (ServerCapabilities(prose={"m"}), True),
        (ServerCapabilities(prose={"m"}, unopened={"m"}), False),
        (ServerCapabilities(separates_thoughts=True), True),
    ],
)
def test_server_4_a_reply_streams_when_no_thought_can_be_in_it(
    quirks: ServerCapabilities, streams: bool
) -> None:
    assert quirks.streams_prose("m") is streams


@pytest.mark.parametrize(
    ("model", "streams"),
    [
        ("llama3.2", True),
        ("openai/gpt-5.4-mini", True),
        ("Qwen/Qwen2.5-7B-Instruct", True),
        ("qwen3-thinking", False),
        ("deepseek-r1", False),
        ("gpt-oss-20b", False),
        ("m", False),
    ],
)
def test_server_4_models_that_never_think_aloud_stream_from_the_first_reply(
    model: str, streams: bool
) -> None:
    assert ServerCapabilities().streams_prose(model) is streams
    assert not ServerCapabilities(unopened={model}).streams_prose(model)
