"""What `gauger explain` was asked about: a finding of a report, or an account."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from gauger.campaigns.findings import Finding, Findings
from gauger.cli.dossier_text import render_account, render_finding
from gauger.errors import InputError, UsageError
from gauger.store.durable import read_parquet

_FINDING_ID: Final = re.compile(r"c-[a-z2-7]{12}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about.

    Attributes
    ----------
    text
        What the report says of it.
    finding
        The finding whose exchanges can be shown; None for an account in no finding.
    first
        Accounts whose exchanges are shown first.
    """

    text: str
    finding: Finding | None
    first: tuple[str, ...]


def subject(
    name: str, findings: Findings, folder: Path, *, kept_forms: Callable[[str], list[str]], width: int
) -> Subject:
    """Return what a report says of a finding or an account.

    Parameters
    ----------
    name
        The id of either.
    findings, folder
        The report, and the folder it lies in.
    kept_forms
        Turns an id into the forms in which a report may have it.
    width
        Columns of the terminal.

    Raises
    ------
    UsageError
        It looks like a finding, and the report has none of that id.
    """
    found = next((one for one in findings.findings if one.finding_id == name), None)
    if found is not None:
        text = render_finding(found, findings, width=width)
        return Subject(text, found, tuple(one.account_id for one in found.accounts))
    if _FINDING_ID.fullmatch(name):
        known = ", ".join(one.finding_id for one in findings.findings) or "it has none at all"
        raise UsageError("the report has no such finding", where=name, todo=f"its findings: {known}")
    account = _in_report(name, findings, folder, kept_forms)
    holders = [one for one in findings.findings if any(member.account_id == account for member in one.accounts)]
    touched = _touched(folder, account)
    if not holders and not touched:
        return Subject(
            f"No finding of this report lists the account {name}. That is no clearance, and the log may not hold it.",
            None,
            (),
        )
    text = render_account(account, holders, touched, findings, width=width)
    return Subject(text, holders[0] if holders else None, (account,))


def _in_report(name: str, findings: Findings, folder: Path, kept_forms: Callable[[str], list[str]]) -> str:
    """Return an account's id as the report has it; the name itself where it has none of its forms."""
    listed = {member.account_id for one in findings.findings for member in one.accounts}

    def is_there(form: str) -> bool:
        return form in listed or bool(_touched(folder, form))

    return name if is_there(name) else next((form for form in kept_forms(name) if is_there(form)), name)


def everyone_near(folder: Path) -> frozenset[str]:
    """Return the accounts that any finding lists or touches: none of them is an innocent to compare with."""
    return frozenset(_read(folder / "accounts.parquet", ["account_id"])["account_id"].to_pylist())


def attribution(folder: Path) -> pa.Table:
    """Return the exchanges that a report attributes to its findings."""
    return _read(folder / "exchanges.parquet", None)


def _touched(folder: Path, account: str) -> list[str]:
    table = _read(folder / "accounts.parquet", ["finding_id", "account_id", "listed"])
    return [one["finding_id"] for one in table.to_pylist() if one["account_id"] == account and not one["listed"]]


def _read(path: Path, columns: list[str] | None) -> pa.Table:
    try:
        return read_parquet(path, columns)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "the table cannot be read", where=str(path), todo="name the whole result folder of a scan with --report"
        ) from error
