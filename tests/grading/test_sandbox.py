"""The sandbox: what a student's process can reach, how it ends, and that it refuses where it cannot protect."""

import base64
import ctypes
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from course.grading import sandbox, syscalls
from course.grading.inside import wire
from course.grading.job import Died
from tests.needs import needs

needs("bwrap")

LIMITS = {"cpu_seconds": 1, "memory_mb": 600}
HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def box():
    with sandbox.Bubblewrap() as box:
        yield box


def start(box, source, **more):
    job = box.job(LIMITS)
    job.ask({"do": "run", "limits": LIMITS, "filter": base64.b64encode(syscalls.program()).decode(), "numbers": 1000,
             "program": [["f", textwrap.dedent(source)]], "probes": {}, "variants": {}, "name": "f", "is_value": False,
             **more}, 100_000)
    return job


def called(box, source):
    """What f() returns in the sandbox, or the name of the error it raised."""
    job = start(box, source)
    try:
        reply = job.ask({"n": 1, "probe": "", "args": [], "errors": {}}, 100_000)
        return wire.decode(reply["value"], 10_000) if "value" in reply else reply["error"][0]
    finally:
        job.finish()


def inside(box, expression):
    return called(box, f"import os, sys, ctypes, socket, numpy as np\ndef f():\n    return {expression}")


def test_it_is_nobody_alone_in_an_empty_world(box):
    assert inside(box, "[os.getpid() > 1, os.getuid() != 0, dict(os.environ).get('HOME')]") == [True, True, None]
    assert set(inside(box, "os.listdir('/')")) <= {"usr", "lib", "lib64", "etc", "dev", "python", "packages", "judge"}
    assert inside(box, "os.listdir('/dev')") == ["null"]
    assert inside(box, "os.listdir('/judge')") == ["inside"]
    assert inside(box, "os.path.exists('/proc')") is False
    assert inside(box, "socket.gethostname()") == "judge"


def test_the_environment_holds_no_secret(box, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "a-secret-in-the-environment")
    with sandbox.Bubblewrap() as fresh:
        assert "COURSE_SECRET" not in inside(fresh, "dict(os.environ)")
    assert set(inside(box, "dict(os.environ)")) <= {"OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "LD_LIBRARY_PATH", "PWD",
                                                    "LC_CTYPE"}


def test_only_the_lines_it_needs_are_open(box):
    assert called(box, """
        import os
        def f():
            found = []
            for fd in range(64):
                try:
                    os.fstat(fd)
                    found.append(fd)
                except OSError:
                    pass
            return found
        """) == [0, 1, 2, 3]


@pytest.mark.parametrize("call", [
    "os.fork()", "os.kill(1, 9)", "os.kill(-1, 9)", "socket.socket()", "socket.socketpair()", "os.memfd_create('x')",
    "os.execv('/python/bin/python3', ['x'])", "os.mkdir('/dev/x')", "os.chmod('/judge', 0o777)", "os.setuid(0)",
    "os.symlink('a', '/b')", "os.open('/x', os.O_CREAT | os.O_WRONLY)", "open('/judge/inside/wire.py', 'w')",
    "os.posix_spawn('/python/bin/python3', ['x'], {})", "__import__('_thread').start_new_thread(print, ())",
    "__import__('resource').setrlimit(0, (9, 9))", "open('/dev/full')", "os.mkfifo('/x')",
    "__import__('time').sleep(1)", "__import__('nnlab')", "__import__('course')", "__import__('pip')",
    "__import__('subprocess').run(['/python/bin/python3'])", "open('/etc/passwd')",
])
def test_it_cannot(box, call):
    assert inside(box, call) in ("PermissionError", "OSError", "FileNotFoundError", "ModuleNotFoundError",
                                 "RuntimeError", "ValueError")


@pytest.mark.parametrize(("number", "name"), [
    (101, "ptrace"), (310, "process_vm_readv"), (319, "memfd_create"), (29, "shmget"), (425, "io_uring_setup"),
    (250, "keyctl"), (272, "unshare"), (56, "clone"), (435, "clone3"), (321, "bpf"), (298, "perf_event_open"),
    (165, "mount"), (41, "socket"), (157, "prctl"), (302, "prlimit64"), (447, "memfd_secret"), (62, "kill"),
    (323, "userfaultfd"), (16, "ioctl"), (59, "execve"), (234, "tgkill"), (424, "pidfd_send_signal"),
])
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86-64")
def test_a_system_call_by_its_number_is_refused(box, number, name):
    assert inside(box, f"[ctypes.CDLL(None, use_errno=True).syscall({number}, 0, 0, 0, 0, 0), ctypes.get_errno()]") == [
        -1, 1], name


def test_the_allow_list_holds_nothing_that_makes_or_reaches_another():
    assert not set(syscalls.ALLOWED.split()) & {
        "clone", "clone3", "fork", "vfork", "execve", "execveat", "socket", "connect", "ptrace", "kill", "tgkill",
        "tkill", "memfd_create", "shmget", "io_uring_setup", "unshare", "setns", "mount", "keyctl", "prctl", "bpf",
        "prlimit64", "setrlimit", "process_vm_writev", "pidfd_getfd", "ioctl", "userfaultfd", "sendmsg", "recvmsg"}


def test_nothing_survives_from_one_job_to_the_next(box):
    first = called(box, """
        import sys, os, builtins, numpy as np
        def f():
            builtins.sum = lambda x: 99
            np.allclose = lambda *a: True
            sys.modules['leftover'] = sys
            return 1
        """)
    assert first == 1
    assert inside(box, "[sum([1, 2]), 'leftover' in sys.modules, bool(np.allclose(1, 2))]") == [3, False, False]


def test_memory_and_output_are_bounded(box):
    assert inside(box, "np.ones(10**9)") == "MemoryError"
    job = start(box, "def f():\n    print('x' * 10**8)\n    import os\n    os.write(1, b'y' * 10**6)")
    job.ask({"n": 1, "probe": "", "args": [], "errors": {}}, 100_000)
    assert len(job.output()) <= sandbox.OUTPUT


@pytest.mark.parametrize(("body", "how"), [
    ("while True: pass", "cpu"),
    ("import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass", "cpu|wall"),
    ("import os; os._exit(0)", "exit"), ("import os; os.close(3)", "exit"),
    ("import ctypes; ctypes.string_at(0)", "crash"),
    ("import threading; l = threading.Lock(); l.acquire(); l.acquire()", "wall"),
    ("import os; os.abort()", "crash"),
    ("import sys; sys.setrecursionlimit(10**9); g = lambda: g(); g()", "crash|cpu|wall"),
])
def test_how_a_process_ends_is_told(box, body, how):
    job = start(box, f"def f():\n    {body}")
    with pytest.raises(Died) as end:
        job.ask({"n": 1, "probe": "", "args": [], "errors": {}}, 100_000)
    assert end.value.how in how.split("|")
    assert inside(box, "1") == 1  # and the next job finds a sandbox


def test_an_ordinary_user_gets_the_same_protection():
    """The same file again, by a user who is not root, in a user namespace of their own."""
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user: the tests above are the proof")
    tests = ["alone", "cannot", "number", "survives", "bounded", "told"]
    command = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000",
               sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(tests), __file__]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 50


def test_without_a_sandbox_it_refuses_and_names_the_fix(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    sandbox.trouble.cache_clear()
    with pytest.raises(sandbox.SandboxError, match=r"sudo apt install bubblewrap.*docker: not"):
        sandbox.level_here()
    sandbox.trouble.cache_clear()


def test_without_libseccomp_it_refuses(monkeypatch):
    def missing(*_, **__):
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    syscalls.program.cache_clear()
    sandbox.trouble.cache_clear()
    assert "sudo apt install libseccomp2" in sandbox.trouble("bubblewrap")
    sandbox.trouble.cache_clear()


def test_root_may_not_grade_unsafely(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(sandbox.SandboxError, match="as root"):
        sandbox.level_here(unsafe=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert sandbox.level_here(unsafe=True) == "unsafe"


def test_bubblewrap_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(sandbox, "bubblewrap", lambda *_: ["sh", "-c", "echo no namespaces here >&2; exit 1"])
    with sandbox.Bubblewrap() as broken, pytest.raises(sandbox.SandboxError, match="no namespaces here"):
        start(broken, "def f(): ...")


def test_no_process_is_left():
    with sandbox.Bubblewrap() as box:
        inside(box, "1")
        process = box._process.pid
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        assert children
    assert not any(Path(f"/proc/{pid}").exists() for pid in [process, *children])
