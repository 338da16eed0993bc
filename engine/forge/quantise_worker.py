"""python -m engine.forge.quantise_worker SOURCE OUT TYPE THREADS: llama.cpp's own quantiser, by llama-cpp-python."""

import ctypes
import sys
from importlib import import_module
from typing import Any


def main() -> int:
    source, out, kind, threads = sys.argv[1:]
    llama: Any = import_module("llama_cpp")
    from gguf import LlamaFileType

    params = llama.llama_model_quantize_default_params()
    params.ftype = int(LlamaFileType[f"MOSTLY_{kind.upper()}"])
    params.nthread = int(threads)
    return int(llama.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(params)))


if __name__ == "__main__":
    sys.exit(main())
