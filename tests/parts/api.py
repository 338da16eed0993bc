"""A real server on the loopback that behaves like the Messages API of anthropic 2.10.0; a script decides single answers.

python tests/parts/api.py --latency 0.2      prints its port, serves until its input closes
"""

import argparse
import hashlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

VERSION = "2026-10-21"
EFFORTS = ("low", "medium", "high", "xhigh", "max")


class Ask(NamedTuple):
    """One request as it came, counted from 1 among those to its path."""

    number: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """What the user said."""
        return "\n".join(_texts(self.body["messages"][-1]["content"]))


class Said(NamedTuple):
    """An answer of 200; `text` None is made from the schema."""

    text: str | None = None
    stop_reason: str = "end_turn"
    stop_details: dict[str, Any] | None = None
    model: str | None = None
    thinking: int = 0
    headers: dict[str, str] = {}


class Failed(NamedTuple):
    status: int
    kind: str = "api_error"
    message: str = "it failed"
    headers: dict[str, str] = {}
    error_code: str | None = None


class Cut(NamedTuple):
    """The connection ends in the middle of the answer."""


Reaction = Said | Failed | Cut
Script = Callable[[Ask], Reaction | None]
REFUSED = Said("", "refusal", {"type": "refusal", "category": "frontier_llm", "explanation": None})
LIMITED = Failed(429, "rate_limit_error", "too many", {"retry-after": "0"})
OVERLOADED = Failed(529, "overloaded_error", "overloaded")


class Model(NamedTuple):
    lifecycle: str = "active"
    retires_at: datetime | None = None


def _scores(part: Any) -> list[Any]:
    """Every value that an enum of the schema allows."""
    if not isinstance(part, dict):
        return []
    return [*part.get("enum", []), *(score for inner in part.values() for score in _scores(inner))]


def make_verdict(schema: dict[str, Any], text: str) -> str:
    """A verdict under `schema` that follows from `text` alone."""
    draw = random.Random(hashlib.sha256(text.encode()).digest())

    def make(part: dict[str, Any]) -> Any:
        if "enum" in part:
            return draw.choice(part["enum"])
        match part["type"]:
            case "object":
                return {name: make(inner) for name, inner in part["properties"].items()}
            case "array":
                return []
            case "number":
                ends = [score for score in _scores(schema) if isinstance(score, int)] or [1, 10]
                return draw.randint(10 * min(ends), 10 * max(ends)) / 10
        return "So I find."

    return json.dumps(make(schema))


class Api:
    """A context manager. `script` may answer any request for messages otherwise than by a verdict."""

    def __init__(
        self,
        *,
        latency: float = 0.0,
        minimum_prefix: int = 512,
        key: str = "sk-ant-loopback",
        script: Script | None = None,
        batch_seconds: float = 0.0,
        port: int = 0,
    ) -> None:
        self.latency, self.minimum_prefix, self.key, self.script = latency, minimum_prefix, key, script
        self.batch_seconds = batch_seconds
        self.batch_script: Callable[[str, int], str] = lambda custom_id, place: "succeeded"
        """Each request of a batch ends as succeeded, errored, expired or canceled."""
        self.models: dict[str, Model] = {"claude-sonnet-5-5": Model(), "claude-haiku-4-5": Model()}
        self.countless: Failed | None = None
        """What counting tokens is answered by."""
        self.page: bytes | None = None
        """What stands in place of every message, as a proxy's page would."""
        self.asked: list[Ask] = []
        self.batches: dict[str, dict[str, Any]] = {}
        self.under_way = self.most_under_way = 0
        self._cache: dict[str, tuple[float, float, str]] = {}
        self._lock = threading.Lock()
        self.server = _Server(("127.0.0.1", port), _handler(self))
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def count(self, path: str = "/v1/messages") -> int:
        return sum(ask.path == path for ask in self.asked)

    def of(self, path: str = "/v1/messages") -> list[Ask]:
        return [ask for ask in self.asked if ask.path == path]

    # what the API does

    def answer(self, method: str, path: str, headers: dict[str, str], data: bytes) -> Any:
        """Status, headers and JSON (or bytes); None cuts the connection."""
        body = json.loads(data) if data else {}
        with self._lock:
            ask = Ask(sum(a.path == path for a in self.asked) + 1, path, headers, body)
            self.asked.append(ask)
        if headers.get("anthropic-version") != VERSION:
            return _fail(Failed(400, "invalid_request_error", f"anthropic-version: {headers.get('anthropic-version')}"))
        if headers.get("authorization") != f"Bearer {self.key}":
            return _fail(Failed(401, "authentication_error", f"invalid bearer token {headers.get('authorization')}"))
        if method == "POST" and path == "/v1/messages":
            return self._message(ask) if self.page is None else (200, {}, self.page)
        if method == "POST" and path == "/v1/messages/count_tokens":
            if self.countless:
                return _fail(self.countless)
            if problem := find_problem({"max_tokens": 1, **body}):
                return _fail(Failed(400, "invalid_request_error", problem))
            return 200, {}, {"input_tokens": count_prefix(body) + count_messages(body)}
        if path == "/v1/models":
            return 200, {}, {"data": [self._model(m) for m in self.models], "has_more": False}
        if path.startswith("/v1/models/"):
            name = path.removeprefix("/v1/models/")
            return (200, {}, self._model(name)) if name in self.models else _fail(_no_model(name))
        if path.startswith("/v1/messages/batches"):
            return self._batch(method, path, body)
        return _fail(Failed(404, "not_found_error", f"no path {path}"))

    def _model(self, name: str) -> dict[str, Any]:
        model = self.models[name]
        return {
            "type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": model.lifecycle,
            "retires_at": model.retires_at.isoformat() if model.retires_at else None,
        }  # fmt: skip

    def _message(self, ask: Ask) -> Any:
        with self._lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            time.sleep(self.latency)
            reaction = self.script(ask) if self.script else None
            if isinstance(reaction, Cut):
                return None
            if isinstance(reaction, Failed):
                return _fail(reaction)
            if problem := find_problem(ask.body):
                return _fail(Failed(400, "invalid_request_error", problem))
            model = self.models.get(ask.body["model"])
            if model is None or model.lifecycle == "retired":
                return _fail(_no_model(ask.body["model"]))
            said = reaction or Said()
            return 200, said.headers, self.make_message(ask.body, said)
        finally:
            with self._lock:
                self.under_way -= 1

    def make_message(self, body: dict[str, Any], said: Said, tier: str = "standard") -> dict[str, Any]:
        schema = body.get("output_config", {}).get("format", {}).get("schema")
        text = said.text
        if text is None:
            text = make_verdict(schema, "\n".join(_texts(body["messages"][-1]["content"])))
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        if said.thinking:
            content.insert(0, {"type": "thinking", "thinking": "Let me see.", "signature": "x"})
        output = body["max_tokens"] if said.stop_reason == "max_tokens" else said.thinking + count_tokens(text)
        usage = self._account(body) | {
            "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": said.thinking},
            "service_tier": tier,
        }
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": said.model or body["model"],
            "content": content, "stop_reason": said.stop_reason, "stop_sequence": None,
            "stop_details": said.stop_details, "usage": usage,
        }  # fmt: skip

    def _account(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the input counts as: an entry can be read from when the answer that wrote it has begun."""
        rest, prefix, ttl = count_messages(body), count_prefix(body), None
        for block in body.get("system", []) if isinstance(body.get("system"), list) else []:
            ttl = block.get("cache_control", {}).get("ttl", "5m") if block.get("cache_control") else ttl
        read = write = 0
        if ttl and prefix >= self.minimum_prefix:
            name = hashlib.sha256(json.dumps([body["model"], body["system"], body.get("output_config")]).encode())
            with self._lock:
                now, entry = time.monotonic(), name.hexdigest()
                _, until, _ = self._cache.get(entry, (0.0, 0.0, ""))
                read, write = (prefix, 0) if until > now else (0, prefix)
                self._cache[entry] = (now, now + (300 if ttl == "5m" else 3600), ttl)
        return {
            "input_tokens": rest + prefix - read - write,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": write if ttl == "5m" else 0,
                "ephemeral_1h_input_tokens": write if ttl == "1h" else 0,
            },
        }

    # batches

    def _batch(self, method: str, path: str, body: dict[str, Any]) -> Any:
        if path == "/v1/messages/batches" and method == "POST":
            ids = [r["custom_id"] for r in body["requests"]]
            if len(set(ids)) != len(ids):
                return _fail(Failed(400, "invalid_request_error", "custom_id must be unique"))
            name = f"msgbatch_{len(self.batches) + 1}"
            self.batches[name] = {"requests": body["requests"], "made": datetime.now(UTC)}
            return 200, {}, self._describe_batch(name)
        if path == "/v1/messages/batches":
            return 200, {}, {"data": [self._describe_batch(n) for n in reversed(self.batches)], "has_more": False}
        name, _, what = path.removeprefix("/v1/messages/batches/").partition("/")
        if name not in self.batches:
            return _fail(Failed(404, "not_found_error", f"no batch {name}"))
        if what == "results":
            return 200, {"Content-Type": "application/x-jsonl"}, self._list_results(name)
        return 200, {}, self._describe_batch(name)

    def _describe_batch(self, name: str) -> dict[str, Any]:
        batch = self.batches[name]
        ended = datetime.now(UTC) >= batch["made"] + timedelta(seconds=self.batch_seconds)
        count = len(batch["requests"])
        return {
            "id": name, "type": "message_batch", "created_at": batch["made"].isoformat(),
            "expires_at": (batch["made"] + timedelta(days=1)).isoformat(),
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {"processing": 0 if ended else count, "succeeded": count if ended else 0,
                               "errored": 0, "canceled": 0, "expired": 0},
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }  # fmt: skip

    def _list_results(self, name: str) -> bytes:
        """In another order than they were asked in."""
        lines = []
        for place, request in enumerate(self.batches[name]["requests"]):
            kind, params = self.batch_script(request["custom_id"], place), request["params"]
            problem = find_problem(params)
            if problem:
                kind = "errored"
            result: dict[str, Any] = {"type": kind}
            if kind == "errored":
                error = {"type": "invalid_request_error" if problem else "api_error", "message": problem or "it failed"}
                result["error"] = {"type": "error", "error": error}
            elif kind == "succeeded":
                reaction = self.script(Ask(place + 1, "/v1/messages", {}, params)) if self.script else None
                said = reaction if isinstance(reaction, Said) else Said()
                result["message"] = self.make_message(params, said, "batch")
            lines.append(json.dumps({"custom_id": request["custom_id"], "result": result}))
        random.Random(len(lines)).shuffle(lines)
        return ("\n".join(lines) + "\n").encode()


def find_problem(body: dict[str, Any]) -> str | None:
    """Why the API would answer 400."""
    for key in ("temperature", "top_p", "top_k"):
        if key in body:
            return f"{key}: sampling parameters are not supported"
    if body.get("tool_choice", {}).get("type") in ("tool", "any"):
        return "tool_choice: forced tool use is not supported"
    config = body.get("output_config", {})
    if config.get("effort", "high") not in EFFORTS:
        return f"output_config.effort: {config['effort']}"
    if config.get("format") and config["format"].get("type") != "json_schema":
        return "output_config.format.type: json_schema"
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 0:
        return "max_tokens: required"
    if not body.get("messages") or body["messages"][-1]["role"] != "user":
        return "messages: prefill is not supported"
    return None


def count_tokens(text: str) -> int:
    return (len(text) + 3) // 4


def count_prefix(body: dict[str, Any]) -> int:
    system = body.get("system") or []
    schema = body.get("output_config", {}).get("format", {}).get("schema")
    return count_tokens("".join(_texts(system))) + (count_tokens(json.dumps(schema)) if schema else 0)


def count_messages(body: dict[str, Any]) -> int:
    return sum(count_tokens("".join(_texts(message["content"]))) for message in body["messages"])


def _texts(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [block["text"] for block in content if block["type"] == "text"]


def _no_model(name: str) -> Failed:
    return Failed(404, "not_found_error", f"model: {name}")


def _fail(failed: Failed) -> tuple[int, dict[str, str], dict[str, Any]]:
    error: dict[str, Any] = {"type": failed.kind, "message": failed.message}
    if failed.error_code:
        error["details"] = {"error_code": failed.error_code}
    return failed.status, failed.headers, {"type": "error", "error": error, "request_id": "req_1"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, data: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = api.answer(self.command, self.path.partition("?")[0], headers, data)
            if answer is None:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{")
                self.close_connection = True
                return
            status, more, content = answer
            sent = content if isinstance(content, bytes) else json.dumps(content).encode()
            lines = {
                "Content-Type": "application/json",
                "Content-Length": str(len(sent)),
                "request-id": "req_1",
                **more,
            }
            head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
            # in one piece, or the second waits for the first to be acknowledged
            self.wfile.write(head.encode() + sent)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="sk-ant-loopback")
    parser.add_argument("--fail-every", type=int, default=0, help="every so many-th request is overloaded")
    given = parser.parse_args()
    every = given.fail_every

    def fail_some(ask: Ask) -> Reaction | None:
        return OVERLOADED if every and ask.number % every == 0 else None

    with Api(latency=given.latency, port=given.port, key=given.key, script=fail_some) as api:
        print(api.server.server_port, flush=True)
        sys.stdin.read()
