from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.events import Event, TextDelta, ToolStarted, TurnFailed, TurnFinished
from storage.database import Database, StorageError
from storage.export.formats import FORMATS, Format, export
from storage.export.importer import AlreadyThere, NotAnExport, parse, save
from storage.history import History
from tests.storage.told import Recording, proposal, top_up, turn

KEY = "sk-proj-abcdefghijklmnop1234567890"
HOSTILE = "<script>alert(1)</script> # no\n> heading `x` **bold** \x1b[31m [a](javascript:b) \ud83d"


def written(history: History, id: str, format: Format) -> str:
    return export(
        history.session(id), history.events(id), format, lambda t: t.replace("hunter2", "***")
    )


def exported(history: History, id: str = "s") -> dict[str, Any]:
    data: dict[str, Any] = json.loads(written(history, id, "json"))
    return data


@pytest.fixture
def elsewhere(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "elsewhere.db")


def test_a_session_goes_round_and_nothing_is_lost(
    database: Database, history: History, elsewhere: Database
) -> None:
    with Recording(database, "gpt at example.com") as recording:
        recording.keep(turn("s", "t1", *top_up("a1"), said=HOSTILE))
        recording.keep(turn("s", "t2", TurnFailed(error="network", message="No."), said="again"))
        recording.keep(turn("s", "t3", TurnFinished(status="needs_input", reply="我?")))
    history.rename("s", "Mine")
    history.archive("s")
    text = written(history, "s", "json")
    text.encode()
    assert save(elsewhere, parse(text)) == "s"
    other = History(elsewhere)
    assert other.events("s") == history.events("s")
    assert other.session("s") == history.session("s")
    assert [asdict(a) for a in other.actions()] == [asdict(a) for a in history.actions()]
    assert [one.session.id for one in other.search("mine")] == ["s"]
    assert written(other, "s", "json") == text


def test_a_session_that_is_there_is_refused_or_copied(
    history: History, database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t", *top_up()))
    session = parse(written(history, "s", "json"))
    with pytest.raises(AlreadyThere, match="--copy"):
        save(database, session)
    numbers = count()
    copy = save(database, session, lambda: f"new-{next(numbers)}")
    assert {one.id for one in history.sessions()} == {"s", copy}
    assert len(history.events(copy)) == len(history.events("s"))
    assert {action.id for action in history.actions()} > {"a1"}
    history.delete("s")
    assert history.session(copy).actions == 1


def test_a_turn_without_an_end_is_over_elsewhere(
    history: History, elsewhere: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t", proposal(), ToolStarted(call_id="c1", action_id="a1")))
    save(elsewhere, parse(written(history, "s", "json")))
    other = History(elsewhere)
    assert other.events("s") == history.events("s")
    assert [action.state for action in other.actions()] == ["unknown"]


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda data: data.pop(name)


def _event(number: int, **fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda data: data["events"][number].update(fields)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_without("format"), "not an exported session"),
        (lambda d: d.update(version=2), "version 2"),
        (_without("session"), "no `session`"),
        (_without("events"), "no `session` or no `events`"),
        (lambda d: d.update(events=[]), "tells of no turn"),
        (lambda d: d.update(events=[1]), "has no kind"),
        (lambda d: d["session"].update(id="../x"), "not an id"),
        (lambda d: d["session"].update(id="s2"), "not in order"),
        (lambda d: d["session"].update(title=5), "no title"),
        (lambda d: d["session"].update(created_at="now"), "time"),
        (_event(1, at="2026-01-01T00:00:00+02:00"), "UTC"),
        (_event(1, kind="later"), "update the program"),
        (_event(1, route="nowhere"), "not as it should be"),
        (_event(1, turn_id="other"), "not in order"),
        (_event(1, turn_id="a\x00b"), "not an id"),
        (_event(2, seq=1), "not in order"),
        (_event(2, seq=-1), "no place"),
        (lambda d: d["events"].append(d["events"][0]), "not in order"),
        (lambda d: d["events"].pop(4), "cannot have happened"),
        (_event(-2, cost_usd=float("nan")), "not JSON"),
    ],
)
def test_a_spoilt_file_is_refused_and_nothing_is_kept(
    history: History,
    elsewhere: Database,
    recording: Recording,
    spoil: Callable[[dict[str, Any]], object],
    why: str,
) -> None:
    recording.keep(turn("s", "t", *top_up()))
    data = exported(history)
    spoil(data)
    with pytest.raises(StorageError, match=why) as error:
        save(elsewhere, parse(json.dumps(data)))
    assert "\n" not in str(error.value)
    assert History(elsewhere).sessions() == []


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("levels", [60, 450, 10_000])
def test_an_argument_nested_deeply_is_refused(
    history: History, elsewhere: Database, recording: Recording, levels: int
) -> None:
    recording.keep(turn("s", "t", *top_up()))
    data = exported(history)
    proposed = next(e for e in data["events"] if e["kind"] == "tool_call_proposed")
    proposed["arguments"] = {"a": "DEEP"}
    text = json.dumps(data).replace('"DEEP"', '{"a": [' * levels + "1" + "]}" * levels)
    with pytest.raises(NotAnExport):
        save(elsewhere, parse(text))
    proposed["arguments"] = {"a": _nested(20)}
    save(elsewhere, parse(json.dumps(data)))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"format": 1}'])
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(NotAnExport):
        parse(text)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_a_page_shows_hostile_text_as_text(history: History, recording: Recording) -> None:
    call = proposal()
    steps: list[Event] = [
        call,
        TextDelta(text=f"{HOSTILE} <img src=x onerror=y> ![p](https://example.com/p.png)"),
        TurnFinished(status="completed"),
    ]
    recording.keep(turn("s", "t", *steps, said=HOSTILE))
    history.rename("s", HOSTILE)
    page = written(history, "s", "html")
    page.encode()
    parsed = Tags()
    parsed.feed(page)
    assert {"script", "img", "iframe", "object"}.isdisjoint(parsed.tags)
    assert not [link for link in parsed.links if link and link.startswith("javascript")]
    assert "src=" not in re.sub(r"&lt;.*?&gt;", "", page)
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "Add 20 dollars" in page
    assert "prefers-color-scheme: dark" in page


def test_markdown_keeps_the_replys_and_escapes_the_rest(
    history: History, recording: Recording
) -> None:
    reply = "**Yes**, `<b>`:\n\n```\n<i>\n```\n<u>"
    recording.keep(turn("s", "t", TurnFinished(status="completed", reply=reply), said=HOSTILE))
    text = written(history, "s", "markdown")
    text.encode()
    assert "**Yes**, `<b>`:\n\n```\n<i>\n```\n&lt;u>" in text
    assert "> \\<script\\>alert(1)\\</script\\> \\# no\n> \\> heading \\`x\\`" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("format", FORMATS)
def test_secrets_are_in_no_form(history: History, recording: Recording, format: Format) -> None:
    said = f"my key is {KEY}, password: tr0ub4dor, hunter2"
    recording.keep(turn("s", "t", TurnFinished(status="completed", reply=said), said=said))
    text = written(history, "s", format)
    assert format == "json" or text.count(" UTC") == 2  # of the session and of its turn
    for secret in (KEY, "tr0ub4dor", "hunter2"):
        assert secret not in text
    assert "***" in text.replace("\\", "")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("pieces", "secrets"),
    [
        (("Your key is sk-abcdefgh", "ijklmnopqrstuv, keep it."), ("abcdefgh", "ijklmnopqrstuv")),
        (("It is hun", "te", "r2."), ("hun", "r2")),
        (("Your password: correct", " horse"), ("correct", "horse")),
    ],
)
def test_a_secret_that_streamed_in_pieces_is_in_no_form(
    history: History,
    elsewhere: Database,
    recording: Recording,
    format: Format,
    pieces: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    usage = top_up()[3]  # between two pieces: the journal joins only those side by side
    told = [part for text in pieces for part in (TextDelta(text=text), usage)]
    reply = TurnFinished(status="completed", reply="".join(pieces))
    recording.keep(turn("s", "t", *told, proposal(), TextDelta(text="Done."), reply))
    text = written(history, "s", format)
    for secret in secrets:
        assert secret not in text
    assert text.replace("\\", "").count("***") == (2 if format == "json" else 1)
    assert "Done." in text
    save(elsewhere, parse(written(history, "s", "json")))
    assert written(History(elsewhere), "s", format) == text
