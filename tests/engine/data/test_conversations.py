import re
from collections import Counter
from itertools import combinations

import pytest

from engine.data.conversations import MOST, TEMPLATES, generate_conversations
from engine.errors import InputError
from engine.probe.recall import score_turn
from engine.records.conversations import Conversation, Expectation


def tells(text: str, spellings: list[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(s)}(?![\w-])", text) for s in spellings)


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return generate_conversations(1787)


def expected(conversations: list[Conversation]) -> list[tuple[list[str], Expectation]]:
    return [(c.list_user_turns(), e) for c in conversations for e in c.expects]


def test_two_hundred_are_of_four_categories_alike_and_no_two_the_same(conversations: list[Conversation]) -> None:
    assert Counter(c.category for c in conversations) == dict.fromkeys(TEMPLATES, 50)
    assert len({c.id for c in conversations}) == len(conversations) == 200
    assert len({tuple(c.list_user_turns()) for c in conversations}) == 200
    assert all(3 <= len(c.list_user_turns()) <= 5 for c in conversations)


def test_each_category_has_twelve_templates_and_uses_them_all(conversations: list[Conversation]) -> None:
    for category, templates in TEMPLATES.items():
        assert len({t.tell for t in templates}) == len(templates) >= 12
        said = "\n".join(t for c in conversations if c.category == category for t in c.list_user_turns())
        for template in templates:
            pattern = re.sub(r"\\\{\w+\\\}", r"[\\w -]+", re.escape(template.tell))
            assert re.search(pattern, said), template.tell


def test_every_expected_thing_stands_in_the_turn_that_is_named_and_in_no_other(
    conversations: list[Conversation],
) -> None:
    for turns, e in expected(conversations):
        assert e.any_from is not None
        assert [i for i, t in enumerate(turns[: e.turn + 1]) if tells(t, e.any_of)] == [e.any_from], (turns, e)


def test_every_forbidden_thing_stands_first_in_the_turn_that_is_named_and_not_in_the_asking_one(
    conversations: list[Conversation],
) -> None:
    forbidding = [(turns, e) for turns, e in expected(conversations) if e.none_of]
    assert len(forbidding) >= 80
    for turns, e in forbidding:
        assert e.none_from is not None
        assert next(i for i, t in enumerate(turns) if tells(t, e.none_of)) == e.none_from
        assert not tells(turns[e.turn], e.none_of)
        assert not set(e.any_of) & set(e.none_of)


def test_no_asking_turn_gives_its_own_answer_away_by_the_rules_that_score(conversations: list[Conversation]) -> None:
    for turns, e in expected(conversations):
        assert score_turn(turns[e.turn], e).state == "missed"
        assert score_turn(f"It is {e.any_of[0]}.", e).state == "kept"
        if e.none_of:
            assert score_turn(f"It is {e.none_of[0]}.", e).state == "contradicted"


def test_every_changed_constraint_forbids_the_value_before_and_was_asked_of_after_the_change(
    conversations: list[Conversation],
) -> None:
    for conversation in conversations:
        last = conversation.expects[-1]
        if conversation.category == "constraints":
            assert last.none_from == 0
            assert last.any_from is not None
            assert 0 < last.any_from < last.turn


def test_difficulty_is_how_far_back_the_furthest_fact_lies(conversations: list[Conversation]) -> None:
    for c in conversations:
        distance = max(e.turn - e.any_from for e in c.expects if e.any_from is not None)
        assert c.difficulty == {1: "easy", 2: "medium"}.get(distance, "hard")
    for category in TEMPLATES:
        of = Counter(c.difficulty for c in conversations if c.category == category)
        assert min(of[level] for level in ("easy", "medium", "hard")) >= 16


def test_no_two_conversations_share_a_pair_of_things_told() -> None:
    pairs: Counter[tuple[str, str]] = Counter()
    for c in generate_conversations(3, MOST):
        told = {e.any_of[0] for e in c.expects} | {e.none_of[0] for e in c.expects if e.none_of}
        by_place = sorted(told, key=" ".join(c.list_user_turns()).index)
        pairs.update(combinations(by_place, 2))
    assert len(pairs) > 500
    assert max(pairs.values()) == 1


def test_one_seed_says_the_same_in_every_process_and_fewer_are_the_beginning_of_more(
    conversations: list[Conversation],
) -> None:
    assert generate_conversations(1787, 41) == conversations[:41]
    assert generate_conversations(1788)[0] != conversations[0]
    assert conversations[7].list_user_turns() == PINNED


PINNED = [
    "Let me tell you something of my affairs. Our puppy is to be called Pepper.",
    "The children have had their way about the puppy, and it is Hector now.",
    "What makes a good neighbour, do you think?",
    "What is the puppy's name to be?",
]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_thousand_are_told_apart_and_their_english_holds(seed: int) -> None:
    for modern in (False, True):
        many = generate_conversations(seed, MOST, modern=modern)
        assert len({tuple(c.list_user_turns()) for c in many}) == MOST
        for c in many:
            for text in c.list_user_turns():
                assert not re.search(r"[{}]|  |- |\b[Aa] [aeiou]|\bAn? an? ", text), text


def test_ids_of_two_seeds_and_of_modern_ones_never_meet() -> None:
    sets = [generate_conversations(1, 20), generate_conversations(2, 20), generate_conversations(1, 20, modern=True)]
    assert len({c.id for many in sets for c in many}) == 60


def test_nothing_later_than_the_era_is_spoken_of_unless_it_is_asked_for(conversations: list[Conversation]) -> None:
    modern = re.compile(r"\b(?:phone|car|email|screen|online|flight|film|video|website|airport|laptop|train|bus)\b")
    assert not [t for c in conversations for t in c.list_user_turns() if modern.search(t)]
    later = generate_conversations(1787, modern=True)
    found = {c.category for c in later if modern.search(" ".join(c.list_user_turns()))}
    assert found == set(TEMPLATES)


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_more_than_the_things_suffice_for_is_refused_with_a_way_out(count: int) -> None:
    with pytest.raises(InputError, match=f"{count} conversations") as bad:
        generate_conversations(0, count)
    assert "several seeds" in bad.value.fix
