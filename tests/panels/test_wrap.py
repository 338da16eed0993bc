"""Text in lines: no wider than their room, nothing lost but the spaces at their ends."""

import random

import pytest
from rich.cells import cell_len

from panels.wrap import fold, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 9, []),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 6, ["one", "two", "three"]),
        ("one  two\n\n  three ", 99, ["one  two", "", "  three"]),
        ("a abcdefgh b", 4, ["a", "abcd", "efgh", "b"]),
        ("abcdefg bc", 4, ["abcd", "efg", "bc"]),
        ("      deep", 6, ["deep"]),
        ("字字 字字字", 5, ["字字", "字字", "字"]),
        ("ab", 0, ["a", "b"]),
        ("\n", 5, ["", ""]),
    ],
)
def test_lines_break_between_words_and_a_word_that_is_too_long_is_cut(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


def test_parts_keep_their_tones_wherever_lines_break() -> None:
    parts = [("Sir, I ", ""), ("am an A", "bad"), ("I model.", "")]
    assert wrap(parts, 9) == [
        [("Sir, I ", ""), ("am", "bad")],
        [("an A", "bad"), ("I", "")],
        [("model.", "")],
    ]
    assert wrap([], 9) == wrap([("", "bad")], 9) == []


def test_of_any_text_in_any_parts_nothing_is_lost_and_no_line_is_too_wide() -> None:
    dice = random.Random(7)
    for _ in range(300):
        parts = [
            ("".join(dice.choice("ab字 \n\t,😀") for _ in range(dice.randrange(12))), dice.choice(["", "bad"]))
            for _ in range(dice.randrange(8))
        ]
        width = dice.randrange(2, 12)
        lines = wrap(parts, width)
        signs = [(sign, tone) for text, tone in parts for sign in text if not sign.isspace()]
        assert [(s, tone) for line in lines for text, tone in line for s in text if not s.isspace()] == signs
        told = ["".join(text for text, _ in line) for line in lines]
        assert told == fold("".join(text for text, _ in parts), width)
        assert all(cell_len(line) <= width for line in told), (parts, width)
