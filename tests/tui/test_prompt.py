"""Writing: keys, history, growth, pastes, and how ctrl+c ends."""

from __future__ import annotations

import pytest
from textual import events
from textual.geometry import Size
from textual.widgets import Input

from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import Clock, burst, chat_of, make_app, say, settle, until
from tui.widgets.prompt import Prompt


async def test_enter_sends_and_ctrl_j_breaks_the_line() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        await settle(pilot)
        await pilot.press("a", "ctrl+j", "b", "shift+enter", "c", "backslash", "enter", "d")
        assert chat_of(pilot).prompt.text == "a\nb\nc\nd"
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == ["a\nb\nc\nd"]
        assert chat_of(pilot).prompt.text == ""


@pytest.mark.parametrize(
    ("pressed", "heard"),
    [
        (("a", "ctrl+j", "b"), "a\nb"),
        ((*"top up 500", "backspace"), "top up 50"),
        ((*"top up 50", "backspace", "backspace", *"30"), "top up 30"),
        ((*"ac", "left", "b", "home", *"> ", "end", "d"), "> abcd"),
        ((*"one two", "ctrl+w", *"three"), "one three"),
        (("down", *" now"), f"{FakeBackstage.suggestions[0]} now"),
    ],
)
async def test_a_burst_of_keys_keeps_its_order(pressed: tuple[str, ...], heard: str) -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        await settle(pilot)
        burst(pilot, *pressed, "enter", "c")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == [heard]
        await until(pilot, lambda: chat_of(pilot).prompt.text == "c")


async def test_blank_is_not_sent() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        await say(pilot, "  \n ")
        assert backstage.chat.heard == []


async def test_grows_to_eight_rows_and_no_further() -> None:
    async with make_app(FakeBackstage()).run_test(size=(80, 40)) as pilot:
        prompt = chat_of(pilot).prompt
        heights = []
        for lines in (1, 3, 8, 20):
            prompt.put("\n".join("x" * lines))
            await settle(pilot)
            heights.append(prompt.content_size.height)
        assert heights == [1, 3, 8, 8]


async def test_up_and_down_walk_through_what_was_sent_and_keep_the_draft() -> None:
    async with make_app(FakeBackstage()).run_test() as pilot:
        prompt = chat_of(pilot).prompt
        await say(pilot, "one")
        await say(pilot, "two\nlines")
        prompt.put("draft")
        seen = []
        for key in ("up", "up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            seen.append(prompt.text)
        # Within a message of two lines, up first moves the cursor.
        assert seen == ["two\nlines", "two\nlines", "one", "one", "two\nlines", "draft", "draft"]


async def test_down_picks_a_suggestion_before_anything_was_sent() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("down", "down")
        assert chat.prompt.text == backstage.suggestions[1]
        await until(pilot, lambda: chat.welcome.picked == 1)
        await pilot.press("up", "up")
        assert chat.prompt.text == ""
        await pilot.press("down", "enter")
        await until(pilot, lambda: backstage.chat.heard == [backstage.suggestions[0]])


async def test_what_is_pasted_where_nothing_is_written_goes_into_the_prompt() -> None:
    async with make_app(FakeBackstage(past={"s1": fake.recorded(1)}), resume="s1").run_test() as p:
        chat = chat_of(p)
        await until(p, lambda: chat.transcript.blocks)
        await p.press("a", "escape")
        assert chat.transcript.has_focus
        p.app.post_message(events.Paste("b\nc"))
        await until(p, lambda: chat.prompt.text == "ab\nc")
        assert chat.prompt.has_focus
        p.app.post_message(events.Paste("d"))
        await until(p, lambda: chat.prompt.text == "ab\ncd")
        await p.press("ctrl+f")
        p.app.post_message(events.Paste("left"))
        await until(p, lambda: chat.find.query_one(Input).value == "left")
        assert chat.prompt.text == "ab\ncd"


async def test_a_long_paste_is_sent_whole() -> None:
    backstage = FakeBackstage()
    pasted = "\n".join(f"line {number} [/b]" for number in range(3_000))
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        pilot.app.post_message(events.Paste(pasted))
        await until(pilot, lambda: chat.prompt.text)
        assert backstage.chat.heard == []
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == [pasted]


async def test_ctrl_c_clears_then_quits_on_the_second_press_in_a_second() -> None:
    clock = Clock()
    backstage = FakeBackstage()
    app = make_app(backstage, clock)
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        chat.prompt.put("something")
        await settle(pilot)
        await pilot.press("ctrl+c")
        assert chat.prompt.text == ""
        await pilot.press("up")  # what was cleared is not lost
        assert chat.prompt.text == "something"
        await settle(pilot)
        await pilot.press("ctrl+c")
        await settle(pilot)
        await pilot.press("ctrl+c")
        clock.seconds += 1.5
        await pilot.press("ctrl+c")
        assert app.is_running
        clock.seconds += 0.5
        await pilot.press("ctrl+c")
        await until(pilot, lambda: backstage.closed)


async def test_ctrl_c_does_not_quit_when_it_was_meant_to_cancel() -> None:
    hold = Hold()
    backstage = FakeBackstage([hold])
    app = make_app(backstage)
    async with app.run_test() as pilot:
        await say(pilot, "hi")
        await hold.reached.wait()
        await pilot.press("ctrl+c", "ctrl+c")
        await until(pilot, lambda: not chat_of(pilot).dialogue.running)
        assert not backstage.closed


async def test_ctrl_q_quits_in_the_middle_of_a_turn() -> None:
    hold = Hold()
    backstage = FakeBackstage([fake.classified(), hold])
    app = make_app(backstage)
    async with app.run_test() as pilot:
        await say(pilot, "hi")
        await hold.reached.wait()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: backstage.closed)
    assert app.return_code == 0


async def test_a_selection_is_copied_instead_of_cancelling() -> None:
    hold = Hold()
    app = make_app(FakeBackstage([hold]))
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        chat.prompt.put("copy me")
        await pilot.press("shift+home", "ctrl+c")
        await until(pilot, lambda: app.clipboard == "copy me")
        assert chat.dialogue.running
        assert not chat.dialogue.cancelling


async def test_a_prompt_without_any_room_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a terminal shrinks there may be none for a moment."""
    async with make_app(FakeBackstage()).run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(Prompt, "content_size", Size(0, 0))
            assert not chat.prompt.render_line(0).text.strip()
        assert "Write a message" in chat.prompt.render_line(0).text
