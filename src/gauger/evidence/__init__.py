"""Evidence: one file per channel; every channel states its null."""
