"""The evaluating worker: what is judged, in which order, and what a later attempt leaves alone."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api import REFUSED, Api, Ask
from engine.judge.scoring import Outcome
from engine.judge.start import EvalRequest, ScoreRequest, plan_evaluation, plan_scoring
from engine.judge.summary import summarise_evaluation
from engine.judge.worker import (
    attempt_evaluation,
    describe_outcome,
    make_items,
    measure_scores,
    plan_judging,
    spread,
)
from engine.launch.attempt import Journals
from engine.records.conversations import Conversation, Expectation
from engine.records.dataset import Message, Prompt
from engine.records.judging import Score
from engine.records.rows import Sample
from engine.store.index import summarise_run
from engine.store.journal import read_rows, seal, write_json, write_rows
from engine.store.paths import RunPaths, Workspace

EVAL, SCORE = "20260102-0900-ada-eval-aaaa", "20260103-0900-ada-score-bbbb"
CLAUDE = "anthropic:claude-sonnet-5-5"
Write = Callable[..., RunPaths]
TALK = Conversation(
    id="a talk", category="memory", difficulty="easy", messages=[Message(role="user", content="My cat is Nutmeg.")],
    turns=["Good.", "What is my cat called?", "And my dog?"],
    expects=[
        Expectation(turn=2, any_of=["Nutmeg"], any_from=0), Expectation(turn=3, any_of=["Rex"], none_of=["Nutmeg"]),
    ],
)  # fmt: skip


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    kept = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    for name, handler in kept.items():
        signal.signal(name, handler)


@pytest.fixture
def score_run(workspace: Workspace, write_evaluation: Write) -> Callable[..., RunPaths]:
    """A score run as its starter writes it, of an evaluation of so many answers: score_run(3, judge="rules")."""

    def make(answers: int, judge: str = "rules", **rest: Any) -> RunPaths:
        write_evaluation(EVAL, [5.0] * answers)
        run, material = plan_scoring(ScoreRequest(EVAL, judge, **rest), workspace)
        paths = workspace.run(SCORE)
        paths.folder.mkdir(parents=True)
        material.write(paths)
        write_json(paths.run, run.model_copy(update={"id": SCORE}).to_json())
        return paths

    return make


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api() as api:
        monkeypatch.setenv("ANTHROPIC_API_KEY", api.key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        yield api


def attempt(paths: RunPaths, number: int = 1) -> str:
    for journal in (paths.events, paths.metrics, paths.samples):
        seal(journal)
    return attempt_evaluation(paths, Journals(paths, number))


def answer(prompt: Prompt, text: str, turn: int = 0, index: int = 0) -> Sample:
    return Sample(
        attempt=1, step=0, time=0.0, probe=prompt.id, index=index, turn=turn, seed=1, text=text, tokens=3,
        truncated=False, breaks=None, span=None, in_character=True,
    )  # fmt: skip


def test_an_item_is_an_answer_with_the_conversation_that_led_to_it() -> None:
    said = ["<think>Cats.</think>I am glad.", "Indeed.", "Nutmeg, Sir."]
    items = make_items([TALK], [answer(TALK, text, turn) for turn, text in reversed([*enumerate(said)])])
    assert [item.id for item in items] == ["a talk 0 0", "a talk 0 1", "a talk 0 2"]
    last = items[2]
    assert [(m.role, m.content) for m in last.messages] == [
        ("user", "My cat is Nutmeg."), ("assistant", "I am glad."), ("user", "Good."), ("assistant", "Indeed."),
        ("user", "What is my cat called?"),
    ]  # fmt: skip
    assert (last.answer, items[0].answer, len(items[0].messages)) == ("Nutmeg, Sir.", "I am glad.", 1)


def test_anchors_are_spread_over_the_prompts_and_controls_come_last(
    workspace: Workspace, make_items: Callable[[int], list[Any]]
) -> None:
    items = make_items(50)
    assert [item.id for item in spread(items, 4)] == ["p0", "p12", "p25", "p37"]
    assert spread(items[:3], 20) == items[:3]
    run, material = plan_evaluation(EvalRequest("http://127.0.0.1:9/v1#x", repeats=3, controls=True), workspace)
    plan = plan_judging(run, items, material.rubric)
    assert [(repeat, len(wanted)) for repeat, wanted in plan] == [(0, 50), (1, 20), (2, 20), (0, 20)]
    assert {item.id.split(" ")[1] for item in plan[-1][1]} == {
        "empty", "constant", "over-long", "rubric-quoting", "injected",
    }  # fmt: skip


def test_answers_are_judged_once_and_a_later_attempt_judges_what_is_left(score_run: Callable[..., RunPaths]) -> None:
    paths = score_run(4)
    assert attempt(paths) == "finished"
    rows = read_rows(paths.scores)
    assert sorted(row["id"] for row in rows) == [f"p-00{i} 0 0" for i in range(4)]
    assert read_rows(paths.metrics)[-1]["step"] == 4
    # a torn row, one lost and one that failed: these two alone are judged again
    failed = {
        **rows[1], "state": "refused", "overall": None, "judge_overall": None, "components": {}, "critical": [],
        "problem": "no",
    }  # fmt: skip
    write_rows(paths.scores, [rows[0], failed, rows[2]])
    with open(paths.scores, "a") as file:
        file.write('{"attempt": 1, "id": "p-0')
    assert attempt(paths, 2) == "finished"
    again = read_rows(paths.scores)
    assert again[:3] == [rows[0], failed, rows[2]]
    assert [(row["attempt"], row["id"]) for row in again[3:]] == [(2, rows[1]["id"]), (2, rows[3]["id"])]
    assert attempt(paths, 3) == "finished"
    assert len(read_rows(paths.scores)) == 5


def test_a_stop_is_heard_between_judgements(score_run: Callable[..., RunPaths], api: Api) -> None:
    paths = score_run(6, CLAUDE)

    def stop_at_two(asked: Ask) -> None:
        if asked.number == 2:
            paths.stop.touch()

    api.script = stop_at_two
    ended = attempt(paths)
    judged = len(read_rows(paths.scores))
    assert ended == f"stopped: asked to, {6 - judged} not judged"
    assert 0 < judged <= 6


def test_a_budget_counts_what_earlier_attempts_spent(score_run: Callable[..., RunPaths], api: Api) -> None:
    paths = score_run(3, CLAUDE, max_usd=0.5)
    assert attempt(paths) == "finished"
    rows = read_rows(paths.scores)
    assert 0 < sum(row["usd"] for row in rows) < 0.1
    write_rows(paths.scores, [{**rows[0], "usd": 0.49}])
    assert (
        attempt(paths, 2)
        == "stopped: the budget of 0.5 USD would be passed, 2 not judged; the same command with a higher --max-usd goes on"
    )
    assert (len(read_rows(paths.scores)), api.count()) == (1, 3)


def test_notes_are_told_once(score_run: Callable[..., RunPaths]) -> None:
    paths = score_run(5, repeats=2, controls=True)
    assert attempt(paths) == "finished"
    assert len(read_rows(paths.scores)) == 5 + 5 + 20
    facts = summarise_evaluation(paths)
    assert (facts["states"], facts["judge_noise"]["judgements"]) == ({"scored": 5}, 10)
    assert [(c["name"], c["n"]) for c in facts["controls"]][-1] == ("injected", 4)
    assert [row["message"] for row in read_rows(paths.events) if row["kind"] == "note"] == [
        "no rule sees position, so the overall is without"
    ]


def test_what_failed_holds_up_neither_anchors_nor_controls(score_run: Callable[..., RunPaths], api: Api) -> None:
    paths = score_run(3, CLAUDE, repeats=2, controls=True)
    judged = api.count()
    api.script = lambda asked: REFUSED if asked.number == judged + 2 else None
    assert attempt(paths) == "stopped: 1 judgements failed; charlab resume asks these again"
    assert Counter((row["repeat"], row["id"].startswith("control ")) for row in read_rows(paths.scores)) == {
        (0, False): 3, (1, False): 3, (0, True): 15,
    }  # fmt: skip
    facts = summarise_evaluation(paths)
    assert (facts["judge_noise"]["judgements"] > 0, len(facts["controls"])) == (True, 5)
    api.script = None
    assert attempt(paths, 2) == "finished"
    assert len(read_rows(paths.scores)) == 22


def test_a_batch_of_a_repeat_is_taken_up_though_an_answer_failed(score_run: Callable[..., RunPaths], api: Api) -> None:
    paths = score_run(3, CLAUDE, repeats=2, batch=True)
    api.batch_script = lambda custom_id, place: "errored" if len(api.batches) == 1 and place == 1 else "succeeded"

    def stop_at_repeat() -> None:
        end = time.monotonic() + 30
        while len(api.batches) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        paths.stop.touch()

    def hold_repeat(asked: Ask) -> None:
        api.batch_seconds = 3600

    api.script = hold_repeat
    threading.Thread(target=stop_at_repeat, daemon=True).start()
    assert attempt(paths) == "stopped: asked to, 3 not judged"
    assert (len(api.batches), len(read_rows(paths.scores))) == (2, 3)
    paths.stop.unlink()
    api.batch_seconds, api.script = 0, None
    assert attempt(paths, 2) == "finished"
    assert [len(batch["requests"]) for batch in api.batches.values()] == [3, 3, 1]
    assert [row["repeat"] for row in read_rows(paths.scores)] == [0, 0, 0, 1, 1, 1, 0]


def test_preferences_make_no_score(workspace: Workspace, write_evaluation: Write, api: Api) -> None:
    for name in (EVAL, EVAL.replace("aaaa", "cccc")):
        write_evaluation(name, [5.0] * 2)
    request = ScoreRequest(EVAL, CLAUDE, against=EVAL.replace("aaaa", "cccc"))
    run, material = plan_scoring(request, workspace)
    paths = workspace.run(SCORE)
    paths.folder.mkdir(parents=True)
    material.write(paths)
    write_json(paths.run, run.model_copy(update={"id": SCORE}).to_json())
    assert attempt(paths) == "finished"
    newest = read_rows(paths.metrics)[-1]
    assert (newest["step"], newest["values"]) == (4, {})
    assert summarise_run(paths).score is None


def test_what_a_later_answer_kept_of_what_was_told_is_counted_by_rules(
    workspace: Workspace, score_run: Callable[..., RunPaths]
) -> None:
    paths = score_run(1)
    source = workspace.run(EVAL)
    write_rows(source.prompts, [TALK.to_json()])
    said = ["Indeed.", "Indeed.", "Your cat is Nutmeg.", "Your dog is Rex, as your cat is Nutmeg."]
    write_rows(source.samples, [answer(TALK, text, turn).to_json() for turn, text in enumerate(said)])
    write_rows(paths.prompts, [TALK.to_json()])
    assert attempt(paths) == "finished"
    recall = summarise_evaluation(paths)["recall"]
    assert {k: recall["overall"][k] for k in ("n", "kept", "missed", "contradicted", "empty", "rate")} == {
        "n": 2, "kept": 1, "missed": 0, "contradicted": 1, "empty": 0, "rate": 0.5,
    }  # fmt: skip
    assert recall["categories"]["memory"] == recall["overall"]
    low, high = recall["overall"]["ci"]
    assert (round(low, 4), round(high, 4)) == (0.0945, 0.9055)


def test_answers_that_nobody_asked_for_are_judged_by_nobody(
    workspace: Workspace, score_run: Callable[..., RunPaths]
) -> None:
    paths = score_run(2)
    source = workspace.run(EVAL)
    row = read_rows(source.samples)[0]
    hostile = [
        {"probe": "../x"},
        {"index": -1},
        {"index": 7},
        {"turn": 3},
        {"text": 5},
        {"probe": "p-000 0"},
        {"new": 1},
    ]
    write_rows(source.samples, [*read_rows(source.samples), *({**row, **change} for change in hostile), row])
    with open(source.samples, "a") as file:
        file.write('[1]\n{"probe"\n')
    assert attempt(paths) == "finished"
    assert sorted(row["id"] for row in read_rows(paths.scores)) == ["p-000 0 0", "p-001 0 0"]
    facts = summarise_evaluation(paths)
    assert (facts["answers"], facts["overall"]["n"], facts["skipped"]) == (2, 2, 8)


def test_the_curve_tells_both_means_and_how_many_fail(make_row: Callable[..., Score]) -> None:
    scored = [make_row("a", 6.0, judge_overall=7.0), make_row("b", 3.0, critical=["artificial_identity"])]
    assert measure_scores(scored) == {"score": 4.5, "score_raw": 7.0, "critical": 1.0}
    assert measure_scores(scored[1:]) == {"score": 3.0, "critical": 1.0}


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome("done", 3, 0, 0, 0.0), "finished"),
        (Outcome("done", 3, 2, 0, 0.0), "stopped: 2 judgements failed; charlab resume asks these again"),
        (
            Outcome("budget", 3, 0, 4, 0.0),
            "stopped: the budget of 2.5 USD would be passed, 4 not judged; the same command with a higher --max-usd goes on",
        ),
        (Outcome("stopped", 3, 0, 4, 0.0), "stopped: SIGTERM, 4 not judged"),
    ],
)
def test_how_a_judging_ended_is_told(outcome: Outcome, told: str) -> None:
    assert describe_outcome(outcome, "SIGTERM", 2.5) == told
