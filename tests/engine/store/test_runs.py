"""Opening one run: its record, its checkpoints, its metrics by step."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StoreError
from engine.records.recipe import Recipe, TemplateUse
from engine.records.rows import CheckpointFile
from engine.records.run import BaseUse, DatasetUse, Plan, Run
from engine.store.paths import RunPaths
from engine.store.runs import (
    best_checkpoint,
    latest_checkpoint,
    merge_metrics,
    open_checkpoint,
    open_run,
    read_metrics,
    read_moment,
)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    folder = tmp_path / "20260101-0900-ada-orpo-1a2b"
    folder.mkdir()
    return RunPaths(folder)


@pytest.fixture
def write_checkpoint(paths: RunPaths) -> Callable[..., None]:
    """A checkpoint of `step` with the given measures; none means that its manifest was never written."""

    def write(step: int, values: dict[str, float] | None) -> None:
        checkpoint = paths.checkpoint(step)
        checkpoint.folder.mkdir(parents=True)
        checkpoint.adapter.write_bytes(b"weights")
        if values is not None:
            file = CheckpointFile(
                run=paths.id, attempt=1, step=step, time=0.0, tokens=10, adapter_sha256="ab",
                reference=None, lineage=[], values=values,
            )  # fmt: skip
            checkpoint.manifest.write_text(json.dumps(file.to_json()))

    return write


def make_run(run_id: str) -> Run:
    recipe = Recipe(name="ada-orpo", base="bundled:smollm2-135m", dataset="ada", objective="orpo", seed=1)
    return Run(
        id=run_id, kind="train", name="ada-orpo", created=1.0, recipe=recipe,
        dataset=DatasetUse(name="ada", sha256="ab", rows_sha256="cd", train=9, heldout=1),
        base=BaseUse(reference=recipe.base, source=recipe.base, revision=None, parameters=135_000_000),
        template=TemplateUse(sha256="ef", system=None), reference=None, parent=None, group=None, steps=60,
        start_step=0, plan=Plan(tokens_longest=9, tokens_median=5, truncated=[], left_out={}), advice=[],
        versions={}, git=None, host="here",
    )  # fmt: skip


def row(step: int, attempt: int, time: float = 0.0, **values: float) -> dict[str, Any]:
    return {"step": step, "attempt": attempt, "time": time, "values": values}


def test_a_run_reads_back_as_it_was_written(paths: RunPaths) -> None:
    run = make_run(paths.id)
    paths.run.write_text(json.dumps(run.to_json()))
    assert open_run(paths) == run


def test_a_run_of_a_newer_charlab_is_refused_before_its_unknown_keys_are(paths: RunPaths) -> None:
    paths.run.write_text(json.dumps({**make_run(paths.id).to_json(), "schema_version": 2, "novelty": 1}))
    with pytest.raises(StoreError, match=r"written by a newer charlab \(schema 2, this one reads 1\)"):
        open_run(paths)


def test_a_run_with_an_unknown_key_is_refused_by_file_and_key(paths: RunPaths) -> None:
    paths.run.write_text(json.dumps({**make_run(paths.id).to_json(), "novelty": 1}))
    with pytest.raises(StoreError, match="unknown key 'novelty'") as refused:
        open_run(paths)
    assert str(paths.run) in refused.value.message


def test_a_folder_without_a_run_json_is_refused(paths: RunPaths) -> None:
    with pytest.raises(StoreError, match=r"run\.json is missing"):
        open_run(paths)


def test_the_latest_checkpoint_is_the_last_whose_manifest_was_written(
    paths: RunPaths, write_checkpoint: Callable[..., None]
) -> None:
    assert latest_checkpoint(paths) is None
    write_checkpoint(20, {})
    write_checkpoint(40, {})
    write_checkpoint(60, None)
    found = latest_checkpoint(paths)
    assert found is not None
    assert found.step == 40
    assert open_checkpoint(found).step == 40


@pytest.mark.parametrize(
    ("measure", "metric", "best"),
    [
        ("heldout.loss", "heldout.loss", 40),
        ("heldout.margin", "heldout.margin_nats", 60),
        ("break_rate", "break_rate", 40),
    ],
)
def test_the_best_checkpoint_has_the_least_loss_and_breaks_and_the_largest_margin(
    paths: RunPaths, write_checkpoint: Callable[..., None], measure: str, metric: str, best: int
) -> None:
    for step, value in ((20, 0.3), (40, -0.1), (60, 0.8), (80, 0.2)):
        write_checkpoint(step, {metric: value, "other": 100.0 - step})
    found = best_checkpoint(paths, measure)
    assert found is not None
    assert found.step == best


@pytest.mark.parametrize("measure", ["heldout.loss", "heldout.margin", "break_rate"])
def test_of_equal_checkpoints_the_earlier_is_best(
    paths: RunPaths, write_checkpoint: Callable[..., None], measure: str
) -> None:
    metric = {"heldout.margin": "heldout.margin_nats"}.get(measure, measure)
    for step in (60, 20, 40):
        write_checkpoint(step, {metric: 0.5})
    found = best_checkpoint(paths, measure)
    assert found is not None
    assert found.step == 20


def test_checkpoints_without_manifest_or_measure_are_never_best(
    paths: RunPaths, write_checkpoint: Callable[..., None]
) -> None:
    write_checkpoint(20, None)
    write_checkpoint(40, {"heldout.loss": 1.0})
    assert best_checkpoint(paths, "break_rate") is None
    write_checkpoint(60, {"break_rate": 0.0})
    write_checkpoint(80, {"break_rate": 0.5})
    found = best_checkpoint(paths, "break_rate")
    assert found is not None
    assert found.step == 60


def test_where_attempts_overlap_the_highest_attempt_wins() -> None:
    merged = merge_metrics(
        [
            row(1, 1, loss=4.0),
            row(2, 1, loss=3.0, grad_norm=9.0),
            row(3, 1, loss=2.0),
            row(2, 2, 5.0, loss=3.5),
        ]
    )
    assert merged == {1: {"loss": 4.0, "time": 0.0}, 2: {"loss": 3.5, "time": 5.0}, 3: {"loss": 2.0, "time": 0.0}}


def test_a_late_row_of_an_older_attempt_changes_nothing() -> None:
    merged = merge_metrics([row(2, 2, 5.0, loss=3.5), row(2, 1, 9.0, loss=1.0, margin=1.0)])
    assert merged == {2: {"loss": 3.5, "time": 5.0}}


def test_rows_of_one_step_and_attempt_add_up_and_steps_ascend() -> None:
    merged = merge_metrics([row(20, 1, 1.0, loss=3.0), row(20, 1, 2.0, break_rate=0.1), row(3, 1, loss=4.0)])
    assert list(merged) == [3, 20]
    assert merged[20] == {"loss": 3.0, "break_rate": 0.1, "time": 2.0}


def test_a_run_without_metrics_has_none(paths: RunPaths) -> None:
    assert read_metrics(paths) == {}
    paths.metrics.write_text(json.dumps(row(1, 1, loss=4.0)) + "\n")
    assert read_metrics(paths) == {1: {"loss": 4.0, "time": 0.0}}


def test_the_samples_of_a_moment_are_those_of_its_highest_attempt() -> None:
    taken = ((20, 1, "a"), (20, 2, "b"), (20, 2, "c"), (40, 1, "d"))
    samples = [{"step": step, "attempt": attempt, "text": text} for step, attempt, text in taken]
    assert [s["text"] for s in read_moment(samples, 20)] == ["b", "c"]
    assert [s["text"] for s in read_moment(samples, 40)] == ["d"]
    assert read_moment(samples, 60) == []
