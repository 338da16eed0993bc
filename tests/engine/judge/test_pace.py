"""How many calls may be under way."""

import time
from datetime import UTC, datetime, timedelta

from engine.judge.pace import Pace


def test_a_first_call_goes_alone_and_then_all_do() -> None:
    pace = Pace(32, warm=True)
    assert pace.limit == 1
    pace.was_overloaded(time.monotonic())
    assert pace.limit == 1
    pace.went_well()
    assert pace.limit == 32


def test_calls_that_fail_together_lessen_it_once() -> None:
    pace, began = Pace(20), time.monotonic()
    for _ in range(20):
        pace.was_limited(began)
    assert pace.limit == 14
    pace.was_limited(time.monotonic())
    assert pace.limit == 9


def test_one_that_is_refused_among_a_round_that_went_well_is_noise_and_two_are_not() -> None:
    pace = Pace(10)
    for _ in range(3):
        for _ in range(10):
            pace.went_well()
        pace.was_overloaded(time.monotonic())
        assert pace.limit == 10
    pace.was_overloaded(time.monotonic())
    assert pace.limit == 9


def test_being_over_the_accounts_limit_is_never_noise() -> None:
    pace = Pace(10)
    for _ in range(50):
        pace.went_well()
    pace.was_limited(time.monotonic())
    assert pace.limit == 7


def test_the_way_back_is_quick_up_to_what_was_too_much_and_slow_beyond() -> None:
    pace = Pace(100)
    for _ in range(3):
        pace.was_limited(time.monotonic())
        time.sleep(0.001)
    low = pace.limit
    assert low == 34
    for _ in range(13):
        pace.went_well()
    assert pace.limit == 47
    for _ in range(40):
        pace.went_well()
    assert 47 <= pace.limit <= 48  # 40 answers with 47 under way are less than a round


def test_it_never_falls_below_one_nor_rises_above_the_most() -> None:
    pace = Pace(3)
    for _ in range(20):
        pace.was_limited(time.monotonic())
        time.sleep(0.0005)
    assert pace.limit == 1
    for _ in range(50):
        pace.went_well()
    assert pace.limit == 3


def test_all_wait_when_nothing_is_left_until_the_reset() -> None:
    pace = Pace(8)
    reset = (datetime.now(UTC) + timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    pace.went_well({"anthropic-ratelimit-input-tokens-remaining": "5", "anthropic-ratelimit-input-tokens-reset": reset})
    assert pace.seconds_to_wait() == 0
    pace.went_well({"anthropic-ratelimit-input-tokens-remaining": "0", "anthropic-ratelimit-input-tokens-reset": reset})
    assert 18 < pace.seconds_to_wait() <= 20


def test_headers_that_say_nothing_are_passed_over() -> None:
    pace = Pace(8)
    pace.went_well({"anthropic-ratelimit-requests-remaining": "many", "anthropic-ratelimit-requests-reset": "soon"})
    pace.went_well({"anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "soon"})
    assert (pace.limit, pace.seconds_to_wait()) == (8, 0)


def test_no_server_can_make_it_wait_for_ever() -> None:
    pace = Pace(8)
    pace.was_limited(time.monotonic(), after=1e9)
    assert pace.seconds_to_wait() <= 120


def test_requests_that_are_left_bound_it_and_more_left_let_it_come_back_quickly() -> None:
    pace = Pace(20)
    pace.went_well({"anthropic-ratelimit-requests-remaining": "3"})
    assert pace.limit == 3
    for _ in range(10):
        pace.went_well({"anthropic-ratelimit-requests-remaining": "4000"})
    assert pace.limit == 13
