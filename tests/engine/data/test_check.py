"""What a look over a whole dataset tells: counts, and shapes that a single row does not show."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.data.check import check_dataset, find_imbalance, find_length_shortcut, find_repeats
from engine.errors import DatasetError
from engine.records.dataset import Pair
from engine.store.paths import DatasetPaths, Workspace

Rows = Callable[..., dict[str, Any]]


def answers(chosen: str, rejected: str) -> dict[str, Any]:
    return {
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def test_counts_and_lengths_are_told(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    rows = [pair(1, **answers("One two three.", "One.")), pair(2, "letters"), pair(3, **answers("A b.", "A b c d."))]
    write_dataset("ada", rows, [{"id": "who", "messages": [{"role": "user", "content": "Who are you?"}]}])
    found = check_dataset(workspace, "ada")
    assert (found["name"], found["rows"], found["probes"], found["prompts"], found["sealed"]) == ("ada", 3, 1, 0, True)
    assert found["categories"] == {"voice": 2, "letters": 1}
    assert found["words"] == {"prompt": 6, "chosen": 3, "rejected": 4}
    assert found["findings"] == []


def test_rows_changed_or_never_sealed_are_told_as_unsealed(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.pairs.write_text(json.dumps(pair(2)) + "\n")
    assert check_dataset(workspace, "ada")["sealed"] is False
    paths.manifest.unlink()
    assert check_dataset(workspace, "ada")["sealed"] is False


def test_the_first_row_that_cannot_be_used_ends_the_look(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.pairs.write_text(json.dumps(pair(1)) + "\n{\n")
    with pytest.raises(DatasetError, match="line 2 is not JSON"):
        check_dataset(workspace, "ada")


def test_prompts_and_answers_that_stand_twice_are_told_with_their_rows(pair: Rows) -> None:
    rows = [pair(1), pair(2), pair(3), pair(4)]
    rows[2]["prompt"] = [{"role": "user", "content": "question NUMBER 1  of the day?"}]
    rows[3]["chosen"] = rows[1]["chosen"]
    assert find_repeats([Pair.model_validate(r) for r in rows]) == [
        "1 prompts stand more than once, such as in row-1, row-3",
        "1 chosen answers stand more than once, such as in row-2, row-4",
    ]


@pytest.mark.parametrize(
    ("longer", "shorter", "told"),
    [
        (18, 2, ["chosen is longer in 90% of the pairs: length alone tells the answers apart"]),
        (2, 18, ["chosen is shorter in 90% of the pairs: length alone tells the answers apart"]),
        (16, 4, []),
        (4, 16, []),
    ],
)
def test_a_preference_that_length_tells_is_found(pair: Rows, longer: int, shorter: int, told: list[str]) -> None:
    rows = [pair(n, **answers("A long answer.", "Short.")) for n in range(longer)]
    rows += [pair(n, **answers("Short.", "A long answer.")) for n in range(shorter)]
    assert find_length_shortcut([Pair.model_validate(r) for r in rows]) == told


def test_a_handful_of_rows_is_too_few_to_speak_of_length(pair: Rows) -> None:
    rows = [Pair.model_validate(pair(n, **answers("A long answer.", "Short."))) for n in range(19)]
    assert find_length_shortcut(rows) == []


def test_answers_of_one_length_are_no_shortcut(pair: Rows) -> None:
    rows = [Pair.model_validate(pair(n, **answers("Just as long.", "As long, too."))) for n in range(20)]
    assert find_length_shortcut(rows) == []


def test_uneven_categories_are_found_beyond_four_to_one(pair: Rows) -> None:
    rows = [Pair.model_validate(pair(n, "voice" if n < 9 else "letters")) for n in range(11)]
    assert find_imbalance(rows) == ["categories are uneven: voice has 9 rows, letters 2"]
    assert find_imbalance(rows[1:]) == []
    assert find_imbalance(rows[:9]) == []


def test_prompts_and_rubric_are_looked_at_too(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    prompt = {"id": "a", "difficulty": "easy", "messages": [{"role": "user", "content": "My cat is Nutmeg."}]}
    talk = {**prompt, "id": "b", "turns": ["And?"], "expects": [{"turn": 1, "any_of": ["Nutmeg"]}]}
    paths.prompts.write_text("".join(json.dumps(row) + "\n" for row in (prompt, talk)))
    found = check_dataset(workspace, "ada")
    assert (found["prompts"], found["conversations"], found["rubric"]) == (2, 1, None)
    assert found["findings"] == ["there are prompts and no rubric.toml, so no judge can score their answers"]
    paths.rubric.write_bytes(workspace.dataset("madison").rubric.read_bytes())
    found = check_dataset(workspace, "ada")
    assert (found["rubric"], found["findings"]) == ({"name": "james-madison", "version": 1}, [])
    paths.rubric.write_text(paths.rubric.read_text().replace("weight = 25", "weight = 0"))
    with pytest.raises(DatasetError, match=r"components\.0\.weight"):
        check_dataset(workspace, "ada")


def test_a_conversation_that_expects_something_of_a_turn_it_has_not_is_told_with_its_line(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    talk = {
        "id": "b", "difficulty": "easy", "messages": [{"role": "user", "content": "?"}], "turns": ["And?"],
        "expects": [{"turn": 2, "any_of": ["Nutmeg"]}],
    }  # fmt: skip
    paths.prompts.write_text(json.dumps(talk) + "\n")
    with pytest.raises(DatasetError, match=r"prompts.jsonl line 1: .*an expectation for turn 2, and the last is 1"):
        check_dataset(workspace, "ada")
