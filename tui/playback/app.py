"""The app that plays one recorded session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.events import Event, IntentClassified
from tui.app import PanesApp
from tui.screens.playback import PlaybackScreen


class ReplayApp(PanesApp):
    """Without catalogue, model and back end: an intent's title is made of its key."""

    def __init__(self, recorded: Sequence[Event], **options: Any) -> None:
        super().__init__(**options)
        keys = {k for e in recorded if isinstance(e, IntentClassified) for k in e.intents}
        titles = {key: key.replace("_", " ").capitalize() for key in keys}
        self._first = PlaybackScreen(
            recorded, titles, self.clock, playing=True, low_bandwidth=self.low_bandwidth
        )

    def get_default_screen(self) -> PlaybackScreen:
        return self._first
