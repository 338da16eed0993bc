"""What is borrowed of llama.cpp, through llama-cpp-python: the converter that its sdist carries, and its quantiser."""

import importlib.util
import subprocess
import sys
import tarfile
from pathlib import Path

from engine.errors import CharlabError, ModelError
from engine.forge.beside import write_beside
from engine.launch.local import worker_environment
from engine.narrate import Narrate
from engine.store.paths import cache_folder

VERSION = "0.3.36"
_SDIST = f"llama_cpp_python-{VERSION}"


def find_converter() -> Path:
    """llama.cpp's convert_hf_to_gguf.py, unpacked from the sdist once; a wheel does not hold it."""
    folder = cache_folder() / "llama.cpp"
    archive = folder / f"{_SDIST}.tar.gz"
    unpacked = folder / VERSION
    script = unpacked / _SDIST / "vendor" / "llama.cpp" / "convert_hf_to_gguf.py"
    if not script.is_file() and archive.is_file():
        with write_beside(unpacked) as beside, tarfile.open(archive) as packed:
            packed.extractall(beside, filter="data")
    if not script.is_file():
        raise ModelError(
            "this base has no GGUF to take the layout from, and llama.cpp's converter is not here",
            fix=f"pip download --no-deps --no-binary llama-cpp-python --dest {folder} llama-cpp-python=={VERSION}",
        )
    if importlib.util.find_spec("sentencepiece") is None:
        raise ModelError("llama.cpp's converter needs sentencepiece", fix="pip install sentencepiece")
    return script


def convert_folder(folder: Path, out: Path, dtype: str, narrate: Narrate) -> None:
    """Write the transformers model in `folder` as the GGUF `out` of f32 or bf16."""
    script = find_converter()
    narrate(f"converting {folder.name} to GGUF with llama.cpp's converter")
    with write_beside(out) as beside:
        command = [sys.executable, str(script), str(folder), "--outfile", str(beside), "--outtype", dtype]
        code, last = _run(command)
        if code or not beside.is_file():
            raise ModelError(
                f"llama.cpp's converter cannot take {folder}: {last}",
                fix="serve the adapter on its base, or the merged weights",
            )


def check_quantiser(kind: str) -> None:
    """Raise ModelError unless llama-cpp-python is installed."""
    if importlib.util.find_spec("llama_cpp") is None:
        raise ModelError(
            f"{kind} is written by llama.cpp alone, and llama-cpp-python is not installed",
            fix=f"pip install llama-cpp-python=={VERSION} (about three minutes: it compiles), or one of q8_0, q4_0",
        )


def quantise_gguf(source: Path, out: Path, kind: str, threads: int, narrate: Narrate) -> None:
    """Write `source` as `out` in a type that llama.cpp quantises to, in a process of its own."""
    check_quantiser(kind)
    narrate(f"quantising to {kind} with llama.cpp")
    with write_beside(out) as beside:
        command = [sys.executable, "-m", "engine.forge.quantise_worker", str(source), str(beside), kind, str(threads)]
        code, last = _run(command)
        if code or not beside.is_file():
            raise CharlabError(f"llama.cpp could not quantise to {kind}: {last}", fix="try q8_0")


def _run(command: list[str]) -> tuple[int, str]:
    """Exit code and last line of a tool, whose words go on to standard error; interrupted, it is killed."""
    last = "it said nothing"
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", env=worker_environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", file=sys.stderr, flush=True)
                last = line.strip()[:300] or last
        except BaseException:
            process.kill()
            raise
    return process.returncode, last
