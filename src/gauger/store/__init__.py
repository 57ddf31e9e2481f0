"""Store: the workspace on disk and its state."""
