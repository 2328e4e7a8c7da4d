"""What executors on engines of others share: warm workers on nodes, and how engines are reached."""
