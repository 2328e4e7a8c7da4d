"""``python -m distbench``."""

from __future__ import annotations

from distbench.cli import main

if __name__ == "__main__":
    main()
