"""A conversation to evaluate with, and what each later answer of it must keep to."""

from typing import Self

from pydantic import Field, model_validator

from engine.records.base import Record
from engine.records.dataset import Prompt


class Expectation(Record):
    """What one answer must say, and what it must not. Turn 0 is the user's last message, 1 the first of `turns`."""

    turn: int = Field(ge=0)
    """The user's turn whose answer is scored."""
    any_of: list[str] = []
    """Spellings of one fact: the answer says at least one of them."""
    none_of: list[str] = []
    """What the answer may mention only to set it aside: the value before a change, the thing disliked."""
    any_from: int | None = Field(None, ge=0)
    """The user's turn in which the fact stands; none where no turn tells it."""
    none_from: int | None = Field(None, ge=0)
    """The user's turn in which what is forbidden first stands."""
    why: str = ""

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        if not self.any_of and not self.none_of:
            raise ValueError("neither any_of nor none_of has a value")
        if any(not spelling.strip() for spelling in (*self.any_of, *self.none_of)):
            raise ValueError("any_of or none_of holds an empty text")
        for name in ("any_from", "none_from"):
            place = getattr(self, name)
            if place is not None and place >= self.turn:
                raise ValueError(f"{name} is {place}, which is not before turn {self.turn}")
        return self


class Conversation(Prompt):
    """A prompt of several turns with the facts that its later answers must respect."""

    expects: list[Expectation] = Field(min_length=1)

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        for expectation in self.expects:
            if expectation.turn > len(self.turns):
                raise ValueError(f"an expectation for turn {expectation.turn}, and the last is {len(self.turns)}")
        return self

    def list_user_turns(self) -> list[str]:
        """What the user says, turn 0 first."""
        return [self.messages[-1].content, *self.turns]
