"""The commands of a card: whoever pastes them asks for the very same runs."""

import json
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from engine.card import gather_card
from engine.card_commands import find_runs_about, list_commands
from engine.records.judging import Rubric
from engine.records.recipe import Recipe
from engine.records.rows import Event
from engine.records.run import CriticRun, ParityRun, ProbeRun, ProbesUse, Subject
from engine.records.serving import Sampling
from engine.store.journal import read_json, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_run
from engine.train.presets import fill_presets
from engine.train.recipe import expand_settings

Write = Callable[..., Any]
TRAIN, FORK = "20260101-0900-ada-1a2b", "20260101-0905-ada-3c4d"
BASE, EVAL, SCORE = "20260101-0910-ada-eval-1a2b", "20260101-0911-ada-eval-3c4d", "20260101-0912-ada-score-5e6f"
SUBJECT = {"reference": f"run:{TRAIN}@60", "run": TRAIN, "step": 60, "base": "base"}
SCORES = [2.0, 8.0]


def list_words(workspace: Workspace, verb: str, run: str = TRAIN) -> list[list[str]]:
    """The commands of one verb, as a shell would take them apart, without program and verb."""
    about = find_runs_about(run, workspace)
    lines = [shlex.split(line) for line in list_commands(open_run(workspace.run(run)), about, workspace)]
    return [line[2:] for line in lines if line[1] == verb]


def ask(workspace: Workspace, run: Any) -> RunPaths:
    """A run about the training that has asked one probe or prompt nothing yet."""
    paths = workspace.run(run.id)
    paths.folder.mkdir(parents=True)
    row = {"id": "who", "category": "voice", "messages": [{"role": "user", "content": "Question number 3 of the day?"}]}
    paths.probes.write_text(json.dumps(row) + "\n")
    paths.prompts.write_text(json.dumps({**row, "difficulty": "easy"}) + "\n")
    write_json(paths.run, run.to_json())
    return paths


def describe(name: str) -> dict[str, Any]:
    return {
        "id": name, "name": "ada", "created": 1_767_258_000.0, "steps": 2, "versions": {}, "git": None, "host": "here",
        "subject": Subject.model_validate(SUBJECT), "probes": ProbesUse(dataset="madison", sha256="ab" * 32, count=1),
        "sampling": Sampling(max_tokens=9, seed=1),
    }  # fmt: skip


def test_a_fork_is_made_again_by_its_own_settings(workspace: Workspace, write_run: Write) -> None:
    settings = [
        "optim.epochs=8", "optim.lr=4e-5", "seed=2", 'allow=["audit","gate"]', "upsample={voice = 2}",
        'template.system="Be brief, Sir."', "verdict.guards={break_rate = 0.2}", "load.deterministic=true",
    ]  # fmt: skip
    given = {
        "name": "ada",
        "base": "base",
        "dataset": "madison",
        "objective": "orpo",
        "seed": 1,
        "optim": {"steps": 60},
    }
    before = fill_presets(Recipe.parse(given, "x"), 10**8)
    data = before.model_dump(mode="json", exclude_none=True)
    (after,) = (fill_presets(recipe, 10**8) for recipe in expand_settings(data, settings, "x"))
    write_run(TRAIN, ended="finished", recipe=before.to_json())
    parent = {"run": TRAIN, "step": 60, "adapter_sha256": "a"}
    write_run(FORK, ended="finished", recipe=after.to_json(), parent=parent, start_step=60)
    ((target, *words),) = list_words(workspace, "fork", FORK)
    assert target == f"{TRAIN}@60"
    assert set(words[::2]) == {"--set"}
    (again,) = (fill_presets(recipe, 10**8) for recipe in expand_settings(data, words[1::2], "x"))
    assert again == after


def test_how_answers_were_judged_stands_in_the_command(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    write_run(TRAIN, ended="finished")
    write_evaluation(EVAL, SCORES, subject=SUBJECT, repeats=3, controls=True, batch=True)
    (words,) = list_words(workspace, "eval")
    assert words[words.index("--repeats") + 1] == "3"
    assert {"--controls", "--batch"} <= set(words)
    assert "--rubric" not in words
    assert "--system" not in words


def test_a_pairwise_score_names_both_sides_after_the_evaluations_that_hold_them(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    write_run(TRAIN, ended="finished")
    write_evaluation(BASE, SCORES)
    write_evaluation(EVAL, SCORES, subject=SUBJECT)
    write_evaluation(SCORE, SCORES, subject=SUBJECT, of=EVAL, against=BASE)
    assert [words[0] for words in list_words(workspace, "eval")] == [SUBJECT["reference"], "bundled:smollm2-135m"]
    (words,) = list_words(workspace, "score")
    assert words[:3] == [EVAL, "--against", BASE]
    assert [line.split()[1] for line in gather_card(TRAIN, workspace)["commands"]][-3:] == ["eval", "eval", "score"]


@pytest.mark.parametrize("of", [None, EVAL], ids=["eval", "score"])
def test_a_rubric_of_ones_own_lies_in_the_card(
    workspace: Workspace, write_run: Write, write_evaluation: Write, of: str | None
) -> None:
    write_run(TRAIN, ended="finished")
    if of:
        write_evaluation(of, SCORES, subject=SUBJECT)
    paths = write_evaluation(SCORE, SCORES, subject=SUBJECT, of=of)
    data = read_json(paths.run)
    data["judge"]["rubric_sha256"] = "0" * 64
    write_json(paths.run, data)
    (words,) = list_words(workspace, "score" if of else "eval")
    (file,) = gather_card(TRAIN, workspace)["files"]
    assert words[words.index("--rubric") + 1] == file["name"]
    assert Rubric.parse(tomllib.loads(file["text"]), "card") == Rubric.parse(read_json(paths.rubric), "run")


def test_backends_judges_and_lengths_stand_in_the_commands_of_every_kind(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    write_run(TRAIN, ended="finished")
    judge = write_evaluation(BASE, SCORES, subject=SUBJECT)
    ask(workspace, ProbeRun(**describe("20260101-0920-a-probe-aaaa"), samples=2, system=None, backend="vllm"))
    ask(workspace, CriticRun(**describe("20260101-0921-a-critic-aaaa"), candidates=4, backend="transformers",
                             judge=read_json(judge.run)["judge"]))  # fmt: skip
    parity = ParityRun(
        **describe("20260101-0922-a-parity-aaaa"), samples=2, forms=["trained", "q8_0"], positions=9, judge="rules",
        max_tokens=40,
    )  # fmt: skip
    paths = ask(workspace, parity)
    told = Event(attempt=1, time=1.0, kind="note", step=0, message="judged", data={"form": "q8_0", "run": BASE})
    paths.events.write_text(json.dumps(told.to_json()) + "\n")
    ((_, *probe),), ((_, *critic),) = list_words(workspace, "probe"), list_words(workspace, "critic")
    assert probe[-2:] == ["--backend", "vllm"]
    assert critic[-2:] == ["--backend", "transformers"]
    ((_, *words),) = list_words(workspace, "parity")
    assert words[-4:] == ["--judge", "rules", "--judged-tokens", "40"]
    # the parity makes this one itself
    assert list_words(workspace, "eval") == []


def test_what_was_asked_while_training_and_probing_is_held_against_the_rows(
    workspace: Workspace, write_run: Write, pair: Write, lines: Write
) -> None:
    paths = write_run(TRAIN, ended="finished")
    paths.rows.write_text(lines([{**pair(i), "split": "train", "times": 1} for i in range(4)]))
    who = {"id": "who", "messages": [{"role": "user", "content": "Question number 3 of the day?"}]}
    paths.probes.write_text(lines([who]))
    ask(workspace, ProbeRun(**describe("20260101-0920-a-probe-aaaa"), samples=2, system=None))
    facts = gather_card(TRAIN, workspace)
    assert [(s["set"], s["leaks"], s["prompts"]) for s in facts["leakage"]["sets"]] == [
        ("sentinels of madison", 1, 1), ("probes of madison (abababab)", 1, 1),
    ]  # fmt: skip
    assert "Training rows repeat prompts that it was measured by: see leakage." in facts["limits"]
