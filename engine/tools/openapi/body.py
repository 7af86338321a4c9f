"""A request body as arguments: its properties beside the other parameters where it is an object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.tools.openapi.prompt import object_parts, resolve
from engine.tools.openapi.schema import Schema, Schemas

MULTIPART = "multipart/form-data"
FORM = "application/x-www-form-urlencoded"
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\b|text/json\b", re.IGNORECASE)


def is_json(content_type: str) -> bool:
    return _JSON.match(content_type) is not None


def chosen_type(content: Mapping[str, Any]) -> str:
    """The content type to send: JSON, else a form, else text, else what there is."""
    types = [str(name) for name in content]

    def rank(name: str) -> int:
        kind = name.partition(";")[0].strip().casefold()
        if kind == "application/json":
            return 0
        if is_json(name):
            return 1
        return {FORM: 2, MULTIPART: 3, "text/plain": 4, "*/*": 5}.get(kind, 6)

    return min(types, key=rank)


def body_of(
    found: Any, base: str, method: str, schemas: Schemas
) -> tuple[dict[str, Any], dict[str, Schema], list[str]] | None:
    """A `requestBody` as (plan, schemas of its arguments by property, required properties).

    None: there is none, or nothing can be in it. In the plan `flat` says whether the arguments
    are the body's properties; otherwise the one argument is the body itself, under "". Properties
    beyond the known ones come in the argument "*" where the schema says what they are.
    """
    if not isinstance(found, dict) or not isinstance(found.get("content"), dict):
        return None
    content = {k: v for k, v in found["content"].items() if isinstance(v, dict)}
    if not content:
        return None
    kind = chosen_type(content)
    media = content[kind]
    structured = is_json(kind) or kind.partition(";")[0].strip() in (FORM, MULTIPART)
    schema = schemas.whole(media.get("schema", {}), base)
    if not structured:
        schema = {"type": "string", **{k: schema[k] for k in ("description",) if k in schema}}
    parts = object_parts(schema, schemas.defs) if structured else None
    told = found.get("required")
    required = told is True
    if structured and not required and _is_empty(resolve(schema, schemas.defs)):
        return None
    if parts and told is None and method in ("POST", "PUT", "PATCH"):
        # Most documents forget to say it; a body that lacks what it must have is no body.
        required = bool(parts[1])
    plan = {
        "type": "application/octet-stream" if kind == "*/*" and not structured else kind,
        "required": required,
        "flat": parts is not None,
        "schema": schema,
    }
    if isinstance(media.get("encoding"), dict):
        plan["encoding"] = {
            name: {k: v for k, v in rule.items() if k in ("style", "explode", "contentType")}
            for name, rule in media["encoding"].items()
            if isinstance(rule, dict)
        }
    if parts is None:
        about = found.get("description")
        shown = {"description": about, **schema} if isinstance(about, str) else schema
        return plan, {"": shown}, [""] if required else []
    properties, needed, more = parts
    if kind.partition(";")[0].strip() == MULTIPART:
        plan["files"] = [name for name, item in properties.items() if _is_file(item)]
    fields = dict(properties)
    if more is not None:
        fields["*"] = {
            "type": "object",
            "additionalProperties": more,
            "description": "Other fields",
        }
    return plan, fields, needed if required else []


def _is_empty(schema: Mapping[str, Any]) -> bool:
    """Whether the schema takes nothing but `{}`, as generated documents say of a `GET`."""
    more = ("patternProperties", "allOf", "anyOf", "oneOf")
    closed = schema.get("type") == "object" and schema.get("additionalProperties") is False
    return closed and not any(schema.get(key) for key in ("properties", *more))


def _is_file(schema: Mapping[str, Any]) -> bool:
    items = schema.get("items")
    return schema.get("format") == "binary" or (
        isinstance(items, dict) and items.get("format") == "binary"
    )
