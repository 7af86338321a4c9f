"""Arguments against a stranger's schema."""

from __future__ import annotations

from typing import Any

import pytest

from engine.tools.schema.validation import SchemaError, checker
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
    assert problems(schema, count="1") == ("The count should be a whole number.",)
    assert problems(schema, count=1, unit="kb") == ("The unit should be one of: gb, mb.",)
    assert problems(schema, count=1, code="abc") == ("The code should match ^[A-Z]{3}$.",)
    assert problems(schema, count=1, where={}) == ("The where should have city.",)
    (extra,) = problems(schema, count=1, more=1)
    assert extra == "There is no argument 'more' here (known: count, unit, code, where)."
    assert problems({}, a=float("inf")) == ("The arguments hold a value that JSON cannot write.",)


def test_references_are_followed_inside_the_schema() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"day": {"enum": ["mo", "tu"]}},
        "properties": {"day": {"$ref": "#/definitions/day"}},
    }
    assert problems(schema, day="mo") == ()
    assert problems(schema, day="xy") == ("The day should be one of: mo, tu.",)
    tree = {"$ref": "#/$defs/tree"}
    within = {"properties": {"a": tree}, "$defs": {"tree": {"properties": {"next": tree}}}}
    assert problems(within, a={"next": {"next": {}}}) == ()
    inner = {"$id": "https://example.com/b", "properties": {"c": {"$ref": "#/none"}}}
    (dangling,) = problems({"properties": {"a": inner}}, a={"c": 1})
    assert "cannot be checked" in dangling


def test_a_step_is_taken_as_it_is_written() -> None:
    """Amounts of money: 19.99 / 0.01 is 1998.9999999999998."""
    cents = {"properties": {"amount": {"type": "number", "multipleOf": 0.01}}}
    for amount in (19.99, 0.07, 1.1, 20, 1e15, 123456789.01):
        assert problems(cents, amount=amount) == ()
    assert problems(cents, amount=19.995) == ("The amount should be a multiple of 0.01.",)
    dozens = {"properties": {"count": {"multipleOf": 12}}}
    assert problems(dozens, count=24.0) == problems(dozens, count="a") == ()
    assert problems(dozens, count=25) == ("The count should be a multiple of 12.",)
    tiny = {"properties": {"x": {"multipleOf": 1e-300}}}
    assert problems(tiny, x=1e300) == ()


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
    unique = {"properties": {"a": {"uniqueItems": True}}}
    assert problems(unique, a=[{"n": n} for n in range(20_000)]) == ()


SLOW = "^x{1,4000}x{1,4000}x{1,4000}x{1,4000}y$"


@pytest.mark.parametrize("many", [1, 100])
def test_a_pattern_that_does_not_end_is_a_refusal(many: int) -> None:
    text = "x" * 3_000
    schema = {"properties": {"a": {"items": {"pattern": SLOW}}}}
    (said,) = problems(schema, a=[text] * many)
    assert "too long" in said or "too intricate" in said
    named = {"patternProperties": {SLOW: {}}, "additionalProperties": False}
    assert problems(named, **{text: 1}) == ("The arguments are too intricate to be checked.",)
    outside = {"allOf": [{"patternProperties": {"^(a+)+$": {}}}], "unevaluatedProperties": False}
    assert problems(outside, **{"a" * 60 + "!": 1}) == ()


def test_ordinary_patterns_are_matched() -> None:
    code = {"properties": {"a": {"pattern": "^[A-Z]+(-[0-9]+)?$"}}}
    assert problems(code, a="AB-12") == ()
    assert problems(code, a="ab") == ("The a should match ^[A-Z]+(-[0-9]+)?$.",)
    named = {"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False}
    assert problems(named, **{"x-a": 1}) == ()
    assert problems(named, **{"x-a": "1"}) == ("The x-a should be a whole number.",)
    assert problems(named, b=1) == ("There is no argument 'b' here (known: none).",)
    unreadable = {"properties": {"a": {"pattern": "(?R)"}}, "patternProperties": {"[": {}}}
    assert problems({**unreadable, "additionalProperties": False}, a="x", b=1) == ()
