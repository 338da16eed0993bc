"""vLLM as a started server. A program of its name, that takes its options and speaks its API, stands for vLLM itself."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from engine.errors import BusyError, CharlabError, InputError, ModelError
from engine.launch.process import read_start
from engine.models.locate import Located
from engine.models.template import Renderer
from engine.records.recipe import Load, Template
from engine.records.serving import BASE_SUFFIX, Sampling, ServeRequest
from engine.serve.client import Client
from engine.serve.server import Serving, choose_backend, start_server
from engine.serve.tokenizer import LightTokenizer
from engine.serve.vllm_command import name_model, round_rank
from engine.serve.vllm_worker import find_cause, is_busy, read_progress
from engine.store.paths import Workspace

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = '''#!{python}
"""What charlab uses of `vllm serve`: its options, its log, its paths, and an engine that is a process of its own."""
import argparse, json, os, signal, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

here = {here!r}
parser = argparse.ArgumentParser("vllm")
serve = parser.add_subparsers().add_parser("serve")
serve.add_argument("model")
words = ("host", "served-model-name", "dtype", "generation-config", "allowed-origins", "chat-template", "revision")
for name in words:
    serve.add_argument("--" + name)
for name in ("port", "max-model-len", "max-num-seqs", "max-lora-rank"):
    serve.add_argument("--" + name, type=int)
serve.add_argument("--gpu-memory-utilization", type=float)
serve.add_argument("--max-logprobs", type=int)
serve.add_argument("--default-chat-template-kwargs", type=json.loads)
serve.add_argument("--enable-lora", action="store_true")
serve.add_argument("--disable-uvicorn-access-log", action="store_true")
args = parser.parse_args()
if {failure!r}:
    print({failure!r} + "\\nRuntimeError: Engine core initialization failed. See root cause above.", flush=True)
    sys.exit(1)
engine = subprocess.Popen([sys.executable, "-c", "import time, signal; signal.signal(15, signal.SIG_IGN); time.sleep(60)"])
if {tidy!r}:
    def leave(*_):
        engine.kill()
        os._exit(0)
    signal.signal(signal.SIGTERM, leave)
names = ("VLLM_API_KEY", "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
told = {{"args": vars(args), "argv": sys.argv, "environment": {{n: os.environ.get(n) for n in names}}}}
with open(here + "/told.json", "w") as file:
    json.dump({{**told, "processes": [os.getppid(), os.getpid(), engine.pid]}}, file)
print("Loading safetensors checkpoint shards:  50% Completed | 1/2\\rLoading weights took 1.25 seconds", flush=True)
key, models, running, done = os.environ.get("VLLM_API_KEY"), [args.served_model_name], 0, 0


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def send(self, code, body):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self):
        if key and self.path.startswith("/v1") and self.headers.get("Authorization") != "Bearer " + key:
            self.send(401, {{"error": "Unauthorized"}})
            return True

    def do_GET(self):
        if self.refuse():
            return
        if self.path == "/health":
            self.send(200, "")
        elif self.path == "/v1/models":
            self.send(200, {{"data": [{{"id": m, "max_model_len": args.max_model_len}} for m in models]}})
        elif self.path == "/metrics":
            self.send(200, 'vllm:num_requests_running{{engine="0"}} %.1f\\nvllm:request_success_total{{engine="0"}} %d\\n' % (running, done))

    def do_POST(self):
        global running, done
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refuse():
            return
        if self.path == "/tokenize":
            from engine.serve.tokenizer import LightTokenizer
            tokenizer = LightTokenizer(Path(args.model))
            if args.chat_template:
                tokenizer.chat_template = Path(args.chat_template).read_text()
            kwargs = (args.default_chat_template_kwargs or {{}}) | body["chat_template_kwargs"]
            text = tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, tokenize=False, **kwargs)
            return self.send(200, {{"tokens": tokenizer({mark!r} + text, add_special_tokens=False)["input_ids"]}})
        if self.path == "/v1/load_lora_adapter" and args.enable_lora and os.environ["VLLM_ALLOW_RUNTIME_LORA_UPDATING"]:
            if not os.path.isfile(body["lora_path"] + "/adapter_model.safetensors"):
                return self.send(404, {{"error": {{"message": "Loading lora failed: No adapter found", "code": 404}}}})
            models.append(body["lora_name"])
            return self.send(200, "Success")
        if body["model"] not in models:
            return self.send(404, {{"error": {{"message": "The model does not exist", "code": 404}}}})
        running += 1
        time.sleep({slow!r})
        running, done = running - 1, done + 1
        with open(here + "/asked.jsonl", "a") as file:
            file.write(json.dumps({{"path": self.path, **body}}) + "\\n")
        chat, text = "messages" in body, "I am " + body["model"]
        choice = {{"message": {{"role": "assistant", "content": text}}}} if chat else {{"text": text}}
        usage = {{"prompt_tokens": 5 if chat else len(body["prompt"]), "completion_tokens": 3}}
        self.send(200, {{"choices": [{{"index": 0, "finish_reason": "stop", **choice}}], "usage": usage}})


ThreadingHTTPServer((args.host, args.port), Handler).serve_forever()
'''


class Machine:
    """A machine with one GPU and vLLM, as far as its PATH tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install_vllm(self, *, failure: str = "", tidy: bool = False, slow: float = 0.0, mark: str = "") -> None:
        """`mark` is what it puts before every conversation that it renders."""
        given = {"failure": failure, "tidy": tidy, "slow": slow, "mark": mark}
        self._write("vllm", PROGRAM.format(python=sys.executable, here=str(self.folder), **given))

    def install_gpu(self, free: int = 20000) -> None:
        self._write("nvidia-smi", f"#!/bin/sh\necho '0, GPU-aa11, {free}, 24000'\n")

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "told.json").read_text())
        return found

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Without a GPU and without vLLM; what servers log and keep lies with the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VLLM_API_KEY", "of-somebody-else")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Machine(folder)


@pytest.fixture
def machine(bare: Machine) -> Machine:
    bare.install_gpu()
    bare.install_vllm()
    return bare


@pytest.fixture
def half_folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model as one whose weights are of 16 bits."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "half"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    return folder


@pytest.fixture
def half_adapter(tiny_adapter: Path, half_folder: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "loud"))
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(half_folder)}))
    return folder


@pytest.fixture
def start(room: Workspace) -> Iterator[Callable[..., Serving]]:
    """Start a server that ends with the test: start(reference, token="word")."""
    servings = []

    def begin(reference: Path | str, told: list[str] | None = None, **options: Any) -> Serving:
        request = ServeRequest(reference=str(reference), **{"context": 512, "slots": 4, **options})
        servings.append(start_server(request, room, told.append if told is not None else lambda _: None))
        return servings[-1]

    yield begin
    for serving in servings:
        serving.stop()


def are_gone(processes: list[int]) -> bool:
    end = time.monotonic() + 60
    while any(read_start(p) is not None for p in processes) and time.monotonic() < end:
        time.sleep(0.02)
    return all(read_start(p) is None for p in processes)


def test_vllm_serves_an_adapter_that_it_is_told_to_load(
    machine: Machine, start: Any, half_adapter: Path, half_folder: Path, room: Workspace, ask: Any
) -> None:
    assert choose_backend(ServeRequest(reference=str(half_adapter)), room) == "vllm"
    told: list[str] = []
    serving = start(half_adapter, told, token="open-sesame")
    endpoint = serving.endpoint
    assert (endpoint.backend, endpoint.model, endpoint.context) == ("vllm", str(half_adapter), 512)
    assert endpoint.adapters == [str(half_adapter)]
    assert "vLLM: loading weights, 50%" in told
    assert "vLLM: weights loaded in 1.25 s" in told

    found = machine.read()
    options = {name: value for name, value in found["args"].items() if value not in (None, False)}
    assert options.pop("port") == httpx2.URL(endpoint.url).port
    assert options == {
        "model": str(half_folder), "host": "127.0.0.1", "served_model_name": f"{half_adapter}{BASE_SUFFIX}",
        "dtype": "bfloat16", "max_model_len": 512, "max_num_seqs": 4, "gpu_memory_utilization": 0.79,
        "generation_config": "vllm", "allowed_origins": '["http://localhost"]', "disable_uvicorn_access_log": True, "enable_lora": True, "max_lora_rank": 8,
            "max_logprobs": 1000,
    }  # fmt: skip
    assert found["environment"] == {
        "VLLM_API_KEY": "open-sesame", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "CUDA_VISIBLE_DEVICES": "0",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }  # fmt: skip
    assert "open-sesame" not in " ".join(found["argv"])

    with Client(endpoint) as client:
        assert client.chat(ask("Who?"), Sampling()).text == f"I am {half_adapter}"
        assert client.chat(ask("Who?"), Sampling(), adapter=False).text == f"I am {half_adapter}{BASE_SUFFIX}"
    base = endpoint.model_copy(update={"model": endpoint.model + BASE_SUFFIX})
    with Client(base) as client:
        assert client.chat(ask("Who?"), Sampling()).text == f"I am {half_adapter}{BASE_SUFFIX}"
    stranger = endpoint.model_copy(update={"token": "other"})
    with Client(stranger) as client, pytest.raises(InputError, match="401"):
        client.chat(ask("Who?"), Sampling())
    serving.stop()
    assert are_gone(found["processes"])
    assert "open-sesame" not in "".join(p.read_text() for p in machine.folder.parent.rglob("*.log"))


def test_vllm_is_sent_the_tokenizers_own_ids(machine: Machine, start: Any, tiny_folder: Path, ask: Any) -> None:
    endpoint = start(tiny_folder).endpoint
    renderer = Renderer(LightTokenizer(tiny_folder), Template())
    with Client(endpoint) as client:
        client.chat(ask("Who?"), Sampling())
        client.chat(ask(user="Who?", assistant="I am"), Sampling())
    asked = [json.loads(line) for line in (machine.folder / "asked.jsonl").read_text().splitlines()]
    prompt = renderer.encode_prompt(ask("Who?"))
    assert [a["path"] for a in asked] == ["/v1/completions"] * 2
    assert [a["prompt"] for a in asked] == [prompt, prompt + renderer.encode_text("I am")]
    assert asked[0]["stop_token_ids"] == sorted(renderer.stop_ids)


def test_a_vllm_that_renders_otherwise_is_an_error_with_both_strings(
    machine: Machine, start: Any, tiny_folder: Path
) -> None:
    machine.install_vllm(mark="Hark! ")
    with pytest.raises(ModelError, match="reads a question otherwise") as caught:
        start(tiny_folder)
    assert "'Hark! <|im_start|>" in caught.value.message
    assert "'<|im_start|>" in caught.value.message
    assert are_gone(machine.read()["processes"])


def test_a_base_alone_is_served_under_its_own_name_and_without_a_token(
    machine: Machine, start: Any, tiny_folder: Path, ask: Any
) -> None:
    serving = start(tiny_folder, context=100_000)
    with Client(serving.endpoint) as client:
        assert client.chat(ask("Who?"), Sampling()).text == f"I am {tiny_folder}"
    found = machine.read()
    assert found["environment"]["VLLM_API_KEY"] is None
    assert found["environment"]["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] is None
    assert found["args"]["dtype"] == "float32"
    assert not found["args"]["enable_lora"]
    assert found["args"]["max_model_len"] == serving.endpoint.context == 2048


@pytest.fixture
def add_run(workspace: Workspace, write_run: Any, tiny_adapter: Path, tiny_folder: Path) -> Callable[..., None]:
    """Lay out a run of the tiny model with a checkpoint: add_run("20260101-0900-ada-1a2b", load={...})."""

    def add(run: str, **tables: Any) -> None:
        recipe = {"name": "ada", "base": str(tiny_folder), "dataset": "madison", "objective": "orpo", "seed": 1}
        checkpoint = write_run(run, ended="finished", recipe={**recipe, **tables}).checkpoint(2)
        shutil.copytree(tiny_adapter, checkpoint.folder)
        manifest = {
            "run": run, "attempt": 1, "step": 2, "time": 1.0, "tokens": 1, "adapter_sha256": "a", "reference": None,
            "lineage": [], "values": {},
        }  # fmt: skip
        checkpoint.manifest.write_text(json.dumps(manifest))

    return add


def test_a_runs_template_and_type_are_those_that_vllm_is_given(
    machine: Machine, workspace: Workspace, add_run: Any, tiny_folder: Path
) -> None:
    run = "20260101-0900-ada-1a2b"
    template = {"system": "Be “brief”, \\n Sir.", "kwargs": {"enable_thinking": False}}
    add_run(run, load={"dtype": "bf16"}, template=template)
    request = ServeRequest(reference=f"run:{run}", context=512)
    with start_server(request, workspace) as serving:
        assert serving.endpoint.template == Template.model_validate(template)
        assert serving.endpoint.rendered is not None
        assert serving.endpoint.rendered.system == "Be “brief”, \\n Sir."
        args = machine.read()["args"]
    assert args["dtype"] == "bfloat16"
    assert args["default_chat_template_kwargs"] == {"enable_thinking": False}

    folder = Path(shutil.copytree(tiny_folder, machine.folder / "served"))
    (folder / "chat_template.jinja").write_text(Path(args["chat_template"]).read_text())
    user = {"role": "user", "content": "Who?"}
    system = {"role": "system", "content": "Be “brief”, \\n Sir."}
    given = {"add_generation_prompt": True, "tokenize": False}
    served, own = LightTokenizer(folder), LightTokenizer(tiny_folder)
    assert served.apply_chat_template([user], **given) == own.apply_chat_template([system, user], **given)


def test_without_vllm_or_without_a_gpu_it_is_not_chosen_and_says_what_is_missing(
    bare: Machine, room: Workspace, tiny_folder: Path
) -> None:
    request = ServeRequest(reference=str(tiny_folder))
    named = request.model_copy(update={"backend": "vllm"})
    bare.install_gpu()
    assert choose_backend(request, room) == "transformers"
    with pytest.raises(ModelError, match="not installed") as caught:
        start_server(named, room)
    assert caught.value.fix.startswith("pip install --editable '.[vllm]' --constraint constraints.txt")
    bare.install_vllm()
    assert choose_backend(request, room) == "vllm"
    assert choose_backend(ServeRequest(reference="bundled:smollm2-135m"), room) == "llama"
    (bare.folder / "nvidia-smi").unlink()
    assert choose_backend(request, room) == "transformers"
    with pytest.raises(ModelError, match="NVIDIA"):
        start_server(named, room)


def test_vllm_is_kept_from_other_machines(machine: Machine, room: Workspace, tiny_folder: Path) -> None:
    with pytest.raises(InputError, match="without a token") as caught:
        start_server(ServeRequest(reference=str(tiny_folder), host="0.0.0.0", token="open-sesame"), room)
    assert "ssh" in caught.value.fix


def test_a_model_larger_than_what_is_free_is_refused_before_vllm_starts(
    machine: Machine, start: Any, tiny_folder: Path
) -> None:
    machine.install_gpu(free=1030)
    with pytest.raises(ModelError, match=r"GPU 0 once loaded, and may take 0\.0 GiB: 1\.0 GiB of 23\.4 GiB are free"):
        start(tiny_folder)
    assert not (machine.folder / "told.json").exists()


def test_vllm_waits_for_a_training_that_is_starting(
    machine: Machine, workspace: Workspace, write_run: Any, live: Any, tiny_folder: Path
) -> None:
    paths = write_run("20260101-0900-ada-1a2b", process=live.pid, rows=[])
    launch = json.loads(paths.launch.read_text()) | {"time": time.time()}
    paths.launch.write_text(json.dumps(launch))
    with pytest.raises(BusyError, match="is starting"):
        start_server(ServeRequest(reference=str(tiny_folder)), workspace)


def test_why_vllm_did_not_start_is_told_by_its_first_error(machine: Machine, start: Any, tiny_folder: Path) -> None:
    machine.install_vllm(failure="(EngineCore pid=7) ERROR 11-20 ValueError: Free memory on device (3.2/23.4 GiB)")
    with pytest.raises(CharlabError, match=r"vLLM ended by itself: Free memory on device \(3\.2/23\.4 GiB\)") as caught:
        start(tiny_folder)
    assert "see " in caught.value.fix


def test_an_adapter_that_vllm_does_not_load_is_an_error(
    machine: Machine, start: Any, half_adapter: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(half_adapter, tmp_path / "torn"))
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(ModelError, match="Loading lora failed: No adapter found"):
        start(folder)
    assert are_gone(machine.read()["processes"])


def test_an_adapter_that_vllm_would_serve_otherwise_than_it_was_trained_goes_to_transformers(
    machine: Machine, workspace: Workspace, tiny_adapter: Path, half_adapter: Path, add_run: Any
) -> None:
    def choose(reference: str) -> str:
        return choose_backend(ServeRequest(reference=reference), workspace)

    assert choose(str(half_adapter)) == "vllm"
    assert choose(str(tiny_adapter)) == "transformers"
    add_run("20260101-0900-ada-1a2b", load={"dtype": "bf16"})
    assert choose("run:20260101-0900-ada-1a2b") == "vllm"
    add_run("20260101-0901-ada-1a2b", load={"dtype": "fp32"})
    assert choose("run:20260101-0901-ada-1a2b") == "transformers"
    add_run("20260101-0902-ada-1a2b", load={"dtype": "bf16", "quantize": "nf4"})
    assert choose("run:20260101-0902-ada-1a2b") == "transformers"
    with pytest.raises(ModelError, match="vLLM loads no base in NF4") as caught:
        start_server(ServeRequest(reference="run:20260101-0902-ada-1a2b", backend="vllm"), workspace)
    assert caught.value.fix == "--backend transformers"


OWNER = """
import sys, time
from pathlib import Path
from engine.records.serving import ServeRequest
from engine.serve.server import start_server
from engine.store.paths import Workspace
serving = start_server(ServeRequest(reference=sys.argv[2], context=64), Workspace(Path(sys.argv[1])))
print(serving.process.pid, flush=True)
time.sleep(60)
"""


def test_vllm_and_its_engine_end_when_the_owner_is_killed(machine: Machine, room: Workspace, tiny_folder: Path) -> None:
    words = [sys.executable, "-c", OWNER, str(room.folder), str(tiny_folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        processes = machine.read()["processes"]
        assert processes[0] == worker
        assert all(read_start(p) is not None for p in processes)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert are_gone(processes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_vllm_ends_when_its_worker_is_killed(machine: Machine, start: Any, tiny_folder: Path) -> None:
    machine.install_vllm(tidy=True)
    serving = start(tiny_folder)
    processes = machine.read()["processes"]
    os.kill(processes[0], signal.SIGKILL)
    with pytest.raises(CharlabError, match="ended with code"):
        serving.wait()
    assert are_gone(processes)


def test_a_server_whose_vllm_dies_ends_with_an_error(machine: Machine, start: Any, tiny_folder: Path) -> None:
    serving = start(tiny_folder)
    processes = machine.read()["processes"]
    os.kill(processes[1], signal.SIGKILL)
    with pytest.raises(CharlabError, match="ended with code 1"):
        serving.wait()
    assert are_gone(processes)


def test_an_idle_vllm_ends_and_one_that_answers_does_not(
    machine: Machine, start: Any, tiny_folder: Path, ask: Any
) -> None:
    machine.install_vllm(slow=1.2)
    serving = start(tiny_folder, idle_seconds=0.4)
    answers = []
    with Client(serving.endpoint, retries=0) as client:
        asking = threading.Thread(target=lambda: answers.append(client.chat(ask("Who?"), Sampling()).text))
        asking.start()
        serving.wait()
        asking.join()
    assert answers == [f"I am {tiny_folder}"]
    assert are_gone(machine.read()["processes"])


def test_a_port_that_is_asked_for_is_the_one(machine: Machine, start: Any, tiny_folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert start(tiny_folder, port=port).endpoint.url == f"http://127.0.0.1:{port}/v1"


def test_the_log_of_a_start_is_told_in_few_words() -> None:
    log = (
        "INFO 11-20 [weight_utils.py] Loading safetensors checkpoint shards:   0% Completed | 0/2\r"
        "Loading safetensors checkpoint shards: 100% Completed | 2/2\n"
        "INFO 11-20 [default_loader.py] Loading weights took 4.21 seconds\n"
        "INFO 11-20 [kv_cache_utils.py] GPU KV cache size: 1,233,456 tokens\n"
        "Capturing CUDA graphs (decode, FULL):  50%\n"
    )
    assert read_progress(log) == [
        "loading weights, 0%", "loading weights, 100%", "weights loaded in 4.21 s", "room for 1,233,456 tokens",
        "capturing CUDA graphs",
    ]  # fmt: skip


def test_vllm_is_asked_for_the_revision_that_was_trained_on() -> None:
    located = Located("ada", "owner/model", "owner/model", None, [], None, revision="abc123")
    words = name_model(located, "ada", Load())
    assert words[words.index("--revision") + 1] == "abc123"
    assert "--revision" not in name_model(located._replace(revision=None), "ada", Load())


def test_an_option_that_vllm_does_not_know_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("usage: vllm [-h] serve\nvllm: error: unrecognized arguments: --max-num-seqz 4\n")
    assert find_cause(log) == "unrecognized arguments: --max-num-seqz 4"


def test_a_request_that_runs_or_waits_is_seen_in_vllms_counts() -> None:
    idle = 'vllm:num_requests_running{engine="0",model_name="a 1"} 0.0 vllm:num_requests_waiting{engine="0"} 0.0'
    assert not is_busy(idle)
    assert is_busy(idle.replace('waiting{engine="0"} 0.0', 'waiting{engine="0"} 2.0'))
    assert is_busy(idle.replace('"a 1"} 0.0', '"a 1"} 12.0'))


@pytest.mark.parametrize(
    ("ranks", "room"), [({"r": 4}, 8), ({"r": 32}, 32), ({"r": 8, "rank_pattern": {"q": 100}}, 128)]
)
def test_vllm_makes_room_for_the_largest_rank(tmp_path: Path, ranks: dict[str, Any], room: int) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(ranks))
    assert round_rank(tmp_path) == room


def test_a_rank_beyond_vllms_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 1024}')
    with pytest.raises(ModelError, match="has 1024"):
        round_rank(tmp_path)
