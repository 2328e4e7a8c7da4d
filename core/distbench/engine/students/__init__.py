"""A student looked at by itself: tried, exported, measured."""
