"""What a run would take, by arithmetic over plain numbers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.records.recipe import Recipe
from engine.store.journal import write_json, write_rows
from engine.store.paths import Workspace
from engine.train.estimate import (
    RUNTIME_MB,
    Length,
    Lengths,
    Machine,
    Measured,
    ModelSize,
    Shape,
    count_adapter,
    estimate_run,
    find_speeds,
)

ROOT = Path(__file__).resolve().parents[3]
MODEL = ModelSize(1_000_000, 512, Shape(2, 64, 128, 1000), {"layers.0.q_proj": 128, "layers.0.up_proj": 192})
MACHINE = Machine("cpu", {"bf16": 4e9, "fp32": 2e9})
LENGTHS = Lengths([Length(10, 20, 30), Length(20, 30, 10), Length(5, 5, 5)])
MB = 2**20


def make(objective: str = "orpo", **tables: Any) -> Recipe:
    data = {"name": "ada", "base": "m", "dataset": "ada", "objective": objective, "seed": 1, **tables}
    return Recipe.model_validate(data)


def take(recipe: Recipe, steps: int = 10, machine: Machine = MACHINE) -> Any:
    return estimate_run(recipe, steps, LENGTHS, MODEL, machine, {})


def test_an_adapter_is_rank_times_what_goes_in_and_out() -> None:
    assert count_adapter(MODEL.linear, make(lora={"rank": 4})) == 4 * (128 + 192)
    assert count_adapter(MODEL.linear, make(lora={"rank": 4, "targets": ["q_proj"]})) == 4 * 128


def test_memory_is_that_of_the_largest_batch() -> None:
    memory = take(make(optim={"batch": 2}, lora={"rank": 4})).memory_mb
    assert memory["weights"] == 1_000_000 * 2 / MB
    assert memory["adapter, gradients, optimiser"] == 4 * 320 * 16 / MB
    # two pairs, two halves each, all as long as the longest, 50 tokens
    assert memory["activations"] == 2 * 2 * 50 * (23 * 64 + 5 * 128) * 2 * 2 / MB
    assert memory["logits"] == (20 + 30 + 30 + 10) * 1000 * 2 * 2 / MB
    assert memory["runtime"] == RUNTIME_MB
    assert memory["total"] == pytest.approx(sum(v for k, v in memory.items() if k != "total"))
    assert "runtime" not in take(make(), machine=Machine("cuda", MACHINE.flops)).memory_mb


def test_sft_reads_the_chosen_half_alone() -> None:
    both, one = take(make(optim={"batch": 1})).memory_mb, take(make("sft", optim={"batch": 1})).memory_mb
    assert one["activations"] == both["activations"] / 2
    assert one["logits"] == both["logits"] * 30 / 40
    tokens = (30 + 50 + 10) / 3 * 4 * 10
    found = estimate_run(make("sft"), 10, LENGTHS, MODEL, MACHINE, {"bf16 none": (50.0, "an-id")})
    assert found.seconds == pytest.approx(tokens / 50)


@pytest.mark.parametrize(
    ("tables", "part", "ratio"),
    [
        ({"load": {"dtype": "fp32"}}, "weights", 2.0),
        ({"load": {"quantize": "nf4"}}, "weights", 0.275),
        ({"load": {"gradient_checkpointing": True}}, "activations", 1 / 2 + 64 / (23 * 64 + 5 * 128)),
        ({"optim": {"optimizer": "adamw8bit"}}, "adapter, gradients, optimiser", 10 / 16),
        ({"lora": {"rank": 64}}, "adapter, gradients, optimiser", 2.0),
    ],
)
def test_every_setting_moves_its_own_part(tables: dict[str, Any], part: str, ratio: float) -> None:
    assert take(make(**tables)).memory_mb[part] / take(make()).memory_mb[part] == pytest.approx(ratio)


def test_time_is_tokens_by_the_speed_of_an_earlier_run_or_a_guess() -> None:
    recipe = make(optim={"batch": 2, "accumulate": 3})
    tokens = (70 + 80 + 20) / 3 * 6 * 10
    known = estimate_run(recipe, 10, LENGTHS, MODEL, MACHINE, {"bf16 none": (50.0, "an-id")})
    assert known.seconds == pytest.approx(tokens / 50)
    assert known.basis == "run an-id here"
    guessed = take(recipe)
    assert guessed.seconds == pytest.approx(tokens / (0.3 * 4e9 / (4 * 1_000_000)))
    assert guessed.basis.startswith("a guess")


def test_disk_holds_what_is_kept_and_the_best() -> None:
    assert take(make(lora={"rank": 4}, checkpoint={"keep": 2})).disk_mb == 4 * 320 * 12 * 3 / MB


def write_run(workspace: Workspace, run_id: str, base: str, dtype: str, speeds: list[float]) -> None:
    paths = workspace.run(run_id)
    recipe = {"objective": "orpo", "base": base, "dataset": "ada", "load": {"dtype": dtype, "quantize": "none"}}
    run = {"schema_version": 1, "id": run_id, "kind": "train", "name": "ada", "created": 1.0, "recipe": recipe}
    write_json(paths.run, {**run, "steps": 9, "start_step": 0, "group": None, "host": "here"})
    rows = [{"attempt": 1, "step": n, "time": 1.0, "values": {"tokens_per_second": s}} for n, s in enumerate(speeds)]
    write_rows(paths.metrics, rows)


def test_the_newest_run_of_the_same_base_and_load_here_tells_the_speed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.datasets.mkdir()
    write_run(workspace, "20260101-0000-old-aaaa", "m", "bf16", [10.0, 10.0, 10.0])
    write_run(workspace, "20260102-0000-new-bbbb", "m", "bf16", [30.0, 20.0, 40.0])
    write_run(workspace, "20260103-0000-brief-cccc", "m", "bf16", [99.0])
    write_run(workspace, "20260104-0000-other-dddd", "n", "bf16", [99.0, 99.0, 99.0])
    write_run(workspace, "20260105-0000-full-eeee", "m", "fp32", [5.0, 5.0, 5.0])
    # what only asked the base has no recipe
    asked = workspace.run("20260106-0000-probe-ffff")
    about = {"subject": {"reference": "m"}, "probes": {"dataset": "ada"}}
    run = {"schema_version": 1, "id": asked.id, "kind": "probe", "name": "ada", "created": 1.0, "steps": 9, **about}
    asked.folder.mkdir()
    write_json(asked.run, {**run, "group": None, "host": "here"})
    assert find_speeds(workspace, "m", "here") == {
        "bf16 none": (30.0, "20260102-0000-new-bbbb"),
        "fp32 none": (5.0, "20260105-0000-full-eeee"),
    }
    assert find_speeds(workspace, "m", "elsewhere") == {}


def test_classes_of_lengths_hold_every_pair_once() -> None:
    bins = Lengths(Length(n, 1, 0) for n in range(100)).bins
    assert sum(b.pairs for b in bins) == 100
    assert (bins[0].low, bins[-1].high, len(bins)) == (1, 105, 8)
    assert Lengths([Length(3, 4, 5)]).bins == [(8, 9, 1)]
    assert Lengths([Length(1, 0, 9), Length(2, 1, 0)]).bins == [
        (3, 4, 1),
        *((n, n + 1, 0) for n in range(4, 10)),
        (10, 11, 1),
    ]


def test_what_was_measured_reads_back_from_json() -> None:
    measured = Measured(
        model=MODEL, machine=MACHINE, speeds={"bf16 none": (1.0, "x")}, lengths=LENGTHS, train=2, seen=3, heldout=1,
        truncated=["a"], left_out={"b": "too long"}, probes=4, system=None, advice=["few"], refusals=[("no", "yes")],
        first={"id": "a"},
    )  # fmt: skip
    assert Measured.from_json(json.loads(json.dumps(measured.to_json()))) == measured


def test_the_arithmetic_loads_no_torch() -> None:
    code = (
        "import engine.train.estimate, engine.train.measure, engine.train.resolve, sys; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
