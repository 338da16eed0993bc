"""The data of a heat map: rates of prompts at moments of one or several runs, as whoever shows it has to give them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from engine.records.dataset import Message
from engine.records.rows import Sample
from panels.filter import parse_words

Rate = Literal["breaks", "in_character"]
SHADES = 5


class ProportionView(Protocol):
    @property
    def hits(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def rate(self) -> float | None: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class CellView(Protocol):
    @property
    def breaks(self) -> ProportionView: ...
    @property
    def in_character(self) -> ProportionView: ...
    @property
    def samples(self) -> Sequence[Sample]: ...


class MomentView(Protocol):
    @property
    def step(self) -> int: ...
    @property
    def checkpoint(self) -> bool: ...
    @property
    def total(self) -> CellView: ...
    @property
    def label(self) -> str: ...
    @property
    def run(self) -> str: ...


class RowView(Protocol):
    @property
    def probe(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def messages(self) -> Sequence[Message]: ...
    @property
    def cells(self) -> Sequence[CellView]: ...
    @property
    def total(self) -> CellView: ...


class GridView(Protocol):
    @property
    def run(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def system(self) -> str | None: ...
    @property
    def moments(self) -> Sequence[MomentView]: ...
    @property
    def rows(self) -> Sequence[RowView]: ...
    @property
    def total(self) -> CellView: ...
    @property
    def skipped(self) -> int: ...


class Column(NamedTuple):
    grid: GridView
    at: int
    """Which of the grids."""
    moment: int | None
    """None is the column of all moments."""

    @property
    def key(self) -> tuple[str, tuple[str, str, int] | None]:
        if self.moment is None:
            return self.grid.run, None
        moment = self.grid.moments[self.moment]
        return self.grid.run, (moment.run, moment.label, moment.step)

    @property
    def title(self) -> str:
        if self.moment is None:
            return "all"
        moment = self.grid.moments[self.moment]
        return moment.label or f"{moment.step}{'▲' if moment.checkpoint else ' '}"


class Prompt(NamedTuple):
    """One prompt in every run that asked it; prompts that differ in a word are two, whatever their ids."""

    probe: str
    asked: tuple[tuple[str, str], ...]
    category: str
    rows: dict[int, RowView]

    @property
    def text(self) -> str:
        return self.asked[-1][1] if self.asked else ""

    def matches(self, words: str) -> bool:
        everything = " ".join([self.probe, self.category, *(text for _, text in self.asked)]).lower()
        return parse_words(words)(everything)


def list_columns(grids: Sequence[GridView]) -> list[Column]:
    """The moments of each run in turn, and where a run has several, all of them together."""
    found = []
    for at, grid in enumerate(grids):
        found += [Column(grid, at, moment) for moment in range(len(grid.moments))]
        if len(grid.moments) > 1:
            found.append(Column(grid, at, None))
    return found


def gather_prompts(grids: Sequence[GridView]) -> list[Prompt]:
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Prompt] = {}
    for index, grid in enumerate(grids):
        for row in grid.rows:
            asked = tuple((m.role, m.content) for m in row.messages)
            prompt = found.setdefault((row.probe, asked), Prompt(row.probe, asked, row.category, {}))
            prompt.rows[index] = row
    return list(found.values())


def shade(found: ProportionView | None, rate: Rate, total: bool = False) -> str:
    """The tone of a cell: five steps of one colour, so that dark to light alone tells low from high.

    No break at all is good news only where the interval, which a total has none of, leaves out the half.
    """
    if found is None or found.rate is None:
        return "none"
    if found.hits == 0:
        return "held" if rate == "breaks" and found.high < 0.5 and not total else "none"
    return f"{'bad' if rate == 'breaks' else 'good'}-{min(SHADES, math.ceil(found.rate * SHADES))}"


def format_rate(found: ProportionView | None) -> str:
    """'58%', '·' where nothing was asked; never 0% for some nor 100% for less than all."""
    if found is None or found.rate is None:
        return "·"
    if found.hits > 0 and found.rate < 0.005:
        return "<1%"
    if found.hits < found.n and found.rate >= 0.995:
        return ">99%"
    return f"{found.rate:.0%}"
