"""The datasets of a workspace, and the rows of one: what is in them, and what is wrong with each.

Longer than other files because everything that a dataset must show is declared here, beside the panel that asks for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import ClassVar, Literal, Protocol

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from panels.filter import parse_words
from panels.pair import PairText, PairView
from panels.spread import Lengths, Spread
from panels.style import read_style
from panels.table import Cell, Column, Table
from panels.text import plain

WIDE, NARROW = 160, 100
"""Cells from which the rows stand beside their text, and below which little room is left for the summary."""
LOW = 18
"""Lines below which the summary gives way."""
NOTES = 3
SLICE = 10_000
"""Rows that are looked through at a time, in a few milliseconds."""
FIRST_WORDS = 200
"""Characters of a prompt that a table ever shows."""
SEALS: Mapping[str, Cell] = {"sealed": ("sealed", "good"), "changed": ("changed", "warn"), "unsealed": ("no", "muted")}

DATASET_COLUMNS = (
    Column("name", "dataset", 12, share=1),
    Column("kind", "kind", 10, rank=2),
    Column("rows", "rows", 7, "right"),
    Column("categories", "categories", 10, "right", rank=1),
    Column("seal", "sealed", 8),
)
ROW_COLUMNS = (
    Column("id", "id", 16, share=1),
    Column("category", "category", 15, rank=2),
    Column("chosen", "chosen", 6, "right", rank=1),
    Column("rejected", "rejected", 8, "right", rank=1),
    Column("findings", "▲", 2, "right"),
    Column("prompt", "prompt", 16, share=4),
)


class ListedView(Protocol):
    """A dataset in the listing; what is not known is None."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def categories(self) -> int | None: ...
    @property
    def seal(self) -> Literal["sealed", "changed", "unsealed"]: ...


class DatasetView(Protocol):
    """A dataset that was read, its items in the order of their lines."""

    @property
    def name(self) -> str: ...
    @property
    def seal(self) -> Literal["sealed", "changed", "unsealed"]: ...
    @property
    def items(self) -> Sequence[PairView]: ...
    @property
    def with_findings(self) -> int: ...
    @property
    def categories(self) -> Mapping[str, int]: ...
    @property
    def lengths(self) -> Lengths: ...
    @property
    def prompts(self) -> int: ...
    @property
    def probes(self) -> int: ...
    @property
    def notes(self) -> Sequence[str]: ...


class _Listing:
    def __init__(self, datasets: Sequence[ListedView]) -> None:
        self.datasets = datasets

    def __len__(self) -> int:
        return len(self.datasets)

    def key(self, row: int) -> str:
        return self.datasets[row].name

    def cells(self, row: int) -> Sequence[Cell]:
        one = self.datasets[row]
        counts = ["" if count is None else f"{count:,}" for count in (one.rows, one.categories)]
        return [(one.name, "strong"), (one.kind, "muted"), (counts[0], ""), (counts[1], "muted"), SEALS[one.seal]]


class _Picked:
    """The items that are in sight, by their place among all."""

    def __init__(self, items: Sequence[PairView], picked: Sequence[int]) -> None:
        self.items, self.picked = items, picked

    def __len__(self) -> int:
        return len(self.picked)

    def key(self, row: int) -> str:
        return str(self.items[self.picked[row]].line)

    def cells(self, row: int) -> Sequence[Cell]:
        item = self.items[self.picked[row]]
        return [
            (item.id, "") if item.id else (f"line {item.line}", "muted"),
            (item.category, "muted"),
            (f"{item.chosen_words:,}", ""),
            (f"{item.rejected_words:,}", ""),
            (str(len(item.findings)), "warn") if item.findings else ("·", "muted"),
            (item.asked[:FIRST_WORDS], "") if item.asked else (item.raw[:FIRST_WORDS], "muted"),
        ]


class DatasetsPanel(Container):
    """Datasets in, the one to read out. Enter goes one layer in (datasets, rows, text), escape one out."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="datasets.filter"),
        Binding("f", "cycle_findings", "Findings", id="datasets.findings", tooltip="All rows, or those with findings"),
        Binding("n", "step_row(1)", "Next row", id="datasets.next", tooltip="The next row, also while reading one"),
        Binding("N", "step_row(-1)", "Row before", id="datasets.previous", show=False),
        Binding("shift+down", "scroll_text(1)", "Text down", id="datasets.text_down", show=False),
        Binding("shift+up", "scroll_text(-1)", "Text up", id="datasets.text_up", show=False),
        Binding("escape", "leave", "Back", id="datasets.back", show=False),
    ]
    HELP = (
        "The datasets of the workspace. enter opens one: its rows stand below with the text of the row under the "
        "cursor, enter there goes into the text to scroll it, esc comes back. Words that the other answer lacks are "
        "in colour. ▲ counts what is wrong with a row: it cannot be used, repeats another or a sealed prompt, or its "
        "answers are nearly the same; f shows only such rows.\n\n"
        "The filter takes words (all must occur in a row's texts, category or findings), and -word for without. "
        "A dataset is sealed when its manifest is of these very rows, changed when it is of others."
    )

    class Opened(Message):
        """A dataset is to be read, and then shown with `show_dataset`."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view: DatasetView | None = None
        self.picked: Sequence[int] = ()
        """The places of the rows in sight, among all."""
        self.only_findings = False
        self._words = ""
        self._found: list[int] = []
        """The places found so far by the search that is under way."""
        self._datasets: Sequence[ListedView] = ()

    def compose(self) -> ComposeResult:
        with Container(id="top"):
            yield Table(DATASET_COLUMNS, empty="no datasets here: charlab new-character lays one out", id="listing")
            yield Spread(id="spread")
        with Container(id="line"):
            yield Static("enter opens a dataset", id="facts", markup=False)
            words = Input(placeholder="words, -word", compact=True, select_on_focus=False, id="filter")
            words.cursor_blink = False
            yield words
        yield Static(id="notes", markup=False)
        with Container(id="body"):
            yield Table(ROW_COLUMNS, empty="", id="rows")
            yield PairText(id="pair")

    # what is shown

    def show_datasets(self, datasets: Sequence[ListedView]) -> None:
        self._datasets = datasets
        marks = {self.view.name: "●"} if self.view else {}
        self.query_one("#listing", Table).show(_Listing(datasets), marks=marks)

    def open(self, name: str) -> None:
        """Ask for a dataset."""
        self.query_one("#facts", Static).update(
            Content.assemble((plain(name), "bold"), ("  reading it", "$foreground-muted"))
        )
        self.post_message(self.Opened(name))

    def show_dataset(self, view: DatasetView) -> None:
        """Show a dataset; where it is the one that was shown, filter and cursor stay."""
        same = self.view is not None and self.view.name == view.name
        self.view = view
        listing, rows, words = self.query_one("#listing", Table), self.query_one("#rows", Table), self.query_one(Input)
        if not same:
            self.only_findings, self._words = False, ""
            with words.prevent(Input.Changed):
                words.value = ""
            words.remove_class("-open")
        self.show_datasets(self._datasets)
        self.query_one(Spread).show(view.categories, view.lengths)
        notes = self.query_one("#notes", Static)
        notes.update(Content("\n".join(f"▲ {plain(note, 500)}" for note in view.notes[:NOTES])))
        notes.display = bool(view.notes)
        self._pick()
        if not same:
            rows.action_go_first()
        self._show_pair()
        if listing.has_focus:
            rows.focus()

    def show_trouble(self, text: str) -> None:
        """Say why a dataset could not be read."""
        self.query_one("#facts", Static).update(Content.styled(plain(text, 500), "$text-error"))

    def text_to_copy(self) -> str:
        """The row in sight as it lies in its file; the dataset's name while the cursor is among the datasets."""
        listing = self.query_one("#listing", Table)
        pair = self.query_one(PairText).pair
        return listing.cursor_key or "" if listing.has_focus or pair is None else pair.raw

    def _pick(self) -> None:
        """Show the rows that hold all wanted words, none unwanted, and findings if asked."""
        if self.view is None:
            return
        self._found = []
        if self._words or self.only_findings:
            self._look_through(self._found, parse_words(self._words), 0)
        else:
            self._show_picked(self.view, range(len(self.view.items)))

    def _look_through(self, found: list[int], keeps: Callable[[str], bool], start: int) -> None:
        """Search a slice of the rows and leave the next for later, so that no key waits for all of them."""
        if self.view is None or found is not self._found:
            return  # another search has begun
        items, stop = self.view.items, start + SLICE
        for place, item in enumerate(items[start:stop], start):
            if (item.findings or not self.only_findings) and keeps(item.search):
                found.append(place)
        if stop < len(items):
            self.call_later(self._look_through, found, keeps, stop)
        elif self.query("#rows"):  # a console that is left has none
            self._show_picked(self.view, found)

    def _show_picked(self, view: DatasetView, picked: Sequence[int]) -> None:
        self.picked = picked
        rows = self.query_one("#rows", Table)
        rows.empty = "no row is like that; esc shows all" if self._words or self.only_findings else "no rows"
        rows.show(_Picked(view.items, picked))
        self._show_facts(view)
        self._show_pair()

    def _show_facts(self, view: DatasetView) -> None:
        muted = "$foreground-muted"
        count = f"  {len(view.items):,} rows"
        if self._words or self.only_findings:
            count = f"  {len(self.picked):,} of {len(view.items):,} rows"
        if self.only_findings or view.with_findings:
            found = (
                "  with findings" if self.only_findings else f"  {view.with_findings:,} with findings",
                "$text-warning",
            )
        else:
            found = ("  no findings", muted)
        asked = (f"  {view.prompts:,} prompts  {view.probes:,} probes", muted)
        changed = ("  changed since sealed", "$text-warning") if view.seal == "changed" else ""
        self.query_one("#facts", Static).update(
            Content.assemble((plain(view.name), "bold"), count, found, asked, changed)
        )

    def _show_pair(self) -> None:
        key = self.query_one("#rows", Table).cursor_key
        pair = None
        if self.view is not None and key is not None:
            # while the rows of a changed dataset are searched, the table still has those before
            at = bisect_left(self.view.items, int(key), key=attrgetter("line"))
            pair = next(iter(self.view.items[at : at + 1]), None)
        self.query_one(PairText).show(pair)

    # keys

    def action_filter(self) -> None:
        if self.view is not None:
            self.query_one(Input).add_class("-open").focus()

    def action_cycle_findings(self) -> None:
        if self.view is not None:
            self.only_findings = not self.only_findings
            self._pick()

    def action_step_row(self, rows: int) -> None:
        self.query_one("#rows", Table).action_step(rows)

    def action_scroll_text(self, lines: int) -> None:
        self.query_one(PairText).action_scroll_by(lines)

    def action_leave(self) -> None:
        """One layer out: of the filter, the text, the rows; past the datasets it is another's key."""
        listing, rows, words = self.query_one("#listing", Table), self.query_one("#rows", Table), self.query_one(Input)
        if words.has_focus or (rows.has_focus and self._words):
            words.value = ""
            words.remove_class("-open")
            rows.focus()
        elif self.query_one(PairText).has_focus:
            rows.focus()
        elif rows.has_focus and self.only_findings:
            self.action_cycle_findings()
        elif rows.has_focus:
            self._make_room(inside=False)
            listing.focus()
        else:
            raise SkipAction()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if self.view is not None:
            self._words = event.value.strip()
            self._pick()

    @on(Input.Submitted)
    def _close_filter(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.set_class(bool(event.value), "-open")
        self.query_one("#rows", Table).focus()

    @on(Table.Chosen, "#listing")
    def _open(self, event: Table.Chosen) -> None:
        event.stop()
        self.open(event.key)

    @on(Table.Chosen, "#rows")
    def _read(self, event: Table.Chosen) -> None:
        event.stop()
        self.query_one(PairText).focus()

    @on(Table.Moved)
    def _move(self, event: Table.Moved) -> None:
        event.stop()
        if event.table.id == "rows":
            self._show_pair()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(width < NARROW, "-narrow")
        self.set_class(width >= WIDE, "-wide")
        self.set_class(height < LOW, "-low")
        self._make_room()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._make_room()

    def _make_room(self, inside: bool | None = None) -> None:
        """On a narrow screen the datasets give way to the rows while those are read."""
        if inside is None:
            inside = self.view is not None and not self.query_one("#listing").has_focus
        self.query_one("#top").display = not (inside and self.has_class("-narrow"))
