"""What the tests share: a workspace of their own, and a small real model with the bundled tokenizer."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from driving import stand_still, wait_until

ROOT = Path(__file__).resolve().parents[1]

# huggingface_hub reads it once, when it is imported
os.environ["HF_HUB_OFFLINE"] = "1"
# whoever starts the tests in the background may have them ignore it, and every command that they start then does
signal.signal(signal.SIGINT, signal.default_int_handler)
# as workers have it, and OpenMP reads it once too: tests that run beside each other share the cores
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No developer's settings, no network: what a test finds is what it made."""
    monkeypatch.delenv("CHARLAB_WORKSPACE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    # the small model gains nothing from more, and threads that wait for each other by spinning lose a lot
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def bundled_folder() -> Path:
    """The bundled model as transformers saved it, converted if this machine has not yet."""
    from engine.models.bundled import convert_bundled

    return convert_bundled("smollm2-135m", print)


@pytest.fixture(scope="session")
def tiny_folder(bundled_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Llama of two narrow layers with random weights and the bundled model's tokenizer and template."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(bundled_folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Any]:
    """An empty workspace with Madison in it; no worker of it outlives the test."""
    from engine.launch.process import is_same
    from engine.store.paths import Workspace

    (tmp_path / "runs" / "recipes").mkdir(parents=True)
    shutil.copytree(ROOT / "datasets" / "madison", tmp_path / "datasets" / "madison")
    yield Workspace(tmp_path)
    for launch in (tmp_path / "runs").glob("*/launch.json"):
        process = json.loads(launch.read_text())["process"]
        if process["pid"] != os.getpid() and is_same(process["pid"], process["start"]):
            os.kill(process["pid"], signal.SIGKILL)


@pytest.fixture
def live() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the test ends."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def write_dataset(workspace: Any) -> Callable[..., Any]:
    """Write rows as a sealed dataset of the workspace: write_dataset("name", rows)."""

    def write(name: str, rows: list[dict[str, Any]], probes: list[dict[str, Any]] | None = None) -> Any:
        from engine.data.layout import seal_dataset

        paths = workspace.dataset(name)
        paths.folder.mkdir(parents=True, exist_ok=True)
        paths.pairs.write_text("".join(json.dumps(r) + "\n" for r in rows))
        paths.character.write_text('name = "Ada"\n[voice]\nmarks = ["Sir"]\n')
        if probes is not None:
            paths.probes.write_text("".join(json.dumps(p) + "\n" for p in probes))
        seal_dataset(workspace, name)
        return paths

    return write


def make_pair(number: int, category: str = "voice", **change: Any) -> dict[str, Any]:
    """A valid row as a machine would write it; keyword arguments replace its keys."""
    return {
        "id": f"row-{number}",
        "prompt": [{"role": "user", "content": f"Question number {number} of the day?"}],
        "chosen": [{"role": "assistant", "content": f"I hold that answer {number} is the just one, Sir."}],
        "rejected": [{"role": "assistant", "content": f"Sure! Here's some info about topic {number}."}],
        "category": category,
        "source": "test",
        "meta": {},
        **change,
    }


@pytest.fixture
def pair() -> Callable[..., dict[str, Any]]:
    return make_pair


@pytest.fixture
def tiny_recipe(workspace: Any, tiny_folder: Path) -> Callable[..., Path]:
    """Write a quick recipe on the tiny model: tiny_recipe(optim={"steps": 4}) returns its path."""

    def write(name: str = "quick", **tables: Any) -> Path:
        data: dict[str, Any] = {
            "name": name,
            "base": str(tiny_folder),
            "dataset": "madison",
            "objective": "orpo",
            "seed": 11,
            "load": {"dtype": "fp32"},
            "lora": {"rank": 4},
            "optim": {"steps": 6, "batch": 2, "lr": 1e-3},
            "checkpoint": {"every": 2},
            "heldout": {"every": 0},
            "sentinel": {"every": 0},
        }
        for key, value in tables.items():
            data[key] = {**data[key], **value} if isinstance(value, dict) and isinstance(data.get(key), dict) else value
        path: Path = workspace.recipes / f"{name}.toml"
        path.write_text(to_toml(data))
        return path

    return write


def to_toml(data: dict[str, Any]) -> str:
    """The little of TOML that recipes need: JSON scalars and lists are TOML too."""
    plain = [f"{k} = {json.dumps(v)}" for k, v in data.items() if not isinstance(v, dict)]
    tables = [
        f"\n[{k}]\n" + "\n".join(f"{a} = {json.dumps(b)}" for a, b in v.items())
        for k, v in data.items()
        if isinstance(v, dict)
    ]
    return "\n".join(plain + tables) + "\n"


@pytest.fixture
def charlab(workspace: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, in the workspace: charlab("runs", "--json")."""

    def run(*words: str, timeout: float = 120, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "console", *words],
            cwd=cwd or workspace.folder, capture_output=True, text=True, timeout=timeout,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


def make_rows(first: int, last: int, attempt: int = 1, began: float = 1_767_258_000.0) -> list[dict[str, Any]]:
    """Rows of metrics as a worker writes them: nine curves, held-out scores at every twentieth step."""
    rows = []
    for step in range(first, last + 1):
        values = {
            "loss": 4.0 / (1 + step / 20) + 0.1 * (step % 3), "margin_nats": step / 40 - 0.5,
            "accuracy": (step % 5) / 4, "lr": 3e-4, "grad_norm": 1.0 + step % 7, "tokens_per_second": 400.0 + step % 9,
            "seconds_per_step": 0.5,
            "epoch": step / 41, "tokens": 1000.0 * step,
        }  # fmt: skip
        rows.append({"attempt": attempt, "step": step, "time": began + 0.5 * step, "values": values, "nonfinite": []})
        if step % 20 == 0:
            held = {"heldout.loss": 4.2 / (1 + step / 20), "break_rate": 0.5 - step / 200}
            rows.append({**rows[-1], "values": held})
    return rows


def to_lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def rows() -> Callable[..., list[dict[str, Any]]]:
    """Rows of metrics: rows(1, 40) are those of the steps 1 to 40 of the first attempt."""
    return make_rows


@pytest.fixture
def lines() -> Callable[[list[dict[str, Any]]], str]:
    """Rows as the text of a journal."""
    return to_lines


@pytest.fixture
def write_run(workspace: Any) -> Callable[..., Any]:
    """Lay out a run that never ran: write_run("20260101-0900-ada-1a2b", rows=..., ended="finished").

    Without `ended` and without a live `process` it is lost; keyword arguments replace keys of its run.json.
    """

    def write(
        run_id: str,
        *,
        rows: list[dict[str, Any]] | None = None,
        events: tuple[dict[str, Any], ...] = (),
        log: str = "",
        ended: str = "",
        process: int = 0,
        **change: Any,
    ) -> Any:
        from engine.launch.process import read_start

        paths = workspace.run(run_id)
        paths.log(1).parent.mkdir(parents=True)
        recipe = {"name": "ada", "base": "base", "dataset": "madison", "objective": "orpo", "seed": 1}
        run = {
            "schema_version": 1, "id": run_id, "kind": "train", "name": "ada", "created": 1_767_258_000.0,
            "recipe": recipe, "dataset": {"name": "madison", "sha256": "a", "rows_sha256": "b", "train": 9, "heldout": 1},
            "base": {"reference": "base", "source": "base", "revision": None, "parameters": 1, "adapter_sha256": None,
            "lineage": []}, "template": {"sha256": "c", "system": None}, "reference": None, "parent": None,
            "group": None, "steps": 60, "start_step": 0,
            "plan": {"tokens_longest": 1, "tokens_median": 1, "truncated": [], "left_out": {}},
            "advice": [], "versions": {}, "git": None, "host": socket.gethostname(), **change,
        }  # fmt: skip
        rows = make_rows(1, 40) if rows is None else rows
        last = rows[-1]["step"] if rows else 0
        told = [*events, *([{"attempt": 1, "time": 1_767_258_030.0, "kind": ended, "step": last}] if ended else [])]
        paths.metrics.write_text(to_lines(rows))
        paths.events.write_text(to_lines(told))
        paths.samples.touch()
        paths.log(1).write_text(log)
        worker = {"pid": process or 4_000_000, "start": (read_start(process) if process else None) or 0.0}
        launch = {"attempt": 1, "host": socket.gethostname(), "process": worker, "time": 1_767_258_000.0}
        paths.launch.write_text(json.dumps(launch))
        # last: a run is listed from its run.json on
        paths.run.write_text(json.dumps(run))
        return paths

    return write


@pytest.fixture
def write_evaluation(workspace: Any) -> Callable[..., Any]:
    """Lay out an evaluation that ended: write_evaluation("20260101-0900-ada-eval-1a2b", [7.0, None, 3.0]).

    An answer a score, None a judgement that failed; `of` makes it another judge's scores of that run's answers.
    """

    def write(
        run_id: str,
        overalls: list[float | None],
        *,
        of: str | None = None,
        judge: str = "http://127.0.0.1:9/v1#judge",
        subject: dict[str, Any] | None = None,
        answers: list[str] | None = None,
        **change: Any,
    ) -> Any:
        from engine.data.read import read_character
        from engine.judge.rubric import read_brief
        from engine.records.dataset import Prompt
        from engine.records.judging import Score
        from engine.records.rows import Sample
        from engine.records.run import EvalRun, ScoreRun
        from engine.records.serving import Sampling

        paths = workspace.run(run_id)
        paths.log(1).parent.mkdir(parents=True)
        brief = read_brief(workspace.dataset("madison"))
        use = brief.describe(judge).model_copy(update={"triage": judge == "rules"})
        said = answers or [f"Answer number {i}, Sir." for i in range(len(overalls))]
        prompts = [
            Prompt.model_validate({
                "id": f"p-{i:03}", "category": ("voice", "history")[i % 2], "difficulty": "easy",
                "messages": [{"role": "user", "content": f"Question number {i}?"}], "references": ["A fact."],
            })
            for i in range(len(overalls))
        ]  # fmt: skip
        header: dict[str, Any] = {
            "id": run_id, "name": "madison-eval", "created": 1_767_258_000.0, "versions": {"charlab": "0.1"}, "git": None,
            "host": socket.gethostname(), "subject": subject or {"reference": "bundled:smollm2-135m"},
            "probes": {"dataset": "madison", "sha256": "d" * 64, "count": len(prompts)}, "judge": use, **change,
        }  # fmt: skip
        run: EvalRun | ScoreRun
        if of is None:
            run = EvalRun(
                **header, steps=2 * len(said), samples=1, sampling=Sampling(max_tokens=1024, seed=11), system=None
            )
        else:
            run = ScoreRun(**header, steps=len(said), of=of)
        samples = [
            Sample(
                attempt=1, step=0, time=1_767_258_001.0 + i, probe=p.id, index=0, seed=i, text=text, tokens=9,
                truncated=False, breaks=None, span=None, in_character=True, level=4,
            )
            for i, (p, text) in enumerate(zip(prompts, said, strict=True))
        ]  # fmt: skip
        scores = [
            Score(attempt=1, time=1_767_258_100.0, id=f"{p.id} 0 0", judge=use.fingerprint, state="refused", problem="no")
            if overall is None
            else Score(
                attempt=1, time=1_767_258_100.0, id=f"{p.id} 0 0", judge=use.fingerprint, state="scored",
                components={"voice": round(overall)}, overall=overall, judge_overall=overall - 0.5, usd=0.01,
            )
            for p, overall in zip(prompts, overalls, strict=True)
        ]  # fmt: skip
        paths.prompts.write_text(to_lines([p.to_json() for p in prompts]))
        paths.rubric.write_text(json.dumps(brief.rubric.to_json()))
        paths.character.write_text(json.dumps(read_character(workspace.dataset("madison")).to_json()))
        paths.samples.write_text(to_lines([s.to_json() for s in samples] if of is None else []))
        paths.scores.write_text(to_lines([s.to_json() for s in scores]))
        event = {"attempt": 1, "time": 1_767_258_000.0, "kind": "started", "step": 0}
        paths.events.write_text(
            to_lines([event, {**event, "time": 1_767_258_200.0, "kind": "finished", "step": run.steps}])
        )
        paths.metrics.write_text("")
        launch = {"attempt": 1, "host": socket.gethostname(), "process": {"pid": 4_000_000, "start": 0.0}, "time": 0.0}
        paths.launch.write_text(json.dumps(launch))
        paths.run.write_text(json.dumps(run.to_json()))
        return paths

    return write


PICTURES = ROOT / "tests" / "pictures"


@pytest.fixture
def compare_picture(tmp_path: Path) -> Callable[[Any, str], Awaitable[None]]:
    """Wait until an app shows what is kept as its picture: await compare_picture(pilot, "runs").

    CHARLAB_UPDATE_PICTURES=1 keeps what is shown instead; look at the change before it is kept for good.
    Our own because pytest-textual-snapshot pins syrupy 4.8.0, which cannot live with pytest 9.
    """

    async def compare(pilot: Any, name: str) -> None:
        kept = PICTURES / f"{name}-{pilot.app.size.width}x{pilot.app.size.height}.svg"

        def look() -> str:
            return trim_picture(pilot.app.export_screenshot(title=name))

        if os.environ.get("CHARLAB_UPDATE_PICTURES"):
            PICTURES.mkdir(exist_ok=True)
            kept.write_text(await stand_still(pilot, look))
            return
        wanted = kept.read_text() if kept.is_file() else ""
        try:
            await wait_until(pilot, lambda: look() == wanted, name, seconds=10)
        except AssertionError:
            actual = tmp_path / kept.name
            actual.write_text(look())
            pytest.fail(f"{actual} is not {kept}; CHARLAB_UPDATE_PICTURES=1 keeps it", pytrace=False)

    return compare


def trim_picture(svg: str) -> str:
    """A screenshot without what differs between two that look alike, and without what no browser misses."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<clipPath.*?</clipPath>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="[^"]*"| shape-rendering="crispEdges"', "", svg)
    svg = svg.replace("<style>", "<style>\n    rect { shape-rendering: crispEdges; }", 1)
    svg = re.sub(r"terminal-\d+-", "", svg).replace("&#160;", "\u00a0").replace("/><", "/>\n<")
    # one element a line, so that a change of one is seen as one
    return re.sub(r"(</text>)(?=<)", r"\1\n", svg) + "\n"
