"""Weights in memory: a bundled model converted once, adapters that fit and act, and those that do not."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.errors import ModelError
from engine.models.load import add_adapter, attach_adapter, load_base, load_config, load_tokenizer
from engine.models.locate import locate_model
from engine.records.recipe import Load, Lora
from engine.store.paths import Workspace

FP32 = Load(dtype="fp32")


def save_adapter(workspace: Workspace, base: Path, folder: Path, act: bool = True, rank: int = 4) -> Path:
    located = locate_model(str(base), workspace)
    torch.manual_seed(1)
    model = add_adapter(load_base(located, FP32), Lora(rank=rank, alpha=8.0))
    if act:
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(folder)
    return folder


def attach(workspace: Workspace, base: Path, adapter: Path, resuming: bool = False) -> Any:
    located = locate_model(str(base), workspace)
    return attach_adapter(
        load_base(located, FP32), adapter, load_tokenizer(located), trainable=False, resuming=resuming
    )


def test_the_bundled_model_is_converted_once_and_answers(bundled_folder: Path) -> None:
    from engine.models.bundled import convert_bundled

    before = (bundled_folder / "model.safetensors").stat().st_mtime_ns
    assert convert_bundled("smollm2-135m", pytest.fail) == bundled_folder
    assert (bundled_folder / "model.safetensors").stat().st_mtime_ns == before
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bundled_folder)
    model = AutoModelForCausalLM.from_pretrained(bundled_folder, dtype=torch.bfloat16)
    ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        out = model.generate(ids, max_new_tokens=3, do_sample=False)
    assert "Paris" in tokenizer.decode(out[0])


def test_an_adapter_folder_is_a_model_and_acts(workspace: Workspace, tiny_folder: Path, tmp_path: Path) -> None:
    adapter = save_adapter(workspace, tiny_folder, tmp_path / "adapter")
    located = locate_model(str(adapter), workspace)
    assert (located.source, located.adapter) == (str(tiny_folder), adapter)
    assert [a.run for a in located.lineage] == [None]
    model = attach(workspace, tiny_folder, adapter)
    assert model.active_adapter == "default"


def test_an_adapter_of_a_base_that_only_charlab_can_name_attaches_without_a_warning(
    workspace: Workspace, tiny_folder: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    adapter = save_adapter(workspace, tiny_folder, tmp_path / "adapter")
    config = adapter / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "bundled:nope"}))
    attach(workspace, tiny_folder, adapter)
    assert [str(told.message) for told in recwarn if "config file" in str(told.message)] == []


def test_an_adapter_that_changes_nothing_is_refused_unless_resuming(
    workspace: Workspace, tiny_folder: Path, tmp_path: Path
) -> None:
    adapter = save_adapter(workspace, tiny_folder, tmp_path / "adapter", act=False)
    with pytest.raises(ModelError, match="changes nothing"):
        attach(workspace, tiny_folder, adapter)
    attach(workspace, tiny_folder, adapter, resuming=True)


def test_an_adapter_that_fits_only_in_part_is_refused(workspace: Workspace, tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    adapter = save_adapter(workspace, tiny_folder, tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    lost = sorted(weights)[0]
    moved = {k.replace("layers.1.", "layers.7."): v for k, v in weights.items() if k != lost}
    save_file(moved, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="only in part"):
        attach(workspace, tiny_folder, adapter)


def test_an_adapter_of_another_shape_or_a_cut_file_is_refused(
    workspace: Workspace, tiny_folder: Path, tmp_path: Path
) -> None:
    import json

    adapter = save_adapter(workspace, tiny_folder, tmp_path / "adapter")
    config = adapter / "adapter_config.json"
    data = json.loads(config.read_text())
    config.write_text(json.dumps({**data, "r": 8}))
    with pytest.raises(ModelError, match="does not fit"):
        attach(workspace, tiny_folder, adapter)
    config.write_text(json.dumps(data))
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ModelError):
        attach(workspace, tiny_folder, adapter)


def test_models_that_are_not_there_say_where_and_what_to_do(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither in the local Hugging Face cache") as hub:
        load_config(locate_model("nobody/nothing-1b", workspace))
    assert "folder" in hub.value.fix
    with pytest.raises(ModelError, match="no such folder"):
        locate_model(str(tmp_path / "nowhere"), workspace)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        locate_model(str(tmp_path / "empty"), workspace)
    with pytest.raises(ModelError, match="no bundled model"):
        locate_model("bundled:gpt-9", workspace)


def test_nf4_holds_the_base_in_four_bits_and_trains_on_a_cpu(workspace: Workspace, tiny_folder: Path) -> None:
    located = locate_model(str(tiny_folder), workspace)
    base = load_base(located, Load(dtype="bf16", quantize="nf4"))
    assert {m.weight.dtype for m in base.modules() if type(m).__name__ == "Linear4bit"} == {torch.uint8}
    model = add_adapter(base, Lora(rank=4, alpha=8.0))
    ids = torch.arange(20).unsqueeze(0)
    model(input_ids=ids).logits.float().logsumexp(-1).sum().backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert {p.dtype for p in trained} == {torch.float32}
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)
