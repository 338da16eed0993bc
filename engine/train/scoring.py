"""What a model says of a batch of pairs: one forward pass, vocabulary only where a token is scored."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from engine.train.objectives import Scores, token_logps


@contextmanager
def select_positions(model: Any, mask: Tensor) -> Iterator[None]:
    """Have the output head of `model` see only the positions in `mask`, [rows, length] bool.

    The logits come out as [1, mask.sum(), vocabulary], in row-major order. Selecting in front of the
    head rather than calling the decoder keeps whatever an architecture does to its logits (scaling,
    soft caps), and works under PEFT, checkpointing and DDP alike.
    """
    head = model.get_output_embeddings()

    def select(_module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0][mask].unsqueeze(0), *inputs[1:])

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def score_batch(model: Any, wrapped: Any, batch: dict[str, Tensor], both: bool = True) -> Scores:
    """Score one collated batch; `wrapped` is `model` as the Trainer wraps it (DDP) or `model` itself.

    On a bf16 base the adapter's float32 matrices are multiplied in bf16 too, by autocast.
    """
    answer, likelihood = batch["answer"], batch["likelihood"]
    mask = answer | likelihood
    half = model.dtype == torch.bfloat16
    with select_positions(model, mask), torch.autocast(mask.device.type, torch.bfloat16, enabled=half):
        out = wrapped(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
    # position t predicts token t + 1; the last column is never set in a mask
    targets = batch["input_ids"].roll(-1, dims=1)[mask]
    logps = token_logps(out.logits[0], targets)
    sums = _sum_rows(logps, answer, mask)
    tokens = answer.sum(1)
    nll_sum = -logps[likelihood[mask]].sum()
    if not both:
        return Scores(sums, None, tokens, tokens, nll_sum)
    pairs = len(sums) // 2
    return Scores(sums[:pairs], sums[pairs:], tokens[:pairs], tokens[pairs:], nll_sum)


def _sum_rows(logps: Tensor, answer: Tensor, mask: Tensor) -> Tensor:
    """Sum per row over its answer: [rows]. Scattered back and summed, so the order is fixed on any device."""
    placed = torch.zeros(mask.shape, dtype=logps.dtype, device=logps.device)
    placed = placed.masked_scatter(mask, logps)
    return (placed * answer).sum(1)
