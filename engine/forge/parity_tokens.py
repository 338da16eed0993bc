"""Whether a form reads a prompt as the training did: its own template and tokenizer against those of the training."""

from pathlib import Path
from typing import Any

from engine.models.locate import trace_model
from engine.models.template import Renderer
from engine.probe.variants import make_prompt
from engine.records.dataset import Probe
from engine.records.serving import Endpoint
from engine.serve.client import Prompt, is_ids
from engine.serve.tokenizer import LightTokenizer
from engine.store.paths import Workspace

PLAIN_TEXT = "A text."
"""Encoded beside the probes, which may all go through a template: what is put before raw text shows here."""


def compare_tokens(endpoint: Endpoint, probes: list[Probe], ours: Renderer, workspace: Workspace) -> list[str]:
    """Where the form's own tokenizer renders or encodes otherwise than the training's did, in words."""
    folder = endpoint.tokenizer
    if folder is None:
        traced = trace_model(endpoint.reference, workspace)
        if traced.form is None:
            return []  # the first form has the very tokenizer that it was trained with
        folder = traced.base
    theirs = Renderer(LightTokenizer(Path(folder)), ours.template)
    differ = []
    for prompt in (*(make_prompt(probe, [], None) for probe in probes), PLAIN_TEXT):
        if encode(prompt, ours) != encode(prompt, theirs):
            differ.append(name_difference(prompt, ours, theirs))
            break
    ends = theirs.tokenizer.eos_token_id, ours.tokenizer.eos_token_id
    if ends[0] != ends[1]:
        differ.append(f"BOS/EOS: the form ends an answer with token {ends[0]}, the training with {ends[1]}")
    return differ


def name_difference(prompt: Prompt, ours: Renderer, theirs: Renderer) -> str:
    """Which comes first, 'template', 'BOS/EOS' or 'token ids', with both sides from a little before they part."""
    texts = [show_prompt(prompt, side) for side in (theirs, ours)]
    if texts[0] != texts[1]:
        here, there = show_parting(*texts)
        return f"template: the form renders {here!r}, the training {there!r}"
    ids = [encode(prompt, side) for side in (theirs, ours)]
    bare = [side.encode_text(texts[0]) for side in (theirs, ours)]
    here, there = show_parting(*ids)
    kind = "BOS/EOS" if bare[0] == bare[1] else "token ids"
    return f"{kind}: {texts[0][:40]!r} is {here} to the form, {there} to the training"


def show_parting(one: Any, other: Any) -> tuple[Any, Any]:
    """Both from shortly before the place where they part, and not for long."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    long = 30 if isinstance(one, str) else 6
    return one[max(0, at - long) : at + long], other[max(0, at - long) : at + long]


def encode(prompt: Prompt, renderer: Renderer) -> list[int]:
    """The ids of a prompt as a client sends them."""
    if is_ids(prompt):
        return prompt
    if isinstance(prompt, str):
        return list(renderer.tokenizer(prompt)["input_ids"])
    if prompt[-1].role == "assistant":
        return renderer.encode_prompt(prompt[:-1]) + renderer.encode_text(prompt[-1].content)
    return renderer.encode_prompt(prompt)


def show_prompt(prompt: Prompt, renderer: Renderer) -> str:
    if is_ids(prompt) or isinstance(prompt, str):
        return str(prompt)
    return renderer.render(renderer.complete(prompt), generate=True)
