"""The measuring worker: reads what an estimate stands on, one JSON line for each that it is sent.

    python -m engine.train.measure

A request is {id, workspace, recipe}; while it takes long, {id, note} says what is being done; the reply is
{id, measured} or {id, error, fix}. It ends when standard input closes. Tokenizers and rows stay in memory,
and what was counted lies in the cache folder by the bytes it was counted from, so that a second look at
the same rows, tokenizer and template loads no torch. Files of the cache may always be deleted.
Past 300 lines: the worker, what it keeps and what it reads are of use only together.
"""

import hashlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from engine.data.read import find_dataset, hash_file, read_pairs
from engine.data.split import Split, upsample
from engine.errors import CharlabError, DatasetError, RecipeError
from engine.models.locate import Located, locate_model
from engine.models.template import Renderer
from engine.narrate import Narrate
from engine.records.dataset import Pair
from engine.records.recipe import Recipe
from engine.store.journal import parse_row, write_json
from engine.store.paths import DatasetPaths, Workspace, cache_folder
from engine.train.encode import check_window, refuse_nothing_left, refuse_pair
from engine.train.estimate import (
    Length,
    Lengths,
    Machine,
    Measured,
    ModelSize,
    Shape,
    count_adapter,
    find_speeds,
    read_model_size,
)
from engine.train.guards import check_primary, note_gate, refuse_leaks, refuse_unpassed_gate
from engine.train.presets import fill_presets
from engine.train.resolve import SentinelProbes, check_alone, check_past, gather_advice, read_sentinels, split_pairs

FORMAT = "1"
"""Raised whenever what is cached changes its meaning."""
READ_BY_TOKENIZERS = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "chat_template.jinja", "tokenizer.model", "vocab.json", "merges.txt",
)  # fmt: skip

Found = TypeVar("Found")


class Measurer:
    """Answers requests, and keeps between them what took long to read."""

    def __init__(self) -> None:
        self._tokenizers: dict[str, Any] = {}
        self._pairs: dict[tuple[Any, ...], list[Pair]] = {}
        self._counted: dict[str, dict[str, Any]] = {}

    def measure(self, recipe: Recipe, workspace: Workspace, narrate: Narrate) -> Measured:
        """All numbers, and every refusal that resolving the recipe would meet; CharlabError where there are none."""
        refusals: list[tuple[str, str]] = []
        dataset = find_dataset(workspace, recipe.dataset)
        pairs = self._read_pairs(dataset)
        located = locate_model(recipe.base, workspace, narrate)
        model = self._count_model(located, narrate)
        tokens = self._count_tokens(recipe, dataset, pairs, located, narrate)
        recipe = fill_presets(recipe, model.parameters)

        note_refusal(refusals, lambda: check_alone(recipe))
        note_refusal(refusals, lambda: refuse_unpassed_gate(recipe, workspace))
        note_refusal(refusals, lambda: check_primary(recipe, workspace))
        note_refusal(refusals, lambda: check_past(recipe, located))
        note_refusal(refusals, lambda: check_window(recipe, model.positions))
        note_refusal(refusals, lambda: check_targets(recipe, model))
        split = note_refusal(refusals, lambda: split_pairs(recipe, pairs)) or Split(pairs, [])
        note_refusal(refusals, lambda: refuse_leaks(recipe, split.train, workspace))
        sentinels = note_refusal(refusals, lambda: read_sentinels(recipe, workspace)) or SentinelProbes([], None, [])
        lengths, truncated, left_out = fit_lengths(tokens["pairs"], recipe, str(dataset.pairs), refusals)
        train = [p for p in split.train if p.id in lengths]
        seen = len(upsample(train, recipe.upsample))
        return Measured(
            model=model,
            machine=self._read_machine(narrate),
            speeds=find_speeds(workspace, recipe.base, socket.gethostname()),
            lengths=Lengths(lengths.values()),
            train=len(train),
            seen=seen,
            heldout=sum(p.id in lengths for p in split.heldout),
            truncated=truncated,
            left_out=left_out,
            probes=len(sentinels.probes),
            system=tokens["system"],
            advice=[*gather_advice(recipe, model.parameters, seen, sentinels, located), *note_gate(recipe, workspace)],
            refusals=refusals,
            first=tokens["first"],
        )

    def _read_pairs(self, dataset: DatasetPaths) -> list[Pair]:
        try:
            key = tuple((str(p), (s := p.stat()).st_mtime_ns, s.st_size) for p in (dataset.pairs, dataset.manifest))
        except FileNotFoundError:
            return read_pairs(dataset)  # which says what is missing
        if key not in self._pairs:
            self._pairs = {key: read_pairs(dataset)}
        return self._pairs[key]

    def _count_model(self, located: Located, narrate: Narrate) -> ModelSize:
        def count() -> dict[str, Any]:
            from engine.models.load import load_config

            narrate("measuring the model")
            return {"model": measure_model(load_config(located))}

        found = self._recall("model", located, ("config.json",), "", count)
        return read_model_size(found["model"])

    def _count_tokens(
        self, recipe: Recipe, dataset: DatasetPaths, pairs: list[Pair], located: Located, narrate: Narrate
    ) -> dict[str, Any]:
        """Of the whole of every pair under the recipe's [template], and how the first one reads."""

        def count() -> dict[str, Any]:
            from engine.models.load import load_tokenizer

            narrate(f"measuring tokens of {len(pairs)} pairs")
            if located.source not in self._tokenizers:
                self._tokenizers[located.source] = load_tokenizer(located)
            renderer = Renderer(self._tokenizers[located.source], recipe.template)
            return {"system": renderer.describe().system, **count_pairs(pairs, renderer)}

        of = hash_file(dataset.pairs) + json.dumps(recipe.template.to_json(), sort_keys=True)
        return self._recall("tokens", located, READ_BY_TOKENIZERS, of, count)

    def _read_machine(self, narrate: Narrate) -> Machine:
        def count() -> dict[str, Any]:
            narrate("measuring this machine")
            return {"machine": measure_machine()}

        of = f"{socket.gethostname()} {version('torch')} {os.environ.get('CUDA_VISIBLE_DEVICES')}"
        return Machine(*self._recall("machine", None, (), of, count)["machine"])

    def _recall(
        self, what: str, located: Located | None, files: Sequence[str], of: str, count: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """What `count` found the last time, in memory or on disk, for the same files of the model and the same `of`."""
        key = hash_sources(located, files, of)
        if key is None or (found := self._counted.get(key) or read_cached(what, key)) is None:
            found = count()
            # as it will be read the next time
            found = json.loads(json.dumps(found))
            # a model of the hub may have been fetched only now
            key = key or hash_sources(located, files, of)
            if key is not None:
                write_cached(what, key, found)
        if key is not None:
            self._counted[key] = found
        return found


def check_targets(recipe: Recipe, model: ModelSize) -> None:
    if count_adapter(model.linear, recipe) == 0:
        have = sorted({name.rpartition(".")[2] for name in model.linear})
        raise RecipeError(
            f"lora.targets {recipe.lora.targets!r} names no layer of {recipe.base}",
            fix=f'targets = "all-linear", or of: {", ".join(have)}',
        )


def note_refusal(refusals: list[tuple[str, str]], check: Callable[[], Found]) -> Found | None:
    try:
        return check()
    except CharlabError as error:
        refusals.append((error.message, error.fix))
        return None


def fit_lengths(
    counted: list[Any], recipe: Recipe, place: str, refusals: list[tuple[str, str]]
) -> tuple[dict[str, Length], list[str], dict[str, str]]:
    """Lengths by id of the pairs that stay, cut at `sequence`; the ids of those cut; those left out, and why.

    A pair that would refuse the recipe is left out too, and the first of them is a refusal.
    """
    kept: dict[str, Length] = {}
    truncated: list[str] = []
    left_out: dict[str, str] = {}
    met = 0
    for pair_id, prompt, chosen, rejected, same in counted:
        try:
            why = refuse_pair(pair_id, prompt, same, recipe, place)
        except DatasetError as error:
            met += 1
            why = error.message
            if met == 1:
                refusals.append((error.message, error.fix))
        if why:
            left_out[pair_id] = why
            continue
        space = recipe.load.sequence - prompt
        if max(chosen, rejected) > space:
            truncated.append(pair_id)
        kept[pair_id] = Length(prompt, min(chosen, space), min(rejected, space))
    if met and not kept:
        raise DatasetError(*refusals.pop())
    refuse_nothing_left([*kept], place)
    return kept, truncated, left_out


def count_pairs(pairs: list[Pair], renderer: Renderer) -> dict[str, Any]:
    counted = []
    first: dict[str, str] = {}
    for pair in pairs:
        prompt, chosen = renderer.encode(pair.prompt, pair.chosen)
        _, rejected = renderer.encode(pair.prompt, pair.rejected)
        counted.append([pair.id, len(prompt), len(chosen), len(rejected), chosen == rejected])
        if not first:
            parts = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
            first = {"id": pair.id, **{name: renderer.tokenizer.decode(ids) for name, ids in parts.items()}}
    return {"pairs": counted, "first": first}


def measure_model(config: Any) -> ModelSize:
    """The numbers of an architecture, read off it on the meta device: no weights are loaded."""
    import torch
    from transformers import AutoModelForCausalLM

    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    return ModelSize(
        parameters=sum(p.numel() for p in model.parameters()),
        positions=getattr(config, "max_position_embeddings", None),
        shape=Shape(text.num_hidden_layers, text.hidden_size, inner, text.vocab_size),
        linear={
            name: layer.in_features + layer.out_features
            for name, layer in model.named_modules()
            if isinstance(layer, torch.nn.Linear) and layer is not head
        },
    )


def measure_machine(dtypes: Sequence[str] = ("bf16", "fp32")) -> Machine:
    """Whether there is a GPU, and the speed at one large matrix product, best of a few, for each dtype."""
    import torch

    from engine.models.load import DTYPES

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 4096 if device == "cuda" else 1024
    flops = {}
    for name in dtypes:
        a, b = (torch.randn(size, size, device=device, dtype=DTYPES[name]) for _ in range(2))
        best = 0.0
        for _ in range(5):
            began = time.perf_counter()
            a @ b
            if device == "cuda":
                torch.cuda.synchronize()
            best = max(best, 2 * size**3 / (time.perf_counter() - began))
        flops[name] = best
    return Machine(device, flops)


def hash_sources(located: Located | None, files: Sequence[str], of: str) -> str | None:
    """sha256 over the model's `files` and `of`; None where the model's files are not on this machine."""
    digest = hashlib.sha256(f"{FORMAT}\0{of}".encode())
    if located is not None:
        folder = find_local_folder(located)
        found = [folder / name for name in files if (folder / name).is_file()] if folder else []
        if not found:
            return None
        for path in found:
            digest.update(f"\0{path.name}\0{hash_file(path)}".encode())
    return digest.hexdigest()


def find_local_folder(located: Located) -> Path | None:
    """Where the base's files lie, in the local Hugging Face cache if it is a hub id."""
    if Path(located.source).is_dir():
        return Path(located.source)
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(located.source, "config.json", revision=located.revision)
    return Path(config).parent if isinstance(config, str) else None


def read_cached(what: str, key: str) -> dict[str, Any] | None:
    try:
        return parse_row(cached(what, key).read_bytes())
    except OSError:
        return None


def write_cached(what: str, key: str, found: dict[str, Any]) -> None:
    try:
        write_json(cached(what, key), found)
    except (OSError, CharlabError):
        traceback.print_exc()  # what cannot be kept is counted anew the next time


def cached(what: str, key: str) -> Path:
    return cache_folder() / "measures" / f"{what}-{key[:32]}.json"


def answer(measurer: Measurer, line: str, say: Callable[[dict[str, Any]], None]) -> None:
    """One request; whatever goes wrong with it is its reply."""
    number: object = None
    try:
        request = json.loads(line)
        number = request.get("id") if isinstance(request, dict) else None
        if not isinstance(request, dict) or not isinstance(request.get("workspace"), str):
            raise RecipeError("a request is an object with id, workspace and recipe")
        recipe = Recipe.parse(request.get("recipe"), "recipe", RecipeError, fix="docs/recipe.md lists every key")
        workspace = Workspace(Path(request["workspace"]))
        measured = measurer.measure(recipe, workspace, lambda note: say({"id": number, "note": note}))
        say({"id": number, "measured": measured.to_json()})
    except CharlabError as error:
        say({"id": number, "error": error.message, "fix": error.fix})
    except BrokenPipeError:
        raise
    except Exception as error:
        traceback.print_exc()
        say({"id": number, "error": f"{type(error).__name__}: {error}", "fix": "charlab train RECIPE --dry-run"})


def main() -> int:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # replies alone go to standard output, whatever a library prints
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(reply: dict[str, Any]) -> None:
        replies.write(json.dumps(reply, ensure_ascii=False) + "\n")
        replies.flush()

    measurer = Measurer()
    try:
        for line in sys.stdin:
            if line.strip():
                answer(measurer, line, say)
    except (BrokenPipeError, KeyboardInterrupt):
        return 0  # whoever asked went away
    return 0


if __name__ == "__main__":
    sys.exit(main())
