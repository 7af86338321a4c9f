"""What a server says when it refuses or fails: its words, what they mean, and when to try again."""

from __future__ import annotations

import html
import json
import math
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai

from engine.chat_model import ModelError
from engine.llm import dialects
from engine.settings import ALIASES
from engine.text import replace_surrogates

ADDRESS = "OPENAI_BASE_URL (on Azure AZURE_OPENAI_ENDPOINT)"  # the setting that says where
MODELS = "INTENTBOT_CLASSIFIER_MODEL and INTENTBOT_AGENT_MODEL"
# A request that may have been refused by chance is sent this often in all.
ONCE_MORE = 2
# Of what a server says, in characters: some send the trace of their stack.
LONGEST_WORDS = 500
_RETRYABLE_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})

# Where servers put their words, the most telling place first: OpenAI and vLLM, Pydantic, Ollama,
# FastAPI, and problem documents (RFC 9457).
_PLACES = ("message", "msg", "error", "detail", "title")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_SPANS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
# Of a wait: `inf` is a number, too.
_LONGEST_S = 30 * 86_400.0


def error_message(body: Any) -> str:
    """What an error's body says, in one line; empty where it says nothing.

    `body` is text, or JSON of whatever form. Of a web page only its title is told.
    """
    try:
        return _words(replace_surrogates(body))
    except RecursionError:
        return ""


def _words(body: Any) -> str:
    match body:
        case str():
            return " ".join((_title(body) if is_web_page(body) else body).split())
        case Mapping():
            said = next(filter(None, (_words(body.get(place)) for place in _PLACES)), "")
            metadata = body.get("metadata")
            if isinstance(metadata, Mapping) and (raw := _words(metadata.get("raw"))):
                said = f"{said}: {raw}" if said else raw  # OpenRouter: what the provider said
            where = body.get("loc")
            if said and isinstance(where, list):
                return f"{'.'.join(map(str, where))}: {said}"
            return said
        case list():
            return "; ".join(filter(None, map(_words, body)))
    return ""


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, and whether to try again.

    `tries` is how often the request may be sent in all, None: as often as any. `delay` are the
    seconds that the server asks for.
    """

    error: ModelError
    tries: int | None = None
    delay: float | None = None


@dataclass(frozen=True)
class Refusals:
    """Puts what went wrong with one server's model into words.

    `redact` takes our keys out of the server's words. `setting` is the variable that names the
    model; `api_version` that of a dated Azure API.
    """

    host: str
    model: str
    redact: Callable[[str], str]
    setting: str = ""
    api_version: str = ""

    def of_status(self, error: openai.APIStatusError) -> Failure:
        """Explain an answer whose status is an error, or a redirect."""
        if there := error.response.next_request:
            place = there.url.copy_with(userinfo=b"", query=None, fragment=None)
            return Failure(
                ModelError(
                    "configuration",
                    f"{self.host} redirects to {self.redact(str(place))} ({error.status_code}), "
                    f"which is not followed: check the address in {ADDRESS}",
                )
            )
        said = self._said(error.body, str(error.status_code)) or error.response.reason_phrase
        told = self._of_code(error.status_code, error.body, said)
        if told is None:
            retryable = error.status_code in _RETRYABLE_STATUS
            told = ModelError(
                "network" if retryable else "model",
                f"{self.host} answered {error.status_code}: {said}",
                retryable=retryable,
            )
        return Failure(told, delay=retry_after(error.response.headers))

    def of_event(self, body: Any) -> Failure:
        """Explain an error that came in the middle of an answer, or in place of one."""
        said = self._said(body) or "no reason given"
        status = next(filter(None, map(_status, _codes(body))), None)
        told = self._of_code(status, body, said)
        if told is None:
            retryable = status is None or status in _RETRYABLE_STATUS
            told = ModelError(
                "network" if retryable else "model",
                f"{self.host} broke off the answer: {said}",
                retryable=retryable,
            )
        return Failure(told)

    def of_connection(self, error: Exception) -> Failure:
        """Explain a failure of the connection. Where no answer began it is tried once more.

        That is a port where nobody listens, a tunnel or a container's proxy with nobody behind it,
        or a server that stays silent. A certificate does not become valid by waiting.
        """
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            said = next(cause for cause in causes if isinstance(cause, ssl.SSLError))
            reason = getattr(said, "verify_message", "") or said.reason or str(said)
            text = f"no secure connection to {self.host}: {self.redact(str(reason))}"
            return Failure(ModelError("network", text))
        if any(isinstance(cause, httpx2.UnsupportedProtocol) for cause in causes):
            text = f"the address in {ADDRESS} is not one of http or https"
            return Failure(ModelError("configuration", text))
        if any(isinstance(cause, httpx2.LocalProtocolError) for cause in causes):
            return self._cannot_be_sent()
        # What the SDK wraps came before the head of an answer.
        tries = ONCE_MORE if isinstance(error, openai.APIConnectionError) else None
        if any(isinstance(c, openai.APITimeoutError | httpx2.TimeoutException) for c in causes):
            text = f"{self.host} did not answer in time"
        else:
            about_it = [c for c in causes[1:] if isinstance(c, httpx2.HTTPError | OSError)]
            said_last = next(filter(None, map(str, reversed(about_it))), "")
            said_last = said_last or str(error.__cause__ or error)
            text = f"no connection to {self.host}: {self.redact(said_last) or 'it was dropped'}"
        return Failure(ModelError("network", text, retryable=True), tries)

    def of_text(self, error: Exception) -> Failure:
        """Explain what could not be read, or could not even be sent."""
        if isinstance(error, UnicodeEncodeError | httpx2.InvalidURL):
            return self._cannot_be_sent()
        text = f"{self.host} sent a part of the answer that cannot be read"
        return Failure(ModelError("network", text, retryable=True))

    def _cannot_be_sent(self) -> Failure:
        text = f"the key or the address of {self.host} has characters that cannot be sent"
        return Failure(ModelError("configuration", text))

    def _of_code(self, status: int | None, body: Any, said: str) -> ModelError | None:
        """Explain what has a code or words of its own; None for all else."""
        codes = {code.casefold() for code in _codes(body)}
        if status in (401, 403):
            return ModelError(
                "auth", f"{self.host} refused the key ({status}): {said}. Check the key in .env"
            )
        if codes & dialects.FILTER_CODES or "content_filter" in said:
            return ModelError("content_filter", f"the provider's content filter refused: {said}")
        if is_overflow(status, codes, said):
            return ModelError(
                "context_overflow",
                f"the conversation is too long for {self.model}: {said}. Begin a new session, "
                "or send less at once",
            )
        if status == 404:
            return self._not_found(codes, said)
        if status == 429:
            text = f"{self.host} limits requests (429): {said}"
            return ModelError("rate_limit", text, retryable=not codes & dialects.QUOTA_CODES)
        return None

    def _not_found(self, codes: set[str], said: str) -> ModelError:
        """Tell a model or deployment that is not there from an address that is wrong."""
        named = self.model.casefold() in said.casefold()
        if codes & dialects.UNKNOWN_MODEL_CODES or named or "deployment" in said.casefold():
            setting = self.setting or MODELS
            return ModelError(
                "configuration",
                f"{self.host} does not know {self.model!r} (404): {said}. Check {setting} (on "
                "Azure the name of a deployment)",
            )
        if self.api_version:
            version = " or ".join(("OPENAI_API_VERSION", *ALIASES["OPENAI_API_VERSION"]))
            return ModelError(
                "configuration",
                f"{self.host} has nothing at this address (404): {said}. Check "
                f"AZURE_OPENAI_ENDPOINT and the API version {self.api_version!r} ({version})",
            )
        setting = self.setting or MODELS
        return ModelError(
            "configuration",
            f"{self.host} has nothing at this address (404): {said}. Check {ADDRESS}, then "
            f"{self.model!r} in {setting}",
        )

    def _said(self, body: Any, status: str = "") -> str:
        """Return the provider's own words, without our keys."""
        # The title of an error page is often the whole status line.
        text = self.redact(error_message(body).removeprefix(status).strip())
        return (text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…").rstrip(".")


def is_overflow(status: int | None, codes: set[str], said: str) -> bool:
    """Whether this says that a request is larger than the model's context."""
    said = said.casefold()
    if status == 429:
        return any(word in said for word in dialects.OVERFLOW_RATE_WORDS)
    return (
        status == dialects.OVERFLOW_STATUS
        or bool(codes & dialects.OVERFLOW_CODES)
        or any(word in said for word in dialects.OVERFLOW_WORDS)
    )


def _codes(body: Any) -> Iterator[str]:
    """Give the codes of an error: in itself, in its `error`, in JSON that it quotes."""
    if isinstance(body, list):
        for each in body[:10]:
            yield from _codes(each)
    elif isinstance(body, Mapping):
        for name in ("code", "type", "status"):
            if isinstance(code := body.get(name), str | int):
                yield str(code)
        for inner in ("error", "innererror"):
            if isinstance(body.get(inner), Mapping | list):
                yield from _codes(body[inner])
        metadata = body.get("metadata")
        if isinstance(metadata, Mapping) and isinstance(raw := metadata.get("raw"), str):
            try:
                yield from _codes(json.loads(raw))
            except (ValueError, RecursionError):
                return


def _status(code: str) -> int | None:
    return int(code) if code.isascii() and code.isdigit() and 400 <= int(code[:4]) < 600 else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that led to it, those of a group included."""
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        if (cause := ahead.pop(0)) is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        ahead += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            ahead += cause.exceptions


def is_web_page(text: str) -> bool:
    """Whether this is markup; neither an event nor JSON begins like that."""
    return text.lstrip().startswith("<")


def _title(page: str) -> str:
    title = _TITLE.search(page)
    return html.unescape(title[1]).strip() if title else "a web page"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks us to wait, from `retry-after-ms` or from `Retry-After`, which is a
    number or a date (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return min(max(0.0, float(headers[name]) * unit), _LONGEST_S)
        except (KeyError, ValueError):
            continue
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def humanize_seconds(seconds: float) -> str:
    """A span of time in words, rounded up; a unit is used from two of it on."""
    for name, unit in _SPANS:
        if seconds >= 2 * unit:
            return f"{math.ceil(seconds / unit)} {name}"
    return f"{math.ceil(seconds)} seconds"
