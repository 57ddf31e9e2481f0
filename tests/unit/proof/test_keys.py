"""Keys: one for each campaign and rotation, bound to by commitments."""

from typing import Annotated, Literal

import msgspec
import numpy as np
import pytest

from gauger.errors import GaugerError, UsageError
from gauger.proof.keys import Terms, campaign_key, commitment, key_words, served_configuration
from gauger.proof.marking import marking
from gauger.proof.schemes import Gumbel, Kgw, SynthId

ROOT = bytes(range(32))
GUMBEL = Terms(scheme="gumbel", context=1)


def test_every_campaign_and_rotation_has_its_own_key_from_the_same_root():
    keys = [campaign_key(root, name, n) for root in (ROOT, bytes(32)) for name in ("a", "b", "a.1") for n in (1, 2)]
    assert len(set(keys)) == len(keys)
    assert campaign_key(ROOT, "a", 1) == campaign_key(ROOT, "a", 1)
    assert {len(key) for key in keys} == {32}


def test_words_of_a_key_are_a_prefix_of_more_words():
    assert key_words(ROOT, 3).tolist() == key_words(ROOT, 30)[:3].tolist()
    assert len(np.unique(key_words(ROOT, 30))) == 30


def test_a_commitment_binds_to_key_name_and_terms():
    others = [
        commitment(ROOT, "a", 1, GUMBEL),
        commitment(bytes(32), "a", 1, GUMBEL),
        commitment(ROOT, "b", 1, GUMBEL),
        commitment(ROOT, "a", 2, GUMBEL),
        commitment(ROOT, "a", 1, Terms(scheme="gumbel", context=2)),
    ]
    assert len(set(others)) == len(others)


def test_terms_name_a_scheme():
    assert GUMBEL.watermark() == Gumbel(1)
    assert Terms(scheme="kgw", context=2).watermark() == Kgw(2, 0.5)
    assert Terms(scheme="kgw", context=1, gamma=0.25).watermark() == Kgw(1, 0.25)
    assert Terms(scheme="synthid", context=4).watermark() == SynthId(4)
    assert (GUMBEL.leaves_a_trace, Terms(scheme="gumbel", context=4).leaves_a_trace) == (True, False)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(scheme="unigram", context=1),
        Terms(scheme="gumbel", context=1, gamma=0.5),
        Terms(scheme="kgw", context=5),
        Terms(scheme="kgw", context=1, gamma=0.0),
    ],
)
def test_terms_that_name_none_are_refused(terms):
    with pytest.raises(GaugerError):
        terms.watermark()


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a" * 65, "ä", "a\n"])
def test_names_that_could_stand_nowhere_are_refused(name):
    with pytest.raises(UsageError):
        campaign_key(ROOT, name, 1)


def test_a_server_is_given_what_the_test_uses():
    word = int(key_words(ROOT, 1)[0])
    assert served_configuration(ROOT, GUMBEL) == {"algorithm": "gumbel", "key": word, "context_width": 1}
    given = served_configuration(ROOT, Terms(scheme="synthid", context=2))
    contexts, tokens = np.array([[1, 2], [70_000, 5]], np.uint32), np.array([3, 4], np.uint32)
    served = SynthId(2).g_values(np.array(given["keys"], np.uint64), contexts, tokens)
    assert (served == SynthId(2).g_values(key_words(ROOT, 30), contexts, tokens)).all()
    assert given["ngram_len"] == 3


class VllmWatermark(msgspec.Struct, forbid_unknown_fields=True):
    """vLLM's `WatermarkConfig` as documented (docs.vllm.ai, v0.32), of which others are left at their defaults."""

    key: Annotated[int, msgspec.Meta(ge=0)]
    algorithm: Literal["gumbel", "gumbel_dual_key"] = "gumbel"
    context_width: Annotated[int, msgspec.Meta(ge=1)] = 4


@pytest.mark.parametrize("campaign", ["C-17", "C-18", "C-19"])
def test_what_is_exported_for_gumbel_is_a_configuration_of_vllm(campaign):
    secret = campaign_key(ROOT, campaign, 1)
    written = msgspec.json.encode(served_configuration(secret, GUMBEL))
    read = msgspec.json.decode(written, type=VllmWatermark)
    assert (read.algorithm, read.context_width) == ("gumbel", 1)
    assert 0 <= read.key < 2**64
    assert marking(secret, GUMBEL).key.tolist() == [read.key]
