"""Reading a notebook: honest untidiness is forgiven with a note, and nothing is run."""

import json

import pytest

from course.grading.inside.program import Unreadable, read

JUDGED = {"f": {"needs": [], "marked": "judge"}}


def notebook(*cells, **about):
    """Cells: (grade_id or None, source), or (grade_id, source, "markdown")."""
    made = []
    for label, source, *kind in cells:
        meta = {"nbgrader": {"grade_id": label, "solution": True}} if label else {}
        made.append({"cell_type": kind[0] if kind else "code", "metadata": meta, "source": source})
    return json.dumps({"cells": made, "metadata": {"nnlab": about}, "nbformat": 4, "nbformat_minor": 5}).encode()


def program(*cells, asked=None, name="f"):
    return read(notebook(*cells), asked or JUDGED)["exercises"][name]


def value(found, name="f"):
    """What the program binds, run here as the sandbox runs it."""
    names = {}
    for label, source in found["program"]:
        exec(compile(source, label, "exec"), names)
    return names[name]


def test_its_cell_and_the_definitions_it_needs_from_others_make_its_program():
    found = program((None, "import math\nimport os as o"), (None, "def helper(x):\n    return scale * x\nprint('x')"),
                    (None, "scale = 3\nwaste = 1"), ("f", "def f(x):\n    return helper(x)"))
    assert [source.strip().split("\n")[0] for _, source in found["program"]] == [
        "import math", "import os as o", "def helper(x):", "scale = 3", "def f(x):"]
    assert value(found)(2) == 6


@pytest.mark.parametrize("experiment", [
    "for lr in rates:\n    for x in range(9):\n        total = train(lr, x)",
    "both = [train(lr, x) for lr in rates for x in range(9)]",
    "m, u = train(1)", "def g(p):\n    lr = total = p\n    return lr", "x: float = train(2)"])
def test_an_experiment_is_not_run_again_because_its_names_are_those_of_arguments(experiment):
    """As in `f` here, so in a class's methods, lambdas and comprehensions."""
    solution = ("class f:\n    m = 0\n\n    def step(self, x, lr=base, *u):\n        total = [m * lr for m in x]\n"
                "        return sum(total, *u) + (lambda p: p + other)(1)")
    found = program((None, "base = 3\nother = 5"), ("f", solution), (None, experiment), (None, "rates = [1, 2]"))
    assert [source.strip().split("\n")[0] for _, source in found["program"]] == ["base = 3", "other = 5", "class f:"]
    assert value(found)().step([1, 2]) == 15


@pytest.mark.parametrize(("around", "body"), [
    ("n = 2", "global n\n    n += 0\n    return n"),
    ("n = [1]\nn[0] = 2", "return n[0]"), ("n = 2", "return (lambda k=n: k)()"),
    ("n = 2", "return [k for k in [n]][0]"), ("a = 0\nfor k in range(2):\n    a += 1\n    n = k + 1", "return n"),
    ("n = 2", "return [n for n in [n]][0]"), ("n = 2", "return [k for k in (1, 2) if k == n][0]"),
    ("[n := k for k in (1, 2)]", "return n"), ("n = 2", "def inner(k):\n        return k * n\n    return inner(1)"),
    ("try:\n    import math as n\nexcept ImportError:\n    n = None", "return n.ceil(1.5)"),
    ("i = 1\nn = 0\nfor k in range(2):\n    n += i", "return n"), ("class n:\n    two = 2", "return n.two")])
def test_what_a_function_takes_from_around_it_is_run(around, body):
    assert value(program((None, around), ("f", f"def f():\n    {body}")))() == 2


def test_the_last_definition_wins_with_a_note():
    found = program(("f", "def f(x):\n    return 1"), (None, "def f(x):\n    return 2"))
    assert value(found)(0) == 2
    assert "2 places" in found["notes"][0]


def test_a_frame_that_was_left_beside_the_solution_does_not_win():
    found = program((None, "def f(x):\n    return 2"), ("f", 'def f(x):\n    """What."""\n    ...'))
    assert value(found)(0) == 2


def test_an_unwritten_frame_alone_is_found():
    assert program(("f", "def f(x):\n    ..."))["found"]


def test_doubled_renamed_and_reordered_cells_are_graded_with_a_note():
    doubled = program(("f", "def f(x):\n    return 1"), ("f", "def f(x):\n    return 1"))
    assert "2 times" in " ".join(doubled["notes"])
    renamed = program(("mine", "def f(x):\n    return 1"))
    assert "not found by its id" in renamed["notes"][0]
    assert value(renamed)(0) == 1
    reordered = program(("f", "def f(x):\n    return g(x)"), (None, "def g(x):\n    return 5"))
    assert value(reordered)(0) == 5


def test_a_split_cell_is_put_together():
    found = program(("f", "f = [1, 2]"), (None, "f[0] = 7\nf += [3]\nother = 1"))
    assert value(found) == [7, 2, 3]
    found = program(("f", "def g(x):\n    return x"), (None, "f = g"))
    assert value(found)(4) == 4


def test_a_cell_that_is_no_python_costs_only_itself():
    found = read(notebook(("g", "def g(:"), ("f", "def f(x):\n    return 1")), JUDGED)
    assert value(found["exercises"]["f"])(0) == 1
    assert "g is not Python and was left out: line 1" in found["notes"][0]


def test_lines_for_ipython_and_calls_to_the_course_are_left_out():
    found = read(notebook(("f", "%matplotlib inline\n!ls\nfrom course.check import check\ndef f(x):\n    return 1\n"
                                "check('f')\nhandin('u')\nf?")), JUDGED)
    assert [source.strip().split("\n")[0] for _, source in found["exercises"]["f"]["program"]] == ["def f(x):"]
    assert "IPython" in found["notes"][0]


def test_a_percent_sign_in_python_is_no_magic():
    assert value(program(("f", "def f(x):\n    a = (7\n         % 4)\n    return a")))(0) == 3


def test_line_numbers_are_those_of_the_cell():
    found = program(("f", "x = 1\n\n\ndef f(x):\n    return 1 / 0"))
    with pytest.raises(ZeroDivisionError) as caught:
        value(found)(0)
    assert caught.tb.tb_next.tb_lineno == 5


def test_several_statements_on_a_line_and_decorators_stay_whole():
    assert value(program(("f", "a = 1; b = 2; f = a + b"))) == 3
    found = program((None, "def twice(g):\n    return lambda x: 2 * g(x)"), ("f", "@twice\ndef f(x):\n    return x"))
    assert value(found)(4) == 8


def test_a_need_that_nothing_binds_is_named_and_a_frame_does_not_count():
    asked = {"f": {"needs": ["g", "h"], "marked": "judge"}}
    found = program(("f", "def f(x):\n    return g(x)"), ("g", "def g(x):\n    ..."), asked=asked)
    assert found["missing"] == ["g", "h"]
    assert program(("f", "f = 1"), (None, "def g(x):\n    return 1"), (None, "h = 2"), asked=asked)["missing"] == []


def test_prose_is_found_by_its_id():
    asked = {"why": {"needs": [], "marked": "people"}}
    assert program(("why", "Because.", "markdown"), asked=asked, name="why") == {"prose": "Because.", "found": True}
    assert not program((None, "Because.", "markdown"), asked=asked, name="why")["found"]


def test_nothing_of_it_is_found():
    assert not program((None, "def g(x):\n    return 1"))["found"]


@pytest.mark.parametrize(("data", "words"), [
    (b"", "empty"), (b"  \n", "empty"), (b"\x89PNG\r\n\x1a\n\xff", "no text"), (b"def f(x):", "no notebook"),
    (b"[]", "no notebook"), (b"null", "no notebook"),
    (b"{}", "no cells"), (b'{"cells": 5}', "no cells"), (b'{"worksheets": []}', "2015"),
    (b'{"cells": [], "metadata": []}', "no notebook"), (b"[" * 100_000, "nested"), (b'{"a":' * 100_000, "nested"),
    (json.dumps({"cells": [{}] * 2001}).encode(), "2,000"), (notebook((None, "x" * 1_000_001)), "characters"),
])
def test_what_is_no_notebook_is_said_so(data, words):
    with pytest.raises((Unreadable, RecursionError)) as caught:
        read(data, JUDGED)
    assert words in str(caught.value) or isinstance(caught.value, RecursionError)


def test_cells_of_odd_kinds_are_passed_over():
    odd = [None, 5, {}, {"cell_type": "heading", "source": "x"}, {"cell_type": "code", "source": 5},
           {"cell_type": "code", "source": ["f = ", "1"], "metadata": None},
           {"cell_type": "code", "source": "g = 2", "metadata": {"nbgrader": {"grade_id": 7}}}]
    data = json.dumps({"cells": odd, "metadata": {}}).encode()
    assert value(read(data, JUDGED)["exercises"]["f"]) == 1


def test_the_units_name_is_read_as_text():
    assert read(notebook(unit="01_neurons", version="1.0"), {})["unit"] == "01_neurons"
    assert read(notebook(unit={"a": 1}), {})["unit"] == "{'a': 1}"


def test_code_nested_too_deeply_is_left_out():
    found = read(notebook(("f", "f = " + "(" * 5000 + ")" * 5000), (None, "g = " + "-" * 100_000 + "1")), JUDGED)
    assert len(found["notes"]) == 2
