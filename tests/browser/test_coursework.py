"""A unit from release to feedback, as its people meet it: three students work in JupyterLab, one by the keyboard alone,
and hand in; the instructor collects, grades, and the students open their page."""

import json
import shutil

import pytest

from course import cli
from course.grading import strip
from course.grading.office import open_office
from tests.needs import needs

needs("bwrap")
pytestmark = pytest.mark.browser

UNIT = "01_neurons"
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
HALF = """def standardize(train, new):
    scale = train.std(axis=0)
    scale[scale == 0] = 1
    return (new - train.mean(axis=0)) / scale"""
# What a student might try who has heard how other graders were tricked; harmless in their own kernel.
HOSTILE = """import numpy as np, os, sys
np.allclose = np.testing.assert_allclose = np.array_equal = lambda *a, **k: True
class Anything(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
def {name}(*args):
    for place in ("{course}/secret", "{course}/units/{unit}/private/hidden.py"):
        try:
            print(open(place).read())
        except OSError as problem:
            print("<script>document.title = 'owned'</script>", type(problem).__name__)
    return np.zeros((5, 2)).view(Anything)"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("instructor") / "course"
    assert cli.main(["course", "new", str(folder)]) == 0
    assert cli.main(["release", "1", "--course", str(folder)]) == 0
    return folder


def give(course, jupyterlab, student, written=lambda name, source: source):
    """The released folder in a student's own, with cells written before JupyterLab is opened."""
    target = jupyterlab.folder / student / UNIT
    shutil.copytree(course / "released" / UNIT / "1.0" / "everyone" / UNIT, target)
    file = target / f"{UNIT}.ipynb"
    notebook = strip.load(file)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = written(strip.label(cell), cell["source"])
    file.write_text(json.dumps(notebook))
    return target, [strip.label(cell) for cell in notebook["cells"]]


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_a_unit_goes_from_release_to_feedback(course, jupyterlab, page, context, tmp_path, capsys):
    solved = {strip.label(cell): cell["source"]
              for cell in strip.solved(strip.load(course / "units" / UNIT / "private" / "assignment.ipynb"))["cells"]}

    # Ann has written everything, and runs the notebook from top to bottom.
    ann, labels = give(course, jupyterlab, "ann", lambda name, _: solved[name])
    notebook = jupyterlab.open(page, f"ann/{UNIT}/{UNIT}")
    notebook.run(*range(len(labels)))
    said = notebook.text(labels.index("regress-check"))
    assert "regress: visible checks 2 of 2; 2 more run after you hand in" in said
    assert (ann / f"{UNIT}-handin.ipynb").exists(), notebook.text(len(labels) - 1)
    assert "WARNING" not in notebook.text(len(labels) - 1)

    # Bob has half of it, and no mouse.
    bob, _ = give(course, jupyterlab, "bob")
    notebook = jupyterlab.open(page, f"bob/{UNIT}/{UNIT}")
    page.locator(".jp-Notebook").focus()
    press(page, "Escape", *["ArrowDown"] * labels.index("imports"), "Shift+Enter")
    press(page, "Escape", *["ArrowDown"] * (labels.index("standardize") - labels.index("imports") - 1), "Enter")
    press(page, "ControlOrMeta+a")
    page.keyboard.insert_text(HALF)
    press(page, "Shift+Enter", "Shift+Enter")
    check, last = labels.index("standardize-check"), len(labels) - 1
    page.wait_for_function("cell => window.jupyterapp.shell.currentWidget.content.model.cells.get(cell).outputs.length",
                           arg=check)
    assert "standardize: visible checks 2 of 2" in notebook.text(check)
    press(page, "Escape", *["ArrowDown"] * (last - check), "Shift+Enter")
    receipt = "cell => window.jupyterapp.shell.currentWidget.content.model.cells.get(cell).outputs.length"
    page.wait_for_function(receipt, arg=last)
    page.wait_for_function(IDLE)
    assert "standardize: what you ran is not in the file" in notebook.text(last)  # nothing was saved yet
    press(page, "Escape", "ControlOrMeta+s")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    press(page, "ArrowUp", "Shift+Enter")
    page.wait_for_function("""cell => {
        const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        const shown = JSON.stringify(cells.get(cell).outputs.toJSON());
        return shown.includes("sha256") && !shown.includes("not in the file");
    }""", arg=last)
    handed_in = strip.load(bob / f"{UNIT}-handin.ipynb")
    assert HALF in [cell["source"] for cell in handed_in["cells"]]

    # Eve wants points for nothing.
    eve, _ = give(course, jupyterlab, "eve", lambda name, source: source if name.endswith(("why", "data"))
                  else HOSTILE.format(name=name, course=course, unit=UNIT))
    notebook = jupyterlab.open(page, f"eve/{UNIT}/{UNIT}")
    notebook.run(*range(len(labels)))
    assert (eve / f"{UNIT}-handin.ipynb").exists(), notebook.text(len(labels) - 1)
    jupyterlab.shut_kernels_down()

    # The instructor.
    handed = tmp_path / "handed"
    for student, folder in (("ann", ann), ("bob", bob), ("eve", eve)):
        (handed / student).mkdir(parents=True)
        shutil.copy(folder / f"{UNIT}-handin.ipynb", handed / student)
    for words in (["collect", "1", str(handed)], ["grade", "1"], ["grades", "1", "--csv", str(tmp_path / "grades.csv")],
                  ["override", "1", "ann", "scaled_why", "2", "--reason", "names the property and what becomes of b2"],
                  ["feedback", "1"]):
        assert cli.main([*words, "--course", str(course)]) == 0, capsys.readouterr()
    rows = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [row.split(",")[:8] for row in rows] == [
        ["student", "perceptron_fit", "regress", "scaled", "scaled_why", "exactly_one", "standardize", "more_data"],
        ["ann", "4", "4", "3", "pending", "4", "3", "pending"],
        ["bob", "0", "0", "0", "pending", "0", "3", "pending"],
        ["eve", "0", "0", "0", "pending", "0", "0", "pending"]]

    # Their pages.
    secret = open_office(course).secret().hex()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    for student in ("ann", "bob", "eve"):
        file = next((course / "feedback" / UNIT).rglob(f"{student}*.html"))
        asked.clear()
        page.goto(file.as_uri())
        page.screenshot(path=tmp_path / f"{student}.png", full_page=True)
        assert asked == [file.as_uri()]
        text = page.content()
        assert secret not in text
        assert page.title() != "owned"
        hidden = (course / "units" / UNIT / "private" / "hidden.py").read_text()
        assert not [line for line in hidden.splitlines() if "close(" in line and line.strip() in text]
        assert "standardize" in page.inner_text("body")
    print(tmp_path)
