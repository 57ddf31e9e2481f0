"""Scores of the three schemes: fast sums agree with single scores, and look random over keys."""

import numpy as np
import pytest
from scipy import stats

from gauger.errors import SettingsError
from gauger.proof.cells import Answer, plain_cells
from gauger.proof.schemes import SCHEMES, Gumbel, Kgw, SynthId

SCHEME = {"kgw": Kgw(2, 0.25), "gumbel": Gumbel(2), "synthid": SynthId(2, depth=5)}


@pytest.fixture(params=SCHEME)
def scheme(request):
    return SCHEME[request.param]


@pytest.fixture
def cells():
    rng = np.random.default_rng(2)
    text = rng.integers(0, 50_000, 400)
    return plain_cells([Answer(text, np.empty(0, np.int64))], 2)


def keys(n, scheme, seed=4):
    return np.random.default_rng(seed).integers(0, 2**64, (n, scheme.n_words), np.uint64)


def test_sums_over_cells_are_the_sums_of_single_scores(scheme, cells):
    drawn = keys(9, scheme)
    slow = [cells.weights @ scheme.scores(key, cells.rows, cells.tokens) for key in drawn]
    np.testing.assert_allclose(scheme.scorer(cells)(drawn), slow, rtol=1e-9)


def test_over_keys_a_sum_has_the_stated_mean_and_spread(scheme, cells):
    sums = scheme.scorer(cells)(keys(4_000, scheme))
    standing = (sums - scheme.mean * len(cells)) / (scheme.sd * np.sqrt(len(cells)))
    assert abs(standing.mean()) < 5 / np.sqrt(4_000)
    assert standing.std() == pytest.approx(1, abs=0.06)


def test_without_repeats_the_formula_is_near_the_truth_over_keys(scheme, cells):
    sums = scheme.scorer(cells)(keys(1_000, scheme))
    tails = [scheme.tail(float(one), len(cells)) for one in sums]
    assert stats.kstest(tails, "uniform").statistic < 0.08  # sums of green tokens are whole numbers


def test_a_key_is_secret_neighbouring_keys_share_nothing():
    contexts, tokens = np.zeros((2_000, 1), np.uint32), np.arange(2_000, dtype=np.uint32)
    one, next_one = (Gumbel(1).uniforms(np.array([key], np.uint64), contexts, tokens) for key in (7, 8))
    assert abs(np.corrcoef(one, next_one)[0, 1]) < 0.1


def test_g_values_follow_the_hash_of_transformers_in_plain_integers():
    scheme = SynthId(3, depth=2)
    key, context, token = (11, 2**64 - 5), (5, 70_000, 3), 123_456
    found = scheme.g_values(np.array(key, np.uint64), np.array([context], np.uint32), np.array([token], np.uint32))
    for depth, secret in enumerate(key):
        state = 1
        for value in (*context, token, secret):
            state = ((state + value) * 6364136223846793005 + 1) % 2**64
        assert found[0, depth] == scheme.table[state % 2**16]


def test_the_table_is_drawn_by_the_generator_of_torch():
    """torch.manual_seed(0); torch.rand(1) is 0.4963: the lowest 24 bits of MT19937's first word."""
    word = int(np.random.RandomState(0).randint(0, 2**32, dtype=np.uint32))
    assert (word % 2**24) / 2**24 == pytest.approx(0.4963, abs=5e-5)
    assert SynthId().table[0] == word % 2


def test_published_result_is_recomputed_from_its_final_rows():
    """Sander et al. 2024, released closed-model rows: log10 p -23.58 published, -23.545 exact; control -0.0127."""
    for n, mean, expected in ((248_200, 0.258811, -23.545), (105_400, 0.247472, -0.01273)):
        tail = Kgw(2, 0.25).tail(round(n * mean), n)
        assert np.log10(tail) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    "make",
    [lambda: Kgw(5), lambda: Kgw(1, 1.0), lambda: Gumbel(0), lambda: Gumbel(17), lambda: SynthId(4, depth=0)],
)
def test_what_is_no_scheme_is_refused(make):
    with pytest.raises(SettingsError):
        make()


def test_schemes_know_their_names():
    assert {name: make(2).name for name, make in SCHEMES.items()} == {name: name for name in SCHEMES}
