"""Statistics beside scipy in this process, and a judge behind a loopback server that behaves like Anthropic's API."""

import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from engine.data.read import find_dataset
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.prices import READ, WRITE_5M
from engine.judge.rubric import read_brief
from engine.judge.scoring import score_items
from engine.records.dataset import Message
from engine.records.judging import Score, Usage
from engine.store.journal import Journal
from engine.store.paths import Workspace
from kit import ROOT, Row

LATENCY, IN_FLIGHT, JUDGED = 0.2, 32, 1000
FAIL_EVERY = 50
"""Every so many-th request is told that the API is overloaded, so that retries are in the figure."""
KEY = "sk-ant-loopback"
SCIPYS_BEST_BATCH = 30
"""Of 10, 30, 100, 1,000 and all at once, on the machine of docs/LOG.md."""


def measure() -> tuple[list[Row], list[str]]:
    rows = measure_statistics()
    more, notes = measure_judging()
    return [*rows, *more], notes


# ---------------------------------------------------------------- statistics


def measure_statistics() -> list[Row]:
    import numpy as np
    import scipy.stats

    from engine.stats.compare import compare_scores
    from engine.stats.paired import bootstrap_mean, seed_generator, take_differences
    from engine.stats.scores import number_rows

    rng = random.Random(11)
    rows = [
        [{"id": str(i), "score": round(rng.gauss(6 + side / 4, 1.5), 2), "stratum": f"s{i % 6}"} for i in range(52)]
        for side in (0, 1)
    ]
    scipy.stats.bootstrap((np.arange(5.0),), np.mean, n_resamples=10)  # loaded before the clock runs
    full = time_median(lambda: compare_scores(number_rows("a", rows[0]), number_rows("b", rows[1])), 15)

    many = np.random.default_rng(3)
    before, after = many.normal(6, 1.5, 10_000), many.normal(6.1, 1.5, 10_000)
    real = take_differences(before.tolist(), after.tolist())
    ours = time_median(lambda: bootstrap_mean(real, seed_generator(0), 10_000), 5)
    theirs, at_best = (
        time_median(lambda b=b: resample_by_scipy(after - before, b), 5) for b in (None, SCIPYS_BEST_BATCH)
    )
    passes = many.integers(0, 2, (2, 10_000)).astype(float)
    ties = take_differences(passes[0].tolist(), passes[1].tolist())
    binary = time_median(lambda: bootstrap_mean(ties, seed_generator(0), 10_000), 9)
    return [
        Row("full compare, 52 items and 6 strata, B=10,000", 25, 10, 1000 * full, "ms", f"{1000 * full:.1f} ms"),
        Row(
            "paired bootstrap, n=10,000 real-valued, against scipy", 1, 0.7, ours / theirs, "x",
            f"{ours / theirs:.2f}x ({1000 * ours:.0f} and {1000 * theirs:.0f} ms; {ours / at_best:.2f}x at its best batch)",
        ),
        Row("the same for wins, losses and ties", 20, 2, 1000 * binary, "ms", f"{1000 * binary:.1f} ms"),
    ]  # fmt: skip


def resample_by_scipy(differences: Any, batch: int | None) -> object:
    """The peer with a generator of its own, as its documentation asks for: without one it is far slower."""
    import numpy as np
    import scipy.stats

    rng = np.random.default_rng(0)
    return scipy.stats.bootstrap((differences,), np.mean, n_resamples=10_000, method="percentile", batch=batch, rng=rng)


def time_median(act: Callable[[], object], times: int) -> float:
    """Seconds of the middle one, after one that is not counted."""
    act()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return median(found)


# ---------------------------------------------------------------- judging


def measure_judging() -> tuple[list[Row], list[str]]:
    rows, notes = [], []
    least = math.ceil(JUDGED / IN_FLIGHT) * LATENCY
    found = {}
    for every in (0, FAIL_EVERY):
        with serve_api(LATENCY, every) as url:
            found[every] = judge(url, JUDGED)
    seconds, (scores, slower) = found[0].seconds, found[FAIL_EVERY]
    rows.append(
        Row(
            f"judging {JUDGED:,} answers, {IN_FLIGHT} in flight, {1000 * LATENCY:.0f} ms each", 1.08, 1.05,
            seconds / least, "x", f"{seconds / least:.3f}x ({seconds:.2f} of {least:.1f} s)",
        )
    )  # fmt: skip
    notes.append(
        f"judging: {slower / least:.3f}x where every {FAIL_EVERY}th request is told that the API is overloaded "
        f"and asked again; {sum(s.state == 'scored' for s in scores)} of {JUDGED} scored"
    )
    for count, must, aim in ((36, 0.16, 0.135), (100, 0.13, 0.115)):
        with serve_api(0.01) as url:
            usage = add_up(judge(url, count).scores)
        prefix = max(usage.cache_write_5m, 1)
        paid = (WRITE_5M * usage.cache_write_5m + 2 * usage.cache_write_1h + READ * usage.cache_read) / (count * prefix)
        rows.append(Row(f"paid for the rubric with caching, {count} prompts", must, aim, paid, "x", f"{paid:.4f}x"))
    return rows, notes


class Judged(NamedTuple):
    scores: list[Score]
    seconds: float
    """From the first call to the last score kept; the client's libraries were loaded before."""


def judge(url: str, count: int) -> Judged:
    """By the real judge, every score kept in a journal as a run keeps it."""
    brief = read_brief(find_dataset(Workspace(ROOT), "madison"))
    items = [
        Item(f"p{i} 0 0", [Message(role="user", content=f"Question {i}?")], f"I hold, Sir, that {i} is just.")
        for i in range(count)
    ]
    judge = ClaudeJudge(brief, "claude-sonnet-5-5", key=KEY, url=url, in_flight=IN_FLIGHT)
    scores: list[Score] = []
    with tempfile.TemporaryDirectory(prefix="charlab-bench-") as folder:
        journal = Journal(Path(folder) / "scores.jsonl")

        def take(score: Score) -> None:
            journal.append(score.to_json())
            scores.append(score)

        began = time.perf_counter()
        score_items(items, judge, take, in_flight=IN_FLIGHT)
        seconds = time.perf_counter() - began
        journal.close()
    judge.close()
    return Judged(scores, seconds)


def add_up(scores: list[Score]) -> Usage:
    usage = Usage()
    for score in scores:
        usage = usage.plus(score.usage)
    return usage


@contextmanager
def serve_api(latency: float, fail_every: int = 0) -> Iterator[str]:
    """In a process of its own, so that it takes no time from the client's."""
    words = [sys.executable, str(ROOT / "tests" / "parts" / "api.py"), "--latency", str(latency)]
    words += ["--key", KEY, "--fail-every", str(fail_every)]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate("", timeout=10)
