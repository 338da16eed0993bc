"""What a critic run makes of candidates, ranks and scores: picks, comparisons, costs, and where the bottleneck lies."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import InputError
from engine.judge.critic import (
    PROMPTED,
    judge_pools,
    name_answers,
    read_pools,
    summarise_critic,
)
from engine.judge.critic_start import CriticRequest, count_steps, plan_critic
from engine.judge.rubric import read_brief
from engine.judge.start import find_interrupted
from engine.records.dataset import Prompt
from engine.records.judging import Score
from engine.records.rows import Rank, Sample
from engine.records.run import CriticRun, ProbesUse, Subject
from engine.records.serving import Sampling
from engine.stats.intervals import wilson
from engine.store.runs import open_critic_run

RUN = "20260101-0900-madison-critic-1a2b"
Write = Callable[..., Any]


@pytest.fixture
def write_critic(workspace: Any, lines: Write) -> Write:
    """write_critic([{"pool": [2.0, 8.0], "logp": [-1.0, -2.0], "single": 5.0, "prompted": 6.0}, ...]), a prompt each."""

    def write(prompts: list[dict[str, Any]], ended: str = "finished") -> Any:
        paths = workspace.run(RUN)
        paths.log(1).parent.mkdir(parents=True)
        dataset = workspace.dataset("madison")
        from engine.data.read import read_character

        brief, k = read_brief(dataset), len(prompts[0]["pool"])
        use = brief.describe("rules").model_copy(update={"triage": True})
        asked = [
            Prompt.model_validate({
                "id": f"p-{i}", "difficulty": "easy", "category": "voice",
                "messages": [{"role": "user", "content": f"Question {i}?"}],
            })
            for i in range(len(prompts))
        ]  # fmt: skip
        run = CriticRun(
            id=RUN, name="madison-critic", created=1_767_258_000.0, steps=count_steps(len(prompts), k), versions={},
            git=None, host=socket.gethostname(), subject=Subject(reference="run:ada@60", adapter_sha256="a"),
            probes=ProbesUse(dataset="madison", sha256="b", count=len(prompts)), candidates=k,
            sampling=Sampling(seed=11), judge=use,
        )  # fmt: skip
        samples, ranks, scores = [], [], []
        for prompt, given in zip(asked, prompts, strict=True):
            drawn = [(i, "", overall) for i, overall in enumerate([*given["pool"], given["single"]])]
            for index, form, overall in [*drawn, (0, PROMPTED, given["prompted"])]:
                text = given.get("texts", {}).get((index, form), f"{prompt.id} says {index} {form}.")
                samples.append(
                    Sample(
                        attempt=1, step=60, time=1.0, probe=prompt.id, index=index, form=form, seed=1, text=text,
                        tokens=10, truncated=False, breaks=None, span=None, in_character=True, level=4,
                        prompt_tokens=100 if form else 20,
                    )
                )  # fmt: skip
                state: dict[str, Any] = {"state": "scored", "components": {"voice": 5}, "overall": overall}
                if overall is None:
                    state = {"state": "refused", "problem": "no"}
                name = f"{prompt.id} {index} {form or 'base'}"
                scores.append(Score(attempt=1, time=1.0, id=name, judge=use.fingerprint, **state))
            ranks += [
                Rank(attempt=1, time=1.0, probe=prompt.id, index=i, logp=logp, tokens=10)
                for i, logp in enumerate(given["logp"])
            ]
        paths.prompts.write_text(lines([p.to_json() for p in asked]))
        paths.rubric.write_text(json.dumps(brief.rubric.to_json()))
        paths.character.write_text(json.dumps(read_character(dataset).to_json()))
        paths.samples.write_text(lines([s.to_json() for s in samples]))
        paths.ranks.write_text(lines([r.to_json() for r in ranks]))
        paths.scores.write_text(lines([s.to_json() for s in scores]))
        paths.events.write_text(lines([{"attempt": 1, "time": 2.0, "kind": ended, "step": run.steps}]))
        launch = {"attempt": 1, "host": socket.gethostname(), "process": {"pid": 4_000_000, "start": 0.0}, "time": 0.0}
        paths.launch.write_text(json.dumps(launch))
        paths.run.write_text(json.dumps(run.to_json()))
        return paths

    return write


def rising(count: int, right: bool = True) -> list[dict[str, Any]]:
    """Pools of three whose best is clearly better; the critic knows it, or prefers the worst."""
    logp = [-3.0, -2.0, -1.0] if right else [-1.0, -2.0, -3.0]
    return [
        {"pool": [3.0 + i % 2, 5.0, 8.0 + i % 2], "logp": logp, "single": 5.0 + i % 2, "prompted": 5.0}
        for i in range(count)
    ]


def test_the_critic_picks_by_its_log_probability_and_the_oracle_by_the_score(write_critic: Write) -> None:
    paths = write_critic([{"pool": [2.0, 8.0, 5.0], "logp": [-2.0, -1.5, -1.0], "single": 4.0, "prompted": 6.0}])
    (judged,) = judge_pools(open_critic_run(paths), paths)
    random = judged.picks.pop("random")
    assert judged.picks == {"base": 4.0, "prompted": 6.0, "critic": 5.0, "oracle": 8.0}
    assert random in (2.0, 8.0, 5.0)


def test_of_equal_log_probabilities_the_first_is_picked(write_critic: Write) -> None:
    paths = write_critic([{"pool": [2.0, 8.0], "logp": [-1.0, -1.0], "single": 4.0, "prompted": 6.0}])
    assert judge_pools(open_critic_run(paths), paths)[0].picks["critic"] == 2.0


def test_a_failed_judgement_is_no_score_of_the_pick_and_no_reason_to_drop_the_prompt(write_critic: Write) -> None:
    paths = write_critic([{"pool": [None, 8.0], "logp": [-1.0, -2.0], "single": None, "prompted": 6.0}, *rising(2)[:0]])
    (judged,) = judge_pools(open_critic_run(paths), paths)
    assert (judged.picks["critic"], judged.picks["oracle"], judged.picks["base"]) == (None, 8.0, None)
    facts = summarise_critic(paths)
    assert [a["failed"] for a in facts["arms"] if a["arm"] in ("base", "critic", "oracle")] == [1, 1, 0]


def test_a_prompt_that_is_not_done_counts_nowhere(write_critic: Write) -> None:
    paths = write_critic(rising(3))
    rows = paths.ranks.read_text().splitlines(keepends=True)
    paths.ranks.write_text("".join(rows[:-1]))
    assert summarise_critic(paths)["prompts"] == 2


def test_nothing_done_yet_is_a_summary_without_arms(write_critic: Write) -> None:
    paths = write_critic(rising(1))
    paths.ranks.write_text("")
    facts = summarise_critic(paths)
    assert (facts["prompts"], facts["arms"], facts["pool"], facts["gains"]) == (0, [], None, None)


def test_a_critic_that_knows_the_best_gets_what_the_pool_allows(write_critic: Write) -> None:
    facts = summarise_critic(write_critic(rising(12)))
    arms = {a["arm"]: a for a in facts["arms"]}
    assert arms["critic"]["against_base"]["delta"] == pytest.approx(3.0)
    assert (arms["critic"]["against_base"]["wins"], arms["critic"]["against_base"]["ties"]) == (12, 0)
    assert arms["critic"]["mean"] == arms["oracle"]["mean"] == pytest.approx(8.5)
    assert facts["gains"]["share"] == pytest.approx(1.0)
    assert facts["gains"]["bottleneck"] == "neither"
    assert facts["pool"]["told_apart"]["rate"] == 1.0


def test_a_critic_that_prefers_the_worst_is_the_bottleneck(write_critic: Write) -> None:
    facts = summarise_critic(write_critic(rising(12, right=False)))
    assert facts["gains"]["bottleneck"] == "critic"
    assert facts["gains"]["share"] < 0
    assert facts["pool"]["told_apart"]["rate"] == 0.0


def test_the_pairs_of_one_prompt_are_not_taken_as_independent(write_critic: Write) -> None:
    facts = summarise_critic(write_critic([*rising(6), *rising(2, right=False)]))
    told = facts["pool"]["told_apart"]
    alone = wilson(told["right"], told["n"])
    assert (told["rate"], told["n"] % 8) == (0.75, 0)
    assert told["ci"][0] < alone.low < alone.high < told["ci"][1]


def test_a_pool_whose_candidates_are_all_alike_is_the_bottleneck(write_critic: Write) -> None:
    pools = [{"pool": [5.0, 5.0], "logp": [-1.0, -2.0], "single": 5.0, "prompted": 5.0} for _ in range(12)]
    facts = summarise_critic(write_critic(pools))
    assert facts["gains"]["bottleneck"] == "pool"
    assert (facts["pool"]["all_tied"], facts["pool"]["within_sd"]) == (12, 0.0)
    assert facts["pool"]["told_apart"]["n"] == 0
    assert next(a for a in facts["arms"] if a["arm"] == "critic")["against_base"]["ties"] == 12


def test_costs_count_every_candidate_its_ranking_and_the_longer_prompt(write_critic: Write) -> None:
    costs = {
        a["arm"]: (a["answers"], a["passes"], a["tokens"]) for a in summarise_critic(write_critic(rising(2)))["arms"]
    }
    assert costs == {
        "base": (1, 10, 30), "prompted": (1, 10, 110), "random": (1, 10, 30), "critic": (3, 33, 180), "oracle": (3, 30, 90),
    }  # fmt: skip


def test_an_arm_that_costs_more_and_is_no_better_is_dominated(write_critic: Write) -> None:
    arms = {a["arm"]: a["dominated_by"] for a in summarise_critic(write_critic(rising(12)))["arms"]}
    assert arms["prompted"] == "base"
    assert arms["critic"] is None
    assert arms["base"] is None


def test_what_reads_the_same_is_judged_once(write_critic: Write) -> None:
    same = {(0, ""): "I am he.", (1, ""): "I am he.", (0, PROMPTED): "I am he."}
    paths = write_critic([{**rising(1)[0], "texts": same}])
    names = name_answers(read_pools(open_critic_run(paths), paths))
    assert sorted(set(names.values())) == ["p-0 0 base", "p-0 2 base", "p-0 3 base"]
    (judged,) = judge_pools(open_critic_run(paths), paths)
    assert judged.scores[0] == judged.scores[1] == judged.picks["prompted"] == 3.0


def test_the_same_task_interrupted_is_found_again_and_another_is_not(write_critic: Write, workspace: Any) -> None:
    paths = write_critic(rising(1), ended="stopped")
    run = open_critic_run(paths)
    again = run.model_copy(update={"id": "20260102-0900-x-1a2b", "created": 2.0, "max_usd": 5.0})
    found = find_interrupted(again, workspace)
    assert found is not None
    assert found.id == RUN
    assert find_interrupted(run.model_copy(update={"candidates": 4}), workspace) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"candidates": 1}, "1 candidates leave nothing to choose"),
        ({"backend": "llama"}, "llama.cpp tells no probability"),
        ({"model": "bundled:smollm2-135m"}, "has no adapter that can be switched off"),
    ],
)
def test_what_cannot_work_is_refused_before_it_starts(workspace: Any, change: dict[str, Any], problem: str) -> None:
    request = CriticRequest(**{"model": "bundled:smollm2-135m", **change})
    with pytest.raises(InputError, match=problem):
        plan_critic(request, workspace)
