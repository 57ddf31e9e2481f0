"""A student that begins with weights of the user's: a model of Transformers on this disk, which learns the task.

The task's tokens take the place of the model's first ones (in GPT-2's vocabulary, single characters), so what it brings
with it is its layers, not its language. Needs the extra `transformers`.
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gauger.lab.distil.task import VOCABULARY
from gauger.sources.local_models import load_weights


class Pretrained(nn.Module):  # type: ignore[misc]
    """A causal model of Transformers with the task's vocabulary.

    Parameters
    ----------
    model
        Of `AutoModelForCausalLM`; its vocabulary is cut.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.float()
        self.model.resize_token_embeddings(VOCABULARY, mean_resizing=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return float32[n, t, VOCABULARY], logits of the token behind each of int64[n, t]."""
        said: Tensor = self.model(input_ids=tokens, use_cache=False).logits
        return said

    def extended(self, tokens: Tensor, caches: Any) -> tuple[Tensor, Any]:
        """Return the logits of further tokens behind those that are in the caches, and the caches with them."""
        said = self.model(input_ids=tokens, past_key_values=caches, use_cache=True)
        return said.logits, said.past_key_values

    def train(self, mode: bool = True) -> "Pretrained":  # noqa: FBT001, FBT002 - PyTorch's own signature
        """Leave dropout off, in training too: the same seed is to give the same weights."""
        del mode
        super().train(mode=False)
        return self


def pretrained(folder: Path) -> Pretrained:
    """Return a student with the weights of a folder, as `save_pretrained` writes it.

    Raises
    ------
    UsageError
        The extra is not installed.
    InputError
        The folder cannot be loaded (`gauger.sources.local_models.load_weights`).
    """
    return Pretrained(load_weights(folder))
