"""Whether the figures of a report are ones that its tests can have given, by the report alone."""

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from scipy import stats

from gauger.errors import SettingsError, UsageError
from gauger.evidence.permutation import BATCH, ENOUGH
from gauger.evidence.records import rounded_up
from gauger.proof.document import Document
from gauger.proof.examination import Row
from gauger.proof.looks import check_sequential_null_keys, look_sizes
from gauger.proof.radioactivity import N_WRONG_KEYS, check_alpha, check_null_keys
from gauger.proof.schemes import Scheme
from gauger.proof.sequential import weight_of_look

if TYPE_CHECKING:
    from gauger.proof.evidence import Evidence

#: p-values are written to six digits, rounded up: so much larger they may be than what they stand for.
_ROUNDING: Final = 1.0001e-5
#: z-scores are written to three decimals: so far off they may be, with a rounding error of their own.
_Z_ROUNDING: Final = 0.00051


def inputs_fault(evidence: "Evidence") -> str | None:
    """Return what is wrong with who was tested, or None: every input under every key, and nobody else."""
    return next(_inputs_faults(evidence), None)


def _inputs_faults(evidence: "Evidence") -> Iterator[str]:
    report, inputs = evidence.report, [(one.role, one.name) for one in evidence.inputs]
    keys = {key.name for key in report.keys}
    asked = {(row.role, row.subject, row.method, row.key) for row in report.tests}
    tested = {(role, subject) for role, subject, _, _ in asked}
    hashes = [one.sha256 for one in evidence.inputs]
    hashes += [one.model_sha256 for one in evidence.inputs if one.model_sha256 is not None]
    methods = {(role, subject, method) for role, subject, method, _ in asked}
    if any(row.key not in keys for row in report.tests):
        yield "a test is of a key that the report does not name"
    if any(role == "suspect" and name != evidence.suspect for role, name in tested):
        yield "a test is of another suspect"
    if len(set(hashes)) < len(hashes) or len(set(inputs)) < len(inputs):
        yield "an input was given twice"
    if tested != set(inputs):
        yield "what was tested is not what the inputs are"
    if len(asked) < len(report.tests):
        yield "a test stands twice"
    if len(asked) < len(methods) * len(keys):
        yield "a model was not tested under every key"


def figures_fault(report: Document, suspect: str) -> str | None:
    """Return what is wrong with the figures, or None."""
    if (fault := _plan_fault(report)) is not None:
        return fault
    claims = [row for row in report.tests if row.role == "suspect"]
    if not claims or len(claims) > report.n_tests:
        return f"there is no test of {suspect}, or there are more than was corrected for"
    try:
        schemes = {key.name: key.terms.watermark() for key in report.keys}
    except (UsageError, SettingsError):
        return "a key is of no scheme"
    for row in report.tests:
        faults = chain(_row_faults(row, report), _look_faults(row, report), _tail_faults(row, schemes[row.key]))
        if (fault := next(faults, None)) is not None:
            return fault
    return _holm_fault(claims, report.n_tests)


def _plan_fault(report: Document) -> str | None:
    try:
        check_alpha(report.alpha)
    except UsageError:
        return "its alpha is no level of a proof"
    check = check_null_keys if report.first_look is None else check_sequential_null_keys
    try:
        check(report.null_keys, alpha=report.alpha, n_tests=report.n_tests)
    except UsageError:
        return "so few other keys cannot carry a verdict at its alpha"
    return None if report.first_look is None or report.first_look >= 1 else "its first look is none"


def _row_faults(row: Row, report: Document) -> Iterator[str]:
    p_value, n = row.p_value, row.n_null_keys
    if p_value == 0:
        yield "a p-value is none"
    if n > report.null_keys:
        yield "a test drew more other keys than the report says"
    if row.method == "plain" and row.n_cells > row.n_positions:
        yield "a number of cells is none"
    if (row.adjusted_p_value is None) == (row.role == "suspect"):
        yield "a control has a corrected p-value, or a suspect has none"
    if not row.n_cells and (n, row.z_score, row.tail_p_value, row.wrong_keys) != (0, None, 1.0, []):
        yield "a test without cells says something"
    if not _is_possible(row, report.null_keys):
        yield "a p-value is not what its test could give"
    if not _are_ranks(row.wrong_keys, n):
        yield "p-values of wrong keys are not what their test could give"


def _is_possible(row: Row, null_keys: int) -> bool:
    """Return whether this is the p-value of the last look, or one that drawing other keys can end with."""
    if row.looks:
        last = row.looks[-1].e_value
        is_reachable = last <= (null_keys + 1) * (1 + _ROUNDING)
        return is_reachable and row.p_value == rounded_up(1 / last if last > 1 else 1.0)
    if not row.n_cells:
        return row.p_value == 1
    n = row.n_null_keys
    if row.p_value * (n + 1) < 1 - _ROUNDING:
        return False
    if n == null_keys and _is_rank(row.p_value, n + 1, most=ENOUGH):
        return True
    # Drawing ended early: in the last batch, at the draw that was the twentieth to fit as well.
    drawn = round(ENOUGH / row.p_value)
    ended = [one for one in (drawn - 1, drawn, drawn + 1) if max(ENOUGH, n - BATCH + 1) <= one <= n]
    is_whole = n == null_keys or n % BATCH == 0
    return is_whole and any(row.p_value == rounded_up(ENOUGH / one) for one in ended)


def _are_ranks(p_values: Sequence[float], n: int) -> bool:
    """Return whether these are the p-values of the first of n keys, each among all of them."""
    return len(p_values) == min(N_WRONG_KEYS, n) and all(_is_rank(one, n, most=n) for one in p_values)


def _is_rank(p_value: float, n: int, *, most: int) -> bool:
    """Return whether a p-value is k/n for a k from 1 to `most`."""
    near = math.floor(p_value * n)
    return any(1 <= k <= most and p_value == rounded_up(k / n) for k in (near - 1, near, near + 1))


def _look_faults(row: Row, report: Document) -> Iterator[str]:
    """Yield what is wrong with the looks at a suspect. Nobody else is looked at more than once."""
    if report.first_look is None or row.role != "suspect":
        if row.looks:
            yield "a model was looked at more often than the report says"
        return
    sizes, values = [one.n_answers for one in row.looks], [one.e_value for one in row.looks]
    if not sizes or sizes != look_sizes(sizes[-1], report.first_look):
        yield "looks are not where the plan has them"
    most_gains = _most_gains(len(values), report)
    if any(not 0 <= gain <= most for gain, most in zip(_gains(values), most_gains, strict=True)):
        yield "an e-value is not what its look could give"
    if any(one >= report.n_tests / report.alpha for one in values[:-1]):
        yield "looking went on after it was sure"
    if row.n_cells and row.n_null_keys != report.null_keys:
        yield "a look drew fewer other keys than the report says"


def _gains(values: Sequence[float]) -> list[float]:
    return [after - before for before, after in zip([0.0, *values], values, strict=False)]


def _most_gains(n_looks: int, report: Document) -> Iterator[float]:
    """Yield how much each look can add: its weight times the number of all keys."""
    most = (report.null_keys + 1) * (1 + _ROUNDING)
    return (weight_of_look(look) * most for look in range(1, n_looks + 1))


def _tail_faults(row: Row, scheme: Scheme) -> Iterator[str]:
    """Yield what is wrong with the formula's tail: it follows from the z-score."""
    if not row.n_cells:
        return
    if row.z_score is None:
        yield "a z-score is none"
        return
    low, high = (_tail(row, scheme, row.z_score + shift) for shift in (_Z_ROUNDING, -_Z_ROUNDING))
    if not low * (1 - 1e-9) <= row.tail_p_value <= high * (1 + 1e-9):
        yield "a tail does not follow from its z-score"


def _tail(row: Row, scheme: Scheme, z_score: float) -> float:
    if row.method == "teacher":
        return float(stats.norm.sf(z_score))
    n = row.n_cells
    return scheme.tail(scheme.mean * n + z_score * scheme.sd * math.sqrt(n), n)


def _holm_fault(claims: Sequence[Row], n_tests: int) -> str | None:
    """Return what is wrong with the corrected p-values, or None.

    The bundle of one suspect leaves the others out. Those may have had smaller p-values than any of its own, or larger
    ones: between the two lies what Holm's correction can have given. Where nobody was left out, it is exact.
    """
    ranked = sorted(claims, key=lambda row: row.p_value)
    least = most = 0.0
    for rank, row in enumerate(ranked):
        least = max(least, min(1.0, (len(claims) - rank) * row.p_value))
        most = max(most, min(1.0, (n_tests - rank) * row.p_value))
        adjusted = row.adjusted_p_value
        if adjusted is None or not least * (1 - _ROUNDING) <= adjusted <= min(1.0, most * (1 + _ROUNDING)):
            return "a p-value is not corrected as its number of tests allows"
    return None
