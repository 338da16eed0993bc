"""The measuring worker as a process: what it answers, what it remembers, and how it ends."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.store.journal import parse_row
from engine.store.paths import Workspace
from engine.train.estimate import Measured
from engine.train.recipe import expand_settings, read_toml
from engine.train.resolve import resolve_recipe

ROOT = Path(__file__).resolve().parents[3]
Write = Callable[..., Path]


class Worker:
    def __init__(self, cache: Path, workspace: Workspace) -> None:
        self.workspace = workspace
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.train.measure"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=workspace.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CHARLAB_CACHE": str(cache)},
        )  # fmt: skip
        self.notes: list[str] = []

    def send(self, line: str) -> dict[str, Any]:
        """Write one line; the notes that come before the reply are kept in `notes`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.notes = []
        while True:
            reply: dict[str, Any] = json.loads(self.process.stdout.readline())
            if "note" not in reply:
                return reply
            self.notes.append(reply["note"])

    def ask(self, recipe: Path, number: int = 1, **change: Any) -> dict[str, Any]:
        data = {**tomllib.loads(recipe.read_text()), **change}
        return self.send(json.dumps({"id": number, "workspace": str(self.workspace.folder), "recipe": data}))

    def measure(self, recipe: Path, **change: Any) -> Measured:
        return Measured.from_json(self.ask(recipe, **change)["measured"])

    def has_torch(self) -> bool:
        return any("torch" in m.path for m in psutil.Process(self.process.pid).memory_maps())

    def end(self) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that only the first to measure waits for torch."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def start(cache: Path, workspace: Workspace) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def do(where: Path = cache) -> Worker:
        started.append(Worker(where, workspace))
        return started[-1]

    yield do
    for worker in started:
        if worker.process.poll() is None:
            worker.end()


def test_it_finds_what_resolving_finds(start: Callable[..., Worker], tiny_recipe: Write, workspace: Workspace) -> None:
    path = tiny_recipe(load={"dtype": "fp32", "sequence": 120}, upsample={"voice": 2}, sentinel={"every": 5})
    found = start().measure(path)
    resolved = resolve_recipe(expand_settings(read_toml(path), [], str(path))[0], workspace)
    run = resolved.run
    # the worker goes by the rows of the file, resolving by training rows and then those held out
    assert sorted(found.lengths) == sorted(p.length() for p in resolved.encoded.kept)
    assert (found.train, found.seen, found.heldout) == (
        len(resolved.split.train),
        run.dataset.train,
        run.dataset.heldout,
    )
    assert sorted(found.truncated) == sorted(run.plan.truncated)
    assert found.truncated
    assert (found.model.parameters, found.model.positions) == (run.base.parameters, 2048)
    assert found.model.shape == (2, 64, 128, resolved.config.vocab_size)  # type: ignore[attr-defined]
    assert found.model.linear["model.layers.1.self_attn.q_proj"] == 128
    assert "lm_head" not in found.model.linear
    assert (found.probes, found.system) == (len(resolved.probes), run.template.system)
    assert found.advice == run.advice
    assert found.refusals == []
    assert found.first["prompt"].startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert found.first["chosen"].endswith("<|im_end|>")
    assert found.machine.flops.keys() == {"bf16", "fp32"}


def test_a_second_look_needs_no_torch(start: Callable[..., Worker], tiny_recipe: Write) -> None:
    path = tiny_recipe()
    first = start()
    before = first.measure(path)
    assert first.end() == 0
    second = start()
    assert second.measure(path) == before
    assert second.measure(path, lora={"rank": 64}).lengths == before.lengths
    assert second.notes == []
    assert not second.has_torch()


def test_other_rows_or_another_template_are_counted_anew(
    start: Callable[..., Worker], tiny_recipe: Write, write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    worker, path = start(), tiny_recipe(dataset="ada")
    write_dataset("ada", [pair(n) for n in range(20)])
    before = worker.measure(path)
    silent = worker.measure(path, template={"system": "none"})
    assert worker.notes == ["measuring tokens of 20 pairs"]
    assert silent.system is None
    assert all(a.prompt < b.prompt for a, b in zip(silent.lengths, before.lengths, strict=True))
    write_dataset("ada", [pair(n) for n in range(30)])
    assert len(worker.measure(path).lengths) == 30


def test_every_refusal_is_told_with_its_way_out_and_the_numbers_stand_beside(
    start: Callable[..., Worker], tiny_recipe: Write
) -> None:
    found = start().measure(
        tiny_recipe(),
        gate={"name": "first"},
        load={"sequence": 4096, "prompt": 40},
        lora={"targets": ["k_prog"]},
        upsample={"vioce": 2},
    )
    said = [message for message, _ in found.refusals]
    assert said[0].startswith("gate 'first' has not passed")
    assert said[1] == "load.sequence is 4096, but the model has 2048 positions"
    assert said[2].startswith("lora.targets ['k_prog'] names no layer of ")
    assert said[3] == "upsample: no row has category 'vioce'"
    assert "its prompt has" in said[4]
    assert len(said) == 5
    assert "q_proj" in found.refusals[2][1]
    assert len(found.lengths) + len(found.left_out) == 180


def test_long_prompts_are_left_out_where_that_is_allowed(start: Callable[..., Worker], tiny_recipe: Write) -> None:
    found = start().measure(tiny_recipe(), load={"prompt": 45}, allow=["long-prompt"])
    assert found.refusals == []
    assert found.left_out
    assert found.train + found.heldout == len(found.lengths) == 180 - len(found.left_out)


def test_bad_requests_are_answered_and_survived(start: Callable[..., Worker], tiny_recipe: Write) -> None:
    worker, path = start(), tiny_recipe()
    assert worker.send("no json")["id"] is None
    assert worker.send("[1, 2]")["error"].startswith("a request is an object")
    assert worker.send('{"id": 7}')["id"] == 7
    missing = worker.ask(path, 8, dataset="nobody")
    assert (missing["id"], missing["fix"]) == (8, "one of: madison")
    assert "no dataset 'nobody'" in missing["error"]
    assert "no such folder" in worker.ask(path, base="./nowhere")["error"]
    assert "unknown key 'speed'" in worker.ask(path, speed=3)["error"]
    assert "no row is left" in worker.ask(path, load={"sequence": 8}, allow=["long-prompt"])["error"]
    assert len(worker.measure(path).lengths) == 180
    assert worker.end() == 0


def test_a_torn_cache_is_counted_and_written_anew(
    start: Callable[..., Worker], tiny_recipe: Write, cache: Path, tmp_path: Path
) -> None:
    path = tiny_recipe()
    start().measure(path)
    torn = tmp_path / "cache"
    (torn / "measures").mkdir(parents=True)
    for file in (cache / "measures").glob("*.json"):
        whole = file.read_bytes()
        (torn / "measures" / file.name).write_bytes(whole if file.name.startswith("m") else whole[:50])
    assert len(start(torn).measure(path).lengths) == 180
    mended = [row for file in (torn / "measures").glob("tokens-*.json") if (row := parse_row(file.read_bytes()))]
    assert [len(row["pairs"]) for row in mended] == [180]
