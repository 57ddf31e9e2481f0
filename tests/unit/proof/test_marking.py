"""Marking and scoring agree: what a server does under a key is what the test finds, and only under that key."""

import msgspec
import numpy as np
import pytest
from tests.unit.proof.worlds import as_answers, bigram

from gauger.errors import InputError, SettingsError, UsageError
from gauger.proof.cells import plain_cells
from gauger.proof.keys import Terms, served_configuration
from gauger.proof.marking import Marking, exported_marking, marking
from gauger.proof.radioactivity import key_test
from gauger.proof.schemes import Gumbel, Kgw, SynthId

KEY, OTHER = np.array([0xC17], np.uint64), np.array([0xC18], np.uint64)


def served(at_work, model, n=60, length=40, seed=1):
    """int64[n, length], texts of a bigram model that is served under a key, token by token."""
    rng = np.random.default_rng(seed)
    width = at_work.scheme.width
    text = rng.integers(0, len(model), (n, width))
    for _ in range(length):
        logits = at_work.logits(np.log(model[text[:, -1]]), text[:, -width:].astype(np.uint32))
        text = np.hstack([text, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)[:, None]])
    return text[:, width:]


@pytest.mark.parametrize("scheme", [Kgw(1), Kgw(2, 0.25), Gumbel(1), Gumbel(2)], ids=repr)
def test_text_served_under_a_key_shows_that_key_and_no_other(scheme):
    model = bigram(np.random.default_rng(5), 60, temperature=1.0)
    cells = plain_cells(as_answers(served(Marking(scheme, KEY), model)), scheme.width)
    rng = np.random.default_rng(6)
    found = key_test(cells, scheme, KEY, method="plain", null_keys=999, rng=rng)
    assert found.p_value == 0.001
    assert found.z_score > 6
    assert key_test(cells, scheme, OTHER, method="plain", null_keys=999, rng=rng).p_value > 0.01


def test_gumbel_takes_the_token_with_the_largest_log_u_over_p():
    scheme, contexts = Gumbel(2), np.array([[3, 9], [4, 4]], np.uint32)
    shares = np.random.default_rng(7).dirichlet(np.ones(50), 2)
    found = Marking(scheme, KEY).logits(np.log(shares), contexts)
    for row, context, share in zip(found, contexts, shares, strict=True):
        u = scheme.uniforms(KEY, np.tile(context, (50, 1)), np.arange(50, dtype=np.uint32))
        assert row.argmax() == (np.log(u) / share).argmax()
        assert (row == 0).sum() == 1
        assert np.isneginf(np.delete(row, row.argmax())).all()


def test_over_keys_gumbel_leaves_the_distribution_as_it_is():
    shares, context = np.array([0.5, 0.3, 0.15, 0.05]), np.array([[2]], np.uint32)
    keys = np.random.default_rng(8).integers(0, 2**64, 20_000, np.uint64)
    chosen = [Marking(Gumbel(1), key[None]).logits(np.log(shares)[None], context).argmax() for key in keys]
    assert np.abs(np.bincount(chosen, minlength=4) / len(keys) - shares).max() < 0.012


def test_green_tokens_gain_delta_and_red_ones_nothing():
    logits, contexts = np.zeros((3, 40)), np.arange(3, dtype=np.uint32)[:, None]
    gained = Marking(Kgw(1, 0.25), KEY, delta=1.5).logits(logits, contexts)
    assert set(np.unique(gained)) == {0.0, 1.5}
    scores = Kgw(1, 0.25).scores(KEY, np.repeat(contexts, 40, axis=0), np.tile(np.arange(40, dtype=np.uint32), 3))
    assert (gained.ravel() == 1.5 * scores).all()


def test_what_may_not_be_said_is_not_said():
    logits = np.full((1, 30), -np.inf)
    logits[0, 11] = 0.0
    for scheme in (Gumbel(1), Kgw(1)):
        assert Marking(scheme, KEY).logits(logits, np.array([[1]], np.uint32)).argmax() == 11


def test_a_key_at_work_is_the_key_that_a_server_is_given():
    at_work = marking(b"k" * 32, Terms(scheme="kgw", context=2, gamma=0.25))
    assert at_work.scheme == Kgw(2, 0.25)
    assert "key" not in repr(at_work)


@pytest.mark.parametrize("terms", [Terms(scheme="gumbel", context=1), Terms(scheme="kgw", context=2, gamma=0.25)])
def test_an_exported_key_is_the_key_at_work(terms):
    written = msgspec.json.encode(served_configuration(b"k" * 32, terms))
    read, at_work = exported_marking(written), marking(b"k" * 32, terms)
    assert read.scheme == at_work.scheme
    assert read.key.tolist() == at_work.key.tolist()


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"no",
        b'{"algorithm": "gumbel", "key": -1, "context_width": 1}',
        b'{"algorithm": "gumbel", "key": 18446744073709551616, "context_width": 1}',
        b'{"ngram_len": 5, "keys": [1, 2]}',
        b'{"algorithm": "\xff", "key": 1, "context_width": 1}',
        b'{"more": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_what_is_no_exported_key_is_refused(content):
    with pytest.raises(InputError, match="no key of kgw or gumbel"):
        exported_marking(content)


def test_what_is_not_applied_here_is_refused():
    with pytest.raises(UsageError, match="synthid"):
        Marking(SynthId(), KEY)
    with pytest.raises(SettingsError, match="delta"):
        Marking(Kgw(1), KEY, delta=0.0)
