"""Which server answers, and whether it may be given a key.

All but an untrusted `.env` is the person's own word. A key of their own goes only where their own
word sends it, and an untrusted `.env` does not choose another provider than they did. A server that
breaks this is `refused`: it is given no key, and no client is made for it.

How an Azure endpoint is read follows the Azure documentation of the dated and the `/openai/v1/`
API, as of 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args
from urllib.parse import urlsplit

from engine.addresses import is_loopback, split_address
from engine.setting_values import SettingsError, Value, Values

Provider = Literal["azure", "openai", "embedded", "scripted"]
PROVIDERS = ("auto", *get_args(Provider))
ENDPOINTS: Mapping[str, str] = {"azure": "AZURE_OPENAI_ENDPOINT", "openai": "OPENAI_BASE_URL"}
# In the order in which they are used.
AZURE_KEYS = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")
OPENAI_KEYS = ("OPENAI_API_KEY",)
OPENAI_URL = "https://api.openai.com/v1"
HOW_TO_TRUST = (
    '"intentbot-tui trust" allows it in this folder, "intentbot-tui trust --ignore" leaves its '
    ".env out"
)


@dataclass(frozen=True)
class Server:
    """A hosted or local server that speaks the OpenAI protocol.

    `dated` is the dated Azure API: `url` is then the resource's root and `api_version` its
    version; otherwise `url` is the base of the `/v1` API. Without key and token on Azure, the
    login of `azure-identity` is used. `own`: the person's own word names it, not only an untrusted
    `.env`. `refused_because` says why nothing may be sent there; it then has neither key nor token.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    ad_token: str | None = field(default=None, repr=False)
    api_version: str | None = None
    azure: bool = False
    own: bool = True
    refused_because: str = ""

    @property
    def refused(self) -> str:
        """Why nothing may be sent there and what to do about it, in one line."""
        return self.refused_because and f"{self.refused_because}: {HOW_TO_TRUST}"

    @property
    def dated(self) -> bool:
        return self.api_version is not None

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


def choose_provider(said: str | None, values: Values) -> tuple[Provider, str]:
    """What answers, and where an untrusted `.env` contradicts the person in it, why it may not."""
    if said not in (None, "auto"):
        return _chosen({"INTENTBOT_PROVIDER": said or ""}) or "embedded", ""
    chosen = _chosen(values.texts) or "embedded"
    try:
        own = _chosen({name: value.text for name, value in values.own.items()})
    except SettingsError:
        own = None  # half a setting, such as a key for an endpoint that the `.env` adds
    if own in (None, chosen) or chosen not in ENDPOINTS:
        return chosen, ""
    place = own if own in ENDPOINTS else "the offline models"
    return chosen, f"{values.file} chooses {chosen}, where your own settings choose {place}"


def _chosen(values: Mapping[str, str]) -> Provider | None:
    """The provider that the settings name, or else have what is needed for; None: neither."""
    named = values.get("INTENTBOT_PROVIDER", "auto")
    if named not in PROVIDERS:
        raise SettingsError(f"provider {named!r} is not one of {', '.join(PROVIDERS)}")
    if named != "auto":
        return named  # type: ignore[return-value]  # one of PROVIDERS
    if "AZURE_OPENAI_ENDPOINT" in values:
        return "azure"
    if "AZURE_OPENAI_API_KEY" in values:
        raise SettingsError(
            "there is an Azure key but no AZURE_OPENAI_ENDPOINT: "
            "add the address of your resource, or choose --provider embedded"
        )
    if "OPENAI_API_KEY" in values or "OPENAI_BASE_URL" in values:
        return "openai"
    return None


def choose_server(provider: Provider, values: Values, refused: str = "") -> Server | None:
    """Return the server of a provider; None: the models of this machine. Raises `SettingsError`."""
    if provider not in ENDPOINTS:
        return None
    server = _azure(values.given) if provider == "azure" else _openai(values.given)
    endpoint = values.given.get(ENDPOINTS[provider])
    server = replace(server, own=endpoint is None or endpoint.own)
    key = _credential(server, values)
    if endpoint is not None and not refused:
        if not endpoint.own and key is not None and key.own:
            refused = f"{key.origin} is not sent to {server.host}, which {values.file} names"
        else:
            _check_encrypted(endpoint, key)
    if not refused:
        return server
    return replace(server, api_key=None, ad_token=None, refused_because=refused)


def _credential(server: Server, values: Values) -> Value | None:
    """Return the credential for the server: a key, else a token, else the login on Azure."""
    names = AZURE_KEYS if server.azure else OPENAI_KEYS
    key = next((values.given[name] for name in names if name in values.given), None)
    return _LOGIN if key is None and server.azure else key


# What `azure-identity` finds on this machine.
_LOGIN = Value("", "your Azure login", "")


def _check_encrypted(endpoint: Value, key: Value | None) -> None:
    parts = split_address(endpoint.text)
    host = parts.hostname or ""
    if key is not None and parts.scheme == "http" and not is_loopback(host):
        mend = "" if key is _LOGIN else f", or unset {key.variable} if the server needs none"
        raise SettingsError(
            f"{endpoint.variable} would send {key.variable} unencrypted to {host}: "
            f"write https://{mend}"
        )


def _text(values: Mapping[str, Value], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else value.text


def _openai(values: Mapping[str, Value]) -> Server:
    key = _text(values, "OPENAI_API_KEY")
    endpoint = values.get("OPENAI_BASE_URL")
    if endpoint is None:
        if key is None:
            raise SettingsError(
                "OPENAI_API_KEY is missing: put it into .env, "
                "or set OPENAI_BASE_URL to a local server, or choose --provider embedded"
            )
        return Server(OPENAI_URL, api_key=key)
    _check_url(endpoint)
    if key is None and endpoint.text == OPENAI_URL:
        raise SettingsError("OPENAI_API_KEY is missing: put it into .env")
    return Server(endpoint.text, api_key=key)


def _azure(values: Mapping[str, Value]) -> Server:
    given = values.get("AZURE_OPENAI_ENDPOINT")
    if given is None:
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT is missing: add https://RESOURCE.openai.azure.com to .env"
        )
    endpoint = given.text
    key, token = values.get("AZURE_OPENAI_API_KEY"), values.get("AZURE_OPENAI_AD_TOKEN")
    host = _check_url(given)
    path = urlsplit(endpoint).path.rstrip("/")
    root = endpoint.split("?")[0].removesuffix("/").removesuffix(path)
    version = values.get("OPENAI_API_VERSION")
    if "/api/projects/" in path + "/":
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT is a project's address, which takes no key: "
            f"use the resource's own, {root}"
        )
    if "/deployments/" in path or path.endswith("/chat/completions"):
        raise SettingsError(
            f"AZURE_OPENAI_ENDPOINT names a whole request: shorten it to {root}, "
            "and put the deployment's name into INTENTBOT_AGENT_MODEL"
        )
    is_v1 = path.endswith("/v1") or host.endswith(".models.ai.azure.com")
    if is_v1 and version is not None:
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT ends in /v1, which takes no version: "
            f"remove {version.variable}, or shorten the endpoint to {root}"
        )
    if not is_v1 and path not in ("", "/openai"):
        raise SettingsError(
            f"AZURE_OPENAI_ENDPOINT has a path this program does not know, {path}: "
            f"use {root} or {root}/openai/v1/"
        )
    if is_v1:
        url = f"{root}{path}/"
    elif version is None:
        # A bare resource without a version: the current API needs none.
        url = f"{root}/openai/v1/"
    else:
        url = root
    return Server(
        url,
        api_key=key.text if key else None,
        ad_token=token.text if token and not key else None,  # a key goes before a token
        api_version=version.text if version else None,
        azure=True,
    )


def _check_url(endpoint: Value) -> str:
    """The host of an address, which must be whole."""
    name = endpoint.variable
    try:
        parts = split_address(endpoint.text)
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {error}") from None
    if parts.username or parts.password:
        raise SettingsError(f"{name} carries a password: put the key into its own variable")
    return parts.hostname or ""
