"""Words as a filter: all that are wanted, none of the unwanted."""

import pytest

from panels.filter import parse_words


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("", True), ("  ", True), ("SIR", True), ("sir plant", True), ("sir ai", False), ("-ai", True), ("-sir", False),
        ("sir -ai", True), ("sir -plant", False), ("--sir", True), ("-", True), ("row-1", True), ("-row-1", False),
        ("loss<2", False), ("[red]", False), ("\\", False), ("*", False),
    ],
)  # fmt: skip
def test_the_words_keep_a_text_that_holds_all_of_them_and_none_with_a_minus(words: str, kept: bool) -> None:
    assert parse_words(words)("row-1\nsir, i plant tobacco.") is kept
