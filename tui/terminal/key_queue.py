"""Keys in the order they were typed, however fast they come, as from tmux or a slow line.

Textual gives a key to the widget that has the focus, where a letter becomes text at once. Any
other key climbs from widget to widget up to the app, which only then looks for its binding: what
followed it in the same burst is text by that time, and "50", backspace, "3" would be "50" in the
end. Where text is written, a key therefore acts where it arrives.

What a key does may take some messages more: a focus moves, a screen opens. Until then the app
keeps what follows, or of ctrl+o, "money" the list would see nothing.

An answer is one deliberate key. Keys that arrived at once, as text that is pasted without markers
does, are marked by `tui.terminal.input`; a node that `asks` takes none of them for an answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.formatting.text import sanitize

_MARK = "in_burst"  # an attribute that only marked keys have
WAITS_AT_MOST_S = 1.0  # for what a key does; then the next one comes, whatever it meets
_WALKS = 2  # the key's own way up, and that of a message which it sends


def mark_burst(key: events.Key) -> None:
    """Mark a key that arrived together with others."""
    setattr(key, _MARK, True)


def in_burst(key: events.Key) -> bool:
    """Whether a key arrived together with others. No key of Textual's pilot did."""
    return hasattr(key, _MARK)


class SequentialKeysApp(App[None]):
    """An app that is given a key when what the one before it does is done."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque()
        self._settling: asyncio.Task[None] | None = None

    @property
    def asks(self) -> bool:
        """Whether the next key may answer a question. The thread that reads keys looks here."""
        try:
            nodes = (self.screen.focused, self.screen)
        except ScreenStackError:
            return False
        return any(getattr(node, "asks", False) for node in nodes)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste) and not event.is_forwarded:
            event.text = sanitize(event.text)  # as what is sent will be
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._typed.append(event)
            await self._give()
        else:
            await super().on_event(event)

    async def _give(self) -> None:
        """Give the keys that have come, up to one that has to be waited for."""
        while self._typed and self._settling is None:
            event, focused = self._typed.popleft(), self.focused
            is_text = isinstance(event, events.Key) and event.is_printable
            way = list((focused or self.screen).ancestors_with_self)
            await super().on_event(event)
            if not (is_text and isinstance(focused, Input | TextArea)):
                self._settling = asyncio.create_task(self._settle(way))

    async def _settle(self, way: Iterable[DOMNode]) -> None:
        """Wait until all on this way, and the screen that is there then, have done their part."""
        with suppress(TimeoutError, ScreenStackError):  # the latter while the app ends
            async with asyncio.timeout(WAITS_AT_MOST_S):
                for _ in range(_WALKS):
                    for node in way:
                        await _passed(node)
                for node in (self.screen, self):
                    await _passed(node)
        self._settling = None
        self.call_later(self._give)


async def _passed(node: MessagePump) -> None:
    """Wait until all messages that a node has now were handled."""
    done = asyncio.Event()
    if node.call_later(done.set):
        await done.wait()


async def dispatch_binding_now(widget: Widget, event: events.Key) -> None:
    """Do now what the app would do later with a key that is no text. For `on_key`.

    It stays with the widget that it was typed into, wherever the focus has gone meanwhile.
    """
    if event.is_printable:
        return
    event.stop()
    for node in widget.ancestors_with_self:
        for binding in node._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await widget.app.run_action(binding.action, node):
                event.prevent_default()
                return
        if node.is_modal:
            return


class LineInput(Input):
    """One line to write in: something to look for, or a name."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder, id=id, compact=True)
        self.cursor_blink = False  # an idle screen sends nothing

    async def on_key(self, event: events.Key) -> None:
        await dispatch_binding_now(self, event)
