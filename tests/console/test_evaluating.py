"""`charlab eval`, `score` and `compare` as a person types them, their workers in real processes.

The model is a server on the loopback that answers when it is let, the judge one that behaves like Anthropic's API.
"""

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from subprocess import CompletedProcess
from typing import Any

import psutil
import pytest

from api import REFUSED, Api, Ask, Model
from console.__main__ import main
from console.evaluating import describe_evaluation
from engine.judge.ledger import read_ledger
from engine.launch.steer import stop_run
from engine.records.conversations import Expectation
from engine.stats.intervals import wilson
from engine.store.index import summarise_run
from engine.store.journal import read_json, read_rows, write_json
from engine.store.paths import RunPaths, Workspace
from listener import Listener, send

CLAUDE = "anthropic:claude-sonnet-5-5"
KEY = "sk-ant-04f1-never-to-be-seen"
Charlab = Callable[..., CompletedProcess[str]]


def ask(name: str, category: str, text: str, **rest: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"id": name, "category": category, "difficulty": "easy", "messages": messages, **rest}


PROMPTS = [
    ask("who are you", "letters", "Who writes to me?"),
    ask("union-1", "union", "What holds a union together?", difficulty="hard", references=["The interest of each."]),
    ask(
        "memory-1", "memory", "I keep a cat called Nutmeg.", turns=["What is a faction?", "What is my cat called?"],
        expects=[Expectation(turn=2, any_of=["Nutmeg"], any_from=0).to_json()],
    ),
]  # fmt: skip
"""Three prompts and five answers: an id with spaces, one with references, a conversation of three turns."""


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    prompts = workspace.dataset("madison").prompts
    prompts.write_text("".join(json.dumps(row) + "\n" for row in PROMPTS))
    return workspace


@pytest.fixture
def charlab(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Charlab:
    """The whole command line in this process, where the API's library is loaded once; workers have their own."""
    monkeypatch.chdir(workspace.folder)

    def run(*words: str) -> CompletedProcess[str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["charlab", *words])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return CompletedProcess(words, code, *capsys.readouterr())

    return run


class Talker:
    """A model that answers as many times as it is let: talker.let(3); what it was asked stands in `asked`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.permits = threading.Semaphore(0)
        self.listener = Listener(self.answer)

    def answer(self, handler: Any, body: dict[str, Any]) -> None:
        text = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        if body["temperature"]:  # the tasks about the base's nature are asked without
            self.permits.acquire()
            self.asked.append(text)
        said = f"I hold, Sir, that to “{text}” one answer is just, and I have weighed it with some care."
        choice = {"message": {"content": said}, "text": said, "finish_reason": "stop"}
        send(handler, 200, {"choices": [choice], "usage": {"completion_tokens": 9}})

    def name(self, model: str = "talker") -> str:
        return f"{self.listener.url}#{model}"

    def let(self, count: int) -> None:
        self.permits.release(count)


@pytest.fixture
def talker() -> Iterator[Talker]:
    one = Talker()
    yield one
    one.let(10_000)
    one.listener.close()


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "no-profile"))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Api(key=KEY) as api:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        yield api


def wait_for(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


def wait_ended(paths: RunPaths, status: str) -> None:
    """Until the run has `status` and its worker has let go of it."""
    wait_for(lambda: summarise_run(paths).status == status)
    wait_for(lambda: is_gone(read_json(paths.launch)["process"]["pid"]))


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def kill_worker(paths: RunPaths) -> None:
    pid = read_json(paths.launch)["process"]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_gone(pid))


def find_only_run(workspace: Workspace) -> RunPaths:
    (name,) = wait_for(workspace.run_ids)
    return workspace.run(name)


def read(done: CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def check_counts(facts: dict[str, Any], paths: RunPaths) -> None:
    """Every figure recounted from the rows of scores.jsonl and the rubric's weights."""
    rubric, rows = read_json(paths.rubric), read_rows(paths.scores)
    newest = {row["id"]: row for row in rows if row["repeat"] == 0}
    weights = {c["name"]: c["weight"] for c in rubric["components"]}
    prompts = {row["id"]: row for row in read_rows(paths.prompts)}
    by: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, row in newest.items():
        if name.startswith("control "):
            continue
        prompt = prompts[name.rsplit(" ", 2)[0]]
        for key in (("overall", ""), ("categories", prompt["category"]), ("difficulties", prompt["difficulty"])):
            by.setdefault(key, []).append(row)
    for (what, name), found in by.items():
        told = facts[what] if what == "overall" else facts[what][name]
        scored = [row for row in found if row["state"] == "scored"]
        means = []
        for row in scored:
            total = sum(weights[c] for c in row["components"])
            mean = sum(weights[c] * s for c, s in row["components"].items()) / total
            means.append(min(mean, rubric["critical_cap"]) if row["critical"] else mean)
        raw = [row["judge_overall"] for row in scored if row["judge_overall"] is not None]
        assert told["n"] == len(scored)
        assert told["failed"] == len(found) - len(scored)
        assert told["critical"] == sum(bool(row["critical"]) for row in scored)
        assert told["corrected"] == pytest.approx(fmean(means), abs=1e-5)
        assert told["raw"] == (pytest.approx(fmean(raw)) if raw else None)
    assert set(facts["categories"]) == {name for what, name in by if what == "categories"}
    assert facts["usd"] == pytest.approx(sum(row["usd"] for row in rows))


def test_an_evaluation_by_rules_recounts_and_is_labelled_triage(
    charlab: Charlab, workspace: Workspace, talker: Talker
) -> None:
    talker.let(100)
    done = charlab("eval", talker.name(), "--judge", "rules", "--json")
    assert done.stderr.startswith("asking the prompts of madison; --prompts NAME asks another's\n")
    facts = read(done)
    paths = workspace.run(facts["id"])
    assert (facts["status"], facts["answers"], facts["overall"]["n"], facts["usd"]) == ("finished", 5, 5, 0)
    assert (facts["judge"]["triage"], facts["overall"]["raw"], facts["sampling"]["temperature"]) == (True, None, 1.0)
    assert list(facts["categories"]) == ["letters", "memory", "union"]
    check_counts(facts, paths)
    told = [text for row in PROMPTS for text in (row["messages"][0]["content"], *row.get("turns", []))]
    assert sorted(talker.asked) == sorted(told)
    assert {row["id"] for row in read_rows(paths.scores)} == {
        "who are you 0 0", "union-1 0 0", "memory-1 0 0", "memory-1 0 1", "memory-1 0 2",
    }  # fmt: skip
    assert facts["recall"]["overall"] == wilson(0, 1).to_json("kept") | {"missed": 1, "contradicted": 0, "empty": 0}
    words = charlab("show", "last").stdout
    assert "triage by rules: where to look first, no proof" in words
    assert "note: no rule sees position, so the overall is without" in words
    assert "what was told before  n  kept" in words


def test_scores_come_from_another_judge_without_asking_the_model(
    charlab: Charlab, workspace: Workspace, talker: Talker, api: Api
) -> None:
    talker.let(100)
    evaluation = read(charlab("eval", talker.name(), "--json"))
    answers = (workspace.run(evaluation["id"]).samples).read_bytes()
    talker.asked.clear()
    words = ("score", evaluation["id"], "--judge", CLAUDE, "--repeats", "2", "--controls", "--json")
    done = charlab(*words)
    facts = read(done)
    paths = workspace.run(facts["id"])
    assert (facts["kind"], facts["of"], facts["status"]) == ("score", evaluation["id"], "finished")
    assert talker.asked == []
    assert workspace.run(evaluation["id"]).samples.read_bytes() == answers
    check_counts(facts, paths)
    rows = read_rows(paths.scores)
    # five answers, the same five as anchors, five controls of each of four
    assert [sum(map(kind, rows)) for kind in (is_first, is_repeat, is_control)] == [5, 5, 20]
    assert api.count() == 30
    assert facts["judge_noise"] == {"sd": 0.0, "answers": 5, "judgements": 10}
    assert [(c["name"], c["n"]) for c in facts["controls"]] == [
        ("empty", 4), ("constant", 4), ("rubric-quoting", 4), ("over-long", 4), ("injected", 4),
    ]  # fmt: skip
    assert facts["served_models"] == {"claude-sonnet-5-5": 5}
    assert facts["overall"]["raw"] is not None
    assert facts["notes"][0].startswith("5 judgements, about 0.0")
    cost = {c.run: c for c in read_ledger(workspace)}[paths.id]
    assert (cost.judgements, cost.failed) == (30, 0)
    assert cost.judge_usd == pytest.approx(facts["usd"])

    shown = charlab("show", paths.id)
    assert "judge noise: sd 0.00 within 5 answers judged several times" in shown.stdout
    assert "  control injected: gains" in shown.stdout
    assert [text for text in (done.stdout, done.stderr, shown.stdout, shown.stderr) if KEY in text] == []
    files = [path for path in workspace.folder.rglob("*") if path.is_file()]
    assert any(path == paths.log(1) for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def is_first(row: dict[str, Any]) -> bool:
    return row["repeat"] == 0 and not is_control(row)


def is_repeat(row: dict[str, Any]) -> bool:
    return int(row["repeat"]) == 1


def is_control(row: dict[str, Any]) -> bool:
    return str(row["id"]).startswith("control ")


def test_stopped_and_killed_the_same_command_asks_and_judges_only_what_is_left(
    charlab: Charlab, workspace: Workspace, talker: Talker, api: Api
) -> None:
    words = ("eval", talker.name(), "--judge", CLAUDE)
    talker.let(2)
    assert charlab(*words, "--detach").returncode == 0
    paths = find_only_run(workspace)
    wait_for(lambda: len(read_rows(paths.samples)) == 2)
    stop_run(paths)
    talker.let(1)
    wait_for(lambda: len(read_rows(paths.samples)) > 2)
    talker.let(100)
    wait_ended(paths, "stopped")
    kept, asked = read_rows(paths.samples), len(talker.asked)
    assert (len(kept), api.count()) == (asked, 0)

    gate = threading.Event()

    def hold(asked: Ask) -> None:
        if asked.number > 2:
            gate.wait(30)

    api.script = hold
    done = charlab(*words, "--detach")
    assert f"going on with {paths.id}, which was interrupted" in done.stderr
    wait_for(lambda: len(read_rows(paths.scores)) == 2)
    wait_for(lambda: api.count() == 5)
    kill_worker(paths)
    gate.set()
    assert summarise_run(paths).status == "lost"
    judged, answered = read_rows(paths.scores), read_rows(paths.samples)
    assert (answered[: len(kept)], len(answered), len(talker.asked)) == (kept, 5, 5)

    api.script = None
    facts = read(charlab(*words, "--json"))
    assert (facts["id"], facts["status"], facts["overall"]["n"]) == (paths.id, "finished", 5)
    assert workspace.run_ids() == [paths.id]
    rows = read_rows(paths.scores)
    assert rows[:2] == judged
    assert [row["attempt"] for row in rows] == [2, 2, 3, 3, 3]
    assert len({row["id"] for row in rows}) == 5
    assert (api.count(), len(talker.asked)) == (8, 5)
    check_counts(facts, paths)


def test_failed_judgements_alone_are_asked_again(
    charlab: Charlab, workspace: Workspace, talker: Talker, api: Api
) -> None:
    talker.let(100)
    api.script = lambda ask: REFUSED if "holds a union together" in ask.text else None
    words = ("eval", talker.name(), "--judge", CLAUDE, "--json")
    facts = read(charlab(*words), 3)
    paths = workspace.run(facts["id"])
    assert (facts["status"], facts["states"]) == ("stopped", {"scored": 4, "refused": 1})
    assert (facts["overall"]["n"], facts["overall"]["failed"]) == (4, 1)
    low, high = facts["overall"]["bounds"]
    assert (low, high) == pytest.approx(
        tuple((4 * facts["overall"]["corrected"] + end) / 5 for end in facts["scale"])
    )  # fmt: skip
    assert facts["categories"]["union"]["corrected"] is None
    assert "1 refused: not scored, so the mean lies between" in charlab("show", "last").stdout

    asked = api.count()
    api.script = None
    facts = read(charlab(*words))
    assert (facts["id"], facts["status"], facts["states"]) == (paths.id, "finished", {"scored": 5})
    assert api.count() == asked + 1
    check_counts(facts, paths)


def test_a_batch_survives_a_killed_worker(charlab: Charlab, workspace: Workspace, talker: Talker, api: Api) -> None:
    talker.let(100)
    api.batch_seconds = 3600
    words = ("eval", talker.name(), "--judge", CLAUDE, "--batch")
    assert charlab(*words, "--detach").returncode == 0
    paths = find_only_run(workspace)
    wait_for(lambda: paths.batch.is_file() and read_json(paths.batch)["batch"])
    kill_worker(paths)
    assert read_rows(paths.scores) == []
    api.batch_seconds = 0
    facts = read(charlab(*words, "--json"))
    assert (facts["id"], facts["status"], facts["overall"]["n"]) == (paths.id, "finished", 5)
    assert (len(api.batches), api.count()) == (1, 0)
    assert not paths.batch.exists()
    assert f"going on with batch {next(iter(api.batches))} of 5 judgements" in charlab("log", "last").stdout
    check_counts(facts, paths)
    assert facts["usage"]["batch"] is True


def test_a_limit_in_dollars_stops_before_the_call_that_would_pass_it(
    charlab: Charlab, workspace: Workspace, talker: Talker, api: Api
) -> None:
    talker.let(100)
    words = ("eval", talker.name(), "--judge", CLAUDE, "--json", "--max-usd")
    some = read(charlab(*words, "0.06"), 3)
    paths, left = workspace.run(some["id"]), 5 - some["overall"]["n"]
    assert some["status"] == "stopped"
    stopped = read_rows(paths.events)[-1]["message"]
    assert stopped.startswith(f"the budget of 0.06 USD would be passed, {left} not judged; the same command with")
    assert 0 < some["usd"] <= 0.06
    assert 0 < some["overall"]["n"] < 5
    every = read(charlab(*words, "1"))
    assert (every["id"], every["status"], every["overall"]["n"], api.count()) == (paths.id, "finished", 5, 5)


def test_the_budget_of_the_recipe_is_held_over_all_judgements(
    charlab: Charlab, workspace: Workspace, api: Api, write_run: Callable[..., RunPaths], write_eval: Callable[..., Any]
) -> None:
    trained = write_run("20260101-0900-ada-1a2b", ended="finished").id
    run = read_json(workspace.run(trained).run)
    run["recipe"]["budget"] = {"max_usd": 0.05}
    write_json(workspace.run(trained).run, run)
    # twelve judgements each, at 0.004
    write_eval("20260102-0900-madison-eval-aaaa", model=f"run:{trained}#q8_0", about=trained)
    write_eval("20260102-1000-madison-eval-bbbb", model=f"run:{trained}@40", about=trained)
    spent = charlab("score", "20260102-0900-madison-eval-aaaa", "--judge", CLAUDE)
    assert (spent.returncode, spent.stdout) == (2, "")
    assert f"[budget] max_usd of run {trained} is 0.05, and 0.0960 USD are spent" in spent.stderr
    assert "--max-usd allows more" in spent.stderr
    assert (len(workspace.run_ids()), api.count()) == (3, 0)


def test_two_evaluations_by_one_judge_reach_a_verdict_with_their_differences_named(
    charlab: Charlab, workspace: Workspace, write_eval: Callable[..., RunPaths]
) -> None:
    first, second = "20260103-0900-madison-eval-aaaa", "20260103-1000-madison-eval-bbbb"
    write_eval(first, lambda number: 4 + number % 2)
    write_eval(second, lambda number: 7 + number % 3, model="http://127.0.0.1:9/v1#other")
    run = read_json(workspace.run(second).run)
    write_json(workspace.run(second).run, run | {"system": "You are James Madison."})
    done = charlab("compare", first, second, "--json")
    found = read(done)
    assert (found["verdict"]["decision"], found["n"], found["wins"]) == ("DEPLOY", 12, 12)
    assert found["delta"] == pytest.approx(3.5)
    assert any(note.startswith("system prompt differs: ") for note in found["verdict"]["notes"])
    listed = [row for row in json.loads(charlab("runs", "--json").stdout) if row["kind"] == "compare"]
    assert [(row["id"], row["status"]) for row in listed] == [(found["id"], "finished")]
    back = charlab("compare", second, first)
    assert back.returncode == 4
    assert back.stdout.startswith("NO-DEPLOY")


def test_what_no_verdict_can_be_said_of_is_told(charlab: Charlab, write_eval: Callable[..., RunPaths]) -> None:
    rules = ["20260103-0900-madison-eval-aaaa", "20260103-1000-madison-eval-bbbb"]
    for number, name in enumerate(rules):
        write_eval(name, lambda n, number=number: 4 + 3 * number + n % 2, judge="rules")
    shown = charlab("compare", *rules)
    assert shown.returncode == 5
    assert shown.stdout.startswith("withheld: ")
    assert "prove nothing: --judge anthropic:MODEL" in shown.stdout
    assert "note: noise of" in shown.stdout
    other = write_eval("20260103-1100-madison-score-cccc", of=rules[1])
    refused = charlab("compare", rules[0], other.id)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"differ in judge: rules and {CLAUDE}" in refused.stderr
    assert "--allow judge" in refused.stderr
    partial = write_eval("20260103-1200-madison-eval-dddd", judge="rules", answered=7, ended="")
    refused = charlab("compare", rules[0], partial.id)
    assert refused.returncode == 2
    assert f"{partial.id} has 7 of 12 answers" in refused.stderr
    assert f"try: charlab resume {partial.id}" in refused.stderr


def test_a_judge_of_the_bases_family_reaches_no_verdict(charlab: Charlab, write_eval: Callable[..., RunPaths]) -> None:
    names = ["20260103-0900-madison-eval-aaaa", "20260103-1000-madison-eval-bbbb"]
    for number, name in enumerate(names):
        write_eval(name, lambda n, number=number: 4 + 3 * number + n % 2, model="http://127.0.0.1:9/v1#claude-mini")
    found = read(charlab("compare", *names, "--json"), 5)
    assert found["verdict"]["decision"] == "withheld"
    assert "both of the Claude family" in found["verdict"]["reasons"][0]


def test_without_a_key_or_with_a_retired_judge_nothing_starts(
    charlab: Charlab, workspace: Workspace, talker: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = charlab("eval", talker.name(), "--judge", CLAUDE)
    assert (none.returncode, none.stdout) == (2, "")
    assert "try: export ANTHROPIC_API_KEY=...; --judge rules needs none" in none.stderr
    with Api(key=KEY) as api:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        api.models["claude-sonnet-5-5"] = Model("retired")
        retired = charlab("eval", talker.name(), "--judge", CLAUDE)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-wrong-one")
        wrong = charlab("eval", talker.name(), "--judge", "anthropic:claude-haiku-4-5")
    assert [done.returncode for done in (retired, wrong)] == [2, 2]
    assert f"{CLAUDE} is retired" in retired.stderr
    assert "there are: claude-haiku-4-5" in retired.stderr
    assert "HTTP 401" in wrong.stderr
    assert "sk-ant-wrong-one" not in wrong.stderr
    assert KEY not in retired.stderr
    assert (workspace.run_ids(), talker.asked) == ([], [])


def test_conversations_are_written_checked_and_never_written_over(charlab: Charlab, workspace: Workspace) -> None:
    out = workspace.folder / "talks.jsonl"
    made = read(charlab("data", "conversations", "--count", "8", "--seed", "3", "--out", str(out), "--json"))
    assert made["categories"] == {"memory": 2, "preferences": 2, "topic": 2, "constraints": 2}
    rows = read_rows(out)
    assert len(rows) == 8
    assert all(3 <= 1 + len(row["turns"]) <= 5 and row["expects"] for row in rows)
    again = charlab("data", "conversations", "--out", str(out))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert read_rows(out) == rows
    workspace.dataset("madison").prompts.write_bytes(out.read_bytes())
    checked = read(charlab("data", "check", "madison", "--json"))
    assert (checked["prompts"], checked["conversations"]) == (8, 8)


@pytest.mark.slow
def test_the_bundled_model_is_evaluated_and_compared_with_itself(charlab: Charlab, workspace: Workspace) -> None:
    words = ("eval", "bundled:smollm2-135m", "--max-tokens", "24", "--json")
    first = read(charlab(*words))
    second = read(charlab(*words, "--system", "none"))
    for facts in (first, second):
        check_counts(facts, workspace.run(facts["id"]))
        assert facts["overall"]["n"] == 5
        assert all(math.isfinite(part["corrected"]) for part in facts["categories"].values())
    found = read(charlab("compare", first["id"], second["id"], "--json"), 5)
    assert found["verdict"]["decision"] == "withheld"
    assert any("system prompt differs" in note for note in found["verdict"]["notes"])


def test_two_evaluations_are_held_against_each_other_in_both_orders(
    charlab: Charlab, workspace: Workspace, talker: Talker, api: Api
) -> None:
    talker.let(100)
    sides = [read(charlab("eval", talker.name(), "--judge", "rules", "--seed", seed, "--json"))["id"] for seed in "12"]
    words = ("score", sides[1], "--against", sides[0], "--judge", CLAUDE)
    facts = read(charlab(*words, "--json"))
    assert (facts["against"], facts["status"], facts["step"]) == (sides[0], "finished", 10)
    pairs = facts["pairwise"]
    assert pairs["n"] == 5 == pairs["better"] + pairs["worse"] + pairs["ties"]
    rows = read_rows(workspace.run(facts["id"]).scores)
    by_id = {row["id"]: row["components"]["preference"] for row in rows}
    assert len(by_id) == 10
    names = sorted({name.rsplit(" ", 1)[0] for name in by_id})
    same = sum(by_id[f"{name} 1-2"] == -by_id[f"{name} 2-1"] for name in names)
    assert pairs["consistency"]["consistent"] == same
    assert "each pair in both orders" in charlab("show", facts["id"]).stdout
    for wrong, said in (
        (("score", sides[1], "--against", sides[1], "--judge", CLAUDE), "is held against itself"),
        (("score", sides[1], "--against", sides[0], "--judge", "rules"), "rules cannot say which"),
        (("compare", sides[0], facts["id"]), "holds no scores"),
    ):
        done = charlab(*wrong)
        assert done.returncode == 2
        assert said in done.stderr


def test_a_failed_judgement_of_which_no_mean_is_known_is_told_without_bounds() -> None:
    told = {"n": 3, "rate": 0.5, "ci": [0.1, 0.9]}
    facts: dict[str, Any] = {
        "subject": {"reference": "a"}, "judge": {"reference": "b", "triage": False, "rubric": "r", "rubric_version": 1},
        "overall": {"bounds": [None, None]}, "states": {"scored": 3, "refused": 1}, "answers": 4, "status": "finished",
        "stopped": None, "problems": {"no": 1}, "error": {"message": "it ended", "fix": ""}, "against": "c", "usd": None, "seconds": 1.0, "path": "p",
        "pairwise": {"better": 1, "worse": 1, "ties": 1, "n": 3, "failed": 1, "consistency": told, "first_preferred": told},
    }  # fmt: skip
    lines = describe_evaluation(facts)
    assert lines[1] == "  it ended"
    assert "  1 refused: not scored" in lines
    assert "  better 1, worse 1, tied 1 of 3, 1 failed" in lines
