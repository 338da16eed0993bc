"""What judging costs: prices by model, as published on a date; an unknown model has no price and is never taken for free."""

import re
from typing import Literal, NamedTuple

from engine.records.judging import Usage

AS_OF = "2026-11-20"
"""By platform.claude.com/docs, models overview and prompt caching."""
WRITE_5M, WRITE_1H, READ, BATCH = 1.25, 2.0, 0.1, 0.5
"""Times the price of input."""
Ttl = Literal["5m", "1h"]
DATED = r"(?:-20\d{6})?"
"""What may stand behind a model's name."""


class Price(NamedTuple):
    """US dollars per million tokens, and the fewest tokens of a prefix that the model caches (None: not known)."""

    input: float
    output: float
    cached_from: int | None = None


PRICES: dict[str, Price] = {
    "claude-fable-5-2": Price(8, 40, 512),
    "claude-opus-5-5": Price(4, 20, 512),
    "claude-sonnet-5-5": Price(2, 10, 512),
    "claude-sonnet-4-6": Price(3, 15, 1024),
    "claude-haiku-5-5": Price(0.1, 0.5),  # of prompts up to 100,000 tokens
    "claude-haiku-4-5": Price(1, 5, 4096),
}


def find_price(model: str) -> Price | None:
    """Of a model by its name or its name with a date behind."""
    return PRICES.get(re.sub(DATED + "$", "", model))


def bill(usage: Usage, model: str) -> float | None:
    """US dollars; None where no price is known."""
    price = find_price(model)
    if price is None:
        return None
    read_as_input = (
        usage.input_tokens
        + WRITE_5M * usage.cache_write_5m
        + WRITE_1H * usage.cache_write_1h
        + READ * usage.cache_read
    )  # fmt: skip
    dollars = (read_as_input * price.input + usage.output_tokens * price.output) / 1e6
    return dollars * (BATCH if usage.batch else 1.0)


class Estimate(NamedTuple):
    """What a scoring will cost, reckoned before it."""

    calls: int
    usd: float | None
    notes: tuple[str, ...] = ()


def estimate(
    model: str, calls: int, prefix_tokens: int, item_tokens: int, output_tokens: int, *, ttl: Ttl, batch: bool = False
) -> Estimate:
    """The prefix is paid once in full and then read from the cache, in a batch too; output is assumed of each call."""
    later = max(0, calls - 1)
    usage = Usage(
        input_tokens=item_tokens,
        output_tokens=calls * output_tokens,
        cache_write_5m=prefix_tokens if ttl == "5m" and calls else 0,
        cache_write_1h=prefix_tokens if ttl == "1h" and calls else 0,
        cache_read=later * prefix_tokens,
        batch=batch,
    )
    notes = []
    price = find_price(model)
    if price is None:
        notes.append(f"no price of {model} is known (prices of {AS_OF}), so its cost is not")
    elif price.cached_from is not None and prefix_tokens < price.cached_from:
        notes.append(f"{model} caches no prefix below {price.cached_from} tokens; the rubric has {prefix_tokens}")
        whole = item_tokens + calls * prefix_tokens
        usage = Usage(input_tokens=whole, output_tokens=calls * output_tokens, batch=batch)
    return Estimate(calls, bill(usage, model), tuple(notes))
