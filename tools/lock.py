"""Makes requirements.lock and requirements-test.lock again from pyproject.toml.

The locks name exact versions with the hashes of every file published for them, for every platform
and Python at once, and no address of a package index: pip asks whichever index its user has set.
The test lock is resolved with the first one as its constraint, so the two never disagree. At the end
every platform that students have is tried: each package must have a ready-made wheel there.

    python tools/lock.py             keep the versions that stand, follow pyproject.toml
    python tools/lock.py --upgrade   take the newest versions that pyproject.toml allows
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB, TEST = "requirements.lock", "requirements-test.lock"

HEADER = """\
# {what}
# Exact versions with hashes, for every platform and Python >= 3.11; no address of a package index.
# Made by `python tools/lock.py` (needs uv); `--upgrade` takes newer versions. Not to be edited by hand.
"""
WHAT = {
    LAB: "What a student's environment holds: the extra `lab` and the build backend.",
    TEST: "What the tests need: everything in requirements.lock, the extra `teach`, the groups `test` and `site`.",
}

# Versions held back, each with its reason; look again at the next upgrade.
HELD = {
    "argon2-cffi-bindings": "<26",  # 26.2 has no wheel for Macs with an Intel processor
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "x86_64-pc-windows-msvc": PYTHONS,
    "aarch64-pc-windows-msvc": PYTHONS[1:],  # pyyaml has no wheel there for 3.11
    "aarch64-apple-darwin": PYTHONS,
    "x86_64-apple-darwin": PYTHONS,
    "x86_64-unknown-linux-gnu": PYTHONS,
    "aarch64-unknown-linux-gnu": PYTHONS,
}


def run(*command: str) -> subprocess.CompletedProcess:
    # A mirror or a folder of wheels set on this machine would leave its own hashes in the lock.
    env = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}
    return subprocess.run(command, cwd=ROOT, env=env, text=True, stderr=subprocess.PIPE)


def compile_lock(name: str, *choice: str) -> None:
    """Resolve `choice` (extras, groups, constraints) into the file `name`."""
    command = [
        "uv", "pip", "compile", "pyproject.toml", *choice, "--group", "build", "--output-file", name,
        "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate",
        "--no-emit-index-url", "--no-emit-find-links", "--no-config", "--quiet",
    ]  # fmt: skip
    if "--upgrade" in sys.argv[1:]:
        command.append("--upgrade")
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.txt")
        held.write_text("".join(f"{package}{versions}\n" for package, versions in HELD.items()), encoding="utf-8")
        done = run(*command, "--constraint", str(held))
    if done.returncode:
        sys.exit(f"{name} could not be made:\n{done.stderr}")
    body = (ROOT / name).read_text(encoding="utf-8")
    kept = [line for line in body.splitlines(keepends=True) if not line.startswith("#")]
    (ROOT / name).write_text(HEADER.format(what=WHAT[name]) + "".join(kept), encoding="utf-8", newline="\n")


def missing_wheels() -> list[str]:
    """What uv says of each platform and Python on which the lab lock cannot be installed from wheels alone."""
    complaints = []
    for platform, pythons in PLATFORMS.items():
        for python in pythons:
            where = ["--python-platform", platform, "--python-version", python, "--target", tempfile.gettempdir()]
            done = run("uv", "pip", "install", "--dry-run", "--no-config", "--only-binary", ":all:", *where,
                       "--require-hashes", "-r", LAB)  # fmt: skip
            if done.returncode:
                complaints.append(f"{platform}, Python {python}: {done.stderr.strip()}")
    return complaints


def main() -> int:
    if unknown := set(sys.argv[1:]) - {"--upgrade"}:
        print(f"lock.py got {' '.join(unknown)}, expected nothing or --upgrade.", file=sys.stderr)
        return 2
    if shutil.which("uv") is None:
        print("lock.py needs uv, which is not on the PATH: pip install uv", file=sys.stderr)
        return 1
    compile_lock(LAB, "--extra", "lab")
    compile_lock(TEST, "--extra", "teach", "--group", "test", "--group", "site", "--constraint", LAB)
    complaints = missing_wheels()
    print("\n".join(complaints) or f"Locked; wheels for {len(PLATFORMS)} platforms and Python {', '.join(PYTHONS)}.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
