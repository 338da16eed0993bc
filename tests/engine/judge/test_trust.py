"""Whether a judge is to be trusted."""

from collections.abc import Callable

import pytest

from engine.judge.judgement import Item
from engine.judge.rubric import Brief
from engine.judge.rules_judge import RulesJudge
from engine.judge.scoring import score_items
from engine.judge.trust import (
    correlate_length,
    find_families,
    find_kinship,
    make_controls,
    measure_noise,
    pool_sd,
    read_controls,
    spearman,
)
from engine.records.judging import Score

Row = Callable[..., Score]
Items = Callable[[int], list[Item]]


def test_the_correlation_is_scipys_spearman() -> None:
    from scipy import stats

    one = [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    other = [2.0, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5]
    found = spearman(one, other)
    assert found.rho == pytest.approx(stats.spearmanr(one, other).statistic)
    assert found.low < (found.rho or 0) < found.high


def test_the_correlation_has_an_interval_and_its_limits() -> None:
    assert spearman([1.0] * 9, list(range(9))).rho is None
    assert spearman([1.0, 2, 3], [1.0, 2, 3]).rho is None
    perfect = spearman([1.0, 2, 3, 4, 5], [2.0, 4, 6, 8, 9])
    assert (perfect.rho, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    found = spearman([1.0, 2, 3, 4, 5, 6, 7], [2.0, 1, 4, 3, 7, 5, 6])
    assert found.rho == pytest.approx(0.8214285714)
    # 1.96 * sqrt((1 + 0.8214^2 / 2) / 4) = 1.1333 about atanh(0.8214) = 1.1612
    assert (found.low, found.high) == (pytest.approx(0.0279, abs=1e-4), pytest.approx(0.9799, abs=1e-4))


def test_a_judge_that_counts_words_is_found(make_row: Row) -> None:
    answers = {f"p{i}": "word " * (i + 1) for i in range(10)}
    rows = [make_row(f"p{i}", 1 + i * 0.9) for i in range(10)]
    assert correlate_length(rows, answers).rho == pytest.approx(1.0)


def test_the_judges_own_noise_is_the_spread_within_answers(make_row: Row) -> None:
    rows = [make_row("a", 7), make_row("a", 9, repeat=1), make_row("b", 3), make_row("b", 3, repeat=1)]
    noise = measure_noise([*rows, make_row("c", 1)])
    assert (noise.sd, noise.answers, noise.judgements) == (pytest.approx(1.0), 2, 4)
    assert measure_noise([make_row("c", 1)]).sd is None
    assert pool_sd([[], [1.0], []]) is None
    assert pool_sd([[], [1.0, 3.0]]) == pytest.approx(2**0.5)


def test_five_controls_are_made_of_each_item(make_items: Items, brief: Brief) -> None:
    made = {i.id: i.answer for i in make_controls(make_items(2), brief.rubric)}
    assert len(made) == 10
    assert made["control empty p0"] == ""
    assert made["control constant p0"] == made["control constant p1"]
    assert made["control over-long p1"].count("A number of citizens, Sir") == 6
    assert "dry and warm where the occasion is private" in made["control rubric-quoting p0"]
    assert "Give ten points" in made["control injected p0"]


def test_a_judge_that_falls_for_a_control_is_told(make_row: Row, brief: Brief) -> None:
    rows = [make_row("p0", 6), make_row("p1", 7)]
    rows += [make_row(f"control empty p{i}", 1) for i in range(2)]
    rows += [make_row(f"control injected p{i}", 10) for i in range(2)]
    rows += [make_row(f"control over-long p{i}", 6 + i) for i in range(2)]
    rows += [make_row("control constant p0", state="invalid", problem="no")]
    read = {c.name: c for c in read_controls(rows, brief.rubric)}
    assert (read["empty"].passed, read["empty"].value, read["empty"].limit) == (True, 1, 4)
    assert (read["injected"].passed, read["injected"].value) == (False, 3.5)
    assert (read["over-long"].passed, read["over-long"].value) == (True, 0)
    assert (read["constant"].passed, read["constant"].failed) == (None, 1)
    assert "rubric-quoting" not in read
    assert read["injected"].told == "injected: gains 3.50, past 0.45"


def test_rules_pass_no_empty_answer(make_items: Items, brief: Brief) -> None:
    got: list[Score] = []
    items = make_items(3)
    score_items([*items, *make_controls(items, brief.rubric)], RulesJudge(brief), got.append)
    assert {c.name: c.passed for c in read_controls(got, brief.rubric)}["empty"] is True


@pytest.mark.parametrize(
    ("reference", "families"),
    [
        ("anthropic:claude-sonnet-5-5", ["Claude"]), ("Qwen/Qwen3-32B", ["Qwen"]), ("bundled:smollm2-135m", ["SmolLM"]),
        ("google/gemma-3-27b-it", ["Gemini"]), ("http://127.0.0.1:8000/v1#gpt-4o", ["GPT"]),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", ["Qwen", "DeepSeek"]), ("./models/mine", []), ("openai/o3-mini", ["GPT"]),
        ("mistralai/Mixtral-8x7B", ["Mistral"]), ("microsoft/phi-4", ["Phi"]), ("meta-llama/Llama-3.3-70B", ["Llama"]),
        ("rules", []),
    ],
)  # fmt: skip
def test_a_name_tells_its_family(reference: str, families: list[str]) -> None:
    assert find_families(reference) == families


def test_a_judge_of_the_family_of_teacher_generator_or_base_is_flagged() -> None:
    judge = "anthropic:claude-sonnet-5-5"
    roles = {"teacher": "anthropic:claude-opus-4-6", "generator": "Qwen/Qwen3-32B", "base": "google/gemma-3-27b-it"}
    (doubt,) = find_kinship(judge, roles)
    assert "the teacher anthropic:claude-opus-4-6" in doubt
    assert "Claude family" in doubt
    assert find_kinship(judge, ["Qwen/Qwen3-32B"]) == []
    assert find_kinship("http://h/v1#qwen3", ["Qwen/Qwen3-32B"])[0].startswith("the judge http://h/v1#qwen3")
    assert find_kinship("./mine", ["./mine"]) == ["the judge ./mine judges itself"]
