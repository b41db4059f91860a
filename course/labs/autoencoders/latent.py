"""Lab 7c. The latent space is a map: every place on it decodes to a picture, also the places where no digit lives.

The map's autoencoder comes out of tools/make_latent.py. The two ways between two digits: Hinton and Salakhutdinov 2006;
a straight way in code space against one in pixel space: Bengio, Mesnil, Dauphin and Rifai, ICML 2013.
"""

import pathlib
from functools import cache

import numpy as np

import nnlab
from course.labs.autoencoders import shapes
from course.labs.controls import Choice, Slider, Toggle
from course.labs.lab import Lab
from course.labs.overfitting.few import mosaic
from course.labs.predict import Question

FILE = pathlib.Path(__file__).with_name("latent.npz")
SIZES, REACH, SHOWN, STEPS, TILES = (64, 48, 24, 2), 2.8, 500, 7, 13


@cache
def stored():
    """The autoencoder of the map, as tools/make_latent.py has left it."""
    model = nnlab.Autoencoder(*SIZES, activation="tanh")
    with np.load(FILE, allow_pickle=False) as weights:
        for name, p in model.named_parameters():
            p.data = weights[name].astype(np.float32)
    return model.eval()


def encode(X):
    """X: (N, 64) -> (N, 2)"""
    return nnlab.predict(stored().encoder, X)


def decode(Z):
    """Z: (N, 2) -> (N, 64)"""
    return nnlab.predict(stored().decoder, np.asarray(Z, np.float32))


def between(a, b, steps=STEPS):
    """The straight way from a to b, both ends included. a, b: (d,) -> (steps, d)"""
    share = np.linspace(0, 1, steps)[:, None]
    return (1 - share) * a + share * b


def middle_one(digit, X, y, codes):
    """The example of a class whose code is nearest to the middle (the median) of its class."""
    mine = np.flatnonzero(y == digit)
    return mine[np.square(codes[mine] - np.median(codes[mine], 0)).sum(1).argmin()]


class LatentMap(Lab):
    """The code space of an autoencoder of digits: move through it, and see what the decoder makes of each place.
    `use(encode=..., decode=...)`."""

    id, title = "7c", "The latent space is a map"
    controls = dict(
        z1=Slider(-REACH, REACH, 0.0, 0.05, "z₁"),
        z2=Slider(-REACH, REACH, 0.0, 0.05, "z₂"),
        tiles=Toggle(False, "show what each place decodes to"),
        start=Choice(tuple(range(10)), 0, "from a"),
        end=Choice(tuple(range(10)), 0, "to a"),
    )
    uses = dict(encode=(encode, lambda X: (len(X), 2), "two numbers for each digit"),
                decode=(decode, lambda Z: (len(Z), 64), "64 pixels for each code"))
    question = Question(
        "Every digit has become a point on a map. Half way between a 0 and a 1, what does the decoder draw?",
        ("a 0 with a 1 shining through", "something else: often another digit", "nothing: an empty picture"),
        "something else: often another digit",
        "Mixing codes is not mixing pictures. The way leads over whatever lies between on the map: other digits, or "
        "places where no digit lives, and there the decoder draws what nobody has ever written.",
    )
    panels, size = (("map", "digit"), ("map", "ways")), (760, 460)
    grid = dict(width_ratios=(1.25, 1), height_ratios=(1.25, 1))

    @staticmethod
    def compute(z1, z2, start, end, tiles, encode, decode):
        (X, y), here = nnlab.data.digits("train"), np.array([[z1, z2]])
        codes = encode(X)
        a, b = (middle_one(digit, X, y, codes) for digit in (start, end))
        way = between(codes[a], codes[b])
        ticks = np.linspace(-REACH, REACH, TILES + 1)
        middles = (ticks[1:] + ticks[:-1]) / 2
        places = np.stack(np.meshgrid(middles, middles[::-1]), -1).reshape(-1, 2)  # as one reads: top row first
        answers = decode(np.concatenate([here, way, places[:TILES**2 * tiles]]))
        picture = answers[0]
        nearest = int(np.square(codes - here).sum(1).argmin())
        return dict(z=here[0], codes=codes[:SHOWN], y=y[:SHOWN], picture=picture, way=way, on_way=answers[1:STEPS + 1],
                    mixed=between(X[a], X[b]), tiles=answers[STEPS + 1:], nearest=X[nearest], label=int(y[nearest]),
                    distance=float(np.sqrt(np.square(codes - here).sum(1).min())),
                    back=encode(np.clip(picture, 0, 1)[None].astype(np.float32))[0], ends=(start, end))

    def draw(self, view, r):
        style, plane = view.style, view["map"]
        plane.frame(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", x="z₁", y="z₂",
                    title="Codes of 500 digits" if not len(r.tiles) else "What each place decodes to")
        if len(r.tiles):
            plane.image("tiles", mosaic(r.tiles, TILES, gap=1), (-REACH, REACH, -REACH, REACH), cmap=style.grey)
        else:
            for digit in range(10):
                some = r.codes[r.y == digit]
                plane.points(f"digits{digit}", some[:, 0], some[:, 1], marker=f"${digit}$", size=6.2, alpha=0.85,
                             color=shapes.digit_color(style, digit), ring="none")
        plane.line("way", *r.way.T, color=style.accent, width=1.6, marker="o", size=4.5, z=6)
        plane.line("across", [-REACH, REACH], [r.z[1]] * 2, color=style.ink, width=0.7, z=5)
        plane.line("up", [r.z[0]] * 2, [-REACH, REACH], color=style.ink, width=0.7, z=5)
        plane.points("here", r.z[:1], r.z[1:], color=style.accent, marker="s", size=11, z=7)
        pair, ways = view["digit"], view["ways"]
        pair.frame(xlim=(-0.4, 18.4), ylim=(-1.9, 8.3), ticks=False, aspect="equal", title="Decoded here")
        pair.image("picture", r.picture.reshape(8, 8)[::-1], (0, 8, 0, 8), cmap=style.grey)
        pair.image("nearest", r.nearest.reshape(8, 8)[::-1], (10, 18, 0, 8), cmap=style.grey)
        pair.line("frame", [0, 8, 8, 0, 0], [0, 0, 8, 8, 0], color=style.accent, width=2)
        pair.text("here", 4, -0.9, f"z = ({r.z[0]:.2f}, {r.z[1]:.2f})", ha="center", size=9.5, color=style.accent)
        pair.text("near", 14, -0.9, f"nearest: a {r.label} ({r.distance:.2f})", ha="center", size=9.5,
                  color=style.faint)
        ways.frame(xlim=(-1, 68), ylim=(0, 30), ticks=False, aspect="equal",
                   title=f"From a {r.ends[0]} to a {r.ends[1]}: mixing the codes")
        ways.image("codes", mosaic(r.on_way, STEPS), (0, 68, 19, 27), cmap=style.grey)
        ways.image("pixels", mosaic(r.mixed, STEPS), (0, 68, 2, 10), cmap=style.grey)
        ways.text("pixel words", 0, 13.5, "and mixing the pixels", size=10.5, still=True)

    def tell(self, r):
        drift = float(np.hypot(*(r.back - r.z)))
        where = "among digits" if r.distance < 0.15 else "in a hole of the map" if r.distance > 0.4 else "at the edge"
        return (f"At ({r.z[0]:.2f}, {r.z[1]:.2f}) on the map, {where}; the nearest digit is a {r.label}. The way shown "
                f"leads from a {r.ends[0]} to a {r.ends[1]}.",
                {"nearest code": f"{r.distance:.2f} away", "encoded again, it lands": f"{drift:.2f} away"})
