"""The gate before training, on the bounds that it stands on."""

import pytest

from engine.errors import InputError
from engine.records.gate import Confirmation, Gate
from engine.stats.agreement import measure_agreement
from engine.stats.gate import Spot, check_gate
from engine.stats.scores import number_rows

CALIBRATED = measure_agreement([[190, 10], [8, 192]])
SECOND = Spot(measure_agreement([[19, 1], [1, 19]]), 400)
READ = Confirmation(by="J. Doe", at="2026-11-20T10:00:00Z", samples=12)


def rows(passes: int, n: int = 200) -> list[tuple[str, object]]:
    return list(number_rows("rows", [{"id": str(i), "score": int(i < passes)} for i in range(n)]))


def run(base: int = 47, instruct: int = 172, **changed: object) -> Gate:
    given = {"agreement": CALIBRATED, "second_judge": SECOND, "confirmation": READ, **changed}
    return check_gate(rows(base), rows(instruct), **given)  # type: ignore[arg-type]


def failing(gate: Gate) -> list[str]:
    assert gate.passed == all(c.passed for c in gate.conditions)
    return [c.name for c in gate.conditions if not c.passed]


def test_forty_seven_and_a_hundred_and_seventy_two_of_two_hundred_pass_and_one_worse_does_not() -> None:
    assert failing(run()) == []
    assert failing(run(base=48)) == ["base_fails"]
    assert failing(run(instruct=171)) == ["instruct_succeeds"]


def test_point_estimates_that_would_pass_do_not() -> None:
    # 30% and 80% to the letter
    assert failing(run(base=60, instruct=160)) == ["base_fails", "instruct_succeeds"]


def test_each_condition_shows_its_value_and_its_bound() -> None:
    found = {c.name: c for c in run().conditions}
    assert (found["base_fails"].value, round(found["base_fails"].bound or 0, 3)) == (0.235, 0.298)
    assert (found["instruct_succeeds"].value, round(found["instruct_succeeds"].bound or 0, 3)) == (0.86, 0.805)
    assert found["mcnemar"].told == "0 only the base passes, 125 only the instructed model"
    assert found["cohens_h"].value == pytest.approx(1.3624, abs=1e-4)
    assert list(found) == [
        "base_fails", "instruct_succeeds", "mcnemar", "cohens_h", "human_kappa", "second_judge", "confirmed",
    ]  # fmt: skip


def test_a_base_that_follows_already_fails_the_gate_of_the_stage_that_passed_by_mistake() -> None:
    gate = check_gate(rows(300, 300), rows(298, 300), None, CALIBRATED, SECOND._replace(of=600), READ)
    assert failing(gate) == ["base_fails", "mcnemar", "cohens_h", "second_judge"]


def test_an_instructed_model_that_is_worse_passes_no_test() -> None:
    assert {"mcnemar", "cohens_h"} <= set(failing(run(base=172, instruct=47)))


def test_kappa_counts_by_its_lower_bound_unless_uncalibrated_is_accepted_by_name() -> None:
    thirty = measure_agreement([[13, 2], [2, 13]])
    assert failing(run(agreement=thirty)) == ["human_kappa"]
    assert failing(run(agreement=None)) == ["human_kappa"]
    accepted = run(agreement=thirty, accept=["uncalibrated"])
    assert accepted.passed
    assert accepted.conditions[4].told == "uncalibrated, accepted by name"


def test_nothing_else_can_be_accepted() -> None:
    with pytest.raises(InputError, match="'confirmed' cannot be accepted") as bad:
        run(accept=["confirmed"])
    assert bad.value.fix == "one of: uncalibrated"


def test_a_person_must_have_read_samples() -> None:
    assert failing(run(confirmation=None)) == ["confirmed"]
    assert failing(run(confirmation=Confirmation(by=" ", at="", samples=12))) == ["confirmed"]
    assert failing(run(confirmation=Confirmation(by="J. Doe", at="", samples=0))) == ["confirmed"]


def test_a_second_judge_sees_a_tenth() -> None:
    assert failing(run(second_judge=None)) == ["second_judge"]
    assert failing(run(second_judge=SECOND._replace(agreement=measure_agreement([[19, 0], [1, 19]])))) == [
        "second_judge"
    ]


def test_another_base_is_shown_and_decides_nothing() -> None:
    gate = run(alternative=rows(150))
    assert gate.passed
    assert gate.alternative is not None
    assert (gate.alternative["passes"], gate.alternative["n"]) == (150, 200)


def test_a_gate_takes_passes_and_fails_alone() -> None:
    scores = [("a.jsonl line 1", {"id": "x", "score": 0.5})]
    with pytest.raises(InputError, match="a gate needs passes and fails"):
        check_gate(scores, scores)
    with pytest.raises(InputError, match="a gate needs passes and fails"):
        run(alternative=scores)
