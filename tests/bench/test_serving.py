"""The parts that the benchmarks of serving and talking stand on."""

from pathlib import Path

import pytest

from chat import count_shown, shows_typed, stream
from engine.records.dataset import Message
from engine.records.serving import Endpoint, Sampling, ServeRequest
from engine.serve.client import Client
from engine.serve.server import name_url
from screen import Screen
from serving import find_trained, make_jobs, write_body


def show(*lines: str) -> Screen:
    screen = Screen(40, 6)
    screen.feed("\r\n".join(lines).encode())
    return screen


def test_what_llama_cpp_is_asked_directly_is_what_the_client_asks() -> None:
    (job,) = make_jobs(3, 1)
    endpoint = Endpoint(url="http://127.0.0.1:1/v1", model="a", backend="llama", reference="a")
    with Client(endpoint) as client:
        _, body, _ = client._make_request(job.prompt, job.sampling, True, 0)
    assert write_body(job) == {key: value for key, value in body.items() if key != "model"}


def test_every_turn_asks_what_no_other_asked_and_again_the_same() -> None:
    asked = [str(job.prompt) for number in range(3) for job in make_jobs(number, 32)]
    assert len(set(asked)) == 96
    assert make_jobs(2, 4) == make_jobs(2, 4)


def test_the_loopback_server_streams_all_its_tokens_to_the_client() -> None:
    with stream(30, rate=3000) as reference, Client(name_url(ServeRequest(reference=reference))) as client:
        *pieces, last = client.stream([Message(role="user", content="Hello.")], Sampling())
    assert len(pieces) == 30
    assert last.answer is not None
    assert (last.answer.tokens, last.answer.finish) == (30, "stop")
    assert last.answer.text == "".join(piece.text for piece in pieces)


def test_the_field_is_read_apart_from_its_placeholder_and_the_answers() -> None:
    assert shows_typed("ABC", show("  You said THE END", "  you    ABC  "))
    assert not shows_typed("AB", show("  you    ABC"))
    assert shows_typed("", show("  you    enter sends, ctrl+j begins"))
    assert not shows_typed("", show("nothing that is typed into"))


def test_answers_are_counted_by_the_half_that_they_stand_in() -> None:
    left, right = "the lantern was", "it burned"
    assert count_shown(show(left)) == 1
    assert count_shown(show(f"{left:<25}{right}")) == 2
    assert count_shown(show("the sampling and the system prompt")) == 0


def test_a_workspace_without_a_finished_run_has_none_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARLAB_BENCH_RUN", str(tmp_path))
    assert find_trained() is None
    (tmp_path / "runs").mkdir()
    assert find_trained() is None
