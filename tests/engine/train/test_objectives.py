"""The losses against the papers' formulas, TRL's own, and themselves cut into micro-batches."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.records.recipe import Recipe
from engine.train.measures import add_sums, finish_measures, sum_measures
from engine.train.objectives import Scores, Totals, dpo, judge_batch, log1mexp, orpo, simpo, token_logps


def scores(pairs: int = 6, seed: int = 0) -> Scores:
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randint(3, 30, (2, pairs), generator=random)
    means = -3 * torch.rand(2, pairs, generator=random) - 0.05
    chosen, rejected = (means * tokens).unbind()
    return Scores(chosen, rejected, tokens[0], tokens[1], -chosen.sum())


def totals(of: Scores) -> Totals:
    return Totals(float(len(of.chosen)), float(of.chosen_tokens.sum()))


def test_orpo_is_the_papers_formula_worked_by_hand() -> None:
    one = Scores(torch.tensor([-2.0]), torch.tensor([-6.0]), torch.tensor([4]), torch.tensor([4]), torch.tensor(2.0))
    judged = orpo(one, Totals(1, 4), beta=0.1)
    chosen, rejected = math.exp(-0.5), math.exp(-1.5)
    odds = math.log(chosen / (1 - chosen)) - math.log(rejected / (1 - rejected))
    assert judged.loss.item() == pytest.approx(0.5 - 0.1 * math.log(1 / (1 + math.exp(-odds))), rel=1e-6)
    assert judged.log_odds is not None
    assert judged.log_odds.item() == pytest.approx(odds, rel=1e-6)
    assert judged.reward_chosen is not None
    assert judged.reward_chosen.item() == pytest.approx(-0.05)


def test_orpo_loss_and_rewards_are_trls() -> None:
    import os

    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    from trl.experimental.orpo import ORPOTrainer

    ours = scores()
    trainer = ORPOTrainer.__new__(ORPOTrainer)
    trainer.beta = 0.1
    trainer.accelerator = type("Device", (), {"device": torch.device("cpu")})()
    chosen, rejected = ours.chosen / ours.chosen_tokens, ours.rejected / ours.rejected_tokens  # type: ignore[operator]
    losses, reward_chosen, reward_rejected, _, odds = trainer.odds_ratio_loss(chosen, rejected)
    judged = orpo(ours, totals(ours), 0.1)
    assert judged.loss.item() == pytest.approx(
        (ours.nll_sum / ours.chosen_tokens.sum() - losses.mean()).item(), abs=1e-6
    )
    torch.testing.assert_close(judged.reward_chosen, reward_chosen)
    torch.testing.assert_close(judged.reward_rejected, reward_rejected)
    assert judged.log_odds is not None
    assert judged.log_odds.mean().item() == pytest.approx(float(odds), abs=1e-5)


def test_simpo_takes_the_papers_gamma_which_trl_divides_by_beta() -> None:
    import os

    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    from trl.experimental.cpo import CPOTrainer

    ours = scores()
    trainer = CPOTrainer.__new__(CPOTrainer)
    trainer.beta, trainer.simpo_gamma, trainer.loss_type, trainer.label_smoothing = 2.0, 1.0, "simpo", 0.0
    trainer.alpha = 0.0
    trainer.accelerator = type("Device", (), {"device": torch.device("cpu")})()
    chosen, rejected = ours.chosen / ours.chosen_tokens, ours.rejected / ours.rejected_tokens  # type: ignore[operator]
    losses, reward_chosen, _ = trainer.cpo_loss(chosen, rejected)
    judged = simpo(ours, totals(ours), beta=2.0, gamma=1.0, cpo_alpha=0.0)
    assert judged.loss.item() == pytest.approx(losses.mean().item(), abs=1e-6)
    torch.testing.assert_close(judged.reward_chosen, reward_chosen)
    by_hand = -F.logsigmoid(2.0 * (chosen - rejected) - 1.0).mean()
    assert judged.loss.item() == pytest.approx(by_hand.item(), abs=1e-6)
    added = simpo(ours, totals(ours), beta=2.0, gamma=1.0, cpo_alpha=0.5)
    assert added.loss.item() == pytest.approx(
        (by_hand + 0.5 * ours.nll_sum / ours.chosen_tokens.sum()).item(), abs=1e-6
    )


def test_dpo_starts_at_log_two_and_falls_when_chosen_gains_on_the_reference() -> None:
    ours = scores()
    assert dpo(ours, ours, totals(ours), 0.1).loss.item() == pytest.approx(math.log(2))
    better = ours._replace(chosen=ours.chosen + 5.0)
    judged = dpo(better, ours, totals(ours), 0.1)
    assert judged.loss.item() == pytest.approx(-math.log(1 / (1 + math.exp(-0.5))), rel=1e-5)
    assert judged.reward_chosen is not None
    assert judged.reward_chosen.tolist() == pytest.approx([0.5] * 6)


def recipe(objective: str) -> Recipe:
    return Recipe.model_validate({"name": "x", "base": "m", "dataset": "d", "objective": objective, "seed": 1})


def part(of: Scores, keep: slice) -> Scores:
    def cut(column: Tensor | None) -> Tensor | None:
        return None if column is None else column[keep]

    return Scores(
        cut(of.chosen), cut(of.rejected), cut(of.chosen_tokens), cut(of.rejected_tokens), -of.chosen[keep].sum()
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", ["orpo", "simpo", "dpo", "sft"])
def test_micro_batches_of_uneven_size_add_up_to_the_whole_step(objective: str) -> None:
    whole, reference = scores(), scores(seed=9)
    over = totals(whole)
    at_once = judge_batch(recipe(objective), whole, reference, over)
    expected = finish_measures(sum_measures(whole, at_once), over)
    sums: dict[str, Tensor] = {}
    for keep in (slice(0, 1), slice(1, 5), slice(5, 6)):
        one = part(whole, keep)
        add_sums(sums, sum_measures(one, judge_batch(recipe(objective), one, part(reference, keep), over)))
    assert finish_measures(sums, over) == pytest.approx(expected, abs=1e-6)


def test_margin_is_the_objectives_reward_and_margin_nats_the_same_in_every_objective() -> None:
    ours = scores()
    over = totals(ours)
    found = {
        name: finish_measures(sum_measures(ours, judge_batch(recipe(name), ours, ours, over)), over)
        for name in ("orpo", "simpo", "dpo")
    }
    nats = found["orpo"]["margin_nats"]
    assert found["orpo"]["margin"] == pytest.approx(0.1 * nats)
    assert found["simpo"]["margin"] == pytest.approx(2.0 * nats)
    assert found["dpo"]["margin"] == pytest.approx(0.0)
    assert {f["margin_nats"] for f in found.values()} == {nats}


def test_log1mexp_is_exact_where_the_naive_form_loses_everything() -> None:
    x = torch.tensor([-1e-5, -1e-3, -0.5, -1.0, -30.0], dtype=torch.float64)
    exact = torch.log(-torch.expm1(x))
    torch.testing.assert_close(log1mexp(x), exact)
    certain = torch.zeros(1, requires_grad=True)
    log1mexp(certain).sum().backward()
    assert math.isfinite(log1mexp(certain).item())
    assert certain.grad is not None
    assert math.isfinite(certain.grad.item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_token_logps_and_their_gradients_are_those_of_cross_entropy(dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(3)
    # more rows than one piece holds, and a vocabulary that does not divide it
    logits = (4 * torch.randn(130, 50_021, generator=random)).to(dtype).requires_grad_()
    targets = torch.randint(0, 50_021, (130,), generator=random)
    weights = torch.randn(130, generator=random)
    theirs = -F.cross_entropy(logits.float(), targets, reduction="none")
    (expected,) = torch.autograd.grad((theirs * weights).sum(), logits)
    ours = token_logps(logits, targets)
    (found,) = torch.autograd.grad((ours * weights).sum(), logits)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)
    torch.testing.assert_close(found, expected, atol=1e-5 if dtype == torch.float32 else 1e-2, rtol=0)
