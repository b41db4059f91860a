"""What `nnlab doctor` finds out: versions, what this machine can do, and how to mend what is missing.

Each finding is looked up by one small function, so that nothing here fails because something else is
missing: a broken package is a finding too. Only what the lessons need makes the exit code non-zero.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

OK, MISSING, BROKEN = "ok", "missing", "broken"  # missing: only some things cannot be done; broken: no lessons
PACKAGES = ("numpy", "matplotlib", "ipywidgets", "anywidget", "jupyterlab", "ipykernel", "threadpoolctl")
KERNEL_TIMEOUT = 60  # seconds; a cold disk and a virus scanner are slow


@dataclass
class Finding:
    """One line of the report: what was looked at, how it stands, and how to mend it if it does not."""

    topic: str
    state: str
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything; about three seconds, most of them for starting a kernel."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("nnlab", nnlab_itself),
        ("Python", python),
        *((name, lambda name=name: package(name)) for name in PACKAGES),
        ("BLAS", blas),
        ("kernel", kernel),
        ("folder", folder_writable),
        ("browser", browser),
        ("Chromium", chromium),
        ("PyTorch", torch),
        ("sandbox", sandbox),
    ]
    return [guarded(topic, check) for topic, check in checks]


def guarded(topic: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # a doctor that falls ill itself helps nobody
        return Finding(topic, BROKEN, f"{type(error).__name__}: {error}", "Install again: python3 start.py install")


def lessons_can_run(findings: list[Finding]) -> bool:
    return all(finding.state != BROKEN for finding in findings)


# ---------------------------------------------------------------- the checks


def version_line() -> str:
    root = Path(__file__).resolve().parent.parent
    try:
        version = metadata.version("nnlab")
    except metadata.PackageNotFoundError:
        version = "not installed, run from its source"
    commit = ""
    if (root / ".git").exists() and shutil.which("git"):
        asked = subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
        commit = f" (commit {asked.stdout.strip()})" if asked.returncode == 0 else ""
    return f"nnlab {version}{commit}"


def nnlab_itself() -> Finding:
    import nnlab

    return Finding("nnlab", OK, f"{version_line().removeprefix('nnlab ')} in {Path(nnlab.__file__).parent.parent}")


def python() -> Finding:
    return Finding("Python", OK, f"{platform.python_version()} on {platform.platform()}, {sys.prefix}")


def package(name: str) -> Finding:
    """Whether a package is there and imports: a wheel for another processor is installed but does not."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return Finding(name, BROKEN, "not installed", 'pip install "nnlab[lab]"')
    except ImportError as error:
        return Finding(name, BROKEN, f"does not import: {error}", f"pip install --force-reinstall {name}")
    return Finding(name, OK, metadata.version(name))


def blas() -> Finding:
    """Which library multiplies matrices and with how many threads; the labs hold it to one while they draw."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    pools = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    found = "; ".join(
        f"{pool['internal_api']} {pool.get('version') or ''} ({pool.get('architecture') or 'any'}), "
        f"{pool['num_threads']} threads of {os.cpu_count()} processors"
        for pool in pools
    )
    return Finding("BLAS", OK, found or f"not one that reports its threads; {os.cpu_count()} processors")


def kernel() -> Finding:
    """Start the kernel that the lessons get, run a line in it, and see that it is this very Python."""
    from course.launch import prefer_this_environment

    prefer_this_environment()
    from jupyter_client.manager import start_new_kernel

    began = time.perf_counter()
    # What the kernel grumbles while starting is not part of the report.
    manager, client = start_new_kernel(KERNEL_TIMEOUT, "python3", stderr=subprocess.DEVNULL)
    try:
        answer: list[str] = []
        client.execute_interactive(
            "import sys, nnlab; print(sys.prefix)",
            timeout=KERNEL_TIMEOUT,
            output_hook=lambda message: answer.append(message["content"].get("text", "")),
        )
        seconds = time.perf_counter() - began
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy()
    prefix = "".join(answer).strip()
    if not prefix:
        return Finding("kernel", BROKEN, "starts, but cannot import nnlab", "Install again: python3 start.py install")
    if Path(prefix).resolve() != Path(sys.prefix).resolve():
        mend = "python -m ipykernel install --sys-prefix"
        return Finding("kernel", BROKEN, f"python3 is another Python: {prefix}", mend)
    return Finding("kernel", OK, f"starts and imports nnlab in {seconds:.1f} s")


def folder_writable() -> Finding:
    here = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=here):
            pass
    except OSError as error:
        return Finding("folder", MISSING, f"{here}: {error.strerror}", "Name one of your own: nnlab lab FOLDER")
    return Finding("folder", OK, f"{here} is writable, {shutil.disk_usage(here).free / 1e9:.0f} GB free")


def browser() -> Finding:
    from course.launch import can_open_browser

    if can_open_browser():
        return Finding("browser", OK, "can be opened from here")
    return Finding("browser", MISSING, "none can be opened from here", "Open the address that nnlab lab prints.")


def chromium() -> Finding:
    """The browser the browser tests drive; students use whichever they have."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge"):
        if path := shutil.which(name):
            return Finding("Chromium", OK, path)
    return Finding("Chromium", MISSING, "for the browser tests only", "Debian, Ubuntu: sudo apt install chromium")


def torch() -> Finding:
    """Found by its metadata: importing it would take longer than everything else here."""
    try:
        return Finding("PyTorch", OK, metadata.version("torch"))
    except metadata.PackageNotFoundError:
        return Finding("PyTorch", MISSING, "for the PyTorch twins and their tests", "pip install torch")


def sandbox() -> Finding:
    """Under which protection student code is graded here, tried and not only looked for; only instructors need it."""
    from course.grading.sandbox import SandboxError, level_here, trouble

    trouble.cache_clear()  # look again: it may just have been installed
    try:
        level = level_here()
    except SandboxError as none:
        return Finding("sandbox", MISSING, f"for grading only: {none}", "Debian, Ubuntu: sudo apt install bubblewrap")
    if level == "bubblewrap":
        return Finding("sandbox", OK, f"bubblewrap, {shutil.which('bwrap')}: runs a job, system calls limited")
    better = "none better on this system" if sys.platform != "linux" else trouble("bubblewrap")
    return Finding("sandbox", OK, f"{level}, a container for each job: safe and slower ({better})")


# ---------------------------------------------------------------- the report


def show(findings: list[Finding], as_json: bool = False) -> None:
    """A table on a terminal, one plain line each elsewhere, JSON on request."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
        return
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        colours = {OK: "green", MISSING: "yellow", BROKEN: "bold red"}
        table = Table("", "", "found", "how to mend", show_edge=False)
        for finding in findings:
            state = f"[{colours[finding.state]}]{finding.state}[/]"
            table.add_row(finding.topic, state, plain(finding.found), plain(finding.mend))
        Console().print(table)
    else:
        for finding in findings:
            mend = f" -> {finding.mend}" if finding.mend else ""
            print(f"{finding.topic:<14}{finding.state:<9}{finding.found}{mend}")
    runs = lessons_can_run(findings)
    print("The lessons can run here." if runs else "The lessons cannot run here: see 'broken' above.")


def plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
