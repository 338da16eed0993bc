"""A turn of a conversation: what is shown of it, and how its answers are laid out in lines with their marks."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal, NamedTuple, Protocol

from rich.cells import cell_len, set_cell_size

from panels.growing import Growing
from panels.text import harmless_lines
from panels.wrap import Runs

GAP = 3
"""Cells between two answers."""
LIKELY = ((0.5, "sure"), (0.1, "likely"), (0.01, "unlikely"), (0.0, "rare"))
"""From which probability a token has which tone."""
MARKED = 24
"""Characters at most that mark where two answers part."""

State = Literal["waiting", "coming", "done", "longest", "cut", "stopped", "failed"]


class TokenView(Protocol):
    @property
    def token(self) -> str: ...
    @property
    def logprob(self) -> float: ...
    @property
    def top(self) -> Sequence[tuple[str, float]]:
        """The likeliest tokens there, each with its log probability."""


@dataclass(frozen=True)
class SideView:
    label: str
    state: Literal["starting", "ready", "failed"]
    words: str = ""
    """How far its start is, or what went wrong and the way out."""


@dataclass(frozen=True)
class ReplyView:
    key: int
    """The reply's identity: of one key the text and the tokens only grow."""
    text: str
    state: State
    words: str = ""
    """What the answer cost, or what went wrong."""
    tokens: Sequence[TokenView] = ()


@dataclass(frozen=True)
class TurnView:
    key: int
    prompt: str
    replies: tuple[ReplyView, ...]
    """As they stand beside each other."""
    seed: int | None = None
    system: str | None = None
    """Where it is another one than that of the turn before, '' where it ends."""
    version: tuple[int, int] = (1, 1)
    """Which of how many."""
    verdict: tuple[bool, bool] | None = None
    """Whether the left one holds, and the right one."""


class TokenText(Growing):
    """A text of tokens, which knows where each of them stands."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.starts: list[int] = []
        self.tones: list[str] = []

    def take(self, tokens: Sequence[TokenView]) -> None:
        """Take the tokens that there are more than at the last call."""
        pieces = []
        place = len(self.text)
        for token in tokens[len(self.starts) :]:
            piece = plain_token(token.token)
            self.starts.append(place)
            self.tones.append(name_chance(exp(min(0.0, token.logprob))))
            pieces.append(piece)
            place += len(piece)
        self.add("".join(pieces))

    def span(self, token: int) -> tuple[int, int] | None:
        if token >= len(self.starts):
            return None
        return self.starts[token], self.starts[token + 1] if token + 1 < len(self.starts) else len(self.text)

    def find_token(self, offset: int) -> int:
        return max(0, bisect_right(self.starts, offset) - 1)


class Answer(NamedTuple):
    """One answer of a turn, laid out."""

    title: Runs
    """Whose it is, where that does not stand above it anyway."""
    laid: Growing
    mark: tuple[int, int] | None
    """Where it parts from the other one."""
    at: int | None
    """The token under the cursor."""
    tail: list[Runs]

    @property
    def height(self) -> int:
        return bool(self.title) + len(self.laid.lines) + len(self.tail)

    def write(self, y: int) -> Runs:
        if self.title and y == 0:
            return self.title
        y -= bool(self.title)
        if y >= len(self.laid.lines):
            return self.tail[y - len(self.laid.lines)] if y < len(self.laid.lines) + len(self.tail) else []
        start, stop = self.laid.lines[y]
        spans: list[tuple[int, int, str]] = []
        if isinstance(self.laid, TokenText):
            first = max(0, bisect_right(self.laid.starts, start) - 1)
            for token in range(first, bisect_right(self.laid.starts, max(start, stop - 1))):
                if (span := self.laid.span(token)) is not None:
                    tone = "token" if token == self.at else "part" if span == self.mark else self.laid.tones[token]
                    a, b = span
                    while tone == "part" and a < b - 1 and self.laid.text[a] == " ":
                        a += 1
                    spans.append((a, b, tone))
        elif self.mark is not None:
            spans = [(0, self.mark[0], "text"), (*self.mark, "part")]
        return paint(self.laid.text, start, stop, spans)


class Block(NamedTuple):
    """A turn, laid out; only the lines in sight are written."""

    head: list[Runs]
    answers: list[Answer]
    width: int
    half: int

    @property
    def abreast(self) -> bool:
        return self.half < self.width and len(self.answers) > 1

    @property
    def height(self) -> int:
        """With the empty lines after the prompt and after the turn."""
        heights = [answer.height for answer in self.answers] or [0]
        body = max(heights) if self.abreast else sum(heights) + len(heights) - 1
        return len(self.head) + 1 + body + 1

    def write(self, y: int) -> Runs:
        if y < len(self.head):
            return self.head[y]
        y -= len(self.head) + 1
        if y < 0:
            return []
        if self.abreast and y < max(answer.height for answer in self.answers):
            return join_columns([answer.write(y) for answer in self.answers], self.half)
        for answer in () if self.abreast else self.answers:
            if 0 <= y < answer.height:
                return answer.write(y)
            y -= answer.height + 1
        return []

    def find_line(self, number: int, offset: int) -> int:
        """The line of the block that holds a character of an answer."""
        before = 0 if self.abreast else sum(answer.height + 1 for answer in self.answers[:number])
        before += bool(self.answers[number].title)
        return len(self.head) + 1 + before + self.answers[number].laid.find_line(offset)


def paint(text: str, start: int, stop: int, spans: Sequence[tuple[int, int, str]]) -> Runs:
    """A line of a text in parts; what no span covers is 'text'."""
    runs: Runs = []
    for a, b, tone in spans:
        a, b = max(a, start), min(b, stop)
        if a >= b:
            continue
        if a > start:
            runs.append((text[start:a], "text"))
        runs.append((text[a:b], tone))
        start = b
    if start < stop:
        runs.append((text[start:stop], "text"))
    return runs


def count_same(a: Sequence[object], b: Sequence[object]) -> int:
    """How many items two sequences begin with alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def plain_token(text: str) -> str:
    """A token as it stands in its text; one that breaks the line shows it, so that a cursor can stand on it."""
    return harmless_lines(text).replace("\n", "↵\n")


def name_chance(chance: float) -> str:
    return next(tone for least, tone in LIKELY if chance >= least)


def format_chance(chance: float) -> str:
    return f"{100 * chance:.1f} %" if chance >= 0.0005 else "<0.1 %"


def quote(token: str) -> str:
    return f"“{plain_token(token[:40]).replace(chr(10), '')}”"


def join_columns(columns: Sequence[Runs], half: int) -> Runs:
    """Lines of two columns as one."""
    runs: Runs = []
    for number, column in enumerate(columns):
        runs += column
        if number < len(columns) - 1:
            spare = half - sum(cell_len(text) for text, _ in column)
            runs += [(" " * max(0, spare) + " ", "text"), ("│", "rule"), (" ", "text")]
    return runs


def find_end(text: str, start: int) -> int:
    """Where the word ends that begins at `start` or holds it."""
    found = re.compile(r"\s*\S*").match(text, start)
    return start if found is None else min(found.end(), start + MARKED)


def keep_end(text: str, width: int) -> str:
    """A name cut at its beginning: what tells two of them apart stands at the end."""
    return text if cell_len(text) <= width else "…" + text[-max(1, width - 1) :]


def cut_lines(lines: list[str], most: int, width: int) -> list[str]:
    if len(lines) <= most:
        return lines
    last = set_cell_size(lines[most - 1], min(cell_len(lines[most - 1]), max(0, width - 1)))
    return [*lines[: most - 1], last + "…"]
