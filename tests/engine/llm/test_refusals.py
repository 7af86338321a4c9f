"""Why a server is not there, or says that something else is not: told apart, and told at once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler
from typing import Any

import pytest

from engine.chat_model import ChatRequest, ModelError, Reply
from engine.conversation import Message
from engine.events import RetryScheduled
from engine.llm import openai_chat
from engine.llm.client import make_client
from engine.llm.openai_chat import OpenAIModel
from engine.settings import Server
from tests.engine.llm.dialect_server import Dialect, Talk
from tests.loopback import Answer, Loopback, chunk, listening, serve, text_answer

REQUEST = ChatRequest((Message("user", "hello"),))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "FIRST_DELAY_S", 0.001)


def model_at(server: Server, setting: str = "INTENTBOT_AGENT_MODEL") -> OpenAIModel:
    return OpenAIModel(make_client(server), "large", host=server.host, setting=setting)


async def fails(model: OpenAIModel) -> tuple[ModelError, int]:
    """How a request fails, and how often it was tried again before."""
    items = []
    try:
        async for item in model.stream(REQUEST):
            items.append(item)
    except ModelError as error:
        return error, len([item for item in items if isinstance(item, RetryScheduled)])
    finally:
        await model.close()
    raise AssertionError(f"it did not fail: {items}")


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_server_21_a_refused_connection_is_tried_once_more(host: str) -> None:
    error, again = await fails(model_at(Server(f"http://{host}:{closed_port()}/v1", "key")))
    assert (error.code, error.retryable) == ("network", True)
    assert again == 1


async def test_server_21_a_name_that_does_not_exist_is_tried_once_more() -> None:
    error, again = await fails(model_at(Server("http://no-such-host.invalid/v1", "key")))
    assert (error.code, again) == ("network", 1)
    assert "no-such-host.invalid" in str(error)


async def test_server_21_a_connection_without_tls_is_told_at_once() -> None:
    """A server that does not speak TLS, or whose certificate is wrong, does not change."""

    class Plain(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1024)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(Plain) as url:
        encrypted = url.replace("http:", "https:")
        error, again = await fails(model_at(Server(f"{encrypted}/v1", "key")))
    assert (error.code, error.retryable, again) == ("network", False, 0)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"])
async def test_server_21_nobody_behind_a_tunnel_is_tried_once_more(said: bytes) -> None:
    """A tunnel or a container's proxy takes the connection, and then there is nobody."""

    class Tunnel(BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(said)

    with listening(Tunnel) as url:
        error, again = await fails(model_at(Server(f"{url}/v1", "key")))
    assert (error.code, error.retryable, again) == ("network", True, 1)
    assert "deque" not in str(error)


@pytest.mark.parametrize("code", [{"code": "1113"}, {"type": "exceeded_current_quota_error"}])
async def test_where_money_is_missing_waiting_is_not_tried(
    server: Loopback, code: dict[str, str]
) -> None:
    server.play(Answer(status=429, error={"message": "please recharge", **code}))
    error, again = await fails(model_at(Server(f"{server.url}/v1", "key")))
    assert (error.code, error.retryable, again) == ("rate_limit", False, 0)


async def test_server_3_an_answer_that_breaks_off_is_paid_for_twice_at_most(
    server: Loopback,
) -> None:
    server.respond = lambda _: Answer([chunk("All right, I have")], done=False)
    error, again = await fails(model_at(Server(f"{server.url}/v1", "key")))
    assert (error.code, again) == ("incomplete", 1)


async def test_server_21_a_server_that_is_busy_keeps_its_time(server: Loopback) -> None:
    busy = Answer(status=503, error={"message": "busy"})
    server.play(busy, busy, busy, text_answer("ok"))
    items = [item async for item in model_at(Server(f"{server.url}/v1", "key")).stream(REQUEST)]
    assert isinstance(items[-1], Reply)
    assert len(server.seen) == 4


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "127.0.0.1:1/v1"])
async def test_an_address_that_is_none_is_a_matter_of_configuration(url: str) -> None:
    error, again = await fails(model_at(Server(url, "key")))
    assert (error.code, again) == ("configuration", 0)


@pytest.mark.parametrize("key", ["ключ", "key\nwith a line break"])
async def test_a_key_that_cannot_be_sent_is_a_matter_of_configuration(
    server: Loopback, key: str
) -> None:
    error, again = await fails(model_at(Server(f"{server.url}/v1", key)))
    assert (error.code, again) == ("configuration", 0)
    assert key not in str(error)


AZURE_VERSION = "2024-02-30"


@pytest.mark.parametrize(
    ("body", "named", "unnamed"),
    [
        (
            {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this"
             " resource does not exist."}},
            "INTENTBOT_AGENT_MODEL",
            "OPENAI_API_VERSION",
        ),
        ({"error": {"code": "404", "message": "Resource not found"}}, AZURE_VERSION,
         "INTENTBOT_AGENT_MODEL"),
        ({"error": {"code": "404", "message": "Resource not found"}}, "OPENAI_API_VERSION",
         "INTENTBOT_CLASSIFIER_MODEL"),
        ("", "AZURE_OPENAI_ENDPOINT", "INTENTBOT_AGENT_MODEL"),
    ],
)  # fmt: skip
async def test_server_18_azures_404_is_told_apart(
    server: Loopback, body: Any, named: str, unnamed: str
) -> None:
    server.play(Answer(status=404, body=body if isinstance(body, str) else json.dumps(body)))
    azure = Server(server.url, "key", api_version=AZURE_VERSION, azure=True)
    error, again = await fails(model_at(azure))
    assert (error.code, again) == ("configuration", 0)
    assert named in str(error)
    assert unnamed not in str(error)


@pytest.mark.parametrize(
    ("body", "is_model"),
    [
        ({"error": {"message": "The model does not exist", "code": "model_not_found"}}, True),
        ({"error": {"message": 'model "large" not found, try pulling it first'}}, True),
        ({"detail": "Not Found"}, False),
        ("404 page not found", False),
    ],
)
async def test_server_18_elsewhere_too_a_model_and_an_address_are_told_apart(
    server: Loopback, body: Any, *, is_model: bool
) -> None:
    server.play(Answer(status=404, body=body if isinstance(body, str) else json.dumps(body)))
    error, _ = await fails(model_at(Server(f"{server.url}/v1", "key")))
    assert error.code == "configuration"
    assert ("OPENAI_BASE_URL" in str(error)) is not is_model


@pytest.mark.parametrize(
    ("body", "code", "tries"),
    [
        ({"error": {"message": "slow down", "code": 429}}, "rate_limit", 6),
        ({"error": {"message": "bad key", "code": 401}}, "auth", 1),
        ({"error": {"message": "no", "code": 400}}, "model", 1),
        ({"error": {"message": "overloaded", "code": 503}}, "network", 6),
        ({"error": {"message": "no", "code": "content_policy_violation"}}, "content_filter", 1),
        ({"error": {"message": "no", "code": 99999999999}}, "network", 6),
    ],
)
async def test_a_code_in_the_stream_means_what_it_means_as_a_status(
    server: Loopback, body: Any, code: str, tries: int
) -> None:
    server.respond = lambda _: Answer([f"data: {json.dumps(body)}\n\n"], done=False)
    error, _ = await fails(model_at(Server(f"{server.url}/v1", "key")))
    assert (error.code, len(server.seen)) == (code, tries)


async def test_a_dead_router_fails_the_turn_at_once(server: Loopback, tmp_path: Path) -> None:
    with serve() as gone:
        talk = Talk(gone, tmp_path)
        gone.respond = Dialect(text_answer("never"))
    played = await talk.say("what is my balance?")
    await talk.engine.close()
    assert (played.error, len(played.retries)) == ("network", 1)
