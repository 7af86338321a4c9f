"""Thoughts and calls in a model's text: what of it is shown, and what is called."""

from __future__ import annotations

import json

import pytest

from engine.models.written import WrittenReader

ADD = '{"name": "add", "arguments": {"x": 1}}'
GO = '{"name": "go", "parameters": {}}'
BLOCK, GO_BLOCK = f"<tool_call>\n{ADD}\n</tool_call>", f"<tool_call>{GO}</tool_call>"
FENCE = f"```json\n{ADD}\n```"
UNKNOWN = '<tool_call>{"name": "drop_all", "arguments": {}}</tool_call>'


def read(text: str, step: int, *, offered: bool = True) -> tuple[str, list[tuple[str, object]]]:
    """What is shown of the text in pieces of `step` characters, and the calls."""
    reader = WrittenReader(frozenset(["add", "go"] if offered else []))
    shown = "".join(reader.feed(text[i : i + step]) for i in range(0, len(text), step))
    rest, calls = reader.finish()
    return shown + rest, [(call.name, json.loads(call.arguments)) for call in calls]


ONE: tuple[str, object] = ("add", {"x": 1})
OTHER: tuple[str, object] = ("go", {})


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "lead", "calls"),
    [
        (ADD, "", [ONE]),
        (BLOCK, "", [ONE]),
        (FENCE, "", [ONE]),
        (f"```\n{ADD}```", "", [ONE]),
        (f"\n\n{BLOCK}\n", "", [ONE]),
        (f"<tool_call>{ADD}", "", [ONE]),
        (f"{BLOCK}\n{GO_BLOCK}", "", [ONE, OTHER]),
        (f"<tool_call>{ADD}\n{GO_BLOCK}", "", [ONE, OTHER]),
        (f"<think>Hm, {BLOCK}?</think>\n\n{GO_BLOCK}", "", [OTHER]),
        (f"\n<think>\n</think>\n<think>b</think>{ADD}", "", [ONE]),
        (f"Sure, adding.\n{BLOCK}", "Sure, adding.", [ONE]),
        (f"<think>a</think>Sure.\n\n{BLOCK}{GO_BLOCK}", "Sure.", [ONE, OTHER]),
        (f"Sure, adding.\n\n{FENCE}\n", "Sure, adding.", [ONE]),
        (f"`a` < b:\n```py\nx\n```\n{FENCE}", "`a` < b:\n```py\nx\n```", [ONE]),
        (f"{BLOCK}\nI have added it.", "", [ONE]),
        (BLOCK.replace("1", '"</tool_call>"'), "", [("add", {"x": "</tool_call>"})]),
    ],
)  # fmt: skip
def test_calls_are_taken_from_markup(
    text: str, lead: str, calls: list[tuple[str, object]], step: int
) -> None:
    shown, found = read(text, step)
    assert (shown.rstrip(), found) == (lead, calls)
    assert shown == lead or step < len(text)


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    "text",
    [
        f"Such a call is {ADD}, or so.",
        f"It is\n{ADD}",
        f"{ADD}\nI have added it.",
        f"{FENCE}\nThat is how it would be called.",
        f"Like this:\n{FENCE}\nor this:\n{FENCE}",
        UNKNOWN,
        f"{BLOCK}{UNKNOWN}",
        f"{BLOCK}<tool_call>{ADD[:-3]}",
        f"<tool_call>{ADD[:-3]}</tool_call>",
        f"<tool_call>{ADD} and more</tool_call>",
        f"<tool_call>[{ADD}]</tool_call>",
        '<tool_call>{"name": ["add"]}</tool_call>',
        "The <tool_call> tag, <b>and</b> `code`, ``` and <",
        "  indented",
        "I <think> so</think>",
        "<thin",
        pytest.param('{"a":' * 9000 + "1" + "}" * 9000, id="deep"),
    ],
)
def test_all_else_is_text(text: str, step: int) -> None:
    assert read(text, step) == (text, [])


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize("offered", [True, False])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>one\ntwo</think>\n\nHello", "Hello"),
        (" <think></think><think>a</think> Hello <think>", "Hello <think>"),
        ("<think>a < b</thin </think>Hello", "Hello"),
        ("<think>never ends", ""),
    ],
)
def test_thoughts_are_not_shown(text: str, shown: str, offered: bool, step: int) -> None:
    assert read(text, step, offered=offered) == (shown, [])


def test_where_nothing_is_offered_markup_is_text() -> None:
    for text in (BLOCK, FENCE, ADD):
        assert read(text, 5, offered=False) == (text, [])


def test_prose_is_shown_at_once() -> None:
    reader = WrittenReader(frozenset(["add"]))
    pieces = ["Well, ", "a < b ", "and `c` ", "so <", "i> ", "``", "`py\n", "x``` ", "is ", "all"]
    shown = [reader.feed(piece) for piece in pieces]
    assert shown == [
        "Well, ", "a < b ", "and `c` ", "so", " <i> ", "", "```py\n", "x", "``` is ", "all"
    ]  # fmt: skip


def test_a_fence_that_does_not_end_the_reply_is_shown_when_that_is_clear() -> None:
    reader = WrittenReader(frozenset(["add"]))
    assert reader.feed(f"So:\n{FENCE}") == "So:"
    assert reader.feed("\n") == ""
    assert reader.feed("it") == f"\n{FENCE}\nit"
    assert reader.feed(f"\n{FENCE}") == f"\n{FENCE}"
