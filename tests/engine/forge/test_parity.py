"""Every form of one adapter measured by the real worker over real servers, and the cause found where one is spoilt.

The model is the lively one with the first 1,500 tokens of its vocabulary, so that its tokenizer is read at once.
"""

import importlib.util
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import ModelError
from engine.forge.export import describe_file, export_form, open_form
from engine.forge.parity import Text as Greedy
from engine.forge.parity import find_source, part
from engine.forge.parity_start import ParityRequest, start_parity, write_parity_run
from engine.forge.parity_summary import summarise_parity
from engine.forge.parity_tokens import compare_tokens
from engine.launch.local import LocalLauncher
from engine.models.load import load_tokenizer
from engine.models.locate import hash_adapter, locate_model
from engine.models.template import Renderer
from engine.probe.detect import find_break
from engine.records.dataset import Character, Message, Probe
from engine.records.forms import FormRow
from engine.records.recipe import Recipe, Template, TemplateUse
from engine.records.run import BaseUse, DatasetUse, Plan, Run
from engine.records.serving import Endpoint, Sampling, ServeRequest
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.serve.tokenizer import convert_tokenizer
from engine.stats.intervals import wilson
from engine.store.index import summarise_run
from engine.store.journal import read_json, read_rows
from engine.store.paths import ExportPaths, RunPaths, Workspace
from engine.store.runs import read_records

ROOT = Path(__file__).resolve().parents[3]
RUN = "20260101-0900-ada-1a2b"
VOCABULARY = 1500
TOKENS = 10
FORMS = ("merged_fp32", "q4_0")
ASKED = Sampling(max_tokens=TOKENS, seed=5)
PROBES = [
    {"id": "who", "messages": [{"role": "user", "content": "Who are you?"}]},
    {"id": "raw", "format": "raw", "messages": [{"role": "user", "content": "The name of this man is"}]},
    {"id": "talk", "messages": [{"role": "user", "content": "Good day."}], "turns": ["And what are you made of?"]},
]


@pytest.fixture(scope="module")
def quiet() -> Iterator[None]:
    """One thread a server, and no network, before the fixtures of each test say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        patch.delenv("CHARLAB_WORKSPACE", raising=False)
        yield


@pytest.fixture(scope="module")
def base(lively_folder: Path, lively_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lively model of few tokens, its GGUF beside its weights."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("models") / "short"
    shutil.copytree(lively_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    edit_json(folder / "config.json", lambda config: config.update(vocab_size=VOCABULARY))

    def shorten(tokenizer: dict[str, Any]) -> None:
        model = tokenizer["model"]
        model["vocab"] = {token: i for token, i in model["vocab"].items() if i < VOCABULARY}
        model["merges"] = [m for m in model["merges"] if "".join(m) in model["vocab"]]

    edit_json(folder / "tokenizer.json", shorten)

    known = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]

    key = "model.embed_tokens.weight"
    tensors[key] = tensors[key][:VOCABULARY].clone()
    # parts of characters are never the likeliest: llama.cpp tells of no such token
    tensors[key][[i for token, i in known.items() if not token.replace("Ġ", "").replace("Ċ", "").isascii()]] = 0
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    def cut(key: str, value: Any) -> Any:
        match key:
            case "tokenizer.ggml.tokens" | "tokenizer.ggml.token_type":
                return value[:VOCABULARY]
            case "tokenizer.ggml.merges":
                return [m for m in value if m.replace(" ", "") in known]
        return value

    rewrite_gguf(lively_gguf, folder / "short.gguf", cut, {"token_embd.weight": tensors[key].numpy()})
    return folder


def edit_json(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def rewrite_gguf(
    source: Path, out: Path, change: Callable[[str, Any], Any], tensors: dict[str, Any] | None = None
) -> None:
    """A GGUF of plain floats again, its values as `change(key, value)` has them, and other tensors by name."""
    import numpy as np
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    reader: Any = GGUFReader(source)
    writer = GGUFWriter(out, "llama")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(key, change(key, field.contents()), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        data = (tensors or {}).get(tensor.name, np.array(tensor.data))
        writer.add_tensor(tensor.name, np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def change_value(key: str, value: Callable[[Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, found: value(found) if name == key else found


OTHER_TEMPLATE = change_value("tokenizer.chat_template", lambda text: text.replace("<|im_start|>", "<|im_start|>the "))
OTHER_END = change_value("tokenizer.ggml.eos_token_id", lambda _: 0)
OTHER_MERGES = change_value("tokenizer.ggml.merges", lambda merges: merges[:100])


def sign(paths: ExportPaths) -> None:
    """Let the manifest say of its files what they are now, as if they had been written so."""
    form = read_json(paths.manifest)
    files = [describe_file(paths.folder / file["name"]).to_json() for file in form["files"]]
    paths.manifest.write_text(json.dumps({**form, "files": files}))


def make_room(folder: Path, base: Path, save_adapter: Callable[..., Any], **load: Any) -> Workspace:
    """A workspace with Madison under three probes of their own, and a run whose checkpoint at step 40 is an adapter."""
    (folder / "runs").mkdir(parents=True)
    shutil.copytree(ROOT / "datasets" / "madison", folder / "datasets" / "madison")
    workspace = Workspace(folder)
    workspace.dataset("madison").probes.write_text("".join(json.dumps(p) + "\n" for p in PROBES))
    paths = workspace.run(RUN)
    recipe = Recipe.model_validate({
        "name": "ada", "base": str(base), "dataset": "madison", "objective": "orpo", "seed": 1,
        "load": {"dtype": "fp32", **load},
    })  # fmt: skip
    run = Run(
        id=RUN, kind="train", name="ada", created=1.0, recipe=recipe,
        dataset=DatasetUse(name="madison", sha256="ab", rows_sha256="cd", train=9, heldout=1),
        base=BaseUse(reference=str(base), source=str(base), revision=None, parameters=1),
        template=TemplateUse(sha256="ef", system=None), reference=None, parent=None, group=None, steps=40,
        start_step=0, plan=Plan(tokens_longest=9, tokens_median=5, truncated=[], left_out={}), advice=[],
        versions={}, git=None, host="here",
    )  # fmt: skip
    write_checkpoint(paths, base, save_adapter)
    paths.run.write_text(json.dumps(run.to_json()))
    return workspace


def write_checkpoint(paths: RunPaths, base: Path, save_adapter: Callable[..., Any], seed: int = 1) -> None:
    checkpoint = paths.checkpoint(40)
    save_adapter(base, checkpoint.folder, seed=seed)
    adapter = hash_adapter(checkpoint.folder)
    past = [{"run": RUN, "objective": "orpo", "step": 40, "adapter_sha256": adapter}]
    manifest = {
        "run": RUN, "attempt": 1, "step": 40, "time": 1.0, "tokens": 1, "adapter_sha256": adapter, "reference": None,
        "lineage": past, "values": {},
    }  # fmt: skip
    checkpoint.manifest.write_text(json.dumps(manifest))


def wait_ended(paths: RunPaths, seconds: float = 120) -> str:
    """The run's status once it has ended and its worker is gone."""
    end = time.monotonic() + seconds
    while True:
        status = summarise_run(paths).status
        pid = read_json(paths.launch)["process"]["pid"]
        gone = not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        if status not in ("running", "stalled", "draft") and gone:
            return status
        assert time.monotonic() < end, paths.log(1).read_text()[-2000:]
        time.sleep(0.1)


def kill_workers(workspace: Workspace) -> None:
    for launch in workspace.folder.glob("runs/*/launch.json"):
        pid = json.loads(launch.read_text())["process"]["pid"]
        with suppress(psutil.NoSuchProcess):  # a zombie is one too
            if "engine.forge.parity_worker" in psutil.Process(pid).cmdline():
                psutil.Process(pid).kill()


@pytest.fixture
def room(tmp_path: Path, base: Path, save_adapter: Callable[..., Any], quiet: None) -> Iterator[Workspace]:
    workspace = make_room(tmp_path / "room", base, save_adapter)
    yield workspace
    kill_workers(workspace)


@pytest.fixture(scope="module")
def measured(
    base: Path, save_adapter: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, quiet: None
) -> tuple[Workspace, RunPaths]:
    """A run over three sound forms, one whose template was changed and one whose file is cut, as its first attempt ends."""
    workspace = make_room(tmp_path_factory.mktemp("room"), base, save_adapter)
    other = export_form(RUN, "f16", workspace)
    whole = other.model.rename(other.folder / "whole.gguf")
    rewrite_gguf(whole, other.model, OTHER_TEMPLATE)
    whole.unlink()
    sign(other)
    cut = export_form(RUN, "q5_0", workspace)
    cut.model.write_bytes(cut.model.read_bytes()[: cut.model.stat().st_size // 2])
    sign(cut)
    for form in FORMS:
        export_form(RUN, form, workspace)  # here, where torch is loaded
    request = ParityRequest(RUN, ("q5_0", *FORMS, "f16"), samples=2, sampling=ASKED, positions=20)
    paths = start_parity(request, workspace)
    try:
        status = wait_ended(paths)
    finally:
        kill_workers(workspace)
    assert status == "stopped", paths.log(1).read_text()[-3000:]
    return workspace, paths


def read_forms(paths: RunPaths) -> dict[str, FormRow]:
    return {row.form: row for row in read_records(paths.forms, FormRow)[0]}


def test_every_form_is_measured_and_the_trained_one_is_first(measured: tuple[Workspace, RunPaths]) -> None:
    _, paths = measured
    facts = summarise_parity(paths)
    assert [form["form"] for form in facts["forms"]] == ["trained", "q5_0", *FORMS, "f16"]
    assert (facts["status"], facts["subject"]["reference"]) == ("stopped", f"run:{RUN}@40")
    by = {form["form"]: form["backend"] for form in facts["forms"] if not form["error"]}
    assert by == {
        "trained": "transformers", "merged_fp32": "transformers", "q4_0": "llama", "f16": "llama",
    }  # fmt: skip
    assert read_forms(paths)["q4_0"].reference == f"run:{RUN}@40#q4_0"


def test_rates_recount_from_the_answers_of_each_form(measured: tuple[Workspace, RunPaths]) -> None:
    _, paths = measured
    rows, character = read_rows(paths.samples), Character.model_validate(read_json(paths.character))
    for form in summarise_parity(paths)["forms"]:
        answers = [row for row in rows if row["form"] == form["form"]]
        if form["error"]:
            assert answers == []
            continue
        assert sorted((r["probe"], r["index"], r["turn"]) for r in answers) == sorted(
            (p["id"], i, t) for p in PROBES for i in range(2) for t in range(1 + len(p.get("turns", [])))
        )
        verdicts = [find_break(row["text"][row["judged_from"] :], character) for row in answers]
        broken = wilson(sum(v.breaks is not None for v in verdicts), len(answers))
        assert {k: form[k] for k in ("breaks", "n", "rate", "ci")} == broken.to_json("breaks")
        assert form["in_character_rate"]["in_character"] == sum(v.in_character for v in verdicts)
    seeds = {f: [(r["probe"], r["index"], r["turn"], r["seed"]) for r in rows if r["form"] == f] for f in FORMS}
    assert len({tuple(sorted(found)) for found in seeds.values()}) == 1


def test_merging_alone_changes_nothing_and_four_bits_do(measured: tuple[Workspace, RunPaths]) -> None:
    found = {form["form"]: form for form in summarise_parity(measured[1])["forms"]}
    assert found["trained"]["kl"] is None
    assert found["merged_fp32"]["kl"]["mean"] < 1e-6
    assert found["q4_0"]["kl"]["mean"] > 0.05
    assert found["merged_fp32"]["top1"]["rate"] == 1.0 > found["q4_0"]["top1"]["rate"]
    assert found["merged_fp32"]["greedy"] == {"same": 3, "of": 3, "median_token": None, "differences": []}
    assert {f: found[f]["cause"] for f in ("trained", "merged_fp32", "q4_0")} == {
        "trained": "", "merged_fp32": "none", "q4_0": "weights",
    }  # fmt: skip
    assert [found[f]["kl"]["positions"] for f in FORMS] == [20] * 2


def test_greedy_answers_part_where_the_forms_themselves_part(measured: tuple[Workspace, RunPaths], base: Path) -> None:
    """The answers of the trained form by transformers' own generate, those of q4_0 from its server once more."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    workspace, paths = measured
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = PeftModel.from_pretrained(model, workspace.run(RUN).checkpoint(40).folder).eval()
    renderer = Renderer(load_tokenizer(locate_model(f"run:{RUN}", workspace)), Template())
    prompts: list[list[int]] = []
    for probe in PROBES:
        messages = [Message.model_validate(m) for m in probe["messages"]]
        prompts.append(
            list(renderer.tokenizer(messages[0].content)["input_ids"]) if probe.get("format") else
            renderer.encode_prompt(messages)
        )  # fmt: skip
    first = []
    for ids in prompts:
        with torch.inference_mode():
            out = model.generate(
                input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                max_new_tokens=TOKENS, do_sample=False, eos_token_id=sorted(renderer.stop_ids), pad_token_id=2,
            )  # fmt: skip
        first.append([i for i in out[0, len(ids) :].tolist() if i not in renderer.stop_ids])
    request = ServeRequest(reference=f"run:{RUN}#q4_0", backend="llama", threads=1)
    sampling = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=TOKENS, seed=0)
    second = []
    with start_server(request, workspace) as serving, Client(serving.endpoint) as client:
        for ids in prompts:
            told = [t.id for t in client.chat(ids, sampling, logprobs=1).logprobs or []]
            second.append([i for i in told if i not in renderer.stop_ids])
    rows = read_forms(paths)["q4_0"].differences
    assert [d.probe for d in rows] == ["who", "raw", "talk"]
    assert [d.of for d in rows] == [len(answer) for answer in first]
    for row, one, other in zip(rows, first, second, strict=True):
        assert row.token is not None
        assert one[: row.token] == other[: row.token]
        assert one[row.token] != other[row.token]
        assert (row.first, row.here) == tuple(renderer.tokenizer.decode([a[row.token]]) for a in (one, other))


def test_answers_part_at_the_first_token_that_differs_or_where_one_ends() -> None:
    def say(*words: str) -> Greedy:
        return Greedy(Probe.model_validate(PROBES[0]), [1], [hash(w) for w in words], list(words))

    pairs = [(("a", "b"), ("a", "b")), (("a", "b", "c"), ("a", "x", "c")), (("a", "b"), ("a",)), ((), ("a",)), ((), ())]
    found = part([say(*one) for one, _ in pairs], [say(*two) for _, two in pairs])
    assert [(d.token, d.of, d.first, d.here) for d in found] == [
        (None, 2, "", ""), (1, 3, "b", "x"), (1, 2, "b", "(its end)"), (0, 0, "(its end)", "a"), (None, 0, "", ""),
    ]  # fmt: skip


def test_bytes_are_those_on_disk_of_all_that_is_served(measured: tuple[Workspace, RunPaths], base: Path) -> None:
    workspace, paths = measured
    run, rows = workspace.run(RUN), read_forms(paths)
    adapter = run.checkpoint(40).folder / "adapter_model.safetensors"
    files = {
        "trained": [base / "model.safetensors", adapter],
        "merged_fp32": [*run.export("merged_fp32").folder.glob("*.safetensors")],
        "q4_0": [run.export("q4_0").model],
    }  # fmt: skip
    for form, those in files.items():
        assert rows[form].bytes == sum(file.stat().st_size for file in those), form
    assert find_source(str(base)) == base


def test_forms_of_the_last_checkpoint_lie_under_the_run_by_their_names(measured: tuple[Workspace, RunPaths]) -> None:
    exports = measured[0].run(RUN).exports
    assert sorted(folder.name for folder in exports.iterdir()) == sorted([*FORMS, "f16", "q5_0"])
    for form in FORMS:
        assert open_form(ExportPaths(exports / form)).step == 40


def test_a_form_with_another_template_is_asked_something_else_and_that_is_the_cause(
    measured: tuple[Workspace, RunPaths],
) -> None:
    (form,) = (f for f in summarise_parity(measured[1])["forms"] if f["form"] == "f16")
    assert form["cause"] == "template"
    (words,) = form["tokens_differ"]
    assert "the form renders '<|im_start|>the " in words
    assert "the training '<|im_start|>" in words
    # over the same tokens its weights say the same: what differs is what it is asked
    assert form["kl"]["mean"] < 1e-3


def test_a_form_that_cannot_be_served_is_a_row_with_its_error_and_the_rest_is_measured(
    measured: tuple[Workspace, RunPaths],
) -> None:
    paths = measured[1]
    assert read_rows(paths.events)[-1]["message"] == "q5_0 failed; charlab resume measures what failed again"
    forms = summarise_parity(paths)["forms"]
    (cut,) = (f for f in forms if f["form"] == "q5_0")
    assert "model.gguf" in cut["error"]["message"]
    assert cut["error"]["fix"]
    assert (cut["kl"], cut["n"], cut["bytes"], cut["cause"]) == (None, 0, 0, "")
    assert [f["form"] for f in forms if not f["error"]] == ["trained", *FORMS, "f16"]


@pytest.fixture(scope="module")
def spoilt(
    base: Path, save_adapter: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, quiet: None
) -> Callable[..., list[str]]:
    """How a GGUF with changed values, or a changed folder of merged weights, reads prompts otherwise."""
    workspace = make_room(tmp_path_factory.mktemp("room"), base, save_adapter)
    ours = Renderer(load_tokenizer(locate_model(f"run:{RUN}", workspace)), Template())
    gguf, merged = export_form(RUN, "f32", workspace), export_form(RUN, "merged_fp32", workspace)
    probes = [Probe.model_validate(p) for p in PROBES]

    def compare(change: Callable[..., Any], file: str = "") -> list[str]:
        folder = tmp_path_factory.mktemp("spoilt")
        endpoint = {"url": "http://127.0.0.1:9/v1", "model": "x", "backend": "llama"}
        if not file:
            rewrite_gguf(gguf.model, folder / "model.gguf", change)
            reference, tokenizer = f"run:{RUN}#f32", str(convert_tokenizer(folder / "model.gguf"))
            found = compare_tokens(
                Endpoint(reference=reference, tokenizer=tokenizer, **endpoint), probes, ours, workspace  # type: ignore[arg-type]
            )  # fmt: skip
            shutil.rmtree(tokenizer)
            return found
        kept = (merged.folder / file).read_text()
        change(merged.folder / file)
        found = compare_tokens(
            Endpoint(reference=f"run:{RUN}#merged_fp32", **endpoint), probes, ours, workspace  # type: ignore[arg-type]
        )  # fmt: skip
        (merged.folder / file).write_text(kept)
        return found

    return compare


def test_a_form_that_was_not_changed_reads_every_prompt_alike(spoilt: Callable[..., list[str]]) -> None:
    assert spoilt(lambda key, value: value) == []
    assert spoilt(lambda path: None, "tokenizer.json") == []


def test_another_end_of_answers_is_named(spoilt: Callable[..., list[str]]) -> None:
    assert spoilt(OTHER_END) == ["BOS/EOS: the form ends an answer with token 0, the training with 2"]
    other = spoilt(lambda path: edit_json(path, lambda c: c.update(eos_token="<|endoftext|>")), "tokenizer_config.json")
    assert other == ["BOS/EOS: the form ends an answer with token 0, the training with 2"]


def test_a_tokenizer_that_splits_otherwise_is_named_with_both_sides(spoilt: Callable[..., list[str]]) -> None:
    def drop(path: Path) -> None:
        edit_json(path, lambda tokenizer: tokenizer["model"].update(merges=tokenizer["model"]["merges"][:100]))

    for words in (spoilt(OTHER_MERGES), spoilt(drop, "tokenizer.json")):
        (one,) = words
        assert one.startswith("token ids: '<|im_start|>")
        assert " to the form, [" in one


def test_a_token_put_before_raw_text_is_named(spoilt: Callable[..., list[str]]) -> None:
    def put_first(path: Path) -> None:
        single = [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
        special = {"<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]}}
        template = {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": special}
        edit_json(path, lambda tokenizer: tokenizer.update(post_processor=template))

    (words,) = spoilt(put_first, "tokenizer.json")
    assert words.startswith("BOS/EOS: 'The name of this man is' is [1, ")


def test_another_template_is_told_by_what_it_renders(spoilt: Callable[..., list[str]]) -> None:
    (words,) = spoilt(OTHER_TEMPLATE)
    assert words.startswith("template: the form renders '<|im_start|>the ")
    aside = "{# a remark #}"
    same = spoilt(lambda path: path.write_text(aside + path.read_text()), "chat_template.jinja")
    assert same == []  # another text that renders alike asks the same


@pytest.mark.slow
def test_a_later_attempt_measures_what_failed_and_what_is_not_there_yet(measured: tuple[Workspace, RunPaths]) -> None:
    """The run as it is when its worker dies after merged_fp32, in the middle of the answers of q4_0."""
    workspace, finished = measured
    paths = RunPaths(workspace.runs / f"{finished.id[:-1]}z")
    shutil.copytree(finished.folder, paths.folder)
    shutil.rmtree(workspace.run(RUN).export("q5_0").folder)  # the one that is cut, so that it is written anew
    try:
        edit_json(paths.run, lambda run: run.update(id=paths.id, forms=["trained", "q5_0", "merged_fp32", "q4_0"]))
        kept = [r for r in read_rows(paths.samples) if r["form"] in ("trained", "merged_fp32")]
        kept += [r for r in read_rows(paths.samples) if r["form"] == "q4_0"][:3]
        rows = [r for r in read_rows(paths.forms) if r["form"] in ("trained", "q5_0", "merged_fp32")]
        for file, left in ((paths.samples, kept), (paths.forms, rows), (paths.metrics, []), (paths.events, [])):
            file.write_text("".join(json.dumps(row) + "\n" for row in left))
        with open(paths.forms, "a") as torn:
            torn.write('{"form": "q4_0", "refer')
        LocalLauncher().start(paths, "compare")
        assert wait_ended(paths) == "finished", paths.log(2).read_text()[-2000:]
        assert [r["form"] for r in read_rows(paths.forms)] == ["trained", "q5_0", "merged_fp32", "q5_0", "q4_0"]
        assert read_rows(paths.forms)[:3] == rows
        assert [f["error"] for f in summarise_parity(paths)["forms"]] == [None] * 4
        answers = read_rows(paths.samples)
        assert answers[: len(kept)] == kept
        assert [(r["form"], r["attempt"]) for r in answers[len(kept) :]] == [("q5_0", 1)] * 8 + [("q4_0", 1)] * 5
        old, new = (read_forms(p)["q4_0"] for p in (finished, paths))
        assert new.differences == old.differences
        assert old.divergence is not None
        assert new.divergence is not None
        assert new.divergence.kl_mean == pytest.approx(old.divergence.kl_mean, rel=0.05)
    finally:
        shutil.rmtree(paths.folder)


def test_an_adapter_that_became_another_is_refused(
    room: Workspace, base: Path, save_adapter: Callable[..., Any]
) -> None:
    paths = write_parity_run(ParityRequest(RUN, ("q8_0",), samples=1), room)
    write_checkpoint(room.run(RUN), base, save_adapter, seed=9)
    LocalLauncher().start(paths, "compare")
    assert wait_ended(paths) == "failed"
    error = summarise_parity(paths)["error"]
    assert "no longer the adapter that this run was made for" in error["message"]
    assert error["fix"] == "charlab parity anew"
    assert not room.run(RUN).exports.exists()


def test_what_cannot_be_measured_is_refused_before_anything_is_written(
    room: Workspace, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = room.run(RUN).checkpoint(40).folder
    wrong = {
        (str(checkpoint), ()): "is no run with an adapter", (str(base), ()): "is no run with an adapter",
        (f"run:{RUN}@30", ()): "has no complete checkpoint at step 30", (RUN, ("q9",)): "no form 'q9'",
    }  # fmt: skip
    for (model, forms), said in wrong.items():
        with pytest.raises(ModelError, match=said):
            write_parity_run(ParityRequest(model, forms), room)
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path / "cache"))
    alone = tmp_path / "alone"
    shutil.copytree(base, alone, ignore=shutil.ignore_patterns("*.gguf"))
    edit_json(checkpoint / "adapter_config.json", lambda config: config.update(base_model_name_or_path=str(alone)))
    with pytest.raises(ModelError, match="has no GGUF here for the adapter to stand on") as refused:
        write_parity_run(ParityRequest(RUN, ("merged", "adapter")), room)
    assert refused.value.fix.startswith("q8_0 and the other whole forms need none")
    with pytest.raises(ModelError, match="converter is not here"):
        write_parity_run(ParityRequest(RUN, ("q8_0",)), room)
    assert room.run_ids() == [RUN]
    run = read_json(write_parity_run(ParityRequest(RUN), room).run)
    assert run["forms"] == ["trained", "merged_fp32", "merged", "q8_0", "q4_0"]


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is not None, reason="llama-cpp-python is installed")
def test_a_k_quant_without_llama_cpp_is_refused_before_it_starts(room: Workspace) -> None:
    with pytest.raises(ModelError, match=r"q4_k_m is written by llama\.cpp alone") as refused:
        write_parity_run(ParityRequest(RUN, ("q8_0", "q4_k_m")), room)
    assert refused.value.fix.startswith("pip install llama-cpp-python==")
    assert room.run_ids() == [RUN]


@pytest.mark.slow
def test_a_run_that_is_stopped_goes_on_where_it_was(room: Workspace) -> None:
    paths = start_parity(ParityRequest(RUN, ("merged_fp32", "q8_0"), samples=3, sampling=ASKED, positions=20), room)
    end = time.monotonic() + 60
    while not read_rows(paths.forms):
        assert time.monotonic() < end, paths.log(1).read_text()[-2000:]
        time.sleep(0.05)
    paths.stop.touch()
    assert wait_ended(paths) == "stopped"
    kept, rows = read_rows(paths.samples), read_rows(paths.forms)
    assert [row["form"] for row in rows] == ["trained"]
    LocalLauncher().start(paths, "compare")
    assert wait_ended(paths) == "finished", paths.log(2).read_text()[-2000:]
    assert read_rows(paths.forms)[:1] == rows
    assert [row["form"] for row in read_rows(paths.forms)] == ["trained", "merged_fp32", "q8_0"]
    answers = read_rows(paths.samples)
    assert answers[: len(kept)] == kept
    found = {form["form"]: form for form in summarise_parity(paths)["forms"]}
    assert (found["q8_0"]["backend"], found["q8_0"]["cause"]) == ("llama", "none")
    assert 0 < found["q8_0"]["kl"]["mean"] < 0.01
    assert len(answers) == 3 * 3 * 4 == len({(r["form"], r["probe"], r["index"], r["turn"]) for r in answers})


@pytest.mark.slow
def test_the_adapter_on_its_base_says_what_it_was_trained_to_say(room: Workspace, base: Path) -> None:
    paths = start_parity(ParityRequest(RUN, ("adapter",), samples=1, sampling=ASKED, positions=20), room)
    assert wait_ended(paths) == "finished"
    form = summarise_parity(paths)["forms"][1]
    assert form["error"] is None, form["error"]
    assert (form["backend"], form["cause"], form["kl"]["positions"]) == ("llama", "none", 20)
    assert form["kl"]["mean"] < 1e-3
    files = (room.run(RUN).export("adapter").adapter, base / "short.gguf")
    assert form["bytes"] == sum(file.stat().st_size for file in files)


@pytest.mark.slow
def test_an_adapter_of_an_nf4_base_is_first_measured_on_that_base(
    tmp_path: Path, base: Path, save_adapter: Callable[..., Any], quiet: None
) -> None:
    pytest.importorskip("bitsandbytes")
    workspace = make_room(tmp_path / "room", base, save_adapter, quantize="nf4")
    paths = start_parity(ParityRequest(RUN, ("merged_fp32",), samples=1, sampling=ASKED, positions=20), workspace)
    try:
        assert wait_ended(paths) == "finished", paths.log(1).read_text()[-2000:]
    finally:
        kill_workers(workspace)
    trained, merged = summarise_parity(paths)["forms"]
    log = paths.log(1).read_text()
    assert log.index("(fp32, nf4)") < log.index("serving merged_fp32")
    assert log.count("(fp32, nf4)") == 1
    assert (trained["form"], trained["backend"]) == ("trained", "transformers")
    assert merged["notes"][-1].startswith("the adapter was trained on an NF4 base")
    # the four bits that it was trained on are gone, and that is told as a difference of weights
    assert merged["kl"]["mean"] > 0.01
    assert merged["cause"] == "weights"
