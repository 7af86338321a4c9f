"""Servers 8 and 9: what a model wrote can be read as it was written, on screen and exported."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console
from textual.widget import Widget
from textual.widgets._markdown import MarkdownBullet

from engine.events import TextDelta
from storage.export.html import _reply
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.formatting.markdown import render
from tui.widgets.streaming_message import StreamingMessage

# As it is written, and what of it has to stand in one line.
LITERAL = {
    "Type <amount> and Map<String, List<Integer>>": "Type <amount> and Map<String, List<Integer>>",
    "<note>call first</note>": "<note>call first</note>",
    "<!-- hidden --> seen": "<!-- hidden --> seen",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "<https://example.com>": "<https://example.com>",
    "call __init__ and _id_": "call __init__ and _id_",
    "2*3*4 and 5 * 3 * 2 and 2**3**4": "2*3*4 and 5 * 3 * 2 and 2**3**4",
    "snake_case_name": "snake_case_name",
    "f(*args, **kwargs)": "f(*args, **kwargs)",
    "a &lt; b &amp; c &nbsp; d": "a &lt; b &amp; c &nbsp; d",
    "~5 and $5 and ~6": "~5 and $5 and ~6",
    "[x](javascript:alert)": "[x](javascript:alert)",
    "[x]: http://a.b": "[x]: http://a.b",
    r"C:\new\share": r"C:\new\share",
    r"\\server\share": r"\\server\share",
    r"\d+\.\d+": r"\d+\.\d+",
    "ends with a backslash\\\nnext": "ends with a backslash\\",
    "2019. A great year.": "2019. A great year.",
    "007. Bond": "007. Bond",
    "42.": "42.",
    "- [ ] open": "[ ] open",
    "a **bold** and *slanted* word": "a bold and slanted word",
    "an _important note_ here": "an important note here",
    "这是**重点**内容": "这是重点内容",
    r"\*no markup\*": "*no markup*",
    "    total: 5": "total: 5",
}
LISTS = ["1. a\n5. b\n6. c\n8. d", "0. a\n1. b", "3) a\n4) b", "- x\n\n  7. a\n  9. b"]
TABLE = "| a | b |\n|---|--:|\n| 1 | 2 | 3 | 4 |\n| averyveryverylongwordindeed | x |"
MARKUP = set("*_`~#>|-+=\\[]()!:.")


def laid_out(source: str, width: int = 70) -> str:
    return render(source, Console(width=width, color_system=None), width).plain


def numbers(text: str) -> list[str]:
    return re.findall(r"^\W*(\d+[.)]) ", text, re.MULTILINE)


@pytest.mark.parametrize("source", LITERAL)
def test_a_finished_reply_shows_what_was_written(source: str) -> None:
    """Servers 8 and 9."""
    assert LITERAL[source] in laid_out(source)


@pytest.mark.parametrize("source", LISTS)
def test_a_finished_reply_keeps_the_numbers(source: str) -> None:
    assert numbers(laid_out(source)) == re.findall(r"\d+[.)]", source)


def test_line_breaks_are_kept() -> None:
    assert [line.strip() for line in laid_out("one\ntwo\n\nthree").split("\n")] == [
        *("one", "two", "", "three")
    ]


@pytest.mark.parametrize("width", [24, 40, 80])
def test_no_cell_of_a_table_is_left_out(width: int) -> None:
    words = "".join(re.findall(r"\w", laid_out(TABLE, width)))
    for cell in ("1", "2", "3", "4", "x"):
        assert cell in words
    assert Counter(words) == Counter(re.findall(r"\w", TABLE))


PIECES = st.one_of(
    st.sampled_from([*LITERAL, *LISTS, TABLE, "> said", "# Title", "Total\n-----", "a  \nb"]),
    st.text("ab1 <>&;*_`~#|-+.()[]!:\\\"'/\n\täß", max_size=40),
)


@given(st.lists(PIECES, max_size=4).map("\n\n".join), st.sampled_from([30, 70]))
def test_nothing_but_markup_vanishes(source: str, width: int) -> None:
    """Whatever is between the marks can be read somewhere; a fence's language is a mark."""
    assume(not re.search(r"`{3}|~{3}", source))
    wanted = Counter(c for c in source if not c.isspace() and c not in MARKUP)
    missing = wanted - Counter(laid_out(source, width))
    assert not missing


ARRIVING = [
    *(LISTS[0], LISTS[3], TABLE, "one\ntwo", "[y](http://a.b 'name')", "42.", "a **bold** word"),
    *("Type <amount> and Map<String, List<Integer>>", "<note>call first</note>", "2*3*4 __init__"),
]


@pytest.mark.parametrize("source", ARRIVING)
async def test_a_reply_that_arrives_shows_what_it_will_show(source: str) -> None:
    """Servers 8 and 9, while streaming: the same words as when it is complete."""
    hold = Hold()
    deltas = [TextDelta(text=source[i : i + 7]) for i in range(0, len(source), 7)]
    backstage = FakeBackstage([fake.classified(), *deltas, hold, *fake.small_talk()[-1:]])
    async with make_app(backstage).run_test(size=(110, 60)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "go")
        await hold.reached.wait()
        live = chat.query_one(StreamingMessage)
        await live._let_go()
        await until(pilot, lambda: live.source == source)
        await settle(pilot)

        def words() -> str:
            inside = live.walk_children(Widget)
            parts = [w for w in inside if not w.children and w.region.height]
            return " ".join(" ".join(shown(widget) for widget in parts).split())

        want = Counter(re.sub(r"[\s\W]", "", laid_out(source)))
        await until(pilot, lambda: Counter(re.sub(r"[\s\W]", "", words())) == want)
        if source in LITERAL:
            assert LITERAL[source] in words()
        bullets = [str(bullet.render()).strip() for bullet in live.query(MarkdownBullet)]
        wanted = [f"{n}" for n in re.findall(r"^\s*(\d+[.)])(?: |$)", source, re.MULTILINE)]
        assert [bullet for bullet in bullets if bullet[0].isdigit()] == wanted


class _Seen(HTMLParser):
    """What a browser shows of a page, roughly: numbers of a list by their values."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "br":
            self.text += "\n"
        if tag == "li" and "value" in given:
            self.text += f"{given['value']}. "
        assert tag not in ("script", "note", "amount", "img")

    def handle_data(self, data: str) -> None:
        self.text += data


def page(source: str) -> str:
    seen = _Seen()
    seen.feed(_reply(source))
    return seen.text


@pytest.mark.parametrize("source", LITERAL)
def test_the_exported_page_shows_what_was_written(source: str) -> None:
    """Servers 8 and 9."""
    assert LITERAL[source] in page(source)


@pytest.mark.parametrize("source", LISTS)
def test_the_exported_page_keeps_the_numbers(source: str) -> None:
    found = re.findall(r'value="(\d+)"', _reply(source))
    assert found == re.findall(r"(\d+)[.)]", source)


def test_the_exported_page_keeps_line_breaks() -> None:
    assert "one\n" in page("one\ntwo")
    assert "<br" in _reply("one\ntwo")
