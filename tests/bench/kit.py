"""What the benchmarks share: rows of the table, throw-away workspaces, commands, sides that train by turns."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

Found = TypeVar("Found")


class Row(NamedTuple):
    """One line of the table; `value` is compared as a number, `measured` is how it is printed."""

    what: str
    must: float
    aim: float | None
    value: float
    unit: str
    measured: str
    more: bool = False
    """Whether more is better."""

    def verdict(self) -> str:
        def reaches(bound: float) -> bool:
            return self.value >= bound if self.more else self.value <= bound

        if self.aim is not None and reaches(self.aim):
            return "aim reached"
        return "reached" if reaches(self.must) else "MISSED"


def environment() -> dict[str, str]:
    """For every process of a benchmark: no network, no developer's workspace, charlab importable."""
    kept = {name: value for name, value in os.environ.items() if name != "CHARLAB_WORKSPACE"}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRL_EXPERIMENTAL_SILENCE": "1",
        "CI": "1",
    }


@contextlib.contextmanager
def make_workspace() -> Iterator[Path]:
    """A workspace with Madison and the demo's recipe in it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="charlab-bench-") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "runs" / "recipes", folder / "runs" / "recipes")
        shutil.copytree(ROOT / "datasets" / "madison", folder / "datasets" / "madison")
        yield folder


def name_charlab() -> list[str]:
    """The words that a person's shell starts charlab with."""
    script = Path(sys.executable).with_name("charlab")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "console"]


def run_command(folder: Path, *words: str, timeout: float = 300) -> str:
    """Standard output of `charlab WORDS` in `folder`; RuntimeError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "console", *words],
        cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"charlab {' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def wait_for(find: Callable[[], Found | None], timeout: float = 300) -> Found:
    """What `find` finds, once it finds something."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if (found := find()) is not None:
            return found
        time.sleep(0.01)
    raise TimeoutError(f"waited {timeout:.0f} s in vain")


def wait_for_end(folder: Path, run_id: str) -> str:
    """The status in which the run's worker ended, once its process is gone."""
    from engine.launch.process import is_same
    from engine.store.index import read_launch, summarise_run
    from engine.store.paths import Workspace

    paths = Workspace(folder).run(run_id)

    def find_end() -> str | None:
        launch = read_launch(str(paths.folder))
        if launch is None or is_same(launch["process"]["pid"], launch["process"]["start"]):
            return None
        return summarise_run(paths).status

    return wait_for(find_end)


def end_worker(folder: Path, run_id: str) -> None:
    """End what is left of a run whose benchmark failed half-way, so that its folder can go."""
    from engine.launch.local import LocalLauncher
    from engine.records.rows import Launch
    from engine.store.index import read_launch

    found = read_launch(str(folder / "runs" / run_id))
    if found is not None:
        LocalLauncher().stop(Launch.model_validate(found))
        with contextlib.suppress(TimeoutError):
            wait_for_end(folder, run_id)


class Side:
    """One side of a comparison in a process of its own, which does one thing for each word it is sent."""

    def __init__(self, folder: Path, script: str = "side.py", **settings: Any) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the side
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / script), json.dumps({"workspace": str(folder), **settings})],
            cwd=folder, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip

    def ask(self, word: str = "") -> dict[str, Any]:
        """The side's answer; without a word, what it says next by itself."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if word:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(word + "\n")
                self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f"a side ended with {code}:\n{self.log.read()[-4000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()
        self.log.close()
