"""A server on the loopback that speaks completions of both kinds, remembers what it was asked, and can die."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.records.dataset import Character, Probe
from engine.records.serving import Endpoint


class Speaker:
    """`say` decides each answer by path and body; None is answered with 404."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.say: Callable[[str, dict[str, Any]], str | None] = lambda path, body: f"I hold so, Sir: {body['seed']}."
        self.answers_left = 1_000_000
        """Behind these it breaks off every connection."""
        self.finish = "stop"
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    if outer.answers_left == 0:
                        return
                    outer.answers_left -= 1
                    outer.asked.append((self.path, body))
                text = outer.say(self.path, body)
                chat = self.path.endswith("/chat/completions")
                choice: dict[str, Any] = {"message": {"content": text}} if chat else {"text": text}
                usage = {"completion_tokens": 7, "prompt_tokens": 11}
                answer = {"choices": [{**choice, "finish_reason": outer.finish}], "usage": usage}
                data = json.dumps(answer if text is not None else {"error": {"message": "no such path"}}).encode()
                self.send_response(200 if text is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.endpoint = Endpoint(url=url, model="there", backend="url", reference=f"{url}#there")

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    one = Speaker()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def character() -> Character:
    return Character.model_validate({"name": "James Madison", "voice": {"marks": ["Sir"]}})


@pytest.fixture
def probe() -> Callable[..., Probe]:
    """probe("who"), probe("who", "Who are you?", format="raw", turns=["And?"])."""

    def make(name: str = "who", text: str = "Who are you?", **more: Any) -> Probe:
        return Probe.model_validate({"id": name, "messages": [{"role": "user", "content": text}], **more})

    return make
