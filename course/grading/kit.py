"""A unit's kit as the judge uses it: what `unit.toml` says, the visible and the hidden exercises, one hash of it all.

`unit.toml` is read strictly: a word that is not known, a number that does not add up, an exercise without checks is an
error that names the place and what would be right. So a mistake of the author is found before a student meets it.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import importlib.util
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from course.exercise import Exercise

PACKAGES = ("numpy", "nnlab")  # what a sandbox can hold beside the standard library
KINDS = ("library", "bug", "predict", "rule", "design")
MARKERS = ("judge", "people")
LIMITS = {"cpu_seconds": 3, "memory_mb": 1000, "numbers": 10_000}
MOST_LIBRARY = 0.3  # of a unit's points: what nnlab contains could be copied
_UNIT = {"unit": str, "title": str, "version": str, "minutes": dict, "objectives": list, "prerequisites": list,
         "labs": list, "packages": list, "limits": dict, "exercise": list}
_EXERCISE = {"name": str, "kind": str, "marked": str, "points": (int, float), "hidden": int, "needs": list,
             "minutes": (int, float)}
_OPTIONAL = {"limits", "marked", "hidden", "needs"}
_HASHED = ("unit.toml", "graded.py", "private/hidden.py")


class KitError(Exception):
    """A kit that cannot be used: the file, what is wrong in it, what would be right."""


@dataclass(frozen=True)
class Asked:
    """One exercise as unit.toml lists it."""

    name: str
    kind: str
    points: float
    minutes: float
    marked: str = "judge"
    hidden: int = 0
    needs: tuple[str, ...] = ()


class Kit:
    """A unit's folder, read and checked. Raises KitError."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.about = _read_toml(self.folder / "unit.toml")
        self.unit, self.version, self.title = (self.about[key] for key in ("unit", "version", "title"))
        self.packages = tuple(self.about["packages"])
        self.limits = {**LIMITS, **self.about.get("limits", {})}
        self.exercises = [_asked(each, f"{self.folder / 'unit.toml'}, exercise {i + 1}")
                          for i, each in enumerate(self.about["exercise"])]
        self.rubrics: dict[str, list[dict]] = {}  # how people mark; a student's kit has none
        _agree(self)

    @cached_property
    def visible(self) -> dict[str, Exercise]:
        return _exercises(self.folder / "graded.py")

    @cached_property
    def hidden(self) -> dict[str, Exercise]:
        """Empty where the kit is a student's: private/ does not travel."""
        file = self.folder / "private" / "hidden.py"
        return _exercises(file) if file.exists() else {}

    @cached_property
    def hash(self) -> str:
        """sha256 of what decides grades: the same hash and the same bytes handed in give the same grade."""
        whole = hashlib.sha256()
        for name in _HASHED:
            file = self.folder / name
            data = file.read_bytes() if file.exists() else b""
            whole.update(f"{name} {len(data)}\n".encode() + data)
        return whole.hexdigest()

    @property
    def points(self) -> float:
        return sum(each.points for each in self.exercises)

    def only(self, name: str) -> Kit:
        """The same with one exercise."""
        alone = copy.copy(self)
        alone.exercises = [self.asked(name)]
        return alone

    def asked(self, name: str) -> Asked:
        """One exercise by name; KitError if there is none."""
        for each in self.exercises:
            if each.name == name:
                return each
        raise KitError(f"{self.unit} has no exercise {name!r}{nearest(name, [each.name for each in self.exercises])}")


def load_kit(folder: Path) -> Kit:
    """The kit in a folder. Raises KitError."""
    return Kit(folder)


def _exercises(file: Path) -> dict[str, Exercise]:
    return {each.name: each for each in vars(run_file(file)).values() if isinstance(each, Exercise)}


def run_file(file: Path) -> ModuleType:
    """A file of a kit as a module; a unit's folder begins with a digit and cannot be imported. Raises KitError."""
    name = f"_kit_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect.getsource of a probe looks there
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise KitError(f"{file} is missing: every unit with an assignment has one") from None
    except Exception as problem:
        raise KitError(f"{file} does not run: {type(problem).__name__}: {problem}") from problem
    return module


def _read_toml(file: Path) -> dict[str, Any]:
    about = _parsed(file)
    _shape(about, _UNIT, str(file))
    for limit, value in about.get("limits", {}).items():
        if limit not in LIMITS or type(value) is not int or value < 1:
            raise KitError(f"{file}, limits: {limit} = {value!r}; expected whole numbers, of {', '.join(LIMITS)}")
    if "numpy" not in about["packages"] or set(about["packages"]) - set(PACKAGES):
        raise KitError(f"{file}: packages = {about['packages']}; expected numpy, and perhaps {PACKAGES[1]}, as "
                       "what may be imported when it is graded")
    if not about["exercise"]:
        raise KitError(f"{file} lists no exercise: add [[exercise]] with name, kind, points and minutes")
    return about


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise KitError(f"there is no {file}: is it the folder of a unit?") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise KitError(f"{file} is not TOML: {problem}") from None


def _shape(table: dict, known: dict[str, Any], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise KitError(f"{where}: unknown word {key!r}{nearest(key, list(known))}")
        if not isinstance(value, known[key]) or isinstance(value, bool):
            kinds = known[key] if isinstance(known[key], tuple) else (known[key],)
            raise KitError(f"{where}: {key} is {value!r}, a {type(value).__name__}; expected "
                           f"{' or '.join(kind.__name__ for kind in kinds)}")
    if missing := [key for key in known if key not in table and key not in _OPTIONAL]:
        raise KitError(f"{where}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def nearest(word: str, known: list[str]) -> str:
    """The end of a message about a word that is not known: the known one it looks like, or all of them."""
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known) or 'none'}"


def _asked(table: Any, where: str) -> Asked:
    if not isinstance(table, dict):
        raise KitError(f"{where}: expected a table, as in [[exercise]]")
    _shape(table, _EXERCISE, where)
    where = f"{where} ({table['name']})"
    if not re.fullmatch(r"[A-Za-z]\w*", table["name"], re.ASCII):
        raise KitError(f"{where}: the name must be that of a Python function or value")
    if table["kind"] not in KINDS:
        raise KitError(f"{where}: kind {table['kind']!r}{nearest(table['kind'], list(KINDS))}")
    if table.get("marked", "judge") not in MARKERS:
        raise KitError(f"{where}: marked {table['marked']!r}; it is marked by the judge or by people")
    if table["points"] <= 0:
        raise KitError(f"{where}: {table['points']} points; expected more than 0")
    return Asked(**{**table, "needs": tuple(table.get("needs", []))})


def _rubrics(kit: Kit) -> dict[str, list[dict]]:
    """private/rubric.toml: for each exercise that people mark, [[NAME]] with points and a text, the best first."""
    file = kit.folder / "private" / "rubric.toml"
    rubrics = _parsed(file) if file.exists() else {}
    asked = {each.name: each for each in kit.exercises if each.marked == "people"}
    if missing := sorted(asked.keys() - rubrics):
        raise KitError(f"{file}: people mark {missing[0]}, and there is no rubric for it: [[{missing[0]}]] with points "
                       "and text, once for each step")
    for name, steps in rubrics.items():
        if name not in asked:
            raise KitError(f"{file}: {name!r} is no exercise that people mark{nearest(name, list(asked))}")
        most = asked[name].points
        for step in steps if isinstance(steps, list) else [steps]:
            if not isinstance(step, dict) or set(step) != {"points", "text"} or not 0 <= step["points"] <= most:
                raise KitError(f"{file}, {name}: {step!r}; expected points from 0 to {most:g}, and a text")
    return rubrics


def _agree(kit: Kit) -> None:
    """The list in unit.toml against the checks: names, points, counts."""
    where, names = kit.folder / "unit.toml", [each.name for each in kit.exercises]
    if twice := {name for name in names if names.count(name) > 1}:
        raise KitError(f"{where}: two exercises are called {min(twice)!r}")
    private = bool(kit.hidden)
    if private:
        kit.rubrics = _rubrics(kit)
    for each in kit.exercises:
        if strangers := set(each.needs) - set(names):
            raise KitError(f"{where}: {each.name} needs {min(strangers)!r}{nearest(min(strangers), names)}")
        if each.marked == "people":
            continue
        if each.name not in kit.visible:
            raise KitError(f"{kit.folder / 'graded.py'} has no exercise {each.name!r}, which unit.toml lists")
        hidden = kit.hidden[each.name].checks if each.name in kit.hidden else []
        if private and len(hidden) != each.hidden:
            raise KitError(f"{where}: {each.name} says hidden = {each.hidden}; private/hidden.py has {len(hidden)}")
        points = sum(check.points for check in [*kit.visible[each.name].checks, *hidden])
        if private and abs(points - each.points) > 1e-9:
            raise KitError(f"{where}: {each.name} is worth {each.points:g} points; its checks add up to {points:g}")
        if silent := [check.title for check in hidden if not check.symptom]:
            raise KitError(f"private/hidden.py: {each.name}, {silent[0]!r} has no symptom to tell the student")
    judged = [each.name for each in kit.exercises if each.marked == "judge"]
    for file, found in (("graded.py", kit.visible), ("private/hidden.py", kit.hidden)):
        if strangers := set(found) - set(judged):
            raise KitError(f"{kit.folder / file} has {min(strangers)!r}, which unit.toml does not list for the judge")
    library = sum(each.points for each in kit.exercises if each.kind == "library")
    if library > MOST_LIBRARY * kit.points + 1e-9:
        raise KitError(f"{where}: {library:g} of {kit.points:g} points are of the kind library, whose answers nnlab "
                       f"contains; at most {MOST_LIBRARY:.0%} may be")
