"""`ask` with a hosted model, over real HTTP on loopback: Azure's way and everybody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import Home, only
from tests.loopback import Answer, Loopback, call_answer, chunk, route_answer, serve, text_answer


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def test_azure_by_dotenv_routes_acts_and_answers(home: Home, server: Loopback) -> None:
    (home.folder / ".env").write_text(
        f"AZURE_OPENAI_ENDPOINT={server.url}\n"
        "AZURE_OPENAI_KEY=my-azure-key\n"
        "AZURE_OPENAI_VERSION=2024-10-21\n"
        "INTENTBOT_CLASSIFIER_MODEL=small\n"
        "INTENTBOT_AGENT_MODEL=large\n"
    )
    server.play(
        route_answer("balance"),
        call_answer("top_up_balance", {"amount": 20}),
        text_answer("Your balance is now **$52.50**."),
    )
    happened = home.events("top up 20 dollars", "--yes", "--db", "x.db")
    assert [event["outcome"] for event in only(happened, "tool_finished")] == ["ok"]
    reply = happened[-1]["reply"]
    assert reply.startswith("Your balance is now **$52.50**.\n\nI've added $20.00")

    paths = [seen.path for seen in server.seen]
    chat = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"
    assert paths == [chat.format("small"), chat.format("large"), chat.format("large")]
    assert {seen.headers["api-key"] for seen in server.seen} == {"my-azure-key"}

    classify, act, then = (seen.body for seen in server.seen)
    assert "tools" not in classify
    offered = [tool["function"]["name"] for tool in act["tools"]]
    assert offered == ["get_balance", "top_up_balance", "switch_intent"]
    assert [m["role"] for m in then["messages"]] == ["system", "user", "assistant", "tool"]

    used = [(e["stage"], e["input_tokens"]) for e in only(happened, "usage_updated")]
    assert used == [("classify", 100), ("act", 120), ("act", 100)]
    assert all(
        e["flat_input_tokens"] > e["input_tokens"] for e in only(happened, "usage_updated")[1:]
    )


def test_small_talk_is_one_request(home: Home, server: Loopback) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    server.play(route_answer("small_talk", reply="Hello there!"))
    done = home.run("ask", "hello", "--db", "x.db")
    assert done.stdout == "Hello there!\n"
    assert len(server.seen) == 1


def test_a_session_goes_on_with_its_context(home: Home, server: Loopback) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    server.play(route_answer("balance"), text_answer("How much?"))
    first = home.events("top up my balance", "--db", "x.db")
    assert first[-1]["status"] == "needs_input"
    server.play(call_answer("top_up_balance", {"amount": 15}), text_answer("Done."))
    second = home.events("15", "--session", first[0]["session_id"], "--yes", "--db", "x.db")
    (classified,) = only(second, "intent_classified")
    assert (classified["route"], classified["source"]) == ("continue", "shortcut")
    said = [m["content"] for m in server.seen[2].body["messages"][1:]]
    assert said == ["top up my balance", "How much?", "15"]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (Answer(status=401, error={"message": "bad key my-secret-key"}), 2, "refused the key"),
        (Answer(status=404, error={"message": "no such deployment"}), 2, "no such deployment"),
        (Answer(status=400, error={"message": "filtered", "code": "content_filter"}), 1, "filter"),
        (
            Answer(status=400, error={"message": "long", "code": "context_length_exceeded"}),
            4,
            "too long",
        ),
    ],
)
def test_a_servers_refusal_is_told_in_words(
    home: Home, server: Loopback, answer: Answer, code: int, says: str
) -> None:
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "my-secret-key"}
    server.play(answer)
    done = home.run("ask", "hello", "--db", "x.db", check=code)
    assert says in done.stderr
    assert "my-secret-key" not in done.stderr
    stored = (home.folder / "x.db").read_bytes()
    assert b"my-secret-key" not in stored


def test_a_key_that_comes_back_in_an_answer_is_masked(home: Home, server: Loopback) -> None:
    key = "sk-my-secret-key"
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": key}
    pieces = [chunk(f"A mask; your {key[:5]}"), chunk(f"{key[5:]}, a sk"), chunk(finish="stop")]
    server.play(
        route_answer("contract"),
        call_answer("cancel_contract", {"reason": key}),
        Answer(pieces),
        route_answer("small_talk", reply=f"It is {key}!"),
    )
    happened = home.events("end it", "--deny", "--db", "x.db")
    assert only(happened, "tool_call_proposed")[0]["arguments"] == {"reason": "***"}
    assert happened[-1]["reply"] == "A mask; your ***, a sk"
    assert home.run("ask", "what is my key?", "--db", "x.db").stdout == "It is ***!\n"
    assert key.encode() not in b"".join(file.read_bytes() for file in home.folder.iterdir())


@pytest.mark.parametrize("wanted", ["no", "perhaps"])
def test_what_may_not_be_wanted_is_asked_whatever_flag_says_yes(
    home: Home, server: Loopback, wanted: str
) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    server.judges = True
    server.play(
        route_answer("contract"),
        call_answer("cancel_contract", {}),
        text_answer(json.dumps({"wanted": wanted})),
    )
    happened = home.events("my friend wants to cancel hers", "--yes-destructive", "--db", "x.db")
    assert only(happened, "tool_call_proposed") == []
    (judged,) = only(happened, "change_judged")
    assert (judged["tool"], judged["wanted"]) == ("cancel_contract", False)
    assert (happened[-1]["status"], happened[-1]["awaiting"]["tool"]) == (
        "needs_input",
        "cancel_contract",
    )
    assert server.answers == []


def test_a_value_that_nobody_said_is_asked_for_whatever_flag_says_yes(
    home: Home, server: Loopback
) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    server.play(route_answer("data"), call_answer("top_up_data", {"amount": 100}))
    first = home.events("more gigabytes please", "--yes", "--db", "x.db")
    assert (first[-1]["status"], first[-1]["pending"]) == ("needs_input", ["amount"])
    server.play(call_answer("top_up_data", {"amount": 3}), text_answer("I can't assist with that."))
    second = home.events("3", "--session", first[0]["session_id"], "--yes", "--db", "x.db")
    (finished,) = only(second, "tool_finished")
    assert finished["result"]["summary"] in second[-1]["reply"]
    assert only(second, "tool_call_proposed")[0]["sources"] == {"amount": "said"}


def test_a_dead_server_is_exit_code_three_and_the_message_is_kept(home: Home) -> None:
    with serve() as gone:
        url = gone.url
    home.environ["OPENAI_BASE_URL"] = f"{url}/v1"
    done = home.run("ask", "pay my bill", "--db", "x.db", check=3)
    assert "no connection to 127.0.0.1" in done.stderr
    (session,) = home.listing("sessions", "list", "--db", "x.db")
    assert session["title"] == "pay my bill"


def test_the_cascade_asks_the_model_only_when_the_local_router_is_unsure(
    home: Home, server: Loopback
) -> None:
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "INTENTBOT_ROUTER": "cascade"}
    server.play(text_answer("It is $32.50."))
    clear = home.events("what's my balance?", "--db", "x.db")
    assert only(clear, "intent_classified")[0]["source"] == "embedded"
    assert len(server.seen) == 1
    server.play(route_answer("small_talk", reply="Hi!"))
    unclear = home.events("hello", "--db", "x.db")
    assert only(unclear, "intent_classified")[0]["source"] == "llm"
    assert unclear[-1]["reply"] == "Hi!"


def test_a_server_that_repeats_a_call_is_paid_once(home: Home, server: Loopback) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    arguments = '{"amount": 20}'
    function = {"name": "top_up_balance", "arguments": arguments}
    twice = [{"index": n, "id": f"call_{n}", "function": function} for n in (0, 1)]
    server.play(
        route_answer("balance"),
        Answer([chunk(calls=twice), chunk(finish="tool_calls")]),
        call_answer("top_up_balance", {"amount": 20}, "call_0"),
        call_answer("get_balance", {}, "call_0"),
        text_answer("Done."),
    )
    # Whether it is meant twice nobody could be asked: exit code 5.
    happened = home.events("top up 20 dollars", "--yes", "--db", "x.db", check=5)
    finished = only(happened, "tool_finished")
    assert sorted(event["outcome"] for event in finished) == ["denied", "error", "ok", "ok"]
    assert finished[-1]["result"]["balance_usd"] == "52.50"
    assert len({event["call_id"] for event in finished}) == 4
    answered = [m["tool_call_id"] for m in server.seen[-1].body["messages"] if m["role"] == "tool"]
    assert len(set(answered)) == 4


CHATTY = """import warnings
from engine.tools.function import effect

print("imported")


@effect("read")
def look() -> int:
    \"\"\"Look.\"\"\"
    print("called")
    warnings.warn("old")
    return "a text, which no int is"
"""


def test_what_a_tool_prints_is_no_data_and_what_it_warns_of_is_for_the_log(
    home: Home, server: Loopback
) -> None:
    (home.folder / "mine" / "intents").mkdir(parents=True)
    (home.folder / "mine" / "tools.py").write_text(CHATTY)
    intent = 'title = "Look"\ndescription = "Look"\nexamples = ["look"]\ntools = ["look"]\n'
    (home.folder / "mine" / "intents" / "look.toml").write_text(intent)
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    home.environ["INTENTBOT_CATALOG"] = "mine"
    assert [intent["key"] for intent in home.listing("catalog", "list")] == ["look"]
    server.play(route_answer("look"), call_answer("look", {}), text_answer("Seen."))
    done = home.run("ask", "look", "--json", "--db", "x.db")
    happened = [json.loads(line) for line in done.stdout.splitlines()]
    assert happened[-1]["reply"] == "Seen."
    assert done.stderr == "imported\ncalled\n"
