"""All runs of the workspace in one table: sorted, filtered, marked, with a baseline pinned.

Past 300 lines because its columns are described here, beside the panel that shows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from panels.filter import find_trouble, parse_filter
from panels.status import GLYPHS, STATUS_TONES
from panels.style import read_style
from panels.table import ID_END, Cell, Column, Table
from panels.text import format_age, plain

AGE_SECONDS = 15.0
NO_RUNS = "no runs yet: launch one with 6, or charlab train RECIPE"


class RunLine(Protocol):
    """What the table shows of a run."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def partial(self) -> bool: ...
    @property
    def objective(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def loss(self) -> float | None: ...
    @property
    def margin_nats(self) -> float | None: ...
    @property
    def break_rate(self) -> float | None: ...
    @property
    def tokens_per_second(self) -> float | None: ...
    @property
    def created(self) -> float: ...
    @property
    def score(self) -> float | None: ...
    @property
    def score_raw(self) -> float | None: ...
    @property
    def critical(self) -> int | None: ...
    @property
    def problem(self) -> str: ...


def _number(value: float | None, form: str) -> Cell:
    return ("·", "muted") if value is None else (form.format(value), "")


def _breaks(run: RunLine) -> Cell:
    if run.break_rate is None:
        return "·", "muted"
    return f"{run.break_rate:.0%}", "bad" if run.break_rate > 0.1 else "good"


def _critical(run: RunLine) -> Cell:
    if run.critical is None:
        return "·", "muted"
    return f"{run.critical:,}", "bad" if run.critical else "good"


def _status(run: RunLine) -> Cell:
    if run.problem:
        return "✗ unreadable", "bad"
    return f"{GLYPHS.get(run.status, ' ')} {run.status}", STATUS_TONES.get(run.status, "")


def _step(run: RunLine) -> Cell:
    if not run.steps:
        return "·", "muted"
    return f"{run.step:,}/{run.steps:,}", "warn" if run.partial else ""


class Field(Protocol):
    def __call__(self, run: RunLine, /) -> Any: ...


FIELDS: dict[str, tuple[Column, Callable[[RunLine], Cell], Field]] = {
    "id": (Column("id", "run", 34, share=1, keep=ID_END), lambda r: ((r.problem and f"{r.id}: {r.problem}") or r.id, "bad" if r.problem else ""), lambda r: r.id),
    "status": (Column("status", "status", 12), _status, lambda r: r.status),
    "name": (Column("name", "name", 14, rank=9), lambda r: (r.name, ""), lambda r: r.name),
    "kind": (Column("kind", "kind", 7, rank=7), lambda r: (r.kind, "muted"), lambda r: r.kind),
    "objective": (Column("objective", "loss fn", 8, rank=4), lambda r: (r.objective, ""), lambda r: r.objective),
    "base": (Column("base", "base", 21, share=1, rank=6, keep=ID_END), lambda r: (r.base, "muted"), lambda r: r.base),
    "dataset": (Column("dataset", "dataset", 9, share=1, rank=5), lambda r: (r.dataset, "muted"), lambda r: r.dataset),
    "step": (Column("step", "step", 9, "right"), _step, lambda r: r.step),
    "loss": (Column("loss", "loss", 7, "right"), lambda r: _number(r.loss, "{:.3f}"), lambda r: r.loss),
    "margin": (Column("margin", "margin", 7, "right", rank=1), lambda r: _number(r.margin_nats, "{:+.3f}"), lambda r: r.margin_nats),
    "breaks": (Column("breaks", "breaks", 7, "right"), _breaks, lambda r: r.break_rate),
    "score": (Column("score", "score", 6, "right", rank=1), lambda r: _number(r.score, "{:.2f}"), lambda r: r.score),
    "raw": (Column("raw", "raw", 5, "right", rank=3), lambda r: _number(r.score_raw, "{:.2f}"), lambda r: r.score_raw),
    "critical": (Column("critical", "critical", 9, "right", rank=2), _critical, lambda r: r.critical),
    "speed": (Column("speed", "tok/s", 6, "right", rank=3), lambda r: _number(r.tokens_per_second, "{:.0f}"), lambda r: r.tokens_per_second),
    "age": (Column("age", "age", 6, "right", rank=2), lambda r: (format_age(time.time() - r.created) if r.created else "·", "muted"), lambda r: r.created),
}  # fmt: skip
READS = {name: read for name, (_, _, read) in FIELDS.items()} | {"age": lambda run: time.time() - run.created}
"""What a filter compares: as a sort does, but an age is in seconds."""
JUDGED = ("score", "raw", "critical")
"""Columns that are left out while no run has any of them."""


class _Rows:
    def __init__(self, runs: Sequence[RunLine], fields: Sequence[str]) -> None:
        self.runs = runs
        self.shows = [FIELDS[name][1] for name in fields]

    def __len__(self) -> int:
        return len(self.runs)

    def key(self, row: int) -> str:
        return self.runs[row].id

    def cells(self, row: int) -> list[Cell]:
        run = self.runs[row]
        return [show(run) for show in self.shows]


class RunsPanel(Vertical):
    """Runs in, choices out; which are marked and pinned is told to it, not kept by it."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="runs.mark", tooltip="Show this run's curves beside the others"),
        Binding("p", "pin", "Baseline", id="runs.pin", tooltip="Compare every other run against this one"),
        Binding("slash", "filter", "Filter", id="runs.filter"),
        Binding("s", "sort(1)", "Sort", id="runs.sort", tooltip="Sort by the next column"),
        Binding("r", "reverse", "Reverse", id="runs.reverse", show=False),
        Binding("escape", "clear", "Clear filter", id="runs.clear", show=False),
    ]
    HELP = (
        "All runs of the workspace. enter opens a run's curves; space marks it, so that its curves are drawn with the "
        "others; p pins the baseline that Compare measures against.\n\n"
        "The filter takes words (all must occur), key:word as in status:running or base:qwen, comparisons as in "
        "loss<2.5, margin>0, step>=1000 or age<3600 (seconds), and -word for without.\n\n"
        "Once a run is an evaluation, score is the mean of its corrected scores, raw that of what its judge itself gave, "
        "and critical counts answers that fail critically."
    )

    class Marked(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    class Pinned(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    class Opened(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    class Moved(Message):
        """The cursor stands on another run, or on none."""

        def __init__(self, run: str | None) -> None:
            super().__init__()
            self.run = run

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RunsPanel.Moved)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._runs: Sequence[RunLine] = ()
        self._shown: list[RunLine] = []
        self._marks: Mapping[str, str] = {}
        self._fields = [name for name in FIELDS if name not in JUDGED]
        """What is shown of a run."""
        self._sort, self._reverse = "age", True
        self._filter = ""

    def compose(self) -> ComposeResult:
        yield Table((), empty=NO_RUNS)
        with Horizontal(id="filter"):
            yield Input(placeholder="words, status:running, loss<2.5, -word", select_on_focus=False, compact=True)
            yield Label("", id="count", markup=False)

    def on_mount(self) -> None:
        self.set_interval(AGE_SECONDS, self._show)

    def show(self, runs: Sequence[RunLine], *, marked: Sequence[str] = (), baseline: str | None = None) -> None:
        """Show these runs; the cursor stays on the run it was on, and starts on the newest."""
        first = not self._runs
        self._runs = runs
        judged = any(run.score is not None for run in runs)
        self._fields = [name for name in FIELDS if judged or name not in JUDGED]
        if self._sort not in self._fields:
            self._sort, self._reverse = "age", True
        self._marks = {**dict.fromkeys(marked, "●"), **({baseline: "◆"} if baseline else {})}
        self._arrange()
        if first and self._shown:
            self.query_one(Table).action_go_first()

    @property
    def help_sections(self) -> list[tuple[str, str]]:
        return [("Runs", self.HELP)]

    @property
    def cursor_run(self) -> str | None:
        return self.query_one(Table).cursor_key

    def text_to_copy(self) -> str:
        """The id of the run under the cursor."""
        return self.cursor_run or ""

    def _arrange(self) -> None:
        keep = parse_filter(self._filter, READS)
        read = FIELDS[self._sort][2]
        held = [run for run in self._runs if keep(run)]
        there = [run for run in held if read(run) is not None]
        there.sort(key=lambda run: (read(run), run.id), reverse=self._reverse)
        self._shown = there + [run for run in held if read(run) is None]
        self._show()

    def _show(self) -> None:
        table = self.query_one(Table)
        arrow = "↓" if self._reverse else "↑"
        columns = [FIELDS[name][0] for name in self._fields]
        table.columns = tuple(c._replace(title=c.title + arrow if c.key == self._sort else c.title) for c in columns)
        table.empty = "no run matches the filter; esc clears it" if self._filter and self._runs else NO_RUNS
        table.show(_Rows(self._shown, self._fields), marks=self._marks)
        if self._filter:
            trouble = find_trouble(self._filter, READS, self._runs)
            words = [plain(trouble, 40)] if trouble else []
            count = self.query_one("#count", Label)
            count.update(" · ".join([*words, f"{len(self._shown):,} of {len(self._runs):,}"]))
            count.set_class(bool(trouble), "-trouble")

    def action_mark(self) -> None:
        if (run := self.cursor_run) is not None:
            self.post_message(self.Marked(run))

    def action_pin(self) -> None:
        if (run := self.cursor_run) is not None:
            self.post_message(self.Pinned(run))

    def action_sort(self, by: int) -> None:
        names = self._fields
        self._sort = names[(names.index(self._sort) + by) % len(names)]
        # numbers and ages are read from the top, names from A
        self._reverse = self._sort in ("step", "margin", *JUDGED, "speed", "age")
        self._arrange()

    def action_reverse(self) -> None:
        self._reverse = not self._reverse
        self._arrange()

    def action_filter(self) -> None:
        self.query_one("#filter").add_class("-open")
        self.query_one(Input).focus()

    def action_clear(self) -> None:
        self.query_one(Input).value = ""
        self.query_one("#filter").remove_class("-open")
        self.query_one(Table).focus()

    @on(Input.Changed)
    def _take_filter(self, event: Input.Changed) -> None:
        event.stop()
        self._filter = event.value
        self._arrange()

    @on(Input.Submitted)
    def _close_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#filter").set_class(bool(event.value), "-open")
        self.query_one(Table).focus()

    @on(Table.Chosen)
    def _open(self, event: Table.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(event.key))

    @on(Table.Moved)
    def _move(self, event: Table.Moved) -> None:
        event.stop()
        self.post_message(self.Moved(event.key))
