"""The coverage table: docs/concepts.md is what the code says, and every concept is within one hop and proved."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

import nnlab

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("concepts", ROOT / "tools" / "concepts.py")
concepts = sys.modules["concepts"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(concepts)

SECTIONS, MISSING = concepts.rows()
ROWS = [row for members in SECTIONS.values() for row in members]
each = pytest.mark.parametrize("row", ROWS, ids=[row.term for row in ROWS])


def test_the_page_is_what_the_code_says():
    written = concepts.PAGE.read_text(encoding="utf-8").splitlines()
    changed = [line for line in concepts.page().splitlines() if line not in written]
    assert not changed, "run python tools/concepts.py"
    assert written == concepts.page().splitlines(), "run python tools/concepts.py"


def test_what_is_not_there_yet_stands_at_the_end_of_the_page():
    _, _, end = concepts.page().partition("## Not there yet\n")
    listed = [line for line in end.splitlines() if line]
    assert len(listed) == len(MISSING) + sum(not row.tests for row in ROWS)
    assert all(f"- {term}: nnlab.{home}" in listed for term, home in MISSING.items())
    assert len(ROWS) + len(MISSING) == sum(map(len, concepts.CONCEPTS.values()))


def test_what_is_named_by_hand_exists_and_is_not_read_off_the_code_anyway():
    taught = tomllib.loads(concepts.TAUGHT.read_text(encoding="utf-8"))
    places = {"labs": concepts.labs(), "exercises": concepts.exercises(), "results": concepts.results()}
    rows = {row.term: row for row in ROWS}
    for term, kinds in taught.items():
        for kind, names in kinds.items():
            read = [name for name, piece in places[kind] if concepts.is_used(rows[term].home, piece)]
            assert set(names) <= {name for name, _ in places[kind]} - set(read), (term, kind, read)


def test_nothing_is_missing_and_nothing_unproved():
    assert not MISSING
    assert not [row.term for row in ROWS if not row.tests]


@each
def test_a_concept_is_within_one_hop_from_the_front_page(row):
    for home in filter(None, (row.home, row.home.layer)):
        _, *hops = home.name.split(".")
        assert hops[0] in nnlab.__all__ if hasattr(nnlab, "__all__") else hasattr(nnlab, hops[0])
        assert len(hops) - bool(home.owner) <= 2, home.name
        assert (ROOT / home.file).is_file()
        assert home.file.startswith("nnlab/")


@each
def test_a_concept_says_what_it_is(row):
    assert len(row.home.formula) >= 10
    assert len(row.home.formula) <= 400


@each
def test_what_is_said_to_prove_a_concept_is_a_test_that_exists(row):
    folder = "tests/oracle/" if row.term not in concepts.NO_ORACLE else "tests/"
    for test in row.tests:
        path, name = test.split("::")
        assert path.startswith(folder)
        defined = [n.name for n in ast.parse((ROOT / path).read_text(encoding="utf-8")).body if hasattr(n, "name")]
        assert name.partition("[")[0] in defined


def test_reasons_for_having_no_oracle_are_given_for_concepts_of_the_list_only():
    terms = {term for section in concepts.CONCEPTS.values() for term in section}
    assert terms >= concepts.NO_ORACLE.keys()
    assert sum(map(len, concepts.CONCEPTS.values())) == len(terms), "a concept has one row"


# ---------------------------------------------------------------- how the page is read off the code


def uses(tmp_path, text: str) -> dict[str, concepts.Piece]:
    """{test: what it uses} of a file of tests."""
    (tmp_path / "test_some.py").write_text(text)
    return {name.partition("::")[2]: piece for name, piece in listed(tmp_path)}


def listed(folder):
    root, concepts.ROOT = concepts.ROOT, folder.parent
    try:
        return concepts.tests_in(folder.name)
    finally:
        concepts.ROOT = root


TESTS = '''
import pytest
import nnlab
from nnlab import functional as F, relu as unknown
from nnlab.functional import sigmoid

def helper(x):
    return F.tanh(x)

CASES = {"heavy ball": ("SGD", dict(momentum=0.9)), "plain": ("Adam", {})}

@pytest.fixture
def model():
    return nnlab.MLP(2, 1)

def test_own():
    sigmoid.f(1)

def test_by_helper():
    helper(1)

def test_by_fixture(model):
    model.state_dict()

@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    kind, options = CASES[name]
    getattr(nnlab.optim, kind)(**options)
'''


@pytest.mark.parametrize(("home", "tests"), [
    ("functional.sigmoid", {"test_own"}),
    ("functional.tanh / nn.Tanh", {"test_by_helper"}),
    ("nn.MLP", {"test_by_fixture"}),
    ("Module.state_dict", {"test_by_fixture"}),
    ("Module.train", set()),
    ("optim.SGD", {"test_cases[heavy ball]"}),
    ("optim.SGD momentum", {"test_cases[heavy ball]"}),
    ("optim.Adam", {"test_cases[plain]"}),
    ("optim.SGD weight_decay", set()),
    ("functional.relu", set()),
])
def test_a_test_belongs_to_what_it_uses_itself_by_a_helper_a_fixture_or_a_case(tmp_path, home, tests):
    found = uses(tmp_path, TESTS)
    assert {name for name, piece in found.items() if concepts.is_used(concepts.find(home), piece)} == tests


@pytest.mark.parametrize("home", [
    "functional.nothing", "nothing", "optim.SGD nothing", "functional.relu / nn.Nothing", "functional._reduce",
    "functional.activations.relu", "Tensor._fill",
])
def test_what_does_not_exist_is_private_or_further_than_one_hop_is_no_home(home):
    assert concepts.find(home) is None


def function(doc):
    made = lambda: None
    made.__doc__ = doc
    return made


@pytest.mark.parametrize(("doc", "option", "formula"), [
    ("max(0, z); derivative 1 where z > 0. Nair 2010.", "", "max(0, z); derivative 1 where z > 0."),
    ("f(x W + b). x: (..., in) -> (..., out).\n\nMore.", "", "f(x W + b)."),
    ("Steps of a kind. Somebody 1951.\n\nw <- w - lr g.\n\nlr: the rate, = 1.", "", "Steps of a kind. w <- w - lr g."),
    ("Words.\n\na, b: two\n    things.\nc: one = 1.\n\n>>> a = 1", "b", "two things."),
    ("Words.\n\na: one. It\n    is = 1.\n\nThen y = 2 x.", "", "Words. Then y = 2 x."),
    ("Words. In T there is heat.", "T", "In T there is heat."),
    ("Words.\n\n>>> a = 1", "b", "Words."),
])
def test_a_formula_is_the_first_sentence_and_the_first_formula_or_the_line_of_an_option(doc, option, formula):
    assert concepts.Home("nnlab.f", function(doc), None, option).formula == formula
