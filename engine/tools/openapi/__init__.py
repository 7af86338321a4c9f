"""OpenAPI documents as intents: operations in groups of at most ten, each a tool.

    table.py       what an `[openapi]` table may say, and the secrets it names
    document.py    fetch, follow references
    parsing.py     JSON or YAML → plain data
    schema.py      a document's schemas as JSON Schema: the whole, and the small one for a prompt
    operations.py  a document → plain data: each operation's name, arguments and schemas
    kept.py        that data, kept until the document changes
    body.py        request bodies as arguments
    wording.py     short descriptions and phrases a person might say
    grouping.py    operations → groups
    request.py     arguments → path, query, headers and body
    answer.py      an HTTP answer → data, or an error in words
    client.py      the calls: time-outs, retries of reads, redirects
    tools.py       an operation → `Tool`

Nothing of this is imported before a document is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.tools.source import Source


def load_openapi(
    key: str,
    table: Mapping[str, Any],
    folder: Path,
    *,
    title: str = "",
    description: str = "",
    examples: Mapping[str, Sequence[str]] | Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Source:
    """The document that `table`, the `[openapi]` of `intents/KEY.toml`, names.

    `folder` is the catalogue's: file names are relative to it. `title`, `description` and
    `examples` (phrases, or the phrases under "" of a table) are the file's own; they speak for
    the whole document. Secrets are read from `environ` now. Raises `SourceError`.
    """
    from engine.tools.openapi.source import load

    phrases = examples.get("", ()) if isinstance(examples, Mapping) else examples
    return load(key, table, folder, title, description, tuple(phrases), environ)
