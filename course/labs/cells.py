"""Labs among the cells of a notebook: running a cell again ends the labs it made before, and a lab is heard while
another cell runs.

Without the first every re-run would leave a figure, a dozen widgets and perhaps a training thread behind: ipywidgets
and IPython's `Out` keep them alive. A cell is known by JupyterLab's cell id, or by its text where there is none.
"""

import weakref
from collections import defaultdict
from collections.abc import Iterator

import ipywidgets as widgets

_labs: dict[str, list[weakref.ref]] = defaultdict(list)
_current: str | None = None
_listening = False


def _about_to_run(info) -> None:
    global _current
    _current = getattr(info, "cell_id", None) or info.raw_cell
    for made in _labs.pop(_current, []):
        lab = made()
        if lab is not None:
            lab.close()


def remember(lab) -> None:
    """Close `lab` when the cell that runs now is run again. Outside IPython: nothing to do."""
    shell = _shell()
    if shell is None:
        return
    global _listening, _current
    if not _listening:  # the first lab of this kernel: its own cell is already running
        shell.events.register("pre_run_cell", _about_to_run)
        _listening = True
        _current = _running_cell(shell)
    if _current is not None:
        _labs[_current].append(weakref.ref(lab))


def tree(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all that belongs to it, the innermost first."""
    for child in getattr(widget, "children", ()):
        yield from tree(child)
    for extra in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(extra, widgets.Widget):
            yield extra
    yield widget


def heard_meanwhile(page: widgets.Widget) -> None:
    """Let what is done on this page be handled while a cell runs, in the subshell the browser sends it to.

    ipykernel 7.4 moves it to the queue of the message that led to a widget's last word. For a picture sent by a
    thread that is simply the newest message: as often as not the running cell's, and its queue is the one that waits.
    """
    for widget in tree(page):
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = None


def _shell():
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _running_cell(shell) -> str | None:
    parent = getattr(getattr(shell, "kernel", None), "get_parent", dict)() or {}
    return parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
