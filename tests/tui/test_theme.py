"""Every theme can be read: the contrast of our texts with the grounds they are on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.style import Style

from tests.tui.fake import FakeBackstage
from tests.tui.fake_archive import session, with_hits
from tests.tui.states import make_app, settle
from tui.app import PanesApp
from tui.theme import text_on

LEAST = 4.5  # WCAG 2.2, success criterion 1.4.3
TEXTS = {
    *("foreground", "quiet", "text", "text-muted", "block-cursor-foreground"),
    *("primary", "accent", "warning", "error", "success"),
}
BARS = {"secondary", "border-blurred"}
GROUNDS = ("background", "surface", "panel", "block-cursor-background")
THEMES = [name for name, theme in PanesApp().available_themes.items() if not theme.ansi]


def contrast(text: Color, ground: Color) -> float:
    """As WCAG 2.2 defines it, written down once more."""

    def luminance(color: Color) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized
        ]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(theme: str) -> dict[str, str]:
    app = PanesApp()
    app.theme = theme
    return app.get_css_variables()


def on(ground: Color, value: str) -> Color:
    """The colour of a text on this ground; `auto 60%` is black or white, partly."""
    if value.startswith("auto"):
        return ground + ground.get_contrast_text(int(value.removeprefix("auto ")[:-1]) / 100)
    return Color.parse(value)


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_on_every_ground(theme: str) -> None:
    named = colours(theme)
    for ground in (Color.parse(named[name]) for name in GROUNDS):
        for name in TEXTS:
            text = on(ground, named[name])
            assert contrast(text, ground) >= LEAST, f"{name} {text} on {ground}"
    edge, surface = Color.parse(named["border-blurred"]), Color.parse(named["surface"])
    assert contrast(edge, surface) > 1.3


@pytest.mark.parametrize("theme", THEMES)
def test_what_was_looked_for_is_read_best_of_all(theme: str) -> None:
    named = colours(theme)
    hit = Style.parse("$hit", named)
    assert hit.bold
    assert hit.foreground is not None
    assert hit.background is not None
    row = Color.parse(named["block-cursor-background"])
    others = [contrast(Color.parse(named[name]), row) for name in ("quiet", "primary", "accent")]
    assert contrast(hit.foreground, hit.background) >= max(10, *others)


@pytest.mark.parametrize("theme", THEMES)
def test_the_code_in_a_reply_can_be_read(theme: str) -> None:
    app = PanesApp()
    app.theme = theme
    for ground in (Color.parse(app.get_css_variables()[name]) for name in ("background", "panel")):
        for number in range(1, 7):
            text = Color(*app.ansi_theme.ansi_colors[number])
            assert contrast(text, ground) >= LEAST, f"{number} on {ground}"


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_text_on_any_ground_can_be_read(ground: tuple[int, int, int]) -> None:
    assert contrast(text_on(Color(*ground)), Color(*ground)) >= LEAST


def test_no_other_colour_is_written_with() -> None:
    root = Path(__file__).parent.parent.parent / "tui"
    used = {
        name
        for path in root.rglob("*.py")
        for name in re.findall(r'"(?:bold )?\$([a-z][a-z-]*)"', path.read_text(encoding="utf-8"))
    }
    assert {"quiet", "warning"} <= used <= TEXTS | {"hit", *BARS}


async def test_a_marked_row_keeps_its_colours_and_can_be_read_under_a_light_theme() -> None:
    one = session("s1", "Top up", "2026-03-02T14:03:00+00:00", "It is done.")
    found = with_hits(one, "action", "top_", "up", title="Top {up}")
    app = make_app(FakeBackstage(rows=[found]))
    app.theme = "textual-light"
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)
        listed = app.screen.query_one("#session-list")
        parts = [part for y in range(3) for part in listed.render_line(y) if part.text.strip()]
        assert {"call", "up"} <= {part.text.strip() for part in parts}
        assert any(part.text.rstrip().endswith("27 min ago") for part in parts)
        for part in parts:
            assert part.style is not None
            text, ground = part.style.color, part.style.bgcolor
            assert text is not None
            assert ground is not None
            assert contrast(Color.from_rich_color(text), Color.from_rich_color(ground)) >= LEAST
