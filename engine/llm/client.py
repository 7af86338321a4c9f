"""From a `Server` to the SDK's async client, with our time limits and no hidden retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

from engine.settings import Server, SettingsError

# A silent stream is given up after a minute; a connection that does not open, sooner.
TIMEOUT = httpx2.Timeout(connect=10.0, read=60.0, write=30.0, pool=10.0)
# In bytes, decompressed. What a refusal says fits, and so does a list of models.
LONGEST_BODY = 4 * 2**20
CLASSIC_SCOPE = "https://cognitiveservices.azure.com/.default"
V1_SCOPE = "https://ai.azure.com/.default"


class BoundedClient(DefaultAsyncHttpxClient):
    """An HTTP client that reads a body only as far as a bound, where it is read as a whole.

    Of a longer one the beginning is used. A stream of events has bounds of its own, in
    `engine.llm.sse`.
    """

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """See `httpx2.AsyncClient.send`."""
        response = await super().send(request, stream=True, **options)
        if stream and response.is_success:
            return response
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece[: LONGEST_BODY - len(body)]
                if len(body) >= LONGEST_BODY:
                    break
        except httpx2.DecodingError:
            body.clear()
        finally:
            await response.aclose()
        about_form = ("content-encoding", "content-length", "transfer-encoding")
        whole = httpx2.Response(
            response.status_code,
            headers=[pair for pair in response.headers.multi_items() if pair[0] not in about_form],
            content=bytes(body),
            request=request,
            extensions=response.extensions,
        )
        whole.next_request = response.next_request
        return whole


def make_client(server: Server, *, timeout: httpx2.Timeout = TIMEOUT) -> AsyncOpenAI:
    """The client for `server`. `azure_deployment` is never set: the SDK would then send every
    request there, and we need a deployment for each of two models. Redirects are not followed: what
    was said is for the server that the person named.

    Raises `SettingsError` when Azure has neither key nor token nor `azure-identity`, and for a
    server that is refused.
    """
    if server.refused:
        raise SettingsError(server.refused)
    token = server.ad_token
    provider = None
    if server.azure and not (server.api_key or token):
        provider = _login(CLASSIC_SCOPE if server.dated else V1_SCOPE)
    http_client = BoundedClient(timeout=timeout, follow_redirects=False)
    client = _client(server, token, provider, timeout, http_client)
    if not server.own:
        # The SDK takes these from the environment by itself: OPENAI_ORG_ID, OPENAI_PROJECT_ID and
        # OPENAI_CUSTOM_HEADERS, which may be a gateway's key.
        client.organization = client.project = None
        client._custom_headers = {}
    return client


def _client(
    server: Server,
    token: str | None,
    provider: Callable[[], Awaitable[str]] | None,
    timeout: httpx2.Timeout,
    http_client: httpx2.AsyncClient,
) -> AsyncOpenAI:
    if server.dated:
        return AsyncAzureOpenAI(
            azure_endpoint=server.url,
            api_version=server.api_version,
            api_key=server.api_key,
            azure_ad_token=None if server.api_key else token,
            azure_ad_token_provider=provider,
            timeout=timeout,
            max_retries=0,
            http_client=http_client,
        )
    return AsyncOpenAI(
        base_url=server.url,
        # Local servers ask for no key, the SDK for some text.
        api_key=server.api_key or token or provider or "none",
        timeout=timeout,
        max_retries=0,
        http_client=http_client,
    )


def _login(scope: str) -> Callable[[], Awaitable[str]]:
    """A token of the Azure login, by `azure-identity`, which is installed apart."""
    try:
        from azure.identity.aio import (  # type: ignore[import-not-found,unused-ignore]
            DefaultAzureCredential,
            get_bearer_token_provider,
        )
    except ImportError:
        raise SettingsError(
            "AZURE_OPENAI_API_KEY is missing: add it to .env, "
            "or install azure-identity to use your Azure login"
        ) from None
    return get_bearer_token_provider(DefaultAzureCredential(), scope)  # type: ignore[no-any-return,unused-ignore]
