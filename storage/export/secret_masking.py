"""Mask secrets in what is written to a file, also those that a person or a tool said.

What is known by value the caller takes out; this adds what looks like a secret: keys by the form
that their issuers document, and values under a name such as `password`. Where a text may be read
both ways it is masked: a word too few in a file is better than a password in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MASK = "***"

_FORMS = (
    r"sk-[\w-]{16,}",  # OpenAI and those who copy its form
    r"[srp]k_(?:live|test)_\w{10,}",  # Stripe
    r"gh[pousr]_\w{16,}",  # GitHub
    r"github_pat_\w{20,}",
    r"gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|soat|wt)-[\w.-]{16,}",  # GitLab
    r"(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"AIza[\w-]{35}",
    r"xox[abeoprs]-[\w-]{10,}",
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON web tokens, RFC 7519
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)
_KEY = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_FORMS)})")
_BEARER = re.compile(r"(?i)\b(bearer\s+)(?=\S*[\d_~+/=]|\S{20})[\w.~+/=-]{12,}")
_IN_URL = re.compile(r"(://[^\s/:@]*:)[^\s/]+(?=@)")  # user:password@host, RFC 3986, 3.2.1

# What people think up may be several words, what is issued to them is one. Of tokens and pins
# there are many kinds: theirs is a secret where it looks like one.
_CHOSEN = r"password|passwd|passphrase|passcode|pwd"
_ISSUED = (
    r"secret|(?:access|auth|bearer|refresh)[-_ ]?token"
    r"|(?:access|account|api|encryption|openai|private|secret|signing|subscription)[-_ ]?key"
)
_PIN = r"(?<![A-Za-z0-9])pin|(?-i:(?<=[a-z])Pin)"
_PERHAPS = rf"token|{_PIN}"
_LINES = rf"{_CHOSEN}|authorization"
_ANY = rf"{_LINES}|{_ISSUED}|{_PERHAPS}"
# Quoted or not, in bold or not, escaped or not: "password": , password= , **Password:** , api_key=>
_SIGN = r"[\"'`*\\]{0,3}+[ \t]{0,4}+(?:[:=]{1,2}>?|->)[* \t\\]{0,6}+"

_QUOTED = re.compile(rf"(?im)((?:{_ANY}){_SIGN})([\"'`])[^\n]+?(\2|$)")
_LINE = re.compile(rf"(?i)((?:{_LINES}){_SIGN})(?![\"'`])[^\n]+")
_WORD = re.compile(rf"(?i)((?:{_ISSUED}){_SIGN})(?![\"'`])[^\s\"',;&}}\]]{{4,}}")
_ODD_WORD = re.compile(rf"(?i)((?:{_PERHAPS}){_SIGN})(?P<word>[^\s\"',;&}}\]]{{4,}})")
_SAID = re.compile(
    rf"(?i)((?:{_CHOSEN}|{_ISSUED}|{_PIN})(?:\s+(?:code|to|was))?(?P<is>\s+is)?"
    r"(?:\s+now)?[*:=]{0,3}\s+[\W_]{0,3})(?P<word>[^\W_]\S{2,}[^\W_])"
)
_ODD = re.compile(r"\d|[a-z][A-Z]|[^\W\d_][@#$%^&*+=!?<>|~\\]+[^\W\d_]")
# "My password is wrong" tells no password, "is swordfish" does.
_TOLD = re.compile(
    r"(?i)about|accepted|again|almost|already|also|always|asked|being|case|changed|correct|empty"
    r"|expired|good|hidden|incorrect|invalid|just|kept|known|like|locked|long|lost|missing|needed"
    r"|never|none|only|optional|over|really|rejected|required|reset|right|safe|secret|sent|short"
    r"|something|stolen|stored|strong|that|there|this|unknown|used|valid|very|weak|what|when|where"
    r"|which|with|wrong|your"
)
_NAME = re.compile(rf"(?i)(?:{_ANY})$")
# Most texts have none of the names: to see that is a hundred times quicker than to look for them.
_HINTS = ("pass", "pwd", "authorization", "secret", "token", "key", "pin")


def mask(text: str) -> str:
    """Return `text` without anything that looks like a secret."""
    text = _BEARER.sub(rf"\1{MASK}", _KEY.sub(MASK, text))
    text = _IN_URL.sub(rf"\1{MASK}", text)
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _QUOTED.sub(rf"\1\2{MASK}\3", text)
    text = _WORD.sub(rf"\1{MASK}", _LINE.sub(rf"\1{MASK}", text))
    text = _ODD_WORD.sub(_if_it_tells, text)
    return _SAID.sub(_if_it_tells, text)


def masked(value: Any, redact: Callable[[str], str]) -> Any:
    """Return JSON data with `redact` and `mask` applied to every string except field names.

    Under the name of a secret everything goes, numbers and lists too.
    """
    match value:
        case str():
            return mask(redact(value))
        case Mapping():
            return {
                name: MASK if _hides(name, inside) else masked(inside, redact)
                for name, inside in value.items()
            }
        case list() | tuple():
            return [masked(inside, redact) for inside in value]
    return value


def _hides(name: object, inside: object) -> bool:
    """Return whether this name is that of a secret; a flag that one exists is not secret."""
    nothing = inside is None or isinstance(inside, bool) or inside in ("", [], {}, ())
    return not nothing and _NAME.search(str(name)) is not None


def _if_it_tells(found: re.Match[str]) -> str:
    """Mask the word unless it is an ordinary one that is not called a password."""
    word, said_to_be = found["word"], found.groupdict().get("is")
    if _ODD.search(word) or (said_to_be and _TOLD.fullmatch(word) is None):
        return f"{found[1]}{MASK}"
    return found[0]
