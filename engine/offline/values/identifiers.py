"""Values of a form: what fits a `pattern`, and addresses of a known kind."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

from engine.offline.lexicon import UNITS
from engine.offline.values.numbers import CURRENCY
from engine.offline.values.schema import Found, Schema, fits

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:(?://)?\S+", re.IGNORECASE)
_FORMATS: dict[str, Callable[[str], bool]] = {
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "uri": lambda text: _URI.fullmatch(text) is not None,
    "uuid": lambda text: _reads(lambda: uuid.UUID(text)),
    "ipv4": lambda text: _reads(lambda: ipaddress.IPv4Address(text)),
}
_UNIT_BEHIND = re.compile(r"\s*([^\W\d_]+)")
_TOKEN = re.compile(r"[#]?(?P<bare>[^\s,;!?\"“”()<>]+)")


def _reads(parse: Callable[[], object]) -> bool:
    with suppress(ValueError):
        parse()
        return True
    return False


def read_identifiers(text: str, schema: Schema) -> list[Found]:
    """What fits the schema's `pattern` or `format`, written with forgiveness: "inv 1042", "#1042"
    and "1042" for INV-1042. `x-prefix` says what may be left out, where the pattern does not."""
    if "pattern" not in schema:
        check = _FORMATS[str(schema["format"])]
        return [
            Found(token, start, start + len(token), measured=True)
            for token, start in _tokens(text)
            if check(token)
        ]
    pattern = str(schema["pattern"])
    prefix = re.match(r"\^?((?:[A-Za-z0-9_ ]|\\?[-#/])*)(?=[\\\[(.]|$)", pattern)
    head = str(schema.get("x-prefix") or (prefix[1].replace("\\", "") if prefix else ""))
    return list(_patterned(text, pattern, head))


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """The text's words with all that is glued to them, but for the sentence's punctuation."""
    for match in _TOKEN.finditer(text):
        token = match["bare"].strip("'’‘").rstrip(".:")
        yield token, match.start("bare") + match["bare"].index(token) if token else match.start()


def _patterned(text: str, pattern: str, head: str) -> Iterator[Found]:
    bare_head = re.escape(head.rstrip("-#/_ "))
    joined = rf"(?:{bare_head}\W{{0,2}})?" if bare_head else ""
    tokens = re.compile(rf"(?<![\w-]){joined}[#]?([\w/.@:+-]*\w)(?![\w-])", re.IGNORECASE)
    for match in tokens.finditer(text):
        after = _UNIT_BEHIND.match(text, match.end())
        counted = match[0].isdigit() and after and after[1].casefold() in UNITS
        if counted or (match.start() and text[match.start() - 1] in CURRENCY):
            continue
        for written in (match[0], match[1], head + match[1]):
            form = next((f for f in (written, written.upper()) if fits(pattern, f)), None)
            if form and (re.search(r"[\d@]", form) or not fits(pattern, "word")):
                if form.isalpha() and form != match[0]:
                    continue  # a word in small letters is not yet a code in capitals
                yield Found(form, match.start(), match.end(), measured=True)
                break
