"""Two evaluations compared, like with like, from runs written through their records."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import InputError
from engine.judge.comparing import compare_evals, list_scores, read_scored
from engine.judge.doubts import find_doubts, list_generators
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
    told = [(s.by, s.name, s.n) for s in found.strata]
    assert told == [("category", "history", 4), ("category", "voice", 4), ("difficulty", "easy", 8)]
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
    with pytest.raises(InputError, match="nothing called 'rubrc' can be allowed") as refused:
        compare_evals(A, B, workspace, allow=("rubrc",))
    assert refused.value.fix == "one of: judge, rubric, effort, prompts, samples, sampling"


def test_system_prompts_that_begin_alike_and_other_servers_are_told_apart(
    workspace: Workspace, write_evaluation: Write
) -> None:
    for name, overalls, more, server in ((A, LOW, "Be brief.", "transformers"), (B, HIGH, "Be frank.", "llama")):
        paths = write_evaluation(name, overalls)
        change(paths, system="You are James Madison, of Orange County in Virginia. " + more)
        started = {"attempt": 1, "time": 1.0, "kind": "started", "step": 0}
        write_rows(paths.events, [{**started, "data": {"device": server, "rendered": None}}])
    _, found = compare_evals(A, B, workspace)
    assert found.verdict.notes[0].startswith("system prompt differs: 'You are James Madison, of Orange County ' (")
    assert found.verdict.notes[1] == "serving form differs: as trained by transformers and as trained by llama"


def test_a_component_is_compared_where_it_is_the_primary_measure(workspace: Workspace, write_evaluation: Write) -> None:
    for name, overalls, voice in ((A, LOW, 6), (B, HIGH, 3)):
        paths = write_evaluation(name, overalls)
        rows = read_rows(paths.scores)
        for i, row in enumerate(rows):
            row["components"] = {"voice": voice + (i % 2 if name == A else i // 4), "historical": 7}
        write_rows(paths.scores, [*rows, {**rows[0], "repeat": 1, "components": {"voice": voice + 2}}])
    _, found = compare_evals(A, B, workspace, Rule(primary="voice"))
    assert (found.delta, found.verdict.measure, found.verdict.decision) == (-3.0, "voice", "NO-DEPLOY")
    assert found.verdict.notes[-1].endswith("generation not measured (one sample a prompt), judge sd 1.41")
    assert compare_evals(A, B, workspace, Rule(primary="score"))[1].delta == 3.0
    with pytest.raises(InputError, match="has no scores of 'vocie'") as refused:
        compare_evals(A, B, workspace, Rule(primary="vocie"))
    assert refused.value.fix == "--primary, one of: score, voice, historical"


def test_the_doubts_are_those_of_both_judges(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(A, LOW, judge="rules")
    write_evaluation(B, HIGH)
    for sides in ((A, B), (B, A)):
        verdict = compare_evals(*sides, workspace, allow=("judge", "rubric"))[1].verdict
        assert verdict.decision == "withheld"
        assert "the judge is a set of rules" in verdict.reasons[0]


def test_an_answer_with_two_critical_failures_counts_once_and_a_failed_judgement_could_be_one(
    workspace: Workspace, write_evaluation: Write
) -> None:
    paths = write_evaluation(B, HIGH)
    both = ["artificial_identity", "assistant_prose"]
    first, *others = read_rows(paths.scores)
    write_rows(paths.scores, [{**first, "critical": both}, *others])
    write_evaluation(A, [*LOW[:7], None])
    assert read_scored(paths, workspace).critical == 1
    verdict = compare_evals(A, B, workspace, Rule(guards=["critical_failures"]))[1].verdict
    assert (verdict.guards[0].told, verdict.decision) == ("critical failures went from 0 to 1", "withheld")
    assert "were all of them best for the candidate" in verdict.reasons[0]


def test_breaks_of_one_prompt_are_not_independent(workspace: Workspace, write_evaluation: Write) -> None:
    n, samples = 10, 10
    for name, overall in ((A, 4.0), (B, 8.0)):
        paths = write_evaluation(name, [overall] * n)
        change(paths, samples=samples, steps=2 * n * samples)
        answers, scores = read_rows(paths.samples), read_rows(paths.scores)
        broken = {"breaks": "claims-ai", "span": [0, 6]}
        write_rows(paths.samples, [
            {**row, "index": i, **(broken if row["probe"] == "p-000" else {})} for row in answers for i in range(samples)
        ])  # fmt: skip
        write_rows(paths.scores, [
            {**row, "id": f"{row['id'].split()[0]} {i} 0"} for row in scores for i in range(samples)
        ])  # fmt: skip
    _, found = compare_evals(A, B, workspace, Rule(guards={"break_rate": 0.2}))
    # Wilson's bound of 10 in 100 is 0.174
    assert [(g.bound, g.held) for g in found.verdict.guards] == [(0.3, False)]


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
    trained, first = write_run("20260101-0900-ada-1a2b", ended="finished"), write_run("20260101-0800-ada-0a0b")
    change(first, dataset=read_json(first.run)["dataset"] | {"lineage": ["claude-opus-5-5"]})
    # what the dataset says today is of other rows
    manifest = workspace.dataset("madison").manifest
    write_json(manifest, read_json(manifest) | {"lineage": ["claude-haiku-4-5"]})
    ancestors = [
        {"run": run, "objective": "sft", "step": 60, "adapter_sha256": "ab"} for run in (None, first.id, trained.id)
    ]
    subject = {
        "reference": f"run:{trained.id}@60", "run": trained.id, "base": "bundled:smollm2-135m", "lineage": ancestors,
    }  # fmt: skip
    write_evaluation(A, LOW, judge=CLAUDE)
    write_evaluation(B, HIGH, judge=CLAUDE, subject=subject)
    before, after = (read_scored(workspace.run(name), workspace) for name in (A, B))
    unknown = f"an adapter below run:{trained.id}@60"
    assert list_generators(after.run.subject, workspace) == (["claude-opus-5-5"], [unknown, trained.id])
    notes = compare_evals(A, B, workspace)[1].verdict.notes
    assert f"what made the training data of {trained.id} is not stated, so no kinship shows" in notes
    (doubt,) = find_doubts([after.run.judge, before.run.judge], [before.run.subject, after.run.subject], workspace)
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
    # an option replaces what it names, and says what it overruled
    verdict = compare_evals(A, B, workspace, Rule(smallest_effect=1.0))[1].verdict
    assert [g.name for g in verdict.guards] == ["critical_failures", "break_rate"]
    assert verdict.notes[0] == "[verdict] smallest_effect of the candidate's recipe, 5.0, was overruled by 1.0"
    paths, found = compare_evals(A, B, workspace, Rule(smallest_effect=1.0, guards=["critical_failures"]))
    assert (found.verdict.decision, open_record(paths).rule.guards) == ("DEPLOY", ["critical_failures"])  # type: ignore[union-attr]
    told = "guards of the candidate's recipe, critical_failures, break_rate, was overruled by critical_failures"
    assert found.verdict.notes[1] == f"[verdict] {told}"
