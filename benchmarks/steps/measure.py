"""How to measure: times that alternate in one process, memory in a process of its own."""

import gc
import importlib
import multiprocessing
import time

import numpy as np


def alternate(runs, rounds, seconds=0.05, timer=time.perf_counter):
    """{name: microseconds per step}, for {name: run(n)}: the minimum over `rounds`.

    In every round each takes its turn for about `seconds`, so that what else the machine does hits all of them alike;
    the minimum, because whatever disturbs a computation makes it slower, never faster.
    """
    def timed(run, n):
        start = timer()
        run(n)
        return timer() - start

    np.empty(31 << 20, np.uint8)  # glibc then keeps freed memory; else who came first would pay for page faults
    counts = {}
    for name, run in runs.items():
        run(2)  # compiles, fills caches
        n = 1
        while (took := timed(run, n)) < seconds / 3:
            n *= 2
        counts[name] = max(1, round(n * seconds / took))
    gc.collect()
    gc.freeze()  # nobody's garbage collector has to walk over everybody's modules
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            best[name] = min(best[name], timed(run, counts[name]) / counts[name] * 1e6)
    gc.unfreeze()
    return best


def alone(function, *arguments):
    """`function(*arguments)` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def resident(what="VmRSS"):
    """This process's memory in MB, now or (VmHWM) at its highest; Linux only."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def peak(module, side, small, what, dtype, steps=20):
    """MB by which the process grew at its highest while `what` was made and trained for some steps.

    `small` goes before, so that loading the library's code is not counted.
    """
    make = importlib.import_module(module).SIDES[side][type(what)]
    make(small, dtype).run(steps)
    gc.collect()
    with open("/proc/self/clear_refs", "w") as marks:
        marks.write("5")  # the highest starts anew from here
    before = resident()
    make(what, dtype).run(steps)
    return resident("VmHWM") - before


def endurance(module, side, what, dtype, early=1_000, late=100_000):
    """[(steps taken, MB, number of Python objects)] after few steps and after many."""
    run, seen = importlib.import_module(module).SIDES[side][type(what)](what, dtype).run, []
    for steps in (early, late):
        run(steps - (seen[-1][0] if seen else 0))
        gc.collect()
        seen.append((steps, resident(), len(gc.get_objects())))
    return seen
