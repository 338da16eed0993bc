"""Runs compared: settings key by key, metrics at one step and at the ends, what cannot be read named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.records.run import Run
from engine.store.differ import Comparison, Item, compare_runs
from engine.store.paths import RunPaths

Write = Callable[..., RunPaths]


@pytest.fixture
def write_run(tmp_path: Path) -> Write:
    """A run with a frozen record and rows of (attempt, step, values): write_run("1a2b", {"optim": {"lr": 1e-4}})."""

    def write(end: str, recipe: dict[str, Any] | None = None, rows: Any = (), **change: Any) -> RunPaths:
        paths = RunPaths(tmp_path / f"20260101-0900-ada-orpo-{end}")
        paths.folder.mkdir()
        head = {"name": "ada-orpo", "base": "bundled:smollm2-135m", "dataset": "ada", "objective": "orpo", "seed": 1}
        run = {
            "id": paths.id, "kind": "train", "name": "ada-orpo", "created": 1.0, "recipe": head | (recipe or {}),
            "dataset": {"name": "ada", "sha256": "a" * 64, "rows_sha256": "b" * 64, "train": 9, "heldout": 1},
            "base": {"reference": "bundled:smollm2-135m", "source": "x", "revision": None, "parameters": 135},
            "template": {"sha256": "c" * 64, "system": None}, "reference": None, "parent": None, "group": None,
            "steps": 60, "start_step": 0, "plan": {"tokens_longest": 9, "tokens_median": 5, "truncated": [],
            "left_out": {}}, "advice": [], "versions": {"torch": "2.13.0"}, "git": None, "host": "here",
        } | change  # fmt: skip
        paths.run.write_text(json.dumps(Run.model_validate(run).to_json()))
        lines = [{"attempt": a, "step": s, "time": 1.0, "values": v, "nonfinite": []} for a, s, v in rows]
        if lines:
            paths.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return paths

    return write


def differing(comparison: Comparison) -> dict[str, dict[str, tuple[Any, ...]]]:
    told = {s.name: {i.key: i.values for i in s.items if i.differs} for s in comparison.sections}
    return {name: items for name, items in told.items() if items}


def item(comparison: Comparison, section: str, key: str) -> Item:
    return next(i for s in comparison.sections if s.name == section for i in s.items if i.key == key)


def test_two_runs_of_one_recipe_differ_in_nothing(write_run: Write) -> None:
    comparison = compare_runs([write_run("1a2b"), write_run("3c4d")])
    assert differing(comparison) == {}
    assert comparison.same == comparison.settings > 60
    assert (comparison.step, comparison.problems) == (None, ())


def test_settings_are_told_apart_by_their_dotted_key_the_first_run_being_the_baseline(write_run: Write) -> None:
    first = write_run("1a2b", {"optim": {"lr": 1e-4}, "upsample": {"voice": 2}})
    second = write_run("3c4d", {"optim": {"lr": 2e-4}, "lora": {"targets": ["q_proj"]}}, host="there")
    comparison = compare_runs([first, second])
    assert [run.id[-4:] for run in comparison.runs] == ["1a2b", "3c4d"]
    assert differing(comparison) == {
        "recipe": {"optim.lr": (1e-4, 2e-4), "lora.targets": ("all-linear", ["q_proj"]), "upsample.voice": (2, None)},
        "versions": {"host": ("here", "there")},
    }
    assert comparison.settings - comparison.same == 4


def test_data_base_template_versions_parent_and_commit_are_compared(write_run: Write) -> None:
    data = {"name": "ada", "sha256": "d" * 64, "rows_sha256": "e" * 64, "train": 8, "heldout": 2}
    base = {"reference": "Qwen/Qwen3-32B", "source": "y", "revision": "f" * 40, "parameters": 32, "adapter_sha256": "1",
            "lineage": [{"run": "old", "objective": "sft", "step": 40}]}  # fmt: skip
    second = write_run(
        "3c4d", dataset=data, base=base, template={"sha256": "9" * 64, "system": "Be Ada."}, reference="z",
        parent={"run": "old", "step": 40, "adapter_sha256": "1"}, versions={"torch": "2.14.0", "vllm": "1"},
        git={"commit": "8" * 40, "dirty": True}, steps=90, start_step=40,
    )  # fmt: skip
    told = differing(compare_runs([write_run("1a2b"), second]))
    assert set(told["run"]) == {"steps", "start_step", "parent.run", "parent.step", "parent.adapter_sha256"}
    assert told["run"]["parent.run"] == (None, "old")
    assert set(told["data"]) == {"sha256", "rows_sha256", "train", "heldout"}
    assert told["base"]["lineage"] == ([], ["old@40"])
    assert told["base"]["template.system"] == (None, "Be Ada.")
    assert {"reference", "source", "revision", "adapter_sha256", "template.sha256", "reference_model"} < set(
        told["base"]
    )
    assert told["versions"] == {
        "torch": ("2.13.0", "2.14.0"), "vllm": (None, "1"), "git.commit": (None, "8" * 40), "git.dirty": (None, True),
    }  # fmt: skip


def test_metrics_are_taken_at_the_greatest_step_that_all_have_reached(write_run: Write) -> None:
    long = [(1, 0, {"break_rate": 0.6})] + [(1, s, {"loss": 5.0 - s}) for s in range(1, 5)]
    short = [(1, 0, {"break_rate": 0.5})] + [(1, s, {"loss": 4.5 - s}) for s in range(1, 3)]
    comparison = compare_runs([write_run("1a2b", rows=long), write_run("3c4d", rows=short)])
    assert comparison.step == 2
    assert [run.last_step for run in comparison.runs] == [4, 2]
    loss = item(comparison, "metrics at step 2", "loss")
    assert (loss.values, loss.steps, loss.changes) == ((3.0, 2.5), (2, 2), (0.0, -0.5))
    rate = item(comparison, "metrics at step 2", "break_rate")
    assert (rate.values, rate.steps) == ((0.6, 0.5), (0, 0))
    assert item(comparison, "at the end", "step").values == (4, 2)
    assert item(comparison, "at the end", "loss").values == (1.0, 2.5)


def test_runs_that_end_at_one_step_are_not_told_twice(write_run: Write) -> None:
    rows = [(1, 1, {"loss": 1.0})]
    comparison = compare_runs([write_run("1a2b", rows=rows), write_run("3c4d", rows=rows)])
    assert [s.name for s in comparison.sections][-1] == "metrics at step 1"


def test_a_resumed_run_is_told_by_its_later_attempt(write_run: Write) -> None:
    resumed = [(1, 1, {"loss": 3.0}), (1, 2, {"loss": 2.0}), (2, 2, {"loss": 1.5})]
    plain = [(1, 1, {"loss": 3.0}), (1, 2, {"loss": 2.0})]
    comparison = compare_runs([write_run("1a2b", rows=resumed), write_run("3c4d", rows=plain)])
    assert item(comparison, "metrics at step 2", "loss").values == (1.5, 2.0)


def test_a_metric_that_a_run_lacks_has_no_value_no_step_and_no_change(write_run: Write) -> None:
    first = write_run("1a2b", rows=[(1, 1, {"loss": 1.0, "device_mb": 9.0})])
    second = write_run("3c4d", rows=[(1, 1, {"loss": None})])
    comparison = compare_runs([first, second, write_run("5e6f")])
    device = item(comparison, "metrics at step 1", "device_mb")
    assert (device.values, device.steps, device.changes) == ((9.0, None, None), (1, None, None), (0.0, None, None))
    loss = item(comparison, "metrics at step 1", "loss")
    assert (loss.values, loss.steps) == ((1.0, None, None), (1, 1, None))
    assert comparison.runs[2].last_step is None


def test_held_out_metrics_follow_their_own_and_what_matters_most_comes_first(write_run: Write) -> None:
    names = ["rss_mb", "zeal", "heldout.loss", "margin_nats", "loss", "break_rate", "heldout.margin_nats"]
    rows = [(1, 1, dict.fromkeys(names, 1.0))]
    comparison = compare_runs([write_run("1a2b", rows=rows), write_run("3c4d", rows=rows)])
    assert [i.key for i in comparison.sections[-1].items] == [
        "loss", "heldout.loss", "margin_nats", "heldout.margin_nats", "break_rate", "rss_mb", "zeal",
    ]  # fmt: skip


def test_runs_that_cannot_be_read_are_named_and_the_others_compared(write_run: Write, tmp_path: Path) -> None:
    torn, newer, gone = write_run("1a2b"), write_run("3c4d"), RunPaths(tmp_path / "gone")
    torn.run.write_text('{"schema_version": 1, "id"')
    newer.run.write_text('{"schema_version": 99}')
    folder = write_run("9a9b")
    folder.metrics.mkdir()
    comparison = compare_runs([torn, write_run("5e6f"), newer, gone, write_run("7a8b"), folder])
    assert [run.id[-4:] for run in comparison.runs] == ["5e6f", "7a8b", "9a9b"]
    told = {problem.run[-4:]: problem.message for problem in comparison.problems}
    assert "not JSON" in told["1a2b"]
    assert "newer charlab" in told["3c4d"]
    assert "missing" in told["gone"]
    assert "directory" in told["9a9b"]


def test_of_nothing_but_unreadable_runs_there_is_nothing_to_tell(tmp_path: Path) -> None:
    comparison = compare_runs([RunPaths(tmp_path / "a"), RunPaths(tmp_path / "b")])
    assert (comparison.runs, comparison.sections, comparison.same, len(comparison.problems)) == ((), (), 0, 2)


def test_a_comparison_goes_into_json_whole(write_run: Write) -> None:
    rows = [(1, 1, {"loss": 1.0})]
    comparison = compare_runs([write_run("1a2b", rows=rows), write_run("3c4d", {"seed": 2}, rows=rows)])
    told = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert told["runs"][1] == {"id": "20260101-0900-ada-orpo-3c4d", "name": "ada-orpo", "last_step": 1}
    recipe = next(s for s in told["sections"] if s["name"] == "recipe")
    assert {"key": "seed", "values": [1, 2], "steps": [], "changes": [], "counts": []} in recipe["items"]


def test_a_rate_knows_over_how_many_answers_the_newest_attempt_took_it(write_run: Write) -> None:
    rows = [(1, 0, {"break_rate": 0.5, "loss": 1.0}), (1, 2, {"loss": 1.0})]
    first, second = write_run("1a2b", rows=rows), write_run("3c4d", rows=rows)
    told: list[dict[str, Any]] = [
        {"attempt": 1, "time": 1.0, "kind": "sentinel", "step": 0, "data": {"n": 120, "breaks": 60}},
        {"attempt": 2, "time": 2.0, "kind": "sentinel", "step": 0, "data": {"n": 10, "breaks": 5}},
        {"attempt": 2, "time": 2.0, "kind": "sentinel", "step": [], "data": None},
    ]
    first.events.write_text("".join(json.dumps(event) + "\n" for event in told))
    second.events.write_text(json.dumps({**told[0], "data": {"n": "many"}}) + "\n")
    comparison = compare_runs([first, second])
    assert item(comparison, "metrics at step 2", "break_rate").counts == (10, None)
    assert item(comparison, "metrics at step 2", "loss").counts == ()
