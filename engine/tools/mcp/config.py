"""The `[mcp]` table of an intent's file, and the intents that its server brings.

command     program and arguments of a server that speaks over its pipes; a path is relative
            to the catalogue's folder, where it also runs
env         names of environment variables to pass on to it, beside the SDK's safe few
url         address of a server that speaks streamable HTTP, instead of a command
auth        { bearer = "NAME" }: the environment variable with the token for it
read        patterns of tool names that change nothing and need not ask ("get_*")
timeout_s   how long the start may take, in seconds
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.addresses import is_in_the_clear, split_address
from engine.redaction import MIN_SECRET, redacted
from engine.tools.source import Source, SourceError

if TYPE_CHECKING:
    from engine.tools.mcp.client import Connection

START_LIMIT_S = 10.0

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Auth(_Strict):
    bearer: Text


class _Table(_Strict):
    command: tuple[str, ...] = ()
    env: tuple[Text, ...] = ()
    url: str = ""
    auth: _Auth | None = None
    read: tuple[Text, ...] = ()
    timeout_s: Annotated[float, Field(gt=0, le=600)] = START_LIMIT_S

    @model_validator(mode="after")
    def _one_way(self) -> _Table:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command or url")
        if self.command and not self.command[0]:
            raise ValueError("command begins with an empty text")
        if self.command and self.auth:
            raise ValueError("auth goes with url; pass secrets to a command by env")
        if self.url and self.env:
            raise ValueError("env goes with command; send a token to a url by auth")
        if self.url:
            try:
                split_address(self.url)
            except ValueError as error:
                raise ValueError(f"url is not an address: {error}") from None
        return self


def load_mcp(
    key: str,
    table: Mapping[str, Any],
    folder: Path,
    *,
    title: str = "",
    description: str = "",
    examples: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
    untrusted: Collection[str] = (),
) -> Source:
    """Start or reach the server, and offer its tools as intents. Blocks until it has listed them.

    `untrusted` names the variables of `environ` that a strange `.env` set. They may serve as a
    token, but no process gets them: a `PYTHONPATH` or `DATABASE_URL` says what runs and where.
    A server that cannot be used now brings no intents and a problem, so that the others serve.
    Raises `SourceError` for a table that can never work.
    """
    try:
        settings = _Table.model_validate(dict(table))
    except ValidationError as error:
        raise SourceError(f"[mcp]: {_explain(error)}") from None
    wanted = (*settings.env, *([settings.auth.bearer] if settings.auth else []))
    if missing := next((name for name in wanted if not environ.get(name)), None):
        return Source(
            (), problems=(f"{key}: the environment variable {missing} is not set: add it to .env",)
        )
    if strange := next((name for name in settings.env if name in untrusted), None):
        return Source(
            (),
            problems=(
                f"{key}: {strange} is set only in the .env of this folder, which is not trusted: "
                '"intentbot-tui trust" lets its MCP server have it',
            ),
        )
    if settings.auth and is_in_the_clear(settings.url):
        problem = f"{key}: url in [mcp] would send {settings.auth.bearer} unencrypted: write https"
        return Source((), problems=(problem,))
    from engine.tools.mcp.client import ServerUnreachable

    connection = _connection(key, settings, folder, {name: environ[name] for name in wanted})
    try:
        listed = connection.start()
    except ServerUnreachable as error:
        problem = f"{key}: its MCP server cannot be used: {error}"
        return Source((), problems=(problem,), unreachable=bool(settings.url))
    from engine.tools.mcp.client import MAX_TOOLS
    from engine.tools.mcp.groups import groups_of
    from engine.tools.mcp.tools import import_tools

    offer = import_tools(key, listed[:MAX_TOOLS], connection, settings.read)
    problems = list(offer.problems)
    if len(listed) > MAX_TOOLS:
        problems.append(f"{key}: only the first {MAX_TOOLS:,} of its server's tools are used")
    if not offer.tools:
        problems.append(f"{key}: its MCP server has no tool that can be used")
        return Source((), connection.close, tuple(problems))
    intents = groups_of(
        key,
        offer.tools,
        title=title or key.replace("_", " ").replace("-", " ").capitalize(),
        description=description,
        examples=examples,
    )
    return Source(intents, connection.close, tuple(problems))


def _connection(key: str, settings: _Table, folder: Path, secrets: Mapping[str, str]) -> Connection:
    from engine.tools.mcp.client import Connection
    from engine.tools.mcp.transport import child, http

    if settings.url:
        bearer = settings.auth.bearer if settings.auth else ""
        headers = {"authorization": f"Bearer {secrets[bearer]}"} if bearer else {}
        transport = http(settings.url, headers)
    else:
        transport = child(settings.command, folder.resolve(), secrets)

    hidden = [value for value in secrets.values() if len(value) >= MIN_SECRET]
    return Connection(
        key,
        transport,
        owned=bool(settings.command),
        time_limit_s=settings.timeout_s,
        redact=lambda text: redacted(text, hidden),
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
