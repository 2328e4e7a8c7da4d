"""The page of a task: all of it in one file, hostile names as text, and drawn by a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import distbench
from distbench.engine.records.run_folder import open_run
from distbench.workflows.advise.advise import advise
from distbench.workflows.advise.report import write_pages

TOYS = Path(__file__).parents[2] / "toys.py"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)", 'it\'s "fine" & {{data}}')


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of a folder of images whose classes and files have names that attack a page."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("page")
        patch.setenv("DISTBENCH_HOME", str(root / "home"))
        patch.setenv("DISTBENCH_PLUGINS", "")
        patch.chdir(root)
        lines = ["image,label,split"]
        rng = np.random.default_rng(0)
        (root / "photos").mkdir()
        for part, count in (("train", 12), ("test", 6)):
            for number in range(count * 3):
                pixels = rng.integers(0, 200, (16, 16, 3), dtype=np.uint8)
                name = f"{part}-{number}<b onclick=alert(3)>.png"
                Image.fromarray(pixels).save(root / "photos" / name)
                label = HOSTILE[number % 3].replace('"', '""')
                lines.append(f'"photos/{name}","{label}",{part}')
        (root / "labels.csv").write_text("\n".join(lines))
        made = distbench.run(
            plugin=(TOYS,),
            task=("folder:table=labels.csv",),
            zoo="toy_zoo",
            student="toy_student",
            image_size=16,
            steps=2,
            batch=8,
            validation=0.3,
            executor="serial",
            distiller=("pseudo_labels",),
            baseline=("finetune",),
            name="hostile",
            save_student=False,
        )
        assert made.exit_code == 0
        (path,) = write_pages(advise(open_run(made.folder))).values()
        yield path.resolve()


def test_nothing_in_it_is_markup_but_the_page_itself(page_file: Path) -> None:
    text = page_file.read_text()
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.S)
    assert held is not None and not set("<>&") & set(held[1])
    data = json.loads(held[1])
    assert {one["name"] for one in data["classes"]} == set(HOSTILE)
    assert all(one["examples"] for one in data["classes"])
    shell = text.replace(held[0], "")
    assert "alert(" not in shell and " style=" not in shell
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(|\bfetch\(", shell)
    assert "http" not in shell.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "{{" not in shell


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_draws_it_and_runs_nothing_else(page_file: Path, width: int) -> None:
    if CHROMIUM is None:
        pytest.skip("needs the browser Chromium")
    pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    asked: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page: Any = browser.new_context(viewport={"width": width, "height": 844}).new_page()
        page.on("console", lambda m: troubles.append(f"console {m.type}: {m.text}"))
        page.on("pageerror", lambda e: troubles.append(f"error: {e}"))
        page.on("dialog", lambda d: (troubles.append(f"dialog: {d.message}"), d.dismiss()))
        page.on("request", lambda r: asked.append(r.url))
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        advised = json.loads(page.locator("#data").text_content())["advised"]
        assert page.locator("h1 .name").inner_text() == advised
        assert page.locator(".methods > li:not(.axis)").count() == 2
        assert page.locator(".sources > li:not(.axis)").count() == 3
        assert page.locator(".classes > li").count() == 3
        names = page.locator(".classes h3").all_inner_texts()
        assert set(names) == set(HOSTILE)
        matrix = page.locator(".confusion tbody td").all_inner_texts()
        assert sum(int(count or 0) for count in matrix) == 18
        wrong = page.locator(".wrong > li").count()
        right = page.locator(".confusion td.own").all_inner_texts()
        assert wrong == 18 - sum(int(count or 0) for count in right)
        broken = "[...document.images].filter((one) => !one.naturalWidth).length"
        assert page.evaluate("Promise.all([...document.images].map((i) => i.decode()))") is not None
        assert page.evaluate(broken) == 0
        assert page.locator(".reliability .right-bar").count() >= 1
        assert page.locator(".curve-picture .point").count() == 3
        browser.close()
    assert troubles == []
    assert {url for url in asked if not url.startswith("data:")} == {page_file.as_uri()}
