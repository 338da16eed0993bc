"""The judge behind Anthropic's API: one call an item, rubric and constitution cached, every way to fail told apart.

Past 300 lines because what a call is made of, how its answer is read and what its failure means are one contract with
the API, which the batches share.
"""

import json
import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engine.errors import BusyError, CharlabError, InputError, ModelError, RefusedError
from engine.judge import prices
from engine.judge.choose import ANTHROPIC
from engine.judge.judgement import Again, Item, Judgement
from engine.judge.pace import Pace
from engine.judge.rubric import Brief, render_item
from engine.judge.verdict import InvalidVerdict, read_verdict
from engine.records.judging import Effort, JudgeUse, Rubric, Usage
from engine.records.serving import LOOPBACK

if TYPE_CHECKING:
    import anthropic
    from anthropic import APIResponse
    from anthropic.types import Message

KEY = "ANTHROPIC_API_KEY"
API_VERSION = "2026-10-21"
"""Sent whatever a later library would send: what is asked by it is part of who judges."""
EFFORT: Effort = "medium"
MAX_TOKENS = 4096
"""Room for thinking and verdict together; 2,048 has been seen to cut verdicts on long answers."""
MOST_TOKENS = 16384
"""Beyond this the API wants an answer streamed."""
TTL: prices.Ttl = "5m"
"""Of judgements one after the other: every read keeps the entry for five minutes more, and no pause is as long. Its
write costs 1.25 times the input instead of an hour's 2; a batch, whose requests wait for room, wants the hour."""
ADVICE_DAYS = 30
ASSUMED_OUTPUT: dict[Effort, int] = {"low": 400, "medium": 900, "high": 1800, "xhigh": 3000, "max": 4000}
"""Tokens of thinking and verdict that an estimate reckons with; what was really used is billed."""
_COUNT_CHARACTERS = 200_000
_TOKEN_CHARACTERS = 3
"""Fewer than there are in prose, so that what is reckoned by the length is not too little."""
_FIRST_FAILURES = 3
"""Calls refused as malformed before any was answered: then it is no item's fault."""


class ClaudeJudge:
    def __init__(
        self,
        brief: Brief,
        model: str,
        *,
        effort: Effort = EFFORT,
        in_flight: int = 32,
        max_tokens: int = MAX_TOKENS,
        ttl: prices.Ttl = TTL,
        key: str | None = None,
        url: str | None = None,
        timeout: float = 600,
    ) -> None:
        """`key` is else taken from the environment, as the library does; `url` names another server of the API."""
        self.brief, self.model, self.effort, self.max_tokens, self.ttl = brief, model, effort, max_tokens, ttl
        self._client = _connect(key, url, timeout, model)
        self._use = describe_claude(brief, model, effort)
        self._pace = Pace(in_flight, warm=True)
        self._notes: list[str] = []
        self._answered = self._malformed = 0
        self._lock = threading.Lock()

    @property
    def use(self) -> JudgeUse:
        return self._use

    @property
    def rubric(self) -> Rubric:
        return self.brief.rubric

    @property
    def pace(self) -> Pace:
        return self._pace

    @property
    def notes(self) -> Sequence[str]:
        return self._notes

    @property
    def client(self) -> "anthropic.Anthropic":
        return self._client

    def close(self) -> None:
        self._client.close()

    # one item

    def judge(self, item: Item, doubled: int = 0) -> Judgement:
        import anthropic

        began = time.monotonic()
        try:
            raw = self._client.messages.with_raw_response.create(**self.make_request(item, doubled))
            message = self._parse(raw)
        except anthropic.APIStatusError as error:
            return self._fail(error, began)
        except anthropic.APIError as error:
            self._pace.was_overloaded(began)
            # what the library raises may hold the key, so nothing of it is told on
            raise Again(Judgement("transport", problem=self.hide(f"the connection broke: {error}"))) from None
        self._pace.went_well(raw.headers)
        judgement = self.read_message(message)._replace(seconds=time.monotonic() - began)
        self._watch_cache(judgement.usage)
        self.watch_model(judgement.model)
        # more room for the answer leaves still less of a context that is full
        if message.stop_reason == "max_tokens" and self._room(doubled + 1) > self._room(doubled):
            raise Again(judgement)
        return judgement

    def make_request(self, item: Item, doubled: int = 0) -> dict[str, Any]:
        """The prefix is the same bytes for every item and ends where the cache is told to."""
        system = {"type": "text", "text": self.brief.system, "cache_control": {"type": "ephemeral", "ttl": self.ttl}}
        return {
            "model": self.model,
            "max_tokens": self._room(doubled),
            "system": [system],
            "messages": [{"role": "user", "content": render_item(item)}],
            "output_config": {"effort": self.effort, "format": {"type": "json_schema", "schema": self.brief.schema}},
        }

    def read_message(self, message: "Message", batch: bool = False) -> Judgement:
        """What was billed stands beside every state."""
        usage, model = _read_usage(message, batch), self.hide(str(message.model))
        blank = Judgement("invalid", model=model, usage=usage)
        match message.stop_reason:
            case "refusal":
                details = message.stop_details
                told = f"{details.category or 'no category'}" if details else "no category"
                if details and details.explanation:
                    told += f": {self.hide(details.explanation)[:200]}"
                return blank._replace(state="refused", problem=f"the judge refused ({told})")
            case "max_tokens" | "model_context_window_exceeded":
                problem = f"the verdict was cut off after {usage.output_tokens} tokens ({message.stop_reason})"
                return blank._replace(state="truncated", problem=problem)
        # a thinking block may stand before the text
        text = self.hide("".join(block.text for block in message.content if block.type == "text"))
        try:
            verdict = read_verdict(json.loads(text), self.rubric)
        except InvalidVerdict as bad:
            return blank._replace(problem=str(bad))
        except (ValueError, RecursionError) as bad:
            return blank._replace(problem=f"the verdict is no JSON: {bad}")
        return Judgement(
            "scored", verdict.components, verdict.overall, verdict.critical, verdict.reasons, "", model, usage
        )  # fmt: skip

    def bound(self, item: Item, doubled: int = 0) -> float | None:
        """As if nothing were cached and all the room used, a token being two bytes of the prefix or one of the item."""
        size = (len(self.brief.system.encode()) + len(json.dumps(self.brief.schema))) // 2 + len(
            render_item(item).encode()
        )
        write = {"cache_write_1h": size} if self.ttl == "1h" else {"cache_write_5m": size}
        return prices.bill(Usage(output_tokens=self._room(doubled), **write), self.model)

    def bill(self, usage: Usage, model: str) -> float | None:
        """By the model that served, which an alias does not name; where it has no price, by the one asked for."""
        if usage in (Usage(), Usage(batch=True)):
            return 0.0
        found = prices.bill(usage, model) if model else None
        return prices.bill(usage, self.model) if found is None else found

    def _room(self, doubled: int) -> int:
        return min(self.max_tokens << doubled, max(self.max_tokens, MOST_TOKENS))

    def _parse(self, raw: "APIResponse[Message]") -> "Message":
        """The library takes what it is given without looking at it closely."""
        try:
            parsed: Any = raw.parse()
        except ValueError:
            parsed = None
        if getattr(parsed, "type", None) != "message" or parsed.usage is None or parsed.content is None:
            raise InputError(
                f"{urlsplit(str(self._client.base_url)).hostname} answered with something else than a message",
                fix="ANTHROPIC_BASE_URL must lead to Anthropic's API, or to what speaks it",
            )
        message: Message = parsed
        return message

    def _watch_cache(self, usage: Usage) -> None:
        """The second call finds what the first, which went alone, has written."""
        with self._lock:
            self._answered += 1
            second = self._answered == 2
        if second and not usage.cache_read:
            price = prices.find_price(self.model)
            floor = f"; {self.model} caches no prefix below {price.cached_from} tokens" if price else ""
            again = " and wrote it again" if usage.cache_write_5m + usage.cache_write_1h else floor
            self.note(
                "the cache does not form: the second call read nothing from it"
                f"{again}, so every call pays for the whole rubric"
            )

    def watch_model(self, served: str) -> None:
        """Notes a model that stands in for the one asked; that one's name with a date behind is the same."""
        if not re.fullmatch(re.escape(self.model) + prices.DATED, served):
            self.note(f"{served[:100]} answered in place of {self.model}: it is another judge")

    def note(self, note: str) -> None:
        """Once, however often it is found."""
        with self._lock:
            if note not in self._notes:
                self._notes.append(note)

    # what went wrong

    def _fail(self, error: "anthropic.APIStatusError", began: float) -> Judgement:
        """Raises Again for what may pass, a CharlabError for what every call would meet; else the item's own state.

        Never `from error`, nor as its context: what the library raises holds the server's words, and they may hold the key.
        """
        code = error.status_code
        problem = self.explain(error)
        headers = error.response.headers
        told = headers.get("x-should-retry")
        if code in (408, 409, 429) or code >= 500 or told == "true":
            if told == "false":
                return Judgement("transport", problem=problem, seconds=time.monotonic() - began)
            after = _read_retry_after(headers)
            if code == 429:
                self._pace.was_limited(began, after)
            elif code >= 500:
                self._pace.was_overloaded(began)
            raise Again(Judgement("transport", problem=problem), after) from None
        if fatal := self.find_fatal(error):
            raise fatal from None
        with self._lock:
            self._malformed += 1
            if not self._answered and self._malformed >= _FIRST_FAILURES:
                raise InputError(
                    f"{self._use.reference} takes no request: {problem}", fix="see what the API says"
                ) from None
        return Judgement("invalid", problem=problem, seconds=time.monotonic() - began)

    def find_fatal(self, error: "anthropic.APIStatusError") -> CharlabError | None:
        where = f"{self._use.reference}: {self.explain(error)}"
        match error.status_code:
            case 401 | 403:
                return InputError(where, fix=f"export {KEY}=... with a key that may use it; --judge rules needs none")
            case 402:
                return RefusedError(where, fix="add credit or raise the spend limit of the account, then ask again")
            case 404:
                return ModelError(where, fix=self._name_models())
        if error.error_code == "contract_spend_limit_reached":
            return RefusedError(where, fix="raise the spend limit of the account, then ask again")
        return None

    def explain(self, error: Exception) -> str:
        status = getattr(error, "status_code", None)
        kind = getattr(error, "error_code", None) or getattr(error, "type", None) or ""
        message = self.hide(" ".join(str(getattr(error, "api_message", None) or error).split()))[:300]
        request = getattr(error, "request_id", None)
        head = f"HTTP {status} {kind}".strip() + ": " if status else ""
        return self.hide(f"{head}{message}" + (f" ({request})" if request else ""))

    def hide(self, text: str) -> str:
        """`text` without the key, wherever a server or a model repeats it."""
        for secret in (self._client.api_key, self._client.auth_token):
            if secret:
                text = text.replace(secret, "[key]")
        return text

    # before any item

    def check_model(self, now: datetime | None = None) -> list[str]:
        """ModelError where the model is retired or unknown; advice where it soon will be."""
        import anthropic

        try:
            info = self._client.models.retrieve(self.model)
        except anthropic.NotFoundError:
            raise ModelError(f"{self._use.reference}: no such model", fix=self._name_models()) from None
        except anthropic.APIStatusError as error:
            if fatal := self.find_fatal(error):
                raise fatal from None
            return [f"whether {self.model} will be retired soon could not be asked: {self.explain(error)}"]
        except anthropic.APIError as error:
            raise BusyError(
                f"{self._use.reference} is not to be reached: {self.explain(error)}",
                fix="see whether the network is there",
            ) from None
        if info.lifecycle == "retired":
            raise ModelError(f"{self._use.reference} is retired", fix=self._name_models())
        if info.retires_at is not None:
            days = (info.retires_at - (now or datetime.now(UTC))).days
            if days <= ADVICE_DAYS:
                return [
                    f"{self.model} retires on {info.retires_at.date()}: score an anchor set by it and by its successor"
                    " while both answer, or later scores will not compare"
                ]
        if info.lifecycle == "deprecated":
            return [f"{self.model} is deprecated; its successor is another judge, whose scores do not compare"]
        return []

    def estimate(self, items: Sequence[Item], *, batch: bool = False) -> prices.Estimate:
        """Counts tokens, which costs nothing; the output is assumed. Where they cannot be counted, by the length."""
        rendered = [render_item(item) for item in items]
        chunks: list[list[str]] = [[]]
        for text in rendered:
            if chunks[-1] and sum(map(len, chunks[-1])) + len(text) > _COUNT_CHARACTERS:
                chunks.append([])
            chunks[-1].append(text)
        notes: tuple[str, ...] = ()
        try:
            prefix = self._count("")
            counted = sum(max(0, self._count("\n".join(chunk)) - prefix) for chunk in chunks if chunk)
        except BusyError as error:
            prefix = (len(self.brief.system) + len(json.dumps(self.brief.schema))) // _TOKEN_CHARACTERS
            counted = sum(map(len, rendered)) // _TOKEN_CHARACTERS
            notes = (f"reckoned by length, as {error.message}",)
        assumed = min(ASSUMED_OUTPUT[self.effort], self.max_tokens)
        told = prices.estimate(self.model, len(items), prefix, counted, assumed, ttl=self.ttl, batch=batch)
        return told._replace(notes=(*told.notes, *notes))

    def _count(self, text: str) -> int:
        import anthropic

        request = self.make_request(Item("", (), ""))
        del request["max_tokens"]
        request["messages"] = [{"role": "user", "content": text or "."}]
        try:
            return self._client.messages.count_tokens(**request).input_tokens
        except anthropic.APIError as error:
            # a gateway may have no such path, and whether there is no such model the first call will tell
            unfound = isinstance(error, anthropic.NotFoundError)
            if isinstance(error, anthropic.APIStatusError) and not unfound and (fatal := self.find_fatal(error)):
                raise fatal from None
            raise BusyError(f"the tokens could not be counted: {self.explain(error)}", fix="try again") from None

    def _name_models(self) -> str:
        import anthropic

        try:
            found = [m.id for m in self._client.models.list(limit=50).data if m.lifecycle == "active"]
        except anthropic.APIError:
            found = []
        return f"there are: {', '.join(found)}" if found else "name a model that the API lists"


def describe_claude(brief: Brief, model: str, effort: Effort = EFFORT) -> JudgeUse:
    """Who judges, told without the library or a key."""
    return brief.describe(f"{ANTHROPIC}{model}", effort, API_VERSION)


def _connect(key: str | None, url: str | None, timeout: float, model: str) -> "anthropic.Anthropic":
    import anthropic

    address = url or os.environ.get("ANTHROPIC_BASE_URL") or ""
    local = urlsplit(address).hostname in LOOPBACK
    # no proxy stands before this machine
    http = anthropic.DefaultHttpxClient(trust_env=False) if local else None
    unknown = "" if prices.find_price(model) else f", and '{model}' is no model with a known price"
    try:
        client = anthropic.Anthropic(
            api_key=key, base_url=url, max_retries=0, timeout=timeout, http_client=http,
            default_headers={"anthropic-version": API_VERSION},
        )  # fmt: skip
    except anthropic.AnthropicError as error:
        # what is said of a profile may name what stands in it
        raise InputError(f"no way to sign in to Anthropic: {type(error).__name__}{unknown}", fix=_NO_KEY_FIX) from None
    if not (client.api_key or client.auth_token or client.credentials):
        client.close()
        raise InputError(f"no key for Anthropic: {KEY} is not set{unknown}", fix=_NO_KEY_FIX)
    return client


_NO_KEY_FIX = f"export {KEY}=...; --judge rules needs none"


def _read_usage(message: "Message", batch: bool) -> Usage:
    used = message.usage
    written = used.cache_creation
    hour = written.ephemeral_1h_input_tokens if written else 0
    short = written.ephemeral_5m_input_tokens if written else used.cache_creation_input_tokens or 0
    details = used.output_tokens_details
    return Usage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        thinking_tokens=(details.thinking_tokens or 0) if details else 0,
        cache_write_5m=short,
        cache_write_1h=hour,
        cache_read=used.cache_read_input_tokens or 0,
        batch=batch or used.service_tier == "batch",
    )


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds <= 3600:
            return seconds
    return None
