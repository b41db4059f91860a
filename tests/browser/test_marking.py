"""The page that people mark on, in Chromium: by keys alone, over a reload, and with a server that goes away."""

import threading

import pytest

from course.grading import marking, marking_page, office
from tests.grading import fakes
from tests.grading.test_marking import EVIL, fill
from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser

PROSE = {f"s{n:02}": f"because {n}, `code` and **bold**\n\n| n | 5 |\n|---|---|\n| 3 | 4 |" for n in range(4)}


@pytest.fixture
def server(tmp_path):
    folder = office.new_office(tmp_path / "course", fakes.write_kit(tmp_path / "kits")).folder
    fill(folder, {**PROSE, "bob": EVIL}, '["maria"]')
    server = marking_page.Server(marking.Marking(office.open_office(folder), "1"))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def marks(server) -> dict[str, tuple]:
    """By pseudonym: points and comment, as another process would find them."""
    fresh = marking.Marking(server.marking.office, "1")
    return {each["name"]: (each["mark"]["points"], each["mark"]["comment"])
            for each in fresh.state()["exercises"][0]["answers"] if each["mark"]}


def test_three_answers_by_keys_alone_are_there_after_a_reload(server, context, page, complaints, monkeypatch):
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    who, status, answer = (page.locator(f"#{name}") for name in ("who", "status", "answer"))
    page.goto(server.address)
    expect(who).to_be_focused()
    names = []
    for key in "21":
        names.append(who.inner_text())
        page.keyboard.press(key)
        expect(status).to_contain_text("Kept at")
        page.keyboard.press("n")
    names.append(who.inner_text())
    page.keyboard.press("0")
    page.keyboard.press("c")
    page.keyboard.type("no reason; n j 2 <i>")  # keys are letters here
    page.keyboard.press("Escape")
    expect(status).to_contain_text("Kept at")
    assert len(set(names)) == 3
    want = {names[0]: (2, ""), names[1]: (1, ""), names[2]: (0, "no reason; n j 2 <i>")}
    assert marks(server) == want
    assert page.locator("#progress").inner_text() == "why: marked 3 of 5"

    page.reload()
    expect(who).to_be_focused()
    assert who.inner_text() == names[2]
    assert page.locator("#comment").input_value() == "no reason; n j 2 <i>"
    assert page.locator("#levels [aria-pressed=true]").inner_text().endswith("does not")
    assert page.locator("#progress").inner_text() == "why: marked 3 of 5"

    # What was written in a hostile hand is text, and what is not kept says so and is sent again.
    for key in ("k", "k", "k", "k", "j", "j", "j", "j"):
        if "calc" in answer.inner_text():
            break
        page.keyboard.press(key)
    assert '<img src=x onerror="document.title=1"> </script><script>1</script> [name]' in answer.inner_text()
    assert page.locator("#answer img, #answer script").count() == 0
    assert page.title() == "Marking: Small"
    assert not page.locator("#trouble").is_visible()
    keep = server.marking.keep

    def full(*_):
        raise marking_page.RecordsError("disk full")

    monkeypatch.setattr(server.marking, "keep", full)
    here = who.inner_text()
    page.keyboard.press("2")
    expect(page.locator("#trouble")).to_contain_text("Not kept: disk full 1 mark stays in this page")
    assert "Not kept yet" in status.inner_text()
    assert marks(server).get(here) == want.get(here)
    monkeypatch.setattr(server.marking, "keep", keep)
    expect(page.locator("#trouble")).to_be_hidden()
    assert marks(server)[here][0] == 2
    assert complaints == ["Failed to load resource: the server responded with a status of 503 (Service Unavailable)"]
    complaints.clear()
    assert {url.split("/")[2] for url in asked} == {server.host}
