"""Sources: one file per log format, and the readers of what else an operator gives."""

from gauger.sources.batches import ReadOptions, SourceBatch
from gauger.sources.detection import SOURCES
from gauger.sources.finding import find_logs
from gauger.sources.mapping import load_mapping
from gauger.sources.reading import detect_format, read_log
from gauger.sources.source import Refused, Source

__all__ = [
    "SOURCES",
    "ReadOptions",
    "Refused",
    "Source",
    "SourceBatch",
    "detect_format",
    "find_logs",
    "load_mapping",
    "read_log",
]
