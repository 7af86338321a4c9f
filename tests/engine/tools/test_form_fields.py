"""Forms of tools: which fields they have, how an answer is read, and what may not be asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.form_fields import FormField, FormRefused, fields_of, values_of
from engine.tools.tool import InvalidArguments

STAY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "nights": {"type": "integer", "title": "Nights", "minimum": 1},
        "rate": {"type": "number"},
        "breakfast": {"type": "boolean", "default": True},
        "room": {"type": "string", "enum": ["s", "d"], "enumNames": ["Single", "Double"]},
        "extras": {
            "type": "array",
            "items": {"anyOf": [{"const": "t", "title": "Towels"}, {"const": "c"}]},
        },
        "note": {"type": "string", "maxLength": 5},
        "mail": {"type": "string", "format": "email"},
        "page": {"type": "string", "format": "uri"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
    },
    "required": ["nights"],
}


def form(name: str, **schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string", **schema}}}


def test_what_is_written_becomes_values() -> None:
    fields = fields_of("How long?", STAY)
    written = {
        "nights": " 3 ",
        "rate": "2.5",
        "breakfast": "No",
        "room": "double",
        "extras": "towels, c",
        "note": "",
        "mail": "a@b.de",
        "page": "https://b.de",
        "day": "2026-03-02",
        "at": "2026-03-02T14:30:00Z",
    }
    assert values_of(STAY, fields, written) == {
        "nights": 3,
        "rate": 2.5,
        "breakfast": False,
        "room": "d",
        "extras": ["t", "c"],
        "mail": "a@b.de",
        "page": "https://b.de",
        "day": "2026-03-02",
        "at": "2026-03-02T14:30:00Z",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nights", ""),
        ("nights", "three"),
        ("nights", "0"),
        ("rate", "a lot"),
        ("breakfast", "maybe"),
        ("room", "suite"),
        ("extras", "towels, tv"),
        ("note", "too long"),
        ("mail", "me"),
        ("page", "b.de"),
        ("day", "monday"),
        ("at", "noon"),
    ],
)
def test_what_does_not_fit_names_its_field(name: str, text: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        values_of(STAY, fields_of("", STAY), {"nights": "3", name: text})
    assert refused.value.names == {name}


def test_a_default_is_written_as_a_person_would() -> None:
    fields = {one.name: one for one in fields_of("", STAY)}
    assert fields["breakfast"].written(fields["breakfast"].default) == "yes"
    assert fields["room"].written("d") == "Double"
    assert fields["extras"].written(["t", "c"]) == "Towels, c"
    assert fields["note"].written(None) == ""


TITLES = (
    st.lists(
        st.text("abc ,", min_size=1).map(lambda text: " ".join(text.replace(",", ", x").split())),
        min_size=1,
        max_size=6,
        unique=True,
    )
    .map(lambda titles: list(dict.fromkeys(filter(None, titles))))
    .filter(bool)
)


@given(TITLES, st.data())
def test_what_was_chosen_is_read_again(titles: list[str], data: st.DataObject) -> None:
    listed = [{"const": f"v{n}", "title": title} for n, title in enumerate(titles)]
    field = FormField("x", "x", "choices", choices={one["const"]: one["title"] for one in listed})
    chosen = data.draw(st.lists(st.sampled_from(sorted(field.choices)), max_size=1))
    assert field.read(field.written(chosen)) == chosen


def test_choices_may_have_commas_in_their_names() -> None:
    choices = {"a": "Red, dark", "b": "Red", "c": "Blue"}
    field = FormField("x", "x", "choices", choices=choices)
    assert field.read("blue, red, dark, Red") == ["c", "a", "b"]
    with pytest.raises(ValueError, match="some of"):
        field.read("red, green")


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("password", {}),
        ("userPassword", {}),
        ("pass_word", {}),
        ("apikey", {}),
        ("AWS_SECRET_ACCESS_KEY", {}),
        ("creditCardNumber", {}),
        ("value", {"title": "Your one-time code"}),
        ("value", {"title": "2FA code"}),
        ("value", {"title": "API key"}),
        ("value", {"description": "Your access-token for the service"}),
        ("x", {"title": "Contraseña"}),
        ("x", {"title": "请输入密码"}),
        ("x", {"title": "パスワード"}),
        ("pin", {"type": "integer"}),
        ("x", {"format": "password"}),
        ("x", {"writeOnly": True}),
    ],
)
def test_a_field_for_a_secret_is_refused(name: str, schema: dict[str, Any]) -> None:
    with pytest.raises(FormRefused, match="secret"):
        fields_of("Please fill this in", form(name, **schema))


def test_a_message_that_asks_for_a_password_is_refused() -> None:
    with pytest.raises(FormRefused, match="password"):
        fields_of("Type your PASSWORD below", form("value"))


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("author", {}),
        ("number", {"type": "integer", "description": "Any number (do not give us your pin)"}),
        ("issueKey", {}),
        ("secretary", {}),
        ("country_code", {}),
        ("card", {"title": "Card to move"}),
        ("tokens", {"type": "integer", "title": "Most tokens"}),
        ("pin", {"type": "boolean", "title": "Pin this message?"}),
        ("secret", {"enum": ["visible", "hidden"]}),
    ],
)
def test_a_field_that_only_sounds_like_one_is_not(name: str, schema: dict[str, Any]) -> None:
    assert fields_of("Please fill this in", form(name, **schema))[0].name == name


@pytest.mark.parametrize(
    "shape",
    [
        form("x", type="object"),
        form("x", type="array", items={"type": "string"}),
        form("x", type=["string", "null"]),
        {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(31)}},
        {"type": "object", "properties": {"x": True}},
        {"type": "object", "properties": {"x": {"type": "string", "$ref": "https://x/"}}},
    ],
)
def test_what_no_form_has_is_refused(shape: dict[str, Any]) -> None:
    with pytest.raises(FormRefused):
        fields_of("", shape)
