"""From candidates to verdicts: a planted campaign is certified, honest groups are not, and chance is an argument."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import binom

from gauger.campaigns.calibration import Split, split_target
from gauger.campaigns.candidates import Candidate, Sent, strength
from gauger.campaigns.detection import Gated, gate
from gauger.campaigns.examination import choose, examine
from gauger.campaigns.windows import DAY_US
from gauger.evidence.channel import Population
from gauger.evidence.channels import CHANNELS
from gauger.evidence.concentration import Holdings, holdings
from gauger.evidence.items import Items
from gauger.evidence.mining import Core
from gauger.evidence.personhood import Personhood

N_PRINCIPALS = 600
MEMBERS = np.arange(30)
COLD = Split(conditional=0.05, window=0.0)
DEALT = Personhood(p_value=0.6, z=-0.1, n_pairs=500, excess_high=0.01)


@dataclass(frozen=True)
class Window:
    """Thirty customers with `each` items of one template, then everybody else with two items."""

    items: Items
    rows: np.ndarray


@pytest.fixture(scope="session")
def dealt_window(make_items):
    def make(rng, *, each=6, topics=0.0):
        owner = np.r_[rng.permutation(np.repeat(MEMBERS, each)), np.repeat(np.arange(30, N_PRINCIPALS), 2)]
        vectors = rng.normal(0, 40, (len(owner), 64)) + topics * rng.normal(0, 40, (N_PRINCIPALS, 64))[owner]
        times = rng.integers(0, 7 * DAY_US, len(owner))
        projection = np.clip(np.rint(vectors), -127, 127)
        items = make_items(owner, projection=projection, occurred_at=times)
        return Window(items=items, rows=np.arange(30 * each, dtype=np.int32))

    return make


def _candidate(window, *, path="cold") -> Candidate:
    core = Core(part="user_prompt", shingles=np.arange(17), items=window.rows)
    return Candidate(
        path=path,
        cores=(core,),
        items=window.rows,
        strength=strength(Sent.of(window.items.take(window.rows)), n_held=17),
    )


def _population(cards, *, permutations=999) -> Population:
    held = holdings(np.arange(N_PRINCIPALS, dtype=np.int32), np.asarray(cards, np.int32), N_PRINCIPALS)
    return Population(
        holdings={"payment": held, "network": _own(N_PRINCIPALS)},
        stratum=np.zeros(N_PRINCIPALS, np.int32),
        permutations=permutations,
    )


def _own(n) -> Holdings:
    """Everybody behind a network of their own."""
    return holdings(np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32), n)


def _examined(window, cards, *, seed=1, candidates=None, **population):
    gated = candidates or gate([_candidate(window)], window.items, seed=seed)
    return examine(
        gated,
        window.items,
        _population(cards, **population),
        CHANNELS,
        history_maxima=[],
        history_scores=[],
        n_novel=0,
        split=COLD,
        seed=seed,
    )


def _cards_of_their_own():
    return np.arange(N_PRINCIPALS)


def test_a_dealt_list_behind_four_cards_is_a_campaign(dealt_window):
    window = dealt_window(np.random.default_rng(101))
    cards = _cards_of_their_own()
    cards[:20] = 1_000 + np.arange(20) % 4
    (one,) = _examined(window, cards)
    assert one.judgement.verdict == "campaign"
    assert set(one.judgement.families) == {"text", "identity"}
    assert one.judgement.p_value <= 0.05
    assert one.adjusted["payment"] < 0.01
    assert one.window_p_value is None


def test_a_dealt_list_with_nothing_else_is_observed(dealt_window):
    (one,) = _examined(dealt_window(np.random.default_rng(102)), _cards_of_their_own())
    assert one.judgement.verdict == "observed"


def test_persons_who_share_a_template_are_cleared_and_not_tested(dealt_window):
    window = dealt_window(np.random.default_rng(103), topics=0.8)
    gated = gate([_candidate(window)], window.items, seed=1)
    chosen, cleared = choose(gated, max_candidates=20)
    assert (chosen, cleared) == ([], gated)


def test_one_item_each_is_never_a_campaign_however_many_cards_are_shared(dealt_window):
    cards = _cards_of_their_own()
    cards[:20] = 1_000 + np.arange(20) % 4
    (one,) = _examined(dealt_window(np.random.default_rng(104), each=1), cards)
    assert one.adjusted["payment"] < 0.01
    assert one.judgement.verdict == "supported"


def test_honest_groups_are_certified_no_more_often_than_the_target(dealt_window):
    """Five groups a scan, cards shared at random, personhood blind to them: any verdict is a false alarm."""
    rng = np.random.default_rng(105)
    window = dealt_window(rng, each=6)
    alarms, n_scans = 0, 120
    for scan in range(n_scans):
        cards = rng.integers(0, 200, N_PRINCIPALS)
        groups = []
        for _ in range(5):
            who = rng.permutation(N_PRINCIPALS)
            relabelled = who[window.items.principal].astype(np.int32)
            groups.append(replace(window.items, principal=relabelled))
        # One window of items holds all five groups, one after another, each with members of its own.
        n = len(window.rows)
        items = Items(
            **{
                name: np.concatenate([getattr(group, name)[:n] for group in groups])
                for name in Items.__dataclass_fields__
            }
        )
        candidates = []
        for g in range(5):
            one = _candidate(Window(items=items, rows=np.arange(g * n, (g + 1) * n, dtype=np.int32)))
            candidates.append(Gated(candidate=one, removed=DEALT, kept=DEALT))
        examined = examine(
            candidates,
            items,
            replace(_population(cards, permutations=499)),
            {"payment": CHANNELS["payment"]},
            history_maxima=[],
            history_scores=[],
            n_novel=0,
            split=COLD,
            seed=scan,
        )
        alarms += any(one.judgement.verdict != "observed" for one in examined)
    assert binom.sf(alarms - 1, n_scans, 0.05) > 1e-3, alarms


@pytest.mark.parametrize(
    "sizes",
    [(2,), (2, 2), (2,) * 10, (4,), (9,), (4, 4), (30,), (15, 15), (10, 10, 10)],
    ids=lambda sizes: "+".join(map(str, sizes)),
)
def test_couples_a_few_and_an_open_firm_make_no_campaign(sizes, dealt_window):
    """Card after card, `sizes` customers of the thirty on each; a firm that pays with two cards hides nothing."""
    cards = _cards_of_their_own()
    shared = np.repeat(np.arange(len(sizes)), sizes)
    cards[: len(shared)] = 5_000 + shared
    (one,) = _examined(dealt_window(np.random.default_rng(106)), cards)
    assert one.judgement.verdict != "campaign"


@pytest.mark.parametrize("hidden", range(0, 31, 3))
@pytest.mark.parametrize("on_one_card", [4, 20, 26, 30])
def test_cards_that_are_not_known_never_raise_a_verdict(on_one_card, hidden, dealt_window):
    order = ("observed", "supported", "campaign")
    window = dealt_window(np.random.default_rng(111))
    cards = _cards_of_their_own()
    cards[:on_one_card] = 5_000
    (known,) = _examined(window, cards)
    cards[30 - hidden : 30] = -1
    (less_known,) = _examined(window, cards)
    assert order.index(less_known.judgement.verdict) <= order.index(known.judgement.verdict)


def test_with_the_cards_of_most_accounts_unknown_one_operator_is_not_excluded(dealt_window):
    window = dealt_window(np.random.default_rng(107))
    cards = np.r_[np.full(7, 5_000), np.full(23, -1), np.arange(30, N_PRINCIPALS)]
    (one,) = _examined(window, cards)
    assert one.adjusted["payment"] < 0.01
    (said,) = [said for said in one.judgement.explanations if said.code == "one_operator_undeclared"]
    assert not said.tested
    assert one.judgement.verdict == "supported"


def test_the_window_route_ranks_the_novel_path_alone(dealt_window):
    window = dealt_window(np.random.default_rng(108))
    split = split_target(0.05, 39)
    kinds = {}
    for path in ("novel", "cold"):
        gated = gate([_candidate(window, path=path)], window.items, seed=1)
        (kinds[path],) = examine(
            gated,
            window.items,
            _population(_cards_of_their_own()),
            CHANNELS,
            history_maxima=[1.0] * 39,
            history_scores=[1.0] * 78,
            n_novel=1,
            split=split,
            seed=1,
        )
    assert kinds["novel"].window_p_value == 1 / 40
    assert kinds["novel"].judgement.verdict == "supported"
    assert kinds["novel"].judgement.families == ("text",)
    assert (kinds["cold"].window_p_value, kinds["cold"].q_value) == (None, None)
    assert kinds["cold"].judgement.verdict == "observed"


def test_the_same_seed_gives_the_same_result_and_inputs_are_kept(dealt_window):
    window = dealt_window(np.random.default_rng(109))
    before = window.items.principal.copy()
    cards = np.random.default_rng(1).integers(0, 200, N_PRINCIPALS)
    runs = [_examined(window, cards, seed=3)[0] for _ in range(2)]
    assert runs[0].adjusted == runs[1].adjusted
    assert runs[0].evidence == runs[1].evidence
    assert np.array_equal(window.items.principal, before)


def test_another_candidate_in_the_list_does_not_change_a_raw_p_value(dealt_window):
    window = dealt_window(np.random.default_rng(110))
    cards = np.random.default_rng(2).integers(0, 60, N_PRINCIPALS)
    gated = gate([_candidate(window)], window.items, seed=1)
    other = Candidate(
        path="cold", cores=gated[0].candidate.cores, items=window.rows[:90], strength=gated[0].candidate.strength
    )
    alone = _examined(window, cards, candidates=gated)
    beside = _examined(window, cards, candidates=[Gated(candidate=other, removed=DEALT, kept=DEALT), *gated])
    same = [one for one in beside if one.candidate.items.tolist() == window.rows.tolist()]
    assert same[0].evidence == alone[0].evidence
