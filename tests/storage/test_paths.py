from __future__ import annotations

from pathlib import Path

import pytest

from distbench.errors import UsageError
from distbench.storage.home import home
from distbench.storage.paths import at_home, without_links


def test_the_home_folder_is_written_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert at_home("~/x") == tmp_path / "x"
    assert at_home("~nobody_of_that_name/x") == Path("~nobody_of_that_name/x")


def test_links_in_a_circle_do_no_harm() -> None:
    Path("loop").symlink_to("loop")
    assert without_links("loop") == Path.cwd() / "loop"


def test_a_home_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTBENCH_HOME", "~nobody_of_that_name/x")
    with pytest.raises(UsageError, match="names a user whom this machine does not know"):
        home()
