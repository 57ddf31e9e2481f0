"""Logs that are read on from the number of a record: the partitions of a topic of Kafka, and standard input."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gauger.errors import UsageError
from gauger.sources.batches import ReadOptions, SourceBatch

#: How the address of a topic begins, and the name of each of its partitions.
FEED_PREFIX: Final = "kafka://"

_ADDRESS: Final = re.compile(r"kafka://(?P<brokers>[^/]+)/(?P<topic>[A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its brokers ("host:port,host:port") and its name."""

    brokers: str
    name: str

    @classmethod
    def of(cls, address: str) -> "Topic":
        """Return the topic of an address, kafka://HOST:PORT[,HOST:PORT]/TOPIC.

        Raises
        ------
        UsageError
            It is none.
        """
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise UsageError("this is no topic", where=address, todo="write it like kafka://broker:9092/llm-log")
        return cls(found["brokers"], found["topic"])

    def feed(self, partition: int) -> str:
        """Return the name of a partition; the brokers may change."""
        return f"{FEED_PREFIX}{self.name}/{partition}"


class PartitionReader(Protocol):
    """Reads the partitions of a log."""

    def feed(self, partition: int) -> str:
        """Return the name under which a partition is known again."""
        ...

    def partitions(self) -> list[int]:
        """Return the partitions there are."""
        ...

    def batches(self, partition: int, options: ReadOptions, *, start_offset: int) -> Iterator[SourceBatch]:
        """Batches of what a partition holds now, from an offset on; each ends with the offset to go on from."""
        ...
