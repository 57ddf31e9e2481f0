"""Looks in the loop of `gauger prove query`: the test of `gauger prove radioactivity --sequential`, while one asks."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.pipeline import Progress
    from gauger.proof.cells import Answer
    from gauger.proof.examination import KeyInQuestion
    from gauger.proof.radioactivity import Look
    from gauger.sources.tokenizers import Encode
    from gauger.store.query_looks import LookPlan
    from gauger.store.query_runs import QueryRun

#: Options that mean something only where one looks.
OPTIONS: Final = ("campaign", "tokenizer", "first_look", "alpha", "tests", "workspace", "threads")


class LookedAt(msgspec.Struct, frozen=True, kw_only=True):
    """The looks at one key so far; `e_value` of the last against `LooksReport.enough`."""

    key: str
    looks: "list[Look]"


class LooksReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the looks of a run say: how large an e-value must be, whether one is, and each key's."""

    first_look: int
    enough: float
    is_sure: bool
    keys: list[LookedAt]


@dataclass(frozen=True, slots=True)
class Looking:
    """Looks at what a run holds, by its plan.

    Attributes
    ----------
    plan
        As it is pinned.
    keys
        Those looked for.
    encode
        Makes tokens of text, by our model's tokenizer.
    threads
        How many score; the result does not depend on it.
    """

    plan: "LookPlan"
    keys: "Sequence[KeyInQuestion]"
    encode: "Encode"
    threads: int

    @property
    def enough(self) -> float:
        """The e-value at which asking ends: one over the level, shared by the tests."""
        return self.plan.n_tests / self.plan.alpha

    def nothing(self) -> LooksReport:
        """Return what there is to say before the first look."""
        keys = [LookedAt(key=key.name, looks=[]) for key in self.keys]
        return LooksReport(first_look=self.plan.first_look, enough=self.enough, is_sure=False, keys=keys)

    def report(self, run: "QueryRun", progress: "Progress") -> LooksReport:
        """Return what is seen at every look there are answers for, as `gauger prove radioactivity` will see it."""
        from gauger.proof.examination import Plan, Subject, examine

        subject = Subject("looks", "suspect", self._answers(run))
        plan = Plan("plain", self.plan.null_keys, self.plan.first_look, enough=self.enough)
        rows = examine([subject], self.keys, plan, threads=self.threads, progress=progress)
        return LooksReport(
            first_look=self.plan.first_look,
            enough=self.enough,
            is_sure=any(row.looks[-1].e_value >= self.enough for row in rows if row.looks),
            keys=[LookedAt(key=row.key, looks=row.looks) for row in rows],
        )

    def _answers(self, run: "QueryRun") -> "list[Answer]":
        import numpy as np

        from gauger.cli.answers import in_tokens
        from gauger.proof.cells import Answer
        from gauger.store.query_runs import read_run

        _, questions, answers, _ = read_run(run.folder)
        pairs = in_tokens(questions, answers, self.encode)
        return [Answer(np.array(said, np.int64), np.array(prompt, np.int64)) for prompt, said in pairs]


def prepare(
    campaigns: Sequence[str],
    tokenizer: Path | None,
    workspace: Path | None,
    *,
    first_look: int,
    alpha: float,
    n_tests: int | None,
    threads: int | None,
) -> Looking:
    """Return how a run will be looked at.

    Raises
    ------
    UsageError
        No campaign or tokenizer is named, the level is none, or there are fewer tests than keys.
    """
    from gauger.cli.keys_in_question import keys_in_question
    from gauger.proof.looks import sequential_null_keys
    from gauger.proof.radioactivity import check_alpha
    from gauger.sources.tokenizers import load_tokenizer
    from gauger.store.query_looks import LookPlan
    from gauger.store.query_runs import hash_of

    if not campaigns or tokenizer is None:
        raise UsageError(
            "looks need a key and a tokenizer",
            where="--sequential",
            todo="say whose key by --campaign, and give your model's tokenizer.json by --tokenizer",
        )
    check_alpha(alpha)
    keys, encode = keys_in_question(campaigns, workspace).in_question, load_tokenizer(tokenizer)
    tests = len(keys) if n_tests is None else n_tests
    if tests < len(keys):
        raise UsageError(
            f"there are {len(keys)} keys to look for, and {tests} tests", where="--tests", todo="count every key"
        )
    plan = LookPlan(
        first_look=first_look,
        alpha=alpha,
        n_tests=tests,
        null_keys=sequential_null_keys(alpha, tests),
        commitments=[key.commitment for key in keys],
        tokenizer_sha256=hash_of(tokenizer.read_bytes()),
    )
    return Looking(plan, keys, encode, threads or os.cpu_count() or 1)


def looks_text(report: LooksReport) -> list[str]:
    """Return what is printed of the looks."""
    said = []
    for one in report.keys:
        seen = ", ".join(f"{look.e_value:.3g} after {look.n_answers:,} answers" for look in one.looks)
        said.append(f"Key {one.key}: e-value {seen or 'none yet'}; {report.enough:,.0f} is sure.")
    if report.is_sure:
        said.append(
            "Sure, so asking ended. This is no verdict: test it beside controls, with"
            f" `gauger prove radioactivity --sequential --first-look {report.first_look}`."
        )
    return said
