"""The first process of a bubblewrap sandbox: Python with NumPy loaded once, which forks a process for each job.

It is process 1 of its namespace, so no student's process can end it, and it never reads what a student's process
writes: it gets a job's line from the judge, hands it to the new process, and tells how that ended. Between two jobs it
kills whatever is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket

import numpy.fft
import numpy.linalg
import numpy.random  # noqa: F401 - loaded once here, not in every job

from . import run


def main(control: int, user: int | None) -> None:
    """Serve the judge until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=control) as judge:
        while True:
            message, fds, _, _ = socket.recv_fds(judge, 100, 2)
            if not message:
                return
            _job(judge, fds, user)


def _job(judge: socket.socket, fds: list[int], user: int | None) -> None:
    """One job, for whose process the judge sent a line and a file for what is printed."""
    line, output = fds
    child = os.fork()
    if child == 0:
        judge.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        kept = os.dup(line)
        os.dup2(kept, 3)
        os.closerange(4, 256)
        try:
            run.work(3, 3, user)
        finally:
            os._exit(70)
    os.close(line)
    os.close(output)
    _, status, used = os.wait4(child, 0)
    with contextlib.suppress(ProcessLookupError):  # nobody left is the rule: a job cannot fork
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    ended = {"status": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}
    judge.send(json.dumps(ended).encode())
