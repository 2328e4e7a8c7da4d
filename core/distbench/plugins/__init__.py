"""Plugins found, loaded and described."""
