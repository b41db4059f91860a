"""How long one training step takes: nnlab beside PyTorch, scikit-learn, JAX, autograd and tinygrad.

    python -m benchmarks.steps [--quick] [--busy] [--only a,b,growth,memory,endurance]

First it checks that all compute the same: the same weights in, after 20 steps in float64 the same result to 1e-8. Then
they take turns, in float32 with one thread, and the table gives for each the least microseconds of a step and in
brackets how many times as fast nnlab is. A library that is not installed is reported as absent.
"""

from benchmarks.steps import one_thread  # noqa: F401

# isort: split
import argparse
import datetime
import importlib
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
import time

import numpy as np

from benchmarks.steps import measure
from benchmarks.steps.workloads import GROWTH, WORKLOADS, A, Import

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = {  # module -> (distribution, its sides)
    "with_nnlab": ("numpy", ("nnlab", "unchecked")),
    "with_numpy": ("numpy", ("by hand",)),
    "with_torch": ("torch", ("torch eager", "torch fused")),
    "with_sklearn": ("scikit-learn", ("scikit-learn",)),
    "with_jax": ("jax", ("JAX jit", "JAX whole loop")),
    "with_autograd": ("autograd", ("autograd",)),
    "with_tinygrad": ("tinygrad", ("tinygrad",)),
}
MODULE = {side: f"{__package__}.{module}" for module, (_, sides) in MODULES.items() for side in sides}
ALLOWED = 15_000  # microseconds that `import nnlab` may take beyond `import numpy`
SECTIONS = ("growth", "memory", "endurance")


def load():
    """(what each side can do, {side: why it is absent})."""
    present, absent = {}, {}
    for module, (_, sides) in MODULES.items():
        try:
            present |= importlib.import_module(f"{__package__}.{module}").SIDES
        except ImportError as reason:
            absent |= dict.fromkeys(sides, str(reason))
    return present, absent


def import_side(module):
    """Whole processes that import `module`."""
    command = [sys.executable, "-c", f"import {module}"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as users have it
    return lambda n: [subprocess.run(command, cwd=ROOT, check=True, env=env) for _ in range(n)]


def check(what, makers, steps=20):
    """Stop the whole benchmark unless all `makers` of `what` lead to the same numbers as nnlab's."""
    for name, make in makers.items():
        same = getattr(sys.modules[MODULE[name]], "comparable", lambda what: what)(what)
        expected, got = (maker(same, np.float64) for maker in (makers["nnlab"], make))
        for side in (expected, got):
            side.run(steps)
        expected, got = (np.asarray(side.result(), np.float64) for side in (expected, got))
        error = np.abs(got - expected).max() / max(1, np.abs(expected).max()) if got.shape == expected.shape else np.inf
        if not error <= 1e-8:
            sys.exit(f"{name} does not compute what nnlab computes: {what} differs by {error:.1e} after {steps} steps.")


def microseconds(what, makers, options):
    if isinstance(what, Import):
        runs = {name: import_side(module) for name, module in makers.items()}
    else:
        check(what, makers)
        runs = {name: make(what, np.float32).run for name, make in makers.items()}
    timer = time.perf_counter if isinstance(what, Import) and options.busy else options.timer
    return measure.alternate(runs, options.rounds, options.seconds, timer)


def cell(name, times, workload, absent):
    """One entry of the table, as `478 (7.8x; 8: 80 %)`: microseconds, times as fast, target, how far it is reached."""
    if name not in times:
        return "absent" if name in absent else "-"
    text, ratio, target = number(times[name]), times[name] / times["nnlab"], workload.targets.get(name)
    if name == "nnlab":
        return f"**{text}**"
    if target is None:
        return f"{text} ({ratio:.2g}x)"
    return f"{text} ({ratio:.3g}x; {target}: {reached(ratio, target)})"


def number(microseconds):
    return f"{microseconds:,.0f}" if microseconds > 99 else f"{microseconds:.1f}"


def reached(ratio, target):
    return "met" if ratio >= target else "80 %" if ratio >= 0.8 * target else "MISSED"


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def header(*titles):
    row(*titles)
    row(*["---"] * len(titles))


def steps(ids, present, absent, options):
    """The table of the workloads; returns the verdicts."""
    print(f"Microseconds{' of processor time' if options.busy else ''} per step "
          "(nnlab is so many times as fast; target: met, at least 80 % of it, or MISSED)\n")
    header("", "workload", *MODULE)
    notes = []
    for key in ids:
        workload = WORKLOADS[key]
        makers = {name: can[type(workload.what)] for name, can in present.items() if type(workload.what) in can}
        times = microseconds(workload.what, makers, options)
        row(key, workload.text, *(cell(name, times, workload, absent) for name in MODULE))
        notes += [f"{key} against {name} cannot be won with NumPy: {why}." for name, why in workload.cannot.items()]
        if isinstance(workload.what, Import):
            more = times["nnlab"] - times["by hand"]
            notes.append(f"{key}: importing nnlab takes {more / 1000:.1f} ms more than importing numpy; "
                         f"at most {ALLOWED / 1000:.0f}: {'met' if more <= ALLOWED else 'MISSED'}.")
    print("\nChecked: from the same weights, all sides of a row have the same result after 20 steps, to 1e-8.")
    print("The price of the checks is nnlab minus `unchecked`, where what can be switched off from outside is off."
          "\nThat of tape, modules and checks is nnlab minus `by hand`, the same formulas in plain NumPy.\n"
          "A whole loop compiled by JAX cannot be beaten with NumPy once its compilation is paid.")
    print(*notes, sep="\n")


def growth(present, options):
    """How cost grows, nnlab against PyTorch."""
    rivals = {name: present[name] for name in ("nnlab", "torch eager") if name in present}
    for quantity, values, make in GROWTH:
        print(f"\nHow cost grows with {quantity}: microseconds per step\n")
        header(quantity, *rivals, "times as fast")
        for value in values:
            what = make(value)
            times = microseconds(what, {name: can[type(what)] for name, can in rivals.items()}, options)
            *_, theirs = times.values()
            row(str(value), *map(number, times.values()), f"{theirs / times['nnlab']:.2g}x")


def memory(present):
    """Peaks of nets that weigh something, each in a fresh process."""
    print("\nMemory: MB by which a process grows, at its highest, while it makes a net and trains it for 20 steps\n")
    rivals = [name for name in ("nnlab", "torch eager", "torch fused", "scikit-learn") if name in present]
    header("net", *rivals)
    net = WORKLOADS["c"].what
    for batch in (128, 4096):
        peaks = (measure.alone(measure.peak, MODULE[name], name, A, net._replace(batch=batch), np.float32)
                 for name in rivals)
        row(f"c with batch {batch}", *(f"{mb:.1f}" for mb in peaks))


def endurance():
    print("\nDoes anything grow? Workload a in a process of its own\n")
    header("steps", "MB", "Python objects")
    for steps, mb, objects in measure.alone(measure.endurance, MODULE["nnlab"], "nnlab", A, np.float32):
        row(f"{steps:,}", f"{mb:.1f}", f"{objects:,}")


def versions(absent):
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout
    found = [f"{name} {importlib.metadata.version(name)}" for name, sides in dict(MODULES.values()).items()
             if not set(sides) & absent.keys()]
    print(f"{datetime.date.today()}, commit {commit.strip()}, Python {platform.python_version()}, {', '.join(found)}; "
          f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    for side, reason in absent.items():
        print(f"absent: {side} ({reason})")
    print()


def main(arguments=None, timer=time.perf_counter):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for a first look")
    parser.add_argument("--busy", action="store_true", help="count processor time, where others use the machine too")
    parser.add_argument("--only", help=f"some of {','.join([*WORKLOADS, *SECTIONS])}; without it all but endurance")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",") if options.only else [*WORKLOADS, *SECTIONS[:-1]]
    if unknown := [name for name in wanted if name not in WORKLOADS and name not in SECTIONS]:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join([*WORKLOADS, *SECTIONS])}")
    options.rounds, options.seconds, options.timer = (3, 0.02, timer) if options.quick else (9, 0.05, timer)
    if options.busy:
        options.timer = time.process_time
    present, absent = load()
    versions(absent)
    if ids := [key for key in WORKLOADS if key in wanted]:
        steps(ids, present, absent, options)
    if "growth" in wanted:
        growth(present, options)
    if "memory" in wanted:
        memory(present)
    if "endurance" in wanted:
        endurance()


if __name__ == "__main__":
    main()
