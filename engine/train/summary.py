"""One training run in figures: what `charlab show` prints and the closing summary is made of.

Everything is derived from the run's files; nothing here is stored.
"""

from typing import Any

from engine.probe.rates import Rates, measure_rates, rates_by_probe
from engine.records.run import Run
from engine.store.index import summarise_run
from engine.store.journal import read_rows
from engine.store.paths import RunPaths
from engine.store.runs import best_checkpoint, open_checkpoint, open_run, read_metrics, read_moment


def summarise(paths: RunPaths) -> dict[str, Any]:
    """The run's record and state as one JSON object; keys are those of the contracts."""
    run, row = open_run(paths), summarise_run(paths)
    metrics = read_metrics(paths)
    trained = [v for v in metrics.values() if "seconds_per_step" in v]
    seconds = sum(v["seconds_per_step"] for v in trained)
    first_tokens = (
        trained[0]["tokens"] - trained[0]["tokens_per_second"] * trained[0]["seconds_per_step"] if trained else 0
    )
    tokens = trained[-1]["tokens"] if trained else 0
    best = best_checkpoint(paths, run.recipe.checkpoint.best)
    events = read_rows(paths.events)
    last = events[-1] if events else None
    return {
        "id": run.id,
        "kind": run.kind,
        "status": row.status,
        "name": run.name,
        "step": row.step,
        "steps": run.steps,
        "partial": row.partial,
        "path": str(paths.folder),
        "created": run.created,
        "host": row.host,
        "attempt": row.attempt,
        "group": run.group,
        "error": {"message": last["message"], "fix": last["fix"]} if last and last["kind"] == "failed" else None,
        "parent": run.parent.to_json() if run.parent else None,
        "objective": run.recipe.objective,
        "seed": run.recipe.seed,
        "recipe": run.recipe.to_json(),
        "base": run.base.to_json(),
        "reference": run.reference,
        "template": run.template.to_json(),
        "dataset": run.dataset.to_json(),
        "plan": run.plan.to_json(),
        "advice": run.advice,
        "versions": run.versions,
        "git": run.git.to_json() if run.git else None,
        "tokens": int(tokens),
        "tokens_per_second": (tokens - first_tokens) / seconds if seconds else None,
        "seconds": seconds,
        "last": {k: v for k, v in trained[-1].items() if not k.startswith("heldout.")} if trained else {},
        "heldout": last_heldout(metrics),
        **summarise_moments(paths, run),
        "checkpoints": [
            {"step": c.step, "best": best is not None and c.step == best.step, **open_checkpoint(c).values}
            for c in paths.complete_checkpoints()
        ],
        "best": {"step": best.step, "by": run.recipe.checkpoint.best} if best else None,
        "alarms": [{"step": e["step"], "message": e["message"], **e["data"]} for e in events if e["kind"] == "alarm"],
    }


def last_heldout(metrics: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    scored = [step for step, values in metrics.items() if any(k.startswith("heldout.") for k in values)]
    if not scored:
        return None
    values = metrics[scored[-1]]
    return {
        "step": scored[-1],
        **{k.removeprefix("heldout."): v for k, v in values.items() if k.startswith("heldout.")},
    }


def read_before_after(paths: RunPaths, run: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The samples of the first moment and of the newest later one; empty where there was none."""
    samples = read_rows(paths.samples)
    steps = sorted({s["step"] for s in samples})
    before = read_moment(samples, run.start_step)
    after = read_moment(samples, steps[-1]) if steps and steps[-1] > run.start_step else []
    return before, after


def summarise_moments(paths: RunPaths, run: Run) -> dict[str, Any]:
    before, after = read_before_after(paths, run)
    rates = {"before": measure_rates(before), "after": measure_rates(after)}
    probes: dict[str, dict[str, Any]] = {}
    for when, samples in (("before", before), ("after", after)):
        for probe, found in rates_by_probe(samples).items():
            probes.setdefault(probe, {})[when] = _rates_json(found)
    return {
        "break_rate": {when: r.breaks.to_json("breaks") if r.breaks.n else None for when, r in rates.items()},
        "in_character_rate": {
            when: r.in_character.to_json("in_character") if r.breaks.n else None for when, r in rates.items()
        },
        "distinct": {when: r.distinct for when, r in rates.items()},
        "probes": probes,
    }


def _rates_json(rates: Rates) -> dict[str, Any]:
    return {
        "break_rate": rates.breaks.to_json("breaks"),
        "in_character_rate": rates.in_character.to_json("in_character"),
    }
