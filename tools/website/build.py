"""Builds the site: which pages there are, what each holds, and how they hang together.

Everything is read from the project as it stands: the lessons, the Markdown pages, the units' `unit.toml`, the library.
Nothing below a folder `private` is opened, unless the instructors' own pages are asked for, and then only those.
"""

import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from markupsafe import Markup

from course.labs.style import DARK, LIGHT
from tools.website import library
from tools.website.lessons import Draw, Lesson
from tools.website.words import Atlas, Writer

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MARK = "<!-- a site of nnlab: python -m tools.website writes it anew -->"
FRONT, INSTALL, UNITS, LIBRARY = "index.html", "install.html", "assignments.html", "library/index.html"
NAMED = {"README.md": INSTALL, "course/README.md": "assigning.html"}  # other pages have their file's name
PARTS = {"style.css", "lessons", "library", "pictures", "docs", "instructors"}  # what stands beside the pages
MENU = ("index.html", INSTALL, "syllabus.html", "assigning.html", UNITS, "concepts.html", LIBRARY)
SHORT = {"index.html": "Lessons", INSTALL: "Install", "syllabus.html": "Syllabus", "assigning.html": "Assigning",
         UNITS: "Assignments", "concepts.html": "Concepts", LIBRARY: "Library"}


@dataclass
class Page:
    """One page. `trail` is the chain of pages it stands in, for the links to the one before and the one after."""

    url: str
    title: str
    body: str
    headings: list[tuple[int, str, str]] = field(default_factory=list)
    wide: bool = False
    trail: list[tuple[str, str]] = field(default_factory=list)

    def contents(self) -> list[tuple[int, str, Markup]]:
        return [(level, anchor, Markup(words)) for level, anchor, words in self.headings if level in (2, 3)]

    def beside(self, step: int) -> tuple[str, str] | None:
        here = [url for url, _ in self.trail].index(self.url) + step if self.trail else -1
        return self.trail[here] if 0 <= here < len(self.trail) else None


def build(folder: Path, draw: Draw, root: Path = ROOT, for_instructors: bool = False) -> int:
    """Write the site of the project at `root` into `folder`; returns the number of its pages.

    Raises FileExistsError if something else than an older site stands there."""
    _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def keep(path: str, data: bytes) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)

    lessons = [Lesson(file) for file in sorted((root / "notebooks").glob("*.ipynb")) if file.name[0] != "."]
    texts = [*root.glob("*.md"), *sorted((root / "course").glob("*.md")), *sorted((root / "docs").glob("*.md"))]
    if for_instructors:
        texts += sorted((root / "course" / "units").glob("*/private/instructor.md"))
    units = [tomllib.loads(file.read_text(encoding="utf-8"))
             for file in sorted((root / "course" / "units").glob("*/unit.toml"))]
    shelves, atlas = library.shelves(), Atlas()
    names = {file: file.relative_to(root).as_posix() for file in texts}
    atlas.pages |= {f"notebooks/{lesson.file.name}": lesson.url for lesson in lessons}
    atlas.pages |= {name: _url(name) for name in names.values()}
    atlas.pages |= {f"course/units/{unit['unit']}/unit.toml": f"{UNITS}#{unit['unit']}" for unit in units}
    library.chart(atlas, shelves)

    pages = [*(_lesson(lesson, lessons, atlas, draw, keep) for lesson in lessons),
             *(_text(name, file.read_text(encoding="utf-8"), atlas) for file, name in names.items()),
             *(_shelf(shelf, shelves, atlas) for shelf in shelves)]
    looks = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
                               lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    writer = Writer(atlas, FRONT, "README.md")
    intro = writer.page((root / "README.md").read_text(encoding="utf-8").partition("\n## ")[0].partition("\n")[2])
    others = [page for page in pages if page.url not in MENU and page.url.count("/") == 0]
    made = {"lessons": lessons, "intro": Markup(intro), "units": units, "shelves": shelves, "others": others,
            "pages": atlas.pages, "LIBRARY": LIBRARY}
    for url, template, title in ((FRONT, "front.html", "nnlab"), (UNITS, "units.html", "Assignments"),
                                 (LIBRARY, "shelves.html", "The library")):
        asked = Writer(atlas, url, "")
        pages.append(Page(url, title, looks.get_template(template).render(**made, to=asked.to, writer=asked)))

    menu = [(url, SHORT[url]) for url in MENU if url in {page.url for page in pages}]
    for page in pages:
        to = Writer(atlas, page.url, "").to
        keep(page.url, looks.get_template("page.html").render(
            page=page, body=Markup(page.body), menu=menu, to=to, mark=Markup(MARK),
            home="index.html" if page.url.startswith("lessons/") else LIBRARY if page.url.startswith("library/")
            else page.url).encode())
    keep("style.css", looks.get_template("style.css").render(light=LIGHT, dark=DARK).encode())
    for picture in sorted(atlas.copied):
        if (root / picture).is_file():
            keep(picture, (root / picture).read_bytes())
    return len(pages)


def _clear(folder: Path) -> None:
    """Take an older site away, so that no page of it is left over; what begins with a dot (.git) stays."""
    there = [each for each in folder.iterdir() if each.name[0] != "."] if folder.exists() else []
    front = folder / FRONT
    ours = front.is_file() and MARK in front.read_text(encoding="utf-8", errors="replace")
    strange = [each.name for each in there if not ours or (each.suffix != ".html" and each.name not in PARTS)]
    if strange:
        raise FileExistsError(f"{folder} holds {strange[0]}, which is no part of a site of ours: "
                              "name a new or an empty folder.")
    for each in there:
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def _url(name: str) -> str:
    """The page of a Markdown file."""
    if "/private/" in name:
        return f"instructors/{name.split('/')[2]}.html"
    return NAMED.get(name, Path(name).stem.lower() + ".html")


def _lesson(lesson: Lesson, lessons: list[Lesson], atlas: Atlas, draw: Draw, keep) -> Page:
    writer = Writer(atlas, lesson.url, f"notebooks/{lesson.file.name}")
    body = lesson.body(writer, draw, keep)
    return Page(lesson.url, lesson.title, body, writer.headings,
                trail=[(each.url, each.headline) for each in lessons])


def _text(name: str, text: str, atlas: Atlas) -> Page:
    """A Markdown file as a page. What README.md says before its first section stands on the front page."""
    writer = Writer(atlas, _url(name), name)
    if name == "README.md":
        text = "# Install\n\n## " + text.partition("\n## ")[2]
    body = writer.page(text)
    if "/private/" in name:
        body = f'<p class="warning"><b>Not to be published.</b> This page gives answers away.</p>{body}'
    title = next(words for level, _, words in writer.headings if level == 1)
    return Page(_url(name), Markup(title).striptags(), body, writer.headings, wide="<table" in body)


def _shelf(shelf: library.Shelf, shelves: list[library.Shelf], atlas: Atlas) -> Page:
    writer = Writer(atlas, shelf.url, "")
    return Page(shelf.url, f"nnlab.{shelf.name}", library.body(shelf, writer), writer.headings,
                trail=[(each.url, f"nnlab.{each.name}") for each in shelves])
