"""Answers of a loaded transformers model to many prompts at once, from a random stream of their own."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.recipe import Sentinel
from engine.serve.answers import Answer, Finish


class Heed(StoppingCriteria):
    """Ends nothing itself: `heed` raises where an end is asked for, between two tokens."""

    def __init__(self, heed: Callable[[], None]) -> None:
        self.heed = heed

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        self.heed()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def sample_answers(
    model: Any,
    renderer: Renderer,
    prompts: list[list[Message]],
    sampling: Sentinel,
    seed: int,
    heed: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """One answer of PEFT's `model` per prompt, all in one batch; repeat a prompt to have several.

    What `heed` raises between two tokens ends it.

    The model's training mode, its gradient checkpointing and every global random stream are left as
    they were, so that a run with sentinels trains to the same losses as one without. What its makers
    sample by is left out, as every server leaves it out.
    """
    began = time.perf_counter()
    encoded = [renderer.encode_prompt(p) for p in prompts]
    length = max(map(len, encoded))
    pad = renderer.tokenizer.pad_token_id
    device = model.device
    ids = torch.tensor([[pad] * (length - len(e)) + e for e in encoded], device=device)
    attention = torch.tensor([[0] * (length - len(e)) + [1] * len(e) for e in encoded], device=device)
    options: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        options = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
        }
    training, base = model.training, model.get_base_model()
    own, base.generation_config = base.generation_config, GenerationConfig()
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            torch.manual_seed(seed)
            model.eval()
            out = model.generate(
                input_ids=ids,
                attention_mask=attention,
                max_new_tokens=sampling.max_tokens,
                pad_token_id=pad,
                eos_token_id=sorted(renderer.stop_ids),
                use_cache=True,
                stopping_criteria=StoppingCriteriaList([Heed(heed)]),
                **options,
            )
    finally:
        base.generation_config = own
        model.train(training)
    seconds = time.perf_counter() - began
    answers = []
    for prompt, row in zip(encoded, out[:, length:].tolist(), strict=True):
        end = next((i for i, token in enumerate(row) if token in renderer.stop_ids), None)
        tokens = row if end is None else row[:end]
        text = renderer.tokenizer.decode(tokens, skip_special_tokens=True).strip()
        finish: Finish = "length" if end is None else "stop"
        answers.append(Answer(text, len(tokens), len(prompt), finish, None, seconds, seconds))
    return answers
