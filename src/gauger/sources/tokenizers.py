"""Text to the token ids of a model, by its own `tokenizer.json`. Needs the extra `proof`."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from gauger.errors import InputError, UsageError

Encode = Callable[[str], list[int]]


def load_tokenizer(path: Path) -> Encode:
    """Return what turns text into token ids, without the marks of beginning and end.

    Raises
    ------
    UsageError
        The extra `proof` is not installed.
    InputError
        The file cannot be read, or is no tokenizer.
    """
    if importlib.util.find_spec("tokenizers") is None:
        raise UsageError(
            "text needs the package tokenizers", where="--tokenizer", todo="install it: pip install 'gauger[proof]'"
        )
    from tokenizers import Tokenizer  # noqa: PLC0415 - an extra

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the tokenizer cannot be read: {error.strerror}", where=str(path)) from error
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except (ValueError, TypeError) as error:
        raise InputError("this is no tokenizer", where=str(path), todo="give the tokenizer.json of a model") from error
    # Truncation and padding are for training; a cut answer would be scored in part.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids)
