"""From a model and probes to a probe run: whose probes are asked, what is written down, what is refused before it starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.read import hash_file, read_probes
from engine.data.spot import save_probe
from engine.errors import DatasetError, InputError, ModelError, StoreError
from engine.models.subject import describe_subject, find_character_of
from engine.probe.start import ProbeRequest, write_probe_run
from engine.probe.variants import INTERVIEW
from engine.records.dataset import Message
from engine.records.run import Subject
from engine.records.serving import Sampling
from engine.store.index import summarise_run
from engine.store.paths import Workspace
from engine.store.runs import open_probe_run

URL = "http://127.0.0.1:9/v1#parrot"
PROBES = [
    {"id": "who", "messages": [{"role": "user", "content": "Who are you?"}]},
    {"id": "two words\n", "messages": [{"role": "user", "content": "And whence?"}]},
]


@pytest.fixture
def ada(write_dataset: Callable[..., Any], pair: Callable[..., Any]) -> Any:
    """A second character with two probes, beside Madison."""
    return write_dataset("ada", [pair(n) for n in range(3)], PROBES)


def test_a_run_says_all_it_was_asked_for_and_has_not_begun(workspace: Workspace, ada: Any) -> None:
    sampling = Sampling(temperature=0.5, max_tokens=9, seed=3)
    request = ProbeRequest(URL, "ada", 4, sampling, "", ("chat", "raw"), ("interview",))
    paths = write_probe_run(request, workspace)
    run = open_probe_run(paths)
    assert (run.id, run.name, run.kind, run.samples, run.system) == (paths.id, "ada-probe", "probe", 4, "")
    assert run.subject == Subject(reference=URL)
    assert run.sampling == sampling
    probes = read_probes(paths.probes)
    assert [p.id for p in probes] == [
        "who", "who/raw", "two words\n", "two words\n/raw", "who+interview", "two words\n+interview",
    ]  # fmt: skip
    assert run.steps == 4 * (4 + 2 * (1 + len(INTERVIEW)))
    assert (run.probes.dataset, run.probes.count, run.probes.sha256) == ("ada", 6, hash_file(paths.probes))
    assert json.loads(paths.character.read_text())["name"] == "Ada"
    row = summarise_run(paths)
    assert (row.kind, row.status, row.step, row.steps) == ("probe", "draft", 0, run.steps)
    assert (row.objective, row.base, row.dataset, row.problem) == ("probe", URL, "ada", "")


def test_without_a_seed_one_is_drawn_and_written_down(workspace: Workspace) -> None:
    seeds = {open_probe_run(write_probe_run(ProbeRequest(URL), workspace)).sampling.seed for _ in range(2)}
    assert len(seeds) == 2
    assert None not in seeds


def test_the_only_character_is_the_default_and_one_of_several_must_be_named(
    workspace: Workspace, ada: Any, write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    with pytest.raises(ModelError, match="says nothing of its character") as refused:
        write_probe_run(ProbeRequest(URL), workspace)
    assert refused.value.fix == "--probes, one of: ada, madison"
    ada.probes.unlink()
    write_dataset("bare", [pair(1)])
    (workspace.datasets / "notes.txt").touch()
    save_probe(workspace, "madison", [Message(role="user", content="Who keeps your bees?")], {})
    assert workspace.dataset("madison-spot").probes.is_file()
    assert open_probe_run(write_probe_run(ProbeRequest(URL), workspace)).probes.dataset == "madison"


def test_a_trained_model_is_measured_by_the_character_of_its_run(
    workspace: Workspace, ada: Any, write_run: Callable[..., Any]
) -> None:
    recipe = {"name": "x", "base": "b", "dataset": "ada", "objective": "orpo", "seed": 1}
    paths = write_run("20260101-0900-x-1a2b", recipe=recipe)
    assert find_character_of(Subject(reference="run:x", run=paths.id), workspace) == "ada"
    with pytest.raises(ModelError, match="says nothing of its character"):
        find_character_of(Subject(reference="/copied/here", run="20260101-0900-elsewhere-1a2b"), workspace)


@pytest.mark.parametrize(
    ("request_", "error", "said", "way_out"),
    [
        (ProbeRequest(URL, "nobody"), DatasetError, "no dataset 'nobody'", "one of: madison"),
        (ProbeRequest("bundled:nope"), ModelError, "no bundled model 'nope'", "bundled:smollm2-135m"),
        (ProbeRequest("http://127.0.0.1:9"), ModelError, "does not end in /v1", "http://127.0.0.1:9/v1#MODEL"),
        (ProbeRequest("http://127.0.0.1:9/v1"), ModelError, "names no model", "#MODEL"),
        (ProbeRequest("./nowhere"), ModelError, "no such folder", "from the workspace's folder"),
        (ProbeRequest("run:nowhere"), StoreError, "no run 'nowhere'", "charlab runs"),
    ],
    ids=lambda value: value.model if isinstance(value, ProbeRequest) else None,
)
def test_what_is_wrong_is_told_with_a_way_out_and_leaves_no_run(
    workspace: Workspace, request_: ProbeRequest, error: type[Exception], said: str, way_out: str
) -> None:
    with pytest.raises(error, match=said) as refused:
        write_probe_run(request_, workspace)
    assert way_out in refused.value.fix  # type: ignore[attr-defined]
    assert workspace.run_names() == []


def test_a_password_in_a_url_is_not_written_down_nor_repeated(workspace: Workspace) -> None:
    with pytest.raises(InputError) as refused:
        write_probe_run(ProbeRequest("http://ada:open-sesame@127.0.0.1:9/v1#parrot"), workspace)
    assert "open-sesame" not in str(refused.value) + refused.value.fix
    assert workspace.run_names() == []


def test_a_dataset_without_probes_or_with_clashing_ones_is_refused(workspace: Workspace, ada: Any) -> None:
    ada.probes.write_text("".join(json.dumps({**PROBES[0], "id": name}) + "\n" for name in ("who", "who/raw")))
    with pytest.raises(InputError, match="two probes are called 'who/raw'"):
        write_probe_run(ProbeRequest(URL, "ada", formats=("chat", "raw")), workspace)
    ada.probes.unlink()
    with pytest.raises(DatasetError, match=r"probes\.jsonl is missing"):
        write_probe_run(ProbeRequest(URL, "ada"), workspace)
    assert workspace.run_names() == []


def test_a_format_or_an_attack_that_is_named_twice_is_asked_once(workspace: Workspace, ada: Any) -> None:
    request = ProbeRequest(URL, "ada", 2, formats=("raw", "raw"), attacks=("prefill", "prefill"))
    run = open_probe_run(write_probe_run(request, workspace))
    assert (run.probes.count, run.steps) == (4, 8)


def test_probes_keep_a_format_a_beginning_and_turns_of_their_own(workspace: Workspace, ada: Any) -> None:
    own = {**PROBES[0], "format": "instruction", "begin": "Well,", "turns": ["And?", "So?"]}
    ada.probes.write_text(json.dumps(own) + "\n")
    paths = write_probe_run(ProbeRequest(URL, "ada", 3), workspace)
    (probe,) = read_probes(paths.probes)
    assert (probe.format, probe.begin, probe.turns) == ("instruction", "Well,", ["And?", "So?"])
    assert open_probe_run(paths).steps == 9


def test_a_run_that_trained_nothing_is_no_model(workspace: Workspace, write_run: Callable[..., Any]) -> None:
    paths = write_probe_run(ProbeRequest(URL), workspace)
    with pytest.raises(StoreError, match="is of kind probe, and this is about training runs"):
        describe_subject(f"run:{paths.id}", workspace)
    with pytest.raises(StoreError, match="is of kind probe"):
        describe_subject(f"run:{paths.id}@best", workspace)
    trained = write_run("20260101-0900-x-1a2b")
    with pytest.raises(ModelError, match="has no complete checkpoint"):
        describe_subject(f"run:{trained.id}", workspace)


def test_an_adapter_from_elsewhere_is_told_by_its_weights(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "bundled:smollm2-135m"}')
    with pytest.raises(ModelError, match="no adapter weights"):
        describe_subject(str(folder), workspace)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    subject = describe_subject(str(folder), workspace)
    assert (subject.base, subject.run, subject.step) == ("bundled:smollm2-135m", None, None)
    assert subject.adapter_sha256 == hash_file(folder / "adapter_model.safetensors")
