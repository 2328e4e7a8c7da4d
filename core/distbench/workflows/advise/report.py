"""Advice as a page for each task: one file with pictures, which asks the network for nothing."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from distbench.engine.workspace import Workspace
from distbench.leaderboard.page.html import one_file, web_file
from distbench.storage.atomic import write_atomic
from distbench.storage.home import home
from distbench.workflows.advise.advise import Advice
from distbench.workflows.advise.page_data import page_data

FOLDER = "advice"
"""Of a run's folder: a page for each task."""

_MODULES = ("data", "tracks", "answers", "sources", "labels", "classes", "calibration", "main")
"""The scripts, those that run something at once after what they need."""


def write_pages(advice: Advice) -> dict[str, Path]:
    """Writes ``advice/TASK.html`` into the run's folder for each task; gives the files by task.

    Raises:
        OSError: No space, no permission.
    """
    work = Workspace(advice.run.plan, home())
    shell, style = _web("advice.html"), web_file("page.css") + _web("advice.css")
    modules = [web_file("elements.js"), *(_web(f"{name}.js") for name in _MODULES)]
    pages = {}
    for one in advice.tasks:
        pages[one.task] = advice.run.folder / FOLDER / f"{one.task}.html"
        data = page_data(advice.run, work, one)
        write_atomic(pages[one.task], one_file(shell, style, modules, data))
    return pages


def _web(name: str) -> str:
    return (files("distbench.workflows.advise") / "web" / name).read_text(encoding="utf-8")
