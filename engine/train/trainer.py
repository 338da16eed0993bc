"""The training loop: transformers' Trainer, taught the four objectives and the run's own checkpoints.

The Trainer keeps what it is good at: the loop, accumulation, clipping, optimisers, schedules, devices and
ranks. Here are the loss over the whole optimiser step, the step's measures, and checkpoints that are
complete or absent. What happens between steps is the Recorder's (engine/train/recorder.py).
"""

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer, TrainingArguments

from engine.launch.process import resident_mb
from engine.records.recipe import Recipe
from engine.store.paths import CheckpointPaths
from engine.train.encode import EncodedPair, collate
from engine.train.measures import add_sums, finish_measures, sum_measures
from engine.train.objectives import Scores, Totals, judge_batch
from engine.train.scoring import score_batch

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
OPTIMIZERS = {"adamw": "adamw_torch", "adamw8bit": "adamw_bnb_8bit"}


def make_arguments(recipe: Recipe, folder: str, steps: int) -> TrainingArguments:
    optim, load = recipe.optim, recipe.load
    assert optim.lr is not None, "a resolved recipe has a rate"
    return TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=optim.batch,
        gradient_accumulation_steps=optim.accumulate,
        learning_rate=optim.lr,
        lr_scheduler_type=SCHEDULES[optim.schedule],
        warmup_steps=round(optim.warmup * steps),
        max_grad_norm=optim.clip,
        optim=OPTIMIZERS[optim.optimizer],
        weight_decay=optim.weight_decay,
        gradient_checkpointing=load.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if load.gradient_checkpointing else None,
        bf16=False,  # score_batch casts; Accelerate would turn all logits to float32 besides
        seed=recipe.seed,
        data_seed=recipe.seed,
        full_determinism=load.deterministic,
        logging_strategy="no",
        save_strategy="no",
        eval_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        logging_nan_inf_filter=False,
    )


class CharacterTrainer(Trainer):
    """Trains the adapter of `model` on encoded pairs; `measured` holds the last finished step's values."""

    def __init__(
        self,
        recipe: Recipe,
        model: Any,
        pad: int,
        train: Sequence[EncodedPair],
        heldout: Sequence[EncodedPair],
        reference: str | None,
        folder: str,
        steps: int,
    ) -> None:
        self.recipe = recipe
        self.pad = pad
        self.heldout = heldout
        self.reference = reference
        """'base' to measure against the base, 'adapter' against the frozen adapter, None for none."""
        self.both = recipe.objective != "sft"
        self.whole = recipe.objective == "orpo" and recipe.orpo.nll == "sequence"
        self.tokens = 0
        self.measured: dict[str, float] = {}
        self._sums: dict[str, Tensor] = {}
        self._totals = Totals(0, 0)
        self._step_tokens = 0
        self._began = 0.0
        super().__init__(
            model=model,
            args=make_arguments(recipe, folder, steps),
            train_dataset=train,
            data_collator=lambda pairs: collate(pairs, pad, self.both, self.whole),
        )
        # the losses below are shares of the whole step's mean already
        self.loss_is_scaled_for_ga = True

    # -- one optimiser step ------------------------------------------------------------------------

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> tuple[list[Any], Any]:
        """The micro-batches of one step, and what the step is divided by over all ranks."""
        self._began = time.perf_counter()
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        self._sums = {}
        rows = 2 if self.both else 1
        counts = torch.tensor(
            [
                sum(len(b["input_ids"]) // rows for b in batches),
                sum(int(b["likelihood"].sum()) for b in batches),
                sum(int(b["attention_mask"].sum()) for b in batches),
            ],
            dtype=torch.float64,
        )
        pairs, nll_tokens, tokens = self._over_ranks(counts).tolist()
        self._step_tokens = int(tokens)
        self._totals = Totals(pairs, nll_tokens)
        return batches, self._totals

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Tensor:
        totals: Totals = num_items_in_batch
        scores = score_batch(self.plain(), model, inputs, self.both)
        judged = judge_batch(self.recipe, scores, self._score_reference(inputs), totals)
        add_sums(self._sums, sum_measures(scores, judged))
        # DDP averages gradients over ranks, and each rank's loss is already its share of the sum
        ranks: int = self.accelerator.num_processes
        return judged.loss * ranks

    def _score_reference(self, inputs: dict[str, Tensor]) -> Scores | None:
        if self.reference is None:
            return None
        model = self.plain()
        training = model.training
        model.eval()
        try:
            with torch.no_grad():
                if self.reference == "base":
                    with model.disable_adapter():
                        return score_batch(model, model, inputs, self.both)
                model.set_adapter("reference")
                return score_batch(model, model, inputs, self.both)
        finally:
            if self.reference == "adapter":
                model.set_adapter("default")
                # set_adapter has every adapter that it activates train
                _freeze(model, "reference")
            model.train(training)

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> float:
        """Called once a step, after clipping: the place where the step's measures are complete."""
        norm = float(super()._get_grad_norm(model, grad_norm))
        self.measured = finish_measures({n: self._over_ranks(v) for n, v in self._sums.items()}, self._totals)
        self.measured["grad_norm"] = norm
        self.measured["lr"] = self._get_learning_rate()
        if not math.isfinite(norm) or not math.isfinite(self.measured["loss"]):
            # a step on such gradients would lose the adapter; without gradients the optimiser passes
            for parameter in model.parameters():
                parameter.grad = None
        return norm

    def finish_step(self) -> dict[str, float]:
        """The values of the step that just ended; called between steps, once."""
        seconds = time.perf_counter() - self._began
        self.tokens += self._step_tokens
        values = {
            **self.measured,
            "epoch": float(self.state.epoch or 0.0),
            "tokens": float(self.tokens),
            "tokens_per_second": self._step_tokens / seconds,
            "seconds_per_step": seconds,
            "rss_mb": resident_mb(),
        }
        if torch.cuda.is_available():
            values["device_mb"] = torch.cuda.max_memory_allocated() / 2**20
        return values

    # -- held-out rows -----------------------------------------------------------------------------

    def score_heldout(self) -> dict[str, float]:
        """The same measures over the held-out rows, keys under `heldout.`; empty where there are none.

        SFT scores the rejected answers too, so that its margin can be compared.
        """
        if not self.heldout:
            return {}
        model = self.plain()
        training = model.training
        model.eval()
        sums: dict[str, Tensor] = {}
        batch_size = self.recipe.optim.batch
        totals = Totals(
            pairs=len(self.heldout),
            nll_tokens=sum(len(p.chosen) + (len(p.prompt) - 1 if self.whole else 0) for p in self.heldout),
        )
        # by length, so that little is padded; the sums do not depend on the order
        rows = sorted(self.heldout, key=lambda p: (p.tokens(), p.id))
        with torch.no_grad():
            for start in range(0, len(rows), batch_size):
                batch = collate(rows[start : start + batch_size], self.pad, True, self.whole)
                inputs = {name: tensor.to(model.device) for name, tensor in batch.items()}
                scores = score_batch(model, model, inputs)
                judged = judge_batch(self.recipe, scores, self._score_reference(inputs), totals)
                add_sums(sums, sum_measures(scores, judged))
        model.train(training)
        return {f"heldout.{name}": value for name, value in finish_measures(sums, totals).items()}

    # -- checkpoints -------------------------------------------------------------------------------

    def save_parts(self, folder: CheckpointPaths) -> None:
        """Adapter, optimiser, schedule, random streams and trainer state into `folder`, no manifest."""
        self.plain().save_pretrained(folder.folder, selected_adapters=["default"])
        path = str(folder.folder)
        self._save_optimizer_and_scheduler(path)
        self._save_rng_state(path)
        self.state.save_to_json(str(folder.trainer_state))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing to do: the adapter was attached, and checked, before the Trainer was made."""

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Load the optimiser, then set the schedule to the step by this recipe's own rate and length.

        The schedules are functions of the step, so a plain resume gets the very rates it would have
        had, and a fork gets its new schedule on the old moments.
        """
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is None:
            return
        assert self.optimizer is not None
        assert self.lr_scheduler is not None
        scheduler: Any = self.lr_scheduler
        rate = self.args.learning_rate
        scheduler.base_lrs = [rate for _ in scheduler.base_lrs]
        scheduler.last_epoch = self.state.global_step
        for group, factor in zip(self.optimizer.param_groups, scheduler.lr_lambdas, strict=True):
            group["initial_lr"] = rate
            group["lr"] = rate * factor(self.state.global_step)
            group["weight_decay"] = self.args.weight_decay if group["weight_decay"] else group["weight_decay"]
        scheduler._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    # -- small things ------------------------------------------------------------------------------

    def plain(self) -> Any:
        """The PEFT model itself, without what a distributed run wraps around it."""
        return self.accelerator.unwrap_model(self.model)

    def _over_ranks(self, sums: Tensor) -> Tensor:
        if self.accelerator.num_processes == 1:
            return sums
        gathered: Tensor = self.accelerator.reduce(sums.to(self.accelerator.device, torch.float32), "sum")
        return gathered.double().cpu()


def _freeze(model: Any, adapter: str) -> None:
    for name, parameter in model.named_parameters():
        if f".{adapter}." in name:
            parameter.requires_grad_(False)
