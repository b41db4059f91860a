"""Drops the widget view from a saved output where a picture, or a page of HTML, stands beside it.

A lab's output holds both a live view and a static picture, a quiz its questions. The view's model lives
only as long as the kernel, so a notebook reopened later would show "model not found" over it; without the
view it shows the picture, as GitHub, nbviewer and HTML exports do. `nnlab lab` installs the hook; on a
JupyterHub this file is a server extension, turned on by one line of configuration (README).
"""

from __future__ import annotations

VIEW = "application/vnd.jupyter.widget-view+json"
STILLS = ("image/png", "image/jpeg", "text/html")


def drop_widget_views(model: dict, **_ignored: object) -> None:
    """A pre-save hook: changes the notebook in `model` in place, and only where a picture stands beside a view.

    The stored state of the widgets goes with the last view; it stays while any view needs it."""
    if model.get("type") != "notebook" or not isinstance(model.get("content"), dict):
        return
    notebook = model["content"]
    dropped = left = 0
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if VIEW not in data:
                continue
            if any(still in data for still in STILLS):
                del data[VIEW]
                dropped += 1
            else:
                left += 1
    if dropped and not left:
        notebook.get("metadata", {}).pop("widgets", None)


def install(serverapp) -> None:
    """Add the hook to a Jupyter server, beside any the user has set."""
    serverapp.contents_manager.register_pre_save_hook(drop_widget_views)


# The two names by which Jupyter finds a server extension.
_load_jupyter_server_extension = install


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "course.savehook"}]
