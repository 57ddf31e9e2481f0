"""How a run of questions is looked at while it is asked: `looks.json`, pinned before the first answer.

A plan that is chosen when there are answers may follow from what they showed, and no p-value would hold.
"""

from pathlib import Path
from typing import Final

import msgspec

from gauger.errors import UsageError, WorkspaceError
from gauger.store.durable import put_in_place, storage_errors, write_file
from gauger.store.query_runs import QueryRun

SCHEMA: Final = "gauger/query-looks/1"
LOOKS: Final = "looks.json"


class LookPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Looks at `first_look`, twice, four times as many answers. Keys are named by their commitments, never held.

    Attributes
    ----------
    first_look
        Answers at the first.
    alpha, n_tests
        Level of a proof, and the tests it is shared by.
    null_keys
        Other keys at each look.
    commitments
        Of the keys looked for.
    tokenizer_sha256
        Of the file that makes tokens of answers.
    """

    schema: str = SCHEMA
    first_look: int
    alpha: float
    n_tests: int
    null_keys: int
    commitments: list[str]
    tokenizer_sha256: str


def pin_looks(run: QueryRun, plan: LookPlan) -> None:
    """Write the plan down before anything is answered; later it must be the same.

    Raises
    ------
    UsageError
        Another plan was made, or there are answers and none was.
    WorkspaceError
        It is damaged or cannot be written.
    """
    held = read_looks(run.folder)
    if held is None and run.answers:
        raise UsageError(
            "there are answers already, and looks must be planned before the first",
            where=str(run.folder),
            todo="begin a new run, or leave --sequential out here and test with `gauger prove radioactivity`",
        )
    if held not in (None, plan):
        raise UsageError(
            "other looks were planned before the first answer: keys, level, sizes or tokenizer differ",
            where=str(run.folder),
            todo="give the same as then, or begin a new run",
        )
    if held is None:
        path = run.folder / LOOKS
        with storage_errors(path):
            write_file(path.with_name(f"{LOOKS}.new"), msgspec.json.format(msgspec.json.encode(plan)) + b"\n")
            put_in_place(path.with_name(f"{LOOKS}.new"), path)


def read_looks(folder: Path) -> LookPlan | None:
    """Return the plan of a run; None where it is not looked at while it is asked.

    Raises
    ------
    WorkspaceError
        It is damaged.
    """
    path = folder / LOOKS
    with storage_errors(path):
        content = path.read_bytes() if path.exists() else None
    try:
        return None if content is None else msgspec.json.decode(content, type=LookPlan)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WorkspaceError(
            "the plan of looks is damaged", where=str(path), todo="restore it from a backup, or begin a new run"
        ) from None
