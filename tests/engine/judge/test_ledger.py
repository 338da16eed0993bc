"""What runs cost, derived from their own journals."""

from collections.abc import Callable

import pytest

from engine.judge.ledger import HOURLY, read_ledger
from engine.store.journal import read_rows, write_rows
from engine.store.paths import RunPaths, Workspace

EVAL, SCORE, TRAINED = "20260102-0900-ada-eval-aaaa", "20260103-0900-ada-score-bbbb", "20260101-0900-ada-1a2b"
Write = Callable[..., RunPaths]


@pytest.fixture(autouse=True)
def _unpriced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOURLY, raising=False)


def test_training_generating_and_judging_are_counted_apart(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    write_run(TRAINED, ended="finished")
    write_evaluation(EVAL, [5.0, 6.0, 7.0])
    trained, evaluated = read_ledger(workspace)
    assert (trained.kind, trained.train_seconds, trained.train_tokens, trained.judgements) == ("train", 20.0, 40_000, 0)
    # begun at 0, its last answer 3 s later; nine tokens each
    assert (evaluated.generate_seconds, evaluated.generate_tokens, evaluated.judgements) == (3.0, 27, 3)
    assert evaluated.judge_usd == pytest.approx(0.03)
    assert (trained.machine_usd, evaluated.machine_usd) == (None, None)


def test_an_hourly_price_counts_for_training_and_generating(
    workspace: Workspace, write_run: Write, write_evaluation: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(TRAINED, ended="finished")
    write_evaluation(EVAL, [5.0, 6.0, 7.0])
    monkeypatch.setenv(HOURLY, "3.60")
    assert [cost.machine_usd for cost in read_ledger(workspace)] == pytest.approx([0.02, 0.003])
    for nonsense in ("free", "-1", "nan", "inf", ""):
        monkeypatch.setenv(HOURLY, nonsense)
        assert read_ledger(workspace)[0].machine_usd is None


def test_every_judgement_is_paid_for_though_it_failed_or_was_made_again(
    workspace: Workspace, write_evaluation: Write
) -> None:
    paths = write_evaluation(EVAL, [5.0, None])
    row = read_rows(paths.scores)[0]
    used = {"input_tokens": 100, "output_tokens": 20, "cache_read": 1000, "cache_write_5m": 7}
    again = {**row, "usage": {**row["usage"], **used}, "usd": 0.02}
    write_rows(paths.scores, [row, again, {**again, "repeat": 1}, {**again, "id": "control empty p-000 0 0"}])
    (cost,) = read_ledger(workspace)
    assert (cost.judgements, cost.failed, cost.judge_tokens) == (4, 0, 3 * 1127)
    assert cost.judge_usd == pytest.approx(0.07)


def test_a_judgement_without_a_price_leaves_the_sum_unknown(workspace: Workspace, write_evaluation: Write) -> None:
    paths = write_evaluation(EVAL, [5.0, None])
    (cost,) = read_ledger(workspace)
    # a refusal whose price nobody told
    assert (cost.judge_usd, cost.failed) == (None, 1)
    write_rows(paths.scores, [{**row, "usd": 0.25} for row in read_rows(paths.scores)])
    assert read_ledger(workspace)[0].judge_usd == pytest.approx(0.5)


def test_scoring_again_generates_nothing(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(EVAL, [5.0, 6.0])
    write_evaluation(SCORE, [7.0, 8.0], of=EVAL)
    assert [(c.kind, c.generate_tokens, c.judgements) for c in read_ledger(workspace)] == [
        ("eval", 18, 2),
        ("score", 0, 2),
    ]


def test_a_run_that_does_not_read_is_left_out(workspace: Workspace, write_evaluation: Write) -> None:
    write_evaluation(EVAL, [5.0])
    write_evaluation(SCORE, [5.0]).run.write_text("{")
    assert [cost.run for cost in read_ledger(workspace)] == [EVAL]
