"""Rows of preference data, probes, and the character that they belong to."""

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.records.base import Record
from engine.records.serving import Sampling


class Message(Record):
    role: Literal["system", "user", "assistant"]
    content: str


class Pair(Record):
    """One preference: a prompt, the answer to prefer, the answer to turn away from."""

    id: str = Field(min_length=1)
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    category: str = ""
    source: str = ""
    meta: dict[str, object] = {}

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        check_turns(self.prompt)
        for side in ("chosen", "rejected"):
            answer: list[Message] = getattr(self, side)
            if len(answer) != 1 or answer[0].role != "assistant":
                raise ValueError(f"{side} must be one assistant message")
            if not answer[0].content.strip():
                raise ValueError(f"{side} is empty")
        if self.chosen[0].content.strip() == self.rejected[0].content.strip():
            raise ValueError("chosen equals rejected")
        return self

    def prompt_key(self) -> str:
        """What makes two prompts the same: their messages, white space and case aside."""
        return "\n".join(f"{m.role}:{' '.join(m.content.lower().split())}" for m in self.prompt)


def check_turns(messages: list[Message]) -> None:
    """Raise ValueError unless users and assistants take turns and the user speaks last."""
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    if not turns:
        raise ValueError("the prompt has no user turn")
    for index, message in enumerate(turns):
        if message.role == "system":
            raise ValueError("a system message stands after the first turn")
        if message.role != ("user" if index % 2 == 0 else "assistant"):
            raise ValueError(f"two {message.role} turns in a row, or an assistant who begins")
        if not message.content.strip():
            raise ValueError(f"the {message.role} turn {index + 1} is empty")
    if turns[-1].role != "user":
        raise ValueError("the last turn of a prompt must be the user's")


Format = Literal["chat", "raw", "instruction"]


class Probe(Record):
    """A prompt asked many times to see whether the character breaks. Its format is part of what it is."""

    id: str = Field(min_length=1)
    category: str = ""
    messages: list[Message]
    format: Format = "chat"
    """Under the chat template, as raw text, or as "Instruction: ...\nResponse:"."""
    begin: str = ""
    """What the answer begins with; the model goes on from there, and only what it adds is judged."""
    turns: list[str] = []
    """What the user says after each answer; every answer is judged."""

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        check_turns(self.messages)
        for index, turn in enumerate(self.turns):
            if not turn.strip():
                raise ValueError(f"turn {index + 1} of 'turns' is empty")
        return self

    def is_plain(self) -> bool:
        """Whether it is one question under the chat template, with nothing put into the model's mouth."""
        return self.format == "chat" and not self.begin and not self.turns


class Prompt(Probe):
    """A held-out prompt to evaluate with."""

    difficulty: Literal["easy", "medium", "hard"]
    references: list[str] = []


class Voice(Record):
    marks: list[str] = []
    """Regular expressions, case ignored: an answer in character shows at least `least` of them."""
    least: int = Field(1, ge=0)
    foreign: list[str] = []
    """Regular expressions that no answer in character shows: contractions, list marks."""
    sentence: float = Field(20, gt=0)
    """How many words a sentence has, about."""

    @field_validator("marks", "foreign")
    @classmethod
    def _compile(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as bad:
                raise ValueError(f"'{pattern}' is no regular expression: {bad}") from bad
        return patterns


class Character(Record):
    """Who the model is to be."""

    name: str = Field(min_length=1)
    era: str = ""
    may_be_ai: bool = False
    """Whether the character may say that it is an AI without breaking."""
    makers: list[str] = []
    """Companies and models whose names count as a break."""
    voice: Voice = Voice()
    evaluation: Sampling = Sampling(max_tokens=1024)
    """How answers to the prompt set are drawn, so that two evaluations compare."""


class Manifest(Record):
    """dataset.json: what the rows are, written after them."""

    schema_version: int = 1
    name: str
    kind: Literal["preference"] = "preference"
    rows: int
    sha256: str
    """Of the bytes of pairs.jsonl."""
    categories: dict[str, int]
    lineage: list[str] = []
    """The models that made the rows, by name: a judge of their family is doubted."""
    licence: str = ""
