"""Setting rows aside, by prompt and before any upsampling, the same way every time."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from engine.records.dataset import Pair


class Split(NamedTuple):
    train: list[Pair]
    heldout: list[Pair]


def split_by_prompt(pairs: Sequence[Pair], share: float, seed: int) -> Split:
    """Set `share` of the distinct prompts aside, spread over the categories in proportion.

    Rows that share a prompt stay together, so that no held-out prompt was trained on. Which prompts
    are set aside depends on their text and the seed alone, not on the order of the rows.
    """
    by_category: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for pair in pairs:
        key = pair.prompt_key()
        first[key] = min(first.get(key, pair.category), pair.category)
    for key, category in first.items():
        by_category.setdefault(category, []).append(key)
    wanted = round(share * len(first))
    aside: set[str] = set()
    for category, count in _apportion({c: len(keys) for c, keys in by_category.items()}, wanted).items():
        ranked = sorted(by_category[category], key=lambda k: hashlib.sha256(f"{seed}\0{k}".encode()).digest())
        aside.update(ranked[:count])
    return Split(
        [p for p in pairs if p.prompt_key() not in aside],
        [p for p in pairs if p.prompt_key() in aside],
    )


def _apportion(sizes: dict[str, int], wanted: int) -> dict[str, int]:
    """Largest remainders (Hamilton's method): shares of `wanted` in proportion to `sizes`."""
    whole = sum(sizes.values())
    exact = {name: wanted * size / whole for name, size in sizes.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(sizes, key=lambda n: (counts[n] - exact[n], n))
    for name in by_remainder[: wanted - sum(counts.values())]:
        counts[name] += 1
    return counts


def upsample(pairs: Sequence[Pair], times: dict[str, int]) -> list[Pair]:
    """Each row as often as its category is to be seen in one epoch."""
    return [pair for pair in pairs for _ in range(times.get(pair.category, 1))]
