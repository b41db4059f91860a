"""Every lab of every unit: built, at both ends of every control, in both themes; its words follow and can be read."""

import importlib
import io
import pkgutil

import numpy as np
import pytest
from PIL import Image

from course import labs
from course.labs.controls import Slider
from course.labs.style import DARK, LIGHT
from tests.labs.readable import unreadable

UNITS = [importlib.import_module(f"course.labs.{unit.name}") for unit in pkgutil.iter_modules(labs.__path__)
         if unit.ispkg]
LABS = [getattr(unit, name) for unit in UNITS for name in unit.__all__]
every_lab = pytest.mark.parametrize("lab_class", LABS, ids=lambda lab: lab.__name__)


def ends(control):
    """The values of a control where things break first."""
    return (control.low, control.high) if isinstance(control, Slider) else getattr(control, "options", (False, True))


def advance(lab):
    if lab.train:
        lab.step(3)
    assert lab.error == ""
    assert lab.result is not None
    assert unreadable(lab) == []


@every_lab
def test_it_runs_at_the_ends_of_its_controls_alone_and_together_and_its_words_follow(lab_class):
    lab = lab_class()
    advance(lab)
    heard, seen = {lab.stage.alt}, {lab.stage.caption}

    def moved(**values):
        lab.set(**values)
        advance(lab)
        heard.add(lab.stage.alt)
        seen.add(lab.stage.caption)

    for name, control in lab.controls.items():
        for value in ends(control):
            moved(**{name: value})
            assert lab.values[name] == (pytest.approx(value) if isinstance(control, Slider) else value)
        lab.set(**{name: control.value})
    for end in (0, -1):
        moved(**{name: ends(control)[end] for name, control in lab.controls.items()})
    fewest = min(3, len(lab.controls))  # 5d has two, of which one shows only after Stop
    assert len(heard) >= fewest
    assert len(seen) >= fewest
    assert lab.stage.alt.endswith(lab.stage.caption)


@pytest.mark.parametrize(("of", "control", "value"), [
    ("1g", "example", 3), ("2g", "example", 7), ("3e", "guess_loss", True), ("4h", "measure", "training loss"),
    ("7a", "turn", 60), ("7d", "x1", 0.2), ("8a", "mu", -2.0), ("8c", "shown", "the folded noise"),
    ("8f", "below", "a walk through the noise"), ("9d", "string", 5), ("9g", "day", 9), ("9h", "temperature", 0.3),
])  # fmt: skip
def test_what_only_looks_needs_no_step(of, control, value):
    lab = next(lab_class for lab_class in LABS if lab_class.id == of)().step(3)
    before, taken = lab.view.pixels().copy(), lab.taken
    lab._widgets[control].value = value
    assert lab.taken == taken
    assert (lab.view.pixels() != before).any()
    assert lab.step(1).taken == taken + 1


@every_lab
def test_it_is_light_in_the_light_and_dark_in_the_dark(lab_class):
    lab = lab_class()
    advance(lab)
    for dark, style in ((True, DARK), (False, LIGHT)):
        lab._look(dark, 1.0)
        picture = np.asarray(Image.open(io.BytesIO(lab.stage.frame["data"])).convert("L"))
        assert (np.median(picture) < 128) == dark
        assert lab.view.style is style
        assert picture.shape == lab.size[::-1]


@every_lab
def test_its_background_is_not_painted_at_every_step(lab_class):
    lab = lab_class()
    if not lab.train:
        lab.set(**{name: ends(control)[-1] for name, control in lab.controls.items()})
    advance(lab)
    before = lab.view.backgrounds_painted
    for _ in range(5):
        lab.step(1) if lab.train else lab._begin()
    assert lab.view.backgrounds_painted - before <= 2


@every_lab
def test_it_is_declared_whole(lab_class):
    assert lab_class.__doc__
    assert lab_class.question is not None
    assert lab_class.question.reveal
    assert all(control.label or len(name) > 2 for name, control in lab_class.controls.items())
    assert len({lab.id for lab in LABS}) == len(LABS)
