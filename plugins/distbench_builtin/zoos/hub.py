"""A zoo in a repository of the Hugging Face Hub."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pydantic import field_validator

from distbench import Download, Source, Zoo, hub_name, primary
from distbench_builtin.shared.downloads.hub_zoo import HubZooFiles
from distbench_builtin.shared.sources.verify import absent_weights


class HubZoo(Zoo):
    """A zoo that `distbench zoo push` put on the Hub: `zoo.toml` and the files that it lists.

    `distbench fetch` brings it into the Hub's cache at one commit, which is part of what its
    sources are known by. Without a revision that is the newest commit when it is fetched first.
    """

    examples = ("hub:ORG/NAME",)

    repository: str = primary(description="ORG/NAME, perhaps with @ and a branch, tag or commit")

    @field_validator("repository")
    @classmethod
    def _is_one(cls, value: str) -> str:
        hub_name(value, "zoo hub")
        return value

    def downloads(self) -> Sequence[Download]:  # noqa: D102
        return [HubZooFiles(self.repository)]

    def sources(self) -> Sequence[Source]:  # noqa: D102
        from distbench_builtin.shared.sources.manifest_sources import manifest_sources

        files = HubZooFiles(self.repository)
        if not files.present():
            raise absent_weights([self.repository], f"--zoo {shlex.quote(self.label)} --only zoo")
        return manifest_sources(files.folder(), origin=files.origin())
