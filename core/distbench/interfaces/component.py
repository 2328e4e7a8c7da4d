"""The base of every component: a frozen pydantic model whose fields are its parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from distbench.storage.network.downloads import Download

Role = Literal["ranked", "control", "ceiling"]
"""What a method is in a table: only ranked ones have a rank."""


class Component(BaseModel):
    """Base of all kinds.

    A subclass declares its parameters as fields, says in the first line of its docstring what it
    is and cites its source below. The module that holds it imports no torch at its top, since
    planning must stay light.

    Attributes:
        version: Raised whenever the numbers that the component produces change.
        role: Whether methods made with it are ranked, a control or a ceiling.
        examples: Specifications that `distbench check` makes it with, e.g. ``("top:k=3",)``; its
            name alone where there are none.
        declines: Checks of `distbench.testing` that do not apply to it, each with the reason.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=True,
        populate_by_name=True,
        serialize_by_alias=True,
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuses parameters that distbench would not find, or could not write down.

        Raises:
            TypeError: A field is called like an attribute of its kind, or like a property of a base
                class, which would be read in its place; or it is an enumeration.
        """
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, Enum):
                shown = ", ".join(repr(member.value) for member in kind)
                raise TypeError(
                    f"parameter {name!r} of {cls.__name__} is an Enum, which is not typed on a "
                    f"command line; write Literal[{shown}]"
                )
            if base := next((base for base in cls.__mro__[1:] if _claims(base, name)), None):
                raise TypeError(
                    f"parameter {name!r} of {cls.__name__} hides {base.__name__}.{name}; "
                    "give the field another name, with "
                    f"Field(alias={name!r}) if it is to be typed so, or, if that is what you mean "
                    "to set, write it without a type or as a ClassVar"
                )

    version: ClassVar[int] = 1
    role: ClassVar[Role] = "ranked"
    examples: ClassVar[tuple[str, ...]] = ()
    declines: ClassVar[Mapping[str, str]] = {}

    _name: str = PrivateAttr("")

    @classmethod
    def parameters(cls) -> dict[str, FieldInfo]:
        """The fields by the names that a person types, in the order of their declaration.

        That is their alias if they have one, as a parameter must that is called like an attribute
        of every component (``label``, ``name``).
        """
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @classmethod
    def primary_field(cls) -> str | None:
        """Name of the parameter that `name:VALUE` fills, if there is one."""
        for name, field in cls.parameters().items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("primary"):
                return name
        return None

    @classmethod
    def summary(cls) -> str:
        """First line of the docstring."""
        return cls.description().partition("\n")[0]

    @classmethod
    def description(cls) -> str:
        """The docstring; nothing where it is none."""
        return inspect.cleandoc(cls.__doc__) if isinstance(cls.__doc__, str) else ""

    def downloads(self) -> Sequence[Download]:
        """What it needs from the network, for `distbench fetch`; contacts nothing itself."""
        return [need for part in self.parts().values() for need in part.downloads()]

    def parts(self) -> dict[str, Component]:
        """The parameters that are components themselves."""
        return {key: v for key, v in self._given().items() if isinstance(v, Component)}

    def paths(self) -> dict[str, Path]:
        """The files and folders that are parameters, those within lists and tables too.

        By parameter, or ``parameter.2`` and ``parameter.name`` for those within one.
        """
        return {key: path for name, v in self._given().items() for key, path in _paths(name, v)}

    def _given(self) -> dict[str, Any]:
        """The parameters' values by the names that a person types."""
        fields = type(self).model_fields
        return {field.alias or name: getattr(self, name) for name, field in fields.items()}

    @property
    def name(self) -> str:
        """The name it is registered under; the class name in snake case where it is not."""
        return self._name or snake_case(type(self).__name__)

    def named(self, name: str) -> Self:
        """The same component under the name it is registered with."""
        twin = self.model_copy()
        twin._name = name
        return twin

    @property
    def label(self) -> str:
        """The component as one would type it: its name and the parameters that are not default."""
        return self.typed()

    def typed(self, defaults: Mapping[str, Any] | None = None, *, whole_paths: bool = True) -> str:
        """The component as one would type it where other defaults hold.

        Args:
            defaults: Parameters that go without saying, over those of the class.
            whole_paths: False to write only the last name of a path.
        """
        chief = self.primary_field()
        text, rest = self.name, []
        given = self._given()
        for key, field in self.parameters().items():
            value = given[key]
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            known = key in (defaults or {}) or not field.is_required()
            usual = (defaults or {}).get(key, default)
            # A suite's file writes a component as one would type it.
            same = value.label if isinstance(value, Component) and isinstance(usual, str) else value
            if known and same == usual:
                continue
            if isinstance(value, Path) and not whole_paths:
                value = value.name
            part = value.typed(whole_paths=whole_paths) if isinstance(value, Component) else ""
            if "=" in part:
                rest.append(f'{key}="{part}"')
            elif key == chief:
                text += f":{_typed(value)}"
            elif isinstance(value, dict):
                rest += [f"{key}.{inner}={_typed(v)}" for inner, v in value.items()]
            else:
                rest.append(f"{key}={_typed(value)}")
        return text + (":" + ",".join(rest) if rest else "")

    def identity(self) -> dict[str, Any]:
        """What goes into a cache key: name, version and parameters, but no paths.

        Where something lies does not matter; what it is does, and that is in the fingerprints of
        data and weights.
        """
        paths = self.paths()
        kept = {
            key: _without(paths, key, value)
            for key, value in self.model_dump().items()
            if key not in paths
        }
        kept |= {key: part.identity() for key, part in self.parts().items()}
        return {"name": self.name, "version": self.version, "params": kept}


def _claims(base: type, name: str) -> bool:
    """Whether a base class has an attribute that no parameter may be called like."""
    if not issubclass(base, Component) or name not in vars(base):
        return False
    return base.__module__.startswith("distbench.interfaces.") or isinstance(
        vars(base)[name], property
    )


def _paths(name: str, value: Any) -> Iterator[tuple[str, Path]]:
    if isinstance(value, Path):
        yield name, value
    elif isinstance(value, (Mapping, BaseModel)) and not isinstance(value, Component):
        for key, inner in value.items() if isinstance(value, Mapping) else value:
            yield from _paths(f"{name}.{key}", inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, inner in enumerate(value):
            yield from _paths(f"{name}.{number}", inner)


def _without(paths: Mapping[str, Path], name: str, value: Any) -> Any:
    """A dumped value without the paths in it, whose content counts and not their names."""
    if name in paths:
        return None
    if isinstance(value, Mapping):
        return {key: _without(paths, f"{name}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        inner = (_without(paths, f"{name}.{n}", part) for n, part in enumerate(value))
        return tuple(inner) if isinstance(value, tuple) else list(inner)
    return value


def snake_case(name: str) -> str:
    """``ClassSpread`` to ``class_spread``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _typed(value: Any) -> str:
    """A parameter's value as the grammar of `distbench.plugins.spec` reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, Component):
        value = value.label
    if isinstance(value, (tuple, list)):
        return "+".join(_typed(v) for v in value)
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    text = str(value)
    return f'"{text}"' if re.search(r"[,+\s\"]", text) else text
