"""The report of a unit: one page for the instructor, which no student sees, made of the record and what was handed in.

Which checks fail, and whether one is likely to be wrong itself; how the points are spread; whose sources are alike and
how often that comes by chance; what those predicted who handed their predictions in. Every text of a student's is
cleaned and escaped, nothing of it is run, and pictures are data in the page, drawn of numbers and the checks' titles.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course.grading import charts, feedback, likeness, shelf, store, strip, tally
from course.grading.bank import Bank
from course.grading.kit import Kit, KitError, load_kit
from course.grading.office import Office, OfficeError, hidden
from course.grading.records import Records, RecordsError
from course.grading.standing import Standing, number
from course.grading.telling import Progress
from course.record import now

FOLDER = "reports"
PAIRS, SHOWN = 10, 25  # pairs and checks in the pictures, the most alike and the most failed first
MANY = 0.5  # a hidden check that so many fail who pass all the visible ones is worth a look
FEW = 5  # students: of fewer no remark is made
EASY = "everybody passes it"


@dataclass
class One:
    """One who handed in, by the attempt that counts: `who` is all of the group."""

    who: str
    standing: Standing
    exercises: dict[str, list[dict]]  # name -> its checks, as the record has them
    sources: likeness.Sources
    predictions: dict[str, Any] | None = None


def write(office: Office, wanted: str, out: Path | None = None) -> Path:
    """Write the page of a unit; where. Raises OfficeError, RecordsError, KitError."""
    unit = office.unit(wanted).name
    kit = load_kit(office.folder / "units" / unit)
    with Records(office.folder) as records:
        class_ = _class(office, records, kit)
    if not class_:
        raise OfficeError(f"{unit}: nothing is graded yet: nnlab grade {wanted}")
    out = out or office.folder / FOLDER / f"{unit}.html"
    if out.parent == office.folder / FOLDER:
        hidden(office.folder, f"{FOLDER}/")
        out.parent.mkdir(exist_ok=True)
    store.put(out, page(kit, class_, references(kit, given(office, kit))).encode("utf-8"))
    return out


def _class(office: Office, records: Records, kit: Kit) -> list[One]:
    """All whose work is judged, one of each group."""
    by_submission = defaultdict(list)
    for each in tally.standings(office, records, kit.unit):
        if each.grading is not None:
            by_submission[each.submission.id].append(each)
    names, taken, found = [each.name for each in kit.exercises], given(office, kit), []
    with Progress("read", len(by_submission)) as progress:
        for together in by_submission.values():
            each, graded = together[0], records.graded(together[0].grading)
            data = b""
            if not graded.refused:  # what the judge could not read is not read here
                try:
                    data = shelf.read(office.folder, each.submission)
                except RecordsError:
                    data = b""
            written = {name: likeness.own(text, taken) for name, text in likeness.sources(data, names).items()}
            checks = {one.name: [vars(check) for check in one.checks] for one in graded.exercises}
            who = feedback.clean(", ".join(one.student for one in together), 200)
            found.append(One(who, each, checks, written, _predictions(data)))
            progress.step()
    return found


def _predictions(data: bytes) -> dict[str, Any] | None:
    """What was handed in with --with-predictions; None where nothing was."""
    try:
        found = json.loads(data.decode("utf-8-sig"))["metadata"]["nnlab"]["predictions"]
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError):
        return None
    return found if isinstance(found, dict) else None


def given(office: Office, kit: Kit) -> set[str]:
    """The lines that students were given, of every version that is out."""
    lines = set()
    for folder in [kit.folder, *sorted((office.folder / "released" / kit.unit).glob("*/kit"))]:
        try:
            notebook = strip.stripped(strip.load(folder / "private" / "assignment.ipynb"))
        except (strip.StripError, KeyError, TypeError):
            continue
        lines |= {" ".join(line.split()) for cell in notebook["cells"] for line in cell["source"].splitlines()}
    return lines


def references(kit: Kit, taken: set[str]) -> list[likeness.Sources]:
    """Right solutions that no student has seen: the author's, then the bank's unusual ones, each of all exercises."""
    try:
        bank = Bank(kit)
        solved = strip.solved(bank.notebook)
    except (KitError, strip.StripError, KeyError, TypeError, OSError):
        return []
    author = {strip.label(cell): cell["source"] for cell in solved["cells"] if cell["cell_type"] == "code"}
    texts = {name: [*([author[name]] if name in author else []), *ways.values()] for name, ways in bank.benign.items()}
    most = max(map(len, texts.values()), default=0)
    return [{name: likeness.own(ways[n % len(ways)], taken) for name, ways in texts.items() if ways}
            for n in range(most)]


# ---------------------------------------------------------------- the page


def page(kit: Kit, class_: list[One], bank: list[likeness.Sources]) -> str:
    """The whole page."""
    checks = failing(class_)
    return feedback.template("report.html").render(
        title=feedback.clean(kit.title, 200), when=now()[:10], version=kit.version, people=len(class_),
        checks=checks, check_plot=_check_plot(checks) if checks else "", few=len(class_) < FEW, spread=spread(class_),
        alike=alike(class_, bank), tally=predicted(kit, class_))


def failing(class_: list[One]) -> list[dict[str, Any]]:
    """Each check: how many fail it, how those do in the rest of the unit, and a remark where it may be wrong itself."""
    found: dict[tuple, list[tuple[One, bool]]] = defaultdict(list)
    for one in class_:
        for name, checks in one.exercises.items():
            for check in checks:
                found[name, check["title"], check["hidden"]].append((one, check["passed"]))
    rows = []
    for (name, title, is_hidden), told in found.items():
        failed = sum(not passed for _, passed in told)
        rest = [[_rest(one, name) for one, passed in told if passed is kind] for kind in (True, False)]
        passing, losing = ([share for share in each if share is not None] for each in rest)
        seen = [passed for one, passed in told if all(c["passed"] for c in one.exercises[name] if not c["hidden"])]
        rows.append({"exercise": name, "title": feedback.clean(title, 200), "hidden": is_hidden, "failed": failed,
                     "of": len(told), "share": failed / len(told), "passing": _mean(passing), "losing": _mean(losing),
                     "remark": _remark(failed, len(told), is_hidden, seen, passing, losing)})
    return sorted(rows, key=lambda row: -row["share"])


def _rest(one: One, name: str) -> float | None:
    """The share of the points in all other exercises."""
    others = [each for key, each in one.standing.exercises.items() if key != name and each.points is not None]
    of = sum(each.of for each in others)
    return sum(each.points for each in others) / of if of else None


def _mean(shares: list[float]) -> str:
    return f"{100 * sum(shares) / len(shares):.0f} %" if shares else ""


def _remark(failed: int, of: int, is_hidden: bool, seen: list[bool], passing: list[float], losing: list[float]) -> str:
    if of < FEW:
        return ""
    if failed == of:
        return "nobody passes it: is the check right?"
    tells = min(len(passing), len(losing)) > 1 and _above(passing, losing)  # the good from the weak, as it should
    if is_hidden and len(seen) >= FEW and seen.count(False) >= MANY * len(seen) and not tells:
        return f"{seen.count(False)} of {len(seen)} who pass all visible checks fail it: does the text ask for it?"
    if min(len(passing), len(losing)) >= FEW and _above(losing, passing):
        return "who fails it does better in the rest than who passes: is the check right?"
    return "" if failed else EASY


def _above(one: list[float], other: list[float]) -> bool:
    """Whether the mean of one is higher by more than two standard errors: less is chance."""
    error = math.sqrt(np.var(one, ddof=1) / len(one) + np.var(other, ddof=1) / len(other))
    return np.mean(one) - np.mean(other) > 2 * error


def _check_plot(checks: list[dict[str, Any]]) -> str:
    return charts.bars([(f"{each['exercise']}: {each['title']}", 100 * each["share"],
                         each["remark"] not in ("", EASY)) for each in checks[:SHOWN]], "share that fails (%)")


def spread(class_: list[One]) -> dict[str, Any]:
    """The points before lateness, of the exercises that are decided for all, and how each exercise went."""
    exercises = []
    for name in dict.fromkeys(name for one in class_ for name in one.standing.exercises):
        mine = [one.standing.exercises[name] for one in class_ if name in one.standing.exercises]
        known = [each.points / each.of for each in mine if each.points is not None and each.of]
        exercises.append({"name": name, "mean": _mean(known), "full": sum(share >= 1 for share in known),
                          "none": sum(share == 0 for share in known), "known": len(known),
                          "pending": len(mine) - len(known)})
    waiting = [each["name"] for each in exercises if each["pending"]]
    decided = [[points for name, points in one.standing.exercises.items() if name not in waiting] for one in class_]
    totals, of = ([sum(getattr(each, what) for each in mine) for mine in decided] for what in ("points", "of"))
    low, middle, high = np.percentile(totals, [25, 50, 75])
    words = (f"{len(totals)} hand-ins have {number(min(totals))} to {number(max(totals))} of {number(max(of))} points; "
             f"the middle one has {number(middle)}, half of them have {number(low)} to {number(high)}.")
    if waiting:
        words = f"Without {', '.join(waiting)}, where something is pending: {words}"
    return {"words": words, "exercises": exercises, "plot": charts.histogram(totals, max(of), "points", "hand-ins")}


def alike(class_: list[One], bank: list[likeness.Sources]) -> dict[str, Any]:
    """The pairs that are most alike, and how often so much comes by chance."""
    n, people = len(class_), [one.sources for one in class_] + bank
    plain, written = likeness.compare(people), likeness.compare([one.sources for one in class_], as_written=True)
    rows, columns = np.triu_indices(n, 1)
    values = plain.whole[rows, columns]
    told = ~np.isnan(values)
    rows, columns, values = rows[told], columns[told], values[told]
    chance = plain.whole[:n, n:]
    nearest = class_[np.nanargmax(chance) // len(bank)].who if not np.isnan(chance).all() else ""
    chance = chance[~np.isnan(chance)]
    pairs = []
    for at in np.argsort(-values, kind="stable")[:PAIRS]:
        i, j = rows[at], columns[at]
        pairs.append({"one": class_[i].who, "other": class_[j].who, "share": _percent(values[at]),
                      "written": _percent(written.whole[i, j]), "chance": int((chance >= values[at]).sum()),
                      "texts": _beside(class_[i], class_[j], {name: of[i, j] for name, of in plain.exercises.items()})})
    plot = charts.two_histograms(chance, values, ("a student and the bank", "two students"),
                                 "runs of six tokens in both (%)") if len(values) else ""
    return {"pairs": pairs, "compared": len(values), "left": n * (n - 1) // 2 - len(values), "chance": len(chance),
            "bank": len(bank), "most": _percent(chance.max()) if len(chance) else "", "plot": plot, "nearest": nearest,
            "middle": _percent(np.median(values)) if len(values) else ""}


def _beside(one: One, other: One, shares: dict[str, float]) -> list[dict[str, str]]:
    return [{"name": name, "share": _percent(share), "one": feedback.printed(one.sources[name]),
             "other": feedback.printed(other.sources[name])}
            for name, share in shares.items() if not math.isnan(share)]


def _percent(share: float) -> str:
    return "too short" if math.isnan(share) else f"{100 * share:.0f} %"


def predicted(kit: Kit, class_: list[One]) -> dict[str, Any]:
    """What was predicted, of those who handed their predictions in; only what the lab lets one choose is counted."""
    told = [one.predictions for one in class_ if one.predictions is not None]
    questions = []
    for lab, question in (_questions(kit) if told else {}).items():
        chosen = Counter(entry["choice"] for each in told if isinstance(entry := each.get(lab), dict)
                         and isinstance(entry.get("choice"), str) and entry["choice"] in question.choices)
        if of := chosen.total():
            choices = [{"text": choice, "right": choice == question.answer, "count": chosen[choice],
                        "percent": f"{100 * chosen[choice] / of:.0f}"} for choice in question.choices]
            questions.append({"lab": lab, "text": question.text, "of": of, "choices": choices})
    return {"people": len(told), "questions": questions}


def _questions(kit: Kit) -> dict[str, Any]:
    from course import overview

    try:
        asked = overview.questions()
    except ImportError:  # a machine that only grades may lack what draws a lab
        return {}
    return {lab.id: lab.question for labs in asked.values() for lab in labs if lab.id in kit.about["labs"]}
