"""A key of the person's goes only where the person's own word sends it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import env_file, paths
from engine.llm.client import make_client
from engine.settings import SettingsError, load
from tests.loopback import serve, text_answer

OWN, THEIRS = "own-key-0123456789", "their-key-012345678"
ENDPOINTS = {
    "OPENAI_BASE_URL": "https://openai-like.example/v1",
    "AZURE_OPENAI_ENDPOINT": "https://azure-like.example",
}
KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY", "AZURE_OPENAI_AD_TOKEN")
PROVIDERS = ("auto", "azure", "openai", "embedded")
OTHERS = {"INTENTBOT_PROVIDER": st.sampled_from(PROVIDERS), "OPENAI_API_VERSION": st.just("1")}


def given_by(whom: str, key: str) -> st.SearchStrategy[dict[str, str]]:
    """Some of the settings, with endpoints and keys that tell whose they are."""
    return st.fixed_dictionaries(
        {},
        optional={
            **{name: st.just(url.replace("like", whom)) for name, url in ENDPOINTS.items()},
            **{name: st.just(key) for name in KEYS},
            **OTHERS,
        },
    )


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "config_path", lambda: tmp_path / "config.toml")
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "data")


def write(folder: Path, values: dict[str, str]) -> None:
    (folder / ".env").write_text("".join(f"{name}={text}\n" for name, text in values.items()))


@given(
    environ=given_by("own", OWN),
    theirs=given_by("their", THEIRS),
    option=st.sampled_from([None, *PROVIDERS]),
)
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None
)
def test_no_combination_sends_an_own_key_to_their_server(
    environ: dict[str, str], theirs: dict[str, str], option: str | None, tmp_path: Path
) -> None:
    write(tmp_path, theirs)
    try:
        server = load(environ, tmp_path, provider=option).server
    except SettingsError:
        return
    if server is None:
        return
    if "their" in server.host:
        assert OWN not in (server.api_key, server.ad_token)
        # Without key and token, Azure gets the login of the person.
        assert server.refused or not server.azure or THEIRS in (server.api_key, server.ad_token)
        own_choice = {*environ} & {*ENDPOINTS, *KEYS} and option in (None, "auto")
        chosen_otherwise = environ.get("INTENTBOT_PROVIDER") == "embedded"
        assert server.refused or not chosen_otherwise or not own_choice
    if server.refused:
        assert (server.api_key, server.ad_token) == (None, None)
        with pytest.raises(SettingsError):
            make_client(server)
    # Their file left out, nothing is refused.
    own = load(environ, tmp_path, provider="embedded", without_untrusted=True)
    assert own.server is None
    assert own.untrusted is None


@pytest.mark.parametrize(
    ("environ", "theirs", "refused"),
    [
        ({"OPENAI_API_KEY": OWN}, {"OPENAI_BASE_URL": "https://e.example/v1"}, "OPENAI_API_KEY"),
        (
            {"AZURE_OPENAI_KEY": OWN},
            {"AZURE_OPENAI_ENDPOINT": "https://e.example"},
            "AZURE_OPENAI_K",
        ),
        (
            {"AZURE_OPENAI_AD_TOKEN": OWN},
            {"AZURE_OPENAI_ENDPOINT": "https://e.example"},
            "AZURE_OPENAI_AD_TOKEN",
        ),
        ({}, {"AZURE_OPENAI_ENDPOINT": "https://e.example"}, "your Azure login"),
        # Their key does not matter where the environment's wins.
        (
            {"OPENAI_API_KEY": OWN},
            {"OPENAI_BASE_URL": "https://e.example/v1", "OPENAI_API_KEY": THEIRS},
            "OPENAI_API_KEY",
        ),
        # What is said does not go elsewhere than the person set up, whoever pays for it.
        (
            {"OPENAI_API_KEY": OWN},
            {"AZURE_OPENAI_ENDPOINT": "https://e.example", "AZURE_OPENAI_KEY": THEIRS},
            "chooses azure",
        ),
        ({}, {"OPENAI_BASE_URL": "https://e.example/v1"}, ""),
        ({}, {"OPENAI_BASE_URL": "https://e.example/v1", "OPENAI_API_KEY": THEIRS}, ""),
        ({"OPENAI_BASE_URL": "https://own.example/v1"}, {"OPENAI_API_KEY": THEIRS}, ""),
        ({"OPENAI_API_KEY": OWN}, {"INTENTBOT_AGENT_MODEL": "m"}, ""),
    ],
)
def test_trust_is_what_makes_it_usable(
    environ: dict[str, str], theirs: dict[str, str], refused: str, tmp_path: Path
) -> None:
    write(tmp_path, theirs)
    loaded = load(environ, tmp_path)
    assert loaded.server is not None
    assert bool(loaded.server.refused) == bool(refused)
    assert refused in loaded.server.refused
    assert "\n" not in loaded.server.refused
    assert (loaded.untrusted is not None) == bool(refused)
    file = env_file.read(tmp_path, environ)
    assert file is not None
    file.decide("trusted")
    loaded = load(environ, tmp_path)
    assert loaded.server is not None
    assert not loaded.server.refused
    file.decide("ignored")
    with suppress(SettingsError):  # half of Azure's settings are left
        left = load(environ, tmp_path).server
        assert left is None or left.host != "e.example"


def test_a_provider_of_config_toml_is_not_overruled_unasked(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('provider = "embedded"\n')
    write(tmp_path, {"INTENTBOT_PROVIDER": "openai", "OPENAI_BASE_URL": "http://localhost:1/v1"})
    server = load({}, tmp_path).server
    assert server is not None
    assert "offline models" in server.refused
    assert load({}, tmp_path, without_untrusted=True).provider == "embedded"


@pytest.mark.parametrize("host", ["192.168.1.5:11434", "127.evil.example", "0.0.0.0"])
def test_a_key_is_not_sent_unencrypted(host: str, tmp_path: Path) -> None:
    without = load({"OPENAI_BASE_URL": f"http://{host}/v1"}, tmp_path)
    assert without.server is not None
    for endpoint, key in (
        ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
        ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_KEY"),
        ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN"),
    ):
        with pytest.raises(SettingsError, match=f"{endpoint} would send {key} unencrypted"):
            load({endpoint: f"http://{host}", key: OWN}, tmp_path)
    with pytest.raises(SettingsError, match="would send your Azure login unencrypted"):
        load({"AZURE_OPENAI_ENDPOINT": f"http://{host}"}, tmp_path)
    local = load({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": OWN}, tmp_path)
    assert local.server is not None
    assert local.server.api_key == OWN


def test_each_value_has_its_name_and_place(tmp_path: Path) -> None:
    """The variable that was set is the one that is named."""
    (tmp_path / "config.toml").write_text('agent_model = "m"\n')
    write(tmp_path, {"AZURE_OPENAI_VERSION": "1", "AZURE_OPENAI_KEY": THEIRS})
    loaded = load({"AZURE_OPENAI_ENDPOINT": "https://own.example"}, tmp_path, database=tmp_path)
    origins = {
        name: (loaded.values[name].variable, loaded.values[name].own)
        for name in ("OPENAI_API_VERSION", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT")
    }
    assert origins == {
        "OPENAI_API_VERSION": ("AZURE_OPENAI_VERSION", False),
        "AZURE_OPENAI_API_KEY": ("AZURE_OPENAI_KEY", False),
        "AZURE_OPENAI_ENDPOINT": ("AZURE_OPENAI_ENDPOINT", True),
    }
    assert loaded.values["INTENTBOT_AGENT_MODEL"].origin == "agent_model of config.toml"
    assert loaded.options == {"db"}


@pytest.mark.parametrize("name", list(ENDPOINTS))
@pytest.mark.parametrize("url", ["http://[::1/v1", "http://host:abc/v1", "https://a..b/v1"])
def test_a_malformed_endpoint_is_said(name: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not an address"):
        load({name: url}, tmp_path)


@pytest.mark.parametrize("version", [None, "2024-10-21"])
@pytest.mark.parametrize("own", [True, False])
async def test_what_the_sdk_finds_in_the_environment_goes_to_own_servers_only(
    own: bool, version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", f"org-{OWN}")
    monkeypatch.setenv("OPENAI_PROJECT_ID", f"project-{OWN}")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Subscription-Key: {OWN}")
    with serve() as loopback:
        loopback.play(text_answer("Hello."))
        if version is None:
            given = {"OPENAI_BASE_URL": f"{loopback.url}/v1", "OPENAI_API_KEY": THEIRS}
        else:
            given = {"AZURE_OPENAI_ENDPOINT": loopback.url, "AZURE_OPENAI_API_KEY": THEIRS}
            given["OPENAI_API_VERSION"] = version
        write(tmp_path, {} if own else given)
        server = load(given if own else {}, tmp_path).server
        assert server is not None
        assert not server.refused
        async with make_client(server) as client:
            stream = await client.chat.completions.create(model="m", messages=[], stream=True)
            await stream.close()
        sent = str(loopback.seen[0].headers)
    assert THEIRS in sent
    assert (OWN in sent) is own
