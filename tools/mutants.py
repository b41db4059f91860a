"""Mutants: the small changes that tools/mutate.py makes in a library, to see whether its tests notice.

A change is made in the tree that Python parses and written back over that piece of the text alone, so that a mutant
differs from its original in one or two lines. DeMillo, Lipton and Sayward, Computer 11 (4), 1978; the operators are
those of Offutt and others, ACM TOSEM 5 (2), 1996, with NumPy's axes, keywords and paired functions.
"""

import ast
import difflib
import hashlib
import random
from collections import Counter
from dataclasses import dataclass

BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
          ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.BitOr: ast.BitAnd,
          ast.BitAnd: ast.BitOr}
SIDED = (ast.Sub, ast.Div, ast.Pow, ast.MatMult)  # operands that can be told apart by exchanging them
COMPARE = {ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
           ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
           ast.NotIn: (ast.In,)}
PAIRS = ("max min", "maximum minimum", "any all", "sum mean", "zeros ones", "argmax argmin", "exp log", "sin cos",
         "zeros_like ones_like", "train eval")
RENAMED = {a: b for pair in PAIRS for a, b in (pair.split(), pair.split()[::-1])}
SYMMETRIC = ("add", "multiply", "maximum", "minimum", "equal", "not_equal", "array_equal", "isclose", "union1d")
ATOMS = (ast.Constant, ast.Name, ast.Attribute, ast.Call)


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the bytes from `start` to `end` become `new`.

    lines: the first and the last that have to be executed for the change to matter: of its statement or, in an `if` or
    a loop, of the condition alone.
    """

    file: str
    line: int
    operator: str
    start: int
    end: int
    new: bytes
    lines: tuple
    id: str

    def apply(self, source: bytes) -> bytes:
        return source[:self.start] + self.new + source[self.end:]

    def diff(self, source: bytes) -> list[str]:
        """Its changed lines, as ["-    y = a + b", "+    y = a - b"]."""
        before, after = (text.decode().splitlines() for text in (source, self.apply(source)))
        return [line for line in difflib.unified_diff(before, after, n=0, lineterm="")
                if not line.startswith(("---", "+++", "@@"))]


def variants(node):
    """(operator, changed node or text) for each way to change this node itself, not what is inside of it."""
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in BINARY:
                yield "arithmetic", ast.BinOp(left, BINARY[type(op)](), right)
            if isinstance(op, SIDED):
                yield "operands", ast.BinOp(right, op, left)
        case ast.AugAssign(target, op, value):
            if type(op) in BINARY:
                yield "augmented", ast.AugAssign(target, BINARY[type(op)](), value)
            yield "statement", "pass"
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as n)):
            yield from (("constant", repr(m)) for m in (1 - n, -n - 1, n))
        case ast.UnaryOp(op, operand):
            yield ("negation" if isinstance(op, ast.Not) else "sign"), operand
        case ast.Compare(left, ops, right):
            for i, op in enumerate(ops):
                for new in COMPARE[type(op)]:
                    yield "comparison", ast.Compare(left, [*ops[:i], new(), *ops[i + 1:]], right)
        case ast.BoolOp(op, values):
            yield "boolean", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.Constant(bool() as value):
            yield "constant", repr(not value)
        case ast.Constant(int() as n):
            yield from (("constant", repr(m)) for m in (n + 1, n - 1))
        case ast.Constant(float() as x):
            yield from (("constant", repr(y)) for y in {2 * x, 1 + x})
        case ast.Call(func, args, keywords):
            for i in range(len(args) - 1 if getattr(func, "attr", "") not in SYMMETRIC else 0):
                if not any(isinstance(a, ast.Starred) for a in args[i:i + 2]):
                    swapped = [*args[:i], args[i + 1], args[i], *args[i + 2:]]
                    yield "arguments", ast.Call(func, swapped, keywords)
            for i, keyword in enumerate(keywords):
                if keyword.arg:
                    yield "keyword", ast.Call(func, args, keywords[:i] + keywords[i + 1:])
            if isinstance(func, ast.Attribute) and func.attr in RENAMED:
                yield "function", ast.Call(ast.Attribute(func.value, RENAMED[func.attr]), args, keywords)
            elif isinstance(func, ast.Name) and func.id in RENAMED:
                yield "function", ast.Call(ast.Name(RENAMED[func.id]), args, keywords)
        case ast.Return(value) if value is not None:
            yield "return", "return None"
        case ast.Break() | ast.Continue() | ast.Raise() | ast.Delete() | ast.Expr(ast.Call()):
            yield "statement", "pass"
        case ast.Assign([ast.Attribute() | ast.Subscript(), *_]):
            yield "statement", "pass"


def mutants_of(file, source):
    """Every mutant of one file. Not changed: texts, messages of errors, annotations, `__all__` and `__slots__`."""
    text = source.encode()
    begins, found, twins = [0], [], Counter()
    lines_of_text = source.splitlines()
    for line in text.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    at = lambda line, column: begins[line - 1] + column

    def put(node, operator, new, lines):
        if ast.unparse(node) == (new if isinstance(new, str) else ast.unparse(new)):  # as f(a, a) swapped
            return
        if not isinstance(new, str):
            atom = isinstance(node, ast.stmt) or isinstance(new, ATOMS)
            new = ast.unparse(new) if atom else f"({ast.unparse(new)})"
        start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
        key = f"{file} {lines_of_text[node.lineno - 1].strip()} {operator} {ast.unparse(node)} {new}"
        twins[key] += 1  # what changes elsewhere in the file leaves a mutant its name
        name = hashlib.sha1(f"{key} {twins[key]}".encode()).hexdigest()[:12]
        found.append(Mutant(file, node.lineno, operator, start, end, new.encode(), lines, name))

    def walk(node, field, lines, kind=None):
        if isinstance(node, ast.JoinedStr) or field in ("annotation", "returns"):
            return
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("__all__", "__slots__"):
            return
        for operator, new in variants(node):
            put(node, kind if kind and operator == "constant" else operator, new, lines)
        if field in ("test", "ifs") and not isinstance(node, ast.Compare | ast.UnaryOp):
            put(node, "condition", ast.UnaryOp(ast.Not(), node), lines)
        if isinstance(node, ast.Lambda):
            put(node.body, "return", "None", lines)
        if isinstance(node, ast.Raise) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)):
            return
        if isinstance(node, ast.keyword) and node.arg in ("axis", "keepdims"):
            kind = "axis"
        if isinstance(node, ast.arguments):
            kind = "default"
        compound = isinstance(node, ast.stmt) and hasattr(node, "body")
        for name, inner in ast.iter_fields(node):
            for child in inner if isinstance(inner, list) else [inner]:
                if isinstance(child, ast.arguments) and compound:
                    walk(child, name, (node.lineno, max(node.lineno, node.body[0].lineno - 1)), kind)
                elif isinstance(child, ast.AST):
                    place = getattr(child, "context_expr", child)  # of `with`
                    own = isinstance(child, ast.stmt) or (compound and hasattr(place, "lineno"))
                    walk(child, name, (place.lineno, place.end_lineno) if own else lines, kind)

    walk(ast.parse(source), None, (1, len(begins)))
    return found


def stratified(mutants, size, seed):
    """`size` of them, each file and each operator in it by its share: every k-th of a list sorted so."""
    rng = random.Random(seed)
    ordered = sorted(mutants, key=lambda m: (m.file, m.operator, rng.random()))
    if not size or size >= len(ordered):
        return ordered
    begin = rng.random()
    return [ordered[int((begin + i) * len(ordered) / size)] for i in range(size)]
