"""OpenAI's own client against `charlab serve`, started as a command."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import openai
import psutil
import pytest

from engine.records.dataset import Message
from engine.records.serving import Endpoint, Sampling
from engine.serve.client import Client
from engine.store.paths import cache_folder

ROOT = Path(__file__).resolve().parents[3]
BUNDLED = "bundled:smollm2-135m"
TOKEN = "open-sesame"
ASKED: Any = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY: Any = {"model": BUNDLED, "messages": ASKED, "temperature": 0, "max_tokens": 16}


class Command(NamedTuple):
    process: subprocess.Popen[str]
    endpoint: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    folder = tmp_path_factory.mktemp("serving")
    for name in ("runs", "datasets"):
        (folder / name).mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "serve", BUNDLED, "--token", TOKEN, "--json"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    text = process.stdout.readline()
    while text and not _is_whole(text) and (line := process.stdout.readline()):
        text += line
    yield Command(process, json.loads(text), folder)
    process.terminate()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def _is_whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.fixture
def client(command: Command) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=command.endpoint["url"], api_key=TOKEN, max_retries=0) as client:
        yield client


def test_the_client_finds_the_model_and_is_answered_as_our_own_is(client: openai.OpenAI, command: Command) -> None:
    assert [model.id for model in client.models.list()] == [BUNDLED]
    answer = client.chat.completions.create(**GREEDY)
    with Client(Endpoint.model_validate(command.endpoint)) as own:
        same = own.chat([Message.model_validate(m) for m in ASKED], Sampling(temperature=0, max_tokens=16))
    assert answer.choices[0].message.content == same.text
    assert answer.choices[0].finish_reason == same.finish
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (same.prompt_tokens, same.tokens)
    assert same.tokens > 1


def test_a_stream_adds_up_to_the_whole_answer(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(**GREEDY)
    stream = client.chat.completions.create(**GREEDY, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    pieces = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_log_probabilities_come_with_the_likeliest_tokens(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**{**GREEDY, "max_tokens": 4}, logprobs=True, top_logprobs=5)
    assert answer.choices[0].logprobs is not None
    tokens = answer.choices[0].logprobs.content
    assert tokens is not None
    assert len(tokens) == 4
    for token in tokens:
        assert [t.logprob for t in token.top_logprobs] == sorted((t.logprob for t in token.top_logprobs), reverse=True)
        assert len(token.top_logprobs) == 5
        assert token.token == token.top_logprobs[0].token
        assert token.logprob <= 0


def test_another_token_is_refused(command: Command) -> None:
    with (
        openai.OpenAI(base_url=command.endpoint["url"], api_key="other", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(**GREEDY)


def find_processes(folder: Path) -> list[psutil.Process]:
    """Those that work in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_killed_command_leaves_no_process(tmp_path: Path) -> None:
    for name in ("runs", "datasets"):
        (tmp_path / name).mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "console", "serve", BUNDLED, "--json"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline()
        assert len(find_processes(tmp_path)) >= 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    end = time.monotonic() + 60
    while find_processes(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert find_processes(tmp_path) == []
    for log in (cache_folder() / "serve").glob(f"*-{process.pid}-*.log"):
        log.unlink()
