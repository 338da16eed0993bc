"""What judging may cost: by word, by the recipe's budget, and with what runs under way hold."""

import json
import os
import socket
from collections.abc import Callable

import pytest

from engine.errors import InputError
from engine.judge.budget import allow, find_budget, note_overruled, read_limit
from engine.launch.process import read_start
from engine.records.run import Subject
from engine.store.journal import read_json, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_eval_run

EVAL, OTHER, TRAINED = "20260102-0900-madison-eval-aaaa", "20260103-0900-madison-eval-bbbb", "20260101-0900-ada-1a2b"
ABOUT = Subject(reference=f"run:{TRAINED}@40", run=TRAINED)
CLAUDE = "anthropic:claude-sonnet-5-5"
Write = Callable[..., RunPaths]


def set_budget(paths: RunPaths, max_usd: float) -> None:
    run = read_json(paths.run)
    run["recipe"]["budget"] = {"max_usd": max_usd}
    write_json(paths.run, run)


def set_live(paths: RunPaths) -> None:
    """As if this very process judged."""
    start = read_start(os.getpid())
    launch = {"attempt": 2, "host": socket.gethostname(), "process": {"pid": os.getpid(), "start": start}, "time": 0.0}
    paths.launch.write_text(json.dumps(launch))


def test_a_budget_holds_what_every_judgement_of_the_training_cost(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    trained = write_run(TRAINED, ended="finished")
    # each judgement costs a cent, and one in another form counts too
    paths = write_evaluation(EVAL, [5.0] * 4, subject={"reference": f"run:{TRAINED}@40", "run": TRAINED}, judge=CLAUDE)
    judge = open_eval_run(paths).judge
    assert find_budget(None, judge, ABOUT, workspace) is None
    set_budget(trained, 0.1)
    write_evaluation(OTHER, [5.0] * 3, subject={"reference": f"run:{TRAINED}#q8_0", "run": TRAINED})
    write_evaluation("20260104-0900-madison-eval-cccc", [5.0] * 9)
    assert find_budget(None, judge, ABOUT, workspace) == pytest.approx(0.03)
    assert find_budget(None, judge, ABOUT, workspace, but=EVAL) == pytest.approx(0.07)
    assert find_budget(2.0, judge, ABOUT, workspace) == 2.0
    write_evaluation(
        "20260105-0900-madison-eval-dddd", [5.0] * 3, subject={"reference": f"run:{TRAINED}", "run": TRAINED}
    )
    with pytest.raises(InputError, match=r"is 0\.1, and 0\.1000 USD are spent") as spent:
        find_budget(None, judge, ABOUT, workspace)
    assert "--judge rules costs nothing" in spent.value.fix
    for free in ("rules", "http://localhost:9/v1#x"):
        assert find_budget(None, judge.model_copy(update={"reference": free}), ABOUT, workspace) is None


def test_what_a_run_under_way_may_still_spend_is_held_for_it(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    set_budget(write_run(TRAINED, ended="finished"), 1.0)
    about = {"reference": f"run:{TRAINED}@40", "run": TRAINED}
    limited = write_evaluation(EVAL, [5.0] * 4, subject=about, max_usd=0.6, judge=CLAUDE)
    judge = open_eval_run(limited).judge
    assert find_budget(None, judge, ABOUT, workspace) == pytest.approx(0.96)
    set_live(limited)
    assert find_budget(None, judge, ABOUT, workspace) == pytest.approx(0.4)
    allow(limited, 0.7)
    assert find_budget(None, judge, ABOUT, workspace) == pytest.approx(0.3)
    set_live(write_evaluation(OTHER, [5.0], subject=about, judge=CLAUDE))
    with pytest.raises(InputError, match=f"{OTHER} is judging, and may spend all") as held:
        find_budget(None, judge, ABOUT, workspace)
    assert "give both --max-usd" in held.value.fix
    assert find_budget(0.2, judge, ABOUT, workspace) == 0.2


@pytest.mark.parametrize("free", ["rules", "http://127.0.0.1:9/v1#judge"])
def test_a_judge_that_costs_nothing_holds_nothing(
    free: str, workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    set_budget(write_run(TRAINED, ended="finished"), 1.0)
    about = {"reference": f"run:{TRAINED}@40", "run": TRAINED}
    judge = open_eval_run(write_evaluation(OTHER, [], subject=about, judge=CLAUDE)).judge
    set_live(write_evaluation(EVAL, [], subject=about, judge=free))
    assert find_budget(None, judge, ABOUT, workspace) == pytest.approx(1.0)


def test_a_later_word_on_the_limit_leaves_what_the_run_was_made_as(
    workspace: Workspace, write_evaluation: Write
) -> None:
    paths = write_evaluation(EVAL, [5.0], max_usd=1.0)
    made = paths.run.read_bytes()
    assert read_limit(paths, open_eval_run(paths)) == 1.0
    allow(paths, 5.0)
    assert read_limit(paths, open_eval_run(paths)) == 5.0
    assert paths.run.read_bytes() == made
    paths.limit.write_text("{}")
    with pytest.raises(InputError, match="says no max_usd"):
        read_limit(paths, open_eval_run(paths))


def test_a_limit_beyond_what_the_budget_leaves_is_noted(
    workspace: Workspace, write_run: Write, write_evaluation: Write
) -> None:
    set_budget(write_run(TRAINED, ended="finished"), 0.1)
    paths = write_evaluation(EVAL, [5.0] * 4, subject={"reference": f"run:{TRAINED}", "run": TRAINED}, judge=CLAUDE)
    judge = open_eval_run(paths).judge
    assert note_overruled(0.05, judge, ABOUT, workspace) == []
    assert note_overruled(0.5, judge, ABOUT, workspace) == [
        f"--max-usd 0.5 overrules [budget] of run {TRAINED}, of which 0.0600 USD are left"
    ]
    write_evaluation(OTHER, [5.0] * 6, subject={"reference": f"run:{TRAINED}", "run": TRAINED}, judge=CLAUDE)
    (note,) = note_overruled(0.5, judge, ABOUT, workspace)
    assert note.startswith("--max-usd 0.5 overrules it: [budget] max_usd of run")
