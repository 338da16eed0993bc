"""Probes asked of an endpoint, each many times, every answer judged and kept as it comes; what is kept is not asked again."""

import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine.probe.detect import find_break
from engine.probe.variants import STOP_TEXTS, make_prompt
from engine.records.dataset import Character, Probe
from engine.records.rows import Sample
from engine.records.serving import Sampling
from engine.serve.answers import Answer
from engine.serve.client import Client, Job
from engine.store.paths import RunPaths
from engine.store.runs import read_records

Key = tuple[str, int, int]
"""Probe, which of its samples, which turn."""
THINKS, THINKING = "<think>", "</think>"


def ask_probes(
    client: Client,
    probes: list[Probe],
    samples: int,
    sampling: Sampling,
    *,
    system: str | None,
    character: Character,
    take: Callable[[Sample], None],
    stop: Callable[[], None] = lambda: None,
    kept: Iterable[dict[str, Any]] = (),
    attempt: int = 1,
    step: int = 0,
    form: str = "",
) -> None:
    """Ask each of `probes` `samples` times and `take` each answer; `kept` are rows of samples taken before.

    Conversations go turn by turn, all of one turn together. Raises what the client and `stop` raise; what was taken stays.
    """
    known: dict[Key, str] = {(row["probe"], row["index"], row.get("turn", 0)): row["text"] for row in kept}
    for turn in range(1 + max((len(p.turns) for p in probes), default=-1)):
        asked: dict[str, tuple[Probe, int]] = {}
        jobs: list[Job] = []
        for probe in probes:
            if turn > len(probe.turns):
                continue
            for index in range(samples):
                name = f"{probe.id} {index} {turn}"
                asked[name] = probe, index
                if (probe.id, index, turn) in known:
                    continue
                answers = [strip_thinking(known[probe.id, index, t])[1] for t in range(turn)]
                jobs.append(Job(name, make_prompt(probe, answers, system), seed_answer(sampling, probe, index, turn)))

        def keep(job: Job, answer: Answer, turn: int = turn, asked: dict[str, tuple[Probe, int]] = asked) -> None:
            probe, index = asked[job.id]
            known[probe.id, index, turn] = answer.text
            row = judge_answer(answer, character)
            assert job.sampling.seed is not None
            take(
                Sample(
                    attempt=attempt,
                    step=step,
                    time=time.time(),
                    probe=probe.id,
                    index=index,
                    turn=turn,
                    form=form,
                    seed=job.sampling.seed,
                    text=answer.text,
                    tokens=answer.tokens,
                    truncated=answer.finish != "stop",
                    prompt_tokens=answer.prompt_tokens or None,
                    **row,
                )
            )

        client.run_batch(jobs, keep, stop=stop)


def read_answers(paths: RunPaths, probes: Sequence[Probe], samples: int) -> tuple[list[Sample], int]:
    """A probe run's answers, one to each question that it asks, and how many rows of its file are none of them.

    The first counts where a question was answered twice; a later turn counts when the one before it is there.
    """
    rows, bad = read_records(paths.samples, Sample)
    turns = {p.id: len(p.turns) for p in probes}
    found: dict[Key, Sample] = {}
    for row in rows:
        asked = 0 <= row.index < samples and 0 <= row.turn <= turns.get(row.probe, -1)
        follows = row.turn == 0 or (row.probe, row.index, row.turn - 1) in found
        if asked and follows:
            found.setdefault((row.probe, row.index, row.turn), row)
    return list(found.values()), bad + len(rows) - len(found)


def seed_answer(sampling: Sampling, probe: Probe, index: int, turn: int) -> Sampling:
    """The sampling of one answer: its seed follows from the run's, the probe's id and the answer's place."""
    seed = zlib.crc32(f"{sampling.seed} {probe.id} {index} {turn}".encode())
    return sampling.model_copy(update={"seed": seed, "stop": [*sampling.stop, *STOP_TEXTS[probe.format]]})


def judge_answer(answer: Answer, character: Character) -> dict[str, Any]:
    """The detector's verdict on what follows the thinking, its place in the whole text."""
    start, text = strip_thinking(answer.text)
    finding = find_break(text, character)
    span = finding.span and (finding.span[0] + start, finding.span[1] + start)
    return {
        "breaks": finding.breaks, "span": span, "in_character": finding.in_character, "level": finding.level,
        "judged_from": start,
    }  # fmt: skip


def strip_thinking(text: str) -> tuple[int, str]:
    """Where the answer itself begins, and the answer; empty where the thinking never ended."""
    if not text.lstrip().startswith(THINKS) and THINKING not in text:
        return 0, text
    _, mark, after = text.partition(THINKING)
    if not mark:
        return len(text), ""
    start = len(text) - len(after.lstrip())
    return start, text[start:]
