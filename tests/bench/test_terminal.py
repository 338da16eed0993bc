"""The parts of the benchmarks that everything measured through a terminal stands on."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from screen import Screen
from synthetic import DIGITS, EVERY, find_lost, make_lines
from terminal import QUERIES, Terminal, answer_query


def show(columns: int, rows: int, *parts: bytes) -> list[str]:
    screen = Screen(columns, rows)
    for part in parts:
        screen.feed(part)
    return screen.lines()


def test_text_is_placed_where_the_cursor_was_sent() -> None:
    assert show(6, 2, b"\x1b[2;3Hab\x1b[1;1H\x1b[31mc\x1b[0m") == ["c     ", "  ab  "]


def test_sequences_and_characters_may_come_in_pieces() -> None:
    assert show(6, 1, b"\x1b[1", b";3H\xe2", b"\xa3\xbf", b"\x1b]2;ti", b"tle\x07!") == ["  ⣿!  "]


def test_what_a_cell_renderer_saves_bytes_with_is_understood() -> None:
    assert show(8, 1, b"abcdefgh\x1b[1;3H\x1b[2X") == ["ab  efgh"]
    assert show(8, 1, b"a\x1b[3b\x1b[2Cz") == ["aaaa  z "]
    assert show(8, 1, b"abcdefgh\x1b[1;3H\x1b[2P") == ["abefgh  "]
    assert show(4, 3, b"a\r\nb\r\nc\x1b[2;3r\x1b[S") == ["a   ", "c   ", "    "]


def test_a_full_line_wraps_only_when_more_comes() -> None:
    assert show(3, 2, b"abc\rX") == ["Xbc", "   "]
    assert show(3, 2, b"abcd") == ["abc", "d  "]


def test_a_wide_character_takes_two_cells() -> None:
    assert show(4, 1, "日x".encode()) == ["日x "]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b[6n", b"\x1b[1;1R"),
        (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
        (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),
        (b"\x1b[?u", b"\x1b[?0u"),
        (b"\x1b]11;?\x07", b"\x1b]11;rgb:1212/1212/1212\x1b\\"),
        (b"\x1b[18t", b"\x1b[8;34;120t"),
    ],
)
def test_a_question_isanswer_queryed_as_a_terminal_would(asked: bytes, told: bytes) -> None:
    (found,) = QUERIES.finditer(b"before" + asked + b"after")
    assert answer_query(found, 120, 34) == told


def test_a_program_under_the_pty_is_seenanswer_queryed_and_ended(tmp_path: Path) -> None:
    program = (
        "import os, sys, tty; tty.setraw(0); os.write(1, b'\\x1b[c'); got = os.read(0, 20);"
        "os.write(1, b'size %dx%d, told %d ' % (*os.get_terminal_size(), len(got)));"
        "os.write(1, b'key ' + os.read(0, 1)); os.read(0, 1)"
    )
    with Terminal([sys.executable, "-c", program], tmp_path) as terminal:
        terminal.wait_for_text("size 120x34, told 9")
        assert terminal.press("k").bytes == len("key k")
        assert terminal.screen().holds("key k")
        pid = terminal.process
    assert not pid.is_running()


def test_rows_of_a_synthetic_run_are_those_of_a_real_one() -> None:
    lost = find_lost(1, 2 * EVERY * 8, 5)
    rows = [json.loads(line) for line in make_lines(1, 2 * EVERY * 8, 40_000, np.arange(2.0 * EVERY * 8), 5)]
    plain = [row for row in rows if "lr" in row["values"]]
    assert [row["step"] for row in plain] == list(range(1, 2 * EVERY * 8 + 1))
    assert all(row["values"].keys() == DIGITS.keys() for row in plain)
    assert {row["step"] for row in plain if row["nonfinite"] == ["grad_norm", "loss"]} == lost
    assert all(row["values"][name] is None for row in plain for name in row["nonfinite"])
    assert lost
    assert [row["step"] for row in rows if "break_rate" in row["values"]] == list(
        range(EVERY, 2 * EVERY * 8 + 1, EVERY)
    )
