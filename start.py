"""The one file a newcomer runs. It makes an environment of the project's own in `.venv` beside itself,
installs the exact locked versions there, and starts what was asked for; later runs find the stamp it
left and start at once. It needs only Python with venv, never touches the system's Python, and is
written so that even Python 2 can read it far enough to say that it is too old.

    python3 start.py                    the lessons in JupyterLab (Windows: py start.py)
    python3 start.py test [ARGUMENTS]   the tests; ARGUMENTS go to pytest, for example -k neuron
    python3 start.py install [test]     makes the environment and starts nothing
    python3 start.py wheels [test]      fills the folder `wheels`, for a room without network
    python3 start.py COMMAND ...        any other goes to `nnlab`: lab FOLDER --no-browser, doctor, --help
"""

from __future__ import print_function

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(HERE, ".venv")
WHEELS = os.path.join(HERE, "wheels")
STAMP, GUARD, LOG = "nnlab-stamp.json", "nnlab-guard", "nnlab-install.log"  # inside .venv
LOCKS = {"lab": "requirements.lock", "test": "requirements-test.lock"}  # the second holds the first
SIZES = {"lab": "92 MB", "test": "200 MB"}
OLDEST = (3, 11)
PYTHON = "%d.%d" % tuple(sys.version_info[:2])

# What a failed pip printed, and the line that says how to mend it; the first that fits is told.
NO_NETWORK = (
    "NewConnectionError|NameResolutionError|Temporary failure in name|getaddrinfo failed|[Tt]imed? ?out|ProxyError|"
    "Connection ?(reset|refused|aborted|broken)|Connection(Reset|Refused)|Network is unreachable"
)
REASONS = (
    ("DO NOT MATCH THE HASHES",
     "A fetched package is not the one the lock names (a proxy or mirror changed it, or it broke on the way): run "
     "again; if it stays, ask who runs the network."),
    ("No space left on device", "The disk is full: free about 1 GB, then run again."),
    ("Long Path", "This folder's path is too long for Windows: move it to one like C:\\nnlab, then run again."),
    ("CERTIFICATE_VERIFY_FAILED",
     "pip does not trust the network's certificate: ask who runs the network for the file to name in PIP_CERT, or use "
     "a folder of wheels (README, 'Other ways in')."),
    (NO_NETWORK,
     "No network, or the package index did not answer: connect, then run again. For a room without network there is "
     "the folder of wheels (README, 'Other ways in')."),
    ("Looking in links: .*wheels\n(?s:.*)No matching distribution",
     "The folder wheels lacks a package for Python " + PYTHON + ": fill it on a machine of the same kind with the same "
     "Python (python3 start.py wheels), or remove it to use the network."),
    ("No matching distribution|subprocess-exited-with-error|metadata-generation-failed|Failed building wheel",
     "A package has no ready-made file for Python " + PYTHON + " on " + sysconfig.get_platform() + ": use a 64-bit "
     "Python 3.11 to 3.14 and run again."),
    ("Permission denied|WinError (5|32)",
     "A file of the environment is in use or not writable: close JupyterLab if it runs from here, then run again."),
)  # fmt: skip


class Stop(Exception):
    """Something the reader can mend: printed as it stands, without a traceback."""


def say(text):
    print(text)
    sys.stdout.flush()


# ---------------------------------------------------------------- what stands, what is wanted


def facts():
    """What an environment depends on here and now: compared with the stamp of the last run."""

    def digest(name):
        with open(os.path.join(HERE, name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    python = "%s %s %s" % (sys.implementation.name, PYTHON, sysconfig.get_platform())
    locks = {kind: digest(name) for kind, name in LOCKS.items()}
    return {"python": python, "project": HERE, "package": digest("pyproject.toml"), "locks": locks}


def read_stamp():
    """The stamp of the last run; None where .venv is missing or empty; {} where it is not ours."""
    if not os.path.isdir(VENV) or not set(os.listdir(VENV)) - {GUARD}:
        return None
    try:
        with open(os.path.join(VENV, STAMP)) as file:
            stamp = json.load(file)
        return stamp if isinstance(stamp, dict) and stamp else {"state": "torn"}
    except ValueError:  # written by us, but only in part: a full disk, a power cut
        return {"state": "torn"}
    except OSError:
        return {}


def write_stamp(stamp):
    """Atomically, so that a stamp is either the old one or the new one."""
    path = os.path.join(VENV, STAMP)
    with open(path + ".new", "w") as file:
        json.dump(stamp, file, indent=1, sort_keys=True)
    os.replace(path + ".new", path)


def plan(stamp, kind, now):
    """What has to be done before `kind` can start: (step, kind), step one of
    "make", "remake" (from nothing), "packages", "project" (only nnlab itself), "nothing", "foreign".

    An environment made for the tests serves the lessons too, and stays one for the tests."""
    if stamp is None:
        return "make", kind
    if stamp == {}:
        return "foreign", kind
    if stamp.get("kind") == "test":
        kind = "test"
    # A half-made one, another Python's, or one moved or copied with its folder (it holds full paths).
    if stamp.get("state") != "ready" or stamp.get("python") != now["python"] or stamp.get("project") != now["project"]:
        return "remake", kind
    if stamp.get("kind") != kind or stamp.get("lock") != now["locks"][kind]:
        return "packages", kind
    return ("nothing" if stamp.get("package") == now["package"] else "project"), kind


def venv_python():
    return os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")


def clean_environ():
    """The caller's environment without what would let packages from outside in, or send ours elsewhere."""
    env = dict(os.environ)
    for name in ("HOME", "PATH"):
        env.pop("PYTHON" + name, None)
    for name in ("TARGET", "PREFIX", "ROOT", "CONSTRAINT", "REQUIREMENT"):
        env.pop("PIP_" + name, None)
    env.update(PIP_USER="0", PIP_REQUIRE_HASHES="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    # UTF-8 whatever the console's code page, also for the file that points from .venv to this folder.
    env.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", VIRTUAL_ENV=VENV)
    env["PATH"] = os.path.dirname(venv_python()) + os.pathsep + env.get("PATH", os.defpath)
    return env


# ---------------------------------------------------------------- making the environment


def guard():
    """Two runs at once would install over each other: the second waits. Freed when the process ends."""
    handle, told = open(os.path.join(VENV, GUARD), "a+"), False
    while True:
        try:
            if os.name == "nt":
                import msvcrt

                handle.seek(0)
                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                return handle  # a file system without locks (some network drives): go on without
        if not told:
            say("Another start.py is installing here; waiting for it to end ...")
            told = True
        time.sleep(0.5)


def ensure(kind):
    """Make `.venv` ready for `kind`, doing only what is missing."""
    now = facts()
    if plan(read_stamp(), kind, now)[0] == "nothing" and os.path.exists(venv_python()):
        return
    try:
        if not os.path.isdir(VENV):
            os.makedirs(VENV)
        with guard():
            stamp = read_stamp()  # another run may have done the work while this one waited
            step, kind = plan(stamp, kind, now)
            if step == "nothing" and not os.path.exists(venv_python()):
                step = "remake"  # its Python was uninstalled
            if step == "foreign":
                raise Stop("start.py did not make the folder .venv and leaves it alone: move it away, then run again.")
            if step != "nothing":
                bring_up(step, kind, stamp, now)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Stop("The disk of %s is full: free about 1 GB, then run again." % HERE)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Stop(
                "No right to write to %s, or it is in use (by a JupyterLab, say): close what uses it, or copy the "
                "project to a folder of your own, then run again." % (error.filename or VENV)
            )
        raise


def bring_up(step, kind, stamp, now):
    if step in ("make", "remake"):
        if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
            raise Stop("The environment must be made anew, but this Python runs from it: deactivate, then run again.")
        write_stamp({"state": "making"})
        make_venv(anew=step == "remake")
    else:
        write_stamp(dict(stamp, state="making"))
    try:
        if step != "project":
            install_packages(kind)
        say("Installing nnlab itself ...")
        arguments = ["install", "--no-deps", "--no-build-isolation", "--no-index", "-e", HERE]
        code, log = run_pip(arguments, total=0)
        if code:
            raise Stop(explain(log))
    except Stop:
        if step in ("packages", "project"):
            write_stamp(stamp)  # pip undoes what fails: the older versions stand, and the next run tries again
        raise
    stamp = {name: now[name] for name in ("python", "project", "package")}
    write_stamp(dict(stamp, state="ready", kind=kind, lock=now["locks"][kind]))


def make_venv(anew):
    missing = [name for name in ("venv", "ensurepip") if not has_module(name)]
    if missing:
        raise Stop(
            "This Python has no %s. On Debian or Ubuntu: sudo apt install python3-venv. Elsewhere: install Python "
            "from python.org. Then run again." % " and no ".join(missing)
        )
    if anew:
        say("The environment in .venv is half-made, moved or from another Python: making it anew ...")
    else:
        say("Making an environment of the project's own in .venv ...")
    for name in os.listdir(VENV):
        path = os.path.join(VENV, name)
        if name not in (STAMP, GUARD):
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
    command = [sys.executable, "-m", "venv", VENV]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if made.returncode:
        last = (made.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise Stop("Python could not make .venv: %s (Debian or Ubuntu: sudo apt install python3-venv)" % last)


def has_module(name):
    import importlib.util

    return importlib.util.find_spec(name) is not None


def install_packages(kind):
    total = count_packages(kind)
    source = ["--no-index", "--find-links", WHEELS] if os.path.isdir(WHEELS) else []
    where = "from the folder wheels" if source else "(%s to fetch, a minute or two; only this once)" % SIZES[kind]
    say("Installing about %d packages %s ..." % (total, where))
    code, log = run_pip(["install", "--require-hashes"] + source + ["-r", LOCKS[kind]], total)
    if code:
        raise Stop(explain(log))


def count_packages(kind):
    """How many packages a lock names; a few are only for other systems, so it is 'about' that many."""
    with open(os.path.join(HERE, LOCKS[kind])) as file:
        return len(set(re.findall(r"^([\w.-]+)==", file.read(), re.M)))


def run_pip(arguments, total):
    """Run pip in .venv with its output in a log and one line of progress. Returns (exit code, log)."""
    command = [venv_python(), "-m", "pip"] + arguments + ["--progress-bar", "off"]
    lines, began, shown = [], time.time(), time.time()
    with open(os.path.join(VENV, LOG), "w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command, cwd=HERE, env=clean_environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        )  # fmt: skip

        def read():
            for line in pip.stdout:
                lines.append(line)
                log.write(line)

        reader = threading.Thread(target=read)
        reader.daemon = True
        reader.start()
        tty = sys.stdout.isatty()
        try:
            while reader.is_alive():
                reader.join(0.2)
                if total and reader.is_alive() and time.time() - shown >= (0.2 if tty else 15):
                    shown = time.time()
                    text = "  %3d s  %s" % (shown - began, progress(lines, total))
                    print("\r" + text[:78].ljust(78) if tty else text, end="" if tty else "\n")
                    sys.stdout.flush()
        except KeyboardInterrupt:
            pip.terminate()
            raise
        finally:
            code = pip.wait()
            reader.join()
            pip.stdout.close()
            if tty and total:
                print("\r" + " " * 78 + "\r", end="")
    return code, "".join(lines)


def progress(lines, total):
    """What pip is at, from what it has printed so far."""
    count, last = 0, ""
    for line in list(lines):
        if line.startswith(("Collecting ", "Processing ")):
            count, last = count + 1, os.path.basename(re.split("==|-[0-9]", line.split()[1])[0])
        elif line.startswith("Installing collected"):
            return "all fetched; unpacking %d packages" % count
    return "fetching %d of about %d: %s" % (count, total, last) if count else "starting"


def explain(log):
    """One line for a failed pip: what went wrong and how to mend it."""
    errors = re.findall(r"^\s*ERROR: (.+)", log, re.M)
    text = "Installing failed: %s" % (errors[-1] if errors else "pip gave no reason.")
    for pattern, reason in REASONS:
        if re.search(pattern, log):
            text = reason
            break
    return "%s (All that pip said: %s)" % (text, os.path.join(".venv", LOG))


# ---------------------------------------------------------------- starting


def start(arguments):
    """Hand over to the environment's Python. On Windows exec would detach from the console: wait instead."""
    command = [venv_python()] + arguments
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, clean_environ())
    child = subprocess.Popen(command, env=clean_environ())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass  # the child had it too and ends in its own way


def main(argv):
    if sys.version_info < OLDEST:
        text = "nnlab needs Python %d.%d or newer, this is %s: install a newer one and use it (python3.12 start.py)."
        print(text % (OLDEST + (PYTHON,)), file=sys.stderr)
        return 1
    command = argv[0] if argv and not argv[0].startswith("-") else "lab"
    rest = argv[1:] if argv and argv[0] == command else argv
    try:
        if argv and argv[0] in ("-h", "--help"):
            print(__doc__)
            return 0
        if command in ("install", "wheels"):
            if rest not in ([], ["lab"], ["test"]):
                raise Stop("start.py %s got %s, expected nothing or the word test." % (command, " ".join(rest)))
            kind = rest[0] if rest else "lab"
            ensure(kind)
            if command == "wheels":
                say("Fetching the packages into the folder wheels ...")
                download = ["download", "--require-hashes", "-r", LOCKS[kind], "-d", WHEELS]
                code, log = run_pip(download, count_packages(kind))
                if code:
                    raise Stop(explain(log))
            say("Ready: %s" % (VENV if command == "install" else WHEELS))
            return 0
        if command == "test":
            ensure("test")
            os.chdir(HERE)  # pytest reads its settings and what to test from pyproject.toml there
            return start(["-m", "pytest"] + rest)
        ensure("lab")
        # -P: a file named random.py in the caller's folder must not stand in for Python's own.
        return start(["-P", "-m", "course.cli", command] + rest)
    except Stop as stop:
        print("start.py: %s" % stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing outside .venv was touched. Run the same command again to go on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
