"""A whole model as one GGUF: a merged folder's weights in the layout of its base's GGUF, quantised by PyPI's gguf."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.forge.base_gguf import BaseGguf, open_gguf
from engine.forge.beside import write_beside
from engine.records.forms import PLAIN
from engine.store.journal import read_json

_OWN = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")
"""Keys that say something of the base's file and not of the model, or that the writer sets itself."""


def write_gguf(folder: Path, base_gguf: Path, out: Path, kind: str) -> None:
    """Write the transformers model in `folder` as `out`, its matrices as `kind`.

    Metadata, vocabulary, tensor order and norms are those of `base_gguf`; matrices, biases and chat
    template those of `folder`. ModelError unless both are one model.
    """
    from gguf import GGUFValueType, GGUFWriter, Keys, LlamaFileType, quantize
    from gguf.quants import quant_shape_to_byte_shape

    if kind not in PLAIN:
        raise ModelError(f"'{kind}' is no type that can be written here", fix=f"one of: {', '.join(PLAIN)}")
    base = open_gguf(base_gguf)
    with Weights(folder) as weights:
        places = weights.place(base)
        check_same_model(base, weights)
        types = {name: choose_type(base, name, kind) for name in base.tensors}
        with write_beside(out) as beside:
            writer = GGUFWriter(beside, base.architecture)
            copy_metadata(base, writer, read_template(folder))
            file_type = LlamaFileType.ALL_F32 if kind == "f32" else LlamaFileType[f"MOSTLY_{kind.upper()}"]
            writer.add_key_value(Keys.General.FILE_TYPE, int(file_type), GGUFValueType.UINT32)
            writer.add_quantization_version(2)
            import numpy as np

            for name, kept in types.items():
                shape = base.shape(name)
                stored = np.dtype({"F32": "f4", "F16": "f2"}.get(kept.name, "u1"))
                if stored == np.uint8:
                    shape = quant_shape_to_byte_shape(shape, kept)
                size = int(np.prod(shape)) * stored.itemsize
                writer.add_tensor_info(name, shape, stored, size, kept)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_ti_data_to_file()
            for name, kept in types.items():
                place = places.get(name)
                array = dequantise(base, name) if place is None else base.order_rows(name, weights.read(place))
                writer.write_tensor_data(quantize(np.ascontiguousarray(array, dtype=np.float32), kept))
            writer.close()


def choose_type(base: BaseGguf, name: str, kind: str) -> Any:
    """The type that tensor `name` is kept in, as llama.cpp chooses where PyPI's gguf can follow.

    What has one axis stays float32. A row that does not divide into blocks of 32 stays float16. The
    matrix that makes the logits is never below q8_0 (llama.cpp takes q6_k, which gguf cannot write).
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    shape = base.shape(name)
    if len(shape) == 1:
        return GGMLQuantizationType.F32
    head = "output.weight" if "output.weight" in base.tensors else "token_embd.weight"
    if name == head and kind.startswith(("q4", "q5")):
        kind = "q8_0"
    wanted = GGMLQuantizationType[kind.upper()]
    return wanted if shape[-1] % GGML_QUANT_SIZES[wanted][0] == 0 else GGMLQuantizationType.F16


def describe_types(base: BaseGguf, kind: str) -> list[str]:
    """In words, where the matrices of a written file are not of the type that it is named after."""
    from gguf import GGML_QUANT_SIZES

    matrices = {name: t for name, t in base.tensors.items() if len(base.shape(name)) > 1}
    notes = []
    if kind in PLAIN:
        others = {n: t for n, t in matrices.items() if t.tensor_type.name.lower() != kind}
        if others:
            first = next(iter(others))
            notes.append(
                f"{len(others)} of {len(matrices)} matrices are kept finer than {kind}: {first} as "
                f"{others[first].tensor_type.name.lower()}"
            )
        return notes
    odd = [n for n in matrices if base.shape(n)[-1] % 256]
    fallen = [n for n in odd if GGML_QUANT_SIZES[matrices[n].tensor_type][0] != 256]
    if fallen:
        kept = sorted({matrices[n].tensor_type.name.lower() for n in fallen})
        widths = sorted({base.shape(n)[-1] for n in fallen})
        notes.append(
            f"{len(fallen)} of {len(matrices)} matrices are not {kind}: it packs rows in blocks of 256, and rows of "
            f"{', '.join(map(str, widths))} do not divide into them, so llama.cpp kept those as {', '.join(kept)}; this "
            f"file says little of {kind} on a model of another width"
        )
    return notes


def describe_base(base: BaseGguf) -> list[str]:
    """In words, that the base was quantised before anything was trained on it."""
    types = {n: c for n, c in base.count_types().items() if n not in ("f32", "f16", "bf16")}
    if not types:
        return []
    grid = max(types, key=lambda n: types[n])
    return [
        f"the base's own weights lie on a {grid} grid, so a quantised form loses less here than it would of a base that "
        "was never quantised"
    ]


def copy_metadata(base: BaseGguf, writer: Any, template: str) -> None:
    from gguf import GGUFValueType, Keys

    for key, field in base.fields.items():
        if key.startswith(_OWN) or key.startswith(Keys.Tokenizer.CHAT_TEMPLATE):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), kind, sub_type=inner)
    writer.add_chat_template(template)


def read_template(folder: Path) -> str:
    """The chat template that the merged folder's tokenizer renders with."""
    file = folder / "chat_template.jinja"
    config = folder / "tokenizer_config.json"
    template = (
        file.read_text() if file.is_file() else read_json(config).get("chat_template") if config.is_file() else ""
    )
    if not isinstance(template, str) or not template:
        raise ModelError(f"{folder} holds no chat template", fix="put chat_template.jinja into it")
    return template


def dequantise(base: BaseGguf, name: str) -> Any:
    from gguf import dequantize

    tensor = base.tensors[name]
    return dequantize(tensor.data, tensor.tensor_type).reshape(base.shape(name))


class Weights:
    """The tensors of a transformers folder, read one at a time as float32."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = ExitStack()
        self._where: dict[str, Any] = {}

    def __enter__(self) -> "Weights":
        from safetensors import SafetensorError, safe_open

        files = sorted(self.folder.glob("*.safetensors"))
        if not files:
            raise ModelError(f"{self.folder} holds no safetensors", fix="name a folder as transformers saves it")
        for file in files:
            try:
                opened = self._files.enter_context(safe_open(file, framework="pt"))
            except (SafetensorError, OSError) as bad:
                raise ModelError(f"{file} cannot be read: {bad}", fix="export it again") from bad
            self._where.update(dict.fromkeys(opened.keys(), opened))
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def names(self) -> Iterator[str]:
        yield from self._where

    def read(self, name: str) -> Any:
        return self._where[name].get_tensor(name).float().numpy()

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._where[name].get_slice(name).get_shape())

    def place(self, base: BaseGguf) -> dict[str, str]:
        """The folder's tensor for every matrix and bias of the GGUF; ModelError unless each has its one.

        Norms are the GGUF's own: no LoRA changes them, and some architectures keep them shifted by one.
        """
        places: dict[str, str] = {}
        for weight in self.names():
            name = base.name(weight)
            if name is None:
                raise ModelError(
                    f"{base.path.name} is a GGUF of another model than {self.folder}: it has no place for {weight}",
                    fix="name the GGUF of its base",
                )
            if base.shape(name) != self.shape(weight):
                raise ModelError(
                    f"{base.path.name} is a GGUF of another model than {self.folder}: {weight} is "
                    f"{' x '.join(map(str, self.shape(weight)))} here and {' x '.join(map(str, base.shape(name)))} there",
                    fix="name the GGUF of its base",
                )
            if not _is_norm(name):
                places[name] = weight
        tied = places.get("token_embd.weight")
        if "output.weight" in base.tensors and tied:
            places.setdefault("output.weight", tied)
        lost = [n for n in base.tensors if len(base.shape(n)) > 1 and n not in places]
        if lost:
            raise ModelError(
                f"{self.folder} holds no weights for {len(lost)} tensors of {base.path.name} (such as {lost[0]})",
                fix="name the GGUF of its base",
            )
        return places


def _is_norm(name: str) -> bool:
    return name.endswith("norm.weight")


def check_same_model(base: BaseGguf, weights: Weights) -> None:
    """Raise ModelError unless the norms agree, which every type of GGUF keeps in float32 and no LoRA changes.

    To one part in 128, since the folder may hold them in bfloat16. Two fine-tunes of one base that left
    its norms alone cannot be told apart by this.
    """
    import numpy as np

    shift = 1.0 if base.architecture.startswith("gemma") else 0.0
    for weight in weights.names():
        name = base.name(weight)
        if name is None or not _is_norm(name):
            continue
        ours, theirs = weights.read(weight) + shift, dequantise(base, name)
        if not np.allclose(ours, theirs, rtol=2**-7, atol=1e-4 + shift * 2**-7):
            raise ModelError(
                f"{base.path.name} is a GGUF of another model than {weights.folder}: their {weight} differ",
                fix="name the GGUF of its base",
            )
