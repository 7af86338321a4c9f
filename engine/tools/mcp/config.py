"""The `[mcp]` table of an intent's file, and the intents that its server brings.

command     program and arguments of a server that speaks over its pipes; a path is relative
            to the catalogue's folder, where it also runs
env         names of environment variables to pass on to it, beside the SDK's safe few; or a
            table of what it gets, in which ${NAME} is a variable of the environment
url         address of a server that speaks streamable HTTP, instead of a command
auth        { bearer = "NAME" }: the environment variable with the token for it
headers     a table of headers for it, with ${NAME} as in env
config      the mcp.json of another client, and server, a name in it: all of the above from there
read        patterns of tool names that change nothing and need not ask ("get_*")
timeout_s   how long the start may take, in seconds
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.addresses import is_in_the_clear, split_address
from engine.redaction import MIN_SECRET, redacted
from engine.tools.mcp.client_config import Variables, table_of
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
    env: tuple[Text, ...] | dict[Text, str] = ()
    folder: str = ""
    url: str = ""
    auth: _Auth | None = None
    headers: dict[Text, str] = {}
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
        if self.command and self.headers:
            raise ValueError("headers go with url; pass secrets to a command by env")
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
        settings = _Table.model_validate(_from_config(dict(table), folder))
    except ValidationError as error:
        raise SourceError(f"[mcp]: {_explain(error)}") from None
    variables = Variables(environ, Path(settings.folder) if settings.folder else folder)
    try:
        settings = _filled(settings, variables, untrusted)
    except SourceError as error:
        return Source((), problems=(f"{key}: {error}",))
    given = settings.env if isinstance(settings.env, dict) else {}
    named = () if isinstance(settings.env, dict) else settings.env
    wanted = (*named, *([settings.auth.bearer] if settings.auth else []))
    if missing := next((name for name in wanted if not environ.get(name)), None):
        return Source(
            (), problems=(f"{key}: the environment variable {missing} is not set: add it to .env",)
        )
    if strange := next((name for name in named if name in untrusted), None):
        return Source((), problems=(f"{key}: {_not_trusted(strange)}",))
    if (settings.auth or settings.headers) and is_in_the_clear(settings.url):
        what = settings.auth.bearer if settings.auth else " and ".join(settings.headers)
        problem = f"{key}: url in [mcp] would send {what} unencrypted: write https"
        return Source((), problems=(problem,))
    from engine.tools.mcp.client import ServerUnreachable

    secrets = {name: environ[name] for name in wanted}
    hidden = {*secrets.values(), *variables.used.values(), *_tokens(settings.headers)}
    hidden |= {value for name, value in given.items() if _SECRET.search(name)}
    connection = _connection(key, settings, folder, {**given, **secrets}, hidden)
    try:
        listed = connection.start()
    except ServerUnreachable as error:
        problem = f"{key}: its MCP server cannot be used: {error}"
        return Source((), problems=(problem,), unreachable=bool(settings.url))
    from engine.tools.mcp.material import McpMaterial
    from engine.tools.mcp.resources import resource_tools
    from engine.tools.mcp.server_run import MAX_TOOLS
    from engine.tools.mcp.tools import import_tools
    from engine.tools.tool_groups import groups_of

    offer = import_tools(key, listed[:MAX_TOOLS], connection, settings.read)
    if connection.has("resources"):
        offer = replace(offer, tools=offer.tools + resource_tools(key, offer.tools, connection))
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
    material = (McpMaterial(key, connection, listed),)
    return Source(intents, connection.close, tuple(problems), material=material)


# Names of variables whose values are told to nobody.
_SECRET = re.compile(r"key|token|secret|passw|auth|credential", re.IGNORECASE)


def _from_config(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table with what `config` and `server` refer to."""
    config, name = table.pop("config", None), table.pop("server", None)
    if config is None and name is None:
        return table
    if not isinstance(config, str) or not isinstance(name, str):
        raise SourceError("[mcp]: config and server go together")
    return {**table_of(config, name, folder), **table}


def _filled(settings: _Table, variables: Variables, untrusted: Collection[str]) -> _Table:
    """The table with its variables filled in. Raises `SourceError`."""
    env = settings.env
    filled = {
        "command": tuple(map(variables.fill, settings.command)),
        "env": {n: variables.fill(v) for n, v in env.items()} if isinstance(env, dict) else env,
        "url": variables.fill(settings.url),
    }
    # A token may come from a strange .env; what a process gets, or where it goes, may not.
    if strange := next((name for name in variables.used if name in untrusted), None):
        raise SourceError(_not_trusted(strange))
    filled["headers"] = {n: variables.fill(v) for n, v in settings.headers.items()}
    return settings.model_copy(update=filled)


def _not_trusted(name: str) -> str:
    return (
        f"{name} is set only in the .env of this folder, which is not trusted: "
        '"intentbot-tui trust" lets its MCP server have it'
    )


def _tokens(headers: Mapping[str, str]) -> set[str]:
    """The values of headers, and the tokens behind their schemes."""
    return {part for value in headers.values() for part in (value, value.rpartition(" ")[2])}


def _connection(
    key: str,
    settings: _Table,
    folder: Path,
    secrets: Mapping[str, str],
    told_to_nobody: Collection[str],
) -> Connection:
    from engine.tools.mcp.client import Connection
    from engine.tools.mcp.transport import child, http

    hidden = {value for value in told_to_nobody if len(value) >= MIN_SECRET}
    signs_in = ""
    if settings.url:
        bearer = settings.auth.bearer if settings.auth else ""
        headers = dict(settings.headers)
        if bearer:
            headers["authorization"] = f"Bearer {secrets[bearer]}"
        auth = None
        if "authorization" not in {name.casefold() for name in headers}:
            from engine.tools.mcp.sign_in import SignedIn, TokenFile

            # An address may hold what a shell would act on.
            signs_in = f"intentbot-tui login {shlex.quote(settings.url)}"
            tokens = TokenFile(settings.url, hidden.add)
            auth = SignedIn(settings.url, tokens) if tokens.exists else None
        transport = http(settings.url, headers, auth)
    else:
        where = Path(settings.folder) if settings.folder else folder
        transport = child(settings.command, where.resolve(), secrets)
    return Connection(
        key,
        transport,
        owned=bool(settings.command),
        time_limit_s=settings.timeout_s,
        redact=lambda text: redacted(text, hidden),
        signs_in=signs_in,
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
