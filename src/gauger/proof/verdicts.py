"""What a test lets one say, by rule: four words, one sentence, and what it does not say.

A proof is of training on marked text, not of who took it. No detection proves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from gauger.evidence.records import p_text

Word = Literal["proof", "strong evidence", "consistent with", "nothing detected", "withheld"]

#: Adjusted p-values up to these carry the two lesser words. Conventional levels, not derived ones.
STRONG: Final = 1e-3
CONSISTENT: Final = 0.05
#: Level, over all controls, at which an unrelated model shows a key: one report in a hundred is withheld for nothing.
CONTROL_ALARM: Final = 0.01
#: Unrelated models that a proof needs beside it, to tell a key that was learnt from one that all models seem to show.
MIN_CONTROLS: Final = 3

#: Said of detections as such, where a report explains itself.
DETECTED_MEANS: Final = (
    "A proof is of training on text that carries the key, not of who took that text. An endpoint that relays to the"
    " marked service, or repeats its answers, shows the key without training. A weaker word proves neither."
)
NOTHING_MEANS: Final = (
    "That proves nothing: a model trained on marked text can show no mark, for the text was paraphrased, diluted, or"
    " served under a wide context."
)
CANARY_NOTHING_MEANS: Final = (
    "That proves nothing: a model trained on text with our choices can show none, for they were scrubbed, paraphrased,"
    " diluted, or not followed."
)
NOT_STATED: Final = "(not stated)"
#: Said where the operator names no others.
OTHER_ROUTES: Final = (
    "publication or resale by those it was served to, a shared log or data set, a proxy in between, a leak of the key"
)

_CLAIM: Final[dict[Word, str]] = {
    "proof": "Proof at alpha = {alpha}: {suspect} was trained on text carrying key {key}",
    "strong evidence": "Strong evidence that {suspect} was trained on text carrying key {key}",
    "consistent with": "Consistent with {suspect} having been trained on text carrying key {key}",
}
_IF_SHOWN: Final = (
    "Were it shown beyond doubt, it would mean training on text that carries the key, not who took that text."
)
#: What each claim means; a proof alone says that it proves.
_MEANS: Final[dict[Word, str]] = {
    "proof": (
        "This proves training on text that carries the key, not who took that text; unless the suspect is an endpoint"
        " that relays to the marked service or repeats its answers, which shows the key without training."
    ),
    "strong evidence": _IF_SHOWN,
    "consistent with": _IF_SHOWN,
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What is said of one kind of mark: where none is detected, and what a control that shows it puts in doubt."""

    nothing_means: str
    in_doubt: str


WATERMARK: Final = Mark(NOTHING_MEANS, "the text, the tokens or the key's secrecy")
CANARIES: Final = Mark(CANARY_NOTHING_MEANS, "the answers or the secrecy of the picks")


@dataclass(frozen=True, slots=True)
class Served:
    """The operator's own statement of where text under a key went; None where nothing is stated."""

    to: str | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    other_routes: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A test of one key on an unrelated model; `is_able` where it could have shown the key, had it been there."""

    model: str
    p_value: float
    is_able: bool = True


@dataclass(frozen=True, slots=True)
class Controls:
    """What was tested for one key beside the suspects.

    Attributes
    ----------
    negative
        Tests of this key on unrelated models, by every method.
    positive
        p-values of a student known to be trained on text under this key; empty without one.
    n_tests
        Tests of unrelated models in the whole report, under all keys.
    """

    negative: Sequence[Control] = ()
    positive: Sequence[float] = ()
    n_tests: int = 0

    @property
    def fired(self) -> str | None:
        """The unrelated model that shows this key, at `CONTROL_ALARM` over the controls of all keys (Bonferroni)."""
        first = min(self.negative, key=lambda one: one.p_value, default=None)
        is_shown = first is not None and first.p_value * max(self.n_tests, len(self.negative)) <= CONTROL_ALARM
        return first.model if first is not None and is_shown else None

    @property
    def able_models(self) -> frozenset[str]:
        """The unrelated models that could have shown the key: those that could not are no controls."""
        return frozenset(one.model for one in self.negative if one.is_able)

    @property
    def has_power(self) -> bool | None:
        """Whether the positive control shows the key; None without one."""
        return min(self.positive) <= STRONG if self.positive else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the sentence, and why the word is no stronger where the p-value alone would carry more."""

    word: Word
    sentence: str
    held_back: tuple[str, ...]


def judge(
    *,
    suspect: str,
    key: str,
    adjusted: float,
    alpha: float,
    committed_at: datetime,
    served: Served,
    controls: Controls,
    mark: Mark = WATERMARK,
) -> Verdict:
    """Return the verdict on one suspect and key.

    Parameters
    ----------
    suspect, key
        Their names.
    adjusted
        The p-value after Holm's correction.
    alpha
        Level of a proof.
    committed_at
        When the key entered the commitment log.
    served
        Where text under the key went.
    controls
        What was tested for this key beside.
    mark
        What kind of mark the key makes.
    """
    if (model := controls.fired) is not None:
        return Verdict(
            "withheld", _withheld(suspect, key, model, mark), (f"an unrelated model, {model}, shows key {key} too",)
        )
    lacking = tuple(_lacking(committed_at, served, controls)) if adjusted <= alpha else ()
    word = _word(adjusted, alpha, capped=bool(lacking))
    if word == "nothing detected":
        said = f"No mark of key {key} was detected in {suspect}, p = {p_text(adjusted)}. {mark.nothing_means}"
        return Verdict(word, f"{said}{_powerless(controls)}", ())
    claim = _CLAIM[word].format(alpha=f"{alpha:g}", suspect=suspect, key=key)
    return Verdict(word, f"{claim}, p = {p_text(adjusted)}; {_routes(key, served)} {_MEANS[word]}", lacking)


def _word(adjusted: float, alpha: float, *, capped: bool) -> Word:
    if adjusted <= alpha and not capped:
        return "proof"
    if adjusted <= STRONG:
        return "strong evidence"
    return "consistent with" if adjusted <= CONSISTENT else "nothing detected"


def _lacking(committed_at: datetime, served: Served, controls: Controls) -> list[str]:
    lacking = []
    if len(controls.able_models) < MIN_CONTROLS:
        lacking.append(
            f"a proof needs {MIN_CONTROLS} unrelated models as controls that could have shown the key;"
            f" there are {len(controls.able_models)}"
        )
    if served.since is None or served.to is None:
        lacking.append("a proof needs a statement of to whom, and from when, text under the key was served")
    elif served.since < committed_at:
        lacking.append("text under the key was served before the key was committed to")
    return lacking


def _routes(key: str, served: Served) -> str:
    since, until = (NOT_STATED if one is None else _time(one) for one in (served.since, served.until))
    return (
        f"{key} was served only to {served.to or NOT_STATED} from {since} to {until};"
        f" other routes by which that text could reach a trainer: {served.other_routes or OTHER_ROUTES}."
    )


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _withheld(suspect: str, key: str, model: str, mark: Mark) -> str:
    return (
        f"No verdict on {suspect} and key {key}: an unrelated model, {model}, shows key {key} too, so"
        f" {mark.in_doubt} are not what this test takes them for."
    )


def _powerless(controls: Controls) -> str:
    if controls.has_power is False:
        return " Here least of all: the positive control shows no mark either, so this test had no power."
    return ""
