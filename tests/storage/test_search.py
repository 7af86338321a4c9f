from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import TextDelta, TurnFinished
from storage.database import Database
from storage.history import ActionFilter, History
from storage.search.query import Segment, day_of, highlighted, parse, snippet
from storage.search.tokenizer import folded, tokens
from tests.storage.told import Recording, rows, top_up, turn


def done(reply: str = "") -> TurnFinished:
    return TurnFinished(status="completed", reply=reply)


def said(segments: tuple[Segment, ...]) -> str:
    return "".join(f"[{part.text}]" if part.hit else part.text for part in segments)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Top-up_Balance 32.50!", "top up balance 32 50"),
        ("Fünf Gärten, NAÏVE ﬁne", "funf garten naive fine"),
        ("Straße İstanbul", "strasse istanbul"),
        ("我的余额 OK", "我 的 余 额 ok"),
        ("done 👍🏽 café", "done 👍 cafe"),
        ("한국어 도움", "한국어 도움"),
        ("\ud83d x\x00y", "x y"),
    ],
)
def test_words_are_cut_without_case_and_accents(text: str, words: str) -> None:
    if "한" not in text:  # Hangul is taken apart into letters, on both sides alike
        assert folded(text) == words
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_every_word_is_where_it_is_said_to_be(text: str) -> None:
    end = 0
    for word, begins, ends in tokens(text):
        assert end <= begins < ends <= len(text)
        assert folded(text[begins:ends]) == word
        end = ends


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("top", True),
        ("TOP bal", True),
        ("balance top", True),
        ('"top up"', True),
        ('"up top"', False),
        ('"top u"', False),
        ('"top u', True),
        ("“top up”", True),
        ("spain OR top", True),
        ("top AND balance", True),
        ("spain AND top", False),
        ("OR", False),
        ("top OR", True),
        ("top AND", True),
        ("top AND b", True),
        ("-top", True),
        ("32.5", True),
        ("top_up_balance", True),
        ("余额", True),
        ("额余", False),
        ("👍", True),
        ("👎", False),
        ("fun", True),
        ("NEAR(top up) -x {a}: ^b*", False),
        ("'; DROP TABLE session; --", False),
        ("x" * 100_000, False),
        ("top " * 5_000, True),
    ],
)
def test_whatever_is_typed_finds_or_does_not(
    history: History, recording: Recording, typed: str, found: bool
) -> None:
    recording.keep(turn("s", "t", *top_up(), said="Fünf 👍 我的余额是多少"))
    result = history.search(typed)
    assert bool(result) is found
    assert not found or any(part.hit for match in result[0].matches for part in match.segments)


@given(st.text(max_size=30), st.text(max_size=60))
def test_no_text_breaks_a_search_and_nothing_of_it_is_lost(typed: str, text: str) -> None:
    query = parse(typed)
    line = " ".join(text.split())
    assert "".join(part.text for part in highlighted(text, query)) == line
    if query is not None:
        assert said(snippet(line, query, 1000)) in ("", said(highlighted(text, query)))
        assert query.spans(typed)


@given(st.text(min_size=1, max_size=20))
def test_what_was_written_is_found_by_its_own_words(text: str) -> None:
    query = parse(text.replace('"', " "))
    assert query is None or query.spans(text.replace('"', " "))


def test_the_index_takes_any_text(database: Database) -> None:
    history = History(database)

    @given(typed=st.text(max_size=20))
    def search(typed: str) -> None:
        history.search(typed)

    search()


def test_matches_say_where_they_are_newest_first(history: History, recording: Recording) -> None:
    recording.keep(turn("old", "t1", done("It is 5 GB."), said="zebra data?"))
    recording.keep(turn("new", "t2", *top_up("a1"), said="top up, zebra"))
    recording.keep(turn("new", "t3", TextDelta(text="No Zébra"), done("No Zébra"), said="thanks"))
    [new, old] = history.search("zebra")
    assert (new.session.id, old.session.id) == ("new", "old")
    assert (said(new.title), said(old.title)) == ("Add 20 dollars", "[zebra] data?")
    assert [(m.turn, m.turn_id, m.kind, said(m.segments)) for m in new.matches] == [
        (2, "t3", "assistant", "No [Zébra]"),
        (1, "t2", "user", "top up, [zebra]"),
    ]
    assert [match.text for match in old.matches] == ["zebra data?"]
    [[only]] = [found.matches for found in history.search("zebra", limit=1, matches=1)]
    assert only.turn == 2
    [acted] = history.search("32.50 dollars")
    assert [(match.kind, said(match.segments)) for match in acted.matches] == [
        ("assistant", "Let me do that. Done: $[32.50]."),
        (
            "action",
            'top_up_balance Add 20 [dollars] {"amount": 20} {"balance": "[32.50]"}',
        ),
    ]


def test_a_title_alone_is_found_also_by_its_signs(history: History, recording: Recording) -> None:
    recording.keep(turn("s", "t", done(), said="hello"))
    history.rename("s", "Savings 100%")
    [found] = history.search("savings")
    assert (said(found.title), found.matches) == ("[Savings] 100%", ())
    assert history.search("%")[0].session.id == "s"
    assert history.search("hello")[0].matches[0].kind == "user"
    history.rename("s", "Other")
    assert history.search("savings") == []


def test_archived_sessions_are_found_where_they_are_asked_for(
    history: History, recording: Recording
) -> None:
    for name in ("in", "out"):
        recording.keep(turn(name, f"t-{name}", done(), said="zebra"))
    history.archive("out")
    assert [found.session.id for found in history.search("zebra")] == ["out", "in"]
    assert [found.session.id for found in history.search("zebra", archived=False)] == ["in"]
    assert len(history.sessions(archived=None)) == 2


def test_a_long_text_is_shown_around_its_first_match() -> None:
    query = parse("needle")
    assert query is not None
    shown = snippet("hay " * 100 + "the needle " + "hay " * 100, query, 40)
    assert said(shown).startswith("…hay")
    assert "the [needle] hay" in said(shown)
    assert said(shown).endswith("…")
    assert len("".join(part.text for part in shown)) <= 42 + 20
    assert snippet("nothing", query, 40) == ()


def test_actions_are_filtered_by_everything(history: History, recording: Recording) -> None:
    told = turn("s1", "t1", *top_up("a1"))
    recording.keep(told)
    recording.keep(turn("s2", "t2", *top_up("a2")[:5]))

    def ids(**which: str) -> list[str]:
        return [action.id for action in history.actions(ActionFilter(**which))]

    assert ids() == ["a2", "a1"]
    assert ids(session_id="s1") == ids(state="succeeded") == ids(containing="32.50") == ["a1"]
    assert ids(intent="balance", tool="top_up_balance", containing="add DOLL") == ["a2", "a1"]
    assert ids(intent="data") == ids(tool="x") == ids(containing="%") == ids(containing="no") == []
    assert ids(containing="*") == ids(containing=" ") == ids()
    at = told[5].at
    assert (ids(since=at), ids(until=at)) == (["a2", "a1"], [])
    assert ids(since=told[6].at) == ["a2"]
    assert (history.intents_used(), history.tools_used()) == (["balance"], ["top_up_balance"])


def test_a_discarded_session_is_nowhere_until_it_is_restored(
    database: Database, history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t", *top_up(), said="zebra"))
    history.discard("s")
    found = (history.sessions(), history.search("zebra"), history.actions(), history.prompts())
    assert found == ([], [], [], [])
    assert (history.sessions(archived=None), history.purge()) == ([], 0)
    history.restore("s")
    assert [session.id for session in history.sessions()] == ["s"]
    history.discard("s")
    assert history.purge(older_than_s=0) == 1
    for table in ("session", "turn_fts", "action_fts", "action"):
        assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)], table
    with pytest.raises(Exception, match="removed for good"):
        history.restore("s")


def test_what_the_person_said_comes_back_once_and_newest_first(
    history: History, recording: Recording
) -> None:
    for number, text in enumerate(("one", "two", "one", "three")):
        recording.keep(turn(f"s{number % 2}", f"t{number}", done(), said=text))
    assert history.prompts() == ["three", "one", "two"]
    assert history.prompts(limit=1) == ["three"]


def test_a_draft_is_kept_with_its_session(history: History, recording: Recording) -> None:
    recording.keep(turn("s", "t", done()))
    history.keep_draft("s", "half a mess")
    history.keep_draft(None, "not begun")
    assert (history.draft("s"), history.draft(None)) == ("half a mess", "not begun")
    history.keep_draft("s", "")
    assert (history.draft("s"), history.draft("gone")) == ("", "")


def test_a_day_finds_its_sessions(history: History, recording: Recording) -> None:
    now = datetime.now().astimezone()
    noon = now.replace(hour=12, minute=0)
    days = {"a": noon, "b": noon - timedelta(days=1), "c": noon - timedelta(days=4)}
    for id, moment in days.items():
        at = moment.astimezone(UTC).isoformat(timespec="milliseconds")
        recording.keep([replace(event, at=at) for event in turn(id, f"t{id}", done())])
    recording.keep(turn("d", "td", done(), said="I paid yesterday"))

    def found(typed: str) -> set[str]:
        return {one.session.id for one in history.search(typed)}

    assert found("today") == {"a"}
    assert found("Yesterday ") == {"b", "d"}
    assert found(f"{days['c']:%A}") == {"c"}
    assert found(f"{days['c']:%Y-%m-%d}") == {"c"}
    assert found("yesterday paid") == {"d"}


@pytest.mark.parametrize("typed", ["", "2026-13-45", "someday", "20261201x"])
def test_what_is_no_day(typed: str) -> None:
    assert day_of(typed, date(2026, 12, 1)) is None
