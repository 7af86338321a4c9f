"""The `[openapi]` table of an intent's file, and the secrets that it names.

document = "github.json"               a file in the catalogue's folder, or a URL
server   = "https://api.example.com"   instead of the servers that the document names
include  = ["issues", "/repos/*"]      operation ids, tags or paths, with * for anything
exclude  = ["admin*"]
read     = ["*/list"]                  those that change nothing though their method says otherwise
auth     = { bearer = "GITHUB_TOKEN" }                            names of environment variables,
           { basic = "API_USER:API_PASSWORD" }                    never the secrets themselves;
           { api_key = "API_KEY", name = "X-Key", in = "header" } a list where there are several
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.redaction import MIN_SECRET, redacted, redacted_data
from engine.tools.openapi.document import origin
from engine.tools.source import SourceError

Place = Literal["header", "query", "cookie"]
Name = Annotated[str, Field(min_length=1)]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Auth(_Strict):
    """One way to prove who asks; exactly one of `bearer`, `basic` and `api_key` is set."""

    bearer: Name | None = None
    basic: Name | None = None
    api_key: Name | None = None
    name: Name | None = None
    place: Place | None = Field(default=None, alias="in")


class Table(_Strict):
    document: Name
    server: Name | None = None
    include: tuple[Name, ...] = ()
    exclude: tuple[Name, ...] = ()
    read: tuple[Name, ...] = ()
    auth: Annotated[
        tuple[Auth, ...], BeforeValidator(lambda v: [v] if isinstance(v, Mapping) else v)
    ] = ()


@dataclass(frozen=True)
class Credential:
    """A secret and where it goes. `variables` are those it is made of, `missing` those unset."""

    place: Place
    name: str
    value: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Credentials:
    """What is sent with calls, and what must never be seen."""

    parts: tuple[Credential, ...] = ()
    secrets: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.missing)

    def redact(self, data: Any) -> Any:
        """JSON data, or text, without the secrets."""
        return redacted_data(data, lambda text: redacted(text, self.secrets))


def read_table(table: Mapping[str, Any]) -> Table:
    """The checked table. Raises `SourceError` that names the key which is wrong."""
    try:
        read = Table.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in ("openapi", *first["loc"]))
        raise SourceError(f"{where}: {first['msg']}") from None
    if read.server is not None:
        if origin(read.server) is None:
            raise SourceError(f"openapi.server: {read.server!r} is not an http(s) address")
        if "@" in urlsplit(read.server).netloc:
            raise SourceError("openapi.server: no user or password in an address; use auth")
    for number, auth in enumerate(read.auth):
        where = f"openapi.auth.{number}" if len(read.auth) > 1 else "openapi.auth"
        _check(auth, where)
    return read


def _check(auth: Auth, where: str) -> None:
    if sum(kind is not None for kind in (auth.bearer, auth.basic, auth.api_key)) != 1:
        raise SourceError(f"{where}: needs one of bearer, basic and api_key")
    if auth.api_key is None and (auth.name or auth.place):
        raise SourceError(f"{where}: name and in belong to api_key")
    for variable in _variables(auth):
        if not _VARIABLE.fullmatch(variable):
            # The text itself may be a secret that was put here by mistake: it is not repeated.
            raise SourceError(
                f"{where}: names environment variables (basic: USER_VARIABLE:PASSWORD_VARIABLE), "
                "never the secrets themselves"
            )


def _variables(auth: Auth) -> list[str]:
    if auth.basic is not None:
        user, _, password = auth.basic.partition(":")
        return [user, password]
    return [auth.bearer or auth.api_key or ""]


def credentials(
    table: Table, schemes: Sequence[Mapping[str, Any]], environ: Mapping[str, str]
) -> Credentials:
    """The secrets from `environ`. `schemes` are the document's, which say where API keys go.

    Raises `SourceError` where nobody says it.
    """
    parts: list[Credential] = []
    secrets: list[str] = []
    for auth in table.auth:
        variables = _variables(auth)
        values = [environ.get(name, "").strip() for name in variables]
        missing = tuple(n for n, v in zip(variables, values, strict=True) if not v)
        if auth.basic is not None:
            token = base64.b64encode(":".join(values).encode()).decode()
            secrets += [values[1], token]
            parts.append(Credential("header", "Authorization", f"Basic {token}", missing))
        elif auth.bearer is not None:
            secrets += values
            parts.append(Credential("header", "Authorization", f"Bearer {values[0]}", missing))
        else:
            place, name = _where_the_key_goes(auth, schemes)
            secrets += values
            parts.append(Credential(place, name, values[0], missing))
        if parts[-1].place == "header" and not _is_header(parts[-1].name):
            raise SourceError(f"openapi.auth: no key can be sent in the header {parts[-1].name!r}")
        if any(not value.isprintable() or not value.isascii() for value in values):
            raise SourceError(
                f"openapi.auth: {' or '.join(variables)} has characters no header can carry"
            )
    return Credentials(tuple(parts), tuple({s for s in secrets if len(s) >= MIN_SECRET}))


def _is_header(name: str) -> bool:
    return re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) is not None and (
        name.casefold() not in ("host", "content-length", "transfer-encoding", "connection")
    )


def _where_the_key_goes(auth: Auth, schemes: Sequence[Mapping[str, Any]]) -> tuple[Place, str]:
    told = [
        (scheme["in"], str(scheme["name"]))
        for scheme in schemes
        if scheme.get("type") == "apiKey"
        and scheme.get("in") in ("header", "query", "cookie")
        and scheme.get("name")
        and (auth.name is None or str(scheme["name"]).casefold() == auth.name.casefold())
        and (auth.place is None or scheme["in"] == auth.place)
    ]
    if auth.name is not None:
        place: Place = auth.place or (told[0][0] if told else "header")
        return place, auth.name
    distinct = sorted(set(told))
    if len(distinct) == 1:
        return distinct[0][0], distinct[0][1]
    known = ", ".join(f"{name} in the {place}" for place, name in distinct)
    raise SourceError(
        "openapi.auth: say where the key goes, with name and in: the document has "
        + (f"several ({known})" if known else "no securityScheme for an API key")
    )
