"""Whole models as GGUF: every type reads back as what went in, and a file of another model is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ModelError
from engine.forge.base_gguf import open_gguf
from engine.forge.gguf_file import dequantise, describe_base, describe_types, write_gguf
from engine.records.forms import PLAIN

ROUNDING = {"f32": 0.0, "f16": 1e-3, "bf16": 4e-3, "q8_0": 0.01, "q5_1": 0.04, "q5_0": 0.05, "q4_1": 0.08, "q4_0": 0.1}
"""The largest error of a weight as a share of the largest weight."""


def load(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def change_norms(folder: Path, out: Path) -> Path:
    model = load(folder)
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            parameter.data += 0.3
    model.save_pretrained(out)
    (out / "chat_template.jinja").write_text((folder / "chat_template.jinja").read_text())
    return out


@pytest.mark.parametrize("kind", PLAIN)
def test_each_type_reads_back_as_the_weights_it_was_made_of(
    kind: str, lively_folder: Path, lively_gguf: Path, tmp_path: Path
) -> None:
    write_gguf(lively_folder, lively_gguf, tmp_path / "out.gguf", kind)
    base, written = open_gguf(lively_gguf), open_gguf(tmp_path / "out.gguf")
    assert list(written.tensors) == list(base.tensors)
    for name in base.tensors:
        before, after = dequantise(base, name), dequantise(written, name)
        share = np.abs(before - after).max() / np.abs(before).max()
        assert share <= (ROUNDING[kind] if before.ndim > 1 else 0), name
    matrices = [n for n in written.tensors if len(written.shape(n)) > 1]
    kept = {written.tensors[n].tensor_type.name.lower() for n in matrices if n != "token_embd.weight"}
    assert kept == {kind}
    head = written.tensors["token_embd.weight"].tensor_type.name.lower()
    assert head == ("q8_0" if kind.startswith(("q4", "q5")) else kind)


def test_metadata_and_vocabulary_are_the_bases_and_the_template_is_the_folders(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "folder"
    shutil.copytree(lively_folder, folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }} what the folder says")
    write_gguf(folder, lively_gguf, tmp_path / "out.gguf", "q8_0")
    base, written = open_gguf(lively_gguf), open_gguf(tmp_path / "out.gguf")
    own = {"GGUF.kv_count", "general.file_type", "general.quantization_version", "tokenizer.chat_template"}
    assert written.fields.keys() - base.fields.keys() <= own
    for key in base.fields.keys() - own:
        assert written.fields[key].contents() == base.fields[key].contents(), key
    assert written.fields["tokenizer.chat_template"].contents() == "{{ messages[0].content }} what the folder says"
    assert written.fields["general.file_type"].contents() == 7


def test_llama_cpp_loads_f32_and_q8_0_and_says_what_transformers_says(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path, ask_llama: Callable[..., Any],
    ask_torch: Callable[..., Any], farthest: Callable[..., float], prompts: list[list[int]],
) -> None:  # fmt: skip
    truth = ask_torch(load(lively_folder), prompts)
    for kind, bound in (("f32", 0.02), ("q8_0", 0.3)):
        write_gguf(lively_folder, lively_gguf, tmp_path / f"{kind}.gguf", kind)
        found = ask_llama(tmp_path / f"{kind}.gguf", prompts)
        assert farthest(truth, found) < bound
        assert [max(q, key=q.__getitem__) for q in found] == [p.argmax().item() for p in truth]


def test_a_gguf_of_another_model_is_refused_by_its_norms(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path
) -> None:
    other = change_norms(lively_folder, tmp_path / "other")
    with pytest.raises(ModelError, match=r"another model than .*input_layernorm.weight differ"):
        write_gguf(other, lively_gguf, tmp_path / "out.gguf", "q8_0")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["other"]


def test_a_gguf_of_another_shape_is_refused(lively_folder: Path, bundled_folder: Path, tmp_path: Path) -> None:
    from engine.models.bundled import find_gguf

    with pytest.raises(ModelError, match="is a GGUF of another model than"):
        write_gguf(lively_folder, find_gguf("smollm2-135m"), tmp_path / "out.gguf", "q8_0")


def test_a_folder_that_lacks_weights_is_refused(lively_folder: Path, lively_gguf: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(lively_folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "layers.1.mlp" not in k}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="no weights for 3 tensors"):
        write_gguf(tmp_path, lively_gguf, tmp_path / "out.gguf", "q8_0")
    with pytest.raises(ModelError, match="holds no safetensors"):
        write_gguf(tmp_path / "nothing", lively_gguf, tmp_path / "out.gguf", "q8_0")


def test_a_type_that_only_llama_cpp_writes_is_refused_here(
    lively_folder: Path, lively_gguf: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="'q4_k_m' is no type"):
        write_gguf(lively_folder, lively_gguf, tmp_path / "out.gguf", "q4_k_m")


def test_what_a_file_cannot_show_is_said_in_words(lively_folder: Path, lively_gguf: Path, tmp_path: Path) -> None:
    from engine.models.bundled import find_gguf

    write_gguf(lively_folder, lively_gguf, tmp_path / "q4_0.gguf", "q4_0")
    written = open_gguf(tmp_path / "q4_0.gguf")
    assert describe_types(written, "q4_0") == ["1 of 15 matrices are kept finer than q4_0: token_embd.weight as q8_0"]
    # every row is 64 or 128 wide: llama.cpp would have had to take other types for all of them
    (note,) = describe_types(written, "q4_k_m")
    assert note.startswith(
        "15 of 15 matrices are not q4_k_m: it packs rows in blocks of 256, and rows of 64, 128 do not"
    )
    assert describe_base(open_gguf(lively_gguf)) == []
    assert "lie on a q4_1 grid" in describe_base(open_gguf(find_gguf("smollm2-135m")))[0]
