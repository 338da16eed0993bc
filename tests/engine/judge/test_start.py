"""Evaluations planned: what is found wrong first, and which interrupted run is gone on with."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import InputError, ModelError
from engine.judge.start import (
    EvalRequest,
    ScoreRequest,
    find_interrupted,
    plan_evaluation,
    plan_scoring,
)
from engine.store.journal import read_json, read_rows, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_eval_run

URL = "http://127.0.0.1:9/v1#model"
EVAL, OTHER, TRAINED = "20260102-0900-madison-eval-aaaa", "20260103-0900-madison-eval-bbbb", "20260101-0900-ada-1a2b"
Write = Callable[..., RunPaths]


def keep(workspace: Workspace, request: EvalRequest, status: str, name: str = EVAL) -> RunPaths:
    """The run of a request, written as its starter would, with an end of its own."""
    run, material = plan_evaluation(request, workspace)
    paths = workspace.run(name)
    paths.log(1).parent.mkdir(parents=True)
    material.write(paths)
    launch = {"attempt": 1, "host": run.host, "process": {"pid": 4_000_000, "start": 0.0}, "time": 0.0}
    event = {"attempt": 1, "time": 1.0, "kind": status, "step": 1}
    paths.launch.write_text(json.dumps(launch))
    paths.events.write_text(json.dumps(event) + "\n")
    write_json(paths.run, run.model_copy(update={"id": name}).to_json())
    return paths


def test_the_prompt_set_says_how_answers_are_drawn_and_options_say_otherwise(workspace: Workspace) -> None:
    run, material = plan_evaluation(EvalRequest(URL), workspace)
    drawn = run.sampling
    assert (drawn.temperature, drawn.top_k, drawn.top_p, drawn.max_tokens, drawn.seed) == (1.0, 64, 0.95, 1024, 11)
    assert (run.probes.count, run.steps, run.judge.triage) == (36, 72, True)
    assert run.probes.sha256 == material.sha256()
    run, _ = plan_evaluation(EvalRequest(URL, samples=3, sampling={"temperature": 0.5, "seed": 4}), workspace)
    assert (run.sampling.temperature, run.sampling.top_k, run.sampling.seed, run.steps) == (0.5, 64, 4, 216)


def test_of_several_characters_with_prompts_one_must_be_named(
    workspace: Workspace, write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    ada = write_dataset("ada", [pair(1)], read_rows(workspace.dataset("madison").probes))
    # probes alone make no prompt set
    assert plan_evaluation(EvalRequest(URL), workspace)[0].probes.dataset == "madison"
    ada.prompts.write_bytes(workspace.dataset("madison").prompts.read_bytes())
    with pytest.raises(ModelError, match="says nothing of its character") as refused:
        plan_evaluation(EvalRequest(URL), workspace)
    assert refused.value.fix == "--prompts, one of: ada, madison"


def test_every_turn_of_a_conversation_is_an_answer(workspace: Workspace) -> None:
    row = read_rows(workspace.dataset("madison").prompts)[0]
    row |= {"turns": ["And then?"], "expects": [{"turn": 1, "any_of": ["Nutmeg"]}]}
    workspace.dataset("madison").prompts.write_text(json.dumps(row) + "\n")
    run, material = plan_evaluation(EvalRequest(URL, samples=2), workspace)
    assert run.steps == 8
    assert material.rows()[0]["expects"][0]["any_of"] == ["Nutmeg"]  # type: ignore[index]


def test_a_batch_of_a_judge_that_takes_none_is_refused_before_anything_starts(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="rules takes no batches"):
        plan_evaluation(EvalRequest(URL, batch=True), workspace)
    assert workspace.run_ids() == []


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_the_same_task_is_gone_on_with_where_it_was_interrupted(workspace: Workspace, status: str) -> None:
    kept = keep(workspace, EvalRequest(URL, max_usd=1), status)
    same = plan_evaluation(EvalRequest(URL, max_usd=5), workspace)[0]
    found = find_interrupted(same, workspace)
    assert found is not None
    assert found.id == kept.id
    others = [
        EvalRequest(URL + "x"),
        EvalRequest(URL, samples=2),
        EvalRequest(URL, system=""),
        EvalRequest(URL, repeats=2),
    ]
    for other in others:
        assert find_interrupted(plan_evaluation(other, workspace)[0], workspace) is None


def test_what_finished_is_not_gone_on_with(workspace: Workspace) -> None:
    keep(workspace, EvalRequest(URL), "finished")
    assert find_interrupted(plan_evaluation(EvalRequest(URL), workspace)[0], workspace) is None


def test_a_run_that_does_not_read_stands_in_nobodys_way(workspace: Workspace) -> None:
    paths = keep(workspace, EvalRequest(URL), "stopped")
    write_json(paths.run, read_json(paths.run) | {"samples": "many"})
    assert find_interrupted(plan_evaluation(EvalRequest(URL), workspace)[0], workspace) is None


def test_scores_are_of_an_evaluation_that_has_all_its_answers(workspace: Workspace, write_evaluation: Write) -> None:
    paths = write_evaluation(EVAL, [5.0, 6.0, 7.0])
    run, material = plan_scoring(ScoreRequest(EVAL, "rules"), workspace)
    assert (run.of, run.steps, run.judge.reference, len(material.prompts)) == (EVAL, 3, "rules", 3)
    score = write_evaluation(OTHER, [5.0, 6.0, 7.0], of=EVAL)
    assert plan_scoring(ScoreRequest(score.id, "rules"), workspace)[0].of == EVAL
    paths.samples.write_text("".join(paths.samples.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(InputError, match=f"{EVAL} has 2 of 3 answers") as partial:
        plan_scoring(ScoreRequest(EVAL, "rules"), workspace)
    assert partial.value.fix == f"charlab resume {EVAL}, then score it"


def test_another_rubric_makes_another_judge(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(EVAL, [5.0, 6.0])
    own = plan_scoring(ScoreRequest(EVAL, "rules"), workspace)[0].judge
    text = workspace.dataset("madison").rubric.read_text().replace("weight = 25", "weight = 30")
    file = workspace.folder / "other.toml"
    file.write_text(text)
    run, material = plan_scoring(ScoreRequest(EVAL, "rules", rubric=str(file)), workspace)
    assert run.judge.fingerprint != own.fingerprint
    assert material.rubric.components[0].weight == 30
    assert open_eval_run(workspace.run(EVAL)).judge.fingerprint != run.judge.fingerprint


def test_a_score_run_holds_no_score_of_a_training(workspace: Workspace, write_run: Write) -> None:
    write_run(TRAINED, ended="finished")
    with pytest.raises(InputError, match="is of kind train"):
        plan_scoring(ScoreRequest(TRAINED, "rules"), workspace)
