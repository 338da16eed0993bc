"""A tiny base as a GGUF, random adapters on it, and what llama.cpp says next in a process of its own."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ASK_LLAMA = """
import json, sys
import xllamacpp
model, adapter = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = model
params.n_ctx, params.n_parallel, params.port, params.warmup, params.verbosity = 512, 1, 0, False, 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
if adapter:
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
server = xllamacpp.Server(params)
for ids in json.load(sys.stdin):
    request = {"prompt": ids, "n_predict": 1, "n_probs": 300, "temperature": 0.0, "cache_prompt": False}
    answer = json.loads(json.dumps(server.handle_completions(request)))
    first = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    print("@@" + json.dumps([[t["id"], t["logprob"]] for t in first]), flush=True)
"""


@pytest.fixture(scope="session")
def ask_llama() -> Callable[..., list[dict[int, float]]]:
    """The log-probabilities of the 300 likeliest next tokens after each prompt of token ids."""

    def ask(model: Path, prompts: list[list[int]], adapter: Path | None = None) -> list[dict[int, float]]:
        done = subprocess.run(
            [sys.executable, "-c", ASK_LLAMA, str(model), str(adapter or "")],
            input=json.dumps(prompts), capture_output=True, text=True, timeout=300,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        found = [dict(json.loads(line[2:])) for line in done.stdout.splitlines() if line.startswith("@@")]
        assert len(found) == len(prompts), done.stderr[-2000:]
        return found

    return ask


@pytest.fixture(scope="session")
def ask_torch() -> Callable[..., list[Any]]:
    """The log-probabilities of every next token after each prompt, by transformers."""

    def ask(model: Any, prompts: list[list[int]]) -> list[Any]:
        import torch

        model.eval()
        with torch.inference_mode():
            return [model(torch.tensor([ids])).logits[0, -1].float().log_softmax(-1) for ids in prompts]

    return ask


@pytest.fixture(scope="session")
def mean_kl() -> Callable[..., float]:
    """KL of what llama.cpp says from what transformers says, over the tokens listed and one bin for the rest."""

    def measure(truth: list[Any], found: list[dict[int, float]]) -> float:
        total = 0.0
        for p, q in zip(truth, found, strict=True):
            listed = [(p[token].item(), value) for token, value in q.items()]
            total += sum(math.exp(a) * (a - b) for a, b in listed)
            rest_p, rest_q = (max(1e-9, 1 - sum(math.exp(pair[side]) for pair in listed)) for side in (0, 1))
            total += rest_p * math.log(rest_p / rest_q)
        return total / len(truth)

    return measure


@pytest.fixture(scope="session")
def farthest() -> Callable[..., float]:
    """The largest difference of a log-probability between transformers and llama.cpp, in nats."""

    def measure(truth: list[Any], found: list[dict[int, float]]) -> float:
        return max(
            abs(p[token].item() - value) for p, q in zip(truth, found, strict=True) for token, value in q.items()
        )

    return measure


@pytest.fixture(scope="session")
def lively_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with weights large enough that attention and norms matter to what comes next."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("models") / "lively"
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
        else:
            torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lively_gguf(lively_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lively model as llama.cpp's converter writes it, spelled out here so that it can judge ours."""
    import numpy as np
    from gguf import GGUFReader, GGUFValueType, GGUFWriter
    from safetensors.torch import load_file

    from engine.models.bundled import find_gguf

    out = tmp_path_factory.mktemp("gguf") / "lively.gguf"
    writer = GGUFWriter(out, "llama")
    for key, field in GGUFReader(find_gguf("smollm2-135m")).fields.items():
        if key.startswith("tokenizer."):
            inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    writer.add_name("lively")
    writer.add_block_count(2)
    writer.add_context_length(2048)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(128)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(16)
    writer.add_layer_norm_rms_eps(1e-6)
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    for key, tensor in load_file(lively_folder / "model.safetensors").items():
        array = tensor.float().numpy()
        if key == "model.embed_tokens.weight":
            name = "token_embd"
        elif key == "model.norm.weight":
            name = "output_norm"
        else:
            block, part = key.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
            name = f"blk.{block}.{names[part]}"
            if part.endswith(("q_proj", "k_proj")):
                # rows 0 8 1 9 ... of each head of 16
                order = np.concatenate(
                    [[h * 16 + i, h * 16 + i + 8] for h in range(len(array) // 16) for i in range(8)]
                )
                array = array[order]
        writer.add_tensor(f"{name}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@pytest.fixture(scope="session")
def save_adapter() -> Callable[..., Any]:
    """Save a random LoRA on the model in `base`: save_adapter(base, folder, std=0.1, **config); returns it on its base."""

    def save(base: Path, folder: Path, std: float = 0.1, seed: int = 1, **config: Any) -> Any:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        options = {"r": 4, "lora_alpha": 8.0, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **config}
        adapted = get_peft_model(model, LoraConfig(**options))
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=std)
        adapted.save_pretrained(folder)
        return adapted.eval()

    return save


PROMPTS = [[1, 520, 9531, 198], [1, 4093, 198, 12195, 346, 260], [7, 8, 9, 10, 11, 12, 13, 14]]


@pytest.fixture(scope="session")
def prompts() -> list[list[int]]:
    return PROMPTS
