"""How many bugs would the tests notice? The library is changed in many small ways, one at a time; the tests must fail.

    python tools/mutate.py --sample 400 --seed 0    a sample, stratified over files and operators (about 15 minutes)
    python tools/mutate.py --paths nnlab/ops.py     every mutant of some files
    python tools/mutate.py ... --again              after new tests: only those that were not killed

Works in a copy of the tree. First all tests run once under coverage, so that each mutant meets only the tests that
execute its lines, the quickest first, in a forked process that has NumPy and PyTorch imported already. What is found
goes at once to --results: Ctrl-C loses nothing, the same command goes on. tools/equivalent.toml lists the mutants that
no test can kill, and why. mutmut 3 leaves out decorated functions, here every operation, and cosmic-ray starts all
tests anew for every mutant: hence this. Budd and others, POPL 1980; Wilson's interval, JASA 22, 1927.
"""

import argparse
import gc
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from contextlib import suppress
from math import sqrt
from pathlib import Path

from mutants import mutants_of, stratified

ROOT = Path(__file__).resolve().parents[1]
CORE = ("ops.py", "tensor.py", "sums.py", "module.py", "functional", "nn", "optim")  # what is mutated by default
MEMORY = 4 << 30  # bytes for each process: an endless loop may fill memory before its time is over

# Running tests in a forked process -----------------------------------------------------------------------------------
class Watch:
    """The pytest plugin inside: orders the tests, stops one that does not end, and notes what happened."""

    def __init__(self, patience, seconds=None, turns=None, coverage=None):
        self.patience, self.seconds, self.turns, self.coverage = patience, seconds or {}, turns, coverage
        self.outcomes = {}  # test -> [seconds, passed]
        self.left_out = []  # files that cannot be imported, or are skipped

    def pytest_configure(self):
        self.limit("collection", 60)
        try:
            from hypothesis import HealthCheck, Phase, settings
        except ImportError:
            return
        settings.register_profile(  # no phase that looks for smaller examples: they would kill no better
            "mutate", settings(), derandomize=True, database=None, deadline=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        settings.load_profile("mutate")

    def pytest_collection_modifyitems(self, items):
        if self.turns is not None:
            items[:] = sorted((i for i in items if i.nodeid in self.turns), key=lambda i: self.turns[i.nodeid])

    def pytest_runtest_logstart(self, nodeid):
        self.limit(nodeid, self.patience + 10 * self.seconds.get(nodeid, 6))
        if self.coverage:
            self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report):
        spent, passed = self.outcomes.get(report.nodeid, (0.0, True))
        self.outcomes[report.nodeid] = [spent + report.duration, passed and not report.failed]

    def pytest_collectreport(self, report):
        if not report.passed:
            self.left_out.append(report.nodeid)

    def limit(self, what, seconds):
        Path("now").write_text(what)  # the parent reads here which test it was
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends the process, also one that is stuck in C code


def forked(folder, work):
    """Start `work()` in a process of its own in `folder`; its exit code is what `work` returns. Returns the pid."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 99
    try:
        os.setsid()  # Ctrl-C is for the parent, and what the tests start can be ended with them
        os.chdir(folder)
        import resource  # neither it nor fork exists under Windows

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored so far, where the run is in the background
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        out = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        code = int(work())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end(pid):
    """What a forked process started may outlive it; this ends it."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def pytest_main(files, watch, *options):
    import pytest

    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]
    return pytest.main(["-q", "--assert=plain", "--no-header", "--tb=short", "--rootdir=.", "-p", "no:cacheprovider",
                        "-p", "no:xdist", "-p", "no:nbval", "-o", "pythonpath=.", *options, "-o",
                        "addopts=--import-mode=importlib --doctest-modules", *files], plugins=[watch])


def measured(folder, args, seconds=None):
    """Run the tests once and return what was seen: with `seconds`, in that order; without it, under coverage."""
    def work():
        coverage = None
        if seconds is None:
            from coverage import Coverage

            coverage = Coverage(data_file=None, config_file=False, source=[str(folder / args.package)])
            coverage.start()
        watch = Watch(args.patience, seconds, seconds, coverage)
        pytest_main(args.tests if seconds is None else sorted({t.split("::")[0] for t in seconds}), watch,
                    "--continue-on-collection-errors")
        seen = {"tests": watch.outcomes, "left out": watch.left_out, "lines": {}, "modules": sorted(
            name for name, module in sys.modules.items()
            if getattr(module, "__file__", None) and not Path(module.__file__).is_relative_to(folder))}
        if coverage:
            coverage.stop()
            data = coverage.get_data()
            for path in data.measured_files():
                seen["lines"][Path(path).relative_to(folder).as_posix()] = data.contexts_by_lineno(path)
        Path("seen.json").write_text(json.dumps(seen))
        return 0

    pid = forked(folder, work)
    try:
        _, status = os.waitpid(pid, 0)
    finally:
        end(pid)
    if status:
        sys.exit(f"The tests could not be run:\n{(folder / 'output.txt').read_text()[-3000:]}")
    return json.loads((folder / "seen.json").read_text())


def baseline(folder, args):
    """({file: {line: tests}}, {test: seconds}) of the tests that pass, in two orders; says which do not."""
    seen = measured(folder, args)
    if not seen["lines"]:
        sys.exit(f"The tests never ran {args.package}:\n{(folder / 'output.txt').read_text()[-3000:]}")
    for name in seen["modules"]:  # imported here once, they need not be in every child
        if name.split(".")[0] not in ("__main__", "coverage"):
            with suppress(Exception):  # a module that will not be imported like this is left to the tests
                importlib.import_module(name)
    gc.freeze()
    good = {test: spent for test, (spent, passed) in seen["tests"].items() if passed}
    again = measured(folder, args, good)["tests"]
    steady = {test: again[test][0] for test in good if again.get(test, [0, False])[1]}
    bad = sorted(seen["tests"].keys() - steady.keys()) + seen["left out"]
    if bad:
        print(f"Left out, since they fail or are skipped without any mutant ({len(bad)}): {', '.join(bad)}")
    return {file: {int(n): set(tests) & {"", *steady} for n, tests in of.items()}
            for file, of in seen["lines"].items()}, steady


def tests_for(mutant, lines, seconds):
    """{test: its turn} of those that shall see the mutant: those that execute its lines, the quickest first.

    What is executed outside of all tests, at import, may show wherever the file is used: then these come after them.
    """
    of, (first, last) = lines.get(mutant.file, {}), mutant.lines
    own = set().union(*(of.get(n, ()) for n in range(first, last + 1)))
    used = set().union(*of.values()) if "" in own else own
    return {test: (test not in own, seconds[test]) for test in used - {""}}


def run_mutants(todo, args, record):
    """Give every mutant to a forked process, `args.jobs` at a time, each in a copy of the tree of its own."""
    with tempfile.TemporaryDirectory(prefix="mutate-") as temporary:
        slots = [Path(temporary).resolve() / str(i) for i in range(args.jobs)]
        for slot in slots:
            slot.mkdir()
            for name in {args.package, *(t.split("/")[0] for t in args.tests), "pyproject.toml"}:
                if (args.root / name).is_dir():
                    shutil.copytree(args.root / name, slot / name, ignore=shutil.ignore_patterns("__pycache__"))
                elif (args.root / name).exists():
                    shutil.copy2(args.root / name, slot)
        print("Which tests execute which lines ...", end=" ", flush=True)
        begun = time.monotonic()
        lines, seconds = baseline(slots[0], args)
        print(f"{len(seconds)} tests pass; {time.monotonic() - begun:.0f} s")
        begun, running, waiting = time.monotonic(), {}, list(todo)
        try:
            while waiting or running:
                while waiting and slots:
                    mutant = waiting.pop(0)
                    tests = tests_for(mutant, lines, seconds)
                    if not tests:
                        record(mutant, "not covered", "", 0.0)
                        continue
                    slot = slots.pop()
                    path = slot / mutant.file
                    original, moment = path.read_bytes(), time.monotonic()
                    path.write_bytes(mutant.apply(original))
                    stamp = len(todo) - len(waiting)  # a date of its own, or Python would take the last one's bytecode
                    os.utime(path, (stamp, stamp))
                    files = sorted({test.split("::")[0] for test in tests})
                    watch = Watch(args.patience, seconds, tests)
                    pid = forked(slot, lambda f=files, w=watch: pytest_main(f, w, "-x"))
                    running[pid] = mutant, slot, original, moment
                if not running:
                    continue
                pid, status = os.wait()
                mutant, slot, original, moment = running.pop(pid)
                end(pid)
                (slot / mutant.file).write_bytes(original)
                slots.append(slot)
                outcome = ("timeout" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
                           else "survived" if status == 0 else "killed")
                if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, 1, 2):
                    print(f"\n{mutant.file}:{mutant.line}: pytest ended with {os.WEXITSTATUS(status)}:\n"
                          + (slot / "output.txt").read_text()[-2000:])
                record(mutant, outcome, (slot / "now").read_text(), time.monotonic() - moment)
                done = len(todo) - len(waiting) - len(running)
                left = (time.monotonic() - begun) / done * (len(todo) - done)
                if sys.stdout.isatty() or done % 20 == 0 or done == len(todo):
                    print(f"\r{done} of {len(todo)}, about {left / 60:.0f} min left ",
                          end="" if sys.stdout.isatty() else "\n", flush=True)
        finally:
            for pid in running:
                end(pid)
                os.waitpid(pid, 0)
    print()


# The report ----------------------------------------------------------------------------------------------------------
def wilson(k, n, z=1.96):
    """The 95 % interval of a share of which k of n were seen; here without end points outside of 0 ... 1."""
    if n == 0:
        return 0.0, 1.0
    middle, half = k / n + z * z / (2 * n), z * sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


OUTCOMES = ("killed", "timeout", "survived", "not covered", "equivalent")


def report(results, sources):
    """What came of each mutant, as text. results: [(mutant, outcome, last test)]; sources: {file: bytes}."""
    def table(title, key):
        counts = {}
        for mutant, outcome, _ in results:
            counts.setdefault(key(mutant), Counter())[outcome] += 1
        yield f"\n{title:<36}" + "".join(f"{outcome:>13}" for outcome in OUTCOMES)
        for name in sorted(counts):
            yield f"{name:<36}" + "".join(f"{counts[name][outcome]:13}" for outcome in OUTCOMES)

    yield from table("file", lambda mutant: mutant.file)
    yield from table("operator", lambda mutant: mutant.operator)
    for outcome in ("survived", "not covered", "timeout"):
        some = sorted((m for m, o, _ in results if o == outcome), key=lambda m: (m.file, m.line))
        if some:
            yield f"\n{outcome.capitalize()}:"
        for mutant in some:
            yield f"{mutant.file}:{mutant.line}  {mutant.operator}"
            yield from (f"    {line}" for line in mutant.diff(sources[mutant.file]))
    total = Counter(outcome for _, outcome, _ in results)
    n = len(results) - total["equivalent"]
    killed = total["killed"] + total["timeout"]
    low, high = wilson(killed, n)
    by = Counter(test for _, outcome, test in results if outcome == "killed")
    yield f"\nKilled by {len(by)} different tests, most by: " + ", ".join(f"{t} ({k})" for t, k in by.most_common(3))
    yield (f"Score: {killed} of {n} killed ({total['timeout']} of them by time), {killed / max(n, 1):.1%}; "
           f"95 % interval {low:.1%} to {high:.1%}.\nSurvived {total['survived']}, not covered {total['not covered']}; "
           f"{total['equivalent']} judged equivalent and left out.")


def judged_equivalent(path, mutants, sources):
    """The ids of the mutants in `path`, in tables [[mutant]]: file, before (a line), after (one or several), why."""
    known = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", []) if path.exists() else []:
        afters = entry["after"] if isinstance(entry["after"], list) else [entry["after"]]
        for after in afters:
            known[entry["file"], entry["before"], after] = entry["why"]
    found, used = set(), set()
    files = {file for file, _, _ in known}
    for mutant in mutants:
        if mutant.file in files:
            lines = mutant.diff(sources[mutant.file])
            before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
            if (mutant.file, before, after) in known:
                found.add(mutant.id)
                used.add((mutant.file, before, after))
    for file, before, after in known.keys() - used:
        if file in sources:
            print(f"{path.name}: no mutant of {file} turns `{before}` into `{after}` any more: remove it.")
    return found


def digest(args):
    """A name for the state of the library and its tests."""
    files = sorted(path for name in {args.package, *args.tests} for path in (args.root / name).rglob("*.py"))
    return hashlib.sha1(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def options(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="how many mutants; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument("--paths", nargs="+", help="files or folders to mutate (default: the package's core)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("--again", action="store_true", help="trust earlier kills although the tests have changed")
    parser.add_argument("--results", type=Path, help="default: build/mutation.jsonl")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds, and ten times its own, that a test has")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--package", default="nnlab")
    parser.add_argument("--tests", nargs="+", default=["tests/nnlab", "tests/oracle", "nnlab"])
    args = parser.parse_args(argv)
    args.root = args.root.resolve()
    args.results = args.results or args.root / "build" / "mutation.jsonl"
    args.paths = args.paths or [f"{args.package}/{name}" for name in CORE]
    return args


def main(argv=None):
    args = options(argv)
    if not hasattr(os, "fork"):
        sys.exit("mutate.py forks its processes, which Windows cannot: run it under Linux, macOS or WSL.")
    try:
        import coverage  # noqa: F401
        import pytest  # noqa: F401
    except ImportError as error:
        sys.exit(f"mutate.py needs {error.name}: pip install coverage pytest (both are in requirements-test.lock).")
    files = []
    for given in args.paths:
        path = args.root / given
        if not path.exists():
            sys.exit(f"--paths: there is no {path}.")
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    sources = {path.relative_to(args.root).as_posix(): path.read_bytes() for path in files}
    mutants = [m for file, source in sources.items() for m in mutants_of(file, source.decode())]
    sample = stratified(mutants, args.sample, args.seed)
    print(f"{len(mutants)} mutants in {len(sources)} files, {len(sample)} of them chosen (seed {args.seed}).")

    now, outcomes = digest(args), {}
    if args.results.exists():
        for line in args.results.read_text(encoding="utf-8").splitlines():
            old = json.loads(line)
            if old["tree"] == now or (args.again and old["outcome"] == "killed"):
                outcomes[old["id"]] = old["outcome"], old["by"]
    for name in judged_equivalent(args.root / "tools" / "equivalent.toml", mutants, sources):
        outcomes[name] = "equivalent", ""
    todo = [mutant for mutant in sample if mutant.id not in outcomes]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what it started ends with it
    random.Random(args.seed).shuffle(todo)  # so that what is found before Ctrl-C is a fair sample too
    args.results.parent.mkdir(parents=True, exist_ok=True)
    with args.results.open("a", encoding="utf-8") as file:
        def record(mutant, outcome, by, spent):
            outcomes[mutant.id] = outcome, by
            line = {"tree": now, "id": mutant.id, "file": mutant.file, "line": mutant.line, "operator": mutant.operator,
                    "diff": mutant.diff(sources[mutant.file]), "outcome": outcome, "by": by, "seconds": round(spent, 2)}
            print(json.dumps(line), file=file, flush=True)

        try:
            if todo:
                run_mutants(todo, args, record)
        except KeyboardInterrupt:
            print(f"\nStopped; the same command goes on. What was found so far, in {args.results}:")
    print("\n".join(report([(m, *outcomes[m.id]) for m in sample if m.id in outcomes], sources)))
    return 0


if __name__ == "__main__":
    # One thread, and sets in the same order every time, for all processes; to be set before Python and NumPy start.
    # Bytecode is written, in the copies: without it each mutant would compile all the tests again.
    fixed = {"PYTHONHASHSEED": "0", "COVERAGE_CORE": "ctrace", "PYTHONDONTWRITEBYTECODE": ""} | {
        f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}
    if any(os.environ.get(name) != value for name, value in fixed.items()):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | fixed)
    sys.exit(main())
