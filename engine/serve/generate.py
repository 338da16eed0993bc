"""Many answers at once out of one transformers model: requests that arrive together are generated together.

A group is the requests that began together; groups take turns, one token each, so that a new request waits for no
old one to end. Every request draws from a random stream of its own.
"""

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from engine.records.serving import Sampling

COLDEST = 1e-3
"""Below this temperature the likeliest token is taken: scores divided by less have no room in float32."""
GATHER_SECONDS = 0.01
"""A request waits this long for company."""
SCORED_AT_ONCE = 128
"""Places of a text whose whole distributions are held in float32 at a time."""
JOIN_EVERY = 16
"""Tokens between two looks for newcomers while a group is under way: a group of many is cheaper than many groups."""


@dataclass
class Token:
    id: int
    logprob: float
    top: list[tuple[int, float]]


@dataclass
class Work:
    """One request: its events are tokens, then how it ended or the error that ended it."""

    prompt: list[int]
    sampling: Sampling
    scale: float
    logprobs: int
    arrived: float = field(default_factory=time.monotonic)
    began: float | None = None
    """When its first token came."""
    cancelled: bool = False
    events: "queue.SimpleQueue[Token | Literal['stop', 'length'] | Exception]" = field(
        default_factory=queue.SimpleQueue
    )

    def read(self) -> Iterator[Token | Literal["stop", "length"]]:
        while True:
            event = self.events.get()
            if isinstance(event, Exception):
                raise event
            yield event
            if isinstance(event, str):
                return


@dataclass
class Scoring:
    """A text to tell the probabilities of: for every token but the first, that of the token and of the `top` likeliest."""

    ids: list[int]
    scale: float
    top: int
    done: "queue.SimpleQueue[list[Token] | Exception]" = field(default_factory=queue.SimpleQueue)

    def read(self) -> list[Token]:
        found = self.done.get()
        if isinstance(found, Exception):
            raise found
        return found


class Group:
    def __init__(self, works: list[Work]) -> None:
        self.works = works
        self.scale = works[0].scale
        self.cache: Any = None
        self.drawn = [0] * len(works)
        self.streams = [_make_stream(w.sampling.seed) for w in works]
        self.attention: Tensor | None = None
        self.next: Tensor | None = None


class Generator:
    """Runs in one thread of its own; `submit` may be called from any."""

    def __init__(self, model: Any, stop_ids: set[int], pad: int, slots: int) -> None:
        self.model = model.eval()
        self.stop_ids = stop_ids
        self.pad = pad
        self.slots = slots
        self.scale = 1.0
        self.last_heard = time.monotonic()
        self.groups: list[Group] = []
        self._waiting: list[Work] = []
        self._inbox: queue.SimpleQueue[Work | Scoring] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def submit(self, work: Work | Scoring) -> None:
        self.last_heard = time.monotonic()
        self._inbox.put(work)

    def is_idle(self) -> bool:
        return not self.groups and not self._waiting and self._inbox.empty()

    def _run(self) -> None:
        turns = 0
        while True:
            if not self.groups and not self._waiting:
                self._take(self._inbox.get())
                time.sleep(GATHER_SECONDS if self._waiting else 0)
            while not self._inbox.empty():
                self._take(self._inbox.get())
            if not self.groups or turns % JOIN_EVERY == 0:
                self._admit()
            turns += 1
            for group in self.groups:
                try:
                    with torch.inference_mode():
                        self._step(group)
                except Exception as bad:  # out of memory, or a model that fails: those who wait must hear of it
                    for work in group.works:
                        work.events.put(bad)
                    group.works = []
            self.groups = [g for g in self.groups if g.works]
            self.last_heard = time.monotonic()

    def _take(self, work: Work | Scoring) -> None:
        """Let a request wait for its group; a scoring is one pass, and done at once."""
        if isinstance(work, Work):
            self._waiting.append(work)
            return
        try:
            with torch.inference_mode():
                work.done.put(self._score(work))
        except Exception as bad:  # as for a group: who waits must hear of it
            work.done.put(bad)
        self.last_heard = time.monotonic()

    def _score(self, work: Scoring) -> list[Token]:
        self._set_scale(work.scale)
        ids = torch.tensor([work.ids], device=self.model.device)
        logits = self.model(input_ids=ids, use_cache=False).logits[0, :-1]
        told: list[Token] = []
        for begin in range(0, len(logits), SCORED_AT_ONCE):
            rows = logits[begin : begin + SCORED_AT_ONCE].float()
            chosen = work.ids[begin + 1 : begin + 1 + len(rows)]
            told += [_describe(i, row, work.top) for i, row in zip(chosen, rows.cpu(), strict=True)]
        return told

    def _admit(self) -> None:
        """Make groups, one per adapter scale, of those who wait, as far as there are slots."""
        room = self.slots - sum(len(g.works) for g in self.groups)
        taken, self._waiting = self._waiting[: max(0, room)], self._waiting[max(0, room) :]
        for scale in sorted({w.scale for w in taken}):
            self.groups.append(Group([w for w in taken if w.scale == scale]))

    def _step(self, group: Group) -> None:
        """One token for each of the group."""
        self._set_scale(group.scale)
        device = self.model.device
        if group.next is None:
            longest = max(len(w.prompt) for w in group.works)
            rows = [[self.pad] * (longest - len(w.prompt)) + w.prompt for w in group.works]
            mask = [[0] * (longest - len(w.prompt)) + [1] * len(w.prompt) for w in group.works]
            ids, group.attention = torch.tensor(rows, device=device), torch.tensor(mask, device=device)
            positions = (group.attention.cumsum(-1) - 1).clamp(min=0)
        else:
            assert group.attention is not None
            ids = group.next[:, None].to(device)
            group.attention = torch.cat([group.attention, group.attention.new_ones(len(ids), 1)], dim=1)
            positions = group.attention.sum(-1, keepdim=True) - 1
        out = self.model(
            input_ids=ids, attention_mask=group.attention, position_ids=positions, past_key_values=group.cache,
            use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        group.cache = out.past_key_values
        self._tell(group, out.logits[:, -1].float().cpu())

    def _tell(self, group: Group, logits: Tensor) -> None:
        """Draw every work its token and hand it over, and let go of those that are done."""
        drawn, keep = [self.pad] * len(group.works), []
        for index, (work, row) in enumerate(zip(group.works, logits, strict=True)):
            try:
                chosen = drawn[index] = draw(row, work.sampling, group.streams[index])
                token = _describe(chosen, row, work.logprobs)
            except Exception as bad:  # what is wrong with one request ends that one alone
                work.events.put(bad)
                continue
            work.began = work.began or time.monotonic()
            if work.cancelled or chosen in self.stop_ids:
                work.events.put("stop")
                continue
            work.events.put(token)
            group.drawn[index] += 1
            if group.drawn[index] >= work.sampling.max_tokens:
                work.events.put("length")
                continue
            keep.append(index)
        group.next = torch.tensor(drawn)
        if len(keep) == len(group.works):
            return
        group.works = [group.works[i] for i in keep]
        group.drawn = [group.drawn[i] for i in keep]
        group.streams = [group.streams[i] for i in keep]
        if keep:
            rows = torch.tensor(keep)
            assert group.attention is not None
            group.next = group.next[rows]
            group.attention = group.attention[rows.to(group.attention.device)]
            group.cache.batch_select_indices(rows.to(group.attention.device))

    def _set_scale(self, scale: float) -> None:
        """How much of the adapter is added: 0 is the base, 1 the adapter as it was trained."""
        if scale == self.scale:
            return
        for layer in self.model.modules():
            if hasattr(layer, "set_scale"):
                layer.set_scale("default", scale)
        self.scale = scale


def draw(logits: Tensor, sampling: Sampling, stream: torch.Generator) -> int:
    """A token id out of `logits` (vocabulary,): temperature, then top_k, then top_p."""
    if sampling.temperature < COLDEST:
        return int(logits.argmax())
    scores = logits / sampling.temperature
    scores, ids = scores.topk(min(sampling.top_k, len(scores))) if sampling.top_k else scores.sort(descending=True)
    probabilities = scores.softmax(-1)
    # the smallest set of the likeliest that holds top_p: a token stays while those before it hold less
    probabilities[probabilities.cumsum(-1) - probabilities >= sampling.top_p] = 0
    return int(ids[torch.multinomial(probabilities, 1, generator=stream)])


def _describe(chosen: int, logits: Tensor, top: int) -> Token:
    if not top:
        return Token(chosen, 0.0, [])
    logprobs = logits.log_softmax(-1)
    values, ids = logprobs.topk(min(top, len(logprobs)))
    return Token(chosen, float(logprobs[chosen]), list(zip(ids.tolist(), values.tolist())))


def _make_stream(seed: int | None) -> torch.Generator:
    stream = torch.Generator()
    if seed is None:
        stream.seed()
    else:
        stream.manual_seed(seed)
    return stream
