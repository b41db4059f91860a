"""docker and podman as the sandbox: with a stand-in for their program, since no daemon runs where the tests do.

The stand-in takes the same words and runs what they name on this machine, so that the lines to the judge, the output,
the limits and the ends of a job are real; what a container itself protects is not shown here.
"""

import os
import sys

import pytest

from course.grading import sandbox
from course.grading.contents import INSIDE
from course.grading.judge import judge
from course.grading.kit import load_kit
from tests.grading.small import notebook, write_kit

STAND_IN = """#!{python} -I
import json, os, signal, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(words) + "\\n")
pids = {pids!r}
if words[:2] == ["image", "inspect"]:
    sys.exit({image})
if words[0] == "kill":
    os.kill(int(open(os.path.join(pids, words[1])).read()), signal.SIGKILL)
    sys.exit()
name, code = words[words.index("--name") + 1], words[-1]
with open(os.path.join(pids, name), "w") as file:
    file.write(str(os.getpid()))
os.execv({python!r}, [{python!r}, "-I", "-c", code.replace("/judge", {inside!r})])
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A `docker` on the PATH; gives the file in which its words are noted."""
    def lay(name="docker", image=0):
        log, program = tmp_path / "log", tmp_path / "bin" / name
        for folder in ("bin", "pids"):
            (tmp_path / folder).mkdir()
        program.write_text(STAND_IN.format(python=sys.executable, log=str(log), pids=str(tmp_path / "pids"),
                                           inside=str(INSIDE.parent), image=image))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))
        monkeypatch.setattr(sandbox, "PATH", {"PATH": str(program.parent)})
        sandbox.trouble.cache_clear()
        return log

    yield lay
    sandbox.trouble.cache_clear()


@pytest.fixture
def kit(tmp_path):
    return load_kit(write_kit(tmp_path / "kit"))


def points(result):
    return {each.name: each.points for each in result.exercises}


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_without_bubblewrap_a_container_is_taken(docker, name):
    log = docker(name)
    assert sandbox.level_here() == name
    said = log.read_text()
    for words in ("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--rm",
                  "--pids-limit=16", "--memory=2500m", "--memory-swap=2500m", "--ipc=none", "--user=65534:65534",
                  f"{INSIDE}:/judge/inside:ro"):
        assert words in said, words


def test_without_its_image_it_says_how_to_build_it(docker):
    docker(image=1)
    with pytest.raises(sandbox.SandboxError, match=r"docker build -t nnlab-judge .*grading"):
        sandbox.level_here()


def test_a_submission_gets_the_same_points_as_in_bubblewrap(docker, kit):
    docker()
    result = judge(notebook(), kit, "ann", b"secret", "docker")
    assert points(result) == {"scaled": 4, "Counter": 2, "answer": 2, "why": None}
    assert result.exercises[0].output == "scaling\n" * 2
    assert result.level == "docker"


@pytest.mark.parametrize(("body", "words"), [
    ("import os\ndef scaled(x, n):\n    os._exit(0)", "ended by itself"),
    ("import ctypes\ndef scaled(x, n):\n    ctypes.string_at(0)", "crashed"),
    ("def scaled(x, n):\n    while True: pass", "endless loop"),
    ("import os\ndef scaled(x, n):\n    os.fork()", "PermissionError"),
    ("import os\ndef scaled(x, n):\n    for fd in range(3, 9):\n        try:\n            os.write(fd, b'0' * 99)\n"
     "        except OSError:\n            pass", "announced"),
])
def test_a_job_ends_as_it_would_in_bubblewrap(docker, kit, body, words):
    docker()
    result = judge(notebook(scaled=body), kit, "ann", b"secret", "docker")
    assert points(result) == {"scaled": 0, "Counter": 2, "answer": 2, "why": None}
    assert words in " ".join(check.reason for check in result.exercises[0].checks)


def test_a_container_that_hangs_is_killed_by_its_name(docker):
    log = docker()
    job = sandbox.OneShot("docker").job({"cpu_seconds": 0.1, "memory_mb": 600})
    with pytest.raises(BaseException, match="did not answer"):
        job.receive(100)  # it waits for its work, and nobody gives it any
    assert '["kill", "nnlab-' in log.read_text()
    assert not job.alive


@pytest.mark.skipif(os.geteuid() == 0, reason="as root --unsafe is refused")
def test_unsafe_is_stamped(kit):
    assert judge(notebook(), kit, "ann", b"secret", "unsafe").level == "unsafe"
