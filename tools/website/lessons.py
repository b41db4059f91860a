"""A lesson's notebook as a page: its words, code, stored outputs, and for each lab its question and a still picture.

An exercise stays what it is in the notebook, a text and an empty function; that it is "not written yet" is left out.
"""

import html
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbconvert.filters import strip_ansi

from course.labs.lab import Lab
from tools.website.stills import Still, lab_of
from tools.website.words import Writer, code

Draw = Callable[[dict, dict], Still]


class Lesson:
    """One lesson, read: what the front page says of it, and its body."""

    def __init__(self, file: Path):
        self.file, self.notebook = file, nbformat.read(file, as_version=4)
        number, _, name = file.stem.partition("_")
        self.url = f"lessons/{file.stem}.html"
        first = next((cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"), "")
        title = re.search(r"^# (?:\d+ · )?(.+)", first, re.M)
        self.title = title[1] if title else name.replace("_", " ").capitalize()
        self.headline = f"{int(number)} · {self.title}" if number.isdecimal() else self.title
        minutes = re.search(r"\*About (\d+) minutes", first)
        self.minutes = int(minutes[1]) if minutes else None
        self.goals = re.findall(r"^- (.+?)[;.]?$", first, re.M)

    def body(self, writer: Writer, draw: Draw, keep: Callable[[str, bytes], None]) -> str:
        """The page's HTML. Pictures are handed to `keep(path in the site, bytes)`."""
        parts, seen = [], 0
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown":
                parts.append(writer.page(cell.source))
                continue
            parts.append(code(cell.source))
            for output in [] if re.search(r"^check\(", cell.source, re.M) else cell.outputs:
                if "image/png" in output.get("data", {}):
                    seen += 1
                    name = f"pictures/{self.file.stem}-{seen}"
                    parts.append(figure(output, writer, draw, name, keep))
                else:
                    parts.append(words_of(output))
        return "\n".join(parts)


def words_of(output: dict) -> str:
    """A stored output without a picture."""
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="output scroll">{data["text/html"]}</div>'
    text = output.get("text") or "\n".join(output.get("traceback", [])) or data.get("text/plain", "")
    return f'<pre class="output">{html.escape(strip_ansi(text).rstrip())}</pre>' if text else ""


def figure(output: dict, writer: Writer, draw: Draw, name: str, keep: Callable[[str, bytes], None]) -> str:
    """A picture in both themes; a lab's with its question above and what it is below."""
    still, lab = draw(output["data"], output.get("metadata", {})), lab_of(output["data"].get("text/plain", ""))
    for theme, file in still.files.items():
        keep(f"{name}-{theme}.{still.kind}", file)
    width, height = still.size
    size = f'width="{width}" height="{height}"'
    dark = (f'<source media="(prefers-color-scheme: dark)" srcset="{writer.to(f"{name}-dark.{still.kind}")}" {size}>'
            if "dark" in still.files else "")
    picture = (f'<picture>{dark}<img src="{writer.to(f"{name}-light.{still.kind}")}" {size} loading="lazy" '
               f'decoding="async" alt="{html.escape(still.alt)}"></picture>')
    if lab is None:
        return f"<figure>{picture}</figure>"
    return f"{question(lab)}<figure>{picture}<figcaption>{caption(lab, still)}</figcaption></figure>"


def question(lab: type[Lab]) -> str:
    """What the lab asks before it opens, with the answer to be unfolded."""
    if lab.question is None:
        return ""
    asked = lab.question
    choices = "".join(f"<li>{html.escape(choice)}</li>" for choice in asked.choices)
    return (f'<aside class="predict" aria-label="A prediction for lab {lab.id}"><p><b>Predict first.</b> '
            f"{html.escape(asked.text)}</p><ul>{choices}</ul><details><summary>The answer</summary><p><b>"
            f"{html.escape(asked.answer)}</b>. {html.escape(asked.reveal)}</p></details></aside>")


def caption(lab: type[Lab], still: Still) -> str:
    """Which lab it is, and what one can move there."""
    controls = ", ".join(html.escape(control.label or name) for name, control in lab.controls.items())
    moves = f" In JupyterLab you move: {controls}." if controls else ""
    stop = "" if lab.title[-1] in "?!." else "."
    return (f"<b>Lab {lab.id} · {html.escape(lab.title)}{stop}</b> A still picture"
            f"{f', {still.note}' if still.note else ''}.{moves}")
