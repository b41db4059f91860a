"""Run lessons from top to bottom and store what they print: `python tools/run_lessons.py [LESSON.ipynb ...]`.

A stored lesson shows its pictures where no kernel runs (GitHub, nbviewer), and nbval compares its numbers with fresh
ones. Widget views are dropped as JupyterLab's save hook drops them, and so are times, which differ at every run.
"""

import argparse
import pathlib
import sys
import time

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from course.savehook import drop_widget_views  # noqa: E402


def run(path: pathlib.Path) -> float:
    """Execute one lesson in its own folder and write it back; returns the seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    begun = time.monotonic()
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}},
                   store_widget_state=False, record_timing=False, coalesce_streams=True).execute()
    seconds = time.monotonic() - begun
    drop_widget_views({"type": "notebook", "content": notebook})
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}  # the exact version would change with every machine
    nbformat.write(notebook, path)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", type=pathlib.Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    for path in parser.parse_args().lessons:
        print(f"{path.name}: {run(path.resolve()):.1f} s from top to bottom")


if __name__ == "__main__":
    main()
