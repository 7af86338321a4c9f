"""The figures of a report, computed by hand on small sets and by other formulas on random ones."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation import compare, gates, report, report_junit
from engine.evaluation.dataset import Row
from engine.evaluation.gates import GateError
from engine.evaluation.metrics import PerIntent, Report, same_arguments, score
from engine.evaluation.report_markdown import to_markdown
from engine.evaluation.result import Call, RowResult, RowUsage, ToolPhase, from_dict, to_dict
from engine.events import Route
from engine.intents import catalogue as catalogues
from tui.formatting.values import spent

TELECOM = catalogues.load()
TOOLS = {tool.name: tool for tool in TELECOM.tools}
KEYS = sorted(TELECOM.intents)


def task(*intents: str, confidence: float = 0.9, acted: ToolPhase | None = None) -> RowResult:
    return RowResult(route="task", intents=intents, confidence=confidence, acted=acted)


def no_task(route: Route = "out_of_scope") -> RowResult:
    return RowResult(route=route, confidence=0.7)


def calls(tool: str, **arguments: object) -> ToolPhase:
    return ToolPhase((Call(tool, arguments),))


SET = [
    (Row("a", ("balance",)), task("balance", confidence=0.95)),
    (Row("b", ("balance",)), task("data", confidence=0.55)),
    (Row("c", ("balance",)), no_task()),
    (Row("d", ("data",)), task("data", confidence=0.85)),
    (Row("e", ("data", "roaming")), task("roaming", "data")),
    (Row("f", ("data", "roaming")), task("data")),
    (Row("g", ("roaming",)), task("roaming", "balance")),
    (Row("h"), no_task()),
    (Row("i"), task("data", confidence=0.5)),
    (Row("j", route="out_of_scope"), no_task("small_talk")),
    (Row("k", route="small_talk"), task("balance")),
    (Row("l", ("data",)), RowResult(state="failed", error="network", message="away")),
    (Row("m", ("data",)), RowResult(state="begun")),
]


def test_routing_by_hand() -> None:
    found = score(SET, TELECOM)
    told = found.classification
    assert (found.rows, told.rows, told.tasks) == (12, 11, 7)
    assert told.accuracy == 4 / 7  # a, d, e, g
    assert told.coverage == 6 / 7
    assert told.covered_accuracy == 4 / 6
    assert told.out_of_scope_recall == 2 / 3  # h and j of h, i, j
    assert told.small_talk_recall == 0
    assert told.route_accuracy == 0  # of j and k
    assert told.too_many == 1  # g
    data = told.per_intent["data"]
    assert (data.precision, data.recall, data.support) == (3 / 5, 3 / 3, 3)  # d e f of b d e f i
    balance = told.per_intent["balance"]
    assert (balance.precision, balance.recall, balance.support) == (1 / 3, 1 / 3, 3)
    assert balance.f1 == pytest.approx(1 / 3)
    at = {point.threshold: point for point in told.curve}
    assert (at[0.0].coverage, at[0.0].accuracy) == (6 / 7, 4 / 6)
    assert (at[0.6].coverage, at[0.6].accuracy) == (5 / 7, 4 / 5)
    assert (at[0.5].out_of_scope_recall, at[0.6].out_of_scope_recall) == (2 / 3, 1)
    assert (at[0.99].coverage, at[0.99].accuracy) == (0, None)
    # Given an intent with a confidence: a .95 right, b .55, d .85 right, e .9 right, f .9, g .9
    # right, i .5, k .9. Bins of a fifteenth: (.933, 1] a; (.867, .933] e f g k; (.8, .867] d;
    # (.533, .6] b; (.467, .533] i.
    assert told.calibration is not None
    assert told.calibration.rows == 8
    assert told.calibration.error == pytest.approx(
        (0.05 + 4 * abs(0.5 - 0.9) + 0.15 + 0.55 + 0.5) / 8
    )
    assert told.calibration.brier == pytest.approx(
        (0.05**2 + 2 * 0.1**2 + 2 * 0.9**2 + 0.15**2 + 0.55**2 + 0.5**2) / 8
    )
    assert told.matrix["balance", "data"] == 1
    assert told.matrix["no task", "data"] == 1
    assert [(miss.row.text, miss.kind) for miss in found.misses] == [
        ("b", "intent"),
        ("c", "intent"),
        ("f", "intent"),
        ("i", "intent"),
        ("j", "route"),
        ("k", "intent"),
    ]
    assert [miss.row.text for miss in found.failed] == ["l"]


@pytest.mark.parametrize(
    ("row", "outcome", "right", "kind"),
    [
        (Row("a"), no_task(), True, None),
        (Row("a"), no_task("small_talk"), True, None),
        (Row("a", ("data", "balance")), task("balance", "data"), True, None),
        (Row("a", ("balance",)), task("balance", "data"), True, None),
        (Row("a", ("balance",)), task("data", "balance"), False, "intent"),
        (Row("a", route="small_talk"), no_task("cancel"), True, "route"),
        (Row("a", route="small_talk"), task("data"), False, "intent"),
        (Row("a"), RowResult(error="model", message="no answer"), False, "error"),
    ],
)
def test_a_cell_is_right_where_its_rows_are_and_has_their_misses(
    row: Row, outcome: RowResult, right: bool, kind: str | None
) -> None:
    data = report.to_dict(score([(row, outcome)], TELECOM))
    (cell,) = data["classification"]["matrix"]
    assert (cell["count"], cell["right"]) == (1, right)
    assert [miss["kind"] for miss in data["misses"]] == [kind] * (kind is not None)
    for miss in data["misses"]:
        assert miss["cell"] == [cell["expected"], cell["decided"]]


def test_tools_by_hand() -> None:
    top_up = Row("a", ("balance",), tool="top_up_balance", arguments={"amount": 20})
    asks = Row("b", ("balance",), tool="top_up_balance", missing=("amount",))
    question = ToolPhase(asked=True, tool="top_up_balance", missing=("amount",))
    prose = ToolPhase(asked=True)
    other = ToolPhase(asked=True, tool="get_balance", missing=("amount",))
    wrong_then_right = RowResult(
        route="task",
        intents=("data",),
        acted=calls("top_up_data", amount=20),
        given=calls("top_up_balance", amount=20.0),
    )
    found = score(
        [
            (top_up, task("balance", acted=calls("top_up_balance", amount=20.0))),
            (top_up, task("balance", acted=calls("top_up_balance", amount=2))),
            (top_up, task("balance", acted=calls("get_balance"))),
            (top_up, wrong_then_right),
            (asks, task("balance", acted=question)),
            (asks, task("balance", acted=prose)),
            (asks, task("balance", acted=other)),
            (asks, task("balance", acted=calls("top_up_balance", amount=10))),
        ],
        TELECOM,
    ).tools
    assert found is not None
    assert (found.rows, found.name_accuracy, found.argument_accuracy) == (4, 2 / 4, 1 / 4)
    assert (found.given_name_accuracy, found.given_argument_accuracy) == (3 / 4, 2 / 4)
    assert (found.missing_rows, found.asked_when_missing) == (4, 2 / 4)


@pytest.mark.parametrize(
    ("tool", "one", "other", "same"),
    [
        ("top_up_balance", {"amount": 20}, {"amount": 20.0}, True),
        ("top_up_balance", {"amount": 20}, {"amount": "20"}, True),
        ("top_up_balance", {"amount": 20}, {"amount": 20.5}, False),
        ("roaming_cost_for_country", {"country": "Italy"}, {"country": " italy "}, True),
        ("roaming_cost_for_country", {"country": "Italy"}, {"country": "Spain"}, False),
        ("pay_invoice", {"invoice_id": "INV-1042"}, {"invoice_id": "inv 1042"}, True),
        ("pay_invoice", {"invoice_id": "INV-1042"}, {}, False),
        ("cancel_contract", {}, {"reason": "too dear"}, False),
        ("top_up_balance", {"amount": -5}, {"amount": -5}, True),
    ],
)
def test_arguments_are_the_same_if_the_tool_would_do_the_same(
    tool: str, one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    assert same_arguments(TOOLS[tool], one, other) is same
    assert same_arguments(TOOLS[tool], other, one) is same


intents = st.lists(st.sampled_from(KEYS), max_size=2, unique=True).map(tuple)
outcomes = st.builds(
    lambda keys, sure: task(*keys, confidence=sure) if keys else no_task(),
    intents,
    st.floats(0, 1),
)
results = st.lists(st.tuples(st.builds(Row, st.text(min_size=1), intents), outcomes), max_size=30)


@given(results)
def test_random_sets_keep_the_laws(found: list[tuple[Row, RowResult]]) -> None:
    told = score(found, TELECOM).classification
    support = sum(numbers.support for numbers in told.per_intent.values())
    assert support == sum(len(row.intents) for row, _ in found)
    for numbers in told.per_intent.values():
        assert numbers.precision is not None
        assert numbers.f1 is not None
        for share in (numbers.precision, numbers.recall, numbers.f1):
            assert 0 <= share <= 1
        low, high = sorted((numbers.precision, numbers.recall))
        assert low <= numbers.f1 + 1e-12
        assert numbers.f1 <= high + 1e-12
    assert sum(told.matrix.values()) == len(found)
    coverage = [point.coverage for point in told.curve]
    refused = [point.out_of_scope_recall or 0 for point in told.curve]
    assert coverage == sorted(coverage, reverse=True)
    assert refused == sorted(refused)
    if told.accuracy is not None and told.coverage is not None:
        assert told.accuracy <= told.coverage
    if any(row.intents for row, _ in found):
        assert coverage[0] == told.coverage
        assert told.curve[0].accuracy == told.covered_accuracy


@given(results)
def test_what_was_right_throughout_misses_nothing(found: list[tuple[Row, RowResult]]) -> None:
    right = [(row, task(*row.intents) if row.intents else no_task()) for row, _ in found]
    whole = score(right, TELECOM)
    assert whole.misses == ()
    assert whole.classification.accuracy in (None, 1)
    assert whole.classification.macro_f1 in (None, 1)


def test_costs_add_up_and_an_unknown_price_stays_unknown() -> None:
    row = Row("a", ("data",))
    priced = RowResult(
        route="task",
        intents=("data",),
        spent=RowUsage(
            requests=2,
            input_tokens=100,
            cached_tokens=50,
            output_tokens=10,
            flat_input_tokens=300,
            cost_usd=0.25,
            unpriced=0,
            seconds=1,
        ),
    )
    unpriced = RowResult(
        route="task",
        spent=RowUsage(
            requests=1,
            input_tokens=10,
            cached_tokens=0,
            output_tokens=1,
            flat_input_tokens=30,
            cost_usd=0.0,
            unpriced=1,
            seconds=2,
        ),
    )
    begun = RowResult(state="begun", spent=RowUsage(requests=1, input_tokens=7))
    both = report.usage(score([(row, priced), (row, priced), (row, begun)], TELECOM))
    assert both["cost_usd"] == 0.5
    assert (both["requests"], both["input_tokens"], both["cached_tokens"]) == (4, 200, 100)
    assert (both["output_tokens"], both["flat_input_tokens"], both["seconds"]) == (20, 600, 2)
    assert report.usage(score([(row, priced), (row, unpriced)], TELECOM))["cost_usd"] is None
    tiny = RowResult(route="task", spent=RowUsage(requests=1, cost_usd=0.0000191))
    found = score([(row, tiny)] * 3, TELECOM)
    assert report.usage(found)["cost_usd"] == 0.0000573
    assert spent(found.spent) == "$0.0000573"
    partly = score([(row, tiny), (row, unpriced)], TELECOM)
    assert spent(partly.spent) == "cost unknown for 1 of 2 requests, $0.0000191 for the others"


def reached(text: str, found: Report) -> bool:
    (verdict,) = gates.judge([gates.parse(text, TELECOM.intents)], found)
    return verdict.passed


def test_gates() -> None:
    found = score(SET, TELECOM)
    for name, share in (("intent", 4 / 7), ("out_of_scope", 2 / 3), ("data", 1), ("f1.data", 0.75)):
        assert reached(f"{name}={share:.4f}", found) is (round(share, 4) <= share)
        assert reached(f"{name}={share - 0.01}", found)
        assert not reached(f"{name}={min(share + 0.01, 1)}", found) or share == 1
    assert not reached("tools=0", found), "no row could show it"
    assert not reached("contract=0", found)


@pytest.mark.parametrize(
    "text", ["intent", "intent=x", "intent=95", "intent=nan", "wide=0.5", "f1.x=1"]
)
def test_a_gate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(GateError, match="--gate"):
        gates.parse(text, TELECOM.intents)


def test_tool_gates_need_the_tools() -> None:
    with pytest.raises(GateError, match="leaves the tools out"):
        gates.parse("tools=0.9", TELECOM.intents, only_route=True)


def test_of_some_intents_alone_nothing_is_said_about_what_is_taken_for_them() -> None:
    for text in ("precision.data=0.5", "f1.data=0.5", "macro_f1=0.5"):
        with pytest.raises(GateError, match="precision and F1 depend"):
            gates.parse(text, TELECOM.intents, alone=True)
    gates.parse("recall.data=1", TELECOM.intents, alone=True)
    own = [(row, outcome) for row, outcome in SET if "data" in row.intents]
    told = score(own, TELECOM, intents=["data"]).classification
    assert told.per_intent == {"data": PerIntent(None, 3 / 3, None, 3)}
    assert told.macro_f1 is None
    assert "| data | – | 100.0 % | – | 3 |" in to_markdown(
        score(own, TELECOM, intents=["data"]), "a", "$0"
    )
    assert compare.compare(own, own, TELECOM, intents=["data"]).f1 == {}


def test_a_baseline_names_what_turned() -> None:
    before = [*SET[:4], (Row("only before", ("data",)), task("data"))]
    after = [
        (Row("a", ("balance",)), task("data")),
        (Row("b", ("balance",)), task("balance")),
        *SET[2:4],
        (Row("only after", ("data",)), task("roaming")),
    ]
    found = compare.compare(before, after, TELECOM)
    assert found.rows == 4
    assert [miss.row.text for miss in found.newly_wrong] == ["a"]
    assert [miss.row.text for miss in found.newly_right] == ["b"]
    assert found.f1["balance"] == (0.5, 0.5)


def test_a_text_that_a_set_has_twice_is_two_messages() -> None:
    right, wrong = task("data"), task("balance")
    twice = [(Row("a", ("data",)), right), (Row("a", ("balance",)), right)]
    found = score(twice, TELECOM)
    root = ElementTree.fromstring(report_junit.to_xml(found, twice))
    failed = [case.get("classname") for case in root.iter("testcase") if len(case)]
    assert failed == ["balance"]
    turned = compare.compare(twice, [(row, wrong) for row, _ in twice], TELECOM)
    assert turned.rows == 2
    assert [miss.row.intents for miss in turned.newly_wrong] == [("data",)]
    assert [miss.row.intents for miss in turned.newly_right] == [("balance",)]


def test_the_json_report_has_what_the_contract_says() -> None:
    data = report.to_dict(score(SET, TELECOM))
    assert data.keys() >= {"classification", "tools", "usage", "misses"}
    told = data["classification"]
    assert told.keys() >= {"accuracy", "coverage", "out_of_scope_recall", "per_intent"}
    assert told["per_intent"]["data"].keys() == {"precision", "recall", "f1", "support"}
    assert data["tools"].keys() >= {"name_accuracy", "argument_accuracy"}
    assert told["confusions"][0].keys() == {"expected", "got", "count", "messages"}
    assert "tools" not in report.to_dict(score(SET, TELECOM, only_route=True))


HOSTILE = "\x1b[31m<b>]]>&\"'\x00\ud800 `*_[x](y)|`` "


def test_junit_is_xml_that_counts_right_whatever_people_write() -> None:
    found = [*SET, (Row(HOSTILE, ("data",)), task("balance"))]
    verdicts = gates.judge([gates.parse("intent=1", TELECOM.intents)], score(SET, TELECOM))
    root = ElementTree.fromstring(report_junit.to_xml(score(found, TELECOM), found, verdicts))
    cases = root.findall("testsuite/testcase")
    assert root.get("tests") == str(len(cases)) == str(len(found))  # less "m", and the gate
    failures = [str(case.get("name")) for case in cases if case.find("failure") is not None]
    assert set("bcfijk") <= set(failures)
    assert (len(failures), failures[-1]) == (8, "intent=1")
    assert [case.get("name") for case in cases if case.find("error") is not None] == ["l"]
    assert {suite.get("name") for suite in root} >= {"balance", "data", "no task", "gates"}


def test_markdown_keeps_what_people_write_in_code_spans() -> None:
    found = [*SET, (Row(HOSTILE, ("data",)), task("balance"))]
    text = to_markdown(score(found, TELECOM), "a | b", "$0.0000191")
    assert "a \\| b" in text
    assert "``` <b>" in text
    assert "| right intent | 50.0 % |" in text
    assert "| cost | $0.0000191 |" in text


def test_outcomes_keep_their_json_form() -> None:
    found = RowResult(
        route="task",
        intents=("data",),
        confidence=0.5,
        acted=calls("top_up_data", amount=2),
        given=ToolPhase(asked=True, tool="top_up_data", missing=("amount",)),
        spent=RowUsage(
            requests=1,
            input_tokens=2,
            cached_tokens=3,
            output_tokens=4,
            flat_input_tokens=5,
            cost_usd=0.5,
            unpriced=1,
            seconds=0.25,
        ),
    )
    assert from_dict(to_dict(found)) == found
