"""`charlab probe` as a person runs it: real commands in real processes, the bundled model on llama.cpp behind them.

Where a moment must be held, as between Ctrl-C and `charlab stop`, the model is a server on the loopback that answers
when it is let.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.probe.detect import find_break
from engine.probe.start import ProbeRequest, write_probe_run
from engine.records.dataset import Character
from engine.stats.intervals import wilson
from engine.store.index import summarise_run
from engine.store.journal import read_json, read_rows
from engine.store.paths import RunPaths, Workspace
from listener import Listener, send

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = "bundled:smollm2-135m"
Charlab = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """Madison with three probes: a plain one, one of instructions, one of two turns."""
    probes = workspace.dataset("madison").probes
    first, second, third = (json.loads(line) for line in probes.read_text().splitlines()[:3])
    rows = [first, {**second, "format": "instruction"}, {**third, "turns": ["And what are you made of?"]}]
    probes.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return workspace


class Held:
    """A server that gives as many answers as it is let: held.let(5)."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.tasks = 0
        self.holds_tasks = False
        self.permits = threading.Semaphore(0)
        self.listener = Listener(self.answer)
        self.reference = f"{self.listener.url}#held"

    def answer(self, handler: Any, body: dict[str, Any]) -> None:
        if body["temperature"]:  # the tasks about the base's nature are asked without
            self.seeds.append(body["seed"])
            self.permits.acquire()
        else:
            self.tasks += 1
            if self.holds_tasks:
                self.permits.acquire()
        text = f"I am an AI language model, and my seed is {body['seed']}."
        choice = {"message": {"content": text}, "text": text, "finish_reason": "stop"}
        send(handler, 200, {"choices": [choice], "usage": {"completion_tokens": 3}})

    def let(self, count: int) -> None:
        self.permits.release(count)


@pytest.fixture
def held() -> Iterator[Held]:
    one = Held()
    yield one
    one.let(10_000)
    one.listener.close()


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Start]:
    """Begin a command in a session of its own: start("probe", ...)."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "console", *words],
            cwd=workspace.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        )  # fmt: skip
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def wait_for(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.03)
    return found


def wait_ended(paths: RunPaths, status: str) -> None:
    """Until the run has `status` and its worker has let go of it."""
    wait_for(lambda: summarise_run(paths).status == status)
    wait_for(lambda: not psutil.pid_exists(read_json(paths.launch)["process"]["pid"]) or is_zombie(paths))


def is_zombie(paths: RunPaths) -> bool:
    try:
        pid = read_json(paths.launch)["process"]["pid"]
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def list_keys(rows: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    return sorted((row["probe"], row["index"], row["turn"]) for row in rows)


def check_rates(facts: dict[str, Any], paths: RunPaths) -> None:
    """Judge every answer anew, and count."""
    rows, character = read_rows(paths.samples), Character.model_validate(read_json(paths.character))
    for name, found in [(None, facts["overall"]), *facts["probes"].items()]:
        answers = [row for row in rows if name in (None, row["probe"])]
        verdicts = [find_break(row["text"][row["judged_from"] :], character) for row in answers]
        assert {key: found[key] for key in ("breaks", "n", "rate", "ci")} == wilson(
            sum(v.breaks is not None for v in verdicts), len(answers)
        ).to_json("breaks")
        assert found["in_character_rate"]["in_character"] == sum(v.in_character for v in verdicts)


def test_a_worker_that_is_killed_leaves_no_server_and_resume_finishes(
    charlab: Charlab, start: Start, workspace: Workspace
) -> None:
    process = start(
        "probe", BUNDLED, "--samples", "3", "--max-tokens", "16", "--seed", "5", "--system", "none", "--json"
    )
    paths = workspace.run(wait_for(workspace.run_ids)[0])
    wait_for(lambda: read_rows(paths.samples))
    worker = psutil.Process(read_json(paths.launch)["process"]["pid"])
    servers = worker.children(recursive=True)
    assert servers
    worker.kill()
    wait_for(lambda: not any(server.is_running() and server.status() != psutil.STATUS_ZOMBIE for server in servers))
    lost = json.loads(process.communicate(timeout=60)[0])
    kept = read_rows(paths.samples)
    assert process.returncode == 1
    assert 0 < len(kept) < 12
    assert (lost["status"], lost["step"], lost["partial"]) == ("lost", len(kept), True)
    check_rates(lost, paths)
    assert f"{BUNDLED} on llama: lost, {len(kept)}/12 answers" in charlab("show", "last").stdout

    done = charlab("resume", "last", "--detach")
    assert done.returncode == 0, done.stderr
    wait_ended(paths, "finished")
    rows = read_rows(paths.samples)
    assert rows[: len(kept)] == kept
    probes = [json.loads(line)["id"] for line in workspace.dataset("madison").probes.read_text().splitlines()]
    assert list_keys(rows) == sorted((p, i, t) for p in probes for i in range(3) for t in range(1 + (p == probes[2])))
    assert all(0 < row["tokens"] <= 17 and row["prompt_tokens"] for row in rows)
    events = [(event["kind"], event["data"].get("nature")) for event in read_rows(paths.events)]
    assert events == [("started", lost["nature"]), ("started", lost["nature"]), ("finished", None)]

    facts = json.loads(charlab("show", "last", "--json").stdout)
    assert (facts["status"], facts["step"], facts["steps"], facts["system"]) == ("finished", 12, 12, "")
    assert (facts["backend"], facts["sampling"]["seed"], facts["subject"]["base"]) == ("llama", 5, BUNDLED)
    assert facts["nature"]["template"] is True
    assert facts["nature"]["follows"]["raw"]["n"] == 20
    assert list(facts["probes"]) == probes
    check_rates(facts, paths)
    words = charlab("show", paths.id).stdout
    assert words.startswith(f"{BUNDLED} on llama: finished, 12/12 answers\n")
    assert all(name in words for name in probes)
    assert "conversations, by turn" in words
    (row,) = json.loads(charlab("runs", "--json").stdout)
    assert (row["kind"], row["status"], row["step"], row["base"], row["dataset"], row["problem"]) == (
        "probe", "finished", 12, BUNDLED, "madison", "",
    )  # fmt: skip
    assert row["break_rate"] == facts["overall"]["rate"]


def test_a_probe_run_recounts_from_its_samples_and_is_listed(
    charlab: Charlab, workspace: Workspace, held: Held
) -> None:
    held.let(100)
    done = charlab("probe", held.reference, "--samples", "2", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    paths = workspace.run(facts["id"])
    assert (facts["status"], facts["step"], facts["overall"]["breaks"], facts["backend"]) == ("finished", 8, 8, "url")
    check_rates(facts, paths)
    listed = charlab("runs").stdout.splitlines()
    assert [line.split()[:4] for line in listed[1:]] == [[paths.id, "finished", "8/8", "probe"]]
    assert charlab("log", "last").returncode == 0
    assert [event["kind"] for event in json.loads(charlab("log", "last", "--json").stdout)] == ["started", "finished"]
    assert "finished at step 8" in charlab("log", "last", "--events").stdout
    shown = charlab("show", "last").stdout
    assert "  the model as served: no chat template known; without one follows 0 of 20" in shown
    assert "  claims-ai: says that it is an AI, a program or a made thing\n" in shown


def test_a_run_is_stopped_while_it_asks_what_the_base_is(
    charlab: Charlab, start: Start, workspace: Workspace, held: Held
) -> None:
    held.holds_tasks = True
    start("probe", held.reference, "--samples", "2", "--seed", "1")
    wait_for(lambda: held.tasks)
    paths = workspace.run(workspace.run_ids()[0])
    done = charlab("stop", "last")
    assert done.returncode == 0, done.stderr
    held.let(100)
    wait_ended(paths, "stopped")
    assert (read_rows(paths.samples), held.seeds) == ([], [])
    assert held.tasks < 40
    assert [(event["kind"], event["message"]) for event in read_rows(paths.events)] == [("stopped", "asked to")]


def test_ctrl_c_leaves_it_going_stop_stops_it_and_resume_asks_the_rest(
    charlab: Charlab, start: Start, workspace: Workspace, held: Held
) -> None:
    process = start("probe", held.reference, "--samples", "3", "--seed", "1")
    held.let(5)
    paths = workspace.run(wait_for(workspace.run_ids)[0])
    wait_for(lambda: len(read_rows(paths.samples)) == 5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "left; the run goes on" in err
    assert summarise_run(paths).status == "running"

    done = charlab("stop", "last")
    assert done.returncode == 0, done.stderr
    held.let(1)
    wait_for(lambda: len(read_rows(paths.samples)) > 5)
    held.let(100)
    wait_ended(paths, "stopped")
    kept = read_rows(paths.samples)
    told = len(kept)  # the one that was let, and what was on its way with it
    assert 6 <= told < 12
    shown = json.loads(charlab("show", "last", "--json").stdout)
    assert (shown["status"], shown["step"], shown["steps"], shown["partial"]) == ("stopped", told, 12, True)
    assert shown["overall"]["breaks"] == told

    held.seeds.clear()
    done = charlab("resume", "last", "--detach")
    assert done.returncode == 0, done.stderr
    wait_ended(paths, "finished")
    rows = read_rows(paths.samples)
    assert rows[:told] == kept
    assert [row["attempt"] for row in rows[told:]] == [2] * (12 - told)
    assert sorted(held.seeds) == sorted(row["seed"] for row in rows[told:])
    assert len(set(list_keys(rows))) == 12
    steps = [(row["attempt"], row["step"]) for row in read_rows(paths.metrics)]
    assert steps == sorted(set(steps))
    assert steps[-1] == (2, 12)
    refused = charlab("resume", "last")
    assert refused.returncode == 2
    assert "there is nothing to resume" in refused.stderr
    assert f"charlab show {paths.id}" in refused.stderr


def test_a_run_that_died_behind_its_last_answer_finishes_without_asking(
    charlab: Charlab, workspace: Workspace, held: Held
) -> None:
    held.let(100)
    paths = workspace.run(json.loads(charlab("probe", held.reference, "--samples", "2", "--json").stdout)["id"])
    wait_ended(paths, "finished")
    told = paths.events.read_text().splitlines(keepends=True)
    paths.events.write_text("".join(told[:-1]))
    paths.metrics.write_text("")
    held.seeds.clear()
    assert summarise_run(paths).status == "lost"
    assert charlab("resume", "last", "--detach").returncode == 0
    wait_ended(paths, "finished")
    row = summarise_run(paths)
    assert (row.step, row.break_rate, row.partial, row.attempt) == (8, 1.0, False, 2)
    assert held.seeds == []
    assert len(read_rows(paths.samples)) == 8


WRONG = {
    "probe nobody/nothing": (
        "neither in the local Hugging Face cache nor to be reached",
        "copy the model into a folder",
    ),
    "probe bundled:nope": ("no bundled model 'nope'", "one of: bundled:smollm2-135m"),
    f"probe {BUNDLED} --format Raw": ("no format 'Raw'", "one of: chat, raw, instruction"),
    f"probe {BUNDLED} --attack flattery": ("no attack 'flattery'", "one of: stop-pretending, prefill, interview"),
    f"probe {BUNDLED} --system nowhere.txt": ("--system nowhere.txt", "name a text file, or 'none'"),
    f"probe {BUNDLED} --probes nobody": ("no dataset 'nobody'", "one of: madison"),
    "probe run:RUN": ("is of kind probe, and this is about training runs", "charlab runs"),
    "fork RUN": ("is of kind probe, and this is about training runs", "charlab runs"),
    "export RUN --to merged": ("is about no adapter of a run", "run:ID or run:ID@STEP"),
    "diff RUN OTHER": ("is of kind probe, and this is about training runs", "charlab runs"),
    "train quick --set base=run:RUN": ("is of kind probe, and this is about training runs", "charlab runs"),
}


def test_what_is_typed_wrong_is_told_with_a_way_out(charlab: Charlab, workspace: Workspace) -> None:
    request = ProbeRequest("http://127.0.0.1:9/v1#x")
    run, other = (write_probe_run(request, workspace).id for _ in range(2))
    recipe = (ROOT / "runs" / "recipes" / "madison-orpo.toml").read_text()
    (workspace.recipes / "quick.toml").write_text(recipe)
    for typed, (said, way_out) in WRONG.items():
        done = charlab(*typed.replace("RUN", run).replace("OTHER", other).split())
        assert done.returncode == 2, (typed, done.stderr)
        assert done.stdout == "", typed
        assert said in done.stderr, (typed, done.stderr)
        assert way_out in done.stderr.partition("\n  try: ")[2], (typed, done.stderr)
        assert "Traceback" not in done.stderr, typed
    assert sorted(workspace.run_ids()) == sorted([run, other])


def test_whose_probes_are_asked_is_told_where_no_option_says_so(charlab: Charlab, held: Held) -> None:
    told = "asking the probes of madison; --probes NAME asks another's\n"
    assert charlab("probe", held.reference, "--detach").stderr.startswith(told)
    assert told not in charlab("probe", held.reference, "--probes", "madison", "--detach").stderr


def test_a_file_that_is_no_text_is_no_system_prompt(charlab: Charlab, workspace: Workspace) -> None:
    (workspace.folder / "system.bin").write_bytes(b"\xff\xfe\x00")
    done = charlab("probe", BUNDLED, "--system", "system.bin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--system system.bin" in done.stderr
    assert "try: name a text file" in done.stderr
    assert workspace.run_ids() == []
