"""The training worker: one attempt at one run, in a process of its own.

    python -m engine.train.worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher, which holds the run's lock and hands it over. Reads run.json and rows.jsonl, writes
the journals and the checkpoints, and ends with one final event: finished, stopped or failed.
"""

import os
import sys
from contextlib import suppress
from typing import Any

from engine.errors import StoreError
from engine.launch.attempt import Journals, Stopped, run_attempt
from engine.records.rows import CheckpointFile
from engine.records.run import Run
from engine.store.paths import CheckpointPaths, RunPaths, Workspace
from engine.store.runs import latest_checkpoint, open_checkpoint, open_run


def attempt_training(paths: RunPaths, journals: Journals) -> str:
    run = open_run(paths)
    found = latest_checkpoint(paths)
    journals.step = journals.step or (found.step if found else run.start_step)
    return train(run, paths, journals, found)


def train(run: Run, paths: RunPaths, journals: Journals, found: CheckpointPaths | None) -> str:
    """Load everything, train to the end or to a stop; returns how it ended."""
    import time

    import torch
    import transformers

    from engine.data.read import hash_file
    from engine.models.load import add_adapter, attach_adapter, load_base, load_reference, load_tokenizer
    from engine.models.locate import locate_model
    from engine.models.template import Renderer
    from engine.train.encode import encode_pairs
    from engine.train.recorder import Recorder
    from engine.train.rows import read_rows_file
    from engine.train.trainer import CharacterTrainer

    began = time.perf_counter()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_warning()
    recipe = run.recipe
    workspace = Workspace(paths.folder.parent.parent)
    if hash_file(paths.rows) != run.dataset.rows_sha256:
        raise StoreError(
            f"{paths.rows} changed since the run was resolved", fix=f"charlab train anew, or charlab fork {run.id}@STEP"
        )
    if recipe.load.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.manual_seed(recipe.seed)

    # a resumed run goes on from the very weights that it began on
    located = locate_model(recipe.base, workspace, print)._replace(revision=run.base.revision)
    tokenizer = load_tokenizer(located)
    renderer = Renderer(tokenizer, recipe.template)
    split = read_rows_file(paths.rows)
    train_rows = encode_pairs(split.train, renderer, recipe, str(paths.rows)).kept
    heldout_rows = encode_pairs(split.heldout, renderer, recipe, str(paths.rows)).kept if split.heldout else []

    model = load_base(located, recipe.load, run.plan.tokens_longest)
    if recipe.load.gradient_checkpointing:
        model.enable_input_require_grads()
    torch.manual_seed(recipe.seed)
    if found is not None:
        model = attach_adapter(model, found.folder, tokenizer, trainable=True, resuming=True)
    elif located.adapter is not None:
        model = attach_adapter(model, located.adapter, tokenizer, trainable=True)
    else:
        model = add_adapter(model, recipe.lora)
    reference = None
    if run.reference is not None:
        against = locate_model(run.reference, workspace)
        reference = "base" if against.adapter is None else "adapter"
        if reference == "adapter":
            load_reference(model, against)

    recorder: Recorder
    trainer = CharacterTrainer(
        recipe, model, tokenizer.pad_token_id, train_rows, heldout_rows, reference, str(paths.folder), run.steps
    )
    recorder = Recorder(run, paths, journals, trainer, renderer, make_sentinels(run, paths, journals.attempt))
    trainer.add_callback(recorder)
    checkpoint: CheckpointFile | None = open_checkpoint(found) if found else None
    trainer.tokens = checkpoint.tokens if checkpoint else 0
    recorder.watch_signals()
    journals.tell(
        "started", found.step if found else run.start_step,
        device=str(model.device), steps=run.steps, seconds=round(time.perf_counter() - began, 2),
        from_checkpoint=found.step if found else None,
        trainable=sum(p.numel() for p in model.parameters() if p.requires_grad),
        process={"pid": os.getpid()},
    )  # fmt: skip
    if found is not None and found.step >= run.steps:
        recorder.finish_without_a_step(found.step)
    else:
        with suppress(Stopped):  # before the first step; the recorder says why
            trainer.train(resume_from_checkpoint=str(found.folder) if found else None)
    return recorder.ended


def make_sentinels(run: Run, paths: RunPaths, attempt: int) -> Any:
    from engine.data.read import read_probes
    from engine.records.dataset import Character
    from engine.store.journal import read_json
    from engine.train.sentinel import Sentinels

    if run.recipe.sentinel.every == 0 or not paths.probes.is_file():
        return None
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    return Sentinels(read_probes(paths.probes), character, run.recipe.sentinel, run.recipe.seed, attempt)


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_training))
