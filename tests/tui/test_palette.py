"""With 256 colours no surface turns navy or teal, whatever the theme."""

from __future__ import annotations

import pytest
import textual.constants
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem, ColorType
from textual.app import App
from textual.color import Color

from tests.tui import fake, states
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, settle, until
from tests.tui.test_theme import GROUNDS, THEMES, contrast, on
from tui.app import PanesApp
from tui.terminal.palette import ground_of_256, is_calm

# Written down once more: xterm's colours that a ground may have are greys, and cube colours with a
# channel of at least 175.
_LEVELS = (0, 95, 135, 175, 215, 255)
CUBE = {
    16 + 36 * r + 6 * g + b: (_LEVELS[r], _LEVELS[g], _LEVELS[b])
    for r in range(6)
    for g in range(6)
    for b in range(6)
}
ALLOWED = {
    *range(232, 256),
    *(n for n, levels in CUBE.items() if len(set(levels)) == 1 or max(levels) >= 175),
}
LEAST = 4.5
SOME = ("harbour-256", "tokyo-night", "solarized-dark", "textual-light")
SHOWN = ["welcome", "streaming", "approval", "destructive", "editing", "finished", "failed"]
SHOWN += ["sessions", "catalogue", "costs", "help", "inspected"]


@pytest.fixture
def only_256(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.constants, "COLOR_SYSTEM", "256")


def grounds(app: App[None]) -> set[int]:
    """The grounds that the terminal is sent, by their numbers in its palette."""
    found = set()
    for strip in app.screen._compositor.render_strips():
        for part in strip:
            color = part.style.bgcolor if part.style else None
            if color is not None and color.type in (ColorType.TRUECOLOR, ColorType.EIGHT_BIT):
                number = color.downgrade(ColorSystem.EIGHT_BIT).number
                assert number is not None
                found.add(number)
    return found


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_ground_is_a_grey_or_a_bright_fill(levels: tuple[int, int, int]) -> None:
    ground = ground_of_256(Color(*levels))
    numbers = [n for n in ALLOWED if (CUBE.get(n) or (8 + 10 * (n - 232),) * 3) == ground.rgb]
    assert numbers
    assert all(map(is_calm, numbers))


@given(st.integers(0, 90), st.integers(-20, 20), st.integers(0, 40))
def test_a_dark_surface_stays_as_dark_as_it_is(level: int, red: int, blue: int) -> None:
    surface = Color(max(0, level + red), level, level + blue)
    ground = ground_of_256(surface)
    assert ground.r == ground.g == ground.b
    assert abs(ground.r - level) <= 12


@pytest.mark.parametrize("state", SHOWN)
async def test_no_screen_draws_another_ground_with_any_theme(only_256: None, state: str) -> None:
    app, play = states.STATES[state]()
    async with app.run_test(size=(120, 40)) as pilot:
        await play(pilot)
        for name in THEMES if state == "approval" else SOME:
            app.theme = name
            await settle(pilot)
            assert grounds(app) <= ALLOWED, name
            assert len(grounds(app)) >= 2, name


@pytest.mark.parametrize("name", ["harbour-256", "textual-light", "solarized-dark"])
async def test_what_lies_over_a_screen_is_no_exception(only_256: None, name: str) -> None:
    """Notice, palette, selection, matches of a search."""
    app = make_app(FakeBackstage(past={"s1": fake.recorded(5)}), resume="s1")
    app.theme = name
    async with app.run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.presenter.record.turns)
        app.notify("one")
        app.notify("two", severity="error")
        await pilot.press(*"text", "shift+home", "ctrl+f", *"balance")
        await settle(pilot)
        assert grounds(app) <= ALLOWED
        await pilot.press("escape")
        chat.transcript.text_select_all()
        await settle(pilot)
        assert grounds(app) <= ALLOWED
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert grounds(app) <= ALLOWED


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_with_256_colours(only_256: None, theme: str) -> None:
    app = PanesApp()
    app.theme = theme
    named = app.get_css_variables()
    texts = ("foreground", "quiet", "primary", "accent", "warning", "error", "success")
    for ground in (Color.parse(named[name]) for name in GROUNDS):
        assert ground == ground_of_256(ground)
        for name in texts:
            text = on(ground, named[name])
            assert contrast(text, ground) >= LEAST, f"{name} {text} on {ground}"


@pytest.mark.parametrize(
    ("colours", "kept", "shown"),
    [
        ("truecolor", "", "harbour"),
        ("truecolor", "harbour-256", "harbour"),
        ("truecolor", "nord", "nord"),
        ("truecolor", "harbour-16", "harbour-16"),
        ("256", "", "harbour-256"),
        ("256", "harbour", "harbour-256"),
        ("256", "nord", "nord"),
        ("256", "ansi-dark", "ansi-dark"),
        ("standard", "", "harbour-16"),
        ("standard", "harbour", "harbour-16"),
        ("standard", "harbour-256", "harbour-16"),
        ("standard", "nord", "harbour-16"),
        ("standard", "ansi-light", "ansi-light"),
        ("256", "no such theme", "harbour-256"),
    ],
)
def test_a_kept_theme_never_beats_what_the_terminal_can_show(
    monkeypatch: pytest.MonkeyPatch, colours: str, kept: str, shown: str
) -> None:
    monkeypatch.setattr(textual.constants, "COLOR_SYSTEM", colours)
    assert PanesApp(kept_theme=kept).theme == shown
