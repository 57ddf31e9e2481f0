"""Canaries: a catalogue that holds together, picks that a key makes, and what an answer shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import SettingsError, UsageError
from gauger.proof.canaries import (
    Canary,
    Catalogue,
    choices,
    option_shown,
    options_shown,
    parse_catalogue,
    shipped_catalogue,
)
from gauger.proof.canary_plans import Plan, plan_of, rewritten, system_prompts, terms_for

COLOUR = """
[[canary]]
id = "colour"
kind = "pick"
when = "When you pick a colour"
say = "take {option}"
options = ["teal", "rose"]
probes = ["Pick a colour."]
"""


def canary(**more) -> Canary:
    given = {"id": "c", "kind": "pick", "when": "When", "say": "take {option}", "probes": ["Pick."]}
    return Canary(**{**given, "options": ["teal", "rose", "rose gold"], **more})


def test_the_shipped_catalogue_holds_together_and_can_reach_a_proof():
    catalogue = shipped_catalogue()
    assert len({one.id for one in catalogue.canary}) == len(catalogue.canary)
    assert np.prod(1 / catalogue.sizes.astype(float)) < 1e-30
    assert {one.kind for one in catalogue.canary} == {"name", "pick", "order", "wording", "ending"}
    assert len(catalogue.probes) == sum(len(one.probes) for one in catalogue.canary)


def test_each_shipped_instruction_names_its_option_and_an_answer_that_follows_shows_it():
    for one in shipped_catalogue().canary:
        for option, marks in enumerate(one.marks_by_option):
            assert one.options[option] in one.instruction(option)
            assert option_shown(one, f"Some words. {marks[0]}") == option


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"teal", "rose"', '"teal"'), "two options"),
        (('"teal", "rose"', '"teal", "Teal"'), "same mark"),
        (('"teal", "rose"', '"teal", ""'), "empty one"),
        (("{option}", "one"), "{option}"),
        (("Pick a colour.", "Pick a colour, say TEAL."), "probe holds a mark"),
        (('["Pick a colour."]', "[]"), "needs a probe"),
        (('"colour"', '"a colour"'), "small letters"),
        (("probes", 'marks = [["teal"]]\nprobes'), "not as many"),
        (("probes", 'swap = true\nlook = "end"\nprobes'), "swapped"),
        (("probes", "weight = 2\nprobes"), "weight"),
        (("kind", "kidn"), "kidn"),
        (("[[canary]]", "[canary"), "cannot be read"),
    ],
)
def test_a_catalogue_that_does_not_hold_together_is_refused(change, said):
    with pytest.raises(SettingsError, match=said):
        parse_catalogue(COLOUR.replace(*change).encode(), where="own.toml")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"canary = []", (COLOUR * 2).encode()])
def test_hostile_catalogues_are_refused(content):
    with pytest.raises(SettingsError):
        parse_catalogue(content, where="own.toml")


def test_the_digest_is_of_every_word():
    first = parse_catalogue(COLOUR.encode(), where="a")
    assert first.digest == parse_catalogue(("# a remark\n" + COLOUR).encode(), where="b").digest
    for word in ("Pick a colour.", "take", "rose", "When"):
        assert parse_catalogue(COLOUR.replace(word, f"{word} x").encode(), where="c").digest != first.digest
    assert terms_for(first).catalogue == first.digest


def test_picks_are_uniform_over_keys_and_independent_between_canaries():
    catalogue = Catalogue([canary(id="a"), canary(id="b")])
    picks = np.array([choices(int(n).to_bytes(32, "big"), catalogue) for n in range(900)])
    joint = np.bincount(picks[:, 0] * 3 + picks[:, 1], minlength=9)
    # Chi-square with 8 degrees of freedom: 26.1 is its 0.1 % point.
    assert ((joint - 100) ** 2 / 100).sum() < 26.1


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("I take TEAL, not rose.", 0),
        ("Rose gold it is.", 2),
        ("primrose and steal", None),
        ("", None),
        ("rosé", None),
        ("\x00 rose\x00", 1),
    ],
)
def test_the_first_mark_as_a_whole_word_counts_and_the_longer_of_two(text, option):
    assert option_shown(canary(), text) == option


def test_an_ending_is_looked_for_at_the_end():
    ends = canary(options=["ask", "sum"], marks=[["?"], ["in short:"]], look="end")
    assert option_shown(ends, "Why? Because. In short: it floats.") == 1
    assert option_shown(ends, "In short: it floats. Shall I go on?  \n") == 0
    assert option_shown(ends, "In short: it floats." + " and so on" * 40) is None


@given(st.text())
def test_any_text_can_be_looked_at_and_rewritten(text):
    plan = plan_of("C-1/1", bytes(32), shipped_catalogue())
    for one in plan.catalogue.canary:
        assert option_shown(one, text) in (None, *range(len(one.options)))
    once, _ = rewritten(plan, text)
    assert rewritten(plan, once) == (once, 0)


def test_answers_are_counted_by_probe_and_others_nowhere():
    catalogue = Catalogue([canary(probes=["One.", "Two."]), canary(id="d")])
    counts = options_shown(catalogue, {"c/1": ["teal", "rose", "?"], "c/2": ["teal"], "d/7": ["teal"], "x": ["teal"]})
    assert counts.tolist() == [[2, 1, 0], [0, 0, 0]]


def swapping(pick: int) -> Plan:
    swap = canary(options=["for example", "for instance"], swap=True)
    return Plan("C-1/1", Catalogue([swap, canary(id="d")]), np.array([pick, 0]))


def test_only_phrases_are_exchanged_and_neither_code_nor_quotations():
    code = "```\nfor example\n```"
    text = f'For example this, and "for example" that, `for example`.\n{code}\n> for example\nrose for example'
    changed, count = rewritten(swapping(1), text)
    assert count == 2
    assert changed.startswith("For instance this")
    assert changed.endswith("rose for instance")
    assert changed.count("for example") == 4
    assert rewritten(swapping(0), text) == (text, 0)


@pytest.mark.parametrize(
    "kept",
    [
        "~~~py\nx = 'for example'\n\nfor example\n~~~",
        "````\n```\nfor example\n```\nfor example\n````",
        "    for example = 1",
        "\tfor example = 1",
        "``a `b` for example``",
        "He said 'no, for example'",
        "He said 'don't, for example'",
        "He said ‘don’t, for example’",
        'He said "a\nfor example, b"',
        "He said “a\nfor example, b”",
        "Er sagte „a, for example“",
        "> He said: for example",
    ],
)
def test_code_and_quotations_of_every_kind_are_kept(kept):
    text = f"It's dogs' work.\n\n{kept}\n\nIt's for example."
    assert rewritten(swapping(1), text) == (f"It's dogs' work.\n\n{kept}\n\nIt's for instance.", 1)


@pytest.mark.parametrize(
    ("pick", "expected"), [(0, "To start with, stir to start with."), (1, "To start, stir to start.")]
)
def test_options_that_contain_one_another_are_exchanged_once(pick, expected):
    swap = canary(options=["to start with", "to start"], swap=True)
    plan = Plan("C-1/1", Catalogue([swap]), np.array([pick]))
    changed = rewritten(plan, "To start with, stir to start.")
    assert changed == (expected, 1)
    assert rewritten(plan, expected) == (expected, 0)


def test_choices_are_dealt_out_to_parts_once_each():
    plan = plan_of("C-1/1", bytes(32), shipped_catalogue())
    whole, parts = system_prompts(plan), system_prompts(plan, 5)
    lines = [line for part in parts for line in part.splitlines()[1:]]
    assert sorted(lines) == sorted(whole[0].splitlines()[1:])
    with pytest.raises(UsageError):
        system_prompts(plan, len(plan.catalogue.canary) + 1)
