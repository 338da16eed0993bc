"""`charlab train --dry-run`: everything a run would be, and nothing started."""

from typing import Any

from console.text import narrate, print_json, say
from engine.records.recipe import Recipe
from engine.store.differ import flatten
from engine.store.paths import Workspace
from engine.train.encode import EncodedPair
from engine.train.estimate import Estimate, Lengths, estimate_run, find_speeds, name_load
from engine.train.resolve import Resolved, resolve_recipe
from panels.text import align, plain


def show_dry_run(recipe: Recipe, workspace: Workspace, *, json: bool) -> None:
    from engine.train.measure import measure_machine, measure_model

    resolved = resolve_recipe(recipe, workspace, narrate)
    run, load = resolved.run, resolved.run.recipe.load
    speeds = find_speeds(workspace, run.recipe.base, run.host)
    machine = measure_machine([] if name_load(load.dtype, load.quantize) in speeds else [load.dtype])
    lengths = Lengths(p.length() for p in resolved.encoded.kept)
    model = measure_model(resolved.config)
    estimate = estimate_run(run.recipe, run.steps - run.start_step, lengths, model, machine, speeds)
    if json:
        print_json(to_json(resolved, estimate))
        return
    for line in describe(resolved, estimate):
        say(line)
    narrate("nothing was started")


def to_json(resolved: Resolved, estimate: Estimate) -> dict[str, Any]:
    first = resolved.encoded.kept[0]
    return {
        "run": resolved.run.to_json(),
        "tokens": histogram(resolved.encoded.kept),
        "estimate": estimate._asdict(),
        "first_pair": {
            "id": first.id,
            **{name: {"text": resolved.renderer.tokenizer.decode(ids), "ids": ids} for name, ids in parts(first)},
        },
    }


def describe(resolved: Resolved, estimate: Estimate) -> list[str]:
    run = resolved.run
    lines = [f"{run.name}: {run.recipe.objective} of {run.base.reference} on {run.dataset.name}", ""]
    lines += ["  " + line for line in align([[k, _show(v)] for k, v in flatten(run.recipe.to_json()).items()])]
    lines += [
        "",
        f"rows      {len(resolved.split.train)} to train on ({run.dataset.train} an epoch), {run.dataset.heldout} held out by prompt",
        f"steps     {run.steps}" + (f", from {run.start_step}" if run.start_step else ""),
        f"base      {run.base.parameters:,} parameters, revision {run.base.revision or 'of the files themselves'}",
        f"system    {plain(run.template.system) if run.template.system is not None else 'none'}",
        f"sentinels {len(resolved.probes)} probes, {run.recipe.sentinel.samples} answers each at the first and last step",
        "",
        "tokens of a pair's longer half",
        *histogram_lines(resolved.encoded.kept),
    ]
    lines += (
        [f"  truncated: {', '.join(run.plan.truncated[:8])} ({len(run.plan.truncated)} in all)"]
        if run.plan.truncated
        else ["  none truncated"]
    )
    lines += [f"  left out: {plain(i)}: {why}" for i, why in run.plan.left_out.items()] or ["  none left out"]
    memory = ", ".join(f"{name} {size:,.0f}" for name, size in estimate.memory_mb.items() if name != "total")
    lines += [
        "",
        f"memory    about {estimate.memory_mb['total']:,.0f} MB ({memory})",
        f"disk      about {estimate.disk_mb:,.0f} MB of checkpoints",
        f"time      about {estimate.seconds / 60:.1f} min of training, by {estimate.basis}; sentinels come on top",
        "",
        *(f"advice: {plain(a)}" for a in run.advice),
        "",
        f"the first pair as it is rendered, {resolved.encoded.kept[0].id}",
    ]
    for name, ids in parts(resolved.encoded.kept[0]):
        lines += [f"  {name}  {resolved.renderer.tokenizer.decode(ids)!r}", f"    ids {' '.join(map(str, ids))}"]
    return lines


def parts(pair: EncodedPair) -> list[tuple[str, list[int]]]:
    return [("prompt", pair.prompt), ("chosen", pair.chosen), ("rejected", pair.rejected)]


def histogram(kept: list[EncodedPair]) -> list[dict[str, int]]:
    return [b._asdict() for b in Lengths(p.length() for p in kept).bins]


def histogram_lines(kept: list[EncodedPair]) -> list[str]:
    found = histogram(kept)
    most = max(b["pairs"] for b in found)
    return [f"  {b['low']:5}-{b['high'] - 1:<5} {b['pairs']:5}  {'█' * round(30 * b['pairs'] / most)}" for b in found]


def _show(value: Any) -> str:
    return "-" if value in (None, []) else plain(str(value), 80)
