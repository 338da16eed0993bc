"""Sentinels: the recipe's probes answered by the weights of the moment, within their share of the time."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.models.template import Renderer
from engine.probe.ask import judge_answer
from engine.probe.sample import sample_answers
from engine.records.dataset import Character, Probe
from engine.records.recipe import Sentinel as Sampling
from engine.records.rows import Sample


class Moment(NamedTuple):
    samples: list[Sample]
    seconds: float


class Sentinels:
    """Takes moments. The first and the last are the measurement itself and are taken whole; those
    between take as many samples per probe as fit into `share` of the time since training began."""

    def __init__(self, probes: list[Probe], character: Character, sampling: Sampling, seed: int, attempt: int) -> None:
        self.probes = probes
        self.character = character
        self.sampling = sampling
        self.seed = seed
        self.attempt = attempt
        self._spent = 0.0
        self._per_sample: float | None = None

    def affordable(self, trained: float) -> int:
        """Samples per probe that the share allows after `trained` seconds of training steps.

        The moments' seconds over all seconds stay at or under the share: spent <= share / (1 - share)
        x trained. With nothing measured yet it allows one.
        """
        if self.sampling.share in (0.0, 1.0) or self._per_sample is None:
            return {0.0: 0, 1.0: self.sampling.samples}.get(self.sampling.share, 1)
        room = self.sampling.share / (1 - self.sampling.share) * trained - self._spent
        return max(0, min(self.sampling.samples, int(room / (self._per_sample * len(self.probes)))))

    def take(
        self,
        model: Any,
        renderer: Renderer,
        step: int,
        samples: int,
        base: bool = False,
        counted: bool = True,
        heed: Callable[[], None] = lambda: None,
    ) -> Moment:
        """Ask every probe `samples` times in one batch; `base` switches the adapter off. What `heed` raises ends it."""
        began = time.perf_counter()
        seed = (self.seed * 1_000_003 + step) % 2**31
        asked = [(p, i) for p in self.probes for i in range(samples)]
        off = model.disable_adapter() if base else contextlib.nullcontext()
        with off:
            answers = sample_answers(model, renderer, [p.messages for p, _ in asked], self.sampling, seed, heed)
        rows = []
        now = time.time()
        for (probe, index), answer in zip(asked, answers, strict=True):
            rows.append(
                Sample(
                    attempt=self.attempt,
                    step=step,
                    time=now,
                    probe=probe.id,
                    index=index,
                    seed=seed,
                    text=answer.text,
                    tokens=answer.tokens,
                    truncated=answer.finish != "stop",
                    prompt_tokens=answer.prompt_tokens,
                    **judge_answer(answer, self.character),
                )
            )
        seconds = time.perf_counter() - began
        self._per_sample = seconds / len(rows)
        if counted:
            self._spent += seconds
        return Moment(rows, seconds)
