"""A real HTTP server on loopback that plays prepared answers and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler
from typing import Any


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """A stream of chunks, or with a status an error. Text parts of `chunks` are sent raw, and so
    is a `body`, instead of either. A header of ours that is empty in `headers` is not sent.
    """

    chunks: Iterable[dict[str, Any] | str] = ()
    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    done: bool = True
    body: str | bytes | None = None


@dataclass
class Loopback:
    """`respond` finds the answer to a request by itself; without it, `answers` come in order.

    Whether a change is wanted, which is asked before destructive ones, is answered by yes beside
    these, unless it `judges` like any other request. Without `respond` there are no decisions.
    """

    url: str = ""
    judges: bool = False
    respond: Callable[[Seen], Answer] | None = None
    answers: list[Answer] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def play(self, *answers: Answer) -> None:
        self.answers.extend(answers)


class _Server(ThreadingHTTPServer):
    """A server that leaves no thread behind, and says nothing when a client hangs up."""

    daemon_threads = False  # `server_close` waits for the threads of the requests

    def __init__(self, handler: type[BaseRequestHandler]) -> None:
        self._open: set[Any] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        for request in tuple(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()


@contextmanager
def listening(handler: type[BaseRequestHandler]) -> Iterator[str]:
    """The address of a server on loopback that hands each connection to `handler`."""
    server = _Server(handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serve() -> Iterator[Loopback]:
    state = Loopback()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.path, headers, json.loads(body))
            if _asks_if_wanted(seen.body) and not state.judges:
                self._send(text_answer('{"wanted": "yes"}'))
                return
            if state.respond is None and self.path.endswith(("/decisions", "/systemone")):
                self._send(Answer(status=404))
                return
            state.seen.append(seen)
            if state.respond is not None:
                answer = state.respond(seen)
            else:
                answer = state.answers.pop(0) if state.answers else Answer(status=500)
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            stream = answer.status == 200
            self.send_response(answer.status)
            kind = "text/event-stream" if stream else "application/json"
            for name, value in {"content-type": kind, **answer.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            if answer.body is not None:
                whole = answer.body
                self.wfile.write(whole.encode() if isinstance(whole, str) else whole)
                return
            if not stream:
                self.wfile.write(json.dumps({"error": answer.error}).encode())
                return
            for chunk in answer.chunks:
                text = chunk if isinstance(chunk, str) else f"data: {json.dumps(chunk)}\n\n"
                self.wfile.write(text.encode())
            if answer.done:
                self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with listening(Handler) as state.url:
        yield state


def _asks_if_wanted(body: dict[str, Any]) -> bool:
    form = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    return list(form.get("properties", {})) == ["wanted"]


def chunk(
    content: str | None = None,
    *,
    calls: Sequence[dict[str, Any]] | None = None,
    finish: str | None = None,
    usage: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One chunk as servers send it."""
    delta: dict[str, Any] = {}
    if content is not None:
        delta["content"] = content
    if calls is not None:
        delta["tool_calls"] = list(calls)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "usage": usage,
    }


def text_answer(text: str, **usage: int) -> Answer:
    """A whole answer of plain text, in two chunks."""
    middle = len(text) // 2
    counts = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110} | usage
    return Answer(
        [chunk(text[:middle]), chunk(text[middle:]), chunk(finish="stop"), _usage_only(counts)]
    )


def call_answer(name: str, arguments: dict[str, Any], call_id: str = "call_1") -> Answer:
    """A whole answer that calls one tool."""
    call = {
        "index": 0,
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }
    counts = {"prompt_tokens": 120, "completion_tokens": 15, "total_tokens": 135}
    return Answer([chunk(calls=[call]), chunk(finish="tool_calls"), _usage_only(counts)])


def route_answer(label: str, *, reply: str = "", confidence: str = "high") -> Answer:
    """A whole answer to the routing question."""
    return text_answer(
        json.dumps(
            {
                "label": label,
                "more": [],
                "confidence": confidence,
                "runner_up": None,
                "reply": reply,
            }
        )
    )


def _usage_only(counts: dict[str, int]) -> dict[str, Any]:
    return {**chunk(), "choices": [], "usage": counts}
