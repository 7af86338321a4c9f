"""`ask` against servers that answer in dialects, or not at all: what runs, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import Home
from tests.engine.llm.dialect_server import Dialect, delta, events, raw, said, top_up
from tests.loopback import Answer, Loopback, call_answer, chunk, serve


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def hosted(home: Home, server: Loopback) -> Home:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    return home


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (events(top_up(), chunk(finish="error")), 3),
        (events(top_up(), chunk(finish="odd")), 1),
        (events(top_up(), chunk(finish="max_tokens")), 4),
        (events(top_up(), chunk(finish="content_filter")), 1),
        (said('<tool_call>{"name": "top_up_balance", "arguments": {"amount": 2'), 1),
        (raw('{"error": {"message": "no"}}', "application/json"), 3),
        (raw("<html>Sign in</html>", "text/html"), 2),
        (Answer(status=413, body=""), 4),
        (Answer(status=404, body="404 page not found"), 2),
    ],
)
def test_what_is_not_an_answer_runs_nothing_and_has_its_exit_code(
    hosted: Home, server: Loopback, act: Answer, code: int
) -> None:
    server.respond = Dialect(act)
    done = hosted.run("ask", "top up 20 dollars", "--yes", "--db", "x.db", check=code)
    assert "Traceback" not in done.stderr
    assert "intentbot-tui: " in done.stderr
    assert hosted.listing("actions", "list", "--db", "x.db") == []


def test_server_11_a_reply_cut_short_is_marked_everywhere(hosted: Home, server: Loopback) -> None:
    server.respond = Dialect(said("Your balance is 32", "length"))
    done = hosted.run("ask", "what is my balance?", "--db", "x.db")
    assert done.stdout == "Your balance is 32\n"
    assert "cut" in done.stderr
    last = hosted.events("what is my balance?", "--db", "x.db")[-1]
    assert (last["kind"], last["cut"]) == ("turn_finished", True)
    (session, _) = hosted.listing("sessions", "list", "--db", "x.db")
    for command in (("show",), ("export",), ("export", "--format", "html")):
        told = hosted.run("sessions", command[0], session["id"], *command[1:], "--db", "x.db")
        assert "cut short" in told.stdout


def test_server_10_what_cannot_be_written_is_replaced_on_the_way_in(
    hosted: Home, server: Loopback
) -> None:
    hosted.environ["PYTHONIOENCODING"] = "utf-8:strict"
    server.respond = Dialect(
        call_answer("cancel_contract", {"reason": "\ud83d off"}),
        said('{"label": "contract", "reply": "\\ud83d"}', size=500),
        events(chunk("a\ud83d"), chunk(finish="stop")),
    )
    for options in ((), ("--json",)):
        done = hosted.run("ask", "end my contract", "--deny", *options, "--db", "x.db", check=None)
        assert "Traceback" not in done.stderr
        assert done.returncode == 0
        assert "\ufffd" in done.stdout


def test_an_absurd_figure_does_not_fail_the_turn(hosted: Home, server: Loopback) -> None:
    usage = {"prompt_tokens": 2**70, "completion_tokens": 2**64}
    server.respond = Dialect(events(chunk("Fine."), chunk(finish="stop", usage=usage)))
    done = hosted.run("ask", "what is my balance?", "--db", "x.db")
    assert done.stdout == "Fine.\n"


def test_server_4_thoughts_do_not_reach_the_output_or_the_file(
    hosted: Home, server: Loopback
) -> None:
    server.respond = Dialect(
        events(chunk("hush-hush\n</think>\n\n"), *call_answer("get_balance", {}).chunks),
        reply=events(
            delta(content="hush-hush"), chunk("\n</think>\n\nDone."), chunk(finish="stop")
        ),
    )
    done = hosted.run("ask", "what is my balance?", "--db", "x.db")
    assert done.stdout == "Done.\n"
    stored = b"".join(file.read_bytes() for file in hosted.folder.glob("x.db*"))
    assert b"hush-hush" not in stored
