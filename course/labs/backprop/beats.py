"""Lab 3d. Learning in four beats: forward, loss, backward, update; and the same again."""

import numpy as np

import nnlab
from course.labs.backprop import byhand
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.predict import Question
from nnlab.functional import softmax

ROUNDS, EXAMPLES = 12, 24
BEATS = ("forward", "loss", "backward", "update")


class FourBeats(Lab):
    """One round of learning, beat by beat, on a net of your shape. `use(train_step)` makes the update yours."""

    id, title = "3d", "Learning in four beats"
    controls = dict(
        beat=Slider(0, 4 * ROUNDS, 0, 1, "beat"),
        hidden=Slider(1, 5, 3, 1, "hidden neurons"),
        classes=Slider(2, 4, 3, 1, "classes"),
        lr=Slider(0.001, 2.0, 0.5, 0.05, "learning rate", log=True),
        batch=Choice((1, 8, "all"), 8, "batch"),
        early=Toggle(False, "update W2 too early"),
    )
    uses = dict(train_step=(None, lambda X, y, W1, b1, W2, b2, lr: [w.shape for w in (W1, b1, W2, b2)],
                            "the new W1, b1, W2 and b2"))
    question = Question(
        "Somebody updates W2 as soon as dW2 is known, and only then computes dW1. Which weights take a wrong step?",
        ("W1, the first layer's", "W2, the second layer's", "both", "neither: only the order has changed"),
        "W1, the first layer's",
        "dW2 was computed before anything moved, so W2 steps correctly. But dW1 is sent back through W2, and that is "
        "the new W2 now: a gradient of a net that never ran forward.",
    )
    panels, size = (("net", "weights"), ("words", "loss")), (760, 520)
    grid = dict(height_ratios=(2.6, 1), width_ratios=(1.45, 1))

    @staticmethod
    def compute(beat, hidden, classes, lr, batch, early, train_step):
        X, y = nnlab.data.blobs(EXAMPLES, noise=0.35, centers=classes, rng=1)
        X, size = X.astype(float), EXAMPLES if batch == "all" else batch
        weights = byhand.initial((2, hidden, classes), np.random.default_rng(2))
        take = byhand.Borrowed(train_step) if train_step else byhand.Trainer()
        losses, now, round_now = [byhand.loss(X, y, *weights)], None, max(beat - 1, 0) // 4
        for number in range(ROUNDS):
            rows = np.arange(number * size, (number + 1) * size) % EXAMPLES
            here = X[rows], y[rows]
            trainer = byhand.UpdatedTooEarly() if early and not train_step else take
            new = trainer.step(*here, weights, lr)
            if number == round_now:
                H, Z = byhand.forward(*here[:1], *weights)
                gradients = byhand.gradients(*here, *weights)
                right = byhand.Trainer().step(*here, weights, lr)
                dZ = (softmax(Z).data - np.eye(classes)[here[1]]) / size
                now = dict(x=here[0][0], label=int(here[1][0]), h=H[0], z=Z[0], p=softmax(Z).data[0], size=size,
                           dz=dZ[0], dh=dZ[0] @ weights[2].T, weights=weights, gradients=gradients, new=new,
                           right=right, before=byhand.loss(*here, *weights), after=byhand.loss(*here, *new))
            weights = new
            losses.append(byhand.loss(X, y, *weights))
        return dict(**now, beat=beat, round=round_now, phase=BEATS[(beat - 1) % 4] if beat else "start",
                    losses=np.array(losses), done=beat // 4, lr=lr, yours=bool(train_step), early=early)

    def draw(self, view, r):
        self._net(view["net"], view.style, r)
        self._weights(view["weights"], view.style, r)
        words, style = view["words"], view.style
        words.frame(xlim=(0, 1), ylim=(0, 1), ticks=False)
        for i, line in enumerate(self._words(r)):
            words.text(f"line{i}", 0.0, 0.9 - 0.24 * i, line, color=style.accent if i == 0 else style.ink,
                       size=11 if i == 0 else 10)
        panel = view["loss"]
        top = max(1.5, 2.0 ** np.ceil(np.log2(min(r.losses.max(), 100))))
        panel.frame(xlim=(-0.3, ROUNDS + 0.3), ylim=(0, top), x="rounds done", grid=True,
                    title=f"Loss over all {EXAMPLES} examples")
        panel.line("all", range(ROUNDS + 1), np.clip(r.losses, 0, 2 * top), color=style.grid, width=2)
        panel.line("so far", range(r.done + 1), np.clip(r.losses[:r.done + 1], 0, 2 * top), color=style.positive,
                   marker="o", size=4)

    @staticmethod
    def _net(net, style, r):
        back = r.phase == "backward"
        titles = {"start": "The net, and one example of the batch", "forward": "Forward: values flow to the right",
                  "loss": "Loss: what the answer costs", "backward": "Backward: gradients flow to the left",
                  "update": "Update: the weights have moved"}
        net.frame(xlim=(-0.6, 7.9), ylim=(-3.05, 2.6), ticks=False, title=titles[r.phase])
        W1, _, W2, _ = r.new if r.phase == "update" else r.gradients if back else r.weights
        columns = [r.x, r.dh, r.dz] if back else [r.x, r.h, r.z]
        spots = [np.stack([np.full(len(v), 2.6 * i), (np.arange(len(v))[::-1] - (len(v) - 1) / 2) * 1.02], 1)
                 for i, v in enumerate((r.x, r.h, r.z))]
        for i, W in enumerate((W1, W2)):
            ends = [[a, b] for a in spots[i] for b in spots[i + 1]]
            scale = max(np.abs(W).max(), 1e-12) if back else 1.5
            signs = [style.positive if w >= 0 else style.negative for w in W.ravel()]
            colors = [style.accent] * W.size if back else signs
            net.segments(f"edges{i}", ends, colors=colors, widths=0.4 + 4 * np.minimum(np.abs(W.ravel()) / scale, 1.3))
        for i, (column, name) in enumerate(zip(columns, ("inputs", "hidden, tanh", "logits z"), strict=True)):
            net.line(f"layer{i}", *spots[i].T, dash="", marker="o", size=31, width=0, z=4).set(
                markerfacecolor=style.background, markeredgecolor=style.accent if back and i else style.ink,
                markeredgewidth=2.5 if back and i else 1.2)
            known = i == 0 or r.phase != "start"
            for j, spot in enumerate(spots[i]):
                net.text(f"value{i}{j}", *spot, f"{column[j]:.2f}" if known else "", ha="center", size=9.5,
                         color=style.accent if back and i else style.ink)
            net.text(f"title{i}", 2.6 * i, -3.0, name, ha="center", va="bottom", size=9.5, color=style.faint,
                     still=True)
        for j, spot in enumerate(spots[2]):
            if r.phase in ("loss", "backward", "update"):
                right = j == r.label
                net.text(f"p{j}", spot[0] + 0.55, spot[1], f"p = {r.p[j]:.2f}" + "  ← right" * right, size=9.5,
                         weight="bold" if right else "normal", color=style.ink if right else style.faint)

    @staticmethod
    def _weights(panel, style, r):
        flat = [np.concatenate([w.ravel() for w in group]) for group in (r.weights, r.new, r.right, r.gradients)]
        old, new, right, gradient = flat
        sizes = [w.size for w in r.weights]
        rows = -np.arange(len(old)) - np.repeat(np.arange(4), sizes)  # a gap between two arrays
        starts = np.cumsum([0, *sizes[:-1]])
        names = ("W1", "b1", "W2", "b2")
        ticks = {float(rows[s:s + n].mean()): name for s, n, name in zip(starts, sizes, names, strict=True)}
        reach = 2.0 * max(1.0, 2.0 ** np.ceil(np.log2(min(np.abs(np.r_[old, new]).max() / 2, 1e6))))
        panel.frame(xlim=(-reach, reach), ylim=(rows[-1] - 1, 1), yticks=ticks, x="value", title="Every weight")
        panel.line("zero", [0, 0], [rows[-1] - 2, 2], color=style.grid, width=1)
        panel.line("old", old, rows, dash="", marker="o", size=5, width=0, color=style.faint)
        if r.phase in ("backward", "update"):
            arrows = np.stack([np.stack([old, rows], 1), np.stack([old - r.lr * gradient, rows], 1)], 1)
            panel.segments("arrows", arrows, colors=[style.accent] * len(old), widths=[2.2] * len(old))
        if r.phase == "update":
            panel.points("new", new, rows, marker="o", size=6.5, color=style.positive)
            wrong = np.abs(new - right) > 1e-6 * np.maximum(np.abs(right), 1)
            panel.line("wrong", new[wrong], rows[wrong], dash="", marker="o", size=10, width=0, z=3.5).set(
                markerfacecolor="none", markeredgecolor=style.negative, markeredgewidth=2)

    @staticmethod
    def _words(r):
        n, h, k = r.size, len(r.h), len(r.z)
        if r.phase == "start":
            return ("Four beats make one round of learning.", "Move the slider beat: 1 forward, 2 loss, 3 backward,",
                    "4 update, 5 forward again …")
        lines = {
            "forward": (f"X ({n}, 2) @ W1 + b1, tanh  →  H ({n}, {h})", f"H @ W2 + b2  →  Z ({n}, {k})"),
            "loss": (f"−ln of the right p: {-np.log(max(r.p[r.label], 1e-300)):.3f} for this example",
                     f"mean over the batch of {n}: {r.before:.3f}"),
            "backward": ("dZ → dW2, db2 → dH → dW1, db1", "all through the weights as they were in forward",
                         "green bars: where −lr · gradient will take each"),
            "update": ("w ← w − lr · dL/dw, all at once", f"this batch's loss: {r.before:.3f} → {r.after:.3f}"),
        }[r.phase]
        wrong = max(np.abs(a - b).max() for a, b in zip(r.new, r.right, strict=True)) > 1e-9
        if r.phase == "update" and wrong:
            lines += ("orange rings: not where the gradient leads",)
        return f"Round {r.round + 1}, beat {BEATS.index(r.phase) + 1} of 4: {r.phase}", *lines

    def tell(self, r):
        apart = [name for name, a, b in zip(("W1", "b1", "W2", "b2"), r.new, r.right, strict=True)
                 if np.abs(a - b).max() > 1e-6 * max(np.abs(b).max(), 1)]
        return (" ".join(self._words(r)), {
            "rounds done": str(r.done), "loss": f"{r.losses[r.done]:.3f}",
            "batch loss": f"{r.before:.3f} → {r.after:.3f}",
            "weights": str(sum(w.size for w in r.weights)), "wrong steps": ", ".join(apart) or "none"})
