"""Live alarms, and what the next scan says of each. An alarm is a statement of its own, never a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gauger.campaigns.live import Stretch
from gauger.campaigns.tracking import Known, identify, new_identity
from gauger.campaigns.windows import Window

#: An alarm is of a finding when this share of its accounts is listed there (or by `identify`).
SAME_ACCOUNTS = 0.5

FateKind = Literal["confirmed", "widened", "observed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A live alarm.

    Attributes
    ----------
    alarm_id
        "a-" and 12 letters and digits; it is raised again under the same id while the group is the same.
    stretch
        The stretch that raised it.
    """

    alarm_id: str
    stretch: Stretch


@dataclass(frozen=True, slots=True)
class Fate:
    """What a scan says of an alarm.

    Attributes
    ----------
    kind
        "confirmed": a finding of verdict *supported* or *campaign* holds its group. "widened": it does, and lists more
        accounts. "observed": a finding holds it, and nothing certifies it. "withdrawn": no finding holds it.
    finding_id, verdict
        The finding; None where there is none.
    n_more
        Accounts of the finding that the alarm did not name.
    """

    kind: FateKind
    finding_id: str | None = None
    verdict: str | None = None
    n_more: int = 0


def named(stretch: Stretch, earlier: Sequence[Alarm]) -> Alarm:
    """Return the alarm of a stretch, under the id of the earlier alarm it continues."""
    known = [Known(one.alarm_id, one.stretch.accounts, one.stretch.shingles) for one in earlier]
    same = identify(stretch.accounts, stretch.shingles, known) if stretch.accounts else None
    if same is None:
        taken = {"c" + one.alarm_id.removeprefix("a") for one in earlier}
        same = "a" + new_identity(stretch.accounts, stretch.shingles, taken=taken).removeprefix("c")
    return Alarm(same, stretch)


def fate(alarm: Alarm, found: Sequence[Known], verdicts: Mapping[str, str], tested: Window) -> Fate | None:
    """Return what a scan says of an alarm; None where it did not test the alarm's stretch.

    Parameters
    ----------
    alarm
        The alarm.
    found
        The findings of the scan, the highest rank first.
    verdicts
        The verdict of each, by id.
    tested
        The stretch that was tested.
    """
    stretch = alarm.stretch
    if stretch.start_us < tested.start_us or stretch.end_us > tested.end_us:
        return None
    of_finding = {one.finding_id: one for one in found}
    held = [one.finding_id for one in found if len(one.accounts & stretch.accounts) >= _needed(stretch)]
    finding_id = next(iter(held), None) or identify(stretch.accounts, stretch.shingles, found)
    if finding_id is None:
        return Fate("withdrawn")
    verdict = verdicts[finding_id]
    n_more = len(of_finding[finding_id].accounts - stretch.accounts)
    kind: FateKind = "observed" if verdict == "observed" else "widened" if n_more else "confirmed"
    return Fate(kind, finding_id, verdict, n_more)


def _needed(stretch: Stretch) -> float:
    return max(1.0, SAME_ACCOUNTS * len(stretch.accounts))
