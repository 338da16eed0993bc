"""Rejection sampling by an adapter: what it would be worth to draw several answers of the base and let the adapter choose.

Six ways to answer are judged on the same prompts, drawn at one temperature by one scheme of seeds: asking the base
once, asking it once under the constitution, and of k more candidates a random one, the critic's pick and the best by
the judge. The critic is the adapter's log-probability of the whole answer over its length, as SimPO rewards it (Meng et
al. 2024, equation 4). No pick can beat the best of the pool, so the best tells what the pool allows.

Past 300 lines because all arms are compared over the same rows.
"""

import random
import statistics
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple, get_args

from engine.data.read import read_prompts
from engine.judge.start import read_run_brief
from engine.judge.summary import read_scores
from engine.probe.ask import strip_thinking
from engine.records.dataset import Prompt
from engine.records.judging import Score
from engine.records.rows import Event, Rank, Sample
from engine.records.run import CriticRun
from engine.stats.compare import RESAMPLES, Comparison, compare_scores
from engine.stats.intervals import wilson_of_clusters
from engine.stats.scores import number_rows
from engine.store.paths import RunPaths
from engine.store.runs import open_critic_run, read_records
from engine.store.state import describe_state

Arm = Literal["base", "prompted", "random", "critic", "oracle"]
ARMS: tuple[Arm, ...] = get_args(Arm)
PROMPTED = "prompted"
"""The form of a sample that was drawn under the constitution; of all others it is empty."""


class Pool(NamedTuple):
    """All that was drawn for one prompt."""

    prompt: Prompt
    candidates: list[Sample]
    single: Sample | None
    prompted: Sample | None


def read_pools(run: CriticRun, paths: RunPaths) -> list[Pool]:
    """A pool a prompt; of two answers with one place the first counts."""
    found: dict[tuple[str, str, int], Sample] = {}
    for sample in read_records(paths.samples, Sample)[0]:
        found.setdefault((sample.form, sample.probe, sample.index), sample)
    pools = []
    for prompt in read_prompts(paths.prompts):
        drawn = [found.get(("", prompt.id, index)) for index in range(run.candidates + 1)]
        pool = [sample for sample in drawn[:-1] if sample is not None]
        pools.append(Pool(prompt, pool, drawn[-1], found.get((PROMPTED, prompt.id, 0))))
    return pools


def name_answers(pools: Sequence[Pool]) -> dict[tuple[str, str, int], str]:
    """The item that each answer is judged as, by form, prompt and index: what reads the same is judged once."""
    names: dict[tuple[str, str, int], str] = {}
    for pool in pools:
        seen: dict[str, str] = {}
        for sample in (*pool.candidates, pool.single, pool.prompted):
            if sample is not None:
                name = f"{sample.probe} {sample.index} {sample.form or 'base'}"
                names[sample.form, sample.probe, sample.index] = seen.setdefault(strip_thinking(sample.text)[1], name)
    return names


def read_ranks(paths: RunPaths) -> dict[tuple[str, int], Rank]:
    return {(rank.probe, rank.index): rank for rank in read_records(paths.ranks, Rank)[0]}


# ---------------------------------------------------------------- what came out


class Judged(NamedTuple):
    """One prompt's answers with their scores; None is a failed judgement."""

    pool: Pool
    scores: list[float | None]
    """Of the candidates."""
    logps: list[float]
    picks: dict[Arm, float | None]


def judge_pools(run: CriticRun, paths: RunPaths) -> list[Judged]:
    """The prompts of which everything is there."""
    pools, ranks = read_pools(run, paths), read_ranks(paths)
    names, scores = name_answers(pools), read_scores(paths, run.judge.fingerprint)

    def read(sample: Sample) -> Score | None:
        return scores.get(names[sample.form, sample.probe, sample.index])

    found = []
    for pool in pools:
        if pool.single is None or pool.prompted is None or len(pool.candidates) < run.candidates:
            continue
        logps = [ranks[c.probe, c.index].logp for c in pool.candidates if (c.probe, c.index) in ranks]
        judged = [read(sample) for sample in (*pool.candidates, pool.single, pool.prompted)]
        if len(logps) < run.candidates or any(score is None for score in judged):
            continue
        overalls = [score.overall for score in judged if score is not None]
        candidates = overalls[: run.candidates]
        # by the prompt's own seed, so that no other prompt changes it
        drawn = random.Random(zlib.crc32(f"{run.sampling.seed} {pool.prompt.id}".encode())).randrange(run.candidates)
        known = [overall for overall in candidates if overall is not None]
        picks: dict[Arm, float | None] = {
            "base": overalls[-2], "prompted": overalls[-1], "random": candidates[drawn],
            "critic": candidates[max(range(run.candidates), key=lambda i: (logps[i], -i))],
            "oracle": max(known, default=None),
        }  # fmt: skip
        found.append(Judged(pool, candidates, logps, picks))
    return found


def summarise_critic(paths: RunPaths) -> dict[str, Any]:
    """The run's record, every arm with its comparison and cost, the pool, and where the bottleneck lies."""
    run = open_critic_run(paths)
    judged = judge_pools(run, paths)
    events = read_records(paths.events, Event)[0]
    scale = read_run_brief(paths).rubric.scale
    arms = [describe_arm(arm, judged, run, scale) for arm in ARMS] if judged else []
    costs = sorted((a for a in arms if a["arm"] != "oracle" and a["mean"] is not None), key=lambda a: a["tokens"])
    for arm in costs:
        arm["dominated_by"] = next((a["arm"] for a in costs if _dominates(a, arm)), None)
    return {
        **describe_state(paths, run),
        "candidates": run.candidates,
        "sampling": run.sampling.to_json(),
        "judge": {**run.judge.to_json(), "fingerprint": run.judge.fingerprint},
        "scale": list(scale),
        "prompts": len(judged),
        "arms": arms,
        "pool": describe_pool(judged),
        "gains": describe_gains(judged, scale) if judged else None,
        "notes": [e.message for e in events if e.kind == "note"],
        "versions": run.versions,
    }


def describe_arm(arm: Arm, judged: Sequence[Judged], run: CriticRun, scale: tuple[float, float]) -> dict[str, Any]:
    """Its mean, its difference from asking the base once, and what an answer takes."""
    scored = [j.picks[arm] for j in judged]
    known = [score for score in scored if score is not None]
    costs = [count_cost(arm, j) for j in judged]
    against = None
    if arm != "base":
        against = compare_arms(judged, lambda j: j.picks["base"], lambda j, a=arm: j.picks[a], scale)  # type: ignore[misc]
    return {
        "arm": arm,
        "n": len(known),
        "failed": len(scored) - len(known),
        "mean": statistics.fmean(known) if known else None,
        "answers": costs[0].answers,
        "generated": statistics.fmean(c.generated for c in costs),
        "ranked": statistics.fmean(c.ranked for c in costs),
        "passes": statistics.fmean(c.passes for c in costs),
        "tokens": statistics.fmean(c.tokens for c in costs),
        "against_base": against.to_json() if against else None,
        "dominated_by": None,
    }


class Cost(NamedTuple):
    """What one answer of an arm takes; the judge's own work is in none, which the oracle could not do without."""

    answers: int
    generated: int
    """Tokens, each one forward pass."""
    ranked: int
    """Candidates whose log-probability was taken, each one forward pass over the whole."""
    tokens: int
    """That went through the model: prompts as often as they are read, answers, and both again where they are ranked."""

    @property
    def passes(self) -> int:
        return self.generated + self.ranked


def count_cost(arm: Arm, judged: Judged) -> Cost:
    pool = judged.pool
    drawn: Sequence[Sample | None] = pool.candidates
    if arm in ("base", "prompted"):
        drawn = [pool.single if arm == "base" else pool.prompted]
    elif arm == "random":
        drawn = pool.candidates[:1]
    samples: list[Sample] = [sample for sample in drawn if sample is not None]
    generated = sum(s.tokens for s in samples)
    through = generated + sum(s.prompt_tokens or 0 for s in samples)
    return Cost(
        len(samples), generated, len(samples) if arm == "critic" else 0, through * (2 if arm == "critic" else 1)
    )


def _dominates(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """By the means as they are: no dearer and no worse, and one of the two better."""
    if one["tokens"] > other["tokens"] or one["mean"] < other["mean"]:
        return False
    return bool(one["tokens"] < other["tokens"] or one["mean"] > other["mean"])


def compare_arms(
    judged: Sequence[Judged],
    before: Callable[[Judged], float | None],
    after: Callable[[Judged], float | None],
    scale: tuple[float, float],
) -> Comparison | None:
    """Prompt by prompt; None where no prompt has a score on both sides."""
    both = [(before(j), after(j)) for j in judged]
    if not any(one is not None and other is not None for one, other in both):
        return None
    sides = [
        [
            {"id": j.pool.prompt.id, "score": pair[side], "stratum": j.pool.prompt.category or None}
            for j, pair in zip(judged, both, strict=True)
        ]
        for side in (0, 1)
    ]
    return compare_scores(
        number_rows("one", sides[0]), number_rows("other", sides[1]), scale=scale, resamples=RESAMPLES
    )


def describe_pool(judged: Sequence[Judged]) -> dict[str, Any] | None:
    """How much the candidates of a prompt differ, and whether the critic tells the better of two."""
    pools = [[s for s in j.scores if s is not None] for j in judged]
    spreads = [statistics.pstdev(scores) for scores in pools if len(scores) > 1]
    if not spreads:
        return None
    # those of one prompt are not independent of each other
    told = [
        (j.pool.prompt.id, (j.logps[a] - j.logps[b]) * (one - other) > 0)
        for j in judged
        for (a, one), (b, other) in combinations(enumerate(j.scores), 2)
        if one is not None and other is not None and one != other
    ]
    texts = [Counter(strip_thinking(c.text)[1] for c in j.pool.candidates) for j in judged]
    return {
        "within_sd": statistics.fmean(spreads),
        "between_sd": statistics.pstdev([statistics.fmean(p) for p in pools if p]),
        "all_tied": sum(spread == 0 for spread in spreads),
        "prompts": len(spreads),
        "distinct": statistics.fmean(len(t) / t.total() for t in texts),
        "told_apart": wilson_of_clusters([right for _, right in told], [prompt for prompt, _ in told]).to_json("right"),
    }


def describe_gains(judged: Sequence[Judged], scale: tuple[float, float]) -> dict[str, Any]:
    """Against the mean of the pool, which is what picking at random gives in the long run."""

    def mean_of_pool(j: Judged) -> float | None:
        known = [s for s in j.scores if s is not None]
        return statistics.fmean(known) if known else None

    pool = compare_arms(judged, mean_of_pool, lambda j: j.picks["oracle"], scale)
    critic = compare_arms(judged, mean_of_pool, lambda j: j.picks["critic"], scale)
    missed = compare_arms(judged, lambda j: j.picks["critic"], lambda j: j.picks["oracle"], scale)
    versus = compare_arms(judged, lambda j: j.picks["base"], lambda j: j.picks["oracle"], scale)
    if pool is None or critic is None or missed is None or versus is None:
        return {
            "pool": None,
            "critic": None,
            "missed": None,
            "share": None,
            "bottleneck": "unknown",
            "why": "no scores",
        }
    share = critic.delta / pool.delta if pool.delta > 0 else None
    bottleneck, why = find_bottleneck(versus, critic, share)
    return {
        "pool": _shorten(pool), "critic": _shorten(critic), "missed": _shorten(missed), "share": share,
        "bottleneck": bottleneck, "why": why,
    }  # fmt: skip


def find_bottleneck(oracle: Comparison, critic: Comparison, share: float | None) -> tuple[str, str]:
    """'pool', 'critic' or 'neither'. `oracle` is the best of the pool against one answer, `critic` its pick against the pool."""
    if share is None or oracle.ci[0] <= 0:
        return "pool", "not even the best of the pool is shown to be better than asking once"
    gained = f"the critic got {share:.0%} of what the pool allows"
    if critic.ci[0] <= 0:
        return "critic", f"the pool holds better answers, and the critic is not shown to find them: {gained}"
    return ("neither", gained) if share >= 0.5 else ("critic", f"it chooses better than chance, and little: {gained}")


def _shorten(found: Comparison) -> dict[str, Any]:
    return {"delta": found.delta, "ci": list(found.ci), "wins": found.wins, "losses": found.losses, "ties": found.ties}
