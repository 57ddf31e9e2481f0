"""One finding keeps one identity across runs, pools and bans."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.campaigns.tracking import SAMPLE, Known, identify, new_identity, sample

TEMPLATE, OTHER_TEMPLATE = frozenset(range(100)), frozenset(range(1_000, 1_100))
POOL = frozenset(f"acct-{i}" for i in range(30))
NEW_POOL = frozenset(f"acct-{i}" for i in range(50, 80))
SEEN = Known(finding_id="c-first", accounts=POOL, shingles=TEMPLATE)


def test_the_same_template_over_a_new_pool_continues_the_finding():
    assert identify(NEW_POOL, TEMPLATE, [SEEN]) == "c-first"


def test_the_same_accounts_under_another_template_continue_the_finding():
    assert identify(POOL, OTHER_TEMPLATE, [SEEN]) == "c-first"


def test_a_pool_that_lost_half_its_accounts_to_bans_continues_the_finding():
    half = frozenset(sorted(POOL)[:15]) | frozenset(sorted(NEW_POOL)[:15])
    assert identify(half, OTHER_TEMPLATE, [SEEN]) == "c-first"


def test_strangers_with_another_template_continue_nothing():
    assert identify(NEW_POOL, OTHER_TEMPLATE, [SEEN]) is None
    assert identify(POOL, TEMPLATE, []) is None


def test_a_few_shared_accounts_continue_nothing():
    few = frozenset(sorted(POOL)[:5]) | NEW_POOL
    assert identify(few, OTHER_TEMPLATE, [SEEN]) is None


def test_the_best_overlap_wins():
    better = Known(finding_id="c-z", accounts=POOL, shingles=TEMPLATE)
    weaker = Known(finding_id="c-a", accounts=frozenset(sorted(POOL)[:12]), shingles=OTHER_TEMPLATE)
    assert identify(POOL, TEMPLATE, [weaker, better]) == "c-z"


def test_a_tie_goes_to_the_smaller_identity_in_any_order():
    twins = [Known(finding_id=name, accounts=POOL, shingles=TEMPLATE) for name in ("c-b", "c-a", "c-c")]
    assert {identify(POOL, TEMPLATE, order) for order in (twins, twins[::-1])} == {"c-a"}


def test_nothing_in_common_with_nothing_is_no_continuation():
    empty = Known(finding_id="c-empty", accounts=frozenset(), shingles=frozenset())
    assert identify(frozenset(), frozenset(), [empty]) is None


@given(st.sets(st.text(max_size=8)), st.sets(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_an_identity_is_twelve_base32_letters_and_ignores_order(accounts, shingles):
    made = new_identity(accounts, shingles)
    assert re.fullmatch(r"c-[a-z2-7]{12}", made)
    assert made == new_identity(sorted(accounts, reverse=True), sorted(shingles, reverse=True))


def test_other_accounts_or_shingles_give_another_identity():
    made = {
        new_identity(POOL, TEMPLATE),
        new_identity(NEW_POOL, TEMPLATE),
        new_identity(POOL, OTHER_TEMPLATE),
        new_identity(["ab"], [1]),
        new_identity(["a", "b"], [1]),
    }
    assert len(made) == 5


def test_a_sample_holds_the_smallest_hashes_whatever_their_order():
    shingles = np.random.default_rng(91).integers(-(2**62), 2**62, 2_000)
    expected = frozenset(sorted(shingles.tolist())[:SAMPLE])
    assert sample(shingles) == sample(shingles[::-1].copy()) == expected
    assert sample(np.array([3, 1])) == {1, 3}
