"""A verdict on a candidate in words: what was decided and why, what would change it, the guards and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from panels.scrolled import Scrolled
from panels.text import plain
from panels.wrap import Runs, wrap

INDENT = 2
TONES = {"DEPLOY": "good", "NO-DEPLOY": "bad", "UNDERPOWERED": "warn"}


@dataclass(frozen=True)
class VerdictView:
    decision: str
    pairs: int
    delta: float
    low: float
    high: float
    before: float
    after: float
    wins: int
    losses: int
    ties: int
    primary_test: str
    detectable: float | None
    """At 80% power with as many pairs."""
    smallest: float | None
    margin: float | None
    reasons: Sequence[str]
    would_change: Sequence[str]
    guards: Sequence[tuple[str, bool | None]]
    """What is told of each, and whether it held; None was not measured."""
    notes: Sequence[str]


class VerdictText(Scrolled):
    """The verdict, or why there is none."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.verdict: VerdictView | None = None
        self.instead = ""
        self._triage = False

    def show(self, verdict: VerdictView | None, instead: str = "", *, triage: bool = False) -> None:
        """`instead` says why there is none."""
        now = verdict, instead, triage
        if now != (self.verdict, self.instead, self._triage):
            self.verdict, self.instead, self._triage = now
            self.put(anew=True)

    def lay_out(self, width: int) -> list[Runs]:
        if self.verdict is None:
            return wrap([(plain(self.instead), "muted")], width)
        return lay_out_verdict(self.verdict, width, triage=self._triage)


def lay_out_verdict(verdict: VerdictView, width: int, *, triage: bool = False) -> list[Runs]:
    tone = TONES.get(verdict.decision, "warn")
    head: Runs = [(plain(verdict.decision), "title"), ("  ", ""), (_say_difference(verdict), tone)]
    lines = wrap([*head, *([("  triage", "warn")] if triage else [])], width)
    lines += [line for reason in verdict.reasons for line in _indent([(plain(reason), "")], width)]
    counts = f"{verdict.wins} won, {verdict.losses} lost, {verdict.ties} tied of {verdict.pairs} pairs"
    detectable = "" if verdict.detectable is None else f"; detectable {verdict.detectable:.2f} at 80% power"
    means = f"{verdict.before:.2f} to {verdict.after:.2f}; {counts}; {plain(verdict.primary_test)}{detectable}"
    lines += _indent([(means, "muted")], width)
    lines.append([("what would change it", "strong")])
    lines += [line for change in verdict.would_change for line in _indent([(plain(change), "")], width)]
    if verdict.guards:
        lines.append([("guards", "strong")])
    for told, held in verdict.guards:
        mark, look = {True: ("✓ ", "good"), False: ("✗ ", "bad"), None: ("· ", "warn")}[held]
        lines += _indent([(mark, look), (plain(told), "")], width)
    if verdict.notes:
        lines.append([("notes", "strong")])
        lines += [line for note in verdict.notes for line in _indent([(plain(note), "muted")], width)]
    return lines


def write_verdict(verdict: VerdictView) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lay_out_verdict(verdict, 110))


def _say_difference(verdict: VerdictView) -> str:
    return f"{verdict.delta:+.2f} [{verdict.low:+.2f}, {verdict.high:+.2f}]"


def _indent(parts: Runs, width: int) -> list[Runs]:
    return [[(" " * INDENT, ""), *runs] for runs in wrap(parts, max(1, width - INDENT))]
