"""Take the README's pictures from the running thing: `python tools/take_pictures.py`, with Chromium and the test group.

Opens lesson 1 in a real JupyterLab through `nnlab lab`, as a student does, locks the prediction of lab 1a, moves its
sliders with the keyboard and photographs the lab, in JupyterLab's light and dark themes, into docs/.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from playwright.sync_api import sync_playwright

DOCS = pathlib.Path(__file__).parents[1] / "docs"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
MOVES = ((0, "ArrowRight", 2), (1, "ArrowRight", 18), (2, "ArrowLeft", 5))  # slider, key, how often


def photograph(theme: str, home: pathlib.Path) -> None:
    settings = home / ".jupyter" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme.title()}"}))
    nnlab = [sys.executable, "-c", "from course.cli import main; main()"]
    server = subprocess.Popen([*nnlab, "lab", str(home / "lessons"), "--no-browser"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(home)})
    try:
        address = next(found.group() for line in server.stdout if (found := re.search(r"http://\S+token=\S+", line)))
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1500, "height": 2000})
            page.goto(address)
            page.get_by_text("| Idle").wait_for(timeout=60_000)  # before its kernel is there, Run would ask for one
            page.locator(".jp-Cell").first.click()
            for _ in range(9):  # down to lab 1a
                page.keyboard.press("Shift+Enter")
            lab = page.locator(".nnlab-lab", has_text="Lab 1a")
            lab.locator("canvas[data-seq]").wait_for(timeout=60_000)
            lab.locator("input[type=radio]").nth(2).check()
            lab.get_by_text("Lock in my prediction").click()
            for slider, key, times in MOVES:
                lab.locator(".noUi-handle").nth(slider).focus()
                for _ in range(times):
                    page.keyboard.press(key)
            page.wait_for_timeout(2500)  # the exact picture comes when the hand rests
            lab.screenshot(path=DOCS / f"lab-1a-{theme}.png")
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


if __name__ == "__main__":
    for theme in ("light", "dark"):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            photograph(theme, pathlib.Path(home))
            print(f"docs/lab-1a-{theme}.png")
