"""Worlds: a scenario brought to life, with the truth beside it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA
from gauger.exchanges.schema import EDGE_SCHEMA, EVENT_SCHEMA, TIMESTAMP
from gauger.lab.accounts import (
    DAY_S,
    N_HOMES,
    POPULAR,
    PROVIDER,
    SITES,
    SUCCESSOR,
    Cast,
    addresses,
    concatenate,
    tokens,
)
from gauger.lab.clock import WEEK_S
from gauger.lab.dialogues import SUSPENDED, Script
from gauger.lab.pools import NOTHING, Floats, Ints, Pools, Texts
from gauger.lab.populations import BUILDERS
from gauger.lab.scenarios import ChatPersons, PopularAgent, Scenario
from gauger.lab.stage import Stage, Troupe

Columns = dict[str, Any]
Bools = NDArray[np.bool_]

#: Shares of requests that fail, by status.
FAILURES: Final = {429: 0.008, 500: 0.003}
ERRORS: Final = {
    400: "content_filter",
    SUSPENDED: "account_suspended",
    429: "rate_limit_exceeded",
    500: "server_error",
}

#: Milliseconds before the first token and for each further one; an answer's own is lognormal around it.
FIRST_TOKEN_MS: Final = 300.0
TOKEN_MS: Final = 16.0

#: Bytes of text to a token, nearly.
TOKEN_BYTES: Final = 4

TRUTH_ACCOUNTS_SCHEMA: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),
        pa.field("campaign", pa.string()),
    ]
)
TRUTH_EXCHANGES_SCHEMA: Final = pa.schema(
    [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),
        pa.field("campaign", pa.string()),
        pa.field("list_item", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class World:
    """A simulated log and what is true of it.

    Attributes
    ----------
    exchanges
        Table of `EDGE_SCHEMA`, sorted by time, then account.
    accounts
        Table of `RAW_ACCOUNT_SCHEMA`, sorted by account.
    events
        Table of `EVENT_SCHEMA`, sorted by time.
    truth_accounts
        Table of `TRUTH_ACCOUNTS_SCHEMA`, row for row with `accounts`: class, and campaign (null if innocent). A
        customer whose key a campaign uses keeps the class and has the campaign.
    truth_exchanges
        Table of `TRUTH_EXCHANGES_SCHEMA`, row for row with `exchanges`: campaign and place in its list of hostile
        exchanges, null for all others, a campaign's cover among them.
    """

    exchanges: pa.Table
    accounts: pa.Table
    events: pa.Table
    truth_accounts: pa.Table
    truth_exchanges: pa.Table


def simulate(scenario: Scenario, *, seed: int, pools: Pools) -> World:
    """Return the world of a scenario. Same scenario, seed and pools: the same tables, byte for byte.

    Parameters
    ----------
    scenario
        Populations and the log's length.
    seed
        Another seed gives another world.
    pools
        `grammar_pools()` or `data_pools(folder)`.

    Raises
    ------
    UsageError
        The scenario asks for more than the pools or the other parts hold.
    """
    casts: list[Cast] = []
    logs: list[pa.Table] = []
    victims: list[tuple[Ints, str]] = []
    persons = np.empty(0, dtype=np.int64)
    harness: tuple[str, str] | None = None
    for number, part in enumerate(scenario.parts):
        rng = np.random.default_rng([seed, number])
        first = sum(len(cast) for cast in casts)
        stage = Stage(scenario, pools, rng, first_account=first, site=SITES + number, persons=persons, harness=harness)
        troupe = BUILDERS[type(part)](part, stage)
        if troupe.cast is not None:
            casts.append(troupe.cast)
            if isinstance(part, ChatPersons):
                persons = np.concatenate([persons, first + _there_throughout(troupe.cast, stage.tested_s)])
            harness = _harness(troupe.script) if isinstance(part, PopularAgent) else harness
        elif troupe.campaign is not None:
            victims.append((np.unique(troupe.script.account), troupe.campaign))
        logs.append(_log(troupe, concatenate(casts), scenario, pools=pools, rng=rng))
    cast = _with_victims(concatenate(casts), victims)
    log = pa.concat_tables(logs)
    log = log.take(
        pc.sort_indices(
            log, sort_keys=[("occurred_at", "ascending"), ("account_id", "ascending"), ("request_id", "ascending")]
        )
    )
    return World(
        exchanges=_exchanges(log, scenario),
        truth_exchanges=log.select(TRUTH_EXCHANGES_SCHEMA.names).cast(TRUTH_EXCHANGES_SCHEMA),
        accounts=_accounts(cast, scenario),
        truth_accounts=_truth_accounts(cast),
        events=_events(cast, scenario),
    )


def _there_throughout(cast: Cast, tested_s: float) -> Ints:
    return np.flatnonzero((cast.signed_up_s < tested_s) & np.isinf(cast.suspended_s))


def _harness(script: Script) -> tuple[str, str] | None:
    """Return the fixed prompt and the tools that strangers share, as they are at the end of the log."""
    if len(script) == 0:
        return None
    last = script.at_s.argmax()
    return str(script.system[last]), str(script.tools[last])


def _with_victims(cast: Cast, victims: Sequence[tuple[Ints, str]]) -> Cast:
    """Return the accounts with the campaigns that use the keys of some."""
    campaign = cast.campaign.copy()
    for accounts, name in victims:
        campaign[accounts] = name
    return replace(cast, campaign=campaign)


def _log(troupe: Troupe, cast: Cast, scenario: Scenario, *, pools: Pools, rng: np.random.Generator) -> pa.Table:
    """Return a part's exchanges between sign-up and suspension, the truth as further columns.

    What is refused because the account is suspended stands in the log too.
    """
    script = troupe.script
    signed_up, suspended = cast.signed_up_s[script.account], cast.suspended_s[script.account]
    allowed = (script.at_s < suspended) | (script.status == SUSPENDED)
    kept = script.rows(np.flatnonzero((script.at_s >= signed_up) & allowed))
    chance = rng.choice([200, *FAILURES], len(kept), p=[1 - sum(FAILURES.values()), *FAILURES.values()])
    status = np.where(kept.status > 0, kept.status, chance)
    texts = _texts(kept, failed=status != 200)
    identities = _identities(kept, cast, scenario, rng=rng)
    return pa.table(
        identities
        | texts
        | _blocks(kept, identities, scenario, failed=status != 200)
        | _clients(kept, cast, scenario, rng=rng)
        | _models(kept, cast, scenario)
        | _measures(texts, status, pools=pools, rng=rng)
        | _truth(kept, cast, overlay=troupe.campaign)
    )


def _identities(script: Script, cast: Cast, scenario: Scenario, *, rng: np.random.Generator) -> Columns:
    conversations = tokens("conv-", int(script.conversation.max(initial=-1)) + 1, rng=rng)
    return {
        "request_id": pa.array(tokens("req-", len(script), rng=rng), pa.string()),
        "conversation_id": pa.array(conversations[script.conversation], pa.string()),
        "account_id": pa.array(cast.account_id[script.account], pa.string()),
        "api_key_id": pa.array(cast.api_key_id[script.account], pa.string()),
        "organisation_id": pa.array(cast.organisation_id[script.account], pa.string()),
        "occurred_at": _instants(script.at_s, scenario.start),
    }


def _texts(script: Script, *, failed: Bools) -> Columns:
    columns = {
        "system_prompt": script.system,
        "user_prompt": script.user,
        "conversation_prefix": script.prefix,
        "tool_schema": script.tools,
        "response": np.where(failed, NOTHING, script.response),
    }
    return {name: pa.array(texts, pa.large_string()) for name, texts in columns.items()}


def _blocks(script: Script, identities: Columns, scenario: Scenario, *, failed: Bools) -> Columns:
    """Return the reasoning blocks: of a conversation its first one, which later turns carry back.

    Which accounts have any follows from the account's id, so that nothing else of a world depends on it.
    """
    share = scenario.reasoning_share
    thinks = np.array(
        [int(name[-13:], 16) < share * 2**52 for name in identities["account_id"].to_pylist()], dtype=bool
    )
    own = np.array([f"sig-{name[-13:]}" for name in identities["conversation_id"].to_pylist()], dtype=object)
    blocks = np.where(thinks & (script.block == NOTHING), own, script.block)
    return {"reasoning_block": pa.array(np.where(failed, NOTHING, blocks), pa.large_string())}


def _clients(script: Script, cast: Cast, scenario: Scenario, *, rng: np.random.Generator) -> Columns:
    user_agent = np.where(script.client == NOTHING, cast.user_agent[script.account], script.client)
    return {
        "client_address": pa.array(_client_addresses(script, cast, scenario, rng=rng), pa.string()),
        "user_agent": pa.array(user_agent, pa.string()),
        "client_fingerprint": pa.array(_fingerprints(user_agent), pa.string()),
        "tool_names": pa.array(_tool_names(script.tools), pa.list_(pa.string())),
    }


def _client_addresses(script: Script, cast: Cast, scenario: Scenario, *, rng: np.random.Generator) -> list[str]:
    """Return where each session comes from: home or away; a shared network shows few addresses, a home its own."""
    at_home = rng.random(int(script.session.max(initial=-1)) + 1)[script.session] < cast.home_share[script.account]
    network = np.where(at_home, _homes(script, cast, scenario), cast.away[script.account])
    network = np.where(script.network < 0, network, script.network)
    host = np.where(network >= SITES, 1 + script.account % 4, np.where(network >= POPULAR, 1 + script.account % 8, 10))
    return addresses(network, host)


def _homes(script: Script, cast: Cast, scenario: Scenario) -> Ints:
    """Return the home network of each exchange's account at its time; roaming follows from the account's id alone."""
    home = cast.home[script.account]
    if scenario.roaming_days == 0:
        return home
    chance = np.array([int(name.rpartition("-")[2], 16) / 2**52 for name in cast.account_id])[script.account]
    days = np.maximum(-scenario.roaming_days * np.log1p(-chance), 0.5)
    moves = (script.at_s / (days * DAY_S) + chance * 997 % 1).astype(np.int64)
    # An odd step visits all homes before it comes to one again.
    return np.where(home < POPULAR, home // N_HOMES * N_HOMES + (home + moves * 24_697) % N_HOMES, home)


def _fingerprints(user_agents: Texts) -> list[str]:
    """Return the client stack's fingerprint, which follows from the client."""
    known = {agent: hashlib.blake2b(agent.encode(), digest_size=6).hexdigest() for agent in set(user_agents)}
    return [f"t13d_{known[agent]}" for agent in user_agents]


def _tool_names(schemas: Texts) -> list[list[str] | None]:
    known = {schema: [tool["function"]["name"] for tool in json.loads(schema)] for schema in set(schemas) if schema}
    return [known.get(schema) for schema in schemas]


def _models(script: Script, cast: Cast, scenario: Scenario) -> Columns:
    """Return the models: after the release accounts move to the successor, each in its own time."""
    model = cast.model[script.account]
    moved = script.at_s >= _release_s(scenario) + cast.adopts_s[script.account]
    successor = np.array([SUCCESSOR.get(name, name) for name in model], dtype=object)
    requested = np.where(moved, successor, model).astype(object)
    return {
        "provider_name": pa.array([PROVIDER] * len(model), pa.string()),
        "request_model": pa.array(requested, pa.string()),
        "response_model": pa.array(requested + f"-{scenario.start:%Y-%m}", pa.string()),
        "temperature": pa.array(cast.temperature[script.account], pa.float64(), from_pandas=True),
    }


def _measures(texts: Columns, status: Ints, *, pools: Pools, rng: np.random.Generator) -> Columns:
    """Return tokens, latency and outcome. Tokens of answers are resampled: the answers' text is a stand-in."""
    failed = status != 200
    n = len(status)
    sent = np.zeros(n, dtype=np.int64)
    for name in ("system_prompt", "user_prompt", "conversation_prefix", "tool_schema"):
        sent += np.asarray(pc.fill_null(pc.binary_length(texts[name]), 0))
    output = np.where(failed, 0, np.maximum(rng.choice(pools.arrivals.output_tokens, n), 1))
    latency = (FIRST_TOKEN_MS + TOKEN_MS * output) * rng.lognormal(0.0, 0.25, n)
    finish = np.where(failed, NOTHING, np.where(rng.random(n) < 0.02, "length", "stop"))
    return {
        "input_tokens": pa.array(-(-sent // TOKEN_BYTES) + 4, pa.int64()),
        "output_tokens": pa.array(output, pa.int64()),
        "latency_ms": pa.array(np.rint(latency).astype(np.int32), pa.int32()),
        "http_status": pa.array(status, pa.int16()),
        "error_code": pa.array([ERRORS.get(code) for code in status.tolist()], pa.string()),
        "finish_reason": pa.array(finish, pa.string()),
    }


def _truth(script: Script, cast: Cast, *, overlay: str | None) -> Columns:
    innocent = script.item < 0
    campaign = cast.campaign[script.account] if overlay is None else overlay
    return {
        "class": pa.array(script.label, pa.string()),
        "campaign": pa.array(np.where(innocent, NOTHING, campaign).astype(object), pa.string()),
        "list_item": pa.array(script.item, pa.int64(), mask=innocent),
    }


def _exchanges(log: pa.Table, scenario: Scenario) -> pa.Table:
    """Return the log under the canonical schema; columns that no simulated log fills are null."""
    n = len(log)
    origin = {"source_file": pa.array([f"lab/{scenario.name}"] * n, pa.string()), "source_row": pa.array(np.arange(n))}
    columns = [
        origin[field.name]
        if field.name in origin
        else log[field.name]
        if field.name in log.column_names
        else pa.nulls(n, field.type)
        for field in EDGE_SCHEMA
    ]
    return pa.table(columns, schema=EDGE_SCHEMA).combine_chunks()


def _instants(seconds: Floats, start: datetime) -> pa.Array:
    """Return instants, null where the seconds are infinite."""
    finite = np.isfinite(seconds)
    begin = int(start.timestamp()) * 1_000_000 + start.microsecond
    return pa.array(begin + np.rint(np.where(finite, seconds, 0.0) * 1e6).astype(np.int64), TIMESTAMP, mask=~finite)


def _accounts(cast: Cast, scenario: Scenario) -> pa.Table:
    columns = {
        "account_id": cast.account_id,
        "principal_id": cast.principal_id,
        "organisation_id": cast.organisation_id,
        "signed_up_at": _instants(cast.signed_up_s, scenario.start),
        "plan": cast.plan,
        "payment_token": cast.payment,
        "email": cast.email,
        "verification_tier": cast.tier,
        "registered_use": cast.use,
        "suspended_at": _instants(cast.suspended_s, scenario.start),
        "region": cast.region,
    }
    return pa.table(columns, schema=RAW_ACCOUNT_SCHEMA).sort_by("account_id")


def _truth_accounts(cast: Cast) -> pa.Table:
    columns = {"account_id": cast.account_id, "class": cast.label, "campaign": cast.campaign}
    return pa.table(columns, schema=TRUTH_ACCOUNTS_SCHEMA).sort_by("account_id")


def _release_s(scenario: Scenario) -> float:
    return scenario.release_at * scenario.weeks * WEEK_S


def _events(cast: Cast, scenario: Scenario) -> pa.Table:
    """Return the model releases and the suspensions of the log."""
    gone = np.flatnonzero(np.isfinite(cast.suspended_s))
    new = list(SUCCESSOR.values())
    columns = {
        "occurred_at": _instants(np.append(cast.suspended_s[gone], [_release_s(scenario)] * len(new)), scenario.start),
        "kind": ["suspension"] * len(gone) + ["model_release"] * len(new),
        "account_id": [*cast.account_id[gone], *[None] * len(new)],
        "model": [None] * len(gone) + new,
    }
    return pa.table(columns, schema=EVENT_SCHEMA).sort_by([("occurred_at", "ascending"), ("account_id", "ascending")])
