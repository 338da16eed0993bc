"""Files of scores and labels: what is read, and every complaint with its file and line."""

import json
from pathlib import Path

import pytest

from engine.data.scores import check_alike, pick_labels, read_labels, read_score_rows
from engine.errors import InputError


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_come_with_file_and_line_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "x", "score": 1}\r\n\n{"id": "y", "score": 0.5, "note": "\xc3\xa9"}')
    assert read_score_rows(path) == [
        (f"{path} line 1", {"id": "x", "score": 1}),
        (f"{path} line 3", {"id": "y", "score": 0.5, "note": "é"}),
    ]


def test_a_named_measure_stands_for_the_score(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"id": "x", "score": 1, "voice": 7})
    assert [row["score"] for _, row in read_score_rows(path, "voice")] == [7]
    with pytest.raises(InputError, match=r"a\.jsonl line 1: no 'vocie'") as bad:
        read_score_rows(path, "vocie")
    assert bad.value.fix == "one of: 'id', 'score', 'voice'"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", r"a\.jsonl holds no rows"),
        (b"\n \n", r"a\.jsonl holds no rows"),
        (b'{"id": "x"}\n{"id": ', r"a\.jsonl line 2 is not JSON"),
        (b"\xff\xfe\n", r"a\.jsonl line 1 is not JSON"),
        (b"[" * 100_000, r"a\.jsonl line 1 is not JSON"),
        (b'{"id": "\\ud800", "score": 1}', r"a\.jsonl line 1 is not JSON"),
        (b"[1, 2]\n", r"a\.jsonl line 1: a row is an object, not \[1, 2\]"),
    ],
    ids=["empty", "blank", "cut", "bytes", "nested", "surrogate", "list"],
)
def test_what_is_no_row_is_told_with_its_line(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw)
    for read in (read_score_rows, read_labels):
        with pytest.raises(InputError, match=said) as bad:
            read(path)
        assert "rows are {id, " in bad.value.fix


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl is missing"):
        read_score_rows(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_labels(tmp_path)


def test_labels_come_by_id(tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", {"id": "x", "label": True}, {"id": 7, "label": "bad"})
    assert read_labels(path) == {"x": True, "7": "bad"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"label": 1}, "line 2: no id"),
        ({"id": "y"}, "line 2: no label"),
        ({"id": "x", "label": 0}, r"line 2: id 'x' stands already at .*h\.jsonl line 1"),
        ({"id": ["y"], "label": 0}, r"line 2: id \['y'\] is no name"),
        ({"id": "y", "label": None}, "line 2: None is no label"),
        ({"id": "y", "label": 0.5}, r"line 2: 0\.5 is no label"),
        ({"id": "y", "label": {"a": 1}}, "line 2: {'a': 1} is no label"),
        ({"id": "y", "label": float("nan")}, "line 2: nan is no label"),
    ],
    ids=["id", "label", "twice", "list", "null", "half", "object", "nan"],
)
def test_what_is_no_label_is_told_with_its_line(row: object, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "h.jsonl", {"id": "x", "label": 1}, row)
    with pytest.raises(InputError, match=said):
        read_labels(path)


def test_labels_of_a_share_are_picked_and_what_is_lacking_is_named() -> None:
    assert pick_labels({"x": 1, "y": 0, "z": 1}, ["z", "x"], "j.jsonl") == {"z": 1, "x": 1}
    with pytest.raises(InputError, match=r"j\.jsonl has no label of 'a', 'b', 'c' and 1 more"):
        pick_labels({"x": 1}, ["a", "b", "x", "c", "d"], "j.jsonl")


def rows(*judges: object) -> list[tuple[str, dict[str, object]]]:
    return [(f"line {i}", {"id": str(i), "judge": judge}) for i, judge in enumerate(judges, 1)]


def test_scores_of_one_judge_and_of_none_named_are_alike() -> None:
    assert check_alike({"a": rows("j1", "j1"), "b": rows("j1", "j1")}) == []
    assert check_alike({"a": [("line 1", {"id": "x"})], "b": [("line 1", {"id": "x"})]}) == []


def test_two_judges_are_refused_across_files_and_in_one_unless_allowed_by_name() -> None:
    for files in (
        {"a": rows("j1"), "b": rows("j2")},
        {"a": rows("j1", "j2"), "b": rows("j1", "j2")},
        {"a": rows(None), "b": rows("j2")},
    ):
        with pytest.raises(InputError, match=r"these scores are not of one judge: a: .*; b: .*j2") as bad:
            check_alike(files)
        assert "--allow judge" in bad.value.fix
        (note,) = check_alike(files, ["judge"])
        assert note.startswith("the scores are not of one judge, and that was allowed: a: ")


def test_a_rubric_is_not_allowed_by_allowing_a_judge() -> None:
    files = {name: [("line 1", {"id": "x", "rubric": {"version": name}})] for name in ("a", "b")}
    with pytest.raises(InputError, match=r"not of one rubric: a: '\{.version.: .a.\}'"):
        check_alike(files, ["judge"])
    with pytest.raises(InputError, match="nothing called 'all' can be allowed"):
        check_alike(files, ["all"])
