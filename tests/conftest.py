"""For all tests: hypothesis draws the same examples every time, and what was missing is said in one line each."""

import signal

import pytest
from hypothesis import settings

from tests.needs import PREFIX

settings.register_profile("nnlab", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("nnlab")


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {str(r.longrepr[2]).removeprefix("Skipped: ") for r in skipped if isinstance(r.longrepr, tuple)}
    for reason in sorted(reason for reason in reasons if reason.startswith(PREFIX)):
        terminalreporter.write_line(reason)


@pytest.fixture
def ctrl_c_is_heard():
    """As at a terminal: a job in the background of a shell script starts with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
