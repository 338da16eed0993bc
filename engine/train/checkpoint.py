"""Checkpoints of a run: complete or absent, never overwritten, the best kept besides the newest."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.models.locate import hash_adapter
from engine.records.rows import CheckpointFile
from engine.records.run import Ancestor, Run
from engine.store.journal import read_json, write_json
from engine.store.paths import CheckpointPaths, RunPaths
from engine.store.runs import best_checkpoint, open_checkpoint


def write_checkpoint(
    run: Run, paths: RunPaths, attempt: int, step: int, tokens: int, values: dict[str, float],
    save_parts: Callable[[CheckpointPaths], None],
) -> CheckpointFile:  # fmt: skip
    """Write all parts beside, the manifest last, then rename: a killed writer leaves no half of one.

    A folder of that step without a manifest, from elsewhere or an older version, is set aside.
    """
    target = paths.checkpoint(step)
    if target.manifest.is_file():
        return open_checkpoint(target)
    beside = CheckpointPaths(paths.checkpoints / f".writing_{step:06d}_attempt_{attempt}")
    shutil.rmtree(beside.folder, ignore_errors=True)
    beside.folder.mkdir(parents=True)
    save_parts(beside)
    _name_base(beside.folder, run)
    adapter = hash_adapter(beside.folder)
    manifest = CheckpointFile(
        run=run.id,
        attempt=attempt,
        step=step,
        time=time.time(),
        tokens=tokens,
        adapter_sha256=adapter,
        reference=run.reference,
        lineage=[
            *run.base.lineage,
            Ancestor(run=run.id, objective=run.recipe.objective, step=step, adapter_sha256=adapter),
        ],
        values=values,
    )
    write_json(beside.manifest, manifest.to_json())
    if target.folder.exists():
        target.folder.rename(_free_name(paths.checkpoints / f".incomplete_{step:06d}"))
    beside.folder.rename(target.folder)
    return manifest


def drop_old(run: Run, paths: RunPaths) -> list[int]:
    """Delete all but the newest `keep` and the best; returns the steps that went.

    The checkpoint that a fork starts from counts as any other.
    """
    complete = paths.complete_checkpoints()
    best = best_checkpoint(paths, run.recipe.checkpoint.best)
    keep = {c.step for c in complete[-run.recipe.checkpoint.keep :]} | ({best.step} if best else set())
    gone = [c for c in complete if c.step not in keep]
    for checkpoint in gone:
        # the manifest goes first: a checkpoint that is being deleted is not complete
        checkpoint.manifest.unlink()
        shutil.rmtree(checkpoint.folder)
    return [c.step for c in gone]


def copy_checkpoint(source: CheckpointPaths, target: CheckpointPaths, parent: str) -> None:
    """The checkpoint that a fork starts from, as the fork's own, so that it outlives its parent."""
    manifest = open_checkpoint(source)
    for name in ("trainer_state.json", "optimizer.pt", "rng_state.pth"):
        if not (source.folder / name).is_file():
            raise StoreError(
                f"{source.folder} holds no {name}, so nothing can go on from it",
                fix="fork another checkpoint, or train with it as the recipe's base",
            )
    beside = target.folder.with_name(f".writing_{target.folder.name}")
    shutil.copytree(source.folder, beside, ignore=shutil.ignore_patterns(source.manifest.name))
    write_json(CheckpointPaths(beside).manifest, manifest.model_copy(update={"parent": parent}).to_json())
    beside.rename(target.folder)


def _name_base(folder: Path, run: Run) -> None:
    """Have the adapter name its base by reference, not by a path of this machine; drop PEFT's card."""
    config = folder / "adapter_config.json"
    data: dict[str, Any] = read_json(config)
    data["base_model_name_or_path"] = run.base.source
    write_json(config, data)
    (folder / "README.md").unlink(missing_ok=True)


def _free_name(path: Path) -> Path:
    number = 1
    while (found := path.with_name(f"{path.name}_{number}")).exists():
        number += 1
    return found
