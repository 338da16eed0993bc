"""Evaluations: scores by stratum beside a baseline's, the verdict, and every judged answer, regressions first.

Longer than other panels because it has two pages, figures and answers, which share keys, focus and what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from panels.filter import parse_words
from panels.forest import Forest, StratumView
from panels.judgement import ItemText, ItemView, JudgedView, write_item
from panels.scrolled import Scrolled
from panels.status import GLYPHS, STATUS_TONES
from panels.style import read_style
from panels.table import ID_END, Cell, Column, Table
from panels.text import plain
from panels.verdict import VerdictText, VerdictView, write_verdict
from panels.wrap import Runs, wrap

WIDE, TALL = 140, 40
"""Cells from which figures and verdict, or answers and their text, stand abreast, and lines from which both pages do."""
MOST_LISTED, MOST_FACTS = 6, 2
FIRST_WORDS = 200
STILL_SECONDS = 0.15
"""Without a move of the cursor, before the evaluation under it is read."""
NOBODY = "no evaluations yet: charlab eval MODEL --prompts DATASET --judge JUDGE"
UNPINNED = "p pins an evaluation as the baseline: the others are then compared with it"

LISTED = (
    Column("model", "model", 26, share=3, keep=ID_END),
    Column("judge", "judge", 20, share=1),
    Column("prompts", "prompts", 12, rank=4),
    Column("when", "begun", 13, rank=3),
    Column("status", "status", 10, rank=2),
    Column("answers", "judged", 7, "right", rank=1),
    Column("score", "corrected", 9, "right"),
    Column("raw", "raw", 5, "right"),
    Column("critical", "critical", 8, "right"),
)
ANSWERS = (
    Column("title", "prompt", 12, share=1),
    Column("was", "was", 9, "right"),
    Column("corrected", "corrected", 9, "right"),
    Column("change", "change", 6, "right"),
    Column("raw", "raw", 5, "right", rank=2),
    Column("critical", "critical", 16, share=1, rank=1),
    Column("category", "category", 21, rank=4),
    Column("difficulty", "level", 6, rank=5),
    Column("asked", "question", 24, share=4, rank=3),
)
ALONE = tuple(column for column in ANSWERS if column.key not in ("was", "change"))
"""Without a baseline to compare with."""


@dataclass(frozen=True)
class EvaluationView:
    """One evaluation in the listing; `score` is the mean of corrected scores, `raw` that of the judge's own."""

    id: str
    model: str
    judge: str
    triage: bool
    prompts: str
    status: str
    judged: int
    wanted: int
    score: float | None
    raw: float | None
    critical: int | None


@dataclass(frozen=True)
class DetailView:
    """One evaluation that was read, and what it is compared with."""

    id: str
    facts: str
    """Rubric, answers, cost."""
    error: str
    """Why the run failed; empty where it did not."""
    states: Mapping[str, int]
    """How many judgements failed, by state."""
    bounds: tuple[float, float] | None
    """Of the corrected mean, if all that failed were worst, or best."""
    triage: bool
    critical: Sequence[tuple[str, int, int | None]]
    """Critical failures by name, with the baseline's count where there is one."""
    strata: Sequence[StratumView]
    baseline: str
    """The model that it is compared with; empty without one."""
    verdict: VerdictView | None
    instead: str
    """Why there is no verdict."""
    items: Sequence[ItemView]


Order = Callable[[ItemView], tuple[object, ...]]
_NEVER = float("inf")


def _by_regression(item: ItemView) -> tuple[object, ...]:
    return _NEVER if item.change is None else item.change, item.id


def _by_score(item: ItemView) -> tuple[object, ...]:
    return _NEVER if item.mine.corrected is None else item.mine.corrected, item.id


def _by_failure(item: ItemView) -> tuple[object, ...]:
    return item.mine.corrected is not None, item.mine.state, *_by_regression(item)


def _by_category(item: ItemView) -> tuple[object, ...]:
    return item.category, *_by_regression(item)


ORDERS: Mapping[str, Order] = {
    "regressions": _by_regression,
    "lowest": _by_score,
    "failed judgements": _by_failure,
    "category": _by_category,
}


class _Listing:
    def __init__(self, rows: Sequence[EvaluationView]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, row: int) -> str:
        return self.rows[row].id

    def cells(self, row: int) -> Sequence[Cell]:
        one = self.rows[row]
        return [
            (one.model, "strong"),
            (f"{one.judge} triage" if one.triage else one.judge, "warn" if one.triage else ""),
            (one.prompts, "muted"),
            (one.id[:13], "muted"),
            (f"{GLYPHS.get(one.status, ' ')} {one.status}", STATUS_TONES.get(one.status, "")),
            (f"{one.judged:,}/{one.wanted:,}", "muted" if one.judged == one.wanted else "warn"),
            _number(one.score),
            _number(one.raw),
            ("·", "muted") if one.critical is None else (f"{one.critical:,}", "bad" if one.critical else "good"),
        ]


class _Answers:
    def __init__(self, items: Sequence[ItemView], compared: bool) -> None:
        self.items, self.compared = items, compared

    def __len__(self) -> int:
        return len(self.items)

    def key(self, row: int) -> str:
        return self.items[row].id

    def cells(self, row: int) -> Sequence[Cell]:
        item = self.items[row]
        change: Cell = ("·", "muted")
        if item.change is not None:
            change = f"{item.change:+.2f}", "bad" if item.change < 0 else "good" if item.change else "muted"
        was = [_judged(item.before)] if self.compared else []
        return [
            (item.title, ""), *was, _judged(item.mine), *([change] if self.compared else []), _number(item.mine.raw),
            (", ".join(item.mine.critical), "bad"), (item.category, "muted"), (item.difficulty, "muted"),
            (item.asked[:FIRST_WORDS], "muted"),
        ]  # fmt: skip


class EvalFacts(Scrolled, can_focus=False):
    """What was judged by what, which judgements failed, and which answers fail critically."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.detail: DetailView | None = None
        self.said = ""

    def show(self, detail: DetailView | None, said: str = "") -> None:
        same = said == self.said and _pick_facts(detail) == _pick_facts(self.detail)
        self.detail, self.said = detail, said
        if not same:
            self.put(anew=True)

    @property
    def wanted(self) -> int:
        return len(self.lay_out(max(1, self.size.width - 2))) if self.is_attached else 1

    def lay_out(self, width: int) -> list[Runs]:
        detail = self.detail
        if detail is None:
            return wrap([(plain(self.said), "warn")], width)
        first: Runs = [(plain(detail.id), "strong")]
        if detail.triage:
            first.append(("  triage: shows where to look first, proves nothing", "warn"))
        first.append((f"  {plain(detail.facts)}", "muted"))
        parts: list[Runs] = []
        if detail.states:
            told = ", ".join(f"{n:,} {plain(state)}" for state, n in detail.states.items())
            within = f": not scored, so the mean lies between {_join(detail.bounds)}" if detail.bounds else ""
            parts.append([(f"{told}{within}", "warn")])
        if detail.critical:
            parts.append([("critical", "bad")])
            for name, count, before in detail.critical:
                was = "" if before is None else f" (◆ {before})"
                parts[-1].append((f"  {plain(name, 40)} {count}{was}", "bad" if count else "muted"))
        most = MOST_FACTS if width >= 100 else 1
        lines = wrap(first, width)[:most] + wrap([(plain(detail.error), "bad")], width)  # it ends with the way out
        return lines + [line for part in parts for line in wrap(part, width)[:most]]


class EvalsPanel(Container):
    """Evaluations in, the one to read out; `show_detail` gives what was read of it. Enter goes to the answers."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pin", "Baseline", id="evals.pin", tooltip="Compare the other evaluations with this one"),
        Binding("n", "find(1)", "Next regression", id="evals.next"),
        Binding("N", "find(-1)", "Regression before", id="evals.before", show=False),
        Binding("slash", "filter", "Filter", id="evals.filter", tooltip="Words of an answer"),
        Binding(
            "c", "cycle_order", "Sort", id="evals.order", tooltip="regressions, lowest, failed judgements, category"
        ),
        Binding("escape", "leave", "Back", id="evals.back", show=False),
    ]
    HELP = (
        "The evaluations of the runs that are looked at, the newest first. corrected is the weighted mean of the "
        "rubric's components, raw what the judge itself gave: two numbers of two kinds, never in one column. A "
        "judgement that failed is a state (truncated, refused, invalid, transport) and no number. triage marks scores "
        "by rules: where to look first, no proof.\n\n"
        "p pins the evaluation under the cursor as the baseline; a pinned run stands for its newest evaluation by the "
        "same judge of the same prompts. Each stratum then has its change with the 95% interval, and the verdict is "
        "that of the [verdict] table of the recipe, with what would change it.\n\n"
        "enter goes to the answers and once more into the text, esc comes back; n and N go to the next answer that "
        "lost against the baseline; c sorts by the next of regressions, lowest, failed judgements and category. The "
        "filter takes words (all must occur in an answer's texts, names or states), and -word for without."
    )

    class Asked(Message):
        """An evaluation is to be read, and then shown with `show_detail`."""

        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, EvalsPanel.Asked)

    class Pinned(Message):
        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.detail: DetailView | None = None
        self.shown: Sequence[ItemView] = ()
        """The answers in sight, in their order."""
        self.order = "regressions"
        self._listed: Sequence[EvaluationView] = ()
        self._words = ""
        self._still: Timer | None = None

    def compose(self) -> ComposeResult:
        with Container(id="figures"):
            yield Table(LISTED, empty=NOBODY, id="listing")
            yield EvalFacts(id="facts")
            with Container(id="strata"):
                yield Forest(id="forest")
                yield VerdictText(id="verdict")
        with Container(id="answers"):
            with Container(id="line"):
                yield Words(id="count")
                words = Input(placeholder="words, -word", compact=True, select_on_focus=False, id="filter")
                words.cursor_blink = False
                yield words
            with Container(id="body"):
                yield Table(ALONE, empty="", id="items")
                yield ItemText(id="item")

    # ---------------------------------------------------------------- what is shown

    def show(self, listed: Sequence[EvaluationView], *, baselines: Collection[str] = ()) -> None:
        """Show these evaluations, and ask for the one under the cursor again."""
        self._listed = listed
        listing = self.query_one("#listing", Table)
        listing.empty = NOBODY
        before = listing.cursor_key
        listing.show(_Listing(listed), marks=dict.fromkeys(baselines, "◆"))
        self._lay_out()
        if (key := listing.cursor_key) is None:
            self._show_nothing()
        elif key == before:  # else the table says that the cursor moved
            self.post_message(self.Asked(key))

    def show_detail(self, detail: DetailView) -> None:
        """Show what was read; order, filter and cursor stay while it is the same evaluation."""
        if detail.id != self.query_one("#listing", Table).cursor_key:
            return  # overtaken by the cursor
        same = self.detail is not None and self.detail.id == detail.id
        self.detail = detail
        self.query_one(EvalFacts).show(detail)
        verdict = detail.verdict
        self.query_one(Forest).show(
            detail.strata, smallest=verdict.smallest if verdict else None, margin=verdict.margin if verdict else None
        )
        self.query_one(VerdictText).show(verdict, detail.instead or UNPINNED, triage=detail.triage)
        self._pick(first=not same)
        self._lay_out()

    def show_trouble(self, text: str) -> None:
        """Say why an evaluation, or the listing of them, could not be read."""
        if not self._listed:
            listing = self.query_one("#listing", Table)
            listing.empty = text
            listing.redraw()
        self._show_nothing(text)

    def text_to_copy(self) -> str:
        """The answer in sight with its judgement; the verdict from its own text, and a run's id from the listing."""
        verdict, listing = self.query_one(VerdictText), self.query_one("#listing", Table)
        if verdict.has_focus and verdict.verdict is not None:
            return write_verdict(verdict.verdict)
        item = self.query_one(ItemText).item
        if listing.has_focus or item is None:
            return listing.cursor_key or ""
        return write_item(item, triage=bool(self.detail and self.detail.triage))

    def _show_nothing(self, said: str = "") -> None:
        self.detail, self.shown = None, ()
        self.query_one(EvalFacts).show(None, said)
        self.query_one(Forest).show(())
        self.query_one(VerdictText).show(None)
        self.query_one("#items", Table).show(_Answers((), False))
        self._show_item()
        self._lay_out()

    def _pick(self, *, first: bool = False) -> None:
        """The answers that hold all wanted words and none unwanted, in order; the cursor stays, or goes to the first."""
        detail = self.detail
        if detail is None:
            return
        keeps = parse_words(self._words)
        self.shown = sorted((item for item in detail.items if keeps(item.search)), key=ORDERS[self.order])
        table = self.query_one("#items", Table)
        compared = bool(detail.baseline)
        table.columns = ANSWERS if compared else ALONE
        table.empty = "no answer is like that; esc shows all" if self._words else "no answers yet"
        marks = {item.id: "▼" for item in self.shown if item.regressed}
        table.show(_Answers(self.shown, compared), marks=marks)
        if first:
            table.action_go_first()
        self._describe(detail)
        self._show_item()

    def _describe(self, detail: DetailView) -> None:
        lost = sum(item.regressed for item in self.shown)
        count = f"{len(self.shown):,} of {len(detail.items):,}" if self._words else f"{len(detail.items):,}"
        runs: Runs = [(f"{count} answers", "strong"), (f" by {self.order}", "muted")]
        if detail.baseline:
            runs.append((f"  {lost:,} regressed", "bad" if lost else "good"))
            runs.append((f" against ◆ {plain(detail.baseline, 60)}", "muted"))
        if failed := sum(detail.states.values()):
            runs.append((f"  {failed:,} not scored", "warn"))
        if detail.triage:
            runs.append(("  triage", "warn"))
        self.query_one(Words).show(runs)

    def _show_item(self) -> None:
        key = self.query_one("#items", Table).cursor_key
        item = next((item for item in self.shown if item.id == key), None)
        self.query_one(ItemText).show(item, triage=bool(self.detail and self.detail.triage))

    # ---------------------------------------------------------------- keys

    def action_pin(self) -> None:
        if (key := self.query_one("#listing", Table).cursor_key) is not None:
            self.post_message(self.Pinned(key))

    def action_find(self, by: int) -> None:
        """Go to the next answer that lost against the baseline, or the one before; past the last comes the first."""
        lost = [place for place, item in enumerate(self.shown) if item.regressed]
        if not lost:
            self.app.bell()
            return
        table = self.query_one("#items", Table)
        inside = self._inside
        here = next((place for place, item in enumerate(self.shown) if item.id == table.cursor_key), -1)
        if not inside:
            here = -1 if by > 0 else len(self.shown)
        if by > 0:
            place = next((one for one in lost if one > here), lost[0])
        else:
            place = next((one for one in reversed(lost) if one < here), lost[-1])
        table.move_to(self.shown[place].id)
        self._show_item()
        if not inside:
            self._go_in()

    def action_filter(self) -> None:
        if self.detail is not None:
            self._go_in()
            self.query_one(Input).add_class("-open").focus()

    def action_cycle_order(self) -> None:
        if self.detail is None:
            return
        names = list(ORDERS)
        self.order = names[(names.index(self.order) + 1) % len(names)]
        self._pick(first=True)

    def action_leave(self) -> None:
        """One layer out: of the filter, the text, the answers; past the evaluations it is another's key."""
        items, words = self.query_one("#items", Table), self.query_one(Input)
        if words.has_focus or (items.has_focus and self._words):
            words.value = ""
            words.remove_class("-open")
            items.focus()
        elif self.query_one(ItemText).has_focus:
            items.focus()
        elif items.has_focus or self.query_one(Forest).has_focus or self.query_one(VerdictText).has_focus:
            self.remove_class("-reading")
            self.query_one("#listing").focus()
        else:
            raise SkipAction

    @property
    def _inside(self) -> bool:
        """Whether the answers are what one reads."""
        focused = self.screen.focused
        return focused is not None and focused.id in ("items", "item", "filter")

    def _go_in(self) -> None:
        self.add_class("-reading")
        self._lay_out()
        self.query_one("#items").focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._words = event.value.strip()
        self._pick()

    @on(Input.Submitted)
    def _close_filter(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.set_class(bool(event.value), "-open")
        self.query_one("#items", Table).focus()

    @on(Table.Chosen)
    def _choose(self, event: Table.Chosen) -> None:
        event.stop()
        if event.table.id == "items":
            self.query_one(ItemText).focus()
        elif self.detail is not None:
            self._go_in()

    @on(Table.Moved)
    def _move(self, event: Table.Moved) -> None:
        event.stop()
        if event.table.id == "items":
            self._show_item()
        elif event.key is not None:
            if self._still is not None:
                self._still.stop()
            if self.detail is None:
                self.post_message(self.Asked(event.key))
            else:  # a key that is held passes many, and each takes a second to read
                self._still = self.set_timer(STILL_SECONDS, partial(self.post_message, self.Asked(event.key)))

    # ---------------------------------------------------------------- room

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """The listing and the facts get what they want, the figures the rest; on a large screen both pages stand."""
        if not self.is_attached:
            return
        width, height = self.size
        wide, both = width >= WIDE, width >= WIDE and height >= TALL
        self.set_class(wide, "-wide")
        self.set_class(both, "-both")
        self.set_class(not self._listed, "-empty")
        listing, facts, forest = self.query_one("#listing"), self.query_one(EvalFacts), self.query_one(Forest)
        listed = 1 + min(len(self._listed), MOST_LISTED if height >= 30 else 3) if self._listed else height
        told = min(facts.wanted, 4) if height >= 12 else 0
        listing.styles.height, facts.styles.height = listed, told
        figures = listed + told + 1
        room = (height * 3 // 5 if both else height) - figures
        wanted, read = forest.wanted, self.query_one(VerdictText).has_focus
        forest.styles.height = "1fr" if wide else max(1, min(wanted, room // 3 if read else room - 4))
        if both:
            told = len(self.query_one(VerdictText).lay_out(max(1, width * 2 // 5 - 6)))
            self.query_one("#figures").styles.height = min(figures + 1 + max(wanted, told), height * 3 // 5)
        else:
            self.query_one("#figures").styles.height = "1fr"


class Words(Scrolled, can_focus=False):
    """One line of toned words."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._runs: Runs = []

    def show(self, runs: Runs) -> None:
        self._runs = runs
        self.put(anew=True)

    def lay_out(self, width: int) -> list[Runs]:
        whole = sum(cell_len(text) for text, _ in self._runs)
        return [self._runs] if whole <= width else wrap(self._runs, width)[:1]


def _pick_facts(detail: DetailView | None) -> tuple[object, ...] | None:
    """What is told of an evaluation beside its figures and answers."""
    if detail is None:
        return None
    return detail.id, detail.facts, detail.error, detail.states, detail.bounds, detail.triage, detail.critical


def _number(value: float | None) -> Cell:
    return ("·", "muted") if value is None else (f"{value:.2f}", "")


def _judged(judged: JudgedView | None) -> Cell:
    """The corrected score, or the state where there is none."""
    if judged is None:
        return "·", "muted"
    return (judged.state, "warn") if judged.corrected is None else (f"{judged.corrected:.2f}", "")


def _join(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f} and {bounds[1]:.2f}"
