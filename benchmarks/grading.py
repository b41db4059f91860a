"""How long it takes to grade a class: `nnlab collect` and `nnlab grade` on real submissions of a unit, beside nbgrader.

    python -m benchmarks.grading [--count 1000] [--jobs 2] [--unit 01_neurons] [--nbgrader PYTHON] [--peers 20]

The submissions are made from the unit's bank: each exercise of each is right, unusual but right, wrong in a known way,
or not written. They are whole notebooks, no two alike. nbgrader 0.9.6 grades the first of them, in an environment of
its own whose python is named; its time for all is that for one times their number, which flatters it: it keeps a
database that grows. What is printed was measured in this run: seconds of wall clock, the largest memory of any process
and of all together.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from course.grading import release, strip
from course.grading.bank import Bank
from course.grading.kit import load_kit
from course.grading.office import new_office, open_office
from course.grading.records import Records
from course.grading.tally import standings

ROOT = Path(__file__).resolve().parents[1]


def submissions(office, unit: str, count: int):
    """(student, notebook) of a class: the bank's solutions, mixed by a seed."""
    kit = load_kit(office.folder / "units" / unit)
    notebook = strip.load(kit.folder / "private" / "assignment.ipynb")
    bank = Bank(kit)
    given, right = strip.stripped(notebook), strip.solved(notebook)
    rng, secret = np.random.default_rng(0), office.secret()
    for number in range(count):
        student = f"s{number:04d}"
        made = release.made_for(kit, notebook, student, secret)
        for i, cell in enumerate(made["cells"]):
            name, fate = strip.label(cell), rng.random()
            if name in bank.mutants:
                texts = [right["cells"][i]["source"]]
                if fate < 0.5:
                    texts = list((bank.mutants if fate < 0.3 else bank.benign)[name].values())
                if fate > 0.95:
                    texts = [given["cells"][i]["source"]]
                cell["source"] = str(texts[rng.integers(len(texts))])
            elif cell["cell_type"] == "markdown" and cell["metadata"]["nbgrader"]["solution"]:
                cell["source"] = f"Words of {student}: {rng.integers(10**9)}."
        yield student, made


class Memory(threading.Thread):
    """The largest resident memory of one process, and of all below this one together, looked at ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.one, self.all, self._done = 0, 0, threading.Event()

    def run(self):
        while not self._done.wait(0.1):
            sizes = [_resident(pid) for pid in _below(os.getpid())]
            self.one, self.all = max(self.one, *sizes, 0), max(self.all, sum(sizes))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()


def _below(root: int) -> list[int]:
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        try:
            lists = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
        except OSError:  # it has ended meanwhile
            continue
        children = [int(child) for text in lists for child in text.split()]
        found += children
        todo += children
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def nnlab(*words: str, course: Path) -> str:
    command = [sys.executable, "-m", "course.cli", *words, "--course", str(course)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def ours(options) -> float:
    """Seconds for the whole class, collected and graded, with what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        course, handed = Path(folder) / "course", Path(folder) / "handed"
        office = new_office(course)
        for student, made in submissions(office, options.unit, options.count):
            (handed / student).mkdir(parents=True)
            (handed / student / f"{options.unit}.ipynb").write_text(json.dumps(made), encoding="utf-8")
        began = time.monotonic()
        nnlab("collect", options.unit, str(handed), course=course)
        collected = time.monotonic() - began
        began = time.monotonic()
        with Memory() as memory:
            nnlab("grade", options.unit, "--jobs", str(options.jobs), course=course)
        graded = time.monotonic() - began
        with Records(course) as records:
            stands = standings(open_office(course), records, options.unit)
        points = [sum(each.points or 0 for each in one.exercises.values()) for one in stands]
    count = options.count
    print(f"nnlab, {count} submissions of {options.unit}, {options.jobs} jobs: collected in {collected:.1f} s, graded "
          f"in {graded:.1f} s, {graded / count:.3f} s each ({count / graded:.1f} a second)")
    print(f"  points {min(points):g} to {max(points):g}, mean {sum(points) / len(points):.2f}, {len(points)} students")
    print(f"  largest process {memory.one / 1e6:.0f} MB, all together {memory.all / 1e6:.0f} MB")
    return graded


def peer(options) -> float:
    """Seconds for one submission by nbgrader's autograde."""
    from course.grading.nbgrader_export import export
    with tempfile.TemporaryDirectory() as folder:
        root, office = Path(folder), new_office(Path(folder) / "course")
        export(load_kit(office.folder / "units" / options.unit), root / "nb", office.secret())
        config = "c = get_config()\nc.CourseDirectory.course_id = 'nnlab'\n"
        (root / "nb" / "nbgrader_config.py").write_text(config)

        scripts = Path(options.nbgrader).absolute().parent  # nbgrader calls alembic by its name
        environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

        def run(*words):
            command = [options.nbgrader, "-m", "nbgrader", *words]
            done = subprocess.run(command, cwd=root / "nb", capture_output=True, text=True, env=environment)
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}\n{done.stderr[-3000:]}")

        run("generate_assignment", options.unit, "--create")
        for student, made in submissions(office, options.unit, options.peers):
            place = root / "nb" / "submitted" / student / options.unit
            place.mkdir(parents=True)
            released = json.loads((root / "nb" / "release" / options.unit / f"{options.unit}.ipynb").read_text())
            written = {strip.label(cell): cell["source"] for cell in made["cells"]}
            for cell in released["cells"]:
                if cell["metadata"].get("nbgrader", {}).get("solution"):
                    cell["source"] = written.get(strip.label(cell), cell["source"])
            (place / f"{options.unit}.ipynb").write_text(json.dumps(released), encoding="utf-8")
        began = time.monotonic()
        run("autograde", options.unit)
        took = (time.monotonic() - began) / options.peers
    print(f"nbgrader 0.9.6 autograde, {options.peers} of the same submissions: {took:.2f} s each, serially")
    return took


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--unit", default="01_neurons")
    options.add_argument("--nbgrader", help="the python of an environment with nbgrader 0.9.6 and this project")
    options.add_argument("--peers", type=int, default=20, help="how many submissions nbgrader grades")
    options = options.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, bwrap {shutil.which('bwrap')}")
    seconds = ours(options)
    if options.nbgrader:
        each = peer(options)
        ratio = each / (seconds / options.count)
        print(f"nnlab is {ratio:.1f} times as fast; 1,000 by nbgrader: {each * 1000 / 60:.0f} min")
    else:
        print("nbgrader: absent (--nbgrader PYTHON)")


if __name__ == "__main__":
    main()
