"""Setting rows aside: by prompt, in proportion, the same way every time."""

import math
import random
from collections import Counter

import pytest

from engine.data.split import Split, split_by_prompt, upsample
from engine.records.dataset import Message, Pair


def make_pair(number: int, prompt: str, category: str = "voice") -> Pair:
    return Pair(
        id=f"row-{number}",
        prompt=[Message(role="user", content=prompt)],
        chosen=[Message(role="assistant", content="Yes, Sir.")],
        rejected=[Message(role="assistant", content="Sure!")],
        category=category,
    )


def make_pairs(count: int, categories: tuple[str, ...] = ("voice",)) -> list[Pair]:
    return [make_pair(n, f"Question {n}?", categories[n % len(categories)]) for n in range(count)]


def ids(split: Split) -> tuple[set[str], set[str]]:
    return {p.id for p in split.train}, {p.id for p in split.heldout}


def test_every_row_lands_on_one_side_in_the_order_it_had() -> None:
    pairs = make_pairs(50)
    split = split_by_prompt(pairs, 0.2, 11)
    train, heldout = ids(split)
    assert (len(split.train), len(split.heldout)) == (40, 10)
    assert train | heldout == {p.id for p in pairs}
    assert split.train == [p for p in pairs if p.id in train]
    assert split.heldout == [p for p in pairs if p.id in heldout]


def test_rows_that_share_a_prompt_stay_together() -> None:
    # the same prompt but for white space and case, three rows each
    texts = [text for n in range(40) for text in (f"Q {n}?", f"q  {n}?", f" Q {n}?\n")]
    pairs = [make_pair(number, text) for number, text in enumerate(texts)]
    split = split_by_prompt(pairs, 0.25, 11)
    assert len({p.prompt_key() for p in split.heldout}) == 10
    assert len(split.heldout) == 30
    assert not {p.prompt_key() for p in split.train} & {p.prompt_key() for p in split.heldout}


def test_prompts_that_differ_in_an_earlier_turn_are_two() -> None:
    pairs = [
        Pair(
            id=f"row-{n}",
            prompt=[
                Message(role="user", content=f"Opening {n}."),
                Message(role="assistant", content="Go on."),
                Message(role="user", content="Why?"),
            ],
            chosen=[Message(role="assistant", content="Yes, Sir.")],
            rejected=[Message(role="assistant", content="Sure!")],
        )
        for n in range(10)
    ]
    assert len(split_by_prompt(pairs, 0.3, 11).heldout) == 3


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_order_of_the_rows_changes_nothing(order: int) -> None:
    pairs = make_pairs(101, ("voice", "letters", "identity"))
    expected = ids(split_by_prompt(pairs, 0.1, 11))
    random.Random(order).shuffle(pairs)
    assert ids(split_by_prompt(pairs, 0.1, 11)) == expected


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_the_order_of_the_rows_changes_nothing_where_a_prompt_stands_in_two_categories(seed: int) -> None:
    pairs = [make_pair(2 * n + k, f"Question {n}?", c) for n in range(30) for k, c in enumerate(("voice", "letters"))]
    pairs += [make_pair(100 + n, f"Other {n}?", "voice") for n in range(30)]
    assert ids(split_by_prompt(pairs, 0.2, seed)) == ids(split_by_prompt(pairs[::-1], 0.2, seed))


def test_a_seed_gives_one_split_and_another_seed_another() -> None:
    pairs = make_pairs(100)
    splits = [ids(split_by_prompt(pairs, 0.1, seed)) for seed in (11, 11, 12, 13)]
    assert splits[0] == splits[1]
    assert len({frozenset(heldout) for _, heldout in splits}) == 3


def test_a_prompt_set_aside_stays_aside_when_the_share_grows() -> None:
    pairs = make_pairs(100)
    _, fewer = ids(split_by_prompt(pairs, 0.1, 11))
    _, more = ids(split_by_prompt(pairs, 0.3, 11))
    assert fewer < more


def test_every_category_gives_in_proportion() -> None:
    sizes = {"identity": 50, "voice": 30, "letters": 20}
    pairs = [make_pair(n, f"{c} {n}?", c) for c, size in sizes.items() for n in range(size)]
    split = split_by_prompt(pairs, 0.2, 11)
    assert Counter(p.category for p in split.heldout) == {"identity": 10, "voice": 6, "letters": 4}


def test_what_does_not_divide_goes_to_the_largest_remainders() -> None:
    # 10% of 24 + 17 + 9 is 5: shares of 2.4, 1.7 and 0.9
    sizes = {"identity": 24, "voice": 17, "letters": 9}
    pairs = [make_pair(n, f"{c} {n}?", c) for c, size in sizes.items() for n in range(size)]
    split = split_by_prompt(pairs, 0.1, 11)
    assert Counter(p.category for p in split.heldout) == {"identity": 2, "voice": 2, "letters": 1}


def test_a_share_of_none_sets_nothing_aside() -> None:
    assert split_by_prompt(make_pairs(7), 0.0, 11).heldout == []
    assert split_by_prompt([], 0.1, 11) == ([], [])


@pytest.mark.parametrize(("prompts", "steps"), [(1498, 1011), (1273, 861)])
def test_the_earlier_runs_have_the_length_they_had(prompts: int, steps: int) -> None:
    """Three epochs in batches of four, a tenth of the prompts held out."""
    categories = ("identity", "voice", "letters", "knowledge", "anachronism", "moral", "reasoning")
    split = split_by_prompt(make_pairs(prompts, categories), 0.1, 11)
    assert math.ceil(len(split.train) / 4) * 3 == steps
    assert len(split.train) + len(split.heldout) == prompts


def test_upsampling_repeats_a_categorys_rows_in_place() -> None:
    pairs = make_pairs(4, ("voice", "letters"))
    assert [p.id for p in upsample(pairs, {"letters": 3})] == [
        "row-0", "row-1", "row-1", "row-1", "row-2", "row-3", "row-3", "row-3",
    ]  # fmt: skip
    assert upsample(pairs, {}) == pairs
