"""Count the bytes that a terminal chat app sends for one streamed reply, in one run.

    python -m scripts.bytes_per_reply [--elia PROGRAM] [--oterm PROGRAM] [--write docs/ssh.md]

A server on loopback sends the same reply, a word at a time and at a fixed pace, to each app in a
real pseudo-terminal of 80×24. Counted is what the app writes from the key that sends the message
until two seconds after the reply's last word is on the screen, then for five seconds more, while
nobody does anything. The other apps are on PyPI (elia-chat, oterm) and live in environments of
their own; those that are not given are left out. Each gets a folder with settings that lead it to
the server, and is otherwise as it comes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.end_to_end.terminal import PROGRAM, Terminal
from tests.loopback import Answer, Seen, chunk, route_answer, serve

WORDS_PER_S = 40
RUNS = 3
SETTLES_S, IDLE_S = 2.0, 5.0
LAST = "Goodnight."
_PARAGRAPH = (
    "The **harbour** was quiet when the ferry came in, and the people on the quay waited with "
    "their bags, their children and their umbrellas, because it had rained since the morning. "
)
_LIST = "\n\n- the first boat leaves at six\n- the second one at nine\n- there is no third\n\n"
REPLY = (_PARAGRAPH * 2).strip() + _LIST + (_PARAGRAPH * 2).strip() + "\n\n" + LAST
BEGIN, END = "<!-- bytes:begin -->", "<!-- bytes:end -->"


@dataclass(frozen=True)
class App:
    """How to start an app in an empty folder and to send it a message.

    `prepare` writes settings there and returns the environment for it; `ready` is on its screen
    when it takes a message, `sends` the key that sends one.
    """

    name: str
    program: str
    prepare: Callable[[Path, str], Mapping[str, str]]
    ready: str
    arguments: Sequence[str] = ()
    sends: str = "\r"


@dataclass(frozen=True)
class Count:
    """Bytes of a reply, and of an idle screen in `IDLE_S`; `seconds` is how long it arrived."""

    reply: int
    idle: int
    seconds: float


def respond(seen: Seen) -> Answer:
    """Send the words at their pace. Our own app asks first where they belong."""
    if "response_format" in seen.body:
        return route_answer("balance")
    return Answer(_words())


def _words() -> Iterator[dict[str, object]]:
    begun = time.monotonic()
    for number, word in enumerate(re.findall(r"\s*\S+", REPLY)):
        time.sleep(max(0.0, begun + number / WORDS_PER_S - time.monotonic()))
        yield chunk(word)
    yield chunk(finish="stop")


def measure(app: App, url: str) -> Count:
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            "HOME": folder,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", "") if app.program == PROGRAM else "",
            "LANG": "C.UTF-8",
            "COLORTERM": "truecolor",
            **app.prepare(Path(folder), url),
        }
        terminal = Terminal(
            app.arguments,
            folder=Path(folder),
            environ=environ,
            columns=80,
            rows=24,
            program=app.program,
        )
        try:
            terminal.wait_for(app.ready)
            terminal.read_for(SETTLES_S)
            terminal.send("What happened at the harbour?")
            terminal.read_for(SETTLES_S)
            before, begun = len(terminal.sent), time.monotonic()
            terminal.send(app.sends)
            terminal.wait_for(LAST)
            seconds = time.monotonic() - begun
            terminal.read_for(SETTLES_S)
            after = len(terminal.sent)
            return Count(after - before, len(terminal.read_for(IDLE_S)), seconds)
        finally:
            terminal.close()


def ours(name: str, *arguments: str) -> App:
    def prepare(folder: Path, url: str) -> Mapping[str, str]:
        return {"OPENAI_BASE_URL": url, "INTENTBOT_DB": "x.db"}

    return App(name, PROGRAM, prepare, "ready", arguments)


def elia(program: str) -> App:
    def prepare(folder: Path, url: str) -> Mapping[str, str]:
        settings = folder / ".config" / "elia"
        settings.mkdir(parents=True)
        (settings / "config.toml").write_text(
            'default_model = "local"\n[[models]]\nid = "local"\nname = "openai/local"\n'
            f'api_base = "{url}"\napi_key = "none"\n'
        )
        return {"OPENAI_API_KEY": "none"}

    return App(f"elia-chat {_version(program, 'elia-chat')}", program, prepare, "message", (), "\n")


def oterm(program: str) -> App:
    def prepare(folder: Path, url: str) -> Mapping[str, str]:
        settings = {
            "splash-screen": False,
            "openaiCompatible": {"local": {"base_url": url, "api_key": "none"}},
        }
        (folder / "config.json").write_text(json.dumps(settings))
        environ = {"OTERM_DATA_DIR": str(folder), "HOME": str(folder), "PATH": os.environ["PATH"]}
        # It makes its own file; the chat in it is what its dialog for a new one would write.
        subprocess.run([program, "--upgrade"], env=environ, check=True, capture_output=True)
        with closing(sqlite3.connect(folder / "store.db")) as db, db:
            db.execute(
                "INSERT INTO chat (name, model, provider) "
                "VALUES ('harbour', 'local', 'openai-compat/local')"
            )
        return {"OTERM_DATA_DIR": str(folder)}

    return App(f"oterm {_version(program, 'oterm')}", program, prepare, "harbour")


def _version(program: str, package: str) -> str:
    python = Path(program).with_name("python")
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def table(counts: Mapping[str, Sequence[Count]]) -> str:
    words = len(REPLY.split())
    lines = [
        f"A reply of {words} words ({len(REPLY):,} bytes) at {WORDS_PER_S} words a second, "
        f"80×24, the median of {RUNS} runs, {datetime.now(UTC):%Y-%m-%d}, "
        f"ours on textual {version('textual')}, Python {sys.version.split()[0]}:",
        "",
        "| app | bytes for the reply | for each byte of text | idle, 5 s |",
        "|---|---:|---:|---:|",
    ]
    for name, runs in counts.items():
        reply = round(statistics.median(run.reply for run in runs))
        idle = round(statistics.median(run.idle for run in runs))
        lines.append(f"| {name} | {reply:,} | {reply / len(REPLY):.0f} | {idle:,} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--elia", metavar="PROGRAM")
    parser.add_argument("--oterm", metavar="PROGRAM")
    parser.add_argument("--write", type=Path, metavar="FILE", help="replace the table in this page")
    options = parser.parse_args()
    own = f"intentbot-tui {version('intentbot-tui')}"
    apps = [ours(own), ours(f"{own} --low-bandwidth", "--low-bandwidth")]
    if options.elia:
        apps.append(elia(options.elia))
    if options.oterm:
        apps.append(oterm(options.oterm))
    counts: dict[str, list[Count]] = {app.name: [] for app in apps}
    with serve() as server:
        server.respond = respond
        for _ in range(RUNS):
            for app in apps:
                counts[app.name].append(measure(app, f"{server.url}/v1"))
                print(app.name, counts[app.name][-1], file=sys.stderr)
    made = table(counts)
    print(made)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        _, after = rest.split(END)
        options.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
