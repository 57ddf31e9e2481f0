"""What `verify` makes again of a bundle: real tests hold, whatever they gave, and doctored figures do not."""

import functools
import itertools
import json
import operator
import tracemalloc
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from scipy.stats import norm
from tests.unit.proof.test_evidence import (
    COMMITTED,
    FEW,
    KGW,
    PUBLIC,
    SERVED,
    SIGNER,
    VERSION,
    changed,
    found,
    log,
    resealed,
    row,
    verify,
)
from tests.unit.proof.worlds import as_answers, bigram, marked, random_keys, sample, templated, trained

from gauger.campaigns.calibration import holm
from gauger.errors import InputError
from gauger.evidence.records import rounded_up
from gauger.proof import evidence
from gauger.proof.document import write
from gauger.proof.evidence import EVIDENCE, MANIFEST, PAGE, Evidence, Manifest, input_file, piece, sealed, written
from gauger.proof.examination import KeyInQuestion, Plan, Subject, count_tests, examine
from gauger.proof.keys import Terms
from gauger.proof.looks import sequential_null_keys
from gauger.proof.page import render_evidence
from gauger.proof.plausible import inputs_fault
from gauger.proof.radioactivity import Look, required_null_keys
from gauger.proof.verdicts import Served
from gauger.proof.verification import verify as verified

ALPHA = 1e-3

__all__ = ["found"]  # a fixture


def evidence_of(rows, names=("C-17/1",), *, entries=None, **more) -> Evidence:
    """Return the evidence that these rows make, with an input for each model."""
    models = dict.fromkeys((one.role, one.subject) for one in rows)
    asked = [entry for entry in entries or log() if entry.name in names]
    return Evidence(
        schema=evidence.SCHEMA,
        made_at=COMMITTED + timedelta(days=99),
        gauger_version=VERSION,
        suspect=next(one.subject for one in rows if one.role == "suspect"),
        inputs=[input_file(role, name, name.encode()) for role, name in models],
        report=write(rows, asked, **({"alpha": ALPHA, "null_keys": 999, "n_tests": 1, "served": SERVED} | more)),
    )


@pytest.fixture(scope="module")
def world():
    """A student of marked text, two unrelated models, one that repeats itself and one that says nothing."""
    rng = np.random.default_rng(6)
    key = {entry.name: random_keys(rng, 1)[0] for entry in log()}
    teacher = bigram(rng, 60)
    scheme = log()[1].terms.watermark()
    student = trained(sample(rng, marked(teacher, scheme, key["C-17/1"]), 1_500), bigram(rng, 60))
    subjects = [
        Subject("suspect", "suspect", as_answers(sample(rng, student, 300), teacher)),
        *(Subject(f"c{n}", "control", as_answers(sample(rng, bigram(rng, 60), 60), teacher)) for n in range(2)),
        Subject("repeats", "control", as_answers(templated(rng, 60))),
        Subject("silent", "control", as_answers(np.zeros((60, 1), np.int64))),
        Subject("ours", "positive", as_answers(sample(rng, student, 100), teacher)),
    ]
    keys = [KeyInQuestion(entry.name, entry.terms.watermark(), key[entry.name], entry.commitment) for entry in log()]
    return subjects, keys


@pytest.mark.parametrize("methods", ["plain", "both"])
@pytest.mark.parametrize("first_look", [None, 40])
@pytest.mark.parametrize("who", ["suspect", "c1", "silent"])
def test_what_really_was_tested_holds(methods, first_look, who, world):
    """Guilty, innocent or silent, looked at once or often, by one method or two: nothing true is refused."""
    subjects, keys = world
    tested = [
        Subject(one.name, "suspect" if one.name == who else one.role.replace("suspect", "control"), one.answers)
        for one in subjects
    ]
    n_tests = count_tests(tested, keys, methods)
    draws = required_null_keys(ALPHA, n_tests) if first_look is None else sequential_null_keys(ALPHA, n_tests)
    rows = examine(tested, keys, Plan(methods, draws, first_look, enough=n_tests / ALPHA))
    names = tuple(key.name for key in keys)
    made = evidence_of(rows, names, null_keys=draws, n_tests=n_tests, first_look=first_look)
    assert verify(resealed(made))[1] == made


@pytest.mark.parametrize("scheme", ["gumbel", "synthid"])
def test_tests_of_every_scheme_hold(scheme, world):
    entries = log(Terms(scheme=scheme, context=2))
    watermark = entries[1].terms.watermark()
    key = random_keys(np.random.default_rng(1), 1, watermark.n_words)[0]
    asked = [KeyInQuestion("C-17/1", watermark, key, entries[1].commitment)]
    for methods, n_tests in (("plain", 1), ("both", 2)):
        draws = required_null_keys(ALPHA, n_tests)
        rows = examine(world[0], asked, Plan(methods, draws))
        made = evidence_of(rows, entries=entries, null_keys=draws, n_tests=n_tests)
        assert verify(resealed(made, entries))[1] == made


def looked(*values: float, n_answers=(250, 500, 1_000), **more) -> Evidence:
    """Return the evidence of a suspect that was looked at, e-value by e-value."""
    looks = [Look(n_answers=n, e_value=e) for n, e in zip(n_answers, values, strict=False)]
    p_value = dict.fromkeys(("p_value", "adjusted_p_value"), rounded_up(1 / values[-1])) | more
    rows = [
        row("s", "suspect", looks=looks, n_null_keys=3_999, **p_value),
        *(row(f"c{n}", "control", 0.5, **FEW) for n in range(3)),
    ]
    return evidence_of(rows, null_keys=3_999, first_look=250)


def test_looks_hold_and_the_page_shows_them():
    made = looked(600.0, 900.0, 1_100.0)
    files = resealed(made)
    assert verify(files)[1] == made
    assert "250 answers, e = 600; 500 answers, e = 900; 1,000 answers, e = 1.1e+03" in files[PAGE].decode()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: looked(600.0, 900.0, 1_100.0, n_answers=(250, 500, 900)), "not where the plan has them"),
        (lambda: looked(10.0, 400.0, n_answers=(500, 1_000)), "not where the plan has them"),
        (lambda: looked(10.0, 5.0), "not what its look could give"),
        (lambda: looked(2_500.0), "not what its look could give"),
        (lambda: looked(10.0, 800.0), "not what its look could give"),
        (lambda: looked(1_250.0, 1_600.0), "went on after it was sure"),
        (lambda: looked(10.0, 400.0, p_value=0.001, adjusted_p_value=0.001), "not what its test could give"),
    ],
)
def test_looks_that_no_plan_has_are_refused(made, said):
    with pytest.raises(InputError, match=said):
        verify(resealed(made()))


@pytest.mark.parametrize(
    ("number", "fields", "said"),
    [
        (0, {"p_value": 7.5e-7}, "not what its test could give"),  # between 1 and 2 of 2,000,000
        (0, {"p_value": 1.5e-5, "adjusted_p_value": 3e-5}, "not what its test could give"),  # twenty ended it before
        (0, {"n_null_keys": 1_000_000}, "not what its test could give"),  # ended early, and with one that fitted
        (1, {"n_null_keys": 251}, "not what its test could give"),
        (1, {"p_value": 0.49}, "not what its test could give"),
        (1, {"p_value": 0.01, "n_null_keys": 1_750}, "not what its test could give"),  # 20 of 2,000
        (1, {"wrong_keys": [0.3125, 0.772, 0.08, 0.52, 0.94]}, "wrong keys"),
        (1, {"wrong_keys": [0.312, 0.772, 0.08, 0.52]}, "wrong keys"),
        (1, {"wrong_keys": [0.0, 0.772, 0.08, 0.52, 0.94]}, "wrong keys"),
        (0, {"z_score": 19.0}, "a tail does not follow"),
        (0, {"tail_p_value": 1e-30}, "a tail does not follow"),
        (1, {"z_score": None}, "a z-score is none"),
        (1, {"z_score": 0.8, "method": "plain", "n_positions": 3}, "a number of cells is none"),
        (1, {"n_cells": 0}, "without cells says something"),
        (4, {"looks": [Look(n_answers=250, e_value=2e6)]}, "looked at more often"),
        (2, {"subject": "llama.jsonl"}, "not what the inputs are"),
        (2, {"subject": "another.jsonl"}, "not what the inputs are"),
        (2, {"role": "positive"}, "not what the inputs are"),
    ],
)
def test_doctored_figures_are_refused(number, fields, said, found):
    with pytest.raises(InputError, match=said):
        verify(resealed(changed(found, number, **fields), page="never looked at"))


@pytest.mark.parametrize(
    "fields",
    [
        {"p_value": 1e-320, "adjusted_p_value": 1e-320},
        {"wrong_keys": [1e308] * 5},
        {"looks": [Look(n_answers=250, e_value=1e308)]},
        {"looks": [Look(n_answers=2**62, e_value=-1e308)]},
        {"n_cells": 2**62, "n_positions": 2**62, "method": "plain"},
        {"n_cells": -1},
        {"z_score": 1e308},
        {"n_null_keys": -1},
    ],
)
@pytest.mark.parametrize("first_look", [None, 1, 0, -1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_absurd_figures_are_a_fault_of_the_bundle_and_none_of_ours(fields, first_look, found):
    made = changed(found, 0, **fields)
    report = msgspec.structs.replace(made.report, first_look=first_look)
    with pytest.raises(InputError):
        verify(resealed(msgspec.structs.replace(made, report=report), page="never looked at"))


def with_evidence(content: bytes, files: dict[str, bytes]) -> dict[str, bytes]:
    """Return a bundle with other evidence, whatever that is, signed."""
    manifest = msgspec.json.decode(files[MANIFEST], type=Manifest)
    pieces = [piece(one.name, content if one.name == EVIDENCE else files[one.name]) for one in manifest.files]
    manifest = msgspec.structs.replace(manifest, files=pieces)
    signed = msgspec.structs.replace(manifest, signature=SIGNER.sign(manifest.signed_bytes).hex())
    return {**files, EVIDENCE: content, MANIFEST: written(signed)}


def test_evidence_that_says_more_than_it_is_read_to_say_is_refused(found):
    """JSON may say a thing twice, or what nobody checks: one reader takes the first word, another the last."""
    files = resealed(found)
    evidence_as_it_is = files[EVIDENCE].decode()
    verify(with_evidence(files[EVIDENCE], files))
    for place, more in (('"p_value": 5e-7', '"p_value": 1e-99, '), ('"detection_means"', '"by a court": "guilty", ')):
        content = evidence_as_it_is.replace(place, more + place, 1).encode()
        with pytest.raises(InputError, match="not written as Gauger writes it"):
            verify(with_evidence(content, files))


def test_a_manifest_that_says_a_thing_twice_is_refused_without_its_signer(found):
    files = resealed(found)
    suspect = b'"suspect": "suspect.jsonl"'
    content = files[MANIFEST].replace(suspect, b'"suspect": "another.jsonl",\n  ' + suspect)
    with pytest.raises(InputError, match="not written as Gauger writes it"):
        verify({**files, MANIFEST: content})


def test_evidence_without_end_is_told(found):
    files = resealed(found)
    deep = b'"more": ' + b"[" * 50_000 + b"]" * 50_000 + b', "detection_means"'
    with pytest.raises(InputError, match="cannot be read"):
        verify(with_evidence(files[EVIDENCE].replace(b'"detection_means"', deep, 1), files))


@pytest.mark.parametrize(
    ("path", "number"),
    [
        (("tests", 0, "p_value"), 1e308),
        (("tests", 0, "n_cells"), 10**400),
        (("tests", 0, "n_positions"), 2**64),
        (("tests", 0, "wrong_keys", 0), -1e308),
        (("null_keys",), 10**400),
        (("n_tests",), 10**30),
        (("n_tests",), -1),
        (("first_look",), 10**400),
        (("keys", 0, "terms", "context"), 10**30),
    ],
)
def test_numbers_that_are_none_are_a_fault_of_the_bundle_and_none_of_ours(path, number, found):
    document = msgspec.to_builtins(found)
    *above, last = path
    functools.reduce(operator.getitem, above, document["report"])[last] = number
    with pytest.raises(InputError, match="cannot be read"):
        verify(with_evidence(json.dumps(document).encode(), resealed(found)))


@pytest.mark.parametrize("terms", [{"context": 0}, {"context": 99}, {"gamma": -1.0}, {"gamma": 1.0}])
def test_a_key_that_marks_nothing_is_a_fault_of_the_bundle(terms, found):
    key = msgspec.structs.replace(found.report.keys[0], terms=msgspec.structs.replace(KGW, **terms))
    report = msgspec.structs.replace(found.report, keys=[key])
    with pytest.raises(InputError, match="a key is of no scheme"):
        verify(resealed(msgspec.structs.replace(found, report=report), page="never looked at"))


def test_where_a_check_fails_the_bundle_does_not_hold(found, monkeypatch):
    def overflow(*_):
        raise OverflowError

    monkeypatch.setattr("gauger.proof.verification.figures_fault", overflow)
    with pytest.raises(InputError, match="no test gives such figures"):
        verify(resealed(found))


def test_of_thousands_of_keys_no_pairs_are_made(found):
    rows = [row(f"c{n}", "control", 0.5, key=f"k{n}", **FEW) for n in range(2_000)]
    keys = [msgspec.structs.replace(found.report.keys[0], name=f"k{n}") for n in range(2_000)]
    report = msgspec.structs.replace(found.report, tests=rows, keys=keys)
    inputs = [input_file(one.role, one.subject, one.subject.encode()) for one in rows]
    tracemalloc.start()
    fault = inputs_fault(msgspec.structs.replace(found, report=report, inputs=inputs))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault == "a model was not tested under every key"
    assert peak < 20e6  # the pairs alone would take 600 MB


def test_a_key_of_no_scheme_and_a_time_without_a_zone_are_told(found):
    canary = msgspec.structs.replace(found.report.keys[0], terms=Terms(scheme="canary", context=0))
    report = msgspec.structs.replace(found.report, keys=[canary])
    with pytest.raises(InputError, match="a key is of no scheme"):
        verify(resealed(msgspec.structs.replace(found, report=report), page="never looked at"))
    naive = msgspec.structs.replace(found, made_at=found.made_at.replace(tzinfo=None))
    served = Served("the 41 accounts", COMMITTED.replace(tzinfo=None))
    report = msgspec.structs.replace(found.report, served=served)
    for one in (naive, msgspec.structs.replace(found, report=report)):
        with pytest.raises(InputError, match="cannot be read"):
            verify(resealed(one, page="never looked at"))


def test_a_control_that_showed_the_key_cannot_be_left_out(found):
    without = [one for one in found.report.tests if one.subject != "qwen.jsonl"]
    report = msgspec.structs.replace(found.report, tests=without)
    with pytest.raises(InputError, match="not what the inputs are"):
        verify(resealed(msgspec.structs.replace(found, report=report)))


def test_every_model_is_tested_under_every_key(world):
    subjects, keys = world
    rows = examine(subjects[:2], keys, Plan("plain", 1_999))
    made = evidence_of(rows, ("C-16/1", "C-17/1"), null_keys=1_999, n_tests=2)
    verify(resealed(made))
    for left_out in (1, 3):
        tests = [one for number, one in enumerate(rows) if number != left_out]
        report = msgspec.structs.replace(made.report, tests=tests)
        with pytest.raises(InputError, match="under every key"):
            verify(resealed(msgspec.structs.replace(made, report=report)))
    report = msgspec.structs.replace(made.report, tests=[*rows, rows[3]])
    with pytest.raises(InputError, match="stands twice"):
        verify(resealed(msgspec.structs.replace(made, report=report)))


def claims(*pairs, n_tests) -> Evidence:
    """Return the evidence of a suspect under as many keys as there are (p, corrected p), without the other suspects."""
    keys = [entry.name for entry in log()][: len(pairs)]
    draws = required_null_keys(ALPHA, n_tests)
    rows = [
        row("s", "suspect", p, adjusted_p_value=adjusted, key=key, n_null_keys=draws)
        for key, (p, adjusted) in zip(keys, pairs, strict=True)
    ]
    return evidence_of(rows, tuple(keys), null_keys=draws, n_tests=n_tests)


@pytest.mark.parametrize(
    ("pairs", "n_tests", "holds"),
    [
        # 2 tests, 1,999 other keys: p-values are k/2,000. Nobody is left out, so Holm's correction is exact.
        (((0.0005, 0.001), (0.005, 0.005)), 2, True),
        (((0.0005, 0.0005), (0.005, 0.005)), 2, False),
        (((0.0005, 0.001), (0.005, 0.01)), 2, False),
        (((0.005, 0.01), (0.006, 0.01)), 2, True),  # never smaller than that of a smaller p-value
        (((0.005, 0.01), (0.006, 0.006)), 2, False),
        # 4 tests, 3,999 other keys: two are left out, and may rank anywhere.
        (((0.00025, 0.001), (0.004, 0.012)), 4, True),
        (((0.00025, 0.0005), (0.004, 0.004)), 4, True),
        (((0.00025, 0.00025), (0.004, 0.004)), 4, False),
        (((0.00025, 0.001), (0.004, 0.016)), 4, False),
        (((0.00025, 0.00125), (0.004, 0.012)), 4, False),
    ],
)
def test_holms_correction_is_made_again_as_far_as_the_bundle_goes(pairs, n_tests, holds):
    files = resealed(claims(*pairs, n_tests=n_tests))
    if holds:
        verify(files)
    else:
        with pytest.raises(InputError, match="not corrected"):
            verify(files)


@pytest.mark.parametrize("others", list(itertools.product([0.0003, 0.003, 0.3], repeat=2)))
def test_whatever_the_others_had_the_true_correction_holds(others):
    mine = (0.00025, 0.004)
    adjusted = holm([*mine, *others]).tolist()
    verify(resealed(claims(*zip(mine, adjusted[:2], strict=True), n_tests=4)))


def test_too_few_other_keys_for_the_level_are_refused(found):
    report = msgspec.structs.replace(found.report, n_tests=3)
    with pytest.raises(InputError, match="so few other keys"):
        verify(resealed(msgspec.structs.replace(found, report=report)))


def test_evidence_is_not_older_than_its_keys(found):
    with pytest.raises(InputError, match="before a key was committed to"):
        verify(resealed(msgspec.structs.replace(found, made_at=COMMITTED - timedelta(hours=2))))


@pytest.mark.parametrize("same", ["sha256", "model_sha256", "name"])
def test_a_model_is_not_held_against_itself(same, found):
    inputs = [msgspec.structs.replace(one, model_sha256=f"{n:064x}") for n, one in enumerate(found.inputs)]
    verify(resealed(msgspec.structs.replace(found, inputs=inputs)))
    inputs[1] = msgspec.structs.replace(inputs[1], **{same: getattr(inputs[2], same)})
    with pytest.raises(InputError, match="given twice"):
        verify(resealed(msgspec.structs.replace(found, inputs=inputs)))


def test_a_page_that_says_something_else_is_refused_though_it_is_signed(found):
    page = render_evidence(found, log()).replace("Strong evidence", "Proof").replace("Proof", "Certain proof")
    files = sealed(found, page, log(), public_key=PUBLIC, sign=SIGNER.sign)
    with pytest.raises(InputError, match="the page does not say"):
        verify(files)
    other = verified(files, gauger_version="0.2")
    assert not other.is_page_compared


def test_the_page_counts_the_controls_that_the_verdict_counts():
    rows = [
        row("s", "suspect", 0.001, adjusted_p_value=0.001, n_null_keys=999),
        *(row(f"c{n}", "control", 0.5, n_cells=cells, **FEW) for n, cells in enumerate((600, 512, 511, 3))),
        row("c4", "control", 1.0, n_cells=0, z_score=None, n_null_keys=0, wrong_keys=[]),
    ]
    made = evidence_of(rows)
    page = render_evidence(made, log())
    assert "<dt>Unrelated models that could have shown C-17/1</dt><dd>2 of 5</dd>" in page
    assert "there are 2" in made.report.verdicts[0].held_back[0]
    assert page.count("<td>control</td>") == 2 + 5  # and in the table of inputs
    assert page.count("<td>control, not counted</td>") == 3


def test_controls_are_counted_for_each_key():
    rows = [
        row(name, role, p, key=key, **more)
        for key, cells in (("C-16/1", 5_000), ("C-17/1", 50))
        for name, role, p, more in (
            ("s", "suspect", 0.001, {"adjusted_p_value": 0.002}),
            ("c", "control", 0.5, {"n_cells": cells, **FEW}),
        )
    ]
    page = render_evidence(evidence_of(rows, ("C-16/1", "C-17/1"), null_keys=1_999, n_tests=2), log())
    assert "could have shown C-16/1</dt><dd>1 of 1</dd>" in page
    assert "could have shown C-17/1</dt><dd>0 of 1</dd>" in page


def test_tails_of_the_formula_are_those_of_the_scheme():
    z_score = 2.0
    for method in ("plain", "teacher"):
        scheme = log()[1].terms.watermark()
        n = 400
        true = norm.sf(z_score) if method == "teacher" else scheme.tail(0.25 * n + z_score * scheme.sd * n**0.5, n)
        figures = {"n_null_keys": 999, "n_cells": n, "z_score": z_score, "tail_p_value": float(true)}
        rows = [row("s", "suspect", 0.001, adjusted_p_value=0.001, method=method, **figures)]
        verify(resealed(evidence_of(rows)))
        with pytest.raises(InputError, match="a tail does not follow"):
            verify(resealed(changed(evidence_of(rows), 0, tail_p_value=float(true) / 2)))
