"""Items judged many at a time, each score taken as it comes; what failed is asked again by asking again.

The calling thread alone decides what is asked when, and takes what comes; threads only wait for answers. So a budget
is held before a call, a stop needs no call to be broken off, and what has to wait before it is asked again holds no
thread.
"""

import heapq
import math
import queue
import random
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from engine.errors import InputError
from engine.judge.judgement import Again, Item, Judge, Judgement
from engine.judge.rubric import weighted_mean
from engine.records.judging import Score, Usage

Take = Callable[[Score], None]
ASKED_AGAIN = 6
"""How often a call that did not come through is made again."""
DOUBLED = 2
"""How often a judge that ran out of room is given twice as much."""
BACK_OFF_SECONDS = 0.1
"""Before a call is made again, and three times as long before each time after: soon where one of many was refused, and
more than half a minute in all where the server has too much to do."""
LONGEST_BACK_OFF_SECONDS = 30.0
_LOOK_SECONDS = 0.2
"""How long a stop may go unseen."""


class Outcome(NamedTuple):
    """How a scoring ended; what is not scored is asked by asking again."""

    ended: Literal["done", "stopped", "budget"]
    taken: int
    failed: int
    """Of those taken, in a state other than scored."""
    left: int
    """Never asked, or waiting to be asked again."""
    spent_usd: float
    """With what had been spent before; where no price is known, nothing is counted."""
    notes: tuple[str, ...] = ()


class _Ask:
    """One item on its way: how often it was asked, and what that used so far."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.again = 0
        self.doubled = 0
        self.usage = Usage()
        self.model = ""
        self.seconds = 0.0
        self.reserved = 0.0


def score_items(
    items: Iterable[Item],
    judge: Judge,
    take: Take,
    *,
    done: Collection[str] = (),
    in_flight: int = 32,
    attempt: int = 1,
    repeat: int = 0,
    budget_usd: float | None = None,
    spent_usd: float = 0.0,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Judge every item whose id is not in `done` (those whose newest state is scored); `take` each score in this thread.

    A call that could pass the budget, by the most it and those under way can cost, is not made. An error that lies
    in no single item ends the scoring after what was under way has been taken.
    """
    wanted = [item for item in items if item.id not in done]
    if budget_usd is not None and wanted and judge.bound(wanted[0]) is None:
        raise InputError(
            f"no price is known for {judge.use.reference}, so no budget can hold it",
            fix="judge without a budget, or by a model with a known price",
        )
    loop = _Loop(wanted, judge, take, in_flight, attempt, repeat, budget_usd, spent_usd)
    return loop.run(stop or (lambda: False))


class _Loop:
    def __init__(
        self,
        items: list[Item],
        judge: Judge,
        take: Take,
        in_flight: int,
        attempt: int,
        repeat: int,
        budget: float | None,
        spent: float,
    ) -> None:
        self.judge, self.take, self.in_flight = judge, take, in_flight
        self.attempt, self.repeat = attempt, repeat
        self.budget, self.spent = budget, spent
        self.fresh = [_Ask(item) for item in reversed(items)]
        self.waiting: list[tuple[float, int, _Ask]] = []
        self.answers: queue.SimpleQueue[tuple[_Ask, Judgement | Again | BaseException]] = queue.SimpleQueue()
        self.flying = self.taken = self.failed = 0
        self.reserved = 0.0
        self.ended: Literal["done", "stopped", "budget"] = "done"
        self.failure: BaseException | None = None

    def run(self, stop: Callable[[], bool]) -> Outcome:
        with ThreadPoolExecutor(self.in_flight, thread_name_prefix="judge") as pool:
            while True:
                if stop():
                    self.ended = "stopped"
                while self.ended == "done" and not self.failure and (ask := self._next()):
                    self.flying += 1
                    pool.submit(self._call, ask)
                open_ended = self.ended == "done" and not self.failure and (self.fresh or self.waiting)
                if not self.flying and not open_ended:
                    break
                try:
                    ask, result = self.answers.get(timeout=self._patience())
                except queue.Empty:
                    continue
                self._settle(ask, result)
        if self.failure:
            raise self.failure
        left = len(self.fresh) + len(self.waiting)
        return Outcome(self.ended, self.taken, self.failed, left, self.spent, tuple(self.judge.notes))

    def _next(self) -> _Ask | None:
        """What to ask now, taken off its list; None where nothing may be asked yet or any more."""
        if self.flying >= min(self.in_flight, self.judge.pace.limit) or self.judge.pace.seconds_to_wait() > 0:
            return None
        ready = bool(self.waiting) and self.waiting[0][0] <= time.monotonic()
        if not ready and not self.fresh:
            return None
        ask = self.waiting[0][2] if ready else self.fresh[-1]
        if self.budget is not None:
            most = self.judge.bound(ask.item, ask.doubled)
            ask.reserved = math.inf if most is None else most
            if self.spent + self.reserved + ask.reserved > self.budget:
                # what is under way may turn out cheaper than it was reckoned
                if not self.flying:
                    self.ended = "budget"
                return None
            self.reserved += ask.reserved
        if ready:
            heapq.heappop(self.waiting)
        else:
            self.fresh.pop()
        return ask

    def _patience(self) -> float:
        """Seconds until something can be done without an answer having come."""
        wait = _LOOK_SECONDS
        if self.ended == "done" and self.flying < min(self.in_flight, self.judge.pace.limit):
            if self.waiting:
                wait = min(wait, max(0.0, self.waiting[0][0] - time.monotonic()))
            if pause := self.judge.pace.seconds_to_wait():
                wait = min(max(wait, pause), _LOOK_SECONDS)
        return max(wait, 0.001)

    def _call(self, ask: _Ask) -> None:
        try:
            result: Judgement | Again | BaseException = self.judge.judge(ask.item, ask.doubled)
        except BaseException as error:
            # whatever it was, the calling thread waits for it
            result = error
        self.answers.put((ask, result))

    def _settle(self, ask: _Ask, result: Judgement | Again | BaseException) -> None:
        self.flying -= 1
        self.reserved = max(0.0, self.reserved - ask.reserved)
        if not isinstance(result, (Judgement, Again)):
            self.failure = self.failure or result
            return
        judgement = result.judgement if isinstance(result, Again) else result
        ask.usage = ask.usage.plus(judgement.usage)
        ask.model = judgement.model or ask.model
        ask.seconds += judgement.seconds
        self.spent += self.judge.bill(judgement.usage, judgement.model) or 0.0
        if isinstance(result, Again) and self._put_back(ask, result):
            return
        self._keep(ask, judgement)

    def _put_back(self, ask: _Ask, again: Again) -> bool:
        """Whether it will be asked again; while ending nothing is, and its state is kept."""
        if self.ended != "done" or self.failure:
            return False
        if again.judgement.state == "truncated":
            if ask.doubled >= DOUBLED:
                return False
            ask.doubled += 1
            seconds = 0.0
        else:
            if ask.again >= ASKED_AGAIN:
                return False
            seconds = min(BACK_OFF_SECONDS * 3**ask.again, LONGEST_BACK_OFF_SECONDS) * random.uniform(0.75, 1)
            if again.after is not None:
                # spread, so that those who were told the same do not come back together
                seconds = again.after * random.uniform(1, 1.1)
            ask.again += 1
        heapq.heappush(self.waiting, (time.monotonic() + seconds, id(ask), ask))
        return True

    def _keep(self, ask: _Ask, judgement: Judgement) -> None:
        whole = judgement._replace(usage=ask.usage, model=ask.model, seconds=ask.seconds)
        score = make_score(ask.item.id, self.judge, whole, self.attempt, self.repeat)
        self.taken += 1
        self.failed += score.state != "scored"
        self.take(score)


def make_score(item: str, judge: Judge, judgement: Judgement, attempt: int, repeat: int = 0) -> Score:
    """The overall is the weighted mean of the components, whatever the judge itself made of them."""
    scored = judgement.state == "scored"
    return Score(
        attempt=attempt,
        time=time.time(),
        id=item,
        judge=judge.use.fingerprint,
        repeat=repeat,
        state=judgement.state,
        components=judgement.components,
        overall=weighted_mean(judge.rubric, judgement.components, bool(judgement.critical)) if scored else None,
        judge_overall=judgement.judge_overall,
        critical=list(judgement.critical),
        reasons=judgement.reasons,
        problem=judgement.problem,
        model=judgement.model,
        usage=judgement.usage,
        usd=judge.bill(judgement.usage, judgement.model),
        seconds=round(judgement.seconds, 4),
    )
