"""A map of rates: prompts down, moments across, each cell a number on a shade of its colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from panels.grid import (
    SHADES,
    CellView,
    Column,
    GridView,
    Prompt,
    ProportionView,
    Rate,
    format_rate,
    gather_prompts,
    list_columns,
    shade,
)
from panels.lines import Lines
from panels.style import read_style
from panels.table import fit
from panels.text import plain

LABEL, PROMPT, RATE = 20, 60, 4
"""Cells at most for a prompt's id and its text, and those that '100%' takes."""


class Frame(NamedTuple):
    """Widths in cells, the columns and prompts in sight, and the lines above and below them."""

    label: int
    prompt: int
    cell: int
    detail: int
    columns: range
    rows: range
    head: int
    foot: int


class Heat(Lines, can_focus=True):
    """Whoever shows it asks `cell`, `prompt` and `column` what the cursor stands on."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heat--text", "heat--none", "heat--held", "heat--title", "heat--muted", "heat--here", "heat--cursor",
        *(f"heat--{tone}-{step}" for tone in ("bad", "good") for step in range(1, SHADES + 1)),
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "Prompt up", id="heat.up", show=False),
        Binding("down,j", "move(1, 0)", "Prompt down", id="heat.down", show=False),
        Binding("left,h", "move(0, -1)", "Moment before", id="heat.left", show=False),
        Binding("right,l", "move(0, 1)", "Moment after", id="heat.right", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another cell, or the cell under it has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Heat.Moved)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rate: Rate = "breaks"
        self.words = ""
        self.row, self.at = 0, -1
        self.grids: Sequence[GridView] = ()
        self.instead = ""
        self.prompts: list[Prompt] = []
        self.columns: list[Column] = []
        self.all_prompts: list[Prompt] = []
        self._top = self._left = 0

    def show(self, grids: Sequence[GridView], instead: str = "") -> None:
        """Replace what is shown; the cursor stays on its prompt and moment, and begins at the newest moment.

        `instead` is said where there are no answers.
        """
        self.instead = instead
        before = self.column.key if self.column else None
        self.grids = grids
        self.columns = list_columns(grids)
        self.all_prompts = gather_prompts(grids)
        newest = max((i for i, c in enumerate(self.columns) if c.moment is not None), default=0)
        self.at = next((i for i, c in enumerate(self.columns) if c.key == before), newest)
        self.filter(self.words)

    def filter(self, words: str) -> None:
        """Only the prompts that hold all these words in their id, category or messages."""
        before = (self.prompt.probe, self.prompt.asked) if self.prompt else None
        on_total = self.prompt is None and bool(self.prompts)
        self.words = words
        self.prompts = [p for p in self.all_prompts if p.matches(words)]
        found = next((i for i, p in enumerate(self.prompts) if (p.probe, p.asked) == before), 0)
        self.row = len(self.prompts) if on_total else found
        self.redraw()
        self.post_message(self.Moved())

    def toggle(self) -> None:
        self.rate = "in_character" if self.rate == "breaks" else "breaks"
        self.redraw()
        self.post_message(self.Moved())

    @property
    def column(self) -> Column | None:
        return self.columns[self.at] if 0 <= self.at < len(self.columns) else None

    @property
    def prompt(self) -> Prompt | None:
        """None on the row of all prompts."""
        return self.prompts[self.row] if self.row < len(self.prompts) else None

    @property
    def cell(self) -> CellView | None:
        return self.cell_at(self.row, self.at)

    def cell_at(self, row: int, at: int) -> CellView | None:
        if not 0 <= at < len(self.columns):
            return None
        grid, index, moment = self.columns[at]
        if row >= len(self.prompts):
            return grid.total if moment is None else grid.moments[moment].total
        view = self.prompts[row].rows.get(index)
        return view if view is None else view.total if moment is None else view.cells[moment]

    def move_to(self, row: int, at: int) -> None:
        """ROW len(prompts) is that of all prompts."""
        row = max(0, min(row, len(self.prompts)))
        at = max(0, min(at, len(self.columns) - 1))
        if (row, at) != (self.row, self.at):
            self.row, self.at = row, at
            self.redraw()
            self.post_message(self.Moved())

    def action_move(self, down: int, right: int) -> None:
        self.move_to(self.row + down, self.at + right)

    def breaks(self) -> Iterator[tuple[int, int, int]]:
        """Every break in sight of the filter as (column, row, answer): down each moment, then the next one."""
        for at, column in enumerate(self.columns):
            if column.moment is None:
                continue
            for row in range(len(self.prompts)):
                cell = self.cell_at(row, at)
                for answer, sample in enumerate(cell.samples if cell else ()):
                    if sample.breaks is not None:
                        yield at, row, answer

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    @property
    def wants(self) -> tuple[int, int]:
        """The width and height at which everything but the prompts' own words is in sight."""
        label, cell = self._widths(self._detail())
        return label + 1 + len(self.columns) * cell + 2 * max(0, len(self.grids) - 1), max(6, len(self.all_prompts) + 3)

    def _detail(self) -> int:
        most = max((c.breaks.n for g in self.grids for c in [g.total, *(m.total for m in g.moments)]), default=0)
        return len(f" of {most}")

    def _widths(self, detail: int) -> tuple[int, int]:
        """The width of the ids, and that of a cell with `detail` cells beside its rate."""
        label = max((min(LABEL, cell_len(plain(p.probe[:99]))) for p in self.all_prompts), default=0)
        return max(label, len("in character")) + 1, max([RATE + detail + 2, *(len(c.title) + 2 for c in self.columns)])

    def _frame(self, width: int, height: int) -> Frame:
        """What fits: the counts beside the rates go first, then the words of the prompts, then columns and rows."""
        detail = self._detail()
        label, cell = self._widths(detail)
        gaps = 2 * (len(self.grids) - 1)
        if label + 1 + len(self.columns) * cell + gaps > width:
            detail = 0
            label, cell = self._widths(detail)
        label = min(label, max(4, width // 3))
        spare = width - (label + 1 + len(self.columns) * cell + gaps)
        prompt = min(spare - 1, PROMPT) if spare > 16 else 0
        room = max(1, (width - label - prompt - 2 - gaps) // cell)
        if len(self.columns) * cell <= width - label - prompt - 1 - gaps:
            room = len(self.columns)
        self._left = _keep_in_sight(self._left, self.at, room, len(self.columns))
        head, foot = 2 if height > 5 else 1 if height > 2 else 0, 1 if height > 3 else 0
        body = height - head - foot
        self._top = _keep_in_sight(self._top, min(self.row, len(self.prompts) - 1), body, len(self.prompts))
        columns = range(self._left, min(len(self.columns), self._left + room))
        rows = range(self._top, min(len(self.prompts), self._top + body))
        return Frame(label, prompt, cell, detail, columns, rows, head, foot)

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        style = self.get_component_rich_style
        if not self.columns or not self.prompts:
            return [Strip([Segment(" " + self._describe_nothing(), style("heat--muted"))])]
        frame = self._frame(width, height)
        lines = [self._draw_runs(frame), self._draw_titles(frame)][2 - frame.head :]
        for row in frame.rows:
            above, below = row == frame.rows.start > 0, row == frame.rows.stop - 1 < len(self.prompts) - 1
            name = style("heat--here") if row == self.row else style("heat--text")
            words = [
                Segment("↑" if above else "↓" if below else " ", style("heat--muted")),
                Segment(fit(self.prompts[row].probe, frame.label - 1) + " ", name),
                Segment(
                    fit(self.prompts[row].text, frame.prompt - 1) + " " if frame.prompt else "", style("heat--muted")
                ),
            ]
            lines.append(Strip([*words, *self._draw_cells(row, frame)]))
        if frame.foot:
            total = "all prompts" if len(self.prompts) == len(self.all_prompts) else f"all {len(self.all_prompts)}"
            name = style("heat--here" if self.row == len(self.prompts) else "heat--muted")
            words = [Segment(" " + fit(total, frame.label + frame.prompt), name)]
            lines.append(Strip([*words, *self._draw_cells(len(self.prompts), frame)]))
        return lines if height < len(lines) + 3 else [*lines, Strip([]), *self._draw_legend()]

    def _describe_nothing(self) -> str:
        if self.instead and not self.columns:
            return self.instead
        if not self.grids:
            return "no run to show"
        if not self.columns:
            names = ", ".join(plain(g.name[:99], 40) for g in self.grids)
            return f"no answers yet: the sentinels of {names} have not been asked"
        return plain(f"no prompt with '{self.words[:99]}'")

    def _draw_runs(self, frame: Frame) -> Strip:
        style = self.get_component_rich_style
        title = "break rate" if self.rate == "breaks" else "in character"
        segments = [Segment(" " + fit(title, frame.label + frame.prompt), style("heat--title"))]
        for index in dict.fromkeys(self.columns[at].at for at in frame.columns):
            span = sum(self.columns[at].at == index for at in frame.columns) * frame.cell - 1
            here = self.column is not None and self.column.at == index
            grid = self.grids[index]
            name, end = plain(grid.name[:99]), grid.run.rsplit("-", 1)[-1]
            # two runs of one name differ by the end of their ids
            name = f"{fit(name, min(cell_len(name), span - len(end) - 1))} {end}"
            between = "  " if len(segments) > 1 else ""
            segments.append(Segment(f"{between} {fit(name, span)}", style("heat--here" if here else "heat--muted")))
        return Strip(segments)

    def _draw_titles(self, frame: Frame) -> Strip:
        style = self.get_component_rich_style
        corner = fit("prompt", frame.label + frame.prompt - 1) + ("‹" if frame.columns.start else " ")
        segments = [Segment(" " + corner, style("heat--muted"))]
        for at in frame.columns:
            title = set_cell_size(f" {self.columns[at].title:>{RATE}}", frame.cell)
            segments.append(
                Segment(self._gap(at, frame) + title, style("heat--here" if at == self.at else "heat--muted"))
            )
        if frame.columns.stop < len(self.columns):
            segments.append(Segment("›", style("heat--muted")))
        return Strip(segments)

    def _draw_legend(self) -> list[Strip]:
        style = self.get_component_rich_style
        tone = "bad" if self.rate == "breaks" else "good"
        scale = [Segment(f" ≤{100 * s // SHADES}% ", style(f"heat--{tone}-{s}")) for s in range(1, SHADES + 1)]
        words = [Segment("· not asked  ▲ checkpoint", style("heat--muted"))]
        if self.rate == "breaks":
            words = [Segment("0%", style("heat--held")), Segment(" interval under 50%  ", style("heat--muted")), *words]
        margin = Segment(" ", style("heat--text"))
        return [Strip([margin, *scale]), Strip([margin, *words])]

    def _draw_cells(self, row: int, frame: Frame) -> list[Segment]:
        style = self.get_component_rich_style
        # in sixteen colours the terminal's own dim may be too dim to read
        dim = Style(dim=not self.app.native_ansi_color)
        segments = []
        for at in frame.columns:
            cell = self.cell_at(row, at)
            found = None if cell is None else cell.breaks if self.rate == "breaks" else cell.in_character
            tone = style(f"heat--{self._shade(found, row, at)}")
            left, right = " ", " "
            if (row, at) == (self.row, self.at):
                left, right = "[", "]"
                tone = style("heat--cursor") if self.has_focus else tone
            count = f" of {found.n}" if frame.detail and found and found.n else ""
            segments += [
                Segment(self._gap(at, frame), style("heat--text")),
                Segment(f"{left}{format_rate(found):>{RATE}}", tone),
                Segment(set_cell_size(count, frame.cell - RATE - 2), tone + dim),
                Segment(right, tone),
            ]
        return segments

    def _shade(self, found: ProportionView | None, row: int, at: int) -> str:
        """All moments together have none, so that the eye stays on those that follow one another."""
        if self.columns[at].moment is None:
            return "none"
        return shade(found, self.rate, total=row >= len(self.prompts))

    def _gap(self, at: int, frame: Frame) -> str:
        """What stands between two runs."""
        return "  " if at > frame.columns.start and self.columns[at].at != self.columns[at - 1].at else ""


def _keep_in_sight(first: int, at: int, room: int, count: int) -> int:
    return max(0, min(max(first, at - room + 1), at, max(0, count - room)))
