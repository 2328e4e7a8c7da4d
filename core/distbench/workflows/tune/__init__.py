"""Settings chosen on development tasks."""
