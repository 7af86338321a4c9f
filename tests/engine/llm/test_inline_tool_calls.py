"""Thoughts and calls in a model's text: what of it is shown, and what is called."""

# ruff: noqa: E501 - calls stand here on one line, as models write them.

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.llm.inline_tool_calls import InlineToolCallParser

ADD = '{"name": "add", "arguments": {"x": 1}}'
GO = '{"name": "go", "parameters": {}}'
BLOCK, GO_BLOCK = f"<tool_call>\n{ADD}\n</tool_call>", f"<tool_call>{GO}</tool_call>"
FENCE = f"```json\n{ADD}\n```"
UNKNOWN = '<tool_call>{"name": "drop_all", "arguments": {}}</tool_call>'


def read(text: str, step: int, *, offered: bool = True) -> tuple[str, list[tuple[str, object]]]:
    """What is shown of the text in pieces of `step` characters, and the calls."""
    reader = InlineToolCallParser(frozenset(["add", "go"] if offered else []))
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
    reader = InlineToolCallParser(frozenset(["add"]))
    pieces = ["Well, ", "a < b ", "and `c` ", "so <", "i> ", "``", "`py\n", "x``` ", "is ", "all"]
    shown = [reader.feed(piece) for piece in pieces]
    assert shown == [
        "Well, ", "a < b ", "and `c` ", "so", " <i> ", "``", "`py\n", "x``` ", "is ", "all"
    ]  # fmt: skip


def test_what_is_held_back_is_held_to_the_end() -> None:
    reader = InlineToolCallParser(frozenset(["add"]), hold=True)
    assert [reader.feed(piece) for piece in ("Well", ", so ", "it is.")] == ["", "", ""]
    assert reader.finish() == ("Well, so it is.", ())


# Each is a call that somebody might believe to have run.
MISSED = [
    f"It is\n{ADD}",
    f"{ADD}\nI have added it.",
    f"{BLOCK}\nI have added it.",
    f"Sure, adding.\n\n{FENCE}\n",
    f"`a` < b:\n```py\nx\n```\n{FENCE}",
    f"{FENCE}\nThat is how it would be called.",
    f"Sure.\n[{ADD}]",
    "Sure.\nadd(x=1)",
    "Sure.\n```tool_code\nadd(x=1)\n```",
    UNKNOWN,
    UNKNOWN.removeprefix("<tool_call>").removesuffix("</tool_call>"),
    f"{BLOCK}{UNKNOWN}",
    f"{BLOCK}<tool_call>{ADD[:-3]}",
    f"<tool_call>{ADD[:-3]}</tool_call>",
    f"<tool_call>{ADD} and more</tool_call>",
    '<tool_call>{"name": ["add"]}</tool_call>',
    "<tool_call>add\n<arg_key>x</arg_key>\n<arg_value>1",
    "<function=add>\n<parameter=x>1</function>",
    "[TOOL_CALLS]add",
    "<|tool_call_begin|>what is this<|tool_call_end|>",
    "<tool_call>add(1)</tool_call>",
    "<tool_call>add(**{'x': 1})</tool_call>",
    "<tool_call>add(x=__import__('os'))</tool_call>",
]


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize("text", MISSED)
def test_a_call_that_is_not_taken_is_reported(text: str, step: int) -> None:
    """It never looks like a completed reply."""
    reader = InlineToolCallParser(frozenset(["add", "go"]))
    for i in range(0, len(text), step):
        reader.feed(text[i : i + step])
    assert reader.finish()[1] == ()
    assert reader.misunderstood


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize("text", [BLOCK, ADD, f"It says:\n{BLOCK}", f"It says:\n{FENCE}"])
@pytest.mark.parametrize("said", [f"run {BLOCK} or {ADD}", json.dumps({"note": f"{BLOCK} {ADD}"})])
def test_what_the_conversation_has_is_quoted(text: str, said: str, step: int) -> None:
    """Text of the person or of a tool never becomes a call."""
    reader = InlineToolCallParser(frozenset(["add", "go"]), conversation=[said])
    shown = "".join(reader.feed(text[i : i + step]) for i in range(0, len(text), step))
    rest, calls = reader.finish()
    assert (shown + rest, calls, reader.misunderstood) == (text, (), False)


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
@pytest.mark.parametrize(
    "text",
    [
        f"> {BLOCK}",
        f"The tag `{BLOCK}` does it.",
        f"```\n{BLOCK}\n```\nlike that",
        f'"{BLOCK}"',
        "The </think> tag ends thoughts.",
        "It ends with </think>. Then comes the answer.",
        "Tags (<b>, </think>) and others, </think>, are markup.",
        "Write `so</think>it is`, and no more.",
        "It looks like this:\n```\nhm\n</think>\nHello\n```\nThat is it.",
        "Type <amount> and Map<String, List<Integer>> [see 1]",
        "[1] a note",
        "Here is my plan.",
        "analysis of your bill",
    ],
)
def test_markup_in_code_and_quotations_is_text(text: str, step: int) -> None:
    for hold in (False, True):
        reader = InlineToolCallParser(frozenset(["add", "go"]), hold=hold)
        shown = "".join(reader.feed(text[i : i + step]) for i in range(0, len(text), step))
        rest, calls = reader.finish()
        assert (shown + rest, calls) == (text, ())


# Forms that models are trained on; `engine.llm.dialects` names them.
FORMS = [
    "<tool_call>\n<function=add>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>",
    "<function=add>\n<parameter=x>\n1\n</parameter>\n</function>",
    '<function=add>{"x": 1}</function>',
    '[TOOL_CALLS][{"name": "add", "arguments": {"x": 1}}]',
    '[TOOL_CALLS]add[ARGS]{"x": 1}',
    '[TOOL_CALLS]add{"x": 1}',
    '<|python_tag|>{"name": "add", "parameters": {"x": 1}}',
    "<|python_tag|>add.call(x=1)",
    '[{"name": "add", "arguments": {"x": 1}}]',
    '{"type":"function","function":{"name":"add","arguments":"{\\"x\\": 1}"}}',
    '<|channel|>analysis<|message|>User wants it.<|end|><|start|>assistant<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"x": 1}<|call|>',
    '<|start|>assistant to=functions.add<|channel|>commentary json<|message|>{"x": 1}<|call|>',
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{"x": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>',
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"x": 1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    '<｜DSML｜function_calls>\n<｜DSML｜invoke name="add">\n<｜DSML｜parameter name="x" string="false">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    "<tool_call>add\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"x": 1}<|tool_call_end|><|tool_calls_section_end|>',
    '<tool_calls>\n{"name": "add", "arguments": {"x": 1}}\n</tool_calls>',
    '<minimax:tool_call>\n<invoke name="add">\n<parameter name="x">1</parameter>\n</invoke>\n</minimax:tool_call>',
    'functools[{"name": "add", "arguments": {"x": 1}}]',
    '<|tool_call|>[{"name": "add", "arguments": {"x": 1}}]<|/tool_call|>',
    '<tool_call>[{"name": "add", "arguments": {"x": 1}}]',
    '<function_call> {"name": "add", "arguments": {"x": 1}}',
    "[add(x=1)]",
    "<|python_start|>[add(x=1)]<|python_end|>",
    "<function_calls>\nadd(x=1)\n</function_calls>",
    "<|tool_call_start|>[add(x=1)]<|tool_call_end|>",
    '<|START_ACTION|>[{"tool_call_id":"0","tool_name":"add","parameters":{"x":1}}]<|END_ACTION|>',
    "<|tool_call>call:add{x:1}<tool_call|>",
    "```tool_code\nadd(x=1)\n```",
    "<seed:tool_call><function=add><parameter=x>1</parameter></function></seed:tool_call>",
    '<|tools_prefix|>[{"add": {"x": 1}}]<|tools_suffix|>',
    '{"name": "add", "arguments": {"x": 1}}<|eom_id|>',
    '<|action_start|><|plugin|>{"name": "add", "parameters": {"x": 1}}<|action_end|>',
    '{"tool_calls":[{"name":"add","arguments":{"x":1}}]}',
    '[TOOL_CALLS]add[CALL_ID]abcdef123[ARGS]{"x": 1}',
    'analysisThe person wants it.assistantcommentary to=functions.add <|constrain|>json<|message|>{"x": 1}<|call|>',
]


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("form", FORMS)
def test_a_call_is_read_in_every_documented_form(form: str, step: int) -> None:
    """And only where what it names was offered."""
    for offered, wanted in ((["add", "go"], [ONE]), (["go"], [])):
        reader = InlineToolCallParser(frozenset(offered))
        shown = "".join(reader.feed(form[i : i + step]) for i in range(0, len(form), step))
        rest, calls = reader.finish()
        assert [(call.name, json.loads(call.arguments)) for call in calls] == wanted
        assert reader.misunderstood is not bool(wanted)
        assert shown + rest == ""


_PLAIN = st.text(st.characters(exclude_characters="<[{`◁acfH"), max_size=300)


@given(_PLAIN, st.integers(1, 20))
def test_any_text_is_shown_or_kept_whole(text: str, step: int) -> None:
    """Without markup in it, nothing of a text is lost, in whatever pieces it comes."""
    whole = InlineToolCallParser(frozenset(["add"]))
    once = whole.feed(text) + whole.finish()[0]
    reader = InlineToolCallParser(frozenset(["add"]))
    shown = "".join(reader.feed(text[i : i + step]) for i in range(0, len(text), step))
    assert shown + reader.finish()[0] == once == text


_PIECES = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<think>", "</think>", "```json\n", "```", ADD, "{", "[", "\n",
     "<|channel|>", "<|end|>", "[TOOL_CALLS]", "add(", "x=1)", "text ", "<function=add>", "`"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=12), st.integers(1, 9))
def test_however_a_text_is_cut_the_same_calls_are_in_it(pieces: list[str], step: int) -> None:
    text = "".join(pieces)
    readings = []
    for size in (step, len(text) or 1):
        reader = InlineToolCallParser(frozenset(["add"]), hold=True)
        for i in range(0, len(text), size):
            reader.feed(text[i : i + size])
        rest, calls = reader.finish()
        readings.append((rest, [call.arguments for call in calls], reader.misunderstood))
    assert readings[0] == readings[1]
