"""From a recipe to a frozen run: everything that can be found wrong is found here, before it starts."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from engine.data.read import find_dataset, hash_file, read_character, read_manifest, read_pairs, read_probes
from engine.data.split import Split, split_by_prompt, upsample
from engine.errors import DatasetError, RecipeError
from engine.models.locate import Located, locate_model
from engine.models.template import Renderer
from engine.narrate import Narrate
from engine.records.dataset import Character, Pair, Probe
from engine.records.recipe import Recipe
from engine.records.run import BaseUse, DatasetUse, Parent, Run
from engine.stats.verdict import check_rule
from engine.store.journal import read_json, write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin
from engine.train.alarms import NAMES, parse_condition
from engine.train.encode import Sorted, check_window, encode_pairs, plan_rows
from engine.train.guards import (
    check_allowances,
    check_primary,
    describe_gate,
    note_gate,
    refuse_leaks,
    refuse_sft_after_orpo,
    refuse_unpassed_gate,
)
from engine.train.presets import fill_presets, give_advice
from engine.train.rows import write_rows_file

LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "numpy")


@dataclass(frozen=True)
class Resolved:
    """A run that could start, and what the dry run shows of it. Nothing is written yet."""

    run: Run
    split: Split
    encoded: Sorted
    renderer: Renderer
    probes: list[Probe]
    character: Character | None
    config: object


class SentinelProbes(NamedTuple):
    probes: list[Probe]
    character: Character | None
    left_out: list[str]
    """Ids of probes that sentinels cannot ask: those of a format, a beginning or further turns of their own."""


def resolve_recipe(
    recipe: Recipe,
    workspace: Workspace,
    narrate: Narrate = lambda _: None,
    *,
    parent: Parent | None = None,
    reference: str | None = None,
    group: str | None = None,
) -> Resolved:
    """Check `recipe` against its dataset, base and template, and freeze it.

    A fork gives its `parent`, whose step the new run counts on from, and the `reference` that the
    parent's DPO was measured against.
    """
    from engine.models.load import count_parameters, load_config, load_tokenizer

    check_alone(recipe)
    refuse_unpassed_gate(recipe, workspace)
    check_primary(recipe, workspace)
    dataset = find_dataset(workspace, recipe.dataset)
    pairs = read_pairs(dataset)
    located = locate_model(recipe.base, workspace, narrate)
    check_past(recipe, located)
    config = load_config(located)
    check_window(recipe, getattr(config, "max_position_embeddings", None))
    parameters = count_parameters(config)
    recipe = fill_presets(recipe, parameters)
    split = split_pairs(recipe, pairs)
    refuse_leaks(recipe, split.train, workspace)
    renderer = Renderer(load_tokenizer(located), recipe.template)
    encoded = encode_pairs([*split.train, *split.heldout], renderer, recipe, str(dataset.pairs))
    kept = {p.id for p in encoded.kept}
    split = Split([p for p in split.train if p.id in kept], [p for p in split.heldout if p.id in kept])
    seen = len(upsample(split.train, recipe.upsample))
    steps = count_steps(recipe, seen)
    start = parent.step if parent else 0
    if steps <= start:
        raise RecipeError(
            f"the recipe ends at step {steps}, and step {start} is where it would go on from",
            fix=f"--set optim.steps={start * 2} or more epochs: a fork's length counts from the very beginning",
        )
    sentinels = read_sentinels(recipe, workspace)
    if recipe.objective == "dpo" and reference is None:
        reference = recipe.base
    run = Run(
        **describe_origin(recipe.name, workspace, LIBRARIES),
        kind="train",
        recipe=recipe,
        dataset=DatasetUse(
            name=recipe.dataset,
            sha256=hash_file(dataset.pairs),
            rows_sha256="",
            train=seen,
            heldout=len(split.heldout),
            lineage=read_manifest(dataset).lineage,
        ),
        base=BaseUse(
            reference=recipe.base,
            source=located.base if located.base.startswith("bundled:") else located.source,
            revision=getattr(config, "_commit_hash", None),
            parameters=parameters,
            adapter_sha256=located.trained.adapter_sha256 if located.trained else None,
            lineage=located.lineage,
        ),
        template=renderer.describe(),
        reference=reference if recipe.objective == "dpo" else None,
        parent=parent,
        group=group,
        steps=steps,
        start_step=start,
        plan=plan_rows(encoded),
        gate=describe_gate(recipe, workspace),
        advice=[*gather_advice(recipe, parameters, seen, sentinels, located), *note_gate(recipe, workspace)],
    )
    return Resolved(run, split, encoded, renderer, sentinels.probes, sentinels.character, config)


def write_run(resolved: Resolved, workspace: Workspace) -> RunPaths:
    """Lay the run's folder out; run.json comes last, so a folder without it is no run."""
    paths = workspace.run(resolved.run.id)
    paths.log(1).parent.mkdir(parents=True)
    paths.checkpoints.mkdir(exist_ok=True)
    write_rows_file(paths.rows, resolved.split, resolved.run.recipe.upsample)
    if resolved.character is not None and resolved.probes:
        write_rows(paths.probes, (p.to_json() for p in resolved.probes))
        write_json(paths.character, resolved.character.to_json())
    use = resolved.run.dataset.model_copy(update={"rows_sha256": hash_file(paths.rows)})
    write_json(paths.run, resolved.run.model_copy(update={"dataset": use}).to_json())
    return paths


def check_alone(recipe: Recipe) -> None:
    """What can be found wrong with nothing but the recipe at hand."""
    check_allowances(recipe)
    check_rule(recipe.verdict)
    for stop in recipe.alarm.stop:
        if stop not in NAMES:
            parse_condition(stop)


def check_past(recipe: Recipe, located: Located) -> None:
    """What the base's own training forbids."""
    refuse_sft_after_orpo(recipe, located.lineage)
    check_rank(recipe, located)


def split_pairs(recipe: Recipe, pairs: list[Pair]) -> Split:
    """The rows to train on and those held out; RecipeError where [upsample] or the share fits no row."""
    unknown = sorted(recipe.upsample.keys() - {p.category for p in pairs})
    if unknown:
        raise RecipeError(
            f"upsample: no row has category '{unknown[0]}'",
            fix=f"it has: {', '.join(sorted({p.category for p in pairs}))}",
        )
    split = split_by_prompt(pairs, recipe.heldout.share, recipe.seed)
    if not split.train:
        raise RecipeError("heldout.share leaves no row to train on", fix="lower it, or add rows")
    return split


def count_steps(recipe: Recipe, rows: int) -> int:
    """Optimiser steps: `steps`, or epochs x ceil(rows / (batch x accumulate)), rounded up."""
    optim = recipe.optim
    if optim.steps is not None:
        return optim.steps
    assert optim.epochs is not None, "fill_presets sets a length"
    return math.ceil(optim.epochs * math.ceil(rows / (optim.batch * optim.accumulate)))


def check_rank(recipe: Recipe, located: Located) -> None:
    """A run that goes on from an adapter has that adapter's shape."""
    if located.adapter is None:
        return
    config = read_json(located.adapter / "adapter_config.json")
    for key, name, ours in (("r", "rank", recipe.lora.rank), ("lora_alpha", "alpha", recipe.lora.alpha)):
        theirs = config.get(key)
        if theirs is not None and ours is not None and theirs != ours:
            raise RecipeError(
                f"lora.{name} is {ours}, but {recipe.base} has {theirs}", fix=f"--set lora.{name}={theirs}"
            )


def read_sentinels(recipe: Recipe, workspace: Workspace) -> SentinelProbes:
    """The recipe's plain probes and their character; none where sentinels are off or there is nothing to ask."""
    if recipe.sentinel.every == 0:
        return SentinelProbes([], None, [])
    dataset = find_dataset(workspace, recipe.sentinel.probes or recipe.dataset)
    if not dataset.probes.is_file():
        if recipe.sentinel.probes:
            raise DatasetError(f"{dataset.probes} is missing", fix="--set sentinel.every=0 trains without sentinels")
        return SentinelProbes([], None, [])
    probes = read_probes(dataset.probes)
    left_out = [p.id for p in probes if not p.is_plain()]
    return SentinelProbes([p for p in probes if p.is_plain()], read_character(dataset), left_out)


def gather_advice(recipe: Recipe, parameters: int, seen: int, sentinels: SentinelProbes, located: Located) -> list[str]:
    return [*give_advice(recipe, parameters, seen), *note_sentinels(recipe, sentinels), *note_lineage(located)]


def note_sentinels(recipe: Recipe, sentinels: SentinelProbes) -> list[str]:
    notes = []
    if left := sentinels.left_out:
        notes.append(
            f"{len(left)} probes are asked by charlab probe alone, not while training: they have a format, a beginning "
            f"or turns of their own ({', '.join(left[:3])}{', ...' if len(left) > 3 else ''})"
        )
    if recipe.sentinel.every and not sentinels.probes:
        why = "no plain probe" if left else "no probes.jsonl"
        name = recipe.sentinel.probes or recipe.dataset
        notes.append(f"no sentinels: datasets/{name} has {why}, so breaks go unseen")
    return notes


def note_lineage(located: Located) -> list[str]:
    if any(a.run is None for a in located.lineage):
        return [f"{located.reference} says nothing of how it was trained, so no guard can look at its past"]
    return []
