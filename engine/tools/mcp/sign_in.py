"""Signing in to a server that wants OAuth 2.1, and the tokens that this brings.

The person signs in once, by a command of its own: a program that starts, or answers a message,
opens no pages. Tokens belong to the server's address and lie in the person's own folder, a private
file for each, never in a catalogue's. The flow is the SDK's: discovery, registration of this
program, PKCE, the `resource` that tokens are for, and fresh tokens for old ones.
https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import ValidationError

from engine import paths
from engine.addresses import is_in_the_clear, split_address

WAIT_S = 300.0  # for the person to sign in on the page
MAX_REQUEST_BYTES = 16_384
_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
# What servers expect of a request; the version makes the tokens be asked for this server alone.
_HEADERS = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2025-11-25",
}
_DONE = "You are signed in, and can close this page."


class SignInError(Exception):
    """Why somebody is not signed in, in one line."""


class TokenFile:
    """The SDK's `TokenStorage` for one address. `heard` is told each token, to keep it secret."""

    def __init__(self, url: str, heard: Callable[[str], None] = lambda token: None) -> None:
        self._url, self._heard = url, heard
        name = hashlib.sha256(url.encode()).hexdigest()
        self.path: Path = paths.data_folder() / "sign-ins" / f"{name}.json"
        self.expires_at: float | None = None

    @property
    def exists(self) -> bool:
        """Whether somebody has signed in there."""
        return self.path.is_file()

    def forget(self) -> bool:
        """Remove the tokens; return whether there were some. Raises `OSError`."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    async def get_tokens(self) -> OAuthToken | None:
        """See `TokenStorage`."""
        data = self._read()
        try:
            tokens = OAuthToken.model_validate(data.get("tokens"))
        except ValidationError:
            return None
        expires_at = data.get("expires_at")
        self.expires_at = expires_at if isinstance(expires_at, float) else None
        self._tell(tokens)
        return tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """See `TokenStorage`."""
        self._tell(tokens)
        lasts = tokens.expires_in
        self.expires_at = None if lasts is None else time.time() + lasts
        self._write(tokens=tokens.model_dump(mode="json"), expires_at=self.expires_at)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """See `TokenStorage`."""
        try:
            return OAuthClientInformationFull.model_validate(self._read().get("client"))
        except ValidationError:
            return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """See `TokenStorage`."""
        self._write(client=client_info.model_dump(mode="json"))

    def _tell(self, tokens: OAuthToken) -> None:
        for token in (tokens.access_token, tokens.refresh_token):
            if token:
                self._heard(token)

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) and data.get("url") == self._url else {}

    def _write(self, **changes: Any) -> None:
        text = json.dumps({**self._read(), "url": self._url, **changes})
        paths.write_privately(self.path, text)


class SignedIn(OAuthClientProvider):
    """Sends the tokens of somebody who signed in, and gets fresh ones; it opens no pages."""

    def __init__(self, url: str, tokens: TokenFile) -> None:
        super().__init__(url, _metadata("http://127.0.0.1/callback"), tokens, _nobody, None)
        self._tokens = tokens

    async def _initialize(self) -> None:
        await super()._initialize()
        # Tokens that were read count as fresh to the SDK, which would then never renew them.
        self.context.token_expiry_time = self._tokens.expires_at


async def sign_in(url: str, tell: Callable[[str], None]) -> None:
    """Sign the person in to the server at `url`; `tell` gets the page that they have to open.

    Raises `SignInError`.
    """
    try:
        split_address(url)
    except ValueError as error:
        raise SignInError(f"this is not an address: {error}") from None
    if is_in_the_clear(url):
        raise SignInError("tokens would be sent unencrypted: the address should be https")
    tokens = TokenFile(url)
    try:
        # What is there may be of another server, or of a registration with another way back.
        tokens.forget()
        async with asyncio.timeout(WAIT_S), _Callback() as callback:

            async def show(page: str) -> None:
                tell(_checked(page))

            flow = OAuthClientProvider(url, _metadata(callback.url), tokens, show, callback.result)
            async with (
                httpx2.AsyncClient(auth=flow, timeout=30.0) as client,
                client.stream("POST", url, json=_PING, headers=_HEADERS) as response,
            ):
                status = response.status_code
    except TimeoutError:
        raise SignInError(f"nobody signed in within {WAIT_S / 60:g} minutes") from None
    except (OAuthFlowError, ValidationError) as error:
        raise SignInError(f"its way of signing in cannot be used: {error}") from None
    except httpx2.HTTPError as error:
        raise SignInError(f"it cannot be reached: {error or type(error).__name__}") from None
    except OSError as error:
        raise SignInError(f"the tokens cannot be kept: {error}") from None
    if await tokens.get_tokens() is None:
        raise SignInError(f"it answered {status} and asked nobody to sign in")


def _metadata(redirect: str) -> OAuthClientMetadata:
    return OAuthClientMetadata.model_validate(
        {
            "client_name": "intentbot-tui",
            "redirect_uris": [redirect],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
    )


async def _nobody(page: str) -> None:
    raise OAuthFlowError("nobody is there to sign in")


def _checked(page: str) -> str:
    """The page to sign in on, if it is one. Raises `OAuthFlowError`."""
    try:
        parts = split_address(page)
    except ValueError as error:
        raise OAuthFlowError(f"the page to sign in on is no address: {error}") from None
    if is_in_the_clear(page) or parts.username is not None:
        raise OAuthFlowError("the page to sign in on is not encrypted, or hides where it leads")
    return page


class _Callback:
    """Waits on this machine for the browser to come back with a code (RFC 8252, section 7.3)."""

    url: str

    async def __aenter__(self) -> _Callback:
        self._came: asyncio.Future[AuthorizationCodeResult] = (
            asyncio.get_running_loop().create_future()
        )
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=MAX_REQUEST_BYTES
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/callback"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()

    async def result(self) -> AuthorizationCodeResult:
        """The code that the browser brought. Raises `OAuthFlowError`."""
        return await self._came

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            parts = urlsplit(line.split(b" ")[1].decode("ascii"))
        except (ValueError, IndexError):
            writer.close()
            return
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        known = parts.path == "/callback" and ("code" in given or "error" in given)
        said = (_DONE if "code" in given else "You are not signed in.") if known else "Not found"
        status = "200 OK" if known else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}{said}\n".encode())
        writer.close()
        if not known or self._came.done():
            return
        if "code" in given:
            self._came.set_result(
                AuthorizationCodeResult(
                    code=given["code"], state=given.get("state"), iss=given.get("iss")
                )
            )
        else:
            self._came.set_exception(OAuthFlowError(f"it says {given['error'][:100]!r}"))
