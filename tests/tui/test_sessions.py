"""Past sessions: listing, filtering, opening, going on."""

from __future__ import annotations

from textual.widgets import OptionList, Static

from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.record import Reply, Said
from tui.screens.sessions import SessionsScreen
from tui.window import SIZE as WINDOW


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
        for expected in ("27 min ago", "yesterday 18:40", "Roaming, Data", "2 actions"):
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


async def test_a_new_session_is_empty_and_ends_the_running_turn() -> None:
    hold = Hold()
    stage = FakeBackstage([fake.classified(), hold])
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        await pilot.press("ctrl+n")
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
        await until(pilot, lambda: len(chat.transcript.blocks) == 800)
        await until(pilot, lambda: len(column.children) == WINDOW + 3)
        await until(pilot, lambda: "760 earlier" in shown(chat.query_one("#earlier")))
        await pilot.press("escape", "ctrl+home")
        await until(pilot, lambda: len(column.children) == 2 * WINDOW + 3)
        await until(pilot, lambda: "720 earlier" in shown(chat.query_one("#earlier")))


async def test_live_turns_drop_the_oldest_widgets_again() -> None:
    stage = backstage(turns=30)
    stage.scripts = [fake.small_talk(f"Reply {number}.") for number in range(40)]
    async with make_app(stage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        column = chat.query_one("#column")
        await until(pilot, lambda: len(chat.transcript.blocks) == 120)
        for number in range(40):
            chat.dialogue.submit(f"message {number}")
        await until(pilot, lambda: len(chat.presenter.record.turns) == 70)
        await until(pilot, lambda: chat.status.state == "ready")
        assert len(column.children) <= 125
        last = chat.transcript.blocks[-1]
        assert isinstance(last, Reply)
        assert last.source == "Reply 39."


async def test_the_cursor_goes_through_the_whole_session_and_back() -> None:
    async with make_app(backstage(turns=100), resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        transcript = chat.transcript
        await until(pilot, lambda: len(transcript.blocks) == 400)
        await pilot.press("escape", "g")
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
        assert isinstance(chat.transcript.cursor, Reply)
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 2" in shown(chat.find.query_one(Static)))
        assert isinstance(chat.transcript.cursor, Said)
        await pilot.press("x")
        await until(pilot, lambda: shown(chat.find.query_one(Static)) == "nothing")
        await pilot.press("escape")
        assert chat.focused is chat.transcript
