"""The models that one can talk to, of which one or two are picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from panels.table import ID_END, Cell, Column, Table

COLUMNS = (
    Column("model", "model to talk to", 24, share=3, keep=ID_END),
    Column("what", "what it is", 16, share=2, rank=1),
)
MOST = 2


@dataclass(frozen=True)
class ModelView:
    reference: str
    what: str


class _Listed:
    def __init__(self, models: Sequence[ModelView]) -> None:
        self.models = models

    def __len__(self) -> int:
        return len(self.models)

    def key(self, row: int) -> str:
        return self.models[row].reference

    def cells(self, row: int) -> Sequence[Cell]:
        return [(self.models[row].reference, "strong"), (self.models[row].what, "muted")]


class Models(Table):
    """Space marks one, and a second to stand beside it; enter goes on with those, or with the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="models.mark", tooltip="two stand side by side"),
        Binding("i", "type", "Type a name", id="models.type"),
    ]

    class Picked(Message):
        def __init__(self, references: tuple[str, ...]) -> None:
            super().__init__()
            self.references = references

    class Typing(Message):
        """The name of another model is to be typed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(COLUMNS, empty="no models here: i types the name of one", id=id)
        self.models: tuple[ModelView, ...] = ()
        self.marked: list[str] = []

    def allow_focus(self) -> bool:
        return bool(self.display)

    def show_models(self, models: Sequence[ModelView]) -> None:
        """A model that was typed or marked stays in the list; where another run's come, the cursor is at the first."""
        known = {model.reference for model in models}
        others = self.models[:1] != tuple(models[:1])
        self.models = (*models, *(m for m in self.models if m.reference in self.marked and m.reference not in known))
        self._show_marks()
        if others and models:
            self.move_to(models[0].reference)

    def add(self, reference: str) -> None:
        """List a model that was typed, and mark it."""
        if reference not in {model.reference for model in self.models}:
            self.models = (*self.models, ModelView(reference, "typed"))
        if reference not in self.marked:
            self.mark(reference)
        self.move_to(reference)

    def mark(self, reference: str) -> None:
        """Mark or unmark; a third one takes the place of the second."""
        if reference in self.marked:
            self.marked.remove(reference)
        else:
            self.marked = [*self.marked[: MOST - 1], reference]
        self._show_marks()

    def action_mark(self) -> None:
        if self.cursor_key is not None:
            self.mark(self.cursor_key)

    def action_type(self) -> None:
        self.post_message(self.Typing())

    def action_choose(self) -> None:
        if picked := tuple(self.marked) or ((self.cursor_key,) if self.cursor_key else ()):
            self.post_message(self.Picked(picked))

    def _show_marks(self) -> None:
        self.show(_Listed(self.models), marks={reference: str(n) for n, reference in enumerate(self.marked, 1)})
