"""Starts JupyterLab on the student's lessons: on this machine only, calm, with the course's save hook.

Runs inside this process, since the hook is a function to hand over (a hook named on Jupyter's command line
is refused by jupyter_server 2: its check imports the old value instead of the new name). The kernel the
lessons get is this environment's Python, whatever other kernels the user has under the same name.
"""

from __future__ import annotations

import os
import platform
import secrets
import signal
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote

from course import savehook
from course.lessons import KEEP, LessonsError


def start(folder: Path, lesson: str, port: int = 8888, browser: bool = True, present: bool = False) -> None:
    """Serve `folder` and open `lesson` in it; returns when the server is stopped (Ctrl-C, once). `present` frees every
    prediction, for a lecture: the kernels inherit NNLAB_PRESENT.

    Raises LessonsError if JupyterLab is not installed or no port is free."""
    prefer_this_environment()
    try:
        from jupyterlab.labapp import LabApp
    except ModuleNotFoundError as missing:
        raise LessonsError(f'JupyterLab needs {missing.name}: pip install "nnlab[lab]"') from None
    if present:
        os.environ["NNLAB_PRESENT"] = "1"
    browser = browser and can_open_browser()
    if not (folder / lesson).exists():
        print(f"{lesson} is not in {folder} any more: nnlab lab --restore {lesson.split('_')[0]} lays it again.")
        lesson = ""
    try:
        server = LabApp.initialize_server(argv=settings(folder, lesson, port, browser))
    except SystemExit:
        raise LessonsError(
            f"JupyterLab could not start; the lines above say why. If no port from {port} on is free: --port NUMBER"
        ) from None
    savehook.install(server)
    address = f"{server.connection_url.rstrip('/')}{server.default_url}?token={server.identity_provider.token}"
    end_on_ctrl_c(server)
    print(welcome(folder, address, browser), flush=True)
    server.start()


def end_on_ctrl_c(server) -> None:
    """Let the first Ctrl-C end the kernels and then the server, also where there is no terminal (Jupyter by itself
    would leave the kernels behind there); the second one ends it the hard way.

    Windows keeps Jupyter's own way: there a handler may wait for seconds until the event loop wakes."""
    if os.name == "nt":
        return

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        server.stop(from_signal=True)

    signal.signal(signal.SIGINT, end)


def settings(folder: Path, lesson: str, port: int, browser: bool) -> list[str]:
    """Jupyter's command line: it outranks every configuration file the user may have."""
    page = f"/lab/tree/{quote(lesson)}" if lesson else "/lab"
    options = {
        "ServerApp.root_dir": folder,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": browser,
        "ServerApp.use_redirect_file": not browser_is_confined(),
        "ServerApp.answer_yes": True,  # Ctrl-C ends it at once; notebooks save themselves
        "ServerApp.allow_root": True,  # containers; it listens on this machine only and asks for the token
        # Its warnings are for those who run servers; they would bury the address.
        "ServerApp.log_level": "ERROR",
        "LabApp.log_level": "ERROR",
        # Made here, so that Jupyter does not print its own longer greeting.
        "IdentityProvider.token": os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24),
        "LabApp.default_url": page,
        # Nothing is fetched: no news, no update check, no extension listing, no search for language servers
        # (which starts npm). That nothing is asked either is set in course/jupyter/labconfig.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
        "LanguageServerManager.autodetect": False,
        # Open tabs are remembered per folder, not mixed with those of the user's other projects.
        "LabApp.workspaces_dir": folder / KEEP / "workspaces",
        # Between server and kernel; costs nothing measurable, and without it each kernel prints a warning.
        "KernelManager.transport_encryption": "auto",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def prefer_this_environment() -> None:
    """Let kernels of this environment come before those of the user and the system, and the course's own
    defaults for JupyterLab's settings before its; what the user set by hand in JupyterLab still counts."""
    for name, ours in (
        ("JUPYTER_PATH", Path(sys.prefix, "share", "jupyter")),
        ("JUPYTER_CONFIG_PATH", Path(__file__).with_name("jupyter")),
    ):
        others = [path for path in os.environ.get(name, "").split(os.pathsep) if path and path != str(ours)]
        os.environ[name] = os.pathsep.join([str(ours), *others])
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"


def can_open_browser() -> bool:
    """Whether a window can appear here; a text browser in this very terminal does not count."""
    if "BROWSER" not in os.environ:
        if "SSH_CONNECTION" in os.environ and "DISPLAY" not in os.environ:
            return False
        wsl = "microsoft" in platform.release().lower()
        if sys.platform.startswith(("linux", "freebsd")) and not wsl:
            if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
                return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def browser_is_confined() -> bool:
    """Whether browsers here see no hidden folders (those of snap and flatpak), where Jupyter's redirect file lies."""
    flatpak = ("/var/lib/flatpak/exports/bin", Path.home() / ".local/share/flatpak/exports/bin")
    for name in ("*irefox*", "*hrom*"):
        if any(any(Path(folder).glob(name)) for folder in ("/snap/bin", *flatpak)):
            return True
    return False


def welcome(folder: Path, address: str, browser: bool) -> str:
    opening = "A browser opens them; if it does not, go to" if browser else "Open in your browser"
    return f"The lessons are in {folder}\n{opening}\n\n    {address}\n\nCtrl-C here ends JupyterLab."
