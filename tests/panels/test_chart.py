"""What the chart promises: no lost spikes, whole rows, honest gaps, and pictures that read as drawn here."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

import pytest

from panels.axis import Axis
from panels.chart import Line, Mark, Row, Scale, Series, draw, to_text
from panels.smoothing import smooth_columns

NAN, INF = math.nan, math.inf


def series_of(ys: Iterable[float | None], start: float = 0) -> Series:
    series = Series()
    for i, y in enumerate(ys):
        series.append(start + i, y)
    return series


def cells(row: Row) -> int:
    """Terminal cells of a row, counted without the module's own counting."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(char) else wide.get(unicodedata.east_asian_width(char), 1)
        for text, _ in row
        for char in text
    )


def colours(rows: list[Row]) -> set[object]:
    return {colour for row in rows for _, colour in row}


# ---------------------------------------------------------------- the picture


def test_a_one_sample_spike_in_a_million_points_is_visible_at_60_columns() -> None:
    million = series_of(1.0 if i == 654_321 else 0.0 for i in range(1_000_000))
    assert [c for c, column in enumerate(million.columns(0, 999_999, 60)) if column.high == 1.0] == [39]
    rows = to_text(draw([Line(million)], 60, 10))
    plot = [row[7:] for row in rows[:8]]  # 53 cells, 106 dot columns: the spike is in column 69, cell 34
    assert [c for c, char in enumerate(plot[0]) if char != " "] == [34]
    assert [row[34] for row in plot] == ["⢸"] * 7 + ["⣸"]


def test_a_small_sine_is_drawn_like_this() -> None:
    series = series_of(math.sin(i * math.pi / 20) for i in range(41))
    assert to_text(draw([Line(series)], 40, 10, title="sine", marks=[Mark(10, "◆", "top")])) == [
        "       sine                             ",
        "     1┤    ⢀⠔⠒⠉⠉⠑⠒⢄                     ",
        "      │  ⣀⠔⠁       ⠑⢄⡀                  ",
        "      │⢀⠜            ⠑⢄                 ",
        "     0┤⠎               ⠱⡀              ⡠",
        "      │                 ⠑⡄           ⢀⠔⠁",
        "      │                  ⠈⠒⢄       ⢀⠔⠊  ",
        "    -1┤                     ⠑⠤⢄⣀⣀⠤⠔⠁    ",
        "      └┬───────◆top────┬───────────────┬",
        "       0              20              40",
    ]


@pytest.mark.parametrize(
    ("name", "ys"),
    {
        "none": [],
        "one": [3.0],
        "constant": [2.5] * 9,
        "gaps only": [NAN, None, INF],
        "mixed": [1.0, None, -2.0, NAN, 5.0, 1e-9, 7.0],
        "negative": [-1.0, -5.0],
        "huge": [-1.7976931348623157e308, 1.7976931348623157e308, 1e308],
        "tiny": [5e-324, 1e-310, 3e-308],
        "wide": [1e-300, 1e300],
        "close": [1e9, 1e9 + 1e-6, 1e9 + 2e-6],
        "noise": [math.sin(i * i) for i in range(300)],
    }.items(),
)
def test_every_row_has_exactly_the_asked_width_at_every_size_from_1_to_40(name: str, ys: list[float]) -> None:
    lines = [Line(series_of(ys), 2), Line(series_of(ys, 5), "red", "dots")]
    marks = [Mark(1, "▲", "检查点"), Mark(2, "検", "x"), Mark(3, "", "a\tb\x1b"), Mark(1e9), Mark(NAN)]
    for size in range(1, 41):
        for width, height in {(size, 41 - size), (size, 1), (size, 3 + size % 9), (1, size), (size, 40)}:
            rows = draw(lines, width, height, marks=marks, title="損失 e\u0301 curve", log=size % 2 == 0)
            assert len(rows) == height
            assert [cells(row) for row in rows] == [width] * height


def test_no_room_at_all_gives_empty_rows() -> None:
    assert draw([], 0, 2) == [[], []]
    assert draw([], 5, 0) == []


def test_axes_go_before_the_plot_when_there_is_no_room() -> None:
    lines = [Line(series_of([0.0, 1.0]))]
    assert to_text(draw(lines, 1, 1)) == ["⡜"]
    assert "┤" not in "".join(to_text(draw(lines, 14, 10)))
    assert "┤" in "".join(to_text(draw(lines, 15, 10)))


def test_the_same_data_fill_any_size() -> None:
    series = series_of([0.0, 1.0, 0.0])
    for width, height in ((20, 8), (60, 20), (20, 8)):
        rows = to_text(draw([Line(series)], width, height))
        assert rows[0][7:].strip()
        assert rows[height - 3][7:].strip()


def test_one_point_and_constants_lie_in_the_middle_of_a_range_around_them() -> None:
    for ys in ([5.0], [5.0] * 4):
        rows = to_text(draw([Line(series_of(ys))], 30, 9))
        assert [bool(row[7:].strip()) for row in rows[:7]] == [False] * 3 + [True] + [False] * 3
        assert rows[3][:7] == "   5.0┤"
    same_x = Series()
    for y in (1.0, 9.0, 4.0):
        same_x.append(100, y)
    assert {row[7:].strip() for row in to_text(draw([Line(same_x)], 30, 9))[:7]} <= {"⢸", "⡇"}


def test_none_breaks_the_line_and_nan_breaks_it_and_leaves_a_red_tick() -> None:
    rows = draw([Line(series_of([1.0, 1.0, None, 1.0, 1.0, NAN, 1.0, 1.0]), "green")], 12, 2, y_range=(0, 2))
    assert to_text(rows) == ["            ", "⠉⠉   ⠉⠉ ╻ ⠉⠉"]
    assert [run for run in rows[1] if run[0] == "╻"] == [("╻", "red")]
    assert colours(rows) == {None, "green", "red"}
    assert colours(draw([Line(series_of([1.0, None, 1.0]), "green")], 12, 2)) == {None, "green"}


def test_infinities_and_a_series_of_nothing_but_nan_leave_ticks_and_no_dots() -> None:
    assert to_text(draw([Line(series_of([NAN, INF, -INF]))], 7, 2)) == ["       ", "╻  ╻  ╻"]


def test_a_line_is_straight_between_distant_points_and_dots_are_not_joined() -> None:
    series = series_of([0.0, 1.0])
    assert to_text(draw([Line(series)], 4, 2)) == ["  ⡠⠊", "⡠⠊  "]
    assert to_text(draw([Line(series, style="dots")], 4, 2)) == ["   ⠈", "⡀   "]


def test_neighbouring_columns_meet_in_one_vertical_run_of_each() -> None:
    series = series_of([0.0, 1.0])
    assert to_text(draw([Line(series)], 1, 2)) == ["⢸", "⡇"]
    assert to_text(draw([Line(series_of([1.0, 0.0]))], 1, 2)) == ["⡇", "⢸"]


def test_a_column_is_joined_at_its_first_point_and_filled_from_low_to_high() -> None:
    series = series_of([1.0, 1.0])
    series.append(1, 0.0)
    assert to_text(draw([Line(series)], 1, 1)) == ["⢹"]


def test_a_window_between_two_points_shows_the_line_that_crosses_it() -> None:
    series = series_of([0.0, 1.0])
    assert to_text(draw([Line(series)], 4, 1, x_range=(0.4, 0.6))) == ["⠤⠤⠒⠒"]
    assert to_text(draw([Line(series)], 4, 1, x_range=(0.25, 0.75), y_range=(0.25, 0.75))) == ["⢀⡠⠤⠒"]
    assert to_text(draw([Line(series_of([0.0, None, 1.0]))], 2, 1, x_range=(0.2, 0.4))) == ["  "]


def test_values_outside_the_y_range_run_off_the_edge() -> None:
    series = series_of([0.0, 100.0, 0.0, 0.0])
    assert to_text(draw([Line(series)], 8, 1, y_range=(0, 1))) == ["⡇    ⣇⣀⣀"]
    assert to_text(draw([Line(series)], 8, 1, y_range=(200, 300))) == ["        "]


def test_later_lines_are_on_top_and_dots_of_a_shared_cell_add_up() -> None:
    low, high = series_of([0.0] * 8), series_of([1.0] * 8)
    rows = draw([Line(low, 1), Line(high, "blue")], 4, 1)
    assert rows == [[("⣉⣉⣉⣉", "blue")]]
    assert draw([Line(high, "blue"), Line(low, 1)], 4, 1) == [[("⣉⣉⣉⣉", 1)]]


def test_marks_stand_on_the_axis_with_their_label_where_there_is_room() -> None:
    series = series_of([float(i) for i in range(21)])
    marks = [Mark(5, "▲", "ckpt", "cyan"), Mark(7, "!", "it is too long", 9)]
    marks += [Mark(20, "✗", "off"), Mark(21, "?")]
    rows = draw([Line(series)], 28, 8, marks=marks, x_range=(0, 20))
    assert to_text(rows)[6] == "      └┬────▲─!──┬─────────✗"
    assert [run for run in rows[6] if run[1] is not None] == [("▲", "cyan"), ("!", 9)]
    assert to_text(draw([Line(series)], 28, 8, marks=marks[:1]))[6] == "      └┬────▲ckpt┬─────────┬"


def test_a_log_scale_is_straight_for_powers_and_takes_what_is_not_positive_as_a_gap() -> None:
    rows = draw([Line(series_of([1.0, 10.0, 100.0, 1000.0, -5.0, 0.0, 1000.0, NAN, 1.0]))], 27, 9, log=True)
    assert to_text(rows) == [
        "      │      ⢀⠎       ⠁    ",
        "      │     ⢀⠎             ",
        "   100┤    ⢠⠊              ",
        "      │   ⢠⠃               ",
        "      │  ⡠⠃                ",
        "      │ ⡰⠁                 ",
        "     1┤⡰⠁               ╻ ⢀",
        "      └┬───────────┬───────",
        "       0           5       ",
    ]


def test_a_log_scale_within_one_decade_has_evenly_spaced_labels() -> None:
    rows = to_text(draw([Line(series_of([2.0, 3.0, 4.0]))], 30, 12, log=True))
    assert [row[:6].strip() for row in rows[:10] if row[6] == "┤"] == ["4.0", "3.5", "3.0", "2.5", "2.0"]


def test_ranges_that_cannot_be_drawn_are_refused() -> None:
    for wrong in ((1.0, 0.0), (0.0, NAN), (-INF, 0.0)):
        with pytest.raises(ValueError, match="not a range"):
            draw([], 20, 5, x_range=wrong)
        with pytest.raises(ValueError, match="not a range"):
            draw([], 20, 5, y_range=wrong)
    with pytest.raises(ValueError, match="positive"):
        draw([], 20, 5, y_range=(0, 1), log=True)


# ---------------------------------------------------------------- bands, dashes, smoothing


def dots(rows: list[Row], colour: object) -> set[tuple[int, int]]:
    """Where (dot row, dot column) dots of a colour stand; below 15 cells of width a plot has no labels at its left."""
    bits = {1: (0, 0), 2: (1, 0), 4: (2, 0), 8: (0, 1), 16: (1, 1), 32: (2, 1), 64: (3, 0), 128: (3, 1)}
    found = set()
    for y, row in enumerate(rows):
        x = 0
        for text, painted in row:
            for char in text:
                if painted == colour and char > "\u2800":
                    found |= {(4 * y + r, 2 * x + c) for bit, (r, c) in bits.items() if (ord(char) - 0x2800) & bit}
                x += 1
    return found


def smooth_by_definition(ys: list[float], share: float, width: int) -> list[float]:
    """The debiased average: each value weighs exp(-age / (share * width)), ages in columns."""
    decay = math.exp(-1 / (share * width))
    out = []
    for last in range(len(ys)):
        weights = [decay ** (last - i) for i in range(last + 1)]
        out.append(sum(w * y for w, y in zip(weights, ys, strict=False)) / sum(weights))
    return out


def test_a_band_is_light_and_has_the_least_and_the_greatest_of_every_column() -> None:
    ys = [math.sin(i * i) for i in range(400)]
    series = series_of(ys)
    rows = draw([Line(series, "grey", "band")], 7, 5, x_range=(0, 399), y_range=(-1, 1))  # an axis below 16 dot rows
    found = dots(rows, "grey")
    scale = Scale(-1, 1)
    for c, column in enumerate(series.columns(0, 399, 14)):
        low, high = scale.row(column.low, 16), scale.row(column.high, 16)
        inside = {row for row, at in found if at == c}
        assert {min(inside), max(inside)} == {high, low}
        assert len(inside) <= (low - high) // 2 + 3


def test_a_band_of_one_row_and_of_a_gap_are_what_they_are() -> None:
    rows = draw([Line(series_of([1.0, None, 1.0, 1.0]), "grey", "band")], 2, 1, y_range=(0, 2), x_range=(0, 3))
    assert {at for _, at in dots(rows, "grey")} == {0, 2, 3}


def test_where_a_line_meets_a_band_the_cell_is_the_lines_alone_in_any_order() -> None:
    noise = series_of([math.sin(i * i) for i in range(300)])
    flat = Line(series_of([0.0] * 300), "blue")
    for lines in ([Line(noise, "grey", "band"), flat], [flat, Line(noise, "grey", "band")]):
        rows = draw(lines, 7, 4, x_range=(0, 299), y_range=(-1, 1))
        alone = draw([flat], 7, 4, x_range=(0, 299), y_range=(-1, 1))
        assert dots(rows, "blue") == dots(alone, "blue")
        assert dots(rows, "grey")
        assert not {(r // 4, c // 2) for r, c in dots(rows, "grey")} & {(r // 4, c // 2) for r, c in dots(rows, "blue")}


def test_two_lines_over_a_band_share_their_cells() -> None:
    band = Line(series_of([0.0, 1.0] * 20), "grey", "band")
    low, high = Line(series_of([0.0] * 40), 1), Line(series_of([1.0] * 40), "blue")
    assert to_text(draw([band, low, high], 4, 1)) == ["⣉⣉⣉⣉"]


def test_a_dashed_line_is_the_line_with_every_other_cell_left_out() -> None:
    series = series_of([math.sin(i / 9) for i in range(80)])
    whole, dashed = (dots(draw([Line(series, 1, style)], 6, 4), 1) for style in ("line", "dash"))
    assert dashed == {(r, c) for r, c in whole if c % 4 < 2}
    assert dashed < whole


@pytest.mark.parametrize("share", [0.03, 0.1, 0.5])
def test_smoothing_is_the_debiased_moving_average_over_a_share_of_the_view(share: float) -> None:
    ys = [math.sin(i * i) for i in range(12)]
    line = Line(series_of(ys), 1, smoothing=share)
    found = dots(
        draw([line], 6, 11, x_range=(0.0, 11.0), y_range=(-1.0, 1.0)), 1
    )  # 12 dot columns, a value each; an axis below 40 dot rows
    scale = Scale(-1, 1)
    expected = smooth_by_definition(ys, share, 12)
    for c, value in enumerate(expected):
        assert (scale.row(value, 40), c) in found, c
    assert len(found) < 4 * 40


def test_smoothing_of_columns_goes_by_their_means_and_is_alike_at_any_length() -> None:
    coarse = series_of([math.sin(i / 3) for i in range(12)])
    fine = Series()
    for i in range(12 * 50):
        fine.append(i, math.sin((i // 50) / 3) + (0.5 if i % 2 else -0.5))
    one, other = (
        dots(draw([Line(s, 1, smoothing=0.1)], 6, 5, x_range=(0, high), y_range=(-2, 2)), 1)
        for s, high in ((coarse, 11.999), (fine, 599.999))
    )
    assert one == other


def test_panning_does_not_bend_a_smoothed_line() -> None:
    series = series_of([math.sin(i * i) for i in range(400)])
    first, moved = (smooth_columns(series, low, low + 28, 28, 0.1, None) for low in (200, 210))
    # a step a column, save in the last, which has one more
    assert moved[:17] == pytest.approx(first[10:27], abs=0.02)


def test_a_smoothed_line_breaks_only_where_there_is_a_gap() -> None:
    line = Line(series_of([1.0, 1.0, None, 1.0, 1.0]), 1, smoothing=0.1)
    assert {c for _, c in dots(draw([line], 5, 1, x_range=(0, 5), y_range=(0, 2)), 1)} == {0, 1, 2, 6, 7, 8}
    sparse = Series()
    for x in (0, 5, 9):
        sparse.append(x, 1.0)
    spread = dots(draw([Line(sparse, 1, smoothing=0.1)], 5, 1, x_range=(0, 10), y_range=(0, 2)), 1)
    assert {c for _, c in spread} == set(range(10))


def test_clip_fits_the_axis_to_the_smoothed_lines_and_cuts_the_rest() -> None:
    ys = [1.0 + i / 1000 for i in range(1000)]
    ys[500] = 1e6
    lines = [Line(series_of(ys), "grey", "band"), Line(series_of(ys), 1, smoothing=0.03)]

    def top(clip: bool) -> float:
        text = to_text(draw(lines, 60, 12, clip=clip))
        return next(float(row.split("┤")[0].replace("k", "e3").replace("M", "e6")) for row in text if "┤" in row)

    assert top(clip=False) >= 5e5
    assert top(clip=True) < 3e4
    short = series_of([1.0, 9.0])
    assert to_text(draw([Line(short)], 40, 8, clip=True)) == to_text(draw([Line(short)], 40, 8))


def test_the_crosshair_stands_behind_the_lines_at_its_place_and_nowhere_else() -> None:
    line = Line(series_of([0.0] * 21), 1)
    rows = to_text(draw([line], 27, 8, crosshair=10.0, y_range=(-1, 1)))
    assert [row.find("┊") for row in rows] == [17, 17, 17, -1, 17, 17, -1, -1]  # 7 + 20 cells, 10 is at half
    for outside in (-1.0, 21.0, NAN):
        assert not any("┊" in row for row in to_text(draw([line], 27, 8, crosshair=outside)))
    assert any("┊" in row for row in to_text(draw([line], 27, 8, crosshair=20.0)))


def test_an_axis_of_another_unit_moves_points_to_where_they_are_in_it() -> None:
    time = Axis()
    for x, unit in ((0, 0.0), (10, 10.0), (20, 100.0)):
        time.append(x, unit)
    series = series_of([float(i >= 10) for i in range(21)])
    plain = dots(draw([Line(series, 1)], 10, 2, x_range=(0, 20), y_range=(0, 1)), 1)
    warped = dots(draw([Line(series, 1, axis=time)], 10, 2, x_range=(0, 100), y_range=(0, 1)), 1)
    assert min(c for r, c in plain if r == 0) == 10
    assert min(c for r, c in warped if r == 0) == 2
    assert max(c for _, c in warped) == 19
    labels = to_text(draw([Line(series, 1, axis=time)], 40, 8))[-1]
    assert labels.split()[-1] == "100"


def test_a_spike_survives_a_warped_axis_and_stands_in_its_band_when_smoothed() -> None:
    million = series_of(1.0 if i == 654_321 else 0.0 for i in range(1_000_000))
    tokens = Axis()
    for x in range(0, 1_000_001, 1000):
        tokens.append(x, x * x / 1e6)
    lines = [Line(million, "grey", "band", tokens), Line(million, 1, "line", tokens, smoothing=0.03)]
    rows = draw(lines, 60, 10, x_range=(0, 1e6), y_range=(0, 1))
    column = int(0.654321**2 * 106)
    text = to_text(rows)
    assert [c for c, char in enumerate(text[0][7:]) if char != " "] == [column // 2]


# ---------------------------------------------------------------- labels


def test_labels_are_of_1_2_5_steps_in_the_shortest_common_form() -> None:
    def labels(low: float, high: float) -> list[str]:
        rows = to_text(draw([], 40, 18, y_range=(low, high)))
        return [row.split("┤")[0].strip() for row in rows if "┤" in row]

    assert labels(0, 1) == ["1.0", "0.8", "0.6", "0.4", "0.2", "0"]
    assert labels(0, 3.1) == ["3", "2", "1", "0"]
    assert labels(-70, 30) == ["20", "0", "-20", "-40", "-60"]
    assert labels(0, 3e-4) == ["3e-4", "2e-4", "1e-4", "0"]
    assert labels(0, 3e6) == ["3M", "2M", "1M", "0"]
    assert labels(12_000, 13_000) == ["13.0k", "12.8k", "12.6k", "12.4k", "12.2k", "12.0k"]
    assert labels(1e9, 1e9 + 3) == ["1000000003", "1000000002", "1000000001", "1000000000"]


def test_the_plot_stays_put_while_values_change_a_little() -> None:
    for top in range(90, 2000, 7):
        rows = to_text(draw([Line(series_of([0.0, top / 100]))], 60, 20))
        assert {row[6] for row in rows[:18]} == {"│", "┤"}


def test_wider_y_labels_take_their_room_three_cells_at_a_time() -> None:
    axes = [draw([], 60, 18, y_range=(low, low + 3)) for low in (1e5, 1e6, 1e8, 1e9)]
    assert [to_text(rows)[16].index("└") for rows in axes] == [6, 9, 9, 12]


def test_x_labels_never_run_into_each_other() -> None:
    for width in range(20, 60):
        row = to_text(draw([], width, 8, x_range=(1e9, 1e9 + 7)))[7]
        assert row.split() == [label for label in row.split() if len(label) == len("1000000000")]


def test_a_scale_never_degenerates() -> None:
    for low, high in ((0.0, 0.0), (5.0, 5.0), (-1e308, 1.7e308), (1e-320, 1e-320), (1e9, 1e9)):
        scale = Scale(low, high)
        assert scale.low < scale.high
        assert 0 <= scale.at(low) <= scale.at(high) <= 1
        ticks, step = scale.ticks(5)
        assert 1 <= len(ticks) <= 12
        assert math.isfinite(step)
        assert all(scale.low <= tick <= scale.high for tick in ticks)


# ---------------------------------------------------------------- the small ones
