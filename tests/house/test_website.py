"""The site: its links hold, its pictures have words, nothing is fetched from elsewhere, nothing private is in it."""

from __future__ import annotations

import base64
import html
import io
import posixpath
import re
import shutil
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from course.grading import strip
from tools.website.build import MARK, ROOT, _clear, build
from tools.website.formulas import mathml
from tools.website.lessons import Lesson
from tools.website.stills import drawn, every_lab, stored
from tools.website.words import Atlas, Writer

PRIVATE = sorted((ROOT / "course" / "units").glob("*/private/*.*"))
SHORT = 20  # characters, folded; what is shorter may stand anywhere
EMPTY = {"img", "br", "meta", "link", "source", "hr", "wbr"}  # elements without an end


class Seen(HTMLParser):
    """What a page holds, as far as the tests ask for it."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.loaded, self.alts, self.levels = [], [], [], [], []
        self.open, self.crossed, self.elements = [], [], Counter()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements[tag] += 1
        self.ids += [found["id"]] if "id" in found else []
        if tag == "a":
            self.links.append(found["href"])
        else:
            self.loaded += [found[name] for name in ("src", "srcset", "href") if name in found]
        if tag == "img":
            self.alts.append(found.get("alt", ""))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in EMPTY:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.crossed.append((tag, self.getpos()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("site") / "out"
    build(made, stored)
    return made


@pytest.fixture(scope="module")
def pages(folder) -> dict[str, Seen]:
    return {file.relative_to(folder).as_posix(): Seen(file.read_text(encoding="utf-8"))
            for file in folder.rglob("*.html")}


def resolved(page: str, address: str) -> tuple[str, str]:
    """(the file in the site, the anchor in it) that an address on a page means."""
    path, _, anchor = address.partition("#")
    return (posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))) if path else page), anchor


# ---------------------------------------------------------------- whole


def test_every_lesson_every_page_and_every_module_is_in_it(pages):
    lessons = {f"lessons/{file.stem}.html" for file in (ROOT / "notebooks").glob("*.ipynb")}
    modules = {f"library/{file.stem}.html" for file in (ROOT / "nnlab").glob("[a-z]*")
               if file.suffix in ("", ".py") and file.stem != "assets"}
    texts = {f"{file.stem.lower()}.html" for file in (ROOT / "docs").glob("*.md")}
    assert lessons | modules | texts | {"index.html", "install.html", "syllabus.html", "assigning.html"} <= set(pages)


def test_every_page_can_be_reached_from_the_front(pages):
    reached, new = set(), {"index.html"}
    while new:
        reached |= new
        new = {resolved(page, link)[0] for page in new for link in pages[page].links} & set(pages) - reached
    assert reached == set(pages)


def test_every_link_and_every_anchor_is_there(folder, pages):
    dead = []
    for page, seen in pages.items():
        for address in seen.links + seen.loaded:
            if address.startswith(("https://", "data:")):  # a lesson may name another place; none is loaded: below
                continue
            file, anchor = resolved(page, address)
            if not (folder / file).is_file() or (anchor and unquote(anchor) not in pages[file].ids):
                dead.append((page, address))
    assert not dead


def test_nothing_is_loaded_from_elsewhere_and_no_script_is_there(folder, pages):
    for page, seen in pages.items():
        assert not [each for each in seen.loaded if "//" in each], page
        assert not seen.elements["script"], page
    assert not re.search(r"url\(|@import", (folder / "style.css").read_text(encoding="utf-8"))


def test_every_picture_has_words(pages):
    assert all(alt.strip() for seen in pages.values() for alt in seen.alts)
    assert sum(len(seen.alts) for seen in pages.values()) >= len(every_lab())


def test_pages_are_well_formed_with_headings_in_order_and_no_anchor_twice(pages):
    for page, seen in pages.items():
        assert (seen.crossed, seen.open) == ([], []), page
        assert seen.levels[0] == 1, page
        assert seen.levels.count(1) == 1, page
        assert all(after <= before + 1 for before, after in zip(seen.levels, seen.levels[1:])), page
        assert len(seen.ids) == len(set(seen.ids)), page


def test_every_formula_of_the_lessons_is_one(folder, pages):
    for lesson in (ROOT / "notebooks").glob("*.ipynb"):
        text = "\n".join(cell.source for cell in Lesson(lesson).notebook.cells if cell.cell_type == "markdown")
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
        page = f"lessons/{lesson.stem}.html"
        assert pages[page].elements["math"] == len(re.findall(r"\$\$.+?\$\$|\$[^$]+?\$", prose, re.S)), page
        shown = re.sub(r"<(pre|code)\b.*?</\1>", "", (folder / page).read_text(encoding="utf-8"), flags=re.S)
        assert "$" not in shown, page


# ---------------------------------------------------------------- nothing private


def folded(text: str) -> str:
    """As it is compared: without white space, which changes nothing, and without Markdown's marks of code."""
    return strip.folded(text).replace("`", "")


def words_of(folder: Path) -> str:
    """All the words of all pages, as a reader would copy them, and of every other file but the pictures of labs."""
    texts = [html.unescape(re.sub(r"<[^>]+>", "", file.read_text(encoding="utf-8"))) for file in folder.rglob("*.html")]
    texts += [file.read_text(encoding="utf-8") for file in folder.rglob("*.*") if file.suffix in (".css", ".svg")]
    assert {file.suffix for file in folder.rglob("*.*")} <= {".html", ".css", ".svg", ".png"}
    return folded("\n".join(texts))


def those_in(text: str, lines: dict[str, str]) -> dict[str, str]:
    """The lines that stand in a text; one pass over it, however many they are."""
    begun: dict[str, list[str]] = {}
    for line in lines:
        begun.setdefault(line[:SHORT], []).append(line)
    found = set()
    for place in range(len(text)):
        for line in begun.get(text[place:place + SHORT], ()):
            if text.startswith(line, place):
                found.add(line)
    return {line: lines[line] for line in found}


def telling(file: Path) -> set[str]:
    """The lines of a private file, folded; of words, what stands between Markdown's marks, which a page drops."""
    kind = {".py": "code", ".toml": "code", ".md": "markdown"}
    cells = (strip.load(file)["cells"] if file.suffix == ".ipynb" else
             [{"source": file.read_text(encoding="utf-8"), "cell_type": kind[file.suffix]}])
    return {folded(line) for cell in cells
            for line in re.split(r"\n" if cell["cell_type"] == "code" else r"[\n*|$_`()\[\]]", cell["source"])
            if len(folded(line)) >= SHORT}


@cache
def private_lines() -> dict[str, str]:
    """Each telling line of a private file that no public file of the project holds too, and whose it is."""
    found = {line: file.relative_to(ROOT).as_posix() for file in PRIVATE for line in telling(file)}
    public = [file for part in ("nnlab", "course", "notebooks", "docs", "tools") for file in (ROOT / part).rglob("*.*")
              if file.suffix in (".py", ".md", ".toml", ".ipynb") and "private" not in file.parts]
    texts = [file.read_text(encoding="utf-8") for file in [*public, ROOT / "README.md"]]
    known = those_in(folded("\n".join(texts).replace("\\n", "\n").replace('\\"', '"')), found)
    return {line: file for line, file in found.items() if line not in known}


def test_no_line_of_a_private_file_is_in_it(folder):
    lines = private_lines()
    told = Counter(Path(file).name for file in lines.values())
    assert {"assignment.ipynb", "hidden.py", "mutants.py", "practice.py", "instructor.md"} <= set(told)
    assert min(told.values()) > 20
    assert not those_in(words_of(folder), lines)


def test_the_instructors_pages_come_only_when_asked_for_and_nothing_else_with_them(folder, tmp_path):
    assert not (folder / "instructors").exists()
    (tmp_path / "notebooks").mkdir()  # a project of one lesson, to be quick
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks")
    shutil.copytree(ROOT / "course" / "units", tmp_path / "course" / "units")
    shutil.copy(ROOT / "README.md", tmp_path)
    build(tmp_path / "out", stored, root=tmp_path, for_instructors=True)
    linked = Seen((tmp_path / "out" / "assignments.html").read_text(encoding="utf-8")).links
    assert {file.parents[1].name for file in PRIVATE if file.name == "instructor.md"} == {
        Path(link).stem for link in linked if link.startswith("instructors/")}
    shown = those_in(words_of(tmp_path / "out"), private_lines())
    pages = [file.read_text(encoding="utf-8") for file in PRIVATE if file.name == "instructor.md"]
    assert len(shown) > 100
    assert shown.items() <= those_in(folded("\n".join(pages)), private_lines()).items()


# ---------------------------------------------------------------- its parts


@pytest.mark.parametrize("lab", ["0c", "1b"])
def test_a_lab_is_drawn_in_both_themes_with_its_own_words_and_trained_if_it_trains(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    still = drawn({"text/plain": f"Lab {lab} (title): run this cell to bring it to life.", "image/png": ""}, {})
    shades = {theme: np.median(np.asarray(Image.open(io.BytesIO(file)).convert("L")))
              for theme, file in still.files.items()}
    assert shades["dark"] < 128 < shades["light"]
    assert Image.open(io.BytesIO(still.files["dark"])).size == tuple(2 * side for side in still.size)
    assert len(still.alt) > 40
    assert still.note == {"0c": "as the lab opens, before the prediction", "1b": "after 9 steps of training"}[lab]
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_no_labs_stays_as_it_is_stored():
    file = io.BytesIO()
    Image.new("RGB", (5, 3)).save(file, "PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "A map"}
    assert drawn(data, {}) == stored(data, {})
    assert stored(data, {"image/png": {"alt": "Words"}}).alt == "Words"
    assert stored(data, {}).size == (5, 3)


def test_a_formula_that_cannot_be_drawn_is_an_error():
    with pytest.raises(ValueError, match="nosuch"):
        mathml(r"a + \nosuch b")


def test_brackets_of_a_fixed_size_grow_and_names_of_functions_keep_their_distance():
    assert mathml(r"\big(a\big)") == mathml(r"\left(a\right)")
    assert 'lspace="0.1667em" rspace="0.1667em" movablelimits="false">ln' in mathml(r"p \ln q")
    assert 'lspace="0" rspace="0" movablelimits="false">ln' in mathml(r"\ln(q)")


def test_links_lead_to_pages_or_leave_their_words():
    writer = Writer(Atlas({"docs/a.md": "a.html", "nnlab/b.py": "library/b.html#file-b"}, {"nnlab.b": "x.html#b"}),
                    "lessons/here.html", "docs/here.md")
    assert 'href="../a.html#part"' in writer.page("[words](a.md#part)")
    assert 'href="../library/b.html#file-b"' in writer.page("[words](../nnlab/b.py)")
    assert writer.page("[words](../private/hidden.py)").strip() == "<p>words</p>"
    assert '<a href="../x.html#b"><code>nnlab.b</code></a>' in writer.page("see `nnlab.b`")
    writer.page("# Twice\n\n# Twice")
    assert [anchor for _, anchor, _ in writer.headings] == ["twice", "twice-1"]


def test_an_older_site_is_taken_away_and_nothing_else_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"mine\.txt"):
        _clear(tmp_path)
    (tmp_path / "index.html").write_text(f"<!doctype html>{MARK}")
    with pytest.raises(FileExistsError, match=r"mine\.txt"):
        _clear(tmp_path)
    (tmp_path / "mine.txt").rename(tmp_path / ".mine")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "old.html").write_text("old")
    _clear(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [".mine"]
    _clear(tmp_path / "not there")
