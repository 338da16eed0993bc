"""From a located model to weights in memory: base, adapter, reference, each checked after loading."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import ModelError
from engine.models.locate import Located
from engine.records.recipe import Load, Lora

# all that it says, at import, is that a kernel is missing which load_base turns off
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
_CHECK_TEXT = "In the year of our meeting I kept a careful record of everything that was said."


def pick_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")


def load_tokenizer(located: Located) -> Any:
    from transformers import AutoTokenizer

    with _hub_errors(located):
        tokenizer = AutoTokenizer.from_pretrained(located.source, **_pin(located))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_config(located: Located) -> Any:
    from transformers import AutoConfig

    with _hub_errors(located):
        return AutoConfig.from_pretrained(located.source, **_pin(located))


def count_parameters(config: Any) -> int:
    """Parameters of the architecture, tied ones once; builds it on the meta device, no weights."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(p.numel() for p in model.parameters())


SHORT = 512
"""Tokens up to which attention written out beats the fused kernel in bf16 on a CPU: that one's backward is slow."""


def load_base(located: Located, load: Load, longest: int | None = None) -> Any:
    """The base weights on the device, frozen. NF4 by bitsandbytes where the recipe says so.

    `longest` is the longest sequence to come, in tokens; it chooses the attention kernel.
    """
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    device = pick_device()
    short = device.type == "cpu" and load.dtype == "bf16" and longest is not None and longest <= SHORT
    options: dict[str, Any] = {"dtype": DTYPES[load.dtype], "attn_implementation": "eager" if short else "sdpa"}
    if load.quantize == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=DTYPES[load.dtype],
        )
        options["device_map"] = {"": device}
    with _hub_errors(located):
        model = AutoModelForCausalLM.from_pretrained(located.source, **options, **_pin(located))
    model.requires_grad_(False)
    if load.quantize == "none":
        model.to(device)
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            # bitsandbytes would repack a CPU's weights at the first forward pass in eval mode, and round
            # otherwise from there on: a resumed run would part from an uninterrupted one
            layer.support_avx512bf16_for_cpu = False
    return model


def add_adapter(model: Any, lora: Lora) -> Any:
    """A fresh LoRA on `model`; its matrices stay in float32. Seed torch before."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as bad:
        raise ModelError(
            f"lora.targets {lora.targets!r}: {bad}", fix='targets = "all-linear", or names of its layers'
        ) from bad


def attach_adapter(model: Any, folder: Path, tokenizer: Any, trainable: bool, resuming: bool = False) -> Any:
    """The adapter in `folder` on `model`, after checking that it fits and does something.

    Every tensor of the file was matched and every LoRA tensor of the model was filled, and the logits on
    a fixed text differ from the base's; else ModelError. `resuming` allows an adapter that changes
    nothing, as one has it whose first step had a rate of zero.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        adapted = PeftModel.from_pretrained(model, folder, is_trainable=trainable)
    except (RuntimeError, ValueError, KeyError, SafetensorError) as bad:
        raise ModelError(
            f"adapter {folder} does not fit {model.name_or_path}: {_first_line(bad)}",
            fix="name the base it was trained on",
        ) from bad
    check_adapter_fits(adapted, folder)
    if not resuming:
        check_adapter_acts(adapted, folder, tokenizer)
    return adapted


def check_adapter_fits(adapted: Any, folder: Path, name: str = "default") -> None:
    """Raise ModelError unless file and model hold the same adapter tensors with the same values."""
    from peft import get_peft_model_state_dict
    from peft.utils import load_peft_weights

    saved: dict[str, Tensor] = load_peft_weights(str(folder), device="cpu")
    # PEFT looks for the base by its name, and what a run calls it, such as bundled:NAME, is no place of the hub
    config = adapted.peft_config[name]
    called, config.base_model_name_or_path = config.base_model_name_or_path, adapted.name_or_path
    try:
        loaded = get_peft_model_state_dict(adapted, adapter_name=name)
    finally:
        config.base_model_name_or_path = called
    missing, unmatched = sorted(loaded.keys() - saved.keys()), sorted(saved.keys() - loaded.keys())
    if missing or unmatched:
        what = f"{len(unmatched)} tensors of the file found no place (such as {unmatched[0]})" if unmatched else ""
        lacks = f"{len(missing)} of the model's stayed empty (such as {missing[0]})" if missing else ""
        raise ModelError(
            f"adapter {folder} fits {adapted.name_or_path} only in part: {'; '.join(filter(None, (what, lacks)))}",
            fix="name the base it was trained on",
        )
    for key, tensor in saved.items():
        if not torch.equal(tensor.to(loaded[key].dtype), loaded[key].detach().cpu()):
            raise ModelError(f"adapter {folder}: tensor {key} was not loaded as it was saved", fix="check the file")


def check_adapter_acts(adapted: Any, folder: Path, tokenizer: Any) -> None:
    """Raise ModelError unless logits on a fixed text are finite and differ from the base's."""
    inputs = tokenizer(_CHECK_TEXT, return_tensors="pt").to(adapted.device)
    training = adapted.training
    adapted.eval()
    with torch.inference_mode():
        on = adapted(input_ids=inputs["input_ids"]).logits
        with adapted.disable_adapter():
            off = adapted(input_ids=inputs["input_ids"]).logits
    adapted.train(training)
    if not torch.isfinite(on).all():
        raise ModelError(f"adapter {folder} gives logits that are not finite", fix="take an earlier checkpoint")
    if torch.equal(on, off):
        raise ModelError(
            f"adapter {folder} changes nothing: its logits equal the base's", fix="take a later checkpoint"
        )


def load_reference(adapted: Any, located: Located) -> None:
    """Add the adapter that DPO measures against, frozen, under the name 'reference'."""
    assert located.adapter is not None
    adapted.load_adapter(located.adapter, adapter_name="reference", is_trainable=False)
    check_adapter_fits(adapted, located.adapter, "reference")
    adapted.set_adapter("default")


def _pin(located: Located) -> dict[str, str]:
    """What makes transformers load the revision that was trained on."""
    return {"revision": located.revision} if located.revision else {}


class _hub_errors:
    """Turns what transformers raises for an unreachable or unusable model into a ModelError."""

    def __init__(self, located: Located) -> None:
        self.located = located

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if not isinstance(value, (OSError, ValueError)):
            return
        name = self.located.base
        if self.located.source == name:
            offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
            raise ModelError(
                f"model '{self.located.name_base()}' is neither in the local Hugging Face cache nor to be reached{offline}: {_first_line(value)}",
                fix="check the id and the connection, or copy the model into a folder and name that (./models/mine)",
            ) from value
        raise ModelError(
            f"model folder {self.located.source}: {_first_line(value)}",
            fix="check that it holds a causal language model",
        ) from value


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
