"""The evals panel: the listing, the order of answers, regressions by keys, the filter, what is copied, and every size."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from panels.evals import STILL_SECONDS, DetailView, EvalFacts, EvalsPanel, EvaluationView, Words
from panels.forest import DifferenceView, Forest, StratumView
from panels.judgement import ItemText, ItemView, JudgedView, lay_out_item
from panels.lines import Lines
from panels.table import Table
from panels.verdict import VerdictText, VerdictView, lay_out_verdict

HOSTILE = "[red]x[/red] [@click=app.bell]y[/] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 😀👩\u200d🚀 שלום\x00\x07 漢字\r\n\ttab"
ONE, TWO = "20260102-0900-madison-eval-3c4d", "20260101-0900-madison-eval-1a2b"
LISTED = (
    EvaluationView(ONE, "madison-orpo-1a2b@120", "anthropic:claude-sonnet-5-5", False, "madison", "finished", 35, 36, 6.42, 5.73, 2),
    EvaluationView(TWO, "bundled:smollm2-135m", "rules", True, "madison", "running", 4, 36, 5.5, None, 0),
)  # fmt: skip


def judge(
    score: float | None, text: str = "I hold it, Sir.", state: str = "scored", critical: Sequence[str] = ()
) -> JudgedView:
    parts = {} if score is None else {"voice": round(score), "history": 5}
    problem = "" if state == "scored" else "it broke off"
    raw = None if score is None else score + 0.5
    return JudgedView(text, state, score, raw, parts, critical, "" if problem else "Plain and grave.", problem)


def make_item(name: str, was: JudgedView | None, mine: JudgedView, category: str = "letters") -> ItemView:
    both = was is not None and was.corrected is not None and mine.corrected is not None
    change = mine.corrected - was.corrected if both else None  # type: ignore[operator, union-attr]
    return ItemView(
        f"{name} 0 0", name, category, "hard", (("user", f"What of {name}?"),), mine, was, change,
        f"{name} {category} what of {name}? {mine.answer} {mine.state}".lower(),
    )  # fmt: skip


ITEMS = (
    make_item("a", judge(6.0), judge(7.0), "union"),
    make_item("b", judge(6.0), judge(3.0, "I am a program.", critical=("artificial_identity",))),
    make_item("c", judge(7.0), judge(None, "It", "truncated")),
    make_item("d", judge(5.0), judge(4.5), "union"),
    make_item("e", judge(None, state="refused"), judge(2.0)),
)
VERDICT = VerdictView(
    "UNDERPOWERED", 3, -0.83, -3.0, 1.0, 5.67, 4.83, 1, 2, 0, "95% bootstrap interval", 3.1, 0.3, 0.5,
    ("the lower bound -3 is not above 0",), ("DEPLOY: a lower bound above 0 (now -3)", "412 pairs have 80% power"),
    (("critical failures went from 0 to 1", False), ("guard 'break_rate' was not measured", None)), ("a note",),
)  # fmt: skip
DETAIL = DetailView(
    ONE, "by anthropic:claude-sonnet-5-5, rubric planter v1, 5 answers", "", {"truncated": 1}, (4.0, 6.5), False,
    (("artificial_identity", 1, 0),),
    (StratumView("all", "all", 4, 1, 4.1, 4.6, 1, DifferenceView(3, -0.83, -3.0, 1.0, 5.67)),),
    "bundled:smollm2-135m", VERDICT, "", ITEMS,
)  # fmt: skip
BARE = replace(
    DETAIL, baseline="", verdict=None, items=tuple(replace(item, before=None, change=None) for item in ITEMS)
)

Act = Callable[["Stage", EvalsPanel, Pilot[None]], Awaitable[None]]


class Stage(App[None]):
    def __init__(self, detail: DetailView | None, listed: Sequence[EvaluationView]) -> None:
        super().__init__()
        self.detail, self.listed = detail, listed
        self.heard: list[tuple[str, str]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"good": "green", "bad": "red"}

    def compose(self) -> ComposeResult:
        yield EvalsPanel()

    def on_mount(self) -> None:
        panel = self.query_one(EvalsPanel)
        panel.show(self.listed, baselines=[TWO])
        panel.query_one("#listing").focus()

    def on_evals_panel_asked(self, message: EvalsPanel.Asked) -> None:
        self.heard.append(("asked", message.run))
        if self.detail is not None:
            self.query_one(EvalsPanel).show_detail(replace(self.detail, id=message.run))

    def on_evals_panel_pinned(self, message: EvalsPanel.Pinned) -> None:
        self.heard.append(("pinned", message.run))


def play(
    act: Act, detail: DetailView | None = DETAIL, size: tuple[int, int] = (120, 34), listed: Sequence[EvaluationView] = LISTED
) -> None:  # fmt: skip
    async def go() -> None:
        app = Stage(detail, listed)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.pause()
            await act(app, app.query_one(EvalsPanel), pilot)

    asyncio.run(go())


def table_of(panel: EvalsPanel, name: str) -> list[str]:
    table = panel.query_one(name, Table)
    return [strip.text for strip in table.draw_lines(*table.content_size)]


def text_of(panel: EvalsPanel, kind: type[Lines]) -> str:
    widget = panel.query_one(kind)
    return "\n".join(strip.text.rstrip() for strip in widget.draw_lines(*widget.content_size))


def order(panel: EvalsPanel) -> str:
    return "".join(item.title for item in panel.shown)


def test_the_evaluation_under_the_cursor_is_asked_for_and_triage_is_named() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert app.heard == [("asked", ONE)]
        lines = table_of(panel, "#listing")
        assert lines[1].split()[-3:] == ["6.42", "5.73", "2"]
        assert "35/36" in lines[1]
        assert "rules triage" in lines[2]
        assert lines[2].split()[-3:] == ["5.50", "·", "0"]
        assert lines[2].startswith("◆")
        await pilot.press("j")
        await pilot.pause(2 * STILL_SECONDS)
        await pilot.press("p")
        assert app.heard[1:] == [("asked", TWO), ("pinned", TWO)]

    play(act)


def test_a_failed_judgement_stands_as_its_state_and_never_as_a_number() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        lines = {line[2:].split()[0]: line for line in table_of(panel, "#items")[1:] if line.strip()}
        assert lines["c"].split()[:5] == ["c", "7.00", "truncated", "·", "·"]
        assert lines["e"].split()[:5] == ["e", "refused", "2.00", "·", "2.50"]
        text = "\n".join("".join(t for t, _ in runs) for runs in lay_out_item(ITEMS[2], 100, triage=False))
        assert "this model  truncated" in text
        assert "it broke off" in text

    play(act)


def test_regressions_come_first_the_largest_drop_before_all_and_c_goes_through_the_orders() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert order(panel) == "bdace"
        orders = {}
        for _ in range(4):
            await pilot.press("c")
            orders[panel.order] = order(panel)
            assert panel.query_one("#items", Table).cursor_key == panel.shown[0].id
        assert orders == {
            "lowest": "ebdac", "failed judgements": "cbdae", "category": "bceda", "regressions": "bdace",
        }  # fmt: skip

    play(act)


def test_n_goes_to_the_next_regression_from_anywhere_and_round() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        item = panel.query_one(ItemText)
        found = []
        for key in ("n", "n", "n", "N"):
            await pilot.press(key)
            assert item.item is not None
            found.append(item.item.title)
        assert found == ["b", "d", "b", "d"]
        assert app.focused is panel.query_one("#items")

    play(act)


def test_without_a_baseline_there_are_no_regressions_and_it_is_said_how_to_pin_one() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert "p pins an evaluation as the baseline" in text_of(panel, VerdictText)
        await pilot.press("n")
        assert app.focused is panel.query_one("#listing")
        await pilot.press("enter")
        assert "was" not in table_of(panel, "#items")[0].split()
        assert "5 answers by regressions" in text_of(panel, Words)

    play(act, BARE)


def test_enter_goes_in_and_escape_comes_out_layer_by_layer() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        seen = []
        for key in ("enter", "enter", "escape", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert app.focused is not None
            seen.append((app.focused.id, panel.query_one("#figures").display))
        assert seen == [("items", False), ("item", False), ("items", False), ("listing", True)]

    play(act, size=(80, 24))


def test_on_a_large_screen_figures_and_answers_stand_together() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await pilot.pause()
        assert all(panel.query_one(name).size.height > 8 for name in ("#figures", "#answers", "#item", "#verdict"))

    play(act, size=(200, 50))


def test_the_filter_keeps_answers_by_their_words_and_escape_shows_all() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"truncated", "enter")
        assert order(panel) == "c"
        assert "1 of 5 answers" in text_of(panel, Words)
        await pilot.press("slash")
        panel.query_one(Input).value = "-union program"
        await pilot.pause()
        assert order(panel) == "b"
        await pilot.press("escape")
        assert order(panel) == "bdace"
        panel.query_one(Input).value = "nothing like it"
        await pilot.pause()
        assert panel.query_one(ItemText).item is None

    play(act)


def test_the_verdict_gives_reasons_guards_and_what_would_change_it() -> None:
    text = "\n".join("".join(t for t, _ in runs) for runs in lay_out_verdict(VERDICT, 100, triage=True))
    assert text.splitlines()[0] == "UNDERPOWERED  -0.83 [-3.00, +1.00]  triage"
    for words in ("the lower bound -3 is not above 0", "412 pairs have 80% power", "✗ critical failures went from 0 to 1",
                  "· guard 'break_rate' was not measured", "1 won, 2 lost, 0 tied of 3 pairs", "a note"):  # fmt: skip
        assert words in text


def test_the_copy_is_what_one_looks_at() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert panel.text_to_copy() == ONE
        panel.query_one(VerdictText).focus()
        await pilot.pause()
        assert panel.text_to_copy().startswith("UNDERPOWERED")
        await pilot.press("n")
        copied = panel.text_to_copy()
        for words in (
            "I am a program.",
            "judge: Plain and grave.",
            "critical: artificial_identity",
            "corrected 6.00  raw 6.50",
        ):
            assert words in copied

    play(act)


def test_cursor_order_and_filter_stay_when_the_same_evaluation_is_read_again() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("c", "enter", "j", "j")
        panel.show_detail(DETAIL)
        await pilot.pause()
        assert panel.order == "lowest"
        assert panel.query_one("#items", Table).cursor_key == "d 0 0"

    play(act)


def test_hostile_text_is_shown_and_copied_as_text() -> None:
    item = make_item(HOSTILE, judge(6.0, HOSTILE), judge(3.0, HOSTILE, critical=(HOSTILE,)), HOSTILE)
    detail = replace(
        DETAIL, facts=HOSTILE, items=(item,), baseline=HOSTILE, critical=((HOSTILE, 1, 1),), states={HOSTILE: 1},
        strata=(replace(DETAIL.strata[0], name=HOSTILE),), verdict=replace(VERDICT, reasons=(HOSTILE,), notes=(HOSTILE,)),
    )  # fmt: skip
    listed = [replace(LISTED[0], model=HOSTILE, judge=HOSTILE, prompts=HOSTILE)]

    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        shown = "".join(strip.text for strip in app.screen._compositor.render_strips())
        await pilot.press("n")
        await pilot.pause()
        shown += "".join(strip.text for strip in app.screen._compositor.render_strips()) + panel.text_to_copy()
        assert "[red]x[/red] [@click=app.bell]y[/]" in shown
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]

    play(act, detail, listed=listed)


def test_what_could_not_be_read_is_said_with_or_without_a_listing() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        panel.show_trouble("scores.jsonl is gone\ntry: charlab resume")
        await pilot.pause()
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "scores.jsonl is gone try: charlab resume" in shown
        assert panel.shown == ()

    play(act, None)
    play(act, None, listed=())


def test_why_a_run_failed_is_said() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert "no key; try: set one" in text_of(panel, EvalFacts)

    play(act, replace(DETAIL, error="no key; try: set one"))


def test_no_evaluations_say_how_to_make_one() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert "charlab eval MODEL" in "".join(table_of(panel, "#listing"))
        await pilot.press("n", "c", "slash", "enter", "escape", "p")
        assert app.heard == []
        assert panel.text_to_copy() == ""

    play(act, None, listed=())


@pytest.mark.parametrize("keys", ["", "enter", "n enter j", "slash a", "tab j"])
def test_a_storm_of_resizes_leaves_the_panel_whole(keys: str) -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press(*keys.split())
        for size in ((200, 50), (80, 24), (40, 12), (13, 5), (2, 2), (1, 1), (1, 40), (190, 1), (120, 34)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert [strip.cell_length for strip in app.screen._compositor.render_strips()] == [size[0]] * size[1]

    play(act)


def test_a_thousand_long_answers_are_sorted_filtered_and_gone_through() -> None:
    long = "I hold, Sir, that the wider the sphere the safer the people. " * 400
    many = [make_item(f"p{n}", judge(5 + n % 3), judge(5 + n % 5, long)) for n in range(1000)]

    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("n", "n", "c", "c", "G", "enter", "G", "escape", "slash", *"p99", "enter")
        assert len(panel.shown) == 11
        assert panel.query_one(Forest).strata == DETAIL.strata

    play(act, replace(DETAIL, items=many))


def test_the_way_out_of_an_error_is_not_cut_off() -> None:
    error = f"InputError: {'what went wrong ' * 5}; there is no API key; try: export ANTHROPIC_API_KEY=..."

    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        assert "ANTHROPIC_API_KEY" in text_of(panel, EvalFacts)

    play(act, replace(DETAIL, error=error), (80, 24))


def test_equal_figures_that_are_read_again_lay_nothing_out_anew() -> None:
    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        await pilot.pause()
        shown = [panel.query_one(kind)._laid for kind in (ItemText, EvalFacts)]
        assert panel.detail is not None
        items = tuple(replace(item, messages=tuple(item.messages)) for item in ITEMS)
        panel.show_detail(replace(panel.detail, items=items))
        await pilot.pause()
        assert [panel.query_one(kind)._laid for kind in (ItemText, EvalFacts)] == shown
        assert all(panel.query_one(kind)._laid is laid for kind, laid in zip((ItemText, EvalFacts), shown))

    play(act)


def test_a_held_key_asks_for_the_evaluation_that_it_ends_on() -> None:
    many = tuple(replace(LISTED[0], id=f"20260101-0900-madison-eval-{n:04}") for n in range(8))

    async def act(app: Stage, panel: EvalsPanel, pilot: Pilot[None]) -> None:
        before = len(app.heard)
        for _ in range(6):
            panel.query_one("#listing", Table).action_step(1)
        await pilot.pause(2 * STILL_SECONDS)
        assert app.heard[before:] == [("asked", many[6].id)]

    play(act, listed=many)
