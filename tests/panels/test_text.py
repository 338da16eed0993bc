"""Text from models, files and people on a terminal: its lines and columns stay, nothing else of it moves the cursor."""

from rich.cells import cell_len

from panels.text import align, harmless_lines

HOSTILE = "orpo\x1b]52;c;aGk=\x07\x1b[2J"


def test_lines_stay_and_nothing_else_moves_the_cursor() -> None:
    assert harmless_lines("a\x1b[2Jb\r\nc\x07\u202ed\u2028e\rf") == "ab\ncd\ne\nf"


def test_a_text_that_is_cut_says_how_much_is_left_out() -> None:
    assert harmless_lines("x" * 1500, 4) == "xxxx\n… 1,496 characters more"
    assert harmless_lines("xxxx", 4) == "xxxx"


def test_columns_stand_below_each_other_whatever_their_cells_hold() -> None:
    lines = align([["objective", "loss"], [HOSTILE, "4.0"], ["漢字", "10.25"]], numeric={1})
    assert lines[1] == "orpo         4.0"
    assert {cell_len(line) for line in lines} == {cell_len("objective  10.25")}
