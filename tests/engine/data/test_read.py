"""Reading a dataset: what is wrong is named with its file and line, and what was sealed is what is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.read import (
    find_dataset,
    hash_file,
    read_character,
    read_jsonl,
    read_manifest,
    read_pairs,
    read_probes,
)
from engine.errors import DatasetError
from engine.records.dataset import Pair, Prompt
from engine.store.paths import DatasetPaths, Workspace

Rows = Callable[..., dict[str, Any]]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


@pytest.fixture
def refuse(tmp_path: Path, pair: Rows) -> Callable[[Any], str]:
    """The complaint about a file whose third line is `row`, without the file's own name."""

    def read(row: Any) -> str:
        path = tmp_path / "pairs.jsonl"
        text = row if isinstance(row, str) else json.dumps(row)
        path.write_text("".join(json.dumps(pair(n)) + "\n" for n in (1, 2)) + text + "\n" + json.dumps(pair(4)) + "\n")
        with pytest.raises(DatasetError) as refused:
            read_jsonl(path, Pair)
        start = f"{path} line 3"
        assert refused.value.message.startswith(start)
        return refused.value.message.removeprefix(start)

    return read


def test_sealed_rows_read_as_pairs_in_the_order_of_the_file(
    write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(2), pair(1, "letters")])
    pairs = read_pairs(paths)
    assert [(p.id, p.category) for p in pairs] == [("row-2", "voice"), ("row-1", "letters")]
    assert pairs[0].chosen[0].content == "I hold that answer 2 is the just one, Sir."


def test_blank_lines_and_line_ends_of_another_system_do_no_harm(tmp_path: Path, pair: Rows) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\n" + json.dumps(pair(1)).encode() + b"\r\n  \n" + json.dumps(pair(2)).encode())
    assert [p.id for p in read_jsonl(path, Pair)] == ["row-1", "row-2"]


def test_a_line_separator_within_a_text_ends_no_row(tmp_path: Path, pair: Rows) -> None:
    path = tmp_path / "pairs.jsonl"
    row = pair(1, prompt=[user("one\u2028two\x85three\vfour")])
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    assert read_jsonl(path, Pair)[0].prompt[0].content == "one\u2028two\x85three\vfour"


@pytest.mark.parametrize("text", ['{"id": ', "row", "[" * 200_000])
def test_a_line_that_is_no_json_is_named(refuse: Callable[[Any], str], text: str) -> None:
    assert refuse(text).startswith(" is not JSON: ")


def test_bytes_that_are_no_utf_8_are_named_by_their_line(tmp_path: Path, pair: Rows) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(json.dumps(pair(1)).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(DatasetError, match="line 2 is not JSON"):
        read_jsonl(path, Pair)


def test_half_a_character_is_no_text_and_is_named_by_its_line(refuse: Callable[[Any], str], pair: Rows) -> None:
    half = json.dumps(pair(3)).replace("Sure!", "\\ud83d")
    assert refuse(half) == " is not JSON: it holds half of a character, which no file or tokenizer takes"


def test_a_mark_of_byte_order_is_no_part_of_the_first_row(tmp_path: Path, pair: Rows) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(pair(1)).encode() + b"\n")
    assert [p.id for p in read_jsonl(path, Pair)] == ["row-1"]


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").mkdir()
    with pytest.raises(DatasetError, match=r"pairs\.jsonl cannot be read: Is a directory"):
        read_jsonl(tmp_path / "pairs.jsonl", Pair)


def test_a_line_that_is_no_object_is_named(refuse: Callable[[Any], str]) -> None:
    assert "the whole" in refuse([1, 2])


def test_an_unknown_key_is_named(refuse: Callable[[Any], str], pair: Rows) -> None:
    assert refuse({**pair(3), "notes": "x"}) == ": unknown key 'notes'"
    assert refuse(pair(3, prompt=[{**user("Well?"), "name": "x"}])) == ": unknown key 'prompt.0.name'"


def test_a_missing_key_is_named(refuse: Callable[[Any], str], pair: Rows) -> None:
    row = pair(3)
    del row["rejected"]
    assert refuse(row) == ": key 'rejected' is missing"


@pytest.mark.parametrize("side", ["chosen", "rejected"])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_completion_is_refused(refuse: Callable[[Any], str], pair: Rows, side: str, text: str) -> None:
    assert f"{side} is empty" in refuse(pair(3, **{side: [assistant(text)]}))


@pytest.mark.parametrize("side", ["chosen", "rejected"])
@pytest.mark.parametrize("answer", [[], [user("a")], [assistant("a"), assistant("b")]])
def test_a_completion_is_one_assistant_message(
    refuse: Callable[[Any], str], pair: Rows, side: str, answer: list[dict[str, str]]
) -> None:
    assert f"{side} must be one assistant message" in refuse(pair(3, **{side: answer}))


def test_chosen_that_equals_rejected_but_for_white_space_is_refused(refuse: Callable[[Any], str], pair: Rows) -> None:
    row = pair(3, chosen=[assistant("The same. ")], rejected=[assistant("\nThe same.")])
    assert "chosen equals rejected" in refuse(row)


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [
        ([], "the prompt has no user turn"),
        ([system("Be brief.")], "the prompt has no user turn"),
        ([user("One?"), user("Two?")], "two user turns in a row"),
        ([user("One?"), assistant("A."), assistant("B."), user("Two?")], "two assistant turns in a row"),
        ([assistant("I begin."), user("One?")], "an assistant who begins"),
        ([user("One?"), system("Late."), user("Two?")], "a system message stands after the first turn"),
        ([user("One?"), assistant("A.")], "the last turn of a prompt must be the user's"),
        ([user(" ")], "the user turn 1 is empty"),
        ([user("One?"), assistant(""), user("Two?")], "the assistant turn 2 is empty"),
        ([{"role": "tool", "content": "x"}], "prompt.0.role"),
    ],
)
def test_a_prompt_out_of_turn_is_refused(
    refuse: Callable[[Any], str], pair: Rows, prompt: list[dict[str, str]], complaint: str
) -> None:
    assert complaint in refuse(pair(3, prompt=prompt))


def test_a_prompt_of_several_turns_under_a_system_message_is_read(tmp_path: Path, pair: Rows) -> None:
    path = tmp_path / "pairs.jsonl"
    prompt = [system("Be brief."), user("One?"), assistant("A."), user("Two?")]
    path.write_text(json.dumps(pair(1, prompt=prompt)) + "\n")
    assert [m.role for m in read_jsonl(path, Pair)[0].prompt] == ["system", "user", "assistant", "user"]


def test_an_id_that_stands_twice_is_named_with_both_lines(refuse: Callable[[Any], str], pair: Rows) -> None:
    assert refuse({**pair(3), "id": "row-2"}) == ": id 'row-2' stands already on line 2"


@pytest.mark.parametrize("bad", ["", 7, None])
def test_an_id_is_a_word(refuse: Callable[[Any], str], pair: Rows, bad: object) -> None:
    assert refuse(pair(3, id=bad)).startswith(": 'id': ")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "pairs.jsonl").write_text(text)
    with pytest.raises(DatasetError, match="holds no rows"):
        read_jsonl(tmp_path / "pairs.jsonl", Pair)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"pairs\.jsonl is missing"):
        read_jsonl(tmp_path / "pairs.jsonl", Pair)


def test_rows_that_changed_since_the_manifest_was_written_are_refused(
    write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1), pair(2)])
    sealed = hash_file(paths.pairs)
    with open(paths.pairs, "a") as file:
        file.write(json.dumps(pair(3)) + "\n")
    with pytest.raises(DatasetError, match=r"is not what dataset\.json was written for") as refused:
        read_pairs(paths)
    assert f"sha256 {hash_file(paths.pairs)[:12]}, not {sealed[:12]}" in refused.value.message
    assert refused.value.fix == "charlab data check ada, then charlab data seal ada"


def test_rows_without_a_manifest_are_refused_with_the_way_out(
    write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.manifest.unlink()
    with pytest.raises(DatasetError, match=r"dataset\.json is missing") as refused:
        read_pairs(paths)
    assert refused.value.fix == "charlab data seal ada"


def test_a_manifest_with_an_unknown_key_is_refused(write_dataset: Callable[..., DatasetPaths], pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.manifest.write_text(json.dumps({**json.loads(paths.manifest.read_text()), "owner": "x"}))
    with pytest.raises(DatasetError, match="unknown key 'owner'"):
        read_manifest(paths)


def test_a_bad_row_is_named_before_the_changed_hash_is(write_dataset: Callable[..., DatasetPaths], pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.pairs.write_text(json.dumps(pair(1)) + "\n{}\n")
    with pytest.raises(DatasetError, match="line 2: key 'id' is missing"):
        read_pairs(paths)


@pytest.mark.parametrize("name", ["", "bob"])
def test_an_unknown_dataset_is_refused_with_those_that_there_are(workspace: Workspace, name: str) -> None:
    with pytest.raises(DatasetError, match=f"no dataset '{name}'") as refused:
        find_dataset(workspace, name)
    assert refused.value.fix == "one of: madison"


def test_an_evaluation_prompt_needs_a_difficulty(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    row = {"id": "a", "category": "c", "difficulty": "hard", "messages": [user("Well?")], "references": ["x"]}
    path.write_text(json.dumps(row) + "\n")
    assert read_jsonl(path, Prompt)[0].difficulty == "hard"
    path.write_text(json.dumps({**row, "difficulty": "fiendish"}) + "\n")
    with pytest.raises(DatasetError, match="line 1: 'difficulty'"):
        read_jsonl(path, Prompt)


def test_a_probe_ends_with_the_user(tmp_path: Path) -> None:
    path = tmp_path / "probes.jsonl"
    path.write_text(json.dumps({"id": "a", "messages": [user("Who?"), assistant("I.")]}) + "\n")
    with pytest.raises(DatasetError, match=r"line 1: .*must be the user's"):
        read_probes(path)


def test_a_character_is_read_with_its_defaults(write_dataset: Callable[..., DatasetPaths], pair: Rows) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.character.write_text('name = "Ada"\n')
    character = read_character(paths)
    assert (character.name, character.may_be_ai, character.makers) == ("Ada", False, [])
    assert (character.voice.least, character.voice.marks, character.voice.foreign) == (1, [], [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('nam = "Ada"\n', "unknown key 'nam'"),
        ("name = Ada\n", "Invalid value"),
        ('name = ""\n', "'name'"),
        ('name = "Ada"\n[voice]\nleast = -1\n', "'voice.least'"),
        (None, "is missing"),
    ],
)
def test_a_character_that_cannot_be_used_is_named_by_its_file(
    write_dataset: Callable[..., DatasetPaths], pair: Rows, text: str | None, complaint: str
) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.character.unlink()
    if text is not None:
        paths.character.write_text(text)
    with pytest.raises(DatasetError, match=complaint) as refused:
        read_character(paths)
    assert str(paths.character) in refused.value.message


@pytest.mark.parametrize("key", ["marks", "foreign"])
def test_a_character_with_a_broken_pattern_is_refused_before_it_is_used(
    write_dataset: Callable[..., DatasetPaths], pair: Rows, key: str
) -> None:
    paths = write_dataset("ada", [pair(1)])
    paths.character.write_text(f'name = "Ada"\n[voice]\n{key} = ["(unclosed"]\n')
    with pytest.raises(DatasetError, match=f"voice.{key}"):
        read_character(paths)
