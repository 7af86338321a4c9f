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
