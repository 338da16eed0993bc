"""One line: what was done last at the left, how answers are drawn at the right."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.table import fit
from panels.text import plain

Tone = Literal["muted", "good", "warn", "bad"]


class Said(Lines):
    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"said--muted", "said--good", "said--warn", "said--bad"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words = ""
        self._tone: Tone = "muted"
        self._facts = ""

    def say(self, words: str, tone: Tone = "muted") -> None:
        self.words, self._tone = plain(words), tone
        self.redraw()

    def show_facts(self, facts: str) -> None:
        self._facts = facts
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        tone = self.get_component_rich_style(f"said--{self._tone}")
        muted = self.get_component_rich_style("said--muted")
        spare = width - 4 - cell_len(self.words)
        # what was said comes first: the facts can be seen in the form too
        facts = self._facts if cell_len(self._facts) + 2 <= spare else ""
        words = fit(self.words, width - 4 - cell_len(facts))
        return [Strip([Segment("  ", muted), Segment(words, tone), Segment(facts, muted), Segment("  ", muted)])]
