"""What servers answer, read into one shape: whole, piece by piece, or a text's own tokens with their probabilities."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from engine.errors import InputError

Finish = Literal["stop", "length", "cut"]


class TokenLogprob(NamedTuple):
    token: str
    logprob: float
    top: list[tuple[str, float]]
    """The likeliest tokens here, likeliest first."""
    id: int | None = None
    top_ids: list[int] = []


class Scored(NamedTuple):
    """What a model thinks of one token of a given text."""

    id: int
    logprob: float | None
    """None where the token is not among those the server tells of."""
    top: dict[int, float]
    """Log-probabilities of the likeliest tokens here, by id."""


class Answer(NamedTuple):
    text: str
    tokens: int
    prompt_tokens: int
    finish: Finish
    """'cut': the server went away in the middle; what had come is kept."""
    logprobs: list[TokenLogprob] | None
    seconds_to_first: float
    """Of an answer that was not streamed: the server's own count."""
    seconds: float
    model: str = ""
    """By the server's own word."""


class Piece(NamedTuple):
    text: str
    logprobs: list[TokenLogprob] | None = None
    answer: Answer | None = None
    """On the last piece: the whole."""


class Gathered:
    """What has come of a stream."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.first: float | None = None
        self.pieces: list[str] = []
        self.logprobs: list[TokenLogprob] = []
        self.finish: Finish = "cut"
        self.usage: dict[str, int] = {}
        self.model = ""

    def add(self, event: dict[str, Any]) -> Piece | None:
        with _openai(event, "a stream"):
            self.model = _mend(str(event.get("model") or self.model))
            usage = event.get("usage") or {}
            self.usage = {k: int(v) for k, v in usage.items() if isinstance(v, int | float)} or self.usage
            choices = event.get("choices") or []
            if not choices:
                return None
            choice = choices[0]
            if choice.get("finish_reason"):
                self.finish = _read_finish(choice["finish_reason"])
            text = _read_text(choice)
            if text is None:
                return None
            logprobs = _read_logprobs(choice)
        if not text and not logprobs:
            return None
        if self.first is None:
            self.first = time.perf_counter()
        self.pieces.append(text)
        self.logprobs += logprobs
        return Piece(text, logprobs or None)

    def to_answer(self, with_logprobs: bool) -> Answer:
        now = time.perf_counter()
        return Answer(
            text="".join(self.pieces),
            tokens=self.usage.get("completion_tokens") or len(self.logprobs) or len(self.pieces),
            prompt_tokens=self.usage.get("prompt_tokens") or 0,
            finish=self.finish,
            logprobs=self.logprobs if with_logprobs else None,
            seconds_to_first=(self.first or now) - self.began,
            seconds=now - self.began,
            model=self.model,
        )


def read_answer(data: dict[str, Any], path: str, with_logprobs: bool, seconds: float) -> Answer:
    with _openai(data, path):
        choice = data["choices"][0]
        text = _read_text(choice)
        usage = data.get("usage") or {}
        return Answer(
            text=text or "",
            tokens=int(usage.get("completion_tokens") or 0),
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            finish=_read_finish(choice.get("finish_reason")),
            logprobs=_read_logprobs(choice) if with_logprobs else None,
            seconds_to_first=float((data.get("timings") or {}).get("prompt_ms", 1000 * seconds)) / 1000,
            seconds=seconds,
            model=_mend(str(data.get("model") or "")),
        )


@contextmanager
def _openai(data: Any, path: str) -> Iterator[None]:
    """InputError where what is read is not of the shape that it has in OpenAI's API."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as bad:
        raise InputError(
            f"the answer to {path} is none of the kind that OpenAI's API gives: {type(bad).__name__}, {bad}",
            fix="give the URL of an OpenAI-compatible API",
        ) from bad


def _read_text(choice: dict[str, Any]) -> str | None:
    holder = choice.get("delta") or choice.get("message") or choice
    # a server that parses thinking away hands it over apart
    text = holder.get("content", holder.get("text"))
    if not isinstance(text, str | None):
        raise TypeError("content is no text")
    return text and _mend(text)


def _mend(text: str) -> str:
    """Half an emoji, which JSON can name and no file can hold, as the mark of what cannot be read."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_finish(reason: str | None) -> Finish:
    return "cut" if reason is None else "length" if reason == "length" else "stop"


def _read_logprobs(choice: dict[str, Any]) -> list[TokenLogprob]:
    found = choice.get("logprobs") or {}
    if "content" in found:
        return [
            TokenLogprob(
                _mend(t["token"]), float(t["logprob"]),
                [(_mend(o["token"]), float(o["logprob"])) for o in t["top_logprobs"]],
                t.get("id"), [o["id"] for o in t["top_logprobs"] if "id" in o],
            )
            for t in found["content"] or []
        ]  # fmt: skip
    # the older shape of /completions: columns instead of rows
    tops = found.get("top_logprobs") or [{}] * len(found.get("tokens") or [])
    return [
        TokenLogprob(
            _mend(token), float(logprob), sorted(((_mend(w), p) for w, p in (top or {}).items()), key=lambda t: -t[1])
        )
        for token, logprob, top in zip(found.get("tokens") or [], found.get("token_logprobs") or [], tops, strict=True)
    ]


def read_scored(data: dict[str, Any], ids: list[int], start: int) -> list[Scored]:
    """The tokens from `start` on, out of vLLM's `prompt_logprobs`: for each place the tokens told of, by id."""
    try:
        rows = data["choices"][0]["prompt_logprobs"]
        tops = [{int(i): float(t["logprob"]) for i, t in row.items()} for row in rows[start:]]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as bad:
        raise InputError(
            f"the server tells no probabilities of a given text: {str(data)[:200]}",
            fix="--backend transformers or vllm does",
        ) from bad
    return [Scored(i, top.get(i), top) for i, top in zip(ids[start:], tops, strict=True)]


def read_error(data: Any) -> str:
    error = data.get("error", data) if isinstance(data, dict) else data
    return _mend(str(error.get("message", error) if isinstance(error, dict) else error))


def read_error_kind(data: Any) -> str:
    error = data.get("error") if isinstance(data, dict) else None
    return f"{error.get('type')} {error.get('code')}" if isinstance(error, dict) else ""


def is_page(content_type: str, start: bytes) -> bool:
    return "html" in content_type or start[:20].lstrip()[:1] == b"<"
