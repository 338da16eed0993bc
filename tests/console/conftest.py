"""Servers that stream as slowly as a test wants them to, and die when it wants them to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Streaming:
    """A server that answers in pieces; `say` decides them by what it was asked, `pace` holds each back."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.say: Callable[[dict[str, Any]], list[str]] = lambda body: ["I ", "am ", f"seed {body['seed']}."]
        self.pace = 0.0
        self.dies_after: int | None = None
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for number, piece in enumerate(outer.say(body)):
                    if number == outer.dies_after:
                        return
                    choice: dict[str, Any] = {"delta": {"content": piece}}
                    if body.get("logprobs"):
                        top = [{"token": piece, "logprob": -0.1}, {"token": "else", "logprob": -2.5}]
                        choice["logprobs"] = {"content": [{"token": piece, "logprob": -0.1, "top_logprobs": top}]}
                    try:
                        self.tell({"choices": [choice]})
                    except OSError:
                        return
                    time.sleep(outer.pace)
                    outer.gate.wait(20)
                self.tell({"choices": [{"delta": {}, "finish_reason": "stop"}]})
                self.wfile.write(b"data: [DONE]\n\n")

            def tell(self, event: dict[str, Any]) -> None:
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.reference = f"http://127.0.0.1:{self._server.server_port}/v1#parrot"

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def servers() -> Iterator[tuple[Streaming, Streaming]]:
    pair = Streaming(), Streaming()
    yield pair
    for server in pair:
        server.close()
