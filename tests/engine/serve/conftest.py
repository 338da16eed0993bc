"""Servers that several tests share: the tiny model with an adapter on transformers, the bundled GGUF on llama.cpp."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.records.dataset import Message
from engine.records.serving import Endpoint, ServeRequest
from engine.serve.server import Serving, start_server
from engine.store.paths import Workspace
from listener import Listener


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("room")
    (folder / "runs").mkdir()
    (folder / "datasets").mkdir()
    return Workspace(folder)


@pytest.fixture(scope="session")
def quiet() -> Iterator[None]:
    """One thread a worker: the servers of a session share two cores with its tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def tiny_adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on the tiny model that changes what it says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("adapters") / "loud"
    adapted.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(tiny_folder)}))
    return folder


@pytest.fixture(scope="session")
def torch_serving(quiet: None, tiny_adapter: Path, room: Workspace) -> Iterator[Serving]:
    request = ServeRequest(reference=str(tiny_adapter), context=128, slots=4, token="open-sesame")
    with start_server(request, room) as serving:
        yield serving


@pytest.fixture(scope="session")
def llama_serving(quiet: None, room: Workspace) -> Iterator[Serving]:
    request = ServeRequest(reference="bundled:smollm2-135m", context=256, slots=4, threads=1)
    with start_server(request, room) as serving:
        yield serving


@pytest.fixture
def ask() -> Callable[..., list[Message]]:
    """A conversation: ask("Who are you?") or ask(system="Be brief.", user="Hello", assistant="I")."""

    def make(text: str | None = None, **turns: str) -> list[Message]:
        return [
            Message.model_validate({"role": r, "content": c}) for r, c in ({"user": text} if text else turns).items()
        ]

    return make


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[Any], None]], Endpoint]]:
    """A real server on the loopback that does with each POST what a function does: answering(act) is its endpoint."""
    listeners = []

    def start(act: Callable[[Any], None]) -> Endpoint:
        listener = Listener(lambda handler, body: act(handler))
        listeners.append(listener)
        return Endpoint(url=listener.url, model="there", token=None, backend="url", reference=f"{listener.url}#there")

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture(scope="session")
def bundled_adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEFT adapter on the bundled model: a small change to every layer's queries."""
    import torch
    from safetensors.torch import save_file

    stream = torch.Generator().manual_seed(0)
    tensors = {}
    for layer in range(30):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{name}.lora_A.weight"] = torch.randn(4, 576, generator=stream) * 0.1
        tensors[f"{name}.lora_B.weight"] = torch.randn(576, 4, generator=stream) * 0.1
    folder = tmp_path_factory.mktemp("adapters") / "small"
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "bundled:smollm2-135m", "r": 4,
        "lora_alpha": 8, "lora_dropout": 0.0, "target_modules": ["q_proj"], "bias": "none", "inference_mode": True,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder
