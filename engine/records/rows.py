"""The rows of a run's journals, and what a checkpoint says of itself."""

from engine.records.base import Record
from engine.records.run import Ancestor
from engine.records.version import EventKind


class Process(Record):
    pid: int
    start: float
    """When the process began, as its system counts; a recycled pid has another."""


class Launch(Record):
    attempt: int
    host: str
    process: Process
    time: float


class Event(Record):
    attempt: int
    time: float
    kind: EventKind
    step: int
    message: str = ""
    fix: str = ""
    data: dict[str, object] = {}


class Metric(Record):
    attempt: int
    step: int
    time: float
    values: dict[str, float | None]
    """A value that is not finite is None and stands in `nonfinite`."""
    nonfinite: list[str] = []


class Sample(Record):
    """One answer of the model at one step, with what is needed to ask again."""

    attempt: int
    step: int
    time: float
    probe: str
    index: int
    seed: int
    """Of the batch that the answer was drawn in."""
    text: str
    """The answer as generated, special tokens left out."""
    tokens: int
    truncated: bool
    breaks: str | None
    """The kind of break, or None when the character held."""
    span: tuple[int, int] | None
    """Where in the text the break stands, in characters."""
    in_character: bool
    level: int | None = None
    """0 says that it is an AI and refuses, to 4 wholly in character: see engine/probe/detect.py."""
    turn: int = 0
    """Which answer of a conversation it is."""
    form: str = ""
    """The form of the model that gave it, where a run asks several."""
    prompt_tokens: int | None = None
    judged_from: int = 0
    """Characters of thinking at the beginning of the text, which are kept and not judged."""

    @property
    def item(self) -> str:
        """What a judgement calls it: prompt, sample and turn."""
        return f"{self.probe} {self.index} {self.turn}"


class Rank(Record):
    """What an adapter made of one candidate."""

    attempt: int
    time: float
    probe: str
    index: int
    logp: float
    """Mean over its tokens, in nats, the token that ends it among them where it ended by itself."""
    tokens: int
    """Scored."""


class CheckpointFile(Record):
    schema_version: int = 1
    run: str
    attempt: int
    step: int
    time: float
    tokens: int
    """Non-padding tokens trained on so far, both halves of every pair."""
    adapter_sha256: str
    reference: str | None
    lineage: list[Ancestor]
    """Every training behind these weights, this run last."""
    values: dict[str, float]
    """The measures that were current at this step."""
    parent: str | None = None
    """Set on the copy that a fork starts from: run@step."""


def find_prompt(item: str) -> str:
    """The prompt of an item, whose id may itself hold spaces."""
    return item.rsplit(" ", 2)[0]
