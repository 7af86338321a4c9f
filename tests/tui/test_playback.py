"""A recorded session: read by its marks, and played through the same panes."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widget import Widget

from engine import events
from engine.events import Event
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, chat_of, make_app, settle, shown, until
from tui.chat.transcript import (
    ActionBlock,
    Block,
    FailureBlock,
    NoteBlock,
    RoutingBlock,
    TranscriptModel,
    UserBlock,
)
from tui.playback.app import ReplayApp
from tui.playback.timeline import LONGEST_PAUSE_S, Mark, Timeline, pieces
from tui.screens.playback import PlaybackScreen
from tui.services.backend import SessionSnapshot

BEGAN = datetime.fromisoformat(fake.AT)


def turn(number: int, *steps: Event) -> list[Event]:
    """A turn as it was kept, its events a second apart."""
    begun = [events.TurnStarted(session_id="s1", text=f"message {number}"), *steps]
    return [
        dataclasses.replace(
            event,
            turn_id=f"t{number}",
            seq=seq,
            at=(BEGAN + timedelta(hours=number, seconds=seq)).isoformat(),
        )
        for seq, event in enumerate(begun)
    ]


def session() -> list[Event]:
    """Talk, a call that worked, a call that failed, another intent, a turn that failed."""
    done = events.TurnFinished(status="completed")
    bad = events.ToolFinished(call_id="c0", outcome="error", result={"error": "no such invoice"})
    return [
        *turn(1, fake.classified(), events.TextDelta(text="Hello  there, you.\n"), done),
        *turn(2, fake.classified(), *fake.read_call(), done),
        *turn(3, fake.classified("payment"), *fake.read_call()[:-1], bad, done),
        *turn(4, events.TurnFailed(error="network", message="gone", retryable=True)),
    ]


def playback(pilot: Pilot[Any]) -> PlaybackScreen:
    assert isinstance(pilot.app.screen, PlaybackScreen)
    return pilot.app.screen


def test_marks_are_found_in_both_directions() -> None:
    tape = Timeline(session())
    expected: dict[Mark, list[type[Block]]] = {
        "turn": [UserBlock] * 4,
        "action": [ActionBlock] * 2,
        "failure": [ActionBlock, FailureBlock],
        "intent": [RoutingBlock] * 2,
    }
    for mark, kinds in expected.items():
        forth: list[int] = []
        while (place := tape.jump(mark, forth[-1] if forth else -1, 1)) is not None:
            forth.append(place)
        assert [type(tape.blocks[place]) for place in forth] == kinds
        back: list[int] = []
        while (place := tape.jump(mark, back[-1] if back else len(tape.blocks), -1)) is not None:
            back.append(place)
        assert back == forth[::-1]


def test_a_jump_reads_each_block_once() -> None:
    class Counting(list[Block]):
        read = 0

        def __getitem__(self, place: Any) -> Any:
            found = super().__getitem__(place)
            self.read += len(found) if isinstance(place, slice) else 1
            return found

    tape = Timeline([event for number in range(50) for event in turn(number, fake.classified())])
    tape.blocks = blocks = Counting(tape.blocks)
    assert tape.jump("intent", 1, 1) is None
    assert 0 < blocks.read <= len(blocks)


def test_pauses_are_the_recorded_ones_but_none_is_long() -> None:
    tape = Timeline(session())
    waits = []
    while not tape.at_end:
        waits.append(tape.wait_s)
        tape.advance()
    assert set(waits) == {0.0, 1.0, LONGEST_PAUSE_S}
    assert tape.turn == tape.turns == 4


@given(st.text())
def test_no_character_of_a_text_is_lost_in_its_pieces(text: str) -> None:
    shown_words = [
        p.text for p in pieces(events.TextDelta(text=text)) if isinstance(p, events.TextDelta)
    ]
    assert "".join(shown_words) == text


@given(st.integers(0, 30))
def test_a_block_is_complete_where_the_tape_says_so(number: int) -> None:
    recorded = session()
    tape = Timeline(recorded)
    number = min(number, len(tape.blocks) - 1)
    record = TranscriptModel()
    for event in recorded[: tape.shows(number)]:
        record.take(event)
    assert len(record.blocks) == number + 1
    block = tape.blocks[number]
    if isinstance(block, ActionBlock):
        same = record.blocks[number]
        assert isinstance(same, ActionBlock)
        assert same.state == block.state


async def test_it_plays_to_the_end_and_shows_what_the_session_showed() -> None:
    app = ReplayApp(session(), low_bandwidth=True, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = playback(pilot)
        await pilot.press(*["plus"] * 6)
        await until(pilot, lambda: "end" in shown(screen.transport))
        expected = Timeline(session()).blocks
        assert [type(b) for b in screen.transcript.blocks] == [type(b) for b in expected]
        assert "Hello  there, you." in screen.transcript.last_reply()
        assert screen.action_log.option_count == 2


async def test_it_pauses_steps_and_seeks() -> None:
    app = ReplayApp(session(), low_bandwidth=True, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = playback(pilot)
        await until(pilot, lambda: "playing" in shown(screen.transport))
        await pilot.press("space", "0")
        await until(pilot, lambda: not screen.transcript.blocks)
        assert "paused" in shown(screen.transport)
        await pilot.press("right")
        await until(pilot, lambda: len(screen.transcript.blocks) == 1)
        await pilot.press("right", "right")
        await until(pilot, lambda: len(screen.transcript.blocks) == 3)
        await pilot.press("left", "left")
        await until(pilot, lambda: len(screen.transcript.blocks) == 1)
        await pilot.press("end")
        await until(pilot, lambda: screen.tape.at_end)
        await settle(pilot)
        assert any(isinstance(block, FailureBlock) for block in screen.transcript.blocks)


async def test_jumps_play_what_they_need_and_say_when_there_is_no_more() -> None:
    app = ReplayApp(session(), low_bandwidth=True, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = playback(pilot)
        await until(pilot, lambda: "playing" in shown(screen.transport))
        await pilot.press("space", "0", "f")
        await until(pilot, lambda: isinstance(screen.transcript.cursor, ActionBlock))
        failed = screen.transcript.cursor
        assert isinstance(failed, ActionBlock)
        assert failed.state == "failed"
        assert failed.expanded
        assert screen.action_log.highlighted == 1
        assert "turn 3" in str(screen.inspector.border_subtitle)
        assert not screen.tape.at_end
        await pilot.press("f")
        await until(pilot, lambda: isinstance(screen.transcript.cursor, FailureBlock))
        await pilot.press("N", "N")
        await until(pilot, lambda: isinstance(screen.transcript.cursor, UserBlock))
        cursor = screen.transcript.cursor
        assert isinstance(cursor, UserBlock)
        assert cursor.text == "message 3"


async def test_a_past_session_is_reviewed_over_the_chat_which_then_goes_on() -> None:
    stage = FakeBackstage(past={"s9": session()})
    async with make_app(stage).run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        pilot.app.review("s9")  # type: ignore[attr-defined]  # Pilot does not know which app
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        screen = playback(pilot)
        await until(pilot, lambda: isinstance(screen.transcript.cursor, UserBlock))
        assert screen.tape.at_end
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat)
        assert stage.chat.heard == []


async def test_a_turn_at_work_in_another_window_is_not_called_interrupted() -> None:
    class Elsewhere(FakeBackstage):
        async def past(self, session_id: str, last_turns: int | None = None) -> SessionSnapshot:
            return dataclasses.replace(await super().past(session_id, last_turns), running=True)

    stage = Elsewhere(past={"s9": session()[:-1]})
    async with make_app(stage, resume="s9").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.status.state == "running in another window")
        pilot.app.review("s9")  # type: ignore[attr-defined]  # Pilot does not know which app
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        screen = playback(pilot)
        await until(pilot, lambda: isinstance(screen.transcript.cursor, UserBlock))
        for shows in (chat, screen):
            note = shows.transcript.blocks[-1]
            assert isinstance(note, NoteBlock)
            assert note.text.startswith("running in another window")
        await pilot.press("escape", "f5")
        assert stage.chat.heard == []


async def test_bar_turns_and_inspector_agree_on_what_is_read() -> None:
    stage = FakeBackstage(rows=fake.ROWS, past={"s1": fake.recorded(22)})
    app = make_app(stage)
    async with app.run_test(size=(130, 40)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        app.review("s1")
        await until(pilot, lambda: isinstance(app.screen, PlaybackScreen))
        screen = app.screen
        assert isinstance(screen, PlaybackScreen)
        await until(pilot, lambda: screen.transcript.cursor)
        for key, turn in (("n", 2), ("n", 3), ("N", 2), ("end", 22)):
            await pilot.press(key)
            said = f"turn {turn} of 22"
            await until(pilot, partial(_says, screen.transport, said))
            assert screen.turns.highlighted == turn - 1
            assert str(screen.inspector.border_subtitle) == f"turn {turn}"
        screen.turns.focus()
        await pilot.press("home", "enter")
        await until(pilot, lambda: "turn 1 of 22" in shown(screen.transport))
        assert str(screen.inspector.border_subtitle) == "turn 1"


def _says(widget: Widget, words: str) -> bool:
    return words in shown(widget)
