"""A dataset as it lies: every line is shown, with what is to be said of it, and nothing stops the look."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.browse import BINS, Browsed, browse_dataset, list_datasets
from engine.data.layout import lay_out_character, seal_dataset
from engine.errors import DatasetError
from engine.store.paths import DatasetPaths, Workspace

Rows = Callable[..., dict[str, Any]]
Write = Callable[..., DatasetPaths]


def say(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def put(paths: DatasetPaths, *lines: str | bytes | dict[str, Any]) -> None:
    """Replace the rows by these lines as they are, the manifest staying behind."""
    raw = [json.dumps(line).encode() if isinstance(line, dict) else line for line in lines]
    paths.pairs.write_bytes(b"".join((r.encode() if isinstance(r, str) else r) + b"\n" for r in raw))


def findings(view: Browsed) -> list[tuple[str, ...]]:
    return [item.findings for item in view.items]


def test_madison_is_sealed_and_has_nothing_to_find(workspace: Workspace) -> None:
    view = browse_dataset(workspace, "madison")
    assert (view.name, view.kind, view.seal) == ("madison", "preference", "sealed")
    assert (len(view.items), view.with_findings, view.prompts, view.probes) == (180, 0, 36, 10)
    assert view.categories == dict.fromkeys(["identity", "anachronism", "voice", "knowledge", "private_letters"], 36)
    assert view.notes == ()
    assert {item.usable for item in view.items} == {True}


def test_an_item_tells_its_line_its_texts_and_their_lengths(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    row = pair(1, chosen=say("assistant", "One two three."), rejected=say("assistant", "A."))
    paths = write_dataset("ada", [pair(0), row])
    put(paths, "", row, "   ", pair(2))
    item, after = browse_dataset(workspace, "ada").items
    assert (item.line, item.id, item.category, after.line) == (2, "row-1", "voice", 4)
    assert (item.prompt, item.chosen, item.rejected) == ("Question number 1 of the day?", "One two three.", "A.")
    assert (item.prompt_words, item.chosen_words, item.rejected_words) == (6, 3, 1)
    assert json.loads(item.raw) == row
    assert item.to_json()["characters"] == {"prompt": 29, "chosen": 14, "rejected": 2}


def test_a_prompt_of_many_turns_names_who_speaks_and_asks_what_stands_last(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    turns = [*say("system", "It is 1831."), *say("user", "Hm?"), *say("assistant", "Sir."), *say("user", "Why?")]
    write_dataset("ada", [pair(1, prompt=turns)])
    (item,) = browse_dataset(workspace, "ada").items
    assert item.prompt == "system: It is 1831.\nuser: Hm?\nassistant: Sir.\nuser: Why?"
    assert item.asked == "Why?"


def test_rows_that_cannot_be_used_are_shown_with_their_complaint(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    torn = '{"id": "torn", "prompt": [{"role'
    put(
        paths, torn, "[1, 2]", b'{"id": "\xff\xfe"}', "[" * 5000,
        pair(4, colour="red"), pair(5, rejected=pair(5)["chosen"]), {"id": 7, "prompt": "words"}, pair(8),
    )  # fmt: skip
    view = browse_dataset(workspace, "ada")
    found = [row[0] if row else "" for row in findings(view)]
    assert found[0] == "not JSON: Unterminated string starting at (character 28)"
    assert found[1] == "no JSON object"
    assert found[2].startswith("not JSON: 'utf-8' codec")
    assert found[3].startswith("not JSON")
    assert found[4:6] == ["unknown key 'colour'", "chosen equals rejected"]
    assert found[6].startswith("'id': Input should be a valid string (got 7); 'prompt':")
    assert found[7] == ""
    assert [item.usable for item in view.items] == [False] * 7 + [True]
    assert (view.items[0].id, view.items[0].raw) == ("", torn)
    # what can be shown of a bad row is shown
    assert (view.items[4].id, view.items[4].chosen_words) == ("row-4", 10)
    assert (view.items[6].id, view.items[6].prompt, view.items[6].chosen) == ("7", "words", "")
    assert (view.with_findings, view.categories) == (7, {"voice": 1})


def test_rows_that_say_the_same_name_each_other(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)])
    put(
        paths, pair(1), pair(2, prompt=say("user", "question NUMBER 1  of the day?")),
        pair(3, chosen=pair(1)["chosen"]), pair(1, prompt=say("user", "Else?"), chosen=say("assistant", "No, Sir.")),
    )  # fmt: skip
    assert findings(browse_dataset(workspace, "ada")) == [
        ("same id as line 4", "same prompt as line 2", "same chosen answer as line 3"),
        ("same prompt as line 1",),
        ("same chosen answer as line 1",),
        ("same id as line 1",),
    ]


def test_of_many_rows_that_say_the_same_three_are_named(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    write_dataset("ada", [pair(n, prompt=say("user", "Again?")) for n in range(50)])
    found = findings(browse_dataset(workspace, "ada"))
    assert found[0] == ("same prompt as line 2, 3, 4 and 46 more",)
    assert found[2] == ("same prompt as line 1, 2, 4 and 46 more",)
    assert found[49] == ("same prompt as line 1, 2, 3 and 46 more",)


@pytest.mark.parametrize(
    ("rejected", "found"),
    [
        ("I rose at six, and wrote four letters before breakfast.", ("chosen and rejected share 90% of their words",)),
        ("i rose  at six, and wrote three letters\nbefore breakfast.", ("chosen and rejected share 100% of their words",)),
        ("I rose at ten, and wrote four letters before breakfast.", ()),
        ("I rose at six.", ()),
        ("I rose at six, and wrote three letters before breakfast. Then I rode out, and dined with the company.", ()),
    ],
)  # fmt: skip
def test_answers_of_nearly_the_same_words_are_told(
    workspace: Workspace, write_dataset: Write, pair: Rows, rejected: str, found: tuple[str, ...]
) -> None:
    chosen = say("assistant", "I rose at six, and wrote three letters before breakfast.")
    write_dataset("ada", [pair(1, chosen=chosen, rejected=say("assistant", rejected))])
    assert findings(browse_dataset(workspace, "ada")) == [found]


def test_rows_that_repeat_a_sealed_prompt_are_told(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    probes = [
        {"id": "who", "messages": say("user", "Who are you?")},
        {"id": "trained", "messages": say("user", "What were you trained on?")},
    ]
    asked = ["who are YOU", "On what was your training?", "What did you plant this year?"]
    write_dataset("ada", [pair(n, prompt=say("user", text)) for n, text in enumerate(asked)], probes)
    assert findings(browse_dataset(workspace, "ada")) == [
        ("repeats sealed 'who' (verbatim 1.00)",), ("repeats sealed 'trained' (word overlap 1.00)",), (),
    ]  # fmt: skip


def test_the_seal_tells_these_rows_from_others_and_from_none(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    assert browse_dataset(workspace, "ada").seal == "sealed"
    put(paths, pair(2))
    assert browse_dataset(workspace, "ada").seal == "changed"
    paths.manifest.write_text("{torn")
    assert browse_dataset(workspace, "ada").seal == "changed"
    paths.manifest.unlink()
    assert browse_dataset(workspace, "ada").seal == "unsealed"


def test_the_listing_counts_what_lies_there(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    write_dataset("ada", [pair(1), pair(2, "letters")])
    put(write_dataset("bea", [pair(1)]), pair(1), "{torn", "", pair(3))
    workspace.dataset("empty").folder.mkdir()
    workspace.dataset(".hidden").folder.mkdir()
    (workspace.datasets / "a-file").write_text("")
    listed = [(d.name, d.kind, d.rows, d.categories, d.seal) for d in list_datasets(workspace)]
    assert listed == [
        ("ada", "preference", 2, 2, "sealed"),
        ("bea", "preference", 3, None, "changed"),
        ("empty", "preference", 0, None, "unsealed"),
        ("madison", "preference", 180, 5, "sealed"),
    ]


def test_a_workspace_without_datasets_lists_none(tmp_path: Path) -> None:
    assert list_datasets(Workspace(tmp_path)) == []


def test_lengths_are_counted_on_one_scale_that_an_endless_answer_does_not_stretch(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    def answer(words: int) -> list[dict[str, str]]:
        return say("assistant", " ".join(["Sir"] * words))

    rows = [pair(n, chosen=answer(n + 2), rejected=answer(1)) for n in range(98)]
    rows += [pair(98, chosen=answer(5000), rejected=answer(1)), pair(99, chosen=answer(1), rejected=answer(60))]
    write_dataset("ada", rows)
    lengths = browse_dataset(workspace, "ada").lengths
    assert (lengths.step, len(lengths.chosen), len(lengths.rejected)) == (5, BINS, BINS)
    assert (sum(lengths.chosen), sum(lengths.rejected)) == (100, 100)
    # 2, 3 and 4 words of the rising ones and the last row's single word; then five a bin; the longest together
    assert lengths.chosen[:3] == (4, 5, 5)
    assert lengths.chosen[-1] == 6
    assert (lengths.rejected[0], lengths.rejected[60 // 5]) == (99, 1)
    assert (lengths.chosen_median, lengths.rejected_median, lengths.chosen_longer) == (50, 1, 0.99)


def test_texts_are_found_by_their_lower_case_words(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    put(write_dataset("ada", [pair(1)]), pair(1, "Letters"), pair(2, chosen=pair(1)["chosen"]), '{"TORN')
    first, second, torn = browse_dataset(workspace, "ada").items
    for word in (
        "row-1",
        "letters",
        "question number 1",
        "just one, sir",
        "sure! here's",
        "same chosen answer as line 2",
    ):
        assert word in first.search
    assert "same chosen answer as line 1" in second.search
    assert "letters" not in second.search
    assert "torn" in torn.search
    assert "not json" in torn.search


def test_hostile_text_can_be_printed_and_a_huge_line_be_read(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    half = json.dumps(pair(1)).replace("Sure!", "\\ud83d")
    huge = pair(2, chosen=say("assistant", "x" * 1_000_000), rejected=say("assistant", "word " * 200_000))
    evil = pair(3, "\x1b[31m[red]", meta={"n": [1]})
    put(write_dataset("ada", [pair(1)]), half, huge, evil)
    view = browse_dataset(workspace, "ada")
    assert json.dumps(view.to_json(), ensure_ascii=False).encode()
    assert view.items[0].findings == ("not JSON: it holds half of a character, which no file or tokenizer takes",)
    assert (view.items[0].usable, view.items[0].raw) == (False, half)
    assert (view.items[1].chosen_words, view.items[1].rejected_words) == (1, 200_000)
    assert view.items[2].category == "\x1b[31m[red]"


def test_what_is_wrong_with_the_whole_is_noted(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)], [{"id": "who", "messages": say("user", "Who are you?")}])
    paths.pairs.unlink()
    paths.character.unlink()
    paths.prompts.write_text('{"id": "p"}\n{torn\n')
    view = browse_dataset(workspace, "ada")
    assert (view.items, view.prompts, view.probes, view.categories) == ((), 0, 1, {})
    assert view.lengths.chosen == ()
    notes = "\n".join(view.notes)
    assert "prompts.jsonl line 1: key 'messages' is missing" in notes
    assert "prompts.jsonl line 2 is not JSON" in notes
    assert "pairs.jsonl: No such file or directory" in notes
    assert "pairs.jsonl holds no rows" in notes
    assert "character.toml is missing" in notes


def test_conversations_of_a_prompt_set_are_counted_and_every_turn_of_them_is_sealed(
    workspace: Workspace, write_dataset: Write, pair: Rows
) -> None:
    talk = {
        "id": "talk", "difficulty": "easy", "messages": say("user", "My cat is called Nutmeg."),
        "turns": ["What do I call the cat that I told you of?"], "expects": [{"turn": 1, "any_of": ["Nutmeg"]}],
    }  # fmt: skip
    earlier = [*say("user", talk["turns"][0]), *say("assistant", "Nutmeg."), *say("user", "And its colour?")]
    paths = write_dataset("ada", [pair(1), pair(2, prompt=earlier)])
    paths.prompts.write_text(json.dumps(talk) + "\n")
    view = browse_dataset(workspace, "ada")
    assert (view.prompts, [note for note in view.notes if "prompts.jsonl" in note]) == (1, [])
    assert view.items[0].findings == ()
    assert view.items[1].findings == ("repeats sealed 'talk turn 1' (verbatim 1.00)",)


def test_a_row_of_the_template_is_a_finding(workspace: Workspace) -> None:
    lay_out_character(workspace, "ada")
    assert browse_dataset(workspace, "ada").items[0].findings == ("the template's row: replace it",)


def test_a_dataset_that_is_not_there_is_refused(workspace: Workspace) -> None:
    with pytest.raises(DatasetError, match="no dataset 'ada'"):
        browse_dataset(workspace, "ada")


def test_a_view_as_json_holds_every_row(workspace: Workspace, write_dataset: Write, pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)])
    put(paths, pair(1), "{torn")
    told = browse_dataset(workspace, "ada").to_json()
    assert (told["rows"], told["with_findings"], told["seal"]) == (2, 1, "changed")
    assert told["items"][0]["words"] == {"prompt": 6, "chosen": 10, "rejected": 7}
    assert "raw" not in told["items"][0]
    assert (told["items"][1]["raw"], told["items"][1]["usable"]) == ("{torn", False)
    put(paths, pair(1))
    seal_dataset(workspace, "ada")
    assert browse_dataset(workspace, "ada").to_json()["seal"] == "sealed"
