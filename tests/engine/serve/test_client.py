"""The one client against real servers on the loopback that misbehave in every way."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BusyError, InputError, ModelError
from engine.records.serving import Endpoint, Sampling
from engine.serve.answers import Answer
from engine.serve.client import Client, Job
from engine.store.journal import Journal, read_rows
from listener import send


def say(text: str, finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}


def event(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n".encode()


def begin_stream(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()


def test_an_answer_is_read_whole(answering: Any, ask: Any) -> None:
    with Client(answering(lambda h: send(h, 200, say("Good day.", "length")))) as client:
        answer = client.chat(ask("Hello"), Sampling())
    assert (answer.text, answer.tokens, answer.prompt_tokens, answer.finish) == ("Good day.", 2, 7, "length")


def test_a_stream_cut_in_the_middle_keeps_what_came(answering: Any, ask: Any) -> None:
    def act(handler: Any) -> None:
        begin_stream(handler)
        handler.wfile.write(event("I am ") + event("James"))

    with Client(answering(act)) as client:
        pieces = list(client.stream(ask("Hello"), Sampling()))
    assert [p.text for p in pieces] == ["I am ", "James", ""]
    answer = pieces[-1].answer
    assert answer is not None
    assert (answer.text, answer.finish, answer.tokens) == ("I am James", "cut", 2)


def test_a_whole_stream_ends_as_the_server_says(answering: Any, ask: Any) -> None:
    def act(handler: Any) -> None:
        begin_stream(handler)
        usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}
        end = f"data: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode()
        handler.wfile.write(event("Yes") + event(None, "stop") + end)

    with Client(answering(act)) as client:
        answer = list(client.stream(ask("Hello"), Sampling()))[-1].answer
    assert answer is not None
    assert (answer.text, answer.finish, answer.tokens, answer.prompt_tokens) == ("Yes", "stop", 3, 5)


def test_a_stream_that_broke_before_its_first_token_is_asked_again(answering: Any, ask: Any) -> None:
    calls: list[int] = []

    def act(handler: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.send_header("Content-Length", "500")
            handler.end_headers()
            return
        begin_stream(handler)
        handler.wfile.write(event("Yes", "stop"))

    with Client(answering(act)) as client:
        answer = list(client.stream(ask("Hello"), Sampling()))[-1].answer
    assert answer is not None
    assert (answer.text, len(calls)) == ("Yes", 2)


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(answering: Any, ask: Any, code: int) -> None:
    calls: list[int] = []

    def act(handler: Any) -> None:
        calls.append(1)
        send(handler, *((code, {"error": {"message": "busy"}}) if len(calls) < 3 else (200, say("Now."))))

    with Client(answering(act)) as client:
        assert client.chat(ask("Hello"), Sampling()).text == "Now."
    assert len(calls) == 3


def test_a_server_that_stays_busy_is_an_error_worth_retrying(answering: Any, ask: Any) -> None:
    endpoint = answering(lambda h: send(h, 429, {"error": {"message": "slow down"}}))
    with Client(endpoint, retries=1) as client, pytest.raises(BusyError, match="slow down"):
        client.chat(ask("Hello"), Sampling())


def test_nobody_there_is_an_error_worth_retrying(ask: Any) -> None:
    endpoint = Endpoint(url="http://127.0.0.1:9/v1", model="x", token=None, backend="url", reference="x")
    with Client(endpoint, retries=0) as client, pytest.raises(BusyError, match="not to be reached"):
        client.chat(ask("Hello"), Sampling())


@pytest.mark.parametrize("code", [200, 404, 502])
def test_a_web_page_is_an_error_that_says_so(answering: Any, ask: Any, code: int) -> None:
    endpoint = answering(lambda h: send(h, code, "<html><title>Welcome</title></html>", "text/html"))
    with Client(endpoint, retries=0) as client:
        with pytest.raises(InputError, match=r"web page.*Welcome"):
            client.chat(ask("Hello"), Sampling())
        with pytest.raises(InputError, match=r"web page.*Welcome"):
            list(client.stream(ask("Hello"), Sampling()))


def test_an_answer_of_another_kind_is_an_error(answering: Any, ask: Any) -> None:
    endpoint = answering(lambda h: send(h, 200, {"result": "hi"}))
    with Client(endpoint) as client, pytest.raises(InputError, match="OpenAI"):
        client.chat(ask("Hello"), Sampling())


def test_what_the_server_refuses_is_told_apart(answering: Any, ask: Any) -> None:
    for code, kind, message in ((401, InputError, "token"), (404, ModelError, "/models"), (400, InputError, "")):
        endpoint = answering(lambda h, c=code: send(h, c, {"error": {"message": "no", "type": "x"}}))
        with Client(endpoint) as client, pytest.raises(kind) as caught:
            client.chat(ask("Hello"), Sampling())
        assert message in caught.value.fix


def job(number: int, adapter: bool | float = True) -> Job:
    return Job(f"job-{number}", f"prompt {number}", Sampling(seed=number), adapter)


def text_of(handler: Any) -> dict[str, Any]:
    return {"choices": [{"text": "done", "finish_reason": "stop"}], "usage": {"completion_tokens": 1}}


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain"])
def test_a_server_that_repeats_the_token_is_told_of_without_it_though_cut_in_its_middle(
    answering: Any, ask: Any, kind: str
) -> None:
    token = "token-very-secret"
    for before in (110, 190, 490):  # of 120, 200 and 500 that are told
        said = "x" * before + token
        answer = {"error": {"message": said}} if "json" in kind else said
        endpoint = answering(lambda h, a=answer: send(h, 401, a, kind)).model_copy(update={"token": token})
        with Client(endpoint) as client, pytest.raises(InputError) as bad:
            client.chat(ask("Hello"), Sampling())
        assert "token-v" not in bad.value.message
        assert "xxx" in bad.value.message


def test_a_batch_that_was_interrupted_does_the_rest(answering: Any, tmp_path: Path) -> None:
    calls: list[int] = []

    def act(handler: Any) -> None:
        calls.append(1)
        send(handler, *((200, text_of(handler)) if len(calls) <= 12 else (400, {"error": {"message": "full"}})))

    journal = Journal(tmp_path / "answers")
    jobs = [job(n) for n in range(30)]

    def take(which: Job, answer: Answer) -> None:
        journal.append({"id": which.id, "text": answer.text})

    with Client(answering(act), in_flight=3) as client, pytest.raises(InputError, match="full"):
        client.run_batch(jobs, take)
    first = {row["id"] for row in read_rows(journal.path)}
    assert len(first) == 12
    with Client(answering(lambda h: send(h, 200, text_of(h))), in_flight=3) as client:
        assert client.run_batch([j for j in jobs if j.id not in first], take) == 18
    journal.close()
    assert sorted(row["id"] for row in read_rows(journal.path)) == sorted(j.id for j in jobs)


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": ["x"]},
        {"choices": [{"message": "hello"}]},
        {"choices": [{"text": "a"}], "usage": "none"},
        {"choices": [{"message": {"content": [{"type": "text", "text": "a"}]}}]},
        '{"a":' * 100_000,
    ],
)
def test_an_answer_of_another_shape_ends_a_batch_and_what_was_in_flight_is_taken(answering: Any, answer: Any) -> None:
    lock, calls = threading.Lock(), [0]

    def act(handler: Any) -> None:
        with lock:
            calls[0] += 1
            first = calls[0] == 1
        if not first:
            time.sleep(0.05)
        send(handler, 200, answer if first else text_of(handler))

    taken: list[str] = []
    with Client(answering(act), in_flight=4) as client, pytest.raises(InputError):
        client.run_batch([job(n) for n in range(4)], lambda j, _: taken.append(j.id))
    assert len(taken) == 3


@pytest.mark.parametrize("text", ["Sir \ud83d", "\udc00!"])
def test_half_an_emoji_can_be_kept(answering: Any, ask: Any, tmp_path: Path, text: str) -> None:
    def act(handler: Any) -> None:
        if not streamed:
            return send(handler, 200, say(text))
        begin_stream(handler)
        handler.wfile.write(event(text, "stop"))

    streamed = False
    journal = Journal(tmp_path / "answers")
    with Client(answering(act)) as client:
        whole = client.chat(ask("Hello"), Sampling()).text
        streamed = True
        pieces = list(client.stream(ask("Hello"), Sampling()))
    journal.append({"text": whole, "streamed": pieces[0].text})
    journal.close()
    kept = text.replace("\ud83d", "\ufffd").replace("\udc00", "\ufffd")
    assert list(read_rows(journal.path)) == [{"text": kept, "streamed": kept}]


def test_a_stream_torn_inside_an_event_keeps_what_came(answering: Any, ask: Any) -> None:
    def act(handler: Any) -> None:
        begin_stream(handler)
        handler.wfile.write(b"data: ping\n\n" + event("I am ") + event("James") + event(" Madison")[:30])

    with Client(answering(act)) as client:
        answer = list(client.stream(ask("Hello"), Sampling()))[-1].answer
    assert answer is not None
    assert (answer.text, answer.finish) == ("I am James", "cut")


def test_a_stream_of_no_json_says_what_came(answering: Any, ask: Any) -> None:
    def act(handler: Any) -> None:
        begin_stream(handler)
        handler.wfile.write(b"data: Welcome\n\n")

    with Client(answering(act)) as client, pytest.raises(InputError, match="no JSON instead of JSON: Welcome"):
        list(client.stream(ask("Hello"), Sampling()))


def test_a_server_that_is_silent_is_not_asked_again(answering: Any, ask: Any) -> None:
    calls: list[int] = []
    over = threading.Event()

    def act(handler: Any) -> None:
        calls.append(1)
        over.wait(10)

    with Client(answering(act), timeout=0.1) as client:
        for ask_it in (client.chat, lambda *a: list(client.stream(*a))):
            with pytest.raises(BusyError, match="did not answer in time"):
                ask_it(ask("Hello"), Sampling())
        end = time.monotonic() + 30
        while len(calls) < 2 and time.monotonic() < end:
            time.sleep(0.01)  # its threads may be slow to begin
        time.sleep(0.2)
    over.set()
    assert len(calls) == 2


def test_a_batch_that_a_server_holds_ends_when_it_is_stopped(answering: Any) -> None:
    over, asked = threading.Event(), threading.Event()

    def act(handler: Any) -> None:
        if asked.is_set():
            over.wait(10)
            return
        asked.set()
        send(handler, 200, text_of(handler))

    def stop() -> None:
        if taken:
            raise KeyError("enough")

    taken: list[str] = []
    with Client(answering(act), in_flight=2) as client, pytest.raises(KeyError, match="enough"):
        client.run_batch([job(n) for n in range(9)], lambda j, _: taken.append(j.id), stop=stop, patience=0.1)
    over.set()
    assert len(taken) == 1


def test_no_more_requests_are_in_flight_than_allowed(answering: Any) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def act(handler: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        send(handler, 200, text_of(handler))

    with Client(answering(act), in_flight=3) as client:
        assert client.run_batch([job(n) for n in range(12)], lambda *_: None) == 12
    assert most == 3


def test_a_batch_gives_each_adapter_scale_its_turn(answering: Any) -> None:
    order: list[float] = []
    with Client(answering(lambda h: send(h, 200, text_of(h))), in_flight=1) as client:
        jobs = [job(n, adapter=n % 2 == 0) for n in range(6)]
        client.run_batch(jobs, lambda j, _: order.append(float(j.adapter)))
    assert order == [0, 0, 0, 1, 1, 1]


def test_the_client_loads_no_torch(root: Path) -> None:
    import subprocess
    import sys

    code = "import sys, engine.serve.client, engine.serve.server; print(','.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.strip().split(",")) & {"torch", "transformers", "numpy", "xllamacpp", "peft"}


@pytest.fixture
def root() -> Path:
    return Path(__file__).resolve().parents[3]
