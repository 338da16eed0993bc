"""Many items at a time: what is asked when, what is taken, and where it stops."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError, SpaceError
from engine.judge.judgement import Again, Item, Judgement
from engine.judge.pace import Pace
from engine.judge.rubric import Brief, hash_text
from engine.judge.scoring import score_items
from engine.records.judging import JudgeUse, Rubric, Score, Usage
from engine.store.journal import Journal, read_rows

Items = Callable[[int], list[Item]]
GOOD = Judgement("scored", {"voice": 8}, 7.0, usage=Usage(output_tokens=10))


class Scripted:
    """A judge that does what a function says; a call costs a cent and is bounded by two."""

    def __init__(self, brief: Brief, act: Callable[[Item, int], Judgement], most: int = 32, price: float | None = 0.01):
        self.act, self.price = act, price
        self.rubric: Rubric = brief.rubric
        self.use: JudgeUse = brief.describe("scripted")
        self.pace = Pace(most)
        self.notes: list[str] = []
        self.asked: list[str] = []
        self.flying = self.most_flying = 0
        self._lock = threading.Lock()

    def judge(self, item: Item, doubled: int = 0) -> Judgement:
        with self._lock:
            self.asked.append(item.id)
            self.flying += 1
            self.most_flying = max(self.most_flying, self.flying)
        try:
            return self.act(item, doubled)
        finally:
            with self._lock:
                self.flying -= 1

    def bound(self, item: Item, doubled: int = 0) -> float | None:
        return None if self.price is None else 2 * self.price

    def bill(self, usage: Usage, model: str) -> float | None:
        return self.price if usage.output_tokens else 0.0

    def close(self) -> None:
        pass


def test_every_score_is_taken_in_the_callers_thread_as_it_comes(brief: Brief, make_items: Items) -> None:
    threads = set()
    first_taken = threading.Event()

    def act(item: Item, doubled: int) -> Judgement:
        if item.id == "p4":
            assert first_taken.wait(30)  # the last answer waits until an earlier one was taken
        return GOOD

    def take(score: Score) -> None:
        threads.add(threading.get_ident())
        first_taken.set()

    outcome = score_items(make_items(5), Scripted(brief, act), take)
    assert threads == {threading.get_ident()}
    assert (outcome.ended, outcome.taken, outcome.failed, outcome.left) == ("done", 5, 0, 0)
    assert outcome.spent_usd == pytest.approx(0.05)


def test_never_more_are_under_way_than_allowed(brief: Brief, make_items: Items) -> None:
    def act(item: Item, doubled: int) -> Judgement:
        time.sleep(0.005)
        return GOOD

    judge = Scripted(brief, act)
    score_items(make_items(30), judge, lambda _: None, in_flight=4)
    assert judge.most_flying == 4
    judge = Scripted(brief, act, most=2)
    score_items(make_items(10), judge, lambda _: None, in_flight=4)
    assert judge.most_flying == 2


def test_asking_again_asks_the_failed_alone(brief: Brief, make_items: Items, tmp_path: Path) -> None:
    failing = {"p2", "p5"}

    def act(item: Item, doubled: int) -> Judgement:
        return Judgement("refused", problem="no") if item.id in failing else GOOD

    judge, path = Scripted(brief, act), tmp_path / "scores"
    for again in range(2):
        journal = Journal(path)
        rows = [Score.model_validate(row) for row in read_rows(path)]
        done = {row.id for row in rows if row.state == "scored"}
        score_items(make_items(8), judge, lambda s, j=journal: j.append(s.to_json()), done=done, attempt=again + 1)
        journal.close()
        failing.clear()
    rows = [Score.model_validate(row) for row in read_rows(path)]
    assert len(judge.asked) == len(rows) == 10
    assert {r.id for r in rows if r.attempt == 2} == {"p2", "p5"}
    assert {r.id for r in rows if r.state == "scored"} == {f"p{i}" for i in range(8)}


def test_what_may_pass_waits_without_a_thread_while_others_are_asked(brief: Brief, make_items: Items) -> None:
    tries: dict[str, int] = {}

    def act(item: Item, doubled: int) -> Judgement:
        tries[item.id] = tries.get(item.id, 0) + 1
        if item.id == "p0" and tries["p0"] == 1:
            raise Again(Judgement("transport", problem="busy"), after=0.2)
        return GOOD

    taken: list[str] = []
    score_items(make_items(5), Scripted(brief, act, most=1), lambda s: taken.append(s.id), in_flight=1)
    assert taken == ["p1", "p2", "p3", "p4", "p0"]


def test_room_is_doubled_twice_and_usage_of_all_tries_adds_up(brief: Brief, make_items: Items) -> None:
    seen: list[int] = []

    def act(item: Item, doubled: int) -> Judgement:
        seen.append(doubled)
        raise Again(Judgement("truncated", problem="cut", usage=Usage(output_tokens=5)))

    got: list[Score] = []
    outcome = score_items(make_items(1), Scripted(brief, act), got.append)
    assert seen == [0, 1, 2]
    assert (got[0].state, got[0].usage.output_tokens) == ("truncated", 15)
    assert (outcome.failed, outcome.spent_usd) == (1, pytest.approx(0.03))


@pytest.mark.parametrize(("budget", "asked"), [(0.10, 9), (0.02, 1), (0.019, 0), (0.0, 0)])
def test_the_budget_stops_before_the_call_that_could_pass_it(
    brief: Brief, make_items: Items, budget: float, asked: int
) -> None:
    judge = Scripted(brief, lambda item, doubled: GOOD)
    outcome = score_items(make_items(50), judge, lambda _: None, budget_usd=budget)
    assert (outcome.ended, outcome.taken, outcome.left) == ("budget", asked, 50 - asked)
    assert outcome.spent_usd <= budget


def test_what_was_spent_before_counts_against_the_budget(brief: Brief, make_items: Items) -> None:
    judge = Scripted(brief, lambda item, doubled: GOOD)
    outcome = score_items(make_items(5), judge, lambda _: None, budget_usd=1.0, spent_usd=0.985)
    assert (outcome.ended, outcome.taken, judge.asked) == ("budget", 0, [])


def test_no_budget_holds_a_judge_without_a_price(brief: Brief, make_items: Items) -> None:
    judge = Scripted(brief, lambda item, doubled: GOOD, price=None)
    with pytest.raises(InputError, match="no price is known"):
        score_items(make_items(1), judge, lambda _: None, budget_usd=1.0)


def test_a_stop_lets_what_is_under_way_end_and_asks_nothing_more(brief: Brief, make_items: Items) -> None:
    taken: list[str] = []
    judge = Scripted(brief, lambda item, doubled: GOOD)
    outcome = score_items(
        make_items(20), judge, lambda s: taken.append(s.id), in_flight=2, stop=lambda: len(taken) >= 5
    )
    assert outcome.ended == "stopped"
    assert 5 <= len(taken) == outcome.taken <= 7
    assert outcome.left == 20 - len(taken)


def test_an_error_is_raised_after_what_was_under_way_was_taken(brief: Brief, make_items: Items) -> None:
    failed = threading.Event()

    def act(item: Item, doubled: int) -> Judgement:
        if item.id == "p0":
            failed.set()
            raise InputError("the key is wrong")
        assert failed.wait(30)
        time.sleep(0.02)
        return GOOD

    taken: list[Score] = []
    judge = Scripted(brief, act)
    with pytest.raises(InputError, match="the key is wrong"):
        score_items(make_items(50), judge, taken.append, in_flight=4)
    assert len(taken) == len(judge.asked) - 1 == 3


def test_an_error_of_whoever_takes_is_raised_and_ends_it(brief: Brief, make_items: Items) -> None:
    def take(score: Score) -> None:
        raise SpaceError("no disk left")

    judge = Scripted(brief, lambda item, doubled: GOOD)
    with pytest.raises(SpaceError):
        score_items(make_items(50), judge, take, in_flight=2)
    assert len(judge.asked) <= 4


def test_a_scores_row_holds_the_weighted_mean_whatever_the_judge_made_of_it(brief: Brief, make_items: Items) -> None:
    capped = brief.rubric.model_copy(update={"critical_cap": 3.0})

    def act(item: Item, doubled: int) -> Judgement:
        failures = ["assistant_prose"] if item.id == "p1" else []
        return Judgement("scored", {"voice": 8, "integrity": 4}, 9.5, failures, "So.")

    judge, got = Scripted(brief, act), {}
    judge.rubric = capped
    score_items(make_items(2), judge, lambda s: got.update({s.id: s}), repeat=2)
    assert (got["p0"].overall, got["p0"].judge_overall) == (6.5, 9.5)
    assert (got["p1"].overall, got["p1"].critical, got["p1"].repeat) == (3.0, ["assistant_prose"], 2)
    row: dict[str, Any] = json.loads(json.dumps(got["p1"].to_json()))
    assert Score.model_validate(row) == got["p1"]
    assert hash_text("") != row["judge"] == judge.use.fingerprint
