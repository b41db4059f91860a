"""The site in Chromium, from the disk: no request leaves its folder, formulas and pictures are drawn, and no page is
wider than a phone."""

import pytest

from tools.website.build import build
from tools.website.stills import stored

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "out"
    build(folder, stored)
    return folder


@pytest.mark.parametrize(("width", "theme", "which"), [(360, "dark", "**/*.html"), (1300, "light", "*.html")],
                         ids=["every page on a phone", "those with wide tables on a desk"])  # fmt: skip
def test_what_is_drawn_fits_and_comes_from_the_folder(site, chromium, width, theme, which):
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=theme, offline=True)
    page, asked, wrong, formulas = context.new_page(), [], [], 0
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for file in sorted(site.glob(which)):
        page.goto(file.as_uri())
        seen = page.evaluate("""async () => {
            const pictures = [...document.images];
            const formulas = [...document.querySelectorAll("main math")].filter(each => each.checkVisibility());
            const inline = formulas.filter(each => !each.closest(".formula, .scroll"));
            pictures.forEach(each => each.loading = "eager");
            await Promise.all(pictures.map(each => each.decode().catch(() => 0)));
            const paper = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
            return {
                width: document.documentElement.scrollWidth,
                broken: pictures.filter(each => !each.naturalWidth).map(each => each.src),
                formulas: formulas.length,
                flat: formulas.filter(each => each.getBoundingClientRect().height < 5).length,
                cut: inline.filter(each => each.getBoundingClientRect().right > innerWidth).length,
                dark: paper[0] < 128,
            };
        }""")
        assert seen["width"] <= width, file
        assert (seen["broken"], seen["flat"], seen["cut"]) == ([], 0, 0), file
        assert seen["dark"] == (theme == "dark")
        formulas += seen["formulas"]
    assert formulas > 300 or which == "*.html"
    assert not [url for url in asked if not url.startswith((site.as_uri() + "/", "data:"))]
    assert not wrong
    context.close()


def test_the_skip_link_comes_first_and_leads_past_the_menu(site, page):
    page.goto((site / "lessons" / "03_backprop.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") == 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")
