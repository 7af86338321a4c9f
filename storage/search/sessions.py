"""Find sessions by what was said and done in them: titles, messages, arguments and results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from storage.records import Found, Match, MatchKind, SessionRecord
from storage.search.fts_index import TURNS, done
from storage.search.query import Query, day_of, highlighted, is_everything, parse, snippet
from storage.search.tokenizer import valid
from storage.tables import Action, Message

SNIPPET_CHARACTERS = 110

RECORD = """
    SELECT session.id, title, created_at, updated_at, model, archived, turns, preview, intents,
        actions, CASE WHEN unpriced = 0 THEN cost_usd END AS cost_usd"""
_WORDS = "serial IN (SELECT DISTINCT rowid >> 32 FROM turn_fts WHERE turn_fts MATCH :match)"
_WITH_WORDS = f"AND {_WORDS}"
_OF_DAY = f"AND ({_WORDS} OR date(updated_at, 'localtime') = :day)"
# What is typed has no word in it, such as "%": perhaps somebody wrote it into a title.
_WITH_TITLE = "AND instr(lower(title), lower(:typed))"
PAGE = """
    WHERE deleted_at IS NULL AND (:archived IS NULL OR archived = :archived) {also}
    ORDER BY updated_at DESC, session.id DESC LIMIT :limit OFFSET :offset"""
_PLACES = """
    SELECT rowid FROM turn_fts WHERE turn_fts MATCH :match
    AND rowid BETWEEN :first AND :last ORDER BY rowid DESC"""
_TURNS = """
    SELECT turn.id, turn.number, turn.text, serial FROM json_each(:wanted) AS place
    JOIN session ON serial = json_extract(place.value, '$[0]')
    JOIN turn ON session_id = session.id AND number = json_extract(place.value, '$[1]')
    ORDER BY serial, number DESC"""
# Sessions so near to each other in the index are read in one go, in so many goes at most: with a
# common word, a read of the whole index takes longer than a person notices.
_NEAR = 100
_READS = 4


def search(
    rows: Session, typed: str, *, archived: bool | None, limit: int, offset: int, matches: int
) -> list[Found]:
    """Return sessions that match, newest first, each with its newest `matches`."""
    query = parse(typed)
    day = day_of(typed, date.today())
    where = PAGE.format(also=(_OF_DAY if day else _WITH_WORDS) if query else _WITH_TITLE)
    parameters = {
        "match": query and query.match,
        "day": day and day.isoformat(),
        "typed": "" if is_everything(typed) else valid(typed.strip()),
        "archived": archived,
        "limit": limit,
        "offset": offset,
    }
    found = (
        rows.connection()
        .execute(text(f"{RECORD}, serial FROM session {where}"), parameters)
        .mappings()
        .all()
    )
    serials = sorted(row["serial"] for row in found)
    places = _places(rows, query, serials, matches) if query and matches and serials else {}
    shown = _matches(rows, query, places, matches) if query and places else {}
    return [
        Found(
            session=session_record(row),
            title=highlighted(row["title"], query),
            matches=tuple(shown.get(row["serial"], ())),
        )
        for row in found
    ]


def session_record(row: Mapping[Any, Any]) -> SessionRecord:
    """Convert a row of `RECORD`."""
    fields = {name: row[name] for name in SessionRecord.__dataclass_fields__}
    fields["intents"] = tuple(json.loads(fields["intents"]))
    fields["archived"] = bool(fields["archived"])
    return SessionRecord(**fields)


def _places(rows: Session, query: Query, serials: Sequence[int], most: int) -> dict[int, list[int]]:
    """By session the numbers of the newest turns that match; `serials` are sorted."""
    places: dict[int, list[int]] = {serial: [] for serial in serials}
    for first, last in _stretches(serials):
        stretch = {"first": first << TURNS, "last": (last + 1 << TURNS) - 1}
        read = rows.connection().execute(text(_PLACES), {"match": query.match, **stretch})
        for (place,) in read:
            numbers = places.get(place >> TURNS)
            number = place & (1 << TURNS) - 1
            if numbers is not None and number and len(numbers) < most:
                numbers.append(number)
    return places


def _stretches(serials: Sequence[int]) -> list[tuple[int, int]]:
    """Return the same sessions as few stretches of the index, first and last of each."""
    gaps = sorted((after - before, after) for before, after in pairwise(serials))
    wide = [after for gap, after in gaps if gap > _NEAR][-(_READS - 1) :]
    starts = [serials[0], *sorted(wide)]
    ends = [max(serial for serial in serials if serial < start) for start in starts[1:]]
    return list(zip(starts, [*ends, serials[-1]], strict=True))


def _matches(
    rows: Session, query: Query, places: Mapping[int, Sequence[int]], most: int
) -> dict[int, list[Match]]:
    """By session what of these turns matches, newest turn first."""
    wanted = [(serial, number) for serial, numbers in places.items() for number in numbers]
    turns = rows.connection().execute(text(_TURNS), {"wanted": json.dumps(wanted)}).all()
    texts = _texts(rows, {turn.id: turn.text for turn in turns})
    shown: dict[int, list[Match]] = {}
    for turn in turns:
        matches = shown.setdefault(turn.serial, [])
        for kind, said in texts[turn.id]:
            segments = snippet(said, query, SNIPPET_CHARACTERS) if len(matches) < most else ()
            if segments:
                matches.append(
                    Match(turn=turn.number, turn_id=turn.id, kind=kind, segments=segments)
                )
    return shown


def _texts(rows: Session, said: Mapping[str, str]) -> dict[str, list[tuple[MatchKind, str]]]:
    """By turn what the index knows of it; `said` is what the person said in each."""
    texts: dict[str, list[tuple[MatchKind, str]]] = {id: [("user", said[id])] for id in said}
    replies = (
        select(Message.turn_id, Message.content)
        .where(col(Message.turn_id).in_(said), Message.role == "assistant")
        .order_by(Message.turn_id, col(Message.id))
    )
    for turn_id, contents in groupby(rows.exec(replies), key=itemgetter(0)):
        reply = "\n".join(content for _, content in contents)
        texts[turn_id].append(("assistant", reply))
    actions = select(Action).where(col(Action.turn_id).in_(said)).order_by(col(Action.serial))
    for action in rows.exec(actions):
        texts[action.turn_id].append(("action", done(action)))
    return texts
