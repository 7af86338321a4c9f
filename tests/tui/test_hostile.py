"""What the person, the model and the tools say is text, whatever it looks like."""

from __future__ import annotations

from textual.widget import Widget

from engine import events
from engine.text import show_controls
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.fake_archive import session
from tests.tui.states import Clock, chat_of, make_app, say, settle, shown, until
from tui.widgets.approval_bar import GRACE_S
from tui.widgets.assistant_message import AssistantMessage
from tui.widgets.streaming_message import StreamingMessage
from tui.widgets.tool_card import ToolCard
from tui.widgets.user_message import UserMessage

NASTY = "[/foo] [bold red]x[/] [@click=app.quit]y[/] \x1b[31m\x1b]0;t\x07\x1b[2J\u202egnp"
SEEN = "[/foo] [bold red]x[/] [@click=app.quit]y[/] gnp"


class NastyBackstage(FakeBackstage):
    title = assistant_name = model_label = NASTY
    suggestions = (NASTY, NASTY)
    intent_titles = {"balance": NASTY}  # noqa: RUF012


async def test_everywhere_at_once() -> None:
    failure = events.TurnFailed(error=NASTY, message=NASTY, retryable=True)
    script = [
        fake.classified(tools=(NASTY,)),
        *fake.top_up(tool=NASTY, summary=NASTY, arguments={NASTY: NASTY}, reply=NASTY)[1:],
    ]
    call = fake.read_call(result={NASTY: [NASTY]})
    stage = NastyBackstage(
        script,
        [*call, events.RetryScheduled(stage="act", attempt=1, delay_s=1, reason=NASTY), failure],
        notices=(NASTY,),
        rows=[session("s", NASTY, NASTY, NASTY, (NASTY,), 1)],
    )
    clock = Clock()
    async with make_app(stage, clock).run_test(size=(160, 60)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        assert SEEN in shown(chat.banner)
        await say(pilot, NASTY)
        await until(pilot, lambda: chat.approval.has_focus)
        # What is approved hides nothing.
        assert show_controls(NASTY) in shown(chat.approval.query_one("#asked"))
        clock.seconds += GRACE_S
        await pilot.press("y")
        await until(pilot, lambda: chat.status.state == "ready")
        assert SEEN in shown(chat.query_one(UserMessage))
        await say(pilot, "again")
        await until(pilot, lambda: chat.status.state == "failed")
        await pilot.press("escape", "up", "k", "space", "f4", "end", "enter", "ctrl+o")
        await settle(pilot)
        listed = pilot.app.screen
        assert SEEN[:30] in shown(listed.query_one("#session-list"))  # the column is as wide
        await until(pilot, lambda: SEEN in shown(listed.query_one("#preview-text")))
        for widget in listed.walk_children(Widget):
            if widget.size:
                assert not set("\x1b\x07\u202e") & set(shown(widget)), widget
        await pilot.press("escape", "f1", "escape", "ctrl+p")
        await settle(pilot)
        for widget in chat.walk_children(Widget):
            if widget.size:
                assert not set("\x1b\x07\u202e") & set(shown(widget)), widget


async def test_a_link_in_a_reply_does_nothing() -> None:
    opened: list[str] = []
    hold = fake.Hold()
    source = "[click](javascript:x) [me]('app.quit()') <https://evil.example> ![i](http://x)"
    done = events.TurnFinished(status="completed", reply=source)
    app = make_app(FakeBackstage([*fake.words(source), hold, done]))
    app.open_url = lambda url, **_: opened.append(url)  # type: ignore[method-assign]
    async with app.run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        await until(pilot, lambda: chat.query(StreamingMessage))
        await settle(pilot)
        live = chat.query_one(StreamingMessage).query("MarkdownParagraph").first()
        for x in range(0, live.size.width, 5):
            await pilot.click(live, offset=(x, 0))
        hold.go.set()
        await until(pilot, lambda: chat.query(AssistantMessage))
        frozen = chat.query_one(AssistantMessage)
        assert "javascript:x" in shown(frozen)
        for x in range(0, frozen.size.width, 5):
            await pilot.click(frozen, offset=(x, 0))
        for strip in (frozen.render_line(y) for y in range(frozen.size.height)):
            for segment in strip:
                assert segment.style is None or not segment.style.link
                assert segment.style is None or "@click" not in segment.style.meta
        assert opened == []
        assert app.is_running


async def test_an_escape_split_over_two_deltas_stays_text() -> None:
    steps = [events.TextDelta(text="a\x1b"), events.TextDelta(text="[31mb")]
    done = events.TurnFinished(status="completed", reply="a\x1b[31mb")
    async with make_app(FakeBackstage([*steps, done])).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await until(pilot, lambda: chat.query(AssistantMessage))
        assert shown(chat.query_one(AssistantMessage)).strip() == "ab"


async def test_a_megabyte_of_one_line_is_shown_in_part() -> None:
    long = "x" * 1_000_000
    stage = FakeBackstage(
        [*fake.read_call(result=long), events.TurnFinished(status="completed", reply=long)]
    )
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await until(pilot, lambda: chat.status.state == "ready")
        await pilot.press("escape", "up", "k", "space")
        card = chat.query_one(ToolCard)
        await until(pilot, lambda: "998,000 more characters" in str(card.visual))
        reply = chat.query_one(AssistantMessage)
        assert "970,000 more characters" in str(reply.render())
        assert chat.transcript.last_reply() == long
