"""The catalogue knows every metric that training writes, and says of each what a person needs to judge it."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.records.recipe import Objective, Recipe
from engine.store.index import summarise_run
from engine.store.journal import read_rows
from engine.train.alarms import METRICS as CONTRACT
from panels.metrics import AXES, CHARTS, METRICS, arrange_charts, describe_metric, format_metric


def test_every_key_of_the_contract_is_described_and_no_other() -> None:
    assert set(METRICS) == set(CONTRACT)
    for key, metric in METRICS.items():
        assert metric.key == key
        for text in (metric.title, metric.meaning, metric.healthy, metric.source, *metric.warnings):
            assert text.strip() == text != "", key
        assert metric.warnings, key
        assert all(": " in shape for shape in metric.warnings), f"{key}: a shape and what it means"
        assert {objective for objective, _ in metric.readings} <= set(get_args(Objective)), key
        assert not (metric.log_ok and metric.range), key


def test_good_lies_where_training_should_go() -> None:
    ways = {key: metric.better for key, metric in METRICS.items()}
    assert {key for key, way in ways.items() if way == "down"} == {
        "loss", "nll", "reward_rejected", "logp_rejected", "seconds_per_step", "break_rate",
    }  # fmt: skip
    assert {key for key, way in ways.items() if way == "up"} == {
        "reward_chosen", "margin", "margin_nats", "accuracy", "logp_chosen", "log_odds", "tokens_per_second",
        "in_character_rate",
    }  # fmt: skip
    assert {key for key, metric in METRICS.items() if metric.range == (0.0, 1.0)} == {
        "accuracy", "break_rate", "in_character_rate",
    }  # fmt: skip


@pytest.mark.parametrize("objective", get_args(Objective))
def test_what_the_objectives_measure_is_in_the_catalogue_and_reads_as_it_says(objective: str) -> None:
    import torch

    from engine.train.measures import finish_measures, sum_measures
    from engine.train.objectives import Scores, Totals, judge_batch

    recipe = Recipe.model_validate({"name": "r", "base": "b", "dataset": "d", "objective": objective, "seed": 1})
    tokens = torch.tensor([10.0, 20.0])
    # no preference: both answers of a pair equally likely, under the model and under the reference
    scores = Scores(-2 * tokens, -2 * tokens, tokens, tokens, torch.tensor(60.0))
    totals = Totals(pairs=2, nll_tokens=30)
    measures = finish_measures(sum_measures(scores, judge_batch(recipe, scores, scores, totals)), totals)

    assert set(measures) <= set(METRICS)
    said = {key: dict(METRICS[key].readings).get(objective, "") for key in METRICS}
    assert ("reward_chosen" in measures) == (said["reward_chosen"] != "not measured")
    without_preference = {
        "orpo": 2 + 0.1 * math.log(2), "simpo": math.log(1 + math.e), "dpo": math.log(2), "sft": 2.0,
    }  # fmt: skip
    assert measures["loss"] == pytest.approx(without_preference[objective], abs=1e-5)
    assert {"orpo": "0.69 beta", "simpo": "1.31", "dpo": "0.693", "sft": "NLL"}[objective] in said["loss"]
    # a tie is no win
    assert measures["accuracy"] == 0.0


@pytest.mark.slow
def test_a_real_run_writes_what_the_catalogue_knows_and_charts_show_all_of_it(
    tiny_recipe: Callable[..., Path], charlab: Callable[..., Any], workspace: Any
) -> None:
    recipe = tiny_recipe(optim={"steps": 2}, heldout={"every": 1}, sentinel={"every": 1, "samples": 1, "max_tokens": 4})
    done = charlab("train", str(recipe), "--detach", "--json")
    assert done.returncode == 0, done.stderr
    paths = workspace.run(json.loads(done.stdout)["id"])
    end = time.monotonic() + 90
    while summarise_run(paths).status not in ("finished", "failed", "lost"):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert summarise_run(paths).status == "finished"
    written = {key for row in read_rows(paths.metrics) for key in row["values"]}
    assert {key.removeprefix("heldout.") for key in written} <= set(METRICS)
    assert set(METRICS) - written <= {"device_mb"}
    shown = {curve.key for chart in arrange_charts(written) for curve in chart.curves}
    assert written - shown == AXES


def test_a_held_out_twin_reads_as_its_metric_does_and_warns_of_overfitting() -> None:
    twin, metric = describe_metric("heldout.loss"), METRICS["loss"]
    assert (twin.key, twin.title, twin.better, twin.log_ok) == ("heldout.loss", "held-out loss", "down", True)
    assert twin.meaning.startswith("Measured on the held-out pairs")
    assert twin.meaning.endswith(metric.meaning)
    assert "overfitting" in twin.warnings[0]
    assert twin.warnings[1:] == metric.warnings
    assert describe_metric("heldout.accuracy").range == (0.0, 1.0)


def test_an_unknown_metric_is_described_as_such() -> None:
    metric = describe_metric("kl_to_base")
    assert (metric.key, metric.title, metric.better, metric.range) == ("kl_to_base", "kl to base", "none", None)
    assert "does not know" in metric.meaning
    assert describe_metric("heldout.kl_to_base").title == "held-out kl to base"
    assert describe_metric("\x1b[31mred\x1b[0m\n").title == "red"
    assert describe_metric("").title == describe_metric("heldout.").title.removeprefix("held-out ") == "unnamed"
    assert describe_metric("heldout." * 5000).title.startswith("held-out heldout.")


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        METRICS["loss"].title = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("loss", 5.3834, "5.383"),
        ("loss", 4000.0, "4000"),
        ("heldout.loss", 0.0, "0.000"),
        ("margin", 0.8119, "+0.812"),
        ("margin_nats", -2.036, "-2.04"),
        ("accuracy", 0.8333, "83.3%"),
        ("heldout.accuracy", 1.0, "100.0%"),
        ("break_rate", 0.0, "0.0%"),
        ("lr", 0.000772, "0.000772"),
        ("lr", 1.6922e-07, "1.69e-07"),
        ("lr", 0.0, "0"),
        ("grad_norm", 12345.6, "1.23e+04"),
        ("grad_norm", 1e10, "1.00e+10"),
        ("grad_norm", 123.4, "123"),
        ("tokens", 109283.0, "109,283"),
        ("rss_mb", 4283.47, "4,283"),
        ("seconds_per_step", 1.2677, "1.27"),
        ("epoch", 3.3333, "3.33"),
        ("unheard_of", 2.0, "2.000"),
        ("loss", None, "–"),
        ("loss", math.nan, "nan"),
        ("accuracy", math.inf, "inf"),
        ("tokens", -math.inf, "-inf"),
    ],
)
def test_values_are_written_as_their_metric_is_read(key: str, value: float | None, text: str) -> None:
    assert format_metric(key, value) == text


def test_the_charts_name_known_metrics_once_each_and_cover_the_catalogue() -> None:
    curves = [curve.key for chart in CHARTS for curve in chart.curves]
    assert len(set(curves)) == len(curves)
    assert {key.removeprefix("heldout.") for key in curves} <= set(METRICS)
    assert set(METRICS) - set(curves) == AXES | {"margin", "seconds_per_step"}
    assert len({chart.key for chart in CHARTS}) == len(CHARTS)
    for chart in CHARTS:
        roles = [curve.role for curve in chart.curves]
        assert roles[0] == "training"
        assert len(set(roles)) == len(roles), chart.key
        assert {METRICS[c.key.removeprefix("heldout.")].range for c in chart.curves} == {chart.range}, chart.key
        for curve in chart.curves:
            assert curve.key.startswith("heldout.") == curve.role.startswith("heldout"), curve.key
    assert [chart.key for chart in CHARTS if chart.log_ok] == [
        "loss", "lr", "grad_norm", "tokens_per_second", "memory", "nll",
    ]  # fmt: skip


def test_a_run_gets_the_charts_of_what_it_wrote_and_one_for_each_metric_nobody_foresaw() -> None:
    found = ["loss", "heldout.loss", "epoch", "tokens", "logp_chosen", "rss_mb", "zeal", "heldout.zeal", "heldout.art"]
    charts = {chart.key: [(c.key, c.role) for c in chart.curves] for chart in arrange_charts(found)}
    assert charts == {
        "loss": [("loss", "training"), ("heldout.loss", "heldout")],
        "logps": [("logp_chosen", "training")],
        "memory": [("rss_mb", "training")],
        "art": [("heldout.art", "heldout")],
        "zeal": [("zeal", "training"), ("heldout.zeal", "heldout")],
    }
    assert list(charts) == ["loss", "logps", "memory", "art", "zeal"]
    assert arrange_charts([]) == ()
    assert arrange_charts(iter(["seconds_per_step"]))[0].title == "step time, s"
    assert arrange_charts(["margin", "heldout.margin"])[0].title == "reward margin"
