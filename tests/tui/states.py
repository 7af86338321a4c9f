"""The app brought into each state worth a picture; snapshots and `scripts/look.py` use them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Markdown

from engine.events import TurnFailed
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold, OfflineBackstage
from tests.tui.fake_costs import some_costs
from tui.app import IntentBotApp
from tui.host import Host
from tui.screens.chat import ChatScreen
from tui.widgets.arguments_editor import ArgumentsEditor

Play = Callable[[Pilot[Any]], Awaitable[None]]


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def make_app(backstage: FakeBackstage, clock: Clock | None = None, **options: Any) -> IntentBotApp:
    """The app with a fake behind it; time stands still."""
    app = IntentBotApp(
        backstage,
        low_bandwidth=True,
        clock=clock or Clock(),
        now=lambda: datetime(2026, 3, 2, 14, 30, tzinfo=UTC),
        **options,
    )
    app.theme = "harbour"  # whatever the colours of the terminal that runs this
    host: Host = app  # the type checker proves that screens find in the app what they need
    assert host.low_bandwidth
    return app


def chat_of(pilot: Pilot[Any]) -> ChatScreen:
    """The main screen, whatever lies over it."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    return screen


async def say(pilot: Pilot[Any], text: str) -> None:
    """Write the message and send it; returns when all that can happen has happened."""
    chat_of(pilot).prompt.put(text)
    await pilot.press("enter")
    await settle(pilot)


def burst(pilot: Pilot[Any], *pressed: str) -> None:
    """Press all these keys before the app has heard of the first, as a fast terminal does."""
    for key in pressed:
        character = key if len(key) == 1 else None
        pilot.app.post_message(events.Key("space" if key == " " else key, character))


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until no message is on its way any more."""
    for _ in range(5):
        await pilot.pause()


async def until(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """Wait until something is true; a test that waits for long, even on a busy machine, failed."""
    async with asyncio.timeout(120):
        while not true():
            await pilot.pause()


def shown(widget: Widget) -> str:
    """The text that a widget shows, line by line."""
    return "\n".join("".join(part.text for part in strip) for strip in _strips(widget))


def _strips(widget: Widget) -> list[Strip]:
    width, height = widget.size
    return [widget.render_line(y) for y in range(height)] if width else []


async def _rest(pilot: Pilot[Any]) -> None:
    await settle(pilot)


def welcome() -> tuple[IntentBotApp, Play]:
    return make_app(FakeBackstage()), _rest


def offline() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("down", "down")
        await settle(pilot)

    return make_app(OfflineBackstage()), play


def streaming() -> tuple[IntentBotApp, Play]:
    hold = Hold()
    steps = [fake.classified(), fake.usage("classify"), *fake.read_call()]
    backstage = FakeBackstage([*steps, *fake.words(fake.REPLY[:150]), hold])

    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "How much money do I have?")
        await hold.reached.wait()
        shown = pilot.app.screen.query("StreamingMessage")
        await until(pilot, lambda: shown and shown.first(Markdown).source == fake.REPLY[:150])
        await say(pilot, "And how much data?")

    return make_app(backstage), play


def approval() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "Top up 20 dollars")

    return make_app(FakeBackstage(fake.top_up())), play


def destructive() -> tuple[IntentBotApp, Play]:
    steps = fake.top_up(
        effect="destructive",
        tool="cancel_contract",
        summary="Cancel the contract at the end of the month",
        arguments={"reason": "moving abroad"},
    )

    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "please cancel my contract")

    return make_app(FakeBackstage(steps)), play


def choosing() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "How much do I have left?")

    return make_app(FakeBackstage(fake.clarify("balance", "data", "payment"))), play


def editing() -> tuple[IntentBotApp, Play]:
    clock = Clock()

    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "Top up 20 dollars")
        clock.seconds += 1
        await pilot.press("e")
        while not pilot.app.screen.query_one(ArgumentsEditor).has_focus:
            await settle(pilot)
        await settle(pilot)

    return make_app(FakeBackstage(fake.top_up()), clock), play


def finished() -> tuple[IntentBotApp, Play]:
    clock = Clock()

    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "Top up 20 dollars")
        clock.seconds += 2.3
        await pilot.press("y")
        await settle(pilot)
        await pilot.press("shift+tab", "up", "up", "space", "f2")
        await settle(pilot)

    return make_app(FakeBackstage(fake.top_up()), clock), play


def failed() -> tuple[IntentBotApp, Play]:
    message = "The server answered 429: rate limit reached for gpt-5.4-mini. Try again in 20 s."
    failure = TurnFailed(error="rate_limit", message=message, retryable=True)

    async def play(pilot: Pilot[Any]) -> None:
        await say(pilot, "Any unpaid invoices?")

    return make_app(FakeBackstage([fake.classified("payment"), failure])), play


def sessions() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)

    return make_app(FakeBackstage(rows=fake.ROWS)), play


def catalogue() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("f9", "down", "down")
        await settle(pilot)

    return make_app(FakeBackstage()), play


def costs() -> tuple[IntentBotApp, Play]:
    backstage = FakeBackstage()
    backstage.cost_rows = {"turns": some_costs(9, unknown=True)}

    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("f10")
        await settle(pilot)
        await pilot.press("up", "up")
        await settle(pilot)

    return make_app(backstage), play


def helped() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("f1")
        await settle(pilot)

    return make_app(FakeBackstage()), play


def inspected() -> tuple[IntentBotApp, Play]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("f3")
        await settle(pilot)

    return make_app(FakeBackstage(past={"s1": fake.recorded(3)}), resume="s1"), play


def sixteen_colours() -> tuple[IntentBotApp, Play]:
    app, play = finished()
    app.theme = "harbour-16"
    return app, play


STATES = {
    "welcome": welcome,
    "offline": offline,
    "streaming": streaming,
    "approval": approval,
    "destructive": destructive,
    "editing": editing,
    "choosing": choosing,
    "finished": finished,
    "failed": failed,
    "sessions": sessions,
    "catalogue": catalogue,
    "costs": costs,
    "help": helped,
    "inspected": inspected,
    "sixteen-colours": sixteen_colours,
}
