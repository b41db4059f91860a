"""Still pictures for the labs of a lesson, which live only where a kernel runs.

`drawn` builds the lab and lets it draw itself, in the light and the dark theme, after some training where it trains.
`stored` takes the picture that the lesson's file holds. Either comes with the lab's own words for it.
"""

import base64
import contextlib
import importlib
import io
import pkgutil
import re
import tempfile
from functools import cache
from typing import NamedTuple

from PIL import Image

from course import labs
from course.labs.lab import Lab

FRAMES = 40  # of a training, before its picture is taken: enough for curves to be seen
SCALE = 2.0  # pixels of the picture for one of the page


class Still(NamedTuple):
    """A picture: its files by theme ("light" and perhaps "dark"), their kind, their size on the page, words for it."""

    files: dict[str, bytes]
    kind: str
    size: tuple[int, int]
    alt: str
    note: str


@cache
def every_lab() -> dict[str, type[Lab]]:
    """The labs of all units by their ids."""
    units = [importlib.import_module(f"course.labs.{unit.name}") for unit in pkgutil.iter_modules(labs.__path__)
             if unit.ispkg]
    return {lab.id: lab for unit in units for name in unit.__all__
            if isinstance(lab := getattr(unit, name), type) and issubclass(lab, Lab)}


def lab_of(words: str) -> type[Lab] | None:
    """The lab that an output of a lesson stands for, by its words "Lab 1a (...)"."""
    found = re.match(r"Lab (\w+) ", words)
    return every_lab().get(found[1]) if found else None


def stored(data: dict, metadata: dict) -> Still:
    """The picture as an output holds it."""
    png, words = base64.b64decode(data["image/png"]), data.get("text/plain", "A picture")
    about = metadata.get("image/png", {})
    size = Image.open(io.BytesIO(png)).size
    return Still({"light": png}, "png", (about.get("width", size[0]), about.get("height", size[1])),
                 about.get("alt") or words, "")


def drawn(data: dict, metadata: dict) -> Still:
    """The picture of the output's lab, drawn now; what is no lab stays as it is stored."""
    lab_class = lab_of(data.get("text/plain", ""))
    if lab_class is None:
        return stored(data, metadata)
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):  # where nothing has been predicted yet
        lab = lab_class()
    try:
        lab._look(False, SCALE)
        note = "as the lab opens, before the prediction" if lab.asking else ""
        if lab.train:
            lab.step(FRAMES * lab.per_frame)
            note = f"after {lab.taken} steps of training"
        if lab.error:
            raise RuntimeError(f"lab {lab.id}: {lab.error}")
        files = {"light": _webp(lab)}
        lab._look(True, SCALE)
        files["dark"] = _webp(lab)
        return Still(files, "webp", lab.size, lab.stage.alt, note)
    finally:
        lab.close()


def _webp(lab: Lab) -> bytes:
    file = io.BytesIO()
    Image.fromarray(lab.view.pixels()).convert("RGB").save(file, "WEBP", lossless=True, quality=40, method=2)
    return file.getvalue()
