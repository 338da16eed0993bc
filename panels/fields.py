"""The keys of a recipe as a form sees them, read off its record: kind, choices, default, and what it says of itself."""

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from engine.errors import CharlabError, RecipeError
from panels.toml_lines import Path, find_line

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Kind = Literal["choice", "flag", "whole", "number", "text", "list", "table"]
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True)
class Field:
    path: Path
    kind: Kind
    choices: tuple[str, ...]
    required: bool
    default: Any
    """None where the recipe leaves it open."""
    takes: str
    """What may stand there, in words."""
    help: str

    @property
    def dotted(self) -> str:
        return ".".join(self.path)


class Problem(NamedTuple):
    line: int | None
    text: str
    path: Path = ()


@cache
def read_fields() -> tuple[Field, ...]:
    """Every key of the recipe, table by table, in the order of the record."""
    from pydantic import BaseModel

    from engine.records.recipe import Recipe

    plain, tables = [], []
    for name, info in Recipe.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            tables += [_read_field((name, key), inner) for key, inner in kind.model_fields.items()]
        else:
            plain.append(_read_field((name,), info))
    return (*plain, *tables)


def _read_field(path: Path, info: "FieldInfo") -> Field:
    parts = [p for p in get_args(info.annotation) if p is not type(None)] if _is_union(info.annotation) else []
    kinds = parts or [info.annotation]
    choices = tuple(str(c) for k in kinds if get_origin(k) is Literal for c in get_args(k))
    rest = [k for k in kinds if get_origin(k) is not Literal]
    kind: Kind = "choice" if not rest else _name_kind(rest)
    bounds = " and ".join(
        f"{sign} {limit:g}" if isinstance(limit, float) else f"{sign} {limit}"
        for rule in info.metadata
        for name, sign in _BOUNDS.items()
        if (limit := getattr(rule, name, None)) is not None
    )
    words = {
        "choice": " | ".join(choices), "flag": "true or false", "whole": "a whole number", "number": "a number",
        "text": "text", "list": "words, with commas between", "table": "key = value, with commas between",
    }[kind]  # fmt: skip
    takes = f"{' | '.join(choices)} or {words}" if choices and kind != "choice" else words
    default = None if info.is_required() else info.get_default()
    return Field(
        path=path,
        kind=kind,
        choices=choices,
        required=info.is_required(),
        default=default,
        takes=f"{takes} {bounds}".strip(),
        help=" ".join((info.description or "").split()),
    )


def _is_union(annotation: object) -> bool:
    return get_origin(annotation) is not None and get_origin(annotation) not in (Literal, list, dict)


def _name_kind(kinds: list[Any]) -> Kind:
    if any(get_origin(k) is dict for k in kinds):
        return "table"
    if any(get_origin(k) is list for k in kinds):
        return "list"
    names: dict[Any, Kind] = {bool: "flag", int: "whole", float: "number"}
    return names.get(kinds[0], "text")


def show_value(value: Any) -> str:
    """A value as the form shows it, and as it is typed: words bare, lists and tables without brackets."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(_show_inner(v) for v in value)
        case dict():
            return ", ".join(f"{k} = {_show_inner(v)}" for k, v in value.items())
    return str(value)


def _show_inner(value: Any) -> str:
    return value if isinstance(value, str) and "," not in value else json.dumps(value, ensure_ascii=False)


def parse_typed(field: Field, typed: str) -> str:
    """What a person typed into `field`, as TOML writes it; RecipeError where that cannot be."""
    typed = typed.strip()
    match field.kind:
        case "text" | "choice":
            return json.dumps(typed, ensure_ascii=False)
        case "flag":
            return typed
        case "whole" | "number":
            if not isinstance(read_literal(typed), int | float):
                raise RecipeError(f"'{typed}' is no number", fix=field.takes)
            return typed
        case "list":
            if typed in field.choices:
                return json.dumps(typed)
            if isinstance(read_literal(typed), list):
                return typed
            return json.dumps([w for part in typed.split(",") if (w := _bare(part))], ensure_ascii=False)
        case "table":
            whole = typed if typed.startswith(("{", "[")) else "{ " + typed + " }"
            if read_literal(whole) is None:
                raise RecipeError(f"'{typed}' is no table", fix=field.takes)
            return whole


def _bare(part: str) -> str:
    part = part.strip()
    found = read_literal(part) if part.startswith(('"', "'")) else None
    return found if isinstance(found, str) else part


def read_literal(text: str) -> Any:
    """The value that TOML reads there, None where it reads none."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return None


def read_toml(text: str) -> dict[str, Any] | Problem:
    """The text's keys, or what stops it from being TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        said = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(bad), re.DOTALL)
        line = int(said[2]) if said and said[2] else text.count("\n") + 1
        return Problem(line, said[1] if said else str(bad))


def find_problems(data: dict[str, Any], text: str) -> list[Problem]:
    """What the record has against the recipe, each with the line where it stands."""
    from pydantic import ValidationError

    from engine.records.base import list_problems
    from engine.records.recipe import Recipe

    try:
        Recipe.parse(data, "recipe", RecipeError)
    except CharlabError as error:
        if not isinstance(error.__cause__, ValidationError):
            return [Problem(None, error.message)]
        return [Problem(find_line(text, path), said, path) for path, said in list_problems(error.__cause__)]
    return []


def look_up(data: dict[str, Any], path: Path) -> Any:
    """The value at `path`, None where the text leaves it unset."""
    found: Any = data
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    return found
