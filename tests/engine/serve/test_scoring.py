"""A given text is told the same probabilities token by token out of llama.cpp and at once out of transformers."""

import math
from pathlib import Path

import pytest

from engine.records.serving import ServeRequest
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.serve.tokenizer import LightTokenizer, convert_tokenizer
from engine.store.paths import Workspace


def test_transformers_tells_every_token_of_a_text_its_exact_probability(
    workspace: Workspace, tiny_folder: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    ids = [1, 28, 400, 77, 9000, 12]
    request = ServeRequest(reference=str(tiny_folder), backend="transformers")
    with start_server(request, workspace) as serving, Client(serving.endpoint) as client:
        scored = client.score(ids, 2, top=5)
        again = client.score(ids, 1, top=5)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        exact = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    assert [s.id for s in scored] == ids[2:]
    for at, found in enumerate(scored, 2):
        assert found.logprob == pytest.approx(float(exact[at - 1, ids[at]]), abs=1e-4)
        best = exact[at - 1].topk(5)
        assert [i for i in found.top if i != found.id][:1] in ([int(best.indices[0])], [int(best.indices[1])])
        assert max(found.top.values()) == pytest.approx(float(best.values[0]), abs=1e-4)
    assert again[1:] == scored


@pytest.fixture(scope="module")
def text_ids() -> list[int]:
    from engine.models.bundled import find_gguf

    tokenizer = LightTokenizer(convert_tokenizer(find_gguf("smollm2-135m")))
    return tokenizer("The capital of France is Paris.")["input_ids"]


def test_llama_tells_the_likeliest_tokens_after_every_prefix(workspace: Workspace, text_ids: list[int]) -> None:
    request = ServeRequest(reference="bundled:smollm2-135m", threads=1, slots=1, context=64)
    with start_server(request, workspace) as serving, Client(serving.endpoint) as client:
        scored = client.score(text_ids, len(text_ids) - 3, top=1000)
    assert [s.id for s in scored] == text_ids[-3:]
    for found in scored:
        assert len(found.top) == 1000
        assert 0.9 < math.fsum(math.exp(p) for p in found.top.values()) <= 1.0001
        assert found.logprob == found.top[found.id]
