"""One probe run in figures: what `charlab probe` and `charlab show` print. Everything is derived from its files."""

from collections import Counter
from typing import Any

from engine.data.read import read_probes
from engine.probe.ask import strip_thinking
from engine.stats.intervals import wilson
from engine.store.index import summarise_run
from engine.store.journal import read_rows
from engine.store.paths import RunPaths
from engine.store.runs import open_probe_run


def summarise_probing(paths: RunPaths) -> dict[str, Any]:
    """The run's record and its rates, per probe and overall, each `{breaks, n, rate, ci}` and more."""
    run, row = open_probe_run(paths), summarise_run(paths)
    samples, probes = read_rows(paths.samples), read_probes(paths.probes)
    events = read_rows(paths.events)
    started, last = [e for e in events if e["kind"] == "started"], events[-1] if events else None
    by_probe: dict[str, list[dict[str, Any]]] = {p.id: [] for p in probes}
    for sample in samples:
        by_probe.setdefault(sample["probe"], []).append(sample)
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
        "error": {"message": last["message"], "fix": last["fix"]} if last and last["kind"] == "failed" else None,
        "subject": run.subject.to_json(),
        "probes_from": run.probes.to_json(),
        "samples": run.samples,
        "sampling": run.sampling.to_json(),
        "system": run.system,
        "backend": started[-1]["data"].get("device") if started else run.backend,
        "template": started[-1]["data"].get("rendered") if started else None,
        "nature": started[-1]["data"].get("nature") if started else None,
        "seconds": events[-1]["time"] - events[0]["time"] if events else 0.0,
        "tokens": sum(s["tokens"] for s in samples),
        "overall": count_rates(samples),
        "turns": count_by_turn([s for p in probes if p.turns for s in by_probe[p.id]]),
        "probes": {
            p.id: {
                "category": p.category,
                "format": p.format,
                **count_rates(by_probe[p.id]),
                **({"turns": count_by_turn(by_probe[p.id])} if p.turns else {}),
            }
            for p in probes
        },
        "versions": run.versions,
        "git": run.git.to_json() if run.git else None,
    }


def count_rates(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """`breaks, n, rate, ci` of breaks; the same of answers in character; how they break; what cannot be judged well."""
    n = len(samples)
    modes = Counter(s["breaks"] for s in samples if s["breaks"] is not None)
    return {
        **wilson(sum(modes.values()), n).to_json("breaks"),
        "in_character_rate": wilson(sum(bool(s["in_character"]) for s in samples), n).to_json("in_character"),
        "modes": dict(modes.most_common()),
        "levels": [sum(s.get("level") == level for s in samples) for level in range(5)],
        "truncated": sum(bool(s["truncated"]) for s in samples),
        "empty": sum(not strip_thinking(s["text"])[1].strip() for s in samples),
    }


def count_by_turn(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rates of each turn of the conversations, the first is 1; empty where there were none."""
    turns = sorted({s.get("turn", 0) for s in samples})
    return [{"turn": t + 1, **count_rates([s for s in samples if s.get("turn", 0) == t])} for t in turns]
