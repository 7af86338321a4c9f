"""Calls an API: with limits, retries of reads only, and redirects that stay on the origin.

A change is sent once. Where nobody can say what became of it, that is what is said.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from engine.addresses import is_in_the_clear
from engine.events import EffectName
from engine.tools.openapi.config import Credentials
from engine.tools.openapi.document import joined, origin
from engine.tools.openapi.request import Request, build
from engine.tools.openapi.response import HttpResult, data_of, error_text
from engine.tools.tool import OutcomeUnknown, ToolContext, ToolUserError

CONNECT_TIMEOUT_S = 8.0
# Below the limit that every tool has (30 s), which ends a call that trickles on.
READ_TIMEOUT_S = 25.0
MAX_BYTES = 4 * 2**20
MAX_ERROR_BYTES = 64 * 2**10
MAX_REDIRECTS = 5
MAX_ATTEMPTS = 3
FIRST_DELAY_S = 0.5
# A read waits this long where the server asks for it; longer, and the person is told instead.
MAX_RETRY_AFTER_S = 10.0
_PASSING = frozenset({429, 502, 503, 504})
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
PERHAPS = "It may or may not have been done: check before trying again."


def effect_of(operation: Mapping[str, Any]) -> EffectName:
    """What a call does: by its method, unless the catalogue declares that it only reads."""
    if operation["method"] == "DELETE":
        return "destructive"
    return "read" if operation.get("read") or _is_safe(operation["method"]) else "write"


def _is_safe(method: str) -> bool:
    """Whether the method changes nothing (RFC 9110, section 9.2.1)."""
    return method in ("GET", "HEAD", "OPTIONS")


class Client:
    """The connection to one document's back end. `trusted` are the hosts that get the secrets."""

    def __init__(
        self,
        credentials: Credentials,
        trusted: frozenset[str],
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        first_delay_s: float = FIRST_DELAY_S,
    ) -> None:
        self._credentials = credentials
        self._trusted = trusted
        self._timeout = httpx2.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S)
        self._first_delay_s = first_delay_s
        self._open: httpx2.AsyncClient | None = None

    async def close(self) -> None:
        client, self._open = self._open, None
        if client is not None:
            await client.aclose()

    async def call(
        self,
        operation: Mapping[str, Any],
        arguments: Mapping[str, Any],
        server: str,
        context: ToolContext,
    ) -> Any:
        """The result of one call. Raises `ToolUserError`, `TimeoutError` or `OutcomeUnknown`."""
        reads = effect_of(operation) == "read"
        request = build(operation, arguments, server)
        if not reads:
            request.headers["Idempotency-Key"] = context.action_id
        secret = not operation["open"] and host_of(request.url) in self._trusted
        if secret and self._credentials.missing:
            unset = ", ".join(dict.fromkeys(self._credentials.missing))
            raise ToolUserError(
                f"Nothing was sent: {unset} is not set. Put it into the environment or .env."
            )
        if secret and self._credentials.parts and is_in_the_clear(request.url):
            raise ToolUserError(
                f"Nothing was sent: the secret would go to {host_of(request.url)} unencrypted. "
                "Write https:// as server in [openapi]."
            )
        try:
            answer = await (self._read(request, secret) if reads else self._write(request, secret))
        except ToolUserError as error:
            raise ToolUserError(self._credentials.redact(str(error))) from None
        except OutcomeUnknown as error:
            raise OutcomeUnknown(self._credentials.redact(str(error))) from None
        return self._credentials.redact(self._result(answer, reads))

    def _result(self, answer: HttpResult, reads: bool) -> Any:
        if answer.status < 400:
            if answer.cut and reads:
                raise ToolUserError(
                    f"The answer is larger than {MAX_BYTES >> 20} MiB. Ask for less at a time."
                )
            return data_of(answer)
        words = self._credentials.redact(error_text(answer))
        told = f"{answer.named}{f': {words}' if words else ''}".rstrip(".")
        if answer.status >= 500 and not reads and answer.status != 501:
            raise OutcomeUnknown(f"The API failed ({told}). {PERHAPS}")
        if answer.status >= 500:
            raise ToolUserError(f"The API failed ({told}).")
        hint = ""
        if answer.status == 401:
            names = ", ".join(part.name for part in self._credentials.parts)
            hint = f" Check the secret that is sent as {names}." if names else " It wants auth."
        raise ToolUserError(f"The API refused this ({told}).{hint}")

    async def _read(self, request: Request, secret: bool) -> HttpResult:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            delay = self._first_delay_s * 2 ** (attempt - 1)
            try:
                answer = await self._send(request, secret)
            except httpx2.TimeoutException:
                raise TimeoutError from None
            except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
                if attempt == MAX_ATTEMPTS or not isinstance(error, httpx2.TransportError):
                    raise ToolUserError(_unreached(request, error)) from None
            else:
                wait = _retry_after(answer)
                if answer.status not in _PASSING or attempt == MAX_ATTEMPTS:
                    return answer
                if wait is not None and wait > MAX_RETRY_AFTER_S:
                    raise ToolUserError(
                        f"The API refused this ({answer.named}). Try again in {wait:.0f} seconds."
                    )
                delay = max(delay, wait or 0.0)
            await asyncio.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def _write(self, request: Request, secret: bool) -> HttpResult:
        try:
            return await self._send(request, secret)
        except _NOT_SENT as error:
            raise ToolUserError(f"{_unreached(request, error)} Nothing was changed.") from None
        except httpx2.InvalidURL as error:
            raise ToolUserError(_unreached(request, error)) from None
        except (httpx2.HTTPError, OSError) as error:
            what = (
                "gave no answer in time"
                if isinstance(error, httpx2.TimeoutException)
                else ("broke the connection off")
            )
            raise OutcomeUnknown(f"{host_of(request.url)} {what}. {PERHAPS}") from None

    async def _send(self, request: Request, secret: bool) -> HttpResult:
        """One exchange, with the redirects that stay on the origin."""
        reads = _is_safe(request.method)
        method, url, target = request.method, request.url, request
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._exchange(target, secret)
            location = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            there = joined(url, location)
            if not _stays(url, there):
                to = _short(there) or location[:120]
                refused = f"It redirects to {to}, which is not followed: see server in [openapi]."
                if answer.status == 303 and not reads:
                    return HttpResult(answer.status, {}, b"")
                if not reads and answer.status < 307:
                    raise OutcomeUnknown(f"{refused} {PERHAPS}")
                raise ToolUserError(refused)
            if not reads and answer.status in (301, 302):
                # Either done, with the result over there, or not done: servers mean both by it.
                raise OutcomeUnknown(f"It answers with a redirect to {_short(there)}. {PERHAPS}")
            url = there
            if answer.status == 303 and not reads:
                method, reads = "GET", True
                headers = {"Accept": request.headers["Accept"]}
                target = Request(method, url, headers)
            else:
                target = Request(method, url, request.headers, target.content, target.files)
        raise ToolUserError(f"{host_of(request.url)} redirects without end.")

    async def _exchange(self, request: Request, secret: bool) -> HttpResult:
        headers, url = dict(request.headers), request.url
        if secret:
            url = self._authorize(url, headers)
        sent = self._client().stream(
            request.method,
            url,
            headers=headers,
            content=request.content,
            files=[(name, _part(part)) for name, part in request.files] or None,
        )
        async with sent as response:
            limit = MAX_BYTES if response.status_code < 400 else MAX_ERROR_BYTES
            body, cut = bytearray(), False
            if not response.is_redirect:
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > limit:
                        cut = True
                        break
            lower = {name.lower(): value for name, value in response.headers.items()}
            return HttpResult(response.status_code, lower, bytes(body[:limit]), cut)

    def _authorize(self, url: str, headers: dict[str, str]) -> str:
        for part in self._credentials.parts:
            if part.place == "header":
                headers[part.name] = part.value
            elif part.place == "cookie":
                own = f"{part.name}={quote(part.value, safe='')}"
                headers["Cookie"] = "; ".join(filter(None, (headers.get("Cookie"), own)))
            else:
                own = f"{quote(part.name, safe='[]')}={quote(part.value, safe='')}"
                # A redirect may have brought it along.
                url += "" if own in url else f"{'&' if '?' in url else '?'}{own}"
        return url

    def _client(self) -> httpx2.AsyncClient:
        if self._open is None:
            # Cookies that a server sets are not kept: each call stands for itself.
            nowhere = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._open = httpx2.AsyncClient(
                timeout=self._timeout,
                follow_redirects=False,
                cookies=nowhere,
                headers={"User-Agent": "intentbot-tui", "Accept-Encoding": "gzip, deflate"},
            )
        return self._open


def host_of(url: str) -> str:
    """Host and port, the way they are compared: "api.example.com:443"; "" for no address."""
    found = origin(url)
    return f"{found[1]}:{found[2]}" if found else ""


def _part(part: tuple[str | None, str, str | None]) -> tuple[Any, ...]:
    name, value, kind = part
    return (name, value.encode(), kind) if kind else (name, value.encode())


def _stays(here: str, there: str) -> bool:
    """Whether an address has the same origin: scheme, host and port."""
    return bool(there) and "@" not in urlsplit(there).netloc and origin(here) == origin(there)


def _short(url: str) -> str:
    if origin(url) is None:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:120]


def _unreached(request: Request, error: Exception) -> str:
    parts = urlsplit(request.url)
    why = " ".join(str(error).split())[:160] or type(error).__name__
    return (
        f"No connection to {parts.scheme}://{parts.netloc.rpartition('@')[2]}: {why.rstrip('.')}."
    )


def _retry_after(answer: HttpResult) -> float | None:
    """Seconds that the server asks to wait: a number, or a date."""
    told = answer.headers.get("retry-after", "").strip()
    if not told:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
