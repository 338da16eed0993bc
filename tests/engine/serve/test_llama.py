"""llama.cpp's own server over the bundled GGUF, one thread."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import BusyError, CharlabError, InputError, ModelError
from engine.launch.process import read_start
from engine.models.bundled import find_gguf
from engine.models.template import Renderer
from engine.records.recipe import Template
from engine.records.serving import Sampling, ServeRequest
from engine.serve.client import Client
from engine.serve.llama import count_free_cores, count_held_cores, count_idle_cores, count_own_cores, find_base
from engine.serve.llama_worker import make_params
from engine.serve.server import Serving, choose_backend, start_server
from engine.serve.tokenizer import LightTokenizer
from engine.store.paths import Workspace

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = "bundled:smollm2-135m"


def test_the_same_seed_gives_the_same_answer_streamed_or_whole(llama_serving: Serving, ask: Any) -> None:
    sampling = Sampling(seed=4, max_tokens=16)
    with Client(llama_serving.endpoint) as client:
        whole = client.chat(ask("Who are you?"), sampling)
        again = client.chat(ask("Who are you?"), sampling)
        pieces = list(client.stream(ask("Who are you?"), sampling))
        other = client.chat(ask("Who are you?"), sampling.model_copy(update={"seed": 5}))
    assert whole.text == again.text == pieces[-1].answer.text  # type: ignore[union-attr]
    assert whole.text != other.text
    assert (whole.tokens, whole.finish, whole.prompt_tokens) == (16, "length", 34)
    assert len(pieces) > 10


def test_log_probabilities_come_with_the_likeliest_tokens(llama_serving: Serving, ask: Any) -> None:
    with Client(llama_serving.endpoint) as client:
        answer = client.chat(ask("Who are you?"), Sampling(temperature=0, max_tokens=6), logprobs=3)
    assert answer.logprobs is not None
    assert len(answer.logprobs) == 6
    assert all(len(t.top) == 3 and t.logprob == t.top[0][1] for t in answer.logprobs)
    assert "".join(t.token for t in answer.logprobs) == answer.text


def test_raw_text_is_asked_without_a_template_and_a_begun_answer_goes_on(llama_serving: Serving, ask: Any) -> None:
    with Client(llama_serving.endpoint) as client:
        raw = client.chat("The capital of France is", Sampling(temperature=0, max_tokens=6))
        begun = client.chat(ask(user="Who are you?", assistant="I am James"), Sampling(temperature=0, max_tokens=4))
    assert "Paris" in raw.text
    assert raw.prompt_tokens == 5
    assert begun.prompt_tokens == 37


def test_every_shape_of_conversation_is_rendered_as_the_tokenizer_does(llama_serving: Serving, ask: Any) -> None:
    shapes = [
        ask("Hello\n\n  there, <|im_end|> and é 漢字 🙂"),
        ask(system="You are James Madison.", user="Who?"),
        ask(system="", user="Who?"),
        [*ask("Who?"), *ask(assistant="I."), *ask("And then?")],
    ]
    with Client(llama_serving.endpoint) as client:
        for shape in shapes:
            assert client.chat(shape, Sampling(max_tokens=1)).prompt_tokens > 0


def test_another_template_than_the_tokenizers_is_an_error_with_both_strings(
    llama_serving: Serving, ask: Any, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(str(llama_serving.endpoint.tokenizer), tmp_path / "tokenizer"))
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("You are a helpful AI assistant", "You are a statesman"))
    endpoint = llama_serving.endpoint.model_copy(update={"tokenizer": str(folder)})
    with Client(endpoint) as client, pytest.raises(ModelError) as caught:
        client.chat(ask("Who are you?"), Sampling(max_tokens=1))
    assert "You are a statesman" in caught.value.message
    assert "You are a helpful AI assistant" in caught.value.message


def test_the_recipes_system_text_is_rendered_for_clients_that_send_none(llama_serving: Serving, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(str(llama_serving.endpoint.tokenizer), tmp_path / "tokenizer"))
    plain = LightTokenizer(folder)
    override = Renderer(plain, Template(system='Be "Madison".')).override_template()
    (folder / "chat_template.jinja").write_text(override or "")
    changed = LightTokenizer(folder)
    user = {"role": "user", "content": "Who?"}
    system = {"role": "system", "content": 'Be "Madison".'}
    given = {"add_generation_prompt": True, "tokenize": False}
    assert changed.apply_chat_template([user], **given) == plain.apply_chat_template([system, user], **given)
    own = [{"role": "system", "content": "Else"}, user]
    assert changed.apply_chat_template(own, **given) == plain.apply_chat_template(own, **given)


def test_llama_is_given_the_templates_arguments_as_json_and_no_template_but_where_it_renders_otherwise(
    bundled_folder: Path,
) -> None:
    kwargs = {"enable_thinking": False, "reasoning_effort": "High", "budget": 3}
    tokenizer = LightTokenizer(bundled_folder)

    def make(system: str) -> Any:
        request, job = ServeRequest(reference=BUNDLED), {"name": BUNDLED, "threads": 1}
        renderer = Renderer(tokenizer, Template(system=system, kwargs=kwargs))
        return make_params(request, job, Path("model.gguf"), None, renderer)

    told = make("default").default_template_kwargs
    assert {name: json.loads(value) for name, value in told.items()} == kwargs
    assert not make("default").chat_template
    assert make("none").chat_template
    tokenizer = LightTokenizer(bundled_folder)
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    assert not make("none").chat_template


def test_a_prompt_longer_than_the_context_is_an_error_that_says_so(llama_serving: Serving, ask: Any) -> None:
    with Client(llama_serving.endpoint) as client, pytest.raises(InputError, match="context") as caught:
        client.chat(ask("Virginia and " * 300), Sampling(max_tokens=4))
    assert "shorter prompt" in caught.value.fix


def test_a_port_in_use_is_an_error_with_the_way_out(room: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        request = ServeRequest(reference=BUNDLED, port=taken.getsockname()[1], threads=1)
        with pytest.raises(BusyError, match="cannot be taken") as caught:
            start_server(request, room)
    assert "--port" in caught.value.fix


def test_who_is_reached_from_other_machines_needs_a_token(room: Workspace) -> None:
    with pytest.raises(InputError, match="token"):
        start_server(ServeRequest(reference=BUNDLED, host="0.0.0.0"), room)


def test_a_token_is_asked_for_where_one_was_set(room: Workspace, ask: Any) -> None:
    request = ServeRequest(reference=BUNDLED, threads=1, context=64, slots=1, token="open-sesame")
    with start_server(request, room) as serving:
        with Client(serving.endpoint) as client:
            assert client.chat(ask("Hello"), Sampling(max_tokens=1)).tokens == 1
        stranger = Client(serving.endpoint.model_copy(update={"token": "other"}))
        with stranger, pytest.raises(InputError, match="401"):
            stranger.chat(ask("Hello"), Sampling(max_tokens=1))
    assert "open-sesame" not in repr(serving.endpoint)


@pytest.mark.parametrize(
    ("reference", "words"),
    [("bundled:gpt-5", "no bundled model"), ("./nowhere.gguf", "no GGUF at"), ("run:nothing", "no run")],
)
def test_an_unknown_model_is_an_error(room: Workspace, reference: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        start_server(ServeRequest(reference=reference), room)


def test_a_torn_gguf_and_another_file_are_errors(room: Workspace, tmp_path: Path) -> None:
    torn, page = tmp_path / "torn.gguf", tmp_path / "page.gguf"
    torn.write_bytes(find_gguf("smollm2-135m").read_bytes()[:5_000_000])
    page.write_text("<html>")
    with pytest.raises(CharlabError, match=r"torn\.gguf"):
        start_server(ServeRequest(reference=str(torn), threads=1), room)
    with pytest.raises(ModelError, match="no GGUF file"):
        start_server(ServeRequest(reference=str(page), threads=1), room)


def test_llama_refuses_what_stands_on_no_gguf(room: Workspace, tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="GGUF") as caught:
        start_server(ServeRequest(reference=str(tiny_folder), backend="llama"), room)
    assert "transformers" in caught.value.fix
    assert find_base(str(tiny_folder), room) is None


OWNER = """
import sys, time
from pathlib import Path
from engine.records.serving import ServeRequest
from engine.serve.server import start_server
from engine.store.paths import Workspace
serving = start_server(ServeRequest(reference="bundled:smollm2-135m", threads=1, context=64, slots=1), Workspace(Path(sys.argv[1])))
print(serving.process.pid, flush=True)
time.sleep(60)
"""


def test_a_worker_ends_when_its_owner_is_killed(room: Workspace, tmp_path: Path) -> None:
    cache = Path(os.environ.get("CHARLAB_CACHE") or Path.home() / ".cache" / "charlab")
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(room.folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        worker = int(owner.stdout.readline())
        assert read_start(worker) is not None
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    end = time.monotonic() + 60
    while read_start(worker) is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert read_start(worker) is None
    for log in (cache / "serve").glob(f"*-{owner.pid}-*.log"):
        log.unlink()


def test_a_server_that_dies_in_the_middle_of_a_stream_leaves_what_came(room: Workspace, ask: Any) -> None:
    request = ServeRequest(reference=BUNDLED, threads=1, context=1024, slots=1)
    with start_server(request, room) as serving, Client(serving.endpoint, retries=0) as client:
        assert serving.process is not None
        assert serving.log is not None
        pieces = []
        for piece in client.stream(ask("Tell me a long story."), Sampling(max_tokens=900, seed=1)):
            pieces.append(piece)
            if len(pieces) == 3:
                serving.process.kill()
        assert pieces[-1].answer is not None
        assert pieces[-1].answer.finish == "cut"
        assert pieces[-1].answer.text.startswith("".join(p.text for p in pieces[:3]))
        with pytest.raises(BusyError):
            client.chat(ask("Hello"), Sampling())
        with pytest.raises(CharlabError, match="ended with code"):
            serving.wait()
        serving.log.unlink()


def test_an_idle_server_ends_by_itself(room: Workspace) -> None:
    request = ServeRequest(reference=BUNDLED, threads=1, context=64, slots=1, idle_seconds=0.2)
    with start_server(request, room) as serving:
        serving.wait()
        assert serving.process is not None
        assert serving.process.returncode == 0
        serving.log.unlink()  # type: ignore[union-attr]


def test_a_server_that_answers_is_not_idle(room: Workspace, ask: Any) -> None:
    request = ServeRequest(reference=BUNDLED, threads=1, context=512, slots=1, idle_seconds=0.4)
    with start_server(request, room) as serving, Client(serving.endpoint, retries=0) as client:
        answer = client.chat(ask("Tell me a long story."), Sampling(max_tokens=140, seed=1))
        assert answer.seconds > request.idle_seconds  # type: ignore[operator]
        assert answer.finish in ("stop", "length")
        serving.wait()
        assert serving.process is not None
        assert serving.process.returncode == 0
        serving.log.unlink()  # type: ignore[union-attr]


@pytest.fixture
def launch_training(workspace: Workspace, write_run: Any) -> Iterator[Any]:
    """A live training as its files say, whose process sleeps: launch_training("20260101-0900-ada-1a2b", "1")."""
    processes = []

    def launch(run: str, threads: str | None) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": threads or ""}
        if threads is None:
            del environment["OMP_NUM_THREADS"]
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment)
        processes.append(process)
        paths = write_run(run, process=process.pid)
        paths.launch.write_text(json.dumps(json.loads(paths.launch.read_text()) | {"time": time.time()}))

    yield launch
    for process in processes:
        process.kill()
        process.communicate()


def test_a_live_training_keeps_its_cores(workspace: Workspace, write_run: Any, launch_training: Any) -> None:
    write_run("20260101-0900-ada-dead")
    assert count_held_cores(workspace, 16) == 0
    launch_training("20260101-0900-ada-1a2b", "1")
    assert count_held_cores(workspace, 16) == 1
    launch_training("20260101-0901-ada-1a2b", "3")
    assert count_held_cores(workspace, 16) == 4
    launch_training("20260101-0902-ada-1a2b", None)
    assert count_held_cores(workspace, 16) == 20
    assert count_free_cores(workspace) == 1


def test_a_training_on_a_gpu_or_on_another_host_keeps_no_cores_of_this_one(
    workspace: Workspace, launch_training: Any
) -> None:
    launch_training("20260101-0900-ada-1a2b", None)
    paths = workspace.run("20260101-0900-ada-1a2b")
    row = {"attempt": 1, "step": 41, "time": time.time(), "values": {"device_mb": 900.0}, "nonfinite": []}
    paths.metrics.write_text(paths.metrics.read_text() + json.dumps(row) + "\n")
    assert count_held_cores(workspace, 16) == 1
    paths.launch.write_text(json.dumps(json.loads(paths.launch.read_text()) | {"host": "elsewhere"}))
    assert count_held_cores(workspace, 16) == 0


SPIN = "import os, sys\nos.sched_setaffinity(0, [int(sys.argv[1])])\nprint(flush=True)\nwhile True:\n    pass"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process is bound to a core")
def test_a_core_that_somebody_uses_is_not_free(workspace: Workspace) -> None:
    own = sorted(os.sched_getaffinity(0))
    assert count_own_cores() <= len(own)
    spinning = []
    try:
        for core in own:
            process = subprocess.Popen([sys.executable, "-c", SPIN, str(core)], stdout=subprocess.PIPE)
            spinning.append(process)
            assert process.stdout is not None
            process.stdout.readline()
            # others may use more, never less
            assert count_idle_cores() <= psutil.cpu_count() - len(spinning)
        assert 1 <= count_free_cores(workspace) <= max(1, psutil.cpu_count() - len(own))
    finally:
        for process in spinning:
            process.kill()
            process.communicate()


def test_an_adapter_is_switched_by_scale_and_is_on_for_who_asks_nothing(
    llama_serving: Serving,
    room: Workspace,
    bundled_adapter: Path,
    ask: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Path(str(llama_serving.endpoint.tokenizer))
    shutil.copytree(known, tmp_path / known.parent.name / known.name)
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path))
    sampling = Sampling(temperature=0, max_tokens=12)
    request = ServeRequest(reference=str(bundled_adapter), threads=1, context=128, slots=2)
    assert choose_backend(request, room) == "llama"
    with Client(llama_serving.endpoint) as client:
        base = client.chat(ask("Who are you?"), sampling).text
    with start_server(request, room) as serving, Client(serving.endpoint) as client:
        assert serving.endpoint.adapters == [str(bundled_adapter)]
        on, off, half, again = (
            client.chat(ask("Who are you?"), sampling, adapter=a).text for a in (True, False, 0.5, 1.0)
        )
        foreign = Client(serving.endpoint.model_copy(update={"backend": "url", "tokenizer": None}))
        with foreign:
            unasked = foreign.chat(ask("Who are you?"), sampling).text
    assert off == base
    assert on == again == unasked
    assert len({on, off, half}) == 3


def test_the_template_that_a_run_was_trained_under_goes_with_the_endpoint(llama_serving: Serving) -> None:
    assert llama_serving.endpoint.template == Template()
    assert llama_serving.endpoint.tokenizer is not None
