"""How answers are drawn, as a small form: the system prompt, then the numbers on one line."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from engine.errors import InputError
from engine.records.serving import Sampling
from panels.ask import Ask
from panels.style import read_style
from panels.text import plain

NUMBERS = {"temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "max_tokens": "max", "seed": "seed"}
HINT = "enter applies from the next turn on, esc leaves all as it was"


class SamplingForm(Vertical):
    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Leave as it was", id="sampling.cancel", show=False),
        Binding("down", "app.focus_next", "Next field", id="sampling.next", show=False),
        Binding("up", "app.focus_previous", "Field before", id="sampling.before", show=False),
    ]

    class Changed(Message):
        def __init__(self, system: str | None, sampling: Sampling) -> None:
            super().__init__()
            self.system = system
            self.sampling = sampling

    class Cancelled(Message):
        pass

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sampling = Sampling()

    def compose(self) -> ComposeResult:
        with Horizontal(id="system-row"):
            yield Static("system", classes="label")
            yield Ask(id="system")
        with Horizontal(id="numbers"):
            for name, label in NUMBERS.items():
                yield Static(label, classes="label")
                box = Input(compact=True, id=name, select_on_focus=True)
                box.cursor_blink = False
                yield box
        yield Static(HINT, markup=False, id="sampling-note")

    def show(self, system: str | None, sampling: Sampling) -> None:
        """Fill the fields with what holds now."""
        self._sampling = sampling
        self.query_one("#system", Ask).put(system or "")
        for name in NUMBERS:
            value = getattr(sampling, name)
            self.query_one(f"#{name}", Input).value = (
                "" if value is None else f"{value:g}" if name in ("temperature", "top_p") else str(value)
            )
        self._tell("")

    def action_cancel(self) -> None:
        self.post_message(self.Cancelled())

    @on(Input.Submitted)
    @on(Ask.Submitted)
    def _apply(self, event: Message) -> None:
        event.stop()
        typed = {name: self.query_one(f"#{name}", Input).value.strip() for name in NUMBERS}
        data = self._sampling.to_json() | {name: value or None for name, value in typed.items()}
        try:
            sampling = Sampling.parse(data, "sampling")
        except InputError as error:
            self._tell(error.message)
            return
        self.post_message(self.Changed(self.query_one("#system", Ask).text.strip() or None, sampling))

    def _tell(self, problem: str) -> None:
        note = self.query_one("#sampling-note", Static)
        note.update(f"✗ {plain(problem)}" if problem else HINT)
        note.set_class(bool(problem), "-bad")
