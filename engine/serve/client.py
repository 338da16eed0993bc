"""The one client: asks any endpoint, streaming or whole, and keeps a bounded number of requests in flight.

Sends what every backend samples alike by. Where the tokenizer is at hand prompts go as its ids, and what llama.cpp
renders by itself is compared with it: a model must be asked what it was trained to be asked.

Past 300 lines because asking, checking what is asked, and asking again after an error share one state.
"""

import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx2
from typing_extensions import TypeIs

from engine.errors import BusyError, InputError, ModelError
from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.serving import BASE_SUFFIX, LOOPBACK, Endpoint, Sampling
from engine.serve.answers import (
    Answer,
    Gathered,
    Piece,
    Scored,
    is_page,
    read_answer,
    read_error,
    read_error_kind,
    read_scored,
)
from engine.serve.token import name_variable
from engine.serve.tokenizer import LightTokenizer

Prompt = list[Message] | str | list[int]
"""Messages under the chat template (a last one of the assistant is the beginning of the answer), raw text, or token
ids."""
BACK_OFF_SECONDS = 0.25
LONGEST_BACK_OFF_SECONDS = 8.0
LOOK_SECONDS = 1.0
"""Between two questions whether a batch is to stop."""
LEAVING_SECONDS = 15.0


class Job(NamedTuple):
    id: str
    prompt: Prompt
    sampling: Sampling
    adapter: bool | float = True
    logprobs: int = 0


class Client:
    """A context manager; safe to share between threads."""

    def __init__(self, endpoint: Endpoint, *, in_flight: int = 8, timeout: float = 600, retries: int = 5) -> None:
        self.endpoint = endpoint
        self.in_flight = in_flight
        self.retries = retries
        local = httpx2.URL(endpoint.url).host in LOOPBACK
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {},
            timeout=httpx2.Timeout(timeout, connect=10),
            limits=httpx2.Limits(max_connections=in_flight + 2, max_keepalive_connections=in_flight + 2),
            trust_env=not local,  # no proxy stands before this machine
            verify=endpoint.url.startswith("https"),  # a TLS context takes 40 ms to make, and http needs none
        )
        self._room = threading.BoundedSemaphore(in_flight)
        self._renderer: Renderer | None = None
        if endpoint.tokenizer:
            self._renderer = Renderer(LightTokenizer(Path(endpoint.tokenizer)), endpoint.template)
        self._checked: set[tuple[str, ...]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def knock(self) -> None:
        """BusyError where nobody answers; whatever a server says is an answer."""
        try:
            with self._errors():
                self._http.get(f"{self.endpoint.url}/models", timeout=10)
        except _Retry as gone:
            raise gone.error from gone

    def chat(self, prompt: Prompt, sampling: Sampling, *, adapter: bool | float = True, logprobs: int = 0) -> Answer:
        """One answer, whole. The connection may break as often as there are retries: nothing is lost by asking again."""
        path, body, expected = self._make_request(prompt, sampling, adapter, logprobs)
        with self._room:
            began = time.perf_counter()
            data = self._post(path, body)
            seconds = time.perf_counter() - began
        answer = read_answer(data, path, logprobs > 0, seconds)
        self._check_count(answer.prompt_tokens, expected)
        return answer

    def stream(
        self, prompt: Prompt, sampling: Sampling, *, adapter: bool | float = True, logprobs: int = 0
    ) -> Iterator[Piece]:
        """The answer piece by piece, the last piece with the whole; close the iterator to stop the server."""
        path, body, expected = self._make_request(prompt, sampling, adapter, logprobs)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        with self._room:
            began = time.perf_counter()
            for attempt in range(self.retries + 1):
                gathered = Gathered(began)
                try:
                    yield from self._stream_once(path, body, gathered)
                    break
                except _Retry as again:
                    self._back_off(attempt, again)
            answer = gathered.to_answer(logprobs > 0)
        self._check_count(answer.prompt_tokens, expected)
        yield Piece("", None, answer)

    def score(self, ids: list[int], start: int, top: int, *, adapter: bool | float = True) -> list[Scored]:
        """What the model thinks of `ids` from place `start` on, each token given all before it.

        llama.cpp tells no probabilities of a prompt, so it is asked for one token at a time.
        """
        sampling = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=1)
        if self.endpoint.backend != "llama":
            path, body, _ = self._make_request(ids, sampling, adapter, 0)
            with self._room:
                return read_scored(self._post(path, {**body, "prompt_logprobs": top}), ids, start)
        scored = []
        for at in range(start, len(ids)):
            answer = self.chat(ids[:at], sampling, adapter=adapter, logprobs=top)
            if not answer.logprobs:
                raise ModelError(f"{self.endpoint.reference}: the server told no probabilities", fix="see its log")
            first = answer.logprobs[0]
            likeliest = dict(zip(first.top_ids, (p for _, p in first.top), strict=True))
            scored.append(Scored(ids[at], likeliest.get(ids[at]), likeliest))
        return scored

    def run_batch(
        self,
        jobs: Iterable[Job],
        take: Callable[[Job, Answer], None],
        *,
        stop: Callable[[], None] = lambda: None,
        patience: float = LEAVING_SECONDS,
    ) -> int:
        """Ask every job, and `take` each answer as it comes, in this thread; returns how many.

        An error, of `take` too, ends the batch after what was in flight has been taken, so that asking again what was
        not does the rest. `stop` is called once a second and oftener; where it raises, what is in flight has `patience`
        seconds to come and no longer: a server may never answer.
        """
        # requests of different adapter scales never run together, so each scale has its turn
        left = iter(sorted(jobs, key=lambda j: float(j.adapter)))
        asked: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        answered: queue.SimpleQueue[tuple[Job, Answer | Exception]] = queue.SimpleQueue()
        for _ in range(self.in_flight):
            # daemons, so that no server can hold the process
            threading.Thread(target=self._answer_jobs, args=(asked, answered), daemon=True).start()
        flying = taken = 0
        failure: Exception | None = None
        until: float | None = None
        try:
            while True:
                while failure is None and flying < self.in_flight and (job := next(left, None)):
                    asked.put(job)
                    flying += 1
                if not flying or (until and time.monotonic() > until):
                    break
                try:
                    stop()
                except Exception as end:
                    failure, until = failure or end, until or time.monotonic() + patience
                try:
                    job, answer = answered.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    continue
                flying -= 1
                try:
                    if isinstance(answer, Exception):
                        raise answer
                    take(job, answer)
                    taken += 1
                except Exception as end:  # what is in flight was paid for: it is taken too
                    failure = failure or end
        finally:
            for _ in range(self.in_flight):
                asked.put(None)
        if failure:
            raise failure
        return taken

    def _answer_jobs(
        self, asked: "queue.SimpleQueue[Job | None]", answered: "queue.SimpleQueue[tuple[Job, Answer | Exception]]"
    ) -> None:
        while job := asked.get():
            try:
                answer = self.chat(job.prompt, job.sampling, adapter=job.adapter, logprobs=job.logprobs)
                answered.put((job, answer))
            except Exception as error:  # told where the answers are taken
                answered.put((job, error))

    # what is asked

    def _make_request(
        self, prompt: Prompt, sampling: Sampling, adapter: bool | float, logprobs: int
    ) -> tuple[str, dict[str, Any], int | None]:
        """Path and body of the request, and how many prompt tokens the server must count, where that is known."""
        body: dict[str, Any] = {
            "model": self.endpoint.model,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        if sampling.top_k or self.endpoint.backend != "url":
            body["top_k"] = sampling.top_k
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if float(adapter) != 1.0 and not self.endpoint.adapters and self.endpoint.backend != "url":
            adapter = True  # a base has nothing to switch off
        match self.endpoint.backend:
            case "llama":
                body |= {"samplers": ["temperature", "top_k", "top_p"], "min_p": 0.0, "reasoning_format": "none"}
                if self.endpoint.adapters:
                    body["lora"] = [{"id": 0, "scale": float(adapter)}]
            case "transformers":
                body["adapter"] = float(adapter)
            case "vllm":
                if float(adapter) not in (0.0, 1.0):
                    raise InputError(f"vLLM adds an adapter whole or not at all, not at {adapter}", fix="0 or 1")
                body["model"] += BASE_SUFFIX if float(adapter) == 0.0 else ""
                if self._renderer:
                    body["stop_token_ids"] = sorted(self._renderer.stop_ids)
        if isinstance(prompt, str) or is_ids(prompt):
            if logprobs:
                body["logprobs"] = logprobs
            if isinstance(prompt, str) and self._renderer:
                # the tokenizer's own ids, so that the server cannot read the text otherwise
                prompt = list(self._renderer.tokenizer(prompt)["input_ids"])
            return "/completions", {**body, "prompt": prompt}, None if isinstance(prompt, str) else len(prompt)
        begun = prompt[-1].role == "assistant"
        if self._renderer:
            turns, begin = (prompt[:-1], prompt[-1].content) if begun else (prompt, "")
            if self.endpoint.backend == "llama":
                self._check_shape(self._renderer.complete(turns))
            # ids, because a template has its own mind about where a begun answer ends, and a server's tokenizer may
            # split a text otherwise than the one that the model was trained with: llama.cpp does so with a blank
            # line before a digit under SmolLM2's
            ids = self._renderer.encode_prompt(turns) + (self._renderer.encode_text(begin) if begin else [])
            if logprobs:
                body["logprobs"] = logprobs
            return "/completions", {**body, "prompt": ids}, len(ids)
        if logprobs:
            body |= {"logprobs": True, "top_logprobs": logprobs}
        if begun and self.endpoint.backend in ("url", "vllm"):
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return "/chat/completions", {**body, "messages": [m.to_json() for m in prompt]}, None

    def _check_shape(self, messages: list[dict[str, str]]) -> None:
        """Once per order of roles: the server, which others ask by messages, renders these as the tokenizer does."""
        shape = tuple(m["role"] for m in messages)
        if shape in self._checked:
            return
        assert self._renderer is not None
        ours = self._renderer.render(messages, generate=True)
        theirs = str(
            self._post("/apply-template", {"messages": messages}, self.endpoint.url.removesuffix("/v1"))["prompt"]
        )
        if theirs != ours:
            raise ModelError(
                f"{self.endpoint.reference}: the server renders a conversation of {', '.join(shape)} otherwise than the "
                f"tokenizer.\ntokenizer: {ours!r}\nserver: {theirs!r}",
                fix="serve it with the template that it was trained under",
            )
        self._checked.add(shape)

    def _check_count(self, counted: int, expected: int | None) -> None:
        if expected is not None and counted and counted != expected:
            raise ModelError(
                f"{self.endpoint.reference}: the server saw a prompt of {counted} tokens where the tokenizer makes {expected}",
                fix="serve it with the template that it was trained under",
            )

    # how it is asked

    def _post(self, path: str, body: dict[str, Any], root: str | None = None) -> dict[str, Any]:
        for attempt in range(self.retries + 1):
            try:
                with self._errors():
                    response = self._http.post(f"{root or self.endpoint.url}{path}", json=body)
                self._check_response(response)
                return self._parse(response)
            except _Retry as again:
                self._back_off(attempt, again)
        raise AssertionError("the last attempt raises")

    def _stream_once(self, path: str, body: dict[str, Any], gathered: "Gathered") -> Iterator[Piece]:
        unread = ""
        try:
            with self._errors(), self._http.stream("POST", f"{self.endpoint.url}{path}", json=body) as response:
                if response.status_code != 200 or "event-stream" not in response.headers.get("content-type", ""):
                    response.read()
                    self._check_response(response)
                    self._parse(response)
                    raise InputError(f"{self.endpoint.url} did not stream", fix="an OpenAI-compatible server does")
                for line in response.iter_lines():
                    if not line.startswith("data:"):
                        continue
                    data = line[5:].strip()
                    if data == "[DONE]":
                        return
                    event = _read_object(data)
                    if event is None:
                        unread = unread or data  # torn by the end of the connection, or said to keep it open
                        continue
                    if "error" in event:
                        if gathered.pieces:
                            return  # 'cut': there is no finish reason
                        raise _Retry(BusyError(f"{self.endpoint.url}: {self._cut(read_error(event))}"))
                    if piece := gathered.add(event):
                        yield piece
                if unread and not gathered.pieces:
                    raise self._page_error("", unread.encode())
        except (_Retry, BusyError, InputError):
            # 'cut': there is no finish reason
            if not gathered.pieces:
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns a broken connection into one more try; a server that was silent for so long is not asked again."""
        try:
            yield
        except httpx2.RequestError as broken:
            what = "did not answer in time" if isinstance(broken, httpx2.TimeoutException) else "is not to be reached"
            error = BusyError(
                f"{self.endpoint.url} {what}: {self._cut(str(broken))}", fix="see whether the server runs, and its log"
            )
            if isinstance(broken, httpx2.ReadTimeout):
                raise error from broken
            raise _Retry(error) from broken
        except httpx2.InvalidURL as bad:
            raise InputError(f"'{self.endpoint.url}' is no URL: {bad}", fix="http://host:8000/v1") from bad

    def _check_response(self, response: httpx2.Response) -> None:
        code = response.status_code
        if code < 400:
            return
        try:
            message, kind = self._cut(read_error(response.json())), read_error_kind(response.json())
        except (ValueError, RecursionError):
            page_type = response.headers.get("content-type", "")
            if is_page(page_type, response.content):
                raise self._page_error(page_type, response.content) from None
            message, kind = self._cut(response.text, 200), ""
        where = f"{self.endpoint.url} (HTTP {code})"
        if "exceed_context" in kind or "context_length" in kind:
            fix = "fewer messages or a shorter prompt, or a server that was started with a longer context"
            raise InputError(f"{where}: {message}", fix=fix)
        match code:
            case 401 | 403:
                fix = f"{name_variable(self.endpoint.url)}=WORD in the environment is the token that it is asked with"
                raise InputError(f"{where}: {message}", fix=fix)
            case 404:
                raise ModelError(f"{where}: {message}", fix=f"{self.endpoint.url}/models lists what it serves")
            case 408 | 429 | 500 | 502 | 503 | 504:
                raise _Retry(
                    BusyError(f"{where}: {message}", fix="try again later"), response.headers.get("retry-after")
                )
        raise InputError(f"{where}: {message}")

    def _parse(self, response: httpx2.Response) -> dict[str, Any]:
        value = _read_object(response.content)
        if value is None:
            raise self._page_error(response.headers.get("content-type", ""), response.content)
        return value

    def _page_error(self, content_type: str, data: bytes) -> InputError:
        what = "a web page" if is_page(content_type, data) else "no JSON"
        start = self._cut(" ".join(data[:4000].decode(errors="replace").split()), 120)
        return InputError(
            f"{self.endpoint.url} answered with {what} instead of JSON: {start}",
            fix="give the URL of an OpenAI-compatible API; it usually ends in /v1",
        )

    def _cut(self, text: str, most: int = 500) -> str:
        """The beginning of what a server said, which may repeat the token: without it, and not even a part at the cut."""
        return (text.replace(self.endpoint.token, "[token]") if self.endpoint.token else text)[:most]

    def _back_off(self, attempt: int, again: "_Retry") -> None:
        """Wait before the next try, longer each time; raise what went wrong when there is none left."""
        if attempt >= self.retries:
            raise again.error from again
        seconds = min(BACK_OFF_SECONDS * 2**attempt, LONGEST_BACK_OFF_SECONDS) * random.uniform(0.5, 1)
        if again.after and again.after.isdigit():
            seconds = max(seconds, min(float(again.after), 60.0))
        time.sleep(seconds)


def is_ids(prompt: Prompt) -> TypeIs[list[int]]:
    return not isinstance(prompt, str) and all(isinstance(part, int) for part in prompt)


def _read_object(data: str | bytes) -> dict[str, Any] | None:
    """None where it is no JSON object."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class _Retry(Exception):
    """Something that may be different next time."""

    def __init__(self, error: BusyError, after: str | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after
