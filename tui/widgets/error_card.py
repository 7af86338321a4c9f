"""What went wrong, in the program's words and the server's, and what the person can do."""

from __future__ import annotations

from textual.content import Content

from tui.chat.transcript import FailureBlock
from tui.formatting.highlight import HighlightStatic
from tui.formatting.text import excerpt, sanitize

_TITLES = {
    "start": "The assistant could not start",
    "network": "The server gave no usable answer",
    "rate_limit": "The server asks to slow down",
    "model": "The model could not answer",
    "limit": "A limit of this turn was reached",
    "storage": "The session could not be written down",
    "internal": "Something went wrong in the app",
}


class ErrorCard(HighlightStatic):
    def __init__(self, block: FailureBlock) -> None:
        title = _TITLES.get(block.error, "The turn failed")
        advice = "f5 tries again" if block.retryable else ""
        if block.error != "start":
            advice = f"{advice} · ↑ edits the message".removeprefix(" · ")
        lines = [
            Content.styled(title, "bold $error"),
            Content(excerpt(sanitize(block.message), 2_000)),
        ]
        if advice:
            lines.append(Content.styled(advice, "$quiet"))
        super().__init__(Content("\n").join(lines), markup=False)
