"""What the Hugging Face Hub, or the way to it, refused: in one line, and what to do."""

from __future__ import annotations

from distbench.storage.network.http_transfer import failure
from distbench.storage.safe_text import harmless_text

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def page_of(repository: str, kind: str) -> str:
    """The address of a repository.

    Args:
        repository: ``org/name``.
        kind: ``model`` or ``dataset``.
    """
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{repository}"


def hub_failure(error: Exception, page: str, *, writing: bool = False) -> str:
    """Why something of the Hub could not be read or written, as a clause that names the page.

    Tokens are in no such clause, also where a server repeats them.

    Args:
        error: What its library raised.
        page: The address of the repository.
        writing: Whether it was to be written to.
    """
    from huggingface_hub import errors

    cause = error.__cause__ if isinstance(error, RuntimeError) else None  # of one file of several
    if isinstance(cause, Exception):
        error = cause
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        why = f"{page} is gated: accept its terms there, then {LOG_IN} to a token that may read it"
    elif isinstance(error, errors.RevisionNotFoundError):
        why = f"{page} has no such revision; name a branch, a tag or a full commit of it"
    elif isinstance(error, errors.RepositoryNotFoundError):
        why = f"{page} is not there, or private; a token (HF_TOKEN) may be needed"
    elif status == 401:
        why = f"{page}: the Hub does not know the token; {LOG_IN} to one that is valid"
    elif status == 403:
        why = f"{page}: the token does not allow it; {_may(writing)}"
    elif status == 429:
        why = f"{page}: too many requests (429), the Hub limits their rate; wait{_seconds(error)}"
        why += ", then give the same command again"
    elif status == 412:
        why = f"{page} was changed meanwhile; give the same command again"
    elif isinstance(status, int) and status >= 500:
        why = f"{page}: the Hub is in trouble ({status}); give the same command again later"
    else:
        why = f"{page}: {failure(error)}"
        if type(error).__module__.startswith("httpx"):  # of the network
            why += "; the same command goes on where it was"
    return harmless_text(without_token(why))


def without_token(text: str) -> str:
    """A text in which no token of this machine stands, whatever its form."""
    from huggingface_hub import get_token

    token = get_token()
    return text.replace(token, "***") if token else text


def _may(writing: bool) -> str:
    what = "write to it" if writing else "read it"
    return (
        f"take one that may {what} (https://huggingface.co/settings/tokens), "
        "or a repository of your own"
    )


def _seconds(error: Exception) -> str:
    """How long to wait, where the server says so."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    seconds = str(headers.get("Retry-After", ""))
    return f" {seconds} s" if seconds.isdigit() else " a few minutes"
