"""The library's pages: every public name of nnlab with its signature, its docstring and its code, file by file.

Written on `inspect` and not with pdoc: our docstrings are plain text with formulas such as a * b_i, which a Markdown
reader would spoil, and the pages should be the site's own, with the code one click away, for it is there to be read.
"""

import html
import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass, field
from types import ModuleType

import nnlab
from tools.website.words import Atlas, Writer, code


@dataclass
class Shelf:
    """One page: a top-level module of nnlab, or a package of it with all its files."""

    name: str
    url: str
    modules: list[ModuleType] = field(default_factory=list)

    @property
    def purpose(self) -> str:
        """The first sentence of its docstring, as HTML."""
        text = " ".join(inspect.getdoc(importlib.import_module(f"nnlab.{self.name}")).split())
        return _marked(re.match(r".+?[.?!](?= |$)", text)[0])


def shelves() -> list[Shelf]:
    """The pages of the library, in the order of the alphabet."""
    found: dict[str, Shelf] = {}
    for info in pkgutil.walk_packages(nnlab.__path__, "nnlab."):
        name = info.name.split(".")[1]
        shelf = found.setdefault(name, Shelf(name, f"library/{name}.html"))
        module = importlib.import_module(info.name)
        if public(module):
            shelf.modules.append(module)
    return [shelf for shelf in found.values() if shelf.modules]


def public(module: ModuleType) -> dict[str, object]:
    """The functions and classes that a file defines for others, in its order."""
    return {name: thing for name, thing in vars(module).items()
            if not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing))
            and thing.__module__ == module.__name__ and thing.__qualname__ == name and inspect.getdoc(thing)}


def methods(thing: type) -> dict[str, object]:
    """The public methods and properties that a class has a docstring of its own for."""
    found = {name: getattr(value, "__func__", value) for name, value in vars(thing).items() if name[0] != "_"}
    return {name: value for name, value in found.items()
            if (inspect.isfunction(value) or isinstance(value, property)) and value.__doc__}


def chart(atlas: Atlas, all_shelves: list[Shelf]) -> None:
    """Enter every name by which code reaches something: its home, and wherever it is imported from there."""
    homes: dict[int, str] = {}
    for shelf in all_shelves:
        for name in (f"nnlab.{shelf.name}", f"nnlab/{shelf.name}", f"nnlab/{shelf.name}.py"):
            atlas.names[name] = shelf.url
        for module in shelf.modules:
            file = module.__name__.replace(".", "/") + ("/__init__.py" if hasattr(module, "__path__") else ".py")
            atlas.pages[file] = atlas.names[file] = f"{shelf.url}#{anchor_of(module)}"
            for name, thing in public(module).items():
                homes[id(thing)] = f"{shelf.url}#{name}"
    for module in [nnlab, *(importlib.import_module(info.name)
                            for info in pkgutil.walk_packages(nnlab.__path__, "nnlab."))]:
        for name, thing in vars(module).items():
            if home := homes.get(id(thing)):
                path = f"{module.__name__}.{name}"
                atlas.names[path] = home
                if inspect.isclass(thing):
                    atlas.names |= {f"{path}.{method}": f"{home}.{method}" for method in methods(thing)}


def anchor_of(module: ModuleType) -> str:
    return "file-" + module.__name__.replace(".", "-")


def body(shelf: Shelf, writer: Writer) -> str:
    """A page's HTML, with its headings entered into the writer's."""
    parts = [f"<h1>nnlab.{shelf.name}</h1>"]
    writer.headings.append((1, "", f"nnlab.{shelf.name}"))
    for module in shelf.modules:
        file = module.__name__.replace(".", "/") + ("/__init__" if hasattr(module, "__path__") else "") + ".py"
        writer.headings.append((2, anchor_of(module), file))
        parts.append(f'<h2 id="{anchor_of(module)}">{file}</h2>{prose(inspect.getdoc(module) or "")}')
        for name, thing in public(module).items():
            writer.headings.append((3, name, f"<code>{name}</code>"))
            kind = "class " if inspect.isclass(thing) else ""
            parts.append(f'<section class="entry"><h3 id="{name}"><code>{kind}{name}</code></h3>'
                         f"{signature(name, thing)}{prose(inspect.getdoc(thing))}")
            for method, value in methods(thing).items() if kind else ():
                parts.append(f'<h4 id="{name}.{method}"><code>{name}.{method}</code></h4>'
                             f"{signature(method, value)}{prose(inspect.getdoc(value))}")
            parts.append(f"<details><summary>Code of <code>{name}</code></summary>"
                         f"{code(inspect.getsource(thing))}</details></section>")
    return "\n".join(parts)


def signature(name: str, thing: object) -> str:
    """How it is called. A property is not."""
    if isinstance(thing, property):
        return ""
    try:
        asked = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    kept = [each for n, each in enumerate(asked.parameters.values()) if not (n == 0 and each.name in ("self", "cls"))]
    written = str(asked.replace(parameters=kept, return_annotation=inspect.Signature.empty))
    written = re.sub(r"<(?:class|function) '?([\w.]+)'?(?: at 0x\w+)?>", r"\1", written)
    return code(name + written).replace('"code"', '"code signature"')


def prose(text: str) -> str:
    """A docstring as HTML: paragraphs, a line for each argument, examples as code."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.lstrip().startswith(">>>"):
            parts.append(code(inspect.cleandoc(block), "pycon"))
        elif re.search(r"\S {3,}\S", block) or re.match(r" {4}", block):
            parts.append(f'<pre class="plain">{html.escape(block)}</pre>')
        else:
            parts.append("<p>" + "<br>".join(map(_marked, _lines(block))) + "</p>")
    return "\n".join(parts)


def _lines(block: str) -> list[str]:
    """A paragraph's lines as they are meant: one for each argument, and what was only wrapped joined again."""
    lines, indented = [], False
    for line in block.splitlines():
        begins = re.match(r"\w[\w, *]{0,40}: |Raises |- ", line) or (indented and line[0] != " ")
        if begins or not lines:
            lines.append(line)
        else:
            lines[-1] += " " + line.strip()
        indented = line[0] == " "
    return lines


def _marked(line: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(line, quote=False))
