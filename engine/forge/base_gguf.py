"""A GGUF to stand on: its metadata, its tensors, and how it names and orders what transformers saved.

llama.cpp rotates neighbouring rows of a head and transformers its two halves, so its converter permutes
the rows of q and k in the llama architecture; other architectures keep their order.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import ModelError

PERMUTED = frozenset({"llama"})
STRAIGHT = frozenset({"qwen2", "qwen3", "gemma3"})
"""Both lists hold what was compared with llama.cpp's converter, tensor by tensor, and found equal."""
_BLOCK = re.compile(r"^blk\.(\d+)\.(attn_[qk])\.(weight|bias)$")


@dataclass(frozen=True)
class BaseGguf:
    path: Path
    architecture: str
    fields: dict[str, Any]
    """gguf's ReaderField by key."""
    tensors: dict[str, Any]
    """gguf's ReaderTensor by name; `shape` counts columns first."""
    names: Any
    """gguf's TensorNameMap of the architecture."""

    def read(self, key: str) -> Any:
        """The value of a key of this architecture, such as block_count; None where it is not set."""
        field = self.fields.get(f"{self.architecture}.{key}")
        return None if field is None else field.contents()

    def name(self, weight: str) -> str | None:
        """What the file calls a weight that transformers calls `weight`."""
        weight = weight.replace("model.language_model.", "model.")
        found: str | None = self.names.get_name(weight, try_suffixes=(".weight", ".bias"))
        return found if found in self.tensors else None

    def shape(self, name: str) -> tuple[int, ...]:
        """Rows first, as torch has it."""
        return tuple(int(n) for n in reversed(self.tensors[name].shape))

    def order_rows(self, name: str, rows: Any) -> Any:
        """The first axis of `rows` in the order that the file keeps tensor `name` in."""
        match = _BLOCK.match(name)
        if match is None or self.architecture in STRAIGHT:
            return rows
        heads = self._heads(match[2] == "attn_k", int(match[1]))
        # (head, half, row of the half) becomes (head, row of the half, half): llama.cpp conversion/llama.py, permute
        split = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
        return split.swapaxes(1, 2).reshape(rows.shape)

    def count_types(self) -> dict[str, int]:
        found = Counter(t.tensor_type.name.lower() for t in self.tensors.values())
        return dict(found.most_common())

    def _heads(self, of_keys: bool, block: int) -> int:
        heads = self.read("attention.head_count")
        if of_keys:
            heads = self.read("attention.head_count_kv") or heads
        return int(heads[block] if isinstance(heads, list) else heads)


def open_gguf(path: Path) -> BaseGguf:
    """Read what the file says of itself; ModelError where it is cut short or no model of a known kind."""
    if not path.is_file():
        raise ModelError(f"no GGUF at {path}", fix="check the path")
    stat = path.stat()
    return _read_gguf(path, (stat.st_size, stat.st_mtime_ns))


def _make_reader(path: Path) -> Any:
    """gguf's reader, but reading an array at once: gguf makes several of every token, which takes seconds."""
    from gguf import GGUFReader, GGUFValueType

    class Reader(GGUFReader):
        def _get_field_parts(self, orig_offs: int, raw_type: int) -> tuple[int, list[Any], list[int], list[Any]]:
            plain = raw_type != GGUFValueType.ARRAY or self.byte_order != "I"
            kind = None if plain else GGUFValueType(self._get(orig_offs, "u4")[0])
            if kind is None or kind == GGUFValueType.ARRAY:
                found: tuple[int, list[Any], list[int], list[Any]] = super()._get_field_parts(orig_offs, raw_type)
                return found
            count = int(self._get(orig_offs + 4, "u8")[0])
            types, at, parts = [GGUFValueType.ARRAY, kind], orig_offs + 12, []
            if kind in self.gguf_scalar_to_np:
                array = self._get(at, self.gguf_scalar_to_np[kind], count)
                return 12 + array.nbytes, [array], [0], types
            view = memoryview(self.data)
            for _ in range(count):
                end = at + 8 + int.from_bytes(view[at : at + 8], "little")
                if end > len(view):
                    raise ValueError("it ends in the middle of its vocabulary")
                parts.append(view[at + 8 : end])
                at = end
            return at - orig_offs, parts, list(range(count)), types

    return Reader(path)


@lru_cache(maxsize=4)
def _read_gguf(path: Path, _stamp: tuple[int, int]) -> BaseGguf:
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    try:
        reader = _make_reader(path)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, TypeError) as bad:
        # a file that was cut short ends in the middle of a field or of a tensor
        raise ModelError(f"{path} is no whole GGUF: {bad}", fix="fetch or export it again") from bad
    named = reader.fields.get("general.architecture")
    architecture = named.contents() if named else None
    known = {name: arch for arch, name in MODEL_ARCH_NAMES.items()}
    if architecture not in PERMUTED | STRAIGHT or architecture not in known:
        raise ModelError(
            f"{path} is a GGUF of architecture '{architecture}', whose order of rows charlab has not been tried on",
            fix=f"one of: {', '.join(sorted(PERMUTED | STRAIGHT))}; or serve the merged weights",
        )
    base = BaseGguf(path, architecture, dict(reader.fields), {t.name: t for t in reader.tensors}, None)
    blocks = base.read("block_count")
    if not isinstance(blocks, int) or not base.tensors:
        raise ModelError(f"{path} holds no model: it has {len(base.tensors)} tensors", fix="name a model's GGUF")
    names = get_tensor_name_map(known[architecture], blocks)
    return BaseGguf(path, architecture, base.fields, base.tensors, names)
