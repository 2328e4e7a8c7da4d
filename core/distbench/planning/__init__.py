"""From a configuration to a frozen plan: cells, jobs and their keys."""
