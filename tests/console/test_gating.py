"""charlab gate: its conditions, a person's confirmation, its record, and the training that it lets through."""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RefusedError, StoreError
from engine.records.recipe import Recipe
from engine.store.gates import read_gate
from engine.store.paths import Workspace
from engine.train.guards import refuse_unpassed_gate

ROOT = Path(__file__).resolve().parents[2]
Charlab = Callable[..., Any]
SIDES = ["--base", "base.jsonl", "--instruct", "instruct.jsonl"]
TRUST = ["--human", "human.jsonl", "--judge", "judge.jsonl", "--second", "second.jsonl"]


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_sides(folder: Path, base: int = 40, instruct: int = 180, n: int = 200, text: bool = False) -> None:
    for name, passes in (("base", base), ("instruct", instruct)):
        rows: list[dict[str, Any]] = [{"id": f"p{i:03}", "score": int(i < passes)} for i in range(n)]
        if text:
            rows = [
                {**row, "prompt": f"Question {row['id']}?", "text": f"{name} \x1b[31manswers {row['id']}"}
                for row in rows
            ]
        write(folder, f"{name}.jsonl", rows)


def write_labels(folder: Path) -> None:
    """A judge of all, a person who agrees with it on 150 of these, a second judge who does on 20."""
    labels = [{"id": f"p{i:03}", "label": i % 2} for i in range(200)]
    write(folder, "judge.jsonl", labels)
    write(folder, "human.jsonl", labels[:150])
    write(folder, "second.jsonl", labels[-20:])


def test_a_second_judge_of_each_sides_answers_labels_twice_as_many(charlab: Charlab, workspace: Workspace) -> None:
    write_sides(workspace.folder, base=47, instruct=172)
    labels = [{"id": f"p{i // 2:03} {('base', 'instruct')[i % 2]}", "label": i // 2 % 2} for i in range(400)]
    write(workspace.folder, "judge.jsonl", labels)
    write(workspace.folder, "second.jsonl", labels[:30])
    told = json.loads(charlab("gate", *SIDES, "--judge", "judge.jsonl", "--second", "second.jsonl", "--json").stdout)
    assert find(told, "second_judge")["value"] == 0.075


def make_recipe(**given: Any) -> Recipe:
    return Recipe.parse(
        {"name": "x", "base": "bundled:x", "dataset": "madison", "objective": "orpo", "seed": 1, **given}, "x"
    )


def find(found: dict[str, Any], name: str) -> dict[str, Any]:
    (condition,) = [c for c in found["conditions"] if c["name"] == name]
    return condition


def test_a_gate_passes_on_bounds_and_is_recorded_for_training(charlab: Charlab, workspace: Workspace) -> None:
    write_sides(workspace.folder, base=47, instruct=172)
    write_labels(workspace.folder)
    done = charlab("gate", *SIDES, *TRUST, "--confirmed-by", "J. Doe", "--name", "first", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["passed"], found["n"], found["name"]) == (True, 200, "first")
    base = find(found, "base_fails")
    assert (base["value"], round(base["bound"], 3), base["needed"]) == (0.235, 0.298, "upper bound at most 0.3")
    assert find(found, "second_judge")["value"] == 0.1
    assert find(found, "confirmed")["told"].startswith("by J. Doe at 20")
    kept = read_gate(workspace, "first")
    assert kept is not None
    assert set(kept.files) == {"base", "instruct", "human", "judge", "second"}
    assert (kept.files["base"].path, len(kept.files["base"].sha256)) == ("base.jsonl", 64)
    assert kept.confirmation is not None
    assert (kept.confirmation.by, kept.confirmation.samples) == ("J. Doe", None)
    refuse_unpassed_gate(make_recipe(gate={"name": "first"}), workspace)
    assert kept.base is None
    assert kept.notes == ["no row of base.jsonl names its model, so no training can be held to the base of this gate"]
    assert found["notes"] == kept.notes


def test_a_gate_whose_rows_name_their_model_holds_for_that_base_alone(charlab: Charlab, workspace: Workspace) -> None:
    for side in ("base", "instruct"):
        rows = [{"id": f"p{i:03}", "score": int(side == "instruct"), "model": f"bundled:{side}"} for i in range(200)]
        write(workspace.folder, f"{side}.jsonl", rows)
    write_labels(workspace.folder)
    done = charlab("gate", *SIDES, *TRUST, "--confirmed-by", "J. Doe", "--name", "first", "--json")
    assert (done.returncode, json.loads(done.stdout)["notes"]) == (0, [])
    kept = read_gate(workspace, "first")
    assert kept is not None
    assert (kept.base, kept.instruct) == ("bundled:base", "bundled:instruct")
    refuse_unpassed_gate(make_recipe(base="bundled:base", gate={"name": "first"}), workspace)
    with pytest.raises(RefusedError, match="was checked on base bundled:base, and this recipe trains bundled:x"):
        refuse_unpassed_gate(make_recipe(gate={"name": "first"}), workspace)


def test_rows_that_are_no_scores_are_told_with_what_a_row_is(charlab: Charlab, workspace: Workspace) -> None:
    for side in ("base", "instruct"):
        write(workspace.folder, f"{side}.jsonl", [{"id": "p0", "passed": True}])
    done = charlab("gate", *SIDES)
    assert (done.returncode, "base.jsonl line 1: no score" in done.stderr) == (2, True)
    assert "rows are {id, score}, the score a number, or 0, 1, true or false for fail and pass" in done.stderr


def test_a_gate_that_did_not_pass_refuses_training_with_what_was_not_met(
    charlab: Charlab, workspace: Workspace
) -> None:
    write_sides(workspace.folder, base=48)
    done = charlab("gate", *SIDES, "--accept", "uncalibrated", "--name", "first", "--json")
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert [c["name"] for c in found["conditions"] if not c["passed"]] == ["base_fails", "second_judge", "confirmed"]
    with pytest.raises(RefusedError, match="gate 'first' has not passed: not met: base_fails, second_judge, confirmed"):
        refuse_unpassed_gate(make_recipe(gate={"name": "first"}), workspace)
    refuse_unpassed_gate(make_recipe(gate={"name": "first"}, allow=["gate"]), workspace)
    refuse_unpassed_gate(make_recipe(), workspace)
    with pytest.raises(RefusedError, match="gate 'second' has not passed: this workspace holds no run of it"):
        refuse_unpassed_gate(make_recipe(gate={"name": "second"}), workspace)


def test_training_is_refused_from_the_command_line(charlab: Charlab, workspace: Workspace) -> None:
    write_sides(workspace.folder, base=48)
    assert charlab("gate", *SIDES, "--name", "first").returncode == 4
    recipe = (ROOT / "runs" / "recipes" / "madison-orpo.toml").read_text()
    lines = [line for line in recipe.splitlines() if not line.startswith("[gate]")]
    (workspace.recipes / "gated.toml").write_text("\n".join(lines) + '\n[gate]\nname = "first"\n')
    done = charlab("train", "gated")
    assert done.returncode == 4
    assert "gate 'first' has not passed: not met: base_fails" in done.stderr
    assert workspace.run_ids() == []


def test_a_record_that_was_tampered_with_lets_nothing_through(charlab: Charlab, workspace: Workspace) -> None:
    write_sides(workspace.folder, base=48)
    charlab("gate", *SIDES, "--name", "first")
    path = workspace.gate("first")
    path.write_text(path.read_text().replace('"passed": false', '"passed": true', 1))
    with pytest.raises(RefusedError, match="gate 'first' has not passed"):
        refuse_unpassed_gate(make_recipe(gate={"name": "first"}), workspace)
    path.write_text('{"passed": true}')
    with pytest.raises(StoreError, match=r"first\.json: .*'name' is missing"):
        refuse_unpassed_gate(make_recipe(gate={"name": "first"}), workspace)
    with pytest.raises(StoreError, match="cannot name a gate"):
        refuse_unpassed_gate(make_recipe(gate={"name": "../gates/first"}), workspace)


def test_the_stage_that_passed_by_mistake_does_not_pass(charlab: Charlab, tmp_path: Path) -> None:
    write_sides(tmp_path, base=300, instruct=298, n=300)
    done = charlab("gate", *SIDES, "--json", cwd=tmp_path)
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert found["passed"] is False
    assert find(found, "cohens_h")["value"] == pytest.approx(-0.163, abs=5e-4)
    assert (find(found, "mcnemar")["value"], find(found, "mcnemar")["passed"]) == (0.5, False)


def test_the_screen_shows_each_condition_with_value_and_bound(charlab: Charlab, tmp_path: Path) -> None:
    write_sides(tmp_path)
    write(tmp_path, "alt.jsonl", [{"id": f"p{i:03}", "score": i < 150} for i in range(200)])
    done = charlab("gate", *SIDES, "--alt", "alt.jsonl", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "gate: not passed, 200 pairs"
    assert " ".join(lines[2].split()) == "base_fails yes 0.2 0.261 upper bound at most 0.3 40 of 200 pass"
    assert lines[-1] == "  the other base passes 150 of 200 [69%, 80%]; it decides nothing"


def test_files_with_texts_are_not_confirmed_without_a_terminal(charlab: Charlab, workspace: Workspace) -> None:
    write_sides(workspace.folder, text=True)
    done = charlab("gate", *SIDES, "--confirmed-by", "J. Doe", "--name", "first")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no terminal to show them on" in done.stderr
    assert not workspace.gate("first").exists()


def confirm_by_hand(folder: Path, typed: str) -> tuple[int, str, dict[str, Any]]:
    """Run it with a terminal for keys and words, and standard output in a pipe of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "gate", *SIDES, *TRUST, "--confirmed-by", "J. Doe", "--name", "first", "--json"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                return
            if not chunk:
                return
            seen.extend(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    os.write(ours, typed.encode() + b"\n")
    out, _ = process.communicate(timeout=60)
    reader.join()
    os.close(ours)
    return process.returncode, seen.decode(), json.loads(out)


def test_a_person_reads_ten_samples_of_each_side_and_types_the_gates_name(workspace: Workspace) -> None:
    write_sides(workspace.folder, text=True)
    write_labels(workspace.folder)
    code, seen, found = confirm_by_hand(workspace.folder, "first")
    assert (code, found["passed"], find(found, "confirmed")["value"]) == (0, True, 20.0)
    assert "Type first to confirm as J. Doe" in seen
    assert (seen.count("base answers p"), seen.count("instruct answers p")) == (10, 10)
    assert seen.count("Question p") == 10
    assert "\x1b" not in seen
    kept = read_gate(workspace, "first")
    assert kept is not None
    assert kept.confirmation is not None
    assert kept.confirmation.samples == 20


def test_another_word_confirms_nothing(workspace: Workspace) -> None:
    write_sides(workspace.folder, text=True)
    write_labels(workspace.folder)
    code, seen, found = confirm_by_hand(workspace.folder, "yes")
    assert (code, find(found, "confirmed")["passed"]) == (4, False)
    assert "not confirmed" in seen
    kept = read_gate(workspace, "first")
    assert kept is not None
    assert (kept.gate.passed, kept.confirmation) == (False, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--human", "human.jsonl"], "--human without --judge says nothing of the judge"),
        (["--judge", "judge.jsonl"], "--judge without --human or --second says nothing of the judge"),
        (["--human", "base.jsonl", "--judge", "judge.jsonl"], "base.jsonl line 1: no label"),
        (
            ["--human", "more.jsonl", "--judge", "judge.jsonl"],
            "more.jsonl labels 'elsewhere', which the gate's files do not hold",
        ),
        (
            ["--human", "human.jsonl", "--judge", "few.jsonl"],
            "few.jsonl has no label of 'p001', 'p002', 'p003' and 146 more",
        ),
        (["--accept", "anything"], "'anything' cannot be accepted"),
        (["--alt", "none.jsonl"], "none.jsonl is missing"),
        (["--alt", "other.jsonl"], "these scores are not of one judge"),
        (["--name", "../up"], "'../up' cannot name a gate"),
        (["--instruct", "short.jsonl"], "only the base has 'p001', 'p002', 'p003' and 196 more"),
        (["--instruct", "graded.jsonl"], "a gate needs passes and fails"),
    ],
    ids=["human", "judge", "labels", "ids", "few", "accept", "missing", "mixed", "name", "unpaired", "graded"],
)
def test_what_a_gate_cannot_be_checked_on_is_told(
    words: list[str], said: str, charlab: Charlab, workspace: Workspace
) -> None:
    folder = workspace.folder
    write_sides(folder)
    write_labels(folder)
    write(folder, "more.jsonl", [{"id": "p000", "label": 1}, {"id": "elsewhere", "label": 0}])
    write(folder, "few.jsonl", [{"id": "p000", "label": 1}])
    write(folder, "other.jsonl", [{"id": "p000", "score": 1, "judge": "j2"}])
    write(folder, "short.jsonl", [{"id": "p000", "score": 1}])
    write(folder, "graded.jsonl", [{"id": f"p{i:03}", "score": 7.5} for i in range(200)])
    done = charlab("gate", *SIDES, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert list(workspace.runs.glob("gates/*")) == []
