"""A request body as arguments: its properties beside the other parameters where it is an object."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from engine.tools.openapi.schema_conversion import Schema, Schemas
from engine.tools.openapi.schema_summary import object_parts, resolve
from engine.tools.openapi.swagger import FORM, MULTIPART

MAX_DEPTH = 4
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\b|text/json\b", re.IGNORECASE)


# Other kinds of content than JSON and forms that a model can write, for it is text.
_WRITTEN = re.compile(
    r"text/.*|.*\+xml|\*/\*|application/(?:xml|javascript|graphql|sql|x-ndjson|(?:x-)?yaml|toml)"
    r"|application/.*\+(?:yaml|text)"
)
_TYPE = re.compile(r"[\w.+*-]+/[\w.+*-]+(?:\s*;[ -~]*)?", re.ASCII)


class FileNeeded(Exception):
    """A body that cannot be made without a file: the text of its path must not be sent instead."""


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

    Raises `FileNeeded`. None: there is none, or nothing can be in it. In the plan `flat` says
    whether the arguments are the body's properties; otherwise the one argument is the body itself,
    under "". Properties beyond the known ones come in the argument "*" where the schema says what
    they are.
    """
    if not isinstance(found, dict) or not isinstance(found.get("content"), dict):
        return None
    listed = found["content"].items()
    content = {k: v for k, v in listed if isinstance(v, dict) and _TYPE.fullmatch(k)}
    if not content:
        return None
    kind = chosen_type(content)
    media = content[kind]
    plain = kind.partition(";")[0].strip().casefold()
    structured = is_json(kind) or plain in (FORM, MULTIPART)
    if not structured and not _WRITTEN.fullmatch(plain):
        if found.get("required") is False:
            return None
        raise FileNeeded
    schema = schemas.whole(media.get("schema", {}), base)
    if not is_json(kind) and _is_file(schema, schemas.defs):
        raise FileNeeded
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
    plan: dict[str, Any] = {
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
    if plain == MULTIPART:
        properties = _without_files(properties, needed, plan.get("encoding", {}), schemas.defs)
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


def _without_files(
    properties: Mapping[str, Schema],
    needed: Collection[str],
    encoding: Mapping[str, Any],
    defs: Mapping[str, Any],
) -> dict[str, Schema]:
    """The parts that are no files. Raises `FileNeeded` where one is required, or where the
    document does not say what is: then the file is what it is about."""
    files = {
        name
        for name, item in properties.items()
        if _is_file(item, defs) or not _is_text(encoding.get(name, {}).get("contentType"))
    }
    if files & set(needed) or (files and not needed):
        raise FileNeeded
    return {name: item for name, item in properties.items() if name not in files}


def _is_text(content_type: Any) -> bool:
    """Whether a part of this type, or of these, can be written; None: it is not said."""
    if not isinstance(content_type, str):
        return True
    kinds = [kind.partition(";")[0].strip().casefold() for kind in content_type.split(",")]
    return any(is_json(kind) or _WRITTEN.fullmatch(kind) for kind in kinds)


def _is_file(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int = 0) -> bool:
    """Whether a value is the bytes of a file, or a list of them: `format: binary` in 3.0, a
    `contentMediaType` without `contentEncoding` in 3.1."""
    found = resolve(schema, defs)
    if found.get("format") == "binary":
        return True
    if "contentMediaType" in found and "contentEncoding" not in found:
        return not _is_text(found["contentMediaType"])
    inner = [found["items"]] if "items" in found else []
    for keyword in ("allOf", "anyOf", "oneOf"):
        inner += found.get(keyword, ())
    return depth < MAX_DEPTH and any(_is_file(one, defs, depth + 1) for one in inner)
