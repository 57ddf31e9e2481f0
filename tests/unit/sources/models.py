"""A tiny model of Transformers in a folder, made of a configuration: no weights come from anywhere."""

from pathlib import Path

from gauger.sources.local_models import Sampling

WORDS = [f"w{number}" for number in range(60)]
END, N_POSITIONS = "</s>", 128
TEMPLATE = "{% for one in messages %}{{ one.role }} {{ one.content }} {% endfor %}w0 w1"


def write_model(
    folder: Path, *, template: str | None = None, seed: int = 1, ends: bool = False, n_positions: int = N_POSITIONS
) -> Path:
    """Write a GPT-2 of one layer that speaks words, with its tokenizer; with `ends` it may end what it says."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*WORDS, "user", "system", "?", END])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?", eos_token=END)
    fast.chat_template = template
    fast.save_pretrained(folder)
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    size = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": n_positions}
    config = GPT2Config(vocab_size=len(vocabulary), bos_token_id=None, eos_token_id=None, **size)
    if ends:
        config.eos_token_id = vocabulary[END]
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def sampling(**more: object) -> Sampling:
    """How the tests ask, unless they say otherwise."""
    return Sampling(**({"interface": "chat", "max_tokens": 12, "temperature": None, "seed": 3} | more))
