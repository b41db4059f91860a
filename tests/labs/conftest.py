"""For the tests of the labs: each in a folder of its own, and nothing left running behind it."""

import threading

import pytest

from course.labs.lab import Lab


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Predictions are stored in the working folder: let that be a new one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNLAB_PRESENT", raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def tidy(monkeypatch):
    """Close what a test has made, and see that no thread of a lab outlives it."""
    made, build = [], Lab.__init__

    def remembered(self, **values):
        made.append(self)
        build(self, **values)

    monkeypatch.setattr(Lab, "__init__", remembered)
    yield
    for lab in made:
        if hasattr(lab, "page"):
            lab.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lab ")]
