"""Where the files beside a report lie, seen from the report itself."""

from dataclasses import dataclass, fields

from gauger.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Relative names of the files beside `index.html`; None where a run did not write one.

    Raises
    ------
    UsageError
        A name is not relative: a report must read the same wherever its folder is copied, and reach no network.
    """

    findings: str | None = "findings.json"
    accounts_csv: str | None = "accounts.csv"
    accounts: str | None = "accounts.parquet"
    exchanges: str | None = "exchanges.parquet"
    quarantine: str | None = "quarantine.parquet"

    def __post_init__(self) -> None:
        for field in fields(self):
            name = getattr(self, field.name)
            if name is not None and (not name or name.startswith(("/", "\\")) or ":" in name):
                raise UsageError(
                    f"{name!r} is not a relative file name",
                    where=f"ReportFiles.{field.name}",
                    todo="give the name as seen from the folder of the report",
                )
