"""`distbench env`."""

from __future__ import annotations

import typer

from distbench.cli import options as o


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("env")(env)


def env(json: o.Json = False) -> None:
    """Show versions, devices and where distbench keeps things: what a bug report needs."""
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import torch

    from distbench.paths import home

    packages = {}
    for name in ("distbench", "torch", "torchvision", "timm", "numpy", "scipy", "onnxruntime"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    facts = {
        **packages,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "cuda": devices or "none",
        "home": str(home()),
    }
    if json:
        o.print_json(facts)
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {value}")
