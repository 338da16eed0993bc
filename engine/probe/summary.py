"""One probe run in figures: what `charlab probe` and `charlab show` print. Everything is derived from its files."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.data.read import read_probes
from engine.probe.ask import read_answers
from engine.probe.nature import Nature
from engine.records.base import Record
from engine.records.recipe import TemplateUse
from engine.records.rows import Event, Sample
from engine.stats.intervals import wilson
from engine.store.paths import RunPaths
from engine.store.runs import open_probe_run, read_records
from engine.store.state import describe_state

R = TypeVar("R", bound=Record)


def summarise_probing(paths: RunPaths) -> dict[str, Any]:
    """The run's record and its rates, per probe and overall, each `{breaks, n, rate, ci}` and more."""
    run, probes = open_probe_run(paths), read_probes(paths.probes)
    samples, skipped = read_answers(paths, probes, run.samples)
    state = describe_state(paths, run)
    events, _ = read_records(paths.events, Event)
    started: dict[str, Any] = next((e.data for e in reversed(events) if e.kind == "started"), {})
    nature, template = _read(Nature, started.get("nature")), _read(TemplateUse, started.get("rendered"))
    by_probe: dict[str, list[Sample]] = {p.id: [] for p in probes}
    for sample in samples:
        by_probe[sample.probe].append(sample)
    return {
        **state,
        "step": len(samples),
        "partial": state["partial"] and len(samples) < run.steps,
        "samples": run.samples,
        "sampling": run.sampling.to_json(),
        "system": run.system,
        "backend": str(started["device"]) if "device" in started else run.backend,
        "template": template.to_json() if template else None,
        "nature": nature.to_json() if nature else None,
        "seconds": count_seconds([(e.attempt, e.time) for e in events] + [(s.attempt, s.time) for s in samples]),
        "tokens": sum(s.tokens for s in samples),
        "skipped": skipped,
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


def read_samples(paths: RunPaths) -> list[Sample]:
    """Every row that is a sample, whichever questions the run asks."""
    return read_records(paths.samples, Sample)[0]


def count_rates(samples: Sequence[Sample]) -> dict[str, Any]:
    """`breaks, n, rate, ci` of breaks; the same of answers in character; how they break; what cannot be judged well."""
    n = len(samples)
    modes = Counter(s.breaks for s in samples if s.breaks is not None)
    return {
        **wilson(sum(modes.values()), n).to_json("breaks"),
        "in_character_rate": wilson(sum(s.in_character for s in samples), n).to_json("in_character"),
        "modes": dict(modes.most_common()),
        "levels": [sum(s.level == level for s in samples) for level in range(5)],
        "truncated": sum(s.truncated for s in samples),
        "empty": sum(not s.text[s.judged_from :].strip() for s in samples),
    }


def count_by_turn(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """The rates of each turn of the conversations, the first is 1; empty where there were none."""
    turns = sorted({s.turn for s in samples})
    return [{"turn": t + 1, **count_rates([s for s in samples if s.turn == t])} for t in turns]


def count_seconds(rows: Iterable[tuple[int, float]]) -> float:
    """Of rows' attempts and times, from the first to the last of each attempt; the time between is nobody's."""
    times: dict[int, list[float]] = {}
    for attempt, time in rows:
        if math.isfinite(time):
            times.setdefault(attempt, []).append(time)
    return sum((max(each) - min(each) for each in times.values()), start=0.0)


def _read(record: type[R], data: object) -> R | None:
    try:
        return record.model_validate(data)
    except ValidationError:
        return None
