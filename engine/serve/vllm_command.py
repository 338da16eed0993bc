"""The command line and the environment that `vllm serve` is started with (vLLM 0.32)."""

import hashlib
import json
import os
from pathlib import Path

from engine.errors import ModelError
from engine.models.locate import Located
from engine.models.origin import read_config
from engine.models.template import Renderer
from engine.records.recipe import Load
from engine.records.serving import BASE_SUFFIX, ServeRequest
from engine.store.journal import read_json, write_atomic
from engine.store.paths import cache_folder

DTYPES = {"bf16": "bfloat16", "fp32": "float32"}
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM makes room for."""


def name_model(located: Located, name: str, load: Load) -> list[str]:
    """The base, by a name that leaves `name` to the adapter where there is one."""
    words = ["serve", located.source, "--dtype", DTYPES[load.dtype]]
    if located.revision:
        words += ["--revision", located.revision, "--tokenizer-revision", located.revision]
    words += ["--generation-config", "vllm"]  # a client that names no sampling is given none of the model's own
    if located.adapter is None:
        return [*words, "--served-model-name", name]
    rank = round_rank(located.adapter)
    return [*words, "--served-model-name", name + BASE_SUFFIX, "--enable-lora", "--max-lora-rank", str(rank)]


def round_rank(adapter: Path) -> int:
    """The rank that vLLM must make room for."""
    config = read_json(adapter / "adapter_config.json")
    ranks = [config.get("r"), *(config.get("rank_pattern") or {}).values()]
    rank = max((r for r in ranks if isinstance(r, int)), default=0)
    if rank > RANKS[-1]:
        raise ModelError(
            f"vLLM serves adapters of a rank up to {RANKS[-1]}, and {adapter} has {rank}",
            fix="--backend transformers, or charlab export RUN --to merged",
        )
    return next(r for r in RANKS if r >= rank)


def name_reach(host: str, port: int) -> list[str]:
    return [
        "--host", host, "--port", str(port), "--disable-uvicorn-access-log",
        "--allowed-origins", '["http://localhost"]',  # no web page from elsewhere may use the model
    ]  # fmt: skip


def name_size(request: ServeRequest, folder: Path, share: float) -> list[str]:
    return [
        "--max-model-len", str(limit_context(request.context, folder)), "--max-num-seqs", str(request.slots),
        "--gpu-memory-utilization", f"{share:.2f}", "--max-logprobs", "1000",
    ]  # fmt: skip


def limit_context(context: int, folder: Path) -> int:
    """vLLM refuses to start with a context longer than the model's own."""
    longest = read_config(folder).get("max_position_embeddings")
    return min(context, longest) if isinstance(longest, int) else context


def name_template(renderer: Renderer) -> list[str]:
    """What makes vLLM render as the recipe's [template] does, for clients that say nothing of it."""
    kwargs = renderer.template.kwargs
    words = ["--default-chat-template-kwargs", json.dumps(kwargs)] if kwargs else []
    text = renderer.override_template()
    if text is None:
        return words
    # as a file, since vLLM reads escapes in a template that stands in the command line
    file = cache_folder() / "templates" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jinja"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text, durable=False)
    return [*words, "--chat-template", str(file)]


def make_environment(token: str | None, adapts: bool) -> dict[str, str]:
    """The token stands here alone: anyone may read a command line."""
    own = {"VLLM_API_KEY": token, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True" if adapts else None}
    inherited = {name: value for name, value in os.environ.items() if name not in own}
    return inherited | {name: value for name, value in own.items() if value} | {"VLLM_NO_USAGE_STATS": "1"}
