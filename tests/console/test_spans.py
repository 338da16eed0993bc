"""What is written to the terminal: the changed cells alone, in the styles they have, and no byte twice."""

import io

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from console.spans import RESET, change_ink, crop_update, read_ink

RED, RED_ON_BLUE = Style(color="red"), Style(color="red", bgcolor="blue")
BOLD = Style(bold=True)
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="standard", _environ={})


def write(segments: list[Segment], spans: list[tuple[int, int, int]]) -> str:
    strip = Strip(segments)
    update = crop_update(ChopsUpdate([{0: strip}], spans, [[strip.cell_length]]))
    assert isinstance(update, ChopsUpdate)
    return update.render_segments(CONSOLE)


def test_only_the_cells_of_the_span_are_written() -> None:
    assert write([Segment("abcdefgh")], [(0, 3, 5)]) == f"\x1b[1;4Hde{RESET}"


def test_two_spans_of_a_line_are_two_moves() -> None:
    assert write([Segment("abcdefgh")], [(0, 0, 1), (0, 6, 8)]) == f"\x1b[1;1Ha\x1b[1;7Hgh{RESET}"


def test_a_style_is_named_once_and_then_by_what_differs() -> None:
    segments = [Segment("ab", RED), Segment("cd", RED), Segment("ef", RED_ON_BLUE), Segment("gh")]
    assert write(segments, [(0, 0, 8)]) == f"\x1b[1;1H\x1b[31mabcd\x1b[44mef\x1b[39;49mgh{RESET}"


def test_attributes_start_from_nothing_so_that_none_stays_behind() -> None:
    segments = [Segment("ab", RED + BOLD), Segment("cd", RED), Segment("ef", BOLD)]
    assert write(segments, [(0, 0, 6)]) == f"\x1b[1;1H\x1b[0;1;31mab\x1b[0;31mcd\x1b[0;1mef{RESET}"


def test_a_wide_character_cut_in_two_leaves_a_blank_cell() -> None:
    assert write([Segment("a日b")], [(0, 2, 4)]) == f"\x1b[1;3H b{RESET}"


def test_colours_are_those_that_the_terminal_has() -> None:
    blood = Style(color="#c00000")
    assert read_ink(blood, CONSOLE._color_system).colour == "31"
    assert read_ink(blood, None) == ("", "", "")
    assert read_ink(None, CONSOLE._color_system) == ("", "", "")


def test_the_same_ink_is_not_named_again() -> None:
    ink = read_ink(RED_ON_BLUE, CONSOLE._color_system)
    assert change_ink(ink, ink) == ""


def test_any_other_update_is_left_alone() -> None:
    other = object()
    assert crop_update(other) is other
