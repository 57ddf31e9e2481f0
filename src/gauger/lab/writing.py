"""Worlds as files: the logs a gateway would have written, and the truth beside them."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gauger.errors import UsageError
from gauger.lab.datasets import data_pools
from gauger.lab.grammar import grammar_pools
from gauger.lab.scenarios import SCENARIOS
from gauger.lab.world import World, simulate

CHUNK_ROWS: Final = 8_192


def simulate_to(
    scenario_name: str, *, seed: int, out: Path, data: Path | None = None, format: str = "litellm"
) -> World:
    """Return the world of a named scenario, written to a folder.

    Parameters
    ----------
    scenario_name
        A name of `SCENARIOS`.
    seed
        Another seed gives another world.
    out
        Folder to fill; made if absent.
    data
        Folder of the public data sets; without it the built-in grammar speaks.
    format
        "litellm" or "parquet".

    Raises
    ------
    UsageError
        There is no scenario or format of that name.
    """
    if scenario_name not in SCENARIOS:
        raise UsageError(
            f"there is no scenario {scenario_name!r}", todo=f"choose one of {', '.join(sorted(SCENARIOS))}"
        )
    pools = grammar_pools() if data is None else data_pools(data)
    world = simulate(SCENARIOS[scenario_name], seed=seed, pools=pools)
    write_world(world, out, format=format)
    return world


def write_world(world: World, directory: Path, *, format: str = "litellm") -> list[Path]:
    """Write a world and return the paths of its logs, in order of time.

    Beside the logs lie accounts.csv and events.csv, which an operator has, and truth.csv and truth_exchanges.csv,
    which only the lab has. Files are the same byte for byte for the same world.

    Parameters
    ----------
    world
        What `simulate` returned.
    directory
        Folder to fill; made if absent.
    format
        "litellm": one gzipped JSON-lines file a day, as the gateway's standard logging payload. "parquet": one file of
        the canonical columns.
    """
    if format not in WRITERS:
        raise UsageError(f"there is no log format {format!r}", todo=f"choose one of {', '.join(sorted(WRITERS))}")
    directory.mkdir(parents=True, exist_ok=True)
    for name, table in (
        ("accounts", world.accounts),
        ("events", world.events),
        ("truth", world.truth_accounts),
        ("truth_exchanges", world.truth_exchanges),
    ):
        pa.csv.write_csv(_written_times(table), directory / f"{name}.csv")
    return WRITERS[format](world, directory)


def _written_times(table: pa.Table) -> pa.Table:
    """Return the table with times as text, RFC 3339 in UTC."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            written = [None if time is None else _rfc3339(time) for time in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(written, pa.string()))
    return table


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _write_parquet(world: World, directory: Path) -> list[Path]:
    path = directory / "exchanges.parquet"
    pa.parquet.write_table(world.exchanges, path, compression="zstd")
    return [path]


def _write_litellm(world: World, directory: Path) -> list[Path]:
    """Write one file a day."""
    days = world.exchanges["occurred_at"].cast(pa.int64()).to_numpy() // 86_400_000_000
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    paths = []
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        path = directory / f"litellm-{np.datetime64(int(days[start]), 'D')}.jsonl.gz"
        # No time and no name in the header: the same world gives the same bytes.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as lines:
            for chunk in _payloads(world.exchanges.slice(start, end - start)):
                lines.write(chunk)
        paths.append(path)
    return paths


def _payloads(exchanges: pa.Table) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    for batch in exchanges.to_batches(max_chunksize=CHUNK_ROWS):
        yield encoder.encode_lines([_payload(row) for row in batch.to_pylist()])


def _payload(row: dict[str, Any]) -> dict[str, Any]:
    """Return an exchange as LiteLLM's standard logging payload (1.109): the fields that a reader needs."""
    start = row["occurred_at"].timestamp()
    end = start + row["latency_ms"] / 1_000
    failed = row["http_status"] != 200
    usage = {
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "total_tokens": row["input_tokens"] + row["output_tokens"],
    }
    return {
        "id": row["request_id"],
        "litellm_call_id": row["request_id"],
        "trace_id": row["conversation_id"],
        "session_id": row["conversation_id"],
        "call_type": "acompletion",
        "stream": False,
        "status": "failure" if failed else "success",
        "custom_llm_provider": row["provider_name"],
        "startTime": start,
        "endTime": end,
        "completionStartTime": end,
        "response_time": end - start,
        "response_cost": 0.0,
        **usage,
        "model": row["response_model"],
        "model_group": row["request_model"],
        "model_id": None,
        "api_base": None,
        "cache_hit": False,
        "request_tags": [],
        "end_user": row["end_user_id"],
        "requester_ip_address": row["client_address"],
        "user_agent": row["user_agent"],
        "metadata": {
            "user_api_key_hash": row["api_key_id"],
            "user_api_key_alias": None,
            "user_api_key_user_id": row["account_id"],
            "user_api_key_team_id": None,
            "user_api_key_org_id": row["organisation_id"],
            "requester_ip_address": row["client_address"],
            "user_agent": row["user_agent"],
            "requester_custom_headers": {"x-ja4": row["client_fingerprint"]},
            "usage_object": usage,
        },
        "messages": _messages(row),
        "response": None if failed else _response(row, usage),
        "error_str": row["error_code"],
        "error_information": _error(row) if failed else None,
        "model_parameters": _parameters(row),
    }


def _messages(row: dict[str, Any]) -> list[dict[str, str]]:
    system = [{"role": "system", "content": row["system_prompt"]}] if row["system_prompt"] else []
    said = msgspec.json.decode(row["conversation_prefix"] or "[]")
    return [*system, *said, {"role": "user", "content": row["user_prompt"]}]


def _response(row: dict[str, Any], usage: dict[str, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": row["response"]}
    return {
        "id": row["request_id"],
        "object": "chat.completion",
        "model": row["response_model"],
        "choices": [{"index": 0, "finish_reason": row["finish_reason"], "message": message}],
        "usage": usage,
    }


def _error(row: dict[str, Any]) -> dict[str, str]:
    return {"error_code": str(row["http_status"]), "error_class": row["error_code"], "error_message": row["error_code"]}


def _parameters(row: dict[str, Any]) -> dict[str, Any]:
    tools = {"tools": msgspec.Raw(row["tool_schema"].encode())} if row["tool_schema"] else {}
    temperature = {} if row["temperature"] is None else {"temperature": row["temperature"]}
    return {**temperature, **tools}


#: Log formats by name.
WRITERS: Final[dict[str, Callable[[World, Path], list[Path]]]] = {"litellm": _write_litellm, "parquet": _write_parquet}
