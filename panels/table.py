"""The one table of the console: it asks only for the rows in sight, so that 100,000 are as quick as ten.

Longer than most files here: cursor, view, mouse and picture share one state, and other panels draw with its columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from operator import indexOf
from typing import ClassVar, Literal, NamedTuple, Protocol

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.text import plain

GUTTER = 2
GAP = 2
BAR = 1
FLOOR = 8
"""Cells the first column keeps while columns of rank 0 stand beside it."""
NEAR = 200
"""Rows to either side of the cursor's old place where its key is looked for first."""
LONG = 1000
"""Characters of a cell that are looked at."""
WHEEL = 3
ID_END = 12
"""Cells at the end of a run's id that say which kind it is and which one: "-export-8aa0"."""

LOOKS = ("header", "cursor", "mark", "bar", "muted", "strong", "accent", "good", "warn", "bad")

Align = Literal["left", "right"]
Cell = tuple[str, str]
"""A text and its tone: "", "muted", "strong", "accent", "good", "warn" or "bad"."""


class Column(NamedTuple):
    """`width` is cells at least; spare ones go by `share`; short of room, the highest `rank` vanishes first."""

    key: str
    title: str
    width: int
    align: Align = "left"
    share: int = 0
    rank: int = 0
    keep: int = 0
    """Cells at the end of a name that stay where it is cut, since it is there that ids differ."""


class Rows(Protocol):
    """What a table shows; `key` is a row's identity and `cells` has one for each column."""

    def __len__(self) -> int: ...

    def key(self, row: int) -> str: ...

    def cells(self, row: int) -> Sequence[Cell]: ...


class _NoRows:
    def __len__(self) -> int:
        return 0

    def key(self, row: int) -> str:
        raise IndexError(row)

    def cells(self, row: int) -> Sequence[Cell]:
        raise IndexError(row)


class Table(Lines, can_focus=True):
    """A header, rows with a cursor, marks at the left and a thin bar at the right when not all rows are in sight."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"table--{look}" for look in LOOKS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", id="table.up", show=False),
        Binding("down,j", "step(1)", "Down", id="table.down", show=False),
        Binding("pageup,ctrl+u", "turn(-1)", "Page up", id="table.page_up", show=False),
        Binding("pagedown,ctrl+d", "turn(1)", "Page down", id="table.page_down", show=False),
        Binding("home,g", "go_first", "First row", id="table.first", show=False),
        Binding("end,G", "go_last", "Last row", id="table.last", show=False),
        Binding("enter", "choose", "Open", id="table.choose"),
    ]

    class Moved(Message):
        """The cursor stands on another key, or on none when the table is empty."""

        def __init__(self, table: Table, key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            return self.table

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Table.Moved) and message.table is self.table

    class Chosen(Message):
        """Enter on a row, or a click on the row of the cursor."""

        def __init__(self, table: Table, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "nothing here",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.empty = empty
        self._rows: Rows = _NoRows()
        self._marks: Mapping[str, str] = {}
        self._row = 0
        self._key: str | None = None
        self._top = 0
        self._page = 1
        self._follows = True  # the view goes where the cursor goes, until the wheel takes it away
        self._clicked = False

    @property
    def cursor_key(self) -> str | None:
        return self._key

    @property
    def at_end(self) -> bool:
        """Whether the cursor stands on the last row, or there is none."""
        return self._row >= len(self._rows) - 1

    def show(self, rows: Rows, *, marks: Mapping[str, str] = {}) -> None:
        """Show these rows, the cursor on the key that it had; `marks` gives keys a glyph of one cell in the gutter."""
        self._rows, self._marks = rows, marks
        row = None if self._key is None else self._find(self._key)
        self._put_cursor(self._row if row is None else row)
        self.redraw()

    def move_to(self, key: str) -> None:
        """Put the cursor on the row of this key, where there is one."""
        row = self._find(key)
        if row is not None:
            self._go(row)

    # ---------------------------------------------------------------- keys and mouse

    def action_step(self, rows: int) -> None:
        self._go(self._row + rows)

    def action_turn(self, pages: int) -> None:
        self._top += pages * self._page
        self._go(self._row + pages * self._page)

    def action_go_first(self) -> None:
        self._go(0)

    def action_go_last(self) -> None:
        self._go(len(self._rows) - 1)

    def action_choose(self) -> None:
        if self._key is not None:
            self.post_message(self.Chosen(self, self._key))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y - self._head(self.content_size.height)
        row = self._top + line
        if line < 0 or row >= len(self._rows):
            return
        event.stop()
        moved = row != self._row
        if moved:
            self._go(row)
        elif event.chain == 1 or self._clicked:  # the second click of a pair chooses once, not again
            self.action_choose()
        self._clicked = moved

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(WHEEL, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-WHEEL, event)

    def _scroll(self, rows: int, event: events.MouseEvent) -> None:
        top = max(0, min(self._top + rows, len(self._rows) - self._page))
        if top != self._top:
            event.stop()
            self._top = top
            self._follows = top <= self._row < top + self._page
            self.redraw()

    # ---------------------------------------------------------------- the cursor

    def _go(self, row: int) -> None:
        self._follows = True
        self._put_cursor(row)
        self.redraw()

    def _put_cursor(self, row: int) -> None:
        count = len(self._rows)
        self._row = max(0, min(row, count - 1))
        key = self._rows.key(self._row) if count else None
        if key != self._key:
            self._key = key
            self.post_message(self.Moved(self, key))

    def _find(self, key: str) -> int | None:
        count, here = len(self._rows), self._row
        near = range(max(0, here - NEAR), min(count, here + NEAR))
        for span in (range(here, min(count, here + 1)), near, range(count)):
            with suppress(ValueError):
                return span[indexOf(map(self._rows.key, span), key)]
        return None

    # ---------------------------------------------------------------- the picture

    def _head(self, height: int) -> int:
        """Lines of the header, which is left out where no column has a title, and gives way to the cursor's row."""
        return 1 if height > 1 and any(column.title for column in self.columns) else 0

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        head = self._head(height)
        page, count = height - head, len(self._rows)
        self._page = page
        if self._follows and not self._top <= self._row < self._top + page:
            self._top = self._row - page // 2  # to the middle, since every line scrolled by costs a screen of bytes
        self._top = max(0, min(self._top, count - page))
        tones = {"": self.rich_style} | {look: self.get_component_rich_style(f"table--{look}") for look in LOOKS}
        lit = _light(tones)
        places = place_columns(self.columns, width - GUTTER - BAR)
        titles: list[Cell] = [(column.title, "header") for column in self.columns]
        lines = [self._draw_row(width, places, "", titles, " ", tones)] * head
        if not count:
            indent = max(0, width - cell_len(plain(self.empty))) // 2
            text = Segment(" " * indent + fit(self.empty, width - indent), tones["muted"])
            return [*lines, *[Strip.blank(width, tones[""])] * ((page - 1) // 3), Strip([text])]
        thumb = find_thumb(self._top, page, count)
        for line, row in enumerate(range(self._top, min(self._top + page, count))):
            mark, bar = self._marks.get(self._rows.key(row), ""), "▐" if line in thumb else " "
            looks = lit if row == self._row else tones
            lines.append(self._draw_row(width, places, mark, self._rows.cells(row), bar, looks))
        return lines

    def _draw_row(
        self,
        width: int,
        places: Sequence[tuple[int, int]],
        mark: str,
        cells: Sequence[Cell],
        bar: str,
        looks: Mapping[str, Style],
    ) -> Strip:
        segments = [Segment(fit(mark, GUTTER), looks["mark"])]
        for place, (index, room) in enumerate(places):
            text, tone = cells[index]
            gap, column = " " * GAP if place else "", self.columns[index]
            segments.append(Segment(gap + fit(text, room, column.align, column.keep), looks[tone]))
        spare = width - BAR - sum(segment.cell_length for segment in segments)
        segments += [Segment(" " * max(0, spare), looks[""]), Segment(bar, looks["bar"])]
        return Strip(Segment.simplify(segments))


def _light(tones: Mapping[str, Style]) -> dict[str, Style]:
    """The same tones on the row of the cursor; none in reverse video, of which they would be the ground."""
    cursor = tones["cursor"]
    return {
        tone: cursor if cursor.reverse else cursor + Style(color=style.color if tone else None, bold=style.bold)
        for tone, style in tones.items()
    }


def place_columns(columns: Sequence[Column], room: int) -> list[tuple[int, int]]:
    """Which columns are shown in a room of so many cells, by their index, and how wide."""
    if not columns:
        return []
    first = columns[0].width
    going = sorted(range(1, len(columns)), key=lambda i: (columns[i].rank, i))
    while going:
        least = first if columns[going[-1]].rank else min(first, FLOOR)
        if least + sum(columns[i].width + GAP for i in going) <= room:
            break
        going.pop()
    rest = sum(columns[i].width + GAP for i in going)
    widths = {0: max(0, min(first, room - rest))} | {i: columns[i].width for i in sorted(going)}
    spare, shares = room - rest - widths[0], sum(columns[i].share for i in widths)
    places, given, taken = [], 0, 0
    for i, width in widths.items():
        taken += columns[i].share
        upto = spare * taken // shares if shares and spare > 0 else 0
        places.append((i, width + upto - given))
        given = upto
    return places


def find_thumb(top: int, page: int, count: int) -> range:
    """The lines of a page that the thumb of its scroll bar covers; none when all rows are in sight."""
    if count <= page:
        return range(0)
    size = max(1, page * page // count)
    start = round(top * (page - size) / (count - page))
    return range(start, start + size)


def fit(text: str, width: int, align: Align = "left", keep: int = 0) -> str:
    """A text as one harmless line of exactly so many cells; of a name, `keep` cells at its end stay where it is cut."""
    return _fit(text if len(text) <= LONG else text[:LONG] + "…", width, align, keep)


@lru_cache(maxsize=8192)
def _fit(text: str, width: int, align: Align, keep: int) -> str:
    if width < 1:
        return ""
    line = plain(text)
    spare = width - cell_len(line)
    if spare < 0:
        # the beginning says when it was and what it is called, so it keeps half
        end = line[-keep:][-(width // 2) :] if keep and width > 1 and line.isascii() and " " not in line else ""
        return set_cell_size(line, width - 1 - len(end)) + "…" + end
    return " " * spare + line if align == "right" else line + " " * spare
