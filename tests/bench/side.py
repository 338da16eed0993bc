"""One side of a comparison: trains on Madison with charlab's trainer or with TRL's, a step for each word read.

    python tests/bench/side.py '{"workspace": DIR, "trainer": "charlab" | "trl", ...}'

Says on standard output when it is ready, then answers each line on standard input with one of JSON: `step` does
an optimiser step, `journal` (charlab's only) records steps without training. Ends with its input.

Both sides get charlab's token ids, in the same order. TRL's own tokenisation ends an answer twice where the
template writes a line break behind the stop token; so its `tokenize_row`, and nothing else of its step, is
replaced by one that passes on the ids that the dataset's columns hold.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from engine.models.bundled import convert_bundled
from engine.models.load import DTYPES, add_adapter, load_base
from engine.models.locate import locate_model
from engine.store.paths import Workspace
from engine.train.recipe import expand_settings, read_toml
from engine.train.resolve import Resolved, resolve_recipe, write_run

JOURNAL_ROWS = 500


class Baton(TrainerCallback):
    """Holds the Trainer at each step's end until the next word comes; times a step from word to end."""

    def __init__(self, side: Any, answers: Any) -> None:
        self.side = side
        self.answers = answers
        self.began = self.began_cpu = 0.0

    def answer(self, value: dict[str, Any]) -> None:
        print(json.dumps(value), file=self.answers, flush=True)

    def wait(self, args: Any, state: Any, control: Any) -> None:
        for line in sys.stdin:
            word = line.strip()
            if word == "step":
                self.began, self.began_cpu = time.perf_counter(), time.process_time()
                return
            if word == "journal":
                self.answer({"seconds": self.side.time_journal(args, state, control)})
        os._exit(0)  # nobody waits for the rest of this training

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.answer({"ready": True})
        self.wait(args, state, control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seconds, cpu = time.perf_counter() - self.began, time.process_time() - self.began_cpu
        self.answer({"seconds": seconds, "cpu_seconds": cpu, **self.side.describe_step()})
        self.wait(args, state, control)


class OurSide:
    def __init__(self, settings: dict[str, Any], resolved: Resolved, workspace: Workspace) -> None:
        from engine.train.trainer import CharacterTrainer

        self.resolved = resolved
        self.workspace = workspace
        recipe = resolved.run.recipe
        # as the worker loads it: the longest row chooses the attention kernel
        model = load_base(locate_model(recipe.base, workspace), recipe.load, resolved.run.plan.tokens_longest)
        if recipe.load.gradient_checkpointing:
            model.enable_input_require_grads()
        torch.manual_seed(recipe.seed)
        model = add_adapter(model, recipe.lora)
        if "save_adapter" in settings:
            torch.save(adapter_of(model), settings["save_adapter"])
        pad = resolved.renderer.tokenizer.pad_token_id
        self.trainer = CharacterTrainer(
            recipe, model, pad, resolved.encoded.kept, [], None, str(workspace.folder), resolved.run.steps
        )

    def describe_step(self) -> dict[str, Any]:
        measured = self.trainer.measured
        return {
            "tokens": self.trainer._step_tokens,
            "loss": measured["loss"],
            "nll_loss": measured["nll"],
            "rewards/margins": measured["margin"],
            "grad_norm": measured["grad_norm"],
        }

    def time_journal(self, args: Any, state: Any, control: Any) -> float:
        """Mean seconds of the recorder's work at a step's end: measures, metrics row, alarms, looking for a stop."""
        from engine.train.recorder import Journals, Recorder

        paths = write_run(self.resolved, self.workspace)
        recorder = Recorder(self.resolved.run, paths, Journals(paths, 1), self.trainer, self.resolved.renderer, None)
        began = time.perf_counter()
        for _ in range(JOURNAL_ROWS):
            recorder.on_step_end(args, state, control)
        return (time.perf_counter() - began) / JOURNAL_ROWS


class TrlSide:
    def __init__(self, settings: dict[str, Any], resolved: Resolved, workspace: Workspace) -> None:
        from datasets import Dataset
        from peft import LoraConfig
        from transformers import AutoModelForCausalLM
        from trl.experimental.orpo import ORPOConfig, ORPOTrainer

        side = self
        exact = "load_adapter" in settings

        class Fed(ORPOTrainer):
            def tokenize_row(self, feature: Any, model: Any = None) -> dict[str, Any]:
                return {}

            def compute_loss(self, model: Any, inputs: Any, *words: Any, **named: Any) -> Any:
                side.inputs = inputs
                return super().compute_loss(model, inputs, *words, **named)

            def get_batch_loss_metrics(self, model: Any, batch: Any, train_eval: Any = "train") -> Any:
                loss, metrics = super().get_batch_loss_metrics(model, batch, train_eval)
                if exact:  # the log rounds the loss to four places
                    side.measured |= {"loss": loss.item(), **metrics}
                return loss, metrics

            def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
                norm = super()._get_grad_norm(model, grad_norm)
                if exact:
                    side.measured["grad_norm"] = float(norm)
                return norm

        self.inputs: dict[str, Any] = {}
        self.measured: dict[str, float] = {}
        recipe = resolved.run.recipe
        optim, lora = recipe.optim, recipe.lora
        arguments = ORPOConfig(
            output_dir=str(workspace.folder),
            max_steps=resolved.run.steps,
            per_device_train_batch_size=optim.batch,
            gradient_accumulation_steps=optim.accumulate,
            learning_rate=optim.lr,
            lr_scheduler_type="constant",
            warmup_steps=0,
            max_grad_norm=optim.clip,
            weight_decay=optim.weight_decay,
            beta=recipe.orpo.beta,
            max_length=recipe.load.sequence,
            gradient_checkpointing=recipe.load.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if recipe.load.gradient_checkpointing else None,
            bf16=settings["autocast"],
            use_cpu=not torch.cuda.is_available(),  # asked for by bf16 without a device
            seed=recipe.seed,
            data_seed=recipe.seed,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        columns = []
        for pair in resolved.encoded.kept:
            row: dict[str, Any] = {"prompt": "", "chosen": "", "rejected": ""}
            row |= {"prompt_input_ids": pair.prompt, "prompt_attention_mask": [1] * len(pair.prompt)}
            for name, answer in (("chosen", pair.chosen), ("rejected", pair.rejected)):
                row[f"{name}_input_ids"] = pair.prompt + answer
                row[f"{name}_attention_mask"] = [1] * len(pair.prompt + answer)
                row[f"{name}_labels"] = [-100] * len(pair.prompt) + answer
            columns.append(row)
        self.trainer = Fed(
            model=AutoModelForCausalLM.from_pretrained(
                convert_bundled("smollm2-135m", lambda _: None), dtype=DTYPES[recipe.load.dtype]
            ),
            args=arguments,
            train_dataset=Dataset.from_list(columns),
            processing_class=resolved.renderer.tokenizer,
            peft_config=LoraConfig(
                r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=lora.targets,
                task_type="CAUSAL_LM",
            ),
        )  # fmt: skip
        if exact:
            initial = torch.load(settings["load_adapter"])
            mine = adapter_of(self.trainer.model)
            assert initial.keys() == mine.keys(), "both sides train the same matrices"
            with torch.no_grad():
                for name, tensor in mine.items():
                    tensor.copy_(initial[name])

    def describe_step(self) -> dict[str, Any]:
        tokens = sum(int(self.inputs[f"{name}_attention_mask"].sum()) for name in ("chosen", "rejected"))
        return {"tokens": tokens, **self.measured}


def adapter_of(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.data for name, parameter in model.named_parameters() if parameter.requires_grad}


def main() -> None:
    # what libraries print must not come between the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    workspace = Workspace(Path(settings["workspace"]))
    recipe_file = workspace.recipes / "madison-orpo.toml"
    common = [
        "orpo.nll=sequence", "optim.steps=100000", "optim.schedule=constant", "optim.warmup=0", "heldout.share=0",
        "heldout.every=0", "sentinel.every=0", "checkpoint.every=0",
    ]  # fmt: skip
    (recipe,) = expand_settings(read_toml(recipe_file), [*common, *settings.get("set", [])], str(recipe_file))
    resolved = resolve_recipe(recipe, workspace)
    if "shortest" in settings:
        short = sorted(resolved.encoded.kept, key=lambda pair: (pair.tokens(), pair.id))[: settings["shortest"]]
        resolved = replace(resolved, encoded=resolved.encoded._replace(kept=short))
    sides = {"charlab": OurSide, "trl": TrlSide}
    side = sides[settings["trainer"]](settings, resolved, workspace)
    side.trainer.add_callback(Baton(side, answers))
    side.trainer.train()


if __name__ == "__main__":
    main()
