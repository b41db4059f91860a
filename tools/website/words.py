"""Markdown and code to HTML: nbconvert's own renderer, with formulas as MathML and links that hold inside the site.

A link to a file of the project becomes one to its page; where the site has no such page (a script, what is private)
the words stay and the link goes. A name or a file of the library in code, such as `nnlab.fit`, leads to its entry.
"""

import html
import posixpath
import re
from dataclasses import dataclass, field

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tools.website.formulas import mathml


@dataclass
class Atlas:
    """Where things are in the site: the page of each file of the project, and the entry of each name in code."""

    pages: dict[str, str] = field(default_factory=dict)  # "course/syllabus.md" -> "syllabus.html"
    names: dict[str, str] = field(default_factory=dict)  # "nnlab.fit" -> "library/train.html#fit"
    copied: set[str] = field(default_factory=set)  # pictures that pages show, to be copied under their own path


def code(source: str, language: str = "python") -> str:
    """Source as a coloured block."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    return f'<pre class="code"><code>{highlight(source, lexer, HtmlFormatter(nowrap=True)).rstrip()}</code></pre>\n'


def slug(text: str) -> str:
    """A heading's anchor, as GitHub makes it, which the links in our Markdown count on."""
    return re.sub(r"[^\w\- ]", "", html.unescape(re.sub("<[^>]+>", "", text)).strip().lower()).replace(" ", "-")


class Writer(IPythonRenderer):
    """Renders the Markdown of one page of the site; `headings` collects (level, anchor, html) as they come."""

    def __init__(self, atlas: Atlas, url: str, source: str):
        super().__init__(escape=False)
        self.atlas, self.url, self.source = atlas, url, source
        self.headings: list[tuple[int, str, str]] = []

    def page(self, text: str) -> str:
        made = MarkdownWithMath(renderer=self).render(text)
        return re.sub(r"(\(?<math(?:(?!</math>).)*</math>[,.;:!?)]+)", r'<span class="keep">\1</span>', made)

    def to(self, target: str) -> str:
        """The address of another place in the site, seen from this page."""
        return posixpath.relpath(target, posixpath.dirname(self.url) or ".")

    # -- what nbconvert asks for ------------------------------------------------------------------------------------

    def heading(self, text, level, **attrs):
        anchor, taken = slug(text), [anchor for _, anchor, _ in self.headings]
        if anchor in taken:
            anchor = next(f"{anchor}-{n}" for n in range(1, 99) if f"{anchor}-{n}" not in taken)
        self.headings.append((level, anchor, re.sub("</?a[^>]*>", "", text)))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def block_math(self, body):
        return f'<span class="formula">{mathml(body, block=True)}</span>'

    def inline_math(self, body):
        return mathml(body)

    def block_code(self, code_text, info=None):
        return code(code_text, info or "text")

    def codespan(self, text):
        known, written = self.atlas.names.get(text.strip().rstrip("/")), html.escape(text)
        if len(text) > 20:  # a path or a long name may go on in the next line
            written = re.sub(r"([/.:_])(?=[a-z])", r"\1<wbr>", written)
        shown = f"<code>{written}</code>"
        return f'<a href="{self.to(known)}">{shown}</a>' if known else shown

    def table(self, text):
        return f'<div class="scroll"><table>\n{text}</table></div>\n'

    def block_html(self, html):
        return html.replace("<table", '<div class="scroll"><table').replace("</table>", "</table></div>")

    def link(self, text, url, title=None):
        text = re.sub("</?a[^>]*>", "", text)
        if re.match(r"[a-z]+:", url):
            return f'<a href="{html.escape(url)}">{text}</a>'
        path, _, anchor = url.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(self.source), path)) if path else self.source
        page = self.atlas.pages.get(file)
        if page is None:
            return text
        place = "" if page == self.url else self.to(page)
        anchor = "" if "#" in page else anchor
        return f'<a href="{html.escape(place + (f"#{anchor}" if anchor or not place else ""))}">{text}</a>'

    def image(self, text, url, title=None):
        """A picture of the project, with its dark twin if it has one (`x-light.png`, `x-dark.png`)."""
        file = posixpath.normpath(posixpath.join(posixpath.dirname(self.source), url))
        self.atlas.copied.add(file)
        shown = f'<img src="{self.to(file)}" alt="{html.escape(text)}">'
        if "-light." not in file:
            return shown
        dark = file.replace("-light.", "-dark.")
        self.atlas.copied.add(dark)
        media = "(prefers-color-scheme: dark)"
        return f'<picture><source media="{media}" srcset="{self.to(dark)}">{shown}</picture>'
