"""Who owns rows in memory: what rows state of their owners is kept once, and looked up by its code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.evidence.mining import distinct
from gauger.exchanges.principals import principals
from gauger.sketches.schema import SKETCH_SCHEMA

Codes = NDArray[np.int32]

_STATED = ("account_id", "principal_id", "organisation_id")


@dataclass(frozen=True, slots=True)
class Owned:
    """The account and the principal of each row, by code; codes follow the sorted ids."""

    account_ids: tuple[str, ...]
    principal_ids: tuple[str, ...]
    account: Codes
    principal: Codes


@dataclass(slots=True)
class Stated:
    """What rows state of their owners, by code.

    Attributes
    ----------
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    """

    accounts: pa.Table | None
    _code: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    _table: pa.Table = field(default_factory=lambda: SKETCH_SCHEMA.empty_table().select(_STATED))
    _account: list[str] = field(default_factory=list)
    #: The principal of an account that states these, and no others.
    _principal: dict[tuple[int, ...], str] = field(default_factory=dict)
    _place_in_table: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.accounts is not None:
            self._place_in_table = {name: at for at, name in enumerate(self.accounts["account_id"].to_pylist())}

    def codes(self, rows: pa.Table) -> Codes:
        """Return the code of what each row states of its account, principal and organisation: int32[n]."""
        number = np.zeros(len(rows), np.int64)
        for name in _STATED:
            column = rows[name].combine_chunks().dictionary_encode()
            number = number * (len(column.dictionary) + 1) + pc.fill_null(column.indices, -1).to_numpy() + 1
            number = np.unique(number, return_inverse=True)[1]  # small again
        first = np.unique(number, return_index=True)[1]
        stated = rows.select(_STATED).take(first)
        n_before = len(self._code)
        code = [self._code.setdefault(tuple(one.values()), len(self._code)) for one in stated.to_pylist()]
        new = stated.filter(pa.array(np.array(code, np.int32) >= n_before))
        self._table = pa.concat_tables([self._table, new]).combine_chunks()
        self._account += new["account_id"].to_pylist()
        return np.array(code, np.int32)[number]

    def owned(self, stated: Codes) -> Owned:
        """Return the owners of rows that state this; what each account states counts together."""
        used = distinct(stated)
        codes: dict[str, tuple[int, ...]] = {}
        for code in used.tolist():
            name = self._account[code]
            codes[name] = (*codes.get(name, ()), code)
        self._learn([one for one in codes.values() if one not in self._principal])
        account_ids = sorted(codes)
        names = [self._principal[codes[name]] for name in account_ids]
        place = {name: at for at, name in enumerate(account_ids)}
        account = np.empty(len(self._account), np.int32)
        account[used] = [place[self._account[code]] for code in used.tolist()]
        account = account[stated]
        principal_ids = sorted(set(names))
        place = {name: at for at, name in enumerate(principal_ids)}
        return Owned(
            account_ids=tuple(account_ids),
            principal_ids=tuple(principal_ids),
            account=account,
            principal=np.array([place[name] for name in names], np.int32)[account],
        )

    def _learn(self, unknown: Sequence[tuple[int, ...]]) -> None:
        """Find out the principals of accounts, each of which states this."""
        if not unknown:
            return
        said = self._table.take([code for codes in unknown for code in codes])
        names = [self._account[codes[0]] for codes in unknown]
        # Of the account table what is asked for: it has 100,000 accounts, an hour few.
        table = None
        if self.accounts is not None:
            places = map(self._place_in_table.get, names)
            table = self.accounts.take(pa.array([place for place in places if place is not None], pa.int64()))
        found = dict(zip(*principals(said, table).to_pydict().values(), strict=True))
        self._principal.update({codes: found[name] for codes, name in zip(unknown, names, strict=True)})
