"""What every run took: training, generating and judging, in time, tokens and US dollars, against its budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.table import BAR, GAP, GUTTER, ID_END, Cell, Column, Table, fit, place_columns
from panels.text import plain

METER = 6
NEAR = 0.8
"""The share of a budget from which it is coloured."""


@dataclass(frozen=True)
class CostView:
    """One run, or all of them; a price of None is not known, which is not nought."""

    run: str
    kind: str
    train_seconds: float
    train_tokens: int
    generate_seconds: float
    generate_tokens: int
    judgements: int
    failed: int
    judge_tokens: int
    judge_usd: float | None
    machine_usd: float | None
    """Of training and generating."""
    usd: float | None
    partly: bool
    """Whether something besides `usd` has no price."""
    budget: float | None
    """US dollars that it may spend; None without a limit."""
    spent: float | None
    """What counts against the budget."""


@dataclass(frozen=True)
class LedgerView:
    costs: Sequence[CostView]
    whole: CostView
    unpriced: int
    """Runs with something that has no price."""
    hint: str
    """What would give it one."""


Field = tuple[Column, Callable[[CostView], Cell], Callable[[CostView], Any]]


def _money(usd: float | None, partly: bool = False) -> Cell:
    if usd is None:
        return "·", "muted"
    text = f"{usd:,.2f}" if usd >= 1 or not usd else f"{usd:.4f}"
    return (f"≥ {text}", "muted") if partly else (text, "")


def _count(number: int) -> Cell:
    return (shorten_count(number), "") if number else ("", "")


def _judged(cost: CostView) -> Cell:
    if not cost.judgements:
        return "", ""
    failed = f" ({cost.failed:,}✗)" if cost.failed else ""
    return f"{cost.judgements:,}{failed}", "warn" if cost.failed else ""


def _judge_usd(cost: CostView) -> Cell:
    return _money(cost.judge_usd) if cost.judgements else ("", "")


def _machine_usd(cost: CostView) -> Cell:
    return _money(cost.machine_usd) if _has_worked(cost) else ("", "")


def _has_worked(cost: CostView) -> bool:
    return bool(cost.train_seconds or cost.generate_seconds)


def _whole_usd(cost: CostView) -> Cell:
    return _money(cost.usd, cost.partly) if _has_worked(cost) or cost.judgements else ("", "")


def _budget(cost: CostView) -> Cell:
    if cost.budget is None:
        return "", ""
    if cost.spent is None:
        return f"? of ${cost.budget:,.2f}", "warn"
    share = cost.spent / cost.budget
    filled = min(METER, round(share * METER))
    meter = "█" * filled + "░" * (METER - filled)
    return f"{meter} {share:.0%} of ${cost.budget:,.2f}", "bad" if share >= 1 else "warn" if share >= NEAR else "good"


FIELDS: dict[str, Field] = {
    "run": (Column("run", "run", 34, keep=ID_END), lambda c: (c.run, ""), lambda c: c.run),
    "kind": (Column("kind", "kind", 8, rank=4), lambda c: (c.kind, "muted"), lambda c: c.kind),
    "train": (Column("train", "train", 7, "right"), lambda c: (describe_time(c.train_seconds), ""), lambda c: c.train_seconds),
    "train_tokens": (Column("train_tokens", "tokens", 7, "right", rank=7), lambda c: _count(c.train_tokens), lambda c: c.train_tokens),
    "generate": (Column("generate", "generate", 8, "right"), lambda c: (describe_time(c.generate_seconds), ""), lambda c: c.generate_seconds),
    "generate_tokens": (Column("generate_tokens", "tokens", 7, "right", rank=6), lambda c: _count(c.generate_tokens), lambda c: c.generate_tokens),
    "judged": (Column("judged", "judged", 9, "right", rank=3), _judged, lambda c: c.judgements),
    "judge_tokens": (Column("judge_tokens", "tokens", 7, "right", rank=5), lambda c: _count(c.judge_tokens), lambda c: c.judge_tokens),
    "judge_usd": (Column("judge_usd", "judge $", 7, "right"), _judge_usd, lambda c: c.judge_usd),
    "machine_usd": (Column("machine_usd", "machine $", 9, "right", rank=2), _machine_usd, lambda c: c.machine_usd),
    "usd": (Column("usd", "all $", 8, "right"), _whole_usd, lambda c: c.usd),
    "budget": (Column("budget", "budget", 21, rank=1), _budget, lambda c: c.spent / c.budget if c.budget and c.spent is not None else None),
}  # fmt: skip
COLUMNS = tuple(column for column, _, _ in FIELDS.values())


class _Rows:
    def __init__(self, costs: Sequence[CostView]) -> None:
        self.costs = costs

    def __len__(self) -> int:
        return len(self.costs)

    def key(self, row: int) -> str:
        return self.costs[row].run

    def cells(self, row: int) -> Sequence[Cell]:
        return fill_row(self.costs[row])


class Totals(Lines):
    """The sums under the columns that they are of, and a line on what has no price."""

    DEFAULT_CSS = read_style(__file__)
    LOOKS = ("strong", "muted", "good", "warn", "bad")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"totals--{look}" for look in LOOKS}

    def __init__(self) -> None:
        super().__init__()
        self.ledger: LedgerView | None = None

    def show(self, ledger: LedgerView) -> None:
        self.ledger = ledger
        self.redraw()

    @property
    def wanted(self) -> int:
        """Lines that show all of it."""
        return len(self.draw_lines(max(1, self.size.width), 0))

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        ledger = self.ledger
        if ledger is None or not ledger.costs:
            return []
        style = {look: self.get_component_rich_style(f"totals--{look}") for look in self.LOOKS}
        cells, places = fill_row(ledger.whole), place_columns(COLUMNS, width - GUTTER - BAR)
        segments = [Segment(" " * GUTTER)]
        for place, (index, room) in enumerate(places):
            text, tone = cells[index]
            look = style[tone] if tone in ("good", "warn", "bad") else style["strong"]
            segments.append(Segment(" " * (GAP if place else 0) + fit(text, room, COLUMNS[index].align), look))
        lines = [Strip([Segment("─" * width, style["muted"])]), Strip(segments)]
        meter, tone = cells[-1]
        if meter and len(COLUMNS) - 1 not in [index for index, _ in places]:
            lines.append(Strip([Segment(" " * GUTTER + "budget ", style["muted"]), Segment(meter, style[tone])]))
        if ledger.unpriced:
            runs = "run lacks" if ledger.unpriced == 1 else "runs lack"
            hint = f"· {ledger.unpriced:,} {runs} a price: {ledger.hint}"
            lines.append(Strip([Segment(" " * GUTTER + fit(hint, max(0, width - GUTTER)), style["warn"])]))
        return [line.apply_style(self.rich_style) for line in lines]


class LedgerPanel(Container):
    """Costs in, the run to open out."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort(1)", "Sort", id="ledger.sort", tooltip="Sort by the next column"),
        Binding("r", "reverse", "Reverse", id="ledger.reverse"),
    ]
    HELP = (
        "What every run took: time and tokens of training, of generating answers and of judging them, and what that "
        "cost, all from the runs' own journals. s sorts by the next column, r turns the order round, enter opens a "
        "run.\n\n"
        "judge $ is what the judge's calls cost; a judgement that failed (✗) is paid for too. machine $ is training and "
        "generating by the hour, at CHARLAB_USD_PER_HOUR. A dot has no known price, which is not nought, and ≥ is a sum "
        "of which a part has none. budget is --max-usd of an evaluation, or [budget] max_usd of a recipe, which holds for "
        "all judgements about its training, and what was spent of it."
    )

    class Opened(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ledger: LedgerView | None = None
        self._sort, self._reverse = "run", True

    def compose(self) -> ComposeResult:
        yield Table(COLUMNS, empty="no runs yet, so nothing was spent", id="costs")
        yield Totals()

    def show(self, ledger: LedgerView) -> None:
        first = self.ledger is None
        self.ledger = ledger
        self._arrange()
        if first:
            self.query_one(Table).action_go_first()

    def text_to_copy(self) -> str:
        """The table with its totals, tab-separated."""
        if self.ledger is None:
            return ""
        rows = [[column.title for column in COLUMNS]]
        rows += [[text for text, _ in fill_row(cost)] for cost in (*self._sorted(self.ledger), self.ledger.whole)]
        return "\n".join("\t".join(plain(text) for text in row) for row in rows)

    def action_sort(self, by: int) -> None:
        names = list(FIELDS)
        self._sort = names[(names.index(self._sort) + by) % len(names)]
        # the newest run, the most time, tokens and money come first
        self._reverse = self._sort != "kind"
        self._arrange()

    def action_reverse(self) -> None:
        self._reverse = not self._reverse
        self._arrange()

    def _sorted(self, ledger: LedgerView) -> list[CostView]:
        """What has no value comes last either way."""
        read = FIELDS[self._sort][2]
        there: list[CostView] = [cost for cost in ledger.costs if read(cost) is not None]
        there.sort(key=lambda cost: (read(cost), cost.run), reverse=self._reverse)
        return there + [cost for cost in ledger.costs if read(cost) is None]

    def _arrange(self) -> None:
        if self.ledger is None:
            return
        table = self.query_one(Table)
        arrow = "↓" if self._reverse else "↑"
        table.columns = tuple(c._replace(title=c.title + arrow if c.key == self._sort else c.title) for c in COLUMNS)
        table.show(_Rows(self._sorted(self.ledger)))
        self.query_one(Totals).show(self.ledger)
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """The totals get what they want, where that leaves the table a few lines."""
        totals = self.query_one(Totals)
        totals.styles.height = min(totals.wanted, max(0, self.size.height - 3))

    @on(Table.Chosen)
    def _open(self, event: Table.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(event.key))

    @on(Table.Moved)
    def _keep_to_itself(self, event: Table.Moved) -> None:
        event.stop()


def fill_row(cost: CostView) -> list[Cell]:
    return [show(cost) for _, show, _ in FIELDS.values()]


def describe_time(seconds: float) -> str:
    """'42 s', '12:05', '3:12:05'; empty for none."""
    if not seconds:
        return ""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{seconds:.{0 if seconds >= 10 else 1}f} s"


def shorten_count(number: int) -> str:
    """'812', '12.3k', '4.06M'."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}"
    return str(number)
