"""Evaluation runs on the screen: the list, a run, its matrix, and a miss to try again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from engine.intents.catalogue import load
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.fake_evaluations import RUNS, TELECOM, measured
from tests.tui.states import chat_of, make_app, settle, shown, until
from tui.commands.eval_report import list_phrase
from tui.screens.dialogs import ConfirmDialog
from tui.screens.evaluation_run import MOST, EvaluationRunScreen
from tui.screens.evaluations import EvaluationsScreen
from tui.screens.list_screen import ChoiceDialog
from tui.services.evaluation_results import (
    IntentScore,
    MissRow,
    RunView,
    axes,
    misses_of_cell,
    misses_of_intent,
)
from tui.services.evaluation_runs import digest
from tui.widgets.confusion_matrix import ConfusionMatrix
from tui.widgets.intent_scores import IntentScores

MANY = tuple(f"intent_{n:03}" for n in range(150))


class Large(FakeBackstage):
    intents_measured = MANY


async def entered(pilot: Pilot[Any]) -> EvaluationRunScreen:
    await settle(pilot)
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
    listed = pilot.app.screen.query_one("#runs", OptionList)
    await until(pilot, lambda: listed.has_focus)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationRunScreen))
    screen = pilot.app.screen
    assert isinstance(screen, EvaluationRunScreen)
    return screen


async def opened(pilot: Pilot[Any]) -> EvaluationRunScreen:
    screen = await entered(pilot)
    await until(pilot, lambda: screen.query_one(ConfusionMatrix).marked)
    await settle(pilot)
    return screen


def told(screen: EvaluationRunScreen, part: str) -> str:
    return shown(screen.query_one(f"#{part}", Static))


def test_the_axes_have_each_intent_once_and_in_one_order() -> None:
    odd = {
        ("b", "a + b"): 1,
        ("a + c", "cancel"): 1,
        ("small_talk", "out_of_scope"): 1,
        ("no task", "c"): 2,
        ("a", "small_talk"): 1,
    }
    whole = measured(RUNS[0], ("a", "b", "c"))
    rows, columns = axes(RunView(RUNS[0], intents=whole.intents, matrix=odd))
    assert rows == ["a", "b", "c", "no task", "small_talk", "a + c"]
    assert columns == ["a", "b", "c", "out_of_scope", "small_talk", "cancel", "a + b"]


def test_a_catalogue_that_was_used_is_still_the_same() -> None:
    used = load()
    for intent in used.intents.values():
        assert intent.tool_index
    assert digest(used) == digest(load())


def test_misses_of_a_cell_and_of_an_intent() -> None:
    cell = ("data", "balance")
    wrong = MissRow("one", "data", "balance", "intent", ("balance",), cell=cell)
    told = MissRow("one", "get_data()", "no call", "tool", ("balance",), cell=cell)
    call = MissRow("two", "top_up(1)", "no call", "tool", ("balance",), cell=("balance", "balance"))
    several = ("data + roaming", "data")
    both = MissRow("three", "data + roaming", "data", "intent", ("data",), cell=several)
    dropped = ("small_talk", "cancel")
    route = MissRow("four", "small_talk", "cancel", "route", cell=dropped)
    right = frozenset({("balance", "balance"), dropped})
    whole = RunView(RUNS[0], right=right, misses=(wrong, told, call, both, route))
    assert misses_of_cell(whole, "data", "balance") == [wrong]
    assert misses_of_cell(whole, "balance", "balance") == [call]
    assert misses_of_cell(whole, "small_talk", "cancel") == [route]
    assert misses_of_cell(whole, "balance", "data") == []
    assert misses_of_intent(whole, "roaming") == [both]
    assert misses_of_intent(whole, "balance") == [wrong, told, call]


async def test_right_answers_are_no_misses_and_the_intents_keep_their_names() -> None:
    class Odd(FakeBackstage):
        async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
            whole = measured(RUNS[0])
            right = {("no task", "out_of_scope"), ("data + balance", "balance + data")}
            right |= {("balance", f"balance + {key}") for key in TELECOM[1:]}
            right |= {(key, key) for key in TELECOM}
            wrong = {("data", "balance"): 1, ("data", "cancel"): 1, ("data", "small_talk"): 1}
            cells = {**dict.fromkeys(right, 9), **wrong}
            return RunView(RUNS[0], {}, whole.intents, cells, frozenset(right))

    async with make_app(Odd()).run_test(size=(80, 24)) as pilot:
        matrix = (await opened(pilot)).query_one(ConfusionMatrix)
        assert matrix.marked == ("data", "small_talk")
        await pilot.press("n", "n", "n")
        assert matrix.marked == ("data", "small_talk")
        await pilot.press("home")
        assert shown(matrix).split()[: len(TELECOM)] == list(TELECOM)


@pytest.mark.parametrize("theme", ["harbour", "harbour-16"])
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
async def test_a_miss_is_found_by_keys_and_becomes_a_draft(
    size: tuple[int, int], theme: str
) -> None:
    app = make_app(FakeBackstage())
    app.theme = theme
    async with app.run_test(size=size) as pilot:
        chat_of(pilot).prompt.put("half a thought")
        screen = await opened(pilot)
        matrix = screen.query_one(ConfusionMatrix)
        # The cursor begins where most was missed.
        expected, decided = matrix.marked or ("", "")
        most = max(n for (a, b), n in measured(RUNS[0]).matrix.items() if a != b)
        assert matrix.count(expected, decided) == most
        assert f"expected {expected} → decided {decided}" in told(screen, "cell")
        assert f" {most} " in shown(matrix)
        await pilot.press("n", "N")
        assert matrix.marked == (expected, decided)
        await pilot.press("enter")
        misses = screen.query_one("#misses", OptionList)
        await until(pilot, lambda: misses.has_focus)
        assert misses.display
        assert misses.option_count == most
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is chat_of(pilot))
        prompt = chat_of(pilot).prompt
        assert prompt.text.endswith(f"[b]not[/b] for {decided}")
        assert prompt.sent[-1] == "half a thought"
        assert not chat_of(pilot).presenter.record.turns  # nothing was sent


async def test_a_miss_is_tried_again_in_a_session_of_its_own() -> None:
    """The session that is open may wait for an answer."""
    stage = FakeBackstage(past={"s1": fake.recorded(2)})
    app = make_app(stage, resume="s1")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: chat_of(pilot).presenter.record.turns)
        await opened(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is chat_of(pilot))
        await until(pilot, lambda: chat_of(pilot).prompt.text)
        assert not chat_of(pilot).presenter.record.turns
        assert stage.chat.session_id != "s1"
        assert stage.chat.heard == []


async def test_a_run_is_started_from_the_screen_and_cancelled() -> None:
    stage = FakeBackstage()
    async with make_app(stage).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
        screen = pilot.app.screen
        await until(pilot, lambda: screen.query_one("#runs", OptionList).has_focus)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await settle(pilot)
        await pilot.press(*"routing only", "enter")
        await until(pilot, lambda: stage.started == "routing")
        await until(pilot, lambda: "3 of 12 messages" in shown(screen.query_one("#progress")))
        await pilot.press("c")
        await until(pilot, lambda: stage.evaluation_progress is None)
        await until(pilot, lambda: not screen.query_one("#progress").display)


async def test_an_intent_has_its_figures_and_misses() -> None:
    async with make_app(FakeBackstage()).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        scores = screen.query_one(IntentScores)
        assert not scores.display  # beside each other they do not fit
        await pilot.press("1", "down")
        await settle(pilot)
        assert scores.display
        assert scores.marked == "contract"
        found = misses_of_intent(measured(RUNS[0]), "contract")
        assert screen.query_one("#misses", OptionList).option_count == len(found)
        assert "83.3" in shown(scores)
        await pilot.press("enter")
        await settle(pilot)
        assert screen.query_one(ConfusionMatrix).marked == ("contract", "contract")


async def test_of_some_intents_alone_precision_is_a_dash() -> None:
    class Alone(FakeBackstage):
        async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
            return RunView(RUNS[0], intents=(IntentScore("data", None, 0.95, None, 20),))

    async with make_app(Alone()).run_test(size=(120, 40)) as pilot:
        scores = (await entered(pilot)).query_one(IntentScores)
        await until(pilot, lambda: "data" in shown(scores))
        assert shown(scores).split()[:5] == ["data", "–", "95.0", "–", "20"]


async def test_a_run_is_held_against_older_ones() -> None:
    async with make_app(FakeBackstage()).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press("w")  # says that there is nothing to compare with
        await pilot.press("b")
        await until(pilot, lambda: "01run2" in told(screen, "head"))
        assert "94.1 % → 96.3 %" in told(screen, "head")
        assert "+2.2" in told(screen, "head")
        assert "+2.0" in shown(screen.query_one(IntentScores))
        misses = screen.query_one("#misses", OptionList)
        await settle(pilot)
        await pilot.press("w")
        await until(pilot, lambda: misses.border_title == "Newly wrong")
        assert misses.option_count == 2
        await pilot.press("w")
        assert misses.option_count == 3
        await pilot.press("b", "b")
        await until(pilot, lambda: "against" not in told(screen, "head"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


@pytest.mark.parametrize("theme", ["harbour", "harbour-16"])
async def test_a_matrix_of_150_intents_is_walked_through(theme: str) -> None:
    app = make_app(Large())
    app.theme = theme
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        matrix = screen.query_one(ConfusionMatrix)
        await pilot.press("home", *["pageup"] * 30)
        assert matrix.marked == ("intent_000", "intent_000")
        assert "row 1 of 152, column 1 of 152" in str(matrix.border_subtitle)
        assert "  1 intent_000" in shown(matrix)
        await pilot.press("end", *["pagedown"] * 30)
        assert matrix.marked == ("small_talk", "small_talk")
        assert "152 small_talk" in shown(matrix)
        await pilot.resize_terminal(60, 15)
        await settle(pilot)
        assert "152 small_talk" in shown(matrix)


async def test_the_list_says_what_a_run_was_and_a_run_is_deleted_if_one_is_sure() -> None:
    app = make_app(FakeBackstage())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, EvaluationsScreen))
        screen = app.screen
        listed = screen.query_one("#runs", OptionList)
        await until(pilot, lambda: listed.has_focus)
        await settle(pilot)
        assert shown(listed).count("routing, roaming, limit 240") == 3
        await pilot.press("down", "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "the run with 240 messages (routing" in shown(app.screen.query_one("Static"))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert listed.option_count == 3
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: listed.option_count == 2)
        assert "interrupted" not in shown(listed)
        await pilot.press("d")  # it is running, so nothing is asked
        await settle(pilot)
        assert app.screen is screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_all_figures_are_seen_and_an_empty_list_says_why(size: tuple[int, int]) -> None:
    async with make_app(FakeBackstage()).run_test(size=size) as pilot:
        screen = await opened(pilot)
        head = " ".join(told(screen, "head").split())
        assert "routing, roaming, limit 240 · 240 messages" in head
        assert "right intent 96.3 % out of scope 100.0 % coverage 100.0 % F1 100.0 %" in head
        assert "right tool 95.1 % arguments exact 90.2 % clarified 85.3 %" in head
        misses = screen.query_one("#misses", OptionList)
        assert "confidence 40 %" in shown(misses) or size == (80, 24)  # it is cut there
        matrix = screen.query_one(ConfusionMatrix)
        matrix.mark("balance", "roaming")
        assert matrix.count("balance", "roaming") == 0
        await until(pilot, lambda: "No message went this way." in shown(misses))
        matrix.mark("small_talk", "small_talk")
        await until(pilot, lambda: "All of these messages became" in shown(misses))
        await pilot.press("3", "enter")  # it is no message to try again
        await settle(pilot)
        assert pilot.app.screen is screen


def test_the_id_of_a_listed_run_is_in_one_piece() -> None:
    console = Console(file=io.StringIO(), width=80)
    id, cut = "01a21fda-82b3-7b25", "interrupted"
    row = (id, "11-02 14:03", cut, "12,345", "100.0 %", "routing, some_very_long_name.jsonl")
    list_phrase(console, ("run", "began", "state", "done", "right", "what"), [row])
    console.file.seek(0)
    assert id in console.file.read()


async def test_no_run_and_a_run_that_cannot_be_read() -> None:
    class Broken(FakeBackstage):
        async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
            raise OSError("the file is gone")

    class Empty(FakeBackstage):
        runs = ()

    async with make_app(Empty()).run_test() as pilot:
        await settle(pilot)
        await pilot.press("f9")
        await settle(pilot)
        await pilot.press("f8")  # from the catalogue, too
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
        none = pilot.app.screen.query_one("#none", Static)
        await until(pilot, lambda: "intentbot-tui eval" in shown(none))
    async with make_app(Broken()).run_test() as pilot:
        await settle(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
        await until(pilot, lambda: pilot.app.screen.query_one("#runs", OptionList).has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationRunScreen))
        head = pilot.app.screen.query_one("#head", Static)
        await until(pilot, lambda: "the file is gone" in shown(head))


async def test_of_very_many_misses_the_first_are_listed() -> None:
    class Bad(FakeBackstage):
        async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
            cell = ("data", "balance")
            misses = tuple(MissRow(f"m{n}", *cell, cell=cell) for n in range(3000))
            whole = measured(RUNS[0], TELECOM)
            cells = {("data", "balance"): 3000}
            return RunView(RUNS[0], {}, whole.intents, cells, misses=misses)

    async with make_app(Bad()).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        misses = screen.query_one("#misses", OptionList)
        assert misses.option_count == MOST
        assert f"3,000 messages, the first {MOST}" in str(misses.border_subtitle)
        assert "3k" in shown(screen.query_one(ConfusionMatrix))
