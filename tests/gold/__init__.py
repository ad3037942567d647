"""Numbers pinned to independent programs."""
