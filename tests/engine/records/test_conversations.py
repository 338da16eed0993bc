import json
from typing import Any

import pytest
from pydantic import ValidationError

from engine.errors import DatasetError
from engine.records.conversations import Conversation, Expectation


def row(**more: Any) -> dict[str, Any]:
    return {
        "id": "memory-1-000", "category": "memory", "difficulty": "easy",
        "messages": [{"role": "user", "content": "My dog is called Ponto."}], "turns": ["What is he called?"],
        "expects": [{"turn": 1, "any_of": ["Ponto"], "any_from": 0}],
        **more,
    }  # fmt: skip


def test_a_conversation_is_stored_and_read_back_the_same() -> None:
    conversation = Conversation.model_validate(row())
    stored = conversation.model_dump_json(exclude_defaults=True)
    assert json.loads(stored) == row()
    assert Conversation.model_validate_json(stored) == conversation
    assert conversation.list_user_turns() == ["My dog is called Ponto.", "What is he called?"]


def test_an_expectation_beyond_the_last_turn_is_refused_with_the_place() -> None:
    with pytest.raises(DatasetError, match=r"prompts line 3.*turn 2, and the last is 1"):
        Conversation.parse(row(expects=[{"turn": 2, "any_of": ["Ponto"]}]), "prompts line 3", DatasetError)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"turn": 1}, "neither any_of nor none_of"),
        ({"turn": 1, "any_of": [" "]}, "an empty text"),
        ({"turn": 1, "any_of": ["a"], "any_from": 1}, "any_from is 1, which is not before turn 1"),
        ({"turn": 1, "none_of": ["a"], "none_from": 2}, "none_from is 2"),
        ({"turn": -1, "any_of": ["a"]}, "greater than or equal to 0"),
        ({"turn": 1, "anyof": ["a"]}, "anyof"),
    ],
)
def test_an_expectation_that_nothing_can_meet_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Expectation.model_validate(given)
