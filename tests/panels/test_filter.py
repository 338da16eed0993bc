"""Words as a filter: all that are wanted, none of the unwanted."""

from typing import Any

import pytest

from panels.filter import Reads, find_trouble, parse_words


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


ROWS: list[dict[str, Any]] = [{"status": "running", "loss": 2.0}, {"status": "lost", "loss": None}]
READS: Reads[dict[str, Any]] = {"status": lambda row: row["status"], "loss": lambda row: row["loss"]}


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", ""), ("running", ""), ("status:lost loss<3", ""), ("loss<50%", "nothing has 'loss<50%'"), ("-foo", ""),
        ("loss<abc", "'abc' is no number"), ("-loss<abc", "'abc' is no number"), ("lost loss>=x", "'x' is no number"),
        ("lss<3", "no column 'lss'"), ("status:foo", "nothing has 'status:foo'"), ("stat:lost", "nothing has 'stat:lost'"),
        ("lost bar", "nothing has 'bar'"), ("--bar", "nothing has 'bar'"),
    ],
)  # fmt: skip
def test_a_term_that_is_not_understood_or_keeps_nothing_is_named(text: str, trouble: str) -> None:
    assert find_trouble(text, READS, ROWS) == trouble
