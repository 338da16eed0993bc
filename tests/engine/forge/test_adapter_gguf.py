"""An adapter's GGUF says in llama.cpp what the adapter says in transformers, or is refused with words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ModelError
from engine.forge.adapter_gguf import ensure_adapter_gguf, read_pairs, write_adapter_gguf
from engine.forge.base_gguf import open_gguf


def read_tensors(path: Path) -> dict[str, Any]:
    from gguf import GGUFReader

    return {t.name: np.array(t.data) for t in GGUFReader(path).tensors}


def edit_config(folder: Path, **change: Any) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))


def edit_weights(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    save_file(change(load_file(file)), file)


def test_llama_cpp_says_with_the_adapter_what_transformers_says(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any],
    ask_llama: Callable[..., Any], ask_torch: Callable[..., Any], farthest: Callable[..., float],
    prompts: list[list[int]],
) -> None:  # fmt: skip
    adapted = save_adapter(lively_folder, tmp_path / "adapter")
    write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "adapter.gguf")
    tuned = ask_torch(adapted, prompts)
    with adapted.disable_adapter():
        plain = ask_torch(adapted, prompts)
    without = ask_llama(lively_gguf, prompts)
    within = ask_llama(lively_gguf, prompts, tmp_path / "adapter.gguf")
    # llama.cpp keeps keys and values in float16
    assert farthest(plain, without) < 0.02
    assert farthest(tuned, within) < 0.02
    assert farthest(tuned, without) > 1, "the adapter is to change a lot, else the test proves little"
    assert [max(q, key=q.__getitem__) for q in within] == [p.argmax().item() for p in tuned]


@pytest.mark.slow
def test_the_bundled_model_with_an_adapter_says_the_same_in_llama_cpp(
    bundled_folder: Path, tmp_path: Path, save_adapter: Callable[..., Any], ask_llama: Callable[..., Any],
    ask_torch: Callable[..., Any], mean_kl: Callable[..., float],
) -> None:  # fmt: skip
    from transformers import AutoTokenizer

    from engine.models.bundled import find_gguf

    tokenizer = AutoTokenizer.from_pretrained(bundled_folder)
    questions = ("Who are you?", "What is the separation of powers?", "Tell me of your wife.", "Name three rivers.")
    asked = [
        tokenizer.apply_chat_template([{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True)
        for q in questions
    ]
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in asked]
    adapted = save_adapter(bundled_folder, tmp_path / "adapter", std=0.06, r=16, lora_alpha=32.0)
    out = ensure_adapter_gguf(tmp_path / "adapter", find_gguf("smollm2-135m"), tmp_path / "cache")
    tuned = ask_torch(adapted, prompts)
    within = ask_llama(find_gguf("smollm2-135m"), prompts, out)
    # the base is Q4_1, and llama.cpp rounds what goes into such a product to 8 bits
    assert mean_kl(tuned, within) < 0.02
    assert mean_kl(tuned, ask_llama(find_gguf("smollm2-135m"), prompts)) > 0.1


def test_rows_of_q_and_k_are_permuted_as_transformers_undoes_it(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from safetensors.numpy import load_file
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    save_adapter(lively_folder, tmp_path / "adapter")
    write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "adapter.gguf")
    saved, written = (
        load_file(tmp_path / "adapter" / "adapter_model.safetensors"),
        read_tensors(tmp_path / "adapter.gguf"),
    )
    undo = LlamaTensorProcessor({})._reverse_permute_weights
    for block in (0, 1):
        for theirs, ours, heads in (("self_attn.q_proj", "attn_q", 4), ("self_attn.k_proj", "attn_k", 2)):
            before = saved[f"base_model.model.model.layers.{block}.{theirs}.lora_B.weight"]
            after = written[f"blk.{block}.{ours}.weight.lora_b"]
            assert not np.array_equal(before, after)
            assert np.array_equal(before, undo(after, heads))
        before = saved[f"base_model.model.model.layers.{block}.self_attn.v_proj.lora_B.weight"]
        assert np.array_equal(before, written[f"blk.{block}.attn_v.weight.lora_b"])
    assert len(written) == len(saved)


def test_the_metadata_names_an_adapter_of_the_bases_architecture(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from gguf import GGUFReader

    save_adapter(lively_folder, tmp_path / "adapter", lora_alpha=6.0)
    write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "adapter.gguf")
    fields = {k: f.contents() for k, f in GGUFReader(tmp_path / "adapter.gguf").fields.items() if "." in k}
    assert {k: v for k, v in fields.items() if not k.startswith("GGUF.")} == {
        "general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 6.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "config",
    [{"use_rslora": True}, {"alpha_pattern": {"q_proj": 2.0}}, {"rank_pattern": {"v_proj": 2}}],
    ids=["rank-stabilised", "an alpha of its own", "a rank of its own"],
)
def test_llama_cpps_one_scale_gives_each_layer_the_update_that_peft_gives_it(
    config: dict[str, Any], lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    adapted = save_adapter(lively_folder, tmp_path / "adapter", **config)
    write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "adapter.gguf")
    base, written = open_gguf(lively_gguf), read_tensors(tmp_path / "adapter.gguf")
    for part, name in (("q_proj", "attn_q"), ("v_proj", "attn_v")):
        layer = getattr(adapted.base_model.model.model.layers[1].self_attn, part)
        update = base.order_rows(f"blk.1.{name}.weight", layer.get_delta_weight("default").detach().numpy())
        a, b = (written[f"blk.1.{name}.weight.lora_{side}"] for side in "ab")
        assert np.allclose(8.0 / b.shape[1] * b @ a, update, rtol=1e-4, atol=1e-6)


def test_the_cache_holds_one_file_per_adapter_and_base(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    adapter, cache = tmp_path / "adapter", tmp_path / "cache"
    save_adapter(lively_folder, adapter)
    first = ensure_adapter_gguf(adapter, lively_gguf, cache)
    stamp = first.stat().st_mtime_ns
    assert ensure_adapter_gguf(adapter, lively_gguf, cache) == first
    assert first.stat().st_mtime_ns == stamp
    edit_config(adapter, lora_alpha=16.0)
    rescaled = ensure_adapter_gguf(adapter, lively_gguf, cache)
    save_adapter(lively_folder, adapter, seed=2)
    retrained = ensure_adapter_gguf(adapter, lively_gguf, cache)
    assert len({first, rescaled, retrained}) == 3
    assert sorted(cache.iterdir()) == sorted({first, rescaled, retrained})


def test_an_adapter_of_another_base_is_refused(
    bundled_folder: Path, lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from engine.models.bundled import find_gguf

    save_adapter(lively_folder, tmp_path / "adapter")
    with pytest.raises(ModelError, match=r"another base than .*down_proj is 64 x 128 there and 576 x 1536") as bad:
        write_adapter_gguf(tmp_path / "adapter", find_gguf("smollm2-135m"), tmp_path / "out.gguf")
    assert bad.value.fix == "name the GGUF of the base that it was trained on"
    assert not (tmp_path / "out.gguf").exists()


def test_an_adapter_that_would_load_only_in_part_is_refused(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    adapter = tmp_path / "adapter"
    save_adapter(lively_folder, adapter)
    edit_weights(adapter, lambda w: {k.replace("layers.1.", "layers.7."): v for k, v in w.items()})
    with pytest.raises(ModelError, match=r"only in part: 7 of its 14 layers have no place in lively.gguf"):
        write_adapter_gguf(adapter, lively_gguf, tmp_path / "out.gguf")
    save_adapter(lively_folder, adapter)
    edit_weights(adapter, lambda w: {k: v for k, v in w.items() if "layers.1.mlp.up_proj" not in k})
    with pytest.raises(ModelError, match=r"holds no matrices for model\.layers\.1\.mlp\.up_proj"):
        write_adapter_gguf(adapter, lively_gguf, tmp_path / "out.gguf")
    edit_config(adapter, target_modules=["down_proj", "up_proj"])
    with pytest.raises(ModelError, match="up_proj has matrices in 1 of 2 blocks"):
        write_adapter_gguf(adapter, lively_gguf, tmp_path / "out.gguf")
    save_adapter(lively_folder, adapter)
    edit_weights(adapter, lambda w: {k: v for k, v in w.items() if "layers.1.mlp.up_proj.lora_A" not in k})
    with pytest.raises(ModelError, match="up_proj lacks one of its two matrices"):
        write_adapter_gguf(adapter, lively_gguf, tmp_path / "out.gguf")
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"use_dora": True}, "has DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole layers"),
        ({"peft_type": "IA3"}, "is of kind IA3"),
        ({"lora_alpha": 0}, "no lora_alpha"),
    ],
)
def test_what_llama_cpps_lora_cannot_hold_is_refused(
    config: dict[str, Any], said: str, lively_folder: Path, lively_gguf: Path, tmp_path: Path,
    save_adapter: Callable[..., Any],
) -> None:  # fmt: skip
    save_adapter(lively_folder, tmp_path / "adapter")
    edit_config(tmp_path / "adapter", **config)
    with pytest.raises(ModelError, match=said) as bad:
        write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "out.gguf")
    assert bad.value.fix


@pytest.mark.parametrize("share", [0.0, 0.001, 0.2, 0.999])
def test_a_truncated_gguf_is_refused_wherever_it_ends(share: float, lively_gguf: Path, tmp_path: Path) -> None:
    whole = lively_gguf.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match="is no whole GGUF"):
        open_gguf(cut)


def test_a_file_that_is_no_gguf_or_no_model_is_refused(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    from gguf import GGUFWriter

    (tmp_path / "page.gguf").write_text("<html>not found</html>" * 100)
    with pytest.raises(ModelError, match="is no whole GGUF"):
        open_gguf(tmp_path / "page.gguf")
    with pytest.raises(ModelError, match="no GGUF at"):
        open_gguf(tmp_path / "nowhere.gguf")
    writer = GGUFWriter(tmp_path / "falcon.gguf", "falcon")
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match="architecture 'falcon'"):
        open_gguf(tmp_path / "falcon.gguf")
    save_adapter(lively_folder, tmp_path / "adapter")
    write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "adapter.gguf")
    with pytest.raises(ModelError, match="holds no model"):
        open_gguf(tmp_path / "adapter.gguf")


def test_a_torn_adapter_file_is_refused(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, save_adapter: Callable[..., Any]
) -> None:
    save_adapter(lively_folder, tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(ModelError, match="cannot be read"):
        write_adapter_gguf(tmp_path / "adapter", lively_gguf, tmp_path / "out.gguf")


@pytest.mark.parametrize("content", [b"", b"spoilt", b"PK\x03\x04cut short"])
def test_an_old_weights_file_that_is_spoilt_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "adapter_model.bin").write_bytes(content)
    with pytest.raises(ModelError, match="its weights cannot be read") as bad:
        read_pairs(tmp_path)
    assert bad.value.fix == "copy the adapter again"
