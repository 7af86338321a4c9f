"""Operations in groups: as few as make sense, with keys and titles that tell what is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intents.catalogue import load
from engine.intents.intent import Catalogue, Intent
from engine.prompts.routing import VARYING, answer_schema, routing_prompt, tokens
from engine.tools.naming import MAX_SIZE, by_alphabet
from engine.tools.openapi import load_openapi
from engine.tools.openapi.text import action_of
from engine.tools.source import ToolGroup
from scripts.synthetic_catalogue import things

CHAT = """sendMessage sendPhoto sendSticker editMessageText deleteMessage forwardMessage getChat
leaveChat setChatTitle setChatPhoto getStickerSet addStickerToSet deleteStickerFromSet getUpdates
setWebhook deleteWebhook getMe"""
ALPHABET = "abcdefghijklmnop"
STATISTICS = """boxscore boxscoreadvanced boxscoremisc boxscoreusage commonallplayers
commonplayerinfo commonteamroster drafthistory draftboard franchisehistory playbyplay playercompare
playerprofile playergamelog scoreboard teamgamelog teamdetails teamdashboard"""


def groups_of(folder: Path, paths: dict[str, Any], **table: Any) -> tuple[ToolGroup, ...]:
    document = {"openapi": "3.1.0", "info": {"title": "Box Office API", "version": "1"}}
    (folder / "an_api.json").write_text(json.dumps({**document, "paths": paths}))
    return load_openapi("an_api", {"document": "an_api.json"}, folder, **table).groups


def flat(names: str) -> dict[str, Any]:
    return {f"/{name}": {"get": {}} for name in names.split()}


def listed(intents: tuple[ToolGroup, ...]) -> dict[str, list[str]]:
    return {i.key: [tool.name.removeprefix("an_api_get_") for tool in i.tools] for i in intents}


def test_flat_paths_that_begin_with_verbs_are_grouped_by_what_they_are_about(
    tmp_path: Path,
) -> None:
    intents = groups_of(tmp_path, flat(CHAT))
    assert listed(intents) == {
        "message": ["delete_message", "edit_message_text", "forward_message", "send_message"],
        "chat": ["get_chat", "leave_chat", "set_chat_photo", "set_chat_title"],
        "sticker": [
            "add_sticker_to_set", "delete_sticker_from_set", "delete_webhook", "get_me",
            "get_sticker_set", "get_updates", "send_photo", "send_sticker", "set_webhook",
        ],
    }  # fmt: skip
    assert intents[1].title == "Message: delete message, edit message text…"


def test_others_are_grouped_by_how_they_begin(tmp_path: Path) -> None:
    intents = groups_of(tmp_path, flat(STATISTICS))
    found = listed(intents)
    assert len(found) == 2
    assert found["boxscore"][:5] == [
        "boxscore", "boxscoreadvanced", "boxscoremisc", "boxscoreusage", "commonallplayers",
    ]  # fmt: skip
    (first, _) = intents
    assert first.title == "Boxscore, boxscoreadvanced, boxscoremisc, boxscoreusage…"
    assert "Get commonteamroster" in first.description


def test_a_tag_for_each_path_is_no_intent_of_its_own(tmp_path: Path) -> None:
    places = [f"carts/mine/{what}" for what in ("items", "coupons", "totals", "order")]
    places += [f"carts/{{cartId}}/{what}" for what in ("items", "coupons", "totals", "order")]
    places += [f"guests/{{id}}/{what}" for what in ("orders", "notes", "cards", "tokens")]
    tagged = {f"/V1/{place}": {"get": {"tags": [place]}} for place in places}
    intents = groups_of(tmp_path, tagged)
    assert [(i.key, i.title, len(i.tools)) for i in intents] == [
        ("carts_mine", "Carts: coupons, items, mine coupons, mine items…", 8),
        ("guests", "Guests: cards, notes, orders, tokens", 4),
    ]


def test_a_first_word_that_all_have_is_in_no_key(tmp_path: Path) -> None:
    paths = {
        f"/type/{kind}/{number}": {"get": {"tags": [f"type {kind}{kind}"]}}
        for kind in ALPHABET
        for number in "abc"
    }
    assert all(not intent.key.startswith("type") for intent in groups_of(tmp_path, paths))


def test_few_groups_stay_apart_whatever_their_size(tmp_path: Path) -> None:
    assert set(listed(groups_of(tmp_path, flat("now forecast history")))) == {
        "now",
        "forecast",
        "history",
    }


def test_titles_are_those_of_the_groups_and_one_alone_has_the_documents(tmp_path: Path) -> None:
    many: dict[str, Any] = {"/films/{id}": {"get": {}}, "/seats": {"get": {}}}
    assert [i.title for i in groups_of(tmp_path, many)] == ["Films", "Seats"]
    named = groups_of(tmp_path, many, title="Cinema")
    assert [i.title for i in named] == ["Cinema: Films", "Cinema: Seats"]
    (alone,) = groups_of(tmp_path, {"/films": {"get": {}}})
    assert (alone.key, alone.title) == ("an_api", "Box Office API")


def test_a_name_that_another_intent_or_a_route_has_gets_the_files_before_it(tmp_path: Path) -> None:
    (tmp_path / "intents").mkdir()
    paths: dict[str, Any] = {f"/{n}": {"get": {}} for n in ("films", "seats", "cancel")}
    document = {"openapi": "3.1.0", "info": {}, "paths": paths}
    (tmp_path / "api.json").write_text(json.dumps(document))
    (tmp_path / "intents" / "films.toml").write_text(
        'title = "Films"\ndescription = "Own"\nexamples = ["films"]'
    )
    (tmp_path / "intents" / "cinema.toml").write_text('[openapi]\ndocument = "api.json"')
    assert set(load(tmp_path).intents) == {"cinema_cancel", "cinema_films", "films", "seats"}


@given(st.lists(st.text("abc_", min_size=1, max_size=8), max_size=60, unique=True))
def test_neighbours_in_the_alphabet_are_each_in_one_family(names: list[str]) -> None:
    families = by_alphabet(names, lambda name: name, lambda name: 1 + len(name) % 2)
    assert [name for family in families for name in family] == sorted(names)
    assert all(sum(1 + len(n) % 2 for n in family) <= MAX_SIZE for family in families)


@pytest.mark.parametrize(("count", "limit"), [(100, 2_000), (400, 3_000)])
def test_a_large_documents_prompt_stays_within_its_budget(
    tmp_path: Path, count: int, limit: int
) -> None:
    paths: dict[str, Any] = {}
    for thing, _ in zip(things(), range(count), strict=False):
        told = {
            "summary": f"Look after {thing.many}",
            "tags": [f"Our {thing.many} and forms of them"],
        }
        paths |= {f"/api/v1/{thing.key}/{number}": {"get": told} for number in range(5)}
    intents = {
        g.key: Intent(g.key, g.title, g.description, g.examples, tools=g.tools)
        for g in groups_of(tmp_path, paths)
    }
    assert len(intents) == count
    catalogue = Catalogue("Office", "Otto", "You are Otto. " * 200, intents)
    schema = json.dumps(answer_schema(catalogue))
    assert tokens(routing_prompt(catalogue)) + tokens(schema) + VARYING <= limit


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/pets", "list the pets"),
        ("GET", "/pets/{id}", "get a pet"),
        ("POST", "/api/v1/pets.json", "create a pet"),
        ("DELETE", "/owners/{owner}/pets/{id}", "delete a pet of an owner"),
        ("PATCH", "/floatingIPs/{id}", "update a floating ip"),
        ("POST", "/accounts/{id}/block", "block an account"),
        ("POST", "/chat.delete", "delete chat"),
        ("GET", "/users.info", "get users info"),
        ("POST", "/sendPhoto", "send photo"),
    ],
)
def test_what_an_operation_does_is_told_by_its_path(method: str, path: str, told: str) -> None:
    assert action_of({"method": method, "path": path}) == told


def test_names_are_made_of_what_tells_things_apart(tmp_path: Path) -> None:
    paths: dict[str, Any] = {
        f"/{thing}s/{{id}}.json": {"get": {"operationId": f"3.{n}-get-{thing}", "tags": ["x"]}}
        for n, thing in enumerate(("ISO", "floatingIP"))
    }
    paths["/isos"] = {"options": {"responses": {}}}
    (tmp_path / "api.json").write_text(
        json.dumps({"openapi": "3.0.0", "info": {"title": "Hosts"}, "paths": paths})
    )
    source = load_openapi("hosts", {"document": "api.json"}, tmp_path)
    tools = [tool for group in source.groups for tool in group.tools]
    assert sorted(tool.name for tool in tools) == ["hosts_get_floating_ip", "hosts_get_iso"]
