"""Going on from a checkpoint as a new run: weights, optimiser state and random streams, a new schedule.

The step counts on from the checkpoint's, and the recipe's length counts from the very beginning, so
`--set optim.epochs=8` on a run of three epochs trains five more.
"""

from typing import NamedTuple

from engine.errors import RecipeError, StoreError
from engine.models.locate import find_checkpoint
from engine.models.reference import parse_reference
from engine.narrate import Narrate
from engine.records.recipe import Recipe
from engine.records.run import Parent, Run
from engine.store.paths import CheckpointPaths, RunPaths, Workspace
from engine.store.runs import open_checkpoint, open_run
from engine.train.checkpoint import copy_checkpoint
from engine.train.recipe import expand_settings
from engine.train.resolve import Resolved, resolve_recipe, write_run

FIXED = ("base", "objective", "lora", "load.quantize", "optim.optimizer")
"""What the optimiser's state and the adapter's shape were made for."""


class Fork(NamedTuple):
    resolved: Resolved
    checkpoint: CheckpointPaths


def resolve_forks(target: str, settings: list[str], workspace: Workspace, narrate: Narrate) -> list[Fork]:
    """The runs that `target` (RUN, RUN@STEP or RUN@best) forks into: one per combination of settings."""
    checkpoint = find_checkpoint(parse_reference(f"run:{target}"), workspace)
    manifest = open_checkpoint(checkpoint)
    source = open_run(workspace.run(manifest.run))
    forks = []
    for recipe in expand_settings(
        source.recipe.model_dump(mode="json", exclude_none=True), settings, f"fork of {target}"
    ):
        refuse_changes(source, recipe)
        parent = Parent(run=manifest.run, step=manifest.step, adapter_sha256=manifest.adapter_sha256)
        resolved = resolve_recipe(recipe, workspace, narrate, parent=parent, reference=source.reference)
        if resolved.run.dataset.sha256 != source.dataset.sha256 and "dataset-changed" not in recipe.allow:
            raise StoreError(
                f"datasets/{recipe.dataset} changed since run {source.id} was resolved "
                f"(sha256 {resolved.run.dataset.sha256[:12]}, then {source.dataset.sha256[:12]}), "
                "so held-out prompts may have been trained on",
                fix=f'--set allow=["dataset-changed"] goes on with the new rows; the old ones lie in {workspace.run(source.id).rows}',
            )
        forks.append(Fork(resolved, checkpoint))
    return forks


def write_fork(fork: Fork, workspace: Workspace) -> RunPaths:
    run = fork.resolved.run
    assert run.parent is not None
    paths = workspace.run(run.id)
    paths.checkpoints.mkdir(parents=True)
    copy_checkpoint(fork.checkpoint, paths.checkpoint(run.parent.step), f"{run.parent.run}@{run.parent.step}")
    return write_run(fork.resolved, workspace)


def refuse_changes(source: Run, recipe: Recipe) -> None:
    """RecipeError where a setting does not fit the weights or the optimiser's state that a fork takes over."""
    before, after = source.recipe.model_dump(), recipe.model_dump()
    for key in FIXED:
        table, _, name = key.partition(".")
        was, now = (before[table][name], after[table][name]) if name else (before[table], after[table])
        if was != now:
            raise RecipeError(
                f"a fork cannot change {key} (from {was!r} to {now!r})",
                fix=f'a recipe with base = "run:{source.id}" starts a new optimiser on these weights',
            )
