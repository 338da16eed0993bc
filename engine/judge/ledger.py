"""What runs cost: derived from each run's own journals, so that nothing is booked twice or lost."""

import os
from typing import Any, NamedTuple

from engine.judge.aggregate import add_usage, add_usd
from engine.models.reference import find_training
from engine.records.judging import Score
from engine.records.rows import Event, Sample
from engine.store.index import list_runs
from engine.store.journal import read_time
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import read_metrics, read_records

HOURLY = "CHARLAB_USD_PER_HOUR"
"""What an hour of this machine costs; without it local work has a time and no price."""


class Cost(NamedTuple):
    run: str
    kind: str
    name: str
    created: float
    """Unix seconds."""
    train_seconds: float
    train_tokens: int
    generate_seconds: float
    generate_tokens: int
    judgements: int
    failed: int
    """Judgements that came to no score; they are paid for too."""
    judge_tokens: int
    judge_usd: float | None
    """None where a judgement has no known price; 0 where nothing was judged."""
    machine_usd: float | None
    """Of training and generating, by the hour; None where no hourly price is set."""
    about: str | None = None
    """The training whose adapter it asked or judged, at any step and in any form."""

    @property
    def usd(self) -> float | None:
        known = [usd for usd in (self.judge_usd, self.machine_usd) if usd is not None]
        return sum(known) if known else None


class Known(NamedTuple):
    stamp: tuple[float | None, ...]
    """The hourly price, and when each file was written."""
    cost: Cost


def read_ledger(workspace: Workspace, known: dict[str, Known] | None = None) -> list[Cost]:
    """Of every run that can be read, oldest first; what `known` holds is read again only where its files changed."""
    costs, hourly = [], read_hourly()
    known = {} if known is None else known
    for row in list_runs(workspace):
        if row.problem:
            continue
        paths = workspace.run(row.id)
        stamp = (hourly, *(read_time(path) for path in (paths.metrics, paths.samples, paths.scores, paths.events)))
        if row.id not in known or known[row.id].stamp != stamp:
            cost = read_cost(paths, row.kind, row.name, row.created)
            known[row.id] = Known(stamp, cost._replace(about=find_training(row.base)))
        costs.append(known[row.id].cost)
    return costs


def read_cost(paths: RunPaths, kind: str, name: str, created: float) -> Cost:
    train_seconds, train_tokens = _count_training(paths) if kind == "train" else (0.0, 0)
    samples = read_records(paths.samples, Sample)[0]
    generate_seconds = 0.0 if kind in ("train", "score") else _count_generating(paths, samples)
    scores = read_records(paths.scores, Score)[0]
    used = add_usage(scores)
    hourly = read_hourly()
    return Cost(
        run=paths.id, kind=kind, name=name, created=created, train_seconds=train_seconds, train_tokens=train_tokens,
        generate_seconds=generate_seconds, generate_tokens=sum(s.tokens for s in samples), judgements=len(scores),
        failed=sum(s.state != "scored" for s in scores),
        judge_tokens=used.input_tokens + used.output_tokens + used.cache_read + used.cache_write_5m + used.cache_write_1h,
        judge_usd=add_usd(scores),
        machine_usd=None if hourly is None else hourly * (train_seconds + generate_seconds) / 3600,
    )  # fmt: skip


def read_hourly() -> float | None:
    try:
        hourly = float(os.environ.get(HOURLY, ""))
    except ValueError:
        return None
    return hourly if 0 <= hourly < 1e6 else None


def _count_training(paths: RunPaths) -> tuple[float, int]:
    """Seconds of steps, and tokens."""
    trained = [v for v in read_metrics(paths).values() if isinstance(v.get("seconds_per_step"), int | float)]
    tokens: Any = trained[-1].get("tokens") if trained else None
    return sum(v["seconds_per_step"] for v in trained), int(tokens) if isinstance(tokens, int | float) else 0


def _count_generating(paths: RunPaths, samples: list[Sample]) -> float:
    """From the start of each attempt to its last answer."""
    began = {e.attempt: e.time for e in read_records(paths.events, Event)[0] if e.kind == "started"}
    ended: dict[int, float] = {}
    for sample in samples:
        ended[sample.attempt] = max(sample.time, ended.get(sample.attempt, sample.time))
    return sum(max(0.0, last - began.get(attempt, last)) for attempt, last in ended.items())
