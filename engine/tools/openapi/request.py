"""Arguments → the request: path, query, headers, cookies and body as the document serialises them.

Values are percent-encoded, so that none of them can leave its place in the address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from engine.tools.openapi.body import is_json
from engine.tools.openapi.swagger import FORM, MULTIPART

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_PATH_SAFE = "/:@!$&'()*+,;=~%-._"
# Of the reserved characters these would end a value or begin another.
_RESERVED = ":/?[]@!$'()*,;"


@dataclass(frozen=True)
class Request:
    """What is sent. `files` are the parts of a multipart form, as the HTTP library takes them."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None = None
    files: list[tuple[str, tuple[str | None, str, str | None]]] = field(default_factory=list)


def build(operation: Mapping[str, Any], arguments: Mapping[str, Any], server: str) -> Request:
    """The request of a call whose arguments were validated."""
    places: dict[str, str] = {}
    query: list[str] = []
    cookies: list[str] = []
    headers: dict[str, str] = {"Accept": operation["accept"]}
    for argument in operation["arguments"]:
        value = arguments.get(argument["name"])
        if value is None or argument["in"] == "body":
            continue
        if argument["in"] == "path":
            places[argument["as"]] = in_path(argument, value)
            continue
        if argument.get("json"):
            value = json.dumps(value, ensure_ascii=False)
        match argument["in"]:
            case "query":
                query += _pairs(argument, value)
            case "cookie":
                cookies += _pairs(argument, value)
            case "header":
                headers[argument["as"]] = _listed(value, argument["explode"], str)
    path, _, fixed = operation["path"].partition("#")[0].partition("?")
    path = "".join(
        places.get(part, "") if number % 2 else quote(part, safe=_PATH_SAFE)
        for number, part in enumerate(_PLACEHOLDER.split(path))
    )
    if fixed:
        query.insert(0, quote(fixed, safe="=&%+,"))
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    url = server.rstrip("/") + (path if path.startswith("/") else f"/{path}")
    if query:
        url += "?" + "&".join(query)
    given, body = body_value(operation, arguments)
    if not given:
        return Request(operation["method"], url, headers)
    return _with_body(operation, url, headers, body)


def body_value(operation: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether there is a body, and what it is."""
    plan = operation["body"]
    if plan is None:
        return False, None
    own = [a for a in operation["arguments"] if a["in"] == "body" and a["name"] in arguments]
    if not plan["flat"]:
        return (True, arguments[own[0]["name"]]) if own else (False, None)
    if not own and not plan["required"]:
        return False, None
    value: dict[str, Any] = {}
    for argument in own:
        if argument["as"] == "*":
            value = {**arguments[argument["name"]], **value}
        else:
            value[argument["as"]] = arguments[argument["name"]]
    return True, value


def _with_body(
    operation: Mapping[str, Any], url: str, headers: dict[str, str], body: Any
) -> Request:
    plan, method = operation["body"], operation["method"]
    kind = plan["type"]
    plain = kind.partition(";")[0].strip().casefold()
    if plain == MULTIPART and isinstance(body, dict):
        return Request(method, url, headers, files=_parts(plan, body))
    headers["Content-Type"] = "application/json" if kind == "*/*" else kind
    if plain == FORM and isinstance(body, dict):
        pairs: list[str] = []
        for name, value in body.items():
            if value is None:
                continue
            rule = plan.get("encoding", {}).get(name, {})
            style = rule.get("style", "form")
            explode = rule.get("explode", style in ("form", "deepObject"))
            nested = isinstance(value, dict) or (
                isinstance(value, list) and any(isinstance(v, dict | list) for v in value)
            )
            if nested and "style" not in rule:
                pairs += _deep(name, value, "")
            else:
                pairs += _pairs({"as": name, "style": style, "explode": explode}, value)
        return Request(method, url, headers, "&".join(pairs).encode())
    if is_json(kind) or not isinstance(body, str):
        return Request(method, url, headers, json.dumps(body, ensure_ascii=False).encode())
    return Request(method, url, headers, body.encode())


def _parts(
    plan: Mapping[str, Any], body: Mapping[str, Any]
) -> list[tuple[str, tuple[str | None, str, str | None]]]:
    made: list[tuple[str, tuple[str | None, str, str | None]]] = []
    for name, value in body.items():
        told = plan.get("encoding", {}).get(name, {}).get("contentType")
        kind = told.partition(",")[0].strip() if isinstance(told, str) and "*" not in told else None
        if kind is not None and not kind.isprintable():
            kind = None
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict | list):
                made.append((name, (None, json.dumps(item), kind or "application/json")))
            elif item is not None:
                made.append((name, (None, text(item), kind)))
    return made


def text(value: Any) -> str:
    """A value as text in an address, a header or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _encoded(value: Any) -> str:
    return quote(text(value), safe="")


def _listed(value: Any, explode: bool, encode: Any, joint: str = ",") -> str:
    """Style `simple`: a list, or an object, separated by `joint`."""
    if isinstance(value, list):
        return joint.join(encode(text(item)) for item in value)
    if isinstance(value, dict):
        equals = "=" if explode else ","
        return joint.join(f"{encode(k)}{equals}{encode(text(v))}" for k, v in value.items())
    return str(encode(text(value)))


def in_path(argument: Mapping[str, Any], value: Any) -> str:
    """A value as it stands in the path of the address."""
    if argument.get("json"):
        value = json.dumps(value, ensure_ascii=False)
    style, explode, name = argument["style"], argument["explode"], _encoded(argument["as"])
    if style == "label":
        return "." + _listed(value, explode, _encoded, "." if explode else ",")
    if style == "matrix":
        if explode and isinstance(value, list):
            return "".join(f";{name}={_encoded(item)}" for item in value)
        if explode and isinstance(value, dict):
            return "".join(f";{_encoded(k)}={_encoded(v)}" for k, v in value.items())
        return f";{name}={_listed(value, False, _encoded)}"
    return _listed(value, explode, _encoded)


def _pairs(argument: Mapping[str, Any], value: Any) -> list[str]:
    """Styles `form`, `spaceDelimited`, `pipeDelimited` and `deepObject`."""
    style, explode = argument["style"], argument["explode"]
    safe = _RESERVED if argument.get("reserved") else ""

    def encode(one: Any) -> str:
        return quote(text(one), safe=safe)

    name = quote(argument["as"], safe="[]")
    if style == "deepObject" and isinstance(value, dict | list):
        return _deep(argument["as"], value, safe)
    if isinstance(value, list):
        if explode:
            return [f"{name}={encode(item)}" for item in value]
        joint = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
        return [f"{name}={joint.join(map(encode, value))}"] if value else []
    if isinstance(value, dict):
        if explode:
            return [f"{quote(k, safe='[]')}={encode(v)}" for k, v in value.items()]
        joint = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
        listed = joint.join(f"{encode(k)}{joint}{encode(v)}" for k, v in value.items())
        return [f"{name}={listed}"] if value else []
    return [f"{name}={encode(value)}"]


def _deep(name: str, value: Any, safe: str) -> list[str]:
    """`filter[by][name]=x`, and for lists `items[0]=x`."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in _deep(f"{name}[{k}]", v, safe)]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in _deep(f"{name}[{i}]", v, safe)]
    return [f"{quote(name, safe='[]')}={quote(text(value), safe=safe)}"]
