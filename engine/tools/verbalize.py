"""A tool's result in words, for models that cannot put it into words themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.text import replace_surrogates


def writable(result: Any) -> Any:
    """Return the JSON data of a result as every output can write it: lone surrogates replaced, and
    null for NaN and infinity, which JSON does not have."""
    if isinstance(result, float) and not math.isfinite(result):
        return None
    if isinstance(result, Mapping):
        return {replace_surrogates(name): writable(item) for name, item in result.items()}
    if isinstance(result, list):
        return [writable(item) for item in result]
    return replace_surrogates(result)


def verbalize(result: Any) -> str:
    """Return the result's own `summary` or `error`, else its data as readable lines."""
    if isinstance(result, Mapping):
        for name in ("summary", "error"):
            if isinstance(result.get(name), str):
                return str(result[name])
        return "\n".join(f"- {_label(name)}: {_inline(value)}" for name, value in result.items())
    if isinstance(result, list):
        return "\n".join(f"- {_inline(item)}" for item in result) or "There is nothing to show."
    if result is None:
        return "Done."
    return str(result)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(name)} {_inline(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "; ".join(_inline(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _label(name: str) -> str:
    return str(name).replace("_", " ")
