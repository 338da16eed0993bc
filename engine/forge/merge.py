"""An adapter added into a fresh copy of its base, W + scale B A, and saved as transformers saves a model.

Never into a base held in four bits: there the sum would be rounded to the grid again.
"""

from pathlib import Path
from typing import Any, Literal

from engine.errors import ModelError
from engine.forge.beside import write_beside
from engine.models.locate import Located
from engine.narrate import Narrate
from engine.records.recipe import Load
from engine.store.journal import read_json


def merge_adapter(located: Located, out: Path, dtype: Literal["fp32", "bf16"], narrate: Narrate) -> None:
    """Write weights, tokenizer and template of the merged model as the folder `out`."""
    from engine.models.load import attach_adapter, load_base, load_config, load_tokenizer

    refuse_unmergeable(located, load_config(located))
    assert located.adapter is not None
    narrate(f"adding {located.reference} to a fresh {dtype} copy of {located.base}")
    tokenizer = load_tokenizer(located)
    adapted = attach_adapter(load_base(located, Load(dtype=dtype)), located.adapter, tokenizer, trainable=False)
    merge_layers(adapted)
    model = adapted.unload()
    model.requires_grad_(False)
    with write_beside(out) as beside:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)


def merge_layers(adapted: Any) -> None:
    """Add every layer's update in float32 and round once, to the dtype that the layer had."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer

    for layer in adapted.modules():
        if isinstance(layer, BaseTunerLayer):
            weight = layer.get_base_layer().weight
            kept = weight.dtype
            weight.data = weight.data.to(torch.float32)
            layer.merge(safe_merge=True)
            weight.data = weight.data.to(kept)


def refuse_unmergeable(located: Located, config: Any) -> None:
    if located.adapter is None:
        raise ModelError(
            f"{located.reference} is no adapter, so there is nothing to merge", fix="name a run, or an adapter's folder"
        )
    if getattr(config, "quantization_config", None):
        raise ModelError(
            f"the base {located.base} is itself quantised, and merging into it would round the sum again",
            fix=f"train on the unquantised base, or serve {located.reference} on its base",
        )
    adapter = read_json(located.adapter / "adapter_config.json")
    targets = [*_listed(adapter.get("target_modules")), *_listed(adapter.get("modules_to_save"))]
    if getattr(config, "tie_word_embeddings", False) and {"lm_head", "embed_tokens"} & set(targets):
        raise ModelError(
            f"adapter {located.adapter} changes one of lm_head and embed_tokens, which {located.base} holds as one "
            "tensor: merged, it would change the other too",
            fix=f"serve {located.reference} on its base",
        )


def _listed(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else []
