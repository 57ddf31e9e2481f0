"""Campaign watermarks in Transformers, on a tiny model made of a configuration: no weights are loaded from anywhere."""

import numpy as np
import pytest

from gauger.errors import UsageError
from gauger.proof.cells import Answer, plain_cells
from gauger.proof.keys import Terms, campaign_key
from gauger.proof.marking import marking
from gauger.proof.radioactivity import key_test

pytestmark = pytest.mark.slow  # seconds, but they need transformers, which `make test-slow` installs

ROOT = b"r" * 32
N, LENGTH, VOCABULARY = 16, 60, 200


def key_at_work(campaign, scheme, context):
    return marking(campaign_key(ROOT, campaign, 1), Terms(scheme=scheme, context=context))


@pytest.fixture(scope="module")
def model(transformers_installed):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=1, n_head=2, n_positions=128, bos_token_id=0)
    config.eos_token_id = config.pad_token_id = None
    return GPT2LMHeadModel(config).eval()


def generated(model, processor, n=N, **settings):
    """int64[n, LENGTH], what is said to random prompts."""
    import torch
    from transformers import LogitsProcessorList

    torch.manual_seed(2)
    prompts = torch.randint(0, VOCABULARY, (n, 5))
    said = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=True,
        max_new_tokens=LENGTH,
        logits_processor=LogitsProcessorList([processor]),
        **settings,
    )
    return said[:, 5:].numpy()


def p_value(texts, at_work):
    cells = plain_cells([Answer(text, np.empty(0, np.int64)) for text in texts], at_work.scheme.width)
    rng = np.random.default_rng(3)
    return key_test(cells, at_work.scheme, at_work.key, method="plain", null_keys=999, rng=rng).p_value


@pytest.mark.parametrize(("scheme", "context"), [("gumbel", 1), ("gumbel", 2), ("kgw", 1), ("kgw", 2)])
def test_each_row_carries_its_campaigns_key_and_no_other(model, scheme, context):
    from gauger.gateway.transformers import CampaignWatermark

    keys = {name: key_at_work(name, scheme, context) for name in ("C-17", "C-18")}
    rows = ["C-17", "C-18", None] * 16
    texts = generated(model, CampaignWatermark(rows, keys), n=len(rows))
    mine, others, unmarked = (texts[start::3] for start in range(3))
    assert p_value(mine, keys["C-17"]) == 0.001
    assert p_value(others, keys["C-18"]) == 0.001
    for wrong in ((mine, "C-18"), (others, "C-17"), (unmarked, "C-17"), (unmarked, "C-18")):
        assert p_value(wrong[0], keys[wrong[1]]) > 0.01


def test_every_sequence_of_a_request_has_its_campaign(model):
    from gauger.gateway.transformers import CampaignWatermark

    keys = {"C-17": key_at_work("C-17", "kgw", 1)}
    texts = generated(model, CampaignWatermark(["C-17", None], keys), n=2, num_return_sequences=8)
    assert p_value(texts[:8], keys["C-17"]) == 0.001
    assert p_value(texts[8:], keys["C-17"]) > 0.01


def test_temperature_and_top_k_come_before_the_choice_of_gumbel(model):
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper

    from gauger.gateway.transformers import CampaignWatermark

    keys = {"C-17": key_at_work("C-17", "gumbel", 1)}
    mark = CampaignWatermark(["C-17"] * N, keys, before=[TemperatureLogitsWarper(0.5), TopKLogitsWarper(1)])
    ids = torch.randint(0, VOCABULARY, (N, 7))
    logits = torch.randn(N, VOCABULARY)
    assert (mark(ids, logits).argmax(dim=1) == logits.argmax(dim=1)).all()


def test_rows_of_nobody_are_left_as_they_are(model):
    import torch

    from gauger.gateway.transformers import CampaignWatermark

    mark = CampaignWatermark([None, "C-17"], {"C-17": key_at_work("C-17", "kgw", 1)})
    logits = torch.randn(2, VOCABULARY)
    found = mark(torch.randint(0, VOCABULARY, (2, 4)), logits)
    assert (found[0] == logits[0]).all()
    assert (found[1] != logits[1]).any()


def test_rows_that_do_not_fit_are_refused(model):
    import torch

    from gauger.gateway.transformers import CampaignWatermark

    with pytest.raises(UsageError, match="no key of C-99"):
        CampaignWatermark(["C-99"], {})
    with pytest.raises(UsageError, match="3 sequences for 2 campaigns"):
        CampaignWatermark([None, None], {})(torch.zeros(3, 4, dtype=torch.long), torch.zeros(3, VOCABULARY))
