"""What the methods of a plan begin from, where distbench's own code says it."""

from __future__ import annotations

from distbench.errors import PluginError, UnknownNameError
from distbench.interfaces.method import Method
from distbench.plugins.registry import Registry
from distbench.submission.manifest import PlanMethod, PublicPlan


def initialisations(plan: PublicPlan, names: Registry) -> dict[str, str]:
    """Method to its initialisation, of methods whose distiller or baseline is a built-in."""
    known = {method.id: _initialisation(method, names) for method in plan.methods}
    return {method: value for method, value in known.items() if value is not None}


def _initialisation(method: PlanMethod, names: Registry) -> str | None:
    for kind in ("distiller", "baseline"):
        name = method.components.get(kind, {}).get("name")
        if not isinstance(name, str):
            continue
        try:
            if not names.offer(kind, name).origin.builtin:
                return None
            component = names.load(kind, name)
        except (UnknownNameError, PluginError):
            return None
        return component.initialisation if issubclass(component, Method) else None
    return None
