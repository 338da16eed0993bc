"""A growing text looks, whenever one looks, as if it had come at once."""

import random

import pytest

from panels.growing import Growing
from panels.text import harmless
from panels.wrap import find_lines

TEXTS = (
    "The powers delegated are few and defined.\n\nThose which remain are numerous.\n",
    "  indented\n\tand a tab is spaces, " + "supercalifragilistic" * 6 + " after",
    "漢字かな交じり文 and 😀 emoji 漢字漢字漢字漢字漢字漢字漢字 end",
    "\n\n\nno beginning\n\n",
    "a\x1b[31mred\x1b[0m b\x1b]0;title\x07c \x1bPq#0\x1b\\d \u202eevil\u2066\x00\x07 e\r\nf\x1b[2J\x1b[1;1Hg",
    "x" * 400 + " " + "y" * 3,
    "one  two   three    " * 9,
)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [1, 7, 20, 38])
def test_pieces_are_laid_out_as_the_whole_is(text: str, width: int) -> None:
    draw = random.Random(width)
    growing, at = Growing(width), 0
    while at < len(text):
        at += draw.randint(1, 5)
        growing.follow(text[:at])
    whole = Growing(width)
    whole.follow(text)
    assert [growing.text[a:b] for a, b in growing.lines] == [whole.text[a:b] for a, b in whole.lines]
    assert growing.text.replace(" ", "") == "\n".join(map(harmless, text.split("\n"))).replace(" ", "")
    assert whole.lines == find_lines(whole.text, max(2, width))


def test_half_an_escape_sequence_is_not_shown() -> None:
    growing = Growing(20)
    growing.follow("a\x1b[3")
    assert growing.text == "a"
    growing.follow("a\x1b[31mb")
    assert growing.text == "ab"


def test_an_escape_sequence_without_end_swallows_its_line_alone() -> None:
    growing = Growing(20)
    growing.follow("a\x1b]0;never ended")
    growing.follow("a\x1b]0;never ended\nb")
    assert growing.text == "a\nb"


def test_what_is_laid_out_stays_as_it_is() -> None:
    text = "word " * 4000
    growing = Growing(40)
    growing.follow(text[:10_000])
    before = growing.lines[:-1]
    growing.follow(text)
    assert growing.lines[: len(before)] == before


def test_the_line_of_a_character_is_found() -> None:
    growing = Growing(5)
    growing.follow("abcd efgh\n\nij")
    assert [growing.find_line(offset) for offset in (0, 3, 5, 8, 10, 11, 12)] == [0, 0, 1, 1, 2, 3, 3]
    assert Growing(5).find_line(3) == 0
