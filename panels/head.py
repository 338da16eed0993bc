"""The two lines over the charts: the run in front in words, then how the charts are seen and whose colours these are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from panels.curves import ChartedRun
from panels.lines import Lines
from panels.status import STATUS_TONES
from panels.style import read_style
from panels.text import harmless, plain

TONES = {tone: tone for tone in ("good", "warn", "bad")}


class TrainingHead(Lines):
    """Words give way from the right where room is scarce."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "head--name", "head--words", "head--good", "head--warn", "head--bad",
        *(f"head--curve-{n}" for n in range(1, 9)),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._runs: Sequence[ChartedRun] = ()
        self._state = ""

    def show(self, runs: Sequence[ChartedRun], state: str) -> None:
        self._runs, self._state = runs, state
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        def style(name: str) -> Style:
            return self.get_component_rich_style(f"head--{name}")

        if not self._runs:
            return [Strip([Segment("no run chosen: enter on one in Runs shows its curves", style("words"))])]
        front = self._runs[0]
        first = [
            Segment(plain(front.name, 40), style("name")),
            Segment(f"  {plain(front.status)}  ", style(TONES.get(STATUS_TONES.get(front.status, ""), "words"))),
        ]
        room = width - Strip(first).cell_length
        for part in harmless(front.headline).split("  "):
            if cell_len(part) + 2 > room:
                break
            first.append(Segment(f"{part}  ", self.rich_style))
            room -= cell_len(part) + 2
        state = Segment(self._state, style("words"))
        legend = []
        if len(self._runs) > 1:
            for run in self._runs:
                legend += [
                    Segment("━ ", style(f"curve-{run.colour}")),
                    Segment(f"{plain(run.id)[-22:]}  ", style("words")),
                ]
        else:
            legend = [Segment(plain(front.id), style("words"))]
        room = width - state.cell_length
        left = Strip(legend).crop(0, max(0, room - 1)).adjust_cell_length(room, self.rich_style)
        return [Strip(first), Strip([*left, state])]
