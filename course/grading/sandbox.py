"""Where student code runs: bubblewrap, else docker or podman, else nowhere. `--unsafe` must be typed and is stamped on
every result.

A sandbox does jobs one after the other (course/grading/inside). A job is a process of its own with a line to the judge;
a job that will not end takes its sandbox with it, and the next one gets a new one.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from functools import cache

from course.grading import syscalls
from course.grading.contents import INSIDE, bubblewrap, python
from course.grading.inside import wire
from course.grading.job import Died, Job
from course.grading.results import OUTPUT

IMAGE = "nnlab-judge"
NOBODY = 65534
PATH = {"PATH": os.environ.get("PATH", os.defpath)}  # all that a sandbox's command gets of the environment


class SandboxError(Exception):
    """Nothing can be run here; the message says why and how to mend it."""


class Bubblewrap:
    """One namespace with a supervisor in it (inside/supervisor.py), begun when the first job comes."""

    def __init__(self, packages: tuple[str, ...] = ("numpy",)):
        self._process: subprocess.Popen | None = None
        self.packages = packages
        self.user = NOBODY if os.geteuid() == 0 else None

    def __enter__(self) -> Bubblewrap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin before the first job needs it: loading NumPy takes a moment."""
        if self._process is not None:
            return
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._info, info = os.pipe()
        with theirs:
            run = f"import inside.supervisor as s; s.main({theirs.fileno()}, {self.user})"
            command = [*bubblewrap(self.user is not None, self.packages), "--info-fd", str(info), *python(run)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.PIPE, pass_fds=[theirs.fileno(), info], env=PATH)
        os.close(info)

    def job(self, limits: dict) -> Job:
        """A new process for one job."""
        self.start()
        ours, theirs = socket.socketpair()
        output = os.memfd_create("output")
        try:
            socket.send_fds(self._control, [b"job"], [theirs.fileno(), output])
        except OSError:
            os.close(output)
            ours.close()
            raise self._fallen() from None
        finally:
            theirs.close()
        line = ours.detach()

        def printed() -> bytes:
            try:
                return os.pread(output, OUTPUT, 0)
            finally:
                os.close(output)

        return Job(line, line, self._ended, self.close, printed, limits)

    def _ended(self, seconds: float) -> tuple[int, float] | None:
        """The exit code and CPU seconds of the job that runs, or None if the supervisor does not tell in time."""
        self._control.settimeout(seconds)
        try:
            told = self._control.recv(1000)
        except TimeoutError:
            return None
        except ConnectionResetError:
            told = b""
        self._control.settimeout(None)
        if not told:
            raise self._fallen()
        ended = json.loads(told)
        return ended["status"], ended["cpu"]

    def _fallen(self) -> SandboxError:
        """The supervisor is gone, which no student can bring about: what bubblewrap said."""
        try:
            _, errors = self._process.communicate(timeout=2)
            words = errors.decode("utf-8", "replace").strip()[-300:] or f"exit code {self._process.returncode}"
        except subprocess.TimeoutExpired:
            words = "it does not answer"
        self.close()
        return SandboxError(f"bubblewrap ended: {words}")

    def close(self) -> None:
        """End the namespace and everything in it."""
        if self._process is None:
            return
        told = os.read(self._info, 1000)  # the process that is number 1 inside: with it all others end
        os.close(self._info)
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(json.loads(told)["child-pid"], signal.SIGKILL)
        if self._process.poll() is None:
            ended = os.pidfd_open(self._process.pid)
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.poll(5000)  # bubblewrap itself ends when number 1 has
            os.close(ended)
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        self._control.close()
        self._process = None


class OneShot:
    """A process, or a container, for each job: docker, podman, and for `--unsafe` a plain process with limits only."""

    def __init__(self, level: str):
        self.level = level

    def __enter__(self) -> OneShot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Nothing is begun before its job."""

    def close(self) -> None:
        """Nothing is left when its jobs have ended."""

    def job(self, limits: dict) -> Job:
        """A new process for one job."""
        name, began = f"nnlab-{uuid.uuid4().hex}", time.monotonic()
        run = ("import os; down, up = os.dup(0), os.dup(1); os.dup2(2, 1); os.dup2(os.open(os.devnull, 0), 0); "
               "from inside import run; run.work(down, up, None)")
        process = subprocess.Popen(self._command(run, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0, start_new_session=True,
                                   env={**PATH, "OPENBLAS_NUM_THREADS": "1"})
        kept = bytearray()

        def drain() -> None:
            while part := process.stderr.read(65536):
                kept.extend(part[:max(0, OUTPUT - len(kept))])

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()

        def wait(seconds: float) -> tuple[int, float] | None:
            try:
                return process.wait(seconds), time.monotonic() - began  # at least what it computed
            except subprocess.TimeoutExpired:
                return None

        def kill() -> None:
            if self.level != "unsafe":
                subprocess.run([self.level, "kill", name], capture_output=True)
            process.kill()
            process.wait()

        def printed() -> bytes:
            reader.join(2)
            process.stderr.close()
            return bytes(kept)

        down, up = os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno())
        process.stdin.close()
        process.stdout.close()
        return Job(down, up, wait, kill, printed, limits)

    def _command(self, run: str, name: str) -> list[str]:
        if self.level == "unsafe":
            return [sys.executable, "-I", "-c", f"import sys; sys.path.append({str(INSIDE.parent)!r}); {run}"]
        return [self.level, "run", "--rm", "--interactive", "--name", name, "--network=none", "--read-only",
                "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=16", "--memory=2500m",
                "--memory-swap=2500m", "--cpus=1", "--ipc=none", f"--user={NOBODY}:{NOBODY}",
                "--env=OPENBLAS_NUM_THREADS=1", "--env=PYTHONHASHSEED=0", f"--volume={INSIDE}:/judge/inside:ro", IMAGE,
                "python3", "-c", f"import sys; sys.path.append('/judge'); {run}"]


def sandbox(level: str, packages: tuple[str, ...] = ("numpy",)) -> Bubblewrap | OneShot:
    """A sandbox of a level that `level_here` has found, with what a unit allows to be imported."""
    return Bubblewrap(packages) if level == "bubblewrap" else OneShot(level)


def level_here(unsafe: bool = False) -> str:
    """The best protection that works here, tried and not only looked for. Raises SandboxError, with what would mend it.
    """
    if unsafe:
        if os.geteuid() == 0:
            raise SandboxError("--unsafe is refused as root: student code would be root. Grade as an ordinary user.")
        return "unsafe"
    if sys.platform != "linux":
        reasons = ["bubblewrap needs Linux"]
    else:
        problem = trouble("bubblewrap")
        if not problem:
            return "bubblewrap"
        reasons = [f"bubblewrap: {problem}"]
    for level in ("docker", "podman"):
        problem = trouble(level)
        if not problem:
            return level
        reasons.append(f"{level}: {problem}")
    raise SandboxError("student code can only be run in a sandbox, and none works here. " + "; ".join(reasons))


@cache
def trouble(level: str) -> str:
    """Why a level does not work here, and what would mend it; empty if it works."""
    program = "bwrap" if level == "bubblewrap" else level
    if not shutil.which(program):
        return f"not installed. Debian, Ubuntu: sudo apt install {'bubblewrap' if program == 'bwrap' else 'podman'}"
    try:
        rules = syscalls.program()
        if level != "bubblewrap":
            asked = subprocess.run([level, "image", "inspect", IMAGE], capture_output=True, text=True, timeout=20)
            if asked.returncode:
                return (f"no image {IMAGE}, or no daemon ({asked.stderr.strip()[-120:]}). "
                        f"{level} build -t {IMAGE} {INSIDE.parent}")
        with sandbox(level) as tried:
            limits = {"cpu_seconds": 5, "memory_mb": 1000}
            job = tried.job(limits)
            answer = job.ask({"do": "read", "limits": limits, "filter": base64.b64encode(rules).decode(), "data": "",
                              "exercises": {}}, 10_000)
            job.finish()
        return "" if answer == {"unreadable": "the file is empty"} else "it does not do as it is told"
    except syscalls.NoSeccomp as problem:
        return str(problem)
    except (SandboxError, Died, wire.Forged, OSError, subprocess.TimeoutExpired) as problem:
        return (f"does not work here ({problem}). In a container or a locked-down system, allow user namespaces: "
                "sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0")
