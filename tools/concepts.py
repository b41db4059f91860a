"""Builds docs/concepts.md: every concept of the course with its home in nnlab and what stands on it.

    python tools/concepts.py            write the page
    python tools/concepts.py --check    say whether it is up to date

Only the list of concepts stands here. What a concept is comes from the docstring of its home; which test, lab, exercise
and result belong to it is read off their code: they use that very object, themselves or through the helpers of their
file, and, for an option such as `nesterov`, name it. What teaches a concept by a formula of its own is named in
taught.toml. Nothing is run, so neither PyTorch nor Jupyter is needed.
"""

import argparse
import ast
import importlib
import inspect
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "concepts.md"
TAUGHT = ROOT / "tools" / "taught.toml"  # what cannot be read off the code
sys.path.insert(0, str(ROOT))

# The list ------------------------------------------------------------------------------------------------------------
# The field's term: its home in nnlab, then, after a blank, the option that switches it on where it has no function of
# its own, and after a slash what keeps its parameters or its options.
CONCEPTS = {
    "Activations": {
        "rectified linear unit": "functional.relu / nn.ReLU",
        "leaky ReLU": "functional.leaky_relu / nn.LeakyReLU",
        "exponential linear unit": "functional.elu / nn.ELU",
        "scaled exponential linear unit": "functional.selu / nn.SELU",
        "Gaussian error linear unit": "functional.gelu / nn.GELU",
        "GELU, tanh form": "functional.gelu_tanh",
        "sigmoid": "functional.sigmoid / nn.Sigmoid",
        "hyperbolic tangent": "functional.tanh / nn.Tanh",
        "softmax": "functional.softmax / nn.Softmax",
        "softmax along any axis": "functional.softmax axis",
        "softmax with temperature": "functional.softmax temperature",
        "log-softmax": "functional.log_softmax",
    },
    "Losses and divergences": {
        "mean squared error": "functional.mse_loss",
        "binary cross-entropy on logits": "functional.binary_cross_entropy_with_logits",
        "cross-entropy on logits": "functional.cross_entropy",
        "reduction of a loss": "functional.cross_entropy reduction",
        "Kullback-Leibler divergence": "functional.kl_divergence",
        "Jensen-Shannon divergence": "functional.js_divergence",
        "Gaussian KL of a variational autoencoder": "functional.gaussian_kl",
    },
    "Layers": {
        "neuron": "nn.Neuron",
        "dense layer": "functional.linear / nn.Linear",
        "dropout": "functional.dropout / nn.Dropout",
        "layer normalisation": "functional.layer_norm / nn.LayerNorm",
        "batch normalisation": "functional.batch_norm / nn.BatchNorm1d",
        "embedding": "functional.embedding / nn.Embedding",
        "residual connection": "nn.Residual",
        "scaled dot-product attention": "functional.scaled_dot_product_attention",
        "multi-head attention": "functional.multi_head_attention / nn.MultiHeadAttention",
        "causal mask": "functional.scaled_dot_product_attention causal",
        "padding mask": "functional.scaled_dot_product_attention mask",
        "attention weights on request": "functional.multi_head_attention return_weights / nn.MultiHeadAttention",
        "sinusoidal positional encoding": "functional.sinusoidal_positions",
        "learned positional encoding": "nn.LearnedPositions",
        "transformer block": "nn.TransformerBlock",
        "layers in sequence": "nn.Sequential",
        "multilayer perceptron": "functional.mlp / nn.MLP",
        "training mode": "Module.train",
        "evaluation mode": "Module.eval",
        "state of a model": "Module.state_dict",
        "loading a state": "Module.load_state_dict",
        "saving a model to a file": "Module.save",
        "loading a model from a file": "Module.load",
    },
    "Optimizers": {
        "gradient descent": "optim.SGD",
        "momentum (heavy ball)": "optim.SGD momentum",
        "Nesterov momentum": "optim.SGD nesterov",
        "RMSprop": "optim.RMSprop",
        "Adam": "optim.Adam",
        "AMSGrad": "optim.Adam amsgrad",
        "AdamW": "optim.AdamW",
        "weight decay": "optim.SGD weight_decay",
        "L1 with its proximal step": "optim.ProximalSGD",
        "gradient clipping by norm": "optim.clip_grad_norm",
        "gradient clipping by value": "optim.clip_grad_value",
        "step schedule": "optim.StepLR",
        "cosine schedule": "optim.CosineAnnealingLR",
        "warm-up": "optim.LinearLR",
        "schedules in sequence": "optim.SequentialLR",
        "minibatches": "data.DataLoader",
    },
    "Regularization": {
        "L1 penalty": "regularize.l1_penalty / regularize.l1",
        "L2 penalty": "regularize.l2_penalty / regularize.l2",
        "early stopping": "EarlyStopping",
        "augmentation: noise": "augment.Noise",
        "augmentation: shift": "augment.shift / augment.Shift",
        "augmentation: rotation": "augment.rotate / augment.Rotate",
        "augmentation: flip": "augment.Flip",
    },
    "Signals through depth": {
        "Xavier (Glorot) initialisation": "init.xavier_uniform",
        "He (Kaiming) initialisation": "init.he_uniform",
        "orthogonal initialisation": "init.orthogonal",
        "zero initialisation": "init.zeros",
        "constant initialisation": "init.constant",
        "signals and gradients per layer": "probe",
    },
    "Autoencoders": {
        "autoencoder": "Autoencoder",
        "linear autoencoder": "Autoencoder activation",
        "denoising autoencoder": "Autoencoder noise",
        "tied weights": "Autoencoder tied",
        "variational autoencoder": "VariationalAutoencoder",
        "principal component analysis": "pca.PCA",
    },
    "Generative adversarial networks": {
        "generative adversarial network": "GAN",
        "saturating and non-saturating loss": "GAN loss",
        "packing": "GAN pack",
        "step of the discriminator": "GAN.d_step",
        "step of the generator": "GAN.g_step",
        "several steps of each side": "GAN.fit_steps d_steps",
    },
    "Attention models": {
        "encoder-decoder attention": "EncoderDecoder",
        "dates in many formats": "dates.sample",
        "causal language model": "TransformerLM",
        "sampling with temperature": "TransformerLM.generate temperature",
        "top-k sampling": "TransformerLM.generate top_k",
    },
    "Metrics": {
        "accuracy": "metrics.accuracy",
        "confusion matrix": "metrics.confusion_matrix",
        "modes captured": "metrics.modes_captured",
        "share of high-quality samples": "metrics.high_quality_share",
        "principal angles": "metrics.principal_angles",
        "explained variance": "metrics.explained_variance",
    },
    "Training": {
        "training loop": "train.fit",
        "a trained model in use": "predict",
        "training step by step": "train.fit_steps",
        "validation": "train.fit validation",
        "callbacks": "train.fit callbacks",
        "history": "train.History",
        "divergence": "train.TrainingDiverged",
        "seed": "manual_seed",
    },
    "The engine": {
        "tensor": "Tensor",
        "backpropagation": "Tensor.backward",
        "backpropagation step by step": "Tensor.backward_steps",
        "operation and its derivative": "ops.op",
        "computing without gradients": "no_grad",
        "gradient check": "gradcheck",
    },
}
# Where neither PyTorch nor scikit-learn has the same thing: what proves the concept instead.
NO_ORACLE = {
    "neuron": "a dense layer of one, compared",
    "dropout": "its draws are its own",
    "residual connection": "a sum, compared",
    "sinusoidal positional encoding": "its formula, compared",
    "learned positional encoding": "a sum, compared",
    "a trained model in use": "the model itself, compared",
    "training mode": "no numbers in it",
    "evaluation mode": "no numbers in it",
    "state of a model": "no numbers in it",
    "loading a state": "no numbers in it",
    "saving a model to a file": "no numbers in it",
    "loading a model from a file": "no numbers in it",
    "minibatches": "its draws are its own",
    "L1 with its proximal step": "its closed form, compared",
    "early stopping": "no such thing there",
    "augmentation: noise": "its draws are its own",
    "augmentation: shift": "whole pictures compared",
    "augmentation: rotation": "quarter turns are exact",
    "augmentation: flip": "whole pictures compared",
    "Xavier (Glorot) initialisation": "its draws are its own",
    "He (Kaiming) initialisation": "its draws are its own",
    "orthogonal initialisation": "its draws are its own",
    "zero initialisation": "exact",
    "constant initialisation": "exact",
    "signals and gradients per layer": "no such thing there",
    "packing": "no such thing there",
    "several steps of each side": "no such thing there",
    "dates in many formats": "no such thing there",
    "sampling with temperature": "its draws are its own",
    "top-k sampling": "its draws are its own",
    "modes captured": "no such thing there",
    "share of high-quality samples": "no such thing there",
    "training step by step": "`fit` is made of it",
    "validation": "no such thing there",
    "callbacks": "no such thing there",
    "history": "no such thing there",
    "divergence": "no such thing there",
    "seed": "no such thing there",
    "backpropagation step by step": "`backward` is made of it",
    "operation and its derivative": "each operation has its own",
    "computing without gradients": "no numbers in it",
    "gradient check": "it is a witness itself",
}


# Homes ---------------------------------------------------------------------------------------------------------------
FORMULA = re.compile(r"<-|=|\^|\b(sum|mean|max|ln|sqrt)\b|/|\w \* \w")
OPTIONS = r"[\w*]+(?:, [\w*]+)*: "  # how the line of one or several of them begins in a docstring


class Home(NamedTuple):
    """Where a concept lives. owner: the class, if it is a method; option: the argument that switches it on, or "";
    layer: the home of what keeps its parameters or its options, or None."""

    name: str
    found: object
    owner: type | None = None
    option: str = ""
    layer: "Home | None" = None

    @property
    def file(self) -> str:
        module = self.found if inspect.ismodule(self.found) else sys.modules[(self.owner or self.found).__module__]
        return Path(module.__file__).relative_to(ROOT).as_posix()

    @property
    def doctest(self) -> bool:
        return ">>>" in (self.found.__doc__ or "")

    @property
    def formula(self) -> str:
        """The docstring's first sentence and, if that is only words, the first formula after it; an option's line."""
        text = (inspect.cleandoc(self.found.__doc__) if self.found.__doc__ else "").split(">>>")[0]
        if self.option:
            line = re.search(rf"^(?:[\w*]+, )*{self.option}(?:, [\w*]+)*: (.*(?:\n +.*)*)", text, re.M)
            said = [line[1]] if line else [s for s in sentences(text) if re.search(rf"\b{self.option}\b", s)]
            if said:
                return " ".join(said[0].split())
        said = sentences(re.sub(rf"(?m)^{OPTIONS}.*(?:\n +.*)*", "", text))
        formulas = [s for s in said if FORMULA.search(s) and not re.match(OPTIONS, s)]
        return " ".join(dict.fromkeys(said[:1] + formulas[:1]))


def sentences(text: str) -> list[str]:
    paragraphs = [" ".join(p.split()) for p in re.split(rf"\n\s*\n|\n(?={OPTIONS})", text)]
    ends = rf"(?<=[\w)\]|`][.:]) (?=[A-Z]|{OPTIONS})"  # before a capital, and before "x: (N, in) -> ..."
    return [said for p in paragraphs for said in re.split(ends, p) if said]


def find(home: str) -> Home | None:
    """The home called "functional.softmax temperature" or "functional.relu / nn.ReLU"; None as long as there is none.

    One hop from `import nnlab`: the public name of a class, function or module there, or of one in a public module of
    it; and a method of such a class.
    """
    home, _, layer = home.partition(" / ")
    name, _, option = home.partition(" ")
    found, owner = importlib.import_module("nnlab"), None
    for i, part in enumerate(name.split(".")):
        public = found.__all__ if hasattr(found, "__all__") else [n for n in dir(found) if not n.startswith("_")]
        if part not in public or not hasattr(found, part) or (i and inspect.ismodule(getattr(found, part))):
            return None
        owner, found = found if inspect.isclass(found) else None, getattr(found, part)
    if (option and not accepts(found, option)) or (layer and not find(layer)):
        return None
    return Home(f"nnlab.{name}", found, owner, option, find(layer) if layer else None)


def accepts(function, option: str) -> bool:
    function = inspect.unwrap(function)
    return option in inspect.signature(function).parameters


# What a piece of code uses -------------------------------------------------------------------------------------------
class Piece(NamedTuple):
    """What a piece of code uses. names: dotted, from the file's imports on; words: names of any kind, of arguments and
    in texts too, once more as ".name" if it is an attribute of who knows what, and "=name" of an exercise."""

    names: frozenset
    words: frozenset


class File:
    """One file of tests, labs or exercises: its top-level pieces, each with all that it uses through the others."""

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self.imports, self.pieces = {}, {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for n in node.names:
                    first = n.name.split(".")[0]
                    self.imports |= {n.asname: n.name} if n.asname else {first: first}
            elif isinstance(node, ast.ImportFrom) and node.module:
                self.imports |= {n.asname or n.name: f"{node.module}.{n.name}" for n in node.names}
        for node in self.tree.body:
            for name in defined(node):
                self.pieces.setdefault(name, []).append(node)

    def uses(self, *nodes, without=()) -> Piece:
        """All that these nodes use, themselves and through what they call in this file and in files of tests."""
        names, words, seen, stack = set(), set(), {id(node) for node in without}, list(nodes)
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for inner in ast.walk(node):
                if isinstance(inner, ast.Attribute | ast.Name):
                    names.add(dotted := self.dotted(inner))
                    words.add(dotted.rpartition(".")[2])
                    first = dotted.partition(".")[0]
                    if "." in dotted and not self.is_module(first):
                        words.add("." + dotted.rpartition(".")[2])
                    stack += self.pieces.get(dotted, [])
                elif isinstance(inner, ast.keyword | ast.arg) and inner.arg:
                    words.add(inner.arg)
                elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.isidentifier():
                    words.add(inner.value)  # {"nesterov": True}, or "SGD" for a getattr
        for name in [n for n in names if n.startswith("tests.")]:
            module, _, helper = name.rpartition(".")
            path = ROOT / (module.replace(".", "/") + ".py")
            if path.exists() and path != self.path:
                other = read(path)
                piece = other.uses(*other.pieces.get(helper, []))
                names, words = names | piece.names, words | piece.words
        return Piece(frozenset(names), frozenset(words))

    def is_module(self, first: str) -> bool:
        """Whether a dotted name begins with a module: one imported, or `torch = needs("torch")` and `T = torch.nn`."""
        return (any(first == name.partition(".")[0] for name in self.imports.values())
                or any(isinstance(node, ast.Assign) for node in self.pieces.get(first, [])))

    def dotted(self, node) -> str:
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        first = getattr(node, "id", "?")
        return ".".join([self.imports.get(first, first), *reversed(parts)])


def defined(node) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


read = cache(File)


@cache
def objects(dotted: str) -> tuple:
    """The ids of what the parts of a dotted name are: nnlab.functional.relu.f -> (the module, the function, ...)."""
    if not dotted.startswith("nnlab"):
        return ()
    found, passed = importlib.import_module("nnlab"), []
    for part in dotted.split(".")[1:]:
        if not hasattr(found, part) and inspect.ismodule(found):
            try:
                importlib.import_module(f"{found.__name__}.{part}")
            except ImportError:
                break
        if not hasattr(found, part):
            break
        found = getattr(found, part)
        passed.append(id(found))
    return tuple(passed)


def is_used(home: Home, piece: Piece) -> bool:
    if home.option and home.option not in piece.words:
        return False
    if home.layer and is_used(home.layer, piece):
        return True
    name = home.found.__name__
    if f"={plain(name)}" in piece.words or ("getattr" in piece.words and name in piece.words):  # getattr(optim, "SGD")
        return True
    if f".{name}" in piece.words and (home.owner or home.name.rpartition(".")[0] in piece.names):
        return True  # model.train(), or s.StepLR where nnlab.optim is passed in for s
    return any(id(home.found) in objects(name) for name in piece.names)


def plain(name: str) -> str:
    return name.replace("_", "").lower()


# Who uses a concept --------------------------------------------------------------------------------------------------
def tests_in(folder: str) -> list[tuple[str, Piece]]:
    """(id, what it uses) of every test in a folder; of each case, where they are the names in one dictionary."""
    found = []
    for path in sorted((ROOT / folder).glob("test_*.py")):
        file = read(path)
        for node in file.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name, table = f"{path.relative_to(ROOT).as_posix()}::{node.name}", cases(file, node)
                if table is None:
                    found.append((name, file.uses(node)))
                    continue
                same = file.uses(node, without=[table])
                for key, case in zip(table.value.keys, table.value.values):
                    piece = file.uses(case)
                    found.append((f"{name}[{key.value}]", Piece(same.names | piece.names, same.words | piece.words)))
    return found


def cases(file: File, test: ast.FunctionDef):
    """The assignment of the dictionary in `@pytest.mark.parametrize("name", DICTIONARY)`, if that is all there is."""
    calls = [d for d in test.decorator_list if isinstance(d, ast.Call)]
    found = [d.args[1] for d in calls if file.dotted(d.func) == "pytest.mark.parametrize"]
    if len(found) == 1 and isinstance(found[0], ast.Name):
        for node in file.pieces.get(found[0].id, []):
            keys = getattr(getattr(node, "value", None), "keys", None)
            if keys and all(isinstance(k, ast.Constant) and str(k.value).isascii() for k in keys):
                return node
    return None


def labs() -> list[tuple[str, Piece]]:
    """(number, what it uses) of every lab: a class with `id, title = "1a", "..."`."""
    found = []
    for path in sorted((ROOT / "course" / "labs").rglob("*.py")):
        for node in read(path).tree.body:
            body = node.body if isinstance(node, ast.ClassDef) else []
            values = [b.value for b in body if isinstance(b, ast.Assign) and "id" in defined(b)]
            constants = [n.value for v in values for n in ast.walk(v) if isinstance(n, ast.Constant)]
            if constants:
                found.append((constants[0], read(path).uses(node)))
    return sorted(found)


def exercises() -> list[tuple[str, Piece]]:
    """(unit and name, what its checks use) of every exercise: `softmax = Exercise("softmax(z)")` and its checks."""
    found = []
    for path in sorted((ROOT / "course" / "units").glob("*/visible.py")):
        file = read(path)
        for name, nodes in file.pieces.items():
            value = getattr(nodes[0], "value", None)
            if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Exercise":
                checks = [n for n in file.pieces.get("_", []) for d in n.decorator_list
                          if file.dotted(getattr(d, "func", d)) == f"{name}.check"]
                names, words = file.uses(*checks)
                found.append((f"{path.parent.name[:2]} {name}", Piece(names, words | {f"={plain(name)}"})))
    return found


def results() -> list[tuple[str, Piece]]:
    """(R1.3, what its test uses): the result is named in the test, or by the heading above it, `# R1.3 XOR -----`."""
    found = []
    for path in sorted((ROOT / "tests" / "lessons").glob("test_*.py")):
        file, lines = read(path), read(path).text.splitlines()
        for node in file.tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                inside = re.findall(r"\bR\d+\.\d+[a-z]?\b", "\n".join(lines[node.lineno - 1:node.end_lineno]))
                above = [m[1] for line in lines[:node.lineno]
                         if (m := re.match(r"# (?:(R\d+\.\d+[a-z]?)\b.*-----|\S)", line))]
                found += [(name, file.uses(node)) for name in inside or above[-1:] if name]
    return found


class Row(NamedTuple):
    """One line of the page. tests: the ids of those that prove it, those first that are called after it or that use
    the fewest other concepts."""

    term: str
    home: Home
    tests: list
    labs: list
    exercises: list
    results: list


def spoken(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower())) - {"nnlab", "functional", "nn", "of", "the", "a", "and", "in"}


@cache
def rows() -> tuple[dict[str, list[Row]], dict[str, str]]:
    """(the concepts that have a home, by section; those that have none yet, with the home they shall have)."""
    homes = {term: find(home) for section in CONCEPTS.values() for term, home in section.items()}
    missing = {term: home for section in CONCEPTS.values() for term, home in section.items() if homes[term] is None}
    there = [home for home in homes.values() if home]
    oracle, own = tests_in("tests/oracle"), tests_in("tests/nnlab")
    places = {"labs": labs(), "exercises": exercises(), "results": results()}
    breadth = {name: sum(is_used(home, piece) for home in there) for name, piece in oracle + own}
    naming = lambda pieces, home: list(dict.fromkeys(name for name, piece in pieces if is_used(home, piece)))
    taught, sections = tomllib.loads(TAUGHT.read_text(encoding="utf-8")), {}
    for section, terms in CONCEPTS.items():
        for term in terms:
            if home := homes[term]:
                standing = [sorted({*naming(pieces, home), *taught.get(term, {}).get(kind, [])})
                            for kind, pieces in places.items()]
                tests = naming(oracle + own if term in NO_ORACLE else oracle, home)
                about = spoken(f"{term} {home.name} {home.option}")
                tests.sort(key=lambda test: (-len(about & spoken(test.partition("::")[2])), breadth[test], test))
                sections.setdefault(section, []).append(Row(term, home, tests, *standing))
    return sections, missing


# The page ------------------------------------------------------------------------------------------------------------
HEAD = """\
# Concepts

Every concept of the course: its home in the library, what it is, and what stands on it. Made from the code by
`python tools/concepts.py`; not to be edited by hand. A test is named by its id, for `pytest`; it compares with PyTorch
or scikit-learn unless a note says why not. Labs, exercises and published results appear as their lessons do.
"""


def page() -> str:
    sections, missing = rows()
    lines = [HEAD]
    for section, members in sections.items():
        titles = ("Concept", "Home", "What it is", "Proved by", "Doctest", "Labs", "Exercises", "Results")
        lines += [f"## {section}\n", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        for row in members:
            home = f"`{row.home.name}`" + (f" with `{row.home.option}=`" if row.home.option else "")
            home += f", `{row.home.layer.name}`" if row.home.layer else ""
            home += f" in [{row.home.file.removeprefix('nnlab/')}](../{row.home.file})"
            proof = f"`{row.tests[0]}`" if row.tests else "**none yet**"
            proof += f" and {len(row.tests) - 1} more" if len(row.tests) > 1 else ""
            proof += f" ({NO_ORACLE[row.term]})" if row.tests and "oracle" not in row.tests[0] else ""
            cells = (row.term, home, escaped(row.home.formula), proof, "yes" if row.home.doctest else "no",
                     ", ".join(row.labs), ", ".join(row.exercises), ", ".join(row.results))
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    unproved = [row for members in sections.values() for row in members if not row.tests]
    if missing or unproved:
        lines += ["## Not there yet\n", *(f"- {term}: nnlab.{home}" for term, home in missing.items()),
                  *(f"- a test of {row.term}, {row.home.name}" for row in unproved), ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    return re.sub(r"([|*_<\\])", r"\\\1", text.replace("`", ""))


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is not up to date")
    made = page()
    if parser.parse_args(argv).check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print("docs/concepts.md is not what the code says: run python tools/concepts.py.")
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8", newline="\n")
    sections, missing = rows()
    there = [row for members in sections.values() for row in members]
    print(f"{len(there)} concepts; {len(missing)} not there yet: {', '.join(missing) or 'none'}.")
    for what, some in {"without a test": [r.term for r in there if not r.tests],
                       "without a doctest": [r.term for r in there if not r.home.doctest],
                       "without a word on what it is": [r.term for r in there if not r.home.formula]}.items():
        print(f"{what}: {', '.join(some) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
