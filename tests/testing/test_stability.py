"""What plugin authors rely on stays: names, signatures, hooks and contracts (docs/stability.md).

``python tests/testing/test_stability.py`` writes the snapshot anew.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import pytest

import distbench
from distbench import testing
from distbench.interfaces.component import Component
from distbench.interfaces.kinds import KINDS
from distbench.interfaces.method import Method
from distbench.plugins import discovery, hookspecs
from distbench.plugins.discovery import Origin, offers_of

SNAPSHOT = Path(__file__).with_name("stability.json")
WHAT_TO_DO = (
    "Plugins rely on it. Put it back; or, where it has been deprecated for a minor release as "
    "docs/stability.md says, note it in CHANGELOG.md and write the snapshot anew: "
    "python tests/testing/test_stability.py"
)


def signature(function: Any) -> list[list[Any]] | None:
    """Name, kind and whether there is a default, of every parameter; None where it has none."""
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:  # an exception class that is made as Python's own are
        return None
    return [[p.name, p.kind.name, p.default is not p.empty] for p in found]


def public(cls: type) -> Iterator[tuple[str, Any]]:
    """What a contract consists of: everything public that the class itself defines."""
    for name, value in vars(cls).items():
        if not name.startswith(("_", "model_")):
            yield name, value


def contract(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {"methods": {}, "attributes": [], "abstract": []}
    for name, value in public(cls):
        if callable(value) or isinstance(value, classmethod):
            found["methods"][name] = signature(getattr(cls, name))
        else:
            found["attributes"].append(name)
    found["attributes"].sort()
    found["abstract"] = sorted(
        set(getattr(cls, "__abstractmethods__", ())) & set(dict(public(cls)))
    )
    return found


def described(module: ModuleType, names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(module, name)
        found[name] = signature(value) if callable(value) and name not in UNSIGNED else None
    return found


UNSIGNED = {"hookimpl", "Forward", "Need", "Role"}


def now() -> dict[str, Any]:
    """What there is."""
    hooks = [name for name in vars(hookspecs) if name.startswith("distbench_")]
    return {
        "names": described(distbench, distbench.__all__),
        "testing": described(testing, testing.__all__),
        "hooks": {name: signature(getattr(hookspecs, name)) for name in hooks},
        "contracts": {
            cls.__name__: contract(cls)
            for cls in (Component, Method, distbench.Source, *KINDS.values())
        },
        "entry points": sorted(
            f"{e.group}:{e.name}"
            for e in __import__("importlib.metadata")
            .metadata.distribution("distbench")
            .entry_points
            if e.group in ("distbench", "pytest11", "console_scripts")
        ),
        "exit codes": {
            name: getattr(distbench, name).exit_code
            for name in ("DistbenchError", "UsageError", "PluginError", "RefusedError")
        },
    }


def callable_as_before(before: list[list[Any]], after: list[list[Any]]) -> bool:
    """Whether every call that was right is right still: what is new is optional and comes last."""
    if after[: len(before)] == before:
        return all(default or kind.startswith("VAR_") for _, kind, default in after[len(before) :])
    positional = [p for p in after if p[1] != "KEYWORD_ONLY"]
    named = {p[0]: p for p in after if p[1] == "KEYWORD_ONLY"}
    old = [p for p in before if p[1] != "KEYWORD_ONLY"]
    return (
        positional[: len(old)] == old
        and all(named.get(p[0]) in (p, [p[0], p[1], True]) for p in before if p not in old)
        and all(p[2] for p in after if p not in before)
    )


def broken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What somebody could rely on and is gone or changed."""
    found = []
    for group in ("names", "testing"):
        for name, was in before[group].items():
            if name not in after[group]:
                found.append(f"{group}: {name} is gone")
            elif was is not None and not callable_as_before(was, after[group][name] or []):
                found.append(f"{group}: {name} takes {after[group][name]} instead of {was}")
    for name, was in before["hooks"].items():
        if name not in after["hooks"]:
            found.append(f"hook {name} is gone")
        elif [p for p in was if p not in after["hooks"][name]]:
            found.append(f"hook {name} takes {after['hooks'][name]} instead of {was}")
    for name, was in before["contracts"].items():
        is_ = after["contracts"].get(name, {"methods": {}, "attributes": [], "abstract": []})
        for method, parameters in was["methods"].items():
            # Authors override methods: an argument more, even an optional one, breaks theirs.
            if is_["methods"].get(method) != parameters:
                now_ = is_["methods"].get(method, "nothing")
                found.append(f"{name}.{method} takes {now_} instead of {parameters}")
        found += [
            f"{name}.{one} is gone" for one in was["attributes"] if one not in is_["attributes"]
        ]
        found += [
            f"{name}.{one} must now be written by authors"
            for one in is_["abstract"]
            if one not in was["abstract"]
        ]
    found += [
        f"entry point {e} is gone" for e in before["entry points"] if e not in after["entry points"]
    ]
    found += [
        f"exit code of {name} is {after['exit codes'].get(name)} instead of {code}"
        for name, code in before["exit codes"].items()
        if after["exit codes"].get(name) != code
    ]
    return found


def test_nothing_that_plugins_rely_on_is_gone() -> None:
    lost = broken(json.loads(SNAPSHOT.read_text()), now())
    assert not lost, "\n".join([*lost, WHAT_TO_DO])


def test_what_is_added_is_in_the_snapshot() -> None:
    before, after = json.loads(SNAPSHOT.read_text()), now()
    new = [f"{g}: {n}" for g in after for n in set(after[g]) - set(before[g])]
    assert not new, f"new and allowed; write the snapshot anew, so that it stays: {sorted(new)}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["names"].pop("Metric"), "names: Metric is gone"),
        (lambda s: s["names"]["score"].pop(0), "names: score takes"),
        (lambda s: s["names"]["score"].append(["more", "KEYWORD_ONLY", False]), "score takes"),
        (lambda s: s["hooks"].pop("distbench_zoos"), "hook distbench_zoos is gone"),
        (lambda s: s["contracts"]["Metric"]["methods"]["score"].append(["x", "KEYWORD_ONLY", True]),
         "Metric.score takes"),
        (lambda s: s["contracts"]["Metric"]["attributes"].remove("needs"), "Metric.needs is gone"),
        (lambda s: s["contracts"]["Reporter"]["abstract"].append("started"),
         "Reporter.started must now be written by authors"),
        (lambda s: s["entry points"].remove("pytest11:distbench"), "pytest11:distbench is gone"),
        (lambda s: s["exit codes"].update(UsageError=1), "exit code of UsageError is 1"),
    ],
)  # fmt: skip
def test_a_breaking_change_is_seen(change: Any, message: str) -> None:
    before, after = now(), now()
    change(after)
    (found,) = broken(before, after)
    assert message in found


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["names"].update(Brand=[["new", "KEYWORD_ONLY", False]]),
        lambda s: s["names"]["score"].append(["more", "KEYWORD_ONLY", True]),
        lambda s: s["hooks"]["distbench_zoos"].append(["host", "POSITIONAL_OR_KEYWORD", False]),
        lambda s: s["contracts"]["Metric"]["methods"].update(explain=[]),
        lambda s: s["contracts"]["Metric"]["attributes"].append("range"),
    ],
)
def test_what_is_added_breaks_nothing(change: Any) -> None:
    before, after = now(), now()
    change(after)
    assert broken(before, after) == []


def plugin(code: str) -> ModuleType:
    module = ModuleType("some_plugin")
    exec(code, module.__dict__)
    return module


OLD = "from distbench import hookimpl\n@hookimpl\ndef distbench_metrics(): return {'a': 'm:A'}"
NEW = OLD.replace("metrics():", "metrics(host):").replace("'a'", "host")


def test_a_hook_can_be_given_an_argument_more(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = ModuleType("later_hookspecs")
    vars(specs).update(vars(hookspecs))

    @hookspecs.hookspec
    def distbench_metrics(host: str) -> None:
        """A hook that has been given an argument."""

    specs.distbench_metrics = distbench_metrics  # type: ignore[attr-defined]
    monkeypatch.setattr(discovery, "hookspecs", specs)
    monkeypatch.setattr(discovery, "HOOK_ARGUMENTS", {"host": "b"})
    for code, wanted in ((OLD, "a"), (NEW, "b")):
        (offer,) = offers_of(plugin(code), Origin("some", "dist", "1"), {})
        assert offer.name == wanted


def test_an_argument_that_no_hook_has_is_an_error() -> None:
    with pytest.raises(pluggy.PluginValidationError, match="host"):
        list(offers_of(plugin(NEW), Origin("some", "dist", "1"), {}))


def test_the_page_names_what_is_held() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "stability.md").read_text()
    for word in ("distbench.__all__", "distbench.testing", "hook", "--distbench", "row schema",
                 "exit codes", "DeprecationWarning", "stability.json"):  # fmt: skip
        assert word.lower() in page.lower(), word


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(now(), indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"{SNAPSHOT} is written\n")
