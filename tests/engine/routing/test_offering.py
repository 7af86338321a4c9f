"""Which tools of a large intent are offered, and a small catalogue without routing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events
from engine.builder import build_engine
from engine.conversation import Conversation
from engine.events import PendingCall
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import EVERYTHING, Catalogue, Intent
from engine.lint import lint
from engine.routing.bypass import MOST_TOOLS, BypassRouter, flatten_catalogue
from engine.routing.cascade import CascadeRouter
from engine.routing.decisions import DecisionRouter
from engine.routing.tool_selection import MOST, select_tools
from engine.settings import Settings
from engine.settings import load as load_settings
from engine.tools.function import effect, tool_from_function
from engine.tools.tool import Tool
from scripts.synthetic_catalogue import things, write
from tests.engine.desk import Desk, assistant, last, turn
from tests.engine.stubs import StubModel, calls, says, task


def tool(name: str, description: str) -> Tool:
    @effect("read")
    def function() -> str:
        return "done"

    function.__name__, function.__doc__ = name, description
    return tool_from_function(function)


def office(count: int = 60) -> Intent:
    made = tuple(
        tool("show_" + thing.many.replace(" ", "_"), f"Show the {thing.many}.")
        for thing, _ in zip(things(), range(count), strict=False)
    )
    return Intent("office", "Office", "All of it", {}, tools=made)


def names(tools: tuple[Tool, ...]) -> list[str]:
    return [tool.name for tool in tools]


def test_the_nearest_ten_are_offered_in_the_catalogues_order() -> None:
    intent = office()
    chosen = names(select_tools(intent, "which budgets are there?", Conversation()))
    assert len(chosen) == MOST
    assert "show_budgets" in chosen
    assert chosen == [name for name in names(intent.tools) if name in chosen]


def test_ten_tools_are_all_offered() -> None:
    intent = office(MOST)
    assert select_tools(intent, "anything", Conversation()) == intent.tools


def test_what_was_called_or_is_awaited_stays() -> None:
    intent = office()
    past: list[events.Event] = [
        events.TurnStarted(session_id="s", text="any laptops?"),
        events.IntentClassified(route="task", intents=("office",), source="llm"),
        events.ToolCallProposed(
            call_id="c", intent="office", tool="show_laptops", arguments={}, effect="read"
        ),
        events.ToolFinished(call_id="c", outcome="ok", result=[]),
        events.TurnFinished(
            status="needs_input",
            awaiting=PendingCall(intent="office", tool="show_leads", arguments={}, missing=("x",)),
        ),
        events.TurnStarted(session_id="s", text="the budgets, I meant"),
    ]
    chosen = names(select_tools(intent, "the budgets, I meant", Conversation.replay(past)))
    assert {"show_laptops", "show_leads", "show_budgets"} <= set(chosen)
    assert len(chosen) == MOST


@given(st.text())
def test_any_message_gets_ten_of_the_intents_own_tools(text: str) -> None:
    chosen = names(select_tools(OFFICE, text, Conversation()))
    assert len(set(chosen)) == MOST
    assert set(chosen) <= set(names(OFFICE.tools))


OFFICE = office()


async def test_only_what_was_offered_of_a_large_intent_can_run(tmp_path: Path) -> None:
    catalogue = Catalogue("Test", "Tess", "You are Tess.", {"office": OFFICE})
    missing = next(
        name
        for name in names(OFFICE.tools)
        if name not in names(select_tools(OFFICE, "the budgets", Conversation()))
    )
    model = StubModel(calls(("show_budgets", {}), (missing, {})), says("There."))
    subject = assistant(Desk(), tmp_path, model, task("office", text="the budgets"))
    subject.catalogue = catalogue
    happened = await turn(subject, "the budgets")
    classified = next(e for e in happened if isinstance(e, events.IntentClassified))
    started = next(e for e in happened if isinstance(e, events.TaskStarted))
    sent = [tuple(names(request.tools)) for request in model.requests]
    assert {classified.tools_offered, started.tools_offered, *sent} == {sent[0]}
    assert len(sent[0]) == MOST
    assert [e.outcome for e in happened if isinstance(e, events.ToolFinished)] == ["error", "ok"]


async def test_without_routing_all_tools_are_offered_in_one_request(tmp_path: Path) -> None:
    desk = Desk()
    model = StubModel(says("Hello!"), calls(("get_plan", {})), says("Plan L."))
    subject = assistant(desk, tmp_path, model)
    subject.catalogue, subject.router = flatten_catalogue(desk.catalogue()), BypassRouter()
    happened = await turn(subject, "hi")
    classified = next(e for e in happened if isinstance(e, events.IntentClassified))
    assert (classified.route, classified.source) == ("task", "bypass")
    assert classified.tools_offered == tuple(names(desk.catalogue().tools))
    assert last(happened).reply == "Hello!"
    await turn(subject, "which plan?")
    assert desk.ran == [("get_plan", None)]
    assert len(model.requests) == 3
    assert not model.requests[0].hand_back
    assert "You are Tess." in model.requests[0].messages[0].content
    # What was said and done before stays in sight.
    assert [m.content for m in model.requests[2].messages[1:4]] == ["hi", "Hello!", "which plan?"]


async def test_a_question_from_a_session_with_routing_is_let_go(tmp_path: Path) -> None:
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("How much?", awaiting), says("As you like."))
    subject = assistant(Desk(), tmp_path, model)
    await turn(subject, "top up")
    subject.catalogue, subject.router = flatten_catalogue(Desk().catalogue()), BypassRouter()
    assert last(await turn(subject, "never mind")).reply == "As you like."


def settings(folder: Path, catalogue: Path, **environ: str) -> Settings:
    environ = {"OPENAI_API_KEY": "sk-none", "HOME": str(folder), **environ}
    return load_settings(environ, folder, catalogues=[catalogue])


def small(folder: Path, tools: int) -> Path:
    write(folder, tools)
    with (folder / "catalog.toml").open("a") as file:
        file.write('router = "bypass"\n')
    return folder


@pytest.mark.parametrize(
    ("environ", "router"),
    [
        ({}, BypassRouter),
        ({"INTENTBOT_ROUTER": "llm"}, DecisionRouter),
        ({"INTENTBOT_ROUTER": "cascade"}, CascadeRouter),
    ],
)
def test_the_persons_own_setting_is_stronger(
    tmp_path: Path, environ: dict[str, str], router: type
) -> None:
    engine = build_engine(settings(tmp_path, small(tmp_path / "mine", 10), **environ))
    assert isinstance(engine.router, router)
    assert (set(engine.catalogue.intents) == {EVERYTHING}) == (router is BypassRouter)


def test_without_being_asked_nothing_is_bypassed(tmp_path: Path) -> None:
    engine = build_engine(settings(tmp_path, write(tmp_path / "mine", 10)))
    assert isinstance(engine.router, DecisionRouter)


def test_the_offline_models_always_route(tmp_path: Path) -> None:
    folder = small(tmp_path / "mine", 10)
    engine = build_engine(load_settings({"HOME": str(tmp_path)}, tmp_path, catalogues=[folder]))
    assert len(engine.catalogue.intents) == 2


def test_more_than_twenty_tools_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="at most 20 tools, there are 21: remove it"):
        build_engine(settings(tmp_path, small(tmp_path / "mine", MOST_TOOLS + 1)))
    found, _ = lint([tmp_path / "mine"])
    assert [(f.code, f.line, f.severity) for f in found if f.code == "bypass"] == [
        ("bypass", 4, "error")
    ]
