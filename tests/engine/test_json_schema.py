"""Arguments against a stranger's schema."""

from __future__ import annotations

from typing import Any

import pytest

from engine.tools.json_schema import SchemaError, checker, ends
from engine.tools.tool import InvalidArguments


def problems(schema: dict[str, Any], **arguments: Any) -> tuple[str, ...]:
    try:
        assert checker(schema)(arguments) == arguments
    except InvalidArguments as error:
        return error.problems
    return ()


def test_what_is_wrong_is_said_in_sentences() -> None:
    schema = {
        "properties": {
            "count": {"type": "integer", "minimum": 1},
            "unit": {"enum": ["gb", "mb"]},
            "code": {"type": "string", "pattern": "^[A-Z]{3}$", "maxLength": 3},
            "where": {"type": "object", "required": ["city"]},
        },
        "required": ["count"],
        "additionalProperties": False,
    }
    assert problems(schema, count=2, unit="gb", code="ABC", where={"city": "Oslo"}) == ()
    assert problems(schema) == ("The count is missing.",)
    assert problems(schema, count=0) == ("The count should be at least 1.",)
    assert problems(schema, count="1") == ("The count should be of type integer.",)
    assert problems(schema, count=1, unit="kb") == ("The unit should be one of gb, mb.",)
    assert problems(schema, count=1, code="abc") == ("The code should match ^[A-Z]{3}$.",)
    assert problems(schema, count=1, where={}) == ("The where.city is missing.",)
    (extra,) = problems(schema, count=1, more=1)
    assert "'more' was unexpected" in extra
    assert problems({}, a=float("inf")) == ("The arguments hold a value that JSON cannot write.",)


def test_references_are_followed_inside_the_schema() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"day": {"enum": ["mo", "tu"]}},
        "properties": {"day": {"$ref": "#/definitions/day"}},
    }
    assert problems(schema, day="mo") == ()
    assert problems(schema, day="xy") == ("The day should be one of mo, tu.",)
    tree = {"$ref": "#/$defs/tree"}
    within = {"properties": {"a": tree}, "$defs": {"tree": {"properties": {"next": tree}}}}
    assert problems(within, a={"next": {"next": {}}}) == ()
    inner = {"$id": "https://example.com/b", "properties": {"c": {"$ref": "#/none"}}}
    (dangling,) = problems({"properties": {"a": inner}}, a={"c": 1})
    assert "cannot be checked" in dangling


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"properties": {"a": {"$ref": "https://example.com/a.json"}}}, "another document"),
        ({"properties": {"a": {"$ref": "#/$defs/B"}}}, "to '#/\\$defs/B', which it does not have"),
        ({"properties": {"a": {"type": "strnig"}}}, "not valid"),
        ({"properties": {"a": {"enum": ["x" * 50_000]}}}, "too long"),
        (_nested(50), "too deep"),
        (_nested(5_000), "too deep"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(SchemaError, match=says):
        checker(schema)


def test_a_hostile_schema_ends() -> None:
    """Each of these would take from minutes to the age of the universe."""
    doubling: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 4} for n in range(30)
    }
    doubling["d30"] = {"type": "string"}
    bomb = {"$defs": doubling, "properties": {"a": {"$ref": "#/$defs/d0"}}}
    too_intricate = ("The arguments are too intricate to be checked.",)
    assert problems(bomb, a="x") == too_intricate
    # A dialect named inside must not bring back the unwatched keywords.
    dialect = {"$schema": "http://json-schema.org/draft-07/schema#", **bomb["properties"]["a"]}
    assert problems({**bomb, "properties": {"a": {"anyOf": [dialect]}}}, a="x") == too_intricate
    assert problems({"$ref": "#"}, a=1) == too_intricate
    slow = "^(a+)+$"
    assert problems({"properties": {"a": {"pattern": slow}}}, a="a" * 60 + "!") == ()
    named = {"patternProperties": {slow: {}}, "additionalProperties": False}
    assert problems(named, **{"a" * 60 + "!": 1}) == ()
    unique = {"properties": {"a": {"uniqueItems": True}}}
    assert problems(unique, a=[{"n": n} for n in range(20_000)]) == ()


@pytest.mark.parametrize("pattern", [r"^[a-z]+$", r"^\d{4}-\d{2}-\d{2}$", "a*b+", "^(yes|no)$"])
def test_plain_patterns_are_matched(pattern: str) -> None:
    assert ends(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "a*a*a*b", r"(.)\1", "(?=x)", "[", "(" * 90]
)
def test_patterns_that_may_not_end_are_left_to_the_server(pattern: str) -> None:
    assert not ends(pattern)
