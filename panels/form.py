"""A recipe as a form: one row a key, defaults dim, choices turned with left and right, the rest typed in place.

Past 300 lines: moving, drawing and typing in place share one cursor.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input, OptionList

from engine.errors import RecipeError
from panels.fields import Field, look_up, parse_typed, read_fields, show_value
from panels.lines import Lines
from panels.style import read_style
from panels.text import plain
from panels.toml_lines import Path, to_literal
from panels.wrap import fold

FILE: Path = ()
"""The row above all keys, which says what recipe is open."""
OBJECTIVES = ("orpo", "simpo", "dpo")
"""Tables that only speak when theirs is the objective."""
HELP = 3


class Form(Lines, can_focus=True):
    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"form--{tone}" for tone in ("table", "key", "default", "set", "bad", "cursor", "muted")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", id="form.up", show=False),
        Binding("down,j", "step(1)", "Down", id="form.down", show=False),
        Binding("pageup,ctrl+u", "step(-10)", "Page up", id="form.page_up", show=False),
        Binding("pagedown,ctrl+d", "step(10)", "Page down", id="form.page_down", show=False),
        Binding("home,g", "step(-999)", "First key", id="form.first", show=False),
        Binding("end,G", "step(999)", "Last key", id="form.last", show=False),
        Binding("ctrl+up,left_curly_bracket", "turn_table(-1)", "Table before", id="form.table_before", show=False),
        Binding("ctrl+down,right_curly_bracket", "turn_table(1)", "Next table", id="form.next_table", show=False),
        Binding("left,h", "turn(-1)", "Choice before", id="form.before", show=False),
        Binding("right,l,space", "turn(1)", "Next choice", id="form.next", show=False),
        Binding("enter", "edit", "Edit", id="form.edit"),
        Binding("x,delete,backspace", "unset", "Default", id="form.unset"),
    ]

    class Set(Message):
        """A key is to have a value, written as TOML; None unsets it."""

        def __init__(self, path: Path, literal: str | None) -> None:
            super().__init__()
            self.path = path
            self.literal = literal

    class Wrong(Message):
        """What is typed so far cannot stand there, and why; '' when it can again."""

        def __init__(self, path: Path, why: str) -> None:
            super().__init__()
            self.path = path
            self.why = why

    class Began(Message):
        """Typing begins; `Cancelled` asks for what stood before it."""

    class Cancelled(Message):
        pass

    class Moved(Message):
        """The cursor stands on another key."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Form.Moved)

    class Opened(Message):
        """Another recipe is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._data: dict[str, Any] = {}
        self._names: tuple[str, ...] = ()
        self._chosen = ""
        self._changed = False
        self._stale = False
        self._bad: frozenset[Path] = frozenset()
        self._cursor: Path = FILE
        self._rows: list[Field | str | None] = [None]
        self._top = 0
        self._editing: Field | None = None

    def compose(self) -> ComposeResult:
        yield Input(compact=True)
        yield OptionList(compact=True, markup=False)

    @property
    def cursor(self) -> Path:
        return self._cursor

    @property
    def is_editing(self) -> bool:
        return self._editing is not None

    def show(
        self,
        data: dict[str, Any],
        *,
        names: Sequence[str],
        name: str,
        changed: bool,
        stale: bool,
        bad: Collection[Path],
    ) -> None:
        """The recipe's keys; `stale` when its text cannot be read now and these are the last that could."""
        self._data, self._names, self._chosen = data, tuple(names), name
        self._changed, self._stale, self._bad = changed, stale, frozenset(bad)
        self._rows = self._list_rows()
        if self._cursor not in self._paths():
            self._cursor = FILE
        self.redraw()

    def move_to(self, path: Path) -> None:
        if path in self._paths() and path != self._cursor:
            if self.is_editing:
                self._leave()
            self._cursor = path
            self.redraw()
            self.post_message(self.Moved(path))

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        room = max(1, height - HELP - 1) if height > 2 * HELP else height
        here = next((i for i, row in enumerate(self._rows) if _path(row) == self._cursor), 0)
        self._top = max(0, min(max(self._top, here - room + 2), max(0, here - 1), len(self._rows) - 1))
        if here == 0:
            self._top = 0
        rows = self._rows[self._top : self._top + room]
        strips = [self._draw_row(row, width) for row in rows]
        if room < height:
            ground = self.rich_style
            strips += [Strip.blank(width, ground)] * (room + 1 - len(strips))
            strips += self._draw_help(width)
        return strips

    def action_step(self, count: int) -> None:
        paths = self._paths()
        self.move_to(paths[max(0, min(len(paths) - 1, paths.index(self._cursor) + count))])

    def action_turn_table(self, count: int) -> None:
        paths = self._paths()
        starts = [p for i, p in enumerate(paths) if i == 0 or _table(p) != _table(paths[i - 1])]
        at = max(i for i, p in enumerate(starts) if paths.index(p) <= paths.index(self._cursor))
        at = at if count < 0 and starts[at] != self._cursor else at + count
        self.move_to(starts[max(0, min(len(starts) - 1, at))])

    def action_turn(self, count: int) -> None:
        field = self._field()
        if field is None:
            if self._chosen in self._names and len(self._names) > 1:
                self.post_message(
                    self.Opened(self._names[(self._names.index(self._chosen) + count) % len(self._names)])
                )
            return
        if field.kind not in ("choice", "flag"):
            return
        choices: tuple[Any, ...] = (False, True) if field.kind == "flag" else field.choices
        now = look_up(self._data, field.path)
        now = field.default if now is None else now
        at = choices.index(now) + count if now in choices else 0
        self.post_message(self.Set(field.path, to_literal(choices[at % len(choices)])))

    def action_unset(self) -> None:
        field = self._field()
        if field is not None and look_up(self._data, field.path) is not None:
            self.post_message(self.Set(field.path, None))

    def action_edit(self) -> None:
        field = self._field()
        if field is None:
            self._open_names()
        elif field.kind in ("choice", "flag"):
            self.action_turn(1)
        else:
            value = look_up(self._data, field.path)
            typed = show_value(field.default if value is None else value)
            if plain(typed) != typed.strip():
                # a field of one line would lose what it cannot show
                self.notify(f"{field.dotted} has line breaks or signs unseen: change it in the TOML", markup=False)
                return
            self._editing = field
            box = self.query_one(Input)
            self._place(box)
            with self.prevent(Input.Changed):
                box.value = typed
            box.display = True
            box.focus()
            self.post_message(self.Began())

    def on_click(self, event: events.Click) -> None:
        row = self._top + event.y
        if row < len(self._rows) and event.widget is self and (path := _path(self._rows[row])) is not None:
            if path == self._cursor:
                self.action_edit()
            self.move_to(path)

    def on_mouse_scroll_down(self) -> None:
        self.action_step(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_step(-3)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        event.stop()
        if self._editing is not None and event.input.value == event.value:
            self._say(self._editing, event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if self._editing is not None and self._say(self._editing, event.value):
            self._leave()

    @on(OptionList.OptionSelected)
    def _pick(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._leave()
        self.post_message(self.Opened(self._names[event.option_index]))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and (self.is_editing or self.query_one(OptionList).display):
            event.stop()
            if self.is_editing:
                self.post_message(self.Cancelled())
            self._leave()

    def on_descendant_blur(self) -> None:
        if self.app.focused not in self._boxes():
            self._leave(focus=False)

    def on_resize(self) -> None:
        for box in self._boxes():
            if box.display:
                self.redraw()
                self._place(box)

    def _say(self, field: Field, typed: str) -> bool:
        """Pass on what is typed so far, if it can stand there."""
        try:
            literal = parse_typed(field, typed) if typed.strip() else None
        except RecipeError as error:
            self.post_message(self.Wrong(field.path, f"{error.message}: {error.fix}"))
            return False
        self.post_message(self.Wrong(field.path, ""))
        self.post_message(self.Set(field.path, literal))
        return True

    def _boxes(self) -> tuple[Input, OptionList]:
        return self.query_one(Input), self.query_one(OptionList)

    def _leave(self, focus: bool = True) -> None:
        """Close whatever is open in place."""
        if self._editing is not None:
            self.post_message(self.Wrong(self._editing.path, ""))
        self._editing = None
        for box in self._boxes():
            box.display = False
        if focus:
            self.focus()

    def _open_names(self) -> None:
        if len(self._names) < 2:
            return
        box = self.query_one(OptionList)
        box.clear_options()
        box.add_options([plain(n) for n in self._names])
        self._place(box)
        box.styles.height = min(len(self._names), max(1, self.size.height - 2))
        box.highlighted = self._names.index(self._chosen) if self._chosen in self._names else 0
        box.display = True
        box.focus()

    def _place(self, box: Input | OptionList) -> None:
        """Where the value under the cursor stands."""
        left = self._key_width() + 2
        here = next(i for i, row in enumerate(self._rows) if _path(row) == self._cursor) - self._top
        box.styles.offset = (left, here)
        box.styles.width = max(4, self.content_size.width - left)

    def _field(self) -> Field | None:
        return next((r for r in self._rows if isinstance(r, Field) and r.path == self._cursor), None)

    def _paths(self) -> list[Path]:
        return [path for row in self._rows if (path := _path(row)) is not None]

    def _list_rows(self) -> list[Field | str | None]:
        """None for the file's row, a text for a heading ('' for a gap), a field for each key."""
        rows: list[Field | str | None] = [None]
        table = None
        for field in read_fields():
            name = _table(field.path)
            if name in OBJECTIVES and name != self._data.get("objective") and name not in self._data:
                continue
            if name != table:
                rows += ["", name] if name else [""]
                table = name
            rows.append(field)
        return rows

    def _key_width(self) -> int:
        return 25 if self.content_size.width >= 50 else max(8, min(18, self.content_size.width // 2))

    def _draw_row(self, row: Field | str | None, width: int) -> Strip:
        ground = self.rich_style
        if isinstance(row, str):
            return Strip([Segment(f" {row}", self._style("table"))]).adjust_cell_length(width, ground)
        at = self._cursor == _path(row)
        cursor = self._style("cursor")

        def look(tone: str) -> Style:
            style = self._style(tone)
            if not at:
                return style
            return cursor if cursor.reverse else cursor + Style(color=style.color, bold=style.bold)

        keys = self._key_width()
        if row is None:
            key, value, tone = "recipe", plain(self._chosen) or "new", "set"
            turns = len(self._names) > 1
            place = f"{self._names.index(self._chosen) + 1}/{len(self._names)}" if self._chosen in self._names else ""
            note = " ".join(filter(None, ["changed" if self._changed else "", place if turns else ""]))
        else:
            key, note, turns = row.path[-1], "", row.kind in ("choice", "flag")
            given = look_up(self._data, row.path)
            value = plain(show_value(row.default if given is None else given)) or ("required" if row.required else "–")
            tone = "default" if given is None else "set"
            if any(row.path == bad[: len(row.path)] for bad in self._bad) or (row.required and given is None):
                tone = "bad"
        if self._stale and tone == "set":
            tone = "default"
        turns = turns and at and self.has_focus
        if turns:
            value = f"‹ {value} ›"
        room = max(0, width - keys - (0 if turns else 2))
        if cell_len(value) > room:
            value = set_cell_size(value, max(0, room - 1)) + "…"
        if at and tone == "default":
            tone = "muted"
        spare = width - keys - 3 - cell_len(value)
        note = next((n for n in (note, note.partition(" ")[0]) if cell_len(n) <= spare), "")
        segments = [
            Segment(set_cell_size(f"  {key if len(key) <= keys - 3 else key[: keys - 4] + '…'}", keys), look("key")),
            Segment(value if turns else f"  {value}", look(tone)),
            Segment(f" {note}" if note else "", look("muted")),
        ]
        return Strip(segments).adjust_cell_length(width, look("key") if at else ground)

    def _draw_help(self, width: int) -> list[Strip]:
        """What the key under the cursor is: its name and what it takes, then its own words."""
        field = self._field()
        ground, muted = self.rich_style, self._style("muted")
        if field is None:
            head, words = "recipe", "left and right turn to the next one, enter lists them"
        else:
            head = field.dotted
            default = "required" if field.required else f"default {plain(show_value(field.default)) or 'open'}"
            words = ". ".join(filter(None, [field.help.rstrip("."), f"{field.takes}; {default}"]))
        lines = fold(f"{head}: {words}", max(8, width - 3))[:HELP]
        strips = []
        for index, line in enumerate(lines):
            cut = len(head) if index == 0 and line.startswith(head) else 0
            parts = [Segment(f" {line[:cut]}", ground), Segment(line[cut:], muted)]
            strips.append(Strip(parts).adjust_cell_length(width, ground))
        return strips

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"form--{tone}")


def _path(row: Field | str | None) -> Path | None:
    return FILE if row is None else row.path if isinstance(row, Field) else None


def _table(path: Path) -> str:
    return path[0] if len(path) > 1 else ""
