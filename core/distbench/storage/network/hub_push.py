"""Writing to a repository of the Hugging Face Hub: a commit, or a pull request."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distbench.errors import RefusedError, UsageError
from distbench.storage.network.downloads import refuse_offline
from distbench.storage.network.hub_failures import LOG_IN, hub_failure, page_of
from distbench.storage.network.hub_names import hub_name

Files = Mapping[str, Path | bytes]
"""What goes into a repository: by name, a file or its content."""


@dataclass(frozen=True)
class Pushed:
    """What a push left on the Hub.

    Attributes:
        page: The address of the repository.
        commit: The newest commit, which holds the files.
        onto: The commit that was there before, of a repository that held files; else None.
    """

    page: str
    commit: str
    onto: str | None

    @property
    def told(self) -> str:
        """What happened, for a person."""
        if self.onto is None:
            return f"{self.page}: commit {self.commit}"
        if self.onto == self.commit:
            return f"{self.page}: nothing new, commit {self.commit} has it all"
        return (
            f"{self.page}: commit {self.commit} on top of {self.onto}; other files of the "
            "repository stay"
        )


@dataclass(frozen=True)
class HubTarget:
    """A repository that is to be written to.

    Args:
        repository: ``org/name``.
        kind: ``model`` or ``dataset``.
        private: Whether it is private; None as its owner's setting says, or as it is.
    """

    repository: str
    kind: str = "model"
    private: bool | None = None

    @classmethod
    def named(
        cls, text: str, where: str, *, kind: str = "model", private: bool = False
    ) -> HubTarget:
        """The repository that was typed.

        Raises:
            UsageError: It is no ``ORG/NAME``.
        """
        name = hub_name(text, where)
        if name.revision is not None:
            raise UsageError(f"{where}: write ORG/NAME without @{name.revision}; main is written")
        return cls(name.repository, kind, private or None)

    @property
    def page(self) -> str:
        """Its address."""
        return page_of(self.repository, self.kind)

    def check(self, *, own: bool = True) -> None:
        """Refuses beforehand what the Hub would refuse in the end.

        Args:
            own: Whether it is written to as one's own; anybody may propose changes.

        Raises:
            RefusedError: There is no token, it may not write there, nothing may be contacted, or
                a repository that is to be private is public.
        """
        refuse_offline(self.page)
        person = self._account()
        role = person.get("auth", {}).get("accessToken", {}).get("role")
        if role == "read":
            raise self._refusal(
                "the token may only read; make one that may write at "
                "https://huggingface.co/settings/tokens"
            )
        known = {str(person.get("name")), *(str(org["name"]) for org in person.get("orgs", ()))}
        owner = self.repository.partition("/")[0]
        if own and owner not in known:
            raise self._refusal(
                f"{owner} is neither you nor an organisation of yours; write one of "
                f"{', '.join(sorted(known))} before the /"
            )
        head = self._head()
        if head is not None and self.private and head.private is False:
            raise self._refusal(
                "it is there and public, and --private was asked for; make it private in its "
                "settings, or name another"
            )
        if head is None and not own:
            raise self._refusal("it is not there, or private; name a dataset repository")

    def push(self, files: Files, message: str) -> Pushed:
        """Makes the repository where it is not there, and commits files to it, all or none.

        Raises:
            RefusedError: The Hub does not take them; says why.
        """
        from huggingface_hub import HfApi

        before = self._head()
        with self._telling():
            if before is None:
                HfApi().create_repo(
                    self.repository, repo_type=self.kind, private=self.private, exist_ok=True
                )
        onto = before.sha if before is not None else None
        commit = self._commit(files, message, parent_commit=onto)
        return Pushed(self.page, commit.oid, onto)

    def propose(self, files: Files, message: str, description: str) -> str:
        """Opens a pull request that adds files.

        Returns:
            Its address.

        Raises:
            RefusedError: The Hub does not take it; says why.
        """
        commit = self._commit(files, message, commit_description=description, create_pr=True)
        return str(commit.pr_url)

    def digest_at(self, path: str, revision: str = "main") -> str | None:
        """SHA-256 of a large file, or git's digest of a small one; None where there is none."""
        from huggingface_hub import HfApi

        with self._telling():
            infos = HfApi().get_paths_info(
                self.repository, path, repo_type=self.kind, revision=revision
            )
        for info in infos:
            lfs = getattr(info, "lfs", None)
            return str(lfs.sha256 if lfs else getattr(info, "blob_id", ""))
        return None

    def open_requests(self, title: str) -> list[tuple[int, str]]:
        """Numbers and addresses of the open pull requests of a title."""
        from huggingface_hub import HfApi

        with self._telling():
            found = HfApi().get_repo_discussions(
                self.repository,
                repo_type=self.kind,
                discussion_type="pull_request",
                discussion_status="open",
            )
            return [
                (one.num, f"{self.page}/discussions/{one.num}")
                for one in found
                if one.title == title
            ]

    def _account(self) -> dict[str, Any]:
        """Whose token it is."""
        from huggingface_hub import HfApi, get_token

        if get_token() is None:
            raise self._refusal(f"there is no token; {LOG_IN} to one that may write")
        with self._telling():
            return dict(HfApi().whoami())

    def _head(self) -> Any:
        """What the Hub says of the repository; None where it is not there."""
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

        with self._telling():
            try:
                return HfApi().repo_info(self.repository, repo_type=self.kind)
            except GatedRepoError:
                raise
            except RepositoryNotFoundError:
                return None

    def _commit(self, files: Files, message: str, **more: Any) -> Any:
        from huggingface_hub import CommitOperationAdd, HfApi

        added = [
            CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
            for name, content in sorted(files.items())
        ]
        with self._telling(), _bars_on_a_terminal():
            return HfApi().create_commit(
                self.repository, added, commit_message=message, repo_type=self.kind, **more
            )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Says what the Hub refused, without a token in it."""
        try:
            yield
        except Exception as error:  # HTTP and network errors of several libraries
            why = hub_failure(error, self.page, writing=True)
            raise RefusedError(f"cannot write to the Hub: {why}") from None

    def _refusal(self, why: str) -> RefusedError:
        return RefusedError(f"cannot write to the Hub: {self.page}: {why}")


@contextmanager
def _bars_on_a_terminal() -> Iterator[None]:
    """Has the Hub's library draw its progress on a terminal alone."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if sys.stderr.isatty() or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
