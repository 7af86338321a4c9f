"""What screens and widgets need of the app beyond Textual's own `App`.

They see this protocol instead of the app, so that each can be tried in another one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, cast

from textual.message_pump import MessagePump


class Host(Protocol):
    """`low_bandwidth` asks for fewer and smaller frames; `demo_wanted` is played after the end."""

    low_bandwidth: bool
    demo_wanted: str | None

    @property
    def now(self) -> Callable[[], datetime]:
        """The local time."""
        ...

    def start(self) -> object:
        """Build what is behind the screen and open the session."""
        ...

    def review(self, session_id: str, at: str = "") -> object:
        """Show a recorded session, from this action or turn on."""
        ...

    def set_up(self, model: str | None = None) -> object:
        """Have what answers chosen; with `model` only the model, empty to choose it."""
        ...

    def change_settings(self) -> object: ...


def host(part: MessagePump) -> Host:
    """Return the app of a screen or widget."""
    return cast("Host", part.app)
