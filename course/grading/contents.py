"""What a bubblewrap sandbox contains: this Python's standard library, the packages a unit allows, the system's
libraries, our half of the judge. All of it read-only, and nothing else: no file can be written, there is no /proc, no
home, no network.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from functools import cache
from pathlib import Path

INSIDE = Path(__file__).resolve().parent / "inside"
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_KEPT = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL"]


def bubblewrap(as_root: bool, packages: tuple[str, ...]) -> list[str]:
    """The command, up to what is to be run in it.

    An ordinary user gets a user namespace. Root keeps, for the supervisor alone, what it needs to make a job nobody's.
    """
    return ["bwrap", *(_root() if as_root else ["--unshare-all"]), "--die-with-parent",
            "--new-session", "--as-pid-1", "--hostname", "judge", "--clearenv", "--setenv", "OPENBLAS_NUM_THREADS", "1",
            "--setenv", "PYTHONHASHSEED", "0", "--setenv", "LD_LIBRARY_PATH", "/python/lib", *_mounts(packages),
            "--chdir", "/", "--remount-ro", "/"]


def _root() -> list[str]:
    return ["--unshare-ipc", "--unshare-net", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try",
            "--cap-drop", "ALL", *_KEPT]


def python(code: str) -> list[str]:
    """The command that runs `code` in it."""
    paths = "import sys; sys.dont_write_bytecode = True; sys.path += ['/packages', '/judge']; "
    return ["/python/bin/python3", "-I", "-S", "-c", paths + code]


@cache
def _mounts(packages: tuple[str, ...]) -> list[str]:
    words = []
    for folder in ("/usr", "/etc", "/dev", "/python", "/python/bin", "/python/lib", "/packages", "/judge"):
        words += ["--perms", "0755", "--dir", folder]
    for folder in ("/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        path = Path(folder)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            words += ["--ro-bind", folder, folder]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--dev-bind", "/dev/null", "/dev/null"]
    library = Path(sysconfig.get_path("stdlib"))
    words += ["--ro-bind", str(library), f"/python/lib/{_VERSION}",
              "--ro-bind", str(Path(sys.executable).resolve()), "/python/bin/python3"]
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        name = sysconfig.get_config_var("INSTSONAME") or sysconfig.get_config_var("LDLIBRARY")
        words += ["--ro-bind-try", str(Path(sysconfig.get_config_var("LIBDIR")) / name), f"/python/lib/{name}"]
    # What is installed for the system's Python, or in this one, is not for students: nnlab could be there.
    for hidden in (f"/python/lib/{_VERSION}/site-packages", "/usr/lib/python3/dist-packages"):
        real = library / "site-packages" if hidden.startswith("/python") else Path(hidden)
        if real.is_dir():
            words += ["--size", "4096", "--tmpfs", hidden, "--remount-ro", hidden]
    for name in packages:
        folder = Path(importlib.util.find_spec(name).submodule_search_locations[0])
        words += ["--ro-bind", str(folder), f"/packages/{name}"]
        if (libraries := folder.with_name(f"{name}.libs")).is_dir():
            words += ["--ro-bind", str(libraries), f"/packages/{name}.libs"]
    return [*words, "--ro-bind", str(INSIDE), "/judge/inside"]
