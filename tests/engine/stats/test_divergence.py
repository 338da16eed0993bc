"""The divergence that is told of the likeliest tokens alone never passes the one over all of them."""

import math
import random

import pytest

from engine.stats.divergence import bound_kl

SIZE = 400


def draw(stream: random.Random, sharpness: float) -> dict[int, float]:
    """Log-probabilities of a whole vocabulary."""
    scores = [stream.gauss(0, sharpness) for _ in range(SIZE)]
    whole = math.log(math.fsum(math.exp(s) for s in scores))
    return {token: score - whole for token, score in enumerate(scores)}


def shift(stream: random.Random, first: dict[int, float], by: float) -> dict[int, float]:
    scores = {token: value + stream.gauss(0, by) for token, value in first.items()}
    whole = math.log(math.fsum(math.exp(s) for s in scores.values()))
    return {token: score - whole for token, score in scores.items()}


def exact_kl(first: dict[int, float], second: dict[int, float]) -> float:
    return math.fsum(math.exp(p) * (p - second[token]) for token, p in first.items())


def likeliest(told: dict[int, float], count: int) -> dict[int, float]:
    return dict(sorted(told.items(), key=lambda t: -t[1])[:count])


@pytest.mark.parametrize("sharpness", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("count", [1, 2, 10, 100, 399])
def test_it_never_passes_the_divergence_over_the_whole_vocabulary(count: int, sharpness: float) -> None:
    stream = random.Random(7)
    for _ in range(60):
        first = draw(stream, sharpness)
        for second in (shift(stream, first, 0.1), shift(stream, first, 3.0), draw(stream, sharpness)):
            bound = bound_kl(likeliest(first, count), likeliest(second, count))
            assert 0 <= bound <= exact_kl(first, second) + 1e-7
            # a server that scores a given token tells it beside the likeliest, however unlikely it is
            given = {**likeliest(second, count), (rare := min(second, key=second.__getitem__)): second[rare]}
            assert bound_kl(likeliest(first, count), given) <= exact_kl(first, second) + 1e-7


def test_it_is_the_divergence_where_every_token_is_told() -> None:
    stream = random.Random(3)
    for _ in range(50):
        first, second = draw(stream, 2.0), draw(stream, 2.0)
        assert bound_kl(first, second) == pytest.approx(exact_kl(first, second), abs=1e-9)


def test_more_tokens_tell_more() -> None:
    stream = random.Random(5)
    first = draw(stream, 2.0)
    second = shift(stream, first, 1.0)
    found = [bound_kl(likeliest(first, count), likeliest(second, count)) for count in (5, 50, 200, SIZE)]
    assert found == sorted(found)
    assert found[2] > 0.9 * found[3]


def test_of_a_form_that_likes_quite_other_tokens_it_is_large() -> None:
    first = {token: math.log(0.0999) for token in range(10)}
    second = {token: math.log(0.000999) for token in range(100, 1100)}
    # in the second each of the first's ten has 0.000999 at most, and all of what it does not tell has 0.001
    assert bound_kl(first, second) > 4.5
    assert bound_kl(second, first) > 6.0


def test_equal_distributions_do_not_part() -> None:
    first = draw(random.Random(1), 3.0)
    assert bound_kl(first, first) == pytest.approx(0.0, abs=1e-12)
    assert bound_kl(likeliest(first, 20), likeliest(first, 20)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({}, {}, 0.0),
        ({1: math.log(0.5)}, {}, 0.0),
        ({}, {1: math.log(0.5)}, 0.0),
        ({1: 0.0}, {1: 0.0}, 0.0),
        ({1: 0.0}, {1: math.log(0.25)}, math.log(4)),
        ({1: math.log(0.5), 2: -math.inf}, {1: math.log(0.5), 2: math.log(0.5)}, 0.5 * math.log(0.5 / 1e-12)),
        ({1: math.log(0.5), 2: math.log(0.5)}, {1: 0.0, 2: -math.inf}, 0.5 * math.log(0.5) + 0.5 * (math.log(0.5) + 103)),
        ({1: math.log(0.5), 2: math.log(0.5)}, {1: 0.0, 2: -3.4e38}, 0.5 * math.log(0.5) + 0.5 * (math.log(0.5) + 103)),
        # float32 sums that are a little more than one
        ({1: 1e-7, 2: -20.0}, {1: 1e-7, 2: -20.0}, 0.0),
    ],
)  # fmt: skip
def test_what_is_missing_certain_or_impossible_gives_a_finite_number(
    first: dict[int, float], second: dict[int, float], found: float
) -> None:
    assert bound_kl(first, second) == pytest.approx(found, abs=1e-6)
