"""Training reads what the kernel reads, no split shares a template, and the same seed gives the same bytes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.intents import evaluation, features, training
from benchmarks.intents.asks import INNOCENT, Template, templates
from benchmarks.intents.corpus import NEVER_TRAINED, DataSet, build
from benchmarks.intents.model import calibrate, cross_scores

from gauger.settings import SketchSettings
from gauger.sketches.intents import intent_weights, parse_weights
from gauger.sketches.schema import INTENTS
from gauger.sketches.texts import USER_TURN, sketch_texts

TINY_SETS = (
    DataSet("seen", "own", lambda _: [f"Where is parcel {i}?" for i in range(40)], trained=True, is_material=True),
    DataSet("unseen", "own", lambda _: [f"When does shop {i} open?" for i in range(40)], trained=False),
)


@pytest.fixture(scope="module")
def tiny():
    return training.gather(Path(), _own(), 3, TINY_SETS)


def _own():
    return [t for t in templates() if t.intent in {"grading", INNOCENT} and t.position < 4]


def test_every_intent_has_templates_in_three_languages():
    found = {(t.intent, t.language) for t in templates()}
    assert found == {(intent, language) for intent in (*INTENTS, INNOCENT) for language in ("en", "zh", "ja")}
    assert len({t.name for t in templates()}) == len(templates()) == len({t.pattern for t in templates()})


def test_a_template_is_drawn_with_every_choice_made():
    drawn = {Template("x", "y", "en", 0, "[Rate|Grade] it[ now|]").draw(np.random.default_rng(i)) for i in range(40)}
    assert drawn == {"Rate it", "Grade it", "Rate it now", "Grade it now"}


def test_words_are_those_of_the_kernel(reference_words):
    for text in ("Don't e\u0301cole 3.14 ﬁx_it", "请打分A到B", "ルーブリックで採点 gut\u00adschein", "हिन्दी में", ""):
        assert features.words_of(text) == reference_words(text)


def test_the_trained_score_is_the_score_of_the_kernel(key):
    texts = [t.draw(np.random.default_rng(1)) for t in templates()][::7]
    model = intent_weights()
    sums = [
        model.biases + sum((np.array(model.by_cue.get(tuple(c.split()), [0] * 7)) for c in features.cues_of(t)), 0)
        for t in texts
    ]
    found = sketch_texts(pa.array(texts, pa.large_string()), key, namespace=USER_TURN, settings=SketchSettings())
    np.testing.assert_allclose(found.intents, 1 / (1 + np.exp(-np.array(sums) / 1000)), atol=1e-6)


def test_a_family_stands_in_one_fold():
    corpus = build(Path(), templates(), np.random.default_rng(0), TINY_SETS)
    for family in set(corpus.family.tolist()):
        assert len(set(corpus.fold[corpus.family == family].tolist())) == 1
    assert set(corpus.source[corpus.fold == NEVER_TRAINED].tolist()) == {"unseen", "long material"}


def test_the_same_seed_trains_the_same_bytes(tiny):
    grading = INTENTS.index("grading")
    trained = training.train(tiny, grading, (1.0, 0.0))
    again = training.train(training.gather(Path(), _own(), 3, TINY_SETS), grading, (1.0, 0.0))
    texts = [training.weights_text(tiny.cues, [model] * 7, [0.5] * 7) for model in (trained, again)]
    assert texts[0] == texts[1]
    assert parse_weights(texts[0]).by_cue[("rubric",)][grading] > 500


def test_unseen_templates_rank_above_innocent_ones(tiny):
    grading = INTENTS.index("grading")
    found = cross_scores(tiny.corpus, tiny.present, grading, np.zeros(len(tiny.cues)))
    rows = ~np.isnan(found)
    asked = tiny.corpus.labels[rows, grading] == 1
    assert evaluation.auroc(found[rows], asked, np.ones(rows.sum())) > 0.8


def test_calibration_finds_the_line_that_made_the_labels():
    rng = np.random.default_rng(5)
    log_odds = rng.normal(size=40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-(2 * log_odds - 1)))).astype(np.int8)
    assert calibrate(log_odds, labels, np.ones(40_000)) == pytest.approx((2, -1), abs=0.1)


def test_measures_of_rank_are_those_of_small_examples():
    scores, asked, even = np.array([3.0, 2, 2, 1]), np.array([True, True, False, False]), np.ones(4)
    assert evaluation.auroc(scores, asked, even) == 0.875
    assert evaluation.average_precision(scores, asked, even) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert evaluation.recall_at(scores, asked, even, np.array([False, False, True, True])) == 0.5
