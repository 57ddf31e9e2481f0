"""All tests of a report: correction over the suspects' claims, and what the document says of them."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from tests.unit.proof.worlds import as_answers, bigram, marked, random_keys, sample, trained

from gauger.campaigns.calibration import holm
from gauger.proof.commitments import Entry
from gauger.proof.document import write
from gauger.proof.examination import KeyInQuestion, Plan, Subject, count_tests, examine
from gauger.proof.keys import Terms
from gauger.proof.schemes import Kgw
from gauger.proof.verdicts import Served

COMMITTED = datetime(2026, 3, 1, tzinfo=UTC)
SERVED = Served("C-17", datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC))


def entry(name: str) -> Entry:
    campaign, rotation = name.split("/")
    return Entry(
        schema="s",
        index=0,
        campaign=campaign,
        rotation=int(rotation),
        terms=Terms(scheme="kgw", context=1),
        commitment="c",
        committed_at=COMMITTED,
        previous="p",
        public_key="k",
    )


@pytest.fixture(scope="module")
def world():
    """A student of C-17's marked text, three unrelated models; another key that nobody was served."""
    rng, scheme = np.random.default_rng(4), Kgw(1)
    teacher, words = bigram(rng, 60), random_keys(rng, 2)
    keys = [KeyInQuestion(f"{name}/1", scheme, one, name) for name, one in zip(("C-17", "C-18"), words, strict=True)]
    student = trained(sample(rng, marked(teacher, scheme, words[0]), 1_000), bigram(rng, 60))
    suspect = Subject("suspect", "suspect", as_answers(sample(rng, student, 300), teacher))
    controls = [Subject(f"u{i}", "control", as_answers(sample(rng, bigram(rng, 60), 100), teacher)) for i in range(3)]
    return [suspect, *controls], keys


def test_claims_are_suspects_times_keys_times_methods(world):
    subjects, keys = world
    assert count_tests(subjects, keys, "auto") == 2
    assert count_tests(subjects, keys, "both") == 4
    assert count_tests([subjects[0], subjects[0]], keys, "plain") == 4


def test_the_key_that_was_served_is_proven_and_the_other_is_not(world):
    subjects, keys = world
    rows = examine(subjects, keys, Plan("auto", 1_999))
    assert rows == examine(subjects, keys, Plan("auto", 1_999), threads=2)
    claims = [row for row in rows if row.role == "suspect"]
    assert [row.adjusted_p_value for row in claims] == pytest.approx(holm([row.p_value for row in claims]), rel=1e-4)
    assert all(row.adjusted_p_value is None for row in rows if row.role != "suspect")
    said = write(rows, [entry("C-17/1"), entry("C-18/1")], alpha=1e-3, null_keys=1_999, n_tests=2, served=SERVED)
    assert [one.word for one in said.verdicts] == ["proof", "nothing detected"]
    assert said.verdicts[0].held_back == []
    assert "not of who took" in said.detection_means


def test_the_document_holds_no_token_and_no_key(world):
    subjects, keys = world
    rows = examine(subjects[:1], keys, Plan("plain", 99))
    text = msgspec.json.encode(
        write(rows, [entry("C-17/1"), entry("C-18/1")], alpha=1e-3, null_keys=99, n_tests=2, served=SERVED)
    ).decode()
    assert all(str(int(key.words[0])) not in text for key in keys)
    assert "tokens" not in text


def test_a_model_without_the_teachers_word_is_tested_plainly():
    silent = Subject("s", "suspect", as_answers(np.zeros((2, 5), np.int64)))
    assert silent.methods("auto") == silent.methods("both") == ("plain",)


def test_models_that_said_nothing_are_no_controls(world):
    subjects, keys = world
    silent = [Subject(f"s{i}", "control", as_answers(np.zeros((1, 1), np.int64))) for i in range(3)]
    rows = examine([subjects[0], *silent], keys[:1], Plan("auto", 999))
    said = write(rows, [entry("C-17/1")], alpha=1e-3, null_keys=999, n_tests=1, served=SERVED)
    assert said.verdicts[0].word == "strong evidence"
    assert "there are 0" in said.verdicts[0].held_back[0]
