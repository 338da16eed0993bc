"""Preference rows to padded batches of token ids, with what of them is scored."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import DatasetError, RecipeError
from engine.models.template import Renderer
from engine.records.dataset import Pair
from engine.records.recipe import Recipe
from engine.records.run import Plan
from engine.train.estimate import Length

if TYPE_CHECKING:
    from torch import Tensor


class EncodedPair(NamedTuple):
    """One pair as token ids; answers begin where the prompt ends."""

    id: str
    prompt: list[int]
    chosen: list[int]
    rejected: list[int]
    truncated: bool

    def tokens(self) -> int:
        """Non-padding tokens of both halves."""
        return self.length().tokens()

    def length(self) -> Length:
        return Length(len(self.prompt), len(self.chosen), len(self.rejected))


class Sorted(NamedTuple):
    kept: list[EncodedPair]
    left_out: dict[str, str]


def encode_pairs(pairs: Iterable[Pair], renderer: Renderer, recipe: Recipe, place: str) -> Sorted:
    """Every pair as token ids, answers cut at the recipe's `sequence`.

    A prompt that fills the window raises DatasetError naming the row, unless the recipe allows
    'long-prompt', which leaves such rows out.
    """
    kept: list[EncodedPair] = []
    left_out: dict[str, str] = {}
    for pair in pairs:
        prompt, chosen = renderer.encode(pair.prompt, pair.chosen)
        _, rejected = renderer.encode(pair.prompt, pair.rejected)
        if why := refuse_pair(pair.id, len(prompt), chosen == rejected, recipe, place):
            left_out[pair.id] = why
            continue
        space = recipe.load.sequence - len(prompt)
        cut = max(len(chosen), len(rejected)) > space
        kept.append(EncodedPair(pair.id, prompt, chosen[:space], rejected[:space], cut))
    refuse_nothing_left(kept, place)
    return Sorted(kept, left_out)


def refuse_pair(pair_id: str, prompt: int, same: bool, recipe: Recipe, place: str) -> str:
    """Why a pair with a prompt of so many tokens is left out, '' where it stays; else DatasetError."""
    room = recipe.load.sequence
    longest_prompt = min(recipe.load.prompt or room - 1, room - 1)
    if prompt > longest_prompt:
        why = f"its prompt has {prompt} tokens and at most {longest_prompt} fit"
        if "long-prompt" not in recipe.allow:
            raise DatasetError(
                f"{place} row '{pair_id}': {why}",
                fix='raise load.sequence (or load.prompt), or allow = ["long-prompt"] to leave such rows out',
            )
        return why
    if same:
        raise DatasetError(
            f"{place} row '{pair_id}': chosen and rejected are the same tokens", fix="mend or remove the row"
        )
    return ""


def refuse_nothing_left(kept: Sequence[object], place: str) -> None:
    if not kept:
        raise DatasetError(f"{place}: no row is left to train on", fix="raise load.sequence")


def plan_rows(encoded: Sorted) -> Plan:
    lengths = [len(p.prompt) + max(len(p.chosen), len(p.rejected)) for p in encoded.kept]
    return Plan(
        tokens_longest=max(lengths),
        tokens_median=int(statistics.median(lengths)),
        truncated=[p.id for p in encoded.kept if p.truncated],
        left_out=encoded.left_out,
    )


def collate(pairs: Sequence[EncodedPair], pad: int, both: bool = True, whole: bool = False) -> dict[str, Tensor]:
    """Pad pairs to one batch; `whole` has the likelihood term score the chosen prompt as well.

    B pairs become 2B rows, the chosen half first, or B rows without `both`. All are [rows, length]:
    input_ids (right-padded), attention_mask, and two bool masks in which position t stands for token
    t + 1: `answer` marks the tokens of the answers, `likelihood` those of the likelihood term (chosen
    rows only).
    """
    import torch

    rows = [(p.prompt, p.chosen) for p in pairs]
    if both:
        rows += [(p.prompt, p.rejected) for p in pairs]
    length = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.full((len(rows), length), pad)
    attention = torch.zeros((len(rows), length), dtype=torch.long)
    answer_mask = torch.zeros((len(rows), length), dtype=torch.bool)
    likelihood = torch.zeros((len(rows), length), dtype=torch.bool)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor(prompt + answer)
        attention[row, :end] = 1
        answer_mask[row, len(prompt) - 1 : end - 1] = True
        if row < len(pairs):
            likelihood[row, 0 if whole else len(prompt) - 1 : end - 1] = True
    return {"input_ids": ids, "attention_mask": attention, "answer": answer_mask, "likelihood": likelihood}


def check_window(recipe: Recipe, positions: int | None) -> None:
    if positions is not None and recipe.load.sequence > positions:
        raise RecipeError(
            f"load.sequence is {recipe.load.sequence}, but the model has {positions} positions",
            fix=f"--set load.sequence={positions}",
        )
