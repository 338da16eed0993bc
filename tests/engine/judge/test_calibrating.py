"""A judge held against a person: the draw, the labels, kappa by what is there, and a second judge."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import InputError
from engine.judge.calibrating import (
    Labels,
    check_second,
    draw_sample,
    find_calibration,
    measure_calibration,
    read_items,
    read_judged,
    read_labels,
)
from engine.judge.comparing import read_scored
from engine.judge.doubts import find_doubts
from engine.store.journal import read_rows, write_rows

Write = Callable[..., Any]
RUN, SECOND, OTHER = "20260101-0900-ada-eval-1a2b", "20260101-0901-ada-score-1a2b", "20260101-0902-ada-eval-3c4d"
RISING = [1.0 + 9 * i / 119 for i in range(120)]


def label_all(judged: Any, ids: list[str], passes: Callable[[float], bool], who: str = "Ada") -> None:
    labels = Labels(judged.source, who)
    for name in ids:
        labels.give(name, "pass" if passes(judged.scores[name].overall) else "fail")
    labels.close()


def test_a_draw_takes_every_category_and_third_of_the_scores_in_its_share(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    drawn = draw_sample(judged, 60)
    strata = Counter((int(name[2:5]) % 2, int(name[2:5]) // 40) for name in drawn.ids)
    assert strata == dict.fromkeys([(c, t) for c in (0, 1) for t in (0, 1, 2)], 10)
    assert drawn.threshold == 5.5
    assert drawn.judge == judged.run.judge.fingerprint


def test_the_same_evaluation_draws_the_same_answers_in_no_order_of_the_score(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    first = draw_sample(judged, 60)
    judged.source.calibration.unlink()
    assert draw_sample(judged, 60) == first
    places = [int(name[2:5]) // 40 for name in first.ids]
    alternating = sum(a != b for a, b in itertools.pairwise(places))
    assert 25 < alternating < 55
    assert places != sorted(places)


def test_a_larger_n_adds_to_the_answers_drawn_and_a_smaller_takes_none_away(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    first = draw_sample(judged, 20)
    more = draw_sample(judged, 50)
    assert more.ids[:20] == first.ids
    assert len(set(more.ids)) == 50
    assert draw_sample(judged, 10) == draw_sample(judged) == more
    assert len(draw_sample(judged, 1000).ids) == 120


def test_an_answer_whose_judgement_failed_is_not_drawn(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [None, 3.0, 8.0]))
    assert set(draw_sample(judged, 60).ids) == {"p-001 0 0", "p-002 0 0"}


def test_a_control_of_the_judge_is_not_drawn(write_evaluation: Write) -> None:
    paths = write_evaluation(RUN, [3.0, 8.0])
    row = read_rows(paths.scores)[0]
    write_rows(paths.scores, [*read_rows(paths.scores), {**row, "id": "control injected p-000 0 0"}])
    assert set(draw_sample(read_judged(paths), 60).ids) == {"p-000 0 0", "p-001 0 0"}


def test_the_threshold_is_fixed_before_the_first_label(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    assert draw_sample(judged, 20, 7.0).threshold == 7.0
    assert draw_sample(judged, 20).threshold == 7.0
    with pytest.raises(InputError, match="was fixed before the first label"):
        draw_sample(judged, 20, 6.0)
    assert measure_calibration(judged).threshold == 7.0


@pytest.mark.parametrize("threshold", [1.0, 10.5, -3.0])
def test_a_threshold_that_parts_nothing_is_refused(write_evaluation: Write, threshold: float) -> None:
    with pytest.raises(InputError, match="parts nothing on a scale of 1 to 10"):
        draw_sample(read_judged(write_evaluation(RUN, RISING)), 20, threshold)


def test_an_item_holds_the_question_and_the_answer_and_no_score(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 9.0]))
    (item,) = read_items(judged, ["p-001 0 0", "gone 0 0"])
    assert [m.content for m in item.messages] == ["Question number 1?"]
    assert (item.answer, list(item.references)) == ("Answer number 1, Sir.", ["A fact."])


def test_a_judge_that_agrees_on_enough_answers_is_calibrated(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    label_all(judged, draw_sample(judged, 60).ids, lambda overall: overall >= 5.5)
    found = measure_calibration(judged)
    assert found.state == "calibrated"
    assert found.agreement is not None
    assert found.agreement.kappa == 1
    assert (found.labelled, found.left, found.who) == (60, 0, ["Ada"])


def test_a_judge_that_agrees_by_chance_alone_is_uncalibrated(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    label_all(judged, draw_sample(judged, 60).ids, lambda overall: round(overall * 119) % 2 == 0)
    found = measure_calibration(judged)
    assert found.state == "uncalibrated"
    assert found.agreement is not None
    assert abs(found.agreement.kappa) < 0.35


def test_a_few_labels_are_too_few_to_say_and_say_how_many_it_takes(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    label_all(judged, draw_sample(judged, 10).ids, lambda overall: overall >= 5.5)
    found = measure_calibration(judged)
    assert found.state == "too few to say"
    assert found.agreement is not None
    assert found.agreement.n_needed is not None
    assert found.agreement.n_needed > 10


def test_no_labels_and_labels_of_one_kind_have_no_kappa_and_say_why(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [8.0, 9.0, 9.5]))
    none = measure_calibration(judged)
    assert (none.state, none.agreement, none.notes) == ("too few to say", None, ["nothing was labelled by both"])
    label_all(judged, draw_sample(judged, 3).ids, lambda _: True)
    alike = measure_calibration(judged)
    assert alike.agreement is None
    assert "every label is 'pass'" in alike.notes[0]


def test_a_critical_failure_is_a_fail_and_a_skip_is_no_label(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0]))
    draw_sample(judged, 4)
    labels = Labels(judged.source, "Ada")
    for name, given in (("p-000", "critical"), ("p-001", "pass"), ("p-002", "skip"), ("p-003", "pass")):
        labels.give(f"{name} 0 0", given)  # type: ignore[arg-type]
    labels.close()
    found = measure_calibration(judged)
    assert (found.labelled, found.critical, found.skipped, found.left) == (3, 1, 1, 0)
    assert found.agreement is not None
    assert (found.agreement.n, found.agreement.kappa) == (3, 1)


def test_the_newest_label_counts_and_what_was_undone_is_left_to_do(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0]))
    ids = draw_sample(judged, 2).ids
    labels = Labels(judged.source, "Ada")
    labels.give(ids[0], "pass")
    labels.give(ids[0], "fail")
    labels.give(ids[1], "pass")
    labels.give(ids[1], "undone")
    labels.close()
    assert {name: label.label for name, label in read_labels(judged.source).items()} == {ids[0]: "fail"}
    assert measure_calibration(judged).left == 1
    assert Labels(judged.source, "Ada").given == {ids[0]: "fail"}
    assert Labels(judged.source, "Bob").given == {}


def test_a_torn_last_label_is_cut_off_before_the_next_is_written(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0]))
    judged.source.labels.write_text('{"time":1.0,"id":"p-000 0 0","label":"fail","who":""}\n{"time":2.0,"id":"p-0')
    labels = Labels(judged.source, "Ada")
    labels.give("p-001 0 0", "pass")
    labels.close()
    assert {n: x.label for n, x in read_labels(judged.source).items()} == {"p-000 0 0": "fail", "p-001 0 0": "pass"}


def test_labels_lie_with_the_answers_and_count_for_each_judge_of_them(write_evaluation: Write, workspace: Any) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    upside_down = read_judged(write_evaluation(SECOND, [11 - x for x in RISING], of=RUN, judge="anthropic:other"))
    label_all(upside_down, draw_sample(upside_down, 60).ids, lambda overall: overall < 5.5)
    assert not upside_down.paths.labels.exists()
    assert measure_calibration(judged).state == "calibrated"
    assert measure_calibration(upside_down).state == "uncalibrated"
    found = find_calibration(judged.run.judge.fingerprint, workspace)
    assert found is not None
    assert found.run == RUN
    assert find_calibration(upside_down.run.judge.fingerprint, workspace) is None
    assert find_calibration("never seen", workspace) is None


def test_a_calibrated_judge_of_the_models_family_raises_no_doubt(write_evaluation: Write, workspace: Any) -> None:
    kin = {"judge": "http://127.0.0.1:9/v1#Qwen3-32B", "subject": {"reference": "Qwen/Qwen3-1.7B"}}
    write_evaluation(RUN, RISING, **kin)
    write_evaluation(OTHER, RISING, **kin)
    before, after = (read_scored(workspace.run(name), workspace) for name in (RUN, OTHER))
    assert find_doubts([after.run.judge, before.run.judge], [before.run.subject, after.run.subject], workspace)
    judged = read_judged(workspace.run(RUN))
    label_all(judged, draw_sample(judged, 60).ids, lambda overall: overall >= 5.5)
    assert find_doubts([after.run.judge, before.run.judge], [before.run.subject, after.run.subject], workspace) == []


def test_a_second_judge_is_compared_on_the_answers_that_both_scored(write_evaluation: Write, workspace: Any) -> None:
    write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0, None, 2.0])
    write_evaluation(SECOND, [3.0, 9.0, 8.0, 8.0, 5.0, None], of=RUN, judge="anthropic:other")
    check = check_second(*(read_judged(workspace.run(name)) for name in (RUN, SECOND)))
    assert (check.shared, check.answers, check.thresholds) == (4, 6, (5.5, 5.5))
    assert check.agreement is not None
    assert check.agreement.agreement == 0.75
    assert check.agreement.kappa == pytest.approx(0.5)


def test_two_runs_about_different_answers_are_no_spot_check(write_evaluation: Write) -> None:
    first, other = (read_judged(write_evaluation(name, [2.0, 8.0])) for name in (RUN, OTHER))
    with pytest.raises(InputError, match="are about different answers"):
        check_second(first, other)
    with pytest.raises(InputError, match="are by one judge"):
        check_second(first, first)


def test_a_training_has_no_scores_to_calibrate(write_run: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="is of kind train and holds no scores"):
        read_judged(write_run("20260101-0900-ada-1a2b"))


def test_answers_that_were_judged_in_pairs_have_no_scores_and_spoil_no_draw(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, RISING))
    pairs = write_evaluation(SECOND, RISING, of=RUN, against=OTHER)
    with pytest.raises(InputError, match="says which of two answers is better, and holds no scores"):
        read_judged(pairs)
    strange = judged._replace(scores={f"{name} 1-2": score for name, score in judged.scores.items()})
    with pytest.raises(InputError, match="has no scores yet"):
        draw_sample(strange)
    assert not judged.source.calibration.exists()
    assert set(draw_sample(judged).ids) <= set(judged.scores)


def test_one_set_of_labels_that_denies_a_judge_outweighs_one_that_vouches_for_it(
    write_evaluation: Write, workspace: Any
) -> None:
    good, bad = (read_judged(write_evaluation(name, RISING)) for name in (RUN, OTHER))
    label_all(good, draw_sample(good, 60).ids, lambda overall: overall >= 5.5)
    fingerprint = good.run.judge.fingerprint
    assert find_calibration(fingerprint, workspace) is not None
    label_all(bad, draw_sample(bad, 60).ids, lambda overall: round(overall * 119) % 2 == 0)
    assert measure_calibration(bad).state == "uncalibrated"
    assert find_calibration(fingerprint, workspace) is None
    # a damaged run speaks for nobody
    bad.paths.rubric.write_text("{")
    found = find_calibration(fingerprint, workspace)
    assert found is not None
    assert found.run == RUN
