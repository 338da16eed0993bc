"""The two lines over the charts: the run in front in words, then how the charts are seen and whose colours these are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from panels.comparison import shorten_ids
from panels.curves import ChartedRun
from panels.lines import Lines
from panels.status import STATUS_TONES
from panels.style import read_style
from panels.table import ID_END, fit
from panels.text import harmless, plain

TONES = {tone: tone for tone in ("good", "warn", "bad")}


class TrainingHead(Lines):
    """Words give way from the right where room is scarce."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "head--name", "head--words", "head--note", "head--good", "head--warn", "head--bad",
        *(f"head--curve-{n}" for n in range(1, 9)),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._front: ChartedRun | None = None
        self._runs: Sequence[ChartedRun] = ()
        self._state = ""
        self._note = ""

    def show(self, front: ChartedRun | None, runs: Sequence[ChartedRun], state: str, note: str = "") -> None:
        """The run in front, those that have curves, and a note on why it is none of them."""
        self._front, self._runs, self._state, self._note = front, runs, state, note
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        def style(name: str) -> Style:
            return self.get_component_rich_style(f"head--{name}")

        front = self._front
        if front is None:
            return [Strip([Segment("no run chosen: enter on one in Runs shows its curves", style("words"))])]
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
        note = Strip([Segment(self._note, style("note"))])
        if not self._runs:
            return [Strip(first), note]
        state = Segment(self._state, style("words"))
        room = width - state.cell_length
        legend = []
        if len(self._runs) > 1:
            for run, name in zip(self._runs, self._name_runs(room), strict=True):
                legend += [Segment("━ ", style(f"curve-{run.colour}")), Segment(f"{name}  ", style("words"))]
        else:
            one = self._runs[0].id
            legend = [Segment(fit(one, min(cell_len(plain(one)), room - 2), keep=ID_END), style("words"))]
        left = Strip(legend).crop(0, max(0, room - 1)).adjust_cell_length(room, self.rich_style)
        return [note if self._note else Strip(first), Strip([*left, state])]

    def _name_runs(self, room: int) -> list[str]:
        """The ends of their ids, as much as there is room for: with the hour, with the name, or what is each one's own."""
        ids = [plain(run.id) for run in self._runs]
        for names in ([one[-22:] for one in ids], [one.split("-", 2)[-1][-22:] for one in ids]):
            if sum(cell_len(name) + 4 for name in names) <= room:
                return names
        return shorten_ids(ids)
