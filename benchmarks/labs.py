"""How fast a lab's picture follows the hand, in Chromium against a real JupyterLab; beside `interact` and ipympl.

    python benchmarks/labs.py [--rounds 5] [--moves 25]

Keys go to real sliders, times are taken in the page: from the key event to the moment the new picture is on the
canvas (ours, ipympl) or its <img> is decoded (interact). Each has a page and a kernel of its own, and they take turns,
so that what else the machine does hits all of them. All compute the same arrays and draw the same things. The picture
of a lab is sent once more without loss when the hand rests; that one is not counted.
"""

import argparse
import datetime
import importlib.util
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.jupyter import FLAGS, JupyterLab  # noqa: E402

PRESENT = """
import os
os.environ["NNLAB_PRESENT"] = "1"
"""
SETUP = PRESENT + """
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from course.labs.neurons import OneNeuron, Xor
from course.labs.style import LIGHT

compute = lambda w1, w2, b: OneNeuron.compute(w1, w2, b, 4.0, "sigmoid", OneNeuron.uses["neuron"][0])

def plot(plane, along, w1, w2, b):
    '''Lab 1a's picture in plain matplotlib; returns a function that moves it.'''
    X, y, r = OneNeuron.X, OneNeuron.y, compute(w1, w2, b)
    image = plane.imshow(r["plane"], extent=(-3, 3, -3, 3), origin="lower", cmap=LIGHT.map, vmin=0, vmax=1,
                         interpolation="bilinear")
    for k in (0, 1):
        plane.plot(*X[y == k].T, "^o"[k], color=LIGHT.cycle[k], ms=7, mec="white")
    boundary, = plane.plot([], [], color=LIGHT.ink, lw=2.4)
    arrow = plane.annotate("", (1, 1), (0, 0), arrowprops=dict(arrowstyle="-|>", color=LIGHT.accent, lw=2.6))
    wrong, = plane.plot([], [], "o", ms=12, mfc="none", mec=LIGHT.ink)
    plane.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="x1", ylabel="x2", title="The neuron's output on the plane")
    curve, = along.plot([], [], color=LIGHT.ink, lw=2.2)
    classes = [along.plot([], [], "^o"[k], color=LIGHT.cycle[k], ms=7, mec="white")[0] for k in (0, 1)]
    along.axvline(0, color=LIGHT.faint, lw=1, ls=":")
    along.set(xlim=(-6, 6), ylim=(-0.08, 1.08), xlabel="the sum z", title="The same, along the sum z")
    along.grid(True)

    def move(r):
        image.set_data(r["plane"])
        w, b = r["w"], r["b"]
        length = np.hypot(*w) or 1.0
        foot, line = -b * w / length**2, np.array([-w[1], w[0]]) / length * 20
        boundary.set_data(*np.stack([foot - line, foot + line], 1))
        arrow.xy = tuple(foot + w / 2)
        arrow.set_position(tuple(foot))
        wrong.set_data(*X[(r["p"] >= 0.5) != y].T)
        curve.set_data(*r["curve"])
        for k in (0, 1):
            classes[k].set_data(r["z"][y == k], r["p"][y == k])

    move(r)
    return move
"""
LAB = "OneNeuron()"
INTERACT = """
def show(w1=1.0, w2=-1.0, b=0.0):
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.2), dpi=100, layout="constrained", width_ratios=(1.35, 1))
    plot(*axes, w1, w2, b)
    plt.show()

limits = dict(min=-3.0, max=3.0, step=0.1)
widgets.interact(show, **{k: widgets.FloatSlider(v, **limits) for k, v in dict(w1=1, w2=-1, b=0).items()});
"""
IPYMPL = """
from matplotlib.figure import Figure
from ipympl.backend_nbagg import Canvas, FigureManager
figure = Figure(figsize=(7.6, 4.2), dpi=100, layout="constrained")
canvas = Canvas(figure)
FigureManager(canvas, 0)
move = plot(*figure.subplots(1, 2, width_ratios=(1.35, 1)), 1, -1, 0)
sliders = [widgets.FloatSlider(value, min=-3.0, max=3.0, step=0.1) for value in (1, -1, 0)]

def moved(_):
    move(compute(*(slider.value for slider in sliders)))
    canvas.draw_idle()

for slider in sliders:
    slider.observe(moved, "value")
display(widgets.VBox([*sliders, canvas]))
"""
# The largest net of the playground: 48 maps and 384 weights in every picture, an epoch of 20 steps between two.
PLAYGROUND = """
from course.labs.playground import Playground
lab = Playground(data="spiral", features=tuple(Playground.controls["features"].names), hidden=((8, "tanh"),) * 6)
lab
"""
PEERS = {"lab": [LAB, "xor = Xor(hidden=4)\nxor", "1 + 1"], "interact": [INTERACT], "ipympl": [IPYMPL]}
# Marks the moments: keys and clicks when they happen, pictures when they can be seen.
MARKS = """() => {
    window.marks = { keydown: [], keyup: [], click: [], seen: [], exact: [] };
    const seen = (kind = "seen") => { marks[kind].push(performance.now()); window.awaited?.(); };
    for (const kind of ["keydown", "keyup", "click"])
        document.addEventListener(kind, () => marks[kind].push(performance.now()), true);
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...given) {
        draw.apply(this, given);
        if (this.canvas.closest(".jupyter-matplotlib")) seen();
    };
    const observe = (node, what, how) => new MutationObserver(changes => changes.forEach(what)).observe(node, how);
    for (const canvas of document.querySelectorAll("canvas.nnlab-picture"))
        observe(canvas, () => seen(canvas.dataset.type === "image/png" ? "exact" : "seen"),
                { attributes: true, attributeFilter: ["data-seq"] });
    for (const output of document.querySelectorAll(".widget-output"))
        observe(output, ({ addedNodes }) => addedNodes.forEach(node => node.querySelectorAll?.("img").forEach(
            image => image.decode().then(() => seen()))), { subtree: true, childList: true });
}"""
# No polling: it would compete with what is measured.
FIRST = """() => marks.seen.length
    || new Promise(resolve => { window.awaited = () => marks.seen.length && resolve() })"""


class Contestant:
    """One way to show the picture, in a page of its own."""

    def __init__(self, server, browser, density, name):
        self.page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=density)
        self.nb = server.open(self.page, name, SETUP, *PEERS[name])
        self.nb.run(*range(len(PEERS[name]) + 1))
        if name == "lab":
            self.xor = self.nb.lab(1)
        self.page.locator(".noUi-handle").first.wait_for()
        self.page.wait_for_timeout(1000)
        self.page.evaluate(MARKS)

    def forget(self):
        """Let what was under way come to its end, and forget it."""
        self.page.wait_for_timeout(100)
        self.page.evaluate("() => { for (const list of Object.values(marks)) list.length = 0 }")

    def follow(self, moves):
        """Milliseconds from each key event to the first picture after it."""
        self.page.bring_to_front()
        self.page.locator(".noUi-handle").first.focus()
        for move in range(moves):
            self.forget()
            self.page.keyboard.press("ArrowRight" if move % 20 < 10 else "ArrowLeft")
            self.page.evaluate(FIRST)
            yield self.page.evaluate("() => marks.seen[0] - marks.keydown[0]")

    def release(self):
        """A key held for 20 repeats at 30 a second: milliseconds from its release to the last picture."""
        self.page.locator(".noUi-handle").first.focus()
        for key in ("ArrowRight", "ArrowLeft"):
            self.forget()
            for _ in range(20):
                self.page.keyboard.down(key)
                self.page.wait_for_timeout(33)
            self.page.keyboard.up(key)
            self.page.wait_for_timeout(1000)
            yield max(0.0, self.page.evaluate("() => marks.seen.at(-1) - marks.keyup[0]"))

    def training(self):
        """-> pictures a second, another cell's milliseconds, milliseconds from Stop to the last picture."""
        self.xor.press("reset")
        self.xor.until_words("not trained yet")
        self.forget()
        self.xor.press("play")
        self.page.wait_for_timeout(2000)
        rate = self.page.evaluate("() => 1000 * (marks.seen.length - 1) / (marks.seen.at(-1) - marks.seen[0])")
        cell = self.page.evaluate("""async () => {
            const before = performance.now();
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = 3;
            await window.jupyterapp.commands.execute("notebook:run-cell");
            return performance.now() - before;
        }""")
        assert self.xor.state == "playing"
        self.page.evaluate("() => { marks.click.length = 0 }")
        self.xor.press("stop")
        self.xor.until_state("still")
        self.page.wait_for_timeout(500)
        return rate, cell, self.page.evaluate("() => Math.max(marks.seen.at(-1), marks.exact.at(-1)) - marks.click[0]")


def playground(server, browser, density):
    """Pictures a second while the largest net trains."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, device_scale_factor=density)
    nb = server.open(page, "playground", PRESENT + PLAYGROUND)
    nb.run(0)
    lab = nb.lab()
    page.evaluate(MARKS)
    lab.press("play")
    page.wait_for_timeout(1500)
    page.evaluate("() => { marks.seen.length = 0 }")
    page.wait_for_timeout(5000)
    rate = page.evaluate("() => 1000 * (marks.seen.length - 1) / (marks.seen.at(-1) - marks.seen[0])")
    lab.press("stop")
    page.close()
    server.shut_kernels_down()
    return rate


def percentile(times, percent):
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def measure(server, browser, density, rounds, moves):
    present = [name for name in PEERS if name != "ipympl" or importlib.util.find_spec("ipympl")]
    contestants = {name: Contestant(server, browser, density, name) for name in present}
    times, releases, trainings = {name: [] for name in present}, [], []
    for _ in range(rounds):
        for name, contestant in contestants.items():
            times[name] += contestant.follow(moves)
        lab = contestants["lab"]
        lab.page.bring_to_front()
        releases += lab.release()
        trainings.append(lab.training())
    for contestant in contestants.values():
        contestant.page.close()
    server.shut_kernels_down()
    rates, cells, stops = zip(*trainings)
    middle = {name: statistics.median(found) for name, found in times.items()}
    row("slider -> picture, p50", middle["lab"], "ms", 60)
    row("slider -> picture, p95", percentile(times["lab"], 95), "ms", 100)
    row("pictures a second in training", min(rates), "/s", 20, least=True)
    row("the same, playground of 6 layers of 8", playground(server, browser, density), "/s", 20, least=True)
    row("held key released -> last picture, worst", max(releases), "ms", 200)
    row("Stop -> last picture, worst", max(stops), "ms", 150)
    row("another cell during training, worst", max(cells), "ms", 250)
    for name in ("interact", "ipympl"):
        if name in times:
            print(f"  {name + ', p50 / p95':42} {middle[name]:7.0f} / {percentile(times[name], 95):.0f} ms")
        else:
            print(f"  {name:42} {'absent':>7}")
    row("times as fast as interact, p50", middle["interact"] / middle["lab"], "", 3, least=True)


def row(what, value, unit, target, least=False):
    met = value >= target if least else value <= target
    digits = 1 if least else 0
    print(f"  {what:42} {value:7.{digits}f} {unit:3} {'>=' if least else '<='} {target:4} {'met' if met else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--moves", type=int, default=25, help="moves of the slider in each round")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        sys.exit("no chromium on the PATH: apt install chromium")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    print(f"{datetime.date.today()}, commit {commit.strip()}, {os.cpu_count()} cores, "
          f"{options.rounds} rounds of {options.moves} moves")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, sync_playwright() as playwright:
        server = JupyterLab(pathlib.Path(home) / "jupyter")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            for density in (1, 2):
                load = f"{os.getloadavg()[0]:.1f}"
                print(f"device-pixel-ratio {density}, load average {load} at {time.strftime('%H:%M')}", flush=True)
                measure(server, browser, density, options.rounds, options.moves)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
