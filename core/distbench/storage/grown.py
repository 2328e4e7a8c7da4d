"""Models that grow: what came later is not written where it says nothing new."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer


class Grown(BaseModel):
    """A model whose later fields are left out of its table where they have their default.

    So digests that were taken before there were such fields still hold.

    Attributes:
        later: Names of these fields.
    """

    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_defaults(self, table_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            key: value
            for key, value in table_of(self).items()
            if key not in self.later or getattr(self, key) != fields[key].default
        }
