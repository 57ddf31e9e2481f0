"""From batches of exchanges to sketches in the workspace. Text ends here."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from gauger.exchanges.keeping import keep
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys
from gauger.exchanges.validation import validate
from gauger.settings import Settings
from gauger.sketches.digests import content_digests
from gauger.sketches.exchanges import Sketches, sketch_exchanges
from gauger.sources import SourceBatch
from gauger.store.sketch_files import SketchWriter


@dataclass(frozen=True, slots=True)
class Sketching:
    """What turns exchanges into sketches: the workspace's keys, what is known of networks, settings, threads."""

    keys: Keys
    networks: NetworkTable
    settings: Settings
    threads: int


#: Sketches, and what was quarantined.
Sketched = tuple[Sketches, pa.Table]


def sketch(batch: SourceBatch, how: Sketching) -> Sketched:
    """Return a batch's sketches and what was quarantined of it."""
    valid, refused = validate(batch.exchanges)
    digests = content_digests(valid, how.keys.text)
    kept, texts = keep(valid, keys=how.keys, networks=how.networks)
    texts = texts.append_column("digest", digests)
    sketches = sketch_exchanges(kept, texts, how.keys.text, settings=how.settings.sketch, threads=how.threads)
    return sketches, pa.concat_tables([batch.quarantined, refused])


def fill(
    writer: SketchWriter, batches: Iterable[SourceBatch], how: Sketching, *, read: Callable[[SourceBatch], None]
) -> None:
    """Sketch the batches of one log into the workspace, each while the next is read.

    Parameters
    ----------
    writer
        The way in for this log.
    batches
        The log, from where the writer's plan begins.
    how
        Keys, lists, settings.
    read
        Told of each batch that was written.
    """
    for batch, (sketches, refused) in sketched_ahead(batches, how):
        writer.add(
            sketches.rows,
            sketches.parts,
            quarantined=refused,
            end_offset=batch.end_offset,
            end_row=batch.end_row,
            columns_absent=batch.columns_absent,
            content=batch.content,
        )
        read(batch)


def sketched_ahead(batches: Iterable[SourceBatch], how: Sketching) -> Iterator[tuple[SourceBatch, Sketched]]:
    """Yield each batch with its sketches, which threads make while the next batches are read: one for each thread."""
    with ThreadPoolExecutor(max_workers=how.threads) as pool:
        begun: deque[tuple[SourceBatch, Future[Sketched]]] = deque()
        for batch in batches:
            begun.append((batch, pool.submit(sketch, batch, how)))
            if len(begun) > how.threads:
                first, sketched = begun.popleft()
                yield first, sketched.result()
        for first, sketched in begun:
            yield first, sketched.result()
