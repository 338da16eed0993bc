"""The records of judging: what a rubric and a score may be."""

from typing import Any

import pytest
from pydantic import ValidationError

from engine.records.judging import Component, JudgeUse, Rubric, Score, Usage

FAILED: dict[str, Any] = {"attempt": 1, "time": 0.0, "id": "a", "judge": "j", "problem": "it was cut off"}


def rubric(**changes: Any) -> Rubric:
    parts = [{"name": "voice", "weight": 1, "description": "d"}]
    return Rubric.model_validate({"name": "r", "version": 1, "instructions": "i", "components": parts, **changes})


@pytest.mark.parametrize("state", ["truncated", "refused", "invalid", "transport"])
@pytest.mark.parametrize(
    "number", [{"overall": 0.0}, {"judge_overall": 1.0}, {"components": {"voice": 1}}, {"critical": ["x"]}]
)
def test_a_state_other_than_scored_carries_no_number(state: str, number: dict[str, Any]) -> None:
    assert Score.model_validate({**FAILED, "state": state}).overall is None
    with pytest.raises(ValidationError, match="carries no score"):
        Score.model_validate({**FAILED, "state": state, **number})


def test_a_failed_judgement_says_why_and_a_scored_one_has_a_score() -> None:
    with pytest.raises(ValidationError, match="says what the problem was"):
        Score.model_validate({**FAILED, "problem": "", "state": "invalid"})
    with pytest.raises(ValidationError, match="has components and an overall"):
        Score.model_validate({**FAILED, "problem": "", "state": "scored"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scale": [10, 1]}, "is no scale"),
        ({"critical_cap": 11}, "outside the scale"),
        ({"components": [{"name": "voice", "weight": 0, "description": "d"}]}, "greater than 0"),
        ({"components": [{"name": "voice", "weight": 1, "description": "d"}] * 2}, "stands twice"),
        ({"components": []}, "at least 1"),
        ({"examples": [{"prompt": "p", "response": "r", "scores": {"voice": 11}, "reasons": ""}]}, "outside the scale"),
        ({"examples": [{"prompt": "p", "response": "r", "scores": {}, "reasons": ""}]}, "not every component"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        rubric(**changes)


def test_weights_need_not_add_up_to_a_hundred() -> None:
    parts = [Component(name="a", weight=1, description="d"), Component(name="b", weight=2.5, description="d")]
    assert [c.weight for c in rubric(components=parts).components] == [1, 2.5]


def test_the_fingerprint_follows_from_everything_that_names_the_judge() -> None:
    use = JudgeUse(
        reference="rules", rubric="r", rubric_version=1, rubric_sha256="a", prompt_sha256="b", schema_sha256="c"
    )  # fmt: skip
    changes: list[dict[str, Any]] = [
        {"reference": "anthropic:x"}, {"effort": "low"}, {"rubric_version": 2}, {"rubric_sha256": "z"},
        {"prompt_sha256": "z"}, {"schema_sha256": "z"}, {"api_version": "2026-10-21"},
    ]  # fmt: skip
    others = {use.model_copy(update=change).fingerprint for change in changes}
    assert len(others | {use.fingerprint}) == len(changes) + 1
    assert JudgeUse.model_validate(use.to_json()).fingerprint == use.fingerprint


def test_usages_add_up() -> None:
    one = Usage(input_tokens=1, output_tokens=2, thinking_tokens=1, cache_write_5m=3, cache_write_1h=4, cache_read=5)
    both = one.plus(Usage(input_tokens=10, cache_read=50, batch=True))
    assert (both.input_tokens, both.output_tokens, both.cache_write_1h, both.cache_read) == (11, 2, 4, 55)
    assert both.batch
