"""The contract's metrics of one optimiser step, from sums over its micro-batches and ranks."""

import torch
from torch import Tensor

from engine.train.objectives import Judged, Scores, Totals


def sum_measures(scores: Scores, judged: Judged) -> dict[str, Tensor]:
    """Sums over one batch; batches add up by key. Scalars, detached."""
    chosen = (scores.chosen / scores.chosen_tokens).detach()
    sums = {"loss": judged.loss.detach(), "nll": scores.nll_sum.detach(), "logp_chosen": chosen.sum()}
    if scores.rejected is None:
        return sums
    rejected = (scores.rejected / scores.rejected_tokens).detach()
    sums["logp_rejected"] = rejected.sum()
    better = chosen > rejected
    if judged.reward_chosen is not None and judged.reward_rejected is not None:
        sums["reward_chosen"] = judged.reward_chosen.detach().sum()
        sums["reward_rejected"] = judged.reward_rejected.detach().sum()
        better = judged.reward_chosen > judged.reward_rejected
    sums["accuracy"] = better.sum().to(chosen.dtype)
    if judged.log_odds is not None:
        sums["log_odds"] = judged.log_odds.detach().sum()
    return sums


def add_sums(into: dict[str, Tensor], sums: dict[str, Tensor]) -> None:
    for name, value in sums.items():
        into[name] = into[name] + value if name in into else value


def finish_measures(sums: dict[str, Tensor], totals: Totals) -> dict[str, float]:
    """Means over the step. One transfer from the device.

    loss            as the objective defines it, over the whole step
    nll             nats per token of the likelihood term
    logp_*          mean over pairs of the mean log-probability per answer token, nats
    reward_*        mean over pairs of the objective's implicit reward; margin is their difference
    margin_nats     logp_chosen - logp_rejected: comparable across objectives and betas
    accuracy        share of pairs whose chosen reward (SFT: mean log-probability) is the higher
    log_odds        ORPO's log odds ratio, mean over pairs
    """
    names = list(sums)
    values = dict(zip(names, torch.stack([sums[n].double() for n in names]).tolist(), strict=True))
    measures = {name: value / totals.pairs for name, value in values.items() if name not in ("loss", "nll")}
    measures["loss"] = values["loss"]
    measures["nll"] = values["nll"] / totals.nll_tokens
    if "logp_rejected" in measures:
        measures["margin_nats"] = measures["logp_chosen"] - measures["logp_rejected"]
    if "reward_chosen" in measures:
        measures["margin"] = measures["reward_chosen"] - measures["reward_rejected"]
    return measures
