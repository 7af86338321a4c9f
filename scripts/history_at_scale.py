"""Time the history with 10,000 sessions and 1,000,000 messages.

    python -m scripts.history_at_scale [FILE] [--sessions N] [--messages N]

Makes the data it needs, through the real schema, and removes it; with FILE it is kept there and
used again. Each line is the median of some runs, in milliseconds, and the slowest of them.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from engine import events
from engine.events import Event
from storage.database import Database
from storage.history import ActionFilter, History
from storage.search.tokenizer import folded

RUNS = 9
LONG_SESSION_MESSAGES = 10_000
TOPICS = {
    "balance": ("get_balance", "how much money do i have on my balance"),
    "data": ("get_data_balance", "how many gigabytes of data are left this month"),
    "roaming": ("roaming_cost_for_country", "what does roaming cost in spain or japan"),
    "contract": ("get_contract", "which plan is in my contract and when can i cancel"),
    "payment": ("list_invoices", "show me the invoices that are not paid yet please"),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("file", nargs="?", type=Path, help="keep the data here")
    options.add_argument("--sessions", type=int, default=10_000)
    options.add_argument("--messages", type=int, default=1_000_000)
    chosen = options.parse_args()
    with TemporaryDirectory() as folder:
        path = chosen.file or Path(folder) / "history.db"
        if not path.exists():
            began = time.perf_counter()
            fill(path, chosen.sessions, chosen.messages)
            print(f"made in {time.perf_counter() - began:.0f} s")
        report(path)


def report(path: Path) -> None:
    began = time.perf_counter()
    database = Database.open(path)
    opened = (time.perf_counter() - began) * 1000
    history = History(database)
    with database.read() as rows:
        count = rows.connection().exec_driver_sql
        sessions = count("SELECT count(*) FROM session").scalar_one()
        messages = count("SELECT count(*) FROM message").scalar_one()
        longest = str(count("SELECT id FROM session ORDER BY turns DESC LIMIT 1").scalar_one())
    print(f"{sessions:,} sessions, {messages:,} messages, {path.stat().st_size / 1e6:,.0f} MB")
    print(f"{'open the database':<44}{opened:8.1f} ms")

    def search(typed: str) -> Callable[[], object]:
        return lambda: history.search(typed, matches=0)

    def matches(typed: str) -> Callable[[], object]:
        return lambda: history.search(typed)

    timed("list, first page of 50", history.sessions)
    timed("list, first page of 200", lambda: history.sessions(limit=200))
    timed("list, page in the middle", lambda: history.sessions(offset=sessions // 2))
    for letters in ("b", "ba", "bal"):
        timed(f"search as typed: {letters}", search(letters))
    timed("search, in most sessions: balance", search("balance"))
    timed("search, two common words: roaming spain", search("roaming spain"))
    timed('search, a phrase: "roaming cost"', search('"roaming cost"'))
    timed("search, a rare word: zebra", search("zebra"))
    timed("search, in results: 4242.42", search("4242.42"))
    timed("search, nothing: qqqq", search("qqqq"))
    for typed in ("balance", "roaming spain", "zebra"):
        timed(f"search with places: {typed}", matches(typed))
    timed("actions, newest 50", history.actions)
    chosen = ActionFilter(state="succeeded", intent="balance", containing="4242.42")
    timed("actions, filtered", lambda: history.actions(chosen))
    timed("what the person said last, 500", history.prompts)
    timed("10,000 messages: the last 20 turns", lambda: history.events(longest, last_turns=20))
    timed("10,000 messages: all events", lambda: history.events(longest))
    database.close()


def timed(name: str, call: Callable[[], object]) -> None:
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    print(f"{name:<44}{statistics.median(taken):8.1f} ms{max(taken):10.1f} ms at most")


def fill(path: Path, sessions: int, messages: int) -> None:
    """Make a database with that much in it; one session has 10,000 messages."""
    Database.open(path).close()
    chance = random.Random(1)
    long = min(LONG_SESSION_MESSAGES, messages) // 2
    each, more = divmod(messages // 2 - long, max(sessions - 1, 1))
    lengths = [each + (n < more) for n in range(sessions - 1)] + [long]
    chance.shuffle(lengths)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("BEGIN")
        moment, turn_number = datetime(2025, 1, 1, tzinfo=UTC), 0
        for serial, length in enumerate(lengths, start=1):
            moment += timedelta(minutes=20)
            _session(connection, chance, serial, range(turn_number, turn_number + length), moment)
            turn_number += length
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _session(
    connection: sqlite3.Connection,
    chance: random.Random,
    serial: int,
    turns: range,
    moment: datetime,
) -> None:
    session_id = f"session-{serial:06}"
    said = [_turn(chance, session_id, number, moment) for number in turns]
    title, last = said[0][1], said[-1]
    intents = list(dict.fromkeys(turn[0] for turn in said))
    connection.execute(
        "INSERT INTO session (id, title, created_at, updated_at, model, archived, serial, turns,"
        " actions, intents, preview, cost_usd) VALUES (?, ?, ?, ?, 'model', 0, ?, ?, ?, ?, ?, ?)",
        (
            *(session_id, title[:60], _at(moment), last[3], serial, len(said), len(said) // 2),
            *(json.dumps(intents), last[2][:120], len(said) * 0.0003),
        ),
    )
    connection.execute(
        "INSERT INTO turn_fts (rowid, title, said, reply, done) VALUES (?, ?, '', '', '')",
        (serial << 32, folded(title[:60])),
    )
    for number, (intent, text, reply, at, happened) in enumerate(said, start=1):
        _keep_turn(connection, serial, session_id, number, intent, text, reply, at, happened)


def _turn(
    chance: random.Random, session_id: str, number: int, moment: datetime
) -> tuple[str, str, str, str, list[Event]]:
    intent = chance.choice(tuple(TOPICS))
    tool, question = TOPICS[intent]
    words = question.split()
    text = " ".join(chance.choices(words, k=4) + [_word(chance) for _ in range(4)])
    amount = f"{chance.randrange(1_000_000) / 100:.2f}"
    reply = " ".join(["your", intent, "is", amount, *chance.choices(words, k=5), _word(chance)])
    if number % 100_000 == 50_000:
        text += " zebra"
    action_id = f"action-{number}"
    steps: list[Event] = [
        events.TurnStarted(session_id=session_id, text=text),
        events.IntentClassified(route="task", intents=(intent,), source="llm", confidence=0.9),
    ]
    if number % 2:
        steps += [
            events.ToolCallProposed(
                call_id="c1",
                action_id=action_id,
                intent=intent,
                tool=tool,
                arguments={"customer": number},
                effect="read",
            ),
            events.ToolStarted(call_id="c1", action_id=action_id),
            events.ToolFinished(call_id="c1", outcome="ok", result={intent: amount}),
        ]
    steps += [
        events.UsageUpdated(stage="act", model="model", input_tokens=300, cost_usd=0.0003),
        events.TextDelta(text=reply),
        events.TurnFinished(status="completed", reply=reply),
    ]
    return intent, text, reply, _at(moment + timedelta(seconds=number % 1000)), steps


_HEAD = {"kind", "turn_id", "seq", "at"}


def _keep_turn(
    connection: sqlite3.Connection,
    serial: int,
    session_id: str,
    number: int,
    intent: str,
    text: str,
    reply: str,
    at: str,
    happened: list[Event],
) -> None:
    execute = connection.execute
    turn_id = f"{session_id}-{number}"
    execute(
        "INSERT INTO turn VALUES (?, ?, ?, 'completed', ?, ?, NULL, ?, ?, '1:past')",
        (turn_id, session_id, number, text, reply, at, at),
    )
    connection.executemany(
        "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
        (
            (turn_id, seq, at, event.kind, json.dumps(_body(event), separators=(",", ":")))
            for seq, event in enumerate(happened)
        ),
    )
    for role, content in (("user", text), ("assistant", reply)):
        execute(
            "INSERT INTO message (turn_id, role, content, at) VALUES (?, ?, ?, ?)",
            (turn_id, role, content, at),
        )
    execute(
        "INSERT INTO classification (turn_id, route, intents, confidence, alternatives, source,"
        " tools_offered, duration_ms) VALUES (?, 'task', ?, 0.9, '[]', 'llm', '[]', 1)",
        (turn_id, json.dumps([intent])),
    )
    execute(
        "INSERT INTO model_call (turn_id, stage, model, input_tokens, cached_tokens,"
        " output_tokens, cost_usd, flat_input_tokens, duration_ms, at)"
        " VALUES (?, 'act', 'model', 300, 0, 20, 0.0003, 3000, 500, ?)",
        (turn_id, at),
    )
    done = ""
    for proposed, finished in zip(happened[2:], happened[4:], strict=False):
        if isinstance(proposed, events.ToolCallProposed):
            assert isinstance(finished, events.ToolFinished)
            done = _keep_action(connection, turn_id, session_id, at, proposed, finished)
    execute(
        "INSERT INTO turn_fts (rowid, title, said, reply, done) VALUES (?, '', ?, ?, ?)",
        ((serial << 32) + number, folded(text), folded(reply), folded(done)),
    )


def _keep_action(
    connection: sqlite3.Connection,
    turn_id: str,
    session_id: str,
    at: str,
    proposed: events.ToolCallProposed,
    finished: events.ToolFinished,
) -> str:
    arguments, result = json.dumps(proposed.arguments), json.dumps(finished.result)
    serial = int(proposed.action_id.partition("-")[2]) + 1
    connection.execute(
        "INSERT INTO action (id, turn_id, session_id, call_id, intent, tool, arguments, effect,"
        " summary, state, result, proposed_at, started_at, finished_at, duration_ms, serial)"
        " VALUES (?, ?, ?, 'c1', ?, ?, ?, 'read', '', 'succeeded', ?, ?, ?, ?, 3, ?)",
        (
            *(proposed.action_id, turn_id, session_id, proposed.intent, proposed.tool, arguments),
            *(result, at, at, at, serial),
        ),
    )
    done = f"{proposed.tool} {arguments} {result}"
    connection.execute("INSERT INTO action_fts (rowid, done) VALUES (?, ?)", (serial, folded(done)))
    return done


def _body(event: Event) -> dict[str, object]:
    return {key: value for key, value in vars(event).items() if key not in _HEAD}


def _word(chance: random.Random) -> str:
    """Return one of 20,000 invented words; as in a language, few of them are frequent."""
    number = int(chance.paretovariate(0.5)) % 20_000
    letters = "bcdfgklmnprstvw"
    word = ""
    for vowel in "aeiou"[number % 5 :] + "aeiou"[: number % 5]:
        number, letter = divmod(number, len(letters))
        word += letters[letter] + vowel
        if not number:
            break
    return word


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


if __name__ == "__main__":
    main()
