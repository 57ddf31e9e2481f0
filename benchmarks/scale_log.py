"""A log of any size: sixteen million exchanges of 200,000 accounts over five weeks, three campaigns among them.

    python -m benchmarks.scale_log --exchanges 16e6 --out DIR

The founding case in small: 24,000 hostile accounts in three campaigns with volumes 13 : 3.4 : 0.15, four million
exchanges in all, half of them innocent, 125 wrappings each, hostile in the last seven days only. The log is made in
shards, each a world of the lab with texts, people and networks of its own, and written by day as it comes: memory is
that of one shard. A campaign's wrappings are the same in all shards, the items of its list are not. No two campaigns
have a sentence in common: operators who know nothing of each other do not.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.progress import track

from gauger.lab import (
    Campaign,
    ChatPersons,
    Developers,
    PopularAgent,
    Scenario,
    TemplateApps,
    World,
    grammar_pools,
    phrases,
)
from gauger.lab.formats import litellm
from gauger.lab.grammar import sentences
from gauger.lab.world import simulate

#: What a shard holds: half a million exchanges of 6,250 accounts, 750 of them hostile.
SHARD_EXCHANGES = 500_000
VOLUMES = {"first": 13.0, "second": 3.4, "third": 0.15}
#: Which of the eight sentences for each place of a wrapping are whose.
SENTENCES = {"first": slice(0, 3), "second": slice(3, 5), "third": slice(5, 8)}
HOSTILE_ACCOUNTS = 750
#: Exchanges of a hostile account in a week and the share of them that is hostile; cover before is as frequent.
WEEKLY, SHARE = 98.0, 0.85
#: An innocent account's exchanges in a week.
INNOCENT_WEEKLY = 13.6
#: Texts of each topic in a shard's pools: enough that nearly none comes twice by chance.
PER_TOPIC = 40_000
DAY_US = 86_400_000_000


def scenario(*, density: float = 1.0, share: float = 1.0) -> Scenario:
    """Return a shard's world. Its campaigns send bare items; the wrappings come afterwards.

    Parameters
    ----------
    density
        Accounts, as a multiple of the usual; each sends so much less.
    share
        Part of the accounts that is there: the last shard of a log is smaller.
    """
    accounts = np.rint(HOSTILE_ACCOUNTS * np.array(list(VOLUMES.values())) / sum(VOLUMES.values())).astype(int)
    campaigns = [
        Campaign(name=name, n=int(n), exchanges=WEEKLY / density, share=SHARE, wrappers=0)
        for name, n in zip(VOLUMES, accounts, strict=True)
    ]
    innocents = (ChatPersons(3_300), Developers(850), TemplateApps(750), TemplateApps(50, keys=4), PopularAgent(400))
    parts = tuple(replace(part, n=max(1, round(part.n * density * share))) for part in (*innocents, *campaigns))
    return Scenario(name="scale", parts=parts, weekly_exchanges=INNOCENT_WEEKLY / density)


def shard(number: int, *, share: float = 1.0, density: float = 1.0, per_topic: int = PER_TOPIC) -> World:
    """Return the world of one shard, its campaigns wrapped and its networks its own.

    Parameters
    ----------
    number
        Seed of its texts and people.
    share, density
        Which accounts are there, and how many (`scenario`).
    per_topic
        Texts of each topic; where they are few, they go round. The campaigns' lists are as long as ever.
    """
    pools = grammar_pools(number, per_topic=PER_TOPIC)
    if per_topic != PER_TOPIC:
        pools = replace(grammar_pools(number, per_topic=per_topic), lists=pools.lists)
    world = simulate(scenario(density=density, share=share), seed=number, pools=pools)
    exchanges = world.exchanges
    for column, values in {
        "user_prompt": wrapped(exchanges["user_prompt"], world.truth_exchanges["campaign"]),
        "client_address": moved(exchanges["client_address"], number),
    }.items():
        place = exchanges.schema.get_field_index(column)
        exchanges = exchanges.set_column(place, exchanges.schema.field(place), values)
    return World(exchanges, world.accounts, world.events, world.truth_accounts, world.truth_exchanges)


def wrapped(prompts: pa.ChunkedArray, campaign: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the prompts, those of a campaign each in one of its 125 wrappings."""
    texts = prompts.to_numpy(zero_copy_only=False).copy()
    named = campaign.to_numpy(zero_copy_only=False)
    for name in VOLUMES:
        rng = np.random.default_rng(crc32(name.encode()))
        around = wrappings(name, rng=rng)
        rows = np.flatnonzero(named == name)
        for row, variant in zip(rows.tolist(), rng.integers(0, 125, len(rows)).tolist(), strict=True):
            before, after = around[variant]
            texts[row] = before + texts[row] + after
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def wrappings(name: str, *, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return a campaign's 125 wrappings: what stands before an item, and after it."""
    places = []
    for group in phrases.WRAPPER_GROUPS:
        made = sentences(group[SENTENCES[name]], phrases.WRAPPER_WORDS, 5, rng=rng)
        places.append([str(one) for one in made])
    return [(f"{one} {two}\n\n", f"\n\n{three}") for one, two, three in product(*places)]


def moved(addresses: pa.ChunkedArray, number: int) -> pa.ChunkedArray:
    """Return the addresses in networks that no other shard has; who shared one before shares one now."""
    encoded = addresses.combine_chunks().dictionary_encode()
    own = [_moved(address, number) for address in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(own, pa.string()).take(encoded.indices)])


def _moved(address: str, number: int) -> str:
    if ":" in address:
        _, _, network, host = address.replace("::", ":").split(":")
        return f"fd{number % 256:02x}:ffff:{network}::{host}"
    a, b, c, d = map(int, address.split("."))
    return f"fd{number % 256:02x}:{a:x}:{256 * b + c:x}::{d:x}"


def shards(n_exchanges: float, **how: float) -> Iterator[World]:
    """Yield the worlds that make up a log, each made by the same knobs of `shard`."""
    left = n_exchanges / SHARD_EXCHANGES
    number = 0
    while left > 0.01:
        number += 1
        yield shard(number, share=min(left, 1.0), **how)
        left -= 1.0


def by_day(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of each day since the epoch, in order."""
    day = table["occurred_at"].cast(pa.int64()).to_numpy() // DAY_US
    for one in np.unique(day):
        begin, end = np.searchsorted(day, [one, one + 1])
        yield int(one), table.slice(begin, end - begin)


def make(folder: Path, n_exchanges: float, **how: float) -> dict[str, object]:
    """Write a log as a Parquet file a day, with its account table and truth, and return what it holds.

    `how` are knobs of `shard`: density and per_topic.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True)
    accounts, truth, text_bytes, n, distinct = [], [], 0, 0, 0
    total = -(-int(n_exchanges) // SHARD_EXCHANGES)
    with ExitStack() as files:
        of_day: dict[int, pq.ParquetWriter] = {}
        for world in track(shards(n_exchanges, **how), total=total, description="shards"):
            for day, rows in by_day(world.exchanges):
                if day not in of_day:
                    path = logs / f"day-{day}.parquet"
                    writer = pq.ParquetWriter(path, rows.schema, compression="zstd", compression_level=1)
                    of_day[day] = files.enter_context(writer)
                of_day[day].write_table(rows)
            accounts.append(world.accounts)
            truth.append(world.truth_accounts)
            n += len(world.exchanges)
            distinct += pc.count_distinct(world.exchanges["user_prompt"]).as_py()
            for column in ("user_prompt", "system_prompt", "tool_schema", "response"):
                text_bytes += pc.sum(pc.binary_length(world.exchanges[column])).as_py() or 0
    pq.write_table(pa.concat_tables(accounts), folder / "accounts.parquet")
    pq.write_table(pa.concat_tables(truth), folder / "truth.parquet")
    facts = {
        "exchanges": n,
        "accounts": sum(map(len, accounts)),
        "distinct_prompts": distinct,
        "text_bytes": text_bytes,
        "parquet_bytes": sum(path.stat().st_size for path in logs.iterdir()),
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    return facts


def write_litellm(logs: Path, folder: Path) -> int:
    """Write the same log as LiteLLM has it, a file of JSON lines a day, and return its bytes before compression."""
    folder.mkdir()
    encoder, n_bytes = msgspec.json.Encoder(), 0
    for path in track(sorted(logs.glob("*.parquet")), description="JSON lines"):
        with pq.ParquetFile(path) as log, pa.output_stream(folder / f"{path.stem}.jsonl.zst", "zstd") as out:
            for rows in log.iter_batches(16_384):
                lines = encoder.encode_lines([litellm(row) for row in rows.to_pylist()])
                out.write(lines)
                n_bytes += len(lines)
    return n_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=float, default=16e6)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    print(json.dumps(make(args.out, args.exchanges), indent=1))


if __name__ == "__main__":
    main()
