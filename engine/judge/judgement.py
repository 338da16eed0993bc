"""What goes into a judge and what comes out of it, whichever judge it is."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from engine.judge.pace import Pace
from engine.records.dataset import Message
from engine.records.judging import JudgeUse, Rubric, State, Usage


class Item(NamedTuple):
    """One answer to judge."""

    id: str
    messages: Sequence[Message]
    """What was asked, the user's turn last."""
    answer: str
    references: Sequence[str] = ()
    other: str | None = None
    """A second answer, where it is asked which of two is better; `answer` stands first."""


class Judgement(NamedTuple):
    """What one call of a judge found."""

    state: State
    components: dict[str, int] = {}
    judge_overall: float | None = None
    critical: Sequence[str] = ()
    reasons: str = ""
    problem: str = ""
    model: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0


class Again(Exception):
    """A judgement that may come out if the same is asked once more."""

    def __init__(self, judgement: Judgement, after: float | None = None) -> None:
        super().__init__(judgement.problem)
        self.judgement = judgement
        """What stands if it is not asked again."""
        self.after = after
        """Seconds that the server asked to wait; None leaves it."""


class Judge(Protocol):
    """Safe to call from many threads."""

    @property
    def use(self) -> JudgeUse: ...

    @property
    def rubric(self) -> Rubric: ...

    @property
    def pace(self) -> Pace:
        """How many calls may be under way; the judge tells it how calls went."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What a person must know of how the judging went, such as a cache that does not form."""
        ...

    def judge(self, item: Item, doubled: int = 0) -> Judgement:
        """One call, its room for output doubled `doubled` times. Raises Again, or a CharlabError that ends the run."""
        ...

    def bound(self, item: Item, doubled: int = 0) -> float | None:
        """The most that this call can cost in US dollars; None where no price is known."""
        ...

    def bill(self, usage: Usage, model: str) -> float | None:
        """What was used, in US dollars."""
        ...

    def close(self) -> None: ...
