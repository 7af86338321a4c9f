"""What was made of a document, kept until it, a file beside it, or the program changes.

A YAML document of a megabyte takes a second or two to parse; what comes of it is JSON, read in
20 ms. What was kept of a document with an address also serves while nobody answers there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine import cache
from engine.tools.openapi import (
    body,
    document,
    operations,
    parsing,
    schema_conversion,
    schema_summary,
    swagger,
    text,
)
from engine.tools.openapi.document import digest, from_bytes, read_bytes, shown
from engine.tools.openapi.operations import compiled
from engine.tools.schema import model_schema, patterns
from engine.tools.source import SourceError

# A smaller file is parsed as quickly as what was kept of it.
WORTH_KEEPING = 50_000


class _Kept(BaseModel):
    """`beside`: the digests of the files that the document refers to, "" for a missing one."""

    model_config = ConfigDict(extra="forbid")

    program: str
    digest: str
    beside: dict[str, str]
    document: dict[str, Any]


def load_compiled(uri: str) -> tuple[dict[str, Any], str]:
    """`compiled` of the document at `uri`, and a line for the person if it is an old copy.

    Raises `SourceError`.
    """
    path = cache.path_for("documents", uri)
    program = cache.program_digest(
        body,
        document,
        model_schema,
        operations,
        parsing,
        patterns,
        schema_summary,
        schema_conversion,
        swagger,
        text,
    )
    known = _read(path, program)
    try:
        data = read_bytes(uri)
    except SourceError as error:
        if known is None or uri.startswith("file:"):
            raise
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
        return known.document, f"{error}; what was read of it on {day} is used"
    if known and known.digest == digest(data) and _same(known.beside):
        return known.document, ""
    root, references = from_bytes(data, uri)
    try:
        made = compiled(root, references)
    except RecursionError:
        raise SourceError(f"{shown(uri)} is nested too deeply") from None
    if len(data) >= WORTH_KEEPING or not uri.startswith("file:"):
        fresh = _Kept(program=program, digest=digest(data), beside=references.beside, document=made)
        cache.write(path, fresh)
    return made, ""


def _read(path: Path, program: str) -> _Kept | None:
    try:
        known = _Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return known if known.program == program else None


def _same(beside: Mapping[str, str]) -> bool:
    until = time.monotonic() + document.REFERENCES_LIMIT_S
    for uri, known in beside.items():
        if time.monotonic() > until:
            return False
        found = ""
        with suppress(SourceError):
            found = digest(read_bytes(uri))
        if found != known:
            return False
    return True
