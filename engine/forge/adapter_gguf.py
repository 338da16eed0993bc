"""A LoRA adapter as llama.cpp reads it: a GGUF over the metadata of the base GGUF that it will stand on."""

import hashlib
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ModelError
from engine.forge.base_gguf import BaseGguf, open_gguf
from engine.forge.beside import write_beside
from engine.models.locate import hash_adapter
from engine.store.journal import read_json

_REVISION = b"1"
"""Raised whenever the conversion changes what it writes."""
_PART = re.compile(r"^base_model\.model\.(?P<layer>.+)\.lora_(?P<part>[AB])\.weight$")
_MERGE = "charlab export RUN --to merged, and serve that"


class LoraPair(NamedTuple):
    a: Any
    """float32 (rank, columns of the weight)"""
    b: Any
    """float32 (rows of the weight, rank)"""


def ensure_adapter_gguf(adapter_folder: Path, base_gguf: Path, cache: Path) -> Path:
    """The adapter's GGUF for this base, written into `cache` unless it lies there.

    It is known by the adapter's weights, its config (which holds the scale) and the base's file.
    """
    stat = base_gguf.stat() if base_gguf.is_file() else None
    known = hashlib.sha256(_REVISION + hash_adapter(adapter_folder).encode())
    known.update((adapter_folder / "adapter_config.json").read_bytes())
    known.update(repr((str(base_gguf.resolve()), stat and (stat.st_size, stat.st_mtime_ns))).encode())
    out = cache / f"adapter-{known.hexdigest()[:24]}.gguf"
    if not out.is_file():
        write_adapter_gguf(adapter_folder, base_gguf, out)
    return out


def write_adapter_gguf(adapter_folder: Path, base_gguf: Path, out: Path) -> None:
    """Write the PEFT LoRA in `adapter_folder` as `out`, float32; ModelError unless all of it fits the base."""
    from gguf import GGUFType, GGUFWriter, Keys

    base = open_gguf(base_gguf)
    config = read_json(adapter_folder / "adapter_config.json")
    refuse_other_kinds(config, adapter_folder)
    pairs = place_pairs(read_pairs(adapter_folder), base, adapter_folder)
    check_whole(pairs, config, base, adapter_folder)
    alpha = float(config["lora_alpha"])
    with write_beside(out) as beside:
        writer = GGUFWriter(beside, base.architecture)
        writer.add_type(GGUFType.ADAPTER)
        writer.add_string(Keys.Adapter.TYPE, "lora")
        writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha)
        for name, (layer, pair) in pairs.items():
            rank = pair.b.shape[1]
            # llama.cpp scales each pair by alpha / its rank, whatever PEFT scales it by
            correction = find_scale(config, layer, rank) * rank / alpha
            b = pair.b if correction == 1 else pair.b * correction
            writer.add_tensor(f"{name}.lora_a", _contiguous(pair.a))
            writer.add_tensor(f"{name}.lora_b", _contiguous(base.order_rows(name, b)))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def refuse_other_kinds(config: dict[str, Any], folder: Path) -> None:
    """Raise ModelError for what llama.cpp's LoRA cannot hold."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(f"adapter {folder} is of kind {kind}, and llama.cpp takes only LoRA", fix=_MERGE)
    for key, what in (
        ("use_dora", "DoRA"),
        ("lora_bias", "biases beside its matrices"),
        ("modules_to_save", "whole layers beside its matrices"),
        ("trainable_token_indices", "trained tokens beside its matrices"),
        ("layer_replication", "repeated layers"),
        ("alora_invocation_tokens", "an invocation (aLoRA)"),
    ):
        if config.get(key):
            raise ModelError(f"adapter {folder} has {what}, which a LoRA in llama.cpp cannot hold", fix=_MERGE)
    if not isinstance(config.get("lora_alpha"), (int, float)) or not config["lora_alpha"] > 0:
        raise ModelError(f"{folder}: its adapter_config.json gives no lora_alpha above 0", fix="train it again")


def find_scale(config: dict[str, Any], layer: str, rank: int) -> float:
    """What PEFT multiplies B A by: alpha / rank, or alpha / sqrt(rank) for rank-stabilised LoRA."""
    alpha = config["lora_alpha"]
    for pattern, other in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"^(.*\.)?({pattern})$", layer):
            alpha = other
            break
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def read_pairs(folder: Path) -> dict[str, LoraPair]:
    """The adapter's matrices by the layer they change, as transformers names it."""
    halves: dict[str, dict[str, Any]] = {}
    for key, tensor in _read_tensors(folder).items():
        match = _PART.match(key)
        if match is None or tensor.ndim != 2:
            raise ModelError(f"adapter {folder}: tensor {key} is no matrix of a LoRA on a linear layer", fix=_MERGE)
        halves.setdefault(match["layer"], {})[match["part"]] = tensor
    for layer, half in halves.items():
        if half.keys() != {"A", "B"} or half["A"].shape[0] != half["B"].shape[1]:
            raise ModelError(f"adapter {folder}: {layer} lacks one of its two matrices", fix="copy the adapter again")
    if not halves:
        raise ModelError(f"adapter {folder} holds no matrices", fix="copy the adapter again")
    return {layer: LoraPair(half["A"], half["B"]) for layer, half in halves.items()}


def place_pairs(pairs: dict[str, LoraPair], base: BaseGguf, folder: Path) -> dict[str, tuple[str, LoraPair]]:
    """Layer and matrices by the base's tensor; ModelError where one finds no place or has another shape."""
    named = {layer: base.name(f"{layer}.weight") for layer in pairs}
    lost = [layer for layer, name in named.items() if name is None]
    if lost:
        raise ModelError(
            f"adapter {folder} would load only in part: {len(lost)} of its {len(pairs)} layers have no place in "
            f"{base.path.name} (such as {lost[0]})",
            fix="name the GGUF of the base that it was trained on",
        )
    for layer, name in named.items():
        assert name is not None
        theirs, ours = base.shape(name), (pairs[layer].b.shape[0], pairs[layer].a.shape[1])
        if theirs != ours:
            raise ModelError(
                f"adapter {folder} was trained on another base than {base.path.name}: {layer} is "
                f"{ours[0]} x {ours[1]} there and {' x '.join(map(str, theirs))} here",
                fix="name the GGUF of the base that it was trained on",
            )
    return {str(name): (layer, pairs[layer]) for layer, name in named.items()}


def check_whole(pairs: dict[str, tuple[str, LoraPair]], config: dict[str, Any], base: BaseGguf, folder: Path) -> None:
    """Raise ModelError where a layer that the adapter's config means to change has no matrices in its file."""
    targets = config.get("target_modules")
    if not isinstance(targets, list) or config.get("layers_to_transform") or config.get("exclude_modules"):
        return
    layers = {layer for layer, _ in pairs.values()}
    for target in targets:
        # a sibling in another block says where the missing one should be
        have = [layer for layer in layers if layer.endswith(f".{target}") and re.search(r"\.layers\.\d+\.", layer)]
        blocks = base.read("block_count")
        if have and len(have) < blocks:
            raise ModelError(
                f"adapter {folder} holds only part of itself: {target} has matrices in {len(have)} of {blocks} blocks",
                fix="copy the adapter again",
            )
        if not any(layer.endswith(f".{target}") or layer == target for layer in layers):
            raise ModelError(f"adapter {folder} holds no matrices for {target}", fix="copy the adapter again")


def _read_tensors(folder: Path) -> dict[str, Any]:
    """The adapter's tensors as float32 arrays."""
    from safetensors.numpy import load_file

    file = folder / "adapter_model.safetensors"
    try:
        if file.is_file():
            try:
                return {key: value.astype("float32", copy=False) for key, value in load_file(file).items()}
            except (TypeError, KeyError):  # numpy has no bfloat16
                from safetensors.torch import load_file as load_torch_file

                return {key: value.float().numpy() for key, value in load_torch_file(file).items()}
        import torch

        old = torch.load(folder / "adapter_model.bin", map_location="cpu", weights_only=True)
        return {key: value.float().numpy() for key, value in old.items()}
    except Exception as bad:  # a spoilt pickle raises whatever its bytes lead to
        raise ModelError(f"adapter {folder}: its weights cannot be read: {bad}", fix="copy the adapter again") from bad


def _contiguous(array: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float32)
