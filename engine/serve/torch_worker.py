"""Any model that transformers loads behind OpenAI's HTTP API, in a process of its own: python -m engine.serve.torch_worker.

Longer than a file should be because one handler holds the whole of an API: its routes, its stream, its errors.
"""

import hmac
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from engine.errors import BusyError, InputError, ModelError
from engine.models.load import attach_adapter, load_base, load_tokenizer, pick_device
from engine.models.locate import find_folder, locate_model
from engine.models.origin import read_load, read_template
from engine.models.template import Renderer
from engine.records.base import Record
from engine.records.dataset import Message
from engine.records.serving import BASE_SUFFIX, Sampling, ServeRequest
from engine.serve.generate import Generator, Scoring, Token, Work
from engine.serve.memory import size_server, weigh_model
from engine.serve.owner import Say, run_worker
from engine.store.paths import Workspace

LONGEST_BODY = 1 << 24


class Ask(Record):
    """The body of a request, as far as it is understood; anything else is refused by name."""

    model: str
    messages: list[Message] | None = None
    prompt: str | list[int] | None = None
    temperature: float = Field(1.0, ge=0)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: dict[str, bool] | None = None
    logprobs: bool | Annotated[int, Field(ge=0, le=1000)] | None = None
    top_logprobs: int | None = Field(None, ge=0, le=1000)
    adapter: bool | float | None = None
    prompt_logprobs: int | None = Field(None, ge=1, le=1000)
    """As vLLM has it: the prompt's own tokens are told with so many of the likeliest at each place."""
    n: int = Field(1, ge=1, le=1)
    user: str | None = None


class ApiError(Exception):
    def __init__(self, code: int, message: str, kind: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": kind}}


class Model:
    """What is served: answers in, requests out; knows nothing of HTTP."""

    def __init__(self, name: str, request: ServeRequest, workspace: Workspace, say: Say) -> None:
        located = locate_model(request.reference, workspace, lambda message: say("progress", message=message))
        folder = find_folder(located)
        load, template = read_load(located, folder, workspace), read_template(located, workspace)
        say("progress", message=f"loading {located.base} ({load.dtype}{', nf4' if load.quantize == 'nf4' else ''})")
        if pick_device().type == "cuda" and (sized := size_server(name, weigh_model(folder, load), workspace)):
            torch.cuda.set_per_process_memory_fraction(sized[1])  # what answers come to take is bounded too
        tokenizer = load_tokenizer(located)
        model = load_base(located, load)
        if located.adapter:
            model = attach_adapter(model, located.adapter, tokenizer, trainable=False)
        self.name = name
        self.adapter = str(located.adapter) if located.adapter else None
        self.tokenizer = tokenizer
        self.template = template
        self.renderer = Renderer(tokenizer, template)
        self.context = min(request.context, getattr(model.config, "max_position_embeddings", request.context))
        self.generator = Generator(model, self.renderer.stop_ids, tokenizer.pad_token_id, request.slots)

    def names(self) -> list[str]:
        return [self.name, self.name + BASE_SUFFIX] if self.adapter else [self.name]

    def check(self, ask: Ask) -> list[int]:
        """The prompt of what was asked; ApiError where it cannot be answered."""
        if ask.model not in self.names():
            raise ApiError(
                404, f"no model '{ask.model}' here; there is {' and '.join(self.names())}", "model_not_found"
            )
        prompt = self.encode(ask)
        if len(prompt) >= self.context:
            raise ApiError(
                400,
                f"the prompt has {len(prompt)} tokens, and the context holds {self.context}",
                "context_length_exceeded",
            )
        return prompt

    def begin(self, ask: Ask, prompt: list[int]) -> Work:
        """Hand what was checked to the generator."""
        room = self.context - len(prompt)
        asked = ask.max_completion_tokens or ask.max_tokens or room
        sampling = Sampling(
            temperature=ask.temperature, top_k=ask.top_k, top_p=ask.top_p, max_tokens=min(asked, room),
            seed=None if ask.seed is None else ask.seed % 2**32,
            stop=[ask.stop] if isinstance(ask.stop, str) else ask.stop or [],
        )  # fmt: skip
        if ask.logprobs is True or (ask.logprobs and ask.messages is not None):
            top = max(1, ask.top_logprobs or 0)
        else:
            top = int(ask.logprobs or 0)
        work = Work(prompt, sampling, self.scale(ask), top)
        self.generator.submit(work)
        return work

    def scale(self, ask: Ask) -> float:
        """How much of the adapter is asked for."""
        if not self.adapter:
            return 1.0
        if ask.adapter is not None:
            return float(ask.adapter)
        return 0.0 if ask.model.endswith(BASE_SUFFIX) else 1.0

    def score(self, ask: Ask, prompt: list[int]) -> list[dict[str, Any] | None]:
        """The prompt's tokens as vLLM tells them: by id, what was likeliest at each place and the token itself."""
        assert ask.prompt_logprobs is not None
        work = Scoring(prompt, self.scale(ask), ask.prompt_logprobs)
        self.generator.submit(work)
        return [None, *({str(i): {"logprob": p} for i, p in [*t.top, (t.id, t.logprob)]} for t in work.read())]

    def encode(self, ask: Ask) -> list[int]:
        if ask.messages is not None:
            try:
                if ask.messages and ask.messages[-1].role == "assistant":
                    begun = self.renderer.encode_text(ask.messages[-1].content)
                    return self.renderer.encode_prompt(ask.messages[:-1]) + begun
                return self.renderer.encode_prompt(ask.messages)
            except ModelError as bad:
                raise ApiError(400, bad.message, "template_failed") from bad
        if isinstance(ask.prompt, list):
            if any(not 0 <= i < len(self.tokenizer) for i in ask.prompt):
                raise ApiError(400, "a token id is none of this vocabulary", "invalid_prompt")
            ids = ask.prompt
        else:
            ids = list(self.tokenizer(ask.prompt or "")["input_ids"])
        if not ids:
            raise ApiError(400, "the prompt is empty", "invalid_prompt")
        return ids

    def read(self, work: Work) -> Iterator[tuple[str, list[Token], str | None]]:
        """Text as it becomes whole, the tokens since the last, and at last the finish reason."""
        ids: list[int] = []
        fresh: list[Token] = []
        told, whole = 0, ""
        hold = max((len(s) for s in work.sampling.stop), default=0)
        for event in work.read():
            if isinstance(event, str):
                yield whole[told:], fresh, event
                return
            ids.append(event.id)
            fresh.append(event)
            text = self.tokenizer.decode(ids, skip_special_tokens=True)
            if text.endswith("\ufffd"):
                continue  # a character that is not whole yet
            whole = text
            found = [at for s in work.sampling.stop if (at := whole.find(s)) >= 0]
            if found:
                work.cancelled = True
                yield whole[told : min(found)], fresh, "stop"
                return
            # the end of the text may be the beginning of a stop text
            until = max(told, len(whole) - hold + 1) if hold else len(whole)
            if until > told or fresh:
                yield whole[told:until], fresh, None
                told, fresh = until, []

    def show_token(self, token: Token) -> dict[str, Any]:
        def name(i: int) -> dict[str, Any]:
            text = self.tokenizer.decode([i])
            return {"id": i, "token": text, "bytes": list(text.encode())}

        top = [{**name(i), "logprob": p} for i, p in token.top]
        return {**name(token.id), "logprob": token.logprob, "top_logprobs": top}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, request: ServeRequest) -> None:
        self.address_family = socket.AF_INET6 if ":" in request.host else socket.AF_INET
        try:
            super().__init__((request.host, request.port), Handler)
        except OSError as taken:
            raise BusyError(f"port {request.port} of {request.host}: {taken.strerror}", fix="another --port") from taken
        self.token = request.token
        self.model: Model | None = None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *words: Any) -> None:
        pass  # the log is for what goes wrong

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, act: Any) -> None:
        try:
            self._check_token()
            if self.server.model is None:
                raise ApiError(503, "the model is loading", "loading")
            act(self.server.model)
        except ApiError as error:
            self._send(error.code, error.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # nobody listens any more
        except Exception as bad:  # one request must not end the server; the log has the rest
            import traceback

            traceback.print_exc()
            self._send(500, {"error": {"message": str(bad)[:300], "type": "server_error", "code": type(bad).__name__}})

    def _check_token(self) -> None:
        if not self.server.token or self.path in ("/health", "/v1/health"):
            return
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            self.close_connection = True
            raise ApiError(401, "the token is missing or another", "invalid_api_key")

    def _get(self, model: Model) -> None:
        match self.path:
            case "/health" | "/v1/health":
                self._send(200, {"status": "ok"})
            case "/v1/models":
                data = [{"id": n, "object": "model", "created": 0, "owned_by": "charlab"} for n in model.names()]
                self._send(200, {"object": "list", "data": data})
            case _:
                raise ApiError(404, f"nothing at {self.path}", "not_found")

    def _post(self, model: Model) -> None:
        chat = self.path == "/v1/chat/completions"
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            self.close_connection = True
            raise ApiError(400, "the body has no length, or is too long", "invalid_body")
        raw = self.rfile.read(int(length))
        if not chat and self.path != "/v1/completions":
            raise ApiError(404, f"nothing at {self.path}", "not_found")
        try:
            ask = Ask.parse(json.loads(raw), "the request")
        except InputError as bad:
            raise ApiError(400, bad.message, "invalid_request") from bad
        except ValueError as bad:
            raise ApiError(400, f"the body is no JSON: {bad}", "invalid_body") from bad
        if (ask.messages is None) is chat or (ask.prompt is None) is not chat:
            raise ApiError(400, f"{self.path} takes {'messages' if chat else 'a prompt'}", "invalid_request")
        prompt = model.check(ask)
        scored = None if ask.prompt_logprobs is None else model.score(ask, prompt)
        work = model.begin(ask, prompt)
        try:
            self._stream(model, ask, work, chat) if ask.stream else self._whole(model, ask, work, chat, scored)
        finally:
            work.cancelled = True

    def _whole(
        self, model: Model, ask: Ask, work: Work, chat: bool, scored: list[dict[str, Any] | None] | None
    ) -> None:
        pieces = list(model.read(work))
        text = "".join(piece for piece, _, _ in pieces)
        tokens = [t for _, some, _ in pieces for t in some]
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": pieces[-1][2],
            "logprobs": self._logprobs(model, work, tokens),
        }
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        if scored is not None:
            choice["prompt_logprobs"] = scored
        timings = {"prompt_ms": 1000 * ((work.began or work.arrived) - work.arrived)}
        self._send(
            200, {**_frame(model, chat), "choices": [choice], "usage": _usage(work, len(tokens)), "timings": timings}
        )

    def _stream(self, model: Model, ask: Ask, work: Work, chat: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        frame, count = _frame(model, chat, chunk=True), 0
        if chat:
            self._event(
                {
                    **frame,
                    "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
                }
            )
        try:
            for text, tokens, finish in model.read(work):
                count += len(tokens)
                choice: dict[str, Any] = {
                    "index": 0,
                    "finish_reason": None,
                    "logprobs": self._logprobs(model, work, tokens),
                }
                choice |= {"delta": {"content": text}} if chat else {"text": text}
                if text or tokens:
                    self._event({**frame, "choices": [choice]})
                if finish:
                    last: dict[str, Any] = {
                        "index": 0,
                        "finish_reason": finish,
                        **({"delta": {}} if chat else {"text": ""}),
                    }
                    self._event({**frame, "choices": [last]})
        except (RuntimeError, ValueError) as bad:
            # the answer has begun, so the error can only be part of it
            self._event({"error": {"message": str(bad)[:300], "type": "server_error", "code": type(bad).__name__}})
        if (ask.stream_options or {}).get("include_usage"):
            self._event({**frame, "choices": [], "usage": _usage(work, count)})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _logprobs(self, model: Model, work: Work, tokens: list[Token]) -> dict[str, Any] | None:
        return {"content": [model.show_token(t) for t in tokens]} if work.logprobs else None

    def _event(self, event: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _send(self, code: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


def _frame(model: Model, chat: bool, chunk: bool = False) -> dict[str, Any]:
    kind = ("chat.completion" + (".chunk" if chunk else "")) if chat else "text_completion"
    return {"id": f"cmpl-{uuid.uuid4().hex[:16]}", "object": kind, "created": int(time.time()), "model": model.name}


def _usage(work: Work, tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": len(work.prompt), "completion_tokens": tokens, "total_tokens": len(work.prompt) + tokens,
    }  # fmt: skip


def serve(job: dict[str, Any], say: Say) -> None:
    request = ServeRequest.model_validate(job["request"])
    server = Server(request)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    model = Model(job["name"], request, Workspace(Path(job["workspace"])), say)
    server.model = model
    say(
        "ready", port=server.server_address[1], adapters=[model.adapter] if model.adapter else [],
        context=model.context, template=model.template.to_json(), rendered=model.renderer.describe().to_json(),
    )  # fmt: skip
    if request.idle_seconds is None:
        threading.Event().wait()
    else:
        generator = model.generator
        while not generator.is_idle() or time.monotonic() - generator.last_heard < request.idle_seconds:
            time.sleep(min(1.0, request.idle_seconds / 4))


if __name__ == "__main__":
    run_worker(serve)
