"""Runs side by side: what differs between them as a table, a column a run, and their curves laid over each other.

Longer than other panels because the room for the table decides where the charts go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from panels.comparison import (
    BASELINE,
    ComparedView,
    ComparisonView,
    Line,
    describe_run,
    drop_shared,
    list_lines,
    summarise,
    title_runs,
    write_problems,
    write_text,
)
from panels.lines import Lines
from panels.plot import CURVES, Curve, Plot
from panels.style import read_style
from panels.table import BAR, GAP, GUTTER, Cell, Column, Table, fit, place_columns
from panels.text import plain

KEY = 23
NARROW, VALUE, WIDE = 8, 12, 28
"""Cells for a value: where the notes have no room, where they have, and at most."""
VALUES = "value:"
CHART = (38, 7)
"""Cells and lines that a chart wants at least."""
CHARTS = 4
COLOURS = tuple(f"curve-{n}" for n in range(1, CURVES + 1))
NOBODY = "mark two runs or more to compare them"


class ListedRows:
    """Rows of a table that stand ready."""

    def __init__(self, rows: Sequence[tuple[str, Sequence[Cell]]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, row: int) -> str:
        return self._rows[row][0]

    def cells(self, row: int) -> Sequence[Cell]:
        return self._rows[row][1]


class ComparedHead(Lines):
    """How much is the same, the run under the cursor, and what could not be read."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "compare--count", "compare--muted", "compare--warn", *(f"compare--{colour}" for colour in COLOURS),
    }  # fmt: skip

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.left: Sequence[Cell] = ()
        self.right: Cell = ("", "")
        self.problems: Sequence[str] = ()
        self.others: Sequence[str] = ()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        segments = [Segment(plain(text), self._style(tone)) for text, tone in self.left]
        spare = width - sum(segment.cell_length for segment in segments)
        text, tone = self.right
        room = spare - GAP
        if room >= NARROW:
            segments.append(Segment(" " * GAP + fit(text, room, "right"), self._style(tone)))
        warnings = [Strip([Segment(fit(text, width), self._style("warn"))]) for text in self.problems]
        others = [Strip([Segment(fit(text, width), self._style("muted"))]) for text in self.others]
        return [Strip(segments), *warnings, *others]

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"compare--{tone}") if tone else self.rich_style


class ComparedTable(Table):
    """A table whose titles are the runs' ids in the colours of their curves, the one under the cursor underlined."""

    COMPONENT_CLASSES: ClassVar[set[str]] = Table.COMPONENT_CLASSES | {
        "compare--chosen", *(f"compare--{colour}" for colour in COLOURS),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__([Column("what", "", KEY)])
        self.colours: Sequence[str] = ()
        self.chosen = 0

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        lines = super().draw_lines(width, height)
        return [self._draw_titles(width), *lines[1:]] if height > 1 else lines

    def _draw_titles(self, width: int) -> Strip:
        segments = [Segment(" " * GUTTER)]
        for place, (index, cells) in enumerate(place_columns(self.columns, width - GUTTER - BAR)):
            column, run = self.columns[index], self._run_of(index)
            segments.append(Segment(" " * (GAP if place else 0)))
            text = fit(column.title, cells, column.align)
            if run is None:
                segments.append(Segment(text))
                continue
            style = self.get_component_rich_style(f"compare--{self.colours[run]}")
            if run == self.chosen:
                bare = text.lstrip()
                segments.append(Segment(" " * (len(text) - len(bare))))
                text, style = bare, style + self.get_component_rich_style("compare--chosen", partial=True)
            segments.append(Segment(text, style))
        ground = self.rich_style
        return Strip([Segment(text, style or ground) for text, style, _ in segments])

    def _run_of(self, column: int) -> int | None:
        key = self.columns[column].key
        return int(key.removeprefix(VALUES)) if key.startswith(VALUES) else None


class Compare(Container):
    """The baseline at the left and what differs from it; `show` gives it the runs, `Pinned` asks for another baseline."""

    DEFAULT_CSS = read_style(__file__)
    HELP = """\
The first run, marked ◆, is the baseline. What differs from it is coloured; beside a metric stands its change from it.
`@20` means measured at step 20, the newest before the step asked about. The run under the cursor is underlined.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move_run(-1)", "Run to the left", id="compare.left", show=False),
        Binding("right,l", "move_run(1)", "Run to the right", id="compare.right", show=False),
        Binding("p", "pin", "Baseline", id="compare.pin", tooltip="Compare with the run under the cursor"),
        Binding("v", "toggle_every", "All / differences", id="compare.every"),
        Binding("slash", "filter", "Filter", id="compare.filter"),
        Binding("escape", "leave_filter", "Leave the filter", id="compare.leave", show=False),
    ]

    class Pinned(Message):
        """A run is to be the baseline."""

        def __init__(self, run_id: str) -> None:
            super().__init__()
            self.run_id = run_id

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Compare.Pinned)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._comparison: ComparisonView | None = None
        self._curves: Mapping[str, Sequence[Curve]] = {}
        self._colours: Sequence[str] = ()
        self._others: Sequence[str] = ()
        self._run = ""
        """The id of the run under the cursor, which stays with it when others come and go."""
        self._every = False
        self._matching = ""
        self._head = ComparedHead(classes="compare--head")
        self._input = Input(
            placeholder="words of a key, a section or a value, -word", select_on_focus=False, compact=True
        )
        self._table = ComparedTable()
        self._plots = [Plot(classes="-later" if i else "") for i in range(CHARTS)]
        self._charts = Container(*self._plots, classes="compare--curves")

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._input
        with Container(classes="compare--body"):
            yield self._table
            yield self._charts

    def show(
        self,
        comparison: ComparisonView,
        curves: Mapping[str, Sequence[Curve]] | None = None,
        colours: Mapping[str, str] | None = None,
        others: Sequence[str] = (),
    ) -> None:
        """Show these runs, curves by the title of their chart, and each run's colour by its id ("curve-1" to "curve-8").

        A run without a colour gets that of its place. `others` are what is said of runs that cannot stand beside these.
        """
        self._comparison, self._curves, self._others = comparison, curves or {}, others
        given = colours or {}
        self._colours = [given.get(run.id, COLOURS[i % CURVES]) for i, run in enumerate(comparison.runs)]
        self._arrange()

    def text_to_copy(self) -> str:
        """What is shown, as aligned text."""
        if self._comparison is None:
            return ""
        lines = write_text(self._comparison, every=self._every, matching=self._matching)
        return "\n".join([*lines, *write_problems(self._comparison)])

    # ---------------------------------------------------------------- keys

    def action_move_run(self, by: int) -> None:
        if runs := self._runs:
            self._run = runs[max(0, min(self._place + by, len(runs) - 1))].id
            self._arrange()

    def action_pin(self) -> None:
        if self._place:
            self.post_message(self.Pinned(self._runs[self._place].id))

    def action_toggle_every(self) -> None:
        self._every = not self._every
        self._arrange()

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self._input.focus()

    def action_leave_filter(self) -> None:
        self._input.value = ""
        self.remove_class("-filtering")
        self._table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "leave_filter" or self.has_class("-filtering")

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._matching = event.value
        self._arrange()

    @on(Input.Submitted)
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_class(bool(event.value), "-filtering")
        self._table.focus()

    @on(Table.Moved)
    @on(Table.Chosen)
    def _keep_to_itself(self, event: Message) -> None:
        event.stop()

    # ---------------------------------------------------------------- the picture

    @property
    def _runs(self) -> Sequence[ComparedView]:
        return self._comparison.runs if self._comparison else ()

    @property
    def _place(self) -> int:
        """Of the run under the cursor: the second to begin with, since the first is what it is compared with."""
        ids = [run.id for run in self._runs]
        return ids.index(self._run) if self._run in ids else min(1, max(0, len(ids) - 1))

    def on_mount(self) -> None:
        self._arrange()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Share the room between table and charts, and fill both."""
        if not self.is_attached or not self._table.is_attached:
            return
        width, height = self.size
        # measured without the filter, so that nothing moves while one types
        lines = list(list_lines(self._comparison, every=self._every)) if self._comparison else []
        value, notes = measure_runs(lines, len(self._runs))
        wanted = GUTTER + BAR + KEY + sum(value + note + GAP * (1 + bool(note)) for note in notes)
        titles = list(self._curves)
        beside = bool(titles) and width - wanted >= CHART[0] + GAP and height >= 2 * CHART[1]
        fitting = height // CHART[1] if beside else width // CHART[0] if height >= 16 else 0
        shown = titles[: min(CHARTS, fitting)]
        self.set_class(beside, "-beside")
        self.set_class(not shown, "-bare")
        self._table.styles.width = min(wanted, width) if beside else "1fr"
        self._charts.styles.height = "1fr" if beside else max(CHART[1] + 1, min(height // 3, 14))
        for plot, title in zip(self._plots, [*shown, *[None] * CHARTS], strict=False):
            plot.display = title is not None
            if title is not None:
                plot.title = title
                plot.show(self._curves[title])
        self._fill_head()
        room = (wanted if beside else width) - GUTTER - BAR
        self._fill_table(*measure_runs(lines, len(self._runs), room))

    def _fill_head(self) -> None:
        head, comparison, place = self._head, self._comparison, self._place
        if comparison is None or not comparison.runs:
            head.left, head.right = [(NOBODY, "muted")], ("", "")
        else:
            head.left = [(summarise(comparison), "count"), (", all shown" if self._every else "", "muted")]
            mark = "" if place else f"{BASELINE} "
            head.right = (mark + describe_run(comparison.runs[place]), self._colours[place])
        head.problems = write_problems(comparison) if comparison else []
        head.others = self._others
        if not self._runs and self._others:
            head.left, head.others = [(self._others[0], "muted")], self._others[1:]
        head.styles.height = 1 + len(head.problems) + len(head.others)
        head.redraw()

    def _fill_table(self, value: int, notes: Sequence[int]) -> None:
        table, runs = self._table, self._runs
        lines = list_lines(self._comparison, every=self._every, matching=self._matching) if self._comparison else ()
        columns = [Column("what", "", KEY)]
        for run, title in enumerate(title_runs(runs, value)):
            columns.append(Column(f"{VALUES}{run}", title, value, "right"))
            if notes[run]:
                columns.append(Column(f"note:{run}", "", notes[run]))
        table.columns, table.colours, table.chosen = tuple(columns), self._colours, self._place
        alone = "one run differs from nothing: space in Runs marks others" if runs else "space in Runs marks trainings"
        table.empty = alone if len(runs) < 2 else "nothing like it here" if self._matching else "nothing differs"
        table.show(ListedRows([(line.key, fill_row(line, value, notes)) for line in lines]))


def measure_runs(lines: Sequence[Line], runs: int, room: int | None = None) -> tuple[int, list[int]]:
    """Cells for each value, and for the notes of each run: none at all where not all have room."""
    values = [text for line in lines for text in line.values]
    value = min(max([VALUE, *map(len, values)]), WIDE)
    notes = [max((len(line.notes[run]) for line in lines if line.values), default=0) for run in range(runs)]
    notes = notes[:1] + [max(notes, default=0)] * (runs - 1)
    if room is None or not runs:
        return value, notes
    each = (room - KEY - sum(note + GAP for note in notes if note)) // runs - GAP
    if each >= VALUE:
        return min(value, each), notes
    return max(NARROW, min(value, (room - KEY) // runs - GAP)), [0] * runs


def fill_row(line: Line, value: int, notes: Sequence[int]) -> list[Cell]:
    """The cells of a line, `value` cells wide; without columns for notes, a step stands with its value."""
    if not line.values:
        return [(line.title, "strong"), *[("", "")] * (len(notes) + sum(map(bool, notes)))]
    cells: list[Cell] = [(line.title, "")]
    for text, note, tone, room in zip(drop_shared(line.values, value), line.notes, line.tones, notes, strict=True):
        if room:
            cells += [(text, tone), (note, "muted")]
        else:
            # what the value is of goes with it, the change does not
            cells.append((" ".join([text, *(part for part in note.split() if part[0] in "n@")]), tone))
    return cells
