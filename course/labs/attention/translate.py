"""Lab 9g. Dates in 18 written forms become ISO dates; where the translator looks is an alignment nobody labelled."""

from datetime import date
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from course.labs.attention.trained import encoded, learn_dates, trained, translator, whole_dates
from course.labs.controls import Choice, Slider
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab import dates

STEPS, EVERY, CHECKED = 700, 20, 200
ASKED = date(1998, 9, 6)  # the day the question speaks of; no net is trained on it
FORMATS = {dates.write(ASKED, form): form for form in dates.FORMATS}  # as it looks in each
STARTS = ("untrained", "trained, 2,000 steps")
LENGTHS = (6, 9, 12, 15, 19, 24, 31)  # characters: from here to the next
UNIT_OF = "YYYY-MM-DD"
# Whole dates right after 2,000 steps, by length, of 4,000 validation dates: tests/lessons/test_09_attention.py.
STORED = {"near": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
          "mixed": (0.999, 0.998, 0.992, 0.989, 0.983, 0.984),
          "vector": (0.771, 0.821, 0.746, 0.783, 0.804, 0.799)}
KINDS = {"attention": "near", "attention, all mixed": "mixed", "one vector": "vector"}


def example(form, day, noise):
    """A validation day in this form, ASKED first: (as written, perhaps mistyped; its units; in ISO)."""
    _, isos = dates.sample(59, "validation", rng=5)
    chosen = date.fromisoformat([ASKED.isoformat(), *isos][int(day) - 1])
    text, rng = dates.write(chosen, FORMATS[form]), np.random.default_rng([11, int(day)])
    chances = rng.random(len(text))  # the same letters go first, the larger the noise the more
    typed = "".join(dates._mistyped(c, rng) if chance < noise else c for c, chance in zip(text, chances))
    return typed, dates.units(chosen, FORMATS[form]), chosen.isoformat()


def look(model, form, day, noise):
    """What the model makes of one date, and where it looked: says, weights (10, T_in)."""
    written, units, iso = example(form, day, noise)
    ids, weights = model.translate(dates.WRITTEN.encode([written]), 11)
    says = dates.ISO.decode(ids[0])
    return SimpleNamespace(written=written, units=units, iso=iso, says=says.ljust(10)[:10], weights=weights[0, :10])


def by_length(right, written):
    """The share of right ones in each class of LENGTHS; nan where there is none."""
    kind = np.searchsorted(LENGTHS, [len(text) for text in written], "right") - 1
    return np.array([right[kind == k].mean() if (kind == k).any() else np.nan for k in range(len(LENGTHS) - 1)])


def on_its_unit(weights, units):
    """The mean weight that year, month and day of the ISO date give to the characters that tell just that unit."""
    return {unit: float(np.mean([weights[i, [c == unit for c in units]].sum() for i in range(10)
                                 if UNIT_OF[i] == unit])) for unit in "YMD"}


class Dates(Lab):
    """An encoder-decoder learns to write dates as ISO does, with attention or without; the alignment as it forms."""

    id, title = "9g", "Dates, and an alignment nobody labelled"
    controls = dict(
        reads=Choice(tuple(KINDS), "attention", "it reads through"),
        start=Choice(STARTS, STARTS[0], "begin"),
        form=Choice(tuple(FORMATS), "September 6, 1998", "written like", live=True),
        day=Slider(1, 60, 1, 1, "day", live=True),
        noise=Slider(0.0, 0.5, 0.0, 0.05, "mistyped letters", live=True),
    )
    question = Question(
        "The network turns “September 6, 1998” into 1998-09-06, one character after the other. Nobody tells it where "
        "to look. When it writes the month, 09, where will its weights lie?",
        ("On “September”", "On the digits", "Spread evenly over all characters", "On the first and the last character"),
        "On “September”",
        "The weights follow what is needed, and nobody labelled it. Look closely: they prefer the letters that tell "
        "months apart. Then let all characters mix first, and see what becomes of it.",
        skippable=False,
    )
    panels, size, per_frame = (("map", "map"), ("curve", "lengths")), (760, 520), 2
    grid = dict(height_ratios=(1.35, 1), width_ratios=(1.3, 1))

    @staticmethod
    def train(reads, start, form, day, noise):
        rng = np.random.default_rng(0)
        ready, kind = start == STARTS[1], KINDS[reads]
        model = trained(kind) if ready else translator(kind, rng)
        written, iso = dates.sample(CHECKED, "validation", rng=1)
        source, target = encoded(written, iso)
        curve, step = [], 0

        def measured():
            right = whole_dates(model, source, target)
            curve.append((step, right.mean()))
            return by_length(right, written)

        def asked(form, day, noise, **_):
            return dict(at=dict(form=form, day=day, noise=noise), seen=None)

        def state(now):
            return dict(model=model, look=asked, step=step, curve=np.array(curve), lengths=lengths, kind=kind,
                        ready=ready, **asked(**now))

        lengths = measured()
        now = yield state(dict(form=form, day=day, noise=noise))
        if ready:
            return
        for step, _ in learn_dates(model, STEPS, rng):
            if step % EVERY == 0:
                lengths = measured()
            now = yield state(now)

    @staticmethod
    def _seen(r):
        """What the model makes of the date in view; worked out when it is shown, not at every step."""
        if r.seen is None:
            r.seen = look(r.model, **r.at)
        return r.seen

    def draw(self, view, r):
        style, panel, curve, lengths = view.style, view["map"], view["curve"], view["lengths"]
        seen = self._seen(r)
        n = len(seen.written)
        color = {"Y": style.cycle[1], "M": style.cycle[0], "D": style.cycle[2], "-": style.faint}
        wide = max(n, 18)
        panel.frame(xlim=(-2.6, wide + 0.4), ylim=(9.9, -1.9), ticks=False,
                    title="Blue: where it looks for each character it writes. Frames: where a person would look")
        one = seen.weights.shape[1] == 1
        if one:
            panel.text("bottleneck", wide / 2, 4.5, "one vector for the whole text: nowhere to look", ha="center",
                       color=style.faint, size=12)
        else:
            panel.image("map", seen.weights[::-1], (-0.5, n - 0.5, 9.5, -0.5), vmin=-1.0)
        frames, colors = [], []
        for k, c in enumerate(seen.written):
            panel.text(f"in{k}", k, -1.15, "·" if c == " " else c, ha="center", size=12,
                       color=color.get(seen.units[k], style.faint) if seen.units[k] in "YMD" else style.faint)
        for i, (said, right) in enumerate(zip(seen.says, seen.iso)):
            panel.text(f"out{i}", -1.25, i, said, ha="center", size=12, color=color[UNIT_OF[i]], weight="bold")
            if said != right:
                panel.text(f"wrong{i}", -2.2, i, "✗", ha="center", size=11, color=style.ink)
        for unit, (top, bottom) in {"Y": (0, 3), "M": (5, 6), "D": (8, 9)}.items():
            at = [k for k, c in enumerate(seen.units) if c == unit]
            left, right = min(at) - 0.5, max(at) + 0.5
            frames.append([(left, top - 0.5), (right, top - 0.5), (right, bottom + 0.5), (left, bottom + 0.5),
                           (left, top - 0.5)])
            colors.append(color[unit])
        if not one:
            panel.segments("frames", frames, colors=colors, widths=[1.8] * 3, z=5)
        curve.frame(xlim=(0, STEPS), ylim=(0, 1.03), x="step", grid=True, title="Whole dates right, of 200 new ones")
        mine = {"near": style.positive, "mixed": style.cycle[3], "vector": style.negative}[r.kind]
        if r.ready:
            curve.text("ready", STEPS / 2, 0.5, f"trained for 2,000 steps: {r.curve[-1, 1]:.2f}", ha="center",
                       color=mine)
        else:
            curve.line("curve", *r.curve.T, color=mine, width=2.4)
        lengths.frame(xlim=(-0.5, 5.5), ylim=(0, 1.03), x="characters in the written date", grid=True,
                      xticks=dict(enumerate(f"{a}-{b - 1}" for a, b in pairwise(LENGTHS))),
                      title="Whole dates right, by length")
        for name, of in (("near", style.positive), ("vector", style.negative)):
            lengths.line(name, range(6), STORED[name], color=of, width=1.4, marker="o", size=4)
        if r.kind == "mixed":
            lengths.line("mixed", range(6), STORED["mixed"], color=mine, width=1.4, marker="o", size=4)
        if not r.ready:
            lengths.line("now", range(6), r.lengths, color=style.ink, width=2.4, marker="s", size=5)
        lengths.text("names", 0.03, 0.62, "attention, 2,000 steps", inside=True, size=8.5, color=style.positive,
                     still=True)
        lengths.text("names2", 0.03, 0.53, "one vector, 2,000 steps", inside=True, size=8.5, color=style.negative,
                     still=True)

    def tell(self, r):
        seen = self._seen(r)
        right = seen.says == seen.iso
        words = f"“{seen.written}” becomes {seen.says.strip() or 'nothing'}, which is {'right' if right else 'wrong'}."
        numbers = {"step": "trained" if r.ready else str(r.step), "whole dates right": f"{r.curve[-1, 1]:.2f}"}
        if seen.weights.shape[1] > 1:
            shares = on_its_unit(seen.weights, seen.units)
            numbers |= {f"{name} looks at its own characters": f"{shares[name[0].upper()]:.2f}"
                        for name in ("year", "month", "day")}
        return words, numbers
