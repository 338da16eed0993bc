"""Judging by batches: at half the price, in any order, and through a restart."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import REFUSED, Api, Ask, Reaction, Said
from engine.errors import BusyError, InputError
from engine.judge import prices
from engine.judge.batch import score_batch
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.scoring import Outcome
from engine.records.judging import Score

ANOTHER = "sk-ant-another-key"
Make = Callable[..., ClaudeJudge]
Items = Callable[[int], list[Item]]


def score(
    items: list[Item], judge: ClaudeJudge, ticket: Path, **options: Any
) -> tuple[dict[str, Score], Outcome]:  # fmt: skip
    got: list[Score] = []
    outcome = score_batch(items, judge, got.append, ticket, poll_seconds=0.01, **options)
    assert len({s.id for s in got}) == len(got) == outcome.taken
    return {s.id: s for s in got}, outcome


def test_results_in_any_order_find_their_items(judging: Make, make_items: Items, tmp_path: Path) -> None:
    def echo(ask: Ask) -> Reaction:
        place = int(ask.text.rsplit("I count ", 1)[1].split(".")[0])
        parts = dict.fromkeys(("voice", "rhetorical", "historical", "position", "integrity"), place + 1)
        return Said(json.dumps({"reasons": "So.", "critical_failures": [], "components": parts, "overall": 1}))

    with Api(script=echo, batch_seconds=0.05) as api:
        got, outcome = score(make_items(9), judging(api, ttl="1h"), tmp_path / "ticket")
        assert (api.count(), len(api.batches)) == (0, 1)
        (batch,) = api.batches.values()
    assert {name: s.overall for name, s in got.items()} == {f"p{i}": i + 1 for i in range(9)}
    assert (outcome.ended, outcome.left, (tmp_path / "ticket").exists()) == ("done", 0, False)
    params = batch["requests"][0]["params"]
    assert params["system"][0]["cache_control"]["ttl"] == "1h"
    assert not {"temperature", "top_p", "top_k", "tool_choice"} & params.keys()


def test_a_batch_costs_half(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api() as api:
        got, outcome = score(make_items(3), judging(api), tmp_path / "ticket")
    assert all(s.usage.batch for s in got.values())
    whole = [prices.bill(s.usage.model_copy(update={"batch": False}), "claude-sonnet-5-5") or 0 for s in got.values()]
    assert outcome.spent_usd == pytest.approx(sum(whole) / 2)


def test_what_errored_or_expired_is_of_state_transport_and_asked_again_alone(
    judging: Make, make_items: Items, tmp_path: Path
) -> None:
    kinds = {1: "errored", 2: "expired", 3: "canceled"}
    with Api(script=lambda ask: REFUSED if "I count 4." in ask.text else None) as api:
        api.batch_script = lambda custom_id, place: kinds.get(place, "succeeded")
        got, outcome = score(make_items(5), judging(api), tmp_path / "ticket")
        assert {n: s.state for n, s in got.items()} == {
            "p0": "scored", "p1": "transport", "p2": "transport", "p3": "transport", "p4": "refused",
        }  # fmt: skip
        assert (outcome.failed, got["p2"].usd, got["p2"].problem) == (4, 0.0, "expired in the batch")
        kinds.clear()
        api.script = None
        failed = [item for item in make_items(5) if got[item.id].state != "scored"]
        again, _ = score(failed, judging(api), tmp_path / "ticket")
    assert set(again) == {"p1", "p2", "p3", "p4"}
    assert {s.state for s in again.values()} == {"scored"}


def test_a_stop_leaves_the_batch_and_a_restart_takes_it_up(judging: Make, make_items: Items, tmp_path: Path) -> None:
    ticket, told = tmp_path / "ticket", []
    with Api(batch_seconds=3600) as api:
        got, outcome = score(make_items(4), judging(api), ticket, stop=ticket.exists, narrate=told.append)
        assert (got, outcome.ended, outcome.left, ticket.exists()) == ({}, "stopped", 4, True)
        api.batch_seconds = 0
        got, outcome = score(make_items(4), judging(api), ticket, narrate=told.append)
        assert len(api.batches) == 1
    assert (len(got), outcome.ended, ticket.exists()) == (4, "done", False)
    assert told[0] == "sent 4 judgements as batch msgbatch_1"
    assert "going on with batch msgbatch_1 of 4 judgements" in told


def test_what_was_taken_before_a_restart_is_not_taken_again(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(batch_seconds=3600) as api:
        score(make_items(4), judging(api), tmp_path / "ticket", stop=(tmp_path / "ticket").exists)
        api.batch_seconds = 0
        got, outcome = score(make_items(4)[1:3], judging(api), tmp_path / "ticket")
    assert (set(got), outcome.left, len(api.batches)) == ({"p1", "p2"}, 0, 1)


def test_a_stop_before_anything_is_out_sends_nothing(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api() as api:
        _, outcome = score(make_items(4), judging(api), tmp_path / "ticket", stop=lambda: True)
    assert (outcome.ended, outcome.left, api.batches) == ("stopped", 4, {})


def test_items_that_came_since_go_into_a_batch_of_their_own(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(batch_seconds=3600) as api:
        score(make_items(4), judging(api), tmp_path / "ticket", stop=(tmp_path / "ticket").exists)
        api.batch_seconds = 0
        got, _ = score(make_items(6), judging(api), tmp_path / "ticket")
        sizes = [len(batch["requests"]) for batch in api.batches.values()]
    assert (sizes, len(got)) == ([4, 2], 6)


def test_a_batch_whose_name_was_never_written_down_is_found(judging: Make, make_items: Items, tmp_path: Path) -> None:
    ticket = tmp_path / "ticket"
    with Api(batch_seconds=3600) as api:
        score(make_items(4), judging(api), ticket, stop=ticket.exists)
        api.batch_seconds = 0
        ticket.write_text(json.dumps({**json.loads(ticket.read_text()), "batch": None}))
        got, _ = score(make_items(4), judging(api), ticket)
        assert (len(api.batches), len(got)) == (1, 4)
        # and where there is none to be found, it is sent
        lost = {"judge": judging(api).use.fingerprint, "mark": "x", "items": ["p0"] * 7, "time": 1.0, "batch": None}
        ticket.write_text(json.dumps(lost))
        got, _ = score(make_items(4), judging(api), ticket)
        assert (len(api.batches), len(got)) == (2, 4)


def test_a_batch_of_another_judge_is_not_taken_for_ones_own(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(batch_seconds=5) as api:
        score(make_items(2), judging(api), tmp_path / "ticket", stop=(tmp_path / "ticket").exists)
        with pytest.raises(InputError, match="another judge"):
            score(make_items(2), judging(api, effort="low"), tmp_path / "ticket")


def test_a_batch_that_is_gone_from_the_api_is_said(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(batch_seconds=5) as api:
        score(make_items(2), judging(api), tmp_path / "ticket", stop=(tmp_path / "ticket").exists)
        api.batches.clear()
        with pytest.raises(InputError, match="gone from the API"):
            score(make_items(2), judging(api), tmp_path / "ticket")


def test_only_as_many_go_into_a_batch_as_the_budget_holds(judging: Make, make_items: Items, tmp_path: Path) -> None:
    items = make_items(10)
    with Api() as api:
        judge = judging(api)
        each = (judge.bound(items[0], 1) or 0) / 2
        got, outcome = score(items, judge, tmp_path / "ticket", budget_usd=each * 3.5)
        # what was judged cost less than its bound, so more fit in; in the end no further one does
        assert 3 <= len(got) < 10 or outcome.ended == "done"
        assert outcome.spent_usd <= each * 3.5
        assert len(next(iter(api.batches.values()))["requests"]) == 3
        nothing, outcome = score(items, judge, tmp_path / "ticket", budget_usd=each * 0.9)
    assert (nothing, outcome.ended, outcome.left) == ({}, "budget", 10)


def test_an_api_that_is_away_is_worth_another_try_and_the_ticket_stays(
    judging: Make, make_items: Items, tmp_path: Path
) -> None:
    with Api() as api:
        judge = judging(api)
    with pytest.raises(BusyError, match="not known"):
        score(make_items(2), judge, tmp_path / "ticket")
    assert (tmp_path / "ticket").exists()


def test_a_ticket_left_by_another_repeat_is_not_taken_for_this_one(
    judging: Make, make_items: Items, tmp_path: Path
) -> None:
    ticket, kept = tmp_path / "ticket", tmp_path / "kept"
    with Api(batch_seconds=3600) as api:
        judge = judging(api)
        stops = iter([False, True])
        score(make_items(2), judge, ticket, stop=lambda: next(stops, True))
        kept.write_bytes(ticket.read_bytes())
        api.batch_seconds = 0
        first, _ = score(make_items(2), judge, ticket)
        # as a worker leaves it that is killed after the last result was taken
        ticket.write_bytes(kept.read_bytes())
        again, outcome = score(make_items(2), judge, ticket, repeat=1)
        assert len(api.batches) == 2
    assert [s.repeat for s in (*first.values(), *again.values())] == [0, 0, 1, 1]
    assert (outcome.ended, outcome.left, ticket.exists()) == ("done", 0, False)


def test_what_failed_and_was_kept_before_a_kill_is_not_kept_again(
    judging: Make, make_items: Items, tmp_path: Path
) -> None:
    ticket = tmp_path / "ticket"
    with Api(script=lambda ask: REFUSED if "I count 0." in ask.text else None, batch_seconds=3600) as api:
        judge = judging(api)
        stops = iter([False, True])
        score(make_items(2), judge, ticket, stop=lambda: next(stops, True))
        api.batch_seconds = 0
        sent = json.loads(ticket.read_text())["time"]
        got, outcome = score(make_items(2), judge, ticket, earlier={"p0": sent + 1, "p1": sent - 1})
        assert len(api.batches) == 1
    assert (set(got), outcome.failed, outcome.left) == ({"p1"}, 0, 0)


def test_a_batch_as_old_and_as_large_that_is_anothers_is_left_to_it(
    judging: Make, make_items: Items, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    with Api(batch_seconds=3600) as api:
        judge = judging(api)
        for ticket in (theirs, mine):
            score(make_items(3), judge, ticket, stop=ticket.exists)
        api.batch_seconds = 0
        lost = {**json.loads(mine.read_text()), "batch": None}
        mine.write_text(json.dumps(lost))
        got, _ = score(make_items(3), judge, mine)
        assert ({s.state for s in got.values()}, len(api.batches)) == ({"scored"}, 2)
        # where mine never came, theirs is looked into once and mine is sent
        mine.write_text(json.dumps({**lost, "mark": "0" * 12}))
        got, _ = score(make_items(3), judge, mine)
        assert ({s.state for s in got.values()}, len(api.batches)) == ({"scored"}, 3)
        assert len(score(make_items(3), judge, theirs)[0]) == 3


def test_a_batch_watches_its_cache_and_who_answers(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(script=lambda ask: Said(model="claude-sonnet-5-5-20261001")) as api:
        assert score(make_items(3), judging(api), tmp_path / "ticket")[1].notes == ()
    with Api(script=lambda ask: Said(model="claude-haiku-5-5"), minimum_prefix=10**6) as api:
        _, outcome = score(make_items(3), judging(api), tmp_path / "ticket")
    assert [note.partition(":")[0] for note in outcome.notes] == [
        "claude-haiku-5-5 answered in place of claude-sonnet-5-5", "the cache did not form",
    ]  # fmt: skip


def test_the_key_is_in_no_traceback_of_a_batch(judging: Make, make_items: Items, tmp_path: Path) -> None:
    with Api(batch_seconds=5) as api:
        score(make_items(2), judging(api), tmp_path / "out", stop=(tmp_path / "out").exists)
        lost = tmp_path / "lost"
        lost.write_text(json.dumps({**json.loads((tmp_path / "out").read_text()), "batch": None}))
        for ticket in (tmp_path / "new", tmp_path / "out", lost):
            with pytest.raises((InputError, BusyError)) as bad:
                score(make_items(2), judging(api, key=ANOTHER), ticket)
            assert ANOTHER not in "".join(traceback.format_exception(bad.value))
