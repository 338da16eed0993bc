"""A server on the loopback that speaks completions of both kinds, remembers what it was asked, and can die."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.records.dataset import Character, Probe
from engine.records.serving import Endpoint
from listener import Listener, send


class Speaker:
    """`say` decides each answer by path and body; None is answered with 404."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.say: Callable[[str, dict[str, Any]], str | None] = lambda path, body: f"I hold so, Sir: {body['seed']}."
        self.answers_left = 1_000_000
        """Behind these it breaks off every connection."""
        self.finish = "stop"
        self._lock = threading.Lock()
        self.listener = Listener(self.answer)
        url = self.listener.url
        self.endpoint = Endpoint(url=url, model="there", backend="url", reference=f"{url}#there")

    def answer(self, handler: Any, body: dict[str, Any]) -> None:
        with self._lock:
            if self.answers_left == 0:
                return
            self.answers_left -= 1
            self.asked.append((handler.path, body))
        text = self.say(handler.path, body)
        if text is None:
            send(handler, 404, {"error": {"message": "no such path"}})
            return
        chat = handler.path.endswith("/chat/completions")
        choice: dict[str, Any] = {"message": {"content": text}} if chat else {"text": text}
        usage = {"completion_tokens": 7, "prompt_tokens": 11}
        send(handler, 200, {"choices": [{**choice, "finish_reason": self.finish}], "usage": usage})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    one = Speaker()
    yield one
    one.listener.close()


@pytest.fixture
def character() -> Character:
    return Character.model_validate({"name": "James Madison", "voice": {"marks": ["Sir"]}})


@pytest.fixture
def probe() -> Callable[..., Probe]:
    """probe("who"), probe("who", "Who are you?", format="raw", turns=["And?"])."""

    def make(name: str = "who", text: str = "Who are you?", **more: Any) -> Probe:
        return Probe.model_validate({"id": name, "messages": [{"role": "user", "content": text}], **more})

    return make
