"""Where settings come from, and that a wrong one is answered with what to change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncAzureOpenAI

from engine import paths
from engine.chat_model import ChatRequest, ModelError
from engine.conversation import Message
from engine.llm.client import make_client
from engine.llm.openai_chat import OpenAIModel
from engine.settings import Settings, SettingsError, load
from tests.loopback import Answer, Loopback, serve, text_answer

RESOURCE = "https://acme.openai.azure.com"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "config_path", lambda: tmp_path / "config.toml")
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "data")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def azure(endpoint: str, **more: str) -> dict[str, str]:
    return {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_KEY": "secret-key", **more}


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({}, "embedded"),
        ({"OPENAI_API_KEY": "k"}, "openai"),
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "openai"),
        (azure(RESOURCE), "azure"),
        (azure(RESOURCE, OPENAI_API_KEY="k"), "azure"),
        (azure(RESOURCE, INTENTBOT_PROVIDER="embedded"), "embedded"),
    ],
)
def test_the_provider_follows_from_what_is_configured(
    environ: dict[str, str], provider: str, tmp_path: Path
) -> None:
    assert load(environ, tmp_path).provider == provider


def test_the_process_environment_wins_over_dotenv_and_dotenv_over_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.toml").write_text('agent_model = "from-file"\nrouter = "llm"\n')
    (tmp_path / ".env").write_text("INTENTBOT_AGENT_MODEL=from-dotenv\nOPENAI_API_KEY=k\n")
    assert load({}, tmp_path).agent_model == "from-dotenv"
    assert load({"INTENTBOT_AGENT_MODEL": "from-env"}, tmp_path).agent_model == "from-env"
    assert load({}, tmp_path).router == "llm"


@pytest.mark.parametrize(
    "names",
    [
        ("AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION"),
        ("AZURE_OPENAI_KEY", "AZURE_OPENAI_VERSION"),
        ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_VERSION"),
    ],
)
async def test_dated_azure_asks_the_deployment_with_the_api_key_header(
    names: tuple[str, str], server: Loopback, tmp_path: Path
) -> None:
    key, version = names
    lines = [
        f"AZURE_OPENAI_ENDPOINT={server.url}/",
        f"{key}=secret-key",
        f"{version}=2024-10-21",
        "INTENTBOT_AGENT_MODEL=my-deployment",
    ]
    (tmp_path / ".env").write_text("\n".join(lines))
    await ask(load({}, tmp_path), server)
    seen = server.seen[0]
    assert seen.path == (
        "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    )
    assert seen.headers["api-key"] == "secret-key"
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
async def test_azure_without_a_version_uses_the_v1_api(
    suffix: str, server: Loopback, tmp_path: Path
) -> None:
    await ask(load(azure(server.url + suffix), tmp_path), server)
    seen = server.seen[0]
    assert seen.path == "/openai/v1/chat/completions"
    assert seen.headers["authorization"] == "Bearer secret-key"


async def test_a_token_takes_the_place_of_a_key(server: Loopback, tmp_path: Path) -> None:
    environ = {"AZURE_OPENAI_ENDPOINT": server.url, "AZURE_OPENAI_AD_TOKEN": "a-token"}
    await ask(load(environ, tmp_path), server)
    await ask(load({**environ, "OPENAI_API_VERSION": "2024-10-21"}, tmp_path), server)
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer a-token"] * 2


async def test_a_compatible_server_needs_no_key(server: Loopback, tmp_path: Path) -> None:
    await ask(load({"OPENAI_BASE_URL": f"{server.url}/v1"}, tmp_path), server)
    assert server.seen[0].path == "/v1/chat/completions"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_what_was_said_does_not_follow_a_redirect(
    status: int, server: Loopback, tmp_path: Path
) -> None:
    with serve() as elsewhere:
        there = {"location": f"{elsewhere.url}/v1/chat/completions?token=of-theirs"}
        server.respond = lambda _: Answer(status=status, headers=there)
        for environ in (azure(server.url), {"OPENAI_BASE_URL": f"{server.url}/v1"}):
            with pytest.raises(
                ModelError, match=f"redirects to {elsewhere.url}/v1/chat"
            ) as failure:
                await ask(load(environ, tmp_path), server)
            assert failure.value.code == "configuration"
            assert "of-theirs" not in str(failure.value)
        assert not elsewhere.seen


async def ask(loaded: Settings, server: Loopback) -> None:
    assert loaded.server is not None
    server.play(text_answer("hello"))
    client = make_client(loaded.server)
    assert isinstance(client, AsyncAzureOpenAI) == loaded.server.dated
    model = OpenAIModel(client, loaded.agent_model)
    async for _ in model.stream(ChatRequest((Message("user", "hi"),))):
        pass
    await model.close()


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (azure(f"{RESOURCE}/openai/v1/", AZURE_OPENAI_VERSION="1"), "remove AZURE_OPENAI_VERSION"),
        (azure("https://acme.services.ai.azure.com/api/projects/p1"), "project's address"),
        (azure(f"{RESOURCE}/openai/deployments/d/chat/completions?api-version=1"), "shorten"),
        (azure("acme.openai.azure.com"), "begin with https://"),
        (azure("http://acme.openai.azure.com"), "unencrypted"),
        (azure(f"{RESOURCE}/somewhere"), "does not know"),
        ({"AZURE_OPENAI_KEY": "k"}, "no AZURE_OPENAI_ENDPOINT"),
        ({"INTENTBOT_PROVIDER": "azure"}, "AZURE_OPENAI_ENDPOINT is missing"),
        ({"INTENTBOT_PROVIDER": "openai"}, "OPENAI_API_KEY is missing"),
        ({"INTENTBOT_PROVIDER": "gemini"}, "not one of"),
        ({"INTENTBOT_ROUTER": "magic"}, "not one of auto, decisions, llm, embedded, cascade$"),
        ({"INTENTBOT_ROUTER": "bypass"}, 'router = "bypass" in its catalog.toml'),
        ({"INTENTBOT_ROUTER": "cascade"}, "needs a hosted or local model"),
        ({"OPENAI_BASE_URL": "http://me:pw@localhost/v1"}, "carries a password"),
        ({"OPENAI_BASE_URL": "http://localhost:port/v1"}, "not an address"),
    ],
)
def test_a_wrong_setting_is_answered_with_what_to_change(
    environ: dict[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=says) as error:
        load(environ, tmp_path)
    assert "\n" not in str(error.value)
    assert "secret-key" not in str(error.value)


def test_azure_without_key_token_or_login_says_so(tmp_path: Path) -> None:
    loaded = load({"AZURE_OPENAI_ENDPOINT": RESOURCE}, tmp_path)
    assert loaded.server is not None
    with pytest.raises(SettingsError, match="AZURE_OPENAI_API_KEY is missing"):
        make_client(loaded.server)


def test_an_unknown_line_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('apikey = "k"\n')
    with pytest.raises(SettingsError, match="'apikey' is not a setting"):
        load({}, tmp_path)


def test_one_model_serves_for_both(tmp_path: Path) -> None:
    loaded = load({"INTENTBOT_AGENT_MODEL": "llama3.2"}, tmp_path)
    assert (loaded.classifier_model, loaded.agent_model) == ("llama3.2", "llama3.2")


def test_secrets_stay_out_of_text_and_repr(tmp_path: Path) -> None:
    loaded = load(azure(RESOURCE), tmp_path)
    assert "secret-key" not in repr(loaded)
    assert loaded.redact("refused: secret-key!") == "refused: ***!"


def test_the_command_line_wins(tmp_path: Path) -> None:
    environ: dict[str, Any] = {"INTENTBOT_DB": "/a.db", "INTENTBOT_PROVIDER": "azure"}
    loaded = load(environ, tmp_path, provider="embedded", database=tmp_path / "b.db")
    assert loaded.provider == "embedded"
    assert loaded.database == tmp_path / "b.db"


def test_a_model_file_is_meant_whatever_keys_lie_around(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    environ = {"OPENAI_API_KEY": "sk-0123456789", "INTENTBOT_MODEL_FILE": str(file)}

    assert load(environ, tmp_path).model_file == file
    assert load(environ, tmp_path).provider == "embedded"
    assert load({"OPENAI_API_KEY": "sk-0123456789"}, tmp_path, model_file=file).server is None
    hosted = load(environ, tmp_path, provider="openai")
    assert (hosted.provider, hosted.model_file) == ("openai", None)


def test_a_model_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no file .*gone\.gguf"):
        load({"INTENTBOT_MODEL_FILE": str(tmp_path / "gone.gguf")}, tmp_path)


def test_an_untrusted_env_names_no_model_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("INTENTBOT_MODEL_FILE=evil.gguf\n")

    settings = load({}, tmp_path)

    assert settings.model_file is None
    assert settings.withheld == ("INTENTBOT_MODEL_FILE",)
