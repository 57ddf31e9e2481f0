"""Sources: one file per log format, and the readers of what else an operator gives."""
