"""The estimate while a recipe is typed: at once where it can be, and from the worker where it must."""

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.estimating import Estimator
from engine.store.paths import Workspace
from panels.forecast import Forecast

ROOT = Path(__file__).resolve().parents[2]


class Heard:
    """What the estimator answered, in its order."""

    def __init__(self) -> None:
        self.answers: queue.Queue[Forecast] = queue.Queue()

    def next(self, wanted: Callable[[Forecast], bool]) -> Forecast:
        while True:
            found = self.answers.get(timeout=60)
            if wanted(found):
                return found


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def estimator(workspace: Workspace, heard: Heard, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estimator]:
    monkeypatch.setenv("CHARLAB_CACHE", str(cache))
    one = Estimator(workspace, heard.answers.put)
    yield one
    one.close(30)


def workers() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [p for p in found if p.status() != psutil.STATUS_ZOMBIE and "engine.train.measure" in p.cmdline()]


def test_what_is_not_known_yet_is_measured_and_told_later(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe(sentinel={"every": 5}).read_text()
    at_once = estimator.ask(text)
    assert (at_once.known, at_once.measuring) == (False, "measuring tokens…")
    found = heard.next(lambda f: f.known)
    assert (found.train, found.heldout, found.steps, found.probes) == (162, 18, 6, 10)
    assert sum(pairs for _, _, pairs in found.bins) == 180
    assert found.seconds > 0
    assert found.basis.startswith("a guess")
    assert dict(found.first)["chosen"].endswith("<|im_end|>")


def test_arithmetic_answers_in_the_same_call(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe().read_text()
    estimator.ask(text)
    known = heard.next(lambda f: f.known)
    longer = estimator.ask(text.replace("steps = 6", "steps = 12"))
    assert (longer.known, longer.measuring, longer.steps) == (True, "", 12)
    assert longer.seconds == pytest.approx(2 * known.seconds)
    wider = estimator.ask(text.replace("rank = 4", "rank = 8"))
    part = "adapter, gradients, optimiser"
    assert dict(wider.memory_mb)[part] == 2 * dict(known.memory_mb)[part]
    epochs = estimator.ask(text.replace("steps = 6", "epochs = 2.0"))
    assert epochs.steps == 2 * 81


def test_what_only_the_worker_knows_follows(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe().read_text()
    estimator.ask(text)
    heard.next(lambda f: f.known)
    assert estimator.ask(text + '[gate]\nname = "first"\n').refusals == ()
    ((message, fix),) = heard.next(lambda f: bool(f.refusals)).refusals
    assert message.startswith("gate 'first' has not passed")
    assert 'allow = ["gate"]' in fix


@pytest.mark.parametrize(
    "change",
    [
        {"heldout": {"share": 0.3}},
        {"upsample": {"voice": 2}},
        {"load": {"sequence": 120}},
        {"sentinel": {"every": 5}},
        {"gate": {"name": "first"}},
    ],
    ids=str,
)
def test_numbers_that_a_change_may_have_made_old_are_said_to_be_measured_anew(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path], change: dict[str, Any]
) -> None:
    before, after = tiny_recipe().read_text(), tiny_recipe(**change).read_text()
    estimator.ask(before)
    known = heard.next(lambda f: f.known)
    at_once = estimator.ask(after)
    assert (at_once.known, at_once.measuring, at_once.train) == (True, "measuring tokens…", known.train)
    later = heard.next(lambda f: f.known and not f.measuring)
    assert later != known
    assert estimator.ask(after) == later
    assert estimator.ask(before).measuring == "measuring tokens…"


def test_only_the_newest_of_many_keystrokes_is_answered_last(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe().read_text()
    for steps in range(1, 60):
        estimator.ask(text.replace("steps = 6", f"steps = {steps}"))
    last = heard.next(lambda f: f.known and f.steps == 59)
    assert last.measuring == ""
    assert len(workers()) == 1


def test_what_is_wrong_with_the_rows_or_the_recipe_is_said(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe().read_text()
    assert estimator.ask(text + "[optim") == Forecast()
    assert estimator.ask(text.replace("seed", "sede")) == Forecast()
    assert workers() == []
    estimator.ask(text.replace('"madison"', '"nobody"'))
    problem = heard.next(lambda f: f.problem is not None).problem
    assert problem is not None
    assert "no dataset 'nobody'" in problem[0]
    assert problem[1] == "one of: madison"


def test_a_worker_that_was_killed_is_said_and_started_anew(
    estimator: Estimator, heard: Heard, tiny_recipe: Callable[..., Path]
) -> None:
    text = tiny_recipe().read_text()
    estimator.ask(text)
    heard.next(lambda f: f.known)
    (worker,) = workers()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(60)
    estimator.ask(text)
    assert heard.next(lambda f: f.known).steps == 6
    (other,) = workers()
    assert other.pid != worker.pid


def test_closing_ends_the_worker(workspace: Workspace, heard: Heard, tiny_recipe: Callable[..., Path]) -> None:
    estimator = Estimator(workspace, heard.answers.put)
    estimator.ask(tiny_recipe().read_text().replace('"madison"', '"nobody"'))
    heard.next(lambda f: f.problem is not None)
    (worker,) = workers()
    estimator.close(30)
    assert not worker.is_running()
    assert estimator.ask(tiny_recipe().read_text()).measuring == "measuring tokens…"
    assert workers() == []


def test_this_process_loads_no_torch(workspace: Workspace, tiny_recipe: Callable[..., Path], cache: Path) -> None:
    code = (
        "import queue, sys\nfrom pathlib import Path\nfrom console.estimating import Estimator\n"
        "from engine.store.paths import Workspace\nheard = queue.Queue()\n"
        "one = Estimator(Workspace(Path(sys.argv[1])), heard.put)\none.ask(Path(sys.argv[2]).read_text())\n"
        "while not (found := heard.get(timeout=60)).known:\n    assert found.problem is None, found\n"
        "one.close(30)\nprint(sorted({'torch', 'transformers', 'scipy', 'polars'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.folder), str(tiny_recipe())],
        capture_output=True, text=True, cwd=ROOT, timeout=90, env={**os.environ, "CHARLAB_CACHE": str(cache)},
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr
