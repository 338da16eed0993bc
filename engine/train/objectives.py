"""The four objectives, as sums over a batch of pairs.

Each takes the summed log-probabilities of the answers and their lengths and returns a loss that is
already divided by the totals of the whole optimiser step, so that micro-batches and ranks add up to
one large batch exactly. Knows no model and no data.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.records.recipe import Recipe


class Scores(NamedTuple):
    """What the model says of one batch; float32, one entry per pair unless noted."""

    chosen: Tensor
    """Summed log-probability of the chosen answer, in nats."""
    rejected: Tensor | None
    """The same of the rejected answer; None in SFT's training batches."""
    chosen_tokens: Tensor
    rejected_tokens: Tensor
    nll_sum: Tensor
    """Negative log-likelihood summed over the likelihood term's tokens, scalar."""


class Totals(NamedTuple):
    """What one optimiser step is divided by, over all of its micro-batches and ranks."""

    pairs: float
    nll_tokens: float


class Judged(NamedTuple):
    loss: Tensor
    """This batch's share of the step's loss: shares add up to the mean over the step."""
    reward_chosen: Tensor | None
    reward_rejected: Tensor | None
    log_odds: Tensor | None


def judge_batch(recipe: Recipe, scores: Scores, reference: Scores | None, totals: Totals) -> Judged:
    """The recipe's loss and implicit rewards for one batch of pairs."""
    match recipe.objective:
        case "orpo":
            return orpo(scores, totals, recipe.orpo.beta)
        case "simpo":
            return simpo(scores, totals, recipe.simpo.beta, recipe.simpo.gamma, recipe.simpo.cpo_alpha)
        case "dpo":
            assert reference is not None
            return dpo(scores, reference, totals, recipe.dpo.beta)
        case "sft":
            return Judged(scores.nll_sum / totals.nll_tokens, None, None, None)


def orpo(scores: Scores, totals: Totals, beta: float) -> Judged:
    """Hong et al. 2024 (ORPO), equations 6 and 7, over mean log-probabilities per token:

    loss = NLL - beta * log sigmoid(log odds(chosen) - log odds(rejected)), odds(p) = p / (1 - p).
    Rewards are beta times the mean log-probability, TRL's scale.
    """
    chosen, rejected = mean_logps(scores)
    log_odds = (chosen - rejected) - (log1mexp(chosen) - log1mexp(rejected))
    loss = scores.nll_sum / totals.nll_tokens - beta * F.logsigmoid(log_odds).sum() / totals.pairs
    return Judged(loss, beta * chosen, beta * rejected, log_odds)


def simpo(scores: Scores, totals: Totals, beta: float, gamma: float, cpo_alpha: float) -> Judged:
    """Meng et al. 2024 (SimPO), equation 6: -log sigmoid(beta * (mean chosen - mean rejected) - gamma).

    `cpo_alpha` adds that much of the chosen answer's NLL (CPO-SimPO); 0 is SimPO proper.
    """
    chosen, rejected = mean_logps(scores)
    loss = -F.logsigmoid(beta * (chosen - rejected) - gamma).sum() / totals.pairs
    if cpo_alpha:
        loss = loss + cpo_alpha * scores.nll_sum / totals.nll_tokens
    return Judged(loss, beta * chosen, beta * rejected, None)


def dpo(scores: Scores, reference: Scores, totals: Totals, beta: float) -> Judged:
    """Rafailov et al. 2023 (DPO), equation 7, over summed log-probabilities against the reference."""
    assert scores.rejected is not None
    assert reference.rejected is not None
    reward_chosen = beta * (scores.chosen - reference.chosen)
    reward_rejected = beta * (scores.rejected - reference.rejected)
    loss = -F.logsigmoid(reward_chosen - reward_rejected).sum() / totals.pairs
    return Judged(loss, reward_chosen, reward_rejected, None)


def mean_logps(scores: Scores) -> tuple[Tensor, Tensor]:
    """Mean log-probability per answer token, of chosen and of rejected, in nats."""
    assert scores.rejected is not None
    return scores.chosen / scores.chosen_tokens, scores.rejected / scores.rejected_tokens


def log1mexp(x: Tensor) -> Tensor:
    """log(1 - exp(x)) for x < 0 without cancellation: Maechler 2012, equation 7.

    x is held below -1e-7: at x = 0, a certain answer, the odds are infinite.
    """
    x = x.clamp(max=-1e-7)
    near = x > -0.6931471805599453
    return torch.where(
        near,
        torch.log(-torch.expm1(torch.where(near, x, -1.0))),
        torch.log1p(-torch.exp(torch.where(near, -1.0, x))),
    )


def token_logps(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of each target, float32, in nats. logits [N, V], targets [N]."""
    logps: Tensor = _TokenLogps.apply(logits, targets)  # type: ignore[no-untyped-call]
    return logps


class _TokenLogps(torch.autograd.Function):
    """log softmax at the targets, a few rows at a time: no float32 copy of all logits, forward or backward.

    The gradient of log p_y by the logits is one-hot(y) - softmax, so the logits and one normaliser per
    row are all that backward needs; it is written in the logits' own dtype.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        logps = torch.empty(len(targets), dtype=torch.float32, device=logits.device)
        normalisers = torch.empty_like(logps)
        for rows in _row_slices(logits):
            part = logits[rows].float()
            normalisers[rows] = torch.logsumexp(part, dim=1)
            logps[rows] = part.gather(1, targets[rows, None])[:, 0] - normalisers[rows]
        ctx.save_for_backward(logits, targets, normalisers)
        return logps

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, targets, normalisers = ctx.saved_tensors
        out = torch.empty_like(logits)
        for rows in _row_slices(logits):
            part = (logits[rows].float() - normalisers[rows, None]).exp_().mul_(-grad[rows, None])
            part.scatter_add_(1, targets[rows, None], grad[rows, None])
            out[rows] = part
        return out, None


def _row_slices(logits: Tensor) -> Iterator[slice]:
    """Rows in pieces of 8 MB of float32 on a CPU, which fit its cache, and of 256 MB on a GPU."""
    step = max(1, (1 << (26 if logits.is_cuda else 21)) // logits.shape[1])
    for start in range(0, len(logits), step):
        yield slice(start, start + step)
