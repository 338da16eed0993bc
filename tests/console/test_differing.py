"""`charlab diff` without the command line: the table, the JSON, and what cannot be compared."""

import json
from pathlib import Path
from typing import Any

import pytest

from console.differing import diff
from engine.errors import InputError, StoreError
from engine.records.run import Run


@pytest.fixture
def home(tmp_path: Path) -> str:
    """A workspace of three runs, of which the last is torn."""
    (tmp_path / "datasets").mkdir()
    for end, seed in (("1a2b", 1), ("3c4d", 2), ("5e6f", 3)):
        folder = tmp_path / "runs" / f"20260101-0900-{end}"
        folder.mkdir(parents=True)
        recipe = {"name": "ada", "base": "b", "dataset": "ada", "objective": "orpo", "seed": seed}
        run: dict[str, Any] = {
            "id": folder.name, "kind": "train", "name": "ada", "created": 1.0, "recipe": recipe,
            "dataset": {"name": "ada", "sha256": "a", "rows_sha256": "b", "train": 9, "heldout": 1},
            "base": {"reference": "b", "source": "b", "revision": None, "parameters": 1},
            "template": {"sha256": "c", "system": None}, "reference": None, "parent": None, "group": None, "steps": 6,
            "start_step": 0, "plan": {"tokens_longest": 1, "tokens_median": 1, "truncated": [], "left_out": {}},
            "advice": [], "versions": {}, "git": None, "host": "here",
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(Run.model_validate(run).to_json()))
        row = {"attempt": 1, "step": 6, "time": 1.0, "values": {"loss": 2.0 / seed}, "nonfinite": []}
        (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "run.json").write_text("{")
    return str(tmp_path)


def test_what_differs_is_printed_as_a_table(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(["20260101-0900-1a2b", "20260101-0900-3c4d"], all=False, json=False, workspace=home)
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0] == "◆ 1a2b  20260101-0900-1a2b, step 6"
    assert [line.split() for line in lines[5:]] == [
        ["◆", "1a2b", "3c4d"], ["recipe"], ["seed", "1", "2"],
        ["metrics", "at", "step", "6"], ["loss", "2.000", "1.000", "-1.000"],
    ]  # fmt: skip


def test_all_prints_what_is_the_same_too(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(["20260101-0900-1a2b", "20260101-0900-3c4d"], all=True, json=False, workspace=home)
    assert "  optim.schedule" in capsys.readouterr().out


def test_json_holds_the_same_with_whole_values(home: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs = ["20260101-0900-1a2b", "20260101-0900-3c4d"]
    diff(runs, all=False, json=True, workspace=home)
    told = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in told["runs"]] == runs
    assert {s["name"]: [i["key"] for i in s["items"]] for s in told["sections"]} == {
        "recipe": ["seed"], "metrics at step 6": ["loss"],
    }  # fmt: skip
    diff(runs, all=True, json=True, workspace=home)
    assert sum(len(s["items"]) for s in json.loads(capsys.readouterr().out)["sections"]) == told["settings"] + 1


def test_a_run_that_cannot_be_read_is_named_beside_the_comparison(
    home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    diff(["20260101-0900-1a2b", "20260101-0900-5e6f", "20260101-0900-3c4d"], all=False, json=False, workspace=home)
    said = capsys.readouterr()
    assert "20260101-0900-5e6f could not be read" in said.err
    assert "seed" in said.out


def test_fewer_than_two_runs_are_refused(home: str) -> None:
    with pytest.raises(InputError, match="two different runs"):
        diff(["20260101-0900-1a", "20260101-0900-1a2b"], all=False, json=False, workspace=home)
    with pytest.raises(StoreError, match=r"fewer than two.*5e6f could not be read"):
        diff(["20260101-0900-1a2b", "20260101-0900-5e6f"], all=False, json=False, workspace=home)
