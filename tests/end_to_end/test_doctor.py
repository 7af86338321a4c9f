"""`doctor` against a real server on loopback: what is wrong is named, and what to change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.conftest import Home, only
from tests.loopback import Answer, Loopback, Seen, serve, text_answer
from tests.storage.told import damaged

SECRET = "a-secret-key-of-thirty-letters"


def _doctor(home: Home, *, check: int) -> dict[str, dict[str, Any]]:
    checks = json.loads(home.run("doctor", "--json", check=check).stdout)
    assert all(set(one) == {"name", "state", "detail"} for one in checks)
    assert SECRET not in json.dumps(checks)
    return {one["name"]: one for one in checks}


def _azure(home: Home, server: Loopback, **more: str) -> None:
    home.environ |= {
        "AZURE_OPENAI_ENDPOINT": server.url,
        "AZURE_OPENAI_API_KEY": SECRET,
        "INTENTBOT_DB": "x.db",
        **more,
    }


def test_all_in_place_is_two_tiny_requests(home: Home) -> None:
    with serve() as server:
        server.play(text_answer("OK."), text_answer("OK."))
        named = {"INTENTBOT_CLASSIFIER_MODEL": "small", "INTENTBOT_AGENT_MODEL": "large"}
        _azure(home, server, TERM="xterm-256color", **named)
        checks = _doctor(home, check=0)
    assert [seen.body["model"] for seen in server.seen] == ["small", "large"]
    assert all(len(json.dumps(seen.body)) < 300 for seen in server.seen)
    assert {one["state"] for one in checks.values()} == {"ok"}
    assert checks["keys"]["detail"] == f"AZURE_OPENAI_API_KEY ***{SECRET[-4:]} of the environment"
    assert "256 colours" in checks["terminal"]["detail"]
    assert checks["decisions"]["detail"].startswith("none here")


def test_a_deciding_endpoint_is_told_and_used_from_then_on(home: Home) -> None:
    def respond(seen: Seen) -> Answer:
        if not seen.path.endswith("/systemone"):
            return text_answer("OK.") if "chat" in seen.path else Answer(status=404)
        answers = {
            name: {"type": "noul", "noul": 0.9}
            if question["type"] == "noul"
            else {"type": "choice", "choice": "small talk", "probabilities": {"small talk": 1}}
            for name, question in seen.body["questions"].items()
        }
        body = json.dumps({"model": "jev", "answers": answers})
        return Answer(body=body, headers={"content-type": "application/json"})

    with serve() as server:
        server.respond = respond
        home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "INTENTBOT_DB": "x.db"}
        assert "/v1/systemone" in _doctor(home, check=0)["decisions"]["detail"]
        before = len(server.seen)
        (classified,) = only(home.events("hello"), "intent_classified")
        assert (classified["route"], classified["source"]) == ("small_talk", "decisions")
        assert [seen.path for seen in server.seen[before:]] == ["/v1/systemone"]


def test_the_deployment_that_is_missing_is_named(home: Home) -> None:
    def respond(seen: Seen) -> Answer:
        if seen.body["model"] == "gpt-6-luna":
            return Answer(status=404, error={"message": f"No deployment here, {SECRET}"})
        return text_answer("OK.")

    with serve() as server:
        server.respond = respond
        _azure(home, server)
        checks = _doctor(home, check=2)
    assert checks["agent"]["state"] == "ok"
    assert checks["classifier"]["state"] == "fail"
    assert "No deployment here" in checks["classifier"]["detail"]
    assert "this one: INTENTBOT_CLASSIFIER_MODEL" in checks["classifier"]["detail"]
    assert checks["deployments"]["state"] == "warn"
    assert "INTENTBOT_AGENT_MODEL" in checks["deployments"]["detail"]


def test_a_busy_server_is_not_waited_for(home: Home) -> None:
    busy = Answer(status=429, error={"message": "slow down"}, headers={"retry-after": "60"})
    with serve() as server:
        server.respond = lambda _: busy
        _azure(home, server)
        checks = _doctor(home, check=2)
    assert "slow down" in checks["agent"]["detail"]
    assert len(server.seen) == 2


def test_what_is_broken_here_is_named(home: Home) -> None:
    with serve() as gone:
        url = gone.url
    (home.folder / ".env").write_text(f"\n\nnot a setting\nOPENAI_BASE_URL={url}/v1\nALONE\n")
    home.environ |= {"LC_ALL": "C", "TERM": "dumb", "INTENTBOT_DB": "x.db"}
    done = home.run("doctor", check=2)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split(", ")[-1] for line in lines if ".env, line" in line] == [
        "line 3 is left out: write NAME=value",
        "line 5 is left out: write NAME=value",
    ]
    (endpoint,) = (line for line in lines if "endpoint" in line)
    assert endpoint.startswith("FAIL")
    assert "connection refused" in endpoint
    (locale,) = (line for line in lines if "locale" in line)
    assert locale.startswith("note")
    (terminal,) = (line for line in lines if "terminal  " in line)
    assert "set TERM" in terminal


@pytest.mark.parametrize("name", ["a folder", "no database", "damaged"])
def test_a_history_that_cannot_be_written_fails(home: Home, name: str) -> None:
    path = home.folder / name
    if name == "a folder":
        path.mkdir()
    elif name == "damaged":
        damaged(path)
    else:
        path.write_text("something else")
    home.environ |= {"INTENTBOT_PROVIDER": "scripted", "INTENTBOT_DB": str(path)}
    checks = _doctor(home, check=2)
    assert checks["database"]["state"] == "fail"
    assert str(path) in checks["database"]["detail"]
