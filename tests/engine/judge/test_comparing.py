"""Two evaluations compared, like with like, from runs written through their records."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import InputError
from engine.judge.comparing import compare_evals, find_doubts, list_generators, list_scores, read_scored
from engine.records.recipe import Verdict as Rule
from engine.records.run import CompareRun
from engine.store.index import summarise_run
from engine.store.journal import Journal, read_json, read_rows, write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_record

A, B = "20260102-0900-ada-eval-aaaa", "20260103-0900-ada-eval-bbbb"
CLAUDE = "anthropic:claude-sonnet-5-5"
LOW, HIGH = [4.0, 5.0, 4.0, 5.0, 4.0, 5.0, 4.0, 5.0], [7.0, 8.0, 8.0, 7.0, 7.0, 8.0, 8.0, 7.0]
Write = Callable[..., RunPaths]


def change(paths: RunPaths, **keys: Any) -> None:
    write_json(paths.run, read_json(paths.run) | keys)


def test_a_comparison_is_a_run_that_says_what_was_compared(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(A, LOW)
    write_evaluation(B, HIGH)
    paths, found = compare_evals(A, B, workspace)
    assert (found.verdict.decision, found.n, found.wins, found.delta) == ("DEPLOY", 8, 8, 3.0)
    assert [s.name for s in found.strata] == ["history", "voice"]
    run = open_record(paths)
    assert isinstance(run, CompareRun)
    assert (run.baseline.run, run.candidate.run, run.baseline.n, run.candidate.failed) == (A, B, 8, 0)
    assert run.candidate.usd == pytest.approx(0.08)
    assert (summarise_run(paths).status, read_json(paths.verdict)["delta"]) == ("finished", 3.0)
    assert [note.split(":")[0] for note in found.verdict.notes] == ["noise of bundled"] * 2


def test_what_differs_is_refused_by_name_and_allowed_by_name(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(A, LOW)
    paths = write_evaluation(B, HIGH)
    sampling = read_json(paths.run)["sampling"] | {"temperature": 0.5}
    change(paths, sampling=sampling, system="You are James Madison.")
    with pytest.raises(InputError, match=r"differ in sampling: .*temperature 1\.0.*temperature 0\.5") as refused:
        compare_evals(A, B, workspace)
    assert refused.value.fix == "evaluate both alike, or --allow sampling"
    _, found = compare_evals(A, B, workspace, allow=("sampling",))
    told = [note.split(":")[0] for note in found.verdict.notes[:2]]
    assert told == ["sampling differs, which was allowed", "system prompt differs"]


def test_another_rubric_effort_or_prompt_set_is_refused(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(A, LOW)
    paths = write_evaluation(B, HIGH)
    run, scores = read_json(paths.run), read_rows(paths.scores)
    for name, key, value in (("rubric", "rubric_version", 2), ("effort", "effort", "high")):
        change(paths, judge=run["judge"] | {key: value})
        judge = open_record(paths).judge.fingerprint  # type: ignore[union-attr]
        write_rows(paths.scores, [row | {"judge": judge} for row in scores])
        with pytest.raises(InputError, match=f"differ in {name}"):
            compare_evals(A, B, workspace)
    change(paths, judge=run["judge"], probes=run["probes"] | {"sha256": "e" * 64})
    write_rows(paths.scores, scores)
    with pytest.raises(InputError, match="differ in prompts"):
        compare_evals(A, B, workspace)


def test_a_name_that_came_to_stand_for_another_judge_is_noted(workspace: Workspace, write_evaluation: Write) -> None:
    for name, overalls, served in ((A, LOW, "judge-0401"), (B, HIGH, "judge-0901")):
        paths = write_evaluation(name, overalls)
        write_rows(paths.scores, [row | {"model": served} for row in read_rows(paths.scores)])
    _, found = compare_evals(A, B, workspace)
    assert found.verdict.notes[0] == "served judge differs: judge-0401 and judge-0901"


def test_an_evaluation_that_is_not_at_its_end_is_refused_with_the_way_out(
    workspace: Workspace, write_evaluation: Write
) -> None:
    write_evaluation(A, LOW)
    paths = write_evaluation(B, HIGH)
    score = write_evaluation("20260104-0900-ada-score-cccc", HIGH, of=B)
    write_rows(score.scores, read_rows(score.scores)[:3])
    with pytest.raises(InputError, match="8 of 8 answers and 3 judgements") as refused:
        read_scored(score, workspace)
    assert refused.value.fix == f"charlab resume {score.id}"
    write_rows(paths.samples, read_rows(paths.samples)[:5])
    for name in (paths, score):
        with pytest.raises(InputError, match="5 of 8 answers") as refused:
            read_scored(name, workspace)
        assert refused.value.fix == f"charlab resume {B}"
    with pytest.raises(InputError, match="compared with itself"):
        compare_evals(A, A, workspace)


def test_controls_and_strangers_are_in_no_figure_of_a_side(workspace: Workspace, write_evaluation: Write) -> None:
    paths = write_evaluation(A, LOW)
    row = read_rows(paths.scores)[0]
    failing = {"critical": ["artificial_identity"], "usd": 0.5}
    with_more = [
        *read_rows(paths.scores),
        {**row, **failing, "id": "control injected p-000 0 0"},
        {**row, **failing, "id": "nobody 0 0"},
        {**row, **failing, "repeat": 1},
        {**row, **failing, "judge": "another"},
    ]
    write_rows(paths.scores, with_more)
    side = read_scored(paths, workspace)
    assert (len(side.scores), side.critical) == (8, 0)
    assert [row["score"] for row in list_scores(side)] == LOW
    # all of it was paid for
    assert side.usd == pytest.approx(0.08 + 4 * 0.5)


def test_hostile_rows_count_nowhere(workspace: Workspace, write_evaluation: Write) -> None:
    paths = write_evaluation(A, LOW)
    row = read_rows(paths.scores)[0]
    journal = Journal(paths.scores)
    for bad in (
        {"usd": -1e9},
        {"overall": "7"},
        {"components": {"voice": "x"}},
        {"state": "perfect"},
        {"id": ["p-000"]},
    ):
        journal.append({**row, "overall": 10.0, **bad} if "overall" not in bad else {**row, **bad, "extra": 1})
    journal.close()
    with open(paths.scores, "a") as file:
        file.write(json.dumps({**row, "overall": 1}).replace('"overall": 1', '"overall": NaN') + "\n")
        file.write(json.dumps({**row, "usd": 1}).replace('"usd": 1', '"usd": Infinity') + "\n")
        file.write("[1, 2]\nnot json\n")
    side = read_scored(paths, workspace)
    assert [row["score"] for row in list_scores(side)] == LOW
    assert side.usd == pytest.approx(0.08)


def test_failed_judgements_that_could_turn_it_withhold_the_verdict(
    workspace: Workspace, write_evaluation: Write
) -> None:
    write_evaluation(A, LOW)
    write_evaluation(B, [*HIGH[:4], None, None, None, None])
    paths, found = compare_evals(A, B, workspace)
    assert (found.verdict.decision, found.n) == ("withheld", 4)
    assert "failed judgements could turn it" in found.verdict.reasons[0]
    assert open_record(paths).candidate.failed == 4  # type: ignore[union-attr]


def test_rules_and_kin_reach_no_verdict(workspace: Workspace, write_evaluation: Write, write_run: Write) -> None:
    for judge, model, told in (
        ("rules", "bundled:smollm2-135m", "prove nothing"),
        (CLAUDE, "http://127.0.0.1:9/v1#claude-mini", "both of the Claude family"),
        ("http://127.0.0.1:9/v1#SmolLM3", "bundled:smollm2-135m", "both of the SmolLM family"),
    ):
        for name in (A, B):
            write_evaluation(name, LOW if name == A else HIGH, judge=judge, subject={"reference": model})
        _, found = compare_evals(A, B, workspace)
        assert found.verdict.decision == "withheld"
        assert told in found.verdict.reasons[0]
        for name in (A, B):
            for path in sorted(workspace.run(name).folder.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()


def test_a_judge_of_the_family_that_made_the_training_data_is_doubted(
    workspace: Workspace, write_evaluation: Write, write_run: Write
) -> None:
    trained = write_run("20260101-0900-ada-1a2b", ended="finished").id
    manifest = workspace.dataset("madison").manifest
    write_json(manifest, read_json(manifest) | {"lineage": ["claude-opus-5-5"]})
    subject = {"reference": f"run:{trained}@60", "run": trained, "base": "bundled:smollm2-135m"}
    write_evaluation(A, LOW, judge=CLAUDE)
    write_evaluation(B, HIGH, judge=CLAUDE, subject=subject)
    before, after = (read_scored(workspace.run(name), workspace) for name in (A, B))
    assert list_generators(after, workspace) == ["claude-opus-5-5"]
    (doubt,) = find_doubts(after, before, workspace)
    assert "the generator of its data, claude-opus-5-5 are both of the Claude family" in doubt


def test_the_rule_is_the_recipes_unless_another_is_given(
    workspace: Workspace, write_evaluation: Write, write_run: Write
) -> None:
    trained = write_run("20260101-0900-ada-1a2b", ended="finished")
    run = read_json(trained.run)
    run["recipe"]["verdict"] = {"smallest_effect": 5.0, "guards": ["critical_failures", "break_rate"]}
    write_json(trained.run, run)
    write_evaluation(A, LOW)
    write_evaluation(B, HIGH, subject={"reference": f"run:{trained.id}@60", "run": trained.id})
    _, found = compare_evals(A, B, workspace)
    assert (found.verdict.smallest_effect, found.verdict.decision) == (5.0, "NO-DEPLOY")
    # none of 8 answers breaks, and so few say little
    assert [(g.name, g.held) for g in found.verdict.guards] == [("critical_failures", True), ("break_rate", False)]
    assert compare_evals(A, B, workspace, Rule(smallest_effect=1.0))[1].verdict.decision == "DEPLOY"
