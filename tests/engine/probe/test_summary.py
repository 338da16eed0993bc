"""A probe run in figures: every rate is the one that counting its rows by hand gives, whatever else lies in its files."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from console.probing import describe_probing
from engine.data.read import read_probes
from engine.probe.start import ProbeRequest, write_probe_run
from engine.probe.summary import summarise_probing
from engine.stats.intervals import wilson
from engine.store.paths import RunPaths, Workspace

MODES = [None, "claims-ai", "names-maker", "assistant-refusal"]
Lines = Callable[[list[dict[str, Any]]], str]


@pytest.fixture
def paths(workspace: Workspace) -> RunPaths:
    """A run of Madison's probes, interviews among them, that has not begun."""
    return write_probe_run(ProbeRequest("http://127.0.0.1:9/v1#parrot", samples=6, attacks=("interview",)), workspace)


def draw_rows(paths: RunPaths, seed: int, share: float = 1.0) -> list[dict[str, Any]]:
    """Answers as a worker would write them, a random `share` of the conversations to random depth."""
    chance = random.Random(seed)
    rows = []
    for probe in read_probes(paths.probes):
        for index in range(6):
            depth = chance.randint(1, 1 + len(probe.turns)) if chance.random() <= share else 0
            for turn in range(depth):
                row: dict[str, Any] = {
                    "attempt": 1 + turn % 2, "step": 0, "time": 100.0 + len(rows), "probe": probe.id, "index": index,
                    "turn": turn, "seed": 1, "text": chance.choice(["Sir.", "", "<think>and so"]),
                    "tokens": chance.randint(0, 9), "truncated": chance.random() < 0.3,
                    "breaks": chance.choice(MODES), "span": None, "in_character": chance.random() < 0.5,
                    "level": chance.randint(0, 4),
                }  # fmt: skip
                row["judged_from"] = len(row["text"]) if row["text"].startswith("<think>") else 0
                rows.append(row)
    return rows


def check_rates(found: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Against counting by hand."""
    broken = [row["breaks"] for row in rows if row["breaks"]]
    assert {key: found[key] for key in ("breaks", "n", "rate", "ci")} == wilson(len(broken), len(rows)).to_json(
        "breaks"
    )
    inside = len([row for row in rows if row["in_character"]])
    assert found["in_character_rate"] == wilson(inside, len(rows)).to_json("in_character")
    assert found["modes"] == {mode: broken.count(mode) for mode in set(broken)}
    assert found["levels"] == [len([row for row in rows if row["level"] == level]) for level in range(5)]
    assert found["truncated"] == len([row for row in rows if row["truncated"]])
    assert found["empty"] == len([row for row in rows if row["text"] != "Sir."])


@pytest.mark.parametrize("seed", range(4))
def test_every_rate_is_what_counting_the_rows_gives(paths: RunPaths, lines: Lines, seed: int) -> None:
    rows = draw_rows(paths, seed, share=0.7)
    paths.samples.write_text(lines(rows))
    found = summarise_probing(paths)
    check_rates(found["overall"], rows)
    probes = {p.id: p for p in read_probes(paths.probes)}
    assert list(found["probes"]) == list(probes)
    for name, of_probe in found["probes"].items():
        answers = [row for row in rows if row["probe"] == name]
        check_rates(of_probe, answers)
        for turn in of_probe.get("turns", []):
            check_rates(turn, [row for row in answers if row["turn"] == turn["turn"] - 1])
    talks = [row for row in rows if probes[row["probe"]].turns]
    assert [turn["turn"] for turn in found["turns"]] == sorted({row["turn"] + 1 for row in talks})
    for turn in found["turns"]:
        check_rates(turn, [row for row in talks if row["turn"] == turn["turn"] - 1])
    assert (found["step"], found["tokens"]) == (len(rows), sum(row["tokens"] for row in rows))
    assert found["skipped"] == 0


def test_a_run_that_has_not_begun_has_no_rates_and_all_its_probes(paths: RunPaths) -> None:
    found = summarise_probing(paths)
    assert (found["status"], found["step"], found["seconds"], found["error"]) == ("draft", 0, 0.0, None)
    assert found["overall"]["rate"] is None
    assert found["turns"] == []
    assert len(found["probes"]) == 20
    assert describe_probing(found)[0] == "http://127.0.0.1:9/v1#parrot: draft, 0/540 answers"


def test_rows_that_no_worker_wrote_change_nothing(paths: RunPaths, lines: Lines) -> None:
    rows = draw_rows(paths, 1)
    paths.samples.write_text(lines(rows))
    before = summarise_probing(paths)
    strange = [
        {}, {"probe": "biography"}, {**rows[0], "probe": "\x1b[31mstranger"}, {**rows[0], "index": 99},
        {**rows[0], "text": None}, {**rows[0], "breaks": ["claims-ai"]}, {**rows[0], "extra": 1}, rows[0],
        {**rows[0], "time": "now"}, {**rows[0], "in_character": 7},
    ]  # fmt: skip
    with open(paths.samples, "ab") as file:
        file.write(lines(strange).encode() + b'[1, 2]\nnull\n\xff\xfe\n\n{"torn": ')
    paths.events.write_text('{}\n[]\n{"kind": "failed"}\n{"kind": ["started"], "data": 1}\n')
    after = summarise_probing(paths)
    assert after["skipped"] == len(strange)
    assert {**after, "skipped": 0} == before
    shown = "\n".join(describe_probing(after))
    assert "10 rows that answer none of its questions left out" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("data", [{}, {"nature": 5, "rendered": [], "device": {"a": 1}}, {"nature": {"follows": {}}}])
def test_what_the_started_event_says_amiss_is_not_shown(paths: RunPaths, lines: Lines, data: dict[str, Any]) -> None:
    paths.events.write_text(lines([{"attempt": 1, "time": 5.0, "kind": "started", "step": 0, "data": data}]))
    found = summarise_probing(paths)
    assert (found["nature"], found["template"]) == (None, None)
    assert not any("the base:" in line for line in describe_probing(found))


def test_the_time_between_attempts_is_not_counted(paths: RunPaths, lines: Lines) -> None:
    def event(attempt: int, time: float, kind: str, **more: Any) -> dict[str, Any]:
        return {"attempt": attempt, "time": time, "kind": kind, "step": 0, **more}

    told = [event(1, 100, "started"), event(1, 110, "failed", message="no disk", fix="free some")]
    paths.events.write_text(lines(told))
    found = summarise_probing(paths)
    assert (found["seconds"], found["error"]) == (10.0, {"message": "no disk", "fix": "free some"})
    assert "  no disk; try: free some" in describe_probing(found)
    paths.events.write_text(lines([*told, event(2, 9000, "started"), event(2, 9005, "finished")]))
    # an attempt that died told nothing of its end, so its last answer does
    late = {**draw_rows(paths, 1)[0], "attempt": 3}
    paths.samples.write_text(lines([{**late, "time": 20_000.0}, {**late, "time": 20_002.0, "index": 1}]))
    found = summarise_probing(paths)
    assert (found["seconds"], found["error"]) == (17.0, None)


def test_a_name_of_many_lines_is_shown_on_one(workspace: Workspace, write_dataset: Any, pair: Any) -> None:
    probe = {"id": "two\nlines and\x1b[2J spaces", "messages": [{"role": "user", "content": "Who are you?"}]}
    write_dataset("ada", [pair(1)], [probe])
    found = summarise_probing(write_probe_run(ProbeRequest("http://127.0.0.1:9/v1#x", "ada"), workspace))
    assert list(found["probes"]) == [probe["id"]]
    shown = describe_probing(found)
    assert all("\n" not in line and "\x1b" not in line for line in shown)
    assert any("spaces" in line for line in shown)


def test_thousands_of_answers_are_counted(paths: RunPaths, lines: Lines) -> None:
    record = json.loads(paths.run.read_text())
    paths.run.write_text(json.dumps({**record, "samples": 400}))
    first = read_probes(paths.probes)[0].id
    row = draw_rows(paths, 1)[0]
    rows = [{**row, "probe": first, "index": n, "breaks": "claims-ai" if n % 4 == 0 else None} for n in range(400)]
    paths.samples.write_text(lines(list(reversed(rows)) * 10))
    found = summarise_probing(paths)
    assert found["probes"][first]["breaks"] == 100
    assert (found["overall"]["n"], found["skipped"]) == (400, 3600)
