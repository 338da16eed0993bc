"""What tokens cost."""

import pytest

from engine.judge.prices import PRICES, bill, estimate, find_price
from engine.records.judging import Usage

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(input_tokens=MILLION), 2.0),
        (Usage(output_tokens=MILLION), 10.0),
        (Usage(cache_write_5m=MILLION), 2.5),
        (Usage(cache_write_1h=MILLION), 4.0),
        (Usage(cache_read=MILLION), 0.2),
        (Usage(output_tokens=MILLION, thinking_tokens=MILLION), 10.0),  # thinking is within the output
        (Usage(input_tokens=MILLION, cache_read=MILLION, batch=True), 1.1),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, usd: float) -> None:
    assert bill(usage, "claude-sonnet-5-5") == pytest.approx(usd)


def test_an_unknown_model_has_no_price_and_is_not_free() -> None:
    assert bill(Usage(input_tokens=1), "claude-unheard-of") is None
    told = estimate("claude-unheard-of", 10, 3000, 500, 900, ttl="5m")
    assert told.usd is None
    assert "no price" in told.notes[0]


def test_a_dated_name_has_the_price_of_its_model() -> None:
    assert find_price("claude-haiku-4-5-20251001") == PRICES["claude-haiku-4-5"]
    assert find_price("claude-haiku-4-5x") is None


def test_an_estimate_pays_the_prefix_once_and_reads_it_after() -> None:
    told = estimate("claude-sonnet-5-5", 36, 3000, 3600, 0, ttl="5m")
    assert told.usd == pytest.approx((1.25 * 3000 + 0.1 * 35 * 3000 + 3600) * 2 / 1e6)
    half = estimate("claude-sonnet-5-5", 36, 3000, 3600, 0, ttl="5m", batch=True)
    assert half.usd == pytest.approx((told.usd or 0) / 2)


def test_a_prefix_that_is_too_short_to_be_cached_is_said_and_paid_in_full() -> None:
    told = estimate("claude-haiku-4-5", 36, 3000, 3600, 0, ttl="5m")
    assert told.usd == pytest.approx((36 * 3000 + 3600) / 1e6)
    assert "below 4096" in told.notes[0]
