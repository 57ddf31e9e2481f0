"""The committed keys of campaigns, as the tests of a suspect take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gauger.proof.commitments import Entry
    from gauger.proof.examination import KeyInQuestion
    from gauger.store.watermark_keys import WatermarkKeys


@dataclass(frozen=True, slots=True)
class Held:
    """The keys in question, with the whole log, plans of canaries too, and what signs."""

    entries: "list[Entry]"
    in_question: "list[KeyInQuestion]"
    log: "list[Entry]"
    keys: "WatermarkKeys"


def keys_in_question(campaigns: Sequence[str], workspace: Path | None) -> Held:
    """Return every rotation of these campaigns' keys, from a log that was verified."""
    from gauger.cli.keys import watermark_keys
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.proof.commitments import newest
    from gauger.proof.examination import KeyInQuestion
    from gauger.proof.keys import key_words

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        held = watermark_keys(session)
        log = held.entries()
        marking = [entry for entry in log if not entry.terms.is_canary]
        for campaign in campaigns:
            newest(marking, campaign)
        entries = [entry for entry in marking if entry.campaign in campaigns]
        secret = [held.key(entry) for entry in entries]
    schemes = [entry.terms.watermark() for entry in entries]
    in_question = [
        KeyInQuestion(entry.name, scheme, key_words(key, scheme.n_words), entry.commitment)
        for entry, scheme, key in zip(entries, schemes, secret, strict=True)
    ]
    return Held(entries, in_question, log, held)
