"""For all tests: hypothesis draws the same examples every time, and what was missing is said in one line each."""

from hypothesis import settings

from tests.needs import PREFIX

settings.register_profile("nnlab", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("nnlab")


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {str(r.longrepr[2]).removeprefix("Skipped: ") for r in skipped if isinstance(r.longrepr, tuple)}
    for reason in sorted(reason for reason in reasons if reason.startswith(PREFIX)):
        terminalreporter.write_line(reason)
