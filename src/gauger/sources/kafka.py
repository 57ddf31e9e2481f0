"""A topic of Kafka as logs: one a partition, each message one record. Offsets are kept by whoever reads, not in Kafka.

Messages are pulled, a bounded number at a time, so a slow reader leaves them in Kafka. A partition is read in its
order from the offset it is told, and a batch ends with the offset to go on from: committed together with what was made
of the batch, each message counts exactly once, whatever is killed when.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, groupby
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from gauger.errors import InputError, UsageError
from gauger.exchanges.schema import BATCH_ROWS, BATCH_TEXT_BYTES
from gauger.sources.batches import ReadOptions, SourceBatch
from gauger.sources.batching import Batcher
from gauger.sources.conversion import Conversion
from gauger.sources.detection import forced_source
from gauger.sources.faults import TOO_LONG
from gauger.sources.json_text import decode
from gauger.sources.partitions import FEED_PREFIX, Topic
from gauger.sources.records import Record
from gauger.sources.times import zone_of

#: Messages asked for at a time, and how long an answer may take, seconds.
_PULL: Final = 10_000
_WAIT_S: Final = 1.0
_ANSWER_S: Final = 15.0

#: Offset and value of a message.
_Message = tuple[int, bytes]


class TopicReader:
    """Reads the partitions of a topic. Get one from `opened_topic`."""

    def __init__(self, consumer: Consumer, topic: Topic) -> None:
        self._consumer = consumer
        self.topic = topic

    def feed(self, partition: int) -> str:
        """Return the name of a partition."""
        return self.topic.feed(partition)

    def partitions(self) -> list[int]:
        """Return the partitions there are.

        Raises
        ------
        InputError
            The brokers do not answer, or have no such topic.
        """
        try:
            found = self._consumer.list_topics(self.topic.name, timeout=_ANSWER_S).topics[self.topic.name]
        except KafkaException as error:
            raise self._refused(error.args[0].str()) from error
        if found.error is not None:
            raise self._refused(found.error.str())
        return sorted(found.partitions)

    def batches(
        self,
        partition: int,
        options: ReadOptions,
        *,
        start_offset: int,
        max_rows: int = BATCH_ROWS,
        max_text_bytes: int = BATCH_TEXT_BYTES,
    ) -> Iterator[SourceBatch]:
        """Batches of what a partition holds now, from an offset on (`gauger.sources.reading.read_log`).

        `end_offset` and `end_row` are the offset to go on from, `source_row` is the offset of the message.

        Raises
        ------
        InputError
            The brokers do not answer; or the partition no longer holds the offset, or never did.
        """
        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(self.topic.name, partition), timeout=_ANSWER_S
            )
        except KafkaException as error:
            raise self._refused(error.args[0].str()) from error
        if not start_offset <= high or (start_offset < low and start_offset > 0):
            raise InputError(
                f"offset {start_offset:,} is not there any more: the partition holds {low:,} to {high:,}",
                where=self.feed(partition),
                todo="the topic was made anew, or its messages expired unread; watch it into a new workspace",
            )
        self._consumer.assign([TopicPartition(self.topic.name, partition, max(start_offset, low))])
        conversion = Conversion(options, zone_of(options.timezone), source=forced_source(options))
        batcher = Batcher(self.feed(partition), max_rows=max_rows, max_text_bytes=max_text_bytes)
        end = start_offset

        def cut() -> SourceBatch:
            return batcher.cut(end_offset=end, end_row=end, bytes_read=0, columns_absent=conversion.columns_absent)

        given = end
        for first, found in _without_gaps(self._messages(high)):
            records = (_record(offset, value, options.max_record_bytes) for offset, value in found)
            for run, taken in conversion.converted(records, first_row=first, has_room=batcher.has_room):
                if not (batcher.is_empty or batcher.has_room(taken)):
                    yield cut()
                    given = end
                batcher.add(taken)
                end = run[-1].end
        if end > given:
            yield cut()

    def _messages(self, high: int) -> Iterator[_Message]:
        """Yield offset and value of the messages up to the offset `high`; those without a value say nothing."""
        while True:
            found = self._consumer.consume(_PULL, timeout=_WAIT_S)
            for message in found:
                error = message.error()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    return
                if error is not None:
                    raise self._refused(error.str())
                offset, value = message.offset(), message.value()
                if offset is None or offset >= high:
                    return
                if value is not None:
                    yield offset, value
            if not found:
                return

    def _refused(self, reason: str) -> InputError:
        return InputError(
            f"Kafka does not give it: {reason}",
            where=f"{FEED_PREFIX}{self.topic.brokers}/{self.topic.name}",
            todo="check the brokers and the topic; what was read is kept",
        )


def _without_gaps(messages: Iterator[_Message]) -> Iterator[tuple[int, Iterator[_Message]]]:
    """Yield the messages in runs without a gap between offsets, each after its first offset."""
    for _, run in groupby(enumerate(messages), key=lambda one: one[1][0] - one[0]):
        _, first = next(run)
        yield first[0], chain([first], (message for _, message in run))  # noqa: B031 - the rest of the run, once


def _record(offset: int, value: bytes, max_bytes: int) -> Record:
    return Record(None, None, offset + 1, TOO_LONG if len(value) > max_bytes else decode(value))


@contextmanager
def opened_topic(address: str, more: Mapping[str, Any]) -> Iterator[TopicReader]:
    """Open a topic.

    Parameters
    ----------
    address
        kafka://HOST:PORT[,HOST:PORT]/TOPIC.
    more
        Options of librdkafka: TLS, SASL.

    Raises
    ------
    UsageError
        It is no address, or librdkafka knows no such option.
    """
    topic = Topic.of(address)
    options = {
        "bootstrap.servers": topic.brokers,
        "group.id": "gauger",  # asked for, and of no effect: partitions are assigned and offsets kept elsewhere
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "log_level": 0,
    }
    try:
        consumer = Consumer({**options, **more})
    except (KafkaException, ValueError, TypeError) as error:
        raise UsageError(f"Kafka's client refuses its options: {error}", where="[kafka] in gauger.toml") from error
    try:
        yield TopicReader(consumer, topic)
    finally:
        consumer.close()
