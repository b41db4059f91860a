"""The visible checks of a notebook's exercises, each exercise in a fresh process of this Python: what a student sees
before handing in. No sandbox, for it is the student's own machine; the same reading, calling and checking as the
judge's, so that what passes here passes there.

Each process writes a line a check into a file: whatever ends it, what was found by then is kept. Works wherever the
lessons do.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import course
from course.exercise import Exercise, NotWritten, Wrong
from course.grading.inside import program, wire
from course.grading.inside.loaded import Loaded
from course.grading.kit import Asked, Kit, load_kit
from course.grading.remote import Raised, Remote, noted, source_of

_START, _EACH = 20, 5  # wall seconds: to begin, and for each CPU second that the judge allows


@dataclass
class Tried:
    """One exercise, tried: for each visible check its title and why it failed, or nothing."""

    asked: Asked
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: str = ""  # why no check was run
    words: int = 0  # of prose

    @property
    def passed(self) -> bool:
        return not self.absent and all(not reason for _, reason in self.outcomes)

    def lines(self) -> list[str]:
        """A headline, then what failed and what was odd."""
        failed = [f"    no  {title}: {_indented(reason)}" for title, reason in self.outcomes if reason]
        return [self._headline(), *failed, *[f"    note: {_indented(note)}" for note in self.notes]]

    def _headline(self) -> str:
        name = f"{self.asked.name} ({self.asked.points:g} points)"
        if self.absent:
            return f"{name}: {self.absent}"
        if self.asked.marked == "people":
            return f"{name}: {self.words} words; a person will mark it"
        passed, more = sum(not reason for _, reason in self.outcomes), self.asked.hidden
        rest = f"; {more} more {'runs' if more == 1 else 'run'} after you hand in" if more else ""
        return f"{name}: visible checks {passed} of {len(self.outcomes)}{rest}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n        ")


def try_all(data: bytes, kit: Kit, names: list[str] | None = None) -> list[Tried]:
    """The exercises of a notebook, or those in `names`, tried one after the other. Raises program.Unreadable."""
    asked = {each.name: {"needs": list(each.needs), "marked": each.marked} for each in kit.exercises}
    found = program.read(data, asked)
    variants = _variants(data)
    return [_tried(each, found["exercises"][each.name], kit, variants) for each in kit.exercises
            if names is None or each.name in names]


def _tried(asked: Asked, found: dict, kit: Kit, variants: dict) -> Tried:
    tried = Tried(asked, notes=list(found.get("notes", [])))
    if asked.marked == "people":
        tried.words = len(found["prose"].replace("*Your words here.*", "").split())
        tried.absent = "" if tried.words else "nothing is written there yet"
        return tried
    if not found["found"]:
        tried.absent = "nothing in the notebook defines it"
    elif found["missing"]:
        tried.absent = f"it needs {' and '.join(found['missing'])}, which is not there"
    else:
        kept, strangers = _graded_with(found["program"], kit.packages)
        tried.notes += [f"{name} is imported, and will not be there when it is graded" for name in strangers]
        _run(tried, {"kit": str(kit.folder.resolve()), "name": asked.name, "program": kept, "variants": variants}, kit)
    return tried


def _variants(data: bytes) -> dict[str, dict]:
    """What release wrote into the cell `variant`: VARIANT = {...}, plain values."""
    for cell in json.loads(data.decode("utf-8-sig"))["cells"]:
        try:
            if cell["metadata"]["nbgrader"]["grade_id"] == "variant":
                (node,) = ast.parse("".join(cell["source"])).body
                found = ast.literal_eval(node.value)
                return {str(name): dict(values) for name, values in found.items()}
        except (KeyError, TypeError, ValueError, AttributeError, SyntaxError):
            continue
    return {}


def _graded_with(statements: list, packages: tuple[str, ...]) -> tuple[list, list[str]]:
    """The program without imports of what the judge will not have, and their names."""
    known, kept, strangers = {*sys.stdlib_module_names, *packages}, [], []
    for cell, source in statements:
        names = []
        for node in ast.parse(source).body:
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        foreign = [name.split(".")[0] for name in names if name.split(".")[0] not in known]
        strangers += [name for name in foreign if name not in strangers]
        if not foreign:
            kept.append([cell, source])
    return kept, strangers


# ---------------------------------------------------------------- a process for one exercise


def _run(tried: Tried, job: dict[str, Any], kit: Kit) -> None:
    titles = [check.title for check in kit.visible[tried.asked.name].checks]
    seconds = _START + _EACH * kit.limits["cpu_seconds"]
    with tempfile.TemporaryDirectory(prefix="nnlab-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "job").write_text(json.dumps(job), encoding="utf-8")
        ended = _ended(place, seconds)
        told = [json.loads(line) for line in _text(place / "told").split("\n")[:-1]]
        errors = _text(place / "errors").strip()
    tried.notes += [note for each in told for note in each.get("notes", [])]
    tried.absent = next((each["absent"] for each in told if each.get("absent")), "")
    reasons = [each["reason"] for each in told if "reason" in each]
    if not tried.absent and len(reasons) < len(titles):
        code = f" ({errors[-200:]})" if ended is not None and errors else ""
        reasons.append(f"it did not end within {seconds} seconds: an endless loop?" if ended is None
                       else f"its process ended by itself or crashed{code}")
        reasons += ["not run: the one before it ended the process"] * (len(titles) - len(reasons))
    tried.outcomes = list(zip(titles, reasons, strict=False))


def _ended(place: Path, seconds: float) -> int | None:
    """Run the job in a folder; its exit code, or None if it had to be ended."""
    paths = [str(Path(course.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "MPLBACKEND": "Agg",
           "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    with (place / "errors").open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-m", "course.grading.tryout", str(place)], cwd=place, env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                   start_new_session=os.name == "posix")
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill(process)


def _kill(process: subprocess.Popen) -> None:
    """End it, and where that can be told what it has started."""
    try:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
    process.wait()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def main(place: Path) -> None:
    """In the process: load the code, run the checks, a line for each."""
    job = json.loads((place / "job").read_text(encoding="utf-8"))
    kit = load_kit(Path(job["kit"]))
    exercise, numbers = kit.visible[job["name"]], kit.limits["numbers"]
    variants = {name: job["variants"].get(name) or (each.draw(np.random.default_rng(0)) if each.draw else {})
                for name, each in kit.visible.items()}
    encoded = {name: {key: wire.encode(value, 1000) for key, value in each.items()} for name, each in variants.items()}
    with (place / "told").open("w", encoding="utf-8") as told:
        def tell(**what: Any) -> None:
            told.write(json.dumps(what) + "\n")
            told.flush()

        loaded = Loaded({"numbers": numbers, "name": exercise.name, "is_value": exercise.is_value, "variants": encoded,
                         "program": job["program"],
                         "probes": {name: source_of(probe) for name, probe in exercise.probes.items()}})
        about = loaded.about()
        about["notes"] = [noted(note, job["program"]) for note in about["notes"]]
        tell(notes=about["notes"], absent=_absent(exercise, about))
        for number, check in enumerate(exercise.checks):
            asking = Remote(exercise, variants[exercise.name], _Asking(loaded), numbers, job["program"])
            try:
                with np.errstate(all="ignore"):
                    check.run(asking, np.random.default_rng([number, len(exercise.name)]))  # as in the notebook
                tell(reason="")
            except NotWritten:
                return tell(absent="not written yet: it returns None")
            except Wrong as wrong:
                tell(reason=str(wrong) or check.title)
            except Exception as problem:
                words = str(problem) if isinstance(problem, Raised) else f"{type(problem).__name__}: {problem}"
                tell(reason=f"{words}\n{asking.line}".strip())
    return None


class _Asking:
    """`ask` of a Remote whose other end is in this process."""

    def __init__(self, loaded: Loaded):
        self._loaded = loaded

    def __call__(self, probe: str, args: tuple) -> dict:
        given = [wire.encode(arg, 1 << 22) for arg in args]
        return self._loaded.answer({"n": 0, "probe": probe, "args": given, "errors": np.geterr()})


def _absent(exercise: Exercise, about: dict) -> str:
    if not about["loaded"]:
        return f"it is not there when its cells have run. {' '.join(about['notes'])}".strip()
    if not exercise.is_value and not about["callable"]:
        return f"it is a {about['kind']}; it must be {exercise.call}"
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
