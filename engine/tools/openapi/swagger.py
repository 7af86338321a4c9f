"""Swagger 2.0 rewritten as OpenAPI 3.0, so that everything after it knows one form.

What changed between the two is in the migration notes of the OpenAPI Initiative
(https://learn.openapis.org/upgrading/v2.0-to-v3.0.html). Shared definitions stay where they are:
references lead to them by their path in the document, whatever the version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_ELSEWHERE = ("name", "in", "required", "collectionFormat", "allowEmptyValue")
_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_MAX_HOPS = 20


def converted(root: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the form of OpenAPI 3.0. What is malformed in it stays out."""
    made = {k: v for k, v in root.items() if k not in ("swagger", "host", "basePath", "schemes")}
    made["openapi"] = "3.0.0"
    made["servers"] = _servers(root)
    made["components"] = {"securitySchemes": _schemes(root.get("securityDefinitions"))}
    paths = root.get("paths")
    made["paths"] = {
        path: _path_item(root, item) if isinstance(item, dict) else item
        for path, item in (paths if isinstance(paths, dict) else {}).items()
    }
    return made


def _servers(root: Mapping[str, Any]) -> list[dict[str, str]]:
    """One address a scheme, the encrypted one first; without a host it is that of the document."""
    path, host, schemes = root.get("basePath"), root.get("host"), root.get("schemes")
    path = path if isinstance(path, str) and path.startswith("/") else "/"
    if not isinstance(host, str) or not host:
        return [{"url": path}]
    listed = schemes if isinstance(schemes, list) else []
    known = [scheme for scheme in ("https", "http") if scheme in listed] or ["https"]
    return [{"url": f"{scheme}://{host}{path}"} for scheme in known]


def _schemes(told: Any) -> dict[str, Any]:
    found = told if isinstance(told, dict) else {}
    return {
        name: {"type": "http", "scheme": "basic"} if scheme.get("type") == "basic" else scheme
        for name, scheme in found.items()
        if isinstance(scheme, dict)
    }


def _path_item(root: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    shared = _parameters(root, item)
    made = {k: v for k, v in item.items() if k != "parameters"}
    for method in _METHODS:
        if isinstance(item.get(method), dict):
            made[method] = _operation(root, item[method], shared)
    return made


def _operation(
    root: Mapping[str, Any], told: Mapping[str, Any], shared: list[dict[str, Any]]
) -> dict[str, Any]:
    own = _parameters(root, told)
    taken = {(one.get("name"), one.get("in")) for one in own}
    every = [p for p in shared if (p.get("name"), p.get("in")) not in taken] + own
    made = {k: v for k, v in told.items() if k not in ("consumes", "produces", "schemes")}
    made["parameters"] = [_parameter(p) for p in every if p.get("in") not in ("body", "formData")]
    consumes = _types(told, root, "consumes")
    if body := _body(every, consumes):
        made["requestBody"] = body
    answers = told.get("responses")
    produces: dict[str, Any] = {kind: {} for kind in _types(told, root, "produces")}
    made["responses"] = {
        status: {"content": produces} for status in (answers if isinstance(answers, dict) else ())
    }
    return made


def _parameters(root: Mapping[str, Any], told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters, those of the document's `parameters` in place of references to them."""
    listed = told.get("parameters")
    found: list[dict[str, Any]] = []
    for one in listed if isinstance(listed, list) else ():
        for _ in range(_MAX_HOPS):
            ref = one.get("$ref") if isinstance(one, dict) else None
            if not isinstance(ref, str) or not ref.startswith("#/parameters/"):
                break
            shared = root.get("parameters")
            known = shared if isinstance(shared, dict) else {}
            one = known.get(ref.removeprefix("#/parameters/"))
        if isinstance(one, dict):
            found.append(one)
    return found


def _types(told: Mapping[str, Any], root: Mapping[str, Any], name: str) -> list[str]:
    listed = told.get(name, root.get(name))
    return [kind for kind in (listed if isinstance(listed, list) else ()) if isinstance(kind, str)]


def _parameter(told: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in told:
        return dict(told)
    made = {k: told[k] for k in ("name", "in", "required", "description") if k in told}
    made["schema"] = _schema(told)
    if made["schema"].get("type") == "array":
        made |= _separated(told, exploded="form")
    return made


def _schema(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a parameter says of its value beside where it stands."""
    made = {k: v for k, v in told.items() if k not in _ELSEWHERE}
    if made.get("type") == "file":
        return {**made, "type": "string", "format": "binary"}
    return made


def _separated(told: Mapping[str, Any], *, exploded: str) -> dict[str, Any]:
    """How a list is written: in 2.0 with commas where nothing is said."""
    kind = told.get("collectionFormat", "csv")
    if told.get("in") in ("path", "header"):
        return {"style": "simple", "explode": False}
    return {"style": _STYLES.get(kind, exploded), "explode": kind == "multi"}


def _body(parameters: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any] | None:
    whole = next((p for p in parameters if p.get("in") == "body"), None)
    if whole is not None:
        media = {"schema": whole.get("schema", {})}
        described = {"description": whole["description"]} if "description" in whole else {}
        return {
            "required": whole.get("required") is True,
            "content": dict.fromkeys(consumes or ["application/json"], media),
            **described,
        }
    fields = [p for p in parameters if p.get("in") == "formData" and isinstance(p.get("name"), str)]
    if not fields:
        return None
    files = any(p.get("type") == "file" for p in fields)
    required = [p["name"] for p in fields if p.get("required") is True]
    described = {p["name"]: _schema(p) for p in fields}
    lists = {p["name"]: _separated(p, exploded="form") for p in fields if p.get("type") == "array"}
    schema = {"type": "object", "properties": described, "required": required}
    kind = MULTIPART if files or (MULTIPART in consumes and FORM not in consumes) else FORM
    return {
        "required": bool(required),
        "content": {kind: {"schema": schema, "encoding": lists}},
    }
