"""Labs in a real JupyterLab, under keyboard and mouse: the picture follows the hand, and nothing goes wrong beside it.

Behaviour only: how fast it is, benchmarks/labs.py measures.
"""

import zlib

import numpy as np
import pytest

from tests.browser.jupyter import JupyterLab
from tests.needs import needs

needs("browser")
pytestmark = pytest.mark.browser

LINE = "from tests.labs.small import Line\nlab = Line()\nlab"
WALK = "from tests.labs.small import Walk\nlab = Walk()\nlab"
# The lab's state by a fingerprint of its pixels; `same` computes it of what the page shows.
STATE = "import zlib\nprint(zlib.crc32(lab.view.pixels()[..., :3].tobytes()), lab.taken, lab.stage.state)"


def fingerprint(lab):
    lab.until_exact()
    return zlib.crc32(np.ascontiguousarray(lab.pixels()).tobytes())


def hold(lab, key, times):
    """Hold a key down, as the hand does: it repeats some 30 times a second, and nobody waits for an answer."""
    for _ in range(times):
        lab.page.keyboard.down(key)
        lab.page.wait_for_timeout(30)
    lab.page.keyboard.up(key)


# -- the hand -------------------------------------------------------------------------------------------------------


def test_the_picture_follows_the_slider_under_the_keyboard(open_notebook, subshells):
    nb = open_notebook(
        "import threading\nfrom tests.labs.small import Line\nqueues = []\n"
        "class Where(Line):\n"
        "    def draw(self, view, r):\n"
        "        queues.append('cells' if threading.current_thread() is threading.main_thread() else 'own')\n"
        "        super().draw(view, r)\n"
        "lab = Where()\nlab",
        "print(round(lab.values['slope'], 6), queues[-1])",
    )  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    before = lab.pixels()
    lab.slider("slope").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowRight", "ArrowLeft"):
        lab.page.keyboard.press(key)
    lab.until_words("end 1.20")
    assert (lab.pixels() != before).any()
    assert nb.run(1) == {"disabled": "1.2 cells\n", "perCommTarget": "1.2 own\n"}[subshells]


def test_a_held_key_ends_on_the_right_value_with_at_most_two_stale_pictures(open_notebook, subshells):
    nb = open_notebook("from tests.labs.small import SlowLine\nlab = SlowLine()\nlab", STATE)
    nb.run(0)
    lab = nb.lab()
    lab.slider("slope").focus()
    hold(lab, "ArrowLeft", 25)
    released = lab.page.evaluate("() => performance.now()")
    lab.until_words("end -1.50")
    shown = fingerprint(lab)
    after = [words for time, _, kind, words in lab.paints() if time > released and kind == "image/jpeg"]
    assert len(after) <= 3  # two stale ones and the right one: no queue of moves is worked off
    assert all("end -1.50" in words for words in after[2:])
    assert nb.run(1).startswith(f"{shown} ")
    assert "end -1.50" in lab.words


def test_a_caption_that_becomes_long_does_not_push_the_picture_away(open_notebook):
    nb = open_notebook(
        "from tests.labs.small import Line\n"
        "class Wordy(Line):\n"
        "    def tell(self, r):\n"
        "        return 'A line.', {'end': f'{r.y[-1]:.2f}', 'words': 'and more ' * (20 if r.y[-1] > 1.5 else 1)}\n"
        "lab = Wordy()\nlab")  # fmt: skip
    nb.run(0)
    lab = nb.lab()
    before = lab.canvas.bounding_box()
    lab.slider("slope").press("End")
    lab.until_words("end 2.00")
    caption = lab.root.locator(".nnlab-caption").bounding_box()
    assert lab.canvas.bounding_box() == before
    assert caption["height"] > 30, "the long caption takes more than one line"
    assert caption["width"] == pytest.approx(before["width"], abs=2)


def test_the_other_controls_work_from_the_keyboard_too(open_notebook):
    nb = open_notebook(LINE, "print(lab.values['kind'], lab.values['grid'])")
    nb.run(0)
    lab = nb.lab()
    before = lab.pixels()
    lab.root.locator("select").select_option("dashed")
    lab.root.locator("input[type=checkbox]").press("Space")
    nb.page.wait_for_function("n => document.querySelector('canvas').paints.length >= n", arg=2)
    assert nb.run(1) == "dashed True\n"
    assert (lab.pixels() != before).any()


# -- training -------------------------------------------------------------------------------------------------------


def test_training_plays_while_another_cell_runs_and_stop_freezes_it(open_notebook, subshells):
    nb = open_notebook(WALK, STATE, "print('another cell', sum(range(10)))")
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 10")
    assert nb.run(2) == "another cell 45\n"
    assert lab.state == "playing"
    seen = len(lab.paints())
    lab.until("canvas.paints.length > argument", seen + 5)
    lab.press("stop")
    lab.until_state("still")
    shown = fingerprint(lab)
    paints = len(lab.paints())
    crc, taken, state = nb.run(1).split()
    assert (int(crc), state) == (shown, "still")
    assert f"step {taken}" in lab.words
    nb.run(1, 2)
    assert len(lab.paints()) == paints
    assert nb.text(1).split()[1] == taken


def test_the_picture_moves_on_during_a_long_cell_and_its_first_move_of_a_slider_is_heard(open_notebook):
    nb = open_notebook(WALK, """
import time
shown, end = lab.stage.seq, time.monotonic() + 60
while time.monotonic() < end and (lab.stage.seq < shown + 20 or lab.values["rate"] == 0.1):
    time.sleep(0.01)
print(lab.stage.seq >= shown + 20, round(lab.values["rate"], 6))
""")
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 3")
    nb.begin(1)
    lab.slider("rate").press("ArrowRight")
    nb.ended()
    assert nb.text(1) == "True 0.11\n"


def test_pictures_on_their_way_when_stop_is_pressed_are_not_painted(open_notebook, jupyterlab):
    """The kernel is busy with a cell, so it hears of Stop late and goes on sending for a while."""
    jupyterlab.subshells("disabled")
    try:
        nb = open_notebook(WALK, "import time\ntime.sleep(1)")
        nb.run(0)
        lab = nb.lab()
        lab.press("play")
        lab.until("canvas.paints.length > 10")
        lab.canvas.evaluate("""async canvas => {
            const stop = canvas.closest(".nnlab-stage").querySelector("[data-command=stop]");
            const panel = window.jupyterapp.shell.currentWidget;
            panel.content.activeCellIndex = 1;
            window.running = window.jupyterapp.commands.execute("notebook:run-cell");
            await new Promise(requestAnimationFrame);
            stop.click();
            canvas.paints.length = 0;
        }""")
        nb.ended()
        lab.until_state("still")
        lab.until_exact()
        assert [kind for _, _, kind, _ in lab.paints()] == ["image/png"]
    finally:
        jupyterlab.subshells(None)


def test_pause_step_play_and_reset(open_notebook):
    nb = open_notebook(WALK, "print(lab.taken)")
    nb.run(0)
    lab = nb.lab()
    lab.press("step")
    lab.until_words("step 2")
    lab.press("play")
    lab.until("canvas.paints.length > 5")
    lab.press("pause")
    lab.until_state("paused")
    lab.until_exact()
    held = int(nb.run(1))
    assert f"step {held}" in lab.words
    lab.press("step")
    lab.until_words(f"step {held + 2}")
    lab.press("reset")
    lab.until_words("step 0")
    assert nb.run(1) == "0\n"


def test_a_live_control_and_another_move_while_it_trains(open_notebook):
    nb = open_notebook(WALK, "lab.pause()\nprint(lab.result.start, lab.values['rate'] > 0.1, lab.taken > 0)")
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 5")
    lab.slider("rate").focus()
    hold(lab, "ArrowRight", 10)
    lab.slider("start").focus()
    hold(lab, "ArrowRight", 2)
    lab.until("canvas.paints.length > argument", len(lab.paints()) + 5)
    assert lab.state == "playing"
    assert nb.run(1) == "5 True True\n"


def test_a_hidden_tab_does_not_stall_training_and_is_up_to_date_when_it_comes_back(open_notebook, context):
    nb = open_notebook(WALK.replace("Walk()", "Walk(length=20)"), "print(lab.wait(60), lab.taken)")
    nb.run(0)
    lab = nb.lab()
    hide(nb.page, True)
    painted = len(lab.paints())
    lab.root.locator("button[data-command=play]").evaluate("button => button.click()")
    assert nb.run(1) == "True 20\n"
    assert len(lab.paints()) == painted
    hide(nb.page, False)
    lab.until_words("step 20")


def hide(page, hidden):
    """As when another tab is brought to the front: no animation frames, and the document says that it is hidden."""
    page.evaluate("""hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        window.frames_kept ??= window.requestAnimationFrame;
        window.requestAnimationFrame = hidden ? () => 0 : window.frames_kept;
        document.dispatchEvent(new Event("visibilitychange"));
    }""", hidden)  # fmt: skip


def test_a_page_hidden_in_mid_training_does_not_hold_it_up(open_notebook):
    nb = open_notebook(WALK, """
import time
seen, end, views = lab.taken, time.monotonic() + 60, lab.stage._views
while time.monotonic() < end and lab.taken < seen + 50: pass
print(lab.taken >= seen + 50, [view["visible"] for view in views.values()],
      all(lab.stage.seq - view["seq"] <= 4 for view in views.values()))
""")
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 3")
    hide(nb.page, True)
    assert nb.run(1) == "True [False] True\n"
    hide(nb.page, False)
    lab.until("canvas.paints.length > argument", len(lab.paints()) + 3)
    lab.press("stop")
    lab.until_state("still")


# -- what goes wrong ------------------------------------------------------------------------------------------------


def test_an_exception_is_on_the_page_and_the_control_still_works(open_notebook):
    nb = open_notebook(LINE)
    nb.run(0)
    lab = nb.lab()
    assert lab.alert.is_hidden()
    slider = lab.slider("shift")
    slider.press("End")
    lab.alert.wait_for(state="visible")
    assert lab.alert.inner_text() == "ValueError: a shift of 3 is too much"
    slider.press("ArrowLeft")
    lab.alert.wait_for(state="hidden")
    lab.until_words("end 3.00")


def test_a_students_endless_loop_is_stopped_with_the_button(open_notebook, subshells):
    nb = open_notebook(
        "from tests.labs.small import Yours\nlab = Yours()\nlab",
        "def mine(x):\n    while True:\n        try: len(x)\n        except: pass\nlab.use(mine);",
        "print('another cell')",
        "lab.use(lambda x: x + 1);",
    )
    nb.run(0)
    lab = nb.lab()
    nb.run(1)
    lab.until_state("busy")
    assert "has been running for a while" in lab.root.locator(".nnlab-caption").inner_text()
    assert nb.run(2) == "another cell\n"
    lab.press("stop")
    lab.until_state("still")
    lab.alert.wait_for(state="visible")
    assert "stopped before it had finished" in lab.alert.inner_text()
    nb.run(3)
    lab.until_words("last 4.0")
    assert lab.alert.is_hidden()
    lab.slider("scale").press("ArrowRight")
    lab.until_words("last 7.0")


# -- the notebook around it -----------------------------------------------------------------------------------------


def test_fifty_runs_of_a_cell_leave_no_thread_and_no_figure_behind(open_notebook):
    nb = open_notebook(
        "from tests.labs.small import Walk\nlab = Walk().play()\nlab",
        "import gc, threading, ipywidgets\nfrom matplotlib.figure import Figure\n"
        "print(sum(t.name.startswith('lab ') for t in threading.enumerate()), gc.collect() * 0 + "
        "sum(isinstance(o, Figure) for o in gc.get_objects()), len(ipywidgets.widget._instances))",
    )
    def left():
        return nb.run(1).splitlines()[-1]  # above it ipykernel may complain of its own tasks, which gc.collect() finds

    nb.run(0, 0)
    before = left()
    assert before.startswith("1 1 ")
    nb.run(*[0] * 50)
    assert left() == before
    lab = nb.lab()
    assert lab.state == "playing"
    lab.press("stop")
    lab.until_state("still")


def test_two_labs_in_one_notebook_mind_their_own_business(open_notebook):
    nb = open_notebook(LINE, WALK.replace("lab", "walk").replace("tests.walks", "tests.labs"))
    nb.run(0, 1)
    line, walk = nb.lab(0), nb.lab(1)
    walk.press("play")
    walk.until("canvas.paints.length > 3")
    line.slider("slope").press("ArrowRight")
    line.until_words("end 1.10")
    seen = len(walk.paints())
    walk.until("canvas.paints.length > argument", seen + 3)
    assert "A straight line." in line.words
    walk.press("stop")
    walk.until_state("still")


def test_two_views_of_one_lab_both_follow(open_notebook):
    nb = open_notebook(WALK, "lab", "print(len(lab.stage._views))")
    nb.run(0, 1)
    one, other = nb.lab(0), nb.lab(1)
    one.slider("start").press("ArrowRight")
    one.until_words("w 4.0000")
    other.until_words("w 4.0000")
    one.press("play")
    one.until("canvas.paints.length > 10")
    other.until("canvas.paints.length > 10")
    other.press("stop")
    other.until_state("still")
    one.until_state("still")
    assert fingerprint(one) == fingerprint(other)
    nb.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.get(1).outputs.clear()")
    assert nb.run(2) == "1\n"
    one.press("play")  # the view that has gone holds nobody up
    one.until("canvas.paints.length > argument", len(one.paints()) + 10)
    one.press("stop")
    one.until_state("still")


def test_a_new_view_of_the_output_follows_too(open_notebook):
    nb = open_notebook(LINE)
    nb.run(0)
    lab = nb.lab()
    lab.root.locator("canvas").click(button="right")
    nb.page.get_by_text("Create New View for Cell Output").click()
    lab.page.wait_for_function("document.querySelectorAll('canvas.nnlab-picture[data-seq]').length === 2")
    lab.page.evaluate("() => document.querySelector('.noUi-handle').focus()")
    lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_function("""[...document.querySelectorAll('canvas.nnlab-picture')]
        .every(canvas => canvas.getAttribute('aria-label').includes('end 1.10'))""")


def test_after_a_restart_of_the_kernel_the_cell_runs_again(open_notebook):
    nb = open_notebook(WALK)
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 3")
    nb.restart_kernel()
    nb.run(0)
    lab = nb.lab()
    lab.press("play")
    lab.until("canvas.paints.length > 3")
    lab.press("stop")
    lab.until_state("still")


def test_run_save_restart_and_reopen_shows_the_picture_and_no_error(tmp_path, context, page):
    server = JupyterLab(tmp_path / "own")
    try:
        nb = server.open(page, "kept", LINE)
        nb.run(0)
        lab = nb.lab()
        lab.slider("slope").press("ArrowRight")
        lab.until_words("end 1.10")
        nb.command("docmanager:save")
        page.goto("about:blank")
        server.stop()
        server.start()
        server.open(page, "kept")
        picture = page.locator(".jp-OutputArea-output img")
        picture.wait_for()
        assert picture.evaluate("image => image.complete && image.naturalWidth") == 320
        shown = page.locator(".jp-Notebook").inner_text().lower()
        assert "model not found" not in shown
        assert "error" not in shown
        assert page.locator(".nnlab-lab").count() == 0
    finally:
        server.stop()


# -- looks ----------------------------------------------------------------------------------------------------------


def test_the_dark_theme_repaints_the_picture_dark_and_the_light_one_light(open_notebook):
    nb = open_notebook(LINE)
    nb.run(0)
    lab = nb.lab()
    assert lab.pixels()[0, 0].min() > 240
    try:
        nb.command("apputils:change-theme", theme="JupyterLab Dark")
        lab.until("canvas.getContext('2d').getImageData(0, 0, 1, 1).data[0] < 40")
        lab.slider("slope").press("ArrowRight")
        lab.until_words("end 1.10")
        assert lab.pixels()[0, 0].max() < 40
    finally:
        nb.command("apputils:change-theme", theme="JupyterLab Light")
    lab.until("canvas.getContext('2d').getImageData(0, 0, 1, 1).data[0] > 240")


def test_a_prediction_is_made_with_the_keyboard_alone(open_notebook):
    nb = open_notebook("from tests.labs.small import Asked\nlab = Asked()\nlab", "print(lab.prediction.choice)")
    nb.run(0)
    lab = nb.lab()
    page = nb.page
    assert lab.slider("slope").is_visible()
    assert lab.root.locator(".noUi-target[disabled]").count() == 2
    lab.root.locator("input[type=radio]").first.focus()
    page.keyboard.press("Space")
    lab.root.locator("button:enabled", has_text="Lock in my prediction").wait_for()
    tab_to(page, "document.activeElement.innerText === 'Lock in my prediction'", past="input[type=radio]")
    page.keyboard.press("Enter")
    lab.root.get_by_text("Your prediction holds.").wait_for()
    page.wait_for_function("!document.querySelector('.noUi-target[disabled]')")
    tab_to(page, "document.activeElement.matches('.noUi-handle')", past="nothing")
    page.keyboard.press("ArrowRight")
    lab.until_words("end 1.10")
    assert nb.run(1) == "up\n"
    nb.run(0)  # it stays locked, and the lab stays open
    lab = nb.lab()
    lab.root.get_by_text("Your prediction holds.").wait_for()
    assert lab.root.locator("input[type=radio]:enabled").count() == 0
    lab.slider("slope").press("ArrowRight")
    lab.until_words("end 1.10")


def tab_to(page, condition, past):
    """Press Tab until the focus is there; on the way only what `past` selects is passed."""
    page.keyboard.press("Tab")
    while not page.evaluate(condition):
        assert page.evaluate("past => document.activeElement.matches(past)", past)
        page.keyboard.press("Tab")


def test_at_200_percent_nothing_is_lost_sideways_and_the_picture_is_sharp(open_notebook, context):
    nb = open_notebook("from course.labs.neurons import OneNeuron\nlab = OneNeuron()\nlab")
    nb.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    nb.run(0)
    lab = nb.lab()
    assert lab.pixels().shape[1] == 760
    zoom = {"width": 640, "height": 500, "deviceScaleFactor": 2, "mobile": False}
    context.new_cdp_session(nb.page).send("Emulation.setDeviceMetricsOverride", zoom)
    lab.until("canvas.width === 2 * argument", 760)
    outside = lab.root.evaluate("""root => {
        const room = root.closest(".jp-OutputArea-output").getBoundingClientRect();
        return [...root.querySelectorAll("*")].filter(node => {
            const box = node.getBoundingClientRect();
            return box.width > 1 && !node.closest(".nnlab-status")
                && (box.right > room.right + 1 || box.left < room.left - 1);
        }).map(node => node.className);
    }""")
    assert outside == []
    assert lab.canvas.bounding_box()["width"] <= 640
    assert lab.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert nb.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_lab_of_unit_1_stands_on_the_page(open_notebook):
    nb = open_notebook(
        "from course.labs import neurons\nfrom IPython.display import display\n"
        "for name in neurons.__all__:\n    display(getattr(neurons, name)())",
    )
    nb.run(0)
    for number in range(7):
        lab = nb.lab(number)
        assert lab.words
        assert lab.pixels().std() > 5
        assert lab.alert.is_hidden()
