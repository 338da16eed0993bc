"""The training panel by its keys: how the charts are seen, what is noted under them, what it copies and explains."""

from __future__ import annotations

import asyncio
import math
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from driving import wait_until
from panels.axis import Axis
from panels.charts import SMOOTHINGS, Charts
from panels.curves import ChartedRun
from panels.head import TrainingHead
from panels.metrics import CHARTS, METRICS, describe_metric
from panels.plot import Plot
from panels.series import Series
from panels.table import Table
from panels.training import TrainingPanel, explain

COLOURS = {f"curve-{n}": "cyan" for n in range(1, 9)} | {"band": "grey", "good": "green", "bad": "red"}
HOSTILE = "[red]x[/red] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 😀 漢字\r\n\ttab"
ADA, BOB = "20260101-0900-ada-1a2b", "20260102-0900-bob-3c4d"


def series_of(ys: Sequence[float | None], start: int = 1) -> Series:
    series = Series()
    for x, y in enumerate(ys, start):
        series.append(x, y)
    return series


def make_run(
    run_id: str = ADA, series: Mapping[str, Series] | None = None, *, last: int = 40, steps: int = 60, colour: int = 1,
    status: str = "finished", whole: bool = True, name: str = "ada", objective: str = "orpo",
) -> ChartedRun:  # fmt: skip
    made = {
        "loss": series_of([5.0 - step / 10 for step in range(1, last + 1)]),
        "lr": series_of([3e-4] * last),
        "accuracy": series_of([0.5] * last),
    }
    axes: dict[str, Axis] = {}
    for axis, rate in (("epoch", 0.1), ("tokens", 100.0), ("time", 2.0)):
        axes[axis] = Axis()
        for step in range(1, last + 1):
            axes[axis].append(step, step * rate)
    return ChartedRun(
        id=run_id, name=name, status=status, step=last, steps=steps, objective=objective, colour=colour,
        series=made if series is None else series, axes=axes, moments=(), whole=whole, headline=f"step {last}/{steps}",
    )  # fmt: skip


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return COLOURS

    def compose(self) -> ComposeResult:
        yield TrainingPanel()

    def on_mount(self) -> None:
        self.query_one(TrainingPanel).focus()


Act = Callable[[TrainingPanel, Pilot[None]], Awaitable[None]]


def play(act: Act, size: tuple[int, int] = (120, 34)) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app.query_one(TrainingPanel), pilot)

    asyncio.run(go())


async def show(panel: TrainingPanel, pilot: Pilot[None], *runs: ChartedRun, **notes: Any) -> None:
    panel.show(runs, **notes)
    await pilot.pause(0.02)
    await pilot.pause()


def head(panel: TrainingPanel) -> list[str]:
    widget = panel.query_one(TrainingHead)
    return [" ".join(strip.text.split()) for strip in widget.draw_lines(*widget.content_size)]


def look(panel: TrainingPanel) -> str:
    """What the second line says of how the charts are seen."""
    return head(panel)[1].removeprefix(ADA).strip()


def notes(panel: TrainingPanel) -> list[str]:
    table = panel.query_one(Table)
    return [line.text.strip(" ▐") for line in table.draw_lines(*table.content_size)]


# ---------------------------------------------------------------- how the charts are seen


def test_without_a_run_the_head_says_how_to_choose_one_and_no_key_fails() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        assert head(panel)[0] == "no run chosen: enter on one in Runs shows its curves"
        for binding in panel.BINDINGS:
            await pilot.press(*binding.key.split(",")[:1])  # type: ignore[union-attr]
        await show(panel, pilot)
        assert panel.help_sections == []
        assert panel.crosshair_step(ADA) is None
        assert panel.text_to_copy() != ""

    play(act)


def test_the_head_names_the_run_and_how_it_is_seen() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        assert head(panel) == ["ada finished step 40/60", f"{ADA} by step · smoothed 3% · whole"]
        await show(panel, pilot, make_run(whole=False))
        await wait_until(pilot, lambda: head(panel)[1].endswith("sketch, reading"), "the sketch")

    play(act)


def test_of_several_runs_the_head_says_whose_colour_is_whose() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run(), make_run(BOB, colour=2, name="bob"))
        assert head(panel)[1].startswith(f"━ {ADA} ━ {BOB} ")

    play(act)


def test_x_changes_the_axis_of_all_charts_in_a_circle() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        charts = panel.query_one(Charts)
        seen = [(look(panel).split(" · ")[0], *charts.span)]
        for _ in range(4):
            await pilot.press("x")
            seen.append((look(panel).split(" · ")[0], *charts.span))
        assert seen == [
            ("by step", 0, 60), ("by epoch", 0, 4), ("by tokens", 0, 4000), ("by time", 0, 80), ("by step", 0, 60),
        ]  # fmt: skip

    play(act)


def test_s_goes_round_the_smoothings() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        seen = []
        for _ in SMOOTHINGS:
            await pilot.press("s")
            seen.append(look(panel).split(" · ")[1])
        assert seen == ["smoothed 10%", "raw", "smoothed 1%", "smoothed 3%"]

    play(act)


def test_l_o_and_0_set_the_scale_and_the_clip_and_set_all_back() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        await pilot.press("L", "o", "plus", "left")
        assert look(panel) == "at step 40 · by step · smoothed 3% · log · clipped · zoomed · whole"
        await pilot.press("0")
        assert look(panel) == "by step · smoothed 3% · whole"

    play(act)


def test_the_crosshair_starts_at_the_newest_step_and_stays_on_the_axis() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        await pilot.press("left")
        assert panel.crosshair_step(ADA) == 40
        await pilot.press("h")
        assert panel.crosshair_step(ADA) == 38
        await pilot.press("l", "right")
        assert panel.crosshair_step(ADA) == 42
        await pilot.press(*["shift+right"] * 9)
        assert panel.crosshair_step(ADA) == 60
        await pilot.press(*["H"] * 9)
        assert panel.crosshair_step(ADA) == 0
        assert look(panel).startswith("at step 0 · ")
        await pilot.press("escape")
        assert panel.crosshair_step(ADA) is None

    play(act)


def test_the_crosshair_on_another_axis_stands_on_the_step_that_it_means() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        await pilot.press("x", "left")
        assert panel.crosshair_step(ADA) == pytest.approx(40)
        assert look(panel).startswith("at epoch 4.00 · by epoch")
        await pilot.press("x", "x", "left")
        assert look(panel).startswith("at time 80 s · by time")
        assert panel.crosshair_step(ADA) == pytest.approx(40)
        assert panel.crosshair_step("another run") in (None, pytest.approx(80))

    play(act)


def test_zooming_in_and_out_stays_within_the_axis_and_ends() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        charts = panel.query_one(Charts)
        await show(panel, pilot, make_run())
        await pilot.press("plus")
        assert charts.span == (15.0, 45.0)
        await pilot.press("equals_sign")
        assert charts.span == (22.5, 37.5)
        await pilot.press(*["plus"] * 20)
        low, high = charts.span
        assert 60e-5 <= high - low < 120e-5
        await pilot.press(*["minus"] * 20)
        assert charts.span == (0.0, 60)
        assert "zoomed" not in look(panel)
        await pilot.press("minus", "left_square_bracket")
        assert charts.span == (0.0, 60)

    play(act, size=(40, 14))


def test_zooming_keeps_the_crosshair_in_sight() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        charts = panel.query_one(Charts)
        await show(panel, pilot, make_run())
        await pilot.press("left", *["shift+right"] * 9)
        for _ in range(5):
            await pilot.press("plus")
            low, high = charts.span
            assert low <= 60 <= high
        assert charts.span[1] == 60

    play(act)


def test_panning_ends_at_both_ends() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        charts = panel.query_one(Charts)
        await show(panel, pilot, make_run())
        await pilot.press("plus", "plus", "right_square_bracket")
        assert charts.span == (26.25, 41.25)
        await pilot.press(*["right_square_bracket"] * 9)
        assert charts.span == (45.0, 60.0)
        await pilot.press(*["left_square_bracket"] * 15)
        assert charts.span == (0.0, 15.0)

    play(act, size=(40, 14))


def test_charts_are_gone_through_maximised_and_left_one_layer_at_a_time() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        charts = panel.query_one(Charts)
        await show(panel, pilot, make_run())
        await pilot.press("j")
        assert charts.chart is not None
        assert charts.chart.key == "accuracy"
        await pilot.press("k", "k")
        assert charts.chart.key == "lr"
        await pilot.press("plus", "z", "left")
        assert (charts.maximised, panel.crosshair_step(ADA)) == (True, 40)
        await pilot.press("escape")
        assert (charts.maximised, panel.crosshair_step(ADA)) == (True, None)
        await pilot.press("escape")
        assert (charts.maximised, charts.span) == (False, (15.0, 45.0))
        await pilot.press("escape")
        assert charts.span == (0.0, 60)
        await pilot.press("escape")

    play(act)


def test_pages_of_charts_are_counted_in_the_head() -> None:
    run = make_run(series={chart.curves[0].key: series_of([1.0, 2.0]) for chart in CHARTS})

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, run)
        assert look(panel).split(" · ")[0] == "page 1/3"
        seen = []
        for _ in range(3):
            await pilot.press("pagedown")
            seen.append(look(panel).split(" · ")[0])
        assert seen == ["page 2/3", "page 3/3", "page 1/3"]
        await pilot.press("pageup")
        assert look(panel).split(" · ")[0] == "page 3/3"

    play(act, size=(80, 24))


def test_the_head_counts_the_pages_anew_when_the_terminal_changes() -> None:
    run = make_run(series={chart.curves[0].key: series_of([1.0, 2.0]) for chart in CHARTS})

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, run)
        for size, start in (((80, 24), "page 1/3"), ((200, 60), "by step"), ((80, 24), "page 1/3")):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert look(panel).split(" · ")[0] == start

    play(act, size=(200, 60))


# ---------------------------------------------------------------- what comes in


def test_rows_that_come_fast_are_drawn_twice_a_second_and_the_last_ones_always() -> None:
    loss = series_of([1.0])

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        run = make_run(series={"loss": loss})
        await show(panel, pilot, run)
        for step in range(2, 31):
            loss.append(step, float(step))
            panel.show([run])
        await wait_until(pilot, lambda: "loss ada 30.00" in " ".join(panel.text_to_copy().split()), "the copy")
        await wait_until(pilot, lambda: "30.00" in title_of(panel), "the title")

    play(act)


def title_of(panel: TrainingPanel) -> str:
    plot = panel.query(Plot).first()
    return plot.render_line(0).text


def test_paused_charts_stand_still_until_they_go_on() -> None:
    loss = series_of([1.0])

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        run = make_run(series={"loss": loss})
        await show(panel, pilot, run)
        await pilot.press("full_stop")
        assert "PAUSED" in look(panel)
        loss.append(2, 2.0)
        panel.show([run])
        await pilot.pause(0.6)
        assert title_of(panel).split() == ["loss", "1.000"]
        await pilot.press("full_stop")
        await pilot.pause()
        assert "PAUSED" not in look(panel)
        assert title_of(panel).split() == ["loss", "2.000"]

    play(act)


def test_another_run_in_front_is_seen_whole_and_the_axis_is_kept() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        await pilot.press("x", "plus", "left", "full_stop")
        await show(panel, pilot, make_run(BOB, name="bob"))
        assert head(panel)[1] == f"{BOB} by epoch · smoothed 3% · whole"

    play(act)


@pytest.mark.parametrize(
    "ys", [[], [1.0], [math.nan], [math.inf, -math.inf], [None], [0.0] * 9, [1e308, -1e308], [5e-324]], ids=str
)
def test_values_of_every_kind_are_drawn_at_every_size_by_every_key(ys: list[float | None]) -> None:
    run = make_run(series={name: series_of(ys) for name in ("loss", "accuracy", "lr", "unheard.of")}, last=len(ys))

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, run)
        for size in ((1, 1), (33, 9)):
            await pilot.resize_terminal(*size)
            await pilot.press("L", "o", "s", "x", "left", "plus", "z", "H", "right_square_bracket", "j", "0")
        assert [title for title, _ in panel.help_sections] == ["learning rate"]
        assert panel.text_to_copy().splitlines()[-1].startswith("unheard.of  ada ")

    play(act, size=(40, 14))


# ---------------------------------------------------------------- notes


def test_events_are_shown_and_e_goes_on_to_the_log_and_to_none() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        events = [("09:00:00", "started on cpu", ""), ("09:00:09", "ALARM nan at step 3", "bad")]
        log = [("", "the worker speaks", "")]
        await show(panel, pilot, make_run(), events=events, log=log)
        assert notes(panel) == ["09:00:00  started on cpu", "09:00:09  ALARM nan at step 3"]
        await pilot.press("e")
        assert notes(panel) == ["the worker speaks"]
        await pilot.press("e")
        assert not panel.query_one(Table).display
        await pilot.press("e")
        assert panel.query_one(Table).display
        assert notes(panel)[0] == "09:00:00  started on cpu"

    play(act)


def test_the_newest_note_is_in_sight_unless_an_older_one_is_read() -> None:
    def make(count: int) -> list[tuple[str, str, str]]:
        return [(f"{n}", f"event {n}", "") for n in range(count)]

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        table = panel.query_one(Table)
        await show(panel, pilot, make_run(), events=make(50))
        assert notes(panel)[-1].endswith("event 49")
        panel.show([make_run()], events=make(60))
        await wait_until(pilot, lambda: notes(panel)[-1].endswith("event 59"), "the newest note")
        table.focus()
        await pilot.press("home")
        panel.show([make_run()], events=make(70))
        await pilot.pause(0.6)
        assert table.cursor_key == "0"
        await pilot.press("escape")
        assert panel.has_focus

    play(act)


def test_an_empty_log_says_so() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run())
        assert [note for note in notes(panel) if note] == ["nothing happened yet"]

    play(act)


def test_hostile_text_is_shown_as_text() -> None:
    size = (120, 34)
    run = make_run(HOSTILE, {HOSTILE: series_of([1.0]), "loss": series_of([1.0])}, name=HOSTILE)
    run = replace(run, headline=HOSTILE)
    notes_of = [(HOSTILE, HOSTILE + "x" * 1_000_000, "")]

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        for runs in ((run,), (run, make_run(BOB + HOSTILE, colour=2, name=HOSTILE))):
            await show(panel, pilot, *runs, events=notes_of, log=notes_of)
            await pilot.press("e")
            strips = panel.screen._compositor.render_strips()
            text = "".join(strip.text for strip in strips)
            assert "[red]x[/red]" in text
            assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
            assert {strip.cell_length for strip in strips} == {size[0]}

    play(act, size)


# ---------------------------------------------------------------- copy and help


def test_what_is_copied_are_the_values_of_all_runs_at_the_crosshair() -> None:
    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run(), make_run(BOB, colour=2, name="bob"))
        assert panel.text_to_copy().splitlines() == [
            f"{ADA} {BOB}  newest", "accuracy  ada 50.0%  bob 50.0%", "loss  ada 1.000  bob 1.000",
            "lr  ada 0.0003  bob 0.0003",
        ]  # fmt: skip
        await pilot.press("left", "left")
        assert panel.text_to_copy().splitlines()[0] == f"{ADA} {BOB}  step 38"
        assert panel.text_to_copy().splitlines()[2] == "loss  ada 1.200  bob 1.200"

    play(act)


def test_the_help_explains_the_curves_of_the_chart_in_front_once_each() -> None:
    names = ("loss", "reward_chosen", "reward_rejected", "heldout.reward_chosen")

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, make_run(series={name: series_of([1.0]) for name in names}))
        assert [title for title, _ in panel.help_sections] == [METRICS["loss"].title]
        await pilot.press("j")
        titles = [title.split(" (")[0] for title, _ in panel.help_sections]
        assert titles == [METRICS["reward_chosen"].title, METRICS["reward_rejected"].title]

    play(act)


def test_an_explanation_says_which_way_is_good_what_is_healthy_and_what_the_objective_makes_of_it() -> None:
    title, text = explain(METRICS["margin_nats"], "dpo")
    assert title == "margin (nats per token)"
    assert text.startswith("Higher is better. ")
    assert "\n\nUnder DPO: " in text
    assert "\n\nHealthy: " in text
    assert "\n  ! " in text
    assert text.endswith(METRICS["margin_nats"].source)
    assert "Under" not in explain(METRICS["margin_nats"], "orpo")[1]
    _, unknown = explain(describe_metric("my.own"), "orpo")
    assert unknown == "A metric that this run wrote and charlab does not know."


def test_of_a_run_of_another_kind_it_is_said_where_its_result_is_and_no_chart_is_drawn() -> None:
    judged = replace(make_run("20260101-0900-ada-eval-9f94", series={}), kind="eval")

    async def act(panel: TrainingPanel, pilot: Pilot[None]) -> None:
        await show(panel, pilot, judged, events=[("09:00:01", "started", "")])
        assert head(panel)[1] == "20260101-0900-ada-eval-9f94 is an eval run: 8 Evals shows it"
        assert not panel.query_one(Charts).display
        assert "started" in notes(panel)[0]
        await pilot.press("x", "z", "l", "y")
        assert head(panel)[1].endswith("8 Evals shows it")
        await show(panel, pilot, judged, make_run(ADA))
        assert panel.query_one(Charts).display, "the training beside it has curves"
        assert head(panel)[0].endswith("8 Evals shows it")
        assert head(panel)[1].startswith(ADA)
        await show(panel, pilot, make_run(ADA), judged)
        assert "Evals" not in "".join(head(panel))

    play(act)
