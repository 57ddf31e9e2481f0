"""Who owns rows in memory: what rows state of their owners is looked up by its code, and kept while rows need it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.evidence.mining import distinct
from gauger.exchanges.principals import principals
from gauger.sketches.schema import SKETCH_SCHEMA

Codes = NDArray[np.int32]

_STATED = ("account_id", "principal_id", "organisation_id")
_SCHEMA = pa.schema([SKETCH_SCHEMA.field(name) for name in _STATED])
_Said = tuple[str, str | None, str | None]


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
    _said: dict[int, _Said] = field(default_factory=dict)
    _code: dict[_Said, int] = field(default_factory=dict)
    _new: Iterator[int] = field(default_factory=count)
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
        stated = rows.select(_STATED).take(first).to_pylist()
        return np.array([self._code_of(tuple(one.values())) for one in stated], np.int32)[number]

    def forget(self, stated: Codes) -> None:
        """Forget what none of these codes stands for."""
        used = set(distinct(stated).tolist())
        self._said = {code: said for code, said in self._said.items() if code in used}
        self._code = {said: code for code, said in self._said.items()}
        self._principal = {codes: name for codes, name in self._principal.items() if used.issuperset(codes)}

    def owned(self, stated: Codes) -> Owned:
        """Return the owners of rows that state this; what each account states counts together."""
        used = distinct(stated)
        names = [self._said[code][0] for code in used.tolist()]
        codes: dict[str, tuple[int, ...]] = {}
        for code, name in zip(used.tolist(), names, strict=True):
            codes[name] = (*codes.get(name, ()), code)
        self._learn([one for one in codes.values() if one not in self._principal])
        account_ids = sorted(codes)
        owners = [self._principal[codes[name]] for name in account_ids]
        place = {name: at for at, name in enumerate(account_ids)}
        account = np.array([place[name] for name in names], np.int32)[np.searchsorted(used, stated)]
        principal_ids = sorted(set(owners))
        place = {name: at for at, name in enumerate(principal_ids)}
        return Owned(
            account_ids=tuple(account_ids),
            principal_ids=tuple(principal_ids),
            account=account,
            principal=np.array([place[name] for name in owners], np.int32)[account],
        )

    def _code_of(self, said: _Said) -> int:
        if said not in self._code:
            code = next(self._new)
            self._said[code], self._code[said] = said, code
        return self._code[said]

    def _learn(self, unknown: Sequence[tuple[int, ...]]) -> None:
        """Find out the principals of accounts, each of which states this."""
        if not unknown:
            return
        said = [dict(zip(_STATED, self._said[code], strict=True)) for codes in unknown for code in codes]
        names = [self._said[codes[0]][0] for codes in unknown]
        # Of the account table what is asked for: it has 100,000 accounts, an hour few.
        table = None
        if self.accounts is not None:
            places = map(self._place_in_table.get, names)
            table = self.accounts.take(pa.array([place for place in places if place is not None], pa.int64()))
        owners = principals(pa.Table.from_pylist(said, _SCHEMA), table)
        found = dict(zip(*owners.to_pydict().values(), strict=True))
        self._principal.update({codes: found[name] for codes, name in zip(unknown, names, strict=True)})
