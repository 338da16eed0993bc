"""A terminal's screen as its cells: what stands where after a stream of output, colours left out.

Knows the sequences that full-screen programs paint with; any other is passed over.
"""

import codecs
import re
import unicodedata

_TOKEN = re.compile(
    r"\x1b\[(?P<private>[<-?]?)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_](?:[^\x1b]|\x1b(?!\\))*\x1b\\)"
    r"|\x1b[ -/]*(?P<escape>[0-OQ-WYZ`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


class Screen:
    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cells = [self._blank() for _ in range(rows)]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._x = self._y = 0
        self._saved = (0, 0)
        self._top, self._bottom = 0, rows - 1
        self._last = " "

    def lines(self) -> list[str]:
        return ["".join(row) for row in self.cells]

    def holds(self, text: str) -> bool:
        return any(text in line for line in self.lines())

    def feed(self, data: bytes) -> None:
        stream = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(stream):
            found = _TOKEN.match(stream, at)
            if found is None:
                break  # a sequence that is not all here yet
            at = found.end()
            if (text := found["text"]) is not None:
                for character in text:
                    self._write(character)
            elif (final := found["final"]) is not None:
                if not found["private"] and not found["between"]:
                    self._control(final, [int(n) if n else 0 for n in re.split("[;:]", found["numbers"])])
                elif found["private"] == "?" and final in "hl" and "1049" in found["numbers"].split(";"):
                    self.cells = [self._blank() for _ in range(self.rows)]
            elif (control := found["control"]) is not None:
                self._move_by_character(control)
            elif (escape := found["escape"]) is not None:
                self._escape(escape)
        self._rest = stream[at:]

    def _blank(self) -> list[str]:
        return [" "] * self.columns

    def _write(self, character: str) -> None:
        if unicodedata.combining(character) or character in "\u200d\ufe0e\ufe0f":
            return
        wide = unicodedata.east_asian_width(character) in "WF"
        if self._x + wide >= self.columns:
            if self._x >= self.columns:  # the line is full, and only now is there more to write
                self._x = 0
                self._down()
            elif wide:
                return
        row = self.cells[self._y]
        row[self._x] = character
        if wide:
            row[self._x + 1] = ""
        self._x += 1 + wide
        self._last = character

    def _move_by_character(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control in "\n\v\f":
            self._down()
        elif control == "\b":
            self._x = max(0, min(self._x, self.columns - 1) - 1)
        elif control == "\t":
            self._x = min(self.columns - 1, (self._x // 8 + 1) * 8)

    def _escape(self, escape: str) -> None:
        if escape == "7":
            self._saved = (self._x, self._y)
        elif escape == "8":
            self._x, self._y = self._saved
        elif escape in "DE":
            self._x = 0 if escape == "E" else self._x
            self._down()
        elif escape == "M":
            if self._y == self._top:
                self._scroll(self._top, -1)
            else:
                self._y = max(0, self._y - 1)

    def _down(self) -> None:
        if self._y == self._bottom:
            self._scroll(self._top, 1)
        else:
            self._y = min(self.rows - 1, self._y + 1)

    def _scroll(self, top: int, count: int) -> None:
        """Move the rows from `top` to the region's end up by `count`, down where it is negative."""
        size = self._bottom + 1 - top
        new = [self._blank() for _ in range(min(abs(count), size))]
        part = self.cells[top : self._bottom + 1]
        self.cells[top : self._bottom + 1] = part[len(new) :] + new if count > 0 else new + part[: size - len(new)]

    def _control(self, final: str, numbers: list[int]) -> None:
        first = numbers[0]
        count = first or 1
        second = (numbers[1] if len(numbers) > 1 else 0) or 1
        x, y = min(self._x, self.columns - 1), self._y
        row = self.cells[y]
        match final:
            case "H" | "f":
                x, y = second - 1, count - 1
            case "A" | "F":
                x, y = (0 if final == "F" else x), y - count
            case "B" | "E":
                x, y = (0 if final == "E" else x), y + count
            case "C" | "a":
                x += count
            case "D":
                x -= count
            case "G" | "`":
                x = count - 1
            case "d":
                y = count - 1
            case "I":
                x = (x // 8 + count) * 8
            case "Z":
                x = (-(-x // 8) - count) * 8
            case "s":
                self._saved = (x, y)
                return
            case "u":
                x, y = self._saved
            case "J" | "K":
                self._erase(final == "J", first, x, y)
                return
            case "X":
                row[x : x + count] = [" "] * len(row[x : x + count])
                return
            case "b":
                for _ in range(count):
                    self._write(self._last)
                return
            case "@":
                self.cells[y] = (row[:x] + [" "] * count + row[x:])[: self.columns]
                return
            case "P":
                self.cells[y] = (row[:x] + row[x + count :] + [" "] * count)[: self.columns]
                return
            case "L" | "M":
                if self._top <= y <= self._bottom:
                    self._scroll(y, count if final == "M" else -count)
                return
            case "S" | "T":
                self._scroll(self._top, count if final == "S" else -count)
                return
            case "r":
                self._top = min(count, self.rows) - 1
                self._bottom = min(second if second > 1 else self.rows, self.rows) - 1
                x = y = 0
            case _:
                return
        self._x, self._y = max(0, min(self.columns - 1, x)), max(0, min(self.rows - 1, y))

    def _erase(self, screen: bool, what: int, x: int, y: int) -> None:
        """To the end (0), from the beginning (1) or all (2), of the line or of the screen."""
        row = self.cells[y]
        start, stop = (0 if what else x), (self.columns if what != 1 else x + 1)
        row[start:stop] = [" "] * (stop - start)
        if screen:
            for other in range(0 if what else y + 1, self.rows if what != 1 else y):
                if other != y:
                    self.cells[other] = self._blank()
