"""What is said about judging: the rubric, who judged by it, what one judgement found and what it cost."""

import hashlib
import json
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.records.base import Record

State = Literal["scored", "truncated", "refused", "invalid", "transport"]
Effort = Literal["low", "medium", "high", "xhigh", "max"]
_NAME = r"^[a-z][a-z0-9_]*$"


class Component(Record):
    name: str = Field(pattern=_NAME)
    weight: float = Field(gt=0)
    """Against the other components' weights; they need not add up to anything."""
    description: str = Field(min_length=1)


class CriticalFailure(Record):
    name: str = Field(pattern=_NAME)
    description: str = Field(min_length=1)


class Example(Record):
    """One judged answer that the judge is shown."""

    prompt: str
    response: str
    scores: dict[str, int]
    reasons: str


class Rubric(Record):
    name: str = Field(min_length=1)
    version: int
    scale: tuple[int, int] = (1, 10)
    """The lowest and the highest score of a component."""
    instructions: str
    components: list[Component] = Field(min_length=1)
    critical_failures: list[CriticalFailure] = []
    critical_cap: float | None = None
    """What the overall may not exceed where a critical failure occurred; None caps nothing."""
    examples: list[Example] = []

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        low, high = self.scale
        if not 0 < high - low <= 100:
            raise ValueError(f"the scale {low} to {high} is no scale of at most 100 steps")
        if self.critical_cap is not None and not low <= self.critical_cap <= high:
            raise ValueError(f"critical_cap {self.critical_cap:g} is outside the scale {low} to {high}")
        for what, names in (
            ("component", [c.name for c in self.components]),
            ("critical failure", [c.name for c in self.critical_failures]),
        ):
            if twice := {n for n in names if names.count(n) > 1}:
                raise ValueError(f"{what} '{min(twice)}' stands twice")
        known = {c.name for c in self.components}
        for number, example in enumerate(self.examples, 1):
            if set(example.scores) != known:
                raise ValueError(f"example {number} scores {sorted(example.scores)}, not every component once")
            if bad := [n for n, s in example.scores.items() if not low <= s <= high]:
                raise ValueError(f"example {number} scores '{bad[0]}' outside the scale {low} to {high}")
        return self


class Usage(Record):
    """Tokens of one judgement, every try of it added up; the input apart from what went through the cache."""

    input_tokens: int = Field(0, ge=0)
    output_tokens: int = Field(0, ge=0)
    """With those of thinking."""
    thinking_tokens: int = Field(0, ge=0)
    cache_write_5m: int = Field(0, ge=0)
    cache_write_1h: int = Field(0, ge=0)
    cache_read: int = Field(0, ge=0)
    batch: bool = False

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            thinking_tokens=self.thinking_tokens + other.thinking_tokens,
            cache_write_5m=self.cache_write_5m + other.cache_write_5m,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
            cache_read=self.cache_read + other.cache_read,
            batch=self.batch or other.batch,
        )


class Score(Record):
    """One judgement of one answer. A state other than scored carries no number of the answer's."""

    attempt: int
    time: float
    id: str
    """Of the item that was judged."""
    judge: str
    """The fingerprint of the JudgeUse."""
    repeat: int = 0
    """Which judgement of the same answer by the same judge it is."""
    state: State
    components: dict[str, int] = {}
    overall: float | None = None
    """The weighted mean of the components, on the rubric's scale, capped where a critical failure occurred."""
    judge_overall: float | None = None
    """What the judge itself gave; None where it gave none."""
    critical: list[str] = []
    reasons: str = ""
    problem: str = ""
    """What went wrong, where the state is not scored."""
    model: str = ""
    """The model that answered, as its server names it."""
    usage: Usage = Usage()
    usd: float | None = Field(None, ge=0)
    """None where no price is known."""
    seconds: float = 0.0

    @model_validator(mode="after")
    def _a_state_is_no_number(self) -> Self:
        if self.state == "scored":
            if self.overall is None or not self.components:
                raise ValueError("a scored answer has components and an overall")
            if self.problem:
                raise ValueError("a scored answer has no problem")
        else:
            if self.overall is not None or self.judge_overall is not None or self.components or self.critical:
                raise ValueError(f"state {self.state} carries no score")
            if not self.problem:
                raise ValueError(f"state {self.state} says what the problem was")
        return self


class JudgeUse(Record):
    """Who judged, by what; two scores compare when their fingerprints are the same."""

    reference: str
    """anthropic:MODEL, rules, or http://host/v1#NAME."""
    effort: Effort | None = None
    rubric: str
    rubric_version: int
    rubric_sha256: str
    prompt_sha256: str
    """Of all that the judge is told besides the item."""
    schema_sha256: str
    api_version: str | None = None
    triage: bool = False
    """Whether its scores only tell where to look first and prove nothing."""

    @property
    def fingerprint(self) -> str:
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
