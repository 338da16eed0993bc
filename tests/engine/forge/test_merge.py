"""Merged weights answer as the adapter on its base does, and what cannot be merged is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import ModelError
from engine.forge.merge import merge_adapter
from engine.models.locate import locate_model
from engine.store.paths import Workspace


def load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


def merge(workspace: Workspace, reference: Path, out: Path, dtype: Any = "fp32") -> Path:
    merge_adapter(locate_model(str(reference), workspace), out, dtype, lambda _: None)
    return out


def test_merged_fp32_answers_as_the_adapter_on_its_base(
    workspace: Workspace, lively_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    adapted = save_adapter(lively_folder, tmp_path / "adapter")
    model = load(merge(workspace, tmp_path / "adapter", tmp_path / "merged"))
    ids = torch.arange(5, 45).unsqueeze(0)
    with torch.inference_mode():
        apart, merged = adapted(ids).logits, model(ids).logits
        with adapted.disable_adapter():
            base = adapted(ids).logits
    assert (apart - merged).abs().max() < 1e-4
    assert (apart - base).abs().max() > 0.5


def test_merged_bf16_is_the_exact_sum_rounded_once(
    workspace: Workspace, lively_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from safetensors.torch import load_file

    base = tmp_path / "base"
    load(lively_folder).to(torch.bfloat16).save_pretrained(base)
    for file in lively_folder.glob("*token*"):
        shutil.copy(file, base)
    shutil.copy(lively_folder / "chat_template.jinja", base)
    save_adapter(base, tmp_path / "adapter")
    whole = load_file(merge(workspace, tmp_path / "adapter", tmp_path / "fp32") / "model.safetensors")
    short = load_file(merge(workspace, tmp_path / "adapter", tmp_path / "bf16", "bf16") / "model.safetensors")
    assert whole.keys() == short.keys()
    for name, tensor in short.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, whole[name].to(torch.bfloat16)), name


def test_the_merged_folder_is_a_model_with_tokenizer_and_template_and_nothing_beside_it(
    workspace: Workspace, lively_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from transformers import AutoTokenizer

    save_adapter(lively_folder, tmp_path / "adapter")
    merge(workspace, tmp_path / "adapter", tmp_path / "out" / "merged")
    ours, base = (AutoTokenizer.from_pretrained(f) for f in (tmp_path / "out" / "merged", lively_folder))
    assert ours.chat_template == base.chat_template
    assert ours("Who are you, Sir?")["input_ids"] == base("Who are you, Sir?")["input_ids"]
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["merged"]
    assert "adapter" not in json.loads((tmp_path / "out" / "merged" / "config.json").read_text())


def test_a_model_without_an_adapter_is_nothing_to_merge(
    workspace: Workspace, lively_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="is no adapter, so there is nothing to merge"):
        merge(workspace, lively_folder, tmp_path / "merged")


def test_a_quantised_base_is_refused(
    workspace: Workspace, lively_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    base = tmp_path / "base"
    shutil.copytree(lively_folder, base)
    save_adapter(base, tmp_path / "adapter")
    config = json.loads((base / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="is itself quantised") as bad:
        merge(workspace, tmp_path / "adapter", tmp_path / "merged")
    assert "unquantised" in bad.value.fix
    assert not (tmp_path / "merged").exists()


def test_an_adapter_on_a_tied_head_is_refused(
    workspace: Workspace, lively_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    save_adapter(lively_folder, tmp_path / "adapter", target_modules=["q_proj", "lm_head"])
    with pytest.raises(ModelError, match="holds as one tensor"):
        merge(workspace, tmp_path / "adapter", tmp_path / "merged")


def test_an_adapter_of_another_base_leaves_nothing_behind(
    workspace: Workspace, lively_folder: Path, bundled_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    save_adapter(lively_folder, tmp_path / "adapter", target_modules=["q_proj"])
    config = tmp_path / "adapter" / "adapter_config.json"
    named = {**json.loads(config.read_text()), "base_model_name_or_path": str(bundled_folder)}
    config.write_text(json.dumps(named))
    with pytest.raises(ModelError, match="does not fit"):
        merge(workspace, tmp_path / "adapter", tmp_path / "out" / "merged")
    assert not (tmp_path / "out").exists()
