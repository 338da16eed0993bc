"""The transformers server over the tiny model and an adapter, against transformers itself."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import DynamicCache

from engine.errors import InputError, ModelError
from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.recipe import Template
from engine.records.serving import Sampling, ServeRequest
from engine.serve.answers import Answer
from engine.serve.client import Client, Job
from engine.serve.generate import Generator, Work, draw
from engine.serve.server import Serving, choose_backend, start_server
from engine.serve.torch_worker import ApiError, Ask, Server
from engine.store.paths import Workspace

GREEDY = Sampling(temperature=0, max_tokens=12)


@pytest.fixture
def client(torch_serving: Serving) -> Any:
    with Client(torch_serving.endpoint, retries=0) as client:
        yield client


def post(serving: Serving, body: dict[str, Any], path: str = "/chat/completions", token: str = "open-sesame") -> Any:
    data = {"model": serving.endpoint.model, "messages": [{"role": "user", "content": "Who?"}], "max_tokens": 8, **body}
    request = urllib.request.Request(
        serving.endpoint.url + path, json.dumps({k: v for k, v in data.items() if v is not None}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]


def test_greedy_answers_of_a_batch_are_those_of_transformers(
    client: Client, tiny_folder: Path, tiny_adapter: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    renderer = Renderer(tokenizer, Template())
    base = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tiny_adapter).eval()
    texts = ["Who are you?", "Tell me of Virginia and of the long summer there.", "Hm", "Why?"]
    found: dict[str, Answer] = {}
    jobs = [Job(t, [Message(role="user", content=t)], GREEDY, on) for t in texts for on in (True, False)]
    client.run_batch(jobs, lambda j, a: found.__setitem__(f"{j.id}{j.adapter}", a))
    for text in texts:
        ids = torch.tensor([renderer.encode_prompt([Message(role="user", content=text)])])
        options: dict[str, Any] = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": sorted(renderer.stop_ids)}
        on = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)[0, ids.shape[1] :]
        with model.disable_adapter():
            off = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)[0, ids.shape[1] :]
        assert found[f"{text}True"].text == tokenizer.decode(on, skip_special_tokens=True)
        assert found[f"{text}False"].text == tokenizer.decode(off, skip_special_tokens=True)
        assert found[f"{text}True"].text != found[f"{text}False"].text


def test_log_probabilities_are_the_models_own(client: Client, tiny_folder: Path, ask: Any) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    answer = client.chat(ask("Who are you?"), GREEDY, adapter=False, logprobs=4)
    assert answer.logprobs is not None
    renderer = Renderer(AutoTokenizer.from_pretrained(tiny_folder), Template())
    prompt = renderer.encode_prompt(ask("Who are you?"))
    ids = [t.id for t in answer.logprobs]
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1].float()
    expected = logits.log_softmax(-1)
    assert [t.logprob for t in answer.logprobs] == pytest.approx(
        [float(row[i]) for row, i in zip(expected, ids)], abs=1e-4
    )
    assert all(len(t.top) == 4 for t in answer.logprobs)


def test_the_same_seed_gives_the_same_answer_streamed_whole_or_in_company(client: Client, ask: Any) -> None:
    sampling = Sampling(seed=3, max_tokens=10)
    whole = client.chat(ask("Who?"), sampling)
    pieces = list(client.stream(ask("Who?"), sampling))
    company: dict[str, str] = {}
    jobs = [Job(str(n), ask("Who?"), sampling.model_copy(update={"seed": n})) for n in range(6)]
    client.run_batch(jobs, lambda j, a: company.__setitem__(j.id, a.text))
    assert whole.text == "".join(p.text for p in pieces) == pieces[-1].answer.text == company["3"]  # type: ignore[union-attr]
    assert len(set(company.values())) == 6
    assert pieces[-1].answer.prompt_tokens == whole.prompt_tokens  # type: ignore[union-attr]


def test_the_adapter_is_named_by_field_or_by_suffix(torch_serving: Serving, client: Client, ask: Any) -> None:
    name = torch_serving.endpoint.model
    on, off = (client.chat(ask("Who?"), Sampling(temperature=0, max_tokens=8), adapter=a).text for a in (True, False))
    half = client.chat(ask("Who?"), Sampling(temperature=0, max_tokens=8), adapter=0.5).text
    assert len({on, off, half}) == 3
    texts = [
        post(torch_serving, {"temperature": 0, "model": m})["choices"][0]["message"]["content"]
        for m in (name, name + ":base")
    ]
    assert texts == [on, off]
    assert torch_serving.endpoint.adapters


def test_a_stop_text_ends_the_answer_and_is_left_out(client: Client, ask: Any) -> None:
    whole = client.chat(ask("Who?"), GREEDY).text
    stop = whole[5:9]
    answer = client.chat(ask("Who?"), GREEDY.model_copy(update={"stop": [stop]}))
    streamed = list(client.stream(ask("Who?"), GREEDY.model_copy(update={"stop": [stop]})))[-1].answer
    assert answer.text == streamed.text == whole[: whole.index(stop)]  # type: ignore[union-attr]
    assert answer.finish == "stop"


def test_what_cannot_be_asked_is_refused_in_the_apis_own_way(torch_serving: Serving) -> None:
    refusals = [
        ({"model": "gpt-5"}, "/chat/completions", 404, "model_not_found"),
        (
            {"messages": [{"role": "user", "content": "Virginia " * 200}]},
            "/chat/completions",
            400,
            "context_length_exceeded",
        ),
        ({"tools": []}, "/chat/completions", 400, "invalid_request"),
        ({"temperature": -1}, "/chat/completions", 400, "invalid_request"),
        ({"prompt": "x"}, "/chat/completions", 400, "invalid_request"),
        ({"messages": None, "prompt": [10**7]}, "/completions", 400, "invalid_prompt"),
        ({"messages": None, "prompt": "x", "logprobs": -5}, "/completions", 400, "invalid_request"),
        ({"messages": None, "prompt": "x", "logprobs": 10**6}, "/completions", 400, "invalid_request"),
        ({"prompt_logprobs": 1, "model": "gpt-5"}, "/chat/completions", 404, "model_not_found"),
        ({}, "/embeddings", 404, "not_found"),
    ]
    for body, path, code, kind in refusals:
        answer = post(torch_serving, body, path)
        assert (answer[0], answer[1]["code"]) == (code, kind), answer
    assert post(torch_serving, {}, token="other")[0] == 401
    assert post(torch_serving, {})["object"] == "chat.completion"


class Stern:
    """Answers nothing, and notes what it was made to read."""

    def __init__(self) -> None:
        self.read: list[Ask] = []

    def check(self, ask: Ask) -> list[int]:
        raise ApiError(400, "the prompt is too long", "context_length_exceeded")

    def score(self, ask: Ask, prompt: list[int]) -> None:
        self.read.append(ask)


def test_what_cannot_be_answered_is_refused_before_the_model_reads_it() -> None:
    stern = Stern()
    server = Server(ServeRequest(reference="stern"))
    server.model = stern  # type: ignore[assignment]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    body = {"model": "stern", "prompt": "Virginia " * 9000, "prompt_logprobs": 1}
    url = f"http://127.0.0.1:{server.server_address[1]}/v1/completions"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=30)
    server.shutdown()
    server.server_close()
    assert stern.read == []


def test_the_coldest_temperature_takes_the_likeliest_token(torch_serving: Serving) -> None:
    cold, zero = (post(torch_serving, {"temperature": t}) for t in (1e-40, 0))
    assert cold["choices"] == zero["choices"]


class Wild(torch.nn.Module):
    """A model that goes wild, its scores no numbers any more, on whoever says 7."""

    device = torch.device("cpu")

    def forward(self, input_ids: torch.Tensor, past_key_values: Any = None, **_: Any) -> Any:
        logits = torch.zeros(len(input_ids), 1, 9)
        logits[..., 3] = 9.0
        logits[input_ids[:, -1] == 7] = torch.nan
        return SimpleNamespace(logits=logits, past_key_values=DynamicCache())


def test_a_request_that_fails_ends_alone() -> None:
    generator = Generator(Wild(), {8}, 0, slots=2)
    works = [Work([1, last], Sampling(seed=1, max_tokens=3, top_p=1), 1.0, 1) for last in (7, 2)]
    for work in works:
        generator.submit(work)
    with pytest.raises(RuntimeError, match="probability tensor"):
        list(works[0].read())
    assert list(works[1].read())[-1] == "length"


def test_an_answer_ends_where_the_context_does(client: Client, ask: Any) -> None:
    answer = client.chat(ask("Virginia " * 60), Sampling(seed=1, max_tokens=500))
    assert answer.prompt_tokens + answer.tokens <= 128
    assert answer.finish in ("length", "stop")
    with pytest.raises(InputError, match="context holds 128"):
        client.chat(ask("Virginia " * 200), Sampling())


def test_raw_text_and_a_begun_answer_are_asked_as_they_are(client: Client, ask: Any) -> None:
    raw = client.chat("Instruction: speak.\nResponse:", Sampling(seed=1, max_tokens=4), logprobs=2)
    begun = client.chat(ask(user="Who?", assistant="I am James"), Sampling(seed=1, max_tokens=4))
    bare = client.chat(ask("Who?"), Sampling(seed=1, max_tokens=4))
    assert raw.logprobs is not None
    assert raw.prompt_tokens < bare.prompt_tokens
    assert begun.prompt_tokens == bare.prompt_tokens + 3


def test_a_stream_that_is_left_makes_room_for_the_next(client: Client, ask: Any) -> None:
    for _ in range(6):
        stream = client.stream(ask("Who?"), Sampling(seed=1, max_tokens=60))
        assert next(stream).text is not None
        stream.close()  # type: ignore[attr-defined]
    assert client.chat(ask("Who?"), Sampling(seed=1, max_tokens=2)).tokens == 2


def test_transformers_serves_what_stands_on_no_gguf(room: Workspace, tiny_adapter: Path, tiny_folder: Path) -> None:
    for folder in (tiny_adapter, tiny_folder):
        assert choose_backend(ServeRequest(reference=str(folder)), room) == "transformers"
    assert choose_backend(ServeRequest(reference="bundled:smollm2-135m"), room) == "llama"
    assert choose_backend(ServeRequest(reference="http://host:8000/v1#name"), room) == "url"


@pytest.mark.slow  # another worker has to load torch
def test_an_adapter_of_another_base_is_an_error(
    quiet: None, room: Workspace, tiny_adapter: Path, tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "other"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"r": 8}))
    with pytest.raises(ModelError, match="does not fit"):
        start_server(ServeRequest(reference=str(folder)), room)


def test_a_url_names_an_endpoint_and_must_name_its_model(room: Workspace) -> None:
    with start_server(ServeRequest(reference="http://host:8000/v1#mine"), room) as serving:
        assert (serving.endpoint.url, serving.endpoint.model) == ("http://host:8000/v1", "mine")
    with pytest.raises(ModelError, match="names no model"):
        start_server(ServeRequest(reference="http://host:8000/v1"), room)


@pytest.mark.parametrize(("top_k", "top_p"), [(0, 1.0), (5, 1.0), (0, 0.5), (8, 0.6)])
def test_tokens_are_drawn_as_transformers_draws_them(top_k: int, top_p: float) -> None:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(40, generator=torch.Generator().manual_seed(0)) * 2
    scores = TemperatureLogitsWarper(0.7)(None, logits[None].clone())
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    expected = scores[0].softmax(-1)
    stream = torch.Generator().manual_seed(1)
    sampling = Sampling(temperature=0.7, top_k=top_k, top_p=top_p)
    drawn = torch.bincount(torch.tensor([draw(logits, sampling, stream) for _ in range(4000)]), minlength=40) / 4000
    assert not drawn[expected == 0].any()
    assert (drawn - expected).abs().max() < 0.04
