"""A document → plain JSON data: what is needed of each operation to offer, check and call it.

`compiled` is a pure function of the document and the files beside it, and what it returns can be
kept as JSON: see there for its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from referencing.exceptions import Unresolvable

from engine.tools.openapi.body import FileNeeded, body_of, is_json
from engine.tools.openapi.document import References
from engine.tools.openapi.schema_conversion import Schema, Schemas, without_circles
from engine.tools.openapi.schema_summary import summarize
from engine.tools.schema.model_schema import for_models

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# OpenAPI says that parameters of these names are ignored; the call sets them itself. The others
# frame the message, are for one hop only (RFC 9110, section 7.6.1), say who asks, or would make
# another request of it.
_OUR_HEADERS = frozenset(
    [
        *("accept", "content-type", "authorization", "idempotency-key", "cookie", "cookie2"),
        *("host", "content-length", "transfer-encoding", "content-encoding", "accept-encoding"),
        *("connection", "keep-alive", "te", "trailer", "upgrade", "expect", "http2-settings"),
        *("proxy-authorization", "proxy-authenticate", "proxy-connection", "set-cookie"),
        *("x-http-method", "x-http-method-override", "x-method-override"),
        *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"),
    ]
)
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, section 5.6.2
_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
MAX_NAME = 64
# The largest document in the public collections has 22,000.
MAX_OPERATIONS = 40_000


def compiled(root: Mapping[str, Any], references: References) -> dict[str, Any]:
    """The document as {title, description, servers, schemes, secured, tags, defs, patterned,
    operations, problems}.

    An operation is {id, method, path, summary, description, tags, servers, open, accept,
    arguments, parameters, checks, body}: `arguments` say where each goes, `parameters` is the
    schema for the prompt, `checks` the whole schema of every argument but the body's, and `body`
    how that is made and checked. References in schemas lead into `defs`.
    """
    reader = _Reader(root, references)
    operations = list(reader.operations())
    without_circles(reader.schemas.defs)
    info = root.get("info")
    info = info if isinstance(info, dict) else {}
    tags = [tag for tag in root.get("tags") or () if isinstance(tag, dict)]
    return {
        "title": _text(info, "title"),
        "description": _text(info, "description"),
        "servers": _servers(root),
        "schemes": reader.schemes(),
        "secured": bool(root.get("security")) or reader.secured,
        "tags": {
            str(tag.get("name", "")): [_text(tag, "x-displayName"), _text(tag, "description")]
            for tag in tags
        },
        "defs": reader.schemas.defs,
        "patterned": reader.schemas.patterned,
        "operations": operations,
        "problems": reader.problems(),
    }


class _Reader:
    def __init__(self, root: Mapping[str, Any], references: References) -> None:
        self.schemas = Schemas(references, old=str(root.get("openapi")).startswith("3.0"))
        self.secured = False
        self._root = root
        self._references = references
        self._lost: set[str] = set()
        self._left_out: list[str] = []
        self._count = 0

    def operations(self) -> Iterator[dict[str, Any]]:
        for path, item in self._root.get("paths", {}).items():
            found, base = self._follow(item, self._references.uri)
            for method in METHODS:
                if not isinstance(found.get(method), dict) or _is_preflight(method, found[method]):
                    continue
                self._count += 1
                if self._count > MAX_OPERATIONS:
                    return
                try:
                    yield self._operation(path, method, found, base)
                except FileNeeded:
                    self._left_out.append(f"{method.upper()} {path}")

    def schemes(self) -> list[dict[str, Any]]:
        """The document's ways to prove who asks, without their descriptions."""
        components = self._root.get("components")
        told = components.get("securitySchemes") if isinstance(components, dict) else None
        found = [self._follow(s, self._references.uri)[0] for s in (told or {}).values()]
        return [{k: str(s[k]) for k in ("type", "in", "name", "scheme") if k in s} for s in found]

    def problems(self) -> list[str]:
        lost = sorted(self._lost | self.schemas.lost)
        many = [f"only the first {MAX_OPERATIONS:,} operations are used"]
        return [
            *(many if self._count > MAX_OPERATIONS else ()),
            *(
                f"{name} is left out: it sends a file, and files cannot be sent"
                for name in self._left_out
            ),
            *(f"{ref} was not found; what refers to it is not checked" for ref in lost),
        ]

    def _follow(self, item: Any, base: str) -> tuple[dict[str, Any], str]:
        """The object itself, where it stands or behind its reference, and the file it is in."""
        if isinstance(item, dict) and isinstance(item.get("$ref"), str):
            beside = {name: value for name, value in item.items() if name != "$ref"}
            try:
                found, base, _ = self._references.follow(item["$ref"], base)
            except Unresolvable:
                self._lost.add(item["$ref"])
                return beside, base
            return ({**found, **beside} if isinstance(found, dict) else beside), base
        return (item if isinstance(item, dict) else {}), base

    def _operation(
        self, path: str, method: str, item: Mapping[str, Any], base: str
    ) -> dict[str, Any]:
        told = item[method]
        fields: list[tuple[dict[str, Any], Schema, bool]] = []
        for parameter in self._parameters(path, item, told, base):
            fields.append(self._argument(*parameter))
        required_body = body = None
        found, where = self._follow(told.get("requestBody"), base)
        made = body_of(found, where, method.upper(), self.schemas) if found else None
        if made is not None:
            body, properties, required_body = made
            for name, schema in properties.items():
                fields.append(({"in": "body", "as": name}, schema, name in required_body))
        _name_arguments([argument for argument, _, _ in fields])
        shown = {argument["name"]: schema for argument, schema, _ in fields}
        required = [argument["name"] for argument, _, needed in fields if needed]
        checked = [a["name"] for a, _, _ in fields if a["in"] != "body"]
        secured = told.get("security", self._root.get("security"))
        self.secured = self.secured or bool(told.get("security"))
        return {
            "id": _text(told, "operationId"),
            "method": method.upper(),
            "path": path,
            "summary": _text(told, "summary") or _text(item, "summary"),
            "description": _text(told, "description") or _text(item, "description"),
            "tags": [tag for tag in told.get("tags") or () if isinstance(tag, str)],
            "servers": _servers(told) or _servers(item),
            "open": secured == [],
            "accept": self._accept(told, base),
            "arguments": [argument for argument, _, _ in fields],
            "parameters": for_models(summarize(shown, required, self.schemas.defs)),
            "checks": {name: shown[name] for name in checked},
            "body": body,
        }

    def _parameters(
        self, path: str, item: Mapping[str, Any], told: Mapping[str, Any], base: str
    ) -> list[tuple[dict[str, Any], str]]:
        """The parameters, an operation's own in place of its path's, with the file they are in."""
        known: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
        for listed in (item.get("parameters"), told.get("parameters")):
            for one in listed if isinstance(listed, list) else ():
                found, where = self._follow(one, base)
                name, place = str(found.get("name", "")), str(found.get("in", ""))
                if not name or place not in _STYLES:
                    continue
                if place == "header" and not _is_own_header(name):
                    continue
                known[place, name] = (found, where)
        names = list(dict.fromkeys(_PLACEHOLDER.findall(path)))
        in_path = [
            known.get(("path", name), ({"name": name, "in": "path"}, base)) for name in names
        ]
        return in_path + [found for (place, _), found in known.items() if place != "path"]

    def _argument(self, told: Mapping[str, Any], base: str) -> tuple[dict[str, Any], Schema, bool]:
        place, name = str(told["in"]), str(told["name"])
        schema, as_json = told.get("schema"), False
        if schema is None and isinstance(told.get("content"), dict) and told["content"]:
            kind, media = next(iter(told["content"].items()))
            schema = media.get("schema") if isinstance(media, dict) else None
            as_json = is_json(str(kind))
        made = self.schemas.whole(schema, base) if schema is not None else {}
        if not made:
            made = {"type": "string"}
        if isinstance(told.get("description"), str):
            made = {**made, "description": told["description"][:1000]}
        style = told.get("style") if isinstance(told.get("style"), str) else _STYLES[place]
        explode = told.get("explode")
        argument = {
            "in": place,
            "as": name,
            "style": style,
            "explode": explode if isinstance(explode, bool) else style in ("form", "deepObject"),
        }
        if as_json:
            argument["json"] = True
        if told.get("allowReserved") is True:
            argument["reserved"] = True
        return argument, made, place == "path" or told.get("required") is True

    def _accept(self, told: Mapping[str, Any], base: str) -> str:
        """The content types of a good answer, the readable ones first."""
        answers = told.get("responses")
        types: list[str] = []
        for status, answer in (answers if isinstance(answers, dict) else {}).items():
            if str(status).startswith("2") or status == "default":
                found, _ = self._follow(answer, base)
                content = found.get("content")
                types += [str(kind) for kind in content] if isinstance(content, dict) else []
        clean = [k for k in dict.fromkeys(types) if re.fullmatch(r"[\w.+*-]+/[\w.+*-]+(?:;.*)?", k)]
        clean = [k for k in clean if k.isascii() and k.isprintable()]
        clean.sort(key=lambda kind: (not is_json(kind), not kind.startswith("text/")))
        return ", ".join([*clean[:4], "*/*;q=0.1"]) if clean else "application/json, */*;q=0.1"


def _is_preflight(method: str, told: Mapping[str, Any]) -> bool:
    """Whether a browser asks this before a call, which gateways write into their documents."""
    return method == "options" and not any(
        told.get(name) for name in ("operationId", "summary", "description")
    )


def _is_own_header(name: str) -> bool:
    """Whether a document's header parameter may be sent as the model likes. Servers take `_` for
    `-` where a gateway stands before them."""
    plain = name.strip().casefold().replace("_", "-")
    return _HEADER.fullmatch(name) is not None and plain not in _OUR_HEADERS


def _name_arguments(arguments: list[dict[str, Any]]) -> None:
    """Give each a name that is its own and that every server takes: a later one that would be
    called the same says where it goes (`query_id`, `body_id`)."""
    taken: set[str] = set()
    last: dict[str, int] = {}  # so that thousands that would be called the same are named in one go
    for argument in arguments:
        told = {"": "body", "*": "other_fields"}.get(argument["as"], argument["as"])
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", told).strip("_")[: MAX_NAME - 8] or "value"
        name = plain
        if name in taken:
            name = f"{argument['in']}_{plain}"
        while name in taken:
            number = last[plain] = last.get(plain, 1) + 1
            name = f"{argument['in']}_{plain[: MAX_NAME - 16]}_{number}"
        taken.add(name)
        argument["name"] = name


def _servers(told: Mapping[str, Any]) -> list[str]:
    """Server addresses with the defaults of their variables."""
    urls: list[str] = []
    for server in told.get("servers") or ():
        if not isinstance(server, dict) or not isinstance(server.get("url"), str):
            continue
        variables = server.get("variables")
        defaults = {
            str(name): str(variable.get("default", ""))
            for name, variable in (variables if isinstance(variables, dict) else {}).items()
            if isinstance(variable, dict)
        }
        urls.append(
            "".join(
                defaults.get(part, f"{{{part}}}") if number % 2 else part
                for number, part in enumerate(_PLACEHOLDER.split(server["url"]))
            )
        )
    return urls


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value.strip() if isinstance(value, str) else ""
