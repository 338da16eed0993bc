"""Whole runs in real processes on a small real model: finish, stop, kill, resume, fork, refuse."""

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.store.index import summarise_run
from engine.store.journal import read_json, read_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_run, read_metrics

Recipe = Callable[..., Path]
Charlab = Callable[..., Any]


def losses(paths: RunPaths) -> dict[int, float]:
    return {step: values["loss"] for step, values in read_metrics(paths).items() if "loss" in values}


def wait_for(check: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def wait_ended(paths: RunPaths) -> str:
    wait_for(lambda: summarise_run(paths).status in ("finished", "stopped", "failed", "lost"))
    return summarise_run(paths).status


def last_step(paths: RunPaths) -> int:
    rows = read_rows(paths.metrics)
    return int(rows[-1]["step"]) if rows else 0


@pytest.fixture
def train(charlab: Charlab, workspace: Workspace) -> Callable[..., RunPaths]:
    """Start a recipe detached and return its run: train(path, "--set", ...)."""

    def start(recipe: Path, *words: str) -> RunPaths:
        done = charlab("train", str(recipe), "--detach", "--json", *words)
        assert done.returncode == 0, done.stderr
        return workspace.run(json.loads(done.stdout)["id"])

    return start


def test_a_run_finishes_and_shows_what_it_measured(tiny_recipe: Recipe, charlab: Charlab, workspace: Workspace) -> None:
    recipe = tiny_recipe(heldout={"every": 3}, sentinel={"every": 3, "samples": 2, "max_tokens": 4})
    done = charlab("train", str(recipe), "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(charlab("runs", "--json").stdout)
    shown = json.loads(charlab("show", "last", "--json").stdout)
    paths = workspace.run(shown["id"])
    assert [r["id"] for r in listed] == [shown["id"]]
    assert {"id", "kind", "status", "name", "step", "steps"} <= listed[0].keys()
    assert (shown["status"], shown["kind"], shown["step"], shown["steps"], shown["partial"]) == (
        "finished",
        "train",
        6,
        6,
        False,
    )
    assert sorted(losses(paths)) == [1, 2, 3, 4, 5, 6]
    # rates are those of the samples themselves
    samples = [s for s in read_rows(paths.samples) if s["step"] == 6]
    after = shown["break_rate"]["after"]
    assert after["n"] == 20
    assert after["breaks"] == sum(s["breaks"] is not None for s in samples)
    assert after["ci"][0] <= after["rate"] <= after["ci"][1]
    assert shown["in_character_rate"]["after"]["in_character"] == sum(s["in_character"] for s in samples)
    assert all(s["level"] in range(5) and s["in_character"] == (s["level"] == 4) for s in samples)
    # held-out rows are the ones rows.jsonl sets aside, and were scored at the last step
    rows = read_rows(paths.rows)
    assert shown["dataset"]["heldout"] == sum(r["split"] == "heldout" for r in rows) == 18
    assert shown["heldout"]["step"] == 6
    assert {"loss", "margin", "margin_nats", "accuracy", "nll"} <= shown["heldout"].keys()
    assert [c["step"] for c in shown["checkpoints"]] == [2, 4, 6]
    assert shown["best"]["by"] == "heldout.loss"
    # tokens are the non-padding tokens of both halves, counted again from the rows
    assert 0 < shown["tokens"] == read_rows(paths.metrics)[-1]["values"].get("tokens", shown["tokens"])
    assert not (paths.folder / "stop").exists()


def test_sentinels_do_not_move_the_training_stream(tiny_recipe: Recipe, train: Callable[..., RunPaths]) -> None:
    without = train(tiny_recipe("plain", lora={"dropout": 0.1}))
    watched = train(tiny_recipe("watched", lora={"dropout": 0.1}, sentinel={"every": 2, "samples": 1, "max_tokens": 4}))
    assert (wait_ended(without), wait_ended(watched)) == ("finished", "finished")
    assert losses(without) == losses(watched)


def test_a_killed_worker_is_lost_and_resumes_to_the_same_losses(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab
) -> None:
    settings: dict[str, Any] = {
        "optim": {"steps": 30, "accumulate": 2},
        "checkpoint": {"every": 5, "keep": 20},
        "lora": {"dropout": 0.1},
    }
    whole = train(tiny_recipe("whole", **settings))
    assert wait_ended(whole) == "finished"
    killed = train(tiny_recipe("killed", **settings))
    wait_for(lambda: last_step(killed) >= 11)
    os.kill(read_json(killed.launch)["process"]["pid"], signal.SIGKILL)
    assert wait_ended(killed) == "lost"
    reached = last_step(killed)
    assert reached < 30
    # as if it had been killed in the middle of its newest checkpoint and of its newest row
    newest = killed.complete_checkpoints()[-1]
    newest.manifest.unlink()
    with open(killed.metrics, "ab") as file:
        file.write(b'{"attempt":1,"step":99,"val')
    done = charlab("resume", killed.id)
    assert done.returncode == 0, done.stderr
    assert summarise_run(killed).status == "finished"
    assert losses(killed) == losses(whole)
    rows = [json.loads(line) for line in killed.metrics.read_bytes().splitlines()]
    assert {r["attempt"] for r in rows} == {1, 2}
    assert min(r["step"] for r in rows if r["attempt"] == 2) == newest.step - 4
    assert newest.manifest.is_file()
    assert (killed.checkpoints / f".incomplete_{newest.step:06d}_1").is_dir()
    assert killed.log(1).is_file()
    assert killed.log(2).is_file()
    tokens = [v["tokens"] for v in read_metrics(killed).values() if "tokens" in v]
    assert tokens == [v["tokens"] for v in read_metrics(whole).values() if "tokens" in v]


def test_a_stop_leaves_a_checkpoint_at_that_step_and_resume_goes_on(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab
) -> None:
    paths = train(tiny_recipe(optim={"steps": 2000}, checkpoint={"every": 0}))
    wait_for(lambda: last_step(paths) >= 3)
    busy = charlab("resume", paths.id)
    assert busy.returncode == 3
    assert "already" in busy.stderr or "running" in busy.stderr
    assert charlab("stop", paths.id).returncode == 0
    assert wait_ended(paths) == "stopped"
    stopped_at = last_step(paths)
    assert [c.step for c in paths.complete_checkpoints()] == [stopped_at]
    assert not paths.stop.exists()
    row = summarise_run(paths)
    assert row.partial
    again = charlab("resume", paths.id, "--detach")
    assert again.returncode == 0, again.stderr
    wait_for(lambda: last_step(paths) > stopped_at)
    os.kill(read_json(paths.launch)["process"]["pid"], signal.SIGTERM)
    assert wait_ended(paths) == "stopped"
    assert read_rows(paths.events)[-1]["message"] == "SIGTERM"


def test_a_stop_does_not_wait_for_the_first_sentinels_and_a_resume_takes_them(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab
) -> None:
    long = {"every": 100, "samples": 8, "max_tokens": 60}
    paths = train(tiny_recipe(optim={"steps": 2}, sentinel=long, checkpoint={"every": 0}))
    wait_for(lambda: any(row["kind"] == "started" for row in read_rows(paths.events)))
    paths.stop.touch()
    assert wait_ended(paths) == "stopped"
    assert not any(row["kind"] == "sentinel" for row in read_rows(paths.events))
    assert not paths.complete_checkpoints()
    assert charlab("resume", paths.id, "--detach").returncode == 0
    assert wait_ended(paths) == "finished"
    counts = Counter(row["step"] for row in read_rows(paths.samples))
    assert counts[0] == counts[2] > 0
    assert summarise_run(paths).step == 2


def test_a_second_worker_is_refused_while_the_first_holds_the_run(
    tiny_recipe: Recipe, train: Callable[..., RunPaths]
) -> None:
    from engine.errors import BusyError
    from engine.launch.local import LocalLauncher

    paths = train(tiny_recipe(optim={"steps": 2000}, checkpoint={"every": 0}))
    before = paths.launch.read_bytes()
    with pytest.raises(BusyError, match="already has a worker"):
        LocalLauncher().start(paths)
    assert paths.launch.read_bytes() == before
    paths.stop.touch()
    assert wait_ended(paths) == "stopped"


def test_a_fork_goes_on_with_weights_moments_and_a_new_schedule(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab, workspace: Workspace
) -> None:
    import torch

    parent = train(tiny_recipe(optim={"steps": 6, "schedule": "linear", "warmup": 0.0}, checkpoint={"keep": 9}))
    assert wait_ended(parent) == "finished"
    done = charlab("fork", f"{parent.id}@4", "--set", "optim.steps=10", "--set", "optim.lr=4e-4", "--json")
    assert done.returncode == 0, done.stderr
    fork = workspace.run(json.loads(done.stdout)["id"])
    run = open_run(fork)
    assert run.parent is not None
    assert (run.parent.run, run.parent.step, run.start_step, run.steps) == (parent.id, 4, 4, 10)
    metrics = read_metrics(fork)
    assert sorted(losses(fork)) == [5, 6, 7, 8, 9, 10]
    # linear from 4e-4 over ten steps, at the fifth
    assert metrics[5]["lr"] == pytest.approx(4e-4 * (1 - 4 / 10))
    # the same weights meet the same batch: the first loss is the parent's fifth
    assert metrics[5]["loss"] == read_metrics(parent)[5]["loss"]
    assert metrics[5]["tokens"] == read_metrics(parent)[5]["tokens"]
    first, copied = parent.checkpoint(4), fork.checkpoint(4)
    assert read_json(copied.manifest)["parent"] == f"{parent.id}@4"
    old = torch.load(first.folder / "optimizer.pt", weights_only=True)["state"]
    new = torch.load(copied.folder / "optimizer.pt", weights_only=True)["state"]
    assert torch.equal(old[0]["exp_avg"], new[0]["exp_avg"])
    # the parent is whole and untouched
    assert summarise_run(parent).status == "finished"
    assert [c.step for c in parent.complete_checkpoints()] == [2, 4, 6]
    # a fork outlives its parent, and can be resumed
    shutil.rmtree(parent.folder)
    shutil.rmtree(fork.checkpoint(10).folder)
    (fork.events).write_text("".join(line + "\n" for line in fork.events.read_text().splitlines()[:-1]))
    wait_for(lambda: summarise_run(fork).status == "lost")
    assert charlab("resume", fork.id).returncode == 0
    assert summarise_run(fork).status == "finished"


@pytest.mark.slow
def test_forks_that_cannot_be_say_what_could(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab, workspace: Workspace
) -> None:
    paths = train(tiny_recipe())
    assert wait_ended(paths) == "finished"
    shorter = charlab("fork", paths.id)
    assert (shorter.returncode, "ends at step 6" in shorter.stderr) == (2, True)
    nowhere = charlab("fork", f"{paths.id}@3", "--set", "optim.steps=9")
    assert (nowhere.returncode, "it has: 2, 4, 6" in nowhere.stderr) == (2, True)
    rank = charlab("fork", paths.id, "--set", "optim.steps=9", "--set", "lora.rank=8")
    assert (rank.returncode, "cannot change lora" in rank.stderr) == (2, True)
    resumed = charlab("resume", paths.id)
    assert (resumed.returncode, "charlab fork" in resumed.stderr) == (2, True)
    with open(workspace.dataset("madison").pairs, "ab") as file:
        file.write(b"\n")
    charlab("data", "seal", "madison")
    changed = charlab("fork", paths.id, "--set", "optim.steps=9")
    assert (changed.returncode, "changed since run" in changed.stderr) == (2, True)
    allowed = charlab("fork", paths.id, "--set", "optim.steps=7", "--set", 'allow=["dataset-changed"]')
    assert allowed.returncode == 0, allowed.stderr


@pytest.mark.slow
def test_a_group_runs_one_after_another(tiny_recipe: Recipe, charlab: Charlab, workspace: Workspace) -> None:
    done = charlab("train", str(tiny_recipe()), "--set", "seed=1,2", "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    first, second = (workspace.run(i) for i in printed["ids"])
    assert [open_run(p).recipe.seed for p in (first, second)] == [1, 2]
    assert {open_run(p).group for p in (first, second)} == {printed["group"]}
    assert read_rows(first.events)[-1]["time"] <= read_rows(second.events)[0]["time"]
    assert losses(first) != losses(second)


def test_rows_that_changed_under_a_run_stop_its_resume(
    tiny_recipe: Recipe, train: Callable[..., RunPaths], charlab: Charlab
) -> None:
    paths = train(tiny_recipe(optim={"steps": 2000}, checkpoint={"every": 0}))
    wait_for(lambda: last_step(paths) >= 2)
    paths.stop.touch()
    assert wait_ended(paths) == "stopped"
    paths.rows.write_text(paths.rows.read_text().replace("Virginia", "Georgia"))
    done = charlab("resume", paths.id)
    assert done.returncode == 1
    assert "rows.jsonl changed since the run was resolved" in done.stdout + done.stderr
    assert summarise_run(paths).status == "failed"


def test_an_alarm_may_end_a_run_with_a_checkpoint(tiny_recipe: Recipe, train: Callable[..., RunPaths]) -> None:
    paths = train(tiny_recipe(optim={"steps": 50}, alarm={"stop": ["loss > 0 after 3"]}))
    assert wait_ended(paths) == "stopped"
    assert [c.step for c in paths.complete_checkpoints()][-1] == 4
    alarm = next(e for e in read_rows(paths.events) if e["kind"] == "alarm")
    assert (alarm["step"], alarm["data"]["name"]) == (4, "loss > 0 after 3")


def test_a_loss_that_is_not_finite_is_null_named_and_changes_no_weight(
    tiny_recipe: Recipe, train: Callable[..., RunPaths]
) -> None:
    import torch
    from safetensors.torch import load_file

    # a rate as large as this makes the second step's weights, and every later loss, overflow
    paths = train(
        tiny_recipe(
            optim={"lr": 1e30, "warmup": 0.0, "schedule": "constant", "steps": 4, "clip": 0}, checkpoint={"every": 1}
        )
    )
    assert wait_ended(paths) == "finished"
    rows = [r for r in read_rows(paths.metrics) if "loss" in r["values"]]
    assert "loss" in rows[-1]["nonfinite"]
    assert rows[-1]["values"]["loss"] is None
    assert [e["data"]["name"] for e in read_rows(paths.events) if e["kind"] == "alarm"] == ["nan"]
    third, fourth = (load_file(paths.checkpoint(s).adapter) for s in (3, 4))
    assert all(torch.equal(third[k], fourth[k]) for k in third)
