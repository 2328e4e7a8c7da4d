"""A plugin whose author misspelt a hook."""

from distbench import hookimpl


@hookimpl
def distbench_metricks():
    return {"never": "distbench_broken:Never"}
