"""What the tests of the course's foundations share: tiny notebooks, and a shelf of them as the shipped lessons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def notebook(*sources: str, outputs: bool = False, metadata: dict | None = None) -> bytes:
    """A notebook of code cells, with or without the traces of having been run."""
    ran = [{"output_type": "stream", "name": "stdout", "text": ["ran\n"]}] if outputs else []
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "execution_count": number + 1 if outputs else None,
            "outputs": ran,
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    whole = {"cells": cells, "metadata": {**kernel, **(metadata or {})}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1).encode()


@pytest.fixture
def make_notebook():
    return notebook


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of two shipped lessons."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "01_neurons.ipynb").write_bytes(notebook("import nnlab", "print('one')"))
    (folder / "02_init.ipynb").write_bytes(notebook("print('two')"))
    return folder


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """The student's folder, not made yet, with a space and letters that are not ASCII in its name."""
    return tmp_path / "Kurs für Žofie"
