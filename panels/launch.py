"""A recipe as a form beside its TOML, what it would take beside both, and the way to start it.

The TOML is the one truth: the form changes a key of it, typing in it refills the form. Past 300 lines with its
five messages and the two ways in step, which read best side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from panels.fields import Problem, find_problems, look_up, read_literal, read_toml
from panels.foot import Foot
from panels.forecast import Forecast, ForecastView
from panels.form import Form
from panels.style import read_style
from panels.text import harmless, plain
from panels.toml_lines import Path, find_line, remove_key, set_key, to_literal
from panels.twin import LENGTHS, write_twin

TINY, NARROW, BROAD = 64, 100, 170
"""Cells below which there is no room for the estimate, below which form and TOML take turns, and from which all
three stand side by side."""
SKELETON = 'name = "new"\nbase = ""\ndataset = ""\nobjective = "orpo"\nseed = 1\n'


@dataclass(frozen=True)
class RecipeFile:
    name: str
    path: str
    """As a person would type it after `charlab train`."""
    text: str


class Launch(Widget):
    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="launch.save"),
        Binding("S,ctrl+j", "start", "Start", id="launch.start"),
        Binding("t", "turn_view", "Form or TOML", id="launch.view"),
        Binding("W", "save_as", "Save under a new name", id="launch.save_as", show=False),
        Binding("u", "undo", "Undo", id="launch.undo", show=False),
        Binding("escape", "back", "Back to the form", id="launch.back"),
    ]

    class Changed(Message):
        """The TOML is another than before."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Launch.Changed)

    class Asked(Message):
        """The recipe is to be started, once that is confirmed. It was valid when this was sent."""

        def __init__(self, name: str, twin: str) -> None:
            super().__init__()
            self.name = name
            self.twin = twin

    class Saved(Message):
        """The text is to be written as the recipe of this name; `show_recipes` then says that it was."""

        def __init__(self, name: str, text: str) -> None:
            super().__init__()
            self.name = name
            self.text = text

    class NameAsked(Message):
        """A person is to be asked for a name; `save_as` takes it."""

        def __init__(self, suggestion: str) -> None:
            super().__init__()
            self.suggestion = suggestion

    def __init__(self, *, readonly: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._readonly = readonly
        self._files: dict[str, RecipeFile] = {}
        self._drafts: dict[str, str] = {}
        self._chosen = ""
        self._text = ""
        self._data: dict[str, Any] = {}
        self._problems: list[Problem] = []
        self._wrong: Problem | None = None
        self._before = ""
        self._stale = False

    def compose(self) -> ComposeResult:
        with Container(id="launch-body"):
            yield Form(id="launch-form")
            yield Source(id="launch-toml", show_line_numbers=True, soft_wrap=False)
            yield ForecastView(id="launch-forecast")
        yield Foot(id="launch-foot")

    # what the console tells

    def show_recipes(self, files: Sequence[RecipeFile], name: str | None = None) -> None:
        """The recipes there are; `name` is opened, else what was open stays so, with what was changed in it."""
        before = self._saved(self._chosen)
        edited = self._text not in ("", before)
        if name not in (None, self._chosen):
            self._keep_draft()
        self._files = {f.name: f for f in files}
        if name is not None and name != self._chosen:
            self._open(name)
        elif not edited and (not self._chosen or self._text != self._saved(self._chosen)):
            self._open(self._chosen if self._chosen in self._files else next(iter(self._files), ""))
        else:
            self._refresh()

    def show_estimate(self, forecast: Forecast) -> None:
        self.query_one(ForecastView).show(forecast)

    def save_as(self, name: str) -> None:
        """Save under a name that a person gave, unless another recipe has it: the recipe says that name too."""
        if name in self._files and name != self._chosen:
            self.notify(
                f"there is a recipe {plain(name, 48)} already: W takes another name", severity="error", markup=False
            )
            return
        self._drafts.pop(self._chosen, None)
        self._chosen = name
        self._replace(set_key(self._text, ("name",), to_literal(name)))
        self.post_message(self.Saved(name, self._text))

    def text_to_copy(self) -> str:
        return self._text

    @property
    def twin(self) -> str:
        """The command that does the same; '' where none does before the recipe is saved."""
        file = self._files.get(self._chosen)
        return write_twin(file.path, file.text, self._text) if file else ""

    # what a person does

    def action_save(self) -> None:
        if self._chosen in self._files:
            self.post_message(self.Saved(self._chosen, self._text))
        else:
            self.action_save_as()

    def action_save_as(self) -> None:
        self.post_message(self.NameAsked(str(self._data.get("name", ""))))

    def action_start(self) -> None:
        if self._problems or self._wrong:
            self.app.bell()
            self.notify("mend what stands below first", severity="warning", markup=False)
            return
        self.post_message(self.Asked(self._chosen or str(self._data["name"]), self.twin))

    def action_turn_view(self) -> None:
        form, source = self.query_one(Form), self.query_one(Source)
        to_source = form.display and (self.has_class("-narrow") or not source.has_focus)
        self.set_class(to_source, "-toml")
        if to_source:
            self._point_at(form.cursor)
            source.focus()
        else:
            form.focus()

    def action_back(self) -> None:
        self.remove_class("-toml")
        self.query_one(Form).focus()

    def action_undo(self) -> None:
        self.query_one(Source).undo()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "back":
            return self.query_one(Source).has_focus
        if action in ("save", "save_as", "start") and not self._data and not self._problems:
            return False  # no recipe is read yet
        return not (self._readonly and action in ("save", "save_as", "start"))

    def focus(self, scroll_visible: bool = True) -> Self:
        self.query_one(Source if self.has_class("-toml") else Form).focus(scroll_visible)
        return self

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < TINY, "-tiny")
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.width >= BROAD, "-broad")

    @on(Form.Set)
    def _set_key(self, event: Form.Set) -> None:
        event.stop()
        text = self._text
        if event.literal is None:
            text = remove_key(text, event.path)
        elif read_literal(event.literal) != look_up(self._data, event.path) or self._stale:
            text = set_key(text, event.path, event.literal)
            if other := LENGTHS.get(event.path):
                text = remove_key(text, other)
        self._replace(text)

    @on(Form.Moved)
    def _follow(self, event: Form.Moved) -> None:
        event.stop()
        self._point_at(event.path)

    @on(Form.Wrong)
    def _note_wrong(self, event: Form.Wrong) -> None:
        event.stop()
        place = ".".join(event.path)
        line = find_line(self._text, event.path)
        wrong = Problem(line, f"'{place}': {event.why}", event.path) if event.why else None
        if wrong != self._wrong:
            self._wrong = wrong
            self._refresh()

    @on(Form.Began)
    def _begin(self, event: Form.Began) -> None:
        event.stop()
        self._before = self._text

    @on(Form.Cancelled)
    def _cancel(self, event: Form.Cancelled) -> None:
        event.stop()
        self._replace(self._before)

    @on(Form.Opened)
    def _open_other(self, event: Form.Opened) -> None:
        event.stop()
        self._keep_draft()
        self._open(event.name)

    @on(TextArea.Changed)
    def _take(self, event: TextArea.Changed) -> None:
        event.stop()
        if event.text_area.text != self._text:
            self._read(event.text_area.text)

    def _point_at(self, path: Path) -> None:
        """Put the cursor of the TOML where the key stands, or the table that would hold it."""
        if (line := find_line(self._text, path)) is not None:
            self.query_one(Source).move_cursor((line - 1, 0))

    # the text, and all that follows from it

    def _open(self, name: str) -> None:
        self._chosen = name if name in self._files else ""
        source = self.query_one(Source)
        source.load_text(self._drafts.pop(self._chosen, "") or self._saved(self._chosen))
        self._read(source.text)

    def _keep_draft(self) -> None:
        """What was changed and not saved waits until its recipe is opened again."""
        if self._text not in ("", self._saved(self._chosen)):
            self._drafts[self._chosen] = self._text

    def _saved(self, name: str) -> str:
        return self._files[name].text if name in self._files else SKELETON

    def _replace(self, text: str) -> None:
        """The new text, of which the source takes only what differs, so that it can be undone."""
        if text == self._text:
            return
        source, old = self.query_one(Source), self._text
        start = next((i for i, (a, b) in enumerate(zip(old, text, strict=False)) if a != b), min(len(old), len(text)))
        most = min(len(old), len(text)) - start
        same = next((i for i in range(most) if old[-1 - i] != text[-1 - i]), most)
        self._read(text)
        source.replace(text[start : len(text) - same], locate(old, start), locate(old, len(old) - same))

    def _read(self, text: str) -> None:
        self._text = text
        read = read_toml(text)
        self._stale = isinstance(read, Problem)
        if isinstance(read, Problem):
            self._problems = [read]
        else:
            self._data = read
            self._problems = find_problems(read, text)
        self._refresh()
        self.post_message(self.Changed(text))

    def _refresh(self) -> None:
        bad = {p.path for p in self._problems if p.path} | (
            {self._wrong.path} if self._wrong and self._wrong.path else set()
        )
        self.query_one(Form).show(
            self._data,
            names=list(self._files),
            name=self._chosen,
            changed=self._text != self._saved(self._chosen),
            stale=self._stale,
            bad=bad,
        )
        problems = [*([self._wrong] if self._wrong else []), *self._problems]
        self.query_one(Foot).show(problems, self.twin, in_file=self._chosen in self._files)


class Source(TextArea):
    """The TOML; what could steer a terminal is shown as a mark, and stays in the text."""

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        shown = line if line.isascii() and line.isprintable() else "".join(harmless(c) or "�" for c in line)
        return Text(shown if len(shown) == len(line) else line.replace("\x1b", "�"), end="", no_wrap=True)


def locate(text: str, index: int) -> tuple[int, int]:
    """Row and column of an offset."""
    return text.count("\n", 0, index), index - (text.rfind("\n", 0, index) + 1)
