"""Keeps secrets out of what is written to a file, also those that a person or a tool said.

What is known by value the caller takes out; this adds what looks like a secret: keys by the form
that their issuers document, and values under a name such as `password`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MASK = "***"

_FORMS = (
    r"\bsk-[A-Za-z0-9_-]{16,}",  # OpenAI and those who copy its form
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_\w{20,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bAIza[\w-]{35}",
    r"\bxox[abeoprs]-[\w-]{10,}",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # JSON web tokens, RFC 7519
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)
_KEY = re.compile("|".join(_FORMS))
_BEARER = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{12,}")
_NAMES = r"password|passwd|passphrase|secret|api[-_ ]?key|access[-_ ]?token|auth[-_ ]?token"
_NAMED = re.compile(rf"(?i)\b({_NAMES})(\W{{0,2}}(?:\s+is\s+|\s*[:=]\s*)[\"']?)([^\s\"',;]{{4,}})")
_NAME = re.compile(rf"(?i)(?:^|[-_ ])(?:{_NAMES}|token|authorization|pin)$")


def mask(text: str) -> str:
    """`text` without anything that looks like a secret."""
    text = _BEARER.sub(rf"\1{MASK}", _KEY.sub(MASK, text))
    return _NAMED.sub(rf"\1\2{MASK}", text)


def masked(value: Any, redact: Callable[[str], str]) -> Any:
    """JSON data with `redact` and `mask` applied to every text in it, names of fields excepted."""
    match value:
        case str():
            return mask(redact(value))
        case Mapping():
            return {
                name: MASK
                if isinstance(inside, str) and inside and _NAME.search(str(name))
                else masked(inside, redact)
                for name, inside in value.items()
            }
        case list() | tuple():
            return [masked(inside, redact) for inside in value]
    return value
