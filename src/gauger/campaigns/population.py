"""Everybody active in the tested stretch, as the conditional channels see them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.changes import Released, build_moves
from gauger.campaigns.findings import ChannelOff
from gauger.evidence.changes import Visits
from gauger.evidence.channel import Channel, Population, TokenChannel
from gauger.evidence.concentration import Holdings, holdings
from gauger.evidence.failover import Failover
from gauger.evidence.pivot import PivotChannel
from gauger.evidence.take_over import TakeOverChannel
from gauger.exchanges.principals import principals

Codes = NDArray[np.int32]

#: Columns of the traces and of the account table that carry tokens, by kind.
TRACE_TOKENS = {"network": "client_prefix_hash", "reasoning_block": "reasoning_block_hash"}
ACCOUNT_TOKENS = {"payment": "payment_token_hash"}


def _token_codes(column: pa.ChunkedArray) -> Codes:
    """Return a code for each distinct value, -1 for null; codes follow the sorted values."""
    values = pc.unique(column).drop_null().sort()
    return pc.fill_null(pc.index_in(column, values), -1).to_numpy().astype(np.int32)


def _most_used_model(traces: pa.Table, n_principals: int) -> Codes:
    """Return the code of the model each principal used most; ties go to the first model by name."""
    model = _token_codes(traces["request_model"])
    principal = traces["principal"].to_numpy()
    span = int(model.max(initial=-1)) + 2
    counts = np.bincount(
        principal.astype(np.int64) * span + model + 1, weights=traces["n"].to_numpy(), minlength=n_principals * span
    )
    return counts.reshape(n_principals, span).argmax(axis=1).astype(np.int32)


def _activity(traces: pa.Table, n_principals: int) -> Codes:
    """Return a bin for each principal's exchanges in the stretch, by factors of four: 1, 4, 16, 64 ...

    Whoever sends more is in more groups, and people of one kind send alike.
    """
    counts = np.bincount(traces["principal"].to_numpy(), weights=traces["n"].to_numpy(), minlength=n_principals)
    return (np.log2(np.maximum(counts, 1)) // 2).astype(np.int32)


def _plan(accounts: pa.Table | None, principal_of: Codes, n_principals: int) -> Codes:
    """Return the code of each principal's plan: the smallest code among its accounts; 0 where unknown."""
    plan = np.full(n_principals, np.iinfo(np.int32).max, np.int32)
    if accounts is not None:
        known = principal_of >= 0
        np.minimum.at(plan, principal_of[known], _token_codes(accounts["plan"])[known] + 1)
    plan[plan == np.iinfo(np.int32).max] = 0
    return plan


def _principals_of(accounts: pa.Table, account_ids: Sequence[str], principal_of_account: Codes) -> Codes:
    """Return the principal of each row of the account table, -1 for accounts that the log does not hold."""
    position = pc.fill_null(pc.index_in(accounts["account_id"], pa.array(account_ids, pa.string())), -1).to_numpy()
    return np.where(position >= 0, principal_of_account[position], -1).astype(np.int32)


def _owners(accounts: pa.Table, principal_of: Codes, principal_ids: Sequence[str]) -> Codes:
    """Return an owner for each row of the account table: its principal, or one of a number beyond all principals."""
    named = principals(accounts.select(["account_id", "principal_id", "organisation_id"]), None)
    names = named["principal_id"].take(pc.index_in(accounts["account_id"], named["account_id"]))
    declared = pc.fill_null(pc.index_in(names, pa.array(principal_ids, pa.string())), -1).to_numpy()
    _, beyond = np.unique(names.to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    silent = np.where(declared >= 0, declared, len(principal_ids) + beyond)
    return np.where(principal_of >= 0, principal_of, silent).astype(np.int32)


def _account_holdings(column: pa.ChunkedArray, owner: Codes, n_principals: int) -> Holdings | None:
    """Return what the principals of the log hold, `degree` counting those of the account table that the log lacks."""
    token = _token_codes(column)
    if not (token[owner < n_principals] >= 0).any():
        return None
    held = holdings(owner, token, max(n_principals, int(owner.max()) + 1))
    return Holdings(
        offsets=held.offsets[: n_principals + 1],
        token=held.token[: held.offsets[n_principals]],
        degree=held.degree,
        known=held.known[:n_principals],
        n_tokens=held.n_tokens[:n_principals],
    )


def build_population(
    traces: pa.Table,
    accounts: pa.Table | None,
    *,
    account_ids: Sequence[str],
    principal_ids: Sequence[str],
    principal_of_account: Codes,
    permutations: int,
    released: Released | None = None,
    visits: Visits | None = None,
    any_failed: bool = False,
) -> Population:
    """Return the population of a stretch.

    Parameters
    ----------
    traces
        What principals left in the stretch (`gauger.engines.relations.traces`).
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    account_ids, principal_ids, principal_of_account
        Accounts and principals of the log by code, and which principal each account is of.
    permutations
        Most random groups per test.
    released
        A new model and its use, or None.
    visits
        Where the stretch's items came from, or None.
    any_failed
        Whether any item of the stretch is known to have failed.
    """
    n_principals = int(principal_of_account.max(initial=-1)) + 1
    principal = traces["principal"].to_numpy().astype(np.int32)
    held: dict[str, Holdings] = {}
    for kind, column in TRACE_TOKENS.items():
        code = _token_codes(traces[column])
        if (code >= 0).any():
            held[kind] = holdings(principal, code, n_principals)
    principal_of = np.empty(0, np.int32)
    if accounts is not None:
        principal_of = _principals_of(accounts, account_ids, principal_of_account)
        owner = _owners(accounts, principal_of, principal_ids)
        for kind, column_name in ACCOUNT_TOKENS.items():
            found = _account_holdings(accounts[column_name], owner, n_principals)
            if found is not None:
                held[kind] = found
    active = np.zeros(n_principals, np.bool_)
    active[principal] = True
    plan = _plan(accounts, principal_of, n_principals)
    strata = [_activity(traces, n_principals), plan, _most_used_model(traces, n_principals)]
    return Population(
        holdings={kind: _active_only(one, active) for kind, one in held.items()},
        stratum=np.stack(strata, axis=1),
        permutations=permutations,
        moves=None if released is None else build_moves(released, plan=plan, n_principals=n_principals),
        visits=visits,
        any_failed=any_failed,
    )


def _active_only(held: Holdings, active: NDArray[np.bool_]) -> Holdings:
    """Return the holdings with principals that were not active in the stretch left out of the draw."""
    return Holdings(
        offsets=held.offsets, token=held.token, degree=held.degree, known=held.known & active, n_tokens=held.n_tokens
    )


def channels_off(
    population: Population, channels: Mapping[str, Channel], *, has_accounts: bool
) -> tuple[ChannelOff, ...]:
    """Return the channels that had nothing to look at in this log, and why."""
    off = []
    for channel in channels.values():
        if isinstance(channel, PivotChannel) and population.moves is None:
            off.append(ChannelOff(channel=channel.name, reason="no model newly appeared in these logs in time"))
        if isinstance(channel, TakeOverChannel) and population.visits is None:
            off.append(ChannelOff(channel=channel.name, reason="no network prefix is known in these logs"))
        if isinstance(channel, Failover) and not population.any_failed:
            off.append(ChannelOff(channel=channel.name, reason="no request is known to have failed"))
        if not isinstance(channel, TokenChannel) or channel.kind in population.holdings:
            continue
        if channel.kind in ACCOUNT_TOKENS and not has_accounts:
            reason = "no account table was given: pass one with --accounts FILE"
        else:
            reason = f"no {channel.noun} is known in these logs"
        off.append(ChannelOff(channel=channel.name, reason=reason))
    return tuple(off)
