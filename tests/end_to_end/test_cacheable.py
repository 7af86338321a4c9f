"""What a server may cache stays the same: the fixed part first, the history only growing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from engine.assistant import Assistant
from engine.builder import build_engine
from engine.intents.catalogue import BUILT_IN
from engine.settings import load as load_settings
from scripts.synthetic_catalogue import write
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.loopback import Answer, Seen, call_answer, route_answer, serve, text_answer

MONDAY = date(2026, 3, 2)


async def bodies(
    folder: Path,
    catalogue: Path,
    turns: Sequence[tuple[str, Sequence[Answer]]],
    today: date = MONDAY,
) -> tuple[list[str], list[str]]:
    """The requests of a conversation as JSON text: those that classify, and those that act."""
    with serve() as server:
        environ = {
            "OPENAI_BASE_URL": f"{server.url}/v1",
            "INTENTBOT_CLASSIFIER_MODEL": "small",
            "INTENTBOT_AGENT_MODEL": "large",
        }
        engine = build_engine(load_settings(environ, folder, catalogues=[catalogue]))
        subject = Assistant(
            catalogue=engine.catalogue,
            router=engine.router,
            model=engine.model,
            recorder=MemoryRecorder(),
            approver=StubApprover(),
            data_dir=folder,
            today=lambda: today,
        )
        for text, answers in turns:
            server.play(*answers)
            last = [event async for event in subject.respond(text)][-1]
            assert last.kind == "turn_finished"
        await engine.close()
        seen = list(server.seen)
    return _of(seen, "small"), _of(seen, "large")


def _of(seen: Sequence[Seen], model: str) -> list[str]:
    return [json.dumps(one.body) for one in seen if one.body["model"] == model]


def fixed(body: str) -> str:
    """All but what was said: model, tools, form of the answer, and the system message."""
    data = json.loads(body)
    system = data.pop("messages")[0]
    assert system["role"] == "system"
    return json.dumps([data, system])


def history(body: str) -> str:
    return json.dumps(json.loads(body)["messages"]).removesuffix("]")


async def test_each_stages_prompt_only_grows_over_a_conversation(tmp_path: Path) -> None:
    def task(intent: str, tool: str, text: str, **arguments: object) -> list[Answer]:
        return [route_answer(intent), call_answer(tool, arguments, f"c{text}"), text_answer(text)]

    classify, act = await bodies(
        tmp_path,
        BUILT_IN,
        [
            ("how much money do I have?", task("balance", "get_balance", "You have $32.50.")),
            ("top up 20", task("balance", "top_up_balance", "Done: $52.50.", amount=20)),
            ("hello", [route_answer("small_talk", reply="Hello!")]),
            ("and how much data?", task("data", "get_data_balance", "3 GB are left.")),
            ("my balance now?", task("balance", "get_balance", "Still $52.50.")),
            ("data again", task("data", "get_data_balance", "Still 3 GB.")),
        ],
    )
    assert len(classify) == 6
    assert len({fixed(body) for body in classify}) == 1
    assert len(act) == 10
    balance = [body for body in act if '"top_up_balance"' in json.dumps(json.loads(body)["tools"])]
    data = [body for body in act if body not in balance]
    for own in (balance, data):
        assert len({fixed(body) for body in own}) == 1
        for earlier, later in itertools.pairwise(own):
            assert history(later).startswith(history(earlier))


async def test_the_acting_model_is_told_the_date_behind_all_that_stays_the_same(
    tmp_path: Path,
) -> None:
    turns = [("my plan?", [route_answer("contract"), text_answer("Plan M.")])]
    days = [await bodies(tmp_path, BUILT_IN, turns, MONDAY.replace(day=day)) for day in (2, 3)]
    (classify, (act,)), (classify_later, (act_later,)) = days
    assert classify == classify_later
    system = json.loads(act)["messages"][0]["content"]
    assert system.endswith("\n\nToday is Monday, 2026-03-02.")
    assert act_later == act.replace("Monday, 2026-03-02", "Tuesday, 2026-03-03")


async def test_a_catalogue_of_hundreds_has_one_fixed_part_for_all_messages(tmp_path: Path) -> None:
    catalogue = write(tmp_path / "office", 300)
    chat = [route_answer("small_talk", reply="Hello!")]
    turns = [(text, chat) for text in ("hi", "my payslips, please", "cancel the flight")]
    classify, _ = await bodies(tmp_path, catalogue, turns)
    assert len({fixed(body) for body in classify}) == 1
    again, _ = await bodies(tmp_path, catalogue, turns[:1])
    assert fixed(again[0]) == fixed(classify[0])


async def test_without_routing_there_is_one_fixed_part(tmp_path: Path) -> None:
    catalogue = write(tmp_path / "office", 20)
    with (catalogue / "catalog.toml").open("a") as file:
        file.write('router = "bypass"\n')
    answers = [call_answer("list_supplier_invoices", {}), text_answer("None.")]
    classify, act = await bodies(
        tmp_path, catalogue, [("hi", [text_answer("Hi!")]), ("any bills?", answers)]
    )
    assert not classify
    assert len(act) == 3
    assert len({fixed(body) for body in act}) == 1
    for earlier, later in itertools.pairwise(act):
        assert history(later).startswith(history(earlier))
