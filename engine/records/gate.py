"""A gate before training: what it found, in which files, about which models, and who confirmed it."""

from typing import Any

from engine.records.base import Record


class Confirmation(Record):
    """A person has read samples and says that the gap is real."""

    by: str
    at: str
    samples: int | None
    """How many were shown and read; None where the files carry no text, and the reading was done elsewhere."""


class Condition(Record):
    name: str
    value: float | None
    """The point estimate; None was not measured."""
    bound: float | None
    """What is held against `needed`."""
    needed: str
    passed: bool
    told: str = ""


class Gate(Record):
    passed: bool
    n: int
    conditions: list[Condition]
    alternative: dict[str, Any] | None
    """The other base's passes with their interval: for a look, it decides nothing."""


class FileUse(Record):
    path: str
    """As it was given."""
    sha256: str


class KeptGate(Record):
    name: str
    created: float
    gate: Gate
    files: dict[str, FileUse]
    """By the option that named each."""
    base: str | None = None
    """The model whose passes are the base's; None where its rows name none."""
    instruct: str | None = None
    accepted: list[str]
    """What was let through without proof, by name."""
    confirmation: Confirmation | None
    notes: list[str]

    @property
    def unmet(self) -> list[str]:
        """The conditions that did not pass, by what the record itself says of each."""
        failed = [c.name for c in self.gate.conditions if not c.passed]
        return failed if failed or self.gate.passed else ["what it records of itself"]
