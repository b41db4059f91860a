"""A Lab does what it is told, from code as from the page, says what went wrong, and leaves nothing behind."""

import base64
import gc
import io
import json
import pathlib
import sys
import threading
import time
import types
import weakref

import ipywidgets
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure
from PIL import Image

from course.labs import cells
from course.labs import shell as module
from tests.labs.small import Asked, Line, TwoFunctions, Walk, Watched, Yours

ROOT = pathlib.Path(__file__).resolve().parents[2]


def press(lab, name):
    """As the page does when a button is pressed."""
    lab.stage._received(lab.stage, {"kind": "command", "view": "v", "name": name}, [])


def move(lab, **values):
    """As the page does when a slider is moved."""
    for name, value in values.items():
        lab._widgets[name].set_state({"value": value})


def until(condition):
    """Wait for a lab's thread to bring something about."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def picture(lab):
    return np.asarray(Image.open(io.BytesIO(lab.stage.frame["data"])).convert("RGB"))


# -- computing --------------------------------------------------------------------------------------------------------


def test_a_lab_shows_its_first_values_at_once():
    lab = Line()
    assert lab.values == {"slope": 1.0, "shift": 0, "kind": "solid", "grid": False}
    assert lab.result.y[-1] == 1
    assert lab.stage.caption == "end 1.00"
    assert lab.stage.table == [["end", "1.00"]]
    assert "A straight line." in lab.stage.alt
    assert picture(lab).shape == (200, 320, 3)


def test_values_can_be_given_at_birth():
    assert Line(slope=2, kind="dashed").values["slope"] == 2
    with pytest.raises(ValueError, match="slope got 9"):
        Line(slope=9)


def test_set_moves_several_controls_and_computes_once(monkeypatch):
    lab, frames = Line(), []
    lab.stage.observe(frames.append, names="frame")
    assert lab.set(slope=0.5, shift=2) is lab
    assert lab.result.y[-1] == 2.5
    assert len(frames) == 1
    assert lab.view["main"]["line"].get_ydata()[-1] == 2.5


def test_a_moved_slider_is_computed_and_drawn_before_its_message_is_done():
    lab = Line()
    before = picture(lab)
    move(lab, slope=-2.0)
    assert lab.result.y[-1] == -2
    assert (picture(lab) != before).any()


def test_reset_brings_the_controls_back():
    lab = Line().set(slope=2, shift=-1, grid=True)
    press(lab, "reset")
    assert lab.values == {"slope": 1.0, "shift": 0, "kind": "solid", "grid": False}
    assert lab.result.y[-1] == 1


@pytest.mark.parametrize(("values", "error", "words"), [
    ({"slop": 1}, ValueError, "no control 'slop': it has slope, shift, kind, grid"),
    ({"slope": 2.1}, ValueError, "slope got 2.1: it must lie from -2 to 2"),
    ({"slope": float("nan")}, ValueError, "slope got nan"),
    ({"slope": "1"}, TypeError, "slope got '1': it must be a number"),
    ({"slope": True}, TypeError, "slope got True"),
    ({"shift": 0.5}, ValueError, "shift got 0.5: it must be a whole number"),
    ({"kind": "dotted"}, ValueError, "kind got 'dotted': it must be one of 'solid', 'dashed'"),
    ({"grid": 1}, TypeError, "grid got 1: it must be True or False"),
])  # fmt: skip
def test_a_wrong_name_or_value_is_refused_and_changes_nothing(values, error, words):
    lab = Line()
    with pytest.raises(error, match=words.replace("(", r"\(")):
        lab.set(slope=0.5, **values) if "slope" not in values else lab.set(**values)
    assert lab.values["slope"] == 1


def test_numpy_numbers_are_numbers():
    assert Line().set(slope=np.float32(0.5), shift=np.int64(2)).result.y[-1] == 2.5


def test_an_error_is_shown_raised_by_result_and_gone_with_its_cause():
    lab = Line()
    move(lab, shift=3)
    assert lab.error == "ValueError: a shift of 3 is too much"
    with pytest.raises(RuntimeError, match="lab t1 has no result: ValueError: a shift of 3 is too much"):
        lab.result  # noqa: B018
    move(lab, shift=2)
    assert lab.error == ""
    assert lab.result.y[-1] == 3


def test_an_error_in_drawing_is_shown_too(monkeypatch):
    lab = Line()
    with monkeypatch.context() as broken:
        broken.setattr(Line, "draw", lambda self, view, r: 1 / 0)
        move(lab, slope=2.0)
        assert lab.error == "ZeroDivisionError: division by zero"
    move(lab, slope=1.5)
    assert lab.error == ""


def test_a_lab_that_fails_from_the_start_still_stands(monkeypatch):
    monkeypatch.setattr(Line, "compute", staticmethod(lambda **_: 1 / 0))
    lab = Line()
    assert lab.error == "ZeroDivisionError: division by zero"
    bundle, _ = lab._repr_mimebundle_()
    assert bundle["text/plain"]


def test_source_shows_the_computation(capsys):
    Line().source()
    assert "def compute(slope, shift, kind, grid):" in capsys.readouterr().out
    Walk().source()
    assert "def train(rate" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["step", "play"])
def test_what_does_not_train_says_so(verb):
    with pytest.raises(ValueError, match="nothing to train"):
        getattr(Line(), verb)()


# -- themes and what the page asks for --------------------------------------------------------------------------------


def test_a_page_in_the_dark_gets_a_dark_picture_at_its_own_density():
    lab = Line()
    lab.stage._received(lab.stage, {"kind": "look", "view": "v", "dark": True, "scale": 2}, [])
    shown = picture(lab)
    assert shown.shape == (400, 640, 3)
    assert shown[0, 0].max() < 40
    seq = lab.stage.seq
    lab.stage._received(lab.stage, {"kind": "look", "view": "v", "dark": True, "scale": 2}, [])
    assert lab.stage.seq == seq


def test_when_the_hand_rests_the_picture_comes_once_more_and_exact():
    lab = Line()
    move(lab, slope=-1.0)
    assert lab.stage.frame["type"] == "image/jpeg"
    rest = {"kind": "rest", "view": "v", "seq": lab.stage.seq}
    lab.stage._received(lab.stage, rest, [])
    assert lab.stage.frame["type"] == "image/png"
    assert (picture(lab) == lab.view.pixels()[..., :3]).all()
    lab.stage._received(lab.stage, rest, [])  # a second view says so too
    assert lab.stage.seq == rest["seq"] + 1


def test_stored_output_has_a_picture_constant_words_and_the_live_view():
    lab = Line()
    bundle, meta = lab._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == lab.set(slope=2)._repr_mimebundle_()[0]["text/plain"]
    assert bundle["text/plain"] == Line()._repr_mimebundle_()[0]["text/plain"]
    assert "t1" in bundle["text/plain"]
    assert "A line" in bundle["text/plain"]
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert (image.format, image.size) == ("PNG", (320, 200))
    assert meta["image/png"]["alt"].startswith("A straight line.")
    json.dumps([bundle, meta])


# -- training ---------------------------------------------------------------------------------------------------------


def test_step_takes_that_many_steps_and_shows_them():
    lab = Walk().step(3)
    assert (lab.taken, lab.result.step) == (3, 3)
    assert lab.result.w == pytest.approx(3 * 0.99**3)
    press(lab, "step")
    assert lab.taken == 5
    assert "step 5" in lab.stage.caption


def test_play_trains_to_the_end_and_shows_the_end():
    lab = Walk(length=20).play()
    assert lab.wait(20)
    assert (lab.stage.state, lab.taken) == ("done", 20)
    assert "step 20" in lab.stage.caption
    assert lab.stage.frame["type"] == "image/png"
    lab.play()
    lab.wait(20)
    assert lab.taken == 20  # from the beginning again


def test_pause_holds_and_play_goes_on():
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    press(lab, "pause")
    held = lab.taken
    assert lab.stage.state == "paused"
    assert f"step {held}" in lab.stage.caption
    assert not lab._worker.busy
    press(lab, "play")
    until(lambda: lab.taken > held + 2)


def test_pause_lets_a_slow_step_end_and_play_goes_on(monkeypatch):
    entered = threading.Event()

    def train(**_):
        for step in range(1000):
            yield {"w": 0.0, "step": step, "path": []}
            if step > 2:
                entered.set()
                time.sleep(0.3)  # longer than a worker's grace

    monkeypatch.setattr(Walk, "train", staticmethod(train))
    lab = Walk().play()
    assert entered.wait(20)
    lab.pause()
    held = lab.taken
    assert lab.stage.state == "paused"
    lab.play()
    until(lambda: lab.taken > held)


def test_stop_freezes_the_picture_and_play_begins_afresh():
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    press(lab, "stop")
    held, seq = lab.taken, lab.stage.seq
    assert lab.stage.state == "still"
    assert f"step {held}" in lab.stage.caption
    assert not lab._worker.busy
    assert lab.stage.seq == seq
    lab.step(1)
    assert lab.taken == 1


def test_frames_sent_after_stop_belong_to_a_new_run():
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    run = lab.stage.frame["run"]
    lab.stop()
    assert lab.stage.frame["run"] == run + 1


def test_reset_goes_back_to_step_0():
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    press(lab, "reset")
    assert (lab.taken, lab.result.step, lab.stage.state) == (0, 0, "still")
    assert not lab._worker.busy


def test_a_live_control_acts_on_the_running_training():
    lab = Walk(rate=0.01).play()
    until(lambda: lab.taken > 4)
    before = lab.taken
    move(lab, rate=1.0)
    until(lambda: lab._result.w < 1)
    assert lab.taken > before


def test_another_control_begins_the_running_training_again():
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    move(lab, start=5)
    until(lambda: lab._result.start == 5)
    assert lab.stage.state == "playing"
    lab.pause()
    assert lab.result.start == 5


def test_a_control_moved_while_still_begins_again_unless_live():
    lab = Walk().step(3)
    move(lab, rate=0.5)
    assert lab.taken == 3
    lab.step(1)
    assert lab.result.w == pytest.approx(3 * 0.99**3 * 0.95)
    move(lab, start=4)
    assert (lab.taken, lab.result.w) == (0, 4)


@pytest.mark.parametrize("steps", [0, 2, 9], ids=["at first", "between steps", "at the end"])
def test_a_live_control_shows_at_once_what_it_changes_while_nothing_trains(steps):
    lab = Watched().step(steps)
    w, taken, state = lab.result.w, lab.taken, lab.stage.state
    move(lab, glass=5)
    assert lab.result.seen == 5 * w
    assert lab.view["main"]["seen"].get_xydata().tolist() == [[0, 5 * w]]
    assert lab.stage.frame["type"] == "image/jpeg"  # the hand may move on; when it rests the exact one follows
    move(lab, place=7)
    assert lab.view["main"]["seen"].get_xydata().tolist() == [[7, 5 * w]]
    assert (lab.result.w, lab.taken, lab.stage.state) == (w, taken, state)
    if state != "done":
        lab.step(1)
        assert (lab.taken, lab.result.seen) == (taken + 1, 5 * lab.result.w)


def test_a_live_control_that_moves_while_the_students_function_runs_is_looked_at_afterwards(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    gate = threading.Semaphore(2)

    def f(w):
        gate.acquire()
        return -w

    lab = Watched().use(f).step(1)
    until(lambda: not lab._at_work)
    for glass in (2, 3, 4):
        move(lab, glass=glass)
    assert lab.stage.state == "busy"
    gate.release(2)
    until(lambda: not lab._at_work)
    assert (lab.result.seen, lab.taken) == (-4 * lab.result.w, 1)
    lab._widgets["rate"].value = 1.0
    gate.release()
    until(lambda: not lab._at_work)
    assert (lab.result.w, lab.taken) == (pytest.approx(3 * 0.99), 1), "no step is taken for it"


def test_a_training_that_breaks_says_so_and_can_be_mended():
    lab = Walk(explode=6).play()
    lab.wait(20)
    assert lab.error == "FloatingPointError: w is nan at step 6"
    assert lab.stage.state == "still"
    with pytest.raises(RuntimeError, match="w is nan"):
        lab.result  # noqa: B018
    press(lab, "play")  # it breaks again, and says so again
    lab.wait(20)
    assert lab.error == "FloatingPointError: w is nan at step 6"
    move(lab, explode=0)
    assert lab.error == ""
    assert lab.step(8).result.step == 8


def test_play_after_a_break_begins_afresh():
    lab = Walk(explode=6).step(7)
    lab._widgets["explode"].unobserve_all()
    lab._widgets["explode"].value = 0  # the cause is gone, and the lab was not told
    press(lab, "play")
    until(lambda: lab.taken > 7)
    assert lab.error == ""


def test_a_live_control_mends_a_broken_training():
    lab = Walk(explode=6).step(7)
    assert lab.error
    with lab.stage.hold_sync():
        lab._widgets["explode"].unobserve_all()
        lab._widgets["explode"].value = 0
    move(lab, rate=0.5)
    assert lab.error == ""
    assert lab.taken == 0


def test_a_training_without_a_page_skips_no_picture_and_one_with_a_dead_page_trains_on(monkeypatch):
    monkeypatch.setattr("course.labs.stage.SILENCE", 0.0)
    lab = Walk()
    lab.stage._received(lab.stage, {"kind": "ack", "view": "dead", "seq": 0, "visible": True}, [])
    lab.play()
    until(lambda: lab.taken > 200)
    assert lab.stage.seq < 10
    lab.stop()


def test_a_locked_lab_ignores_the_pages_buttons_but_not_code():
    lab = Asked()
    seq = lab.stage.seq
    assert lab.stage.locked
    assert all(widget.disabled for widget in lab._widgets.values())
    press(lab, "reset")
    assert lab.stage.seq == seq
    assert lab.set(slope=2).result.y[-1] == 2


def test_an_unknown_command_from_the_page_runs_nothing():
    lab = Line()
    press(lab, "close")
    assert lab.view is not None


def test_without_threads_a_training_runs_as_a_task(monkeypatch):
    import asyncio

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    async def page():
        lab = Walk().play()
        while lab.taken < 10:
            await asyncio.sleep(0)
        lab.pause()
        assert lab.stage.state == "paused"
        held = lab.taken
        await asyncio.sleep(0)
        assert lab.taken == held
        lab.play()
        while lab.taken < held + 4:
            await asyncio.sleep(0)
        lab.stop()
        yours = Yours().use(lambda x: x)
        assert yours.result.y[-1] == 3
        yours.set(scale=2)
        assert yours.result.y[-1] == 6

    asyncio.run(page())


# -- the student's function -------------------------------------------------------------------------------------------


def test_use_runs_the_students_function_and_none_goes_back():
    lab = Yours()
    assert lab.use(lambda x: x + 1) is lab
    assert list(lab.result.y) == [1, 2, 3, 4]
    assert lab.stage.badge == "running your f"
    assert list(lab.set(scale=2).result.y) == [1, 3, 5, 7]
    lab.use(None)
    assert list(lab.result.y) == [0, 4, 16, 36]
    assert lab.stage.badge == ""


def test_a_lab_of_two_functions_wants_them_by_name():
    lab = TwoFunctions()
    with pytest.raises(ValueError, match=r"takes f, g: say which, as in use\(f=...\)"):
        lab.use(abs)
    lab.use(f=lambda x: x + 1, g=lambda x: -x)
    assert list(lab.result.y) == [1, 0, -1, -2]
    assert lab.stage.badge == "running your f and your g"
    lab.use(g=None)
    assert list(lab.result.y) == [1, 2, 3, 4]


@pytest.mark.parametrize(("given", "error", "words"), [
    ({"h": abs}, ValueError, "takes f, not 'h'"),
    ({"f": 3}, TypeError, "f got 3: it must be a function"),
])  # fmt: skip
def test_what_cannot_be_used_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        Yours().use(**given)
    with pytest.raises(ValueError, match="takes no function"):
        Line().use(abs)


@pytest.mark.parametrize(("function", "words"), [
    (lambda x: None, "your f returned None: end it with `return ...`"),
    (lambda x: x[:2], r"your f returned an array of shape (2,): expected (4,), one number for each x"),
    (lambda x: 1.0, "your f returned an array of shape (): expected (4,)"),
    (lambda x: x * np.nan, "your f returned 4 numbers that are nan or infinite, of 4"),
    (lambda x: "four", "your f returned a str: expected an array of shape (4,)"),
    (lambda x: [[1], [2, 3]], "your f returned a list"),
    (lambda: 1, "takes 0 positional arguments but 1 was given"),
], ids=["None", "short", "number", "nan", "text", "ragged", "no argument"])  # fmt: skip
def test_a_wrong_answer_of_the_students_function_is_explained(function, words):
    lab = Yours().use(function)
    assert words in lab.error
    with pytest.raises(RuntimeError, match="has no result"):
        lab.result  # noqa: B018
    lab.use(lambda x: x)
    assert lab.error == ""
    assert lab.result.y[-1] == 3


class Pair(Yours):
    """f(x) for a student's f that returns two arrays: the value and the slope."""

    id = "t4p"
    uses = {"f": (lambda x: (x, 1 + 0 * x), lambda x: [(len(x),), (len(x),)], "the value and the slope")}

    @staticmethod
    def compute(scale, f):
        y, slope = f(scale * np.arange(4.0))
        return {"y": y + slope, "scale": scale}


@pytest.mark.parametrize(("function", "words"), [
    (lambda x: x, "your f returned one ndarray: expected 2 arrays, the value and the slope"),
    (lambda x: (x, x, x), "your f returned 3 things: expected 2 arrays"),
    (lambda x: (x, None), "your f returned None"),
    (lambda x: (x, x[:2]), r"shape (2,): expected (4,), the value and the slope"),
], ids=["one", "three", "None", "short"])  # fmt: skip
def test_a_students_function_may_have_to_return_several_arrays(function, words):
    lab = Pair()
    assert lab.result.y[-1] == 4
    assert words in lab.use(function).error
    assert lab.use(lambda x: [x, 2 * x]).result.y[-1] == 9


def test_an_exception_of_the_students_function_names_its_line():
    def f(x):
        y = x + 1
        return y[10]

    error = Yours().use(f).error
    line = f.__code__.co_firstlineno + 2
    assert error.startswith(f"Your f stopped at line {line}:\n    return y[10]\nIndexError: index 10")


def test_an_endless_loop_of_the_students_is_stopped_and_the_lab_lives_on(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    def f(x):
        while True:
            try:  # noqa: SIM105
                len(x)
            except:  # noqa: E722
                pass

    lab = Yours().use(f)
    assert lab.stage.state == "busy"
    assert "has been running for a while. Stop ends it." in lab.stage.caption
    move(lab, scale=2)  # does not wait, does not fail
    assert lab.stage.state == "busy"
    press(lab, "stop")
    assert lab.stage.state == "still"
    assert "stopped before it had finished" in lab.error
    assert not lab._worker.busy
    lab.use(lambda x: x)
    assert lab.result.y[-1] == 6
    assert lab.error == ""


def test_an_endless_loop_gives_way_to_the_next_function(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    def f(x):
        while True:
            pass

    lab = Yours().use(f)
    lab.use(None)
    assert lab.stage.state == "still"
    assert lab.result.y[-1] == 9


def test_what_cannot_be_stopped_says_restart_the_kernel_and_the_lab_lives_on(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module.Worker.stop, "__defaults__", (0.2, 0.05))
    let_go = threading.Lock()
    let_go.acquire()

    def f(x):
        let_go.acquire()  # in C: nothing reaches it
        return x

    lab = Yours().use(f)
    stuck = lab._worker
    press(lab, "stop")
    assert "restart the kernel" in lab.error
    lab.use(lambda x: x)
    assert lab.result.y[-1] == 3
    let_go.release()
    assert stuck.wait(20)
    assert lab.result.y[-1] == 3


def test_a_control_moved_while_the_students_slow_function_runs_ends_on_the_right_value(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    gate = threading.Semaphore(0)

    def f(x):
        gate.acquire()
        return x

    lab = Yours().use(f)
    for scale in range(2, 8):
        move(lab, scale=scale)
    for _ in range(2):
        gate.release()
    assert lab._worker.wait(20)
    assert lab.result.scale == 7
    assert lab.stage.caption == "last 21.0"
    assert lab.stage.state == "still"


def test_a_control_moved_in_the_very_moment_of_the_last_drawing_is_not_lost(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    lab = Yours().use(lambda x: x)
    draw, drawing, go_on = Yours.draw, threading.Event(), threading.Event()

    def slowly(self, view, r):
        if r.scale == 2:
            drawing.set()
            go_on.wait(20)
        draw(self, view, r)

    monkeypatch.setattr(Yours, "draw", slowly)
    first = threading.Thread(target=move, args=(lab,), kwargs={"scale": 2})
    first.start()
    assert drawing.wait(20)
    second = threading.Thread(target=move, args=(lab,), kwargs={"scale": 5})
    second.start()
    go_on.set()
    first.join(20)
    second.join(20)
    assert lab._worker.wait(20)
    assert lab.result.scale == 5


def test_a_cell_and_a_control_at_once_end_on_one_picture():
    lab, go = Line(), threading.Barrier(2)

    def hand():
        go.wait(20)
        for value in np.linspace(-2, 2, 41):
            move(lab, slope=float(value))

    thread = threading.Thread(target=hand)
    thread.start()
    go.wait(20)
    for shift in (-2, -1, 0, 1, 2):
        lab.set(shift=shift)
    thread.join(20)
    assert lab.result.y[-1] == pytest.approx(4)
    assert lab.stage.caption == "end 4.00"


def test_of_two_that_compute_at_once_the_one_with_the_newest_values_is_last(monkeypatch):
    lab, compute, hand = Line(), Line.compute, []

    def meanwhile(**values):
        if not hand:  # the cell computes; now the hand moves a control, from the thread of the page's messages
            hand.append(threading.Thread(target=move, args=(lab,), kwargs={"slope": 2.0}))
            hand[0].start()
            hand[0].join(0.3)
        return compute(**values)

    monkeypatch.setattr(Line, "compute", staticmethod(meanwhile))
    lab.set(shift=1)
    hand[0].join(20)
    assert (lab.values["slope"], lab.result.y[-1]) == (2, 3)
    assert lab.stage.caption == "end 3.00"


# -- leaving nothing behind -------------------------------------------------------------------------------------------


def test_close_frees_the_thread_the_figure_and_every_widget():
    before = set(ipywidgets.widget._instances)
    lab = Walk().play()
    until(lambda: lab.taken > 4)
    figure = weakref.ref(lab.view.figure)
    lab.close()
    gc.collect()
    assert not lab._worker.busy
    assert figure() is None
    assert set(ipywidgets.widget._instances) <= before
    lab.close()
    lab._look(True, 2)
    lab._sharpen()


def test_two_labs_do_not_disturb_each_other():
    one, other = Walk(start=2), Walk(start=5)
    one.play()
    other.play()
    until(lambda: one.taken > 4 and other.taken > 4)
    one.stop()
    seen = other.taken
    until(lambda: other.taken > seen)
    assert one.result.start == 2
    other.pause()
    assert other.result.start == 5
    assert one.view.figure is not other.view.figure


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A real IPython, with the labs' bookkeeping begun afresh."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(cells, "_listening", False)
    monkeypatch.setattr(cells, "_current", None)
    # IPython puts a module of its own there, and a reset empties it: what starts processes later would miss its names.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    cells._labs.clear()
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    shell.reset()
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def run(shell, code, cell_id=None):
    # What ipykernel knows of the message it works on.
    message = {"metadata": {"cellId": cell_id} if cell_id else {}, "content": {"code": code}}
    shell.kernel = types.SimpleNamespace(get_parent=lambda: message)
    outcome = shell.run_cell(code, store_history=True, cell_id=cell_id)
    outcome.raise_error()
    return outcome.result


def standing():
    gc.collect()
    return (
        len(ipywidgets.widget._instances),
        sum(issubclass(type(thing), Figure) for thing in gc.get_objects()),  # isinstance would wake lazy modules
        sum(thread.name.startswith("lab ") for thread in threading.enumerate()),
    )


def test_fifty_runs_of_a_cell_leave_no_thread_no_figure_and_no_widget_behind(shell):
    run(shell, "from tests.labs.small import *", "imports")
    code = "lab = Walk()\nlab.play()\nlab"
    run(shell, code, "a")
    run(shell, code, "a")
    first = standing()
    for _ in range(50):
        run(shell, code, "a")
    assert standing() == first
    assert first[2] == 1
    shell.user_ns["lab"].close()


def test_a_cell_run_again_ends_its_own_labs_only(shell):
    run(shell, "from tests.labs.small import *", "imports")
    run(shell, "one, two = Walk(), Walk()\none.play(); two.play()", "a")
    run(shell, "three = Walk().play()", "b")
    old = [shell.user_ns[name] for name in ("one", "two", "three")]
    run(shell, "one = 'edited'", "a")
    assert [lab.view is None for lab in old] == [True, True, False]
    assert [lab._worker.busy for lab in old] == [False, False, True]
    old[2].close()


def test_without_cell_ids_a_cell_is_known_by_its_text(shell):
    run(shell, "from tests.labs.small import *")
    first = run(shell, "lab = Line(); lab")
    other = run(shell, "other = Line(); other")
    run(shell, "lab = Line(); lab")
    assert first.view is None
    assert other.view is not None


def test_a_bad_value_at_birth_leaves_nothing_behind_either(shell):
    run(shell, "from tests.labs.small import *", "imports")
    run(shell, "1", "a")
    before = standing()
    for _ in range(3):
        shell.run_cell("Line(slope=99)", cell_id="a", silent=False)
    shell.user_ns.pop("_", None)
    sys.last_value = sys.last_traceback = sys.last_exc = None
    run(shell, "1", "a")
    assert standing()[0] <= before[0]
