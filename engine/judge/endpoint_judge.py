"""Any OpenAI-compatible endpoint as a judge: told the schema in words, its answer mended where it is nearly JSON."""

import json
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

from engine.errors import BusyError, CharlabError, InputError, ModelError
from engine.judge.choose import costs_nothing
from engine.judge.judgement import Again, Item, Judgement
from engine.judge.pace import Pace
from engine.judge.rubric import Brief, render_item
from engine.judge.verdict import InvalidVerdict, Verdict, read_verdict
from engine.probe.ask import THINKING, THINKS
from engine.records.dataset import Message
from engine.records.judging import JudgeUse, Rubric, Usage
from engine.records.serving import Endpoint, Sampling
from engine.serve.client import Client

MAX_TOKENS = 4096
_FIRST_FAILURES = 3
_MENDED_CHARACTERS, _MENDED_BRACES = 50_000, 100
"""What is larger is no verdict, and mending takes more than its length in time."""
_NOT_LET_IN = re.compile(r"\(HTTP 40[13]\)")
_PLAIN = re.compile(r"\s*-?\d+(?:\.0+)?\s*")


class EndpointJudge:
    def __init__(
        self,
        brief: Brief,
        endpoint: Endpoint,
        *,
        in_flight: int = 8,
        max_tokens: int = MAX_TOKENS,
        timeout: float = 600,
        retries: int = 3,
    ) -> None:
        self.brief, self.endpoint, self.max_tokens = brief, endpoint, max_tokens
        self._use = brief.describe(endpoint.reference, told=_tell_schema(brief))
        self._system = brief.system + "\n\n" + _tell_schema(brief)
        self._client = Client(endpoint, in_flight=in_flight, timeout=timeout, retries=retries)
        self._pace = Pace(in_flight)
        self._local = costs_nothing(endpoint.url)
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
        return ()

    def close(self) -> None:
        self._client.close()

    def check_model(self) -> list[str]:
        """BusyError where nobody answers: it is found out before anything is generated."""
        self._client.knock()
        return []

    def judge(self, item: Item, doubled: int = 0) -> Judgement:
        began = time.monotonic()
        prompt = [Message(role="system", content=self._system), Message(role="user", content=render_item(item))]
        # nothing is drawn by chance where the server can do without
        sampling = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=self.max_tokens << doubled)
        try:
            answer = self._client.chat(prompt, sampling)
        except BusyError as error:
            # the client has asked again by itself
            return Judgement("transport", problem=self._hide(error.message), seconds=time.monotonic() - began)
        except InputError as error:
            return Judgement("invalid", problem=self._judge_refusal(error), seconds=time.monotonic() - began)
        with self._lock:
            self._answered += 1
        self._pace.went_well()
        judgement = Judgement(
            "invalid",
            model=self._hide(answer.model) or self.endpoint.model,
            usage=Usage(input_tokens=answer.prompt_tokens, output_tokens=answer.tokens),
            seconds=time.monotonic() - began,
        )
        if answer.finish == "length":
            raise Again(judgement._replace(state="truncated", problem=f"cut off after {answer.tokens} tokens"))
        if answer.finish == "cut":
            raise Again(judgement._replace(state="transport", problem="the server went away in the middle"))
        try:
            verdict = read_text(self._hide(answer.text), self.rubric)
        except InvalidVerdict as bad:
            return judgement._replace(problem=str(bad))
        return judgement._replace(
            state="scored", components=verdict.components, judge_overall=verdict.overall, critical=verdict.critical,
            reasons=verdict.reasons,
        )  # fmt: skip

    def bound(self, item: Item, doubled: int = 0) -> float | None:
        """What runs on this machine costs nothing a call; of any other no price is known."""
        return 0.0 if self._local else None

    def bill(self, usage: Usage, model: str) -> float | None:
        return 0.0 if self._local or usage == Usage() else None

    def _judge_refusal(self, error: InputError) -> str:
        """The item's problem, unless it would meet every other: then the error is raised."""
        with self._lock:
            self._malformed += 1
            all_fail = not self._answered and self._malformed >= _FIRST_FAILURES
        if all_fail or isinstance(error, ModelError) or _NOT_LET_IN.search(error.message):
            raise self._without_token(error)
        return self._hide(error.message)

    def _without_token(self, error: CharlabError) -> CharlabError:
        error.message = self._hide(error.message)
        error.args = (error.message,)
        return error

    def _hide(self, text: str) -> str:
        return text.replace(self.endpoint.token, "[token]") if self.endpoint.token else text


def _tell_schema(brief: Brief) -> str:
    return (
        "Answer with one JSON object alone, without a word before or behind it, under this JSON schema:\n"
        + json.dumps(brief.schema, ensure_ascii=False)
    )


def read_text(text: str, rubric: Rubric) -> Verdict:
    """The one verdict that an answer in prose holds; InvalidVerdict where it holds none, or two that differ.

    Whatever stands in braces behind the thinking and gives components counts as one, mended where it has to be: of a
    draft, a quotation and a verdict nobody can say which was meant.
    """
    found: list[Verdict] = []
    for start, end in _find_braced(text)[_count_thought(text) :]:
        data = _straighten(_read_object(text[start:end]), rubric)
        if data["components"] is not None:
            verdict = read_verdict(data, rubric)
            if all(verdict[:3] != other[:3] for other in found):
                found.append(verdict)
    if len(found) > 1:
        raise InvalidVerdict(f"the answer holds {len(found)} verdicts that differ")
    if not found:
        raise InvalidVerdict("the answer holds no verdict in JSON")
    return found[0]


def _read_object(text: str) -> dict[str, Any]:
    """As it is, else mended; empty where it is none."""
    from json_repair import repair_json

    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        if len(text) > _MENDED_CHARACTERS or text.count("{") + text.count("[") > _MENDED_BRACES:
            return {}
        try:
            data = repair_json(text, return_objects=True)
        except (ValueError, RecursionError):
            return {}
    return data if isinstance(data, dict) else {}


def _count_thought(text: str) -> int:
    """How many spans of braces stand before the end of the thinking.

    Where it began by a tag its first end counts; else the last, but none that stands inside of braces: there the judge
    quotes what it judges.
    """
    spans = _find_braced(text)
    if text.lstrip().startswith(THINKS):
        end = text.find(THINKING)
        return len(spans) if end < 0 else sum(start < end for start, _ in spans)
    end = text.rfind(THINKING)
    while inside := [start for start, stop in spans if start < end < stop]:
        end = text.rfind(THINKING, 0, inside[0])
    return sum(start < end for start, _ in spans)


def _find_braced(text: str) -> list[tuple[int, int]]:
    """Outermost spans of braces, strings passed over; the last one may never close."""
    depth, start, quoted, escaped = 0, 0, False, False
    found = []
    for place, sign in enumerate(text):
        if quoted:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                quoted = False
        elif sign == '"' and depth:
            quoted = True
        elif sign == "{":
            if depth == 0:
                start = place
            depth += 1
        elif sign == "}" and depth:
            depth -= 1
            if depth == 0:
                found.append((start, place + 1))
    if depth:
        found.append((start, len(text)))
    return found


def _straighten(data: dict[str, Any], rubric: Rubric) -> dict[str, Any]:
    """Shapes that judges without a grammar take: components outside of their object, each with a reason of its own.

    Nothing is filled in: what is missing stays missing.
    """
    names = [c.name for c in rubric.components]
    components = data.get("components", data.get("scores"))
    if components is None and all(name in data for name in names):
        components = {name: data[name] for name in names}
    if isinstance(components, dict):
        components = {name: _straighten_score(value) for name, value in components.items()}
    overall = data.get("overall", data.get("overall_score"))
    reasons = data.get("reasons", data.get("reasoning", ""))
    return {
        **data,
        "components": components,
        "overall": _straighten_score(overall),
        "reasons": " ".join(map(str, reasons)) if isinstance(reasons, list) else reasons,
    }


def _straighten_score(value: Any) -> Any:
    if isinstance(value, dict) and "score" in value:
        value = value["score"]
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return float(value)
    return value
