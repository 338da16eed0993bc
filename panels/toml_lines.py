"""Changing one key of a TOML text and leaving every other byte, its comments and order, as a person wrote it."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

Path = tuple[str, ...]
"""Of a key: the tables that it lies in, then its own name."""

_HEADER = re.compile(r"\[\[?([^\]\n]*)\]\]?[^\n]*")
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = re.compile(rf"({_PART}(?:[ \t]*\.[ \t]*{_PART})*)[ \t]*=[ \t]*")
_STRINGS = ('"""', "'''", '"', "'")


class Entry(NamedTuple):
    """Where one `key = value` stands, by offsets into the text."""

    path: Path
    start: int
    value: int
    end: int
    """Behind the value; a comment may follow."""


class Header(NamedTuple):
    path: Path
    start: int
    end: int


def set_key(text: str, path: Path, literal: str) -> str:
    """`text` with the key at `path` set to a value that is written as TOML already."""
    found = find_entry(text, path)
    if found is not None:
        return _replace_value(text, found, literal)
    below = [e.path for e in _entries(text) if e.path[: len(path)] == path]
    if below:
        return _set_section(text, path, below, literal)
    inside = find_entry(text, path[:-1]) if len(path) > 1 else None
    if inside is not None:
        return _change_inline(text, inside, path[-1], literal)
    siblings = [e for e in _entries(text) if e.path[:-1] == path[:-1]]
    if siblings:
        last = siblings[-1]
        line = text.rfind("\n", 0, last.start) + 1
        # written as its neighbour is: indented alike, and dotted where that one is dotted
        written = text[line : last.value].rpartition("=")[0].rstrip()
        lead = written[: len(written) - len(_split_raw(written)[-1])]
        return _insert_line(text, last.end, f"{lead}{_name(path[-1])} = {literal}")
    header = next((h for h in _headers(text) if h.path == path[:-1]), None)
    added = f"{_name(path[-1])} = {literal}"
    if header is not None:
        return _insert_line(text, header.end, added)
    if len(path) == 1:
        first = next(iter(_headers(text)), None)
        place = first.start if first else len(text)
        before = text[:place]
        return f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{added}\n{text[place:]}"
    gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}[{'.'.join(map(_name, path[:-1]))}]\n{added}\n"


def remove_key(text: str, path: Path) -> str:
    """`text` without the key at `path` or the table of that name; a table left empty goes too."""
    found = find_entry(text, path)
    if found is None and len(path) > 1 and (inside := find_entry(text, path[:-1])) is not None:
        return _change_inline(text, inside, path[-1], None)
    if found is None:
        for entry in reversed([e for e in _entries(text) if e.path[: len(path)] == path]):
            text = remove_key(text, entry.path)
        return text
    text = _cut_lines(text, found.start, found.end)
    header = next((h for h in _headers(text) if h.path == path[:-1]), None)
    if header is not None:
        following = [h.start for h in _headers(text) if h.start > header.start]
        stop = following[0] if following else len(text)
        if not text[header.end : stop].strip():
            before = text[: header.start].rstrip("\n")
            rest = text[stop:]
            return (before + "\n" if before else "") + ("\n" if before and rest else "") + rest
    return text


def find_entry(text: str, path: Path) -> Entry | None:
    return next((e for e in _entries(text) if e.path == path), None)


def find_line(text: str, path: Path) -> int | None:
    """The line, counted from 1, of the key or table at `path`, else of the nearest table that would hold it."""
    while path:
        places: list[Entry | Header] = [e for e in _entries(text) if e.path == path]
        places += [h for h in _headers(text) if h.path == path]
        if places:
            return text.count("\n", 0, places[0].start) + 1
        path = path[:-1]
    return None


def to_literal(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(to_literal, value))}]"
        case dict():
            inner = ", ".join(f"{_name(k)} = {to_literal(v)}" for k, v in value.items())
            return f"{{ {inner} }}" if inner else "{}"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _entries(text: str) -> Iterator[Entry]:
    return (part for part in _scan(text) if isinstance(part, Entry))


def _headers(text: str) -> Iterator[Header]:
    return (part for part in _scan(text) if isinstance(part, Header))


def _scan(text: str) -> Iterator[Entry | Header]:
    """Headers and entries in their order; a line that is neither is passed over."""
    table: Path = ()
    place = 0
    while place < len(text):
        if text[place] in " \t\r\n":
            place += 1
            continue
        if header := _HEADER.match(text, place):
            table = tuple(map(_unquote, _split_raw(header[1])))
            yield Header(table, place, header.end())
            place = header.end()
        elif key := _KEY.match(text, place):
            end = _find_value_end(text, key.end())
            yield Entry((*table, *map(_unquote, _split_raw(key[1]))), place, key.end(), end)
            place = _line_end(text, end)
        else:
            place = _line_end(text, place)


def _find_value_end(text: str, start: int) -> int:
    """Behind the value that begins at `start`: strings, brackets and their comments and line breaks understood."""
    depth, place, last = 0, start, start
    while place < len(text):
        char = text[place]
        if char == "\n" and depth == 0:
            break
        if char == "#":
            if depth == 0:
                break
            place = _line_end(text, place)
            continue
        quote = next((q for q in _STRINGS if text.startswith(q, place)), None)
        if quote is not None:
            place = last = _find_string_end(text, place, quote)
            continue
        depth += (char in "[{") - (char in "]}")
        place += 1
        if not char.isspace():
            last = place
    return last


def _find_string_end(text: str, start: int, quote: str) -> int:
    place = start + len(quote)
    while place < len(text):
        if text[place] == "\\" and quote[0] == '"':
            place += 2
        elif text.startswith(quote, place):
            place += len(quote)
            # a multi-line string may end with one or two quotes of its own
            while len(quote) == 3 and text.startswith(quote[0], place):
                place += 1
            return place
        elif text[place] == "\n" and len(quote) == 1:
            return place  # never closed
        else:
            place += 1
    return len(text)


def _replace_value(text: str, entry: Entry, literal: str) -> str:
    stop = _line_end(text, entry.end)
    tail = text[entry.end : stop]
    comment = tail.lstrip(" \t")
    if comment.startswith("#") and (room := len(tail) - len(comment)) > 1:
        # a comment that was lined up stays where it is, if the new value leaves room
        before = text[entry.value : entry.end].rpartition("\n")[2]
        tail = " " * max(2, room + len(before) - len(literal)) + comment
    return text[: entry.value] + literal + tail + text[stop:]


def _set_section(text: str, path: Path, below: list[Path], literal: str) -> str:
    """A value for what is a section so far: its keys change where the value is a table too."""
    try:
        table = tomllib.loads(f"v = {literal}")["v"]
    except tomllib.TOMLDecodeError:
        return text
    if not isinstance(table, dict):
        return set_key(remove_key(text, path), path, literal)
    for key, value in table.items():
        text = set_key(text, (*path, key), to_literal(value))
    for one in below:
        if one[len(path)] not in table:
            text = remove_key(text, one)
    return text


def _change_inline(text: str, entry: Entry, key: str, literal: str | None) -> str:
    """One key of a table that is written as { … }."""
    try:
        table = tomllib.loads(f"v = {text[entry.value : entry.end]}")["v"]
        if literal is None:
            table.pop(key, None)
        else:
            table[key] = tomllib.loads(f"v = {literal}")["v"]
        written = to_literal(table)
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        return text  # what stands there is no table: the reader of the whole will say so
    return _replace_value(text, entry, written)


def _insert_line(text: str, after: int, line: str) -> str:
    stop = _line_end(text, after)
    return f"{text[:stop]}\n{line}{text[stop:] or chr(10)}"


def _cut_lines(text: str, start: int, end: int) -> str:
    first = text.rfind("\n", 0, start) + 1
    return text[:first] + text[_line_end(text, end) + 1 :]


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _split_raw(key: str) -> list[str]:
    """The parts of a dotted key as they are written."""
    return re.findall(_PART, key) or [key]


def _unquote(part: str) -> str:
    if part[:1] not in ("'", '"'):
        return part
    try:
        return str(tomllib.loads(f"v = {part}")["v"])
    except tomllib.TOMLDecodeError:
        return part


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else to_literal(key)
