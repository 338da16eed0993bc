"""A page of charts over one axis: what each draws and in which colour, what it reads out, and how pages turn."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from panels import metrics
from panels.axis import Axis
from panels.charts import Charts
from panels.curves import ChartedRun, Look, Moment, arrange_curves, full_span, round_up
from panels.plot import Plot
from panels.series import Series

COLOURS = {f"curve-{n}": f"#0000{n:x}{n:x}" for n in range(1, 9)} | {
    "band": "#222222",
    "good": "#00aa00",
    "bad": "#aa0000",
}
LOOK = Look()
NAMES = ("loss", "margin_nats", "accuracy", "lr", "grad_norm", "tokens_per_second", "rss_mb", "nll")


def series_of(ys: Mapping[float, float | None] | Sequence[float | None]) -> Series:
    series = Series()
    for x, y in ys.items() if isinstance(ys, Mapping) else enumerate(ys, 1):
        series.append(x, y)
    return series


def axis_of(points: Sequence[tuple[float, float]]) -> Axis:
    axis = Axis()
    for x, unit in points:
        axis.append(x, unit)
    return axis


def make_run(
    name: str = "ada", names: Sequence[str] = NAMES, *, last: int = 40, colour: int = 1, status: str = "finished",
    series: Mapping[str, Series] | None = None, moments: Sequence[Moment] = (), steps: int = 60,
) -> ChartedRun:  # fmt: skip
    made = {
        key: series_of([(0 if key == "accuracy" else n + 1) + colour * step / last / 9 for step in range(1, last + 1)])
        for n, key in enumerate(names)
    }
    axes = {
        "epoch": axis_of([(step, step / 10) for step in range(1, last + 1)]),
        "tokens": axis_of([(step, step * 100.0) for step in range(1, last + 1)]),
        "time": axis_of([(step, step * 2.0) for step in range(1, last + 1)]),
    }
    return ChartedRun(
        id=f"20260101-0900-{name}", name=name, status=status, step=last, steps=steps, objective="orpo", colour=colour,
        series=made if series is None else series, axes=axes, moments=moments, whole=True, headline=f"step {last}",
    )  # fmt: skip


class Stage(App[None]):
    def __init__(self, runs: Sequence[ChartedRun], look: Look) -> None:
        super().__init__()
        self.runs, self.look = runs, look

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return COLOURS

    def compose(self) -> ComposeResult:
        yield Charts()

    def on_mount(self) -> None:
        self.charts.show(self.runs, self.look)

    @property
    def charts(self) -> Charts:
        return self.query_one(Charts)


def play(
    act: Callable[[Stage, Charts, Pilot[None]], Awaitable[None]], runs: Sequence[ChartedRun] = (), look: Look = LOOK,
    size: tuple[int, int] = (120, 34),
) -> None:  # fmt: skip
    async def go() -> None:
        app = Stage(runs, look)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, app.charts, pilot)

    asyncio.run(go())


async def show(charts: Charts, pilot: Pilot[None], runs: Sequence[ChartedRun], look: Look = LOOK) -> None:
    charts.show(runs, look)
    await pilot.pause()


def shown(charts: Charts) -> list[Plot]:
    return [plot for plot in charts.query(Plot) if plot.display]


def titles(charts: Charts) -> list[str]:
    return [plot.title for plot in shown(charts)]


def text_of(plot: Plot) -> list[str]:
    return [strip.text for strip in plot.draw_lines(*plot.content_size)]


def colours_of(plot: Plot) -> set[str]:
    """The colours of the theme that dots are drawn in."""
    names = {colour: name for name, colour in COLOURS.items()}
    return {
        names[found]
        for strip in plot.draw_lines(*plot.content_size)[1:]
        for text, style, _ in strip
        if style is not None and style.color is not None and any("⠀" < char <= "⣿" for char in text)
        and (found := style.color.name) in names
    }  # fmt: skip


# ---------------------------------------------------------------- pages


def test_as_many_charts_stand_side_by_side_as_have_room() -> None:
    for size, grid in (((120, 34), (3, 4)), ((80, 24), (2, 3)), ((200, 50), (4, 2)), ((30, 10), (1, 1))):

        async def act(app: Stage, charts: Charts, pilot: Pilot[None], grid: tuple[int, int] = grid) -> None:
            count = min(8, grid[0] * grid[1])
            assert len(shown(charts)) == count
            assert len({plot.region.x for plot in shown(charts)}) == grid[0]
            assert charts.pages == (1, math.ceil(8 / count))
            assert sum(plot.region.area for plot in shown(charts)) <= app.size.area

        play(act, [make_run()], size=size)


def test_pages_turn_in_a_circle_and_the_chart_in_front_leads() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        every = [chart.title for chart in metrics.arrange_charts(NAMES)]
        assert titles(charts) == every[:6]
        charts.turn(1)
        await pilot.pause()
        assert (charts.pages, titles(charts)) == ((2, 2), every[6:])
        assert charts.chart is not None
        assert charts.chart.title == every[6]
        charts.turn(1)
        assert charts.pages == (1, 2)
        charts.turn(-1)
        assert charts.pages == (2, 2)
        charts.turn(-1)
        assert charts.pages == (1, 2)
        charts.move(-1)
        await pilot.pause()
        assert (charts.pages, charts.chart.title) == ((2, 2), every[7])
        assert [plot.title for plot in shown(charts) if plot.has_class("-front")] == [every[7]]
        charts.move(1)
        assert charts.chart.title == every[0]

    play(act, [make_run()], size=(80, 24))


def test_charts_that_are_left_while_they_are_drawn_are_left_alone() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        gone = charts.query(Plot).remove()
        charts.show([make_run(last=50)], LOOK)
        await gone
        await pilot.pause()

    play(act, [make_run()])


def test_one_chart_may_have_the_whole_page() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        charts.move(2)
        charts.maximise(True)
        await pilot.pause()
        assert titles(charts) == ["pair accuracy"]
        (plot,) = shown(charts)
        assert plot.size.height == app.size.height
        charts.move(1)
        await pilot.pause()
        assert titles(charts) == ["learning rate"]
        charts.maximise(False)
        await pilot.pause()
        assert len(shown(charts)) == 8
        assert charts.chart is not None
        assert charts.chart.key == "lr"

    play(act, [make_run()])


def test_the_chart_in_front_stays_in_front_when_new_ones_appear_before_it() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        charts.move(1)
        charts.maximise(True)
        await pilot.pause()
        assert titles(charts) == ["learning rate"]
        await show(charts, pilot, [make_run(names=("loss", "lr", "break_rate", "accuracy"))], Look())
        assert titles(charts) == ["learning rate"]

    play(act, [make_run(names=("loss", "lr"))])


def test_no_runs_no_values_and_one_cell_are_nothing_to_stumble_over() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        charts.move(1)
        charts.turn(1)
        charts.maximise(True)
        assert (charts.chart, charts.pages, charts.span) == (None, (1, 1), (0.0, 1.0))
        charts.maximise(False)
        for size in ((1, 1), (3, 2), (200, 50)):
            for series in (
                {},
                {"loss": series_of([])},
                {"loss": series_of([1.0])},
                {"loss": series_of([math.nan, math.inf])},
            ):
                await show(charts, pilot, [make_run(series=series)], Look())
                await pilot.resize_terminal(*size)
                charts.turn(1)
                charts.maximise(not charts.maximised)

    play(act)


# ---------------------------------------------------------------- curves and colours


def test_a_lone_run_has_a_colour_for_each_of_its_curves_and_held_out_beside_training() -> None:
    run = make_run(series={"loss": series_of([3.0, 2.0]), "heldout.loss": series_of({2: 2.5})})
    (chart,) = metrics.arrange_charts(run.series)
    curves = arrange_curves(chart, [run], Look())
    assert [(curve.label, curve.colour, curve.style, curve.smooth) for curve in curves] == [
        ("loss", "curve-1", "line", False), ("heldout.loss", "curve-3", "line", False),
    ]  # fmt: skip


def test_several_runs_have_a_colour_each_that_is_theirs_in_every_chart() -> None:
    runs = [make_run("ada", colour=2), make_run("bob", colour=5)]

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        assert [colours_of(plot) - {"band"} for plot in shown(charts)] == [{"curve-2", "curve-5"}] * 8
        await show(charts, pilot, runs[::-1], Look())
        assert [colours_of(plot) - {"band"} for plot in shown(charts)] == [{"curve-2", "curve-5"}] * 8
        await show(charts, pilot, runs[1:], Look(smoothing=0.0))
        assert colours_of(shown(charts)[0]) == {"curve-1"}  # alone, its colours tell its curves apart

    play(act, runs)


def test_the_run_in_front_is_drawn_last_and_has_the_band_of_its_raw_values() -> None:
    runs = [make_run("ada", colour=1), make_run("bob", colour=2)]
    chart = metrics.arrange_charts(["loss"])[0]
    curves = arrange_curves(chart, runs, Look(smoothing=0.1))
    assert [(curve.colour, curve.style) for curve in curves] == [
        ("curve-2", "line"),
        ("band", "band"),
        ("curve-1", "line"),
    ]
    assert curves[1].series is runs[0].series["loss"]
    assert all(curve.smooth for curve in curves if curve.style == "line")
    assert [curve.style for curve in arrange_curves(chart, runs, Look(smoothing=0.0))] == ["line", "line"]


def test_of_several_runs_the_second_curves_are_dashed() -> None:
    names = ("reward_chosen", "reward_rejected", "heldout.reward_chosen")
    runs = [make_run("ada", names, colour=1), make_run("bob", names, colour=2)]
    (chart,) = metrics.arrange_charts(names)
    found = {(c.label, c.colour): c.style for c in arrange_curves(chart, runs, Look(smoothing=0.0))}
    assert found == {
        (name, f"curve-{n}"): "line" if name == "reward_chosen" else "dash" for name in names for n in (1, 2)
    }


def test_a_chart_of_one_run_is_not_missing_where_the_other_has_no_such_metric() -> None:
    runs = [make_run("ada", ("loss",), colour=1), make_run("bob", ("loss", "log_odds"), colour=2)]

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        assert titles(charts) == ["loss", "log odds ratio"]
        assert text_of(shown(charts)[1])[0].split() == ["log", "odds", "ratio", "+2.22"]

    play(act, runs)


# ---------------------------------------------------------------- readings and the crosshair


def test_titles_read_the_newest_values_and_at_the_crosshair_those_of_its_step() -> None:
    run = make_run(series={
        "loss": series_of({1: 4.0, 10: 3.0, 20: 2.0}), "heldout.loss": series_of({10: 3.5, 20: 2.5}), "lr": series_of({20: 1e-3}),
    })  # fmt: skip

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        for crosshair, loss in (
            (None, "2.000  held out 2.500"), (20.0, "2.000  held out 2.500"), (10.0, "3.000  held out 3.500"),
            (19.0, "3.000  held out 3.500"), (9.0, "4.000  held out ·"), (0.0, "·  held out ·"),
        ):  # fmt: skip
            await show(charts, pilot, [run], Look(crosshair=crosshair))
            assert text_of(shown(charts)[0])[0].strip() == f"loss  {loss}", crosshair
        assert charts.read("lr") == "ada ·"

    play(act, [run], size=(120, 12))


def test_the_crosshair_reads_all_charts_of_all_runs_at_one_place_of_the_axis() -> None:
    one = make_run("ada", series={"loss": series_of({10: 3.0, 20: 2.0})})
    other = make_run("bob", series={"loss": series_of({10: 30.0, 20: 20.0})}, colour=2)
    other = replace(other, axes={"tokens": axis_of([(1, 1000.0), (20, 20_000.0)])})

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        await show(charts, pilot, [one, other], Look(crosshair=10))
        assert charts.read("loss") == "ada 3.000  bob 30.00"
        await show(charts, pilot, [one, other], Look(axis="tokens", crosshair=1500.0))
        assert charts.read("loss") == "ada 3.000  bob ·"  # bob has done not two steps by then
        await show(charts, pilot, [one, other], Look(axis="tokens", crosshair=2000.0))
        assert charts.read("loss") == "ada 2.000  bob ·"
        assert all(any("┊" in line for line in text_of(plot)) for plot in shown(charts))

    play(act, [one, other])


def test_what_a_live_run_is_going_to_write_has_its_place_from_the_start() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        charts.move(6)
        charts.maximise(True)
        await pilot.pause()
        assert titles(charts) == ["learning rate"]
        await show(charts, pilot, [make_run(names=("loss", "lr", "break_rate", "accuracy"), status="running")])
        assert titles(charts) == ["learning rate"]

    play(act, [make_run(names=("loss", "lr"), status="running")])


def test_a_value_that_was_not_finite_is_read_as_missing() -> None:
    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        assert charts.read("loss") == "ada –"
        assert any("╻" in line for line in text_of(shown(charts)[0]))

    play(act, [make_run(series={"loss": series_of([1.0, 2.0, math.nan])})])


def test_what_happened_stands_on_the_axis_of_every_chart_at_its_place() -> None:
    run = make_run(
        moments=[Moment(10, "checkpoint"), Moment(20, "alarm"), Moment(30, "stop"), Moment(40, "resume")], steps=60
    )

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        for axis in ("step", "epoch", "tokens", "time"):
            await show(charts, pilot, [run], Look(axis=axis))
            for plot in shown(charts):
                row = text_of(plot)[-2]
                assert [char for char in row if char in "▲!■↻"] == ["▲", "!", "■", "↻"], (axis, row)

    play(act, [run])


# ---------------------------------------------------------------- axes


def test_the_axis_reaches_to_the_last_step_that_is_planned() -> None:
    run = make_run(last=40, steps=60, status="running")
    assert full_span([run], "step") == (0.0, 60)
    assert full_span([run], "epoch") == (0.0, 6.0)
    assert full_span([run], "tokens") == (0.0, 6000.0)
    assert full_span([run], "time") == (0.0, 120.0)
    assert full_span([run, make_run(last=90, steps=80)], "step") == (0.0, 90)


def test_of_a_run_that_ended_early_nobody_knows_how_long_the_rest_would_have_taken() -> None:
    run = make_run(last=40, steps=60, status="stopped")
    assert full_span([run], "step") == (0.0, 60)
    assert full_span([run], "time") == (0.0, 80.0)


def test_without_runs_and_without_values_there_is_an_axis_all_the_same() -> None:
    assert full_span([], "step") == full_span([], "time") == (0.0, 1.0)
    bare = make_run(last=0, steps=0, series={})
    assert full_span([bare], "step") == full_span([bare], "tokens") == (0.0, 1.0)


@pytest.mark.parametrize(("value", "rounded"), [(0, 1.0), (-3, 1.0), (math.nan, 1.0), (math.inf, 1.0), (1234, 1300), (1.21, 1.3), (99.5, 100), (0.0123, 0.013)])  # fmt: skip
def test_the_end_of_an_axis_is_rounded_up_to_two_digits(value: float, rounded: float) -> None:
    assert round_up(value) == pytest.approx(rounded)


def test_every_axis_has_its_own_labels_and_the_same_curve() -> None:
    run = make_run(series={"loss": series_of([1.0 + step % 7 for step in range(40)])}, last=40, steps=40)

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        ends = {}
        dots = {}
        for axis in ("step", "epoch", "tokens", "time"):
            await show(charts, pilot, [run], Look(axis=axis, smoothing=0.0))
            *rows, labels = text_of(shown(charts)[0])
            ends[axis] = labels.split()[-1]
            dots[axis] = [row[7:] for row in rows[1:-1]]
        assert ends == {"step": "40", "epoch": "4", "tokens": "4000", "time": "80"}
        assert dots["step"] == dots["epoch"] == dots["tokens"] == dots["time"]

    play(act, [run], size=(60, 20))


def test_a_logarithm_is_taken_only_of_metrics_that_are_read_by_their_ratios() -> None:
    ys = [10.0 ** (step % 4) for step in range(40)]
    run = make_run(series={name: series_of(ys) for name in ("margin_nats", "lr", "accuracy", "log_odds")})

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        def labels() -> dict[str, list[str]]:
            return {
                plot.title: [row.split("┤")[0].strip() for row in text_of(plot) if "┤" in row] for plot in shown(charts)
            }

        before = labels()
        assert [chart.key for chart in metrics.arrange_charts(run.series) if chart.log_ok] == ["lr"]
        await show(charts, pilot, [run], Look(log=True, smoothing=0.0))
        after = labels()
        assert after["learning rate"] == ["1000", "100", "10", "1"]
        assert {title for title in after if after[title] != before[title]} == {"learning rate"}

    play(act, [run], Look(smoothing=0.0), size=(120, 30))


def test_clipping_fits_the_axis_to_the_smoothed_line_and_leaves_fixed_axes_alone() -> None:
    ys = [1.0 + 0.001 * step for step in range(300)]
    ys[150] = 500.0
    run = make_run(series={"loss": series_of(ys), "accuracy": series_of([0.5] * 300)}, last=300, steps=300)

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        def top(plot: Plot) -> float:
            return float(next(row.split("┤")[0] for row in text_of(plot) if "┤" in row))

        loss, accuracy = shown(charts)
        assert top(loss) >= 400
        assert top(accuracy) == 1.0
        await show(charts, pilot, [run], Look(clip=True, smoothing=0.1))
        assert top(loss) < 200
        assert top(accuracy) == 1.0

    play(act, [run], Look(smoothing=0.1))


def test_a_window_shows_its_part_and_nothing_else() -> None:
    run = make_run(series={"loss": series_of([float(step) for step in range(1, 41)])})

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        await show(charts, pilot, [run], Look(window=(10.0, 20.0), smoothing=0.0))
        assert charts.span == (10.0, 20.0)
        assert charts.full_span == (0.0, 60)
        rows = text_of(shown(charts)[0])
        assert rows[-1].split()[0] == "10"
        assert rows[-1].split()[-1] == "20"
        assert next(row for row in rows if "┤" in row).split("┤")[0].strip() == "20"

    play(act, [run], size=(60, 20))


def test_series_that_grow_while_they_are_shown_are_drawn_at_the_next_call() -> None:
    series = series_of([1.0, 1.0])
    run = make_run(series={"loss": series}, last=2, steps=40)

    async def act(app: Stage, charts: Charts, pilot: Pilot[None]) -> None:
        before = text_of(shown(charts)[0])
        for step in range(3, 41):
            series.append(step, float(step))
        await show(charts, pilot, [run], Look())
        after = text_of(shown(charts)[0])
        assert before != after
        assert after[0].split() == ["loss", "40.00"]

    play(act, [run], size=(60, 20))
