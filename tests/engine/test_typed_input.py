"""Words for the program never reach a model or a tool."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import IntentClassified, TextDelta, ToolCallProposed
from engine.typed_input import Command, MessageText, as_typed, read_input
from tests.engine.desk import Desk, assistant, last, turn
from tests.engine.stubs import StubModel, says, task

QUIT = [
    *("quit", "exit", "Quit", "EXIT", " quit ", "quit\n", "quit!", "exit.", "exit;", "quit()"),
    *(":q", ":q!", ":wq", ":wq!", ":qa!", ":x", ":quit", "/quit", "/exit", " /quit", "/ quit"),
    *(
        "quit,",
        '"quit"',
        "'exit'",
        "`quit`",
        "\u201cquit\u201d",
        '"quit."',
        ":qall",
        ":qall!",
        ":cq",
    ),
    *("quit\u00ad", "\u2063quit", "qu\u034fit", "quit\ufe0f", "/\u200dquit", "\u2800exit"),
    *("/QUIT", "\ufeffquit", "\u200bexit", "／quit", "ｑｕｉｔ", "\x1b[1mquit\x1b[0m"),
]
HELP = ["help", "Help!", "help?", "?", "??", ":help", ":h", "help()", "/help", "/?", "/h"]
OTHER = ["/", "/foo", "/new", "/usr/bin/foo is slow", "/ 5", "/\nhello", "／foo"]
MESSAGES = [
    *("quit wasting my time", "help me", "I want to exit", "how do I quit?", "exit strategy"),
    *(":)", ":D", ":-/", ":p", "5/3", "and/or", "q", "", ".", "!", "...", "1", "bye"),
]


@pytest.mark.parametrize(
    ("typed", "name"), [*((text, "quit") for text in QUIT), *((text, "help") for text in HELP)]
)
def test_a_word_for_the_program_is_a_command(typed: str, name: str) -> None:
    command = read_input(typed)
    assert isinstance(command, Command)
    assert command.name == name


@pytest.mark.parametrize("typed", OTHER)
def test_whatever_begins_with_a_slash_is_a_command(typed: str) -> None:
    assert isinstance(read_input(typed), Command)


@pytest.mark.parametrize("typed", MESSAGES)
def test_what_a_person_says_to_the_assistant_is_a_message(typed: str) -> None:
    assert read_input(typed) == typed
    assert isinstance(read_input(typed), MessageText)


@given(st.text())
def test_two_slashes_send_any_text_that_begins_with_one(rest: str) -> None:
    message = read_input(f"//{rest}")
    assert message == f"/{rest}".strip()
    assert read_input(as_typed(str(message))) == message
    assert read_input(message) is message


@given(st.text())
def test_no_message_begins_with_a_slash_that_was_not_escaped(typed: str) -> None:
    read = read_input(typed)
    if typed.strip().startswith("/") and not typed.strip().startswith("//"):
        assert isinstance(read, Command)


@pytest.mark.parametrize("typed", ["quit", ":q!", "help", "?", "/quit", "/foo", "/ 5", "exit\n"])
@pytest.mark.parametrize("as_intent", [None, "balance"])
async def test_the_assistant_asks_no_model_and_runs_no_tool_for_a_command(
    tmp_path: Path, typed: str, as_intent: str | None
) -> None:
    desk, model = Desk(), StubModel()
    subject = assistant(desk, tmp_path, model)
    happened = [event async for event in subject.respond(typed, as_intent=as_intent)]
    assert [e.route for e in happened if isinstance(e, IntentClassified)] == ["out_of_scope"]
    assert any(isinstance(event, TextDelta) for event in happened)
    assert not any(isinstance(event, ToolCallProposed) for event in happened)
    assert (model.requests, desk.ran) == ([], [])


async def test_an_escaped_path_reaches_the_assistant_with_one_slash(tmp_path: Path) -> None:
    model = StubModel(says("I see."))
    happened = await turn(
        assistant(Desk(), tmp_path, model, task("balance", text="/usr/bin/foo is slow")),
        "//usr/bin/foo is slow",
    )
    assert last(happened).reply == "I see."
    assert model.requests[0].messages[-1].content == "/usr/bin/foo is slow"
