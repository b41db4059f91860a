"""One JupyterLab and one Chromium for all browser tests; a page, a notebook and a kernel for each."""

import pytest

from tests.browser.jupyter import FLAGS, JupyterLab
from tests.needs import needs


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory):
    server = JupyterLab(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")  # not the session: Playwright's event loop runs in this thread as long as it lives
def chromium():
    program = needs("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture
def complaints():
    """What the page wrote to its console as an error. Each test ends by finding nothing here."""
    return []


@pytest.fixture
def page(context, complaints):
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert not complaints


@pytest.fixture(params=["perCommTarget", "disabled"])
def subshells(request, jupyterlab):
    """Both ways in which JupyterLab sends what controls say: beside the cells, or in one queue with them."""
    jupyterlab.subshells(request.param)
    yield request.param
    jupyterlab.subshells(None)


@pytest.fixture
def open_notebook(request, jupyterlab, page):
    """open_notebook(cell, cell, ...) -> the notebook, open in the page."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    yield lambda *cells: jupyterlab.open(page, name, *cells)
    jupyterlab.shut_kernels_down()
