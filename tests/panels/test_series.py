"""What the series promises: exact M4 at any width, blocks that never change, and gaps that stay gaps."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable

import pytest

from panels.axis import Axis
from panels.series import BASE_LEVEL, Series

NAN, INF = math.nan, math.inf


def series_of(ys: Iterable[float | None], start: float = 0) -> Series:
    series = Series()
    for i, y in enumerate(ys):
        series.append(start + i, y)
    return series


def brute(points: list[tuple[float, float | None]], low: float, high: float, width: int) -> list[object]:
    """M4 by the definition: every point asked for every column."""
    edges = [low + (high - low) * c / width for c in range(width)] + [INF]
    out: list[object] = []
    for c in range(width):
        inside = [i for i, (x, _) in enumerate(points) if edges[c] <= x < edges[c + 1] and x <= high]
        values = {i: y for i in inside if (y := points[i][1]) is not None and math.isfinite(y)}
        bad = sum(1 for i in inside if (y := points[i][1]) is not None and not math.isfinite(y))
        counts = (len(inside), len(inside) - len(values), bad)
        if not values:
            out.append((counts, (-1, -1, -1, -1)))
            continue
        order = sorted(values)
        lowest = min(order, key=lambda i: values[i])
        highest = max(order, key=lambda i: values[i])
        four = (order[0], lowest, highest, order[-1])
        mean = pytest.approx(math.fsum(values.values()) / len(values), abs=1e-9)
        out.append((counts, four, tuple(values[i] for i in four), mean))
    return out


@pytest.mark.parametrize("seed", range(40))
def test_columns_agree_with_brute_force_m4_on_random_data_with_gaps(seed: int) -> None:
    dice = random.Random(seed)
    gap_share = dice.choice([0, 0, 0.01, 0.3, 0.98])
    points: list[tuple[float, float | None]] = []
    x = dice.uniform(-100, 100)
    for _ in range(dice.randrange(1, 1500)):
        x += dice.choice([0, 0, 1, 0.25, dice.random(), 40 * dice.random()])
        y = dice.choice([dice.gauss(0, 1), float(dice.randrange(4))])
        points.append((x, dice.choice([None, NAN, INF, -INF]) if dice.random() < gap_share else y))
    series = Series()
    for point in points:
        series.append(*point)
    first, last = points[0][0], points[-1][0] + 0.5
    windows = [(first, last), (first - 10, last + 10), (last, last + 1)]
    windows += [(a, a + dice.uniform(0.01, last - first)) for a in (dice.uniform(first, last) for _ in range(3))]
    for low, high in windows:
        for width in (1, 2, 7, 60):
            got: list[object] = []
            for column in series.columns(low, high, width):
                counts, four = (column.stop - column.start, column.gaps, column.bad), column[4:8]
                got.append((counts, four, column[8:12], column.mean) if four[0] >= 0 else (counts, four))
            assert got == brute(points, low, high, width)


def test_append_never_changes_earlier_full_blocks() -> None:
    dice = random.Random(7)
    series = Series()
    seen: dict[int, list[tuple[int, int, int, int]]] = {}
    for i in range(3000):
        series.append(i // 3, None if dice.random() < 0.1 else dice.random())
        if i % 37 == 0 or i == 2999:
            for level in range(BASE_LEVEL, 13):
                blocks = series.blocks(level)
                assert len(blocks) == (i + 1) >> level
                assert blocks[: len(seen.get(level, []))] == seen.get(level, [])
                seen[level] = blocks


def test_a_block_holds_the_positions_of_first_low_high_last() -> None:
    series = series_of([NAN, *(float(i * 37 % 64) for i in range(1, 63)), None])
    assert series.blocks(6) == [(1, 45, 19, 62)]
    assert [series[i][1] for i in series.blocks(6)[0]] == [37.0, 1.0, 63.0, 54.0]
    with pytest.raises(ValueError, match="not stored"):
        series.blocks(BASE_LEVEL - 1)


def test_points_left_of_a_column_edge_stay_left_while_points_are_appended() -> None:
    series = series_of([float(i % 10) for i in range(500)])
    before = series.columns(0, 999, 100)[:40]
    for i in range(500, 1000):
        series.append(i, 1e9)
    assert series.columns(0, 999, 100)[:40] == before


def test_append_refuses_an_x_that_falls_or_is_not_finite_and_stays_as_it_was() -> None:
    series = series_of([1.0, 2.0])
    for x in (0.5, NAN, INF):
        with pytest.raises(ValueError, match="point 2"):
            series.append(x, 1.0)
    series.append(1.0, 3.0)
    assert [series[i] for i in range(len(series))] == [(0.0, 1.0), (1.0, 2.0), (1.0, 3.0)]


def test_columns_refuses_an_empty_window() -> None:
    for low, high, width in ((1.0, 1.0, 5), (2.0, 1.0, 5), (0.0, NAN, 5), (0.0, INF, 5), (0.0, 1.0, 0)):
        with pytest.raises(ValueError, match="no columns"):
            Series().columns(low, high, width)


def test_the_positive_view_is_the_series_itself_until_a_value_is_not_positive_and_then_follows_it() -> None:
    series = series_of([3.0, 2.0, None, NAN])
    assert series.positive() is series
    series.append(4, 0.0)
    view = series.positive()
    assert [len(view), view.columns(0, 9, 1)[0].low, view.columns(0, 9, 1)[0].gaps] == [5, 2.0, 3]
    series.append(5, 1.0)
    assert series.positive() is view
    column = view.columns(0, 9, 1)[0]
    assert (column.low, column.high, column.gaps, column.bad) == (1.0, 3.0, 3, 1)


def test_many_points_at_once_are_the_same_as_one_by_one() -> None:
    dice = random.Random(5)
    xs = array("d", sorted(dice.uniform(0, 100) for _ in range(1000)))
    ys = array("d", [dice.choice([dice.gauss(0, 1), NAN, INF]) for _ in xs])
    single, bulk = Series(), Series()
    for x, y in zip(xs, ys, strict=True):
        single.append(x, None if math.isnan(y) else y)
    bulk.extend(xs[:300], ys[:300])
    bulk.extend(xs[300:], ys[300:])
    assert [repr(part) for part in bulk.dump()] == [repr(part) for part in single.dump()]
    with pytest.raises(ValueError, match="not decreasing"):
        bulk.extend(array("d", [200.0, 150.0]), array("d", [0.0, 0.0]))
    assert len(bulk) == 1000


def test_a_truncated_series_is_the_one_that_never_went_further() -> None:
    whole, short = Series(), Series()
    for i in range(5000):
        y = None if i % 97 == 0 else NAN if i % 89 == 0 else math.sin(i)
        whole.append(i, y)
        if i < 1777:
            short.append(i, y)
    whole.truncate(1777)
    assert [repr(part) for part in whole.dump()] == [repr(part) for part in short.dump()]


def test_a_dumped_series_comes_back_and_goes_on() -> None:
    series = series_of([float(i * 37 % 64) for i in range(500)])
    again = Series.load([array(part.typecode, part.tobytes()) for part in series.dump()])
    for one in (series, again):
        one.append(500, 99.0)
    assert again.columns(0, 500, 33) == series.columns(0, 500, 33)


def test_the_last_point_at_or_before_an_x_is_found() -> None:
    series = Series()
    for x in (1, 3, 3, 8):
        series.append(x, float(x))
    assert [series.at(x) for x in (0, 1, 2, 3, 7, 8, 99)] == [-1, 0, 0, 2, 2, 3, 3]


def test_columns_in_another_unit_hold_the_points_that_lie_there() -> None:
    series, axis = Series(), Axis()
    for step in range(1, 101):
        series.append(step, float(step))
        axis.append(step, step**2)  # seconds, say, with steps that get slower
    columns = series.columns(0, 10_000, 4, axis)
    assert [(column.low, column.high) for column in columns] == [(1, 49), (50, 70), (71, 86), (87, 100)]


def test_an_axis_goes_forth_and_back_and_beyond_its_ends() -> None:
    axis = Axis()
    for step, tokens in ((1, 100.0), (2, 200.0), (4, 600.0)):
        axis.append(step, tokens)
    assert [axis.forward(x) for x in (1, 1.5, 3, 4)] == [100, 150, 400, 600]
    assert [axis.back(u) for u in (100, 150, 400, 600)] == [1, 1.5, 3, 4]
    rate = 500 / 3
    assert axis.forward(5) == pytest.approx(600 + rate)
    assert axis.forward(0) == pytest.approx(100 - rate)
    axis.append(5, 550.0)  # a clock that was set back
    assert axis.forward(5) == 600


@pytest.mark.parametrize("seed", range(30))
def test_views_looked_at_while_a_series_grows_and_is_cut_are_those_of_a_new_series(seed: int) -> None:
    dice = random.Random(seed)
    series, points, x = Series(), list[tuple[float, float | None]](), 0.0
    views = [(dice.uniform(-5, 30), dice.uniform(31, 120), dice.choice([1, 2, 7, 30, 60])) for _ in range(3)]
    for _ in range(50):
        if dice.random() < 0.1 and points:
            cut = dice.uniform(0, x)
            series.truncate(cut)
            points = [point for point in points if point[0] < cut]
            x = points[-1][0] if points else 0.0
        for _ in range(dice.randrange(1, 9)):
            x += dice.choice([0, 0, 1, 0.5, 3 * dice.random()])
            points.append((x, dice.choice([None, NAN, dice.random()])))
            series.append(*points[-1])
        new = Series()
        for point in points:
            new.append(*point)
        for view in views:
            assert str(list(series.columns(*view))) == str(list(new.columns(*view)))
