"""Draw the top of a task's advice page: ``python docs/figures/advice_page.py [CHROMIUM]``.

Trains students on a drawn task, then takes a picture, with a Chromium that playwright finds or with
the one whose path is given.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from distbench.cli import app

TASK, WIDTH, HEIGHT = "mini-dev-objects", 1280, 1330
OPTIONS = ("--suite", "mini", "--task", TASK, "--name", "dev")


def main(chromium: str | None) -> None:
    """Writes advice-page.png beside this file."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        done = CliRunner().invoke(app, ["advise", *OPTIONS], catch_exceptions=False)
        if done.exit_code:
            raise SystemExit(done.output)
        (page_file,) = Path(folder).rglob(f"advice/{TASK}.html")
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(page_file.as_uri())
            page.screenshot(path=Path(__file__).with_name("advice-page.png"))
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
