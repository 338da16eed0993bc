"""The judge behind Anthropic's API, against a server that behaves like it."""

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import LIMITED, OVERLOADED, REFUSED, Api, Ask, Cut, Failed, Model, Reaction, Said
from engine.errors import InputError, ModelError, RefusedError
from engine.judge import prices
from engine.judge.claude import API_VERSION, ASSUMED_OUTPUT, ClaudeJudge, describe_claude
from engine.judge.judgement import Item
from engine.judge.rubric import Brief, make_brief
from engine.judge.scoring import score_items
from engine.records.judging import Component, Rubric, Score
from engine.store.journal import Journal

Make = Callable[..., ClaudeJudge]
Items = Callable[[int], list[Item]]
CUT_SHORT = Said('{"reasons": "He', "max_tokens")
GOOD = {"voice": 8, "rhetorical": 7, "historical": 9, "position": 8, "integrity": 10}
KEY = "sk-ant-very-secret-0123456789"


def score(items: list[Item], judge: ClaudeJudge, **options: Any) -> dict[str, Score]:
    got: list[Score] = []
    score_items(items, judge, got.append, **options)
    assert len({s.id for s in got}) == len(got)
    return {s.id: s for s in got}


def verdict(**changes: Any) -> str:
    return json.dumps({"reasons": "So.", "critical_failures": [], "components": GOOD, "overall": 9.0, **changes})


def first(reaction: Reaction, times: int = 1) -> Callable[[Ask], Reaction | None]:
    """`reaction` to the first so many requests, then what the API does by itself."""
    return lambda ask: reaction if ask.number <= times else None


def test_a_request_is_as_the_api_of_today_wants_it(judging: Make, make_items: Items, brief: Brief) -> None:
    with Api() as api:
        score(make_items(1), judging(api, effort="low"))
        (ask,) = api.of()
    assert ask.headers["anthropic-version"] == API_VERSION == "2026-10-21"
    assert ask.headers["authorization"] == f"Bearer {api.key}"
    assert not {"temperature", "top_p", "top_k", "tool_choice", "tools", "thinking"} & ask.body.keys()
    assert ask.body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": brief.schema}}
    assert ask.body["system"] == [
        {"type": "text", "text": brief.system, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ]
    assert "cache_control" not in json.dumps(ask.body["messages"])


def test_a_verdict_becomes_a_score_with_the_weighted_mean_and_the_judges_own_beside_it(
    judging: Make, make_items: Items
) -> None:
    with Api(script=lambda ask: Said(verdict(), model="claude-sonnet-5-5-20261001", thinking=50)) as api:
        judge = judging(api)
        got = score(make_items(1), judge)["p0"]
    assert (got.state, got.overall, got.judge_overall) == ("scored", pytest.approx(8.3), 9.0)
    assert got.components == GOOD
    assert got.model == "claude-sonnet-5-5-20261001"  # as served, which the alias does not tell
    assert got.usage.thinking_tokens == 50 < got.usage.output_tokens
    assert got.judge == judge.use.fingerprint == describe_claude(judge.brief, "claude-sonnet-5-5").fingerprint
    assert got.usd == pytest.approx(prices.bill(got.usage, "claude-sonnet-5-5"))


@pytest.mark.parametrize(("count", "most"), [(36, 0.135), (100, 0.115)])
def test_the_rubric_is_paid_for_once_and_then_read_from_the_cache(
    judging: Make, make_items: Items, count: int, most: float
) -> None:
    with Api(latency=0.002) as api:
        judge = judging(api)
        got = list(score(make_items(count), judge).values())
    prefix = max(s.usage.cache_write_5m for s in got)
    assert sum(s.usage.cache_write_5m > 0 for s in got) == 1
    assert sum(s.usage.cache_read == prefix for s in got) == count - 1
    paid = sum(prices.WRITE_5M * s.usage.cache_write_5m + prices.READ * s.usage.cache_read for s in got)
    assert paid / (count * prefix) <= most
    assert judge.notes == []


def test_one_call_goes_alone_until_the_cache_is_written(judging: Make, make_items: Items) -> None:
    with Api(latency=0.03) as api:
        seen: list[int] = []
        api.script = lambda ask: seen.append(api.under_way) or None  # type: ignore[func-returns-value]
        score(make_items(12), judging(api, in_flight=6), in_flight=6)
    assert seen[0] == 1
    assert max(seen[1:]) > 2
    assert api.most_under_way <= 6


def test_a_cache_that_does_not_form_is_said_once(judging: Make, make_items: Items) -> None:
    small = make_brief(
        Rubric(
            name="r", version=1, instructions="Judge.",
            components=[Component(name=n, weight=1, description="d") for n in GOOD],
        )
    )  # fmt: skip
    with Api() as api:
        judge = judging(api, brief=small)
        outcome = score_items(make_items(5), judge, lambda _: None)
    assert len(outcome.notes) == 1
    assert "the cache does not form" in outcome.notes[0]
    assert "below 512 tokens" in outcome.notes[0]


def test_a_cut_off_verdict_is_asked_again_twice_with_double_room_and_every_try_is_billed(
    judging: Make, make_items: Items
) -> None:
    with Api(script=first(CUT_SHORT, 2)) as api:
        got = score(make_items(1), judging(api, max_tokens=1000))["p0"]
        assert [ask.body["max_tokens"] for ask in api.of()] == [1000, 2000, 4000]
    assert got.state == "scored"
    assert got.usage.output_tokens > 3000
    with Api(script=first(CUT_SHORT, 99)) as api:
        got = score(make_items(1), judging(api, max_tokens=1000))["p0"]
        assert api.count() == 3
    assert (got.state, got.overall, got.usage.output_tokens) == ("truncated", None, 7000)
    assert "cut off" in got.problem


def test_a_refusal_with_200_and_nothing_in_it_is_a_state_with_its_category(judging: Make, make_items: Items) -> None:
    with Api(script=first(REFUSED)) as api:
        got = score(make_items(2), judging(api))
        assert api.count() == 2  # and is not asked again by itself
    assert (got["p0"].state, got["p0"].overall) == ("refused", None)
    assert "frontier_llm" in got["p0"].problem
    assert got["p0"].usage.cache_write_5m > 0
    assert got["p1"].state == "scored"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"), ("", "no JSON"), ("[" * 100_000, "no JSON"), ("[]", "no JSON object"),
        (verdict(components={**GOOD, "voice": 11}), "outside 1 to 10"),
        (verdict(components={**GOOD, "humour": 5}), "unknown component"),
        (verdict(components={"voice": 5}), "is missing"),
    ],
)  # fmt: skip
def test_a_verdict_that_is_none_is_invalid_and_never_a_number(
    judging: Make, make_items: Items, text: str, told: str
) -> None:
    with Api(script=first(Said(text))) as api:
        got = score(make_items(1), judging(api))["p0"]
    assert (got.state, got.overall) == ("invalid", None)
    assert told in got.problem


@pytest.mark.parametrize("trouble", [LIMITED, OVERLOADED, Cut(), Failed(500)], ids=["429", "529", "cut", "500"])
def test_what_may_pass_is_asked_again_until_it_does(judging: Make, make_items: Items, trouble: Reaction) -> None:
    with Api(script=first(trouble, 2)) as api:
        got = score(make_items(3), judging(api))
        assert api.count() == 5
    assert [s.state for s in got.values()] == ["scored"] * 3


def test_what_never_comes_through_is_of_state_transport(judging: Make, make_items: Items) -> None:
    with Api(script=first(OVERLOADED._replace(headers={"retry-after": "0"}), 99)) as api:
        got = score(make_items(1), judging(api))["p0"]
        assert api.count() == 7
    assert (got.state, got.usd) == ("transport", 0.0)
    assert "HTTP 529" in got.problem


def test_a_server_that_says_not_to_ask_again_is_believed(judging: Make, make_items: Items) -> None:
    with Api(script=first(Failed(500, headers={"x-should-retry": "false"}), 99)) as api:
        assert score(make_items(1), judging(api))["p0"].state == "transport"
        assert api.count() == 1


def test_retry_after_is_waited_for(judging: Make, make_items: Items) -> None:
    times: list[float] = []

    def script(ask: Ask) -> Reaction | None:
        times.append(datetime.now(UTC).timestamp())
        return Failed(429, "rate_limit_error", "slow", {"retry-after": "0.3"}) if ask.number == 1 else None

    with Api(script=script) as api:
        score(make_items(1), judging(api))
    assert times[1] - times[0] >= 0.3


def test_a_limit_lessens_what_is_under_way_and_rate_headers_are_followed(judging: Make, make_items: Items) -> None:
    with Api(script=first(LIMITED, 1)) as api:
        judge = judging(api, in_flight=20)
        score(make_items(1), judge)
        assert judge.pace.limit == 20
    left = {"anthropic-ratelimit-requests-remaining": "3"}
    with Api(script=lambda ask: Said(headers=left)) as api:
        judge = judging(api, in_flight=20)
        score(make_items(2), judge)
        assert judge.pace.limit == 3


@pytest.mark.parametrize(
    ("failed", "error", "told"),
    [
        (Failed(401, "authentication_error", "bad key"), InputError, "bad key"),
        (Failed(403, "permission_error", "not yours"), InputError, "not yours"),
        (Failed(402, "billing_error", "no credit"), RefusedError, "no credit"),
        (Failed(404, "not_found_error", "no such model"), ModelError, "no such model"),
        (
            Failed(400, "invalid_request_error", "limit", error_code="contract_spend_limit_reached"),
            RefusedError,
            "limit",
        ),
    ],
)
def test_what_every_call_would_meet_ends_the_scoring(
    judging: Make, make_items: Items, failed: Failed, error: type[Exception], told: str
) -> None:
    with Api(script=first(failed, 99)) as api:
        got: list[Score] = []
        with pytest.raises(error, match=told):
            score_items(make_items(5), judging(api), got.append)
        assert api.count() == 1
    assert got == []


def test_a_request_refused_for_one_item_is_that_items_state_and_for_all_an_error(
    judging: Make, make_items: Items
) -> None:
    too_long = Failed(400, "invalid_request_error", "prompt is too long")
    with Api(script=first(too_long)) as api:
        got = score(make_items(3), judging(api))
    assert [got[i].state for i in ("p0", "p1", "p2")] == ["invalid", "scored", "scored"]
    assert "too long" in got["p0"].problem
    with Api(script=first(too_long, 99)) as api, pytest.raises(InputError, match="takes no request"):
        score(make_items(9), judging(api))


def test_without_a_key_it_says_what_to_set_and_that_rules_need_none(brief: Brief) -> None:
    with pytest.raises(InputError) as bad:
        ClaudeJudge(brief, "claude-sonnet-5-5")
    assert "export ANTHROPIC_API_KEY=" in bad.value.fix
    assert "--judge rules needs none" in bad.value.fix
    assert "known price" not in bad.value.message
    with pytest.raises(InputError, match=r"^no .*Anthropic: .*, and 'nope' is no model with a known price$"):
        ClaudeJudge(brief, "nope")


def test_a_retired_or_unknown_judge_is_refused_naming_what_there_is(judging: Make) -> None:
    with Api() as api:
        api.models["claude-sonnet-4-20250514"] = Model("retired")
        for name in ("claude-sonnet-4-20250514", "claude-nowhere"):
            with pytest.raises(ModelError) as bad:
                judging(api, model=name).check_model()
            assert "claude-sonnet-5-5" in bad.value.fix
            assert "20250514" not in bad.value.fix


def test_a_judge_that_retires_within_thirty_days_is_advised_against(judging: Make) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    with Api() as api:
        api.models["claude-sonnet-4-5"] = Model("deprecated", datetime(2026, 11, 30, tzinfo=UTC))
        api.models["claude-haiku-4-5"] = Model("deprecated", now + timedelta(days=300))
        (soon,) = judging(api, model="claude-sonnet-4-5").check_model(now)
        (later,) = judging(api, model="claude-haiku-4-5").check_model(now)
        assert judging(api).check_model(now) == []
    assert "retires on 2026-11-30" in soon
    assert "deprecated" in later


def test_the_cost_is_reckoned_before_the_run_without_a_single_judgement(judging: Make, make_items: Items) -> None:
    with Api() as api:
        judge = judging(api)
        told = judge.estimate(make_items(36))
        assert api.count() == 0
        got = score(make_items(36), judge)
    used = sum(s.usage.input_tokens for s in got.values())
    prefix = max(s.usage.cache_write_5m for s in got.values())
    assumed = 36 * ASSUMED_OUTPUT["medium"]
    assert told.calls == 36
    assert told.usd == pytest.approx((used + (1.25 + 35 * 0.1) * prefix) * 2 / 1e6 + assumed * 10 / 1e6, rel=0.01)


@pytest.mark.parametrize("trouble", [OVERLOADED, Failed(404, "not_found_error", "no such path")], ids=["529", "404"])
def test_where_tokens_cannot_be_counted_the_cost_is_reckoned_by_length(
    judging: Make, make_items: Items, trouble: Failed
) -> None:
    with Api() as api:
        counted = judging(api).estimate(make_items(10))
        api.countless = trouble
        told = judging(api).estimate(make_items(10))
    assert counted.notes == ()
    assert "reckoned by length" in told.notes[0]
    assert counted.usd is not None
    assert told.usd is not None
    assert counted.usd < told.usd < 2 * counted.usd
    with Api() as api, pytest.raises(InputError, match="authentication_error"):
        judging(api, key="another").estimate(make_items(1))


def test_another_model_that_answers_is_noted_and_recorded(judging: Make, make_items: Items) -> None:
    with Api(script=lambda ask: Said(model="claude-haiku-5-5")) as api:
        judge = judging(api)
        got = score(make_items(3), judge)
    assert {s.model for s in got.values()} == {"claude-haiku-5-5"}
    assert judge.notes == ["claude-haiku-5-5 answered in place of claude-sonnet-5-5: it is another judge"]
    assert got["p1"].usd == pytest.approx(prices.bill(got["p1"].usage, "claude-haiku-5-5"))


@pytest.mark.parametrize(
    ("served", "another"),
    [("claude-sonnet-5-5-20261001", False), ("claude-sonnet-5-5-5", True), ("claude-sonnet-5-5-20261001-fast", True)],
)
def test_a_name_with_a_date_behind_is_the_same_model_and_a_longer_name_is_not(
    judging: Make, make_items: Items, served: str, another: bool
) -> None:
    with Api(script=lambda ask: Said(model=served)) as api:
        judge = judging(api)
        score(make_items(1), judge)
    assert [note.partition(" ")[0] for note in judge.notes] == [served] * another


def test_a_context_that_is_full_is_not_asked_again_with_more_room(judging: Make, make_items: Items) -> None:
    with Api(script=first(Said('{"reasons": "He', "model_context_window_exceeded"), 9)) as api:
        got = score(make_items(1), judging(api))["p0"]
        assert api.count() == 1
    assert (got.state, got.usage.output_tokens > 0) == ("truncated", True)


@pytest.mark.parametrize("page", [b"<html>Welcome</html>", b'{"hello": 1}', b"[]"])
def test_a_server_of_something_else_ends_the_scoring(judging: Make, make_items: Items, page: bytes) -> None:
    with Api() as api:
        api.page = page
        with pytest.raises(InputError, match="something else than a message"):
            score(make_items(2), judging(api))


def test_no_call_costs_more_than_its_bound(judging: Make, make_items: Items) -> None:
    with Api(script=lambda ask: CUT_SHORT) as api:
        judge = judging(api, max_tokens=1000)
        (item,) = make_items(1)
        got = score([item], judge)["p0"]
        bounds = [judge.bound(item, doubled) or 0.0 for doubled in range(3)]
    assert got.usd is not None
    assert got.usd <= sum(bounds)


def test_the_key_reaches_no_journal_log_error_or_repr(
    judging: Make,
    make_items: Items,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [
        Said(verdict(reasons=f"The key is {KEY}.")),
        Said("", "refusal", {"type": "refusal", "category": None, "explanation": f"for {KEY}"}),
        Said(verdict(components={**GOOD, KEY: 1})),
        Failed(400, "invalid_request_error", f"bad header Bearer {KEY}"),
        Failed(500, "api_error", f"echo {KEY}", {"x-should-retry": "false"}),
        # where what is told is cut in the middle of the key
        Failed(400, "invalid_request_error", "x" * 280 + f" {KEY}"),
        Said("", "refusal", {"type": "refusal", "category": None, "explanation": "x" * 180 + KEY}),
        Said(verdict(components={**GOOD, "x" * 20 + KEY: 1})),
    ]
    told: list[str] = []
    journal = Journal(tmp_path / "scores")
    with Api(key=KEY, script=lambda ask: said[ask.number - 1] if ask.number <= len(said) else None) as api:
        judge = judging(api, in_flight=1)
        outcome = score_items(make_items(10), judge, lambda s: journal.append(s.to_json()), in_flight=1)
        told += [repr(judge), str(vars(judge)), repr(outcome), repr(judge.use)]
        wrong = judging(api, key=f"{KEY}-wrong")
        with pytest.raises(InputError) as bad:
            score_items(make_items(1), wrong, lambda _: None)
        told += [str(bad.value), repr(bad.value), bad.value.fix, "".join(traceback.format_exception(bad.value))]
        with pytest.raises(InputError) as bad:
            wrong.check_model()
        told += ["".join(traceback.format_exception(bad.value))]
        with pytest.raises(InputError) as bad:
            wrong.estimate(make_items(1))
        told += ["".join(traceback.format_exception(bad.value))]
    journal.close()
    captured = capfd.readouterr()
    told += [caplog.text, captured.out, captured.err, (tmp_path / "scores").read_text()]
    assert "The key is [key]." in (tmp_path / "scores").read_text()
    part = KEY[:14]  # a beginning of it is told enough
    leaked = [text[max(0, text.find(part) - 80) : text.find(part)] for text in told if part in text]
    assert not leaked
