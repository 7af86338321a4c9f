"""Past sessions: listing, filtering, opening, going on."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.fake_archive import session, with_hits
from tests.tui.states import burst, chat_of, make_app, say, settle, shown, until
from tui.chat.transcript import ReplyBlock, UserBlock
from tui.screens.dialogs import ConfirmDialog
from tui.screens.playback import PlaybackScreen
from tui.screens.sessions import SessionsScreen
from tui.widgets.virtual_window import SIZE as WINDOW


def backstage(turns: int = 2) -> FakeBackstage:
    return FakeBackstage(rows=fake.ROWS, past={"s1": fake.recorded(turns)})


async def test_lists_filters_and_opens() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        listed = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: listed.option_count == 4)
        text = shown(listed)
        for expected in ("27 min ago", "yesterday 18:40", "Roaming, Data", "    5        2  "):
            assert expected in text
        await pilot.press(*"money")
        await until(pilot, lambda: listed.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: len(chat.presenter.record.turns) == 2)
        assert stage.chat.session_id == "s1"
        assert chat.banner.title_text == "How much money do I have? (1)"
        assert chat.action_log.option_count == 2
        assert not chat.welcome.display
        await say(pilot, "and now?")
        await until(pilot, lambda: stage.chat.heard == ["and now?"])
        await until(pilot, lambda: len(chat.presenter.record.turns) == 3)
        await pilot.press("up", "up")
        assert chat.prompt.text == "How much money do I have? (2)"


async def test_escape_goes_back_and_changes_nothing() -> None:
    stage = backstage()
    async with make_app(stage).run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert len(stage.chats) == 1


async def test_no_match_says_so() -> None:
    async with make_app(backstage()).run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o", *"zzz")
        screen = pilot.app.screen
        await until(pilot, lambda: "No session matches." in shown(screen.query_one("#none")))
        await pilot.press("enter")
        assert pilot.app.screen is screen


async def test_a_step_of_the_cursor_does_not_end_a_search() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        sessions = await listed(pilot)
        stage.readable.clear()
        await pilot.press(*"money", "down")
        await settle(pilot)
        stage.readable.set()
        await until(pilot, lambda: sessions.option_count == 1)


async def test_continue_opens_the_newest() -> None:
    stage = backstage()
    async with make_app(stage, continue_last=True).run_test() as pilot:
        await until(pilot, lambda: stage.chats)
        assert stage.chat.session_id == "s1"


async def test_continue_without_any_session_begins_one() -> None:
    stage = FakeBackstage()
    async with make_app(stage, continue_last=True).run_test() as pilot:
        await until(pilot, lambda: stage.chats)
        assert stage.chat.session_id == "new-1"


async def test_an_unknown_session_is_an_error_card_and_the_app_lives() -> None:
    stage = FakeBackstage()
    async with make_app(stage, resume="gone").run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.status.state == "not started")
        await pilot.press("ctrl+n")
        await say(pilot, "hello")
        await until(pilot, lambda: stage.chats and stage.chat.heard == ["hello"])


async def test_a_session_that_cannot_be_opened_leaves_the_one_before_it() -> None:
    stage = FakeBackstage(rows=fake.ROWS)
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "first")
        await until(pilot, lambda: chat.status.state == "ready")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is chat)
        await say(pilot, "second")
        await until(pilot, lambda: stage.chat.heard == ["first", "second"])


async def test_a_running_turn_is_cancelled_before_another_session_is_opened() -> None:
    stage = FakeBackstage([fake.classified(), Hold()], rows=fake.ROWS)
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: said(pilot, "A turn is running"))
        pilot.app.clear_notifications()
        await listed(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: said(pilot, "A turn is running"))
        assert chat.dialogue.running
        await pilot.press("ctrl+c", "ctrl+n")
        await until(pilot, lambda: len(stage.chats) == 2)
        await until(pilot, lambda: not chat.presenter.record.turns)
        assert chat.transcript.blocks == []
        await until(pilot, lambda: chat.welcome.display)
        await say(pilot, "hello again")
        await until(pilot, lambda: stage.chat.heard == ["hello again"])


async def test_a_long_session_mounts_only_its_end_and_more_on_demand() -> None:
    async with make_app(backstage(turns=200), resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        column = chat.query_one("#column")
        await until(pilot, lambda: len(chat.transcript.blocks) == 400)
        await until(pilot, lambda: len(column.children) == WINDOW + 3)
        await until(
            pilot, lambda: "360 earlier and 100 turns before" in shown(chat.query_one("#earlier"))
        )
        await pilot.press("escape", "ctrl+home")
        await until(pilot, lambda: len(column.children) == 2 * WINDOW + 3)
        await until(pilot, lambda: "320 earlier" in shown(chat.query_one("#earlier")))


async def test_live_turns_drop_the_oldest_widgets_again() -> None:
    stage = backstage(turns=30)
    stage.scripts = [fake.small_talk(f"Reply {number}.") for number in range(40)]
    async with make_app(stage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        column = chat.query_one("#column")
        await until(pilot, lambda: len(chat.transcript.blocks) == 120)
        for number in range(40):
            chat.dialogue.submit(f"message {number}")
        await until(pilot, lambda: not (chat.dialogue.running or chat.dialogue.waiting))
        assert len(chat.presenter.record.turns) == 70
        assert len(column.children) <= 125
        last = chat.transcript.blocks[-1]
        assert isinstance(last, ReplyBlock)
        assert last.source == "Reply 39."


async def test_the_cursor_goes_through_the_whole_session_and_back() -> None:
    async with make_app(backstage(turns=100), resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        transcript = chat.transcript
        await until(pilot, lambda: len(transcript.blocks) == 400)
        await pilot.press("escape", "home")
        await until(pilot, lambda: transcript.cursor is transcript.blocks[0])
        await until(pilot, lambda: "360 later" in shown(chat.query_one("#later")))
        for _ in range(WINDOW):
            await pilot.press("j")
        await until(pilot, lambda: transcript.cursor is transcript.blocks[WINDOW])
        await pilot.press("G")
        await until(pilot, lambda: not chat.query_one("#later").display)
        assert transcript.cursor is None
        assert len(chat.query_one("#column").children) == WINDOW + 3


async def test_words_are_found_wherever_they_are_in_the_session() -> None:
    async with make_app(backstage(turns=100), resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: len(chat.transcript.blocks) == 400)
        await pilot.press("ctrl+f", *"(7)")
        await until(pilot, lambda: "2 of 2" in shown(chat.find.query_one(Static)))
        assert isinstance(chat.transcript.cursor, ReplyBlock)
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 2" in shown(chat.find.query_one(Static)))
        assert isinstance(chat.transcript.cursor, UserBlock)
        await pilot.press("x")
        await until(pilot, lambda: shown(chat.find.query_one(Static)) == "nothing")
        await pilot.press("escape")
        assert chat.focused is chat.transcript


async def test_what_is_not_loaded_is_loaded_when_it_is_wanted() -> None:
    stage = backstage(turns=250)
    async with make_app(stage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: len(chat.transcript.blocks) == 400)
        assert chat.presenter.record.turns[-1].number == 250
        await pilot.press("escape", "home")
        await until(pilot, lambda: len(chat.transcript.blocks) == 1000)
        await until(pilot, lambda: chat.transcript.cursor is chat.transcript.blocks[0])
        assert not chat.transcript.before


async def test_finding_looks_through_the_whole_session_but_not_during_a_turn() -> None:
    hold = Hold()
    stage = backstage(turns=150)
    stage.scripts = [[fake.classified(), hold]]
    async with make_app(stage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: len(chat.transcript.blocks) == 400)
        await say(pilot, "hi")
        await hold.reached.wait()
        await pilot.press("ctrl+f", *"(3)")
        await until(pilot, lambda: shown(chat.find.query_one(Static)) == "nothing")
        hold.go.set()
        await until(pilot, lambda: not chat.dialogue.running)
        await pilot.press("ctrl+f", *"(3)")
        await until(pilot, lambda: "of 2" in shown(chat.find.query_one(Static)))


def said(pilot: Pilot[Any], words: str) -> bool:
    """Whether a notice with these words is there."""
    return any(words in notice.message for notice in pilot.app._notifications)


async def listed(pilot: Pilot[Any]) -> OptionList:
    """The list of sessions, opened by its key."""
    await settle(pilot)
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
    sessions = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: sessions.option_count)
    return sessions


async def acting(pilot: Pilot[Any]) -> OptionList:
    """The list of sessions with the focus, so that its letters act."""
    sessions = await listed(pilot)
    await pilot.press("tab")
    return sessions


async def test_what_a_burst_looks_for_is_found_before_it_is_opened() -> None:
    stage = FakeBackstage(rows=fake.ROWS, past={"s3": fake.recorded(2, "s3")})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        stage.readable.clear()
        burst(pilot, *"invoize", "backspace", "backspace", *"ce", "enter")
        await settle(pilot)
        stage.readable.set()
        await until(pilot, lambda: chat_of(pilot).presenter.record.turns)
        assert stage.chat.session_id == "s3"
        burst(pilot, "ctrl+f", *"(2)", "backspace", "backspace", *"1)")
        find = chat_of(pilot).find
        await until(pilot, lambda: shown(find.query_one(Static)) == "2 of 2")
        assert find.query_one(Input).value == "(1)"


async def test_what_was_looked_for_is_shown_where_it_stands() -> None:
    title = "A [red]title[/red]"
    one = session("s9", title, "2026-03-02T14:03:00+00:00", cost_usd=None)
    found = with_hits(one, "action", "paid with ", "title", title="A {[red]title}[/red]")
    async with make_app(FakeBackstage(rows=[found])).run_test(size=(100, 30)) as pilot:
        sessions = await listed(pilot)
        text = shown(sessions)
        assert "A [red]title[/red]" in text
        assert "call   paid with title" in text
        assert "cost unknown" in text


async def test_a_session_is_renamed_archived_deleted_and_brought_back() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        sessions = await listed(pilot)
        await pilot.press("tab", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("ctrl+u", *"new name", "enter")
        await until(pilot, lambda: "new name" in shown(sessions))
        await pilot.press("a")
        await until(pilot, lambda: sessions.option_count == 3)
        await pilot.press("A")
        await until(pilot, lambda: sessions.option_count == 1 and "new name" in shown(sessions))
        await pilot.press("a", "A")
        await until(pilot, lambda: sessions.option_count == 4)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        assert stage.discarded == []
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: sessions.option_count == 3)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: sessions.option_count == 4)


async def test_several_sessions_are_archived_and_deleted_at_once() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        sessions = await acting(pilot)
        first = [row.session.id for row in stage.rows[:2]]
        await pilot.press("space", "space")
        await until(pilot, lambda: shown(sessions).count("● ") == 2)
        await pilot.press("a", "A")
        await until(pilot, lambda: sessions.option_count == 2)
        archived = {row.session.id for row in stage.rows if row.session.archived}
        assert archived == set(first)
        assert "● " not in shown(sessions)
        await pilot.press("home", "space", "space", "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: len(stage.discarded) == 2)
        assert set(stage.discarded) == set(first)
        await pilot.press("ctrl+z", "ctrl+z")
        await until(pilot, lambda: sessions.option_count == 2)


async def test_who_marks_one_twice_means_the_one_under_the_cursor() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await acting(pilot)
        await pilot.press("space", "up", "space", "a")
        second = stage.rows[1].session.id
        await until(pilot, lambda: any(row.session.archived for row in stage.rows))
        assert [row.session.id for row in stage.rows if row.session.archived] == [second]


async def test_who_undoes_twice_at_once_has_both_back() -> None:
    stage = backstage()
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        sessions = await acting(pilot)
        await pilot.press("d", "y")
        await until(pilot, lambda: sessions.option_count == 3)
        await pilot.press("d", "y")
        await until(pilot, lambda: sessions.option_count == 2)
        stage.readable.clear()
        burst(pilot, "ctrl+z", "ctrl+z")
        await settle(pilot)
        stage.readable.set()
        await until(pilot, lambda: sessions.option_count == 4)
        assert stage.discarded == []


async def test_the_chat_leaves_a_session_that_is_deleted_and_it_can_be_brought_back() -> None:
    stage = backstage()
    async with make_app(stage, resume="s1").run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: len(chat.presenter.record.turns) == 2)
        sessions = await acting(pilot)
        await pilot.press("d", "y")
        await until(pilot, lambda: sessions.option_count == 3)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: sessions.option_count == 4)
        await pilot.press("escape")
        await settle(pilot)
        assert stage.chat.session_id == "s1"
        sessions = await acting(pilot)
        await pilot.press("d", "y")
        await until(pilot, lambda: sessions.option_count == 3)
        await pilot.press("escape")
        await until(pilot, lambda: stage.chat.session_id == "new-2")
        await until(pilot, lambda: chat.welcome.display)
        await say(pilot, "hello")
        await until(pilot, lambda: stage.chat.heard == ["hello"])
        sessions = await acting(pilot)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: sessions.option_count == 4)


async def test_a_session_in_which_a_turn_runs_is_not_deleted() -> None:
    stage = backstage()
    stage.scripts = [[fake.classified(), Hold()]]
    async with make_app(stage, resume="s1").run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "hi")
        await acting(pilot)
        await pilot.press("d")
        await until(pilot, lambda: said(pilot, "it must end first"))
        assert isinstance(pilot.app.screen, SessionsScreen)


async def test_more_sessions_are_read_when_the_end_comes_near() -> None:
    rows = [session(f"s{n}", f"Session {n}", "2026-03-02T14:03:00+00:00") for n in range(250)]
    async with make_app(FakeBackstage(rows=rows)).run_test(size=(100, 30)) as pilot:
        sessions = await listed(pilot)
        assert sessions.option_count == 100
        await pilot.press(*["pagedown"] * 10)
        await until(pilot, lambda: sessions.option_count == 200)
        await pilot.press(*["pagedown"] * 10)
        await until(pilot, lambda: sessions.option_count == 250)


async def test_a_session_is_reviewed_from_the_list() -> None:
    async with make_app(backstage()).run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("tab", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))


async def test_what_was_looked_for_is_read_in_its_turn() -> None:
    found = with_hits(fake.ROWS[0], "user", "", "", turn_id="t2")
    stage = FakeBackstage(rows=[found], past={"s1": fake.recorded(3)})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("tab", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        screen = pilot.app.screen
        assert isinstance(screen, PlaybackScreen)
        await until(pilot, lambda: screen.transcript.cursor)
        cursor = screen.transcript.cursor
        assert isinstance(cursor, UserBlock)
        assert cursor.turn.number == 2
