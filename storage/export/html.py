"""A session as one HTML page: no script, nothing fetched, everything escaped; prints well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from engine.markdown import reply_parser
from engine.turn_log import ActionLog, TurnLog
from storage.export.transcript import about, decision_on, end_of, moment, parts_of, state_of
from storage.search.tokenizer import to_text

# The policy holds even where a browser finds in a reply what the renderer did not.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #d6d9de; --quiet: #5d6470; --said: #eef3fb;
  --good: #1a7f45; --bad: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #3b4049; --quiet: #a3abb8; --said: #222a38; --good: #6fcf97; --bad: #ff8a80; }}
}}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin-bottom: .25rem; }}
header p, time, .how {{ color: var(--quiet); font-size: .85rem; }}
article {{ border-top: 1px solid var(--line); padding: 1rem 0 .5rem; }}
.said {{ background: var(--said); border-radius: .5rem; padding: .6rem .9rem; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .4rem 0 .8rem; }}
.reply {{ overflow-wrap: anywhere; }}
.deed {{ border: 1px solid var(--line); border-left: .3rem solid var(--quiet); border-radius: .3rem;
  padding: .5rem .9rem; margin: .8rem 0; break-inside: avoid; }}
.deed.good {{ border-left-color: var(--good); }}
.deed.bad {{ border-left-color: var(--bad); }}
.deed strong {{ display: block; }}
code, pre {{ font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; }}
td, th {{ border: 1px solid var(--line); padding: .2rem .5rem; }}
.end {{ color: var(--bad); }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 11pt; }}
  .said {{ border: 1px solid var(--line); }}
}}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p>{about}</p>
</header>
<main>
{turns}
</main>
</body>
</html>
"""


def page(session: Mapping[str, Any], turns: Sequence[TurnLog]) -> str:
    """Return the page of a session, `session` as in the JSON form."""
    return _PAGE.format(
        title=_text(session["title"]) or "Untitled",
        about=_text(about(session, turns)),
        turns="\n".join(map(_turn, turns)),
    )


def _turn(turn: TurnLog) -> str:
    intents = f" · {_text(', '.join(turn.intents))}" if turn.intents else ""
    head = f"<p class=how><time>{_text(moment(turn.at))}</time>{intents}</p>"
    said = f"<div class=said>{_text(turn.text)}</div>"
    parts = [
        _action(part) if isinstance(part, ActionLog) else _reply(part) for part in parts_of(turn)
    ]
    end = [f"<p class=end>{_text(ended)}</p>"] if (ended := end_of(turn)) else []
    return "\n".join(["<article>", head, said, *parts, *end, "</article>"])


def _action(action: ActionLog) -> str:
    looks = "good" if action.state == "succeeded" else "bad"
    how = [action.effect, decision_on(action), state_of(action)]
    lines = [
        f'<div class="deed {looks}">',
        f"<strong>{_text(action.summary or action.tool)}</strong>",
        f"<span class=how>{_text(' · '.join(filter(None, how)))}</span>",
        f"<pre>{_text(action.tool)} {_text(to_text(action.arguments))}</pre>",
    ]
    if action.result is not None:
        lines.append(f"<pre>{_text(to_text(action.result))}</pre>")
    return "\n".join([*lines, "</div>"])


def _reply(text: str) -> str:
    return f"<div class=reply>{reply_parser().render(_clean(text))}</div>"


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    """Remove control codes, and lone surrogates, which no page can hold."""
    kept = "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f"))
    return kept.encode("utf-8", "replace").decode()
