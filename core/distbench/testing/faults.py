"""What a check may say of a component."""

from __future__ import annotations


class Fault(Exception):  # noqa: N818 - a finding about somebody's component, not an error of ours
    """What a check found.

    Args:
        what: What is wrong, in one clause.
        remedy: What to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


class NotChecked(Exception):  # noqa: N818 - neither right nor wrong
    """Raised by a check that cannot say anything here.

    Args:
        reason: Why, in one clause.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
