"""A CSV file in which single cells are changed and every other byte stays: order, quotes, line ends, encoding.

The csv module reads such a file but cannot write it back as it was: it forgets which cells were quoted. So each cell
here knows where it stands in the text, and a change is cut into that place.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import NamedTuple

from course.grading.office import OfficeError

LARGEST = 50_000_000  # bytes of an LMS's file
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class ExportError(OfficeError):
    """The LMS's file cannot be filled in, in one line that says what to do."""


class Cell(NamedTuple):
    """What a cell says, and where it stands in the text, quotes and all."""

    value: str
    start: int
    end: int


class Sheet:
    """A CSV file: `rows` of cells, blank lines left out; `fill` notes a change, `as_bytes` is the file with all."""

    def __init__(self, path: Path):
        self.path = path
        self.text, self.encoding = _decoded(path)
        begin = 1 if self.text.startswith("\ufeff") else 0
        read = {delimiter: self._row(begin, delimiter)[0] for delimiter in ",;\t"}
        self.delimiter = max(read, key=lambda delimiter: len(read[delimiter]))
        self.rows, place = [], begin
        while place < len(self.text):
            row, place = self._row(place, self.delimiter)
            if len(row) > 1 or row[0].value.strip():
                self.rows.append(row)
        if not self.rows:
            raise ExportError(f"{path} is empty")
        self._new: dict[tuple[int, int], str] = {}

    def _row(self, place: int, delimiter: str) -> tuple[list[Cell], int]:
        """The cells of the line that begins at `place`, and where the next one begins."""
        field = re.compile(rf'"([^"]*(?:""[^"]*)*)"([^{delimiter}\r\n]*)|([^{delimiter}\r\n]*)')
        cells, text = [], self.text
        while True:
            found = field.match(text, place)
            plain = found[3]
            if plain and plain.startswith('"'):
                raise ExportError(f"{self.path}: the quote before {plain[1:30]!r} is never closed; export it again")
            value = plain if plain is not None else found[1].replace('""', '"') + found[2]
            cells.append(Cell(value, place, found.end()))
            place = found.end()
            if text[place:place + 1] != delimiter:
                return cells, place + (2 if text.startswith("\r\n", place) else 1)
            place += 1

    @property
    def heads(self) -> list[str]:
        return [cell.value.strip() for cell in self.rows[0]]

    def value(self, row: int, column: int) -> str:
        """What a cell says, without space around it."""
        cells = self.rows[row]
        if len(cells) <= column:
            raise ExportError(f"{self.path}: the line of {cells[0].value[:40]!r} has {len(cells)} cells, the first "
                              f"{len(self.rows[0])}; was it changed by hand? export it again")
        return cells[column].value.strip()

    def fill(self, row: int, column: int, value: str) -> None:
        """`value` is written as it is, in quotes where the cell has some or needs some."""
        self._new[row, column] = value

    def as_bytes(self) -> bytes:
        parts, place = [], 0
        for (row, column), value in sorted(self._new.items()):
            _, start, end = self.rows[row][column]
            if self.text[start:start + 1] == '"' or re.search(rf'[{self.delimiter}"\r\n]', value):
                value = '"' + value.replace('"', '""') + '"'
            parts += [self.text[place:start], value]
            place = end
        return "".join([*parts, self.text[place:]]).encode(self.encoding)


def folded(text: str) -> str:
    """The same for two cells that differ in capitals, in spaces or in how an accent is written."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def _decoded(path: Path) -> tuple[str, str]:
    """The text of a file and the encoding that turns it back into the same bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as problem:
        raise ExportError(f"{path} cannot be read: {problem.strerror}") from None
    if len(data) > LARGEST:
        raise ExportError(f"{path} has more than {LARGEST // 1_000_000} MB: is it the file of the LMS?")
    encodings = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    for encoding in encodings or ["utf-8", "latin-1"]:  # the last takes every byte and gives it back
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, encoding
    raise ExportError(f"{path} is no text: an Excel file? export it from the LMS as CSV")
