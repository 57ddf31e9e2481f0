"""Frozen settings. They read nothing themselves: the command line gathers file, environment and flags."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SketchSettings(_Frozen):
    """How a text becomes a sketch (design §5). Sketches made under other settings cannot be compared."""

    shingle_words: Literal[4] = 4
    max_words: int = Field(default=220, ge=16, le=2_000, description="words of a text that are shingled")
    sampling: Literal[1, 2] = Field(default=1, description="keep one shingle in this many, chosen by its hash")


class WindowSettings(_Frozen):
    """Which stretch is tested and against what (detection.md §4)."""

    tested_days: float | None = Field(
        default=None, gt=0, description="tested stretch; default: the last 7 days, or the last quarter of a shorter log"
    )
    look_back_windows: int = Field(default=2, ge=1, description="look-back before every window, in windows")
    target: Share = Field(
        default=0.05, description="false-alarm target per scan, all windows, scales and paths together"
    )


class CoreSettings(_Frozen):
    """Template cores (detection.md §6 A)."""

    min_principals: int = Field(
        default=4, ge=3, description="principals that must share a core before it is a candidate"
    )
    min_shingles: int = Field(default=4, ge=2, description="shingles a core must hold at sampling 1")
    max_look_back_principals: int = Field(
        default=1, ge=0, description="a shingle seen in more principals than this in the look-back is not novel"
    )
    jaccard: Share = Field(
        default=0.5, description="shingles join a core when their sets of items overlap by this much"
    )


class ConditionalSettings(_Frozen):
    """Tests of a candidate's payment, network and reasoning blocks (detection.md §4)."""

    max_candidates: int = Field(default=20, ge=1, description="candidates tested per path, the best by content")
    permutations: int = Field(default=9_999, ge=99)


class WatchSettings(_Frozen):
    """The live alarm of `gauger watch` (docs/decisions/0014)."""

    alpha: Share = Field(default=0.05, description="probability that traffic as it was before ever raises an alarm")
    stretch_hours: tuple[Literal[1, 2, 3, 4, 6, 8, 12, 24], ...] = Field(
        default=(1, 6, 24), min_length=1, description="lengths of the stretches that are scored; `alpha` is split"
    )
    gap_days: int = Field(
        default=2, ge=1, description="days before a day that are not looked back on: so long a template stays new"
    )
    look_back_days: int = Field(default=5, ge=1, description="days before the gap that say what is new")
    lateness_minutes: float = Field(
        default=10, ge=0, description="an exchange that comes so long after its hour ended is late"
    )
    filter_bits: int = Field(
        default=22, ge=10, le=30, description="a day's filter has 2 to this power cells, of four bytes"
    )


class Settings(_Frozen):
    """Everything that changes a result: equal settings, rows, seed, `now` and key give the same bytes."""

    seed: int = Field(default=1, ge=0)
    sketch: SketchSettings = SketchSettings()
    windows: WindowSettings = WindowSettings()
    core: CoreSettings = CoreSettings()
    conditional: ConditionalSettings = ConditionalSettings()
    watch: WatchSettings = WatchSettings()
    threads: int = Field(default=0, ge=0, description="0: one per core")
    max_bad: float = Field(default=0.01, ge=0, le=1, description="share of rows that may be bad")
    max_record_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    account_fields: tuple[str, ...] = Field(
        default=("user_api_key_user_id", "user_api_key_team_id", "user_api_key_hash"),
        description="LiteLLM: the account is the first of these that is not empty",
    )
