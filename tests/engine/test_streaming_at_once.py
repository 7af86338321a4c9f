"""Whose first reply is shown as it comes, and whose is kept back until its thoughts are known."""

from __future__ import annotations

import pytest

from engine.models.quirks import Quirks


@pytest.mark.parametrize(
    ("quirks", "streams"),
    [
        (Quirks(), False),
        (Quirks(prose={"m"}), True),
        (Quirks(prose={"m"}, unopened={"m"}), False),
        (Quirks(separates_thoughts=True), True),
    ],
)
def test_server_4_a_reply_streams_when_no_thought_can_be_in_it(
    quirks: Quirks, streams: bool
) -> None:
    assert quirks.streams_prose("m") is streams
