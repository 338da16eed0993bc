"""Where a run that a panel has nothing of is shown."""

import pytest

from panels.kinds import point_elsewhere


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("probe", "x-1a2b is a probe run: 3 Sentinels shows it"),
        ("train", "x-1a2b is a train run: 2 Training shows it"),
        ("eval", "x-1a2b is an eval run: 8 Evals shows it"),
        ("score", "x-1a2b is a score run: 8 Evals shows it"),
        ("compare", "a compare run: charlab show x-1a2b"),
        ("export", "an export run: charlab show x-1a2b"),
        ("\x1b[31mx", "a x run: charlab show x-1a2b"),
    ],
)
def test_a_kind_without_a_panel_is_told_by_the_command(kind: str, words: str) -> None:
    assert point_elsewhere("x-1a2b", kind) == words
